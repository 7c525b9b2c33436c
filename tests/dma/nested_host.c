/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The host alone: nested_rig.h. */
#define _DEFAULT_SOURCE
#include "nested_rig.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *allocate(void *ctx, size_t bytes, size_t align)
{
	(void)ctx, (void)align;
	return calloc(1, bytes);
}

static void release(void *ctx, void *memory, size_t bytes, size_t align)
{
	(void)ctx, (void)bytes, (void)align;
	free(memory);
}

/* One slot exists before the first space, the others are added later. */
static void begin(struct nested *rig)
{
	uint64_t ste[2];
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(ste), .data = ste };

	rig->memory = (struct host_memory){ .alloc = allocate, .free = release };
	rig->ops = rig->host->ops;
	assert_int_equal(rig->ops->vm_create(rig->host, false, &rig->guest), 0);
	nested_show(rig, SLOT_MAIN);
	context_ste(&rig->context, ste);
	assert_int_equal(rig->ops->nest_create(rig->host, rig->guest, &data, &rig->memory, &rig->space), 0);
}

static void end(struct nested *rig)
{
	rig->ops->space_destroy(rig->space);
	rig->ops->vm_destroy(rig->guest);
}

static int show(struct nested *rig, const struct host_slot *slot)
{
	return rig->ops->slot_add(rig->guest, slot);
}

static int hide(struct nested *rig, const struct host_slot *slot)
{
	return rig->ops->slot_remove(rig->guest, slot);
}

static int plug(struct nested *rig, unsigned int unit, const struct viommu_vfio_device *named)
{
	struct host_device **device = &rig->unit[unit].device;

	assert_int_equal(rig->ops->device_create(rig->host, rig->guest, named, device), 0);
	assert_int_equal(rig->ops->device_set_id(*device, rig->unit[unit].stream), 0);
	assert_int_equal(rig->ops->attach(rig->space, *device, VIOMMU_NO_PASID), 0);
	return rig->ops->device_fd(*device);
}

static void unplug(struct nested *rig, unsigned int unit)
{
	assert_int_equal(rig->ops->detach(rig->space, rig->unit[unit].device, VIOMMU_NO_PASID), 0);
	rig->ops->device_destroy(rig->unit[unit].device);
}

/* The kernel's interrupt thread passes events on. */
static int event(struct nested *rig, uint64_t record[4], bool wait)
{
	struct pollfd readable = { .fd = rig->ops->nest_fd(rig->guest), .events = POLLIN };
	struct host_nest_event event = { .record = record };
	int error = rig->ops->nest_event(rig->guest, &event);

	if (error == -ENOENT && wait && poll(&readable, 1, 1000) == 1)
		error = rig->ops->nest_event(rig->guest, &event);
	if (error == -ENOENT)
		return error;
	assert_int_equal(error, 0);
	if (!event.bytes)
		memset(record, 0, 32);
	for (unsigned int i = 0; i < 4; i++)
		record[i] = le64toh(record[i]);
	return 0;
}

const struct nested_side nested_host_side = { .begin = begin, .end = end, .show = show, .hide = hide, .plug = plug, .unplug = unplug, .event = event };

/* CMD_TLBI_NH_VAA for each page, or CMD_TLBI_NH_ALL for many pages. */
void nested_invalidate(struct nested *rig, uint64_t first, uint64_t last)
{
	uint64_t commands[64][2] = { { htole64(0x10) } };
	uint32_t number = 1, done;

	for (uint64_t at = first; last / PAGE - first / PAGE < 64 && at < last; at += PAGE) {
		number = (uint32_t)((at - first) / PAGE) + 1;
		commands[number - 1][0] = htole64(0x13);
		commands[number - 1][1] = htole64(at);
	}
	assert_int_equal(rig->ops->nest_invalidate(rig->guest, commands, number, &done), 0);
}

/* CMD_CFGI_CD_ALL. */
void nested_invalidate_contexts(struct nested *rig)
{
	uint32_t done;

	for (unsigned int u = 0; u < UNITS; u++) {
		const uint64_t command[2] = { htole64(0x06 | (uint64_t)rig->unit[u].stream << 32) };

		assert_int_equal(rig->ops->nest_invalidate(rig->guest, command, 1, &done), 0);
	}
}
