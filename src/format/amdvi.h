/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The structures of AMD's IOMMU in memory (48882): device table entries ("Device Table Entry
 * Format") and interrupt remapping table entries ("Interrupt Remapping Tables"). All of them are
 * little-endian. Of a device table entry's first doubleword, the address, Mode, IR and IW are where
 * format/amdv1.h has them.
 */
#ifndef VIOMMU_FORMAT_AMDVI_H
#define VIOMMU_FORMAT_AMDVI_H

#include "format/amdv1.h"

/* The device table: its size in pages, less 1. */
#define DEV_TAB_BASE_SIZE	 UINT64_C(0x1ff)
#define DEV_TAB_ENTRIES_PER_PAGE 128u

#define DTE_WORDS     4u
#define DTE_BYTES     32u
#define DTE0_V	      UINT64_C(0x1)
#define DTE0_TV	      UINT64_C(0x2)
#define MODE_RESERVED 7u
/* Bits 6:2 and 63; and of absent features: HAD, PPR, GPRP, GIoV, GV. */
#define DTE0_RESERVED	      UINT64_C(0x80f00000000001fc)
#define DTE1_DOMAIN_ID(dte1)  ((uint16_t)(dte1))
#define DTE1_SE		      (UINT64_C(1) << 33)
#define DTE1_SA		      (UINT64_C(1) << 34)
#define DTE1_EX		      (UINT64_C(1) << 39)
#define DTE1_RESERVED	      (UINT64_C(1) << 42)
#define DTE2_IV		      UINT64_C(0x1)
#define DTE2_INT_TAB_LEN(dte) ((unsigned int)((dte) >> 1) & 0xfu)
#define INT_TAB_LEN_MOST      11u
#define DTE2_IG		      UINT64_C(0x20)
#define DTE2_TABLE	      UINT64_C(0x000fffffffffffc0)
#define DTE2_INIT_PASS	      (UINT64_C(1) << 56)
#define DTE2_EINT_PASS	      (UINT64_C(1) << 57)
#define DTE2_NMI_PASS	      (UINT64_C(1) << 58)
#define DTE2_INT_CTL(dte)     ((unsigned int)((dte) >> 60) & 3u)
#define DTE2_RESERVED	      UINT64_C(0x08f0000000000000)
#define DTE3_RESERVED	      UINT64_C(0x003fffffffffffff)
enum { INT_CTL_ABORT, INT_CTL_FORWARD, INT_CTL_REMAP, INT_CTL_RESERVED };

/*
 * An interrupt remapping table entry has 32 bits, or with GAEn 128. Then the vector is in the
 * second doubleword.
 */
#define IRTE_REMAP_EN	    UINT64_C(0x1)
#define IRTE_SUP_IOPF	    UINT64_C(0x2)
#define IRTE_INT_TYPE(irte) ((unsigned int)((irte) >> 2) & 7u)
#define IRTE_DM		    UINT64_C(0x40)
#define IRTE_GUEST_MODE	    UINT64_C(0x80)
#define IRTE_VECTOR_SHIFT   16
#define IRTE_RESERVED	    UINT64_C(0xff000000)
#define IRTE_GA0_RESERVED   UINT64_C(0xffffffff00000000)
#define IRTE_GA1_RESERVED   UINT64_C(0x00ffffffffffff00)

/* Addresses that are no memory, but interrupts. */
#define INTERRUPT_FIRST UINT64_C(0xfee00000)
#define INTERRUPT_LAST	UINT64_C(0xfeefffff)

static inline bool amdvi_is_interrupt(uint64_t address)
{
	return address >= INTERRUPT_FIRST && address <= INTERRUPT_LAST;
}

/* IR and IW as rights, and back. */
static inline uint32_t amdvi_prot(uint64_t entry)
{
	return (entry & AMDV1_IR ? VIOMMU_READ : 0) | (entry & AMDV1_IW ? VIOMMU_WRITE : 0);
}

static inline uint64_t amdvi_rights(uint32_t prot)
{
	return (prot & VIOMMU_READ ? AMDV1_IR : 0) | (prot & VIOMMU_WRITE ? AMDV1_IW : 0);
}

#endif
