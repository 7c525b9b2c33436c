/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands, as far as they invalidate something. Like structures.h, this decodes on its own.
 *
 * A command that changes a stream's configuration counts as one that invalidates all of the
 * stream's translations: after it, both QEMU and the library use the new configuration.
 */
#ifndef VIOMMU_WATCH_SMMUV3_COMMANDS_H
#define VIOMMU_WATCH_SMMUV3_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One command's range. An SMMU may invalidate more. */
struct invalid {
	bool any_stream; /* or the stream that sid names */
	uint32_t sid;
	bool any_asid; /* or the ASID that asid names */
	uint16_t asid;
	uint64_t first;
	uint64_t last;
	bool page; /* of the stream's granule, around first */
};

struct invalids {
	struct invalid *list;
	size_t count;
	size_t room;
	uint64_t commands;	/* number of commands; of these: */
	uint64_t invalidations; /* CMD_TLBI_* */
	uint64_t configs;	/* CMD_CFGI_* */
	bool whole;		/* some cover all of an ASID or a stream */
};

/* Adds a command of two doublewords. false if memory is short. */
bool invalids_add(struct invalids *invalids, const uint64_t command[2]);

/* Whether the commands cover an IOVA of a stream. */
bool invalids_have(const struct invalids *invalids, uint32_t sid, uint16_t asid, unsigned int granule, uint64_t iova);

void invalids_clear(struct invalids *invalids);

#endif
