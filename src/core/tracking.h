/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VM's side of tracking: its tracker (viommu/tracking.h), and the pages of guest memory that
 * tables with a record lie on. tracked.h has the records, which are each domain's.
 *
 * Invariants:
 *  - Each page that a record's table lies on is watched, exactly as long as there is one. What lies
 *    next to each other, in the guest and here, is watched in one call.
 *  - A page is watched before its entries are loaded. So each write that a load did not see is
 *    reported by a later tracking_collect(), which opens the records of all tables on the page.
 *  - When a slot goes, the records of all tables that lie in it have been dropped, with all beneath
 *    them, before the tracker loses the slot.
 *  - Where the tracker fails, tracking stops for the whole VM: refreshes compare everything.
 */
#ifndef VIOMMU_CORE_TRACKING_H
#define VIOMMU_CORE_TRACKING_H

#include <viommu/tracking.h>

#include "core/hash.h"
#include "core/list.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/slots.h"

/* A table's record: tracked.c. */
struct tracking_table;

/* Changes of a record, with the lock held. */
struct tracking_ops {
	/* The table was written. */
	void (*open)(struct tracking_table *table);
	/* Its slot goes: the record goes too, with all beneath it. */
	void (*drop)(struct tracking_table *table);
};

struct tracking {
	/*
	 * Of all of it and of all records; the tracker is called under it. Taken after a space's
	 * lock. No lock is taken under it.
	 */
	struct port_lock lock;
	const struct tracking_ops *ops;
	struct memory *memory;
	const struct log *log;
	/* collect NULL: there is none. Set before there is a slot or a space. */
	struct viommu_tracker tracker;
	bool works; /* there is a tracker, and it has not failed */
	struct hash page_of_gpa;
	struct list pages; /* the same, to go through */
	uint64_t changes;  /* of the slots: each is a doubt of every domain */
};

void tracking_init(struct tracking *tracking, const struct tracking_ops *ops, struct memory *memory, const struct log *log);
/* When every record and every slot is gone. */
void tracking_destroy(struct tracking *tracking);

/*
 * With the VM's lock held: before the slot can be found, when it can no longer be found, and after
 * either, whether it succeeded or not.
 */
void tracking_slot_added(struct tracking *tracking, const struct slot *slot);
void tracking_slot_removed(struct tracking *tracking, const struct slot *slot);
void tracking_slots_changed(struct tracking *tracking);

/* The others are called with the lock held. */

/* Opens what was written. False if there is no tracker that works. */
bool tracking_collect(struct tracking *tracking);

/* A page of guest memory that tables lie on. */
struct tracking_page {
	struct hash_link by_gpa;
	struct list in_vm;
	struct list pieces;
	uintptr_t hva; /* for the tracker */
	bool watched;
};

/* A table's part on one page. */
struct tracking_piece {
	struct list in_page;
	struct tracking_page *page;
	struct tracking_table *table;
};

/*
 * Puts the pieces of a table, that begins on the page at gpa, on pages that are watched when it
 * returns. False if there is no memory; pieces then have no page.
 */
bool tracking_put_pieces(struct tracking *tracking, const struct slots *slots, struct tracking_piece *piece, unsigned int pieces, uint64_t gpa);
void tracking_take_pieces(struct tracking *tracking, struct tracking_piece *piece, unsigned int pieces);

#endif
