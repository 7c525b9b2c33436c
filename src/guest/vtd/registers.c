/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register page (D51397, chapter "Register Descriptions").
 *
 * A store has all its effects before it returns, so that GSTS, CCMD.ICC and IOTLB.IVT never report
 * anything unfinished. Bits that are written with 1 to be cleared, and commands, change nothing by
 * themselves: their effect decides. A store of 64 bits is one to the lower and then one to the
 * upper half.
 */
#include "vtd.h"

/* Conditions that lock bits. */
enum { QUEUE_ENABLED = 1, NO_SCALABLE = 2, NO_REMAPPING = 4 };

enum { EFFECT_NONE, EFFECT_GCMD, EFFECT_CCMD, EFFECT_FSTS, EFFECT_CONTROL, EFFECT_IQT, EFFECT_ICS, EFFECT_IOTLB, EFFECT_FRCD };

#define HIDDEN(n) ((uint32_t)VIOMMU_VTD_BYTES + 8u * (n))

/* A fault recording register: the information, the source ID, and the word with F. */
#define FRCD(n)                                                                                                                                \
	[REG_FRCD + FRCD_ROWS * (n)] = { VIOMMU_VTD_FRCD + 16 * (n), 8, .internal = UINT64_MAX },                                              \
				[REG_FRCD + FRCD_ROWS * (n) + 1] = { VIOMMU_VTD_FRCD + 16 * (n) + 8, 4, .internal = UINT32_MAX },              \
				[REG_FRCD + FRCD_ROWS * (n) + 2] = { VIOMMU_VTD_FRCD + 16 * (n) + 12, 4, .effect = EFFECT_FRCD, .light = true, \
								     .internal = UINT32_MAX }

const struct guest_register vtd_registers[REGISTERS] = {
	[REG_VER] = { VIOMMU_VTD_VER, 4, .reset = VER_1_0 },
	[REG_CAP] = { .offset = VIOMMU_VTD_CAP, .bytes = 8 },
	[REG_ECAP] = { .offset = VIOMMU_VTD_ECAP, .bytes = 8 },
	[REG_GCMD] = { VIOMMU_VTD_GCMD, 4, .effect = EFFECT_GCMD },
	[REG_GSTS] = { VIOMMU_VTD_GSTS, 4, .internal = GCMD_STATES | GCMD_STATES_IR | VIOMMU_VTD_GCMD_SRTP | VIOMMU_VTD_GCMD_SIRTP },
	[REG_RTADDR] = { VIOMMU_VTD_RTADDR, 8, .writable = RTADDR_ALL },
	[REG_CCMD] = { VIOMMU_VTD_CCMD, 8, .effect = EFFECT_CCMD, .writable = CCMD_WRITABLE, .internal = CCMD_CAIG },
	[REG_FSTS] = { VIOMMU_VTD_FSTS, 4, .effect = EFFECT_FSTS, .internal = FSTS_PENDING | FSTS_FRI },
	[REG_FECTL] = { VIOMMU_VTD_FECTL, 4, .effect = EFFECT_CONTROL, .light = true, .reset = EVENT_IM, .writable = EVENT_IM, .internal = EVENT_IP },
	[REG_FEDATA] = { VIOMMU_VTD_FEDATA, 4, .light = true, .writable = UINT32_MAX },
	[REG_FEADDR] = { VIOMMU_VTD_FEADDR, 4, .light = true, .writable = EVENT_ADDRESS },
	[REG_FEUADDR] = { VIOMMU_VTD_FEUADDR, 4, .light = true, .writable = UINT32_MAX },
	[REG_IQH] = { VIOMMU_VTD_IQH, 8, .internal = IQ_INDEX },
	[REG_IQT] = { VIOMMU_VTD_IQT, 8, .effect = EFFECT_IQT, .writable = IQ_INDEX },
	[REG_IQA] = { VIOMMU_VTD_IQA, 8, QUEUE_ENABLED, .writable = ENTRY_ADDRESS | IQA_QS },
	[REG_IQA_DW] = { VIOMMU_VTD_IQA, 8, QUEUE_ENABLED | NO_SCALABLE, .writable = IQA_DW },
	[REG_ICS] = { VIOMMU_VTD_ICS, 4, .effect = EFFECT_ICS, .light = true, .internal = ICS_IWC },
	[REG_IECTL] = { VIOMMU_VTD_IECTL, 4, .effect = EFFECT_CONTROL, .light = true, .reset = EVENT_IM, .writable = EVENT_IM, .internal = EVENT_IP },
	[REG_IEDATA] = { VIOMMU_VTD_IEDATA, 4, .light = true, .writable = UINT32_MAX },
	[REG_IEADDR] = { VIOMMU_VTD_IEADDR, 4, .light = true, .writable = EVENT_ADDRESS },
	[REG_IEUADDR] = { VIOMMU_VTD_IEUADDR, 4, .light = true, .writable = UINT32_MAX },
	[REG_IQERCD] = { VIOMMU_VTD_IQERCD, 8, .internal = IQERCD_IQEI },
	[REG_IRTA] = { VIOMMU_VTD_IRTA, 8, NO_REMAPPING, .light = true, .writable = IRTA_ALL },
	[REG_IVA] = { VIOMMU_VTD_IVA, 8, .writable = IVA_ALL },
	[REG_IOTLB] = { VIOMMU_VTD_IOTLB, 8, .effect = EFFECT_IOTLB, .writable = IOTLB_WRITABLE, .internal = IOTLB_IAIG },
	FRCD(0),
	FRCD(1),
	FRCD(2),
	FRCD(3),
	[REG_ROOT] = { HIDDEN(0), 8, .internal = RTADDR_ALL },
	[REG_IRT] = { HIDDEN(1), 8, .internal = IRTA_ALL },
	[REG_NEXT] = { HIDDEN(2), 8, .internal = VIOMMU_VTD_FRCDS - 1 },
};
_Static_assert(!(VIOMMU_VTD_FRCDS & (VIOMMU_VTD_FRCDS - 1)) && VIOMMU_VTD_FRCDS == 4, "a row for each fault recording register");

/* The registers that do not change: what the unit was created with. */
void vtd_reset(struct guest_iommu *iommu)
{
	struct viommu_vtd *vtd = vtd_of(iommu);
	uint32_t flags = vtd->config.flags, bits = vtd->config.address_bits;
	uint64_t cap = CAP_ND_16BIT | CAP_CM | CAP_MGAW(bits) | CAP_ZLR | CAP_FRO(VIOMMU_VTD_FRCD) | CAP_SSLPS | CAP_PSI | CAP_NFR(VIOMMU_VTD_FRCDS) |
		       CAP_MAMV(MAMV) | CAP_DRAIN | CAP_ESRTPS;
	uint64_t ecap = ECAP_C | ECAP_QI | ECAP_PT | ECAP_SC | ECAP_IRO(VIOMMU_VTD_IVA);

	for (unsigned int aw = 1; 30 + 9 * aw <= bits; aw++)
		cap |= CAP_SAGAW(aw);
	if (flags & VIOMMU_VTD_INTERRUPT_REMAPPING) {
		cap |= CAP_ESIRTPS;
		ecap |= ECAP_IR | ECAP_EIM | ECAP_MHMV;
	}
	if (flags & VIOMMU_VTD_SCALABLE)
		ecap |= ECAP_SMTS | ECAP_SSTS | ECAP_SMPWCS | ECAP_RPS;
	if (flags & VIOMMU_VTD_FIRST_STAGE) {
		cap |= CAP_FS1GP | (bits == 57 ? CAP_FS5LP : 0);
		ecap |= ECAP_FSTS;
	}
	guest_count(&vtd->interrupts);
	vtd->reg[REG_CAP] = cap;
	vtd->reg[REG_ECAP] = ecap;
}

unsigned int vtd_conditions(const struct guest_iommu *iommu)
{
	const struct viommu_vtd *vtd = vtd_of(iommu);

	return (vtd->reg[REG_GSTS] & VIOMMU_VTD_GCMD_QIE ? QUEUE_ENABLED : 0) | (vtd->reg[REG_ECAP] & ECAP_SMTS ? 0 : NO_SCALABLE) |
	       (vtd->reg[REG_ECAP] & ECAP_IR ? 0 : NO_REMAPPING);
}

/* An interrupt that is pending while it is masked is sent when it is unmasked. */
static void send_unmasked(struct viommu_vtd *vtd, unsigned int irq, uint64_t pending)
{
	uint64_t *reg = &vtd->reg[irq == IRQ_FAULT ? REG_FECTL : REG_IECTL];

	*reg |= pending;
	if (*reg & EVENT_IM || !(*reg & EVENT_IP))
		return;
	*reg &= ~EVENT_IP;
	guest_iommu_note(&vtd->iommu, irq);
}

void vtd_event(struct viommu_vtd *vtd, unsigned int irq)
{
	send_unmasked(vtd, irq, EVENT_IP);
}

/* PPF is the OR of all F. An interrupt is not pending any more if all its reasons are cleared. */
static void settle_fault_status(struct viommu_vtd *vtd)
{
	uint64_t pending = 0;

	for (unsigned int i = REG_FRCD + 2; i <= REG_FRCD_END; i += FRCD_ROWS)
		pending |= vtd->reg[i] & FRCD3_F;
	if (!pending)
		vtd->reg[REG_FSTS] &= ~(uint64_t)(VIOMMU_VTD_FSTS_PPF | FSTS_FRI);
	if (!(vtd->reg[REG_FSTS] & FSTS_PENDING))
		vtd->reg[REG_FECTL] &= ~EVENT_IP;
}

static unsigned int store_fault_status(struct viommu_vtd *vtd, uint64_t written)
{
	uint64_t cleared = vtd->reg[REG_FSTS] & written & FSTS_CLEARABLE;

	vtd->reg[REG_FSTS] &= ~cleared;
	settle_fault_status(vtd);
	if (!(cleared & VIOMMU_VTD_FSTS_IQE))
		return 0;
	vtd->reg[REG_IQERCD] = 0;
	return GUEST_CONSUME;
}

/*
 * Global commands. With ESRTPS and ESIRTPS, setting a pointer invalidates what was cached of the
 * structures behind the old one.
 */
static unsigned int store_command(struct viommu_vtd *vtd, uint64_t written)
{
	uint64_t *reg = vtd->reg, states = GCMD_STATES, changed;
	unsigned int work = 0;

	if (reg[REG_ECAP] & ECAP_IR)
		states |= GCMD_STATES_IR;
	changed = (reg[REG_GSTS] ^ written) & states;
	reg[REG_GSTS] ^= changed;
	if (written & VIOMMU_VTD_GCMD_SRTP) {
		reg[REG_ROOT] = reg[REG_RTADDR];
		reg[REG_GSTS] |= VIOMMU_VTD_GCMD_SRTP;
		(void)vtd_invalidate(vtd, VIOMMU_VTD_G_GLOBAL, 0, 0);
		work |= GUEST_CONFIGURE;
	}
	if (written & VIOMMU_VTD_GCMD_SIRTP && reg[REG_ECAP] & ECAP_IR) {
		reg[REG_IRT] = reg[REG_IRTA];
		reg[REG_GSTS] |= VIOMMU_VTD_GCMD_SIRTP;
	}
	guest_count(&vtd->interrupts);
	if (changed & VIOMMU_VTD_GCMD_TE)
		work |= GUEST_CONFIGURE;
	if (changed & VIOMMU_VTD_GCMD_QIE) {
		reg[REG_IQH] = 0;
		work |= GUEST_CONSUME;
	}
	return work;
}

/* The actual granularity is 0 for a reserved one. */
static unsigned int store_context_command(struct viommu_vtd *vtd, uint64_t written)
{
	if (!(written & CCMD_ICC))
		return 0;
	vtd->reg[REG_CCMD] &= ~CCMD_CAIG;
	if (!CCMD_CIRG(written))
		return 0;
	vtd->reg[REG_CCMD] |= CCMD_CAIG_GLOBAL;
	guest_count(&vtd->iommu.counts.configs);
	return GUEST_CONFIGURE;
}

static unsigned int store_iotlb_command(struct viommu_vtd *vtd, uint64_t written)
{
	if (!(written & IOTLB_IVT))
		return 0;
	vtd->reg[REG_IOTLB] &= ~IOTLB_IAIG;
	if (!vtd_invalidate(vtd, IOTLB_IIRG(written), IOTLB_DID(written), vtd->reg[REG_IVA]))
		return 0;
	vtd->reg[REG_IOTLB] |= (uint64_t)IOTLB_IIRG(written) << IOTLB_IAIG_SHIFT;
	return GUEST_SYNC;
}

unsigned int vtd_stored(struct guest_iommu *iommu, const struct guest_store *store)
{
	struct viommu_vtd *vtd = vtd_of(iommu);

	switch (store->effect) {
	case EFFECT_GCMD:
		return store_command(vtd, store->written);
	case EFFECT_CCMD:
		return store_context_command(vtd, store->written);
	case EFFECT_FSTS:
		return store_fault_status(vtd, store->written);
	case EFFECT_CONTROL:
		send_unmasked(vtd, store->row == REG_FECTL ? IRQ_FAULT : IRQ_INVALIDATION, 0);
		return 0;
	case EFFECT_IQT:
		return GUEST_CONSUME;
	case EFFECT_ICS:
		if (store->written & ICS_IWC) {
			vtd->reg[REG_ICS] = 0;
			vtd->reg[REG_IECTL] &= ~EVENT_IP;
		}
		return 0;
	case EFFECT_IOTLB:
		return store_iotlb_command(vtd, store->written);
	case EFFECT_FRCD:
		vtd->reg[store->row] &= ~(store->written & FRCD3_F);
		settle_fault_status(vtd);
		return 0;
	default:
		return 0;
	}
}
