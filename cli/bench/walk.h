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

/* The guest memory that holds tables. */
struct bench_walk_memory {
	const unsigned char *memory;
	uint64_t gpa;
	uint64_t bytes;
};

struct bench_walk_entry {
	uint64_t page; /* IOVA / 4096; UINT64_MAX: never used */
	uint64_t to;   /* GPA, and 1 if stores are allowed; UINT64_MAX: unmapped */
};

struct bench_walk {
	struct bench_walk_memory memory;
	uint64_t root; /* GPA of a region third table */
	struct bench_walk_entry *entries;
	unsigned int bits; /* 2^bits places */
	uint64_t taken;	   /* places with a page, mapped or not */
	uint64_t used;	   /* pages that are mapped */
};

/* A table with room for that many pages. It grows when necessary. False if memory is short. */
bool bench_walk_begin(struct bench_walk *walk, const struct bench_walk_memory *memory, uint64_t root, uint64_t pages);
void bench_walk_end(struct bench_walk *walk);

/* Walks first..last. False if it had to grow and memory is short. */
bool bench_walk_refresh(struct bench_walk *walk, uint64_t first, uint64_t last);

uint64_t bench_walk_bytes(const struct bench_walk *walk);

#endif
