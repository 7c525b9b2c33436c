// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same work with tables of Arm's stage 1, as of an SMMUv3's guest: with a granule of 4 KiB,
 * whose leaves are compared like those of other formats, and with one of 64 KiB, whose leaves are
 * sixteen pages each.
 *
 * The aperture is 1 GiB from IOVA 4 GiB on, of 39 bits. Its leaf tables are adjacent, so that they
 * are one array.
 */
#include <viommu/smmuv3.h>

#include "bench.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "noop.h"

#define APERTURE (UINT64_C(1) << 30)
#define TSZ	 25u

/* Descriptors (Arm ARM, D8): a table; a page, with the access flag, for unprivileged accesses. */
#define TABLE UINT64_C(0x3)
#define PAGE  UINT64_C(0x443)

/*
 * A context descriptor's first doubleword (IHI 0070, 5.4): EPD1, V, IPS of 48 bits, AA64; TG0 0 is
 * 4 KiB, 1 is 64 KiB.
 */
#define CD0	(UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 | UINT64_C(1) << 41)
#define TG0_64K (UINT64_C(1) << 6)

struct arm64 {
	struct bench_guest guest;
	unsigned int shift; /* log2 of the granule */
	uint64_t root;	    /* GPA */
	uint64_t *leaves;   /* of the aperture */
	uint64_t *copy;	    /* of these */
	struct viommu_domain *domain;
	uint64_t step; /* every step-th leaf changes, starting with the first ... */
	uint64_t run;  /* ... and this many adjacent ones, in one refresh */
};

static uint64_t granule(const struct arm64 *arm64)
{
	return UINT64_C(1) << arm64->shift;
}

static uint64_t leaves(const struct arm64 *arm64)
{
	return APERTURE >> arm64->shift;
}

static size_t leaf_bytes(const struct arm64 *arm64)
{
	return (size_t)leaves(arm64) * sizeof(uint64_t);
}

static uint64_t *at(const struct arm64 *arm64, uint64_t gpa)
{
	return (uint64_t *)(void *)(arm64->guest.memory + gpa);
}

static void set(const struct arm64 *arm64, uint64_t i, bool valid)
{
	bench_set(&arm64->leaves[i], htole64(valid ? (i << arm64->shift) | PAGE : 0));
}

/*
 * Tables from the one that TSZ selects down to the leaf tables: two levels with 64 KiB, three with
 * 4.
 */
static void build(struct arm64 *arm64)
{
	uint64_t size = granule(arm64), next = (arm64->guest.frames + size - 1) & ~(size - 1), above;
	unsigned int bits = arm64->shift - 3, shift = arm64->shift + bits;

	arm64->root = above = next;
	next += size;
	if (arm64->shift == 12) {
		at(arm64, above)[BENCH_PBA >> (shift + bits)] = htole64(next | TABLE);
		above = next;
		next += size;
	}
	arm64->leaves = at(arm64, next);
	for (uint64_t i = 0; i < APERTURE >> shift; i++)
		at(arm64, above)[((BENCH_PBA >> shift) + i) % (size / 8)] = htole64((next + i * size) | TABLE);
}

static void end(struct arm64 *arm64)
{
	viommu_domain_destroy(arm64->domain);
	free(arm64->copy);
	bench_guest_end(&arm64->guest);
}

static bool begin(struct arm64 *arm64, unsigned int shift)
{
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 48 };
	uint64_t bytes = (leaves(&(struct arm64){ .shift = shift }) * 8) + 4 * (UINT64_C(1) << shift);

	memset(arm64, 0, sizeof(*arm64));
	arm64->shift = shift;
	arm64->copy = malloc(leaf_bytes(arm64));
	if (!arm64->copy || !bench_guest_begin(&arm64->guest, APERTURE, bytes / 2048, 1)) {
		free(arm64->copy);
		return false;
	}
	build(arm64);
	stage1.cd[0] = CD0 | TSZ | (shift == 16 ? TG0_64K : 0);
	stage1.cd[1] = arm64->root;
	if (!viommu_domain_create(arm64->guest.vm, bench_noop_host(), VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &arm64->domain))
		return true;
	end(arm64);
	return false;
}

/*
 * Makes the changed entries valid or invalid, and refreshes them run by run. Returns the
 * nanoseconds of the refreshes, or a negative errno.
 */
static double turn(const struct arm64 *arm64, bool valid)
{
	uint64_t all = leaves(arm64);
	int error = 0;

	for (uint64_t i = 0; i < all; i += arm64->step)
		for (uint64_t n = 0; n < arm64->run; n++)
			set(arm64, i + n, valid);
	struct bench_watch watch = bench_watch();
	for (uint64_t i = 0; i < all && !error; i += arm64->step)
		error = viommu_domain_refresh(arm64->domain, BENCH_PBA + (i << arm64->shift), BENCH_PBA + ((i + arm64->run) << arm64->shift) - 1, NULL);
	double ns = bench_elapsed(&watch);
	return error ? error : ns;
}

/* The whole cycle twice. The second one is measured. The figure is for each leaf. */
static double sample_map(void *ctx)
{
	const struct arm64 *arm64 = ctx;
	uint64_t before = bench_mapped(arm64->domain), changed = leaves(arm64) / arm64->step * arm64->run;
	double ns = 0;

	for (unsigned int i = 0; i < 4; i++) {
		double one = turn(arm64, i % 2 == 0);
		uint64_t expected = before + (i % 2 ? 0 : changed * (granule(arm64) / BENCH_PAGE));
		if (one < 0)
			return one;
		if (bench_mapped(arm64->domain) != expected)
			return -EILSEQ;
		if (i == 2)
			ns = one;
	}
	return ns / (double)changed;
}

static double sample_same(void *ctx)
{
	const struct arm64 *arm64 = ctx;
	struct bench_watch watch = bench_watch();
	int error = viommu_domain_refresh(arm64->domain, BENCH_PBA, BENCH_PBA + APERTURE - 1, NULL);
	double ns = bench_elapsed(&watch);

	return error ? error : ns;
}

static double sample_memcmp(void *ctx)
{
	const struct arm64 *arm64 = ctx;
	struct bench_watch watch = bench_watch();
	int differs = memcmp(arm64->leaves, arm64->copy, leaf_bytes(arm64));
	double ns = bench_elapsed(&watch);

	return differs ? -EILSEQ : ns;
}

static const char *name_of(unsigned int shift)
{
	return shift == 12 ? "4k" : "64k";
}

/* Some adjacent leaves become valid in one refresh, every `step` leaves. */
static void map(struct bench *bench, unsigned int shift, uint64_t run, uint64_t step)
{
	struct arm64 arm64;
	char what[128];

	snprintf(what, sizeof(what), "Arm's tables, %s: %u %s valid in one refresh; each", name_of(shift), (unsigned int)run,
		 run > 1 ? "neighbouring leaves become" : "leaf becomes");
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "arm64/%s/map/%u", name_of(shift), (unsigned int)run);
	if (!one)
		return;
	if (!begin(&arm64, shift)) {
		bench_skip(one, "no memory");
		return;
	}
	arm64.run = run;
	arm64.step = step;
	/* Leaves between the changing ones stay mapped. */
	for (uint64_t i = 0; i < leaves(&arm64); i++)
		set(&arm64, i, i % step >= run);
	if (sample_same(&arm64) < 0)
		bench_fail(bench, one, "it could not be set up");
	else
		bench_measure(bench, one, &(const struct bench_lane){ .name = "no-op host", .sample = sample_map, .ctx = &arm64 }, 1);
	end(&arm64);
}

static void same(struct bench *bench, unsigned int shift)
{
	struct arm64 arm64;
	char what[128];

	snprintf(what, sizeof(what), "Arm's tables, %s: nothing has changed; refresh of all of 1 GiB, mapped densely", name_of(shift));
	struct bench_case *one = bench_case(bench, BENCH_TIME, what, "arm64/%s/same", name_of(shift));
	if (!one)
		return;
	if (!begin(&arm64, shift)) {
		bench_skip(one, "no memory");
		return;
	}
	for (uint64_t i = 0; i < leaves(&arm64); i++)
		set(&arm64, i, true);
	memcpy(arm64.copy, arm64.leaves, leaf_bytes(&arm64));
	const struct bench_lane lanes[] = {
		{ .name = "no-op host", .sample = sample_same, .ctx = &arm64 },
		{ .name = "memcmp", .sample = sample_memcmp, .ctx = &arm64, .baseline = true },
	};
	if (sample_same(&arm64) < 0 || bench_mapped(arm64.domain) != APERTURE / BENCH_PAGE)
		bench_fail(bench, one, "it could not be set up");
	else
		bench_measure(bench, one, lanes, 2);
	end(&arm64);
}

void bench_arm64(struct bench *bench)
{
	static const unsigned int shifts[] = { 12, 16 };

	for (unsigned int i = 0; i < 2; i++) {
		map(bench, shifts[i], 1, 2);
		map(bench, shifts[i], 16, 64);
		same(bench, shifts[i]);
	}
}
