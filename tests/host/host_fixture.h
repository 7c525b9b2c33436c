/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the parts of the conformance suite: the mapped memory, a space for each test, and ways
 * to read its contents.
 */
#ifndef HOST_FIXTURE_H
#define HOST_FIXTURE_H

#include "host_conformance.h"

#define PAGE VIOMMU_PAGE_SIZE
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

/*
 * Where the arena is in guest memory: in three slots, one behind the other. At its end is memory
 * for a subject's own purposes, which no test maps.
 */
#define ARENA_GPA   GIB
#define SPARE_BYTES (16 * PAGE)

/*
 * A host, a device, guest memory, a space over all of the aperture, and a place in it, aligned to 1
 * GiB, with nothing near.
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

/* Group setup: the subject of the suite, and the memory that it maps, one piece for all tests. */
int arena_setup(void **state);
void arena_use(const struct conformance_subject *on);
uint64_t arena_bytes(void);
unsigned char *arena_memory(void);
int arena_file(void);
bool costly(void);
bool giant(void); /* there is enough of it for pages of 1 GiB */

int fixture_setup(void **state);
int fixture_teardown(void **state); /* whatever a test left mapped goes with the space, and so does all of its memory */

/* Further spaces. The device may be attached to one when it is closed. */
int open_space(struct fixture *f, uint64_t first, uint64_t last, struct counted_memory *memory, struct host_space **out);
void close_space(struct fixture *f, struct host_space *space);
/* Attaches the fixture's device to its space: moved there from where it was, if the host can. */
void attach_here(struct fixture *f);
void detach_from_all(struct fixture *f);
void destroy_device(struct fixture *f);

/* Maps arena memory from an offset on. */
int map(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot);
void remove_and_flush(struct fixture *f, uint64_t first, uint64_t bytes);

void assert_nothing(struct fixture *f, uint64_t iova);
void assert_at(struct fixture *f, uint64_t iova, uint64_t offset, uint32_t prot);
/*
 * A range as it was mapped: each page of a small one, of a large one those beside every 2 MiB
 * boundary; only the first and the last if probing is costly.
 */
void assert_range(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot);
void assert_range_nothing(struct fixture *f, uint64_t first, uint64_t bytes);

/* host_random.c */
void random_pages(void **state);
void random_large_pages(void **state);

#endif
