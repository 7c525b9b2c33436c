// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One page becomes invalid, and is refreshed by an RPCIT; becomes valid, and is refreshed; and is
 * refreshed again, unchanged. Each call stands between two stores to `mark`, by which count.py
 * finds it in a trace of this program. Every other page of the same tables is mapped all the time.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/viommu.h>
#include <viommu/zpci.h>

#define PAGE	UINT64_C(4096)
#define PAGES	256u
#define PBA	(UINT64_C(4) << 30)
#define FRAMES	(PAGES * PAGE)
#define ROOT	FRAMES
#define SEGMENT (FRAMES + 4 * PAGE)
#define LEAVES	(FRAMES + 8 * PAGE)
#define MEMORY	(FRAMES + 9 * PAGE)

/* As Linux writes them (arch/s390/include/asm/pci_dma.h). */
#define TABLE_I	     UINT64_C(0x20)
#define PAGE_I	     UINT64_C(0x400)
#define REGION_THIRD UINT64_C(0x07)
#define IOTA	     UINT64_C(0x804)

enum { HANDLE = 0x80000001u, WARM = 40, ROUNDS = 3 };
enum { VALID = 1, INVALID, UNCHANGED };

volatile uint32_t mark;

/* This program's own code: everything else is the library's. */
extern const char __executable_start[], etext[];

struct guest {
	unsigned char *memory;
	struct viommu_zpci *zpci;
};

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %d\n", what, error);
	exit(1);
}

static uint64_t *entry(const struct guest *guest, uint64_t table, uint64_t index)
{
	return (uint64_t *)(void *)(guest->memory + table) + index;
}

static void write_tables(const struct guest *guest)
{
	for (uint64_t i = 0; i < 2048; i++) {
		*entry(guest, ROOT, i) = htobe64(TABLE_I);
		*entry(guest, SEGMENT, i) = htobe64(TABLE_I);
	}
	*entry(guest, ROOT, PBA >> 31) = htobe64(SEGMENT | REGION_THIRD);
	*entry(guest, SEGMENT, 0) = htobe64(LEAVES);
	for (uint64_t i = 0; i < PAGES; i++)
		*entry(guest, LEAVES, i) = htobe64(i * PAGE);
}

static void refresh(const struct guest *guest, unsigned int what, uint64_t established, uint64_t released)
{
	const uint64_t iova = PBA + 100 * PAGE;
	_Alignas(64) struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	int error;

	mark = what;
	error = viommu_zpci_rpcit(guest->zpci, (uint64_t)HANDLE << 32, iova, PAGE, &answer);
	mark = 0;
	check(error, "RPCIT");
	check(answer.cc || answer.refresh.established != established || answer.refresh.released != released, "another result");
}

static void round_trip(const struct guest *guest)
{
	uint64_t *leaf = entry(guest, LEAVES, 100);

	*leaf = htobe64(100 * PAGE | PAGE_I);
	refresh(guest, INVALID, 0, 1);
	*leaf = htobe64(100 * PAGE);
	refresh(guest, VALID, 1, 0);
	refresh(guest, UNCHANGED, 0, 0);
}

int main(void)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci) };
	struct viommu_zpci_function_config one = { .size = sizeof(one), .fid = 1, .fh = HANDLE, .state = VIOMMU_ZPCI_ENABLED };
	struct viommu_zpci_fib fib = { .pba = PBA, .pal = PBA + FRAMES - 1, .iota = ROOT | IOTA };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	struct viommu_zpci_function *function;
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .bytes = MEMORY, .fd = -1 };
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct guest guest;

	guest.memory = aligned_alloc(PAGE, MEMORY);
	if (!guest.memory)
		return 1;
	slot.hva = guest.memory;
	write_tables(&guest);
	check(viommu_vm_create(&config, &vm), "VM");
	check(viommu_slot_add(vm, &slot), "slot");
	check(viommu_host_soft_create(&host), "host");
	one.host = host;
	check(viommu_zpci_create(vm, &zpci, &guest.zpci), "zPCI");
	check(viommu_zpci_function_add(guest.zpci, &one, &function), "function");
	check(viommu_zpci_mpcifc(guest.zpci, (uint64_t)HANDLE << 32 | VIOMMU_ZPCI_OC_REG_IOAT, &fib, &answer), "MPCIFC");
	check(answer.cc, "MPCIFC");
	for (unsigned int i = 0; i < WARM; i++)
		round_trip(&guest);
	/* What comes before this is not counted. */
	printf("%p %p %p %p\n", (const volatile void *)&mark, (const void *)__executable_start, (const void *)etext, (const void *)&guest);
	fflush(stdout);
	for (unsigned int i = 0; i < ROUNDS; i++)
		round_trip(&guest);
	viommu_zpci_destroy(guest.zpci);
	viommu_host_destroy(host);
	viommu_vm_destroy(vm);
	free(guest.memory);
	return 0;
}
