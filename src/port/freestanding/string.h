/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * <string.h> for files that are compiled without a C library's headers: the four functions that a freestanding compiler may call anyway, and that every
 * surrounding therefore has. Only freestanding files have this folder in their include path.
 */
#ifndef VIOMMU_PORT_FREESTANDING_STRING_H
#define VIOMMU_PORT_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#endif
