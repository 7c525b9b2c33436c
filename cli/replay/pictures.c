// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines of JSON for the drawing program. They are written as text, since jansson's integers end at
 * 2^63 - 1; no string comes from outside. A map: one object with numbers; then for each function an
 * object "view" and arrays, each of which begins with what it is: "runs" (first and last IOVA, GPA,
 * whether writable), "tables" (level, first and last GPA), and what the guest IOMMU notes of its
 * last refresh. A timeline: an object for each record that may have changed something, and "end".
 */
#include "pictures.h"

#include <inttypes.h>

#include "view.h"

#define PANELS 16u /* functions that are drawn; the others are counted */

bool replay_pictures_begin(struct replay_pictures *pictures, const struct replay *replay)
{
	*pictures = (struct replay_pictures){ .map = replay->options->svg };
	return !replay->options->timeline || cli_draw_begin(&pictures->timeline, replay->options->timeline, replay->path);
}

static bool is_direct(const struct replay *replay)
{
	struct replay_aperture aperture = { .direct = false };

	for (unsigned int i = 0; i < replay->function_count && !aperture.direct; i++)
		replay->iommu->aperture(&replay->functions[i], &aperture);
	return aperture.direct;
}

static const char *refresh_kind(const struct replay_operation *operation, bool whole)
{
	if (whole)
		return "whole";
	if (operation->established)
		return operation->released ? "both" : "map";
	return operation->released ? "unmap" : "same";
}

static uint64_t errors(const struct replay_counts *counts)
{
	return counts->events + counts->exceptions + counts->command_errors;
}

static void put_counts(FILE *to, const struct replay_pictures *pictures, const struct replay_counts *counts)
{
	if (counts->insufficient_resources != pictures->before.insufficient)
		fprintf(to, ",\"short\":%" PRIu64, counts->insufficient_resources - pictures->before.insufficient);
	if (errors(counts) != pictures->before.errors)
		fprintf(to, ",\"errors\":%" PRIu64, errors(counts) - pictures->before.errors);
	fprintf(to, "}\n");
}

/*
 * The state after an operation, or after another record where operation is NULL. Zeros are left
 * out.
 */
static void note(struct replay_pictures *pictures, const struct replay *replay, const struct replay_operation *operation)
{
	const struct replay_counts *counts = &replay->counts;
	FILE *to = pictures->timeline.to;

	if (!to)
		return;
	if (!pictures->before.any)
		fprintf(to, "{\"picture\":\"timeline\",\"function\":\"%s\"}\n", replay->iommu->function);
	fprintf(to, "{\"mapped\":%" PRIu64 ",\"pinned\":%" PRIu64, counts->mapped_pages * VIOMMU_PAGE_SIZE, counts->pinned_bytes);
	if (is_direct(replay))
		fprintf(to, ",\"direct\":1");
	if (operation) {
		fprintf(to, ",\"operation\":%" PRIu64, counts->operations);
		if (operation->record.time.known)
			fprintf(to, ",\"ns\":%" PRIu64, operation->record.time.ns);
		if (replay->iommu->instructions[operation->instruction].changes_state)
			fprintf(to, ",\"state\":1");
		if (counts->refreshes != pictures->before.refreshes)
			fprintf(to, ",\"kind\":\"%s\",\"refreshes\":%" PRIu64,
				refresh_kind(operation, counts->global_refreshes != pictures->before.global_refreshes),
				counts->refreshes - pictures->before.refreshes);
	}
	put_counts(to, pictures, counts);
	pictures->before.any = true;
	pictures->before.refreshes = counts->refreshes;
	pictures->before.global_refreshes = counts->global_refreshes;
	pictures->before.insufficient = counts->insufficient_resources;
	pictures->before.errors = errors(counts);
}

void replay_pictures_before(struct replay_pictures *pictures, struct replay *replay, const struct capture_record *record)
{
	if (pictures->map && replay->iommu->note_before)
		replay->iommu->note_before(replay, record);
}

void replay_pictures_after(struct replay_pictures *pictures, struct replay *replay, const struct capture_record *record)
{
	bool operation = capture_is_operation(record->kind);

	if (pictures->map && operation && replay->iommu->note_after)
		replay->iommu->note_after(replay);
	/* Stores change no translation until they are refreshed. */
	if (record->kind != CAPTURE_MEM)
		note(pictures, replay, operation ? &replay->operation : NULL);
}

void replay_pictures_compared(struct replay_pictures *pictures, const struct replay *replay)
{
	if (replay->iommu->accesses)
		note(pictures, replay, NULL);
}

void replay_put_run(FILE *to, const char *what, const struct viommu_run *run)
{
	fprintf(to, "[\"%s\",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d]\n", what, run->first, run->last, run->gpa, !!(run->prot & VIOMMU_WRITE));
}

struct run_sink {
	FILE *to;
	unsigned int left; /* that may still be written */
};

static int put_run(void *ctx, const struct viommu_run *run)
{
	struct run_sink *sink = ctx;

	if (!sink->left)
		return -1;
	sink->left--;
	replay_put_run(sink->to, "runs", run);
	return 0;
}

static void put_function(FILE *to, struct replay *replay, const struct replay_function *function)
{
	struct run_sink sink = { .to = to, .left = REPLAY_PICTURE_RUNS };
	struct view view;

	replay->iommu->view(replay, function, &view);
	fprintf(to, "{\"view\":{\"name\":\"%s\",\"state\":\"%s\",\"idle\":\"%s\",\"direct\":%d,\"root\":\"%s\",\"apertures\":[", view.name, view.state,
		view.idle ? view.idle : "", view.direct, view.root);
	for (unsigned int i = 0; i < view.count; i++)
		fprintf(to, "%s[%" PRIu64 ",%" PRIu64 ",\"%s\"]", i ? "," : "", view.apertures[i].first, view.apertures[i].last, view.apertures[i].name);
	fprintf(to, "]}}\n");
	if (view.idle)
		return;
	if (!view_tables_put(&replay->guest, &view, to))
		fprintf(to, "{\"incomplete\":1}\n");
	bool cut = replay->iommu->each_run(function, 0, UINT64_MAX, put_run, &sink);
	if (cut)
		fprintf(to, "{\"cut\":1}\n");
	/* Where nothing is translated, nothing is refreshed. */
	if (replay->iommu->put_change && !view.direct && !cut)
		replay->iommu->put_change(replay, function, to);
}

static void put_map(FILE *to, struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;
	const struct capture_time *time = &replay->operation.record.time;
	const struct replay_iommu *iommu = replay->iommu;
	const struct replay_function *function;
	uint64_t from = 0;

	fprintf(to, "{\"picture\":\"map\",\"function\":\"%s\",\"functions\":%u,\"accesses\":%d", iommu->function, replay->function_count, iommu->accesses);
	fprintf(to, ",\"tables\":[\"%s\",\"%s\",\"%s\"],\"legends\":[\"%s\",\"%s\",\"%s\"]", iommu->tables[0], iommu->tables[1], iommu->tables[2],
		iommu->legends[0], iommu->legends[1], iommu->legends[2]);
	fprintf(to, ",\"operations\":%" PRIu64 ",\"mapped_pages\":%" PRIu64 ",\"pinned_bytes\":%" PRIu64 ",\"guest_bytes\":%" PRIu64, counts->operations,
		counts->mapped_pages, counts->pinned_bytes, counts->guest_bytes);
	if (time->known)
		fprintf(to, ",\"ns\":%" PRIu64, time->ns);
	fprintf(to, ",\"slots\":[");
	for (unsigned int i = 0; i < replay->guest.count; i++) {
		const struct guest_slot *slot = &replay->guest.slots[i];
		fprintf(to, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", slot->gpa, slot->gpa + (slot->bytes - 1));
	}
	fprintf(to, "]}\n");
	for (unsigned int i = 0; i < PANELS && (function = replay_next_function(replay, &from)); i++)
		put_function(to, replay, function);
}

static bool draw_map(struct replay *replay)
{
	struct cli_drawing drawing;

	if (!cli_draw_begin(&drawing, replay->options->svg, replay->path))
		return false;
	put_map(drawing.to, replay);
	return cli_draw_end(&drawing);
}

bool replay_pictures_end(struct replay_pictures *pictures, struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;
	bool good = true;

	if (pictures->map && replay->vm)
		good = draw_map(replay);
	/* Of a run of no records, too, there is a picture. */
	if (replay->vm && replay->iommu && !pictures->before.any)
		note(pictures, replay, NULL);
	if (pictures->timeline.to && replay->vm)
		fprintf(pictures->timeline.to,
			"{\"end\":1,\"operations\":%" PRIu64 ",\"refreshes\":%" PRIu64 ",\"mapped_pages_peak\":%" PRIu64 ",\"pinned_bytes_peak\":%" PRIu64
			",\"short\":%" PRIu64 ",\"errors\":%" PRIu64 "}\n",
			counts->operations, counts->refreshes, counts->mapped_pages_peak, counts->pinned_bytes_peak, counts->insufficient_resources,
			errors(counts));
	return cli_draw_end(&pictures->timeline) && good;
}
