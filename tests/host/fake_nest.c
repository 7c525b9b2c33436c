/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fake kernel's iommufd for guests' own tables, like an SMMUv3's driver: its objects, the
 * references that keep each from being destroyed, and the words that are refused. It reads no
 * tables: if a guest's entry enables stage 1, IOVAs are taken as GPAs.
 */
#define _GNU_SOURCE
#include "fake_objects.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd_abi_smmuv3.h"

int __real_close(int fd);

bool fake_is_above(uint32_t id)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++)
		if (fake.objects[i].kind >= FAKE_VIOMMU && fake.objects[i].above == id)
			return true;
	/* A queue of which the file is open. */
	return fake.objects[id].kind == FAKE_EVENTS && fake.objects[id].read_end;
}

bool fake_has_vdevice(uint32_t viommu, unsigned int device)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++)
		if (fake.objects[i].kind == FAKE_VDEVICE && fake.objects[i].above == viommu && fake.objects[i].device == device)
			return true;
	return false;
}

static bool has_stream(uint32_t viommu, uint64_t stream)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++)
		if (fake.objects[i].kind == FAKE_VDEVICE && fake.objects[i].above == viommu && fake.objects[i].stream == stream)
			return true;
	return false;
}

static int hw_info(struct iommufd_abi_hw_info *call)
{
	const struct iommufd_abi_hw_info_smmuv3 said = { .idr = { 10, 11, 12, 13, 14, 15 } };

	if (!fake_object(call->device, FAKE_BOUND))
		return -ENOENT;
	memcpy((void *)(uintptr_t)call->data, &said, call->data_bytes < sizeof(said) ? call->data_bytes : sizeof(said));
	call->data_bytes = sizeof(said);
	call->out_pasid_bits = fake.options.pasid_bits;
	call->out_type = fake.options.smmuv3 ? IOMMUFD_ABI_HW_INFO_SMMUV3 : 0;
	return 0;
}

static int viommu_alloc(struct iommufd_abi_viommu_alloc *call)
{
	const struct fake_object *bound = fake_object(call->device, FAKE_BOUND), *hwpt = fake_object(call->hwpt, FAKE_HWPT);

	if (!fake.options.smmuv3 || fake.options.no_viommu)
		return -EOPNOTSUPP;
	if (!bound || !hwpt)
		return -ENOENT;
	if (!hwpt->nest_parent || call->type != IOMMUFD_ABI_VIOMMU_SMMUV3 || (fake.options.other_iommu && hwpt->device != bound->device))
		return -EINVAL;
	call->out_id = fake_new_object(FAKE_VIOMMU);
	fake.objects[call->out_id].above = call->hwpt;
	fake.objects[call->out_id].device = bound->device;
	return 0;
}

static int vdevice_alloc(struct iommufd_abi_vdevice_alloc *call)
{
	const struct fake_object *bound = fake_object(call->device, FAKE_BOUND), *viommu = fake_object(call->viommu, FAKE_VIOMMU);

	if (!bound || !viommu)
		return -ENOENT;
	if (fake.options.other_iommu && viommu->device != bound->device)
		return -EINVAL;
	if (fake_has_vdevice(call->viommu, bound->device) || has_stream(call->viommu, call->virtual_id))
		return -EEXIST;
	call->out_id = fake_new_object(FAKE_VDEVICE);
	fake.objects[call->out_id].above = call->viommu;
	fake.objects[call->out_id].device = bound->device;
	fake.objects[call->out_id].stream = call->virtual_id;
	return 0;
}

int fake_nest_hwpt(void *argument)
{
	struct iommufd_abi_hwpt_alloc_nested *call = argument;
	const struct iommufd_abi_hwpt_smmuv3 *data = (void *)(uintptr_t)call->data;
	uint64_t config, ste[2];

	if (!fake_object(call->device, FAKE_BOUND) || !fake_object(call->viommu, FAKE_VIOMMU))
		return -ENOENT;
	if (call->data_type != IOMMUFD_ABI_HWPT_DATA_SMMUV3 || call->data_bytes != sizeof(*data) || call->flags)
		return -EINVAL;
	ste[0] = le64toh(data->ste[0]);
	ste[1] = le64toh(data->ste[1]);
	config = ste[0] >> 1 & 7;
	if (ste[0] & 1 && ((ste[1] & ~UINT64_C(0x80000ff)) || (config && config != 4 && config != 5)))
		return -EIO;
	call->out_id = fake_new_object(FAKE_NESTED);
	fake.objects[call->out_id].above = call->viommu;
	fake.objects[call->out_id].stops = !(ste[0] & 1) || !config;
	return 0;
}

static int invalidate(struct iommufd_abi_hwpt_invalidate *call)
{
	const struct iommufd_abi_invalidate_smmuv3 *commands = (void *)(uintptr_t)call->data;
	uint32_t number = call->number;

	call->number = 0;
	if (!fake_object(call->id, FAKE_VIOMMU))
		return -ENOENT;
	if (call->data_type != IOMMUFD_ABI_INVALIDATE_SMMUV3 || call->entry_bytes != sizeof(*commands))
		return -EINVAL;
	for (; call->number < number; call->number++) {
		const uint64_t command[2] = { le64toh(commands[call->number].command[0]), le64toh(commands[call->number].command[1]) };
		uint64_t opcode = command[0] & 0xff;

		/* CFGI_CD and CFGI_CD_ALL; TLBI_NH_ALL, _ASID, _VA and _VAA, TLBI_NSNH_ALL. */
		if (opcode == 5 || opcode == 6) {
			if (!has_stream(call->id, command[0] >> 32))
				return -EIO;
		} else if ((opcode < 0x10 || opcode > 0x13) && opcode != 0x30) {
			return -EIO;
		}
		if (fake.command_number < FAKE_COMMANDS)
			memcpy(fake.commands[fake.command_number], command, 16);
		fake.command_number++;
	}
	return 0;
}

size_t fake_commands(uint64_t (*commands)[2], size_t room)
{
	size_t number = fake.command_number;

	memcpy(commands, fake.commands, (number < room ? number : room) * 16);
	fake.command_number = 0;
	return number;
}

/* The file is the end of a pipe. */
static int veventq_alloc(struct iommufd_abi_veventq_alloc *call)
{
	struct fake_object *made;
	int ends[2];

	if (!fake_object(call->viommu, FAKE_VIOMMU))
		return -ENOENT;
	if (call->type != IOMMUFD_ABI_VEVENTQ_SMMUV3 || !call->depth)
		return -EINVAL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		abort();
	call->out_id = fake_new_object(FAKE_EVENTS);
	made = &fake.objects[call->out_id];
	made->above = call->viommu;
	made->read_end = call->out_fd = fake_new_file(FAKE_QUEUE, 0, NULL);
	made->write_end = ends[1];
	if (dup3(ends[0], made->read_end, O_CLOEXEC) < 0)
		abort();
	__real_close(ends[0]);
	return 0;
}

void fake_queue_close(const struct fake_file *file)
{
	for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
		if (fake.objects[id].kind == FAKE_EVENTS && fake.objects[id].read_end == file->fd) {
			__real_close(fake.objects[id].write_end);
			fake.objects[id].read_end = 0;
		}
}

void fake_event(uint32_t sequence, const uint64_t record[4])
{
	struct {
		struct iommufd_abi_vevent_header header;
		uint64_t record[4];
	} event = { .header = { .flags = record ? 0 : IOMMUFD_ABI_VEVENT_LOST, .sequence = sequence } };
	const ssize_t bytes = record ? (ssize_t)sizeof(event) : (ssize_t)sizeof(event.header);

	for (unsigned int i = 0; record && i < 4; i++)
		event.record[i] = htole64(record[i]);
	for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
		if (fake.objects[id].kind == FAKE_EVENTS && write(fake.objects[id].write_end, &event, (size_t)bytes) != bytes)
			abort();
}

int fake_nest_ioctl(unsigned long request, void *argument)
{
	if (fake.options.old_iommufd)
		return -ENOTTY;
	switch (request) {
	case IOMMUFD_ABI_GET_HW_INFO:
		return hw_info(argument);
	case IOMMUFD_ABI_VIOMMU_ALLOC:
		return viommu_alloc(argument);
	case IOMMUFD_ABI_VDEVICE_ALLOC:
		return vdevice_alloc(argument);
	case IOMMUFD_ABI_HWPT_INVALIDATE:
		return invalidate(argument);
	case IOMMUFD_ABI_VEVENTQ_ALLOC:
		return veventq_alloc(argument);
	default:
		return -ENOTTY;
	}
}
