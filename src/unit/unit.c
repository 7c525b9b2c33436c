/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "unit.h"

const struct unit_type *unit_type_of(enum capture_guest guest)
{
	static const struct unit_type *const types[] = {
		[CAPTURE_SMMUV3] = &unit_smmuv3,
		[CAPTURE_VTD] = &unit_vtd,
		[CAPTURE_AMDVI] = &unit_amdvi,
		[CAPTURE_VIRTIO] = &unit_virtio,
	};

	return (unsigned int)guest < sizeof(types) / sizeof(types[0]) ? types[guest] : NULL;
}

const char *unit_register_name(const struct unit_type *type, uint64_t offset)
{
	const struct unit_register *one;

	for (one = type->registers; one && one->name; one++) {
		if (one->offset == offset)
			return one->name;
	}
	return NULL;
}

const char *unit_reach_name(enum unit_reach reach)
{
	static const char *const names[] = {
		[UNIT_NOTHING] = "reaches nothing",
		[UNIT_FAULTY] = "is not configured: what it accesses is an error",
		[UNIT_DIRECT] = "reaches all of memory",
		[UNIT_TRANSLATED] = "is translated by tables of its own",
	};

	return (unsigned int)reach <= UNIT_TRANSLATED ? names[reach] : names[UNIT_NOTHING];
}
