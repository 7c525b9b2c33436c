/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the walk of each format: tables, anchor and IOVA are the input's, and the walk must say what a reference says that shares no code with it, for the IOVA,
 * for the ends of the range that it says shares the answer, and for what lies around them. It must not load more often than there are levels.
 *
 * Input: a byte for the format; a byte for the anchor, or the anchor; the IOVA; for Arm's tables, what the anchor has besides; entries to the end, each with the
 * table that it stands in, the level whose index of the IOVA it stands at, and what it is: random, or such that it names one of the tables, so that there are
 * paths of any depth.
 */
#include <string.h>

#include "input.h"
#include "naive.h"
#include "naive_arm64.h"
#include "naive_vtdss.h"

#define VIOMMU_FORMAT zpci
#include "format/zpci.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT zpci_qemu
#include "format/zpci_qemu.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT vtdss
#include "format/vtdss.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_4k
#include "format/arm64_4k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_16k
#include "format/arm64_16k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_64k
#include "format/arm64_64k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT

enum format { ZPCI, ZPCI_QEMU, VTDSS, ARM64_4K, ARM64_16K, ARM64_64K, FORMATS };

#define TABLES	    8u
#define TABLE_BYTES 65536u
#define MOST_WRITES 64u

/* The tables: the first at 0, the last up to the end of all addresses for zpci, up to the last address of an entry for the others. */
struct tables {
	unsigned char bytes[TABLES][TABLE_BYTES];
	struct naive_slot slot[TABLES];
	struct naive_memory memory;
	unsigned char *written[MOST_WRITES];
	unsigned int writes;
	unsigned int loads;
};

static bool is_arm64(enum format format)
{
	return format >= ARM64_4K;
}

/* Arm's largest tables have 64 KiB, the others' 16. */
static uint64_t table_bytes(enum format format)
{
	return is_arm64(format) ? TABLE_BYTES : 16384;
}

static uint64_t table_at(enum format format, unsigned int n)
{
	if (n == TABLES - 1)
		return (format < VTDSS ? 0 : format == ARM64_4K || format == ARM64_16K ? UINT64_C(1) << 48 : UINT64_C(1) << 52) - table_bytes(format);
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

static void store(struct tables *tables, enum format format, unsigned char *bytes, uint64_t value)
{
	tables->written[tables->writes++] = bytes;
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (format >= VTDSS ? 8 * i : 56 - 8 * i));
}

static unsigned int levels_of(enum format format)
{
	switch (format) {
	case VTDSS:
		return 6;
	case ARM64_4K:
	case ARM64_64K:
		return 4;
	default:
		return 5;
	}
}

/* Where an entry stands in its table. Of a level 0 that is in no memory, somewhere. */
static unsigned int index_of(enum format format, uint64_t iova, unsigned int level)
{
	switch (format) {
	case VTDSS:
		return (unsigned int)(iova >> (12 + 9 * level)) & 511;
	case ARM64_4K:
		return (unsigned int)(iova >> (12 + 9 * level)) & 511;
	case ARM64_16K:
		return (unsigned int)(iova >> (3 + 11 * level)) & 2047;
	case ARM64_64K:
		return (unsigned int)(iova >> (3 + 13 * level)) & 8191;
	default:
		return naive_index(iova, level);
	}
}

/* An entry that is a number of 16 bits and one of the tables: below its address, and in Arm's, the four bits above that are APTable, PXN and UXN. */
static uint64_t naming(enum format format, unsigned int table, unsigned int quarter, uint64_t value)
{
	uint64_t address = table_at(format, table);

	if (!is_arm64(format))
		return value | (address + (format == VTDSS ? 0 : UINT64_C(0x800) * quarter));
	if (format == ARM64_64K)
		address = (address & UINT64_C(0xffffffff0000)) | address >> 48 << 12;
	return address | (value & 0xfff) | value >> 12 << 59;
}

static void take_entry(struct tables *tables, struct input *input, enum format format, uint64_t iova)
{
	unsigned int byte = input_byte(input);
	unsigned int level = input_byte(input);
	unsigned int index = index_of(format, iova, level % levels_of(format)) + (level >> 6);
	uint64_t value = input_take(input, 2);

	if (byte & 0x80)
		value = value << 48 | input_take(input, 6);
	else
		value = naming(format, byte >> 3 & 7, level >> 3 & 7, value);
	store(tables, format, &tables->bytes[byte & 7][index * 8 % table_bytes(format)], value);
}

static enum viommu_fault_reason zpci_reason(enum naive_outcome outcome)
{
	switch (outcome) {
	case NAIVE_PAGE:
	case NAIVE_LEAF_UNBACKED: /* whether there is memory is not the walk's question */
		return VIOMMU_FAULT_NONE;
	case NAIVE_NOTHING:
		return VIOMMU_FAULT_NOT_PRESENT;
	case NAIVE_OUTSIDE:
		return VIOMMU_FAULT_APERTURE;
	case NAIVE_TABLE_UNBACKED:
		return VIOMMU_FAULT_TABLE_UNBACKED;
	case NAIVE_TYPE:
		return VIOMMU_FAULT_ENTRY_TYPE;
	case NAIVE_LENGTH:
		return VIOMMU_FAULT_ENTRY_LENGTH;
	case NAIVE_FORMAT:
		return VIOMMU_FAULT_ENTRY_FORMAT;
	case NAIVE_ZERO:
		return VIOMMU_FAULT_ENTRY_ZERO;
	}
	return VIOMMU_FAULT_BLOCKED;
}

/* The reference's answer in the walk's words. Rights are asked of a copy of the memory in which everything may be written. */
static struct format_walk expected_zpci(const struct tables *tables, uint64_t anchor, bool qemu, uint64_t iova)
{
	struct naive_tables naive = { .iota = anchor, .pba = 0, .pal = UINT64_MAX, .qemu = qemu };
	struct naive_answer answer = naive_walk(&tables->memory, &naive, iova);
	struct format_walk walk = { .reason = zpci_reason(answer.outcome), .level = answer.level, .entry_address = answer.entry_gpa, .entry = answer.entry };

	if (walk.reason == VIOMMU_FAULT_NONE) {
		walk.output = answer.gpa + iova % 4096;
		/* The reference says whether a page may be written only where there is memory. */
		walk.prot = answer.outcome == NAIVE_PAGE && !answer.writable ? VIOMMU_READ : VIOMMU_RW;
		if (answer.outcome == NAIVE_LEAF_UNBACKED)
			walk.prot = 0;
	}
	return walk;
}

static struct format_walk expected_vtdss(const struct tables *tables, uint64_t anchor, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[VTDSS_PAGE] = VIOMMU_FAULT_NONE,
		[VTDSS_NOTHING] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_TOO_HIGH] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[VTDSS_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	struct vtdss_answer answer = naive_vtdss_walk(&tables->memory, anchor & ~UINT64_C(0xfff), (unsigned int)(anchor & 7) + 2, iova);

	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.outcome == VTDSS_PAGE ? answer.address : 0,
		.prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0),
	};
}

static struct arm64_tables arm64_context(enum format format, const struct format_anchor *anchor)
{
	return (struct arm64_tables){
		.granule = format == ARM64_4K	 ? 4
			   : format == ARM64_16K ? 16
						 : 64,
		.ips = anchor->control >> 6 & 7,
		.ttb0 = anchor->table,
		.ttb1 = anchor->table,
		.t0sz = anchor->control & 0x3f,
		.t1sz = anchor->control & 0x3f,
		.epd0 = anchor->control >> 9 & 1,
		.epd1 = !(anchor->control >> 9 & 1),
		.affd = anchor->control >> 10 & 1,
		.had0 = anchor->control >> 11 & 1,
		.had1 = anchor->control >> 11 & 1,
		.privileged = anchor->control >> 12 & 1,
	};
}

static struct format_walk expected_arm64(const struct tables *tables, enum format format, const struct format_anchor *anchor, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[ARM64_IS_PAGE] = VIOMMU_FAULT_NONE,	  [ARM64_TRANSLATION] = VIOMMU_FAULT_NOT_PRESENT, [ARM64_ACCESS_FLAG] = VIOMMU_FAULT_ACCESS_FLAG,
		[ARM64_SIZE] = VIOMMU_FAULT_ADDRESS_SIZE, [ARM64_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED, [ARM64_BAD_CONTEXT] = VIOMMU_FAULT_BLOCKED,
	};
	const struct arm64_tables context = arm64_context(format, anchor);
	struct arm64_answer answer = naive_arm64_walk(&tables->memory, &context, iova);

	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.address,
		.prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0),
	};
}

/* Whether the reference knows a context: asked of an IOVA of the half that the tables are for. */
static bool is_arm64_context(const struct tables *tables, enum format format, const struct format_anchor *anchor)
{
	const struct arm64_tables context = arm64_context(format, anchor);

	return !(anchor->control >> 13) && naive_arm64_walk(&tables->memory, &context, context.epd0 ? UINT64_MAX : 0).outcome != ARM64_BAD_CONTEXT;
}

static int take_root(enum format format, const struct format_anchor *anchor, struct format_root *root)
{
	switch (format) {
	case ZPCI:
		return zpci_root(anchor, root);
	case ZPCI_QEMU:
		return zpci_qemu_root(anchor, root);
	case VTDSS:
		return vtdss_root(anchor, root);
	case ARM64_4K:
		return arm64_4k_root(anchor, root);
	case ARM64_16K:
		return arm64_16k_root(anchor, root);
	default:
		return arm64_64k_root(anchor, root);
	}
}

/* Whether there is such an anchor, to the reference. */
static bool is_known(const struct tables *tables, enum format format, const struct format_anchor *anchor)
{
	uint64_t table = anchor->table;

	switch (format) {
	case ZPCI:
		return (table & 0x7e3) == 0 && naive_top_level(table, false) > 0;
	case ZPCI_QEMU:
		return (table & 0x7e3) == 0 && naive_top_level(table, true) > 0;
	case VTDSS:
		return !(table >> 52) && !(table & 0xff8) && (table & 7) >= 1 && (table & 7) <= 4;
	default:
		return is_arm64_context(tables, format, anchor);
	}
}

static struct format_walk walk_format(struct tables *tables, enum format format, const struct format_root *root, uint64_t iova)
{
	struct format_walk walk;

	memset(&walk, 0x55, sizeof(walk));
	tables->loads = 0;
	switch (format) {
	case ZPCI:
		zpci_walk(root, iova, load, tables, &walk);
		break;
	case ZPCI_QEMU:
		zpci_qemu_walk(root, iova, load, tables, &walk);
		break;
	case VTDSS:
		vtdss_walk(root, iova, load, tables, &walk);
		break;
	case ARM64_4K:
		arm64_4k_walk(root, iova, load, tables, &walk);
		break;
	case ARM64_16K:
		arm64_16k_walk(root, iova, load, tables, &walk);
		break;
	default:
		arm64_64k_walk(root, iova, load, tables, &walk);
		break;
	}
	return walk;
}

static struct format_walk expected_walk(const struct tables *tables, enum format format, const struct format_anchor *anchor, uint64_t iova)
{
	if (is_arm64(format))
		return expected_arm64(tables, format, anchor, iova);
	if (format == VTDSS)
		return expected_vtdss(tables, anchor->table, iova);
	return expected_zpci(tables, anchor->table, format == ZPCI_QEMU, iova);
}

/* Walks, and compares. False if the anchor designates no table: the reference must think so, too. */
static bool walk_once(struct tables *tables, enum format format, const struct format_anchor *anchor, uint64_t iova, struct format_walk *walk)
{
	struct format_walk expected;
	struct format_root root = { .level = 0 };
	int error = take_root(format, anchor, &root);

	if (!error != is_known(tables, format, anchor))
		fuzz_wrong("format %d: anchor %#" PRIx64 ", %#" PRIx64 ": %d", format, anchor->table, anchor->control, error);
	if (error)
		return false;
	*walk = walk_format(tables, format, &root, iova);
	expected = expected_walk(tables, format, anchor, iova);
	fuzz_must(tables->loads <= root.level + 1);
	fuzz_must(walk->first <= iova && iova <= walk->last);
	if (walk->reason != expected.reason || walk->level != expected.level || walk->entry_address != expected.entry_address ||
	    walk->entry != expected.entry || walk->output != expected.output)
		fuzz_wrong("format %d, IOVA %#" PRIx64 ": %d at level %u, %#" PRIx64 ": %#" PRIx64 ", to %#" PRIx64 "; expected %d at level %u, %#" PRIx64
			   ": %#" PRIx64 ", to %#" PRIx64,
			   format, iova, walk->reason, walk->level, walk->entry_address, walk->entry, walk->output, expected.reason, expected.level,
			   expected.entry_address, expected.entry, expected.output);
	if (walk->reason == VIOMMU_FAULT_NONE && walk->prot != expected.prot && (expected.prot || format >= VTDSS))
		fuzz_wrong("format %d, IOVA %#" PRIx64 ": rights %u, expected %u", format, iova, walk->prot, expected.prot);
	return true;
}

/* What an Arm anchor has besides: two bytes as they are, or, for more that are valid, with a TSZ and an IPS that there are and the IOVA inside. */
static uint64_t take_control(struct input *input, unsigned int kind, enum format format, uint64_t *iova)
{
	uint64_t control = input_take(input, 2), inside;

	if (kind & 0x40)
		return control;
	control &= 0x1fff;
	if (format == ARM64_64K)
		control = (control & ~UINT64_C(0x3f)) | (12 + (control & 0x3f) % 28);
	else
		control = (control & ~UINT64_C(0x3f)) | (16 + (control & 0x3f) % 24);
	if ((control & 0x1c0) == 0x1c0)
		control ^= 0x40;
	inside = UINT64_MAX >> (control & 0x3f);
	*iova = control & 0x200 ? *iova | ~inside : *iova & inside;
	return control;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tables tables;
	struct input input = { data, size };
	enum format format = (enum format)(input_byte(&input) % FORMATS);
	unsigned int kind = input_byte(&input);
	struct format_anchor anchor = { .table = kind & 0x80 ? input_take(&input, 8) : table_at(format, kind & 7) };
	uint64_t iova = input_take(&input, 8);
	struct format_walk walk, beside;

	if (is_arm64(format))
		anchor.control = take_control(&input, kind, format, &iova);
	if (!(kind & 0x80))
		anchor.table |= is_arm64(format) ? (kind >> 3 & 7) * UINT64_C(0x250) : format == VTDSS ? kind >> 3 & 7 : 0x800 | (kind >> 3 & 7) << 2;
	for (unsigned int i = 0; i < TABLES; i++)
		tables.slot[i] = (struct naive_slot){ .gpa = table_at(format, i), .bytes = table_bytes(format), .memory = tables.bytes[i], .writable = true };
	tables.memory = (struct naive_memory){ .slots = tables.slot, .count = TABLES };
	/* As an index of Arm's top table, an IOVA has the bits below those that say which end of all addresses it is at. */
	while (input.left && tables.writes < MOST_WRITES)
		take_entry(&tables, &input, format, is_arm64(format) ? iova & UINT64_MAX >> (anchor.control & 0x3f) : iova);

	if (walk_once(&tables, format, &anchor, iova, &walk)) {
		/* All of the range that it says shares the answer does. */
		if (walk_once(&tables, format, &anchor, walk.first, &beside))
			fuzz_must(beside.reason == walk.reason && beside.entry_address == walk.entry_address && beside.first == walk.first &&
				  beside.last == walk.last && beside.output == (walk.reason ? 0 : walk.output - (iova - walk.first)));
		if (walk_once(&tables, format, &anchor, walk.last, &beside))
			fuzz_must(beside.reason == walk.reason && beside.entry_address == walk.entry_address && beside.first == walk.first &&
				  beside.last == walk.last && beside.output == (walk.reason ? 0 : walk.output + (walk.last - iova)));
		walk_once(&tables, format, &anchor, walk.first - 1, &beside);
		walk_once(&tables, format, &anchor, walk.last + 1, &beside);
		for (unsigned int bit = 0; bit < 64; bit += 3)
			walk_once(&tables, format, &anchor, iova ^ UINT64_C(1) << bit, &beside);
	}

	while (tables.writes)
		memset(tables.written[--tables.writes], 0, 8);
	return 0;
}
