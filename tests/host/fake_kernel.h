/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel with two VFIO devices, for tests on machines without any: VFIO groups, containers of
 * type1v2, character devices and iommufd, as far as the library calls them, with the errors that
 * Linux gives. The linker puts it in the place of open(), close(), ioctl() and the functions that
 * read sysfs (meson.build); other files go to the real ones.
 *
 * It is a model and no proof of Linux's behaviour, which tests on test hosts check. Its use is to
 * fail at will, and to find leftovers.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ONE "0000:00:05.0" /* in group 7, as vfio0 */
#define FAKE_TWO "0001:02:1f.7" /* in group 9 or 7, as vfio1 */

struct fake_options {
	bool one_group;		/* both devices are in group 7 */
	bool hidden_groups;	/* a character device does not lead to its device's group */
	bool narrow_two;	/* the second device's aperture is smaller */
	bool other_iommu;	/* page tables made for one device do not fit the other */
	bool old_iommufd;	/* Linux 6.5's: neither IOMMU_HWPT_ALLOC nor IOMMU_IOAS_MAP_FILE, and -ENOENT where there is nothing to unmap */
	bool late_ranges;	/* a blocked device does not report the upper end of its aperture */
	bool smmuv3;		/* with nested: the IOMMU is an SMMUv3, and devices can be attached to guests' tables */
	bool no_viommu;		/* but for IOMMU_VIOMMU_ALLOC */
	bool nested;		/* NEST_PARENT and DIRTY_TRACKING work */
	bool module;		/* viommu is loaded */
	bool no_vfio, no_iommu; /* there is no such file */
	bool no_cdev;		/* VFIO has no character devices */
	bool unbound;		/* the first device is bound to another driver */
	uint64_t entry_limit;	/* of a container; 0: 65535 */
	uint64_t lock_limit;	/* bytes that may be pinned; 0: all */
};

void fake_begin(const struct fake_options *options);
/* Whether nothing was left behind: open files, groups in containers, mappings. */
bool fake_end(void);

/* Calls of the kernel since fake_begin(); each counts, opening files too. */
uint64_t fake_calls(void);
/* The calls with these numbers, from and until inclusive, fail. */
void fake_fail(uint64_t from, uint64_t until, int error);

/*
 * The same for memory, of calloc() and realloc(): the number of the one call that fails, 0 for
 * none.
 */
uint64_t fake_allocations(void);
void fake_fail_allocation(uint64_t number);

/* Called before each ioctl of the library's, without a lock; NULL: nothing is. */
void fake_watch(void (*watch)(void *ctx, unsigned long request), void *ctx);

/* Opens files as a user does who hands file descriptors over. */
int fake_open(const char *path);
int fake_ioctl(int fd, unsigned long request, void *argument);
void fake_close(int fd);

/* The one file that can be mapped as such, and where a byte of it is in memory. */
void fake_file_is(int fd, uint64_t offset, unsigned char *memory);

/* The device's translation of an IOVA: 0 or -ENOENT. device is a file from VFIO. */
int fake_dma(int device, uint64_t iova, unsigned char **hva, uint32_t *prot);
/* Bytes that are pinned, and as they are charged. */
uint64_t fake_pinned(void);
/* Translations, wherever they are. */
size_t fake_mappings(void);
/* Objects of the iommufd, bound devices among them. */
size_t fake_objects(void);

/* Commands of guests' SMMUs since the last call, the first of them; their number. */
size_t fake_commands(uint64_t (*commands)[2], size_t room);
/*
 * Says in the queue that there is that something happened, or, without a record, that events up to
 * this one were lost.
 */
void fake_event(uint32_t sequence, const uint64_t record[4]);

#endif
