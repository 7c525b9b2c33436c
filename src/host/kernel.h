/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host kernel: VFIO containers whose driver is the module viommu (linux/), which composes
 * guests' tables in the kernel. include/uapi/linux/vfio_viommu.h documents each call.
 *
 *   kernel.c        the host: its groups and devices, and what it can do
 *   kernel_vm.c     a VM's container: the groups in it, and guest memory
 *   kernel_space.c  domains of the module's, and attaching
 *
 * A VM has one container. The kernel gives it a driver with the first group that comes, and takes
 * the driver away, with all memory and domains, when the last one leaves. So guest memory is
 * recorded here, and handed over with the first group; and a group without a device stays while it
 * is the last one and there are domains. A container cannot be moved with a device that is open: a
 * group is in the container of the VM that its devices belong to.
 *
 * Locks: the VM's, then the host's. Under the host's lock no memory is pinned, mapped or unmapped.
 */
#ifndef VIOMMU_HOST_KERNEL_H
#define VIOMMU_HOST_KERNEL_H

#include "host/host.h"
#include "host/ranges.h"
#include "host/vfio.h"

struct kernel_vm;

struct kernel_group {
	struct kernel_group *next; /* in the host */
	uint32_t number;
	int32_t fd;
	/* Under the host's lock */
	struct kernel_vm *vm; /* NULL: in no container */
	unsigned int devices;
	bool held; /* by the host's creation, until its device is asked for */
	/* Under the VM's lock */
	bool in; /* the VM's container */
	/* Under the core's lock of the VM */
	struct host_space *space;
	unsigned int attached;
};

struct kernel_device {
	struct host_device device;
	struct kernel_device *next; /* in the host */
	struct kernel_group *group;
	int32_t fd;
	char address[VFIO_ADDRESS_BYTES];
};

struct kernel_host {
	struct viommu_host host;
	struct port_lock lock; /* the lists */
	struct ranges usable;
	struct kernel_group *groups;
	struct kernel_device *devices;
	char first[VFIO_ADDRESS_BYTES]; /* the device that the host was made with */
};

struct kernel_vm {
	struct host_vm vm;
	struct port_lock lock; /* all below */
	int32_t container;
	bool pinned;
	unsigned int groups; /* in the container: 0 means that it has no driver */
	unsigned int domains;
	struct host_slot *slots;
	size_t slot_number, slot_room;
};

struct kernel_space {
	struct host_space space;
	struct kernel_vm *vm;
	const struct host_memory *memory;
	uint32_t domain;
};

static inline struct kernel_host *kernel_host(struct viommu_host *host)
{
	return (struct kernel_host *)(void *)host;
}

static inline struct kernel_vm *kernel_vm(struct host_vm *vm)
{
	return (struct kernel_vm *)(void *)vm;
}

static inline struct kernel_space *kernel_space(struct host_space *space)
{
	return (struct kernel_space *)(void *)space;
}

static inline struct kernel_device *kernel_device(struct host_device *device)
{
	return (struct kernel_device *)(void *)device;
}

/* kernel.c: the IOVAs that a group's domains can translate. */
int kernel_ask(int container, uint32_t group, struct ranges *usable, const struct vfio_why *why);

/* kernel_vm.c */
int kernel_vm_create(struct viommu_host *host, bool pinned, struct host_vm **out);
void kernel_vm_destroy(struct host_vm *vm);
int kernel_vm_add_slot(struct host_vm *vm, const struct host_slot *slot);
int kernel_vm_remove_slot(struct host_vm *vm, const struct host_slot *slot);
uint64_t kernel_vm_pinned(struct host_vm *vm);
/* With the VM's lock: the container has the group. */
int kernel_vm_join(struct kernel_vm *vm, struct kernel_group *group);
/* With the VM's lock: groups that are of no use there leave it. */
void kernel_vm_settle(struct kernel_vm *vm);
/* With the VM's lock: the number of a group in the container. False: there is none. */
bool kernel_vm_group(const struct kernel_vm *vm, uint32_t *number);

/* kernel_space.c */
int kernel_compose(struct viommu_host *host, struct host_vm *vm, const struct host_nest_data *data, const struct host_memory *memory,
		   struct viommu_refresh_result *result, struct host_space **out);
int kernel_refresh(struct host_space *space, uint64_t first, uint64_t last, struct viommu_refresh_result *result);
void kernel_space_destroy(struct host_space *space);
int kernel_flush(struct host_space *space);
int kernel_attach(struct host_space *space, struct host_device *device, uint32_t pasid);
int kernel_detach(struct host_space *space, struct host_device *device, uint32_t pasid);

#endif
