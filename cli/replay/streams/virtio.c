// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures of virtio-iommu, which has no tables. */
#include "replay/view.h"

#include <stdio.h>

#include "streams.h"

static void view_stream(struct replay *replay, const struct replay_function *function, struct view *view)
{
	if (!streams_view(replay, function, view))
		return;
	snprintf(view->root, sizeof(view->root), "filled by requests");
	view->count = 1;
	view->apertures[0] = (struct view_aperture){ .name = "IOVAs", .last = (UINT64_C(1) << CAPTURE_IOMMU_ADDRESS_BITS) - 1 };
}

enum { DRIVER, ATTACH, DETACH, MAP, UNMAP, KICK, INSTRUCTIONS };

static const struct replay_instruction instructions[INSTRUCTIONS] = {
	[DRIVER] = { "DRIVER", "driver", true }, [ATTACH] = { "ATTACH", "ATTACH", true }, [DETACH] = { "DETACH", "DETACH", true },
	[MAP] = { "MAP", "MAP", false },	 [UNMAP] = { "UNMAP", "UNMAP", false },	  [KICK] = { "KICK", "kicks", false },
};

static unsigned int instruction_of(const struct capture_record *record)
{
	if (record->kind == CAPTURE_REQUEST)
		return (unsigned int)(record->request.type - CAPTURE_ATTACH) + ATTACH;
	return record->kind == CAPTURE_KICK ? KICK : DRIVER;
}

const struct replay_iommu replay_virtio = {
	STREAMS_COMMON,
	.write_only = true,
	.widens = true,
	.guest = CAPTURE_VIRTIO,
	.refuses = streams_refuses_announced,
	.instructions = instructions,
	.instruction_count = INSTRUCTIONS,
	.instruction_of = instruction_of,
	.view = view_stream,
	.tables = { "-", "-", "-" },
	.legends = { "-", "-", "-" },
};
