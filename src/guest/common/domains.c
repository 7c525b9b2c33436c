/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains come and go with the devices that share them.
 *
 * A device that goes from one domain to another is moved in one step, if there is room for both and
 * its host can do that, as hardware takes an entry that is changed by one store. If not, it reaches
 * nothing in between; an access that fails meanwhile is to be tried again.
 */
#include "core/direct.h"
#include "guest/common/devices.h"

static void count_shared(struct guest_iommu *iommu, uint32_t change)
{
	port_lock(&iommu->lock);
	iommu->shared += change;
	port_unlock(&iommu->lock);
}

/* Whether a domain is that of a device's configuration, which reaches something. */
static bool matches(const struct guest_domain *domain, const struct guest_device *device)
{
	const struct guest_config *a = &domain->config, *b = &device->config;

	return domain->host == device->host && domain->hardware == device->hardware && a->target == b->target && a->withheld == b->withheld &&
	       a->context == b->context && !__builtin_memcmp(a->key, b->key, sizeof(a->key));
}

/* IOVA = GPA, as far as the guest's addresses and the host's IOVAs go. */
static int create_direct(const struct guest_device *device, struct viommu_domain **domain)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	uint64_t last = device->iommu->last_address, first;

	viommu_host_caps(device->host, &caps);
	first = (caps.first + (VIOMMU_PAGE_SIZE - 1)) & ~(VIOMMU_PAGE_SIZE - 1);
	if (last > caps.last)
		last = ((caps.last + 1) & ~(VIOMMU_PAGE_SIZE - 1)) - 1;
	if (first < caps.first || first > last)
		return -PORT_ERANGE;
	return direct_create(device->iommu->vm, device->host, 0, first, last, VIOMMU_RW & ~device->config.withheld, domain);
}

/* *entries: how many of the guest's were examined. */
static int create(const struct guest_device *device, struct guest_domain **out, uint64_t *entries)
{
	const struct guest_iommu_ops *ops = device->iommu->ops;
	struct guest_domain *domain = port_alloc(ops->domain_bytes, 0);
	int error;

	if (!domain)
		return -PORT_ENOMEM;
	domain->host = device->host;
	domain->hardware = device->hardware;
	domain->config = device->config;
	if (device->config.target == GUEST_TARGET_DIRECT)
		error = create_direct(device, &domain->domain);
	else
		error = ops->create(device, domain, entries);
	if (error) {
		port_free(domain, ops->domain_bytes, 0);
		return error;
	}
	guest_gate_init(&domain->gate);
	*out = domain;
	return 0;
}

/* The domain of a device's configuration, with one more device. */
static int get(const struct guest_device *device, struct guest_domain **out, uint64_t *entries)
{
	struct guest_iommu *iommu = device->iommu;
	struct guest_domain *domain;
	int error;

	list_each (&iommu->domains, struct guest_domain, in_iommu, it) {
		if (matches(it, device)) {
			it->devices++;
			*out = it;
			return 0;
		}
	}
	error = create(device, &domain, entries);
	if (error)
		return error;
	domain->devices = 1;
	list_append(&iommu->domains, &domain->in_iommu);
	iommu->hardware += domain->hardware;
	count_shared(iommu, 1);
	*out = domain;
	return 0;
}

/* No device refers to it, so that no new user can enter the gate. */
static void destroy(struct guest_iommu *iommu, struct guest_domain *domain)
{
	list_remove(&domain->in_iommu);
	iommu->hardware -= domain->hardware;
	count_shared(iommu, (uint32_t)-1);
	guest_gate_drain(&domain->gate);
	viommu_domain_destroy(domain->domain);
	guest_gate_destroy(&domain->gate);
	if (iommu->ops->freed)
		iommu->ops->freed(domain);
	port_free(domain, iommu->ops->domain_bytes, 0);
}

static void put(struct guest_iommu *iommu, struct guest_domain *domain)
{
	if (!--domain->devices)
		destroy(iommu, domain);
}

static void publish(struct guest_device *device, struct guest_domain *domain)
{
	port_lock(&device->iommu->lock);
	device->domain = domain;
	port_unlock(&device->iommu->lock);
}

void guest_domain_break(struct guest_iommu *iommu, struct guest_domain *domain)
{
	guest_each_device(iommu, device) if (device->domain == domain) publish(device, NULL);
	iommu->unsettled = true;
	guest_count(&iommu->counts.rebuilt);
	destroy(iommu, domain);
}

void guest_device_detach(struct guest_device *device)
{
	struct guest_domain *domain = device->domain;

	if (!domain)
		return;
	if (viommu_device_detach(device->device, VIOMMU_NO_PASID)) {
		guest_domain_break(device->iommu, domain);
		return;
	}
	publish(device, NULL);
	put(device->iommu, domain);
}

/* From the domain that it has, if any. */
static int attach(struct guest_device *device, struct guest_domain *domain)
{
	struct guest_domain *old = device->domain;
	int error = viommu_domain_attach(domain->domain, device->device, VIOMMU_NO_PASID);

	if (error == -PORT_EBUSY && old) {
		guest_domain_break(device->iommu, old);
		old = NULL;
		error = viommu_domain_attach(domain->domain, device->device, VIOMMU_NO_PASID);
	}
	publish(device, error ? NULL : domain);
	if (error)
		put(device->iommu, domain);
	if (old)
		put(device->iommu, old);
	return error;
}

static struct guest_shortage shortage_now(const struct guest_iommu *iommu)
{
	const struct viommu_vm *vm = iommu->vm;

	return (struct guest_shortage){
		.met = true,
		.changes = iommu->changes,
		.slots = vm_slots(vm),
		.budget = pins_load(&vm->pins.budget),
		.charged = pins_load(&vm->pins.charged),
		.memory = memory_used(&vm->memory),
	};
}

bool guest_device_may_settle(struct guest_device *device)
{
	const struct guest_shortage now = shortage_now(device->iommu), *then = &device->shortage;

	return !then->met || ++device->shortage.accesses >= GUEST_SHORTAGE_ACCESSES || now.changes != then->changes || now.slots != then->slots ||
	       now.budget > then->budget || now.charged < then->charged || now.memory < then->memory;
}

void guest_device_settle(struct guest_device *device)
{
	struct guest_iommu *iommu = device->iommu;
	struct guest_domain *domain;
	uint64_t entries = 0;
	int error;

	device->shortage.met = false;
	if (device->config.target == GUEST_TARGET_NONE) {
		guest_device_detach(device);
		return;
	}
	if (device->domain && matches(device->domain, device))
		return;
	error = get(device, &domain, &entries);
	/* Two may not fit side by side. */
	if (error && error != -PORT_EINVAL && device->domain) {
		guest_device_detach(device);
		error = get(device, &domain, &entries);
	}
	if (error)
		guest_device_detach(device);
	else
		error = attach(device, domain);
	if (guest_is_shortage(error)) {
		guest_count(&iommu->counts.insufficient);
		if (entries >= GUEST_SHORTAGE_ENTRIES || error == -PORT_EDQUOT)
			device->shortage = shortage_now(iommu);
	}
	if (!error)
		return;
	if (device->host->ops->unseen)
		device->host->ops->unseen(device->host, 0, UINT64_MAX, error, NULL);
	/* No access of it will ask again. */
	iommu->unsettled |= device->hardware;
	if (iommu->ops->refused)
		iommu->ops->refused(device, error);
}

void guest_iommu_settle(struct guest_iommu *iommu)
{
	if (!iommu->unsettled)
		return;
	iommu->unsettled = false;
	guest_each_device(iommu, device) guest_device_settle(device);
}

struct guest_domain *guest_device_enter(struct guest_device *device, struct guest_lane **lane)
{
	struct guest_domain *domain;

	port_lock(&device->iommu->lock);
	domain = device->domain;
	if (domain)
		*lane = guest_gate_enter(&domain->gate);
	port_unlock(&device->iommu->lock);
	return domain;
}
