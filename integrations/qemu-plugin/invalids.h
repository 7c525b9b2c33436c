/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ranges that the guest's commands invalidate, for IOMMUs with streams. The folder of each IOMMU
 * decodes the commands.
 */
#ifndef VIOMMU_WATCH_INVALIDS_H
#define VIOMMU_WATCH_INVALIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One command's range. An IOMMU may invalidate more. */
struct invalid {
	bool any_stream; /* or the stream that sid names */
	uint32_t sid;
	bool any_domain; /* or the ASID or domain ID that domain names */
	uint32_t domain;
	uint64_t first;
	uint64_t last;
	bool page; /* of the stream's granule, around first */
};

struct invalids {
	struct invalid *list;
	size_t count;
	size_t room;
	uint64_t commands;	/* number of commands; of these: */
	uint64_t invalidations; /* of translations */
	uint64_t configs;	/* of what leads to tables */
	bool whole;		/* some cover all of a domain or a stream */
};

/* Adds what a command invalidates. false if memory is short. */
bool invalids_put(struct invalids *invalids, const struct invalid *invalid);

/* Whether the commands cover an IOVA of a stream. */
bool invalids_have(const struct invalids *invalids, uint32_t sid, uint32_t domain, unsigned int granule, uint64_t iova);

void invalids_clear(struct invalids *invalids);

#endif
