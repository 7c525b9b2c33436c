/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data as an oracle. The guest reads a disk whose blocks of 4096 bytes are filled with their
 * own numbers (big-endian doublewords), directly and in order. When it releases a page that it has
 * read a block into, the page that the library has for it must hold the next block. So a page found
 * at a wrong place is noticed, and one that is missed leaves a gap before the next.
 */
#ifndef VIOMMU_WATCH_NUMBERED_H
#define VIOMMU_WATCH_NUMBERED_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

/* The sequence of one device's disk. */
struct numbered {
	uint64_t first;
	uint64_t count; /* 0: nothing is expected */
	uint64_t next;	/* of the sequence, from 0 */
	uint64_t seen;	/* in order */
};

/*
 * A page was released. true if it holds a block of the sequence: then *block is its number, and
 * *expected the one that it should hold. The sequence continues behind *block.
 */
bool numbered_released(struct numbered *numbered, const struct guest_ram *ram, uint64_t gpa, uint64_t *block, uint64_t *expected);

/* How many blocks are missing at the end of the sequence, when it was last read. */
uint64_t numbered_missing(const struct numbered *numbered);

#endif
