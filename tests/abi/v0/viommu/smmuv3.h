/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_SMMUV3_H
#define VIOMMU_SMMUV3_H

#include <viommu/types.h>
#include <viommu/domain.h>
#include <viommu/nesting.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_smmuv3_stage1 {
	uint32_t size;
	uint32_t flags;
	uint32_t output_bits;
	uint32_t nesting;
	uint64_t cd[8];

	uint64_t ste[2];
};
#define VIOMMU_SMMUV3_STAGE1_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_stage1, ste)

#define VIOMMU_SMMUV3_PRIVILEGED 0x1u

struct viommu_smmuv3_hw_info {
	uint32_t size;
	uint32_t flags;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};
#define VIOMMU_SMMUV3_HW_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_hw_info, aidr)

struct viommu_smmuv3;
struct viommu_smmuv3_device;

#define VIOMMU_SMMUV3_BYTES UINT64_C(0x20000)

enum viommu_smmuv3_irq {
	VIOMMU_SMMUV3_IRQ_EVENTQ = 0,
	VIOMMU_SMMUV3_IRQ_CMD_SYNC = 1,
	VIOMMU_SMMUV3_IRQ_GERROR = 2,
};

#define VIOMMU_SMMUV3_RESET_ABORT 0x1u

struct viommu_smmuv3_config {
	uint32_t size;
	uint32_t flags;
	uint32_t sid_bits;
	uint32_t output_bits;

	void (*interrupt)(void *ctx, enum viommu_smmuv3_irq irq);
	void *ctx;

	struct viommu_host *hardware;

	void (*msi)(void *ctx, uint64_t address, uint32_t data);
};
#define VIOMMU_SMMUV3_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_config, msi)
#define VIOMMU_SMMUV3_CONFIG_INIT                                                    \
	{                                                                            \
		sizeof(struct viommu_smmuv3_config), 0, 0, 0, NULL, NULL, NULL, NULL \
	}

VIOMMU_API int viommu_smmuv3_create(struct viommu_vm *vm, const struct viommu_smmuv3_config *config, struct viommu_smmuv3 **out);

VIOMMU_API void viommu_smmuv3_destroy(struct viommu_smmuv3 *smmu);

VIOMMU_API void viommu_smmuv3_reset(struct viommu_smmuv3 *smmu);

VIOMMU_API int viommu_smmuv3_read(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_smmuv3_write(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t value);

#define VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP 0x1u

struct viommu_smmuv3_device_config {
	uint32_t size;
	uint32_t sid;
	struct viommu_host *host;
	const void *device;
	uint32_t flags;
	uint32_t nesting;
};
#define VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_device_config, nesting)

#define VIOMMU_SMMUV3_DEVICE_CONFIG_INIT                                                          \
	{                                                                                         \
		sizeof(struct viommu_smmuv3_device_config), 0, NULL, NULL, 0, VIOMMU_NESTING_AUTO \
	}

VIOMMU_API int viommu_smmuv3_device_add(struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, struct viommu_smmuv3_device **out);

VIOMMU_API void viommu_smmuv3_device_remove(struct viommu_smmuv3_device *device);

VIOMMU_API struct viommu_device *viommu_smmuv3_device_device(struct viommu_smmuv3_device *device);

VIOMMU_API struct viommu_domain *viommu_smmuv3_device_domain(struct viommu_smmuv3_device *device);

VIOMMU_API struct viommu_smmuv3_device *viommu_smmuv3_find(struct viommu_smmuv3 *smmu, uint32_t sid);

#define VIOMMU_SMMUV3_RAZ_WI 1
VIOMMU_API int viommu_smmuv3_device_fault(struct viommu_smmuv3_device *device, const struct viommu_fault *fault);

struct viommu_smmuv3_info {
	uint32_t size;
	uint32_t cr0;
	uint32_t gerror;
	uint32_t cmdq_prod;
	uint32_t cmdq_cons;
	uint32_t eventq_prod;
	uint32_t eventq_cons;
	uint32_t devices;
	uint32_t domains;
	uint32_t reserved;
	uint64_t commands;
	uint64_t syncs;
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
#define VIOMMU_SMMUV3_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_info, events_lost)

VIOMMU_API int viommu_smmuv3_info(struct viommu_smmuv3 *smmu, struct viommu_smmuv3_info *info);

enum viommu_smmuv3_stream {
	VIOMMU_SMMUV3_STREAM_ABORT = 0,
	VIOMMU_SMMUV3_STREAM_BYPASS = 1,
	VIOMMU_SMMUV3_STREAM_STAGE1 = 2,
	VIOMMU_SMMUV3_STREAM_FAULTY = 3,
};

VIOMMU_API const char *viommu_smmuv3_stream_name(uint32_t stream);

struct viommu_smmuv3_device_info {
	uint32_t size;
	uint32_t sid;
	uint32_t stream;
	uint32_t event;
	uint32_t asid;
	uint32_t sharing;
	uint64_t cd_gpa;
	uint64_t ttb[2];
	uint64_t faults;
	uint64_t events;
	uint32_t hardware;
	uint32_t reserved;
};
#define VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_device_info, reserved)

VIOMMU_API int viommu_smmuv3_device_info(struct viommu_smmuv3_device *device, struct viommu_smmuv3_device_info *info);

VIOMMU_API int viommu_smmuv3_device_stats(struct viommu_smmuv3_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_smmuv3_device_each_run(struct viommu_smmuv3_device *device, uint64_t first, uint64_t last,
					     int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
