/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct domains: every slot is mapped, where it falls into the aperture, at IOVA = GPA + offset,
 * and is pinned whole. There are no tables, no shadow and no refresh: only slots that come and go
 * change one. A domain may give fewer rights than the slots have. A host that composes guests'
 * tables itself (delegated.h) maps and pins the slots itself, too.
 */
#include "core/direct.h"

#include "core/delegated.h"

struct direct {
	struct viommu_domain domain;
	uint64_t offset; /* IOVA - GPA */
	uint32_t prot;	 /* at the most */
};

static struct direct *direct_of(struct viommu_domain *domain)
{
	return list_member(domain, struct direct, domain);
}

/*
 * The IOVAs at which a slot is reached: false if there are none. GPAs whose IOVA would wrap have
 * none, and so have slots of which no right is left.
 */
static bool window(const struct direct *direct, const struct slot *slot, uint64_t *first, uint64_t *last)
{
	uint64_t most = UINT64_MAX - direct->offset; /* the last GPA that has an IOVA */

	if (slot->first > most || !(slot->prot & direct->prot))
		return false;
	*first = slot->first + direct->offset;
	*last = slot->last > most ? UINT64_MAX : slot->last + direct->offset;
	if (*first > direct->domain.last || *last < direct->domain.first)
		return false;
	if (*first < direct->domain.first)
		*first = direct->domain.first;
	if (*last > direct->domain.last)
		*last = direct->domain.last;
	return true;
}

static int map_slot(struct direct *direct, const struct slot *slot)
{
	struct host_mapping mapping = { .prot = slot->prot & direct->prot, .fd = slot->fd, .whole = true };
	uint64_t skipped;
	int error;

	/*
	 * A slot whose removal failed on another host is still being removed: it is not mapped
	 * here.
	 */
	if (slot->removing || !window(direct, slot, &mapping.first, &mapping.last))
		return 0;
	skipped = mapping.first - direct->offset - slot->first;
	mapping.gpa = slot->first + skipped;
	mapping.hva = slot_hva(slot, mapping.gpa);
	mapping.offset = slot->offset + skipped;
	error = direct->domain.host->ops->map(direct->domain.host_space, &mapping);
	return error == 0 || error == -PORT_ENOMEM || error == -PORT_ENOSPC || error == -PORT_ERANGE ? error : -PORT_EIO;
}

static int slot_charge(struct viommu_domain *domain, struct slot *slot)
{
	return pins_get_slot(&domain->vm->pins, slot);
}

static int slot_map(struct viommu_domain *domain, struct slot *slot)
{
	int error;

	port_lock(&domain->lock);
	error = map_slot(direct_of(domain), slot);
	port_unlock(&domain->lock);
	return error;
}

static int slot_unmap(struct viommu_domain *domain, struct slot *slot)
{
	uint64_t first, last;
	int error;

	if (!window(direct_of(domain), slot, &first, &last))
		return 0;
	port_lock(&domain->lock);
	error = space_unmap(domain->host_space, first, last);
	if (!error)
		error = domain_flush(domain);
	port_unlock(&domain->lock);
	return error;
}

static void slot_uncharge(struct viommu_domain *domain, struct slot *slot)
{
	pins_put_slot(&domain->vm->pins, slot);
}

/* With the VM's lock held. */
static void destroy(struct viommu_domain *domain)
{
	const struct slots *slots = vm_slots(domain->vm);

	domain_end(domain);
	for (unsigned int i = 0; !is_delegated(domain) && i < slots->number; i++)
		slot_uncharge(domain, slots->slot[i]);
	port_free(direct_of(domain), sizeof(struct direct), 0);
}

static int each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	const struct direct *direct = direct_of(domain);
	struct viommu_run run = { 0 };
	const struct slots *slots;
	int result = 0;

	/*
	 * The VM's lock, not the domain's: slots are mapped under it, and so come and go here
	 * exactly as they do there.
	 */
	port_lock(&domain->vm->lock);
	slots = vm_slots(domain->vm);
	for (unsigned int i = 0; !result && i < slots->number; i++) {
		const struct slot *slot = slots->slot[i];
		struct viommu_run piece = { .prot = slot->prot & direct->prot };

		if (slot->removing || !window(direct, slot, &piece.first, &piece.last) || piece.first > last || piece.last < first)
			continue;
		if (piece.first < first)
			piece.first = first;
		if (piece.last > last)
			piece.last = last;
		piece.gpa = piece.first - direct->offset;
		if (run.prot == piece.prot && piece.first == run.last + 1) {
			run.last = piece.last;
			continue;
		}
		if (run.prot)
			result = fn(ctx, &run);
		run = piece;
	}
	if (!result && run.prot)
		result = fn(ctx, &run);
	port_unlock(&domain->vm->lock);
	return result;
}

static const struct domain_ops direct_ops = {
	.kind = VIOMMU_KIND_DIRECT,
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.each_run = each_run,
	.slot_charge = slot_charge,
	.slot_map = slot_map,
	.slot_unmap = slot_unmap,
	.slot_uncharge = slot_uncharge,
	.destroy = destroy,
};

static const struct domain_ops delegated_ops = {
	.kind = VIOMMU_KIND_DIRECT,
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.each_run = each_run,
	.slot_uncharge = delegated_slot_gone,
	.destroy = destroy,
};

/* With the VM's lock held. */
static int create_delegated(struct direct *direct, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last)
{
	const struct host_direct theirs = { .size = sizeof(theirs), .prot = direct->prot, .first = first, .last = last, .offset = direct->offset };
	const struct host_nest_data data = { .type = HOST_DIRECT, .bytes = sizeof(theirs), .data = &theirs };
	struct viommu_refresh_result result;

	return delegated_create(&direct->domain, vm, host, first, last, &data, &result, &delegated_ops);
}

/* With the VM's lock held. */
static int create(struct direct *direct, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last)
{
	const struct slots *slots = vm_slots(vm);
	int error = domain_create(&direct->domain, vm, host, first, last, &direct_ops);
	unsigned int charged = 0;

	if (error)
		return error;
	while (!error && charged < slots->number) {
		error = slot_charge(&direct->domain, slots->slot[charged]);
		charged += !error;
	}
	for (unsigned int i = 0; !error && i < charged; i++)
		error = slot_map(&direct->domain, slots->slot[i]);
	if (!error)
		return 0;
	domain_end(&direct->domain);
	while (charged--)
		slot_uncharge(&direct->domain, slots->slot[charged]);
	return error;
}

int direct_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last, uint32_t prot, struct viommu_domain **out)
{
	struct direct *direct;
	int error;

	if (first > last || (offset | first | (last + 1)) % VIOMMU_PAGE_SIZE)
		return -PORT_EINVAL;
	direct = port_alloc(sizeof(*direct), 0);
	if (!direct)
		return -PORT_ENOMEM;
	direct->offset = offset;
	direct->prot = prot;
	port_lock(&vm->lock);
	error = host->ops->compose ? create_delegated(direct, vm, host, first, last) : create(direct, vm, host, first, last);
	port_unlock(&vm->lock);
	if (error) {
		port_free(direct, sizeof(*direct), 0);
		return error;
	}
	*out = &direct->domain;
	return 0;
}

int viommu_domain_create_direct(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last, struct viommu_domain **out)
{
	return direct_create(vm, host, offset, first, last, VIOMMU_RW, out);
}
