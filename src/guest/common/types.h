/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest IOMMU types: how the data of viommu_domain_create() becomes a domain. Each guest IOMMU
 * supplies one of these; types.c is the one table of them.
 */
#ifndef VIOMMU_GUEST_COMMON_TYPES_H
#define VIOMMU_GUEST_COMMON_TYPES_H

#include <viommu/domain.h>

struct guest_type {
	enum viommu_domain_type type;
	const char *name;
	uint64_t formats; /* bit n: the format n of enum viommu_format */
	/*
	 * Takes the caller's data apart and hands its tables to nested_create(), or hardware's data
	 * to hardware_create(). *result is empty. Errors are those of viommu_domain_create().
	 * NULL: the guest IOMMU has no tables.
	 */
	int (*create)(struct viommu_vm *vm, struct viommu_host *host, const void *data, struct viommu_refresh_result *result, struct viommu_domain **out);
};

extern const struct guest_type zpci_guest_type;
extern const struct guest_type smmuv3_guest_type;
extern const struct guest_type virtio_guest_type;
extern const struct guest_type vtd_guest_type;
extern const struct guest_type amdvi_guest_type;

#endif
