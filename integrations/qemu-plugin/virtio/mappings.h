/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mappings of the domains of a virtio-iommu, made and removed by the guest's requests as in
 * virtio 1.3, 5.13.6.5 and 5.13.6.6. This is an oracle, and has no code of the library.
 */
#ifndef VIOMMU_WATCH_VIRTIO_MAPPINGS_H
#define VIOMMU_WATCH_VIRTIO_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/capture.h"
#include "guest_ram.h"
#include "lists.h"

struct mapping {
	uint32_t domain;
	uint32_t prot;
	uint64_t first;
	uint64_t last;
	uint64_t gpa;
};

struct mappings {
	struct mapping *list; /* in ascending order of `first` */
	size_t count;
	size_t room;
};

/* A MAP or an UNMAP that the device has carried out. false if memory is short. */
bool mappings_apply(struct mappings *mappings, const struct capture_request *request);

/* Removes all of a domain, or of all domains. */
void mappings_clear(struct mappings *mappings, const uint32_t *domain);

/* A domain's pages in memory. */
void mappings_collect(const struct mappings *mappings, uint32_t domain, const struct guest_ram *ram, struct runs *runs);

#endif
