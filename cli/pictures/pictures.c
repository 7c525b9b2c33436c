// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The pictures that a replay was asked for.
 */
#include "pictures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "map.h"
#include "timeline.h"

struct svg_pictures {
	struct svg_change change;
	struct svg_timeline *timeline; /* NULL if there is to be none */
};

int svg_pictures_begin(const struct replay_options *options, struct svg_pictures **out)
{
	*out = NULL;
	if (!options->svg && !options->timeline)
		return 0;
	struct svg_pictures *pictures = calloc(1, sizeof(*pictures));
	if (pictures && options->timeline)
		pictures->timeline = calloc(1, sizeof(*pictures->timeline));
	if (!pictures || (options->timeline && !pictures->timeline)) {
		free(pictures);
		return -ENOMEM;
	}
	*out = pictures;
	return 0;
}

void svg_pictures_before(struct svg_pictures *pictures, struct replay *replay, const struct capture_record *record)
{
	if (pictures && replay->options->svg)
		svg_change_before(&pictures->change, replay, record);
}

void svg_pictures_after(struct svg_pictures *pictures, const struct replay *replay, const struct capture_record *record)
{
	bool operation = capture_is_operation(record->kind);

	if (!pictures)
		return;
	if (operation)
		svg_change_after(&pictures->change, replay);
	/* Stores change no translation until they are refreshed. */
	if (pictures->timeline && record->kind != CAPTURE_MEM)
		svg_timeline_note(pictures->timeline, replay, operation ? &replay->operation : NULL);
}

void svg_pictures_compared(struct svg_pictures *pictures, const struct replay *replay)
{
	if (pictures && pictures->timeline && replay->iommu->accesses)
		svg_timeline_note(pictures->timeline, replay, NULL);
}

static bool drawn(const char *path, int err)
{
	if (err)
		cli_complain("%s: the picture could not be written: %s", path, strerror(-err));
	return !err;
}

bool svg_pictures_draw(struct svg_pictures *pictures, struct replay *replay)
{
	bool good = true;

	if (!pictures || !replay->vm)
		return true;
	if (replay->options->svg)
		good = drawn(replay->options->svg, svg_map_draw(replay, &pictures->change, replay->options->svg));
	if (replay->options->timeline)
		good = drawn(replay->options->timeline, svg_timeline_draw(pictures->timeline, replay, replay->options->timeline)) && good;
	return good;
}

void svg_pictures_free(struct svg_pictures *pictures)
{
	if (!pictures)
		return;
	svg_change_free(&pictures->change);
	free(pictures->timeline);
	free(pictures);
}
