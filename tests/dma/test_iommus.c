/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any guest IOMMU on any host: a guest behind VT-d, AMD-Vi or virtio-iommu maps and unmaps at
 * random, has its tables replaced, and memory that comes and goes, while devices of the machine
 * read and write. What each page leads to is kept beside it, from the requests alone.
 */
#include "cases.h"
#include "iommus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW	 256u
#define STAGING	 DMA_PAGES /* of the driver's pages: the one for patterns */
#define DRIVER	 (DMA_PAGES + 1)
#define NUMBERED UINT64_C(0x6e756d6265720000) /* and the number of the page */
#define EMPTY	 UINT64_C(0x6e6f7468696e6721)
#define MARKED	 UINT64_C(0x6d61726b65642121)

enum { MAIN, READ_ONLY, VISITING, AREAS };
static const struct {
	uint64_t gpa, bytes;
	uint32_t prot;
} areas[AREAS] = {
	[MAIN] = { 0, 8 * MIB, VIOMMU_RW },
	[READ_ONLY] = { 32 * MIB, MIB / 4, VIOMMU_READ },
	[VISITING] = { 64 * MIB, MIB, VIOMMU_RW },
};

/* A page of the window: prot 0 is none. */
struct leaf {
	uint64_t gpa;
	uint32_t prot;
};

struct unit {
	struct dma_device *dma;
	uint64_t lowest; /* IOVAs: the driver's pages, and then the window */
	struct leaf leaf[WINDOW];
};

struct world {
	struct rig rig; /* for messages and random numbers */
	struct guest guest;
	struct viommu_host *host;
	struct iommu iommu;
	struct unit unit[IOMMU_UNITS];
	unsigned int units;
	uint64_t reached, refused;
};

static void must(struct world *world, bool ok, const char *what)
{
	if (!ok)
		rig_fail(&world->rig, "%s", what);
}

static uint64_t *word(struct world *world, uint64_t gpa)
{
	return (uint64_t *)(void *)guest_hva(&world->guest, gpa);
}

static uint64_t driver_gpa(unsigned int unit, unsigned int page)
{
	return IOMMU_STRUCTURES + (unit * 16 + page) * PAGE;
}

/* Pages with numbers: behind the drivers', and in the other areas. */
static uint64_t first_numbered(unsigned int area)
{
	return areas[area].gpa + (area == MAIN ? IOMMU_STRUCTURES + MIB : 0);
}

static uint64_t window_iova(const struct unit *unit, unsigned int page)
{
	return unit->lowest + MIB + page * PAGE;
}

static void make_memory(struct world *world)
{
	for (unsigned int a = 0; a < AREAS; a++) {
		struct area *area = guest_area(&world->guest, areas[a].gpa, areas[a].bytes, areas[a].prot);

		for (uint64_t gpa = first_numbered(a); gpa < areas[a].gpa + areas[a].bytes; gpa += PAGE)
			*word(world, gpa) = NUMBERED + gpa / PAGE;
		must(world, !guest_show(&world->guest, area), "a slot");
	}
}

/* The driver's pages, in tables that have nothing else. */
static void renew(struct world *world, unsigned int u)
{
	struct unit *unit = &world->unit[u];

	must(world, world->iommu.kind->renew(&world->iommu, u), "new tables");
	must(world, world->iommu.kind->map(&world->iommu, u, unit->lowest, DRIVER, driver_gpa(u, 0), VIOMMU_RW), "the driver's pages");
	memset(unit->leaf, 0, sizeof(unit->leaf));
}

static void make_unit(struct world *world, unsigned int u)
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_device *made;
	struct dma_page pages[DMA_PAGES];
	char why[256] = "";
	int error;

	device.address = world->rig.config->address[u];
	world->unit[u].lowest = 4 * GIB + u * GIB;
	error = world->iommu.kind->add(&world->iommu, u, &device, &made);
	if (error)
		rig_fail(&world->rig, "device %s: %s", device.address, strerror(-error));
	renew(world, u);
	for (unsigned int i = 0; i < DMA_PAGES; i++)
		pages[i] = (struct dma_page){ world->unit[u].lowest + i * PAGE, word(world, driver_gpa(u, i)) };
	error = dma_open(viommu_device_vfio_fd(made), pages, &world->unit[u].dma, why, sizeof(why));
	if (error)
		rig_fail(&world->rig, "the driver of %s: %s (%s)", device.address, why, strerror(-error));
}

/* The device's block has this word, or is read. */
static void set_block(struct world *world, unsigned int u, uint64_t value)
{
	*word(world, driver_gpa(u, STAGING)) = value;
	must(world, !dma_read_from(world->unit[u].dma, world->unit[u].lowest + STAGING * PAGE, 0), "staging cannot be read");
}

static uint64_t get_block(struct world *world, unsigned int u)
{
	*word(world, driver_gpa(u, STAGING)) = 0;
	must(world, !dma_write_to(world->unit[u].dma, world->unit[u].lowest + STAGING * PAGE, 0), "staging cannot be written");
	return *word(world, driver_gpa(u, STAGING));
}

/* The target of a page of the window, by the requests. */
static struct leaf expected(struct world *world, unsigned int u, unsigned int page)
{
	struct leaf leaf = world->unit[u].leaf[page];

	for (unsigned int a = 0; a < AREAS; a++)
		if (leaf.prot && leaf.gpa >= areas[a].gpa && leaf.gpa - areas[a].gpa < areas[a].bytes) {
			leaf.prot &= world->guest.area[a].shown ? areas[a].prot : 0;
			return leaf;
		}
	return (struct leaf){ 0 };
}

/* After a write that may have gone anywhere: all numbers, with the mark where it belongs. */
static void check_numbers(struct world *world, uint64_t marked)
{
	for (unsigned int a = 0; a < AREAS; a++)
		for (uint64_t gpa = first_numbered(a); gpa < areas[a].gpa + areas[a].bytes; gpa += PAGE) {
			uint64_t right = gpa == marked ? MARKED : NUMBERED + gpa / PAGE;

			if (*word(world, gpa) != right)
				rig_fail(&world->rig, "page %#llx has %#llx, not %#llx", (unsigned long long)gpa, (unsigned long long)*word(world, gpa),
					 (unsigned long long)right);
		}
}

static void check(struct world *world, unsigned int u, unsigned int page)
{
	const struct leaf leaf = expected(world, u, page);
	uint64_t iova = window_iova(&world->unit[u], page), found;

	rig_and(&world->rig, "device %u accesses page %u, which is %#llx with rights %u", u, page, (unsigned long long)leaf.gpa, leaf.prot);
	set_block(world, u, EMPTY);
	dma_read_from(world->unit[u].dma, iova, 0);
	found = get_block(world, u);
	if (leaf.prot & VIOMMU_READ && found != NUMBERED + leaf.gpa / PAGE)
		rig_fail(&world->rig, "it reads %#llx", (unsigned long long)found);
	if (!(leaf.prot & VIOMMU_READ) && found >> 16 == NUMBERED >> 16)
		rig_fail(&world->rig, "it reads %#llx, and should not", (unsigned long long)found);
	set_block(world, u, MARKED);
	dma_write_to(world->unit[u].dma, iova, 0);
	check_numbers(world, leaf.prot & VIOMMU_WRITE ? leaf.gpa : UINT64_MAX);
	if (leaf.prot & VIOMMU_WRITE)
		*word(world, leaf.gpa) = NUMBERED + leaf.gpa / PAGE;
	*(leaf.prot ? &world->reached : &world->refused) += 1;
}

static uint64_t draw_gpa(struct world *world, unsigned int pages)
{
	unsigned int area = rig_below(&world->rig, AREAS);
	uint64_t first = first_numbered(area);

	return first + rig_below(&world->rig, (unsigned int)((areas[area].gpa + areas[area].bytes - first) / PAGE) - pages) * PAGE;
}

static void unmap(struct world *world, unsigned int u, unsigned int page, unsigned int pages)
{
	const struct iommu_kind *kind = world->iommu.kind;

	must(world, kind->unmap(&world->iommu, u, window_iova(&world->unit[u], page), pages), "unmapping");
	memset(&world->unit[u].leaf[page], 0, pages * sizeof(struct leaf));
}

/* Pages one by one, so that any of them can be unmapped later, or all with one request. */
static void map(struct world *world, unsigned int u, unsigned int page, unsigned int pages)
{
	const struct iommu_kind *kind = world->iommu.kind;
	uint64_t gpa = draw_gpa(world, pages);
	uint32_t prot = rig_below(&world->rig, 4) ? VIOMMU_RW : VIOMMU_READ;
	bool together = rig_below(&world->rig, 2) && strcmp(kind->name, virtio.name);

	for (unsigned int i = 0; i < pages; i += together ? pages : 1)
		must(world, kind->map(&world->iommu, u, window_iova(&world->unit[u], page + i), together ? pages : 1, gpa + i * PAGE, prot), "mapping");
	for (unsigned int i = 0; i < pages; i++)
		world->unit[u].leaf[page + i] = (struct leaf){ gpa + i * PAGE, prot };
}

static void visit(struct world *world)
{
	struct area *area = &world->guest.area[VISITING];

	if (area->shown) {
		rig_doing(&world->rig, "a slot goes");
		must(world, !guest_hide(&world->guest, area), "removing a slot");
	} else {
		rig_doing(&world->rig, "a slot comes");
		must(world, !guest_show(&world->guest, area) && world->iommu.kind->look_again(&world->iommu), "adding a slot");
	}
}

static void live(const struct iommu_kind *kind, struct rig_config config, uint64_t seed, uint64_t operations)
{
	static struct world world;
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	int error;

	world.rig.config = &config;
	world.rig.draws = seed;
	rig_doing(&world.rig, "beginning");
	vm.pin = config.pin;
	must(&world, !viommu_vm_create(&vm, &world.guest.vm), "the VM");
	make_memory(&world);
	world.host = rig_make_host(&world.rig);
	world.units = config.units < IOMMU_UNITS ? config.units : IOMMU_UNITS;
	world.iommu = (struct iommu){ .kind = kind, .guest = &world.guest, .host = world.host, .table_next = 1 * MIB };
	error = kind->up(&world.iommu);
	if (error)
		rig_fail(&world.rig, "%s: %s", kind->name, strerror(-error));
	for (unsigned int u = 0; u < world.units; u++)
		make_unit(&world, u);
	for (uint64_t i = 0; i < operations; i++) {
		unsigned int u = rig_below(&world.rig, world.units), page = rig_below(&world.rig, WINDOW), pages = 1 + rig_below(&world.rig, 9);

		if (pages > WINDOW - page)
			pages = WINDOW - page;
		rig_doing(&world.rig, "operation %llu, device %u, pages %u to %u", (unsigned long long)i, u, page, page + pages - 1);
		switch (rig_below(&world.rig, 40)) {
		case 0:
			renew(&world, u);
			break;
		case 1:
		case 2:
			visit(&world);
			break;
		default:
			unmap(&world, u, page, pages);
			if (rig_below(&world.rig, 3))
				map(&world, u, page, pages);
		}
		check(&world, u, page);
		check(&world, rig_below(&world.rig, world.units), rig_below(&world.rig, WINDOW));
	}
	rig_doing(&world.rig, "ending");
	must(&world, world.reached > operations / 4 && world.refused > operations / 4, "too few accesses of either kind");
	for (unsigned int u = 0; u < world.units; u++)
		dma_close(world.unit[u].dma);
	kind->down(&world.iommu);
	if (config.pin == VIOMMU_PIN_ON_REFRESH)
		must(&world, !guest_pinned(&world.guest), "something is still charged");
	guest_end(&world.guest);
	viommu_host_destroy(world.host);
}

static void behind_vtd(struct rig_config config, uint64_t seed, uint64_t operations)
{
	live(&vtd, config, seed, operations);
}

static void behind_amdvi(struct rig_config config, uint64_t seed, uint64_t operations)
{
	live(&amdvi, config, seed, operations);
}

static void behind_virtio(struct rig_config config, uint64_t seed, uint64_t operations)
{
	live(&virtio, config, seed, operations);
}

/* QEMU takes longer to emulate some processors than others. */
#ifdef __aarch64__
#define OPERATIONS 400
#else
#define OPERATIONS 600
#endif

static const struct dma_case cases[] = {
	{ .name = "VT-d", .run = behind_vtd, .nvmes = 2, .harmless_only = true, .operations = OPERATIONS },
	{ .name = "AMD-Vi", .run = behind_amdvi, .nvmes = 2, .harmless_only = true, .operations = OPERATIONS },
	{ .name = "virtio-iommu", .run = behind_virtio, .nvmes = 2, .harmless_only = true, .not_kernel = true, .operations = OPERATIONS },
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
