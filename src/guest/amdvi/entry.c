/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A device's entry of the device table (48882, "Device Table Entry Format"), read and judged, as
 * far as memory is concerned; interrupt.c has the rest of it.
 *
 * Of absent features, HAD, PPR, GPRP, GIoV and GV are reserved, and others ignored. I (IOTLB),
 * IoCtl, Cache, SD and SysMgt are for transactions that a VM's devices do not send.
 */
#include "amdvi.h"

bool amdvi_find_entry(uint64_t base, uint32_t device_id, uint64_t *gpa)
{
	*gpa = (base & AMDV1_ADDRESS) + (uint64_t)device_id * DTE_BYTES;
	return device_id < ((base & DEV_TAB_BASE_SIZE) + 1) * DEV_TAB_ENTRIES_PER_PAGE;
}

/* Addresses in the exclusion range are not translated, if that is enabled for the device. */
static void exclude(const uint64_t *reg, uint64_t dte1, struct guest_config *config)
{
	uint64_t base = reg[REG_EXCLUSION_BASE], first = base & AMDV1_ADDRESS, limit = reg[REG_EXCLUSION_LIMIT];

	if (!(base & VIOMMU_AMDVI_EXCLUSION_EN) || !(base & VIOMMU_AMDVI_EXCLUSION_ALLOW || dte1 & DTE1_EX) || first > limit)
		return;
	config->key[KEY_EXCLUDED] = first;
	config->key[KEY_EXCLUDED_BYTES] = limit - first + VIOMMU_PAGE_SIZE;
}

/* V and TV are 1. */
static void read_valid(const struct viommu_amdvi *amdvi, const uint64_t dte[DTE_WORDS], struct amdvi_entry *entry, struct guest_config *config)
{
	unsigned int mode = amdv1_next_level(dte[0]);

	entry->prot = amdvi_prot(dte[0]);
	if (mode == MODE_RESERVED) {
		entry->kind = VIOMMU_AMDVI_ENTRY_ILLEGAL;
	} else if (mode) {
		entry->kind = VIOMMU_AMDVI_ENTRY_TABLES;
		config->target = GUEST_TARGET_TABLES;
		config->context = entry->domain_id;
		config->key[KEY_ROOT] = dte[0] & (AMDV1_ADDRESS | AMDV1_NEXT_LEVEL | AMDV1_IR | AMDV1_IW);
		exclude(amdvi->reg, dte[1], config);
	} else {
		entry->kind = VIOMMU_AMDVI_ENTRY_DIRECT;
		config->target = entry->prot ? GUEST_TARGET_DIRECT : GUEST_TARGET_NONE;
		config->withheld = VIOMMU_RW & ~entry->prot;
	}
}

static void read_entry(struct viommu_amdvi *amdvi, uint32_t device_id, struct amdvi_entry *entry, struct guest_config *config)
{
	bool found = amdvi_find_entry(amdvi->reg[REG_DEV_TAB_BASE], device_id, &entry->gpa);
	/* As V = 0, where the IOMMU is disabled. */
	uint64_t dte[DTE_WORDS] = { 0 };

	entry->kind = VIOMMU_AMDVI_ENTRY_BLOCKED;
	if (amdvi->reg[REG_CONTROL] & VIOMMU_AMDVI_CONTROL_IOMMU_EN) {
		if (!found)
			return;
		if (!guest_memory_load(&amdvi->iommu.memory, entry->gpa, dte, DTE_WORDS)) {
			entry->kind = VIOMMU_AMDVI_ENTRY_UNREADABLE;
			return;
		}
	}
	if (!(dte[0] & DTE0_V)) {
		config->target = GUEST_TARGET_DIRECT;
		entry->kind = VIOMMU_AMDVI_ENTRY_DIRECT;
		entry->prot = VIOMMU_RW;
		return;
	}
	entry->domain_id = DTE1_DOMAIN_ID(dte[1]);
	entry->suppress_all = dte[1] & DTE1_SA;
	entry->suppress_more = dte[1] & DTE1_SE;
	if (dte[0] & DTE0_RESERVED || dte[1] & DTE1_RESERVED) {
		entry->kind = VIOMMU_AMDVI_ENTRY_ILLEGAL;
		entry->reserved_bits = true;
	} else if (dte[0] & DTE0_TV) {
		read_valid(amdvi, dte, entry, config);
	}
}

void amdvi_configure(struct guest_device *guest)
{
	struct viommu_amdvi_device *device = amdvi_device_of(guest);
	struct amdvi_entry entry = { .reserved_bits = false };
	struct guest_config config = { .target = GUEST_TARGET_NONE };

	read_entry(amdvi_of(guest->iommu), guest_device_id(guest), &entry, &config);
	port_lock(&guest->iommu->lock);
	device->entry = entry;
	device->reported = false;
	guest->config = config;
	port_unlock(&guest->iommu->lock);
}
