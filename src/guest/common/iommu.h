/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a guest IOMMU with registers and queues consists of, whatever its architecture: devices
 * found by their ID, domains that devices with equal configurations share, collected invalidations,
 * pending interrupts. The architecture embeds these structs and supplies the ops.
 *
 * A device is attached to the domain that it refers to, and to no other. A domain has as many
 * devices as refer to it, and at least one when `change` is released. Configurations, and the
 * domain of a device, are written with `change` and `lock` held; either is enough to read them.
 *
 * If a host fails to detach a device or to remove a translation, the domain is destroyed, which it
 * cannot refuse. Its devices get a new one, made from what the guest's tables say then. So a
 * command that revokes has revoked when it is done, whatever the host does.
 */
#ifndef VIOMMU_GUEST_COMMON_IOMMU_H
#define VIOMMU_GUEST_COMMON_IOMMU_H

#include <viommu/device.h>
#include <viommu/domain.h>

#include "core/list.h"
#include "guest/common/gate.h"
#include "guest/common/memory.h"
#include "guest/common/ranges.h"
#include "guest/common/registry.h"
#include "guest/common/shortage.h"

struct guest_device;
struct guest_domain;
struct guest_iommu;

struct guest_iommu_ops {
	uint32_t type; /* enum viommu_domain_type */
	/* Whether the device's configuration lets it reach anything. */
	bool (*reaches)(const struct guest_device *device);
	/* Whether the domain is the one of the device's configuration, which reaches something. */
	bool (*matches)(const struct guest_domain *domain, const struct guest_device *device);
	/*
	 * Makes that domain. The architecture's struct has guest_domain as its first member.
	 * *entries: how many of the guest's were examined.
	 */
	int (*create)(const struct guest_device *device, struct guest_domain **domain, uint64_t *entries);
	void (*free)(struct guest_domain *domain);
	/* The domain could not be made, or the device not be attached to it. */
	void (*refused)(struct guest_device *device, int error);
	/* Which invalidations concern the domain. */
	uint32_t (*context)(const struct guest_domain *domain);
	/*
	 * Whether a nested domain may have a global entry in first..last. NULL: there are no such
	 * entries.
	 */
	bool (*has_global)(const struct guest_domain *domain, uint64_t first, uint64_t last);
	void (*interrupt)(struct guest_iommu *iommu, unsigned int irq);
};

/*
 * Invalidations for hardware that walks the guest's tables, as the guest wrote them, until it waits
 * for them. host: the one that the entry is for, NULL: each that has such a domain.
 */
#define GUEST_BATCH	  64u
#define GUEST_ENTRY_WORDS 2u
struct guest_batch {
	unsigned int number;
	struct viommu_host *host[GUEST_BATCH];
	uint64_t entry[GUEST_BATCH][GUEST_ENTRY_WORDS]; /* little-endian */
};

/* Counted by any thread. */
struct guest_counts {
	port_word refreshes;
	port_word insufficient;
	port_word rebuilt;
	port_word faults;
	port_word filled;
};

struct guest_iommu {
	const struct guest_iommu_ops *ops;
	struct viommu_vm *vm;
	struct guest_memory memory;

	/*
	 * The outermost lock. Held by a thread that changes configurations, domains, or registers
	 * with such an effect, from the first load to the last effect, however long that takes:
	 * commands are consumed, domains made and destroyed under it.
	 */
	struct port_lock change;
	/*
	 * Taken after `change`. Held for a few instructions, and for an access to guest memory,
	 * whose lock comes after this one. It guards registers, event queues, pending interrupts,
	 * and what `change` guards as far as others read it. No lock of core is taken with it.
	 */
	struct port_lock lock;

	struct guest_registry devices; /* change and lock */
	uint32_t shared;	       /* domains; change and lock */
	uint32_t irqs;		       /* pending: bit n for interrupt n; lock */
	struct list domains;	       /* change */
	struct guest_ranges ranges;    /* change */
	uint64_t changes;	       /* invalidations of tables and configurations, counted; change */
	struct guest_batch batch;      /* change */
	bool unsettled;		       /* a device is without the domain of its configuration, and no access will ask for it; change */
	struct guest_counts counts;
};

/*
 * The resources at a moment when they were too small for a device's domain. An attempt that
 * examines so many entries takes long, and each access asks for another one: so there is none
 * before something has changed. What a host is short of cannot be seen here, so that there is one
 * attempt after some accesses, too.
 */
#define GUEST_SHORTAGE_ENTRIES	0x4000u
#define GUEST_SHORTAGE_ACCESSES 0x1000u
struct guest_shortage {
	bool met;
	unsigned int accesses; /* since then */
	uint64_t changes;      /* of struct guest_iommu */
	const struct slots *slots;
	uint64_t budget, charged, memory;
};

struct guest_device {
	struct guest_id id; /* in iommu->devices */
	struct guest_iommu *iommu;
	struct viommu_host *host;
	struct viommu_device *device;
	struct guest_domain *domain;	/* that it is attached to, or NULL; change and lock */
	struct guest_shortage shortage; /* change */
	port_word faults;
	port_word events;
};

struct guest_domain {
	struct list in_iommu; /* change */
	struct viommu_host *host;
	struct viommu_domain *domain;
	unsigned int devices; /* change */
	struct guest_gate gate;
};

static inline enum viommu_domain_kind guest_domain_kind(const struct guest_domain *domain)
{
	return viommu_domain_kind(domain->domain);
}

static inline void guest_count(port_word *count)
{
	port_add_relaxed(count, 1);
}

static inline uint64_t guest_counted(const port_word *count)
{
	return port_load_relaxed(count);
}

/* Each device, with change or lock held. */
#define guest_each_device(iommu, it)                                                                                    \
	for (struct guest_device *it = (struct guest_device *)(void *)guest_registry_next(&(iommu)->devices, NULL); it; \
	     it = (struct guest_device *)(void *)guest_registry_next(&(iommu)->devices, &it->id))

static inline struct guest_device *guest_device_find(const struct guest_iommu *iommu, uint32_t id)
{
	return (struct guest_device *)(void *)guest_registry_find(&iommu->devices, id);
}

void guest_iommu_init(struct guest_iommu *iommu, struct viommu_vm *vm, const struct guest_iommu_ops *ops);
/* When it has no devices any more. */
void guest_iommu_destroy(struct guest_iommu *iommu);

/* With lock held: makes an interrupt pending. Without locks: delivers what is pending. */
static inline void guest_iommu_note(struct guest_iommu *iommu, unsigned int irq)
{
	iommu->irqs |= 1u << irq;
}
void guest_iommu_deliver(struct guest_iommu *iommu);

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

/* The statistics and runs of a device's domain; nothing where it has none. */
int guest_device_stats(struct guest_device *device, struct viommu_domain_stats *stats);
int guest_device_each_run(struct guest_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

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

#endif
