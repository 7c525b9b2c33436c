/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `viommu show`: a description of a capture (describe.c; zpci.c and streams.c have their own
 * parts), and its records one by one (records.c).
 */
#ifndef VIOMMU_CLI_SHOW_H
#define VIOMMU_CLI_SHOW_H

#include "capture/capture.h"
#include "common/cli.h"

#define SHOW_FUNCTIONS 256u /* functions that are described one by one */
#define SHOW_NOTES     16u
#define SHOW_SLOTS     32u

/* A guest IOMMU's own part of a description. */
struct show_iommu {
	size_t bytes; /* of its sums, which begin as zeros */
	void (*add)(void *own, enum capture_guest guest, const struct capture_record *record);
	void (*print)(const void *own);
	void (*print_answers)(const void *own); /* may be NULL */
};

extern const struct show_iommu show_zpci, show_streams; /* zpci.c, streams.c */

struct description {
	enum capture_guest guest;
	const struct show_iommu *iommu;
	void *own;
	uint64_t kinds[CAPTURE_KINDS];
	unsigned int note_count;
	char *notes[SHOW_NOTES];
	unsigned int slot_count;
	struct capture_slot slots[SHOW_SLOTS];
	uint64_t doublewords;
	uint64_t oracle_pages;
	bool timed;
	uint64_t first_ns, last_ns;
};

void describe(struct description *description, const struct capture_record *record);
void print_description(struct description *description, const char *path, const struct capture_reader *reader, bool incomplete);

void show_record(enum capture_guest guest, const struct capture_record *record);

/* "region-third table, 3 levels": the designation of an I/O translation anchor. */
const char *show_designation(uint64_t iota);

#endif
