/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The type alone: without tables there is no domain to create from data. */
#include "guest/common/types.h"

const struct guest_type virtio_guest_type = {
	.type = VIOMMU_DOMAIN_VIRTIO,
	.name = "virtio-iommu",
};
