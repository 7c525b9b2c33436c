/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest that changes its tables at any time. Threads write entries at all five levels,
 * well-formed and malformed, that name tables, each other and themselves. Others refresh two
 * domains over the same tables and a registered function, translate, attach and detach, register
 * and deregister, and remove memory. No call may fail with an unexpected error.
 *
 * Whenever all threads rest, the accounts must be consistent. After a refresh of everything the
 * domains match the tables, whatever those contain. After the guest has repaired its tables, all
 * their pages are mapped.
 *
 * Meanwhile a thread maps and revokes one page. A translation that begins after the revoking
 * refresh has returned never yields it.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/zpci.h>

#include "actors.h"
#include "rig.h"

#define PERIODS	   5
#define OPERATIONS 1500u
#define PAGES	   1024u /* of the aperture: four page tables */
#define DOMAINS	   2
#define TOP	   4u /* level of the top table */
/* with a page table of its own, outside the tables with random writes */
#define REVOKED (PBA + 8 * MIB)
#define LAST	(REVOKED + MIB - 1)
#define SECRET	(5 * MIB) /* the page that is revoked: no other entry names it */

struct scene {
	struct guest guest;
	struct mock_host *mock;
	struct viommu_host *host;
	struct tables tables; /* of all domains */
	struct subject subject[DOMAINS];
	struct viommu_device *device[DOMAINS]; /* each stays in its domain */
	struct viommu_device *wanderer;
	struct area *area; /* comes and goes */
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function;
	uint64_t revoked;	/* even: the page is revoked, until this changes */
	uint64_t sane[TOP + 1]; /* the correct entries on the path to the first page */
	uint64_t translated, faults;
	struct viommu_reader *reader[DOMAINS]; /* of one thread */
	struct stage stage;
};

static uint64_t path_entry(struct scene *scene, uint64_t iova, unsigned int level)
{
	/* Written directly: tables_entry() would follow random entries. */
	uint64_t table = level == TOP ? scene->tables.root : scene->sane[level + 1] & ~UINT64_C(0xfff);

	return table + 8 * (uint64_t)naive_index(iova, level);
}

/*
 * A random entry at a level above the page tables, or of pages. Its own table, a sibling, a table
 * of another level, frames, protection, garbage; or the correct entry.
 */
static void write_wildly(struct actor *actor)
{
	struct scene *scene = actor->scene;
	unsigned int level = 1 + (unsigned int)draw(actor, TOP);
	uint64_t at = path_entry(scene, PBA, level), entry = scene->sane[level];

	switch (draw(actor, 12)) {
	case 0:
		entry ^= PROTECTED;
		break;
	case 1:
		entry |= STE_INVALID;
		break;
	case 2:
		entry = (entry & 0xfff) | (scene->sane[1 + draw(actor, TOP)] & ~UINT64_C(0xfff));
		break;
	case 3:
		entry ^= UINT64_C(1) << draw(actor, 12);
		break;
	case 4:
		entry = actor->seed;
		break;
	default:
		break;
	}
	guest_store(&scene->guest, at, entry);
}

static void write_pages(struct actor *actor)
{
	struct scene *scene = actor->scene;
	uint64_t table = scene->sane[1] & ~UINT64_C(0x7ff), first = draw(actor, 200);
	uint64_t gpa = draw(actor, 3) ? draw(actor, 512) * PAGE : GIB + draw(actor, 128) * PAGE;
	uint64_t kind = draw(actor, 4);

	for (uint64_t i = 0; i < 1 + draw(actor, 40); i++)
		guest_store(&scene->guest, table + 8 * (first + i), kind ? gpa + i * PAGE : PTE_INVALID | gpa);
}

static void refresh(struct actor *actor)
{
	const struct scene *scene = actor->scene;
	struct viommu_domain *domain = scene->subject[draw(actor, DOMAINS)].domain;
	uint64_t first = PBA + draw(actor, PAGES) * PAGE;
	int error;

	if (draw(actor, 4))
		error = viommu_domain_refresh(domain, first, first + draw(actor, 64) * PAGE, NULL);
	else
		error = viommu_domain_refresh(domain, 0, UINT64_MAX, NULL);
	/* Tables of tables may have more entries than a refresh examines. */
	expect(actor, error == 0 || error == -EFAULT || error == -ENOSPC);
}

static void translate(struct actor *actor)
{
	struct scene *scene = actor->scene;
	uint64_t before, after, bytes;
	struct viommu_piece piece;
	int pieces;

	for (unsigned int i = 0; i < 20; i++) {
		struct viommu_reader *reader = scene->reader[i % DOMAINS];
		bool revoked = draw(actor, 2);
		uint64_t iova = revoked ? REVOKED : PBA + draw(actor, PAGES) * PAGE;

		before = __atomic_load_n(&scene->revoked, __ATOMIC_ACQUIRE);
		pieces = viommu_translate(reader, iova, 8, VIOMMU_READ, &piece, 1, &bytes, NULL);
		after = __atomic_load_n(&scene->revoked, __ATOMIC_SEQ_CST);
		expect(actor, pieces == 1 || pieces == -EFAULT);
		/*
		 * Revoked before the access began, and not mapped again before it ended. (Random
		 * entries may map other pages there.)
		 */
		if (revoked && before == after && !(before & 1))
			expect(actor, pieces == -EFAULT || piece.hva != guest_hva(&scene->guest, SECRET));
		if (pieces == 1)
			expect(actor, bytes == 8 && piece.bytes == 8);
		__atomic_add_fetch(pieces == 1 ? &scene->translated : &scene->faults, 1, __ATOMIC_RELAXED);
	}
}

/*
 * No thread writes its segment entry at random, but the entries above it change, so mapping it may
 * fail. Revoking may not: pages that the tables do not reach are released.
 */
static void revoke(struct actor *actor)
{
	struct scene *scene = actor->scene;
	uint64_t table = guest_load(&scene->guest, path_entry(scene, REVOKED, 1)) & ~UINT64_C(0x7ff);

	/* It is mapped when the scene begins, so the first round only revokes it. */
	if (!(scene->revoked & 1))
		__atomic_add_fetch(&scene->revoked, 1, __ATOMIC_SEQ_CST);
	guest_store(&scene->guest, table, SECRET);
	for (unsigned int i = 0; i < DOMAINS; i++)
		viommu_domain_refresh(scene->subject[i].domain, REVOKED, REVOKED + 5 * PAGE, NULL);
	guest_store(&scene->guest, table, SECRET | PTE_INVALID);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		int error = viommu_domain_refresh(scene->subject[i].domain, REVOKED, REVOKED, NULL);

		expect(actor, error == 0 || error == -EFAULT);
	}
	__atomic_add_fetch(&scene->revoked, 1, __ATOMIC_RELEASE);
}

static void change_slots(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct area *area = scene->area;

	expect(actor, !(area->shown ? guest_hide(&scene->guest, area) : guest_show(&scene->guest, area)));
}

/* A device that moves between domains, and a domain that is created and destroyed. */
static void come_and_go(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct viommu_zpci_ioat ioat = tables_ioat(&scene->tables);
	struct viommu_domain *domain;
	int error;

	expect(actor, !viommu_device_detach(scene->wanderer, VIOMMU_NO_PASID));
	if (draw(actor, 2)) {
		expect(actor, !viommu_domain_attach(scene->subject[draw(actor, DOMAINS)].domain, scene->wanderer, VIOMMU_NO_PASID));
		return;
	}
	error = viommu_domain_create(scene->guest.vm, scene->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain);
	expect(actor, error == 0 || error == -ENOSPC);
	if (error)
		return;
	expect(actor, !viommu_domain_attach(domain, scene->wanderer, VIOMMU_NO_PASID));
	viommu_domain_destroy(domain);
}

/* A CPU of the guest: registers, refreshes, deregisters, and recovers from errors. */
static void instruct(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct viommu_zpci_ioat ioat = tables_ioat(&scene->tables);
	struct viommu_zpci_fib fib = { .pba = ioat.pba, .pal = ioat.pal, .iota = ioat.iota };
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	static const uint8_t operations[] = { VIOMMU_ZPCI_OC_REG_IOAT, VIOMMU_ZPCI_OC_DEREG_IOAT, VIOMMU_ZPCI_OC_REREG_IOAT, VIOMMU_ZPCI_OC_RESET_ERROR };
	uint64_t r1;

	viommu_zpci_function_info(scene->function, &info);
	r1 = (uint64_t)info.fh << 32;
	if (draw(actor, 2)) {
		expect(actor, !viommu_zpci_rpcit(scene->zpci, r1, PBA + draw(actor, PAGES) * PAGE, (1 + draw(actor, 300)) * PAGE, &answer));
	} else {
		expect(actor, !viommu_zpci_mpcifc(scene->zpci, r1 | operations[draw(actor, 4)], &fib, &answer));
	}
	expect(actor, !answer.exception && answer.cc <= 1);
}

static void drop_registration(struct scene *scene)
{
	uint32_t fh;

	/* So that only the domains' pages are charged. */
	assert_int_equal(viommu_zpci_disable(scene->function, &fh), 0);
	assert_int_equal(viommu_zpci_enable(scene->function, &fh), 0);
}

/* At rest without changes to the tables, then after their repair. */
static void check_quiet(void *ctx)
{
	struct scene *scene = ctx;

	drop_registration(scene);
	check_books(scene->mock, &scene->guest, scene->subject, DOMAINS);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		int error = viommu_domain_refresh(scene->subject[i].domain, 0, UINT64_MAX, NULL);

		assert_true(error == 0 || error == -EFAULT);
		check_true(scene->mock, &scene->subject[i], PBA, LAST);
	}
	check_books(scene->mock, &scene->guest, scene->subject, DOMAINS);
	for (unsigned int level = 1; level <= TOP; level++)
		guest_store(&scene->guest, path_entry(scene, PBA, level), scene->sane[level]);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		assert_int_equal(viommu_domain_refresh(scene->subject[i].domain, 0, UINT64_MAX, NULL), 0);
		check_true(scene->mock, &scene->subject[i], PBA, LAST);
	}
	check_books(scene->mock, &scene->guest, scene->subject, DOMAINS);
}

static void begin(struct scene *scene, bool soft, bool split)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci) };
	struct viommu_zpci_function_config function = { .size = sizeof(function), .fid = 1, .fh = 0x80010000, .state = VIOMMU_ZPCI_ENABLED };

	memset(scene, 0, sizeof(*scene));
	scene->revoked = 1;
	scene->mock = mock_create(&(struct mock_options){ .split = split, .lookup = true });
	scene->host = &scene->mock->host;
	if (soft)
		assert_int_equal(viommu_host_soft_create(&scene->host), 0);
	config.step_entries = 1;
	guest_simple(&scene->guest, &config, 16 * MIB);
	scene->area = guest_area(&scene->guest, GIB, MIB, VIOMMU_RW);
	tables_init(&scene->tables, &scene->guest, TOP, PBA, LAST);
	tables_map(&scene->tables, PBA, 200, MIB, VIOMMU_RW);
	tables_map(&scene->tables, REVOKED, 1, SECRET, VIOMMU_RW);
	for (unsigned int level = 0; level <= TOP; level++)
		scene->sane[level] = guest_load(&scene->guest, tables_entry(&scene->tables, PBA, level));
	for (unsigned int i = 0; i < DOMAINS; i++) {
		scene->subject[i].tables = &scene->tables;
		scene->subject[i].domain = tables_domain(&scene->tables, scene->host, NULL);
		scene->subject[i].space = soft ? NULL : mock_newest(scene->mock);
		assert_int_equal(viommu_device_create(scene->guest.vm, scene->host, NULL, &scene->device[i]), 0);
		assert_int_equal(viommu_domain_attach(scene->subject[i].domain, scene->device[i], VIOMMU_NO_PASID), 0);
	}
	assert_int_equal(viommu_device_create(scene->guest.vm, scene->host, NULL, &scene->wanderer), 0);
	assert_int_equal(viommu_zpci_create(scene->guest.vm, &zpci, &scene->zpci), 0);
	function.host = scene->host;
	assert_int_equal(viommu_zpci_function_add(scene->zpci, &function, &scene->function), 0);
}

static void run_scene(bool soft, bool split)
{
	static const struct act acts[] = { { write_wildly, 0 }, { write_pages, 0 },  { refresh, 0 },	 { refresh, 0 },  { translate, 0 },
					   { revoke, 0 },	{ change_slots, 0 }, { come_and_go, 0 }, { instruct, 0 }, { instruct, 0 } };
	struct scene scene;

	begin(&scene, soft, split);
	for (unsigned int n = 0; n < DOMAINS; n++)
		assert_int_equal(viommu_reader_create(scene.device[n], VIOMMU_NO_PASID, &scene.reader[n]), 0);
	actors_run(&scene.stage, &scene, acts, sizeof(acts) / sizeof(acts[0]), PERIODS, OPERATIONS, check_quiet);
	print_message("%llu translations, %llu faults\n", (unsigned long long)scene.translated, (unsigned long long)scene.faults);
	assert_true(scene.translated > 1000 && scene.faults > 1000);
	viommu_zpci_destroy(scene.zpci);
	for (unsigned int i = 0; i < DOMAINS; i++)
		viommu_domain_destroy(scene.subject[i].domain);
	assert_int_equal(guest_pinned(&scene.guest), 0);
	guest_end(&scene.guest);
	if (soft)
		viommu_host_destroy(scene.host);
	assert_null(scene.mock->spaces);
	mock_destroy(scene.mock);
}

static void test_soft(void **state)
{
	(void)state;
	run_scene(true, false);
}

static void test_whole_mappings(void **state)
{
	(void)state;
	run_scene(false, false);
}

static void test_splitting(void **state)
{
	(void)state;
	run_scene(false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_whole_mappings),
		cmocka_unit_test(test_splitting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
