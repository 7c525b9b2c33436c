/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attachments: a device, or one of its PASIDs, attached to a domain. Each has its own readers, so
 * that taking one away drains only the readers that could use it. A device's own attachment (no
 * PASID) lives in the device; one of a PASID exists while it has a domain or readers.
 *
 * attachment.c and domain.c know devices by name alone; device.c uses both, and attach.c and
 * reader.c use all three.
 */
#ifndef VIOMMU_CORE_ATTACHMENT_H
#define VIOMMU_CORE_ATTACHMENT_H

#include <viommu/device.h>
#include <viommu/reader.h>

#include "core/slots.h"

struct host_device;
struct viommu_domain;

struct attachment {
	struct viommu_device *device;
	struct host_device *host_device; /* the device's */
	uint32_t pasid;			 /* VIOMMU_NO_PASID: the device itself */
	struct list in_device;		 /* under the VM's lock; not of the device itself */
	/* Under the locks of the VM and of the domain, as domain */
	struct list in_domain;
	/* changed under the VM's lock, and the domain's where it is attached */
	struct list readers;
	struct viommu_domain *domain; /* NULL: none */
	/*
	 * For readers: the domain, if it has a space. Written after, and cleared before, all else
	 * that belongs to the domain.
	 */
	struct viommu_domain *reached;
	/* viommu_device_set_notifier(); changed under the locks of the VM and of the domain */
	void (*notify)(void *ctx, uint64_t first, uint64_t last);
	void *notify_ctx;
	/* Counts attachments, so that a reader tells an old one's translations from a new one's */
	port_word binding;
};

void attachment_init(struct attachment *attachment, struct viommu_device *device, struct host_device *host_device, uint32_t pasid);

/* With the VM's lock held: frees one of a PASID that has neither domain nor readers. */
void attachment_put(struct attachment *attachment);

/*
 * With the lock of the domain that was left still held, which waits for the readers of its own
 * attachments alone: when this returns, no reader is in anything of that domain's.
 */
void attachment_drain(struct attachment *attachment);

#define READER_CACHE 16u /* a power of two */
/* So that readers of different threads share no line, nor a pair that is fetched together */
#define READER_ALIGN 128u

struct reader_extent {
	uint64_t first;
	uint64_t generation; /* of the space, when it was looked up */
	uint64_t last;
	unsigned char *hva;
	uint32_t prot; /* 0: nothing is here */
};

struct viommu_reader {
	struct attachment *attachment;
	struct list in_attachment;
	struct slots_user slots; /* for viommu_lookup() */
	/*
	 * Both are odd while it lasts. `inside` brackets each translation and keeps alive what it
	 * looks at: waited for by detach, through the asymmetric fence, so that translating pays
	 * for no fence. `held` brackets what the user asked to hold: waited for by each flush, and
	 * pays for a fence.
	 */
	uint32_t inside;
	uint32_t held;
	/*
	 * The cache is valid for this pair: while a device is moved, a reader may see the new
	 * binding with the old domain.
	 */
	uint64_t binding;
	const struct viommu_domain *domain;
	struct reader_extent cache[READER_CACHE];
};

/* Wait until each reader that is held (inside) now has left at least once. */
void readers_wait_held(struct list *readers);
void readers_wait_inside(struct list *readers);

#endif
