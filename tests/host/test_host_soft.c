/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The soft host: the conformance suite, invalid arguments, apertures of all depths, and lookups by
 * several threads while another one maps and unmaps.
 */
#include "host_conformance.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE VIOMMU_PAGE_SIZE
#define MIB  (UINT64_C(1) << 20)

/* Memory that these tests map. The soft host never accesses it, so it need not exist. */
#define GIB    (UINT64_C(1) << 30)
#define OUTPUT UINT64_C(0x40000000)

struct soft {
	struct viommu_host *host;
	struct host_space *space;
	struct counted_memory memory;
};

static void soft_open(struct soft *soft, uint64_t first, uint64_t last)
{
	assert_int_equal(viommu_host_soft_create(&soft->host), 0);
	counted_memory_init(&soft->memory);
	assert_int_equal(soft->host->ops->space_create(soft->host, NULL, first, last, &soft->memory.memory, &soft->space), 0);
}

static void soft_close(struct soft *soft)
{
	soft->host->ops->space_destroy(soft->space);
	assert_int_equal(soft->memory.pieces, 0);
	viommu_host_destroy(soft->host);
}

static int soft_map(struct soft *soft, uint64_t first, uint64_t last, uint64_t output, uint32_t prot)
{
	struct host_mapping mapping = { .first = first, .last = last, .hva = (unsigned char *)(uintptr_t)output, .prot = prot, .fd = -1 };

	return soft->host->ops->map(soft->space, &mapping);
}

static int soft_lookup(struct soft *soft, uint64_t iova, struct host_mapping *mapping)
{
	uint64_t generation;

	return soft->host->ops->lookup(soft->space, iova, mapping, &generation);
}

static void names_itself(void **state)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_host *host;

	(void)state;
	assert_int_equal(viommu_host_soft_create(&host), 0);
	viommu_host_caps(host, &caps);
	assert_string_equal(caps.name, "soft");
	assert_true(caps.split && caps.lookup && !caps.nests && !caps.dirty);
	assert_true(caps.page_sizes == 0x40201000);
	assert_true(caps.first == 0 && caps.last == UINT64_MAX && caps.entry_limit == VIOMMU_NO_LIMIT);
	viommu_host_destroy(host);
	viommu_host_destroy(NULL);
}

static void refuses(void **state)
{
	struct soft soft;
	struct host_mapping found;

	(void)state;
	soft_open(&soft, PAGE, 64 * MIB - 1);
	/*
	 * Partial pages, a reversed range, no rights, and memory whose address no entry can hold or
	 * is not page-aligned.
	 */
	assert_int_equal(soft_map(&soft, PAGE + 1, 2 * PAGE - 1, OUTPUT, VIOMMU_RW), -EINVAL);
	assert_int_equal(soft_map(&soft, PAGE, 2 * PAGE, OUTPUT, VIOMMU_RW), -EINVAL);
	assert_int_equal(soft_map(&soft, 4 * PAGE, 2 * PAGE - 1, OUTPUT, VIOMMU_RW), -EINVAL);
	assert_int_equal(soft_map(&soft, PAGE, 2 * PAGE - 1, OUTPUT, 0), -EINVAL);
	assert_int_equal(soft_map(&soft, PAGE, 2 * PAGE - 1, OUTPUT + 8, VIOMMU_RW), -EINVAL);
	if (sizeof(void *) == 8)
		assert_int_equal(soft_map(&soft, PAGE, 3 * PAGE - 1, UINT64_C(0xfffffffffffff000), VIOMMU_RW), -EINVAL);
	/* Outside the space's aperture. */
	assert_int_equal(soft_map(&soft, 0, PAGE - 1, OUTPUT, VIOMMU_RW), -ERANGE);
	assert_int_equal(soft_map(&soft, 64 * MIB - PAGE, 64 * MIB + PAGE - 1, OUTPUT, VIOMMU_RW), -ERANGE);
	assert_int_equal(soft_map(&soft, UINT64_MAX - (PAGE - 1), UINT64_MAX, OUTPUT, VIOMMU_RW), -ERANGE);
	assert_int_equal(soft.host->ops->unmap(soft.space, PAGE, PAGE), -EINVAL);
	assert_int_equal(soft.host->ops->unmap(soft.space, 2 * PAGE, PAGE - 1), -EINVAL);
	/* A removal may exceed the aperture. */
	assert_int_equal(soft_map(&soft, PAGE, 64 * MIB - 1, OUTPUT, VIOMMU_RW), 0);
	assert_int_equal(soft.host->ops->unmap(soft.space, 0, UINT64_MAX), 0);
	assert_int_equal(soft_lookup(&soft, PAGE, &found), -ENOENT);
	assert_int_equal(soft_lookup(&soft, 64 * MIB - 1, &found), -ENOENT);
	assert_int_equal(soft.host->ops->unmap(soft.space, UINT64_MAX - (PAGE - 1), UINT64_MAX), 0);
	soft_close(&soft);
}

/*
 * HVAs of any width, within at least 2 PiB of the first one. Leaves are still as large as possible.
 */
static void wide_addresses(void **state)
{
	static const uint64_t outputs[] = { UINT64_C(1) << 30,		UINT64_C(0xfffffffff000),     UINT64_C(0xffffffffff000),   UINT64_C(1) << 52,
					    UINT64_C(0xffffffc0000000), UINT64_C(0xff11000040000000), UINT64_C(0xffffffffc0000000) };
	const uint64_t near = (UINT64_C(1) << 51) - GIB;

	(void)state;
	if (sizeof(void *) != 8)
		skip();
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		uint64_t output = outputs[i], far = output + (UINT64_C(1) << 54);
		struct host_mapping found;
		struct soft soft;

		soft_open(&soft, 0, 16 * GIB - 1);
		assert_int_equal(soft_map(&soft, 0, PAGE - 1, output, VIOMMU_RW), 0);
		assert_int_equal(soft_lookup(&soft, 0, &found), 0);
		assert_true((uintptr_t)found.hva == output);
		assert_int_equal(soft_map(&soft, GIB, GIB + PAGE - 1, far, VIOMMU_RW), far + (PAGE - 1) < far ? -EINVAL : -ERANGE);
		assert_int_equal(soft_lookup(&soft, GIB, &found), -ENOENT);
		for (unsigned int below = 0; below < 2; below++) {
			uint64_t other = (below ? output - near : output + near) & ~(GIB - 1);

			/* There are no such addresses. */
			if (below ? other > output : other < output || other + (GIB - 1) < other)
				continue;
			assert_int_equal(soft_map(&soft, 4 * GIB, 5 * GIB - 1, other, VIOMMU_READ), 0);
			assert_int_equal(soft_lookup(&soft, 4 * GIB + 3 * PAGE, &found), 0);
			assert_true((uintptr_t)found.hva == other && found.first == 4 * GIB && found.last == 5 * GIB - 1);
			assert_int_equal(soft.host->ops->unmap(soft.space, 4 * GIB, 5 * GIB - 1), 0);
		}
		soft_close(&soft);
	}
}

/*
 * Tables of three to six levels. The end of the aperture translates. Addresses beyond the tables'
 * reach do not alias it.
 */
static void depths(void **state)
{
	static const unsigned int bits[] = { 13, 31, 38, 39, 40, 48, 49, 57, 58, 63, 64 };
	static const unsigned int levels[] = { 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		uint64_t last = bits[i] == 64 ? UINT64_MAX : (UINT64_C(1) << bits[i]) - 1;
		struct host_mapping found;
		struct soft soft;

		soft_open(&soft, 0, last);
		assert_int_equal(soft_map(&soft, last - (PAGE - 1), last, OUTPUT, VIOMMU_READ), 0);
		assert_int_equal(soft.memory.pieces, 1 + levels[i]);
		assert_int_equal(soft_map(&soft, 0, PAGE - 1, OUTPUT + 7 * PAGE, VIOMMU_RW), 0);
		assert_int_equal(soft_lookup(&soft, last, &found), 0);
		assert_true(found.first == last - (PAGE - 1) && found.last == last && (uintptr_t)found.hva == OUTPUT && found.prot == VIOMMU_READ);
		assert_int_equal(soft_lookup(&soft, 0, &found), 0);
		assert_true(found.first == 0 && (uintptr_t)found.hva == OUTPUT + 7 * PAGE && found.prot == VIOMMU_RW);
		for (unsigned int bit = bits[i]; bit < 64; bit++) {
			assert_int_equal(soft_lookup(&soft, UINT64_C(1) << bit, &found), -ENOENT);
			assert_int_equal(soft_lookup(&soft, last | UINT64_C(1) << bit, &found), -ENOENT);
		}
		soft_close(&soft);
	}
}

/* Large pages are used where possible, and an answer covers them. */
static void large_pages(void **state)
{
	struct host_mapping found;
	struct soft soft;

	(void)state;
	soft_open(&soft, 0, UINT64_MAX);
	assert_int_equal(soft_map(&soft, 0, 4 * 1024 * MIB - 1, 0x40000000, VIOMMU_RW), 0);
	assert_int_equal(soft_lookup(&soft, 0xffffffff, &found), 0);
	assert_true(found.first == 0xc0000000 && found.last == 0xffffffff && (uintptr_t)found.hva == (uintptr_t)UINT64_C(0x100000000));
	/* Memory for splitting the large page is reserved: all 4 KiB tables, and those above. */
	assert_in_range(soft.memory.bytes, 4 * 513 * 4096, 4 * 513 * 4096 + 10 * 4096);
	assert_int_equal(soft.host->ops->unmap(soft.space, 0xc0000000, 0xc0000fff), 0);
	assert_int_equal(soft_lookup(&soft, 0xc0001000, &found), 0);
	assert_true(found.first == 0xc0001000 && found.last == 0xc0001fff);
	assert_int_equal(soft_lookup(&soft, 0xffffffff, &found), 0);
	assert_true(found.first == 0xffe00000 && found.last == 0xffffffff);
	soft_close(&soft);
}

/*
 * A large page is also used where it exactly fits. No memory is used beyond the needed and the
 * reserved tables.
 */
static void exact_fit(void **state)
{
	static const struct {
		uint64_t first, bytes, output;
		uint64_t page;	     /* covered by the answer for the first byte */
		unsigned int tables; /* below the top level */
		unsigned int set_aside;
	} cases[] = {
		{ 0, PAGE, OUTPUT, PAGE, 2, 0 },
		{ 0, 2 * MIB, OUTPUT, 2 * MIB, 1, 1 },
		{ 0, 1024 * MIB, OUTPUT, 1024 * MIB, 0, 513 },
		{ 0, 2 * MIB, OUTPUT + PAGE, PAGE, 2, 0 },
		{ 0, 16 * MIB, OUTPUT + PAGE, PAGE, 1 + 8, 0 },
		{ 2 * MIB - PAGE, 2 * PAGE, OUTPUT, PAGE, 1 + 2, 0 },
		{ 1024 * MIB - PAGE, 2 * PAGE, OUTPUT, PAGE, 2 + 2, 0 },
		{ 2 * MIB - PAGE, 4 * MIB + 2 * PAGE, OUTPUT + 2 * MIB - PAGE, PAGE, 1 + 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host_mapping found;
		struct soft soft;

		soft_open(&soft, 0, UINT64_C(0x7fffffffff));
		assert_int_equal(soft_map(&soft, cases[i].first, cases[i].first + cases[i].bytes - 1, cases[i].output, VIOMMU_RW), 0);
		assert_int_equal(soft_lookup(&soft, cases[i].first, &found), 0);
		assert_true(found.first == cases[i].first && found.last == found.first + cases[i].page - 1);
		assert_int_equal(soft.memory.pieces, 2 + cases[i].tables + cases[i].set_aside);
		soft_close(&soft);
	}
}

/*
 * Threads. One thread maps, unmaps and flushes; the others only look up. Each mapping of the writer
 * has a number. Its output address encodes the number and the IOVA, so an answer identifies its
 * mapping. A mapping is removed in three parts: the part before one page, the part after it, and
 * the page. Before the writer flushes the removal of a part, it publishes the last generation in
 * which answers from that part are valid. An answer from the part with a later generation is an
 * error. While the one page is mapped, a lookup must find it, whatever happens around it.
 */
enum { READERS = 2, ROUNDS = 4096, REGIONS = 4, REGION_PAGES = 512, ENOUGH = 2000 };
enum { BEFORE, AFTER, STAYING, PARTS };

struct shared {
	struct soft soft;
	uint64_t believed_until[ROUNDS][PARTS]; /* a generation */
	/* number of the mapping whose page is present, 0 if none */
	uint64_t staying;
	uint64_t found[READERS];
	uint64_t failures;
	bool done;
};

struct reader {
	struct shared *shared;
	unsigned int number;
};

#define REGION_BYTES (REGION_PAGES * PAGE)

/* The first IOVA of a mapping. Some regions share tables, one is far away. */
static uint64_t region(uint64_t number)
{
	uint64_t which = number % REGIONS;

	return which == REGIONS - 1 ? UINT64_C(0x7f0000000000) : UINT64_C(0x100000000) + which * REGION_BYTES;
}

/* Every other mapping is aligned like its IOVA, so that large pages are used. */
static uint64_t output_of(uint64_t number)
{
	return OUTPUT + number * 2 * REGION_BYTES + (number / REGIONS % 2) * PAGE;
}

static uint64_t number_of(uint64_t output)
{
	return (output - OUTPUT) / (2 * REGION_BYTES);
}

static uint64_t staying_page(uint64_t number)
{
	return number * 7 % REGION_PAGES;
}

/* Whether an answer is valid. */
static bool possible(struct shared *shared, uint64_t iova, const struct host_mapping *found, uint64_t generation)
{
	uint64_t output = (uint64_t)(uintptr_t)found->hva + (iova - found->first), number = number_of(output), page;

	if (iova < found->first || iova > found->last || number >= ROUNDS || found->prot != (number % 2 ? VIOMMU_RW : VIOMMU_READ))
		return false;
	page = (iova - region(number)) / PAGE;
	if (output - output_of(number) != iova - region(number))
		return false;
	return generation <= __atomic_load_n(&shared->believed_until[number][page < staying_page(number)   ? BEFORE
									     : page > staying_page(number) ? AFTER
													   : STAYING],
					     __ATOMIC_ACQUIRE);
}

/* Several pages at once: each answer was valid at a moment of the call. */
static uint64_t wrong_pages(struct shared *shared, uint64_t iova)
{
	const struct host_ops *ops = shared->soft.host->ops;
	uint64_t generation = __atomic_load_n(&shared->soft.space->generation, __ATOMIC_ACQUIRE), wrong = 0;
	struct host_page page[8];
	unsigned int number = ops->lookup_pages(shared->soft.space, iova, page, 8);

	for (unsigned int i = 0; i < number; i++) {
		struct host_mapping found = { .first = iova + i * PAGE, .hva = page[i].hva, .prot = page[i].prot };

		found.last = found.first + PAGE - 1;
		wrong += !possible(shared, found.first, &found, generation);
	}
	return wrong + (number > 8);
}

static void *look_up(void *ctx)
{
	struct reader *reader = (struct reader *)ctx;
	struct shared *shared = reader->shared;
	const struct host_ops *ops = shared->soft.host->ops;
	uint64_t seed = reader->number, failures = 0, last_generation = 0;

	while (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE)) {
		uint64_t staying, generation = 0, iova;
		struct host_mapping found;
		int error;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		iova = region(seed >> 33) + (seed >> 40) % REGION_PAGES * PAGE + (seed >> 50) % PAGE;
		error = ops->lookup(shared->soft.space, iova, &found, &generation);
		if (!error)
			__atomic_fetch_add(&shared->found[reader->number], 1, __ATOMIC_RELAXED);
		failures += error ? error != -ENOENT : !possible(shared, iova, &found, generation);
		failures += generation < last_generation;
		last_generation = generation;
		failures += wrong_pages(shared, iova & ~(uint64_t)(PAGE - 1));

		staying = __atomic_load_n(&shared->staying, __ATOMIC_ACQUIRE);
		if (!staying)
			continue;
		iova = region(staying) + staying_page(staying) * PAGE;
		error = ops->lookup(shared->soft.space, iova, &found, &generation);
		if (__atomic_load_n(&shared->staying, __ATOMIC_ACQUIRE) == staying)
			failures += error || number_of((uint64_t)(uintptr_t)found.hva) != staying || !possible(shared, iova, &found, generation);
	}
	__atomic_fetch_add(&shared->failures, failures, __ATOMIC_RELAXED);
	return NULL;
}

static int take_away(struct shared *shared, uint64_t number, unsigned int part, uint64_t first, uint64_t last)
{
	const struct host_ops *ops = shared->soft.host->ops;
	struct host_space *space = shared->soft.space;
	int error = first <= last ? ops->unmap(space, first, last) : 0;

	__atomic_store_n(&shared->believed_until[number][part], space->generation, __ATOMIC_RELEASE);
	return error ? error : ops->flush(space);
}

/* One mapping's life. Returns false after an error. */
static bool live(struct shared *shared, uint64_t number)
{
	uint64_t first = region(number), last = first + (REGION_BYTES - 1), stay = first + staying_page(number) * PAGE;
	bool well = true;

	for (unsigned int part = 0; part < PARTS; part++)
		__atomic_store_n(&shared->believed_until[number][part], UINT64_MAX, __ATOMIC_RELEASE);
	well &= !soft_map(&shared->soft, first, last, output_of(number), number % 2 ? VIOMMU_RW : VIOMMU_READ);
	__atomic_store_n(&shared->staying, number, __ATOMIC_RELEASE);
	well &= !take_away(shared, number, BEFORE, first, stay - 1);
	well &= !take_away(shared, number, AFTER, stay + PAGE, last);
	__atomic_store_n(&shared->staying, 0, __ATOMIC_RELEASE);
	well &= !take_away(shared, number, STAYING, stay, stay + (PAGE - 1));
	return well;
}

static bool enough(struct shared *shared)
{
	for (unsigned int i = 0; i < READERS; i++)
		if (__atomic_load_n(&shared->found[i], __ATOMIC_RELAXED) < ENOUGH)
			return false;
	return true;
}

/* A lookup of several pages ends before a hole, at the end of a table, and at a larger leaf. */
static void pages_at_once(void **state)
{
	const uint64_t table = UINT64_C(0x40000000), large = table + 512 * PAGE, output = UINT64_C(0x7e0000000000);
	struct host_page page[600];
	struct soft soft;

	(void)state;
	if (sizeof(void *) < 8)
		skip();
	soft_open(&soft, 0, (UINT64_C(1) << 48) - 1);
	assert_int_equal(soft_map(&soft, table + 10 * PAGE, table + 511 * PAGE + PAGE - 1, output + PAGE, VIOMMU_RW), 0);
	assert_int_equal(soft_map(&soft, large, large + 512 * PAGE - 1, output + 0x40000000, VIOMMU_READ), 0);
	for (unsigned int first = 0; first < 512; first++) {
		unsigned int number = soft.host->ops->lookup_pages(soft.space, table + first * PAGE, page, 600);

		assert_int_equal(number, first < 10 ? 0 : 512 - first);
		for (unsigned int i = 0; i < number; i++) {
			assert_ptr_equal(page[i].hva, (void *)(uintptr_t)(output + (first + i - 9) * PAGE));
			assert_int_equal(page[i].prot, VIOMMU_RW);
		}
	}
	assert_int_equal(soft.host->ops->lookup_pages(soft.space, table + 500 * PAGE, page, 3), 3);
	assert_int_equal(soft.host->ops->lookup_pages(soft.space, large + 7 * PAGE, page, 8), 0);
	assert_int_equal(soft.host->ops->unmap(soft.space, table + 20 * PAGE, table + 20 * PAGE + PAGE - 1), 0);
	assert_int_equal(soft.host->ops->lookup_pages(soft.space, table + 12 * PAGE, page, 600), 8);
	assert_int_equal(soft.host->ops->lookup_pages(soft.space, table + 20 * PAGE, page, 600), 0);
	soft_close(&soft);
}

static void lookups_while_mapping(void **state)
{
	struct shared *shared = (struct shared *)calloc(1, sizeof(*shared));
	struct reader readers[READERS];
	pthread_t threads[READERS];
	bool well = true;

	(void)state;
	if (sizeof(void *) < 8)
		skip();
	assert_non_null(shared);
	soft_open(&shared->soft, 0, (UINT64_C(1) << 48) - 1);
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i].shared = shared;
		readers[i].number = i;
		assert_int_equal(pthread_create(&threads[i], NULL, look_up, &readers[i]), 0);
	}
	/*
	 * At least this many rounds, and at least until each reader has had an answer, on machines
	 * that schedule readers late.
	 */
	for (uint64_t number = 1; number < ROUNDS && (number <= ROUNDS / 4 || !enough(shared)); number++)
		well &= live(shared, number);
	__atomic_store_n(&shared->done, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(well);
	assert_int_equal(shared->failures, 0);
	soft_close(&shared->soft);
	free(shared);
}

/*
 * New tables: a lookup finds entries that were written before the table became reachable. The
 * reader depends on the table alone, so ThreadSanitizer reports any store or load of an entry
 * without the required order.
 */
enum { FRESH = 2000 };

static uint64_t fresh(uint64_t i)
{
	return i * UINT64_C(0x40201000);
}

static void *look_up_fresh(void *ctx)
{
	struct soft *soft = (struct soft *)ctx;
	uintptr_t failures = 0;

	/* Looks up each page until it is present. */
	for (uint64_t i = 0; i < FRESH; i++) {
		struct host_mapping found;

		while (soft_lookup(soft, fresh(i), &found))
			sched_yield();
		failures += (uint64_t)(uintptr_t)found.hva != OUTPUT + i * PAGE;
	}
	return (void *)failures;
}

static void lookups_of_fresh_tables(void **state)
{
	struct soft soft;
	pthread_t threads[READERS];

	(void)state;
	soft_open(&soft, 0, (UINT64_C(1) << 48) - 1);
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up_fresh, &soft), 0);
	for (uint64_t i = 0; i < FRESH; i++)
		assert_int_equal(soft_map(&soft, fresh(i), fresh(i) + PAGE - 1, OUTPUT + i * PAGE, VIOMMU_RW), 0);
	for (unsigned int i = 0; i < READERS; i++) {
		void *failures;

		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
	soft_close(&soft);
}

/*
 * A mapping that is only removed as a whole reserves no memory for splitting, and its neighbour
 * does. It is removed as a whole even if the request covers a part.
 */
static void whole_mappings(void **state)
{
	const uint64_t gib = 1024 * MIB, bytes = sizeof(void *) == 8 ? 64 * gib : gib;
	struct host_mapping mapping = { .first = gib, .last = gib + bytes - 1, .hva = (unsigned char *)(uintptr_t)OUTPUT, .prot = VIOMMU_RW, .fd = -1 };
	struct host_mapping found;
	struct soft soft;
	uint64_t before;

	(void)state;
	soft_open(&soft, 0, UINT64_MAX);
	before = soft.memory.pieces;
	mapping.whole = true;
	assert_int_equal(soft.host->ops->map(soft.space, &mapping), 0);
	assert_true(soft.memory.pieces - before <= 5);
	/* The neighbour can be split: its pages belong to it alone. */
	assert_int_equal(soft_map(&soft, 0, gib - 1, OUTPUT, VIOMMU_RW), 0);
	before = soft.memory.pieces;
	for (uint64_t iova = PAGE; iova < gib; iova += 2 * MIB)
		assert_int_equal(soft.host->ops->unmap(soft.space, iova, iova + (PAGE - 1)), 0);
	assert_int_equal(soft.memory.pieces, before);
	assert_int_equal(soft_lookup(&soft, PAGE, &found), -ENOENT);
	assert_int_equal(soft_lookup(&soft, 2 * PAGE, &found), 0);
	assert_int_equal(soft_lookup(&soft, gib + bytes - 1, &found), 0);
	assert_true(found.last == gib + bytes - 1 && (uintptr_t)found.hva == OUTPUT + bytes - gib);
	assert_int_equal(soft.host->ops->unmap(soft.space, gib + PAGE, gib + 2 * PAGE - 1), 0);
	assert_int_equal(soft_lookup(&soft, gib + PAGE, &found), -ENOENT);
	assert_int_equal(soft_lookup(&soft, gib, &found), -ENOENT);
	assert_int_equal(soft.host->ops->unmap(soft.space, gib, gib + bytes - 1), 0);
	assert_int_equal(soft_lookup(&soft, gib + bytes - 1, &found), -ENOENT);
	soft_close(&soft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_itself),
		cmocka_unit_test(refuses),
		cmocka_unit_test(depths),
		cmocka_unit_test(wide_addresses),
		cmocka_unit_test(large_pages),
		cmocka_unit_test(exact_fit),
		cmocka_unit_test(whole_mappings),
		cmocka_unit_test(pages_at_once),
		cmocka_unit_test(lookups_while_mapping),
		cmocka_unit_test(lookups_of_fresh_tables),
	};
	const struct conformance_subject subject = {
		.name = "host soft, as every host",
		.create = viommu_host_soft_create,
		.any_device = true,
		.arena_bytes = sizeof(void *) == 8 ? UINT64_C(3) << 30 : UINT64_C(16) << 20,
	};

	return host_conformance(&subject) + cmocka_run_group_tests_name("host soft", tests, NULL, NULL);
}
