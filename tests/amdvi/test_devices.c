/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices of AMD's guest IOMMU: their entries, legal and illegal, with each event; host page tables
 * with each mode; domains that are shared; and the calls for devices and domains.
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

static void assert_entry(struct viommu_amdvi_device *device, enum viommu_amdvi_entry entry)
{
	assert_int_equal(rig_device_info(device).entry, entry);
}

/* V = 0, or a disabled IOMMU: all of memory, at its address. */
static void test_direct(void **state)
{
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	device = rig_device(&rig, ID);
	for (unsigned int enabled = 0; enabled < 2; enabled++) {
		if (enabled) {
			/* Whatever else such an entry says. */
			rig_put_entry(&rig, ID, ~D_V, UINT64_MAX, ~UINT64_C(1), UINT64_MAX);
			rig_enable(&rig);
		}
		assert_entry(device, VIOMMU_AMDVI_ENTRY_DIRECT);
		assert_int_equal(rig_device_info(device).prot, VIOMMU_RW);
		assert_reaches(&rig, device, 0, 0, VIOMMU_RW);
		assert_reaches(&rig, device, RAM_BYTES - 1, RAM_BYTES - 1, VIOMMU_RW);
		assert_reaches(&rig, device, ROM_GPA, ROM_GPA, VIOMMU_READ);
		/* No memory, or none that may be written, is not the IOMMU's matter. */
		assert_refused(&rig, device, ROM_GPA, VIOMMU_WRITE);
		assert_refused(&rig, device, HOLE_GPA, VIOMMU_READ);
		assert_refused(&rig, device, UINT64_MAX, VIOMMU_READ);
		assert_no_event(&rig);
		assert_int_equal(rig_pinned(&rig), (RAM_BYTES + ROM_BYTES) / PAGE);
	}
	/* The device table is read when that is enabled, and not before. */
	rig_write64(&rig, R_CONTROL, 0);
	rig_put_entry(&rig, ID, D_V, 0, 0, 0);
	rig_write64(&rig, R_DEV_TAB, DEVICE_TABLE | 3);
	assert_reaches(&rig, device, 0, 0, VIOMMU_RW);
	rig_write64(&rig, R_CONTROL, ALL_EN);
	assert_refused(&rig, device, 0, VIOMMU_READ);
	assert_event(&rig, E(2) | ID, 0);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~IOMMU_EN);
	assert_reaches(&rig, device, 0, 0, VIOMMU_RW);
	rig_down(&rig);
}

/* Mode 0: memory at its address, with the rights of IR and IW. */
static void test_mode_0(void **state)
{
	static const uint64_t rights[] = { 0, D_IR, D_IW, D_RW };
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	for (uint32_t prot = 0; prot < 4; prot++) {
		rig_entry(&rig, ID, D_V | D_TV | rights[prot] | UINT64_C(0x123000), 0x55);
		assert_entry(device, VIOMMU_AMDVI_ENTRY_DIRECT);
		assert_int_equal(rig_device_info(device).prot, prot);
		assert_int_equal(rig_device_info(device).domain_id, 0x55);
		assert_int_equal(rig_device_info(device).sharing, prot != 0);
		for (uint32_t access = 1; access < 4; access++) {
			if (access & ~prot) {
				assert_refused(&rig, device, DATA, access);
				assert_event(&rig, E(2) | E_DOMAIN(0x55) | E_PR | E_PE | (access & VIOMMU_WRITE ? E_RW : 0) | ID, DATA);
			} else {
				assert_reaches(&rig, device, DATA, DATA, access);
			}
		}
		/* The slot's rights count, too. */
		if (prot & VIOMMU_READ)
			assert_reaches(&rig, device, ROM_GPA, ROM_GPA, VIOMMU_READ);
		else
			assert_refused(&rig, device, ROM_GPA, VIOMMU_READ);
		(void)rig_event(&rig, (uint64_t[2]){ 0 });
		assert_no_event(&rig);
	}
	rig_down(&rig);
}

static void test_blocked(void **state)
{
	struct viommu_amdvi_device *device, *beyond;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	/* TV = 0: the mode, even a reserved one, and the rights mean nothing. */
	rig_entry(&rig, ID, D_V | D_RW | D_MODE(7), 0x66);
	assert_entry(device, VIOMMU_AMDVI_ENTRY_BLOCKED);
	assert_refused(&rig, device, DATA + 3, VIOMMU_READ);
	assert_event(&rig, E(2) | E_DOMAIN(0x66) | ID, DATA + 3);
	assert_int_equal(rig_device_info(device).sharing, 0);
	/* 512 entries: the last one, and the first one beyond the table. */
	beyond = rig_device(&rig, 0x1ff);
	assert_entry(beyond, VIOMMU_AMDVI_ENTRY_DIRECT);
	beyond = rig_device(&rig, 0x200);
	assert_entry(beyond, VIOMMU_AMDVI_ENTRY_BLOCKED);
	assert_refused(&rig, beyond, DATA, VIOMMU_WRITE);
	assert_event(&rig, E(2) | E_RW | 0x200, DATA);
	beyond = rig_device(&rig, 0xffff);
	assert_refused(&rig, beyond, DATA, VIOMMU_READ);
	assert_event(&rig, E(2) | 0xffff, DATA);
	/* The largest table. */
	rig_write64(&rig, R_DEV_TAB, UINT64_C(0x1000000) | 0x1ff);
	rig_command(&rig, INV_ALL, 0);
	assert_entry(beyond, VIOMMU_AMDVI_ENTRY_DIRECT);
	/* A table that is not in memory. */
	rig_write64(&rig, R_DEV_TAB, HOLE_GPA | 3);
	rig_command(&rig, INV_DEVICE(ID), 0);
	assert_entry(device, VIOMMU_AMDVI_ENTRY_UNREADABLE);
	assert_refused(&rig, device, DATA, VIOMMU_WRITE);
	assert_event(&rig, E(3) | E_ABORT | E_RW | ID, HOLE_GPA + 32 * ID);
	assert_no_event(&rig);
	rig_down(&rig);
}

/* Each bit of the first two doublewords: reserved, or not. */
static void test_illegal(void **state)
{
	/* Bits 6:2 and 63; HAD, PPR, GPRP, GIoV, GV. Bit 106. */
	static const uint64_t reserved[2] = { UINT64_C(0x80f00000000001fc), UINT64_C(1) << 42 };
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	for (unsigned int tv = 0; tv < 2; tv++) {
		for (unsigned int bit = 2; bit < 128; bit++) {
			uint64_t word[2] = { bit < 64 ? UINT64_C(1) << bit : 0, bit < 64 ? 0 : UINT64_C(1) << (bit - 64) };
			bool illegal = word[0] & reserved[0] || word[1] & reserved[1];

			rig_entry(&rig, ID, D_V | (tv ? D_TV | D_RW : 0) | word[0], word[1]);
			assert_int_equal(rig_device_info(device).entry == VIOMMU_AMDVI_ENTRY_ILLEGAL, illegal);
			if (!illegal)
				continue;
			assert_refused(&rig, device, DATA + 7, VIOMMU_WRITE);
			/* The address has no bits 1:0. */
			assert_event(&rig, E(1) | E_RZ | E_RW | ID, DATA + 4);
			assert_refused(&rig, device, DATA, VIOMMU_READ);
			assert_event(&rig, E(1) | E_RZ | ID, DATA);
		}
	}
	/* An invalid level. */
	rig_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(7), 0x77);
	assert_entry(device, VIOMMU_AMDVI_ENTRY_ILLEGAL);
	assert_refused(&rig, device, DATA, VIOMMU_READ);
	assert_event(&rig, E(1) | ID, DATA);
	/* SA and SE are for page faults. */
	rig_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(7), D1_SA | D1_SE);
	assert_refused(&rig, device, DATA, VIOMMU_READ);
	assert_event(&rig, E(1) | ID, DATA);
	assert_no_event(&rig);
	rig_down(&rig);
}

/* The last IOVA that tables with a mode reach. */
static uint64_t reach(unsigned int mode)
{
	return mode == 6 ? UINT64_MAX : (UINT64_C(1) << (12 + 9 * mode)) - 1;
}

static void test_modes(void **state)
{
	(void)state;
	for (unsigned int mode = 1; mode <= 6; mode++) {
		uint64_t last = reach(mode) & ~(PAGE - 1), root;
		struct viommu_amdvi_device *device;
		struct rig rig;

		rig_up(&rig);
		rig_enable(&rig);
		device = rig_device(&rig, ID);
		root = rig_table(&rig);
		rig_map(&rig, root, mode, 0, DATA, P_RW);
		rig_map(&rig, root, mode, last, DATA + PAGE, P_RW);
		rig_tables(&rig, ID, 9, mode, root);
		assert_entry(device, VIOMMU_AMDVI_ENTRY_TABLES);
		assert_int_equal(rig_device_info(device).mode, mode);
		assert_int_equal(rig_device_info(device).root, root);
		assert_int_equal(rig_device_info(device).domain_id, 9);
		assert_reaches(&rig, device, 5, DATA + 5, VIOMMU_RW);
		assert_reaches(&rig, device, last + 0xfff, DATA + PAGE + 0xfff, VIOMMU_RW);
		assert_no_event(&rig);
		if (mode < 6) {
			assert_refused(&rig, device, reach(mode) + 1, VIOMMU_READ);
			assert_event(&rig, E(2) | E_DOMAIN(9) | ID, reach(mode) + 1);
		}
		rig_down(&rig);
	}
}

/* Skipped levels, and each size that Next Level 7 encodes. */
static void test_sizes(void **state)
{
	struct viommu_amdvi_device *device;
	uint64_t root, below;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	root = rig_table(&rig);
	below = rig_table(&rig);
	/* From level 4 to level 1: the IOVA's bits of levels 3 and 2 are 0. */
	rig_put(&rig, root + 8, below | P_RW | P_NEXT(1));
	rig_put(&rig, below + 8 * 3, DATA | P_RW);
	rig_tables(&rig, ID, 1, 4, root);
	assert_reaches(&rig, device, (UINT64_C(1) << 39) + 3 * PAGE, DATA, VIOMMU_RW);
	for (unsigned int bit = 21; bit < 39; bit++) {
		uint64_t iova = (UINT64_C(1) << 39) + (UINT64_C(1) << bit) + 3 * PAGE;

		assert_refused(&rig, device, iova, VIOMMU_READ);
		assert_event(&rig, E(2) | E_DOMAIN(1) | ID, iova);
	}
	/* Sizes 8 KiB to 1 MiB in level 1, 4 MiB and 8 MiB in level 2; memory of 16 MiB. */
	for (unsigned int bits = 13; bits < 24; bits++) {
		unsigned int level = bits <= 20 ? 1 : 2, shift = 3 + 9 * level;
		uint64_t size = UINT64_C(1) << bits, iova = IOVA + size;

		if (bits == 21)
			continue;
		root = rig_table(&rig);
		for (uint64_t i = 0; i < size >> shift; i++)
			rig_put(&rig, rig_slot(&rig, root, 3, iova + (i << shift), level), DATA | ((size >> 1) - PAGE) | P_RW | P_NEXT(7));
		rig_tables(&rig, ID, 2, 3, root);
		assert_reaches(&rig, device, iova, DATA, VIOMMU_RW);
		assert_reaches(&rig, device, iova + size - 1, DATA + size - 1, VIOMMU_RW);
		assert_refused(&rig, device, iova + size, VIOMMU_READ);
		assert_event(&rig, E(2) | E_DOMAIN(2) | ID, iova + size);
	}
	/* A leaf in each level that has some. */
	for (unsigned int level = 2; level <= 3; level++) {
		root = rig_table(&rig);
		rig_put(&rig, rig_slot(&rig, root, 4, IOVA, level), P_RW);
		rig_tables(&rig, ID, 3, 4, root);
		assert_reaches(&rig, device, IOVA + 0x123456, 0x123456, VIOMMU_RW);
	}
	assert_no_event(&rig);
	rig_down(&rig);
}

/* IR and IW of the device's entry, and of each level. */
static void test_rights(void **state)
{
	struct viommu_amdvi_device *device;
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	for (unsigned int at = 0; at < 4; at++) {
		for (uint32_t prot = 0; prot < 4; prot++) {
			uint64_t bits = (uint64_t)prot << 61, entry = at == 0 ? bits : D_RW, slot;

			root = rig_table(&rig);
			rig_map(&rig, root, 3, IOVA, DATA, P_RW);
			if (at) {
				slot = rig_slot(&rig, root, 3, IOVA, at);
				rig_put(&rig, slot, (rig_get(&rig, slot) & ~D_RW) | bits);
			}
			rig_entry(&rig, ID, D_V | D_TV | entry | D_MODE(3) | root, 4);
			for (uint32_t access = 1; access < 4; access++) {
				if (!(access & ~prot)) {
					assert_reaches(&rig, device, IOVA, DATA, access);
					continue;
				}
				assert_refused(&rig, device, IOVA, access);
				assert_event(&rig, E(2) | E_DOMAIN(4) | E_PR | E_PE | (access & VIOMMU_WRITE ? E_RW : 0) | ID, IOVA);
			}
		}
	}
	/* An access that a slot forbids. */
	root = rig_table(&rig);
	rig_map(&rig, root, 3, IOVA, ROM_GPA, P_RW);
	rig_map(&rig, root, 3, IOVA + PAGE, HOLE_GPA, P_RW);
	rig_tables(&rig, ID, 4, 3, root);
	assert_reaches(&rig, device, IOVA, ROM_GPA, VIOMMU_READ);
	assert_refused(&rig, device, IOVA, VIOMMU_WRITE);
	assert_refused(&rig, device, IOVA + PAGE, VIOMMU_READ);
	assert_no_event(&rig);
	rig_down(&rig);
}

/* Interrupt addresses are never translated, and neither are those of the exclusion range. */
static void test_gaps(void **state)
{
	static const struct {
		uint64_t first, last; /* pages */
	} ranges[] = {
		{ 0x100, 0x1ff },     { 0xfed00, 0xfed00 }, { 0xfed00, 0xfee80 }, { 0xfee10, 0xfee20 },
		{ 0xfeeff, 0xfef00 }, { 0xfef00, 0xfefff }, { 0, 0xfffff },	  { 0x7fffff0, 0xffffffffff },
	};
	struct viommu_amdvi_device *device;
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	device = rig_device(&rig, ID);
	root = rig_table(&rig);
	/* All of the first 4 GiB, and the end, lead to the same 2 MiB and 4 KiB. */
	for (uint64_t iova = 0; iova < UINT64_C(0x100000000); iova += 0x200000)
		rig_put(&rig, rig_slot(&rig, root, 3, iova, 2), DATA | P_RW);
	rig_map(&rig, root, 3, UINT64_C(0x7ffffff000), DATA, P_RW);
	for (unsigned int i = 0; i <= 2 * sizeof(ranges) / sizeof(ranges[0]); i++) {
		bool excluded = i != 0, own = i & 1;
		uint64_t first = excluded ? ranges[(i - 1) / 2].first * PAGE : 1, last = excluded ? ranges[(i - 1) / 2].last * PAGE + PAGE - 1 : 0;
		uint64_t around[] = { 0,
				      first - 1,
				      first,
				      last,
				      last + 1,
				      UINT64_C(0xfedfffff),
				      UINT64_C(0xfee00000),
				      UINT64_C(0xfeefffff),
				      UINT64_C(0xfef00000),
				      UINT64_C(0x7fffffffff) };

		/* For the device alone, or for all. */
		rig_write64(&rig, R_EXCL_LIMIT, last & ~(PAGE - 1) & UINT64_C(0xffffffffffff));
		rig_write64(&rig, R_EXCL_BASE, excluded ? first | 1 | (own ? 0 : 2) : 0);
		rig_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(3) | root, own ? D1_EX : 0);
		last = last > UINT64_C(0xffffffffffff) ? UINT64_C(0xffffffffffff) : last;
		for (unsigned int n = 0; n < sizeof(around) / sizeof(around[0]); n++) {
			uint64_t iova = around[n];

			if (iova > UINT64_C(0x7fffffffff) || (iova >= UINT64_C(0x100000000) && iova < UINT64_C(0x7ffffff000)))
				continue;
			if (iova >= UINT64_C(0xfee00000) && iova <= UINT64_C(0xfeefffff)) {
				assert_refused(&rig, device, iova, VIOMMU_READ);
				assert_event(&rig, E(8) | ID, iova);
				assert_refused(&rig, device, iova, VIOMMU_WRITE);
			} else if (excluded && iova >= first && iova <= last) {
				assert_refused(&rig, device, iova, VIOMMU_READ);
			} else {
				assert_reaches(&rig, device, iova, DATA + iova % (iova >> 32 ? PAGE : 0x200000), VIOMMU_RW);
			}
			assert_no_event(&rig);
		}
	}
	/* Without EX or Allow, nothing is excluded; nor if the limit is below the base. */
	rig_write64(&rig, R_EXCL_BASE, 0x1000 | 1);
	rig_write64(&rig, R_EXCL_LIMIT, 0x10000);
	rig_entry(&rig, ID, D_V | D_TV | D_RW | D_MODE(3) | root, 0);
	assert_reaches(&rig, device, 0x1000, DATA + 0x1000, VIOMMU_RW);
	rig_write64(&rig, R_EXCL_BASE, 0x1000 | 3);
	assert_refused(&rig, device, 0x1000, VIOMMU_READ);
	rig_write64(&rig, R_EXCL_LIMIT, 0);
	assert_reaches(&rig, device, 0x1000, DATA + 0x1000, VIOMMU_RW);
	/* Pass-through and a blocked device: loads from interrupt addresses. */
	rig_entry(&rig, ID, 0, 0);
	assert_refused(&rig, device, UINT64_C(0xfee00000), VIOMMU_READ);
	assert_event(&rig, E(8) | ID, UINT64_C(0xfee00000));
	rig_entry(&rig, ID, D_V, 0);
	assert_refused(&rig, device, UINT64_C(0xfeefffff), VIOMMU_READ);
	assert_event(&rig, E(8) | ID, UINT64_C(0xfeefffff));
	assert_refused(&rig, device, UINT64_C(0xfeefffff), VIOMMU_RW);
	assert_no_event(&rig);
	rig_down(&rig);
}

/* Devices with equal entries share a domain. */
static void test_sharing(void **state)
{
	struct viommu_amdvi_device *device[4];
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, IOVA, DATA, P_RW);
	for (uint32_t i = 0; i < 4; i++) {
		device[i] = rig_device(&rig, ID + i);
		rig_tables(&rig, ID + i, i == 3 ? 6 : 5, 3, root);
	}
	rig_entry(&rig, ID + 2, D_V | D_TV | D_IR | D_MODE(3) | root, 5);
	assert_int_equal(rig_device_info(device[0]).sharing, 2);
	assert_int_equal(rig_device_info(device[1]).sharing, 2);
	assert_int_equal(rig_device_info(device[2]).sharing, 1);
	assert_int_equal(rig_device_info(device[3]).sharing, 1);
	assert_int_equal(rig_info(&rig).domains, 3);
	assert_int_equal(rig_info(&rig).devices, 4);
	assert_ptr_equal(viommu_amdvi_device_domain(device[0]), viommu_amdvi_device_domain(device[1]));
	assert_ptr_not_equal(viommu_amdvi_device_domain(device[0]), viommu_amdvi_device_domain(device[3]));
	assert_int_equal(rig_pinned(&rig), 1);
	/* Unplugged, and plugged again. */
	assert_ptr_equal(viommu_amdvi_find(rig.amdvi, ID + 1), device[1]);
	viommu_amdvi_device_remove(device[1]);
	assert_null(viommu_amdvi_find(rig.amdvi, ID + 1));
	assert_int_equal(rig_device_info(device[0]).sharing, 1);
	device[1] = rig_device(&rig, ID + 1);
	assert_true(rig_reaches(device[1], IOVA, VIOMMU_RW, NULL));
	/* Another ID, and the entry of that. */
	assert_int_equal(viommu_amdvi_device_set_id(device[1], ID + 2), -EEXIST);
	assert_int_equal(viommu_amdvi_device_set_id(device[1], 0x10000), -EINVAL);
	assert_int_equal(viommu_amdvi_device_set_id(device[1], ID + 9), 0);
	assert_ptr_equal(viommu_amdvi_find(rig.amdvi, ID + 9), device[1]);
	assert_int_equal(rig_device_info(device[1]).entry, VIOMMU_AMDVI_ENTRY_DIRECT);
	assert_int_equal(viommu_amdvi_device_set_id(device[1], ID + 1), 0);
	assert_int_equal(rig_device_info(device[0]).sharing, 2);
	rig_down(&rig);
}

static int count_run(void *ctx, const struct viommu_run *run)
{
	uint64_t *bytes = ctx;

	*bytes += run->last - run->first + 1;
	return 0;
}

static void test_calls(void **state)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_NONE };
	struct viommu_amdvi_device *device;
	uint64_t root, bytes = 0;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	assert_int_equal(viommu_amdvi_device_add(rig.amdvi, &config, &device), -EINVAL);
	config.host = rig.host;
	config.device_id = 0x10000;
	assert_int_equal(viommu_amdvi_device_add(rig.amdvi, &config, &device), -EINVAL);
	config.device_id = ID;
	config.flags = 1;
	assert_int_equal(viommu_amdvi_device_add(rig.amdvi, &config, &device), -EINVAL);
	config.flags = 0;
	assert_int_equal(viommu_amdvi_device_add(rig.amdvi, &config, &device), 0);
	assert_int_equal(viommu_amdvi_device_add(rig.amdvi, &config, &device), -EEXIST);
	assert_int_equal(viommu_amdvi_device_fault(device, NULL), -EINVAL);
	assert_int_equal(viommu_amdvi_device_fault(device, &fault), -EINVAL);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, IOVA, DATA, P_RW);
	rig_tables(&rig, ID, 5, 3, root);
	assert_int_equal(viommu_amdvi_device_stats(device, &stats), 0);
	assert_int_equal(stats.mapped_pages, 1);
	assert_int_equal(viommu_amdvi_device_each_run(device, 0, UINT64_MAX, count_run, &bytes), 0);
	assert_int_equal(bytes, PAGE);
	assert_refused(&rig, device, 0, VIOMMU_READ);
	assert_int_equal(rig_device_info(device).faults, 1);
	assert_int_equal(rig_device_info(device).events, 1);
	assert_int_equal(rig_info(&rig).faults, 1);
	rig_down(&rig);
}

/* viommu_domain_create() with the IOMMU's own data. */
static void test_domain(void **state)
{
	static const struct viommu_amdvi_tables bad[] = {
		{ .mode = 0 },
		{ .mode = 7 },
		{ .mode = 3, .root = TABLES + 8 },
		{ .mode = 3, .root = UINT64_C(1) << 52 },
		{ .mode = 3, .root = TABLES, .prot = 4 },
		{ .mode = 3, .root = TABLES, .flags = 1 },
		{ .mode = 3, .root = TABLES, .excluded = 1, .excluded_bytes = PAGE },
		{ .mode = 3, .root = TABLES, .excluded = PAGE, .excluded_bytes = 1 },
		{ .mode = 3, .root = TABLES, .excluded = UINT64_MAX - PAGE + 1, .excluded_bytes = 2 * PAGE },
	};
	struct viommu_amdvi_tables tables;
	struct viommu_features features = { .size = sizeof(features) };
	struct viommu_domain *domain;
	struct viommu_run run;
	uint64_t root;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tables = bad[i];
		tables.size = sizeof(tables);
		assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_AMDVI, &tables, NULL, &domain), -EINVAL);
	}
	tables = (struct viommu_amdvi_tables){ .size = sizeof(tables) - 1 };
	assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_AMDVI, &tables, NULL, &domain), -EINVAL);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, IOVA, DATA, P_RW);
	tables = (struct viommu_amdvi_tables){ .size = sizeof(tables), .mode = 3, .root = root, .prot = VIOMMU_READ };
	assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_AMDVI, &tables, NULL, &domain), 0);
	assert_int_equal(viommu_domain_walk(domain, IOVA + 8, &run, NULL), 0);
	assert_int_equal(run.gpa, DATA);
	assert_int_equal(run.prot, VIOMMU_READ);
	viommu_domain_destroy(domain);
	/* All is excluded. */
	tables.excluded_bytes = UINT64_C(1) << 39;
	assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_AMDVI, &tables, NULL, &domain), 0);
	assert_int_equal(viommu_domain_walk(domain, IOVA, &run, NULL), -EFAULT);
	viommu_domain_destroy(domain);
	assert_string_equal(viommu_domain_type_name(VIOMMU_DOMAIN_AMDVI), "AMD-Vi");
	assert_string_equal(viommu_format_name(VIOMMU_FORMAT_AMDV1), "amdv1");
	assert_int_equal(viommu_features(&features), 0);
	assert_true(features.guests >> VIOMMU_DOMAIN_AMDVI & 1);
	assert_true(features.formats >> VIOMMU_FORMAT_AMDV1 & 1);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_direct),	cmocka_unit_test(test_mode_0), cmocka_unit_test(test_blocked), cmocka_unit_test(test_illegal),
		cmocka_unit_test(test_modes),	cmocka_unit_test(test_sizes),  cmocka_unit_test(test_rights),  cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_sharing), cmocka_unit_test(test_calls),  cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
