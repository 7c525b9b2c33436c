/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fine clock is x86's time-stamp counter, where it runs at a constant rate (CPUID 80000007, EDX
 * bit 8): reading the operating system's clock takes as long as a short refresh. The length of a
 * tick follows from both clocks at the start and at the first conversion. On other CPUs the fine
 * clock is the operating system's.
 */
#include "timing.h"

#include <stdbool.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

#define CALIBRATION_NS UINT64_C(20000000)

static struct {
	bool counter; /* ticks are the counter's */
	uint64_t ns;  /* at the start, by both clocks */
	uint64_t ticks;
	double ns_per_tick; /* 0 until known */
} timing;

static uint64_t look(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t timing_now(void)
{
	return look(CLOCK_MONOTONIC);
}

uint64_t timing_real(void)
{
	return look(CLOCK_REALTIME);
}

void timing_start(void)
{
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	timing.counter = __get_cpuid(0x80000007u, &a, &b, &c, &d) && d & 1u << 8;
#endif
	timing.ns = timing_now();
	timing.ticks = timing_ticks();
}

uint64_t timing_ticks(void)
{
#if defined(__x86_64__)
	if (timing.counter) {
		uint64_t ticks;

		/* All earlier instructions have ended, and no later one has begun. */
		_mm_lfence();
		ticks = __rdtsc();
		_mm_lfence();
		return ticks;
	}
#endif
	return timing_now();
}

/* Called with the observer's lock held, like everything that measures. */
uint64_t timing_ns(uint64_t ticks)
{
	if (!timing.counter)
		return ticks;
	while (timing.ns_per_tick == 0) {
		uint64_t ns = timing_now() - timing.ns, passed = timing_ticks() - timing.ticks;

		if (ns >= CALIBRATION_NS)
			timing.ns_per_tick = (double)ns / (double)passed;
	}
	return (uint64_t)((double)ticks * timing.ns_per_tick + 0.5);
}
