/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nesting in hardware, as the core sees it. What holds:
 *
 *  - A domain begins with nothing in the hardware's caches: what the guest invalidated while there was no such domain, nobody heard of.
 *  - Before there is one, all of the guest's memory is charged for, and stays so until the VM is destroyed; for so long the host keeps it pinned.
 */
#include "core/nesting.h"

#include <viommu/nesting.h>

#include "core/device.h"
#include "core/guests.h"
#include "format/smmuv3.h"
#include "port/result.h"
#include "port/sized.h"

/*
 * A fault of hardware that can do nothing but stall would wait for ever: a guest's SMMU is offered to it without stalls, and so without the command that ends one.
 */
static bool nests(const struct viommu_host *host)
{
	return host->caps.nests & VIOMMU_NESTS_SMMUV3 && IDR0_STALL_MODEL(host->caps.smmuv3_idr[0]) != STALL_MODEL_FORCED;
}

int nesting_pick(const struct viommu_host *host, const struct viommu_smmuv3_stage1 *stage1, bool *hardware, const char **why)
{
	bool possible = nests(host) && stage1->ste[0] & STE0_V && !(stage1->flags & VIOMMU_SMMUV3_PRIVILEGED);

	*hardware = possible && stage1->nesting != VIOMMU_NESTING_SHADOW;
	*why = NULL;
	switch (stage1->nesting) {
	case VIOMMU_NESTING_AUTO:
		if (possible)
			*why = "a guest's tables are walked by the hardware";
		else if (nests(host) && stage1->ste[0] & STE0_V)
			*why = "a guest's tables are shadowed: hardware takes no stream whose accesses are made privileged";
		else if (nests(host))
			*why = "a guest's tables are shadowed: hardware would need their Stream Table Entry";
		else if (stage1->ste[0] & STE0_V)
			*why = "a guest's tables are shadowed: this host has no hardware that walks them";
		return 0;
	case VIOMMU_NESTING_SHADOW:
		return 0;
	case VIOMMU_NESTING_HARDWARE:
		if (possible)
			return 0;
		return nests(host) && !(stage1->ste[0] & STE0_V) ? -PORT_EINVAL : -PORT_EOPNOTSUPP;
	default:
		return -PORT_EINVAL;
	}
}

int nesting_create(struct space *space, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], const struct space_ops *ops)
{
	uint64_t theirs[2] = { ste[0], ste[1] & ~STE1_S1STALLD };
	int error = vm_pin(vm);

	if (error)
		return error;
	/* The same where stalls are for the guest's descriptors to ask for. Where there are none the field is reserved (IHI 0070, section 5.2). */
	if (STE0_CONFIG(ste[0]) == STE_CONFIG_S1 && IDR0_STALL_MODEL(host->caps.smmuv3_idr[0]) == STALL_MODEL_POSSIBLE)
		theirs[1] |= STE1_S1STALLD;
	error = space_create_nested(space, vm, host, theirs, ops);
	if (error)
		return error;
	port_lock(&space->lock);
	error = nesting_refresh(space, 0, UINT64_MAX);
	port_unlock(&space->lock);
	if (error)
		space_destroy(space);
	return error;
}

static int result_of(const struct space *space, int error, uint64_t first, uint64_t last)
{
	if (!error)
		return 0;
	vm_log(space->vm, VIOMMU_LOG_ERROR, "the host failed to invalidate what its hardware keeps of a guest's tables", first, last);
	return -PORT_EIO;
}

int nesting_refresh(struct space *space, uint64_t first, uint64_t last)
{
	return result_of(space, space->host->ops->nest_invalidate(space->host_space, first, last), first, last);
}

int nesting_refresh_context(struct space *space)
{
	return result_of(space, space->host->ops->nest_context(space->host_space), 0, 0);
}

int viommu_device_set_id(struct viommu_device *device, uint32_t id)
{
	struct viommu_vm *vm = device->vm;
	int error;

	if (!nests(device->host))
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->lock);
	error = device->space ? -PORT_EBUSY : device->host->ops->device_set_id(device->host_device, id);
	device->has_id |= !error;
	port_unlock(&vm->lock);
	return !error || error == -PORT_EBUSY ? error : -PORT_EIO;
}

bool nesting_has_id(struct viommu_device *device)
{
	bool has_id;

	port_lock(&device->vm->lock);
	has_id = device->has_id;
	port_unlock(&device->vm->lock);
	return has_id;
}

int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host)
{
	struct host_guest *guest;
	int ret;

	if (!nests(host))
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->lock);
	guest = guests_find(vm, host);
	ret = guest ? host->ops->nest_fd(guest) : -PORT_ENODEV;
	port_unlock(&vm->lock);
	return ret;
}

int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event)
{
	struct host_event theirs = { .lost = false };
	struct viommu_nest_event ours = { .size = 0 };
	struct host_guest *guest;
	int ret;

	if (!nests(host))
		return -PORT_EOPNOTSUPP;
	/* One at a time takes an event of a guest's, and this lock is not held for long by anybody who could be in the way. */
	port_lock(&vm->lock);
	guest = guests_find(vm, host);
	ret = guest ? host->ops->nest_event(guest, &theirs) : -PORT_ENOENT;
	port_unlock(&vm->lock);
	if (ret)
		return ret == -PORT_ENOENT ? ret : -PORT_EIO;
	ours.lost = theirs.lost;
	__builtin_memcpy(ours.record, theirs.record, sizeof(ours.record));
	sized_out(event, &ours, sizeof(ours));
	return 0;
}
