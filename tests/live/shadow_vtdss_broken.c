/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces core/shadow/shadow_vtdss.c in the plugin that is broken on purpose: second-stage tables
 * of VT-d, read with a fault that iommu_broken.c selects.
 */
#include "iommu_broken.h"

#define vtdss_table_address vtdss_true_table_address
#define vtdss_prot	    vtdss_true_prot
#include "format/vtdss.h"
#undef vtdss_table_address
#undef vtdss_prot

static inline uint64_t vtdss_table_address(unsigned int level, uint64_t entry)
{
	return vtdss_true_table_address(level, entry) + broken_table_offset(level == 1);
}

static inline uint32_t vtdss_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return broken_iommu == BROKEN_NO_PROTECTION ? VIOMMU_RW : vtdss_true_prot(root, level, entry);
}

#define VIOMMU_FORMAT vtdss
#include "format/walk.h"
#include "core/shadow/refresh.h"
