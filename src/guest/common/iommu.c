/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/iommu.h"

void guest_iommu_init(struct guest_iommu *iommu, struct viommu_vm *vm, const struct guest_iommu_ops *ops)
{
	iommu->vm = vm;
	iommu->ops = ops;
	list_init(&iommu->domains);
	port_lock_init(&iommu->change);
	port_lock_init(&iommu->lock);
	guest_memory_init(&iommu->memory, vm);
}

void guest_iommu_destroy(struct guest_iommu *iommu)
{
	guest_memory_destroy(&iommu->memory);
	port_lock_destroy(&iommu->lock);
	port_lock_destroy(&iommu->change);
}

void guest_iommu_deliver(struct guest_iommu *iommu)
{
	uint32_t irqs;

	port_lock(&iommu->lock);
	irqs = iommu->irqs;
	iommu->irqs = 0;
	port_unlock(&iommu->lock);
	for (unsigned int irq = 0; irqs >> irq; irq++)
		if (irqs >> irq & 1)
			iommu->ops->interrupt(iommu, irq);
}
