/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mapped domains: a record of the guest's requests, and in the host's space those parts of them
 * that lie in slots, one mapping for each request and slot.
 *
 * Invariant while the VM's lock is free: each part of a request that lies in a slot is mapped and
 * pinned. After a host failed to remove a slot, the parts in it are pinned and may be mapped.
 * Requests change under the VM's lock and the domain's, so that either is enough to read them, and
 * slots do not come or go between the two.
 */
#include <viommu/mapped.h>

#include "core/domain.h"
#include "host/mappings.h"
#include "port/sized.h"

struct viommu_mapped {
	struct viommu_domain domain;
	struct mappings requests;
};

static struct viommu_mapped *mapped_of(struct viommu_domain *domain)
{
	return list_member(domain, struct viommu_mapped, domain);
}

/* The part of a request that lies in a slot. False if there is none. */
static bool part(const struct mapping *request, const struct slot *slot, struct host_mapping *piece)
{
	uint64_t last = request->gpa + (request->last - request->first), first = request->gpa;

	if (slot->first > last || slot->last < first)
		return false;
	if (first < slot->first)
		first = slot->first;
	if (last > slot->last)
		last = slot->last;
	*piece = (struct host_mapping){
		.first = request->first + (first - request->gpa),
		.last = request->first + (last - request->gpa),
		.gpa = first,
		.hva = slot_hva(slot, first),
		.offset = slot->offset + (first - slot->first),
		.prot = request->prot & slot->prot,
		.fd = slot->fd,
		.whole = true,
	};
	return true;
}

static uint64_t pages_of(const struct host_mapping *piece)
{
	return (piece->last - piece->first) / VIOMMU_PAGE_SIZE + 1;
}

#define PAGES_AT_ONCE (1u << 20)

static void unpin(struct viommu_vm *vm, struct slot *slot, uint64_t gpa, uint64_t pages)
{
	while (pages) {
		unsigned int some = pages < PAGES_AT_ONCE ? (unsigned int)pages : PAGES_AT_ONCE;

		pins_put(&vm->pins, slot, gpa, some);
		gpa += some * VIOMMU_PAGE_SIZE;
		pages -= some;
	}
}

/* All pages of a piece, or none. */
static bool pin(struct viommu_vm *vm, struct slot *slot, const struct host_mapping *piece)
{
	uint64_t pages = pages_of(piece), got = 0;

	while (got < pages) {
		unsigned int some = pages - got < PAGES_AT_ONCE ? (unsigned int)(pages - got) : PAGES_AT_ONCE;
		unsigned int now = pins_get(&vm->pins, slot, piece->gpa + got * VIOMMU_PAGE_SIZE, some);

		got += now;
		if (now < some) {
			unpin(vm, slot, piece->gpa, got);
			return false;
		}
	}
	return true;
}

/* With the domain's lock held. 0, -ENOSPC or -EIO. */
static int map_piece(struct viommu_domain *domain, const struct host_mapping *piece)
{
	int error = domain->host->ops->map(domain->host_space, piece);

	domain->stats.host_maps++;
	if (error)
		return error == -PORT_ENOSPC || error == -PORT_ENOMEM ? -PORT_ENOSPC : -PORT_EIO;
	return 0;
}

/* With the domain's lock held. It need not be mapped. */
static int unmap_piece(struct viommu_domain *domain, const struct host_mapping *piece)
{
	domain->stats.host_unmaps++;
	return space_unmap(domain->host_space, piece->first, piece->last) ? -PORT_EIO : 0;
}

static int flush(struct viommu_domain *domain)
{
	domain->stats.host_flushes++;
	return domain_flush(domain) ? -PORT_EIO : 0;
}

static int slot_charge(struct viommu_domain *domain, struct slot *slot)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	const struct mapping *at = mappings_from(requests, 0), *failed;
	struct host_mapping piece;

	while (at && (!part(at, slot, &piece) || pin(domain->vm, slot, &piece)))
		at = mappings_next(requests, at);
	if (!at)
		return 0;
	failed = at;
	for (at = mappings_from(requests, 0); at != failed; at = mappings_next(requests, at))
		if (part(at, slot, &piece))
			unpin(domain->vm, slot, piece.gpa, pages_of(&piece));
	return -PORT_EDQUOT;
}

static void slot_uncharge(struct viommu_domain *domain, struct slot *slot)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	struct host_mapping piece;

	for (const struct mapping *at = mappings_from(requests, 0); at; at = mappings_next(requests, at))
		if (part(at, slot, &piece))
			unpin(domain->vm, slot, piece.gpa, pages_of(&piece));
}

/* With the domain's lock held: the requests before `end`, NULL: all. */
static int unmap_slot(struct viommu_domain *domain, const struct slot *slot, const struct mapping *end)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	struct host_mapping piece;
	int error = 0;

	for (const struct mapping *at = mappings_from(requests, 0); at != end; at = mappings_next(requests, at))
		if (part(at, slot, &piece) && unmap_piece(domain, &piece))
			error = -PORT_EIO;
	if (flush(domain))
		error = -PORT_EIO;
	return error;
}

static int slot_map(struct viommu_domain *domain, struct slot *slot)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	struct host_mapping piece;
	int error = 0;

	if (slot->removing)
		return 0;
	port_lock(&domain->lock);
	for (const struct mapping *at = mappings_from(requests, 0); at && !error; at = mappings_next(requests, at)) {
		if (!part(at, slot, &piece))
			continue;
		error = map_piece(domain, &piece);
		if (error && unmap_slot(domain, slot, at))
			error = -PORT_EIO;
	}
	port_unlock(&domain->lock);
	return error;
}

static int slot_unmap(struct viommu_domain *domain, struct slot *slot)
{
	int error;

	port_lock(&domain->lock);
	error = unmap_slot(domain, slot, NULL);
	port_unlock(&domain->lock);
	return error;
}

/*
 * With both locks held, as in what follows: takes the parts of a request in slots before the end-th
 * out of the host. 0 or -EIO.
 */
static int unmap_parts(struct viommu_domain *domain, const struct mapping *request, unsigned int end)
{
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping piece;
	int error = 0;

	for (unsigned int i = 0; i < end; i++)
		if (part(request, slots->slot[i], &piece) && unmap_piece(domain, &piece))
			error = -PORT_EIO;
	if (flush(domain))
		error = -PORT_EIO;
	return error;
}

static void unpin_parts(struct viommu_domain *domain, const struct mapping *request, unsigned int end)
{
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping piece;

	for (unsigned int i = 0; i < end; i++)
		if (part(request, slots->slot[i], &piece))
			unpin(domain->vm, slots->slot[i], piece.gpa, pages_of(&piece));
}

/* 0, -ENOSPC, or -EIO (a slot there is being removed). */
static int pin_parts(struct viommu_domain *domain, const struct mapping *request)
{
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping piece;

	for (unsigned int i = 0; i < slots->number; i++)
		if (slots->slot[i]->removing && part(request, slots->slot[i], &piece))
			return -PORT_EIO;
	for (unsigned int i = 0; i < slots->number; i++) {
		if (part(request, slots->slot[i], &piece) && !pin(domain->vm, slots->slot[i], &piece)) {
			unpin_parts(domain, request, i);
			return -PORT_ENOSPC;
		}
	}
	return 0;
}

/*
 * Makes a request that was recorded true. *stays: it failed, and the host does not give back what
 * it took; the guest can unmap it.
 */
static int map_parts(struct viommu_domain *domain, const struct mapping *request, bool *stays)
{
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping piece;
	unsigned int i;
	int error = pin_parts(domain, request);

	*stays = false;
	if (error)
		return error;
	for (i = 0; i < slots->number && !error; i++)
		if (part(request, slots->slot[i], &piece))
			error = map_piece(domain, &piece);
	if (!error)
		return 0;
	*stays = unmap_parts(domain, request, i);
	if (*stays)
		return -PORT_EIO;
	unpin_parts(domain, request, slots->number);
	return error;
}

int viommu_mapped_map(struct viommu_mapped *mapped, uint64_t first, uint64_t last, uint64_t gpa, uint32_t prot)
{
	const struct host_mapping request = { .first = first, .last = last, .gpa = gpa, .prot = prot };
	struct viommu_domain *domain = &mapped->domain;
	bool stays;
	int error;

	if (first > last || (first | (last + 1) | gpa) % VIOMMU_PAGE_SIZE || gpa + (last - first) < gpa || (prot != VIOMMU_READ && prot != VIOMMU_RW))
		return -PORT_EINVAL;
	if (first < domain->first || last > domain->last)
		return -PORT_ERANGE;
	port_lock(&domain->vm->lock);
	port_lock(&domain->lock);
	error = mappings_add(&mapped->requests, &request);
	if (error == -PORT_ENOMEM)
		error = -PORT_ENOSPC;
	if (!error) {
		error = map_parts(domain, mappings_at(&mapped->requests, first), &stays);
		if (error && !stays)
			mappings_remove(&mapped->requests, first, last);
	}
	port_unlock(&domain->lock);
	port_unlock(&domain->vm->lock);
	return error;
}

/*
 * With both locks held: takes all requests within a range out of the host, with one call and one
 * flush however many there are. 0 or -EIO.
 */
static int unmap_requests(struct viommu_domain *domain, const struct mapping *at, uint64_t last)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping all = { .first = at->first }, piece;
	bool any = false;

	for (; at && at->first <= last; at = mappings_next(requests, at)) {
		all.last = at->last;
		for (unsigned int i = 0; i < slots->number && !any; i++)
			any = part(at, slots->slot[i], &piece);
	}
	return any && (unmap_piece(domain, &all) || flush(domain)) ? -PORT_EIO : 0;
}

int viommu_mapped_unmap(struct viommu_mapped *mapped, uint64_t first, uint64_t last)
{
	struct viommu_domain *domain = &mapped->domain;
	const struct mapping *at, *end;
	int error = 0;

	if (first > last)
		return -PORT_EINVAL;
	port_lock(&domain->vm->lock);
	port_lock(&domain->lock);
	at = mappings_from(&mapped->requests, first);
	end = mappings_at(&mapped->requests, last);
	if ((at && at->first < first) || (end && end->last > last))
		error = -PORT_ERANGE;
	else if (at && at->first <= last)
		error = unmap_requests(domain, at, last);
	if (!error) {
		for (; at && at->first <= last; at = mappings_next(&mapped->requests, at))
			unpin_parts(domain, at, vm_slots(domain->vm)->number);
		mappings_remove(&mapped->requests, first, last);
	}
	port_unlock(&domain->lock);
	port_unlock(&domain->vm->lock);
	return error;
}

/* Slots are ascending by GPA, and so are the parts of one request. */
static int each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	struct viommu_run run = { 0 };
	const struct slots *slots;
	int result = 0;

	port_lock(&domain->lock);
	slots = vm_slots(domain->vm);
	for (const struct mapping *at = mappings_from(requests, first); !result && at && at->first <= last; at = mappings_next(requests, at)) {
		for (unsigned int i = 0; !result && i < slots->number; i++) {
			struct host_mapping piece;

			if (slots->slot[i]->removing || !part(at, slots->slot[i], &piece) || piece.first > last || piece.last < first)
				continue;
			if (piece.first < first) {
				piece.gpa += first - piece.first;
				piece.first = first;
			}
			if (piece.last > last)
				piece.last = last;
			if (run.prot == piece.prot && piece.first == run.last + 1 && piece.gpa == run.gpa + (piece.first - run.first)) {
				run.last = piece.last;
				continue;
			}
			if (run.prot)
				result = fn(ctx, &run);
			run = (struct viommu_run){ .first = piece.first, .last = piece.last, .gpa = piece.gpa, .prot = piece.prot };
		}
	}
	if (!result && run.prot)
		result = fn(ctx, &run);
	port_unlock(&domain->lock);
	return result;
}

static int walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	struct viommu_fault ours = { .reason = VIOMMU_FAULT_NOT_PRESENT, .iova = iova, .entry_gpa = UINT64_MAX, .pasid = VIOMMU_NO_PASID };
	const struct mapping *request;
	const struct slot *slot;

	if (iova < domain->first || iova > domain->last)
		ours.reason = VIOMMU_FAULT_APERTURE;
	port_lock(&domain->lock);
	request = mappings_at(&mapped_of(domain)->requests, iova);
	if (request) {
		slot = slots_backing(vm_slots(domain->vm), request->gpa + (iova - request->first));
		*run = (struct viommu_run){ .first = request->first, .last = request->last, .gpa = request->gpa, .tables = request->prot };
		run->prot = slot ? request->prot & slot->prot : 0;
		ours.reason = slot ? VIOMMU_FAULT_NONE : VIOMMU_FAULT_LEAF_UNBACKED;
	}
	port_unlock(&domain->lock);
	if (ours.reason == VIOMMU_FAULT_NONE)
		return 0;
	if (fault)
		*fault = ours;
	return -PORT_EFAULT;
}

static void stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	const struct mappings *requests = &mapped_of(domain)->requests;
	const struct slots *slots = vm_slots(domain->vm);
	struct host_mapping piece;

	for (const struct mapping *at = mappings_from(requests, 0); at; at = mappings_next(requests, at))
		for (unsigned int i = 0; i < slots->number; i++)
			if (!slots->slot[i]->removing && part(at, slots->slot[i], &piece))
				stats->mapped_pages += pages_of(&piece);
}

static void destroy(struct viommu_domain *domain)
{
	struct viommu_mapped *mapped = mapped_of(domain);
	const struct slots *slots = vm_slots(domain->vm);

	domain_end(domain);
	for (unsigned int i = 0; i < slots->number; i++)
		slot_uncharge(domain, slots->slot[i]);
	mappings_free(&mapped->requests);
	port_free(mapped, sizeof(*mapped), 0);
}

static const struct domain_ops mapped_ops = {
	.kind = VIOMMU_KIND_MAPPED,
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.each_run = each_run,
	.walk = walk,
	.stats = stats,
	.slot_charge = slot_charge,
	.slot_map = slot_map,
	.slot_unmap = slot_unmap,
	.slot_uncharge = slot_uncharge,
	.destroy = destroy,
};

int viommu_mapped_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct viommu_mapped **out)
{
	struct viommu_mapped *mapped;
	int error;

	if (first > last || (first | (last + 1)) % VIOMMU_PAGE_SIZE)
		return -PORT_EINVAL;
	mapped = port_alloc(sizeof(*mapped), 0);
	if (!mapped)
		return -PORT_ENOMEM;
	mappings_init(&mapped->requests, &mapped->domain.memory);
	port_lock(&vm->lock);
	error = domain_create(&mapped->domain, vm, host, first, last, &mapped_ops);
	port_unlock(&vm->lock);
	if (error) {
		port_free(mapped, sizeof(*mapped), 0);
		return error;
	}
	*out = mapped;
	return 0;
}

struct viommu_domain *viommu_mapped_domain(struct viommu_mapped *mapped)
{
	return &mapped->domain;
}
