/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's view in docs/zpci.md, as a model independent of the library: instructions decoded
 * from their six bytes, functions by their states, answers in the document's order of conditions.
 * It keeps no translations: the naive walk has those.
 */
#ifndef FUZZ_ZPCI_MODEL_H
#define FUZZ_ZPCI_MODEL_H

#include <viommu/zpci.h>

#include "model.h"

#define FUNCTIONS 2

enum model_opcode { MODEL_FOREIGN, MODEL_RPCIT, MODEL_MPCIFC, MODEL_STPCIFC };

struct model_instruction {
	enum model_opcode opcode;
	unsigned int r1, r2;
	uint64_t address; /* of the second operand, MPCIFC and STPCIFC */
};

struct model_function {
	bool plugged;
	uint32_t fh, fid;
	unsigned int state; /* enum viommu_zpci_state */
	uint64_t sdma, edma, msia;
	bool relaxed, ism;
	bool registered;
	uint64_t pba, pal, iota; /* as registered */
};

struct model_bus {
	bool qemu;
	bool tight; /* memory or budget may be short: status 16 is allowed */
	struct model_function function[FUNCTIONS];
};

/* The expected outcome of an instruction. */
struct model_outcome {
	uint32_t exception;
	unsigned int cc, status;
	bool may_be_short; /* or cc 1, status 16 */
	uint32_t pec;	   /* of the event, 0: none */
	uint64_t faddr;
	struct model_function *refreshed; /* over first..last */
	uint64_t first, last;
};

struct model_instruction model_decode(uint16_t ipa, uint32_t ipb, const uint64_t gr[16], uint64_t psw_mask);

bool model_is_operational(const struct model_function *function);
struct model_function *model_by_handle(struct model_bus *bus, uint32_t fh);
struct model_function *model_by_index(struct model_bus *bus, uint32_t fh);
bool model_is_foreign_operation(uint64_t r1);

/*
 * These change the model like the instruction; the caller adds malformed tables of a refresh with
 * model_fail().
 */
struct model_outcome model_rpcit(struct model_bus *bus, uint64_t r1, uint64_t start, uint64_t bytes);
struct model_outcome model_mpcifc(struct model_bus *bus, uint64_t r1, unsigned int fmt, uint64_t pba, uint64_t pal, uint64_t iota);
/* fib: PBA, PAL, IOTA and FC that are stored with cc 0; *r1 is its expected value then. */
struct model_outcome model_stpcifc(struct model_bus *bus, uint64_t *r1, struct viommu_zpci_fib *fib);

/* The function enters the error state, which its guest learns by an event. */
void model_fail(struct model_function *function);

/* The event code for the outcome of a walk. */
uint32_t model_pec(enum naive_outcome outcome);

struct naive_tables model_tables(const struct model_bus *bus, const struct model_function *function);

#endif
