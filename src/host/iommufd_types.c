/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which architectures iommufd nests: one file each. */
#include "host/iommufd.h"
#include "host/iommufd_smmuv3.h"

static const struct iommufd_nest_type *const types[] = { &iommufd_smmuv3 };

const struct iommufd_nest_type *iommufd_nest_type_of(uint32_t hw_info)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->hw_info == hw_info)
			return types[i];
	return NULL;
}
