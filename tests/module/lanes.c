/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lanes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/zpci.h>

static int module_begin(struct lane *lane, const char *address)
{
	int error = rig_begin_with(&lane->rig, lane->pinned ? VFIO_VIOMMU_PINNED_IOMMU : VFIO_VIOMMU_PAGED_IOMMU, address);

	if (error)
		return error;
	assert_int_equal(rig_map(&lane->rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	lane->domain = rig_domain(&lane->rig);
	rig_open_device(&lane->rig);
	return 0;
}

static int module_refresh(struct lane *lane, uint64_t first, uint64_t bytes, struct viommu_refresh_result *result)
{
	struct vfio_viommu_refresh refresh;
	int error = rig_refresh(&lane->rig, lane->domain, first, bytes / PAGE, &refresh);

	result->established = refresh.out_outcome.established;
	result->released = refresh.out_outcome.released;
	return error ? error : refresh.out_status == VFIO_VIOMMU_REFRESH_DONE ? 0 : -EIO;
}

static void module_end(struct lane *lane)
{
	rig_close(&lane->rig);
}

/* A nesting parent has all memory pinned. */
static int nest_begin(struct lane *lane, const char *address)
{
	int error;

	if (!lane->pinned)
		return -EOPNOTSUPP;
	nest_open_with(&lane->nest, address, false);
	error = nest_zpci(&lane->nest, lane->nest.parent, &lane->domain);
	if (!error)
		error = nest_attach(&lane->nest, lane->domain);
	if (error)
		nest_close(&lane->nest);
	else
		nest_drive(&lane->nest);
	return error;
}

static int nest_way_refresh(struct lane *lane, uint64_t first, uint64_t bytes, struct viommu_refresh_result *result)
{
	(void)result;
	return nest_refresh(&lane->nest, lane->domain, first, bytes / PAGE) == NEST_DONE ? 0 : -EIO;
}

static void nest_end(struct lane *lane)
{
	nest_close(&lane->nest);
}

static int library_begin(struct lane *lane, const char *address)
{
	const struct vfio_viommu_zpci tables = rig_tables(RIG_PBA, RIG_PAL);
	const struct viommu_zpci_ioat ioat = { .size = sizeof(ioat), .iota = tables.iota, .pba = tables.pba, .pal = tables.pal };
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config vfio = VIOMMU_VFIO_CONFIG_INIT;
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	int error;

	rig_begin_memory(&lane->rig, address);
	device.address = address;
	vfio.device = &device;
	vfio.why = lane->why;
	vfio.why_bytes = sizeof(lane->why);
	error = lane->way->create_host(&vfio, &lane->host);
	if (error)
		return error;
	config.pin = lane->pinned ? VIOMMU_PIN_GUEST : VIOMMU_PIN_ON_REFRESH;
	assert_int_equal(viommu_vm_create(&config, &lane->vm), 0);
	slot.bytes = RIG_BYTES;
	slot.hva = lane->rig.memory;
	assert_int_equal(viommu_slot_add(lane->vm, &slot), 0);
	assert_int_equal(viommu_device_create(lane->vm, lane->host, &device, &lane->device), 0);
	assert_int_equal(viommu_domain_create(lane->vm, lane->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &lane->viommu), 0);
	assert_int_equal(viommu_domain_attach(lane->viommu, lane->device, VIOMMU_NO_PASID), 0);
	rig_drive(&lane->rig, viommu_device_vfio_fd(lane->device));
	return 0;
}

static int library_refresh(struct lane *lane, uint64_t first, uint64_t bytes, struct viommu_refresh_result *result)
{
	return viommu_domain_refresh(lane->viommu, first, first + (bytes - 1), result);
}

static void library_end(struct lane *lane)
{
	rig_rest(&lane->rig);
	viommu_domain_destroy(lane->viommu);
	viommu_device_destroy(lane->device);
	viommu_vm_destroy(lane->vm);
	viommu_host_destroy(lane->host);
	rig_end_memory(&lane->rig);
}

#define LIBRARY library_begin, library_refresh, library_end, true

const struct way ways[WAYS] = {
	[WAY_MODULE] = { "module's ioctl", module_begin, module_refresh, module_end, true, NULL },
	[WAY_NEST] = { "module's nested HWPT", nest_begin, nest_way_refresh, nest_end, false, NULL },
	[WAY_KERNEL] = { "host kernel", LIBRARY, viommu_host_kernel_create },
	[WAY_TYPE1] = { "host type1", LIBRARY, viommu_host_type1_create },
	[WAY_IOMMUFD] = { "host iommufd", LIBRARY, viommu_host_iommufd_create },
};
