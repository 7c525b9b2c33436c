// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines of JSON for the drawing program. They are written as text, since jansson's integers end at
 * 2^63 - 1; no string comes from outside. Both pictures begin with an object that has "picture",
 * and have the counts of the replay under the names of --json. A map: one object; then for each
 * function an object "view" and arrays, each of which begins with its kind: "runs" (first and last
 * IOVA, GPA, whether writable), "tables" (level, first and last GPA), and the guest IOMMU's notes
 * of the last refresh. A timeline: an object for each record that may have changed something, and
 * "end".
 */
#include "pictures.h"

#include <inttypes.h>

#include "view.h"

#define PANELS	     16u	/* number of drawn functions; the others are counted */
#define RUNS_OF_EACH (1u << 18) /* limit of the drawing program */

bool replay_pictures_begin(struct replay_pictures *pictures, const struct replay *replay)
{
	*pictures = (struct replay_pictures){ .map = replay->options->svg };
	if (!replay->options->timeline)
		return true;
	if (!cli_draw_begin(&pictures->timeline, replay->options->timeline, replay->path))
		return false;
	fprintf(pictures->timeline.to, "{\"picture\":\"timeline\"}\n");
	return true;
}

static bool is_direct(const struct replay *replay)
{
	struct replay_aperture aperture = { .direct = false };

	for (unsigned int i = 0; i < replay->function_count && !aperture.direct; i++)
		replay->iommu->aperture(&replay->functions[i], &aperture);
	return aperture.direct;
}

static void put_counts(FILE *to, const struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;
	fprintf(to,
		"{\"function\":\"%s\",\"direct\":%d,\"operations\":%" PRIu64 ",\"refreshes\":%" PRIu64 ",\"global_refreshes\":%" PRIu64
		",\"insufficient_resources\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"mapped_pages\":%" PRIu64 ",\"mapped_pages_peak\":%" PRIu64
		",\"pinned_bytes\":%" PRIu64 ",\"pinned_bytes_peak\":%" PRIu64 ",\"guest_bytes\":%" PRIu64,
		replay->iommu->function, is_direct(replay), counts->operations, counts->refreshes, counts->global_refreshes, counts->insufficient_resources,
		counts->events + counts->exceptions + counts->command_errors, counts->mapped_pages, counts->mapped_pages_peak, counts->pinned_bytes,
		counts->pinned_bytes_peak, counts->guest_bytes);
}

void replay_pictures_after(struct replay_pictures *pictures, struct replay *replay, const struct capture_record *record)
{
	const struct replay_operation *operation = &replay->operation;
	bool operates = capture_is_operation(record->kind);
	FILE *to = pictures->timeline.to;

	if (pictures->map && operates && replay->iommu->note_after)
		replay->iommu->note_after(replay);
	/*
	 * Stores change translations only by a refresh, answers only where they are compared by
	 * accesses.
	 */
	if (!to || (record->kind == CAPTURE_ORACLE ? !replay->iommu->accesses : record->kind == CAPTURE_MEM))
		return;
	put_counts(to, replay);
	if (operates)
		fprintf(to, ",\"state\":%d,\"established\":%d,\"released\":%d", replay->iommu->instructions[operation->instruction].changes_state,
			!!operation->established, !!operation->released);
	if (operates && operation->record.time.known)
		fprintf(to, ",\"ns\":%" PRIu64, operation->record.time.ns);
	fprintf(to, "}\n");
}

struct run_sink {
	FILE *to;
	const char *kind;
	unsigned int left; /* that may still be written */
};

static int put_run(void *ctx, const struct viommu_run *run)
{
	struct run_sink *sink = ctx;

	if (!sink->left--)
		return -1;
	fprintf(sink->to, "[\"%s\",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d]\n", sink->kind, run->first, run->last, run->gpa, !!(run->prot & VIOMMU_WRITE));
	return 0;
}

bool replay_put_runs(const struct replay *replay, const struct replay_function *function, const char *kind, uint64_t first, uint64_t last, FILE *to)
{
	return !replay->iommu->each_run(function, first, last, put_run, &(struct run_sink){ to, kind, RUNS_OF_EACH });
}

static void put_function(FILE *to, struct replay *replay, const struct replay_function *function)
{
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
	bool all = replay_put_runs(replay, function, "runs", 0, UINT64_MAX, to);
	if (!all)
		fprintf(to, "{\"cut\":1}\n");
	/* Without translation there are no refreshes. */
	if (replay->iommu->put_change && !view.direct && all)
		replay->iommu->put_change(replay, function, to);
}

static bool draw_map(struct replay *replay)
{
	const struct capture_time *time = &replay->operation.record.time;
	const struct replay_iommu *iommu = replay->iommu;
	const struct replay_function *function;
	struct cli_drawing drawing;
	uint64_t from = 0;

	if (!cli_draw_begin(&drawing, replay->options->svg, replay->path))
		return false;
	put_counts(drawing.to, replay);
	fprintf(drawing.to, ",\"picture\":\"map\",\"functions\":%u,\"accesses\":%d", replay->function_count, iommu->accesses);
	fprintf(drawing.to, ",\"tables\":[\"%s\",\"%s\",\"%s\"],\"legends\":[\"%s\",\"%s\",\"%s\"]", iommu->tables[0], iommu->tables[1], iommu->tables[2],
		iommu->legends[0], iommu->legends[1], iommu->legends[2]);
	if (time->known)
		fprintf(drawing.to, ",\"ns\":%" PRIu64, time->ns);
	fprintf(drawing.to, ",\"slots\":[");
	for (unsigned int i = 0; i < replay->guest.count; i++) {
		const struct guest_slot *slot = &replay->guest.slots[i];
		fprintf(drawing.to, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", slot->gpa, slot->gpa + (slot->bytes - 1));
	}
	fprintf(drawing.to, "]}\n");
	for (unsigned int i = 0; i < PANELS && (function = replay_next_function(replay, &from)); i++)
		put_function(drawing.to, replay, function);
	return cli_draw_end(&drawing);
}

bool replay_pictures_end(struct replay_pictures *pictures, struct replay *replay)
{
	bool good = !pictures->map || !replay->vm || draw_map(replay);

	if (pictures->timeline.to && replay->vm) {
		put_counts(pictures->timeline.to, replay);
		fprintf(pictures->timeline.to, ",\"end\":1}\n");
	}
	return cli_draw_end(&pictures->timeline) && good;
}
