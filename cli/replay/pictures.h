/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pictures of a replay, as lines of JSON for the drawing program. A timeline is written during
 * the replay, the map before the machine is destroyed.
 */
#ifndef VIOMMU_CLI_PICTURES_H
#define VIOMMU_CLI_PICTURES_H

#include "common/draw.h"
#include "replay.h"

struct replay_pictures {
	bool map;
	struct cli_drawing timeline;
};

/* False, with an error message, if the drawing program cannot be started. */
bool replay_pictures_begin(struct replay_pictures *pictures, const struct replay *replay);

/* Called after a record of the capture, and after the comparison with an oracle's answer. */
void replay_pictures_after(struct replay_pictures *pictures, struct replay *replay, const struct capture_record *record);

/* Waits for the pictures. False, with an error message, if drawing failed. */
bool replay_pictures_end(struct replay_pictures *pictures, struct replay *replay);

#endif
