/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands, as far as they invalidate something. Like structures.h, this decodes on its own.
 *
 * A command that changes a stream's configuration counts as one that invalidates all of the
 * stream's translations: after it, both QEMU and the library use the new configuration.
 */
#ifndef VIOMMU_WATCH_SMMUV3_COMMANDS_H
#define VIOMMU_WATCH_SMMUV3_COMMANDS_H

#include "invalids.h"

/* Adds a command of two doublewords. false if memory is short. */
bool smmuv3_invalids_add(struct invalids *invalids, const uint64_t command[2]);

#endif
