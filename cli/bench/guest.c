// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The guest of benchmarks: memory, and tables in it. */
#include "guest.h"

#include <viommu/zpci.h>

#include <endian.h>
#include <string.h>
#include <sys/mman.h>

/* Region and segment tables have 2048 entries, page tables 256. */
#define TABLE_BYTES UINT64_C(16384)
#define PAGES_BYTES UINT64_C(2048)
#define ROOTS	    10u

/* VMMs align guest memory for large pages, and request them. */
#define ALIGNED (UINT64_C(1) << 21)

/* A region third table entry: full length, with the type of its table. */
#define REGION_THIRD UINT64_C(0x07)

bool bench_guest_begin_tracked(struct bench_guest *guest, uint64_t frames, uint64_t page_tables, uint64_t segment_tables, const struct viommu_tracker *tracker)
{
	/* The default limits are for untrusted guests, and some cases would reach them. */
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	uint64_t tables = page_tables * PAGES_BYTES + (segment_tables + ROOTS) * TABLE_BYTES;

	config.shadow_bytes = VIOMMU_NO_LIMIT;
	config.refresh_entries = VIOMMU_NO_LIMIT;
	*guest = (struct bench_guest){ .bytes = frames + ((tables + TABLE_BYTES - 1) & ~(TABLE_BYTES - 1)), .frames = frames, .next = frames };
	if (guest->bytes > SIZE_MAX / 2)
		return false;
	guest->map_bytes = (size_t)(guest->bytes + ALIGNED);
	guest->map = mmap(NULL, guest->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (guest->map == MAP_FAILED)
		return false;
	(void)madvise(guest->map, guest->map_bytes, MADV_HUGEPAGE);
	guest->memory = guest->map + (-(uintptr_t)guest->map & (ALIGNED - 1));
	const struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .bytes = guest->bytes, .hva = guest->memory, .fd = -1 };
	if (!viommu_vm_create(&config, &guest->vm)) {
		if ((!tracker || !viommu_vm_set_tracker(guest->vm, tracker)) && !viommu_slot_add(guest->vm, &slot))
			return true;
		viommu_vm_destroy(guest->vm);
	}
	munmap(guest->map, guest->map_bytes);
	return false;
}

bool bench_guest_begin(struct bench_guest *guest, uint64_t frames, uint64_t page_tables, uint64_t segment_tables)
{
	return bench_guest_begin_tracked(guest, frames, page_tables, segment_tables, NULL);
}

void bench_guest_end(struct bench_guest *guest)
{
	viommu_vm_destroy(guest->vm);
	munmap(guest->map, guest->map_bytes);
}

static uint64_t *at(const struct bench_guest *guest, uint64_t gpa)
{
	return (uint64_t *)(void *)(guest->memory + gpa);
}

static uint64_t new_table(struct bench_guest *guest, uint64_t bytes, uint64_t entry)
{
	/* Region and segment tables are aligned to 4 KiB, page tables to 2 KiB. */
	uint64_t align = bytes < BENCH_PAGE ? bytes : BENCH_PAGE;
	uint64_t table = (guest->next + align - 1) & ~(align - 1);

	guest->next = table + bytes;
	for (uint64_t i = 0; i < bytes / 8; i++)
		at(guest, table)[i] = htobe64(entry);
	return table;
}

void bench_tables(struct bench_tables *tables, struct bench_guest *guest, uint64_t pba, uint64_t pal)
{
	*tables = (struct bench_tables){ .guest = guest, .root = new_table(guest, TABLE_BYTES, BENCH_TABLE_I), .pba = pba, .pal = pal };
}

uint64_t *bench_root_entry(const struct bench_tables *tables, uint64_t iova)
{
	return at(tables->guest, tables->root) + (iova / BENCH_REGION) % 2048;
}

uint64_t *bench_entry(const struct bench_tables *tables, uint64_t iova)
{
	struct bench_guest *guest = tables->guest;
	uint64_t *entry = bench_root_entry(tables, iova);

	if (be64toh(*entry) & BENCH_TABLE_I)
		*entry = htobe64(new_table(guest, TABLE_BYTES, BENCH_TABLE_I) | REGION_THIRD);
	entry = at(guest, be64toh(*entry) & BENCH_TABLE_ORIGIN) + (iova / BENCH_SEGMENT) % 2048;
	if (be64toh(*entry) & BENCH_TABLE_I)
		*entry = htobe64(new_table(guest, PAGES_BYTES, BENCH_PAGE_I));
	return at(guest, be64toh(*entry) & BENCH_PAGES_ORIGIN) + (iova / BENCH_PAGE) % 256;
}

uint64_t bench_leaf(uint64_t gpa)
{
	return htobe64(gpa);
}

void bench_set(uint64_t *entry, uint64_t raw)
{
	__atomic_store_n(entry, raw, __ATOMIC_RELAXED);
}

uint64_t bench_scattered_frame(const struct bench_tables *tables, uint64_t iova)
{
	/* An odd factor makes a permutation of a power of two of frames. */
	return (iova - tables->pba) * 0x2545 % tables->guest->frames;
}

void bench_fill(const struct bench_tables *tables, uint64_t first, uint64_t last, uint64_t stride)
{
	for (uint64_t offset = 0; offset <= last - first; offset += stride * BENCH_PAGE)
		bench_set(bench_entry(tables, first + offset), bench_leaf(bench_frame(tables, first + offset)));
}

bool bench_tables_walk(const struct bench_tables *tables, uint64_t pages, struct bench_walk *walk)
{
	const struct bench_walk_memory memory = { .memory = tables->guest->memory, .bytes = tables->guest->bytes };

	return bench_walk_begin(walk, &memory, tables->root, pages) && bench_walk_refresh(walk, tables->pba, tables->pal);
}

int bench_domain(const struct bench_tables *tables, struct viommu_host *host, struct viommu_domain **out)
{
	/* The T bit, and the designation type of a region third table. */
	const struct viommu_zpci_ioat ioat = { .size = sizeof(ioat), .iota = tables->root | 0x804, .pba = tables->pba, .pal = tables->pal };

	return viommu_domain_create(tables->guest->vm, host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, out);
}

uint64_t bench_mapped(struct viommu_domain *domain)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	viommu_domain_stats(domain, &stats);
	return stats.mapped_pages;
}
