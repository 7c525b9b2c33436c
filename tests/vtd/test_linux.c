/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sequences of Linux's driver in caching mode: enabling the unit, first by registers and then
 * by the queue, attaching, mapping and unmapping strictly, detaching, the interrupt handler of
 * faults, and a kernel that takes over the tables of the one before.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define SID 0x18u /* 00:03.0 */
#define DID 5u

/* As qi_submit_sync() does: the descriptor, and a wait that the driver polls. */
static void submit(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail = rig_read(rig, R_IQT);

	rig_put(rig, STATUS, 1);
	rig_queue(rig, &tail, dw0, dw1);
	rig_queue(rig, &tail, WAIT(2), STATUS);
	rig_kick(rig, tail);
	assert_int_equal(rig_get(rig, STATUS) & 0xffffffff, 2);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
}

/* init_dmars(): clear faults, disable what a firmware enabled, the queue, the root, translation. */
static void boot(struct rig *rig)
{
	uint32_t status;
	uint64_t cap = rig_read64(rig, R_CAP);

	assert_true(cap >> 7 & 1);
	status = rig_read(rig, R_FSTS);
	rig_write(rig, R_FSTS, status);
	assert_int_equal(rig_read(rig, R_GSTS) & (QIE | TE), 0);
	/* dmar_enable_qi() */
	rig_write(rig, R_IQT, 0);
	rig_write64(rig, R_IQA, QUEUE);
	rig_write(rig, R_GCMD, QIE);
	assert_int_equal(rig_read(rig, R_GSTS), QIE);
	/* iommu_set_root_entry() */
	rig_put(rig, ROOT, CONTEXTS | 1);
	rig_write64(rig, R_RTADDR, ROOT);
	rig_write(rig, R_GCMD, QIE | SRTP);
	assert_int_equal(rig_read(rig, R_GSTS), QIE | SRTP);
	submit(rig, CC_GLOBAL, 0);
	submit(rig, IOTLB_GLOBAL, 0);
	/* dmar_set_interrupt(): the MSI, and unmasking it. */
	rig_write(rig, R_FEDATA, 0x30);
	rig_write(rig, R_FEADDR, 0xfee00000);
	rig_write(rig, R_FEUADDR, 0);
	rig_write(rig, R_FECTL, 0);
	assert_int_equal(rig_read(rig, R_FECTL), 0);
	/* iommu_enable_translation() */
	rig_write(rig, R_GCMD, QIE | TE);
	assert_int_equal(rig_read(rig, R_GSTS), QIE | SRTP | TE);
}

/* domain_context_mapping_one(), with the domain ID 0 of entries that were not present. */
static void attach(struct rig *rig, uint64_t root)
{
	rig_put_context(rig, SID, root | CONTEXT_SECOND, CONTEXT1(1, DID));
	submit(rig, CC_DEVICE(SID), 0);
	submit(rig, IOTLB_DOMAIN(DID), 0);
}

static void test_life(void **state)
{
	struct rig rig;
	struct user user;
	struct record record;
	uint64_t root;

	(void)state;
	rig_up(&rig);
	user_init(&user, &rig, SID);
	/* Before translation is enabled, addresses are physical. */
	assert_has(&user, DATA, DATA, VIOMMU_RW);
	boot(&rig);
	assert_has_not(&user, DATA);
	assert_refused(&user, DATA, VIOMMU_READ, 0x02);
	assert_int_equal(rig_msis(&rig), 1);
	rig_write(&rig, R_FSTS, PFO | PPF);
	root = rig_table(&rig);
	attach(&rig, root);
	/* Mapping: entries, then pages of the domain. No access has missed yet. */
	for (unsigned int i = 0; i < 8; i++)
		rig_map(&rig, root, 3, 0xfff00000 + i * PAGE, DATA + i * PAGE);
	submit(&rig, IOTLB_PAGES(DID), 0xfff00000 | 3);
	for (unsigned int i = 0; i < 8; i++)
		assert_has(&user, 0xfff00000 + i * PAGE, DATA + i * PAGE, VIOMMU_RW);
	assert_int_equal(rig_pinned(&rig), 8);
	/* Unmapping one, with IH as tables stay. */
	rig_put(&rig, rig_entry(&rig, root, 3, 0xfff02000, 0), 0);
	submit(&rig, IOTLB_PAGES(DID), 0xfff02000 | 1 << 6);
	assert_has_not(&user, 0xfff02000);
	assert_int_equal(rig_pinned(&rig), 7);
	assert_int_equal(rig_info(&rig).filled, 0);
	/* The handler of the interrupt. */
	assert_int_equal(user_access(&user, 0xfff02000, VIOMMU_WRITE, &(const uint8_t *){ NULL }), -EFAULT);
	assert_int_equal(rig_msis(&rig), 1);
	assert_int_equal(rig.msi_address, 0xfee00000);
	assert_int_equal(rig.msi_data, 0x30);
	assert_true(rig_record(&rig, &record));
	assert_int_equal(record.source_id, SID);
	assert_int_equal(record.reason, 5);
	assert_int_equal(record.info, 0xfff02000);
	assert_false(record.read);
	assert_false(rig_record(&rig, &record));
	rig_write(&rig, R_FSTS, PFO | PPF | 0x80);
	assert_int_equal(rig_read(&rig, R_FSTS) & (PFO | PPF), 0);
	/* domain_context_clear_one() */
	rig_put_context(&rig, SID, 0, 0);
	submit(&rig, CC_DEVICE(SID) | (uint64_t)DID << 16, 0);
	submit(&rig, IOTLB_DOMAIN(DID), 0);
	assert_has_not(&user, 0xfff00000);
	assert_int_equal(rig_pinned(&rig), 0);
	/* Shutdown: translation off, and the queue. */
	rig_write(&rig, R_GCMD, QIE);
	rig_write(&rig, R_GCMD, 0);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP);
	assert_int_equal(rig_read(&rig, R_IQH), 0);
	assert_has(&user, DATA, DATA, VIOMMU_RW);
	user_end(&user);
	rig_down(&rig);
}

/* Without the queue: CCMD and IOTLB registers. */
static void test_registers(void **state)
{
	struct rig rig;
	struct user user;
	uint64_t root;

	(void)state;
	rig_up(&rig);
	user_init(&user, &rig, SID);
	rig_put(&rig, ROOT, CONTEXTS | 1);
	rig_write64(&rig, R_RTADDR, ROOT);
	rig_write(&rig, R_GCMD, SRTP);
	rig_write64(&rig, R_CCMD, UINT64_C(1) << 63 | UINT64_C(1) << 61);
	assert_int_equal(rig_read64(&rig, R_CCMD) >> 63, 0);
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(1) << 60);
	assert_int_equal(rig_read64(&rig, R_IOTLB) >> 63, 0);
	rig_write(&rig, R_GCMD, TE);
	root = rig_table(&rig);
	rig_put_context(&rig, SID, root | CONTEXT_SECOND, CONTEXT1(1, DID));
	rig_write64(&rig, R_CCMD, UINT64_C(1) << 63 | UINT64_C(3) << 61 | SID << 16 | DID);
	assert_int_equal(rig_read64(&rig, R_CCMD) >> 59 & 3, 1);
	rig_map(&rig, root, 3, 0x7000, DATA);
	rig_map(&rig, root, 3, 0x9000, DATA + PAGE);
	rig_write64(&rig, R_IVA, 0x7000);
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(3) << 60 | (uint64_t)DID << 32);
	assert_int_equal(rig_read64(&rig, R_IOTLB) >> 57 & 3, 3);
	assert_has(&user, 0x7000, DATA, VIOMMU_RW);
	assert_has_not(&user, 0x9000);
	/* Another domain's. */
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(2) << 60 | (uint64_t)(DID + 1) << 32);
	assert_has_not(&user, 0x9000);
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(2) << 60 | (uint64_t)DID << 32);
	assert_has(&user, 0x9000, DATA + PAGE, VIOMMU_RW);
	/* By halves, as a guest of 32 bits does: the upper one has the command. */
	rig_put(&rig, rig_entry(&rig, root, 3, 0x9000, 0), 0);
	rig_write(&rig, R_IOTLB, 0);
	assert_has(&user, 0x9000, DATA + PAGE, VIOMMU_RW);
	rig_write(&rig, R_IOTLB + 4, 1u << 31 | 1u << 28);
	assert_has_not(&user, 0x9000);
	/*
	 * Granularity 0, and too many pages: nothing is done, and the actual granularity says so.
	 */
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | (uint64_t)DID << 32);
	assert_int_equal(rig_read64(&rig, R_IOTLB) >> 57 & 3, 0);
	rig_write64(&rig, R_IVA, 19);
	rig_write64(&rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(3) << 60 | (uint64_t)DID << 32);
	assert_int_equal(rig_read64(&rig, R_IOTLB) >> 57 & 3, 0);
	rig_write64(&rig, R_CCMD, UINT64_C(1) << 63);
	assert_int_equal(rig_read64(&rig, R_CCMD) >> 59, 0);
	user_end(&user);
	rig_down(&rig);
}

/* kdump: a kernel finds translation enabled, and copies the tables of the one before. */
static void test_adoption(void **state)
{
	struct rig rig;
	struct user user;
	uint64_t root, copy = 0x80000;

	(void)state;
	rig_up(&rig);
	user_init(&user, &rig, SID);
	boot(&rig);
	root = rig_table(&rig);
	attach(&rig, root);
	rig_map(&rig, root, 3, 0x7000, DATA);
	submit(&rig, IOTLB_PAGES(DID), 0x7000);
	/* dmar_disable_qi() and the queue of its own. */
	rig_write(&rig, R_GCMD, TE);
	rig_write(&rig, R_IQT, 0);
	rig_write64(&rig, R_IQA, QUEUE);
	rig_write(&rig, R_GCMD, TE | QIE);
	rig_put(&rig, copy, (copy + PAGE) | 1);
	for (unsigned int i = 0; i < 512; i++)
		rig_put(&rig, copy + PAGE + 8 * i, rig_get(&rig, CONTEXTS + 8 * i));
	rig_write64(&rig, R_RTADDR, copy);
	rig_write(&rig, R_GCMD, TE | QIE | SRTP);
	submit(&rig, CC_GLOBAL, 0);
	submit(&rig, IOTLB_GLOBAL, 0);
	assert_has(&user, 0x7000, DATA, VIOMMU_RW);
	rig_put_context(&rig, SID, 0, 0);
	submit(&rig, CC_GLOBAL, 0);
	assert_has(&user, 0x7000, DATA, VIOMMU_RW);
	rig_put(&rig, copy + PAGE + 16 * SID, 0);
	submit(&rig, CC_GLOBAL, 0);
	assert_has_not(&user, 0x7000);
	/* A reset: physical addresses again. */
	viommu_vtd_reset(rig.vtd);
	assert_has(&user, DATA, DATA, VIOMMU_RW);
	assert_int_equal(rig_read(&rig, R_GSTS), 0);
	user_end(&user);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_life), cmocka_unit_test(test_registers), cmocka_unit_test(test_adoption) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
