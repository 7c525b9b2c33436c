/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types and the compiler attributes of a kernel. include/ has the three headers of the C
 * standard that the public headers name.
 */
#ifndef VIOMMU_PORT_LINUX_TYPES_H
#define VIOMMU_PORT_LINUX_TYPES_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#include <stdint.h>

/* Addresses are sign-extended: the kernel is in the upper half. */
#define PORT_SIGNED_ADDRESSES

#define port_noinline	   noinline
#define port_always_inline __always_inline
#define port_aligned(n)	   __aligned(n)

#endif
