/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the parts of the conformance suite: the mapped memory, a space for each test, and
 * functions that read its contents.
 */
#ifndef HOST_FIXTURE_H
#define HOST_FIXTURE_H

#include "host_conformance.h"

#define PAGE VIOMMU_PAGE_SIZE
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

/*
 * The arena in guest memory: three adjacent slots. Its end is reserved for the subject. No test
 * maps it.
 */
#define ARENA_GPA   GIB
#define SPARE_BYTES (16 * PAGE)

/*
 * A host, a device, guest memory, a space over all of the aperture, and a place in it. The place is
 * aligned to 1 GiB and far from all else.
 */
struct fixture {
	struct viommu_host *host;
	const struct host_ops *ops;
	struct host_vm *guest;
	struct host_device *device;
	struct host_space *space;
	struct counted_memory memory;
	uint64_t place;
};

/* Group setup: the subject of the suite, and the memory that it maps, shared by all tests. */
int arena_setup(void **state);
void arena_use(const struct conformance_subject *on);
uint64_t arena_bytes(void);
unsigned char *arena_memory(void);
int arena_file(void);
bool costly(void);
bool giant(void); /* the arena is large enough for pages of 1 GiB */

int fixture_setup(void **state);
/* Destroying the space removes remaining mappings. All of its memory must be freed. */
int fixture_teardown(void **state);

/* More spaces. The device may be attached to a space that is closed. */
int open_space(struct fixture *f, uint64_t first, uint64_t last, struct counted_memory *memory, struct host_space **out);
void close_space(struct fixture *f, struct host_space *space);
/* Attaches the fixture's device to its space. Uses a replace if the host supports it. */
void attach_here(struct fixture *f);
void detach_from_all(struct fixture *f);
void destroy_device(struct fixture *f);

/* Maps memory of the arena, from an offset on. */
int map(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot);
void remove_and_flush(struct fixture *f, uint64_t first, uint64_t bytes);

void assert_nothing(struct fixture *f, uint64_t iova);
void assert_at(struct fixture *f, uint64_t iova, uint64_t offset, uint32_t prot);
/*
 * Checks that a range is mapped: all pages of a small one. Of a large one, the pages next to each 2
 * MiB boundary, or only the first and last page if probing is slow.
 */
void assert_range(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot);
void assert_range_nothing(struct fixture *f, uint64_t first, uint64_t bytes);

/* host_random.c */
void random_pages(void **state);
void random_large_pages(void **state);

#endif
