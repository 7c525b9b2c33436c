/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The best of the hosts that drive the kernel, as far as this kernel and the given device have
 * them.
 */
#include <viommu/vfio.h>

#include <errno.h>
#include <string.h>

#include "host/vfio.h"
#include "port/sized.h"

static const struct {
	const char *name;
	int (*create)(const struct viommu_vfio_config *config, struct viommu_host **out);
} hosts[] = {
	{ "kernel", viommu_host_kernel_create },
	{ "iommufd", viommu_host_iommufd_create },
	{ "type1", viommu_host_type1_create },
};

int viommu_host_vfio_create(const struct viommu_vfio_config *given, struct viommu_host **out)
{
	struct viommu_vfio_config config;
	char words[1024] = "", one[512];
	struct vfio_why why;
	int error = -EINVAL;
	size_t at = 0;

	if (!sized_in(&config, sizeof(config), VIOMMU_VFIO_CONFIG_SIZE_V0, given))
		return -EINVAL;
	why = (struct vfio_why){ .text = config.why, .bytes = config.why_bytes };
	config.size = sizeof(config);
	config.why = one;
	config.why_bytes = sizeof(one);
	for (unsigned int i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		error = hosts[i].create(&config, out);
		if (!error)
			return vfio_say(&why, 0, "%s%s%s", hosts[i].name, at ? "; " : "", words);
		vfio_say(&(struct vfio_why){ words + at, sizeof(words) - at }, 0, "%sno %s: %s", at ? "; " : "", hosts[i].name,
			 one[0] ? one : strerror(-error));
		at = strlen(words);
	}
	return vfio_say(&why, error, "%s", words);
}
