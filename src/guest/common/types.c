/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one place that brings guest IOMMUs, formats and hosts together: viommu_domain_create(), and
 * what there is of them.
 */
#include "guest/common/types.h"

#include "port/port.h"
#include "port/sized.h"

static const struct guest_type *const types[] = { &zpci_guest_type, &smmuv3_guest_type, &virtio_guest_type, &vtd_guest_type, &amdvi_guest_type };

int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	const struct viommu_refresh_result nothing = { 0 };

	if (result)
		*result = nothing;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->type == type && types[i]->create)
			return types[i]->create(vm, host, data, result, out);
	return -PORT_EINVAL;
}

int viommu_features(struct viommu_features *features)
{
	struct viommu_features ours = { .size = sizeof(ours) };

	if (!sized_fits(features, VIOMMU_FEATURES_SIZE_V0))
		return -PORT_EINVAL;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ours.guests |= UINT32_C(1) << types[i]->type;
		ours.formats |= types[i]->formats;
	}
	sized_out(features, &ours, sizeof(ours));
	return 0;
}

const char *viommu_domain_type_name(uint32_t type)
{
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->type == type)
			return types[i]->name;
	return "unknown guest IOMMU";
}

const char *viommu_format_name(uint32_t format)
{
	static const char *const names[] = {
		[VIOMMU_FORMAT_ZPCI] = "zpci",		 [VIOMMU_FORMAT_ZPCI_QEMU] = "zpci-qemu", [VIOMMU_FORMAT_ARM64_4K] = "arm64-4k",
		[VIOMMU_FORMAT_ARM64_16K] = "arm64-16k", [VIOMMU_FORMAT_ARM64_64K] = "arm64-64k", [VIOMMU_FORMAT_VTDSS] = "vtdss",
		[VIOMMU_FORMAT_X86_64] = "x86-64",	 [VIOMMU_FORMAT_AMDV1] = "amdv1",
	};

	return format < sizeof(names) / sizeof(names[0]) && names[format] ? names[format] : "unknown format";
}
