/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Error events: what the guest's error notification will tell it, and the state that comes with it.
 */
#ifndef VIOMMU_GUEST_ZPCI_EVENT_H
#define VIOMMU_GUEST_ZPCI_EVENT_H

#include "function.h"

/* The event code that a fault's reason comes to. */
uint32_t zpci_pec(uint32_t reason);

/*
 * With change held, of a function that is ENABLED or BLOCKED: moves it to ERROR, stops its DMA, and notes the event for zpci_event_report(). fault may be
 * NULL. A function that is in another state stays as it is, and there is no event.
 */
void zpci_event_enter_error(struct viommu_zpci_event *event, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, uint32_t access,
			    const struct viommu_fault *fault);

/* Without locks: calls back for an event that was noted; one whose pec is 0 was not. */
void zpci_event_report(const struct viommu_zpci_event *event, const struct viommu_zpci *zpci);

#endif
