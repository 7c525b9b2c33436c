/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clocks: one for the time of an event, and one, as fine and cheap as the CPU has it, for
 * durations.
 */
#ifndef VIOMMU_WATCH_TIMING_H
#define VIOMMU_WATCH_TIMING_H

#include <stdint.h>

/* CLOCK_MONOTONIC and CLOCK_REALTIME, in nanoseconds. */
uint64_t timing_now(void);
uint64_t timing_real(void);

/*
 * To be called once, as early as possible: the longer ago, the better is known how long a tick is.
 */
void timing_start(void);

/* The fine clock, in ticks, and a difference of two of its values in nanoseconds. */
uint64_t timing_ticks(void);
uint64_t timing_ns(uint64_t ticks);

#endif
