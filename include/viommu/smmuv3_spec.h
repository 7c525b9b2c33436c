/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arm's SMMUv3 in numbers (IHI 0070): offsets of registers (chapter 6), commands (chapter 4) and
 * codes of events (chapter 7), as far as the guest's SMMU has them. For VMMs that handle accesses
 * to registers, and for programs that watch a guest.
 */
#ifndef VIOMMU_SMMUV3_SPEC_H
#define VIOMMU_SMMUV3_SPEC_H

#include <viommu/types.h>

/* Registers of page 0. */
#define VIOMMU_SMMUV3_IDR0	      0x00u
#define VIOMMU_SMMUV3_IDR1	      0x04u
#define VIOMMU_SMMUV3_IDR2	      0x08u
#define VIOMMU_SMMUV3_IDR3	      0x0cu
#define VIOMMU_SMMUV3_IDR4	      0x10u
#define VIOMMU_SMMUV3_IDR5	      0x14u
#define VIOMMU_SMMUV3_IIDR	      0x18u
#define VIOMMU_SMMUV3_AIDR	      0x1cu
#define VIOMMU_SMMUV3_CR0	      0x20u
#define VIOMMU_SMMUV3_CR0ACK	      0x24u
#define VIOMMU_SMMUV3_CR1	      0x28u
#define VIOMMU_SMMUV3_CR2	      0x2cu
#define VIOMMU_SMMUV3_STATUSR	      0x40u
#define VIOMMU_SMMUV3_GBPA	      0x44u
#define VIOMMU_SMMUV3_IRQ_CTRL	      0x50u
#define VIOMMU_SMMUV3_IRQ_CTRLACK     0x54u
#define VIOMMU_SMMUV3_GERROR	      0x60u
#define VIOMMU_SMMUV3_GERRORN	      0x64u
#define VIOMMU_SMMUV3_GERROR_IRQ_CFG0 0x68u /* 64 bits */
#define VIOMMU_SMMUV3_GERROR_IRQ_CFG1 0x70u
#define VIOMMU_SMMUV3_GERROR_IRQ_CFG2 0x74u
#define VIOMMU_SMMUV3_STRTAB_BASE     0x80u /* 64 bits */
#define VIOMMU_SMMUV3_STRTAB_BASE_CFG 0x88u
#define VIOMMU_SMMUV3_CMDQ_BASE	      0x90u /* 64 bits */
#define VIOMMU_SMMUV3_CMDQ_PROD	      0x98u
#define VIOMMU_SMMUV3_CMDQ_CONS	      0x9cu
#define VIOMMU_SMMUV3_EVENTQ_BASE     0xa0u /* 64 bits */
#define VIOMMU_SMMUV3_EVENTQ_IRQ_CFG0 0xb0u /* 64 bits */
#define VIOMMU_SMMUV3_EVENTQ_IRQ_CFG1 0xb8u
#define VIOMMU_SMMUV3_EVENTQ_IRQ_CFG2 0xbcu
/* Page 1. */
#define VIOMMU_SMMUV3_EVENTQ_PROD 0x100a8u
#define VIOMMU_SMMUV3_EVENTQ_CONS 0x100acu

/*
 * Commands are two doublewords, little-endian in memory. Fields of the first (CMD0) and the second
 * (CMD1) of them.
 */
#define VIOMMU_SMMUV3_CMD_BYTES		 16u
#define VIOMMU_SMMUV3_CMD_WORDS		 2u
#define VIOMMU_SMMUV3_CMD0_OPCODE(cmd0)	 ((unsigned int)(cmd0)&0xffu)
#define VIOMMU_SMMUV3_CMD0_SSEC		 (UINT64_C(1) << 10)
#define VIOMMU_SMMUV3_CMD0_SSV		 (UINT64_C(1) << 11)
#define VIOMMU_SMMUV3_CMD0_SID(cmd0)	 ((uint32_t)((cmd0) >> 32))
#define VIOMMU_SMMUV3_CMD0_NUM(cmd0)	 ((unsigned int)((cmd0) >> 12) & 0x1fu)
#define VIOMMU_SMMUV3_CMD0_SCALE(cmd0)	 ((unsigned int)((cmd0) >> 20) & 0x1fu)
#define VIOMMU_SMMUV3_CMD0_ASID(cmd0)	 ((uint16_t)((cmd0) >> 48))
#define VIOMMU_SMMUV3_CMD0_CS(cmd0)	 ((unsigned int)((cmd0) >> 12) & 3u)
#define VIOMMU_SMMUV3_CMD0_MSIDATA(cmd0) ((uint32_t)((cmd0) >> 32))
#define VIOMMU_SMMUV3_CMD1_RANGE(cmd1)	 ((unsigned int)(cmd1)&0x1fu)
#define VIOMMU_SMMUV3_CMD1_TTL_ALL	 (UINT64_C(3) << 8)
#define VIOMMU_SMMUV3_CMD1_TTL(cmd1)	 ((unsigned int)((cmd1) >> 8) & 3u)
#define VIOMMU_SMMUV3_CMD1_TG(cmd1)	 ((unsigned int)((cmd1) >> 10) & 3u)
#define VIOMMU_SMMUV3_CMD1_TG_ALL	 (UINT64_C(3) << 10)
#define VIOMMU_SMMUV3_CMD1_TG_16K	 2u
#define VIOMMU_SMMUV3_CMD1_ADDRESS	 UINT64_C(0xfffffffffffff000)
#define VIOMMU_SMMUV3_SYNC_CS_IRQ	 1u
#define VIOMMU_SMMUV3_SYNC_CS_RESERVED	 3u

/* The opcode. */
enum {
	VIOMMU_SMMUV3_CMD_PREFETCH_CONFIG = 0x01,
	VIOMMU_SMMUV3_CMD_PREFETCH_ADDR = 0x02,
	VIOMMU_SMMUV3_CMD_CFGI_STE = 0x03,
	/* CMD_CFGI_ALL is the one of all StreamIDs: RANGE is 31 */
	VIOMMU_SMMUV3_CMD_CFGI_STE_RANGE = 0x04,
	VIOMMU_SMMUV3_CMD_CFGI_CD = 0x05,
	VIOMMU_SMMUV3_CMD_CFGI_CD_ALL = 0x06,
	VIOMMU_SMMUV3_CMD_TLBI_NH_ALL = 0x10,
	VIOMMU_SMMUV3_CMD_TLBI_NH_ASID = 0x11,
	VIOMMU_SMMUV3_CMD_TLBI_NH_VA = 0x12,
	VIOMMU_SMMUV3_CMD_TLBI_NH_VAA = 0x13,
	VIOMMU_SMMUV3_CMD_TLBI_NSNH_ALL = 0x30,
	VIOMMU_SMMUV3_CMD_SYNC = 0x46,
};

enum { VIOMMU_SMMUV3_CERROR_NONE = 0, VIOMMU_SMMUV3_CERROR_ILL = 1, VIOMMU_SMMUV3_CERROR_ABT = 2 };

/* The code of an event record, bits 7:0 of its first doubleword; the StreamID is in bits 63:32. */
enum {
	VIOMMU_SMMUV3_C_BAD_STREAMID = 0x02,
	VIOMMU_SMMUV3_F_STE_FETCH = 0x03,
	VIOMMU_SMMUV3_C_BAD_STE = 0x04,
	VIOMMU_SMMUV3_F_CD_FETCH = 0x09,
	VIOMMU_SMMUV3_C_BAD_CD = 0x0a,
	VIOMMU_SMMUV3_F_WALK_EABT = 0x0b,
	VIOMMU_SMMUV3_F_TRANSLATION = 0x10,
	VIOMMU_SMMUV3_F_ADDR_SIZE = 0x11,
	VIOMMU_SMMUV3_F_ACCESS = 0x12,
	VIOMMU_SMMUV3_F_PERMISSION = 0x13,
};

#endif
