/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest for benchmarks: one slot of memory, frames below and tables above. Tables are written
 * like Linux writes them (drivers/iommu/s390-iommu.c). Frames are never touched, and cost only
 * address space. Tables are consecutive in the order of their creation, so that their bytes can be
 * compared in one call.
 */
#ifndef VIOMMU_CLI_BENCH_GUEST_H
#define VIOMMU_CLI_BENCH_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <viommu/viommu.h>

#include "walk.h"

#define BENCH_PAGE    UINT64_C(4096)
#define BENCH_SEGMENT (UINT64_C(1) << 20) /* reach of a page table */
#define BENCH_REGION  (UINT64_C(1) << 31) /* reach of a segment table */
#define BENCH_PBA     (UINT64_C(4) << 30) /* start of apertures, as in Linux guests */

/* Bits of entries (Linux, arch/s390/include/asm/pci_dma.h). */
#define BENCH_TABLE_I	   UINT64_C(0x20)
#define BENCH_TABLE_ORIGIN (~UINT64_C(0xfff))
#define BENCH_PAGES_ORIGIN (~UINT64_C(0x7ff))
#define BENCH_PAGE_I	   UINT64_C(0x400)
#define BENCH_PAGE_P	   UINT64_C(0x200)

struct bench_guest {
	unsigned char *memory;
	uint64_t bytes;
	uint64_t frames; /* bytes from GPA 0 on for frames */
	uint64_t next;	 /* GPA of the next table */
	struct viommu_vm *vm;
	unsigned char *map; /* the memory's mapping */
	size_t map_bytes;
};

/* One registration: a region third table and the tables below it. */
struct bench_tables {
	struct bench_guest *guest;
	uint64_t root; /* GPA */
	uint64_t pba, pal;
};

/*
 * Memory for frames and for that many page tables and segment tables (and ten root tables). False
 * if there is none. Then there is nothing to free.
 */
bool bench_guest_begin(struct bench_guest *guest, uint64_t frames, uint64_t page_tables, uint64_t segment_tables);
/* The same, with a tracker of writes. NULL: without one. */
bool bench_guest_begin_tracked(struct bench_guest *guest, uint64_t frames, uint64_t page_tables, uint64_t segment_tables, const struct viommu_tracker *tracker);
void bench_guest_end(struct bench_guest *guest);

/* An empty root table for an aperture. */
void bench_tables(struct bench_tables *tables, struct bench_guest *guest, uint64_t pba, uint64_t pal);

/* The entry of a page. Adds the tables on its path. */
uint64_t *bench_entry(const struct bench_tables *tables, uint64_t iova);

/* The root table entry of an IOVA. */
uint64_t *bench_root_entry(const struct bench_tables *tables, uint64_t iova);

/* The bytes of an entry: one that names a frame, or an invalid one. */
uint64_t bench_leaf(uint64_t gpa);
void bench_set(uint64_t *entry, uint64_t raw);
#define BENCH_NOTHING bench_leaf(BENCH_PAGE_I)

/* The frame of a page in an aperture of contiguous frames. */
static inline uint64_t bench_frame(const struct bench_tables *tables, uint64_t iova)
{
	return (iova - tables->pba) % tables->guest->frames;
}

/* A frame such that no two adjacent pages are contiguous. */
uint64_t bench_scattered_frame(const struct bench_tables *tables, uint64_t iova);

/* Makes each stride-th page of first..last valid, with contiguous frames. */
void bench_fill(const struct bench_tables *tables, uint64_t first, uint64_t last, uint64_t stride);

/*
 * The baseline for such tables, with room for that many pages, filled with their current contents.
 * False if memory is short.
 */
bool bench_tables_walk(const struct bench_tables *tables, uint64_t pages, struct bench_walk *walk);

/* 0 or a negative errno. */
int bench_domain(const struct bench_tables *tables, struct viommu_host *host, struct viommu_domain **out);
uint64_t bench_mapped(struct viommu_domain *domain);

#endif
