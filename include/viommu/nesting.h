/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nesting in hardware: a host (caps.nests in hosts.h) whose IOMMU walks the guest's own tables, with the host's translation of the guest's memory beneath them. A
 * nested domain is then created by the same call (domain.h), and keeps no shadow: a refresh is the hardware's invalidation.
 *
 * What holds:
 *  - A device reaches what the guest's tables name, as far as it is in the VM's slots and with no more rights than these have. A slot that was removed is not reached.
 *  - What was refreshed is read anew from the guest's tables. What becomes valid needs no refresh.
 *  - All of the guest's memory is pinned, and charged to the VM's budget, from the creation of the first such domain until the VM is destroyed, slots that are added
 *    later included: the host keeps it mapped beneath all of them, so that one can be made, or left, at any time.
 *  - A VM's devices of such domains are behind one IOMMU of the machine's.
 *
 * Devices store their interrupts (MSIs) through the guest's tables, too, into a window that the host keeps beneath them: on Linux GPAs 0x8000000 to 0x80fffff. The
 * guest has to know it as a region that is mapped 1:1 (an RMR node in the IORT's for the device, DEN 0049), and has no memory there.
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

/* Who looks into a guest's tables. */
enum viommu_nesting {
	VIOMMU_NESTING_AUTO = 0,     /* the hardware where it can, else the library; which one it is, and why, is logged (vm.h, VIOMMU_LOG_INFO) */
	VIOMMU_NESTING_SHADOW = 1,   /* the library, on any host */
	VIOMMU_NESTING_HARDWARE = 2, /* the hardware, or there is no domain */
};

/*
 * The ID by which the guest knows a device: its StreamID, as the events of hardware name it. A device needs one before it is attached to a domain whose tables
 * hardware walks, no two of a VM's have the same, and it is changed only while the device is attached to nothing. 0; -EBUSY; -EOPNOTSUPP (the host does not
 * nest); -EIO (the host failed).
 */
VIOMMU_API int viommu_device_set_id(struct viommu_device *device, uint32_t id);

/* What hardware recorded of a device's access: for VIOMMU_NESTS_SMMUV3 an event record (Arm IHI 0070, section 7.3) with the StreamID that the guest knows. */
struct viommu_nest_event {
	uint32_t size;	    /* sizeof(struct viommu_nest_event) */
	uint32_t lost;	    /* not 0: before this, others were lost; a record of zeros says no more than that */
	uint64_t record[4]; /* in the CPU's byte order */
};

/*
 * A file that polls readable while there are events for a VM. It is the host's, and stays open as long as the VM exists. -ENODEV before a device was attached to the
 * first domain whose tables hardware walks; -EOPNOTSUPP.
 */
VIOMMU_API int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host);

/* Takes the next event. 0; -ENOENT (there is none now); -EOPNOTSUPP; -EIO. Never waits for one. */
VIOMMU_API int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event);

#ifdef __cplusplus
}
#endif
#endif
