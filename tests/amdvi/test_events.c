/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event log of AMD's guest IOMMU: the flags of page faults, SA and SE, overflow, interrupts, a
 * log that is off or not in memory.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ID     0x18u
#define DOMAIN 0x1234u
#define IOVA   UINT64_C(0x40000000)

static struct viommu_amdvi_device *blocked(struct rig *rig, uint64_t dw1)
{
	struct viommu_amdvi_device *device = rig_device(rig, ID);

	rig_entry(rig, ID, D_V, DOMAIN | dw1);
	return device;
}

/* The flags of each outcome of a walk, for a load and a store. */
static void test_flags(void **state)
{
	static const struct {
		unsigned int level; /* of the entry, as AMD counts */
		uint64_t entry;
		uint64_t flags;
	} cases[] = {
		{ 3, 0, 0 },
		{ 2, 0, 0 },
		{ 1, 0, 0 },
		{ 1, DATA | D_RW, 0 },
		/* Present, without rights. */
		{ 1, DATA | P_PR, E_PR | E_PE },
		/* An invalid level: of a table, of none. */
		{ 1, DATA | P_RW | P_NEXT(1), E_PR },
		{ 2, TABLES | P_RW | P_NEXT(2), E_PR },
		{ 3, TABLES | P_RW | P_NEXT(6), E_PR },
		/* Reserved bits of a leaf, and of a table. */
		{ 1, DATA | P_RW | UINT64_C(1) << 52, E_PR | E_RZ },
		{ 1, DATA | P_RW | UINT64_C(1) << 58, E_PR | E_RZ },
		{ 2, TABLES | P_RW | P_NEXT(1) | UINT64_C(1) << 60, E_PR | E_RZ },
		/* A size that the level cannot have. */
		{ 1, UINT64_C(0x1ff000) | P_RW | P_NEXT(7), E_PR },
		{ 2, DATA | P_RW | P_NEXT(7), E_PR },
	};
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t root = rig_table(&rig);

		rig_put(&rig, rig_slot(&rig, root, 3, IOVA, cases[i].level), cases[i].entry);
		rig_tables(&rig, ID, DOMAIN, 3, root);
		assert_refused(&rig, device, IOVA + 9, VIOMMU_READ);
		assert_event(&rig, E(2) | E_DOMAIN(DOMAIN) | cases[i].flags | ID, IOVA + 9);
		assert_refused(&rig, device, IOVA + 9, VIOMMU_RW);
		assert_event(&rig, E(2) | E_DOMAIN(DOMAIN) | E_RW | cases[i].flags | ID, IOVA + 9);
		assert_no_event(&rig);
	}
	/* A table that is not in memory. */
	for (unsigned int level = 1; level <= 3; level++) {
		uint64_t root = level == 3 ? HOLE_GPA : rig_table(&rig), at = HOLE_GPA + 8 * (IOVA >> (3 + 9 * level) & 0x1ff);

		if (level < 3)
			rig_put(&rig, rig_slot(&rig, root, 3, IOVA, level + 1), HOLE_GPA | P_RW | P_NEXT(level));
		rig_tables(&rig, ID, DOMAIN, 3, root);
		assert_refused(&rig, device, IOVA, VIOMMU_WRITE);
		assert_event(&rig, E(4) | E_ABORT | E_DOMAIN(DOMAIN) | E_RW | ID, at);
		assert_no_event(&rig);
	}
	rig_down(&rig);
}

/* SA: none. SE: the first one until the entry is read again. */
static void test_suppressed(void **state)
{
	struct viommu_amdvi_device *device;
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = blocked(&rig, D1_SA);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_no_event(&rig);
	rig_entry(&rig, ID, D_V, DOMAIN | D1_SE);
	for (unsigned int round = 0; round < 2; round++) {
		assert_refused(&rig, device, IOVA, VIOMMU_READ);
		assert_event(&rig, E(2) | E_DOMAIN(DOMAIN) | ID, IOVA);
		assert_refused(&rig, device, IOVA + PAGE, VIOMMU_READ);
		assert_no_event(&rig);
		rig_command(&rig, INV_PAGES(DOMAIN), ALL_PAGES);
		assert_refused(&rig, device, IOVA + PAGE, VIOMMU_READ);
		assert_no_event(&rig);
		rig_command(&rig, round ? INV_ALL : INV_DEVICE(ID), 0);
	}
	/* Other events are not suppressed. */
	root = HOLE_GPA;
	rig_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(1) | root, D1_SA | D1_SE);
	assert_refused(&rig, device, 0, VIOMMU_READ);
	assert_event(&rig, E(4) | E_ABORT | ID, HOLE_GPA);
	rig_down(&rig);
}

static void test_interrupt(void **state)
{
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = blocked(&rig, 0);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig_read(&rig, R_STATUS), S_CMD_RUN | S_EVENT_RUN | S_EVENT_INT);
	/* The next one when the guest has cleared the bit. */
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 0);
	rig_write(&rig, R_STATUS, S_EVENT_INT);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0x30);
	/* Disabled: the bit is set, and interrupts when it is enabled. */
	rig_write(&rig, R_STATUS, S_EVENT_INT);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~EVENT_INT_EN);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 0);
	assert_true(rig_read(&rig, R_STATUS) & S_EVENT_INT);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_int_equal(rig_irqs(&rig), 1);
	/* A refused command's event interrupts, too. */
	rig_write(&rig, R_STATUS, S_EVENT_INT);
	while (rig_event(&rig, (uint64_t[2]){ 0 }))
		;
	rig_refused(&rig, 0, 0);
	assert_int_equal(rig_irqs(&rig), 1);
	rig_down(&rig);
}

/* With XTSup and IntCapXTEn, the interrupt is that of a register. */
static void test_x2apic(void **state)
{
	struct rig_config config = rig_config();
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	config.flags = VIOMMU_AMDVI_X2APIC;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	device = blocked(&rig, 0);
	rig_write64(&rig, R_XT, UINT64_C(0x12000131ffabcd04));
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig.message.address, 0);
	rig_write(&rig, R_STATUS, S_EVENT_INT);
	rig_write64(&rig, R_CONTROL, ALL_EN | XT_EN | INT_CAP_XT);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 1);
	/* Destination 0x12ffabcd, logical, arbitrated, vector 0x31. */
	assert_int_equal(rig.message.address, UINT64_C(0x12ffab00fee00000) | 0xcd << 12 | 4);
	assert_int_equal(rig.message.data, 0x131);
	rig_down(&rig);
}

/* 255 events fit; the next one is lost, and the log stops. */
static void test_overflow(void **state)
{
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = blocked(&rig, 0);
	for (unsigned int i = 0; i < 255; i++)
		assert_refused(&rig, device, IOVA + i, VIOMMU_READ);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig_read(&rig, R_STATUS), S_CMD_RUN | S_EVENT_RUN | S_EVENT_INT);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0xff0);
	assert_refused(&rig, device, IOVA + 255, VIOMMU_READ);
	assert_int_equal(rig_read(&rig, R_STATUS), S_CMD_RUN | S_EVENT_INT | S_OVERFLOW);
	assert_int_equal(rig_irqs(&rig), 1);
	for (unsigned int i = 0; i < 255; i++)
		assert_event(&rig, E(2) | E_DOMAIN(DOMAIN) | ID, IOVA + i);
	assert_no_event(&rig);
	/*
	 * There is room, and nothing is logged: until the bit is cleared, and EventLogEn set anew.
	 */
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~EVENT_LOG_EN);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_no_event(&rig);
	rig_write(&rig, R_STATUS, S_OVERFLOW);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~EVENT_LOG_EN);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_no_event(&rig);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_event(&rig, E(2) | E_DOMAIN(DOMAIN) | ID, IOVA);
	assert_int_equal(rig_info(&rig).events, 256);
	assert_int_equal(rig_info(&rig).event_head, rig_read(&rig, R_EVENT_HEAD));
	assert_int_equal(rig_info(&rig).event_tail, rig_read(&rig, R_EVENT_TAIL));
	assert_int_equal(rig_info(&rig).cmd_head, rig_read(&rig, R_CMD_HEAD));
	assert_int_equal(rig_info(&rig).cmd_tail, rig_read(&rig, R_CMD_TAIL));
	assert_int_equal(rig_info(&rig).control, ALL_EN);
	assert_int_equal(rig_info(&rig).status, rig_read(&rig, R_STATUS));
	assert_int_equal(rig_info(&rig).events_lost, 4);
	/* Cleared alone, it is not enough either. */
	rig_write(&rig, R_EVENT_HEAD, (rig_read(&rig, R_EVENT_TAIL) + 16) & 0xfff);
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	rig_write(&rig, R_STATUS, S_OVERFLOW);
	rig_write(&rig, R_EVENT_HEAD, rig_read(&rig, R_EVENT_TAIL));
	assert_refused(&rig, device, IOVA, VIOMMU_READ);
	assert_no_event(&rig);
	rig_down(&rig);
}

static void test_nowhere(void **state)
{
	static const uint64_t bases[] = { HOLE_GPA, ROM_GPA };
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = blocked(&rig, 0);
	for (unsigned int i = 0; i < 2; i++) {
		rig_write64(&rig, R_CONTROL, ALL_EN & ~EVENT_LOG_EN);
		rig_write64(&rig, R_EVENT_BASE, bases[i]);
		rig_write64(&rig, R_CONTROL, ALL_EN);
		assert_refused(&rig, device, IOVA, VIOMMU_READ);
		assert_int_equal(rig_read(&rig, R_STATUS), S_CMD_RUN);
		assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0);
		assert_int_equal(rig_irqs(&rig), 0);
	}
	assert_int_equal(rig_info(&rig).events_lost, 2);
	/* A disabled IOMMU logs nothing. */
	rig_write64(&rig, R_CONTROL, ALL_EN & ~IOMMU_EN);
	assert_refused(&rig, device, HOLE_GPA, VIOMMU_READ);
	assert_refused(&rig, device, UINT64_C(0xfee00000), VIOMMU_READ);
	assert_int_equal(rig_info(&rig).events_lost, 2);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),  cmocka_unit_test(test_suppressed), cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_x2apic), cmocka_unit_test(test_overflow),	  cmocka_unit_test(test_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
