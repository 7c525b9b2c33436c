/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures of the machine below a guest with zPCI. In a scenario, two PCI functions are plugged,
 * enabled, registered, refreshed, re-registered, brought into error and out of it, disabled and
 * unplugged, while guest memory comes and goes. Each allocation and each call to the host fails,
 * first once, then permanently.
 *
 * After each instruction the guest has an answer of its architecture. Exactly the pages that
 * functions report are charged. A device reaches the pages that its function reports while its DMA
 * is on, and nothing while it is off. A failed flush may mean that nothing was removed: the answer
 * is an error event, and the function stops. Its pages stay charged until a removal succeeds. After
 * the failures, the guest's own recovery (reset, register, refresh all) makes everything match the
 * tables.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/zpci.h>

#include "failing.h"
#include "guest.h"
#include "lock_watch.h"

#define FUNCTIONS 2
#define PAGES	  1024u /* of each registration */
#define PBA	  (4 * GIB)
#define PAL	  (PBA + PAGES * PAGE - 1)
#define MOST_RUNS 4096u

struct story {
	struct guest guest;
	struct mock_host *mock;
	struct area *second;
	struct tables tables[FUNCTIONS + 1]; /* the last one, for re-registrations */
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function[FUNCTIONS];
	struct viommu_reader *reader[FUNCTIONS];
	uint64_t iota[FUNCTIONS];
	unsigned int events;
	bool lossy; /* a removal failed: the host may have lost reported pages */
};

static void on_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct story *story = ctx;

	assert_int_equal(event->pec, VIOMMU_ZPCI_PEC_SERR);
	story->events++;
}

static struct viommu_zpci_function_info info_of(const struct story *story, unsigned int n)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(story->function[n], &info);
	return info;
}

/* A function's runs. */
struct report {
	struct viommu_run run[MOST_RUNS];
	unsigned int runs;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct report *report = ctx;

	assert_true(report->runs < MOST_RUNS);
	report->run[report->runs++] = *run;
	return 0;
}

/* Marks the run's pages, and accesses them like the device. */
static void check_run(struct story *story, unsigned int n, const struct viommu_run *run, unsigned char *named, bool on)
{
	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE) {
		uint64_t gpa = run->gpa + at, bytes;
		struct viommu_piece piece;
		int pieces;

		named[(gpa >= GIB ? 16 * MIB + (gpa - GIB) : gpa) / PAGE] = 1;
		if (!story->reader[n])
			continue;
		pieces = viommu_translate(story->reader[n], run->first + at, PAGE, VIOMMU_READ, &piece, 1, &bytes, NULL);
		if (!on)
			assert_int_equal(pieces, -EFAULT);
		else if (!story->lossy)
			assert_int_equal(pieces, 1);
		if (pieces == 1)
			assert_ptr_equal(piece.hva, guest_hva(&story->guest, gpa));
	}
}

static void look(struct story *story)
{
	static unsigned char named[17 * 256];
	static struct report report;
	uint64_t pages = 0;
	bool whole = false;

	assert_int_equal(lock_watch_held(), 0);
	memset(named, 0, sizeof(named));
	for (unsigned int n = 0; n < FUNCTIONS; n++) {
		struct viommu_zpci_function_info info;

		if (!story->function[n])
			continue;
		info = info_of(story, n);
		whole |= info.direct;
		report.runs = 0;
		viommu_zpci_function_each_run(story->function[n], 0, UINT64_MAX, take_run, &report);
		assert_true(info.registered || !report.runs);
		for (unsigned int i = 0; i < report.runs; i++)
			check_run(story, n, &report.run[i], named, info.state == VIOMMU_ZPCI_ENABLED);
	}
	for (unsigned int i = 0; i < sizeof(named); i++)
		pages += named[i];
	for (unsigned int i = 0; whole && i < story->guest.areas; i++)
		pages = (i ? pages : 0) + (story->guest.area[i].shown ? story->guest.area[i].bytes / PAGE : 0);
	/*
	 * If a host fails to detach a device, the registration is dormant, and its pages are still
	 * charged.
	 */
	if (!story->lossy)
		assert_int_equal(guest_pinned(&story->guest), pages * PAGE);
	if (story->mock->breaches)
		fail_msg("%s", story->mock->breach);
}

/* The possible answers to an instruction when the machine fails. */
static void check_answer(struct story *story, unsigned int n, const struct viommu_zpci_answer *answer, unsigned int events)
{
	assert_int_equal(answer->exception, 0);
	switch (answer->cc) {
	case 0:
		break;
	case 1:
		assert_true(answer->status == VIOMMU_ZPCI_ST_INSUF_RES || answer->status == VIOMMU_ZPCI_ST_FUNC_IN_ERR ||
			    answer->status == VIOMMU_ZPCI_ST_SEQUENCE || answer->status == VIOMMU_ZPCI_ST_ERROR_RECOVER);
		if (answer->status == VIOMMU_ZPCI_ST_FUNC_IN_ERR) {
			assert_int_equal(story->events, events + 1);
			assert_int_equal(info_of(story, n).state, VIOMMU_ZPCI_ERROR);
			story->lossy = true;
		}
		break;
	default:
		assert_int_equal(answer->cc, 3);
		break;
	}
	look(story);
}

/* In first..last, the function reports only pages in the tables, and all of them if `all`. */
static void check_tables(struct story *story, unsigned int n, uint64_t first, uint64_t last, bool all)
{
	const struct naive_tables naive = { .iota = story->iota[n], .pba = PBA, .pal = PAL };
	static struct report report;

	report.runs = 0;
	viommu_zpci_function_each_run(story->function[n], first, last, take_run, &report);
	for (uint64_t iova = first, i = 0; iova < last; iova += PAGE) {
		struct naive_answer answer = naive_walk(&story->guest.memory, &naive, iova);
		const struct viommu_run *run;

		while (i < report.runs && report.run[i].last < iova)
			i++;
		run = i < report.runs && report.run[i].first <= iova ? &report.run[i] : NULL;
		if (run ? answer.outcome != NAIVE_PAGE || answer.gpa != run->gpa + (iova - run->first) : all && answer.outcome == NAIVE_PAGE)
			fail_msg("IOVA %#llx: %s, but the tables say %s", (unsigned long long)iova, run ? "there" : "absent",
				 naive_outcome_name(answer.outcome));
	}
}

static void mpcifc(struct story *story, unsigned int n, uint8_t operation, uint64_t iota)
{
	const struct viommu_zpci_fib fib = { .pba = PBA, .pal = PAL, .iota = iota };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	unsigned int events = story->events;

	if (!story->function[n])
		return;
	assert_int_equal(viommu_zpci_mpcifc(story->zpci, (uint64_t)info_of(story, n).fh << 32 | operation, &fib, &answer), 0);
	if (info_of(story, n).registered)
		story->iota[n] = info_of(story, n).iota;
	check_answer(story, n, &answer, events);
}

static void rpcit(struct story *story, unsigned int n, uint64_t first, uint64_t pages)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_function_info info;
	unsigned int events = story->events;
	bool leaving = false;

	if (!story->function[n])
		return;
	info = info_of(story, n);
	if (!info.registered || (info.state != VIOMMU_ZPCI_ENABLED && info.state != VIOMMU_ZPCI_BLOCKED))
		return;
	assert_int_equal(viommu_zpci_rpcit(story->zpci, (uint64_t)info.fh << 32, first, pages * PAGE, &answer), 0);
	for (unsigned int i = 0; i < story->guest.areas; i++)
		leaving |= story->guest.area[i].leaving;
	check_answer(story, n, &answer, events);
	if (!info.direct && (answer.cc == 0 || answer.status == VIOMMU_ZPCI_ST_INSUF_RES) && !story->lossy)
		check_tables(story, n, first, first + pages * PAGE - 1, answer.cc == 0 && !leaving);
}

static void plug(struct story *story, unsigned int n)
{
	struct viommu_zpci_function_config config = {
		.size = sizeof(config), .fid = 0x10 + n, .fh = 0x20000 + n, .state = VIOMMU_ZPCI_DISABLED, .relaxed = true, .host = &story->mock->host
	};

	if (viommu_zpci_function_add(story->zpci, &config, &story->function[n])) {
		story->function[n] = NULL;
		return;
	}
	if (viommu_reader_create(viommu_zpci_function_device(story->function[n]), VIOMMU_NO_PASID, &story->reader[n]))
		story->reader[n] = NULL;
}

static void set_enabled(struct story *story, unsigned int n, bool enabled)
{
	uint32_t fh;
	int ret;

	if (!story->function[n])
		return;
	ret = enabled ? viommu_zpci_enable(story->function[n], &fh) : viommu_zpci_disable(story->function[n], &fh);
	assert_true(!ret || ret == -EINVAL || ret == -ENOMEM);
	look(story);
}

static void change_slot(struct story *story, bool present)
{
	int error;

	if (story->second->shown == present)
		return;
	error = present ? guest_show(&story->guest, story->second) : guest_hide(&story->guest, story->second);
	story->lossy |= error == -EIO;
	if (error == -EBUSY)
		story->second->shown = story->second->leaving = story->lossy = true;
	look(story);
}

static struct mock_host *begin(void *ctx, bool split)
{
	struct story *story = ctx;
	const struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .event = on_event, .ctx = story };

	story->mock = mock_create(&(struct mock_options){ .lookup = true, .split = split });
	guest_area(&story->guest, 0, 16 * MIB, VIOMMU_RW);
	story->second = guest_area(&story->guest, GIB, MIB, VIOMMU_RW);
	guest_tables_in(&story->guest, 8 * MIB, 16 * MIB - 1);
	for (unsigned int i = 0; i <= FUNCTIONS; i++)
		tables_init(&story->tables[i], &story->guest, 2, PBA, PAL);
	assert_int_equal(viommu_vm_create(&config, &story->guest.vm), 0);
	assert_int_equal(guest_show(&story->guest, &story->guest.area[0]), 0);
	assert_int_equal(guest_show(&story->guest, story->second), 0);
	assert_int_equal(viommu_zpci_create(story->guest.vm, &zpci, &story->zpci), 0);
	return story->mock;
}

static void tell(void *ctx)
{
	struct story *story = ctx;
	struct tables *tables = &story->tables[0];
	uint64_t iota[FUNCTIONS + 1];

	for (unsigned int i = 0; i <= FUNCTIONS; i++)
		iota[i] = tables_ioat(&story->tables[i]).iota;
	for (unsigned int n = 0; n < FUNCTIONS; n++) {
		plug(story, n);
		set_enabled(story, n, true);
	}
	/* A full table, and an empty one. */
	tables_map(tables, PBA, 40, MIB, VIOMMU_RW);
	tables_map(&story->tables[FUNCTIONS], PBA + 20 * PAGE, 30, MIB + 20 * PAGE, VIOMMU_READ);
	mpcifc(story, 0, VIOMMU_ZPCI_OC_REG_IOAT, iota[0]);
	mpcifc(story, 1, VIOMMU_ZPCI_OC_REG_IOAT, iota[1]);
	tables_map(&story->tables[1], PBA + 300 * PAGE, 100, GIB, VIOMMU_RW);
	rpcit(story, 1, PBA + 300 * PAGE, 100);
	/* Parts of a run are released and change their rights, then all of it. */
	tables_unmap(tables, PBA + 10 * PAGE, 3);
	tables_map(tables, PBA + 20 * PAGE, 2, MIB + 20 * PAGE, VIOMMU_READ);
	rpcit(story, 0, PBA + 5 * PAGE, 20);
	rpcit(story, 0, PBA, PAGES);
	mpcifc(story, 0, VIOMMU_ZPCI_OC_REREG_IOAT, iota[FUNCTIONS]);
	rpcit(story, 0, PBA, PAGES);
	/* Memory is removed while it is mapped, and added again. */
	change_slot(story, false);
	rpcit(story, 1, PBA, PAGES);
	change_slot(story, true);
	rpcit(story, 1, PBA + 300 * PAGE, 100);
	/* Disables translation and enables it again. */
	mpcifc(story, 1, VIOMMU_ZPCI_OC_DEREG_IOAT, 0);
	mpcifc(story, 1, VIOMMU_ZPCI_OC_REG_IOAT, 0);
	change_slot(story, false);
	change_slot(story, true);
	mpcifc(story, 1, VIOMMU_ZPCI_OC_DEREG_IOAT, 0);
	mpcifc(story, 1, VIOMMU_ZPCI_OC_REG_IOAT, iota[1]);
	/* Disabled and enabled, unplugged. */
	set_enabled(story, 0, false);
	set_enabled(story, 0, true);
	mpcifc(story, 0, VIOMMU_ZPCI_OC_REG_IOAT, iota[0]);
	rpcit(story, 0, PBA, PAGES);
	if (story->function[1]) {
		viommu_reader_destroy(story->reader[1]);
		viommu_zpci_function_remove(story->function[1]);
		story->function[1] = NULL;
	}
	look(story);
}

/*
 * After the failures: the recovery of a guest from an error, and of a VMM from a failed removal of
 * memory.
 */
static void repair(void *ctx)
{
	struct story *story = ctx;

	if (story->second->leaving)
		assert_int_equal(guest_hide(&story->guest, story->second), 0);
	if (!story->second->shown)
		assert_int_equal(guest_show(&story->guest, story->second), 0);
	if (!story->function[0])
		plug(story, 0);
	assert_non_null(story->function[0]);
	if (!story->reader[0])
		assert_int_equal(viommu_reader_create(viommu_zpci_function_device(story->function[0]), VIOMMU_NO_PASID, &story->reader[0]), 0);
	story->lossy = false;
	if (info_of(story, 0).state == VIOMMU_ZPCI_DISABLED)
		set_enabled(story, 0, true);
	if (info_of(story, 0).state != VIOMMU_ZPCI_ENABLED) {
		struct viommu_zpci_answer answer = { .size = sizeof(answer) };
		const struct viommu_zpci_fib fib = { .fmt = 0 };

		assert_int_equal(info_of(story, 0).state, VIOMMU_ZPCI_ERROR);
		story->lossy = true;
		assert_int_equal(viommu_zpci_mpcifc(story->zpci, (uint64_t)info_of(story, 0).fh << 32 | VIOMMU_ZPCI_OC_RESET_BLOCK, &fib, &answer), 0);
		assert_int_equal(answer.cc, 0);
		assert_int_equal(viommu_zpci_mpcifc(story->zpci, (uint64_t)info_of(story, 0).fh << 32 | VIOMMU_ZPCI_OC_RESET_ERROR, &fib, &answer), 0);
		assert_int_equal(answer.cc, 0);
	}
	assert_int_equal(info_of(story, 0).state, VIOMMU_ZPCI_ENABLED);
	story->lossy = true;
	if (!info_of(story, 0).registered)
		mpcifc(story, 0, VIOMMU_ZPCI_OC_REG_IOAT, tables_ioat(&story->tables[0]).iota);
	rpcit(story, 0, PBA, PAGES);
	/* The other function is removed, so that only this one's pages are charged. */
	if (story->function[1]) {
		viommu_reader_destroy(story->reader[1]);
		viommu_zpci_function_remove(story->function[1]);
		story->function[1] = NULL;
	}
	story->lossy = false;
	rpcit(story, 0, PBA, PAGES);
	assert_int_equal(info_of(story, 0).state, VIOMMU_ZPCI_ENABLED);
	assert_true(info_of(story, 0).registered);
	check_tables(story, 0, PBA, PAL, true);
}

static void end(void *ctx)
{
	struct story *story = ctx;

	viommu_zpci_destroy(story->zpci);
	assert_int_equal(guest_pinned(&story->guest), 0);
	viommu_vm_destroy(story->guest.vm);
	guest_free(&story->guest);
}

/* A lack of memory is not an error of the host. */
static void unharmed(void *ctx, bool nothing)
{
	const struct story *story = ctx;

	assert_int_equal(story->events, 0);
	assert_false(nothing && story->lossy);
}

int main(void)
{
	static const struct failing_story story = {
		.bytes = sizeof(struct story), .least = 30, .begin = begin, .tell = tell, .unharmed = unharmed, .repair = repair, .end = end
	};

	return failing_run(&story);
}
