/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A monitor with a zPCI guest on the library's host kernel: what the guest's instructions answer,
 * what the device reaches then, what is pinned and charged, and that nothing is when the monitor
 * has ended in any way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/vfio.h>
#include <viommu/viommu.h>
#include <viommu/zpci.h>

#include "../dma/kernel.h"
#include "rig.h"

#define A      (RIG_NUMBERED + 8 * PAGE) /* GPAs */
#define B      (RIG_NUMBERED + 77 * PAGE)
#define FH     0x80000001u
#define DEATHS 10u

struct monitor {
	struct rig rig;
	bool pinned;
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function;
};

static int create_host(struct viommu_host **out, char *why, size_t why_bytes)
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = VIOMMU_VFIO_CONFIG_INIT;

	device.address = getenv("VIOMMU_TEST_EDU");
	config.device = &device;
	config.why = why;
	config.why_bytes = why_bytes;
	return viommu_host_kernel_create(&config, out);
}

static void add_function(struct monitor *monitor)
{
	struct viommu_zpci_function_config function = VIOMMU_ZPCI_FUNCTION_CONFIG_INIT;
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;

	device.address = getenv("VIOMMU_TEST_EDU");
	function.fid = 1;
	function.fh = FH;
	function.state = VIOMMU_ZPCI_ENABLED;
	function.host = monitor->host;
	function.device = &device;
	assert_int_equal(viommu_zpci_function_add(monitor->zpci, &function, &monitor->function), 0);
	rig_drive(&monitor->rig, viommu_device_vfio_fd(viommu_zpci_function_device(monitor->function)));
}

static void begin(struct monitor *monitor, bool pinned)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	const struct viommu_zpci_config zpci = VIOMMU_ZPCI_CONFIG_INIT;
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	char why[256] = "";

	*monitor = (struct monitor){ .pinned = pinned };
	rig_begin_memory(&monitor->rig, rig_address(0));
	if (create_host(&monitor->host, why, sizeof(why)))
		fail_msg("the host kernel: %s", why);
	config.pin = pinned ? VIOMMU_PIN_GUEST : VIOMMU_PIN_ON_REFRESH;
	assert_int_equal(viommu_vm_create(&config, &monitor->vm), 0);
	slot.bytes = RIG_BYTES;
	slot.hva = monitor->rig.memory;
	assert_int_equal(viommu_slot_add(monitor->vm, &slot), 0);
	assert_int_equal(viommu_zpci_create(monitor->vm, &zpci, &monitor->zpci), 0);
	add_function(monitor);
}

static void remove_function(struct monitor *monitor)
{
	rig_rest(&monitor->rig);
	viommu_zpci_function_remove(monitor->function);
}

static void end(struct monitor *monitor)
{
	remove_function(monitor);
	viommu_zpci_destroy(monitor->zpci);
	viommu_vm_destroy(monitor->vm);
	viommu_host_destroy(monitor->host);
	rig_end_memory(&monitor->rig);
}

/* The answers: condition code, and behind it the status. */
static int answered(const struct viommu_zpci_answer *answer)
{
	assert_int_equal(answer->exception, 0);
	return answer->cc ? answer->cc << 8 | answer->status : 0;
}

#define SHORT (1 << 8 | (int)VIOMMU_ZPCI_ST_INSUF_RES)

static int mpcifc(struct monitor *monitor, uint8_t operation)
{
	const struct vfio_viommu_zpci tables = rig_tables(RIG_PBA, RIG_PAL);
	const struct viommu_zpci_fib fib = { .pba = tables.pba, .pal = tables.pal, .iota = tables.iota };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };

	assert_int_equal(viommu_zpci_mpcifc(monitor->zpci, VIOMMU_ZPCI_R1(FH, 0, operation), &fib, &answer), 0);
	return answered(&answer);
}

static int rpcit(struct monitor *monitor, uint64_t iova, uint64_t pages)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };

	assert_int_equal(viommu_zpci_rpcit(monitor->zpci, VIOMMU_ZPCI_R1(FH, 0, 0), iova, pages * PAGE, &answer), 0);
	return answered(&answer);
}

static void check_pinned(struct monitor *monitor, uint64_t named)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t pages = monitor->pinned ? RIG_BYTES / PAGE : named;

	assert_int_equal(viommu_vm_stats(monitor->vm, &stats), 0);
	assert_int_equal(stats.pinned_bytes, pages * PAGE);
	assert_int_equal(kernel_pinned_pages() - monitor->rig.pinned_before, pages);
	assert_int_equal(rig_locked(), pages);
}

static bool policies[] = { false, true };

static void test_guest(void **state)
{
	uint64_t at = RIG_PBA + 3 * PAGE;
	struct monitor monitor;
	struct rig *rig = &monitor.rig;

	begin(&monitor, *(bool *)*state);
	check_pinned(&monitor, 0);
	/* A registration, of entries that are there; the rig's own page is one of them. */
	rig_name(rig, at, 1, A, true);
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT), 0);
	check_pinned(&monitor, 2);
	rig_reaches(rig, at, A, true);
	rig_reaches(rig, at + PAGE, RIG_NOWHERE, false);
	/*
	 * Refreshes of what becomes valid, invalid, and another page. A page that is named twice is
	 * pinned once.
	 */
	rig_name(rig, at + PAGE, 3, B, true);
	rig_name(rig, at + MIB, 1, B, false);
	assert_int_equal(rpcit(&monitor, at, 257), 0);
	check_pinned(&monitor, 5);
	rig_reaches(rig, at + 2 * PAGE, B + PAGE, true);
	rig_reaches(rig, at + MIB, B, false);
	rig_hide(rig, at, 2);
	assert_int_equal(rpcit(&monitor, at, 1), 0);
	rig_reaches(rig, at, RIG_NOWHERE, false);
	rig_reaches(rig, at + PAGE, B, true);
	check_pinned(&monitor, 4);
	rig_name(rig, at + 3 * PAGE, 1, A, true);
	assert_int_equal(rpcit(&monitor, RIG_PBA, 2 * GIB / PAGE), 0);
	rig_reaches(rig, at + PAGE, RIG_NOWHERE, false);
	rig_reaches(rig, at + 3 * PAGE, A, true);
	check_pinned(&monitor, 4);
	/* Without a registration it reaches nothing. */
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_DEREG_IOAT), 0);
	check_pinned(&monitor, 0);
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT), 0);
	rig_reaches(rig, at + 3 * PAGE, A, true);
	/* The function is unplugged and comes back. */
	remove_function(&monitor);
	assert_int_equal(kernel_pinned_pages(), rig->pinned_before);
	add_function(&monitor);
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT), 0);
	rig_reaches(rig, at + 2 * PAGE, B + PAGE, true);
	check_pinned(&monitor, 4);
	end(&monitor);
}

static void limited(void **state)
{
	struct monitor monitor;
	struct rig *rig = &monitor.rig;

	(void)state;
	rig_limit(64 * PAGE);
	begin(&monitor, false);
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT), 0);
	rig_name(rig, RIG_PBA, 63, A, true);
	assert_int_equal(rpcit(&monitor, RIG_PBA, 63), 0);
	check_pinned(&monitor, 64);
	rig_name(rig, RIG_PBA + MIB, 1, A + 100 * PAGE, true);
	assert_int_equal(rpcit(&monitor, RIG_PBA + MIB, 1), SHORT);
	rig_reaches(rig, RIG_PBA + MIB, RIG_NOWHERE, false);
	/* The guest makes room. */
	rig_hide(rig, RIG_PBA, 1);
	assert_int_equal(rpcit(&monitor, RIG_PBA, 1), 0);
	assert_int_equal(rpcit(&monitor, RIG_PBA + MIB, 1), 0);
	rig_reaches(rig, RIG_PBA + MIB, A + 100 * PAGE, true);
	check_pinned(&monitor, 64);
	end(&monitor);
}

/* RLIMIT_MEMLOCK, in a process of its own, which is this program again. */
static void test_limit(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child) {
		execl("/proc/self/exe", "test-module-library", "limited", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* RPCITs until it is killed, with a byte to the parent after each. */
static void live(void *ctx, int rounds)
{
	const bool *pinned = ctx;
	struct monitor monitor;

	begin(&monitor, *pinned);
	mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT);
	for (unsigned int i = 0;; i++) {
		rig_name(&monitor.rig, RIG_PBA + i % 20 * 100 * PAGE, 150, A + i % 64 * PAGE, true);
		rpcit(&monitor, RIG_PBA, i % 4 ? 1000 : 2 * GIB / PAGE);
		rig_hide(&monitor.rig, RIG_PBA + i % 20 * 50 * PAGE, 70);
		if (write(rounds, "", 1) != 1)
			_exit(1);
	}
}

/* kill -9 after some RPCITs, in the middle of the next one. */
static void test_killed(void **state)
{
	struct monitor monitor;

	for (unsigned int i = 0; i < DEATHS; i++) {
		struct rig_child child;

		rig_fork(&child, live, *state);
		for (unsigned int n = 0; n <= i * 7; n++)
			rig_await(&child);
		assert_true(rig_kill(&child));
	}
	/* The device works for the next monitor. */
	begin(&monitor, *(bool *)*state);
	rig_name(&monitor.rig, RIG_PBA, 1, A, true);
	assert_int_equal(mpcifc(&monitor, VIOMMU_ZPCI_OC_REG_IOAT), 0);
	rig_reaches(&monitor.rig, RIG_PBA, A, true);
	end(&monitor);
}

/* Without the module the library says what to do. */
static void test_missing(void **state)
{
	struct viommu_host *host;
	char why[256] = "";

	(void)state;
	assert_true(rig_unload());
	assert_int_equal(create_host(&host, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "modprobe viommu"));
	assert_true(rig_load(false));
	assert_int_equal(create_host(&host, why, sizeof(why)), 0);
	viommu_host_destroy(host);
}

#define BOTH(test)                                                           \
	{ #test " (pin on refresh)", test, rig_setup, NULL, &policies[0] },  \
	{                                                                    \
#test " (pinned guest)", test, rig_setup, NULL, &policies[1] \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_guest),
		cmocka_unit_test_setup(test_limit, rig_setup),
		BOTH(test_killed),
		cmocka_unit_test_setup(test_missing, rig_setup),
	};
	const struct CMUnitTest limit[] = { cmocka_unit_test(limited) };

	(void)argv;
	/*
	 * The parent's test has the result. The report of the child would be counted with the
	 * parent's.
	 */
	if (argc > 1)
		return freopen("/dev/null", "w", stdout) ? cmocka_run_group_tests(limit, NULL, NULL) : 1;
	if (!rig_load(false))
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
