/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The I/O translation tables of s390, as Linux writes them (arch/s390/include/asm/pci_dma.h).
 */
#ifndef VIOMMU_WATCH_ZPCI_LAYOUT_H
#define VIOMMU_WATCH_ZPCI_LAYOUT_H

#include "tables.h"

extern const struct table_layout zpci_layout;

/* The table that an IOTA designates. false if none. */
bool zpci_layout_root(uint64_t iota, struct table_root *root);

/* Looks at the entries for first..last; those of an IOTA that designates no table are none. */
void zpci_layout_look(struct tables *tables, uint64_t iota, uint64_t first, uint64_t last);

#endif
