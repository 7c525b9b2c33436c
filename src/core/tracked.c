/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/tracked.h"

/* The record of a table. A table that is reached at several IOVAs has one for each. */
struct tracking_table {
	struct hash_link by_place;
	struct tracked *tracked;
	struct tracking_table *parent; /* NULL: in tracked->roots */
	struct list in_parent;
	struct list children;
	struct list in_open;   /* in none where it is known */
	struct format_root is; /* as it was found last */
	uint64_t first;	       /* IOVAs, clipped to the aperture */
	uint64_t last;
	uint64_t met;	       /* stamp of the last refresh whose scan came to it ... */
	uint64_t entered;      /* ... and went into it, or a part of it */
	uint64_t loaded;       /* ... and loaded all of its entries */
	uint32_t open_beneath; /* records */
	uint32_t pieces;
	/* Since it was loaded, or for another reason not to be known when the refresh ends */
	bool written;
	struct tracking_piece piece[];
};

static size_t table_bytes(unsigned int pieces)
{
	return sizeof(struct tracking_table) + pieces * sizeof(struct tracking_piece);
}

#define RANGES_BYTES (TRACKING_RANGES * sizeof(struct viommu_iova_range))

/* Tables of a level do not overlap: which one, and the level, are its key. */
static uint64_t place_of(const struct tracked *tracked, unsigned int level, uint64_t iova)
{
	unsigned int bits = tracked->bits[level];

	return (bits < 64 ? iova >> bits << 3 : 0) | level;
}

static struct tracking_table *find_table(const struct tracked *tracked, unsigned int level, uint64_t iova)
{
	struct hash_link *link = hash_find(&tracked->table_of_place, place_of(tracked, level, iova));

	return link ? list_member(link, struct tracking_table, by_place) : NULL;
}

static bool is_open(const struct tracking_table *table)
{
	return !list_is_empty(&table->in_open);
}

static void open_table(struct tracking_table *table)
{
	table->written = true;
	if (is_open(table))
		return;
	list_append(&table->tracked->open, &table->in_open);
	for (struct tracking_table *above = table->parent; above; above = above->parent)
		above->open_beneath++;
}

static void close_table(struct tracking_table *table)
{
	list_remove(&table->in_open);
	for (struct tracking_table *above = table->parent; above; above = above->parent)
		above->open_beneath--;
}

/* Recursion is as deep as the format has levels. */
static void drop_table(struct tracking_table *table)
{
	struct tracked *tracked = table->tracked;

	list_each (&table->children, struct tracking_table, in_parent, child)
		drop_table(child);
	if (is_open(table))
		close_table(table);
	tracking_take_pieces(tracked->tracking, table->piece, table->pieces);
	list_remove(&table->in_parent);
	hash_remove(&tracked->table_of_place, &table->by_place);
	memory_free(tracked->tracking->memory, table, table_bytes(table->pieces), 0);
}

const struct tracking_ops tracked_ops = { .open = open_table, .drop = drop_table };

static void drop_all(struct tracked *tracked)
{
	list_each (&tracked->roots, struct tracking_table, in_parent, table)
		drop_table(table);
	if (tracked->ranges_lent)
		return;
	memory_free(tracked->tracking->memory, tracked->range, RANGES_BYTES, 0);
	tracked->range = NULL;
}

void tracked_init(struct tracked *tracked, struct tracking *tracking, uint64_t first, uint64_t last, unsigned int root_level)
{
	tracked->tracking = tracking;
	/* A tracker is there before any domain. */
	tracked->has_tracker = tracking->tracker.collect;
	tracked->root_level = root_level;
	tracked->first = first;
	tracked->last = last;
	list_init(&tracked->roots);
	list_init(&tracked->open);
	/* The first refresh is to look at everything. */
	tracked->doubts = 1;
}

void tracked_destroy(struct tracked *tracked)
{
	struct tracking *tracking = tracked->tracking;

	port_lock(&tracking->lock);
	drop_all(tracked);
	port_unlock(&tracking->lock);
}

bool tracking_stop(struct tracked *tracked)
{
	struct tracking *tracking = tracked->tracking;
	bool any;

	port_lock(&tracking->lock);
	any = tracked->table_of_place.number;
	drop_all(tracked);
	tracked->off = true;
	port_unlock(&tracking->lock);
	return any;
}

uint64_t tracking_tables(struct tracked *tracked)
{
	struct tracking *tracking = tracked->tracking;
	uint64_t number;

	port_lock(&tracking->lock);
	number = tracked->table_of_place.number;
	port_unlock(&tracking->lock);
	return number;
}

static bool is_beneath_open(const struct tracking_table *table)
{
	for (const struct tracking_table *above = table->parent; above; above = above->parent)
		if (is_open(above))
			return true;
	return false;
}

/* Ascending, and apart from each other. False if there are too many. */
static bool append_range(struct tracking_pass *pass, uint64_t first, uint64_t last)
{
	unsigned int at = pass->ranges;

	if (at == (pass->range == &pass->own ? 1 : TRACKING_RANGES))
		return false;
	for (; at && pass->range[at - 1].first > first; at--)
		pass->range[at] = pass->range[at - 1];
	pass->range[at] = (struct viommu_iova_range){ first, last };
	pass->ranges++;
	return true;
}

/*
 * The IOVAs of what is open. Where that is much, it is what lies between the first and the last of
 * it: the scan goes past what is known.
 */
static void find_ranges(struct tracking_pass *pass)
{
	struct tracked *tracked = pass->tracked;
	bool fit = true;
	uint64_t first = UINT64_MAX, last = 0;

	/* Unless another refresh of this domain has the room, which is between two of its steps. */
	if (!tracked->range)
		tracked->range = memory_alloc(tracked->tracking->memory, RANGES_BYTES, 0);
	if (tracked->range && !tracked->ranges_lent) {
		tracked->ranges_lent = true;
		pass->range = tracked->range;
	}
	pass->ranges = 0;
	list_each (&tracked->open, struct tracking_table, in_open, table) {
		if (fit && !is_beneath_open(table))
			fit = append_range(pass, table->first, table->last);
		if (table->first < first)
			first = table->first;
		if (table->last > last)
			last = table->last;
	}
	if (!fit) {
		pass->range[0] = (struct viommu_iova_range){ first, last };
		pass->ranges = 1;
	}
}

void tracking_begin_all(struct tracked *tracked, struct tracking_pass *pass)
{
	struct tracking *tracking = tracked->tracking;

	port_lock(&tracking->lock);
	if (tracked->off) {
		/* There was no memory. */
	} else if (!tracking_collect(tracking)) {
		drop_all(tracked);
	} else {
		pass->learns = true;
		pass->stamp = ++tracked->stamp;
		pass->doubts = tracked->doubts + tracking->changes;
		pass->everything = pass->doubts != tracked->cleared;
		if (!pass->everything)
			find_ranges(pass);
	}
	port_unlock(&tracking->lock);
}

/* The pages that a table's entries are on. */
static unsigned int pieces_of(const struct format_root *is, uint64_t *gpa)
{
	uint64_t first = is->table + is->bounds.first * sizeof(uint64_t);
	uint64_t last = is->table + is->bounds.last * sizeof(uint64_t);

	if (is->bounds.first > is->bounds.last || last < first)
		return 0;
	*gpa = first & ~(VIOMMU_PAGE_SIZE - 1);
	return (unsigned int)(last / VIOMMU_PAGE_SIZE - first / VIOMMU_PAGE_SIZE) + 1;
}

static bool is_backed(const struct slots *slots, uint64_t gpa, unsigned int pages)
{
	for (; pages; pages--, gpa += VIOMMU_PAGE_SIZE)
		if (!slots_backing(slots, gpa))
			return false;
	return true;
}

static bool is_same(const struct format_root *a, const struct format_root *b)
{
	return a->table == b->table && a->prot == b->prot && a->bounds.first == b->bounds.first && a->bounds.last == b->bounds.last;
}

/* The IOVAs of the aperture that the table of a level at iova covers. */
static struct viommu_iova_range covered(const struct tracked *tracked, unsigned int level, uint64_t iova)
{
	unsigned int bits = tracked->bits[level];
	uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
	uint64_t first = iova & ~mask, last = iova | mask;

	return (struct viommu_iova_range){ first < tracked->first ? tracked->first : first, last > tracked->last ? tracked->last : last };
}

/* Makes the record of a table, on pages that are watched then. NULL if there is no memory. */
static struct tracking_table *make_table(struct tracked *tracked, const struct slots *slots, const struct format_root *is, struct tracking_table *parent,
					 struct viommu_iova_range range)
{
	struct tracking *tracking = tracked->tracking;
	uint64_t gpa = 0;
	unsigned int pieces = pieces_of(is, &gpa);
	struct tracking_table *table = memory_alloc(tracking->memory, table_bytes(pieces), 0);

	if (!table)
		return NULL;
	if (!hash_insert(&tracked->table_of_place, &table->by_place, place_of(tracked, is->level, range.first)))
		goto free;
	if (!tracking_put_pieces(tracking, slots, table->piece, pieces, gpa))
		goto remove;
	for (unsigned int i = 0; i < pieces; i++)
		table->piece[i].table = table;
	table->tracked = tracked;
	table->pieces = pieces;
	table->is = *is;
	table->first = range.first;
	table->last = range.last;
	table->parent = parent;
	list_init(&table->children);
	list_init(&table->in_open);
	list_append(parent ? &parent->children : &tracked->roots, &table->in_parent);
	open_table(table);
	return table;
remove:
	hash_remove(&tracked->table_of_place, &table->by_place);
free:
	memory_free(tracking->memory, table, table_bytes(pieces), 0);
	return NULL;
}

/* A table, and all beneath it, as far as they cover some of first..last. */
static void open_overlapping(struct tracking_table *table, uint64_t first, uint64_t last)
{
	if (table->first > last || table->last < first)
		return;
	open_table(table);
	list_each (&table->children, struct tracking_table, in_parent, child)
		open_overlapping(child, first, last);
}

/* With the lock held. */
static bool enter(struct tracking_pass *pass, const struct slots *slots, const struct format_root *is, uint64_t first, uint64_t last)
{
	struct tracked *tracked = pass->tracked;
	struct viommu_iova_range range = covered(tracked, is->level, first);
	struct tracking_table *table = find_table(tracked, is->level, first), *parent = NULL;
	uint64_t gpa = 0;
	unsigned int pieces;

	if (!pass->learns || first != range.first || last != range.last) {
		if (table && !is_same(&table->is, is))
			open_overlapping(table, first, last);
		if (table && pass->learns)
			table->entered = pass->stamp;
		return true;
	}
	if (table && !is_same(&table->is, is)) {
		drop_table(table);
		table = NULL;
	}
	if (table && !pass->everything && !is_open(table) && !table->open_beneath) {
		table->met = pass->stamp;
		return false;
	}
	if (!table) {
		if (is->level != tracked->root_level)
			parent = find_table(tracked, is->level + 1, first);
		/*
		 * What can't be watched as a whole has no record, nor has anything beneath it: what
		 * leads there stays open, or everything is in doubt.
		 */
		pieces = pieces_of(is, &gpa);
		if (!pieces || !is_backed(slots, gpa, pieces) || (!parent && is->level != tracked->root_level)) {
			if (parent)
				open_table(parent);
			else
				tracked->doubts++;
			return true;
		}
		table = make_table(tracked, slots, is, parent, range);
		if (!table) {
			drop_all(tracked);
			tracked->off = true;
			log_write(tracked->tracking->log, VIOMMU_LOG_WARNING,
				  "no memory to track a domain's tables: its refreshes compare everything from now on", tracked->first, tracked->last);
			return true;
		}
	}
	table->met = pass->stamp;
	table->entered = pass->stamp;
	table->loaded = pass->stamp;
	table->written = false;
	return true;
}

bool tracking_enter(struct tracking_pass *pass, const struct slots *slots, const struct format_root *table, uint64_t first, uint64_t last)
{
	struct tracking *tracking = pass->tracked->tracking;
	bool enters;

	port_lock(&tracking->lock);
	enters = pass->tracked->off || !tracking->works || enter(pass, slots, table, first, last);
	port_unlock(&tracking->lock);
	return enters;
}

bool tracking_fill(struct tracking_pass *pass, const struct format_root *is, uint64_t first, uint64_t last)
{
	struct tracking *tracking = pass->tracked->tracking;
	struct tracking_table *table;
	bool fill;

	port_lock(&tracking->lock);
	table = find_table(pass->tracked, is->level, first);
	if (table && !is_same(&table->is, is))
		open_overlapping(table, first, last);
	/* Where the tracker failed under way, the scan went into everything from then on. */
	fill = pass->everything || !tracking->works || !table || table->entered >= pass->stamp;
	port_unlock(&tracking->lock);
	return fill;
}

void tracking_no_table(struct tracking_pass *pass, unsigned int level, uint64_t first, uint64_t last)
{
	struct tracking *tracking = pass->tracked->tracking;
	struct tracking_table *table;

	port_lock(&tracking->lock);
	table = level <= pass->tracked->root_level ? find_table(pass->tracked, level, first) : NULL;
	if (table)
		open_overlapping(table, first, last);
	port_unlock(&tracking->lock);
}

void tracking_leaves(struct tracking_pass *pass, uint64_t address, uint32_t prot, uint64_t iova)
{
	struct tracked *tracked = pass->tracked;
	struct tracking *tracking = tracked->tracking;
	struct tracking_table *table = NULL;

	port_lock(&tracking->lock);
	for (unsigned int level = 0; !table && level <= tracked->root_level; level++)
		table = find_table(tracked, level, iova);
	/*
	 * Opening the lowest record is enough: on the way to it everything above is held against
	 * its record.
	 */
	if (!table)
		tracked->doubts++;
	else if (table->is.level || table->is.table != address || table->is.prot != prot)
		open_table(table);
	port_unlock(&tracking->lock);
}

void tracking_distrust(struct tracking_pass *pass, unsigned int level, uint64_t iova)
{
	struct tracked *tracked = pass->tracked;
	struct tracking *tracking = tracked->tracking;
	bool found = false;

	if (!pass->learns)
		return;
	port_lock(&tracking->lock);
	/*
	 * The table that the entry is in, and what it leads to; if they have no record, then the
	 * next one above.
	 */
	for (unsigned int at = 0; at <= tracked->root_level && (at <= level || !found); at++) {
		struct tracking_table *table = find_table(tracked, at, iova);

		if (table)
			open_table(table);
		/*
		 * A record that this refresh did not come to is of what was there before, and goes
		 * when the refresh ends: it keeps nothing open.
		 */
		found |= table && at >= level && (!pass->learns || table->entered == pass->stamp);
	}
	if (!found)
		tracked->doubts++;
	port_unlock(&tracking->lock);
}

/* Everything a table leads to was met when it was loaded. What was not is there no more. */
static void drop_unmet(struct tracking_table *table, uint64_t stamp)
{
	list_each (&table->children, struct tracking_table, in_parent, child)
		if (child->met < stamp)
			drop_table(child);
}

/*
 * With the lock held: tables that this refresh loaded, and that were not written since, are known
 * from now on.
 */
static void settle(struct tracked *tracked, uint64_t stamp)
{
	struct list still_open;

	/* Dropping a table may take any out of the list, so that each is taken from its head. */
	list_init(&still_open);
	while (!list_is_empty(&tracked->open)) {
		struct tracking_table *table = list_member(tracked->open.next, struct tracking_table, in_open);

		if (table->loaded == stamp)
			drop_unmet(table, stamp);
		if (table->loaded == stamp && !table->written) {
			close_table(table);
		} else {
			list_remove(&table->in_open);
			list_append(&still_open, &table->in_open);
		}
	}
	list_append_all(&tracked->open, &still_open);
}

void tracking_end_learning(struct tracked *tracked, struct tracking_pass *pass, bool complete)
{
	struct tracking *tracking = tracked->tracking;

	port_lock(&tracking->lock);
	if (pass->range == tracked->range)
		tracked->ranges_lent = false;
	if (!complete) {
		tracked->doubts++;
	} else if (pass->learns) {
		settle(tracked, pass->stamp);
		if (pass->everything)
			tracked->cleared = pass->doubts;
	}
	port_unlock(&tracking->lock);
}
