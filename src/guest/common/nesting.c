/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether hardware walks a guest's tables, or the library. */
#include "guest/common/devices.h"

int guest_nesting_pick(struct viommu_vm *vm, uint32_t nesting, const char *unfit, uint32_t id, bool *hardware)
{
	bool required = nesting == VIOMMU_NESTING_HARDWARE;

	if (nesting > VIOMMU_NESTING_HARDWARE)
		return -PORT_EINVAL;
	*hardware = !unfit && nesting != VIOMMU_NESTING_SHADOW;
	if (nesting == VIOMMU_NESTING_AUTO || (required && unfit))
		vm_log(vm, required ? VIOMMU_LOG_ERROR : VIOMMU_LOG_INFO, unfit ? unfit : "hardware nesting on", id, 0);
	return required && unfit ? -PORT_EOPNOTSUPP : 0;
}

/*
 * If a host does not report misses, entries that become valid are seen only if the guest
 * invalidates after it maps.
 */
int guest_device_pick(struct guest_iommu *iommu, const struct guest_device_config *config, bool *hardware)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	int error = guest_nesting_pick(iommu->vm, config->nesting, config->unfit, config->id, hardware);

	if (error || *hardware)
		return error;
	viommu_host_caps(config->host, &caps);
	if (caps.lookup || config->announces)
		return 0;
	vm_log(iommu->vm, VIOMMU_LOG_ERROR, "the guest does not announce valid entries, and this host does not report misses", config->id, 0);
	return -PORT_EOPNOTSUPP;
}

/* To tables through which nothing is reached. */
static int attach_nothing(struct guest_device *device, struct guest_domain *nothing)
{
	uint64_t entries;
	int error;

	nothing->config = device->iommu->ops->nothing;
	error = device->iommu->ops->create(device, nothing, &entries);
	if (error)
		return error;
	error = viommu_domain_attach(nothing->domain, device->device, VIOMMU_NO_PASID);
	viommu_domain_destroy(nothing->domain);
	return error;
}

int guest_device_try_hardware(struct guest_device *device)
{
	uint32_t bytes = device->iommu->ops->domain_bytes;
	struct guest_domain *nothing;
	int error = viommu_device_set_id(device->device, device->id.id);

	if (error)
		return error;
	nothing = port_alloc(bytes, 0);
	if (!nothing)
		return -PORT_ENOMEM;
	error = attach_nothing(device, nothing);
	port_free(nothing, bytes, 0);
	return error;
}
