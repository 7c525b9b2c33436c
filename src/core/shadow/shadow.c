/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parts of the shadow that know no format: the tree, and taking out of the host what is in a
 * range of it.
 */
#include "core/shadow/shadow.h"

/* How many of each piece are kept: 1 MiB of IOVA takes four blocks of leaves. */
static const uint32_t spares[SHADOW_PIECES] = { 256, 32, 64, 8 };

#define WORK_BYTES (SHADOW_WORK * sizeof(struct shadow_work))

static size_t node_bytes(unsigned int blocks)
{
	return sizeof(struct shadow_node) + blocks * sizeof(void *);
}

static void free_bytes(struct shadow *shadow, void *p, size_t bytes)
{
	shadow->bytes -= bytes;
	memory_free(shadow->memory, p, bytes, 0);
}

/* A spare piece holds the next one's address and its own size. */
struct spare {
	struct spare *next;
	size_t bytes;
};

static void free_spares(struct shadow *shadow)
{
	for (unsigned int i = 0; i < SHADOW_PIECES; i++) {
		struct spare *next;

		for (struct spare *spare = shadow->spare[i].head; spare; spare = next) {
			next = spare->next;
			free_bytes(shadow, spare, spare->bytes);
		}
		shadow->spare[i] = (struct shadow_spare){ 0 };
	}
}

static void *make_piece(struct shadow *shadow, enum shadow_piece piece, size_t bytes)
{
	struct spare *spare = shadow->spare[piece].head;
	void *p;

	if (spare && spare->bytes == bytes) {
		shadow->spare[piece].head = spare->next;
		shadow->spare[piece].number--;
		return __builtin_memset(spare, 0, bytes);
	}
	p = memory_alloc(shadow->memory, bytes, 0);
	if (!p) {
		/* Spares are given up before an allocation fails. */
		free_spares(shadow);
		p = memory_alloc(shadow->memory, bytes, 0);
	}
	if (p)
		shadow->bytes += bytes;
	return p;
}

static void drop_piece(struct shadow *shadow, enum shadow_piece piece, void *p, size_t bytes)
{
	struct spare *spare = p;

	if (shadow->spare[piece].number == spares[piece]) {
		free_bytes(shadow, p, bytes);
		return;
	}
	spare->next = shadow->spare[piece].head;
	spare->bytes = bytes;
	shadow->spare[piece].head = spare;
	shadow->spare[piece].number++;
}

static struct shadow_node *make_node(struct shadow *shadow, struct shadow_node *parent, unsigned int index, unsigned int level)
{
	unsigned int entries = 1u << shadow->index_bits[level], blocks = (entries + SHADOW_BLOCK - 1) / SHADOW_BLOCK;
	struct shadow_node *node = make_piece(shadow, level ? SHADOW_BRANCH_NODE : SHADOW_LEAF_NODE, node_bytes(blocks));

	if (!node)
		return NULL;
	node->parent = parent;
	node->index = index;
	node->blocks = (uint16_t)blocks;
	node->level = (uint8_t)level;
	node->shift = shadow->shift[level];
	/*
	 * A table of fewer leaves than a block holds has them where they stand in the block of
	 * their IOVAs.
	 */
	node->mask = (uint16_t)((level ? entries : blocks * SHADOW_BLOCK) - 1);
	return node;
}

static struct shadow_node *make_child(struct shadow *shadow, struct shadow_node *node, unsigned int index)
{
	struct shadow_branches *branches = node->block[index / SHADOW_BLOCK];
	struct shadow_node *child;

	if (!branches) {
		branches = make_piece(shadow, SHADOW_BRANCHES, sizeof(*branches));
		if (!branches)
			return NULL;
		node->block[index / SHADOW_BLOCK] = branches;
		node->used++;
	}
	child = make_node(shadow, node, index, node->level - 1u);
	if (child) {
		branches->child[index % SHADOW_BLOCK] = child;
		branches->used++;
	}
	return child;
}

static void drop_branches(struct shadow *shadow, struct shadow_node *node, unsigned int block)
{
	drop_piece(shadow, SHADOW_BRANCHES, node->block[block], sizeof(struct shadow_branches));
	node->block[block] = NULL;
	node->used--;
}

static void drop_node(struct shadow *shadow, struct shadow_node *node)
{
	struct shadow_node *parent = node->parent;

	if (parent) {
		struct shadow_branches *branches = parent->block[node->index / SHADOW_BLOCK];

		branches->child[node->index % SHADOW_BLOCK] = NULL;
		if (!--branches->used)
			drop_branches(shadow, parent, node->index / SHADOW_BLOCK);
	} else {
		shadow->top = NULL;
	}
	if (node == shadow->recent)
		shadow->recent = NULL;
	drop_piece(shadow, node->level ? SHADOW_BRANCH_NODE : SHADOW_LEAF_NODE, node, node_bytes(node->blocks));
}

void shadow_drop_empty(struct shadow *shadow, struct shadow_node *node)
{
	while (node && !node->used) {
		struct shadow_node *parent = node->parent;

		drop_node(shadow, node);
		node = parent;
	}
}

struct shadow_node *shadow_make_node(struct shadow *shadow, struct shadow_place *place)
{
	struct shadow_node *above;

	if (place->node)
		return place->node;
	if (!place->above) {
		place->node = shadow->top = make_node(shadow, NULL, 0, shadow->top_level);
		return place->node;
	}
	above = shadow_make_node(shadow, place->above);
	if (!above)
		return NULL;
	place->node = make_child(shadow, above, place->index);
	if (!place->node) {
		struct shadow_branches *branches = above->block[place->index / SHADOW_BLOCK];

		if (branches && !branches->used)
			drop_branches(shadow, above, place->index / SHADOW_BLOCK);
		shadow_drop_empty(shadow, above);
	}
	return place->node;
}

struct shadow_leaves *shadow_make_leaves(struct shadow *shadow, struct shadow_place *place, uint64_t iova, uint64_t invalid_word)
{
	struct shadow_node *node = shadow_make_node(shadow, place);
	struct shadow_leaves *leaves;

	if (!node)
		return NULL;
	leaves = make_piece(shadow, SHADOW_LEAVES, sizeof(*leaves));
	if (!leaves) {
		shadow_drop_empty(shadow, node);
		return NULL;
	}
	for (unsigned int i = 0; i < SHADOW_BLOCK; i++)
		leaves->word[i] = invalid_word;
	leaves->first = iova & ~(((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);
	leaves->node = node;
	leaves->index = shadow_index(node, iova) / SHADOW_BLOCK;
	node->block[leaves->index] = leaves;
	node->used++;
	return leaves;
}

static void drop_leaves(struct shadow *shadow, struct shadow_leaves *leaves)
{
	struct shadow_node *node = leaves->node;

	for (unsigned int i = 0; i < SHADOW_PATHS; i++)
		if (leaves == shadow->path[i].block)
			shadow->path[i].block = NULL;
	node->block[leaves->index] = NULL;
	node->used--;
	drop_piece(shadow, SHADOW_LEAVES, leaves, sizeof(*leaves));
	shadow_drop_empty(shadow, node);
}

/* A block rests no more: it goes, unless it has been used again, or is about to come back. */
static void end_rest(struct shadow *shadow, struct shadow_leaves *leaves)
{
	if (!leaves)
		return;
	leaves->resting = false;
	if (!leaves->leaf && !leaves->listed)
		drop_leaves(shadow, leaves);
}

static void begin_rest(struct shadow *shadow, struct shadow_leaves *leaves)
{
	struct shadow_leaves *oldest = shadow->resting[shadow->next_resting];

	leaves->resting = true;
	shadow->resting[shadow->next_resting] = leaves;
	shadow->next_resting = (shadow->next_resting + 1) % SHADOW_RESTING;
	end_rest(shadow, oldest);
}

void shadow_rest(struct shadow *shadow, struct shadow_leaves *leaves)
{
	if (!leaves->resting)
		begin_rest(shadow, leaves);
}

void shadow_trim(struct shadow *shadow)
{
	for (unsigned int i = 0; i < SHADOW_RESTING; i++) {
		end_rest(shadow, shadow->resting[i]);
		shadow->resting[i] = NULL;
	}
	free_spares(shadow);
	if (!shadow->work || shadow->work_lent)
		return;
	free_bytes(shadow, shadow->work, WORK_BYTES);
	shadow->work = NULL;
}

struct shadow_node *shadow_find_leaf_node(struct shadow *shadow, uint64_t iova, uint64_t reach)
{
	struct shadow_node *node = shadow->top;

	while (node && node->level)
		node = shadow_child(node, shadow_index(node, iova));
	if (node) {
		shadow->recent = node;
		shadow->recent_first = iova & ~reach;
	}
	return node;
}

struct shadow_leaves *shadow_find_block(struct shadow *shadow, struct shadow_path *path, uint64_t iova, uint64_t reach)
{
	struct shadow_node *node = shadow_leaf_node(shadow, iova, reach);

	path->block = node ? node->block[shadow_index(node, iova) / SHADOW_BLOCK] : NULL;
	path->block_first = iova & ~shadow->block_reach;
	return path->block;
}

void shadow_forget_paths(struct shadow *shadow)
{
	for (unsigned int i = 0; i < SHADOW_PATHS; i++)
		port_store_relaxed(&shadow->path[i].first, SHADOW_NO_PATH);
}

struct shadow_leaves *shadow_find(const struct shadow *shadow, uint64_t iova)
{
	const struct shadow_node *node = shadow->top;

	while (node && node->level)
		node = shadow_child(node, shadow_index(node, iova));
	return node ? node->block[shadow_index(node, iova) / SHADOW_BLOCK] : NULL;
}

/* Recursion here and elsewhere is as deep as the format has levels. */
static int each(struct shadow_node *node, uint64_t first, uint64_t last, int (*fn)(void *ctx, struct shadow_leaves *leaves, uint64_t mask), void *ctx)
{
	unsigned int lo = shadow_index(node, first), hi = shadow_index(node, last);
	uint64_t base = first & ~(((uint64_t)(node->mask + 1u) << node->shift) - 1);

	for (unsigned int block = lo / SHADOW_BLOCK; block <= hi / SHADOW_BLOCK; block++) {
		unsigned int from = block == lo / SHADOW_BLOCK ? lo % SHADOW_BLOCK : 0, to = block == hi / SHADOW_BLOCK ? hi % SHADOW_BLOCK : SHADOW_BLOCK - 1;
		int result = 0;

		if (!node->block[block])
			continue;
		if (!node->level) {
			result = fn(ctx, node->block[block], shadow_mask(from, to));
		} else {
			for (unsigned int i = from; !result && i <= to; i++) {
				unsigned int index = block * SHADOW_BLOCK + i;
				struct shadow_node *child = shadow_child(node, index);
				uint64_t start = base + ((uint64_t)index << node->shift);
				uint64_t end = shadow_entry_last(node->shift, start);

				if (child)
					result = each(child, start > first ? start : first, end < last ? end : last, fn, ctx);
			}
		}
		if (result)
			return result;
	}
	return 0;
}

int shadow_each(const struct shadow *shadow, uint64_t first, uint64_t last, int (*fn)(void *ctx, struct shadow_leaves *leaves, uint64_t mask), void *ctx)
{
	return shadow->top ? each(shadow->top, first, last, fn, ctx) : 0;
}

void shadow_list(struct shadow_pass *pass, struct shadow_leaves *leaves)
{
	if (leaves->listed)
		return;
	leaves->listed = true;
	leaves->next = pass->listed;
	pass->listed = leaves;
}

void shadow_release_leaves(struct shadow_pass *pass, struct shadow_leaves *leaves, uint64_t mask)
{
	uint64_t bits = leaves->leaf & mask & ~leaves->dying;
	unsigned int pages = 0;

	if (!bits)
		return;
	leaves->dying |= bits;
	shadow_list(pass, leaves);
	while (bits) {
		unsigned int from = port_lowest_bit(bits);
		unsigned int number = shadow_ones(bits >> from);
		uint64_t first = leaves->first + ((uint64_t)from << SHADOW_PAGE_SHIFT);

		runs_unmap(&pass->runs, first, first + (((uint64_t)number << SHADOW_PAGE_SHIFT) - 1));
		bits &= ~shadow_mask(from, from + number - 1);
		pages += number;
	}
	shadow_charge_release(pass, pages);
}

bool shadow_may_release(struct shadow_pass *pass, const struct shadow_leaves *leaves, uint64_t mask)
{
	if (pass->releases)
		return true;
	pass->cut = true;
	pass->next = leaves->first + ((uint64_t)port_lowest_bit(mask) << SHADOW_PAGE_SHIFT);
	return false;
}

static int release(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	if (!shadow_may_release(ctx, leaves, mask))
		return 1;
	shadow_release_leaves(ctx, leaves, mask);
	return 0;
}

void shadow_release_node(struct shadow_pass *pass, struct shadow_node *node, uint64_t first, uint64_t last)
{
	each(node, first, last, release, pass);
}

void shadow_log_refused(const struct viommu_vm *vm, uint64_t first, uint64_t last, int error)
{
	if (error != -PORT_ENOSPC && error != -PORT_ENOMEM)
		vm_log(vm, VIOMMU_LOG_ERROR, "the host failed to map what a guest's tables name", first, last);
}

void shadow_log_kept(const struct viommu_vm *vm, int error)
{
	vm_log(vm, VIOMMU_LOG_ERROR, "the host failed to remove translations: they stay pinned", (uint64_t)-error, 0);
}

void shadow_keep(struct shadow_pass *pass)
{
	struct shadow_leaves *next;

	for (struct shadow_leaves *leaves = pass->listed; leaves; leaves = next) {
		next = leaves->next;
		leaves->doubtful |= leaves->dying | leaves->gone;
		leaves->dying = 0;
		leaves->gone = 0;
		leaves->listed = false;
	}
	pass->listed = NULL;
	pass->gone_first = UINT64_MAX;
	pass->gone_last = 0;
}

void shadow_reap(struct shadow_pass *pass)
{
	struct shadow_leaves *next;

	for (struct shadow_leaves *leaves = pass->listed; leaves; leaves = next) {
		next = leaves->next;
		leaves->listed = false;
		if (!leaves->leaf && !leaves->resting)
			begin_rest(pass->shadow, leaves);
	}
	pass->listed = NULL;
}

/* A page's block and its bit there; a NULL block where nothing is established. */
struct page {
	uint64_t iova;
	struct shadow_leaves *leaves;
	uint64_t bit;
};

static struct page find_page(const struct shadow *shadow, struct page near, uint64_t iova)
{
	struct shadow_leaves *leaves = near.leaves;

	if (!leaves || (iova ^ near.iova) > shadow->block_reach)
		leaves = shadow_find(shadow, iova);
	return (struct page){ iova, leaves, UINT64_C(1) << (iova >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK };
}

static bool is_established(struct page page)
{
	return page.leaves && page.leaves->leaf & page.bit;
}

/*
 * Widens a removal to whole mappings of the host. Those of its pages whose mapping was removed
 * already, with that of a page before them, come first in it, and need no removal of their own: if
 * that is all of them, the range becomes empty (*first > *last).
 */
void shadow_widen(void *ctx, uint64_t *first, uint64_t *last)
{
	struct shadow_pass *pass = ctx;
	const uint64_t step = UINT64_C(1) << SHADOW_PAGE_SHIFT;
	uint64_t from = *first, to = *last;
	struct page page = { 0 };

	for (;; from += step) {
		page = find_page(pass->shadow, page, from);
		if (!(page.leaves->gone & page.bit))
			break;
		if (from + (step - 1) == *last) {
			*first = 1;
			*last = 0;
			return;
		}
	}
	while (!(page.leaves->start & page.bit)) {
		from -= step;
		page = find_page(pass->shadow, page, from);
	}
	for (uint64_t iova = to + 1; iova; iova += step) {
		page = find_page(pass->shadow, page, iova);
		if (!is_established(page) || page.leaves->start & page.bit)
			break;
		to = iova + (step - 1);
	}
	if (from < *first || to > *last)
		pass->splits++;
	for (uint64_t iova = from;; iova += step) {
		page = find_page(pass->shadow, page, iova);
		page.leaves->gone |= page.bit;
		shadow_list(pass, page.leaves);
		if (iova + (step - 1) == to)
			break;
	}
	if (from < pass->gone_first)
		pass->gone_first = from;
	if (to > pass->gone_last)
		pass->gone_last = to;
	*first = from;
	*last = to;
}

void shadow_begin_mapping(void *ctx, uint64_t first)
{
	struct shadow_pass *pass = ctx;
	struct page page = find_page(pass->shadow, (struct page){ 0 }, first);

	page.leaves->start |= page.bit;
}

bool shadow_has_room(struct shadow_pass *pass)
{
	struct shadow *shadow = pass->shadow;

	if (pass->work == shadow->work)
		return pass->works < SHADOW_WORK;
	if (shadow->work_lent)
		return false;
	if (!shadow->work) {
		shadow->work = memory_alloc(shadow->memory, WORK_BYTES, 0);
		if (!shadow->work)
			return false;
		shadow->bytes += WORK_BYTES;
	}
	__builtin_memcpy(shadow->work, pass->work, pass->works * sizeof(*pass->work));
	shadow->work_lent = true;
	pass->work = shadow->work;
	return true;
}

void shadow_fault(struct shadow_pass *pass, enum viommu_fault_reason reason, uint64_t iova, unsigned int level, uint64_t entry_gpa, uint64_t entry)
{
	struct viommu_fault *fault = &pass->result.fault;

	if (pass->tracking.tracked)
		tracking_distrust(&pass->tracking, level, iova);
	if (fault->reason != VIOMMU_FAULT_NONE && fault->iova <= iova)
		return;
	fault->reason = reason;
	fault->iova = iova;
	fault->access = 0;
	fault->level = level;
	fault->entry_gpa = entry_gpa;
	fault->entry = entry;
}
