/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/vfio.h>
#include <linux/vfio_viommu.h>

#include "host/kernel.h"
#include "host/vfio_ioctl.h"

static void take_outcome(struct viommu_refresh_result *result, const struct vfio_viommu_outcome *outcome)
{
	result->steps = 1;
	result->established = outcome->established;
	result->released = outcome->released;
	result->unestablished = outcome->unestablished;
	result->unbacked = outcome->unbacked;
	result->entries = outcome->entries;
	result->fault.reason = outcome->fault_reason;
	result->fault.level = outcome->fault_level;
	result->fault.iova = outcome->fault_iova;
	result->fault.entry_gpa = outcome->fault_entry_gpa;
	result->fault.entry = outcome->fault_entry;
}

/* With the VM's lock. */
static int create_domain(struct kernel_vm *vm, const struct host_nest_data *data, struct viommu_refresh_result *result, uint32_t *domain)
{
	struct vfio_viommu_domain_create call = {
		.argsz = sizeof(call),
		.data_type = data->type,
		.data_uptr = (uint64_t)(uintptr_t)data->data,
		.data_len = data->bytes,
	};
	int error;

	if (!kernel_vm_group(vm, &call.group))
		return -ENODEV;
	error = vfio_ioctl(vm->container, VFIO_VIOMMU_DOMAIN_CREATE, &call);
	/* Not the kernel's -ENODEV, which means that the container has failed. */
	if (error)
		return error == -ENODEV ? -EIO : error;
	take_outcome(result, &call.out_outcome);
	*domain = call.out_domain;
	vm->domains++;
	return 0;
}

int kernel_compose(struct viommu_host *host, struct host_vm *any, const struct host_nest_data *data, const struct host_memory *memory,
		   struct viommu_refresh_result *result, struct host_space **out)
{
	struct kernel_space *space = memory->alloc(memory->ctx, sizeof(*space), 0);
	struct kernel_vm *vm = kernel_vm(any);
	int error;

	if (!space)
		return -ENOMEM;
	port_lock(&vm->lock);
	error = create_domain(vm, data, result, &space->domain);
	port_unlock(&vm->lock);
	if (error) {
		memory->free(memory->ctx, space, sizeof(*space), 0);
		return error;
	}
	space->space.host = host;
	space->vm = vm;
	space->memory = memory;
	*out = &space->space;
	return 0;
}

int kernel_refresh(struct host_space *any, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	struct kernel_space *space = kernel_space(any);
	struct vfio_viommu_refresh call = { .argsz = sizeof(call), .domain = space->domain, .first = first, .last = last };
	int error = vfio_ioctl(space->vm->container, VFIO_VIOMMU_REFRESH, &call);

	if (error)
		return error == -ENOMEM ? -ENOSPC : -EIO;
	take_outcome(result, &call.out_outcome);
	switch (call.out_status) {
	case VFIO_VIOMMU_REFRESH_DONE:
		return 0;
	case VFIO_VIOMMU_REFRESH_OUTSIDE:
		return -ERANGE;
	case VFIO_VIOMMU_REFRESH_INSUFFICIENT:
		return -ENOSPC;
	case VFIO_VIOMMU_REFRESH_MALFORMED:
		return -EFAULT;
	default:
		return -EIO;
	}
}

/* Before an ioctl returns, the module has flushed what it has removed. */
int kernel_flush(struct host_space *space)
{
	__atomic_store_n(&space->generation, space->generation + 1, __ATOMIC_RELEASE);
	return 0;
}

static int attach_group(const struct kernel_vm *vm, const struct kernel_group *group, uint32_t domain)
{
	struct vfio_viommu_attach call = { .argsz = sizeof(call), .domain = domain, .group = group->number };

	return vfio_ioctl(vm->container, VFIO_VIOMMU_ATTACH, &call);
}

/* Devices of one group reach the same, and are attached to one domain at a time. */
int kernel_attach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	struct kernel_group *group = kernel_device(device)->group;
	int error = 0;

	(void)pasid;
	if (group->space && group->space != space)
		return -EBUSY;
	if (!group->space)
		error = attach_group(kernel_space(space)->vm, group, kernel_space(space)->domain);
	if (error)
		return error;
	group->space = space;
	group->attached++;
	return 0;
}

int kernel_detach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	struct kernel_group *group = kernel_device(device)->group;
	int error = group->attached == 1 ? attach_group(kernel_space(space)->vm, group, 0) : 0;

	(void)pasid;
	if (error)
		return error;
	if (!--group->attached)
		group->space = NULL;
	return 0;
}

/* Destroying a domain detaches the groups whose detach failed. */
void kernel_space_destroy(struct host_space *any)
{
	struct kernel_space *space = kernel_space(any);
	struct kernel_host *host = kernel_host(any->host);
	struct kernel_vm *vm = space->vm;
	struct vfio_viommu_domain_destroy call = { .argsz = sizeof(call), .domain = space->domain };

	port_lock(&vm->lock);
	vfio_ioctl(vm->container, VFIO_VIOMMU_DOMAIN_DESTROY, &call);
	vm->domains--;
	port_lock(&host->lock);
	for (struct kernel_group *group = host->groups; group; group = group->next) {
		if (group->vm == vm && group->space == any) {
			group->space = NULL;
			group->attached = 0;
		}
	}
	port_unlock(&host->lock);
	kernel_vm_settle(vm);
	port_unlock(&vm->lock);
	space->memory->free(space->memory->ctx, space, sizeof(*space), 0);
}
