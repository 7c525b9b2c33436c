/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gate of a domain: those that use a domain without a lock that keeps it pass through, and the
 * one that destroys it drains the gate first.
 *
 * A user of the gate holds one of a few lanes, which are sleeping locks. It takes the lane with the
 * fewest users, so that users wait for each other only when there are more of them than lanes.
 * `users` counts those that hold a lane or are on their way to or from it. It is counted up under
 * the lock that guards the published pointer to the domain, and down without a lock, as the user's
 * last access.
 *
 * To drain, after the domain was unpublished, means to take and give back each lane that has users.
 * That sleeps as long as a user works, and spins only for the few instructions between count and
 * lock.
 *
 * A user that does not sleep (a getter) need not lock its lane: it enters and leaves.
 */
#ifndef VIOMMU_GUEST_COMMON_GATE_H
#define VIOMMU_GUEST_COMMON_GATE_H

#include <viommu/domain.h>

#include "port/port.h"

#define GUEST_LANES 4u

struct guest_lane {
	/*
	 * Taken after the guest IOMMU's `change`, before all locks of core. Never with `lock` of a
	 * guest IOMMU.
	 */
	struct port_lock lock;
	unsigned int users; /* atomic */
};

struct guest_gate {
	struct guest_lane lane[GUEST_LANES];
};

void guest_gate_init(struct guest_gate *gate);
void guest_gate_destroy(struct guest_gate *gate);

/* The lane with the fewest users. */
struct guest_lane *guest_gate_find_lane(struct guest_gate *gate);

/*
 * With the lock held under which the domain is published. The caller then locks the lane, if it may
 * sleep in the domain.
 */
static inline struct guest_lane *guest_gate_enter(struct guest_gate *gate)
{
	struct guest_lane *lane = &gate->lane[0];

	if (port_load_relaxed(&lane->users))
		lane = guest_gate_find_lane(gate);
	port_add_relaxed(&lane->users, 1);
	return lane;
}

/* With the lane's lock given back. */
static inline void guest_gate_leave(struct guest_lane *lane)
{
	port_sub_release(&lane->users, 1);
}

/*
 * The statistics and runs of a domain whose lane was entered and not locked; it is left. Without a
 * domain (NULL, and no lane): nothing.
 */
int guest_gate_stats(struct guest_lane *lane, struct viommu_domain *domain, struct viommu_domain_stats *stats);
int guest_gate_each_run(struct guest_lane *lane, struct viommu_domain *domain, uint64_t first, uint64_t last,
			int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

/* When the domain is not published any more: returns when all users have left. */
void guest_gate_drain(struct guest_gate *gate);

#endif
