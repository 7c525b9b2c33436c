/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data as an oracle. The guest reads a disk whose blocks of 4096 bytes are filled with their
 * own numbers (big-endian doublewords), directly and in order. When it releases a page into which
 * it has read a block, the page that the library has for it must hold the next block. So a wrong
 * page is found, and a missed one leaves a gap before the next block.
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
 * A page was released. true if it holds a block of the sequence. *block is its number, and
 * *expected the expected one. The sequence continues after *block.
 */
bool numbered_released(struct numbered *numbered, const struct guest_ram *ram, uint64_t gpa, uint64_t *block, uint64_t *expected);

/* How many blocks are missing at the end of the sequence, when it was last read. */
uint64_t numbered_missing(const struct numbered *numbered);

#endif
