/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pins and the budget. What a device can reach is pinned, and a pinned page is charged exactly
 * once, however many IOVAs and domains name it: charged pages = the sum over slots of (all pages of
 * one that is wanted whole, else its pages with a count that is not zero), at every moment at which
 * no chunk's lock is held.
 *
 * How pages are kept in memory is the host's business (VFIO pins what it maps); the count says what
 * is charged, and when the last name goes.
 *
 * A chunk of counts has a lock of its own, under which its counts change and what they change is
 * charged. So domains whose pages are in different parts of memory meet only in the one word that
 * says how much is charged; and a thread that finds a page uncounted while another is about to
 * charge for it waits for that one, so that a budget that fits exactly is never found too small. A
 * slot that is wanted whole is charged for chunk by chunk, and each chunk keeps a mark of that
 * under its own lock; chunks are made, and slots become wanted, under the lock of all pins.
 */
#ifndef VIOMMU_CORE_PINS_H
#define VIOMMU_CORE_PINS_H

#include "core/slots.h"
#include "port/port.h"

struct pins {
	/*
	 * chunks being made, and slots being wanted whole. Taken after a space's lock, and before
	 * those of chunks.
	 */
	struct port_lock lock;
	bool on_refresh;   /* pages are pinned when tables name them; constant */
	port_word budget;  /* pages */
	port_word charged; /* pages */
	port_word peak;
};

void pins_init(struct pins *pins, uint64_t budget_bytes);
void pins_destroy(struct pins *pins);
void pins_set_budget(struct pins *pins, uint64_t budget_bytes);

/* All of a slot: 0 or -EDQUOT. */
int pins_get_slot(struct pins *pins, struct slot *slot);
void pins_put_slot(struct pins *pins, struct slot *slot);

/* Frees what a slot that nothing names any more needed for its counts. */
void pins_free_slot(struct slot *slot);

/*
 * So many pages of a slot, from gpa on, are named once more, or once less. get returns how many of
 * the first ones it was: the budget, or memory for the counts, may not allow the next one, while
 * some that follow it may be had.
 */
unsigned int pins_get(struct pins *pins, struct slot *slot, uint64_t gpa, unsigned int pages);
void pins_put(struct pins *pins, struct slot *slot, uint64_t gpa, unsigned int pages);

/* The same of one page; get: whether it was. */
bool pins_get_page(struct pins *pins, struct slot *slot, uint64_t gpa);
void pins_put_page(struct pins *pins, struct slot *slot, uint64_t gpa);

static inline uint64_t pins_load(const port_word *word)
{
	return port_load_relaxed(word);
}

#endif
