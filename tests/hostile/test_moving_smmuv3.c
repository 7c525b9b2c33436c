/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with two SMMUs that changes its tables at any time. One thread writes stream table
 * entries, descriptors of both levels and of contexts, commands and table entries, well-formed and
 * malformed. Two vCPUs submit the contents of the first SMMU's queue, from any index to any other,
 * acknowledge its errors, turn it off and on, and reset it. Another thread reads events. Devices of
 * both SMMUs access memory and report their misses. A VMM plugs, unplugs and queries. No call may
 * fail with an unexpected error. ThreadSanitizer checks for races.
 *
 * The second SMMU has the same tables, and a correct driver: one page is mapped and revoked again,
 * with CMD_TLBI_NH_VA and CMD_SYNC. An access that begins after the CMD_SYNC was passed never
 * yields it.
 *
 * Whenever all threads rest, the accounts are consistent. After the guest has repaired and
 * invalidated everything, devices reach exactly the pages in the tables.
 */
#include "../smmuv3/tables.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors.h"

#define PERIODS	   4u
#define OPERATIONS 600u
#define WILD	   3u /* streams of the first SMMU: 0, 1 and one that comes and goes */
#define HONEST	   2u /* of the second one */
#define WINDOW	   16u
#define IOVA	   UINT64_C(0x40000000)
#define REVOKED	   (IOVA + UINT64_C(0x200000)) /* in a table of its own */
#define SECRET	   (DATA + UINT64_C(0x800000)) /* no other entry names it */
#define CMDQ2	   UINT64_C(0x18000)
#define EVENTQ2	   UINT64_C(0x28000)
#define STRTAB2	   UINT64_C(0x60000)
#define HONEST_CD  40u

struct scene {
	struct rig rig;	   /* with the first SMMU */
	struct rig second; /* the same VM and memory, with the other one */
	struct tables tables;
	uint64_t lowest; /* the address of the table with IOVA's pages */
	uint64_t middle;
	struct user wild[WILD];
	struct user honest[HONEST];
	uint64_t revoked; /* even: the page is revoked, until this changes */
	uint64_t reached, refused;
	struct stage stage;
};

/* Registers without cmocka's asserts, which work in one thread only. */
static uint32_t load(struct rig *rig, uint32_t offset)
{
	uint64_t value = 0;

	viommu_smmuv3_read(rig->smmu, offset, 4, &value);
	return (uint32_t)value;
}

static void store(struct rig *rig, uint32_t offset, uint64_t value)
{
	viommu_smmuv3_write(rig->smmu, offset, 4, (uint32_t)value);
}

static void write_stream(struct actor *actor)
{
	static const uint64_t others[] = { STE_ABORT, STE_S1(HOLE_GPA), 0xd, 0, 0x2 };
	uint64_t entry = draw(actor, 3) ? STE_S1(cd_gpa((unsigned int)draw(actor, 4))) : others[draw(actor, 5)];
	struct scene *scene = actor->scene;
	struct rig *rig = &scene->rig;
	uint64_t sid = draw(actor, WILD);

	/* Config is not flipped: in bypass all memory is charged, reached or not. */
	if (!draw(actor, 16))
		entry ^= UINT64_C(1) << (4 + draw(actor, 60));
	rig_put(rig, STRTAB + 64 * sid, entry);
	rig_put(rig, STRTAB + 64 * sid + 8, draw(actor, 8) ? 0 : actor->seed);
	/* The same tables in two levels, or garbage. */
	rig_put(rig, L2TABLES, draw(actor, 8) ? STRTAB | draw(actor, 9) : HOLE_GPA | 7);
}

static void write_context(struct actor *actor)
{
	struct scene *scene = actor->scene;
	unsigned int n = (unsigned int)draw(actor, 4);
	uint64_t cd0 = CD0(1 + n % 2);

	if (!draw(actor, 3))
		cd0 ^= UINT64_C(1) << draw(actor, 64);
	rig_put(&scene->rig, cd_gpa(n), cd0);
	rig_put(&scene->rig, cd_gpa(n) + 8, draw(actor, 6) ? scene->tables.root : TABLES + PAGE * draw(actor, 16));
	rig_put(&scene->rig, cd_gpa(n) + 16, TABLES + PAGE * draw(actor, 16));
}

/*
 * The tables on the path to the pages, except for the path to the revoked page: tables, the tables
 * themselves, blocks elsewhere, garbage; then the correct entry.
 */
static void write_table(struct actor *actor)
{
	struct scene *scene = actor->scene;
	uint64_t sound[2] = { scene->middle | E_TABLE, scene->lowest | E_TABLE };
	uint64_t at[2] = { scene->tables.root + 8 * (IOVA >> 30), scene->middle };
	unsigned int n = (unsigned int)draw(actor, 2);
	const uint64_t wild[] = {
		0, scene->tables.root | E_TABLE, at[n] | E_TABLE, DATA | E_BLOCK, HOLE_GPA | E_TABLE, sound[n] | UINT64_C(3) << 61, sound[n]
	};

	rig_put(&scene->rig, at[n], wild[draw(actor, 7)]);
	rig_put(&scene->rig, scene->lowest + 8 * draw(actor, WINDOW),
		draw(actor, 3) ? (DATA + PAGE * draw(actor, 64)) | E_PAGE | (draw(actor, 2) ? E_RO : 0) : 0);
	if (draw(actor, 2))
		rig_put(&scene->rig, at[n], sound[n]);
}

static void write_wildly(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (unsigned int i = 0; i < 4; i++) {
		switch (draw(actor, 8)) {
		case 0:
			write_stream(actor);
			break;
		case 1:
			write_context(actor);
			break;
		case 2: /* a command, at a place in any state */
			rig_put(&scene->rig, CMDQ + 8 * draw(actor, 2u << CMDQ_BITS), draw(actor, 2) ? SYNC : actor->seed);
			break;
		default:
			write_table(actor);
			break;
		}
	}
}

static void put_command(struct actor *actor, uint64_t at)
{
	struct scene *scene = actor->scene;
	struct rig *rig = &scene->rig;
	uint64_t dw0 = SYNC, dw1 = 0;

	switch (draw(actor, 8)) {
	case 0:
		dw0 = CFGI_ALL;
		dw1 = 31;
		break;
	case 1:
	case 2:
		dw0 = CFGI_STE(draw(actor, WILD));
		break;
	case 3:
		dw0 = CFGI_CD(draw(actor, WILD));
		break;
	case 4:
		dw0 = TLBI_ASID(1 + draw(actor, 2));
		break;
	case 5:
		dw0 = TLBI_VA(1 + draw(actor, 2)) | RANGE(draw(actor, 32), draw(actor, 8));
		dw1 = IOVA | TG(1) | TTL(draw(actor, 4));
		break;
	case 6:
		dw0 = TLBI_ALL;
		break;
	default:
		break;
	}
	rig_put(rig, at, dw0);
	rig_put(rig, at + 8, dw1);
}

/* Two threads use one queue, without a lock. */
static void send(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct rig *rig = &scene->rig;
	uint32_t prod = load(rig, R_CMDQ_PROD), round = 2u << CMDQ_BITS, number = (uint32_t)draw(actor, 6);

	for (uint32_t i = 0; i < number; i++)
		put_command(actor, CMDQ + 16 * (uint64_t)((prod + i) % (round / 2)));
	store(rig, R_CMDQ_PROD, draw(actor, 16) ? (prod + number) % round : draw(actor, round));
	if (load(rig, R_GERROR) != load(rig, R_GERRORN))
		store(rig, R_GERRORN, load(rig, R_GERROR));
	if (actor->number || draw(actor, 4))
		return;
	/* One of them also turns the SMMU off and on. */
	switch (draw(actor, 3)) {
	case 0:
		store(rig, R_CR0, 0);
		store(rig, R_STRTAB_BASE_CFG, STRTAB_BITS | (draw(actor, 2) ? 1u << 16 | 6u << 6 : 0));
		store(rig, R_STRTAB_BASE, load(rig, R_STRTAB_BASE_CFG) >> 16 ? L2TABLES : STRTAB);
		break;
	case 1:
		viommu_smmuv3_reset(rig->smmu);
		store(rig, R_STRTAB_BASE, STRTAB);
		store(rig, R_STRTAB_BASE_CFG, STRTAB_BITS);
		store(rig, R_CMDQ_BASE, CMDQ | CMDQ_BITS);
		store(rig, R_EVENTQ_BASE, EVENTQ | EVENTQ_BITS);
		store(rig, R_IRQ_CTRL, 5);
		break;
	default:
		break;
	}
	store(rig, R_CR0, SMMUEN | CMDQEN | EVENTQEN);
}

static void read_events(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct rig *rig = &scene->rig;
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	store(rig, R_EVENTQ_CONS, load(rig, R_EVENTQ_PROD));
	store(&scene->second, R_EVENTQ_CONS, load(&scene->second, R_EVENTQ_PROD));
	viommu_smmuv3_info(rig->smmu, &info);
	/* One is plugged and unplugged all the time. */
	expect(actor, info.devices >= WILD - 1 && info.devices <= WILD && info.domains <= WILD + 1);
}

/* The driver of the second SMMU. Only this thread uses the page. */
static void revoke(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct rig *rig = &scene->second;
	uint64_t at = scene->lowest + PAGE; /* the next table, as tables_entry() allocated it */
	uint32_t prod = load(rig, R_CMDQ_PROD), round = 2u << CMDQ_BITS;
	const uint64_t commands[] = { TLBI_VA(7) | RANGE(0, 0), REVOKED | TG(1) | TTL(3) | LEAF, SYNC, 0 };

	/* It is mapped when the scene begins, so the first round only revokes it. */
	if (!(scene->revoked & 1))
		__atomic_add_fetch(&scene->revoked, 1, __ATOMIC_SEQ_CST);
	rig_put(rig, at, SECRET | E_PAGE);
	sched_yield();
	rig_put(rig, at, 0);
	for (unsigned int i = 0; i < 4; i++)
		rig_put(rig, CMDQ2 + 16 * (uint64_t)((prod + i / 2) % (round / 2)) + 8 * (i % 2), commands[i]);
	store(rig, R_CMDQ_PROD, (prod + 2) % round);
	expect(actor, load(rig, R_CMDQ_CONS) == (prod + 2) % round);
	__atomic_add_fetch(&scene->revoked, 1, __ATOMIC_RELEASE);
}

static int no_more(void *ctx, const struct viommu_run *run)
{
	(void)run;
	__atomic_add_fetch((uint64_t *)ctx, 1, __ATOMIC_RELAXED);
	return 0;
}

static void plug(struct actor *actor)
{
	struct scene *scene = actor->scene;
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = WILD - 1, .host = scene->rig.host };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_smmuv3_device *device;
	uint64_t runs = 0;

	expect(actor, !viommu_smmuv3_device_add(scene->rig.smmu, &config, &device));
	viommu_smmuv3_device_stats(scene->wild[0].device, &stats);
	viommu_smmuv3_device_each_run(scene->wild[0].device, 0, UINT64_MAX, no_more, &runs);
	expect(actor, viommu_smmuv3_find(scene->rig.smmu, WILD - 1) == device);
	viommu_smmuv3_device_remove(device);
}

/* A device's access, like a device model's, with a few retries. */
static void access_memory(struct actor *actor, struct user *user, uint64_t iova, bool is_honest)
{
	struct scene *scene = actor->scene;
	uint32_t access = 1 + (uint32_t)draw(actor, 2);

	for (unsigned int round = 0; round < 4; round++) {
		struct viommu_fault fault = { 0 };
		uint64_t before = __atomic_load_n(&scene->revoked, __ATOMIC_ACQUIRE), after, bytes;
		struct viommu_piece piece = { .hva = NULL };
		int ret = viommu_translate(user->reader, iova, 4, access, &piece, 1, &bytes, &fault);

		after = __atomic_load_n(&scene->revoked, __ATOMIC_SEQ_CST);
		expect(actor, ret == 1 || ret == -EFAULT);
		/* Revoked before the access began, and not mapped again before it ended. */
		if (is_honest && before == after && !(before & 1))
			expect(actor, ret != 1 || piece.hva != rig_hva(&scene->rig, SECRET));
		__atomic_add_fetch(ret == 1 ? &scene->reached : &scene->refused, 1, __ATOMIC_RELAXED);
		if (ret == 1)
			return;
		ret = viommu_smmuv3_device_fault(user->device, &fault);
		expect(actor, ret == 0 || ret == -EFAULT || ret == VIOMMU_SMMUV3_RAZ_WI);
		if (ret)
			return;
	}
}

static void access_wild(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (unsigned int i = 0; i < 4; i++)
		access_memory(actor, &scene->wild[actor->number], IOVA + PAGE * draw(actor, WINDOW), false);
}

static void access_honest(struct actor *actor)
{
	struct scene *scene = actor->scene;

	for (unsigned int i = 0; i < 4; i++)
		access_memory(actor, &scene->honest[actor->number], draw(actor, 2) ? REVOKED : IOVA + PAGE * draw(actor, WINDOW), true);
}

static int mark(void *ctx, const struct viommu_run *run)
{
	uint8_t *pages = ctx;

	for (uint64_t gpa = run->gpa; gpa <= run->gpa + (run->last - run->first); gpa += PAGE) {
		assert_true(gpa < RAM_BYTES || (gpa >= ROM_GPA && gpa < ROM_GPA + ROM_BYTES));
		pages[gpa / PAGE] = 1;
	}
	return 0;
}

/* The charged pages are those that the devices of both reach. */
static void check_pins(struct scene *scene)
{
	static uint8_t pages[(ROM_GPA + ROM_BYTES) / PAGE];
	uint64_t reached = 0;

	memset(pages, 0, sizeof(pages));
	for (unsigned int i = 0; i < WILD - 1; i++)
		viommu_smmuv3_device_each_run(scene->wild[i].device, 0, UINT64_MAX, mark, pages);
	for (unsigned int i = 0; i < HONEST; i++)
		viommu_smmuv3_device_each_run(scene->honest[i].device, 0, UINT64_MAX, mark, pages);
	for (size_t i = 0; i < sizeof(pages); i++)
		reached += pages[i];
	assert_int_equal(rig_pinned(&scene->rig), reached);
}

static void check_true(struct scene *scene, struct user *user, unsigned int descriptor)
{
	uint64_t cd[8], gpa;

	for (unsigned int i = 0; i < 8; i++)
		cd[i] = rig_get(&scene->rig, cd_gpa(descriptor) + 8 * i);
	for (uint64_t iova = IOVA; iova < IOVA + WINDOW * PAGE; iova += PAGE) {
		for (uint32_t access = VIOMMU_READ; access <= VIOMMU_WRITE; access++) {
			bool is_there = tables_naive(&scene->rig, cd, iova, access, &gpa);
			const uint8_t *hva;

			assert_int_equal(user_access(user, iova, access, &hva) == 0, is_there);
			if (is_there)
				assert_ptr_equal(hva, rig_hva(&scene->rig, gpa));
		}
	}
}

static void command(struct rig *rig, uint64_t cmdq, uint64_t dw0, uint64_t dw1)
{
	uint32_t prod = load(rig, R_CMDQ_PROD), round = 2u << CMDQ_BITS;

	rig_put(rig, cmdq + 16 * (uint64_t)(prod % (round / 2)), dw0);
	rig_put(rig, cmdq + 16 * (uint64_t)(prod % (round / 2)) + 8, dw1);
	store(rig, R_CMDQ_PROD, (prod + 1) % round);
	assert_int_equal(load(rig, R_CMDQ_CONS), (prod + 1) % round);
}

/* At rest without changes, then after a repair of everything. */
static void check_quiet(void *ctx)
{
	struct scene *scene = ctx;
	struct rig *rig = &scene->rig;

	check_pins(scene);
	rig_put(rig, scene->tables.root + 8 * (IOVA >> 30), scene->middle | E_TABLE);
	rig_put(rig, scene->middle, scene->lowest | E_TABLE);
	for (unsigned int n = 0; n < 4; n++)
		rig_put_cd(rig, n, CD0(1 + n % 2), scene->tables.root);
	for (unsigned int n = 0; n < WILD; n++)
		rig_put_ste(rig, n, STE_S1(cd_gpa(n)), 0);
	viommu_smmuv3_reset(rig->smmu);
	rig_enable(rig);
	command(&scene->second, CMDQ2, TLBI_ASID(7), 0);
	command(&scene->second, CMDQ2, SYNC, 0);
	for (unsigned int i = 0; i < WILD - 1; i++)
		check_true(scene, &scene->wild[i], i);
	for (unsigned int i = 0; i < HONEST; i++)
		check_true(scene, &scene->honest[i], HONEST_CD);
	check_pins(scene);
	store(rig, R_EVENTQ_CONS, load(rig, R_EVENTQ_PROD));
}

static void begin(struct scene *scene)
{
	struct rig_config config = rig_config();

	memset(scene, 0, sizeof(*scene));
	/* test_bombs_smmuv3.c tests bombs. */
	config.vm.refresh_entries = 16384;
	config.vm.step_entries = 1;
	config.smmu.flags = VIOMMU_SMMUV3_RESET_ABORT;
	rig_up_as(&scene->rig, &config);
	scene->second = scene->rig;
	assert_int_equal(viommu_smmuv3_create(scene->rig.vm, &config.smmu, &scene->second.smmu), 0);
	tables_init(&scene->tables, &scene->rig, TABLES);
	scene->lowest = tables_entry(&scene->tables, IOVA, 0);
	assert_int_equal(tables_entry(&scene->tables, REVOKED, 0), scene->lowest + PAGE);
	scene->middle = tables_entry(&scene->tables, IOVA, 1);
	rig_put(&scene->rig, scene->lowest + PAGE, SECRET | E_PAGE);
	scene->revoked = 1;
	rig_put_cd(&scene->rig, HONEST_CD, CD0(7), scene->tables.root);
	for (unsigned int n = 0; n < HONEST; n++)
		rig_put(&scene->rig, STRTAB2 + 64 * (uint64_t)n, STE_S1(cd_gpa(HONEST_CD)));
	rig_write64(&scene->second, R_STRTAB_BASE, STRTAB2);
	rig_write(&scene->second, R_STRTAB_BASE_CFG, 4);
	rig_write64(&scene->second, R_CMDQ_BASE, CMDQ2 | CMDQ_BITS);
	rig_write64(&scene->second, R_EVENTQ_BASE, EVENTQ2 | EVENTQ_BITS);
	rig_write(&scene->second, R_CR0, SMMUEN | CMDQEN | EVENTQEN);
	rig_enable(&scene->rig);
	for (unsigned int i = 0; i < WILD - 1; i++)
		user_init(&scene->wild[i], &scene->rig, i);
	for (unsigned int i = 0; i < HONEST; i++)
		user_init(&scene->honest[i], &scene->second, i);
}

static void end(struct scene *scene)
{
	for (unsigned int i = 0; i < WILD - 1; i++)
		user_end(&scene->wild[i]);
	for (unsigned int i = 0; i < HONEST; i++)
		user_end(&scene->honest[i]);
	viommu_smmuv3_destroy(scene->second.smmu);
	rig_down(&scene->rig);
}

static void test_moving(void **state)
{
	static const struct act acts[] = { { write_wildly, 0 }, { send, 0 },	    { send, 1 },	{ read_events, 0 },   { revoke, 0 },
					   { plug, 0 },		{ access_wild, 0 }, { access_wild, 1 }, { access_honest, 0 }, { access_honest, 1 } };
	static struct scene scene;

	(void)state;
	begin(&scene);
	actors_run(&scene.stage, &scene, acts, sizeof(acts) / sizeof(acts[0]), PERIODS, OPERATIONS, check_quiet);
	print_message("%llu accesses reached something, %llu did not; %llu commands, %llu of them refused\n", (unsigned long long)scene.reached,
		      (unsigned long long)scene.refused, (unsigned long long)(rig_info(&scene.rig).commands + rig_info(&scene.rig).errors),
		      (unsigned long long)rig_info(&scene.rig).errors);
	assert_true(scene.reached > 1000 && scene.refused > 1000);
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_moving) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
