/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See smmuv3_rig.h. */
#include "smmuv3_rig.h"

#include <errno.h>
#include <string.h>

/*
 * Of the indexes that the guest moves, what is above the wrap bit means nothing; of the SMMU's it
 * is zero (sections 6.3.28 and 6.3.95).
 */
static uint32_t telling_bits(const struct model_smmu *model, uint32_t offset)
{
	uint64_t base = offset == 0x98 ? model->cmdq_base : model->eventq_base, most = offset == 0x98 ? 12 : 11;
	uint32_t wrap = (2u << ((base & 31) > most ? most : base & 31)) - 1;

	switch (offset) {
	case 0x98:
		return wrap;
	case 0x100ac:
		return wrap | 0x80000000;
	default:
		return UINT32_MAX;
	}
}

static void check_registers(struct rig *rig)
{
	static const uint32_t offsets[] = { 0x0c, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x40, 0x44, 0x50, 0x54,	   0x60,   0x64,
					    0x80, 0x84, 0x88, 0x90, 0x94, 0x98, 0x9c, 0xa0, 0xa4, 0x100a8, 0x100ac };
	const struct model_smmu *model = rig->model;

	for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint32_t bits = telling_bits(model, offsets[i]), expected = model_read(model, offsets[i]) & bits;
		uint64_t value;

		fuzz_must(!viommu_smmuv3_read(rig->smmu, offsets[i], 4, &value) && !(value >> 32));
		if ((value & bits) != expected)
			fuzz_wrong("register %#x is %#" PRIx64 ", should be %#" PRIx32, offsets[i], value & bits, expected);
	}
}

static void check_info(struct rig *rig)
{
	const struct model_smmu *model = rig->model;
	struct viommu_smmuv3_info info = { .size = sizeof(info) };
	unsigned int plugged = 0;

	viommu_smmuv3_info(rig->smmu, &info);
	for (unsigned int i = 0; i < STREAMS; i++)
		plugged += model->stream[i].plugged;
	fuzz_must(info.devices == plugged && info.cr0 == model->cr0 && info.gerror == (model->gerror ^ model->gerrorn));
	fuzz_must(info.commands == model->commands && info.syncs == model->syncs && info.configs == model->configs);
	fuzz_must(info.invalidations == model->invalidations && info.errors == model->errors);
	if (info.events != model->events || info.events_lost != model->events_lost)
		fuzz_wrong("%" PRIu64 " events, and %" PRIu64 " lost; should be %" PRIu64 " and %" PRIu64, info.events, info.events_lost, model->events,
			   model->events_lost);
	if (rig->irqs != model->irqs || rig->irq_calls != (unsigned int)__builtin_popcount(rig->irqs))
		fuzz_wrong("interrupts %#x in %u calls, should be %#x", rig->irqs, rig->irq_calls, model->irqs);
}

bool rig_is_large(struct rig *rig, const struct model_context *context)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.shadow_bytes_peak > SHADOW_BYTES / 2 || model_entries(rig->model, context, REFRESH_ENTRIES / 4) > REFRESH_ENTRIES / 4;
}

static bool is_alike(const struct model_stream *a, const struct model_stream *b)
{
	if (!a->plugged || !b->plugged || a->kind != b->kind || a->hardware != b->hardware)
		return false;
	if (a->hardware)
		return !memcmp(a->ste, b->ste, sizeof(a->ste));
	return a->kind == MODEL_BYPASS || !memcmp(a->cd, b->cd, sizeof(a->cd));
}

static void check_stream(struct rig *rig, unsigned int n)
{
	static const uint32_t kinds[] = { VIOMMU_SMMUV3_STREAM_ABORT, VIOMMU_SMMUV3_STREAM_BYPASS, VIOMMU_SMMUV3_STREAM_STAGE1, VIOMMU_SMMUV3_STREAM_FAULTY };
	const struct model_stream *model = &rig->model->stream[n];
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };
	struct rig_stream *stream = &rig->stream[n];
	bool wants = model->kind == MODEL_BYPASS || model->kind == MODEL_STAGE1;
	unsigned int alike = 0;

	viommu_smmuv3_device_info(stream->device, &info);
	stream->attached = info.sharing;
	fuzz_must(info.sid == model->sid && info.hardware == model->hardware);
	/*
	 * That tables are at an illegal place is detected when the target is made. A failure may
	 * have prevented that.
	 */
	if (model->kind == MODEL_FAULTY && model->late && info.stream == VIOMMU_SMMUV3_STREAM_STAGE1 && !info.sharing && (rig->failing || stream->excused)) {
		stream->excused = true;
		return;
	}
	if (info.stream != kinds[model->kind] || (model->kind == MODEL_FAULTY && info.event != model->event))
		fuzz_wrong("stream %#x is %u (%#x), should be %u (%#x)", model->sid, info.stream, info.event, kinds[model->kind], model->event);
	if (model->kind == MODEL_STAGE1)
		fuzz_must(info.cd_gpa == model->cd_at && info.asid == model->cd[0] >> 48);
	for (unsigned int i = 0; i < STREAMS; i++)
		alike += is_alike(model, &rig->model->stream[i]);
	if (!wants) {
		fuzz_must(!info.sharing);
		stream->excused = false;
		return;
	}
	if (!info.sharing) {
		bool large = model->kind == MODEL_STAGE1 && !model->hardware && rig_is_large(rig, model_context_of(rig->model, model));

		/* Each CMD_SYNC tries to attach devices on hardware. */
		if (model->hardware && rig->syncs != rig->model->syncs)
			stream->excused = false;
		stream->excused |= rig->failing || (rig->tight && !model->hardware) || large;
		if (!stream->excused)
			fuzz_wrong("stream %#x has no target, and no reason: CD %#" PRIx64 ", TTB0 %#" PRIx64, model->sid, model->cd[0], model->cd[1]);
		return;
	}
	stream->excused = false;
	fuzz_must(info.sharing <= alike);
	for (unsigned int i = 0; i < STREAMS && info.sharing < alike; i++)
		if (is_alike(model, &rig->model->stream[i]) && (rig->stream[i].excused || rig->failing))
			alike = info.sharing;
	fuzz_must(info.sharing == alike);
}

struct report {
	struct model_kept page[MOST_PAGES];
	unsigned int pages;
	bool full;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct report *report = ctx;

	fuzz_must(!(run->first & (PAGE - 1)) && (run->last & (PAGE - 1)) == PAGE - 1 && run->first <= run->last && !(run->gpa & (PAGE - 1)));
	fuzz_must(run->prot == VIOMMU_READ || run->prot == VIOMMU_RW);
	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE) {
		if (report->pages == MOST_PAGES) {
			report->full = true;
			return 1;
		}
		report->page[report->pages++] =
			(struct model_kept){ .iova = run->first + at, .gpa = run->gpa + at, .writable = run->prot == VIOMMU_RW, .levels = 0 };
	}
	return 0;
}

/* Each page was in use before, and may still be; or it is in the tables now. */
static void justify(struct rig *rig, struct model_context *context, struct report *report)
{
	unsigned int old = 0;

	for (unsigned int i = 0; i < report->pages; i++) {
		struct model_kept *page = &report->page[i];
		struct arm64_answer answer = model_walk(rig->model, context, page->iova);
		bool slot_writable = false;

		while (old < context->pages && context->kept[old].iova < page->iova)
			old++;
		if (old < context->pages && context->kept[old].iova == page->iova && context->kept[old].gpa == page->gpa &&
		    context->kept[old].writable == page->writable)
			page->levels = context->kept[old].levels;
		if (answer.outcome == ARM64_IS_PAGE && answer.readable && answer.address == page->gpa &&
		    naive_byte(rig->model->memory, page->gpa, &slot_writable) && page->writable == (answer.writable && slot_writable))
			page->levels |= (uint8_t)((answer.entry >> 11 & 1 ? 1u : GLOBAL) << answer.arm_level);
		if (!page->levels)
			fuzz_wrong("IOVA %#" PRIx64 " leads to %#" PRIx64 "%s, which the tables do not say, nor said since they were invalidated", page->iova,
				   page->gpa, page->writable ? "" : " (read only)");
	}
	memcpy(context->kept, report->page, report->pages * sizeof(report->page[0]));
	context->pages = report->pages;
}

static void check_bypass(const struct report *report)
{
	for (unsigned int i = 0; i < report->pages; i++)
		fuzz_must(report->page[i].iova == report->page[i].gpa);
}

/* The device reaches the reported pages. */
static void check_reached(struct rig *rig, unsigned int n, const struct report *report)
{
	struct rig_stream *stream = &rig->stream[n];
	struct viommu_piece piece;
	uint64_t bytes;

	for (unsigned int i = 0; i < report->pages; i++) {
		const struct model_kept *page = &report->page[i];

		fuzz_must(viommu_translate(stream->reader, page->iova, PAGE, page->writable ? VIOMMU_RW : VIOMMU_READ, &piece, 1, &bytes, NULL) == 1);
		fuzz_must(bytes == PAGE && piece.hva == world_at(rig->world, page->gpa));
		if (!page->writable)
			fuzz_must(viommu_translate(stream->reader, page->iova, 1, VIOMMU_WRITE, &piece, 1, &bytes, NULL) == -EFAULT);
		if (i % 7 == 0)
			stream->was[stream->wases++ % REMEMBERED] = page->iova;
	}
	for (unsigned int i = 0; i < REMEMBERED && i < stream->wases; i++) {
		bool reported = false;

		for (unsigned int p = 0; p < report->pages && !reported; p++)
			reported = report->page[p].iova == stream->was[i];
		if (!reported)
			fuzz_must(viommu_translate(stream->reader, stream->was[i], 1, VIOMMU_READ, &piece, 1, &bytes, NULL) == -EFAULT);
	}
}

/* Of all spaces that devices are attached to, and of those whose streams have none. */
static void check_host(struct rig *rig, uint64_t reported)
{
	uint64_t mapped = 0;

	if (!rig->mock)
		return;
	for (struct mock_space *space = rig->mock->spaces; space; space = space->next) {
		fuzz_must(!space->unflushed.number);
		mapped += mock_pages(rig->mock, space);
	}
	if (mapped != reported)
		fuzz_wrong("the host holds %" PRIu64 " pages, %" PRIu64 " are reported", mapped, reported);
	if (rig->mock->breaches)
		fuzz_wrong("%s", rig->mock->breach);
}

static void check_pins(struct rig *rig, const bool named[WORLD_PAGES], bool whole)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t pages = 0, all = 0;

	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		pages += named[i];
	for (unsigned int i = 0; i < rig->world->memory.count; i++)
		all += rig->world->slot[i].bytes / PAGE;
	viommu_vm_stats(rig->vm, &stats);
	/* A device that was refused may have got that far. */
	if (rig->pinned == RIG_MAYBE_PINNED && !whole && pages != all)
		rig->pinned = stats.pinned_bytes == all * PAGE ? RIG_PINNED : RIG_NOT_PINNED;
	if (whole || rig->pinned == RIG_PINNED)
		pages = all;
	if (stats.pinned_bytes != pages * PAGE)
		fuzz_wrong("%" PRIu64 " pages are charged, %" PRIu64 " should be", stats.pinned_bytes / PAGE, pages);
	fuzz_must(stats.shadow_bytes <= SHADOW_BYTES);
}

/* The model's TLB keeps nothing for contexts without a stream. */
static void drop_contexts(struct model_smmu *model)
{
	bool used[CONTEXTS] = { false };

	for (unsigned int i = 0; i < STREAMS; i++)
		if (model->stream[i].plugged && !model->stream[i].hardware && model->stream[i].kind == MODEL_STAGE1)
			used[model_context_of(model, &model->stream[i]) - model->context] = true;
	for (unsigned int i = 0; i < CONTEXTS; i++)
		model->context[i].used = used[i];
}

void rig_check(struct rig *rig)
{
	static struct report report[STREAMS];
	bool named[WORLD_PAGES] = { false }, whole = false;
	uint64_t reported = 0;

	check_registers(rig);
	check_info(rig);
	for (unsigned int n = 0; n < STREAMS; n++)
		if (rig->model->stream[n].plugged)
			check_stream(rig, n);
	for (unsigned int n = 0; n < STREAMS; n++) {
		const struct model_stream *model = &rig->model->stream[n];
		unsigned int first = n;

		report[n].pages = 0;
		if (!model->plugged)
			continue;
		viommu_smmuv3_device_each_run(rig->stream[n].device, 0, UINT64_MAX, take_run, &report[n]);
		fuzz_must((rig->stream[n].attached && !model->hardware) || !report[n].pages);
		if (model->hardware)
			continue;
		if (report[n].full) {
			rig->full = true;
			report[n].full = false;
			return;
		}
		/* Streams of one target report the same. */
		for (unsigned int i = 0; i < n && first == n && rig->stream[n].attached; i++)
			if (rig->stream[i].attached && is_alike(model, &rig->model->stream[i]))
				first = i;
		if (first < n)
			fuzz_must(report[n].pages == report[first].pages);
		else
			reported += report[n].pages;
		if (model->kind == MODEL_STAGE1 && rig->stream[n].attached)
			justify(rig, model_context_of(rig->model, model), &report[n]);
		else
			check_bypass(&report[n]);
		whole |= model->kind == MODEL_BYPASS && rig->stream[n].attached;
		for (unsigned int i = 0; i < report[n].pages; i++) {
			fuzz_must(world_page(rig->world, report[n].page[i].gpa) < WORLD_PAGES);
			named[world_page(rig->world, report[n].page[i].gpa)] = true;
		}
		check_reached(rig, n, &report[n]);
	}
	check_host(rig, reported);
	if (rig->hard)
		rig_check_hardware(rig);
	check_pins(rig, named, whole);
	drop_contexts(rig->model);
	rig->irqs = rig->irq_calls = rig->model->irqs = 0;
	rig->syncs = rig->model->syncs;
}
