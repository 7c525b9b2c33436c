/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shortages: of pinned memory (by the VM's budget, and by the process's RLIMIT_MEMLOCK), of type1's
 * mappings, of the aperture. The guest gets "insufficient resources", makes room like Linux, and
 * completes all of its work.
 *
 * The work is that of a driver under Linux (drivers/iommu/dma-iommu.c, s390-iommu.c). Buffers of a
 * few scattered pages are mapped at IOVAs that are not reused soon, refreshed, used by the device,
 * and made invalid again, without a refresh. When a refresh reports a shortage, the guest refreshes
 * everything, which releases invalid pages, and tries the buffer's refresh again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"
#include "kernel.h"

#define AT(rig) ((rig)->lowest + 16 * MIB)

#define WANTED	1280u /* pages: all writable ones */
#define ALLOWED (WANTED / 16)

#define LIVE	     6u /* buffers in use at a time */
#define BUFFER_PAGES 4u

static const unsigned int areas[] = { AREA_FILE, AREA_NEIGHBOUR, AREA_VISITING_FILE, AREA_VISITING };

/* All writable pages, in an order with few adjacent pages. */
static void deal_pages(struct rig *rig, uint64_t pages[WANTED])
{
	unsigned int number = 0;

	for (unsigned int a = 0; a < sizeof(areas) / sizeof(areas[0]); a++)
		for (uint64_t page = 0; page < rig->guest.area[areas[a]].bytes / PAGE; page++)
			pages[number++] = rig_gpa(rig, areas[a], page);
	if (number != WANTED)
		rig_fail(rig, "the guest has %u pages to write to", number);
	for (unsigned int i = WANTED - 1; i > 0; i--) {
		const unsigned int other = rig_below(rig, i + 1);
		const uint64_t page = pages[i];

		pages[i] = pages[other];
		pages[other] = page;
	}
}

/* The guest's work. Returns the number of times that it made room. */
static unsigned int work(struct rig *rig, struct rig_unit *unit)
{
	uint64_t pages[WANTED];
	unsigned int shortages = 0;

	deal_pages(rig, pages);
	for (unsigned int buffer = 0; buffer < WANTED / BUFFER_PAGES; buffer++) {
		const uint64_t iova = AT(rig) + buffer * BUFFER_PAGES * PAGE;

		rig_doing(rig, "buffer %u, short %u times so far", buffer, shortages);
		for (unsigned int i = 0; i < BUFFER_PAGES; i++)
			rig_map(unit, iova + i * PAGE, 1, pages[buffer * BUFFER_PAGES + i], VIOMMU_RW);
		if (rig_refresh_any(rig, unit, iova, iova + BUFFER_PAGES * PAGE - 1) != RIG_DONE) {
			shortages++;
			rig_refresh(rig, unit, rig->lowest, rig->highest);
		}
		for (unsigned int i = 0; i < BUFFER_PAGES; i++) {
			rig_check_write(rig, unit, iova + i * PAGE);
			rig_check_read(rig, unit, iova + i * PAGE);
		}
		if (buffer >= LIVE)
			rig_unmap(unit, iova - LIVE * BUFFER_PAGES * PAGE, BUFFER_PAGES);
		if (buffer % 16 == 0) {
			rig_check_pins(rig);
			rig_check_memory(rig);
		}
	}
	rig_refresh(rig, unit, rig->lowest, rig->highest);
	rig_check_pins(rig);
	return shortages;
}

static void work_short(struct rig *rig, struct rig_unit *unit)
{
	const unsigned int shortages = work(rig, unit);

	printf("# made room %u times\n", shortages);
	if (!shortages)
		rig_fail(rig, "nothing was ever short: this tests nothing");
	rig_down(rig);
}

static void budget(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	config.pin_budget = ALLOWED * PAGE;
	rig_up(&rig, &config, seed);
	work_short(&rig, &rig.unit[0]);
}

/* Drops CAP_IPC_LOCK, which lifts a process's limit. */
static void limit_memlock(uint64_t pages)
{
	const struct rlimit limit = { .rlim_cur = (rlim_t)(pages * PAGE), .rlim_max = (rlim_t)(pages * PAGE) };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	bool done = !setrlimit(RLIMIT_MEMLOCK, &limit) && !syscall(SYS_capget, &header, data);

	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	if (!done || syscall(SYS_capset, &header, data)) {
		printf("# RLIMIT_MEMLOCK cannot be made to count: %s\n", strerror(errno));
		fflush(stdout);
		_exit(1);
	}
}

static void memlock(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	/*
	 * At the start: iommufd checks the capability when memory is mapped into an IOAS, not when
	 * it is pinned.
	 */
	limit_memlock(ALLOWED);
	rig_up(&rig, &config, seed);
	work_short(&rig, &rig.unit[0]);
}

/*
 * The kernel refuses to pin all of guest memory. Adding the device or the slot fails and changes
 * nothing else.
 */
static void memlock_guest(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct area *area;
	struct rig rig;
	int error;

	(void)operations;
	rig_up(&rig, &config, seed);
	rig_doing(&rig, "a slot that cannot be pinned");
	limit_memlock(64);
	area = guest_area(&rig.guest, 256 * MIB, 16 * MIB, VIOMMU_RW);
	error = guest_show(&rig.guest, area);
	if (error != -EDQUOT && error != -ENOMEM && error != -ENOSPC)
		rig_fail(&rig, "adding it: %s", strerror(-error));
	rig_check_pins(&rig);
	rig_check_write(&rig, &rig.unit[0], rig.unit[0].staging_iova + PAGE);
	rig_down(&rig);
}

/* The host reads the limit from the kernel. */
static void entries_known(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	kernel_entry_limit(ALLOWED);
	rig_up(&rig, &config, seed);
	if (rig.caps.entry_limit != ALLOWED)
		rig_fail(&rig, "the host says that its limit is %" PRIu64 " entries", rig.caps.entry_limit);
	work_short(&rig, &rig.unit[0]);
}

/* The second device's container has another limit than the host. */
static void entries_met(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	config.entry_limit = ALLOWED;
	rig_up(&rig, &config, seed);
	work_short(&rig, &rig.unit[1]);
}

/* The same with both devices in one domain. */
static void entries_shared(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;

	(void)operations;
	config.entry_limit = ALLOWED;
	config.shared = true;
	rig_up(&rig, &config, seed);
	work_short(&rig, &rig.unit[0]);
}

/*
 * Mappings that exceed the limit of a device's container are not attached to it. The device that is
 * attached already keeps its own.
 */
static void entries_attach(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	struct rig_unit *other = &rig.unit[1];
	int error;

	(void)operations;
	config.entry_limit = ALLOWED;
	config.shared = true;
	rig_up(&rig, &config, seed);
	rig_doing(&rig, "a domain of %u mappings for a container of %u", ALLOWED + 20, ALLOWED);
	if (viommu_device_detach(other->device, VIOMMU_NO_PASID))
		rig_fail(&rig, "the second device cannot be detached");
	other->attached = false;
	/* Every other page, so that nothing is contiguous. */
	for (unsigned int i = 0; i < ALLOWED + 20; i++)
		rig_map(unit, AT(&rig) + 2 * i * PAGE, 1, rig_gpa(&rig, AREA_FILE, 3 * i), VIOMMU_RW);
	rig_refresh(&rig, unit, AT(&rig), AT(&rig) + MIB - 1);
	error = viommu_domain_attach(unit->space->domain, other->device, VIOMMU_NO_PASID);
	if (error != -ENOSPC)
		rig_fail(&rig, "attaching the second device: %d", error);
	rig_check_pins(&rig);
	for (unsigned int i = 0; i < ALLOWED + 20; i += 9)
		rig_check_write(&rig, unit, AT(&rig) + 2 * i * PAGE);
	rig_unmap(unit, AT(&rig), 128);
	rig_refresh(&rig, unit, AT(&rig), AT(&rig) + MIB - 1);
	error = viommu_domain_attach(unit->space->domain, other->device, VIOMMU_NO_PASID);
	if (error)
		rig_fail(&rig, "attaching the second device, when there is room: %d", error);
	other->attached = true;
	rig_start(&rig, other);
	rig_check_write(&rig, other, AT(&rig) + 2 * (ALLOWED + 15) * PAGE);
	rig_check_pins(&rig);
	rig_down(&rig);
}

/* the default of the last IOVA that the guest may register (zpci.h) */
#define EDMA UINT64_C(0x1ffffffffffffff)

/*
 * A registration beyond the host's aperture is refused where one is possible. The next one is not.
 */
static void aperture(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	struct tables *tables;

	(void)operations;
	rig_up(&rig, &config, seed);
	tables = &unit->space->tables;
	rig_doing(&rig, "a registration to beyond %#" PRIx64, rig.caps.last);
	rig_deregister(&rig, unit);
	if (rig.caps.last < EDMA) {
		tables->pal = EDMA;
		if (rig_register_any(&rig, unit) != RIG_SHORT)
			rig_fail(&rig, "it was accepted");
	}
	if (rig_pinned(&rig) && config.pin == VIOMMU_PIN_ON_REFRESH)
		rig_fail(&rig, "something was pinned for it");
	tables->pal = rig.highest;
	rig_map(unit, (rig.highest - 2 * PAGE) + 1, 2, rig_gpa(&rig, AREA_FILE, 1), VIOMMU_RW);
	rig_register(&rig, unit);
	rig_start(&rig, unit);
	rig_check_write(&rig, unit, rig.highest - PAGE + 1);
	rig_check_read(&rig, unit, (rig.highest - 2 * PAGE) + 1);
	rig_check_pins(&rig);
	rig_down(&rig);
}

static int is_there(void *ctx, const struct viommu_run *run)
{
	(void)run;
	*(bool *)ctx = true;
	return 1;
}

/* The machine's IOVAs for interrupts are inside the guest's aperture. */
static void reserved(struct rig_config config, uint64_t seed, uint64_t operations)
{
	struct viommu_iova_range range[2];
	struct rig rig;
	struct rig_unit *unit = &rig.unit[0];
	bool there = false;
	uint64_t gap;

	(void)operations;
	config.lowest = MIB;
	config.highest = 8 * GIB - 1;
	rig_up(&rig, &config, seed);
	if (viommu_host_ranges(rig.host, range, 2) < 2 || range[1].first > rig.highest)
		rig_fail(&rig, "nothing is reserved below 8 GiB");
	gap = range[0].last + 1;

	rig_doing(&rig, "two pages before what is reserved from %#" PRIx64 " on, and two in it", gap);
	rig_map(unit, gap - 2 * PAGE, 4, rig_gpa(&rig, AREA_FILE, 50), VIOMMU_RW);
	if (rig_refresh_any(&rig, unit, gap - 2 * PAGE, gap + 2 * PAGE - 1) != RIG_SHORT)
		rig_fail(&rig, "the refresh was done");
	viommu_zpci_function_each_run(unit->function, gap, range[1].first - 1, is_there, &there);
	if (there)
		rig_fail(&rig, "something is said to be established where nothing can be");
	rig_unmap(unit, gap, 2);
	rig_refresh(&rig, unit, rig.lowest, rig.highest);
	for (unsigned int i = 1; i <= 2; i++) {
		rig_check_write(&rig, unit, gap - i * PAGE);
		rig_check_read(&rig, unit, gap - i * PAGE);
	}

	rig_doing(&rig, "two pages behind what is reserved");
	rig_map(unit, range[1].first, 2, rig_gpa(&rig, AREA_FILE, 60), VIOMMU_RW);
	rig_refresh(&rig, unit, range[1].first, range[1].first + 2 * PAGE - 1);
	rig_check_write(&rig, unit, range[1].first);
	rig_check_read(&rig, unit, range[1].first + PAGE);
	rig_check_memory(&rig);
	rig_check_pins(&rig);
	rig_down(&rig);
}

static const struct dma_case cases[] = {
	{ .name = "budget", .run = budget, .nvmes = 1, .pin = "refresh", .not_kernel = true },
	{ .name = "memlock", .run = memlock, .nvmes = 1, .pin = "refresh" },
	{ .name = "memlock, pinned guest", .run = memlock_guest, .nvmes = 1, .host = "iommufd", .pin = "guest" },
	{ .name = "entries, known", .run = entries_known, .nvmes = 1, .host = "type1", .pin = "refresh" },
	{ .name = "entries, met", .run = entries_met, .nvmes = 2, .host = "type1" },
	{ .name = "entries, shared", .run = entries_shared, .nvmes = 2, .host = "type1", .pin = "refresh" },
	{ .name = "entries, attach", .run = entries_attach, .nvmes = 2, .host = "type1" },
	{ .name = "aperture", .run = aperture, .nvmes = 1 },
	{ .name = "reserved", .run = reserved, .nvmes = 1, .harmless_only = true },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
