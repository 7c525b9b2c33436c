/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The light side of the asymmetric fence: inline, since each translation passes it. grace.c has the
 * heavy side.
 */
#ifndef VIOMMU_PORT_POSIX_GRACE_H
#define VIOMMU_PORT_POSIX_GRACE_H

#include <port_atomic.h>
#include <port_types.h>

/* Whether the heavy side fences for both. Written by grace.c alone. */
extern bool port_grace_is_asymmetric;

static inline void port_grace_light(void)
{
	if (port_load_relaxed(&port_grace_is_asymmetric))
		port_fence_compiler();
	else
		port_fence();
}

#endif
