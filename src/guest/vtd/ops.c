/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The operations that guest/common calls, and the domain of a device's configuration. */
#include "vtd.h"

static int create(const struct guest_device *device, struct guest_domain *domain, uint64_t *entries)
{
	const uint64_t *key = domain->config.key;
	const struct viommu_vtd_tables data = {
		.size = sizeof(data), .flags = (uint32_t)key[KEY_FLAGS], .levels = (uint32_t)key[KEY_LEVELS], .root = key[KEY_ROOT]
	};
	struct viommu_refresh_result result;
	int error = viommu_domain_create(device->iommu->vm, device->host, VIOMMU_DOMAIN_VTD, &data, &result, &domain->domain);

	*entries = result.entries;
	return error;
}

/* All interrupts are messages: one without an address is lost. */
static struct guest_message message(const struct guest_iommu *iommu, unsigned int irq)
{
	const uint64_t *reg = &vtd_of(iommu)->reg[irq == IRQ_FAULT ? REG_FEDATA : REG_IEDATA];

	return (struct guest_message){ .address = reg[2] << 32 | reg[1], .data = (uint32_t)reg[0] };
}

static void msi(struct guest_iommu *iommu, const struct guest_message *message)
{
	const struct viommu_vtd_config *config = &vtd_of(iommu)->config;

	if (config->msi)
		config->msi(config->ctx, message->address, message->data);
}

const struct guest_iommu_ops vtd_ops = {
	.type = VIOMMU_DOMAIN_VTD,
	.device_bytes = sizeof(struct viommu_vtd_device),
	.domain_bytes = sizeof(struct guest_domain),
	.table = vtd_registers,
	.registers = REGISTERS,
	.page_bytes = VIOMMU_VTD_BYTES,
	.reset = vtd_reset,
	.conditions = vtd_conditions,
	.stored = vtd_stored,
	.command_words = VIOMMU_VTD_INV_BYTES / sizeof(uint64_t),
	.unreadable = VIOMMU_VTD_IQEI_FETCH,
	.commands = vtd_commands,
	.execute = vtd_execute,
	.stop = vtd_stop,
	.message = message,
	.msi = msi,
	.configure = vtd_configure,
	.create = create,
	.blocked = vtd_blocked,
	.unmapped = vtd_unmapped,
	.beyond = vtd_beyond,
};
