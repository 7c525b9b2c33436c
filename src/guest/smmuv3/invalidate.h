/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CMD_TLBI_*: refreshes, collected until somebody waits for them. All with change held. */
#ifndef VIOMMU_GUEST_SMMUV3_INVALIDATE_H
#define VIOMMU_GUEST_SMMUV3_INVALIDATE_H

#include "smmuv3.h"

/* Whatever was translated, with any ASID or with one. */
void smmuv3_invalidate_all(struct viommu_smmuv3 *smmu);
void smmuv3_invalidate_asid(struct viommu_smmuv3 *smmu, uint16_t asid);

/* CMD_TLBI_NH_VA, or _VAA (all: whatever the ASID). False if the command is illegal. */
bool smmuv3_invalidate_va(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS], bool all);

/* Does what was collected. When this returns it is done, the hosts' flushes included. */
void smmuv3_invalidate_now(struct viommu_smmuv3 *smmu);

#endif
