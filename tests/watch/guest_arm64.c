/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An arm64 guest with an SMMUv3 and two PCI devices. The SMMU walks the guest's tables at each
 * access and caches nothing. The walk is written here from the bit positions.
 */
#include "machine.h"

#define BASE	UINT64_C(0x40000000)
#define STRTAB	(BASE + 0x10000)
#define LEVEL_2 (BASE + 0x20000)
#define QUEUE	(BASE + 0x40000)
#define CDS	(BASE + 0x60000)
#define TABLES	(BASE + 0x80000)
#define DATA	(BASE + 0x400000)
#define FRAMES	1024u /* of each device */

#define FIRST	    UINT64_C(0xfff00000)
#define PAGES	    512u
#define QUEUE_BITS  10u
#define READ_ONLY   UINT64_C(0x80)
#define ROUNDS	    300u
#define CR0	    0x20u
#define CR0_ENABLED 0xdu /* SMMUEN, EVENTQEN, CMDQEN */

static uint32_t cr0, prod;
static uint64_t block = FIRST_BLOCK, next_table = TABLES;
static unsigned int commands;

static uint64_t cd_of(unsigned int device)
{
	return CDS + device * UINT64_C(0x1000);
}

static uint64_t ste_of(unsigned int device)
{
	return LEVEL_2 + device * UINT64_C(64);
}

static struct iotlb_entry translate(unsigned int device, uint64_t iova, bool is_write)
{
	struct iotlb_entry entry = { .iova = iova, .addr_mask = PAGE - 1 };
	uint64_t table, word = 0;
	unsigned int level, config = machine_get(ste_of(device)) >> 1 & 7;

	if (!(cr0 & 1) || config == 4) {
		entry.translated_addr = iova;
		entry.perm = 3;
		return entry;
	}
	if (config != 5)
		return entry;
	table = machine_get(cd_of(device) + 8);
	for (level = 0; level < 4; level++) {
		word = machine_get(table + (iova >> (39 - 9 * level) & 511) * 8);
		if (!(word & 1))
			return entry;
		table = word & UINT64_C(0xfffffffff000);
	}
	if (is_write && word & READ_ONLY)
		return entry;
	entry.translated_addr = table;
	entry.perm = is_write ? 3 : 1;
	return entry;
}

static void store(uint64_t offset, uint64_t value)
{
	if (offset == CR0)
		cr0 = (uint32_t)value;
}

static void write32(uint64_t offset, uint64_t value)
{
	machine_stored(IOMMU_REGISTERS + offset, 4, value);
}

static void command(uint64_t word0, uint64_t word1)
{
	uint64_t at = QUEUE + (prod & ((1u << QUEUE_BITS) - 1)) * UINT64_C(16);

	machine_put(at, word0);
	machine_put(at + 8, word1);
	prod = (prod + 1) & ((2u << QUEUE_BITS) - 1);
	commands++;
}

/* CMD_SYNC, and the store that submits all commands. */
static void hand_in(void)
{
	command(0x46, 0);
	write32(0x98, prod);
}

static void kick(unsigned int device)
{
	machine_stored(DEVICE_REGISTERS + (device - 1) * UINT64_C(0x10000) + 0x1000, 4, 1);
}

/* The address of a page's entry. Adds the tables on the path. */
static uint64_t entry_of(unsigned int device, uint64_t iova)
{
	uint64_t table = machine_get(cd_of(device) + 8);
	unsigned int level;

	for (level = 0; level < 3; level++) {
		uint64_t at = table + (iova >> (39 - 9 * level) & 511) * 8;

		if (!(machine_get(at) & 1)) {
			machine_put(at, next_table | 3);
			next_table += PAGE;
		}
		table = machine_get(at) & UINT64_C(0xfffffffff000);
	}
	return table + (iova >> 12 & 511) * 8;
}

static uint64_t iova_of(unsigned int page)
{
	return FIRST + page * (uint64_t)PAGE;
}

static void set_page(unsigned int device, unsigned int page, uint64_t entry)
{
	machine_put(entry_of(device, iova_of(page)), entry);
}

static uint64_t frame(unsigned int number)
{
	return DATA + number * (uint64_t)PAGE;
}

/* CMD_TLBI_NH_VA of one granule or of a range. */
static void invalidate(unsigned int device, unsigned int page, unsigned int count)
{
	unsigned int scale = count % 2 == 0;

	/* One page alone is not a range (NUM and SCALE 0). */
	if (count > 1 && machine_draw(2)) {
		command((uint64_t)device << 48 | scale << 20 | ((count >> scale) - 1) << 12 | 0x12, iova_of(page) | 1u << 10 | 1);
		return;
	}
	while (count--)
		command((uint64_t)device << 48 | 0x12, iova_of(page++));
}

static void read_blocks(unsigned int device)
{
	unsigned int count = machine_blocks(block), page = machine_draw(PAGES - 16), first = machine_draw(FRAMES - 16), i;

	for (i = 0; i < count; i++)
		set_page(device, page + i, frame(first + i) | 0x443);
	kick(device);
	for (i = 0; i < count; i++)
		machine_dma_block(frame(first + i), block + i);
	block += count;
	for (i = 0; i < count; i++)
		set_page(device, page + i, 0);
	invalidate(device, page, count);
	hand_in();
}

static void change_pages(unsigned int device)
{
	unsigned int count = 2 + machine_draw(8), page = machine_draw(PAGES - 16), i;

	/* Valid entries are cleared first. */
	for (i = 0; i < count; i++)
		set_page(device, page + i, 0);
	if (machine_draw(8) == 0)
		command((uint64_t)device << 48 | 0x11, 0);
	else
		invalidate(device, page, count);
	hand_in();
	for (i = 0; i < count; i++) {
		if (machine_draw(3))
			set_page(device, page + i, frame(FRAMES + machine_draw(FRAMES)) | 0x443 | (machine_draw(3) ? 0 : READ_ONLY));
	}
	kick(device);
}

static void begin_device(unsigned int device)
{
	/*
	 * T0SZ 16, granule 4 KiB, no TTB1, AArch64, faults recorded, ASID; matches the library's
	 * SMMU.
	 */
	machine_put(cd_of(device) + 8, next_table);
	next_table += PAGE;
	machine_put(cd_of(device),
		    16 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | (uint64_t)device << 48);
	machine_put(ste_of(device), cd_of(device) | 5u << 1 | 1);
	command((uint64_t)device << 32 | 0x03, 1);
	hand_in();
}

static void run(void)
{
	unsigned int round;

	machine_plug("disk0", 1);
	machine_plug("disk1", 2);
	kick(1);
	machine_put(STRTAB, LEVEL_2 | 9);
	machine_put(ste_of(1), 4u << 1 | 1);
	machine_put(ste_of(2), 4u << 1 | 1);
	write32(CR0, 0);
	write32(0x28, 0xd75);
	machine_stored(IOMMU_REGISTERS + 0x80, 8, STRTAB);
	write32(0x88, 1u << 16 | 8u << 6 | 16u);
	machine_stored(IOMMU_REGISTERS + 0x90, 8, QUEUE | QUEUE_BITS);
	/* PROD and CONS at once. */
	machine_stored(IOMMU_REGISTERS + 0x98, 8, 0);
	write32(CR0, 8);
	command(0x04, 31);
	command(0x30, 0);
	hand_in();
	write32(CR0, CR0_ENABLED);
	kick(1);
	begin_device(1);
	begin_device(2);
	while (block < FIRST_BLOCK + BLOCKS)
		read_blocks(1);
	for (round = 0; round < ROUNDS; round++)
		change_pages(2);
	/* More commands than the recorded queue holds, submitted at once. */
	for (round = 0; round < 600; round++)
		command((uint64_t)2 << 48 | 0x12, iova_of(round % PAGES));
	hand_in();
	/* Disables translation again. */
	machine_put(ste_of(2), 4u << 1 | 1);
	command((uint64_t)2 << 32 | 0x03, 1);
	hand_in();
	kick(2);
	write32(CR0, 0);
}

struct machine machine_arm64 = { .target = "aarch64", .iommu = "arm-smmuv3", .ram_gpa = BASE, .translate = translate, .store = store, .run = run };
