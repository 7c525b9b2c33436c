/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the walk of each format: tables, anchor and IOVA are the input's, and the walk must say what a reference says that shares no code with it, for the IOVA,
 * for the ends of the range that it says shares the answer, and for what lies around them. It must not load more often than there are levels.
 *
 * Input: a byte for the format; a byte for the anchor, or the anchor; the IOVA; entries to the end, each with the table that it stands in, the level whose index
 * of the IOVA it stands at, and what it is: random, or such that it names one of the tables, so that there are paths of any depth.
 */
#include <string.h>

#include "input.h"
#include "naive.h"
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

enum format { ZPCI, ZPCI_QEMU, VTDSS, FORMATS };

#define TABLES	    8u
#define TABLE_BYTES 16384u
#define MOST_WRITES 64u

/* The tables: the first at 0, the last up to the end of all addresses for zpci, up to the last address of an entry for vtdss. */
struct tables {
	unsigned char bytes[TABLES][TABLE_BYTES];
	struct naive_slot slot[TABLES];
	struct naive_memory memory;
	unsigned char *written[MOST_WRITES];
	unsigned int writes;
	unsigned int loads;
};

static uint64_t table_at(enum format format, unsigned int n)
{
	if (n == TABLES - 1)
		return (format == VTDSS ? UINT64_C(1) << 52 : 0) - TABLE_BYTES;
	return n * UINT64_C(0x40014000);
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
		bytes[i] = (unsigned char)(value >> (format == VTDSS ? 8 * i : 56 - 8 * i));
}

static unsigned int index_of(enum format format, uint64_t iova, unsigned int level)
{
	if (format == VTDSS)
		return (unsigned int)(iova >> (12 + 9 * level)) & 511;
	return naive_index(iova, level);
}

static void take_entry(struct tables *tables, struct input *input, enum format format, uint64_t iova)
{
	unsigned int byte = input_byte(input);
	unsigned int level = input_byte(input);
	unsigned int index = index_of(format, iova, level % (format == VTDSS ? 6 : 5)) + (level >> 6);
	uint64_t value = input_take(input, 2);

	if (byte & 0x80)
		value = value << 48 | input_take(input, 6);
	else
		value |= table_at(format, byte >> 3 & 7) + (format == VTDSS ? 0 : UINT64_C(0x800) * (level >> 3 & 7));
	store(tables, format, &tables->bytes[byte & 7][index * 8 % TABLE_BYTES], value);
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

/* Walks, and compares. False if the anchor designates no table: the reference must think so, too. */
static bool walk_once(struct tables *tables, enum format format, uint64_t anchor, uint64_t iova, struct format_walk *walk)
{
	struct format_walk expected;
	struct format_root root;
	bool known;
	int error;

	memset(walk, 0x55, sizeof(*walk));
	tables->loads = 0;
	switch (format) {
	case ZPCI:
		error = zpci_root(&(struct format_anchor){ anchor, 0 }, &root);
		known = (anchor & 0x7e3) == 0 && naive_top_level(anchor, false) > 0;
		break;
	case ZPCI_QEMU:
		error = zpci_qemu_root(&(struct format_anchor){ anchor, 0 }, &root);
		known = (anchor & 0x7e3) == 0 && naive_top_level(anchor, true) > 0;
		break;
	default:
		error = vtdss_root(&(struct format_anchor){ anchor, 0 }, &root);
		known = !(anchor >> 52) && !(anchor & 0xff8) && (anchor & 7) >= 1 && (anchor & 7) <= 4;
		break;
	}
	if (!error != known)
		fuzz_wrong("format %d: anchor %#" PRIx64 ": %d", format, anchor, error);
	if (error)
		return false;
	switch (format) {
	case ZPCI:
		zpci_walk(&root, iova, load, tables, walk);
		expected = expected_zpci(tables, anchor, false, iova);
		break;
	case ZPCI_QEMU:
		zpci_qemu_walk(&root, iova, load, tables, walk);
		expected = expected_zpci(tables, anchor, true, iova);
		break;
	default:
		vtdss_walk(&root, iova, load, tables, walk);
		expected = expected_vtdss(tables, anchor, iova);
		break;
	}
	fuzz_must(tables->loads <= root.level + 1);
	fuzz_must(walk->first <= iova && iova <= walk->last);
	if (walk->reason != expected.reason || walk->level != expected.level || walk->entry_address != expected.entry_address ||
	    walk->entry != expected.entry || walk->output != expected.output)
		fuzz_wrong("format %d, IOVA %#" PRIx64 ": %d at level %u, %#" PRIx64 ": %#" PRIx64 ", to %#" PRIx64 "; expected %d at level %u, %#" PRIx64
			   ": %#" PRIx64 ", to %#" PRIx64,
			   format, iova, walk->reason, walk->level, walk->entry_address, walk->entry, walk->output, expected.reason, expected.level,
			   expected.entry_address, expected.entry, expected.output);
	if (walk->reason == VIOMMU_FAULT_NONE && walk->prot != expected.prot && (expected.prot || format == VTDSS))
		fuzz_wrong("format %d, IOVA %#" PRIx64 ": rights %u, expected %u", format, iova, walk->prot, expected.prot);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tables tables;
	struct input input = { data, size };
	enum format format = (enum format)(input_byte(&input) % FORMATS);
	unsigned int kind = input_byte(&input);
	uint64_t anchor = kind & 0x80 ? input_take(&input, 8) : table_at(format, kind & 7);
	uint64_t iova = input_take(&input, 8);
	struct format_walk walk, beside;

	if (!(kind & 0x80))
		anchor |= format == VTDSS ? kind >> 3 & 7 : 0x800 | (kind >> 3 & 7) << 2;
	for (unsigned int i = 0; i < TABLES; i++)
		tables.slot[i] = (struct naive_slot){ .gpa = table_at(format, i), .bytes = TABLE_BYTES, .memory = tables.bytes[i], .writable = true };
	tables.memory = (struct naive_memory){ .slots = tables.slot, .count = TABLES };
	while (input.left && tables.writes < MOST_WRITES)
		take_entry(&tables, &input, format, iova);

	if (walk_once(&tables, format, anchor, iova, &walk)) {
		/* All of the range that it says shares the answer does. */
		if (walk_once(&tables, format, anchor, walk.first, &beside))
			fuzz_must(beside.reason == walk.reason && beside.entry_address == walk.entry_address && beside.first == walk.first &&
				  beside.last == walk.last && beside.output == (walk.reason ? 0 : walk.output - (iova - walk.first)));
		if (walk_once(&tables, format, anchor, walk.last, &beside))
			fuzz_must(beside.reason == walk.reason && beside.entry_address == walk.entry_address && beside.first == walk.first &&
				  beside.last == walk.last && beside.output == (walk.reason ? 0 : walk.output + (walk.last - iova)));
		walk_once(&tables, format, anchor, walk.first - 1, &beside);
		walk_once(&tables, format, anchor, walk.last + 1, &beside);
		for (unsigned int bit = 0; bit < 64; bit += 3)
			walk_once(&tables, format, anchor, iova ^ UINT64_C(1) << bit, &beside);
	}

	while (tables.writes)
		memset(tables.written[--tables.writes], 0, 8);
	return 0;
}
