// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Refreshes of the whole aperture that change nothing. A guest that unmaps lazily requests them
 * again and again. Their cost is the minimum for finding out that there is nothing to do. The plot
 * shows these.
 *
 * memcmp compares all bytes of all tables with a copy, in one call: nothing that reads every entry
 * can be faster.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"
#include "noop.h"

/* Sparse: one page in each of these ranges. */
#define SPARSE_STRIDE (16 * BENCH_SEGMENT)

/*
 * The bytes of a dense page in total: an entry, a copy, the library's, a place in the baseline's
 * table.
 */
#define DENSE_PAGE_BYTES 96

enum shape { DENSE, SPARSE, TWO };

struct same {
	struct bench_tables tables;
	struct viommu_domain *domain;
	struct bench_walk walk;
	const unsigned char *bytes; /* of all tables */
	unsigned char *copy;
	size_t number;
};

static double sample_library(void *ctx)
{
	const struct same *same = ctx;
	struct bench_watch watch = bench_watch();
	int error = viommu_domain_refresh(same->domain, same->tables.pba, same->tables.pal, NULL);
	double ns = bench_elapsed(&watch);

	return error ? error : ns;
}

static double sample_walk(void *ctx)
{
	struct same *same = ctx;
	struct bench_watch watch = bench_watch();
	bool done = bench_walk_refresh(&same->walk, same->tables.pba, same->tables.pal);
	double ns = bench_elapsed(&watch);

	return done ? ns : -ENOMEM;
}

static double sample_memcmp(void *ctx)
{
	const struct same *same = ctx;
	struct bench_watch watch = bench_watch();
	int differs = memcmp(same->bytes, same->copy, same->number);
	double ns = bench_elapsed(&watch);

	return differs ? -EILSEQ : ns;
}

static uint64_t fill(const struct bench_tables *tables, enum shape shape)
{
	uint64_t pages = (tables->pal - tables->pba + 1) / BENCH_PAGE;

	switch (shape) {
	case DENSE:
		bench_fill(tables, tables->pba, tables->pal, 1);
		return pages;
	case SPARSE:
		bench_fill(tables, tables->pba, tables->pal, SPARSE_STRIDE / BENCH_PAGE);
		return (pages * BENCH_PAGE + SPARSE_STRIDE - 1) / SPARSE_STRIDE;
	default:
		/* In the middle, and at the end. */
		bench_fill(tables, tables->pba + pages / 2 * BENCH_PAGE, tables->pba + pages / 2 * BENCH_PAGE, 1);
		bench_fill(tables, tables->pal + 1 - BENCH_PAGE, tables->pal, 1);
		return 2;
	}
}

/*
 * The caller frees the remaining memory in any case. False: memory is short, or the library failed.
 */
static bool begin(struct same *same, struct bench_guest *guest, uint64_t bytes, enum shape shape, bool with_walk)
{
	bench_tables(&same->tables, guest, BENCH_PBA, BENCH_PBA + bytes - 1);
	uint64_t pages = fill(&same->tables, shape);

	same->bytes = guest->memory + guest->frames;
	same->number = (size_t)(guest->next - guest->frames);
	same->copy = mmap(NULL, same->number, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (same->copy == MAP_FAILED)
		same->copy = NULL;
	if (!same->copy)
		return false;
	memcpy(same->copy, same->bytes, same->number);
	if (with_walk && (!bench_tables_walk(&same->tables, pages, &same->walk) || same->walk.used != pages))
		return false;
	return !bench_domain(&same->tables, bench_noop_host(), &same->domain) && bench_mapped(same->domain) == pages;
}

static void measure(struct bench *bench, unsigned int shift, enum shape shape, double at_most, double at_least)
{
	static const char *const shapes[] = { "dense", "sparse", "two" };
	static const char *const how[] = { "mapped densely", "a page in every 16 MiB", "two page tables in all" };
	/* The aperture of a Linux guest with 4 TiB ends there, although it begins at 4 GiB. */
	uint64_t bytes = shift == 42 ? (UINT64_C(1) << 42) - BENCH_PBA : UINT64_C(1) << shift;
	/* Beyond that, the baseline would take most of the memory. */
	bool with_walk = shape != DENSE || shift <= 36;
	uint64_t page_tables = shape == DENSE ? bytes / BENCH_SEGMENT : shape == SPARSE ? bytes / SPARSE_STRIDE + 1 : 2;
	/* Frames may be named repeatedly, since address space is limited. */
	uint64_t frames = bytes < UINT64_C(64) << 30 ? bytes : UINT64_C(64) << 30;
	struct bench_guest guest;
	char what[128];

	snprintf(what, sizeof(what), "nothing has changed; refresh of all of %s, %s", cli_bytes(UINT64_C(1) << shift), how[shape]);
	struct bench_case *one = bench_case(bench, BENCH_TIME, what, "same/%s/%u%c", shapes[shape], 1u << shift % 10, "MGT"[shift / 10 - 2]);
	if (!one)
		return;
	one->size = (double)bytes;
	if (!bench_guest_begin(&guest, frames, page_tables, bytes / BENCH_REGION + 2)) {
		bench_skip(one, "this machine has no address space for it");
		return;
	}
	struct same same = { 0 };
	if (begin(&same, &guest, bytes, shape, with_walk)) {
		const struct bench_lane lanes[] = {
			{ .name = "no-op host",
			  .sample = sample_library,
			  .ctx = &same,
			  .at_most = at_most,
			  .at_least = at_least,
			  .against = at_least > 0 ? "memcmp" : NULL },
			{ .name = "memcmp", .sample = sample_memcmp, .ctx = &same, .baseline = true },
			{ .name = "page by page", .sample = sample_walk, .ctx = &same, .baseline = true },
		};
		bench_measure(bench, one, lanes, with_walk ? 3 : 2);
	} else {
		bench_fail(bench, one, "it could not be set up");
	}
	viommu_domain_destroy(same.domain);
	bench_walk_end(&same.walk);
	if (same.copy)
		munmap(same.copy, same.number);
	bench_guest_end(&guest);
}

void bench_same(struct bench *bench)
{
	static const unsigned int shifts[] = { 20, 24, 28, 30, 32, 34, 36, 38, 40, 42 };
	unsigned int number = bench->options.quick ? 3 : 9;

	for (unsigned int i = 0; i < number; i++)
		if (UINT64_C(1) << shifts[i] <= bench->options.memory / DENSE_PAGE_BYTES * BENCH_PAGE)
			measure(bench, shifts[i], DENSE, 0, shifts[i] == 30 ? 0.6 : 0);
	for (unsigned int i = 0; i < number; i++)
		measure(bench, shifts[i], SPARSE, 0, 0);
	for (unsigned int i = 3; i < 10; i++)
		measure(bench, shifts[i], TWO, shifts[i] == 42 ? 30e3 : 0, 0);
}
