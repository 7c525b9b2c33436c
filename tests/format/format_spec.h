/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words in which the test of a format describes it a second time: by hand, from the
 * architecture's documents, sharing no code with the format's header. Each such test has these
 * tables, with which the suite (format_suite.h) compares the format:
 *   spec_levels     how an IOVA is divided; SPEC_WRAPS: whether bits above that are ignored;
 *                   SPEC_OUTPUT_BITS: how many bits an output address has
 *   spec_bits       for an entry of each kind at each level: how its meaning changes if one bit is
 *                   flipped. All 64 bits of each must be there
 *   spec_entries    entries as numbers, and what they are: precedence among bits, and entries that
 *                   real software writes
 *   spec_roots      designations, and what they designate
 *   spec_bytes      entries as bytes in memory
 *   spec_walks      worked examples: an IOVA, and its indexes
 * And, where a format differs from most:
 *   SPEC_LOWEST     level of the lowest tables in memory, if not 0
 *   SPEC_LEAF_STEP  difference between the entries of consecutive pages, if not 4096
 *   SPEC_ROOT_TABLES  most tables that follow each other at the root, if not 1
 *   SPEC_DESIGNATION, SPEC_CONTROL   the designation under whose root entries are judged, if that matters
 *   SUITE_ADDRESS   an address that fits every entry, if the suite's does not
 *   SPEC_CASES      there are spec_cases: entries as numbers, each under a designation of its own
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

/* The effect of flipping a bit of an entry of one kind. */
enum spec_effect {
	SPEC_NOTHING, /* it means the same */
	SPEC_ADDRESS, /* the address has that bit flipped */
	SPEC_HIGHER,  /* the address has a bit flipped that is value bits higher */
	SPEC_PROT,    /* the rights become value */
	SPEC_FIRST,   /* the lower table's first index becomes value */
	SPEC_LAST,    /* the lower table's last index becomes value */
	SPEC_LEVEL,   /* the lower table's level becomes value */
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
	unsigned int skipped;	  /* of a table: levels between it and the entry */
	unsigned int repeat;	  /* of a leaf: how many entries say it, if not one */
};

/* An entry under a designation of its own. */
struct spec_case {
	uint64_t designation, control;
	struct spec_entry entry;
};

struct spec_root {
	uint64_t designation;
	int error;
	unsigned int level;
	uint64_t table;
	uint64_t control; /* of the designation */
	/*
	 * Where the table is not full: its indexes, and the IOVAs that they translate. The table
	 * then is where index 0 would be.
	 */
	struct format_bounds bounds;
	uint64_t first_iova, last_iova;
	unsigned int tables; /* that follow each other, if not one */
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
