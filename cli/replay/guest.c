// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The memory of a replayed guest. Nothing is reserved: a mapping of terabytes costs only address
 * space until something is stored. Stores are counted page by page against a limit, since anyone
 * may have written the capture.
 */
#include "guest.h"
#include "common/cli.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <viommu/types.h>

/* The largest leaf of a host's table. */
#define LARGE  (UINT64_C(2) << 20)
#define LARGER (UINT64_C(1) << 30)

/* Sparse zeroed memory; NULL on failure. */
static void *map_sparse(uint64_t bytes)
{
	void *memory = bytes > SIZE_MAX ? MAP_FAILED : mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap_sparse(void *memory, uint64_t bytes)
{
	if (memory && bytes)
		munmap(memory, (size_t)bytes);
}

/*
 * The same for a GPA, with its offset from a multiple of `alignment`, followed by a page that
 * cannot be accessed.
 */
static unsigned char *map_aligned(uint64_t gpa, uint64_t bytes, uint64_t alignment)
{
	unsigned char *memory = bytes > UINT64_MAX - alignment ? NULL : map_sparse(bytes + alignment);
	uint64_t before;

	if (!memory)
		return NULL;
	before = (gpa - (uintptr_t)memory) & (alignment - 1);
	unmap_sparse(memory, before);
	memory += before;
	unmap_sparse(memory + bytes + VIOMMU_PAGE_SIZE, alignment - before - VIOMMU_PAGE_SIZE);
	mprotect(memory + bytes, VIOMMU_PAGE_SIZE, PROT_NONE);
	return memory;
}

/*
 * The placement of a slot determines the leaf sizes of a host's table, and so does an adjacent
 * slot. Results must not depend on that, so a slot is aligned like its GPA, and apart from others.
 */
static unsigned char *map_slot(uint64_t gpa, uint64_t bytes)
{
	unsigned char *memory = bytes >= LARGER ? map_aligned(gpa, bytes, LARGER) : NULL;

	if (!memory)
		memory = map_aligned(gpa, bytes, bytes >= LARGE ? LARGE : VIOMMU_PAGE_SIZE);
	/*
	 * With huge pages, a single doubleword would fill 2 MiB. On kernels without huge pages this
	 * fails, and does not matter.
	 */
	if (memory)
		(void)madvise(memory, (size_t)bytes, MADV_NOHUGEPAGE);
	return memory;
}

static uint64_t bitmap_bytes(uint64_t slot_bytes)
{
	return slot_bytes / VIOMMU_PAGE_SIZE / 8 + 1;
}

static void slot_free(struct guest_slot *slot)
{
	unmap_sparse(slot->memory, slot->bytes + VIOMMU_PAGE_SIZE);
	unmap_sparse(slot->filled, bitmap_bytes(slot->bytes));
	unmap_sparse(slot->marked, bitmap_bytes(slot->bytes));
}

int guest_add(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot, const struct guest_slot **out)
{
	struct guest_slot *slots = cli_room(guest->slots, guest->count, &guest->capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	guest->slots = slots;
	struct guest_slot slot = { .gpa = gpa, .bytes = bytes, .prot = prot };
	slot.memory = map_slot(gpa, bytes);
	slot.filled = map_sparse(bitmap_bytes(bytes));
	slot.marked = map_sparse(bitmap_bytes(bytes));
	if (!slot.memory || !slot.filled || !slot.marked) {
		slot_free(&slot);
		return -ENOMEM;
	}
	guest->bytes += bytes;
	guest->slots[guest->count] = slot;
	*out = &guest->slots[guest->count++];
	return 0;
}

static bool bit_test(const unsigned char *bits, uint64_t n)
{
	return bits[n / 8] >> (n % 8) & 1;
}

static void bit_set(unsigned char *bits, uint64_t n, bool value)
{
	unsigned char mask = (unsigned char)(1u << (n % 8));

	bits[n / 8] = (unsigned char)(value ? bits[n / 8] | mask : bits[n / 8] & ~mask);
}

void guest_remove(struct guest *guest, uint64_t gpa)
{
	for (unsigned int i = 0; i < guest->count; i++) {
		struct guest_slot *slot = &guest->slots[i];
		if (slot->gpa != gpa)
			continue;
		guest->filled_bytes -= slot->filled_bytes;
		guest->bytes -= slot->bytes;
		slot_free(slot);
		*slot = guest->slots[--guest->count];
		guest->recent = 0;
		return;
	}
}

static struct guest_slot *find(struct guest *guest, uint64_t gpa)
{
	for (unsigned int i = 0; i < guest->count; i++) {
		unsigned int at = (guest->recent + i) % guest->count;
		struct guest_slot *slot = &guest->slots[at];
		if (gpa >= slot->gpa && gpa - slot->gpa < slot->bytes) {
			guest->recent = at;
			return slot;
		}
	}
	return NULL;
}

const struct guest_slot *guest_find(struct guest *guest, uint64_t gpa)
{
	return find(guest, gpa);
}

/* Stores within one page. A page that was never filled holds zeros already. */
static int store_in_page(struct guest *guest, struct guest_slot *slot, uint64_t offset, uint64_t value, uint64_t count)
{
	uint64_t page = offset / VIOMMU_PAGE_SIZE;
	if (!bit_test(slot->filled, page)) {
		if (!value)
			return 0;
		if (guest->filled_limit - guest->filled_bytes < VIOMMU_PAGE_SIZE)
			return -EDQUOT;
		guest->filled_bytes += VIOMMU_PAGE_SIZE;
		slot->filled_bytes += VIOMMU_PAGE_SIZE;
		bit_set(slot->filled, page, true);
	}
	uint64_t *to = (uint64_t *)(void *)(slot->memory + offset);
	for (uint64_t i = 0; i < count; i++)
		to[i] = guest->little_endian ? htole64(value) : htobe64(value);
	return 0;
}

int guest_store(struct guest *guest, uint64_t gpa, uint64_t value, uint64_t count)
{
	struct guest_slot *slot = find(guest, gpa);
	if (!slot)
		return -EFAULT;
	uint64_t offset = gpa - slot->gpa;
	while (count) {
		uint64_t part = (VIOMMU_PAGE_SIZE - offset % VIOMMU_PAGE_SIZE) / sizeof(uint64_t);
		if (part > count)
			part = count;
		int err = store_in_page(guest, slot, offset, value, part);
		if (err)
			return err;
		offset += part * sizeof(uint64_t);
		count -= part;
	}
	return 0;
}

uint64_t guest_mark(struct guest *guest, uint64_t gpa, uint64_t bytes, bool mark)
{
	uint64_t changed = 0;
	for (uint64_t done = 0; done < bytes;) {
		struct guest_slot *slot = find(guest, gpa + done);
		if (!slot) {
			done += VIOMMU_PAGE_SIZE;
			continue;
		}
		uint64_t offset = gpa + done - slot->gpa;
		for (; done < bytes && offset < slot->bytes; done += VIOMMU_PAGE_SIZE, offset += VIOMMU_PAGE_SIZE) {
			uint64_t page = offset / VIOMMU_PAGE_SIZE;
			if (bit_test(slot->marked, page) == mark)
				continue;
			bit_set(slot->marked, page, mark);
			changed++;
		}
	}
	return changed;
}

void guest_free(struct guest *guest)
{
	for (unsigned int i = 0; i < guest->count; i++)
		slot_free(&guest->slots[i]);
	free(guest->slots);
	*guest = (struct guest){ 0 };
}
