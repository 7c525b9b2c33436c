/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk over all tables of one format: a template like format/walk.h, to be included after it
 * with VIOMMU_FORMAT defined, once for each format. It has no guard.
 */

/*
 * One table. first and last are offsets into its range. The depth of the recursion is the number of
 * levels.
 */
static void F(note_tables)(struct view_tables *tables, const struct format_root *root, unsigned int level, uint64_t origin, struct format_bounds bounds,
			   uint64_t first, uint64_t last)
{
	unsigned int shift = F(shift)(level);
	uint64_t mask = (UINT64_C(1) << shift) - 1;
	uint64_t begin = origin + bounds.first * UINT64_C(8), end;

	/* A table at the very top of the address space is cut off there. */
	if (__builtin_add_overflow(origin, bounds.last * UINT64_C(8) + 7, &end))
		end = UINT64_MAX;
	if (bounds.first > bounds.last || !guest_find(tables->guest, begin) ||
	    !view_tables_note(tables, level - F(lowest_table), begin, end, !first && last == F(reach)(level)) || level == F(lowest_table))
		return;
	for (uint64_t index = first >> shift; index <= last >> shift; index++) {
		uint64_t from = index == first >> shift ? first & mask : 0;
		uint64_t to = index == last >> shift ? last & mask : mask;
		uint64_t raw;
		if (index < bounds.first || index > bounds.last)
			continue;
		if (!view_tables_load(tables, origin + index * 8, &raw))
			continue;
		uint64_t entry = F(from_memory)(raw);
		if (F(kind)(root, level, entry) != FORMAT_TABLE)
			continue;
		struct format_bounds lower = F(table_bounds)(level, entry);
		F(note_tables)(tables, root, level - 1, F(table_address)(level, entry), lower, from, to);
	}
}

static void F(find_tables)(struct view_tables *tables, const struct view_aperture *from)
{
	struct format_root root;

	if (F(root)(&(struct format_designation){ from->table, from->control }, &root))
		return;
	/* Bits above the table's reach are ignored, so a range may wrap around. */
	uint64_t reach = F(reach)(root.level), first = from->first & reach, last = from->last & reach;
	bool all = from->last - from->first >= reach, wraps = !all && first > last;

	F(note_tables)(tables, &root, root.level, root.table, root.bounds, all ? 0 : first, all || wraps ? reach : last);
	if (wraps)
		F(note_tables)(tables, &root, root.level, root.table, root.bounds, 0, last);
}
