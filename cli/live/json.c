// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The view for programs: one JSON object on each line. Its member "type" is its kind. docs/live.md
 * lists the keys.
 */
#include "live.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of the board are below 2^63, or not plausible. JSON's integers are signed. */
static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Addresses and handles as strings: many JSON readers lose bits of large numbers. */
static json_t *hexadecimal(uint64_t value, int digits)
{
	return json_sprintf("0x%0*" PRIx64, digits, value);
}

/*
 * References to values that could not be created are NULL. jansson refuses them, and the object
 * lacks a key. Memory is short in that case.
 */
static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
	set(object, key, number(value));
}

static json_t *kinds(const uint64_t *counts)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < LIVE_KINDS; i++)
		set_number(object, live_kind_names[i], counts[i]);
	return object;
}

/* JSON text is UTF-8. */
static json_t *text(const char *string, size_t most)
{
	json_t *value = json_stringn(string, strnlen(string, most));

	return value ? value : json_string("(unprintable)");
}

static json_t *function(const struct live_numbers *now, const struct live_function *function)
{
	bool stream = now->iommu != LIVE_ZPCI;
	json_t *object = json_object();

	if (stream) {
		set(object, "sid", hexadecimal(function->fh, 1));
	} else {
		set(object, "fh", hexadecimal(function->fh, 8));
		set_number(object, "fid", function->fid);
	}
	set(object, "name", text(function->name, LIVE_FUNCTION_NAME));
	set(object, "state", json_string(live_function_state_name(function->state)));
	set(object, "registered", json_boolean(function->registered));
	set(object, "direct", json_boolean(function->direct));
	set(object, "first", function->registered ? hexadecimal(function->pba, 1) : json_null());
	set(object, "last", function->registered ? hexadecimal(function->pal, 1) : json_null());
	set(object, !stream ? "iota" : now->iommu == LIVE_SMMUV3 ? "ttb" : "root", function->registered ? hexadecimal(function->iota, 1) : json_null());
	set_number(object, "levels", function->levels);
	set_number(object, "mapped_pages", function->mapped_pages);
	set_number(object, "mapped_pages_peak", function->mapped_pages_peak);
	set_number(object, "pinned_bytes", function->pinned_bytes);
	set(object, "refreshes", kinds(function->refreshes));
	set_number(object, "pages_established", function->established);
	set_number(object, "pages_released", function->released);
	set_number(object, "insufficient_resources", function->insufficient);
	set_number(object, "errors", function->errors);
	set_number(object, "registrations", function->registrations);
	set_number(object, "enablings", function->enablings);
	set_number(object, "pluggings", function->pluggings);
	set_number(object, "checks", function->checks);
	set_number(object, "disagreements", function->disagreements);
	return object;
}

static json_t *functions(const struct live_numbers *now)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < LIVE_FUNCTIONS; i++) {
		if (now->functions[i].state != LIVE_FUNCTION_FREE)
			json_array_append_new(array, function(now, &now->functions[i]));
	}
	return array;
}

static json_t *oracles(const struct live_numbers *now)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < LIVE_ORACLES; i++) {
		json_t *oracle = json_object();
		set(oracle, "available", json_boolean(now->available[i]));
		set_number(oracle, "checks", now->checks[i]);
		set_number(oracle, "disagreements", now->disagreements[i]);
		set_number(oracle, "skipped", now->skipped[i]);
		set(object, live_oracle_names[i], oracle);
	}
	return object;
}

static json_t *histogram(const struct live_histogram *histogram)
{
	json_t *object = json_object();

	set_number(object, "count", histogram->count);
	set_number(object, "median_ns", live_histogram_median(histogram));
	set_number(object, "p99_ns", live_histogram_percentile(histogram, 99));
	set_number(object, "most_ns", histogram->most);
	set_number(object, "total_ns", histogram->total);
	return object;
}

static json_t *times(const struct live_numbers *now)
{
	json_t *object = json_object();

	for (unsigned int kind = 0; kind < LIVE_KINDS; kind++) {
		json_t *timed = json_object();
		for (unsigned int i = 0; i < LIVE_TIMED; i++)
			set(timed, live_timed_names[i], histogram(&now->times[kind][i]));
		set(object, live_kind_names[kind], timed);
	}
	return object;
}

static json_t *rates(const struct live_state *state)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < LIVE_KINDS; i++)
		set(object, live_kind_names[i], json_real(state->rates[i]));
	return object;
}

static void set_end(json_t *object, const struct live_state *state)
{
	const struct live_numbers *now = &state->now;

	set(object, "agrees", json_boolean(!state->disagreements));
	set_number(object, "status", (uint64_t)live_status(state));
	set(object, "qemu", json_string(state->fate));
	set(object, "qemu_failed", json_boolean(state->failed));
	set(object, "qemu_status", now->end == LIVE_END_EXIT_STATUS ? number(now->end_value) : json_null());
	set(object, "qemu_signal", now->end == LIVE_END_SIGNAL ? number(now->end_value) : json_null());
}

static void print(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));

	if (text)
		puts(text);
	fflush(stdout);
	free(text);
	json_decref(object);
}

void live_json_update(const struct live_state *state, bool final)
{
	static const char *const iommus[LIVE_IOMMUS] = { "zpci", "smmuv3", "vtd", "amdvi", "virtio" };
	static const char *const phases[] = { "starting", "running", "ended" };
	const struct live_numbers *now = &state->now;
	json_t *object = json_object();

	set(object, "type", json_string(final ? "final" : "state"));
	set(object, "seconds", json_real(state->time - state->begun));
	set(object, "guest", json_string(now->guest <= LIVE_GUEST_ENDED ? phases[now->guest] : "unknown"));
	if (final)
		set_end(object, state);
	set_number(object, "checks", state->checks);
	set_number(object, "disagreements", state->disagreements);
	set(object, "oracles", oracles(now));
	set(object, "iommu", !live_attached(state) ? json_null() : json_string(now->iommu < LIVE_IOMMUS ? iommus[now->iommu] : "unknown"));
	set(object, "functions", functions(now));
	set(object, "refreshes", kinds(now->refreshes));
	set(object, "refreshes_per_second", rates(state));
	set_number(object, "rpcits", now->rpcits);
	set_number(object, "rpcits_done", now->rpcits_done);
	set_number(object, "mpcifcs", now->mpcifcs);
	set_number(object, "clps", now->clps);
	set_number(object, "writes", now->writes);
	set_number(object, "invalidations", now->invalidations);
	set_number(object, "configurations", now->configs);
	set_number(object, "kicks", now->kicks);
	set_number(object, "pages_established", now->established);
	set_number(object, "pages_released", now->released);
	set_number(object, "mapped_pages", now->mapped_pages);
	set_number(object, "mapped_pages_peak", now->mapped_pages_peak);
	set_number(object, "pinned_bytes", now->pinned_bytes);
	set_number(object, "pinned_bytes_peak", now->pinned_bytes_peak);
	set_number(object, "shadow_bytes", now->shadow_bytes);
	set_number(object, "shadow_bytes_peak", now->shadow_bytes_peak);
	set_number(object, "guest_bytes", now->guest_bytes);
	set_number(object, "insufficient_resources", now->insufficient);
	set_number(object, "errors", now->errors);
	set_number(object, "blocks_expected", now->blocks_expected);
	set_number(object, "blocks_seen", now->blocks_seen);
	set(object, "times", times(now));
	set_number(object, "measuring_ns", live_histogram_median(&now->overhead));
	set_number(object, "watch_ns", now->watch_ns);
	print(object);
}

void live_json_message(const struct live_state *state, const struct live_message *message)
{
	static const char *const kind_names[] = { "note", "event", "disagreement" };
	json_t *object = json_object();

	set(object, "type", json_string("message"));
	set(object, "seconds", json_real(live_when(state, message->time)));
	set(object, "kind", json_string((unsigned int)message->kind <= LIVE_DISAGREEMENT ? kind_names[message->kind] : "unknown"));
	set(object, "text", text(message->text, LIVE_MESSAGE_BYTES));
	print(object);
}
