/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_VM_H
#define VIOMMU_VM_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum viommu_pin_policy {
	VIOMMU_PIN_ON_REFRESH = 0,

	VIOMMU_PIN_GUEST = 1,
};

enum viommu_log_level { VIOMMU_LOG_ERROR = 0, VIOMMU_LOG_WARNING = 1, VIOMMU_LOG_INFO = 2 };

struct viommu_vm_config {
	uint32_t size;
	uint32_t pin;

	uint64_t pin_budget;

	uint64_t shadow_bytes;

	uint64_t step_entries;

	uint64_t refresh_entries;

	void (*log)(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b);
	void *log_ctx;
};
#define VIOMMU_VM_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vm_config, log_ctx)

#define VIOMMU_DEFAULT_SHADOW_BYTES (UINT64_C(256) << 20)
#define VIOMMU_DEFAULT_STEP_ENTRIES (UINT64_C(1) << 20)
#define VIOMMU_LEAST_STEP_ENTRIES   (UINT64_C(1) << 12)

#define VIOMMU_VM_CONFIG_INIT                                                                                \
	{                                                                                                    \
		sizeof(struct viommu_vm_config), VIOMMU_PIN_ON_REFRESH, VIOMMU_NO_LIMIT, 0, 0, 0, NULL, NULL \
	}

struct viommu_slot {
	uint32_t size;
	uint32_t prot;
	uint64_t gpa;
	uint64_t bytes;
	void *hva;
	int32_t fd;
	uint32_t reserved;
	uint64_t offset;
};
#define VIOMMU_SLOT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_slot, offset)

#define VIOMMU_SLOT_INIT                                                    \
	{                                                                   \
		sizeof(struct viommu_slot), VIOMMU_RW, 0, 0, NULL, -1, 0, 0 \
	}

struct viommu_vm_stats {
	uint32_t size;
	uint32_t slots;
	uint32_t domains;
	uint32_t devices;
	uint64_t guest_bytes;
	uint64_t pin_budget;
	uint64_t pinned_bytes;
	uint64_t pinned_bytes_peak;
	uint64_t shadow_bytes;
	uint64_t shadow_bytes_peak;
	uint64_t events_unclaimed;
};
#define VIOMMU_VM_STATS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vm_stats, events_unclaimed)

VIOMMU_API int viommu_vm_create(const struct viommu_vm_config *config, struct viommu_vm **out);

VIOMMU_API void viommu_vm_destroy(struct viommu_vm *vm);

VIOMMU_API int viommu_slot_add(struct viommu_vm *vm, const struct viommu_slot *slot);

VIOMMU_API int viommu_slot_remove(struct viommu_vm *vm, uint64_t gpa);

VIOMMU_API void viommu_vm_set_pin_budget(struct viommu_vm *vm, uint64_t bytes);

VIOMMU_API int viommu_vm_stats(struct viommu_vm *vm, struct viommu_vm_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
