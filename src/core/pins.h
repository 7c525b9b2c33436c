/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pins and the budget. What a device can reach is pinned, and a pinned page is charged exactly once, however many IOVAs and domains name it: charged pages =
 * the sum over slots of (all pages of one that is wanted whole, else its pages with a count that is not zero), at every moment at which the pin lock is
 * free.
 *
 * How pages are kept in memory is the host's business (VFIO pins what it maps); the count says what is charged, and when the last name goes.
 */
#ifndef VIOMMU_CORE_PINS_H
#define VIOMMU_CORE_PINS_H

#include "core/slots.h"
#include "port/port.h"

struct pins {
	struct port_lock lock;
	uint64_t budget;  /* pages */
	uint64_t charged; /* pages */
	uint64_t peak;
};

void pins_init(struct pins *pins, uint64_t budget_bytes);
void pins_destroy(struct pins *pins);
void pins_set_budget(struct pins *pins, uint64_t budget_bytes);

/* All of a slot: 0 or -EDQUOT. */
int pins_get_slot(struct pins *pins, struct slot *slot);
void pins_put_slot(struct pins *pins, struct slot *slot);

/* Frees what a slot that nothing names any more needed for its counts. */
void pins_free_slot(struct slot *slot);

/* Between lock and unlock, for any number of pages. get: false if the budget, or memory for the count, does not allow it. */
static inline void pins_lock(struct pins *pins)
{
	port_lock(&pins->lock);
}
static inline void pins_unlock(struct pins *pins)
{
	port_unlock(&pins->lock);
}
bool pins_get(struct pins *pins, struct slot *slot, uint64_t gpa);
void pins_put(struct pins *pins, struct slot *slot, uint64_t gpa);

#endif
