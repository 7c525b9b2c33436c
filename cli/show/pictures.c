// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Pictures for `viommu show`.
 */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"

bool show_is_picture(const char *svg, const char *timeline)
{
	return (svg && !strcmp(svg, "-")) || (timeline && !strcmp(timeline, "-"));
}

/* Disagreements with the capture do not count here. */
static int replay_quietly(const char *path, const struct replay_options *options, struct replay_counts *counts)
{
	struct replay_json json;

	memset(counts, 0, sizeof(*counts));
	replay_json_begin(&json, options, false);
	return replay_path(path, options, &json, counts) == CLI_BAD_INPUT ? CLI_BAD_INPUT : CLI_OK;
}

int show_pictures(const char *path, const char *svg, const char *timeline, bool mute)
{
	struct replay_options options = replay_defaults;
	struct replay_counts *counts = malloc(sizeof(*counts));

	if (!counts) {
		cli_complain("out of memory");
		return CLI_BAD_INPUT;
	}
	options.quiet = true;
	options.mute = mute;
	options.timeline = timeline;
	int status = replay_quietly(path, &options, counts);
	if (svg) {
		options.mute = true;
		options.timeline = NULL;
		options.svg = svg;
		if (counts->mapped_pages_peak)
			options.stop_after = counts->mapped_pages_peak_operation;
		int drawn = replay_quietly(path, &options, counts);
		status = drawn > status ? drawn : status;
	}
	free(counts);
	return status;
}
