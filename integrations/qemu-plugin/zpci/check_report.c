/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages. A disagreement is one line with everything that is known: oracle, operation, function and device, both answers, and the guest's entries on the
 * way to the IOVA as they are now, each with its address.
 */
#include "checker_state.h"

#include <inttypes.h>
#include <stdarg.h>

#include "format/zpci.h"
#include "report.h"

static void send(struct checker *checker, enum live_message_kind kind, const struct report_line *line)
{
	report_send(checker->board, checker->arguments, kind, line);
}

void check_say(struct checker *checker, enum live_message_kind kind, const char *format, ...)
{
	struct report_line line = { .used = 0 };
	va_list list;

	va_start(list, format);
	report_put_list(&line, format, list);
	va_end(list);
	send(checker, kind, &line);
}

static const char *const oracle_names[LIVE_ORACLES] = {
	[LIVE_WALKER] = "walker",
	[LIVE_ANSWER] = "answer",
	[LIVE_SHADOW] = "live shadow",
	[LIVE_DATA] = "data",
};

static void put_operation(struct report_line *line, const struct check *check)
{
	const struct capture_record *operation = &check->operation;

	if (operation->kind == CAPTURE_RPCIT)
		report_put(line, "rpcit 0x%" PRIx64 "+0x%" PRIx64, operation->rpcit.start, operation->rpcit.bytes);
	else if (operation->kind == CAPTURE_MPCIFC)
		report_put(line, "mpcifc oc %u dmaas %u pba 0x%" PRIx64 " pal 0x%" PRIx64 " iota 0x%" PRIx64, operation->mpcifc.oc, operation->mpcifc.dmaas,
			   operation->mpcifc.pba, operation->mpcifc.pal, operation->mpcifc.iota);
	else
		report_put(line, "clp %s to 0x%08" PRIx32, operation->clp.op == CAPTURE_CLP_ENABLE ? "enable" : "disable", operation->clp.to);
	report_put(line, " at %" PRIu64 ".%06" PRIu64 " s of function 0x%08" PRIx32, operation->time.ns / 1000000000u, operation->time.ns / 1000u % 1000000u,
		   capture_handle(operation));
	if (check->function)
		report_put(line, " fid 0x%" PRIx32, check->function->fid);
	if (check->function && check->function->device)
		report_put(line, " (%.40s)", check->function->device);
}

/* The entries that lead to an IOVA, the highest first: [level] entry @ its address. */
static void put_walk(struct report_line *line, const struct guest_ram *ram, uint64_t iota, uint64_t iova)
{
	struct format_root root;
	unsigned int level;
	uint64_t table;

	report_put(line, "; iota 0x%" PRIx64, iota);
	if (zpci_root(&(struct format_anchor){ iota, 0 }, &root))
		return;
	level = root.level;
	table = root.table;
	for (;;) {
		uint64_t index = iova >> zpci_shift(level) & ((UINT64_C(1) << zpci_index_bits(level)) - 1), raw;

		if (!guest_ram_load(ram, table + index * 8, &raw)) {
			report_put(line, " [%u] no memory at 0x%" PRIx64, level, table + index * 8);
			return;
		}
		raw = zpci_from_memory(raw);
		report_put(line, " [%u] 0x%" PRIx64 " @ 0x%" PRIx64, level, raw, table + index * 8);
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

static void begin(struct report_line *line, const struct check *check, enum live_oracle oracle)
{
	report_put(line, "%s: ", oracle_names[oracle]);
	put_operation(line, check);
	report_put(line, ": ");
}

void check_disagree(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t number, const char *format, ...)
{
	struct report_line line = { .used = 0 };
	va_list list;

	count(checker, check, oracle, number);
	if (!format)
		return;
	begin(&line, check, oracle);
	va_start(list, format);
	report_put_list(&line, format, list);
	va_end(list);
	send(checker, LIVE_DISAGREEMENT, &line);
}

void check_disagree_at(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t number, uint64_t iova, const char *format, ...)
{
	struct report_line line = { .used = 0 };
	va_list list;

	count(checker, check, oracle, number);
	begin(&line, check, oracle);
	va_start(list, format);
	report_put_list(&line, format, list);
	va_end(list);
	put_walk(&line, &checker->ram, check->iota, iova);
	send(checker, LIVE_DISAGREEMENT, &line);
}
