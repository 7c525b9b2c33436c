/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The operations that guest/common calls, and the domain of a stream's configuration. */
#include "format/arm64.h"
#include "smmuv3.h"

static int create(const struct guest_device *device, struct guest_domain *domain, uint64_t *entries)
{
	struct viommu_smmuv3_stage1 data = { .size = sizeof(data),
					     .nesting = device->hardware ? VIOMMU_NESTING_HARDWARE : VIOMMU_NESTING_SHADOW,
					     .output_bits = smmuv3_of(device->iommu)->config.output_bits };
	struct viommu_refresh_result result;
	int error;

	if (device->hardware)
		__builtin_memcpy(data.ste, domain->config.key, sizeof(data.ste));
	else
		__builtin_memcpy(data.cd, domain->config.key, sizeof(data.cd));
	error = viommu_domain_create(device->iommu->vm, device->host, VIOMMU_DOMAIN_SMMUV3, &data, &result, &domain->domain);
	*entries = result.entries;
	return error;
}

/*
 * The same entry may name another descriptor by now. CMD_CFGI_STE is the kernel's own: attaching
 * writes the entry.
 */
static void attached(struct guest_device *device)
{
	const uint64_t descriptors[VIOMMU_SMMUV3_CMD_WORDS] = { VIOMMU_SMMUV3_CMD_CFGI_CD_ALL | (uint64_t)device->id.id << 32 };

	guest_iommu_forward(device->iommu, device->host, descriptors);
}

static void refused(struct guest_device *device, int error)
{
	struct smmuv3_stream *stream = &smmuv3_device_of(device)->stream;

	if (error != -PORT_EINVAL || device->hardware || device->config.target != GUEST_TARGET_TABLES)
		return;
	/* The descriptor names tables that are illegal (section 5.4.1). */
	port_lock(&device->iommu->lock);
	device->config.target = GUEST_TARGET_NONE;
	stream->kind = VIOMMU_SMMUV3_STREAM_FAULTY;
	stream->event = VIOMMU_SMMUV3_C_BAD_CD;
	port_unlock(&device->iommu->lock);
}

static void wired(struct guest_iommu *iommu, unsigned int irq)
{
	const struct viommu_smmuv3_config *config = &smmuv3_of(iommu)->config;

	if (config->interrupt)
		config->interrupt(config->ctx, (enum viommu_smmuv3_irq)irq);
}

static void msi(struct guest_iommu *iommu, const struct guest_message *message)
{
	const struct viommu_smmuv3_config *config = &smmuv3_of(iommu)->config;

	config->msi(config->ctx, message->address, message->data);
}

const struct guest_iommu_ops smmuv3_ops = {
	.type = VIOMMU_DOMAIN_SMMUV3,
	.device_bytes = sizeof(struct viommu_smmuv3_device),
	.domain_bytes = sizeof(struct guest_domain),
	.table = smmuv3_registers,
	.registers = REGISTERS,
	.page_bytes = VIOMMU_SMMUV3_BYTES,
	.reset = smmuv3_reset,
	.conditions = smmuv3_conditions,
	.stored = smmuv3_stored,
	.command_words = VIOMMU_SMMUV3_CMD_WORDS,
	.unreadable = VIOMMU_SMMUV3_CERROR_ABT,
	.commands = smmuv3_commands,
	.execute = smmuv3_execute,
	.stop = smmuv3_stop,
	.event_words = EVENT_WORDS,
	.events = smmuv3_events,
	.recorded = smmuv3_recorded,
	.overflow = smmuv3_overflow,
	.abort = smmuv3_abort,
	.device_id = smmuv3_device_id,
	.message = smmuv3_message,
	.wired = wired,
	.msi = msi,
	.configure = smmuv3_configure,
	.attached = attached,
	.refused = refused,
	.create = create,
	.nothing = { .target = GUEST_TARGET_TABLES, .key = { STE0_V | STE_CONFIG_ABORT << STE0_CONFIG_SHIFT } },
	.not_global = ARM64_NG,
	.blocked = smmuv3_blocked,
	.unmapped = smmuv3_unmapped,
	.beyond = smmuv3_beyond,
};
