/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A container: one VM of the core's, the groups that the VM was given, and its domains.
 *
 *   container.c   what VFIO calls, and the life of a container
 *   domain.c      domains, by id
 *   events.c      the queue of events, and its files
 *   group.c       groups: what is checked when one comes, which IOVAs it reserves, and the
 *                 domains of its IOMMU that the core's spaces are (space.h)
 *   machine.c     guest IOMMUs, by id
 *   kvm.c         their doorbells on KVM's bus
 *   s390.c        RPCIT of KVM's guests
 *   memory.c      guest memory: VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA
 *   pinned.c      pages that are pinned, each charged once
 *
 * Locks, in the order in which they are taken: the container's lock, the core's, then either the
 * lock of pinned pages and after it mmap_lock, or the lock of reserved IOVAs. A refresh takes the
 * core's locks and those after it. So does a store of a vCPU, which holds KVM's SRCU: that comes
 * after the container's lock, and KVM's slots_lock between the two.
 */
#ifndef VIOMMU_LINUX_CONTAINER_H
#define VIOMMU_LINUX_CONTAINER_H

#include <linux/completion.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/vfio_viommu.h>
#include <linux/xarray.h>

#include <viommu/viommu.h>

#include "space.h"
#include "vfio_driver.h"
#include "words.h"

/*
 * The first member of an object that is found by a number, and that waits for its users before it
 * goes.
 */
struct shared {
	refcount_t users;
	struct completion unused;
};

static inline void shared_init(struct shared *shared)
{
	refcount_set(&shared->users, 1);
	init_completion(&shared->unused);
}

/* The object of this number with one more user, or NULL. */
static inline void *shared_get(struct xarray *objects, unsigned long number)
{
	struct shared *shared;

	xa_lock(objects);
	shared = xa_load(objects, number);
	if (shared)
		refcount_inc(&shared->users);
	xa_unlock(objects);
	return shared;
}

static inline void shared_put(struct shared *shared)
{
	if (refcount_dec_and_test(&shared->users))
		complete(&shared->unused);
}

/* When it is not found any more: returns when all users have put it. */
static inline void shared_end(struct shared *shared)
{
	shared_put(shared);
	wait_for_completion(&shared->unused);
}

struct pinned {
	struct mutex lock;
	struct words counts; /* by PFN: see pinned.c */
	unsigned long charged;
	struct mm_struct *mm;
	struct task_struct *task; /* whose RLIMIT_MEMLOCK it is */
	bool unlimited;
};

/* A host of the core's. */
struct container_host {
	struct viommu_host viommu;
	struct container *container;
	struct group *group; /* that its spaces are for; NULL: for any, and `creating` is the one */
};

struct container {
	struct shared shared;
	unsigned long handle;
	struct container_host host;
	struct viommu_vm *vm;
	bool paged;
	struct pinned pinned;

	struct mutex lock;	  /* of all below, but where it is said */
	struct maple_tree memory; /* struct guest_range by GPA; read without the lock */
	u64 mapped;		  /* bytes */
	struct list_head groups;  /* changed under reserved, too */
	struct rw_semaphore reserved;
	struct group *creating; /* the group that a space is created for */
	struct xarray domains;	/* struct domain by id; read without the lock */
	unsigned int domain_number;
	struct xarray machines;	       /* struct machine by id; read without the lock */
	struct events *events;	       /* NULL until it is asked for; read without the lock */
	struct task_struct *unmapping; /* the thread that removes memory; read without the lock */
};

/* A group as a device of a host. */
struct group_device {
	struct host_device host_device;
	struct group *group;
};

struct group {
	struct list_head in_container;
	struct container *container;
	struct iommu_group *iommu_group;
	struct group_device own; /* of the container's host */
	struct viommu_device *device;
	/*
	 * The guest IOMMU that it is behind, or NULL, and its device there. Its domains are on the
	 * group's own host, which has the group's IOVAs, and are created without the container's
	 * lock.
	 */
	struct machine *machine;
	void *machine_device;
	struct group_device behind;
	struct container_host host;
	struct list_head reserved; /* struct iommu_resv_region, ascending */
	u64 first;		   /* IOVAs that its IOMMU translates */
	u64 last;
	bool coherent; /* its IOMMU can make all accesses of devices coherent */
};

/* The container of a host, and the group that a space on it is created for. */
static inline struct container *container_of_host(struct viommu_host *host)
{
	return container_of(host, struct container_host, viommu)->container;
}

static inline struct group *group_of_host(struct viommu_host *host)
{
	struct group *group = container_of(host, struct container_host, viommu)->group;

	return group ? group : container_of_host(host)->creating;
}

/*
 * domain.c, with the container's lock held but for vfio_domain_refresh(): the ioctls of these
 * names.
 */
long vfio_domain_create(struct container *container, struct vfio_viommu_domain_create *create);
long vfio_domain_destroy(struct container *container, const struct vfio_viommu_domain_destroy *destroy);
long vfio_domain_attach(struct container *container, const struct vfio_viommu_attach *attach);
long vfio_domain_refresh(struct container *container, struct vfio_viommu_refresh *refresh);
void vfio_domain_destroy_all(struct container *container);
/* Without the lock: vfio_domain_refresh() of a struct domain. */
long domain_refresh(struct shared *domain, struct vfio_viommu_refresh *refresh);
void domain_outcome(struct vfio_viommu_outcome *outcome, const struct viommu_refresh_result *result);

/* group.c, with the container's lock held. */
int group_join(struct container *container, struct iommu_group *iommu_group);
void group_leave(struct container *container, struct iommu_group *iommu_group);
struct group *group_find(struct container *container, u32 number);
long group_info(struct container *container, struct vfio_viommu_info *info);
/* The core's host: called without the lock, but for creating a space and for devices. */
extern const struct space_ops group_pinned_ops, group_paged_ops;
bool group_all_coherent(struct container *container);

/*
 * machine.c, with the container's lock held but for vfio_iommu_access(): the ioctls of these names.
 */
long vfio_iommu_create(struct container *container, struct vfio_viommu_iommu_create *create);
long vfio_iommu_destroy(struct container *container, const struct vfio_viommu_iommu_destroy *destroy);
long vfio_iommu_device(struct container *container, const struct vfio_viommu_iommu_device *arguments);
long vfio_iommu_access(struct container *container, struct vfio_viommu_iommu_access *access);
long vfio_iommu_fault(struct container *container, struct vfio_viommu_iommu_fault *fault);
long vfio_iommu_kvm(struct container *container, const struct vfio_viommu_iommu_kvm *arguments);
void vfio_iommu_destroy_all(struct container *container);
/* The group goes: it is behind no guest IOMMU any more. */
void machine_leave(struct group *group);

/*
 * s390.c, with the container's lock held: the group is attached to this domain, or to none (NULL);
 * the domain goes, and is found no more. s390_init and s390_exit are the module's.
 */
#ifdef VIOMMU_RPCIT
void s390_attached(struct group *group, struct shared *domain);
void s390_forget(struct shared *domain);
void s390_init(void);
void s390_exit(void);
#else
static inline void s390_attached(struct group *group, struct shared *domain)
{
}
static inline void s390_forget(struct shared *domain)
{
}
static inline void s390_init(void)
{
}
static inline void s390_exit(void)
{
}
#endif

/*
 * events.c, with the container's lock held. watch: reports translations of the group, and of its
 * device behind a guest IOMMU, that removed memory takes away. end: no more events are added.
 */
long events_open(struct container *container);
void events_watch(struct group *group);
void events_end(struct container *container);
/* Without the lock: host_ops.unseen. */
void events_unseen(struct viommu_host *host, u64 first, u64 last, int error, const struct viommu_refresh_result *result);

/* memory.c, with the container's lock held. */
long memory_map(struct container *container, const struct vfio_iommu_type1_dma_map *map);
long memory_unmap(struct container *container, struct vfio_iommu_type1_dma_unmap *unmap);
void memory_unmap_all(struct container *container);
/*
 * Without the lock, while the core knows of the memory: space_ops.get of a pinned guest; and get,
 * name and put of a paged one. A page's name is its PFN.
 */
long memory_find(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages);
long memory_get(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages);
unsigned long memory_name(u64 gpa, struct page *page);
void memory_put(struct viommu_host *host, const unsigned long *pfns, unsigned long number);

/* pinned.c */
int pinned_init(struct pinned *pinned);
void pinned_destroy(struct pinned *pinned);
/* At least one page, or a negative errno: -ENOSPC beyond RLIMIT_MEMLOCK. */
long pinned_get(struct pinned *pinned, unsigned long address, unsigned long number, bool written, struct page **pages);
void pinned_put(struct pinned *pinned, const unsigned long *pfns, unsigned long number);

#endif
