/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The public functions that are alike for all guest IOMMUs with registers, queues and devices, as a
 * template: a unit defines GUEST_IOMMU (smmuv3), includes its own headers, and then this. It has
 * viommu_smmuv3_reset() and so on then, and the common part of viommu_smmuv3_info(). struct
 * viommu_smmuv3 has a member `iommu`, and struct viommu_smmuv3_device a member `guest`. The headers
 * of the guest IOMMUs say what the functions do.
 */
#include "guest/common/devices.h"

#define PUBLIC_PASTE_(a, b, c) a##b##c
#define PUBLIC_PASTE(a, b, c)  PUBLIC_PASTE_(a, b, c)
#define PUBLIC(name)	       PUBLIC_PASTE(viommu_, GUEST_IOMMU, name)
#define PUBLIC_IOMMU	       struct PUBLIC()
#define PUBLIC_DEVICE	       struct PUBLIC(_device)

void PUBLIC(_destroy)(PUBLIC_IOMMU *it)
{
	if (!it)
		return;
	guest_iommu_destroy(&it->iommu);
	port_free(it, sizeof(*it), 0);
}

void PUBLIC(_reset)(PUBLIC_IOMMU *it)
{
	guest_iommu_reset(&it->iommu);
}

int PUBLIC(_read)(PUBLIC_IOMMU *it, uint64_t offset, unsigned int bytes, uint64_t *value)
{
	return guest_iommu_read(&it->iommu, offset, bytes, value);
}

int PUBLIC(_write)(PUBLIC_IOMMU *it, uint64_t offset, unsigned int bytes, uint64_t value)
{
	return guest_iommu_write(&it->iommu, offset, bytes, value);
}

PUBLIC_DEVICE *PUBLIC(_find)(PUBLIC_IOMMU *it, uint32_t id)
{
	struct guest_device *device = guest_device_lookup(&it->iommu, id);

	return device ? list_member(device, PUBLIC_DEVICE, guest) : NULL;
}

void PUBLIC(_device_remove)(PUBLIC_DEVICE *device)
{
	guest_device_remove(&device->guest);
}

int PUBLIC(_device_set_id)(PUBLIC_DEVICE *device, uint32_t id)
{
	return id > device->guest.iommu->last_id ? -PORT_EINVAL : guest_device_set_id(&device->guest, id);
}

struct viommu_device *PUBLIC(_device_device)(PUBLIC_DEVICE *device)
{
	return device->guest.device;
}

struct viommu_domain *PUBLIC(_device_domain)(PUBLIC_DEVICE *device)
{
	return guest_device_domain(&device->guest);
}

int PUBLIC(_device_stats)(PUBLIC_DEVICE *device, struct viommu_domain_stats *stats)
{
	return guest_device_stats(&device->guest, stats);
}

int PUBLIC(_device_each_run)(PUBLIC_DEVICE *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return guest_device_each_run(&device->guest, first, last, fn, ctx);
}

/* With lock held: the figures that all have, under these names. */
static inline void public_info(PUBLIC_IOMMU *it, struct PUBLIC(_info) * info)
{
	const struct guest_counts *counts = &it->iommu.counts;

	info->devices = it->iommu.devices.number;
	info->domains = it->iommu.shared;
	info->invalidations = guest_counted(&counts->invalidations);
	info->refreshes = guest_counted(&counts->refreshes);
	info->insufficient = guest_counted(&counts->insufficient);
	info->rebuilt = guest_counted(&counts->rebuilt);
	info->errors = guest_counted(&counts->errors);
	info->faults = guest_counted(&counts->faults);
	info->filled = guest_counted(&counts->filled);
}

static inline void public_device_info(PUBLIC_DEVICE *device, struct PUBLIC(_device_info) * info)
{
	info->sharing = guest_device_sharing(&device->guest);
	info->faults = guest_counted(&device->guest.faults);
}
