/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The terms in which a format's test describes the format a second time: by hand, from the
 * architecture's documents. The description shares no code with the format's header. Each test has
 * these tables, and the suite (format_suite.h) compares the format with them:
 *   spec_levels     the levels of an IOVA; SPEC_WRAPS: whether bits above them are ignored;
 *                   SPEC_OUTPUT_BITS: the number of bits of an output address
 *   spec_bits       for an entry of each kind at each level: the effect of each flipped bit. All
 *                   64 bits of each must be there
 *   spec_entries    entries as numbers, and their meaning: precedence among bits, and entries that
 *                   real software writes
 *   spec_roots      designations, and their meaning
 *   spec_bytes      entries as bytes in memory
 *   spec_walks      worked examples: an IOVA, and its indexes
 * These are defined for formats that differ from the default:
 *   SPEC_LOWEST     level of the lowest tables in memory, if not 0
 *   SPEC_LEAF_STEP  difference between the entries of consecutive pages, if not 4096
 *   SPEC_ROOT_TABLES  largest number of consecutive tables at the root, if not 1
 *   SPEC_DESIGNATION, SPEC_CONTROL   the designation of the root under which entries are judged
 *   SUITE_ADDRESS   an address that fits every entry, if the suite's does not
 *   SPEC_CASES      there are spec_cases: entries as numbers, each under a designation of its own
 */
#ifndef FORMAT_SPEC_H
#define FORMAT_SPEC_H

#include "format/format.h"

struct spec_level {
	unsigned int shift;
	unsigned int bits;
	bool leaf; /* if any */
};

enum spec_base {
	SPEC_TABLE,   /* the value of F(table_entry) */
	SPEC_LEAF,    /* the value of F(leaf_entry), with all rights */
	SPEC_INVALID, /* the value of F(invalid_entry) */
};

/* The effect of flipping one bit of an entry. */
enum spec_effect {
	SPEC_NOTHING, /* none */
	SPEC_ADDRESS, /* the same bit of the address flips */
	SPEC_HIGHER,  /* the address bit that is value bits higher flips */
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
	uint64_t address; /* of the table or leaf */
	uint32_t prot;
	unsigned int first, last; /* of a table */
	unsigned int skipped;	  /* of a table: number of skipped levels */
	unsigned int repeat;	  /* of a leaf: number of entries it spans, if not one */
};

/* An entry, and the designation it is judged under. */
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
	 * Unless the table is full: its indexes, and the IOVAs that they translate. The table is
	 * then the address of index 0.
	 */
	struct format_bounds bounds;
	uint64_t first_iova, last_iova;
	unsigned int tables; /* number of consecutive tables, if not one */
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
