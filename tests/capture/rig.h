/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the tests of captures: small captures with every kind of record, as text and as
 * records, and files for captures.
 */
#ifndef VIOMMU_TESTS_CAPTURE_RIG_H
#define VIOMMU_TESTS_CAPTURE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/capture.h"

/*
 * A capture, written by hand from docs/capture-format.md as the writer should write it; and the
 * same as records, the end included.
 */
struct sample {
	enum capture_guest guest;
	const char *text;
	const struct capture_record *records;
	size_t count;
};

/* One of each guest IOMMU, with all kinds of its records. */
#define SAMPLES 5u
extern const struct sample samples[SAMPLES];

/* The first of them, zPCI's, for tests that do not depend on the guest IOMMU. */
extern const char sample_text[];
extern const struct capture_record sample_records[];
extern const size_t sample_count;

/* A file of this process, the same for each call. */
const char *rig_path(void);

void rig_put(const void *data, size_t bytes);
size_t rig_get(void *data, size_t room);

/* zstd, in one frame. */
size_t rig_pack(const char *text, size_t bytes, void *packed, size_t room);

/* Fields, one by one. */
bool rig_same(const struct capture_record *a, const struct capture_record *b);

/*
 * Reads the file: how many records came before the end or the error. *fault is what stopped it,
 * CAPTURE_FAULT_NONE at a complete end; error may be NULL. If records is not NULL, the records read
 * must be these.
 */
size_t rig_read(const struct capture_record *records, size_t count, enum capture_fault *fault, struct capture_error *error);

#endif
