/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A picture of what devices reach at one moment: for each function the aperture and the guest's memory as bands, the parts of both where something is, magnified,
 * and what leads from one to the other.
 */
#ifndef VIOMMU_CLI_SVG_MAP_H
#define VIOMMU_CLI_SVG_MAP_H

#include "replay/replay.h"
#include "change.h"

/* 0, or a negative errno value: then the file is not complete. */
int svg_map_draw(struct replay *replay, const struct svg_change *change, const char *path);

#endif
