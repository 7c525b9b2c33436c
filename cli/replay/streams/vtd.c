// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Captures of VT-d, and the view of a device's tables. */
#include "replay/view.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/vtdss.h"

#define VIOMMU_FORMAT vtdss
#include "format/walk.h"
#include "replay/tables_walk.h"

#include <viommu/vtd_spec.h>

#include "streams.h"

static void view_stream(struct replay *replay, const struct replay_function *function, struct view *view)
{
	struct unit_state state;

	if (!streams_view(replay, function, view))
		return;
	state = stream_state(function);
	snprintf(view->root, sizeof(view->root), "domain ID 0x%" PRIx32 ", %" PRIu32 " levels, top table 0x%" PRIx64, state.domain, state.levels,
		 state.root[0]);
	view->count = 1;
	view->apertures[0] = (struct view_aperture){
		.name = "IOVAs of its tables",
		.last = state.levels >= 6 ? UINT64_MAX : (UINT64_C(1) << (12 + 9 * state.levels)) - 1,
		.table = state.root[0],
		.control = state.levels,
		.walk = vtdss_find_tables,
	};
}

enum { WRITE_IQT, WRITE_GCMD, WRITE_OTHER, KICK, INSTRUCTIONS };

static const struct replay_instruction instructions[INSTRUCTIONS] = {
	[WRITE_IQT] = { "WRITE.IQT", "IQT", false },
	[WRITE_GCMD] = { "WRITE.GCMD", "GCMD", true },
	[WRITE_OTHER] = { "WRITE.OTHER", "other registers", false },
	[KICK] = { "KICK", "kicks", false },
};

static unsigned int instruction_of(const struct capture_record *record)
{
	if (record->kind == CAPTURE_KICK)
		return KICK;
	return record->write.offset == VIOMMU_VTD_IQT ? WRITE_IQT : record->write.offset == VIOMMU_VTD_GCMD ? WRITE_GCMD : WRITE_OTHER;
}

const struct replay_iommu replay_vtd = {
	STREAMS_COMMON,
	.write_only = true,
	.guest = CAPTURE_VTD,
	.refuses = streams_refuses_announced,
	.instructions = instructions,
	.instruction_count = INSTRUCTIONS,
	.instruction_of = instruction_of,
	.view = view_stream,
	.tables = { "of level 3 and higher", "of level 2", "of level 1" },
	.legends = { "table of level 3 or higher", "of level 2", "of level 1" },
};
