/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The public functions: those of guest/common, with the unit's configurations and figures. */
#include "vtd.h"

#define GUEST_IOMMU vtd
#include "guest/common/public.h"

#define DEFAULT_ADDRESS_BITS 48u
#define DEFAULT_OUTPUT_BITS  46u

static bool settle_config(struct viommu_vtd_config *config)
{
	uint32_t bits = config->address_bits ? config->address_bits : DEFAULT_ADDRESS_BITS;

	config->address_bits = bits;
	if (!config->output_bits)
		config->output_bits = DEFAULT_OUTPUT_BITS;
	if (config->flags & ~(VIOMMU_VTD_INTERRUPT_REMAPPING | VIOMMU_VTD_SCALABLE | VIOMMU_VTD_FIRST_STAGE) || (bits != 39 && bits != 48 && bits != 57) ||
	    config->output_bits < 32 || config->output_bits > 52)
		return false;
	return !(config->flags & VIOMMU_VTD_FIRST_STAGE) || (config->flags & VIOMMU_VTD_SCALABLE && bits > 39);
}

int viommu_vtd_create(struct viommu_vm *vm, const struct viommu_vtd_config *config, struct viommu_vtd **out)
{
	struct viommu_vtd_config settled;
	struct viommu_vtd *vtd;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_VTD_CONFIG_SIZE_V0, config) || !settle_config(&settled))
		return -PORT_EINVAL;
	vtd = port_alloc(sizeof(*vtd), 0);
	if (!vtd)
		return -PORT_ENOMEM;
	vtd->config = settled;
	vtd->last_output = (UINT64_C(1) << settled.output_bits) - 1;
	vtd->iommu.last_id = UINT16_MAX;
	/* Addresses of interrupts are wider than those of memory: they have APIC IDs. */
	vtd->iommu.last_address = UINT64_MAX;
	guest_iommu_init(&vtd->iommu, vm, &vtd_ops, vtd->reg);
	*out = vtd;
	return 0;
}

/* A guest may map any IOVA, and is not asked whether the host has it. */
static bool has_all_iovas(const struct viommu_vtd *vtd, struct viommu_host *host)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	viommu_host_caps(host, &caps);
	return !caps.first && caps.last >= (UINT64_C(1) << vtd->config.address_bits) - 1;
}

int viommu_vtd_device_add(struct viommu_vtd *vtd, const struct viommu_vtd_device_config *config, struct viommu_vtd_device **out)
{
	struct viommu_vtd_device_config settled;
	struct guest_device *device;
	int error;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_VTD_DEVICE_CONFIG_SIZE_V0, config) || !settled.host || settled.source_id > vtd->iommu.last_id ||
	    settled.flags || settled.reserved)
		return -PORT_EINVAL;
	if (!has_all_iovas(vtd, settled.host))
		return -PORT_ERANGE;
	error = guest_device_add(&vtd->iommu,
				 &(struct guest_device_config){ .id = settled.source_id,
								.host = settled.host,
								.data = settled.device,
								.nesting = VIOMMU_NESTING_SHADOW,
								.unfit = "hardware nesting off: the tables of VT-d are shadowed",
								.announces = !(vtd->config.flags & VIOMMU_VTD_FIRST_STAGE) },
				 &device);
	if (!error)
		*out = vtd_device_of(device);
	return error;
}

int viommu_vtd_device_fault(struct viommu_vtd_device *device, const struct viommu_fault *fault)
{
	struct guest_device *guest = &device->guest;

	if (!fault || fault->reason == VIOMMU_FAULT_NONE || (fault->pasid == VIOMMU_NO_PASID && !vtd_is_interrupt(fault)))
		return guest_device_fault(guest, fault);
	guest_count(&guest->iommu->counts.faults);
	guest_count(&guest->faults);
	if (!vtd_is_interrupt(fault))
		return vtd_blocked(guest, fault);
	return fault->access == VIOMMU_WRITE ? VIOMMU_VTD_IS_INTERRUPT : -PORT_EFAULT;
}

const char *viommu_vtd_context_name(uint32_t context)
{
	static const char *const names[] = {
		[VIOMMU_VTD_CONTEXT_FAULTY] = "faulty",
		[VIOMMU_VTD_CONTEXT_DISABLED] = "translation disabled",
		[VIOMMU_VTD_CONTEXT_PASS_THROUGH] = "pass-through",
		[VIOMMU_VTD_CONTEXT_SECOND_STAGE] = "second stage",
		[VIOMMU_VTD_CONTEXT_FIRST_STAGE] = "first stage",
	};

	return context < sizeof(names) / sizeof(names[0]) ? names[context] : "unknown";
}

int viommu_vtd_info(struct viommu_vtd *vtd, struct viommu_vtd_info *info)
{
	const struct guest_counts *counts = &vtd->iommu.counts;
	struct viommu_vtd_info known = { .size = 0 };

	if (!sized_fits(info, VIOMMU_VTD_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&vtd->iommu.lock);
	known.gsts = (uint32_t)vtd->reg[REG_GSTS];
	known.fsts = (uint32_t)vtd->reg[REG_FSTS];
	known.iqh = (uint32_t)vtd->reg[REG_IQH];
	known.iqt = (uint32_t)vtd->reg[REG_IQT];
	known.root = vtd->reg[REG_ROOT];
	public_info(vtd, &known);
	port_unlock(&vtd->iommu.lock);
	known.descriptors = guest_counted(&counts->commands);
	known.waits = guest_counted(&counts->syncs);
	known.contexts = guest_counted(&counts->configs);
	known.interrupts = guest_counted(&vtd->interrupts);
	known.records = guest_counted(&counts->events);
	known.records_lost = guest_counted(&counts->events_lost);
	sized_out(info, &known, sizeof(known));
	return 0;
}

int viommu_vtd_device_info(struct viommu_vtd_device *device, struct viommu_vtd_device_info *info)
{
	struct guest_device *guest = &device->guest;
	const struct vtd_context *context = &device->context;
	struct viommu_vtd_device_info known = { .source_id = guest_device_id(guest) };

	if (!sized_fits(info, VIOMMU_VTD_DEVICE_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&guest->iommu->lock);
	known.context = (uint32_t)context->kind;
	known.reason = context->reason;
	known.domain_id = context->domain_id;
	known.scalable = context->scalable;
	known.levels = (uint32_t)guest->config.key[KEY_LEVELS];
	known.root = guest->config.key[KEY_ROOT];
	public_device_info(device, &known);
	port_unlock(&guest->iommu->lock);
	known.records = guest_counted(&guest->events);
	sized_out(info, &known, sizeof(known));
	return 0;
}
