/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the zPCI guest IOMMU: an input is a program of intercepted instructions (any bytes, any
 * registers, any addressing mode), table writes, CLP and SCLP operations, accesses of devices, and
 * slots and functions that come and go. After each, the vCPU must agree with the model
 * (zpci_model.h): one condition code or one program exception, no register and no byte of memory
 * changed except by the instruction, one event or none. A refreshed range must be as the naive walk
 * reads it in the tables. A device reaches the pages that its function reports, and nothing where
 * its DMA is stopped; exactly the reported pages are pinned.
 */
#include <errno.h>
#include <string.h>

#include "model.h"
#include "tables_zpci.h"
#include "zpci_model.h"

#define FAULT_REASONS	12u /* reasons that zPCI knows, and one that it does not */
#define MOST_OPERATIONS 300u
#define REFRESH_ENTRIES UINT64_C(16384)
#define SHADOW_BYTES	UINT64_C(0x100000)
#define LOGICAL		UINT64_C(0x10000) /* logical address of the guest's memory for blocks */
#define LOGICAL_BYTES	512u

static const struct model_limits limits = { .entries = 4 * REFRESH_ENTRIES, .pages = 2 * REFRESH_ENTRIES };

struct vcpu {
	uint64_t gr[16];
	uint64_t psw_mask;
	uint8_t memory[LOGICAL_BYTES];
	/* The effects on it. */
	unsigned int ccs, cc;
	unsigned int interrupts;
	uint32_t code;
	unsigned int register_writes, memory_writes;
	uint64_t asked_for; /* the last logical address */
};

struct bus {
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function[FUNCTIONS];
	struct viommu_reader *reader[FUNCTIONS];
	struct model_bus model;
	struct vcpu vcpu;
	unsigned int events;
	struct viommu_zpci_event event;
};

/* Sums over many inputs. */
static struct {
	uint64_t instructions, refreshed, reached;
} seen;

static uint64_t get_gr(void *ctx, unsigned int n)
{
	struct vcpu *vcpu = ctx;

	fuzz_must(n < 16);
	return vcpu->gr[n];
}

static void set_gr(void *ctx, unsigned int n, uint64_t value)
{
	struct vcpu *vcpu = ctx;

	fuzz_must(n < 16);
	vcpu->register_writes++;
	vcpu->gr[n] = value;
}

static uint64_t get_psw_mask(void *ctx)
{
	return ((struct vcpu *)ctx)->psw_mask;
}

static void set_cc(void *ctx, unsigned int cc)
{
	struct vcpu *vcpu = ctx;

	vcpu->ccs++;
	vcpu->cc = cc;
}

/*
 * 0 where there is memory, an addressing exception where there is none; at addresses with bit 62
 * the VMM does not know.
 */
static int access_error(uint64_t logical, size_t bytes)
{
	if (logical >> 62 & 1)
		return -ENODEV;
	return logical >= LOGICAL && logical - LOGICAL <= LOGICAL_BYTES - bytes ? 0 : VIOMMU_ZPCI_PGM_ADDRESSING;
}

static int read_memory(void *ctx, uint64_t logical, unsigned int ar, void *buffer, size_t bytes)
{
	struct vcpu *vcpu = ctx;
	int error = access_error(logical, bytes);

	vcpu->asked_for = logical;
	fuzz_must(ar < 16 && bytes <= LOGICAL_BYTES);
	if (!error)
		memcpy(buffer, vcpu->memory + (logical - LOGICAL), bytes);
	return error;
}

static int write_memory(void *ctx, uint64_t logical, unsigned int ar, const void *buffer, size_t bytes)
{
	struct vcpu *vcpu = ctx;
	int error = access_error(logical, bytes);

	vcpu->asked_for = logical;
	fuzz_must(ar < 16 && bytes <= LOGICAL_BYTES);
	if (!error) {
		vcpu->memory_writes++;
		memcpy(vcpu->memory + (logical - LOGICAL), buffer, bytes);
	}
	return error;
}

static void program_interrupt(void *ctx, uint32_t code)
{
	struct vcpu *vcpu = ctx;

	vcpu->interrupts++;
	vcpu->code = code;
}

static void on_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct bus *bus = ctx;

	bus->events++;
	bus->event = *event;
}

static void plug(struct bus *bus, unsigned int n, struct input *input)
{
	unsigned int kind = input_byte(input);
	struct viommu_zpci_function_config config = { .size = sizeof(config), .fid = 0x10 + n, .fh = 0x20000 + n, .host = bus->host };
	struct model_function *model = &bus->model.function[n];

	config.state = kind & 1 ? VIOMMU_ZPCI_ENABLED : kind & 2 ? VIOMMU_ZPCI_DISABLED : kind & 4 ? VIOMMU_ZPCI_STANDBY : VIOMMU_ZPCI_RESERVED;
	if (config.state == VIOMMU_ZPCI_ENABLED)
		config.fh |= 0x80000000;
	*model = (struct model_function){
		.plugged = true, .fh = config.fh, .fid = config.fid, .state = config.state, .sdma = UINT64_C(1) << 32, .edma = UINT64_C(0x1ffffffffffffff)
	};
	model->msia = UINT64_C(0xfe00000000000000);
	if (kind & 8) {
		config.sdma = model->sdma = 1;
		config.edma = model->edma = UINT64_MAX;
		config.msia = model->msia = UINT64_C(0xfe00000000000800);
	}
	config.relaxed = model->relaxed = kind & 0x10;
	config.pft = kind & 0x20 ? 5 : 0;
	model->ism = kind & 0x20;
	fuzz_must(!viommu_zpci_function_add(bus->zpci, &config, &bus->function[n]));
	fuzz_must(!viommu_reader_create(viommu_zpci_function_device(bus->function[n]), VIOMMU_NO_PASID, &bus->reader[n]));
}

static void begin(struct bus *bus, struct input *input)
{
	unsigned int kind = input_byte(input);
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .flags = kind & 1 ? VIOMMU_ZPCI_QEMU_WAYS : 0, .event = on_event, .ctx = bus };

	memset(bus, 0, sizeof(*bus));
	bus->world = world_begin(false, false, false);
	bus->model.qemu = kind & 1;
	bus->model.tight = kind & 2;
	config.shadow_bytes = SHADOW_BYTES;
	config.refresh_entries = REFRESH_ENTRIES;
	config.step_entries = 1;
	if (kind & 2)
		config.pin_budget = (1 + input_byte(input)) * PAGE;
	fuzz_must(!viommu_host_soft_create(&bus->host));
	fuzz_must(!viommu_vm_create(&config, &bus->vm));
	fuzz_must(!viommu_zpci_create(bus->vm, &zpci, &bus->zpci));
	world_show(bus->world, bus->vm, WORLD_PLACES);
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		plug(bus, i, input);
}

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct model_list *list = ctx;

	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE)
		model_list_add(list, (struct model_page){ .iova = run->first + at, .gpa = run->gpa + at, .writable = run->prot == VIOMMU_RW });
	return 0;
}

/* The device's access to one page of its function's report. */
static void check_reached(struct bus *bus, unsigned int n, const struct model_page *page, bool reached)
{
	struct viommu_piece piece;
	uint64_t bytes;
	int pieces = viommu_translate(bus->reader[n], page->iova, PAGE, page->writable ? VIOMMU_RW : VIOMMU_READ, &piece, 1, &bytes, NULL);

	seen.reached += reached;
	fuzz_must(pieces == (reached ? 1 : -EFAULT));
	if (reached)
		fuzz_must(piece.hva == world_at(bus->world, page->gpa));
}

static void check_function(struct bus *bus, unsigned int n, bool named[WORLD_PAGES], bool *whole)
{
	const struct model_function *model = &bus->model.function[n];
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct model_list list = { .count = 0 };

	if (!model->plugged)
		return;
	viommu_zpci_function_info(bus->function[n], &info);
	fuzz_must(info.state == model->state && info.fh == model->fh && info.fid == model->fid && info.registered == model->registered);
	if (!info.registered)
		return;
	fuzz_must(info.pba == model->pba && info.pal == model->pal && info.iota == model->iota && info.direct == !(model->iota & 0x800));
	*whole |= info.direct;
	viommu_zpci_function_each_run(bus->function[n], 0, UINT64_MAX, take_run, &list);
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i];

		fuzz_must(world_page(bus->world, page->gpa) < WORLD_PAGES && page->iova >= model->pba && page->iova <= model->pal);
		named[world_page(bus->world, page->gpa)] = true;
		check_reached(bus, n, page, model->state == VIOMMU_ZPCI_ENABLED);
	}
	model_list_free(&list);
}

static void check(struct bus *bus)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	bool named[WORLD_PAGES] = { false };
	uint64_t pages = 0;
	bool whole = false;

	for (unsigned int i = 0; i < FUNCTIONS; i++)
		check_function(bus, i, named, &whole);
	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		pages += named[i];
	for (unsigned int i = 0; whole && i < bus->world->memory.count; i++)
		pages = (i ? pages : 0) + bus->world->slot[i].bytes / PAGE;
	viommu_vm_stats(bus->vm, &stats);
	if (stats.pinned_bytes != pages * PAGE)
		fuzz_wrong("%" PRIu64 " pages are charged, %" PRIu64 " should be", stats.pinned_bytes / PAGE, pages);
	fuzz_must(stats.shadow_bytes <= SHADOW_BYTES);
}

/*
 * The tables' part of the expected outcome. A malformed table is an error of RPCIT, and none of
 * MPCIFC. A table too large for the limits, or memory that may be short, allow status 16.
 */
static void judge_tables(struct bus *bus, struct model_outcome *outcome, bool registering, struct model_found *found)
{
	struct naive_tables tables = model_tables(&bus->model, outcome->refreshed);
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	model_find(&bus->world->memory, &tables, outcome->first, outcome->last, &limits, found);
	viommu_vm_stats(bus->vm, &stats);
	if (found->too_large || found->entries > REFRESH_ENTRIES / 4 || stats.shadow_bytes_peak > SHADOW_BYTES / 2)
		outcome->may_be_short = true;
	if (!registering && found->faulty && !found->too_large) {
		outcome->cc = 1;
		outcome->status = 8;
		outcome->pec = model_pec(found->fault.outcome);
		outcome->faddr = found->fault_iova;
	}
}

static void compare_lists(struct bus *bus, const struct model_outcome *outcome, const struct model_found *found)
{
	unsigned int n = (unsigned int)(outcome->refreshed - bus->model.function);
	struct model_list list = { .count = 0 };

	viommu_zpci_function_each_run(bus->function[n], outcome->first, outcome->last, take_run, &list);
	fuzz_must(!found->too_large && list.count == found->list.count);
	seen.refreshed += list.count;
	for (uint64_t i = 0; i < list.count; i++)
		fuzz_must(model_same(&list.pages[i], &found->list.pages[i]));
	model_list_free(&list);
}

static void check_event(struct bus *bus, uint32_t pec, uint64_t faddr)
{
	if (bus->events != !!pec)
		fuzz_wrong("%u events, the last %u, expected %u", bus->events, bus->event.pec, pec);
	if (pec && (bus->event.pec != pec || bus->event.faddr != faddr))
		fuzz_wrong("event %u at %#" PRIx64 ", expected %u at %#" PRIx64, bus->event.pec, bus->event.faddr, pec, faddr);
	bus->events = 0;
}

/* The effects on the vCPU. before: its former state. */
static void check_outcome(struct bus *bus, const struct vcpu *before, unsigned int r1, struct model_outcome *outcome, bool is_short)
{
	struct vcpu *vcpu = &bus->vcpu;
	uint64_t gr[16];

	memcpy(gr, before->gr, sizeof(gr));
	if (outcome->exception) {
		fuzz_must(vcpu->interrupts == 1 && !vcpu->ccs && !vcpu->register_writes && !vcpu->memory_writes);
		if (vcpu->code != outcome->exception)
			fuzz_wrong("program exception %#x, expected %#x", vcpu->code, outcome->exception);
		check_event(bus, 0, 0);
		return;
	}
	if (vcpu->interrupts || vcpu->ccs != 1)
		fuzz_wrong("%u interrupts (%#x), %u condition codes", vcpu->interrupts, vcpu->code, vcpu->ccs);
	if (is_short)
		*outcome = (struct model_outcome){ .cc = 1, .status = 16 };
	if (vcpu->cc != outcome->cc || (vcpu->cc == 1 && (vcpu->gr[r1] >> 24 & 0xff) != outcome->status))
		fuzz_wrong("condition code %u, status %u; expected %u, %u", vcpu->cc, (unsigned int)(vcpu->gr[r1] >> 24 & 0xff), outcome->cc, outcome->status);
	if (outcome->cc == 1)
		gr[r1] = (gr[r1] & ~UINT64_C(0xff000000)) | (uint64_t)outcome->status << 24;
	else
		gr[r1] = vcpu->gr[r1]; /* STPCIFC's is compared in check_stpcifc() */
	fuzz_must(!memcmp(gr, vcpu->gr, sizeof(gr)));
	check_event(bus, outcome->pec, outcome->faddr);
}

static bool answered(const struct bus *bus, unsigned int r1, unsigned int status)
{
	return bus->vcpu.ccs && bus->vcpu.cc == 1 && (bus->vcpu.gr[r1] >> 24 & 0xff) == status;
}

static void check_refresh(struct bus *bus, const struct vcpu *before, unsigned int r1, struct model_outcome outcome, bool registering)
{
	struct model_found found = { .too_large = true };
	bool is_short;

	if (outcome.refreshed)
		judge_tables(bus, &outcome, registering, &found);
	is_short = outcome.may_be_short && answered(bus, r1, 16);
	/* Where tables are too large, either may have given up before the malformed entry. */
	if (outcome.refreshed && !registering && found.too_large && answered(bus, r1, 8)) {
		outcome.cc = 1;
		outcome.status = 8;
		outcome.pec = bus->event.pec;
		outcome.faddr = bus->event.faddr;
	}
	if (is_short && registering)
		model_by_handle(&bus->model, (uint32_t)(before->gr[r1] >> 32))->registered = false;
	/* A fault hides that something did not fit. */
	if (outcome.refreshed && !is_short && outcome.status == 8)
		model_fail(outcome.refreshed);
	if (outcome.refreshed && !is_short && !bus->model.tight && !outcome.may_be_short)
		compare_lists(bus, &outcome, &found);
	check_outcome(bus, before, r1, &outcome, is_short);
	model_found_free(&found);
}

static void check_stpcifc(struct bus *bus, const struct vcpu *before, const struct model_instruction *insn)
{
	struct viommu_zpci_fib fib;
	uint64_t r1 = before->gr[insn->r1];
	struct model_outcome outcome = model_stpcifc(&bus->model, &r1, &fib);
	const uint8_t *bytes;
	uint64_t words[3] = { 0 };

	/* The address space is checked before the address; a failed store has no other effect. */
	if (!(before->gr[insn->r1] >> 16 & 0xff) && insn->address & 7)
		outcome = (struct model_outcome){ .exception = VIOMMU_ZPCI_PGM_SPECIFICATION };
	else if (!outcome.cc && access_error(insn->address, 80))
		outcome = (struct model_outcome){ .exception = VIOMMU_ZPCI_PGM_ADDRESSING };
	check_outcome(bus, before, insn->r1, &outcome, false);
	if (outcome.exception || outcome.cc) {
		fuzz_must(!bus->vcpu.memory_writes);
		return;
	}
	fuzz_must(bus->vcpu.memory_writes == 1 && bus->vcpu.gr[insn->r1] == r1);
	bytes = bus->vcpu.memory + (insn->address - LOGICAL);
	for (unsigned int i = 0; i < 24; i++)
		words[i / 8] = words[i / 8] << 8 | bytes[16 + i];
	fuzz_must(bytes[0] == 0 && bytes[8] == fib.fc && words[0] == fib.pba && words[1] == fib.pal && words[2] == fib.iota);
}

static void check_mpcifc(struct bus *bus, const struct vcpu *before, const struct model_instruction *insn)
{
	const struct model_function *function = model_by_handle(&bus->model, (uint32_t)(before->gr[insn->r1] >> 32));
	struct model_outcome outcome = { .cc = 3 };
	uint64_t words[3] = { 0 };

	fuzz_must(!bus->vcpu.memory_writes);
	if (insn->address & 7) {
		outcome.exception = VIOMMU_ZPCI_PGM_SPECIFICATION;
	} else if (function && model_is_operational(function) && access_error(insn->address, 80)) {
		outcome.exception = VIOMMU_ZPCI_PGM_ADDRESSING;
	} else if (function && model_is_operational(function)) {
		const uint8_t *bytes = before->memory + (insn->address - LOGICAL);

		for (unsigned int i = 0; i < 24; i++)
			words[i / 8] = words[i / 8] << 8 | bytes[16 + i];
		outcome = model_mpcifc(&bus->model, before->gr[insn->r1], bytes[0], words[0], words[1], words[2]);
	}
	check_refresh(bus, before, insn->r1, outcome, true);
}

/* The bytes of an instruction, mostly one of the three. */
static void take_instruction(struct input *input, uint16_t *ipa, uint32_t *ipb)
{
	unsigned int kind = input_byte(input);

	switch (kind & 3) {
	case 0:
		*ipa = 0xb9d3;
		*ipb = (uint32_t)(kind & 0x80 ? input_take(input, 1) << 16 : 0x240000);
		break;
	case 1:
	case 2:
		*ipa = (uint16_t)(0xe320 | (kind & 0x80 ? input_take(input, 1) & 0xf : 0));
		*ipb = (kind & 0x40 ? (uint32_t)input_take(input, 3) << 8 : 0x50000000) | ((kind & 3) == 1 ? 0xd0 : 0xd4);
		break;
	default:
		*ipa = (uint16_t)input_take(input, 2);
		*ipb = (uint32_t)input_take(input, 4);
		break;
	}
}

/*
 * Typical registers: r2 the handle and operation, r4 and r5 the range, r5 the block's address where
 * there is no range; or any values.
 */
static void take_registers(struct bus *bus, struct input *input, bool range)
{
	static const uint8_t operations[8] = { 4, 4, 5, 6, 7, 9, 2, 8 };
	unsigned int kind = input_byte(input);
	struct vcpu *vcpu = &bus->vcpu;

	vcpu->psw_mask = kind & 0x80 ? input_take(input, 8) : UINT64_C(0x0000000180000000);
	vcpu->gr[2] = (uint64_t)bus->model.function[kind & 1].fh << 32 | operations[kind >> 1 & 7];
	vcpu->gr[5] = LOGICAL + (kind & 0x10 ? input_take(input, 2) : 0);
	if (range) {
		vcpu->gr[4] = zpci_take_iova(input);
		vcpu->gr[5] = kind & 0x10 ? input_take(input, 1) << 12 : zpci_take_iova(input) + 1;
	}
	if (kind & 0x20)
		vcpu->gr[input_byte(input) & 15] = input_take(input, 8);
	if (kind & 0x40)
		vcpu->gr[2] ^= input_take(input, 8);
}

static void store_be(uint8_t *bytes, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void take_block(struct bus *bus, struct input *input)
{
	unsigned int kind = input_byte(input);
	uint64_t pba = UINT64_C(1) << 32, pal = (UINT64_C(1) << 32) + (UINT64_C(0xfffff) << (kind & 31));
	uint64_t iota = zpci_take_iota(input);

	if (kind & 0x40) {
		pba = zpci_take_iova(input);
		pal = pba + zpci_take_iova(input);
	}
	if (kind & 0x20)
		iota = input_take(input, 1) & 1 ? 0 : iota & ~UINT64_C(0x800);
	bus->vcpu.memory[0] = (uint8_t)(kind & 0x80 ? input_take(input, 1) : 0);
	store_be(bus->vcpu.memory + 16, pba);
	store_be(bus->vcpu.memory + 24, pal);
	store_be(bus->vcpu.memory + 32, iota);
}

static void intercept(struct bus *bus, struct input *input)
{
	const struct viommu_zpci_vcpu callbacks = { .size = sizeof(callbacks),
						    .ctx = &bus->vcpu,
						    .get_gr = get_gr,
						    .set_gr = set_gr,
						    .get_psw_mask = get_psw_mask,
						    .set_cc = set_cc,
						    .read = read_memory,
						    .write = write_memory,
						    .program_interrupt = program_interrupt };
	struct model_instruction insn;
	struct model_outcome privileged = { .exception = VIOMMU_ZPCI_PGM_PRIVILEGED };
	struct model_outcome odd = { .exception = VIOMMU_ZPCI_PGM_SPECIFICATION };
	struct vcpu before;
	uint16_t ipa;
	uint32_t ipb;
	bool problem;
	int ret;

	seen.instructions++;
	take_instruction(input, &ipa, &ipb);
	take_registers(bus, input, ipa == 0xb9d3);
	bus->vcpu.ccs = bus->vcpu.interrupts = bus->vcpu.register_writes = bus->vcpu.memory_writes = 0;
	before = bus->vcpu;
	insn = model_decode(ipa, ipb, before.gr, before.psw_mask);
	bus->vcpu.asked_for = before.asked_for = insn.address;
	problem = before.psw_mask >> 48 & 1;
	ret = viommu_zpci_intercept(bus->zpci, &callbacks, ipa, ipb);

	fuzz_must(bus->vcpu.asked_for == insn.address);
	if (insn.opcode == MODEL_FOREIGN || (insn.opcode == MODEL_MPCIFC && model_is_foreign_operation(before.gr[insn.r1]))) {
		fuzz_must(ret == -EOPNOTSUPP && !memcmp(&before, &bus->vcpu, sizeof(before)));
		check_event(bus, 0, 0);
		return;
	}
	/* The VMM gets its own error back; nothing was done. */
	if (ret == -ENODEV) {
		fuzz_must(insn.opcode != MODEL_RPCIT && access_error(insn.address, 80) == -ENODEV && !memcmp(&before, &bus->vcpu, sizeof(before)));
		return;
	}
	fuzz_must(!ret);
	if (problem) {
		check_outcome(bus, &before, insn.r1, &privileged, false);
	} else if (insn.opcode == MODEL_STPCIFC) {
		check_stpcifc(bus, &before, &insn);
	} else if (insn.opcode == MODEL_MPCIFC) {
		check_mpcifc(bus, &before, &insn);
	} else if (insn.r2 & 1) {
		check_outcome(bus, &before, insn.r1, &odd, false);
	} else {
		check_refresh(bus, &before, insn.r1, model_rpcit(&bus->model, before.gr[insn.r1], before.gr[insn.r2], before.gr[insn.r2 + 1]), false);
	}
}

/* Operations of the machine: CLP, SCLP, plugging. */
static void change_state(struct bus *bus, struct input *input)
{
	unsigned int byte = input_byte(input);
	unsigned int n = byte & 1;
	struct model_function *model = &bus->model.function[n];
	uint32_t fh = 0;
	int ret;

	if (!model->plugged || (byte >> 1) % 8 == 7) {
		if (model->plugged) {
			viommu_reader_destroy(bus->reader[n]);
			viommu_zpci_function_remove(bus->function[n]);
			*model = (struct model_function){ .plugged = false };
		} else {
			plug(bus, n, input);
		}
		return;
	}
	switch ((byte >> 1) % 8) {
	case 0:
	case 1:
		ret = viommu_zpci_enable(bus->function[n], &fh);
		fuzz_must(!ret == (model->state == VIOMMU_ZPCI_DISABLED));
		if (!ret) {
			fuzz_must(fh >> 31 && (fh & 0xffff) == n && fh != model->fh);
			model->state = VIOMMU_ZPCI_ENABLED;
			model->fh = fh;
		}
		return;
	case 2:
		ret = viommu_zpci_disable(bus->function[n], &fh);
		fuzz_must(!ret == model_is_operational(model));
		if (ret)
			return;
		fuzz_must(fh == (model->fh & 0x7fffffff));
		model->state = VIOMMU_ZPCI_DISABLED;
		break;
	case 3:
		ret = viommu_zpci_configure(bus->function[n]);
		fuzz_must(!ret == (model->state == VIOMMU_ZPCI_RESERVED || model->state == VIOMMU_ZPCI_STANDBY));
		if (!ret)
			model->state = VIOMMU_ZPCI_DISABLED;
		return;
	case 4:
		fuzz_must(!viommu_zpci_deconfigure(bus->function[n]));
		model->state = VIOMMU_ZPCI_STANDBY;
		break;
	case 5:
		viommu_zpci_device_failed(bus->function[n]);
		model->state = VIOMMU_ZPCI_PERMANENT_ERROR;
		model->registered = false;
		return;
	default:
		return;
	}
	model->fh &= 0x7fffffff;
	model->registered = false;
}

/* The event code of a fault. Where nothing is established, the tables say why. */
static uint32_t pec_of(const struct bus *bus, const struct model_function *model, const struct viommu_fault *fault)
{
	static const uint32_t pecs[FAULT_REASONS] = { 0, 1, 2, 4, 4, 9, 8, 3, 7, 7, 4, 0xb };
	struct naive_tables tables = model_tables(&bus->model, model);
	struct naive_answer answer;
	uint32_t pec;

	if (fault->reason != VIOMMU_FAULT_NOT_PRESENT || !model->registered || !(model->iota & 0x800))
		return pecs[fault->reason];
	answer = naive_walk(&bus->world->memory, &tables, fault->iova);
	pec = answer.outcome == NAIVE_OUTSIDE ? 2 : model_pec(answer.outcome);
	return pec ? pec : 4;
}

/* A device's access; its fault goes where a device model sends it. */
static void access_memory(struct bus *bus, struct input *input)
{
	unsigned int n = input_byte(input) & 1;
	struct model_function *model = &bus->model.function[n];
	struct viommu_fault fault = { 0 };
	struct viommu_piece piece;
	uint64_t translated;
	uint32_t pec;
	bool stops;
	int pieces;

	if (!model->plugged)
		return;
	pieces = viommu_translate(bus->reader[n], zpci_take_iova(input), 1, 1 + (uint32_t)input_take(input, 1) % 3, &piece, 1, &translated, &fault);
	fuzz_must(pieces == 1 || pieces == -EFAULT);
	if (pieces == 1) {
		fuzz_must(model->state == VIOMMU_ZPCI_ENABLED && model->registered);
		return;
	}
	fuzz_must(fault.reason && fault.reason < FAULT_REASONS - 1);
	if (input_byte(input) & 1)
		fault.reason = (uint32_t)input_take(input, 1) % FAULT_REASONS;
	stops = fault.reason && model->state == VIOMMU_ZPCI_ENABLED;
	pec = stops ? pec_of(bus, model, &fault) : 0;
	viommu_zpci_dma_fault(bus->function[n], &fault);
	check_event(bus, pec, fault.iova & ~(PAGE - 1));
	if (stops)
		model_fail(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	struct bus bus;

	begin(&bus, &input);
	for (unsigned int i = 0; input.left && i < MOST_OPERATIONS; i++) {
		switch (input_byte(&input) % 8) {
		case 0:
		case 1:
			zpci_write(bus.world, &input);
			continue;
		case 2:
			take_block(&bus, &input);
			continue;
		case 3:
		case 4:
			intercept(&bus, &input);
			break;
		case 5:
			change_state(&bus, &input);
			check_event(&bus, 0, 0);
			break;
		case 6:
			access_memory(&bus, &input);
			break;
		default:
			world_toggle(bus.world, bus.vm, input_byte(&input) % bus.world->places, bus.model.tight);
			break;
		}
		check(&bus);
	}
	viommu_zpci_destroy(bus.zpci);
	viommu_vm_stats(bus.vm, &stats);
	fuzz_must(!stats.pinned_bytes && !stats.shadow_bytes && !stats.domains && !stats.devices);
	viommu_vm_destroy(bus.vm);
	viommu_host_destroy(bus.host);
	world_end(bus.world);
	return 0;
}

void input_summary(void)
{
	printf("%" PRIu64 " instructions, %" PRIu64 " pages refreshed, %" PRIu64 " reached\n", seen.instructions, seen.refreshed, seen.reached);
}
