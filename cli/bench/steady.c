// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The steady state: operations that were done a few times are repeated a thousand times. Pages
 * become valid and invalid, 1, 16 and 256 in one refresh, at a few places, with other frames each
 * time. The whole aperture is refreshed. A device model translates. Allocations and system calls
 * are counted.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "count.h"
#include "guest.h"
#include "noop.h"

enum { WARM = 8, ROUNDS = 1000, PLACES = 4 };

#define APERTURE (UINT64_C(64) << 20)

struct steady {
	struct bench_guest guest;
	struct bench_tables tables;
	struct viommu_host *host;
	struct viommu_domain *domain;
	struct viommu_device *device;
	struct viommu_reader *reader; /* NULL if the host cannot look up */
	unsigned int rounds;	      /* to go */
};

static int turn(const struct steady *steady, uint64_t iova, uint64_t pages, uint64_t frame, bool valid)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t gpa = (frame + i) * BENCH_PAGE % steady->guest.frames;
		bench_set(bench_entry(&steady->tables, iova + i * BENCH_PAGE), valid ? bench_leaf(gpa) : bench_leaf(gpa | BENCH_PAGE_I));
	}
	return viommu_domain_refresh(steady->domain, iova, iova + pages * BENCH_PAGE - 1, NULL);
}

static int go(void *ctx)
{
	static const uint64_t sizes[] = { 1, 16, 256 };
	const struct steady *steady = ctx;
	struct viommu_piece piece;
	uint64_t translated;
	int error = 0;

	for (unsigned int round = 0; round < steady->rounds; round++) {
		uint64_t pages = sizes[round % 3];
		uint64_t iova = BENCH_PBA + round % PLACES * (APERTURE / PLACES);

		error = turn(steady, iova, pages, round, true);
		if (!error && steady->reader && viommu_translate(steady->reader, iova, BENCH_PAGE, VIOMMU_RW, &piece, 1, &translated, NULL) != 1)
			error = -EILSEQ;
		if (!error)
			error = turn(steady, iova, pages, round, false);
		if (!error)
			error = viommu_domain_refresh(steady->domain, steady->tables.pba, steady->tables.pal, NULL);
		if (error)
			return error;
	}
	return 0;
}

static void end(struct steady *steady)
{
	viommu_reader_destroy(steady->reader);
	viommu_device_destroy(steady->device);
	viommu_domain_destroy(steady->domain);
	bench_guest_end(&steady->guest);
}

static int begin(struct steady *steady, struct viommu_host *host, bool translates)
{
	*steady = (struct steady){ .host = host };
	if (!bench_guest_begin(&steady->guest, APERTURE, APERTURE / BENCH_SEGMENT, 1))
		return -ENOMEM;
	bench_tables(&steady->tables, &steady->guest, BENCH_PBA, BENCH_PBA + APERTURE - 1);
	int error = bench_domain(&steady->tables, host, &steady->domain);
	if (!error)
		error = viommu_device_create(steady->guest.vm, host, NULL, &steady->device);
	if (!error)
		error = viommu_domain_attach(steady->domain, steady->device, VIOMMU_NO_PASID);
	if (!error && translates)
		error = viommu_reader_create(steady->device, VIOMMU_NO_PASID, &steady->reader);
	/* This also names the frames for the first time. */
	steady->rounds = ROUNDS + WARM;
	if (!error)
		error = go(steady);
	if (error)
		end(steady);
	steady->rounds = ROUNDS;
	return error;
}

static int64_t count(struct steady *steady, bool calls)
{
	if (calls)
		return bench_system_calls(go, steady);
	uint64_t before = bench_count().allocations;
	int error = go(steady);
	return error ? error : (int64_t)(bench_count().allocations - before);
}

static void measure(struct bench *bench, bool calls)
{
	static const struct bench_lane lanes[] = {
		{ .name = "no-op host", .exact = true },
		{ .name = "soft host", .exact = true },
	};
	struct viommu_host *soft;

	struct bench_case *one =
		bench_case(bench, BENCH_COUNT,
			   calls ? "system calls in a thousand rounds of what was done before" : "allocations in a thousand rounds of what was done before",
			   "steady/%s", calls ? "system-calls" : "allocations");
	if (!one)
		return;
	if (viommu_host_soft_create(&soft)) {
		bench_skip(one, "no memory");
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct steady steady;
		int64_t counted = begin(&steady, i ? soft : bench_noop_host(), i);
		if (!counted) {
			counted = count(&steady, calls);
			end(&steady);
		}
		if (calls && counted == -EOPNOTSUPP)
			bench_skip(one, "this machine does not let one process count another's system calls");
		else if (counted < 0)
			bench_fail(bench, one, "%s: it could not be counted: %s", lanes[i].name, strerror((int)-counted));
		else
			bench_note(one, &lanes[i], (double)counted);
	}
	viommu_host_destroy(soft);
}

void bench_steady(struct bench *bench)
{
	measure(bench, false);
	measure(bench, true);
}
