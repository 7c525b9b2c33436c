/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nesting in hardware: a host (caps.nests in hosts.h) whose IOMMU walks the guest's own tables,
 * with the host's translation of the guest's memory beneath them. The domain is created by the same
 * call as a nested one (domain.h), and is of the kind hardware: it keeps no shadow, and cannot be
 * refreshed. The guest's invalidations go to the hardware as the guest wrote them.
 *
 * Data of an architecture passes through as {type, pointer, bytes}: type is an enum
 * viommu_domain_type, and what it points at is as in the guest's memory, byte order included.
 *
 *   VIOMMU_DOMAIN_SMMUV3   invalidations: commands of 16 bytes (Arm IHI 0070, 4.1.1), of the kinds
 *                          TLBI_NSNH_ALL, TLBI_NH_ALL, _ASID, _VA, _VAA, CFGI_CD, CFGI_CD_ALL, with
 *                          StreamIDs as the guest knows them; VMIDs are ignored.
 *                          events: records of 32 bytes (7.3)
 *
 * Guarantees:
 *  - A device reaches what the guest's tables name, as far as it is in the VM's slots and with no
 *    more rights than these have. A slot that was removed is not reached.
 *  - What was invalidated is read anew from the guest's tables. What becomes valid needs no
 *    invalidation.
 *  - All of the guest's memory is pinned, and charged to the VM's budget, while there is
 *    such a domain, slots that are added later included; and once a device was attached to one,
 *    until the VM is destroyed: the host keeps it mapped beneath all of them, so that one can be
 *    made, or left, at any time.
 *  - A VM's devices of such domains are behind one IOMMU of the machine's.
 *
 * Devices store their interrupts (MSIs) through the guest's tables, too, into a window that the
 * host keeps beneath them: on Linux GPAs 0x8000000 to 0x80fffff. The guest has to know it as a
 * region that is mapped 1:1 (for an Arm guest, an RMR node in the IORT's for the device, DEN 0049),
 * and has no memory there.
 *
 * Threads: any function here may be called from any thread at any time. None waits for a domain
 * that is being created or destroyed.
 */
#ifndef VIOMMU_NESTING_H
#define VIOMMU_NESTING_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_device;
struct viommu_host;
struct viommu_vm;

/* The choice between the library and hardware as the walker of a guest's tables. */
enum viommu_nesting {
	/*
	 * The hardware where it can, else the library; which one it is, and why, is logged (vm.h,
	 * VIOMMU_LOG_INFO)
	 */
	VIOMMU_NESTING_AUTO = 0,
	VIOMMU_NESTING_SHADOW = 1,   /* the library, on any host */
	VIOMMU_NESTING_HARDWARE = 2, /* the hardware, or there is no domain */
};

/*
 * The ID by which the guest knows a device: its StreamID, as the events of hardware name it. A
 * device needs one before it is attached to a domain whose tables hardware walks, no two of a VM's
 * have the same, and it is changed only while the device is attached to nothing. 0; -EBUSY;
 * -EOPNOTSUPP (the host does not nest); -EIO (the host failed).
 */
VIOMMU_API int viommu_device_set_id(struct viommu_device *device, uint32_t id);

/*
 * Hands invalidations of the guest's to the hardware, in order: number entries of entry_bytes. They
 * are done, and waited for, when it returns. *done (which may be NULL) is how many were carried
 * out. 0; -EINVAL (entry_bytes is not the type's); -EOPNOTSUPP (the host does not nest this type);
 * -EIO (an entry was refused, or the host failed: what was invalidated may still be used).
 */
VIOMMU_API int viommu_nest_invalidate(struct viommu_vm *vm, struct viommu_host *host, uint32_t type, const void *entries, uint32_t entry_bytes, uint32_t number,
				      uint32_t *done);

/*
 * A file that polls readable while there are events for a VM. It is the host's, and stays open as
 * long as the VM exists. -ENODEV before a device was attached to the first domain whose tables
 * hardware walks; -EOPNOTSUPP.
 */
VIOMMU_API int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host);

/* A record that hardware made about a device's access. */
struct viommu_nest_event {
	uint32_t size; /* sizeof(struct viommu_nest_event) */
	uint32_t type; /* filled in: enum viommu_domain_type */
	uint32_t lost; /* filled in: not 0: before this, others were lost */
	/*
	 * How many fit at record; filled in: of the record, 0 if there is none, and others were
	 * lost
	 */
	uint32_t bytes;
	void *record;
};
#define VIOMMU_NEST_EVENT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_nest_event, record)

/*
 * Takes what hardware recorded of devices' accesses, as far as there is some now and no more than
 * 4096 records at a time, to the library's guest IOMMUs: each record goes to the one that has the
 * device (its event queue, which loses it if it is full). Records of no such device are counted
 * (events_unclaimed in vm.h). Where records were lost before they came here, each guest IOMMU of
 * the type reports that as it reports a full queue. Interrupt callbacks come from within this call,
 * and must neither call it nor destroy a guest IOMMU. 0; -EOPNOTSUPP (the host does not nest);
 * -EIO.
 */
VIOMMU_API int viommu_nest_events(struct viommu_vm *vm, struct viommu_host *host);

/*
 * Takes the next event, for a VMM with a guest IOMMU of its own; the library's take theirs by
 * viommu_nest_events(). 0; -ENOENT (there is none now); -EINVAL (too little room at record: nothing
 * was taken); -EOPNOTSUPP; -EIO. Never waits for one.
 */
VIOMMU_API int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event);

#ifdef __cplusplus
}
#endif
#endif
