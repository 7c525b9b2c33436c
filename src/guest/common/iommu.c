/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A guest IOMMU: created, reset, destroyed; loads and stores of its register pages. */
#include "guest/common/iommu.h"

#include "guest/common/devices.h"

void guest_iommu_init(struct guest_iommu *iommu, struct viommu_vm *vm, const struct guest_iommu_ops *ops, uint64_t *value)
{
	iommu->vm = vm;
	iommu->ops = ops;
	iommu->registers = (struct guest_registers){ ops->table, ops->registers, value };
	list_init(&iommu->domains);
	port_lock_init(&iommu->change);
	port_lock_init(&iommu->lock);
	guest_memory_init(&iommu->memory, vm);
	guest_registers_init(&iommu->registers);
	if (ops->reset)
		ops->reset(iommu);
}

void guest_iommu_destroy(struct guest_iommu *iommu)
{
	struct guest_id *first;

	while ((first = guest_registry_next(&iommu->devices, NULL)))
		guest_device_remove((struct guest_device *)(void *)first);
	if (iommu->sink.ctx)
		nest_sink_remove(iommu->vm, &iommu->sink);
	guest_memory_destroy(&iommu->memory);
	port_lock_destroy(&iommu->lock);
	port_lock_destroy(&iommu->change);
}

void guest_iommu_reset(struct guest_iommu *iommu)
{
	port_lock(&iommu->change);
	port_lock(&iommu->lock);
	guest_registers_reset(&iommu->registers);
	if (iommu->ops->reset)
		iommu->ops->reset(iommu);
	iommu->irqs = 0;
	iommu->signals = (struct guest_signals){ .number = 0 };
	port_unlock(&iommu->lock);
	guest_iommu_configure(iommu, 0, GUEST_ALL_IDS);
	guest_iommu_sync(iommu);
	port_unlock(&iommu->change);
}

/* With change held, unless the register is light. */
static void store(struct guest_iommu *iommu, uint32_t offset, uint32_t value)
{
	struct guest_store stored;
	unsigned int work = 0;

	port_lock(&iommu->lock);
	if (guest_registers_store(&iommu->registers, offset, value, iommu->ops->conditions(iommu), &stored))
		work = iommu->ops->stored(iommu, &stored);
	port_unlock(&iommu->lock);
	if (work & GUEST_CONFIGURE) {
		guest_iommu_configure(iommu, 0, GUEST_ALL_IDS);
		guest_iommu_sync(iommu);
	}
	if (work & GUEST_CONSUME)
		guest_iommu_consume(iommu);
}

/* A guest writes light registers while commands are consumed, and need not wait for that. */
static void store32(struct guest_iommu *iommu, uint32_t offset, uint32_t value)
{
	bool light = guest_registers_is_light(&iommu->registers, offset);

	if (!light)
		port_lock(&iommu->change);
	store(iommu, offset, value);
	if (!light)
		port_unlock(&iommu->change);
}

static bool is_access(const struct guest_iommu *iommu, uint64_t offset, unsigned int bytes)
{
	return (bytes == 4 || bytes == 8) && offset < iommu->ops->page_bytes && !(offset & (bytes - 1));
}

int guest_iommu_read(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t *value)
{
	if (!is_access(iommu, offset, bytes))
		return -PORT_EINVAL;
	port_lock(&iommu->lock);
	*value = guest_registers_load(&iommu->registers, (uint32_t)offset, bytes);
	port_unlock(&iommu->lock);
	return 0;
}

int guest_iommu_write(struct guest_iommu *iommu, uint64_t offset, unsigned int bytes, uint64_t value)
{
	if (!is_access(iommu, offset, bytes))
		return -PORT_EINVAL;
	store32(iommu, (uint32_t)offset, (uint32_t)value);
	if (bytes == 8)
		store32(iommu, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	do {
		guest_iommu_deliver(iommu);
	} while (guest_iommu_consume_rest(iommu));
	return 0;
}
