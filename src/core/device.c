/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/device.h"

#include <viommu/vfio.h>

#include "core/domain.h"
#include "core/vm_hosts.h"

int viommu_device_create(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_device **out)
{
	struct viommu_device *device = port_alloc(sizeof(*device), 0);
	struct host_vm *host_vm;
	int error;

	if (!device)
		return -PORT_ENOMEM;
	port_lock(&vm->lock);
	error = vm_hosts_get(vm, host, &host_vm);
	if (!error)
		error = host->ops->device_create(host, host_vm, data, &device->host_device);
	if (error) {
		port_unlock(&vm->lock);
		port_free(device, sizeof(*device), 0);
		return error;
	}
	device->vm = vm;
	device->host = host;
	attachment_init(&device->self, device, device->host_device, VIOMMU_NO_PASID);
	list_init(&device->pasids);
	list_append(&vm->devices, &device->in_vm);
	port_unlock(&vm->lock);
	*out = device;
	return 0;
}

void device_set_fault(struct viommu_device *device, int (*fault)(void *ctx, const struct viommu_fault *fault), void *ctx)
{
	device->fault = fault;
	device->fault_ctx = ctx;
}

struct attachment *device_find_attachment(struct viommu_device *device, uint32_t pasid)
{
	if (pasid == VIOMMU_NO_PASID)
		return &device->self;
	list_each (&device->pasids, struct attachment, in_device, attachment)
		if (attachment->pasid == pasid)
			return attachment;
	return NULL;
}

int device_get_attachment(struct viommu_device *device, uint32_t pasid, struct attachment **out)
{
	struct attachment *attachment = device_find_attachment(device, pasid);

	if (!attachment) {
		if (!device->host->caps.pasid_bits)
			return -PORT_EOPNOTSUPP;
		if ((uint64_t)pasid >> device->host->caps.pasid_bits)
			return -PORT_EINVAL;
		attachment = port_alloc(sizeof(*attachment), 0);
		if (!attachment)
			return -PORT_ENOMEM;
		attachment_init(attachment, device, device->host_device, pasid);
		list_append(&device->pasids, &attachment->in_device);
	}
	*out = attachment;
	return 0;
}

int viommu_device_vfio_fd(const struct viommu_device *device)
{
	return device->host->ops->device_fd ? device->host->ops->device_fd(device->host_device) : -1;
}

/* With the VM's lock held: 0, or -EIO where one of them is still reachable through its host. */
static int detach_all(struct viommu_device *device)
{
	int error = domain_detach(&device->self, false);

	list_each (&device->pasids, struct attachment, in_device, attachment)
		if (domain_detach(attachment, false))
			error = -PORT_EIO;
	return error;
}

/* With the VM's lock held, of one that is detached. */
static void free_readers(struct attachment *attachment)
{
	list_each (&attachment->readers, struct viommu_reader, in_attachment, reader)
		reader_free(reader);
}

void viommu_device_destroy(struct viommu_device *device)
{
	struct viommu_vm *vm;

	if (!device)
		return;
	vm = device->vm;
	port_lock(&vm->lock);
	if (detach_all(device)) {
		/* Still reachable through its host: nothing that it refers to may be freed. */
		vm_log(vm, VIOMMU_LOG_ERROR, "a host refused to detach a device that is destroyed: it is left behind", 0, 0);
		port_unlock(&vm->lock);
		return;
	}
	free_readers(&device->self);
	list_each (&device->pasids, struct attachment, in_device, attachment) {
		free_readers(attachment);
		attachment->notify = NULL;
		attachment_put(attachment);
	}
	list_remove(&device->in_vm);
	port_unlock(&vm->lock);
	device->host->ops->device_destroy(device->host_device);
	port_free(device, sizeof(*device), 0);
}
