/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes of output addresses, as IDR5.OAS and CD.IPS (IHI 0070, sections 6.3.6 and 5.4) and TCR.IPS
 * encode them.
 */
#ifndef VIOMMU_FORMAT_ARM64_SIZES_H
#define VIOMMU_FORMAT_ARM64_SIZES_H

#include <port_types.h>

#define ARM64_SIZES 7u

/* The bits of an encoding; 0: reserved. */
static inline unsigned int arm64_size_bits(unsigned int size)
{
	static const uint8_t bits[ARM64_SIZES] = { 32, 36, 40, 42, 44, 48, 52 };

	return size < ARM64_SIZES ? bits[size] : 0;
}

/* The encoding of a number of bits, ARM64_SIZES if there is none. */
static inline unsigned int arm64_size(unsigned int bits)
{
	unsigned int size = 0;

	while (size < ARM64_SIZES && arm64_size_bits(size) != bits)
		size++;
	return size;
}

#endif
