/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/gate.h"

#include "port/sized.h"

void guest_gate_init(struct guest_gate *gate)
{
	for (unsigned int i = 0; i < GUEST_LANES; i++)
		port_lock_init(&gate->lane[i].lock);
}

void guest_gate_destroy(struct guest_gate *gate)
{
	for (unsigned int i = 0; i < GUEST_LANES; i++)
		port_lock_destroy(&gate->lane[i].lock);
}

struct guest_lane *guest_gate_find_lane(struct guest_gate *gate)
{
	struct guest_lane *lane = &gate->lane[0];
	unsigned int least = port_load_relaxed(&lane->users);

	for (unsigned int i = 1; least && i < GUEST_LANES; i++) {
		unsigned int users = port_load_relaxed(&gate->lane[i].users);

		if (users < least) {
			least = users;
			lane = &gate->lane[i];
		}
	}
	return lane;
}

int guest_gate_stats(struct guest_lane *lane, struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	const struct viommu_domain_stats none = { .size = 0 };
	int error = sized_fits(stats, VIOMMU_DOMAIN_STATS_SIZE_V0) ? 0 : -PORT_EINVAL;

	if (!error)
		sized_out(stats, &none, sizeof(none));
	if (!domain)
		return error;
	if (!error && viommu_domain_kind(domain) != VIOMMU_KIND_DIRECT)
		viommu_domain_stats(domain, stats);
	guest_gate_leave(lane);
	return error;
}

int guest_gate_each_run(struct guest_lane *lane, struct viommu_domain *domain, uint64_t first, uint64_t last,
			int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	int result;

	if (!domain)
		return 0;
	port_lock(&lane->lock);
	result = viommu_domain_each_run(domain, first, last, fn, ctx);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	return result;
}

void guest_gate_drain(struct guest_gate *gate)
{
	for (unsigned int i = 0; i < GUEST_LANES; i++) {
		struct guest_lane *lane = &gate->lane[i];

		while (port_load_acquire(&lane->users)) {
			port_lock(&lane->lock);
			port_unlock(&lane->lock);
			port_relax();
		}
	}
}
