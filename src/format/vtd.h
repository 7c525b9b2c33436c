/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a VT-d unit finds the tables of a device (Intel Virtualization Technology for Directed I/O,
 * Architecture Specification): root entries, context entries of legacy and of scalable mode, PASID
 * directory and PASID table entries; and where it finds the route of an interrupt. All are arrays
 * of doublewords; fields are named with the doubleword that they are in.
 */
#ifndef VIOMMU_FORMAT_VTD_H
#define VIOMMU_FORMAT_VTD_H

#include <port_types.h>

/* Entries of all structures: present, fault processing disable, the next structure. */
#define ENTRY_P	      (UINT64_C(1) << 0)
#define ENTRY_FPD     (UINT64_C(1) << 1)
#define ENTRY_ADDRESS UINT64_C(0xfffffffffffff000)
#define ROOT_BYTES    16u
#define ROOT_RESERVED UINT64_C(0xffe)
/* Context entries of legacy mode. */
#define CONTEXT_BYTES	   16u
#define CONTEXT0_RESERVED  UINT64_C(0xff0)
#define CONTEXT0_TT(word)  ((unsigned int)((word) >> 2) & 3u)
#define TT_SECOND_STAGE	   0u
#define TT_PASS_THROUGH	   2u
#define CONTEXT1_AW(word)  ((unsigned int)(word)&7u)
#define CONTEXT1_DID(word) ((uint16_t)((word) >> 8))
#define CONTEXT1_RESERVED  UINT64_C(0xffffffffff000080)
/* Of scalable mode: DTE, PASIDE, PRE and RID_PRIV are of features that are absent. */
#define SM_CONTEXT_BYTES	 32u
#define SM_CONTEXT_WORDS	 4u
#define SM_CONTEXT0_RESERVED	 UINT64_C(0x1fc)
#define SM_CONTEXT0_PDTS(word)	 ((unsigned int)((word) >> 9) & 7u)
#define SM_CONTEXT1_RESERVED	 UINT64_C(0xfffffffffff00000)
#define SM_CONTEXT1_RID_PASID(w) ((uint32_t)(w)&0xfffffu)
#define DIRECTORY_RESERVED	 UINT64_C(0xffc)
#define PASID_INDEX_BITS	 6u /* of a PASID table */
#define PASID_BYTES		 64u
#define PASID_WORDS		 8u
/* SSADE, memory types, SRE, ERE and EAFE are of features that are absent. */
#define PASID0_RESERVED	  UINT64_C(0xe20)
#define PASID0_AW(word)	  ((unsigned int)((word) >> 2) & 7u)
#define PASID0_PGTT(word) ((unsigned int)((word) >> 6) & 7u)
#define PGTT_FIRST	  1u
#define PGTT_SECOND	  2u
#define PGTT_PASS_THROUGH 4u
#define PASID1_RESERVED	  UINT64_C(0xfffffffffe7f0000)
#define PASID1_DID(word)  ((uint16_t)(word))
#define PASID2_RESERVED	  UINT64_C(0xf83)
#define PASID2_NXE	  (UINT64_C(1) << 5)
#define PASID2_FSPM(word) ((unsigned int)((word) >> 2) & 3u)

/* Entries of the interrupt remapping table. */
#define IRTE_BYTES		   16u
#define IRTE0_RESERVED		   UINT64_C(0xff00f000) /* IM: there are no posted interrupts */
#define IRTE0_RESERVED_XAPIC	   UINT64_C(0xffff00ff00000000)
#define IRTE0_DM(word)		   ((uint32_t)((word) >> 2) & 1u)
#define IRTE0_RH(word)		   ((uint32_t)((word) >> 3) & 1u)
#define IRTE0_TM(word)		   ((uint32_t)((word) >> 4) & 1u)
#define IRTE0_DLM(word)		   ((uint32_t)((word) >> 5) & 7u)
#define IRTE0_VECTOR(word)	   ((uint32_t)((word) >> 16) & 0xffu)
#define IRTE0_DESTINATION(word)	   ((uint32_t)((word) >> 32))
#define IRTE0_DESTINATION_XAPIC(w) ((uint32_t)((w) >> 40) & 0xffu)
#define IRTE1_RESERVED		   UINT64_C(0xfffffffffff00000)
#define IRTE1_SID(word)		   ((uint32_t)(word)&0xffffu)
#define IRTE1_SQ(word)		   ((unsigned int)((word) >> 16) & 3u)
#define IRTE1_SVT(word)		   ((unsigned int)((word) >> 18) & 3u)
#define SVT_NONE		   0u
#define SVT_SOURCE		   1u
#define SVT_BUSES		   2u

#endif
