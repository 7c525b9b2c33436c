/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is handed on of a guest's tables: doublewords that have changed, and pages that QEMU translates.
 */
#ifndef VIOMMU_WATCH_LISTS_H
#define VIOMMU_WATCH_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"

/* Doublewords that have changed since they were last looked at. What a watcher has been told adds up to the tables as the guest has them. */
struct changes {
	struct capture_mem *list;
	size_t count;
	size_t room;
};

/* What QEMU says of first..last: these pages, and no other. */
struct answers {
	bool known;
	uint64_t first;
	uint64_t last;
	struct capture_page *list;
	size_t count;
	size_t room;
};

/* Reports that the doubleword at gpa now holds value: as one more of the last change's run, or as a change of its own. 0 or -ENOMEM. */
int changes_add(struct changes *changes, uint64_t gpa, uint64_t value);

/* Adds count pages, as one more part of the last run where they continue it. 0 or -ENOMEM. */
int answers_add(struct answers *answers, uint64_t iova, uint64_t gpa, uint32_t prot, uint64_t count);

#endif
