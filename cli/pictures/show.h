/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pictures for `viommu show`: the capture is replayed without a word, to its end for the timeline, and then to the moment at which most was mapped, since
 * many a guest has little or nothing left when its recording ends.
 */
#ifndef VIOMMU_CLI_SVG_SHOW_H
#define VIOMMU_CLI_SVG_SHOW_H

#include <stdbool.h>

/* Whether one of the files (each may be NULL) is standard output. */
bool svg_show_is_alone(const char *svg, const char *timeline);

/* CLI_OK or CLI_BAD_INPUT. mute: what is wrong with the capture was said already. */
int svg_show(const char *path, const char *svg, const char *timeline, bool mute);

#endif
