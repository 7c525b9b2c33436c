/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types and the compiler attributes that freestanding code uses. No other header of the port,
 * and no file above it, includes a header of the system.
 */
#ifndef VIOMMU_PORT_POSIX_TYPES_H
#define VIOMMU_PORT_POSIX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define port_noinline	   __attribute__((noinline))
#define port_always_inline __attribute__((always_inline)) inline
#define port_aligned(n)	   __attribute__((aligned(n)))

#endif
