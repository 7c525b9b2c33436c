/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A nested domain. Its creation is the one place that brings a guest IOMMU's data, the shadows of its format and a host together.
 *
 * What its tables cover are whole compositions (core/composition.h): one, two, or none where a guest has switched both of its sets of tables off. Where hardware
 * walks the tables there are none either, and a refresh is for the hardware to do (core/nesting.h).
 */
#include "core/composition.h"
#include "core/device.h"
#include "core/nesting.h"
#include "port/result.h"
#include "port/sized.h"

struct viommu_domain {
	struct space space;
	struct viommu_domain_stats stats; /* counters; under the space's lock */
	bool hardware;
	unsigned int compositions;
	struct composition composition[]; /* ascending */
};

static struct viommu_domain *domain_of(struct space *space)
{
	return list_member(space, struct viommu_domain, space);
}

static size_t domain_bytes(unsigned int compositions)
{
	return sizeof(struct viommu_domain) + compositions * sizeof(struct composition);
}

/* The part of first..last that a composition covers. False if there is none. */
static bool clip(const struct composition *composition, uint64_t *first, uint64_t *last)
{
	if (*first > composition->last || *last < composition->first)
		return false;
	if (*first < composition->first)
		*first = composition->first;
	if (*last > composition->last)
		*last = composition->last;
	return true;
}

static void add_result(struct viommu_refresh_result *total, const struct viommu_refresh_result *result)
{
	total->steps += result->steps;
	total->established += result->established;
	total->released += result->released;
	total->unestablished += result->unestablished;
	total->unbacked += result->unbacked;
	total->entries += result->entries;
	if (total->fault.reason == VIOMMU_FAULT_NONE)
		total->fault = result->fault;
}

/*
 * Both compositions: what the upper one releases may be what the lower one was short of. The pass's result is that of all.
 */
static port_noinline int refresh_both(struct viommu_domain *domain, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge)
{
	struct composition *lower = &domain->composition[0], *upper = &domain->composition[1];
	struct viommu_refresh_result total;
	int lower_error, upper_error;
	bool insufficient;

	lower_error = composition_refresh(lower, pass, first, lower->last, merge);
	insufficient = pass->insufficient;
	total = pass->result;
	upper_error = composition_refresh(upper, pass, upper->first, last, merge);
	if (insufficient && pass->result.released) {
		bool upper_insufficient = pass->insufficient;

		total.unestablished = 0;
		total.unbacked = 0;
		add_result(&total, &pass->result);
		lower_error = composition_refresh(lower, pass, first, lower->last, merge);
		insufficient = pass->insufficient;
		pass->insufficient = upper_insufficient;
	}
	add_result(&total, &pass->result);
	pass->result = total;
	pass->insufficient |= insufficient;
	if (lower_error == -PORT_EIO || upper_error == -PORT_EIO)
		return -PORT_EIO;
	if (lower_error == -PORT_EFAULT || upper_error == -PORT_EFAULT)
		return -PORT_EFAULT;
	return lower_error ? lower_error : upper_error;
}

/* -ERANGE if nothing is covered. */
static int refresh(struct viommu_domain *domain, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge)
{
	struct composition *composition = domain->composition, *end = composition + domain->compositions;

	while (composition < end && first > composition->last)
		composition++;
	if (composition == end || last < composition->first)
		return -PORT_ERANGE;
	if (composition->beside && composition == domain->composition && last >= composition->beside->first)
		return refresh_both(domain, pass, first, last, merge);
	clip(composition, &first, &last);
	return composition_refresh(composition, pass, first, last, merge);
}

static int nothing_refreshed(struct viommu_refresh_result *result)
{
	const struct viommu_refresh_result nothing = { 0 };

	sized_out(result, &nothing, sizeof(nothing));
	return -PORT_ERANGE;
}

static int refresh_hardware(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	const struct viommu_refresh_result one = { .steps = 1 };
	int error;

	port_lock(&domain->space.lock);
	error = nesting_refresh(&domain->space, first, last);
	domain->stats.refreshes++;
	domain->stats.steps++;
	domain->stats.host_flushes++;
	port_unlock(&domain->space.lock);
	sized_out(result, &one, sizeof(one));
	return error;
}

int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	const struct space *space = &domain->space;
	struct shadow_pass pass;
	int error;

	if (first > last || last < space->first || first > space->last)
		return nothing_refreshed(result);
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	if (first < space->first)
		first = space->first;
	if (last > space->last)
		last = space->last;
	if (domain->hardware)
		return refresh_hardware(domain, first, last, result);
	/* What one call for a part of the aperture makes valid, the guest will remove in one call too; of all the rest nobody knows. */
	error = refresh(domain, &pass, first, last, first != space->first || last != space->last);
	if (error == -PORT_ERANGE)
		return nothing_refreshed(result);
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
	int error = 0;

	for (unsigned int i = 0; i < domain->compositions; i++) {
		int one = composition_release_slot(&domain->composition[i], slot);

		if (one)
			error = one;
	}
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

	space_destroy(space);
	for (unsigned int i = 0; i < domain->compositions; i++)
		composition_destroy(&domain->composition[i]);
	port_free(domain, domain_bytes(domain->compositions), 0);
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

int viommu_domain_refresh_context(struct viommu_domain *domain)
{
	int error;

	if (!domain->hardware)
		return 0;
	port_lock(&domain->space.lock);
	error = nesting_refresh_context(&domain->space);
	domain->stats.host_flushes++;
	port_unlock(&domain->space.lock);
	return error;
}

bool viommu_domain_is_hardware(const struct viommu_domain *domain)
{
	return domain->hardware;
}

static int create_hardware(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2])
{
	int error;

	port_lock(&vm->lock);
	error = nesting_create(&domain->space, vm, host, ste, &space_ops);
	port_unlock(&vm->lock);
	return error;
}

static int create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, const struct anchors *anchors)
{
	/* A domain without tables translates nothing, wherever its space is. */
	uint64_t first = 0, last = VIOMMU_PAGE_SIZE - 1;
	int error;

	for (unsigned int i = 0; i < domain->compositions; i++) {
		error = composition_init(&domain->composition[i], vm, &domain->space, &domain->stats, &anchors->anchor[i]);
		if (error)
			return error;
		first = i ? first : anchors->anchor[i].first;
		last = anchors->anchor[i].last;
	}
	for (unsigned int i = 0; domain->compositions > 1 && i < 2; i++)
		domain->composition[i].beside = &domain->composition[1 - i];
	port_lock(&vm->lock);
	error = space_create(&domain->space, vm, host, first, last, &space_ops);
	port_unlock(&vm->lock);
	return error;
}

int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	struct viommu_domain *domain;
	const struct viommu_refresh_result nothing = { 0 };
	struct anchors anchors;
	struct shadow_pass pass;
	int error;

	sized_out(result, &nothing, sizeof(nothing));
	error = anchor_take(host, type, data, &anchors);
	if (error)
		return error;
	if (anchors.why)
		vm_log(vm, VIOMMU_LOG_INFO, anchors.why, 0, 0);
	domain = port_alloc(domain_bytes(anchors.number), 0);
	if (!domain)
		return -PORT_ENOMEM;
	domain->hardware = anchors.hardware;
	domain->compositions = anchors.number;
	error = domain->hardware ? create_hardware(domain, vm, host, anchors.ste) : create(domain, vm, host, &anchors);
	if (error) {
		port_free(domain, domain_bytes(anchors.number), 0);
		return error;
	}
	if (anchors.number) {
		error = refresh(domain, &pass, domain->space.first, domain->space.last, false);
		sized_out(result, &pass.result, sizeof(pass.result));
		/* A malformed entry is the guest's business where it refreshes it: the registration stands. It does not hide that something else did not fit. */
		if (error == -PORT_EFAULT)
			error = pass.insufficient ? -PORT_ENOSPC : 0;
	}
	if (error) {
		viommu_domain_destroy(domain);
		return error;
	}
	*out = domain;
	return 0;
}

int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device)
{
	/* What hardware recorded of it nobody could tell from what another did. */
	if (domain->hardware && device->vm == domain->space.vm && !nesting_has_id(device))
		return -PORT_EINVAL;
	return space_attach(&domain->space, device);
}

int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct space *space = &domain->space;
	int result = 0;

	if (first > last)
		return 0;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	port_lock(&space->lock);
	for (unsigned int i = 0; !result && i < domain->compositions; i++) {
		struct composition *composition = &domain->composition[i];
		uint64_t from = first, to = last;

		if (clip(composition, &from, &to))
			result = composition->ops->each_run(&composition->shadow, vm_slots(space->vm), from, to, fn, ctx);
	}
	port_unlock(&space->lock);
	return result;
}

int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	const struct viommu_fault outside = { .reason = VIOMMU_FAULT_APERTURE, .iova = iova, .entry_gpa = UINT64_MAX };
	struct space *space = &domain->space;
	int error;

	if (domain->hardware)
		return -PORT_EOPNOTSUPP;
	for (unsigned int i = 0; i < domain->compositions; i++) {
		struct composition *composition = &domain->composition[i];

		if (iova < composition->first || iova > composition->last)
			continue;
		port_lock(&space->lock);
		error = composition->ops->walk(&composition->shadow, vm_slots(space->vm), iova, run, fault);
		port_unlock(&space->lock);
		return error;
	}
	sized_out(fault, &outside, sizeof(outside));
	return -PORT_EFAULT;
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
	for (unsigned int i = 0; i < domain->compositions; i++) {
		struct composition *composition = &domain->composition[i];

		ours.mapped_pages += composition->shadow.mapped;
		ours.shadow_bytes += composition->shadow.bytes;
		ours.tracked_tables += tracking_tables(&composition->tracked);
	}
	port_unlock(&domain->space.lock);
	sized_out(stats, &ours, sizeof(ours));
}
