/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of a replayed guest: one sparse mapping a slot, so that a guest of any size costs only
 * the pages that its capture fills, and those are bounded. The mappings hold the same bytes as a
 * real guest's memory: doublewords in the guest's order.
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
	/* One bit a page each, sparse as well. */
	unsigned char *filled; /* something was stored there */
	unsigned char *marked; /* by guest_mark() */
};

struct guest {
	struct guest_slot *slots; /* in no order */
	unsigned int count;
	unsigned int capacity;
	bool little_endian;  /* its doublewords are */
	unsigned int recent; /* where the last search ended */
	uint64_t bytes;	     /* in all slots */
	uint64_t filled_bytes;
	uint64_t filled_limit; /* the most that filled_bytes may become */
};

/*
 * 0, -ENOMEM where this machine has no room for it. *out is good until the next change of slots.
 * The range overlaps no other slot.
 */
int guest_add(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot, const struct guest_slot **out);

/* Drops the slot that begins at gpa, if there is one. */
void guest_remove(struct guest *guest, uint64_t gpa);

/* The slot that gpa is in, NULL if it is in none. Good until the next change of slots. */
const struct guest_slot *guest_find(struct guest *guest, uint64_t gpa);

/*
 * Makes count doublewords from gpa on hold value. They lie in one slot. 0, or -EDQUOT where that
 * would fill more than the limit.
 */
int guest_store(struct guest *guest, uint64_t gpa, uint64_t value, uint64_t count);

/*
 * Marks (or unmarks) the pages of gpa .. gpa + bytes - 1, and returns how many of them are in a
 * slot and were not so before. For counting distinct pages without a list of them.
 */
uint64_t guest_mark(struct guest *guest, uint64_t gpa, uint64_t bytes, bool mark);

void guest_free(struct guest *guest);

#endif
