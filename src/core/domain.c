/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A nested domain. Its creation is the one place that brings a guest IOMMU's data, the shadow of its format and a host together.
 *
 * A refresh is cut into steps: whenever it has examined as many entries as the VM's limit says, it brings what it began to a safe end (what it removed is
 * flushed and unpinned, what it collected is mapped), lets others have the domain's lock, and goes on. Releases of the whole range come first, then the
 * establishing; see core/shadow/refresh.h. A refresh whose range needs more entries than any honest table has gives up: what it did not come to is
 * released, so that it is never stale, and the answer is "insufficient resources".
 */
#include "core/device.h"
#include "core/shadow/shadow.h"
#include "core/space.h"
#include "port/result.h"
#include "port/sized.h"

struct viommu_domain {
	struct space space;
	const struct shadow_ops *ops;
	struct shadow shadow;
	struct tracked tracked;
	struct viommu_domain_stats stats; /* counters; under the space's lock */
};

static struct viommu_domain *domain_of(struct space *space)
{
	return list_member(space, struct viommu_domain, space);
}

static void refused(void *ctx, uint64_t first, uint64_t last, int error)
{
	struct shadow_pass *pass = ctx;
	struct viommu_domain *domain = list_member(pass->shadow, struct viommu_domain, shadow);

	if (error != -PORT_ENOSPC && error != -PORT_ENOMEM)
		vm_log(pass->vm, VIOMMU_LOG_ERROR, "the host failed to map what a guest's tables name", first, last);
	pass->no_memory |= error == -PORT_ENOMEM;
	domain->ops->forget(pass, first, last);
}

/* Member by member, here and below: the list of work need not be cleared. */
static void begin_runs(struct viommu_domain *domain, struct shadow_pass *pass, bool merge)
{
	bool split = domain->space.host->caps.split;
	struct runs *runs = &pass->runs;

	runs->space = domain->space.host_space;
	runs->merge = merge || split;
	/*
	 * A host that splits takes a long run in parts just as well. So memory goes to the shadow and to the host's tables by turns, and where it ends, it
	 * ends for both.
	 */
	runs->most = split ? UINT64_C(64) << 20 : UINT64_MAX;
	runs->ctx = pass;
	runs->widen = split ? NULL : shadow_widen;
	runs->begins = shadow_begin_mapping;
	runs->refused = refused;
	runs->mapping = false;
	runs->unmapping = false;
	runs->unflushed = false;
	runs->error = 0;
	runs->maps = 0;
	runs->unmaps = 0;
}

static void begin_pass(struct viommu_domain *domain, struct shadow_pass *pass, bool merge)
{
	pass->shadow = &domain->shadow;
	pass->vm = domain->space.vm;
	pass->slot = NULL;
	begin_runs(domain, pass, merge);
	pass->listed = NULL;
	pass->gone_first = UINT64_MAX;
	pass->gone_last = 0;
	pass->cut = false;
	pass->no_room = false;
	pass->no_memory = false;
	pass->again = false;
	pass->lost = 0;
	pass->first = UINT64_MAX;
	pass->last = 0;
	pass->restoring = false;
	pass->splits = 0;
	pass->works = 0;
	pass->tracking.tracked = NULL;
	refresh_result_init(&pass->result);
}

/* Whether a pass that was cut may not go on. */
static bool is_exhausted(const struct shadow_pass *pass)
{
	return pass->vm->config.refresh_entries - pass->result.entries < SHADOW_BLOCK;
}

/* With the lock just taken. */
static void take_up_step(struct shadow_pass *pass)
{
	pass->slots = vm_slots(pass->vm);
	pass->slot = NULL;
	pass->budget = pass->vm->config.refresh_entries - pass->result.entries;
	if (pass->budget > pass->vm->config.step_entries)
		pass->budget = pass->vm->config.step_entries;
	pass->cut = false;
	pass->result.steps++;
}

static void begin_step(struct viommu_domain *domain, struct shadow_pass *pass)
{
	port_lock(&domain->space.lock);
	take_up_step(pass);
}

/* Brings to an end what was removed: host, flush, pins, in this order. */
static int end_removals(struct viommu_domain *domain, struct shadow_pass *pass)
{
	int error;

	runs_end_unmap(&pass->runs);
	error = pass->runs.error;
	if (pass->runs.unflushed) {
		int flush_error = space_flush(&domain->space);

		domain->stats.host_flushes++;
		pass->runs.unflushed = false;
		if (!error)
			error = flush_error;
	}
	if (error) {
		/* Removed or not, it may still be reached: it stays pinned, charged and on record, and the next refresh removes it again. */
		vm_log(pass->vm, VIOMMU_LOG_ERROR, "the host failed to remove translations: they stay pinned", (uint64_t)-error, 0);
		shadow_keep(pass);
	} else if (pass->listed) {
		domain->ops->commit(pass);
	}
	pass->runs.error = 0;
	return error;
}

/* With the lock to be let go of. */
static void put_down_step(struct viommu_domain *domain, struct shadow_pass *pass)
{
	struct viommu_domain_stats *stats = &domain->stats;

	runs_end_map(&pass->runs);
	shadow_reap(pass);
	stats->host_maps += pass->runs.maps;
	stats->host_unmaps += pass->runs.unmaps;
	stats->host_splits += pass->splits;
	pass->splits = 0;
	pass->runs.maps = 0;
	pass->runs.unmaps = 0;
	if (domain->shadow.mapped > stats->mapped_pages_peak)
		stats->mapped_pages_peak = domain->shadow.mapped;
}

static void end_step(struct viommu_domain *domain, struct shadow_pass *pass)
{
	put_down_step(domain, pass);
	port_unlock(&domain->space.lock);
}

/* Between two steps, others have their turn. */
static void next_step(struct viommu_domain *domain, struct shadow_pass *pass)
{
	put_down_step(domain, pass);
	port_lock_by_turns(&domain->space.lock);
	take_up_step(pass);
}

/* Scans what tracking_begin() left to look at. With the lock held, from one step to the next. */
static int scan(struct viommu_domain *domain, struct shadow_pass *pass, bool *too_much)
{
	int error = 0, step_error;

	*too_much = false;
	for (unsigned int i = 0; i < pass->tracking.ranges && !*too_much; i++) {
		uint64_t first = pass->tracking.range[i].first;

		for (;;) {
			pass->cut = false;
			domain->ops->scan(pass, first, pass->tracking.range[i].last);
			*too_much = pass->cut && is_exhausted(pass);
			if (*too_much)
				shadow_release(pass, pass->next, pass->last);
			if (!pass->cut || *too_much)
				break;
			step_error = end_removals(domain, pass);
			if (step_error)
				error = step_error;
			first = pass->next;
			next_step(domain, pass);
		}
	}
	step_error = end_removals(domain, pass);
	return step_error ? step_error : error;
}

static void fill_range(struct viommu_domain *domain, struct shadow_pass *pass, uint64_t first, uint64_t last, bool *too_much)
{
	for (;;) {
		pass->cut = false;
		domain->ops->fill(pass, first, last);
		if (!pass->cut)
			return;
		if (is_exhausted(pass)) {
			*too_much = true;
			return;
		}
		first = pass->next;
		next_step(domain, pass);
	}
}

/* What was noted, as far as it was looked at: the last note may have been widened over much else. Both are ascending. */
static void fill(struct viommu_domain *domain, struct shadow_pass *pass, bool *too_much)
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
			fill_range(domain, pass, range->first > work.first ? range->first : work.first, range->last < work.last ? range->last : work.last,
				   too_much);
		}
	}
}

/* Gives back what is only kept for later, since the limit was met. True if there was anything. */
static bool trim(struct viommu_domain *domain)
{
	uint64_t used = memory_used(domain->shadow.memory);

	shadow_trim(&domain->shadow);
	space_trim(&domain->space);
	tracking_stop(&domain->tracked);
	return memory_used(domain->shadow.memory) < used;
}

/* first..last lies within the aperture. */
static int refresh(struct viommu_domain *domain, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge)
{
	struct viommu_domain_stats *stats = &domain->stats;
	bool too_much;
	int error;

	begin_pass(domain, pass, merge);
	pass->first = first;
	pass->last = last;
	tracking_begin(&domain->tracked, &pass->tracking, first, last);
	begin_step(domain, pass);
	error = scan(domain, pass, &too_much);
	fill(domain, pass, &too_much);
	runs_end_map(&pass->runs);
	if (pass->again) {
		tracking_look_at(&pass->tracking, first, last);
		pass->work[0] = (struct shadow_work){ first, last };
		pass->works = 1;
	}
	if (pass->again || ((pass->no_room || pass->no_memory) && trim(domain))) {
		pass->no_room = false;
		pass->result.unestablished = 0;
		pass->result.unbacked = 0;
		fill(domain, pass, &too_much);
		runs_end_map(&pass->runs);
	}
	pass->result.unestablished += pass->lost;
	pass->insufficient = pass->result.unestablished || pass->no_room || too_much;
	tracking_end(&domain->tracked, &pass->tracking, !error && !pass->insufficient);
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
	end_step(domain, pass);
	return error;
}

int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	const struct space *space = &domain->space;
	struct shadow_pass pass;
	int error;

	if (first > last || last < space->first || first > space->last) {
		const struct viommu_refresh_result nothing = { 0 };

		sized_out(result, &nothing, sizeof(nothing));
		return -PORT_ERANGE;
	}
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	if (first < space->first)
		first = space->first;
	if (last > space->last)
		last = space->last;
	/* What one call for a part of the aperture makes valid, the guest will remove in one call too; of all the rest nobody knows. */
	error = refresh(domain, &pass, first, last, first != space->first || last != space->last);
	sized_out(result, &pass.result, sizeof(pass.result));
	return error;
}

/* What names a new slot is found by the next refresh, and its pages are charged for when they are named. */
static int slot_charge(struct space *space, struct slot *slot)
{
	(void)space;
	(void)slot;
	return 0;
}

static int slot_map(struct space *space, struct slot *slot)
{
	(void)space;
	(void)slot;
	return 0;
}

static int slot_unmap(struct space *space, struct slot *slot)
{
	struct viommu_domain *domain = domain_of(space);
	struct shadow_pass pass;
	int error;

	begin_pass(domain, &pass, false);
	begin_step(domain, &pass);
	domain->shadow.path.first = SHADOW_NO_PATH;
	domain->ops->release_slot(&pass, slot);
	error = end_removals(domain, &pass);
	domain->stats.released += pass.result.released;
	end_step(domain, &pass);
	return error;
}

static void slot_uncharge(struct space *space, struct slot *slot)
{
	(void)space;
	(void)slot;
}

/* With the VM's lock held. */
static void destroy(struct space *space)
{
	struct viommu_domain *domain = domain_of(space);
	struct shadow_pass pass;

	begin_pass(domain, &pass, false);
	pass.slots = vm_slots(space->vm);
	space_destroy(space);
	tracked_destroy(&domain->tracked);
	domain->ops->destroy(&pass);
	port_free(domain, sizeof(*domain), 0);
}

static const struct space_ops space_ops = {
	.slot_charge = slot_charge,
	.slot_map = slot_map,
	.slot_unmap = slot_unmap,
	.slot_uncharge = slot_uncharge,
	.destroy = destroy,
};

void viommu_domain_destroy(struct viommu_domain *domain)
{
	struct viommu_vm *vm;

	if (!domain)
		return;
	vm = domain->space.vm;
	port_lock(&vm->lock);
	destroy(&domain->space);
	port_unlock(&vm->lock);
}

/* A guest IOMMU's data, understood. */
struct anchor {
	const struct shadow_ops *ops;
	struct format_anchor anchor;
	uint64_t first;
	uint64_t last;
};

static int take_zpci(const void *data, struct anchor *anchor)
{
	struct viommu_zpci_ioat ioat;

	if (!sized_in(&ioat, sizeof(ioat), sizeof(ioat), data) || ioat.flags & ~VIOMMU_ZPCI_IOAT_QEMU)
		return -PORT_EINVAL;
	anchor->ops = ioat.flags & VIOMMU_ZPCI_IOAT_QEMU ? &shadow_zpci_qemu_ops : &shadow_zpci_ops;
	anchor->anchor = (struct format_anchor){ .table = ioat.iota };
	anchor->first = ioat.pba & ~(VIOMMU_PAGE_SIZE - 1);
	anchor->last = ioat.pal | (VIOMMU_PAGE_SIZE - 1);
	return anchor->first <= anchor->last ? 0 : -PORT_EINVAL;
}

static void init_tracked(struct viommu_domain *domain, struct viommu_vm *vm, const struct anchor *anchor)
{
	const struct shadow *shadow = &domain->shadow;

	tracked_init(&domain->tracked, vm, anchor->first, anchor->last, shadow->root.level);
	for (unsigned int level = 0; level <= shadow->root.level; level++) {
		unsigned int bits = shadow->shift[level] + shadow->index_bits[level];

		domain->tracked.bits[level] = (uint8_t)(bits < 64 ? bits : 64);
	}
}

int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	struct viommu_domain *domain;
	const struct viommu_refresh_result nothing = { 0 };
	struct shadow_pass pass;
	struct anchor anchor;
	int error;

	sized_out(result, &nothing, sizeof(nothing));
	error = type == VIOMMU_DOMAIN_ZPCI ? take_zpci(data, &anchor) : -PORT_EINVAL;
	if (error)
		return error;
	domain = port_alloc(sizeof(*domain), 0);
	if (!domain)
		return -PORT_ENOMEM;
	domain->ops = anchor.ops;
	domain->shadow.memory = &vm->memory;
	error = anchor.ops->init(&domain->shadow, &anchor.anchor, anchor.first, anchor.last);
	if (!error) {
		init_tracked(domain, vm, &anchor);
		port_lock(&vm->lock);
		error = space_create(&domain->space, vm, host, anchor.first, anchor.last, &space_ops);
		port_unlock(&vm->lock);
	}
	if (error) {
		port_free(domain, sizeof(*domain), 0);
		return error;
	}
	error = refresh(domain, &pass, anchor.first, anchor.last, false);
	sized_out(result, &pass.result, sizeof(pass.result));
	/* A malformed entry is the guest's business where it refreshes it: the registration stands. It does not hide that something else did not fit. */
	if (error == -PORT_EFAULT)
		error = pass.insufficient ? -PORT_ENOSPC : 0;
	if (error) {
		viommu_domain_destroy(domain);
		return error;
	}
	*out = domain;
	return 0;
}

int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device)
{
	return space_attach(&domain->space, device);
}

int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct space *space = &domain->space;
	int result = 0;

	if (first > last || last < space->first || first > space->last)
		return 0;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	port_lock(&space->lock);
	result = domain->ops->each_run(&domain->shadow, vm_slots(space->vm), first < space->first ? space->first : first,
				       last > space->last ? space->last : last, fn, ctx);
	port_unlock(&space->lock);
	return result;
}

int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	struct space *space = &domain->space;
	int error;

	if (iova < space->first || iova > space->last) {
		const struct viommu_fault outside = { .reason = VIOMMU_FAULT_APERTURE, .iova = iova, .entry_gpa = UINT64_MAX };

		sized_out(fault, &outside, sizeof(outside));
		return -PORT_EFAULT;
	}
	port_lock(&space->lock);
	error = domain->ops->walk(&domain->shadow, vm_slots(space->vm), iova, run, fault);
	port_unlock(&space->lock);
	return error;
}

void viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	struct viommu_domain_stats ours;
	uint32_t devices = 0;

	port_lock(&domain->space.lock);
	ours = domain->stats;
	list_each (&domain->space.devices, struct viommu_device, in_space, device)
		devices++;
	ours.devices = devices;
	ours.mapped_pages = domain->shadow.mapped;
	ours.shadow_bytes = domain->shadow.bytes;
	ours.tracked_tables = tracking_tables(&domain->tracked);
	port_unlock(&domain->space.lock);
	sized_out(stats, &ours, sizeof(ours));
}
