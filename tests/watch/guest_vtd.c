/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VT-d, in legacy and in scalable mode. The unit walks at each access and caches nothing; what
 * fails would be a fault, which the plugin has to keep from the guest.
 */
#include "guest_x86.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT	    UINT64_C(0x10000)
#define DIRECTORIES UINT64_C(0x40000) /* a page for each device */
#define ENTRIES	    UINT64_C(0x50000)
#define AM_MOST	    18u /* CAP.MAMV */
#define ADDRESS	    UINT64_C(0xffffffffff000)

static bool scalable;
static uint64_t top[3], contexts = 0x11000;

static uint64_t context_of(unsigned int device)
{
	return contexts + device * (uint64_t)(scalable ? 32 : 16);
}

static void fail_quietly(uint64_t iova)
{
	if (x86_load(0x38) & 0x80000000u)
		return;
	fprintf(stderr, "watch-machine: the guest sees a fault at 0x%llx\n", (unsigned long long)iova);
	exit(70);
}

static struct iotlb_entry translate(unsigned int device, uint64_t iova, bool is_write)
{
	struct iotlb_entry entry = { .iova = iova, .addr_mask = PAGE - 1 };
	uint64_t word = machine_get(context_of(device)), table;
	unsigned int level;

	/* Translation is off, or this device passes. */
	if (!(x86_load(0x1c) & 0x80000000u) || (!scalable && (word & 0xf) == 9)) {
		entry.translated_addr = iova;
		entry.perm = 3;
		return entry;
	}
	if (scalable)
		word = machine_get(machine_get(word & ADDRESS) & ADDRESS);
	if (scalable && (word >> 6 & 7) == 4) {
		entry.translated_addr = iova;
		entry.perm = 3;
		return entry;
	}
	table = word & ADDRESS;
	for (level = 4; word & 1 && level; level--) {
		word = machine_get(table + (iova >> (12 + 9 * (level - 1)) & 511) * 8);
		if (!(word & (is_write ? 2u : 1u))) {
			fail_quietly(iova);
			return entry;
		}
		table = word & ADDRESS;
		word |= 1;
	}
	entry.translated_addr = table;
	entry.perm = is_write ? 3 : 1;
	return entry;
}

static void store(uint64_t offset, uint64_t value)
{
	/* Bits that are cleared by a 1, and the status of commands. */
	if (offset == 0x34 || offset == 0x22c)
		x86_store(offset, x86_load(offset) & ~value);
	else
		x86_store(offset, value);
	if (offset == 0x18)
		x86_store(0x1c, value & 0x84000000u);
	if (offset == 0x88)
		x86_store(0x80, value);
}

static uint64_t link_table(uint64_t table, unsigned int level)
{
	(void)level;
	return table | 3;
}

static void set_page(unsigned int device, uint64_t iova, uint64_t gpa, unsigned int rights)
{
	machine_put(x86_entry_of(top[device], iova, link_table), rights ? gpa | rights : 0);
}

/* One descriptor for each page, or one for the aligned range around them. */
static void announce(unsigned int device, uint64_t iova, unsigned int pages)
{
	unsigned int bits = 0;

	while (iova >> (12 + bits) != (iova + (pages - 1) * (uint64_t)PAGE) >> (12 + bits))
		bits++;
	if (bits <= AM_MOST && machine_draw(2)) {
		x86_command(2 | 3u << 4 | (uint64_t)device << 16, (iova >> (12 + bits) << (12 + bits)) | bits);
		return;
	}
	while (pages--) {
		x86_command(2 | 3u << 4 | (uint64_t)device << 16, iova);
		iova += PAGE;
	}
}

static void submit(void)
{
	x86_write(0x88, 8, x86_command(5 | 1u << 5 | UINT64_C(1) << 32, X86_STATUS));
}

static void flush(unsigned int device)
{
	x86_command(scalable ? 7 | 3u << 4 : 1 | 1u << 4, 0);
	x86_command(2 | 2u << 4 | (uint64_t)device << 16, 0);
	submit();
}

static void configure(unsigned int device, bool passes)
{
	uint64_t entry = ENTRIES + device * UINT64_C(0x1000);

	if (scalable) {
		machine_put(entry + 8, device);
		machine_put(entry, top[device] | (passes ? 4u : 2u) << 6 | 2u << 2 | 1);
		machine_put(DIRECTORIES + device * UINT64_C(0x1000), entry | 1);
		machine_put(context_of(device), (DIRECTORIES + device * UINT64_C(0x1000)) | 1);
	} else {
		machine_put(context_of(device) + 8, (uint64_t)device << 8 | 2);
		machine_put(context_of(device), passes ? 9 : top[device] | 1);
	}
}

static void attach(unsigned int device)
{
	configure(device, false);
	flush(device);
}

static void detach(unsigned int device)
{
	configure(device, true);
	flush(device);
}

/* Translation stays enabled. */
static void adopt(void)
{
	uint64_t root = x86_copy(ROOT);

	contexts = x86_copy(contexts);
	machine_put(root, contexts | 1);
	x86_write(0x20, 8, root | (scalable ? 1u << 10 : 0));
	x86_write(0x18, 4, 1u << 31 | 1u << 30 | 1u << 26);
	x86_command(scalable ? 7 | 3u << 4 : 1 | 1u << 4, 0);
	x86_command(2 | 1u << 4, 0);
	submit();
}

static void begin(void)
{
	unsigned int device;

	machine_put(ROOT, contexts | 1);
	for (device = 1; device <= 2; device++) {
		top[device] = x86_new_table();
		configure(device, true);
	}
	x86_write(0x20, 8, ROOT | (scalable ? 1u << 10 : 0));
	x86_write(0x18, 4, 1u << 30);
	x86_write(0x90, 8, X86_QUEUE);
	x86_write(0x18, 4, 1u << 26);
	flush(1);
	x86_write(0x18, 4, 1u << 31 | 1u << 26);
	x86_write(0x38, 4, 0);
}

static const struct x86_iommu vtd = { begin, attach, detach, adopt, set_page, announce, submit };

static void run(void)
{
	x86_run(&vtd);
}

static void run_scalable(void)
{
	scalable = true;
	x86_run(&vtd);
}

struct machine machine_vtd = { .target = "x86_64", .iommu = "intel-iommu", .translate = translate, .load = x86_load, .store = store, .run = run };
struct machine machine_vtd_scalable = {
	.target = "x86_64",
	.iommu = "intel-iommu",
	.translate = translate,
	.load = x86_load,
	.store = store,
	.run = run_scalable,
};
