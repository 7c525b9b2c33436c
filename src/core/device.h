/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Devices and their readers, inside. */
#ifndef VIOMMU_CORE_DEVICE_H
#define VIOMMU_CORE_DEVICE_H

#include <viommu/device.h>
#include <viommu/reader.h>

#include "core/space.h"
#include "port/sized.h"

struct viommu_device {
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct host_device *host_device;
	struct list in_vm;
	struct list in_space; /* under the locks of the space */
	struct list readers;  /* changed under the VM's lock, and the space's where it is attached */
	bool has_id;	      /* that hardware, and the guest, know it by; under the VM's lock */
	struct space *space;  /* what it reaches, NULL if nothing; read by readers */
	port_word binding;    /* counts attachments, so that a reader knows an old one's translations from a new one's */
};

/*
 * After it was taken from a space, with that space's lock still held, as the space waits for its own devices' readers alone: when this returns no reader is
 * in anything of that space's.
 */
void device_wait(struct viommu_device *device);

/* Takes it from its space; with the VM's lock held. by_force: also where the host refuses, since the space itself is about to go. */
int device_detach(struct viommu_device *device, bool by_force);

#define READER_CACHE 16u  /* a power of two */
#define READER_ALIGN 128u /* so that readers of different threads share no line, nor a pair that is fetched together */

struct reader_extent {
	uint64_t first;
	uint64_t last;
	uint64_t generation; /* of the space, when it was looked up */
	unsigned char *hva;
	uint32_t prot; /* 0: nothing is here */
};

struct viommu_reader {
	struct viommu_device *device;
	struct list in_device;
	/*
	 * Both are odd while it lasts. `inside` brackets each translation and keeps alive what it looks at: waited for by detach, through the asymmetric
	 * fence, so that translating pays for no fence. `held` brackets what the user asked to hold: waited for by each flush, and pays for a fence.
	 */
	uint32_t inside;
	uint32_t held;
	uint64_t binding; /* that the cache belongs to, as does the next: while a device is moved, a reader may see the new one's count beside the old space */
	const struct space *space;
	struct reader_extent cache[READER_CACHE];
};

/* Wait until each reader that is held (inside) now has left at least once. */
void readers_wait_held(struct list *readers);
void readers_wait_inside(struct list *readers);

#endif
