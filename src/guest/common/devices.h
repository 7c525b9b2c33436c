/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices of a guest IOMMU, their domains, and what is invalidated in these.
 *
 * An ID belongs to one device at most. A device that is found by its ID is complete. One that is
 * removed is first detached, then not found any more, then destroyed.
 */
#ifndef VIOMMU_GUEST_COMMON_DEVICES_H
#define VIOMMU_GUEST_COMMON_DEVICES_H

#include "guest/common/iommu.h"

/* Each device, with change or lock held. */
#define guest_each_device(iommu, it)                                                                                    \
	for (struct guest_device *it = (struct guest_device *)(void *)guest_registry_next(&(iommu)->devices, NULL); it; \
	     it = (struct guest_device *)(void *)guest_registry_next(&(iommu)->devices, &it->id))

/* With change or lock held. */
static inline struct guest_device *guest_device_find(const struct guest_iommu *iommu, uint32_t id)
{
	return (struct guest_device *)(void *)guest_registry_find(&iommu->devices, id);
}

/* Its ID, without locks. */
static inline uint32_t guest_device_id(const struct guest_device *device)
{
	return port_load_relaxed(&device->id.id);
}

/* devices.c */

/* Without locks. NULL if there is none. */
struct guest_device *guest_device_lookup(struct guest_iommu *iommu, uint32_t id);

struct guest_device_config {
	uint32_t id;
	struct viommu_host *host;
	const void *data;  /* of viommu_device_create() */
	uint32_t nesting;  /* enum viommu_nesting */
	const char *unfit; /* why hardware cannot walk the tables; NULL: it can */
	bool announces;	   /* the guest invalidates after it makes an entry valid */
};

/*
 * Adds a device, with the configuration that the guest has made for it. 0; -EINVAL, -EOPNOTSUPP
 * (guest_device_pick()); -EEXIST; -ENOMEM; and what viommu_device_create(), or an attach to
 * hardware, says. Removal never fails.
 */
int guest_device_add(struct guest_iommu *iommu, const struct guest_device_config *config, struct guest_device **out);
void guest_device_remove(struct guest_device *device);

/*
 * Gives a device another ID, and applies what the guest has configured for that. 0; -EEXIST
 * (another device has it); where hardware walks its tables, what the host says: then it has its old
 * ID, and reaches nothing if the host does not take that again.
 */
int guest_device_set_id(struct guest_device *device, uint32_t id);

/*
 * With change held: reads the configuration of a device, and attaches it accordingly; of those
 * whose ID is `id` but for so many low bits.
 */
#define GUEST_ALL_IDS 32u
void guest_device_configure(struct guest_device *device);
void guest_iommu_configure(struct guest_iommu *iommu, uint32_t id, unsigned int low_bits);

/* The domain of a device, or NULL. It is the guest IOMMU's. */
struct viommu_domain *guest_device_domain(struct guest_device *device);

/* With lock held: how many devices have the domain of this one, itself included. */
uint32_t guest_device_sharing(const struct guest_device *device);

/* The statistics and runs of a device's domain; nothing where it has none. */
int guest_device_stats(struct guest_device *device, struct viommu_domain_stats *stats);
int guest_device_each_run(struct guest_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

/*
 * nesting.c. Whether hardware walks tables, as `nesting` asks and `unfit` (NULL: it can) permits.
 * The outcome is logged, with the ID. 0; -EINVAL (unknown nesting); -EOPNOTSUPP (hardware is
 * required, and cannot).
 */
int guest_nesting_pick(struct viommu_vm *vm, uint32_t nesting, const char *unfit, uint32_t id, bool *hardware);
/*
 * The same of a device. -EOPNOTSUPP also if its tables would be shadowed on a host that reports no
 * misses, and the guest does not announce valid entries.
 */
int guest_device_pick(struct guest_iommu *iommu, const struct guest_device_config *config, bool *hardware);
/*
 * With change held, of a device that has its ID and is not found yet: whether hardware takes it. 0,
 * or what the host, or the VM's budget, says.
 */
int guest_device_try_hardware(struct guest_device *device);

/* domains.c */

/* With change held: attaches the device to the domain of its configuration, or to none. */
void guest_device_settle(struct guest_device *device);

/* With change held: whether it makes sense to try that for one more access. */
bool guest_device_may_settle(struct guest_device *device);

/* With change held. When this returns the device reaches nothing. */
void guest_device_detach(struct guest_device *device);

/*
 * With change held: destroys a domain whose host fails. Its devices get a new one from
 * guest_iommu_settle(), which is called before change is released.
 */
void guest_domain_break(struct guest_iommu *iommu, struct guest_domain *domain);
void guest_iommu_settle(struct guest_iommu *iommu);

/*
 * Without locks: enters the gate of the device's domain, so that it stays. NULL: the device has
 * none. Then lock the lane, if need be.
 */
struct guest_domain *guest_device_enter(struct guest_device *device, struct guest_lane **lane);

/*
 * invalidate.c. With change held: collects an invalidation; applies what was collected, the hosts'
 * flushes included.
 */
void guest_iommu_invalidate(struct guest_iommu *iommu, struct guest_range range);
/*
 * An invalidation in the CPU's byte order, for hardware: of one host, or (NULL) of all. It may name
 * a device: guest_iommu_sync() is called before change is released, and the device removed.
 */
void guest_iommu_forward(struct guest_iommu *iommu, struct viommu_host *host, const uint64_t entry[GUEST_ENTRY_WORDS]);
void guest_iommu_sync(struct guest_iommu *iommu);
/* viommu_domain_refresh(). Reports a failure to the host (host_ops.unseen). */
int guest_domain_refresh(const struct guest_domain *domain, uint64_t first, uint64_t last);

/*
 * miss.c. Without locks: an access found no translation, where the guest need not announce what
 * becomes valid. Hardware whose caches have nothing walks the tables, and so does this: what they
 * translate is established, at most 2 MiB around the IOVA.
 *
 * 0: try again; -EFAULT: the access ends in an error; -EINVAL: fault is NULL, or none; -EOPNOTSUPP
 * where hardware walks the tables; or what ops->blocked, unmapped or beyond say.
 */
int guest_device_fault(struct guest_device *device, const struct viommu_fault *fault);

/*
 * With the lane of the domain's gate locked: whether an established translation permits the
 * access.
 */
bool guest_domain_permits(const struct guest_domain *domain, const struct viommu_fault *access);

/*
 * Without locks: settles a device that is attached to another domain than that of its
 * configuration, or one whose host failed under the domain `failed` (else NULL). 0: try the access
 * again; -EFAULT: the device is attached to nothing, as the host failed or something is too small.
 */
int guest_device_resettle(struct guest_device *device, const struct guest_domain *failed);

#endif
