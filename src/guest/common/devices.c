/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Devices: added, removed, found, configured, queried. */
#include "guest/common/devices.h"

#include "core/device.h"

struct guest_device *guest_device_lookup(struct guest_iommu *iommu, uint32_t id)
{
	struct guest_device *device;

	port_lock(&iommu->lock);
	device = guest_device_find(iommu, id);
	port_unlock(&iommu->lock);
	return device;
}

/* With change held: the device is found from here on. */
static int enter(struct guest_device *device, uint32_t id)
{
	struct guest_iommu *iommu = device->iommu;
	int error = 0;

	if (guest_device_find(iommu, id))
		return -PORT_EEXIST;
	device->id.id = id;
	if (device->hardware)
		error = guest_device_try_hardware(device);
	if (error)
		return error;
	port_lock(&iommu->lock);
	(void)guest_registry_add(&iommu->devices, &device->id, id);
	port_unlock(&iommu->lock);
	guest_device_configure(device);
	guest_iommu_sync(iommu);
	return 0;
}

static int device_fault(void *ctx, const struct viommu_fault *fault)
{
	return guest_device_fault(ctx, fault);
}

static void destroy(struct guest_device *device)
{
	uint32_t bytes = device->iommu->ops->device_bytes;

	viommu_device_destroy(device->device);
	port_free(device, bytes, 0);
}

int guest_device_add(struct guest_iommu *iommu, const struct guest_device_config *config, struct guest_device **out)
{
	struct guest_device *device;
	bool hardware;
	int error = guest_device_pick(iommu, config, &hardware);

	if (error)
		return error;
	device = port_alloc(iommu->ops->device_bytes, 0);
	if (!device)
		return -PORT_ENOMEM;
	device->iommu = iommu;
	device->host = config->host;
	device->hardware = hardware;
	error = viommu_device_create(iommu->vm, config->host, config->data, &device->device);
	if (!error) {
		device_set_fault(device->device, device_fault, device);
		port_lock(&iommu->change);
		error = enter(device, config->id);
		port_unlock(&iommu->change);
	}
	if (error) {
		destroy(device);
		return error;
	}
	*out = device;
	return 0;
}

void guest_device_remove(struct guest_device *device)
{
	struct guest_iommu *iommu = device->iommu;

	port_lock(&iommu->change);
	guest_device_detach(device);
	port_lock(&iommu->lock);
	guest_registry_remove(&iommu->devices, &device->id);
	port_unlock(&iommu->lock);
	guest_iommu_settle(iommu);
	port_unlock(&iommu->change);
	destroy(device);
}

/* With change held. */
static int move(struct guest_device *device, uint32_t id)
{
	struct guest_iommu *iommu = device->iommu;

	port_lock(&iommu->lock);
	guest_registry_remove(&iommu->devices, &device->id);
	(void)guest_registry_add(&iommu->devices, &device->id, id);
	port_unlock(&iommu->lock);
	return device->hardware ? guest_device_try_hardware(device) : 0;
}

int guest_device_set_id(struct guest_device *device, uint32_t id)
{
	struct guest_iommu *iommu = device->iommu;
	const struct guest_device *other;
	uint32_t old;
	int error = 0;

	port_lock(&iommu->change);
	old = device->id.id;
	other = guest_device_find(iommu, id);
	if (other && other != device)
		error = -PORT_EEXIST;
	if (!other) {
		/* A host changes the ID of a device that is detached. */
		if (device->hardware)
			guest_device_detach(device);
		error = move(device, id);
		if (error)
			(void)move(device, old);
		guest_device_configure(device);
		guest_iommu_sync(iommu);
		guest_iommu_settle(iommu);
	}
	port_unlock(&iommu->change);
	return error;
}

void guest_device_configure(struct guest_device *device)
{
	device->iommu->ops->configure(device);
	guest_device_settle(device);
	if (device->domain && device->hardware)
		device->iommu->ops->attached(device);
}

void guest_iommu_configure(struct guest_iommu *iommu, uint32_t id, unsigned int low_bits)
{
	struct guest_device *one;

	if (low_bits) {
		guest_each_device(iommu, device) if (low_bits >= 32 || !((device->id.id ^ id) >> low_bits)) guest_device_configure(device);
		return;
	}
	one = guest_device_find(iommu, id);
	if (one)
		guest_device_configure(one);
}

struct viommu_domain *guest_device_domain(struct guest_device *device)
{
	struct viommu_domain *domain;

	port_lock(&device->iommu->lock);
	domain = device->domain ? device->domain->domain : NULL;
	port_unlock(&device->iommu->lock);
	return domain;
}

uint32_t guest_device_sharing(const struct guest_device *device)
{
	uint32_t sharing = 0;

	guest_each_device(device->iommu, other) if (device->domain && other->domain == device->domain) sharing++;
	return sharing;
}

int guest_device_stats(struct guest_device *device, struct viommu_domain_stats *stats)
{
	struct guest_lane *lane = NULL;
	struct guest_domain *domain = guest_device_enter(device, &lane);

	return guest_gate_stats(lane, domain ? domain->domain : NULL, stats);
}

int guest_device_each_run(struct guest_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct guest_lane *lane = NULL;
	struct guest_domain *domain = guest_device_enter(device, &lane);

	return guest_gate_each_run(lane, domain ? domain->domain : NULL, first, last, fn, ctx);
}
