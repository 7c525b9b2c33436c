/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arm's SMMUv3 in numbers: register offsets and fields (IHI 0070, chapter 6), commands (chapter 4) and event records (chapter 7), as far as this SMMU has
 * them; what is in the structures of chapter 5 is in format/smmuv3.h, but for level 1 of a stream table. Nothing here loads anything.
 */
#ifndef VIOMMU_GUEST_SMMUV3_SPEC_H
#define VIOMMU_GUEST_SMMUV3_SPEC_H

#include <port_types.h>

#include "format/smmuv3.h"

/* Registers of page 0. */
#define SMMUV3_IDR0	       0x00u
#define SMMUV3_IDR1	       0x04u
#define SMMUV3_IDR2	       0x08u
#define SMMUV3_IDR3	       0x0cu
#define SMMUV3_IDR4	       0x10u
#define SMMUV3_IDR5	       0x14u
#define SMMUV3_IIDR	       0x18u
#define SMMUV3_AIDR	       0x1cu
#define SMMUV3_CR0	       0x20u
#define SMMUV3_CR0ACK	       0x24u
#define SMMUV3_CR1	       0x28u
#define SMMUV3_CR2	       0x2cu
#define SMMUV3_STATUSR	       0x40u
#define SMMUV3_GBPA	       0x44u
#define SMMUV3_IRQ_CTRL	       0x50u
#define SMMUV3_IRQ_CTRLACK     0x54u
#define SMMUV3_GERROR	       0x60u
#define SMMUV3_GERRORN	       0x64u
#define SMMUV3_GERROR_IRQ_CFG0 0x68u /* 64 bits */
#define SMMUV3_GERROR_IRQ_CFG1 0x70u
#define SMMUV3_GERROR_IRQ_CFG2 0x74u
#define SMMUV3_STRTAB_BASE     0x80u /* 64 bits */
#define SMMUV3_STRTAB_BASE_CFG 0x88u
#define SMMUV3_CMDQ_BASE       0x90u /* 64 bits */
#define SMMUV3_CMDQ_PROD       0x98u
#define SMMUV3_CMDQ_CONS       0x9cu
#define SMMUV3_EVENTQ_BASE     0xa0u /* 64 bits */
#define SMMUV3_EVENTQ_IRQ_CFG0 0xb0u /* 64 bits */
#define SMMUV3_EVENTQ_IRQ_CFG1 0xb8u
#define SMMUV3_EVENTQ_IRQ_CFG2 0xbcu
/* Page 1. */
#define SMMUV3_EVENTQ_PROD 0x100a8u
#define SMMUV3_EVENTQ_CONS 0x100acu

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
#define IDR0_STALL_MODEL_NONE	  (STALL_MODEL_NONE << 24) /* faulting transactions are terminated */
#define IDR0_ST_LEVEL_TWO	  (1u << 27)
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
 * The largest queues, in bits of their indices. That of commands bounds the work of one store. That of events is
 * 64 KiB: FreeBSD aligns its queue no further.
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

/* Level 1 descriptor of a stream table. */
#define L1STD_SPAN  UINT64_C(0x1f)
#define L1STD_L2PTR UINT64_C(0x000fffffffffffc0)

#define CMD_BYTES	   16u
#define CMD_WORDS	   2u
#define CMD0_OPCODE(cmd0)  ((unsigned int)(cmd0)&0xffu)
#define CMD0_SSEC	   (UINT64_C(1) << 10)
#define CMD0_SSV	   (UINT64_C(1) << 11)
#define CMD0_SID(cmd0)	   ((uint32_t)((cmd0) >> 32))
#define CMD0_NUM(cmd0)	   ((unsigned int)((cmd0) >> 12) & 0x1fu)
#define CMD0_SCALE(cmd0)   ((unsigned int)((cmd0) >> 20) & 0x1fu)
#define CMD0_ASID(cmd0)	   ((uint16_t)((cmd0) >> 48))
#define CMD0_CS(cmd0)	   ((unsigned int)((cmd0) >> 12) & 3u)
#define CMD0_MSIDATA(cmd0) ((uint32_t)((cmd0) >> 32))
#define CMD1_RANGE(cmd1)   ((unsigned int)(cmd1)&0x1fu)
#define CMD1_TTL_ALL	   (UINT64_C(3) << 8)
#define CMD1_TTL(cmd1)	   ((unsigned int)((cmd1) >> 8) & 3u)
#define CMD1_TG(cmd1)	   ((unsigned int)((cmd1) >> 10) & 3u)
#define CMD1_TG_ALL	   (UINT64_C(3) << 10)
#define CMD1_TG_16K	   2u
#define CMD1_ADDRESS	   UINT64_C(0xfffffffffffff000)
#define SYNC_CS_IRQ	   1u
#define SYNC_CS_RESERVED   3u

enum {
	CMD_PREFETCH_CONFIG = 0x01,
	CMD_PREFETCH_ADDR = 0x02,
	CMD_CFGI_STE = 0x03,
	CMD_CFGI_STE_RANGE = 0x04, /* CMD_CFGI_ALL is one of them */
	CMD_CFGI_CD = 0x05,
	CMD_CFGI_CD_ALL = 0x06,
	CMD_TLBI_NH_ALL = 0x10,
	CMD_TLBI_NH_ASID = 0x11,
	CMD_TLBI_NH_VA = 0x12,
	CMD_TLBI_NH_VAA = 0x13,
	CMD_TLBI_NSNH_ALL = 0x30,
	CMD_SYNC = 0x46,
};

enum { CERROR_NONE = 0, CERROR_ILL = 1, CERROR_ABT = 2 };

#define EVENT_BYTES	   32u
#define EVENT_WORDS	   4u
#define EVENT0_TYPE	   UINT64_C(0xff)
#define EVENT1_READ	   (UINT64_C(1) << 35)
#define EVENT1_CLASS_TABLE (UINT64_C(1) << 40)
#define EVENT1_CLASS_INPUT (UINT64_C(2) << 40)
#define EVENT3_FETCH	   UINT64_C(0x000ffffffffffff8)

enum {
	C_BAD_STREAMID = 0x02,
	F_STE_FETCH = 0x03,
	C_BAD_STE = 0x04,
	F_CD_FETCH = 0x09,
	C_BAD_CD = 0x0a,
	F_WALK_EABT = 0x0b,
	F_TRANSLATION = 0x10,
	F_ADDR_SIZE = 0x11,
	F_ACCESS = 0x12,
	F_PERMISSION = 0x13,
};

#endif
