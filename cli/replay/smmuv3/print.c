// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Output about a store or a kick, and the sums of an SMMU's commands.
 */
#include "smmuv3.h"

#include <inttypes.h>

#include <jansson.h>

/* CMDQ_CONS.ERR (IHI 0070, section 7.1). */
static const char *error_name(uint32_t error)
{
	static const char *const names[] = { "-", "CERROR_ILL", "CERROR_ABT", "CERROR_ATC_INV_SYNC" };

	return error < sizeof(names) / sizeof(names[0]) ? names[error] : "CERROR";
}

void smmuv3_print_ops(const struct replay *replay)
{
	const struct smmuv3 *smmu = smmuv3_of(replay);
	const struct capture_record *record = &replay->operation.record;

	if (record->kind == CAPTURE_KICK)
		printf(" - 0x%" PRIx32 " - - -", record->kick.sid);
	else
		printf(" 0x%" PRIx64 " 0x%" PRIx64 " %" PRIu64 " %" PRIu64 " %s", record->write.offset, record->write.value, smmu->commands, smmu->refreshes,
		       error_name(smmu->error));
}

static void set_hex(json_t *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_set_new(object, key, json_string(text));
}

void smmuv3_print_json(const struct replay *replay, void *object)
{
	const struct smmuv3 *smmu = smmuv3_of(replay);
	const struct capture_record *record = &replay->operation.record;
	bool write = record->kind == CAPTURE_WRITE;

	if (write)
		set_hex(object, "offset", record->write.offset);
	else
		json_object_set_new(object, "offset", json_null());
	set_hex(object, "value", write ? record->write.value : record->kick.sid);
	json_object_set_new(object, "commands", write ? json_integer((json_int_t)smmu->commands) : json_null());
	json_object_set_new(object, "refreshes", write ? json_integer((json_int_t)smmu->refreshes) : json_null());
	json_object_set_new(object, "error", smmu->error ? json_string(error_name(smmu->error)) : json_null());
}

void smmuv3_print_operation(const struct replay *replay)
{
	const struct smmuv3 *smmu = smmuv3_of(replay);
	const struct capture_record *record = &replay->operation.record;

	if (record->kind == CAPTURE_KICK) {
		fprintf(stderr, ", stream 0x%" PRIx32, record->kick.sid);
		return;
	}
	const char *name = smmuv3_register_name(record->write.offset);
	if (name && replay->operation.instruction == SMMUV3_WRITE_OTHER)
		fprintf(stderr, " (%s)", name);
	fprintf(stderr, ", offset 0x%" PRIx64 ", value 0x%" PRIx64 "; %s, %s", record->write.offset, record->write.value,
		cli_count_of(smmu->commands, "command", "commands"), cli_count_of(smmu->refreshes, "refresh", "refreshes"));
	if (smmu->error)
		fprintf(stderr, ", %s", error_name(smmu->error));
}

void smmuv3_print_summary(const struct replay_counts *counts)
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
