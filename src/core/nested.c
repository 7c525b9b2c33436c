/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nested domains: what the guest's tables say, shadowed by the library. What the tables cover are
 * whole compositions (core/composition.h): one for each set of tables, or none where a guest has
 * switched all of its sets off.
 */
#include "core/nested.h"

#include "core/delegated.h"
#include "core/result.h"

struct nested {
	struct viommu_domain domain port_aligned(PORT_LINE_BYTES);
	unsigned int compositions;
	struct composition composition[]; /* ascending */
};

static struct nested *nested_of(struct viommu_domain *domain)
{
	return list_member(domain, struct nested, domain);
}

/* There always is one composition, if one that has no tables. */
static size_t nested_bytes(unsigned int compositions)
{
	return sizeof(struct nested) + (compositions ? compositions : 1) * sizeof(struct composition);
}

/* The part of first..last that a composition covers. False if there is none. */
static bool clip(const struct composition *composition, uint64_t *first, uint64_t *last)
{
	if (*first > composition->last || *last < composition->first)
		return false;
	if (*first < composition->first)
		*first = composition->first;
	if (*last > composition->last)
		*last = composition->last;
	return true;
}

/* Of two errors of refreshes the one that is answered. */
static int worse(int error, int other)
{
	if (error == -PORT_EIO || other == -PORT_EIO)
		return -PORT_EIO;
	if (error == -PORT_EFAULT || other == -PORT_EFAULT)
		return -PORT_EFAULT;
	return error ? error : other;
}

static void add_result(struct viommu_refresh_result *total, const struct viommu_refresh_result *result)
{
	total->steps += result->steps;
	total->established += result->established;
	total->released += result->released;
	total->unestablished += result->unestablished;
	total->unbacked += result->unbacked;
	total->entries += result->entries;
	if (total->fault.reason == VIOMMU_FAULT_NONE)
		total->fault = result->fault;
}

static bool trim_all(struct nested *nested)
{
	bool any = false;

	port_lock(&nested->domain.lock);
	for (unsigned int i = 0; i < nested->compositions; i++)
		any |= composition_trim(&nested->composition[i]);
	port_unlock(&nested->domain.lock);
	return any;
}

/*
 * Several compositions, in ascending order. What a later one releases, or only keeps for itself,
 * may be what an earlier one was short of: then all are refreshed once more. The pass's result is
 * that of all.
 */
static port_noinline int refresh_several(struct nested *nested, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge)
{
	struct viommu_refresh_result total;
	bool insufficient, retry, no_memory;
	int error;

	refresh_result_init(&total);
	for (unsigned int attempt = 0;; attempt++) {
		insufficient = retry = no_memory = false;
		error = 0;
		total.unestablished = 0;
		total.unbacked = 0;
		total.fault.reason = VIOMMU_FAULT_NONE;
		for (unsigned int i = 0; i < nested->compositions; i++) {
			uint64_t from = first, to = last;

			if (!clip(&nested->composition[i], &from, &to))
				continue;
			error = worse(error, composition_refresh(&nested->composition[i], pass, from, to, merge, false));
			retry |= insufficient && pass->result.released;
			insufficient |= pass->insufficient;
			no_memory |= pass->no_room || pass->no_memory;
			add_result(&total, &pass->result);
		}
		if (attempt || (!retry && !(no_memory && trim_all(nested))))
			break;
	}
	pass->result = total;
	pass->insufficient = insufficient;
	return error;
}

/* The composition that an IOVA is in, or NULL. */
static struct composition *covering(struct nested *nested, uint64_t iova)
{
	for (struct composition *composition = nested->composition; composition < nested->composition + nested->compositions; composition++)
		if (iova >= composition->first && iova <= composition->last)
			return composition;
	return NULL;
}

/* Of a range in the domain: -ERANGE if nothing is covered. */
static inline int refresh_covered(struct nested *nested, struct shadow_pass *pass, uint64_t first, uint64_t last, bool merge, bool locked)
{
	struct composition *composition = nested->composition, *end = composition + nested->compositions;

	/* It covers the domain. */
	if (nested->compositions == 1)
		return composition_refresh(composition, pass, first, last, merge, locked);
	while (composition < end && first > composition->last)
		composition++;
	if (composition == end || last < composition->first)
		return -PORT_ERANGE;
	if (composition + 1 < end && last >= composition[1].first)
		return refresh_several(nested, pass, first, last, merge);
	clip(composition, &first, &last);
	return composition_refresh(composition, pass, first, last, merge, locked);
}

static int nothing_refreshed(struct viommu_refresh_result *result)
{
	const struct viommu_refresh_result nothing = { 0 };

	if (result)
		*result = nothing;
	return -PORT_ERANGE;
}

/* The part of first..last that the domain has, in whole pages. False if it has none. */
static inline bool take_range(const struct viommu_domain *domain, uint64_t *from, uint64_t *to)
{
	uint64_t first = *from, last = *to;

	/* Within one top byte, which is not that of low addresses: those are as they are. */
	if ((first | last) >> 55 && first >> 55 == last >> 55) {
		first = domain_iova(domain, first);
		last = domain_iova(domain, last);
	}
	if (first > last || last < domain->first || first > domain->last)
		return false;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	*from = first < domain->first ? domain->first : first;
	*to = last > domain->last ? domain->last : last;
	return true;
}

/* Out of line, since a pass takes much of the stack. */
static port_noinline int refresh_range(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result, bool locked)
{
	struct shadow_pass pass;
	int error;

	/*
	 * A part of the aperture that one call makes valid is likely unmapped by one call, so it
	 * may become one mapping of the host's.
	 */
	error = refresh_covered(nested_of(domain), &pass, first, last, first != domain->first || last != domain->last, locked);
	if (error == -PORT_ERANGE)
		return nothing_refreshed(result);
	if (result)
		*result = pass.result;
	return error;
}

static int refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	struct nested *nested = nested_of(domain);
	struct composition *composition;
	int error = SHADOW_LONG;

	if (!take_range(domain, &first, &last))
		return nothing_refreshed(result);
	if (last - first < VIOMMU_PAGE_SIZE) {
		composition = nested->composition;
		if (!composition->shadow.alone)
			composition = covering(nested, first);
		if (composition && composition->shadow.refresh_page)
			error = composition->shadow.refresh_page(&composition->shadow, domain, first, result);
	}
	return error > 0 ? refresh_range(domain, first, last, result, error == SHADOW_LONG_LOCKED) : error;
}

static int refresh_by_host(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	return take_range(domain, &first, &last) ? delegated_refresh(domain, first, last, result) : nothing_refreshed(result);
}

static int each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct nested *nested = nested_of(domain);
	int result = 0;

	port_lock(&domain->lock);
	for (unsigned int i = 0; !result && i < nested->compositions; i++) {
		struct composition *composition = &nested->composition[i];
		uint64_t from = first, to = last;

		if (clip(composition, &from, &to))
			result = composition->ops->each_run(&composition->shadow, vm_slots(domain->vm), from, to, fn, ctx);
	}
	port_unlock(&domain->lock);
	return result;
}

static int is_without(void *ctx, struct shadow_leaves *leaves, uint64_t mask)
{
	const uint64_t *bits = ctx;

	for (mask &= leaves->leaf; mask; mask &= mask - 1)
		if (!(leaves->word[port_lowest_bit(mask)] & *bits))
			return 1;
	return 0;
}

bool nested_has_leaf_without(struct viommu_domain *domain, uint64_t first, uint64_t last, uint64_t mask)
{
	struct nested *nested = nested_of(domain);
	bool found = is_delegated(domain);

	port_lock(&domain->lock);
	for (unsigned int i = 0; !found && i < nested->compositions; i++) {
		uint64_t from = first, to = last;

		if (clip(&nested->composition[i], &from, &to))
			found = shadow_each(&nested->composition[i].shadow, from, to, is_without, &mask);
	}
	port_unlock(&domain->lock);
	return found;
}

unsigned int nested_leaf_bits(struct viommu_domain *domain)
{
	struct nested *nested = nested_of(domain);
	unsigned int bits = is_delegated(domain) ? 63 : SHADOW_PAGE_SHIFT;

	port_lock(&domain->lock);
	for (unsigned int i = 0; i < nested->compositions; i++)
		if (nested->composition[i].shadow.widest > bits)
			bits = nested->composition[i].shadow.widest;
	port_unlock(&domain->lock);
	return bits;
}

static int walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	const struct viommu_fault outside = { .reason = VIOMMU_FAULT_APERTURE, .iova = iova, .entry_gpa = UINT64_MAX, .pasid = VIOMMU_NO_PASID };
	struct nested *nested = nested_of(domain);
	struct composition *composition;
	int error;

	iova = domain_iova(domain, iova);
	composition = covering(nested, iova);
	if (composition) {
		port_lock(&domain->lock);
		error = composition->ops->walk(&composition->shadow, vm_slots(domain->vm), iova, run, fault);
		port_unlock(&domain->lock);
		return error;
	}
	if (fault)
		*fault = outside;
	return -PORT_EFAULT;
}

static void stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	struct nested *nested = nested_of(domain);

	for (unsigned int i = 0; i < nested->compositions; i++) {
		stats->shadow_bytes += nested->composition[i].shadow.bytes;
		stats->tracked_tables += tracking_tables(&nested->composition[i].tracked);
	}
}

/*
 * The next refresh finds entries that name a new slot. Its pages are charged when a table names
 * them.
 */
static int slot_unmap(struct viommu_domain *domain, struct slot *slot)
{
	struct nested *nested = nested_of(domain);
	int error = 0;

	for (unsigned int i = 0; i < nested->compositions; i++) {
		int one = composition_release_slot(&nested->composition[i], slot);

		if (one)
			error = one;
	}
	return error;
}

static void destroy(struct viommu_domain *domain)
{
	struct nested *nested = nested_of(domain);

	domain_end(domain);
	for (unsigned int i = 0; i < nested->compositions; i++)
		composition_destroy(&nested->composition[i]);
	port_free(nested, nested_bytes(nested->compositions), _Alignof(struct nested));
}

static const struct domain_ops nested_ops = {
	.kind = VIOMMU_KIND_NESTED,
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.refresh = refresh,
	.each_run = each_run,
	.walk = walk,
	.stats = stats,
	.slot_unmap = slot_unmap,
	.destroy = destroy,
};

/* Nothing of it is in the compositions. */
static const struct domain_ops delegated_ops = {
	.kind = VIOMMU_KIND_NESTED,
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.refresh = refresh_by_host,
	.walk = walk,
	.slot_uncharge = delegated_slot_gone,
	.destroy = destroy,
};

static int create(struct nested *nested, struct viommu_vm *vm, struct viommu_host *host, const struct guest_tables *tables, const struct host_nest_data *data,
		  struct viommu_refresh_result *result)
{
	/* A domain without tables translates nothing, wherever its space is. */
	uint64_t first = 0, last = VIOMMU_PAGE_SIZE - 1;
	int error;

	for (unsigned int i = 0; i < nested->compositions; i++) {
		error = composition_init(&nested->composition[i], vm, &nested->domain, &tables[i]);
		if (error)
			return error;
		first = i ? first : tables[i].first;
		last = tables[i].last;
	}
	port_lock(&vm->lock);
	if (host->ops->compose)
		error = delegated_create(&nested->domain, vm, host, first, last, data, result, &delegated_ops);
	else
		error = domain_create(&nested->domain, vm, host, first, last, &nested_ops);
	port_unlock(&vm->lock);
	for (unsigned int i = 0; i < nested->compositions; i++) {
		struct composition *composition = &nested->composition[i];

		composition->shadow.alone = nested->compositions == 1;
		if (host->caps.split && !composition->tracked.has_tracker)
			composition->shadow.refresh_page = composition->ops->refresh_page;
	}
	return error;
}

static int synchronise(struct nested *nested, struct viommu_refresh_result *result)
{
	struct viommu_domain *domain = &nested->domain;
	struct shadow_pass pass;
	int error;

	if (!nested->compositions)
		return 0;
	error = refresh_covered(nested, &pass, domain->first, domain->last, false, false);
	*result = pass.result;
	/*
	 * A malformed entry is for the refresh of it to report: the registration stands. It does
	 * not hide that something else did not fit.
	 */
	if (error == -PORT_EFAULT)
		return pass.insufficient ? -PORT_ENOSPC : 0;
	return error;
}

int nested_create(struct viommu_vm *vm, struct viommu_host *host, const struct guest_tables *tables, unsigned int number, const struct host_nest_data *data,
		  struct viommu_refresh_result *result, struct viommu_domain **out)
{
	struct nested *nested = port_alloc(nested_bytes(number), _Alignof(struct nested));
	struct viommu_refresh_result ours = { 0 };
	int error;

	if (!nested)
		return -PORT_ENOMEM;
	nested->compositions = number;
	error = create(nested, vm, host, tables, data, &ours);
	if (error) {
		port_free(nested, nested_bytes(number), _Alignof(struct nested));
		return error;
	}
	error = host->ops->compose ? 0 : synchronise(nested, &ours);
	if (result)
		*result = ours;
	if (error) {
		viommu_domain_destroy(&nested->domain);
		return error;
	}
	*out = &nested->domain;
	return 0;
}
