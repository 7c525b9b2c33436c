/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices' transfers and their results. A pattern is put into the unit's staging page. The device
 * reads it into a block, and writes the block to the tested IOVA. Or the device reads from the IOVA
 * into a block, and writes that to the staging page. Only data decides: a transfer's status matters
 * only if the transfer must succeed.
 *
 * A device of an s390 machine is in an error state after a stopped access, and is reset.
 */
#include "rig.h"

#include <inttypes.h>
#include <string.h>

#include "kernel.h"

#ifdef __s390x__
#define FAULTS_STOP_DEVICES true
#else
#define FAULTS_STOP_DEVICES false
#endif

static unsigned char *expected_at(struct rig *rig, uint64_t gpa)
{
	for (unsigned int a = AREA_SYSTEM + 1; a < RIG_AREAS; a++)
		if (gpa >= rig->guest.area[a].gpa && gpa - rig->guest.area[a].gpa < rig->guest.area[a].bytes)
			return rig->expected[a] + (gpa - rig->guest.area[a].gpa);
	return NULL;
}

/* The library's translation of an IOVA, for an error message. */
struct report {
	bool there;
	struct viommu_run run;
};

static int note_run(void *ctx, const struct viommu_run *run)
{
	*(struct report *)ctx = (struct report){ .there = true, .run = *run };
	return 1;
}

static __attribute__((noreturn)) void fail_at(struct rig *rig, struct rig_unit *unit, uint64_t iova, const char *what)
{
	const struct model_page *page = unit->attached ? model_at(&unit->space->model, iova) : NULL;
	struct report report = { .there = false };

	if (unit->space->domain)
		viommu_domain_each_run(unit->space->domain, iova, iova, note_run, &report);
	else
		viommu_zpci_function_each_run(unit->function, iova, iova, note_run, &report);
	rig_fail(rig,
		 "device %s, IOVA %#" PRIx64 ": %s; the reference says %s GPA %#" PRIx64 "%s; the library's own report %s GPA %#" PRIx64 " rights %" PRIu32
		 "; driver: %s",
		 unit->address, iova, what, page ? "it is" : "nothing,", page ? page->gpa : 0, page && !page->writable ? " (read only)" : "",
		 report.there ? "says" : "has nothing,", report.run.gpa, report.run.prot, dma_why(unit->dma));
}

void rig_check_memory(struct rig *rig)
{
	for (unsigned int a = AREA_SYSTEM + 1; a < RIG_AREAS; a++) {
		const struct area *area = &rig->guest.area[a];

		if (!memcmp(area->memory, rig->expected[a], (size_t)area->bytes))
			continue;
		for (uint64_t i = 0; i < area->bytes; i++)
			if (area->memory[i] != rig->expected[a][i])
				rig_fail(rig, "memory changed at GPA %#" PRIx64, area->gpa + i);
	}
}

/* Transfers the pattern in the staging page into a block, and returns the block's number. */
static uint64_t load_block(struct rig *rig, struct rig_unit *unit)
{
	uint64_t block = unit->block++ % dma_blocks(unit->dma);

	for (uint64_t i = 0; i < PAGE; i += 8) {
		uint64_t value = rig_draw(rig);

		memcpy(unit->staging + i, &value, 8);
	}
	if (dma_read_from(unit->dma, unit->staging_iova, block))
		fail_at(rig, unit, unit->staging_iova, "the device cannot read its own page");
	return block;
}

static void recover(struct rig *rig, struct rig_unit *unit)
{
	if (FAULTS_STOP_DEVICES && dma_reset(unit->dma))
		rig_fail(rig, "device %s does not come back after an access that was stopped: %s", unit->address, dma_why(unit->dma));
}

void rig_check_write(struct rig *rig, struct rig_unit *unit, uint64_t iova)
{
	const struct model_page *page = model_at(&unit->space->model, iova);
	const uint64_t block = load_block(rig, unit);
	const int error = dma_write_to(unit->dma, iova, block);

	if (!page || !page->writable) {
		rig_check_memory(rig);
		recover(rig, unit);
		return;
	}
	if (error)
		fail_at(rig, unit, iova, "a write that is allowed failed");
	if (memcmp(guest_hva(&rig->guest, page->gpa), unit->staging, PAGE))
		fail_at(rig, unit, iova, "what was written did not arrive");
	memcpy(expected_at(rig, page->gpa), unit->staging, PAGE);
}

/* Whether a page begins with the data of a guest page. All data is unique. */
static bool is_data(struct rig *rig, const unsigned char *page)
{
	for (unsigned int a = AREA_SYSTEM + 1; a < RIG_AREAS; a++)
		for (uint64_t i = 0; i < rig->guest.area[a].bytes; i += PAGE)
			if (!memcmp(page, rig->expected[a] + i, 16))
				return true;
	return false;
}

void rig_check_read(struct rig *rig, struct rig_unit *unit, uint64_t iova)
{
	const struct model_page *page = model_at(&unit->space->model, iova);
	/* The block holds unique contents before, so that an unchanged block is recognized. */
	const uint64_t block = load_block(rig, unit);
	int error = dma_read_from(unit->dma, iova, block);

	if (page && error)
		fail_at(rig, unit, iova, "a read that is allowed failed");
	if (!page)
		recover(rig, unit);
	memset(unit->staging, 0, PAGE);
	if (dma_write_to(unit->dma, unit->staging_iova, block))
		fail_at(rig, unit, unit->staging_iova, "the device cannot write its own page");
	if (page && memcmp(unit->staging, expected_at(rig, page->gpa), PAGE))
		fail_at(rig, unit, iova, "what was read is not what is there");
	if (!page && is_data(rig, unit->staging))
		fail_at(rig, unit, iova, "what may not be read was read");
}

uint64_t rig_kernel_pages(struct rig *rig)
{
	uint64_t mapped = 0;

	if (strcmp(rig->config->host, "type1"))
		return rig_pinned(rig) / PAGE;
	/*
	 * type1 pins a page once for each mapping and container, and each device has its own
	 * container.
	 */
	for (unsigned int u = 0; u < rig->units; u++)
		mapped += rig->unit[u].attached ? rig->unit[u].space->model.count : 0;
	return mapped;
}

void rig_check_pins(struct rig *rig)
{
	const struct model_list *lists[RIG_UNITS];
	unsigned int spaces = rig->config->shared ? 1 : rig->units;
	uint64_t charged = 0;
	int64_t kernel = kernel_pinned_pages();

	for (unsigned int s = 0; s < spaces; s++)
		lists[s] = &rig->space[s].model;
	if (rig->config->pin == VIOMMU_PIN_GUEST)
		for (unsigned int s = 0; s < rig->guest.memory.count; s++)
			charged += rig->guest.memory.slots[s].bytes;
	else
		charged = PAGE * model_distinct(&rig->guest.memory, lists, spaces);
	if (rig_pinned(rig) != charged)
		rig_fail(rig, "%" PRIu64 " pages are charged, should be %" PRIu64, rig_pinned(rig) / PAGE, charged / PAGE);
	if (rig->config->pin_budget && charged > rig->config->pin_budget)
		rig_fail(rig, "%" PRIu64 " pages are charged, and the budget is %" PRIu64, charged / PAGE, rig->config->pin_budget / PAGE);
	if (kernel != (int64_t)rig_kernel_pages(rig))
		rig_fail(rig, "the kernel has %" PRId64 " pages pinned, should be %" PRIu64 " (charged: %" PRIu64 ")", kernel, rig_kernel_pages(rig),
			 charged / PAGE);
}
