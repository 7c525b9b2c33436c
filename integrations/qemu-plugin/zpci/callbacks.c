/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An s390x guest: QEMU's callbacks, translated to calls of observe.h.
 *
 * When QEMU translates a block of guest code, a callback is inserted before each watched
 * instruction. The instruction's result is visible only before the next instruction of the vCPU,
 * which is in another block, and after an interruption at an unexpected address. So every block
 * starts with a callback too, which runs only if a flag of that vCPU is set. Translated code tests
 * the flag itself, at the cost of a load and a branch.
 *
 * Callbacks run in the vCPUs' threads, without QEMU's lock. Only a vCPU's own thread uses its
 * state.
 */
#include <stdio.h>
#include <stdlib.h>

#include <viommu/zpci.h>

#include "guest/zpci/decode.h"
#include "timing.h"
#include "zpci/check.h"
#include "zpci/observe.h"

/* CLP (b9a0, RRF), which the library does not decode: the library takes its operands. */
#define OPCODE_CLP 0xb9a0u

/* A vCPU, and the operation that it is in. */
struct watched_vcpu {
	struct vcpu vcpu;
	bool usable;
	struct operation operation;
	bool in;       /* it is in that operation */
	uint64_t at;   /* the instruction's address */
	uint64_t next; /* of the next one */
	struct zpci_instruction instruction;
	uint64_t block;	      /* of CLP: address of the request; 0: another instruction */
	uint64_t watch_ticks; /* ticks spent in before() and in the preceding after() */
	uint64_t left;	      /* ticks when it returned */
};

static struct {
	struct watched_vcpu *vcpus;
	unsigned int vcpu_count;
	struct plugin_u64 flag; /* not 0 while the vCPU is in an operation */
} plugin;

static void after(unsigned int index, void *data);

/* The kind of operation of an instruction; 0: it is not watched. Of CLP only r1 and r2 are set. */
static enum capture_kind decode(const uint8_t *code, size_t bytes, struct zpci_instruction *instruction)
{
	*instruction = zpci_decode_bytes(code, bytes);
	if (instruction->opcode == ZPCI_RPCIT)
		return CAPTURE_RPCIT;
	if (instruction->opcode == ZPCI_MPCIFC)
		return CAPTURE_MPCIFC;
	if (bytes < 4 || (code[0] << 8 | code[1]) != OPCODE_CLP)
		return 0;
	instruction->r1 = code[3] >> 4;
	instruction->r2 = code[3] & 0xf;
	return CAPTURE_CLP;
}

/*
 * Reads the operands. false if they cannot be read, or the operation does not concern translation.
 */
static bool get_operands(struct watched_vcpu *watched, struct capture_record *record)
{
	const struct zpci_instruction *instruction = &watched->instruction;
	uint64_t r1 = vcpu_gr(&watched->vcpu, instruction->r1), address;
	struct vcpu *vcpu = &watched->vcpu;
	const uint8_t *fib;

	watched->block = 0;
	switch (record->kind) {
	case CAPTURE_RPCIT:
		record->rpcit.fh = zpci_r1_handle(r1);
		record->rpcit.start = vcpu_gr(vcpu, instruction->r2);
		/* An odd R2 is a specification exception. */
		record->rpcit.bytes = vcpu_gr(vcpu, instruction->r2 | 1);
		return true;
	case CAPTURE_MPCIFC:
		address = zpci_operand_address(instruction, vcpu_gr(vcpu, instruction->x2), vcpu_gr(vcpu, instruction->b2), vcpu_psw_mask(vcpu));
		fib = vcpu_memory(vcpu, address, VIOMMU_ZPCI_FIB_BYTES);
		if (!fib || zpci_operation_is_foreign(zpci_r1_operation(r1)))
			return false;
		record->mpcifc = (struct capture_mpcifc){
			.fh = zpci_r1_handle(r1),
			.oc = zpci_r1_operation(r1),
			.dmaas = zpci_r1_dma_space(r1),
			.fmt = fib[ZPCI_FIB_FMT],
			.pba = zpci_load_be64(fib + ZPCI_FIB_PBA),
			.pal = zpci_load_be64(fib + ZPCI_FIB_PAL),
			.iota = zpci_load_be64(fib + ZPCI_FIB_IOTA),
		};
		return true;
	default:
		watched->block = vcpu_gr(vcpu, instruction->r2);
		return true;
	}
}

/* Before a watched instruction, at the address in data. */
static void before(unsigned int index, void *data)
{
	struct watched_vcpu *vcpu = index < plugin.vcpu_count ? &plugin.vcpus[index] : NULL;
	struct capture_record *record;
	uint64_t entered = timing_ticks();
	const uint8_t *code;

	if (!vcpu || !vcpu->usable)
		return;
	/* Two in a row without a block in between: the first ends where the second begins. */
	if (vcpu->in)
		after(index, data);
	record = &vcpu->operation.record;
	*record = (struct capture_record){ .kind = 0 };
	vcpu->at = (uintptr_t)data;
	code = vcpu_memory(&vcpu->vcpu, vcpu->at, 4);
	/* The first two bits of an instruction determine its length. */
	vcpu->next = vcpu->at + (code && code[0] >= 0xc0 ? 6 : 4);
	code = vcpu_memory(&vcpu->vcpu, vcpu->at, vcpu->next - vcpu->at);
	if (code)
		record->kind = decode(code, vcpu->next - vcpu->at, &vcpu->instruction);
	vcpu->in = record->kind && get_operands(vcpu, record) && observe_begin(&vcpu->operation);
	qemu_plugin_u64_set(plugin.flag, index, vcpu->in);
	vcpu->left = timing_ticks();
	vcpu->watch_ticks += vcpu->left - entered;
}

/* Before the instruction at the address in data, which follows a watched one. */
static void after(unsigned int index, void *data)
{
	struct watched_vcpu *vcpu = index < plugin.vcpu_count ? &plugin.vcpus[index] : NULL;
	uint64_t entered = timing_ticks();
	struct ending ending = { .machine_ticks = entered };

	qemu_plugin_u64_set(plugin.flag, index, 0);
	if (!vcpu || !vcpu->in)
		return;
	ending.machine_ticks -= vcpu->left;
	ending.watch_ticks = vcpu->watch_ticks;
	ending.outcome = vcpu_outcome(&vcpu->vcpu, vcpu->at, vcpu->next, (uintptr_t)data);
	ending.r1 = vcpu_gr(&vcpu->vcpu, vcpu->instruction.r1);
	if (vcpu->block && ending.outcome.kind == OUTCOME_DONE)
		ending.clp = vcpu_memory(&vcpu->vcpu, vcpu->block, CLP_BLOCK_BYTES);
	observe_end(&vcpu->operation, &ending);
	vcpu->in = false;
	vcpu->watch_ticks = timing_ticks() - entered;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb), i;
	struct zpci_instruction instruction;
	bool follows = false;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, after, PLUGIN_REGISTERS_READ, PLUGIN_IF_NOT_EQUAL, plugin.flag, 0,
						  (void *)(uintptr_t)qemu_plugin_tb_vaddr(tb));
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		void *address = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
		uint8_t code[6] = { 0 };

		if (follows)
			qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, after, PLUGIN_REGISTERS_READ, PLUGIN_IF_NOT_EQUAL, plugin.flag, 0, address);
		follows = decode(code, qemu_plugin_insn_data(insn, code, sizeof(code)), &instruction) != 0;
		if (follows)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, before, PLUGIN_REGISTERS_READ, address);
	}
}

static void vcpu_begins(qemu_plugin_id_t id, unsigned int index)
{
	(void)id;
	if (index >= plugin.vcpu_count)
		return;
	plugin.vcpus[index].usable = vcpu_init(&plugin.vcpus[index].vcpu);
	if (!plugin.vcpus[index].usable)
		fprintf(stderr, "viommu-watch: vCPU %u is not watched: QEMU does not offer its registers\n", index);
}

static int watch(struct observer *observer, qemu_plugin_id_t id, const struct qemu_plugin_info *info)
{
	plugin.vcpu_count = (unsigned int)info->system.max_vcpus;
	plugin.vcpus = calloc(plugin.vcpu_count, sizeof(*plugin.vcpus));
	if (!plugin.vcpus)
		return arguments_complain("out of memory", "");
	observe_start(observer);
	plugin.flag.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_init_cb(id, vcpu_begins);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}

static void ready(struct observer *observer)
{
	if (!s390_guest_io_table_walk)
		observer_note(observer, "no oracle: this QEMU does not offer its walk of the tables");
}

const struct observer_ops zpci_observer_ops = {
	.target = "s390x",
	.guest = CAPTURE_ZPCI,
	.big_endian = true,
	.check = &zpci_check_ops,
	.watch = watch,
	.ready = ready,
};
