/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parts of the hosts that drive the kernel: addresses, sets of IOVAs, the record of mappings. */
#include "host/mappings.h"
#include "host/ranges.h"
#include "host/vfio.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE VIOMMU_PAGE_SIZE

static void addresses(void **state)
{
	static const struct {
		const char *text, *full;
	} cases[] = {
		{ "0000:00:05.0", "0000:00:05.0" },
		{ "00:05.0", "0000:00:05.0" },
		{ "ABCD:EF:1f.7", "abcd:ef:1f.7" },
		{ "1:2:3.4", "0001:02:03.4" },
		{ "ffff:ff:1f.7", "ffff:ff:1f.7" },
		{ NULL, NULL },
		{ "", NULL },
		{ ":", NULL },
		{ "05.0", NULL },
		{ "00:05", NULL },
		{ "00:05.", NULL },
		{ "00:05.8", NULL },
		{ "00:20.0", NULL },
		{ "000:05.0", NULL },
		{ "10000:00:05.0", NULL },
		{ "0000:00:05.0 ", NULL },
		{ " 0000:00:05.0", NULL },
		{ "0000:00:05.00", NULL },
		{ "0000:00:05.0/../x", NULL },
		{ "0000:-1:05.0", NULL },
		{ "0x00:00:05.0", NULL },
		{ "0000:00:05:0", NULL },
		{ "0000:0000:00:05.0", NULL },
		{ "g000:00:05.0", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char address[VFIO_ADDRESS_BYTES] = "untouched";

		assert_int_equal(vfio_address(cases[i].text, address), cases[i].full ? 0 : -EINVAL);
		assert_string_equal(address, cases[i].full ? cases[i].full : "untouched");
	}
}

static void sets(void **state)
{
	struct ranges set = { 0 }, other = { 0 };

	(void)state;
	assert_false(ranges_contain(&set, 0, 0));
	/* Rounds inwards to whole pages. The result may be empty. */
	assert_int_equal(ranges_add(&set, 1, PAGE), 0);
	assert_int_equal(ranges_add(&set, 0, PAGE - 2), 0);
	assert_int_equal(set.number, 0);
	assert_int_equal(ranges_add(&set, 1, 3 * PAGE), 0);
	assert_true(set.number == 1 && set.range[0].first == PAGE && set.range[0].last == 3 * PAGE - 1);
	/* Adjacent ranges are merged. Overlapping or descending ranges are an error. */
	assert_int_equal(ranges_add(&set, 3 * PAGE, 4 * PAGE - 1), 0);
	assert_true(set.number == 1 && set.range[0].last == 4 * PAGE - 1);
	assert_int_equal(ranges_add(&set, 3 * PAGE, 9 * PAGE - 1), -EIO);
	assert_int_equal(ranges_add(&set, 0, PAGE - 1), -EIO);
	for (uint64_t i = 1; i < 100; i++)
		assert_int_equal(ranges_add(&set, i * 16 * PAGE, i * 16 * PAGE + 4 * PAGE - 1), 0);
	assert_int_equal(ranges_add(&set, UINT64_MAX - 8 * PAGE + 1, UINT64_MAX), 0);
	assert_int_equal(ranges_add(&set, UINT64_MAX - 5, UINT64_MAX), 0);
	assert_int_equal(set.number, 101);
	for (uint64_t i = 1; i < 100; i++) {
		assert_true(ranges_contain(&set, i * 16 * PAGE, i * 16 * PAGE + 4 * PAGE - 1));
		assert_false(ranges_contain(&set, i * 16 * PAGE - 1, i * 16 * PAGE));
		assert_false(ranges_contain(&set, i * 16 * PAGE, i * 16 * PAGE + 4 * PAGE));
		assert_false(ranges_contain(&set, i * 16 * PAGE, (i + 1) * 16 * PAGE));
	}
	assert_true(ranges_contain(&set, UINT64_MAX, UINT64_MAX));
	assert_false(ranges_contain(&set, 0, UINT64_MAX));
	assert_true(ranges_cover(&set, &other));
	assert_int_equal(ranges_add(&other, 16 * PAGE, 17 * PAGE - 1), 0);
	assert_int_equal(ranges_add(&other, 99 * 16 * PAGE + 3 * PAGE, 99 * 16 * PAGE + 4 * PAGE - 1), 0);
	assert_true(ranges_cover(&set, &other));
	assert_false(ranges_cover(&other, &set));
	assert_int_equal(ranges_add(&other, 200 * 16 * PAGE, 200 * 16 * PAGE + PAGE - 1), 0);
	assert_false(ranges_cover(&set, &other));
	ranges_free(&set);
	ranges_free(&other);
}

static void *count_up(void *ctx, size_t bytes, size_t align)
{
	(void)align;
	++*(int64_t *)ctx;
	return calloc(1, bytes);
}

static void count_down(void *ctx, void *memory, size_t bytes, size_t align)
{
	(void)bytes;
	(void)align;
	--*(int64_t *)ctx;
	free(memory);
}

enum { UNITS = 4096 };

/*
 * Compares with an array of one element for each page, in ascending, descending and random order.
 * The depth must not depend on the order.
 */
static unsigned int depth(const struct mapping *tree)
{
	unsigned int less, more;

	if (!tree)
		return 0;
	less = depth(tree->less);
	more = depth(tree->more);
	return 1 + (less > more ? less : more);
}

static void flat_in_any_order(void **state)
{
	int64_t pieces = 0;
	const struct host_memory memory = { .ctx = &pieces, .alloc = count_up, .free = count_down };
	struct mappings mappings;

	(void)state;
	for (unsigned int order = 0; order < 3; order++) {
		mappings_init(&mappings, &memory);
		for (uint64_t i = 0; i < UNITS; i++) {
			uint64_t unit = order == 0 ? i : order == 1 ? UNITS - 1 - i : i * 1237 % UNITS;
			struct host_mapping mapping = { .first = unit * PAGE, .last = unit * PAGE + PAGE - 1, .gpa = unit, .prot = VIOMMU_RW };

			assert_int_equal(mappings_add(&mappings, &mapping), 0);
			assert_int_equal(mappings_add(&mappings, &mapping), -EEXIST);
		}
		/*
		 * A random search tree of 4096 elements has a depth of about 28. A list would have
		 * 4096.
		 */
		assert_true(depth(mappings.root) < 80);
		for (uint64_t i = 0; i < UNITS; i++)
			assert_int_equal(mappings_at(&mappings, i * PAGE + 77)->gpa, i);
		mappings_free(&mappings);
		assert_int_equal(pieces, 0);
	}
}

static void as_an_array(void **state)
{
	static unsigned int made[UNITS]; /* the call that made it; 0: none */
	int64_t pieces = 0;
	const struct host_memory memory = { .ctx = &pieces, .alloc = count_up, .free = count_down };
	struct mappings mappings;
	uint64_t seed = 1;

	(void)state;
	mappings_init(&mappings, &memory);
	for (unsigned int call = 1; call <= 20000; call++) {
		unsigned int first, last;
		bool any = false;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		first = (unsigned int)(seed >> 40) % UNITS;
		last = first + (unsigned int)(seed >> 20) % (call % 8 ? 8 : 400);
		last = last < UNITS ? last : UNITS - 1;
		if (call % 3) {
			struct host_mapping mapping = { .first = first * PAGE, .last = last * PAGE + PAGE - 1, .gpa = call, .prot = VIOMMU_READ };

			for (unsigned int i = first; i <= last; i++)
				any |= made[i];
			assert_int_equal(mappings_add(&mappings, &mapping), any ? -EEXIST : 0);
			for (unsigned int i = first; !any && i <= last; i++)
				made[i] = call;
		} else {
			while (first && made[first] && made[first - 1] == made[first])
				first--;
			while (last < UNITS - 1 && made[last] && made[last + 1] == made[last])
				last++;
			for (unsigned int i = first; i <= last; i++) {
				any |= made[i];
				made[i] = 0;
			}
			assert_true(mappings_remove(&mappings, first * PAGE, last * PAGE + PAGE - 1) == any);
		}
		if (call % 500 == 0) {
			const struct mapping *next = mappings_from(&mappings, 0);

			mappings_trim(&mappings);
			for (unsigned int i = 0; i < UNITS; i++) {
				const struct mapping *at = mappings_at(&mappings, i * PAGE);

				assert_true(made[i] ? at && at->gpa == made[i] : !at);
				if (at && at->first == i * PAGE) {
					assert_ptr_equal(next, at);
					next = mappings_next(&mappings, at);
				}
			}
			assert_null(next);
		}
	}
	mappings_free(&mappings);
	assert_int_equal(pieces, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(sets),
		cmocka_unit_test(flat_in_any_order),
		cmocka_unit_test(as_an_array),
	};

	return cmocka_run_group_tests_name("parts of hosts", tests, NULL, NULL);
}
