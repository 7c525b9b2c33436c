/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Queued invalidation: the effects of each descriptor, and the errors that stop the queue. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define DID 5u

/* Whether the queue stops at a descriptor with this error, and goes on once it was replaced. */
static void assert_stops(struct rig *rig, uint64_t dw0, uint64_t dw1, uint32_t error)
{
	uint32_t head = rig_read(rig, R_IQT), tail = head;

	rig_queue(rig, &tail, dw0, dw1);
	rig_queue(rig, &tail, WAIT(7), STATUS);
	rig_put(rig, STATUS, 0);
	rig_msis(rig);
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_IQH), head);
	assert_int_equal(rig_read(rig, R_FSTS), IQE);
	assert_int_equal(rig_read64(rig, R_IQERCD), error);
	assert_int_equal(rig_msis(rig), 1);
	/* Nothing goes on before software has cleared IQE, not even when the tail moves. */
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_IQH), head);
	assert_int_equal(rig_get(rig, STATUS), 0);
	rig_put(rig, QUEUE + head, WAIT(6));
	rig_put(rig, QUEUE + head + 8, STATUS + 8);
	if (rig->scalable) {
		rig_put(rig, QUEUE + head + 16, 0);
		rig_put(rig, QUEUE + head + 24, 0);
	}
	rig_write(rig, R_FSTS, IQE);
	assert_int_equal(rig_read(rig, R_FSTS), 0);
	assert_int_equal(rig_read64(rig, R_IQERCD), 0);
	assert_int_equal(rig_read(rig, R_IQH), tail);
	assert_int_equal(rig_get(rig, STATUS), 7);
	assert_int_equal(rig_msis(rig), 0);
}

static void test_wait(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	rig_put(&rig, STATUS, UINT64_C(0x1111111122222222));
	rig_command(&rig, WAIT(0x87654321), STATUS + 4);
	assert_true(rig_get(&rig, STATUS) == UINT64_C(0x8765432122222222));
	/* A status that no memory has, and one in memory that is read-only. */
	rig_command(&rig, WAIT(1), HOLE_GPA);
	rig_command(&rig, WAIT(1), ROM_GPA);
	/* A fence, and neither status nor interrupt. */
	rig_command(&rig, 0x45, 0);
	/* The interrupt is masked, and so pending. */
	rig_write(&rig, R_IEDATA, 0x77);
	rig_write(&rig, R_IEADDR, 0xfee0f000);
	rig_command(&rig, WAIT_INTERRUPT, 0);
	assert_int_equal(rig_read(&rig, R_ICS), 1);
	assert_int_equal(rig_read(&rig, R_IECTL), 3u << 30);
	assert_int_equal(rig_msis(&rig), 0);
	rig_write(&rig, R_IECTL, 0);
	assert_int_equal(rig_read(&rig, R_IECTL), 0);
	assert_int_equal(rig_msis(&rig), 1);
	assert_true(rig.msi_address == 0xfee0f000);
	assert_int_equal(rig.msi_data, 0x77);
	/* Not again before IWC is cleared. */
	rig_command(&rig, WAIT_INTERRUPT, 0);
	assert_int_equal(rig_msis(&rig), 0);
	rig_write(&rig, R_ICS, 1);
	assert_int_equal(rig_read(&rig, R_ICS), 0);
	rig_command(&rig, WAIT_INTERRUPT | WAIT(3), STATUS);
	assert_int_equal(rig_msis(&rig), 1);
	assert_int_equal(rig_get(&rig, STATUS) & 0xffffffff, 3);
	/* Clearing IWC while the interrupt is masked takes it back. */
	rig_write(&rig, R_ICS, 1);
	rig_write(&rig, R_IECTL, 1u << 31);
	rig_command(&rig, WAIT_INTERRUPT, 0);
	assert_int_equal(rig_read(&rig, R_IECTL), 3u << 30);
	rig_write(&rig, R_ICS, 1);
	assert_int_equal(rig_read(&rig, R_IECTL), 1u << 31);
	rig_write(&rig, R_IECTL, 0);
	assert_int_equal(rig_msis(&rig), 0);
	/* A message whose address is in guest memory is stored there. */
	rig_write(&rig, R_IEADDR, STATUS + 8);
	rig_command(&rig, WAIT_INTERRUPT, 0);
	assert_int_equal(rig_get(&rig, STATUS + 8), 0x77);
	assert_int_equal(rig_msis(&rig), 0);
	assert_int_equal(rig_info(&rig).waits, 9);
	rig_down(&rig);
}

/*
 * Descriptors before a wait are done before its status is written: here the status is an entry of
 * the tables that are invalidated.
 */
static void test_order(void **state)
{
	struct rig rig;
	struct user user;
	uint64_t root, leaf;
	uint32_t tail;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	user_init(&user, &rig, 8);
	root = rig_table(&rig);
	leaf = rig_entry(&rig, root, 3, 0x1000, 0);
	rig_second_stage(&rig, 8, root, DID);
	rig_put(&rig, leaf, DATA | E_R | E_W);
	tail = rig_read(&rig, R_IQT);
	rig_queue(&rig, &tail, IOTLB_PAGES(DID), 0x1000);
	rig_queue(&rig, &tail, WAIT((DATA + PAGE) | E_R | E_W), leaf);
	rig_kick(&rig, tail);
	assert_true(rig_get(&rig, leaf) == ((DATA + PAGE) | E_R | E_W));
	assert_has(&user, 0x1000, DATA, VIOMMU_RW);
	user_end(&user);
	rig_down(&rig);
}

/* Each illegal descriptor of 128 bits; remapping and scalable mode are not there. */
static void test_illegal(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint32_t error;
	} illegal[] = {
		{ 0x00, 0, 3 },
		{ 0x06, 0, 3 },
		{ 0x07, 0, 3 },
		{ 0x08, 0, 3 },
		{ 0x09, 0, 3 },
		{ 0x0f, 0, 3 },
		{ 0x04, 0, 3 },
		{ 0x211, 0, 3 },
		{ 0x802, 0, 3 },
		/* Granularity 0. */
		{ 0x01, 0, 4 },
		{ 0x02, 0, 4 },
		/* Reserved fields. */
		{ 0x51, 0, 4 },
		{ 0x111, 0, 4 },
		{ 0x1011, 0, 4 },
		{ UINT64_C(1) << 50 | 0x11, 0, 4 },
		{ 0x11, 1, 4 },
		{ 0x11, UINT64_C(1) << 63, 4 },
		{ 0x112, 0, 4 },
		{ 0x1012, 0, 4 },
		{ UINT64_C(1) << 32 | 0x12, 0, 4 },
		{ 0x32, 0x80, 4 },
		{ 0x32, 0x800, 4 },
		{ 0x25 | 0x80, STATUS, 4 },
		{ 0x125, STATUS, 4 },
		{ 0x1025, STATUS, 4 },
		{ 0x80000025, STATUS, 4 },
		{ 0x25, STATUS | 1, 4 },
		{ 0x25, STATUS | 2, 4 },
		/* More pages than MAMV. */
		{ 0x32, 19, 4 },
		{ 0x32, 63, 4 },
	};
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	for (unsigned int i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++)
		assert_stops(&rig, illegal[i].dw0, illegal[i].dw1, illegal[i].error);
	assert_int_equal(rig_info(&rig).errors, sizeof(illegal) / sizeof(illegal[0]));
	/*
	 * All that is legal: MAMV pages, hints, drains, device-TLBs, an interrupt's handle in SID.
	 */
	rig_command(&rig, 0x32, 18 | 1 << 6);
	rig_command(&rig, CC_DEVICE(0xffff) | FM(3) | 0xffff0000, 0);
	rig_command(&rig, 0x03 | UINT64_C(0xffff) << 32, 0);
	rig_down(&rig);
}

static void test_illegal_wide(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint32_t error;
	} illegal[] = {
		{ 0x09, 0, 3 },
		{ 0x06, 0, 4 }, /* of IOTLBs by PASID: granularities 2 and 3 alone */
		{ 0x16, 0, 4 },
		{ 0x36, 19, 4 },
		{ 0x66, 0, 4 },
		{ UINT64_C(1) << 52 | 0x26, 0, 4 },
		{ 0x36, 0x80, 4 },
		{ 0x27, 0, 4 }, /* of PASID caches: not 2 */
		{ 0x47, 0, 4 },
		{ 0x37, 1, 4 },
		/* Of interrupt entries. */
		{ 0x24, 0, 4 },
		{ 0x1004, 0, 4 },
		{ UINT64_C(1) << 48 | 0x14, 0, 4 },
		{ 0x04, 1, 4 },
	};
	struct rig_config config = rig_config();
	struct rig rig;
	uint32_t tail;

	(void)state;
	config.vtd.flags = VIOMMU_VTD_SCALABLE | VIOMMU_VTD_INTERRUPT_REMAPPING;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	for (unsigned int i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++)
		assert_stops(&rig, illegal[i].dw0, illegal[i].dw1, illegal[i].error);
	/* The upper half has to be 0. */
	for (unsigned int i = 16; i <= 24; i += 8) {
		tail = rig_read(&rig, R_IQT);
		rig_queue(&rig, &tail, WAIT(1), STATUS);
		rig_put(&rig, QUEUE + rig_read(&rig, R_IQT) + i, UINT64_C(1) << 63);
		rig_kick(&rig, tail);
		assert_int_equal(rig_read64(&rig, R_IQERCD), 4);
		rig_put(&rig, QUEUE + rig_read(&rig, R_IQH) + i, 0);
		rig_write(&rig, R_FSTS, IQE);
		assert_int_equal(rig_read(&rig, R_IQH), tail);
	}
	rig_command(&rig, IEC_GLOBAL, 0);
	rig_command(&rig, UINT64_C(0xfffff8000014), 0);
	rig_command(&rig, PASID_GLOBAL, 0);
	rig_command(&rig, 0x07, 0);
	rig_command(&rig, 0x17 | UINT64_C(0xfffff) << 32, 0);
	rig_command(&rig, 0x08, 0);
	/* A tail that is not at a descriptor. */
	tail = rig_read(&rig, R_IQT);
	rig_kick(&rig, tail + 16);
	assert_int_equal(rig_read64(&rig, R_IQERCD), 6);
	rig_write(&rig, R_IQT, tail);
	rig_write(&rig, R_FSTS, IQE);
	assert_int_equal(rig_read(&rig, R_FSTS), 0);
	rig_down(&rig);
}

/* Every size of the queue, a tail beyond it, and one that no memory has. */
static void test_queue(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_set_up(&rig);
	for (unsigned int bits = 0; bits < 8; bits++) {
		uint32_t bytes = 4096u << bits;

		rig_global(&rig, 0, QIE);
		rig_write(&rig, R_IQT, 0);
		rig_write64(&rig, R_IQA, TABLES | bits);
		rig_global(&rig, QIE, 0);
		for (uint32_t at = 0; at < bytes; at += 16) {
			rig_put(&rig, TABLES + at, WAIT(at));
			rig_put(&rig, TABLES + at + 8, STATUS);
		}
		rig_kick(&rig, bytes - 16);
		assert_int_equal(rig_read(&rig, R_IQH), bytes - 16);
		assert_int_equal(rig_get(&rig, STATUS), bytes - 32);
		/* It wraps. */
		rig_kick(&rig, 16);
		assert_int_equal(rig_read(&rig, R_IQH), 16);
		assert_int_equal(rig_get(&rig, STATUS), 0);
		if (bits == 7)
			break;
		rig_kick(&rig, bytes);
		assert_int_equal(rig_read(&rig, R_FSTS), IQE);
		assert_int_equal(rig_read64(&rig, R_IQERCD), 1);
		assert_int_equal(rig_read(&rig, R_IQH), 16);
		/* Clearing it finds the same tail. */
		rig_write(&rig, R_FSTS, IQE);
		assert_int_equal(rig_read(&rig, R_FSTS), IQE);
		rig_kick(&rig, 32);
		rig_write(&rig, R_FSTS, IQE);
		assert_int_equal(rig_read(&rig, R_FSTS), 0);
		assert_int_equal(rig_read(&rig, R_IQH), 32);
	}
	rig_global(&rig, 0, QIE);
	rig_write(&rig, R_IQT, 16);
	rig_write64(&rig, R_IQA, HOLE_GPA);
	/* Descriptors that are there when the queue is enabled are consumed. */
	rig_write(&rig, R_GCMD, QIE);
	assert_int_equal(rig_read(&rig, R_FSTS), IQE);
	assert_int_equal(rig_read64(&rig, R_IQERCD), 2);
	rig_down(&rig);
}

/* Domains, pages, and entries that covered more than the page that is invalidated. */
static void test_iotlb(void **state)
{
	struct rig rig;
	struct user a, b;
	uint64_t root[2];

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	for (unsigned int i = 0; i < 2; i++)
		root[i] = rig_table(&rig);
	user_init(&a, &rig, 8);
	user_init(&b, &rig, 16);
	rig_second_stage(&rig, 8, root[0], DID);
	rig_second_stage(&rig, 16, root[1], DID + 1);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int page = 0; page < 16; page++)
			rig_map(&rig, root[i], 3, 0x100000 + page * PAGE, DATA + page * PAGE);
	assert_has_not(&a, 0x100000);
	/* Four pages; the address is rounded down to them. */
	rig_command(&rig, IOTLB_PAGES(DID), 0x106000 | 2);
	rig_command(&rig, WAIT(1), STATUS);
	for (unsigned int page = 0; page < 16; page++)
		if (page / 4 == 1)
			assert_has(&a, 0x100000 + page * PAGE, DATA + page * PAGE, VIOMMU_RW);
		else
			assert_has_not(&a, 0x100000 + page * PAGE);
	assert_has_not(&b, 0x104000);
	rig_command(&rig, IOTLB_DOMAIN(DID + 1), 0);
	assert_has(&b, 0x104000, DATA + 4 * PAGE, VIOMMU_RW);
	assert_has_not(&a, 0x100000);
	rig_command(&rig, IOTLB_GLOBAL, 0);
	assert_has(&a, 0x100000, DATA, VIOMMU_RW);
	/* 2 MiB, of which one page is invalidated after they were replaced. */
	rig_put(&rig, rig_entry(&rig, root[0], 3, 0x40000000, 1), DATA | E_R | E_W | E_PS);
	rig_command(&rig, IOTLB_PAGES(DID), 0x40000000 | 9);
	assert_has(&a, 0x401ff000, DATA + 0x1ff000, VIOMMU_RW);
	rig_map(&rig, root[0], 3, 0x40000000, DATA + 7 * PAGE);
	rig_command(&rig, IOTLB_PAGES(DID), 0x40000000);
	assert_has(&a, 0x40000000, DATA + 7 * PAGE, VIOMMU_RW);
	assert_has_not(&a, 0x401ff000);
	assert_has_not(&a, 0x40001000);
	/* Without a write permission, and write-only. */
	rig_put(&rig, rig_entry(&rig, root[0], 3, 0x100000, 0), DATA | E_R);
	rig_put(&rig, rig_entry(&rig, root[0], 3, 0x101000, 0), DATA | E_W);
	rig_command(&rig, IOTLB_PAGES(DID), 0x100000 | 1);
	assert_has(&a, 0x100000, DATA, VIOMMU_READ);
	assert_has(&a, 0x101000, DATA, VIOMMU_WRITE);
	assert_false(user_has(&a, 0x100000, VIOMMU_WRITE, &(const uint8_t *){ NULL }));
	assert_false(user_has(&a, 0x101000, VIOMMU_READ, &(const uint8_t *){ NULL }));
	user_end(&a);
	user_end(&b);
	rig_down(&rig);
}

/* Devices that share a domain; context caches by device and function mask. */
static void test_contexts(void **state)
{
	struct rig rig;
	struct user user[3];
	uint64_t root;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, 0x1000, DATA);
	/* Functions 0 and 7 of a device, and another device. */
	for (unsigned int i = 0; i < 3; i++) {
		user_init(&user[i], &rig, i == 1 ? 15 : 8 + 8 * i / 2);
		rig_put_context(&rig, rig_device_info(user[i].device).source_id, root | CONTEXT_SECOND, CONTEXT1(1, DID));
	}
	rig_command(&rig, CC_DEVICE(8), 0);
	assert_has(&user[0], 0x1000, DATA, VIOMMU_RW);
	assert_has_not(&user[1], 0x1000);
	rig_command(&rig, CC_DEVICE(8) | FM(3), 0);
	assert_has(&user[1], 0x1000, DATA, VIOMMU_RW);
	assert_has_not(&user[2], 0x1000);
	rig_command(&rig, CC_DOMAIN(0), 0);
	assert_has(&user[2], 0x1000, DATA, VIOMMU_RW);
	assert_int_equal(rig_info(&rig).domains, 1);
	assert_int_equal(rig_device_info(user[0].device).sharing, 3);
	assert_int_equal(rig_device_info(user[0].device).levels, 3);
	assert_int_equal(rig_device_info(user[0].device).domain_id, DID);
	assert_true(rig_device_info(user[0].device).root == root);
	assert_int_equal(rig_pinned(&rig), 1);
	for (unsigned int i = 0; i < 3; i++)
		user_end(&user[i]);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),  cmocka_unit_test(test_order), cmocka_unit_test(test_illegal),  cmocka_unit_test(test_illegal_wide),
		cmocka_unit_test(test_queue), cmocka_unit_test(test_iotlb), cmocka_unit_test(test_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
