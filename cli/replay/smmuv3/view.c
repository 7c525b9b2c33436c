// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The view of a stream for a picture: the IOVAs of each set of tables in its context descriptor,
 * and these tables.
 *
 * The descriptor is read from guest memory. So the picture includes a change that the guest has
 * made and not announced yet.
 */
#include "replay/view.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/arm64_64k.h"
#include "guest/smmuv3/spec.h"

#define VIOMMU_FORMAT arm64_4k
#include "format/walk.h"
#include "replay/tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_16k
#include "format/walk.h"
#include "replay/tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_64k
#include "format/walk.h"
#include "replay/tables_walk.h"

#include "smmuv3.h"

#define CD_IPS(cd0) ((cd0) >> 32 & 7)

static bool load(struct replay *replay, uint64_t gpa, uint64_t *value)
{
	const struct guest_slot *slot = guest_find(&replay->guest, gpa);

	if (!slot)
		return false;
	memcpy(value, slot->memory + (gpa - slot->gpa), sizeof(*value));
	*value = le64toh(*value);
	return true;
}

/* TG0 and TG1 have different encodings (IHI 0070, section 5.4). */
static unsigned int granule_of(uint64_t cd0, bool upper)
{
	static const unsigned int lower_bits[] = { 12, 16, 14, 0 }, upper_bits[] = { 0, 14, 12, 16 };

	return upper ? upper_bits[CD0_TG1(cd0)] : lower_bits[CD0_TG0(cd0)];
}

static void add_aperture(struct view *view, uint64_t cd0, uint64_t ttb, bool upper)
{
	unsigned int granule = granule_of(cd0, upper), tsz = upper ? CD0_T1SZ(cd0) : CD0_T0SZ(cd0);
	size_t used = strlen(view->root);

	if (!granule || tsz < CD_TSZ_LEAST || tsz > CD_TSZ_MOST)
		return;
	uint64_t reach = (UINT64_C(1) << (64 - tsz)) - 1;
	view->apertures[view->count++] = (struct view_aperture){
		.name = upper ? "IOVAs of TTB1" : "IOVAs of TTB0",
		.first = upper ? ~reach : 0,
		.last = upper ? UINT64_MAX : reach,
		.table = ttb,
		.control = tsz | CD_IPS(cd0) << ARM64_CONTROL_IPS_SHIFT | (upper ? ARM64_CONTROL_UPPER : 0),
		.walk = granule == 12	? arm64_4k_find_tables
			: granule == 14 ? arm64_16k_find_tables
					: arm64_64k_find_tables,
	};
	snprintf(view->root + used, sizeof(view->root) - used, ", TTB%u 0x%" PRIx64 " (%uK, %u bits)", upper, ttb, 1u << (granule - 10), 64 - tsz);
}

static void view_stage1(struct replay *replay, const struct viommu_smmuv3_device_info *info, struct view *view)
{
	uint64_t cd0;

	snprintf(view->root, sizeof(view->root), "ASID 0x%" PRIx32, info->asid);
	if (load(replay, info->cd_gpa, &cd0)) {
		if (!(cd0 & CD0_EPD0))
			add_aperture(view, cd0, info->ttb[0], false);
		if (!(cd0 & CD0_EPD1))
			add_aperture(view, cd0, info->ttb[1], true);
	}
	if (!view->count)
		view->idle = "its context descriptor names no tables";
}

void smmuv3_view(struct replay *replay, const struct replay_function *function, struct view *view)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(smmuv3_stream_of(function)->device, &info);
	*view = (struct view){ .idle = NULL };
	snprintf(view->name, sizeof(view->name), "stream 0x%" PRIx32, info.sid);
	switch (info.stream) {
	case VIOMMU_SMMUV3_STREAM_BYPASS:
		snprintf(view->state, sizeof(view->state), "in bypass");
		snprintf(view->root, sizeof(view->root), "an IOVA is an address of guest memory");
		view->direct = true;
		view->count = 1;
		view->apertures[0] = (struct view_aperture){ .name = "addresses", .last = (UINT64_C(1) << smmuv3_of(replay)->output_bits) - 1 };
		break;
	case VIOMMU_SMMUV3_STREAM_STAGE1:
		if (info.sharing > 1)
			snprintf(view->state, sizeof(view->state), "stage 1, as %s more", cli_count_of(info.sharing - 1, "stream", "streams"));
		else
			snprintf(view->state, sizeof(view->state), "stage 1");
		view_stage1(replay, &info, view);
		break;
	case VIOMMU_SMMUV3_STREAM_FAULTY:
		snprintf(view->state, sizeof(view->state), "event 0x%02" PRIx32, info.event);
		view->idle = "its configuration is illegal";
		break;
	default:
		snprintf(view->state, sizeof(view->state), "abort");
		view->idle = "everything is aborted";
	}
}
