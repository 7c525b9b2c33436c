// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Refreshes of the whole aperture when the written tables are known: with the library's own
 * tracker, and without one. Also the guest's cost: its first store to a page of tables after such a
 * refresh.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "guest.h"
#include "noop.h"

#define STORES 64u

/* A guest with or without a tracker. */
struct side {
	struct viommu_tracker tracker;
	bool tracks;
	bool ready;
	struct bench_guest guest;
	struct bench_tables tables;
	struct viommu_domain *domain;
	/* pages that become valid before a refresh, and invalid before the next one */
	uint64_t changes;
	unsigned int turn;
};

static int refresh(const struct side *side)
{
	return viommu_domain_refresh(side->domain, side->tables.pba, side->tables.pal, NULL);
}

/* One page in each of the first page tables, each in a separate page of memory. */
static uint64_t *entry_of(const struct side *side, uint64_t i)
{
	return bench_entry(&side->tables, side->tables.pba + i * 2 * BENCH_SEGMENT);
}

static double sample_refresh(void *ctx)
{
	struct side *side = ctx;
	uint64_t valid = ++side->turn % 2;

	for (uint64_t i = 0; i < side->changes; i++)
		bench_set(entry_of(side, i), valid ? BENCH_NOTHING : bench_leaf(i * BENCH_PAGE));
	struct bench_watch watch = bench_watch();
	int error = refresh(side);
	double ns = bench_elapsed(&watch);
	return error ? error : ns;
}

/* Nanoseconds of the first store to a page that a refresh has read. It stores the old value. */
static double sample_store(void *ctx)
{
	const struct side *side = ctx;
	uint64_t *entries[STORES];
	int error = refresh(side);

	if (error)
		return error;
	for (uint64_t i = 0; i < STORES; i++)
		entries[i] = entry_of(side, i);
	struct bench_watch watch = bench_watch();
	for (uint64_t i = 0; i < STORES; i++)
		bench_set(entries[i], __atomic_load_n(entries[i], __ATOMIC_RELAXED));
	return bench_elapsed(&watch) / STORES;
}

/* 0 or a negative errno. end() is called in any case. */
static int begin(struct side *side, bool tracks, uint64_t bytes, uint64_t changes)
{
	*side = (struct side){ .tracker.size = sizeof(side->tracker), .changes = changes };
	int error = tracks ? viommu_tracker_pagemap_create(&side->tracker) : 0;
	if (error)
		return error;
	side->tracks = tracks;
	side->ready = bench_guest_begin_tracked(&side->guest, bytes, bytes / BENCH_SEGMENT, bytes / BENCH_REGION + 2, tracks ? &side->tracker : NULL);
	if (!side->ready)
		return -ENOMEM;
	bench_tables(&side->tables, &side->guest, BENCH_PBA, BENCH_PBA + bytes - 1);
	bench_fill(&side->tables, side->tables.pba, side->tables.pal, 1);
	error = bench_domain(&side->tables, bench_noop_host(), &side->domain);
	/* Tables are watched after the first refresh of the whole aperture. */
	for (unsigned int i = 0; i < 3 && !error; i++)
		error = refresh(side);
	return error;
}

static void end(struct side *side)
{
	viommu_domain_destroy(side->domain);
	if (side->ready)
		bench_guest_end(&side->guest);
	if (side->tracks)
		viommu_tracker_pagemap_destroy(&side->tracker);
}

static void measure(struct bench *bench, struct bench_case *one, uint64_t bytes, uint64_t changes, double (*sample)(void *ctx), double at_most)
{
	struct side with, without;
	int error = begin(&with, true, bytes, changes);
	int other = begin(&without, false, bytes, changes);

	if (error == -EOPNOTSUPP || error == -EPERM) {
		bench_skip(one, "this machine has no way to track writes: %s", strerror(-error));
	} else if (bench_is_set_up(bench, one, error ? error : other)) {
		const struct bench_lane lanes[] = {
			{ .name = "with tracking", .sample = sample, .ctx = &with, .at_most = at_most },
			{ .name = "without", .sample = sample, .ctx = &without, .baseline = true },
		};
		bench_measure(bench, one, lanes, 2);
	}
	end(&with);
	end(&without);
}

void bench_tracking(struct bench *bench)
{
	static const uint64_t changes[] = { 0, 1, 64 };
	char what[128];

	for (unsigned int shift = 28; shift <= 36; shift += 4) {
		uint64_t bytes = UINT64_C(1) << shift;
		if (bench->options.quick && shift > 28)
			break;
		for (unsigned int i = 0; i < 3; i++) {
			snprintf(what, sizeof(what), "%s changed; refresh of all of %s, mapped densely, no-op host",
				 cli_count_of(changes[i], "page has", "pages have"), cli_bytes(bytes));
			struct bench_case *one =
				bench_case(bench, BENCH_TIME, what, "tracked/%u/%u%c", (unsigned int)changes[i], 1u << shift % 10, "MGT"[shift / 10 - 2]);
			if (one)
				measure(bench, one, bytes, changes[i], sample_refresh, changes[i] ? 0 : 5000);
		}
	}
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, "the guest's first store to a page of tables after a refresh", "tracked/store");
	if (one)
		measure(bench, one, UINT64_C(256) << 20, 0, sample_store, 0);
}
