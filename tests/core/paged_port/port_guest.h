/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory as in a kernel: accessed one page at a time. Each access has a cost and may fail.
 * See test_pages.c.
 */
#ifndef TESTS_CORE_PAGED_PORT_GUEST_H
#define TESTS_CORE_PAGED_PORT_GUEST_H

#include <viommu/vm.h>

#include <port_types.h>

struct port_guest {
	unsigned char *base;
	uint64_t bytes;
	bool written;
};

int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot);
void port_guest_destroy(struct port_guest *guest);
void *port_guest_map(const struct port_guest *guest, uint64_t offset);
void port_guest_unmap(const struct port_guest *guest, void *memory);

#endif
