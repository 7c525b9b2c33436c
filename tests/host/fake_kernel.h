/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel with two VFIO devices, for tests on machines without any: VFIO groups, containers of
 * type1v2, character devices and iommufd, as far as the library calls them, with Linux's errors.
 * The linker puts it in the place of open(), close(), ioctl() and the functions that read sysfs
 * (meson.build). Other files go to the real functions.
 *
 * It is a model, and proves nothing about Linux, which tests on test hosts cover. It can make any
 * call fail, and it finds leaks.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_ONE "0000:00:05.0" /* in group 7, as vfio0 */
#define FAKE_TWO "0001:02:1f.7" /* in group 9 or 7, as vfio1 */

struct fake_options {
	bool one_group;	    /* both devices are in group 7 */
	bool hidden_groups; /* the character device has no link to its device's group */
	bool narrow_two;    /* the second device's aperture is smaller */
	bool other_iommu;   /* a page table for one device does not fit the other */
	/*
	 * Linux 6.5: neither IOMMU_HWPT_ALLOC nor IOMMU_IOAS_MAP_FILE; unmapping nothing yields
	 * -ENOENT
	 */
	bool old_iommufd;
	bool late_ranges; /* a blocked device does not report the upper end of its aperture */
	/* with nested: the IOMMU is an SMMUv3, and devices can be attached to guests' tables */
	bool smmuv3;
	bool no_viommu;		/* but for IOMMU_VIOMMU_ALLOC */
	uint8_t pasid_bits;	/* devices have PASIDs; 0: none */
	bool refuse_pasids;	/* all the same, VFIO attaches none */
	bool nested;		/* NEST_PARENT and DIRTY_TRACKING work */
	bool module;		/* viommu is loaded */
	bool no_page;		/* with module: the only range of IOVAs has no whole page */
	bool no_vfio, no_iommu; /* the file is missing */
	bool no_cdev;		/* VFIO has no character devices */
	bool unbound;		/* the first device is bound to another driver */
	uint64_t entry_limit;	/* of a container; 0: 65535 */
	uint64_t lock_limit;	/* bytes that may be pinned; 0: all */
};

void fake_begin(const struct fake_options *options);
/* True if nothing leaked: open files, groups in containers, mappings. */
bool fake_end(void);

/* The number of kernel calls since fake_begin(). Opening a file is one, too. */
uint64_t fake_calls(void);
/* Calls with the numbers from..until fail. */
void fake_fail(uint64_t from, uint64_t until, int error);

/* The same for calloc() and realloc(): the number of the one call that fails, 0 for none. */
uint64_t fake_allocations(void);
void fake_fail_allocation(uint64_t number);

/* Called before each ioctl of the library, without a lock; NULL: none. */
void fake_watch(void (*watch)(void *ctx, unsigned long request), void *ctx);

/* Opens files like a user that hands file descriptors over. */
int fake_open(const char *path);
int fake_ioctl(int fd, unsigned long request, void *argument);
void fake_close(int fd);

/* The one file that can be mapped as a file, and the address of one of its bytes. */
void fake_file_is(int fd, uint64_t offset, unsigned char *memory);

/* The device's translation of an IOVA: 0 or -ENOENT. device is a file of VFIO. */
int fake_dma(int device, uint64_t iova, unsigned char **hva, uint32_t *prot);
/* The same of one of its PASIDs. */
int fake_dma_pasid(int device, uint32_t pasid, uint64_t iova, unsigned char **hva, uint32_t *prot);
/* Pinned bytes, and charged bytes. */
uint64_t fake_pinned(void);
/* The number of translations in all containers and IOASes. */
size_t fake_mappings(void);
/* The number of objects of the iommufd, bound devices included. */
size_t fake_objects(void);

/* Returns the number of guest SMMU commands since the last call, and stores the first ones. */
size_t fake_commands(uint64_t (*commands)[2], size_t room);
/*
 * Appends a record to the event queue. Without a record: reports that events up to this one were
 * lost.
 */
void fake_event(uint32_t sequence, const uint64_t record[4]);

#endif
