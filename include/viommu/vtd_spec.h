/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Intel's VT-d in numbers ("Intel Virtualization Technology for Directed I/O, Architecture
 * Specification", D51397): offsets of registers, descriptors of the invalidation queue, and fault
 * reasons, as far as the guest's IOMMU has them. For VMMs that handle accesses to registers, and
 * for programs that watch a guest.
 */
#ifndef VIOMMU_VTD_SPEC_H
#define VIOMMU_VTD_SPEC_H

#include <viommu/types.h>

/* Registers. */
#define VIOMMU_VTD_VER	   0x00u
#define VIOMMU_VTD_CAP	   0x08u /* 64 bits */
#define VIOMMU_VTD_ECAP	   0x10u /* 64 bits */
#define VIOMMU_VTD_GCMD	   0x18u
#define VIOMMU_VTD_GSTS	   0x1cu
#define VIOMMU_VTD_RTADDR  0x20u /* 64 bits */
#define VIOMMU_VTD_CCMD	   0x28u /* 64 bits */
#define VIOMMU_VTD_FSTS	   0x34u
#define VIOMMU_VTD_FECTL   0x38u
#define VIOMMU_VTD_FEDATA  0x3cu
#define VIOMMU_VTD_FEADDR  0x40u
#define VIOMMU_VTD_FEUADDR 0x44u
#define VIOMMU_VTD_IQH	   0x80u /* 64 bits */
#define VIOMMU_VTD_IQT	   0x88u /* 64 bits */
#define VIOMMU_VTD_IQA	   0x90u /* 64 bits */
#define VIOMMU_VTD_ICS	   0x9cu
#define VIOMMU_VTD_IECTL   0xa0u
#define VIOMMU_VTD_IEDATA  0xa4u
#define VIOMMU_VTD_IEADDR  0xa8u
#define VIOMMU_VTD_IEUADDR 0xacu
#define VIOMMU_VTD_IQERCD  0xb0u /* 64 bits */
#define VIOMMU_VTD_IRTA	   0xb8u /* 64 bits */
/* At the offsets in ECAP.IRO and CAP.FRO. */
#define VIOMMU_VTD_IVA	      0xf0u  /* 64 bits */
#define VIOMMU_VTD_IOTLB      0xf8u  /* 64 bits */
#define VIOMMU_VTD_FRCD	      0x220u /* the first fault recording register */
#define VIOMMU_VTD_FRCD_BYTES 16u
#define VIOMMU_VTD_FRCDS      4u /* CAP.NFR + 1 */

/* Global commands, and their status. */
#define VIOMMU_VTD_GCMD_CFI   (1u << 23)
#define VIOMMU_VTD_GCMD_SIRTP (1u << 24)
#define VIOMMU_VTD_GCMD_IRE   (1u << 25)
#define VIOMMU_VTD_GCMD_QIE   (1u << 26)
#define VIOMMU_VTD_GCMD_SRTP  (1u << 30)
#define VIOMMU_VTD_GCMD_TE    (1u << 31)

/* Fault status. */
#define VIOMMU_VTD_FSTS_PFO (1u << 0)
#define VIOMMU_VTD_FSTS_PPF (1u << 1)
#define VIOMMU_VTD_FSTS_IQE (1u << 4)

/*
 * Descriptors of the invalidation queue are two doublewords, or four where IQA.DW is 1,
 * little-endian in memory. Fields of the first (INV0) and the second (INV1) of them.
 */
#define VIOMMU_VTD_INV_BYTES	     16u
#define VIOMMU_VTD_INV_WIDE_BYTES    32u
#define VIOMMU_VTD_INV0_TYPE(inv0)   ((unsigned int)((inv0)&0xfu) | ((unsigned int)((inv0) >> 5) & 0x70u))
#define VIOMMU_VTD_INV0_G(inv0)	     ((unsigned int)((inv0) >> 4) & 3u)
#define VIOMMU_VTD_INV0_DID(inv0)    ((uint16_t)((inv0) >> 16))
#define VIOMMU_VTD_INV0_SID(inv0)    ((uint16_t)((inv0) >> 32)) /* of context caches, device-TLBs */
#define VIOMMU_VTD_INV0_FM(inv0)     ((unsigned int)((inv0) >> 48) & 3u)
#define VIOMMU_VTD_INV0_PASID(inv0)  ((uint32_t)((inv0) >> 32) & 0xfffffu)
#define VIOMMU_VTD_INV0_IF	     (UINT64_C(1) << 4) /* of a wait: interrupt flag */
#define VIOMMU_VTD_INV0_SW	     (UINT64_C(1) << 5) /* status write */
#define VIOMMU_VTD_INV0_FN	     (UINT64_C(1) << 6) /* fence */
#define VIOMMU_VTD_INV0_STATUS(inv0) ((uint32_t)((inv0) >> 32))
#define VIOMMU_VTD_INV1_AM(inv1)     ((unsigned int)(inv1)&0x3fu)
#define VIOMMU_VTD_INV1_IH	     (UINT64_C(1) << 6)
#define VIOMMU_VTD_INV1_ADDRESS	     UINT64_C(0xfffffffffffff000)

/* The type. */
enum {
	VIOMMU_VTD_INV_CONTEXT = 1,
	VIOMMU_VTD_INV_IOTLB = 2,
	VIOMMU_VTD_INV_DEVICE_TLB = 3,
	VIOMMU_VTD_INV_INTERRUPT = 4,
	VIOMMU_VTD_INV_WAIT = 5,
	VIOMMU_VTD_INV_PASID_IOTLB = 6,
	VIOMMU_VTD_INV_PASID = 7,
	VIOMMU_VTD_INV_PASID_DEVICE_TLB = 8,
};

/* The granularity, of context caches and IOTLBs. */
enum {
	VIOMMU_VTD_G_GLOBAL = 1,
	VIOMMU_VTD_G_DOMAIN = 2,
	VIOMMU_VTD_G_SELECTIVE = 3, /* a device, pages */
};

/* IQERCD.IQEI: why the queue has stopped. */
enum {
	VIOMMU_VTD_IQEI_NONE = 0,
	VIOMMU_VTD_IQEI_TAIL = 1,      /* beyond the queue */
	VIOMMU_VTD_IQEI_FETCH = 2,     /* the descriptor is not in memory */
	VIOMMU_VTD_IQEI_TYPE = 3,      /* unknown */
	VIOMMU_VTD_IQEI_RESERVED = 4,  /* a reserved field is not 0, or a value reserved */
	VIOMMU_VTD_IQEI_UNALIGNED = 6, /* the tail */
};

/* Fault reasons (FRCD.FR). */
enum {
	/* Legacy mode */
	VIOMMU_VTD_FR_ROOT_ABSENT = 0x01,
	VIOMMU_VTD_FR_CONTEXT_ABSENT = 0x02,
	VIOMMU_VTD_FR_CONTEXT_INVALID = 0x03,
	VIOMMU_VTD_FR_BEYOND_WIDTH = 0x04,
	VIOMMU_VTD_FR_WRITE = 0x05,
	VIOMMU_VTD_FR_READ = 0x06,
	VIOMMU_VTD_FR_TABLE_ACCESS = 0x07,
	VIOMMU_VTD_FR_ROOT_ACCESS = 0x08,
	VIOMMU_VTD_FR_CONTEXT_ACCESS = 0x09,
	VIOMMU_VTD_FR_ROOT_RESERVED = 0x0a,
	VIOMMU_VTD_FR_CONTEXT_RESERVED = 0x0b,
	VIOMMU_VTD_FR_TABLE_RESERVED = 0x0c,
	VIOMMU_VTD_FR_INTERRUPT_ADDRESS = 0x0e,
	/* Interrupt remapping */
	VIOMMU_VTD_FR_IR_RESERVED = 0x20,
	VIOMMU_VTD_FR_IR_INDEX = 0x21,
	VIOMMU_VTD_FR_IR_ABSENT = 0x22,
	VIOMMU_VTD_FR_IR_ACCESS = 0x23,
	VIOMMU_VTD_FR_IR_ENTRY_RESERVED = 0x24,
	VIOMMU_VTD_FR_IR_COMPATIBILITY = 0x25,
	VIOMMU_VTD_FR_IR_SOURCE = 0x26,
	/* Root table address register, and requests with PASID */
	VIOMMU_VTD_FR_MODE = 0x30,
	VIOMMU_VTD_FR_LEGACY_PASID = 0x31,
	/* Scalable mode */
	VIOMMU_VTD_FR_SM_ROOT_ACCESS = 0x38,
	VIOMMU_VTD_FR_SM_ROOT_ABSENT = 0x39,
	VIOMMU_VTD_FR_SM_ROOT_RESERVED = 0x3a,
	VIOMMU_VTD_FR_SM_CONTEXT_ACCESS = 0x40,
	VIOMMU_VTD_FR_SM_CONTEXT_ABSENT = 0x41,
	VIOMMU_VTD_FR_SM_CONTEXT_RESERVED = 0x42,
	VIOMMU_VTD_FR_SM_PASID_DISABLED = 0x45,
	VIOMMU_VTD_FR_SM_RID_PASID = 0x48,
	VIOMMU_VTD_FR_SM_DIRECTORY_ACCESS = 0x50,
	VIOMMU_VTD_FR_SM_DIRECTORY_ABSENT = 0x51,
	VIOMMU_VTD_FR_SM_DIRECTORY_RESERVED = 0x52,
	VIOMMU_VTD_FR_SM_PASID_ACCESS = 0x58,
	VIOMMU_VTD_FR_SM_PASID_ABSENT = 0x59,
	VIOMMU_VTD_FR_SM_PASID_RESERVED = 0x5a,
	VIOMMU_VTD_FR_SM_PASID_INVALID = 0x5b,
	VIOMMU_VTD_FR_SM_FIRST_ACCESS = 0x70,
	VIOMMU_VTD_FR_SM_FIRST_ABSENT = 0x71,
	VIOMMU_VTD_FR_SM_FIRST_RESERVED = 0x72,
	VIOMMU_VTD_FR_SM_FIRST_ROOT = 0x73,
	VIOMMU_VTD_FR_SM_SECOND_ACCESS = 0x78,
	VIOMMU_VTD_FR_SM_SECOND_RESERVED = 0x7a,
	VIOMMU_VTD_FR_SM_SECOND_ROOT = 0x7b,
	VIOMMU_VTD_FR_SM_NOT_CANONICAL = 0x80,
	VIOMMU_VTD_FR_SM_PRIVILEGE = 0x81,
	VIOMMU_VTD_FR_SM_BEYOND_HARDWARE = 0x83,
	VIOMMU_VTD_FR_SM_BEYOND_WIDTH = 0x84,
	VIOMMU_VTD_FR_SM_WRITE = 0x85,
	VIOMMU_VTD_FR_SM_READ = 0x86,
	VIOMMU_VTD_FR_SM_INTERRUPT_ADDRESS = 0x87,
	VIOMMU_VTD_FR_SM_FIRST_FLAGS = 0x91,
};

#endif
