/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A well-behaved guest for tests of the core: memory in areas that are shown to a VM as slots, and
 * translation tables as Linux writes them (arch/s390/include/asm/pci_dma.h,
 * drivers/iommu/s390-iommu.c). tests/reference/naive.h reads the tables for comparison, and shares
 * no code with the library.
 */
#ifndef TESTS_CORE_GUEST_H
#define TESTS_CORE_GUEST_H

#include <viommu/viommu.h>
#include <viommu/zpci.h>

#include "fake_tracker.h"
#include "naive.h"

#define PAGE UINT64_C(4096)
#define MIB  UINT64_C(0x100000)
#define GIB  UINT64_C(0x40000000)

/*
 * Bits of region and segment table entries: 0x400 frame (segment), 0x200 protection, 0x20 invalid.
 */
#define PTE_INVALID UINT64_C(0x400)
#define STE_INVALID UINT64_C(0x20)
#define STE_FRAME   UINT64_C(0x400)
#define PROTECTED   UINT64_C(0x200)

#define GUEST_AREAS 8

struct area {
	uint64_t gpa;
	uint64_t bytes;
	unsigned char *memory;
	uint32_t prot;
	bool shown;
	bool leaving; /* still shown, since its removal failed: nothing new is established in it */
	int32_t fd;   /* the same memory as a file, -1 if it is none */
	uint64_t offset;
};

struct guest {
	struct viommu_vm *vm;
	struct area area[GUEST_AREAS];
	unsigned int areas;
	uint64_t table_next; /* GPAs of tables */
	uint64_t table_last;
	struct naive_slot slot[GUEST_AREAS];
	struct naive_memory memory;   /* the areas that are shown */
	struct fake_tracker *tracker; /* is notified of each store; may be NULL */
	/* all of it is pinned: the VM was made so, or there is a direct domain */
	bool whole;
};

/* Memory that no slot shows yet. It is zero; host memory is used only for touched pages. */
struct area *guest_area(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot);
/* Memory that is a part of a file, whose descriptor stays the caller's. */
struct area *guest_area_file(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot, int32_t fd, uint64_t offset);
/* Makes the upper part of an area, from `bytes` on, an area of its own. */
struct area *guest_area_split(struct guest *guest, struct area *area, uint64_t bytes);
void guest_free(struct guest *guest);

/* Return the results of viommu_slot_add() and viommu_slot_remove(). */
int guest_show(struct guest *guest, struct area *area);
int guest_hide(struct guest *guest, struct area *area);

/* Tables are made here from now on. */
void guest_tables_in(struct guest *guest, uint64_t first, uint64_t last);

/*
 * A guest with one area of `bytes` at GPA 0, shown, with tables in its upper half. config may be
 * NULL.
 */
void guest_simple(struct guest *guest, const struct viommu_vm_config *config, uint64_t bytes);

/* The same, with a tracker. */
void guest_tracked(struct guest *guest, const struct viommu_vm_config *config, uint64_t bytes, const struct viommu_tracker *tracker);

/* Destroys the VM and frees the memory. */
void guest_end(struct guest *guest);

/* Stores and loads 8 bytes of guest memory, of areas that are not shown, too. */
void guest_store(struct guest *guest, uint64_t gpa, uint64_t value);
uint64_t guest_load(struct guest *guest, uint64_t gpa);

/* The host memory of a GPA. */
unsigned char *guest_hva(const struct guest *guest, uint64_t gpa);

/* One set of tables. Levels: 1 segment table ... 4 region first table. */
struct tables {
	struct guest *guest;
	uint64_t root;
	unsigned int level;
	uint64_t pba;
	uint64_t pal;
};

void tables_init(struct tables *tables, struct guest *guest, unsigned int level, uint64_t pba, uint64_t pal);

/* An empty table of a level, and an entry of the level above that names it. */
uint64_t tables_new(struct guest *guest, unsigned int level);
uint64_t tables_link(unsigned int level, uint64_t table);

/* The address of an IOVA's entry at a level. Missing tables are made. */
uint64_t tables_entry(struct tables *tables, uint64_t iova, unsigned int level);
void tables_set(struct tables *tables, uint64_t iova, unsigned int level, uint64_t entry);

/* Pages contiguous in both spaces. */
void tables_map(struct tables *tables, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot);
void tables_unmap(struct tables *tables, uint64_t iova, uint64_t pages);

/* For the library, and for the reference. */
struct viommu_zpci_ioat tables_ioat(const struct tables *tables);
struct naive_tables tables_naive(const struct tables *tables);

/* A domain over them, or NULL; *error may be NULL. */
struct viommu_domain *tables_domain(const struct tables *tables, struct viommu_host *host, int *error);

/* Bytes pinned now. */
uint64_t guest_pinned(const struct guest *guest);

#endif
