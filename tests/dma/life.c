/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See life.h. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "life.h"

#define WINDOWS	     5
#define WINDOW_PAGES 512u

/* A stopped access costs a reset on s390. */
#ifdef __s390x__
#define ONE_STOPPED_IN 12u
#else
#define ONE_STOPPED_IN 1u
#endif
#define ONE_EDU_IN 60u /* its transfers take 100 ms */

struct guest_life {
	struct rig *rig;
	uint64_t window[WINDOWS]; /* used ranges of IOVAs */
	unsigned int windows;
	uint64_t shortages, checks, stopped, splits;
};

static struct rig_unit *draw_unit(struct guest_life *life)
{
	return &life->rig->unit[rig_below(life->rig, life->rig->units)];
}

static void choose_windows(struct guest_life *life)
{
	const struct rig *rig = life->rig;
	/* in another region third entry */
	const uint64_t region = ((rig->lowest + 64 * MIB) | (2 * GIB - 1)) + 1;

	life->window[life->windows++] = rig->lowest + 16 * MIB;
	/* Not at the start of a segment. */
	life->window[life->windows++] = rig->lowest + 100 * MIB + 37 * PAGE;
	if (region + 2 * MIB < rig->highest)
		life->window[life->windows++] = region - MIB;
	if (rig->highest - rig->lowest > 300 * MIB)
		life->window[life->windows++] = rig->highest - 2 * MIB + 1;
	if (rig->highest - rig->lowest > 100 * GIB)
		life->window[life->windows++] = rig->lowest + 77 * GIB;
}

/* A page of a window, and the number of pages from there on, at most `most`. */
static uint64_t draw_iova(struct guest_life *life, unsigned int most, unsigned int *pages)
{
	const uint64_t window = life->window[rig_below(life->rig, life->windows)];
	const unsigned int page = rig_below(life->rig, WINDOW_PAGES);

	*pages = 1 + rig_below(life->rig, most);
	if (*pages > WINDOW_PAGES - page)
		*pages = WINDOW_PAGES - page;
	return window + page * PAGE;
}

static unsigned int draw_area(struct guest_life *life)
{
	return AREA_FILE + rig_below(life->rig, RIG_AREAS - AREA_FILE);
}

static uint64_t draw_gpa(struct guest_life *life)
{
	const unsigned int area = draw_area(life);

	return rig_gpa(life->rig, area, rig_below(life->rig, (unsigned int)(life->rig->guest.area[area].bytes / PAGE)));
}

/* Makes translations of the windows invalid: all of them, or those of half the pages. */
static void give_up(struct guest_life *life, struct rig_unit *unit, bool all)
{
	for (unsigned int w = 0; w < life->windows; w++)
		for (uint64_t page = 0; page < WINDOW_PAGES; page += 16)
			if (all || rig_below(life->rig, 2))
				rig_unmap(unit, life->window[w] + page * PAGE, 16);
}

static void make_room(struct guest_life *life, struct rig_unit *unit)
{
	struct rig *rig = life->rig;

	life->shortages++;
	for (unsigned int attempt = 0; attempt < 6; attempt++) {
		if (rig_refresh_any(rig, unit, rig->lowest, rig->highest) == RIG_DONE)
			return;
		give_up(life, unit, attempt > 2);
		if (attempt < 4)
			continue;
		/* The other units have too much in that case. */
		for (unsigned int u = 0; u < rig->units; u++) {
			if (rig->unit[u].space == unit->space)
				continue;
			give_up(life, &rig->unit[u], true);
			rig_refresh(rig, &rig->unit[u], rig->lowest, rig->highest);
		}
	}
	rig_fail(rig, "the guest cannot make room");
}

static void refresh(struct guest_life *life, struct rig_unit *unit, uint64_t first, uint64_t last)
{
	if (rig_refresh_any(life->rig, unit, first, last) != RIG_DONE)
		make_room(life, unit);
}

/* Exactly the changed range; a larger one; or none, like a lazy guest. */
static void refresh_somehow(struct guest_life *life, struct rig_unit *unit, uint64_t iova, uint64_t pages)
{
	const struct rig *rig = life->rig;
	const unsigned int how = rig_below(life->rig, 20);
	uint64_t first = iova;
	uint64_t last = iova + pages * PAGE - 1;

	if (how < 3)
		return;
	if (how == 3) {
		first = rig->lowest;
		last = rig->highest;
	} else if (how < 6) {
		first = first - rig->lowest > MIB ? first - rig_below(life->rig, 256) * PAGE : first;
		last = rig->highest - last > MIB ? last + rig_below(life->rig, 256) * PAGE : last;
	}
	refresh(life, unit, first, last);
}

static void map_pages(struct guest_life *life, struct rig_unit *unit)
{
	const uint32_t prot = rig_below(life->rig, 4) ? VIOMMU_RW : VIOMMU_READ;
	unsigned int pages;
	const uint64_t iova = draw_iova(life, rig_below(life->rig, 4) ? 16 : 256, &pages);
	const uint64_t gpa = draw_gpa(life);
	const bool contiguous = rig_below(life->rig, 3) > 0;

	rig_and(life->rig, "%u pages at %#" PRIx64 " are mapped, %s", pages, iova, contiguous ? "contiguous" : "from everywhere");
	if (contiguous)
		/* It may continue into the next slot, or beyond memory. */
		rig_map(unit, iova, pages, gpa, prot);
	for (unsigned int i = 0; i < pages && !contiguous; i++)
		rig_map(unit, iova + i * PAGE, 1, draw_gpa(life), prot);
	refresh_somehow(life, unit, iova, pages);
}

static void unmap_pages(struct guest_life *life, struct rig_unit *unit)
{
	unsigned int pages;
	const uint64_t iova = draw_iova(life, 128, &pages);

	rig_and(life->rig, "%u pages at %#" PRIx64 " are made invalid", pages, iova);
	rig_unmap(unit, iova, pages);
	refresh_somehow(life, unit, iova, pages);
}

/* One of the pages that devices reach now; NULL if there is none except the drivers' own. */
static const struct model_page *draw_page(struct guest_life *life, struct rig_unit *unit)
{
	const struct model_list *list = &unit->space->model;

	for (unsigned int attempt = 0; attempt < 20 && list->count; attempt++) {
		const struct model_page *page = &list->pages[rig_draw(life->rig) % list->count];

		if (page->gpa >= life->rig->guest.area[AREA_FILE].gpa)
			return page;
	}
	return NULL;
}

/* Sets or clears the protection of a page or a frame. */
static void protect(struct guest_life *life, struct rig_unit *unit)
{
	const struct model_page *page = draw_page(life, unit);
	const struct naive_tables tables = unit->space->naive;
	struct naive_answer found;

	if (!page)
		return;
	found = naive_walk(&life->rig->guest.memory, &tables, page->iova);
	if (found.outcome != NAIVE_PAGE)
		return;
	rig_and(life->rig, "the protection at %#" PRIx64 " changes", page->iova);
	guest_store(&life->rig->guest, found.entry_gpa, found.entry ^ PROTECTED);
	if (found.level)
		refresh_somehow(life, unit, page->iova & ~(MIB - 1), 256);
	else
		refresh_somehow(life, unit, page->iova, 1);
}

static void map_frame(struct guest_life *life, struct rig_unit *unit)
{
	unsigned int pages;
	const uint64_t iova = (draw_iova(life, 1, &pages) | (MIB - 1)) - (MIB - 1);
	const unsigned int area = draw_area(life);
	const uint64_t frames = life->rig->guest.area[area].bytes / MIB;
	const uint64_t gpa = rig_gpa(life->rig, area, 256 * (rig_draw(life->rig) % frames));

	rig_and(life->rig, "a frame at %#" PRIx64, iova);
	rig_set(unit, iova, 1, gpa | STE_FRAME | (rig_below(life->rig, 4) ? 0 : PROTECTED));
	refresh_somehow(life, unit, iova, 256);
}

static void refresh_anything(struct guest_life *life, struct rig_unit *unit)
{
	unsigned int pages;
	uint64_t first = draw_iova(life, 1, &pages);
	uint64_t last = draw_iova(life, 1, &pages) + PAGE - 1;

	if (first > last) {
		const uint64_t page = first;

		first = last - (PAGE - 1);
		last = page + PAGE - 1;
	}
	if (!rig_below(life->rig, 3)) {
		first = life->rig->lowest;
		last = life->rig->highest;
	}
	rig_and(life->rig, "%#" PRIx64 " to %#" PRIx64 " are refreshed", first, last);
	refresh(life, unit, first, last);
}

/* Replaces all tables. The device is idle, and its driver continues. */
static void replace_tables(struct guest_life *life, struct rig_unit *unit)
{
	struct rig *rig = life->rig;
	const bool separately = rig_below(rig, 2);

	life->splits += rig_stats(unit).host_splits;
	rig_and(rig, "all tables are replaced");
	rig_new_tables(rig, unit->space);
	for (unsigned int i = rig_below(rig, 6); i > 0; i--) {
		unsigned int pages;
		const uint64_t iova = draw_iova(life, 24, &pages);

		rig_map(unit, iova, pages, draw_gpa(life), VIOMMU_RW);
	}
	if (separately || rig->config->shared || rig->config->pin_budget) {
		rig_deregister(rig, unit);
		while (rig_register_any(rig, unit) != RIG_DONE) {
			life->shortages++;
			give_up(life, unit, true);
		}
	} else {
		rig_reregister(rig, unit);
	}
}

static void change_slot(struct guest_life *life)
{
	const unsigned int area = AREA_VISITING_FILE + rig_below(life->rig, 2);
	const bool shown = life->rig->guest.area[area].shown;

	rig_and(life->rig, "slot %u %s", area, shown ? "goes" : "comes");
	if (shown)
		rig_hide(life->rig, area);
	else
		rig_show(life->rig, area);
}

/* In a shared domain: a device leaves it or joins it. */
static void change_attachment(struct guest_life *life, struct rig_unit *unit)
{
	const bool attached = unit->attached;
	int error;

	if (!life->rig->config->shared)
		return;
	rig_and(life->rig, "it is %s", attached ? "detached" : "attached");
	error = attached ? viommu_device_detach(unit->device, VIOMMU_NO_PASID) : viommu_domain_attach(unit->space->domain, unit->device, VIOMMU_NO_PASID);
	if (error)
		rig_fail(life->rig, "this fails: %d", error);
	unit->attached = !attached;
}

/* Replaces a nearly full zone of tables by the other one. */
static bool tables_full(const struct rig_unit *unit)
{
	const struct rig_space *space = unit->space;

	return space->table_next - space->zone[space->generation % 2] > MIB - 128 * 1024;
}

static void operate(struct guest_life *life, struct rig_unit *unit)
{
	const unsigned int what = rig_below(life->rig, 100);

	if (what < 3 || tables_full(unit))
		replace_tables(life, unit);
	else if (what < 40)
		map_pages(life, unit);
	else if (what < 58)
		unmap_pages(life, unit);
	else if (what < 66)
		protect(life, unit);
	else if (what < 74)
		map_frame(life, unit);
	else if (what < 90)
		refresh_anything(life, unit);
	else if (what < 96)
		change_slot(life);
	else
		change_attachment(life, unit);
}

static uint64_t draw_access(struct guest_life *life, struct rig_unit *unit)
{
	const unsigned int how = rig_below(life->rig, 20);
	const struct model_page *page = how < 16 ? draw_page(life, unit) : NULL;
	unsigned int pages;

	if (page && how < 12)
		return page->iova;
	/* An IOVA next to a translation. It may have a translation or none. */
	if (page)
		return how < 14 ? page->iova - PAGE : page->iova + PAGE;
	if (how < 19)
		return draw_iova(life, 1, &pages);
	return life->rig->lowest + 3 * MIB + (rig_draw(life->rig) % (life->rig->highest - life->rig->lowest - 3 * MIB) & ~(PAGE - 1));
}

static void check(struct guest_life *life, struct rig_unit *unit)
{
	const uint64_t iova = draw_access(life, unit);
	const struct model_page *page = model_at(&unit->space->model, iova);
	const bool write = rig_below(life->rig, 2);
	const bool stopped = !page || (write && !page->writable);

	if (!unit->attached || iova > life->rig->highest || (page && page->gpa < life->rig->guest.area[AREA_FILE].gpa))
		return;
	if (stopped && rig_below(life->rig, ONE_STOPPED_IN))
		return;
	if (dma_blocks(unit->dma) == 1 && rig_below(life->rig, ONE_EDU_IN))
		return;
	life->checks++;
	life->stopped += stopped;
	if (write)
		rig_check_write(life->rig, unit, iova);
	else
		rig_check_read(life->rig, unit, iova);
}

void life_live(const struct rig_config *config, uint64_t seed, uint64_t operations, int begun)
{
	struct rig rig;
	struct guest_life life = { .rig = &rig };

	rig_up(&rig, config, seed);
	choose_windows(&life);
	if (begun >= 0 && write(begun, "", 1) != 1)
		rig_fail(&rig, "there is no process to report to");
	for (uint64_t i = 0; i < operations; i++) {
		struct rig_unit *unit = draw_unit(&life);

		rig_doing(&rig, "seed %" PRIu64 ", operation %" PRIu64 ", %s", seed, i, unit->address);
		operate(&life, unit);
		check(&life, unit);
		check(&life, unit);
		check(&life, draw_unit(&life));
		if (i % 32 == 0)
			rig_check_memory(&rig);
		if (i % 64 == 0)
			rig_check_pins(&rig);
	}
	rig_check_pins(&rig);
	printf("# %" PRIu64 " operations, %" PRIu64 " accesses, %" PRIu64 " of them to be stopped; %" PRIu64 " times short; %" PRIu64 " mappings split\n",
	       operations, life.checks, life.stopped, life.shortages, life.splits);
	rig_down(&rig);
}
