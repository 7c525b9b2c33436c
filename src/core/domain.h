/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains: what devices can be attached to. All kinds share this base: one space of a host, the
 * devices that are attached, and counters. A kind adds an ops table and what it needs to fill the
 * space. A domain gets its kind when it is created, and keeps it.
 *
 *   nested.c     the library shadows the guest's tables, or the host does (delegated.h)
 *   hardware.c   hardware walks the guest's tables
 *   direct.c     IOVA = GPA + offset
 *   mapped.c     what a paravirtual guest has requested
 *   blocked.c    nothing is reached
 *
 * Invariant for readers (viommu/reader.h): domain_flush() returns when each reader that
 * was held before has left at least once. A detach returns when, besides, no reader of the device
 * is inside a translation, so that what the reader looked at can be freed.
 */
#ifndef VIOMMU_CORE_DOMAIN_H
#define VIOMMU_CORE_DOMAIN_H

#include <viommu/domain.h>

#include "core/removed.h"
#include "core/vm.h"
#include "host/host.h"

struct attachment;

struct domain_ops {
	enum viommu_domain_kind kind;
	bool needs_id; /* only devices that were given an ID can be attached */
	/*
	 * The host's part of an attachment, with the locks of the VM and of the domain (replace: of
	 * both domains). Errors are those of struct host_ops. replace belongs to the domain that
	 * the device comes to; -EOPNOTSUPP: there is no such step.
	 */
	int (*attach)(struct viommu_domain *domain, struct attachment *attachment);
	int (*detach)(struct viommu_domain *domain, struct attachment *attachment);
	int (*replace)(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment);

	/*
	 * The public functions of these names; each_run with a range of whole pages. NULL:
	 * -EOPNOTSUPP; each_run: no runs; stats: no figures but the common ones.
	 */
	int (*refresh)(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);
	int (*each_run)(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
	int (*walk)(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);
	/* With the domain's lock held: adds figures of the kind to the common ones. */
	void (*stats)(struct viommu_domain *domain, struct viommu_domain_stats *stats);

	/*
	 * The way of a slot through a domain, in this order, with the VM's lock held: it is charged
	 * for (0 or -EDQUOT), mapped, unmapped, uncharged. If mapping fails, nothing of the slot is
	 * mapped. Unmapping may be called again after it failed, and where nothing is mapped. NULL:
	 * there is nothing to do.
	 */
	int (*slot_charge)(struct viommu_domain *domain, struct slot *slot);
	int (*slot_map)(struct viommu_domain *domain, struct slot *slot);
	int (*slot_unmap)(struct viommu_domain *domain, struct slot *slot);
	void (*slot_uncharge)(struct viommu_domain *domain, struct slot *slot);

	/* With the VM's lock held. Never fails. */
	void (*destroy)(struct viommu_domain *domain);
};

/* Common figures: those of struct viommu_domain_stats, in the order of their use. */
struct domain_figures {
	uint64_t mapped_pages;
	uint64_t mapped_pages_peak;
	uint64_t refreshes;
	uint64_t steps;
	uint64_t established;
	uint64_t released;
	uint64_t entries;
	uint64_t host_maps;
	uint64_t host_unmaps;
	uint64_t host_flushes;
	uint64_t host_splits;
	uint64_t insufficient;
	uint64_t faults;
	uint64_t unbacked;
	uint64_t tracked;
};

/*
 * A refresh of one page takes less time than the lines that it misses. So what it touches stands
 * together, here and in what it leads to: in as few lines as there can be.
 */
struct viommu_domain {
	const struct domain_ops *ops;
	struct viommu_vm *vm;
	struct host_space *host_space; /* NULL: nothing is reached */
	uint64_t first;		       /* IOVAs */
	uint64_t last;
	/*
	 * Held for all calls to host_space but lookup, and to read the list of attachments and
	 * their lists of readers. Order: the VM's lock, then domains' locks (two of them by
	 * address, with the VM's lock), then the pins' locks, the tracking lock, or a host's.
	 */
	struct port_lock lock;
	/* Of IOVAs with bit 55 clear (1) and set (2), bits 63:56 are ignored; constant */
	uint8_t top_ignored;
	struct domain_figures stats; /* under the lock */
	struct list attachments;     /* changed under the VM's lock and this one */
	struct removed removed;	     /* under the lock */
	struct viommu_host *host;
	struct host_memory memory;
	struct list in_vm;
};

/*
 * With the VM's lock held: makes the host's space for first..last, and enters the domain into the
 * VM's list. 0, -ERANGE (outside the host's aperture), -EOPNOTSUPP (the host maps nothing for the
 * core), -ENOMEM, -ENOSPC, or -EIO.
 */
int domain_create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, const struct domain_ops *ops);

/*
 * In two parts, for kinds that make another space, or none: before the space is made (*guest: the
 * host's view of the VM), and when it is there.
 */
int domain_begin(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct host_vm **host_vm);
void domain_enter(struct viommu_domain *domain, const struct domain_ops *ops);

/*
 * Maps a host's error to the errno values that creating a domain documents, and logs what is not
 * among them.
 */
int domain_failure(struct viommu_vm *vm, int error);

/*
 * With the VM's lock held: detaches the devices and destroys the host's space. From then on nothing
 * of it is reached.
 */
void domain_end(struct viommu_domain *domain);

/* The IOVA that an access with any top byte means. */
static inline uint64_t domain_iova(const struct viommu_domain *domain, uint64_t iova)
{
	const uint64_t top = UINT64_C(0xff) << 56;
	bool upper = iova >> 55 & 1;

	if (!(domain->top_ignored >> upper & 1))
		return iova;
	return upper ? iova | top : iova & ~top;
}

/* ops.attach, detach and replace of kinds that have a space. */
int domain_attach_host(struct viommu_domain *domain, struct attachment *attachment);
int domain_detach_host(struct viommu_domain *domain, struct attachment *attachment);
int domain_replace_host(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment);

/* With the locks of the VM and of the domain held, after the host's part: enters an attachment. */
void domain_join(struct viommu_domain *domain, struct attachment *attachment);
/*
 * With the VM's lock held: takes an attachment from its domain, if it has one. by_force: also where
 * the host refuses, since the domain is about to be destroyed. 0 or -EIO.
 */
int domain_detach(struct attachment *attachment, bool by_force);

/*
 * With the domain's lock held. How many attachments are notified changes. An attachment has left,
 * and none of its readers is in the domain any more: all IOVAs are reported.
 */
void domain_count_notified(struct viommu_domain *domain, unsigned int change);
void domain_notify_left(struct viommu_domain *domain, const struct attachment *attachment);

/* With the domain's lock held, after something was unmapped. */
int domain_flush(struct viommu_domain *domain);

/* With the domain's lock held: the host gives back memory that it only keeps for later. */
void domain_trim(struct viommu_domain *domain);

#endif
