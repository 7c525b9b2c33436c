/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices of one guest IOMMU, found by a number of 32 bits: a StreamID, a requester ID, an
 * index. The VMM chooses these numbers, not the guest. The owner's lock guards a registry.
 */
#ifndef VIOMMU_GUEST_COMMON_REGISTRY_H
#define VIOMMU_GUEST_COMMON_REGISTRY_H

#include <port_types.h>

/* A member of the device. */
struct guest_id {
	struct guest_id *next; /* in its chain */
	uint32_t id;	       /* written with the owner's lock held; atomic */
};

#define GUEST_CHAINS 256u

struct guest_registry {
	uint32_t number;
	struct guest_id *chain[GUEST_CHAINS];
};

/* Requester IDs are bus, device and function: the bus and the rest have eight bits each. */
static inline unsigned int guest_chain(uint32_t id)
{
	return (id ^ id >> 8) % GUEST_CHAINS;
}

static inline struct guest_id *guest_registry_find(const struct guest_registry *registry, uint32_t id)
{
	struct guest_id *link = registry->chain[guest_chain(id)];

	while (link && link->id != id)
		link = link->next;
	return link;
}

/* False if another device has that ID. */
bool guest_registry_add(struct guest_registry *registry, struct guest_id *link, uint32_t id);
void guest_registry_remove(struct guest_registry *registry, struct guest_id *link);

/* The first member, and the one after another; NULL if there is none. */
struct guest_id *guest_registry_next(const struct guest_registry *registry, const struct guest_id *link);

#endif
