/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where an SMMUv3 finds the tables of a stream: level 1 of a stream table (Arm IHI 0070, section
 * 5.1), Stream Table Entries (section 5.2) and context descriptors (section 5.4), as far as they
 * are used here. The last two are arrays of doublewords; fields are named with the doubleword that
 * they are in.
 */
#ifndef VIOMMU_FORMAT_SMMUV3_H
#define VIOMMU_FORMAT_SMMUV3_H

#include <port_types.h>

/* SMMU_IDR0 (section 6.3.1): fields that several files use. */
#define IDR0_STALL_MODEL(idr0) ((idr0) >> 24 & 3u)
#define STALL_MODEL_POSSIBLE   0u
#define STALL_MODEL_NONE       1u
#define STALL_MODEL_FORCED     2u

#define L1STD_SPAN  UINT64_C(0x1f)
#define L1STD_L2PTR UINT64_C(0x000fffffffffffc0)

#define STE_BYTES	  64u
#define STE_WORDS	  8u
#define STE0_V		  UINT64_C(1)
#define STE0_CONFIG_SHIFT 1
#define STE0_CONFIG(ste0) ((unsigned int)((ste0) >> STE0_CONFIG_SHIFT) & 7u)
#define STE_CONFIG_ABORT  0u
#define STE_CONFIG_BYPASS 4u
#define STE_CONFIG_S1	  5u
#define STE0_S1FMT	  (UINT64_C(3) << 4)
#define STE0_S1CONTEXTPTR UINT64_C(0x000fffffffffffc0)
#define STE0_S1CDMAX_ALL  (UINT64_C(0x1f) << 59)
#define STE1_S1DSS	  UINT64_C(0x3)
#define STE1_S1_CACHING	  UINT64_C(0xfc) /* S1CIR, S1COR, S1CSH: how descriptors are fetched */
#define STE1_S1STALLD	  (UINT64_C(1) << 27)

#define CD_WORDS	    8u
#define CD0_T0SZ(cd0)	    ((unsigned int)(cd0)&0x3fu)
#define CD0_TG0(cd0)	    ((unsigned int)((cd0) >> 6) & 3u)
#define CD0_TG0_RESERVED    3u
#define CD0_EPD0	    (UINT64_C(1) << 14)
#define CD0_ENDI	    (UINT64_C(1) << 15)
#define CD0_T1SZ(cd0)	    ((unsigned int)((cd0) >> 16) & 0x3fu)
#define CD0_TG1(cd0)	    ((unsigned int)((cd0) >> 22) & 3u)
#define CD0_TG1_RESERVED    0u
#define CD0_EPD1	    (UINT64_C(1) << 30)
#define CD0_V		    (UINT64_C(1) << 31)
#define CD0_IPS(cd0)	    ((unsigned int)((cd0) >> 32) & 7u)
#define CD0_AFFD	    (UINT64_C(1) << 35)
#define CD0_TBI		    (UINT64_C(3) << 38)		  /* TBI0 and TBI1 */
#define CD0_TBI_HALVES(cd0) ((uint8_t)((cd0) >> 38 & 3u)) /* 1: TBI0, 2: TBI1 */
#define CD0_PAN		    (UINT64_C(1) << 40)
#define CD0_AA64	    (UINT64_C(1) << 41)
#define CD0_HD		    (UINT64_C(1) << 42)
#define CD0_HA		    (UINT64_C(1) << 43)
#define CD0_S		    (UINT64_C(1) << 44)
#define CD0_R		    (UINT64_C(1) << 45)
#define CD0_A		    (UINT64_C(1) << 46)
#define CD0_ASID(cd0)	    ((uint16_t)((cd0) >> 48))
#define CD_HAD		    (UINT64_C(1) << 1) /* in the doubleword of TTB0, and of TTB1 */
#define CD_TTB		    UINT64_C(0x000ffffffffffff0)
#define CD_TSZ_LEAST	    16u /* IOVAs of 48 bits: IDR5.VAX = 0 */
#define CD_TSZ_MOST	    39u

#endif
