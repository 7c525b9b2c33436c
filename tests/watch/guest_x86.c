/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest_x86.h"

#define ROUNDS	  300u
#define ADDRESSES UINT64_C(0xffffffffff000)

static uint32_t registers[0x1000], tail;
static uint64_t block = FIRST_BLOCK, next_table = X86_TABLES;

uint32_t x86_load(uint64_t offset)
{
	return registers[offset / 4];
}

void x86_store(uint64_t offset, uint64_t value)
{
	registers[offset / 4] = (uint32_t)value;
	if (value >> 32)
		registers[offset / 4 + 1] = (uint32_t)(value >> 32);
}

void x86_write(uint64_t offset, unsigned int bytes, uint64_t value)
{
	machine_stored(IOMMU_REGISTERS + offset, bytes, value);
}

uint64_t x86_new_table(void)
{
	next_table += PAGE;
	return next_table - PAGE;
}

uint64_t x86_copy(uint64_t page)
{
	uint64_t copy = x86_new_table(), at;

	for (at = 0; at < PAGE; at += 8)
		machine_put(copy + at, machine_get(page + at));
	return copy;
}

uint64_t x86_entry_of(uint64_t top, uint64_t iova, uint64_t (*link)(uint64_t table, unsigned int level))
{
	uint64_t table = top, at;
	unsigned int level;

	for (level = 3; level; level--) {
		at = table + (iova >> (12 + 9 * level) & 511) * 8;
		if (!machine_get(at))
			machine_put(at, link(x86_new_table(), level));
		table = machine_get(at) & ADDRESSES;
	}
	return table + (iova >> 12 & 511) * 8;
}

uint32_t x86_command(uint64_t word0, uint64_t word1)
{
	machine_put(X86_QUEUE + tail, word0);
	machine_put(X86_QUEUE + tail + 8, word1);
	tail = (tail + 16) % (X86_ENTRIES * 16);
	return tail;
}

static void kick(unsigned int device)
{
	machine_stored(DEVICE_REGISTERS + (device - 1) * UINT64_C(0x10000) + 0x1000, 4, 1);
}

static uint64_t iova_of(unsigned int page)
{
	return X86_FIRST + page * (uint64_t)PAGE;
}

static uint64_t frame(unsigned int number)
{
	return X86_DATA + number * (uint64_t)PAGE;
}

static void read_blocks(const struct x86_iommu *iommu)
{
	unsigned int count = machine_blocks(block), page = machine_draw(X86_PAGES - 16), first = machine_draw(X86_FRAMES - 16), i;

	/* The device only stores there. */
	for (i = 0; i < count; i++)
		iommu->set_page(1, iova_of(page + i), frame(first + i), X86_WRITE);
	iommu->announce(1, iova_of(page), count);
	iommu->submit();
	kick(1);
	for (i = 0; i < count; i++)
		machine_dma_block(frame(first + i), block + i);
	block += count;
	for (i = 0; i < count; i++)
		iommu->set_page(1, iova_of(page + i), 0, 0);
	iommu->announce(1, iova_of(page), count);
	iommu->submit();
}

/* Each page is there in every second round. */
static void change_pages(const struct x86_iommu *iommu, unsigned int round)
{
	static unsigned int page, count;
	unsigned int i, rights;

	if (round % 2 == 0) {
		count = 2 + machine_draw(8);
		page = machine_draw(X86_PAGES - 16);
	}
	for (i = 0; i < count; i++) {
		rights = round % 2 ? 0 : 1 + machine_draw(3);
		iommu->set_page(2, iova_of(page + i), frame(X86_FRAMES + machine_draw(X86_FRAMES)), rights);
	}
	iommu->announce(2, iova_of(page), count);
	iommu->submit();
	kick(2);
}

void x86_run(const struct x86_iommu *iommu)
{
	unsigned int round;
	bool adopted = false;

	machine_plug("disk0", 1);
	machine_plug("disk1", 2);
	kick(1);
	iommu->begin();
	kick(1);
	iommu->attach(1);
	iommu->attach(2);
	while (block < FIRST_BLOCK + BLOCKS) {
		read_blocks(iommu);
		if (adopted || block < FIRST_BLOCK + BLOCKS / 2)
			continue;
		iommu->adopt();
		adopted = true;
	}
	for (round = 0; round < 2 * ROUNDS; round++)
		change_pages(iommu, round);
	iommu->detach(2);
	kick(2);
}
