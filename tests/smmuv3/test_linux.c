/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The operations of Linux's driver on the library itself, with the soft host: which pages are
 * reached, and from when to when. Linux sends nothing when it maps. When it unmaps, it sends a
 * range and a CMD_SYNC at once (strict), or later everything of the ASID (lazy).
 */
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define SID  0x8u
#define RW   VIOMMU_RW
#define IOVA UINT64_C(0x7ffff000)

struct guest {
	struct rig rig;
	struct tables tables;
	struct user user;
};

/* Like arm_smmu_device_reset(), and then a domain for one device. */
static void start(struct guest *guest, const struct rig_config *config)
{
	struct rig *rig = &guest->rig;

	rig_up_as(rig, config);
	user_init(&guest->user, rig, SID);
	assert_int_equal(rig_read(rig, R_GBPA) >> 31, 0);
	rig_write(rig, R_CR0, 0);
	rig_write(rig, R_CR1, 0xd75);
	rig_write(rig, R_CR2, 7);
	rig_set_up(rig);
	rig_write(rig, R_CR0, CMDQEN);
	rig_command(rig, CFGI_ALL, 31);
	rig_command(rig, SYNC, 0);
	rig_command(rig, TLBI_ALL, 0);
	rig_command(rig, SYNC, 0);
	rig_write(rig, R_CR0, CMDQEN | EVENTQEN);
	rig_put_ste(rig, SID, STE_ABORT, 0);
	rig_write(rig, R_CR0, CMDQEN | EVENTQEN | SMMUEN);
	assert_refused(&guest->user, IOVA, RW, 0);
	tables_init(&guest->tables, rig, TABLES);
	rig_stage1(rig, SID, 0, CD0(1), TABLES);
}

static int setup(void **state)
{
	static struct guest guest;
	struct rig_config config = rig_config();

	start(&guest, &config);
	*state = &guest;
	return 0;
}

static int teardown(void **state)
{
	struct guest *guest = *state;

	user_end(&guest->user);
	rig_down(&guest->rig);
	return 0;
}

/* The commands of Linux for a range of pages of the leaf's level. */
static void invalidate(struct guest *guest, uint64_t iova, unsigned int pages)
{
	uint32_t prod = rig_read(&guest->rig, R_CMDQ_PROD);

	rig_queue(&guest->rig, &prod, TLBI_VA(1) | RANGE(pages - 1, 0), iova | TG(1) | TTL(3) | LEAF);
	rig_queue(&guest->rig, &prod, SYNC, 0);
	rig_kick(&guest->rig, prod);
	assert_int_equal(rig_read(&guest->rig, R_CMDQ_CONS), prod);
}

/* Linux sends nothing for what becomes valid: an access finds it. */
static void test_mapping(void **state)
{
	struct guest *guest = *state;
	const uint8_t *hva;

	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0x10);
	tables_map(&guest->tables, IOVA, DATA, 0);
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
	assert_reaches(&guest->user, IOVA + 8, DATA + 8, RW);
	assert_true(user_has(&guest->user, IOVA, RW, &hva));
	assert_refused(&guest->user, IOVA + PAGE, VIOMMU_READ, 0x10);
	assert_refused(&guest->user, IOVA - PAGE, VIOMMU_READ, 0x10);
	tables_map(&guest->tables, IOVA + PAGE, DATA + 5 * PAGE, E_RO);
	assert_reaches(&guest->user, IOVA + PAGE, DATA + 5 * PAGE, VIOMMU_READ);
	assert_refused(&guest->user, IOVA + PAGE, VIOMMU_WRITE, 0x13);
	assert_int_equal(rig_pinned(&guest->rig), 2);
	assert_int_equal(rig_info(&guest->rig).filled, 2);
	/* Outside of 39 bits. */
	assert_refused(&guest->user, UINT64_C(1) << 39, VIOMMU_READ, 0x10);
	assert_refused(&guest->user, UINT64_MAX & ~UINT64_C(0xfff), VIOMMU_READ, 0x10);
}

static void test_strict(void **state)
{
	struct guest *guest = *state;
	const uint8_t *hva;

	for (unsigned int i = 0; i < 8; i++) {
		tables_map(&guest->tables, IOVA + i * PAGE, DATA + i * PAGE, 0);
		assert_reaches(&guest->user, IOVA + i * PAGE, DATA + i * PAGE, RW);
	}
	assert_int_equal(rig_pinned(&guest->rig), 8);
	for (unsigned int i = 0; i < 4; i++)
		tables_unmap(&guest->tables, IOVA + i * PAGE);
	/* The page is reached until the command, and not after it. */
	assert_true(user_has(&guest->user, IOVA, RW, &hva));
	invalidate(guest, IOVA, 4);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(user_has(&guest->user, IOVA + i * PAGE, RW, &hva), i >= 4);
	assert_int_equal(rig_pinned(&guest->rig), 4);
	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0x10);
	/* The same IOVA for other memory. */
	tables_map(&guest->tables, IOVA, DATA + 64 * PAGE, 0);
	assert_reaches(&guest->user, IOVA, DATA + 64 * PAGE, RW);
	tables_unmap(&guest->tables, IOVA);
	rig_command(&guest->rig, TLBI_ASID(2), 0);
	assert_true(user_has(&guest->user, IOVA, RW, &hva));
	rig_command(&guest->rig, TLBI_VAA, IOVA | TG(1) | TTL(3));
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
	/* A global entry (nG = 0), reached with another ASID. */
	rig_put(&guest->rig, tables_entry(&guest->tables, IOVA, 0), (DATA + 64 * PAGE) | (E_PAGE & ~(UINT64_C(1) << 11)));
	assert_reaches(&guest->user, IOVA, DATA + 64 * PAGE, RW);
	tables_unmap(&guest->tables, IOVA);
	rig_command(&guest->rig, TLBI_VA(2), IOVA | TG(1) | TTL(3));
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
}

/*
 * CD.TBI0 and TBI1: bits 63:56 of an address are ignored, and recorded as they came (IHI 0070,
 * section 5.4).
 */
static void test_top_byte(void **state)
{
	const uint64_t tagged = UINT64_C(0xab) << 56, upper = UINT64_C(0xffffff8000000000);
	struct guest *guest = *state;
	const uint8_t *hva, *last;
	uint64_t record[4];

	for (unsigned int halves = 0; halves < 4; halves++) {
		rig_put_cd(&guest->rig, 0, (CD0(1) & ~(UINT64_C(1) << 30)) | UINT64_C(25) << 16 | UINT64_C(2) << 22 | (uint64_t)halves << 38, TABLES);
		/* TTB1 has the same tables. */
		rig_put(&guest->rig, cd_gpa(0) + 16, TABLES);
		rig_command(&guest->rig, CFGI_CD(SID), LEAF);
		tables_map(&guest->tables, IOVA, DATA, 0);
		assert_reaches(&guest->user, IOVA, DATA, RW);
		assert_reaches(&guest->user, upper + IOVA, DATA, RW);
		if (halves & 1)
			assert_reaches(&guest->user, tagged + IOVA + 8, DATA + 8, RW);
		else
			assert_refused(&guest->user, tagged + IOVA, VIOMMU_READ, 0x10);
		if (halves & 2)
			assert_reaches(&guest->user, ((upper << 8) >> 8) + IOVA, DATA, RW);
		else
			assert_refused(&guest->user, ((upper << 8) >> 8) + IOVA, VIOMMU_READ, 0x10);
		tables_unmap(&guest->tables, IOVA);
		/* A command may use any of the addresses. */
		rig_command(&guest->rig, TLBI_VA(1), (halves & 1 ? tagged : 0) + IOVA);
		rig_command(&guest->rig, TLBI_VA(1), upper + IOVA);
		assert_false(user_has(&guest->user, IOVA, RW, &hva));
		assert_false(user_has(&guest->user, tagged + IOVA, RW, &last));
		assert_int_equal(user_access(&guest->user, tagged + IOVA, VIOMMU_READ, &hva), -EFAULT);
		assert_true(rig_event(&guest->rig, record));
		assert_int_equal(record[2], tagged + IOVA);
	}
}

static void test_lazy(void **state)
{
	struct guest *guest = *state;
	const uint8_t *hva;

	for (unsigned int i = 0; i < 32; i++) {
		tables_map(&guest->tables, IOVA + i * PAGE, DATA + i * PAGE, 0);
		assert_reaches(&guest->user, IOVA + i * PAGE, DATA + i * PAGE, RW);
		tables_unmap(&guest->tables, IOVA + i * PAGE);
	}
	assert_int_equal(rig_pinned(&guest->rig), 32);
	rig_command(&guest->rig, TLBI_ASID(1), 0);
	rig_command(&guest->rig, SYNC, 0);
	assert_int_equal(rig_pinned(&guest->rig), 0);
	for (unsigned int i = 0; i < 32; i++)
		assert_false(user_has(&guest->user, IOVA + i * PAGE, RW, &hva));
}

/* A block is one translation: the invalidation of any of its addresses invalidates all of it. */
static void test_blocks(void **state)
{
	static const uint64_t commands[] = { TG(1) | TTL(2) | LEAF, LEAF, 0 };
	struct guest *guest = *state;
	const uint8_t *hva;

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t entry = tables_entry(&guest->tables, 0x40000000, 1);

		rig_put(&guest->rig, entry, DATA | E_BLOCK);
		assert_reaches(&guest->user, 0x40000000, DATA, RW);
		assert_reaches(&guest->user, 0x401ff000, DATA + 0x1ff000, RW);
		assert_int_equal(rig_pinned(&guest->rig), 512);
		rig_put(&guest->rig, entry, 0);
		rig_command(&guest->rig, TLBI_VA(1), UINT64_C(0x40123000) | commands[i]);
		assert_false(user_has(&guest->user, 0x40000000, RW, &hva));
		assert_false(user_has(&guest->user, 0x401ff000, RW, &hva));
		assert_int_equal(rig_pinned(&guest->rig), 0);
	}
	/* A table replaces a block, and a block a table. */
	rig_put(&guest->rig, tables_entry(&guest->tables, 0x40000000, 1), DATA | E_BLOCK);
	assert_reaches(&guest->user, 0x40000000, DATA, RW);
	rig_put(&guest->rig, tables_entry(&guest->tables, 0x40000000, 1), 0);
	rig_command(&guest->rig, TLBI_VA(1), UINT64_C(0x40000000) | TG(1) | TTL(2));
	tables_map(&guest->tables, 0x40003000, DATA + 7 * PAGE, 0);
	assert_reaches(&guest->user, 0x40003000, DATA + 7 * PAGE, RW);
	assert_refused(&guest->user, 0x40000000, RW, 0x10);
	rig_put(&guest->rig, tables_entry(&guest->tables, 0x40000000, 1), DATA | E_BLOCK);
	rig_command(&guest->rig, TLBI_VA(1) | RANGE(1, 9), UINT64_C(0x40000000) | TG(1));
	assert_reaches(&guest->user, 0x40003000, DATA + 3 * PAGE, RW);
	/* A whole gigabyte, of which the guest has memory only for a part. */
	rig_put(&guest->rig, tables_entry(&guest->tables, UINT64_C(0x100000000), 2), E_BLOCK);
	assert_reaches(&guest->user, UINT64_C(0x100000000) + DATA, DATA, RW);
	assert_refused(&guest->user, UINT64_C(0x100000000) + HOLE_GPA, RW, 0);
	rig_put(&guest->rig, tables_entry(&guest->tables, UINT64_C(0x100000000), 2), 0);
	rig_command(&guest->rig, TLBI_VA(1), UINT64_C(0x13f000000));
	assert_false(user_has(&guest->user, UINT64_C(0x100000000) + DATA, RW, &hva));
}

/* Another context for the same stream: nothing of the old one is reached after CMD_CFGI_CD. */
static void test_contexts(void **state)
{
	struct guest *guest = *state;
	struct tables other;
	const uint8_t *hva;

	tables_map(&guest->tables, IOVA, DATA, 0);
	assert_reaches(&guest->user, IOVA, DATA, RW);
	tables_init(&other, &guest->rig, TABLES + 0x100000);
	tables_map(&other, IOVA + PAGE, DATA + PAGE, 0);
	rig_put_cd(&guest->rig, 0, CD0(2), other.root);
	assert_true(user_has(&guest->user, IOVA, RW, &hva));
	rig_command(&guest->rig, CFGI_CD(SID), LEAF);
	rig_command(&guest->rig, TLBI_ASID(1), 0);
	rig_command(&guest->rig, SYNC, 0);
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
	assert_refused(&guest->user, IOVA, RW, 0x10);
	/* Existing translations are reached at once. */
	assert_true(user_has(&guest->user, IOVA + PAGE, RW, &hva));
	assert_int_equal(rig_pinned(&guest->rig), 1);
	/*
	 * An access that the tables allow and the memory does not causes no event of the SMMU; one
	 * that the tables forbid does, with memory or without.
	 */
	tables_map(&other, IOVA + 2 * PAGE, ROM_GPA, 0);
	tables_map(&other, IOVA + 3 * PAGE, HOLE_GPA, E_RO);
	assert_reaches(&guest->user, IOVA + 2 * PAGE, ROM_GPA, VIOMMU_READ);
	assert_refused(&guest->user, IOVA + 2 * PAGE, VIOMMU_WRITE, 0);
	assert_refused(&guest->user, IOVA + 3 * PAGE, VIOMMU_READ, 0);
	assert_refused(&guest->user, IOVA + 3 * PAGE, VIOMMU_WRITE, 0x13);
	/* Detached, as Linux does it: an abort. */
	rig_put_ste(&guest->rig, SID, STE_ABORT, 0);
	rig_command(&guest->rig, CFGI_STE(SID), LEAF);
	assert_refused(&guest->user, IOVA + PAGE, RW, 0);
	assert_int_equal(rig_pinned(&guest->rig), 0);
	/* Identity domains. */
	rig_put_ste(&guest->rig, SID, STE_BYPASS, 0);
	rig_command(&guest->rig, CFGI_STE(SID), LEAF);
	assert_reaches(&guest->user, DATA, DATA, RW);
	assert_refused(&guest->user, ROM_GPA, VIOMMU_WRITE, 0);
	assert_refused(&guest->user, HOLE_GPA, VIOMMU_READ, 0);
	assert_refused(&guest->user, UINT64_C(1) << 44, VIOMMU_READ, 0x11);
	/* A context without any tables. */
	rig_put_cd(&guest->rig, 0, CD0(2) | UINT64_C(1) << 14, 0);
	rig_put_ste(&guest->rig, SID, STE_S1(cd_gpa(0)), 0);
	rig_command(&guest->rig, CFGI_STE(SID), LEAF);
	assert_refused(&guest->user, DATA, VIOMMU_READ, 0x10);
	/* Tables beyond the context's output size: 32 bits. */
	rig_put_cd(&guest->rig, 0, CD0(2) ^ UINT64_C(4) << 32, UINT64_C(1) << 32);
	rig_command(&guest->rig, CFGI_CD(SID), LEAF);
	assert_refused(&guest->user, DATA, VIOMMU_READ, 0x0a);
}

/* Two devices in one domain: one refresh for both; and the upper half of addresses. */
static void test_two_devices(void **state)
{
	struct guest *guest = *state;
	struct tables upper;
	struct user second;
	const uint8_t *hva;
	uint64_t refreshes, high = UINT64_C(0xffffff8000000000);

	user_init(&second, &guest->rig, SID + 1);
	tables_init(&upper, &guest->rig, TABLES + 0x100000);
	for (unsigned int n = 0; n < 2; n++) {
		rig_put_cd(&guest->rig, n, (CD0(3) & ~(UINT64_C(1) << 30)) | UINT64_C(25) << 16 | UINT64_C(2) << 22, guest->tables.root);
		rig_put(&guest->rig, cd_gpa(n) + 16, upper.root);
		rig_put_ste(&guest->rig, SID + n, STE_S1(cd_gpa(n)), 0);
	}
	rig_command(&guest->rig, CFGI_ALL, 31);
	assert_int_equal(rig_device_info(second.device).sharing, 2);
	tables_map(&guest->tables, IOVA, DATA, 0);
	tables_map(&upper, IOVA, DATA + PAGE, 0);
	assert_reaches(&guest->user, IOVA, DATA, RW);
	assert_true(user_has(&second, IOVA, RW, &hva));
	assert_reaches(&second, high + IOVA, DATA + PAGE, RW);
	assert_refused(&second, high - PAGE, RW, 0x10);
	assert_refused(&second, high + IOVA + PAGE, RW, 0x10);
	refreshes = rig_info(&guest->rig).refreshes;
	tables_unmap(&guest->tables, IOVA);
	tables_unmap(&upper, IOVA);
	rig_command(&guest->rig, TLBI_VA(3), IOVA | TG(1) | TTL(3));
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
	assert_false(user_has(&second, IOVA, RW, &hva));
	assert_true(user_has(&second, high + IOVA, RW, &hva));
	rig_command(&guest->rig, TLBI_VA(3), (high + IOVA) | TG(1) | TTL(3));
	assert_false(user_has(&guest->user, high + IOVA, RW, &hva));
	assert_int_equal(rig_info(&guest->rig).refreshes - refreshes, 2);
	user_end(&second);
}

/* Each kind of malformed table, found by an access. */
static void test_events(void **state)
{
	struct guest *guest = *state;
	uint64_t record[4];
	const uint8_t *hva;

	/* No access flag. */
	tables_map(&guest->tables, IOVA, DATA, 0);
	rig_put(&guest->rig, tables_entry(&guest->tables, IOVA, 0), DATA | (E_PAGE & ~UINT64_C(0x400)));
	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0x12);
	/* An address of more than 44 bits. */
	rig_put(&guest->rig, tables_entry(&guest->tables, IOVA, 0), UINT64_C(1) << 45 | E_PAGE);
	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0x11);
	/* A reserved entry. */
	rig_put(&guest->rig, tables_entry(&guest->tables, IOVA, 0), DATA | E_BLOCK);
	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0x10);
	/* No memory at the leaf, and none at the table. */
	rig_put(&guest->rig, tables_entry(&guest->tables, IOVA, 0), HOLE_GPA | E_PAGE);
	assert_refused(&guest->user, IOVA, VIOMMU_READ, 0);
	rig_put(&guest->rig, tables_entry(&guest->tables, 0x40000000, 1), HOLE_GPA | E_TABLE);
	assert_int_equal(user_access(&guest->user, 0x40005000, RW, &hva), -EFAULT);
	assert_true(rig_event(&guest->rig, record));
	assert_int_equal(record[0] & 0xff, 0x0b);
	assert_int_equal(record[2], 0x40005000);
	assert_int_equal(record[3], HOLE_GPA + 8 * 5);
	/* Malformed entries do not prevent an invalidation. */
	tables_map(&guest->tables, IOVA, DATA, 0);
	assert_reaches(&guest->user, IOVA, DATA, RW);
	tables_unmap(&guest->tables, IOVA);
	rig_command(&guest->rig, TLBI_ASID(1), 0);
	assert_false(user_has(&guest->user, IOVA, RW, &hva));
	assert_int_equal(rig_info(&guest->rig).gerror, 0);
}

/*
 * A pin budget that is too small for the tables: an access beyond it is aborted, until something is
 * unmapped.
 */
static void test_budget(void **state)
{
	struct rig_config config = rig_config();
	static struct guest guest;

	(void)state;
	config.vm.pin_budget = 4 * PAGE;
	start(&guest, &config);
	for (unsigned int i = 0; i < 5; i++)
		tables_map(&guest.tables, IOVA + i * PAGE, DATA + i * PAGE, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_reaches(&guest.user, IOVA + i * PAGE, DATA + i * PAGE, RW);
	assert_refused(&guest.user, IOVA + 4 * PAGE, RW, 0);
	assert_int_equal(rig_pinned(&guest.rig), 4);
	tables_unmap(&guest.tables, IOVA);
	invalidate(&guest, IOVA, 1);
	assert_reaches(&guest.user, IOVA + 4 * PAGE, DATA + 4 * PAGE, RW);
	assert_int_equal(rig_pinned(&guest.rig), 4);
	/* A domain that does not fit at first: an access makes it once there is room. */
	tables_map(&guest.tables, IOVA + 7 * PAGE, DATA + 7 * PAGE, 0);
	rig_put_cd(&guest.rig, 0, CD0(2), TABLES);
	rig_command(&guest.rig, CFGI_CD(SID), LEAF);
	assert_int_equal(rig_device_info(guest.user.device).sharing, 0);
	assert_int_equal(rig_pinned(&guest.rig), 0);
	assert_refused(&guest.user, IOVA + PAGE, RW, 0);
	viommu_vm_set_pin_budget(guest.rig.vm, 8 * PAGE);
	assert_reaches(&guest.user, IOVA + PAGE, DATA + PAGE, RW);
	user_end(&guest.user);
	rig_down(&guest.rig);
}

/* Guest memory that is removed and added again under all of this. */
static void test_slots(void **state)
{
	struct guest *guest = *state;
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .gpa = 0, .bytes = RAM_BYTES, .hva = guest->rig.ram, .fd = -1 };

	tables_map(&guest->tables, IOVA, DATA, 0);
	assert_reaches(&guest->user, IOVA, DATA, RW);
	assert_int_equal(viommu_slot_remove(guest->rig.vm, 0), 0);
	assert_int_equal(rig_pinned(&guest->rig), 0);
	assert_int_equal(rig_fault(guest->user.device, VIOMMU_FAULT_NOT_PRESENT, IOVA, VIOMMU_READ), -EFAULT);
	/* The table walk aborts, and so does the write of its event record. */
	assert_int_equal(rig_info(&guest->rig).gerror, 4);
	rig_write(&guest->rig, R_CMDQ_PROD, rig_read(&guest->rig, R_CMDQ_PROD) + 1);
	assert_int_equal(rig_info(&guest->rig).gerror, 5);
	assert_int_equal(viommu_slot_add(guest->rig.vm, &slot), 0);
	assert_reaches(&guest->user, IOVA, DATA, RW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mapping),  TEST(test_strict),	     TEST(test_lazy),	TEST(test_blocks),
		TEST(test_contexts), TEST(test_two_devices), TEST(test_events), cmocka_unit_test(test_budget),
		TEST(test_slots),    TEST(test_top_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
