/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the walk of each format. The input has the tables, the designation and the IOVA. The walk
 * must agree with a reference that shares no code with it, for the IOVA, for the ends of the range
 * that shares the answer, and for the IOVAs around it. It must not load more often than there are
 * levels.
 *
 * Input: a byte for the format; a byte for the designation, or the designation; the IOVA; a control
 * word for formats that have one; then entries, each with its table, the level whose index of the
 * IOVA is its place, and its value: random, or one that names one of the tables, so that there are
 * paths of any depth.
 */
#include <string.h>

#include "formats.h"
#include "input.h"

#define TABLES	    8u
#define TABLE_BYTES 65536u
#define MOST_WRITES 64u

/*
 * The tables: the first at 0, the last up to the end of the address space for zpci, up to the last
 * address of an entry for the others.
 */
struct tables {
	unsigned char bytes[TABLES][TABLE_BYTES];
	struct naive_slot slot[TABLES];
	struct naive_memory memory;
	unsigned char *written[MOST_WRITES];
	unsigned int writes;
	unsigned int loads;
};

static bool is_arm64(unsigned int format)
{
	return format >= FORMAT_ARM64_4K && format <= FORMAT_ARM64_64K;
}

/*
 * Arm's largest tables have 64 KiB, the others' 16: four tables of the second stage of RISC-V
 * follow each other.
 */
static uint64_t table_bytes(unsigned int format)
{
	return is_arm64(format) ? TABLE_BYTES : 16384;
}

static uint64_t table_at(unsigned int format, unsigned int n)
{
	unsigned int bits = compared_formats[format].bits;

	if (n == TABLES - 1)
		return (bits < 64 ? UINT64_C(1) << bits : 0) - table_bytes(format);
	return n * (is_arm64(format) ? UINT64_C(0x40050000) : UINT64_C(0x40014000));
}

static int load(void *ctx, uint64_t address, uint64_t *raw)
{
	struct tables *tables = ctx;
	const unsigned char *bytes = naive_byte(&tables->memory, address, NULL);

	tables->loads++;
	fuzz_must(address % 8 == 0);
	if (!bytes)
		return -1;
	memcpy(raw, bytes, 8);
	return 0;
}

static void store(struct tables *tables, unsigned int format, unsigned char *bytes, uint64_t value)
{
	tables->written[tables->writes++] = bytes;
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (compared_formats[format].big_endian ? 56 - 8 * i : 8 * i));
}

/*
 * The place of an entry in its table, or in the four tables at the root of RISC-V's second stage.
 * An entry of a level 0 that is in no memory goes anywhere.
 */
static unsigned int index_of(unsigned int format, const struct format_designation *designation, uint64_t iova, unsigned int level)
{
	switch (format) {
	case FORMAT_ZPCI:
	case FORMAT_ZPCI_QEMU:
		return naive_index(iova, level);
	case FORMAT_ARM64_16K:
		return (unsigned int)(iova >> (3 + 11 * level)) & 2047;
	case FORMAT_ARM64_64K:
		return (unsigned int)(iova >> (3 + 13 * level)) & 8191;
	case FORMAT_RISCV_SV:
		return (unsigned int)(iova >> (12 + 9 * level)) & (designation->control & 1 && level + 6 == designation->table >> 60 ? 2047 : 511);
	default:
		return (unsigned int)(iova >> (12 + 9 * level)) & 511;
	}
}

/*
 * An entry from a number of 16 bits and one of the tables: the number is below the address; in
 * Arm's tables, its highest four bits are APTable, PXN and UXN; in AMD's, IR and IW; in RISC-V's,
 * the highest bits and RSW.
 */
static uint64_t naming(unsigned int format, unsigned int table, unsigned int quarter, uint64_t value)
{
	uint64_t address = table_at(format, table);

	switch (format) {
	case FORMAT_ZPCI:
	case FORMAT_ZPCI_QEMU:
		return value | (address + UINT64_C(0x800) * quarter);
	case FORMAT_VTDSS:
		return value | address;
	case FORMAT_RISCV_SV:
		return address >> 2 | (value & 0x3ff) | value >> 13 << 61;
	case FORMAT_AMDV1:
		return address | (value & 0xfff) | value >> 12 << 59;
	case FORMAT_ARM64_64K:
		address = (address & UINT64_C(0xffffffff0000)) | address >> 48 << 12;
	}
	return address | (value & 0xfff) | value >> 12 << 59;
}

static void take_entry(struct tables *tables, struct input *input, unsigned int format, const struct format_designation *designation, uint64_t iova)
{
	unsigned int byte = input_byte(input);
	unsigned int level = input_byte(input);
	unsigned int levels = format == FORMAT_ZPCI_QEMU ? 5 : compared_formats[format].levels;
	unsigned int index = index_of(format, designation, iova, level % levels) + (level >> 6);
	uint64_t value = input_take(input, 2);

	if (byte & 0x80)
		value = value << 48 | input_take(input, 6);
	else
		value = naming(format, byte >> 3 & 7, level >> 3 & 7, value);
	store(tables, format, &tables->bytes[byte & 7][index * 8 % table_bytes(format)], value);
}

/* Walks, and compares. False if the designation designates no table, for the reference, too. */
static bool walk_once(struct tables *tables, unsigned int number, const struct format_designation *designation, uint64_t iova, struct format_walk *walk)
{
	const struct compared_format *format = &compared_formats[number];
	struct format_walk expected;
	struct format_root root = { .level = 0 };
	int error = format->root(designation, &root);

	if (!error != format->is_designation(&tables->memory, designation))
		fuzz_wrong("%s: designation %#" PRIx64 ", %#" PRIx64 ": %d", format->name, designation->table, designation->control, error);
	if (error)
		return false;
	memset(walk, 0x55, sizeof(*walk));
	tables->loads = 0;
	format->walk(&root, iova, load, tables, walk);
	expected = format->expected(&tables->memory, designation, iova);
	fuzz_must(tables->loads <= root.level + 1);
	fuzz_must(walk->first <= iova && iova <= walk->last);
	if (!is_expected(walk, &expected))
		fuzz_wrong("%s, IOVA %#" PRIx64 ": %d at level %u, %#" PRIx64 ": %#" PRIx64 ", to %#" PRIx64 ", rights %u; expected %d at level %u, %#" PRIx64
			   ": %#" PRIx64 ", to %#" PRIx64 ", rights %u",
			   format->name, iova, walk->reason, walk->level, walk->entry_address, walk->entry, walk->output, walk->prot, expected.reason,
			   expected.level, expected.entry_address, expected.entry, expected.output, expected.prot);
	return true;
}

/*
 * The control word of an Arm designation: two bytes as they are, or, to have more legal ones, with
 * a legal TSZ and IPS and the IOVA inside.
 */
static uint64_t take_arm64_control(struct input *input, unsigned int kind, unsigned int format, uint64_t *iova)
{
	uint64_t control = input_take(input, 2), inside;

	if (kind & 0x40)
		return control;
	control &= 0x1fff;
	if (format == FORMAT_ARM64_64K)
		control = (control & ~UINT64_C(0x3f)) | (12 + (control & 0x3f) % 28);
	else
		control = (control & ~UINT64_C(0x3f)) | (16 + (control & 0x3f) % 24);
	if ((control & 0x1c0) == 0x1c0)
		control ^= 0x40;
	inside = UINT64_MAX >> (control & 0x3f);
	*iova = control & 0x200 ? *iova | ~inside : *iova & inside;
	return control;
}

/* That of a RISC-V designation, a byte; the IOVA is then inside, too. */
static uint64_t take_riscv_control(struct input *input, unsigned int kind, uint64_t *iova)
{
	uint64_t control = input_byte(input), inside = (UINT64_C(1) << (38 + 9 * ((kind >> 3 & 7) % 3))) - 1;

	if (kind & 0x40)
		return control;
	control &= control & 1 ? 0x19 : 0x1e;
	if (control & 1)
		*iova &= 8 * inside + 7;
	else
		*iova = control & 2 ? *iova | ~inside : *iova & inside;
	return control;
}

/* The parts of a designation other than the address of its table. */
static uint64_t designate(unsigned int format, unsigned int kind, uint64_t table)
{
	unsigned int n = kind >> 3 & 7;

	switch (format) {
	case FORMAT_ZPCI:
	case FORMAT_ZPCI_QEMU:
		return table | 0x800 | n << 2;
	case FORMAT_VTDSS:
		return table | n;
	case FORMAT_RISCV_SV:
		return table >> 12 | (uint64_t)(8 + n % 3) << 60;
	case FORMAT_AMDV1:
		return table | n << 9 | (kind & 0x40 ? UINT64_C(0x2000000000000080) : UINT64_C(0x6000000000000000));
	default:
		return table | n * UINT64_C(0x250);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tables tables;
	struct input input = { data, size };
	unsigned int format = input_byte(&input) % FORMATS;
	unsigned int kind = input_byte(&input);
	struct format_designation designation = { .table = kind & 0x80 ? input_take(&input, 8) : table_at(format, kind & 7) };
	uint64_t iova = input_take(&input, 8);
	struct format_walk walk, other;

	if (is_arm64(format))
		designation.control = take_arm64_control(&input, kind, format, &iova);
	if (format == FORMAT_RISCV_SV)
		designation.control = take_riscv_control(&input, kind, &iova);
	if (format == FORMAT_AMDV1)
		iova &= UINT64_MAX >> ((kind >> 3 & 7) < 6 ? 52 - 9 * (kind >> 3 & 7) : 0);
	if (!(kind & 0x80))
		designation.table = designate(format, kind, designation.table);
	for (unsigned int i = 0; i < TABLES; i++)
		tables.slot[i] = (struct naive_slot){ .gpa = table_at(format, i), .bytes = table_bytes(format), .memory = tables.bytes[i], .writable = true };
	tables.memory = (struct naive_memory){ .slots = tables.slot, .count = TABLES };
	/* For the index in Arm's top table, an IOVA has no bits above its size. */
	while (input.left && tables.writes < MOST_WRITES)
		take_entry(&tables, &input, format, &designation, is_arm64(format) ? iova & UINT64_MAX >> (designation.control & 0x3f) : iova);

	if (walk_once(&tables, format, &designation, iova, &walk)) {
		/* All of the range that it says shares the answer does. */
		if (walk_once(&tables, format, &designation, walk.first, &other))
			fuzz_must(other.reason == walk.reason && other.entry_address == walk.entry_address && other.first == walk.first &&
				  other.last == walk.last && other.output == (walk.reason ? 0 : walk.output - (iova - walk.first)));
		if (walk_once(&tables, format, &designation, walk.last, &other))
			fuzz_must(other.reason == walk.reason && other.entry_address == walk.entry_address && other.first == walk.first &&
				  other.last == walk.last && other.output == (walk.reason ? 0 : walk.output + (walk.last - iova)));
		walk_once(&tables, format, &designation, walk.first - 1, &other);
		walk_once(&tables, format, &designation, walk.last + 1, &other);
		for (unsigned int bit = 0; bit < 64; bit += 3)
			walk_once(&tables, format, &designation, iova ^ UINT64_C(1) << bit, &other);
	}

	while (tables.writes)
		memset(tables.written[--tables.writes], 0, 8);
	return 0;
}
