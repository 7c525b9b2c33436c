/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "checker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "timing.h"

/*
 * The number of disagreements of an oracle in one operation that are described. The others are
 * counted.
 */
#define DESCRIBED_MAX 4u

static void put_list(struct report_line *line, const char *format, va_list list)
{
	int wrote = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, list);

	if (wrote > 0)
		line->used += (size_t)wrote < sizeof(line->text) - line->used ? (size_t)wrote : sizeof(line->text) - line->used - 1;
}

void report_put(struct report_line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	put_list(line, format, list);
	va_end(list);
}

static void send(struct checker *checker, enum live_message_kind kind, const struct report_line *line)
{
	live_ring_write(&checker->board->ring, kind, timing_now(), line->text);
	if (!checker->arguments->board)
		fprintf(stderr, "viommu-watch: %s\n", line->text);
}

/* The board of this guest, or a private one that only counts. */
static struct live_board *open_board(const char *path)
{
	struct live_board *board = NULL;
	const char *why = NULL;
	int error, fd;

	error = path ? live_board_open(path, true, &board, &why) : live_board_memfd(&fd, &board);
	if (!error && !path)
		close(fd);
	if (!error && live_get(&board->numbers.pid)) {
		live_board_close(board);
		error = -EBUSY;
		why = "this board is another guest's";
	}
	if (!error)
		return board;
	fprintf(stderr, "viommu-watch: no board: %s%s%s\n", path ? path : "", path ? ": " : "", why ? why : strerror(-error));
	return NULL;
}

bool checker_open(struct checker *checker, const struct check_ops *ops, const struct arguments *arguments, const struct guest_ram *ram)
{
	struct live_numbers *numbers;

	checker->arguments = arguments;
	checker->ram = ram;
	checker->board = open_board(arguments->board);
	if (!checker->board)
		return false;
	numbers = &checker->board->numbers;
	checker_set_ops(checker, ops);
	live_set(&numbers->blocks_expected, arguments->numbered_count);
	live_set(&numbers->pid, (uint64_t)getpid());
	live_set(&numbers->started, timing_now());
	live_set(&numbers->started_real, timing_real());
	return true;
}

void checker_set_ops(struct checker *checker, const struct check_ops *ops)
{
	checker->ops = ops;
	if (checker->board)
		live_set(&checker->board->numbers.iommu, ops->iommu);
}

int checker_add_slot(struct checker *checker, uint64_t gpa, const void *host, uint64_t bytes, uint32_t prot)
{
	struct viommu_slot slot = {
		.size = sizeof(slot),
		.prot = prot,
		.gpa = gpa,
		.bytes = bytes,
		/*
		 * The library only reads: it makes no accesses for devices, and has no event queue.
		 */
		.hva = (void *)(uintptr_t)host,
		.fd = -1,
	};

	return viommu_slot_add(checker->vm, &slot);
}

void checker_begin(struct checker *checker)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	const struct guest_ram *ram = checker->ram;
	struct live_numbers *numbers;
	int error;

	if (!checker->board)
		return;
	numbers = &checker->board->numbers;
	live_set(&numbers->guest_bytes, ram->bytes);
	live_set(&numbers->guest, LIVE_GUEST_RUNNING);
	error = viommu_host_soft_create(&checker->host);
	if (!error)
		error = viommu_vm_create(&config, &checker->vm);
	if (!error)
		error = checker_add_slot(checker, ram->gpa, ram->host, ram->bytes, VIOMMU_RW);
	if (!error)
		error = checker->ops->create(checker);
	if (error) {
		checker_say(checker, LIVE_NOTE, "nothing is checked: the library's VM cannot be made: %s", strerror(-error));
		return;
	}
	live_set(&numbers->available[LIVE_ANSWER], 1);
	live_set(&numbers->available[LIVE_DATA], checker->arguments->numbered_count != 0);
	live_set(&numbers->checking, 1);
	checker->ready = true;
}

struct checked *checker_device(struct checker *checker, uint32_t id)
{
	struct checked *checked;
	size_t i;

	for (i = 0; i < checker->count; i++) {
		if (checker->list[i].id == id)
			return &checker->list[i];
	}
	if (checker->count == CHECKED_MAX)
		return NULL;
	checked = &checker->list[checker->count];
	*checked = (struct checked){
		.id = id,
		.numbers = checker->count < LIVE_FUNCTIONS ? &checker->board->numbers.functions[checker->count] : &checker->beyond,
		.numbered = { .first = checker->arguments->numbered_first, .count = checker->arguments->numbered_count },
	};
	checker->count++;
	return checked;
}

void checker_name_device(struct checked *checked, const char *name)
{
	uint64_t words[LIVE_FUNCTION_NAME / 8] = { 0 };
	size_t i;

	snprintf(checked->name, sizeof(checked->name), "%s", name);
	memcpy(words, name, strnlen(name, sizeof(words) - 1));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		live_set((uint64_t *)(void *)checked->numbers->name + i, words[i]);
}

void checker_begin_operation(struct checker *checker, const struct capture_record *operation)
{
	size_t i;

	checker->operation = operation;
	memset(checker->described, 0, sizeof(checker->described));
	for (i = 0; i < checker->count; i++)
		runs_clear(&checker->list[i].before);
}

void checker_data_before(struct checker *checker, struct checked *checked, uint64_t first, uint64_t last)
{
	if (checked->numbered.count)
		checker->ops->each_run(checked->device, first, last, runs_add_library, &checked->before);
}

struct releasing {
	struct checker *checker;
	struct checked *checked;
};

static void released(void *ctx, uint64_t iova, uint64_t gpa)
{
	const struct releasing *releasing = ctx;
	struct checker *checker = releasing->checker;
	uint64_t block, expected;

	if (!numbered_released(&releasing->checked->numbered, checker->ram, gpa, &block, &expected))
		return;
	checker_count_checks(checker, releasing->checked, LIVE_DATA, 1);
	if (block == expected)
		live_add(&checker->board->numbers.blocks_seen, 1);
	else
		checker_disagree(checker, releasing->checked, LIVE_DATA, 1,
				 "IOVA 0x%" PRIx64 ": the page that was released, at 0x%" PRIx64 ", holds block %" PRIu64 " of the disk, expected is %" PRIu64,
				 iova, gpa, block, expected);
}

void checker_data_after(struct checker *checker)
{
	size_t i, n;

	for (i = 0; i < checker->count; i++) {
		struct releasing releasing = { .checker = checker, .checked = &checker->list[i] };
		const struct runs *before = &checker->list[i].before;

		runs_clear(&checker->now);
		for (n = 0; n < before->count; n++)
			checker->ops->each_run(checker->list[i].device, before->list[n].iova,
					       before->list[n].iova + (before->list[n].count * CAPTURE_PAGE_SIZE - 1), runs_add_library, &checker->now);
		if (before->count && !checker->now.lost)
			runs_each_gone(before, &checker->now, released, &releasing);
	}
}

void checker_count_checks(struct checker *checker, struct checked *checked, enum live_oracle oracle, uint64_t count)
{
	live_add(&checker->board->numbers.checks[oracle], count);
	if (checked)
		live_add(&checked->numbers->checks, count);
}

void checker_skip(struct checker *checker, enum live_oracle oracle, uint64_t count)
{
	live_add(&checker->board->numbers.skipped[oracle], count);
}

static const char *const oracle_names[LIVE_ORACLES] = {
	[LIVE_WALKER] = "walker",
	[LIVE_ANSWER] = "answer",
	[LIVE_SHADOW] = "live shadow",
	[LIVE_DATA] = "data",
};

void checker_disagree(struct checker *checker, struct checked *checked, enum live_oracle oracle, uint64_t count, const char *format, ...)
{
	const struct capture_record *operation = checker->operation;
	struct report_line line = { .used = 0 };
	va_list list;

	live_add(&checker->board->numbers.disagreements[oracle], count);
	if (checked)
		live_add(&checked->numbers->disagreements, count);
	if (++checker->described[oracle] > DESCRIBED_MAX)
		return;
	report_put(&line, "%s: ", oracle_names[oracle]);
	checker->ops->put_operation(&line, operation);
	report_put(&line, " at %" PRIu64 ".%06" PRIu64 " s", operation->time.ns / 1000000000u, operation->time.ns / 1000u % 1000000u);
	checker->ops->put_device(&line, operation, checked);
	if (checked && checked->name[0])
		report_put(&line, " (%.40s)", checked->name);
	report_put(&line, ": ");
	va_start(list, format);
	put_list(&line, format, list);
	va_end(list);
	send(checker, LIVE_DISAGREEMENT, &line);
}

void checker_put_page(struct report_line *line, uint64_t gpa, uint32_t prot)
{
	if (prot)
		report_put(line, "0x%" PRIx64 " %s", gpa, capture_rights_name(prot));
	else
		report_put(line, "nothing");
}

void checker_say(struct checker *checker, enum live_message_kind kind, const char *format, ...)
{
	struct report_line line = { .used = 0 };
	va_list list;

	if (!checker->board)
		return;
	va_start(list, format);
	put_list(&line, format, list);
	va_end(list);
	send(checker, kind, &line);
}

enum live_kind checker_kind(uint64_t established, uint64_t released_pages)
{
	if (established)
		return released_pages ? LIVE_BOTH : LIVE_MAP;
	return released_pages ? LIVE_UNMAP : LIVE_NOTHING;
}

void checker_look(struct checker *checker, struct checked *checked, uint64_t *established, uint64_t *released_pages)
{
	struct viommu_domain_stats now = { .size = sizeof(now) };

	checker->ops->stats(checked->device, &now);
	/* Another domain counts from 0, and the pages of the previous one are gone. */
	if (now.established < checked->stats.established || now.released < checked->stats.released) {
		*released_pages += checked->stats.mapped_pages;
		checked->stats = (struct viommu_domain_stats){ 0 };
	}
	*established += now.established - checked->stats.established;
	*released_pages += now.released - checked->stats.released;
	checked->stats = now;
}

static void set_most(uint64_t *peak, uint64_t value)
{
	if (value > live_get(peak))
		live_set(peak, value);
}

void checker_put_state(struct checked *checked, const struct checked_state *state)
{
	struct live_function *numbers = checked->numbers;

	live_set(&numbers->fh, state->fh);
	live_set(&numbers->fid, checked->id);
	live_set(&numbers->registered, state->registered);
	live_set(&numbers->direct, state->direct);
	live_set(&numbers->pba, state->pba);
	live_set(&numbers->pal, state->pal);
	live_set(&numbers->iota, state->iota);
	live_set(&numbers->levels, state->levels);
	live_set(&numbers->mapped_pages, checked->stats.mapped_pages);
	set_most(&numbers->mapped_pages_peak, checked->stats.mapped_pages);
	live_set(&numbers->pinned_bytes, checked->stats.mapped_pages * VIOMMU_PAGE_SIZE);
	__atomic_store_n(&numbers->state, state->state, __ATOMIC_RELEASE);
}

void checker_count_memory(struct checker *checker)
{
	struct live_numbers *numbers = &checker->board->numbers;
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	uint64_t mapped = 0;
	size_t i;

	viommu_vm_stats(checker->vm, &stats);
	for (i = 0; i < checker->count; i++)
		mapped += checker->list[i].stats.mapped_pages;
	live_set(&numbers->mapped_pages, mapped);
	set_most(&numbers->mapped_pages_peak, mapped);
	live_set(&numbers->pinned_bytes, stats.pinned_bytes);
	live_set(&numbers->pinned_bytes_peak, stats.pinned_bytes_peak);
	live_set(&numbers->shadow_bytes, stats.shadow_bytes);
	live_set(&numbers->shadow_bytes_peak, stats.shadow_bytes_peak);
}

/*
 * Blocks missing at the end of a sequence are not an error: the guest may have been ended before it
 * read them, and a kernel may keep its translations. A gap before a later block is reported by that
 * block.
 */
static void finish_numbered(struct checker *checker)
{
	uint64_t count = checker->arguments->numbered_count;
	bool begun = false;
	size_t i;

	if (!count)
		return;
	for (i = 0; i < checker->count; i++) {
		const struct checked *checked = &checker->list[i];
		uint64_t missing = numbered_missing(&checked->numbered);

		if (!checked->numbered.seen && !checked->numbered.next)
			continue;
		begun = true;
		if (!missing)
			continue;
		checker_skip(checker, LIVE_DATA, missing);
		checker_say(checker, LIVE_NOTE,
			    "data: %s 0x%" PRIx32 ": the last %" PRIu64 " of %" PRIu64
			    " blocks cannot be judged: the guest has not read them, or not released their pages",
			    checker->ops->device, checked->id, missing, count);
	}
	if (begun)
		return;
	checker_skip(checker, LIVE_DATA, count);
	if (live_get(&checker->board->numbers.released))
		checker_say(checker, LIVE_NOTE, "data: nothing can be judged: none of the %" PRIu64 " blocks was in a page that the guest has released", count);
	else
		checker_say(checker, LIVE_NOTE, "data: nothing can be judged: the guest has released no page, and was to read %" PRIu64 " blocks", count);
}

void checker_end(struct checker *checker)
{
	struct live_numbers *numbers;
	uint64_t checks = 0, disagreements = 0;
	unsigned int i;

	if (!checker->board)
		return;
	finish_numbered(checker);
	checker->ready = false;
	numbers = &checker->board->numbers;
	live_set(&numbers->ended, timing_now());
	live_set(&numbers->end, LIVE_END_QEMU_EXITS);
	live_set(&numbers->guest, LIVE_GUEST_ENDED);
	for (i = 0; i < LIVE_ORACLES; i++) {
		checks += live_get(&numbers->checks[i]);
		disagreements += live_get(&numbers->disagreements[i]);
	}
	if (!checker->arguments->board)
		fprintf(stderr, "viommu-watch: %" PRIu64 " refreshes, %" PRIu64 " checks, %" PRIu64 " disagreements\n",
			live_get(&numbers->rpcits) + live_get(&numbers->invalidations), checks, disagreements);
}
