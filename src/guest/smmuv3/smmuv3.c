/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SMMU and its devices: created, destroyed, reset, queried.
 *
 * A StreamID belongs to one device at most. A device that is found by its StreamID is complete. One
 * that is removed is first detached, then not found any more, then destroyed.
 */
#include "smmuv3.h"

#include "core/device.h"

#define DEFAULT_SID_BITS 16u

static bool settle_config(struct viommu_smmuv3_config *config)
{
	if (!config->sid_bits)
		config->sid_bits = DEFAULT_SID_BITS;
	return !(config->flags & ~VIOMMU_SMMUV3_RESET_ABORT) && config->sid_bits <= 32 && (!config->output_bits || smmuv3_has_output_bits(config->output_bits));
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
	guest_iommu_init(&smmu->iommu, vm, &smmuv3_ops);
	if (!smmuv3_identify(smmu)) {
		viommu_smmuv3_destroy(smmu);
		return -PORT_EOPNOTSUPP;
	}
	smmuv3_registers_reset(smmu);
	smmuv3_listen(smmu);
	*out = smmu;
	return 0;
}

void viommu_smmuv3_destroy(struct viommu_smmuv3 *smmu)
{
	struct guest_id *first;

	if (!smmu)
		return;
	while ((first = guest_registry_next(&smmu->iommu.devices, NULL)))
		viommu_smmuv3_device_remove((struct viommu_smmuv3_device *)(void *)first);
	if (smmu->sink.ctx)
		nest_sink_remove(smmu->iommu.vm, &smmu->sink);
	guest_iommu_destroy(&smmu->iommu);
	port_free(smmu, sizeof(*smmu), 0);
}

void viommu_smmuv3_reset(struct viommu_smmuv3 *smmu)
{
	port_lock(&smmu->iommu.change);
	port_lock(&smmu->iommu.lock);
	smmuv3_registers_reset(smmu);
	smmu->iommu.irqs = 0;
	smmu->syncs = (struct smmuv3_syncs){ .number = 0 };
	port_unlock(&smmu->iommu.lock);
	smmuv3_configure_all(smmu);
	guest_iommu_sync(&smmu->iommu);
	port_unlock(&smmu->iommu.change);
}

struct viommu_smmuv3_device *viommu_smmuv3_find(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	struct guest_device *device;

	port_lock(&smmu->iommu.lock);
	device = guest_device_find(&smmu->iommu, sid);
	port_unlock(&smmu->iommu.lock);
	return device ? smmuv3_device_of(device) : NULL;
}

/*
 * With change held: the device is found from here on, and has the configuration that the guest has
 * made for it.
 */
static int enter(struct viommu_smmuv3_device *device, uint32_t sid)
{
	struct guest_iommu *iommu = device->guest.iommu;
	int error = 0;

	if (guest_device_find(iommu, sid))
		return -PORT_EEXIST;
	device->guest.id.id = sid;
	if (device->hardware)
		error = smmuv3_try_hardware(device);
	if (error)
		return error;
	port_lock(&iommu->lock);
	(void)guest_registry_add(&iommu->devices, &device->guest.id, sid);
	port_unlock(&iommu->lock);
	smmuv3_configure(device);
	guest_iommu_sync(iommu);
	return 0;
}

/*
 * Without miss reporting, entries that become valid are seen only if the guest invalidates after it
 * maps.
 */
static bool can_shadow(const struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	viommu_host_caps(config->host, &caps);
	if (caps.lookup || config->flags & VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP)
		return true;
	vm_log(smmu->iommu.vm, VIOMMU_LOG_ERROR, "an SMMUv3's guest does not announce valid entries, and this host does not report misses", config->sid, 0);
	return false;
}

/* Whether hardware walks the tables of a device. 0, -EINVAL or -EOPNOTSUPP. */
static int pick(const struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, bool *hardware)
{
	const char *why = smmuv3_misfit(smmu, config->host);
	bool wanted = config->nesting == VIOMMU_NESTING_HARDWARE;

	if (config->nesting > VIOMMU_NESTING_HARDWARE)
		return -PORT_EINVAL;
	*hardware = !why && config->nesting != VIOMMU_NESTING_SHADOW;
	if (config->nesting == VIOMMU_NESTING_AUTO || (wanted && why))
		vm_log(smmu->iommu.vm, wanted ? VIOMMU_LOG_ERROR : VIOMMU_LOG_INFO, why ? why : "hardware nesting on", config->sid, 0);
	if (*hardware)
		return 0;
	return !wanted && can_shadow(smmu, config) ? 0 : -PORT_EOPNOTSUPP;
}

static int device_fault(void *ctx, const struct viommu_fault *fault)
{
	_Static_assert(VIOMMU_SMMUV3_RAZ_WI == DEVICE_FAULT_IGNORED, "core takes the answer as it is");
	return viommu_smmuv3_device_fault(ctx, fault);
}

int viommu_smmuv3_device_add(struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, struct viommu_smmuv3_device **out)
{
	struct viommu_smmuv3_device_config settled;
	struct viommu_smmuv3_device *device;
	bool hardware;
	int error;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0, config) || !settled.host ||
	    (uint64_t)settled.sid >> smmu->config.sid_bits || settled.flags & ~VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP)
		return -PORT_EINVAL;
	error = pick(smmu, &settled, &hardware);
	if (error)
		return error;
	device = port_alloc(sizeof(*device), 0);
	if (!device)
		return -PORT_ENOMEM;
	device->guest.iommu = &smmu->iommu;
	device->guest.host = settled.host;
	device->hardware = hardware;
	error = viommu_device_create(smmu->iommu.vm, settled.host, settled.device, &device->guest.device);
	if (!error) {
		device_set_fault(device->guest.device, device_fault, device);
		port_lock(&smmu->iommu.change);
		error = enter(device, settled.sid);
		port_unlock(&smmu->iommu.change);
	}
	if (error) {
		viommu_device_destroy(device->guest.device);
		port_free(device, sizeof(*device), 0);
		return error;
	}
	*out = device;
	return 0;
}

void viommu_smmuv3_device_remove(struct viommu_smmuv3_device *device)
{
	struct guest_iommu *iommu = device->guest.iommu;

	port_lock(&iommu->change);
	guest_device_detach(&device->guest);
	port_lock(&iommu->lock);
	guest_registry_remove(&iommu->devices, &device->guest.id);
	port_unlock(&iommu->lock);
	guest_iommu_settle(iommu);
	port_unlock(&iommu->change);
	viommu_device_destroy(device->guest.device);
	port_free(device, sizeof(*device), 0);
}

struct viommu_device *viommu_smmuv3_device_device(struct viommu_smmuv3_device *device)
{
	return device->guest.device;
}

struct viommu_domain *viommu_smmuv3_device_domain(struct viommu_smmuv3_device *device)
{
	struct viommu_domain *domain;

	port_lock(&device->guest.iommu->lock);
	domain = device->guest.domain ? device->guest.domain->domain : NULL;
	port_unlock(&device->guest.iommu->lock);
	return domain;
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
	known.devices = smmu->iommu.devices.number;
	known.domains = smmu->iommu.shared;
	port_unlock(&smmu->iommu.lock);
	known.commands = guest_counted(&smmu->counts[COUNT_COMMANDS]);
	known.syncs = guest_counted(&smmu->counts[COUNT_SYNCS]);
	known.configs = guest_counted(&smmu->counts[COUNT_CONFIGS]);
	known.invalidations = guest_counted(&smmu->counts[COUNT_INVALIDATIONS]);
	known.refreshes = guest_counted(&counts->refreshes);
	known.insufficient = guest_counted(&counts->insufficient);
	known.rebuilt = guest_counted(&counts->rebuilt);
	known.errors = guest_counted(&smmu->counts[COUNT_ERRORS]);
	known.faults = guest_counted(&counts->faults);
	known.filled = guest_counted(&counts->filled);
	known.events = guest_counted(&smmu->counts[COUNT_EVENTS]);
	known.events_lost = guest_counted(&smmu->counts[COUNT_EVENTS_LOST]);
	sized_out(info, &known, sizeof(known));
	return 0;
}

int viommu_smmuv3_device_info(struct viommu_smmuv3_device *device, struct viommu_smmuv3_device_info *info)
{
	struct guest_device *guest = &device->guest;
	const struct smmuv3_stream *stream = &device->stream;
	struct viommu_smmuv3_device_info known = { .sid = guest->id.id, .hardware = device->hardware };

	if (!sized_fits(info, VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&guest->iommu->lock);
	known.stream = (uint32_t)stream->kind;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_FAULTY)
		known.event = stream->event;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1) {
		known.asid = CD0_ASID(stream->cd[0]);
		known.cd_gpa = stream->cd_gpa;
		known.ttb[0] = stream->cd[1] & CD_TTB;
		known.ttb[1] = stream->cd[2] & CD_TTB;
	}
	guest_each_device(guest->iommu, other) if (guest->domain && other->domain == guest->domain) known.sharing++;
	port_unlock(&guest->iommu->lock);
	known.faults = guest_counted(&guest->faults);
	known.events = guest_counted(&guest->events);
	sized_out(info, &known, sizeof(known));
	return 0;
}

int viommu_smmuv3_device_stats(struct viommu_smmuv3_device *device, struct viommu_domain_stats *stats)
{
	return guest_device_stats(&device->guest, stats);
}

int viommu_smmuv3_device_each_run(struct viommu_smmuv3_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				  void *ctx)
{
	return guest_device_each_run(&device->guest, first, last, fn, ctx);
}
