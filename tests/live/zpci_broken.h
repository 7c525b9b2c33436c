/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * s390's tables, read with one fault that is selected when the plugin is loaded: the environment
 * variable VIOMMU_BROKEN_WALK is off-by-one, no-protection or level-missed. Without it nothing is
 * broken. It shows that the oracles find such faults. Everything else is format/zpci.h.
 */
#ifndef VIOMMU_TESTS_LIVE_ZPCI_BROKEN_H
#define VIOMMU_TESTS_LIVE_ZPCI_BROKEN_H

#define zpci_table_address zpci_true_table_address
#define zpci_kind	   zpci_true_kind
#define zpci_prot	   zpci_true_prot
#include "format/zpci.h"
#undef zpci_table_address
#undef zpci_kind
#undef zpci_prot

enum broken_walk { BROKEN_NOTHING = 0, BROKEN_OFF_BY_ONE, BROKEN_NO_PROTECTION, BROKEN_LEVEL_MISSED };

extern enum broken_walk broken_walk;

/* Whether a change of this segment table entry is still to be missed. */
bool broken_missed(uint64_t entry);

/* A page table begins one entry later. */
static inline uint64_t zpci_table_address(unsigned int level, uint64_t entry)
{
	return zpci_true_table_address(level, entry) + (broken_walk == BROKEN_OFF_BY_ONE && level == ZPCI_SEGMENT ? sizeof(uint64_t) : 0);
}

/* A page table that is linked into its segment table is missed at first. */
static inline enum format_kind zpci_kind(const struct format_root *root, unsigned int level, uint64_t entry)
{
	enum format_kind kind = zpci_true_kind(root, level, entry);

	if (broken_walk == BROKEN_LEVEL_MISSED && level == ZPCI_SEGMENT && kind == FORMAT_TABLE && broken_missed(entry))
		return FORMAT_INVALID;
	return kind;
}

/* All pages are writable. */
static inline uint32_t zpci_prot(const struct format_root *root, unsigned int level, uint64_t entry)
{
	return broken_walk == BROKEN_NO_PROTECTION ? VIOMMU_RW : zpci_true_prot(root, level, entry);
}

#endif
