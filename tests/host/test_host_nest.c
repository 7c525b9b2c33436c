/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest's own tables in the host iommufd, on a fake kernel: which objects are created and when,
 * the words that they get, and that no failure leaves an object behind. The fake reads no tables.
 * Translations are tested on test hosts (tests/dma/test_nested.c).
 */
#define _DEFAULT_SOURCE
#include "kernel_hosts.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_objects.h"
#include <viommu/domain.h>
#include <viommu/smmuv3.h>

#include "host/iommufd_abi.h"

/* Stream Table Entries, their first doublewords: V and Config. */
#define ABORTS	 UINT64_C(0x1)
#define BYPASSES UINT64_C(0x9)
#define WALKS	 UINT64_C(0xb)

static const struct fake_options nesting = { .nested = true, .smmuv3 = true };

struct nest {
	struct fixture f;
	struct host_device *second;
	struct host_slot slots[2];
	bool attached; /* a device ever was */
};

static void slots_of(struct nest *nest)
{
	nest->slots[0] =
		(struct host_slot){ .first = ARENA_GPA, .last = ARENA_GPA + 5 * MIB - 1, .hva = arena_memory(), .prot = VIOMMU_RW, .fd = arena_file() };
	nest->slots[1] = (struct host_slot){
		.first = ARENA_GPA + 8 * MIB, .last = ARENA_GPA + 9 * MIB - 1, .hva = arena_memory() + 5 * MIB, .prot = VIOMMU_READ, .fd = -1
	};
}

/* A host, a guest with one slot, and two devices with IDs. */
static void up(struct nest *nest, const struct fake_options *options)
{
	struct fixture *f = &nest->f;

	memset(nest, 0, sizeof(*nest));
	slots_of(nest);
	fake_begin(options);
	fake_file_is(arena_file(), 0, arena_memory());
	counted_memory_init(&f->memory);
	assert_int_equal(create_with(iommufd.create, &one, &f->host), 0);
	f->ops = f->host->ops;
	assert_int_equal(f->ops->vm_create(f->host, false, &f->guest), 0);
	assert_int_equal(f->ops->slot_add(f->guest, &nest->slots[0]), 0);
	assert_int_equal(f->ops->device_create(f->host, f->guest, &one, &f->device), 0);
	assert_int_equal(f->ops->device_create(f->host, f->guest, &two, &nest->second), 0);
	assert_int_equal(f->ops->device_set_id(f->device, 0x28), 0);
	assert_int_equal(f->ops->device_set_id(nest->second, 0x12ff), 0);
}

/*
 * Counts the objects that are destroyed with the iommufd and should have been destroyed before: all
 * but bound devices.
 */
static size_t left_over(void)
{
	size_t number = 0;

	for (uint32_t id = 1; id < FAKE_OBJECTS; id++)
		number += fake.objects[id].kind != FAKE_FREE && fake.objects[id].kind != FAKE_BOUND;
	return number;
}

static void down(struct nest *nest)
{
	struct fixture *f = &nest->f;

	f->ops->device_destroy(nest->second);
	f->ops->device_destroy(f->device);
	f->ops->vm_destroy(f->guest);
	assert_int_equal(left_over(), 0);
	viommu_host_destroy(f->host);
	assert_int_equal(f->memory.pieces, 0);
	assert_true(fake_end());
}

static int create(struct nest *nest, uint64_t ste0, uint64_t ste1, struct host_space **out)
{
	const uint64_t ste[2] = { htole64(ste0), htole64(ste1) };
	const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(ste), .data = ste };

	return nest->f.ops->nest_create(nest->f.host, nest->f.guest, &data, &nest->f.memory.memory, out);
}

static int invalidate(struct nest *nest, const uint64_t (*commands)[2], uint32_t number)
{
	uint64_t little[FAKE_COMMANDS][2];
	uint32_t done;
	int error;

	for (uint32_t i = 0; i < number; i++)
		for (unsigned int n = 0; n < 2; n++)
			little[i][n] = htole64(commands[i][n]);
	error = nest->f.ops->nest_invalidate(nest->f.guest, little, number, &done);
	assert_true(error ? done < number : done == number || !nest->attached);
	return error;
}

static void reports_nesting(void **state)
{
	const struct fake_options options[] = { nesting, { .nested = true }, { .smmuv3 = true, .nested = true, .no_viommu = true }, { .old_iommufd = true } };
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct host_space *space;
	struct nest nest;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct viommu_smmuv3_hw_info info = { .size = sizeof(info) };

		up(&nest, &options[i]);
		viommu_host_caps(nest.f.host, &caps);
		assert_int_equal(caps.nests, i ? 0 : VIOMMU_NESTS(VIOMMU_DOMAIN_SMMUV3));
		assert_int_equal(viommu_host_nest_info(nest.f.host, VIOMMU_DOMAIN_SMMUV3, &info), i ? -EOPNOTSUPP : 0);
		for (unsigned int n = 0; n < 6; n++)
			assert_int_equal(info.idr[n], i ? 0 : 10 + n);
		if (i)
			assert_int_equal(create(&nest, WALKS, 0, &space), -EOPNOTSUPP);
		down(&nest);
	}
}

static void takes_entries(void **state)
{
	static const struct {
		uint64_t ste[2];
		int error;
	} entries[] = {
		{ { ABORTS, 0 }, 0 },
		{ { BYPASSES, 0 }, 0 },
		{ { WALKS, 0 }, 0 },
		{ { 0, 0 }, 0 },
		/* not valid: the other bits have no meaning */
		{ { ~UINT64_C(1), ~UINT64_C(0) }, 0 },
		{ { UINT64_C(0xf80fffffffffffcb), UINT64_C(0x80000ff) }, 0 },
		{ { 0x3, 0 }, -EINVAL },		       /* Config 0b001 */
		{ { 0xd, 0 }, -EINVAL },		       /* Config 0b110: stage 2 */
		{ { 0xf, 0 }, -EINVAL },		       /* both */
		{ { WALKS | UINT64_C(1) << 52, 0 }, -EINVAL }, /* reserved */
		{ { WALKS, UINT64_C(1) << 28 }, -EINVAL },     /* EATS */
		{ { WALKS, UINT64_C(1) << 30 }, -EINVAL },     /* STRW */
	};
	struct host_space *space;
	struct nest nest;

	(void)state;
	up(&nest, &nesting);
	for (unsigned int i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		assert_int_equal(create(&nest, entries[i].ste[0], entries[i].ste[1], &space), entries[i].error);
		if (!entries[i].error) {
			assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
			assert_true(reaches(&nest.f, nest.f.device, ARENA_GPA) == (i == 1 || i == 2 || i == 5));
			assert_int_equal(nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID), 0);
			assert_false(reaches(&nest.f, nest.f.device, ARENA_GPA));
			nest.f.ops->space_destroy(space);
		}
	}
	down(&nest);
}

/* Guest memory is pinned once, at the first attach. Slots are added and removed beneath it. */
static void keeps_slots_beneath(void **state)
{
	const struct host_slot window = {
		.first = FAKE_WINDOW_LAST - MIB + 1, .last = FAKE_WINDOW_LAST, .hva = arena_memory() + 6 * MIB, .prot = VIOMMU_RW, .fd = -1
	};
	struct host_space *space, *other;
	unsigned char *hva;
	struct nest nest;
	uint32_t prot;

	(void)state;
	up(&nest, &nesting);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	assert_true(fake_pinned() == 0);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	assert_true(fake_pinned() == 5 * MIB);
	assert_int_equal(create(&nest, BYPASSES, 0, &other), 0);
	assert_int_equal(nest.f.ops->attach(other, nest.second, VIOMMU_NO_PASID), 0);
	assert_int_equal(nest.f.ops->slot_add(nest.f.guest, &nest.slots[1]), 0);
	assert_true(fake_pinned() == 6 * MIB);
	assert_int_equal(fake_dma(nest.f.ops->device_fd(nest.f.device), ARENA_GPA + 8 * MIB + PAGE, &hva, &prot), 0);
	assert_true(hva == arena_memory() + 5 * MIB + PAGE && prot == VIOMMU_READ);
	assert_int_equal(fake_dma(nest.f.ops->device_fd(nest.second), ARENA_GPA + PAGE, &hva, &prot), 0);
	assert_true(hva == arena_memory() + PAGE && prot == VIOMMU_RW);
	assert_int_equal(nest.f.ops->slot_add(nest.f.guest, &window), -ENOSPC);
	assert_int_equal(nest.f.ops->slot_remove(nest.f.guest, &nest.slots[0]), 0);
	assert_false(reaches(&nest.f, nest.f.device, ARENA_GPA) || reaches(&nest.f, nest.second, ARENA_GPA));
	assert_true(fake_pinned() == MIB);
	nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID);
	nest.f.ops->detach(other, nest.second, VIOMMU_NO_PASID);
	nest.f.ops->space_destroy(space);
	nest.f.ops->space_destroy(other);
	down(&nest);
	/* A slot that existed before. */
	up(&nest, &nesting);
	assert_int_equal(nest.f.ops->slot_add(nest.f.guest, &window), 0);
	assert_int_equal(create(&nest, WALKS, 0, &space), -ENOSPC);
	assert_int_equal(nest.f.ops->slot_remove(nest.f.guest, &window), 0);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	nest.f.ops->space_destroy(space);
	down(&nest);
}

/* The guest's commands go to the kernel unmodified, as arrays. */
static void invalidates(void **state)
{
	static const uint64_t some[][2] = {
		{ UINT64_C(0x70000000000012), 0x5000 }, { 0x10, 0 }, { UINT64_C(0x70000000000011), 0 }, { UINT64_C(0x1301f012), 0xffff000 | 1 },
		{ UINT64_C(0x2800000005), 1 },		{ 0x30, 0 },
	};
	const uint32_t number = sizeof(some) / sizeof(some[0]);
	uint64_t commands[FAKE_COMMANDS][2], many[FAKE_COMMANDS][2];
	struct host_space *space;
	struct nest nest;
	uint64_t before;
	uint32_t done;

	(void)state;
	up(&nest, &nesting);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	/* Before a device is attached, the hardware has cached nothing. */
	assert_int_equal(invalidate(&nest, some, number), 0);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	nest.attached = true;
	before = fake_calls();
	assert_int_equal(invalidate(&nest, some, number), 0);
	assert_int_equal(fake_calls(), before + 1);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), number);
	assert_memory_equal(commands, some, sizeof(some));
	for (unsigned int i = 0; i < FAKE_COMMANDS; i++)
		many[i][0] = 0x13, many[i][1] = i * PAGE;
	assert_int_equal(invalidate(&nest, (const uint64_t(*)[2])many, FAKE_COMMANDS), 0);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), FAKE_COMMANDS);
	assert_memory_equal(commands, many, sizeof(many));
	/*
	 * The kernel refuses one command. Those before it are done. The entries are in the guest's
	 * byte order.
	 */
	for (unsigned int i = 0; i < 4; i++)
		many[i][0] = htole64(i == 2 ? 0x46 : 0x13), many[i][1] = htole64(i * PAGE);
	assert_int_equal(nest.f.ops->nest_invalidate(nest.f.guest, many, 4, &done), -EIO);
	assert_int_equal(done, 2);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), 2);
	assert_int_equal(nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	/* The values that were read for a removed device stay available. */
	assert_int_equal(invalidate(&nest, some, 1), 0);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), 1);
	nest.f.ops->space_destroy(space);
	down(&nest);
}

/*
 * A move between spaces of either kind is one kernel call. If it fails, the device stays in its
 * space.
 */
static void moves_devices(void **state)
{
	struct host_space *walks, *bypasses, *filled;
	struct fixture *f;
	struct nest nest;
	uint64_t before;

	(void)state;
	up(&nest, &nesting);
	f = &nest.f;
	assert_int_equal(create(&nest, WALKS, 0, &walks), 0);
	assert_int_equal(create(&nest, BYPASSES, 0, &bypasses), 0);
	assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, &f->memory, &filled), 0);
	assert_int_equal(f->ops->attach(walks, f->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(f->ops->attach(bypasses, nest.second, VIOMMU_NO_PASID), 0);
	assert_int_equal(f->ops->replace(walks, bypasses, f->device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(f, f->device, ARENA_GPA));
	before = fake_calls();
	assert_int_equal(f->ops->replace(bypasses, filled, f->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(fake_calls(), before + 1);
	assert_false(reaches(f, f->device, ARENA_GPA));
	fake_fail(fake_calls() + 1, fake_calls() + 1, EIO);
	assert_int_equal(f->ops->replace(filled, bypasses, f->device, VIOMMU_NO_PASID), -EIO);
	assert_false(reaches(f, f->device, ARENA_GPA));
	assert_int_equal(f->ops->replace(filled, bypasses, f->device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(f, f->device, ARENA_GPA));
	fake_fail(fake_calls() + 1, fake_calls() + 1, EIO);
	assert_int_equal(f->ops->replace(bypasses, filled, f->device, VIOMMU_NO_PASID), -EIO);
	assert_true(reaches(f, f->device, ARENA_GPA));
	assert_int_equal(f->ops->detach(bypasses, f->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(f->ops->detach(bypasses, nest.second, VIOMMU_NO_PASID), 0);
	f->ops->space_destroy(filled);
	f->ops->space_destroy(bypasses);
	f->ops->space_destroy(walks);
	down(&nest);
}

/*
 * A device without an ID, or with the ID of another device, is not attached. It may get another ID.
 */
static void finds_devices_by_their_ids(void **state)
{
	static const uint64_t both[2][2] = { { 6, 0 }, { UINT64_C(0x2800000006), 0 } }, unknown[1][2] = { { UINT64_C(0x2900000006), 0 } };
	uint64_t commands[FAKE_COMMANDS][2];
	struct host_space *space;
	struct nest nest;

	(void)state;
	up(&nest, &nesting);
	nest.f.ops->device_destroy(nest.second);
	assert_int_equal(nest.f.ops->device_create(nest.f.host, nest.f.guest, &two, &nest.second), 0);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.second, VIOMMU_NO_PASID), -EINVAL);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(nest.f.ops->device_set_id(nest.second, 0x28), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.second, VIOMMU_NO_PASID), -EEXIST);
	assert_false(reaches(&nest.f, nest.second, ARENA_GPA));
	assert_int_equal(nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(nest.f.ops->device_set_id(nest.f.device, 0), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.second, VIOMMU_NO_PASID), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	nest.attached = true;
	assert_int_equal(invalidate(&nest, both, 2), 0);
	assert_int_equal(fake_commands(commands, FAKE_COMMANDS), 2);
	assert_int_equal(invalidate(&nest, unknown, 1), -EIO);
	nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID);
	nest.f.ops->detach(space, nest.second, VIOMMU_NO_PASID);
	nest.f.ops->space_destroy(space);
	down(&nest);
}

static void passes_events_on(void **state)
{
	const uint64_t records[2][4] = { { UINT64_C(0x2800000010), 2, 0x7000, 0 }, { UINT64_C(0x2800000013), 3, 0x8000, UINT64_MAX } };
	uint64_t record[4];
	struct host_nest_event event = { .record = record };
	struct host_space *space;
	struct nest nest;
	int fd;

	(void)state;
	up(&nest, &nesting);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	assert_int_equal(nest.f.ops->nest_fd(nest.f.guest), -ENODEV);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), -ENOENT);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	fd = nest.f.ops->nest_fd(nest.f.guest);
	assert_true(fd >= 0);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), -ENOENT);
	fake_event(0, records[0]);
	fake_event(1, records[1]);
	fake_event(7, records[0]); /* five are missing */
	fake_event(8, NULL);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
		assert_int_equal(event.bytes, 32);
		for (unsigned int n = 0; n < 4; n++)
			assert_true(le64toh(record[n]) == records[i % 2][n]);
		assert_true(event.lost == (i == 2));
	}
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
	assert_true(event.lost && !event.bytes);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), -ENOENT);
	fake_event(9, records[1]);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
	assert_false(event.lost);
	fake_event(INT32_MAX, records[1]);
	fake_event(0, records[1]);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
	assert_true(event.lost);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
	assert_false(event.lost);
	fake_event(1, records[0]);
	fake_fail(fake_calls() + 1, fake_calls() + 1, EIO);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), -EIO);
	assert_int_equal(nest.f.ops->nest_event(nest.f.guest, &event), 0);
	assert_int_equal(nest.f.ops->nest_fd(nest.f.guest), fd);
	nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID);
	nest.f.ops->space_destroy(space);
	down(&nest);
}

static void other_iommu_is_refused(void **state)
{
	struct fake_options options = nesting;
	struct host_space *space;
	struct nest nest;

	(void)state;
	options.other_iommu = true;
	up(&nest, &options);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.second, VIOMMU_NO_PASID), -EINVAL);
	assert_false(reaches(&nest.f, nest.second, ARENA_GPA));
	nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID);
	nest.f.ops->space_destroy(space);
	down(&nest);
}

/* Detaching a device fails twice. After the space is destroyed, the device reaches nothing. */
static void destroying_stops_devices(void **state)
{
	struct host_space *space;
	struct nest nest;

	(void)state;
	up(&nest, &nesting);
	assert_int_equal(create(&nest, WALKS, 0, &space), 0);
	assert_int_equal(nest.f.ops->attach(space, nest.f.device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(&nest.f, nest.f.device, ARENA_GPA));
	fake_fail(fake_calls() + 1, fake_calls() + 2, EIO);
	assert_int_equal(nest.f.ops->detach(space, nest.f.device, VIOMMU_NO_PASID), -EIO);
	nest.f.ops->space_destroy(space);
	assert_false(reaches(&nest.f, nest.f.device, ARENA_GPA));
	down(&nest);
}

/* One life in which kernel calls or an allocation fail. */
struct life {
	uint64_t from, until;
	int error;
	uint64_t allocation;
	bool single; /* a retry works */
};

static int again(const struct life *life, int (*op)(struct host_space *, struct host_device *, uint32_t), struct host_space *space, struct host_device *device)
{
	int error = op(space, device, VIOMMU_NO_PASID);

	return error && life->single ? op(space, device, VIOMMU_NO_PASID) : error;
}

static void use(struct nest *nest, const struct life *life, struct host_space *space)
{
	static const uint64_t pages[3][2] = { { 0x13, 0 }, { 0x13, 0x1000 }, { 0x13, 0x2000 } }, contexts[1][2] = { { UINT64_C(0x300000006), 0 } };
	struct fixture *f = &nest->f;
	uint64_t record[4];
	struct host_nest_event event = { .record = record };
	int error, added;

	error = f->ops->device_set_id(f->device, 3);
	assert_int_equal(error, 0);
	error = f->ops->attach(space, f->device, VIOMMU_NO_PASID);
	assert_true(reaches(f, f->device, ARENA_GPA) == !error);
	if (error && life->single)
		assert_int_equal(f->ops->attach(space, f->device, VIOMMU_NO_PASID), 0);
	else if (error)
		return;
	added = f->ops->slot_add(f->guest, &nest->slots[1]);
	assert_true(reaches(f, f->device, nest->slots[1].first) == !added);
	nest->attached = true;
	error = invalidate(nest, pages, 3);
	if (error && life->single)
		assert_int_equal(invalidate(nest, pages, 3), 0);
	error = invalidate(nest, contexts, 1);
	if (error && life->single)
		assert_int_equal(invalidate(nest, contexts, 1), 0);
	f->ops->nest_event(f->guest, &event);
	error = f->ops->slot_remove(f->guest, &nest->slots[1]);
	if (error && life->single)
		error = f->ops->slot_remove(f->guest, &nest->slots[1]);
	if (!error)
		assert_false(reaches(f, f->device, nest->slots[1].first));
	assert_true(!error || !life->single);
	error = again(life, f->ops->detach, space, f->device);
	if (!error)
		assert_false(reaches(f, f->device, ARENA_GPA));
	assert_true(!error || !life->single);
	if (!error && f->ops->device_set_id(f->device, 4) && life->single)
		assert_int_equal(f->ops->device_set_id(f->device, 4), 0);
	/* If this fails, destroying the space does it. */
	if (!error && !again(life, f->ops->attach, space, f->device)) {
		assert_true(reaches(f, f->device, ARENA_GPA));
		f->ops->detach(space, f->device, VIOMMU_NO_PASID);
	}
}

static void live(const struct life *life)
{
	struct nest nest = { 0 };
	struct fixture *f = &nest.f;
	struct host_space *space;
	bool added;

	slots_of(&nest);
	fake_begin(&nesting);
	fake_file_is(arena_file(), 0, arena_memory());
	fake_fail(life->from, life->until, life->error);
	fake_fail_allocation(life->allocation);
	counted_memory_init(&f->memory);
	if (create_with(iommufd.create, &one, &f->host))
		goto end;
	f->ops = f->host->ops;
	if (f->ops->vm_create(f->host, false, &f->guest))
		goto host;
	added = !f->ops->slot_add(f->guest, &nest.slots[0]);
	if (f->ops->device_create(f->host, f->guest, &one, &f->device))
		goto guest;
	if (added && !create(&nest, WALKS, 0, &space)) {
		use(&nest, life, space);
		f->ops->space_destroy(space);
		if (life->single)
			assert_false(reaches(f, f->device, ARENA_GPA));
	}
	f->ops->device_destroy(f->device);
guest:
	f->ops->vm_destroy(f->guest);
host:
	assert_int_equal(f->memory.pieces, 0);
	/* If detaching fails while the host is created, the device's page table stays as well. */
	if (life->single && fake.failed != IOMMUFD_ABI_DESTROY && fake.failed != VFIO_ABI_DETACH_PT)
		assert_int_equal(left_over(), 0);
	viommu_host_destroy(f->host);
end:
	assert_true(fake_end());
}

static uint64_t calls_of_a_life(void)
{
	live(&(struct life){ .single = true });
	return fake_calls();
}

static void each_call_fails(void **state)
{
	const int errors[] = { ENOMEM, EINVAL, ENODEV, EIO };
	uint64_t calls = calls_of_a_life();

	(void)state;
	assert_true(calls > 35);
	for (uint64_t call = 1; call <= calls; call++)
		for (unsigned int i = 0; i < 4; i++)
			live(&(struct life){ .from = call, .until = call, .error = errors[i], .single = true });
}

static void each_allocation_fails(void **state)
{
	uint64_t allocations;

	(void)state;
	live(&(struct life){ .single = true });
	allocations = fake_allocations();
	assert_true(allocations > 3);
	for (uint64_t i = 1; i <= allocations; i++)
		live(&(struct life){ .allocation = i, .single = true });
}

static void each_call_is_interrupted(void **state)
{
	uint64_t calls = calls_of_a_life();

	(void)state;
	for (uint64_t call = 1; call <= calls; call++) {
		live(&(struct life){ .from = call, .until = call, .error = EINTR, .single = true });
		assert_true(fake_calls() == calls + 1);
	}
}

static void many_calls_fail(void **state)
{
	const uint64_t lengths[] = { 2, 3, 7, UINT64_MAX / 2 };
	uint64_t calls = calls_of_a_life();

	(void)state;
	for (uint64_t call = 1; call <= calls; call++)
		for (unsigned int i = 0; i < 4; i++)
			live(&(struct life){ .from = call, .until = call + lengths[i] - 1, .error = EIO });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_nesting),  cmocka_unit_test(takes_entries),	      cmocka_unit_test(keeps_slots_beneath),
		cmocka_unit_test(invalidates),	    cmocka_unit_test(moves_devices),	      cmocka_unit_test(finds_devices_by_their_ids),
		cmocka_unit_test(passes_events_on), cmocka_unit_test(other_iommu_is_refused), cmocka_unit_test(destroying_stops_devices),
		cmocka_unit_test(each_call_fails),  cmocka_unit_test(each_allocation_fails),  cmocka_unit_test(each_call_is_interrupted),
		cmocka_unit_test(many_calls_fail),
	};

	return cmocka_run_group_tests_name("host iommufd, nesting", tests, use_arena, NULL);
}
