/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The notes that a scan leaves for the fill. A pass has room for few, and borrows the shadow's
 * room. If another pass has that, if it is full, or if there is no memory for it, the last note is
 * widened, so that no note is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shadow/shadow.h"

#define NOTE(i) ((uint64_t)(i)*0x2000)

static struct memory memory;
static struct shadow shadow = { .memory = &memory };

static void begin(struct shadow_pass *pass)
{
	pass->shadow = &shadow;
	pass->works = 0;
	pass->work = pass->own_work;
}

static void note(struct shadow_pass *pass, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		shadow_note(pass, NOTE(i), NOTE(i) + 0xfff);
}

/* One note for each of the first ones, and the last one goes on to the end. */
static void check(const struct shadow_pass *pass, unsigned int works, unsigned int noted)
{
	assert_int_equal(pass->works, works);
	for (unsigned int i = 0; i < works; i++) {
		assert_int_equal(pass->work[i].first, NOTE(i));
		assert_int_equal(pass->work[i].last, NOTE(i + 1 < works ? i : noted - 1) + 0xfff);
	}
}

static void test_notes(void **state)
{
	struct shadow_pass one, other;

	(void)state;
	begin(&other);
	note(&other, 0, 20);
	check(&other, SHADOW_OWN_WORK, 20);
	assert_false(shadow.work_lent);
	memory.limit = UINT64_MAX;
	begin(&one);
	begin(&other);
	note(&one, 0, SHADOW_OWN_WORK);
	check(&one, SHADOW_OWN_WORK, SHADOW_OWN_WORK);
	assert_false(shadow.work_lent);
	note(&one, SHADOW_OWN_WORK, SHADOW_OWN_WORK + 1);
	check(&one, SHADOW_OWN_WORK + 1, SHADOW_OWN_WORK + 1);
	assert_true(shadow.work_lent);
	note(&other, 0, 20);
	check(&other, SHADOW_OWN_WORK, 20);
	note(&one, SHADOW_OWN_WORK + 1, 100);
	check(&one, SHADOW_WORK, 100);
	check(&other, SHADOW_OWN_WORK, 20);
	/* The room stays as long as a pass has it. */
	shadow_trim(&shadow);
	check(&one, SHADOW_WORK, 100);
	shadow.work_lent = false;
	shadow_trim(&shadow);
	assert_null(shadow.work);
	assert_int_equal(memory_used(&memory), 0);
}

/* A range that follows the last note is merged with it. */
static void test_contiguous(void **state)
{
	struct shadow_pass pass;

	(void)state;
	begin(&pass);
	for (unsigned int i = 0; i < 1000; i++)
		shadow_note(&pass, i * 0x1000u, i * 0x1000u + 0xfff);
	assert_int_equal(pass.works, 1);
	assert_int_equal(pass.work[0].last, 1000 * 0x1000u - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_contiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
