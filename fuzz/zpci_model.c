/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "zpci_model.h"

#include <stddef.h>

struct model_instruction model_decode(uint16_t ipa, uint32_t ipb, const uint64_t gr[16], uint64_t psw_mask)
{
	const unsigned int byte[6] = { ipa >> 8, ipa & 0xff, ipb >> 24, ipb >> 16 & 0xff, ipb >> 8 & 0xff, ipb & 0xff };
	struct model_instruction insn = { .opcode = MODEL_FOREIGN };
	unsigned int x = byte[1] % 16, b = byte[2] / 16;
	int64_t displacement = (int64_t)(byte[2] % 16 * 256 + byte[3]) + (byte[4] >= 128 ? (int64_t)byte[4] - 256 : (int64_t)byte[4]) * 4096;

	if (byte[0] == 0xb9 && byte[1] == 0xd3) {
		insn.opcode = MODEL_RPCIT;
		insn.r1 = byte[3] / 16;
		insn.r2 = byte[3] % 16;
		return insn;
	}
	if (byte[0] != 0xe3 || (byte[5] != 0xd0 && byte[5] != 0xd4))
		return insn;
	insn.opcode = byte[5] == 0xd0 ? MODEL_MPCIFC : MODEL_STPCIFC;
	insn.r1 = byte[1] / 16;
	insn.address = (x ? gr[x] : 0) + (b ? gr[b] : 0) + (uint64_t)displacement;
	/* Bits 31 and 32 of the PSW: 64-bit addresses, or 31-bit ones. */
	if (!(psw_mask >> 32 & 1))
		insn.address %= psw_mask >> 31 & 1 ? UINT64_C(1) << 31 : UINT64_C(1) << 24;
	return insn;
}

bool model_is_operational(const struct model_function *function)
{
	return function->state == VIOMMU_ZPCI_ENABLED || function->state == VIOMMU_ZPCI_BLOCKED || function->state == VIOMMU_ZPCI_ERROR;
}

struct model_function *model_by_handle(struct model_bus *bus, uint32_t fh)
{
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		if (bus->function[i].plugged && bus->function[i].fh == fh)
			return &bus->function[i];
	return NULL;
}

struct model_function *model_by_index(struct model_bus *bus, uint32_t fh)
{
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		if (bus->function[i].plugged && (bus->function[i].fh & 0xffff) == (fh & 0xffff))
			return &bus->function[i];
	return NULL;
}

bool model_is_foreign_operation(uint64_t r1)
{
	unsigned int oc = r1 & 0xff;

	return oc == 2 || oc == 3 || oc == 10 || oc == 16 || oc == 17;
}

void model_fail(struct model_function *function)
{
	function->state = VIOMMU_ZPCI_ERROR;
}

uint32_t model_pec(enum naive_outcome outcome)
{
	switch (outcome) {
	case NAIVE_TYPE:
		return 0x09;
	case NAIVE_LENGTH:
		return 0x08;
	case NAIVE_FORMAT:
		return 0x03;
	case NAIVE_ZERO:
	case NAIVE_TABLE_UNBACKED:
		return 0x07;
	default:
		return 0;
	}
}

struct naive_tables model_tables(const struct model_bus *bus, const struct model_function *function)
{
	return (struct naive_tables){ .iota = function->iota, .pba = function->pba, .pal = function->pal, .qemu = bus->qemu };
}

static bool translates(const struct model_function *function)
{
	return function->iota & 0x800;
}

static struct model_outcome with_status(unsigned int status)
{
	return (struct model_outcome){ .cc = 1, .status = status };
}

struct model_outcome model_rpcit(struct model_bus *bus, uint64_t r1, uint64_t start, uint64_t bytes)
{
	struct model_function *function = model_by_handle(bus, (uint32_t)(r1 >> 32));
	struct model_outcome outcome = { .cc = 0 };
	uint64_t last = start + (bytes - 1);

	if (!function || !model_is_operational(function))
		return (struct model_outcome){ .cc = 3 };
	if (function->state == VIOMMU_ZPCI_ERROR)
		return with_status(40);
	if (!bytes)
		return outcome;
	if (!function->registered || (bus->qemu && !translates(function))) {
		outcome = with_status(8);
		outcome.pec = 0x01;
	} else if (!translates(function)) {
		return outcome;
	} else if (last < start || last < function->pba || start > function->pal) {
		outcome = with_status(8);
		outcome.pec = 0x02;
	}
	if (outcome.pec) {
		outcome.faddr = start - start % 4096;
		model_fail(function);
		return outcome;
	}
	outcome.refreshed = function;
	outcome.first = start - start % 4096 > function->pba ? start - start % 4096 : function->pba;
	outcome.last = (last | 4095) < function->pal ? last | 4095 : function->pal;
	outcome.may_be_short = bus->tight;
	return outcome;
}

/* Whether a registration is legal. */
static bool is_acceptable(const struct model_bus *bus, const struct model_function *function, uint64_t pba, uint64_t pal, uint64_t iota)
{
	unsigned int type = (unsigned int)(iota / 4 % 8);
	uint64_t edma = function->edma;

	if (function->ism)
		edma = edma > UINT64_MAX - 4096 ? UINT64_MAX : edma + 4096;
	if (pba > pal || pba < function->sdma || pal > edma)
		return false;
	if (function->msia / 4096 >= pba / 4096 && function->msia / 4096 <= pal / 4096)
		return false;
	if (!(iota & 0x800))
		return function->relaxed && (bus->qemu || !iota);
	if (iota & 0x7e3)
		return false;
	return bus->qemu ? type == 1 : type <= 3;
}

static struct model_outcome reregister(struct model_bus *bus, struct model_function *function, uint64_t pba, uint64_t pal, uint64_t iota)
{
	struct model_outcome outcome = { .cc = 0, .may_be_short = bus->tight };

	pba -= pba % 4096;
	pal |= 4095;
	if (bus->qemu)
		function->registered = false;
	if (!is_acceptable(bus, function, pba, pal, iota)) {
		outcome.exception = 0x15;
		return outcome;
	}
	function->registered = true;
	function->pba = pba;
	function->pal = pal;
	function->iota = iota;
	if (translates(function)) {
		outcome.refreshed = function;
		outcome.first = pba;
		outcome.last = pal;
	}
	return outcome;
}

struct model_outcome model_mpcifc(struct model_bus *bus, uint64_t r1, unsigned int fmt, uint64_t pba, uint64_t pal, uint64_t iota)
{
	struct model_function *function = model_by_handle(bus, (uint32_t)(r1 >> 32));
	bool other_space = r1 >> 16 & 0xff;
	unsigned int oc = r1 & 0xff;

	if (!function || !model_is_operational(function))
		return (struct model_outcome){ .cc = 3 };
	if (fmt || (oc != 4 && oc != 5 && oc != 6 && oc != 7 && oc != 9))
		return (struct model_outcome){ .exception = 0x15 };
	if (oc == 7) {
		if (function->state == VIOMMU_ZPCI_ENABLED)
			return with_status(24);
		function->state = VIOMMU_ZPCI_ENABLED;
		return (struct model_outcome){ .cc = 0 };
	}
	if (oc == 9) {
		if (function->state != VIOMMU_ZPCI_ERROR)
			return with_status(24);
		function->state = VIOMMU_ZPCI_BLOCKED;
		return (struct model_outcome){ .cc = 0 };
	}
	if (other_space)
		return with_status(28);
	if (function->registered == (oc == 4))
		return with_status(24);
	if (oc == 5) {
		function->registered = false;
		return (struct model_outcome){ .cc = 0 };
	}
	return reregister(bus, function, pba, pal, iota);
}

struct model_outcome model_stpcifc(struct model_bus *bus, uint64_t *r1, struct viommu_zpci_fib *fib)
{
	struct model_function *function = model_by_index(bus, (uint32_t)(*r1 >> 32));
	bool says_enabled = *r1 >> 63;

	*fib = (struct viommu_zpci_fib){ .fmt = 0 };
	if (*r1 >> 16 & 0xff)
		return with_status(28);
	if (!function)
		return (struct model_outcome){ .cc = 3 };
	switch (function->state) {
	case VIOMMU_ZPCI_ENABLED:
		fib->fc = 0x80;
		break;
	case VIOMMU_ZPCI_BLOCKED:
		fib->fc = 0xc0;
		break;
	case VIOMMU_ZPCI_ERROR:
		fib->fc = 0xe0;
		break;
	case VIOMMU_ZPCI_PERMANENT_ERROR:
		return with_status(8);
	case VIOMMU_ZPCI_DISABLED:
		return (struct model_outcome){ .cc = says_enabled ? 3 : 0 };
	default:
		return (struct model_outcome){ .cc = 3 };
	}
	*r1 |= UINT64_C(1) << 63;
	if (function->registered) {
		fib->fc |= 0x10;
		fib->pba = function->pba;
		fib->pal = function->pal;
		fib->iota = function->iota;
	}
	return (struct model_outcome){ .cc = 0 };
}
