/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order of calls to a host, and hosts with few IOVAs. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "core/device.h"
#include "core/mock_host.h"

struct run {
	struct rig rig;
	bool early; /* the semaphore was stored before a call of the host */
};

/* The semaphore is stored when the host has removed and flushed, and not before. */
static void watch(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct run *run = ctx;

	(void)space;
	(void)event;
	if (rig_get(&run->rig, SEMAPHORE))
		run->early = true;
}

static void test_order(void **state)
{
	const struct mock_options options = { .last = 0 };
	struct rig_config config = rig_config();
	struct mock_host *host = mock_create(&options);
	static struct run run;
	uint32_t tail = 0;
	uint64_t root;

	(void)state;
	memset(&run, 0, sizeof(run));
	config.host = &host->host;
	rig_up_as(&run.rig, &config);
	rig_enable(&run.rig);
	root = rig_table(&run.rig);
	rig_map(&run.rig, root, 3, 0, DATA, P_RW);
	rig_put_entry(&run.rig, 1, D_V | D_TV | D_RW | D_MODE(3) | root, 5, 0, 0);
	(void)rig_device(&run.rig, 1);
	mock_forget(host);
	host->watch = watch;
	host->watch_ctx = &run;
	rig_map(&run.rig, root, 3, 0, 0, 0);
	rig_queue(&run.rig, &tail, INV_PAGES(5), 0);
	rig_queue(&run.rig, &tail, WAIT | SEMAPHORE | 1, 1);
	rig_kick(&run.rig, tail);
	assert_int_equal(rig_get(&run.rig, SEMAPHORE), 1);
	assert_int_equal(host->calls[MOCK_UNMAP], 1);
	assert_int_equal(host->calls[MOCK_FLUSH], 1);
	assert_false(run.early);
	host->watch = NULL;
	rig_down(&run.rig);
	mock_destroy(host);
}

/* A host has fewer IOVAs than the mode, and its last ones are no whole page. */
static void test_aperture(void **state)
{
	const struct mock_options options = { .last = (UINT64_C(1) << 40) + 0x7ff };
	const struct mock_device *device;
	struct rig_config config = rig_config();
	struct mock_host *host = mock_create(&options);
	unsigned char *hva;
	uint32_t prot;
	uint64_t root;
	struct rig rig;

	(void)state;
	config.host = &host->host;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	for (unsigned int mode = 4; mode <= 6; mode++) {
		root = rig_table(&rig);
		rig_map(&rig, root, mode, 0, DATA, P_RW);
		rig_map(&rig, root, mode, (UINT64_C(1) << 40) - PAGE, DATA, P_RW);
		rig_map(&rig, root, mode, UINT64_C(1) << 40, DATA, P_RW);
		rig_put_entry(&rig, mode, D_V | D_TV | D_RW | D_MODE(mode) | root, 5, 0, 0);
		device = (const struct mock_device *)(void *)viommu_amdvi_device_device(rig_device(&rig, mode))->host_device;
		assert_non_null(device->space);
		assert_true(mock_reach(host, device->space, 0, &hva, &prot));
		assert_true(mock_reach(host, device->space, (UINT64_C(1) << 40) - PAGE, &hva, &prot));
		assert_false(mock_reach(host, device->space, UINT64_C(1) << 40, &hva, &prot));
		assert_int_equal(mock_pages(host, device->space), 2);
	}
	assert_int_equal(host->breaches, 0);
	rig_down(&rig);
	mock_destroy(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_aperture) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
