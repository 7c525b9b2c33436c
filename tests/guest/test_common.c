/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of guest IOMMUs that know no architecture (src/guest/common), in configurations that no
 * guest IOMMU uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "guest/common/queue.h"
#include "guest/common/ranges.h"
#include "guest/common/registers.h"
#include "guest/common/registry.h"

/* Conditions. */
enum { RUNNING = 1, BUSY = 2 };

static const struct guest_register table[] = {
	{ .offset = 0x00, .bytes = 4, .reset = 0x12345678 }, /* for reading */
	{ .offset = 0x08, .bytes = 8, .writable = UINT64_C(0xff00ff00ff00ff00), .locked_by = RUNNING, .effect = 7 },
	{ .offset = 0x10, .bytes = 4, .writable = 0x0f, .locked_by = RUNNING, .effect = 1 },
	{ .offset = 0x10, .bytes = 4, .writable = 0xf0, .locked_by = BUSY }, /* the same register */
	{ .offset = 0x14, .bytes = 4, .light = true, .reset = 1, .writable = 0x3, .internal = 0x80000000 },
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static uint64_t value[ROWS];
static const struct guest_registers registers = { table, ROWS, value };

/* False for a reserved offset. */
static bool store_at(uint32_t offset, uint32_t bits, unsigned int conditions, struct guest_store *store)
{
	unsigned int row = guest_registers_find(&registers, offset);

	if (row == ROWS)
		return false;
	guest_registers_store(&registers, row, offset, bits, conditions, store);
	return true;
}

static void test_registers(void **state)
{
	struct guest_store store;

	(void)state;
	guest_registers_init(&registers);
	assert_int_equal(guest_registers_load(&registers, 0, 4), 0x12345678);
	/* Reserved: between registers, and beyond. */
	assert_int_equal(guest_registers_load(&registers, 0, 8), 0x12345678);
	assert_false(store_at(4, UINT32_MAX, 0, &store));
	assert_false(store_at(0x18, UINT32_MAX, 0, &store));
	assert_int_equal(guest_registers_load(&registers, 0x18, 8), 0);
	assert_true(store_at(0, 0, 0, &store));
	assert_int_equal(guest_registers_load(&registers, 0, 4), 0x12345678);
	/* Halves. */
	assert_true(store_at(0x0c, UINT32_MAX, 0, &store));
	assert_int_equal(store.effect, 7);
	assert_int_equal(store.row, 1);
	assert_int_equal(store.old, 0);
	assert_int_equal(store.written, UINT64_C(0xffffffff00000000));
	assert_int_equal(guest_registers_load(&registers, 0x08, 8), UINT64_C(0xff00ff0000000000));
	assert_true(store_at(0x08, 0x1200, 0, &store));
	assert_int_equal(guest_registers_load(&registers, 0x08, 8), UINT64_C(0xff00ff0000001200));
	assert_int_equal(guest_registers_load(&registers, 0x0c, 4), 0xff00ff00);
	/* Locked bits, each with its own conditions. */
	store_at(0x08, 0, RUNNING, &store);
	assert_int_equal(guest_registers_load(&registers, 0x08, 4), 0x1200);
	store_at(0x10, 0xff, RUNNING, &store);
	assert_int_equal(store.effect, 1);
	assert_int_equal(guest_registers_load(&registers, 0x10, 8), UINT64_C(0x1000000f0));
	store_at(0x10, 0x0f, BUSY, &store);
	assert_int_equal(guest_registers_load(&registers, 0x10, 4), 0xff);
	store_at(0x10, 0, RUNNING | BUSY, &store);
	assert_int_equal(guest_registers_load(&registers, 0x10, 4), 0xff);
}

/* A reset leaves what identifies the guest IOMMU, which may have got its values otherwise. */
static void test_reset(void **state)
{
	(void)state;
	guest_registers_init(&registers);
	value[0] = 0x87654321;
	value[1] = value[4] = 0;
	guest_registers_reset(&registers);
	assert_int_equal(value[0], 0x87654321);
	assert_int_equal(value[4], 1);
}

static void test_saving(void **state)
{
	struct guest_saved_register saved[ROWS], bad[ROWS];
	uint64_t before[ROWS];
	struct guest_store store;
	unsigned int number;

	(void)state;
	guest_registers_init(&registers);
	store_at(0x08, UINT32_MAX, 0, &store);
	store_at(0x10, 0x5a, 0, &store);
	value[4] = 0x80000002;
	memcpy(before, value, sizeof(value));
	number = guest_registers_save(&registers, saved);
	assert_int_equal(number, 4);
	guest_registers_reset(&registers);
	assert_memory_not_equal(value, before, sizeof(value));
	assert_true(guest_registers_restore(&registers, saved, number));
	assert_memory_equal(value, before, sizeof(value));
	/*
	 * Too few, too many and unknown registers, undefined bits, and a value that differs here.
	 */
	assert_false(guest_registers_restore(&registers, saved, 3));
	assert_false(guest_registers_restore(&registers, saved, 5));
	for (unsigned int i = 0; i < 5; i++) {
		static const struct guest_saved_register wrong[] = {
			{ 0x04, 0 }, { 0x0c, 0 }, { UINT64_C(0x100000010), 0 }, { 0x10, 0x100 }, { 0x00, 1 },
		};

		memcpy(bad, saved, sizeof(bad));
		bad[wrong[i].offset == 0x10 ? 2 : 0] = wrong[i];
		assert_false(guest_registers_restore(&registers, bad, number));
	}
	assert_memory_equal(value, before, sizeof(value));
}

/* Indexes of entries with a wrap bit, like Arm's, and offsets in bytes, like VT-d's and AMD's. */
static void test_queues(void **state)
{
	const struct guest_queue wrapping = { .gpa = 0x10000, .entries = 8, .entry_bytes = 16, .step = 1, .wrap_bit = true };
	const struct guest_queue bytes = { .gpa = 0x20000, .entries = 8, .entry_bytes = 32, .step = 32 };
	const struct guest_queue *queues[] = { &wrapping, &bytes };

	(void)state;
	for (unsigned int q = 0; q < 2; q++) {
		const struct guest_queue *queue = queues[q];
		unsigned int room = queue->wrap_bit ? 8 : 7;

		for (uint32_t start = 0, round = 0; round < 20; round++, start = guest_queue_next(queue, start)) {
			uint32_t producer = start;

			assert_true(guest_queue_is_empty(queue, producer, start));
			for (unsigned int i = 0; i < room; i++) {
				assert_false(guest_queue_is_full(queue, producer, start));
				assert_int_equal(guest_queue_entry(queue, producer), queue->gpa + (round + i) % 8 * queue->entry_bytes);
				producer = guest_queue_next(queue, producer);
				assert_false(guest_queue_is_empty(queue, producer, start));
			}
			assert_true(guest_queue_is_full(queue, producer, start));
		}
	}
	/* Bits above the index, and within an entry. */
	assert_int_equal(guest_queue_entry(&wrapping, 0xfffffff3), 0x10030);
	assert_int_equal(guest_queue_entry(&bytes, 0xffffff5f), 0x20040);
	assert_true(guest_queue_is_empty(&wrapping, 0x13, 3));
}

static void test_ranges(void **state)
{
	struct guest_ranges ranges = { .number = 0 };

	(void)state;
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 1, .first = 0, .last = 0xfff }));
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 1, .first = 0x2000, .last = 0x2fff }));
	assert_int_equal(ranges.number, 2);
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 1, .first = 0x1000, .last = 0x1fff }));
	assert_int_equal(ranges.number, 1);
	assert_int_equal(ranges.range[0].last, 0x2fff);
	/* Other contexts and attributes are not merged. */
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 2, .first = 0, .last = 0xfff }));
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 1, .globals = true, .first = 0, .last = 0xfff }));
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 1, .entry_bits = 21, .first = 0, .last = 0xfff }));
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .all = true, .first = UINT64_MAX - 0xfff, .last = UINT64_MAX }));
	assert_int_equal(ranges.number, 5);
	/* No more than the list holds, and none is lost. */
	for (uint64_t i = 5; i < GUEST_RANGES; i++)
		assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 3, .first = i << 20, .last = (i << 20) + 0xfff }));
	assert_false(guest_ranges_add(&ranges, (struct guest_range){ .context = 4, .first = 0, .last = 0xfff }));
	assert_int_equal(ranges.number, GUEST_RANGES);
	/* Everything includes all of them. */
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .all = true, .last = UINT64_MAX }));
	assert_true(guest_ranges_add(&ranges, (struct guest_range){ .context = 4, .first = 0, .last = 0xfff }));
	assert_int_equal(ranges.number, 1);
	assert_true(guest_range_applies(&ranges.range[0], 77));
}

static void test_registry(void **state)
{
	struct guest_registry registry = { .number = 0 };
	struct guest_id id[3], same;
	unsigned int seen = 0;

	(void)state;
	assert_null(guest_registry_next(&registry, NULL));
	/* Two in one chain. */
	assert_true(guest_registry_add(&registry, &id[0], 0x0001));
	assert_true(guest_registry_add(&registry, &id[1], 0x0100));
	assert_true(guest_registry_add(&registry, &id[2], UINT32_MAX));
	assert_false(guest_registry_add(&registry, &same, 0x0100));
	assert_ptr_equal(guest_registry_find(&registry, 0x0001), &id[0]);
	assert_ptr_equal(guest_registry_find(&registry, UINT32_MAX), &id[2]);
	assert_null(guest_registry_find(&registry, 0x10000));
	for (const struct guest_id *it = guest_registry_next(&registry, NULL); it; it = guest_registry_next(&registry, it))
		seen++;
	assert_int_equal(seen, 3);
	guest_registry_remove(&registry, &id[0]);
	assert_null(guest_registry_find(&registry, 0x0001));
	assert_ptr_equal(guest_registry_find(&registry, 0x0100), &id[1]);
	assert_int_equal(registry.number, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers), cmocka_unit_test(test_reset),	 cmocka_unit_test(test_saving),
		cmocka_unit_test(test_queues),	  cmocka_unit_test(test_ranges), cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
