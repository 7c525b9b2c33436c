/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One set of guest tables, composed with the VM's memory into a part of a space. A nested domain has one; or two, where an architecture has tables of their own for
 * the lower and for the upper end of addresses.
 */
#ifndef VIOMMU_CORE_COMPOSITION_H
#define VIOMMU_CORE_COMPOSITION_H

#include "core/anchor.h"
#include "core/vm.h"

struct composition {
	struct space *space;
	struct composition *beside; /* the domain's other one, or NULL */
	const struct shadow_ops *ops;
	struct viommu_domain_stats *stats; /* the domain's; under the space's lock */
	uint64_t first;			   /* IOVAs */
	uint64_t last;
	struct tracked tracked;
	struct shadow shadow;
};

/* Of zeroed memory. 0, -EINVAL, or -ERANGE if the tables cannot translate the anchor's IOVAs; then there is nothing to destroy. The space may come later. */
int composition_init(struct composition *composition, struct viommu_vm *vm, struct space *space, struct viommu_domain_stats *stats,
		     const struct anchor *anchor);

/* When nothing of it is in the host's space any more. */
void composition_destroy(struct composition *composition);

/*
 * Makes first..last, which lies within its IOVAs, true to the tables. merge: what it makes valid may become mappings of many pages on a host that can only remove
 * whole ones. The pass holds the result, and needs not be initialised. 0, -EIO, -EFAULT or -ENOSPC.
 */
int composition_refresh(struct composition *composition, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge);

/* With the VM's lock held: releases all pages of a slot. */
int composition_release_slot(struct composition *composition, struct slot *slot);

#endif
