/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * AMD-Vi, with leaves of 4 KiB, some of them written with a size. The IOMMU walks at each access
 * and caches nothing; what fails would be an event, which the plugin has to keep from the guest.
 */
#include "guest_x86.h"

#include <stdio.h>
#include <stdlib.h>

#define ADDRESS UINT64_C(0xffffffffff000)
#define RIGHTS	(UINT64_C(3) << 61)

static uint64_t top[3], devices = 0x10000;

static uint64_t entry_of(unsigned int device)
{
	return devices + device * UINT64_C(32);
}

static struct iotlb_entry translate(unsigned int device, uint64_t iova, bool is_write)
{
	struct iotlb_entry entry = { .iova = iova, .addr_mask = PAGE - 1, .perm = 3, .translated_addr = iova };
	uint64_t word = machine_get(entry_of(device)), table = word & ADDRESS;
	unsigned int level;

	if (!(x86_load(0x18) & 1) || !(word >> 9 & 7))
		return entry;
	for (level = 4; level; level--) {
		word = machine_get(table + (iova >> (12 + 9 * (level - 1)) & 511) * 8);
		if (word & 1 && word >> (is_write ? 62 : 61) & 1) {
			table = word & ADDRESS;
			continue;
		}
		if (x86_load(0x18) & 4) {
			fprintf(stderr, "watch-machine: the guest sees an event at 0x%llx\n", (unsigned long long)iova);
			exit(70);
		}
		entry.perm = 0;
		return entry;
	}
	/* A leaf of 8 KiB: bit 12 of its address is a part of its size. */
	entry.translated_addr = (word >> 9 & 7) == 7 ? (table & ~UINT64_C(0x1fff)) | (iova & 0x1000) : table;
	return entry;
}

static uint64_t link_table(uint64_t table, unsigned int level)
{
	return table | (uint64_t)level << 9 | RIGHTS | 1;
}

/* Whatever is in an aligned pair of frames may be a leaf of 8 KiB, of which one half is used. */
static void set_page(unsigned int device, uint64_t iova, uint64_t gpa, unsigned int rights)
{
	uint64_t entry = gpa | (uint64_t)rights << 61 | 1;

	if ((gpa & 0x1000) == (iova & 0x1000) && machine_draw(2))
		entry = (gpa & ~UINT64_C(0x1fff)) | (uint64_t)rights << 61 | 7u << 9 | 1;
	machine_put(x86_entry_of(top[device], iova, link_table), rights ? entry : 0);
}

/* One command for each page, or one for the aligned range around them, of two pages at least. */
static void announce(unsigned int device, uint64_t iova, unsigned int pages)
{
	uint64_t command = UINT64_C(3) << 60 | (uint64_t)device << 32;
	unsigned int bits = 1;

	if (machine_draw(2)) {
		while (iova >> (12 + bits) != (iova + (pages - 1) * (uint64_t)PAGE) >> (12 + bits))
			bits++;
		iova = iova >> (12 + bits) << (12 + bits);
		x86_command(command, iova | ((UINT64_C(1) << (11 + bits)) - 0x1000) | 1);
		return;
	}
	while (pages--) {
		x86_command(command, iova);
		iova += PAGE;
	}
}

static void submit(void)
{
	x86_write(0x2008, 4, x86_command(UINT64_C(1) << 60 | X86_STATUS | 1, 1));
}

static void configure(unsigned int device, bool passes)
{
	machine_put(entry_of(device) + 8, device);
	machine_put(entry_of(device), passes ? RIGHTS | 3 : top[device] | 4u << 9 | RIGHTS | 3);
	x86_command(UINT64_C(2) << 60 | device, 0);
	/* All of the domain. */
	x86_command(UINT64_C(3) << 60 | (uint64_t)device << 32, UINT64_C(0x7ffffffffffff000) | 1);
	submit();
}

static void attach(unsigned int device)
{
	configure(device, false);
}

static void detach(unsigned int device)
{
	configure(device, true);
}

/* The IOMMU stays enabled. */
static void adopt(void)
{
	devices = x86_copy(devices);
	x86_write(0x00, 8, devices);
	x86_command(UINT64_C(8) << 60, 0);
	submit();
}

static void begin(void)
{
	top[1] = x86_new_table();
	top[2] = x86_new_table();
	machine_put(entry_of(1), RIGHTS | 3);
	machine_put(entry_of(2), RIGHTS | 3);
	x86_write(0x00, 8, devices);
	x86_write(0x08, 8, X86_QUEUE | UINT64_C(8) << 56);
	x86_write(0x2000, 4, 0);
	x86_write(0x2008, 4, 0);
	x86_write(0x18, 8, 1u << 12 | 1u << 2 | 1);
	x86_command(UINT64_C(8) << 60, 0);
	submit();
}

static const struct x86_iommu amdvi = { begin, attach, detach, adopt, set_page, announce, submit };

static void run(void)
{
	x86_run(&amdvi);
}

struct machine machine_amdvi = { .target = "x86_64", .iommu = "amd-iommu", .translate = translate, .load = x86_load, .store = x86_store, .run = run };
