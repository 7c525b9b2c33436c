/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pagemap tracker's calls to Linux: write-protecting pages of this process in userfaultfd's
 * asynchronous mode, and finding pages that lost their protection
 * (Documentation/admin-guide/mm/pagemap.rst and userfaultfd.rst of the kernel).
 *
 * Addresses are of this process, first/last, whole pages. All return 0 or a negative errno value.
 */
#ifndef VIOMMU_TRACKING_PAGEMAP_KERNEL_H
#define VIOMMU_TRACKING_PAGEMAP_KERNEL_H

#include <stddef.h>
#include <stdint.h>

struct pagemap_kernel {
	int uffd;
	int pagemap;
};

/* As the kernel writes it: from start to before end. */
struct pagemap_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

/* -EOPNOTSUPP (not supported by this kernel), -EPERM (not permitted), -EMFILE, -ENFILE, -ENOMEM. */
int pagemap_kernel_open(struct pagemap_kernel *kernel);
void pagemap_kernel_close(struct pagemap_kernel *kernel);

/* Memory whose pages may be protected. Unregistering it removes all protection. */
int pagemap_kernel_register(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);
void pagemap_kernel_unregister(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);

/*
 * A write that begins after the return removes the protection. -EOPNOTSUPP if pages are larger than
 * the range.
 */
int pagemap_kernel_protect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);
void pagemap_kernel_unprotect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);

/*
 * Finds unprotected pages: at most `room` regions, their number, and the address to continue at
 * (last + 1: the range is complete).
 */
int pagemap_kernel_find(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last, struct pagemap_region *region, size_t room, size_t *number,
			uintptr_t *next);

#endif
