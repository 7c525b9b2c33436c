/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How an instruction ended. None of those that are watched branches, so usually the vCPU goes on with the instruction behind it, and the PSW has the
 * condition code. Otherwise an interruption came between, which has stored the PSW as it was (Principles of Operation, "Assigned Storage Locations"
 * and "Interruption Action"): an external, I/O or machine-check interruption after the instruction was carried out, or a program interruption instead
 * of that. Which of them it was is told by where the vCPU is now, compared with the new PSWs.
 */
#include "zpci/outcome.h"

#include "guest/zpci/decode.h"

#define LOWCORE_BYTES	     512u
#define LOWCORE_PROGRAM_CODE 0x8eu

/* Of a program-interruption code: the kind of exception. The rest tells of PER and of transactions. */
#define PROGRAM_CODE 0x007fu

struct psw_pair {
	unsigned int old;
	unsigned int new;
};
static const struct psw_pair program_psw = { 0x150, 0x1d0 };
static const struct psw_pair other_psws[] = { { 0x130, 0x1b0 }, { 0x160, 0x1e0 }, { 0x170, 0x1f0 } };

static uint64_t psw_mask(const uint8_t *lowcore, unsigned int psw)
{
	return zpci_load_be64(lowcore + psw);
}

static uint64_t psw_address(const uint8_t *lowcore, unsigned int psw)
{
	return zpci_load_be64(lowcore + psw + 8);
}

struct outcome outcome_of(struct vcpu *vcpu, uint64_t at, uint64_t next, uint64_t now)
{
	struct outcome outcome = { .kind = OUTCOME_UNKNOWN };
	const uint8_t *lowcore;
	unsigned int i;

	if (now == next) {
		outcome.kind = OUTCOME_DONE;
		outcome.cc = psw_mask_cc(vcpu_psw_mask(vcpu));
		return outcome;
	}
	if (now == at) {
		outcome.kind = OUTCOME_NULLIFIED;
		return outcome;
	}
	lowcore = vcpu_memory(vcpu, 0, LOWCORE_BYTES);
	if (!lowcore)
		return outcome;
	for (i = 0; i < sizeof(other_psws) / sizeof(other_psws[0]); i++) {
		if (now == psw_address(lowcore, other_psws[i].new) && next == psw_address(lowcore, other_psws[i].old)) {
			outcome.kind = OUTCOME_DONE;
			outcome.cc = psw_mask_cc(psw_mask(lowcore, other_psws[i].old));
			return outcome;
		}
	}
	if (now != psw_address(lowcore, program_psw.new))
		return outcome;
	if (at == psw_address(lowcore, program_psw.old)) {
		outcome.kind = OUTCOME_NULLIFIED;
	} else if (next == psw_address(lowcore, program_psw.old)) {
		outcome.kind = OUTCOME_EXCEPTION;
		outcome.exception = (uint16_t)(((unsigned int)lowcore[LOWCORE_PROGRAM_CODE] << 8 | lowcore[LOWCORE_PROGRAM_CODE + 1]) & PROGRAM_CODE);
	}
	return outcome;
}
