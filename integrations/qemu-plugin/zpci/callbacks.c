/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An s390x guest: QEMU's callbacks, turned into calls of observe.h.
 *
 * When QEMU translates a block of guest code, the instructions that matter get a call in front of
 * them. Their answer can be seen only in front of the next instruction that the vCPU executes, which
 * is in another block, and after an interruption at another place than expected. So every block gets
 * a call in front of it too, which is made only if a flag of that vCPU is set: translated code tests
 * the flag itself, at the cost of a load and a branch.
 *
 * Callbacks run in the vCPUs' threads, without QEMU's lock. State of a vCPU is used by its own
 * thread alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/zpci.h>

#include "guest/zpci/decode.h"
#include "qemu_plugin_api.h"
#include "timing.h"
#include "zpci/check.h"
#include "zpci/functions.h"
#include "zpci/observe.h"
#include "zpci/vcpu.h"

/* CLP (b9a0, RRF), which the library does not decode: it takes its operands. */
#define OPCODE_CLP 0xb9a0u

enum watched_kind { WATCHED_RPCIT, WATCHED_MPCIFC, WATCHED_CLP };

/* A watched instruction of the guest's code. Made when the code is translated, and kept. */
struct watched {
	struct watched *next;
	uint64_t address;
	unsigned int bytes;
	enum watched_kind kind;
	struct zpci_instruction instruction; /* of CLP: only r1 and r2 are set */
};

/* A vCPU, and the operation that it is in. */
struct watched_vcpu {
	struct vcpu vcpu;
	bool usable;
	const struct watched *in;
	struct pending *pending;
	uint64_t block;	      /* of CLP: address of the request */
	uint64_t watch_ticks; /* that before() took, and the after() ahead of it */
	uint64_t left;	      /* ticks when it returned */
};

static struct {
	struct watched_vcpu *vcpus;
	unsigned int vcpu_count;
	struct plugin_u64 flag; /* not 0 while the vCPU is in an operation */
	struct watched *watched;
} plugin;

static void after(unsigned int index, void *data);

static bool decode(const uint8_t *code, size_t bytes, struct watched *watched)
{
	watched->instruction = zpci_decode_bytes(code, bytes);
	switch (watched->instruction.opcode) {
	case ZPCI_RPCIT:
		watched->kind = WATCHED_RPCIT;
		return true;
	case ZPCI_MPCIFC:
		watched->kind = WATCHED_MPCIFC;
		return true;
	default:
		if (bytes != 4 || (code[0] << 8 | code[1]) != OPCODE_CLP)
			return false;
		watched->kind = WATCHED_CLP;
		watched->instruction.r1 = code[3] >> 4;
		watched->instruction.r2 = code[3] & 0xf;
		return true;
	}
}

/*
 * Code may be translated many times, in several threads: entries are added at the head, never
 * removed, and found again by their contents.
 */
static struct watched *remember(const struct watched *watched)
{
	struct watched *head = __atomic_load_n(&plugin.watched, __ATOMIC_ACQUIRE), *entry;

	for (entry = head; entry; entry = entry->next) {
		if (entry->address == watched->address && entry->kind == watched->kind &&
		    !memcmp(&entry->instruction, &watched->instruction, sizeof(entry->instruction)))
			return entry;
	}
	entry = malloc(sizeof(*entry));
	if (!entry)
		return NULL;
	*entry = *watched;
	entry->next = head;
	while (!__atomic_compare_exchange_n(&plugin.watched, &entry->next, entry, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	return entry;
}

static struct pending *before_rpcit(struct vcpu *vcpu, const struct zpci_instruction *instruction)
{
	uint64_t r1 = vcpu_gr(vcpu, instruction->r1);

	/* An odd R2 is a specification exception, and does not name a pair. */
	return observe_rpcit(r1, vcpu_gr(vcpu, instruction->r2), vcpu_gr(vcpu, instruction->r2 | 1));
}

static struct pending *before_mpcifc(struct vcpu *vcpu, const struct zpci_instruction *instruction)
{
	uint64_t address = zpci_operand_address(instruction, vcpu_gr(vcpu, instruction->x2), vcpu_gr(vcpu, instruction->b2), vcpu_psw_mask(vcpu));
	uint64_t r1 = vcpu_gr(vcpu, instruction->r1);
	const uint8_t *fib = vcpu_memory(vcpu, address, VIOMMU_ZPCI_FIB_BYTES);

	return fib ? observe_mpcifc(r1, fib) : NULL;
}

/* In front of a watched instruction. */
static void before(unsigned int index, void *data)
{
	const struct watched *watched = data;
	struct watched_vcpu *vcpu = index < plugin.vcpu_count ? &plugin.vcpus[index] : NULL;
	uint64_t entered = timing_ticks();

	if (!vcpu || !vcpu->usable)
		return;
	/* Two in a row without a block between: the first ends where the second begins. */
	if (vcpu->pending)
		after(index, (void *)(uintptr_t)watched->address);
	switch (watched->kind) {
	case WATCHED_RPCIT:
		vcpu->pending = before_rpcit(&vcpu->vcpu, &watched->instruction);
		break;
	case WATCHED_MPCIFC:
		vcpu->pending = before_mpcifc(&vcpu->vcpu, &watched->instruction);
		break;
	case WATCHED_CLP:
		vcpu->block = vcpu_gr(&vcpu->vcpu, watched->instruction.r2);
		vcpu->pending = observe_clp();
		break;
	}
	vcpu->in = watched;
	qemu_plugin_u64_set(plugin.flag, index, vcpu->pending != NULL);
	vcpu->left = timing_ticks();
	vcpu->watch_ticks += vcpu->left - entered;
}

/* In front of the instruction at the address in data, which follows a watched one. */
static void after(unsigned int index, void *data)
{
	struct watched_vcpu *vcpu = index < plugin.vcpu_count ? &plugin.vcpus[index] : NULL;
	uint64_t entered = timing_ticks();
	struct ending ending = { .machine_ticks = entered };

	qemu_plugin_u64_set(plugin.flag, index, 0);
	if (!vcpu || !vcpu->pending)
		return;
	ending.machine_ticks -= vcpu->left;
	ending.watch_ticks = vcpu->watch_ticks;
	ending.outcome = vcpu_outcome(&vcpu->vcpu, vcpu->in->address, vcpu->in->address + vcpu->in->bytes, (uintptr_t)data);
	ending.r1 = vcpu_gr(&vcpu->vcpu, vcpu->in->instruction.r1);
	if (vcpu->in->kind == WATCHED_CLP && ending.outcome.kind == OUTCOME_DONE) {
		ending.block_bytes = CLP_BLOCK_BYTES;
		ending.block = vcpu_memory(&vcpu->vcpu, vcpu->block, ending.block_bytes);
	}
	observe_end(vcpu->pending, &ending);
	vcpu->pending = NULL;
	vcpu->watch_ticks = timing_ticks() - entered;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb), i;
	bool follows = false;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, after, PLUGIN_REGISTERS_READ, PLUGIN_IF_NOT_EQUAL, plugin.flag, 0,
						  (void *)(uintptr_t)qemu_plugin_tb_vaddr(tb));
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct watched watched = { .address = qemu_plugin_insn_vaddr(insn), .bytes = (unsigned int)qemu_plugin_insn_size(insn) };
		uint8_t code[6] = { 0 };
		struct watched *kept;

		if (follows)
			qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, after, PLUGIN_REGISTERS_READ, PLUGIN_IF_NOT_EQUAL, plugin.flag, 0,
								    (void *)(uintptr_t)watched.address);
		follows = false;
		if (qemu_plugin_insn_data(insn, code, sizeof(code)) < watched.bytes || !decode(code, watched.bytes, &watched))
			continue;
		kept = remember(&watched);
		if (!kept)
			continue;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, before, PLUGIN_REGISTERS_READ, kept);
		follows = true;
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
