/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the public interface does to any host. */
#include "host/host.h"
#include "port/sized.h"

void viommu_host_caps(struct viommu_host *host, struct viommu_host_caps *caps)
{
	sized_out(caps, &host->caps, sizeof(host->caps));
}

void viommu_host_destroy(struct viommu_host *host)
{
	if (host)
		host->ops->destroy(host);
}
