/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A kernel has the fixed-width types. These are the macros that come with them. */
#ifndef VIOMMU_PORT_LINUX_STDINT_H
#define VIOMMU_PORT_LINUX_STDINT_H

#include <linux/limits.h>
#include <linux/types.h>

#define UINT32_C(n) n##U
#define UINT64_C(n) n##ULL
#define UINT8_MAX   U8_MAX
#define UINT16_MAX  U16_MAX
#define UINT32_MAX  U32_MAX
#define UINT64_MAX  U64_MAX
#ifndef UINTPTR_MAX
#define UINTPTR_MAX ULONG_MAX
#endif

#endif
