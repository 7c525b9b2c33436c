/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_TYPES_H
#define VIOMMU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIOMMU_VERSION_MAJOR 0
#define VIOMMU_VERSION_MINOR 2
#define VIOMMU_VERSION_PATCH 0

#define VIOMMU_VERSION_OF(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define VIOMMU_VERSION_NUMBER		       VIOMMU_VERSION_OF(VIOMMU_VERSION_MAJOR, VIOMMU_VERSION_MINOR, VIOMMU_VERSION_PATCH)

#if defined(__GNUC__)
#define VIOMMU_API __attribute__((visibility("default")))
#else
#define VIOMMU_API
#endif

struct viommu_vm;
struct viommu_host;
struct viommu_device;
struct viommu_domain;
struct viommu_reader;

#define VIOMMU_NO_PASID UINT32_MAX

#define VIOMMU_SIZE_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

#define VIOMMU_READ  0x1u
#define VIOMMU_WRITE 0x2u
#define VIOMMU_RW    (VIOMMU_READ | VIOMMU_WRITE)

#define VIOMMU_NO_LIMIT UINT64_MAX

#define VIOMMU_PAGE_SIZE UINT64_C(4096)

enum viommu_fault_reason {
	VIOMMU_FAULT_NONE = 0,
	VIOMMU_FAULT_BLOCKED,
	VIOMMU_FAULT_APERTURE,
	VIOMMU_FAULT_NOT_PRESENT,
	VIOMMU_FAULT_PROTECTION,
	VIOMMU_FAULT_ENTRY_TYPE,
	VIOMMU_FAULT_ENTRY_LENGTH,
	VIOMMU_FAULT_ENTRY_FORMAT,
	VIOMMU_FAULT_ENTRY_ZERO,
	VIOMMU_FAULT_TABLE_UNBACKED,
	VIOMMU_FAULT_LEAF_UNBACKED,
	VIOMMU_FAULT_ACCESS_FLAG,
	VIOMMU_FAULT_ADDRESS_SIZE,
};

VIOMMU_API const char *viommu_fault_name(uint32_t reason);

struct viommu_fault {
	uint32_t reason;
	uint32_t access;
	uint64_t iova;
	uint64_t entry_gpa;
	uint64_t entry;
	uint32_t level;
	uint32_t pasid;
	uint64_t reserved;
};

struct viommu_run {
	uint64_t first;
	uint64_t last;
	uint64_t gpa;
	uint32_t prot;
	uint32_t tables;
};

#ifdef __cplusplus
}
#endif
#endif
