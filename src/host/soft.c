/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The soft host: no hardware. A composed translation is an entry in a table in memory, and what
 * would be the IOTLB's is done by lookup. Its "host physical address" is the HVA.
 *
 * Nothing moves data here by itself: a device is a device model that translates with
 * viommu_translate(), so that attaching one to a space is a matter for the core alone.
 */
#include "host/soft.h"
#include "port/port.h"

static int soft_device_create(struct viommu_host *host, struct host_vm *vm, const void *data, struct host_device **out)
{
	struct host_device *device;

	(void)vm;
	if (data)
		return -PORT_EINVAL;
	device = (struct host_device *)port_alloc(sizeof(*device), 0);
	if (!device)
		return -PORT_ENOMEM;
	device->host = host;
	*out = device;
	return 0;
}

static void soft_device_destroy(struct host_device *device)
{
	port_free(device, sizeof(*device), 0);
}

static int soft_attach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)space;
	(void)device;
	(void)pasid;
	return 0;
}

static int soft_detach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)space;
	(void)device;
	(void)pasid;
	return 0;
}

static int soft_replace(struct host_space *from, struct host_space *to, struct host_device *device, uint32_t pasid)
{
	(void)from;
	(void)to;
	(void)device;
	(void)pasid;
	return 0;
}

static void soft_destroy(struct viommu_host *host)
{
	port_free(host, sizeof(*host), 0);
}

static const struct host_ops soft_ops = {
	.space_create = vtdss_space_create,
	.space_destroy = vtdss_space_destroy,
	.map = vtdss_space_map,
	.unmap = vtdss_space_unmap,
	.flush = vtdss_space_flush,
	.trim = vtdss_space_trim,
	.lookup = vtdss_space_lookup,
	.lookup_pages = vtdss_space_lookup_pages,
	.device_create = soft_device_create,
	.device_destroy = soft_device_destroy,
	.attach = soft_attach,
	.detach = soft_detach,
	.replace = soft_replace,
	.destroy = soft_destroy,
};

static const struct viommu_host_caps soft_caps = {
	.size = sizeof(soft_caps),
	.name = "soft",
	.split = true,
	.lookup = true,
	.pasid_bits = 20,
	.page_sizes = UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30,
	.first = 0,
	.last = UINT64_MAX,
	.entry_limit = VIOMMU_NO_LIMIT,
};

int viommu_host_soft_create(struct viommu_host **out)
{
	struct viommu_host *host = (struct viommu_host *)port_alloc(sizeof(*host), 0);

	if (!host)
		return -PORT_ENOMEM;
	host->ops = &soft_ops;
	host->caps = soft_caps;
	*out = host;
	return 0;
}
