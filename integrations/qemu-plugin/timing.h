/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clocks: one for the time of an event, and the CPU's finest and cheapest one for durations.
 */
#ifndef VIOMMU_WATCH_TIMING_H
#define VIOMMU_WATCH_TIMING_H

#include <stdint.h>

/* CLOCK_MONOTONIC and CLOCK_REALTIME, in nanoseconds. */
uint64_t timing_now(void);
uint64_t timing_real(void);

/* Called once, as early as possible. The length of a tick becomes more exact with time. */
void timing_start(void);

/* The fine clock in ticks, and the difference of two values in nanoseconds. */
uint64_t timing_ticks(void);
uint64_t timing_ns(uint64_t ticks);

#endif
