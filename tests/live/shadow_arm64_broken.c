/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces core/shadow/shadow_arm64_4k.c in the plugin that is broken on purpose: Arm's tables,
 * read with a fault that iommu_broken.c selects.
 */
#include "iommu_broken.h"

#define arm64_4k_table_address arm64_4k_true_table_address
#define arm64_4k_prot	       arm64_4k_true_prot
#include "format/arm64_4k.h"
#undef arm64_4k_table_address
#undef arm64_4k_prot

static inline uint64_t arm64_4k_table_address(unsigned int level, uint64_t entry)
{
	/* Level 1: its entries name page tables. */
	return arm64_4k_true_table_address(level, entry) + broken_table_offset(level == 1);
}

static inline uint32_t arm64_4k_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return broken_iommu == BROKEN_NO_PROTECTION ? VIOMMU_RW : arm64_4k_true_prot(root, level, entry);
}

#define VIOMMU_FORMAT arm64_4k
#include "format/walk.h"
#include "core/shadow/refresh.h"
