/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds out what a device's IOMMU can do, with a temporary empty IOAS.
 *
 * An IOAS learns which IOVAs a device cannot have when the device is attached, from what its
 * IOMMU's driver says just before. s390's leaves out what lies above the device's aperture as long
 * as the device is blocked (s390_iommu_get_resv_regions() in drivers/iommu/s390-iommu.c), which it
 * is before it is attached for the first time. So the device is attached to one IOAS, and then to a
 * second one in its place, which is the one that is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

static int take_ranges(int fd, uint32_t ioas, struct iommufd_info *info)
{
	struct iommufd_abi_range *ranges = NULL;
	uint32_t room = 16;
	int error;

	/* The number may grow between two calls; the attempts are bounded. */
	for (unsigned int attempt = 0; attempt < 8; attempt++) {
		struct iommufd_abi_iova_ranges call = { .size = sizeof(call), .ioas = ioas, .number = room };

		free(ranges);
		ranges = calloc(room, sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		call.ranges = (uint64_t)(uintptr_t)ranges;
		error = vfio_ioctl(fd, IOMMUFD_ABI_IOVA_RANGES, &call);
		if (error == -EMSGSIZE && call.number > room) {
			room = call.number;
			continue;
		}
		for (uint32_t i = 0; !error && i < call.number && i < room; i++)
			error = ranges_add(&info->usable, ranges[i].first, ranges[i].last);
		info->alignment = call.out_alignment;
		break;
	}
	free(ranges);
	return error;
}

static bool can(int fd, const struct iommufd_device *device, uint32_t ioas, uint32_t flag)
{
	uint32_t hwpt;
	int error = iommufd_hwpt_alloc(fd, device->id, ioas, flag, &hwpt);

	iommufd_put(fd, hwpt);
	return !error;
}

/*
 * PASIDs, and everything that nesting takes, once: the kernel offers parts of it where the rest
 * does not work (IOMMU_VIOMMU_ALLOC wants a coherent root complex, for one).
 */
static void ask_hardware(int fd, const struct iommufd_device *device, uint32_t ioas, struct iommufd_info *info)
{
	uint64_t data[32] = { 0 };
	struct iommufd_abi_hw_info call = { .size = sizeof(call), .device = device->id, .data_bytes = sizeof(data), .data = (uint64_t)(uintptr_t)data };
	const struct iommufd_nest_type *type;
	uint32_t parent = 0, viommu = 0, events = 0;
	int32_t events_fd = -1;

	if (vfio_ioctl(fd, IOMMUFD_ABI_GET_HW_INFO, &call))
		return;
	if (call.out_pasid_bits && can(fd, device, ioas, IOMMUFD_ABI_HWPT_PASID))
		info->pasid_bits = call.out_pasid_bits;
	type = iommufd_nest_type_of(call.out_type);
	if (!type)
		return;
	if (!iommufd_hwpt_alloc(fd, device->id, ioas, IOMMUFD_ABI_HWPT_NEST_PARENT, &parent) && !iommufd_viommu_alloc(fd, type, device->id, parent, &viommu) &&
	    !iommufd_veventq_alloc(fd, type, viommu, &events, &events_fd)) {
		info->nests = type;
		info->nest_info_bytes = type->describe(data, info->nest_info);
	}
	if (events_fd >= 0)
		close(events_fd);
	iommufd_put(fd, events);
	iommufd_put(fd, viommu);
	iommufd_put(fd, parent);
}

int iommufd_ask(int fd, const struct iommufd_device *device, struct iommufd_info *info, const struct vfio_why *why)
{
	const struct iommufd_host empty = { .fd = fd };
	uint32_t first = 0, second = 0;
	uint64_t bytes;
	int error;

	memset(info, 0, sizeof(*info));
	error = iommufd_ioas_alloc(fd, &first);
	if (!error)
		error = iommufd_ioas_alloc(fd, &second);
	if (error) {
		iommufd_put(fd, first);
		return vfio_say(why, error, "the iommufd makes no address space (IOMMU_IOAS_ALLOC): %s", strerror(-error));
	}
	error = iommufd_attach_pt(device, first);
	if (!error) {
		error = iommufd_attach_pt(device, second);
		if (!error)
			error = take_ranges(fd, second, info);
		iommufd_detach_pt(device);
	}
	if (error) {
		vfio_say(why, error, "%s cannot be attached to an empty address space and asked for its IOVAs: %s", vfio_named_text(&device->named),
			 strerror(-error));
	} else {
		ask_hardware(fd, device, second, info);
		info->dirty = can(fd, device, second, IOMMUFD_ABI_HWPT_DIRTY_TRACKING);
		info->empty_is_enoent = iommufd_unmap(&empty, second, VIOMMU_PAGE_SIZE, 2 * VIOMMU_PAGE_SIZE - 1, &bytes) == -ENOENT;
	}
	iommufd_put(fd, first);
	iommufd_put(fd, second);
	if (error)
		ranges_free(&info->usable);
	return error;
}
