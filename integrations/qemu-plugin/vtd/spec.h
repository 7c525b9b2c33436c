/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VT-d (D51397) in numbers, as far as the watcher uses them: registers (chapter 11), structures
 * (chapter 9), descriptors (chapter 6). They are written from this document, not from the library's
 * headers. So the comparison finds a wrong mask in either.
 */
#ifndef VIOMMU_WATCH_VTD_SPEC_H
#define VIOMMU_WATCH_VTD_SPEC_H

#include "bits.h"

#define REG_GCMD   0x18u
#define REG_GSTS   0x1cu
#define REG_RTADDR 0x20u
#define REG_CCMD   0x28u
#define REG_FSTS   0x34u
#define REG_FECTL  0x38u
#define REG_IQH	   0x80u
#define REG_IQT	   0x88u
#define REG_IQA	   0x90u
#define REG_IRTA   0xb8u
/* Where QEMU has them: ECAP.IRO and CAP.FRO. */
#define REG_IVA	  0xf0u
#define REG_IOTLB 0xf8u
#define REG_FRCD3 0x22cu /* the word with F of the only fault recording register */

#define GCMD_SRTP(r)   BITS(r, 30, 30)
#define GSTS_TES(r)    BITS(r, 31, 31)
#define GSTS_QIES(r)   BITS(r, 26, 26)
#define FSTS_PFO       0x1u
#define FSTS_PPF       0x2u
#define FSTS_IQE(r)    BITS(r, 4, 4)
#define FECTL_IM       0x80000000u
#define FRCD3_F	       0x80000000u
#define IQ_OFFSET(r)   FIELD(r, 18, 4)
#define IQA_ADDRESS(r) FIELD(r, 63, 12)
#define IQA_WIDE(r)    BITS(r, 11, 11)
#define IQA_SIZE(r)    ((unsigned int)BITS(r, 2, 0)) /* of 2^n pages */

#define ROOT_ADDRESS(r)	 FIELD(r, 63, 12)
#define ROOT_SCALABLE(r) (BITS(r, 11, 10) == 1)

/* Root entries of 16 bytes; context entries of 16 bytes, or 32 in scalable mode. */
#define ENTRY_PRESENT(w) BITS(w, 0, 0)
#define ENTRY_ADDRESS(w) FIELD(w, 63, 12)
#define CONTEXT_TYPE(w0) BITS(w0, 3, 2)
#define CONTEXT_TABLES	 0u
#define CONTEXT_AW(w1)	 ((unsigned int)BITS(w1, 2, 0))
#define CONTEXT_DID(w1)	 ((uint32_t)BITS(w1, 23, 8))
#define RID_PASID(w1)	 ((uint32_t)BITS(w1, 19, 0))
/* Directory entries of 8 bytes, each for 64 PASID table entries of 64 bytes. */
#define PASID_TYPE(w0) BITS(w0, 8, 6)
#define PASID_FIRST    1u
#define PASID_SECOND   2u
#define PASID_AW(w0)   ((unsigned int)BITS(w0, 4, 2))
#define PASID_DID(w1)  ((uint32_t)BITS(w1, 15, 0))
/* AW n: n + 2 levels. */
#define LEVELS_OF_AW(aw) ((aw) + 2)

/* Second-stage entries. */
#define SS_READ(e)    BITS(e, 0, 0)
#define SS_WRITE(e)   BITS(e, 1, 1)
#define SS_PAGE(e)    BITS(e, 7, 7)
#define SS_ADDRESS(e) FIELD(e, 51, 12)

/* Descriptors. */
#define DESC_TYPE(w0)	 ((unsigned int)(BITS(w0, 11, 9) << 4 | BITS(w0, 3, 0)))
#define DESC_G(w0)	 ((unsigned int)BITS(w0, 5, 4))
#define DESC_DID(w0)	 ((uint32_t)BITS(w0, 31, 16))
#define DESC_AM(w1)	 ((unsigned int)BITS(w1, 5, 0))
#define DESC_ADDRESS(w1) FIELD(w1, 63, 12)
enum { DESC_CONTEXT = 1, DESC_IOTLB = 2, DESC_PASID_IOTLB = 6, DESC_PASID = 7 };
enum { G_GLOBAL = 1, G_DOMAIN, G_PAGES };

#endif
