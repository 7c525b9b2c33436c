/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A refresh is cut into steps: whenever it has examined as many entries as the VM's limit says, it
 * brings what it began to a safe end (what it removed is flushed and unpinned, what it collected is
 * mapped), lets others have the domain's lock, and goes on. Releases of the whole range come first,
 * then the establishing; see core/shadow/refresh.h. A refresh whose range needs more entries than
 * any honest table has gives up: of what it did not come to, what is established is held against
 * the tables, so that it is never stale and what is still true stays; and the answer is
 * "insufficient resources".
 */
#include "core/composition.h"
#include "core/result.h"

static void refused(void *ctx, uint64_t first, uint64_t last, int error)
{
	struct shadow_pass *pass = ctx;
	struct composition *composition = list_member(pass->shadow, struct composition, shadow);

	shadow_log_refused(pass->vm, first, last, error);
	pass->no_memory |= error == -PORT_ENOMEM;
	composition->ops->forget(pass, first, last);
}

static int flush(struct composition *composition, struct shadow_pass *pass)
{
	int error = domain_flush(composition->domain);

	composition->domain->stats.host_flushes++;
	pass->runs.unflushed = false;
	return error;
}

/*
 * Pages beside the refresh that were removed with first..last are mapped again before anything else
 * is done. Pages within it wait for commit, as more of them may be removed.
 */
static int removed(void *ctx, uint64_t first, uint64_t last, uint64_t from, uint64_t to)
{
	struct shadow_pass *pass = ctx;
	struct composition *composition = list_member(pass->shadow, struct composition, shadow);
	uint64_t before = first < pass->first ? first : pass->first, after = last > pass->last ? last : pass->last;
	int error;

	if (from >= before && to <= after)
		return 0;
	error = flush(composition, pass);
	if (error)
		return error;
	if (from < before)
		composition->ops->restore(pass, from, before - 1);
	if (to > after)
		composition->ops->restore(pass, after + 1, to);
	return 0;
}

/*
 * A host that splits takes a long run in parts just as well. So memory goes to the shadow and to
 * the host's tables by turns, and where it ends, it ends for both.
 */
static const struct runs_ops splitting = { .most = UINT64_C(64) << 20, .begins = shadow_begin_mapping, .refused = refused };
static const struct runs_ops whole = { .most = UINT64_MAX, .widen = shadow_widen, .removed = removed, .begins = shadow_begin_mapping, .refused = refused };

/* Member by member, here and below: the list of work need not be cleared. */
static void begin_runs(struct composition *composition, struct shadow_pass *pass, bool merge)
{
	bool split = composition->domain->host->caps.split;
	struct runs *runs = &pass->runs;

	runs->space = composition->domain->host_space;
	runs->ops = split ? &splitting : &whole;
	runs->ctx = pass;
	runs->merge = merge || split;
	runs->mapping = false;
	runs->unmapping = false;
	runs->unflushed = false;
	runs->error = 0;
	runs->maps = 0;
	runs->unmaps = 0;
}

/*
 * take_up_step() and tracking_begin() fill in the rest. Out of line, since inlined it takes
 * registers from the loops of a refresh.
 */
static port_noinline void begin_pass(struct composition *composition, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge)
{
	pass->shadow = &composition->shadow;
	pass->first = first;
	pass->last = last;
	pass->vm = composition->domain->vm;
	begin_runs(composition, pass, merge);
	pass->listed = NULL;
	pass->gone_first = UINT64_MAX;
	pass->gone_last = 0;
	pass->no_room = false;
	pass->no_memory = false;
	pass->again = false;
	pass->lost = 0;
	pass->restoring = false;
	pass->splits = 0;
	pass->works = 0;
	pass->work = pass->own_work;
	refresh_result_init(&pass->result);
}

/* Whether a pass that was cut may not go on: a limit is met, or its thread is to end. */
static bool is_exhausted(const struct shadow_pass *pass)
{
	return pass->slots->refresh_entries < pass->result.entries + SHADOW_BLOCK || port_interrupted();
}

/* With the lock just taken. */
static void take_up_step(struct shadow_pass *pass, uint64_t entries)
{
	pass->slots = vm_slots(pass->vm);
	pass->slot = NULL;
	pass->had = pass->shadow->mapped;
	/* It may be less than was examined: slots have gone. */
	pass->budget = pass->slots->refresh_entries > entries ? pass->slots->refresh_entries - entries : 0;
	if (pass->budget > pass->vm->config.step_entries)
		pass->budget = pass->vm->config.step_entries;
	pass->releases = pass->vm->config.step_entries;
	pass->cut = false;
	pass->result.steps++;
}

/* A pass that releases and is no refresh: no range of it is to be true in the end. */
static void begin_release(struct composition *composition, struct shadow_pass *pass)
{
	begin_pass(composition, pass, UINT64_MAX, 0, false);
	pass->slot = NULL;
	pass->tracking.tracked = NULL;
}

/* Brings to an end what was removed: host, flush, pins, in this order. */
static int end_removals(struct composition *composition, struct shadow_pass *pass)
{
	int error;

	runs_end_unmap(&pass->runs);
	error = pass->runs.error;
	if (pass->runs.unflushed) {
		int flush_error = flush(composition, pass);

		if (!error)
			error = flush_error;
	}
	if (error) {
		/*
		 * Removed or not, it may still be reached: it stays pinned, charged and on record,
		 * and the next refresh removes it again.
		 */
		shadow_log_kept(pass->vm, error);
		shadow_keep(pass);
	} else if (pass->listed) {
		composition->ops->commit(pass);
	}
	pass->runs.error = 0;
	return error;
}

/* With the lock to be let go of. */
static void put_down_step(struct composition *composition, struct shadow_pass *pass)
{
	runs_end_map(&pass->runs);
	shadow_close_path(&composition->shadow);
	shadow_reap(pass);
	shadow_count_mapped(&composition->shadow, composition->domain, pass->had);
}

static void end_step(struct composition *composition, struct shadow_pass *pass)
{
	struct domain_figures *stats = &composition->domain->stats;

	put_down_step(composition, pass);
	stats->host_maps += pass->runs.maps;
	stats->host_unmaps += pass->runs.unmaps;
	stats->host_splits += pass->splits;
	port_unlock(&composition->domain->lock);
}

/* Between two steps, others have their turn. */
static void next_step(struct composition *composition, struct shadow_pass *pass)
{
	put_down_step(composition, pass);
	port_lock_by_turns(&composition->domain->lock);
	take_up_step(pass, pass->result.entries);
}

/*
 * The refresh is exhausted. What is established is bounded by the memory of shadows, not by the
 * entries of a refresh.
 */
static int verify_rest(struct composition *composition, struct shadow_pass *pass)
{
	int error = 0, step_error;

	do {
		step_error = end_removals(composition, pass);
		if (step_error)
			error = step_error;
		next_step(composition, pass);
		pass->budget = pass->vm->config.step_entries;
		composition->ops->verify(pass, pass->next, pass->last);
	} while (pass->cut);
	return error;
}

/* Scans what tracking_begin() left to look at. With the lock held, from one step to the next. */
static int scan(struct composition *composition, struct shadow_pass *pass, bool *too_much)
{
	int error = 0, step_error;

	*too_much = false;
	for (unsigned int i = 0; i < pass->tracking.ranges && !*too_much; i++) {
		uint64_t first = pass->tracking.range[i].first;

		for (;;) {
			pass->cut = false;
			composition->ops->scan(pass, first, pass->tracking.range[i].last);
			if (!pass->cut)
				break;
			*too_much = is_exhausted(pass);
			if (*too_much) {
				step_error = verify_rest(composition, pass);
				if (step_error)
					error = step_error;
				break;
			}
			step_error = end_removals(composition, pass);
			if (step_error)
				error = step_error;
			first = pass->next;
			next_step(composition, pass);
		}
	}
	step_error = end_removals(composition, pass);
	return step_error ? step_error : error;
}

static void fill_range(struct composition *composition, struct shadow_pass *pass, uint64_t first, uint64_t last, bool *too_much)
{
	for (;;) {
		pass->cut = false;
		composition->ops->fill(pass, first, last);
		if (!pass->cut)
			return;
		if (is_exhausted(pass)) {
			*too_much = true;
			return;
		}
		first = pass->next;
		next_step(composition, pass);
	}
}

/*
 * The noted ranges, clipped to what was examined, since the last note may be widened. Both lists
 * are ascending.
 */
static void fill(struct composition *composition, struct shadow_pass *pass, bool *too_much)
{
	const struct tracking_pass *tracking = &pass->tracking;
	unsigned int at = 0;

	for (unsigned int i = 0; i < pass->works; i++) {
		const struct shadow_work work = pass->work[i];

		while (at < tracking->ranges && tracking->range[at].last < work.first)
			at++;
		for (unsigned int n = at; n < tracking->ranges && tracking->range[n].first <= work.last; n++) {
			const struct viommu_iova_range *range = &tracking->range[n];

			if (pass->no_room || *too_much)
				return;
			fill_range(composition, pass, range->first > work.first ? range->first : work.first, range->last < work.last ? range->last : work.last,
				   too_much);
		}
	}
}

/*
 * Pages beside earlier ranges that were lost there are mapped again, as the tables say now, before
 * anything new, since they were true. Pages that this refresh covers are its own to establish.
 */
static port_noinline void mend(struct composition *composition, struct shadow_pass *pass)
{
	struct shadow *shadow = &composition->shadow;
	struct viommu_refresh_result result = pass->result;
	uint64_t first = shadow->lost_first, last = shadow->lost_last, budget = pass->budget;
	struct tracked *tracked = pass->tracking.tracked;
	bool merge = pass->runs.merge, no_memory = pass->no_memory;

	shadow->lost_first = UINT64_MAX;
	shadow->lost_last = 0;
	if (pass->first <= first && pass->last >= last)
		return;
	/* Its results are no results of the refresh, but for what was done. */
	pass->budget = budget < SHADOW_MEND ? budget : SHADOW_MEND;
	budget -= pass->budget;
	pass->tracking.tracked = NULL;
	pass->runs.merge = true;
	composition->ops->fill(pass, first, last);
	runs_end_map(&pass->runs);
	if (pass->result.unestablished > result.unestablished || pass->no_room)
		shadow_lose(shadow, first, last);
	else if (pass->cut)
		shadow_lose(shadow, pass->next, last);
	else
		pass->lost = 0;
	result.established = pass->result.established;
	result.entries = pass->result.entries;
	pass->result = result;
	pass->runs.merge = merge;
	pass->tracking.tracked = tracked;
	pass->budget += budget;
	pass->cut = false;
	pass->no_room = false;
	pass->no_memory = no_memory;
}

bool composition_trim(struct composition *composition)
{
	uint64_t used = memory_used(composition->shadow.memory);

	shadow_trim(&composition->shadow);
	tracking_stop(&composition->tracked);
	domain_trim(composition->domain);
	return memory_used(composition->shadow.memory) < used;
}

int composition_refresh(struct composition *composition, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge, bool locked)
{
	struct domain_figures *stats = &composition->domain->stats;
	bool too_much;
	int error;

	begin_pass(composition, pass, first, last, merge);
	tracking_begin(&composition->tracked, &pass->tracking, first, last);
	if (!locked)
		port_lock(&composition->domain->lock);
	take_up_step(pass, 0);
	error = scan(composition, pass, &too_much);
	if (composition->shadow.lost_first <= composition->shadow.lost_last)
		mend(composition, pass);
	fill(composition, pass, &too_much);
	runs_end_map(&pass->runs);
	if (pass->again) {
		tracking_look_at(&pass->tracking, first, last);
		pass->work[0] = (struct shadow_work){ first, last };
		pass->works = 1;
	}
	if (pass->again || ((pass->no_room || pass->no_memory) && composition_trim(composition))) {
		pass->no_room = false;
		pass->result.unestablished = 0;
		pass->result.unbacked = 0;
		fill(composition, pass, &too_much);
		runs_end_map(&pass->runs);
	}
	pass->result.unestablished += pass->lost;
	pass->insufficient = pass->result.unestablished || pass->no_room || too_much;
	tracking_end(&composition->tracked, &pass->tracking, !error && !pass->insufficient);
	if (error)
		error = -PORT_EIO;
	else if (pass->result.fault.reason != VIOMMU_FAULT_NONE)
		error = -PORT_EFAULT;
	else if (pass->insufficient)
		error = -PORT_ENOSPC;
	stats->refreshes++;
	stats->tracked += pass->tracking.learns && !pass->tracking.everything;
	stats->steps += pass->result.steps;
	stats->established += pass->result.established;
	stats->released += pass->result.released;
	stats->unbacked += pass->result.unbacked;
	stats->entries += pass->result.entries;
	stats->insufficient += error == -PORT_ENOSPC;
	stats->faults += error == -PORT_EFAULT;
	if (pass->work != pass->own_work)
		composition->shadow.work_lent = false;
	end_step(composition, pass);
	return error;
}

int composition_release_slot(struct composition *composition, struct slot *slot)
{
	struct shadow_pass pass;
	int error, step_error;

	begin_release(composition, &pass);
	port_lock(&composition->domain->lock);
	take_up_step(&pass, 0);
	shadow_forget_paths(&composition->shadow);
	pass.next = 0;
	for (error = 0;; next_step(composition, &pass)) {
		composition->ops->release_slot(&pass, slot, pass.next);
		step_error = end_removals(composition, &pass);
		if (step_error)
			error = step_error;
		if (!pass.cut)
			break;
	}
	composition->domain->stats.released += pass.result.released;
	end_step(composition, &pass);
	return error;
}

int composition_init(struct composition *composition, struct viommu_vm *vm, struct viommu_domain *domain, const struct guest_tables *tables)
{
	struct shadow *shadow = &composition->shadow;
	int error;

	composition->ops = tables->ops;
	composition->domain = domain;
	composition->first = tables->first;
	composition->last = tables->last;
	shadow->memory = &vm->memory;
	shadow->lost_first = UINT64_MAX;
	error = tables->ops->init(shadow, &tables->root, tables->first, tables->last);
	if (error)
		return error;
	tracked_init(&composition->tracked, &vm->tracking, tables->first, tables->last, shadow->root.level);
	for (unsigned int level = 0; level <= shadow->root.level; level++) {
		unsigned int bits = shadow->shift[level] + shadow->index_bits[level];

		composition->tracked.bits[level] = (uint8_t)(bits < 64 ? bits : 64);
	}
	return 0;
}

void composition_destroy(struct composition *composition)
{
	struct shadow_pass pass;

	begin_release(composition, &pass);
	pass.slots = vm_slots(pass.vm);
	tracked_destroy(&composition->tracked);
	composition->ops->destroy(&pass);
}
