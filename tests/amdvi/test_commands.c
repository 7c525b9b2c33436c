/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands of AMD's guest IOMMU: their effects, reserved bits, errors, and the sequence of Linux's
 * start.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ID   0x18u
#define IOVA UINT64_C(0x40000000)

static void test_wait(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	rig_command(&rig, WAIT, UINT64_C(0x1122334455667788));
	assert_int_equal(rig_get(&rig, SEMAPHORE), 0);
	assert_int_equal(rig_irqs(&rig), 0);
	/* S: a store. */
	rig_command(&rig, WAIT | SEMAPHORE | 1, UINT64_C(0x1122334455667788));
	assert_int_equal(rig_get(&rig, SEMAPHORE), UINT64_C(0x1122334455667788));
	rig_command(&rig, WAIT | (SEMAPHORE + 8) | 1 | 4, 7);
	assert_int_equal(rig_get(&rig, SEMAPHORE + 8), 7);
	assert_int_equal(rig_irqs(&rig), 0);
	/* I: an interrupt, once until the guest has cleared the status bit. */
	rig_command(&rig, WAIT | 2, 0);
	assert_int_equal(rig_read(&rig, R_STATUS), S_EVENT_RUN | S_CMD_RUN | S_WAIT_INT);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig.message.address, 0);
	rig_command(&rig, WAIT | 2, 0);
	assert_int_equal(rig_irqs(&rig), 0);
	rig_write(&rig, R_STATUS, S_EVENT_INT | S_OVERFLOW);
	assert_true(rig_read(&rig, R_STATUS) & S_WAIT_INT);
	rig_write(&rig, R_STATUS + 4, S_WAIT_INT);
	assert_true(rig_read(&rig, R_STATUS) & S_WAIT_INT);
	rig_write64(&rig, R_STATUS, S_WAIT_INT | S_CMD_RUN | S_EVENT_RUN);
	assert_int_equal(rig_read(&rig, R_STATUS), S_EVENT_RUN | S_CMD_RUN);
	rig_command(&rig, WAIT | 2, 0);
	assert_int_equal(rig_irqs(&rig), 1);
	/* Disabled, it is pending until it is enabled. */
	rig_write(&rig, R_STATUS, S_WAIT_INT);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~COM_WAIT_EN);
	rig_command(&rig, WAIT | 2, 0);
	assert_int_equal(rig_irqs(&rig), 0);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_int_equal(rig_irqs(&rig), 1);
	assert_int_equal(rig_info(&rig).waits, 7);
	assert_no_event(&rig);
	rig_down(&rig);
}

/* A store that fails, and a buffer that is not in memory. */
static void test_hardware_errors(void **state)
{
	static const uint64_t nowhere[] = { HOLE_GPA, ROM_GPA, UINT64_C(0x000ffffffffffff8) };
	struct rig rig;
	uint32_t tail, head;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	for (unsigned int i = 0; i < 3; i++) {
		head = tail = rig_read(&rig, R_CMD_TAIL);
		rig_queue(&rig, &tail, WAIT | nowhere[i] | 1 | 2, 0);
		rig_queue(&rig, &tail, WAIT | SEMAPHORE | 1, 1 + i);
		rig_kick(&rig, tail);
		assert_event(&rig, E(6) | E_ABORT, nowhere[i]);
		assert_no_event(&rig);
		assert_int_equal(rig_read(&rig, R_STATUS), S_EVENT_RUN | S_EVENT_INT);
		assert_int_equal(rig_read(&rig, R_CMD_HEAD), head);
		assert_int_equal(rig_get(&rig, SEMAPHORE), i);
		/* Stopped: a kick does nothing. */
		rig_kick(&rig, tail);
		assert_int_equal(rig_read(&rig, R_CMD_HEAD), head);
		/* Only an edge of CmdBufEn restarts it. */
		rig_write64(&rig, R_CONTROL, ALL_EN);
		assert_int_equal(rig_read(&rig, R_CMD_HEAD), head);
		rig_write(&rig, R_CMD_HEAD, head + 16);
		rig_write64(&rig, R_CONTROL, ALL_EN & ~CMD_BUF_EN);
		rig_write64(&rig, R_CONTROL, ALL_EN);
		assert_int_equal(rig_read(&rig, R_CMD_HEAD), tail);
		assert_int_equal(rig_get(&rig, SEMAPHORE), 1 + i);
		assert_int_equal(rig_irqs(&rig), 1);
		rig_write(&rig, R_STATUS, S_EVENT_INT);
	}
	rig_write64(&rig, R_CONTROL, ALL_EN & ~CMD_BUF_EN);
	rig_write64(&rig, R_CMD_BASE, HOLE_GPA);
	rig_write(&rig, R_CMD_HEAD, 0x20);
	rig_write(&rig, R_CMD_TAIL, 0x40);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_event(&rig, E(6) | E_ABORT, HOLE_GPA + 0x20);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0x20);
	assert_int_equal(rig_info(&rig).errors, 4);
	rig_down(&rig);
}

/* Each bit of each opcode: one that is reserved is an ILLEGAL_COMMAND_ERROR. */
static void test_illegal(void **state)
{
	static const struct {
		unsigned int opcode;
		uint64_t used[2];
	} legal[] = {
		/* The address is one of memory in any case: S is 0. */
		{ 1, { UINT64_C(0x000ffffffffffffe), UINT64_MAX } },	   { 2, { 0xffff, 0 } },
		{ 3, { UINT64_C(0xffff00000000), ~UINT64_C(0xffc) } },	   { 5, { 0xffff, 0 } },
		{ 6, { UINT64_C(0x000fffffff00ffff), ~UINT64_C(0xfee) } }, { 8, { 0, 0 } },
	};
	uint64_t used[16][2] = { { 0 } };
	bool known[16] = { false };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	for (unsigned int i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
		known[legal[i].opcode] = true;
		memcpy(used[legal[i].opcode], legal[i].used, sizeof(used[0]));
	}
	for (unsigned int opcode = 0; opcode < 16; opcode++) {
		if (known[opcode])
			rig_command(&rig, OPCODE(opcode), 0);
		else
			rig_refused(&rig, OPCODE(opcode), 0);
		for (unsigned int bit = 0; bit < 124; bit++) {
			unsigned int at = bit < 60 ? bit : bit + 4;
			uint64_t word[2] = { at < 64 ? UINT64_C(1) << at : 0, at < 64 ? 0 : UINT64_C(1) << (at - 64) };

			/* A wait that stores needs memory: not here. */
			if (opcode == 1 && !at)
				continue;
			if (known[opcode] && used[opcode][at / 64] & word[at / 64])
				rig_command(&rig, OPCODE(opcode) | word[0], word[1]);
			else
				rig_refused(&rig, OPCODE(opcode) | word[0], word[1]);
		}
	}
	assert_no_event(&rig);
	rig_down(&rig);
}

/* 64 pages, mapped and reached. */
static struct viommu_amdvi_device *mapped(struct rig *rig, uint32_t id, uint32_t domain, uint64_t *root)
{
	struct viommu_amdvi_device *device;

	*root = rig_table(rig);
	for (uint64_t i = 0; i < 64; i++)
		rig_map(rig, *root, 3, IOVA + i * PAGE, DATA + i * PAGE, P_RW);
	device = rig_device(rig, id);
	rig_tables(rig, id, domain, 3, *root);
	for (uint64_t i = 0; i < 64; i++)
		assert_true(rig_reaches(device, IOVA + i * PAGE, VIOMMU_RW, NULL));
	return device;
}

/*
 * INVALIDATE_IOMMU_PAGES removes the pages that it names, and nothing else: the tables have nothing
 * any more.
 */
static void test_pages(void **state)
{
	static const struct {
		uint64_t address; /* and S */
		uint64_t first, number;
	} cases[] = {
		{ IOVA + 5 * PAGE, 5, 1 },
		/* Without S, other address bits mean nothing. */
		{ IOVA + 7 * PAGE, 7, 1 },
		{ IOVA + 4 * PAGE + SIZED, 4, 2 },
		{ IOVA + 6 * PAGE + SIZED, 6, 2 },
		{ IOVA + 8 * PAGE + PAGE + SIZED, 8, 4 },
		{ IOVA + 16 * PAGE + 3 * PAGE + SIZED + PDE, 16, 8 },
		{ IOVA + 32 * PAGE + 7 * PAGE + SIZED + PDE, 32, 16 },
		{ IOVA + 15 * PAGE + SIZED, 0, 32 },
		{ IOVA + 31 * PAGE + SIZED, 0, 64 },
		{ UINT64_C(0x7ffffffffffff000) + SIZED, 0, 64 },
		{ UINT64_C(0xfffffffffffff000) + SIZED, 0, 64 },
		{ IOVA + UINT64_C(0x3ffff000) + SIZED, 0, 64 },
		{ IOVA + UINT64_C(0x100000) + UINT64_C(0x3f000) + SIZED, 64, 0 },
		{ IOVA + 64 * PAGE, 64, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct viommu_amdvi_device *device, *other;
		uint64_t root, other_root;
		struct rig rig;

		rig_up(&rig);
		rig_enable(&rig);
		device = mapped(&rig, ID, 7, &root);
		other = mapped(&rig, ID + 1, 8, &other_root);
		for (uint64_t page = 0; page < 64; page++) {
			rig_map(&rig, root, 3, IOVA + page * PAGE, 0, 0);
			rig_map(&rig, other_root, 3, IOVA + page * PAGE, 0, 0);
		}
		rig_command(&rig, INV_PAGES(7), cases[i].address);
		rig_command(&rig, WAIT, 0);
		for (uint64_t page = 0; page < 64; page++) {
			assert_int_equal(rig_reaches(device, IOVA + page * PAGE, VIOMMU_READ, NULL), page - cases[i].first >= cases[i].number);
			assert_true(rig_reaches(other, IOVA + page * PAGE, VIOMMU_READ, NULL));
		}
		rig_command(&rig, INV_ALL, 0);
		assert_false(rig_reaches(other, IOVA, VIOMMU_READ, NULL));
		assert_int_equal(rig_pinned(&rig), 0);
		rig_down(&rig);
	}
}

/* NpCache: what becomes valid is announced, and reached without a miss. */
static void test_announced(void **state)
{
	struct viommu_amdvi_device *device;
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = mapped(&rig, ID, 7, &root);
	rig_map(&rig, root, 3, IOVA + 100 * PAGE, DATA, P_RW);
	rig_map(&rig, root, 3, IOVA + 101 * PAGE, DATA, P_PR | D_IR);
	assert_false(rig_reaches(device, IOVA + 100 * PAGE, VIOMMU_READ, NULL));
	rig_command(&rig, INV_PAGES(8), IOVA + 100 * PAGE + SIZED);
	assert_false(rig_reaches(device, IOVA + 100 * PAGE, VIOMMU_READ, NULL));
	rig_command(&rig, INV_PAGES(7), IOVA + 100 * PAGE + SIZED);
	assert_true(rig_reaches(device, IOVA + 100 * PAGE, VIOMMU_RW, NULL));
	assert_true(rig_reaches(device, IOVA + 101 * PAGE, VIOMMU_READ, NULL));
	assert_false(rig_reaches(device, IOVA + 101 * PAGE, VIOMMU_WRITE, NULL));
	assert_int_equal(rig_info(&rig).filled, 0);
	rig_down(&rig);
}

/* An entry is invalidated with any of its addresses. */
static void test_large(void **state)
{
	struct viommu_amdvi_device *device;
	uint64_t root, slot;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = mapped(&rig, ID, 7, &root);
	/* 2 MiB, and 64 KiB as 16 entries that say so. */
	slot = rig_slot(&rig, root, 3, IOVA + 0x40000000, 2);
	rig_put(&rig, slot, DATA | P_RW);
	for (uint64_t i = 0; i < 16; i++)
		rig_map(&rig, root, 3, IOVA + 0x10000000 + i * PAGE, (DATA + 0x10000) | 0x7000, P_RW | P_NEXT(7));
	rig_command(&rig, INV_PAGES(7), ALL_PAGES);
	assert_reaches(&rig, device, IOVA + 0x40000000 + 0x123456, DATA + 0x123456, VIOMMU_RW);
	assert_reaches(&rig, device, IOVA + 0x10000000 + 0xfedc, DATA + 0x10000 + 0xfedc, VIOMMU_RW);
	rig_put(&rig, slot, 0);
	rig_command(&rig, INV_PAGES(7), IOVA + 0x40000000 + 0x1ff000);
	assert_false(rig_reaches(device, IOVA + 0x40000000, VIOMMU_READ, NULL));
	for (uint64_t i = 0; i < 16; i++)
		rig_map(&rig, root, 3, IOVA + 0x10000000 + i * PAGE, 0, 0);
	rig_command(&rig, INV_PAGES(7), IOVA + 0x10000000 + 0x5000);
	for (uint64_t i = 0; i < 16; i++)
		assert_false(rig_reaches(device, IOVA + 0x10000000 + i * PAGE, VIOMMU_READ, NULL));
	rig_down(&rig);
}

/* An entry is applied by its command alone, and by INVALIDATE_IOMMU_ALL. */
static void test_entries(void **state)
{
	struct viommu_amdvi_device *device, *other;
	uint64_t root, other_root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = mapped(&rig, ID, 7, &root);
	other = mapped(&rig, ID + 1, 7, &other_root);
	rig_put_entry(&rig, ID, D_V | D_TV, 0, 0, 0);
	rig_put_entry(&rig, ID + 1, D_V | D_TV, 0, 0, 0);
	rig_command(&rig, INV_PAGES(7), ALL_PAGES);
	rig_command(&rig, INV_DEVICE(ID + 2), 0);
	rig_command(&rig, OPCODE(5) | ID, 0);
	rig_command(&rig, OPCODE(6) | ID, IOVA);
	rig_command(&rig, WAIT, 0);
	assert_true(rig_reaches(device, IOVA, VIOMMU_READ, NULL));
	rig_command(&rig, INV_DEVICE(ID), 0);
	assert_false(rig_reaches(device, IOVA, VIOMMU_READ, NULL));
	assert_true(rig_reaches(other, IOVA, VIOMMU_READ, NULL));
	rig_command(&rig, INV_ALL, 0);
	assert_false(rig_reaches(other, IOVA, VIOMMU_READ, NULL));
	assert_int_equal(rig_info(&rig).configs, 5);
	assert_int_equal(rig_info(&rig).invalidations, 2);
	assert_int_equal(rig_info(&rig).commands, 11);
	rig_down(&rig);
}

/* All of the buffer, over its end, and with the most entries. */
static void test_ring(void **state)
{
	uint32_t tail = 0xf80;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	rig_write64(&rig, R_CONTROL, 0);
	rig_write(&rig, R_CMD_HEAD, tail);
	rig_write(&rig, R_CMD_TAIL, tail);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	for (uint64_t i = 0; i < 255; i++)
		rig_queue(&rig, &tail, WAIT | SEMAPHORE | 1, i);
	rig_kick(&rig, tail);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0xf70);
	assert_int_equal(rig_get(&rig, SEMAPHORE), 254);
	assert_int_equal(rig_info(&rig).commands, 255);
	/* 2^15 commands; lengths below 2^8 are reserved, and count as that. */
	rig_write64(&rig, R_CONTROL, 0);
	rig_write64(&rig, R_CMD_BASE, UINT64_C(0x400000) | UINT64_C(15) << 56);
	for (uint64_t i = 0; i < 0x8000; i++) {
		rig_put(&rig, 0x400000 + 16 * i, WAIT | SEMAPHORE | 1);
		rig_put(&rig, 0x400000 + 16 * i + 8, i);
	}
	rig_write64(&rig, R_CONTROL, ALL_EN);
	rig_write(&rig, R_CMD_TAIL, 0x7fff0);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0x7fff0);
	assert_int_equal(rig_get(&rig, SEMAPHORE), 0x7ffe);
	rig_write64(&rig, R_CONTROL, 0);
	rig_write64(&rig, R_CMD_BASE, UINT64_C(0x400000) | UINT64_C(3) << 56);
	rig_write(&rig, R_CMD_HEAD, 0xff0);
	rig_write(&rig, R_CMD_TAIL, 0x010);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0x010);
	assert_int_equal(rig_get(&rig, SEMAPHORE), 0);
	rig_down(&rig);
}

/*
 * A buffer full of invalidations of everything, over tables of which each entry leads to the same
 * table below: 2^36 pages. What does not fit is not reached, and the guest goes on.
 */
static void test_bomb(void **state)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	struct rig_config config = rig_config();
	struct viommu_amdvi_device *device;
	uint64_t table[5], root;
	uint32_t tail;
	struct rig rig;

	(void)state;
	config.vm.shadow_bytes = UINT64_C(0x100000);
	config.vm.refresh_entries = 4096;
	config.vm.step_entries = 4096;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	for (unsigned int level = 1; level <= 4; level++) {
		table[level] = rig_table(&rig);
		for (uint64_t i = 0; i < 512; i++)
			rig_put(&rig, table[level] + 8 * i, level == 1 ? (DATA + i * PAGE) | P_RW : table[level - 1] | P_RW | P_NEXT(level - 1));
	}
	root = rig_table(&rig);
	rig_tables(&rig, ID, 7, 4, root);
	assert_int_equal(rig_device_info(device).sharing, 1);
	/* Into a domain that is there, and as a new one, which does not fit. */
	rig_put(&rig, root, table[3] | P_RW | P_NEXT(3));
	for (unsigned int round = 0; round < 2; round++) {
		tail = rig_read(&rig, R_CMD_TAIL);
		for (unsigned int i = 0; i < 120; i++) {
			rig_queue(&rig, &tail, INV_ALL, 0);
			rig_queue(&rig, &tail, WAIT | SEMAPHORE | 1, 1 + i);
		}
		rig_kick(&rig, tail);
		assert_int_equal(rig_read(&rig, R_CMD_HEAD), tail);
		assert_int_equal(rig_get(&rig, SEMAPHORE), 120);
		viommu_vm_stats(rig.vm, &stats);
		assert_true(stats.shadow_bytes <= config.vm.shadow_bytes);
		assert_true(rig_info(&rig).insufficient >= 120);
		(void)rig_access(&rig, device, IOVA, VIOMMU_READ, NULL);
		rig_put_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(4) | table[4], 7, 0, 0);
	}
	assert_int_equal(rig_device_info(device).sharing, 0);
	assert_refused(&rig, device, 0, VIOMMU_READ);
	assert_no_event(&rig);
	rig_put(&rig, root, 0);
	rig_map(&rig, root, 4, IOVA, DATA, P_RW);
	rig_tables(&rig, ID, 7, 4, root);
	assert_reaches(&rig, device, IOVA, DATA, VIOMMU_RW);
	assert_no_event(&rig);
	rig_down(&rig);
}

static void feature(struct rig *rig, unsigned int bit, bool set)
{
	uint64_t control = rig_read64(rig, R_CONTROL), mask = UINT64_C(1) << bit;

	rig_write64(rig, R_CONTROL, set ? control | mask : control & ~mask);
}

static void flushed(struct rig *rig, uint32_t *tail, uint64_t *sequence)
{
	rig_queue(rig, tail, WAIT | SEMAPHORE | 1, ++*sequence);
	rig_kick(rig, *tail);
	assert_int_equal(rig_get(rig, SEMAPHORE), *sequence);
}

/*
 * Linux (drivers/iommu/amd, 6.12) disables everything, sets up the device table and the
 * buffers, enables, invalidates; then gives a device a domain, and maps and unmaps with NpCache.
 */
static void test_linux(void **state)
{
	static const unsigned int disabled[] = { 12, 3, 2, 28, 29, 13, 14, 0, 59 };
	struct viommu_amdvi_device *device;
	uint32_t tail = 0;
	uint64_t sequence = 0, root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	device = rig_device(&rig, ID);
	assert_reaches(&rig, device, DATA, DATA, VIOMMU_RW);
	for (unsigned int i = 0; i < sizeof(disabled) / sizeof(disabled[0]); i++)
		feature(&rig, disabled[i], false);
	/* Each entry: V, TV, no rights. */
	for (uint32_t id = 0; id < 512; id++)
		rig_put_entry(&rig, id, D_V | D_TV, 0, 0, 0);
	rig_write64(&rig, R_DEV_TAB, DEVICE_TABLE | 3);
	rig_write64(&rig, R_CMD_BASE, COMMANDS | UINT64_C(9) << 56);
	feature(&rig, 12, false);
	rig_write(&rig, R_CMD_HEAD, 0);
	rig_write(&rig, R_CMD_TAIL, 0);
	feature(&rig, 12, true);
	rig_write64(&rig, R_EVENT_BASE, EVENTS | UINT64_C(9) << 56);
	rig_write(&rig, R_EVENT_HEAD, 0);
	rig_write(&rig, R_EVENT_TAIL, 0);
	feature(&rig, 2, true);
	feature(&rig, 17, true);
	/* IrtCacheDis is found to be absent. */
	feature(&rig, 59, true);
	assert_int_equal(rig_read64(&rig, R_CONTROL), CMD_BUF_EN | EVENT_LOG_EN | GA_EN);
	assert_reaches(&rig, device, DATA, DATA, VIOMMU_RW);
	feature(&rig, 0, true);
	rig_queue(&rig, &tail, INV_ALL, 0);
	flushed(&rig, &tail, &sequence);
	feature(&rig, 3, true);
	assert_refused(&rig, device, DATA, VIOMMU_READ);
	assert_event(&rig, E(2) | E_PR | E_PE | ID, DATA);
	assert_int_equal(rig_irqs(&rig), 1);

	/* A domain with a page that is mapped, then one that is unmapped. */
	root = rig_table(&rig);
	rig_put_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(3) | root, 1, 0, 0);
	rig_queue(&rig, &tail, INV_DEVICE(ID), 0);
	rig_queue(&rig, &tail, INV_PAGES(1), ALL_PAGES);
	flushed(&rig, &tail, &sequence);
	rig_map(&rig, root, 3, IOVA, DATA, P_RW | UINT64_C(1) << 60);
	rig_queue(&rig, &tail, INV_PAGES(1), IOVA);
	flushed(&rig, &tail, &sequence);
	assert_true(rig_reaches(device, IOVA, VIOMMU_RW, NULL));
	assert_int_equal(rig_pinned(&rig), 1);
	rig_map(&rig, root, 3, IOVA, 0, 0);
	rig_queue(&rig, &tail, INV_PAGES(1), IOVA);
	flushed(&rig, &tail, &sequence);
	assert_refused(&rig, device, IOVA, VIOMMU_WRITE);
	assert_event(&rig, E(2) | E_DOMAIN(1) | E_RW | ID, IOVA);
	assert_int_equal(rig_pinned(&rig), 0);
	assert_no_event(&rig);
	assert_int_equal(rig_info(&rig).errors, 0);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),	  cmocka_unit_test(test_hardware_errors), cmocka_unit_test(test_illegal), cmocka_unit_test(test_pages),
		cmocka_unit_test(test_announced), cmocka_unit_test(test_large),		  cmocka_unit_test(test_entries), cmocka_unit_test(test_ring),
		cmocka_unit_test(test_bomb),	  cmocka_unit_test(test_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
