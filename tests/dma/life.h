/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A random guest: pages and frames are mapped, made invalid, protected and mapped elsewhere,
 * refreshed exactly, generously or not at all; tables are replaced as a whole; slots and devices
 * come and go. After each operation devices access a few IOVAs, some that translate and some that
 * do not, and the reference has the expected results.
 *
 * Everything is drawn from one seed, so that a failure can be repeated. In a shortage, refreshes are
 * answered with "insufficient resources", and the guest makes room: it refreshes everything, which
 * releases its invalid pages, and unmaps more until that suffices.
 */
#ifndef TESTS_DMA_LIFE_H
#define TESTS_DMA_LIFE_H

#include "rig.h"

/*
 * Returns after that many operations, or ends the process at the first error. Writes a byte to
 * `begun` (-1: none) when the setup is complete.
 */
void life_live(const struct rig_config *config, uint64_t seed, uint64_t operations, int begun);

#endif
