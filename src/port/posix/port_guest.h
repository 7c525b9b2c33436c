/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Guest memory in user space: all of it is in the address space of this process, all the time. */
#ifndef VIOMMU_PORT_POSIX_GUEST_H
#define VIOMMU_PORT_POSIX_GUEST_H

#include <viommu/vm.h>

#include <port_types.h>

struct port_guest {
	unsigned char *base;
};

static inline int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot)
{
	guest->base = slot->hva;
	return 0;
}

static inline void port_guest_destroy(struct port_guest *guest)
{
	(void)guest;
}

static inline void *port_guest_map(const struct port_guest *guest, uint64_t offset)
{
	unsigned char *memory = guest->base + offset;

	/*
	 * A slot is never at NULL. The compiler drops the callers' handling of pages that cannot be
	 * mapped.
	 */
	if (!memory)
		__builtin_unreachable();
	return memory;
}

static inline void port_guest_unmap(const struct port_guest *guest, void *memory)
{
	(void)guest;
	(void)memory;
}

#endif
