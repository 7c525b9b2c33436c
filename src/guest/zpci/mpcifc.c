/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * MPCIFC, Modify PCI Function Controls, as far as it concerns translation: register, deregister and
 * re-register I/O address translation parameters, and leave the error state. All of it happens with
 * the function's change lock held: an operation that has returned is complete.
 *
 * A registration synchronises the whole table, as a guest may register a table that is already full
 * and never refresh it (Linux does so after a hot reset). On a shortage nothing is registered. A
 * malformed table does not prevent a registration, for the guest may complete it later: what is
 * malformed reaches nothing, and is an error when it is refreshed.
 *
 * In ERROR and BLOCKED all operations are accepted, but no DMA is possible before RESET ERROR.
 */
#include "answer.h"
#include "decode.h"
#include "guest/common/shortage.h"
#include "ioat.h"

/* Answers a registration that failed. */
static void answer_failure(struct viommu_zpci_function *function, int ret, struct zpci_reply *reply)
{
	switch (ret) {
	case -PORT_EINVAL:
		zpci_reply_exception(reply, VIOMMU_ZPCI_PGM_OPERAND);
		break;
	/*
	 * Beyond the host's aperture the host cannot translate: a shortage, and not the guest's
	 * mistake.
	 */
	case -PORT_ERANGE:
	case -PORT_EDQUOT:
	case -PORT_ENOMEM:
	case -PORT_ENOSPC:
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_INSUF_RES);
		break;
	default:
		zpci_reply_error(reply, function, VIOMMU_ZPCI_PEC_SERR, 0, NULL);
		break;
	}
}

/* Publishes a registration in the place of the old one. */
static void install(struct viommu_zpci_function *function, struct zpci_ioat *ioat, struct zpci_reply *reply)
{
	int error;

	zpci_ioat_destroy(zpci_function_set_ioat(function, ioat));
	if (function->state != VIOMMU_ZPCI_ENABLED)
		return;
	error = zpci_ioat_start(function);
	if (error) {
		zpci_function_drop_ioat(function);
		answer_failure(function, error, reply);
	}
}

static void register_ioat(struct viommu_zpci_function *function, const struct viommu_zpci_fib *fib, bool replace, struct zpci_reply *reply)
{
	struct viommu_refresh_result *result = &reply->answer->refresh;
	uint64_t pba = fib->pba & ~(VIOMMU_PAGE_SIZE - 1);
	uint64_t pal = fib->pal | (VIOMMU_PAGE_SIZE - 1);
	struct zpci_ioat *ioat;
	int ret;

	/* QEMU drops the old registration before it judges the new one. */
	if (replace && zpci_is_qemu(function->zpci))
		zpci_function_drop_ioat(function);
	if (!zpci_ioat_is_acceptable(function, pba, pal, fib->iota)) {
		zpci_reply_exception(reply, VIOMMU_ZPCI_PGM_OPERAND);
		return;
	}
	ret = zpci_ioat_create(function, pba, pal, fib->iota, result, &ioat);
	/*
	 * A page that both name is charged once while both exist. Still, the two may not fit side
	 * by side.
	 */
	if (guest_is_shortage(ret) && function->ioat) {
		zpci_function_drop_ioat(function);
		ret = zpci_ioat_create(function, pba, pal, fib->iota, result, &ioat);
	}
	if (ret)
		answer_failure(function, ret, reply);
	else
		install(function, ioat, reply);
}

static void reset_error(struct viommu_zpci_function *function, struct zpci_reply *reply)
{
	if (function->state != VIOMMU_ZPCI_ERROR && function->state != VIOMMU_ZPCI_BLOCKED)
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_SEQUENCE);
	else if (zpci_ioat_start(function))
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_ERROR_RECOVER);
	else
		zpci_function_set_state(function, VIOMMU_ZPCI_ENABLED);
}

static void reset_block(struct viommu_zpci_function *function, struct zpci_reply *reply)
{
	if (function->state != VIOMMU_ZPCI_ERROR)
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_SEQUENCE);
	else
		zpci_function_set_state(function, VIOMMU_ZPCI_BLOCKED);
}

/* The operations on the registration, of which a function has one: DMA address space 0. */
static void modify_ioat(struct viommu_zpci_function *function, uint64_t r1, const struct viommu_zpci_fib *fib, struct zpci_reply *reply)
{
	uint8_t operation = zpci_r1_operation(r1);

	if (zpci_r1_dma_space(r1))
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_DMAAS_INVAL);
	else if ((operation == VIOMMU_ZPCI_OC_REG_IOAT) == (function->ioat != NULL))
		zpci_reply_status(reply, VIOMMU_ZPCI_ST_SEQUENCE);
	else if (operation == VIOMMU_ZPCI_OC_DEREG_IOAT)
		zpci_function_drop_ioat(function);
	else
		register_ioat(function, fib, operation == VIOMMU_ZPCI_OC_REREG_IOAT, reply);
}

static void mpcifc(struct viommu_zpci_function *function, uint64_t r1, const struct viommu_zpci_fib *fib, struct zpci_reply *reply)
{
	if (function->fh != zpci_r1_handle(r1) || !zpci_state_is_operational(function->state)) {
		zpci_reply_cc(reply, 3);
		return;
	}
	if (fib->fmt) {
		zpci_reply_exception(reply, VIOMMU_ZPCI_PGM_OPERAND);
		return;
	}
	switch (zpci_r1_operation(r1)) {
	case VIOMMU_ZPCI_OC_REG_IOAT:
	case VIOMMU_ZPCI_OC_DEREG_IOAT:
	case VIOMMU_ZPCI_OC_REREG_IOAT:
		modify_ioat(function, r1, fib, reply);
		break;
	case VIOMMU_ZPCI_OC_RESET_ERROR:
		reset_error(function, reply);
		break;
	case VIOMMU_ZPCI_OC_RESET_BLOCK:
		reset_block(function, reply);
		break;
	default:
		zpci_reply_exception(reply, VIOMMU_ZPCI_PGM_OPERAND);
		break;
	}
}

int viommu_zpci_mpcifc(struct viommu_zpci *zpci, uint64_t r1, const struct viommu_zpci_fib *fib, struct viommu_zpci_answer *answer)
{
	struct viommu_zpci_function *function;
	struct zpci_reply reply;

	if (zpci_operation_is_foreign(zpci_r1_operation(r1)))
		return -PORT_EOPNOTSUPP;
	if (zpci_reply_init(&reply, answer))
		return -PORT_EINVAL;
	function = zpci_function_get(zpci, zpci_r1_handle(r1));
	if (function) {
		port_lock(&function->change);
		mpcifc(function, r1, fib, &reply);
		port_unlock(&function->change);
		zpci_function_put(function);
	} else {
		zpci_reply_cc(&reply, 3);
	}
	zpci_reply_deliver(&reply, zpci, answer);
	return 0;
}
