/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Faults: their reasons and records, overflow, status and interrupts. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define DID  5u
#define SID  8u
#define HIGH (UINT64_C(1) << 46)

struct world {
	struct rig rig;
	struct user user;
	uint64_t root;
};

static void begin(struct world *world)
{
	rig_up(&world->rig);
	rig_enable(&world->rig);
	user_init(&world->user, &world->rig, SID);
	world->root = rig_table(&world->rig);
	rig_map(&world->rig, world->root, 3, 0x1000, DATA);
	rig_second_stage(&world->rig, SID, world->root, DID);
}

static void end(struct world *world)
{
	user_end(&world->user);
	rig_down(&world->rig);
}

/* The reason for which tables do not translate an access. */
static void test_reasons(void **state)
{
	struct world world;
	struct rig *rig = &world.rig;
	struct user *user = &world.user;
	uint64_t top, middle, leaf;

	(void)state;
	begin(&world);
	top = rig_entry(rig, world.root, 3, 0x1000, 2);
	middle = rig_entry(rig, world.root, 3, 0x1000, 1);
	leaf = rig_entry(rig, world.root, 3, 0x1000, 0);
	assert_refused(user, 0x2000, VIOMMU_READ, 0x06);
	assert_refused(user, 0x2000, VIOMMU_WRITE, 0x05);
	assert_refused(user, 0x40000000, VIOMMU_READ, 0x06);
	assert_refused(user, UINT64_C(1) << 39, VIOMMU_READ, 0x04);
	rig_put(rig, leaf, DATA | E_R);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_WRITE, 0x05);
	rig_put(rig, leaf, DATA | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x06);
	/* Rights of upper entries count, too. */
	rig_put(rig, leaf, DATA | E_R | E_W);
	rig_put(rig, middle, rig_get(rig, middle) ^ E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_has(user, 0x1000, DATA, VIOMMU_READ);
	assert_refused(user, 0x1000, VIOMMU_WRITE, 0x05);
	rig_put(rig, middle, rig_get(rig, middle) ^ E_W);
	/* Reserved bits; tables without memory; tables beyond the addresses. */
	rig_put(rig, top, rig_get(rig, top) ^ E_PS ^ PAGE);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x0c);
	rig_put(rig, top, rig_get(rig, top) ^ E_PS ^ PAGE);
	rig_put(rig, middle, HOLE_GPA | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x07);
	rig_put(rig, middle, HIGH | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x0c);
	rig_put(rig, middle, (leaf & ~(PAGE - 1)) | E_R | E_W);
	/*
	 * Leaves without memory are no fault of the unit; beyond the addresses, and to interrupts.
	 */
	rig_put(rig, leaf, HOLE_GPA | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0);
	rig_put(rig, leaf, HIGH | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x0c);
	rig_put(rig, leaf, 0xfee01000 | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x0e);
	/* Memory that is read-only. */
	rig_put(rig, leaf, ROM_GPA | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_has(user, 0x1000, ROM_GPA, VIOMMU_READ);
	assert_refused(user, 0x1000, VIOMMU_WRITE, 0);
	/* A top table without memory. */
	rig_second_stage(rig, SID, HOLE_GPA, DID);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x07);
	/* Pass-through: no memory, and beyond the addresses. */
	rig_put_context(rig, SID, CONTEXT_PASS_THROUGH, CONTEXT1(1, DID));
	rig_command(rig, CC_DEVICE(SID), 0);
	assert_refused(user, HOLE_GPA, VIOMMU_READ, 0);
	assert_refused(user, HIGH, VIOMMU_READ, 0x04);
	/* Disabled: no fault. */
	rig_global(rig, 0, TE);
	assert_refused(user, HIGH, VIOMMU_READ, 0);
	end(&world);
}

/* The fields of a record. */
static void test_records(void **state)
{
	struct world world;
	struct record record;

	(void)state;
	begin(&world);
	for (unsigned int write = 0; write < 2; write++) {
		assert_int_equal(rig_fault(world.user.device, UINT64_C(0x1234567abc), write ? VIOMMU_WRITE : VIOMMU_READ), -EFAULT);
		assert_true(rig_record(&world.rig, &record));
		assert_true(record.info == UINT64_C(0x1234567000));
		assert_int_equal(record.source_id, SID);
		assert_int_equal(record.read, !write);
		assert_int_equal(record.reason, write ? 5 : 6);
	}
	assert_int_equal(rig_fault(world.user.device, 0x1000, VIOMMU_READ), 0);
	assert_int_equal(viommu_vtd_device_fault(world.user.device, NULL), -EINVAL);
	assert_int_equal(viommu_vtd_device_fault(world.user.device, &(struct viommu_fault){ .reason = VIOMMU_FAULT_NONE, .pasid = VIOMMU_NO_PASID }), -EINVAL);
	/* A request with PASID. */
	assert_int_equal(
		viommu_vtd_device_fault(world.user.device,
					&(struct viommu_fault){ .reason = VIOMMU_FAULT_BLOCKED, .access = VIOMMU_READ, .iova = 0xfee00000, .pasid = 0xabcde }),
		-EFAULT);
	assert_int_equal(rig_read(&world.rig, R_FRCD + 2 * 16 + 8), 0x80000000 | SID);
	assert_int_equal(rig_read(&world.rig, R_FRCD + 2 * 16 + 12), 0xc0000031 | 0xabcde << 8);
	assert_int_equal(rig_device_info(world.user.device).records, 3);
	end(&world);
}

/* The registers are used in turn; one that is in use is not overwritten. */
static void test_overflow(void **state)
{
	struct world world;
	struct rig *rig = &world.rig;
	struct record record;

	(void)state;
	begin(&world);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
	for (unsigned int i = 0; i < FRCDS; i++) {
		assert_int_equal(rig_fault(world.user.device, (i + 2) * PAGE, VIOMMU_READ), -EFAULT);
		assert_int_equal(rig_read(rig, R_FSTS), PPF);
	}
	/* One interrupt for all. */
	assert_int_equal(rig_msis(rig), 1);
	assert_true(rig->msi_address == UINT64_C(0x100fee01000));
	assert_int_equal(rig->msi_data, 0x21);
	rig_fault(world.user.device, 0x100000, VIOMMU_READ);
	assert_int_equal(rig_read(rig, R_FSTS), PPF | PFO);
	assert_int_equal(rig_info(rig).records, FRCDS);
	assert_int_equal(rig_info(rig).records_lost, 1);
	assert_int_equal(rig_msis(rig), 0);
	for (unsigned int i = 0; i < FRCDS; i++)
		assert_true(rig_read64(rig, R_FRCD + 16 * i) == (i + 2) * PAGE);
	/* With PFO, nothing is recorded even if there is room. */
	assert_true(rig_record(rig, &record));
	rig_fault(world.user.device, 0x200000, VIOMMU_READ);
	assert_int_equal(rig_read(rig, R_FRCD + 12) >> 31, 0);
	assert_int_equal(rig_info(rig).records_lost, 2);
	for (unsigned int i = 1; i < FRCDS; i++)
		assert_true(rig_record(rig, &record));
	assert_int_equal(rig_read(rig, R_FSTS), PFO);
	rig_write(rig, R_FSTS, PPF | 0xff00);
	assert_int_equal(rig_read(rig, R_FSTS), PFO);
	rig_write(rig, R_FSTS, PFO);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
	/* The next one comes after the last one. FRI says where. */
	rig_fault(world.user.device, 0x300000, VIOMMU_READ);
	assert_true(rig_record(rig, &record));
	rig_fault(world.user.device, 0x301000, VIOMMU_READ);
	assert_int_equal(rig_read(rig, R_FSTS), PPF | 1 << 8);
	assert_int_equal(rig_msis(rig), 2);
	/* The lower words of a record do not change by stores, nor does F by 0. */
	rig_write64(rig, R_FRCD + 16, UINT64_MAX);
	rig_write64(rig, R_FRCD + 24, UINT64_C(0x7fffffffffffffff));
	assert_true(rig_read64(rig, R_FRCD + 16) == 0x301000);
	assert_int_equal(rig_read(rig, R_FSTS), PPF | 1 << 8);
	rig_write64(rig, R_FRCD + 24, UINT64_C(1) << 63);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
	/* A reset clears them all. */
	rig_fault(world.user.device, 0x300000, VIOMMU_READ);
	viommu_vtd_reset(rig->vtd);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
	end(&world);
}

/* Masked, an interrupt is pending until it is unmasked, or all of its reasons are cleared. */
static void test_masking(void **state)
{
	struct world world;
	struct rig *rig = &world.rig;
	struct record record;
	uint32_t tail;

	(void)state;
	begin(&world);
	rig_write(rig, R_FECTL, 1u << 31);
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	assert_int_equal(rig_read(rig, R_FECTL), 3u << 30);
	assert_int_equal(rig_msis(rig), 0);
	rig_write(rig, R_FECTL, 0);
	assert_int_equal(rig_read(rig, R_FECTL), 0);
	assert_int_equal(rig_msis(rig), 1);
	assert_true(rig_record(rig, &record));
	rig_write(rig, R_FECTL, 1u << 31);
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	assert_true(rig_record(rig, &record));
	assert_int_equal(rig_read(rig, R_FECTL), 1u << 31);
	/* A queue that stops is a reason of its own. */
	tail = rig_read(rig, R_IQT);
	rig_queue(rig, &tail, 0, 0);
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_FSTS) & 0xff, PPF | IQE);
	assert_true(rig_record(rig, &record));
	assert_int_equal(rig_read(rig, R_FECTL), 3u << 30);
	rig_put(rig, QUEUE + tail - 16, CC_GLOBAL);
	rig_write(rig, R_FSTS, IQE);
	assert_int_equal(rig_read(rig, R_FECTL), 1u << 31);
	rig_write(rig, R_FECTL, 0);
	assert_int_equal(rig_msis(rig), 0);
	/* Nor does it interrupt while something else is pending. */
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	assert_int_equal(rig_msis(rig), 1);
	rig_put(rig, QUEUE + tail, 0);
	rig_kick(rig, tail + 16);
	assert_int_equal(rig_read(rig, R_FSTS) & 0xff, PPF | IQE);
	assert_int_equal(rig_msis(rig), 0);
	rig_put(rig, QUEUE + tail, CC_GLOBAL);
	rig_write(rig, R_FSTS, IQE);
	assert_true(rig_record(rig, &record));
	/* Its message in memory, and one without an address, which goes nowhere. */
	rig_write(rig, R_FEADDR, STATUS + 16);
	rig_write(rig, R_FEUADDR, 0);
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	assert_int_equal(rig_get(rig, STATUS + 16), 0x21);
	assert_true(rig_record(rig, &record));
	rig_write(rig, R_FEADDR, 0);
	rig_fault(world.user.device, 0x2000, VIOMMU_READ);
	assert_int_equal(rig_msis(rig), 0);
	end(&world);
}

/* A budget that is too small: no record, and the next access tries again. */
static void test_shortage(void **state)
{
	struct rig_config config = rig_config();
	struct world world;
	const uint8_t *hva;

	(void)state;
	config.vm.pin_budget = RAM_BYTES + ROM_BYTES + 8 * PAGE;
	rig_up_as(&world.rig, &config);
	rig_enable(&world.rig);
	user_init(&world.user, &world.rig, SID);
	world.root = rig_table(&world.rig);
	for (unsigned int i = 0; i < 16; i++)
		rig_map(&world.rig, world.root, 3, i * PAGE, DATA + i * PAGE);
	viommu_vm_set_pin_budget(world.rig.vm, 4 * PAGE);
	rig_second_stage(&world.rig, SID, world.root, DID);
	assert_int_equal(user_access(&world.user, 0, VIOMMU_READ, &hva), -EFAULT);
	assert_no_fault(&world.rig);
	assert_true(rig_info(&world.rig).insufficient > 0);
	viommu_vm_set_pin_budget(world.rig.vm, 16 * PAGE);
	assert_int_equal(user_access(&world.user, 0, VIOMMU_READ, &hva), 0);
	assert_int_equal(rig_pinned(&world.rig), 16);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons), cmocka_unit_test(test_records),	 cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_masking), cmocka_unit_test(test_shortage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
