/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "zpci/vcpu.h"

#include <stdio.h>
#include <string.h>

#include "guest/zpci/decode.h"

/* Assigned storage locations (Principles of Operation). */
#define LOWCORE_BYTES	     512u
#define LOWCORE_PROGRAM_CODE 0x8eu
#define PROGRAM_OLD_PSW	     0x150u
#define PROGRAM_NEW_PSW	     0x1d0u

/* Of a program-interruption code: the kind of exception. The rest is about PER and transactions. */
#define PROGRAM_CODE 0x007fu

/* Old and new PSWs of external, machine-check and I/O interruptions. */
static const struct {
	unsigned int old;
	unsigned int new;
} other_psws[] = { { 0x130, 0x1b0 }, { 0x160, 0x1e0 }, { 0x170, 0x1f0 } };

bool vcpu_init(struct vcpu *vcpu)
{
	struct plugin_array *names = qemu_plugin_get_registers();
	unsigned int i, n;

	vcpu->buffer = g_byte_array_new();
	for (i = 0; i < names->len; i++) {
		const struct plugin_register_name *name = (const struct plugin_register_name *)(const void *)names->data + i;
		char gr[4];

		if (!strcmp(name->name, "pswm"))
			vcpu->psw_mask = name->handle;
		for (n = 0; n < 16; n++) {
			snprintf(gr, sizeof(gr), "r%u", n);
			if (!strcmp(name->name, gr))
				vcpu->gr[n] = name->handle;
		}
	}
	g_array_free(names, 1);
	for (n = 0; n < 16; n++) {
		if (!vcpu->gr[n])
			return false;
	}
	return vcpu->psw_mask;
}

static uint64_t read_register(struct vcpu *vcpu, struct qemu_plugin_register *handle)
{
	/* QEMU appends to the array. */
	g_byte_array_set_size(vcpu->buffer, 0);
	if (qemu_plugin_read_register(handle, vcpu->buffer) != 8)
		return 0;
	return zpci_load_be64(vcpu->buffer->data);
}

uint64_t vcpu_gr(struct vcpu *vcpu, unsigned int n)
{
	return read_register(vcpu, vcpu->gr[n]);
}

uint64_t vcpu_psw_mask(struct vcpu *vcpu)
{
	return read_register(vcpu, vcpu->psw_mask);
}

const uint8_t *vcpu_memory(struct vcpu *vcpu, uint64_t address, size_t bytes)
{
	return qemu_plugin_read_memory_vaddr(address, vcpu->buffer, bytes) ? vcpu->buffer->data : NULL;
}

/* The instruction was completed. The condition code is in bits 18 and 19 of the PSW. */
static struct outcome done(uint64_t psw_mask)
{
	return (struct outcome){ .kind = OUTCOME_DONE, .cc = psw_mask >> 44 & 3 };
}

/*
 * None of the watched instructions branches, so usually the vCPU continues after it. Otherwise an
 * interruption has stored the PSW: an external, I/O or machine-check interruption after the
 * instruction was completed, or a program interruption instead. The vCPU's current address,
 * compared with the new PSWs, tells which.
 */
struct outcome vcpu_outcome(struct vcpu *vcpu, uint64_t at, uint64_t next, uint64_t now)
{
	struct outcome outcome = { .kind = OUTCOME_UNKNOWN };
	const uint8_t *lowcore;
	uint64_t old;
	unsigned int i;

	if (now == next)
		return done(vcpu_psw_mask(vcpu));
	if (now == at) {
		outcome.kind = OUTCOME_NULLIFIED;
		return outcome;
	}
	lowcore = vcpu_memory(vcpu, 0, LOWCORE_BYTES);
	if (!lowcore)
		return outcome;
	for (i = 0; i < sizeof(other_psws) / sizeof(other_psws[0]); i++) {
		if (now == zpci_load_be64(lowcore + other_psws[i].new + 8) && next == zpci_load_be64(lowcore + other_psws[i].old + 8))
			return done(zpci_load_be64(lowcore + other_psws[i].old));
	}
	if (now != zpci_load_be64(lowcore + PROGRAM_NEW_PSW + 8))
		return outcome;
	old = zpci_load_be64(lowcore + PROGRAM_OLD_PSW + 8);
	if (old == at) {
		outcome.kind = OUTCOME_NULLIFIED;
	} else if (old == next) {
		outcome.kind = OUTCOME_EXCEPTION;
		outcome.exception = (uint16_t)(((unsigned int)lowcore[LOWCORE_PROGRAM_CODE] << 8 | lowcore[LOWCORE_PROGRAM_CODE + 1]) & PROGRAM_CODE);
	}
	return outcome;
}
