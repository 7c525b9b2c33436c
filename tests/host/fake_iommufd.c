/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fake kernel's /dev/iommu and VFIO's character devices. There is one iommufd at a time. */
#include "fake_objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/iommufd_abi.h"

struct fake_object *fake_object(uint32_t id, unsigned int kind)
{
	return id && id < FAKE_OBJECTS && fake.objects[id].kind == kind ? &fake.objects[id] : NULL;
}

uint32_t fake_new_object(unsigned int kind)
{
	uint32_t id = 1;

	while (fake.objects[id].kind != FAKE_FREE)
		if (++id == FAKE_OBJECTS)
			abort();
	memset(&fake.objects[id], 0, sizeof(fake.objects[id]));
	fake.objects[id].kind = kind;
	return id;
}

static bool is_filled_into(uint32_t ioas)
{
	for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
		if (fake.objects[id].kind == FAKE_HWPT && fake.objects[id].ioas == ioas)
			return true;
	return false;
}

size_t fake_iommufd_mappings(void)
{
	size_t number = 0;

	for (size_t i = 0; i < fake.mapping_number; i++)
		number += fake.mappings[i].ioas != 0;
	return number;
}

size_t fake_objects(void)
{
	size_t number = 0;

	for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
		number += fake.objects[id].kind != FAKE_FREE;
	return number;
}

static int by_address(const void *one, const void *other)
{
	uintptr_t a = *(const uintptr_t *)one, b = *(const uintptr_t *)other;

	return (a > b) - (a < b);
}

/* Pages that an I/O page table names, each once. */
uint64_t fake_iommufd_pinned(void)
{
	size_t number = 0, room = 0, distinct = 0;
	uintptr_t *pages;

	for (size_t i = 0; i < fake.mapping_number; i++)
		if (fake.mappings[i].ioas && is_filled_into(fake.mappings[i].ioas))
			room += (size_t)((fake.mappings[i].last - fake.mappings[i].first) / 4096) + 1;
	pages = malloc((room + 1) * sizeof(*pages));
	if (!pages)
		abort();
	for (size_t i = 0; i < fake.mapping_number; i++)
		if (fake.mappings[i].ioas && is_filled_into(fake.mappings[i].ioas))
			for (uint64_t at = fake.mappings[i].first; at < fake.mappings[i].last; at += 4096)
				pages[number++] = (uintptr_t)fake.mappings[i].hva + (uintptr_t)(at - fake.mappings[i].first);
	qsort(pages, number, sizeof(*pages), by_address);
	for (size_t i = 0; i < number; i++)
		distinct += !i || pages[i] != pages[i - 1];
	free(pages);
	return distinct * 4096;
}

static bool does_not_fit(void)
{
	return fake.options.lock_limit && fake_pinned() > fake.options.lock_limit;
}

/* The filled page table: an HWPT, or the one beneath a guest's tables. */
static struct fake_object *beneath(uint32_t id)
{
	struct fake_object *nested = fake_object(id, FAKE_NESTED);

	return fake_object(nested ? fake.objects[nested->above].above : id, FAKE_HWPT);
}

static bool is_reserved_in(uint32_t ioas, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++) {
		const struct fake_file *file = &fake.files[i];
		const struct fake_object *hwpt = file->kind == FAKE_CDEV ? beneath(file->attached) : NULL;

		if (hwpt && hwpt->ioas == ioas && fake_is_reserved(file->number, first, last))
			return true;
	}
	return false;
}

static int insert(const struct fake_mapping *mapping)
{
	uint64_t bytes;
	int error;

	if (is_reserved_in(mapping->ioas, mapping->first, mapping->last))
		return -EINVAL;
	error = fake_insert(mapping);
	if (!error && does_not_fit()) {
		fake_remove(0, mapping->ioas, mapping->first, mapping->last, &bytes);
		return -ENOMEM;
	}
	return error;
}

static uint32_t prot_of(uint32_t flags)
{
	return (flags & IOMMUFD_ABI_MAP_READ ? 1u : 0u) | (flags & IOMMUFD_ABI_MAP_WRITE ? 2u : 0u);
}

/* The kernel's place for a mapping: after all others. */
static uint64_t free_iova(uint32_t ioas)
{
	uint64_t iova = UINT64_C(1) << 32;

	for (size_t i = 0; i < fake.mapping_number; i++)
		if (fake.mappings[i].ioas == ioas && fake.mappings[i].last >= iova)
			iova = fake.mappings[i].last + 1 + 0x10000;
	return iova;
}

static int map(uint32_t ioas, uint32_t flags, unsigned char *hva, uint64_t bytes, uint64_t *iova)
{
	struct fake_mapping mapping = { .ioas = ioas, .hva = hva, .prot = prot_of(flags), .slot_prot = prot_of(flags) };

	if (!fake_object(ioas, FAKE_IOAS))
		return -ENOENT;
	if (!bytes || (bytes | (uintptr_t)hva) & 0xfff || flags & ~6u || !mapping.prot)
		return -EINVAL;
	mapping.first = *iova = free_iova(ioas);
	mapping.last = mapping.first + bytes - 1;
	return insert(&mapping);
}

/*
 * The one file that can be mapped as such is the conformance suite's arena; where it is in memory
 * the kernel has no need to know, but this one has.
 */
static unsigned char *file_memory;
static uint64_t file_offset;
static int file = -1;

void fake_file_is(int fd, uint64_t offset, unsigned char *memory)
{
	file = fd;
	file_offset = offset;
	file_memory = memory;
}

static int copy(const struct iommufd_abi_copy *call)
{
	const struct fake_mapping *from = fake_at(0, call->from, call->from_iova);
	struct fake_mapping mapping = { .ioas = call->to, .first = call->to_iova, .last = call->to_iova + call->bytes - 1, .prot = prot_of(call->flags) };

	if (!fake_object(call->to, FAKE_IOAS) || !fake_object(call->from, FAKE_IOAS) || !from || from->last - call->from_iova < call->bytes - 1)
		return -ENOENT;
	if (!(call->flags & IOMMUFD_ABI_MAP_FIXED) || call->flags & ~7u || !call->bytes || (call->bytes | call->to_iova | call->from_iova) & 0xfff ||
	    !mapping.prot)
		return -EINVAL;
	if (mapping.prot & ~from->slot_prot & 2u)
		return -EPERM;
	mapping.hva = from->hva + (call->from_iova - from->first);
	mapping.slot_prot = from->slot_prot;
	return insert(&mapping);
}

static int unmap(struct iommufd_abi_unmap *call)
{
	bool all = !call->iova && call->bytes == UINT64_MAX;
	uint64_t bytes;

	if (!fake_object(call->ioas, FAKE_IOAS))
		return -ENOENT;
	if (!all && (!call->bytes || call->iova + call->bytes - 1 < call->iova))
		return -EINVAL;
	if (fake_remove(0, call->ioas, call->iova, all ? UINT64_MAX : call->iova + call->bytes - 1, &bytes))
		return -ENOENT;
	call->bytes = bytes;
	return !bytes && fake.options.old_iommufd && !all ? -ENOENT : 0;
}

static int iova_ranges(struct iommufd_abi_iova_ranges *call)
{
	const struct fake_object *ioas = fake_object(call->ioas, FAKE_IOAS);
	struct iommufd_abi_range ranges[2];
	uint32_t number = call->number;

	if (!ioas)
		return -ENOENT;
	ranges[0] = (struct iommufd_abi_range){ ioas->told ? FAKE_FIRST : 0, FAKE_WINDOW_FIRST - 1 };
	ranges[1] = (struct iommufd_abi_range){ FAKE_WINDOW_LAST + 1, ioas->told && ioas->narrow ? fake_last(ioas->device) : UINT64_MAX };
	call->number = 2;
	call->out_alignment = 4096;
	memcpy((void *)(uintptr_t)call->ranges, ranges, (number < 2 ? number : 2) * sizeof(ranges[0]));
	return number < 2 ? -EMSGSIZE : 0;
}

static int hwpt_alloc(struct iommufd_abi_hwpt_alloc *call)
{
	const struct fake_object *bound = fake_object(call->device, FAKE_BOUND);

	if (fake.options.old_iommufd)
		return -ENOTTY;
	if (call->size > sizeof(*call))
		return fake_nest_hwpt(call);
	if (!bound || !fake_object(call->ioas, FAKE_IOAS))
		return -ENOENT;
	if (call->flags & ~(uint32_t)IOMMUFD_ABI_HWPT_PASID && !fake.options.nested)
		return -EOPNOTSUPP;
	if (call->flags & IOMMUFD_ABI_HWPT_PASID && !fake.options.pasid_bits)
		return -EOPNOTSUPP;
	call->out_id = fake_new_object(FAKE_HWPT);
	fake.objects[call->out_id].ioas = call->ioas;
	fake.objects[call->out_id].device = bound->device;
	fake.objects[call->out_id].nest_parent = call->flags & IOMMUFD_ABI_HWPT_NEST_PARENT;
	fake.objects[call->out_id].for_pasids = call->flags & IOMMUFD_ABI_HWPT_PASID;
	if (does_not_fit()) {
		fake.objects[call->out_id].kind = FAKE_FREE;
		return -ENOMEM;
	}
	return 0;
}

static bool is_attached(uint32_t id)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++) {
		const struct fake_file *cdev = &fake.files[i];

		for (unsigned int n = 0; n < FAKE_PASIDS; n++)
			if (cdev->kind == FAKE_CDEV && cdev->pasids[n].attached == id)
				return true;
		if (cdev->kind == FAKE_CDEV && cdev->attached == id)
			return true;
	}
	return false;
}

uint32_t *fake_pasid(struct fake_file *cdev, uint32_t pasid)
{
	for (unsigned int n = 0; n < FAKE_PASIDS; n++)
		if (cdev->pasids[n].attached && cdev->pasids[n].pasid == pasid)
			return &cdev->pasids[n].attached;
	return NULL;
}

static bool has_pasids(const struct fake_file *cdev)
{
	for (unsigned int n = 0; n < FAKE_PASIDS; n++)
		if (cdev->pasids[n].attached)
			return true;
	return false;
}

static int destroy(uint32_t id)
{
	uint64_t bytes;

	if (fake_object(id, FAKE_IOAS)) {
		if (is_filled_into(id))
			return -EBUSY;
		fake_remove(0, id, 0, UINT64_MAX, &bytes);
	} else if (!id || id >= FAKE_OBJECTS || fake.objects[id].kind == FAKE_FREE || fake.objects[id].kind == FAKE_BOUND) {
		return -ENOENT;
	} else if (is_attached(id) || fake_is_above(id)) {
		return -EBUSY;
	}
	fake.objects[id].kind = FAKE_FREE;
	return 0;
}

static int iommufd_ioctl(unsigned long request, void *argument)
{
	union {
		uint32_t *size;
		struct iommufd_abi_destroy *destroy;
		struct iommufd_abi_ioas_alloc *ioas_alloc;
		struct iommufd_abi_map *map;
		struct iommufd_abi_map_file *map_file;
	} call = { .size = argument };

	if (*call.size < 8)
		return -EINVAL;
	switch (request) {
	case IOMMUFD_ABI_DESTROY:
		return destroy(call.destroy->id);
	case IOMMUFD_ABI_IOAS_ALLOC:
		call.ioas_alloc->out_id = fake_new_object(FAKE_IOAS);
		return 0;
	case IOMMUFD_ABI_MAP:
		return map(call.map->ioas, call.map->flags, (unsigned char *)(uintptr_t)call.map->hva, call.map->bytes, (uint64_t *)&call.map->iova);
	case IOMMUFD_ABI_MAP_FILE:
		if (fake.options.old_iommufd)
			return -ENOTTY;
		if (call.map_file->fd != file)
			return -EINVAL;
		return map(call.map_file->ioas, call.map_file->flags, file_memory + (call.map_file->offset - file_offset), call.map_file->bytes,
			   (uint64_t *)&call.map_file->iova);
	case IOMMUFD_ABI_COPY:
		return copy(argument);
	case IOMMUFD_ABI_UNMAP:
		return unmap(argument);
	case IOMMUFD_ABI_IOVA_RANGES:
		return iova_ranges(argument);
	case IOMMUFD_ABI_HWPT_ALLOC:
		return hwpt_alloc(argument);
	default:
		return fake_nest_ioctl(request, argument);
	}
}

static void detach(struct fake_file *cdev)
{
	uint32_t hwpt = cdev->attached;

	cdev->attached = 0;
	if (hwpt && fake.objects[hwpt].automatic && !is_attached(hwpt))
		fake.objects[hwpt].kind = FAKE_FREE;
}

/*
 * A group has one page table. A device that is attached later gets the same, and replacing the
 * table of one device replaces it for all.
 */
static struct fake_file *next_of_group(const struct fake_file *cdev, struct fake_file *after)
{
	for (struct fake_file *at = after ? after + 1 : fake.files; fake.options.one_group && at < fake.files + FAKE_FILES; at++)
		if (at != cdev && at->kind == FAKE_CDEV && at->attached)
			return at;
	return NULL;
}

static int attach(struct fake_file *cdev, uint32_t id)
{
	struct fake_file *other = next_of_group(cdev, NULL);
	struct fake_object *ioas, *nested = fake_object(id, FAKE_NESTED), *hwpt = beneath(id);
	bool blocked = !cdev->attached;

	if (nested && !fake_has_vdevice(nested->above, cdev->number))
		return -ENOENT;
	if (!hwpt && !fake_object(id, FAKE_IOAS))
		return -ENOENT;
	if (hwpt && fake.options.other_iommu && hwpt->device != cdev->number)
		return -EINVAL;
	if (has_pasids(cdev) && !(hwpt && hwpt->for_pasids))
		return -EINVAL;
	if (other && fake.objects[other->attached].automatic && fake.objects[other->attached].ioas == id) {
		id = other->attached;
		hwpt = &fake.objects[id];
	}
	if (other && !cdev->attached && other->attached != id)
		return -EINVAL;
	if (!hwpt) {
		uint32_t made = fake_new_object(FAKE_HWPT);

		hwpt = &fake.objects[made];
		hwpt->ioas = id;
		hwpt->device = cdev->number;
		hwpt->automatic = true;
		if (does_not_fit()) {
			hwpt->kind = FAKE_FREE;
			return -ENOMEM;
		}
		id = made;
	}
	for (size_t i = 0; i < fake.mapping_number; i++)
		if (fake.mappings[i].ioas == hwpt->ioas && fake_is_reserved(cdev->number, fake.mappings[i].first, fake.mappings[i].last)) {
			if (hwpt->automatic && !is_attached(id))
				hwpt->kind = FAKE_FREE;
			return -EADDRINUSE;
		}
	ioas = &fake.objects[hwpt->ioas];
	ioas->told = true;
	ioas->device = cdev->number;
	ioas->narrow = !(fake.options.late_ranges && blocked);
	detach(cdev);
	cdev->attached = id;
	for (; other; other = next_of_group(cdev, other)) {
		detach(other);
		other->attached = id;
	}
	return 0;
}

/* To a page table for PASIDs, and beside one that the device itself has, if any. */
static int attach_pasid(struct fake_file *cdev, const struct vfio_abi_attach_pasid *call)
{
	uint32_t *attached = fake_pasid(cdev, call->pasid);

	if (call->size < sizeof(*call) || call->flags != VFIO_ABI_PASID || fake.options.refuse_pasids)
		return -EINVAL;
	if (!fake_object(call->id, FAKE_HWPT) && !fake_object(call->id, FAKE_IOAS))
		return -ENOENT;
	if (!fake.objects[call->id].for_pasids || (cdev->attached && !fake.objects[cdev->attached].for_pasids) || call->pasid >> fake.options.pasid_bits)
		return -EINVAL;
	for (unsigned int n = 0; n < FAKE_PASIDS && !attached; n++)
		if (!cdev->pasids[n].attached) {
			cdev->pasids[n].pasid = call->pasid;
			attached = &cdev->pasids[n].attached;
		}
	if (!attached)
		return -ENOSPC;
	*attached = call->id;
	return 0;
}

static int detach_pasid(struct fake_file *cdev, const struct vfio_abi_detach_pasid *call)
{
	uint32_t *attached = fake_pasid(cdev, call->pasid);

	if (call->size < sizeof(*call) || call->flags != VFIO_ABI_PASID)
		return -EINVAL;
	if (attached)
		*attached = 0;
	return 0;
}

static int cdev_ioctl(struct fake_file *cdev, unsigned long request, void *argument)
{
	struct vfio_abi_bind_iommufd *bind = argument;
	struct fake_file *iommufd;

	if (*(uint32_t *)argument < 8)
		return -EINVAL;
	if (request == VFIO_ABI_BIND_IOMMUFD) {
		iommufd = fake_file(bind->iommufd);
		if (cdev->iommufd || !iommufd || iommufd->kind != FAKE_IOMMUFD)
			return -EINVAL;
		cdev->iommufd = iommufd->fd;
		bind->out_id = fake_new_object(FAKE_BOUND);
		fake.objects[bind->out_id].device = cdev->number;
		return 0;
	}
	if (!cdev->iommufd)
		return -EINVAL;
	if (request == VFIO_ABI_ATTACH_PT && ((struct vfio_abi_attach_pt *)argument)->flags)
		return attach_pasid(cdev, argument);
	if (request == VFIO_ABI_DETACH_PT && ((struct vfio_abi_detach_pt *)argument)->flags)
		return detach_pasid(cdev, argument);
	if (request == VFIO_ABI_ATTACH_PT)
		return attach(cdev, ((struct vfio_abi_attach_pt *)argument)->id);
	if (request != VFIO_ABI_DETACH_PT)
		return -ENOTTY;
	detach(cdev);
	return 0;
}

int fake_iommufd_ioctl(struct fake_file *at, unsigned long request, void *argument)
{
	return at->kind == FAKE_IOMMUFD ? iommufd_ioctl(request, argument) : cdev_ioctl(at, request, argument);
}

/* Objects live as long as the iommufd is open, or a device is bound to it. */
void fake_iommufd_close(struct fake_file *closed)
{
	bool used = false;
	uint64_t bytes;

	if (closed->kind == FAKE_QUEUE)
		fake_queue_close(closed);
	if (closed->kind == FAKE_CDEV && closed->iommufd) {
		detach(closed);
		for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
			if ((fake.objects[id].kind == FAKE_BOUND || fake.objects[id].kind == FAKE_VDEVICE) && fake.objects[id].device == closed->number)
				fake.objects[id].kind = FAKE_FREE;
	}
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		used |= &fake.files[i] != closed && (fake.files[i].kind == FAKE_IOMMUFD || (fake.files[i].kind == FAKE_CDEV && fake.files[i].iommufd));
	for (uint32_t id = 1; id < FAKE_OBJECTS && !used; id++) {
		fake_remove(0, id, 0, UINT64_MAX, &bytes);
		fake.objects[id].kind = FAKE_FREE;
	}
}

int fake_iommufd_dma(uint32_t attached, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	const struct fake_object *hwpt = beneath(attached);
	const struct fake_mapping *found = hwpt && !fake.objects[attached].stops ? fake_at(0, hwpt->ioas, iova) : NULL;

	if (!found)
		return -ENOENT;
	*hva = found->hva + (iova - found->first);
	*prot = found->prot;
	return 0;
}
