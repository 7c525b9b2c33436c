/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Knowing which of the guest's tables were written. With a tracker, a refresh of a domain's whole
 * aperture looks only at tables that were written since they were last looked at, so that it costs
 * what changed, not what is mapped. Without one, or whenever there is a doubt, it compares
 * everything. What a refresh promises (domain.h) is the same in both cases, as long as the tracker
 * keeps its own promise:
 *
 *   Every write to a watched page, by whomever, that is not yet seen by a load that begins after
 *   collect() has returned, is reported by a later collect().
 *
 * So a tracker is only for a VM all of whose writers it sees: the vCPUs, the monitor's own threads
 * and device models, the kernel on their behalf, other processes that share the memory
 * (vhost-user), and devices that write by DMA. Guests keep their I/O tables out of what devices
 * write to; a guest that does not, and whose writers the tracker does not see, may find that a
 * refresh of its whole aperture left something as it was. Memory that is not the guest's is never
 * reached by that. docs/tracking.md says which writers each kind of tracker sees.
 *
 * A monitor may bring its own (KVM's dirty log or ring, an emulator's dirty bitmap), or take that
 * of the library.
 */
#ifndef VIOMMU_TRACKING_H
#define VIOMMU_TRACKING_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * GPAs are whole pages, first/last. The functions are called with locks of the library held and one
 * at a time, from whichever thread called the library: they must not call it. Each gets ctx.
 */
struct viommu_tracker {
	uint32_t size;	   /* sizeof(struct viommu_tracker) */
	uint32_t reserved; /* 0 */
	void *ctx;

	/*
	 * A slot comes and goes; nothing of it is watched then. Either may be NULL. 0 or a negative
	 * errno value: tracking ends for this VM, which is logged, and everything is compared from
	 * then on; slots still go by slot_removed().
	 */
	int (*slot_added)(void *ctx, uint64_t first, uint64_t last, void *hva);
	void (*slot_removed)(void *ctx, uint64_t first, uint64_t last, void *hva);

	/*
	 * Begins to watch pages of one slot, none of which is watched: a write after this has
	 * returned is reported. hva is where the first one is. 0 or a negative errno value, as
	 * above.
	 */
	int (*watch)(void *ctx, uint64_t first, uint64_t last, void *hva);
	void (*unwatch)(void *ctx, uint64_t first, uint64_t last, void *hva);

	/*
	 * Calls written() for watched pages that were written since they were watched or last
	 * reported, having begun to watch them again. It may report too much, also pages that are
	 * not watched or not even in a slot. 0 or a negative errno value, as above.
	 */
	int (*collect)(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg);
};
#define VIOMMU_TRACKER_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_tracker, collect)

/*
 * Gives a VM a tracker, which is copied; what ctx names must stay until viommu_vm_destroy() has
 * returned. 0; -EINVAL (a member is missing); -EBUSY (the VM has one already, or slots, or domains:
 * a tracker is there from the beginning).
 */
VIOMMU_API int viommu_vm_set_tracker(struct viommu_vm *vm, const struct viommu_tracker *tracker);

/*
 * Linux 6.7 and later: page tables of this process are write-protected without notification
 * (userfaultfd's asynchronous mode), and read with the ioctl PAGEMAP_SCAN. It sees each write
 * through this process's address space: by vCPUs of KVM, by its threads, and by the kernel on their
 * behalf (vhost). It does not see other processes, writes to the same file through another mapping,
 * devices, and the kernel where it keeps pages for later (O_DIRECT, io_uring) or discards them
 * (hole punching). It has no thread and no signal, costs the guest one minor fault for each table
 * page that it writes after a refresh of a whole aperture, and splits huge pages that tables lie
 * in. The memory must be anonymous, of a memfd or of tmpfs, with pages of the base size, and
 * registered with no other userfaultfd.
 *
 * Fills in tracker, whose size member the caller has set. 0; -EINVAL (tracker is NULL or of no
 * known size); -EOPNOTSUPP (the kernel lacks it); -EPERM (userfaultfd is forbidden:
 * /proc/sys/vm/unprivileged_userfaultfd, CAP_SYS_PTRACE); -ENOMEM, -EMFILE, -ENFILE.
 */
VIOMMU_API int viommu_tracker_pagemap_create(struct viommu_tracker *tracker);

/* After the VM is destroyed. */
VIOMMU_API void viommu_tracker_pagemap_destroy(struct viommu_tracker *tracker);

#ifdef __cplusplus
}
#endif
#endif
