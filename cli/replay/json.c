// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --json: one document on stdout. It is written during the replay, because the list of operations
 * can have any length. Only counts pass through jansson as a whole. docs/replay.md lists the keys.
 */
#include "replay.h"

#include <inttypes.h>

#include <jansson.h>

static void set(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* Stores and kicks have no answer. */
static json_t *count_json(const struct replay_answers *answers)
{
	json_t *object = json_object();

	set(object, "count", answers->count);
	return object;
}

static json_t *answers_json(const struct replay_answers *answers)
{
	json_t *object = count_json(answers);
	json_t *cc = json_object();
	json_t *status = json_object();
	json_t *exceptions = json_object();
	char key[16];

	for (unsigned int i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "%u", i);
		set(cc, key, answers->cc[i]);
	}
	for (unsigned int i = 0; i < 256; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (answers->status[i])
			set(status, key, answers->status[i]);
	}
	for (unsigned int i = 0; i < REPLAY_MAX_CODES; i++) {
		snprintf(key, sizeof(key), "0x%04" PRIx32, answers->exceptions[i].code);
		if (answers->exceptions[i].count)
			set(exceptions, key, answers->exceptions[i].count);
	}
	json_object_set_new(object, "cc", cc);
	json_object_set_new(object, "status", status);
	json_object_set_new(object, "exception", exceptions);
	return object;
}

static void set_counts(json_t *object, const struct replay_counts *counts)
{
	set(object, "operations", counts->operations);
	set(object, "refreshes", counts->refreshes);
	set(object, "global_refreshes", counts->global_refreshes);
	set(object, "make_room_refreshes", counts->make_room_refreshes);
	set(object, "pages_established", counts->pages_established);
	set(object, "pages_released", counts->pages_released);
	set(object, "mapped_pages", counts->mapped_pages);
	set(object, "mapped_pages_peak", counts->mapped_pages_peak);
	set(object, "pinned_bytes", counts->pinned_bytes);
	set(object, "pinned_bytes_peak", counts->pinned_bytes_peak);
	set(object, "shadow_bytes_peak", counts->shadow_bytes_peak);
	set(object, "guest_bytes", counts->guest_bytes);
	set(object, "insufficient_resources", counts->insufficient_resources);
	set(object, "errors", counts->events + counts->exceptions + counts->command_errors);
	set(object, "events", counts->events);
	set(object, "exceptions", counts->exceptions);
	set(object, "skipped", counts->skipped);
	set(object, "refused", counts->refused);
	set(object, "left_to_vmm", counts->left);
	set(object, "commands", counts->commands);
	set(object, "invalidations", counts->invalidations);
	set(object, "configurations", counts->configurations);
	set(object, "command_errors", counts->command_errors);
	set(object, "accesses", counts->accesses);
	set(object, "misses", counts->misses);
	set(object, "filled", counts->filled);
	set(object, "answers_checked", counts->answers_checked);
	set(object, "answers_short", counts->answers_short);
	set(object, "answer_mismatches", counts->answer_mismatches);
	set(object, "oracle_checks", counts->oracle_checks);
	set(object, "oracle_pages", counts->oracle_pages);
	set(object, "oracle_mismatches", counts->oracle_mismatches);
	set(object, "oracle_missing", counts->oracle_missing);
	set(object, "oracle_unbacked", counts->oracle_unbacked);
	set(object, "invariant_checks", counts->invariant_checks);
	set(object, "invariant_violations", counts->invariant_violations);
	set(object, "soft_functions", counts->soft_functions);
	set(object, "dma_functions", counts->dma_functions);
	set(object, "dma_unwitnessed", counts->dma_unwitnessed);
	set(object, "dma_pages", counts->dma_pages);
	set(object, "dma_read_only", counts->dma_read_only);
	set(object, "dma_protected", counts->dma_protected);
	set(object, "dma_unmapped", counts->dma_unmapped);
	set(object, "dma_unchecked", counts->dma_unchecked);
	set(object, "dma_wrong", counts->dma_wrong);
	json_object_set_new(object, "seconds", json_real(counts->seconds));
	json_object_set_new(object, "library_seconds", json_real(counts->library_seconds));
	json_object_set_new(object, "miss_seconds", json_real(counts->miss_seconds));

	json_t *answers = json_object();
	/* The guest IOMMUs of the capture; if it could not be read, the first one. */
	bool any = false;
	for (unsigned int i = 0; i < REPLAY_IOMMUS; i++)
		any = any || counts->of[i];
	for (unsigned int i = 0; i < REPLAY_IOMMUS; i++) {
		const struct replay_iommu *iommu = replay_iommus[i];
		for (unsigned int n = 0; (any ? counts->of[i] : !i) && n < iommu->instruction_count; n++)
			json_object_set_new(answers, iommu->instructions[n].name,
					    iommu->answers ? answers_json(&counts->answers[i][n]) : count_json(&counts->answers[i][n]));
	}
	json_object_set_new(object, "answers", answers);
}

void replay_set_hex(void *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_set_new(object, key, json_string(text));
}

static void add_map_line(void *ctx, const struct replay_map_line *line)
{
	json_t *object = json_object();

	replay_set_hex(object, line->iommu->function, line->name);
	replay_set_hex(object, "first", line->run.first);
	replay_set_hex(object, "last", line->run.last);
	replay_set_hex(object, "gpa", line->run.gpa);
	json_object_set_new(object, "rights", json_string(capture_rights_name(line->run.prot)));
	json_array_append_new(ctx, object);
}

/* The members of an object, without its braces. */
static void print_members(json_t *object)
{
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_EMBED);
	json_decref(object);
}

static json_t *text_or_null(const char *text)
{
	/* A path may have any bytes; json_string() refuses those that are not UTF-8. */
	json_t *string = *text ? json_string(text) : NULL;

	return string ? string : json_null();
}

/* The devices that were assigned to functions of this guest. */
static json_t *devices_json(const struct replay *replay)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < replay->devices_used; i++)
		json_array_append_new(array, json_string(replay->options->devices[i]));
	return array;
}

void replay_json_begin(struct replay_json *json, const struct replay_options *options, bool several)
{
	*json = (struct replay_json){ .on = options->json, .several = several, .ops = options->ops };
	if (json->on && several)
		printf("{\n\"captures\": [\n");
}

void replay_json_capture_begin(struct replay_json *json)
{
	if (!json->on)
		return;
	printf("%s{", json->captures++ ? ",\n" : "");
	json->operations = 0;
	if (json->ops)
		printf("\n\"ops\": [");
}

void replay_json_operation(struct replay_json *json, const struct replay *replay)
{
	const struct replay_operation *operation = &replay->operation;

	if (!json->on || !json->ops)
		return;
	json_t *object = json_object();
	set(object, "number", operation->number);
	json_object_set_new(object, "instruction", json_string(replay->iommu->instructions[operation->instruction].name));
	replay->iommu->json(replay, object);
	printf("%s\n", json->operations++ ? "," : "");
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
}

void replay_json_map(struct replay_json *json, struct replay *replay)
{
	json->map = json_array();
	replay_map_each(replay, add_map_line, json->map);
}

void replay_json_capture_end(struct replay_json *json, struct replay *replay)
{
	if (!json->on)
		return;
	if (json->ops)
		printf("\n],");
	json_t *object = json_object();
	json_object_set_new(object, "capture", text_or_null(replay->path));
	json_object_set_new(object, "complete", json_boolean(replay->complete));
	json_object_set_new(object, "stopped", json_boolean(replay->stopped));
	json_object_set_new(object, "guest", replay->iommu ? json_string(capture_guest_name(replay->iommu->guest)) : json_null());
	json_object_set_new(object, "error", text_or_null(replay->problem));
	json_object_set_new(object, "agrees", json_boolean(replay_agrees(&replay->counts)));
	json_object_set_new(object, "pin", json_string(replay->options->pin == VIOMMU_PIN_GUEST ? "guest" : "refresh"));
	bool limited = replay->options->budget <= INT64_MAX;
	json_object_set_new(object, "budget", limited ? json_integer((json_int_t)replay->options->budget) : json_null());
	json_object_set_new(object, "host", json_string(replay_host_name(replay->options->host)));
	json_object_set_new(object, "devices", devices_json(replay));
	json_object_set_new(object, "dma_note", text_or_null(replay->dma_note));
	set_counts(object, &replay->counts);
	if (replay->options->map)
		json_object_set_new(object, "map", json->map ? json->map : json_array());
	json->map = NULL;
	print_members(object);
	printf("}%s", json->several ? "" : "\n");
}

void replay_json_end(struct replay_json *json, const struct replay_counts *total)
{
	if (!json->on || !json->several)
		return;
	json_t *object = json_object();
	json_object_set_new(object, "agrees", json_boolean(replay_agrees(total)));
	set_counts(object, total);
	printf("\n],\n\"total\": {");
	print_members(object);
	printf("}\n}\n");
}
