/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Faults of devices: the event records, their queue, and the answers to the device model. IHI 0070,
 * chapter 7.
 */
#include "double.h"
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/vm.h"

#define RAZ_WI VIOMMU_SMMUV3_RAZ_WI

static struct viommu_smmuv3_device *stage1(struct rig *rig, uint64_t cd0, uint64_t dw1)
{
	struct viommu_smmuv3_device *device = rig_device(rig, 0x12);

	rig_put_cd(rig, 0, cd0, TABLES);
	rig_put_ste(rig, 0x12, STE_S1(cd_gpa(0)), dw1);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	return device;
}

/* The guest's tables from now on. */
static void tables_say(uint32_t reason)
{
	doubles.walk = -EFAULT;
	doubles.fault = (struct viommu_fault){ .reason = reason, .entry_gpa = 0x123456789a8, .level = 1 };
}

static void expect_record(struct rig *rig, uint64_t dw0, uint64_t dw1, uint64_t dw2, uint64_t dw3)
{
	uint64_t record[4];

	assert_true(rig_event(rig, record));
	assert_int_equal(record[0], dw0);
	assert_int_equal(record[1], dw1);
	assert_int_equal(record[2], dw2);
	assert_int_equal(record[3], dw3);
}

#define SID   (UINT64_C(0x12) << 32)
#define READ  (UINT64_C(1) << 35)
#define INPUT (UINT64_C(2) << 40)
#define TABLE (UINT64_C(1) << 40)

static void test_records(void **state)
{
	static const struct {
		uint32_t reason;
		uint32_t type;
	} cases[] = {
		{ VIOMMU_FAULT_APERTURE, 0x10 },     { VIOMMU_FAULT_NOT_PRESENT, 0x10 }, { VIOMMU_FAULT_ENTRY_FORMAT, 0x10 }, { VIOMMU_FAULT_ENTRY_TYPE, 0x10 },
		{ VIOMMU_FAULT_ADDRESS_SIZE, 0x11 }, { VIOMMU_FAULT_ACCESS_FLAG, 0x12 }, { VIOMMU_FAULT_PROTECTION, 0x13 },
	};
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tables_say(cases[i].reason);
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x12345678, VIOMMU_READ), -EFAULT);
		expect_record(rig, cases[i].type | SID, READ | INPUT, 0x12345678, 0);
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, UINT64_C(0xffffffff12345678), VIOMMU_RW), -EFAULT);
		expect_record(rig, cases[i].type | SID, INPUT, UINT64_C(0xffffffff12345678), 0);
	}
	tables_say(VIOMMU_FAULT_TABLE_UNBACKED);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x0b | SID, TABLE, 0x1000, 0x123456789a8);
	/* Not the SMMU's event: a leaf points to no memory. */
	tables_say(VIOMMU_FAULT_LEAF_UNBACKED);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
	/* A store to a read-only page. */
	doubles.walk = 0;
	doubles.run = (struct viommu_run){ .first = 0x1000, .last = 0x1fff, .prot = VIOMMU_READ };
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_PROTECTION, 0x1234, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x13 | SID, INPUT, 0x1234, 0);
	/*
	 * A store that the tables allow, and the memory does not; and one that the tables forbid,
	 * where there is no memory.
	 */
	doubles.run.tables = VIOMMU_RW;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_PROTECTION, 0x1234, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
	doubles.run.tables = VIOMMU_READ;
	tables_say(VIOMMU_FAULT_LEAF_UNBACKED);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1234, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x13 | SID, INPUT, 0x1234, 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1234, VIOMMU_READ), -EFAULT);
	assert_no_event(rig);
	assert_int_equal(rig_info(rig).events, 17);
	assert_int_equal(rig_device_info(device).events, 17);
	assert_int_equal(rig_device_info(device).faults, 20);
	assert_int_equal(rig_info(rig).faults, 20);
}

/* IDR1.ATTR_PERMS_OVR is 0: PRIVCFG and INSTCFG are ignored, in bypass, too. */
static void test_unprivileged(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), UINT64_C(0xf) << 48);

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_READ), -EFAULT);
	expect_record(rig, 0x10 | SID, READ | INPUT, 0x1000, 0);
	rig_put_ste(rig, 0x12, STE_BYPASS, UINT64_C(0xf) << 48);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_APERTURE, UINT64_C(1) << 44, VIOMMU_READ), -EFAULT);
	expect_record(rig, 0x11 | SID, READ | INPUT, UINT64_C(1) << 44, 0);
}

/* CD.R and CD.A: whether a fault of stage 1 is recorded, and how it ends. */
static void test_flags(void **state)
{
	static const uint32_t reasons[] = { VIOMMU_FAULT_NOT_PRESENT, VIOMMU_FAULT_ADDRESS_SIZE, VIOMMU_FAULT_ACCESS_FLAG, VIOMMU_FAULT_PROTECTION };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	for (unsigned int flags = 0; flags < 4; flags++) {
		rig_put_cd(rig, 0, (CD0(7) & ~(CD_R | CD_A)) | (flags & 1 ? CD_R : 0) | (flags & 2 ? CD_A : 0), TABLES);
		rig_command(rig, CFGI_CD(0x12), LEAF);
		for (unsigned int i = 0; i < 4; i++) {
			tables_say(reasons[i]);
			assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_READ), flags & 2 ? -EFAULT : RAZ_WI);
			if (flags & 1)
				assert_event(rig, 0x10 + i, 0x12);
			else
				assert_no_event(rig);
		}
		/* They apply to stage 1's own faults only. */
		tables_say(VIOMMU_FAULT_TABLE_UNBACKED);
		assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_READ), -EFAULT);
		assert_event(rig, 0x0b, 0x12);
	}
}

/* An illegal configuration is reported at an access, not when it is read. */
static void test_configurations(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 0x12), *far = rig_device(rig, 0x1234);

	assert_no_event(rig);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
	expect_record(rig, 0x04 | SID, 0, 0, 0);
	rig_put_ste(rig, 0x12, STE_S1(HOLE_GPA + 0x40), 0);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	assert_no_event(rig);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x09 | SID, 0, 0, HOLE_GPA + 0x40);
	rig_put_ste(rig, 0x12, STE_S1(cd_gpa(0)), 0);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x0a | SID, 0, 0, 0);
	/* The guest asked for an abort. */
	rig_put_ste(rig, 0x12, STE_ABORT, 0);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
	/* StreamIDs beyond the table are reported if the guest enabled that. */
	assert_int_equal(rig_fault(far, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
	rig_write(rig, R_CR0, EVENTQEN);
	rig_write(rig, R_CR2, 2);
	rig_write64(rig, R_STRTAB_BASE, HOLE_GPA);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN);
	assert_int_equal(rig_fault(far, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x02 | UINT64_C(0x1234) << 32, 0, 0, 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	expect_record(rig, 0x03 | SID, 0, 0, HOLE_GPA + 0x12 * 64);
	/* A disabled SMMU records nothing. */
	rig_write(rig, R_GBPA, 1u << 31 | 1u << 20);
	rig_write(rig, R_CR0, EVENTQEN);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
}

static void test_bypass(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 0x12);

	rig_put_ste(rig, 0x12, STE_BYPASS, 0);
	rig_command(rig, CFGI_STE(0x12), LEAF);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, HOLE_GPA, VIOMMU_READ), -EFAULT);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_PROTECTION, ROM_GPA, VIOMMU_WRITE), -EFAULT);
	assert_no_event(rig);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_APERTURE, UINT64_C(1) << 44, VIOMMU_READ), -EFAULT);
	expect_record(rig, 0x11 | SID, READ | INPUT, UINT64_C(1) << 44, 0);
	/* They arrived while the device was being attached, or before it was detached. */
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x1000, VIOMMU_RW), 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_PROTECTION, ROM_GPA, VIOMMU_READ), 0);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, HOLE_GPA, VIOMMU_READ), -EFAULT);
	assert_no_event(rig);
	rig_write(rig, R_CR0, EVENTQEN);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_APERTURE, UINT64_C(1) << 44, VIOMMU_READ), -EFAULT);
	assert_no_event(rig);
}

/* The miss refreshes the leaf that translates the IOVA, and its surroundings at most. */
static void test_filling(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	doubles.run = (struct viommu_run){ .first = 0x5000, .last = 0x5fff, .prot = VIOMMU_RW };
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x5678, VIOMMU_RW), 0);
	doubles.run = (struct viommu_run){ .first = 0x40000000, .last = 0x7fffffff, .prot = VIOMMU_RW };
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x55555555, VIOMMU_RW), 0);
	assert_int_equal(doubles.refreshes, 2);
	assert_int_equal(doubles.refreshed[0].first, 0x5000);
	assert_int_equal(doubles.refreshed[0].last, 0x5fff);
	assert_int_equal(doubles.refreshed[1].first, 0x55400000);
	assert_int_equal(doubles.refreshed[1].last, 0x555fffff);
	assert_int_equal(rig_info(rig).filled, 2);
	assert_no_event(rig);
	/* There is room for the page only. */
	double_forget();
	doubles.refresh = -ENOSPC;
	doubles.refresh_count = 1;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x55555555, VIOMMU_RW), 0);
	assert_int_equal(doubles.refreshed[1].first & ~UINT64_C(0xfff), 0x55555000);
	assert_int_equal(doubles.refreshed[1].last & ~UINT64_C(0xfff), 0x55555000);
	/* No room at all: the access ends, without an event. */
	doubles.refresh = -ENOSPC;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x55555555, VIOMMU_RW), -EFAULT);
	assert_no_event(rig);
	assert_int_equal(rig_info(rig).insufficient, 2);
	doubles.refresh = -EFAULT;
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, 0x55555555, VIOMMU_RW), 0);
	doubles.refresh = 0;
}

static void test_arguments(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	assert_int_equal(viommu_smmuv3_device_fault(device, NULL), -EINVAL);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NONE, 0, 0), -EINVAL);
	assert_int_equal(rig_info(rig).faults, 0);
}

static void fault(struct viommu_smmuv3_device *device, uint64_t iova)
{
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_NOT_PRESENT, iova, VIOMMU_READ), -EFAULT);
}

/* Full, overflow, acknowledged; indexes and wrap bits. */
static void test_queue(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);
	uint64_t record[4];

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	for (uint64_t round = 0; round < 20; round++) {
		fault(device, round);
		assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 1);
		/* An edge for each record: a handler that loads PROD once would miss later ones. */
		fault(device, round + 100);
		assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 1);
		assert_true(rig_event(rig, record));
		assert_int_equal(record[2], round);
		assert_true(rig_event(rig, record));
		assert_int_equal(record[2], round + 100);
		assert_false(rig_event(rig, record));
		assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 2 * (round + 1) & 7);
	}
	for (uint64_t i = 0; i < 4; i++)
		fault(device, i);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 4);
	/* Two are lost, which is reported once. */
	fault(device, 4);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0x80000004);
	fault(device, 5);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0x80000004);
	assert_int_equal(rig_info(rig).events_lost, 2);
	for (uint64_t i = 0; i < 4; i++) {
		assert_true(rig_event(rig, record));
		assert_int_equal(record[2], i);
	}
	/* There is room again, and the overflow stays until it is acknowledged. */
	fault(device, 6);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0x80000005);
	rig_write(rig, R_EVENTQ_CONS, 0x80000004);
	for (uint64_t i = 0; i < 4; i++)
		fault(device, i);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0);
	assert_int_equal(rig_info(rig).gerror, 0);
}

static void test_disabled(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	rig_write(rig, R_CR0, SMMUEN | CMDQEN);
	fault(device, 1);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0);
	assert_int_equal(rig_info(rig).events_lost, 1);
	rig_write(rig, R_CR0, SMMUEN | CMDQEN | EVENTQEN);
	rig_write(rig, R_IRQ_CTRL, 1);
	fault(device, 2);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 0);
	assert_event(rig, 0x10, 0x12);
}

/*
 * A queue without memory, or in read-only memory; one larger than the limit; one that is not
 * aligned.
 */
static void test_places(void **state)
{
	static const uint64_t places[] = { HOLE_GPA, ROM_GPA };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	for (unsigned int i = 0; i < 2; i++) {
		rig_write(rig, R_CR0, SMMUEN);
		rig_write64(rig, R_EVENTQ_BASE, places[i] | EVENTQ_BITS);
		rig_write(rig, R_CR0, SMMUEN | EVENTQEN);
		fault(device, 1);
		fault(device, 2);
		assert_int_equal(rig_info(rig).gerror, 4);
		assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 1);
		assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 0);
		assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0);
		rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
		assert_int_equal(rig_info(rig).gerror, 0);
	}
	assert_int_equal(rig_info(rig).events_lost, 4);
	rig_write(rig, R_CR0, SMMUEN);
	/* 2^11 records of 32 bytes: aligned to 64 KiB. */
	rig_write64(rig, R_EVENTQ_BASE, 0x40ffe0 | 31);
	rig_write(rig, R_EVENTQ_PROD, 0x7ff);
	rig_write(rig, R_EVENTQ_CONS, 0x7ff);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN);
	fault(device, 0x77);
	fault(device, 0x78);
	assert_int_equal(rig_get(rig, 0x400000 + 32 * 0x7ff + 16), 0x77);
	assert_int_equal(rig_get(rig, 0x400000 + 16), 0x78);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0x801);
}

/* While EVENTQ_ABT_ERR is active, records are discarded, even if the queue was moved. */
static void test_abort_error(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	rig_write(rig, R_CR0, SMMUEN);
	rig_write64(rig, R_EVENTQ_BASE, HOLE_GPA | EVENTQ_BITS);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN);
	fault(device, 1);
	assert_int_equal(rig_info(rig).gerror, 4);
	rig_write(rig, R_CR0, SMMUEN);
	rig_write64(rig, R_EVENTQ_BASE, EVENTQ | EVENTQ_BITS);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN);
	for (unsigned int i = 0; i < 9; i++)
		fault(device, 2);
	/* Nor is there an overflow. */
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 0);
	assert_int_equal(rig_info(rig).events_lost, 10);
	rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
	fault(device, 3);
	assert_int_equal(rig_read(rig, R_EVENTQ_PROD), 1);
	assert_int_equal(rig_get(rig, EVENTQ + 16), 3);
}

/* Addresses of queues have as many bits as the guest's addresses. */
static void test_truncated(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = stage1(rig, CD0(7), 0);

	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	rig_write(rig, R_CR0, SMMUEN);
	rig_write64(rig, R_EVENTQ_BASE, UINT64_C(1) << 45 | EVENTQ | EVENTQ_BITS);
	assert_int_equal(rig_read64(rig, R_EVENTQ_BASE), UINT64_C(1) << 45 | EVENTQ | EVENTQ_BITS);
	rig_write64(rig, R_CMDQ_BASE, UINT64_C(0xff) << 44 | CMDQ | CMDQ_BITS);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN | CMDQEN);
	fault(device, 0x77);
	assert_event(rig, 0x10, 0x12);
	rig_command(rig, SYNC, 0);
	assert_int_equal(rig_info(rig).gerror, 0);
}

/*
 * The VM's lock is held while domains are made and destroyed: register loads and events do not wait
 * for it.
 */
static void test_no_vm_lock(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 0x12);
	uint64_t value;

	port_lock(&rig->vm->lock);
	alarm(10);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
	assert_int_equal(viommu_smmuv3_read(rig->smmu, R_GERROR, 4, &value), 0);
	assert_int_equal(viommu_smmuv3_read(rig->smmu, R_EVENTQ_PROD, 4, &value), 0);
	assert_int_equal(value, 1);
	alarm(0);
	port_unlock(&rig->vm->lock);
	assert_event(rig, 0x04, 0x12);
}

static struct msi {
	unsigned int number;
	bool disorder; /* data is not one more than that of the one before */
	uint64_t address;
	uint32_t data;
} msis;

static void take_msi(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	msis.disorder |= msis.number && data != msis.data + 1;
	msis.number++;
	msis.address = address;
	msis.data = data;
}

static void expect_msi(uint64_t address, uint32_t data)
{
	assert_int_equal(msis.number, address ? 1 : 0);
	assert_int_equal(msis.address, address);
	assert_int_equal(msis.data, data);
	msis = (struct msi){ .number = 0 };
}

/*
 * MSIs of the three sources: to an address without memory, into memory, and wired if there is no
 * address. IHI 0070, sections 3.18 and 4.7.3.
 */
static void test_msi(void **state)
{
	const uint64_t doorbell = UINT64_C(0x8090040);
	struct rig_config config = rig_config();
	struct viommu_smmuv3_device *device;
	struct rig rig;
	uint32_t prod;

	(void)state;
	double_reset();
	config.smmu.msi = take_msi;
	rig_up_as(&rig, &config);
	assert_int_equal(rig_read(&rig, R_IDR0) >> 13 & 1, 1);
	rig_enable(&rig);
	device = stage1(&rig, CD0(7), 0);
	tables_say(VIOMMU_FAULT_NOT_PRESENT);
	/* The configuration of an interrupt does not change while it is enabled. */
	rig_write64(&rig, 0x68, doorbell);
	rig_write64(&rig, 0xb0, doorbell);
	assert_int_equal(rig_read64(&rig, 0x68) | rig_read64(&rig, 0xb0), 0);
	fault(device, 1);
	assert_int_equal(rig_irqs(&rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 1);
	expect_msi(0, 0);
	rig_write(&rig, R_IRQ_CTRL, 0);
	rig_write64(&rig, 0x68, UINT64_C(1) << 63 | (doorbell + 4) | 3);
	rig_write64(&rig, 0x70, UINT64_C(0xffffffff00000022));
	rig_write64(&rig, 0xb0, doorbell);
	rig_write64(&rig, 0xb8, 0x11);
	assert_int_equal(rig_read64(&rig, 0x68), doorbell + 4);
	assert_int_equal(rig_read64(&rig, 0x70), UINT64_C(0x3f00000022));
	rig_write(&rig, R_IRQ_CTRL, 5);
	fault(device, 2);
	expect_msi(doorbell, 0x11);
	rig_put(&rig, CMDQ + 16 * rig_read(&rig, R_CMDQ_PROD), 0xff);
	rig_write(&rig, R_CMDQ_PROD, rig_read(&rig, R_CMDQ_PROD) + 1);
	expect_msi(doorbell + 4, 0x22);
	rig_put(&rig, CMDQ + 16 * (rig_read(&rig, R_CMDQ_PROD) - 1), SYNC);
	rig_write(&rig, R_GERRORN, rig_read(&rig, R_GERROR));
	/* CMD_SYNC: into memory, as Linux and FreeBSD use it; to a doorbell; wired. */
	rig_put(&rig, DATA, UINT64_MAX);
	rig_command(&rig, SYNC | UINT64_C(1) << 12 | UINT64_C(0x12345678) << 32, DATA + 4);
	assert_int_equal(rig_get(&rig, DATA), UINT64_C(0x12345678ffffffff));
	expect_msi(0, 0);
	rig_command(&rig, SYNC | UINT64_C(1) << 12 | UINT64_C(0x33) << 32, doorbell + 8);
	expect_msi(doorbell + 8, 0x33);
	assert_int_equal(rig_irqs(&rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 0);
	rig_command(&rig, SYNC | UINT64_C(1) << 12 | UINT64_C(0x33) << 32, 0);
	assert_int_equal(rig_irqs(&rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	/*
	 * Each of many records that one store completes causes an interrupt, in order, and so does
	 * the wired one among them.
	 */
	prod = rig_read(&rig, R_CMDQ_PROD);
	for (uint32_t i = 0; i < 50; i++)
		rig_queue(&rig, &prod, SYNC | UINT64_C(1) << 12 | (uint64_t)i << 32, doorbell);
	rig_queue(&rig, &prod, SYNC | UINT64_C(1) << 12, 0);
	msis = (struct msi){ .number = 0 };
	rig_kick(&rig, prod);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), prod);
	assert_int_equal(msis.number, 50);
	assert_false(msis.disorder);
	assert_int_equal(msis.data, 49);
	assert_int_equal(rig_irqs(&rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	msis = (struct msi){ .number = 0 };
	/* Without SIG_IRQ there is none. */
	rig_command(&rig, SYNC | UINT64_C(2) << 12 | UINT64_C(0x33) << 32, doorbell);
	expect_msi(0, 0);
	rig_down(&rig);
	double_reset();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, double_setup_enabled, double_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records),    TEST(test_unprivileged), TEST(test_flags),     TEST(test_configurations),  TEST(test_bypass),
		TEST(test_filling),    TEST(test_arguments),	TEST(test_queue),     TEST(test_disabled),	  TEST(test_places),
		TEST(test_no_vm_lock), TEST(test_abort_error),	TEST(test_truncated), cmocka_unit_test(test_msi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
