/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest that does what guests do, at random: pages and frames are mapped, made invalid, protected and mapped elsewhere, refreshed exactly, generously or not
 * at all; tables are replaced as a whole; slots and devices come and go. After each operation devices access a few IOVAs, some that translate and some that do
 * not, and the reference says what must have come of it.
 *
 * All is drawn from one seed, so that what failed can be repeated. Where resources are short, refreshes are answered with "insufficient resources", and the
 * guest makes room: it refreshes everything, so that what it has made invalid before is taken back, and gives up more until that suffices.
 */
#ifndef TESTS_DMA_LIFE_H
#define TESTS_DMA_LIFE_H

#include "rig.h"

/* Ends when so many operations are done, or the process at the first thing that is wrong. A byte is written to `begun` (-1: none) when all is made. */
void life_live(const struct rig_config *config, uint64_t seed, uint64_t operations, int begun);

#endif
