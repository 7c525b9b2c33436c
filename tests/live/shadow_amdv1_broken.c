/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces core/shadow/shadow_amdv1.c in the plugin that is broken on purpose: AMD's host tables,
 * read with a fault that iommu_broken.c selects.
 */
#include "iommu_broken.h"

#define amdv1_table_address amdv1_true_table_address
#define amdv1_prot	    amdv1_true_prot
#include "format/amdv1.h"
#undef amdv1_table_address
#undef amdv1_prot

static inline uint64_t amdv1_table_address(unsigned int level, uint64_t entry)
{
	return amdv1_true_table_address(level, entry) + broken_table_offset(level == 1);
}

static inline uint32_t amdv1_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return broken_iommu == BROKEN_NO_PROTECTION ? VIOMMU_RW : amdv1_true_prot(root, level, entry);
}

#define VIOMMU_FORMAT amdv1
#include "format/walk.h"
#include "core/shadow/refresh.h"
