/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the pagemap tracker asks of Linux: write-protecting pages of this process in userfaultfd's asynchronous mode, and finding those that lost their
 * protection since (Documentation/admin-guide/mm/pagemap.rst and userfaultfd.rst of the kernel).
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

/* -EOPNOTSUPP: this kernel can't; -EPERM: it does not let us; -EMFILE, -ENFILE, -ENOMEM. */
int pagemap_kernel_open(struct pagemap_kernel *kernel);
void pagemap_kernel_close(struct pagemap_kernel *kernel);

/* Memory in which pages are going to be protected. Nothing of it is protected when it has been unregistered. */
int pagemap_kernel_register(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);
void pagemap_kernel_unregister(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);

/* A write that begins after this has returned takes the protection away. -EOPNOTSUPP where pages are larger than the range. */
int pagemap_kernel_protect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);
void pagemap_kernel_unprotect(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last);

/* Finds pages that are not protected: as many regions as there is room for, their number, and where to go on (last + 1: all was seen). */
int pagemap_kernel_find(const struct pagemap_kernel *kernel, uintptr_t first, uintptr_t last, struct pagemap_region *region, size_t room, size_t *number,
			uintptr_t *next);

#endif
