/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of a replayed guest: one sparse mapping for each slot. A guest of any size costs only
 * the pages that its capture fills, up to a limit. The mappings hold the same bytes as a real
 * guest's memory: doublewords in the guest's order.
 */
#ifndef VIOMMU_CLI_GUEST_H
#define VIOMMU_CLI_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_slot {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t prot; /* VIOMMU_READ or VIOMMU_RW */
	unsigned char *memory;
	uint64_t filled_bytes;
	/* One bit for each page, sparse as well. */
	unsigned char *filled; /* something was stored there */
	unsigned char *marked; /* by guest_mark() */
};

struct guest {
	struct guest_slot *slots; /* in no order */
	unsigned int count;
	size_t capacity;
	bool little_endian;  /* its doublewords are */
	unsigned int recent; /* result of the last search */
	uint64_t bytes;	     /* in all slots */
	uint64_t filled_bytes;
	uint64_t filled_limit; /* limit of filled_bytes */
};

/*
 * 0, or -ENOMEM if this machine has no room for it. *out is valid until the next change of slots.
 * The range overlaps no other slot.
 */
int guest_add(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot, const struct guest_slot **out);

/* Removes the slot that begins at gpa, if there is one. */
void guest_remove(struct guest *guest, uint64_t gpa);

/* The slot that contains gpa, NULL if there is none. Valid until the next change of slots. */
const struct guest_slot *guest_find(struct guest *guest, uint64_t gpa);

/*
 * Stores value to count doublewords from gpa on. They are in one slot. 0, or -EDQUOT if that would
 * exceed the limit.
 */
int guest_store(struct guest *guest, uint64_t gpa, uint64_t value, uint64_t count);

/*
 * Marks (or unmarks) the pages of gpa .. gpa + bytes - 1. Returns the number of those in a slot
 * whose mark has changed. Counts distinct pages without a list of them.
 */
uint64_t guest_mark(struct guest *guest, uint64_t gpa, uint64_t bytes, bool mark);

void guest_free(struct guest *guest);

#endif
