/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "unit.h"

#include <errno.h>

#include <viommu/amdvi.h>
#include <viommu/amdvi_spec.h>

#define CALL(name)	  viommu_amdvi_##name
#define DEVICE_CALL(name) viommu_amdvi_device_##name
#include "calls.h"

static int create(struct viommu_vm *vm, const struct capture_record *record, void **unit)
{
	struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;
	struct viommu_amdvi *made;
	int error;

	(void)record;
	config.flags = VIOMMU_AMDVI_X2APIC;
	error = viommu_amdvi_create(vm, &config, &made);
	if (!error)
		*unit = made;
	return error;
}

static int operate(void *unit, const struct capture_record *operation)
{
	const struct capture_write *write = &operation->write;

	return operation->kind == CAPTURE_WRITE ? viommu_amdvi_write(unit, write->offset, write->bytes, write->value) : -EINVAL;
}

static void counts(void *unit, struct unit_counts *counts)
{
	struct viommu_amdvi_info info = { .size = sizeof(info) };

	viommu_amdvi_info(unit, &info);
	*counts = (struct unit_counts){ info.commands, info.invalidations, info.configs, info.refreshes, info.insufficient, info.errors, 0 };
	/* The buffer stands still after an error, and only then where it is enabled. */
	counts->error = info.control & VIOMMU_AMDVI_CONTROL_CMD_BUF_EN && info.control & VIOMMU_AMDVI_CONTROL_IOMMU_EN &&
			!(info.status & VIOMMU_AMDVI_STATUS_CMD_BUF_RUN);
}

static int add(void *unit, uint32_t sid, struct viommu_host *host, void **device)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	struct viommu_amdvi_device *made;
	int error;

	config.device_id = sid;
	config.host = host;
	error = viommu_amdvi_device_add(unit, &config, &made);
	if (!error)
		*device = made;
	return error;
}

static void state(void *device, struct unit_state *state)
{
	struct viommu_amdvi_device_info info = { .size = sizeof(info) };

	viommu_amdvi_device_info(device, &info);
	*state = (struct unit_state){ .code = info.entry, .sharing = info.sharing };
	switch (info.entry) {
	case VIOMMU_AMDVI_ENTRY_DIRECT:
		state->reach = UNIT_DIRECT;
		break;
	case VIOMMU_AMDVI_ENTRY_TABLES:
		state->reach = UNIT_TRANSLATED;
		state->domain = info.domain_id;
		state->levels = info.mode;
		state->root[0] = info.root;
		break;
	default:
		state->reach = UNIT_FAULTY;
	}
}

/* 48882, section 3.4. */
static const struct unit_register registers[] = {
	{ VIOMMU_AMDVI_CMD_BASE, "CMD_BASE" },
	{ VIOMMU_AMDVI_EVENT_BASE, "EVENT_BASE" },
	{ VIOMMU_AMDVI_CONTROL, "CONTROL" },
	{ VIOMMU_AMDVI_EXCLUSION_BASE, "EXCLUSION_BASE" },
	{ VIOMMU_AMDVI_EXCLUSION_LIMIT, "EXCLUSION_LIMIT" },
	{ VIOMMU_AMDVI_XT_INTERRUPT, "XT_INTERRUPT" },
	{ VIOMMU_AMDVI_CMD_HEAD, "CMD_HEAD" },
	{ VIOMMU_AMDVI_CMD_TAIL, "CMD_TAIL" },
	{ VIOMMU_AMDVI_EVENT_HEAD, "EVENT_HEAD" },
	{ VIOMMU_AMDVI_EVENT_TAIL, "EVENT_TAIL" },
	{ VIOMMU_AMDVI_STATUS, "STATUS" },
	{ VIOMMU_AMDVI_DEV_TAB_BASE, "DEV_TAB_BASE" },
	{ 0, NULL },
};

const struct unit_type unit_amdvi = {
	.guest = CAPTURE_AMDVI,
	.iommu = "IOMMU",
	.sid_name = "DeviceID",
	.announces = true,
	.registers = registers,
	UNIT_CALLS,
};
