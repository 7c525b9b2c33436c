/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_VIRTIO_H
#define VIOMMU_VIRTIO_H

#include <viommu/types.h>
#include <viommu/domain.h>
#include <viommu/hosts.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_virtio;
struct viommu_virtio_endpoint;

#define VIOMMU_VIRTIO_F_INPUT_RANGE   (UINT64_C(1) << 0)
#define VIOMMU_VIRTIO_F_DOMAIN_RANGE  (UINT64_C(1) << 1)
#define VIOMMU_VIRTIO_F_MAP_UNMAP     (UINT64_C(1) << 2)
#define VIOMMU_VIRTIO_F_PROBE	      (UINT64_C(1) << 4)
#define VIOMMU_VIRTIO_F_BYPASS_CONFIG (UINT64_C(1) << 6)

#define VIOMMU_VIRTIO_CONFIG_BYTES 40u
#define VIOMMU_VIRTIO_FAULT_BYTES  24u
#define VIOMMU_VIRTIO_PROBE_BYTES  512u

#define VIOMMU_VIRTIO_BOOT_BYPASS 0x1u

struct viommu_virtio_config {
	uint32_t size;
	uint32_t flags;
	uint64_t last;
	uint32_t page_bits;
	uint32_t domain_max;

	void (*fault)(void *ctx, const void *report);
	void *ctx;
};
#define VIOMMU_VIRTIO_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_config, ctx)
#define VIOMMU_VIRTIO_CONFIG_INIT                                           \
	{                                                                   \
		sizeof(struct viommu_virtio_config), 0, 0, 0, 0, NULL, NULL \
	}

VIOMMU_API int viommu_virtio_create(struct viommu_vm *vm, const struct viommu_virtio_config *config, struct viommu_virtio **out);

VIOMMU_API void viommu_virtio_destroy(struct viommu_virtio *virtio);

VIOMMU_API uint64_t viommu_virtio_features(const struct viommu_virtio *virtio);

VIOMMU_API int viommu_virtio_set_features(struct viommu_virtio *virtio, uint64_t accepted);

VIOMMU_API void viommu_virtio_config_read(struct viommu_virtio *virtio, uint64_t offset, void *to, size_t bytes);
VIOMMU_API void viommu_virtio_config_write(struct viommu_virtio *virtio, uint64_t offset, const void *from, size_t bytes);

VIOMMU_API void viommu_virtio_reset(struct viommu_virtio *virtio, bool system);

VIOMMU_API size_t viommu_virtio_request(struct viommu_virtio *virtio, const void *in, size_t in_bytes, void *out, size_t out_bytes);

struct viommu_virtio_reserved {
	uint64_t first;
	uint64_t last;
	uint32_t msi;
	uint32_t reserved;
};

struct viommu_virtio_endpoint_config {
	uint32_t size;
	uint32_t endpoint;
	struct viommu_host *host;
	const void *device;

	const struct viommu_virtio_reserved *reserved;
	uint32_t reserved_number;
	uint32_t flags;
};
#define VIOMMU_VIRTIO_ENDPOINT_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_endpoint_config, flags)

#define VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT                                              \
	{                                                                               \
		sizeof(struct viommu_virtio_endpoint_config), 0, NULL, NULL, NULL, 0, 0 \
	}

VIOMMU_API int viommu_virtio_endpoint_add(struct viommu_virtio *virtio, const struct viommu_virtio_endpoint_config *config,
					  struct viommu_virtio_endpoint **out);

VIOMMU_API void viommu_virtio_endpoint_remove(struct viommu_virtio_endpoint *endpoint);

VIOMMU_API struct viommu_virtio_endpoint *viommu_virtio_find(struct viommu_virtio *virtio, uint32_t endpoint);

VIOMMU_API struct viommu_device *viommu_virtio_endpoint_device(struct viommu_virtio_endpoint *endpoint);

VIOMMU_API int viommu_virtio_endpoint_fault(struct viommu_virtio_endpoint *endpoint, const struct viommu_fault *fault);

struct viommu_virtio_info {
	uint32_t size;
	uint32_t bypass;
	uint64_t accepted;
	uint32_t endpoints;
	uint32_t domains;
	uint64_t mappings;
	uint64_t requests;
	uint64_t refused;
	uint64_t discarded;
	uint64_t faults;
	uint64_t reports;
	uint64_t rebuilt;
};
#define VIOMMU_VIRTIO_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_virtio_info, rebuilt)

VIOMMU_API int viommu_virtio_info(struct viommu_virtio *virtio, struct viommu_virtio_info *info);

VIOMMU_API int viommu_virtio_endpoint_stats(struct viommu_virtio_endpoint *endpoint, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_virtio_endpoint_each_run(struct viommu_virtio_endpoint *endpoint, uint64_t first, uint64_t last,
					       int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
