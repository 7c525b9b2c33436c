/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tracking/pagemap_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Linux's include/uapi/linux/userfaultfd.h and fs.h, for system headers that are older than the
 * kernel: 5.11, 6.4 and 6.7.
 */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define FEATURE_WP_HUGETLBFS_SHMEM (UINT64_C(1) << 12)
#define FEATURE_WP_UNPOPULATED	   (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC	   (UINT64_C(1) << 15)

#define CATEGORY_WRITTEN (UINT64_C(1) << 1)
#define SCAN_PROTECT	 (UINT64_C(1) << 0)
#define SCAN_CHECK_ASYNC (UINT64_C(1) << 1)

struct scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};
#define IOCTL_SCAN _IOWR('f', 16, struct scan)

static struct scan scan_of(uintptr_t first, uintptr_t last, uint64_t flags)
{
	/* The kernel has a fast path for this mask only. */
	return (struct scan){ .size = sizeof(struct scan),
			      .flags = flags,
			      .start = first,
			      .end = (uint64_t)last + 1,
			      .category_mask = CATEGORY_WRITTEN,
			      .return_mask = CATEGORY_WRITTEN };
}

static int open_uffd(void)
{
	/*
	 * In this mode faults in the kernel's own accesses never wait for us. So
	 * UFFD_USER_MODE_ONLY, which needs no privilege, suffices.
	 */
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd >= 0)
		return (int)fd;
	return errno == ENOSYS || errno == EINVAL ? -EOPNOTSUPP : errno == EACCES ? -EPERM : -errno;
}

int pagemap_kernel_open(struct pagemap_kernel *kernel)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURE_WP_HUGETLBFS_SHMEM | FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC };
	struct scan probe;
	uintptr_t page = (uintptr_t)&probe & ~(uintptr_t)4095;
	int error = 0;

	if (sysconf(_SC_PAGESIZE) != 4096)
		return -EOPNOTSUPP;
	kernel->uffd = open_uffd();
	if (kernel->uffd < 0)
		return kernel->uffd;
	kernel->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (kernel->pagemap < 0) {
		error = errno == ENOENT ? -EOPNOTSUPP : errno == EACCES ? -EPERM : -errno;
		close(kernel->uffd);
		return error;
	}
	probe = scan_of(page, page + 4095, 0);
	if (ioctl(kernel->uffd, UFFDIO_API, &api) || ioctl(kernel->pagemap, IOCTL_SCAN, &probe) < 0) {
		pagemap_kernel_close(kernel);
		return -EOPNOTSUPP;
	}
	return 0;
}

void pagemap_kernel_close(struct pagemap_kernel *kernel)
{
	close(kernel->uffd);
	close(kernel->pagemap);
}

static struct uffdio_range range_of(uintptr_t first, uintptr_t last)
{
	return (struct uffdio_range){ .start = first, .len = last - first + 1 };
}

int pagemap_kernel_register(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last)
{
	struct uffdio_register theirs = { .range = range_of(first, last), .mode = UFFDIO_REGISTER_MODE_WP };

	return ioctl(kernel->uffd, UFFDIO_REGISTER, &theirs) ? -errno : 0;
}

void pagemap_kernel_unregister(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last)
{
	struct uffdio_range theirs = range_of(first, last);

	/* It fails if the memory is unmapped already; then there is nothing to undo. */
	(void)ioctl(kernel->uffd, UFFDIO_UNREGISTER, &theirs);
}

static int call(const struct pagemap_kernel *kernel, struct scan *scan)
{
	int result;

	do
		result = ioctl(kernel->pagemap, IOCTL_SCAN, scan);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

int pagemap_kernel_protect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last)
{
	/* Without the check, unregistered memory would be skipped silently. */
	struct scan scan = scan_of(first, last, SCAN_PROTECT | SCAN_CHECK_ASYNC);
	int result = call(kernel, &scan);

	if (result < 0)
		return result;
	return scan.walk_end == (uint64_t)last + 1 ? 0 : -EOPNOTSUPP;
}

void pagemap_kernel_unprotect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last)
{
	struct uffdio_writeprotect theirs = { .range = range_of(first, last), .mode = 0 };

	/* If it fails, an unwatched page stays protected: its next writer takes a fault. */
	(void)ioctl(kernel->uffd, UFFDIO_WRITEPROTECT, &theirs);
}

int pagemap_kernel_find(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last, struct pagemap_region *region, size_t room, size_t *number,
			uintptr_t *next)
{
	struct scan scan = scan_of(first, last, SCAN_CHECK_ASYNC);
	int result;

	scan.vec = (uintptr_t)region;
	scan.vec_len = room;
	result = call(kernel, &scan);
	if (result < 0)
		return result;
	*number = (size_t)result;
	*next = (uintptr_t)scan.walk_end;
	return *next > first ? 0 : -EIO;
}
