/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_AMDVI_H
#define VIOMMU_AMDVI_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_amdvi_tables {
	uint32_t size;
	uint32_t mode;
	uint64_t root;
	uint32_t prot;
	uint32_t flags;
	uint64_t excluded;
	uint64_t excluded_bytes;
};
#define VIOMMU_AMDVI_TABLES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_tables, excluded_bytes)

struct viommu_amdvi;
struct viommu_amdvi_device;

#define VIOMMU_AMDVI_BYTES UINT64_C(0x4000)

struct viommu_amdvi_message {
	uint64_t address;
	uint32_t data;
	uint32_t reserved;
};

#define VIOMMU_AMDVI_X2APIC 0x1u

struct viommu_amdvi_config {
	uint32_t size;
	uint32_t flags;

	void (*interrupt)(void *ctx, const struct viommu_amdvi_message *message);
	void *ctx;
};
#define VIOMMU_AMDVI_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_config, ctx)
#define VIOMMU_AMDVI_CONFIG_INIT                                  \
	{                                                         \
		sizeof(struct viommu_amdvi_config), 0, NULL, NULL \
	}

VIOMMU_API int viommu_amdvi_create(struct viommu_vm *vm, const struct viommu_amdvi_config *config, struct viommu_amdvi **out);

VIOMMU_API void viommu_amdvi_destroy(struct viommu_amdvi *amdvi);

VIOMMU_API void viommu_amdvi_reset(struct viommu_amdvi *amdvi);

struct viommu_amdvi_capabilities {
	uint32_t size;
	uint32_t header;
	uint32_t base_low;
	uint32_t base_high;
	uint32_t range;
	uint32_t misc[2];
	uint32_t msi;
	uint32_t msi_mapping;
	uint32_t reserved;
};
#define VIOMMU_AMDVI_CAPABILITIES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_capabilities, reserved)

VIOMMU_API int viommu_amdvi_capabilities(const struct viommu_amdvi *amdvi, struct viommu_amdvi_capabilities *capabilities);

VIOMMU_API uint64_t viommu_amdvi_features(const struct viommu_amdvi *amdvi);

VIOMMU_API int viommu_amdvi_read(struct viommu_amdvi *amdvi, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_amdvi_write(struct viommu_amdvi *amdvi, uint64_t offset, unsigned int bytes, uint64_t value);

struct viommu_amdvi_device_config {
	uint32_t size;
	uint32_t device_id;
	struct viommu_host *host;
	const void *device;
	uint32_t flags;
	uint32_t reserved;
};
#define VIOMMU_AMDVI_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_device_config, reserved)

#define VIOMMU_AMDVI_DEVICE_CONFIG_INIT                                        \
	{                                                                      \
		sizeof(struct viommu_amdvi_device_config), 0, NULL, NULL, 0, 0 \
	}

VIOMMU_API int viommu_amdvi_device_add(struct viommu_amdvi *amdvi, const struct viommu_amdvi_device_config *config, struct viommu_amdvi_device **out);

VIOMMU_API void viommu_amdvi_device_remove(struct viommu_amdvi_device *device);

VIOMMU_API struct viommu_device *viommu_amdvi_device_device(struct viommu_amdvi_device *device);

VIOMMU_API struct viommu_domain *viommu_amdvi_device_domain(struct viommu_amdvi_device *device);

VIOMMU_API struct viommu_amdvi_device *viommu_amdvi_find(struct viommu_amdvi *amdvi, uint32_t device_id);

VIOMMU_API int viommu_amdvi_device_fault(struct viommu_amdvi_device *device, const struct viommu_fault *fault);

VIOMMU_API int viommu_amdvi_interrupt(struct viommu_amdvi *amdvi, uint32_t device_id, const struct viommu_amdvi_message *from, struct viommu_amdvi_message *to);

struct viommu_amdvi_info {
	uint32_t size;
	uint32_t status;
	uint64_t control;
	uint32_t cmd_head;
	uint32_t cmd_tail;
	uint32_t event_head;
	uint32_t event_tail;
	uint32_t devices;
	uint32_t domains;
	uint64_t commands;
	uint64_t waits;
	uint64_t configs;
	uint64_t invalidations;
	uint64_t refreshes;

	uint64_t insufficient;

	uint64_t rebuilt;
	uint64_t errors;
	uint64_t faults;
	uint64_t filled;
	uint64_t events;
	uint64_t events_lost;
};
#define VIOMMU_AMDVI_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_info, events_lost)

VIOMMU_API int viommu_amdvi_info(struct viommu_amdvi *amdvi, struct viommu_amdvi_info *info);

enum viommu_amdvi_entry {
	VIOMMU_AMDVI_ENTRY_DIRECT = 0,
	VIOMMU_AMDVI_ENTRY_TABLES = 1,
	VIOMMU_AMDVI_ENTRY_BLOCKED = 2,
	VIOMMU_AMDVI_ENTRY_ILLEGAL = 3,
	VIOMMU_AMDVI_ENTRY_UNREADABLE = 4,
};

VIOMMU_API const char *viommu_amdvi_entry_name(uint32_t entry);

struct viommu_amdvi_device_info {
	uint32_t size;
	uint32_t device_id;
	uint32_t entry;
	uint32_t domain_id;
	uint32_t mode;
	uint32_t prot;

	uint32_t sharing;
	uint32_t reserved;
	uint64_t root;
	uint64_t faults;
	uint64_t events;
};
#define VIOMMU_AMDVI_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_device_info, events)

VIOMMU_API int viommu_amdvi_device_info(struct viommu_amdvi_device *device, struct viommu_amdvi_device_info *info);

VIOMMU_API int viommu_amdvi_device_stats(struct viommu_amdvi_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_amdvi_device_each_run(struct viommu_amdvi_device *device, uint64_t first, uint64_t last,
					    int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
