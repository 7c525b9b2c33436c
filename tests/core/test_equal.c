/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The widest comparison of this machine against the definition of equality: for every length,
 * position and bit of a difference, and every alignment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/port.h"

enum { MOST = 80, SHIFTS = 8 };

static void test_each_bit(void **state)
{
	port_equal equal = port_widest_equal();
	uint64_t entries[MOST + SHIFTS], copy[MOST + SHIFTS];

	(void)state;
	for (unsigned int i = 0; i < MOST + SHIFTS; i++)
		entries[i] = copy[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned int shift = 0; shift < SHIFTS; shift++) {
		for (unsigned int n = 0; n <= MOST; n++) {
			assert_true(equal(&entries[shift], &copy[shift], n));
			for (unsigned int i = 0; i < MOST + SHIFTS; i++) {
				uint64_t bit = UINT64_C(1) << (i * 7 + n) % 64;

				entries[i] ^= bit;
				assert_int_equal(equal(&entries[shift], &copy[shift], n), i < shift || i >= shift + n);
				entries[i] ^= bit;
			}
		}
	}
}

/* Differences that cancel if they are added up. */
static void test_two_differences(void **state)
{
	port_equal equal = port_widest_equal();
	uint64_t entries[MOST] = { 0 }, copy[MOST] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < MOST; i++) {
		for (unsigned int k = 0; k < i; k++) {
			entries[i] = 1;
			copy[k] = 1;
			assert_false(equal(entries, copy, MOST));
			entries[k] = UINT64_MAX;
			assert_false(equal(entries, copy, MOST));
			entries[i] = entries[k] = copy[k] = 0;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_bit),
		cmocka_unit_test(test_two_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
