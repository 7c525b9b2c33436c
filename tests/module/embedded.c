/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <viommu/amdvi.h>
#include <viommu/smmuv3.h>
#include <viommu/vfio.h>
#include <viommu/vtd.h>

struct embedded_ops {
	uint32_t type;
	int (*create)(struct embedded *embedded, const struct guest_kind *kind, const void *device);
	int (*write)(void *iommu, uint64_t offset, unsigned int bytes, uint64_t value);
	void (*remove)(void *device);
	void (*destroy)(void *iommu);
};

/* The library has the same functions for each: name is in theirs, upper in macros' names. */
#define EMBEDDED(name, upper, type, id, configure)                                                             \
	static int name##_create(struct embedded *embedded, const struct guest_kind *kind, const void *device) \
	{                                                                                                      \
		struct viommu_##name##_config config = VIOMMU_##upper##_CONFIG_INIT;                           \
		struct viommu_##name##_device_config device_config = VIOMMU_##upper##_DEVICE_CONFIG_INIT;      \
		struct viommu_##name##_device *added;                                                          \
		struct viommu_##name *created;                                                                 \
		int error;                                                                                     \
                                                                                                               \
		configure;                                                                                     \
		device_config.id = GUEST_SOURCE;                                                               \
		device_config.host = embedded->host;                                                           \
		device_config.device = device;                                                                 \
		error = viommu_##name##_create(embedded->vm, &config, &created);                               \
		if (error)                                                                                     \
			return error;                                                                          \
		embedded->iommu = created;                                                                     \
		error = viommu_##name##_device_add(created, &device_config, &added);                           \
		embedded->device = added;                                                                      \
		return error;                                                                                  \
	}                                                                                                      \
	static int name##_write(void *iommu, uint64_t offset, unsigned int bytes, uint64_t value)              \
	{                                                                                                      \
		return viommu_##name##_write(iommu, offset, bytes, value);                                     \
	}                                                                                                      \
	static void name##_remove(void *device)                                                                \
	{                                                                                                      \
		viommu_##name##_device_remove(device);                                                         \
	}                                                                                                      \
	static void name##_destroy(void *iommu)                                                                \
	{                                                                                                      \
		viommu_##name##_destroy(iommu);                                                                \
	}                                                                                                      \
	static const struct embedded_ops name##_ops = { type, name##_create, name##_write, name##_remove, name##_destroy };

EMBEDDED(vtd, VTD, VFIO_VIOMMU_IOMMU_VTD, source_id, config.address_bits = kind->address_bits)
EMBEDDED(amdvi, AMDVI, VFIO_VIOMMU_IOMMU_AMDVI, device_id, (void)kind)
EMBEDDED(smmuv3, SMMUV3, VFIO_VIOMMU_IOMMU_SMMUV3, sid, (void)kind; device_config.flags = VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP)

bool embedded_open(struct embedded *embedded, const struct guest *guest, const char *address)
{
	const struct embedded_ops *all[] = { &vtd_ops, &amdvi_ops, &smmuv3_ops };
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config vfio = VIOMMU_VFIO_CONFIG_INIT;
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	char why[256] = "";
	int error;

	if (!address) {
		print_message("no second device for the library\n");
		return false;
	}
	*embedded = (struct embedded){ .registers = guest->kind->registers };
	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		embedded->ops = all[i]->type == guest->kind->type ? all[i] : embedded->ops;
	device.address = address;
	vfio.device = &device;
	vfio.why = why;
	vfio.why_bytes = sizeof(why);
	error = viommu_host_type1_create(&vfio, &embedded->host);
	if (error) {
		print_message("no library on type1: %s %s\n", strerror(-error), why);
		return false;
	}
	config.pin = VIOMMU_PIN_ON_REFRESH;
	assert_int_equal(viommu_vm_create(&config, &embedded->vm), 0);
	slot.bytes = RIG_BYTES;
	slot.hva = guest->rig.memory;
	assert_int_equal(viommu_slot_add(embedded->vm, &slot), 0);
	assert_int_equal(embedded->ops->create(embedded, guest->kind, &device), 0);
	return true;
}

void embedded_close(struct embedded *embedded)
{
	embedded->ops->remove(embedded->device);
	embedded->ops->destroy(embedded->iommu);
	viommu_vm_destroy(embedded->vm);
	viommu_host_destroy(embedded->host);
}

void embedded_access(void *ctx, uint64_t gpa, bool store, unsigned int bytes, uint64_t *value)
{
	struct embedded *embedded = ctx;

	if (store)
		assert_int_equal(embedded->ops->write(embedded->iommu, gpa - embedded->registers, bytes, *value), 0);
}
