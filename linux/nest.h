/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nested HWPTs of iommufd by software: the module is a software nesting driver, where the kernel
 * has that (linux/patches).
 *
 *   nest.c          memory and domains: a VM of the core's for each nesting parent, a nested domain
 *                   for each nested HWPT
 *   nest_smmuv3.c   Stream Table Entries, commands and events of Arm's SMMUv3
 *
 * Locks, in the order in which they are taken: iommufd's that its calls hold, the VM's `lock`, the
 * core's, then either those of iommufd that its access functions take, or `reserved`. iommufd
 * holds no lock when it calls unmap.
 */
#ifndef VIOMMU_LINUX_NEST_H
#define VIOMMU_LINUX_NEST_H

#ifdef VIOMMU_IOMMUFD
#include <linux/iommufd_swnest.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include <viommu/viommu.h>

#include "space.h"

struct nest_vm {
	struct iommufd_swnest_parent parent;
	struct viommu_host host;
	struct mutex lock;	 /* of all below, but for what `reserved` protects */
	struct viommu_vm *vm;	 /* NULL: it is gone */
	struct maple_tree areas; /* struct nest_area by GPA */
	struct nest *creating;	 /* the HWPT that a space is created for */
	struct rw_semaphore reserved;
	struct list_head devices; /* struct nest_device */
};

struct nest {
	struct iommufd_swnest_hwpt hwpt;
	struct viommu_domain *domain; /* NULL: nothing is reached */
	struct device *device;	      /* that it was allocated for */
	u32 type;

	/* nest_smmuv3.c */
	struct list_head in_viommu;
	u64 ste0;
	u64 cd[8];
};

static inline struct nest_vm *nest_vm_of(struct iommufd_swnest_parent *parent)
{
	return container_of(parent, struct nest_vm, parent);
}

/* nest.c, with the VM's lock held: adds memory that was mapped since. 1 if there is some, or 0. */
int nest_find_memory(struct nest_vm *vm);
/* With the VM's lock held: a HWPT's domain, of a guest's tables, or of all memory (IOVA = GPA). */
int nest_create(struct nest *nest, enum viommu_domain_type type, const void *data);
int nest_create_direct(struct nest *nest);
/* Without the lock: viommu_domain_refresh(), which finds memory that was added since. */
int nest_refresh(struct nest *nest, u64 first, u64 last, struct viommu_refresh_result *result);
/*
 * The same of an invalidation. A leaf is invalidated with any of its addresses, and IOVAs that are
 * not translated need none.
 */
int nest_invalidate(struct nest *nest, u64 first, u64 last, struct viommu_refresh_result *result);

/* nest_smmuv3.c: a HWPT with the VM's lock held; from join to leave it is the vIOMMU's. */
int nest_smmuv3_create(struct nest *nest, const struct iommu_user_data *user_data);
void nest_smmuv3_join(struct nest *nest);
void nest_smmuv3_leave(struct nest *nest);
size_t nest_smmuv3_viommu_size(void);
void nest_smmuv3_viommu_init(struct iommufd_viommu *viommu);

int nest_register(void);
void nest_unregister(void);
#else
static inline int nest_register(void)
{
	return 0;
}

static inline void nest_unregister(void)
{
}
#endif

#endif
