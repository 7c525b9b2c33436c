/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A registration of I/O address translation parameters: the parameters of MPCIFC, the domain that
 * was made from them, and the gate of that domain.
 *
 * The parameters outlive the domain. If the host refuses to detach a device whose DMA must stop,
 * its domain is destroyed instead, and the registration is dormant: it has no domain until RESET
 * ERROR makes one from what the tables hold then.
 */
#ifndef VIOMMU_GUEST_ZPCI_IOAT_H
#define VIOMMU_GUEST_ZPCI_IOAT_H

#include "function.h"
#include "guest/common/gate.h"

struct zpci_ioat {
	uint64_t pba port_aligned(PORT_LINE_BYTES);
	uint64_t pal;
	uint64_t iota;
	/*
	 * Nested, or direct without translation; NULL while the registration is dormant. Once it is
	 * published, written with change and the function's lock held.
	 */
	struct viommu_domain *domain;
	struct guest_gate gate; /* entered with the function's lock held */
};

static inline bool zpci_ioat_is_dormant(const struct zpci_ioat *ioat)
{
	return !ioat->domain;
}

/*
 * Whether the architecture lets this function register these parameters; else they are an operand
 * exception. pba and pal are whole pages already.
 */
bool zpci_ioat_is_acceptable(const struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota);

/*
 * Makes a registration with its domain. Nothing is attached yet. Errors are those of the creation
 * of a domain.
 */
int zpci_ioat_create(struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota, struct viommu_refresh_result *result,
		     struct zpci_ioat **out);

/*
 * With change held, of one that is not published (any more): drains its gate and destroys it. Never
 * fails. NULL is allowed.
 */
void zpci_ioat_destroy(struct zpci_ioat *ioat);

/*
 * With change held: lets the function's device reach the registered domain, and stops that.
 * Starting fails as zpci_ioat_create() and viommu_domain_attach() do; without a registration it
 * does nothing. Stopping never fails.
 */
int zpci_ioat_start(struct viommu_zpci_function *function);
void zpci_ioat_stop(struct viommu_zpci_function *function);

#endif
