/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers, and faults as zPCI's error events.
 *
 * An error event and the state ERROR come together. When the guest is notified, DMA has stopped.
 */
#include "answer.h"

#include "ioat.h"

uint32_t zpci_pec(uint32_t reason)
{
	switch (reason) {
	/* DMA by a function that is enabled, but has registered nothing */
	case VIOMMU_FAULT_BLOCKED:
		return VIOMMU_ZPCI_PEC_INVALAS;
	case VIOMMU_FAULT_APERTURE:
		return VIOMMU_ZPCI_PEC_OORANGE;
	/* As in QEMU, DMA to what is not mapped is reported as a protection error. */
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

/*
 * With change held. A function in another state than ENABLED or BLOCKED stays as it is, and there
 * is no event.
 */
static void enter_error(struct viommu_zpci_event *event, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, uint32_t access,
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
	event->reserved = 0;
	event->ctx = function->config.ctx;
	event->fault = fault ? *fault : (struct viommu_fault){ .reason = VIOMMU_FAULT_NONE };
}

void zpci_report(const struct viommu_zpci_event *event, const struct viommu_zpci *zpci)
{
	if (event->pec && zpci->config.event)
		zpci->config.event(zpci->config.ctx, event);
}

void zpci_reply_error(struct zpci_reply *reply, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, const struct viommu_fault *fault)
{
	enter_error(&reply->event, function, pec, faddr, 0, fault);
	zpci_reply_status(reply, VIOMMU_ZPCI_ST_FUNC_IN_ERR);
}

/*
 * With change held. A translation that is not there does not say why: what is malformed is never
 * established. So the tables are asked, as hardware would meet them.
 */
static void find_reason(const struct viommu_zpci_function *function, struct viommu_fault *fault)
{
	const struct zpci_ioat *ioat = function->ioat;
	struct viommu_fault walked;
	struct viommu_run run;

	if (fault->reason != VIOMMU_FAULT_NOT_PRESENT || !ioat || zpci_ioat_is_dormant(ioat))
		return;
	if (viommu_domain_walk(ioat->domain, fault->iova, &run, &walked) != -PORT_EFAULT || zpci_pec(walked.reason) == zpci_pec(fault->reason))
		return;
	walked.access = fault->access;
	walked.pasid = fault->pasid;
	*fault = walked;
}

int viommu_zpci_dma_fault(struct viommu_zpci_function *function, const struct viommu_fault *fault)
{
	struct viommu_zpci_event event = { .pec = 0 };
	struct viommu_fault known;

	if (!fault || fault->reason == VIOMMU_FAULT_NONE)
		return -PORT_EINVAL;
	known = *fault;
	port_lock(&function->change);
	/*
	 * In every other state DMA is stopped already: the access was in flight, or the device does
	 * not obey.
	 */
	if (function->state == VIOMMU_ZPCI_ENABLED) {
		find_reason(function, &known);
		enter_error(&event, function, zpci_pec(known.reason), known.iova, known.access, &known);
	}
	port_unlock(&function->change);
	zpci_report(&event, function->zpci);
	return 0;
}
