/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The module's guest IOMMUs with their doorbells on KVM's bus: when the vCPU's store of the tail
 * has completed, translations are as the guest's tables say, without an exit to user space.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "embedded.h"

#define A (RIG_NUMBERED + 8 * PAGE)
#define B (RIG_NUMBERED + 200 * PAGE)

static const struct {
	const struct guest_kind *kind;
	uint32_t type;
} guests[] = {
	{ &guest_vtd, VFIO_VIOMMU_PAGED_IOMMU },    { &guest_vtd, VFIO_VIOMMU_PINNED_IOMMU },	{ &guest_amdvi, VFIO_VIOMMU_PAGED_IOMMU },
	{ &guest_amdvi, VFIO_VIOMMU_PINNED_IOMMU }, { &guest_smmuv3, VFIO_VIOMMU_PAGED_IOMMU },
};

static void begin(struct guest *guest, const struct guest_kind *kind, uint32_t type)
{
	guest_open(guest, kind, type);
	guest_ring_in_kernel(guest);
	kind->enable(guest, 1);
}

static uint64_t events(const struct guest *guest, unsigned int number)
{
	uint64_t count = 0;

	if (read(guest->event[number], &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	return count;
}

static void follows(const struct guest_kind *kind, uint32_t type)
{
	const uint64_t iova = GUEST_WINDOW + 5 * PAGE;
	struct guest guest;

	guest_open(&guest, kind, type);
	/* Before the guest enables it, all memory is where it is. */
	rig_reaches(&guest.rig, A, A, true);
	assert_int_equal(rig_info(&guest.rig).out_pinned, RIG_BYTES);
	guest_ring_in_kernel(&guest);
	assert_int_equal(guest_doorbell(&guest, guest.vcpu.vm), guest_exits ? -EOPNOTSUPP : -EBUSY);
	kind->enable(&guest, 1);
	assert_true(guest.vcpu.exits > 0);
	rig_reaches(&guest.rig, A, RIG_NOWHERE, true);
	if (type == VFIO_VIOMMU_PAGED_IOMMU)
		assert_int_equal(rig_info(&guest.rig).out_pinned, PAGE);

	guest_map(&guest, iova, A, true);
	guest_follow(&guest, iova);
	rig_reaches(&guest.rig, iova, A, true);
	guest_map(&guest, iova, B, false);
	guest_follow(&guest, iova);
	rig_reaches(&guest.rig, iova, B, false);
	guest_map(&guest, iova, GUEST_NOTHING, false);
	guest_follow(&guest, iova);
	rig_reaches(&guest.rig, iova, RIG_NOWHERE, false);
	if (type == VFIO_VIOMMU_PAGED_IOMMU)
		assert_int_equal(rig_info(&guest.rig).out_pinned, PAGE);

	/* Without a doorbell, the same by exits. */
	assert_int_equal(guest_doorbell(&guest, -1), 0);
	guest_map(&guest, iova, A, true);
	kind->forget(&guest, iova, false);
	assert_int_equal(guest_ring(&guest, false), 1);
	rig_reaches(&guest.rig, iova, A, true);
	guest_close(&guest);
}

static void test_follows(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		follows(guests[i].kind, guests[i].type);
}

/* Interrupts of waits and of faults, of illegal commands and of accesses. */
static void interrupts(const struct guest_kind *kind)
{
	const uint64_t iova = GUEST_WINDOW + 6 * PAGE;
	uint32_t recorded;
	struct guest guest;

	begin(&guest, kind, VFIO_VIOMMU_PAGED_IOMMU);
	assert_int_equal(events(&guest, 0) + events(&guest, 1) + events(&guest, 2), 0);
	assert_int_equal(guest_ring(&guest, true), guest_exits);
	assert_int_equal(events(&guest, kind->wait), 1);
	assert_int_equal(guest_ring(&guest, false), guest_exits);
	assert_int_equal(events(&guest, 0) + events(&guest, 1) + events(&guest, 2), 0);

	kind->illegal(&guest);
	vcpu_store(&guest.vcpu, kind->registers + kind->tail, guest.tail, GUEST_STATUS);
	assert_int_equal(events(&guest, kind->stopped), 1);
	assert_true(kind->has_stopped(&guest));
	guest_follow(&guest, iova);

	assert_int_equal(guest_fault(&guest, iova, 2, &recorded), 0);
	assert_int_equal(recorded, 1);
	assert_int_equal(events(&guest, kind->fault), 1);
	assert_true(kind->has_faulted(&guest, iova));
	/* An access that the tables permit by now is tried again. */
	guest_map(&guest, iova, A, true);
	assert_int_equal(guest_fault(&guest, iova, 2, &recorded), 0);
	assert_int_equal(recorded, 0);
	assert_int_equal(events(&guest, 0) + events(&guest, 1) + events(&guest, 2), 0);
	rig_reaches(&guest.rig, iova, A, true);
	guest_close(&guest);
}

static void test_interrupts(void **state)
{
	(void)state;
	interrupts(&guest_vtd);
	interrupts(&guest_amdvi);
	interrupts(&guest_smmuv3);
}

/* A queue with more commands than are handled under KVM's locks is left to user space. */
static void long_queue(const struct guest_kind *kind)
{
	const unsigned int pages = 8;
	struct guest guest;

	guest_open(&guest, kind, VFIO_VIOMMU_PAGED_IOMMU);
	assert_int_equal(guest_doorbell(&guest, guest.vcpu.vm), 0);
	guest_set_queue(&guest, pages);
	kind->enable(&guest, pages);
	for (unsigned int i = 1; i < VFIO_VIOMMU_IOMMU_KVM_COMMANDS; i++)
		kind->forget(&guest, GUEST_WINDOW, false);
	assert_int_equal(guest_ring(&guest, false), 0);
	for (unsigned int i = 0; i < VFIO_VIOMMU_IOMMU_KVM_COMMANDS; i++)
		kind->forget(&guest, GUEST_WINDOW, false);
	assert_int_equal(guest_ring(&guest, false), 1);
	/* Across the end of the ring. */
	for (unsigned int i = 0; i < 200; i++)
		guest_follow(&guest, GUEST_WINDOW);
	guest_close(&guest);
}

static void test_long_queue(void **state)
{
	(void)state;
	long_queue(&guest_vtd);
	long_queue(&guest_amdvi);
	long_queue(&guest_smmuv3);
}

static void test_refused(void **state)
{
	uint64_t value = 0;
	uint32_t recorded;
	struct guest guest;

	(void)state;
	begin(&guest, &guest_vtd, VFIO_VIOMMU_PAGED_IOMMU);
	assert_int_equal(rig_attach(&guest.rig, 0), -EBUSY);
	assert_int_equal(guest_device(&guest, 0), -EBUSY);
	assert_int_equal(guest_access(&guest, 0x1000, false, 4, &value), -EINVAL);
	assert_int_equal(guest_access(&guest, 2, false, 4, &value), -EINVAL);
	assert_int_equal(guest_access(&guest, 0, false, 1, &value), -EINVAL);
	assert_int_equal(guest_access(&guest, 0, false, 4, &value), 0);
	assert_int_equal(value, 0x10);
	assert_int_equal(guest_fault(&guest, 0, 4, &recorded), -EINVAL);
	assert_int_equal(guest_doorbell(&guest, -1), 0);
	assert_int_equal(guest_doorbell(&guest, 1000), guest_exits ? -EOPNOTSUPP : -EBADF);
	assert_int_equal(guest_doorbell(&guest, guest.rig.container), guest_exits ? -EOPNOTSUPP : -EINVAL);
	assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE), 0);
	assert_int_equal(guest_device(&guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE), -EINVAL);
	assert_int_equal(guest_fault(&guest, 0, 1, &recorded), -EINVAL);
	assert_int_equal(rig_attach(&guest.rig, 0), 0);
	assert_int_equal(guest_destroy(&guest), 0);
	assert_int_equal(guest_destroy(&guest), -ENOENT);
	assert_int_equal(guest_doorbell(&guest, guest.vcpu.vm), -ENOENT);
	assert_int_equal(guest_access(&guest, 0, false, 4, &value), -ENOENT);
	/* As many as there may be. */
	for (unsigned int i = 0; i < VFIO_VIOMMU_IOMMUS; i++)
		assert_int_equal(guest_create(&guest), 0);
	assert_int_equal(guest_create(&guest), -ENOSPC);
	guest_close(&guest);
}

/* A vCPU that stores until it is stopped. */
struct busy {
	struct guest guest;
	pthread_t thread;
	bool ends; /* atomic */
	uint64_t rounds;
};

static void *be_busy(void *ctx)
{
	struct busy *busy = ctx;
	const struct guest_kind *kind = busy->guest.kind;

	/* The queue is full of invalidations: each store has some of them consumed. */
	while (!__atomic_load_n(&busy->ends, __ATOMIC_RELAXED)) {
		vcpu_stores(&busy->guest.vcpu, kind->registers + kind->tail, kind->step, 3 * kind->step, busy->guest.mask & ~(kind->step - 1), 100,
			    GUEST_STATUS);
		__atomic_add_fetch(&busy->rounds, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void fill_queue(struct guest *guest)
{
	do {
		uint32_t number = guest->tail / guest->kind->step;

		guest->kind->forget(guest, GUEST_WINDOW + number % 512 * PAGE, !(number % 16));
	} while (guest->tail);
}

static void wait_for_rounds(struct busy *busy, uint64_t more)
{
	uint64_t until = __atomic_load_n(&busy->rounds, __ATOMIC_ACQUIRE) + more;

	while (__atomic_load_n(&busy->rounds, __ATOMIC_ACQUIRE) < until)
		sched_yield();
}

/* The device, the doorbell and at last the guest IOMMU go while the vCPU stores. */
static void removed(const struct guest_kind *kind)
{
	static struct busy busy;
	struct guest *guest = &busy.guest;
	unsigned int before;

	busy = (struct busy){ .ends = false };
	begin(guest, kind, VFIO_VIOMMU_PAGED_IOMMU);
	for (uint64_t i = 0; i < 512; i++)
		guest_map(guest, GUEST_WINDOW + i * PAGE, A + i * PAGE, i % 2);
	guest->kind->forget(guest, 0, true);
	assert_int_equal(guest_ring(guest, false), guest_exits);
	while (guest->tail)
		guest_follow(guest, GUEST_WINDOW);
	rig_reaches(&guest->rig, GUEST_WINDOW + PAGE, A + PAGE, true);
	fill_queue(guest);
	assert_int_equal(pthread_create(&busy.thread, NULL, be_busy, &busy), 0);
	for (unsigned int i = 0; i < 10; i++) {
		wait_for_rounds(&busy, 1);
		assert_int_equal(guest_device(guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE), 0);
		wait_for_rounds(&busy, 1);
		assert_int_equal(guest_device(guest, VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES), 0);
		wait_for_rounds(&busy, 1);
		assert_int_equal(guest_doorbell(guest, -1), 0);
		wait_for_rounds(&busy, 1);
		guest_ring_in_kernel(guest);
	}
	wait_for_rounds(&busy, 1);
	rig_reaches(&guest->rig, GUEST_WINDOW + PAGE, A + PAGE, true);
	assert_int_equal(guest_destroy(guest), 0);
	wait_for_rounds(&busy, 2);
	assert_int_equal(rig_info(&guest->rig).out_pinned, 0);
	__atomic_store_n(&busy.ends, true, __ATOMIC_RELAXED);
	pthread_join(busy.thread, NULL);
	/* No doorbell is left. */
	before = guest->vcpu.exits;
	vcpu_store(&guest->vcpu, kind->registers + kind->tail, 0, GUEST_STATUS);
	assert_int_equal(guest->vcpu.exits, before + 1);
	guest_close(guest);
}

static void test_removed(void **state)
{
	(void)state;
	removed(&guest_vtd);
	removed(&guest_amdvi);
	removed(&guest_smmuv3);
}

/* A process whose vCPU is in a store: of small commands, or of one that takes far too long. */
struct life {
	const struct guest_kind *kind;
	bool entangled;
};

static void live(void *ctx, int begun)
{
	const struct life *life = ctx;
	static struct busy busy;

	begin(&busy.guest, life->kind, VFIO_VIOMMU_PAGED_IOMMU);
	for (uint64_t i = 0; i < 512; i++)
		guest_map(&busy.guest, GUEST_WINDOW + i * PAGE, A + i * PAGE, i % 2);
	fill_queue(&busy.guest);
	if (life->entangled)
		guest_entangle(&busy.guest);
	if (write(begun, "", 1) != 1)
		_exit(1);
	be_busy(&busy);
}

#define DEATHS 8u

static void killed(const struct guest_kind *kind, bool entangled)
{
	struct life life = { kind, entangled };
	struct rig_child child;

	for (unsigned int i = 0; i < DEATHS; i++) {
		rig_fork(&child, live, &life);
		rig_await(&child);
		nanosleep(&(struct timespec){ .tv_nsec = (long)(i * 37 % 100) * 1000000 }, NULL);
		/* Entangled tables name nothing that is pinned. */
		assert_true(rig_kill(&child) || entangled);
	}
}

static void test_killed(void **state)
{
	(void)state;
	killed(&guest_vtd, false);
	killed(&guest_vtd, true);
	killed(&guest_amdvi, false);
	killed(&guest_smmuv3, true);
	/* Nothing of these containers is left: the VMs have no reference to them. */
	assert_true(rig_unload());
	assert_true(rig_load(false));
	follows(&guest_vtd, VFIO_VIOMMU_PAGED_IOMMU);
}

/* The ways to do a store take turns, so that each has its part of what else the machine does. */
#define TURNS	43u
#define SAMPLES (7u * TURNS)
#define STORES	32u

/*
 * In the kernel, without and with a page's refresh; exits with the same refresh by an ioctl, and by
 * the library on type1; exits that do nothing.
 */
enum { KERNEL, REFRESH, ACCESS, LIBRARY, NOTHING, WAYS };

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

/* Microseconds of a store; the queue is full of pairs of commands. */
static void measure(struct guest *guest, uint32_t step, double *samples)
{
	uint64_t tail = guest->kind->registers + guest->kind->tail;
	struct timespec from, to;
	uint32_t value = 0;

	for (unsigned int i = 0; i < SAMPLES / TURNS; i++) {
		value = (value + step) & guest->mask;
		clock_gettime(CLOCK_MONOTONIC, &from);
		vcpu_stores(&guest->vcpu, tail, value, step, guest->mask, STORES, GUEST_STATUS);
		clock_gettime(CLOCK_MONOTONIC, &to);
		value = (value + (STORES - 1) * step) & guest->mask;
		samples[i] = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 1e3 / STORES;
	}
	/* For the next one, the queue is empty. */
	vcpu_store(&guest->vcpu, tail, 0, GUEST_STATUS);
}

static void ignore(void *ctx, uint64_t gpa, bool store, unsigned int bytes, uint64_t *value)
{
	(void)ctx, (void)gpa, (void)store, (void)bytes, (void)value;
}

static void figures(const struct guest_kind *kind, const char *name)
{
	static double samples[WAYS][SAMPLES];
	double median[WAYS] = { 0 };
	struct embedded embedded;
	struct guest guest;
	unsigned int before;
	struct vcpu module;
	bool library;

	begin(&guest, kind, VFIO_VIOMMU_PAGED_IOMMU);
	guest_map(&guest, GUEST_WINDOW, A, true);
	module = guest.vcpu;
	library = embedded_open(&embedded, &guest, rig_address(1));
	if (library) {
		/* Its registers take what the module's have taken. */
		assert_int_equal(guest_doorbell(&guest, -1), 0);
		guest.vcpu.access = embedded_access;
		guest.vcpu.ctx = &embedded;
		kind->enable(&guest, 1);
		assert_int_equal(guest_doorbell(&guest, guest.vcpu.vm), 0);
	}
	do {
		kind->forget(&guest, GUEST_WINDOW, false);
		kind->await(&guest, 0, false);
	} while (guest.tail);
	for (unsigned int i = 0; i < SAMPLES; i += SAMPLES / TURNS) {
		before = guest.vcpu.exits;
		measure(&guest, 0, &samples[KERNEL][i]);
		measure(&guest, 2 * kind->step, &samples[REFRESH][i]);
		assert_int_equal(guest.vcpu.exits, before);
		assert_int_equal(guest_doorbell(&guest, -1), 0);
		if (library)
			measure(&guest, 2 * kind->step, &samples[LIBRARY][i]);
		guest.vcpu.access = module.access;
		guest.vcpu.ctx = module.ctx;
		measure(&guest, 2 * kind->step, &samples[ACCESS][i]);
		guest.vcpu.access = ignore;
		measure(&guest, 2 * kind->step, &samples[NOTHING][i]);
		guest.vcpu.access = library ? embedded_access : module.access;
		guest.vcpu.ctx = library ? &embedded : module.ctx;
		/* What was stored meanwhile the guest IOMMU has not seen. */
		assert_int_equal(guest_doorbell(&guest, guest.vcpu.vm), 0);
	}
	for (unsigned int way = 0; way < WAYS; way++) {
		qsort(samples[way], SAMPLES, sizeof(**samples), compare);
		median[way] = samples[way][SAMPLES / 2];
	}
	print_message("%s: of an exit that does nothing, %.1f us, a store in the kernel takes %.2f, with a page's refresh %.2f; "
		      "an exit with an ioctl and the refresh %.2f, one with the library's refresh %.2f\n",
		      name, median[NOTHING], median[KERNEL] / median[NOTHING], median[REFRESH] / median[NOTHING], median[ACCESS] / median[NOTHING],
		      median[LIBRARY] / median[NOTHING]);
	/* A kernel with checkers checks what is in the kernel alone. */
	if (access("/sys/kernel/debug/kmemleak", F_OK)) {
		assert_true(median[KERNEL] < median[NOTHING]);
		assert_true(median[REFRESH] < median[ACCESS]);
	}
	if (library)
		embedded_close(&embedded);
	guest_close(&guest);
}

static void test_figures(void **state)
{
	(void)state;
	/* Of the module alone, each access takes long then. */
	if (!access("/sys/kernel/debug/kcsan", F_OK))
		skip();
	figures(&guest_vtd, "VT-d");
	figures(&guest_amdvi, "AMD-Vi");
	figures(&guest_smmuv3, "SMMUv3");
}

/* Where KVM takes no doorbells (exits), the same by exits. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_follows, rig_setup), cmocka_unit_test_setup(test_interrupts, rig_setup),
		cmocka_unit_test_setup(test_refused, rig_setup), cmocka_unit_test_setup(test_removed, rig_setup),
		cmocka_unit_test_setup(test_killed, rig_setup),
	};
	const struct CMUnitTest more[] = {
		cmocka_unit_test_setup(test_long_queue, rig_setup),
		cmocka_unit_test_setup(test_figures, rig_setup),
	};
	int failed;

	guest_exits = argc == 2 && !strcmp(argv[1], "exits");
	if (!rig_load(false))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (!failed && !guest_exits)
		failed = cmocka_run_group_tests(more, NULL, NULL);
	return rig_finish(failed);
}
