/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arm's tables of stage 1, with the context descriptors of an SMMUv3 that the library supports. */
#ifndef TESTS_MACHINE_TABLES_ARM64_H
#define TESTS_MACHINE_TABLES_ARM64_H

#include <viommu/smmuv3.h>

#include "naive_arm64.h"

/*
 * The descriptor (IHI 0070, section 5.4) of tables of one granule, for an SMMU with addresses of 48
 * bits.
 */
static inline struct viommu_smmuv3_stage1 arm64_stage1(const struct arm64_tables *tables)
{
	static const unsigned int tg0[3] = { 0, 2, 1 }, tg1[3] = { 2, 1, 3 };
	unsigned int granule = tables->granule == 4 ? 0 : tables->granule == 16 ? 1 : 2;
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 48, .flags = tables->privileged ? VIOMMU_SMMUV3_PRIVILEGED : 0 };

	stage1.cd[0] = tables->t0sz | tg0[granule] << 6 | (uint64_t)tables->epd0 << 14 | (uint64_t)tables->t1sz << 16 | (uint64_t)tg1[granule] << 22 |
		       (uint64_t)tables->epd1 << 30 | UINT64_C(1) << 31 | (uint64_t)tables->ips << 32 | (uint64_t)tables->affd << 35 | UINT64_C(1) << 41;
	stage1.cd[1] = tables->ttb0 | (uint64_t)tables->had0 << 1;
	stage1.cd[2] = tables->ttb1 | (uint64_t)tables->had1 << 1;
	return stage1;
}

#endif
