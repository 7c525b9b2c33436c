/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pagemap tracker on this machine's kernel. It reports the pages that were written through this
 * process's memory, by any writer, each once, and no others. With it, refreshes of whole apertures
 * miss nothing, also while another thread writes the tables. Skipped where the kernel lacks it, or
 * forbids it.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

#define GPA   (5 * GIB)
#define PAGES 4096u

enum kind { ANONYMOUS, HUGE, SHARED, UNTOUCHED, KINDS };

/* One slot, and the expected report of the tracker. */
struct field {
	struct viommu_tracker tracker;
	unsigned char *memory;
	enum kind kind;
	bool watched[PAGES];
	bool written[PAGES];
	unsigned int reported; /* pages, in one collect() */
	const char *wrong;
	uint64_t seed;
};

static uint64_t draw(uint64_t *seed, uint64_t bound)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % bound;
}

static unsigned char *make_memory(enum kind kind)
{
	const size_t bytes = PAGES * PAGE, align = 2 * MIB;
	int fd = kind == SHARED ? memfd_create("tracked", 0) : -1;
	unsigned char *memory = mmap(NULL, bytes + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	memory += (align - (uintptr_t)memory % align) % align;
	if (kind == SHARED)
		assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	memory = mmap(memory, bytes, PROT_READ | PROT_WRITE, MAP_FIXED | (kind == SHARED ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS), fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	if (kind == SHARED)
		close(fd);
	madvise(memory, bytes, kind == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	if (kind != UNTOUCHED)
		memset(memory, 1, bytes);
	return memory;
}

static void begin(struct field *field, enum kind kind)
{
	memset(field, 0, sizeof(*field));
	field->tracker.size = sizeof(field->tracker);
	field->kind = kind;
	field->memory = make_memory(kind);
	assert_int_equal(viommu_tracker_pagemap_create(&field->tracker), 0);
	assert_int_equal(field->tracker.slot_added(field->tracker.ctx, GPA, GPA + PAGES * PAGE - 1, field->memory), 0);
}

static void end(struct field *field)
{
	field->tracker.slot_removed(field->tracker.ctx, GPA, GPA + PAGES * PAGE - 1, field->memory);
	viommu_tracker_pagemap_destroy(&field->tracker);
	munmap(field->memory, PAGES * PAGE);
}

static void watch(struct field *field, unsigned int first, unsigned int pages)
{
	assert_int_equal(field->tracker.watch(field->tracker.ctx, GPA + first * PAGE, GPA + (first + pages) * PAGE - 1, field->memory + first * PAGE), 0);
	for (unsigned int i = first; i < first + pages; i++)
		field->watched[i] = true;
}

static void unwatch(struct field *field, unsigned int page)
{
	field->tracker.unwatch(field->tracker.ctx, GPA + page * PAGE, GPA + page * PAGE + PAGE - 1, field->memory + page * PAGE);
	field->watched[page] = field->written[page] = false;
}

static void store(struct field *field, unsigned int page)
{
	__atomic_add_fetch(&field->memory[page * PAGE + page % PAGE], 1, __ATOMIC_RELAXED);
	field->written[page] = field->watched[page];
}

static void take(void *arg, uint64_t first, uint64_t last)
{
	struct field *field = arg;

	if (first % PAGE || last % PAGE != PAGE - 1 || first > last || first < GPA || last >= GPA + PAGES * PAGE) {
		field->wrong = "no pages of the slot";
		return;
	}
	for (uint64_t page = (first - GPA) / PAGE; page <= (last - GPA) / PAGE; page++) {
		if (!field->written[page])
			field->wrong = "reported, and not written";
		field->written[page] = false;
		field->reported++;
	}
}

/* It reports exactly what was written. */
static void collect(struct field *field)
{
	field->reported = 0;
	assert_int_equal(field->tracker.collect(field->tracker.ctx, take, field), 0);
	if (field->wrong)
		fail_msg("%s (memory of kind %d)", field->wrong, field->kind);
	for (unsigned int i = 0; i < PAGES; i++)
		if (field->written[i])
			fail_msg("page %u was written, and is not reported (memory of kind %d)", i, field->kind);
}

static void test_few(void **state)
{
	struct field field;

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		begin(&field, kind);
		collect(&field);
		watch(&field, 3, 2);
		watch(&field, 700, 1);
		watch(&field, PAGES - 1, 1);
		collect(&field);
		store(&field, 4);
		store(&field, 5);
		collect(&field);
		assert_int_equal(field.reported, 1);
		collect(&field);
		assert_int_equal(field.reported, 0);
		store(&field, 4);
		store(&field, 700);
		store(&field, PAGES - 1);
		collect(&field);
		assert_int_equal(field.reported, 3);
		/* Reading is not writing. */
		assert_true(field.memory[3 * PAGE] <= 1);
		collect(&field);
		store(&field, 700);
		unwatch(&field, 700);
		collect(&field);
		watch(&field, 700, 1);
		collect(&field);
		end(&field);
	}
}

static void *store_elsewhere(void *ctx)
{
	struct field *field = ctx;

	store(field, 8);
	return NULL;
}

/* All writers through this process's memory. */
static void test_writers(void **state)
{
	struct field field;
	pthread_t thread;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		begin(&field, kind);
		watch(&field, 0, 64);
		assert_int_equal(pthread_create(&thread, NULL, store_elsewhere, &field), 0);
		pthread_join(thread, NULL);
		collect(&field);
		assert_int_equal(field.reported, 1);
		/* The kernel. */
		assert_int_equal(write(pipes[1], "written", 7), 7);
		assert_int_equal(read(pipes[0], field.memory + 9 * PAGE - 3, 7), 7);
		field.written[8] = field.written[9] = true;
		collect(&field);
		assert_int_equal(field.reported, 2);
		/* Anonymous memory is unmapped for a moment, and zeros then. */
		if (kind == ANONYMOUS) {
			assert_int_equal(madvise(field.memory + 20 * PAGE, PAGE, MADV_DONTNEED), 0);
			field.written[20] = true;
			collect(&field);
			assert_int_equal(field.memory[20 * PAGE], 0);
			store(&field, 20);
			collect(&field);
		}
		end(&field);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* More pieces than one call of the kernel returns, and chunks with gaps between them. */
static void test_many(void **state)
{
	struct field field;

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		begin(&field, kind);
		watch(&field, 0, 2000);
		for (unsigned int i = 0; i < 2000; i += 2)
			store(&field, i);
		collect(&field);
		assert_int_equal(field.reported, 1000);
		for (unsigned int i = 3000; i < PAGES; i += 3)
			watch(&field, i, 1);
		for (unsigned int i = 0; i < PAGES; i++)
			store(&field, i);
		collect(&field);
		collect(&field);
		assert_int_equal(field.reported, 0);
		end(&field);
	}
}

static void test_random(void **state)
{
	struct field field;

	(void)state;
	for (unsigned int seed = 0; seed < 2 * KINDS; seed++) {
		begin(&field, seed % KINDS);
		field.seed = seed;
		for (unsigned int i = 0; i < 3000; i++) {
			/* Near each other, most of the time. */
			unsigned int page =
				(unsigned int)(draw(&field.seed, 4) ? draw(&field.seed, 64) + 512 * draw(&field.seed, 2) : draw(&field.seed, PAGES));

			switch (draw(&field.seed, 8)) {
			case 0:
			case 1:
				if (!field.watched[page])
					watch(&field, page, 1);
				break;
			case 2:
				if (field.watched[page])
					unwatch(&field, page);
				break;
			case 3:
				collect(&field);
				break;
			default:
				store(&field, page);
				break;
			}
		}
		end(&field);
	}
}

static void test_refused(void **state)
{
	struct viommu_tracker tracker = { .size = sizeof(tracker) - 1 };
	unsigned char *memory;
	struct field field;

	(void)state;
	assert_int_equal(viommu_tracker_pagemap_create(NULL), -EINVAL);
	assert_int_equal(viommu_tracker_pagemap_create(&tracker), -EINVAL);
	viommu_tracker_pagemap_destroy(NULL);
	begin(&field, ANONYMOUS);
	/* The same memory in two slots; memory that is not there; pages that are too large. */
	assert_int_equal(field.tracker.slot_added(field.tracker.ctx, 0, PAGE - 1, field.memory + 7 * PAGE), -EOPNOTSUPP);
	memory = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(memory, PAGE);
	assert_true(field.tracker.slot_added(field.tracker.ctx, 0, PAGE - 1, memory) < 0);
	field.tracker.slot_removed(field.tracker.ctx, 0, PAGE - 1, memory);
	memory = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory != MAP_FAILED) {
		memory[0] = 1;
		assert_int_equal(field.tracker.slot_added(field.tracker.ctx, 0, 2 * MIB - 1, memory), 0);
		assert_int_equal(field.tracker.watch(field.tracker.ctx, 0, PAGE - 1, memory), -EOPNOTSUPP);
		field.tracker.slot_removed(field.tracker.ctx, 0, 2 * MIB - 1, memory);
		munmap(memory, 2 * MIB);
	}
	watch(&field, 0, 1);
	store(&field, 0);
	collect(&field);
	end(&field);
}

/* With the library. */

struct guest_thread {
	struct rig *rig;
	bool stop;
	uint64_t seed;
};

static void write_some(struct rig *rig, uint64_t *seed)
{
	uint64_t iova = PBA + draw(seed, 60) * MIB + draw(seed, 256) * PAGE, pages = 1 + draw(seed, 20), ste;

	switch (draw(seed, 8)) {
	case 0:
		ste = tables_entry(&rig->tables, iova, 1);
		guest_store(&rig->guest, ste, guest_load(&rig->guest, ste) ^ PROTECTED);
		break;
	case 1:
	case 2:
		tables_unmap(&rig->tables, iova, pages);
		break;
	default:
		tables_map(&rig->tables, iova, pages, draw(seed, 4096) * PAGE, draw(seed, 2) ? VIOMMU_RW : VIOMMU_READ);
		break;
	}
}

static void *write_tables(void *ctx)
{
	struct guest_thread *thread = ctx;

	while (!__atomic_load_n(&thread->stop, __ATOMIC_RELAXED))
		write_some(thread->rig, &thread->seed);
	return NULL;
}

static void begin_rig(struct rig *rig, struct viommu_tracker *tracker)
{
	tracker->size = sizeof(*tracker);
	assert_int_equal(viommu_tracker_pagemap_create(tracker), 0);
	rig_begin(rig, &(struct rig_options){ .tracker = tracker, .mock.split = true });
	/* All tables are made beforehand. */
	for (unsigned int i = 0; i < 64; i++)
		tables_map(&rig->tables, PBA + i * MIB, 20, i * MIB / 4, VIOMMU_RW);
	rig_domain(rig);
}

static void test_refreshes(void **state)
{
	struct viommu_tracker tracker;
	uint64_t seed = 1;
	struct rig rig;

	(void)state;
	begin_rig(&rig, &tracker);
	for (unsigned int i = 0; i < 300; i++) {
		for (uint64_t writes = draw(&seed, 4); writes; writes--)
			write_some(&rig, &seed);
		if (draw(&seed, 4) == 0)
			assert_int_equal(rig_refresh(&rig, PBA + draw(&seed, 1000) * PAGE, 1 + draw(&seed, 500), NULL), 0);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		check_true(rig.mock, &rig.subject, rig.tables.pba, rig.tables.pal);
	}
	assert_int_equal(rig_stats(&rig).tracked, 300);
	assert_int_equal(rig_stats(&rig).tracked_tables, 66);
	assert_in_range(rig_stats(&rig).entries, 1, 150 * 64 * 256);
	rig_end(&rig);
	viommu_tracker_pagemap_destroy(&tracker);
}

/* A guest writes all the time. After it stops, one refresh makes everything match the tables. */
static void test_threads(void **state)
{
	struct viommu_tracker tracker;
	struct rig rig;

	(void)state;
	begin_rig(&rig, &tracker);
	for (unsigned int i = 0; i < 30; i++) {
		struct guest_thread thread = { .rig = &rig, .seed = i };
		pthread_t id;

		assert_int_equal(pthread_create(&id, NULL, write_tables, &thread), 0);
		for (unsigned int j = 0; j < 20; j++)
			assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		__atomic_store_n(&thread.stop, true, __ATOMIC_RELAXED);
		pthread_join(id, NULL);
		assert_int_equal(rig_refresh_all(&rig, NULL), 0);
		rig_check(&rig);
	}
	assert_int_equal(rig_stats(&rig).tracked, 30 * 21);
	rig_end(&rig);
	viommu_tracker_pagemap_destroy(&tracker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),	cmocka_unit_test(test_writers),	  cmocka_unit_test(test_many),	  cmocka_unit_test(test_random),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_refreshes), cmocka_unit_test(test_threads),
	};
	struct viommu_tracker tracker = { .size = sizeof(tracker) };
	int error = viommu_tracker_pagemap_create(&tracker);

	if (error == -EOPNOTSUPP || error == -EPERM) {
		printf("skipped: %s\n",
		       error == -EPERM ? "userfaultfd is forbidden here" : "this kernel has no PAGEMAP_SCAN with asynchronous write protection (Linux 6.7)");
		return 77;
	}
	viommu_tracker_pagemap_destroy(&tracker);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
