/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * STPCIFC, Store PCI Function Controls: the guest reads back a function's state and registration.
 * It finds the function by the handle's index alone: a guest that lost its handle learns whether
 * the function is enabled.
 *
 * Of the function information block, only the fields of translation are known here; the rest is the
 * VMM's (see viommu_zpci_intercept()).
 */
#include "answer.h"
#include "decode.h"
#include "ioat.h"

#define R1_HANDLE_ENABLED ((uint64_t)VIOMMU_ZPCI_FH_ENABLED << 32)

static void stpcifc(struct viommu_zpci_function *function, uint64_t *r1, struct viommu_zpci_fib *fib, struct zpci_reply *reply)
{
	bool enabled = zpci_r1_handle(*r1) & VIOMMU_ZPCI_FH_ENABLED;

	switch (function->state) {
	case VIOMMU_ZPCI_ENABLED:
		fib->fc = VIOMMU_ZPCI_FC_ENABLED;
		break;
	/* MMIO is allowed again, but DMA is not: the error is not reset yet. */
	case VIOMMU_ZPCI_BLOCKED:
		fib->fc = VIOMMU_ZPCI_FC_ENABLED | VIOMMU_ZPCI_FC_ERROR;
		break;
	case VIOMMU_ZPCI_ERROR:
		fib->fc = VIOMMU_ZPCI_FC_ENABLED | VIOMMU_ZPCI_FC_ERROR | VIOMMU_ZPCI_FC_BLOCKED;
		break;
	case VIOMMU_ZPCI_PERMANENT_ERROR:
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_FUNC_IN_ERR);
		return;
	case VIOMMU_ZPCI_DISABLED:
		zpci_reply_cc(reply, enabled ? 3 : 0);
		return;
	default:
		zpci_reply_cc(reply, 3);
		return;
	}

	if (!enabled)
		*r1 |= R1_HANDLE_ENABLED;
	if (function->ioat) {
		fib->fc |= VIOMMU_ZPCI_FC_DMAAS;
		fib->pba = function->ioat->pba;
		fib->pal = function->ioat->pal;
		fib->iota = function->ioat->iota;
	}
	zpci_reply_cc(reply, 0);
}

int viommu_zpci_stpcifc(struct viommu_zpci *zpci, uint64_t *r1, struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer)
{
	struct viommu_zpci_function *function;
	struct zpci_reply reply;

	if (zpci_reply_init(&reply, answer))
		return -PORT_EINVAL;
	*fib = (struct viommu_zpci_fib){ .fmt = 0 };
	if (zpci_r1_dma_space(*r1)) {
		zpci_reply_status(&reply, VIOMMU_ZPCI_ST_DMAAS_INVAL);
	} else {
		function = zpci_function_get_by_index(zpci, zpci_r1_handle(*r1));
		if (function) {
			port_lock(&function->lock);
			stpcifc(function, r1, fib, &reply);
			port_unlock(&function->lock);
			zpci_function_put(function);
		} else {
			zpci_reply_cc(&reply, 3);
		}
	}
	zpci_reply_deliver(&reply, zpci, answer);
	return 0;
}
