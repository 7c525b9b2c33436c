// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Beginning and end: a domain over empty tables; full tables that are registered, deregistered, or
 * destroyed with their domain.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "guest.h"
#include "noop.h"

#define LIVES 32u

/* The timed part of a domain's life. */
enum part { CREATE, DESTROY };

struct life {
	struct bench_tables tables;
	enum part part;
	uint64_t pages;	      /* pages in the tables */
	uint64_t *entry;      /* of the root table, which covers all of them */
	uint64_t allocations; /* allocations of one life, on the no-op host */
	uint64_t bytes;	      /* average size of an allocation */
	void **pieces;
};

struct lane {
	struct life *life;
	struct viommu_host *host;
	struct viommu_domain *domain;
	struct bench_walk walk;
};

static double for_each(const struct life *life, double ns)
{
	return ns / (double)life->pages;
}

/* Tables with contents: one part of the domain's life. */
static double sample_domain(void *ctx)
{
	const struct lane *lane = ctx;
	const struct life *life = lane->life;
	struct viommu_domain *domain;

	struct bench_watch watch = bench_watch();
	int error = bench_domain(&life->tables, lane->host, &domain);
	double created = bench_elapsed(&watch);
	if (error)
		return error;
	uint64_t mapped = bench_mapped(domain);
	watch = bench_watch();
	viommu_domain_destroy(domain);
	double destroyed = bench_elapsed(&watch);
	return mapped == life->pages ? for_each(life, life->part == CREATE ? created : destroyed) : -EILSEQ;
}

/* Empty tables: the whole life, many times. */
static double sample_empty(void *ctx)
{
	const struct lane *lane = ctx;
	struct viommu_domain *domain;

	struct bench_watch watch = bench_watch();
	for (unsigned int i = 0; i < LIVES; i++) {
		int error = bench_domain(&lane->life->tables, lane->host, &domain);
		if (error)
			return error;
		viommu_domain_destroy(domain);
	}
	return bench_elapsed(&watch) / LIVES;
}

/* The baseline registers by walking into an empty table, and ends by freeing it. */
static double sample_walk(void *ctx)
{
	const struct life *life = ((const struct lane *)ctx)->life;
	const struct bench_walk_memory memory = { .memory = life->tables.guest->memory, .bytes = life->tables.guest->bytes };
	struct bench_walk walk;

	if (!bench_walk_begin(&walk, &memory, life->tables.root, life->pages))
		return -ENOMEM;
	struct bench_watch watch = bench_watch();
	bool walked = bench_walk_refresh(&walk, life->tables.pba, life->tables.pal);
	double ns = bench_elapsed(&watch);
	uint64_t mapped = walk.used;
	if (life->part == DESTROY)
		watch = bench_watch();
	bench_walk_end(&walk);
	if (life->part == DESTROY)
		ns = bench_elapsed(&watch);
	return walked && mapped == life->pages ? for_each(life, ns) : -EILSEQ;
}

/* The same number of allocations and bytes, and nothing else. */
static double sample_allocations(void *ctx)
{
	const struct life *life = ((const struct lane *)ctx)->life;
	struct bench_watch watch = bench_watch();

	for (unsigned int i = 0; i < LIVES; i++) {
		for (uint64_t piece = 0; piece < life->allocations; piece++)
			if (!(life->pieces[piece] = calloc(1, (size_t)life->bytes)))
				return -ENOMEM;
		for (uint64_t piece = 0; piece < life->allocations; piece++)
			free(life->pieces[piece]);
	}
	return bench_elapsed(&watch) / LIVES;
}

/*
 * The guest invalidates the entry of the root table, and refreshes everything. It becomes valid
 * again untimed.
 */
static double sample_release(void *ctx)
{
	struct lane *lane = ctx;
	const struct life *life = lane->life;
	uint64_t valid = *life->entry;
	double ns = 0;
	uint64_t left;
	int error = 0;

	for (unsigned int i = 0; i < 2 && !error; i++) {
		bench_set(life->entry, i ? valid : bench_leaf(BENCH_TABLE_I));
		struct bench_watch watch = bench_watch();
		if (lane->domain)
			error = viommu_domain_refresh(lane->domain, life->tables.pba, life->tables.pal, NULL);
		else if (!bench_walk_refresh(&lane->walk, life->tables.pba, life->tables.pal))
			error = -ENOMEM;
		if (!i)
			ns = bench_elapsed(&watch);
		left = lane->domain ? bench_mapped(lane->domain) : lane->walk.used;
		if (!error && left != (i ? life->pages : 0))
			error = -EILSEQ;
	}
	bench_set(life->entry, valid);
	return error ? error : for_each(life, ns);
}

static void count_allocations(struct life *life)
{
	struct viommu_domain *domain;
	struct bench_count before = bench_count();

	if (bench_domain(&life->tables, bench_noop_host(), &domain))
		return;
	struct bench_count after = bench_count();
	viommu_domain_destroy(domain);
	life->allocations = after.allocations - before.allocations;
	life->bytes = life->allocations ? (after.bytes - before.bytes) / life->allocations : 0;
	life->pieces = calloc((size_t)life->allocations + 1, sizeof(*life->pieces));
}

static void create_empty(struct bench *bench)
{
	struct bench_guest guest;
	struct viommu_host *soft;

	struct bench_case *one = bench_case(bench, BENCH_TIME, "a domain over empty tables is created and destroyed", "create");
	if (!one)
		return;
	if (!bench_guest_begin(&guest, BENCH_REGION / 4, 1, 1) || viommu_host_soft_create(&soft)) {
		bench_skip(one, "no memory");
		return;
	}
	struct life life = { 0 };
	bench_tables(&life.tables, &guest, BENCH_PBA, BENCH_PBA + BENCH_REGION / 2 - 1);
	count_allocations(&life);
	struct lane noop_lane = { .life = &life, .host = bench_noop_host() }, soft_lane = { .life = &life, .host = soft };
	const struct bench_lane lanes[] = {
		{ .name = "no-op host", .sample = sample_empty, .ctx = &noop_lane },
		{ .name = "soft host", .sample = sample_empty, .ctx = &soft_lane },
		{ .name = "its allocations alone", .sample = sample_allocations, .ctx = &noop_lane, .baseline = true },
	};
	bench_measure(bench, one, lanes, life.pieces ? 3 : 2);
	free(life.pieces);
	viommu_host_destroy(soft);
	bench_guest_end(&guest);
}

/* Tables with a page in each `stride`. */
static void full(struct bench *bench, enum part part, const char *name, const char *what, uint64_t bytes, uint64_t stride)
{
	uint64_t page_tables = stride * BENCH_PAGE < BENCH_SEGMENT ? bytes / BENCH_SEGMENT : bytes / BENCH_PAGE / stride;
	uint64_t frames = bytes < UINT64_C(1) << 30 ? bytes : UINT64_C(1) << 30;
	struct viommu_host *soft = NULL;
	struct bench_guest guest;

	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "%s", name);
	if (!one)
		return;
	if (!bench_guest_begin(&guest, frames, page_tables, bytes / BENCH_REGION + 2)) {
		bench_skip(one, "no memory");
		return;
	}
	struct life life = { .part = part, .pages = bytes / BENCH_PAGE / stride };
	bench_tables(&life.tables, &guest, BENCH_PBA, BENCH_PBA + bytes - 1);
	bench_fill(&life.tables, life.tables.pba, life.tables.pal, stride);
	struct lane noop_lane = { .life = &life, .host = bench_noop_host() }, soft_lane = { .life = &life };
	if (!viommu_host_soft_create(&soft)) {
		soft_lane.host = soft;
		const struct bench_lane lanes[] = {
			{ .name = "no-op host", .sample = sample_domain, .ctx = &noop_lane },
			{ .name = "soft host", .sample = sample_domain, .ctx = &soft_lane },
			{ .name = "page by page", .sample = sample_walk, .ctx = &noop_lane, .baseline = true },
		};
		bench_measure(bench, one, lanes, 3);
	}
	viommu_host_destroy(soft);
	bench_guest_end(&guest);
}

static void release(struct bench *bench, uint64_t bytes)
{
	struct viommu_host *soft = NULL;
	struct bench_guest guest;
	char what[128];

	snprintf(what, sizeof(what), "a region entry above %s of pages becomes invalid, refresh of all; a page", cli_bytes(bytes));
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "release");
	if (!one)
		return;
	if (!bench_guest_begin(&guest, bytes, bytes / BENCH_SEGMENT, 1)) {
		bench_skip(one, "no memory");
		return;
	}
	struct life life = { .pages = bytes / BENCH_PAGE };
	bench_tables(&life.tables, &guest, BENCH_PBA, BENCH_PBA + bytes - 1);
	bench_fill(&life.tables, life.tables.pba, life.tables.pal, 1);
	life.entry = bench_root_entry(&life.tables, BENCH_PBA);
	struct lane noop_lane = { .life = &life }, soft_lane = { .life = &life }, walk_lane = { .life = &life };
	int error = viommu_host_soft_create(&soft);
	if (!error)
		error = bench_domain(&life.tables, bench_noop_host(), &noop_lane.domain);
	if (!error)
		error = bench_domain(&life.tables, soft, &soft_lane.domain);
	if (!error && !bench_tables_walk(&life.tables, life.pages, &walk_lane.walk))
		error = -ENOMEM;
	if (bench_is_set_up(bench, one, error)) {
		const struct bench_lane lanes[] = {
			{ .name = "no-op host", .sample = sample_release, .ctx = &noop_lane },
			{ .name = "soft host", .sample = sample_release, .ctx = &soft_lane },
			{ .name = "page by page", .sample = sample_release, .ctx = &walk_lane, .baseline = true },
		};
		bench_measure(bench, one, lanes, 3);
	}
	viommu_domain_destroy(noop_lane.domain);
	viommu_domain_destroy(soft_lane.domain);
	bench_walk_end(&walk_lane.walk);
	viommu_host_destroy(soft);
	bench_guest_end(&guest);
}

void bench_life(struct bench *bench)
{
	uint64_t dense = bench->options.quick ? UINT64_C(128) << 20 : UINT64_C(1) << 30;
	uint64_t sparse = bench->options.quick ? UINT64_C(16) << 30 : UINT64_C(1) << 40;
	char what[128];

	create_empty(bench);
	snprintf(what, sizeof(what), "tables with all of %s are registered; a page", cli_bytes(dense));
	full(bench, CREATE, "register/dense", what, dense, 1);
	snprintf(what, sizeof(what), "tables with a page in every 16 MiB of %s are registered; a page", cli_bytes(sparse));
	full(bench, CREATE, "register/sparse", what, sparse, 4096);
	release(bench, dense);
	snprintf(what, sizeof(what), "a domain with all of %s is destroyed; a page", cli_bytes(dense));
	full(bench, DESTROY, "destroy", what, dense, 1);
}
