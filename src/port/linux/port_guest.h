/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory in a kernel. A page is held for as long as it is looked at, and read or written
 * through the kernel's map of all memory. Nothing that a process does to its mappings meanwhile
 * changes which page that is.
 *
 * A slot without a file is a range of the address space of the process that adds it, and its
 * address is that process's. Other memory is found by a struct port_guest_pages: the slot's fd is
 * PORT_GUEST_PAGES, and its offset is that struct's address.
 */
#ifndef VIOMMU_PORT_LINUX_GUEST_H
#define VIOMMU_PORT_LINUX_GUEST_H

#include <port_types.h>

struct mm_struct;
struct page;

struct viommu_slot;

/* A slot's user has it in a struct of its own, for longer than the slot exists. */
struct port_guest_pages {
	/* The page at an offset into the slot, with a reference; NULL if it cannot be had now. */
	struct page *(*get)(const struct port_guest_pages *pages, uint64_t offset);
};

#define PORT_GUEST_PAGES 0

struct port_guest {
	const struct port_guest_pages *pages; /* NULL: a process's memory */
	struct mm_struct *mm;
	unsigned long base;
	bool written;
};

int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot);
void port_guest_destroy(struct port_guest *guest);
void *port_guest_map(const struct port_guest *guest, uint64_t offset);
void port_guest_unmap(const struct port_guest *guest, void *memory);
bool port_guest_load(const struct port_guest *guest, uint64_t offset, uint64_t *word);
#define port_guest_load port_guest_load
bool port_guest_store(const struct port_guest *guest, uint64_t offset, uint64_t value, unsigned int bytes);
#define port_guest_store port_guest_store

/*
 * Pins pages of a process, which may be another one than this thread's: as pin_user_pages_remote().
 * Returns how many, at least 1, or a negative errno; -ESRCH if the process has ended.
 */
long port_guest_pin(struct mm_struct *mm, unsigned long address, unsigned long number, unsigned int flags, struct page **pages);

#endif
