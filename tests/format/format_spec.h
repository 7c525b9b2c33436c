/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Words in which the test of a format describes it a second time: by hand, from the architecture's documents, sharing no code with the format's header.
 * Each such test has these tables, for the suite (format_suite.h) to compare the format with:
 *   spec_levels     how an IOVA is cut up; SPEC_WRAPS, whether bits above that are ignored; SPEC_OPTIONS, if the root's are not 0
 *   spec_bits       for an entry of each kind at each level: what happens to its meaning if one bit is flipped. All 64 bits of each must be there
 *   spec_entries    entries as numbers, and what they are: precedence among bits, and entries that real software writes
 *   spec_roots      anchors, and what they designate
 *   spec_bytes      entries as bytes in memory
 *   spec_walks      worked examples: an IOVA, and the indexes that it has
 */
#ifndef FORMAT_SPEC_H
#define FORMAT_SPEC_H

#include "format/format.h"

struct spec_level {
	unsigned int shift;
	unsigned int bits;
	bool leaf; /* may be one */
};

enum spec_base {
	SPEC_TABLE,   /* what F(table_entry) writes */
	SPEC_LEAF,    /* what F(leaf_entry) writes, with all rights */
	SPEC_INVALID, /* what F(invalid_entry) says */
};

/* What flipping a bit does to an entry of one kind. */
enum spec_effect {
	SPEC_NOTHING, /* it means the same */
	SPEC_ADDRESS, /* the address has that bit flipped */
	SPEC_PROT,    /* the rights become value */
	SPEC_FIRST,   /* the lower table's first index becomes value */
	SPEC_LAST,    /* the lower table's last index becomes value */
	SPEC_BECOMES, /* another kind: value is an enum format_kind */
};

struct spec_bits {
	unsigned int level;
	enum spec_base base;
	unsigned int high, low;
	enum spec_effect effect;
	unsigned int value;
};

struct spec_entry {
	unsigned int level;
	uint64_t entry;
	enum format_kind kind;
	uint64_t address; /* of the table, or of the leaf */
	uint32_t prot;
	unsigned int first, last; /* of a table */
};

struct spec_root {
	uint64_t anchor;
	int error;
	unsigned int level;
	uint64_t table;
	uint64_t control; /* of the anchor */
};

struct spec_bytes {
	uint64_t entry;
	unsigned char bytes[8];
};

struct spec_walk {
	uint64_t iova;
	unsigned int level; /* of the root */
	unsigned int index[6];
};

#define SPEC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
