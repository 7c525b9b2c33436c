/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interrupt remapping (D51397, chapter 5): where an interrupt request goes. Nothing is cached; an
 * answer is made from the registers and the one entry as they are now.
 */
#include "vtd.h"

struct request {
	uint32_t source_id;
	uint64_t address;
	uint32_t data;
	/* Of its entry, if that was found */
	uint32_t index;
	bool silent; /* FPD */
};

static bool is_source_legal(uint64_t word1, uint32_t source_id)
{
	static const uint8_t ignored[4] = { 0, 4, 6, 7 }; /* bits of the function, by SQ */

	switch (IRTE1_SVT(word1)) {
	case SVT_NONE:
		return true;
	case SVT_SOURCE:
		return !((IRTE1_SID(word1) ^ source_id) & ~(uint32_t)ignored[IRTE1_SQ(word1)]);
	default:
		/* The first and the last bus. */
		return source_id >> 8 >= IRTE1_SID(word1) >> 8 && source_id >> 8 <= (IRTE1_SID(word1) & 0xff);
	}
}

/* The reason why an entry does not remap a request, 0 if it does. */
static uint32_t judge_entry(struct request *request, const uint64_t word[2], bool extended)
{
	request->silent = word[0] & ENTRY_FPD;
	if (!(word[0] & ENTRY_P))
		return VIOMMU_VTD_FR_IR_ABSENT;
	if (word[0] & (IRTE0_RESERVED | (extended ? 0 : IRTE0_RESERVED_XAPIC)) || word[1] & IRTE1_RESERVED || IRTE1_SVT(word[1]) > SVT_BUSES)
		return VIOMMU_VTD_FR_IR_ENTRY_RESERVED;
	return is_source_legal(word[1], request->source_id) ? 0 : VIOMMU_VTD_FR_IR_SOURCE;
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

/* The reason why a request is blocked; 0: *message says where it goes. */
static uint32_t route(struct viommu_vtd *vtd, struct request *request, uint32_t gsts, uint64_t table, struct viommu_vtd_message *message)
{
	bool extended = table & IRTA_EIME;
	uint64_t word[2];
	uint32_t reason;

	*message = (struct viommu_vtd_message){ .route = VIOMMU_VTD_ROUTE_AS_IS, .address = request->address, .data = request->data };
	if (!(gsts & VIOMMU_VTD_GCMD_IRE))
		return 0;
	if (!(request->address & MSI_REMAPPABLE))
		return gsts & VIOMMU_VTD_GCMD_CFI && !extended ? 0 : VIOMMU_VTD_FR_IR_COMPATIBILITY;
	request->index = MSI_HANDLE(request->address);
	if (request->address & MSI_SHV) {
		if (request->data & MSI_DATA_RESERVED)
			return VIOMMU_VTD_FR_IR_RESERVED;
		request->index += request->data;
	}
	if (request->index >= IRTA_ENTRIES(table))
		return VIOMMU_VTD_FR_IR_INDEX;
	if (!guest_memory_load(&vtd->iommu.memory, (table & IRTA_ADDRESS) + (uint64_t)request->index * IRTE_BYTES, word, 2))
		return VIOMMU_VTD_FR_IR_ACCESS;
	reason = judge_entry(request, word, extended);
	if (!reason)
		remap(word[0], extended, message);
	message->index = request->index;
	return reason;
}

static void record(struct viommu_vtd *vtd, const struct request *request, uint32_t reason)
{
	const struct vtd_fault fault = { .source_id = request->source_id, .reason = reason, .info = (uint64_t)request->index << 48, .pasid = VIOMMU_NO_PASID };

	if (request->silent)
		return;
	port_lock(&vtd->iommu.lock);
	vtd_record(vtd, &fault);
	port_unlock(&vtd->iommu.lock);
	guest_iommu_deliver(&vtd->iommu);
}

int viommu_vtd_interrupt(struct viommu_vtd *vtd, uint32_t source_id, uint64_t address, uint32_t data, struct viommu_vtd_message *message)
{
	struct request request = { .source_id = source_id, .address = address, .data = data };
	struct viommu_vtd_message answer;
	uint64_t table;
	uint32_t gsts, reason;

	if (!sized_fits(message, VIOMMU_VTD_MESSAGE_SIZE_V0) || !MSI_ADDRESS(address) || source_id > UINT16_MAX)
		return -PORT_EINVAL;
	port_lock(&vtd->iommu.lock);
	gsts = (uint32_t)vtd->reg[REG_GSTS];
	table = vtd->reg[REG_IRT];
	port_unlock(&vtd->iommu.lock);
	reason = route(vtd, &request, gsts, table, &answer);
	if (reason) {
		answer = (struct viommu_vtd_message){ .route = VIOMMU_VTD_ROUTE_BLOCKED, .reason = reason };
		record(vtd, &request, reason);
	}
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
