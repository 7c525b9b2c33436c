/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A guest IOMMU: created, reset, destroyed. */
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
