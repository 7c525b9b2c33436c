/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VT-d in numbers (D51397), besides viommu/vtd_spec.h: fields of registers, of descriptors and of
 * interrupt requests. The structures that lead from a source ID to tables are in format/vtd.h.
 */
#ifndef VIOMMU_GUEST_VTD_SPEC_H
#define VIOMMU_GUEST_VTD_SPEC_H

#include <port_types.h>
#include <viommu/vtd_spec.h>

#include "format/vtd.h"

#define VTD_BIT(n) (UINT64_C(1) << (n))

#define VER_1_0 0x10u

/* CAP */
#define CAP_ND_16BIT	UINT64_C(6)
#define CAP_CM		VTD_BIT(7)
#define CAP_SAGAW(aw)	VTD_BIT(8 + (aw)) /* by the value of AW in entries */
#define CAP_MGAW(bits)	((uint64_t)((bits)-1) << 16)
#define CAP_ZLR		VTD_BIT(22)
#define CAP_FRO(offset) ((uint64_t)(offset) / 16 << 24)
#define CAP_SSLPS	(VTD_BIT(34) | VTD_BIT(35)) /* 2 MiB, 1 GiB */
#define CAP_PSI		VTD_BIT(39)
#define CAP_NFR(number) ((uint64_t)((number)-1) << 40)
#define CAP_MAMV(most)	((uint64_t)(most) << 48)
#define CAP_DRAIN	(VTD_BIT(54) | VTD_BIT(55))
#define CAP_FS1GP	VTD_BIT(56)
#define CAP_FS5LP	VTD_BIT(60)
#define CAP_ESIRTPS	VTD_BIT(62)
#define CAP_ESRTPS	VTD_BIT(63)
#define MAMV		18u
/* ECAP */
#define ECAP_C		 VTD_BIT(0)
#define ECAP_QI		 VTD_BIT(1)
#define ECAP_IR		 VTD_BIT(3)
#define ECAP_EIM	 VTD_BIT(4)
#define ECAP_PT		 VTD_BIT(6)
#define ECAP_SC		 VTD_BIT(7)
#define ECAP_IRO(offset) ((uint64_t)(offset) / 16 << 8)
#define ECAP_MHMV	 (UINT64_C(15) << 20)
#define ECAP_SMTS	 VTD_BIT(43)
#define ECAP_SSTS	 VTD_BIT(46)
#define ECAP_FSTS	 VTD_BIT(47)
#define ECAP_SMPWCS	 VTD_BIT(48)
#define ECAP_RPS	 VTD_BIT(49)

/* GCMD: commands whose bit in GSTS is as it was written last. */
#define GCMD_STATES	 (VIOMMU_VTD_GCMD_TE | VIOMMU_VTD_GCMD_QIE)
#define GCMD_STATES_IR	 (VIOMMU_VTD_GCMD_IRE | VIOMMU_VTD_GCMD_CFI)
#define RTADDR_TTM(reg)	 ((unsigned int)((reg) >> 10) & 3u)
#define RTADDR_ALL	 (ENTRY_ADDRESS | UINT64_C(0xc00))
#define TTM_LEGACY	 0u
#define TTM_SCALABLE	 1u
#define CCMD_ICC	 VTD_BIT(63)
#define CCMD_CIRG(reg)	 ((unsigned int)((reg) >> 61) & 3u)
#define CCMD_CAIG	 (UINT64_C(3) << 59)
#define CCMD_CAIG_GLOBAL (UINT64_C(1) << 59)
#define CCMD_WRITABLE	 UINT64_C(0x60000003ffffffff)
#define IOTLB_IVT	 VTD_BIT(63)
#define IOTLB_IIRG(reg)	 ((unsigned int)((reg) >> 60) & 3u)
#define IOTLB_IAIG_SHIFT 57
#define IOTLB_IAIG	 (UINT64_C(3) << IOTLB_IAIG_SHIFT)
#define IOTLB_DID(reg)	 ((uint16_t)((reg) >> 32))
#define IOTLB_WRITABLE	 UINT64_C(0x3003ffff00000000)
#define IVA_ALL		 UINT64_C(0xfffffffffffff07f)
#define FSTS_PENDING	 (VIOMMU_VTD_FSTS_PFO | VIOMMU_VTD_FSTS_PPF | VIOMMU_VTD_FSTS_IQE)
#define FSTS_CLEARABLE	 (VIOMMU_VTD_FSTS_PFO | VIOMMU_VTD_FSTS_IQE)
#define FSTS_FRI_SHIFT	 8
#define FSTS_FRI	 (0xffu << FSTS_FRI_SHIFT)
/* FECTL and IECTL */
#define EVENT_IP	VTD_BIT(30)
#define EVENT_IM	VTD_BIT(31)
#define EVENT_ADDRESS	UINT64_C(0xfffffffc)
#define IQ_INDEX	UINT64_C(0x7fff0)
#define IQA_QS		UINT64_C(7)
#define IQA_DW		VTD_BIT(11)
#define ICS_IWC		VTD_BIT(0)
#define IQERCD_IQEI	UINT64_C(0xf)
#define IRTA_EIME	VTD_BIT(11)
#define IRTA_ENTRIES(r) (2u << ((r)&0xfu))
#define IRTA_ALL	(ENTRY_ADDRESS | IRTA_EIME | UINT64_C(0xf))
/* The upper two words of a fault recording register. */
#define FRCD2_SID(sid) ((uint64_t)(uint16_t)(sid))
#define FRCD2_PP       VTD_BIT(31)
#define FRCD3_F	       VTD_BIT(31)
#define FRCD3_READ     VTD_BIT(30)
#define FRCD3_PASID(p) ((uint64_t)((p)&0xfffffu) << 8)

/* Reserved fields of descriptors, in their doublewords. */
#define INV_CONTEXT0_RESERVED	UINT64_C(0xfffc00000000f1c0)
#define INV_IOTLB0_RESERVED	UINT64_C(0xffffffff0000f100)
#define INV_IOTLB1_RESERVED	UINT64_C(0x0000000000000f80)
#define INV_INTERRUPT0_RESERVED UINT64_C(0xffff000007fff1e0)
#define INV_WAIT0_RESERVED	UINT64_C(0x00000000fffff180)
#define INV_WAIT1_RESERVED	UINT64_C(0x0000000000000003)
#define INV_PASID0_RESERVED	UINT64_C(0xfff000000000f1c0) /* of caches, and of IOTLBs */

/* Interrupt requests in remappable format, and entries of the remapping table. */
#define MSI_ADDRESS(address) ((address) >> 20 == 0xfee)
#define MSI_REMAPPABLE	     VTD_BIT(4)
#define MSI_SHV		     VTD_BIT(3)
#define MSI_HANDLE(address)  ((uint32_t)((address) >> 5 & 0x7fff) | (uint32_t)((address) >> 2 & 1) << 15)
#define MSI_DATA_RESERVED    0xffff0000u

/* Requests without PASID to these addresses are interrupts. */
#define INTERRUPT_FIRST UINT64_C(0xfee00000)
#define INTERRUPT_LAST	UINT64_C(0xfeefffff)

#endif
