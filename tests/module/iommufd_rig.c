/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "iommufd_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/vfio.h"

static int call(int fd, unsigned long command, void *arguments)
{
	return ioctl(fd, command, arguments) < 0 ? -errno : 0;
}

void nest_open_with(struct nest_rig *nest, const char *address, bool empty)
{
	struct vfio_abi_bind_iommufd bind = { .size = sizeof(bind) };
	struct iommufd_abi_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommufd_abi_hwpt_alloc parent = { .size = sizeof(parent), .flags = IOMMUFD_ABI_HWPT_NEST_PARENT };
	struct vfio_found found;

	rig_begin_memory(&nest->rig, address);
	nest->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	assert_true(nest->iommufd >= 0);
	assert_int_equal(vfio_find(nest->rig.address, &found, NULL), 0);
	nest->rig.device_fd = open(found.cdev, O_RDWR | O_CLOEXEC);
	assert_true(nest->rig.device_fd >= 0);
	bind.iommufd = nest->iommufd;
	assert_int_equal(call(nest->rig.device_fd, VFIO_ABI_BIND_IOMMUFD, &bind), 0);
	nest->device = bind.out_id;
	assert_int_equal(call(nest->iommufd, IOMMUFD_ABI_IOAS_ALLOC, &ioas), 0);
	nest->ioas = ioas.out_id;
	if (!empty)
		assert_int_equal(nest_map(nest, 0, RIG_BYTES, true), 0);
	parent.device = nest->device;
	parent.ioas = nest->ioas;
	assert_int_equal(call(nest->iommufd, IOMMUFD_ABI_HWPT_ALLOC, &parent), 0);
	nest->parent = parent.out_id;
}

void nest_open(struct nest_rig *nest, bool empty)
{
	nest_open_with(nest, rig_address(0), empty);
}

void nest_drive(struct nest_rig *nest)
{
	rig_drive(&nest->rig, nest->rig.device_fd);
}

void nest_close(struct nest_rig *nest)
{
	rig_rest(&nest->rig);
	close(nest->rig.device_fd);
	close(nest->iommufd);
	rig_end_memory(&nest->rig);
}

int nest_map(struct nest_rig *nest, uint64_t gpa, uint64_t bytes, bool written)
{
	struct iommufd_abi_map map = {
		.size = sizeof(map),
		.flags = IOMMUFD_ABI_MAP_FIXED | IOMMUFD_ABI_MAP_READ | (written ? IOMMUFD_ABI_MAP_WRITE : 0),
		.ioas = nest->ioas,
		.hva = (uint64_t)(uintptr_t)(nest->rig.memory + gpa),
		.bytes = bytes,
		.iova = gpa,
	};

	return call(nest->iommufd, IOMMUFD_ABI_MAP, &map);
}

int nest_unmap(struct nest_rig *nest, uint64_t gpa, uint64_t bytes)
{
	struct iommufd_abi_unmap unmap = { .size = sizeof(unmap), .ioas = nest->ioas, .iova = gpa, .bytes = bytes };

	return call(nest->iommufd, IOMMUFD_ABI_UNMAP, &unmap);
}

int nest_alloc(struct nest_rig *nest, uint32_t of, uint32_t type, const void *data, uint32_t bytes, uint32_t *hwpt)
{
	struct iommufd_abi_hwpt_alloc_nested alloc = {
		.size = sizeof(alloc),
		.device = nest->device,
		.viommu = of,
		.data_type = type,
		.data_bytes = bytes,
		.data = (uint64_t)(uintptr_t)data,
	};
	int error = call(nest->iommufd, IOMMUFD_ABI_HWPT_ALLOC, &alloc);

	*hwpt = alloc.out_id;
	return error;
}

int nest_attach(struct nest_rig *nest, uint32_t hwpt)
{
	struct vfio_abi_attach_pt attach = { .size = sizeof(attach), .id = hwpt };
	struct vfio_abi_detach_pt detach = { .size = sizeof(detach) };

	return hwpt ? call(nest->rig.device_fd, VFIO_ABI_ATTACH_PT, &attach) : call(nest->rig.device_fd, VFIO_ABI_DETACH_PT, &detach);
}

int nest_destroy(struct nest_rig *nest, uint32_t id)
{
	struct iommufd_abi_destroy destroy = { .size = sizeof(destroy), .id = id };

	return call(nest->iommufd, IOMMUFD_ABI_DESTROY, &destroy);
}

int nest_invalidate(struct nest_rig *nest, uint32_t id, uint32_t type, void *entries, uint32_t bytes, uint32_t *number)
{
	struct iommufd_abi_hwpt_invalidate invalidate = {
		.size = sizeof(invalidate),
		.id = id,
		.data = (uint64_t)(uintptr_t)entries,
		.data_type = type,
		.entry_bytes = bytes,
		.number = *number,
	};
	int error = call(nest->iommufd, IOMMUFD_ABI_HWPT_INVALIDATE, &invalidate);

	*number = invalidate.number;
	return error;
}

int nest_viommu(struct nest_rig *nest, uint32_t type, uint32_t *viommu)
{
	struct iommufd_abi_viommu_alloc alloc = { .size = sizeof(alloc), .type = type, .device = nest->device, .hwpt = nest->parent };
	int error = call(nest->iommufd, IOMMUFD_ABI_VIOMMU_ALLOC, &alloc);

	*viommu = alloc.out_id;
	return error;
}

int nest_vdevice(struct nest_rig *nest, uint32_t viommu, uint64_t id, uint32_t *vdevice)
{
	struct iommufd_abi_vdevice_alloc alloc = { .size = sizeof(alloc), .viommu = viommu, .device = nest->device, .virtual_id = id };
	int error = call(nest->iommufd, IOMMUFD_ABI_VDEVICE_ALLOC, &alloc);

	*vdevice = alloc.out_id;
	return error;
}

int nest_events(struct nest_rig *nest, uint32_t viommu, uint32_t type, int *fd)
{
	struct iommufd_abi_veventq_alloc alloc = { .size = sizeof(alloc), .viommu = viommu, .type = type, .depth = 16 };
	int error = call(nest->iommufd, IOMMUFD_ABI_VEVENTQ_ALLOC, &alloc);

	*fd = alloc.out_fd;
	return error;
}

bool nest_event(int fd, void *event, uint32_t bytes)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct iommufd_abi_vevent_header header;
	unsigned char buffer[128];

	if (poll(&poll_fd, 1, 0) != 1)
		return false;
	assert_true(sizeof(header) + bytes <= sizeof(buffer));
	assert_int_equal(read(fd, buffer, sizeof(header) + bytes), sizeof(header) + bytes);
	memcpy(&header, buffer, sizeof(header));
	assert_int_equal(header.flags, 0);
	memcpy(event, buffer + sizeof(header), bytes);
	return true;
}

int nest_zpci(struct nest_rig *nest, uint32_t of, uint32_t *hwpt)
{
	struct vfio_viommu_zpci tables = rig_tables(RIG_PBA, RIG_PAL);
	struct nest_data_zpci data = { .iota = tables.iota, .pba = tables.pba, .pal = tables.pal };

	return nest_alloc(nest, of, NEST_DATA_ZPCI, &data, sizeof(data), hwpt);
}

uint32_t nest_refresh(struct nest_rig *nest, uint32_t hwpt, uint64_t iova, uint64_t pages)
{
	struct nest_invalidate_zpci entry = { .first = iova, .bytes = pages * PAGE, .status = ~0u };
	uint32_t number = 1;

	assert_int_equal(nest_invalidate(nest, hwpt, NEST_INVALIDATE_ZPCI, &entry, sizeof(entry), &number), 0);
	assert_int_equal(number, 1);
	return entry.status;
}
