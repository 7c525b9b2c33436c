/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The shadow: what of a guest's tables is established, kept in the shape of those tables.
 *
 * A tree of nodes stands for the tables. A node for a table of leaves has blocks of 64 entries that
 * hold a copy of the guest's entries as last applied; a node for a higher table only has children.
 * Blocks and nodes exist where something is established beneath them, and nowhere else, but for a
 * few blocks that have become empty and rest where they are: an absent one says "nothing here", so
 * that a sparse aperture costs what is present. Frames that a guest maps with one entry of a higher
 * table are kept as if they were a table of leaves, so that everything established is at level 0,
 * page by page, whatever the guest's tables looked like when it was.
 *
 * Invariants:
 *  - leaf bit set: the page is in the host's space, pinned and charged, as `word` says with the
 *    rights that readable and writable leave. word is a valid entry. Only where the host failed to
 *    remove it, or what shared its mapping, may it not be there (doubtful): the next refresh makes
 *    it anew.
 *  - leaf bit clear: nothing of the page is in the host's space or pinned. word is an invalid
 *    entry, so that it differs from any valid one: a page that could not be had is tried again by
 *    the next refresh.
 *  - Higher entries are never copied. Rights that they leave are recorded with each page (readable,
 *    writable), and where they lead is asked anew each time. So refreshing a part of what a changed
 *    entry covers changes that part and nothing else.
 * Both hold whenever the space's lock is free; within a pass, dying and gone say what is under way.
 */
#ifndef VIOMMU_CORE_SHADOW_SHADOW_H
#define VIOMMU_CORE_SHADOW_SHADOW_H

#include "core/memory.h"
#include "core/runs.h"
#include "core/slots.h"
#include "core/domain.h"
#include "core/tracked.h"
#include "format/format.h"

#include <viommu/domain.h>

#define SHADOW_BLOCK	  64u /* entries */
#define SHADOW_PAGE_SHIFT 12u
#define SHADOW_MAX_LEVELS 8u
#define SHADOW_RESTING	  32u

struct shadow_node {
	struct shadow_node *parent; /* NULL: the top */
	uint32_t index;		    /* in the parent */
	uint16_t used;		    /* blocks that are there */
	uint16_t blocks;	    /* that there may be */
	uint8_t level;
	uint8_t shift; /* log2 of what an entry covers */
	uint16_t mask; /* of an index; of leaves, at least that of a block */
	void *block[]; /* struct shadow_leaves at level 0, else struct shadow_branches */
};

struct shadow_branches {
	uint32_t used;
	struct shadow_node *child[SHADOW_BLOCK];
};

struct shadow_leaves {
	/* One bit an entry; what is used most stands together */
	uint64_t leaf;	   /* established */
	uint64_t readable; /* rights that higher entries left when it was */
	uint64_t writable;
	/*
	 * A removal failed half way: perhaps not in the host's space any more, and so never taken
	 * for true
	 */
	uint64_t doubtful;
	uint64_t dying; /* to be released once flushed */
	uint64_t start; /* where the host cannot split: a mapping begins here */
	/*
	 * Where the host cannot split: removed from the host with its mapping; if not dying, to be
	 * mapped again
	 */
	uint64_t gone;
	uint64_t first; /* IOVA of entry 0 */
	struct shadow_node *node;
	struct shadow_leaves *next; /* in the pass's list */
	uint32_t index;		    /* in the node */
	bool listed;
	bool resting;		     /* among shadow.resting */
	uint64_t word[SHADOW_BLOCK]; /* as in guest memory */
};

/* Freed pieces that are kept for the next time, so that a steady state allocates nothing. */
enum shadow_piece { SHADOW_LEAVES, SHADOW_BRANCHES, SHADOW_LEAF_NODE, SHADOW_BRANCH_NODE, SHADOW_PIECES };
struct shadow_spare {
	void *head;
	uint32_t number;
};

/* Where a table's entries come from: see refresh.h. */
enum shadow_source_kind { SHADOW_TABLE, SHADOW_FRAME, SHADOW_ALIAS, SHADOW_SKIPPED };

struct shadow_source {
	enum shadow_source_kind kind;
	uint32_t prot; /* rights that the entries above leave */
	/* Of leaves: see F(open_table). */
	const struct slot *slot; /* that the table is in */
	uint64_t offset;	 /* there */
	uint64_t address;	 /* GPA of the table, or of the frame */
	uint64_t *table;	 /* mapped; NULL for a frame, and while the table is not open */
	struct format_bounds bounds;
	/* Of an alias and a skipped level: that of the table at `address` */
	unsigned int table_level;
	/* The entry that named the table, for faults */
	unsigned int entry_level;
	uint64_t entry_gpa;
	uint64_t entry;
};

/*
 * The way to a table of leaves that was walked before: which entries led there, and what they said.
 * As long as they say the same, it needs no other walk. Forgotten when a slot goes, so that it
 * never leads to memory that is no more there. Two are kept, since CPUs of a guest, and queues of a
 * device, have IOVAs of their own.
 */
#define SHADOW_PATHS   2u
#define SHADOW_NO_PATH UINT64_C(1)
struct shadow_path {
	/* The first IOVA of the table, or SHADOW_NO_PATH. Atomic: see shadow_may_be_path(). */
	port_word first port_aligned(PORT_LINE_BYTES);
	uint32_t steps;
	/*
	 * The block in which a page was refreshed last without a pass, NULL if none was or it is
	 * gone; and the block's first IOVA
	 */
	struct shadow_leaves *block;
	uint64_t block_first;
	struct shadow_source source;
	struct {
		const struct slot *slot;
		uint64_t offset; /* in the slot */
		uint64_t word;
	} step[SHADOW_MAX_LEVELS] port_aligned(PORT_LINE_BYTES);
};

/* A range of IOVAs in which something is to be established. */
struct shadow_work {
	uint64_t first;
	uint64_t last;
};
#define SHADOW_WORK	64u
#define SHADOW_OWN_WORK 8u

struct shadow_ops;
struct shadow {
	/* First what the refresh of a page without a pass uses: see struct viommu_domain. */

	/*
	 * shadow_ops.refresh_page; NULL where each refresh takes a pass, since the host does not
	 * split, or there is a tracker
	 */
	int (*refresh_page)(struct shadow *shadow, struct viommu_domain *domain, uint64_t iova, struct viommu_refresh_result *result);
	uint64_t mapped; /* pages */
	/*
	 * Of the tree: the root's level, or more if the aperture is wider than the root table
	 * reaches (F(wraps))
	 */
	unsigned int top_level;
	bool alone; /* it is the whole domain's */
	struct shadow_path path[SHADOW_PATHS];
	struct shadow_source *open; /* of one of them, whose table is open; NULL: none is */

	struct format_root root;
	struct shadow_node *top;
	struct memory *memory;
	port_equal equal; /* port_widest_equal() */
	/* The node of a table of leaves that was found last, NULL if none was or it is gone */
	struct shadow_node *recent;
	uint64_t recent_first; /* its first IOVA */
	/*
	 * the bits that differ between IOVAs of one block: of 64 leaves, or of a table that has
	 * fewer
	 */
	uint64_t block_reach;
	/*
	 * IOVAs between which the host did not take back what it had removed with a neighbour: each
	 * refresh tries again. lost_first > lost_last: there are none.
	 */
	uint64_t lost_first;
	uint64_t lost_last;
	struct shadow_spare spare[SHADOW_PIECES];
	uint64_t bytes;
	/*
	 * Blocks that have become empty, kept where they are: a strict guest maps and unmaps the
	 * same few pages all day. The oldest makes room for the next.
	 */
	struct shadow_leaves *resting[SHADOW_RESTING];
	unsigned int next_resting;
	/* log2 of the most that a leaf above level 0 has ever covered; 0: there was none */
	uint8_t widest;
	uint8_t shift[SHADOW_MAX_LEVELS];
	uint8_t index_bits[SHADOW_MAX_LEVELS];
	/*
	 * Room for one pass's work at a time, since a pass is on a stack that may be small. NULL:
	 * none has needed it yet, or there was no memory.
	 */
	struct shadow_work *work;
	bool work_lent;
};

/*
 * One refresh on its way. It first scans its range: what is established and no longer true is
 * released, and what is to be established is noted in `work`. Then it fills what it noted. A scan
 * or a fill that has used up its `budget` of entries, or of releases, stops, sets cut, and goes on
 * at `next`.
 */
struct shadow_pass {
	struct shadow *shadow;
	struct viommu_vm *vm;
	const struct slots *slots; /* good while the space's lock is held */
	struct slot *slot;	   /* the last one that something was found in */
	struct runs runs;
	/* blocks with something dying, gone, or that may have become empty */
	struct shadow_leaves *listed;
	/* IOVAs between which something is gone; gone_first > gone_last: nothing is */
	uint64_t gone_first;
	uint64_t gone_last;
	uint64_t first; /* of the whole refresh; first > last: it is none */
	uint64_t last;
	uint64_t lost;	   /* pages beside it that could not be mapped again */
	uint64_t budget;   /* of the step: entries */
	uint64_t releases; /* of the step: see shadow_charge_release() */
	uint64_t next;
	uint64_t had; /* pages that were mapped when the step began */
	bool cut;
	bool no_room;	   /* for the shadow: no use to go on */
	bool no_memory;	   /* for the host's tables */
	bool restoring;	   /* what is mapped is what lost its mapping to a neighbour */
	bool again;	   /* some of that failed within first..last: to be tried with the rest */
	bool insufficient; /* at the end: pins, memory or the host were short */
	uint64_t splits;
	uint32_t works;
	struct shadow_work *work; /* own_work, or the shadow's */
	struct shadow_work own_work[SHADOW_OWN_WORK];
	struct viommu_refresh_result result;
	struct tracking_pass tracking;
};

#define SHADOW_LONG	   1
#define SHADOW_LONG_LOCKED 2

/* The operations of a format's instance of the shadow (core/shadow/refresh.h). */
struct shadow_ops {
	/*
	 * Takes the designation apart. 0, -EINVAL, or -ERANGE if the tables cannot translate
	 * first..last.
	 */
	int (*init)(struct shadow *shadow, const struct format_designation *designation, uint64_t first, uint64_t last);
	/*
	 * viommu_domain_refresh() of one page, where it takes no pass. SHADOW_LONG: it does, and
	 * nothing has been done; SHADOW_LONG_LOCKED: the same, and the domain's lock is held. See
	 * refresh.h.
	 */
	int (*refresh_page)(struct shadow *shadow, struct viommu_domain *domain, uint64_t iova, struct viommu_refresh_result *result);
	void (*scan)(struct shadow_pass *pass, uint64_t first, uint64_t last);
	void (*fill)(struct shadow_pass *pass, uint64_t first, uint64_t last);
	/* The scan of what is established alone. */
	void (*verify)(struct shadow_pass *pass, uint64_t first, uint64_t last);
	/*
	 * After the flush of what the scan removed: unpins it, and maps again what had to go with
	 * it.
	 */
	void (*commit)(struct shadow_pass *pass);
	/* After the flush: maps again what is gone of first..last, and not dying. */
	void (*restore)(struct shadow_pass *pass, uint64_t first, uint64_t last);
	/* The host refused these pages: they are not mapped, and so not established. */
	void (*forget)(struct shadow_pass *pass, uint64_t first, uint64_t last);
	/* Releases every page in a slot, from an IOVA on. The pass may be cut. */
	void (*release_slot)(struct shadow_pass *pass, const struct slot *slot, uint64_t first);
	int (*each_run)(struct shadow *shadow, const struct slots *slots, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
			void *ctx);
	int (*walk)(const struct shadow *shadow, const struct slots *slots, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);
	/* Unpins and frees everything; nothing of it is in the host's space any more. */
	void (*destroy)(struct shadow_pass *pass);
};

/* The parts that know no format: shadow.c. */

/* The entries lo..hi of a block, as a mask. */
static inline uint64_t shadow_mask(unsigned int lo, unsigned int hi)
{
	return (UINT64_MAX << lo) & (UINT64_MAX >> (SHADOW_BLOCK - 1 - hi));
}

/* How many ones a number ends with. */
static inline unsigned int shadow_ones(uint64_t bits)
{
	return ~bits ? port_lowest_bit(~bits) : SHADOW_BLOCK;
}

/* The rights that higher entries leave to established leaves. */
static inline void shadow_set_rights(struct shadow_leaves *leaves, uint32_t prot, uint64_t mask)
{
	leaves->readable = prot & VIOMMU_READ ? leaves->readable | mask : leaves->readable & ~mask;
	leaves->writable = prot & VIOMMU_WRITE ? leaves->writable | mask : leaves->writable & ~mask;
}

/*
 * Established leaves to which higher entries leave other rights than these, and those of which it
 * is not known what the host has: they are not true, whatever their words are.
 */
static inline uint64_t shadow_differs(const struct shadow_leaves *leaves, uint32_t prot)
{
	uint64_t rights = (prot & VIOMMU_READ ? ~leaves->readable : leaves->readable) | (prot & VIOMMU_WRITE ? ~leaves->writable : leaves->writable);

	return (rights | leaves->doubtful) & leaves->leaf;
}

static inline void shadow_unset(struct shadow_leaves *leaves, uint64_t mask)
{
	leaves->leaf &= ~mask;
	leaves->readable &= ~mask;
	leaves->writable &= ~mask;
	leaves->start &= ~mask;
}

static inline void shadow_close_table(struct shadow_source *source)
{
	if (source->table)
		slot_unmap_page(source->slot, source->table);
	source->table = NULL;
}

static inline void shadow_close_path(struct shadow *shadow)
{
	if (shadow->open)
		shadow_close_table(shadow->open);
	shadow->open = NULL;
}

static inline unsigned int shadow_index(const struct shadow_node *node, uint64_t iova)
{
	return (unsigned int)(iova >> node->shift) & node->mask;
}

/* The part of one block that a range begins with: IOVAs up to `last`, entries lo..hi. */
struct shadow_span {
	uint64_t last;
	unsigned int lo;
	unsigned int hi;
};

static inline struct shadow_span shadow_span(uint64_t first, uint64_t last)
{
	uint64_t end = first | (((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);

	if (end > last)
		end = last;
	return (struct shadow_span){ end, (unsigned int)(first >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK, (unsigned int)(end >> SHADOW_PAGE_SHIFT) % SHADOW_BLOCK };
}

/* The last IOVA that the entry of iova covers. */
static inline uint64_t shadow_entry_last(unsigned int shift, uint64_t iova)
{
	return iova | ((UINT64_C(1) << shift) - 1);
}

static inline struct shadow_node *shadow_child(const struct shadow_node *node, unsigned int index)
{
	const struct shadow_branches *branches = node->block[index / SHADOW_BLOCK];

	return branches ? branches->child[index % SHADOW_BLOCK] : NULL;
}

/*
 * Where a node belongs, whether there is one or not. On the way down nothing is made: only when
 * something is established is there a need for nodes, and then for all on the way. NULL if there is
 * no memory.
 */
struct shadow_place {
	struct shadow_place *above; /* NULL: the top */
	struct shadow_node *node;   /* NULL: not there yet */
	unsigned int index;	    /* in the node above */
};
struct shadow_node *shadow_make_node(struct shadow *shadow, struct shadow_place *place);

/* A new block of leaves. */
struct shadow_leaves *shadow_make_leaves(struct shadow *shadow, struct shadow_place *place, uint64_t iova, uint64_t invalid_word);
void shadow_drop_empty(struct shadow *shadow, struct shadow_node *node);

/* The node of the table of leaves that iova is in, which reaches so far; or NULL. */
struct shadow_node *shadow_find_leaf_node(struct shadow *shadow, uint64_t iova, uint64_t reach);
static inline struct shadow_node *shadow_leaf_node(struct shadow *shadow, uint64_t iova, uint64_t reach)
{
	return shadow->recent && shadow->recent_first == (iova & ~reach) ? shadow->recent : shadow_find_leaf_node(shadow, iova, reach);
}

/* The block that iova is in, of the table that a path leads to, which reaches so far; or NULL. */
struct shadow_leaves *shadow_find_block(struct shadow *shadow, struct shadow_path *path, uint64_t iova, uint64_t reach);
static inline struct shadow_leaves *shadow_block(struct shadow *shadow, struct shadow_path *path, uint64_t iova, uint64_t reach)
{
	uint64_t within = reach & (((uint64_t)SHADOW_BLOCK << SHADOW_PAGE_SHIFT) - 1);

	return path->block && path->block_first == (iova & ~within) ? path->block : shadow_find_block(shadow, path, iova, reach);
}

/*
 * Whether a path may lead to the table of leaves that iova is in, which reaches so far. Without the
 * space's lock it is a guess: what another thread does decides.
 */
static inline bool shadow_may_be_path(const struct shadow_path *path, uint64_t iova, uint64_t reach)
{
	return port_load_relaxed(&path->first) == (iova & ~reach);
}

void shadow_forget_paths(struct shadow *shadow);

/* The block that iova is in, or NULL. */
struct shadow_leaves *shadow_find(const struct shadow *shadow, uint64_t iova);

/*
 * Calls fn for each block that overlaps first..last, ascending, with the mask of the entries that
 * do. Stops at anything but 0, and returns it.
 */
int shadow_each(const struct shadow *shadow, uint64_t first, uint64_t last, int (*fn)(void *ctx, struct shadow_leaves *leaves, uint64_t mask), void *ctx);

/*
 * Takes out of the host's space what is established in first..last (of a block: in mask), to be
 * unpinned by commit. A pass that may release no more in this step is cut, between two blocks.
 */
void shadow_release_node(struct shadow_pass *pass, struct shadow_node *node, uint64_t first, uint64_t last);
void shadow_release_leaves(struct shadow_pass *pass, struct shadow_leaves *leaves, uint64_t mask);

/*
 * A step releases a bounded number of pages, which it counts apart from the entries that it
 * examines, since a refresh may release any number. Where a step may release no more, it examines
 * nothing more either. shadow_may_release() stops the pass at a block then.
 */
#define SHADOW_RELEASE_COST 8u /* of a page, in entries that are examined in the same time */
bool shadow_may_release(struct shadow_pass *pass, const struct shadow_leaves *leaves, uint64_t mask);
static inline void shadow_charge_release(struct shadow_pass *pass, unsigned int pages)
{
	uint64_t cost = SHADOW_BLOCK + pages * SHADOW_RELEASE_COST;

	if (pass->releases > cost) {
		pass->releases -= cost;
		return;
	}
	pass->releases = 0;
	pass->budget = 0;
}

/* IOVAs from first on as memory of a slot, which has all of it. */
static port_always_inline struct host_mapping shadow_mapping(const struct slot *slot, uint64_t first, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
	return (struct host_mapping){
		.first = first,
		.last = first + (bytes - 1),
		.gpa = gpa,
		.hva = slot_hva(slot, gpa),
		.offset = slot->offset + (gpa - slot->first),
		.prot = prot & slot->prot,
		.fd = slot->fd,
	};
}

/* The slot that has a GPA, which is most often this one. */
static inline struct slot *shadow_slot_at(const struct slot *likely, const struct viommu_vm *vm, uint64_t gpa)
{
	return gpa >= likely->first && gpa <= likely->last ? (struct slot *)(uintptr_t)likely : slots_find(vm_slots(vm), gpa);
}

/* Logs that the host failed to map, or failed to remove. */
void shadow_log_refused(const struct viommu_vm *vm, uint64_t first, uint64_t last, int error);
void shadow_log_kept(const struct viommu_vm *vm, int error);

/*
 * In the domain's figures, beside those of its other shadows, since it had so many pages mapped.
 * With the domain's lock held.
 */
static inline void shadow_count_mapped(const struct shadow *shadow, struct viommu_domain *domain, uint64_t had)
{
	struct domain_figures *stats = &domain->stats;

	stats->mapped_pages += shadow->mapped - had;
	if (stats->mapped_pages > stats->mapped_pages_peak)
		stats->mapped_pages_peak = stats->mapped_pages;
}

/* The scan's removals failed, or their flush: everything stays established. */
void shadow_keep(struct shadow_pass *pass);

/*
 * Enters a block into the pass's list; lets those of the list rest that are empty, and drops what
 * rested longest with all nodes that are empty then.
 */
void shadow_list(struct shadow_pass *pass, struct shadow_leaves *leaves);
void shadow_reap(struct shadow_pass *pass);
/* A block that is in no list has become empty. */
void shadow_rest(struct shadow *shadow, struct shadow_leaves *leaves);

/* Enters IOVAs among those that were lost. */
#define SHADOW_MEND 512u /* entries of them that a refresh looks at */
static inline void shadow_lose(struct shadow *shadow, uint64_t first, uint64_t last)
{
	if (first < shadow->lost_first)
		shadow->lost_first = first;
	if (last > shadow->lost_last)
		shadow->lost_last = last;
}

/* For runs.widen and runs.begins. */
void shadow_widen(void *pass, uint64_t *first, uint64_t *last);
void shadow_begin_mapping(void *pass, uint64_t first);

/* Gives back what is only kept for later. */
void shadow_trim(struct shadow *shadow);

/*
 * Whether there is room for more work than a pass has itself: the shadow's, unless another pass has
 * it, which is between two of its steps, or there is no memory.
 */
bool shadow_has_room(struct shadow_pass *pass);

/*
 * Notes that something in first..last is to be established. Ascending; what does not fit widens the
 * last one.
 */
static inline void shadow_note(struct shadow_pass *pass, uint64_t first, uint64_t last)
{
	if (pass->works && (pass->work[pass->works - 1].last + 1 == first || (pass->works >= SHADOW_OWN_WORK && !shadow_has_room(pass)))) {
		pass->work[pass->works - 1].last = last;
		return;
	}
	pass->work[pass->works++] = (struct shadow_work){ first, last };
}

/* Takes n entries from the budget, or stops the pass before iova. */
static inline bool shadow_spend(struct shadow_pass *pass, unsigned int n, uint64_t iova)
{
	if (pass->budget < n) {
		pass->cut = true;
		pass->next = iova;
		return false;
	}
	pass->budget -= n;
	pass->result.entries += n;
	return true;
}

/* Keeps the fault with the lowest IOVA. */
void shadow_fault(struct shadow_pass *pass, enum viommu_fault_reason reason, uint64_t iova, unsigned int level, uint64_t entry_gpa, uint64_t entry);

#endif
