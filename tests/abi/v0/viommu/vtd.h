/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_VTD_H
#define VIOMMU_VTD_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_vtd_tables {
	uint32_t size;
	uint32_t flags;
	uint32_t levels;
	uint32_t reserved;
	uint64_t root;
};
#define VIOMMU_VTD_TABLES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_tables, root)

#define VIOMMU_VTD_TABLES_FIRST_STAGE 0x1u

#define VIOMMU_VTD_TABLES_NXE 0x2u

struct viommu_vtd;
struct viommu_vtd_device;

#define VIOMMU_VTD_BYTES UINT64_C(0x1000)

#define VIOMMU_VTD_INTERRUPT_REMAPPING 0x1u

#define VIOMMU_VTD_SCALABLE 0x2u

#define VIOMMU_VTD_FIRST_STAGE 0x4u

struct viommu_vtd_config {
	uint32_t size;
	uint32_t flags;

	uint32_t address_bits;

	uint32_t output_bits;

	void (*msi)(void *ctx, uint64_t address, uint32_t data);
	void *ctx;
};
#define VIOMMU_VTD_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_config, ctx)
#define VIOMMU_VTD_CONFIG_INIT                                        \
	{                                                             \
		sizeof(struct viommu_vtd_config), 0, 0, 0, NULL, NULL \
	}

VIOMMU_API int viommu_vtd_create(struct viommu_vm *vm, const struct viommu_vtd_config *config, struct viommu_vtd **out);

VIOMMU_API void viommu_vtd_destroy(struct viommu_vtd *vtd);

VIOMMU_API void viommu_vtd_reset(struct viommu_vtd *vtd);

VIOMMU_API int viommu_vtd_read(struct viommu_vtd *vtd, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_vtd_write(struct viommu_vtd *vtd, uint64_t offset, unsigned int bytes, uint64_t value);

struct viommu_vtd_device_config {
	uint32_t size;
	uint32_t source_id;
	struct viommu_host *host;
	const void *device;
	uint32_t flags;
	uint32_t reserved;
};
#define VIOMMU_VTD_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_device_config, reserved)

#define VIOMMU_VTD_DEVICE_CONFIG_INIT                                        \
	{                                                                    \
		sizeof(struct viommu_vtd_device_config), 0, NULL, NULL, 0, 0 \
	}

VIOMMU_API int viommu_vtd_device_add(struct viommu_vtd *vtd, const struct viommu_vtd_device_config *config, struct viommu_vtd_device **out);

VIOMMU_API void viommu_vtd_device_remove(struct viommu_vtd_device *device);

VIOMMU_API struct viommu_vtd_device *viommu_vtd_find(struct viommu_vtd *vtd, uint32_t source_id);

VIOMMU_API struct viommu_device *viommu_vtd_device_device(struct viommu_vtd_device *device);

VIOMMU_API struct viommu_domain *viommu_vtd_device_domain(struct viommu_vtd_device *device);

#define VIOMMU_VTD_IS_INTERRUPT 1
VIOMMU_API int viommu_vtd_device_fault(struct viommu_vtd_device *device, const struct viommu_fault *fault);

enum viommu_vtd_route {
	VIOMMU_VTD_ROUTE_BLOCKED = 0,
	VIOMMU_VTD_ROUTE_AS_IS = 1,
	VIOMMU_VTD_ROUTE_REMAPPED = 2,
};

VIOMMU_API const char *viommu_vtd_route_name(uint32_t route);

struct viommu_vtd_message {
	uint32_t size;
	uint32_t route;
	uint32_t reason;
	uint32_t index;

	uint64_t address;
	uint32_t data;

	uint32_t destination;
};
#define VIOMMU_VTD_MESSAGE_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_message, destination)

VIOMMU_API int viommu_vtd_interrupt(struct viommu_vtd *vtd, uint32_t source_id, uint64_t address, uint32_t data, struct viommu_vtd_message *message);

struct viommu_vtd_info {
	uint32_t size;
	uint32_t gsts;
	uint32_t fsts;
	uint32_t iqh;
	uint32_t iqt;
	uint32_t devices;
	uint32_t domains;
	uint32_t reserved;
	uint64_t root;
	uint64_t descriptors;
	uint64_t waits;
	uint64_t contexts;
	uint64_t invalidations;

	uint64_t interrupts;
	uint64_t refreshes;

	uint64_t insufficient;

	uint64_t rebuilt;
	uint64_t errors;
	uint64_t faults;
	uint64_t filled;
	uint64_t records;
	uint64_t records_lost;
};
#define VIOMMU_VTD_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_info, records_lost)

VIOMMU_API int viommu_vtd_info(struct viommu_vtd *vtd, struct viommu_vtd_info *info);

enum viommu_vtd_context {
	VIOMMU_VTD_CONTEXT_FAULTY = 0,
	VIOMMU_VTD_CONTEXT_DISABLED = 1,
	VIOMMU_VTD_CONTEXT_PASS_THROUGH = 2,
	VIOMMU_VTD_CONTEXT_SECOND_STAGE = 3,
	VIOMMU_VTD_CONTEXT_FIRST_STAGE = 4,
};

VIOMMU_API const char *viommu_vtd_context_name(uint32_t context);

struct viommu_vtd_device_info {
	uint32_t size;
	uint32_t source_id;
	uint32_t context;
	uint32_t reason;
	uint32_t domain_id;
	uint32_t levels;
	uint64_t root;

	uint32_t sharing;
	uint32_t scalable;
	uint64_t faults;
	uint64_t records;
};
#define VIOMMU_VTD_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_device_info, records)

VIOMMU_API int viommu_vtd_device_info(struct viommu_vtd_device *device, struct viommu_vtd_device_info *info);

VIOMMU_API int viommu_vtd_device_stats(struct viommu_vtd_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_vtd_device_each_run(struct viommu_vtd_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
					  void *ctx);

#ifdef __cplusplus
}
#endif
#endif
