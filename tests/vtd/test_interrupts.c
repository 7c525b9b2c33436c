/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interrupt remapping: the route of each request, and the reasons to block it. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define SID 0x1a8u
/* A request in remappable format by the entry of an index. */
#define REQUEST(index) (UINT64_C(0xfee00010) | ((index)&0x7fff) << 5 | ((index) >> 15 & 1) << 2)
#define SHV	       UINT64_C(8)

/* An entry: vector 0x41, fixed, edge, physical, for APIC 0x12345678 (x2APIC) or 0x56. */
#define ENTRY	    UINT64_C(0x1234567800410001)
#define ENTRY_XAPIC UINT64_C(0x0000560000410001)

static void put_entry(struct rig *rig, unsigned int index, uint64_t dw0, uint64_t dw1)
{
	rig_put(rig, IRT + 16 * (uint64_t)index + 8, dw1);
	rig_put(rig, IRT + 16 * (uint64_t)index, dw0);
}

/* 2^(size + 1) entries. */
static void up(struct rig *rig, bool extended, unsigned int size)
{
	struct rig_config config = rig_config();

	config.vtd.flags = VIOMMU_VTD_INTERRUPT_REMAPPING;
	rig_up_as(rig, &config);
	rig_set_up(rig);
	rig_write64(rig, R_IRTA, IRT | (extended ? 0x800 : 0) | size);
	rig_global(rig, SIRTP, 0);
	rig_command(rig, IEC_GLOBAL, 0);
	rig_global(rig, IRE, 0);
}

static struct viommu_vtd_message ask(struct rig *rig, uint64_t address, uint32_t data, int expected)
{
	struct viommu_vtd_message message = { .size = sizeof(message) };

	assert_int_equal(viommu_vtd_interrupt(rig->vtd, SID, address, data, &message), expected);
	return message;
}

static void assert_blocked(struct rig *rig, uint64_t address, uint32_t data, uint32_t reason, bool recorded)
{
	struct viommu_vtd_message message = ask(rig, address, data, -EFAULT);

	assert_int_equal(message.route, VIOMMU_VTD_ROUTE_BLOCKED);
	assert_int_equal(message.reason, reason);
	assert_fault(rig, recorded ? reason : 0, recorded ? SID : 0);
}

static void assert_as_is(struct rig *rig, uint64_t address, uint32_t data)
{
	struct viommu_vtd_message message = ask(rig, address, data, 0);

	assert_int_equal(message.route, VIOMMU_VTD_ROUTE_AS_IS);
	assert_true(message.address == address);
	assert_int_equal(message.data, data);
	assert_no_fault(rig);
}

static struct viommu_vtd_message remapped(struct rig *rig, unsigned int index)
{
	struct viommu_vtd_message message = ask(rig, REQUEST(index), 0, 0);

	assert_int_equal(message.route, VIOMMU_VTD_ROUTE_REMAPPED);
	assert_int_equal(message.index, index);
	assert_no_fault(rig);
	return message;
}

static void test_formats(void **state)
{
	struct viommu_vtd_message message = { .size = sizeof(message) };
	struct rig rig;

	(void)state;
	up(&rig, false, 7);
	/* Remapping enabled: compatibility format is for CFI to allow. */
	assert_blocked(&rig, 0xfee01000, 0x31, 0x25, true);
	rig_global(&rig, CFI, 0);
	assert_as_is(&rig, 0xfee01000, 0x31);
	/* Not in extended mode. */
	rig_write64(&rig, R_IRTA, IRT | 0x800 | 7);
	assert_as_is(&rig, 0xfee01000, 0x31);
	rig_global(&rig, SIRTP, 0);
	assert_blocked(&rig, 0xfee01000, 0x31, 0x25, true);
	/* Disabled: all requests pass. */
	rig_global(&rig, 0, IRE);
	assert_as_is(&rig, 0xfee01000, 0x31);
	assert_as_is(&rig, REQUEST(3), 0x31);
	/* Addresses and sources that no interrupt request has. */
	assert_int_equal(viommu_vtd_interrupt(rig.vtd, SID, 0xfef00000, 0, &message), -EINVAL);
	assert_int_equal(viommu_vtd_interrupt(rig.vtd, SID, UINT64_C(0x1fee00000), 0, &message), -EINVAL);
	assert_int_equal(viommu_vtd_interrupt(rig.vtd, 0x10000, 0xfee00000, 0, &message), -EINVAL);
	message.size = 8;
	assert_int_equal(viommu_vtd_interrupt(rig.vtd, SID, 0xfee00000, 0, &message), -EINVAL);
	assert_string_equal(viommu_vtd_route_name(VIOMMU_VTD_ROUTE_REMAPPED), "remapped");
	assert_string_equal(viommu_vtd_route_name(3), "unknown");
	rig_down(&rig);
}

static void test_remapped(void **state)
{
	struct viommu_vtd_message message;
	struct rig rig;

	(void)state;
	up(&rig, true, 15);
	put_entry(&rig, 3, ENTRY, 0);
	message = remapped(&rig, 3);
	assert_int_equal(message.destination, 0x12345678);
	assert_true(message.address == UINT64_C(0x12345600fee78000));
	assert_int_equal(message.data, 0x41);
	/* Redirection hint, logical, level-triggered, NMI. */
	put_entry(&rig, 3, ENTRY | 0x9c, 0);
	message = remapped(&rig, 3);
	assert_true(message.address == UINT64_C(0x12345600fee7800c));
	assert_int_equal(message.data, 0xc441);
	/* Bits for software. */
	put_entry(&rig, 0xffff, ENTRY | 0xf00, 0);
	assert_int_equal(remapped(&rig, 0xffff).data, 0x41);
	/* With a subhandle, and data that counts for nothing without one. */
	put_entry(&rig, 0x108, ENTRY, 0);
	assert_int_equal(ask(&rig, REQUEST(0x100) | SHV, 8, 0).index, 0x108);
	assert_int_equal(ask(&rig, REQUEST(0x108), 0xffffffff, 0).index, 0x108);
	assert_blocked(&rig, REQUEST(0x100) | SHV, 0x10008, 0x20, true);
	assert_blocked(&rig, REQUEST(0xffff) | SHV, 1, 0x21, true);
	rig_down(&rig);
	/* xAPIC: destinations of 8 bits. */
	up(&rig, false, 2);
	put_entry(&rig, 7, ENTRY_XAPIC, 0);
	message = remapped(&rig, 7);
	assert_int_equal(message.destination, 0x56);
	assert_true(message.address == 0xfee56000);
	put_entry(&rig, 7, ENTRY, 0);
	assert_blocked(&rig, REQUEST(7), 0, 0x24, true);
	assert_blocked(&rig, REQUEST(8), 0, 0x21, true);
	rig_down(&rig);
}

static void test_blocked(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint32_t reason;
	} blocked[] = {
		{ ENTRY & ~UINT64_C(1), 0, 0x22 },
		{ ENTRY | 1 << 12, 0, 0x24 },
		{ ENTRY | 1 << 14, 0, 0x24 },
		{ ENTRY | 1 << 15, 0, 0x24 }, /* posted */
		{ ENTRY | 1 << 24, 0, 0x24 },
		{ ENTRY | UINT64_C(1) << 31, 0, 0x24 },
		{ ENTRY, UINT64_C(1) << 20, 0x24 },
		{ ENTRY, UINT64_C(1) << 63, 0x24 },
		{ ENTRY, UINT64_C(3) << 18, 0x24 },
		/* Another source, by the functions that SQ ignores. */
		{ ENTRY, UINT64_C(1) << 18 | (SID ^ 1), 0x26 },
		{ ENTRY, UINT64_C(1) << 18 | UINT64_C(1) << 16 | (SID ^ 2), 0x26 },
		{ ENTRY, UINT64_C(1) << 18 | UINT64_C(2) << 16 | (SID ^ 1), 0x26 },
		{ ENTRY, UINT64_C(1) << 18 | UINT64_C(3) << 16 | (SID ^ 8), 0x26 },
		{ ENTRY, UINT64_C(1) << 18 | (SID ^ 0x100), 0x26 },
		/* Other buses: 2 to 4, 0 to 0. */
		{ ENTRY, UINT64_C(2) << 18 | 0x204, 0x26 },
		{ ENTRY, UINT64_C(2) << 18 | 0x000, 0x26 },
	};
	static const uint64_t legal[] = {
		UINT64_C(1) << 18 | SID,
		UINT64_C(1) << 18 | UINT64_C(1) << 16 | (SID ^ 4),
		UINT64_C(1) << 18 | UINT64_C(2) << 16 | (SID ^ 6),
		UINT64_C(1) << 18 | UINT64_C(3) << 16 | (SID ^ 7),
		UINT64_C(2) << 18 | 0x001,
		UINT64_C(2) << 18 | 0x101,
		UINT64_C(2) << 18 | 0x1ff,
	};
	struct record record;
	struct rig rig;

	(void)state;
	up(&rig, true, 7);
	for (unsigned int i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
		put_entry(&rig, 5, blocked[i].dw0, blocked[i].dw1);
		assert_blocked(&rig, REQUEST(5), 0, blocked[i].reason, true);
		/* FPD */
		put_entry(&rig, 5, blocked[i].dw0 | 2, blocked[i].dw1);
		assert_blocked(&rig, REQUEST(5), 0, blocked[i].reason, false);
	}
	for (unsigned int i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
		put_entry(&rig, 5, ENTRY, legal[i]);
		remapped(&rig, 5);
	}
	/* The record has the index. Its interrupt is not remapped. */
	rig_msis(&rig);
	ask(&rig, REQUEST(6), 0, -EFAULT);
	assert_true(rig_record(&rig, &record));
	assert_true(record.info == UINT64_C(6) << 48);
	assert_int_equal(rig_msis(&rig), 1);
	assert_true(rig.msi_address == UINT64_C(0x100fee01000));
	/* A table that no memory has. */
	rig_write64(&rig, R_IRTA, HOLE_GPA | 0x800 | 7);
	rig_global(&rig, SIRTP, 0);
	assert_blocked(&rig, REQUEST(5), 0, 0x23, true);
	rig_down(&rig);
}

/* A VMM that keeps answers sees when to ask again. */
static void test_counter(void **state)
{
	struct rig rig;
	uint64_t before;

	(void)state;
	up(&rig, true, 7);
	before = rig_info(&rig).interrupts;
	rig_command(&rig, IEC_GLOBAL, 0);
	assert_true(rig_info(&rig).interrupts > before);
	before = rig_info(&rig).interrupts;
	rig_command(&rig, 0x14 | UINT64_C(5) << 32, 0);
	assert_true(rig_info(&rig).interrupts > before);
	before = rig_info(&rig).interrupts;
	rig_command(&rig, CC_GLOBAL, 0);
	rig_command(&rig, IOTLB_GLOBAL, 0);
	assert_int_equal(rig_info(&rig).interrupts, before);
	rig_global(&rig, 0, IRE);
	assert_true(rig_info(&rig).interrupts > before);
	before = rig_info(&rig).interrupts;
	viommu_vtd_reset(rig.vtd);
	assert_true(rig_info(&rig).interrupts > before);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_remapped),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
