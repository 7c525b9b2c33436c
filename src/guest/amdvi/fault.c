/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses that have no translation, and their events (48882, "Event Logging").
 *
 * SA of a device's entry suppresses its IO_PAGE_FAULTs, and SE all but the first one after the
 * entry was read. Where the guest has no memory, or the VM's budget or the host has no room, an
 * access is aborted without an event; so is a store to an interrupt address (interrupt.c).
 */
#include "amdvi.h"

int amdvi_record(struct viommu_amdvi *amdvi, uint32_t device_id, unsigned int code, uint64_t fields, uint64_t address)
{
	const uint64_t event[VIOMMU_AMDVI_EVENT_WORDS] = { VIOMMU_AMDVI_EVENT0(code) | fields | device_id, address };
	struct guest_iommu *iommu = &amdvi->iommu;

	port_lock(&iommu->lock);
	guest_iommu_record(iommu, guest_device_find(iommu, device_id), event);
	port_unlock(&iommu->lock);
	guest_iommu_deliver(iommu);
	return -PORT_EFAULT;
}

static int record(struct guest_device *device, const struct viommu_fault *access, unsigned int code, uint64_t fields, uint64_t address)
{
	if (access->access & VIOMMU_WRITE)
		fields |= VIOMMU_AMDVI_EVENT0_RW;
	return amdvi_record(amdvi_of(device->iommu), guest_device_id(device), code, fields, address);
}

static int page_fault(struct guest_device *guest, uint32_t domain_id, const struct viommu_fault *access, uint64_t flags)
{
	struct viommu_amdvi_device *device = amdvi_device_of(guest);
	bool suppressed;

	port_lock(&guest->iommu->lock);
	suppressed = device->entry.suppress_all || (device->entry.suppress_more && device->reported);
	device->reported = true;
	port_unlock(&guest->iommu->lock);
	return suppressed ? -PORT_EFAULT : record(guest, access, VIOMMU_AMDVI_IO_PAGE_FAULT, VIOMMU_AMDVI_EVENT0_DOMAIN(domain_id) | flags, access->iova);
}

/* Type 0 of an INVALID_DEVICE_REQUEST is a load from an interrupt address. */
static bool is_interrupt(struct guest_device *device, const struct viommu_fault *access)
{
	if (!amdvi_is_interrupt(access->iova))
		return false;
	if (!(access->access & VIOMMU_WRITE))
		record(device, access, VIOMMU_AMDVI_INVALID_DEVICE_REQUEST, 0, access->iova);
	return true;
}

/* The device has target NONE, or DIRECT. 0: that has changed since the access failed. */
static int untranslated(struct guest_device *device, const struct viommu_fault *access, int otherwise)
{
	struct amdvi_entry entry;
	bool enabled;

	port_lock(&device->iommu->lock);
	entry = amdvi_device_of(device)->entry;
	enabled = amdvi_of(device->iommu)->reg[REG_CONTROL] & VIOMMU_AMDVI_CONTROL_IOMMU_EN;
	port_unlock(&device->iommu->lock);
	if (enabled && is_interrupt(device, access))
		return -PORT_EFAULT;
	switch (entry.kind) {
	case VIOMMU_AMDVI_ENTRY_BLOCKED:
		return page_fault(device, entry.domain_id, access, 0);
	case VIOMMU_AMDVI_ENTRY_ILLEGAL:
		return record(device, access, VIOMMU_AMDVI_ILLEGAL_DEV_TABLE_ENTRY, entry.reserved_bits ? VIOMMU_AMDVI_EVENT0_RZ : 0,
			      access->iova & ~UINT64_C(3));
	case VIOMMU_AMDVI_ENTRY_UNREADABLE:
		return record(device, access, VIOMMU_AMDVI_DEV_TAB_HARDWARE_ERROR, VIOMMU_AMDVI_EVENT0_MASTER_ABORT, entry.gpa);
	case VIOMMU_AMDVI_ENTRY_DIRECT:
		if (!entry.prot || access->access & ~entry.prot)
			return page_fault(device, entry.domain_id, access, VIOMMU_AMDVI_EVENT0_PR | VIOMMU_AMDVI_EVENT0_PE);
		return otherwise;
	default:
		return 0;
	}
}

int amdvi_blocked(struct guest_device *device, const struct viommu_fault *access)
{
	return untranslated(device, access, 0);
}

int amdvi_beyond(struct guest_device *device, const struct viommu_fault *access)
{
	return untranslated(device, access, -PORT_EFAULT);
}

int amdvi_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked)
{
	uint32_t domain_id = config->context, next = amdv1_next_level(walked->entry);
	/* Else the level is malformed, or the page size. */
	bool is_reserved = walked->entry & (next == AMDV1_LEAF || next == AMDV1_LEAF_OF_A_SIZE ? AMDV1_LEAF_RESERVED : AMDV1_TABLE_RESERVED);

	if (is_interrupt(device, access) || access->iova - config->key[KEY_EXCLUDED] < config->key[KEY_EXCLUDED_BYTES])
		return -PORT_EFAULT;
	switch (walked->reason) {
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return record(device, access, VIOMMU_AMDVI_PAGE_TAB_HARDWARE_ERROR, VIOMMU_AMDVI_EVENT0_DOMAIN(domain_id) | VIOMMU_AMDVI_EVENT0_MASTER_ABORT,
			      walked->entry_gpa);
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return -PORT_EFAULT;
	case VIOMMU_FAULT_PROTECTION:
		return page_fault(device, domain_id, access, VIOMMU_AMDVI_EVENT0_PR | VIOMMU_AMDVI_EVENT0_PE);
	case VIOMMU_FAULT_ENTRY_TYPE:
		return page_fault(device, domain_id, access, VIOMMU_AMDVI_EVENT0_PR);
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return page_fault(device, domain_id, access, VIOMMU_AMDVI_EVENT0_PR | (is_reserved ? VIOMMU_AMDVI_EVENT0_RZ : 0));
	default:
		return page_fault(device, domain_id, access, 0);
	}
}
