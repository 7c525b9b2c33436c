/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fields of registers, structures and commands. */
#ifndef VIOMMU_WATCH_BITS_H
#define VIOMMU_WATCH_BITS_H

#include <stdint.h>

/* Bits high..low of a word. */
#define BITS(word, high, low) ((uint64_t)(word) >> (low) & (UINT64_MAX >> (63 - ((high) - (low)))))
/* The same bits in place, for addresses. */
#define FIELD(word, high, low) (BITS(word, high, low) << (low))

#endif
