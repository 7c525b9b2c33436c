/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The public functions, and the operations that guest/common calls. */
#include "amdvi.h"

#include <viommu/nesting.h>

#define GUEST_IOMMU amdvi
#include "guest/common/public.h"

#define FEATURES (VIOMMU_AMDVI_EFR_PREF_SUP | VIOMMU_AMDVI_EFR_IA_SUP | VIOMMU_AMDVI_EFR_GA_SUP | VIOMMU_AMDVI_EFR_HATS_SIX)

/* The domain of a device table entry. */
static int create(const struct guest_device *device, struct guest_domain *domain, uint64_t *entries)
{
	const uint64_t *key = domain->config.key;
	const struct viommu_amdvi_tables data = {
		.size = sizeof(data),
		.mode = amdv1_next_level(key[KEY_ROOT]),
		.root = key[KEY_ROOT] & AMDV1_ADDRESS,
		.prot = amdvi_prot(key[KEY_ROOT]),
		.excluded = key[KEY_EXCLUDED],
		.excluded_bytes = key[KEY_EXCLUDED_BYTES],
	};
	struct viommu_refresh_result result;
	int error = viommu_domain_create(device->iommu->vm, device->host, VIOMMU_DOMAIN_AMDVI, &data, &result, &domain->domain);

	*entries = result.entries;
	return error;
}

static const struct guest_iommu_ops ops = {
	.type = VIOMMU_DOMAIN_AMDVI,
	.device_bytes = sizeof(struct viommu_amdvi_device),
	.domain_bytes = sizeof(struct guest_domain),
	.table = amdvi_registers,
	.registers = REGISTERS,
	.page_bytes = VIOMMU_AMDVI_BYTES,
	.conditions = amdvi_conditions,
	.stored = amdvi_stored,
	.command_words = VIOMMU_AMDVI_CMD_WORDS,
	.unreadable = ERROR_UNREADABLE,
	.commands = amdvi_commands,
	.execute = amdvi_execute,
	.stop = amdvi_stop,
	.event_words = VIOMMU_AMDVI_EVENT_WORDS,
	.events = amdvi_events,
	.recorded = amdvi_recorded,
	.overflow = amdvi_overflow,
	.abort = amdvi_abort,
	.wired = amdvi_wired,
	.configure = amdvi_configure,
	.create = create,
	.blocked = amdvi_blocked,
	.unmapped = amdvi_unmapped,
	.beyond = amdvi_beyond,
};

int viommu_amdvi_create(struct viommu_vm *vm, const struct viommu_amdvi_config *config, struct viommu_amdvi **out)
{
	struct viommu_amdvi_config settled;
	struct viommu_amdvi *amdvi;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_AMDVI_CONFIG_SIZE_V0, config) || settled.flags & ~VIOMMU_AMDVI_X2APIC)
		return -PORT_EINVAL;
	amdvi = port_alloc(sizeof(*amdvi), 0);
	if (!amdvi)
		return -PORT_ENOMEM;
	amdvi->config = settled;
	guest_iommu_init(&amdvi->iommu, vm, &ops, amdvi->reg);
	amdvi->iommu.last_id = UINT16_MAX;
	amdvi->iommu.last_address = AMDV1_ADDRESS | (VIOMMU_PAGE_SIZE - 1);
	amdvi->reg[REG_EXT_FEATURES] = FEATURES | (settled.flags & VIOMMU_AMDVI_X2APIC ? VIOMMU_AMDVI_EFR_XT_SUP : 0);
	*out = amdvi;
	return 0;
}

int viommu_amdvi_capabilities(const struct viommu_amdvi *amdvi, struct viommu_amdvi_capabilities *capabilities)
{
	const struct viommu_amdvi_capabilities known = {
		.header = VIOMMU_AMDVI_CAP_HEADER | VIOMMU_AMDVI_CAP_NPCACHE | VIOMMU_AMDVI_CAP_EFRSUP | VIOMMU_AMDVI_CAP_EXT,
		.misc[0] = VIOMMU_AMDVI_CAP_PASIZE(52) | VIOMMU_AMDVI_CAP_VASIZE(64),
		/* PCI's, of 64 bits; HyperTransport's MSI mapping, fixed and enabled. */
		.msi = 0x05 | 1u << 23,
		.msi_mapping = 0x08 | 0x15u << 27 | 3u << 16,
	};

	(void)amdvi;
	if (!sized_fits(capabilities, VIOMMU_AMDVI_CAPABILITIES_SIZE_V0))
		return -PORT_EINVAL;
	sized_out(capabilities, &known, sizeof(known));
	return 0;
}

uint64_t viommu_amdvi_features(const struct viommu_amdvi *amdvi)
{
	return amdvi->reg[REG_EXT_FEATURES];
}

int viommu_amdvi_device_add(struct viommu_amdvi *amdvi, const struct viommu_amdvi_device_config *config, struct viommu_amdvi_device **out)
{
	struct viommu_amdvi_device_config settled;
	struct guest_device *device;
	int error;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_AMDVI_DEVICE_CONFIG_SIZE_V0, config) || !settled.host || settled.device_id > amdvi->iommu.last_id ||
	    settled.flags || settled.reserved)
		return -PORT_EINVAL;
	error = guest_device_add(&amdvi->iommu,
				 &(struct guest_device_config){ .id = settled.device_id,
								.host = settled.host,
								.data = settled.device,
								.nesting = VIOMMU_NESTING_SHADOW,
								.unfit = "hardware nesting off: no host walks these tables",
								.announces = true },
				 &device);
	if (!error)
		*out = amdvi_device_of(device);
	return error;
}

int viommu_amdvi_device_fault(struct viommu_amdvi_device *device, const struct viommu_fault *fault)
{
	return guest_device_fault(&device->guest, fault);
}

const char *viommu_amdvi_entry_name(uint32_t entry)
{
	static const char *const names[] = {
		[VIOMMU_AMDVI_ENTRY_DIRECT] = "pass-through", [VIOMMU_AMDVI_ENTRY_TABLES] = "host tables",    [VIOMMU_AMDVI_ENTRY_BLOCKED] = "blocked",
		[VIOMMU_AMDVI_ENTRY_ILLEGAL] = "illegal",     [VIOMMU_AMDVI_ENTRY_UNREADABLE] = "unreadable",
	};

	return entry < sizeof(names) / sizeof(names[0]) ? names[entry] : "unknown";
}

int viommu_amdvi_info(struct viommu_amdvi *amdvi, struct viommu_amdvi_info *info)
{
	const struct guest_counts *counts = &amdvi->iommu.counts;
	struct viommu_amdvi_info known = { .size = 0 };

	if (!sized_fits(info, VIOMMU_AMDVI_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&amdvi->iommu.lock);
	known.control = amdvi->reg[REG_CONTROL];
	known.status = (uint32_t)amdvi->reg[REG_STATUS];
	known.cmd_head = (uint32_t)amdvi->reg[REG_CMD_HEAD];
	known.cmd_tail = (uint32_t)amdvi->reg[REG_CMD_TAIL];
	known.event_head = (uint32_t)amdvi->reg[REG_EVENT_HEAD];
	known.event_tail = (uint32_t)amdvi->reg[REG_EVENT_TAIL];
	public_info(amdvi, &known);
	port_unlock(&amdvi->iommu.lock);
	known.commands = guest_counted(&counts->commands);
	known.waits = guest_counted(&counts->syncs);
	known.configs = guest_counted(&counts->configs);
	known.events = guest_counted(&counts->events);
	known.events_lost = guest_counted(&counts->events_lost);
	sized_out(info, &known, sizeof(known));
	return 0;
}

int viommu_amdvi_device_info(struct viommu_amdvi_device *device, struct viommu_amdvi_device_info *info)
{
	struct guest_device *guest = &device->guest;
	struct viommu_amdvi_device_info known = { .device_id = guest_device_id(guest) };

	if (!sized_fits(info, VIOMMU_AMDVI_DEVICE_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&guest->iommu->lock);
	known.entry = device->entry.kind;
	known.domain_id = device->entry.domain_id;
	known.prot = device->entry.prot;
	known.mode = amdv1_next_level(guest->config.key[KEY_ROOT]);
	known.root = guest->config.key[KEY_ROOT] & AMDV1_ADDRESS;
	public_device_info(device, &known);
	port_unlock(&guest->iommu->lock);
	known.events = guest_counted(&guest->events);
	sized_out(info, &known, sizeof(known));
	return 0;
}
