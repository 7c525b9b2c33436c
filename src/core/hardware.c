/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains whose tables hardware walks: no shadow, and a space of the host's that is the guest's own
 * tables. What holds:
 *
 *  - A domain begins with nothing in the hardware's caches: invalidations that the guest sent while
 *    there was no such domain reached no hardware.
 *  - Before there is one, all of the guest's memory is charged for, and stays so until the VM is
 *    destroyed; for so long the host keeps it pinned.
 */
#include "core/hardware.h"

#include <viommu/nesting.h>

#include "core/device.h"
#include "core/guests.h"
#include "port/sized.h"

static int result_of(const struct viommu_domain *domain, int error, uint64_t first, uint64_t last)
{
	if (!error)
		return 0;
	vm_log(domain->vm, VIOMMU_LOG_ERROR, "the host failed to invalidate what its hardware keeps of a guest's tables", first, last);
	return -PORT_EIO;
}

static int refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	const struct viommu_refresh_result one = { .steps = 1 };
	int error;

	if (first > last)
		return -PORT_ERANGE;
	first &= ~(VIOMMU_PAGE_SIZE - 1);
	last |= VIOMMU_PAGE_SIZE - 1;
	port_lock(&domain->lock);
	error = result_of(domain, domain->host->ops->nest_invalidate(domain->host_space, first, last), first, last);
	domain->stats.refreshes++;
	domain->stats.steps++;
	domain->stats.host_flushes++;
	port_unlock(&domain->lock);
	sized_out(result, &one, sizeof(one));
	return error;
}

int viommu_domain_refresh_context(struct viommu_domain *domain)
{
	int error;

	if (domain->ops->kind != VIOMMU_KIND_HARDWARE)
		return 0;
	port_lock(&domain->lock);
	error = result_of(domain, domain->host->ops->nest_context(domain->host_space), 0, 0);
	domain->stats.host_flushes++;
	port_unlock(&domain->lock);
	return error;
}

static void destroy(struct viommu_domain *domain)
{
	domain_end(domain);
	port_free(domain, sizeof(*domain), 0);
}

static const struct domain_ops hardware_ops = {
	.kind = VIOMMU_KIND_HARDWARE,
	.needs_id = true, /* without one, nothing could tell which device an event belongs to */
	.attach = domain_attach_host,
	.detach = domain_detach_host,
	.replace = domain_replace_host,
	.refresh = refresh,
	.destroy = destroy,
};

/* With the VM's lock held. */
static int create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2])
{
	struct host_guest *guest;
	int error = vm_pin(vm);

	if (!error)
		error = domain_begin(domain, vm, host, 0, UINT64_MAX, &guest);
	if (error)
		return error;
	error = host->ops->nest_create(host, guest, ste, &domain->memory, &domain->host_space);
	if (error)
		return error == -PORT_EINVAL ? error : domain_failure(vm, error);
	domain_enter(domain, &hardware_ops);
	return 0;
}

int hardware_create(struct viommu_vm *vm, struct viommu_host *host, const uint64_t ste[2], struct viommu_domain **out)
{
	struct viommu_domain *domain = port_alloc(sizeof(*domain), 0);
	int error;

	if (!domain)
		return -PORT_ENOMEM;
	port_lock(&vm->lock);
	error = create(domain, vm, host, ste);
	port_unlock(&vm->lock);
	if (error) {
		port_free(domain, sizeof(*domain), 0);
		return error;
	}
	port_lock(&domain->lock);
	error = result_of(domain, host->ops->nest_invalidate(domain->host_space, 0, UINT64_MAX), 0, UINT64_MAX);
	port_unlock(&domain->lock);
	if (error) {
		viommu_domain_destroy(domain);
		return error;
	}
	*out = domain;
	return 0;
}

static bool nests(const struct viommu_host *host)
{
	return host->caps.nests;
}

int viommu_device_set_id(struct viommu_device *device, uint32_t id)
{
	struct viommu_vm *vm = device->vm;
	int error;

	if (!nests(device->host))
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->lock);
	error = device->self.domain ? -PORT_EBUSY : device->host->ops->device_set_id(device->host_device, id);
	device->has_id |= !error;
	port_unlock(&vm->lock);
	return !error || error == -PORT_EBUSY ? error : -PORT_EIO;
}

int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host)
{
	struct host_guest *guest;
	int ret;

	if (!nests(host))
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->lock);
	guest = guests_find(vm, host);
	ret = guest ? host->ops->nest_fd(guest) : -PORT_ENODEV;
	port_unlock(&vm->lock);
	return ret;
}

int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event)
{
	struct host_event theirs = { .lost = false };
	struct viommu_nest_event ours = { .size = 0 };
	struct host_guest *guest;
	int ret;

	if (!nests(host))
		return -PORT_EOPNOTSUPP;
	/* One at a time takes an event of a guest's, and this lock is not held for long by anybody who could be in the way. */
	port_lock(&vm->lock);
	guest = guests_find(vm, host);
	ret = guest ? host->ops->nest_event(guest, &theirs) : -PORT_ENOENT;
	port_unlock(&vm->lock);
	if (ret)
		return ret == -PORT_ENOENT ? ret : -PORT_EIO;
	ours.lost = theirs.lost;
	__builtin_memcpy(ours.record, theirs.record, sizeof(ours.record));
	sized_out(event, &ours, sizeof(ours));
	return 0;
}
