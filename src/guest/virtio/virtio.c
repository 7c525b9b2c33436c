/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The virtio-iommu: created, destroyed, reset, negotiated, queried. */
#include "core/device.h"
#include "core/vm.h"
#include "port/sized.h"
#include "spec.h"
#include "virtio.h"

#define FEATURES \
	(VIOMMU_VIRTIO_F_INPUT_RANGE | VIOMMU_VIRTIO_F_DOMAIN_RANGE | VIOMMU_VIRTIO_F_MAP_UNMAP | VIOMMU_VIRTIO_F_PROBE | VIOMMU_VIRTIO_F_BYPASS_CONFIG)

#define DEFAULT_LAST	  ((UINT64_C(1) << 48) - 1)
#define DEFAULT_PAGE_BITS 12u
#define LAST_PAGE_BITS	  30u

static void *record_alloc(void *ctx, size_t bytes, size_t align)
{
	return memory_alloc(ctx, bytes, align);
}

static void record_free(void *ctx, void *memory, size_t bytes, size_t align)
{
	memory_free(ctx, memory, bytes, align);
}

static bool settle_config(struct viommu_virtio_config *config)
{
	if (!config->last)
		config->last = DEFAULT_LAST;
	if (!config->page_bits)
		config->page_bits = DEFAULT_PAGE_BITS;
	if (!config->domain_max)
		config->domain_max = UINT32_MAX;
	return !(config->flags & ~VIOMMU_VIRTIO_BOOT_BYPASS) && config->page_bits >= DEFAULT_PAGE_BITS && config->page_bits <= LAST_PAGE_BITS &&
	       !((config->last + 1) & ((UINT64_C(1) << config->page_bits) - 1));
}

int viommu_virtio_create(struct viommu_vm *vm, const struct viommu_virtio_config *config, struct viommu_virtio **out)
{
	struct viommu_virtio_config settled;
	struct viommu_virtio *virtio;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_VIRTIO_CONFIG_SIZE_V0, config) || !settle_config(&settled))
		return -PORT_EINVAL;
	virtio = port_alloc(sizeof(*virtio), 0);
	if (!virtio)
		return -PORT_ENOMEM;
	virtio->config = settled;
	virtio->bypass = settled.flags & VIOMMU_VIRTIO_BOOT_BYPASS;
	virtio->memory = (struct host_memory){ .ctx = &vm->memory, .alloc = record_alloc, .free = record_free };
	guest_iommu_init(&virtio->iommu, vm, &virtio_ops, NULL);
	virtio->iommu.last_address = settled.last;
	*out = virtio;
	return 0;
}

void viommu_virtio_destroy(struct viommu_virtio *virtio)
{
	struct guest_id *first;

	if (!virtio)
		return;
	while ((first = guest_registry_next(&virtio->iommu.devices, NULL)))
		viommu_virtio_endpoint_remove((struct viommu_virtio_endpoint *)(void *)first);
	guest_iommu_destroy(&virtio->iommu);
	port_free(virtio, sizeof(*virtio), 0);
}

uint64_t viommu_virtio_features(const struct viommu_virtio *virtio)
{
	(void)virtio;
	return FEATURES;
}

/* With change held: the feature bits that hold for the next requests. */
static void set_accepted(struct viommu_virtio *virtio, uint64_t accepted)
{
	port_lock(&virtio->iommu.lock);
	virtio->accepted = accepted;
	port_unlock(&virtio->iommu.lock);
}

int viommu_virtio_set_features(struct viommu_virtio *virtio, uint64_t accepted)
{
	if (accepted & ~FEATURES)
		return -PORT_EINVAL;
	port_lock(&virtio->iommu.change);
	set_accepted(virtio, accepted);
	port_unlock(&virtio->iommu.change);
	return 0;
}

/* With change held. */
static void set_bypass(struct viommu_virtio *virtio, bool bypass)
{
	if (bypass == virtio->bypass)
		return;
	port_lock(&virtio->iommu.lock);
	virtio->bypass = bypass;
	port_unlock(&virtio->iommu.lock);
	guest_each_device(&virtio->iommu, device) if (!virtio_endpoint_of(device)->domain) guest_device_configure(device);
	guest_iommu_settle(&virtio->iommu);
}

void viommu_virtio_reset(struct viommu_virtio *virtio, bool system)
{
	port_lock(&virtio->iommu.change);
	set_accepted(virtio, 0);
	guest_each_device(&virtio->iommu, device) if (virtio_endpoint_of(device)->domain)(void) virtio_endpoint_move(virtio_endpoint_of(device), NULL);
	if (system)
		set_bypass(virtio, virtio->config.flags & VIOMMU_VIRTIO_BOOT_BYPASS);
	port_unlock(&virtio->iommu.change);
}

void viommu_virtio_config_read(struct viommu_virtio *virtio, uint64_t offset, void *to, size_t bytes)
{
	unsigned char space[VIOMMU_VIRTIO_CONFIG_BYTES] = { 0 }, *byte = to;

	virtio_put(space + CONFIG_PAGE_SIZE_MASK, 8, ~((UINT64_C(1) << virtio->config.page_bits) - 1));
	virtio_put(space + CONFIG_INPUT_END, 8, virtio->config.last);
	virtio_put(space + CONFIG_DOMAIN_END, 4, virtio->config.domain_max);
	virtio_put(space + CONFIG_PROBE_SIZE, 4, VIOMMU_VIRTIO_PROBE_BYTES);
	port_lock(&virtio->iommu.lock);
	space[CONFIG_BYPASS] = virtio->bypass;
	port_unlock(&virtio->iommu.lock);
	for (size_t i = 0; i < bytes; i++)
		byte[i] = offset < sizeof(space) && i < sizeof(space) - offset ? space[offset + i] : 0;
}

void viommu_virtio_config_write(struct viommu_virtio *virtio, uint64_t offset, const void *from, size_t bytes)
{
	const unsigned char *value = from;

	if (offset > CONFIG_BYPASS || bytes <= CONFIG_BYPASS - offset)
		return;
	value += CONFIG_BYPASS - offset;
	port_lock(&virtio->iommu.change);
	if (virtio->accepted & VIOMMU_VIRTIO_F_BYPASS_CONFIG && *value <= 1)
		set_bypass(virtio, *value);
	port_unlock(&virtio->iommu.change);
}

struct viommu_virtio_endpoint *viommu_virtio_find(struct viommu_virtio *virtio, uint32_t endpoint)
{
	struct guest_device *device = guest_device_lookup(&virtio->iommu, endpoint);

	return device ? virtio_endpoint_of(device) : NULL;
}

int viommu_virtio_info(struct viommu_virtio *virtio, struct viommu_virtio_info *info)
{
	struct viommu_virtio_info known = { .size = 0 };

	if (!sized_fits(info, VIOMMU_VIRTIO_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&virtio->iommu.lock);
	known.bypass = virtio->bypass;
	known.accepted = virtio->accepted;
	known.endpoints = virtio->iommu.devices.number;
	known.domains = virtio->domains.number;
	known.mappings = virtio->mappings;
	port_unlock(&virtio->iommu.lock);
	known.requests = guest_counted(&virtio->counts[COUNT_REQUESTS]);
	known.refused = guest_counted(&virtio->counts[COUNT_REFUSED]);
	known.discarded = guest_counted(&virtio->counts[COUNT_DISCARDED]);
	known.faults = guest_counted(&virtio->iommu.counts.faults);
	known.reports = guest_counted(&virtio->counts[COUNT_REPORTS]);
	known.rebuilt = guest_counted(&virtio->iommu.counts.rebuilt);
	sized_out(info, &known, sizeof(known));
	return 0;
}
