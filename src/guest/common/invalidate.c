/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invalidations, applied as refreshes.
 *
 * When guest_iommu_sync() has returned, nothing is reached that the tables had ceased to name before the
 * invalidation was collected. A refresh can fail where an invalidation cannot:
 *   malformed tables   are an event for the access that meets them, not for the invalidation;
 *   shortage           what is missing is looked for at the next access;
 *   the host failed    to remove something: the domain is destroyed, and made anew from the tables.
 */
#include "core/nested.h"
#include "guest/common/iommu.h"

void guest_iommu_invalidate(struct guest_iommu *iommu, struct guest_range range)
{
	iommu->changes++;
	if (guest_ranges_add(&iommu->ranges, range))
		return;
	guest_iommu_sync(iommu);
	(void)guest_ranges_add(&iommu->ranges, range);
}

static bool is_hardware(const struct guest_domain *domain)
{
	return guest_domain_kind(domain) == VIOMMU_KIND_HARDWARE;
}

/* False if the host failed. */
static bool refresh(struct guest_iommu *iommu, struct guest_domain *domain, uint64_t first, uint64_t last)
{
	int error = viommu_domain_refresh(domain->domain, first, last, NULL);

	guest_count(&iommu->counts.refreshes);
	if (guest_is_shortage(error))
		guest_count(&iommu->counts.insufficient);
	return error != -PORT_EIO;
}

/* The same. Where hardware walks the tables, neither contexts nor the sizes of leaves are known. */
static bool refresh_range(struct guest_iommu *iommu, struct guest_domain *domain, const struct guest_range *range)
{
	unsigned int bits = range->entry_bits;
	uint64_t rest, first, last;

	if (bits && !is_hardware(domain) && bits > nested_leaf_bits(domain->domain))
		bits = nested_leaf_bits(domain->domain);
	rest = (UINT64_C(1) << bits) - 1;
	first = range->first & ~rest;
	last = range->last | rest;
	if (is_hardware(domain) || guest_range_applies(range, iommu->ops->context(domain)) || (range->globals && iommu->ops->has_global(domain, first, last)))
		return refresh(iommu, domain, first, last);
	return true;
}

static bool refresh_ranges(struct guest_iommu *iommu, struct guest_domain *domain)
{
	for (unsigned int i = 0; i < iommu->ranges.number; i++)
		if (!refresh_range(iommu, domain, &iommu->ranges.range[i]))
			return false;
	return true;
}

static bool reread(struct guest_domain *domain)
{
	bool wanted = domain->reread;

	domain->reread = false;
	return !wanted || !viommu_domain_refresh_context(domain->domain);
}

/*
 * Hardware has one cache for all contexts of a guest, whose IDs are in structures that only it reads:
 * what is invalidated through one domain is invalidated for the whole host.
 */
void guest_iommu_sync(struct guest_iommu *iommu)
{
	const struct viommu_host *invalidated = NULL;

	list_each (&iommu->domains, struct guest_domain, in_iommu, domain) {
		if (guest_domain_kind(domain) == VIOMMU_KIND_DIRECT)
			continue;
		if (!reread(domain) || (!(is_hardware(domain) && domain->host == invalidated) && !refresh_ranges(iommu, domain)))
			guest_domain_break(iommu, domain);
		else if (is_hardware(domain))
			invalidated = domain->host;
	}
	iommu->ranges.number = 0;
	guest_iommu_settle(iommu);
}
