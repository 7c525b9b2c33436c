/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupt remapping (D51397, chapter 5): where an interrupt request goes. Nothing is cached; an
 * answer is made from the registers and the one entry as they are now.
 */
#include "vtd.h"

/* Any source, one of which SQ says how many bits of its function count, or those of some buses. */
static bool is_source_legal(uint64_t word1, uint32_t source_id)
{
	static const uint8_t ignored[4] = { 0, 4, 6, 7 };
	uint32_t sid = IRTE1_SID(word1), bus = source_id >> 8;

	if (IRTE1_SVT(word1) == SVT_SOURCE)
		return !((sid ^ source_id) & ~(uint32_t)ignored[IRTE1_SQ(word1)]);
	return IRTE1_SVT(word1) == SVT_NONE || (bus >= sid >> 8 && bus <= (sid & 0xff));
}

/* The reason why an entry does not remap a request, 0 if it does. */
static uint32_t judge_entry(const uint64_t word[2], uint32_t source_id, bool extended)
{
	if (!(word[0] & ENTRY_P))
		return VIOMMU_VTD_FR_IR_ABSENT;
	if (word[0] & (IRTE0_RESERVED | (extended ? 0 : IRTE0_RESERVED_XAPIC)) || word[1] & IRTE1_RESERVED || IRTE1_SVT(word[1]) > SVT_BUSES)
		return VIOMMU_VTD_FR_IR_ENTRY_RESERVED;
	return is_source_legal(word[1], source_id) ? 0 : VIOMMU_VTD_FR_IR_SOURCE;
}

static void remap(uint64_t word, bool extended, struct viommu_vtd_message *message)
{
	uint32_t destination = extended ? IRTE0_DESTINATION(word) : IRTE0_DESTINATION_XAPIC(word);

	message->route = VIOMMU_VTD_ROUTE_REMAPPED;
	message->destination = destination;
	message->address = INTERRUPT_FIRST | (uint64_t)(destination >> 8) << 40 | (destination & 0xff) << 12 | IRTE0_RH(word) << 3 | IRTE0_DM(word) << 2;
	/* A level-triggered interrupt is one whose level is asserted. */
	message->data = IRTE0_VECTOR(word) | IRTE0_DLM(word) << 8 | (IRTE0_TM(word) ? 3u << 14 : 0);
}

/* The reason why a request is blocked, 0 if it is not. silent: FPD of its entry. */
static uint32_t route(struct viommu_vtd *vtd, uint32_t source_id, struct viommu_vtd_message *message, bool *silent)
{
	uint64_t word[2], table;
	uint32_t gsts, reason;
	bool extended;

	port_lock(&vtd->iommu.lock);
	gsts = (uint32_t)vtd->reg[REG_GSTS];
	table = vtd->reg[REG_IRT];
	port_unlock(&vtd->iommu.lock);
	extended = table & IRTA_EIME;
	if (!(gsts & VIOMMU_VTD_GCMD_IRE))
		return 0;
	if (!(message->address & MSI_REMAPPABLE))
		return gsts & VIOMMU_VTD_GCMD_CFI && !extended ? 0 : VIOMMU_VTD_FR_IR_COMPATIBILITY;
	message->index = MSI_HANDLE(message->address);
	if (message->address & MSI_SHV && message->data & MSI_DATA_RESERVED)
		return VIOMMU_VTD_FR_IR_RESERVED;
	if (message->address & MSI_SHV)
		message->index += message->data;
	if (message->index >= IRTA_ENTRIES(table))
		return VIOMMU_VTD_FR_IR_INDEX;
	if (!guest_memory_load(&vtd->iommu.memory, (table & ENTRY_ADDRESS) + (uint64_t)message->index * IRTE_BYTES, word, 2))
		return VIOMMU_VTD_FR_IR_ACCESS;
	*silent = word[0] & ENTRY_FPD;
	reason = judge_entry(word, source_id, extended);
	if (!reason)
		remap(word[0], extended, message);
	return reason;
}

int viommu_vtd_interrupt(struct viommu_vtd *vtd, uint32_t source_id, uint64_t address, uint32_t data, struct viommu_vtd_message *message)
{
	struct viommu_vtd_message answer = { .route = VIOMMU_VTD_ROUTE_AS_IS, .address = address, .data = data };
	bool silent = false;
	uint32_t reason;

	if (!sized_fits(message, VIOMMU_VTD_MESSAGE_SIZE_V0) || !MSI_ADDRESS(address) || source_id > UINT16_MAX)
		return -PORT_EINVAL;
	reason = route(vtd, source_id, &answer, &silent);
	if (reason && !silent) {
		port_lock(&vtd->iommu.lock);
		vtd_record(vtd, (const uint64_t[FRCD_ROWS]){ (uint64_t)answer.index << 48, FRCD2_SID(source_id), reason });
		port_unlock(&vtd->iommu.lock);
		guest_iommu_deliver(&vtd->iommu);
	}
	if (reason)
		answer = (struct viommu_vtd_message){ .route = VIOMMU_VTD_ROUTE_BLOCKED, .reason = reason };
	sized_out(message, &answer, sizeof(answer));
	return reason ? -PORT_EFAULT : 0;
}

const char *viommu_vtd_route_name(uint32_t route)
{
	static const char *const names[] = {
		[VIOMMU_VTD_ROUTE_BLOCKED] = "blocked",
		[VIOMMU_VTD_ROUTE_AS_IS] = "as it is",
		[VIOMMU_VTD_ROUTE_REMAPPED] = "remapped",
	};

	return route < sizeof(names) / sizeof(names[0]) ? names[route] : "unknown";
}
