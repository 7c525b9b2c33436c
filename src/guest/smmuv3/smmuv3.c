/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The public functions: the SMMU's configurations and figures, and those of guest/common. */
#include "format/arm64_sizes.h"
#include "smmuv3.h"

#define GUEST_IOMMU smmuv3
#include "guest/common/public.h"

#define DEFAULT_SID_BITS 16u

static bool settle_config(struct viommu_smmuv3_config *config)
{
	if (!config->sid_bits)
		config->sid_bits = DEFAULT_SID_BITS;
	return !(config->flags & ~VIOMMU_SMMUV3_RESET_ABORT) && config->sid_bits <= 32 &&
	       (!config->output_bits || arm64_size(config->output_bits) < ARM64_SIZES);
}

int viommu_smmuv3_create(struct viommu_vm *vm, const struct viommu_smmuv3_config *config, struct viommu_smmuv3 **out)
{
	struct viommu_smmuv3_config settled;
	struct viommu_smmuv3 *smmu;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_SMMUV3_CONFIG_SIZE_V0, config) || !settle_config(&settled))
		return -PORT_EINVAL;
	smmu = port_alloc(sizeof(*smmu), 0);
	if (!smmu)
		return -PORT_ENOMEM;
	smmu->config = settled;
	guest_iommu_init(&smmu->iommu, vm, &smmuv3_ops, smmu->reg);
	if (!smmuv3_identify(smmu)) {
		viommu_smmuv3_destroy(smmu);
		return -PORT_EOPNOTSUPP;
	}
	smmu->iommu.last_id = (uint32_t)((UINT64_C(1) << settled.sid_bits) - 1);
	smmu->iommu.last_address = (UINT64_C(1) << smmu->config.output_bits) - 1;
	guest_iommu_listen(&smmu->iommu);
	*out = smmu;
	return 0;
}

int viommu_smmuv3_device_add(struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, struct viommu_smmuv3_device **out)
{
	struct viommu_smmuv3_device_config settled;
	struct guest_device *device;
	int error;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0, config) || !settled.host || settled.sid > smmu->iommu.last_id ||
	    settled.flags & ~VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP)
		return -PORT_EINVAL;
	error = guest_device_add(&smmu->iommu,
				 &(struct guest_device_config){ .id = settled.sid,
								.host = settled.host,
								.data = settled.device,
								.nesting = settled.nesting,
								.unfit = smmuv3_misfit(smmu, settled.host),
								.announces = settled.flags & VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP },
				 &device);
	if (!error)
		*out = smmuv3_device_of(device);
	return error;
}

int viommu_smmuv3_device_fault(struct viommu_smmuv3_device *device, const struct viommu_fault *fault)
{
	return guest_device_fault(&device->guest, fault);
}

const char *viommu_smmuv3_stream_name(uint32_t stream)
{
	static const char *const names[] = {
		[VIOMMU_SMMUV3_STREAM_ABORT] = "abort",
		[VIOMMU_SMMUV3_STREAM_BYPASS] = "bypass",
		[VIOMMU_SMMUV3_STREAM_STAGE1] = "stage 1",
		[VIOMMU_SMMUV3_STREAM_FAULTY] = "faulty",
	};

	return stream < sizeof(names) / sizeof(names[0]) ? names[stream] : "unknown";
}

int viommu_smmuv3_info(struct viommu_smmuv3 *smmu, struct viommu_smmuv3_info *info)
{
	const struct guest_counts *counts = &smmu->iommu.counts;
	struct viommu_smmuv3_info known = { .size = 0 };

	if (!sized_fits(info, VIOMMU_SMMUV3_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&smmu->iommu.lock);
	known.cr0 = (uint32_t)smmu->reg[REG_CR0];
	known.gerror = (uint32_t)(smmu->reg[REG_GERROR] ^ smmu->reg[REG_GERRORN]);
	known.cmdq_prod = (uint32_t)smmu->reg[REG_CMDQ_PROD];
	known.cmdq_cons = (uint32_t)smmu->reg[REG_CMDQ_CONS];
	known.eventq_prod = (uint32_t)smmu->reg[REG_EVENTQ_PROD];
	known.eventq_cons = (uint32_t)smmu->reg[REG_EVENTQ_CONS];
	public_info(smmu, &known);
	port_unlock(&smmu->iommu.lock);
	known.commands = guest_counted(&counts->commands);
	known.syncs = guest_counted(&counts->syncs);
	known.configs = guest_counted(&counts->configs);
	known.events = guest_counted(&counts->events);
	known.events_lost = guest_counted(&counts->events_lost);
	sized_out(info, &known, sizeof(known));
	return 0;
}

int viommu_smmuv3_device_info(struct viommu_smmuv3_device *device, struct viommu_smmuv3_device_info *info)
{
	struct guest_device *guest = &device->guest;
	const struct smmuv3_stream *stream = &device->stream;
	struct viommu_smmuv3_device_info known = { .sid = guest_device_id(guest), .hardware = guest->hardware };

	if (!sized_fits(info, VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&guest->iommu->lock);
	known.stream = (uint32_t)stream->kind;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_FAULTY)
		known.event = stream->event;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1)
		known.cd_gpa = stream->cd_gpa;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1 && !guest->hardware) {
		known.asid = guest->config.context;
		known.ttb[0] = guest->config.key[1] & CD_TTB;
		known.ttb[1] = guest->config.key[2] & CD_TTB;
	}
	public_device_info(device, &known);
	port_unlock(&guest->iommu->lock);
	known.events = guest_counted(&guest->events);
	sized_out(info, &known, sizeof(known));
	return 0;
}
