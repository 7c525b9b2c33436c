/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "unit.h"

#include <errno.h>

#include <viommu/smmuv3.h>
#include <viommu/smmuv3_spec.h>

#define CALL(name)	  viommu_smmuv3_##name
#define DEVICE_CALL(name) viommu_smmuv3_device_##name
#include "calls.h"

#define CMDQ_CONS_ERR(cons) ((cons) >> 24 & 0x7fu)

static int create(struct viommu_vm *vm, const struct capture_record *record, void **unit)
{
	const struct capture_smmu *smmu = &record->smmu;
	struct viommu_smmuv3_config config = VIOMMU_SMMUV3_CONFIG_INIT;
	struct viommu_smmuv3 *made;
	int error;

	config.flags = smmu->abort ? VIOMMU_SMMUV3_RESET_ABORT : 0;
	config.sid_bits = smmu->sid_bits;
	config.output_bits = smmu->output_bits;
	error = viommu_smmuv3_create(vm, &config, &made);
	if (!error)
		*unit = made;
	return error;
}

static int operate(void *unit, const struct capture_record *operation)
{
	const struct capture_write *write = &operation->write;

	return operation->kind == CAPTURE_WRITE ? viommu_smmuv3_write(unit, write->offset, write->bytes, write->value) : -EINVAL;
}

static void counts(void *unit, struct unit_counts *counts)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(unit, &info);
	*counts = (struct unit_counts){ info.commands, info.invalidations, info.configs, info.refreshes, info.insufficient, info.errors, 0 };
	counts->error = CMDQ_CONS_ERR(info.cmdq_cons);
}

static int add(void *unit, uint32_t sid, struct viommu_host *host, void **device)
{
	struct viommu_smmuv3_device_config config = VIOMMU_SMMUV3_DEVICE_CONFIG_INIT;
	struct viommu_smmuv3_device *made;
	int error;

	config.sid = sid;
	config.host = host;
	error = viommu_smmuv3_device_add(unit, &config, &made);
	if (!error)
		*device = made;
	return error;
}

static void state(void *device, struct unit_state *state)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(device, &info);
	*state = (struct unit_state){ .code = info.event, .sharing = info.sharing };
	switch (info.stream) {
	case VIOMMU_SMMUV3_STREAM_BYPASS:
		state->reach = UNIT_DIRECT;
		break;
	case VIOMMU_SMMUV3_STREAM_FAULTY:
		state->reach = UNIT_FAULTY;
		break;
	case VIOMMU_SMMUV3_STREAM_STAGE1:
		state->reach = UNIT_TRANSLATED;
		state->domain = info.asid;
		state->root[0] = info.ttb[0];
		state->root[1] = info.ttb[1];
		break;
	default:
		break;
	}
}

/* IHI 0070, section 6.1. */
static const struct unit_register registers[] = {
	{ 0x20, "CR0" },
	{ 0x28, "CR1" },
	{ 0x2c, "CR2" },
	{ 0x44, "GBPA" },
	{ 0x50, "IRQ_CTRL" },
	{ 0x64, "GERRORN" },
	{ 0x68, "GERROR_IRQ_CFG0" },
	{ 0x70, "GERROR_IRQ_CFG1" },
	{ 0x74, "GERROR_IRQ_CFG2" },
	{ 0x80, "STRTAB_BASE" },
	{ 0x88, "STRTAB_BASE_CFG" },
	{ 0x90, "CMDQ_BASE" },
	{ 0x98, "CMDQ_PROD" },
	{ 0x9c, "CMDQ_CONS" },
	{ 0xa0, "EVENTQ_BASE" },
	{ 0xb0, "EVENTQ_IRQ_CFG0" },
	{ 0xb8, "EVENTQ_IRQ_CFG1" },
	{ 0xbc, "EVENTQ_IRQ_CFG2" },
	{ 0x100a8, "EVENTQ_PROD" },
	{ 0x100ac, "EVENTQ_CONS" },
	{ 0, NULL },
};

const struct unit_type unit_smmuv3 = {
	.guest = CAPTURE_SMMUV3,
	.iommu = "SMMU",
	.sid_name = "StreamID",
	.registers = registers,
	UNIT_CALLS,
};
