/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/zpci.h>

#include "guest.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void must(bool ok)
{
	if (!ok)
		abort();
}

struct area *guest_area(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
	struct area *area = &guest->area[guest->areas++];
	void *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(guest->areas <= GUEST_AREAS && memory != MAP_FAILED);
	*area = (struct area){ .gpa = gpa, .bytes = bytes, .memory = memory, .prot = prot, .fd = -1 };
	return area;
}

struct area *guest_area_file(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot, int32_t fd, uint64_t offset)
{
	struct area *area = guest_area(guest, gpa, bytes, prot);

	must(mmap(area->memory, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED);
	area->fd = fd;
	area->offset = offset;
	return area;
}

struct area *guest_area_split(struct guest *guest, struct area *area, uint64_t bytes)
{
	struct area *upper = &guest->area[guest->areas++];

	must(guest->areas <= GUEST_AREAS);
	*upper = *area;
	upper->gpa += bytes;
	upper->bytes -= bytes;
	upper->memory += bytes;
	upper->offset += bytes;
	area->bytes = bytes;
	return upper;
}

void guest_free(struct guest *guest)
{
	for (unsigned int i = 0; i < guest->areas; i++)
		munmap(guest->area[i].memory, (size_t)guest->area[i].bytes);
	memset(guest, 0, sizeof(*guest));
}

static void rebuild(struct guest *guest)
{
	guest->memory.slots = guest->slot;
	guest->memory.count = 0;
	for (unsigned int i = 0; i < guest->areas; i++)
		if (guest->area[i].shown)
			guest->slot[guest->memory.count++] = (struct naive_slot){ .gpa = guest->area[i].gpa,
										  .bytes = guest->area[i].bytes,
										  .memory = guest->area[i].memory,
										  .writable = guest->area[i].prot & VIOMMU_WRITE };
}

int guest_show(struct guest *guest, struct area *area)
{
	const struct viommu_slot slot = {
		.size = sizeof(slot), .prot = area->prot, .gpa = area->gpa, .bytes = area->bytes, .hva = area->memory, .fd = area->fd, .offset = area->offset
	};
	int error = viommu_slot_add(guest->vm, &slot);

	if (!error) {
		area->shown = true;
		rebuild(guest);
	}
	return error;
}

int guest_hide(struct guest *guest, struct area *area)
{
	int error = viommu_slot_remove(guest->vm, area->gpa);

	area->leaving = error == -EIO;
	if (!error) {
		area->shown = false;
		rebuild(guest);
	}
	return error;
}

void guest_tables_in(struct guest *guest, uint64_t first, uint64_t last)
{
	guest->table_next = first;
	guest->table_last = last;
}

void guest_tracked(struct guest *guest, const struct viommu_vm_config *config, uint64_t bytes, const struct viommu_tracker *tracker)
{
	const struct viommu_vm_config plain = VIOMMU_VM_CONFIG_INIT;

	memset(guest, 0, sizeof(*guest));
	must(!viommu_vm_create(config ? config : &plain, &guest->vm));
	must(!tracker || !viommu_vm_set_tracker(guest->vm, tracker));
	must(!guest_show(guest, guest_area(guest, 0, bytes, VIOMMU_RW)));
	guest_tables_in(guest, bytes / 2, bytes - 1);
}

void guest_simple(struct guest *guest, const struct viommu_vm_config *config, uint64_t bytes)
{
	guest_tracked(guest, config, bytes, NULL);
}

void guest_end(struct guest *guest)
{
	viommu_vm_destroy(guest->vm);
	guest_free(guest);
}

unsigned char *guest_hva(const struct guest *guest, uint64_t gpa)
{
	for (unsigned int i = 0; i < guest->areas; i++)
		if (gpa >= guest->area[i].gpa && gpa - guest->area[i].gpa < guest->area[i].bytes)
			return guest->area[i].memory + (gpa - guest->area[i].gpa);
	abort();
}

/* One store of all 8 bytes, since the library may be reading. */
void guest_store(struct guest *guest, uint64_t gpa, uint64_t value)
{
	__atomic_store_n((uint64_t *)(void *)guest_hva(guest, gpa), htobe64(value), __ATOMIC_RELAXED);
	fake_tracker_stored(guest->tracker, gpa, 8);
}

uint64_t guest_load(struct guest *guest, uint64_t gpa)
{
	return be64toh(__atomic_load_n((uint64_t *)(void *)guest_hva(guest, gpa), __ATOMIC_RELAXED));
}

uint64_t tables_new(struct guest *guest, unsigned int level)
{
	uint64_t bytes = level ? 2048 * 8 : 256 * 8;
	uint64_t table = (guest->table_next + (bytes - 1)) & ~(bytes - 1);

	must(table + (bytes - 1) <= guest->table_last);
	guest->table_next = table + bytes;
	for (uint64_t at = 0; at < bytes; at += 8)
		guest_store(guest, table + at, level ? STE_INVALID : PTE_INVALID);
	return table;
}

uint64_t tables_link(unsigned int level, uint64_t table)
{
	/* A region table entry has a type, and names a full table. */
	return level == 1 ? table : table | (uint64_t)(level - 1) << 2 | 3;
}

void tables_init(struct tables *tables, struct guest *guest, unsigned int level, uint64_t pba, uint64_t pal)
{
	*tables = (struct tables){ .guest = guest, .root = tables_new(guest, level), .level = level, .pba = pba, .pal = pal };
}

uint64_t tables_entry(struct tables *tables, uint64_t iova, unsigned int level)
{
	uint64_t table = tables->root;

	for (unsigned int at = tables->level;; at--) {
		uint64_t entry_gpa = table + 8 * (uint64_t)naive_index(iova, at);
		uint64_t entry;

		if (at == level)
			return entry_gpa;
		entry = guest_load(tables->guest, entry_gpa);
		if (naive_judge(entry, at, false) != NAIVE_IS_TABLE) {
			entry = tables_link(at, tables_new(tables->guest, at - 1));
			guest_store(tables->guest, entry_gpa, entry);
		}
		table = naive_next_table(entry, at, false);
	}
}

void tables_set(struct tables *tables, uint64_t iova, unsigned int level, uint64_t entry)
{
	guest_store(tables->guest, tables_entry(tables, iova, level), entry);
}

void tables_map(struct tables *tables, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot)
{
	for (uint64_t i = 0; i < pages; i++)
		tables_set(tables, iova + i * PAGE, 0, (gpa + i * PAGE) | (prot & VIOMMU_WRITE ? 0 : PROTECTED));
}

void tables_unmap(struct tables *tables, uint64_t iova, uint64_t pages)
{
	/* Linux leaves the frame address where it was. */
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t gpa = tables_entry(tables, iova + i * PAGE, 0);

		guest_store(tables->guest, gpa, guest_load(tables->guest, gpa) | PTE_INVALID);
	}
}

struct viommu_zpci_ioat tables_ioat(const struct tables *tables)
{
	return (struct viommu_zpci_ioat){ .size = sizeof(struct viommu_zpci_ioat),
					  .iota = tables->root | 0x800 | (uint64_t)(tables->level - 1) << 2,
					  .pba = tables->pba,
					  .pal = tables->pal };
}

struct naive_tables tables_naive(const struct tables *tables)
{
	return (struct naive_tables){ .iota = tables_ioat(tables).iota, .pba = tables->pba, .pal = tables->pal };
}

struct viommu_domain *tables_domain(const struct tables *tables, struct viommu_host *host, int *error)
{
	const struct viommu_zpci_ioat ioat = tables_ioat(tables);
	struct viommu_domain *domain = NULL;
	int result = viommu_domain_create(tables->guest->vm, host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &domain);

	if (error)
		*error = result;
	else
		must(!result);
	return domain;
}

uint64_t guest_pinned(const struct guest *guest)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(guest->vm, &stats);
	return stats.pinned_bytes;
}
