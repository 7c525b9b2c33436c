/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams whose tables hardware walks: see smmuv3_rig.h. The mock hardware keeps everything until
 * it is invalidated. So a missing invalidation is found at once, even if no access meets the entry.
 */
#include "smmuv3_rig.h"

#include <errno.h>
#include <string.h>

static struct smmu_device *theirs_of(struct rig *rig, unsigned int n)
{
	struct smmu_device *theirs = mock_smmu_find(rig->hard, rig->model->stream[n].sid);

	fuzz_must(theirs);
	return theirs;
}

/* The guest's commands go to the hardware unmodified. The library's call has returned. */
void rig_invalidated(void *ctx, const uint64_t command[2], bool by_address)
{
	const bool by_asid = (command[0] & 0xff) == 0x11 || (command[0] & 0xff) == 0x12;
	struct rig *rig = ctx;

	for (unsigned int i = 0; rig->hard && i < rig->hard->translations; i++) {
		struct smmu_translation *kept = &rig->hard->tlb[i];

		if (by_asid && command[0] >> 48 != kept->asid)
			continue;
		if (!by_address || model_names(command, kept->granule, kept->level, kept->iova))
			kept->stale = true;
	}
}

static void check_kept(struct rig *rig)
{
	const struct mock_smmu *hard = rig->hard;

	for (unsigned int i = 0; mock_smmu_spaces(hard) && i < hard->translations; i++)
		if (hard->tlb[i].stale)
			fuzz_wrong("IOVA %#" PRIx64 " of ASID %u is kept, and was invalidated", hard->tlb[i].iova, hard->tlb[i].asid);
}

static void check_entry(struct rig *rig, unsigned int n)
{
	struct model_stream *stream = &rig->model->stream[n];
	const struct smmu_device *theirs = theirs_of(rig, n);

	fuzz_must(rig->stream[n].attached == (theirs->mock.space != NULL));
	if (!theirs->mock.space)
		return;
	for (unsigned int i = 0; i < 2; i++)
		if (smmu_space_of(theirs)->ste[i] != stream->ste[i])
			fuzz_wrong("word %u of the entry of stream %#x is %#" PRIx64 ", should be %#" PRIx64, i, stream->sid, smmu_space_of(theirs)->ste[i],
				   stream->ste[i]);
	if (stream->read_anew && theirs->has_cd)
		fuzz_wrong("the descriptor of stream %#x is kept, and was invalidated", stream->sid);
}

void rig_check_hardware(struct rig *rig)
{
	const struct smmu_space *used[STREAMS];
	unsigned int spaces = 0, plugged = 0;

	for (unsigned int n = 0; n < STREAMS; n++) {
		struct model_stream *stream = &rig->model->stream[n];
		const struct smmu_space *space;
		unsigned int i = 0;

		if (!stream->plugged || !stream->hardware)
			continue;
		check_entry(rig, n);
		stream->read_anew = false;
		plugged++;
		space = smmu_space_of(theirs_of(rig, n));
		while (i < spaces && used[i] != space)
			i++;
		if (space && i == spaces)
			used[spaces++] = space;
	}
	fuzz_must(mock_smmu_spaces(rig->hard) == spaces && !rig->hard->mock.breaches);
	fuzz_must(plugged == rig->hard->mock.devices);
	check_kept(rig);
}

static const struct smmu_translation *find_kept(const struct mock_smmu *hard, const uint64_t cd[8], uint64_t iova)
{
	const uint64_t page = naive_arm64_untagged(cd, iova) & ~(PAGE - 1);

	for (unsigned int i = 0; i < hard->translations; i++)
		if (hard->tlb[i].asid == cd[0] >> 48 && hard->tlb[i].iova == page)
			return &hard->tlb[i];
	return NULL;
}

/* The result of stage 1: a GPA and rights, or the event; 0: no event. */
static unsigned int in_stage1(struct rig *rig, unsigned int n, uint64_t iova, uint32_t *rights, uint64_t *gpa)
{
	const struct smmu_device *theirs = theirs_of(rig, n);
	const struct smmu_translation *kept;
	struct arm64_answer answer = { .outcome = ARM64_BAD_CONTEXT };
	unsigned int granule, event;
	uint64_t cd[8];

	if (theirs->has_cd)
		memcpy(cd, theirs->cd, sizeof(cd));
	else if (!model_load(rig->model, rig->model->stream[n].cd_at, cd, 8))
		return 0x09;
	event = model_hardware_walk(rig->model, cd, iova, &answer, &granule);
	kept = event == 0x0a ? NULL : find_kept(rig->hard, cd, iova);
	if (kept) {
		*gpa = kept->gpa + (iova & (PAGE - 1));
		*rights = (kept->readable ? VIOMMU_READ : 0) | (kept->writable ? VIOMMU_WRITE : 0);
		return 0;
	}
	if (event)
		return event;
	*gpa = answer.address;
	*rights = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0);
	return 0;
}

void rig_access_hardware(struct rig *rig, unsigned int n, uint64_t iova, uint32_t access)
{
	const struct model_stream *stream = &rig->model->stream[n];
	const unsigned char *expected = NULL, *reached;
	unsigned int event = 0, found;
	uint32_t rights = VIOMMU_RW;
	uint64_t gpa = iova;
	bool writable;

	if (rig->stream[n].attached && stream->kind == MODEL_STAGE1)
		event = in_stage1(rig, n, iova, &rights, &gpa);
	if (!event && access & ~rights)
		event = 0x13;
	if (rig->stream[n].attached && !event)
		expected = naive_byte(rig->model->memory, gpa, &writable);
	if (expected && access & VIOMMU_WRITE && !writable)
		expected = NULL;
	reached = mock_smmu_access(rig->hard, theirs_of(rig, n), iova, access, &found);
	if (reached != expected || found != event)
		fuzz_wrong("stream %#x, IOVA %#" PRIx64 ": %s, with event %#x; should be %s, with event %#x", stream->sid, iova,
			   reached ? "memory is reached" : "nothing is reached", found, expected ? "this memory" : "nothing", event);
}

void rig_record_anything(struct rig *rig, struct input *input)
{
	struct mock_smmu *hard = rig->hard;
	unsigned int byte = input_byte(input);
	struct smmu_event event = { .record = { input_byte(input) | (uint64_t)rig->model->stream[byte & 3].sid << 32 }, .lost = byte & 4 };

	/* A record of an unknown stream; a record that only reports lost ones. */
	if (byte & 8)
		event.record[0] = input_take(input, 8);
	else if (byte & 16)
		event = (struct smmu_event){ .lost = true };
	if (hard->events < SMMU_EVENTS)
		hard->event[hard->events++] = event;
}

void rig_take_events(struct rig *rig)
{
	struct mock_smmu *hard = rig->hard;
	unsigned int events = hard->events, fails = hard->guest ? (unsigned int)hard->mock.fail[MOCK_EVENT].at : 0, taken;
	struct {
		bool recorded;
		uint64_t at;
		struct smmu_event event;
	} expected[SMMU_EVENTS];
	int ret;

	/* One more call reports that there are no more. */
	if (fails > events + 1)
		fails = 0;
	taken = fails ? fails - 1 : events;
	for (unsigned int i = 0; i < taken; i++)
		expected[i].event = hard->event[i];
	ret = viommu_nest_events(rig->vm, &hard->mock.host);
	fuzz_must(ret == (fails ? -EIO : 0) && hard->events == events - taken);
	for (unsigned int i = 0; i < taken; i++) {
		expected[i].recorded = model_record_hardware(rig->model, expected[i].event.record, expected[i].event.lost, &expected[i].at);
		/* With an illegal CONS the queue wraps and is never full. */
		for (unsigned int n = 0; expected[i].recorded && n < i; n++)
			expected[n].recorded &= expected[n].at != expected[i].at;
	}
	for (unsigned int i = 0; i < taken; i++)
		if (expected[i].recorded)
			rig_expect_record(rig, expected[i].at, expected[i].event.record);
	rig_check(rig);
}
