/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shadow of s390's tables, judged as QEMU judges them. */
#include "format/zpci_qemu.h"

#define VIOMMU_FORMAT zpci_qemu
#include "format/walk.h"
#include "core/shadow/refresh.h"
