/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nested HWPTs of iommufd by the module, on a kernel that has linux/patches. This program writes a
 * guest's tables of three architectures, walks them itself, and compares the device's accesses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/smmuv3_spec.h>
#include <viommu/zpci.h>

#include "../dma/kernel.h"
#include "iommufd_rig.h"

#define A      (RIG_NUMBERED + 8 * PAGE) /* GPAs */
#define B      (RIG_NUMBERED + 77 * PAGE)
#define ROUNDS 12u
#define DEATHS 16u

/* The rig's own page. */
#define OWN_IOVA (RIG_PBA + 15 * MIB)
#define OWN_GPA	 (RIG_BYTES - PAGE)

/* The IOMMU of smmuv3 nests itself. */
static bool load_module(void)
{
	return rig_load(false) && (!rig_is_on("smmuv3") || kernel_write("/sys/module/viommu/parameters/software_nesting", "Y"));
}

static uint64_t load(const struct nest_rig *nest, uint64_t gpa)
{
	uint64_t word;

	memcpy(&word, nest->rig.memory + gpa, sizeof(word));
	return word;
}

static void store(struct nest_rig *nest, uint64_t gpa, uint64_t word)
{
	__atomic_store_n((uint64_t *)(void *)(nest->rig.memory + gpa), word, __ATOMIC_RELEASE);
}

/* Compares the device's accesses with a walk of the tables by this program. */
static void check(struct nest_rig *nest, uint64_t (*walk)(const struct nest_rig *nest, uint64_t iova, bool *written), uint64_t iova)
{
	bool written = false;
	uint64_t gpa = walk(nest, iova, &written);

	rig_reaches(&nest->rig, iova, gpa, written);
}

/* A segment table's entry leads to a page table, whose entries are pages. Big-endian. */
static uint64_t walk_zpci(const struct nest_rig *nest, uint64_t iova, bool *written)
{
	uint64_t entry = __builtin_bswap64(load(nest, rig_leaf(iova)));

	if (entry & VIOMMU_ZPCI_PAGE_INVALID)
		return RIG_NOWHERE;
	*written = !(entry & VIOMMU_ZPCI_ENTRY_PROTECTED);
	return entry & ~(PAGE - 1);
}

/* Tables of x86-64 for the first GiB above RIG_PBA: 2 MiB for each PT. */
#define PML4	  UINT64_C(0x80000)
#define PDPT	  UINT64_C(0x81000)
#define PD	  UINT64_C(0x82000)
#define PT(n)	  (UINT64_C(0x83000) + (n)*PAGE)
#define PTS	  8u
#define X86_ENTRY UINT64_C(0x7) /* present, writable, a user's */
#define X86_READ  UINT64_C(0x5)
#define X86_BITS  UINT64_C(0x000ffffffffff000)

static uint64_t vtd_leaf(uint64_t iova)
{
	return PT(iova % (1024 * MIB) / (2 * MIB)) + iova % (2 * MIB) / PAGE * 8;
}

static uint64_t walk_vtd(const struct nest_rig *nest, uint64_t iova, bool *written)
{
	uint64_t table = PML4;

	*written = true;
	for (unsigned int shift = 39; shift >= 12; shift -= 9) {
		uint64_t entry = load(nest, table + (iova >> shift & 511) * 8);

		if (!(entry & 1) || !(entry & 4))
			return RIG_NOWHERE;
		*written &= !!(entry & 2);
		table = entry & X86_BITS;
	}
	return table;
}

static void fill_vtd(struct nest_rig *nest)
{
	memset(nest->rig.memory + PML4, 0, PT(PTS) - PML4);
	store(nest, PML4 + (RIG_PBA >> 39 & 511) * 8, PDPT | X86_ENTRY);
	store(nest, PDPT + (RIG_PBA >> 30 & 511) * 8, PD | X86_ENTRY);
	for (uint64_t i = 0; i < PTS; i++)
		store(nest, PD + i * 8, PT(i) | X86_ENTRY);
	store(nest, vtd_leaf(OWN_IOVA), OWN_GPA | X86_ENTRY);
}

static int alloc_vtd(struct nest_rig *nest, uint32_t *hwpt)
{
	struct nest_data_vtd data = { .table = PML4, .address_width = 48 };

	return nest_alloc(nest, nest->parent, NEST_DATA_VTD, &data, sizeof(data), hwpt);
}

static void invalidate_vtd(struct nest_rig *nest, uint32_t hwpt, uint64_t iova, uint64_t pages)
{
	struct nest_invalidate_vtd entry = { .first = iova, .pages = pages };
	uint32_t number = 1;

	assert_int_equal(nest_invalidate(nest, hwpt, NEST_INVALIDATE_VTD, &entry, sizeof(entry), &number), 0);
	assert_int_equal(number, 1);
}

static void open_zpci(struct nest_rig *nest, uint64_t iova, uint32_t *hwpt)
{
	nest_open(nest, false);
	rig_name(&nest->rig, iova, 1, A, true);
	assert_int_equal(nest_zpci(nest, nest->parent, hwpt), 0);
	assert_int_equal(nest_attach(nest, *hwpt), 0);
	nest_drive(nest);
}

static void test_zpci(void **state)
{
	uint64_t at = RIG_PBA + 5 * PAGE;
	struct nest_rig nest;
	uint32_t hwpt;

	(void)state;
	open_zpci(&nest, at, &hwpt);
	check(&nest, walk_zpci, at);
	check(&nest, walk_zpci, at + PAGE);
	/* Translations change by an invalidation alone, and only in its range. */
	rig_name(&nest.rig, at, 1, B, false);
	rig_name(&nest.rig, at + PAGE, 1, B, true);
	rig_reaches(&nest.rig, at, A, true);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 1), NEST_DONE);
	check(&nest, walk_zpci, at);
	rig_reaches(&nest.rig, at + PAGE, RIG_NOWHERE, false);
	assert_int_equal(nest_refresh(&nest, hwpt, at + PAGE, 1), NEST_DONE);
	check(&nest, walk_zpci, at + PAGE);
	rig_hide(&nest.rig, at, 1);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 1), NEST_DONE);
	check(&nest, walk_zpci, at);
	assert_int_equal(nest_refresh(&nest, hwpt, RIG_PAL + 1, 1), NEST_OUTSIDE);
	nest_close(&nest);
}

static void test_random(void **state)
{
	struct nest_rig nest;
	uint32_t zpci, vtd;

	(void)state;
	srandom(17);
	open_zpci(&nest, RIG_PBA, &zpci);
	fill_vtd(&nest);
	assert_int_equal(alloc_vtd(&nest, &vtd), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t at = RIG_PBA + (uint64_t)random() % (14 * MIB / PAGE) * PAGE, gpa = RIG_NUMBERED + (uint64_t)random() % 3000 * PAGE;
		unsigned int kind = (unsigned int)random() % 4;

		if (kind)
			rig_name(&nest.rig, at, 1, gpa, kind > 1);
		else
			rig_hide(&nest.rig, at, 1);
		store(&nest, vtd_leaf(at), kind ? gpa | (kind > 1 ? X86_ENTRY : X86_READ) : 0);
		assert_int_equal(nest_refresh(&nest, zpci, at, 1), NEST_DONE);
		invalidate_vtd(&nest, vtd, at, 1);
		assert_int_equal(nest_attach(&nest, i % 2 ? vtd : zpci), 0);
		check(&nest, i % 2 ? walk_vtd : walk_zpci, at);
	}
	nest_close(&nest);
}

/*
 * First-stage tables of five levels that lead to those of four, a leaf of 2 MiB, and entries
 * without the bit for user accesses.
 */
static void test_vtd(void **state)
{
	uint64_t at = RIG_PBA + 2 * MIB + 3 * PAGE, pml5 = PT(PTS);
	struct nest_data_vtd data = { .table = pml5, .address_width = 57 };
	struct nest_rig nest;
	uint32_t hwpt;

	(void)state;
	nest_open(&nest, false);
	fill_vtd(&nest);
	memset(nest.rig.memory + pml5, 0, PAGE);
	store(&nest, pml5, PML4 | X86_ENTRY);
	store(&nest, vtd_leaf(at), A | X86_READ);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_VTD, &data, sizeof(data), &hwpt), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	nest_drive(&nest);
	check(&nest, walk_vtd, at);
	store(&nest, vtd_leaf(at), B | 3);
	invalidate_vtd(&nest, hwpt, at, 1);
	check(&nest, walk_vtd, at);
	store(&nest, PD + 8, 4 * MIB | X86_ENTRY | 0x80);
	invalidate_vtd(&nest, hwpt, RIG_PBA + 2 * MIB, 512);
	rig_reaches(&nest.rig, at, 4 * MIB + 3 * PAGE, true);
	/* One page of it stands for all of it. */
	store(&nest, PD + 8, 0);
	invalidate_vtd(&nest, hwpt, RIG_PBA + 2 * MIB + 100 * PAGE, 1);
	check(&nest, walk_vtd, at);
	store(&nest, PD + 8, PT(1) | X86_ENTRY);
	store(&nest, vtd_leaf(at), B | X86_ENTRY);
	invalidate_vtd(&nest, hwpt, 0, UINT64_MAX);
	check(&nest, walk_vtd, at);
	nest_close(&nest);
}

/* From the one to the other and back, and nothing that is in use is destroyed. */
static void test_life(void **state)
{
	uint64_t at = RIG_PBA + 9 * PAGE;
	struct nest_rig nest;
	uint32_t hwpt, other;

	(void)state;
	open_zpci(&nest, at, &hwpt);
	rig_name(&nest.rig, at, 1, B, true);
	assert_int_equal(nest_zpci(&nest, nest.parent, &other), 0);
	rig_reaches(&nest.rig, at, A, true);
	assert_int_equal(nest_attach(&nest, other), 0);
	rig_reaches(&nest.rig, at, B, true);
	assert_int_equal(nest_destroy(&nest, other), -EBUSY);
	assert_int_equal(nest_destroy(&nest, nest.parent), -EBUSY);
	assert_false(rig_unload());
	/* The parent's IOVAs are GPAs. */
	assert_int_equal(nest_attach(&nest, nest.parent), 0);
	assert_int_equal(dma_read_from(nest.rig.device, A, 0), 0);
	memset(nest.rig.memory + B, 0, PAGE);
	assert_int_equal(dma_write_to(nest.rig.device, B, 0), 0);
	assert_int_equal(load(&nest, B), load(&nest, A));
	store(&nest, B, load(&nest, A) + (B - A) / PAGE);
	assert_int_equal(nest_destroy(&nest, other), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	rig_reaches(&nest.rig, at, A, true);
	assert_int_equal(nest_attach(&nest, 0), 0);
	memset(nest.rig.memory + A, 0x11, PAGE);
	dma_write_to(nest.rig.device, at, 0);
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(nest.rig.memory[A + i], 0x11);
	assert_int_equal(nest_destroy(&nest, hwpt), 0);
	assert_int_equal(nest_destroy(&nest, hwpt), -ENOENT);
	assert_int_equal(nest_destroy(&nest, nest.parent), 0);
	nest_close(&nest);
}

/* They come in each HWPT, wherever they were set up. */
static void test_interrupts(void **state)
{
	struct nest_rig nest;
	uint32_t hwpt, other;
	int event;

	(void)state;
	open_zpci(&nest, RIG_PBA, &hwpt);
	fill_vtd(&nest);
	assert_int_equal(alloc_vtd(&nest, &other), 0);
	event = rig_interrupt(&nest.rig);
	assert_true(rig_interrupts(&nest.rig, event));
	assert_int_equal(nest_attach(&nest, other), 0);
	assert_true(rig_interrupts(&nest.rig, event));
	store(&nest, vtd_leaf(RIG_PBA), A | X86_ENTRY);
	invalidate_vtd(&nest, other, 0, UINT64_MAX);
	store(&nest, vtd_leaf(RIG_PBA), 0);
	invalidate_vtd(&nest, other, 0, UINT64_MAX);
	assert_true(rig_interrupts(&nest.rig, event));
	assert_int_equal(nest_attach(&nest, nest.parent), 0);
	assert_true(rig_interrupts(&nest.rig, event));
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	assert_true(rig_interrupts(&nest.rig, event));
	close(event);
	nest_close(&nest);
}

/* Memory goes and comes beneath a HWPT that a device is attached to. */
static void test_memory(void **state)
{
	uint64_t at = RIG_PBA + 5 * PAGE;
	struct nest_rig nest;
	uint32_t hwpt;

	(void)state;
	nest_open(&nest, true);
	assert_int_equal(nest_map(&nest, 0, 2 * MIB, true), 0);
	assert_int_equal(nest_map(&nest, 2 * MIB, MIB, true), 0);
	assert_int_equal(nest_map(&nest, RIG_BYTES - MIB, MIB, true), 0);
	rig_name(&nest.rig, at, 1, 2 * MIB + 7 * PAGE, true);
	rig_name(&nest.rig, at + PAGE, 1, 4 * MIB, true);
	assert_int_equal(nest_zpci(&nest, nest.parent, &hwpt), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	nest_drive(&nest);
	rig_reaches(&nest.rig, at, 2 * MIB + 7 * PAGE, true);
	rig_reaches(&nest.rig, at + PAGE, RIG_NOWHERE, false);
	assert_int_equal(nest_unmap(&nest, 2 * MIB, MIB), 0);
	rig_reaches(&nest.rig, at, RIG_NOWHERE, false);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 2), NEST_DONE);
	rig_reaches(&nest.rig, at, RIG_NOWHERE, false);
	/* It comes again to be read alone, and more of it. */
	assert_int_equal(nest_map(&nest, 2 * MIB, MIB, false), 0);
	assert_int_equal(nest_map(&nest, 3 * MIB, 2 * MIB, true), 0);
	rig_reaches(&nest.rig, at, RIG_NOWHERE, false);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 2), NEST_DONE);
	rig_reaches(&nest.rig, at, 2 * MIB + 7 * PAGE, false);
	rig_reaches(&nest.rig, at + PAGE, 4 * MIB, true);
	/* Without the tables themselves, nothing is reached from the next refresh on. */
	assert_int_equal(nest_unmap(&nest, 0, 2 * MIB), 0);
	assert_int_equal(nest_refresh(&nest, hwpt, RIG_PBA, (RIG_PAL + 1 - RIG_PBA) / PAGE), NEST_MALFORMED);
	memset(nest.rig.memory + OWN_GPA, 0x22, PAGE);
	dma_write_to(nest.rig.device, OWN_IOVA, 0);
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(nest.rig.memory[OWN_GPA + i], 0x22);
	nest_close(&nest);
}

/* The status of the invalidation and an event of the vIOMMU report a malformed entry. */
static void test_malformed(void **state)
{
	uint64_t at = RIG_PBA + 2 * MIB, bad = VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD);
	struct nest_event_zpci event;
	struct nest_rig nest;
	uint32_t viommu, vdevice, hwpt;
	int fd;

	(void)state;
	nest_open(&nest, false);
	assert_int_equal(nest_viommu(&nest, NEST_VIOMMU_ZPCI, &viommu), 0);
	assert_int_equal(nest_vdevice(&nest, viommu, 0x55, &vdevice), 0);
	assert_int_equal(nest_events(&nest, viommu, NEST_VEVENTQ_ZPCI, &fd), 0);
	rig_name(&nest.rig, at, 1, A, true);
	assert_int_equal(nest_zpci(&nest, viommu, &hwpt), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	nest_drive(&nest);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 257), NEST_DONE);
	assert_false(nest_event(fd, &event, sizeof(event)));
	rig_store(&nest.rig, rig_segment(at + MIB), bad);
	rig_name(&nest.rig, at + PAGE, 1, B, true);
	assert_int_equal(nest_refresh(&nest, hwpt, at, 257), NEST_MALFORMED);
	assert_true(nest_event(fd, &event, sizeof(event)));
	assert_int_equal(event.iova, at + MIB);
	assert_int_equal(event.entry_gpa, rig_segment(at + MIB));
	assert_int_equal(event.entry, bad);
	assert_int_equal(event.id, 0x55);
	assert_int_equal(event.level, 1);
	assert_false(nest_event(fd, &event, sizeof(event)));
	rig_reaches(&nest.rig, at, A, true);
	rig_reaches(&nest.rig, at + PAGE, B, true);
	rig_reaches(&nest.rig, at + MIB, RIG_NOWHERE, false);
	close(fd);
	assert_int_equal(nest_destroy(&nest, viommu), -EBUSY);
	nest_close(&nest);
}

/* Arm: a context descriptor, and tables of 39 bits of IOVA with pages of 4096 bytes. */
#define CD	  UINT64_C(0x9e000)
#define ARM_L1	  UINT64_C(0x90000)
#define ARM_L2	  UINT64_C(0x91000)
#define ARM_L3(n) (UINT64_C(0x92000) + (n)*PAGE)
#define ARM_TABLE UINT64_C(0x3)
#define ARM_PAGE  UINT64_C(0x443) /* AF, AP[1] */
#define ARM_READ  UINT64_C(0x4c3)
#define SID	  UINT64_C(0x21)
#define CD0	  (25u | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | UINT64_C(7) << 48)

static uint64_t arm_leaf(uint64_t iova)
{
	return ARM_L3(iova % (1024 * MIB) / (2 * MIB)) + iova % (2 * MIB) / PAGE * 8;
}

static uint64_t walk_arm(const struct nest_rig *nest, uint64_t iova, bool *written)
{
	uint64_t table = load(nest, CD + 8) & X86_BITS, entry = 0;

	for (unsigned int shift = 30; shift >= 12; shift -= 9) {
		entry = load(nest, table + (iova >> shift & 511) * 8);
		if ((entry & 3) != 3)
			return RIG_NOWHERE;
		table = entry & UINT64_C(0x0000fffffffff000);
	}
	*written = !(entry & 0x80);
	return table;
}

static int command(struct nest_rig *nest, uint32_t viommu, uint64_t word0, uint64_t word1)
{
	uint64_t words[2] = { word0, word1 };
	uint32_t number = 1;
	int error = nest_invalidate(nest, viommu, IOMMUFD_ABI_INVALIDATE_SMMUV3, words, sizeof(words), &number);

	assert_int_equal(number, !error);
	return error;
}

static void fill_arm(struct nest_rig *nest, uint64_t root)
{
	memset(nest->rig.memory + root, 0, PAGE);
	memset(nest->rig.memory + ARM_L2, 0, ARM_L3(8) - ARM_L2);
	store(nest, root + RIG_PBA / (1024 * MIB) * 8, ARM_L2 | ARM_TABLE);
	for (uint64_t i = 0; i < 8; i++)
		store(nest, ARM_L2 + i * 8, ARM_L3(i) | ARM_TABLE);
	store(nest, arm_leaf(OWN_IOVA), OWN_GPA | ARM_PAGE);
	memset(nest->rig.memory + CD, 0, 64);
	store(nest, CD + 8, root);
	store(nest, CD, CD0);
}

static void test_smmuv3(void **state)
{
	uint64_t at = RIG_PBA + 5 * PAGE, ste[2] = { CD | 5 << 1 | 1, 0 }, record[4], abort[2] = { 1, 0 }, bypass[2] = { 4 << 1 | 1, 0 };
	uint32_t viommu, vdevice, hwpt, other;
	struct nest_rig nest;
	int fd;

	(void)state;
	nest_open(&nest, false);
	fill_arm(&nest, ARM_L1);
	store(&nest, arm_leaf(at), A | ARM_PAGE);
	assert_int_equal(nest_viommu(&nest, IOMMUFD_ABI_VIOMMU_SMMUV3, &viommu), 0);
	assert_int_equal(nest_vdevice(&nest, viommu, SID, &vdevice), 0);
	assert_int_equal(nest_events(&nest, viommu, IOMMUFD_ABI_VEVENTQ_SMMUV3, &fd), 0);
	assert_int_equal(nest_alloc(&nest, nest.parent, IOMMUFD_ABI_HWPT_DATA_SMMUV3, ste, sizeof(ste), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_alloc(&nest, viommu, IOMMUFD_ABI_HWPT_DATA_SMMUV3, ste, sizeof(ste), &hwpt), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	nest_drive(&nest);
	check(&nest, walk_arm, at);
	store(&nest, arm_leaf(at), B | ARM_READ);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_TLBI_NH_VA | UINT64_C(7) << 48, at), 0);
	check(&nest, walk_arm, at);
	store(&nest, arm_leaf(at), 0);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_TLBI_NSNH_ALL, 0), 0);
	check(&nest, walk_arm, at);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_SYNC, 0), -EIO);
	/* Other tables. */
	store(&nest, arm_leaf(at), A | ARM_PAGE);
	memcpy(nest.rig.memory + 0xa0000, nest.rig.memory + ARM_L1, PAGE);
	memset(nest.rig.memory + ARM_L1, 0, PAGE);
	store(&nest, CD + 8, 0xa0000);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_CFGI_CD | SID << 32, 1), 0);
	check(&nest, walk_arm, at);
	assert_false(nest_event(fd, record, sizeof(record)));
	/* A table where there is no memory: F_WALK_EABT. */
	store(&nest, ARM_L2 + 8, 64 * MIB | ARM_TABLE);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_TLBI_NH_ALL, 0), 0);
	assert_true(nest_event(fd, record, sizeof(record)));
	assert_int_equal(record[0], VIOMMU_SMMUV3_F_WALK_EABT | SID << 32);
	assert_int_equal(record[2], RIG_PBA + 2 * MIB);
	assert_int_equal(record[3], 64 * MIB);
	check(&nest, walk_arm, at);
	/* An illegal descriptor: C_BAD_CD, and no translation until a legal one is configured. */
	store(&nest, CD, 0);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_CFGI_CD_ALL | SID << 32, 0), 0);
	assert_true(nest_event(fd, record, sizeof(record)));
	assert_int_equal(record[0], VIOMMU_SMMUV3_C_BAD_CD | SID << 32);
	memset(nest.rig.memory + A, 0x11, PAGE);
	dma_write_to(nest.rig.device, at, 0);
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(nest.rig.memory[A + i], 0x11);
	store(&nest, A, UINT64_C(0x6e756d6265720000) + A / PAGE);
	store(&nest, CD, CD0);
	store(&nest, ARM_L2 + 8, ARM_L3(1) | ARM_TABLE);
	assert_int_equal(command(&nest, viommu, VIOMMU_SMMUV3_CMD_CFGI_CD_ALL | SID << 32, 0), 0);
	check(&nest, walk_arm, at);
	assert_false(nest_event(fd, record, sizeof(record)));
	/* Entries that abort, and that bypass. */
	assert_int_equal(nest_alloc(&nest, viommu, IOMMUFD_ABI_HWPT_DATA_SMMUV3, abort, sizeof(abort), &other), 0);
	assert_int_equal(nest_attach(&nest, other), 0);
	memset(nest.rig.memory + B, 0x33, PAGE);
	dma_write_to(nest.rig.device, B, 0);
	assert_int_equal(nest.rig.memory[B], 0x33);
	assert_int_equal(nest_alloc(&nest, viommu, IOMMUFD_ABI_HWPT_DATA_SMMUV3, bypass, sizeof(bypass), &other), 0);
	assert_int_equal(nest_attach(&nest, other), 0);
	assert_int_equal(dma_read_from(nest.rig.device, A, 0), 0);
	assert_int_equal(dma_write_to(nest.rig.device, B, 0), 0);
	assert_int_equal(load(&nest, B), load(&nest, A));
	ste[0] |= UINT64_C(1) << 59;
	assert_int_equal(nest_alloc(&nest, viommu, IOMMUFD_ABI_HWPT_DATA_SMMUV3, ste, sizeof(ste), &other), -EIO);
	close(fd);
	nest_close(&nest);
}

static void test_reserved(void **state)
{
	const uint64_t window = rig_reserved(), table = 0xb0000;
	struct vfio_viommu_zpci tables = rig_tables(0, 4 * GIB - 1);
	struct nest_data_zpci data = { .iota = tables.iota, .pba = tables.pba, .pal = tables.pal };
	struct nest_rig nest;
	uint32_t hwpt;

	(void)state;
	nest_open(&nest, false);
	for (uint64_t i = 0; i < 256; i++)
		rig_store(&nest.rig, table + i * 8, 0x400);
	rig_store(&nest.rig, rig_segment(window), table);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, &data, sizeof(data), &hwpt), 0);
	rig_store(&nest.rig, table + 8, A);
	assert_int_equal(nest_refresh(&nest, hwpt, window, 256), NEST_INSUFFICIENT);
	assert_int_equal(nest_zpci(&nest, nest.parent, &hwpt), 0);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, &data, sizeof(data), &hwpt), -ENOSPC);
	nest_close(&nest);
}

static void test_refused_arguments(void **state)
{
	struct nest_data_zpci zpci = { .pba = RIG_PAL, .pal = RIG_PBA };
	struct nest_data_vtd vtd = { .table = PML4, .address_width = 39 };
	uint64_t dte[4] = { 0 };
	struct nest_invalidate_zpci entries[3] = { { .first = RIG_PBA, .bytes = PAGE }, { .first = RIG_PBA, .bytes = 17 } };
	struct nest_invalidate_vtd vtd_entry = { .first = 17 };
	struct nest_rig nest;
	uint32_t hwpt, other, number;

	(void)state;
	nest_open(&nest, false);
	fill_vtd(&nest);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, &zpci, sizeof(zpci), &hwpt), -EINVAL);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, &zpci, sizeof(zpci) - 8, &hwpt), -EINVAL);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, (void *)8, sizeof(zpci), &hwpt), -EFAULT);
	zpci = (struct nest_data_zpci){ .flags = 1, .pba = RIG_PBA, .pal = RIG_PAL };
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_ZPCI, &zpci, sizeof(zpci), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_VTD, &vtd, sizeof(vtd), &hwpt), -EINVAL);
	vtd.address_width = 48;
	vtd.table = PML4 + 8;
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_VTD, &vtd, sizeof(vtd), &hwpt), -EINVAL);
	vtd.table = PML4;
	vtd.flags = 2;
	assert_int_equal(nest_alloc(&nest, nest.parent, NEST_DATA_VTD, &vtd, sizeof(vtd), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_alloc(&nest, nest.parent, 3, dte, sizeof(dte), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_alloc(&nest, nest.parent, 77, dte, sizeof(dte), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_alloc(&nest, nest.ioas, NEST_DATA_ZPCI, &zpci, sizeof(zpci), &hwpt), -EOPNOTSUPP);
	assert_int_equal(nest_viommu(&nest, 2, &other), -EOPNOTSUPP);
	assert_int_equal(nest_zpci(&nest, nest.parent, &hwpt), 0);
	assert_int_equal(alloc_vtd(&nest, &other), 0);
	/* entry_num counts the entries before the illegal one. */
	number = 3;
	assert_int_equal(nest_invalidate(&nest, hwpt, NEST_INVALIDATE_ZPCI, entries, sizeof(entries[0]), &number), -EINVAL);
	assert_int_equal(number, 1);
	number = 1;
	assert_int_equal(nest_invalidate(&nest, hwpt, NEST_INVALIDATE_VTD, entries, sizeof(entries[0]), &number), -EINVAL);
	assert_int_equal(number, 0);
	number = 0;
	assert_int_equal(nest_invalidate(&nest, hwpt, NEST_INVALIDATE_ZPCI, NULL, 0, &number), 0);
	assert_int_equal(nest_invalidate(&nest, hwpt, NEST_INVALIDATE_VTD, NULL, 0, &number), -EINVAL);
	number = 1;
	assert_int_equal(nest_invalidate(&nest, hwpt, NEST_INVALIDATE_ZPCI, (void *)8, sizeof(entries[0]), &number), -EFAULT);
	number = 1;
	assert_int_equal(nest_invalidate(&nest, other, NEST_INVALIDATE_VTD, &vtd_entry, sizeof(vtd_entry), &number), -EINVAL);
	vtd_entry = (struct nest_invalidate_vtd){ .flags = 2 };
	number = 1;
	assert_int_equal(nest_invalidate(&nest, other, NEST_INVALIDATE_VTD, &vtd_entry, sizeof(vtd_entry), &number), -EOPNOTSUPP);
	assert_int_equal(number, 0);
	invalidate_vtd(&nest, other, RIG_PBA, 0);
	invalidate_vtd(&nest, other, UINT64_MAX - PAGE + 1, 2);
	nest_close(&nest);
}

static void *changes_memory(void *ctx)
{
	struct nest_rig *nest = ctx;

	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(nest_unmap(nest, 8 * MIB, MIB), 0);
		assert_int_equal(nest_map(nest, 8 * MIB, MIB, i % 2), 0);
	}
	return NULL;
}

/* Memory goes while refreshes name it. In the end each page is as the tables say. */
static void test_race(void **state)
{
	uint64_t at = RIG_PBA + 3 * PAGE;
	struct nest_rig nest;
	pthread_t thread;
	uint32_t hwpt;

	(void)state;
	nest_open(&nest, true);
	assert_int_equal(nest_map(&nest, 0, 8 * MIB, true), 0);
	assert_int_equal(nest_map(&nest, 8 * MIB, MIB, true), 0);
	assert_int_equal(nest_map(&nest, 9 * MIB, RIG_BYTES - 9 * MIB, true), 0);
	assert_int_equal(nest_zpci(&nest, nest.parent, &hwpt), 0);
	assert_int_equal(nest_attach(&nest, hwpt), 0);
	nest_drive(&nest);
	assert_int_equal(pthread_create(&thread, NULL, changes_memory, &nest), 0);
	for (unsigned int i = 0; i < 400; i++) {
		uint32_t status;

		rig_name(&nest.rig, at, 64, 8 * MIB + i % 32 * PAGE, i % 3);
		status = nest_refresh(&nest, hwpt, RIG_PBA, 256);
		assert_true(status == NEST_DONE || status == NEST_INSUFFICIENT);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(nest_refresh(&nest, hwpt, RIG_PBA, 256), NEST_DONE);
	check(&nest, walk_zpci, at);
	check(&nest, walk_zpci, at + 63 * PAGE);
	nest_close(&nest);
}

/* A monitor at work, until it is killed. Entangled: in the creation of a HWPT, which takes long. */
static void work(void *ctx, int ready)
{
	const bool *entangled = ctx;
	struct nest_rig nest;
	uint32_t hwpt, vtd;

	nest_open(&nest, false);
	if (*entangled)
		rig_entangle(&nest.rig, RIG_PAL);
	fill_vtd(&nest);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (unsigned int i = 0;; i++) {
		nest_zpci(&nest, nest.parent, &hwpt);
		nest_attach(&nest, hwpt);
		rig_name(&nest.rig, RIG_PBA, 200, RIG_NUMBERED + i % 64 * PAGE, true);
		nest_refresh(&nest, hwpt, RIG_PBA, 4 * MIB / PAGE);
		alloc_vtd(&nest, &vtd);
		nest_attach(&nest, vtd);
		nest_destroy(&nest, hwpt);
		nest_unmap(&nest, 0, RIG_BYTES);
		nest_map(&nest, 0, RIG_BYTES, true);
		nest_attach(&nest, 0);
		nest_destroy(&nest, vtd);
	}
}

static void test_kill(void **state)
{
	struct nest_rig nest;
	uint32_t hwpt;

	(void)state;
	srandom(4);
	for (unsigned int i = 0; i < DEATHS; i++) {
		bool entangled = i >= DEATHS - 2;
		struct rig_child child;

		rig_fork(&child, work, &entangled);
		rig_await(&child);
		nanosleep(&(struct timespec){ .tv_nsec = random() % 300000000 }, NULL);
		rig_kill(&child);
	}
	open_zpci(&nest, RIG_PBA, &hwpt);
	rig_reaches(&nest.rig, RIG_PBA, A, true);
	nest_close(&nest);
	assert_true(rig_unload());
	assert_true(load_module());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_zpci, rig_setup),	    cmocka_unit_test_setup(test_random, rig_setup),
		cmocka_unit_test_setup(test_vtd, rig_setup),	    cmocka_unit_test_setup(test_life, rig_setup),
		cmocka_unit_test_setup(test_interrupts, rig_setup), cmocka_unit_test_setup(test_memory, rig_setup),
		cmocka_unit_test_setup(test_malformed, rig_setup),  cmocka_unit_test_setup(test_smmuv3, rig_setup),
		cmocka_unit_test_setup(test_reserved, rig_setup),   cmocka_unit_test_setup(test_refused_arguments, rig_setup),
		cmocka_unit_test_setup(test_race, rig_setup),	    cmocka_unit_test_setup(test_kill, rig_setup),
	};

	if (!load_module())
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
