/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An s390x guest with two PCI functions. Like QEMU, its machine walks the guest's three-level
 * tables at each RPCIT and keeps the result. The walk is written here from the bit positions.
 */
#include "machine.h"

#include <stdlib.h>

#define CODE	   UINT64_C(0x1000)
#define FIB	   UINT64_C(0x2000)
#define CLP_BLOCK  UINT64_C(0x3000)
#define ROOT	   UINT64_C(0x10000)
#define SEGMENTS   UINT64_C(0x20000)
#define PAGE_TABLE UINT64_C(0x30000)
#define DATA	   UINT64_C(0x400000)
#define FRAMES	   1024u /* of each function */

#define FIRST	  UINT64_C(0x100000000)
#define PAGES	  1024u
#define READ_ONLY UINT64_C(0x200)
#define INVALID	  UINT64_C(0x400)
#define ROUNDS	  400u

static const uint8_t rpcit[] = { 0xb9, 0xd3, 0x00, 0x24 }, mpcifc[] = { 0xe3, 0x20, 0x50, 0x00, 0x00, 0xd0 }, clp[] = { 0xb9, 0xa0, 0x00, 0x26 },
		     other[] = { 0x18, 0x11 };

/* A function in the machine. */
struct function {
	uint32_t fh;
	uint64_t root;
	uint64_t shadow[PAGES]; /* GPA with 1 in bit 0, or 0 */
	uint64_t segments;
	uint64_t tables;
};
static struct function functions[2];
static uint64_t block = FIRST_BLOCK;

/* QEMU's S390IOTLBEntry. */
struct walk_entry {
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t len;
	uint64_t perm;
};

uint16_t __attribute__((visibility("default"))) s390_guest_io_table_walk(uint64_t iota, uint64_t iova, struct walk_entry *entry);
uint16_t s390_guest_io_table_walk(uint64_t iota, uint64_t iova, struct walk_entry *entry)
{
	uint64_t table = iota & ~UINT64_C(0xfff), word;

	*entry = (struct walk_entry){ .iova = iova & ~UINT64_C(0xfff), .len = PAGE };
	word = machine_get(table + (iova >> 31 & 0x7ff) * 8);
	if (word & 0x20) {
		entry->len = UINT64_C(1) << 31;
		return 0;
	}
	word = machine_get((word & ~UINT64_C(0xfff)) + (iova >> 20 & 0x7ff) * 8);
	if (word & 0x20) {
		entry->len = UINT64_C(1) << 20;
		return 0;
	}
	word = machine_get((word & ~UINT64_C(0x7ff)) + (iova >> 12 & 0xff) * 8);
	if (word & INVALID)
		return 0;
	entry->translated_addr = word & ~UINT64_C(0xfff);
	entry->perm = word & READ_ONLY ? 1 : 3;
	return 0;
}

static struct iotlb_entry translate(unsigned int device, uint64_t iova, bool is_write)
{
	uint64_t page = (iova - FIRST) / PAGE, found = page < PAGES ? functions[device - 0x10].shadow[page] : 0;

	(void)is_write;
	return (struct iotlb_entry){ .iova = iova, .translated_addr = found & ~UINT64_C(1), .addr_mask = PAGE - 1, .perm = found ? 3 : 0 };
}

static struct function *find(uint32_t fh)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (functions[i].fh == fh)
			return &functions[i];
	}
	return NULL;
}

static void set_cc(unsigned int vcpu, unsigned int cc)
{
	machine.registers[vcpu][PSW_MASK] = UINT64_C(0x180000000) | (uint64_t)cc << 44;
}

static void refresh(struct function *function, uint64_t start, uint64_t bytes)
{
	for (uint64_t iova = start; iova < start + bytes; iova += PAGE) {
		struct walk_entry entry;

		s390_guest_io_table_walk(function->root, iova, &entry);
		if ((iova - FIRST) / PAGE < PAGES)
			function->shadow[(iova - FIRST) / PAGE] = entry.perm ? entry.translated_addr | 1 : 0;
	}
}

static void begin_rpcit(unsigned int vcpu, uint32_t fh, uint64_t start, uint64_t bytes)
{
	machine.registers[vcpu][2] = (uint64_t)fh << 32;
	machine.registers[vcpu][4] = start;
	machine.registers[vcpu][5] = bytes;
	machine_execute(vcpu, CODE, rpcit, sizeof(rpcit));
}

/* The machine completes the instruction that was begun, and the vCPU continues after it. */
static void end_rpcit(unsigned int vcpu)
{
	struct function *function = find((uint32_t)(machine.registers[vcpu][2] >> 32));

	if (function && function->root)
		refresh(function, machine.registers[vcpu][4], machine.registers[vcpu][5]);
	set_cc(vcpu, function ? 0 : 3);
	machine_execute(vcpu, CODE + sizeof(rpcit), other, sizeof(other));
}

static void do_rpcit(uint32_t fh, uint64_t start, uint64_t bytes)
{
	begin_rpcit(0, fh, start, bytes);
	end_rpcit(0);
}

static void do_mpcifc(struct function *function, unsigned int operation, uint64_t iota)
{
	machine_put(FIB + 0x10, FIRST);
	machine_put(FIB + 0x18, FIRST + PAGES * PAGE - 1);
	machine_put(FIB + 0x20, iota);
	machine.registers[0][2] = (uint64_t)function->fh << 32 | operation;
	machine.registers[0][5] = FIB;
	machine_execute(0, CODE + 8, mpcifc, sizeof(mpcifc));
	function->root = iota;
	for (unsigned int i = 0; i < PAGES; i++)
		function->shadow[i] = 0;
	if (iota)
		refresh(function, FIRST, PAGES * PAGE);
	set_cc(0, 0);
	machine_execute(0, CODE + 8 + sizeof(mpcifc), other, sizeof(other));
}

/* CLP with a request of two doublewords after its header. The response is at `bytes`. */
static void do_clp(unsigned int command, unsigned int bytes, uint64_t request, uint64_t more, unsigned int answers, const uint64_t *answer)
{
	machine_put(CLP_BLOCK, (uint64_t)bytes << 48 | (uint64_t)command << 32);
	machine_put(CLP_BLOCK + 16, request);
	machine_put(CLP_BLOCK + 24, more);
	machine.registers[0][6] = CLP_BLOCK;
	machine_execute(0, CODE + 16, clp, sizeof(clp));
	machine_put(CLP_BLOCK + bytes, (uint64_t)(16 + answers * 8) << 48 | UINT64_C(0x10) << 32);
	for (unsigned int i = 0; i < answers; i++)
		machine_put(CLP_BLOCK + bytes + 16 + i * 8, answer[i]);
	set_cc(0, 0);
	machine_execute(0, CODE + 16 + sizeof(clp), other, sizeof(other));
}

/* Query PCI Function, and Set PCI Function. */
static void do_query(uint32_t fh, uint32_t fid)
{
	/* Group 1 and FID; nothing; PCHID and the like; PFT 5; first and last DMA address. */
	const uint64_t answer[] = { UINT64_C(1) << 32 | fid, 0, 0, 0, 0, 5, FIRST, FIRST + (UINT64_C(1) << 30) - 1 };
	const uint64_t group[] = { UINT64_C(0x01), UINT64_C(0x3) << 56, 0, UINT64_C(0xfe00000000000000), 0 };

	do_clp(3, 32, (uint64_t)fh << 32, 0, 8, answer);
	do_clp(4, 32, 1, 0, 5, group);
}

static void do_set(struct function *function, unsigned int operation, uint32_t to)
{
	do_clp(5, 32, (uint64_t)function->fh << 32 | operation << 8, 0, 1, (const uint64_t[]){ (uint64_t)to << 32 });
	function->fh = to;
}

static uint64_t entry_at(const struct function *function, unsigned int page)
{
	return function->tables + page * UINT64_C(8);
}

static void set_page(const struct function *function, unsigned int page, uint64_t entry)
{
	/* A table is linked with the first of its pages. */
	machine_put(function->segments + page / 256 * UINT64_C(8), (function->tables + page / 256 * UINT64_C(0x800)));
	machine_put(entry_at(function, page), entry);
}

static uint64_t frame(unsigned int number)
{
	return DATA + number * (uint64_t)PAGE;
}

static void begin_function(unsigned int i)
{
	struct function *function = &functions[i];
	uint32_t index = 0x20000 + i;
	unsigned int n;

	function->segments = SEGMENTS + i * UINT64_C(0x4000);
	function->tables = PAGE_TABLE + i * UINT64_C(0x4000);
	for (n = 0; n < 2048; n++) {
		machine_put(ROOT + i * UINT64_C(0x4000) + n * 8, 0x24);
		machine_put(function->segments + n * 8, 0x20);
	}
	for (n = 0; n < PAGES; n++)
		machine_put(entry_at(function, n), INVALID);
	machine_put(ROOT + i * UINT64_C(0x4000) + 16, function->segments | 0x7);
	function->fh = index;
	do_query(index, 0x10 + i);
	do_set(function, 0, index | 0x80000000u);
	do_mpcifc(function, 4, (ROOT + i * UINT64_C(0x4000)) | 0x804);
}

/* The guest reads blocks of its disk into pages that it maps for that. */
static void read_blocks(struct function *function)
{
	unsigned int count = machine_blocks(block), page = machine_draw(PAGES - 16), first = machine_draw(FRAMES - 16), i;

	for (i = 0; i < count; i++)
		set_page(function, page + i, frame(first + i));
	do_rpcit(function->fh, FIRST + page * (uint64_t)PAGE, count * (uint64_t)PAGE);
	for (i = 0; i < count; i++)
		machine_dma_block(frame(first + i), block + i);
	block += count;
	for (i = 0; i < count; i++)
		set_page(function, page + i, frame(first + i) | INVALID);
	do_rpcit(function->fh, FIRST + page * (uint64_t)PAGE, count * (uint64_t)PAGE);
}

static void change_pages(struct function *function)
{
	unsigned int count = 1 + machine_draw(8), page = machine_draw(PAGES - 8), i;

	for (i = 0; i < count; i++) {
		uint64_t entry = frame(FRAMES + machine_draw(FRAMES));

		if (machine_draw(3) == 0)
			entry |= READ_ONLY;
		if (machine_draw(3) == 0)
			entry |= INVALID;
		set_page(function, page + i, entry);
	}
	if (machine_draw(8) == 0)
		do_rpcit(function->fh, FIRST, PAGES * (uint64_t)PAGE);
	else
		do_rpcit(function->fh, FIRST + page * (uint64_t)PAGE, count * (uint64_t)PAGE);
}

/*
 * Two vCPUs refresh at the same time, and the second one finishes first. One instruction is begun
 * twice.
 */
static void overlap(void)
{
	set_page(&functions[1], 4, frame(FRAMES + machine_draw(FRAMES)));
	begin_rpcit(0, functions[1].fh, FIRST + 4 * PAGE, PAGE);
	set_page(&functions[1], 9, frame(FRAMES + machine_draw(FRAMES)));
	begin_rpcit(1, functions[1].fh, FIRST + 9 * PAGE, PAGE);
	end_rpcit(1);
	/* Its operand had to be paged in first. */
	begin_rpcit(0, functions[1].fh, FIRST + 4 * PAGE, PAGE);
	end_rpcit(0);
}

static void run(void)
{
	unsigned int round;

	machine_plug("disk0", 0x10);
	begin_function(0);
	while (block < FIRST_BLOCK + BLOCKS)
		read_blocks(&functions[0]);
	machine_plug("disk1", 0x11);
	begin_function(1);
	for (round = 0; round < ROUNDS; round++) {
		change_pages(&functions[1]);
		if (round % 16 == 0)
			overlap();
	}
	/* Refreshes everything again, and deregisters. */
	do_mpcifc(&functions[1], 5, 0);
	do_mpcifc(&functions[1], 4, (ROOT + 0x4000) | 0x804);
	do_mpcifc(&functions[1], 5, 0);
	do_set(&functions[1], 1, 0x20001);
	/* Unplugged, and plugged again under another handle. */
	functions[1].fh = 0x20005;
	do_query(0x20005, 0x11);
	do_set(&functions[1], 0, 0x80020005);
	do_mpcifc(&functions[1], 4, (ROOT + 0x4000) | 0x804);
}

struct machine machine_s390x = { .target = "s390x", .big_endian = true, .translate = translate, .run = run };
