/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest IOMMUs of x86 and virtio, as a guest drives them: each makes a page of a device reach a
 * page of memory, or nothing, by its architecture's structures and commands, which are written here
 * with numbers of the test's own.
 */
#ifndef TESTS_DMA_IOMMUS_H
#define TESTS_DMA_IOMMUS_H

#include <viommu/viommu.h>

#include "core/guest.h"

#define IOMMU_UNITS 2u

/* GPAs below this are the guest IOMMU's structures. */
#define IOMMU_STRUCTURES (4 * MIB)

struct iommu {
	const struct iommu_kind *kind;
	struct guest *guest;
	struct viommu_host *host;
	void *made; /* the library's object */
	/* Structures in guest memory: the next table, and the top table of each unit. */
	uint64_t table_next;
	uint64_t root[IOMMU_UNITS];
	uint32_t tail; /* of the command queue */
};

struct iommu_kind {
	const char *name;
	/* 0 or a negative errno. up: enabled, and every unit reaches nothing. */
	int (*up)(struct iommu *iommu);
	int (*add)(struct iommu *iommu, unsigned int unit, const void *device, struct viommu_device **out);
	void (*down)(struct iommu *iommu);
	/*
	 * An empty set of tables for a unit, in the place of the one that it has. False: refused.
	 */
	bool (*renew)(struct iommu *iommu, unsigned int unit);
	/*
	 * Pages of a unit, of which none is mapped before; and mapped ones, each as it was mapped.
	 * False: the guest IOMMU has answered that it cannot.
	 */
	bool (*map)(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot);
	bool (*unmap)(struct iommu *iommu, unsigned int unit, uint64_t iova, uint64_t pages);
	/* Memory has come back: what names it is to be seen. */
	bool (*look_again)(struct iommu *iommu);
};

extern const struct iommu_kind vtd, amdvi, virtio;

#endif
