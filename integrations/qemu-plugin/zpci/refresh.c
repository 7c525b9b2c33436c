/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One operation of the guest, repeated by the library after QEMU has carried it out, and compared
 * with QEMU's walk of the same tables.
 *
 * Other vCPUs run meanwhile and change tables. So QEMU's walk is queried when the instruction
 * begins and again after the library's refresh. The library must agree with one of the two answers.
 * If the answers are equal and the library disagrees, it is wrong. If they differ, the tables have
 * changed in between, and the library refreshes again. (A change that was reverted in between would
 * go undetected. A guest refreshes between the two, and the end of that refresh waits for the
 * observer's lock.)
 *
 * This order is fair for the times: QEMU's first walk brings the tables into the CPU's caches,
 * where QEMU's instruction, the library and QEMU's second walk, which is the timed one, find them.
 */
#include "zpci/check.h"

#include <inttypes.h>

#include "guest/zpci/decode.h"
#include "timing.h"
#include "zpci/tables.h"

/* How often all of it is repeated before a query is given up. */
#define TRIES_MAX 16u

/*
 * Maximum number of pages of one refresh that QEMU's device is queried about: a sample if there are
 * more.
 */
#define SHADOW_PAGES_MAX 256u

static int call(struct zpci_checker *zpci, const struct capture_record *operation, struct viommu_zpci_answer *answer)
{
	const struct capture_rpcit *rpcit = &operation->rpcit;
	const struct capture_mpcifc *mpcifc = &operation->mpcifc;

	*answer = (struct viommu_zpci_answer){ .size = sizeof(*answer) };
	if (operation->kind == CAPTURE_MPCIFC) {
		struct viommu_zpci_fib fib = { .fmt = mpcifc->fmt, .pba = mpcifc->pba, .pal = mpcifc->pal, .iota = mpcifc->iota };

		return viommu_zpci_mpcifc(zpci->zpci, zpci_r1_make(mpcifc->fh, mpcifc->dmaas, mpcifc->oc), &fib, answer);
	}
	return viommu_zpci_rpcit(zpci->zpci, zpci_r1_make(rpcit->fh, 0, 0), rpcit->start, rpcit->bytes, answer);
}

static void collect(struct zpci_checker *zpci, const struct check *check)
{
	runs_clear(&zpci->runs);
	zpci_check_ops.each_run(check->checked->device, check->operation->range.first, check->operation->range.last, runs_add_library, &zpci->runs);
}

static void put_entry(void *ctx, unsigned int level, uint64_t gpa, bool readable, uint64_t value)
{
	if (readable)
		report_put(ctx, " [%u] 0x%" PRIx64 " @ 0x%" PRIx64, level, value, gpa);
	else
		report_put(ctx, " [%u] no memory at 0x%" PRIx64, level, gpa);
}

struct report_line zpci_path(const struct zpci_checker *zpci, const struct check *check, uint64_t iova)
{
	struct tables tables = { .ram = zpci->checker->ram, .big_endian = true };
	struct report_line line = { .used = 0 };
	struct table_root root;

	report_put(&line, "; iota 0x%" PRIx64, check->operation->range.iota);
	if (zpci_layout_root(check->operation->range.iota, &root))
		tables_path(&tables, &zpci_layout, &root, iova, put_entry, &line);
	return line;
}

struct describing {
	struct zpci_checker *zpci;
	const struct check *check;
};

static void describe(void *ctx, const struct piece *piece)
{
	const struct describing *describing = ctx;
	struct report_line path = zpci_path(describing->zpci, describing->check, piece->first), qemu = { .used = 0 }, library = { .used = 0 };

	checker_put_page(&qemu, piece->gpa[0], piece->prot[0]);
	checker_put_page(&library, piece->gpa[1], piece->prot[1]);
	checker_disagree(describing->zpci->checker, describing->check->checked, LIVE_WALKER, piece_pages(piece),
			 "IOVA 0x%" PRIx64 "..0x%" PRIx64 ": QEMU's walk has %s, the library %s%s", piece->first, piece->last, qemu.text, library.text,
			 path.text);
}

static bool agrees(const struct zpci_checker *zpci, const struct runs *answers, const struct range *range)
{
	return !runs_compare(answers, &zpci->runs, range->first, range->last, NULL, NULL);
}

/* Compares the current translations with QEMU's walk at the beginning and with another walk now. */
static void compare_walk(struct zpci_checker *zpci, struct check *check, struct stretch *before)
{
	const struct range *range = &check->operation->range;
	uint64_t pages = (range->last - range->first) / VIOMMU_PAGE_SIZE + 1, bytes = zpci->checker->ram->bytes;
	struct capture_record again = { .kind = CAPTURE_RPCIT };
	struct viommu_zpci_answer answer;
	unsigned int tries;

	/* The library has no translations beyond guest memory, unlike QEMU. */
	runs_clip(&before->runs, bytes);
	for (tries = 0; tries < TRIES_MAX; tries++) {
		struct stretch swap = *before;
		uint64_t began = timing_ticks();
		bool asked = zpci_ask_walk(range->iota, range->first, range->last, &zpci->walk);
		uint64_t took = timing_ticks() - began;

		if (!tries) {
			check->walker_timed = asked;
			check->walker_ns = timing_ns(took);
		}
		if (!asked || zpci->runs.lost)
			break;
		runs_clip(&zpci->walk.runs, bytes);
		check->agrees = agrees(zpci, &before->runs, range) || agrees(zpci, &zpci->walk.runs, range);
		if (check->agrees || runs_same(&before->runs, &zpci->walk.runs)) {
			struct describing describing = { .zpci = zpci, .check = check };

			checker_count_checks(zpci->checker, check->checked, LIVE_WALKER, pages);
			if (!check->agrees)
				runs_compare(&zpci->walk.runs, &zpci->runs, range->first, range->last, describe, &describing);
			check->agrees = true;
			return;
		}
		*before = zpci->walk;
		zpci->walk = swap;
		again.rpcit =
			(struct capture_rpcit){ .fh = capture_handle(&check->operation->record), .start = range->first, .bytes = pages * VIOMMU_PAGE_SIZE };
		if (call(zpci, &again, &answer) || answer.cc || answer.exception)
			break;
		collect(zpci, check);
	}
	checker_skip(zpci->checker, LIVE_WALKER, pages);
}

void zpci_refresh(struct zpci_checker *zpci, struct check *check, struct operation *operation)
{
	const struct range *range = &operation->range;
	bool refreshes = operation->refreshes && check->checked;
	uint64_t began, overhead;

	if (refreshes && operation->record.kind == CAPTURE_RPCIT)
		checker_data_before(zpci->checker, check->checked, range->first, range->last);
	overhead = timing_ticks();
	began = timing_ticks();
	check->error = call(zpci, &operation->record, &check->answer);
	check->library_ns = timing_ns(timing_ticks() - began);
	check->overhead_ns = timing_ns(began - overhead);
	check->refreshed = refreshes && !check->error && !check->answer.exception && !check->answer.cc;
	if (!check->refreshed)
		return;
	check->kind = range->whole ? LIVE_WHOLE : checker_kind(check->answer.refresh.established, check->answer.refresh.released);
	collect(zpci, check);
	checker_data_after(zpci->checker);
	if (operation->walked)
		compare_walk(zpci, check, &operation->walk);
	else
		checker_skip(zpci->checker, LIVE_WALKER, (range->last - range->first) / VIOMMU_PAGE_SIZE + 1);
}

/* Compares one page that QEMU certainly translates with the library's translation. */
static void ask_shadow(struct zpci_checker *zpci, const struct check *check, struct qemu_space *space, uint64_t iova, size_t *run)
{
	const struct runs *runs = &zpci->runs;
	struct report_line qemu = { .used = 0 }, library = { .used = 0 };
	const struct capture_page *has = NULL;
	uint64_t gpa = 0, expected = 0;
	bool reaches;

	while (*run < runs->count && runs->list[*run].iova + (runs->list[*run].count * CAPTURE_PAGE_SIZE - 1) < iova)
		++*run;
	if (*run < runs->count && runs->list[*run].iova <= iova)
		has = &runs->list[*run];
	if (has)
		expected = has->gpa + (iova - has->iova);
	checker_count_checks(zpci->checker, check->checked, LIVE_SHADOW, 1);
	reaches = qemu_access(space, iova, false, &gpa);
	if (reaches && has && gpa == expected)
		return;
	if (reaches)
		report_put(&qemu, "0x%" PRIx64, gpa);
	if (has)
		report_put(&library, "0x%" PRIx64, expected);
	checker_disagree(zpci->checker, check->checked, LIVE_SHADOW, 1, "IOVA 0x%" PRIx64 ": QEMU's device reaches %s, the library has %s%s", iova,
			 reaches ? qemu.text : "nothing", has ? library.text : "nothing", zpci_path(zpci, check, iova).text);
}

/* The address space of QEMU's device now. NULL if the device does not exist any more. */
static struct qemu_space *space_of(const char *id)
{
	struct qemu_object *device = id[0] && qemu_has(QEMU_DEVICES | QEMU_ZPCI) ? qdev_find_recursive(sysbus_get_default(), id) : NULL;

	return device && object_dynamic_cast(device, "pci-device") ? pci_device_iommu_address_space(device) : NULL;
}

/*
 * QEMU treats a query about a page that it does not translate as an access of the device, and puts
 * the function into its error state. So a page is queried only if QEMU's walk had it before the
 * instruction and has it now, and no other operation is in progress. Then QEMU also had it when it
 * carried the instruction out. QEMU always reports read and write: rights are not compared.
 */
void zpci_compare_shadow(struct zpci_checker *zpci, const struct check *check, bool alone)
{
	const struct runs *walk = &zpci->walk.runs;
	uint64_t pages = check->agrees ? runs_pages(walk) : 0, step, page;
	struct qemu_space *space;
	size_t i, run = 0;

	if (!pages)
		return;
	space = space_of(check->checked->name);
	if (!space || !alone || !runs_same(walk, &check->operation->walk.runs)) {
		checker_skip(zpci->checker, LIVE_SHADOW, pages);
		return;
	}
	/* Every step-th page, starting at a different one each time. */
	step = (pages + SHADOW_PAGES_MAX - 1) / SHADOW_PAGES_MAX;
	page = check->checked->samples++ % step;
	for (i = 0; i < walk->count; i++) {
		for (; page < walk->list[i].count; page += step)
			ask_shadow(zpci, check, space, walk->list[i].iova + page * VIOMMU_PAGE_SIZE, &run);
		page -= walk->list[i].count;
	}
}
