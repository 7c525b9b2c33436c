/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A guest IOMMU of a container: one of the library's machines, with the groups behind it. */
#ifndef VIOMMU_LINUX_MACHINE_H
#define VIOMMU_LINUX_MACHINE_H

#include "container.h"

struct eventfd_ctx;
struct kvm_doorbell;
struct machine;

#define MACHINE_EVENTS ARRAY_SIZE(((struct vfio_viommu_iommu_create *)NULL)->eventfds)

/* An index into the ring of commands: `span` values, of which `step` are one command. */
struct machine_ring {
	u64 span;
	u32 step;
};

struct machine_type {
	enum vfio_viommu_iommu_type type;
	int (*create)(struct machine *machine, const struct vfio_viommu_iommu_create *create);
	void (*destroy)(void *viommu);
	int (*read)(void *viommu, u64 offset, unsigned int bytes, u64 *value);
	int (*write)(void *viommu, u64 offset, unsigned int bytes, u64 value);
	int (*device_add)(void *viommu, struct group *group, u32 source_id, bool announces, void **device);
	void (*device_remove)(void *device);
	struct viommu_device *(*device)(void *device);
	int (*device_fault)(void *device, const struct viommu_fault *fault);
	/* Registers of the queue of commands. */
	u32 base;
	u32 head;
	u32 tail;
	u32 tail_bytes;
	struct machine_ring (*ring)(u64 base);
};

struct machine {
	struct shared shared;
	const struct machine_type *type;
	struct container *container;
	void *viommu; /* the library's */
	struct eventfd_ctx *events[MACHINE_EVENTS];
	struct kvm_doorbell *doorbell; /* the container's lock */
};

/*
 * kvm.c, with the container's lock held. set: 0, -EBADF, -EBUSY, -EINVAL, -ENOMEM, -ENOSPC or
 * -EOPNOTSUPP. clear: returns when no store of a vCPU is under way.
 */
long machine_doorbell_set(struct machine *machine, int vm, u64 gpa);
void machine_doorbell_clear(struct machine *machine);

#endif
