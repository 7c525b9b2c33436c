/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_DOMAIN_H
#define VIOMMU_DOMAIN_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum viommu_domain_kind {
	VIOMMU_KIND_NESTED = 1,
	VIOMMU_KIND_HARDWARE = 2,
	VIOMMU_KIND_DIRECT = 3,
	VIOMMU_KIND_MAPPED = 4,
	VIOMMU_KIND_BLOCKED = 5,
};

enum viommu_domain_type {
	VIOMMU_DOMAIN_ZPCI = 1,
	VIOMMU_DOMAIN_SMMUV3 = 2,
};

enum viommu_format {
	VIOMMU_FORMAT_ZPCI = 0,
	VIOMMU_FORMAT_ZPCI_QEMU = 1,
	VIOMMU_FORMAT_ARM64_4K = 2,
	VIOMMU_FORMAT_ARM64_16K = 3,
	VIOMMU_FORMAT_ARM64_64K = 4,
};

struct viommu_features {
	uint32_t size;
	uint32_t guests;
	uint64_t formats;
};
#define VIOMMU_FEATURES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_features, formats)

VIOMMU_API int viommu_features(struct viommu_features *features);

VIOMMU_API const char *viommu_format_name(uint32_t format);
VIOMMU_API const char *viommu_domain_type_name(uint32_t type);
VIOMMU_API const char *viommu_domain_kind_name(uint32_t kind);

struct viommu_refresh_result {
	uint32_t steps;
	uint32_t reserved;
	uint64_t established;
	uint64_t released;
	uint64_t unestablished;
	uint64_t unbacked;
	uint64_t entries;
	struct viommu_fault fault;
};

struct viommu_domain_stats {
	uint32_t size;
	uint32_t devices;
	uint64_t refreshes;
	uint64_t steps;
	uint64_t established;
	uint64_t released;
	uint64_t mapped_pages;
	uint64_t mapped_pages_peak;
	uint64_t insufficient;
	uint64_t faults;
	uint64_t unbacked;
	uint64_t host_maps;
	uint64_t host_unmaps;
	uint64_t host_flushes;
	uint64_t host_splits;
	uint64_t entries;
	uint64_t shadow_bytes;
	uint64_t tracked;
	uint64_t tracked_tables;
};
#define VIOMMU_DOMAIN_STATS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_domain_stats, tracked_tables)

VIOMMU_API int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data,
				    struct viommu_refresh_result *result, struct viommu_domain **out);

VIOMMU_API int viommu_domain_create_direct(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last,
					   struct viommu_domain **out);

VIOMMU_API int viommu_domain_create_blocked(struct viommu_vm *vm, struct viommu_host *host, struct viommu_domain **out);

VIOMMU_API void viommu_domain_destroy(struct viommu_domain *domain);

VIOMMU_API enum viommu_domain_kind viommu_domain_kind(const struct viommu_domain *domain);

VIOMMU_API int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid);

VIOMMU_API int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);

VIOMMU_API int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				      void *ctx);

VIOMMU_API int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);

VIOMMU_API int viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
