/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with memory, I/O tables and one PCI function with a device, on the library itself. Tables
 * are written here as doublewords in big-endian bytes, without the library's own formats.
 *
 *   GPA 0 .. 16 MiB - 1    RAM
 *   GPA 32 MiB, 64 KiB     ROM: devices may read it
 *
 * Tables are at fixed places, and begin as a Linux guest's: all entries invalid, except for the two
 * that lead to the first two page tables. The IOVA of page n of the registration is iova(n): its
 * region third index is 2, its segment index n / 256, its page index n % 256.
 */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include "rig.h"

#define RAM_BYTES UINT64_C(0x1000000)
#define ROM_GPA	  UINT64_C(0x2000000)
#define ROM_BYTES UINT64_C(0x10000)
#define HOLE_GPA  UINT64_C(0x1800000)

#define RT   UINT64_C(0x10000) /* region third table */
#define ST   UINT64_C(0x20000) /* segment table */
#define PT   UINT64_C(0x30000) /* page tables, 2 KiB each */
#define PT1  UINT64_C(0x30800)
#define RS   UINT64_C(0x40000) /* region second table */
#define RF   UINT64_C(0x50000) /* region first table */
#define DATA UINT64_C(0x100000)

/* IOTAs: T and the designation type. */
#define IOTA_RT (RT | 0x804)
#define IOTA_ST (ST | 0x800)
#define IOTA_RS (RS | 0x808)
#define IOTA_RF (RF | 0x80c)

/* Entries: type and length, invalid, protection. */
#define RFTE	 UINT64_C(0x0f)
#define RSTE	 UINT64_C(0x0b)
#define RTTE	 UINT64_C(0x07)
#define INVALID	 UINT64_C(0x20)	 /* of region and segment entries */
#define INVALIDP UINT64_C(0x400) /* of page entries */
#define PROTECT	 UINT64_C(0x200)
#define FRAME	 UINT64_C(0x400) /* FC, of segment entries */

#define PAGE UINT64_C(4096)
#define PBA  RIG_SDMA
#define PAL  (RIG_SDMA + UINT64_C(0x7fffffff)) /* 2 GiB: the whole range of the segment table */

struct guest {
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct viommu_reader *reader;
	struct rig rig;
	uint8_t *ram;
	uint8_t *rom;
};

struct guest_config {
	struct viommu_vm_config vm;
	struct viommu_zpci_function_config function;
	uint32_t flags; /* of the zpci */
};

/* A config to be changed before guest_up_as(). */
struct guest_config guest_config(uint32_t flags);
void guest_up_as(struct guest *guest, struct guest_config *config);
void guest_up(struct guest *guest, uint32_t flags);

/* Checks that all pins are released, and that nothing is left. */
void guest_down(struct guest *guest);

static inline uint64_t iova(uint64_t n)
{
	return PBA + n * PAGE;
}

static inline uint64_t data(uint64_t n)
{
	return DATA + n * PAGE;
}

uint64_t guest_get(const struct guest *guest, uint64_t gpa);
void guest_put(struct guest *guest, uint64_t gpa, uint64_t value);
void guest_fill(struct guest *guest, uint64_t gpa, uint64_t value, unsigned int count);

/* The page entry of iova(n), n < 512, and n's segment entry. */
static inline void guest_put_page(struct guest *guest, unsigned int n, uint64_t entry)
{
	guest_put(guest, PT + 8 * n, entry);
}

static inline void guest_put_segment(struct guest *guest, unsigned int n, uint64_t entry)
{
	guest_put(guest, ST + 8 * n, entry);
}

/* Instructions of the guest's function. */
struct viommu_zpci_answer guest_register(struct guest *guest, uint64_t pba, uint64_t pal, uint64_t iota);
struct viommu_zpci_answer guest_refresh(struct guest *guest, uint64_t start, uint64_t bytes);
struct viommu_zpci_answer guest_refresh_pages(struct guest *guest, uint64_t n, uint64_t pages);
struct viommu_zpci_answer guest_refresh_all(struct guest *guest);
struct viommu_zpci_answer guest_operation(struct guest *guest, uint8_t operation);

/* The common start: a registration of RT over PBA..PAL. */
void guest_register_rt(struct guest *guest);

/* The device reaches guest memory at gpa, for loads alone or for stores too; or nothing. */
#define assert_reaches(guest, iova, gpa, prot) guest_assert_reaches(guest, iova, gpa, prot, __FILE__, __LINE__)
#define assert_reaches_nothing(guest, iova)    guest_assert_reaches_nothing(guest, iova, __FILE__, __LINE__)
void guest_assert_reaches(struct guest *guest, uint64_t iova, uint64_t gpa, uint32_t prot, const char *file, int line);
void guest_assert_reaches_nothing(struct guest *guest, uint64_t iova, const char *file, int line);

/* An access of the device, whose fault is reported like a device model's. 0 or -EFAULT. */
int guest_dma(struct guest *guest, uint64_t iova, uint32_t access);

uint64_t guest_pinned_pages(struct guest *guest);
uint64_t guest_mapped_pages(struct guest *guest);

#endif
