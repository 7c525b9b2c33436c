/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See rig.h: the machine and its memory. instructions.c has the guest's operations, transfers.c the
 * devices' transfers.
 */
#define _GNU_SOURCE
#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"

#define SYSTEM_BYTES (8 * MIB)
#define FILE_BYTES   (8 * MIB)

/* The place of an area. offset is into its file. */
static const struct {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset;
	uint32_t prot;
	bool file;
} layout[RIG_AREAS] = {
	[AREA_SYSTEM] = { 0, SYSTEM_BYTES, 0, VIOMMU_RW, false },	    [AREA_FILE] = { 16 * MIB, 2 * MIB, 3 * MIB, VIOMMU_RW, true },
	[AREA_NEIGHBOUR] = { 18 * MIB, MIB, MIB, VIOMMU_RW, true },	    [AREA_READ_ONLY] = { 32 * MIB, MIB, 0, VIOMMU_READ, false },
	[AREA_VISITING_FILE] = { 64 * MIB, MIB, 7 * MIB, VIOMMU_RW, true }, [AREA_VISITING] = { UINT64_C(0x180000000), MIB, 0, VIOMMU_RW, false },
};

void rig_fail(struct rig *rig, const char *format, ...)
{
	va_list arguments;

	printf("# %s, %s: %s\n# ", rig->config->host, rig->config->pin == VIOMMU_PIN_GUEST ? "pinned guest" : "pin on refresh", rig->doing);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void rig_doing(struct rig *rig, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(rig->doing, sizeof(rig->doing), format, arguments);
	va_end(arguments);
}

void rig_and(struct rig *rig, const char *format, ...)
{
	const size_t length = strlen(rig->doing);
	va_list arguments;

	snprintf(rig->doing + length, sizeof(rig->doing) - length, ", ");
	va_start(arguments, format);
	vsnprintf(rig->doing + strlen(rig->doing), sizeof(rig->doing) - strlen(rig->doing), format, arguments);
	va_end(arguments);
}

/* splitmix64 */
uint64_t rig_draw(struct rig *rig)
{
	uint64_t z = rig->draws += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned int rig_below(struct rig *rig, unsigned int bound)
{
	return (unsigned int)(rig_draw(rig) % bound);
}

static void on_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct rig *rig = ctx;

	(void)event;
	rig->events++;
}

uint64_t rig_gpa(struct rig *rig, unsigned int area, uint64_t page)
{
	return rig->guest.area[area].gpa + page * PAGE;
}

static void make_memory(struct rig *rig)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, FILE_BYTES))
		rig_fail(rig, "no file for memory: %s", strerror(errno));
	for (unsigned int a = 0; a < RIG_AREAS; a++) {
		const uint64_t bytes = layout[a].bytes;
		struct area *area = layout[a].file ? guest_area_file(&rig->guest, layout[a].gpa, bytes, layout[a].prot, fd, layout[a].offset)
						   : guest_area(&rig->guest, layout[a].gpa, bytes, layout[a].prot);

		if (a != AREA_SYSTEM) {
			rig->expected[a] = malloc((size_t)bytes);
			if (!rig->expected[a])
				rig_fail(rig, "no memory");
			for (uint64_t i = 0; i < bytes; i += 8) {
				uint64_t value = rig_draw(rig);

				memcpy(area->memory + i, &value, 8);
			}
			memcpy(rig->expected[a], area->memory, (size_t)bytes);
		}
		rig_show(rig, a);
	}
}

void rig_show(struct rig *rig, unsigned int area)
{
	int error = guest_show(&rig->guest, &rig->guest.area[area]);

	if (error)
		rig_fail(rig, "slot of area %u: %s", area, strerror(-error));
}

void rig_hide(struct rig *rig, unsigned int area)
{
	int error = guest_hide(&rig->guest, &rig->guest.area[area]);

	if (error)
		rig_fail(rig, "removing the slot of area %u: %s", area, strerror(-error));
	for (unsigned int s = 0; s < RIG_UNITS; s++)
		model_drop(&rig->space[s].model, rig->guest.area[area].gpa, rig->guest.area[area].bytes);
}

void rig_start(struct rig *rig, struct rig_unit *unit)
{
	char why[256] = "";
	int error;

	if (unit->dma) {
		error = dma_reset(unit->dma);
		if (error)
			snprintf(why, sizeof(why), "%s", dma_why(unit->dma));
	} else {
		error = dma_open(viommu_device_vfio_fd(unit->device), unit->pages, &unit->dma, why, sizeof(why));
	}
	if (error)
		rig_fail(rig, "the driver of %s: %s (%s)", unit->address, why, strerror(-error));
}

struct viommu_host *rig_make_host(struct rig *rig)
{
	static const struct {
		const char *name;
		int (*create)(const struct viommu_vfio_config *config, struct viommu_host **out);
	} hosts[] = { { "type1", viommu_host_type1_create }, { "iommufd", viommu_host_iommufd_create }, { "kernel", viommu_host_kernel_create } };
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	char why[512] = "";
	struct viommu_vfio_config vfio = { .size = sizeof(vfio), .iommu_fd = -1, .device = &device, .why = why, .why_bytes = sizeof(why) };
	struct viommu_host *host = NULL;
	int error = -EINVAL;

	device.address = rig->config->address[0];
	for (unsigned int i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (!strcmp(hosts[i].name, rig->config->host))
			error = hosts[i].create(&vfio, &host);
	if (error)
		rig_fail(rig, "the host: %s (%s)", why, strerror(-error));
	return host;
}

static void make_host(struct rig *rig)
{
	const struct rig_config *config = rig->config;

	rig->host = rig_make_host(rig);
	rig->caps.size = sizeof(rig->caps);
	viommu_host_caps(rig->host, &rig->caps);
	rig->lowest = rig->caps.first > 4 * GIB ? rig->caps.first : 4 * GIB;
	rig->highest = rig->caps.last;
	if (config->highest) {
		rig->lowest = config->lowest;
		rig->highest = config->highest;
	}
	/* The reach of one region third table. */
	if (rig->highest >> 42)
		rig->highest = (UINT64_C(1) << 42) - 1;
}

static void make_device(struct rig *rig, struct rig_unit *unit)
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	int error;

	device.address = unit->address;
	if (rig->config->shared) {
		error = viommu_device_create(rig->guest.vm, rig->host, &device, &unit->device);
	} else {
		struct viommu_zpci_function_config function = { .size = sizeof(function),
								.fid = 0x10 + unit->number,
								.fh = 1 + unit->number,
								.state = VIOMMU_ZPCI_DISABLED,
								.sdma = rig->lowest,
								.host = rig->host,
								.device = &device };

		error = viommu_zpci_function_add(rig->zpci, &function, &unit->function);
		if (!error)
			error = viommu_zpci_enable(unit->function, &unit->fh);
		if (!error)
			unit->device = viommu_zpci_function_device(unit->function);
	}
	if (error)
		rig_fail(rig, "device %s: %s", unit->address, strerror(-error));
}

void rig_up(struct rig *rig, const struct rig_config *config, uint64_t seed)
{
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .event = on_event, .ctx = rig };
	int error;

	memset(rig, 0, sizeof(*rig));
	rig->config = config;
	rig->draws = seed;
	rig_doing(rig, "beginning, seed %" PRIu64, seed);
	vm.pin = config->pin;
	if (config->pin_budget)
		vm.pin_budget = config->pin_budget;
	error = viommu_vm_create(&vm, &rig->guest.vm);
	if (!error)
		error = viommu_zpci_create(rig->guest.vm, &zpci, &rig->zpci);
	if (error)
		rig_fail(rig, "the VM: %s", strerror(-error));
	make_memory(rig);
	make_host(rig);
	if (config->entry_limit && !kernel_entry_limit(config->entry_limit))
		rig_fail(rig, "the limit of entries cannot be set");

	rig->units = config->units;
	for (unsigned int u = 0; u < rig->units; u++) {
		struct rig_unit *unit = &rig->unit[u];
		const uint64_t iova = rig->lowest + u * MIB;

		unit->number = u;
		unit->address = config->address[u];
		unit->space = &rig->space[config->shared ? 0 : u];
		for (unsigned int i = 0; i < DMA_PAGES; i++)
			unit->pages[i] = (struct dma_page){ .iova = iova + i * PAGE, .memory = guest_hva(&rig->guest, rig_driver_gpa(u, i)) };
		unit->staging_iova = iova + RIG_STAGING * PAGE;
		unit->staging = guest_hva(&rig->guest, rig_driver_gpa(u, RIG_STAGING));
		make_device(rig, unit);
	}
	for (unsigned int s = 0; s < (config->shared ? 1 : rig->units); s++) {
		struct rig_space *space = &rig->space[s];

		space->zone[0] = 2 * s * RIG_ZONE_BYTES;
		space->zone[1] = space->zone[0] + RIG_ZONE_BYTES;
		rig_new_tables(rig, space);
		rig_register(rig, &rig->unit[s]);
	}
	for (unsigned int u = 0; u < rig->units; u++)
		rig_start(rig, &rig->unit[u]);
}

void rig_unplug(struct rig *rig, struct rig_unit *unit)
{
	dma_close(unit->dma);
	unit->dma = NULL;
	viommu_zpci_function_remove(unit->function);
	unit->function = NULL;
	unit->device = NULL;
	rig_space_known(rig, unit->space, false);
}

void rig_plug(struct rig *rig, struct rig_unit *unit)
{
	make_device(rig, unit);
	rig_new_tables(rig, unit->space);
	rig_register(rig, unit);
	rig_start(rig, unit);
}

void rig_down(struct rig *rig)
{
	rig_check_memory(rig);
	for (unsigned int u = 0; u < rig->units; u++)
		dma_close(rig->unit[u].dma);
	for (unsigned int s = 0; s < RIG_UNITS; s++) {
		viommu_domain_destroy(rig->space[s].domain);
		model_list_free(&rig->space[s].model);
	}
	viommu_zpci_destroy(rig->zpci);
	if (rig->config->shared)
		for (unsigned int u = 0; u < rig->units; u++)
			viommu_device_destroy(rig->unit[u].device);
	if (rig->config->pin == VIOMMU_PIN_ON_REFRESH && rig_pinned(rig))
		rig_fail(rig, "%" PRIu64 " bytes are still charged when all domains have gone", rig_pinned(rig));
	guest_end(&rig->guest);
	viommu_host_destroy(rig->host);
	for (unsigned int a = 0; a < RIG_AREAS; a++)
		free(rig->expected[a]);
}

uint64_t rig_pinned(struct rig *rig)
{
	return guest_pinned(&rig->guest);
}

struct viommu_domain_stats rig_stats(struct rig_unit *unit)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	if (unit->space->domain)
		viommu_domain_stats(unit->space->domain, &stats);
	else
		viommu_zpci_function_stats(unit->function, &stats);
	return stats;
}
