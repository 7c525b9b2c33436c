/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fake kernel's VFIO groups and containers, and its record of translations. */
#include "fake_objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vfio.h>
#include <linux/vfio_viommu.h>

int fake_insert(const struct fake_mapping *mapping)
{
	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container == mapping->container && at->ioas == mapping->ioas && at->first <= mapping->last && at->last >= mapping->first)
			return -EEXIST;
	}
	if (fake.mapping_number == FAKE_MAPPINGS)
		abort();
	fake.mappings[fake.mapping_number++] = *mapping;
	return 0;
}

int fake_remove(int container, uint32_t ioas, uint64_t first, uint64_t last, uint64_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container == container && at->ioas == ioas && at->first <= last && at->last >= first && (at->first < first || at->last > last))
			return -EINVAL;
	}
	for (size_t i = 0; i < fake.mapping_number;) {
		struct fake_mapping *at = &fake.mappings[i];

		if (at->container != container || at->ioas != ioas || at->first > last || at->last < first) {
			i++;
			continue;
		}
		*bytes += at->last - at->first + 1;
		*at = fake.mappings[--fake.mapping_number];
	}
	return 0;
}

const struct fake_mapping *fake_at(int container, uint32_t ioas, uint64_t iova)
{
	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container == container && at->ioas == ioas && at->first <= iova && at->last >= iova)
			return at;
	}
	return NULL;
}

size_t fake_type1_mappings(void)
{
	size_t number = 0;

	for (size_t i = 0; i < fake.mapping_number; i++)
		number += fake.mappings[i].container != 0;
	return number;
}

/* Each mapping is charged separately. */
uint64_t fake_type1_pinned(void)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < fake.mapping_number; i++)
		if (fake.mappings[i].container && !fake_file(fake.mappings[i].container)->module)
			bytes += fake.mappings[i].last - fake.mappings[i].first + 1;
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind == FAKE_CONTAINER && fake.files[i].module)
			bytes += fake_module_pinned(&fake.files[i]);
	return bytes;
}

/* The number of groups in a container, and the smallest aperture among their devices. */
static unsigned int groups_in(int container, unsigned int *device)
{
	unsigned int groups = 0;

	*device = 0;
	for (unsigned int i = 0; i < FAKE_FILES; i++) {
		if (fake.files[i].kind != FAKE_GROUP || fake.files[i].container != container)
			continue;
		groups++;
		if (fake_group_of(1) == fake.files[i].number)
			*device = 1;
	}
	return groups;
}

static bool has_open_device(const struct fake_file *group)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind == FAKE_DEVICE && fake_group_of(fake.files[i].number) == group->number)
			return true;
	return false;
}

static void leave(struct fake_file *group)
{
	unsigned int device;
	uint64_t bytes;

	if (groups_in(group->container, &device) == 1) {
		fake_module_end(group->container);
		fake_remove(group->container, 0, 0, UINT64_MAX, &bytes);
	}
	group->container = 0;
	group->attached = 0;
}

static int group_ioctl(struct fake_file *group, unsigned long request, void *argument)
{
	static const char *const addresses[] = { FAKE_ONE, FAKE_TWO };
	struct vfio_group_status *status = argument;
	struct fake_file *container;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		if (status->argsz < sizeof(*status))
			return -EINVAL;
		status->flags = VFIO_GROUP_FLAGS_VIABLE | (group->container ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0u);
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		container = fake_file(*(int *)argument);
		if (!container || container->kind != FAKE_CONTAINER || group->container)
			return -EINVAL;
		group->container = container->fd;
		return 0;
	case VFIO_GROUP_UNSET_CONTAINER:
		if (!group->container)
			return -EINVAL;
		if (has_open_device(group))
			return -EBUSY;
		leave(group);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		container = fake_file(group->container);
		if (!container || !(container->type1 || container->module))
			return -EINVAL;
		for (unsigned int i = 0; i < FAKE_DEVICES; i++)
			if (!strcmp(argument, addresses[i]) && fake_group_of(i) == group->number)
				return fake_new_file(FAKE_DEVICE, i, NULL);
		return -ENODEV;
	default:
		return -ENOTTY;
	}
}

/* The answer of VFIO_IOMMU_GET_INFO: the fixed part, then two capabilities. */
struct full_info {
	struct vfio_iommu_type1_info info;
	uint32_t padding;
	struct vfio_iommu_type1_info_dma_avail available;
	struct vfio_info_cap_header head;
	uint32_t range_number, reserved;
	struct vfio_iova_range ranges[2];
};

static int get_info(const struct fake_file *container, struct vfio_iommu_type1_info *out)
{
	struct full_info full;
	unsigned int device;
	uint32_t argsz = out->argsz;

	if (argsz < offsetof(struct vfio_iommu_type1_info, cap_offset))
		return -EINVAL;
	groups_in(container->fd, &device);
	memset(&full, 0, sizeof(full));
	full.info.argsz = sizeof(full);
	full.info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	full.info.iova_pgsizes = UINT64_C(0x40201000);
	full.available.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	full.available.header.version = 1;
	full.available.header.next = offsetof(struct full_info, head);
	full.available.avail = fake.options.entry_limit ? (uint32_t)fake.options.entry_limit : 65535;
	full.head.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	full.head.version = 1;
	full.range_number = 2;
	full.ranges[0].start = FAKE_FIRST;
	full.ranges[0].end = FAKE_WINDOW_FIRST - 1;
	full.ranges[1].start = FAKE_WINDOW_LAST + 1;
	full.ranges[1].end = fake_last(device);
	if (argsz >= sizeof(full))
		full.info.cap_offset = offsetof(struct full_info, available);
	memcpy(out, &full, argsz < sizeof(full) ? argsz : sizeof(full));
	return 0;
}

static int map_dma(const struct fake_file *container, const struct vfio_iommu_type1_dma_map *map)
{
	struct fake_mapping mapping = {
		.container = container->fd,
		.first = map->iova,
		.last = map->iova + map->size - 1,
		.hva = (unsigned char *)(uintptr_t)map->vaddr,
		.prot = map->flags,
	};
	uint64_t limit = fake.options.entry_limit, number = 0;
	unsigned int device;

	if (map->argsz < sizeof(*map) || !map->size || (map->iova | map->vaddr | map->size) & 0xfff || mapping.last < mapping.first || !map->flags ||
	    map->flags & ~3u)
		return -EINVAL;
	groups_in(container->fd, &device);
	if (fake_is_reserved(device, mapping.first, mapping.last))
		return -EINVAL;
	for (size_t i = 0; i < fake.mapping_number; i++) {
		number += fake.mappings[i].container == container->fd;
		if (fake.mappings[i].container == container->fd && fake.mappings[i].first <= mapping.last && fake.mappings[i].last >= mapping.first)
			return -EEXIST;
	}
	if (number >= (limit ? limit : 65535))
		return -ENOSPC;
	if (fake.options.lock_limit && fake_pinned() + map->size > fake.options.lock_limit)
		return -ENOMEM;
	return fake_insert(&mapping);
}

static int unmap_dma(const struct fake_file *container, struct vfio_iommu_type1_dma_unmap *unmap)
{
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;

	if (unmap->argsz < sizeof(*unmap) || unmap->flags & ~(uint32_t)VFIO_DMA_UNMAP_FLAG_ALL || (all && (unmap->iova || unmap->size)))
		return -EINVAL;
	if (!all && (!unmap->size || (unmap->iova | unmap->size) & 0xfff || unmap->iova + unmap->size - 1 < unmap->iova))
		return -EINVAL;
	return fake_remove(container->fd, 0, unmap->iova, all ? UINT64_MAX : unmap->iova + unmap->size - 1, (uint64_t *)&unmap->size);
}

static int container_ioctl(struct fake_file *container, unsigned long request, void *argument)
{
	unsigned int device;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		if ((uintptr_t)argument == VFIO_VIOMMU_PINNED_IOMMU || (uintptr_t)argument == VFIO_VIOMMU_PAGED_IOMMU)
			return fake.options.module;
		return (uintptr_t)argument == VFIO_TYPE1v2_IOMMU || (uintptr_t)argument == VFIO_UNMAP_ALL;
	case VFIO_SET_IOMMU:
		if (container->type1 || container->module || !groups_in(container->fd, &device))
			return -EINVAL;
		if (fake.options.module && ((uintptr_t)argument == VFIO_VIOMMU_PINNED_IOMMU || (uintptr_t)argument == VFIO_VIOMMU_PAGED_IOMMU)) {
			container->module = (uintptr_t)argument;
			return 0;
		}
		if ((uintptr_t)argument != VFIO_TYPE1v2_IOMMU)
			return -EINVAL;
		container->type1 = true;
		return 0;
	default:
		break;
	}
	if (container->module)
		return fake_module_ioctl(container, request, argument);
	if (!container->type1)
		return -EINVAL;
	switch (request) {
	case VFIO_IOMMU_GET_INFO:
		return get_info(container, argument);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(container, argument);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(container, argument);
	default:
		return -ENOTTY;
	}
}

int fake_type1_ioctl(struct fake_file *file, unsigned long request, void *argument)
{
	if (file->kind == FAKE_GROUP)
		return group_ioctl(file, request, argument);
	return file->kind == FAKE_CONTAINER ? container_ioctl(file, request, argument) : -ENOTTY;
}

void fake_type1_close(struct fake_file *file)
{
	uint64_t bytes;

	if (file->kind == FAKE_GROUP && file->container)
		leave(file);
	if (file->kind == FAKE_CONTAINER)
		fake_remove(file->fd, 0, 0, UINT64_MAX, &bytes);
}

int fake_type1_dma(struct fake_file *file, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++) {
		const struct fake_file *group = &fake.files[i];
		const struct fake_mapping *found;

		if (group->kind != FAKE_GROUP || group->number != fake_group_of(file->number) || !group->container)
			continue;
		if (fake_file(group->container)->module)
			return fake_module_dma(group, iova, hva, prot);
		found = fake_at(group->container, 0, iova);
		if (!found)
			return -ENOENT;
		*hva = found->hva + (iova - found->first);
		*prot = found->prot;
		return 0;
	}
	return -ENOENT;
}
