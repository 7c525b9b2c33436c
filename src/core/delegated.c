/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A delegated refresh holds no lock of the core: the host has its own, and takes refreshes of one
 * domain from several threads. The domain's lock protects its figures, and the reports to users
 * that are notified.
 */
#include "core/delegated.h"

#include "core/result.h"
#include "core/vm_hosts.h"

static void count(struct viommu_domain *domain, const struct viommu_refresh_result *result, int error)
{
	struct domain_figures *stats = &domain->stats;

	stats->refreshes++;
	stats->steps += result->steps;
	stats->established += result->established;
	stats->released += result->released;
	stats->unbacked += result->unbacked;
	stats->entries += result->entries;
	stats->insufficient += error == -PORT_ENOSPC;
	stats->faults += error == -PORT_EFAULT;
}

/* With the domain's lock held. The host has flushed already. */
static void report(struct viommu_domain *domain, uint64_t first, uint64_t last)
{
	if (!domain->host_space->removed)
		return;
	removed_add(domain->host_space->removed, first, last);
	domain_flush(domain);
}

int delegated_create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last,
		     const struct host_nest_data *data, struct viommu_refresh_result *result, const struct domain_ops *ops)
{
	struct host_vm *host_vm;
	int error;

	refresh_result_init(result);
	if (!data)
		return -PORT_EOPNOTSUPP;
	if (first < host->caps.first || last > host->caps.last)
		return -PORT_ERANGE;
	error = domain_begin(domain, vm, host, first, last, &host_vm);
	if (error)
		return error;
	error = host->ops->compose(host, host_vm, data, &domain->memory, result, &domain->host_space);
	if (error)
		return error == -PORT_EINVAL || error == -PORT_ENODEV || error == -PORT_EOPNOTSUPP ? error : domain_failure(vm, error);
	domain_enter(domain, ops);
	if (ops->refresh)
		count(domain, result, 0);
	return 0;
}

int delegated_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	struct viommu_refresh_result ours;
	int error;

	refresh_result_init(&ours);
	error = domain->host->ops->refresh(domain->host_space, first, last, &ours);
	if (error && error != -PORT_ERANGE && error != -PORT_ENOSPC && error != -PORT_EFAULT) {
		vm_log(domain->vm, VIOMMU_LOG_ERROR, "the host failed to refresh a domain", first, last);
		error = -PORT_EIO;
	}
	port_lock(&domain->lock);
	count(domain, &ours, error);
	if (ours.released)
		report(domain, first, last);
	port_unlock(&domain->lock);
	if (result)
		*result = ours;
	return error;
}

void delegated_slot_gone(struct viommu_domain *domain, struct slot *slot)
{
	(void)slot;
	port_lock(&domain->lock);
	report(domain, 0, UINT64_MAX);
	port_unlock(&domain->lock);
}
