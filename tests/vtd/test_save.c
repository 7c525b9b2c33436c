/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saved registers: those that a guest cannot load are among them, and what devices reach is made
 * anew from memory.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "guest/common/iommu.h"

#define SID 8u

/* The library's common part is the first member. */
static struct guest_iommu *common(struct rig *rig)
{
	return (struct guest_iommu *)(void *)rig->vtd;
}

static void test_stream(void **state)
{
	struct rig_config config = rig_config();
	struct viommu_vtd_message message = { .size = sizeof(message) };
	unsigned char stream[2048], again[2048];
	struct record record;
	struct rig rig;
	struct user user;
	uint64_t root;
	size_t bytes;

	(void)state;
	config.vtd.flags = VIOMMU_VTD_INTERRUPT_REMAPPING;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	user_init(&user, &rig, SID);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, 0x1000, DATA);
	rig_second_stage(&rig, SID, root, 5);
	/* Tables of the last SRTP and SIRTP, and not of the registers; a fault that is pending. */
	rig_put(&rig, IRT, UINT64_C(0x560000330001));
	rig_write64(&rig, R_IRTA, IRT | 7);
	rig_global(&rig, SIRTP, 0);
	rig_global(&rig, IRE, 0);
	rig_write64(&rig, R_IRTA, HOLE_GPA);
	rig_write64(&rig, R_RTADDR, HOLE_GPA);
	assert_refused(&user, 0x2000, VIOMMU_READ, 0x06);
	rig_fault(user.device, 0x3000, VIOMMU_READ);
	bytes = guest_iommu_save(common(&rig), stream, sizeof(stream));
	assert_true(bytes && bytes <= sizeof(stream));
	/* Another unit, which is as after its reset. */
	user_end(&user);
	viommu_vtd_destroy(rig.vtd);
	assert_int_equal(viommu_vtd_create(rig.vm, &config.vtd, &rig.vtd), 0);
	user_init(&user, &rig, SID);
	assert_has(&user, 0x1000, 0x1000, VIOMMU_RW);
	assert_int_equal(guest_iommu_restore(common(&rig), stream, bytes), 0);
	assert_has(&user, 0x1000, DATA, VIOMMU_RW);
	assert_true(rig_info(&rig).root == ROOT);
	assert_true(rig_read64(&rig, R_RTADDR) == HOLE_GPA);
	assert_int_equal(viommu_vtd_interrupt(rig.vtd, SID, 0xfee00010, 0, &message), 0);
	assert_int_equal(message.data, 0x33);
	assert_true(rig_record(&rig, &record));
	assert_true(record.info == 0x3000);
	/* The next record is where it would have been. */
	rig_fault(user.device, 0x4000, VIOMMU_READ);
	assert_int_equal(rig_read(&rig, R_FRCD + 2 * 16 + 12) >> 31, 1);
	assert_true(rig_record(&rig, &record));
	/* The queue goes on. */
	rig_command(&rig, WAIT(9), STATUS);
	assert_int_equal(rig_get(&rig, STATUS), 9);
	assert_int_equal(guest_iommu_save(common(&rig), again, sizeof(again)), bytes);
	/* A unit with other features refuses it. */
	user_end(&user);
	rig_down(&rig);
	rig_up(&rig);
	assert_int_equal(guest_iommu_restore(common(&rig), stream, bytes), -EINVAL);
	assert_int_equal(rig_read(&rig, R_GSTS), 0);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stream) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
