// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Output about an operation, and the sums of the guest IOMMU's commands.
 */
#include "streams.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

/* Of an SMMU: CMDQ_CONS.ERR (IHI 0070, section 7.1). */
static const char *error_name(const struct streams *streams)
{
	static const char *const names[] = { "-", "CERROR_ILL", "CERROR_ABT", "CERROR_ATC_INV_SYNC" };
	uint32_t error = streams->error;

	if (streams->type->guest != CAPTURE_SMMUV3)
		return error ? "REFUSED" : "-";
	return error < sizeof(names) / sizeof(names[0]) ? names[error] : "CERROR";
}

/* Where an operation acts, and the number that says how. */
static uint64_t place(const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_WRITE:
		return record->write.offset;
	case CAPTURE_REQUEST:
		return record->request.first;
	default:
		return 0;
	}
}

static uint64_t value(const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_WRITE:
		return record->write.value;
	case CAPTURE_REQUEST:
		return record->request.domain;
	case CAPTURE_DRIVER:
		return record->driver.features;
	default:
		return record->kick.sid;
	}
}

void streams_print_ops(const struct replay *replay)
{
	const struct streams *streams = streams_of(replay);
	const struct capture_record *record = &replay->operation.record;

	if (record->kind == CAPTURE_KICK)
		printf(" - 0x%" PRIx32 " - - -", record->kick.sid);
	else
		printf(" 0x%" PRIx64 " 0x%" PRIx64 " %" PRIu64 " %" PRIu64 " %s", place(record), value(record), streams->commands, streams->refreshes,
		       error_name(streams));
}

void streams_print_json(const struct replay *replay, void *object)
{
	const struct streams *streams = streams_of(replay);
	const struct capture_record *record = &replay->operation.record;
	bool acts = record->kind != CAPTURE_KICK;

	if (acts)
		replay_set_hex(object, "offset", place(record));
	else
		json_object_set_new(object, "offset", json_null());
	replay_set_hex(object, "value", value(record));
	json_object_set_new(object, "commands", acts ? json_integer((json_int_t)streams->commands) : json_null());
	json_object_set_new(object, "refreshes", acts ? json_integer((json_int_t)streams->refreshes) : json_null());
	json_object_set_new(object, "error", streams->error ? json_string(error_name(streams)) : json_null());
}

void streams_print_operation(const struct replay *replay)
{
	const struct streams *streams = streams_of(replay);
	const struct capture_record *record = &replay->operation.record;

	if (record->kind == CAPTURE_KICK) {
		fprintf(stderr, ", stream 0x%" PRIx32, record->kick.sid);
		return;
	}
	if (record->kind == CAPTURE_REQUEST) {
		const struct capture_request *request = &record->request;
		fprintf(stderr, ", domain 0x%" PRIx32 ", endpoint 0x%" PRIx32 ", IOVA 0x%" PRIx64 "..0x%" PRIx64 ", GPA 0x%" PRIx64, request->domain,
			request->endpoint, request->first, request->last, request->gpa);
		return;
	}
	if (record->kind == CAPTURE_DRIVER) {
		fprintf(stderr, ", features 0x%" PRIx64, record->driver.features);
		return;
	}
	const char *name = unit_register_name(streams->type, record->write.offset);
	if (name && !strstr(replay->iommu->instructions[replay->operation.instruction].name, name))
		fprintf(stderr, " (%s)", name);
	fprintf(stderr, ", offset 0x%" PRIx64 ", value 0x%" PRIx64 "; %s, %s", record->write.offset, record->write.value,
		cli_count_of(streams->commands, "command", "commands"), cli_count_of(streams->refreshes, "refresh", "refreshes"));
	if (streams->error)
		fprintf(stderr, ", %s", error_name(streams));
}

void streams_print_summary(const struct replay_counts *counts)
{
	cli_line("commands", CLI_PLAIN, "%s: %s, %s; %s; %s inside the library", cli_count(counts->commands),
		 cli_count_of(counts->invalidations, "invalidation", "invalidations"), cli_count_of(counts->configurations, "configuration", "configurations"),
		 cli_count_of(counts->refreshes, "refresh", "refreshes"), cli_seconds(counts->library_seconds));
	if (counts->command_errors)
		cli_line("", CLI_PLAIN, "%s refused", cli_count_of(counts->command_errors, "command was", "commands were"));
	if (counts->accesses)
		cli_line("accesses", CLI_PLAIN, "%s; %s, and %s found in the tables in %s", cli_count(counts->accesses),
			 cli_count_of(counts->misses, "miss", "misses"), cli_count(counts->filled), cli_seconds(counts->miss_seconds));
}
