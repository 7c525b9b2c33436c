// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Refreshes with changes: a few pages at a time, as a strict guest requests them, and many pages in
 * one refresh of the whole aperture, as a lazy one does. Pages that become valid and pages that
 * become invalid are measured separately.
 *
 * A sample is two whole cycles, of which the second is measured: the caches hold what the guest,
 * the library or the baseline has just used. It leaves the tables as before, so that lanes can
 * share them.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "noop.h"

/* Work on one set of tables. */
struct change {
	struct bench_tables tables;
	uint64_t pages;	    /* pages changed by one refresh */
	uint64_t refreshes; /* in a sample, or 1 for the whole aperture */
	bool whole;
	bool valid; /* times pages that become valid */
	/* In ascending order of IOVAs, pages * refreshes of them. */
	uint64_t *iovas;
	uint64_t **entries;
	uint64_t *raw; /* the valid value of each */
};

/* A lane: exactly one of the two is set. */
struct lane {
	struct change *change;
	struct viommu_domain *domain;
	struct bench_walk *walk;
};

static int refresh(const struct lane *lane, uint64_t first, uint64_t last)
{
	if (lane->domain)
		return viommu_domain_refresh(lane->domain, first, last, NULL);
	return bench_walk_refresh(lane->walk, first, last) ? 0 : -ENOMEM;
}

/*
 * Makes all pages valid or invalid, in the guest's tables and then by refreshes. Returns the
 * nanoseconds of these, or a negative errno value.
 */
static double turn(const struct lane *lane, bool valid)
{
	const struct change *change = lane->change;
	uint64_t all = change->pages * change->refreshes;
	int error = 0;

	for (uint64_t i = 0; i < all; i++)
		bench_set(change->entries[i], valid ? change->raw[i] : change->raw[i] | BENCH_NOTHING);
	struct bench_watch watch = bench_watch();
	if (change->whole)
		error = refresh(lane, change->tables.pba, change->tables.pal);
	for (uint64_t i = 0; !change->whole && !error && i < all; i += change->pages)
		error = refresh(lane, change->iovas[i], change->iovas[i + change->pages - 1] + BENCH_PAGE - 1);
	double ns = bench_elapsed(&watch);
	return error ? error : ns;
}

static uint64_t mapped(const struct lane *lane)
{
	return lane->domain ? bench_mapped(lane->domain) : lane->walk->used;
}

/* A sample for each refresh (of the whole) or each page. */
static double sample(void *ctx)
{
	const struct lane *lane = ctx;
	const struct change *change = lane->change;
	uint64_t all = change->pages * change->refreshes;
	uint64_t before = mapped(lane);
	double ns = 0;

	/* Starts with invalid pages if they are to become valid, otherwise with valid ones. */
	for (unsigned int i = 0; i < 4 && ns >= 0; i++) {
		double one = turn(lane, i % 2 ? !change->valid : change->valid);
		uint64_t expected = i % 2 ? before : change->valid ? before + all : before - all;
		if (one < 0)
			return one;
		if (mapped(lane) != expected)
			return -EILSEQ;
		if (i == 2)
			ns = one;
	}
	return change->whole ? ns : ns / (double)all;
}

static void end(struct change *change)
{
	free(change->iovas);
	free(change->entries);
	free(change->raw);
	bench_guest_end(change->tables.guest);
}

/* An aperture with room for that many page tables. */
static bool begin(struct change *change, struct bench_guest *guest, uint64_t aperture, uint64_t page_tables, uint64_t pages, uint64_t refreshes)
{
	uint64_t frames = aperture < UINT64_C(1) << 30 ? aperture : UINT64_C(1) << 30;
	size_t all = (size_t)(pages * refreshes);

	if (!bench_guest_begin(guest, frames, page_tables, aperture / BENCH_REGION + 2))
		return false;
	*change = (struct change){ .pages = pages, .refreshes = refreshes };
	bench_tables(&change->tables, guest, BENCH_PBA, BENCH_PBA + aperture - 1);
	change->iovas = calloc(all, sizeof(*change->iovas));
	change->entries = calloc(all, sizeof(*change->entries));
	change->raw = calloc(all, sizeof(*change->raw));
	if (change->iovas && change->entries && change->raw)
		return true;
	end(change);
	return false;
}

static void set_page(struct change *change, uint64_t i, uint64_t iova, uint64_t gpa)
{
	change->iovas[i] = iova;
	change->entries[i] = bench_entry(&change->tables, iova);
	change->raw[i] = bench_leaf(gpa);
}

/* The lanes of all of these cases. aims applies to the no-op host. */
static void measure(struct bench *bench, struct bench_case *one, struct change *change, uint64_t most, const struct bench_lane *aims)
{
	struct viommu_host *soft = NULL;
	struct bench_walk walk;
	struct lane lanes[3] = { { .change = change }, { .change = change }, { .change = change, .walk = &walk } };

	/* Pages that are to become invalid are valid at first. */
	for (uint64_t i = 0; i < change->pages * change->refreshes; i++)
		bench_set(change->entries[i], change->valid ? change->raw[i] | BENCH_NOTHING : change->raw[i]);
	int error = bench_tables_walk(&change->tables, most, &walk) ? 0 : -ENOMEM;
	if (!error)
		error = viommu_host_soft_create(&soft);
	if (!error)
		error = bench_domain(&change->tables, bench_noop_host(), &lanes[0].domain);
	if (!error)
		error = bench_domain(&change->tables, soft, &lanes[1].domain);
	if (bench_is_set_up(bench, one, error)) {
		const struct bench_lane all[3] = {
			{ .name = "no-op host", .sample = sample, .ctx = &lanes[0], .at_most = aims->at_most, .at_least = aims->at_least },
			{ .name = "soft host", .sample = sample, .ctx = &lanes[1] },
			{ .name = "page by page", .sample = sample, .ctx = &lanes[2], .baseline = true },
		};
		bench_measure(bench, one, all, 3);
	}
	viommu_domain_destroy(lanes[0].domain);
	viommu_domain_destroy(lanes[1].domain);
	viommu_host_destroy(soft);
	bench_walk_end(&walk);
}

static const char *turns(bool valid)
{
	return valid ? "map" : "unmap";
}

static const char *becomes(bool valid)
{
	return valid ? "valid" : "invalid";
}

/* One page in one refresh. Every second page of the same tables stays mapped. */
static void one_page(struct bench *bench, bool valid)
{
	const struct bench_lane aims = { .at_most = valid ? 80 : 0, .at_least = valid ? 5 : 0 };
	uint64_t bytes = 4 * BENCH_SEGMENT, pages = bytes / BENCH_PAGE;
	struct bench_guest guest;
	struct change change;
	char what[128];

	snprintf(what, sizeof(what), "one page becomes %s, between pages that are mapped", becomes(valid));
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "%s/1", turns(valid));
	if (!one)
		return;
	if (!begin(&change, &guest, bytes, bytes / BENCH_SEGMENT, 1, pages / 2)) {
		bench_skip(one, "no memory");
		return;
	}
	change.valid = valid;
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t iova = BENCH_PBA + i * BENCH_PAGE;
		if (i % 2)
			set_page(&change, i / 2, iova, bench_frame(&change.tables, iova));
		else
			bench_set(bench_entry(&change.tables, iova), bench_leaf(bench_frame(&change.tables, iova)));
	}
	measure(bench, one, &change, pages, &aims);
	end(&change);
}

/*
 * One page in one refresh, alone in its region: all of the library's structures for it are created
 * or destroyed.
 */
static void lone_page(struct bench *bench, bool valid)
{
	static const struct bench_lane no_aims;
	uint64_t pages = 64;
	struct bench_guest guest;
	struct change change;
	char what[128];

	snprintf(what, sizeof(what), "one page becomes %s, with none mapped in the 2 GiB around it", becomes(valid));
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "%s/1/lone", turns(valid));
	if (!one)
		return;
	if (!begin(&change, &guest, pages * BENCH_REGION, pages, 1, pages)) {
		bench_skip(one, "no memory");
		return;
	}
	change.valid = valid;
	for (uint64_t i = 0; i < pages; i++) {
		/* At different places of the tables. */
		uint64_t iova = BENCH_PBA + i * (BENCH_REGION + 5 * BENCH_SEGMENT + 3 * BENCH_PAGE) % (pages * BENCH_REGION);
		set_page(&change, i, iova, bench_frame(&change.tables, BENCH_PBA + i * BENCH_PAGE));
	}
	measure(bench, one, &change, pages, &no_aims);
	end(&change);
}

/*
 * Some adjacent pages in one refresh, nothing else near them. All frames are contiguous, or none.
 */
static void some_pages(struct bench *bench, bool valid, uint64_t pages, bool scattered)
{
	const struct bench_lane aims = { .at_most = valid && pages == 256 && !scattered ? 4 : 0 };
	uint64_t refreshes = pages > 16 ? 32 : 64;
	struct bench_guest guest;
	struct change change;
	char what[128];

	snprintf(what, sizeof(what), "%u pages become %s in one refresh, %s frames; a page", (unsigned int)pages, becomes(valid),
		 scattered ? "scattered" : "contiguous");
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "%s/%u%s", turns(valid), (unsigned int)pages, scattered ? "/scattered" : "");
	if (!one)
		return;
	if (!begin(&change, &guest, pages * refreshes * BENCH_PAGE, pages * refreshes / 256, pages, refreshes)) {
		bench_skip(one, "no memory");
		return;
	}
	change.valid = valid;
	for (uint64_t i = 0; i < pages * refreshes; i++) {
		uint64_t iova = BENCH_PBA + i * BENCH_PAGE;
		set_page(&change, i, iova, scattered ? bench_scattered_frame(&change.tables, iova) : bench_frame(&change.tables, iova));
	}
	measure(bench, one, &change, pages * refreshes, &aims);
	end(&change);
}

/* The whole aperture in one refresh, after some pages have changed. The others stay mapped. */
static void whole(struct bench *bench, bool valid, uint64_t pages)
{
	static const struct bench_lane no_aims;
	uint64_t bytes = bench->options.quick ? UINT64_C(128) << 20 : UINT64_C(1) << 30;
	uint64_t all = bytes / BENCH_PAGE;
	struct bench_guest guest;
	struct change change;
	char what[128];

	snprintf(what, sizeof(what), "%s %s %s; refresh of all of %s, mapped densely", cli_count(pages), pages > 1 ? "pages become" : "page becomes",
		 becomes(valid), cli_bytes(bytes));
	struct bench_case *one = bench_case(bench, BENCH_TIME, what, "whole/%s/%u", turns(valid), (unsigned int)pages);
	if (!one)
		return;
	if (!begin(&change, &guest, bytes, bytes / BENCH_SEGMENT, pages, 1)) {
		bench_skip(one, "no memory");
		return;
	}
	change.valid = valid;
	change.whole = true;
	bench_fill(&change.tables, change.tables.pba, change.tables.pal, 1);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t iova = BENCH_PBA + (all / pages * i + all / pages / 2) * BENCH_PAGE;
		set_page(&change, i, iova, bench_frame(&change.tables, iova));
	}
	measure(bench, one, &change, all, &no_aims);
	end(&change);
}

void bench_changes(struct bench *bench)
{
	for (unsigned int valid = 1; valid < 2; valid--) {
		one_page(bench, valid);
		lone_page(bench, valid);
		some_pages(bench, valid, 16, false);
		some_pages(bench, valid, 256, false);
		some_pages(bench, valid, 256, true);
		for (uint64_t pages = 1; pages <= 10000; pages *= 100)
			whole(bench, valid, pages);
	}
}
