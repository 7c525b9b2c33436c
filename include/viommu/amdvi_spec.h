/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * AMD's IOMMU in numbers (AMD I/O Virtualization Technology (IOMMU) Specification, 48882): offsets
 * of registers, commands, and events, as far as the guest's IOMMU has them. For VMMs that handle
 * accesses to registers, and for programs that watch a guest.
 */
#ifndef VIOMMU_AMDVI_SPEC_H
#define VIOMMU_AMDVI_SPEC_H

#include <viommu/types.h>

/* Registers: 64 bits each, the last one 32. */
#define VIOMMU_AMDVI_DEV_TAB_BASE    0x0000u
#define VIOMMU_AMDVI_CMD_BASE	     0x0008u
#define VIOMMU_AMDVI_EVENT_BASE	     0x0010u
#define VIOMMU_AMDVI_CONTROL	     0x0018u
#define VIOMMU_AMDVI_EXCLUSION_BASE  0x0020u
#define VIOMMU_AMDVI_EXCLUSION_LIMIT 0x0028u
#define VIOMMU_AMDVI_EXT_FEATURES    0x0030u
#define VIOMMU_AMDVI_XT_INTERRUPT    0x0170u
#define VIOMMU_AMDVI_CMD_HEAD	     0x2000u
#define VIOMMU_AMDVI_CMD_TAIL	     0x2008u
#define VIOMMU_AMDVI_EVENT_HEAD	     0x2010u
#define VIOMMU_AMDVI_EVENT_TAIL	     0x2018u
#define VIOMMU_AMDVI_STATUS	     0x2020u

/* Control. */
#define VIOMMU_AMDVI_CONTROL_IOMMU_EN	  (UINT64_C(1) << 0)
#define VIOMMU_AMDVI_CONTROL_EVENT_LOG_EN (UINT64_C(1) << 2)
#define VIOMMU_AMDVI_CONTROL_EVENT_INT_EN (UINT64_C(1) << 3)
#define VIOMMU_AMDVI_CONTROL_COM_WAIT_EN  (UINT64_C(1) << 4) /* ComWaitIntEn */
#define VIOMMU_AMDVI_CONTROL_CMD_BUF_EN	  (UINT64_C(1) << 12)
#define VIOMMU_AMDVI_CONTROL_GA_EN	  (UINT64_C(1) << 17)
#define VIOMMU_AMDVI_CONTROL_XT_EN	  (UINT64_C(1) << 50)
#define VIOMMU_AMDVI_CONTROL_INT_CAP_XT	  (UINT64_C(1) << 51)

/* Exclusion base. */
#define VIOMMU_AMDVI_EXCLUSION_EN    UINT64_C(0x1)
#define VIOMMU_AMDVI_EXCLUSION_ALLOW UINT64_C(0x2) /* all devices */

/* Extended features. */
#define VIOMMU_AMDVI_EFR_PREF_SUP (UINT64_C(1) << 0)
#define VIOMMU_AMDVI_EFR_XT_SUP	  (UINT64_C(1) << 2)
#define VIOMMU_AMDVI_EFR_IA_SUP	  (UINT64_C(1) << 6)
#define VIOMMU_AMDVI_EFR_GA_SUP	  (UINT64_C(1) << 7)
#define VIOMMU_AMDVI_EFR_HATS_SIX (UINT64_C(2) << 10)

/* Status. */
#define VIOMMU_AMDVI_STATUS_EVENT_OVERFLOW 0x01u
#define VIOMMU_AMDVI_STATUS_EVENT_LOG_INT  0x02u
#define VIOMMU_AMDVI_STATUS_COM_WAIT_INT   0x04u
#define VIOMMU_AMDVI_STATUS_EVENT_LOG_RUN  0x08u
#define VIOMMU_AMDVI_STATUS_CMD_BUF_RUN	   0x10u

/*
 * Commands are two doublewords, little-endian in memory. Fields of the first (CMD0) and the second
 * (CMD1) of them.
 */
#define VIOMMU_AMDVI_CMD_BYTES		  16u
#define VIOMMU_AMDVI_CMD_WORDS		  2u
#define VIOMMU_AMDVI_CMD0_OPCODE(cmd0)	  ((unsigned int)((cmd0) >> 60))
#define VIOMMU_AMDVI_CMD0_DEVICE_ID(cmd0) ((uint16_t)(cmd0))
#define VIOMMU_AMDVI_CMD0_DOMAIN_ID(cmd0) ((uint16_t)((cmd0) >> 32))
#define VIOMMU_AMDVI_CMD0_WAIT_STORE	  UINT64_C(0x1)
#define VIOMMU_AMDVI_CMD0_WAIT_INTERRUPT  UINT64_C(0x2)
#define VIOMMU_AMDVI_CMD0_WAIT_FLUSH	  UINT64_C(0x4)
#define VIOMMU_AMDVI_CMD0_WAIT_ADDRESS	  UINT64_C(0x000ffffffffffff8)
#define VIOMMU_AMDVI_CMD1_PAGES_SIZE	  UINT64_C(0x1) /* S */
#define VIOMMU_AMDVI_CMD1_PAGES_DIRECTORY UINT64_C(0x2) /* PDE */
#define VIOMMU_AMDVI_CMD1_PAGES_ADDRESS	  UINT64_C(0xfffffffffffff000)

enum {
	VIOMMU_AMDVI_COMPLETION_WAIT = 1,
	VIOMMU_AMDVI_INVALIDATE_DEVTAB_ENTRY = 2,
	VIOMMU_AMDVI_INVALIDATE_IOMMU_PAGES = 3,
	VIOMMU_AMDVI_INVALIDATE_IOTLB_PAGES = 4,
	VIOMMU_AMDVI_INVALIDATE_INTERRUPT_TABLE = 5,
	VIOMMU_AMDVI_PREFETCH_IOMMU_PAGES = 6,
	VIOMMU_AMDVI_COMPLETE_PPR_REQUEST = 7,
	VIOMMU_AMDVI_INVALIDATE_IOMMU_ALL = 8,
};

/*
 * Events are two doublewords, little-endian in memory. Fields of the first one; the second one is
 * an address.
 */
#define VIOMMU_AMDVI_EVENT_BYTES	      16u
#define VIOMMU_AMDVI_EVENT_WORDS	      2u
#define VIOMMU_AMDVI_EVENT0(code)	      ((uint64_t)(code) << 60)
#define VIOMMU_AMDVI_EVENT0_CODE(event0)      ((unsigned int)((event0) >> 60))
#define VIOMMU_AMDVI_EVENT0_DEVICE_ID(event0) ((uint16_t)(event0))
#define VIOMMU_AMDVI_EVENT0_DOMAIN_ID(event0) ((uint16_t)((event0) >> 32))
#define VIOMMU_AMDVI_EVENT0_I		      (UINT64_C(1) << 51) /* an interrupt */
#define VIOMMU_AMDVI_EVENT0_PR		      (UINT64_C(1) << 52) /* the entry was present */
#define VIOMMU_AMDVI_EVENT0_RW		      (UINT64_C(1) << 53) /* a store */
#define VIOMMU_AMDVI_EVENT0_PE		      (UINT64_C(1) << 54) /* too few rights */
#define VIOMMU_AMDVI_EVENT0_RZ		      (UINT64_C(1) << 55) /* a reserved bit was not 0 */
#define VIOMMU_AMDVI_EVENT0_TR		      (UINT64_C(1) << 56) /* a translation request */
#define VIOMMU_AMDVI_EVENT0_TYPE_SHIFT	      57
#define VIOMMU_AMDVI_EVENT0_MASTER_ABORT      (UINT64_C(1) << VIOMMU_AMDVI_EVENT0_TYPE_SHIFT)
#define VIOMMU_AMDVI_EVENT0_DOMAIN(id)	      ((uint64_t)(id) << 32)

enum {
	VIOMMU_AMDVI_ILLEGAL_DEV_TABLE_ENTRY = 1,
	VIOMMU_AMDVI_IO_PAGE_FAULT = 2,
	VIOMMU_AMDVI_DEV_TAB_HARDWARE_ERROR = 3,
	VIOMMU_AMDVI_PAGE_TAB_HARDWARE_ERROR = 4,
	VIOMMU_AMDVI_ILLEGAL_COMMAND_ERROR = 5,
	VIOMMU_AMDVI_COMMAND_HARDWARE_ERROR = 6,
	VIOMMU_AMDVI_INVALID_DEVICE_REQUEST = 8,
};

/*
 * The capability block in the PCI function's configuration space ("PCI Resources"). HEADER: PCI's
 * ID of a secure device, the type of an IOMMU, revision 1.
 */
#define VIOMMU_AMDVI_CAP_HEADER	      UINT32_C(0x000b000f)
#define VIOMMU_AMDVI_CAP_IOTLBSUP     (UINT32_C(1) << 24)
#define VIOMMU_AMDVI_CAP_NPCACHE      (UINT32_C(1) << 26)
#define VIOMMU_AMDVI_CAP_EFRSUP	      (UINT32_C(1) << 27)
#define VIOMMU_AMDVI_CAP_EXT	      (UINT32_C(1) << 28)
#define VIOMMU_AMDVI_CAP_PASIZE(bits) ((uint32_t)(bits) << 8) /* in misc[0] */
#define VIOMMU_AMDVI_CAP_VASIZE(bits) ((uint32_t)(bits) << 15)

#endif
