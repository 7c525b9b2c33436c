/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The public interface of any host. */
#include "host/host.h"
#include "port/port.h"
#include "port/sized.h"

int viommu_host_caps(struct viommu_host *host, struct viommu_host_caps *caps)
{
	if (!sized_fits(caps, VIOMMU_HOST_CAPS_SIZE_V0))
		return -PORT_EINVAL;
	sized_out(caps, &host->caps, sizeof(host->caps));
	return 0;
}

size_t viommu_host_ranges(struct viommu_host *host, struct viommu_iova_range *ranges, size_t number)
{
	const struct viommu_iova_range whole = { .first = host->caps.first, .last = host->caps.last };
	const struct viommu_iova_range *usable = host->usable ? host->usable : &whole;
	size_t usable_number = host->usable ? host->usable_number : 1;

	for (size_t i = 0; i < number && i < usable_number; i++)
		ranges[i] = usable[i];
	return usable_number;
}

int viommu_host_nest_info(struct viommu_host *host, uint32_t type, void *info)
{
	if (!host->nest.type || host->nest.type != type)
		return -PORT_EOPNOTSUPP;
	if (!sized_fits(info, host->nest.info_least))
		return -PORT_EINVAL;
	sized_out(info, host->nest.info, host->nest.info_bytes);
	return 0;
}

void viommu_host_destroy(struct viommu_host *host)
{
	if (host)
		host->ops->destroy(host);
}
