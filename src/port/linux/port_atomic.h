/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Atomic accesses in the kernel's memory model. Loads, stores and compare-and-exchange are the
 * kernel's own, so that KCSAN knows them. Its counters have types of their own, which the core's
 * plain integers are not: adding is a loop of compare-and-exchange.
 */
#ifndef VIOMMU_PORT_LINUX_ATOMIC_H
#define VIOMMU_PORT_LINUX_ATOMIC_H

#include <linux/atomic.h>
#include <linux/compiler.h>

#define port_load_relaxed(place)	 READ_ONCE(*(place))
#define port_load_acquire(place)	 smp_load_acquire(place)
#define port_store_relaxed(place, value) WRITE_ONCE(*(place), value)
#define port_store_release(place, value) smp_store_release(place, value)

#define port_linux_add(try, place, n)                                            \
	({                                                                       \
		__unqual_scalar_typeof(*(place)) port_old = READ_ONCE(*(place)); \
                                                                                 \
		while (!try(place, &port_old, port_old + (n)))                   \
			;                                                        \
		port_old + (n);                                                  \
	})

#define port_add_relaxed(place, n) port_linux_add(try_cmpxchg_relaxed, place, n)
#define port_sub_relaxed(place, n) port_linux_add(try_cmpxchg_relaxed, place, -(n))
#define port_sub_release(place, n) port_linux_add(try_cmpxchg_release, place, -(n))

#define port_cmpxchg_relaxed(place, expected, value) try_cmpxchg_relaxed(place, expected, value)
#define port_cmpxchg_acquire(place, expected, value) try_cmpxchg_acquire(place, expected, value)

#define port_fence()	      smp_mb()
#define port_fence_release()  smp_mb() /* smp_wmb() would order stores alone */
#define port_fence_compiler() barrier()

#endif
