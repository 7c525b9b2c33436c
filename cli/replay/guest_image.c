// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Snapshots of a guest's memory: a hash for each page with contents. mincore() lists the pages of a
 * mapping that exist, including pages that a device has written. A page that does not exist holds
 * zeros.
 */
#include "guest_image.h"
#include "common/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <viommu/types.h>

#define CHUNK_PAGES 4096u /* pages of one query */

struct guest_image_page {
	uint64_t gpa;
	uint64_t hash;
};

/* 0 for a page of zeros, and in practice for no other. */
static uint64_t hash_page(const unsigned char *page)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < VIOMMU_PAGE_SIZE; i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, page + i, sizeof(word));
		if (word)
			hash = (hash ^ (word + i)) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

/*
 * Calls fn for the pages of a slot that may have contents, until it returns true. Returns whether
 * it did.
 */
static bool each_page_of(const struct guest_slot *slot, bool (*fn)(void *ctx, uint64_t gpa, const unsigned char *page), void *ctx)
{
	uint64_t system_page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned char present[CHUNK_PAGES];

	for (uint64_t begin = 0; begin < slot->bytes; begin += CHUNK_PAGES * system_page) {
		uint64_t bytes = slot->bytes - begin < CHUNK_PAGES * system_page ? slot->bytes - begin : CHUNK_PAGES * system_page;
		bool known = !mincore(slot->memory + begin, (size_t)bytes, present);
		for (uint64_t offset = 0; offset < bytes; offset += VIOMMU_PAGE_SIZE) {
			uint64_t at = begin + offset;
			/* A page that was swapped out is not in memory, but has contents. */
			bool filled = slot->filled[at / VIOMMU_PAGE_SIZE / 8] >> (at / VIOMMU_PAGE_SIZE % 8) & 1;
			if (known && !filled && !(present[offset / system_page] & 1))
				continue;
			if (fn(ctx, slot->gpa + at, slot->memory + at))
				return true;
		}
	}
	return false;
}

static bool each_page(const struct guest *guest, bool (*fn)(void *ctx, uint64_t gpa, const unsigned char *page), void *ctx)
{
	for (unsigned int i = 0; i < guest->count; i++) {
		if (each_page_of(&guest->slots[i], fn, ctx))
			return true;
	}
	return false;
}

struct taking {
	struct guest_image *image;
	bool failed;
};

static bool take_page(void *ctx, uint64_t gpa, const unsigned char *page)
{
	struct taking *taking = ctx;
	struct guest_image *image = taking->image;
	uint64_t hash = hash_page(page);

	if (!hash)
		return false;
	struct guest_image_page *pages = cli_room(image->pages, image->count, &image->capacity, sizeof(*pages));
	if (!pages) {
		taking->failed = true;
		return true;
	}
	image->pages = pages;
	image->pages[image->count++] = (struct guest_image_page){ gpa, hash };
	return false;
}

int guest_image_take(struct guest_image *image, const struct guest *guest)
{
	struct taking taking = { .image = image };

	*image = (struct guest_image){ 0 };
	each_page(guest, take_page, &taking);
	return taking.failed ? -ENOMEM : 0;
}

struct comparing {
	const struct guest_image *image;
	size_t next; /* of the image's pages */
	void (*fn)(void *ctx, uint64_t gpa);
	void *ctx;
	uint64_t changed;
};

/*
 * Pages come in the image's order, and none of the image is missing: a page that exists stays, and
 * one that was swapped out has contents.
 */
static bool compare_page(void *ctx, uint64_t gpa, const unsigned char *page)
{
	struct comparing *comparing = ctx;
	const struct guest_image *image = comparing->image;
	uint64_t before = 0;

	if (comparing->next < image->count && image->pages[comparing->next].gpa == gpa)
		before = image->pages[comparing->next++].hash;
	if (hash_page(page) == before)
		return false;
	comparing->changed++;
	comparing->fn(comparing->ctx, gpa);
	return false;
}

uint64_t guest_image_compare(const struct guest_image *image, const struct guest *guest, void (*fn)(void *ctx, uint64_t gpa), void *ctx)
{
	struct comparing comparing = { .image = image, .fn = fn, .ctx = ctx };

	each_page(guest, compare_page, &comparing);
	return comparing.changed;
}

void guest_image_free(struct guest_image *image)
{
	free(image->pages);
	*image = (struct guest_image){ 0 };
}

struct searching {
	const void *bytes;
	size_t length;
	uint64_t *gpa;
};

static bool search_page(void *ctx, uint64_t gpa, const unsigned char *page)
{
	const struct searching *searching = ctx;

	if (memcmp(page, searching->bytes, searching->length) != 0)
		return false;
	*searching->gpa = gpa;
	return true;
}

bool guest_search(const struct guest *guest, const void *bytes, size_t length, uint64_t *gpa)
{
	struct searching searching = { bytes, length, gpa };

	return each_page(guest, search_page, &searching);
}
