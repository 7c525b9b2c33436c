/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One set of guest tables, composed with the VM's memory into a part of a domain's space. A nested
 * domain has as many as its guest IOMMU has sets of tables for one context.
 */
#ifndef VIOMMU_CORE_COMPOSITION_H
#define VIOMMU_CORE_COMPOSITION_H

#include "core/domain.h"
#include "core/shadow/shadow.h"

/* The description of one set of tables by a guest IOMMU. */
struct guest_tables {
	const struct shadow_ops *ops;	/* their format: core/shadow/formats.h */
	struct format_designation root; /* where they begin, in the format's own terms */
	uint64_t first;			/* IOVAs that they are for: whole pages */
	uint64_t last;
};

struct composition {
	struct shadow shadow port_aligned(PORT_LINE_BYTES);
	struct viommu_domain *domain;
	const struct shadow_ops *ops;
	uint64_t first; /* IOVAs */
	uint64_t last;
	struct tracked tracked;
};

/*
 * Of zeroed memory. 0, -EINVAL, or -ERANGE if the tables cannot translate their IOVAs; then there
 * is nothing to destroy. The domain may be made later.
 */
int composition_init(struct composition *composition, struct viommu_vm *vm, struct viommu_domain *domain, const struct guest_tables *tables);

/* When nothing of it is in the host's space any more. */
void composition_destroy(struct composition *composition);

/*
 * Makes first..last, which lies within its IOVAs, true to the tables. merge: what it makes valid
 * may become mappings of many pages on a host that can only remove whole ones. The pass holds the
 * result, and needs no initialisation. locked: the domain's lock is held, and is given back. 0,
 * -EIO, -EFAULT or -ENOSPC.
 */
int composition_refresh(struct composition *composition, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge, bool locked);

/*
 * With the domain's lock held: gives back memory that is only kept for later. True if there was
 * any.
 */
bool composition_trim(struct composition *composition);

/* With the VM's lock held: releases all pages of a slot. */
int composition_release_slot(struct composition *composition, struct slot *slot);

#endif
