/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The outcome of an instruction: the answer for the guest, and the error event, if there is one.
 * Both are collected while locks are held, and delivered when none is: the event first, so that the
 * guest finds it as soon as it sees the condition code.
 */
#ifndef VIOMMU_GUEST_ZPCI_ANSWER_H
#define VIOMMU_GUEST_ZPCI_ANSWER_H

#include "function.h"

#include "core/result.h"

struct zpci_reply {
	struct viommu_zpci_answer *answer; /* the caller's where it has room for all; else ours */
	struct viommu_zpci_answer ours;
	struct viommu_zpci_event event; /* pec 0: none */
};

/* Reports an event, if it is one. Without locks. */
void zpci_report(const struct viommu_zpci_event *event, const struct viommu_zpci *zpci);

/* Condition code 0. */
static inline void zpci_answer_init(struct viommu_zpci_answer *answer)
{
	answer->exception = 0;
	answer->cc = 0;
	answer->status = 0;
	__builtin_memset(answer->reserved, 0, sizeof(answer->reserved));
}

/*
 * Before anything is done: -EINVAL if the caller's answer is of no known size. Else 0, and the
 * reply is condition code 0. The effects of a refresh are set apart, since a refresh fills them in.
 */
static inline int zpci_reply_begin(struct zpci_reply *reply, struct viommu_zpci_answer *answer)
{
	if (!sized_fits(answer, VIOMMU_ZPCI_ANSWER_SIZE_V0))
		return -PORT_EINVAL;
	if (!sized_fits(answer, sizeof(*answer)))
		answer = &reply->ours;
	reply->answer = answer;
	zpci_answer_init(answer);
	/* The rest of an event is written when there is one. */
	reply->event.pec = 0;
	return 0;
}

static inline int zpci_reply_init(struct zpci_reply *reply, struct viommu_zpci_answer *answer)
{
	int error = zpci_reply_begin(reply, answer);

	if (!error)
		refresh_result_init(&reply->answer->refresh);
	return error;
}

/* Condition code 0 or 3; condition code 1 with a status; a program exception. */
static inline void zpci_reply_cc(struct zpci_reply *reply, uint8_t cc)
{
	reply->answer->cc = cc;
	reply->answer->status = 0;
}

static inline void zpci_reply_status(struct zpci_reply *reply, uint8_t status)
{
	reply->answer->cc = 1;
	reply->answer->status = status;
}

static inline void zpci_reply_exception(struct zpci_reply *reply, uint32_t code)
{
	reply->answer->exception = code;
}

/*
 * Condition code 1 with status 8. With change held, of a function that is ENABLED or BLOCKED: moves
 * it to ERROR, stops its DMA, and adds the event. fault may be NULL.
 */
void zpci_reply_error(struct zpci_reply *reply, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, const struct viommu_fault *fault);

/* Without locks: reports the event and fills in the caller's answer. */
static inline void zpci_reply_deliver(const struct zpci_reply *reply, const struct viommu_zpci *zpci, struct viommu_zpci_answer *answer)
{
	if (reply->event.pec)
		zpci_report(&reply->event, zpci);
	if (reply->answer != answer)
		sized_out(answer, reply->answer, sizeof(*reply->answer));
}

/* The event code of a fault. */
uint32_t zpci_pec(uint32_t reason);

#endif
