// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The view of a stream for a picture, as far as it does not depend on tables. */
#include "replay/view.h"

#include <inttypes.h>
#include <stdio.h>

#include "streams.h"

bool streams_view(struct replay *replay, const struct replay_function *function, struct view *view)
{
	const struct streams *streams = streams_of(replay);
	struct unit_state state = stream_state(function);
	bool smmu = streams->type->guest == CAPTURE_SMMUV3;

	*view = (struct view){ .idle = NULL };
	snprintf(view->name, sizeof(view->name), "stream 0x%" PRIx32, stream_of(function)->sid);
	switch (state.reach) {
	case UNIT_DIRECT:
		snprintf(view->state, sizeof(view->state), smmu ? "in bypass" : "in pass-through");
		snprintf(view->root, sizeof(view->root), "an IOVA is an address of guest memory");
		view->direct = true;
		view->count = 1;
		view->apertures[0] = (struct view_aperture){ .name = "addresses", .last = UINT64_MAX };
		if (streams->address_bits)
			view->apertures[0].last = (UINT64_C(1) << streams->address_bits) - 1;
		return false;
	case UNIT_TRANSLATED:
		if (state.sharing > 1)
			snprintf(view->state, sizeof(view->state), "%s, as %s more", smmu ? "stage 1" : "translated",
				 cli_count_of(state.sharing - 1, "stream", "streams"));
		else
			snprintf(view->state, sizeof(view->state), "%s", smmu ? "stage 1" : "translated");
		return true;
	case UNIT_FAULTY:
		snprintf(view->state, sizeof(view->state), smmu ? "event 0x%02" PRIx32 : "fault 0x%02" PRIx32, state.code);
		view->idle = smmu ? "its configuration is illegal" : "it is not configured";
		return false;
	default:
		snprintf(view->state, sizeof(view->state), "abort");
		view->idle = "everything is aborted";
		return false;
	}
}
