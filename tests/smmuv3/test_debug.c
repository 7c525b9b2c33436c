/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between viommu_reader_enter() and viommu_reader_leave() a thread must not call functions that may
 * wait for that reader. A debug build aborts the program at each such call, also while no other
 * thread is about to release anything, and at no call that the headers allow.
 */
#include "tables.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define IOVA UINT64_C(0x5000)

static struct rig rig;
static struct tables tables;
static struct user user;

static void read_register(void)
{
	rig_read(&rig, R_CMDQ_CONS);
}

static void info(void)
{
	rig_info(&rig);
	rig_device_info(user.device);
	viommu_smmuv3_find(rig.smmu, 1);
	viommu_smmuv3_device_device(user.device);
}

static void translate(void)
{
	const uint8_t *hva;

	user_has(&user, IOVA, VIOMMU_READ, &hva);
}

static void stats(void)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	viommu_smmuv3_device_stats(user.device, &stats);
}

static int ignore(void *ctx, const struct viommu_run *run)
{
	(void)ctx;
	(void)run;
	return 0;
}

static void each_run(void)
{
	viommu_smmuv3_device_each_run(user.device, 0, UINT64_MAX, ignore, NULL);
}

static void fault(void)
{
	rig_fault(user.device, VIOMMU_FAULT_NOT_PRESENT, IOVA + PAGE, VIOMMU_READ);
}

static void invalidate(void)
{
	rig_command(&rig, TLBI_ALL, 0);
	rig_command(&rig, SYNC, 0);
}

static void remove_slot(void)
{
	viommu_slot_remove(rig.vm, ROM_GPA);
}

static void detach(void)
{
	viommu_device_detach(viommu_smmuv3_device_device(user.device), VIOMMU_NO_PASID);
}

/* Whether a program that makes the call ends by an abort. */
static bool is_caught(void (*call)(void), bool inside)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		if (inside)
			viommu_reader_enter(user.reader);
		call();
		if (inside)
			viommu_reader_leave(user.reader);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) || (WIFEXITED(status) && !WEXITSTATUS(status)));
	return WIFSIGNALED(status);
}

static void test_calls(void **state)
{
	static void (*const allowed[])(void) = { read_register, info, translate };
	static void (*const waiting[])(void) = { stats, each_run, fault, invalidate, remove_slot, detach };

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	tables_init(&tables, &rig, TABLES);
	tables_map(&tables, IOVA, DATA, 0);
	rig_stage1(&rig, 1, 0, CD0(1), tables.root);
	user_init(&user, &rig, 1);
	for (unsigned int i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		assert_false(is_caught(allowed[i], true));
		assert_false(is_caught(allowed[i], false));
	}
	for (unsigned int i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
		assert_true(is_caught(waiting[i], true));
		assert_false(is_caught(waiting[i], false));
	}
	user_end(&user);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_calls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
