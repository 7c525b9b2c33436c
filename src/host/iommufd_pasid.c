/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PASIDs of a device, each attached on its own (Linux 6.15).
 *
 * The kernel attaches a PASID to a page table that was made for PASIDs, and only while the device
 * itself has none of another kind (iommufd_hwpt_pasid_compat() in drivers/iommu/iommufd/device.c).
 * Not all hardware has such page tables at the same cost as others, so that a space has one only
 * from the first PASID on, beside its own and filled from the same IOAS. The device itself is moved
 * to that of the space where it is, in one step, before its first PASID is attached.
 */
#include <errno.h>

#include "host/iommufd.h"

int iommufd_pasid_table(struct iommufd_space *space, const struct iommufd_device *device)
{
	if (space->hwpt_pasid)
		return 0;
	/* The tables of a guest's own configuration have its PASIDs beneath them. */
	if (space->nest)
		return -EOPNOTSUPP;
	return iommufd_hwpt_alloc(iommufd_host(space->space.host)->fd, device->id, space->ioas, IOMMUFD_ABI_HWPT_PASID, &space->hwpt_pasid);
}

static int make_room(struct iommufd_device *device)
{
	int error = 0;

	if (device->pasids || !device->space)
		return 0;
	error = iommufd_pasid_table(device->space, device);
	return error ? error : iommufd_attach_pt(device, device->space->hwpt_pasid);
}

int iommufd_pasid_attach(struct iommufd_space *space, struct iommufd_device *device, uint32_t pasid)
{
	int error = iommufd_pasid_table(space, device);

	if (!error)
		error = make_room(device);
	if (!error)
		error = iommufd_attach_pasid(device, pasid, space->hwpt_pasid);
	if (!error)
		device->pasids++;
	/* Kernels say in several ways that they, or the hardware, cannot do it. */
	return error == -EINVAL || error == -ENOTTY ? -EOPNOTSUPP : error;
}

int iommufd_pasid_detach(struct iommufd_device *device, uint32_t pasid)
{
	int error = iommufd_detach_pasid(device, pasid);

	if (!error)
		device->pasids--;
	return error;
}
