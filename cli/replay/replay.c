// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `viommu replay`: its options, and the loop over its captures. Each capture gets a machine of its
 * own.
 */
#include "replay.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "pictures.h"

#define DEFAULT_MEMORY (UINT64_C(1) << 30)

static const char doc[] = "Repeats the operations of each CAPTURE's guest on a machine made of libviommu and plain memory, and compares every answer and "
			  "translation with the capture. With --host, translations are put into this machine's IOMMU, and devices check them by DMA at the "
			  "end.\v"
			  "SIZE is a number of bytes, or one with the suffix K, M, G or T. With --map, --ops or --json, only that is written to standard "
			  "output; disagreements are written to standard error in any case. Pictures are SVG; FILE may be -, which is standard output.\n"
			  "\n"
			  "Exit status: 0 nothing disagreed, 1 something did, 2 bad usage or bad input.";

enum {
	KEY_BUDGET = 256,
	KEY_SHADOW,
	KEY_MEMORY,
	KEY_PIN,
	KEY_QEMU,
	KEY_STOP,
	KEY_MAP,
	KEY_OPS,
	KEY_JSON,
	KEY_SVG,
	KEY_TIMELINE,
	KEY_HOST,
	KEY_DMA_PAGES,
	KEY_OVERWRITE
};

static const struct argp_option options[] = {
	{ "pin", KEY_PIN, "guest|refresh", 0, "Pin all guest memory at once, or pages when tables name them (refresh, the default)", 1 },
	{ "budget", KEY_BUDGET, "SIZE", 0, "Memory that may be pinned (no limit)", 1 },
	{ "shadow", KEY_SHADOW, "SIZE", 0, "Memory that shadow tables may take (256M)", 1 },
	{ "memory", KEY_MEMORY, "SIZE", 0, "Guest memory that a capture may fill (1G)", 1 },
	{ "qemu", KEY_QEMU, NULL, 0, "Answer as QEMU does where it differs from the architecture", 1 },
	{ "stop-after", KEY_STOP, "N", 0, "Stop after operation N", 1 },
	{ "host", KEY_HOST, "HOST", 0, "The host of translations: soft (the default), kernel:BDF[,BDF...], type1:BDF[,BDF...] or iommufd:BDF[,BDF...]", 3 },
	{ "dma-pages", KEY_DMA_PAGES, "N", 0, "Pages of each function that its device checks in the end (16384; of an edu, 256)", 3 },
	{ "overwrite", KEY_OVERWRITE, NULL, 0, "Allow an NVMe for that, whose contents are lost", 3 },
	{ "map", KEY_MAP, NULL, 0, "Print the mappings at the end", 2 },
	{ "ops", KEY_OPS, NULL, 0, "Print each operation and its answer", 2 },
	{ "json", KEY_JSON, NULL, 0, "Print the result as JSON", 2 },
	{ "svg", KEY_SVG, "FILE", 0, "Draw the mappings at the end", 2 },
	{ "timeline", KEY_TIMELINE, "FILE", 0, "Draw mapped and pinned memory, and refreshes, over the run", 2 },
	{ "quiet", 'q', NULL, 0, "Print no summary, no progress and no disagreements", 2 },
	{ 0 },
};

const struct replay_options replay_defaults = {
	.pin = VIOMMU_PIN_ON_REFRESH,
	.budget = VIOMMU_NO_LIMIT,
	.filled_limit = DEFAULT_MEMORY,
	.stop_after = UINT64_MAX,
	.dma_pages = REPLAY_DMA_PAGES_DEFAULT,
};

struct arguments {
	struct replay_options options;
	char **captures;
	int count;
};

static uint64_t parse_size_option(const char *option, const char *arg, struct argp_state *state)
{
	uint64_t size = 0;

	if (!cli_parse_size(arg, &size))
		argp_failure(state, CLI_BAD_INPUT, 0, "%s: '%s' is not a size", option, arg);
	return size;
}

static uint32_t parse_pin(const char *arg, struct argp_state *state)
{
	if (!strcmp(arg, "guest"))
		return VIOMMU_PIN_GUEST;
	if (strcmp(arg, "refresh") != 0)
		argp_failure(state, CLI_BAD_INPUT, 0, "--pin: '%s' is neither guest nor refresh", arg);
	return VIOMMU_PIN_ON_REFRESH;
}

static void parse_host(const char *arg, struct replay_options *to, struct argp_state *state)
{
	char why[160];

	if (!replay_parse_host(arg, to, why, sizeof(why)))
		argp_failure(state, CLI_BAD_INPUT, 0, "--host: %s", why);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct replay_options *to = &arguments->options;

	switch (key) {
	case KEY_PIN:
		to->pin = parse_pin(arg, state);
		return 0;
	case KEY_BUDGET:
		to->budget = parse_size_option("--budget", arg, state);
		to->limited = true;
		return 0;
	case KEY_SHADOW:
		to->shadow = parse_size_option("--shadow", arg, state);
		to->limited = true;
		/* 0 means the library's default. */
		if (!to->shadow)
			argp_failure(state, CLI_BAD_INPUT, 0, "--shadow: it cannot be 0");
		return 0;
	case KEY_MEMORY:
		to->filled_limit = parse_size_option("--memory", arg, state);
		return 0;
	case KEY_STOP:
		if (!cli_parse_count(arg, &to->stop_after))
			argp_failure(state, CLI_BAD_INPUT, 0, "--stop-after: '%s' is not a number", arg);
		return 0;
	case KEY_HOST:
		parse_host(arg, to, state);
		return 0;
	case KEY_DMA_PAGES:
		if (!cli_parse_count(arg, &to->dma_pages))
			argp_failure(state, CLI_BAD_INPUT, 0, "--dma-pages: '%s' is not a number", arg);
		return 0;
	case KEY_OVERWRITE:
		to->overwrite = true;
		return 0;
	case KEY_QEMU:
		to->qemu = true;
		return 0;
	case KEY_MAP:
		to->map = true;
		return 0;
	case KEY_OPS:
		to->ops = true;
		return 0;
	case KEY_JSON:
		to->json = true;
		return 0;
	case KEY_SVG:
		to->svg = arg;
		return 0;
	case KEY_TIMELINE:
		to->timeline = arg;
		return 0;
	case 'q':
		to->quiet = true;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->captures = state->argv + state->next;
		arguments->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_failure(state, CLI_BAD_INPUT, 0, "no capture given");
		return 0;
	case ARGP_KEY_END:
		if ((to->svg || to->timeline) && arguments->count > 1)
			argp_failure(state, CLI_BAD_INPUT, 0, "a picture is of one capture, %d are given", arguments->count);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* One record. 0, or -1 with replay->problem filled in. */
static int replay_record(struct replay *replay, const struct capture_record *record, struct replay_pictures *pictures, struct replay_json *json)
{
	if (record->kind == CAPTURE_NOTE)
		return 0;
	if (record->kind == CAPTURE_PAGE) {
		replay_oracle_page(replay, &record->page);
		return 0;
	}
	if (replay->oracle.open) {
		replay_oracle_end(replay);
		replay_pictures_after(pictures, replay, &(struct capture_record){ .kind = CAPTURE_ORACLE });
	}
	if (record->kind == CAPTURE_ORACLE) {
		replay_oracle_begin(replay, &record->oracle);
		return 0;
	}
	/* An oracle's answer belongs to the last operation. Everything else follows it. */
	if (record->kind != CAPTURE_END && replay->counts.operations == replay->options->stop_after) {
		replay->stopped = true;
		return 0;
	}
	if (!capture_is_operation(record->kind))
		return replay_apply(replay, record);
	if (replay_aperture_check(replay, record))
		return -1;
	replay_operation(replay, record);
	if (replay->options->json)
		replay_json_operation(json, replay);
	else if (replay->options->ops)
		replay_ops_line(replay);
	return 0;
}

/* With notes for pictures. */
static int replay_noted(struct replay *replay, const struct capture_record *record, struct replay_pictures *pictures, struct replay_json *json)
{
	bool carried_out = record->kind != CAPTURE_ORACLE && record->kind != CAPTURE_PAGE && record->kind != CAPTURE_NOTE && record->kind != CAPTURE_END &&
			   replay->counts.operations != replay->options->stop_after;

	if (carried_out && pictures->map && replay->iommu->note_before)
		replay->iommu->note_before(replay, record);
	int err = replay_record(replay, record, pictures, json);
	if (carried_out && !err)
		replay_pictures_after(pictures, replay, record);
	return err;
}

static void replay_records(struct replay *replay, struct capture_reader *reader, struct replay_pictures *pictures, struct replay_json *json)
{
	struct replay_progress progress;
	struct capture_record record;
	struct capture_error error;
	int got = 0;

	replay_progress_begin(&progress, replay->options);
	while (!*replay->problem && !replay->stopped) {
		got = capture_read(reader, &record, &error);
		if (got <= 0 || replay_noted(replay, &record, pictures, json))
			break;
		replay_progress_update(&progress, replay, reader);
	}
	replay_progress_end(&progress);
	/* The missing part of an interrupted answer is unknown. */
	if (got < 0)
		snprintf(replay->problem, sizeof(replay->problem), "%s", error.message);
	else
		replay_oracle_end(replay);
	replay->complete = !got;
}

static void replay_capture(struct replay *replay, const char *path, struct replay_pictures *pictures, struct replay_json *json)
{
	struct capture_error error;
	double begin = replay_now();

	struct capture_reader *reader = capture_reader_open(path, &error);
	if (!reader) {
		snprintf(replay->problem, sizeof(replay->problem), "%s", error.message);
		return;
	}
	if (!replay_machine_create(replay, capture_reader_guest(reader))) {
		replay_records(replay, reader, pictures, json);
		replay_check(replay, true);
		replay_check_kernel(replay);
	}
	capture_reader_close(reader);
	replay->counts.seconds = replay_now() - begin;
	if (replay->vm && !*replay->problem)
		replay_dma_check(replay);
	/* The host kernel says neither. */
	if (replay->options->host != REPLAY_KERNEL)
		replay->counts.pages_released = replay->counts.pages_established - replay->counts.mapped_pages;
}

/* Whether standard output is used for something else. */
static bool is_taken(const struct replay_options *to)
{
	return to->json || to->map || to->ops || (to->svg && !strcmp(to->svg, "-")) || (to->timeline && !strcmp(to->timeline, "-"));
}

int replay_path(const char *path, const struct replay_options *to, struct replay_json *json, struct replay_counts *total)
{
	struct replay_pictures pictures;
	struct replay *replay = calloc(1, sizeof(*replay));

	if (!replay) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	replay->options = to;
	replay->path = strcmp(path, "-") ? path : "(standard input)";
	if (!replay_pictures_begin(&pictures, replay)) {
		free(replay);
		return CLI_BAD_INPUT;
	}
	replay_json_capture_begin(json);
	replay_capture(replay, path, &pictures, json);
	if (to->map && replay->vm && to->json)
		replay_json_map(json, replay);
	else if (to->map && replay->vm)
		replay_map_lines(replay);
	bool drawn = replay_pictures_end(&pictures, replay);
	/* Findings of the teardown are part of the result. */
	replay_machine_destroy(replay);
	replay_json_capture_end(json, replay);
	replay_disagree_finish(replay);
	if (!to->quiet && !is_taken(to) && replay->counts.invariant_checks)
		replay_summary(replay);
	replay_counts_add(total, &replay->counts);

	int status = replay_agrees(&replay->counts) ? CLI_OK : CLI_DISAGREES;
	if (*replay->problem && !to->mute)
		cli_complain("%s", replay->problem);
	if (*replay->problem || !drawn)
		status = CLI_BAD_INPUT;
	free(replay);
	return status;
}

int cli_replay(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, "CAPTURE...", doc, NULL, NULL, NULL };
	struct arguments arguments = { .options = replay_defaults };
	struct replay_counts *total = calloc(1, sizeof(*total));
	struct replay_json json;
	int status = CLI_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!total) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	replay_json_begin(&json, &arguments.options, arguments.count > 1);
	for (int i = 0; i < arguments.count; i++) {
		int one = replay_path(arguments.captures[i], &arguments.options, &json, total);
		if (one > status)
			status = one;
	}
	replay_json_end(&json, total);
	if (arguments.count > 1 && !arguments.options.quiet && !is_taken(&arguments.options))
		replay_summary_total(total, (unsigned int)arguments.count, status == CLI_BAD_INPUT);
	free(total);
	return status;
}
