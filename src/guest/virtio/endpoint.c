/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Endpoints come and go. Their reserved IOVAs are those that the VMM names and those that the host
 * has no translations for; the guest finds both by a PROBE.
 */
#include "core/device.h"
#include "port/sized.h"
#include "spec.h"
#include "virtio.h"

/* Inserts a range of the host's in ascending order, without the parts that are there already. */
static void add_hole(struct virtio_reserved *list, uint64_t first, uint64_t last)
{
	unsigned int at = 0;

	while (at < list->number && list->range[at].last < first)
		at++;
	while (first <= last) {
		uint64_t end = last;

		if (at < list->number && list->range[at].first <= first) {
			if (list->range[at].last >= last)
				return;
			first = list->range[at++].last + 1;
			continue;
		}
		if (at < list->number && list->range[at].first <= last)
			end = list->range[at].first - 1;
		if (list->number == VIRTIO_RESERVED) {
			list->overflow = true;
			return;
		}
		for (unsigned int i = list->number++; i > at; i--)
			list->range[i] = list->range[i - 1];
		list->range[at++] = (struct viommu_virtio_reserved){ .first = first, .last = end };
		if (end == last)
			return;
		first = end + 1;
	}
}

/*
 * The gaps between the parts of the host's aperture, up to `last`. 0 or -ERANGE: an end of the
 * aperture is among it.
 */
static int add_holes(struct virtio_reserved *list, struct viommu_host *host, uint64_t last)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_iova_range part[VIRTIO_RESERVED + 1];
	size_t parts = viommu_host_ranges(host, part, VIRTIO_RESERVED + 1);

	viommu_host_caps(host, &caps);
	if (caps.first || caps.last < last)
		return -PORT_ERANGE;
	if (parts > VIRTIO_RESERVED + 1) {
		list->overflow = true;
		return 0;
	}
	if (parts && part[0].first)
		add_hole(list, 0, part[0].first - 1);
	for (size_t i = 1; i < parts && part[i - 1].last < last; i++)
		add_hole(list, part[i - 1].last + 1, part[i].first - 1 < last ? part[i].first - 1 : last);
	if (parts && part[parts - 1].last < last)
		add_hole(list, part[parts - 1].last + 1, last);
	return 0;
}

/* The VMM's ranges. 0, -EINVAL or -ENOSPC. */
static int add_named(struct virtio_reserved *list, const struct viommu_virtio_endpoint_config *config)
{
	unsigned int msis = 0;

	if (config->reserved_number && !config->reserved)
		return -PORT_EINVAL;
	for (uint32_t i = 0; i < config->reserved_number; i++) {
		const struct viommu_virtio_reserved *range = &config->reserved[i];

		if (i >= VIRTIO_RESERVED)
			return -PORT_ENOSPC;
		msis += range->msi;
		if (range->first > range->last || range->msi > 1 || range->reserved || msis > 1 || (i && range->first <= list->range[i - 1].last))
			return -PORT_EINVAL;
		list->range[list->number++] = *range;
	}
	return 0;
}

static int collect_reserved(struct virtio_reserved *list, const struct viommu_virtio *virtio, const struct viommu_virtio_endpoint_config *config)
{
	int error = add_named(list, config);

	if (!error)
		error = add_holes(list, config->host, virtio->config.last);
	return !error && list->overflow ? -PORT_ENOSPC : error;
}

static int device_fault(void *ctx, const struct viommu_fault *fault)
{
	return viommu_virtio_endpoint_fault(ctx, fault);
}

/* With change held: the endpoint is found from here on. */
static int enter(struct viommu_virtio_endpoint *endpoint, uint32_t id)
{
	struct guest_iommu *iommu = endpoint->guest.iommu;
	bool added;

	port_lock(&iommu->lock);
	added = guest_registry_add(&iommu->devices, &endpoint->guest.id, id);
	port_unlock(&iommu->lock);
	if (!added)
		return -PORT_EEXIST;
	guest_device_configure(&endpoint->guest);
	guest_iommu_settle(iommu);
	return 0;
}

static bool has_pages(struct viommu_host *host, unsigned int bits)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	viommu_host_caps(host, &caps);
	return caps.page_sizes & ((UINT64_C(2) << bits) - 1);
}

int viommu_virtio_endpoint_add(struct viommu_virtio *virtio, const struct viommu_virtio_endpoint_config *config, struct viommu_virtio_endpoint **out)
{
	struct viommu_virtio_endpoint_config settled;
	struct viommu_virtio_endpoint *endpoint;
	int error;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_VIRTIO_ENDPOINT_CONFIG_SIZE_V0, config) || !settled.host || settled.flags)
		return -PORT_EINVAL;
	if (!has_pages(settled.host, virtio->config.page_bits))
		return -PORT_ERANGE;
	endpoint = port_alloc(sizeof(*endpoint), 0);
	if (!endpoint)
		return -PORT_ENOMEM;
	endpoint->guest.iommu = &virtio->iommu;
	endpoint->guest.host = settled.host;
	list_init(&endpoint->in_domain);
	error = collect_reserved(&endpoint->reserved, virtio, &settled);
	if (!error)
		error = viommu_device_create(virtio->iommu.vm, settled.host, settled.device, &endpoint->guest.device);
	if (!error) {
		device_set_fault(endpoint->guest.device, device_fault, endpoint);
		port_lock(&virtio->iommu.change);
		error = enter(endpoint, settled.endpoint);
		port_unlock(&virtio->iommu.change);
	}
	if (error) {
		viommu_device_destroy(endpoint->guest.device);
		port_free(endpoint, sizeof(*endpoint), 0);
		return error;
	}
	*out = endpoint;
	return 0;
}

void viommu_virtio_endpoint_remove(struct viommu_virtio_endpoint *endpoint)
{
	struct guest_iommu *iommu = endpoint->guest.iommu;
	struct virtio_domain *domain;

	port_lock(&iommu->change);
	domain = endpoint->domain;
	guest_device_detach(&endpoint->guest);
	port_lock(&iommu->lock);
	guest_registry_remove(&iommu->devices, &endpoint->guest.id);
	port_unlock(&iommu->lock);
	list_remove(&endpoint->in_domain);
	guest_iommu_settle(iommu);
	virtio_endpoint_leave(endpoint, domain);
	port_unlock(&iommu->change);
	viommu_device_destroy(endpoint->guest.device);
	port_free(endpoint, sizeof(*endpoint), 0);
}

struct viommu_device *viommu_virtio_endpoint_device(struct viommu_virtio_endpoint *endpoint)
{
	return endpoint->guest.device;
}

int viommu_virtio_endpoint_stats(struct viommu_virtio_endpoint *endpoint, struct viommu_domain_stats *stats)
{
	return guest_device_stats(&endpoint->guest, stats);
}

int viommu_virtio_endpoint_each_run(struct viommu_virtio_endpoint *endpoint, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				    void *ctx)
{
	return guest_device_each_run(&endpoint->guest, first, last, fn, ctx);
}
