/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory of the tests: memory of the kernel, whose pages are contiguous in its own addresses
 * alone. It is found page by page as that of a process is, at another address than the test's.
 */
#ifndef TESTS_KERNEL_PORT_GUEST_H
#define TESTS_KERNEL_PORT_GUEST_H

#include <port_types.h>

struct viommu_slot;

struct port_guest {
	void *base;
	uint64_t bytes;
};

int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot);
void port_guest_destroy(struct port_guest *guest);
void *port_guest_map(const struct port_guest *guest, uint64_t offset);
void port_guest_unmap(const struct port_guest *guest, void *memory);

/* Pages that are mapped: none, between two tests. */
long port_guest_mapped(void);

#endif
