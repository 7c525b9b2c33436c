/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cmocka in a kernel. Each test is a thread of the kernel, and so is each thread
 * that it creates. Any of them ends where an assertion fails. Results are points of TAP in the
 * kernel's log.
 */
#define pr_fmt(format) "viommu_test: " format

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include <cmocka.h>
#include <pthread.h>

#include "port/port.h"
#include "runner.h"

unsigned int runner_tests, runner_points, runner_failed;

static const char *program; /* NULL: tests are counted */
static enum { PASSED, FAILED, SKIPPED } outcome;

struct test_thread {
	struct completion ended;
	void *(*function)(void *argument);
	void *argument;
	void *result;
};

static __noreturn void end(void)
{
	struct test_thread *thread = kthread_data(current);

	kthread_complete_and_exit(&thread->ended, 0);
}

void cmocka_fail(const char *file, int line, const char *format, ...)
{
	struct va_format text = { .fmt = format };
	va_list arguments;

	va_start(arguments, format);
	text.va = &arguments;
	pr_info("# %s:%d: %pV\n", kbasename(file), line, &text);
	va_end(arguments);
	outcome = FAILED;
	end();
}

void cmocka_skip(void)
{
	outcome = SKIPPED;
	end();
}

static int begin(void *of)
{
	struct test_thread *thread = of;

	thread->result = thread->function(thread->argument);
	end();
}

int pthread_create(pthread_t *out, const void *attributes, void *(*function)(void *), void *argument)
{
	struct test_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);
	struct task_struct *task;

	if (!thread)
		return ENOMEM;
	init_completion(&thread->ended);
	thread->function = function;
	thread->argument = argument;
	task = kthread_run(begin, thread, "viommu_test");
	if (IS_ERR(task)) {
		kfree(thread);
		return EAGAIN;
	}
	*out = thread;
	return 0;
}

int pthread_join(pthread_t thread, void **result)
{
	wait_for_completion(&thread->ended);
	if (result)
		*result = thread->result;
	kfree(thread);
	return 0;
}

/* A test or a fixture. Each is a thread, so that the next one runs if this one fails. */
struct call {
	int (*fixture)(void **state);
	void (*test)(void **state);
	void **state;
};

static void *run_call(void *of)
{
	struct call *call = of;

	if (call->test)
		call->test(call->state);
	else if (call->fixture(call->state))
		fail_msg("the fixture failed");
	return NULL;
}

static void in_thread(struct call call)
{
	pthread_t thread;

	if (!call.fixture && !call.test)
		return;
	if (pthread_create(&thread, NULL, run_call, &call))
		outcome = FAILED;
	else
		pthread_join(thread, NULL);
}

static void point(const char *name)
{
	if (outcome == PASSED && port_guest_mapped()) {
		pr_info("# %ld pages of guest memory are left mapped\n", port_guest_mapped());
		outcome = FAILED;
	}
	runner_points++;
	runner_failed += outcome == FAILED;
	pr_info("%sok %u - %s: %s%s\n", outcome == FAILED ? "not " : "", runner_points, program, name, outcome == SKIPPED ? " # SKIP" : "");
}

static void run_test(const struct CMUnitTest *test, void *state)
{
	state = test->initial_state ? test->initial_state : state;
	in_thread((struct call){ .fixture = test->setup_func, .state = &state });
	if (outcome == PASSED)
		in_thread((struct call){ .test = test->test_func, .state = &state });
	in_thread((struct call){ .fixture = test->teardown_func, .state = &state });
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t number, int (*setup)(void **), int (*teardown)(void **))
{
	unsigned int failed = runner_failed;
	void *state = NULL;
	bool ready;

	if (!program) {
		runner_tests += number;
		return 0;
	}
	outcome = PASSED;
	in_thread((struct call){ .fixture = setup, .state = &state });
	ready = outcome == PASSED;
	for (size_t i = 0; i < number; i++) {
		outcome = ready ? PASSED : FAILED;
		if (ready)
			run_test(&tests[i], state);
		point(tests[i].name);
	}
	outcome = PASSED;
	in_thread((struct call){ .fixture = teardown, .state = &state });
	if (outcome != PASSED) {
		pr_info("# %s: the group's end failed\n", name);
		runner_failed++;
	}
	return (int)(runner_failed - failed);
}

void runner_count(void)
{
	program = NULL;
}

void runner_begin(const char *of)
{
	program = of;
}
