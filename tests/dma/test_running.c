/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device that never stops: a thread makes it write to all pages of a window, again and again.
 * Meanwhile the guest makes them invalid, maps them elsewhere and protects them, and the VMM
 * removes slots. After such a call returns the page is not a target any more, and later data in it
 * stays.
 *
 * Here, a call returns when the transfer in progress has ended as well: QEMU's emulated devices
 * translate an IOVA at the start of a transfer, and later changes to the IOMMU do not stop it.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define AT(rig)	     ((rig)->lowest + 16 * MIB)
#define WINDOW_PAGES 8u
#define WAIT_MS	     60000u

struct writer {
	struct rig *rig;
	struct rig_unit *unit;
	uint64_t block;
	uint64_t transfers; /* ended transfers; shared */
	bool stop;	    /* shared */
	int error;
	pthread_t thread;
};

static void *write_on(void *argument)
{
	struct writer *writer = argument;
	unsigned int page = 0;

	while (!__atomic_load_n(&writer->stop, __ATOMIC_ACQUIRE)) {
		const int error = dma_write_to(writer->unit->dma, AT(writer->rig) + page * PAGE, writer->block);

		if (error)
			__atomic_store_n(&writer->error, error, __ATOMIC_RELEASE);
		page = (page + 1) % WINDOW_PAGES;
		__atomic_fetch_add(&writer->transfers, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Waits for the end of this many more transfers. */
static void wait_transfers(struct writer *writer, uint64_t number)
{
	const uint64_t until = __atomic_load_n(&writer->transfers, __ATOMIC_ACQUIRE) + number;

	while (__atomic_load_n(&writer->transfers, __ATOMIC_ACQUIRE) < until) {
		if (__atomic_load_n(&writer->error, __ATOMIC_ACQUIRE))
			rig_fail(writer->rig, "a transfer failed: %s", dma_why(writer->unit->dma));
		sched_yield();
	}
}

static unsigned char *page_at(struct rig *rig, uint64_t gpa)
{
	return guest_hva(&rig->guest, gpa);
}

/* It must be written to now. */
static void must_be_written(struct writer *writer, uint64_t gpa)
{
	memset(page_at(writer->rig, gpa), 0, PAGE);
	wait_transfers(writer, WINDOW_PAGES + 1);
	if (memcmp(page_at(writer->rig, gpa), writer->unit->staging, PAGE))
		rig_fail(writer->rig, "GPA %#" PRIx64 " is not written to", gpa);
}

/* It must not be written to any more. */
static void must_be_left(struct writer *writer, uint64_t gpa)
{
	const unsigned char *page = page_at(writer->rig, gpa);

	wait_transfers(writer, 1);
	memset(page_at(writer->rig, gpa), 0x5a, PAGE);
	wait_transfers(writer, 2 * WINDOW_PAGES);
	for (unsigned int i = 0; i < PAGE; i++)
		if (page[i] != 0x5a)
			rig_fail(writer->rig, "GPA %#" PRIx64 " is still written to", gpa);
}

static void map(struct rig *rig, struct rig_unit *unit, unsigned int page, uint64_t gpa, uint32_t prot)
{
	rig_map(unit, AT(rig) + page * PAGE, 1, gpa, prot);
	rig_refresh(rig, unit, AT(rig) + page * PAGE, AT(rig) + page * PAGE + PAGE - 1);
}

static void change(struct rig *rig, struct writer *writer, uint64_t round)
{
	struct rig_unit *unit = writer->unit;
	const unsigned int page = rig_below(rig, WINDOW_PAGES);
	const uint64_t here = rig_gpa(rig, AREA_FILE, 2 * page);
	const uint64_t there = rig_gpa(rig, AREA_VISITING, 3 * page + 1);
	const uint64_t iova = AT(rig) + page * PAGE;

	rig_doing(rig, "round %" PRIu64 ", page %u", round, page);
	switch (rig_below(rig, 4)) {
	case 0:
		rig_and(rig, "made invalid");
		rig_unmap(unit, iova, 1);
		rig_refresh(rig, unit, iova, iova + PAGE - 1);
		must_be_left(writer, here);
		break;
	case 1:
		rig_and(rig, "mapped elsewhere");
		map(rig, unit, page, there, VIOMMU_RW);
		must_be_left(writer, here);
		must_be_written(writer, there);
		break;
	case 2:
		rig_and(rig, "protected");
		map(rig, unit, page, here, VIOMMU_READ);
		must_be_left(writer, here);
		break;
	default:
		rig_and(rig, "mapped to a slot that goes");
		map(rig, unit, page, there, VIOMMU_RW);
		must_be_written(writer, there);
		rig_hide(rig, AREA_VISITING);
		must_be_left(writer, there);
		rig_show(rig, AREA_VISITING);
		must_be_left(writer, there);
		break;
	}
	rig_and(rig, "and as before");
	map(rig, unit, page, here, VIOMMU_RW);
	must_be_written(writer, here);
}

static void running(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct writer writer = { .rig = &rig };

	rig_up(&rig, &config, seed);
	writer.unit = &rig.unit[1];
	memset(writer.unit->staging, 0xc3, PAGE);
	if (dma_read_from(writer.unit->dma, writer.unit->staging_iova, writer.block))
		rig_fail(&rig, "the device cannot read its own page: %s", dma_why(writer.unit->dma));
	for (unsigned int page = 0; page < WINDOW_PAGES; page++)
		map(&rig, writer.unit, page, rig_gpa(&rig, AREA_FILE, 2 * page), VIOMMU_RW);
	if (pthread_create(&writer.thread, NULL, write_on, &writer))
		rig_fail(&rig, "no thread");
	for (uint64_t round = 0; round < operations; round++)
		change(&rig, &writer, round);
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELEASE);
	pthread_join(writer.thread, NULL);
	printf("# %" PRIu64 " transfers during %" PRIu64 " changes\n", writer.transfers, operations);
	/* The writer's data in its target. */
	for (unsigned int a = AREA_SYSTEM + 1; a < RIG_AREAS; a++) {
		const bool written = a == AREA_FILE || a == AREA_VISITING;

		for (uint64_t page = 0; written && page < 3 * WINDOW_PAGES; page++)
			memcpy(rig.expected[a] + page * PAGE, rig.guest.area[a].memory + page * PAGE, PAGE);
	}
	rig_down(&rig);
}

static const struct dma_case cases[] = {
	{ .name = "running", .run = running, .nvmes = 2, .harmless_only = true, .operations = 300 },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
