/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The outcome of an instruction: the answer for the guest, and the error event, if there is one.
 * Both are collected while locks are held, and delivered when none is: the event first, so that the
 * guest finds it as soon as it sees the condition code.
 */
#ifndef VIOMMU_GUEST_ZPCI_ANSWER_H
#define VIOMMU_GUEST_ZPCI_ANSWER_H

#include "function.h"

struct zpci_reply {
	struct viommu_zpci_answer answer;
	struct viommu_zpci_event event; /* pec 0: none */
};

/*
 * Before anything is done: -EINVAL if the caller's answer is of no known size. Else 0, and the
 * reply is condition code 0.
 */
int zpci_reply_init(struct zpci_reply *reply, const struct viommu_zpci_answer *answer);

/* Condition code 0 or 3; condition code 1 with a status; a program exception. */
void zpci_reply_cc(struct zpci_reply *reply, uint8_t cc);
void zpci_reply_status(struct zpci_reply *reply, uint8_t status);
void zpci_reply_exception(struct zpci_reply *reply, uint32_t code);

/*
 * Condition code 1 with status 8. With change held, of a function that is ENABLED or BLOCKED: moves
 * it to ERROR, stops its DMA, and adds the event. fault may be NULL.
 */
void zpci_reply_error(struct zpci_reply *reply, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, const struct viommu_fault *fault);

/* Without locks: reports the event and fills in the caller's answer. */
void zpci_reply_deliver(const struct zpci_reply *reply, const struct viommu_zpci *zpci, struct viommu_zpci_answer *answer);

/* The event code of a fault. */
uint32_t zpci_pec(uint32_t reason);

#endif
