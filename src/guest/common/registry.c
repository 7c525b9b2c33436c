/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/registry.h"

#include "port/port.h"

bool guest_registry_add(struct guest_registry *registry, struct guest_id *link, uint32_t id)
{
	struct guest_id **chain = &registry->chain[guest_chain(id)];

	if (guest_registry_find(registry, id))
		return false;
	port_store_relaxed(&link->id, id);
	link->next = *chain;
	*chain = link;
	registry->number++;
	return true;
}

void guest_registry_remove(struct guest_registry *registry, struct guest_id *link)
{
	struct guest_id **at = &registry->chain[guest_chain(link->id)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	registry->number--;
}

struct guest_id *guest_registry_next(const struct guest_registry *registry, const struct guest_id *link)
{
	unsigned int chain = link ? guest_chain(link->id) + 1 : 0;

	if (link && link->next)
		return link->next;
	while (chain < GUEST_CHAINS && !registry->chain[chain])
		chain++;
	return chain < GUEST_CHAINS ? registry->chain[chain] : NULL;
}
