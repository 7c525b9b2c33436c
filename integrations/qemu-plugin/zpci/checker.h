/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker: does each operation of the guest with the library, too, and compares. What it finds is on a board (live/board.h).
 */
#ifndef VIOMMU_WATCH_CHECKER_H
#define VIOMMU_WATCH_CHECKER_H

#include "arguments.h"
#include "observation.h"

/* NULL after complaining. */
struct watcher *checker_create(const struct arguments *arguments);

#endif
