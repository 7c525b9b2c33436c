/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The baseline of refreshes: a machine without a shadow. It goes through the range page by page,
 * walks the tables from the top for each, and keeps the results in a hash table, IOVA -> {address,
 * rights}. QEMU carries out RPCIT like this (hw/s390x/s390-pci-inst.c, rpcit_service_call()). Here
 * it is made as fast as possible: open addressing, entries of 16 bytes that are adjacent for
 * adjacent pages, no allocation, no lock, no notifier. Nothing is pinned or accounted for, and
 * there is no host.
 */
#ifndef VIOMMU_CLI_BENCH_WALK_H
#define VIOMMU_CLI_BENCH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest memory that tables are found in. */
struct bench_walk_memory {
	const unsigned char *memory;
	uint64_t gpa;
	uint64_t bytes;
};

struct bench_walk_entry {
	uint64_t page; /* IOVA / 4096; UINT64_MAX: nothing was ever here */
	uint64_t to;   /* GPA, and 1 where stores are allowed; UINT64_MAX: not mapped any more */
};

struct bench_walk {
	struct bench_walk_memory memory;
	uint64_t root; /* GPA of a region third table */
	struct bench_walk_entry *entries;
	unsigned int bits; /* there are 2^bits of them */
	uint64_t taken;	   /* of them, with a page, mapped or not */
	uint64_t used;	   /* pages that are mapped */
};

/*
 * A table that has room for that many pages at once; it grows where it must. False if there is no
 * memory for it.
 */
bool bench_walk_begin(struct bench_walk *walk, const struct bench_walk_memory *memory, uint64_t root, uint64_t pages);
void bench_walk_end(struct bench_walk *walk);

/* Makes first..last true. False if it had to grow and could not. */
bool bench_walk_refresh(struct bench_walk *walk, uint64_t first, uint64_t last);

uint64_t bench_walk_bytes(const struct bench_walk *walk);

#endif
