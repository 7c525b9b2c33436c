/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest IOMMUs of a container, by id: the library's machines, which create and destroy domains on
 * their own, and attach the groups behind them.
 *
 * A machine has its own locks, and is called by any thread. An access finds it without the
 * container's lock, and holds a reference meanwhile. Calls that add or remove a group, or are for
 * one of them, have the container's lock.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>

#include <viommu/amdvi.h>
#include <viommu/amdvi_spec.h>
#include <viommu/smmuv3.h>
#include <viommu/smmuv3_spec.h>
#include <viommu/vtd.h>
#include <viommu/vtd_spec.h>

#include "machine.h"

static void signal_event(struct machine *machine, unsigned int number)
{
	if (machine->events[number])
		eventfd_signal(machine->events[number]);
}

/* The functions that all machines have, with the types that struct machine_type has. */
#define MACHINE_FUNCTIONS(name)                                                        \
	static void name##_destroy(void *it)                                           \
	{                                                                              \
		viommu_##name##_destroy(it);                                           \
	}                                                                              \
	static int name##_read(void *it, u64 offset, unsigned int bytes, u64 *value)   \
	{                                                                              \
		return viommu_##name##_read(it, offset, bytes, value);                 \
	}                                                                              \
	static int name##_write(void *it, u64 offset, unsigned int bytes, u64 value)   \
	{                                                                              \
		return viommu_##name##_write(it, offset, bytes, value);                \
	}                                                                              \
	static void name##_device_remove(void *device)                                 \
	{                                                                              \
		viommu_##name##_device_remove(device);                                 \
	}                                                                              \
	static struct viommu_device *name##_device(void *device)                       \
	{                                                                              \
		return viommu_##name##_device_device(device);                          \
	}                                                                              \
	static int name##_device_fault(void *device, const struct viommu_fault *fault) \
	{                                                                              \
		return viommu_##name##_device_fault(device, fault);                    \
	}
#define MACHINE_MEMBERS(name)                                                                                                            \
	.create = name##_create, .destroy = name##_destroy, .read = name##_read, .write = name##_write, .device_add = name##_device_add, \
	.device_remove = name##_device_remove, .device = name##_device, .device_fault = name##_device_fault, .ring = name##_ring

MACHINE_FUNCTIONS(vtd)
MACHINE_FUNCTIONS(amdvi)
MACHINE_FUNCTIONS(smmuv3)

/* A message does not say which of two interrupts it is. */
static bool is_message_of(struct machine *machine, u64 data_register, u64 address, u32 data)
{
	u64 own_data = 0, own_address = 0;

	viommu_vtd_read(machine->viommu, data_register, 4, &own_data);
	viommu_vtd_read(machine->viommu, data_register + 4, 8, &own_address);
	return own_data == data && own_address == address;
}

static void vtd_msi(void *ctx, uint64_t address, uint32_t data)
{
	struct machine *machine = ctx;
	bool fault = is_message_of(machine, VIOMMU_VTD_FEDATA, address, data), invalidation = is_message_of(machine, VIOMMU_VTD_IEDATA, address, data);

	/* Of neither if the guest has just changed the registers: a spurious one is harmless. */
	if (fault || !invalidation)
		signal_event(machine, 0);
	if (!fault)
		signal_event(machine, 1);
}

static int vtd_create(struct machine *machine, const struct vfio_viommu_iommu_create *create)
{
	struct viommu_vtd_config config = VIOMMU_VTD_CONFIG_INIT;

	if (create->id_bits || create->features & ~(VFIO_VIOMMU_VTD_INTERRUPT_REMAPPING | VFIO_VIOMMU_VTD_SCALABLE))
		return -EINVAL;
	config.flags = create->features;
	config.address_bits = create->address_bits;
	config.output_bits = create->output_bits;
	config.msi = vtd_msi;
	config.ctx = machine;
	return viommu_vtd_create(machine->container->vm, &config, (struct viommu_vtd **)&machine->viommu);
}

static int vtd_device_add(void *viommu, struct group *group, u32 source_id, bool announces, void **device)
{
	struct viommu_vtd_device_config config = VIOMMU_VTD_DEVICE_CONFIG_INIT;

	config.source_id = source_id;
	config.host = &group->host.viommu;
	config.device = group;
	return viommu_vtd_device_add(viommu, &config, (struct viommu_vtd_device **)device);
}

static struct machine_ring vtd_ring(u64 base)
{
	bool wide = base & BIT_ULL(11);

	return (struct machine_ring){ 4096ull << (base & 7), wide ? VIOMMU_VTD_INV_WIDE_BYTES : VIOMMU_VTD_INV_BYTES };
}

static void amdvi_interrupt(void *ctx, const struct viommu_amdvi_message *message)
{
	signal_event(ctx, 0);
}

static int amdvi_create(struct machine *machine, const struct vfio_viommu_iommu_create *create)
{
	struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;

	if (create->address_bits || create->output_bits || create->id_bits)
		return -EINVAL;
	config.flags = create->features;
	config.interrupt = amdvi_interrupt;
	config.ctx = machine;
	return viommu_amdvi_create(machine->container->vm, &config, (struct viommu_amdvi **)&machine->viommu);
}

static int amdvi_device_add(void *viommu, struct group *group, u32 source_id, bool announces, void **device)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;

	config.device_id = source_id;
	config.host = &group->host.viommu;
	config.device = group;
	return viommu_amdvi_device_add(viommu, &config, (struct viommu_amdvi_device **)device);
}

static struct machine_ring amdvi_ring(u64 base)
{
	return (struct machine_ring){ 16ull << max(base >> 56 & 15, 8ull), 16 };
}

static void smmuv3_interrupt(void *ctx, enum viommu_smmuv3_irq irq)
{
	signal_event(ctx, irq);
}

static int smmuv3_create(struct machine *machine, const struct vfio_viommu_iommu_create *create)
{
	struct viommu_smmuv3_config config = VIOMMU_SMMUV3_CONFIG_INIT;

	if (create->address_bits)
		return -EINVAL;
	config.flags = create->features;
	config.sid_bits = create->id_bits;
	config.output_bits = create->output_bits;
	config.interrupt = smmuv3_interrupt;
	config.ctx = machine;
	return viommu_smmuv3_create(machine->container->vm, &config, (struct viommu_smmuv3 **)&machine->viommu);
}

static int smmuv3_device_add(void *viommu, struct group *group, u32 source_id, bool announces, void **device)
{
	struct viommu_smmuv3_device_config config = VIOMMU_SMMUV3_DEVICE_CONFIG_INIT;

	config.sid = source_id;
	config.host = &group->host.viommu;
	config.device = group;
	config.flags = announces ? VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP : 0;
	return viommu_smmuv3_device_add(viommu, &config, (struct viommu_smmuv3_device **)device);
}

/* The index has one more bit than there are commands. */
static struct machine_ring smmuv3_ring(u64 base)
{
	return (struct machine_ring){ 2ull << min(base & 31, 19ull), 1 };
}

static const struct machine_type types[] = {
	{ VFIO_VIOMMU_IOMMU_VTD, MACHINE_MEMBERS(vtd), .base = VIOMMU_VTD_IQA, .head = VIOMMU_VTD_IQH, .tail = VIOMMU_VTD_IQT, .tail_bytes = 8 },
	{ VFIO_VIOMMU_IOMMU_AMDVI, MACHINE_MEMBERS(amdvi), .base = VIOMMU_AMDVI_CMD_BASE, .head = VIOMMU_AMDVI_CMD_HEAD, .tail = VIOMMU_AMDVI_CMD_TAIL,
	  .tail_bytes = 8 },
	{ VFIO_VIOMMU_IOMMU_SMMUV3, MACHINE_MEMBERS(smmuv3), .base = VIOMMU_SMMUV3_CMDQ_BASE, .head = VIOMMU_SMMUV3_CMDQ_CONS, .tail = VIOMMU_SMMUV3_CMDQ_PROD,
	  .tail_bytes = 4 },
};

static const struct machine_type *find_type(u32 type)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		if ((u32)types[i].type == type)
			return &types[i];
	return NULL;
}

static void free_machine(struct machine *machine)
{
	for (unsigned int i = 0; i < MACHINE_EVENTS; i++)
		if (machine->events[i])
			eventfd_ctx_put(machine->events[i]);
	kfree(machine);
}

static int take_events(struct machine *machine, const s32 *fds)
{
	for (unsigned int i = 0; i < MACHINE_EVENTS; i++) {
		struct eventfd_ctx *event = fds[i] < 0 ? NULL : eventfd_ctx_fdget(fds[i]);

		if (IS_ERR(event))
			return (int)PTR_ERR(event);
		machine->events[i] = event;
	}
	return 0;
}

long vfio_iommu_create(struct container *container, struct vfio_viommu_iommu_create *create)
{
	const struct machine_type *type = find_type(create->type);
	struct machine *machine;
	int error;

	if (!type)
		return -EINVAL;
	machine = kzalloc(sizeof(*machine), GFP_KERNEL_ACCOUNT);
	if (!machine)
		return -ENOMEM;
	shared_init(&machine->shared);
	machine->container = container;
	machine->type = type;
	error = take_events(machine, create->eventfds);
	if (!error)
		error = type->create(machine, create);
	if (!error) {
		error = xa_alloc(&container->machines, &create->out_iommu, machine, XA_LIMIT(1, VFIO_VIOMMU_IOMMUS), GFP_KERNEL_ACCOUNT);
		if (error)
			type->destroy(machine->viommu);
	}
	if (error)
		free_machine(machine);
	return error == -EBUSY ? -ENOSPC : error;
}

/* The group's device is gone, or goes with the machine. */
static void forget(struct group *group)
{
	group->machine = NULL;
	group->machine_device = NULL;
}

/* After its id was removed. */
static void destroy(struct container *container, struct machine *machine)
{
	struct group *group;

	machine_doorbell_clear(machine);
	shared_end(&machine->shared);
	list_for_each_entry (group, &container->groups, in_container)
		if (group->machine == machine)
			forget(group);
	machine->type->destroy(machine->viommu);
	free_machine(machine);
}

long vfio_iommu_destroy(struct container *container, const struct vfio_viommu_iommu_destroy *arguments)
{
	struct machine *machine;

	if (arguments->reserved)
		return -EINVAL;
	machine = xa_erase(&container->machines, arguments->iommu);
	if (!machine)
		return -ENOENT;
	destroy(container, machine);
	return 0;
}

void vfio_iommu_destroy_all(struct container *container)
{
	struct machine *machine;
	unsigned long id;

	xa_for_each (&container->machines, id, machine) {
		xa_erase(&container->machines, id);
		destroy(container, machine);
	}
	xa_destroy(&container->machines);
}

void machine_leave(struct group *group)
{
	if (group->machine)
		group->machine->type->device_remove(group->machine_device);
	forget(group);
}

long vfio_iommu_device(struct container *container, const struct vfio_viommu_iommu_device *arguments)
{
	struct machine *machine = xa_load(&container->machines, arguments->iommu);
	struct group *group = group_find(container, arguments->group);
	bool removes = arguments->flags & VFIO_VIOMMU_IOMMU_DEVICE_REMOVE;
	long error;

	if (!machine)
		return -ENOENT;
	if (!group || arguments->reserved || (removes && (group->machine != machine || arguments->source_id)))
		return -EINVAL;
	if (removes) {
		machine_leave(group);
		return 0;
	}
	if (group->machine)
		return -EBUSY;
	s390_attached(group, NULL);
	error = viommu_device_detach(group->device, VIOMMU_NO_PASID);
	if (!error)
		error = machine->type->device_add(machine->viommu, group, arguments->source_id, arguments->flags & VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES,
						  &group->machine_device);
	if (error)
		return error;
	group->machine = machine;
	events_watch(group);
	return 0;
}

long vfio_iommu_access(struct container *container, struct vfio_viommu_iommu_access *access)
{
	struct machine *machine = shared_get(&container->machines, access->iommu);
	long error;

	if (!machine)
		return -ENOENT;
	if (access->flags & VFIO_VIOMMU_IOMMU_ACCESS_STORE)
		error = machine->type->write(machine->viommu, access->offset, access->bytes, access->value);
	else
		error = machine->type->read(machine->viommu, access->offset, access->bytes, &access->value);
	shared_put(&machine->shared);
	return error;
}

long vfio_iommu_fault(struct container *container, struct vfio_viommu_iommu_fault *arguments)
{
	const struct viommu_fault fault = {
		.reason = VIOMMU_FAULT_NOT_PRESENT, .access = arguments->access, .iova = arguments->iova, .entry_gpa = U64_MAX, .pasid = VIOMMU_NO_PASID
	};
	struct group *group = group_find(container, arguments->group);

	if (!group || !group->machine || arguments->reserved || !arguments->access || arguments->access & ~VIOMMU_RW)
		return -EINVAL;
	/*
	 * An access to the interrupt address range is no access to memory. If it was stopped, it
	 * ends in an error.
	 */
	arguments->out_recorded = group->machine->type->device_fault(group->machine_device, &fault) != 0;
	return 0;
}

long vfio_iommu_kvm(struct container *container, const struct vfio_viommu_iommu_kvm *arguments)
{
	struct machine *machine = xa_load(&container->machines, arguments->iommu);

	if (!machine)
		return -ENOENT;
	if (arguments->vm < 0) {
		machine_doorbell_clear(machine);
		return 0;
	}
	return arguments->gpa & ~PAGE_MASK ? -EINVAL : machine_doorbell_set(machine, arguments->vm, arguments->gpa);
}
