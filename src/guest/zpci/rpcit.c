/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RPCIT, Refresh PCI Translations: the guest has changed its tables for a range of IOVAs, and wants
 * the translation to follow.
 *
 * Condition code 0 means that the range is true to the tables, and that what they no longer name
 * has left the host. On a shortage the answer is condition code 1, status 16, and the guest makes
 * room: it refreshes everything, and tries again. Any other failure moves the function to ERROR.
 *
 * An RPCIT is judged under the function's lock. The common one, with a domain to refresh, then
 * works without locks but the lane of the gate. All others change the function's state, and are
 * judged again under `change`. So is a refresh that failed: if the guest has changed the function
 * from another CPU meanwhile, it is answered as if the RPCIT had come after that.
 */
#include "answer.h"
#include "decode.h"
#include "ioat.h"

struct request {
	uint32_t fh;
	uint64_t start; /* as in the instruction */
	uint64_t bytes;
	uint64_t first; /* the part of it that is registered, in whole pages */
	uint64_t last;
};

/* How a request is to be answered. */
enum verdict {
	NO_FUNCTION, /* none with this handle accepts instructions */
	IN_ERROR,
	NOTHING, /* is to be done */
	REFRESH, /* the domain */
	OUTSIDE, /* no IOVA of the range is registered */
	NO_IOAT, /* nothing is registered */
};

/* With the function's lock or with change held. */
static inline enum verdict judge_function(const struct viommu_zpci_function *function, const struct request *request)
{
	if (function->fh != request->fh || !zpci_state_is_operational(function->state))
		return NO_FUNCTION;
	return function->state == VIOMMU_ZPCI_ERROR ? IN_ERROR : REFRESH;
}

/*
 * Rounds the range outward and clips it to the registration. False if nothing is left, or if it
 * goes past the end of all addresses.
 */
static inline bool clip(struct request *request, const struct zpci_ioat *ioat)
{
	uint64_t last = request->start + (request->bytes - 1);

	if (last < request->start || last < ioat->pba || request->start > ioat->pal)
		return false;
	request->first = request->start & ~(VIOMMU_PAGE_SIZE - 1);
	request->last = last | (VIOMMU_PAGE_SIZE - 1);
	if (request->first < ioat->pba)
		request->first = ioat->pba;
	if (request->last > ioat->pal)
		request->last = ioat->pal;
	return true;
}

static inline enum verdict judge(const struct viommu_zpci_function *function, struct request *request)
{
	const struct zpci_ioat *ioat = function->ioat;
	enum verdict verdict = judge_function(function, request);

	if (verdict != REFRESH)
		return verdict;
	if (!request->bytes)
		return NOTHING;
	if (!ioat)
		return NO_IOAT;
	/* Without tables there is nothing to refresh. QEMU takes that for no registration. */
	if (!zpci_iota_translates(ioat->iota))
		return zpci_is_qemu(function->zpci) ? NO_IOAT : NOTHING;
	if (!clip(request, ioat))
		return OUTSIDE;
	/* A dormant registration reaches nothing; its domain is made from the tables later. */
	return zpci_ioat_is_dormant(ioat) ? NOTHING : REFRESH;
}

/* True if that is all. */
static bool answer_verdict(enum verdict verdict, struct zpci_reply *reply)
{
	switch (verdict) {
	case NO_FUNCTION:
		zpci_reply_cc(reply, 3);
		return true;
	case IN_ERROR:
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_ERROR_RECOVER);
		return true;
	case NOTHING:
		zpci_reply_cc(reply, 0);
		return true;
	default:
		return false;
	}
}

/* With change held: answers a refresh of a function that is ENABLED or BLOCKED. */
static void answer_refresh(struct viommu_zpci_function *function, const struct request *request, int ret, struct zpci_reply *reply)
{
	const struct viommu_fault *fault = &reply->answer->refresh.fault;

	switch (ret) {
	case 0:
		zpci_reply_cc(reply, 0);
		return;
	case -PORT_ENOSPC:
	case -PORT_ENOMEM:
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_INSUF_RES);
		return;
	case -PORT_EFAULT:
		zpci_reply_error(reply, function, zpci_pec(fault->reason), fault->iova, fault);
		return;
	default:
		zpci_reply_error(reply, function, VIOMMU_ZPCI_PEC_SERR, request->start, NULL);
		return;
	}
}

/* With change held: a request that changes the function, or did so when it was judged before. */
static void rpcit_changing(struct viommu_zpci_function *function, struct request *request, struct zpci_reply *reply)
{
	struct viommu_refresh_result *result = &reply->answer->refresh;
	enum verdict verdict = judge(function, request);
	int ret;

	if (answer_verdict(verdict, reply))
		return;
	switch (verdict) {
	case OUTSIDE:
		zpci_reply_error(reply, function, VIOMMU_ZPCI_PEC_OORANGE, request->start, NULL);
		break;
	case NO_IOAT:
		zpci_reply_error(reply, function, VIOMMU_ZPCI_PEC_INVALAS, request->start, NULL);
		break;
	default:
		ret = viommu_domain_refresh(function->ioat->domain, request->first, request->last, result);
		answer_refresh(function, request, ret, reply);
		break;
	}
}

/* All but refreshes that succeeded. ret: of one that failed, else 0. */
static void answer_changing(struct viommu_zpci *zpci, struct request *request, enum verdict verdict, int ret, struct zpci_reply *reply)
{
	struct viommu_zpci_function *function;

	if (answer_verdict(verdict, reply))
		return;
	function = zpci_function_get(zpci, request->fh);
	if (!function) {
		zpci_reply_cc(reply, 3);
		return;
	}
	port_lock(&function->change);
	if (!ret)
		rpcit_changing(function, request, reply);
	else if (!answer_verdict(judge_function(function, request), reply))
		answer_refresh(function, request, ret, reply);
	port_unlock(&function->change);
	zpci_function_put(function);
}

/* The same. What there is to say besides condition code 0 is said here. */
static port_noinline void answer_rpcit(struct viommu_zpci *zpci, uint32_t fh, uint64_t start, uint64_t bytes, enum verdict verdict, int ret,
				       struct viommu_zpci_answer *answer)
{
	struct request request = { .fh = fh, .start = start, .bytes = bytes };
	struct zpci_reply reply;

	(void)zpci_reply_begin(&reply, answer);
	if (verdict != REFRESH)
		refresh_result_init(&answer->refresh);
	answer_changing(zpci, &request, verdict, ret, &reply);
	zpci_reply_deliver(&reply, zpci, answer);
}

/* The caller was compiled with an answer that has less. */
static port_noinline int rpcit_in_short(struct viommu_zpci *zpci, uint64_t r1, uint64_t start, uint64_t bytes, struct viommu_zpci_answer *answer)
{
	struct viommu_zpci_answer whole = { .size = sizeof(whole) };

	if (!sized_fits(answer, VIOMMU_ZPCI_ANSWER_SIZE_V0))
		return -PORT_EINVAL;
	(void)viommu_zpci_rpcit(zpci, r1, start, bytes, &whole);
	sized_out(answer, &whole, sizeof(whole));
	return 0;
}

int viommu_zpci_rpcit(struct viommu_zpci *zpci, uint64_t r1, uint64_t start, uint64_t bytes, struct viommu_zpci_answer *answer)
{
	struct request request = { .fh = zpci_r1_handle(r1), .start = start, .bytes = bytes };
	struct viommu_zpci_function *function;
	enum verdict verdict = NO_FUNCTION;
	struct viommu_domain *domain;
	struct guest_lane *lane;
	int ret = 0;

	if (!sized_fits(answer, sizeof(*answer)))
		return rpcit_in_short(zpci, r1, start, bytes, answer);
	function = zpci_function_lock(zpci, request.fh);
	if (function) {
		verdict = judge(function, &request);
		if (verdict == REFRESH) {
			domain = function->ioat->domain;
			lane = guest_gate_enter(&function->ioat->gate);
		}
		port_unlock(&function->lock);
	}
	if (verdict == REFRESH) {
		port_lock(&lane->lock);
		ret = viommu_domain_refresh(domain, request.first, request.last, &answer->refresh);
		port_unlock(&lane->lock);
		guest_gate_leave(lane);
	}
	zpci_answer_init(answer);
	if (verdict != REFRESH || ret)
		answer_rpcit(zpci, request.fh, start, bytes, verdict, ret, answer);
	return 0;
}
