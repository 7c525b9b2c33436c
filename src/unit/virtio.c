/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include <viommu/virtio.h>

/* A mapped domain does not count the pages that come and go. */
struct endpoint {
	struct viommu_virtio_endpoint *endpoint;
	uint32_t sid;
	uint64_t mapped, established, released;
};

static int create(struct viommu_vm *vm, const struct capture_record *record, void **unit)
{
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	unsigned int bits = record->iommu.address_bits;
	struct viommu_virtio *made;
	int error;

	config.flags = record->iommu.bypass ? VIOMMU_VIRTIO_BOOT_BYPASS : 0;
	if (bits)
		config.last = UINT64_MAX >> (64 - bits);
	error = viommu_virtio_create(vm, &config, &made);
	if (!error)
		*unit = made;
	return error;
}

/* A request under construction. Its fields are little-endian (virtio 1.3, 5.13.6). */
struct bytes {
	uint8_t list[40];
	size_t count;
};

static void append(struct bytes *bytes, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		bytes->list[bytes->count++] = (uint8_t)(value >> (8 * i));
}

/* The status that the device has put into the tail. */
static int request(struct viommu_virtio *virtio, const struct capture_request *request)
{
	struct bytes bytes = { .count = 0 };
	uint8_t tail[4] = { 0 };

	append(&bytes, 4, request->type);
	append(&bytes, 4, request->domain);
	if (request->type == CAPTURE_ATTACH || request->type == CAPTURE_DETACH) {
		append(&bytes, 4, request->endpoint);
		append(&bytes, 4, request->flags);
		append(&bytes, 4, 0);
	} else {
		append(&bytes, 8, request->first);
		append(&bytes, 8, request->last);
		if (request->type == CAPTURE_MAP)
			append(&bytes, 8, request->gpa);
		append(&bytes, 4, request->flags);
	}
	return viommu_virtio_request(virtio, bytes.list, bytes.count, tail, sizeof(tail)) == sizeof(tail) ? tail[0] : -EPROTO;
}

/*
 * Features of the recorded machine that the library does not have make no difference to requests.
 */
static int operate(void *unit, const struct capture_record *operation)
{
	switch (operation->kind) {
	case CAPTURE_DRIVER:
		viommu_virtio_reset(unit, false);
		return operation->driver.features ? viommu_virtio_set_features(unit, operation->driver.features & viommu_virtio_features(unit)) : 0;
	case CAPTURE_REQUEST:
		return request(unit, &operation->request);
	default:
		return -EINVAL;
	}
}

static void counts(void *unit, struct unit_counts *counts)
{
	struct viommu_virtio_info info = { .size = sizeof(info) };

	viommu_virtio_info(unit, &info);
	*counts = (struct unit_counts){ .commands = info.requests, .invalidations = info.requests, .errors = info.refused };
}

static int add(void *unit, uint32_t sid, struct viommu_host *host, void **device)
{
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct endpoint *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->sid = sid;
	config.endpoint = sid;
	config.host = host;
	error = viommu_virtio_endpoint_add(unit, &config, &made->endpoint);
	if (error)
		free(made);
	else
		*device = made;
	return error;
}

static void remove_device(void *device)
{
	struct endpoint *endpoint = device;

	viommu_virtio_endpoint_remove(endpoint->endpoint);
	free(endpoint);
}

static struct viommu_device *device_of(void *device)
{
	return viommu_virtio_endpoint_device(((struct endpoint *)device)->endpoint);
}

static int each_run(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_virtio_endpoint_each_run(((struct endpoint *)device)->endpoint, first, last, fn, ctx);
}

/* A change of the number of mapped pages counts as established or released. */
static void stats(void *device, struct viommu_domain_stats *out)
{
	struct endpoint *endpoint = device;

	viommu_virtio_endpoint_stats(endpoint->endpoint, out);
	if (out->mapped_pages > endpoint->mapped)
		endpoint->established += out->mapped_pages - endpoint->mapped;
	else
		endpoint->released += endpoint->mapped - out->mapped_pages;
	endpoint->mapped = out->mapped_pages;
	out->established = endpoint->established;
	out->released = endpoint->released;
}

static int note_direct(void *ctx, const struct viommu_run *run)
{
	*(bool *)ctx = run->first == run->gpa;
	return 1;
}

/* A direct domain counts nothing as mapped. The sid stands for the domain, which is not visible. */
static void state(void *device, struct unit_state *state)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct endpoint *endpoint = device;
	bool direct = false;

	viommu_virtio_endpoint_stats(endpoint->endpoint, &stats);
	if (!stats.mapped_pages)
		viommu_virtio_endpoint_each_run(endpoint->endpoint, 0, UINT64_MAX, note_direct, &direct);
	*state = (struct unit_state){ .reach = direct ? UNIT_DIRECT : UNIT_TRANSLATED, .sharing = 1, .domain = endpoint->sid };
}

static void destroy(void *unit)
{
	viommu_virtio_destroy(unit);
}

const struct unit_type unit_virtio = {
	.guest = CAPTURE_VIRTIO,
	.iommu = "virtio-iommu",
	.sid_name = "endpoint ID",
	.announces = true,
	.widens = true,
	.create = create,
	.destroy = destroy,
	.operate = operate,
	.counts = counts,
	.add = add,
	.remove = remove_device,
	.device = device_of,
	.state = state,
	.stats = stats,
	.each_run = each_run,
};
