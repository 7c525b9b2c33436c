/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Faults as zPCI's error events, from refreshes and from devices' accesses.
 *
 * What holds: an error event and the state ERROR come together. When the guest learns of the event, DMA has stopped.
 */
#include "event.h"

#include "ioat.h"

uint32_t zpci_pec(uint32_t reason)
{
	switch (reason) {
	case VIOMMU_FAULT_BLOCKED: /* DMA by a function that is enabled, but has registered nothing */
		return VIOMMU_ZPCI_PEC_INVALAS;
	case VIOMMU_FAULT_APERTURE:
		return VIOMMU_ZPCI_PEC_OORANGE;
	/* As in QEMU, DMA to what is not mapped is reported as if protection forbade it. */
	case VIOMMU_FAULT_NOT_PRESENT:
	case VIOMMU_FAULT_PROTECTION:
	case VIOMMU_FAULT_LEAF_UNBACKED:
		return VIOMMU_ZPCI_PEC_TPROTE;
	case VIOMMU_FAULT_ENTRY_TYPE:
		return VIOMMU_ZPCI_PEC_TT;
	case VIOMMU_FAULT_ENTRY_LENGTH:
		return VIOMMU_ZPCI_PEC_INVALTL;
	case VIOMMU_FAULT_ENTRY_FORMAT:
		return VIOMMU_ZPCI_PEC_INVALTF;
	case VIOMMU_FAULT_ENTRY_ZERO:
	case VIOMMU_FAULT_TABLE_UNBACKED:
		return VIOMMU_ZPCI_PEC_INVALTE;
	default:
		return VIOMMU_ZPCI_PEC_SERR;
	}
}

void zpci_event_enter_error(struct viommu_zpci_event *event, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, uint32_t access,
			    const struct viommu_fault *fault)
{
	if (function->state != VIOMMU_ZPCI_ENABLED && function->state != VIOMMU_ZPCI_BLOCKED)
		return;
	zpci_function_set_state(function, VIOMMU_ZPCI_ERROR);
	zpci_ioat_stop(function);

	event->size = sizeof(*event);
	event->fh = function->fh;
	event->fid = function->config.fid;
	event->pec = pec;
	event->faddr = faddr & ~(VIOMMU_PAGE_SIZE - 1);
	event->access = access;
	event->fault = fault ? *fault : (struct viommu_fault){ .reason = VIOMMU_FAULT_NONE };
	event->fault.size = sizeof(event->fault);
}

void zpci_event_report(const struct viommu_zpci_event *event, const struct viommu_zpci *zpci)
{
	if (event->pec && zpci->config.event)
		zpci->config.event(zpci->config.ctx, event);
}

void viommu_zpci_dma_fault(struct viommu_zpci_function *function, const struct viommu_fault *fault)
{
	struct viommu_zpci_event event = { .pec = 0 };
	struct viommu_fault known;

	if (!sized_in(&known, sizeof(known), offsetof(struct viommu_fault, level), fault) || known.reason == VIOMMU_FAULT_NONE)
		return;
	port_lock(&function->change);
	/* In every other state DMA is stopped already: what comes then was under way, or is a device that does not listen. */
	if (function->state == VIOMMU_ZPCI_ENABLED)
		zpci_event_enter_error(&event, function, zpci_pec(known.reason), known.iova, known.access, &known);
	port_unlock(&function->change);
	zpci_event_report(&event, function->zpci);
}
