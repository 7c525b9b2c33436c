/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts type1 and iommufd on a fake kernel: the conformance suite, their use of the kernel's
 * capabilities, and behaviour of their own.
 */
#include "host/iommufd.h"
#include "kernel_hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/vfio.h>
#include <viommu/vfio.h>

static struct fake_options options;

/*
 * For the conformance suite. The fake kernel begins when the host is created, and is checked when
 * the next one is.
 */
static bool begun;

static void begin(void)
{
	if (begun)
		assert_true(fake_end());
	fake_begin(&options);
	fake_file_is(arena_file(), 0, arena_memory());
	begun = true;
}

static void end(void)
{
	assert_true(fake_end());
	begun = false;
}

static int create_type1(struct viommu_host **out)
{
	begin();
	return create_with(viommu_host_type1_create, &one, out);
}

static int create_iommufd(struct viommu_host **out)
{
	begin();
	return create_with(iommufd.create, &one, out);
}

static int create_iommufd_apart(struct viommu_host **out)
{
	begin();
	return create_with(apart.create, &one, out);
}

static int probe(struct host_space *space, struct host_device *device, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	return fake_dma(space->host->ops->device_fd(device), iova, hva, prot);
}

static void reports_capabilities(void **state)
{
	const struct kind *kind = kind_of(state);
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_iova_range ranges[3];
	struct viommu_host *host;

	for (unsigned int late = 0; late < 2; late++) {
		fake_begin(&(struct fake_options){ .entry_limit = 77, .nested = true, .late_ranges = late });
		assert_int_equal(create_with(kind->create, &short_one, &host), 0);
		assert_string_equal(why, "");
		viommu_host_caps(host, &caps);
		assert_string_equal(caps.name, kind->name);
		assert_false(caps.split);
		assert_false(caps.lookup);
		assert_true(caps.dirty == (kind != &type1));
		assert_true(caps.page_sizes == (kind != &type1 ? UINT64_C(0x1000) : UINT64_C(0x40201000)));
		assert_true(caps.entry_limit == (kind != &type1 ? VIOMMU_NO_LIMIT : 77));
		assert_true(caps.first == 0x1000 && caps.last == (UINT64_C(1) << 48) - 1);
		assert_int_equal(viommu_host_ranges(host, ranges, 3), 2);
		assert_true(ranges[0].first == 0x1000 && ranges[0].last == 0xfedfffff && ranges[1].first == 0xfef00000 && ranges[1].last == caps.last);
		viommu_host_destroy(host);
		assert_true(fake_end());
	}
}

static void expect_no_host(const struct kind *kind, const struct fake_options *with, const struct viommu_vfio_device *device, int error, const char *words)
{
	struct viommu_host *host;

	fake_begin(with);
	assert_int_equal(create_with(kind->create, device, &host), error);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not mention %s", why, words);
	assert_true(fake_end());
}

static void refuses(void **state)
{
	const struct kind *kind = kind_of(state);
	const struct fake_options plain = { 0 };
	struct viommu_vfio_device device = one;
	struct viommu_host *host;

	expect_no_host(kind, &plain, NULL, -EINVAL, "no device");
	device.size = 3;
	expect_no_host(kind, &plain, &device, -EINVAL, "no device");
	device = one;
	device.device_fd = 5;
	expect_no_host(kind, &plain, &device, -EINVAL, "one of the two");
	device = one;
	device.address = NULL;
	expect_no_host(kind, &plain, &device, -EINVAL, "no device");
	device.address = "0000:00:5";
	expect_no_host(kind, &plain, &device, -EINVAL, "no PCI address");
	device.address = "0000:00:20.0";
	expect_no_host(kind, &plain, &device, -EINVAL, "no PCI address");
	device.address = "0000:00:06.0";
	expect_no_host(kind, &plain, &device, -ENODEV, "no such PCI function");
	expect_no_host(kind, &(struct fake_options){ .unbound = true }, &one, -ENODEV, "driver_override");
	expect_no_host(kind, &(struct fake_options){ .no_vfio = true, .no_iommu = true }, &one, -ENOENT,
		       kind == &type1 ? "vfio_iommu_type1" : "CONFIG_IOMMUFD");
	device = one;
	device.address = NULL;
	device.device_fd = 1;
	device.container_fd = 1;
	expect_no_host(kind, &plain, &device, -EINVAL, kind == &type1 ? "group" : "container");
	if (kind != &type1)
		expect_no_host(kind, &(struct fake_options){ .no_cdev = true }, &one, -ENOENT, "CONFIG_VFIO_DEVICE_CDEV");

	fake_begin(&plain);
	assert_int_equal(kind->create(NULL, &host), -EINVAL);
	/* A device of another process. */
	device.device_fd = fake_open(kind == &type1 ? "/dev/vfio/7" : "/dev/vfio/devices/vfio0");
	assert_int_equal(create_with(kind->create, &one, &host), -EBUSY);
	assert_non_null(strstr(why, "/dev/vfio/"));
	fake_close(device.device_fd);
	assert_true(fake_end());
}

/* Messages are truncated if they do not fit, and omitted without a buffer. */
static void messages(void **state)
{
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .why = why, .why_bytes = 8 };
	struct viommu_host *host;

	memset(why, 'x', sizeof(why));
	assert_int_equal(kind_of(state)->create(&config, &host), -EINVAL);
	assert_string_equal(why, "no devi");
	assert_int_equal(why[8], 'x');
	config.why_bytes = 0;
	why[0] = 'x';
	assert_int_equal(kind_of(state)->create(&config, &host), -EINVAL);
	assert_int_equal(why[0], 'x');
	config.why = NULL;
	config.why_bytes = 8;
	assert_int_equal(kind_of(state)->create(&config, &host), -EINVAL);
}

/* A host with guest memory, two devices and a space, for tests outside the suite. */
static struct counted_memory counted;

/* A guest, a device and a space, on a host that is there. */
static void make_on(struct fixture *f, struct viommu_host *host, const struct viommu_vfio_device *device, bool pinned)
{
	const struct host_slot slot = { .first = ARENA_GPA, .last = ARENA_GPA + 16 * MIB - 1, .hva = arena_memory(), .prot = VIOMMU_RW, .fd = arena_file() };

	memset(f, 0, sizeof(*f));
	f->host = host;
	f->ops = f->host->ops;
	if (f->ops->vm_create) {
		assert_int_equal(f->ops->vm_create(f->host, pinned, &f->guest), 0);
		assert_int_equal(f->ops->slot_add(f->guest, &slot), 0);
	}
	assert_int_equal(f->ops->device_create(f->host, f->guest, device, &f->device), 0);
	counted_memory_init(&counted);
	assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, &counted, &f->space), 0);
	f->place = GIB;
}

static void make(struct fixture *f, const struct kind *kind, const struct fake_options *with, bool pinned)
{
	struct viommu_host *host;

	fake_begin(with);
	fake_file_is(arena_file(), 0, arena_memory());
	assert_int_equal(create_with(kind->create, &one, &host), 0);
	make_on(f, host, &one, pinned);
}

static void unmake_on(struct fixture *f)
{
	f->ops->space_destroy(f->space);
	assert_int_equal(counted.pieces, 0);
	if (f->device)
		f->ops->device_destroy(f->device);
	if (f->guest)
		f->ops->vm_destroy(f->guest);
	assert_int_equal(fake_mappings(), 0);
}

static void unmake(struct fixture *f)
{
	unmake_on(f);
	assert_int_equal(fake_objects(), 0);
	viommu_host_destroy(f->host);
	assert_true(fake_end());
}

/* A host with an attached device and a mapping, a second space and a second device. */
static void make_two(struct fixture *f, const struct kind *kind, const struct fake_options *fake, struct counted_memory *memory, struct host_space **other,
		     struct host_device **second)
{
	make(f, kind, fake, false);
	counted_memory_init(memory);
	assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, memory, other), 0);
	assert_int_equal(f->ops->device_create(f->host, f->guest, &two, second), 0);
	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f->ops->attach(f->space, f->device, VIOMMU_NO_PASID), 0);
}

/* Two devices in one group can be in one space only. */
static void one_group(void **state)
{
	struct counted_memory memory;
	struct host_space *other;
	struct host_device *second;
	struct fixture f;

	make_two(&f, kind_of(state), &(struct fake_options){ .one_group = true }, &memory, &other, &second);
	if (kind_of(state) == &type1) {
		assert_int_equal(f.ops->attach(other, second, VIOMMU_NO_PASID), -EBUSY);
		assert_true(reaches(&f, f.device, f.place));
	}
	if (kind_of(state) == &apart) {
		/*
		 * A host with a page table for each device refuses the second device of a group: in
		 * the kernel, a group has one page table.
		 */
		assert_int_equal(f.ops->attach(f.space, second, VIOMMU_NO_PASID), -EINVAL);
		assert_true(reaches(&f, f.device, f.place) && !reaches(&f, second, f.place));
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	}
	assert_int_equal(f.ops->attach(f.space, second, VIOMMU_NO_PASID), 0);
	if (kind_of(state) == &iommufd) {
		/* Removing one device leaves the other one attached. */
		assert_int_equal(f.ops->replace(f.space, other, f.device, VIOMMU_NO_PASID), -EOPNOTSUPP);
		assert_true(reaches(&f, f.device, f.place) && reaches(&f, second, f.place));
	}
	if (kind_of(state) != &apart)
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(&f, second, f.place));
	if (kind_of(state) == &iommufd) {
		assert_int_equal(f.ops->replace(f.space, other, second, VIOMMU_NO_PASID), 0);
		assert_false(reaches(&f, second, f.place));
		assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), -EINVAL);
		assert_int_equal(f.ops->replace(other, f.space, second, VIOMMU_NO_PASID), 0);
		assert_true(reaches(&f, second, f.place));
	}
	assert_int_equal(f.ops->detach(f.space, second, VIOMMU_NO_PASID), 0);
	assert_false(reaches(&f, second, f.place));
	assert_false(reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->attach(other, second, VIOMMU_NO_PASID), 0);
	assert_false(reaches(&f, second, f.place));
	assert_int_equal(f.ops->detach(other, second, VIOMMU_NO_PASID), 0);
	f.ops->device_destroy(second);
	f.ops->space_destroy(other);
	unmake(&f);
}

/* Devices of unknown groups: a move is a single step only while no other device is attached. */
static void hidden_groups(void **state)
{
	struct counted_memory memory;
	struct host_space *other;
	struct host_device *second;
	struct fixture f;

	make_two(&f, kind_of(state), &(struct fake_options){ .hidden_groups = true }, &memory, &other, &second);
	assert_int_equal(f.ops->replace(f.space, other, f.device, VIOMMU_NO_PASID), 0);
	assert_false(reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->attach(f.space, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(f.ops->replace(other, f.space, f.device, VIOMMU_NO_PASID), -EOPNOTSUPP);
	assert_true(!reaches(&f, f.device, f.place) && reaches(&f, second, f.place));
	assert_int_equal(f.ops->detach(f.space, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(f.ops->replace(other, f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	f.ops->device_destroy(second);
	f.ops->space_destroy(other);
	unmake(&f);
}

static bool pasid_reaches(const struct fixture *f, uint32_t pasid, uint64_t iova)
{
	unsigned char *hva;
	uint32_t prot;

	return !fake_dma_pasid(f->ops->device_fd(f->device), pasid, iova, &hva, &prot);
}

/*
 * A device and each of its PASIDs are attached on their own, in any order. The device goes on with
 * what it had when its first PASID comes.
 */
static void pasids(void **state)
{
	struct counted_memory memory;
	struct host_space *other;
	struct fixture f;

#ifdef __s390x__
	/* There each device has an IOAS of its own, and no PASIDs. */
	skip();
#endif
	for (unsigned int first = 0; first < 2; first++) {
		make(&f, kind_of(state), &(struct fake_options){ .pasid_bits = 8 }, false);
		counted_memory_init(&memory);
		assert_int_equal(f.host->caps.pasid_bits, 8);
		assert_int_equal(open_space(&f, f.host->caps.first, f.host->caps.last, &memory, &other), 0);
		assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), 0);
		if (first)
			assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(f.ops->attach(other, f.device, 5), 0);
		assert_int_equal(f.ops->attach(f.space, f.device, 6), 0);
		if (!first)
			assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_true(reaches(&f, f.device, f.place) && !pasid_reaches(&f, 5, f.place) && pasid_reaches(&f, 6, f.place));
		/* Later mappings are in all page tables of the space. */
		assert_int_equal(map(&f, f.place + PAGE, PAGE, PAGE, VIOMMU_RW), 0);
		assert_true(reaches(&f, f.device, f.place + PAGE) && pasid_reaches(&f, 6, f.place + PAGE));
		assert_int_equal(f.ops->replace(other, f.space, f.device, 5), 0);
		assert_int_equal(f.ops->replace(f.space, other, f.device, VIOMMU_NO_PASID), 0);
		assert_true(!reaches(&f, f.device, f.place) && pasid_reaches(&f, 5, f.place));
		assert_int_equal(f.ops->detach(f.space, f.device, 5), 0);
		assert_true(!pasid_reaches(&f, 5, f.place) && pasid_reaches(&f, 6, f.place));
		assert_int_equal(f.ops->detach(f.space, f.device, 6), 0);
		assert_int_equal(f.ops->detach(other, f.device, VIOMMU_NO_PASID), 0);
		/* Without PASIDs, as before. */
		assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_true(reaches(&f, f.device, f.place) && !pasid_reaches(&f, 6, f.place));
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
		f.ops->space_destroy(other);
		unmake(&f);
	}
}

/* Where there are none, and where the kernel attaches none all the same. */
static void no_pasids(void **state)
{
	struct fixture f;

	make(&f, kind_of(state), &(struct fake_options){ 0 }, false);
	assert_int_equal(f.host->caps.pasid_bits, 0);
	unmake(&f);
	make(&f, kind_of(state), &(struct fake_options){ .pasid_bits = 8, .refuse_pasids = true }, false);
	assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(f.ops->attach(f.space, f.device, 5), -EOPNOTSUPP);
	assert_true(reaches(&f, f.device, f.place) && !pasid_reaches(&f, 5, f.place));
	assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	unmake(&f);
}

static void narrower_device(void **state)
{
	struct host_device *second;
	struct fixture f;

	make(&f, kind_of(state), &(struct fake_options){ .narrow_two = true, .late_ranges = true }, false);
	assert_int_equal(f.ops->device_create(f.host, f.guest, &two, &second), -ERANGE);
	unmake(&f);
}

/* A second device behind another IOMMU, or no device at first. */
static void other_iommu(void **state)
{
	struct host_device *second;
	struct fixture f;

	make(&f, kind_of(state), &(struct fake_options){ .other_iommu = true }, false);
	assert_int_equal(f.ops->device_create(f.host, f.guest, &two, &second), 0);
	assert_int_equal(map(&f, f.place, 2 * PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(f.ops->attach(f.space, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(map(&f, f.place + 2 * PAGE, PAGE, 0, VIOMMU_RW), 0);
	assert_true(reaches(&f, second, f.place) && reaches(&f, second, f.place + 2 * PAGE) && reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->unmap(f.space, f.place, f.place + 2 * PAGE - 1), 0);
	assert_false(reaches(&f, second, f.place) || reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->detach(f.space, second, VIOMMU_NO_PASID), 0);
	assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	f.ops->device_destroy(second);
	unmake(&f);
}

static void without_devices(void **state)
{
	struct counted_memory memory;
	struct host_vm *guest = NULL;
	struct host_space *space;
	struct fixture f;

	make(&f, kind_of(state), &(struct fake_options){ 0 }, false);
	f.ops->device_destroy(f.device);
	counted_memory_init(&memory);
	if (f.ops->vm_create) {
		const struct host_slot slot = { .first = ARENA_GPA, .last = ARENA_GPA + MIB - 1, .hva = arena_memory(), .prot = VIOMMU_RW, .fd = -1 };

		assert_int_equal(f.ops->vm_create(f.host, true, &guest), 0);
		assert_int_equal(f.ops->slot_add(guest, &slot), 0);
		assert_int_equal(fake_pinned(), 0);
	}
	assert_int_equal(f.ops->space_create(f.host, guest, f.host->caps.first, f.host->caps.last, &memory.memory, &space), 0);
	f.ops->space_destroy(f.space);
	f.space = space;
	assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f.ops->device_create(f.host, guest, &two, &f.device), 0);
	/* From here on the guest is pinned. */
	assert_int_equal(fake_pinned(), guest ? MIB : 0);
	assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_true(reaches(&f, f.device, f.place));
	assert_int_equal(map(&f, f.place + PAGE, PAGE, 0, VIOMMU_RW), 0);
	assert_true(reaches(&f, f.device, f.place + PAGE));
	assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_false(reaches(&f, f.device, f.place));
	f.ops->space_destroy(f.space);
	if (guest)
		f.ops->vm_destroy(guest);
	assert_int_equal(open_space(&f, f.host->caps.first, f.host->caps.last, &counted, &f.space), 0);
	unmake(&f);
}

/* Pins and charges after each operation. */
static void pinning(void **state)
{
	const uint64_t limit = 8 * PAGE;
	bool once = kind_of(state) != &type1;
	struct fixture f;

	for (unsigned int pinned = 0; pinned < 2; pinned++) {
		make(&f, kind_of(state), &(struct fake_options){ .lock_limit = pinned ? 0 : limit }, pinned);
		assert_int_equal(fake_pinned(), pinned && once ? 16 * MIB : 0);
		assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(map(&f, f.place, 4 * PAGE, 0, VIOMMU_RW), 0);
		assert_int_equal(map(&f, f.place + 4 * PAGE, 4 * PAGE, 0, VIOMMU_READ), 0);
		assert_int_equal(fake_pinned(), once ? pinned ? 16 * MIB : 4 * PAGE : 8 * PAGE);
		if (!pinned) {
			assert_int_equal(map(&f, f.place + 8 * PAGE, 5 * PAGE, 4 * PAGE, VIOMMU_RW), -ENOMEM);
			assert_false(reaches(&f, f.device, f.place + 8 * PAGE));
			/* The guest makes room. */
			assert_int_equal(f.ops->unmap(f.space, f.place, f.place + 8 * PAGE - 1), 0);
			assert_int_equal(map(&f, f.place + 8 * PAGE, 8 * PAGE, 4 * PAGE, VIOMMU_RW), 0);
			assert_int_equal(fake_pinned(), limit);
		}
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
		unmake(&f);
	}
}

static void entry_limit(void **state)
{
	struct fixture f;

	if (kind_of(state) != &type1)
		skip();
	make(&f, kind_of(state), &(struct fake_options){ .entry_limit = 3 }, false);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(map(&f, f.place + i * PAGE, PAGE, 0, VIOMMU_RW), 0);
	/* The existing mappings exceed the limit of the device's container. */
	assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), -ENOSPC);
	assert_false(reaches(&f, f.device, f.place));
	assert_int_equal(f.ops->unmap(f.space, f.place, f.place + PAGE - 1), 0);
	assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), -ENOSPC);
	assert_int_equal(f.ops->unmap(f.space, f.place + PAGE, f.place + 2 * PAGE - 1), 0);
	assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
	unmake(&f);
}

/* Removing a range that cuts a mapping fails. */
static void cut(void **state)
{
	struct fixture f;

	for (unsigned int old = 0; old < 2; old++) {
		make(&f, kind_of(state), &(struct fake_options){ .old_iommufd = old }, false);
		assert_int_equal(map(&f, f.place, 4 * PAGE, 0, VIOMMU_RW), 0);
		assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		/* An old kernel answers as if the range were empty. */
		if (!old || kind_of(state) == &type1)
			assert_true(f.ops->unmap(f.space, f.place + PAGE, f.place + 2 * PAGE - 1) < 0);
		assert_true(reaches(&f, f.device, f.place + PAGE));
		assert_int_equal(f.ops->unmap(f.space, f.place, f.place + 4 * PAGE - 1), 0);
		assert_false(reaches(&f, f.device, f.place + PAGE));
		assert_int_equal(f.ops->unmap(f.space, f.place, f.place + 4 * PAGE - 1), 0);
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
		unmake(&f);
	}
}

/* The host uses the caller's file descriptors, and leaves them open. */
static void descriptors(void **state)
{
	struct viommu_vfio_device device = { .size = sizeof(device), .device_fd = -1, .group_fd = -1, .container_fd = -1 };
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &device, .why = why, .why_bytes = sizeof(why) };
	const struct kind *kind = kind_of(state);
	struct host_vm *guest = NULL;
	struct host_device *made, *again;
	struct viommu_host *host;

	fake_begin(&(struct fake_options){ 0 });
	if (kind == &type1) {
		device.container_fd = fake_open("/dev/vfio/vfio");
		device.group_fd = fake_open("/dev/vfio/7");
		assert_int_equal(fake_ioctl(device.group_fd, VFIO_GROUP_SET_CONTAINER, &device.container_fd), 0);
		assert_int_equal(fake_ioctl(device.container_fd, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU), 0);
		device.device_fd = fake_ioctl(device.group_fd, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)FAKE_ONE);
	} else {
		config.iommu_fd = fake_open("/dev/iommu");
		device.device_fd = fake_open("/dev/vfio/devices/vfio0");
	}
	assert_true(device.device_fd >= 0);
	assert_int_equal(kind->create(&config, &host), 0);
	if (host->ops->vm_create)
		assert_int_equal(host->ops->vm_create(host, false, &guest), 0);
	assert_int_equal(host->ops->device_create(host, guest, &device, &made), 0);
	assert_int_equal(host->ops->device_fd(made), device.device_fd);
	assert_int_equal(host->ops->device_create(host, guest, &device, &again), -EEXIST);
	assert_int_equal(host->ops->device_create(host, guest, NULL, &again), -EINVAL);
	host->ops->device_destroy(made);
	if (guest)
		host->ops->vm_destroy(guest);
	viommu_host_destroy(host);
	assert_int_equal(fake_mappings(), 0);
	/* All are still open, for their owner to close. */
	assert_false(fake_ioctl(device.device_fd, 0, &(uint32_t){ 8 }) == 0);
	assert_int_equal(errno, kind == &type1 ? ENOTTY : ENOTTY);
	fake_close(device.device_fd);
	if (kind == &type1) {
		fake_close(device.group_fd);
		fake_close(device.container_fd);
	} else {
		fake_close(config.iommu_fd);
	}
	assert_true(fake_end());
}

/*
 * A device that the caller has bound to its own iommufd, as a VMM does that opens devices itself.
 */
static void bound_by_the_caller(void **state)
{
	struct vfio_abi_bind_iommufd bind = { .size = sizeof(bind) };
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = { .size = sizeof(config), .device = &device, .why = why, .why_bytes = sizeof(why) };
	const struct kind *kind = kind_of(state);
	struct viommu_host *host;
	struct fixture f;

	fake_begin(&(struct fake_options){ 0 });
	fake_file_is(arena_file(), 0, arena_memory());
	config.iommu_fd = fake_open("/dev/iommu");
	device.device_fd = fake_open("/dev/vfio/devices/vfio0");
	bind.iommufd = config.iommu_fd;
	assert_int_equal(fake_ioctl(device.device_fd, VFIO_ABI_BIND_IOMMUFD, &bind), 0);
	/* The library does not bind it again, and says so where it is asked to. */
	assert_int_equal(kind->create(&config, &host), -EINVAL);
	assert_non_null(strstr(why, "bound already"));
	device.bound_id = bind.out_id;
	device.reserved = 1;
	assert_int_equal(kind->create(&config, &host), -EINVAL);
	device.reserved = 0;
	/* Its ID belongs to an iommufd. */
	config.iommu_fd = -1;
	assert_int_equal(kind->create(&config, &host), -EINVAL);
	assert_non_null(strstr(why, "iommu_fd"));
	config.iommu_fd = bind.iommufd;
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(kind->create(&config, &host), 0);
		make_on(&f, host, &device, false);
		assert_int_equal(map(&f, f.place, PAGE, 0, VIOMMU_RW), 0);
		assert_int_equal(f.ops->attach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_true(reaches(&f, f.device, f.place));
		assert_int_equal(f.ops->detach(f.space, f.device, VIOMMU_NO_PASID), 0);
		assert_int_equal(f.ops->unmap(f.space, f.place, f.place + PAGE - 1), 0);
		unmake_on(&f);
		viommu_host_destroy(host);
		/* Still bound, and attached to nothing. */
		assert_int_equal(fake_ioctl(device.device_fd, VFIO_ABI_BIND_IOMMUFD, &bind), -1);
		assert_int_equal(errno, EINVAL);
	}
	/* One that type1 cannot take. */
	device.group_fd = 1;
	assert_int_equal(viommu_host_type1_create(&config, &host), -EINVAL);
	assert_non_null(strstr(why, "iommufd"));
	fake_close(device.device_fd);
	fake_close(config.iommu_fd);
	assert_true(fake_end());
}

#define TEST(function, setup) cmocka_unit_test_setup(function, setup)
#define TESTS(setup)                                                                                                                                  \
	{                                                                                                                                             \
		TEST(reports_capabilities, setup), TEST(refuses, setup), TEST(messages, setup), TEST(one_group, setup), TEST(narrower_device, setup), \
			TEST(other_iommu, setup), TEST(without_devices, setup), TEST(pinning, setup), TEST(entry_limit, setup), TEST(cut, setup),     \
			TEST(descriptors, setup)                                                                                                      \
	}

int main(void)
{
	struct conformance_subject subject = { .device = &one, .second_device = &two, .arena_bytes = 16 * MIB, .probe = probe };
	const struct CMUnitTest type1_tests[] = TESTS(with_type1), iommufd_tests[] = TESTS(with_iommufd), apart_tests[] = TESTS(with_apart);
	const struct CMUnitTest alone_tests[] = { TEST(hidden_groups, with_iommufd), TEST(bound_by_the_caller, with_iommufd) };
	const struct CMUnitTest pasid_tests[] = { TEST(pasids, with_iommufd), TEST(no_pasids, with_iommufd) };
	int failed = 0;

	subject.name = "host type1, as every host";
	subject.create = create_type1;
	failed += host_conformance(&subject);
	subject.name = "host iommufd, as every host";
	subject.create = create_iommufd;
	failed += host_conformance(&subject);
	subject.name = "host iommufd with a pinned guest, as every host";
	subject.pinned = true;
	failed += host_conformance(&subject);
	subject.name = "host iommufd on an old kernel, as every host";
	subject.pinned = false;
	options.old_iommufd = true;
	failed += host_conformance(&subject);
	options.old_iommufd = false;
	subject.name = "host iommufd with devices apart, as every host";
	subject.create = create_iommufd_apart;
	failed += host_conformance(&subject);
	end();
	failed += cmocka_run_group_tests_name("host type1", type1_tests, use_arena, NULL);
	failed += cmocka_run_group_tests_name("host iommufd", iommufd_tests, use_arena, NULL);
	failed += cmocka_run_group_tests_name("host iommufd alone", alone_tests, use_arena, NULL);
	failed += cmocka_run_group_tests_name("host iommufd, PASIDs", pasid_tests, use_arena, NULL);
	return failed + cmocka_run_group_tests_name("host iommufd with devices apart", apart_tests, use_arena, NULL);
}
