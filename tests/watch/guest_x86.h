/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest on x86 with two PCI devices, which announces what becomes valid. guest_x86.c has what it
 * does, and a file for each IOMMU how that looks there. The walks are written from bit positions.
 */
#ifndef VIOMMU_TESTS_WATCH_GUEST_X86_H
#define VIOMMU_TESTS_WATCH_GUEST_X86_H

#include "machine.h"

#define X86_QUEUE   UINT64_C(0x20000)
#define X86_STATUS  UINT64_C(0x30000)
#define X86_TABLES  UINT64_C(0x80000)
#define X86_DATA    UINT64_C(0x400000)
#define X86_FRAMES  1024u /* of each device */
#define X86_FIRST   UINT64_C(0xfff00000)
#define X86_PAGES   512u
#define X86_ENTRIES 256u /* of the queue, each of 16 bytes */
#define X86_READ    1u
#define X86_WRITE   2u

struct x86_iommu {
	/* Enables it, with all devices in pass-through. */
	void (*begin)(void);
	/* Gives a device tables of its own, and takes them away again. */
	void (*attach)(unsigned int device);
	void (*detach)(unsigned int device);
	/*
	 * Another kernel takes over: with copies of what leads to tables, or after a reset of the
	 * device, with devices that have tables.
	 */
	void (*adopt)(void);
	/* A page: its frame with its rights; rights 0: none. */
	void (*set_page)(unsigned int device, uint64_t iova, uint64_t gpa, unsigned int rights);
	/* Announces a change of pages. */
	void (*announce)(unsigned int device, uint64_t iova, unsigned int pages);
	/* Submits what was announced. */
	void (*submit)(void);
};

void x86_run(const struct x86_iommu *iommu);

/* The address of a page's entry in tables of four levels; fn makes the entry that names a table. */
uint64_t x86_entry_of(uint64_t top, uint64_t iova, uint64_t (*link)(uint64_t table, unsigned int level));
uint64_t x86_new_table(void);

/* Copies a page of structures to a new one. */
uint64_t x86_copy(uint64_t page);

/* Appends an entry to the queue, and returns the offset behind it. */
uint32_t x86_command(uint64_t word0, uint64_t word1);

/* The machine's registers, by their offset. */
uint32_t x86_load(uint64_t offset);
void x86_store(uint64_t offset, uint64_t value);
void x86_write(uint64_t offset, unsigned int bytes, uint64_t value);

#endif
