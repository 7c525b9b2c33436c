/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A direct domain: every slot is mapped, where it falls into the aperture, at IOVA = GPA + offset, and is pinned whole. There are no tables, no shadow and
 * no refresh; what changes it is slots that come and go.
 */
#include <viommu/direct.h>

#include "core/space.h"

struct viommu_direct {
	struct space space;
	uint64_t offset; /* IOVA - GPA */
};

static struct viommu_direct *direct_of(struct space *space)
{
	return list_member(space, struct viommu_direct, space);
}

/* The IOVAs at which a slot is reached: false if there are none. GPAs whose IOVA would wrap have none. */
static bool window(const struct viommu_direct *direct, const struct slot *slot, uint64_t *first, uint64_t *last)
{
	uint64_t most = UINT64_MAX - direct->offset; /* the last GPA that has an IOVA */

	if (slot->first > most)
		return false;
	*first = slot->first + direct->offset;
	*last = slot->last > most ? UINT64_MAX : slot->last + direct->offset;
	if (*first > direct->space.last || *last < direct->space.first)
		return false;
	if (*first < direct->space.first)
		*first = direct->space.first;
	if (*last > direct->space.last)
		*last = direct->space.last;
	return true;
}

static int map_slot(struct viommu_direct *direct, const struct slot *slot)
{
	struct host_mapping mapping = { .prot = slot->prot, .fd = slot->fd, .whole = true };
	uint64_t skipped;
	int error;

	/* What a host failed to remove elsewhere is still on its way out: it does not come in here. */
	if (slot->removing || !window(direct, slot, &mapping.first, &mapping.last))
		return 0;
	skipped = mapping.first - direct->offset - slot->first;
	mapping.gpa = slot->first + skipped;
	mapping.hva = slot_hva(slot, mapping.gpa);
	mapping.offset = slot->offset + skipped;
	error = direct->space.host->ops->map(direct->space.host_space, &mapping);
	return error == 0 || error == -PORT_ENOMEM || error == -PORT_ENOSPC || error == -PORT_ERANGE ? error : -PORT_EIO;
}

static int slot_charge(struct space *space, struct slot *slot)
{
	return pins_get_slot(&space->vm->pins, slot);
}

static int slot_map(struct space *space, struct slot *slot)
{
	int error;

	port_lock(&space->lock);
	error = map_slot(direct_of(space), slot);
	port_unlock(&space->lock);
	return error;
}

static int slot_unmap(struct space *space, struct slot *slot)
{
	uint64_t first, last;
	int error;

	if (!window(direct_of(space), slot, &first, &last))
		return 0;
	port_lock(&space->lock);
	error = space->host->ops->unmap(space->host_space, first, last);
	if (!error)
		error = space_flush(space);
	port_unlock(&space->lock);
	return error;
}

static void slot_uncharge(struct space *space, struct slot *slot)
{
	pins_put_slot(&space->vm->pins, slot);
}

/* With the VM's lock held. */
static void destroy(struct space *space)
{
	const struct slots *slots = vm_slots(space->vm);

	space_destroy(space);
	for (unsigned int i = 0; i < slots->number; i++)
		slot_uncharge(space, slots->slot[i]);
	port_free(direct_of(space), sizeof(struct viommu_direct), 0);
}

static const struct space_ops space_ops = {
	.slot_charge = slot_charge,
	.slot_map = slot_map,
	.slot_unmap = slot_unmap,
	.slot_uncharge = slot_uncharge,
	.destroy = destroy,
};

/* With the VM's lock held. */
static int create(struct viommu_direct *direct, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last)
{
	const struct slots *slots = vm_slots(vm);
	int error = space_create(&direct->space, vm, host, first, last, &space_ops);
	unsigned int charged = 0;

	if (error)
		return error;
	while (!error && charged < slots->number) {
		error = slot_charge(&direct->space, slots->slot[charged]);
		charged += !error;
	}
	for (unsigned int i = 0; !error && i < charged; i++)
		error = slot_map(&direct->space, slots->slot[i]);
	if (!error)
		return 0;
	space_destroy(&direct->space);
	while (charged--)
		slot_uncharge(&direct->space, slots->slot[charged]);
	return error;
}

int viommu_direct_create(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last, struct viommu_direct **out)
{
	struct viommu_direct *direct;
	int error;

	if (first > last || (offset | first | (last + 1)) % VIOMMU_PAGE_SIZE)
		return -PORT_EINVAL;
	direct = port_alloc(sizeof(*direct), 0);
	if (!direct)
		return -PORT_ENOMEM;
	direct->offset = offset;
	port_lock(&vm->lock);
	error = create(direct, vm, host, first, last);
	port_unlock(&vm->lock);
	if (error) {
		port_free(direct, sizeof(*direct), 0);
		return error;
	}
	*out = direct;
	return 0;
}

void viommu_direct_destroy(struct viommu_direct *direct)
{
	struct viommu_vm *vm;

	if (!direct)
		return;
	vm = direct->space.vm;
	port_lock(&vm->lock);
	destroy(&direct->space);
	port_unlock(&vm->lock);
}

int viommu_direct_attach(struct viommu_direct *direct, struct viommu_device *device)
{
	return space_attach(&direct->space, device);
}

int viommu_direct_each_run(struct viommu_direct *direct, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct space *space = &direct->space;
	struct viommu_run run = { 0 };
	const struct slots *slots;
	int result = 0;

	/* The VM's lock, not the space's: slots are mapped under it, and so come and go here exactly as they do there. */
	port_lock(&space->vm->lock);
	slots = vm_slots(space->vm);
	for (unsigned int i = 0; !result && i < slots->number; i++) {
		const struct slot *slot = slots->slot[i];
		struct viommu_run piece = { .prot = slot->prot };

		if (slot->removing || !window(direct, slot, &piece.first, &piece.last) || piece.first > last || piece.last < first)
			continue;
		if (piece.first < first)
			piece.first = first & ~(VIOMMU_PAGE_SIZE - 1);
		if (piece.last > last)
			piece.last = last | (VIOMMU_PAGE_SIZE - 1);
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
	port_unlock(&space->vm->lock);
	return result;
}
