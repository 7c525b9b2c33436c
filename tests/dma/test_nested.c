/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest's own stage-1 tables beneath the host iommufd, walked by the machine's SMMUv3. Devices
 * must reach the reference's translation of the tables, within the guest's slots, and stale
 * translations end before an invalidation completes. The first argument is the random part's seed.
 */
#define _GNU_SOURCE
#include "nested_rig.h"

#include <endian.h>

#include "runner.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma/driver.h"

#define SOME_IOVA  UINT64_C(0x123456000)
#define MSI_WINDOW UINT64_C(0x8000000)

/*
 * edu's registers (QEMU, docs/specs/edu.rst): a write raises an interrupt with this reason, or
 * clears it.
 */
#define EDU_RAISE	0x60u
#define EDU_ACKNOWLEDGE 0x64u

static struct nested rig;

static int up(void **state)
{
	(void)state;
	nested_up(&rig, &nested_host_side);
	return 0;
}

static int down(void **state)
{
	(void)state;
	nested_down(&rig);
	return 0;
}

static void set(uint64_t iova, uint64_t leaf)
{
	context_set(&rig, &rig.context, iova, leaf);
}

static void told(uint64_t first, uint64_t bytes)
{
	nested_invalidate(&rig, first, first + bytes - 1);
}

static void data_lands_where_the_tables_say(void **state)
{
	const uint32_t pages[] = { 3, MAIN_PAGES - 1, MAIN_PAGES + 2, MAIN_PAGES + OTHER_PAGES + 5 };
	const uint64_t high = UINT64_C(0x7e1234567000);

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		set(SOME_IOVA + i * PAGE, leaf_of(pages[i], LEAF_WRITE));
		set(high + i * PAGE, leaf_of(pages[3 - i], i & 1 ? LEAF_READ : LEAF_WRITE));
	}
	context_set_block(&rig, &rig.context, 16 * MIB, LEAF_WRITE);
	for (unsigned int u = 0; u < UNITS; u++) {
		for (unsigned int i = 0; i < 4; i++) {
			expect(&rig, &rig.context, u, SOME_IOVA + i * PAGE);
			expect(&rig, &rig.context, u, high + i * PAGE);
		}
		expect(&rig, &rig.context, u, 16 * MIB + 99 * PAGE);
		expect_nothing(&rig, u, SOME_IOVA + 4 * PAGE);
		/* The tables do not map it, and an identity mapping has no memory there. */
		expect_nothing(&rig, u, rig.slot[SLOT_MAIN].first + 2 * MIB);
	}
}

static void changes_are_reached_once_invalidated(void **state)
{
	unsigned int stale = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		unsigned int unit = i & 1 ? NVME : SECOND_NVME;
		uint32_t reads, writes, from = 10 + i, to = 40 + i;

		set(SOME_IOVA, leaf_of(from, LEAF_WRITE));
		told(SOME_IOVA, PAGE);
		expect(&rig, &rig.context, unit, SOME_IOVA);
		set(SOME_IOVA, i % 3 ? leaf_of(to, LEAF_WRITE) : 0);
		probe(&rig, unit, SOME_IOVA, &reads, &writes);
		stale += reads == from;
		if (reads != from)
			assert_int_equal(reads, i % 3 ? to : NO_PAGE);
		if (writes != from)
			assert_int_equal(writes, i % 3 ? to : NO_PAGE);
		/*
		 * One page, a range of several pages, one of too many pages for single commands,
		 * everything.
		 */
		if (i % 4 == 0)
			told(SOME_IOVA, PAGE);
		else if (i % 4 == 1)
			told(SOME_IOVA - 30 * PAGE, 31 * PAGE);
		else if (i % 4 == 2)
			told(SOME_IOVA - 300 * PAGE, 400 * PAGE);
		else
			nested_invalidate(&rig, 0, UINT64_MAX);
		for (unsigned int u = NVME; u < UNITS; u++)
			expect(&rig, &rig.context, u, SOME_IOVA);
	}
	print_message("%u of 20 changes were not seen before the invalidation\n", stale);
}

static void faults_are_reported(void **state)
{
	(void)state;
	for (unsigned int u = 0; u < UNITS; u++) {
		uint64_t iova = SOME_IOVA + u * 16 * PAGE;

		set(iova, leaf_of(3, LEAF_READ));
		expect(&rig, &rig.context, u, iova);
		expect_event(&rig, u, F_PERMISSION, iova);
		expect_nothing(&rig, u, iova + PAGE);
		expect_event(&rig, u, F_TRANSLATION, iova + PAGE);
	}
}

/*
 * A transfer of the device alone, without others that exchange data. edu needs nothing in memory.
 */
static void edu_write(uint64_t iova)
{
	assert_int_equal(dma_write_to(rig.unit[EDU].dma, iova, 0), 0);
}

static uint64_t word_at(uint32_t page)
{
	return __atomic_load_n(gpa_word(&rig, leaf_of(page, 0) & UINT64_C(0xfffffffff000)), __ATOMIC_ACQUIRE);
}

static void set_word(uint32_t page, uint64_t word)
{
	__atomic_store_n(gpa_word(&rig, leaf_of(page, 0) & UINT64_C(0xfffffffff000)), word, __ATOMIC_SEQ_CST);
}

static void bad_contexts_block_accesses(void **state)
{
	uint64_t *cd = gpa_word(&rig, rig.context.cd), good = *cd, was = word_at(3);

	(void)state;
	set(SOME_IOVA, leaf_of(3, LEAF_WRITE));
	expect(&rig, &rig.context, EDU, SOME_IOVA);
	__atomic_store_n(cd, good & ~(UINT64_C(1) << 31), __ATOMIC_SEQ_CST);
	nested_invalidate_contexts(&rig);
	told(0, UINT64_C(1) << 48);
	edu_write(SOME_IOVA);
	assert_true(word_at(3) == was);
	expect_event(&rig, EDU, C_BAD_CD, SOME_IOVA);
	assert_true(word_at(3) == was);
	__atomic_store_n(cd, good, __ATOMIC_SEQ_CST);
	nested_invalidate_contexts(&rig);
	expect(&rig, &rig.context, EDU, SOME_IOVA);
}

static void expect_edu_writes(uint64_t iova, uint32_t page, bool reached)
{
	uint64_t was = word_at(page);

	set_word(page, 0x5555);
	edu_write(iova);
	assert_true((word_at(page) != 0x5555) == reached);
	set_word(page, was);
}

static void entries_without_tables(void **state)
{
	const uint64_t gpa = leaf_of(3, 0) & UINT64_C(0xfffffffff000);
	const uint64_t entries[3] = { 0x1 /* aborts */, 0x9 /* bypasses */, 0 /* invalid */ };
	struct host_device *edu = rig.unit[EDU].device;
	struct host_space *space;

	(void)state;
	set(SOME_IOVA, leaf_of(3, LEAF_WRITE));
	expect(&rig, &rig.context, EDU, SOME_IOVA);
	assert_int_equal(rig.ops->detach(rig.space, edu, VIOMMU_NO_PASID), 0);
	expect_edu_writes(SOME_IOVA, 3, false);
	expect_edu_writes(gpa, 3, false);
	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t ste[2] = { htole64(entries[i]) };
		const struct host_nest_data data = { .type = VIOMMU_DOMAIN_SMMUV3, .bytes = sizeof(ste), .data = ste };

		assert_int_equal(rig.ops->nest_create(rig.host, rig.guest, &data, &rig.memory, &space), 0);
		assert_int_equal(rig.ops->attach(space, edu, VIOMMU_NO_PASID), 0);
		expect_edu_writes(SOME_IOVA, 3, false);
		expect_edu_writes(gpa, 3, i == 1);
		assert_int_equal(rig.ops->detach(space, edu, VIOMMU_NO_PASID), 0);
		expect_edu_writes(gpa, 3, false);
		rig.ops->space_destroy(space);
	}
	assert_int_equal(rig.ops->attach(rig.space, edu, VIOMMU_NO_PASID), 0);
	expect(&rig, &rig.context, EDU, SOME_IOVA);
}

/*
 * Removed slots become unreachable without an invalidation by the guest. Added slots become
 * reachable.
 */
static void slots_come_and_go(void **state)
{
	const uint32_t visiting = MAIN_PAGES + OTHER_PAGES + 1;

	(void)state;
	set(SOME_IOVA, leaf_of(visiting, LEAF_WRITE));
	set(SOME_IOVA + PAGE, leaf_of(3, LEAF_WRITE));
	for (unsigned int i = 0; i < 10; i++) {
		unsigned int unit = i == 0 ? EDU : i & 1 ? NVME : SECOND_NVME;

		expect(&rig, &rig.context, unit, SOME_IOVA);
		nested_hide(&rig, SLOT_VISITING);
		expect_nothing(&rig, unit, SOME_IOVA);
		expect(&rig, &rig.context, unit, SOME_IOVA + PAGE);
		nested_show(&rig, SLOT_VISITING);
	}
}

/*
 * An interrupt is a write to the window that the kernel reserves. It passes if the guest's tables
 * map it.
 */
static void interrupts_pass_if_tables_map_them(void **state)
{
	const int event = dma_event(rig.ops->device_fd(rig.unit[EDU].device), VFIO_PCI_MSI_IRQ_INDEX);
	struct pollfd readable = { .fd = event, .events = POLLIN };
	eventfd_t number;

	(void)state;
	assert_true(event >= 0);
	for (unsigned int mapped = 0; mapped < 3; mapped++) {
		for (uint64_t page = 0; page < 16; page++)
			set(MSI_WINDOW + page * PAGE, mapped & 1 ? leaf_to(MSI_WINDOW + page * PAGE, LEAF_WRITE) : 0);
		told(MSI_WINDOW, 16 * PAGE);
		forget_events(&rig);
		assert_int_equal(dma_store32(rig.unit[EDU].dma, EDU_RAISE, 1), 0);
		if (mapped & 1) {
			assert_int_equal(poll(&readable, 1, 20000), 1);
			assert_int_equal(eventfd_read(event, &number), 0);
		} else {
			assert_true(event_arrives(&rig, EDU, F_TRANSLATION, MSI_WINDOW));
			assert_int_equal(poll(&readable, 1, 0), 0);
		}
		assert_int_equal(dma_store32(rig.unit[EDU].dma, EDU_ACKNOWLEDGE, 1), 0);
	}
	close(event);
}

/*
 * The guest changes the tables in its context descriptor while a device writes. After the
 * invalidation, the device does not write the old tables' pages.
 */
static void contexts_change_while_dma_runs(void **state)
{
	const uint64_t untouched = UINT64_C(0x1234567812345678);
	struct runner runner;
	struct context other;

	(void)state;
	context_new(&rig, &other, 7);
	set(SOME_IOVA, leaf_of(3, LEAF_WRITE));
	context_set(&rig, &other, SOME_IOVA, leaf_of(4, LEAF_WRITE));
	runner_start(&runner, rig.unit[NVME].dma, SOME_IOVA);
	for (unsigned int i = 0; i < 60; i++) {
		const uint32_t now = i & 1 ? 3 : 4, before = i & 1 ? 4 : 3;

		__atomic_store_n(gpa_word(&rig, rig.context.cd + 8), i & 1 ? rig.context.ttb : other.ttb, __ATOMIC_SEQ_CST);
		nested_invalidate_contexts(&rig);
		told(0, UINT64_C(1) << 48);
		/* A transfer in progress may still end in the old page. */
		runner_await(&runner);
		set_word(3, untouched);
		set_word(4, untouched);
		runner_await(&runner);
		assert_true(word_at(now) != untouched);
		assert_true(word_at(before) == untouched);
	}
	runner_stop(&runner);
	/* An even number of changes restores the old state. */
	set_word(3, UINT64_C(0x6e756d6265720000) + 3);
	set_word(4, UINT64_C(0x6e756d6265720000) + 4);
	expect(&rig, &rig.context, NVME, SOME_IOVA);
}

/*
 * Random changes. For each IOVA the test keeps the leaf's values since the last invalidation. Any
 * of them may be reached.
 */
#define IOVAS	   24u
#define STATES	   6u
#define OPERATIONS 600u

static struct {
	struct reached said[STATES];
	unsigned int number;
} history[IOVAS];
static uint64_t seed = 1, draws;

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

/* In three tables of leaves, some of them adjacent. */
static uint64_t iova_of(unsigned int i)
{
	static const uint64_t bases[] = { UINT64_C(0x123450000), UINT64_C(0x7000000ff000), 34 * MIB };

	return bases[i % 3] + i / 3 * PAGE;
}

static void invalidate_at_random(void)
{
	unsigned int i = below(IOVAS), how = below(8);
	uint64_t first = iova_of(i), last = first + (1 + below(3)) * PAGE - 1;

	if (how == 0)
		last = first + 500 * PAGE - 1;
	if (how == 1)
		first = 0, last = UINT64_MAX;
	nested_invalidate(&rig, first, last);
	for (i = 0; i < IOVAS; i++)
		if (iova_of(i) >= first && iova_of(i) <= last) {
			history[i].said[0] = context_says(&rig, &rig.context, iova_of(i));
			history[i].number = 1;
		}
}

static void change_at_random(void)
{
	unsigned int i = below(IOVAS);

	if (history[i].number == STATES)
		return;
	set(iova_of(i), below(4) ? leaf_of(below(4) ? below(8) : MAIN_PAGES + below(2 * OTHER_PAGES), below(3) ? LEAF_WRITE : LEAF_READ) : 0);
	history[i].said[history[i].number++] = context_says(&rig, &rig.context, iova_of(i));
}

static void probe_at_random(void)
{
	unsigned int i = below(IOVAS), unit = below(2) ? NVME : SECOND_NVME;
	bool read_right = false, write_right = false;
	uint32_t reads, writes;

	probe(&rig, unit, iova_of(i), &reads, &writes);
	for (unsigned int n = 0; n < history[i].number; n++) {
		struct reached said = beneath(&rig, history[i].said[n]);

		read_right |= reads == said.page;
		write_right |= writes == (said.writable ? said.page : NO_PAGE);
	}
	if (!read_right || !write_right)
		fail_msg("unit %u at %#llx reads page %d and writes page %d, which it has not led to", unit, (unsigned long long)iova_of(i), (int)reads,
			 (int)writes);
}

static void at_random(void **state)
{
	(void)state;
	draws = seed;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < IOVAS; i++) {
		history[i].said[0] = (struct reached){ .page = NO_PAGE };
		history[i].number = 1;
	}
	for (unsigned int operation = 0; operation < OPERATIONS; operation++) {
		unsigned int what = below(16);

		if (what < 8)
			change_at_random();
		else if (what < 13)
			invalidate_at_random();
		else if (what < 15)
			probe_at_random();
		else if (rig.shown[SLOT_VISITING])
			nested_hide(&rig, SLOT_VISITING);
		else
			nested_show(&rig, SLOT_VISITING);
		probe_at_random();
		forget_events(&rig);
	}
	if (!rig.shown[SLOT_VISITING])
		nested_show(&rig, SLOT_VISITING);
	nested_invalidate(&rig, 0, UINT64_MAX);
	for (unsigned int i = 0; i < IOVAS; i++)
		expect(&rig, &rig.context, NVME, iova_of(i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(data_lands_where_the_tables_say),
		TEST(changes_are_reached_once_invalidated),
		TEST(faults_are_reported),
		TEST(bad_contexts_block_accesses),
		TEST(entries_without_tables),
		TEST(slots_come_and_go),
		TEST(interrupts_pass_if_tables_map_them),
		TEST(contexts_change_while_dma_runs),
		TEST(at_random),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (!nested_is_possible())
		return 77;
	return cmocka_run_group_tests_name("a guest's own tables", tests, NULL, NULL);
}
