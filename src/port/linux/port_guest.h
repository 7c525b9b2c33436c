/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory in a kernel: a range of a process's address space. A page is pinned for as long as
 * it is looked at, and read or written through the kernel's map of all memory. Nothing that the
 * process does to its mappings meanwhile changes which page that is.
 *
 * The address in a slot is the process's. It is of the process that adds the slot.
 */
#ifndef VIOMMU_PORT_LINUX_GUEST_H
#define VIOMMU_PORT_LINUX_GUEST_H

#include <port_types.h>

struct mm_struct;
struct page;

struct port_guest {
	struct mm_struct *mm;
	unsigned long base;
	bool written;
};

int port_guest_init(struct port_guest *guest, void *hva, uint64_t bytes, bool written);
void port_guest_destroy(struct port_guest *guest);
void *port_guest_map(const struct port_guest *guest, uint64_t offset);
void port_guest_unmap(const struct port_guest *guest, void *memory);

/*
 * Pins pages of a process, which may be another one than this thread's: as pin_user_pages_remote().
 * Returns how many, at least 1, or a negative errno; -ESRCH if the process has ended.
 */
long port_guest_pin(struct mm_struct *mm, unsigned long address, unsigned long number, unsigned int flags, struct page **pages);

#endif
