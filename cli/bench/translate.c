// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Translating for a device model, on the soft host. Frames are scattered, so that each page is a
 * separate translation, unless a case says otherwise.
 *
 * The baseline is the optimum for a device model without any changes: an array with one entry for
 * each page, with the same checks of range and rights, and the same answer.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define APERTURE (UINT64_C(256) << 20)
#define PAGES	 (APERTURE / BENCH_PAGE)
#define SEQUENCE 4096u		    /* buffers of one page in a sample */
#define HOT	 16u		    /* pages that a device uses again and again */
#define LONG	 (256 * BENCH_PAGE) /* a long buffer */
#define MOST	 256u		    /* pieces */

struct array_entry {
	unsigned char *hva;
	uint32_t prot;
};

struct rig {
	struct bench_guest guest;
	struct bench_tables tables;
	struct viommu_host *soft;
	struct viommu_domain *domain;
	struct viommu_device *device;
	struct viommu_reader *readers[2];
	struct array_entry *array;
	uint64_t *iovas; /* SEQUENCE of them */
	uint64_t bytes;	 /* of each buffer */
	unsigned int count;
	bool fails; /* none of the IOVAs is mapped */
};

/* Works for one thread. */
struct job {
	struct rig *rig;
	struct viommu_reader *reader;
	unsigned int turns;
};

struct lane {
	struct bench *bench;
	struct job jobs[2];
	struct bench_work works[2];
	unsigned int threads;
};

static int translate(void *ctx)
{
	const struct job *job = ctx;
	const struct rig *rig = job->rig;
	struct viommu_piece pieces[MOST];
	uint64_t translated;

	for (unsigned int turn = 0; turn < job->turns; turn++) {
		for (unsigned int i = 0; i < rig->count; i++) {
			int got = viommu_translate(job->reader, rig->iovas[i], rig->bytes, VIOMMU_RW, pieces, MOST, &translated, NULL);
			if (rig->fails ? got != -EFAULT : translated != rig->bytes)
				return -EILSEQ;
			bench_use((uint64_t)(uintptr_t)pieces[0].hva);
		}
	}
	return 0;
}

/* The baseline's translate(): a call, like the library's. */
static __attribute__((noinline)) int array_translate(const struct array_entry *array, uint64_t pba, uint64_t iova, uint64_t bytes, uint32_t access,
						     struct viommu_piece *pieces, unsigned int max, uint64_t *translated)
{
	uint64_t offset = iova - pba;
	unsigned int number = 0;

	*translated = 0;
	if (offset >= APERTURE || bytes > APERTURE - offset)
		return -EFAULT;
	while (bytes) {
		const struct array_entry *entry = &array[offset / BENCH_PAGE];
		uint64_t part = BENCH_PAGE - offset % BENCH_PAGE < bytes ? BENCH_PAGE - offset % BENCH_PAGE : bytes;
		if (access & ~entry->prot)
			return -EFAULT;
		unsigned char *hva = entry->hva + offset % BENCH_PAGE;
		if (number && hva == (unsigned char *)pieces[number - 1].hva + pieces[number - 1].bytes) {
			pieces[number - 1].bytes += part;
		} else {
			if (number == max)
				break;
			pieces[number++] = (struct viommu_piece){ .hva = hva, .bytes = part };
		}
		*translated += part;
		offset += part;
		bytes -= part;
	}
	return (int)number;
}

static int look_up(void *ctx)
{
	const struct job *job = ctx;
	const struct rig *rig = job->rig;
	struct viommu_piece pieces[MOST];
	uint64_t translated;

	for (unsigned int turn = 0; turn < job->turns; turn++) {
		for (unsigned int i = 0; i < rig->count; i++) {
			int got = array_translate(rig->array, rig->tables.pba, rig->iovas[i], rig->bytes, VIOMMU_RW, pieces, MOST, &translated);
			if (rig->fails ? got != -EFAULT : translated != rig->bytes)
				return -EILSEQ;
			bench_use((uint64_t)(uintptr_t)pieces[0].hva);
		}
	}
	return 0;
}

/* Nanoseconds for one buffer, with two threads for one of all buffers. */
static double sample(void *ctx)
{
	struct lane *lane = ctx;
	double ns = bench_together(lane->bench, lane->works, lane->threads);

	return ns < 0 ? ns : ns / lane->threads / lane->jobs[0].turns / lane->jobs[0].rig->count;
}

static void end(struct rig *rig)
{
	viommu_reader_destroy(rig->readers[0]);
	viommu_reader_destroy(rig->readers[1]);
	viommu_device_destroy(rig->device);
	viommu_domain_destroy(rig->domain);
	viommu_host_destroy(rig->soft);
	free(rig->array);
	free(rig->iovas);
	bench_guest_end(&rig->guest);
}

/* All of the aperture is mapped, except for its last quarter. */
static int begin(struct rig *rig, bool scattered)
{
	int error;

	*rig = (struct rig){ .bytes = BENCH_PAGE, .count = SEQUENCE };
	if (!bench_guest_begin(&rig->guest, APERTURE, APERTURE / BENCH_SEGMENT, 1))
		return -ENOMEM;
	bench_tables(&rig->tables, &rig->guest, BENCH_PBA, BENCH_PBA + APERTURE - 1);
	rig->array = calloc(PAGES, sizeof(*rig->array));
	rig->iovas = calloc(SEQUENCE, sizeof(*rig->iovas));
	error = rig->array && rig->iovas ? viommu_host_soft_create(&rig->soft) : -ENOMEM;
	for (uint64_t i = 0; !error && i < PAGES / 4 * 3; i++) {
		uint64_t iova = BENCH_PBA + i * BENCH_PAGE;
		uint64_t gpa = scattered ? bench_scattered_frame(&rig->tables, iova) : bench_frame(&rig->tables, iova);
		bench_set(bench_entry(&rig->tables, iova), bench_leaf(gpa));
		rig->array[i] = (struct array_entry){ .hva = rig->guest.memory + gpa, .prot = VIOMMU_RW };
	}
	if (!error)
		error = bench_domain(&rig->tables, rig->soft, &rig->domain);
	if (!error)
		error = viommu_device_create(rig->guest.vm, rig->soft, NULL, &rig->device);
	if (!error)
		error = viommu_domain_attach(rig->domain, rig->device, VIOMMU_NO_PASID);
	for (unsigned int i = 0; !error && i < 2; i++)
		error = viommu_reader_create(rig->device, VIOMMU_NO_PASID, &rig->readers[i]);
	if (error)
		end(rig);
	return error;
}

static void init_lane(struct lane *lane, struct bench *bench, struct rig *rig, int (*fn)(void *ctx), unsigned int threads, unsigned int turns)
{
	*lane = (struct lane){ .bench = bench, .threads = threads };
	for (unsigned int i = 0; i < threads; i++) {
		lane->jobs[i] = (struct job){ .rig = rig, .reader = rig->readers[i], .turns = turns };
		lane->works[i] = (struct bench_work){ .fn = fn, .ctx = &lane->jobs[i] };
	}
}

/* The buffers of a case. */
enum where { IN_CACHE, NOT_IN_CACHE, BY_TURNS, NOT_MAPPED, LONG_BUFFERS };

/*
 * Pages in an order that no cache and no prefetcher predicts, the same in each run. Each comes once
 * before any is repeated.
 */
static uint64_t scattered_page(uint64_t i)
{
	return i * 1597 % SEQUENCE;
}

static void choose(struct rig *rig, enum where where)
{
	for (uint64_t i = 0; i < SEQUENCE; i++) {
		uint64_t page = scattered_page(i);
		if (where == IN_CACHE || (where == BY_TURNS && i % 2))
			page = i / 2 % HOT;
		if (where == NOT_MAPPED)
			page = PAGES - 1 - page;
		if (where == LONG_BUFFERS)
			page = i * (LONG / BENCH_PAGE) % (PAGES / 2);
		rig->iovas[i] = BENCH_PBA + page * BENCH_PAGE;
	}
	rig->fails = where == NOT_MAPPED;
	if (where == LONG_BUFFERS) {
		rig->bytes = LONG;
		rig->count = 64;
	}
}

static void one_thread(struct bench *bench, const char *name, const char *what, enum where where, bool scattered, double at_most)
{
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "translate/%s", name);
	struct lane library, array;
	struct rig rig;

	if (!one)
		return;
	if (!bench_is_set_up(bench, one, begin(&rig, scattered)))
		return;
	choose(&rig, where);
	init_lane(&library, bench, &rig, translate, 1, 2);
	init_lane(&array, bench, &rig, look_up, 1, 2);
	const struct bench_lane lanes[] = {
		{ .name = "soft host", .sample = sample, .ctx = &library, .at_most = at_most },
		{ .name = "array", .sample = sample, .ctx = &array, .baseline = true },
	};
	bench_measure(bench, one, lanes, 2);
	end(&rig);
}

/* The same by one thread and by two, each with its own reader. */
static void two_threads(struct bench *bench, const char *name, const char *what, enum where where, double at_least)
{
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, what, "translate/%s/threads", name);
	struct lane alone, both;
	struct rig rig;

	if (!one)
		return;
	if (bench->machine.cpu_number[1] < 0) {
		bench_skip(one, "this process may use one CPU only");
		return;
	}
	if (!bench_is_set_up(bench, one, begin(&rig, true)))
		return;
	choose(&rig, where);
	init_lane(&alone, bench, &rig, translate, 1, 10);
	init_lane(&both, bench, &rig, translate, 2, 10);
	const struct bench_lane lanes[] = {
		{ .name = "two threads", .sample = sample, .together = true, .ctx = &both, .at_least = at_least },
		{ .name = "one thread", .sample = sample, .ctx = &alone, .baseline = true },
	};
	bench_measure(bench, one, lanes, 2);
	end(&rig);
}

void bench_translate(struct bench *bench)
{
	one_thread(bench, "hit", "4 KiB that the reader has translated before", IN_CACHE, true, 5);
	one_thread(bench, "miss", "4 KiB that the reader does not remember: a walk of three levels", NOT_IN_CACHE, true, 60);
	one_thread(bench, "mixed", "4 KiB, hits and misses by turns", BY_TURNS, true, 0);
	one_thread(bench, "fault", "4 KiB where nothing is mapped", NOT_MAPPED, true, 0);
	one_thread(bench, "long", "1 MiB in one piece", LONG_BUFFERS, false, 0);
	one_thread(bench, "long/scattered", "1 MiB in 256 pieces", LONG_BUFFERS, true, 1700);
	two_threads(bench, "hit", "hits, by two threads at a time; nanoseconds for one of all their translations", IN_CACHE, 1.8);
	two_threads(bench, "miss", "misses, by two threads at a time; nanoseconds for one of all their translations", NOT_IN_CACHE, 1.8);
}
