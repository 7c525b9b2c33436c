/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tests that every format has to pass: a template over VIOMMU_FORMAT, like the code that it
 * tests. A test includes it after its format's header and its description (format_spec.h), and runs
 * FORMAT_SUITE_TESTS.
 *
 * Entries are compared with the description one by one. Walks go over tables of every depth,
 * written with the format's writers. At each level in turn, a walk ends in each possible way. The
 * description gives the end of a walk and the number of its loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/walk.h"

/*
 * Memory for tables: one of 64 KiB for each level, at addresses with no set bits in common, so that
 * a wrong address reaches no table. A load anywhere else fails.
 */
enum { ARENA_LEVELS = 6, ARENA_ENTRIES = 8192 };

struct arena {
	uint64_t base[ARENA_LEVELS];
	uint64_t raw[ARENA_LEVELS][ARENA_ENTRIES];
	unsigned int loads;
	uint64_t loaded[64];
	unsigned int fail_at; /* the load that fails, counted from 1; 0: none */
};

static inline uint64_t *arena_at(struct arena *arena, uint64_t address)
{
	for (unsigned int i = 0; i < ARENA_LEVELS; i++)
		if (address - arena->base[i] < sizeof(arena->raw[i]) && address % 8 == 0)
			return &arena->raw[i][(address - arena->base[i]) / 8];
	return NULL;
}

static inline int arena_load(void *ctx, uint64_t address, uint64_t *raw)
{
	struct arena *arena = (struct arena *)ctx;
	uint64_t *slot = arena_at(arena, address);

	assert_true(arena->loads < SPEC_COUNT(arena->loaded));
	arena->loaded[arena->loads++] = address;
	if (!slot || arena->loads == arena->fail_at)
		return -1;
	*raw = *slot;
	return 0;
}

static inline uint64_t suite_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/*
 * An address that fits every entry of the suite: aligned to the largest leaf or table, with high
 * and low bits set.
 */
#ifndef SUITE_ADDRESS
#define SUITE_ADDRESS UINT64_C(0x0005a5a540000000)
#endif

#ifndef SPEC_LOWEST
#define SPEC_LOWEST 0
#endif

#ifndef SPEC_LEAF_STEP
#define SPEC_LEAF_STEP 4096
#endif

#ifndef SPEC_ROOT_TABLES
#define SPEC_ROOT_TABLES 1
#endif

/* The number of IOVA bits above the root table's index that select one of several root tables. */
#define SUITE_ROOT_BITS (SPEC_ROOT_TABLES == 4 ? 2u : 0u)

/* The root under which entries are judged. It translates everything. */
static struct format_root suite_root = { .tables = 1, .prot = VIOMMU_RW, .last = UINT64_MAX };

static int suite_setup(void **state)
{
	(void)state;
#ifdef SPEC_CONTROL
	struct format_root root = { .level = 0 };

	if (F(root)(&(struct format_designation){ SPEC_DESIGNATION, SPEC_CONTROL }, &root))
		return -1;
	suite_root.options = root.options;
#endif
	return 0;
}

static uint64_t suite_base(unsigned int level, enum spec_base base)
{
	switch (base) {
	case SPEC_TABLE:
		return F(table_entry)(level, SUITE_ADDRESS);
	case SPEC_LEAF:
		return F(leaf_entry)(level, SUITE_ADDRESS, VIOMMU_RW);
	default:
		return F(invalid_entry)(level);
	}
}

static bool suite_has(unsigned int level, enum spec_base base)
{
	return base == SPEC_INVALID || (base == SPEC_TABLE ? level > SPEC_LOWEST : spec_levels[level].leaf);
}

static unsigned int suite_entries(unsigned int level)
{
	return 1u << spec_levels[level].bits;
}

static const struct spec_bits *suite_row(unsigned int level, enum spec_base base, unsigned int bit)
{
	const struct spec_bits *found = NULL;

	for (size_t i = 0; i < SPEC_COUNT(spec_bits); i++) {
		const struct spec_bits *row = &spec_bits[i];

		if (row->level == level && row->base == base && row->low <= bit && bit <= row->high) {
			assert_null(found);
			found = row;
		}
	}
	return found;
}

static void suite_levels(void **state)
{
	(void)state;
	assert_int_equal(F(max_level), SPEC_COUNT(spec_levels) - 1);
	assert_int_equal(F(lowest_table), SPEC_LOWEST);
	assert_int_equal(F(wraps), SPEC_WRAPS);
	assert_int_equal(F(leaf_step), SPEC_LEAF_STEP);
	assert_int_equal(F(root_tables), SPEC_ROOT_TABLES);
	for (unsigned int level = 0; level <= F(max_level); level++) {
		const struct spec_level *spec = &spec_levels[level];

		assert_int_equal(F(shift)(level), spec->shift);
		assert_int_equal(F(index_bits)(level), spec->bits);
		assert_int_equal(F(can_leaf)(level), spec->leaf);
		/* The levels are contiguous. */
		if (level)
			assert_int_equal(spec->shift, spec_levels[level - 1].shift + spec_levels[level - 1].bits);
	}
}

/* Entries that the writers write are read back with the same meaning. */
static void suite_writers(void **state)
{
	(void)state;
	for (unsigned int level = 0; level <= F(max_level); level++) {
		uint64_t mask = F(invalid_mask)(level), bits = F(invalid_bits)(level);

		assert_int_equal(F(kind)(&suite_root, level, F(invalid_entry)(level)), FORMAT_INVALID);
		assert_true((F(invalid_entry)(level) & mask) == bits);
		/* Whatever the other bits are: all the same, or one that differs. */
		for (unsigned int bit = 0; bit < 64; bit++) {
			uint64_t one = UINT64_C(1) << bit;

			assert_int_equal(F(kind)(&suite_root, level, bits | (one & ~mask)), FORMAT_INVALID);
			assert_int_equal(F(kind)(&suite_root, level, bits | (~one & ~mask)), FORMAT_INVALID);
		}
		if (level > SPEC_LOWEST) {
			uint64_t entry = F(table_entry)(level, SUITE_ADDRESS);

			assert_int_equal(F(kind)(&suite_root, level, entry), FORMAT_TABLE);
			assert_true(F(table_address)(level, entry) == SUITE_ADDRESS);
			assert_int_equal(F(table_level)(level, entry), level - 1);
			assert_int_equal(F(table_bounds)(level, entry).first, 0);
			assert_int_equal(F(table_bounds)(level, entry).last, suite_entries(level - 1) - 1);
			assert_int_equal(F(prot)(&suite_root, level, entry), VIOMMU_RW);
		}
		if (!spec_levels[level].leaf)
			continue;
		for (uint32_t prot = VIOMMU_READ; prot <= VIOMMU_RW; prot += VIOMMU_WRITE) {
			uint64_t entry = F(leaf_entry)(level, SUITE_ADDRESS, prot);

			assert_int_equal(F(kind)(&suite_root, level, entry), FORMAT_LEAF);
			assert_true(F(leaf_address)(level, entry) == SUITE_ADDRESS);
			assert_int_equal(F(leaf_repeat)(level, entry), 1);
			assert_int_equal(F(prot)(&suite_root, level, entry), prot);
		}
	}
}

static bool suite_is_output(uint64_t address)
{
	return !(address & ~(UINT64_MAX >> (64 - SPEC_OUTPUT_BITS)));
}

/*
 * The entry one step after a leaf of level 0 is the leaf of the next page, if one is possible. A
 * leaf that spans several entries is aligned to its size.
 */
static void suite_follows(uint64_t entry)
{
	uint64_t address = F(leaf_address)(0, entry), next = entry + SPEC_LEAF_STEP;
	unsigned int repeat = F(leaf_repeat)(0, entry);

	if (repeat > 1) {
		assert_true((repeat & (repeat - 1)) == 0 && address % (repeat * UINT64_C(4096)) == 0);
		return;
	}
	if (address + 4096 == 0 || !suite_is_output(address + 4096))
		return;
	if (F(kind)(&suite_root, 0, next) != FORMAT_LEAF || F(leaf_address)(0, next) != address + 4096 ||
	    F(prot)(&suite_root, 0, next) != F(prot)(&suite_root, 0, entry))
		fail_msg("%#llx does not follow %#llx", (unsigned long long)next, (unsigned long long)entry);
}

/*
 * The core finds runs of pages by comparing entries: across each address bit that a carry can
 * reach, and from leaves with any other bits.
 */
static void suite_runs(void **state)
{
	uint64_t seed = 4096;

	(void)state;
	for (uint32_t prot = VIOMMU_READ; prot <= VIOMMU_RW; prot += VIOMMU_WRITE) {
		for (unsigned int bit = 13; bit < SPEC_OUTPUT_BITS; bit++) {
			uint64_t address = (UINT64_C(1) << bit) - 4096;

			assert_true(F(leaf_address)(0, F(leaf_entry)(0, address, prot)) == address);
			assert_int_equal(F(kind)(&suite_root, 0, F(leaf_entry)(0, address, prot)), FORMAT_LEAF);
			assert_true(F(leaf_entry)(0, address, prot) + SPEC_LEAF_STEP == F(leaf_entry)(0, address + 4096, prot));
			suite_follows(F(leaf_entry)(0, address, prot));
		}
	}
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t entry = suite_random(&seed) | (i & 1 ? suite_random(&seed) : 0);

		if (i & 2)
			entry |= UINT64_C(0xfffffffff000) >> i % 36;
		if (F(kind)(&suite_root, 0, entry) == FORMAT_LEAF)
			suite_follows(entry);
	}
}

/*
 * A walk is bounded: the lowest tables have no entry that names a table, and leaves are only at
 * levels that allow them.
 */
static void suite_bottom(void **state)
{
	uint64_t seed = 715;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t entry = suite_random(&seed) & suite_random(&seed);

		for (unsigned int level = 0; level <= SPEC_LOWEST; level++)
			assert_int_not_equal(F(kind)(&suite_root, level, entry), FORMAT_TABLE);
		for (unsigned int level = 0; level <= F(max_level); level++)
			assert_true(spec_levels[level].leaf || F(kind)(&suite_root, level, entry) != FORMAT_LEAF);
	}
}

/* Flips each bit of each kind of entry. */
static void suite_flips(void **state)
{
	(void)state;
	for (unsigned int level = 0; level <= F(max_level); level++)
		for (enum spec_base base = SPEC_TABLE; base <= SPEC_INVALID; base++)
			for (unsigned int bit = 0; bit < 64 && suite_has(level, base); bit++) {
				uint64_t entry = suite_base(level, base) ^ (UINT64_C(1) << bit);
				const struct spec_bits *row = suite_row(level, base, bit);
				static const enum format_kind same[] = { FORMAT_TABLE, FORMAT_LEAF, FORMAT_INVALID };
				enum format_kind kind = same[base];
				uint64_t address = SUITE_ADDRESS;
				uint32_t prot = VIOMMU_RW;
				struct format_bounds bounds = { 0, level ? suite_entries(level - 1) - 1 : 0 };
				unsigned int below = level - 1;

				if (!row)
					fail_msg("level %u, base %d: bit %u is not described", level, (int)base, bit);
				if (row->effect == SPEC_BECOMES)
					kind = (enum format_kind)row->value;
				if (row->effect == SPEC_ADDRESS)
					address ^= UINT64_C(1) << bit;
				if (row->effect == SPEC_HIGHER)
					address ^= UINT64_C(1) << (bit + row->value);
				if (row->effect == SPEC_PROT)
					prot = row->value;
				if (row->effect == SPEC_FIRST)
					bounds.first = row->value;
				if (row->effect == SPEC_LAST)
					bounds.last = row->value;
				if (row->effect == SPEC_LEVEL)
					below = row->value;
				if (F(kind)(&suite_root, level, entry) != kind)
					fail_msg("level %u, base %d, bit %u: kind %d, not %d", level, (int)base, bit, (int)F(kind)(&suite_root, level, entry),
						 (int)kind);
				/*
				 * An entry that changed its kind is described as a base of that
				 * kind, or in spec_entries.
				 */
				if (kind != same[base] || base == SPEC_INVALID)
					continue;
				if ((base == SPEC_TABLE ? F(table_address)(level, entry) : F(leaf_address)(level, entry)) != address)
					fail_msg("level %u, base %d, bit %u: address", level, (int)base, bit);
				if (F(prot)(&suite_root, level, entry) != prot)
					fail_msg("level %u, base %d, bit %u: rights %u, not %u", level, (int)base, bit, F(prot)(&suite_root, level, entry),
						 prot);
				if (base == SPEC_TABLE && (F(table_bounds)(level, entry).first != bounds.first ||
							   F(table_bounds)(level, entry).last != bounds.last || F(table_level)(level, entry) != below))
					fail_msg("level %u, bit %u: bounds, or level", level, bit);
			}
}

static void suite_entry(const struct format_root *root, const struct spec_entry *spec)
{
	enum format_kind kind = F(kind)(root, spec->level, spec->entry);

	if (kind != spec->kind)
		fail_msg("level %u, %#llx: kind %d, not %d", spec->level, (unsigned long long)spec->entry, (int)kind, (int)spec->kind);
	if (kind == FORMAT_TABLE) {
		assert_true(F(table_address)(spec->level, spec->entry) == spec->address);
		assert_int_equal(F(table_bounds)(spec->level, spec->entry).first, spec->first);
		assert_int_equal(F(table_bounds)(spec->level, spec->entry).last, spec->last);
		assert_int_equal(F(table_level)(spec->level, spec->entry), spec->level - 1 - spec->skipped);
	}
	if (kind == FORMAT_LEAF) {
		assert_true(F(leaf_address)(spec->level, spec->entry) == spec->address);
		assert_int_equal(F(leaf_repeat)(spec->level, spec->entry), spec->repeat ? spec->repeat : 1);
	}
	if ((kind == FORMAT_TABLE || kind == FORMAT_LEAF) && F(prot)(root, spec->level, spec->entry) != spec->prot)
		fail_msg("level %u, %#llx: rights %u, not %u", spec->level, (unsigned long long)spec->entry, F(prot)(root, spec->level, spec->entry),
			 spec->prot);
}

static void suite_entries_as_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(spec_entries); i++)
		suite_entry(&suite_root, &spec_entries[i]);
#ifdef SPEC_CASES
	for (size_t i = 0; i < SPEC_COUNT(spec_cases); i++) {
		struct format_root root = { .level = 0 };

		assert_int_equal(F(root)(&(struct format_designation){ spec_cases[i].designation, spec_cases[i].control }, &root), 0);
		suite_entry(&root, &spec_cases[i].entry);
	}
#endif
}

/* The root that a row describes, of a full table unless the row says otherwise. */
static struct format_root suite_described(const struct spec_root *spec)
{
	unsigned int bits = spec_levels[spec->level].shift + spec_levels[spec->level].bits;
	struct format_root root = suite_root;

	root.table = spec->table;
	root.level = spec->level;
	root.tables = spec->tables ? spec->tables : 1;
	root.bounds = spec->bounds;
	root.first = spec->first_iova;
	root.last = spec->last_iova;
	if (!spec->bounds.last && !spec->last_iova) {
		root.bounds.last = suite_entries(spec->level) - 1;
		root.last = SPEC_WRAPS || bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	}
	return root;
}

static void suite_designations(void **state)
{
	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(spec_roots); i++) {
		const struct spec_root *spec = &spec_roots[i];
		struct format_root root = { .level = 0 }, described;

		if (F(root)(&(struct format_designation){ spec->designation, spec->control }, &root) != spec->error)
			fail_msg("designation %#llx, %#llx", (unsigned long long)spec->designation, (unsigned long long)spec->control);
		if (spec->error)
			continue;
		described = suite_described(spec);
		if (root.table != described.table || root.level != described.level || root.bounds.first != described.bounds.first ||
		    root.bounds.last != described.bounds.last || root.first != described.first || root.last != described.last ||
		    (SPEC_ROOT_TABLES > 1 && root.tables != described.tables))
			fail_msg("designation %#llx, %#llx: table %#llx, level %u, indexes %u to %u, IOVAs %#llx to %#llx",
				 (unsigned long long)spec->designation, (unsigned long long)spec->control, (unsigned long long)root.table, root.level,
				 root.bounds.first, root.bounds.last, (unsigned long long)root.first, (unsigned long long)root.last);
		assert_int_equal(root.prot, VIOMMU_RW);
	}
}

static void suite_byte_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(spec_bytes); i++) {
		uint64_t raw = F(to_memory)(spec_bytes[i].entry);

		assert_memory_equal(&raw, spec_bytes[i].bytes, 8);
		memcpy(&raw, spec_bytes[i].bytes, 8);
		assert_true(F(from_memory)(raw) == spec_bytes[i].entry);
	}
}

/* A path of tables for one IOVA, from a root's level down to a leaf's. */
struct suite_path {
	struct arena *arena;
	struct format_root root;
	unsigned int leaf;
	uint64_t iova;
};

static unsigned int suite_index(unsigned int level, uint64_t iova)
{
	return (unsigned int)((iova >> spec_levels[level].shift) % suite_entries(level));
}

/*
 * The offset of an entry in the arena's table of its level. Consecutive tables at the root count as
 * one.
 */
static unsigned int suite_place(const struct suite_path *path, unsigned int level)
{
	unsigned int tables = SPEC_ROOT_TABLES > 1 && level == path->root.level ? path->root.tables : 1;

	return (unsigned int)((path->iova >> spec_levels[level].shift) % ((uint64_t)suite_entries(level) * tables));
}

static uint64_t *suite_slot(struct suite_path *path, unsigned int level)
{
	return &path->arena->raw[level][suite_place(path, level)];
}

static uint64_t suite_slot_address(struct suite_path *path, unsigned int level)
{
	return path->arena->base[level] + suite_place(path, level) * UINT64_C(8);
}

/* The arena has full tables. The root's bounds limit the top one. */
static void suite_build(struct suite_path *path, struct arena *arena, const struct format_root *root, unsigned int leaf, uint64_t iova)
{
	unsigned int top = root->level;

	path->arena = arena;
	path->root = *root;
	path->root.table = arena->base[top];
	path->leaf = leaf;
	path->iova = iova;
	arena->fail_at = 0;
	/*
	 * Every other entry is a leaf that a walk must not reach, or invalid at levels without
	 * leaves.
	 */
	for (unsigned int level = leaf; level <= top; level++) {
		uint64_t wrong = spec_levels[level].leaf ? F(leaf_entry)(level, UINT64_C(0x3c0000000), VIOMMU_RW) : F(invalid_entry)(level);

		for (unsigned int i = 0; i < suite_entries(level) << (level == top ? SUITE_ROOT_BITS : 0); i++)
			arena->raw[level][i] = F(to_memory)(wrong);
		*suite_slot(path, level) =
			F(to_memory)(level == leaf ? F(leaf_entry)(level, SUITE_ADDRESS, VIOMMU_RW) : F(table_entry)(level, arena->base[level - 1]));
	}
}

static struct format_walk suite_walk(struct suite_path *path)
{
	struct format_walk walk;

	memset(&walk, 0x55, sizeof(walk));
	path->arena->loads = 0;
	F(walk)(&path->root, path->iova, arena_load, path->arena, &walk);
	/* Every walk starts at the root and follows the path, with one load for each level. */
	for (unsigned int i = 0; i < path->arena->loads; i++)
		assert_true(path->arena->loaded[i] == suite_slot_address(path, path->root.level - i));
	return walk;
}

/* The answer of a walk that ended at the entry of a level. */
static void suite_ended(struct suite_path *path, const struct format_walk *walk, enum viommu_fault_reason reason, unsigned int level)
{
	uint64_t size = UINT64_C(1) << spec_levels[level].shift;

	if (walk->reason != reason)
		fail_msg("root level %u, level %u, IOVA %#llx: reason %d, not %d", path->root.level, level, (unsigned long long)path->iova, (int)walk->reason,
			 (int)reason);
	assert_int_equal(walk->level, level);
	assert_true(walk->entry_address == suite_slot_address(path, level));
	assert_true(walk->entry == (reason == VIOMMU_FAULT_TABLE_UNBACKED ? 0 : F(from_memory)(*suite_slot(path, level))));
	assert_true(walk->first == path->iova - path->iova % size);
	assert_true(walk->last == walk->first + (size - 1));
	assert_int_equal(path->arena->loads, path->root.level - level + 1);
}

/*
 * Calls fn for roots of all levels that the format can designate, with leaves of all levels, for
 * selected IOVAs and some random ones.
 */
static void suite_each_path(void (*fn)(struct suite_path *path))
{
	static const uint64_t bases[ARENA_LEVELS] = { UINT64_C(0x0000123400000000), UINT64_C(0x0000234500010000), UINT64_C(0x0000345600020000),
						      UINT64_C(0x0000456700030000), UINT64_C(0x0001567800040000), UINT64_C(0x0002678900050000) };
	static struct arena arena;
	static const uint64_t telling[] = { 0, UINT64_MAX, UINT64_C(0xfff), UINT64_C(0x5555555555555555), UINT64_C(0xaaaaaaaaaaaaaaaa) };
	uint64_t seed = 2026;

	for (size_t r = 0; r < SPEC_COUNT(spec_roots); r++) {
		struct format_root root;

		if (spec_roots[r].error)
			continue;
		root = suite_described(&spec_roots[r]);
		for (unsigned int leaf = SPEC_LOWEST; leaf <= root.level; leaf++)
			for (unsigned int i = 0; i < SPEC_COUNT(telling) + 8 && spec_levels[leaf].leaf; i++) {
				uint64_t iova = i < SPEC_COUNT(telling) ? telling[i] : suite_random(&seed);
				struct suite_path path;

				/* An aligned range whose size is a power of two. */
				iova = root.first | (iova & (root.last - root.first));
				memcpy(arena.base, bases, sizeof(bases));
				suite_build(&path, &arena, &root, leaf, iova);
				fn(&path);
			}
	}
}

static void suite_walk_leaf(struct suite_path *path)
{
	struct format_walk walk = suite_walk(path);

	suite_ended(path, &walk, VIOMMU_FAULT_NONE, path->leaf);
	assert_true(walk.output == SUITE_ADDRESS + path->iova % (UINT64_C(1) << spec_levels[path->leaf].shift));
	assert_int_equal(walk.prot, VIOMMU_RW);

	path->root.prot = VIOMMU_READ;
	walk = suite_walk(path);
	assert_int_equal(walk.reason, VIOMMU_FAULT_NONE);
	assert_int_equal(walk.prot, VIOMMU_READ);
}

static enum viommu_fault_reason suite_reason(unsigned int kind)
{
	switch (kind) {
	case FORMAT_BAD_TYPE:
		return VIOMMU_FAULT_ENTRY_TYPE;
	case FORMAT_BAD_LENGTH:
		return VIOMMU_FAULT_ENTRY_LENGTH;
	case FORMAT_BAD_FORMAT:
		return VIOMMU_FAULT_ENTRY_FORMAT;
	case FORMAT_BAD_ZERO:
		return VIOMMU_FAULT_ENTRY_ZERO;
	case FORMAT_BAD_ACCESS:
		return VIOMMU_FAULT_ACCESS_FLAG;
	case FORMAT_BAD_ADDRESS:
		return VIOMMU_FAULT_ADDRESS_SIZE;
	default:
		return VIOMMU_FAULT_NONE;
	}
}

static void suite_walk_malformed(struct suite_path *path, unsigned int level, enum viommu_fault_reason reason, uint64_t entry)
{
	uint64_t good = *suite_slot(path, level);
	struct format_walk walk;

	*suite_slot(path, level) = F(to_memory)(entry);
	walk = suite_walk(path);
	suite_ended(path, &walk, reason, level);
	*suite_slot(path, level) = good;
}

/*
 * At each level in turn: an invalid entry, a failing load, each flip of a bit that makes the entry
 * malformed, and each malformed entry of spec_entries.
 */
static void suite_walk_ends(struct suite_path *path)
{
	for (unsigned int level = path->leaf; level <= path->root.level; level++) {
		enum spec_base base = level == path->leaf ? SPEC_LEAF : SPEC_TABLE;
		uint64_t good = *suite_slot(path, level);
		struct format_walk walk;

		*suite_slot(path, level) = F(to_memory)(F(invalid_entry)(level));
		walk = suite_walk(path);
		suite_ended(path, &walk, VIOMMU_FAULT_NOT_PRESENT, level);
		*suite_slot(path, level) = good;

		path->arena->fail_at = path->root.level - level + 1;
		walk = suite_walk(path);
		suite_ended(path, &walk, VIOMMU_FAULT_TABLE_UNBACKED, level);
		path->arena->fail_at = 0;

		for (unsigned int bit = 0; bit < 64; bit++) {
			const struct spec_bits *row = suite_row(level, base, bit);

			if (row && row->effect == SPEC_BECOMES && suite_reason(row->value))
				suite_walk_malformed(path, level, suite_reason(row->value), F(from_memory)(good) ^ (UINT64_C(1) << bit));
		}
		for (size_t i = 0; i < SPEC_COUNT(spec_entries); i++)
			if (spec_entries[i].level == level && suite_reason(spec_entries[i].kind))
				suite_walk_malformed(path, level, suite_reason(spec_entries[i].kind), spec_entries[i].entry);
	}
}

/* Rights that one level removes are gone, at whichever level. Two levels remove the union. */
static void suite_walk_rights(struct suite_path *path)
{
	for (unsigned int level = path->leaf; level <= path->root.level; level++)
		for (unsigned int bit = 0; bit < 64; bit++) {
			const struct spec_bits *row = suite_row(level, level == path->leaf ? SPEC_LEAF : SPEC_TABLE, bit);
			uint64_t good = *suite_slot(path, level);
			struct format_walk walk;

			if (!row || row->effect != SPEC_PROT)
				continue;
			*suite_slot(path, level) = F(to_memory)(F(from_memory)(good) ^ (UINT64_C(1) << bit));
			walk = suite_walk(path);
			suite_ended(path, &walk, VIOMMU_FAULT_NONE, path->leaf);
			assert_int_equal(walk.prot, row->value);
			path->root.prot = VIOMMU_READ;
			walk = suite_walk(path);
			assert_int_equal(walk.prot, row->value & VIOMMU_READ);
			path->root.prot = VIOMMU_RW;
			*suite_slot(path, level) = good;
		}
}

/* An index outside the bounds that an entry sets for the next lower table. */
static void suite_walk_bounds(struct suite_path *path)
{
	for (unsigned int level = path->leaf + 1; level <= path->root.level; level++)
		for (unsigned int bit = 0; bit < 64; bit++) {
			const struct spec_bits *row = suite_row(level, SPEC_TABLE, bit);
			uint64_t good = *suite_slot(path, level), size = UINT64_C(1) << spec_levels[level - 1].shift;
			unsigned int index = suite_index(level - 1, path->iova);
			struct format_walk walk;

			if (!row || (row->effect != SPEC_FIRST && row->effect != SPEC_LAST))
				continue;
			*suite_slot(path, level) = F(to_memory)(F(from_memory)(good) ^ (UINT64_C(1) << bit));
			walk = suite_walk(path);
			if (row->effect == SPEC_FIRST ? index >= row->value : index <= row->value) {
				suite_ended(path, &walk, VIOMMU_FAULT_NONE, path->leaf);
			} else {
				assert_int_equal(walk.reason, VIOMMU_FAULT_ENTRY_LENGTH);
				assert_int_equal(walk.level, level);
				assert_true(walk.entry_address == suite_slot_address(path, level));
				assert_true(walk.entry == F(from_memory)(*suite_slot(path, level)));
				assert_true(walk.first == path->iova - path->iova % size);
				assert_true(walk.last == walk.first + (size - 1));
				assert_int_equal(path->arena->loads, path->root.level - level + 1);
			}
			*suite_slot(path, level) = good;
		}
	/* The same for the root's own bounds. */
	path->root.bounds.first = suite_index(path->root.level, path->iova) + 1;
	assert_int_equal(suite_walk(path).reason, VIOMMU_FAULT_ENTRY_LENGTH);
	assert_int_equal(path->arena->loads, 0);
	assert_true(suite_walk(path).entry_address == UINT64_MAX);
}

/*
 * IOVAs that differ in one bit above the root's reach. Some formats ignore it. For the others the
 * IOVA is out of range.
 */
static void suite_walk_beyond(struct suite_path *path)
{
	unsigned int bits = spec_levels[path->root.level].shift + spec_levels[path->root.level].bits;
	uint64_t iova = path->iova;

	for (unsigned int bit = 0; bit < 64; bit++) {
		struct format_walk walk;

		path->iova = iova ^ (UINT64_C(1) << bit);
		if (SPEC_WRAPS ? bit < bits : path->iova >= path->root.first && path->iova <= path->root.last)
			continue;
		walk = suite_walk(path);
		if (SPEC_WRAPS) {
			/*
			 * suite_ended() also checks that the range contains this IOVA, not one that
			 * aliases it.
			 */
			suite_ended(path, &walk, VIOMMU_FAULT_NONE, path->leaf);
			assert_true(walk.output == SUITE_ADDRESS + iova % (UINT64_C(1) << spec_levels[path->leaf].shift));
		} else {
			bool above = path->iova > path->root.last;

			assert_int_equal(walk.reason, VIOMMU_FAULT_NOT_PRESENT);
			assert_int_equal(path->arena->loads, 0);
			assert_true(walk.entry_address == UINT64_MAX);
			assert_true(walk.first == (above ? path->root.last + 1 : 0));
			assert_true(walk.last == (above ? UINT64_MAX : path->root.first - 1));
		}
	}
}

/*
 * All tables are the same table, and all its entries name it. The walk ends after one load for each
 * level.
 */
static void suite_walk_loop(struct suite_path *path)
{
	uint64_t self = path->arena->base[path->root.level];
	struct format_walk walk;

	for (unsigned int i = 0; i < ARENA_ENTRIES; i++)
		path->arena->raw[path->root.level][i] = F(to_memory)(F(table_entry)(path->root.level, self));
	path->arena->loads = 0;
	F(walk)(&path->root, path->iova, arena_load, path->arena, &walk);
	assert_true(path->arena->loads >= 1 && path->arena->loads <= path->root.level + 1);
}

/* A leaf that spans several entries: each entry leads to its own part. */
static void suite_walk_repeats(struct suite_path *path)
{
	unsigned int level = path->leaf;

	for (size_t i = 0; i < SPEC_COUNT(spec_entries); i++) {
		const struct spec_entry *spec = &spec_entries[i];
		uint64_t iova = path->iova, size = UINT64_C(1) << spec_levels[level].shift;

		if (spec->kind != FORMAT_LEAF || spec->level != level || spec->repeat < 2)
			continue;
		for (unsigned int n = 0; n < 64; n++) {
			struct format_walk walk;

			path->iova = path->root.first | ((iova + (uint64_t)n * 0x7fffff0123) & (path->root.last - path->root.first));
			suite_build(path, path->arena, &path->root, level, path->iova);
			*suite_slot(path, level) = F(to_memory)(spec->entry);
			walk = suite_walk(path);
			suite_ended(path, &walk, VIOMMU_FAULT_NONE, level);
			assert_true(walk.output == spec->address + path->iova % (size * spec->repeat));
			assert_int_equal(walk.prot, spec->prot);
		}
		path->iova = iova;
	}
}

/*
 * An entry that names a table some levels below. An IOVA reaches that table if its bits of the
 * skipped levels are 0, and otherwise nothing.
 */
static void suite_walk_skips(struct suite_path *path)
{
	unsigned int top = path->root.level, shift = spec_levels[top].shift;

	for (size_t i = 0; i < SPEC_COUNT(spec_entries); i++) {
		const struct spec_entry *spec = &spec_entries[i];
		unsigned int below = top - 1 - spec->skipped;
		struct format_walk walk;

		if (spec->kind != FORMAT_TABLE || spec->level != top || !spec->skipped)
			continue;
		suite_build(path, path->arena, &path->root, path->leaf, path->iova);
		*suite_slot(path, top) = F(to_memory)(spec->entry);
		path->arena->base[below] = spec->address;
		if (path->leaf <= below) {
			uint64_t iova = path->iova, kept = ((UINT64_C(1) << spec_levels[below + 1].shift) - 1) | ~((UINT64_C(1) << shift) - 1);

			path->iova &= kept;
			for (unsigned int level = path->leaf; level <= below; level++)
				*suite_slot(path, level) = F(to_memory)(level == path->leaf ? F(leaf_entry)(level, SUITE_ADDRESS, VIOMMU_RW)
											    : F(table_entry)(level, path->arena->base[level - 1]));
			path->arena->loads = 0;
			F(walk)(&path->root, path->iova, arena_load, path->arena, &walk);
			assert_int_equal(walk.reason, VIOMMU_FAULT_NONE);
			assert_int_equal(walk.level, path->leaf);
			assert_int_equal(walk.prot, spec->prot);
			assert_true(walk.output == SUITE_ADDRESS + path->iova % (UINT64_C(1) << spec_levels[path->leaf].shift));
			assert_int_equal(path->arena->loads, 1 + below - path->leaf + 1);
			path->iova = iova;
		}
		for (unsigned int bit = spec_levels[below + 1].shift; bit < shift; bit++) {
			uint64_t iova = (path->iova & ~((UINT64_C(1) << shift) - 1)) | UINT64_C(1) << bit;
			unsigned int at = top - 1;

			while (spec_levels[at].shift > bit)
				at--;
			path->arena->loads = 0;
			F(walk)(&path->root, iova, arena_load, path->arena, &walk);
			assert_int_equal(walk.reason, VIOMMU_FAULT_NOT_PRESENT);
			assert_int_equal(walk.level, top);
			assert_true(walk.entry == spec->entry);
			assert_true(walk.first == iova - iova % (UINT64_C(1) << spec_levels[at].shift));
			assert_true(walk.last == walk.first + ((UINT64_C(1) << spec_levels[at].shift) - 1));
			assert_int_equal(path->arena->loads, 1);
		}
	}
}

static void suite_walks_leaf(void **state)
{
	(void)state;
	suite_each_path(suite_walk_leaf);
}

static void suite_walks_ends(void **state)
{
	(void)state;
	suite_each_path(suite_walk_ends);
}

static void suite_walks_rights(void **state)
{
	(void)state;
	suite_each_path(suite_walk_rights);
}

static void suite_walks_bounds(void **state)
{
	(void)state;
	suite_each_path(suite_walk_bounds);
}

static void suite_walks_beyond(void **state)
{
	(void)state;
	suite_each_path(suite_walk_beyond);
}

static void suite_walks_repeats(void **state)
{
	(void)state;
	suite_each_path(suite_walk_repeats);
}

static void suite_walks_skips(void **state)
{
	(void)state;
	suite_each_path(suite_walk_skips);
}

static void suite_walks_loop(void **state)
{
	(void)state;
	suite_each_path(suite_walk_loop);
}

/* Worked examples: only the entries in the example lead to the leaf. */
static void suite_walks_worked(void **state)
{
	static struct arena arena = { .base = { 0x10000, 0x20000, 0x30000, 0x40000, 0x50000, 0x60000 } };

	(void)state;
	for (size_t i = 0; i < SPEC_COUNT(spec_walks); i++) {
		const struct spec_walk *spec = &spec_walks[i];
		struct format_root root = suite_root;
		struct suite_path path;
		struct format_walk walk;

		root.level = spec->level;
		root.bounds.last = suite_entries(spec->level) - 1;
		suite_build(&path, &arena, &root, SPEC_LOWEST, spec->iova);
		for (unsigned int level = SPEC_LOWEST; level <= spec->level; level++) {
			for (unsigned int index = 0; index < suite_entries(level); index++)
				arena.raw[level][index] = F(to_memory)(F(invalid_entry)(level));
			arena.raw[level][spec->index[level]] = F(to_memory)(level > SPEC_LOWEST ? F(table_entry)(level, arena.base[level - 1])
												: F(leaf_entry)(SPEC_LOWEST, SUITE_ADDRESS, VIOMMU_READ));
		}
		arena.loads = 0;
		F(walk)(&path.root, spec->iova, arena_load, &arena, &walk);
		assert_int_equal(walk.reason, VIOMMU_FAULT_NONE);
		assert_true(walk.output == (SUITE_ADDRESS | spec->iova % (UINT64_C(1) << spec_levels[SPEC_LOWEST].shift)));
		assert_int_equal(walk.prot, VIOMMU_READ);
		for (unsigned int level = 0; level <= spec->level; level++)
			assert_int_equal(F(index)(level, spec->iova), spec->index[level]);
	}
}

#define FORMAT_SUITE_TESTS                                                                                                             \
	cmocka_unit_test(suite_levels), cmocka_unit_test(suite_writers), cmocka_unit_test(suite_runs), cmocka_unit_test(suite_bottom), \
		cmocka_unit_test(suite_flips), cmocka_unit_test(suite_entries_as_numbers), cmocka_unit_test(suite_designations),       \
		cmocka_unit_test(suite_byte_order), cmocka_unit_test(suite_walks_leaf), cmocka_unit_test(suite_walks_ends),            \
		cmocka_unit_test(suite_walks_rights), cmocka_unit_test(suite_walks_bounds), cmocka_unit_test(suite_walks_beyond),      \
		cmocka_unit_test(suite_walks_repeats), cmocka_unit_test(suite_walks_skips), cmocka_unit_test(suite_walks_loop),        \
		cmocka_unit_test(suite_walks_worked)
