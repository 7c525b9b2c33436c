/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Captures of a guest IOMMU whose devices have one tree of tables each, with 9 bits a level, as a
 * template. The including file defines
 *
 *   VIOMMU_FORMAT     of the tables
 *   TREE_IOMMU        the struct replay_iommu, for the guest IOMMU TREE_GUEST
 *   TREE_TAIL         the register that submits commands; TREE_TAIL_NAME
 *   TREE_CONTROL      the one that configures; TREE_CONTROL_NAME
 *
 * It has no guard.
 */
#include "replay/view.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/walk.h"
#include "replay/tables_walk.h"

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
		.walk = F(find_tables),
	};
}

enum { WRITE_TAIL, WRITE_CONTROL, WRITE_OTHER, KICK, INSTRUCTIONS };

static const struct replay_instruction instructions[INSTRUCTIONS] = {
	[WRITE_TAIL] = { "WRITE." TREE_TAIL_NAME, TREE_TAIL_NAME, false },
	[WRITE_CONTROL] = { "WRITE." TREE_CONTROL_NAME, TREE_CONTROL_NAME, true },
	[WRITE_OTHER] = { "WRITE.OTHER", "other registers", false },
	[KICK] = { "KICK", "kicks", false },
};

static unsigned int instruction_of(const struct capture_record *record)
{
	if (record->kind == CAPTURE_KICK)
		return KICK;
	return record->write.offset == TREE_TAIL ? WRITE_TAIL : record->write.offset == TREE_CONTROL ? WRITE_CONTROL : WRITE_OTHER;
}

const struct replay_iommu TREE_IOMMU = {
	STREAMS_COMMON,
	.write_only = true,
	.guest = TREE_GUEST,
	.refuses = streams_refuses_announced,
	.instructions = instructions,
	.instruction_count = INSTRUCTIONS,
	.instruction_of = instruction_of,
	.view = view_stream,
	.tables = { "of level 3 and higher", "of level 2", "of level 1" },
	.legends = { "table of level 3 or higher", "of level 2", "of level 1" },
};
