/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_GUEST_COMMON_SHORTAGE_H
#define VIOMMU_GUEST_COMMON_SHORTAGE_H

#include <port_types.h>

#include "port/port.h"

/*
 * Whether an error of core means that memory, a budget or a limit is too small: not the guest's
 * mistake, and no failure.
 */
static inline bool guest_is_shortage(int error)
{
	return error == -PORT_ENOSPC || error == -PORT_ENOMEM || error == -PORT_EDQUOT;
}

#endif
