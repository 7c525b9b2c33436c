/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arm's SMMUv3 (IHI 0070) and VMSAv8-64 tables (DDI 0487, D8.3) in numbers, as far as the watcher
 * uses them. They are written from these documents, not from the library's headers. So the
 * comparison finds a wrong mask in either.
 */
#ifndef VIOMMU_WATCH_SMMUV3_SPEC_H
#define VIOMMU_WATCH_SMMUV3_SPEC_H

#include "bits.h"

/* Registers (6.2, 6.3). */
#define REG_CR0		    0x20u
#define REG_GBPA	    0x44u
#define REG_STRTAB_BASE	    0x80u
#define REG_STRTAB_BASE_CFG 0x88u
#define REG_CMDQ_BASE	    0x90u
#define REG_CMDQ_PROD	    0x98u
#define REG_CMDQ_CONS	    0x9cu
#define REG_EVENTQ_BASE	    0xa0u

#define REG_CR0_SMMUEN	     0x1u
#define REG_CR0_EVENTQEN     0x4u
#define REG_CR0_CMDQEN	     0x8u
#define REG_CMDQ_CONS_ERR(r) BITS(r, 30, 24)
/* Index and wrap bit of CMDQ_PROD and CMDQ_CONS. */
#define REG_QUEUE_INDEX(r)   ((uint32_t)BITS(r, 19, 0))
#define REG_QUEUE_ADDRESS(r) FIELD(r, 51, 5)
#define REG_QUEUE_SIZE(r)    ((unsigned int)BITS(r, 4, 0))

#define STRTAB_ADDRESS(base)  FIELD(base, 51, 6)
#define STRTAB_SIZE(config)   ((unsigned int)BITS(config, 5, 0))
#define STRTAB_SPLIT(config)  ((unsigned int)BITS(config, 10, 6))
#define STRTAB_FORMAT(config) BITS(config, 17, 16)
#define STRTAB_TWO_LEVEL      1u

/* Level 1 descriptor of a stream table (5.1). */
#define L1_SPAN(word)	 ((unsigned int)BITS(word, 4, 0))
#define L1_POINTER(word) FIELD(word, 51, 6)

/* Stream table entry (5.2) and context descriptor (5.4), of 64 bytes. */
#define STRUCTURE_WORDS	   8u
#define STRUCTURE_BYTES	   64u
#define STE_VALID(word0)   BITS(word0, 0, 0)
#define STE_CFG(word0)	   BITS(word0, 3, 1)
#define STE_STAGE_1	   5u
#define STE_CONTEXT(word0) FIELD(word0, 51, 6)
#define CD_T0SZ_OF(word0)  ((unsigned int)BITS(word0, 5, 0))
#define CD_TG0_OF(word0)   ((unsigned int)BITS(word0, 7, 6))
#define CD_EPD0_OF(word0)  BITS(word0, 14, 14)
#define CD_T1SZ_OF(word0)  ((unsigned int)BITS(word0, 21, 16))
#define CD_TG1_OF(word0)   ((unsigned int)BITS(word0, 23, 22))
#define CD_EPD1_OF(word0)  BITS(word0, 30, 30)
#define CD_VALID(word0)	   BITS(word0, 31, 31)
#define CD_ASID_OF(word0)  ((uint16_t)BITS(word0, 63, 48))
#define CD_TABLE(word)	   FIELD(word, 51, 4)
/* Sizes of input addresses with 48 bits (IDR5.VAX = 0). */
#define TSZ_LEAST 16u
#define TSZ_MOST  39u

/* Descriptors with 48 output bits. At the last level, bit 1 means a page. */
#define DESCRIPTOR_VALID(d)	BITS(d, 0, 0)
#define DESCRIPTOR_TABLE(d)	BITS(d, 1, 1)
#define DESCRIPTOR_READ_ONLY(d) BITS(d, 7, 7) /* AP[2] */
#define OUTPUT_BITS		48u

/* Commands (4.1 to 4.4), of 16 bytes. */
#define COMMAND_BYTES	      16u
#define COMMAND_CODE(word0)   ((unsigned int)BITS(word0, 7, 0))
#define COMMAND_NUM(word0)    BITS(word0, 16, 12)
#define COMMAND_SCALE(word0)  ((unsigned int)BITS(word0, 25, 20))
#define COMMAND_SID(word0)    ((uint32_t)BITS(word0, 63, 32))
#define COMMAND_ASID(word0)   ((uint16_t)BITS(word0, 63, 48))
#define COMMAND_TG(word1)     ((unsigned int)BITS(word1, 11, 10))
#define COMMAND_ADDRESS(word) FIELD(word, 63, 12)

enum {
	CODE_CFGI_STE = 0x03,
	CODE_CFGI_STE_RANGE = 0x04,
	CODE_CFGI_CD = 0x05,
	CODE_CFGI_CD_ALL = 0x06,
	CODE_TLBI_NH_ALL = 0x10,
	CODE_TLBI_NH_ASID = 0x11,
	CODE_TLBI_NH_VA = 0x12,
	CODE_TLBI_NH_VAA = 0x13,
	CODE_TLBI_NSNH_ALL = 0x30,
};

#endif
