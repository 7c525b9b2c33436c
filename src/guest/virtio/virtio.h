/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtio-iommu, inside.
 *
 * A domain of the guest (struct virtio_domain) is a record of its mappings; it exists while an
 * endpoint refers to it. For each host that has such endpoints there is a space with these
 * mappings, which is a domain of the library (struct virtio_space). Requests change the record
 * first, so that a space that is made anew gets what the guest has by then.
 *
 * Locks are those of the common floor (guest/common/iommu.h).
 */
#ifndef VIOMMU_GUEST_VIRTIO_VIRTIO_H
#define VIOMMU_GUEST_VIRTIO_VIRTIO_H

#include <viommu/mapped.h>
#include <viommu/virtio.h>

#include "guest/common/devices.h"
#include "host/mappings.h"
#include "spec.h"

enum virtio_count { COUNT_REQUESTS, COUNT_REFUSED, COUNT_DISCARDED, COUNT_REPORTS, COUNTS };

struct viommu_virtio {
	struct guest_iommu iommu;
	struct viommu_virtio_config config;
	struct host_memory memory; /* of records; charged to the VM */
	/*
	 * change and lock, as the next three. The guest chooses the IDs, but has no more domains
	 * than endpoints.
	 */
	struct guest_registry domains;
	uint64_t mappings;
	uint64_t accepted;
	bool bypass;
	port_word counts[COUNTS];
};

/* All but `id` is for change. */
struct virtio_domain {
	struct guest_id id;
	bool bypass;
	struct list endpoints; /* that the guest has attached to it */
	struct list spaces;
	struct mappings mappings;
};

/* guest_config.key is the address of the virtio_domain. */
struct virtio_space {
	struct guest_domain guest;
	struct list in_domain;
	struct viommu_mapped *mapped; /* NULL: of endpoints in bypass mode */
};

/* Reserved IOVAs, ascending: as many as a PROBE has room for. */
#define VIRTIO_RESERVED (VIOMMU_VIRTIO_PROBE_BYTES / RESV_MEM_BYTES)
struct virtio_reserved {
	unsigned int number;
	bool overflow; /* there are more */
	struct viommu_virtio_reserved range[VIRTIO_RESERVED];
};

struct viommu_virtio_endpoint {
	struct guest_device guest;
	/* That the guest has attached it to, or NULL; change and lock */
	struct virtio_domain *domain;
	struct list in_domain;		 /* change */
	int error;			 /* of the last attempt to attach it; change */
	struct virtio_reserved reserved; /* does not change */
};

extern const struct guest_iommu_ops virtio_ops;

static inline struct viommu_virtio *virtio_of(struct guest_iommu *iommu)
{
	return list_member(iommu, struct viommu_virtio, iommu);
}

static inline struct viommu_virtio_endpoint *virtio_endpoint_of(struct guest_device *device)
{
	return list_member(device, struct viommu_virtio_endpoint, guest);
}

/* All of domain.c is called with change held. */

struct virtio_domain *virtio_domain_find(struct viommu_virtio *virtio, uint32_t id);
/* A domain without endpoints, for virtio_endpoint_move(); NULL if there is no memory. */
struct virtio_domain *virtio_domain_create(struct viommu_virtio *virtio, uint32_t id, bool bypass);
/* The endpoint does not refer to its domain any more, which is gone if no other one does. */
void virtio_endpoint_leave(struct viommu_virtio_endpoint *endpoint, struct virtio_domain *domain);
/*
 * Attaches an endpoint to a domain, or with NULL to none: then it is in bypass mode or reaches
 * nothing. 0, or the error with which the domain's space could not be made or the endpoint not be
 * attached: it has no domain then. A domain that no endpoint refers to any more is gone.
 */
int virtio_endpoint_move(struct viommu_virtio_endpoint *endpoint, struct virtio_domain *domain);
/* All or nothing. Negative errno values as those of viommu_mapped_map(). */
int virtio_domain_map(struct viommu_virtio *virtio, struct virtio_domain *domain, const struct host_mapping *mapping);
/* 0, or -ERANGE: a mapping would be split. */
int virtio_domain_unmap(struct viommu_virtio *virtio, struct virtio_domain *domain, uint64_t first, uint64_t last);

#endif
