/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events of a container: those of guest IOMMUs and of removed memory, the bound of the queue, and
 * the end of the file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/types.h>

#include "guests.h"

#define A    (RIG_NUMBERED + 8 * PAGE)
#define B    (RIG_NUMBERED + 16 * PAGE) /* not mapped by the process */
#define AT   (GUEST_WINDOW + 5 * PAGE)
#define KEPT ((unsigned int)VFIO_VIOMMU_EVENTS_KEPT)

static int open_events(struct rig *rig)
{
	struct vfio_viommu_events events = { .argsz = sizeof(events) };
	int fd = ioctl(rig->container, VFIO_VIOMMU_EVENTS, &events);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static short polled(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return poll(&one, 1, 0) > 0 ? one.revents : 0;
}

static void check_none(int fd)
{
	struct vfio_viommu_event event;

	if (read(fd, &event, sizeof(event)) >= 0)
		fail_msg("an event of type %u, status %u, of %llx to %llx", event.type, event.status, (unsigned long long)event.first,
			 (unsigned long long)event.last);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(polled(fd), 0);
}

static struct vfio_viommu_event next(int fd)
{
	struct vfio_viommu_event event;

	assert_int_equal(polled(fd), POLLIN);
	assert_int_equal(read(fd, &event, sizeof(event)), sizeof(event));
	assert_int_equal(event.size, sizeof(event));
	return event;
}

/* The next one, of the guest's group and of an IOVA, with none lost before it. */
static struct vfio_viommu_event check_next(int fd, const struct guest *guest, uint32_t type, uint32_t status, uint64_t iova)
{
	struct vfio_viommu_event event = next(fd);

	assert_int_equal(event.type, type);
	assert_int_equal(event.status, status);
	assert_int_equal(event.group, guest->rig.group);
	assert_true(event.first <= iova && event.last >= iova);
	assert_int_equal(event.lost, 0);
	return event;
}

/* Of a paged guest, a page that tables may name and that cannot be pinned. */
static void begin(struct guest *guest, const struct guest_kind *kind)
{
	guest_open(guest, kind, VFIO_VIOMMU_PAGED_IOMMU);
	assert_int_equal(mprotect(guest->rig.memory + B, PAGE, PROT_NONE), 0);
	guest_ring_in_kernel(guest);
	kind->enable(guest, 1);
}

static void end(struct guest *guest, int fd)
{
	close(fd);
	assert_int_equal(mprotect(guest->rig.memory + B, PAGE, PROT_READ | PROT_WRITE), 0);
	guest_close(guest);
}

/* An invalidation that is short of one page. */
static void run_short(struct guest *guest)
{
	guest_map(guest, AT, B, true);
	guest_follow(guest, AT);
}

static void short_refresh(const struct guest_kind *kind)
{
	struct vfio_viommu_event event;
	struct vfio_viommu_refresh refresh;
	uint32_t domain, recorded;
	struct guest guest;
	int fd;

	begin(&guest, kind);
	run_short(&guest);
	/* Events begin with the first file. */
	fd = open_events(&guest.rig);
	check_none(fd);
	run_short(&guest);
	event = check_next(fd, &guest, VFIO_VIOMMU_EVENT_REFRESH, VFIO_VIOMMU_REFRESH_INSUFFICIENT, AT);
	assert_int_equal(event.outcome.unestablished, 1);
	assert_int_equal(event.outcome.fault_reason, 0);
	check_none(fd);
	/* An access tries again: for all that is near it, and then for its page. */
	assert_int_equal(guest_fault(&guest, AT, 2, &recorded), 0);
	check_next(fd, &guest, VFIO_VIOMMU_EVENT_REFRESH, VFIO_VIOMMU_REFRESH_INSUFFICIENT, AT);
	check_next(fd, &guest, VFIO_VIOMMU_EVENT_REFRESH, VFIO_VIOMMU_REFRESH_INSUFFICIENT, AT);
	check_none(fd);
	guest_map(&guest, AT, A, true);
	guest_follow(&guest, AT);
	check_none(fd);
	/* A refresh by ioctl returns its outcome, and is no event. */
	assert_int_equal(rig_create(&guest.rig, RIG_PBA, RIG_PAL, &domain, NULL), 0);
	rig_name(&guest.rig, RIG_PBA, 1, B, true);
	assert_int_equal(rig_refresh(&guest.rig, domain, RIG_PBA, 1, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_INSUFFICIENT);
	check_none(fd);
	end(&guest, fd);
}

static void test_short(void **state)
{
	(void)state;
	short_refresh(&guest_vtd);
	short_refresh(&guest_amdvi);
	short_refresh(&guest_smmuv3);
}

/* Of VT-d, a leaf of 2 MiB that is not aligned (D51397, 9.8). */
static void test_malformed(void **state)
{
	const uint64_t at = GUEST_WINDOW + 2 * MIB, entry = A | 1 << 7 | 3;
	struct vfio_viommu_event event;
	struct guest guest;
	uint64_t gpa;
	int fd;

	(void)state;
	begin(&guest, &guest_vtd);
	fd = open_events(&guest.rig);
	gpa = guest_put_above(&guest, at, entry);
	guest_follow(&guest, at);
	event = check_next(fd, &guest, VFIO_VIOMMU_EVENT_REFRESH, VFIO_VIOMMU_REFRESH_MALFORMED, at);
	assert_int_equal(event.outcome.fault_reason, VIOMMU_FAULT_ENTRY_FORMAT);
	assert_int_equal(event.outcome.fault_level, 1);
	assert_int_equal(event.outcome.fault_iova, at);
	assert_int_equal(event.outcome.fault_entry_gpa, gpa);
	assert_int_equal(event.outcome.fault_entry, entry);
	check_none(fd);
	guest_put_above(&guest, at, 0);
	guest_follow(&guest, at);
	check_none(fd);
	end(&guest, fd);
}

static void test_lost(void **state)
{
	struct vfio_viommu_event event, events[8];
	struct guest guest;
	int fd, other;

	(void)state;
	begin(&guest, &guest_vtd);
	fd = open_events(&guest.rig);
	assert_int_equal(read(fd, &event, sizeof(event) - 1), -1);
	assert_int_equal(errno, EINVAL);
	/* Several at once, by another file. */
	other = open_events(&guest.rig);
	for (unsigned int i = 0; i < 3; i++)
		run_short(&guest);
	assert_int_equal(read(other, events, sizeof(events)), 3 * sizeof(event));
	check_none(fd);
	close(other);
	/* Five more than are kept. There is room again when one has been read. */
	for (unsigned int i = 0; i < KEPT + 5; i++)
		run_short(&guest);
	assert_int_equal(next(fd).lost, 5);
	run_short(&guest);
	for (unsigned int i = 0; i < KEPT; i++)
		assert_int_equal(next(fd).lost, 0);
	check_none(fd);
	end(&guest, fd);
}

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

static void test_revoked(void **state)
{
	uint64_t at = RIG_PBA + 5 * PAGE, gpa = 8 * MIB;
	struct vfio_viommu_event event;
	struct rig rig;
	uint32_t domain;
	int fd;

	(void)state;
	assert_int_equal(rig_begin(&rig, VFIO_VIOMMU_PAGED_IOMMU), 0);
	fd = open_events(&rig);
	assert_int_equal(rig_map(&rig, 0, gpa, RW), 0);
	assert_int_equal(rig_map(&rig, gpa, MIB, RW), 0);
	assert_int_equal(rig_map(&rig, gpa + MIB, RIG_BYTES - gpa - MIB, RW), 0);
	rig_open_device(&rig);
	rig_name(&rig, at, 1, gpa + 7 * PAGE, true);
	domain = rig_domain(&rig);
	/* Pages that the guest unmaps are no event. */
	rig_name(&rig, at + PAGE, 1, A, true);
	rig_refreshed(&rig, domain, at, 2);
	rig_hide(&rig, at + PAGE, 1);
	rig_refreshed(&rig, domain, at, 2);
	check_none(fd);
	assert_int_equal(rig_unmap(&rig, gpa, MIB), 0);
	event = next(fd);
	assert_int_equal(event.type, VFIO_VIOMMU_EVENT_REVOKED);
	assert_int_equal(event.group, rig.group);
	assert_true(event.first <= at && event.last >= at + PAGE - 1);
	check_none(fd);
	close(fd);
	rig_close(&rig);
}

/* The same of a group that is behind a guest IOMMU, and of one that has been and comes again. */
static void test_revoked_behind(void **state)
{
	struct guest guest;
	int fd;

	(void)state;
	begin(&guest, &guest_vtd);
	fd = open_events(&guest.rig);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_unmap(&guest.rig, 0, RIG_BYTES), 0);
		check_next(fd, &guest, VFIO_VIOMMU_EVENT_REVOKED, 0, RIG_EXCHANGE);
		check_none(fd);
		assert_int_equal(rig_map(&guest.rig, 0, RIG_BYTES, RW), 0);
		assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE), 0);
		assert_int_equal(rig_unmap(&guest.rig, 0, RIG_BYTES), 0);
		check_none(fd);
		assert_int_equal(rig_map(&guest.rig, 0, RIG_BYTES, RW), 0);
		assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES), 0);
	}
	end(&guest, fd);
}

static void *wait_for_end(void *of)
{
	struct vfio_viommu_event event;

	return (void *)(intptr_t)read(*(int *)of, &event, sizeof(event));
}

/* A reader that waits sees the end of the container, whose file keeps the module in the kernel. */
static void test_end(void **state)
{
	struct vfio_viommu_event event;
	void *result = &event;
	pthread_t thread;
	struct rig rig;
	int fd;

	(void)state;
	rig_open(&rig, VFIO_VIOMMU_PINNED_IOMMU);
	fd = open_events(&rig);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &fd), 0);
	rig_close(&rig);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(polled(fd), POLLHUP);
	assert_int_equal(read(fd, &event, sizeof(event)), 0);
	assert_false(rig_unload());
	close(fd);
	assert_true(rig_unload());
	assert_true(rig_load(false));
}

/*
 * A guest IOMMU that is off takes all memory pinned, which the limit forbids. The limit stays, so
 * that this is the last test.
 */
static void test_unattached(void **state)
{
	struct guest guest;
	int fd;

	(void)state;
	rig_limit(64 * PAGE);
	begin(&guest, &guest_vtd);
	fd = open_events(&guest.rig);
	check_none(fd);
	assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE), 0);
	assert_int_equal(guest_destroy(&guest), 0);
	assert_int_equal(guest_create(&guest), 0);
	assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES), 0);
	check_next(fd, &guest, VFIO_VIOMMU_EVENT_UNATTACHED, VFIO_VIOMMU_REFRESH_INSUFFICIENT, AT);
	check_none(fd);
	end(&guest, fd);
}

/* Where KVM takes no doorbells: exits. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_short, rig_setup),		cmocka_unit_test_setup(test_malformed, rig_setup),
		cmocka_unit_test_setup(test_lost, rig_setup),		cmocka_unit_test_setup(test_revoked, rig_setup),
		cmocka_unit_test_setup(test_revoked_behind, rig_setup), cmocka_unit_test_setup(test_end, rig_setup),
		cmocka_unit_test_setup(test_unattached, rig_setup),
	};

	guest_exits = argc == 2 && !strcmp(argv[1], "exits");
	if (!rig_load(false))
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
