/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What lies beneath a guest's own tables: an IOAS that has each slot at its GPA, an HWPT of it that can be nested upon, the viommu above, and the file that this
 * one's events come from. The IOAS is made with the first space that is the guest's own tables, and the others when the first device is attached to one,
 * since they take a device; all stay as long as the guest does. What holds: where stage2 is not 0 it has every slot, whole, with the slot's rights.
 *
 * A slot that goes is unmapped here first. Linux forgets all that was translated through it before the unmap returns, what came out of a guest's tables included
 * (arm_smmu_tlb_inv_range_domain() in drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c, of a domain that is a nest parent).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

int iommufd_stage2_add(struct iommufd_guest *guest, const struct iommufd_slot *slot)
{
	const struct iommufd_host *host = iommufd_host(guest->guest.host);

	if (!guest->stage2)
		return 0;
	/* The window for the doorbells of interrupts, above all, which the kernel fills. */
	if (!ranges_contain(&host->usable, slot->first, slot->last))
		return -ENOSPC;
	return iommufd_copy(host->fd, slot, guest->ioas, guest->stage2, slot->first);
}

int iommufd_stage2_remove(struct iommufd_guest *guest, uint64_t first, uint64_t last)
{
	uint64_t bytes;

	return guest->stage2 ? iommufd_unmap(iommufd_host(guest->guest.host), guest->stage2, first, last, &bytes) : 0;
}

int iommufd_stage2_make(struct iommufd_guest *guest)
{
	int fd = iommufd_host(guest->guest.host)->fd;
	int error;

	if (guest->stage2)
		return 0;
	error = iommufd_ioas_alloc(fd, &guest->stage2);
	for (size_t i = 0; !error && i < guest->number; i++)
		error = iommufd_stage2_add(guest, &guest->slots[i]);
	if (error) {
		/* With what is in it. */
		iommufd_put(fd, guest->stage2);
		guest->stage2 = 0;
	}
	return error;
}

static void drop_viommu(struct iommufd_guest *guest)
{
	int fd = iommufd_host(guest->guest.host)->fd;

	if (guest->events_fd >= 0)
		close(guest->events_fd);
	guest->events_fd = -1;
	iommufd_put(fd, guest->events);
	iommufd_put(fd, guest->viommu);
	iommufd_put(fd, guest->parent);
	guest->events = guest->viommu = guest->parent = 0;
}

int iommufd_stage2_ready(struct iommufd_guest *guest, const struct iommufd_device *device)
{
	const struct iommufd_host *host = iommufd_host(guest->guest.host);
	int fd = host->fd;
	uint32_t viommu = 0;
	int32_t events_fd = -1;
	int error;

	if (guest->viommu)
		return 0;
	error = iommufd_hwpt_alloc(fd, device->id, guest->stage2, IOMMUFD_ABI_HWPT_NEST_PARENT, &guest->parent);
	if (!error)
		error = iommufd_viommu_alloc(fd, host->nests, device->id, guest->parent, &viommu);
	if (!error)
		error = iommufd_veventq_alloc(fd, host->nests, viommu, &guest->events, &events_fd);
	if (error) {
		iommufd_put(fd, viommu);
		drop_viommu(guest);
		return error;
	}
	/* Readers of these take no lock, so that adding a slot delays no reader. */
	__atomic_store_n(&guest->events_fd, events_fd, __ATOMIC_RELEASE);
	__atomic_store_n(&guest->viommu, viommu, __ATOMIC_RELEASE);
	return 0;
}

void iommufd_stage2_destroy(struct iommufd_guest *guest)
{
	drop_viommu(guest);
	iommufd_put(iommufd_host(guest->guest.host)->fd, guest->stage2);
}

int iommufd_nest_fd(struct host_guest *any)
{
	int fd = __atomic_load_n(&iommufd_guest(any)->events_fd, __ATOMIC_ACQUIRE);

	return fd < 0 ? -ENODEV : fd;
}

/*
 * The kernel writes as many whole events as there is room for. There is room for one; or for a header alone, which says that events were lost, and behind which
 * one would not fit. Events are numbered with 31 bits, those that were lost too.
 */
int iommufd_nest_event(struct host_guest *any, struct host_nest_event *event)
{
	const struct iommufd_nest_type *type = iommufd_host(any->host)->nests;
	struct iommufd_guest *guest = iommufd_guest(any);
	struct {
		struct iommufd_abi_vevent_header header;
		unsigned char record[IOMMUFD_EVENT_BYTES];
	} got;
	int fd = iommufd_nest_fd(any);
	ssize_t bytes;

	if (fd < 0)
		return -ENOENT;
	do
		bytes = read(fd, &got, sizeof(got.header) + type->event_bytes);
	while (bytes < 0 && errno == EINTR);
	if (!bytes || (bytes < 0 && errno == EAGAIN))
		return -ENOENT;
	if (bytes < 0)
		return -errno;
	if ((size_t)bytes < sizeof(got.header))
		return -EIO;
	event->bytes = 0;
	event->lost = got.header.sequence != guest->sequence;
	guest->sequence = (got.header.sequence + 1) & INT32_MAX;
	if (got.header.flags & IOMMUFD_ABI_VEVENT_LOST) {
		event->lost = true;
		return 0;
	}
	if ((size_t)bytes != sizeof(got.header) + type->event_bytes)
		return -EIO;
	event->bytes = type->event_bytes;
	memcpy(event->record, got.record, type->event_bytes);
	return 0;
}
