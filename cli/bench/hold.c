// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The longest time that a refresh holds the lock of its domain. One entry of the top table, above 2
 * GiB of mapped pages, becomes invalid, and the whole aperture is refreshed. Each step of such a
 * refresh flushes the host once, shortly before it releases the lock. The figure is the longest
 * time between two flushes, or between a flush and either end of the call.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "guest.h"
#include "noop.h"
#include "host/host.h"

#define NO_TABLE bench_leaf(BENCH_TABLE_I)

/* A host that records flushes. */
struct seen {
	struct viommu_host host;
	struct host_ops ops;
	int (*flush)(struct host_space *space);
	struct bench_watch watch;
	double longest;
};

struct hold {
	struct bench_tables tables;
	struct viommu_domain *domain;
	struct seen seen;
};

static void end_step(struct seen *seen)
{
	double ns = bench_elapsed(&seen->watch);

	if (ns > seen->longest)
		seen->longest = ns;
	seen->watch = bench_watch();
}

static int flush(struct host_space *space)
{
	struct seen *seen = (struct seen *)space->host;

	end_step(seen);
	return seen->flush(space);
}

static double sample(void *ctx)
{
	struct hold *hold = ctx;
	struct seen *seen = &hold->seen;
	uint64_t *entry = bench_root_entry(&hold->tables, hold->tables.pba), table = *entry;

	bench_set(entry, NO_TABLE);
	seen->longest = 0;
	seen->watch = bench_watch();
	int error = viommu_domain_refresh(hold->domain, hold->tables.pba, hold->tables.pal, NULL);
	end_step(seen);
	double longest = seen->longest;
	bench_set(entry, table);
	if (!error)
		error = viommu_domain_refresh(hold->domain, hold->tables.pba, hold->tables.pal, NULL);
	return error ? error : longest;
}

static int begin(struct hold *hold, struct bench_guest *guest, const struct viommu_host *host)
{
	struct seen *seen = &hold->seen;

	seen->ops = *host->ops;
	seen->flush = seen->ops.flush;
	seen->ops.flush = flush;
	seen->host = *host;
	seen->host.ops = &seen->ops;
	bench_tables(&hold->tables, guest, BENCH_PBA, BENCH_PBA + BENCH_REGION - 1);
	bench_fill(&hold->tables, hold->tables.pba, hold->tables.pal, 1);
	return bench_domain(&hold->tables, &seen->host, &hold->domain);
}

void bench_hold(struct bench *bench)
{
	struct bench_case *one = bench_case(bench, BENCH_TIME, "2 GiB of pages are released at once; the longest hold of the domain's lock", "hold/release");
	struct hold hold[2] = { { .domain = NULL } };
	struct viommu_host *soft = NULL;
	struct bench_guest guest;

	if (!one)
		return;
	if (!bench_guest_begin(&guest, BENCH_REGION, 2 * BENCH_REGION / BENCH_SEGMENT, 4)) {
		bench_skip(one, "no memory");
		return;
	}
	int error = viommu_host_soft_create(&soft);
	if (!error)
		error = begin(&hold[0], &guest, bench_noop_host());
	if (!error)
		error = begin(&hold[1], &guest, soft);
	const struct bench_lane lanes[] = {
		{ .name = "no-op host", .sample = sample, .ctx = &hold[0] },
		{ .name = "soft host", .sample = sample, .ctx = &hold[1] },
	};
	if (bench_is_set_up(bench, one, error))
		bench_measure(bench, one, lanes, 2);
	viommu_domain_destroy(hold[0].domain);
	viommu_domain_destroy(hold[1].domain);
	bench_guest_end(&guest);
	viommu_host_destroy(soft);
}
