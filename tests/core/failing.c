/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port_wrap.h"

static const struct failing_story *now;
static unsigned int tellings;

/* The call that fails in a test. MOCK_CALLS: no call to the host; error 0: no failure at all. */
static const struct failure {
	const char *name;
	enum mock_call call;
	int error;
} failures[] = {
	{ "nothing", MOCK_CALLS, 0 },
	{ "allocations", MOCK_CALLS, ENOMEM },
	{ "map: no room", MOCK_MAP, ENOSPC },
	{ "map: an error", MOCK_MAP, EIO },
	{ "unmap", MOCK_UNMAP, EIO },
	{ "flush", MOCK_FLUSH, EIO },
	{ "attach: refused", MOCK_ATTACH, EINVAL },
	{ "attach: no room", MOCK_ATTACH, ENOSPC },
	{ "detach", MOCK_DETACH, EBUSY },
	{ "replace", MOCK_REPLACE, EINVAL },
	{ "a space", MOCK_CREATE, ENOMEM },
	{ "guest memory", MOCK_GUEST_CREATE, ENOMEM },
	{ "a slot added", MOCK_GUEST_ADD, ENOSPC },
	{ "a slot removed", MOCK_GUEST_REMOVE, EIO },
};
#define FAILURES (sizeof(failures) / sizeof(failures[0]))

void failing_stop(struct mock_host *mock)
{
	port_wrap.fail_at = 0;
	for (unsigned int call = 0; call < MOCK_CALLS; call++)
		mock_fail(mock, (enum mock_call)call, 0, false, 0);
}

/* True: the story has no n-th. */
static bool tell(const struct failure *failure, unsigned int n, bool for_good, bool split)
{
	void *story = calloc(1, now->bytes);
	struct mock_host *mock;
	bool over = true;

	assert_non_null(story);
	port_wrap.outstanding = 0;
	mock = now->begin(story, split);
	mock_forget(mock);
	if (failure->call != MOCK_CALLS)
		mock_fail(mock, failure->call, n, for_good, failure->error);
	else if (failure->error)
		port_wrap.fail_at = n;
	now->tell(story);
	if (failure->call != MOCK_CALLS)
		over = mock->calls[failure->call] < n;
	else
		over = !failure->error || port_wrap.fail_at;
	if (failure->call == MOCK_CALLS)
		now->unharmed(story, !failure->error);
	failing_stop(mock);
	now->repair(story);
	now->end(story);
	assert_null(mock->spaces);
	assert_int_equal(mock->devices, 0);
	assert_int_equal(mock->guests, 0);
	if (mock->breaches)
		fail_msg("%s", mock->breach);
	mock_destroy(mock);
	assert_int_equal(port_wrap.outstanding, 0);
	free(story);
	tellings++;
	return over;
}

static void test_failure(void **state)
{
	const struct failure *failure = *state;

	for (unsigned int split = 0; split < (now->splits ? 2 : 1); split++) {
		/* An allocation fails once. */
		for (unsigned int for_good = 0; for_good < (failure->call == MOCK_CALLS ? 1 : 2); for_good++) {
			unsigned int n = 1;

			while (!tell(failure, n, for_good, split))
				n++;
			if (failure->error && failure->call == MOCK_CALLS)
				assert_in_range(n, now->least, 9999);
		}
	}
}

int failing_run(const struct failing_story *story)
{
	struct CMUnitTest tests[FAILURES];
	int failed;

	now = story;
	for (size_t i = 0; i < FAILURES; i++)
		tests[i] = (struct CMUnitTest){ .name = failures[i].name, .test_func = test_failure, .initial_state = (void *)(uintptr_t)&failures[i] };
	failed = _cmocka_run_group_tests("a story with failures", tests, FAILURES, NULL, NULL);
	print_message("%u stories, each with one failure\n", tellings);
	return failed;
}
