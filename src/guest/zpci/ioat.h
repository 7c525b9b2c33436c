/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A registration of I/O address translation parameters: what MPCIFC registered, the domain that was made from it, and the gate that refreshes of that
 * domain pass.
 *
 * The parameters and the domain have lives of their own. If the host will not detach a device whose DMA must stop, its domain is destroyed instead, and the
 * registration is dormant: it leads to nothing, until RESET ERROR makes the domain anew from what the tables hold then.
 */
#ifndef VIOMMU_GUEST_ZPCI_IOAT_H
#define VIOMMU_GUEST_ZPCI_IOAT_H

#include "function.h"

/*
 * The gate. A refresh in flight holds one of a few lanes, which are sleeping locks; it takes the one with the fewest users, so that refreshes wait for each
 * other only when there are more of them than lanes. users counts those who hold a lane or are on their way to or from it. It is counted up under the
 * function's lock, and down without one, as the last that a refresh does to a registration.
 *
 * Waiting for all to leave (after unpublishing, so that nobody new comes) means to take and give back each lane that has users. That sleeps as long as a
 * refresh works, and spins only for the few instructions between the count and the lane's lock.
 */
#define ZPCI_LANES 4u

struct zpci_lane {
	struct port_lock lock;
	unsigned int users; /* atomic */
};

struct zpci_ioat {
	uint64_t pba;
	uint64_t pal;
	uint64_t iota;
	/* Nested, or direct without translation; NULL while the registration is dormant. Written with change and the function's lock once it is published. */
	struct viommu_domain *domain;
	struct zpci_lane lane[ZPCI_LANES];
};

static inline bool zpci_ioat_is_dormant(const struct zpci_ioat *ioat)
{
	return !ioat->domain;
}

/* With the function's lock held: enters the gate. Then, without it: the lane's lock, the refresh, zpci_ioat_leave(). */
struct zpci_lane *zpci_ioat_enter(struct zpci_ioat *ioat);
void zpci_ioat_leave(struct zpci_lane *lane);

/* Whether the architecture lets this function register these parameters; else they are an operand exception. pba and pal are whole pages already. */
bool zpci_ioat_is_acceptable(const struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota);

/* Makes a registration with its domain. Nothing is attached yet. Errors are those of viommu_domain_create() and viommu_domain_create_direct(). */
int zpci_ioat_create(struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota, struct viommu_refresh_result *result,
		     struct zpci_ioat **out);

/* With change held, of one that is not, or no more, published: waits for the refreshes in flight and destroys. Never fails. NULL is allowed. */
void zpci_ioat_destroy(struct zpci_ioat *ioat);

/*
 * With change held: lets the function's device reach what is registered, and stops that. Starting fails as zpci_ioat_create() and viommu_domain_attach() do;
 * where nothing is registered there is nothing to reach, and that is success. Stopping never fails.
 */
int zpci_ioat_start(struct viommu_zpci_function *function);
void zpci_ioat_stop(struct viommu_zpci_function *function);

#endif
