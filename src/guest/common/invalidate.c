/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invalidations, applied as refreshes, and handed to hardware that walks the tables.
 *
 * When guest_iommu_sync() has returned, nothing is reached that the tables had ceased to name
 * before the invalidation was collected. A refresh can fail where an invalidation cannot:
 *   malformed tables   are an event for the access that meets them, not for the invalidation;
 *   shortage           what is missing is looked for at the next access;
 *   the host failed    to remove something: the domain is destroyed, and made anew from the tables.
 */
#include <viommu/nesting.h>

#include "core/nested.h"
#include "format/format.h"
#include "guest/common/devices.h"

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

int guest_domain_refresh(const struct guest_domain *domain, uint64_t first, uint64_t last)
{
	struct viommu_host *host = domain->host;
	/* Domains without tables do not fill it in. */
	struct viommu_refresh_result result = { 0 };
	int error = viommu_domain_refresh(domain->domain, first, last, &result);

	if (error && error != -PORT_ERANGE && host->ops->unseen)
		host->ops->unseen(host, first, last, error, &result);
	return error;
}

/* False if the host failed. */
static bool refresh(struct guest_iommu *iommu, struct guest_domain *domain, uint64_t first, uint64_t last)
{
	int error = guest_domain_refresh(domain, first, last);

	guest_count(&iommu->counts.refreshes);
	if (guest_is_shortage(error))
		guest_count(&iommu->counts.insufficient);
	return error != -PORT_EIO;
}

/* Whether a domain may have a leaf of all contexts there. */
static bool has_global(const struct guest_iommu *iommu, const struct guest_domain *domain, uint64_t first, uint64_t last)
{
	uint64_t mask = format_swap_if_big(iommu->ops->not_global);

	return mask && nested_has_leaf_without(domain->domain, first, last, mask);
}

static bool refresh_range(struct guest_iommu *iommu, struct guest_domain *domain, const struct guest_range *range)
{
	unsigned int bits = range->entry_bits;
	uint64_t rest, first, last;

	if (bits && bits > nested_leaf_bits(domain->domain))
		bits = nested_leaf_bits(domain->domain);
	rest = (UINT64_C(1) << bits) - 1;
	first = range->first & ~rest;
	last = range->last | rest;
	if (guest_range_applies(range, domain->config.context) || (range->globals && has_global(iommu, domain, first, last)))
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

static bool is_for(const struct guest_batch *batch, unsigned int i, const struct viommu_host *host)
{
	return !batch->host[i] || batch->host[i] == host;
}

/*
 * The entries of a batch that are for a host, as many at a time as stand together. False if the
 * host failed.
 */
static bool send_to(struct guest_iommu *iommu, struct viommu_host *host)
{
	const struct guest_batch *batch = &iommu->batch;

	for (unsigned int first = 0, end; first < batch->number; first = end + 1) {
		for (end = first; end < batch->number && is_for(batch, end, host);)
			end++;
		if (end > first && viommu_nest_invalidate(iommu->vm, host, iommu->ops->type, batch->entry[first], sizeof(batch->entry[0]), end - first, NULL))
			return false;
	}
	return true;
}

/*
 * Hardware has one cache for all domains of a guest's: what was sent for one is done for the whole
 * host.
 */
static void send_batch(struct guest_iommu *iommu)
{
	const struct viommu_host *done = NULL;

	list_each (&iommu->domains, struct guest_domain, in_iommu, domain) {
		if (!is_hardware(domain) || domain->host == done)
			continue;
		if (send_to(iommu, domain->host))
			done = domain->host;
		else
			guest_domain_break(iommu, domain);
	}
	iommu->batch.number = 0;
}

void guest_iommu_forward(struct guest_iommu *iommu, struct viommu_host *host, const uint64_t entry[GUEST_ENTRY_WORDS])
{
	struct guest_batch *batch = &iommu->batch;

	if (!iommu->hardware)
		return;
	if (batch->number == GUEST_BATCH)
		send_batch(iommu);
	batch->host[batch->number] = host;
	for (unsigned int i = 0; i < GUEST_ENTRY_WORDS; i++)
		batch->entry[batch->number][i] = format_swap_if_big(entry[i]);
	batch->number++;
}

static void refresh_domains(struct guest_iommu *iommu)
{
	list_each (&iommu->domains, struct guest_domain, in_iommu, domain)
		if (guest_domain_kind(domain) == VIOMMU_KIND_NESTED && !refresh_ranges(iommu, domain))
			guest_domain_break(iommu, domain);
	iommu->ranges.number = 0;
}

void guest_iommu_sync(struct guest_iommu *iommu)
{
	if (iommu->ranges.number)
		refresh_domains(iommu);
	if (iommu->batch.number)
		send_batch(iommu);
	guest_iommu_settle(iommu);
}
