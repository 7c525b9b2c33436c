/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupts: where a device's message goes (48882, "Interrupt Remapping Tables"), and the IOMMU's
 * own one. The device's entry and its interrupt table are read for each message.
 */
#include "amdvi.h"

#define MESSAGE_LOGICAL	    UINT64_C(0x4)
#define MESSAGE_TYPE(data)  ((unsigned int)((data) >> 8) & 7u)
#define MESSAGE_TRIGGER	    0xc000u /* level, and asserted */
#define MESSAGE_INDEX(data) ((data)&0x7ffu)
enum { TYPE_LOWEST = 1, TYPE_SMI = 2, TYPE_NMI = 4, TYPE_INIT = 5, TYPE_EXTINT = 7 };

/* A message on its way, and what decides about it. */
struct remap {
	struct viommu_amdvi *amdvi;
	uint32_t device_id;
	const struct viommu_amdvi_message *from;
	uint64_t control;
	uint64_t dte[DTE_WORDS];
};

static struct viommu_amdvi_message compose(uint32_t destination, bool logical, unsigned int type, uint64_t vector)
{
	return (struct viommu_amdvi_message){
		.address = INTERRUPT_FIRST | (uint64_t)(destination & 0xff) << 12 | (uint64_t)(destination >> 8) << 40 | (logical ? MESSAGE_LOGICAL : 0),
		.data = (uint32_t)(vector & 0xff) | type << 8,
	};
}

static int illegal(const struct remap *remap, bool reserved_bits)
{
	return amdvi_record(remap->amdvi, remap->device_id, VIOMMU_AMDVI_ILLEGAL_DEV_TABLE_ENTRY,
			    VIOMMU_AMDVI_EVENT0_I | (reserved_bits ? VIOMMU_AMDVI_EVENT0_RZ : 0), remap->from->address & ~UINT64_C(3));
}

/* IG suppresses page faults. */
static int fault(const struct remap *remap, unsigned int code, uint64_t flags, uint64_t address)
{
	if (code == VIOMMU_AMDVI_IO_PAGE_FAULT && remap->dte[2] & DTE2_IG)
		return -PORT_EFAULT;
	flags |= VIOMMU_AMDVI_EVENT0_I | VIOMMU_AMDVI_EVENT0_DOMAIN(DTE1_DOMAIN_ID(remap->dte[1]));
	return amdvi_record(remap->amdvi, remap->device_id, code, flags, address);
}

static int page_fault(const struct remap *remap, uint64_t flags)
{
	return fault(remap, VIOMMU_AMDVI_IO_PAGE_FAULT, flags, remap->from->address);
}

/* An entry of either size as one of 128 bits. False where there is no memory. */
static bool load(const struct remap *remap, uint64_t irte[2], uint64_t *gpa)
{
	uint64_t table = remap->dte[2] & DTE2_TABLE, index = MESSAGE_INDEX(remap->from->data);

	if (remap->control & VIOMMU_AMDVI_CONTROL_GA_EN) {
		*gpa = table + 16 * index;
		return guest_memory_load(&remap->amdvi->iommu.memory, *gpa, irte, 2);
	}
	*gpa = table + 4 * index;
	if (!guest_memory_load(&remap->amdvi->iommu.memory, *gpa & ~UINT64_C(7), irte, 1))
		return false;
	irte[0] = (uint32_t)(irte[0] >> (index & 1) * 32);
	irte[1] = irte[0] >> IRTE_VECTOR_SHIFT;
	return true;
}

static bool is_malformed(const struct remap *remap, const uint64_t irte[2])
{
	bool reserved = remap->control & VIOMMU_AMDVI_CONTROL_GA_EN ? irte[0] & IRTE_GA0_RESERVED || irte[1] & IRTE_GA1_RESERVED : irte[0] & IRTE_RESERVED;

	return reserved || irte[0] & IRTE_GUEST_MODE || IRTE_INT_TYPE(irte[0]) > TYPE_LOWEST;
}

/* The remapped message of a fixed or arbitrated one. */
static int translate(const struct remap *remap, struct viommu_amdvi_message *to)
{
	uint64_t irte[2], gpa;
	uint32_t destination;

	if (DTE2_INT_TAB_LEN(remap->dte[2]) > INT_TAB_LEN_MOST)
		return illegal(remap, false);
	if (MESSAGE_INDEX(remap->from->data) >> DTE2_INT_TAB_LEN(remap->dte[2]))
		return page_fault(remap, 0);
	if (!load(remap, irte, &gpa))
		return fault(remap, VIOMMU_AMDVI_PAGE_TAB_HARDWARE_ERROR, VIOMMU_AMDVI_EVENT0_MASTER_ABORT, gpa);
	if (!(irte[0] & IRTE_REMAP_EN) || is_malformed(remap, irte)) {
		if (irte[0] & IRTE_SUP_IOPF)
			return -PORT_EFAULT;
		return page_fault(remap, irte[0] & IRTE_REMAP_EN ? VIOMMU_AMDVI_EVENT0_PR | VIOMMU_AMDVI_EVENT0_RZ : 0);
	}
	destination = (uint32_t)(irte[0] >> 8) & 0xff;
	if (remap->control & VIOMMU_AMDVI_CONTROL_GA_EN && remap->control & VIOMMU_AMDVI_CONTROL_XT_EN)
		destination = ((uint32_t)(irte[0] >> 8) & 0xffffff) | (uint32_t)(irte[1] >> 56) << 24;
	*to = compose(destination, irte[0] & IRTE_DM, IRTE_INT_TYPE(irte[0]), irte[1]);
	to->data |= remap->from->data & MESSAGE_TRIGGER;
	return 0;
}

static int pass_if(const struct remap *remap, bool passes, struct viommu_amdvi_message *to)
{
	if (!passes)
		return page_fault(remap, 0);
	*to = *remap->from;
	return 0;
}

/* IV is 1. SMIs always pass. */
static int map(const struct remap *remap, struct viommu_amdvi_message *to)
{
	static const uint64_t passes[8] = { [TYPE_NMI] = DTE2_NMI_PASS, [TYPE_INIT] = DTE2_INIT_PASS, [TYPE_EXTINT] = DTE2_EINT_PASS };
	unsigned int type = MESSAGE_TYPE(remap->from->data), control = DTE2_INT_CTL(remap->dte[2]);

	if (remap->dte[2] & DTE2_RESERVED || remap->dte[3] & DTE3_RESERVED)
		return illegal(remap, true);
	if (type > TYPE_LOWEST)
		return pass_if(remap, type == TYPE_SMI || remap->dte[2] & passes[type], to);
	if (control == INT_CTL_RESERVED)
		return illegal(remap, true);
	return control == INT_CTL_REMAP ? translate(remap, to) : pass_if(remap, control == INT_CTL_FORWARD, to);
}

int viommu_amdvi_interrupt(struct viommu_amdvi *amdvi, uint32_t device_id, const struct viommu_amdvi_message *from, struct viommu_amdvi_message *to)
{
	struct remap remap = { .amdvi = amdvi, .device_id = device_id, .from = from };
	uint64_t base, gpa;

	if (!amdvi_is_interrupt(from->address) || device_id > UINT16_MAX)
		return -PORT_EINVAL;
	port_lock(&amdvi->iommu.lock);
	base = amdvi->reg[REG_DEV_TAB_BASE];
	remap.control = amdvi->reg[REG_CONTROL];
	port_unlock(&amdvi->iommu.lock);
	if (!(remap.control & VIOMMU_AMDVI_CONTROL_IOMMU_EN))
		return pass_if(&remap, true, to);
	if (!amdvi_find_entry(base, device_id, &gpa))
		return page_fault(&remap, 0);
	if (!guest_memory_load(&amdvi->iommu.memory, gpa, remap.dte, DTE_WORDS))
		return fault(&remap, VIOMMU_AMDVI_DEV_TAB_HARDWARE_ERROR, VIOMMU_AMDVI_EVENT0_MASTER_ABORT, gpa);
	return remap.dte[2] & DTE2_IV ? map(&remap, to) : pass_if(&remap, true, to);
}

void amdvi_wired(struct guest_iommu *iommu, unsigned int irq)
{
	struct viommu_amdvi *amdvi = amdvi_of(iommu);
	struct viommu_amdvi_message message;
	uint64_t control, own;

	(void)irq;
	port_lock(&iommu->lock);
	control = amdvi->reg[REG_CONTROL];
	own = amdvi->reg[REG_XT_INTERRUPT];
	port_unlock(&iommu->lock);
	message = compose((uint32_t)(own >> 8 & 0xffffff) | (uint32_t)(own >> 56) << 24, own & MESSAGE_LOGICAL, (unsigned int)(own >> 40) & 1, own >> 32);
	if (amdvi->config.interrupt)
		amdvi->config.interrupt(amdvi->config.ctx, control & VIOMMU_AMDVI_CONTROL_INT_CAP_XT ? &message : NULL);
}
