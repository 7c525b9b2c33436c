/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process with a guest and a device in a container of the module viommu (linux/): memory, zPCI
 * tables in it, and the device's DMA, which shows the translations.
 */
#ifndef TESTS_MODULE_RIG_H
#define TESTS_MODULE_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/vfio_viommu.h>

#include "dma/dma.h"

#define PAGE UINT64_C(4096)
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

/*
 * The guest's memory begins at GPA 0. Tables are in its first MiB, followed by pages that hold
 * their own number.
 */
#define RIG_BYTES    (16 * MIB)
#define RIG_NUMBERED (1 * MIB)

/*
 * The IOVAs of the tables. Each rig_name() is within the first 15 MiB of one of these. The rig has
 * its own page in the last MiB of the first 16.
 */
#define RIG_PBA (4 * GIB)
#define RIG_PAL (6 * GIB - 1)

/* The rig's own page. */
#define RIG_EXCHANGE (RIG_BYTES - PAGE)

#define RIG_DEVICES 16u /* in the environment, at the most */

/* IOVA - GPA of direct domains, in which the rig has its own page where the tables name it. */
#define RIG_OFFSET (RIG_PBA + 15 * MIB - RIG_EXCHANGE)

struct rig {
	uint32_t type;
	const char *address; /* of the device */
	int container;
	int group_fd;
	uint32_t group;
	int device_fd;
	struct dma_device *device;
	unsigned char *memory;
	int64_t pinned_before;
	uint64_t exchange; /* IOVA of the rig's own page */
	uint64_t locked_before;
};

/*
 * Loads the module. isolated: without allow_unsafe_interrupts, even on machines without isolated
 * interrupts. False with errno.
 */
bool rig_load(bool isolated);
bool rig_has_isolated_interrupts(void);
/* The test host has this name. */
bool rig_is_on(const char *host);
/* The first IOVA of a MiB that is for messages of interrupts. */
uint64_t rig_reserved(void);
bool rig_unload(void);
/*
 * At the end of a program, with the result of its tests: unloads the module, and where the kernel
 * looks for leaks (kmemleak) there must be none. The exit status.
 */
int rig_finish(int failed);

/*
 * For cmocka, before each test: closes the files that a failed test has left open, so that the next
 * one gets the group.
 */
int rig_setup(void **state);

/*
 * A container of this type with the group of the device in the environment. Failures end the test.
 */
void rig_open(struct rig *rig, uint32_t type);
/* The same up to VFIO_SET_IOMMU, which may fail: 0 or a negative errno. */
int rig_begin(struct rig *rig, uint32_t type);
/* The same with another device than the first one. */
int rig_begin_with(struct rig *rig, uint32_t type, const char *address);
/* The address of a device in the environment, or NULL: there are not so many. */
const char *rig_address(unsigned int number);
void rig_open_device(struct rig *rig);
/*
 * The parts of these that take no container: memory with tables, and the driver of a device that is
 * open.
 */
void rig_begin_memory(struct rig *rig, const char *address);
void rig_drive(struct rig *rig, int device_fd);
void rig_rest(struct rig *rig); /* no driver any more */
/* Of a rig that was made of these, and has no driver. */
void rig_end_memory(struct rig *rig);
/* From here on RLIMIT_MEMLOCK bounds this process. */
void rig_limit(uint64_t bytes);
/* Closes everything, and checks that nothing is pinned but what was before. */
void rig_close(struct rig *rig);
/* The number of pinned pages is what it was before. */
void rig_check_nothing_pinned(int64_t before);

/*
 * A process that is killed at some moment. It runs live(), which does not return, and which writes
 * bytes to `begun` that are read here: rig_await() reads one.
 */
struct rig_child {
	pid_t pid;
	int begun;
	int64_t pinned_before;
};
void rig_fork(struct rig_child *child, void (*live)(void *ctx, int begun), void *ctx);
void rig_await(const struct rig_child *child);
/*
 * SIGKILL. Checks that it ended by a signal, and that the number of pinned pages is what it was
 * before the fork. Returns whether it was more until then.
 */
bool rig_kill(struct rig_child *child);

/* Maps all memory, from GPA 0 on. 0 or a negative errno. */
int rig_map(struct rig *rig, uint64_t gpa, uint64_t bytes, uint32_t flags);
int rig_unmap(struct rig *rig, uint64_t gpa, uint64_t bytes);

/* The guest stores to its tables: these IOVAs map these pages, writable or not, or nothing. */
void rig_name(struct rig *rig, uint64_t iova, uint64_t pages, uint64_t gpa, bool written);
void rig_hide(struct rig *rig, uint64_t iova, uint64_t pages);
/* All tables as they were at first: nothing is named but the rig's own page. */
void rig_repair(struct rig *rig);
/*
 * Tables that name each other: all IOVAs below `end` lead to one table of leaves, whose entries are
 * invalid. They have far more entries than there is memory.
 */
void rig_entangle(struct rig *rig, uint64_t end);
/* Stores an entry, and the address of an IOVA's entry: in a segment table, and in a leaf table. */
void rig_store(struct rig *rig, uint64_t gpa, uint64_t entry);
uint64_t rig_segment(uint64_t iova);
uint64_t rig_leaf(uint64_t iova);

/* The registration of the tables. */
struct vfio_viommu_zpci rig_tables(uint64_t pba, uint64_t pal);

/* The ioctls: 0 or a negative errno. */
int rig_create_from(struct rig *rig, uint32_t type, const void *data, uint32_t bytes, uint32_t *domain, struct vfio_viommu_outcome *outcome);
int rig_create_direct(struct rig *rig, uint64_t first, uint64_t last, uint64_t offset, uint32_t flags, uint32_t *domain);
int rig_create(struct rig *rig, uint64_t pba, uint64_t pal, uint32_t *domain, struct vfio_viommu_outcome *outcome);
int rig_destroy(struct rig *rig, uint32_t domain);
int rig_attach(struct rig *rig, uint32_t domain);
int rig_refresh(struct rig *rig, uint32_t domain, uint64_t iova, uint64_t pages, struct vfio_viommu_refresh *refresh);
struct vfio_viommu_info rig_info(struct rig *rig);

/* A domain of all the tables, attached. */
uint32_t rig_domain(struct rig *rig);
/* A refresh that must succeed. */
void rig_refreshed(struct rig *rig, uint32_t domain, uint64_t iova, uint64_t pages);

/*
 * Checks the target of the device's accesses: the page at this GPA, or nothing. The tables name the
 * rig's own page, which is refreshed.
 */
#define RIG_NOWHERE UINT64_MAX
void rig_reaches(struct rig *rig, uint64_t iova, uint64_t gpa, bool written);
/* The same for one kind of access. */
void rig_reads(struct rig *rig, uint64_t iova, uint64_t gpa);
void rig_writes(struct rig *rig, uint64_t iova, uint64_t gpa);

/*
 * The device's MSI: an eventfd, to be closed by the caller; and whether it comes when the device
 * sends it.
 */
int rig_interrupt(struct rig *rig);
bool rig_interrupts(struct rig *rig, int event);

/*
 * For cmocka: a test with both types of containers, and the type in its state. Both begin with
 * rig_setup().
 */
extern uint32_t rig_types[2];
#define RIG_BOTH(test)                                                 \
	{ #test " (pinned)", test, rig_setup, NULL, &rig_types[0] },   \
	{                                                              \
#test " (paged)", test, rig_setup, NULL, &rig_types[1] \
	}
uint32_t rig_type(void **state);
bool rig_is_paged(const struct rig *rig);
/* So many pages of a paged guest are pinned and charged, and all of a pinned one. */
void rig_check_pinned(struct rig *rig, uint64_t named);

/* locked_vm of this process, in pages. */
uint64_t rig_locked(void);

#endif
