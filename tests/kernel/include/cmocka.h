/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of cmocka's interface that the library's tests use, in a kernel: cmocka.c. Each test
 * runs in a thread of its own, which ends where an assertion fails.
 */
#ifndef TESTS_KERNEL_CMOCKA_H
#define TESTS_KERNEL_CMOCKA_H

#include <linux/compiler.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/types.h>

struct CMUnitTest {
	const char *name;
	void (*test_func)(void **state);
	int (*setup_func)(void **state);
	int (*teardown_func)(void **state);
	void *initial_state;
};

#define cmocka_unit_test(f)             \
	{                               \
#f, f, NULL, NULL, NULL \
	}
#define cmocka_unit_test_setup(f, setup) \
	{                                \
#f, f, setup, NULL, NULL \
	}
#define cmocka_unit_test_teardown(f, teardown) \
	{                                      \
#f, f, NULL, teardown, NULL    \
	}
#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
	{                                                   \
#f, f, setup, teardown, NULL                \
	}
#define cmocka_unit_test_prestate(f, state) \
	{                                   \
#f, f, NULL, NULL, state    \
	}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t number, int (*setup)(void **), int (*teardown)(void **));
#define cmocka_run_group_tests_name(name, tests, setup, teardown) _cmocka_run_group_tests(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown)		  cmocka_run_group_tests_name(#tests, tests, setup, teardown)

__printf(3, 4) __noreturn void cmocka_fail(const char *file, int line, const char *format, ...);
__noreturn void cmocka_skip(void);

#define print_message(...) printk(KERN_INFO "viommu_test: # " __VA_ARGS__)
#define print_error(...)   print_message(__VA_ARGS__)

#define cast_to_largest_integral_type(value)	   ((u64)(value))
#define cast_ptr_to_largest_integral_type(pointer) ((u64)(uintptr_t)(pointer))

static inline void cmocka_compare(u64 a, u64 b, bool equal, const char *file, int line)
{
	if ((a == b) != equal)
		cmocka_fail(file, line, "%#llx %s %#llx", a, equal ? "!=" : "==", b);
}

static inline void cmocka_compare_memory(const void *a, const void *b, size_t bytes, bool equal, const char *file, int line)
{
	if (!memcmp(a, b, bytes) != equal)
		cmocka_fail(file, line, "%zu bytes %s", bytes, equal ? "differ" : "are equal");
}

static inline void cmocka_compare_strings(const char *a, const char *b, const char *file, int line)
{
	if (strcmp(a, b))
		cmocka_fail(file, line, "\"%s\" != \"%s\"", a, b);
}

static inline void cmocka_in_range(u64 value, u64 least, u64 most, const char *file, int line)
{
	if (value < least || value > most)
		cmocka_fail(file, line, "%#llx is not within %#llx to %#llx", value, least, most);
}

#define _assert_int_equal(a, b, file, line) cmocka_compare((u64)(a), (u64)(b), true, file, line)
#define _assert_true(condition, text, file, line)                      \
	do {                                                           \
		if (!(condition))                                      \
			cmocka_fail(file, line, "not true: %s", text); \
	} while (0)

#define assert_int_equal(a, b)		     cmocka_compare((u64)(a), (u64)(b), true, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)	     cmocka_compare((u64)(a), (u64)(b), false, __FILE__, __LINE__)
#define assert_ptr_equal(a, b)		     cmocka_compare((uintptr_t)(a), (uintptr_t)(b), true, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b)	     cmocka_compare((uintptr_t)(a), (uintptr_t)(b), false, __FILE__, __LINE__)
#define assert_memory_equal(a, b, bytes)     cmocka_compare_memory(a, b, bytes, true, __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, bytes) cmocka_compare_memory(a, b, bytes, false, __FILE__, __LINE__)
#define assert_string_equal(a, b)	     cmocka_compare_strings(a, b, __FILE__, __LINE__)
#define assert_in_range(value, least, most)  cmocka_in_range((u64)(value), (u64)(least), (u64)(most), __FILE__, __LINE__)
#define assert_true(condition)		     _assert_true(condition, #condition, __FILE__, __LINE__)
#define assert_false(condition)		     _assert_true(!(condition), "!(" #condition ")", __FILE__, __LINE__)
#define assert_null(pointer)		     _assert_true(!(pointer), #pointer " == NULL", __FILE__, __LINE__)
#define assert_non_null(pointer)	     _assert_true(pointer, #pointer " != NULL", __FILE__, __LINE__)
#define fail_msg(...)			     cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()				     cmocka_fail(__FILE__, __LINE__, "failed")
#define skip()				     cmocka_skip()

#endif
