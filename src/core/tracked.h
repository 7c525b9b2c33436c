/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A domain's side of tracking: which tables need not be looked at again.
 *
 * A domain has a record of each table that a refresh of its whole aperture went into, in a tree of
 * the shape of the guest's tables. A record is *known* if the shadow is what the table's entries
 * say, as far as they lead to no other table, and the table was not written since they were loaded.
 * Otherwise it is *open*. A refresh of the whole aperture first collects what was written, which
 * opens records. Then it scans the IOVAs of its open records, and skips each table that is known
 * and has nothing open beneath it.
 *
 * Invariants:
 *  - A record is marked as loaded (`written` cleared) after its pages are watched and before the
 *    entries are loaded. So a write that the load did not see opens the record again, also while
 *    the refresh is under way.
 *  - An open record becomes known only at the end of the refresh that loaded it, when everything is
 *    in the host. Until then another refresh of the same domain scans it too.
 *  - A table that is not what its record says (another address, other rights or bounds) is open.
 *    That is how a change of a higher entry is noticed: the table that the entry is in was written,
 *    so that all its entries are loaded again, and each is compared with the record of the table
 *    that it leads to.
 *  - A refresh of any range that finds something else at the place of a record, in its scan or its
 *    fill, opens the record with all beneath it at once: what it applies is not what the record
 *    stands for, even if the entry that led elsewhere is as before by the time it is looked at
 *    again.
 *  - A table that names what cannot be established as it says (malformed, no memory there) stays
 *    open, so that results do not depend on tracking.
 *  - A *doubt* makes the domain's next refresh of the whole aperture look at everything: a slot
 *    came or went, or a refresh did not get all that it wanted (budget, memory, host). Records
 *    stand for what a table says, not for what became of it.
 *  - Where there is no memory for records, the domain has none from then on.
 *
 * All of it is protected by the VM's tracking lock (tracking.h).
 */
#ifndef VIOMMU_CORE_TRACKED_H
#define VIOMMU_CORE_TRACKED_H

#include <viommu/hosts.h>

#include "core/tracking.h"
#include "format/format.h"

#define TRACKING_RANGES 256u
#define TRACKING_LEVELS 8u

/* A domain's. */
struct tracked {
	struct tracking *tracking; /* the VM's */
	bool has_tracker;
	uint64_t first; /* IOVAs of the aperture */
	uint64_t last;
	unsigned int root_level;
	uint8_t bits[TRACKING_LEVELS]; /* log2 of what a table covers, 64 at the most */
	struct hash table_of_place;
	struct list roots; /* records that have no parent */
	struct list open;  /* records that are open */
	uint64_t stamp;	   /* of the last refresh */
	uint64_t doubts;   /* how many there were, those of the VM not included */
	/* How many, with those of the VM, were answered by looking at everything */
	uint64_t cleared;
	bool off; /* there was no memory */
	/*
	 * Room for one refresh's ranges at a time, since a tracking_pass is on a stack that may be
	 * small. NULL: none has needed it yet, or there was no memory.
	 */
	struct viommu_iova_range *range;
	bool ranges_lent;
};

/* One refresh, as far as tracking is concerned. */
struct tracking_pass {
	struct tracked *tracked; /* NULL: there is no tracker */
	uint64_t stamp;
	uint64_t doubts; /* when it began */
	bool learns;	 /* it is a refresh of the whole aperture, and makes records */
	bool everything; /* it relies on none */
	unsigned int ranges;
	struct viommu_iova_range *range; /* to look at; ascending. The next one, or the domain's */
	struct viommu_iova_range own;
};

/* Parameters of tracking_init(). */
extern const struct tracking_ops tracked_ops;

/* The caller fills in `bits`. */
void tracked_init(struct tracked *tracked, struct tracking *tracking, uint64_t first, uint64_t last, unsigned int root_level);
void tracked_destroy(struct tracked *tracked);

/*
 * The scan comes to a table, first..last of what it covers, before it loads any of its entries.
 * False if there is no need to go into it.
 */
bool tracking_enter(struct tracking_pass *pass, const struct slots *slots, const struct format_root *table, uint64_t first, uint64_t last);

/*
 * The fill comes to a table in the same way. False if there is nothing to fill, since the scan of
 * this refresh did not go into it.
 */
bool tracking_fill(struct tracking_pass *pass, const struct format_root *table, uint64_t first, uint64_t last);

/*
 * Either comes to the place first..last of a table of that level, or of a part of it, and there is
 * none.
 */
void tracking_no_table(struct tracking_pass *pass, unsigned int level, uint64_t first, uint64_t last);

/*
 * Either comes to the table of leaves of an IOVA without regard to those above: at `address`, with
 * the rights that these leave; UINT64_MAX: to none.
 */
void tracking_leaves(struct tracking_pass *pass, uint64_t address, uint32_t prot, uint64_t iova);

/*
 * An entry of that level at iova, or what it leads to, could not be made true as it stands: all
 * that says so is looked at again the next time.
 */
void tracking_distrust(struct tracking_pass *pass, unsigned int level, uint64_t iova);

/* The refresh looks at all of first..last after all. */
static inline void tracking_look_at(struct tracking_pass *pass, uint64_t first, uint64_t last)
{
	pass->everything = true;
	pass->ranges = 1;
	pass->range[0] = (struct viommu_iova_range){ first, last };
}

/* A refresh of first..last begins: says which IOVAs to look at. Without the space's lock. */
void tracking_begin_all(struct tracked *tracked, struct tracking_pass *pass);
static inline void tracking_begin(struct tracked *tracked, struct tracking_pass *pass, uint64_t first, uint64_t last)
{
	pass->tracked = tracked->has_tracker ? tracked : NULL;
	pass->learns = false;
	pass->range = &pass->own;
	tracking_look_at(pass, first, last);
	/* A smaller range is compared sooner than the tracker is asked. */
	if (pass->tracked && first == tracked->first && last == tracked->last)
		tracking_begin_all(tracked, pass);
}

/*
 * The refresh ends. complete: all that the tables name is established, except where
 * tracking_distrust() was called.
 */
void tracking_end_learning(struct tracked *tracked, struct tracking_pass *pass, bool complete);
static inline void tracking_end(struct tracked *tracked, struct tracking_pass *pass, bool complete)
{
	if (pass->tracked && (!complete || pass->learns))
		tracking_end_learning(tracked, pass, complete);
}

/* Gives all records back, for good. True if there were any. */
bool tracking_stop(struct tracked *tracked);

/* How many tables have a record. */
uint64_t tracking_tables(struct tracked *tracked);

#endif
