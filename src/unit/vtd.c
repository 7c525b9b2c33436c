/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "unit.h"

#include <errno.h>

#include <viommu/vtd.h>
#include <viommu/vtd_spec.h>

#define CALL(name)	  viommu_vtd_##name
#define DEVICE_CALL(name) viommu_vtd_device_##name
#include "calls.h"

/* The guest does what its own machine offers, which is less. */
static int create(struct viommu_vm *vm, const struct capture_record *record, void **unit)
{
	struct viommu_vtd_config config = VIOMMU_VTD_CONFIG_INIT;
	struct viommu_vtd *made;
	int error;

	config.flags = VIOMMU_VTD_INTERRUPT_REMAPPING | VIOMMU_VTD_SCALABLE;
	config.address_bits = record->iommu.address_bits;
	error = viommu_vtd_create(vm, &config, &made);
	if (!error)
		*unit = made;
	return error;
}

static int operate(void *unit, const struct capture_record *operation)
{
	const struct capture_write *write = &operation->write;

	return operation->kind == CAPTURE_WRITE ? viommu_vtd_write(unit, write->offset, write->bytes, write->value) : -EINVAL;
}

static void counts(void *unit, struct unit_counts *counts)
{
	struct viommu_vtd_info info = { .size = sizeof(info) };

	viommu_vtd_info(unit, &info);
	*counts = (struct unit_counts){ info.descriptors, info.invalidations, info.contexts, info.refreshes, info.insufficient, info.errors, 0 };
	counts->error = info.fsts & VIOMMU_VTD_FSTS_IQE;
}

static int add(void *unit, uint32_t sid, struct viommu_host *host, void **device)
{
	struct viommu_vtd_device_config config = VIOMMU_VTD_DEVICE_CONFIG_INIT;
	struct viommu_vtd_device *made;
	int error;

	config.source_id = sid;
	config.host = host;
	error = viommu_vtd_device_add(unit, &config, &made);
	if (!error)
		*device = made;
	return error;
}

static void state(void *device, struct unit_state *state)
{
	struct viommu_vtd_device_info info = { .size = sizeof(info) };

	viommu_vtd_device_info(device, &info);
	*state = (struct unit_state){ .code = info.reason, .sharing = info.sharing };
	switch (info.context) {
	case VIOMMU_VTD_CONTEXT_DISABLED:
	case VIOMMU_VTD_CONTEXT_PASS_THROUGH:
		state->reach = UNIT_DIRECT;
		break;
	case VIOMMU_VTD_CONTEXT_SECOND_STAGE:
	case VIOMMU_VTD_CONTEXT_FIRST_STAGE:
		state->reach = UNIT_TRANSLATED;
		state->domain = info.domain_id;
		state->levels = info.levels;
		state->root[0] = info.root;
		break;
	default:
		state->reach = UNIT_FAULTY;
	}
}

/* D51397, chapter 11.4. */
static const struct unit_register registers[] = {
	{ VIOMMU_VTD_GCMD, "GCMD" },
	{ VIOMMU_VTD_RTADDR, "RTADDR" },
	{ VIOMMU_VTD_CCMD, "CCMD" },
	{ VIOMMU_VTD_FSTS, "FSTS" },
	{ VIOMMU_VTD_FECTL, "FECTL" },
	{ VIOMMU_VTD_FEDATA, "FEDATA" },
	{ VIOMMU_VTD_FEADDR, "FEADDR" },
	{ VIOMMU_VTD_FEUADDR, "FEUADDR" },
	{ VIOMMU_VTD_IQT, "IQT" },
	{ VIOMMU_VTD_IQA, "IQA" },
	{ VIOMMU_VTD_ICS, "ICS" },
	{ VIOMMU_VTD_IECTL, "IECTL" },
	{ VIOMMU_VTD_IEDATA, "IEDATA" },
	{ VIOMMU_VTD_IEADDR, "IEADDR" },
	{ VIOMMU_VTD_IEUADDR, "IEUADDR" },
	{ VIOMMU_VTD_IRTA, "IRTA" },
	{ VIOMMU_VTD_IVA, "IVA" },
	{ VIOMMU_VTD_IOTLB, "IOTLB" },
	{ 0, NULL },
};

const struct unit_type unit_vtd = {
	.guest = CAPTURE_VTD,
	.iommu = "remapping unit",
	.sid_name = "source ID",
	.announces = true,
	.registers = registers,
	UNIT_CALLS,
};
