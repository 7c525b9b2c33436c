/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reference for the translation of s390 PCI functions, as plain as possible: the translation of
 * one IOVA by the tables in memory at this moment. It shares no code and no header with the
 * library, so both agree only if both are right. It is slow, keeps no state, and answers for one
 * page.
 *
 * The table formats are those of z/Architecture Principles of Operation, "Dynamic Address
 * Translation". The translation anchor and the differences are in Linux,
 * arch/s390/include/asm/pci_dma.h. Levels are counted from the bottom: 0 page table, 1 segment
 * table, 2, 3, 4 region third, second, first table.
 */
#ifndef TESTS_REFERENCE_NAIVE_H
#define TESTS_REFERENCE_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

/* A range of guest memory, and its bytes. */
struct naive_slot {
	uint64_t gpa;
	uint64_t bytes;
	const unsigned char *memory;
	bool writable;
};

struct naive_memory {
	const struct naive_slot *slots;
	unsigned int count;
};

/*
 * A registration: translation anchor, first and last IOVA (whole pages). qemu: judge entries as
 * QEMU does (hw/s390x/s390-pci-inst.c).
 */
struct naive_tables {
	uint64_t iota;
	uint64_t pba;
	uint64_t pal;
	bool qemu;
};

enum naive_outcome {
	NAIVE_PAGE,	      /* it translates */
	NAIVE_NOTHING,	      /* an invalid entry */
	NAIVE_OUTSIDE,	      /* outside PBA to PAL */
	NAIVE_LEAF_UNBACKED,  /* it names a page outside guest memory */
	NAIVE_TABLE_UNBACKED, /* from here on: malformed. An entry is outside guest memory */
	NAIVE_TYPE,
	NAIVE_LENGTH,
	NAIVE_FORMAT,
	NAIVE_ZERO,
};

#define NAIVE_LEVELS 5

struct naive_answer {
	enum naive_outcome outcome;
	bool writable; /* PAGE: otherwise read-only */
	uint64_t gpa;  /* PAGE, LEAF_UNBACKED: of the page of 4096 bytes */
	/*
	 * level of the entry that decided. LENGTH: of the entry that bounds the table, not of the
	 * entry outside the bounds
	 */
	unsigned int level;
	uint64_t entry_gpa;	     /* its address */
	uint64_t entry;		     /* its value; 0 if it could not be loaded */
	uint64_t path[NAIVE_LEVELS]; /* addresses of the entries on the path, by level */
	unsigned int top;	     /* the top level of the walk */
};

/* The meaning of one entry. */
enum naive_verdict {
	NAIVE_IS_TABLE,
	NAIVE_IS_PAGE,
	NAIVE_IS_SEGMENT,
	NAIVE_IS_INVALID,
	NAIVE_IS_BAD_TYPE,
	NAIVE_IS_BAD_LENGTH,
	NAIVE_IS_BAD_FORMAT,
	NAIVE_IS_ZERO
};
enum naive_verdict naive_judge(uint64_t entry, unsigned int level, bool qemu);

/*
 * The index into a table of a level, and whether a region-table entry allows that index in the next
 * lower table.
 */
unsigned int naive_index(uint64_t iova, unsigned int level);
bool naive_within(uint64_t region_entry, unsigned int next_index);

/* The address of the table that an entry at a level names. */
uint64_t naive_next_table(uint64_t entry, unsigned int level, bool qemu);

/* The level of the table that an IOTA designates; -1 if it designates none. */
int naive_top_level(uint64_t iota, bool qemu);
uint64_t naive_top_table(uint64_t iota);

/* The byte of guest memory at gpa, NULL outside of it. *writable may be NULL. */
const unsigned char *naive_byte(const struct naive_memory *memory, uint64_t gpa, bool *writable);

/*
 * Loads the 8 bytes at gpa as a big-endian or a little-endian number. False outside guest memory.
 */
bool naive_load(const struct naive_memory *memory, uint64_t gpa, uint64_t *value);
bool naive_load_little(const struct naive_memory *memory, uint64_t gpa, uint64_t *value);

/* The walk. */
struct naive_answer naive_walk(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t iova);

const char *naive_outcome_name(enum naive_outcome outcome);

#endif
