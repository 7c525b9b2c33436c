/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The common part of all kinds of domains: domain.h. */
#include "core/domain.h"

#include "core/attachment.h"
#include "core/vm_hosts.h"
#include "port/sized.h"

static void *charged_alloc(void *ctx, size_t bytes, size_t align)
{
	struct viommu_domain *domain = ctx;

	return memory_alloc(&domain->vm->memory, bytes, align);
}

static void charged_free(void *ctx, void *memory, size_t bytes, size_t align)
{
	struct viommu_domain *domain = ctx;

	memory_free(&domain->vm->memory, memory, bytes, align);
}

int domain_failure(struct viommu_vm *vm, int error)
{
	if (error == -PORT_ENOMEM || error == -PORT_ENOSPC || error == -PORT_ERANGE)
		return error;
	vm_log(vm, VIOMMU_LOG_ERROR, "the host failed to create an address space", (uint64_t)-error, 0);
	return -PORT_EIO;
}

int domain_begin(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, struct host_vm **host_vm)
{
	int error = vm_hosts_get(vm, host, host_vm);

	/* The host does not keep the VM's budget. */
	if (error == -PORT_EOPNOTSUPP)
		return error;
	if (error)
		return domain_failure(vm, error);
	domain->vm = vm;
	domain->host = host;
	domain->first = first;
	domain->last = last;
	domain->memory = (struct host_memory){ .ctx = domain, .alloc = charged_alloc, .free = charged_free };
	return 0;
}

void domain_enter(struct viommu_domain *domain, const struct domain_ops *ops)
{
	domain->ops = ops;
	if (domain->host_space)
		domain->host_space->ops = domain->host->ops;
	port_lock_init(&domain->lock);
	list_init(&domain->attachments);
	list_append(&domain->vm->domains, &domain->in_vm);
}

int domain_create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, uint64_t first, uint64_t last, const struct domain_ops *ops)
{
	struct host_vm *host_vm;
	int error;

	if (!host->ops->space_create)
		return -PORT_EOPNOTSUPP;
	if (first < host->caps.first || last > host->caps.last)
		return -PORT_ERANGE;
	error = domain_begin(domain, vm, host, first, last, &host_vm);
	if (error)
		return error;
	error = host->ops->space_create(host, host_vm, first, last, &domain->memory, &domain->host_space);
	if (error)
		return domain_failure(vm, error);
	domain_enter(domain, ops);
	return 0;
}

int domain_attach_host(struct viommu_domain *domain, struct attachment *attachment)
{
	return domain->host->ops->attach(domain->host_space, attachment->host_device, attachment->pasid);
}

int domain_detach_host(struct viommu_domain *domain, struct attachment *attachment)
{
	return domain->host->ops->detach(domain->host_space, attachment->host_device, attachment->pasid);
}

int domain_replace_host(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment)
{
	const struct host_ops *ops = to->host->ops;

	if (!ops->replace || !from->host_space)
		return -PORT_EOPNOTSUPP;
	return ops->replace(from->host_space, to->host_space, attachment->host_device, attachment->pasid);
}

void domain_join(struct viommu_domain *domain, struct attachment *attachment)
{
	list_append(&domain->attachments, &attachment->in_domain);
	attachment->domain = domain;
	port_store_relaxed(&attachment->binding, attachment->binding + 1);
	port_store_release(&attachment->reached, domain->host_space ? domain : NULL);
	if (attachment->notify)
		domain_count_notified(domain, 1);
}

void domain_count_notified(struct viommu_domain *domain, unsigned int change)
{
	struct removed *removed = &domain->removed;

	removed->notified += change;
	if (!removed->notified)
		removed->number = 0;
	if (domain->host_space)
		domain->host_space->removed = removed->notified ? removed : NULL;
}

void domain_notify_left(struct viommu_domain *domain, const struct attachment *attachment)
{
	if (!attachment->notify)
		return;
	domain_count_notified(domain, -1u);
	attachment->notify(attachment->notify_ctx, 0, UINT64_MAX);
}

int domain_detach(struct attachment *attachment, bool by_force)
{
	struct viommu_domain *domain = attachment->domain;
	int error;

	if (!domain)
		return 0;
	port_lock(&domain->lock);
	error = domain->ops->detach(domain, attachment);
	if (!error || by_force) {
		attachment->domain = NULL;
		port_store_relaxed(&attachment->reached, NULL);
		list_remove(&attachment->in_domain);
		attachment_drain(attachment);
		domain_notify_left(domain, attachment);
	}
	port_unlock(&domain->lock);
	return error ? -PORT_EIO : 0;
}

void domain_end(struct viommu_domain *domain)
{
	list_each (&domain->attachments, struct attachment, in_domain, attachment) {
		if (domain_detach(attachment, true))
			vm_log(domain->vm, VIOMMU_LOG_ERROR, "a host refused to detach a device from a domain that is destroyed", domain->first, domain->last);
		attachment_put(attachment);
	}
	list_remove(&domain->in_vm);
	if (domain->host_space)
		domain->host->ops->space_destroy(domain->host_space);
	port_lock_destroy(&domain->lock);
}

void viommu_domain_destroy(struct viommu_domain *domain)
{
	struct viommu_vm *vm;

	if (!domain)
		return;
	port_debug_may_wait();
	vm = domain->vm;
	port_lock(&vm->lock);
	domain->ops->destroy(domain);
	port_unlock(&vm->lock);
}

int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	port_debug_may_wait();
	return domain->ops->refresh ? domain->ops->refresh(domain, first, last, result) : -PORT_EOPNOTSUPP;
}

int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	port_debug_may_wait();
	if (first > last || !domain->ops->each_run)
		return 0;
	return domain->ops->each_run(domain, first & ~(VIOMMU_PAGE_SIZE - 1), last | (VIOMMU_PAGE_SIZE - 1), fn, ctx);
}

int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	port_debug_may_wait();
	return domain->ops->walk ? domain->ops->walk(domain, iova, run, fault) : -PORT_EOPNOTSUPP;
}

static struct viommu_domain_stats figures(const struct domain_figures *figures)
{
	return (struct viommu_domain_stats){
		.refreshes = figures->refreshes,
		.steps = figures->steps,
		.established = figures->established,
		.released = figures->released,
		.mapped_pages = figures->mapped_pages,
		.mapped_pages_peak = figures->mapped_pages_peak,
		.insufficient = figures->insufficient,
		.faults = figures->faults,
		.unbacked = figures->unbacked,
		.host_maps = figures->host_maps,
		.host_unmaps = figures->host_unmaps,
		.host_flushes = figures->host_flushes,
		.host_splits = figures->host_splits,
		.entries = figures->entries,
		.tracked = figures->tracked,
	};
}

int viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	struct viommu_domain_stats ours;

	if (!sized_fits(stats, VIOMMU_DOMAIN_STATS_SIZE_V0))
		return -PORT_EINVAL;
	port_debug_may_wait();
	port_lock(&domain->lock);
	ours = figures(&domain->stats);
	list_each (&domain->attachments, struct attachment, in_domain, attachment)
		ours.devices++;
	if (domain->ops->stats)
		domain->ops->stats(domain, &ours);
	port_unlock(&domain->lock);
	sized_out(stats, &ours, sizeof(ours));
	return 0;
}

enum viommu_domain_kind viommu_domain_kind(const struct viommu_domain *domain)
{
	return domain->ops->kind;
}

/* Reports what was noted. */
static port_noinline void report(struct viommu_domain *domain)
{
	struct removed *removed = &domain->removed;

	for (unsigned int i = 0; i < removed->number; i++) {
		struct removed_range range = removed->range[i];

		/* The same translations are reached with any top byte. */
		if (domain->top_ignored)
			range = (struct removed_range){ 0, UINT64_MAX };
		list_each (&domain->attachments, struct attachment, in_domain, attachment)
			if (attachment->notify)
				attachment->notify(attachment->notify_ctx, range.first, range.last);
	}
	removed->number = 0;
}

int domain_flush(struct viommu_domain *domain)
{
	int error = domain->host_space->ops->flush(domain->host_space);

	if (error)
		return error;
	/*
	 * Pairs with viommu_reader_enter(): either it sees the new generation, or we see that it is
	 * held.
	 */
	port_fence();
	list_each (&domain->attachments, struct attachment, in_domain, attachment)
		readers_wait_held(&attachment->readers);
	if (domain->removed.number)
		report(domain);
	return 0;
}

void domain_trim(struct viommu_domain *domain)
{
	if (!domain->host->ops->trim)
		return;
	/*
	 * The host frees tables that the last flush has retired; only a lookup that began before it
	 * may still use them.
	 */
	port_grace_heavy();
	list_each (&domain->attachments, struct attachment, in_domain, attachment)
		readers_wait_inside(&attachment->readers);
	domain->host->ops->trim(domain->host_space);
}
