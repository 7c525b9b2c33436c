/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data as an oracle. The guest reads a disk whose blocks of 4096 bytes carry their own numbers (each is filled with its number, in big-endian doublewords),
 * directly and one after the other. When it takes back the translation of a page that it has read a block into, that page must hold the block: the very next
 * one. So a page found at a wrong place is noticed, and one that is not found is missed.
 */
#ifndef VIOMMU_WATCH_ORACLE_DATA_H
#define VIOMMU_WATCH_ORACLE_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

/* The sequence of one function's disk. */
struct numbered {
	uint64_t first;
	uint64_t count; /* 0: nothing is expected */
	uint64_t next;	/* of the sequence, from 0 */
	uint64_t seen;	/* in order */
};

/*
 * A page was released. true if it carries a block of the sequence: then *block is its number, and *expected the one that it should carry. The sequence goes on
 * behind *block.
 */
bool numbered_released(struct numbered *numbered, const struct guest_ram *ram, uint64_t gpa, uint64_t *block, uint64_t *expected);

/* At the end: how many blocks are missing. A sequence that was read several times must have been read to its end each time. */
uint64_t numbered_missing(const struct numbered *numbered);

#endif
