/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hosts: where composed translations land. A host may serve several VMs, and must outlive what was
 * made with it. vfio.h has those that drive the kernel.
 *
 * Threads: every function here may be called from any thread, except that viommu_host_destroy()
 * must be the last call for its host.
 */
#ifndef VIOMMU_HOSTS_H
#define VIOMMU_HOSTS_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The capabilities of a host. They do not change. */
struct viommu_host_caps {
	uint32_t size; /* sizeof(struct viommu_host_caps) */
	char name[16]; /* "soft", "type1", "iommufd", "kernel" */
	/* removes any part of a mapping; without it only whole mappings can be removed */
	bool split;
	bool dirty;	      /* tracks what devices write */
	bool lookup;	      /* translations can be read back: viommu_translate() works */
	uint8_t reserved;     /* 0 */
	uint64_t page_sizes;  /* bit n set: pages of 2^n bytes */
	uint64_t first, last; /* the aperture: IOVAs that it can translate */
	/* mappings that it can hold, VIOMMU_NO_LIMIT if only memory bounds them */
	uint64_t entry_limit;
	/*
	 * VIOMMU_NESTS(type) of each enum viommu_domain_type whose tables hardware can walk for a
	 * guest (nesting.h). It was tried with the device that the host was made with, and holds
	 * for devices behind the same IOMMU; attaching one that is behind another may fail.
	 */
	uint32_t nests;
	/* Devices have PASIDs below 2^pasid_bits that are attached on their own; 0: none */
	uint32_t pasid_bits;
};
#define VIOMMU_HOST_CAPS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_host_caps, pasid_bits)

#define VIOMMU_NESTS(type) (UINT32_C(1) << (type))

/*
 * The soft host: no hardware. Composed translations are kept in tables of the library's own, in the
 * VT-d second-stage format, and are read by viommu_translate(). 0 or -ENOMEM.
 */
VIOMMU_API int viommu_host_soft_create(struct viommu_host **out);

/* Fills in caps, whose size member the caller has set. 0 or -EINVAL (caps is of no known size). */
VIOMMU_API int viommu_host_caps(struct viommu_host *host, struct viommu_host_caps *caps);

/*
 * The features of the nesting hardware of a type: fills in the type's struct, whose size member the
 * caller has set (VIOMMU_DOMAIN_SMMUV3: struct viommu_smmuv3_hw_info). A guest cannot be offered
 * more. 0; -EOPNOTSUPP (caps.nests does not have the type); -EINVAL (info is of no known size).
 */
VIOMMU_API int viommu_host_nest_info(struct viommu_host *host, uint32_t type, void *info);

/* IOVAs first..last. Frozen. */
struct viommu_iova_range {
	uint64_t first;
	uint64_t last;
};

/*
 * The parts of the aperture that are usable, ascending: what lies between them is reserved (for
 * interrupts, say), and what a guest maps there is not established ("insufficient resources").
 * Writes as many as fit into ranges (NULL if number is 0), and returns how many there are.
 */
VIOMMU_API size_t viommu_host_ranges(struct viommu_host *host, struct viommu_iova_range *ranges, size_t number);

/* NULL is allowed. */
VIOMMU_API void viommu_host_destroy(struct viommu_host *host);

#ifdef __cplusplus
}
#endif
#endif
