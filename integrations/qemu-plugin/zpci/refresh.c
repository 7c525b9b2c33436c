/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One operation of the guest, done by the library when the guest is about to execute it, and
 * compared with QEMU's walk of the same tables.
 *
 * Other vCPUs run on meanwhile, and change tables. So QEMU's walk is asked before the library's
 * refresh and once more behind it. The library must agree with one of the two answers. If it agrees
 * with neither although they are the same, it is wrong. If they differ, the tables have changed in
 * between, and all is done again. (A change that was taken back in between would deceive this; a
 * guest refreshes between the two, and that waits for the observer's lock, which is held here.)
 *
 * For the times this order is fair: QEMU's first walk brings the tables into the CPU's caches, where
 * the library and QEMU's second walk, which is the one that is timed, find them alike.
 */
#include "zpci/check.h"

#include <inttypes.h>

#include "guest/zpci/decode.h"
#include "timing.h"
#include "zpci/tables.h"

/* How often all is done again before a question is given up. */
#define TRIES_MAX 16u

/* Pages of one refresh that QEMU's device is asked about: a sample of them where there are more. */
#define SHADOW_PAGES_MAX 256u

/* The range that the operation refreshes, by which tables. */
static void find_range(struct check *check)
{
	const struct capture_rpcit *rpcit = &check->operation->rpcit;
	const struct capture_mpcifc *mpcifc = &check->operation->mpcifc;
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	bool registers = mpcifc->oc == VIOMMU_ZPCI_OC_REG_IOAT || mpcifc->oc == VIOMMU_ZPCI_OC_REREG_IOAT;

	if (!check->checked)
		return;
	if (check->operation->kind == CAPTURE_MPCIFC) {
		check->first = mpcifc->pba & ~(VIOMMU_PAGE_SIZE - 1);
		check->last = mpcifc->pal | (VIOMMU_PAGE_SIZE - 1);
		check->iota = mpcifc->iota;
		check->translated = registers && zpci_iota_translates(check->iota) && check->first <= check->last;
		return;
	}
	viommu_zpci_function_info(check->checked->device, &info);
	if (!info.registered || info.direct || !rpcit->bytes || rpcit->start + (rpcit->bytes - 1) < rpcit->start)
		return;
	check->first = rpcit->start & ~(VIOMMU_PAGE_SIZE - 1);
	check->last = (rpcit->start + (rpcit->bytes - 1)) | (VIOMMU_PAGE_SIZE - 1);
	check->iota = info.iota;
	if (check->first <= info.pba && check->last >= info.pal)
		check->kind = LIVE_WHOLE;
	if (check->first < info.pba)
		check->first = info.pba;
	if (check->last > info.pal)
		check->last = info.pal;
	check->translated = check->first <= check->last;
}

static int call(struct zpci_checker *zpci, const struct capture_record *operation, struct viommu_zpci_answer *answer)
{
	const struct capture_rpcit *rpcit = &operation->rpcit;
	const struct capture_mpcifc *mpcifc = &operation->mpcifc;

	*answer = (struct viommu_zpci_answer){ .size = sizeof(*answer) };
	answer->refresh.size = sizeof(answer->refresh);
	if (operation->kind == CAPTURE_MPCIFC) {
		struct viommu_zpci_fib fib = { .fmt = mpcifc->fmt, .pba = mpcifc->pba, .pal = mpcifc->pal, .iota = mpcifc->iota };

		return viommu_zpci_mpcifc(zpci->zpci, zpci_r1_make(mpcifc->fh, mpcifc->dmaas, mpcifc->oc), &fib, answer);
	}
	return viommu_zpci_rpcit(zpci->zpci, zpci_r1_make(rpcit->fh, 0, 0), rpcit->start, rpcit->bytes, answer);
}

/* QEMU's walk of the operation's range. What it has beyond guest memory, the library has not. */
static bool walk(const struct zpci_checker *zpci, const struct check *check, struct stretch *answers)
{
	if (!zpci_ask_walk(check->iota, check->first, check->last, answers))
		return false;
	runs_clip(&answers->runs, zpci->checker->ram->bytes);
	return true;
}

static void collect(struct zpci_checker *zpci, const struct check *check)
{
	runs_clear(&zpci->runs);
	zpci_check_ops.each_run(check->checked->device, check->first, check->last, runs_add_library, &zpci->runs);
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

	report_put(&line, "; iota 0x%" PRIx64, check->iota);
	if (zpci_layout_root(check->iota, &root))
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

static bool agrees(const struct zpci_checker *zpci, const struct stretch *answers, const struct check *check)
{
	return !runs_compare(&answers->runs, &zpci->runs, check->first, check->last, NULL, NULL);
}

/* Compares what is translated now with QEMU's walk before the refresh and, asked here, behind it. */
static void compare_walk(struct zpci_checker *zpci, struct check *check)
{
	uint64_t pages = (check->last - check->first) / VIOMMU_PAGE_SIZE + 1;
	struct capture_record again = { .kind = CAPTURE_RPCIT };
	struct viommu_zpci_answer answer;
	unsigned int tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		struct stretch swap = zpci->before;
		uint64_t began = timing_ticks();
		bool asked = zpci_ask_walk(check->iota, check->first, check->last, &zpci->after);
		uint64_t took = timing_ticks() - began;

		if (!tries) {
			check->walker_timed = asked;
			check->walker_ns = timing_ns(took);
		}
		if (!asked || zpci->runs.lost)
			break;
		runs_clip(&zpci->after.runs, zpci->checker->ram->bytes);
		if (agrees(zpci, &zpci->before, check) || agrees(zpci, &zpci->after, check)) {
			checker_count_checks(zpci->checker, check->checked, LIVE_WALKER, pages);
			check->walked = zpci->after.runs;
			zpci->after.runs = (struct runs){ 0 };
			return;
		}
		if (runs_same(&zpci->before.runs, &zpci->after.runs)) {
			struct describing describing = { .zpci = zpci, .check = check };

			checker_count_checks(zpci->checker, check->checked, LIVE_WALKER, pages);
			runs_compare(&zpci->after.runs, &zpci->runs, check->first, check->last, describe, &describing);
			return;
		}
		zpci->before = zpci->after;
		zpci->after = swap;
		again.rpcit = (struct capture_rpcit){ .fh = capture_handle(check->operation), .start = check->first, .bytes = check->last - check->first + 1 };
		if (call(zpci, &again, &answer) || answer.cc || answer.exception)
			break;
		collect(zpci, check);
	}
	checker_skip(zpci->checker, LIVE_WALKER, pages);
}

void zpci_refresh(struct zpci_checker *zpci, struct check *check)
{
	uint64_t began, overhead;
	bool known;

	check->kind = LIVE_NOTHING;
	find_range(check);
	known = check->translated && walk(zpci, check, &zpci->before);
	if (check->translated && check->operation->kind == CAPTURE_RPCIT)
		checker_data_before(zpci->checker, check->checked, check->first, check->last);
	overhead = timing_ticks();
	began = timing_ticks();
	check->error = call(zpci, check->operation, &check->answer);
	check->library_ns = timing_ns(timing_ticks() - began);
	check->overhead_ns = timing_ns(began - overhead);
	if (check->error || check->answer.exception || check->answer.cc) {
		/* What QEMU says to it is compared when QEMU has answered. */
		check->translated = false;
		return;
	}
	if (check->kind != LIVE_WHOLE)
		check->kind = checker_kind(check->answer.refresh.established, check->answer.refresh.released);
	if (!check->translated)
		return;
	collect(zpci, check);
	checker_data_after(zpci->checker);
	if (known)
		compare_walk(zpci, check);
	else
		checker_skip(zpci->checker, LIVE_WALKER, (check->last - check->first) / VIOMMU_PAGE_SIZE + 1);
}

/* One page that QEMU surely translates, and what the library has there. */
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

/* The address space of QEMU's device now. NULL if there is no such device (any more). */
static struct qemu_space *space_of(const char *id)
{
	struct qemu_object *device = id[0] && qemu_has(QEMU_DEVICES | QEMU_ZPCI) ? qdev_find_recursive(sysbus_get_default(), id) : NULL;

	return device && object_dynamic_cast(device, "pci-device") ? pci_device_iommu_address_space(device) : NULL;
}

/*
 * QEMU takes a question about a page that it does not translate for an access of the device, and
 * puts the function into its error state. So a page is asked about if QEMU's walk had it before the
 * instruction and has it now, and no other operation is under way: then it had it in between, when
 * QEMU carried the instruction out. QEMU always says read and write: rights are not compared.
 */
void zpci_compare_shadow(struct zpci_checker *zpci, const struct check *check, bool alone)
{
	uint64_t pages = runs_pages(&check->walked), step, page;
	struct checked *checked = check->checked;
	struct qemu_space *space;
	size_t i, run = 0;

	if (!pages)
		return;
	space = space_of(checked->name);
	if (!space || !alone || !walk(zpci, check, &zpci->after) || !runs_same(&zpci->after.runs, &check->walked)) {
		checker_skip(zpci->checker, LIVE_SHADOW, pages);
		return;
	}
	collect(zpci, check);
	/* Every step-th page, beginning with another one each time. */
	step = (pages + SHADOW_PAGES_MAX - 1) / SHADOW_PAGES_MAX;
	page = checked->samples++ % step;
	for (i = 0; i < check->walked.count; i++) {
		const struct capture_page *walked = &check->walked.list[i];

		for (; page < walked->count; page += step)
			ask_shadow(zpci, check, space, walked->iova + page * VIOMMU_PAGE_SIZE, &run);
		page -= walked->count;
	}
}
