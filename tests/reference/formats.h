/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every format with its reference, which describes the tables in the same terms, for tests that
 * compare the two. The references (naive*.h) share no code with the formats. This table connects
 * them.
 */
#ifndef TESTS_REFERENCE_FORMATS_H
#define TESTS_REFERENCE_FORMATS_H

#include "format/walk.h"
#include "naive.h"

enum {
	FORMAT_ZPCI,
	FORMAT_ZPCI_QEMU,
	FORMAT_VTDSS,
	FORMAT_ARM64_4K,
	FORMAT_ARM64_16K,
	FORMAT_ARM64_64K,
	FORMAT_RISCV_SV,
	FORMAT_AMDV1,
	FORMAT_X86_64,
	FORMATS
};

/* format_walk.prot of an expected walk: the reference has no rights. */
#define PROT_UNKNOWN UINT32_MAX

struct compared_format {
	const char *name;
	bool big_endian;
	unsigned int levels;
	unsigned int lowest; /* level of the lowest tables in memory */
	unsigned int bits;   /* of the address of a table */
	int (*root)(const struct format_designation *designation, struct format_root *root);
	void (*walk)(const struct format_root *root, uint64_t iova, format_load load, void *ctx, struct format_walk *walk);
	/*
	 * The reference: whether the designation is legal; if so, the expected walk, except for
	 * first and last.
	 */
	bool (*is_designation)(const struct naive_memory *memory, const struct format_designation *designation);
	struct format_walk (*expected)(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova);
};

extern const struct compared_format compared_formats[FORMATS];

/* Whether a walk is as expected. */
bool is_expected(const struct format_walk *walk, const struct format_walk *expected);

#endif
