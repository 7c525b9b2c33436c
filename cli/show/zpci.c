// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The description of a zPCI guest: its functions, their registrations and refreshes, and the
 * answers of instructions.
 */
#include "show.h"

#include <inttypes.h>

#include <viommu/zpci.h>

/*
 * The I/O translation anchor (Linux, pci_dma.h): T means that there are tables, the designation
 * type is the type of the first table.
 */
#define IOTA_T	      0x800u
#define IOTA_DT_SHIFT 2
#define IOTA_DT_MASK  7u

struct function {
	bool present;
	struct capture_function record;
	uint32_t fh; /* now */
	uint64_t registrations;
	struct capture_mpcifc registration; /* the last one */
	uint64_t refreshes;
	uint64_t global_refreshes;
	uint64_t first, last; /* of all refreshes */
	uint64_t smallest, largest;
	uint64_t other; /* operations */
};

struct zpci {
	unsigned int function_count;
	struct function functions[SHOW_FUNCTIONS];
	uint64_t strangers; /* operations with a handle that no function has */
	uint64_t answered;
	uint64_t answered_cc[4];
	uint64_t answered_exception;
};

const char *show_designation(uint64_t iota)
{
	static const char *const names[] = {
		"segment table, 2 levels", "region-third table, 3 levels", "region-second table, 4 levels", "region-first table, 5 levels", "page frame",
		"I/O extended page frame", "unassigned designation",	   "I/O extended page table",
	};

	return iota & IOTA_T ? names[iota >> IOTA_DT_SHIFT & IOTA_DT_MASK] : "untranslated";
}

static struct function *find_function(struct zpci *description, uint32_t fh)
{
	for (unsigned int i = 0; i < description->function_count; i++) {
		if (description->functions[i].present && description->functions[i].fh == fh)
			return &description->functions[i];
	}
	return NULL;
}

static void add_function(struct zpci *description, const struct capture_function *function)
{
	if (description->function_count == SHOW_FUNCTIONS)
		return;
	description->functions[description->function_count++] = (struct function){ .present = true, .record = *function, .fh = function->fh };
}

static void add_registration(struct function *function, const struct capture_mpcifc *mpcifc)
{
	if (mpcifc->oc != VIOMMU_ZPCI_OC_REG_IOAT && mpcifc->oc != VIOMMU_ZPCI_OC_REREG_IOAT) {
		function->other++;
		return;
	}
	function->registrations++;
	function->registration = *mpcifc;
}

static void add_refresh(struct function *function, const struct capture_rpcit *rpcit)
{
	uint64_t last = rpcit->start + (rpcit->bytes ? rpcit->bytes - 1 : 0);

	if (last < rpcit->start)
		last = UINT64_MAX;
	if (!function->refreshes || rpcit->start < function->first)
		function->first = rpcit->start;
	if (!function->refreshes || last > function->last)
		function->last = last;
	if (!function->refreshes || rpcit->bytes < function->smallest)
		function->smallest = rpcit->bytes;
	if (!function->refreshes || rpcit->bytes > function->largest)
		function->largest = rpcit->bytes;
	function->refreshes++;
	if (function->registrations && rpcit->start <= function->registration.pba && last >= function->registration.pal)
		function->global_refreshes++;
}

static void add_operation(struct zpci *description, const struct capture_record *record)
{
	struct function *function = find_function(description, capture_handle(record));

	if (record->answer.kind != CAPTURE_ANSWER_NONE)
		description->answered++;
	if (record->answer.kind == CAPTURE_ANSWER_CC)
		description->answered_cc[record->answer.cc & 3]++;
	if (record->answer.kind == CAPTURE_ANSWER_EXCEPTION)
		description->answered_exception++;
	if (!function) {
		description->strangers++;
		return;
	}
	if (record->kind == CAPTURE_MPCIFC)
		add_registration(function, &record->mpcifc);
	else if (record->kind == CAPTURE_RPCIT)
		add_refresh(function, &record->rpcit);
	else
		function->other++;
	if (record->kind == CAPTURE_CLP)
		function->fh = record->clp.to;
}

static void add(void *own, enum capture_guest guest, const struct capture_record *record)
{
	struct zpci *description = own;
	struct function *function;

	(void)guest;
	if (record->kind == CAPTURE_FUNCTION) {
		add_function(description, &record->function);
	} else if (record->kind == CAPTURE_UNPLUG) {
		function = find_function(description, record->unplug.fh);
		if (function)
			function->present = false;
	} else if (capture_is_operation(record->kind)) {
		add_operation(description, record);
	}
}

static void print_function(const struct function *function)
{
	const struct capture_mpcifc *last = &function->registration;

	cli_line("function", CLI_PLAIN, "0x%08" PRIx32 ", fid 0x%" PRIx32 ", plugged %s%s%s%s", function->record.fh, function->record.fid,
		 capture_state_name(function->record.state), function->record.relaxed ? ", may work untranslated" : "",
		 function->record.no_refresh ? ", need not refresh what becomes valid" : "", function->present ? "" : ", unplugged again");
	if (function->registrations)
		cli_line("", CLI_PLAIN, "registered %s, the last time for IOVA 0x%" PRIx64 "..0x%" PRIx64 " with IOTA 0x%" PRIx64 " (%s)",
			 cli_count_of(function->registrations, "time", "times"), last->pba, last->pal, last->iota, show_designation(last->iota));
	if (function->refreshes)
		cli_line("", CLI_PLAIN, "%s within IOVA 0x%" PRIx64 "..0x%" PRIx64 ", of %s to %s; %s of all that is registered",
			 cli_count_of(function->refreshes, "refresh", "refreshes"), function->first, function->last, cli_bytes(function->smallest),
			 cli_bytes(function->largest), cli_count(function->global_refreshes));
	if (function->other)
		cli_line("", CLI_PLAIN, "%s", cli_count_of(function->other, "other operation", "other operations"));
}

static void print(const void *own)
{
	const struct zpci *description = own;

	for (unsigned int i = 0; i < description->function_count; i++)
		print_function(&description->functions[i]);
	if (description->strangers)
		cli_line("others", CLI_PLAIN, "%s with handles that no function has", cli_count_of(description->strangers, "operation", "operations"));
}

static void print_answers(const void *own)
{
	const struct zpci *description = own;

	if (description->answered)
		cli_line("answers", CLI_PLAIN, "%s cc 0, %s cc 1, %s cc 2, %s cc 3, %s", cli_count(description->answered_cc[0]),
			 cli_count(description->answered_cc[1]), cli_count(description->answered_cc[2]), cli_count(description->answered_cc[3]),
			 cli_count_of(description->answered_exception, "exception", "exceptions"));
}

const struct show_iommu show_zpci = { .bytes = sizeof(struct zpci), .add = add, .print = print, .print_answers = print_answers };
