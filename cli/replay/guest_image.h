/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A snapshot of a replayed guest's memory, to find later changes anywhere. Memory is sparse. Pages
 * that do not exist are not read.
 */
#ifndef VIOMMU_CLI_GUEST_IMAGE_H
#define VIOMMU_CLI_GUEST_IMAGE_H

#include <stdbool.h>

#include "guest.h"

struct guest_image {
	/* pages with non-zero contents, sorted by slot and address */
	struct guest_image_page *pages;
	size_t count;
	size_t capacity;
};

/* Takes the snapshot. 0 or -ENOMEM. Valid until slots change. Freed by guest_image_free(). */
int guest_image_take(struct guest_image *image, const struct guest *guest);

/* Calls fn for each page whose contents have changed. Returns their number. */
uint64_t guest_image_compare(const struct guest_image *image, const struct guest *guest, void (*fn)(void *ctx, uint64_t gpa), void *ctx);

void guest_image_free(struct guest_image *image);

/* The first page that begins with these bytes. False if there is none. */
bool guest_search(const struct guest *guest, const void *bytes, size_t length, uint64_t *gpa);

#endif
