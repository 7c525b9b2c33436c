// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Captures of SMMUv3. The view of a stream for a picture: the IOVAs of each set of tables in its
 * context descriptor, and these tables.
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

#include <viommu/smmuv3.h>
#include <viommu/smmuv3_spec.h>

#include "streams.h"

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

static void view_stream(struct replay *replay, const struct replay_function *function, struct view *view)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	if (!streams_view(replay, function, view))
		return;
	viommu_smmuv3_device_info(stream_of(function)->device, &info);
	view_stage1(replay, &info, view);
}

enum { WRITE_CMDQ_PROD, WRITE_CR0, WRITE_GBPA, WRITE_GERRORN, WRITE_OTHER, KICK, INSTRUCTIONS };

static const struct replay_instruction instructions[INSTRUCTIONS] = {
	[WRITE_CMDQ_PROD] = { "WRITE.CMDQ_PROD", "CMDQ_PROD", false },
	[WRITE_CR0] = { "WRITE.CR0", "CR0", true },
	[WRITE_GBPA] = { "WRITE.GBPA", "GBPA", true },
	[WRITE_GERRORN] = { "WRITE.GERRORN", "GERRORN", false },
	[WRITE_OTHER] = { "WRITE.OTHER", "other registers", false },
	[KICK] = { "KICK", "kicks", false },
};

static unsigned int instruction_of(const struct capture_record *record)
{
	if (record->kind == CAPTURE_KICK)
		return KICK;
	switch (record->write.offset) {
	case VIOMMU_SMMUV3_CR0:
		return WRITE_CR0;
	case VIOMMU_SMMUV3_GBPA:
		return WRITE_GBPA;
	case VIOMMU_SMMUV3_GERRORN:
		return WRITE_GERRORN;
	case VIOMMU_SMMUV3_CMDQ_PROD:
		return WRITE_CMDQ_PROD;
	default:
		return WRITE_OTHER;
	}
}

const struct replay_iommu replay_smmuv3 = {
	STREAMS_COMMON,
	.guest = CAPTURE_SMMUV3,
	.refuses = streams_refuses,
	.instructions = instructions,
	.instruction_count = INSTRUCTIONS,
	.instruction_of = instruction_of,
	.miss = streams_miss,
	.view = view_stream,
	.tables = { "of levels 0 and 1", "of level 2", "of level 3" },
	.legends = { "table of level 0 or 1", "of level 2", "of level 3" },
};
