/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An empty result of a refresh. Member by member: where it is cleared as a whole, compilers use
 * string instructions, which take as long as a third of a refresh of one page.
 */
#ifndef VIOMMU_CORE_RESULT_H
#define VIOMMU_CORE_RESULT_H

#include <viommu/domain.h>

static inline void refresh_result_init(struct viommu_refresh_result *result)
{
	result->steps = 0;
	result->reserved = 0;
	result->established = 0;
	result->released = 0;
	result->unestablished = 0;
	result->unbacked = 0;
	result->entries = 0;
	result->fault.reason = VIOMMU_FAULT_NONE;
	result->fault.iova = 0;
	result->fault.access = 0;
	result->fault.level = 0;
	result->fault.entry_gpa = 0;
	result->fault.entry = 0;
	result->fault.pasid = VIOMMU_NO_PASID;
	result->fault.reserved = 0;
}

#endif
