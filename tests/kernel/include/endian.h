/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <asm/byteorder.h>

#define htobe64(value) ((__force u64)cpu_to_be64(value))
#define htole64(value) ((__force u64)cpu_to_le64(value))
#define be64toh(value) be64_to_cpu((__force __be64)(value))
#define le64toh(value) le64_to_cpu((__force __le64)(value))
