/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Instructions as KVM delivers them: operands are fetched from the vCPU, the exceptions that come
 * before the instruction's own checks are recognised, and the outcome is put back.
 *
 * The order is QEMU's: privileged operation; the DMA address space of STPCIFC; specification; the
 * function's handle and state; access to the FIB; all other checks. An instruction that ends in a
 * program exception changes no register and no memory.
 */
#include "decode.h"
#include "function.h"

static uint64_t general_register(const struct viommu_zpci_vcpu *vcpu, unsigned int n)
{
	return vcpu->get_gr(vcpu->ctx, n);
}

static uint64_t fib_address(const struct viommu_zpci_vcpu *vcpu, const struct zpci_instruction *insn)
{
	return zpci_operand_address(insn, general_register(vcpu, insn->x2), general_register(vcpu, insn->b2), vcpu->get_psw_mask(vcpu->ctx));
}

static bool is_problem_state(const struct viommu_zpci_vcpu *vcpu)
{
	return vcpu->get_psw_mask(vcpu->ctx) & ZPCI_PSW_PROBLEM_STATE;
}

static int interrupt(const struct viommu_zpci_vcpu *vcpu, uint32_t code)
{
	vcpu->program_interrupt(vcpu->ctx, code);
	return 0;
}

/* Failures of read and write: a program exception is the guest's, an errno the VMM's. */
static int access_failed(const struct viommu_zpci_vcpu *vcpu, int ret)
{
	return ret > 0 ? interrupt(vcpu, (uint32_t)ret) : ret;
}

static int finish(const struct viommu_zpci_vcpu *vcpu, const struct zpci_instruction *insn, uint64_t r1, const struct viommu_zpci_answer *answer)
{
	if (answer->exception)
		return interrupt(vcpu, answer->exception);
	if (answer->cc == 1)
		vcpu->set_gr(vcpu->ctx, insn->r1, zpci_r1_with_status(r1, answer->status));
	vcpu->set_cc(vcpu->ctx, answer->cc);
	return 0;
}

static int rpcit(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, const struct zpci_instruction *insn)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	uint64_t r1 = general_register(vcpu, insn->r1);
	int ret;

	if (is_problem_state(vcpu))
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_PRIVILEGED);
	if (insn->r2 & 1)
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_SPECIFICATION);
	ret = viommu_zpci_rpcit(zpci, r1, general_register(vcpu, insn->r2), general_register(vcpu, insn->r2 + 1), &answer);
	return ret ? ret : finish(vcpu, insn, r1, &answer);
}

/*
 * Whether the handle names a function that accepts instructions. It is checked before the FIB is
 * fetched, and again when the instruction is carried out.
 */
static bool is_operational(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function *function = zpci_function_get(zpci, fh);
	bool operational;

	if (!function)
		return false;
	port_lock(&function->lock);
	operational = zpci_state_is_operational(function->state);
	port_unlock(&function->lock);
	zpci_function_put(function);
	return operational;
}

static int mpcifc(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, const struct zpci_instruction *insn)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	uint64_t r1 = general_register(vcpu, insn->r1);
	uint64_t address = fib_address(vcpu, insn);
	uint8_t bytes[VIOMMU_ZPCI_FIB_BYTES] = { 0 };
	struct viommu_zpci_fib fib = { .fmt = 0 };
	int ret;

	/* The VMM carries these out, from the first check on. */
	if (zpci_operation_is_foreign(zpci_r1_operation(r1)))
		return -PORT_EOPNOTSUPP;
	if (is_problem_state(vcpu))
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_PRIVILEGED);
	if (address & 7)
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_SPECIFICATION);
	if (!is_operational(zpci, zpci_r1_handle(r1))) {
		vcpu->set_cc(vcpu->ctx, 3);
		return 0;
	}
	ret = vcpu->read(vcpu->ctx, address, insn->b2, bytes, sizeof(bytes));
	if (ret)
		return access_failed(vcpu, ret);
	fib.fmt = bytes[ZPCI_FIB_FMT];
	fib.fc = bytes[ZPCI_FIB_FC];
	fib.pba = zpci_load_be64(&bytes[ZPCI_FIB_PBA]);
	fib.pal = zpci_load_be64(&bytes[ZPCI_FIB_PAL]);
	fib.iota = zpci_load_be64(&bytes[ZPCI_FIB_IOTA]);
	ret = viommu_zpci_mpcifc(zpci, r1, &fib, &answer);
	return ret ? ret : finish(vcpu, insn, r1, &answer);
}

static int stpcifc(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, const struct zpci_instruction *insn)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	uint64_t old_r1 = general_register(vcpu, insn->r1);
	uint64_t r1 = old_r1;
	uint64_t address = fib_address(vcpu, insn);
	uint8_t bytes[VIOMMU_ZPCI_FIB_BYTES] = { 0 };
	struct viommu_zpci_fib fib;
	int ret;

	if (is_problem_state(vcpu))
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_PRIVILEGED);
	if (!zpci_r1_dma_space(r1) && address & 7)
		return interrupt(vcpu, VIOMMU_ZPCI_PGM_SPECIFICATION);
	ret = viommu_zpci_stpcifc(zpci, &r1, &fib, &answer);
	if (ret)
		return ret;
	if (!answer.exception && !answer.cc) {
		/*
		 * Of an enabled function, the VMM adds its own fields: interrupts and measurement.
		 */
		if (fib.fc & VIOMMU_ZPCI_FC_ENABLED && vcpu->fill_fib)
			vcpu->fill_fib(vcpu->ctx, zpci_r1_handle(r1), bytes);
		bytes[ZPCI_FIB_FMT] = fib.fmt;
		bytes[ZPCI_FIB_FC] |= fib.fc;
		zpci_store_be64(&bytes[ZPCI_FIB_PBA], fib.pba);
		zpci_store_be64(&bytes[ZPCI_FIB_PAL], fib.pal);
		zpci_store_be64(&bytes[ZPCI_FIB_IOTA], fib.iota);
		ret = vcpu->write(vcpu->ctx, address, insn->b2, bytes, sizeof(bytes));
		if (ret)
			return access_failed(vcpu, ret);
		if (r1 != old_r1)
			vcpu->set_gr(vcpu->ctx, insn->r1, r1);
	}
	return finish(vcpu, insn, r1, &answer);
}

int viommu_zpci_intercept(struct viommu_zpci *zpci, const struct viommu_zpci_vcpu *vcpu, uint16_t ipa, uint32_t ipb)
{
	struct zpci_instruction insn = zpci_decode_intercept(ipa, ipb);
	struct viommu_zpci_vcpu known;

	if (!sized_in(&known, sizeof(known), VIOMMU_ZPCI_VCPU_SIZE_V0, vcpu))
		return -PORT_EINVAL;
	switch (insn.opcode) {
	case ZPCI_RPCIT:
		return rpcit(zpci, &known, &insn);
	case ZPCI_MPCIFC:
		return mpcifc(zpci, &known, &insn);
	case ZPCI_STPCIFC:
		return stpcifc(zpci, &known, &insn);
	default:
		return -PORT_EOPNOTSUPP;
	}
}
