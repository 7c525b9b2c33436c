/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The numbers on the board. A stream is there what a function of s390x is, its StreamID the handle. A refresh is one that commands have asked for, or what a device
 * that was told to work had to look for.
 */
#include "check_board.h"

#include "timing.h"

/* IOVAs below this have TTB0. */
#define FIRST_HALF ((UINT64_C(1) << 48) - 1)

static void most(uint64_t *peak, uint64_t value)
{
	if (value > live_get(peak))
		live_set(peak, value);
}

void check_board_begin(struct check_board *board, struct viommu_vm *vm, struct viommu_smmuv3 *smmu, uint64_t guest_bytes)
{
	struct live_numbers *numbers = &board->board->numbers;

	board->vm = vm;
	board->smmu = smmu;
	live_set(&numbers->guest_bytes, guest_bytes);
	live_set(&numbers->guest, LIVE_GUEST_RUNNING);
	live_set(&numbers->available[LIVE_ANSWER], 1);
	live_set(&numbers->available[LIVE_SHADOW], 1);
	live_set(&numbers->checking, 1);
}

/* Takes over what the stream has now; returns what pages came and went. */
static void look(struct checked_stream *stream, uint64_t *established, uint64_t *released)
{
	struct viommu_domain_stats now = { .size = sizeof(now) };
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_stats(stream->device, &now);
	viommu_smmuv3_device_info(stream->device, &info);
	/* Another domain counts from 0, and what the one before had is gone. */
	if (now.established < stream->stats.established || now.released < stream->stats.released) {
		*released += stream->stats.mapped_pages;
		stream->stats = (struct viommu_domain_stats){ 0 };
	}
	*established += now.established - stream->stats.established;
	*released += now.released - stream->stats.released;
	stream->stats = now;
	stream->info = info;
}

static void count_stream(struct checked_stream *stream)
{
	struct live_function *numbers = stream->numbers;
	bool translates = stream->info.stream == VIOMMU_SMMUV3_STREAM_STAGE1, direct = stream->info.stream == VIOMMU_SMMUV3_STREAM_BYPASS;
	enum live_function_state state = translates || direct ? LIVE_FUNCTION_ENABLED : LIVE_FUNCTION_DISABLED;

	live_set(&numbers->registered, translates || direct);
	live_set(&numbers->direct, direct);
	live_set(&numbers->pba, 0);
	live_set(&numbers->pal, FIRST_HALF);
	live_set(&numbers->iota, translates ? stream->info.ttb[0] : 0);
	live_set(&numbers->mapped_pages, stream->stats.mapped_pages);
	most(&numbers->mapped_pages_peak, stream->stats.mapped_pages);
	live_set(&numbers->pinned_bytes, stream->stats.mapped_pages * VIOMMU_PAGE_SIZE);
	__atomic_store_n(&numbers->state, state, __ATOMIC_RELEASE);
}

void check_board_add(struct check_board *board, struct checked_stream *stream)
{
	size_t at = board->stream_count++, i;

	stream->numbers = at < LIVE_FUNCTIONS ? &board->board->numbers.functions[at] : &board->beyond;
	for (i = 0; i < sizeof(stream->numbers->name) && i < sizeof(stream->name); i++)
		stream->numbers->name[i] = stream->name[i];
	live_set(&stream->numbers->fh, stream->sid);
	live_set(&stream->numbers->fid, stream->sid);
	live_add(&stream->numbers->pluggings, 1);
	stream->told = VIOMMU_SMMUV3_STREAM_BYPASS + 1;
	look(stream, &(uint64_t){ 0 }, &(uint64_t){ 0 });
	count_stream(stream);
}

static void look_at_all(struct checked_stream *streams, size_t count, struct checked_operation *done)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint64_t established = 0, released = 0;

		look(&streams[i], &established, &released);
		live_add(&streams[i].numbers->established, established);
		live_add(&streams[i].numbers->released, released);
		done->established += established;
		done->released += released;
	}
}

void check_board_wrote(struct check_board *board, struct checked_stream *streams, size_t count, struct checked_operation *done)
{
	(void)board;
	look_at_all(streams, count, done);
}

static enum live_kind kind_of(const struct checked_operation *done)
{
	const struct invalids *invalids = done->observation->invalids;

	if (invalids && invalids->whole)
		return LIVE_WHOLE;
	if (done->established)
		return done->released ? LIVE_BOTH : LIVE_MAP;
	return done->released ? LIVE_UNMAP : LIVE_NOTHING;
}

static void count_refresh(struct check_board *board, struct checked_stream *streams, size_t count, const struct checked_operation *done)
{
	struct live_numbers *numbers = &board->board->numbers;
	const struct observation *observation = done->observation;
	enum live_kind kind = kind_of(done);
	size_t i;

	live_add(&numbers->refreshes[kind], 1);
	for (i = 0; i < count; i++) {
		if (observation->operation.kind == CAPTURE_KICK && streams[i].sid != observation->operation.kick.sid)
			continue;
		live_add(&streams[i].numbers->refreshes[kind], 1);
	}
	live_histogram_add(&numbers->times[kind][LIVE_LIBRARY], done->library_ns);
	/* What QEMU takes to consume a command is not seen. */
	if (observation->operation.kind == CAPTURE_KICK)
		live_histogram_add(&numbers->times[kind][LIVE_QEMU_WALKER], observation->qemu_ns);
}

void check_board_count(struct check_board *board, struct checked_stream *streams, size_t count, struct checked_operation *done)
{
	struct live_numbers *numbers = &board->board->numbers;
	const struct invalids *invalids = done->observation->invalids;
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	struct checked_operation later = { .observation = done->observation };
	uint64_t mapped = 0;
	size_t i;

	/* What accesses look for behind a command was not the command's work. */
	look_at_all(streams, count, done->observation->operation.kind == CAPTURE_KICK ? done : &later);
	live_add(&numbers->established, done->established + later.established);
	live_add(&numbers->released, done->released + later.released);
	if (invalids) {
		live_add(&numbers->invalidations, invalids->invalidations);
		live_add(&numbers->configs, invalids->configs);
	}
	live_add(done->observation->operation.kind == CAPTURE_KICK ? &numbers->kicks : &numbers->writes, 1);
	if (done->observation->operation.kind == CAPTURE_KICK || (invalids && invalids->invalidations))
		count_refresh(board, streams, count, done);
	for (i = 0; i < count; i++) {
		count_stream(&streams[i]);
		mapped += streams[i].stats.mapped_pages;
	}
	viommu_vm_stats(board->vm, &stats);
	live_set(&numbers->mapped_pages, mapped);
	most(&numbers->mapped_pages_peak, mapped);
	live_set(&numbers->pinned_bytes, stats.pinned_bytes);
	live_set(&numbers->pinned_bytes_peak, stats.pinned_bytes_peak);
	live_set(&numbers->shadow_bytes, stats.shadow_bytes);
	live_set(&numbers->shadow_bytes_peak, stats.shadow_bytes_peak);
	live_add(&numbers->watch_ns, done->observation->watch_ns);
	live_set(&numbers->updated, timing_now());
}

bool check_board_state_is_new(struct checked_stream *stream)
{
	bool is_new = stream->told != stream->info.stream + 1 || stream->told_ttb != stream->info.ttb[0];

	stream->told = stream->info.stream + 1;
	stream->told_ttb = stream->info.ttb[0];
	return is_new;
}

const char *check_board_state(const struct checked_stream *stream)
{
	switch (stream->info.stream) {
	case VIOMMU_SMMUV3_STREAM_BYPASS:
		return "reaches all of memory";
	case VIOMMU_SMMUV3_STREAM_STAGE1:
		return "is translated by tables of its own";
	case VIOMMU_SMMUV3_STREAM_FAULTY:
		return "is not configured: what it accesses is an error";
	default:
		return "reaches nothing";
	}
}
