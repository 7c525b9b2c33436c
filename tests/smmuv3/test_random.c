/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest that does anything: tables, descriptors, stream table entries, commands and registers, sensible and wild, and devices that access memory all the
 * while.
 *
 * What is checked: what is pinned is what devices can reach, and is charged once, after each step. And whenever the guest has had everything invalidated and
 * has waited for it, nothing is reached that its tables do not say; and what they say is reached, by asking if need be, and nothing else. The truth is a
 * reference that shares no code with the library.
 *
 * usage: test-smmuv3-random [--seed N] [--steps N]
 */
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STREAMS	    5u
#define DESCRIPTORS 4u
#define TABLE_PAGES 12u

static uint64_t seed = 1, steps = 8000, seeded;

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)((any() >> 32) % n);
}

struct world {
	struct rig rig;
	struct user user[STREAMS];
	bool there[STREAMS];
	uint64_t checked; /* IOVAs, and of them: reached */
	uint64_t reached;
};

/* Few places, so that they meet. */
static unsigned int any_index(void)
{
	static const unsigned int indexes[] = { 0, 1, 2, 15, 511 };

	return indexes[below(5)];
}

static uint64_t any_iova(void)
{
	uint64_t iova = (uint64_t)any_index() << 30 | (uint64_t)any_index() << 21 | (uint64_t)any_index() << 12;

	return below(8) ? iova : below(2) ? iova | UINT64_C(0xffffff8000000000) : any() & ~UINT64_C(7);
}

static uint64_t any_entry(void)
{
	static const uint64_t flips[] = { 0, 0, 0, 0, E_RO, 1 << 6, 1 << 10, 2 };

	switch (below(9)) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3:
		return (TABLES + PAGE * below(TABLE_PAGES)) | E_TABLE | (below(8) ? 0 : (uint64_t)below(4) << 61);
	case 4:
		return (DATA + UINT64_C(0x200000) * below(4)) | E_BLOCK;
	case 5:
		return (below(2) ? HOLE_GPA : ROM_GPA + PAGE * below(16)) | E_PAGE;
	case 6:
		return below(4) ? E_BLOCK : any();
	default:
		return ((DATA + PAGE * below(64)) | E_PAGE) ^ flips[below(8)];
	}
}

static void write_tables(struct world *world)
{
	for (unsigned int i = below(4); i < 4; i++)
		rig_put(&world->rig, TABLES + PAGE * below(TABLE_PAGES) + 8 * any_index(), any_entry());
}

static void write_descriptor(struct world *world)
{
	uint64_t cd0 = CD0(1 + below(3)), gpa = cd_gpa(below(DESCRIPTORS));

	switch (below(8)) {
	case 0:
		cd0 ^= UINT64_C(1) << below(64);
		break;
	case 1: /* TTB1, too */
		cd0 = (cd0 & ~(UINT64_C(1) << 30)) | UINT64_C(25) << 16 | UINT64_C(2) << 22;
		break;
	case 2: /* two levels, four levels */
		cd0 = (cd0 & ~UINT64_C(63)) | (below(2) ? 34 : 16);
		break;
	case 3: /* 64K, 16K */
		cd0 |= (uint64_t)(1 + below(2)) << 6;
		break;
	default:
		break;
	}
	rig_put(&world->rig, gpa + 8, (TABLES + PAGE * below(TABLE_PAGES)) | (below(8) ? 0 : 2));
	rig_put(&world->rig, gpa + 16, TABLES + PAGE * below(TABLE_PAGES));
	rig_put(&world->rig, gpa, cd0);
}

static void write_entry(struct world *world)
{
	static const uint64_t others[] = { STE_ABORT, STE_BYPASS, STE_S1(HOLE_GPA), 0xd, 0x2 };
	uint64_t dw0 = below(3) ? STE_S1(cd_gpa(below(DESCRIPTORS))) : others[below(5)];

	if (!below(16))
		dw0 ^= UINT64_C(1) << below(64);
	rig_put_ste(&world->rig, below(STREAMS), dw0, 0);
}

/* The guest's handler of errors, and its reader of events. */
static void recover(struct world *world)
{
	struct rig *rig = &world->rig;
	uint64_t record[4];

	while (rig_info(rig).gerror & 1) {
		uint32_t cons = rig_read(rig, R_CMDQ_CONS);

		rig_put(rig, CMDQ + 16 * (cons & ((1u << CMDQ_BITS) - 1)), SYNC);
		rig_put(rig, CMDQ + 16 * (cons & ((1u << CMDQ_BITS) - 1)) + 8, 0);
		rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
	}
	while (rig_event(rig, record))
		assert_true((record[0] & 0xff) <= 0x13);
	rig_write(rig, R_EVENTQ_CONS, rig_read(rig, R_EVENTQ_PROD));
}

static void send(struct world *world)
{
	struct rig *rig = &world->rig;
	uint32_t prod = rig_read(rig, R_CMDQ_PROD);

	for (unsigned int i = below(8); i < 8; i++) {
		switch (below(12)) {
		case 0:
			rig_queue(rig, &prod, CFGI_STE(below(STREAMS + 1)), LEAF);
			break;
		case 1:
			rig_queue(rig, &prod, CFGI_CD(below(STREAMS + 1)), LEAF);
			break;
		case 2:
			rig_queue(rig, &prod, CFGI_ALL | (uint64_t)below(STREAMS) << 32, below(32));
			break;
		case 3:
			rig_queue(rig, &prod, TLBI_ASID(1 + below(3)), 0);
			break;
		case 4:
			rig_queue(rig, &prod, SYNC, 0);
			break;
		case 5:
			rig_queue(rig, &prod, any(), any());
			break;
		case 6:
			rig_queue(rig, &prod, TLBI_VAA, any_iova() & ~UINT64_C(0xfff));
			break;
		default:
			rig_queue(rig, &prod, TLBI_VA(1 + below(3)) | RANGE(below(32), below(12)),
				  (any_iova() & ~UINT64_C(0xfff)) | TG(below(4)) | TTL(below(4)));
			break;
		}
	}
	rig_kick(rig, prod);
	recover(world);
}

static void change_registers(struct world *world)
{
	struct rig *rig = &world->rig;
	uint32_t on = SMMUEN | CMDQEN | EVENTQEN;

	rig_write(rig, R_GBPA, 1u << 31 | (below(2) ? 1u << 20 : 0));
	if (!below(3))
		rig_write(rig, R_CR0, on & ~SMMUEN);
	if (!below(4))
		rig_write(rig, R_CR0, on & ~EVENTQEN);
	rig_write64(rig, 8 * below(0x100 / 8), below(2) ? any() : rig_read64(rig, 8 * below(0x100 / 8)));
	/* And back to where the test knows its way. */
	rig_write(rig, R_CR0, below(4) ? SMMUEN : 0);
	rig_set_up(rig);
	if (rig_info(rig).cr0 & SMMUEN && rig_read64(rig, R_STRTAB_BASE) != STRTAB) {
		rig_write(rig, R_CR0, 0);
		rig_set_up(rig);
	}
	rig_write(rig, R_CMDQ_CONS, rig_read(rig, R_CMDQ_PROD) & ((2u << CMDQ_BITS) - 1));
	rig_write(rig, R_EVENTQ_PROD, 0);
	rig_write(rig, R_EVENTQ_CONS, 0);
	rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
	rig_write(rig, R_STRTAB_BASE_CFG, STRTAB_BITS);
	rig_write(rig, R_CR0, on);
	recover(world);
}

static void plug(struct world *world)
{
	unsigned int i = below(STREAMS);

	if (world->there[i])
		user_end(&world->user[i]);
	else
		user_init(&world->user[i], &world->rig, i);
	world->there[i] = !world->there[i];
}

static void access_memory(struct world *world)
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int n = below(STREAMS);
		const uint8_t *hva;

		if (world->there[n])
			assert_int_not_equal(user_access(&world->user[n], any_iova(), 1 + below(3), &hva), -EAGAIN);
	}
	recover(world);
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

/* What is pinned is what can be reached, once. */
static void check_pins(struct world *world)
{
	static uint8_t pages[(ROM_GPA + ROM_BYTES) / PAGE];
	uint64_t reached = 0;

	memset(pages, 0, sizeof(pages));
	for (unsigned int i = 0; i < STREAMS; i++)
		if (world->there[i])
			viommu_smmuv3_device_each_run(world->user[i].device, 0, UINT64_MAX, mark, pages);
	for (size_t i = 0; i < sizeof(pages); i++)
		reached += pages[i];
	assert_int_equal(rig_pinned(&world->rig), reached);
}

static void check_iova(struct world *world, struct user *user, uint64_t iova, uint32_t access)
{
	struct viommu_smmuv3_device_info info = rig_device_info(user->device);
	const uint8_t *hva, *expected = NULL;
	uint64_t cd[8], gpa = 0;
	bool had;

	if (info.stream == VIOMMU_SMMUV3_STREAM_STAGE1) {
		for (unsigned int i = 0; i < 8; i++)
			cd[i] = rig_get(&world->rig, info.cd_gpa + 8 * i);
		if (tables_naive(&world->rig, cd, iova, access, &gpa))
			expected = rig_hva(&world->rig, gpa);
	} else if (info.stream == VIOMMU_SMMUV3_STREAM_BYPASS) {
		expected = iova < RAM_BYTES || access == VIOMMU_READ ? rig_hva(&world->rig, iova) : NULL;
	}
	had = user_has(user, iova, access, &hva);
	if (had)
		assert_ptr_equal(hva, expected);
	assert_int_equal(user_access(user, iova, access, &hva) == 0, expected != NULL);
	if (expected)
		assert_ptr_equal(hva, expected);
	world->checked++;
	world->reached += expected != NULL;
}

static void check(struct world *world)
{
	struct rig *rig = &world->rig;

	rig_command(rig, CFGI_ALL, 31);
	rig_command(rig, TLBI_ALL, 0);
	rig_command(rig, SYNC, 0);
	for (unsigned int i = 0; i < STREAMS; i++)
		for (unsigned int n = 0; world->there[i] && n < 16; n++)
			check_iova(world, &world->user[i], any_iova(), n & 1 ? VIOMMU_READ : VIOMMU_WRITE);
	recover(world);
}

static void test_random(void **state)
{
	static struct world world;

	(void)state;
	rig_up(&world.rig);
	for (unsigned int i = 0; i < STREAMS; i++) {
		user_init(&world.user[i], &world.rig, i);
		world.there[i] = true;
	}
	rig_enable(&world.rig);
	for (uint64_t step = 0; step < steps; step++) {
		unsigned int what = below(32);

		if (what < 12)
			write_tables(&world);
		else if (what < 14)
			write_descriptor(&world);
		else if (what < 16)
			write_entry(&world);
		else if (what < 24)
			send(&world);
		else if (what < 25)
			change_registers(&world);
		else if (what < 26)
			plug(&world);
		else if (what < 30)
			access_memory(&world);
		else
			check(&world);
		check_pins(&world);
	}
	print_message("seed %llu: %llu IOVAs compared, %llu of them reached\n", (unsigned long long)seeded, (unsigned long long)world.checked,
		      (unsigned long long)world.reached);
	assert_true(world.reached > steps / 128);
	for (unsigned int i = 0; i < STREAMS; i++)
		if (world.there[i])
			user_end(&world.user[i]);
	rig_down(&world.rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--steps"))
			steps = strtoull(argv[i + 1], NULL, 0);
	}
	seeded = seed;
	seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
