/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Readers that translate while another thread changes translations. After a refresh has returned,
 * the VMM may overwrite the released pages. So the writer overwrites them at once, with plain
 * stores, and ThreadSanitizer reports a reader that still accesses them.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define READERS 2
#define WINDOW	4u    /* number of IOVA pages that change */
#define ROUNDS	1000u /* each maps one page to its own frame of guest memory */
#define POISON	UINT64_C(0xdeadbeefdeadbeef)

/*
 * Addresses of the frames in guest memory. The first 8 bytes of a frame are the round that wrote
 * it.
 */
#define FRAME(round) (MIB + (uint64_t)(round)*PAGE)

struct race {
	struct rig rig;
	struct viommu_host *host;
	struct viommu_domain *domain;
	/* a translation of this page that begins now yields no frame of an earlier round */
	uint64_t floor[WINDOW];
	bool stop;
	uint64_t bad;
};

struct racer {
	struct race *race;
	struct viommu_device *device;
	struct viommu_reader *reader;
	uint64_t translated;
	pthread_t thread;
};

static uint64_t *frame(struct race *race, uint64_t round)
{
	return (uint64_t *)(void *)guest_hva(&race->rig.guest, FRAME(round));
}

/* One access with the reader held: the pointer stays good for repeated loads. */
static void look(struct racer *racer, uint64_t page)
{
	struct race *race = racer->race;
	struct viommu_piece piece;
	uint64_t floor, translated;
	int result;

	viommu_reader_enter(racer->reader);
	floor = __atomic_load_n(&race->floor[page], __ATOMIC_ACQUIRE);
	result = viommu_translate(racer->reader, PBA + page * PAGE, 8, VIOMMU_READ, &piece, 1, &translated, NULL);
	if (result == 1) {
		const volatile uint64_t *word = piece.hva;
		uint64_t first = *word, again = *word;

		if (first == POISON || first != again || first < floor)
			__atomic_add_fetch(&race->bad, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&racer->translated, racer->translated + 1, __ATOMIC_RELAXED);
	} else if (result != -EFAULT) {
		__atomic_add_fetch(&race->bad, 1, __ATOMIC_RELAXED);
	}
	viommu_reader_leave(racer->reader);
}

/*
 * The same without holding: the pointer may be stale at once, but the result is not older than the
 * last refresh that had returned.
 */
static void glance(struct racer *racer, uint64_t page)
{
	struct race *race = racer->race;
	uint64_t floor = __atomic_load_n(&race->floor[page], __ATOMIC_ACQUIRE);
	struct viommu_piece piece;
	uint64_t translated, round;

	if (viommu_translate(racer->reader, PBA + page * PAGE, 8, VIOMMU_READ, &piece, 1, &translated, NULL) != 1)
		return;
	round = ((uint64_t)((unsigned char *)piece.hva - guest_hva(&race->rig.guest, MIB))) / PAGE;
	if (round < floor)
		__atomic_add_fetch(&race->bad, 1, __ATOMIC_RELAXED);
}

static void *race_reader(void *ctx)
{
	struct racer *racer = ctx;

	for (uint64_t i = 0; !__atomic_load_n(&racer->race->stop, __ATOMIC_RELAXED); i++) {
		look(racer, i % WINDOW);
		glance(racer, i % WINDOW);
	}
	return NULL;
}

static void refresh(struct race *race, uint64_t page)
{
	if (viommu_domain_refresh(race->domain, PBA + page * PAGE, PBA + page * PAGE, NULL))
		__atomic_add_fetch(&race->bad, 1, __ATOMIC_RELAXED);
}

/*
 * A page gets a new frame, directly or after it was invalid; its old frame is poisoned as soon as
 * the refresh has returned.
 */
static void change(struct race *race, uint64_t round)
{
	uint64_t page = round % WINDOW, old = race->floor[page];

	*frame(race, round) = round;
	if (round / WINDOW % 2) {
		tables_unmap(&race->rig.tables, PBA + page * PAGE, 1);
		refresh(race, page);
		*frame(race, old) = POISON;
	}
	tables_map(&race->rig.tables, PBA + page * PAGE, 1, FRAME(round), VIOMMU_RW);
	refresh(race, page);
	*frame(race, old) = POISON;
	__atomic_store_n(&race->floor[page], round, __ATOMIC_RELEASE);
}

/* The device is detached and attached again; its former translations are poisoned meanwhile. */
static void leave_and_return(struct race *race, struct racer *racer, uint64_t round)
{
	uint64_t page = round % WINDOW;

	if (viommu_device_detach(racer->device, VIOMMU_NO_PASID))
		race->bad++;
	/* No other device is attached, so no thread reads. */
	*frame(race, race->floor[page]) = POISON;
	*frame(race, race->floor[page]) = race->floor[page];
	if (viommu_domain_attach(race->domain, racer->device, VIOMMU_NO_PASID))
		race->bad++;
}

/* Returns the host: the rig's mock host, or a soft host. */
static struct viommu_host *begin(struct rig *rig, bool soft)
{
	struct viommu_host *host;

	rig_begin(rig, &(struct rig_options){ .mock.lookup = true });
	if (!soft)
		return &rig->mock->host;
	assert_int_equal(viommu_host_soft_create(&host), 0);
	return host;
}

static void end(struct rig *rig, struct viommu_host *host)
{
	if (host != &rig->mock->host)
		viommu_host_destroy(host);
	rig_end(rig);
}

static void make_reader(const struct rig *rig, struct viommu_host *host, struct viommu_device **device, struct viommu_reader **reader)
{
	assert_int_equal(viommu_device_create(rig->guest.vm, host, NULL, device), 0);
	assert_int_equal(viommu_reader_create(*device, VIOMMU_NO_PASID, reader), 0);
}

static void run_race(bool soft, unsigned int readers, bool detach)
{
	struct racer racer[READERS];
	struct race race;

	memset(&race, 0, sizeof(race));
	memset(racer, 0, sizeof(racer));
	race.host = begin(&race.rig, soft);
	race.domain = tables_domain(&race.rig.tables, race.host, NULL);
	for (uint64_t page = 0; page < WINDOW; page++) {
		race.floor[page] = page;
		change(&race, page + WINDOW);
	}
	for (unsigned int i = 0; i < readers; i++) {
		racer[i].race = &race;
		make_reader(&race.rig, race.host, &racer[i].device, &racer[i].reader);
		assert_int_equal(viommu_domain_attach(race.domain, racer[i].device, VIOMMU_NO_PASID), 0);
		assert_int_equal(pthread_create(&racer[i].thread, NULL, race_reader, &racer[i]), 0);
	}
	for (uint64_t round = 2 * WINDOW; round < ROUNDS; round++) {
		change(&race, round);
		if (detach && round % 4 == 0)
			leave_and_return(&race, &racer[0], round);
	}
	/* Only after each reader has read something. */
	for (unsigned int i = 0; i < readers; i++)
		while (!__atomic_load_n(&racer[i].translated, __ATOMIC_RELAXED))
			sched_yield();
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < readers; i++) {
		pthread_join(racer[i].thread, NULL);
		viommu_device_destroy(racer[i].device);
	}
	assert_int_equal(race.bad, 0);
	viommu_domain_destroy(race.domain);
	end(&race.rig, race.host);
}

static void test_translating_while_refreshing(void **state)
{
	(void)state;
	run_race(true, READERS, false);
	run_race(false, READERS, false);
}

static void test_translating_while_detaching(void **state)
{
	(void)state;
	run_race(true, 1, true);
	run_race(false, 1, true);
}

/*
 * Two domains, and a device that is always in one of them: each translation is one of either. The
 * frames of the other domain are poisoned as soon as the device has been moved.
 */

struct moves {
	struct rig rig;
	struct viommu_host *host;
	struct viommu_device *device;
	struct viommu_reader *reader;
	uint64_t seen[2]; /* how often; atomic */
	bool stop;
	uint64_t bad;
};

static void *follow(void *ctx)
{
	struct moves *moves = ctx;

	while (!__atomic_load_n(&moves->stop, __ATOMIC_RELAXED)) {
		struct viommu_piece piece;
		uint64_t translated, word = POISON;

		viommu_reader_enter(moves->reader);
		if (viommu_translate(moves->reader, PBA, 8, VIOMMU_READ, &piece, 1, &translated, NULL) == 1)
			word = *(const volatile uint64_t *)piece.hva;
		viommu_reader_leave(moves->reader);
		if (word > 1)
			__atomic_add_fetch(&moves->bad, 1, __ATOMIC_RELAXED);
		else
			__atomic_store_n(&moves->seen[word], moves->seen[word] + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void run_moves(bool soft)
{
	struct viommu_domain *domain[2];
	struct tables other;
	struct moves moves;
	uint64_t *word[2];
	pthread_t thread;

	memset(&moves, 0, sizeof(moves));
	moves.host = begin(&moves.rig, soft);
	tables_map(&moves.rig.tables, PBA, 1, 3 * MIB, VIOMMU_RW);
	tables_init(&other, &moves.rig.guest, 2, PBA, PBA + MIB - 1);
	tables_map(&other, PBA, 1, 5 * MIB, VIOMMU_RW);
	for (unsigned int i = 0; i < 2; i++) {
		domain[i] = tables_domain(i ? &other : &moves.rig.tables, moves.host, NULL);
		word[i] = (uint64_t *)(void *)guest_hva(&moves.rig.guest, i ? 5 * MIB : 3 * MIB);
		*word[i] = i;
	}
	make_reader(&moves.rig, moves.host, &moves.device, &moves.reader);
	assert_int_equal(viommu_domain_attach(domain[0], moves.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(pthread_create(&thread, NULL, follow, &moves), 0);
	for (unsigned int i = 1; i < ROUNDS; i++) {
		uint64_t before = __atomic_load_n(&moves.seen[i % 2], __ATOMIC_RELAXED);

		*word[i % 2] = i % 2;
		assert_int_equal(viommu_domain_attach(domain[i % 2], moves.device, VIOMMU_NO_PASID), 0);
		*word[!(i % 2)] = POISON;
		/* Now and then without waiting for a reader. */
		while (i % 8 < 4 && __atomic_load_n(&moves.seen[i % 2], __ATOMIC_RELAXED) == before && !__atomic_load_n(&moves.bad, __ATOMIC_RELAXED))
			sched_yield();
	}
	__atomic_store_n(&moves.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(moves.bad, 0);
	viommu_device_destroy(moves.device);
	viommu_domain_destroy(domain[0]);
	viommu_domain_destroy(domain[1]);
	end(&moves.rig, moves.host);
}

static void test_translating_while_moving(void **state)
{
	(void)state;
	run_moves(true);
	run_moves(false);
}

/*
 * Domains are made and destroyed under a reader that never stops and never holds: memory that it
 * looks at stays valid until it has finished.
 */

static void *translate_always(void *ctx)
{
	struct racer *racer = ctx;
	struct viommu_piece piece;
	uint64_t translated;

	while (!__atomic_load_n(&racer->race->stop, __ATOMIC_RELAXED)) {
		if (viommu_translate(racer->reader, PBA, WINDOW * PAGE, VIOMMU_READ, &piece, 1, &translated, NULL) == 1)
			__atomic_store_n(&racer->translated, racer->translated + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void domains_go(bool soft)
{
	struct racer racer = { .translated = 0 };
	struct race race;

	memset(&race, 0, sizeof(race));
	race.host = begin(&race.rig, soft);
	tables_map(&race.rig.tables, PBA, WINDOW, MIB, VIOMMU_RW);
	racer.race = &race;
	make_reader(&race.rig, race.host, &racer.device, &racer.reader);
	assert_int_equal(pthread_create(&racer.thread, NULL, translate_always, &racer), 0);
	for (unsigned int i = 0; i < 300; i++) {
		uint64_t before = __atomic_load_n(&racer.translated, __ATOMIC_RELAXED);
		struct viommu_domain *domain = tables_domain(&race.rig.tables, race.host, NULL);

		assert_int_equal(viommu_domain_attach(domain, racer.device, VIOMMU_NO_PASID), 0);
		while (__atomic_load_n(&racer.translated, __ATOMIC_RELAXED) == before)
			sched_yield();
		if (i % 2)
			assert_int_equal(viommu_device_detach(racer.device, VIOMMU_NO_PASID), 0);
		viommu_domain_destroy(domain);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(racer.thread, NULL);
	viommu_device_destroy(racer.device);
	end(&race.rig, race.host);
}

static void test_translating_while_domains_go(void **state)
{
	(void)state;
	domains_go(true);
	domains_go(false);
}

/*
 * Holding: another thread's refresh has flushed, and does not return before the reader has
 * released.
 */

struct hold {
	struct rig rig;
	struct viommu_domain *domain, *other;
	struct viommu_device *device;
	struct area *area;
	unsigned int what;
	unsigned int begun; /* calls to the host that the other thread made */
	bool returned;
};

static void watch_hold(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct hold *hold = ctx;

	(void)space;
	if (event->call == MOCK_FLUSH || event->call == MOCK_DETACH || event->call == MOCK_REPLACE)
		__atomic_add_fetch(&hold->begun, 1, __ATOMIC_RELEASE);
}

static void *remove_something(void *ctx)
{
	struct hold *hold = ctx;

	switch (hold->what) {
	case 0:
		viommu_domain_refresh(hold->domain, 0, UINT64_MAX, NULL);
		break;
	case 1:
		guest_hide(&hold->rig.guest, hold->area);
		break;
	case 2:
		viommu_device_detach(hold->device, VIOMMU_NO_PASID);
		break;
	case 3:
		viommu_domain_attach(hold->other, hold->device, VIOMMU_NO_PASID);
		break;
	default:
		viommu_domain_destroy(hold->domain);
		break;
	}
	__atomic_store_n(&hold->returned, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_held_off(void **state)
{
	(void)state;
	for (unsigned int what = 0; what < 5; what++) {
		struct viommu_reader *reader;
		struct viommu_piece piece;
		struct tables empty;
		struct hold hold;
		uint64_t translated;
		pthread_t thread;

		memset(&hold, 0, sizeof(hold));
		hold.what = what;
		rig_begin(&hold.rig, &(struct rig_options){ .mock.lookup = true });
		hold.area = guest_area(&hold.rig.guest, GIB, MIB, VIOMMU_RW);
		assert_int_equal(guest_show(&hold.rig.guest, hold.area), 0);
		tables_map(&hold.rig.tables, PBA, 1, GIB, VIOMMU_RW);
		hold.domain = tables_domain(&hold.rig.tables, &hold.rig.mock->host, NULL);
		assert_int_equal(viommu_device_create(hold.rig.guest.vm, &hold.rig.mock->host, NULL, &hold.device), 0);
		assert_int_equal(viommu_reader_create(hold.device, VIOMMU_NO_PASID, &reader), 0);
		assert_int_equal(viommu_domain_attach(hold.domain, hold.device, VIOMMU_NO_PASID), 0);
		tables_unmap(&hold.rig.tables, PBA, 1);
		tables_init(&empty, &hold.rig.guest, 2, PBA, PBA + MIB - 1);
		hold.other = tables_domain(&empty, &hold.rig.mock->host, NULL);

		viommu_reader_enter(reader);
		assert_int_equal(viommu_translate(reader, PBA, 8, VIOMMU_RW, &piece, 1, &translated, NULL), 1);
		hold.rig.mock->watch = watch_hold;
		hold.rig.mock->watch_ctx = &hold;
		assert_int_equal(pthread_create(&thread, NULL, remove_something, &hold), 0);
		while (!__atomic_load_n(&hold.begun, __ATOMIC_ACQUIRE))
			sched_yield();
		for (unsigned int i = 0; i < 1000; i++) {
			assert_false(__atomic_load_n(&hold.returned, __ATOMIC_ACQUIRE));
			sched_yield();
		}
		viommu_reader_leave(reader);
		pthread_join(thread, NULL);
		assert_true(hold.returned);
		/* A new translation does not find it any more. */
		viommu_reader_enter(reader);
		assert_int_equal(viommu_translate(reader, PBA, 8, VIOMMU_RW, &piece, 1, &translated, NULL), -EFAULT);
		viommu_reader_leave(reader);
		hold.rig.mock->watch = NULL;
		viommu_device_destroy(hold.device);
		viommu_domain_destroy(hold.other);
		if (what != 4)
			viommu_domain_destroy(hold.domain);
		rig_end(&hold.rig);
	}
}

static void *refresh_all(void *ctx)
{
	struct hold *hold = ctx;

	viommu_domain_refresh(hold->domain, 0, UINT64_MAX, NULL);
	__atomic_store_n(&hold->returned, true, __ATOMIC_RELEASE);
	return NULL;
}

static void *take_away(void *ctx)
{
	struct hold *hold = ctx;

	if (hold->what)
		viommu_domain_attach(hold->other, hold->device, VIOMMU_NO_PASID);
	else
		viommu_device_detach(hold->device, VIOMMU_NO_PASID);
	return NULL;
}

/*
 * Two threads: one detaches the device and waits for its reader; the other's refresh does not
 * return before the reader has released either.
 */
static void test_held_off_from_both(void **state)
{
	(void)state;
	for (unsigned int what = 0; what < 2; what++) {
		struct viommu_reader *reader, *second;
		struct viommu_piece piece;
		pthread_t thread, third;
		struct tables empty;
		struct hold hold;
		uint64_t translated;

		memset(&hold, 0, sizeof(hold));
		hold.what = what;
		rig_begin(&hold.rig, &(struct rig_options){ .mock.lookup = true });
		tables_map(&hold.rig.tables, PBA, 1, MIB, VIOMMU_RW);
		hold.domain = tables_domain(&hold.rig.tables, &hold.rig.mock->host, NULL);
		tables_init(&empty, &hold.rig.guest, 2, PBA, PBA + MIB - 1);
		hold.other = tables_domain(&empty, &hold.rig.mock->host, NULL);
		assert_int_equal(viommu_device_create(hold.rig.guest.vm, &hold.rig.mock->host, NULL, &hold.device), 0);
		assert_int_equal(viommu_reader_create(hold.device, VIOMMU_NO_PASID, &reader), 0);
		assert_int_equal(viommu_reader_create(hold.device, VIOMMU_NO_PASID, &second), 0);
		assert_int_equal(viommu_domain_attach(hold.domain, hold.device, VIOMMU_NO_PASID), 0);
		tables_unmap(&hold.rig.tables, PBA, 1);

		viommu_reader_enter(reader);
		assert_int_equal(viommu_translate(reader, PBA, 8, VIOMMU_RW, &piece, 1, &translated, NULL), 1);
		assert_int_equal(pthread_create(&thread, NULL, take_away, &hold), 0);
		while (viommu_translate(second, PBA, 8, VIOMMU_RW, &piece, 1, &translated, NULL) == 1)
			sched_yield();
		assert_int_equal(pthread_create(&third, NULL, refresh_all, &hold), 0);
		for (unsigned int i = 0; i < 1000; i++) {
			assert_false(__atomic_load_n(&hold.returned, __ATOMIC_ACQUIRE));
			sched_yield();
		}
		viommu_reader_leave(reader);
		pthread_join(thread, NULL);
		pthread_join(third, NULL);
		viommu_device_destroy(hold.device);
		viommu_domain_destroy(hold.other);
		viommu_domain_destroy(hold.domain);
		rig_end(&hold.rig);
	}
}

/*
 * The same memory is now in one slot, now in another. The tables name the first, so that a look-up
 * yields its GPA, or nothing.
 */

#define HOME (GIB)
#define AWAY (2 * GIB)

static void *look_up_always(void *ctx)
{
	struct racer *racer = ctx;

	while (!__atomic_load_n(&racer->race->stop, __ATOMIC_RELAXED)) {
		struct viommu_extent extent = { .size = sizeof(extent) };

		if (viommu_lookup(racer->reader, PBA, PBA + WINDOW * PAGE - 1, &extent, NULL))
			continue;
		if (extent.gpa != HOME + (extent.first - PBA) || extent.last > PBA + WINDOW * PAGE - 1)
			__atomic_add_fetch(&racer->race->bad, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&racer->translated, racer->translated + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void slots_swap(bool soft)
{
	struct racer racer = { .translated = 0 };
	struct area *home, *away;
	struct race race;

	memset(&race, 0, sizeof(race));
	rig_begin(&race.rig, &(struct rig_options){ .mock.lookup = true });
	race.host = &race.rig.mock->host;
	if (soft)
		assert_int_equal(viommu_host_soft_create(&race.host), 0);
	home = guest_area(&race.rig.guest, HOME, WINDOW * PAGE, VIOMMU_RW);
	away = &race.rig.guest.area[race.rig.guest.areas++];
	*away = *home;
	away->gpa = AWAY;
	tables_map(&race.rig.tables, PBA, WINDOW, HOME, VIOMMU_RW);
	race.domain = tables_domain(&race.rig.tables, race.host, NULL);
	racer.race = &race;
	assert_int_equal(viommu_device_create(race.rig.guest.vm, race.host, NULL, &racer.device), 0);
	assert_int_equal(viommu_reader_create(racer.device, VIOMMU_NO_PASID, &racer.reader), 0);
	assert_int_equal(viommu_domain_attach(race.domain, racer.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(pthread_create(&racer.thread, NULL, look_up_always, &racer), 0);
	for (unsigned int i = 0; i < 300; i++) {
		uint64_t before;

		assert_int_equal(guest_show(&race.rig.guest, home), 0);
		assert_int_equal(viommu_domain_refresh(race.domain, 0, UINT64_MAX, NULL), 0);
		before = __atomic_load_n(&racer.translated, __ATOMIC_RELAXED);
		while (__atomic_load_n(&racer.translated, __ATOMIC_RELAXED) == before)
			sched_yield();
		assert_int_equal(guest_hide(&race.rig.guest, home), 0);
		assert_int_equal(guest_show(&race.rig.guest, away), 0);
		assert_int_equal(guest_hide(&race.rig.guest, away), 0);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(racer.thread, NULL);
	assert_int_equal(race.bad, 0);
	race.rig.guest.areas--;
	viommu_device_destroy(racer.device);
	viommu_domain_destroy(race.domain);
	if (soft)
		viommu_host_destroy(race.host);
	rig_end(&race.rig);
}

static void test_looking_up_while_slots_swap(void **state)
{
	(void)state;
	slots_swap(true);
	slots_swap(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translating_while_refreshing), cmocka_unit_test(test_translating_while_detaching),
		cmocka_unit_test(test_translating_while_moving),     cmocka_unit_test(test_looking_up_while_slots_swap),
		cmocka_unit_test(test_translating_while_domains_go), cmocka_unit_test(test_held_off),
		cmocka_unit_test(test_held_off_from_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
