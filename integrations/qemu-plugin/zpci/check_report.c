/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages. A disagreement is one line with everything that is known: oracle, operation, function and device, both answers, and the guest's entries on the
 * way to the IOVA as they are now, each with its address.
 */
#include "checker_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "format/zpci.h"
#include "timing.h"

struct line {
	char text[LIVE_MESSAGE_BYTES];
	size_t used;
};

static void __attribute__((format(printf, 2, 0))) put_list(struct line *line, const char *format, va_list list)
{
	int wrote = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, list);

	if (wrote > 0)
		line->used += (size_t)wrote < sizeof(line->text) - line->used ? (size_t)wrote : sizeof(line->text) - line->used - 1;
}

static void __attribute__((format(printf, 2, 3))) put(struct line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	put_list(line, format, list);
	va_end(list);
}

static void send(struct checker *checker, enum live_message_kind kind, const struct line *line)
{
	live_ring_write(&checker->board->ring, kind, timing_now(), line->text);
	if (!checker->arguments->board)
		fprintf(stderr, "viommu-watch: %s\n", line->text);
}

void check_say(struct checker *checker, enum live_message_kind kind, const char *format, ...)
{
	struct line line = { .used = 0 };
	va_list list;

	va_start(list, format);
	put_list(&line, format, list);
	va_end(list);
	send(checker, kind, &line);
}

static const char *const oracle_names[LIVE_ORACLES] = {
	[LIVE_WALKER] = "walker",
	[LIVE_ANSWER] = "answer",
	[LIVE_SHADOW] = "live shadow",
	[LIVE_DATA] = "data",
};

static void put_operation(struct line *line, const struct check *check)
{
	const struct capture_record *operation = &check->operation;

	if (operation->kind == CAPTURE_RPCIT)
		put(line, "rpcit 0x%" PRIx64 "+0x%" PRIx64, operation->rpcit.start, operation->rpcit.bytes);
	else if (operation->kind == CAPTURE_MPCIFC)
		put(line, "mpcifc oc %u dmaas %u pba 0x%" PRIx64 " pal 0x%" PRIx64 " iota 0x%" PRIx64, operation->mpcifc.oc, operation->mpcifc.dmaas,
		    operation->mpcifc.pba, operation->mpcifc.pal, operation->mpcifc.iota);
	else
		put(line, "clp %s to 0x%08" PRIx32, operation->clp.op == CAPTURE_CLP_ENABLE ? "enable" : "disable", operation->clp.to);
	put(line, " at %" PRIu64 ".%06" PRIu64 " s of function 0x%08" PRIx32, operation->time.ns / 1000000000u, operation->time.ns / 1000u % 1000000u,
	    capture_handle(operation));
	if (check->function)
		put(line, " fid 0x%" PRIx32, check->function->fid);
	if (check->function && check->function->device)
		put(line, " (%.40s)", check->function->device);
}

/* The entries that lead to an IOVA, the highest first: [level] entry @ its address. */
static void put_walk(struct line *line, const struct guest_ram *ram, uint64_t iota, uint64_t iova)
{
	struct format_root root;
	unsigned int level;
	uint64_t table;

	put(line, "; iota 0x%" PRIx64, iota);
	if (zpci_root(&(struct format_anchor){ iota, 0 }, &root))
		return;
	level = root.level;
	table = root.table;
	for (;;) {
		uint64_t index = iova >> zpci_shift(level) & ((UINT64_C(1) << zpci_index_bits(level)) - 1), raw;

		if (!guest_ram_load(ram, table + index * 8, &raw)) {
			put(line, " [%u] no memory at 0x%" PRIx64, level, table + index * 8);
			return;
		}
		raw = zpci_from_memory(raw);
		put(line, " [%u] 0x%" PRIx64 " @ 0x%" PRIx64, level, raw, table + index * 8);
		if (!level || zpci_kind(&root, level, raw) != FORMAT_TABLE)
			return;
		table = zpci_table_address(level--, raw);
	}
}

static void count(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t number)
{
	live_add(&checker->board->numbers.disagreements[oracle], number);
	if (check->function)
		live_add(&check->function->numbers->disagreements, number);
}

static void begin(struct line *line, const struct check *check, enum live_oracle oracle)
{
	put(line, "%s: ", oracle_names[oracle]);
	put_operation(line, check);
	put(line, ": ");
}

void check_disagree(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t number, const char *format, ...)
{
	struct line line = { .used = 0 };
	va_list list;

	count(checker, check, oracle, number);
	if (!format)
		return;
	begin(&line, check, oracle);
	va_start(list, format);
	put_list(&line, format, list);
	va_end(list);
	send(checker, LIVE_DISAGREEMENT, &line);
}

void check_disagree_at(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t number, uint64_t iova, const char *format, ...)
{
	struct line line = { .used = 0 };
	va_list list;

	count(checker, check, oracle, number);
	begin(&line, check, oracle);
	va_start(list, format);
	put_list(&line, format, list);
	va_end(list);
	put_walk(&line, &checker->ram, check->iota, iova);
	send(checker, LIVE_DISAGREEMENT, &line);
}
