/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A random guest. It maps pages and frames, makes them invalid, protects them and maps them
 * elsewhere. It refreshes exactly, generously or not at all. It replaces all tables. Slots and
 * devices come and go. After each operation devices access a few IOVAs, mapped and unmapped ones,
 * and the reference has the expected results.
 *
 * One seed determines everything, so that a failure can be repeated. In a shortage, a refresh
 * yields "insufficient resources", and the guest makes room: it refreshes everything, which
 * releases its invalid pages, and unmaps more until the refresh succeeds.
 */
#ifndef TESTS_DMA_LIFE_H
#define TESTS_DMA_LIFE_H

#include "rig.h"

/*
 * Returns after that many operations, or ends the process at the first error. Writes a byte to
 * `begun` (-1: none) after the setup.
 */
void life_live(const struct rig_config *config, uint64_t seed, uint64_t operations, int begun);

#endif
