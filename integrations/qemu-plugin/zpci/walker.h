/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's walk of the tables as an oracle: the function that its RPCIT uses (QEMU,
 * hw/s390x/s390-pci-inst.c). It takes no lock but RCU's, which it takes itself.
 */
#ifndef VIOMMU_WATCH_ZPCI_WALKER_H
#define VIOMMU_WATCH_ZPCI_WALKER_H

#include "lists.h"
#include "qemu.h"

/*
 * Asks for the IOVAs first..last, widened to whole pages. false: this QEMU has no walk, or walks no
 * such tables, the range takes too many questions, or memory is short.
 */
bool walker_ask(uint64_t iota, uint64_t first, uint64_t last, struct stretch *answers);

#endif
