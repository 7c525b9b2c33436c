/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which guest memory there is.
 *
 * The slots of a VM are an immutable, sorted array that is replaced as a whole. Whoever holds the lock of one of the VM's spaces may use the array that
 * viommu_vm.slots named when he took it: an array, and a slot that left it, are freed only after every space's lock was held once in between.
 *
 * A slot that is being removed stays in the array, marked, until no translation names it: so what is established can always be found again for release,
 * while nothing new is established.
 */
#ifndef VIOMMU_CORE_SLOTS_H
#define VIOMMU_CORE_SLOTS_H

#include <port_types.h>

#include <viommu/types.h>

#include "port/port.h"

/* How often each of 512 pages is named by established translations: see pins.c. */
#define PIN_CHUNK_PAGES 512u
struct pin_chunk {
	struct port_lock lock;
	bool whole;	 /* all of the slot is wanted, and charged for */
	uint16_t *upper; /* of counts, where 16 bits do not do; NULL: all are 0 */
	uint16_t named;	 /* pages whose count is not zero */
	uint16_t count[PIN_CHUNK_PAGES];
};

struct slot {
	uint64_t first; /* GPA */
	uint64_t last;
	unsigned char *hva;
	uint64_t offset;
	uint32_t prot;
	int32_t fd;
	bool removing;

	/* pins.c */
	uint32_t whole; /* how many want all of the slot pinned; under the lock of all pins */
	struct pin_chunk **chunks;
};

struct slots {
	unsigned int number;
	struct slot *slot[];
};

static inline uint64_t slot_pages(const struct slot *slot)
{
	return ((slot->last - slot->first) >> 12) + 1;
}

/* An array of so many slots, to be filled in. NULL if there is no memory. */
struct slots *slots_alloc(unsigned int number);
void slots_free(struct slots *slots);

/* The slot that backs gpa, or NULL. */
static inline struct slot *slots_find(const struct slots *slots, uint64_t gpa)
{
	unsigned int low = 0, high = slots->number;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (gpa > slots->slot[middle]->last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < slots->number && gpa >= slots->slot[low]->first ? slots->slot[low] : NULL;
}

/* The slot that backs a GPA for what is new. A slot that is being removed backs nothing new. */
static inline struct slot *slots_backing(const struct slots *slots, uint64_t gpa)
{
	struct slot *slot = slots_find(slots, gpa);

	return slot && !port_load_relaxed(&slot->removing) ? slot : NULL;
}

/* Where an entry at gpa can be loaded from, or NULL. Entries are naturally aligned, so that none crosses the end of a slot. */
static inline const uint64_t *slots_entry(const struct slots *slots, uint64_t gpa)
{
	const struct slot *slot = slots_backing(slots, gpa);

	return slot ? (const uint64_t *)(const void *)(slot->hva + (gpa - slot->first)) : NULL;
}

#endif
