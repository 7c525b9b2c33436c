/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The structures that lead from a source ID to tables: each illegal entry, and its fault. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define DID  5u
#define SID  8u
#define HIGH (UINT64_C(1) << 46) /* beyond the guest's physical addresses */

/* The device's accesses are refused with this fault, again and again. */
static void assert_blocked(struct user *user, uint32_t reason)
{
	rig_command(user->rig, CC_GLOBAL, 0);
	assert_int_equal(rig_device_info(user->device).context, VIOMMU_VTD_CONTEXT_FAULTY);
	assert_int_equal(rig_device_info(user->device).reason, reason);
	for (unsigned int i = 0; i < 2; i++)
		assert_refused(user, 0x1000, i ? VIOMMU_WRITE : VIOMMU_READ, reason);
}

static void assert_works(struct user *user)
{
	rig_command(user->rig, CC_GLOBAL, 0);
	assert_has(user, 0x1000, DATA, VIOMMU_RW);
	assert_no_fault(user->rig);
}

/* Entries with one bit that makes them illegal, at an address. */
struct illegal {
	uint64_t gpa, flip;
	uint32_t reason;
};

static void check_illegal(struct user *user, const struct illegal *illegal, unsigned int number)
{
	for (unsigned int i = 0; i < number; i++) {
		uint64_t good = rig_get(user->rig, illegal[i].gpa);

		rig_put(user->rig, illegal[i].gpa, good ^ illegal[i].flip);
		assert_blocked(user, illegal[i].reason);
		rig_put(user->rig, illegal[i].gpa, good);
		assert_works(user);
	}
}
#define CHECK(user, table) check_illegal(user, table, sizeof(table) / sizeof((table)[0]))

static void test_legacy(void **state)
{
	static const struct illegal illegal[] = {
		{ ROOT, 1, 0x01 },
		{ ROOT, 1 << 1, 0x0a },
		{ ROOT, 1 << 11, 0x0a },
		{ ROOT, HIGH, 0x0a },
		{ ROOT + 8, 1, 0x0a },
		{ ROOT, CONTEXTS ^ HOLE_GPA, 0x09 },
		{ CONTEXTS + 16 * SID, 1, 0x02 },
		{ CONTEXTS + 16 * SID, 1 << 4, 0x0b },
		{ CONTEXTS + 16 * SID, 1 << 11, 0x0b },
		{ CONTEXTS + 16 * SID, HIGH, 0x0b },
		{ CONTEXTS + 16 * SID + 8, 1 << 7, 0x0b },
		{ CONTEXTS + 16 * SID + 8, 1 << 24, 0x0b },
		{ CONTEXTS + 16 * SID + 8, UINT64_C(1) << 63, 0x0b },
		/* TT 1 and 3, AW 0, 3 and 5. */
		{ CONTEXTS + 16 * SID, 1 << 2, 0x03 },
		{ CONTEXTS + 16 * SID, 3 << 2, 0x03 },
		{ CONTEXTS + 16 * SID + 8, 1, 0x03 },
		{ CONTEXTS + 16 * SID + 8, 2, 0x03 },
		{ CONTEXTS + 16 * SID + 8, 4, 0x03 },
	};
	struct rig rig;
	struct user user;
	uint64_t root;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	user_init(&user, &rig, SID);
	assert_blocked(&user, 0x02);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, 0x1000, DATA);
	rig_put_context(&rig, SID, root | CONTEXT_SECOND, CONTEXT1(1, DID) | 0x78);
	assert_works(&user);
	CHECK(&user, illegal);
	/* Pass-through also needs an address width that there is. */
	rig_put_context(&rig, SID, CONTEXT_PASS_THROUGH, CONTEXT1(3, DID));
	assert_blocked(&user, 0x03);
	rig_put_context(&rig, SID, CONTEXT_PASS_THROUGH, CONTEXT1(2, DID));
	rig_command(&rig, CC_GLOBAL, 0);
	assert_int_equal(rig_device_info(user.device).context, VIOMMU_VTD_CONTEXT_PASS_THROUGH);
	assert_has(&user, DATA, DATA, VIOMMU_RW);
	assert_has(&user, ROM_GPA, ROM_GPA, VIOMMU_READ);
	/* A root table that no memory has, and a mode that there is not. */
	rig_write64(&rig, R_RTADDR, HOLE_GPA);
	rig_global(&rig, SRTP, 0);
	assert_blocked(&user, 0x08);
	for (unsigned int mode = 1; mode < 4; mode++) {
		rig_write64(&rig, R_RTADDR, ROOT | mode << 10);
		rig_global(&rig, SRTP, 0);
		assert_blocked(&user, 0x30);
	}
	user_end(&user);
	rig_down(&rig);
}

static void test_fault_processing_disabled(void **state)
{
	struct rig rig;
	struct user user;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	user_init(&user, &rig, SID);
	/* Of entries that are not present, too. */
	rig_put_context(&rig, SID, 2, 0);
	rig_command(&rig, CC_GLOBAL, 0);
	assert_refused(&user, 0x1000, VIOMMU_READ, 0);
	rig_put_context(&rig, SID, TABLES | CONTEXT_SECOND | 2, CONTEXT1(1, DID));
	rig_command(&rig, CC_GLOBAL, 0);
	assert_refused(&user, 0x1000, VIOMMU_READ, 0);
	rig_put_context(&rig, SID, TABLES | CONTEXT_SECOND, CONTEXT1(1, DID));
	rig_command(&rig, CC_GLOBAL, 0);
	assert_refused(&user, 0x1000, VIOMMU_READ, 0x06);
	user_end(&user);
	rig_down(&rig);
}

/* Tables of each width, the last IOVA of each, and the first one beyond. */
static void test_widths(void **state)
{
	struct rig_config config = rig_config();
	struct rig rig;
	struct user user;

	(void)state;
	config.vtd.address_bits = 57;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	user_init(&user, &rig, SID);
	for (unsigned int levels = 3; levels <= 5; levels++) {
		uint64_t root = rig_table(&rig), last = (UINT64_C(1) << (12 + 9 * levels)) - PAGE;

		rig_map(&rig, root, levels, last, DATA);
		rig_put(&rig, rig_entry(&rig, root, levels, 0x40000000, 2), 0 | E_R | E_W | E_PS);
		rig_put(&rig, rig_entry(&rig, root, levels, 0x80200000, 1), DATA | E_R | E_W | E_PS);
		rig_put_context(&rig, SID, root | CONTEXT_SECOND, CONTEXT1(levels - 2, DID + levels));
		rig_command(&rig, CC_DEVICE(SID), 0);
		assert_has(&user, last, DATA, VIOMMU_RW);
		assert_has(&user, 0x40000000 + DATA, DATA, VIOMMU_RW);
		assert_has(&user, 0x80201000, DATA + PAGE, VIOMMU_RW);
		assert_refused(&user, last + PAGE, VIOMMU_READ, 0x04);
		assert_refused(&user, UINT64_MAX & ~(PAGE - 1), VIOMMU_READ, 0x04);
	}
	user_end(&user);
	rig_down(&rig);
}

/* The interrupt address range is not translated, whatever maps it. */
static void test_interrupt_range(void **state)
{
	struct rig rig;
	struct user user;
	uint64_t root;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	user_init(&user, &rig, SID);
	root = rig_table(&rig);
	for (uint64_t iova = 0xfedff000; iova <= 0xfef00000; iova += PAGE)
		rig_map(&rig, root, 3, iova, DATA);
	rig_second_stage(&rig, SID, root, DID);
	assert_has(&user, 0xfedff000, DATA, VIOMMU_RW);
	assert_has(&user, 0xfef00000, DATA, VIOMMU_RW);
	for (uint64_t iova = 0xfee00000; iova < 0xfef00000; iova += PAGE)
		assert_has_not(&user, iova);
	rig_command(&rig, IOTLB_PAGES(DID), 0xfee00000 | 8);
	rig_command(&rig, IOTLB_PAGES(DID), 0xfe000000 | 12);
	assert_has_not(&user, 0xfee00000);
	assert_int_equal(user_access(&user, 0xfee00000, VIOMMU_WRITE, &(const uint8_t *){ NULL }), VIOMMU_VTD_IS_INTERRUPT);
	assert_int_equal(user_access(&user, 0xfeeffffc, VIOMMU_WRITE, &(const uint8_t *){ NULL }), VIOMMU_VTD_IS_INTERRUPT);
	assert_refused(&user, 0xfeeff000, VIOMMU_READ, 0);
	assert_refused(&user, 0xfeeff000, VIOMMU_RW, 0);
	/* A copy is no interrupt, and no fault. */
	assert_int_equal(viommu_write(user.reader, 0xfee00000, "0123", 4, NULL, NULL), -EFAULT);
	assert_no_fault(&rig);
	/* One of 1 GiB that covers it. */
	rig_put(&rig, rig_entry(&rig, root, 3, 0xc0000000, 2), 0 | E_R | E_W | E_PS);
	rig_command(&rig, IOTLB_DOMAIN(DID), 0);
	assert_has(&user, 0xc0000000 + DATA, DATA, VIOMMU_RW);
	assert_has_not(&user, 0xfee00000);
	/* With translation disabled, and passed through. */
	rig_global(&rig, 0, TE);
	assert_int_equal(user_access(&user, 0xfee00000, VIOMMU_WRITE, &(const uint8_t *){ NULL }), VIOMMU_VTD_IS_INTERRUPT);
	assert_no_fault(&rig);
	user_end(&user);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_fault_processing_disabled),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_interrupt_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
