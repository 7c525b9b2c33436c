/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Putting an instruction's outcome together, and handing it out.
 */
#include "reply.h"

#include "core/result.h"

int zpci_reply_init(struct zpci_reply *reply, const struct viommu_zpci_answer *answer)
{
	if (answer->size < offsetof(struct viommu_zpci_answer, refresh))
		return -PORT_EINVAL;
	reply->answer.size = sizeof(reply->answer);
	reply->answer.exception = 0;
	reply->answer.cc = 0;
	reply->answer.status = 0;
	refresh_result_init(&reply->answer.refresh);
	/* The rest of an event is written when there is one. */
	reply->event.pec = 0;
	return 0;
}

void zpci_reply_cc(struct zpci_reply *reply, uint8_t cc)
{
	reply->answer.cc = cc;
	reply->answer.status = 0;
}

void zpci_reply_status(struct zpci_reply *reply, uint8_t status)
{
	reply->answer.cc = 1;
	reply->answer.status = status;
}

void zpci_reply_exception(struct zpci_reply *reply, uint32_t code)
{
	reply->answer.exception = code;
}

void zpci_reply_error(struct zpci_reply *reply, struct viommu_zpci_function *function, uint32_t pec, uint64_t faddr, const struct viommu_fault *fault)
{
	zpci_event_enter_error(&reply->event, function, pec, faddr, 0, fault);
	zpci_reply_status(reply, VIOMMU_ZPCI_ST_FUNC_IN_ERR);
}

void zpci_reply_deliver(const struct zpci_reply *reply, const struct viommu_zpci *zpci, struct viommu_zpci_answer *answer)
{
	zpci_event_report(&reply->event, zpci);
	sized_out(answer, &reply->answer, sizeof(reply->answer));
}
