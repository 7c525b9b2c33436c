/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What may be known of an SMMU and its devices. Nothing here changes anything. */
#include "target.h"

void viommu_smmuv3_info(struct viommu_smmuv3 *smmu, struct viommu_smmuv3_info *info)
{
	const struct smmuv3_registers *registers = &smmu->registers;
	const struct smmuv3_counts *counts = &smmu->counts;
	struct viommu_smmuv3_info known = { .size = 0 };

	port_lock(&smmu->lock);
	known.cr0 = registers->cr0;
	known.gerror = registers->gerror ^ registers->gerrorn;
	known.cmdq_prod = registers->cmdq_prod;
	known.cmdq_cons = registers->cmdq_cons;
	known.eventq_prod = registers->eventq_prod;
	known.eventq_cons = registers->eventq_cons;
	known.devices = smmu->devices;
	known.domains = smmu->domains;
	port_unlock(&smmu->lock);
	known.commands = smmuv3_counted(&counts->commands);
	known.syncs = smmuv3_counted(&counts->syncs);
	known.configs = smmuv3_counted(&counts->configs);
	known.invalidations = smmuv3_counted(&counts->invalidations);
	known.refreshes = smmuv3_counted(&counts->refreshes);
	known.insufficient = smmuv3_counted(&counts->insufficient);
	known.rebuilt = smmuv3_counted(&counts->rebuilt);
	known.errors = smmuv3_counted(&counts->errors);
	known.faults = smmuv3_counted(&counts->faults);
	known.filled = smmuv3_counted(&counts->filled);
	known.events = smmuv3_counted(&counts->events);
	known.events_lost = smmuv3_counted(&counts->events_lost);
	sized_out(info, &known, sizeof(known));
}

void viommu_smmuv3_device_info(struct viommu_smmuv3_device *device, struct viommu_smmuv3_device_info *info)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	const struct smmuv3_stream *stream = &device->stream;
	struct viommu_smmuv3_device_info known = { .sid = device->sid, .hardware = device->hardware };

	port_lock(&smmu->lock);
	known.stream = (uint32_t)stream->kind;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_FAULTY)
		known.event = stream->event;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1) {
		known.asid = CD0_ASID(stream->cd[0]);
		known.cd_gpa = stream->cd_gpa;
		known.ttb[0] = stream->cd[1] & CD_TTB;
		known.ttb[1] = stream->cd[2] & CD_TTB;
	}
	smmuv3_each(smmu, other) if (device->target && other->target == device->target) known.sharing++;
	port_unlock(&smmu->lock);
	known.faults = smmuv3_counted(&device->faults);
	known.events = smmuv3_counted(&device->events);
	sized_out(info, &known, sizeof(known));
}

void viommu_smmuv3_device_stats(struct viommu_smmuv3_device *device, struct viommu_domain_stats *stats)
{
	const struct viommu_domain_stats none = { .size = 0 };
	struct smmuv3_target *target = smmuv3_target_enter(device);

	sized_out(stats, &none, sizeof(none));
	if (!target)
		return;
	if (!smmuv3_target_is_direct(target))
		viommu_domain_stats(target->domain, stats);
	smmuv3_target_leave(target);
}

int viommu_smmuv3_device_each_run(struct viommu_smmuv3_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				  void *ctx)
{
	struct smmuv3_target *target = smmuv3_target_enter(device);
	int ret;

	if (!target)
		return 0;
	ret = viommu_domain_each_run(target->domain, first, last, fn, ctx);
	smmuv3_target_leave(target);
	return ret;
}
