/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A refresh of one page goes a short way where it can. Its results are those of the long way: two
 * guests do the same at random, one of them with a tracker, with which each refresh is a pass.
 * After each refresh the answers, the figures, the host's calls and what it has mapped are the
 * same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

#define ROUNDS 20000u
#define TABLES 3u  /* of leaves, 256 pages each */
#define FRAMES 24u /* in memory, and as many beyond it */
#define BUDGET 20u /* pages, at times */

struct pair {
	struct fake_tracker tracker;
	struct rig rig[2];
	uint64_t random;
};

static unsigned int any(struct pair *pair, unsigned int number)
{
	pair->random ^= pair->random << 13;
	pair->random ^= pair->random >> 7;
	pair->random ^= pair->random << 17;
	return (unsigned int)(pair->random >> 16) % number;
}

static void begin(struct pair *pair, uint32_t pin, uint64_t seed)
{
	memset(pair, 0, sizeof(*pair));
	pair->random = seed;
	fake_tracker_init(&pair->tracker);
	for (unsigned int i = 0; i < 2; i++) {
		struct rig_options options = { .config = VIOMMU_VM_CONFIG_INIT, .mock = { .split = true }, .guest_bytes = 4 * MIB };

		options.config.pin = pin;
		options.fake = i ? &pair->tracker : NULL;
		rig_begin(&pair->rig[i], &options);
		for (unsigned int table = 0; table < TABLES; table++)
			tables_map(&pair->rig[i].tables, PBA + table * MIB, 2, 0, VIOMMU_RW);
		rig_domain(&pair->rig[i]);
	}
}

static void end(struct pair *pair)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct rig *rig = &pair->rig[i];

		mock_fail(rig->mock, MOCK_UNMAP, 0, false, 0);
		mock_fail(rig->mock, MOCK_FLUSH, 0, false, 0);
		/* With that, nothing is pinned for the whole guest. */
		assert_int_equal(guest_hide(&rig->guest, &rig->guest.area[0]), 0);
		rig_end(rig);
	}
	fake_tracker_end(&pair->tracker);
}

static void set(struct pair *pair, uint64_t iova, unsigned int level, uint64_t entry)
{
	for (unsigned int i = 0; i < 2; i++)
		tables_set(&pair->rig[i].tables, iova, level, entry);
}

static uint64_t higher(struct pair *pair, uint64_t entry)
{
	switch (any(pair, 6)) {
	case 0:
		return STE_INVALID;
	case 1:
		return entry | 0x4; /* of another type */
	case 2:
		return STE_FRAME;
	default:
		return entry | PROTECTED;
	}
}

static uint64_t leaf(struct pair *pair)
{
	uint64_t frame = any(pair, FRAMES) * PAGE;

	switch (any(pair, 8)) {
	case 0:
	case 1:
	case 2:
		return frame | PTE_INVALID;
	case 3:
		return frame | PROTECTED;
	case 4:
		return 4 * MIB + frame; /* beyond memory */
	default:
		return frame;
	}
}

static void disturb(struct pair *pair)
{
	uint64_t budget = any(pair, 2) ? BUDGET * PAGE : VIOMMU_NO_LIMIT;
	unsigned int what = any(pair, 4);
	int error = any(pair, 2) ? ENOSPC : EIO;

	for (unsigned int i = 0; i < 2; i++) {
		struct mock_host *mock = pair->rig[i].mock;

		if (what == 0)
			viommu_vm_set_pin_budget(pair->rig[i].guest.vm, budget);
		else if (what == 1)
			mock_fail(mock, MOCK_MAP, 1, false, error);
		else
			mock_fail(mock, what == 2 ? MOCK_UNMAP : MOCK_FLUSH, 1, false, EIO);
	}
}

static void compare_mappings(const struct pair *pair)
{
	const struct mock_list *list[2] = { &pair->rig[0].subject.space->mapped, &pair->rig[1].subject.space->mapped };

	assert_int_equal(list[0]->number, list[1]->number);
	for (size_t i = 0; i < list[0]->number; i++) {
		assert_int_equal(list[0]->mapping[i].first, list[1]->mapping[i].first);
		assert_int_equal(list[0]->mapping[i].last, list[1]->mapping[i].last);
		assert_int_equal(list[0]->mapping[i].gpa, list[1]->mapping[i].gpa);
		assert_int_equal(list[0]->mapping[i].prot, list[1]->mapping[i].prot);
	}
	assert_int_equal(guest_pinned(&pair->rig[0].guest), guest_pinned(&pair->rig[1].guest));
}

/* The figures of one refresh. */
static struct viommu_domain_stats since(struct viommu_domain_stats now, const struct viommu_domain_stats *before)
{
	now.refreshes -= before->refreshes;
	now.steps -= before->steps;
	now.established -= before->established;
	now.released -= before->released;
	now.insufficient -= before->insufficient;
	now.faults -= before->faults;
	now.unbacked -= before->unbacked;
	now.host_maps -= before->host_maps;
	now.host_unmaps -= before->host_unmaps;
	now.host_flushes -= before->host_flushes;
	now.host_splits -= before->host_splits;
	now.entries -= before->entries;
	now.shadow_bytes = 0;
	now.tracked = 0;
	now.tracked_tables = 0;
	return now;
}

static void refresh(struct pair *pair, uint64_t iova, uint64_t pages)
{
	struct viommu_refresh_result result[2];
	struct viommu_domain_stats stats[2];
	uint64_t calls[2][MOCK_CALLS];
	int error[2];

	for (unsigned int i = 0; i < 2; i++) {
		const struct viommu_domain_stats before = rig_stats(&pair->rig[i]);

		memset(&result[i], 0xaa, sizeof(result[i]));
		memcpy(calls[i], pair->rig[i].mock->calls, sizeof(calls[i]));
		error[i] = rig_refresh(&pair->rig[i], iova, pages, &result[i]);
		for (unsigned int call = 0; call < MOCK_CALLS; call++)
			calls[i][call] = pair->rig[i].mock->calls[call] - calls[i][call];
		stats[i] = since(rig_stats(&pair->rig[i]), &before);
	}
	assert_int_equal(error[0], error[1]);
	compare_mappings(pair);
	assert_memory_equal(&result[0], &result[1], sizeof(result[0]));
	assert_memory_equal(&stats[0], &stats[1], sizeof(stats[0]));
	assert_memory_equal(calls[0], calls[1], sizeof(calls[0]));
}

static void run(uint32_t pin, uint64_t seed)
{
	uint64_t iova = PBA, odd = PBA, link = 0;
	struct pair pair;

	begin(&pair, pin, seed);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (!any(&pair, 4))
			iova = PBA + any(&pair, TABLES) * MIB + any(&pair, 256) * PAGE;
		/* Beneath such an entry there is no leaf to be set. */
		if (any(&pair, 8) && !(link && (iova ^ odd) < MIB))
			set(&pair, iova, 0, leaf(&pair));
		if (!any(&pair, 16))
			disturb(&pair);
		/* An entry of the segment table is another one for a while. */
		if (link && !any(&pair, 6)) {
			set(&pair, odd, 1, link);
			link = 0;
			refresh(&pair, odd & ~(MIB - 1), any(&pair, 2) ? 256 : 1);
		} else if (!link && !any(&pair, 32)) {
			odd = iova;
			link = guest_load(&pair.rig[0].guest, tables_entry(&pair.rig[0].tables, iova, 1));
			set(&pair, odd, 1, higher(&pair, link));
		}
		refresh(&pair, iova, any(&pair, 16) ? 1 : 1 + any(&pair, 40));
	}
	end(&pair);
}

static void test_pinned_on_refresh(void **state)
{
	(void)state;
	run(VIOMMU_PIN_ON_REFRESH, 1);
}

static void test_pinned_guest(void **state)
{
	(void)state;
	run(VIOMMU_PIN_GUEST, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinned_on_refresh),
		cmocka_unit_test(test_pinned_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
