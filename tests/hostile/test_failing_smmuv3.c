/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures of the machine below a guest with an SMMUv3. In a scenario, streams are plugged, bypass,
 * are configured, share a context and move to another. Tables change and are invalidated, devices
 * access memory, the SMMU is reset, and streams are unplugged. Each allocation and each call to the
 * host fails, first once, then permanently.
 *
 * After each step the command queue has been consumed, no device reaches invalidated pages, each
 * reached page is charged once, the host has exactly those pages, and no flush is pending: a space
 * that a host fails to clean is destroyed. There is no event and no error, since the guest makes no
 * mistake. After the failures, a device that accesses the pages in the tables reaches them.
 */
#include "../smmuv3/tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "failing.h"
#include "lock_watch.h"

#define STREAMS	  3u
#define IOVA	  UINT64_C(0x40000000)
#define PAGES	  24u /* the scenario's pages: from IOVA on, and from the block on */
#define BLOCK	  (IOVA + UINT64_C(0x400000))
#define MOST_RUNS 4096u

struct story {
	struct rig rig;
	struct mock_host *mock;
	struct tables tables[2];
	struct user user[STREAMS]; /* without a device: plugging failed */
};

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

static void plug(struct story *story, unsigned int n)
{
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = n, .host = story->rig.host };
	struct user *user = &story->user[n];

	*user = (struct user){ .rig = &story->rig };
	if (viommu_smmuv3_device_add(story->rig.smmu, &config, &user->device)) {
		user->device = NULL;
		return;
	}
	if (viommu_reader_create(viommu_smmuv3_device_device(user->device), VIOMMU_NO_PASID, &user->reader)) {
		viommu_smmuv3_device_remove(user->device);
		*user = (struct user){ .rig = &story->rig };
	}
}

static void unplug(struct story *story, unsigned int n)
{
	if (story->user[n].device)
		user_end(&story->user[n]);
	story->user[n].device = NULL;
}

/* A stream with its last configuration. */
struct view {
	uint32_t stream;
	uint64_t cd[8];
};

static struct view view_of(const struct story *story, const struct user *user)
{
	struct viommu_smmuv3_device_info info = rig_device_info(user->device);
	struct view view = { .stream = info.stream };

	for (unsigned int i = 0; i < 8 && info.stream == VIOMMU_SMMUV3_STREAM_STAGE1; i++)
		view.cd[i] = rig_get(&story->rig, info.cd_gpa + 8 * i);
	return view;
}

/* The current translation by the tables. True if there is one. */
static bool truth(const struct story *story, const struct view *view, uint64_t iova, uint32_t access, uint64_t *gpa)
{
	*gpa = iova;
	if (view->stream == VIOMMU_SMMUV3_STREAM_BYPASS)
		return rig_hva(&story->rig, iova);
	return view->stream == VIOMMU_SMMUV3_STREAM_STAGE1 && tables_naive(&story->rig, view->cd, iova, access, gpa);
}

/* All changes are invalidated: devices reach the pages in the tables. */
static void check_window(const struct story *story, struct user *user, uint64_t first)
{
	struct view view = view_of(story, user);

	for (uint64_t iova = first; iova < first + PAGES * PAGE; iova += PAGE) {
		for (uint32_t access = VIOMMU_READ; access <= VIOMMU_WRITE; access++) {
			const uint8_t *hva;
			uint64_t gpa;

			if (!user_has(user, iova, access, &hva))
				continue;
			assert_true(truth(story, &view, iova, access, &gpa));
			assert_ptr_equal(hva, rig_hva(&story->rig, gpa));
		}
	}
}

/* A device's runs, and whether it reaches them. */
static uint64_t check_report(struct story *story, struct user *user, uint8_t *named)
{
	static struct report report;
	uint64_t pages = 0;

	report.runs = 0;
	viommu_smmuv3_device_each_run(user->device, 0, UINT64_MAX, take_run, &report);
	for (unsigned int i = 0; i < report.runs; i++) {
		const struct viommu_run *run = &report.run[i];
		const uint8_t *hva;

		assert_true(user_has(user, run->first, VIOMMU_READ, &hva));
		assert_ptr_equal(hva, rig_hva(&story->rig, run->gpa));
		for (uint64_t gpa = run->gpa; gpa <= run->gpa + (run->last - run->first); gpa += PAGE, pages++)
			named[gpa / PAGE] = 1;
	}
	return pages;
}

static void look(struct story *story)
{
	static uint8_t named[(ROM_GPA + ROM_BYTES) / PAGE];
	uint64_t reached = 0, mapped = 0, reported = 0;

	assert_int_equal(lock_watch_held(), 0);
	assert_int_equal(rig_read(&story->rig, R_CMDQ_CONS), rig_read(&story->rig, R_CMDQ_PROD));
	assert_int_equal(rig_info(&story->rig).gerror, 0);
	assert_no_event(&story->rig);
	memset(named, 0, sizeof(named));
	for (unsigned int n = 0; n < STREAMS; n++) {
		struct user *user = &story->user[n];
		uint64_t pages;

		if (!user->device)
			continue;
		pages = check_report(story, user, named);
		/* Streams with the same target count once. */
		if (rig_device_info(user->device).sharing)
			reported += 60 * pages / rig_device_info(user->device).sharing;
		check_window(story, user, IOVA);
		check_window(story, user, BLOCK);
	}
	for (size_t i = 0; i < sizeof(named); i++)
		reached += named[i];
	assert_int_equal(rig_pinned(&story->rig), reached);
	for (struct mock_space *space = story->mock->spaces; space; space = space->next) {
		assert_int_equal(space->unflushed.number, 0);
		mapped += mock_pages(story->mock, space);
	}
	assert_int_equal(60 * mapped, reported);
	if (story->mock->breaches)
		fail_msg("%s", story->mock->breach);
}

static void command(struct story *story, uint64_t dw0, uint64_t dw1)
{
	uint32_t prod = rig_read(&story->rig, R_CMDQ_PROD);

	rig_queue(&story->rig, &prod, dw0, dw1);
	rig_queue(&story->rig, &prod, SYNC, 0);
	rig_kick(&story->rig, prod);
	look(story);
}

/*
 * Devices load from and store to all pages of the scenario. They reach the pages in the tables
 * unless there is no room, and no others.
 */
static void use(struct story *story, uint64_t first, bool surely)
{
	for (unsigned int n = 0; n < STREAMS; n++) {
		for (uint64_t iova = first; iova < first + PAGES * PAGE && story->user[n].device; iova += 5 * PAGE) {
			struct view view = view_of(story, &story->user[n]);
			uint32_t access = iova & PAGE ? VIOMMU_READ : VIOMMU_WRITE;
			const uint8_t *hva;
			uint64_t gpa;
			bool is_there = truth(story, &view, iova, access, &gpa);
			int ret;

			/* The scenario has no accesses that end in an event. */
			if (!is_there && view.stream == VIOMMU_SMMUV3_STREAM_STAGE1)
				continue;
			ret = user_access(&story->user[n], iova, access, &hva);
			assert_true(ret == 0 || (!surely && (ret == -EFAULT || ret == -EAGAIN)) || (!is_there && ret == -EFAULT));
			assert_true(is_there || ret);
			if (!ret)
				assert_ptr_equal(hva, rig_hva(&story->rig, gpa));
		}
	}
	look(story);
}

static void set_up(struct story *story)
{
	rig_set_up(&story->rig);
	look(story);
	rig_write(&story->rig, R_CR0, SMMUEN | EVENTQEN | CMDQEN);
	look(story);
}

static struct mock_host *begin(void *ctx, bool split)
{
	struct rig_config config = rig_config();
	struct story *story = ctx;

	story->mock = mock_create(&(struct mock_options){ .lookup = true, .split = split });
	config.host = &story->mock->host;
	rig_up_as(&story->rig, &config);
	for (unsigned int i = 0; i < 2; i++) {
		tables_init(&story->tables[i], &story->rig, TABLES + i * UINT64_C(0x100000));
		rig_put_cd(&story->rig, i, CD0(1 + i), story->tables[i].root);
	}
	for (unsigned int n = 0; n < STREAMS; n++)
		rig_put_ste(&story->rig, n, STE_S1(cd_gpa(n / 2)), 0);
	return story->mock;
}

static void tell(void *ctx)
{
	struct story *story = ctx;
	struct tables *tables = &story->tables[0];

	/*
	 * In bypass, and then by the stream table: two share a context whose tables are already
	 * full.
	 */
	for (unsigned int n = 0; n < STREAMS; n++) {
		plug(story, n);
		if (story->user[n].device)
			look(story);
	}
	for (uint64_t i = 0; i < PAGES; i++)
		tables_map(tables, IOVA + i * PAGE, DATA + i * PAGE, 0);
	set_up(story);
	use(story, IOVA, false);
	/* A page is unmapped, some lose rights, some change their frames. */
	tables_unmap(tables, IOVA + 3 * PAGE);
	tables_map(tables, IOVA + 5 * PAGE, DATA + 5 * PAGE, E_RO);
	command(story, TLBI_VA(1) | RANGE(15, 0), IOVA | TG(1) | TTL(3) | LEAF);
	for (uint64_t i = 10; i < 20; i++)
		tables_map(tables, IOVA + i * PAGE, i & 1 ? ROM_GPA : DATA + (i + 50) * PAGE, i & 1 ? E_RO : 0);
	command(story, TLBI_ASID(1), 0);
	use(story, IOVA, false);
	/* A block, and its end. */
	rig_put(&story->rig, tables_entry(tables, BLOCK, 1), (DATA + UINT64_C(0x200000)) | E_BLOCK);
	use(story, BLOCK, false);
	rig_put(&story->rig, tables_entry(tables, BLOCK, 1), 0);
	command(story, TLBI_VAA, BLOCK + 7 * PAGE);
	/* Streams change to other targets, and to none. */
	rig_put_ste(&story->rig, 1, STE_ABORT, 0);
	command(story, CFGI_STE(1), LEAF);
	rig_put_ste(&story->rig, 1, STE_BYPASS, 0);
	command(story, CFGI_ALL, 31);
	tables_map(&story->tables[1], IOVA + 7 * PAGE, DATA + 7 * PAGE, 0);
	rig_put_ste(&story->rig, 1, STE_S1(cd_gpa(1)), 0);
	command(story, CFGI_STE(1), LEAF);
	use(story, IOVA, false);
	/* A descriptor that changes. */
	rig_put_cd(&story->rig, 1, CD0(3), story->tables[0].root);
	command(story, CFGI_CD(1), LEAF);
	command(story, CFGI_CD(2), LEAF);
	use(story, IOVA, false);
	/* Detached and attached, off and on. */
	unplug(story, 0);
	look(story);
	plug(story, 0);
	look(story);
	viommu_smmuv3_reset(story->rig.smmu);
	look(story);
	set_up(story);
	use(story, IOVA, false);
	unplug(story, 2);
	look(story);
}

/* After the failures the guest continues, and the translations in its tables are established. */
static void repair(void *ctx)
{
	struct story *story = ctx;

	for (unsigned int n = 0; n < STREAMS; n++)
		if (!story->user[n].device)
			plug(story, n);
	look(story);
	for (unsigned int n = 0; n < STREAMS; n++)
		assert_non_null(story->user[n].device);
	use(story, IOVA, true);
	command(story, CFGI_ALL, 31);
	command(story, TLBI_ALL, 0);
	use(story, IOVA, true);
	for (unsigned int n = 0; n < STREAMS; n++)
		assert_true(rig_device_info(story->user[n].device).sharing > 0);
}

static void end(void *ctx)
{
	struct story *story = ctx;

	for (unsigned int n = 0; n < STREAMS; n++)
		unplug(story, n);
	rig_down(&story->rig);
}

/* A lack of memory is not an error of the host. */
static void unharmed(void *ctx, bool nothing)
{
	struct story *story = ctx;

	assert_int_equal(rig_info(&story->rig).rebuilt, 0);
	if (nothing)
		assert_int_equal(rig_info(&story->rig).insufficient, 0);
}

int main(void)
{
	static const struct failing_story story = {
		.bytes = sizeof(struct story), .splits = true, .least = 30, .begin = begin, .tell = tell, .unharmed = unharmed, .repair = repair, .end = end
	};

	return failing_run(&story);
}
