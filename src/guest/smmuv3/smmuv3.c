/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SMMU and its devices come and go, and can be looked at.
 *
 * What holds: StreamIDs belong to one device at the most. A device that is found by its StreamID is whole; one that is removed is taken from where it is found
 * first, and then from what it is attached to, and only then is gone.
 */
#include "core/vm.h"
#include "invalidate.h"
#include "target.h"

#define DEFAULT_SID_BITS 16u

static bool settle_config(struct viommu_smmuv3_config *config)
{
	if (!config->sid_bits)
		config->sid_bits = DEFAULT_SID_BITS;
	return !(config->flags & ~VIOMMU_SMMUV3_RESET_ABORT) && config->sid_bits <= 32 && (!config->output_bits || smmuv3_has_output_bits(config->output_bits));
}

static void set_registers(struct viommu_smmuv3 *smmu)
{
	smmu->registers = (struct smmuv3_registers){ .gbpa = smmu->config.flags & VIOMMU_SMMUV3_RESET_ABORT ? GBPA_ABORT : 0 };
}

int viommu_smmuv3_create(struct viommu_vm *vm, const struct viommu_smmuv3_config *config, struct viommu_smmuv3 **out)
{
	struct viommu_smmuv3_config settled;
	struct viommu_smmuv3 *smmu;

	if (!sized_in(&settled, sizeof(settled), offsetof(struct viommu_smmuv3_config, interrupt), config) || !settle_config(&settled))
		return -PORT_EINVAL;
	smmu = port_alloc(sizeof(*smmu), 0);
	if (!smmu)
		return -PORT_ENOMEM;
	smmu->vm = vm;
	smmu->config = settled;
	if (!smmuv3_identify(smmu)) {
		port_free(smmu, sizeof(*smmu), 0);
		return -PORT_EOPNOTSUPP;
	}
	set_registers(smmu);
	port_lock_init(&smmu->change);
	port_lock_init(&smmu->lock);
	*out = smmu;
	return 0;
}

void viommu_smmuv3_destroy(struct viommu_smmuv3 *smmu)
{
	if (!smmu)
		return;
	for (unsigned int i = 0; i < SMMUV3_CHAINS; i++)
		while (smmu->chain[i])
			viommu_smmuv3_device_remove(smmu->chain[i]);
	port_lock_destroy(&smmu->lock);
	port_lock_destroy(&smmu->change);
	port_free(smmu, sizeof(*smmu), 0);
}

void viommu_smmuv3_reset(struct viommu_smmuv3 *smmu)
{
	port_lock(&smmu->change);
	port_lock(&smmu->lock);
	set_registers(smmu);
	smmu->irqs = 0;
	port_unlock(&smmu->lock);
	smmuv3_configure_all(smmu);
	smmuv3_mend(smmu);
	port_unlock(&smmu->change);
}

/* StreamIDs of PCI are bus, device and function: most of what differs is in the middle. */
static struct viommu_smmuv3_device **chain_of(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	return &smmu->chain[(sid ^ sid >> 3 ^ sid >> 8) % SMMUV3_CHAINS];
}

struct viommu_smmuv3_device *smmuv3_lookup(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	struct viommu_smmuv3_device *device = *chain_of(smmu, sid);

	while (device && device->sid != sid)
		device = device->next;
	return device;
}

struct viommu_smmuv3_device *viommu_smmuv3_find(struct viommu_smmuv3 *smmu, uint32_t sid)
{
	struct viommu_smmuv3_device *device;

	port_lock(&smmu->lock);
	device = smmuv3_lookup(smmu, sid);
	port_unlock(&smmu->lock);
	return device;
}

/* With change held: it is found from here on, and has what the guest has configured for it. */
static int enter(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	struct viommu_smmuv3_device **chain = chain_of(smmu, device->sid);
	int ret = smmuv3_lookup(smmu, device->sid) ? -PORT_EEXIST : 0;

	if (!ret && device->hardware)
		ret = smmuv3_try_hardware(device);
	if (ret)
		return ret;
	port_lock(&smmu->lock);
	device->next = *chain;
	*chain = device;
	smmu->devices++;
	port_unlock(&smmu->lock);
	smmuv3_configure(device);
	smmuv3_mend(smmu);
	return 0;
}

/* Where nobody sees a miss, what a guest makes valid is never had, unless it tells. */
static bool can_shadow(const struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	viommu_host_caps(config->host, &caps);
	if (caps.lookup || config->flags & VIOMMU_SMMUV3_DEVICE_IS_TOLD)
		return true;
	vm_log(smmu->vm, VIOMMU_LOG_ERROR, "an SMMUv3's guest does not tell of what it makes valid, and this host does not tell of what it misses", config->sid,
	       0);
	return false;
}

/* Who walks the tables of a device. 0, -EINVAL or -EOPNOTSUPP. */
static int pick(const struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, bool *hardware)
{
	const char *why = smmuv3_misfit(smmu, config->host);

	*hardware = !why && config->nesting != VIOMMU_NESTING_SHADOW;
	switch (config->nesting) {
	case VIOMMU_NESTING_AUTO:
		vm_log(smmu->vm, VIOMMU_LOG_INFO, why ? why : "a guest's tables are walked by the hardware", config->sid, 0);
		break;
	case VIOMMU_NESTING_SHADOW:
		break;
	case VIOMMU_NESTING_HARDWARE:
		if (!why)
			break;
		vm_log(smmu->vm, VIOMMU_LOG_ERROR, why, config->sid, 0);
		return -PORT_EOPNOTSUPP;
	default:
		return -PORT_EINVAL;
	}
	return *hardware || can_shadow(smmu, config) ? 0 : -PORT_EOPNOTSUPP;
}

int viommu_smmuv3_device_add(struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, struct viommu_smmuv3_device **out)
{
	struct viommu_smmuv3_device_config settled;
	struct viommu_smmuv3_device *device;
	bool hardware;
	int ret;

	if (!sized_in(&settled, sizeof(settled), sizeof(settled), config) || !settled.host || (uint64_t)settled.sid >> smmu->config.sid_bits ||
	    settled.flags & ~VIOMMU_SMMUV3_DEVICE_IS_TOLD)
		return -PORT_EINVAL;
	ret = pick(smmu, &settled, &hardware);
	if (ret)
		return ret;
	device = port_alloc(sizeof(*device), 0);
	if (!device)
		return -PORT_ENOMEM;
	device->smmu = smmu;
	device->host = settled.host;
	device->sid = settled.sid;
	device->hardware = hardware;
	ret = viommu_device_create(smmu->vm, settled.host, settled.device, &device->device);
	if (!ret) {
		port_lock(&smmu->change);
		ret = enter(device);
		port_unlock(&smmu->change);
	}
	if (ret) {
		viommu_device_destroy(device->device);
		port_free(device, sizeof(*device), 0);
		return ret;
	}
	*out = device;
	return 0;
}

void viommu_smmuv3_device_remove(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3 *smmu = device->smmu;
	struct viommu_smmuv3_device **link = chain_of(smmu, device->sid);

	port_lock(&smmu->change);
	smmuv3_detach(device);
	port_lock(&smmu->lock);
	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	smmu->devices--;
	port_unlock(&smmu->lock);
	smmuv3_mend(smmu);
	port_unlock(&smmu->change);
	viommu_device_destroy(device->device);
	port_free(device, sizeof(*device), 0);
}

struct viommu_device *viommu_smmuv3_device_device(struct viommu_smmuv3_device *device)
{
	return device->device;
}
