/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Atomic accesses, by the compiler's built-in functions. `place` points at an object of 1, 2, 4 or
 * 8 bytes that is aligned to its size.
 */
#ifndef VIOMMU_PORT_POSIX_ATOMIC_H
#define VIOMMU_PORT_POSIX_ATOMIC_H

#define port_load_relaxed(place)	 __atomic_load_n(place, __ATOMIC_RELAXED)
#define port_load_acquire(place)	 __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define port_store_relaxed(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define port_store_release(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)

/* These return the new value. */
#define port_add_relaxed(place, n) __atomic_add_fetch(place, n, __ATOMIC_RELAXED)
#define port_sub_relaxed(place, n) __atomic_sub_fetch(place, n, __ATOMIC_RELAXED)
#define port_sub_release(place, n) __atomic_sub_fetch(place, n, __ATOMIC_RELEASE)

/*
 * True if *place was *expected, and is `value` now. It may fail without a reason. On failure
 * *expected is what was found.
 */
#define port_cmpxchg_relaxed(place, expected, value) __atomic_compare_exchange_n(place, expected, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define port_cmpxchg_acquire(place, expected, value) __atomic_compare_exchange_n(place, expected, value, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)

#define port_fence()	      __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define port_fence_release()  __atomic_thread_fence(__ATOMIC_RELEASE)
#define port_fence_compiler() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
