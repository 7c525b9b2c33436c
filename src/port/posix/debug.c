/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checks of a build for debugging: port.h. */
#include "port/port.h"

#ifdef VIOMMU_DEBUG
#include <stdlib.h>

static _Thread_local unsigned int held; /* readers of this thread */

void port_debug_held(bool begins)
{
	held = begins ? held + 1 : held - 1;
}

void port_debug_may_wait(void)
{
	if (held)
		abort();
}
#endif
