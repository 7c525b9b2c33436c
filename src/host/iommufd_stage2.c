/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stage beneath a guest's own tables: an IOAS that has each slot at its GPA, an HWPT of it that
 * can be nested upon, the viommu above, and the file that this one's events come from. The IOAS is
 * made with the first space that is the guest's own tables, and the others when the first device is
 * attached to one, since they take a device; all stay as long as the VM does. What holds: where
 * stage2 is not 0 it has every slot, whole, with the slot's rights.
 *
 * A slot that goes is unmapped here first. Linux forgets all that was translated through it before
 * the unmap returns, what came out of a guest's tables included (arm_smmu_tlb_inv_range_domain() in
 * drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c, of a domain that is a nest parent).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd.h"
#include "host/vfio_ioctl.h"

int iommufd_stage2_add(struct iommufd_vm *vm, const struct iommufd_slot *slot)
{
	const struct iommufd_host *host = iommufd_host(vm->vm.host);

	if (!vm->stage2)
		return 0;
	/* The window for the doorbells of interrupts, above all, which the kernel fills. */
	if (!ranges_contain(&host->usable, slot->first, slot->last))
		return -ENOSPC;
	return iommufd_copy(host->fd, slot, vm->ioas, vm->stage2, slot->first);
}

int iommufd_stage2_remove(struct iommufd_vm *vm, uint64_t first, uint64_t last)
{
	uint64_t bytes;

	return vm->stage2 ? iommufd_unmap(iommufd_host(vm->vm.host), vm->stage2, first, last, &bytes) : 0;
}

int iommufd_stage2_make(struct iommufd_vm *vm)
{
	int fd = iommufd_host(vm->vm.host)->fd;
	int error;

	if (vm->stage2)
		return 0;
	error = iommufd_ioas_alloc(fd, &vm->stage2);
	for (size_t i = 0; !error && i < vm->number; i++)
		error = iommufd_stage2_add(vm, &vm->slots[i]);
	if (error) {
		/* With what is in it. */
		iommufd_put(fd, vm->stage2);
		vm->stage2 = 0;
	}
	return error;
}

static void drop_viommu(struct iommufd_vm *vm)
{
	int fd = iommufd_host(vm->vm.host)->fd;

	if (vm->events_fd >= 0)
		close(vm->events_fd);
	vm->events_fd = -1;
	iommufd_put(fd, vm->events);
	iommufd_put(fd, vm->viommu);
	iommufd_put(fd, vm->parent);
	vm->events = vm->viommu = vm->parent = 0;
}

int iommufd_stage2_ready(struct iommufd_vm *vm, const struct iommufd_device *device)
{
	const struct iommufd_host *host = iommufd_host(vm->vm.host);
	int fd = host->fd;
	uint32_t viommu = 0;
	int32_t events_fd = -1;
	int error;

	if (vm->viommu)
		return 0;
	error = iommufd_hwpt_alloc(fd, device->id, vm->stage2, IOMMUFD_ABI_HWPT_NEST_PARENT, &vm->parent);
	if (!error)
		error = iommufd_viommu_alloc(fd, host->nests, device->id, vm->parent, &viommu);
	if (!error)
		error = iommufd_veventq_alloc(fd, host->nests, viommu, &vm->events, &events_fd);
	if (error) {
		iommufd_put(fd, viommu);
		drop_viommu(vm);
		return error;
	}
	/* Readers of these take no lock, so that adding a slot delays no reader. */
	__atomic_store_n(&vm->events_fd, events_fd, __ATOMIC_RELEASE);
	__atomic_store_n(&vm->viommu, viommu, __ATOMIC_RELEASE);
	return 0;
}

void iommufd_stage2_destroy(struct iommufd_vm *vm)
{
	drop_viommu(vm);
	iommufd_put(iommufd_host(vm->vm.host)->fd, vm->stage2);
}

int iommufd_nest_fd(struct host_vm *any)
{
	int fd = __atomic_load_n(&iommufd_vm(any)->events_fd, __ATOMIC_ACQUIRE);

	return fd < 0 ? -ENODEV : fd;
}

/*
 * The kernel writes as many whole events as there is room for. There is room for one; or for a
 * header alone, which says that events were lost, and behind which one would not fit. Events are
 * numbered with 31 bits, those that were lost too.
 */
int iommufd_nest_event(struct host_vm *any, struct host_nest_event *event)
{
	const struct iommufd_nest_type *type = iommufd_host(any->host)->nests;
	struct iommufd_vm *vm = iommufd_vm(any);
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
	event->lost = got.header.sequence != vm->sequence;
	vm->sequence = (got.header.sequence + 1) & INT32_MAX;
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
