/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The I/O translation tables of s390, as Linux writes them (arch/s390/include/asm/pci_dma.h), and
 * QEMU's walk of them, the function that its RPCIT uses (QEMU, hw/s390x/s390-pci-inst.c).
 */
#ifndef VIOMMU_WATCH_ZPCI_TABLES_H
#define VIOMMU_WATCH_ZPCI_TABLES_H

#include "../tables.h"
#include "lists.h"

extern const struct table_layout zpci_layout;

/* The table that an IOTA designates. false if there is none. */
bool zpci_layout_root(uint64_t iota, struct table_root *root);

/* Reads the entries for first..last. An IOTA that designates no table has none. */
void zpci_look(struct tables *tables, uint64_t iota, uint64_t first, uint64_t last);

/*
 * Queries QEMU's walk for the IOVAs first..last, widened to whole pages. It takes no lock but
 * RCU's. false if this QEMU has no walk or walks no such tables, if the range needs too many
 * queries, or if memory is short.
 */
bool zpci_ask_walk(uint64_t iota, uint64_t first, uint64_t last, struct stretch *answers);

#endif
