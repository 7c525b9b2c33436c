/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names of an SMMUv3's registers. */
#ifndef VIOMMU_CLI_SMMUV3_REGISTERS_H
#define VIOMMU_CLI_SMMUV3_REGISTERS_H

#include <stdint.h>

/* "CMDQ_PROD"; NULL if the register has no name here. */
const char *smmuv3_register_name(uint64_t offset);

#endif
