// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is gathered for the panel of one function. Runs stream past twice: first to see where they are, then, with the windows known, to be added up there.
 */
#include "panel.h"

#include <stdlib.h>
#include <string.h>

/* A refresh of no more than this has its surroundings magnified even if it changed nothing. */
#define SMALL_REFRESH (UINT64_C(1) << 20)

static enum svg_layer layer_of(const struct viommu_run *run)
{
	return run->prot & VIOMMU_WRITE ? SVG_RW : SVG_RO;
}

static uint64_t gpa_last(const struct viommu_run *run)
{
	return run->gpa + (run->last - run->first);
}

static void place(struct svg_panel *panel, const struct viommu_run *run)
{
	svg_ranges_add(&panel->iovas, run->first, run->last);
	svg_ranges_add(&panel->gpas, run->gpa, gpa_last(run));
}

static int place_run(void *ctx, const struct viommu_run *run)
{
	struct svg_panel *panel = ctx;

	place(panel, run);
	panel->pages[layer_of(run)] += (run->last - run->first) / VIOMMU_PAGE_SIZE + 1;
	panel->runs++;
	return 0;
}

static void place_change(void *ctx, bool established, const struct viommu_run *run)
{
	(void)established;
	place(ctx, run);
}

static int add_run(void *ctx, const struct viommu_run *run)
{
	struct svg_panel *panel = ctx;

	svg_row_add(&panel->aperture, layer_of(run), run->first, run->last);
	svg_row_add(&panel->mapped, layer_of(run), run->first, run->last);
	svg_row_add(&panel->named, layer_of(run), run->gpa, gpa_last(run));
	svg_row_add(&panel->memory, layer_of(run), run->gpa, gpa_last(run));
	svg_links_add(&panel->links, layer_of(run) == SVG_RW ? SVG_LINK_RW : SVG_LINK_RO, run);
	return 0;
}

static void add_change(void *ctx, bool established, const struct viommu_run *run)
{
	struct svg_panel *panel = ctx;
	enum svg_layer layer = established ? SVG_NEW : SVG_GONE;

	svg_row_add(&panel->mapped, layer, run->first, run->last);
	svg_row_add(&panel->named, layer, run->gpa, gpa_last(run));
	/* After a registration everything is new, and what the ribbons tell of rights says more. */
	if (established && !panel->change->registration)
		svg_links_add(&panel->links, SVG_LINK_NEW, run);
}

static enum svg_layer table_layer(unsigned int level)
{
	return level > 1 ? SVG_REGION : level ? SVG_SEGMENT : SVG_PAGE;
}

static void each_table(struct svg_panel *panel, void (*fn)(struct svg_panel *panel, const struct svg_table *table))
{
	for (unsigned int i = 0; i < panel->tables.capacity; i++) {
		if (panel->tables.tables[i].last)
			fn(panel, &panel->tables.tables[i]);
	}
}

static void place_table(struct svg_panel *panel, const struct svg_table *table)
{
	svg_ranges_add(&panel->gpas, table->first, table->last);
}

static void add_table(struct svg_panel *panel, const struct svg_table *table)
{
	svg_row_add(&panel->named, table_layer(table->level), table->first, table->last);
	svg_row_add(&panel->memory, table_layer(table->level), table->first, table->last);
}

/* Where there is guest memory, in both rows that show it. */
static void lay_out_memory(struct svg_panel *panel)
{
	const struct guest *guest = &panel->replay->guest;
	struct svg_ranges *slots = calloc(1, sizeof(*slots));
	struct svg_range windows[SVG_WINDOWS];

	if (!slots)
		return;
	for (unsigned int i = 0; i < guest->count; i++)
		svg_ranges_add(slots, guest->slots[i].gpa, guest->slots[i].gpa + (guest->slots[i].bytes - 1));
	svg_row_init(&panel->memory, windows, svg_ranges_windows(slots, windows, SVG_WINDOWS));
	free(slots);
	for (unsigned int i = 0; i < guest->count; i++) {
		uint64_t first = guest->slots[i].gpa, last = first + (guest->slots[i].bytes - 1);
		svg_row_add(&panel->memory, SVG_GROUND, first, last);
		svg_row_add(&panel->named, SVG_GROUND, first, last);
	}
}

static void lay_out(struct svg_panel *panel)
{
	const struct svg_view *view = &panel->view;
	struct svg_range windows[SVG_WINDOWS];

	svg_row_init(&panel->aperture, view->apertures, view->count);
	svg_row_init(&panel->mapped, windows, svg_ranges_windows(&panel->iovas, windows, SVG_WINDOWS));
	svg_row_init(&panel->named, windows, svg_ranges_windows(&panel->gpas, windows, SVG_WINDOWS));
	for (unsigned int i = 0; i < view->count; i++) {
		svg_row_add(&panel->aperture, SVG_GROUND, view->apertures[i].first, view->apertures[i].last);
		svg_row_add(&panel->mapped, SVG_GROUND, view->apertures[i].first, view->apertures[i].last);
	}
	lay_out_memory(panel);
}

void svg_panel_gather(struct svg_panel *panel, struct replay *replay, const struct svg_change *change, const struct replay_function *function)
{
	memset(panel, 0, sizeof(*panel));
	panel->replay = replay;
	replay->iommu->view(replay, function, &panel->view, &panel->tables);
	/* Where nothing is translated, nothing is refreshed. */
	panel->change = change->known && change->function == zpci_function_of(function)->function && !panel->view.direct ? change : NULL;
	if (panel->view.idle)
		return;
	replay->iommu->each_run(function, 0, UINT64_MAX, place_run, panel);
	each_table(panel, place_table);
	if (panel->change) {
		svg_change_each(change, place_change, panel);
		if (change->last - change->first < SMALL_REFRESH && change->first >= panel->view.apertures[0].first &&
		    change->last <= panel->view.apertures[0].last)
			svg_ranges_add(&panel->iovas, change->first, change->last);
	}
	lay_out(panel);
	svg_links_init(&panel->links, &panel->mapped, &panel->named);
	replay->iommu->each_run(function, 0, UINT64_MAX, add_run, panel);
	each_table(panel, add_table);
	if (panel->change)
		svg_change_each(change, add_change, panel);
}

void svg_panel_free(struct svg_panel *panel)
{
	svg_tables_free(&panel->tables);
}
