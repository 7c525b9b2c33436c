/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which guest memory there is.
 *
 * The slots of a VM are an immutable, sorted array that is replaced as a whole. The array is
 * published by a release store (vm.h). A thread that holds the lock of one of the VM's spaces may
 * use the array that it loaded under that lock. An array, and a slot that left it, are freed only
 * after every space's lock was held once since (vm_slots.c).
 *
 * Invariants:
 *  - Slots do not overlap. A slot's range and memory never change.
 *  - A slot that is being removed stays in the array, marked, until no translation names it. So
 *    what is established can always be found for release, while nothing new is established.
 *  - Guest memory is reached through the port alone, and a page stays mapped only while it is
 *    looked at: for one step of a refresh at the most.
 *
 * It has no lock: see vm.h.
 */
#ifndef VIOMMU_CORE_SLOTS_H
#define VIOMMU_CORE_SLOTS_H

#include <viommu/types.h>

#include "core/list.h"
#include "port/port.h"

struct pin_chunk;

struct slot {
	uint64_t first port_aligned(PORT_LINE_BYTES); /* GPA */
	uint64_t last;
	uintptr_t hva; /* for hosts and trackers: see slot_hva() */
	uint64_t offset;
	uint32_t prot;
	int32_t fd;
	struct port_guest memory;

	/* pins.c */
	struct pin_chunk **chunks;
	/* A refcount: all of the slot is to be pinned; under the lock of all pins */
	uint32_t whole;
	bool removing;
};

struct slots {
	uint64_t refresh_entries; /* that one refresh examines at the most: see vm_slots.c */
	unsigned int number;
	struct slot *slot[];
};

/*
 * A user of slots that has no space. While its lock is held, which is taken after all others and
 * for a few instructions, it may use the array that viommu_vm.slots named when the lock was taken.
 */
struct slots_user {
	struct list in_vm;
	struct port_lock lock; /* taken last */
};
/* With the VM's lock held. */
void slots_user_add(struct viommu_vm *vm, struct slots_user *user);
void slots_user_remove(struct slots_user *user);

static inline uint64_t slot_pages(const struct slot *slot)
{
	return ((slot->last - slot->first) >> 12) + 1;
}

/* The address of a GPA as hosts and trackers have it. Nothing is loaded from there or stored. */
static inline unsigned char *slot_hva(const struct slot *slot, uint64_t gpa)
{
	return (unsigned char *)(slot->hva + (uintptr_t)(gpa - slot->first));
}

/*
 * The memory at a GPA, up to the end of its page, until it is unmapped. NULL if it cannot be mapped
 * now. See port_guest_map().
 */
static inline void *slot_map_page(const struct slot *slot, uint64_t gpa)
{
	return port_guest_map(&slot->memory, gpa - slot->first);
}

static inline void slot_unmap_page(const struct slot *slot, void *memory)
{
	port_guest_unmap(&slot->memory, memory);
}

/* An array of so many slots, to be filled in. NULL if there is no memory. */
struct slots *slots_alloc(unsigned int number);
void slots_free(struct slots *slots);

/*
 * A copy with one more slot, or with one less. NULL if there is no memory; *error is -ENOMEM then,
 * or -EEXIST if the slot overlaps another.
 */
struct slots *slots_with(const struct slots *old, struct slot *slot, int *error);
struct slots *slots_without(const struct slots *old, const struct slot *slot);

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

/* Whether any slot has a part of first..last. */
static inline bool slots_overlap(const struct slots *slots, uint64_t first, uint64_t last)
{
	unsigned int low = 0, high = slots->number;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (first > slots->slot[middle]->last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < slots->number && last >= slots->slot[low]->first;
}

/*
 * The slot with the lowest GPA that has memory at hva and permits prot, or NULL. The guest may have
 * the same memory in several slots.
 */
struct slot *slots_find_memory(const struct slots *slots, const unsigned char *hva, uint32_t prot);

/* Loads the entry at a GPA, which is naturally aligned. False if there is no memory. */
static inline bool slots_load(const struct slots *slots, uint64_t gpa, uint64_t *word)
{
	const struct slot *slot = slots_backing(slots, gpa);

	return slot && port_guest_load(&slot->memory, gpa - slot->first, word);
}

#endif
