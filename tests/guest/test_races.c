/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cases that need more than one CPU, on the library itself: tables that change while they are
 * walked (13), everything at once on one function (29), and devices in the middle of an access when
 * it is revoked (39). The assertions hold for every interleaving; ThreadSanitizer checks for races.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "guest.h"

#define RW VIOMMU_RW
#define RO VIOMMU_READ

enum { ROUNDS = 1000 };

struct race {
	struct guest guest;
	bool stop;
	unsigned int inside; /* device threads within an access */
	bool answered;
};

static bool is_stopped(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
}

static void stop(struct race *race, pthread_t *threads, unsigned int count)
{
	unsigned int i;

	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* A CPU that continuously changes the tables, at two levels. */
static void *table_writer(void *ctx)
{
	struct race *race = ctx;

	while (!is_stopped(race)) {
		guest_put_page(&race->guest, 0, data(1));
		guest_put_page(&race->guest, 0, data(2) | PROTECT);
		guest_put_segment(&race->guest, 0, PT1);
		guest_put_page(&race->guest, 0, data(1) | INVALIDP);
		guest_put_segment(&race->guest, 0, PT);
	}
	return NULL;
}

/* 13: a refresh applies each entry as it was at some moment: never a mixture, never more rights. */
static void case_13_tables_change_meanwhile(void **state)
{
	struct race race = { .stop = false };
	struct guest *guest = &race.guest;
	pthread_t writer;
	unsigned int i;

	(void)state;
	guest_up(guest, 0);
	guest_put_page(guest, 256, data(3));
	guest_register_rt(guest);
	assert_int_equal(pthread_create(&writer, NULL, table_writer, &race), 0);
	for (i = 0; i < ROUNDS; i++) {
		struct viommu_piece piece;
		uint64_t translated;
		int ret;

		assert_cc(guest_refresh_pages(guest, 0, 1), 0);
		ret = viommu_translate(guest->reader, iova(0), 8, RO, &piece, 1, &translated, NULL);
		assert_true(ret == 1 || ret == -EFAULT);
		if (ret == 1)
			assert_true(piece.hva == guest->ram + data(1) || piece.hva == guest->ram + data(2) || piece.hva == guest->ram + data(3));
		ret = viommu_translate(guest->reader, iova(0), 8, VIOMMU_WRITE, &piece, 1, &translated, NULL);
		if (ret == 1)
			assert_true(piece.hva == guest->ram + data(1) || piece.hva == guest->ram + data(3));
		/* page 256 was synchronised by the registration */
		assert_true(guest_pinned_pages(guest) <= 1 + 1);
	}
	stop(&race, &writer, 1);
	assert_cc(guest_refresh_all(guest), 0);
	assert_reaches(guest, iova(256), data(3), RW);
	guest_down(guest);
}

static void *refresher(void *ctx)
{
	struct race *race = ctx;
	uint64_t n = 0;

	while (!is_stopped(race)) {
		struct viommu_zpci_answer answer = { .size = sizeof(answer) };
		uint32_t fh = rig_info(&race->guest.rig).fh;

		n += 17;
		assert_int_equal(viommu_zpci_rpcit(race->guest.rig.zpci, (uint64_t)fh << 32, iova(n % 512), (n % 3 + 1) * PAGE, &answer), 0);
		/* Success, or in error, or the handle is stale by now. */
		assert_true(!answer.cc || (answer.cc == 1 && (answer.status == 8 || answer.status == 40)) || answer.cc == 3);
	}
	return NULL;
}

/*
 * 29: refreshes from three CPUs, while a fourth deregisters, registers, re-registers, disables and
 * enables.
 */
static void case_29_everything_at_once(void **state)
{
	struct race race = { .stop = false };
	struct guest *guest = &race.guest;
	pthread_t threads[3];
	struct viommu_zpci_answer answer;
	unsigned int i;
	uint32_t fh;

	(void)state;
	guest_up(guest, 0);
	for (i = 0; i < 512; i++)
		guest_put_page(guest, i, data(i));
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, refresher, &race), 0);
	for (i = 0; i < ROUNDS / 4; i++) {
		guest_register_rt(guest);
		/*
		 * A refresh without a registration may have come before. From here on there is no
		 * error.
		 */
		answer = guest_operation(guest, VIOMMU_ZPCI_OC_RESET_ERROR);
		assert_true(!answer.cc || answer.status == 24);
		assert_int_equal(rig_state(&guest->rig), VIOMMU_ZPCI_ENABLED);
		assert_reaches(guest, iova(i % 512), data(i % 512), RW);
		assert_int_equal(guest_pinned_pages(guest), 512);
		if (i % 3 == 0) {
			assert_cc(rig_mpcifc(&guest->rig, rig_info(&guest->rig).fh, VIOMMU_ZPCI_OC_REREG_IOAT, PBA, PAL - PAGE, IOTA_RT), 0);
			assert_reaches(guest, iova(0), data(0), RW);
		}
		if (i % 3 == 1)
			assert_cc(guest_operation(guest, VIOMMU_ZPCI_OC_DEREG_IOAT), 0);
		if (i % 3 != 1)
			assert_int_equal(viommu_zpci_disable(guest->rig.function, &fh), 0);
		assert_reaches_nothing(guest, iova(i % 512));
		assert_int_equal(guest_pinned_pages(guest), 0);
		if (i % 3 != 1)
			assert_int_equal(viommu_zpci_enable(guest->rig.function, &fh), 0);
	}
	stop(&race, threads, 3);
	guest_down(guest);
}

static void *device(void *ctx)
{
	struct race *race = ctx;
	struct viommu_piece piece;
	uint64_t translated;
	unsigned int i;

	viommu_reader_enter(race->guest.reader);
	assert_int_equal(viommu_translate(race->guest.reader, iova(0), 8, VIOMMU_WRITE, &piece, 1, &translated, NULL), 1);
	__atomic_store_n(&race->inside, 1, __ATOMIC_RELEASE);
	/* While the guest tries to revoke the page, the access continues. */
	for (i = 0; i < 2000; i++) {
		__atomic_store_n((uint64_t *)piece.hva, i, __ATOMIC_RELAXED);
		sched_yield();
		assert_false(__atomic_load_n(&race->answered, __ATOMIC_ACQUIRE));
	}
	__atomic_store_n((uint64_t *)piece.hva, UINT64_MAX, __ATOMIC_RELAXED);
	viommu_reader_leave(race->guest.reader);
	return NULL;
}

/*
 * 39: neither a refresh, nor DEREG, nor an error is answered while an access that it revokes
 * continues.
 */
static void case_39_access_under_way(void **state)
{
	unsigned int way;

	(void)state;
	for (way = 0; way < 3; way++) {
		struct race race = { .stop = false };
		struct guest *guest = &race.guest;
		struct viommu_fault fault = { .reason = VIOMMU_FAULT_PROTECTION, .iova = iova(1), .access = VIOMMU_WRITE };
		pthread_t thread;

		guest_up(guest, 0);
		guest_put_page(guest, 0, data(0));
		guest_register_rt(guest);
		assert_int_equal(pthread_create(&thread, NULL, device, &race), 0);
		while (!__atomic_load_n(&race.inside, __ATOMIC_ACQUIRE))
			sched_yield();
		guest_put_page(guest, 0, INVALIDP);
		if (way == 0)
			assert_cc(guest_refresh_pages(guest, 0, 1), 0);
		else if (way == 1)
			assert_cc(guest_operation(guest, VIOMMU_ZPCI_OC_DEREG_IOAT), 0);
		else
			viommu_zpci_dma_fault(guest->rig.function, &fault);
		/* The access is over: its last store is there. */
		__atomic_store_n(&race.answered, true, __ATOMIC_RELEASE);
		assert_int_equal(guest_get(guest, data(0)), UINT64_MAX);
		pthread_join(thread, NULL);
		guest_down(guest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_13_tables_change_meanwhile),
		cmocka_unit_test(case_29_everything_at_once),
		cmocka_unit_test(case_39_access_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
