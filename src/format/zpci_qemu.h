/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * zpci_qemu: the tables of zpci.h, judged as QEMU's walker judges them (hw/s390x/s390-pci-inst.c:
 * s390_guest_io_table_walk(), table_translate()).
 *
 * It differs where real guests do not go, so that a guest which works on one works on the other,
 * but its errors differ:
 *  - an entry of zeros is an error of its own, at every level, even where it would have been valid;
 *  - only region third tables are designated;
 *  - an RTTE must name a full table (TF = 0, TL = 3), which is judged before its type; its FC bit
 *    is ignored, and its origin is aligned to 16 KiB;
 *  - a table, a page frame or a segment frame at address 0 is an error of type.
 *
 * Not imitated: of a segment frame's address QEMU tests more bits here than it then uses (those of
 * a page table's origin), so that stray low bits make a frame at 0 pass. And QEMU takes unknown
 * bits of an IOTA for address bits, which shifts the table; here the designation is refused, as in
 * zpci.h.
 */
#ifndef VIOMMU_FORMAT_ZPCI_QEMU_H
#define VIOMMU_FORMAT_ZPCI_QEMU_H

#include "format/zpci.h"

#define ZPCI_QEMU_RTE_ORIGIN (~UINT64_C(0x3fff))

enum { zpci_qemu_max_level = ZPCI_REGION_THIRD };

#define FORMAT_NAME zpci_qemu
#define FORMAT_BASE zpci
#include "format/format_defaults.h"

static inline int zpci_qemu_root(const struct format_designation *designation, struct format_root *root)
{
	int error = zpci_root(designation, root);

	if (error)
		return error;
	return root->level == ZPCI_REGION_THIRD ? 0 : -PORT_EINVAL;
}

static inline uint64_t zpci_qemu_table_address(unsigned int level, uint64_t entry)
{
	return entry & (level == ZPCI_SEGMENT ? ZPCI_STE_ORIGIN : ZPCI_QEMU_RTE_ORIGIN);
}

static inline enum format_kind zpci_qemu_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	(void)root;
	/* It lacks the invalid bit, so that zpci_invalid_mask() holds here, too. */
	if (!entry)
		return FORMAT_BAD_ZERO;
	if (level == ZPCI_PAGE) {
		if (entry & ZPCI_PTE_I)
			return FORMAT_INVALID;
		return entry & ZPCI_PTE_FRAME ? FORMAT_LEAF : FORMAT_BAD_TYPE;
	}
	if (entry & ZPCI_ENTRY_I)
		return FORMAT_INVALID;
	if (level == ZPCI_REGION_THIRD && (entry & (ZPCI_RTE_TF | ZPCI_RTE_TL)) != ZPCI_RTE_TL_FULL)
		return FORMAT_BAD_LENGTH;
	if ((entry & ZPCI_ENTRY_TT) != zpci_type(level))
		return FORMAT_BAD_TYPE;
	if (level == ZPCI_SEGMENT && entry & ZPCI_STE_FC)
		return entry & ZPCI_STE_FRAME ? FORMAT_LEAF : FORMAT_BAD_TYPE;
	return zpci_qemu_table_address(level, entry) ? FORMAT_TABLE : FORMAT_BAD_TYPE;
}

#endif
