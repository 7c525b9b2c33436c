/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arm's SMMUv3 in numbers (IHI 0070), besides viommu/smmuv3_spec.h: fields of registers (chapter 6)
 * and of event records (chapter 7). The structures of chapter 5 are in format/smmuv3.h.
 */
#ifndef VIOMMU_GUEST_SMMUV3_SPEC_H
#define VIOMMU_GUEST_SMMUV3_SPEC_H

#include <port_types.h>
#include <viommu/smmuv3_spec.h>

#include "format/smmuv3.h"

/* IDR0 */
#define IDR0_S1P		  (1u << 1)
#define IDR0_TTENDIAN(idr0)	  ((idr0) >> 21 & 3u)
#define TTENDIAN_MIXED		  0u
#define TTENDIAN_LITTLE		  2u
#define IDR0_TTENDIAN_ONLY_LITTLE (TTENDIAN_LITTLE << 21)
#define IDR0_TERM_MODEL		  (1u << 26) /* a faulting access is aborted, CD.A or not */
#define IDR0_TTF_AARCH64	  (2u << 2)
#define IDR0_COHACC		  (1u << 4)
#define IDR0_ASID16		  (1u << 12)
#define IDR0_MSI		  (1u << 13)
/* faulting transactions are terminated */
#define IDR0_STALL_MODEL_NONE (STALL_MODEL_NONE << 24)
#define IDR0_ST_LEVEL_TWO     (1u << 27)
/* IDR1 */
#define IDR1_EVENTQS_SHIFT 16
#define IDR1_CMDQS_SHIFT   21
/* IDR3 */
#define IDR3_HAD	(1u << 2)
#define IDR3_FWB	(1u << 8)
#define IDR3_RIL	(1u << 10)
#define IDR3_BBML(idr3) ((idr3) >> 11 & 3u)
#define IDR3_BBML_1	(1u << 11)
/* IDR5 */
#define IDR5_GRANULES  (7u << 4) /* 4K, 16K, 64K */
#define IDR5_OAS(idr5) ((idr5)&7u)
/* AIDR. SMMUv3.2 has RIL, and requires FWB and BBML 1 or 2. */
#define AIDR_V3_1 1u
#define AIDR_V3_2 2u

/*
 * The largest queues, in bits of their indices. That of commands bounds the work of one store. That
 * of events is 64 KiB: FreeBSD aligns its queue no further.
 */
#define SMMUV3_CMDQS   12u
#define SMMUV3_EVENTQS 11u

#define CR0_SMMUEN	      (1u << 0)
#define CR0_EVENTQEN	      (1u << 2)
#define CR0_CMDQEN	      (1u << 3)
#define CR0_ALL		      (CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN)
#define CR1_QUEUE	      0x03fu
#define CR1_TABLE	      0xfc0u
#define CR2_RECINVSID	      (1u << 1)
#define GBPA_UPDATE	      (1u << 31)
#define GBPA_ABORT	      (1u << 20)
#define GBPA_ALL	      (GBPA_ABORT | 0xfu << 16) /* INSTCFG and PRIVCFG */
#define IRQ_CTRL_GERROR	      (1u << 0)
#define IRQ_CTRL_EVENTQ	      (1u << 2)
#define MSI_ADDRESS	      UINT64_C(0x000ffffffffffffc)
#define MSI_ATTRIBUTES	      0x3fu
#define GERROR_CMDQ_ERR	      (1u << 0)
#define GERROR_EVENTQ_ABT_ERR (1u << 2)

#define STRTAB_BASE_ALL		 UINT64_C(0x400fffffffffffc0)
#define STRTAB_BASE_ADDRESS	 UINT64_C(0x000fffffffffffc0)
#define STRTAB_CFG_ALL		 0x000307ffu
#define STRTAB_CFG_LOG2SIZE(cfg) ((unsigned int)(cfg)&0x3fu)
#define STRTAB_CFG_SPLIT(cfg)	 ((unsigned int)((cfg) >> 6) & 0x1fu)
#define STRTAB_CFG_FMT(cfg)	 ((unsigned int)((cfg) >> 16) & 3u)
#define STRTAB_FMT_TWO_LEVELS	 1u
#define QUEUE_BASE_ALL		 UINT64_C(0x400fffffffffffff)
#define QUEUE_BASE_ADDRESS	 UINT64_C(0x000fffffffffffe0)
#define QUEUE_BASE_LOG2SIZE	 0x1fu
#define QUEUE_INDEX		 0x000fffffu /* with its wrap bit */
#define CMDQ_CONS_ERR_SHIFT	 24
#define CMDQ_CONS_ERR		 (0x7fu << CMDQ_CONS_ERR_SHIFT)
#define EVENTQ_OVERFLOW		 (1u << 31) /* OVFLG, OVACKFLG */

#define EVENT_BYTES	   32u
#define EVENT_WORDS	   4u
#define EVENT0_TYPE	   UINT64_C(0xff)
#define EVENT0_SID_SHIFT   32
#define EVENT1_READ	   (UINT64_C(1) << 35)
#define EVENT1_CLASS_TABLE (UINT64_C(1) << 40)
#define EVENT1_CLASS_INPUT (UINT64_C(2) << 40)
#define EVENT3_FETCH	   UINT64_C(0x000ffffffffffff8)

#endif
