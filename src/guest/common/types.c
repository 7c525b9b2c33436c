/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one place that brings guest IOMMUs, formats and hosts together: viommu_domain_create(). */
#include "guest/common/types.h"

#include "port/port.h"

static const struct guest_type *const types[] = { &zpci_guest_type, &smmuv3_guest_type };

int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	const struct viommu_refresh_result nothing = { 0 };

	if (result)
		*result = nothing;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->type == type)
			return types[i]->create(vm, host, data, result, out);
	return -PORT_EINVAL;
}
