/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An image of a replayed guest's memory at one moment, so that later changes can be found anywhere.
 * Memory is sparse, and pages that do not exist are not read.
 */
#ifndef VIOMMU_CLI_GUEST_IMAGE_H
#define VIOMMU_CLI_GUEST_IMAGE_H

#include <stdbool.h>

#include "guest.h"

struct guest_image {
	struct guest_image_page *pages; /* those that hold anything but zeros, in the order of slots and addresses */
	size_t count;
	size_t capacity;
};

/* Remembers. 0 or -ENOMEM. Good until slots change; freed by guest_image_free(). */
int guest_image_take(struct guest_image *image, const struct guest *guest);

/* Calls fn with each page whose content has changed. Returns their number. */
uint64_t guest_image_compare(const struct guest_image *image, const struct guest *guest, void (*fn)(void *ctx, uint64_t gpa), void *ctx);

void guest_image_free(struct guest_image *image);

/* The first page that begins with these bytes. False if none does. */
bool guest_search(const struct guest *guest, const void *bytes, size_t length, uint64_t *gpa);

#endif
