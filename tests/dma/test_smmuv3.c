/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All of the library by DMA: a guest's SMMUv3 whose streams the machine's own SMMUv3 walks, and one
 * stream on the same host that the library shadows. Devices must reach the reference's translation
 * of the guest's tables. Stale translations end before a CMD_SYNC is passed. Stopped accesses are
 * in the guest's event queue. The first argument is the random part's seed.
 */
#define _GNU_SOURCE
#include "nested_guest.h"
#include "runner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SOME_IOVA UINT64_C(0x123456000)
#define RNW	  (UINT64_C(1) << 35)

static struct nested rig;
static uint64_t seed = 1, draws;

static int up(void **state)
{
	(void)state;
	nested_up(&rig, &nested_guest_side);
	return 0;
}

static int up_with_a_shadow(void **state)
{
	guest_nesting[SECOND_NVME] = VIOMMU_NESTING_SHADOW;
	return up(state);
}

static int down(void **state)
{
	(void)state;
	nested_down(&rig);
	guest_nesting[SECOND_NVME] = VIOMMU_NESTING_AUTO;
	return 0;
}

static void set(uint64_t iova, uint64_t leaf)
{
	context_set(&rig, &rig.context, iova, leaf);
}

static void told(uint64_t iova)
{
	guest_queue(&rig, TLBI_VA(rig.context.asid), iova | TG_4K_TTL_3);
	guest_sync(&rig);
}

static void data_lands_where_the_tables_say(void **state)
{
	const uint32_t pages[] = { 3, MAIN_PAGES - 1, MAIN_PAGES + 2, MAIN_PAGES + OTHER_PAGES + 5 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		set(SOME_IOVA + i * PAGE, leaf_of(pages[i], i & 1 ? LEAF_READ : LEAF_WRITE));
	context_set_block(&rig, &rig.context, 16 * MIB, LEAF_WRITE);
	for (unsigned int u = 0; u < UNITS; u++) {
		for (unsigned int i = 0; i < 4; i++)
			expect(&rig, &rig.context, u, SOME_IOVA + i * PAGE);
		expect(&rig, &rig.context, u, 16 * MIB + 99 * PAGE);
		expect_nothing(&rig, u, SOME_IOVA + 4 * PAGE);
	}
}

static void changes_are_reached_once_invalidated(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 24; i++) {
		const uint64_t commands[][2] = {
			{ TLBI_VA(rig.context.asid), SOME_IOVA },
			{ TLBI_VA(rig.context.asid), SOME_IOVA | TG_4K_TTL_3 },
			{ TLBI_VA(rig.context.asid) | TLBI_PAGES(32), (SOME_IOVA - 31 * PAGE) | TG_4K_TTL_3 },
			{ TLBI_VAA, SOME_IOVA },
			{ TLBI_ASID(rig.context.asid), 0 },
			{ TLBI_ALL, 0 },
		};
		unsigned int unit = i & 1 ? NVME : SECOND_NVME;
		uint32_t reads, writes;

		set(SOME_IOVA, leaf_of(10 + i, LEAF_WRITE));
		told(SOME_IOVA);
		expect(&rig, &rig.context, unit, SOME_IOVA);
		set(SOME_IOVA, i % 3 ? leaf_of(40 + i, LEAF_WRITE) : 0);
		/* It may be stale until the guest has waited for its command. */
		probe(&rig, unit, SOME_IOVA, &reads, &writes);
		if (reads != 10 + i)
			assert_int_equal(reads, i % 3 ? 40 + i : NO_PAGE);
		guest_queue(&rig, commands[i % 6][0], commands[i % 6][1]);
		guest_sync(&rig);
		for (unsigned int u = NVME; u < UNITS; u++)
			expect(&rig, &rig.context, u, SOME_IOVA);
	}
}

static void faults_are_events_of_the_guest(void **state)
{
	uint64_t record[4];

	(void)state;
	for (unsigned int u = 0; u < UNITS; u++) {
		uint64_t iova = SOME_IOVA + u * 16 * PAGE;

		set(iova, leaf_of(3, LEAF_READ));
		expect(&rig, &rig.context, u, iova);
		expect_event(&rig, u, F_PERMISSION, iova);
		expect_nothing(&rig, u, iova + PAGE);
		expect_event(&rig, u, F_TRANSLATION, iova + PAGE);
	}
	/* A read, compared with its event. */
	forget_events(&rig);
	dma_read_from(rig.unit[EDU].dma, SOME_IOVA + 200 * PAGE, 0);
	assert_int_equal(rig.side->event(&rig, record, true), 0);
	assert_int_equal(record[0], (uint64_t)rig.unit[EDU].stream << 32 | F_TRANSLATION);
	assert_int_equal(record[1] & RNW, RNW);
	assert_int_equal(record[2] & ~(PAGE - 1), SOME_IOVA + 200 * PAGE);
}

static void bad_descriptors_block_accesses(void **state)
{
	uint64_t good = *gpa_word(&rig, rig.context.cd);

	(void)state;
	set(SOME_IOVA, leaf_of(3, LEAF_WRITE));
	expect(&rig, &rig.context, EDU, SOME_IOVA);
	guest_store(&rig, rig.context.cd, good & ~(UINT64_C(1) << 31));
	guest_queue(&rig, CFGI_CD(rig.unit[EDU].stream), 1);
	guest_queue(&rig, TLBI_ALL, 0);
	guest_sync(&rig);
	expect_event(&rig, EDU, C_BAD_CD, SOME_IOVA);
	guest_store(&rig, rig.context.cd, good);
	guest_queue(&rig, CFGI_CD(rig.unit[EDU].stream), 1);
	guest_sync(&rig);
	expect(&rig, &rig.context, EDU, SOME_IOVA);
}

static void slots_come_and_go(void **state)
{
	const uint32_t visiting = MAIN_PAGES + OTHER_PAGES + 1;

	(void)state;
	set(SOME_IOVA, leaf_of(visiting, LEAF_WRITE));
	set(SOME_IOVA + PAGE, leaf_of(3, LEAF_WRITE));
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int unit = i & 1 ? NVME : SECOND_NVME;

		expect(&rig, &rig.context, unit, SOME_IOVA);
		nested_hide(&rig, SLOT_VISITING);
		expect_nothing(&rig, unit, SOME_IOVA);
		expect(&rig, &rig.context, unit, SOME_IOVA + PAGE);
		nested_show(&rig, SLOT_VISITING);
	}
}

/* In the page of each unit. */
static void start(struct runner *runner, unsigned int unit)
{
	runner_start(runner, rig.unit[unit].dma, SOME_IOVA + unit * PAGE);
}

static uint64_t *word_of(uint32_t page)
{
	return gpa_word(&rig, leaf_of(page, 0) & UINT64_C(0xfffffffff000));
}

/* The running device writes one of two pages and not the other; neither if it is NO_PAGE. */
static void expect_running(const struct runner *runner, uint32_t writes, uint32_t one, uint32_t other)
{
	const uint64_t untouched = UINT64_C(0x1234567812345678);

	/* A transfer in progress may still end in the old page. */
	runner_await(runner);
	__atomic_store_n(word_of(one), untouched, __ATOMIC_SEQ_CST);
	__atomic_store_n(word_of(other), untouched, __ATOMIC_SEQ_CST);
	runner_await(runner);
	assert_int_equal(__atomic_load_n(word_of(one), __ATOMIC_SEQ_CST) != untouched, writes == one);
	assert_int_equal(__atomic_load_n(word_of(other), __ATOMIC_SEQ_CST) != untouched, writes == other);
}

static void number_again(uint32_t page)
{
	guest_store(&rig, leaf_of(page, 0) & UINT64_C(0xfffffffff000), UINT64_C(0x6e756d6265720000) + page);
}

/* The entry's root changes while an NVMe writes without a pause. */
static void roots_change_while_dma_runs(void **state)
{
	struct runner runner;
	struct context other;

	(void)state;
	context_new(&rig, &other, rig.context.asid);
	context_set(&rig, &rig.context, SOME_IOVA + NVME * PAGE, leaf_of(3, LEAF_WRITE));
	context_set(&rig, &other, SOME_IOVA + NVME * PAGE, leaf_of(4, LEAF_WRITE));
	start(&runner, NVME);
	for (unsigned int i = 0; i < 40; i++) {
		guest_store(&rig, rig.context.cd + 8, i & 1 ? rig.context.ttb : other.ttb);
		guest_queue(&rig, CFGI_CD(rig.unit[NVME].stream), 1);
		guest_queue(&rig, TLBI_ASID(rig.context.asid), 0);
		guest_sync(&rig);
		expect_running(&runner, i & 1 ? 3 : 4, 3, 4);
	}
	runner_stop(&runner);
	number_again(3);
	number_again(4);
	expect(&rig, &rig.context, NVME, SOME_IOVA + NVME * PAGE);
}

/*
 * A stream changes to bypass, to abort, to another context and back while its device writes and
 * another stream's device writes as well. The devices are an edu, which has no memory of its own,
 * and an NVMe.
 */
static void streams_change_while_dma_runs(void **state)
{
	const uint64_t iova = SOME_IOVA + EDU * PAGE;
	const uint32_t stream = rig.unit[EDU].stream;
	struct runner edu, nvme;
	struct context other;

	(void)state;
	context_new(&rig, &other, 9);
	set(iova, leaf_of(3, LEAF_WRITE));
	context_set(&rig, &other, iova, leaf_of(4, LEAF_WRITE));
	set(SOME_IOVA + NVME * PAGE, leaf_of(5, LEAF_WRITE));
	start(&edu, EDU);
	start(&nvme, NVME);
	for (unsigned int i = 0; i < 10; i++) {
		switch (i % 5) {
		case 0:
			guest_entry_context(&rig, stream, &other);
			break;
		case 1:
			guest_entry(&rig, stream, GUEST_ABORT, 0);
			break;
		case 3:
			guest_entry(&rig, stream, GUEST_BYPASS, 0);
			break;
		default:
			guest_entry_context(&rig, stream, &rig.context);
			break;
		}
		guest_queue(&rig, CFGI_STE(stream), 1);
		guest_sync(&rig);
		expect_running(&edu, i % 5 == 0 ? 4 : i % 5 == 2 || i % 5 == 4 ? 3 : NO_PAGE, 3, 4);
		runner_await(&nvme);
	}
	runner_stop(&edu);
	runner_stop(&nvme);
	for (uint32_t page = 3; page < 6; page++)
		number_again(page);
	/* In bypass it reaches guest memory at the same addresses. */
	guest_entry(&rig, stream, GUEST_BYPASS, 0);
	guest_queue(&rig, CFGI_STE(stream), 1);
	guest_sync(&rig);
	dma_write_to(rig.unit[EDU].dma, leaf_of(7, 0) & UINT64_C(0xfffffffff000), 0);
	assert_true(*word_of(7) != UINT64_C(0x6e756d6265720000) + 7);
	number_again(7);
}

/*
 * A stream moves from one context to another. Both map all of its NVMe's memory, so that no access
 * may fail. The next transfer begins at some time during the move. An NVMe that loses its queues
 * once stops for good.
 */
static void no_access_is_lost_between_two(void **state)
{
	const uint64_t iova = SOME_IOVA + NVME * PAGE;
	const uint32_t stream = rig.unit[NVME].stream;
	struct runner runner;
	struct context other;
	uint64_t record[4];

	(void)state;
	context_new(&rig, &other, 9);
	set(iova, leaf_of(3, LEAF_WRITE));
	context_set(&rig, &other, iova, leaf_of(4, LEAF_WRITE));
	start(&runner, NVME);
	for (unsigned int i = 0; i < 100; i++) {
		guest_entry_context(&rig, stream, i & 1 ? &rig.context : &other);
		guest_queue(&rig, CFGI_STE(stream), 1);
		guest_sync(&rig);
		if (i % 10 == 9)
			expect_running(&runner, 3, 3, 4);
	}
	runner_stop(&runner);
	number_again(3);
	number_again(4);
	expect(&rig, &rig.context, NVME, iova);
	assert_int_equal(rig.side->event(&rig, record, true), -ENOENT);
}

/* Both in bypass: the hardware handles one, the library the other. */
static void bypass_of_both(void **state)
{
	const uint64_t gpa = leaf_of(7, 0) & UINT64_C(0xfffffffff000);
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	(void)state;
	/* The shadow's device first. */
	for (unsigned int u = UNITS; --u >= NVME;) {
		guest_entry(&rig, rig.unit[u].stream, GUEST_BYPASS, 0);
		guest_queue(&rig, CFGI_STE(rig.unit[u].stream), 1);
	}
	guest_sync(&rig);
	for (unsigned int u = NVME; u < UNITS; u++) {
		viommu_smmuv3_device_info(rig.unit[u].behind, &info);
		assert_int_equal(info.sharing, 1);
		assert_int_equal(info.stream, VIOMMU_SMMUV3_STREAM_BYPASS);
		guest_entry_context(&rig, rig.unit[u].stream, &rig.context);
		guest_queue(&rig, CFGI_STE(rig.unit[u].stream), 1);
	}
	guest_sync(&rig);
	set(SOME_IOVA, gpa | leaf_of(0, LEAF_WRITE) % PAGE);
	told(SOME_IOVA);
	for (unsigned int u = NVME; u < UNITS; u++) {
		assert_int_equal(dma_restart(rig.unit[u].dma), 0);
		expect(&rig, &rig.context, u, SOME_IOVA);
	}
}

static uint64_t draw(void)
{
	uint64_t z = draws += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned int below(unsigned int bound)
{
	return (unsigned int)(draw() % bound);
}

#define IOVAS	   24u
#define OPERATIONS 2500u

/* In three tables of leaves, some of them adjacent. */
static uint64_t iova_of(unsigned int i)
{
	static const uint64_t bases[] = { UINT64_C(0x123450000), UINT64_C(0x7000000ff000), 34 * MIB };

	return bases[i % 3] + i / 3 * PAGE;
}

/*
 * After each operation, the hardware's device and the shadow's device reach the reference's
 * translation.
 */
static void hardware_and_shadow_agree(void **state)
{
	uint64_t changed;

	(void)state;
	draws = seed;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned int operation = 0; operation < OPERATIONS; operation++) {
		for (unsigned int i = 1 + below(3); i; i--) {
			changed = iova_of(below(IOVAS));
			set(changed, below(4) ? leaf_of(below(4) ? below(8) : MAIN_PAGES + below(2 * OTHER_PAGES), below(3) ? LEAF_WRITE : LEAF_READ) : 0);
			if (below(8))
				guest_queue(&rig, TLBI_VA(rig.context.asid), changed | TG_4K_TTL_3);
			else if (below(2))
				guest_queue(&rig, TLBI_VAA, changed);
			else
				guest_queue(&rig, TLBI_ALL, 0);
		}
		guest_sync(&rig);
		if (!below(32)) {
			if (rig.shown[SLOT_VISITING])
				nested_hide(&rig, SLOT_VISITING);
			else
				nested_show(&rig, SLOT_VISITING);
			/* A shadow is refreshed by invalidations only. */
			guest_queue(&rig, TLBI_ALL, 0);
			guest_sync(&rig);
		}
		expect(&rig, &rig.context, NVME, changed);
		expect(&rig, &rig.context, SECOND_NVME, changed);
		forget_events(&rig);
	}
	if (!rig.shown[SLOT_VISITING])
		nested_show(&rig, SLOT_VISITING);
	guest_queue(&rig, TLBI_ALL, 0);
	guest_sync(&rig);
	for (unsigned int i = 0; i < IOVAS; i++)
		for (unsigned int u = NVME; u < UNITS; u++)
			expect(&rig, &rig.context, u, iova_of(i));
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, up, down)
#define SHADOWS(name) cmocka_unit_test_setup_teardown(name, up_with_a_shadow, down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(data_lands_where_the_tables_say),
		TEST(changes_are_reached_once_invalidated),
		TEST(faults_are_events_of_the_guest),
		TEST(bad_descriptors_block_accesses),
		TEST(slots_come_and_go),
		TEST(roots_change_while_dma_runs),
		TEST(streams_change_while_dma_runs),
		TEST(no_access_is_lost_between_two),
		SHADOWS(bypass_of_both),
		SHADOWS(hardware_and_shadow_agree),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (!nested_is_possible())
		return 77;
	return cmocka_run_group_tests_name("a guest's SMMUv3, in hardware", tests, NULL, NULL);
}
