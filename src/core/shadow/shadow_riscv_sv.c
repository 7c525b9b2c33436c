/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of RISC-V's tables. */
#include "format/riscv_sv.h"

#define VIOMMU_FORMAT riscv_sv
#include "format/walk.h"
#include "core/shadow/refresh.h"
