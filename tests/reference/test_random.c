/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library against the reference, on random operations of a hostile guest. One trial is one VM: its tables are written at random, ranges are refreshed, slots,
 * domains and attachments come and go, and after every operation
 *
 *  - each domain translates exactly what the model says, or, where resources were short, each page of the refreshed range is as the tables say or absent;
 *  - what is charged is 4096 bytes for each page that any domain names, counted once (or all slots, if the guest is pinned);
 *  - what a refresh says that it did is what was done, and its fault is the malformed entry with the lowest IOVA;
 *  - "insufficient resources" is said only if something does not fit: never on an exact fit;
 *
 * and at the end nothing is left charged or allocated. Readers and viommu_domain_walk() are asked at random IOVAs, and must agree as well.
 *
 * Trials of an odd seed have a tracker (viommu/tracking.h), and must come to the same.
 *
 * Seeds are fixed: a run is the same each time. On disagreement, the seed, the operation and what it was are printed; --seed does that trial alone.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trial.h"

#define TRIAL_OPERATIONS 1000

static const struct mode modes[] = {
	{ "ample", 8, VIOMMU_PIN_ON_REFRESH, false, false, false, false, false, false },
	{ "pinned_guest", 8, VIOMMU_PIN_GUEST, true, false, false, false, false, false },
	{ "budgets", 4, VIOMMU_PIN_ON_REFRESH, true, false, false, false, false, false },
	{ "limits", 10, VIOMMU_PIN_ON_REFRESH, true, true, false, false, false, false },
	{ "qemu", 6, VIOMMU_PIN_ON_REFRESH, false, false, true, false, false, false },
	{ "whole", 4, VIOMMU_PIN_ON_REFRESH, true, false, false, true, false, false },
	{ "whole_pinned", 4, VIOMMU_PIN_GUEST, false, false, false, true, false, false },
	{ "entries", 4, VIOMMU_PIN_ON_REFRESH, false, false, false, true, true, false },
	{ "failing", 4, VIOMMU_PIN_ON_REFRESH, false, false, false, true, false, true },
	{ "hostile", 25, VIOMMU_PIN_ON_REFRESH, false, false, false, false, false, false },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static void add_slot(struct trial *trial, struct world_place *place)
{
	struct viommu_slot slot = { .size = sizeof(slot), .fd = -1 };
	int should = 0;
	int rc;

	world_choose_slot(&trial->world, place);
	slot.gpa = place->slot_gpa;
	slot.bytes = place->slot_bytes;
	slot.hva = place->memory + (place->slot_gpa - place->gpa);
	slot.prot = place->writable ? VIOMMU_RW : VIOMMU_READ;
	trial_doing(trial, "add slot %#" PRIx64 ", %" PRIu64 " bytes, %s", slot.gpa, slot.bytes, place->writable ? "rw" : "r");
	if (trial->mode->pin == VIOMMU_PIN_GUEST && trial_guest_bytes(trial) + slot.bytes > trial->budget)
		should = -EDQUOT;
	rc = viommu_slot_add(trial->vm, &slot);
	if (rc != should)
		trial_disagree(trial, "returned %d, should be %d", rc, should);
	if (rc)
		return;
	world_show(&trial->world, place, true);
	rc = viommu_slot_add(trial->vm, &slot);
	if (rc != -EEXIST)
		trial_disagree(trial, "a second time: returned %d, should be -EEXIST", rc);
	trial->stale = true;
	trial_seen.slots++;
}

static void remove_slot(struct trial *trial, struct world_place *place)
{
	int rc;

	trial_doing(trial, "remove slot %#" PRIx64 ", %" PRIu64 " bytes", place->slot_gpa, place->slot_bytes);
	rc = viommu_slot_remove(trial->vm, place->slot_gpa);
	if (rc)
		trial_disagree(trial, "returned %d", rc);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		model_drop(&trial->subject[s].model, place->slot_gpa, place->slot_bytes);
	/* A mapping that went on into another slot was taken apart, and the host may have had no entry for the rest. */
	for (unsigned int s = 0; trial->mode->entries && s < SUBJECTS; s++)
		if (trial->subject[s].domain)
			trial_adopt(trial, s, 1, 0);
	world_show(&trial->world, place, false);
	rc = viommu_slot_remove(trial->vm, place->slot_gpa);
	if (rc != -ENOENT)
		trial_disagree(trial, "a second time: returned %d, should be -ENOENT", rc);
	trial->stale = true;
}

static void change_slots(struct trial *trial)
{
	struct world_place *place = &trial->world.place[world_below(&trial->world, WORLD_PLACES)];

	/* The two large ones hold most tables, and do not go as often. */
	if (place->bytes > 300000 && world_chance(&trial->world, 70))
		place = &trial->world.place[world_below(&trial->world, WORLD_PLACES)];
	if (place->present)
		remove_slot(trial, place);
	if (!place->present && world_chance(&trial->world, 70))
		add_slot(trial, place);
}

/* The budget: none, a little more than is pinned, exactly what is pinned, or anything. */
static void change_budget(struct trial *trial)
{
	uint64_t now = trial_vm_stats(trial).pinned_bytes;

	switch (world_below(&trial->world, 5)) {
	case 0:
		trial->budget = VIOMMU_NO_LIMIT;
		break;
	case 1:
		trial->budget = now;
		break;
	case 2:
		trial->budget = now + world_below(&trial->world, 30) * PAGE;
		break;
	case 3: /* Not whole pages: the rest is of no use. */
		trial->budget = now + world_below(&trial->world, 100000);
		break;
	default:
		trial->budget = world_below(&trial->world, 200) * PAGE;
		break;
	}
	trial_doing(trial, "pin budget %#" PRIx64 ", %#" PRIx64 " are pinned", trial->budget, now);
	viommu_vm_set_pin_budget(trial->vm, trial->budget);
}

static void operate(struct trial *trial)
{
	unsigned int s = world_below(&trial->world, SUBJECTS);
	unsigned int kind = world_below(&trial->world, 1000);
	struct subject *subject = &trial->subject[s];

	if (!subject->domain && kind >= 500) {
		trial_create(trial, s);
	} else if (kind < 500 || !subject->domain) {
		unsigned int writes = 1 + world_below(&trial->world, 4);

		trial_doing(trial, "write %u entries", writes);
		while (writes--) {
			if (subject->domain && world_chance(&trial->world, 50))
				world_map(&trial->world, &subject->model.tables);
			else
				world_write(&trial->world);
		}
	} else if (kind < 830) {
		uint64_t first, last;

		world_draw_range(&trial->world, &subject->model.tables, &subject->model.list, &first, &last);
		/* Only refreshes of everything make use of the tracker. */
		if (trial->world.tracker && world_chance(&trial->world, 35)) {
			first = subject->model.tables.pba;
			last = subject->model.tables.pal;
		}
		if (trial->mode->failing && world_chance(&trial->world, 10))
			trial_refresh_failing(trial, s);
		else
			trial_refresh(trial, s, first, last);
	} else if (kind < 900) {
		trial_translate(trial);
	} else if (kind < 940) {
		trial_walk(trial, s);
	} else if (kind < 955) {
		change_slots(trial);
	} else if (kind < 975) {
		trial_change_attachment(trial);
	} else if (kind < 978) {
		trial_doing(trial, "destroy domain %u", s);
		trial_forget(trial, s);
	} else if (kind < 980) {
		trial_create_refused(trial);
	} else if (kind < 983) {
		uint64_t first, last;

		world_draw_range(&trial->world, &subject->model.tables, &subject->model.list, &first, &last);
		trial_doing(trial, "look at domain %u, %#" PRIx64 " to %#" PRIx64, s, first, last);
		first &= ~(PAGE - 1);
		last |= PAGE - 1;
		if (first <= last)
			trial_check_pages(trial, s, first, last);
	} else if (trial->mode->budgets && (kind < 995 || trial->mode->pin == VIOMMU_PIN_GUEST)) {
		change_budget(trial);
	} else if (trial->mode->budgets) {
		trial_make_room(trial, s);
	} else if (trial->mode->failing) {
		trial_refresh_failing(trial, s);
	}
	trial_check(trial);
}

/* Every other trial has a tracker: it is exact, or reports too much, or fails some time. */
static void begin_tracking(struct trial *trial)
{
	fake_tracker_init(&trial->tracker);
	trial->world.tracker = &trial->tracker;
	if (world_chance(&trial->world, 30))
		trial->tracker.too_much = 2 + world_below(&trial->world, 20);
	if (world_chance(&trial->world, 5))
		trial->tracker.fail_watch = 1 + world_below(&trial->world, 300);
	if (world_chance(&trial->world, 5))
		trial->tracker.fail_collect = 1 + world_below(&trial->world, 300);
	if (viommu_vm_set_tracker(trial->vm, &trial->tracker.tracker))
		trial_disagree(trial, "the VM takes no tracker");
}

static void begin_trial(struct trial *trial, const struct mode *mode, uint64_t seed)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	memset(trial, 0, sizeof(*trial));
	trial->mode = mode;
	trial->seed = seed;
	trial->budget = VIOMMU_NO_LIMIT;
	world_init(&trial->world, seed * MODES + (uint64_t)(mode - modes), mode->hostility, mode->qemu);
	config.pin = mode->pin;
	/* Steps of any size must come to the same. */
	config.step_entries = world_chance(&trial->world, 50) ? 0 : 1 + world_below(&trial->world, 5000);
	if (mode->limits) {
		config.refresh_entries = 1000 + world_below(&trial->world, MOST_REFRESH_ENTRIES - 1000);
		config.shadow_bytes = (UINT64_C(64) << world_below(&trial->world, 9)) << 10;
	}
	trial_doing(trial, "begin");
	if (mode->whole) {
		trial->mock = mock_create(&(struct mock_options){ .lookup = true });
		trial->host = &trial->mock->host;
		if (mode->entries)
			trial->host->caps.entry_limit = world_below(&trial->world, 1000);
	} else if (viommu_host_soft_create(&trial->host)) {
		trial->host = NULL;
	}
	if (!trial->host || viommu_vm_create(&config, &trial->vm))
		trial_disagree(trial, "no host, or no VM");
	if (seed % 2)
		begin_tracking(trial);
	viommu_host_caps(trial->host, &caps);
	trial->lowest = caps.first;
	trial->highest = caps.last;
	for (unsigned int u = 0; u < UNITS; u++) {
		trial->unit[u].at = -1;
		if (viommu_device_create(trial->vm, trial->host, NULL, &trial->unit[u].device) ||
		    viommu_reader_create(trial->unit[u].device, &trial->unit[u].reader))
			trial_disagree(trial, "no device, or no reader");
	}
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		add_slot(trial, &trial->world.place[i]);
}

static void end_trial(struct trial *trial)
{
	struct viommu_vm_stats stats;

	/* The VM takes everything with it, or one thing goes after the other. */
	trial_doing(trial, "end");
	if (world_chance(&trial->world, 70)) {
		for (unsigned int s = 0; s < SUBJECTS; s++) {
			trial_forget(trial, s);
			trial_check(trial);
		}
		stats = trial_vm_stats(trial);
		if (stats.shadow_bytes || (trial->mode->pin == VIOMMU_PIN_ON_REFRESH && stats.pinned_bytes))
			trial_disagree(trial, "%" PRIu64 " bytes of shadow and %" PRIu64 " pinned are left", stats.shadow_bytes, stats.pinned_bytes);
		for (unsigned int i = 0; i < WORLD_PLACES; i++)
			if (trial->world.place[i].present)
				remove_slot(trial, &trial->world.place[i]);
		if (trial_vm_stats(trial).pinned_bytes)
			trial_disagree(trial, "%" PRIu64 " bytes are left pinned", trial_vm_stats(trial).pinned_bytes);
		for (unsigned int u = 0; u < UNITS; u++)
			viommu_device_destroy(trial->unit[u].device);
	}
	viommu_vm_destroy(trial->vm);
	if (trial->world.tracker)
		fake_tracker_end(&trial->tracker);
	viommu_host_destroy(trial->host);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		model_list_free(&trial->subject[s].model.list);
	world_free(&trial->world);
}

static void run_trial(const struct mode *mode, uint64_t seed, unsigned int operations)
{
	struct trial trial;

	begin_trial(&trial, mode, seed);
	for (trial.operation = 1; trial.operation <= operations; trial.operation++) {
		operate(&trial);
		trial_seen.operations++;
	}
	end_trial(&trial);
}

/* The command line */

static uint64_t one_seed;
static uint64_t operations = 120000;
static const char *only_mode;
static uint64_t first_seed = 1;

static void test_mode(void **state)
{
	const struct mode *mode = *state;
	uint64_t left = operations / (only_mode ? 1 : MODES);

	memset(&trial_seen, 0, sizeof(trial_seen));
	if (one_seed) {
		run_trial(mode, one_seed, TRIAL_OPERATIONS);
		return;
	}
	for (uint64_t seed = first_seed; left; seed++) {
		unsigned int now = left < TRIAL_OPERATIONS ? (unsigned int)left : TRIAL_OPERATIONS;

		run_trial(mode, seed, now);
		left -= now;
	}
	print_message("%s: %" PRIu64 " operations, %" PRIu64 " domains, %" PRIu64 " slots, %" PRIu64 " refreshes (%" PRIu64 " ok, %" PRIu64 " faults, %" PRIu64
		      " insufficient, %" PRIu64 " exact fits, %" PRIu64 " too large), %" PRIu64 " pages, %" PRIu64 " unbacked, %" PRIu64 " translated, %" PRIu64
		      " refused, %" PRIu64 " walks, %" PRIu64 " tracked\n",
		      mode->name, trial_seen.operations, trial_seen.domains, trial_seen.slots, trial_seen.refreshes, trial_seen.ok, trial_seen.faults,
		      trial_seen.insufficient, trial_seen.exact_fits, trial_seen.too_large, trial_seen.pages, trial_seen.unbacked, trial_seen.translated,
		      trial_seen.refused, trial_seen.walks, trial_seen.tracked);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	char *end = NULL;

	switch (key) {
	case 's':
		one_seed = strtoull(argument, &end, 0);
		break;
	case 'f':
		first_seed = strtoull(argument, &end, 0);
		break;
	case 'n':
		operations = strtoull(argument, &end, 0);
		break;
	case 'm':
		only_mode = argument;
		return 0;
	case 't':
		trial_trace = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!*argument || *end)
		argp_error(state, "not a number: %s", argument);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "mode", 'm', "NAME", 0, "Only this mode", 0 },
		{ "seed", 's', "N", 0, "Only the trial of this seed", 0 },
		{ "first-seed", 'f', "N", 0, "Count seeds from here", 0 },
		{ "operations", 'n', "N", 0, "How many operations in all (VIOMMU_TEST_OPERATIONS)", 0 },
		{ "trace", 't', NULL, 0, "Print each operation", 0 },
		{ 0 },
	};
	static const struct argp argp = { options, parse, NULL, "Random operations of a hostile guest, library against reference.", NULL, NULL, NULL };
	const char *count = getenv("VIOMMU_TEST_OPERATIONS");
	struct CMUnitTest tests[MODES];
	unsigned int number = 0;

	if (count)
		operations = strtoull(count, NULL, 0);
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 1;
	for (size_t i = 0; i < MODES; i++)
		if (!only_mode || !strcmp(only_mode, modes[i].name))
			tests[number++] = (struct CMUnitTest){ .name = modes[i].name, .test_func = test_mode, .initial_state = (void *)(uintptr_t)&modes[i] };
	if (!number) {
		fprintf(stderr, "no such mode: %s\n", only_mode);
		return 1;
	}
	return _cmocka_run_group_tests("random", tests, number, NULL, NULL);
}
