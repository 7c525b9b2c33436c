/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Following a numbered disk: which pages hold a block, and the report if a block comes twice, too
 * early, or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "numbered.h"

#define PAGE  4096u
#define PAGES 4u

static _Alignas(PAGE) unsigned char memory[PAGES * PAGE];
static const struct guest_ram ram = { .host = memory, .bytes = sizeof(memory) };

/* Fills a page as tools/guest/make-disk fills a block. */
static uint64_t put_block(unsigned int page, uint64_t block)
{
	unsigned int i;

	for (i = 0; i < PAGE; i++)
		memory[page * PAGE + i] = (unsigned char)(block >> (56 - 8 * (i % 8)));
	return (uint64_t)page * PAGE;
}

static void release(struct numbered *numbered, uint64_t block, uint64_t wanted)
{
	uint64_t found, expected;

	assert_true(numbered_released(numbered, &ram, put_block(1, block), &found, &expected));
	assert_true(found == block);
	assert_true(expected == wanted);
}

static void ignore(struct numbered *numbered, uint64_t gpa)
{
	uint64_t found, expected;

	assert_false(numbered_released(numbered, &ram, gpa, &found, &expected));
}

static void test_in_order(void **state)
{
	struct numbered numbered = { .first = 258, .count = 300 };
	uint64_t round, block;

	(void)state;
	assert_int_equal(numbered_missing(&numbered), 300);
	/* As often as the page is read. */
	for (round = 0; round < 2; round++) {
		for (block = 258; block < 558; block++) {
			release(&numbered, block, block);
			assert_int_equal(numbered_missing(&numbered), 557 - block);
		}
	}
	assert_int_equal(numbered.seen, 600);
}

static void test_out_of_order(void **state)
{
	struct numbered numbered = { .first = 10, .count = 20 };

	(void)state;
	release(&numbered, 10, 10);
	release(&numbered, 12, 11);
	/* It continues after the block that was found. */
	release(&numbered, 13, 13);
	release(&numbered, 13, 14);
	release(&numbered, 14, 14);
	assert_int_equal(numbered.seen, 3);
	assert_int_equal(numbered_missing(&numbered), 15);
	/* A restart before the end is reported, too. */
	release(&numbered, 10, 15);
}

/* A block outside of the sequence is ignored. */
static void test_others(void **state)
{
	struct numbered numbered = { .first = 10, .count = 20 }, none = { .count = 0 };
	unsigned int at;

	(void)state;
	ignore(&numbered, put_block(0, 9));
	ignore(&numbered, put_block(0, 30));
	ignore(&numbered, put_block(0, 0));
	ignore(&numbered, put_block(0, UINT64_C(10) << 32));
	ignore(&none, put_block(0, 10));
	/* A page that differs from a block in one byte. */
	for (at = 0; at < PAGE; at += 511) {
		put_block(0, 10);
		memory[at] ^= 1;
		ignore(&numbered, 0);
	}
	/* A page outside guest memory, or half outside. */
	put_block(PAGES - 1, 10);
	ignore(&numbered, PAGES * PAGE);
	ignore(&numbered, PAGES * PAGE - 8);
	ignore(&numbered, UINT64_MAX - PAGE + 1);
	assert_int_equal(numbered.seen + numbered.next, 0);
	release(&numbered, 10, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
