/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest's operations on its tables, one after the other, and a device's accesses after each: each
 * page is read and written, and all other pages stay as they were.
 */
#include <inttypes.h>
#include <string.h>

#include "cases.h"
#include "kernel.h"

/*
 * IOVAs where the tests map, and the number of accessed pages: some before and after the mapped
 * ones.
 */
#define AT(rig) ((rig)->lowest + 16 * MIB)
#define AROUND	2u

/*
 * On s390 a stopped access costs a reset, and each transfer of edu takes 100 ms: fewer accesses
 * there, always including the last page.
 */
static bool worth_asking(const struct rig_unit *unit, uint64_t iova, uint64_t last)
{
	const bool some = iova / PAGE % 3 == 0 || iova == last;

	if (dma_blocks(unit->dma) == 1)
		return some;
#ifdef __s390x__
	return some || model_at(&unit->space->model, iova);
#else
	return true;
#endif
}

static void ask(struct rig *rig, struct rig_unit *unit, uint64_t iova, uint64_t pages)
{
	const uint64_t first = iova - AROUND * PAGE;
	const uint64_t last = iova + (pages - 1 + AROUND) * PAGE;

	for (uint64_t at = first; at <= last; at += PAGE) {
		if (!worth_asking(unit, at, last))
			continue;
		rig_check_write(rig, unit, at);
		rig_check_read(rig, unit, at);
	}
	rig_check_memory(rig);
	rig_check_pins(rig);
}

static void refresh_pages(struct rig *rig, struct rig_unit *unit, uint64_t iova, uint64_t pages)
{
	rig_refresh(rig, unit, iova, iova + pages * PAGE - 1);
}

/*
 * Pages are mapped, made invalid, protected and mapped elsewhere. Nothing changes before the
 * refresh, everything after it.
 */
static void pages(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];

	(void)operations;
	rig_up(&rig, &config, seed);

	rig_doing(&rig, "contiguous pages, from one slot into the next");
	rig_map(unit, AT(&rig), 8, rig_gpa(&rig, AREA_NEIGHBOUR, 0) - 4 * PAGE, VIOMMU_RW);
	ask(&rig, unit, AT(&rig), 8);
	refresh_pages(&rig, unit, AT(&rig), 8);
	ask(&rig, unit, AT(&rig), 8);

	rig_doing(&rig, "pages from everywhere");
	rig_map(unit, AT(&rig) + 8 * PAGE, 1, rig_gpa(&rig, AREA_VISITING, 200), VIOMMU_RW);
	rig_map(unit, AT(&rig) + 9 * PAGE, 1, rig_gpa(&rig, AREA_FILE, 3), VIOMMU_READ);
	rig_map(unit, AT(&rig) + 10 * PAGE, 1, rig_gpa(&rig, AREA_READ_ONLY, 17), VIOMMU_RW);
	rig_map(unit, AT(&rig) + 11 * PAGE, 1, rig_gpa(&rig, AREA_VISITING_FILE, 100), VIOMMU_RW);
	rig_map(unit, AT(&rig) + 12 * PAGE, 1, rig_gpa(&rig, AREA_FILE, 3), VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig) + 8 * PAGE, 5);
	ask(&rig, unit, AT(&rig), 13);

	rig_doing(&rig, "pages in the middle of a run become invalid");
	rig_unmap(unit, AT(&rig) + 3 * PAGE, 2);
	ask(&rig, unit, AT(&rig), 8);
	refresh_pages(&rig, unit, AT(&rig) + 3 * PAGE, 2);
	ask(&rig, unit, AT(&rig), 8);

	rig_doing(&rig, "a page of a run is protected, and another one is mapped elsewhere");
	rig_map(unit, AT(&rig) + PAGE, 1, rig_gpa(&rig, AREA_NEIGHBOUR, 0) - 3 * PAGE, VIOMMU_READ);
	rig_map(unit, AT(&rig) + 6 * PAGE, 1, rig_gpa(&rig, AREA_VISITING_FILE, 1), VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig), 8);
	ask(&rig, unit, AT(&rig), 8);

	rig_doing(&rig, "the protection is taken away again");
	rig_map(unit, AT(&rig) + PAGE, 1, rig_gpa(&rig, AREA_NEIGHBOUR, 0) - 3 * PAGE, VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig) + PAGE, 1);
	ask(&rig, unit, AT(&rig), 8);

	rig_doing(&rig, "everything becomes invalid, and the whole aperture is refreshed");
	rig_unmap(unit, AT(&rig), 13);
	rig_refresh(&rig, unit, rig.lowest, rig.highest);
	ask(&rig, unit, AT(&rig), 13);
	rig_down(&rig);
}

/* A segment's frame of 1 MiB; a page table in its place; protection by the segment's entry. */
static void segments(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	uint64_t table;

	(void)operations;
	rig_up(&rig, &config, seed);

	rig_doing(&rig, "a frame of 1 MiB");
	rig_set(unit, AT(&rig), 1, rig_gpa(&rig, AREA_VISITING_FILE, 0) | STE_FRAME);
	refresh_pages(&rig, unit, AT(&rig), 256);
	ask(&rig, unit, AT(&rig), 2);
	ask(&rig, unit, AT(&rig) + 254 * PAGE, 2);

	rig_doing(&rig, "a protected frame");
	rig_set(unit, AT(&rig), 1, rig_gpa(&rig, AREA_VISITING_FILE, 0) | STE_FRAME | PROTECTED);
	refresh_pages(&rig, unit, AT(&rig), 256);
	ask(&rig, unit, AT(&rig) + 100 * PAGE, 2);

	rig_doing(&rig, "a page table in the place of a frame, refreshed in a part");
	rig_set(unit, AT(&rig), 1, STE_INVALID);
	rig_map(unit, AT(&rig), 256, rig_gpa(&rig, AREA_FILE, 256), VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig) + 10 * PAGE, 20);
	ask(&rig, unit, AT(&rig) + 10 * PAGE, 3);
	ask(&rig, unit, AT(&rig) + 27 * PAGE, 3);
	refresh_pages(&rig, unit, AT(&rig), 256);
	ask(&rig, unit, AT(&rig) + 27 * PAGE, 3);

	rig_doing(&rig, "protection by the segment's entry");
	table = naive_next_table(guest_load(&rig.guest, tables_entry(&unit->space->tables, AT(&rig), 1)), 1, false);
	rig_set(unit, AT(&rig), 1, table | PROTECTED);
	refresh_pages(&rig, unit, AT(&rig), 256);
	ask(&rig, unit, AT(&rig) + 5 * PAGE, 2);
	rig_set(unit, AT(&rig), 1, STE_INVALID);
	refresh_pages(&rig, unit, AT(&rig), 256);
	ask(&rig, unit, AT(&rig) + 5 * PAGE, 2);
	rig_down(&rig);
}

/* A device that reaches nothing must not write. Its driver must be restarted afterwards. */
static void ask_detached(struct rig *rig, struct rig_unit *unit, uint64_t iova)
{
	dma_write_to(unit->dma, iova, 0);
	rig_check_memory(rig);
}

/* Registrations end and begin again. Functions are disabled and enabled. */
static void registrations(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	rig_up(&rig, &config, seed);
	for (unsigned int u = 0; u < rig.units; u++) {
		rig_map(&rig.unit[u], AT(&rig), 4, rig_gpa(&rig, AREA_FILE, 10 * u), VIOMMU_RW);
		refresh_pages(&rig, &rig.unit[u], AT(&rig), 4);
	}
	for (unsigned int u = 0; u < rig.units; u++) {
		struct rig_unit *unit = &rig.unit[u];

		rig_doing(&rig, "the registration of %s ends", unit->address);
		ask(&rig, unit, AT(&rig), 4);
		rig_deregister(&rig, unit);
		rig_check_pins(&rig);
		ask_detached(&rig, unit, AT(&rig));

		rig_doing(&rig, "%s is registered again, with tables that are full", unit->address);
		rig_map(unit, AT(&rig) + 4 * PAGE, 2, rig_gpa(&rig, AREA_VISITING, 7), VIOMMU_RW);
		rig_register(&rig, unit);
		rig_start(&rig, unit);
		ask(&rig, unit, AT(&rig), 6);

		rig_doing(&rig, "%s is registered with other tables", unit->address);
		rig_new_tables(&rig, unit->space);
		rig_map(unit, AT(&rig) + PAGE, 3, rig_gpa(&rig, AREA_VISITING_FILE, 9 * u), VIOMMU_RW);
		rig_reregister(&rig, unit);
		ask(&rig, unit, AT(&rig), 6);

		rig_doing(&rig, "%s is disabled", unit->address);
		if (viommu_zpci_disable(unit->function, &unit->fh))
			rig_fail(&rig, "it cannot be disabled");
		unit->attached = false;
		model_list_free(&unit->space->model);
		rig_check_pins(&rig);
		ask_detached(&rig, unit, AT(&rig) + PAGE);
		if (viommu_zpci_enable(unit->function, &unit->fh))
			rig_fail(&rig, "it cannot be enabled");
		rig_register(&rig, unit);
		rig_start(&rig, unit);
		ask(&rig, unit, AT(&rig), 6);
	}
	rig_down(&rig);
}

/* Slots are removed while pages of theirs are mapped, and added again. */
static void slots(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];

	(void)operations;
	rig_up(&rig, &config, seed);
	rig_map(unit, AT(&rig), 3, rig_gpa(&rig, AREA_VISITING_FILE, 20), VIOMMU_RW);
	rig_map(unit, AT(&rig) + 3 * PAGE, 2, rig_gpa(&rig, AREA_FILE, 20), VIOMMU_RW);
	rig_map(unit, AT(&rig) + 5 * PAGE, 3, rig_gpa(&rig, AREA_VISITING, 20), VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig), 8);
	for (unsigned int area = AREA_VISITING_FILE; area <= AREA_VISITING; area++) {
		rig_doing(&rig, "slot %u goes", area);
		ask(&rig, unit, AT(&rig), 8);
		rig_hide(&rig, area);
		ask(&rig, unit, AT(&rig), 8);
		rig_doing(&rig, "slot %u comes", area);
		rig_show(&rig, area);
		ask(&rig, unit, AT(&rig), 8);
		refresh_pages(&rig, unit, AT(&rig), 8);
		ask(&rig, unit, AT(&rig), 8);
	}
	rig_down(&rig);
}

/*
 * Two devices in one domain: both reach it. After one is detached, it reaches nothing, and the
 * other is not affected.
 */
static void shared(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	struct rig_unit *other = &rig.unit[1];

	(void)operations;
	config.shared = true;
	rig_up(&rig, &config, seed);
	rig_doing(&rig, "two devices in one domain");
	rig_map(unit, AT(&rig), 4, rig_gpa(&rig, AREA_FILE, 30), VIOMMU_RW);
	refresh_pages(&rig, unit, AT(&rig), 4);
	ask(&rig, unit, AT(&rig), 4);
	ask(&rig, other, AT(&rig), 4);

	rig_doing(&rig, "the second one is detached");
	if (viommu_device_detach(other->device, VIOMMU_NO_PASID))
		rig_fail(&rig, "it cannot be detached");
	other->attached = false;
	rig_check_pins(&rig);
	ask_detached(&rig, other, AT(&rig));
	rig_map(unit, AT(&rig) + 4 * PAGE, 2, rig_gpa(&rig, AREA_VISITING_FILE, 30), VIOMMU_RW);
	rig_unmap(unit, AT(&rig), 1);
	refresh_pages(&rig, unit, AT(&rig), 6);
	ask(&rig, unit, AT(&rig), 6);

	rig_doing(&rig, "the second one is attached again");
	if (viommu_domain_attach(unit->space->domain, other->device, VIOMMU_NO_PASID))
		rig_fail(&rig, "it cannot be attached");
	other->attached = true;
	rig_start(&rig, other);
	ask(&rig, other, AT(&rig), 6);
	rig_down(&rig);
}

#define RUN_BYTES (16 * MIB)

/*
 * One refresh that maps 16 MiB of contiguous memory is one call to the host, and so is its removal.
 * type1 is given room for one mapping in addition to the driver's pages, which the registration
 * maps one by one.
 */
static void one_run(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	struct viommu_domain_stats before, after;
	struct area *area;

	(void)operations;
	kernel_entry_limit(DMA_PAGES + 1 + 1);
	rig_up(&rig, &config, seed);
	rig_doing(&rig, "16 MiB, mapped by one refresh");
	area = guest_area(&rig.guest, 256 * MIB, RUN_BYTES, VIOMMU_RW);
	if (guest_show(&rig.guest, area))
		rig_fail(&rig, "no slot for it");
	rig_map(unit, AT(&rig), RUN_BYTES / PAGE, area->gpa, VIOMMU_RW);
	before = rig_stats(unit);
	refresh_pages(&rig, unit, AT(&rig), RUN_BYTES / PAGE);
	after = rig_stats(unit);
	if (after.host_maps - before.host_maps != 1)
		rig_fail(&rig, "%" PRIu64 " calls to the host", after.host_maps - before.host_maps);
	rig_check_pins(&rig);
	for (uint64_t page = 0; page < RUN_BYTES / PAGE; page += 63) {
		uint64_t block = page % dma_blocks(unit->dma);

		memset(unit->staging, (int)(page & 0x7f) + 1, PAGE);
		if (dma_read_from(unit->dma, unit->staging_iova, block) || dma_write_to(unit->dma, AT(&rig) + page * PAGE, block))
			rig_fail(&rig, "a transfer to page %" PRIu64 " failed: %s", page, dma_why(unit->dma));
		for (uint64_t i = 0; i < RUN_BYTES / PAGE; i++)
			if (area->memory[i * PAGE] != (i <= page && i % 63 == 0 ? (i & 0x7f) + 1 : 0))
				rig_fail(&rig, "page %" PRIu64 " was written, and page %" PRIu64 " is wrong", page, i);
	}
	rig_unmap(unit, AT(&rig), RUN_BYTES / PAGE);
	before = rig_stats(unit);
	refresh_pages(&rig, unit, AT(&rig), RUN_BYTES / PAGE);
	after = rig_stats(unit);
	if (after.host_unmaps - before.host_unmaps != 1 || after.host_splits)
		rig_fail(&rig, "removed in %" PRIu64 " calls, %" PRIu64 " of them splits", after.host_unmaps - before.host_unmaps, after.host_splits);
	rig_check_pins(&rig);
	rig_down(&rig);
}

static const struct dma_case cases[] = {
	{ .name = "pages", .run = pages, .nvmes = 1 },
	{ .name = "segments", .run = segments, .nvmes = 1 },
	{ .name = "registrations", .run = registrations, .nvmes = 1, .edu = true },
	{ .name = "slots", .run = slots, .nvmes = 1 },
	{ .name = "shared", .run = shared, .nvmes = 2 },
	{ .name = "one run", .run = one_run, .nvmes = 1, .not_kernel = true },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
