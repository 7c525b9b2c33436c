/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A symmetric fence. What an asymmetric one spares is a fence for each translation of a reader, and
 * a kernel's hosts have no readers.
 */
#ifndef VIOMMU_PORT_LINUX_GRACE_H
#define VIOMMU_PORT_LINUX_GRACE_H

#include <port_atomic.h>

static inline void port_grace_light(void)
{
	port_fence();
}

#endif
