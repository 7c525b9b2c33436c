// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory: the library's allocations with that many mapped pages, minus those before the domain was
 * created, for each page. That covers everything: the shadow, pin counts, the host's tables. The
 * baseline's memory is its hash table, which is about half full.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "count.h"
#include "guest.h"
#include "noop.h"

/* The layout of pages and of their frames. */
struct layout {
	const char *name, *what;
	uint64_t pages;
	uint64_t stride;       /* of IOVAs */
	uint64_t frame_stride; /* of GPAs; 0: scattered */
	double at_most;
};

static uint64_t frame(const struct bench_tables *tables, const struct layout *layout, uint64_t i)
{
	if (!layout->frame_stride)
		return bench_scattered_frame(tables, tables->pba + i * BENCH_PAGE);
	return i * layout->frame_stride % tables->guest->frames;
}

/* In a VM that has named no page before: pin counts are kept for the next domain. */
static int note(struct bench_case *one, const struct layout *layout, const struct bench_lane *lane, struct viommu_host *host)
{
	uint64_t last = BENCH_PBA + layout->pages * layout->stride - 1;
	uint64_t page_tables = layout->stride < BENCH_SEGMENT ? layout->pages * layout->stride / BENCH_SEGMENT : layout->pages;
	uint64_t frames = layout->pages * (layout->frame_stride ? layout->frame_stride : BENCH_PAGE);
	struct viommu_domain *domain = NULL;
	struct bench_guest guest;
	struct bench_tables tables;
	struct bench_walk walk = { 0 };
	int error = 0;

	if (!bench_guest_begin(&guest, frames, page_tables, layout->pages * layout->stride / BENCH_REGION + 2))
		return -ENOMEM;
	bench_tables(&tables, &guest, BENCH_PBA, last);
	for (uint64_t i = 0; i < layout->pages; i++)
		bench_set(bench_entry(&tables, BENCH_PBA + i * layout->stride), bench_leaf(frame(&tables, layout, i)));
	uint64_t before = bench_count().bytes;
	if (host)
		error = bench_domain(&tables, host, &domain);
	else if (!bench_tables_walk(&tables, layout->pages, &walk))
		error = -ENOMEM;
	uint64_t bytes = host ? bench_count().bytes - before : bench_walk_bytes(&walk);
	if (!error && (host ? bench_mapped(domain) : walk.used) != layout->pages)
		error = -EILSEQ;
	viommu_domain_destroy(domain);
	bench_walk_end(&walk);
	bench_guest_end(&guest);
	if (!error)
		bench_note(one, lane, (double)bytes / (double)layout->pages);
	return error;
}

static void measure(struct bench *bench, const struct layout *layout)
{
	const struct bench_lane lanes[] = {
		{ .name = "no-op host", .at_most = layout->at_most },
		{ .name = "soft host" },
		{ .name = "page by page", .baseline = true },
	};
	struct viommu_host *soft;

	struct bench_case *one = bench_case(bench, BENCH_BYTES, layout->what, "memory/%s", layout->name);
	if (!one)
		return;
	if (viommu_host_soft_create(&soft)) {
		bench_skip(one, "no memory");
		return;
	}
	int error = note(one, layout, &lanes[0], bench_noop_host());
	if (!error)
		error = note(one, layout, &lanes[1], soft);
	if (!error)
		error = note(one, layout, &lanes[2], NULL);
	if (error)
		bench_fail(bench, one, "it could not be measured: %s", strerror(-error));
	viommu_host_destroy(soft);
}

void bench_memory(struct bench *bench)
{
	static const struct layout layouts[] = {
		{ "dense", "memory for a page, all of 1 GiB mapped, contiguous frames", 1 << 18, BENCH_PAGE, BENCH_PAGE, 12 },
		{ "dense/scattered", "memory for a page, all of 1 GiB mapped, scattered frames", 1 << 18, BENCH_PAGE, 0, 12 },
		{ "lone", "memory for a page that is alone in its 2 GiB, contiguous frames", 64, BENCH_REGION, BENCH_PAGE, 3072 },
		{ "lone/scattered", "memory for a page that is alone in its 2 GiB, each frame alone in its 16 MiB", 64, BENCH_REGION, 16 * BENCH_SEGMENT,
		  3072 },
	};

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		measure(bench, &layouts[i]);
}
