// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The host that does nothing. */
#include "noop.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"

static int noop_space_create(struct viommu_host *host, struct host_vm *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			     struct host_space **out)
{
	(void)guest;
	(void)first;
	(void)last;
	(void)memory;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->host = host;
	return 0;
}

static void noop_space_destroy(struct host_space *space)
{
	free(space);
}

static int noop_map(struct host_space *space, const struct host_mapping *mapping)
{
	(void)space;
	(void)mapping;
	return 0;
}

static int noop_unmap(struct host_space *space, uint64_t first, uint64_t last)
{
	(void)space;
	(void)first;
	(void)last;
	return 0;
}

static int noop_flush(struct host_space *space)
{
	(void)space;
	return 0;
}

static int noop_device_create(struct viommu_host *host, struct host_vm *guest, const void *data, struct host_device **out)
{
	(void)guest;
	(void)data;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->host = host;
	return 0;
}

static void noop_device_destroy(struct host_device *device)
{
	free(device);
}

static int noop_attach(struct host_space *space, struct host_device *device, uint32_t pasid)
{
	(void)pasid;
	(void)space;
	(void)device;
	return 0;
}

static void noop_destroy(struct viommu_host *host)
{
	(void)host;
}

static const struct host_ops noop_ops = {
	.space_create = noop_space_create,
	.space_destroy = noop_space_destroy,
	.map = noop_map,
	.unmap = noop_unmap,
	.flush = noop_flush,
	.device_create = noop_device_create,
	.device_destroy = noop_device_destroy,
	.attach = noop_attach,
	.detach = noop_attach,
	.destroy = noop_destroy,
};

struct viommu_host *bench_noop_host(void)
{
	static struct viommu_host host = {
		.ops = &noop_ops,
		.caps = {
			.size = sizeof(host.caps),
			.name = "no-op",
			.split = true,
			.page_sizes = ~UINT64_C(0xfff),
			.last = UINT64_MAX,
			.entry_limit = VIOMMU_NO_LIMIT,
		},
	};

	return &host;
}
