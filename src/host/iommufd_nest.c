/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Spaces that are a guest's own tables. What the kernel has of one is an HWPT with the guest's Stream Table Entry, made when the first device is attached;
 * the hardware reads context descriptors and tables from the guest's memory through what iommufd_stage2.c keeps. What holds: a device is in the space's list
 * exactly while it is attached there.
 *
 * Invalidating is by IOVA in all of the guest's contexts (CMD_TLBI_NH_VAA), or of all IOVAs (CMD_TLBI_NH_ALL). To name a context's ASID one would have to read its
 * descriptor, which the guest changes when it likes; the VMID is the kernel's, which puts it into the command. So more is forgotten than must be, and never
 * less. The kernel ends what it is given with CMD_SYNC and waits for it (arm_vsmmu_cache_invalidate() in
 * drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c).
 */
#include <endian.h>
#include <errno.h>

#include "format/smmuv3.h"
#include "host/iommufd.h"

/* V, Config, S1Fmt, S1ContextPtr, S1CDMax. */
#define STE_0_TAKEN (STE0_V | UINT64_C(7) << STE0_CONFIG_SHIFT | STE0_S1FMT | STE0_S1CONTEXTPTR | STE0_S1CDMAX_ALL)
/* S1DSS, S1CIR, S1COR, S1CSH, S1STALLD. Not EATS: a device's own cache would have to be invalidated, too. */
#define STE_1_TAKEN (STE1_S1DSS | STE1_S1_CACHING | STE1_S1STALLD)

/* Arm IHI 0070, 4.1.1. */
#define CMD_CFGI_CD_ALL 0x06u
#define CMD_TLBI_NH_ALL 0x10u
#define CMD_TLBI_NH_VAA 0x13u

/* Ranges of more pages are invalidated with all others: it takes less time than the commands do. */
#define NEST_PAGES 64u

static bool is_taken(const uint64_t ste[2])
{
	unsigned int config = STE0_CONFIG(ste[0]);

	if (!(ste[0] & STE0_V))
		return true;
	return !(ste[0] & ~STE_0_TAKEN) && !(ste[1] & ~STE_1_TAKEN) && (config == STE_CONFIG_ABORT || config == STE_CONFIG_BYPASS || config == STE_CONFIG_S1);
}

int iommufd_nest_create(struct viommu_host *any, struct host_guest *host_guest, const uint64_t ste[2], const struct host_memory *memory,
			struct host_space **out)
{
	struct iommufd_guest *guest = iommufd_guest(host_guest);
	struct iommufd_space *space;
	int error;

	if (!(any->caps.nests & VIOMMU_NESTS_SMMUV3))
		return -EOPNOTSUPP;
	if (!is_taken(ste))
		return -EINVAL;
	space = memory->alloc(memory->ctx, sizeof(*space), 0);
	if (!space)
		return -ENOMEM;
	space->space.host = any;
	space->memory = memory;
	space->guest = guest;
	space->nest = true;
	/* The rest of an entry that is not valid means nothing. */
	for (unsigned int i = 0; i < 2; i++)
		space->ste[i] = ste[0] & STE0_V ? ste[i] : 0;
	mappings_init(&space->mappings, memory);
	port_lock(&guest->nesting);
	error = iommufd_stage2_make(guest);
	port_unlock(&guest->nesting);
	if (error) {
		iommufd_space_destroy(&space->space);
		return error;
	}
	*out = &space->space;
	return 0;
}

/*
 * A device that could not be detached is tried once more. If that fails, too (the kernel has no reason to), it goes on with the guest's tables until its file is
 * closed, which its destruction does unless the file is the caller's.
 */
void iommufd_nest_destroy(struct iommufd_space *space)
{
	struct iommufd_device *device;

	while ((device = space->nested)) {
		iommufd_detach_pt(device);
		space->nested = device->next_nested;
	}
}

int iommufd_nest_prepare(struct iommufd_space *space, struct iommufd_device *device)
{
	int fd = iommufd_host(space->space.host)->fd;
	struct iommufd_guest *guest = space->guest;
	int error;

	if (!device->has_stream)
		return -EINVAL;
	port_lock(&guest->nesting);
	error = iommufd_stage2_ready(guest, device);
	port_unlock(&guest->nesting);
	if (!error && !device->vdevice)
		error = iommufd_vdevice_alloc(fd, device->id, guest->viommu, device->stream, &device->vdevice);
	if (!error && !space->hwpt)
		error = iommufd_hwpt_alloc_nested(fd, device->id, guest->viommu, space->ste, &space->hwpt);
	return error;
}

void iommufd_nest_enter(struct iommufd_space *space, struct iommufd_device *device)
{
	device->next_nested = space->nested;
	space->nested = device;
}

void iommufd_nest_leave(struct iommufd_space *space, struct iommufd_device *device)
{
	struct iommufd_device **at = &space->nested;

	while (*at && *at != device)
		at = &(*at)->next_nested;
	if (*at)
		*at = device->next_nested;
}

int iommufd_device_set_id(struct host_device *any, uint32_t id)
{
	struct iommufd_device *device = iommufd_device(any);
	int error;

	if (device->has_stream && device->stream == id)
		return 0;
	error = iommufd_try_put(iommufd_host(any->host)->fd, device->vdevice);
	if (error)
		return error;
	device->vdevice = 0;
	device->has_stream = true;
	device->stream = id;
	return 0;
}

/* Where there is no viommu yet the hardware has read nothing. It is asked for even if no device is attached: what was read for one that was is still there. */
static int command(const struct iommufd_space *space, const struct iommufd_abi_invalidate_smmuv3 *commands, uint32_t number)
{
	uint32_t viommu = __atomic_load_n(&space->guest->viommu, __ATOMIC_ACQUIRE);

	return viommu ? iommufd_invalidate(iommufd_host(space->space.host)->fd, viommu, commands, number) : 0;
}

int iommufd_nest_invalidate(struct host_space *any, uint64_t first, uint64_t last)
{
	struct iommufd_abi_invalidate_smmuv3 commands[NEST_PAGES] = { 0 };
	uint64_t pages = last / VIOMMU_PAGE_SIZE - first / VIOMMU_PAGE_SIZE;
	uint32_t number = 0;

	if (pages >= NEST_PAGES) {
		commands[0].command[0] = htole64(CMD_TLBI_NH_ALL);
		return command(iommufd_space(any), commands, 1);
	}
	/* Not for leaves alone: tables may have gone, too. */
	for (uint64_t at = first & ~(VIOMMU_PAGE_SIZE - 1); number <= pages; number++, at += VIOMMU_PAGE_SIZE) {
		commands[number].command[0] = htole64(CMD_TLBI_NH_VAA);
		commands[number].command[1] = htole64(at);
	}
	return command(iommufd_space(any), commands, number);
}

int iommufd_nest_context(struct host_space *any)
{
	const struct iommufd_space *space = iommufd_space(any);
	int error = 0;

	for (const struct iommufd_device *device = space->nested; !error && device; device = device->next_nested) {
		const struct iommufd_abi_invalidate_smmuv3 one = { .command = { htole64(CMD_CFGI_CD_ALL | (uint64_t)device->stream << 32) } };

		error = command(space, &one, 1);
	}
	return error;
}
