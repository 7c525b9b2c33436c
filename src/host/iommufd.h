/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host iommufd: one iommufd for all VMs of the host.
 *
 *   iommufd.c         the host: its devices, and what it can do
 *   iommufd_ask.c     what a device's IOMMU can do
 *   iommufd_call.c    calls of the kernel, one each
 *   iommufd_vm.c   guest memory
 *   iommufd_space.c   spaces, and attaching
 *   iommufd_stage2.c  guest memory beneath a guest's own tables, and what these are to the kernel
 *   iommufd_nest.c    spaces that are a guest's own tables
 *   iommufd_<type>.c  what nesting takes of one architecture; iommufd_types.c is the table of them
 *
 * Each VM's memory is in an IOAS of its own, to which no device is ever attached: mapping a slot
 * there makes the kernel keep *pages* for it, and pins nothing yet. A space is another IOAS with an
 * HWPT, and is filled by IOMMU_IOAS_COPY: its mappings refer to the same pages, so that one that
 * has been pinned for one IOVA is neither pinned nor charged again for another, or for another
 * space. With an HWPT of its own the VM's IOAS pins all that is in it; that is the policy "pinned
 * guest".
 *
 * A space has its HWPT from the beginning, and not when the first device is attached, so that it is
 * map that pins, and that fails where there is no room.
 *
 * Where the hardware walks a guest's own tables, the guest's memory is in a third IOAS, at IOVAs
 * that are its GPAs, copied from the VM's IOAS as well. The kernel's viommu, which stands for the
 * guest's IOMMU, is above that one's HWPT, and above the viommu are HWPTs that name the guest's
 * tables. There is one viommu for each VM, so that all its devices with such tables have to be
 * behind one IOMMU of the machine's.
 *
 * Devices are attached to the space's HWPT; but on s390 each has one of its own, in an IOAS of its
 * own, which is filled after the device is attached to it, from a record of the space's mappings.
 * For there a hypervisor beneath us may learn of translations only from the instruction RPCIT,
 * which Linux executes for the devices that are attached when it maps (s390_iommu_iotlb_sync_map()
 * in drivers/iommu/s390-iommu.c): QEMU does not look into tables that are registered full.
 */
#ifndef VIOMMU_HOST_IOMMUFD_H
#define VIOMMU_HOST_IOMMUFD_H

#include "host/host.h"
#include "host/iommufd_abi.h"
#include "host/mappings.h"
#include "host/ranges.h"
#include "host/vfio_named.h"
#include "port/port.h"

/* One architecture's part of nesting. Numbers are the kernel's, for its own types. */
struct iommufd_nest_type {
	uint32_t type; /* enum viommu_domain_type */
	uint32_t hw_info, viommu, hwpt_data, invalidate, veventq;
	uint32_t data_bytes, entry_bytes, event_bytes; /* of what is passed through */
	/*
	 * The data of a guest's tables, as the kernel gets them. False: the kernel would not take
	 * them.
	 */
	bool (*take)(const void *data, void *theirs);
	/*
	 * Fills in viommu_host_nest_info()'s struct from the kernel's description of a device's
	 * IOMMU; of at most IOMMUFD_INFO_BYTES. Returns its bytes.
	 */
	uint32_t info_least; /* bytes of the first version of that struct */
	uint32_t (*describe)(const void *hw_info, void *info);
};
enum { IOMMUFD_INFO_BYTES = 64, IOMMUFD_DATA_BYTES = 64, IOMMUFD_EVENT_BYTES = 64 };

/* iommufd_types.c: the type of a device whose IOMMU has this kind of hw_info, or NULL. */
const struct iommufd_nest_type *iommufd_nest_type_of(uint32_t hw_info);

struct iommufd_device {
	struct host_device device;
	struct iommufd_device *next; /* in the host */
	struct vfio_named named;
	int32_t fd;
	uint32_t id;
	int32_t group;	    /* of the machine's IOMMU; -1: not known */
	bool attached;	    /* or about to be; under the host's lock */
	bool held;	    /* opened by the host's creation, and not yet asked for */
	unsigned int users; /* page tables that are being made with it; under the host's lock */
	bool gone;	    /* destroyed: its last user closes it, if it is not taken again */
	bool has_guest_id;
	uint32_t guest_id; /* by which the guest knows it */
	/* An IOAS with nothing in it, where the device could not be detached; else 0 */
	uint32_t empty;
	uint32_t vdevice;	     /* 0: the guest's viommu does not know it */
	struct iommufd_space *space; /* that it is attached to itself, NULL: none */
	unsigned int pasids;	     /* of it, that are attached */
	/* Of those attached to a space that is a guest's own tables */
	struct iommufd_device *next_nested;
};

struct iommufd_host {
	struct viommu_host host;
	/*
	 * The list of devices, and which are in use. Taken last; no memory is pinned, mapped or
	 * unmapped under it.
	 */
	struct port_lock lock;
	struct ranges usable;
	struct iommufd_device *devices;
	const struct iommufd_nest_type *nests; /* NULL: it does not */
	unsigned char nest_info[IOMMUFD_INFO_BYTES];
	int32_t fd;
	bool own_fd;
	bool apart; /* each device has an IOAS of its own in a space */
	/*
	 * The kernel answers -ENOENT where there is nothing to unmap; newer ones only where a
	 * mapping would be cut
	 */
	bool empty_is_enoent;
};

/* A slot: where its GPAs are in the VM's IOAS. */
struct iommufd_slot {
	uint64_t first, last;
	uint64_t iova;
	uint32_t prot;
};

struct iommufd_vm {
	struct host_vm vm;
	struct port_lock lock; /* slots. Taken after `nesting`; no lock is taken with it */
	struct iommufd_slot *slots;
	size_t number, room;
	uint32_t ioas, hwpt; /* hwpt 0: there is none */
	bool pinned;
	/*
	 * Beneath the guest's own tables; stage2 is 0 before the first such space, the others
	 * before the first attach to one.
	 */
	/* writing these, and that stage2 has the slots. Taken after core's, before `lock`. */
	struct port_lock nesting;
	uint32_t stage2, parent, viommu, events;
	int32_t events_fd;
	uint32_t sequence; /* that the next event has */
};

/* An attached device, where each has an IOAS of its own. */
struct iommufd_leg {
	struct iommufd_leg *next;
	const struct iommufd_device *device;
	uint32_t ioas;
};

struct iommufd_space {
	struct host_space space;
	uint64_t first, last;
	const struct host_memory *memory;
	struct iommufd_vm *vm;
	uint32_t ioas, hwpt; /* hwpt 0: there is none */
	uint32_t hwpt_pasid; /* one that PASIDs may have; 0: none was needed */
	struct mappings mappings;
	struct iommufd_leg *legs;
	bool removed; /* something was, since the last flush */
	/* A guest's own tables: ioas is 0, and hwpt is made by the first attach. */
	bool nest;
	unsigned char data[IOMMUFD_DATA_BYTES] __attribute__((aligned(8))); /* for the kernel */
	struct iommufd_device *nested;
};

static inline struct iommufd_host *iommufd_host(struct viommu_host *host)
{
	return (struct iommufd_host *)(void *)host;
}

static inline struct iommufd_vm *iommufd_vm(struct host_vm *vm)
{
	return (struct iommufd_vm *)(void *)vm;
}

static inline struct iommufd_space *iommufd_space(struct host_space *space)
{
	return (struct iommufd_space *)(void *)space;
}

static inline struct iommufd_device *iommufd_device(struct host_device *device)
{
	return (struct iommufd_device *)(void *)device;
}

/* iommufd_call.c. 0 or a negative errno. Ids are never 0. */
int iommufd_ioas_alloc(int fd, uint32_t *id);
int iommufd_hwpt_alloc(int fd, uint32_t device, uint32_t ioas, uint32_t flags, uint32_t *id);
void iommufd_put(int fd, uint32_t id); /* 0 is allowed */
int iommufd_try_put(int fd, uint32_t id);
int iommufd_copy(int fd, const struct iommufd_slot *from, uint32_t from_ioas, uint32_t to_ioas, uint64_t to);
int iommufd_viommu_alloc(int fd, const struct iommufd_nest_type *type, uint32_t device, uint32_t parent, uint32_t *id);
int iommufd_vdevice_alloc(int fd, uint32_t device, uint32_t viommu, uint32_t guest_id, uint32_t *id);
int iommufd_veventq_alloc(int fd, const struct iommufd_nest_type *type, uint32_t viommu, uint32_t *id, int32_t *events_fd);
int iommufd_hwpt_alloc_nested(int fd, const struct iommufd_nest_type *type, uint32_t device, uint32_t viommu, const void *data, uint32_t *id);
/* *done: how many entries were carried out. */
int iommufd_invalidate(int fd, const struct iommufd_nest_type *type, uint32_t viommu, const void *entries, uint32_t number, uint32_t *done);
/*
 * *bytes: how much was mapped there. Mappings that are not whole in the range stay, and are an
 * error where the kernel tells.
 */
int iommufd_unmap(const struct iommufd_host *host, uint32_t ioas, uint64_t first, uint64_t last, uint64_t *bytes);
int iommufd_attach_pt(const struct iommufd_device *device, uint32_t id);
int iommufd_detach_pt(const struct iommufd_device *device);
int iommufd_attach_pasid(const struct iommufd_device *device, uint32_t pasid, uint32_t id);
int iommufd_detach_pasid(const struct iommufd_device *device, uint32_t pasid);
uint32_t iommufd_map_flags(uint32_t prot);

/*
 * iommufd.c: an HWPT for an IOAS, with any device of the host's: 0; -ENODEV where there is none;
 * what the kernel said.
 */
int iommufd_hwpt_any(struct iommufd_host *host, uint32_t ioas, uint32_t *id);

/* iommufd_ask.c. What a detached device's IOMMU can do. */
struct iommufd_info {
	struct ranges usable;
	uint64_t alignment;
	bool dirty, empty_is_enoent;
	uint8_t pasid_bits;		       /* 0: none */
	const struct iommufd_nest_type *nests; /* all of it works */
	unsigned char nest_info[IOMMUFD_INFO_BYTES];
	uint32_t nest_info_bytes;
};
int iommufd_ask(int fd, const struct iommufd_device *device, struct iommufd_info *info, const struct vfio_why *why);

/* iommufd_vm.c */
int iommufd_vm_create(struct viommu_host *host, bool pinned, struct host_vm **out);
void iommufd_vm_destroy(struct host_vm *vm);
int iommufd_vm_add_slot(struct host_vm *vm, const struct host_slot *slot);
int iommufd_vm_remove_slot(struct host_vm *vm, const struct host_slot *slot);
/* Pins the memory of a pinned guest, where that had to wait for a device. */
int iommufd_vm_pin(struct iommufd_vm *vm);
/* Where GPA is in the VM's IOAS, and how far it goes on there; false if it is in no slot. */
bool iommufd_vm_find(struct iommufd_vm *vm, uint64_t gpa, uint64_t *iova, uint64_t *bytes);

/* iommufd_space.c */
int iommufd_space_create(struct viommu_host *host, struct host_vm *vm, uint64_t first, uint64_t last, const struct host_memory *memory,
			 struct host_space **out);
void iommufd_space_destroy(struct host_space *space);
int iommufd_space_map(struct host_space *space, const struct host_mapping *mapping);
int iommufd_space_unmap(struct host_space *space, uint64_t first, uint64_t last);
int iommufd_space_flush(struct host_space *space);
void iommufd_space_trim(struct host_space *space);
int iommufd_space_attach(struct host_space *space, struct host_device *device, uint32_t pasid);
int iommufd_space_detach(struct host_space *space, struct host_device *device, uint32_t pasid);
int iommufd_space_replace(struct host_space *from, struct host_space *to, struct host_device *device, uint32_t pasid);

/* iommufd_pasid.c. -EOPNOTSUPP: the kernel, the IOMMU or the kind of space has no PASIDs. */
int iommufd_pasid_attach(struct iommufd_space *space, struct iommufd_device *device, uint32_t pasid);
int iommufd_pasid_detach(struct iommufd_device *device, uint32_t pasid);
/* Makes the page table of a space that PASIDs may have, at the first need. */
int iommufd_pasid_table(struct iommufd_space *space, const struct iommufd_device *device);

/* iommufd_stage2.c. With the VM's lock `nesting` but for fd and event. */
int iommufd_stage2_make(struct iommufd_vm *vm);
int iommufd_stage2_add(struct iommufd_vm *vm, const struct iommufd_slot *slot);
int iommufd_stage2_remove(struct iommufd_vm *vm, uint64_t first, uint64_t last);
/* The viommu, by the IOMMU of this device, if there is none yet. */
int iommufd_stage2_ready(struct iommufd_vm *vm, const struct iommufd_device *device);
void iommufd_stage2_destroy(struct iommufd_vm *vm);
int iommufd_nest_fd(struct host_vm *vm);
int iommufd_nest_event(struct host_vm *vm, struct host_nest_event *event);

/* iommufd_nest.c */
int iommufd_nest_create(struct viommu_host *host, struct host_vm *vm, const struct host_nest_data *data, const struct host_memory *memory,
			struct host_space **out);
void iommufd_nest_destroy(struct iommufd_space *space);
/*
 * Prepares a device and a space for attaching. The preparations stay if attaching fails, for the
 * next attempt.
 */
int iommufd_nest_prepare(struct iommufd_space *space, struct iommufd_device *device);
/*
 * Adds a device to the space's list of attached ones, or removes it; removing one that is absent is
 * no error.
 */
void iommufd_nest_enter(struct iommufd_space *space, struct iommufd_device *device);
void iommufd_nest_leave(struct iommufd_space *space, struct iommufd_device *device);
int iommufd_nest_invalidate(struct host_vm *vm, const void *entries, uint32_t number, uint32_t *done);
int iommufd_device_set_id(struct host_device *device, uint32_t id);

#endif
