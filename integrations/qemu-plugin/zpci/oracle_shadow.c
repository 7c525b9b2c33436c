/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking QEMU as its device models do. RPCIT leaves what it found in a hash table of the function's (QEMU, hw/s390x/s390-pci-bus.c:
 * s390_translate_iommu()), from which every access of the emulated device is translated. Its functions are no interface; they are found by name, as the
 * walker is.
 *
 * On s390 a PCI function is a pair in QEMU: the device itself, and a "zpci" device that gives it its FID and names it as its target.
 */
#include "oracle_shadow.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin_api.h"

bool shadow_oracle_find(struct shadow_oracle *oracle, const struct arguments *arguments)
{
	const struct {
		void **function;
		const char *name;
	} wanted[] = {
		{ (void **)&oracle->lock, "bql_lock_impl" },
		{ (void **)&oracle->unlock, "bql_unlock" },
		{ (void **)&oracle->locked, "bql_locked" },
		{ (void **)&oracle->root, "object_get_root" },
		{ (void **)&oracle->each_child, "object_child_foreach_recursive" },
		{ (void **)&oracle->cast, "object_dynamic_cast" },
		{ (void **)&oracle->get_uint, "object_property_get_uint" },
		{ (void **)&oracle->get_str, "object_property_get_str" },
		{ (void **)&oracle->main_bus, "sysbus_get_default" },
		{ (void **)&oracle->find_device, "qdev_find_recursive" },
		{ (void **)&oracle->space_of, "pci_device_iommu_address_space" },
		{ (void **)&oracle->ask, "address_space_get_iotlb_entry" },
	};
	size_t i;

	oracle->arguments = arguments;
	oracle->usable = true;
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		*wanted[i].function = dlsym(RTLD_DEFAULT, wanted[i].name);
		oracle->usable &= *wanted[i].function != NULL;
	}
	return oracle->usable;
}

bool shadow_oracle_lock(const struct shadow_oracle *oracle)
{
	if (!oracle->usable || oracle->locked())
		return false;
	oracle->lock(__FILE__, __LINE__);
	return true;
}

void shadow_oracle_unlock(const struct shadow_oracle *oracle)
{
	oracle->unlock();
}

struct search {
	const struct shadow_oracle *oracle;
	uint32_t fid;
	char *target;
};

static int is_it(struct qemu_object *child, void *ctx)
{
	struct search *search = ctx;

	if (!search->oracle->cast(child, "zpci") || search->oracle->get_uint(child, "fid", NULL) != search->fid)
		return 0;
	search->target = search->oracle->get_str(child, "target", NULL);
	return 1;
}

const char *shadow_oracle_device(const struct shadow_oracle *oracle, uint32_t fh, uint32_t fid)
{
	struct search search = { .oracle = oracle, .fid = fid };
	char *kept;
	size_t i;

	for (i = 0; i < oracle->arguments->device_count; i++) {
		if (oracle->arguments->devices[i].number == fh || oracle->arguments->devices[i].number == fid)
			return oracle->arguments->devices[i].id;
	}
	if (!oracle->usable)
		return NULL;
	oracle->each_child(oracle->root(), is_it, &search);
	if (!search.target)
		return NULL;
	kept = strdup(search.target);
	g_free(search.target);
	return kept;
}

struct qemu_space *shadow_oracle_space(const struct shadow_oracle *oracle, const char *id)
{
	struct qemu_device *device = oracle->usable ? oracle->find_device(oracle->main_bus(), id) : NULL;

	/* A device with this id that is not a PCI device would be another mistake of the user's than this function could live through. */
	if (!device || !oracle->cast((struct qemu_object *)device, "pci-device"))
		return NULL;
	return oracle->space_of(device);
}

bool shadow_oracle_ask(const struct shadow_oracle *oracle, struct qemu_space *space, uint64_t iova, uint64_t *gpa)
{
	struct qemu_iotlb_entry entry = oracle->ask(space, iova, false, 0);

	*gpa = entry.translated_addr + (iova & entry.addr_mask);
	return entry.perm != 0;
}
