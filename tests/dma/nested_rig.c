/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "nested_rig.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define MAIN_GPA   UINT64_C(0x40000000)
#define MAIN_BYTES (8 * MIB)
#define PAGES_AT   (2 * MIB) /* in SLOT_MAIN: the pages; tables are made before them */
#define DRIVERS_AT (6 * MIB) /* for drivers: DMA_PAGES and one to exchange data, for each unit */
#define TABLES_AT  UINT64_C(0x1000)

static const struct {
	uint64_t gpa, bytes;
	uint32_t prot;
} layout[SLOTS] = {
	[SLOT_MAIN] = { MAIN_GPA, MAIN_BYTES, VIOMMU_RW },
	[SLOT_READ_ONLY] = { UINT64_C(0x60000000), OTHER_PAGES *PAGE, VIOMMU_READ },
	[SLOT_VISITING] = { UINT64_C(0x180000000), OTHER_PAGES *PAGE, VIOMMU_RW },
};

/* The first doubleword of a page. */
#define NUMBERED UINT64_C(0x6e756d6265720000)
#define NOTHING	 UINT64_C(0x6e6f7468696e6721)
#define MARKED	 UINT64_C(0x6d61726b65642121)

/* IOVAs of drivers' pages in every context. */
#define DRIVERS_IOVA UINT64_C(0x7f0000000000)
#define UNIT_PAGES   (DMA_PAGES + 1)

/* Descriptors: valid; a table or a page; access flag; inner shareable. */
#define VALID	  UINT64_C(1)
#define NO_BLOCK  UINT64_C(2)
#define ACCESSED  (UINT64_C(1) << 10)
#define SHAREABLE (UINT64_C(3) << 8)

static const uint32_t streams[UNITS] = { 0x80, 0x1088, 0x90 };
static char addresses[UNITS][32];

static bool find_devices(void)
{
	const char *edu = getenv("VIOMMU_TEST_EDU"), *nvme = getenv("VIOMMU_TEST_NVME");

	return edu && nvme && sscanf(edu, "%31s", addresses[EDU]) == 1 && sscanf(nvme, "%31s %31s", addresses[NVME], addresses[SECOND_NVME]) == 2;
}

static int create_host(struct viommu_host **host, char *why, size_t bytes)
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &device, .why = why, .why_bytes = bytes };

	device.address = addresses[EDU];
	return viommu_host_iommufd_create(&config, host);
}

bool nested_is_possible(void)
{
	char why[256] = "this kernel does not nest the machine's SMMUv3";
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_host *host;

	if (!find_devices()) {
		fprintf(stderr, "an edu and two NVMe are needed: see tests/vm/run-in-host\n");
		return false;
	}
	if (!create_host(&host, why, sizeof(why))) {
		viommu_host_caps(host, &caps);
		viommu_host_destroy(host);
	}
	if (caps.nests & VIOMMU_NESTS(VIOMMU_DOMAIN_SMMUV3))
		return true;
	fprintf(stderr, "skipped: %s\n", why);
	return false;
}

/* The first doubleword of page n, and its slot. */
static unsigned int slot_of(uint32_t page)
{
	return page < MAIN_PAGES ? SLOT_MAIN : page < MAIN_PAGES + OTHER_PAGES ? SLOT_READ_ONLY : SLOT_VISITING;
}

static uint64_t gpa_of(uint32_t page)
{
	if (page < MAIN_PAGES)
		return MAIN_GPA + PAGES_AT + page * PAGE;
	return layout[slot_of(page)].gpa + (page - MAIN_PAGES) % OTHER_PAGES * PAGE;
}

static uint32_t page_at(uint64_t gpa)
{
	for (uint32_t page = 0; page < PAGES; page++)
		if (gpa_of(page) == (gpa & ~(PAGE - 1)))
			return page;
	return NO_PAGE;
}

uint64_t *gpa_word(struct nested *rig, uint64_t gpa)
{
	for (unsigned int s = 0; s < SLOTS; s++)
		if (gpa - layout[s].gpa < layout[s].bytes)
			return (uint64_t *)(void *)(rig->slot[s].hva + (gpa - layout[s].gpa));
	fail_msg("there is no memory at %#llx", (unsigned long long)gpa);
	return NULL;
}

static uint64_t word_of(struct nested *rig, uint32_t page)
{
	return __atomic_load_n(gpa_word(rig, gpa_of(page)), __ATOMIC_ACQUIRE);
}

void guest_store(struct nested *rig, uint64_t gpa, uint64_t value)
{
	__atomic_store_n(gpa_word(rig, gpa), value, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t new_table(struct nested *rig)
{
	uint64_t table = rig->next;

	rig->next += PAGE;
	assert_true(rig->next <= STRUCTURES);
	return table;
}

void nested_show(struct nested *rig, unsigned int slot)
{
	assert_int_equal(rig->side->show(rig, &rig->slot[slot]), 0);
	rig->shown[slot] = true;
}

void nested_hide(struct nested *rig, unsigned int slot)
{
	assert_int_equal(rig->side->hide(rig, &rig->slot[slot]), 0);
	rig->shown[slot] = false;
}

uint64_t leaf_of(uint32_t page, uint64_t rights)
{
	return leaf_to(gpa_of(page), rights);
}

uint64_t leaf_to(uint64_t gpa, uint64_t rights)
{
	return gpa | rights | VALID | NO_BLOCK | ACCESSED | SHAREABLE;
}

/* The entry at an Arm level, 0 to 3. */
static uint64_t entry_at(struct nested *rig, const struct context *context, uint64_t iova, unsigned int level)
{
	uint64_t table = context->ttb;

	for (unsigned int l = 0;; l++) {
		uint64_t at = table + 8 * (iova >> (39 - 9 * l) & 511), entry;

		if (l == level)
			return at;
		entry = *gpa_word(rig, at);
		if (!(entry & VALID)) {
			entry = new_table(rig) | VALID | NO_BLOCK;
			guest_store(rig, at, entry);
		}
		table = entry & UINT64_C(0xfffffffff000);
	}
}

void context_set(struct nested *rig, const struct context *context, uint64_t iova, uint64_t leaf)
{
	guest_store(rig, entry_at(rig, context, iova, 3), leaf);
}

void context_set_block(struct nested *rig, const struct context *context, uint64_t iova, uint64_t rights)
{
	guest_store(rig, entry_at(rig, context, iova, 2), gpa_of(0) | rights | VALID | ACCESSED | SHAREABLE);
}

static uint64_t drivers_gpa(unsigned int unit, unsigned int page)
{
	return MAIN_GPA + DRIVERS_AT + (unit * UNIT_PAGES + page) * PAGE;
}

static uint64_t drivers_iova(unsigned int unit, unsigned int page)
{
	return DRIVERS_IOVA + (unit * UNIT_PAGES + page) * PAGE;
}

/*
 * The context descriptor (IHI 0070, 5.4): T0SZ 16, TG0 4 KiB, walks inner shareable and cached;
 * EPD1, V; IPS 44 bits, AA64; R: faults are recorded, A: they abort.
 */
void context_new(struct nested *rig, struct context *context, uint16_t asid)
{
	*context = (struct context){ .ttb = new_table(rig), .cd = new_table(rig), .asid = asid };
	guest_store(rig, context->cd + 8, context->ttb);
	guest_store(rig, context->cd + 24, 0xff);
	guest_store(rig, context->cd,
		    16 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(1) << 45 |
			    UINT64_C(1) << 46 | (uint64_t)asid << 48);
	for (unsigned int u = 0; u < UNITS; u++)
		for (unsigned int i = 0; i < UNIT_PAGES; i++)
			context_set(rig, context, drivers_iova(u, i), leaf_to(drivers_gpa(u, i), LEAF_WRITE));
}

void context_ste(const struct context *context, uint64_t ste[2])
{
	ste[0] = htole64(VALID | 5u << 1 | context->cd);
	ste[1] = htole64(1u << 2 | 1u << 4 | 3u << 6);
}

struct reached context_says(struct nested *rig, const struct context *context, uint64_t iova)
{
	const struct arm64_tables tables = { .granule = 4, .ips = 4, .ttb0 = context->ttb, .t0sz = 16, .t1sz = 16, .epd1 = true };
	struct naive_slot slots[SLOTS];
	const struct naive_memory memory = { .slots = slots, .count = SLOTS };
	struct arm64_answer answer;

	for (unsigned int s = 0; s < SLOTS; s++)
		slots[s] = (struct naive_slot){ .gpa = layout[s].gpa, .bytes = layout[s].bytes, .memory = rig->slot[s].hva, .writable = true };
	answer = naive_arm64_walk(&memory, &tables, iova);
	if (answer.outcome != ARM64_IS_PAGE || !answer.readable)
		return (struct reached){ .page = NO_PAGE };
	return (struct reached){ .page = page_at(answer.address), .writable = answer.writable };
}

struct reached beneath(const struct nested *rig, struct reached by_stage1)
{
	if (by_stage1.page == NO_PAGE || !rig->shown[slot_of(by_stage1.page)])
		return (struct reached){ .page = NO_PAGE };
	by_stage1.writable &= (layout[slot_of(by_stage1.page)].prot & VIOMMU_WRITE) != 0;
	return by_stage1;
}

void nested_up(struct nested *rig, const struct nested_side *side)
{
	struct viommu_vfio_device named = VIOMMU_VFIO_DEVICE_INIT;
	char why[256] = "";

	memset(rig, 0, sizeof(*rig));
	rig->side = side;
	if (create_host(&rig->host, why, sizeof(why)))
		fail_msg("%s", why);
	for (unsigned int s = 0; s < SLOTS; s++) {
		void *memory = mmap(NULL, (size_t)layout[s].bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(memory != MAP_FAILED);
		rig->slot[s] = (struct host_slot){
			.first = layout[s].gpa, .last = layout[s].gpa + layout[s].bytes - 1, .hva = memory, .prot = layout[s].prot, .fd = -1
		};
	}
	for (uint32_t page = 0; page < PAGES; page++)
		*gpa_word(rig, gpa_of(page)) = NUMBERED + page;
	rig->next = MAIN_GPA + TABLES_AT;
	context_new(rig, &rig->context, 7);
	side->begin(rig);
	nested_show(rig, SLOT_READ_ONLY);
	for (unsigned int u = 0; u < UNITS; u++) {
		struct unit *unit = &rig->unit[u];
		struct dma_page pages[DMA_PAGES];
		int fd;

		named.address = addresses[u];
		unit->stream = streams[u];
		fd = side->plug(rig, u, &named);
		for (unsigned int i = 0; i < DMA_PAGES; i++)
			pages[i] = (struct dma_page){ .iova = drivers_iova(u, i), .memory = gpa_word(rig, drivers_gpa(u, i)) };
		if (dma_open(fd, pages, &unit->dma, why, sizeof(why)))
			fail_msg("the driver of %s: %s", addresses[u], why);
	}
	nested_show(rig, SLOT_VISITING);
}

void nested_down(struct nested *rig)
{
	for (unsigned int u = 0; u < UNITS; u++) {
		dma_close(rig->unit[u].dma);
		rig->side->unplug(rig, u);
	}
	rig->side->end(rig);
	viommu_host_destroy(rig->host);
	for (unsigned int s = 0; s < SLOTS; s++)
		munmap(rig->slot[s].hva, (size_t)layout[s].bytes);
}

/* Transfers data into a block of the device and out of it, through a page that is always mapped. */
static void put(struct nested *rig, unsigned int unit, uint64_t block, uint64_t word)
{
	guest_store(rig, drivers_gpa(unit, DMA_PAGES), word);
	if (dma_read_from(rig->unit[unit].dma, drivers_iova(unit, DMA_PAGES), block))
		fail_msg("unit %u cannot read a page that is mapped: %s", unit, dma_why(rig->unit[unit].dma));
}

static uint64_t get(struct nested *rig, unsigned int unit, uint64_t block)
{
	guest_store(rig, drivers_gpa(unit, DMA_PAGES), 0);
	if (dma_write_to(rig->unit[unit].dma, drivers_iova(unit, DMA_PAGES), block))
		fail_msg("unit %u cannot write a page that is mapped: %s", unit, dma_why(rig->unit[unit].dma));
	return *gpa_word(rig, drivers_gpa(unit, DMA_PAGES));
}

void probe(struct nested *rig, unsigned int unit, uint64_t iova, uint32_t *reads, uint32_t *writes)
{
	uint64_t word;

	put(rig, unit, 0, NOTHING);
	dma_read_from(rig->unit[unit].dma, iova, 0);
	word = get(rig, unit, 0);
	*reads = word >= NUMBERED && word < NUMBERED + PAGES ? (uint32_t)(word - NUMBERED) : NO_PAGE;
	put(rig, unit, 0, MARKED);
	dma_write_to(rig->unit[unit].dma, iova, 0);
	*writes = NO_PAGE;
	for (uint32_t page = 0; page < PAGES; page++) {
		word = word_of(rig, page);
		if (word == NUMBERED + page)
			continue;
		assert_true(word == MARKED && *writes == NO_PAGE);
		*writes = page;
		guest_store(rig, gpa_of(page), NUMBERED + page);
	}
}

void expect(struct nested *rig, const struct context *context, unsigned int unit, uint64_t iova)
{
	struct reached should = beneath(rig, context_says(rig, context, iova));
	uint32_t reads, writes;

	probe(rig, unit, iova, &reads, &writes);
	if (reads != should.page || writes != (should.writable ? should.page : NO_PAGE))
		fail_msg("unit %u at %#llx reads page %d and writes page %d; expected is %d, %s", unit, (unsigned long long)iova, (int)reads, (int)writes,
			 (int)should.page, should.writable ? "writable" : "read-only");
}

void expect_nothing(struct nested *rig, unsigned int unit, uint64_t iova)
{
	uint32_t reads, writes;

	probe(rig, unit, iova, &reads, &writes);
	assert_int_equal(reads, NO_PAGE);
	assert_int_equal(writes, NO_PAGE);
}

bool event_arrives(struct nested *rig, unsigned int unit, uint8_t type, uint64_t iova)
{
	uint64_t record[4];

	while (!rig->side->event(rig, record, true))
		if ((record[0] & 0xff) == type && record[0] >> 32 == streams[unit] && (type < F_TRANSLATION || record[2] >> 12 == iova >> 12))
			return true;
	return false;
}

void expect_event(struct nested *rig, unsigned int unit, uint8_t type, uint64_t iova)
{
	for (unsigned int attempt = 0; attempt < 30; attempt++) {
		forget_events(rig);
		dma_write_to(rig->unit[unit].dma, iova, 0);
		if (event_arrives(rig, unit, type, iova))
			return;
	}
	fail_msg("there is no event %#x of unit %u", type, unit);
}

void forget_events(struct nested *rig)
{
	uint64_t record[4];

	while (!rig->side->event(rig, record, false))
		;
}
