/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains whose tables hardware walks: no shadow, and a space of the host's that is the guest's own
 * tables. While there is one, all of the guest's memory is charged for. From the first attach on it
 * stays so until the VM is destroyed, as the host keeps it pinned for so long.
 */
#include "core/hardware.h"

#include <viommu/nesting.h>

#include "core/device.h"
#include "core/vm_hosts.h"
#include "port/sized.h"

/*
 * With the VM's lock held. Hosts pin from the first attach on: if there was none, there is nothing
 * to charge for without such a domain.
 */
static void unpin(struct viommu_vm *vm)
{
	if (vm->pinned && !vm->hardware && !vm->kept && vm->config.pin != VIOMMU_PIN_GUEST)
		vm_unpin(vm);
}

static int attach(struct viommu_domain *domain, struct attachment *attachment)
{
	domain->vm->kept = true;
	return domain_attach_host(domain, attachment);
}

static int replace(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment)
{
	to->vm->kept = true;
	return domain_replace_host(from, to, attachment);
}

static void destroy(struct viommu_domain *domain)
{
	struct viommu_vm *vm = domain->vm;

	domain_end(domain);
	vm->hardware--;
	unpin(vm);
	port_free(domain, sizeof(*domain), 0);
}

static const struct domain_ops hardware_ops = {
	.kind = VIOMMU_KIND_HARDWARE,
	.needs_id = true, /* without one, nothing could tell which device an event belongs to */
	.attach = attach,
	.detach = domain_detach_host,
	.replace = replace,
	.destroy = destroy,
};

/* With the VM's lock held. */
static int create(struct viommu_domain *domain, struct viommu_vm *vm, struct viommu_host *host, const struct host_nest_data *data)
{
	struct host_vm *host_vm;
	int error = vm_pin(vm);

	if (error)
		return error;
	error = domain_begin(domain, vm, host, 0, UINT64_MAX, &host_vm);
	if (!error) {
		error = host->ops->nest_create(host, host_vm, data, &domain->memory, &domain->host_space);
		if (error && error != -PORT_EINVAL)
			error = domain_failure(vm, error);
	}
	if (error) {
		unpin(vm);
		return error;
	}
	domain_enter(domain, &hardware_ops);
	vm->hardware++;
	return 0;
}

int hardware_create(struct viommu_vm *vm, struct viommu_host *host, const struct host_nest_data *data, struct viommu_domain **out)
{
	struct viommu_domain *domain;
	int error;

	if (!host->nest.type || host->nest.type != data->type)
		return -PORT_EOPNOTSUPP;
	domain = port_alloc(sizeof(*domain), 0);
	if (!domain)
		return -PORT_ENOMEM;
	port_lock(&vm->lock);
	error = create(domain, vm, host, data);
	port_unlock(&vm->lock);
	if (error) {
		port_free(domain, sizeof(*domain), 0);
		return error;
	}
	*out = domain;
	return 0;
}

int viommu_nest_invalidate(struct viommu_vm *vm, struct viommu_host *host, uint32_t type, const void *entries, uint32_t entry_bytes, uint32_t number,
			   uint32_t *done)
{
	struct host_vm *host_vm;
	uint32_t carried_out = 0;
	int error = 0;

	if (!host->nest.type || host->nest.type != type)
		return -PORT_EOPNOTSUPP;
	if (entry_bytes != host->nest.entry_bytes)
		return -PORT_EINVAL;
	/* A host that does not know the VM has nothing of it. */
	host_vm = vm_hosts_find(vm, host);
	if (host_vm && number)
		error = host->ops->nest_invalidate(host_vm, entries, number, &carried_out);
	if (done)
		*done = error ? carried_out : number;
	if (!error)
		return 0;
	vm_log(vm, VIOMMU_LOG_ERROR, "the host failed to invalidate what its hardware keeps of a guest's tables", (uint64_t)-error, carried_out);
	return -PORT_EIO;
}

int viommu_device_set_id(struct viommu_device *device, uint32_t id)
{
	struct viommu_vm *vm = device->vm;
	int error;

	if (!device->host->nest.type)
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->lock);
	error = device->self.domain ? -PORT_EBUSY : device->host->ops->device_set_id(device->host_device, id);
	device->has_id |= !error;
	port_unlock(&vm->lock);
	return !error || error == -PORT_EBUSY ? error : -PORT_EIO;
}

int viommu_nest_fd(struct viommu_vm *vm, struct viommu_host *host)
{
	struct host_vm *host_vm;

	if (!host->nest.type)
		return -PORT_EOPNOTSUPP;
	host_vm = vm_hosts_find(vm, host);
	return host_vm ? host->ops->nest_fd(host_vm) : -PORT_ENODEV;
}

/* With the VM's lock for events held. 0, -ENOENT or -EIO. */
static int next_event(struct viommu_vm *vm, struct viommu_host *host, struct host_nest_event *event)
{
	struct host_vm *host_vm = vm_hosts_find(vm, host);
	int error = host_vm ? host->ops->nest_event(host_vm, event) : -PORT_ENOENT;

	return !error || error == -PORT_ENOENT ? error : -PORT_EIO;
}

int viommu_nest_event(struct viommu_vm *vm, struct viommu_host *host, struct viommu_nest_event *event)
{
	struct viommu_nest_event ours;
	struct host_nest_event theirs;
	int error;

	if (!host->nest.type)
		return -PORT_EOPNOTSUPP;
	if (!sized_in(&ours, sizeof(ours), VIOMMU_NEST_EVENT_SIZE_V0, event) || !ours.record || ours.bytes < host->nest.event_bytes)
		return -PORT_EINVAL;
	theirs = (struct host_nest_event){ .record = ours.record };
	port_lock(&vm->events);
	error = next_event(vm, host, &theirs);
	port_unlock(&vm->events);
	if (error)
		return error;
	ours.type = host->nest.type;
	ours.lost = theirs.lost;
	ours.bytes = theirs.bytes;
	sized_out(event, &ours, sizeof(ours));
	return 0;
}

void nest_sink_add(struct viommu_vm *vm, struct nest_sink *sink)
{
	port_lock(&vm->events);
	list_append(&vm->sinks, &sink->in_vm);
	port_unlock(&vm->events);
}

void nest_sink_remove(struct viommu_vm *vm, struct nest_sink *sink)
{
	port_lock(&vm->events);
	list_remove(&sink->in_vm);
	port_unlock(&vm->events);
}

/*
 * With the lock for events held: offers an event to the guest IOMMUs of its type, of which one has
 * the device.
 */
static void distribute(struct viommu_vm *vm, uint32_t type, const struct host_nest_event *event)
{
	bool taken = !event->bytes;

	list_each (&vm->sinks, struct nest_sink, in_vm, sink) {
		if (sink->type != type)
			continue;
		if (event->lost)
			sink->lost(sink->ctx);
		if (!taken)
			taken = sink->take(sink->ctx, event->record);
	}
	if (!taken)
		port_add_relaxed(&vm->unclaimed, 1);
}

/* A device can go on to cause events while these are taken: so many at a time, and no more. */
#define EVENTS_AT_ONCE 4096u
#define EVENT_WORDS    8u

int viommu_nest_events(struct viommu_vm *vm, struct viommu_host *host)
{
	uint64_t record[EVENT_WORDS];
	int error = 0;

	if (!host->nest.type || host->nest.event_bytes > sizeof(record))
		return -PORT_EOPNOTSUPP;
	port_lock(&vm->events);
	for (unsigned int i = 0; !error && i < EVENTS_AT_ONCE; i++) {
		struct host_nest_event event = { .record = record };

		error = next_event(vm, host, &event);
		if (!error)
			distribute(vm, host->nest.type, &event);
	}
	list_each (&vm->sinks, struct nest_sink, in_vm, sink)
		sink->deliver(sink->ctx);
	port_unlock(&vm->events);
	return error == -PORT_ENOENT ? 0 : error;
}
