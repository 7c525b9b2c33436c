/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pictures that a replay was asked for: what they need to know is noted as the replay goes, and they are drawn while the machine still stands.
 */
#ifndef VIOMMU_CLI_SVG_PICTURES_H
#define VIOMMU_CLI_SVG_PICTURES_H

#include "replay/replay.h"

struct svg_pictures;

/* *out is NULL where no picture was asked for, which every function below accepts. 0 or -ENOMEM. */
int svg_pictures_begin(const struct replay_options *options, struct svg_pictures **out);

/* Before and after a record of the capture is carried out. */
void svg_pictures_before(struct svg_pictures *pictures, struct replay *replay, const struct capture_record *record);
void svg_pictures_after(struct svg_pictures *pictures, const struct replay *replay, const struct capture_record *record);

/* After an oracle's answer was compared, which may have made translations. */
void svg_pictures_compared(struct svg_pictures *pictures, const struct replay *replay);

/* Draws them. False, with a complaint, if that fails. */
bool svg_pictures_draw(struct svg_pictures *pictures, struct replay *replay);

void svg_pictures_free(struct svg_pictures *pictures);

#endif
