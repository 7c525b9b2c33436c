/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random device table entries, page tables, registers and commands, and random accesses, against a
 * model written from 48882 that keeps nothing but what an IOMMU may cache: the entries of the
 * device table as they were at the last command that named them. Tables are read by the naive
 * reference (tests/reference/naive_amdv1.h), from memory as it is, for IOVAs that have been
 * invalidated since they changed.
 *
 * On the soft host, each access has exactly the outcome and the event of the model. On hosts that
 * remove whole mappings only, in some runs with calls and allocations that fail, a device
 * reaches no more than the model says, and exactly that when all works again.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/device.h"
#include "guest_machine.h"
#include "naive_amdv1.h"

#define DEVICES	  4u
#define LEVELS	  6u
#define PER_LEVEL 2u
#define FIRST_ID  0x1feu /* the last two are beyond the table */

/* The indexes that are used, by AMD's level. Interrupts are at 3, 0x1f7, 0 to 255. */
static const unsigned int indexes[LEVELS + 1][6] = {
	[1] = { 0, 1, 2, 255, 256, 511 }, [2] = { 0, 1, 2, 0x1f7, 0x1f6, 511 }, [3] = { 0, 3, 1, 0, 3, 511 },
	[4] = { 0, 1, 0, 0, 0, 511 },	  [5] = { 0, 1, 0, 0, 0, 511 },		[6] = { 0, 1, 0, 0, 0, 127 },
};

enum found { BEYOND, UNREADABLE, READ };

struct model {
	bool enabled;
	struct {
		enum found found;
		uint64_t at;
		uint64_t word[4];
		bool reported;
	} entry[DEVICES];
	uint64_t excl_base, excl_limit; /* when the entries were read */
};

struct run {
	struct guest_run base;
	struct rig rig;
	struct viommu_amdvi_device *device[DEVICES];
	uint64_t table[LEVELS + 1][PER_LEVEL];
	struct model model;
	uint32_t moved; /* devices with the second of their IDs */
	bool no_rom;
};

/* A device has one of two IDs. */
static uint32_t id_of(const struct run *run, unsigned int d)
{
	return FIRST_ID + d - (run->moved >> d & 1) * 2 * DEVICES;
}

/* --- The model --- */

static void model_read(struct run *run, unsigned int d)
{
	uint64_t base = rig_read64(&run->rig, R_DEV_TAB), id = id_of(run, d);

	run->model.entry[d].reported = false;
	run->model.entry[d].at = (base & UINT64_C(0xffffffffff000)) + 32 * id;
	run->model.entry[d].found = id >= 128 * ((base & 0x1ff) + 1) ? BEYOND : run->model.entry[d].at >= RAM_BYTES ? UNREADABLE : READ;
	for (unsigned int i = 0; i < 4 && run->model.entry[d].found == READ; i++)
		run->model.entry[d].word[i] = rig_get(&run->rig, run->model.entry[d].at + 8 * i);
}

static void model_read_all(struct run *run)
{
	run->model.excl_base = rig_read64(&run->rig, R_EXCL_BASE);
	run->model.excl_limit = rig_read64(&run->rig, R_EXCL_LIMIT) | 0xfff;
	for (unsigned int d = 0; d < DEVICES; d++)
		model_read(run, d);
}

struct outcome {
	bool reached;
	uint64_t gpa;
	uint32_t prot;
	uint64_t event[2]; /* of an access that does not reach; zeros: none */
};

static struct outcome nothing(uint64_t dw0, uint64_t dw1)
{
	return (struct outcome){ .event = { dw0, dw1 } };
}

static struct outcome page_fault(struct run *run, unsigned int d, uint64_t iova, uint64_t flags)
{
	uint64_t dw1 = run->model.entry[d].word[1];
	bool first = !run->model.entry[d].reported;

	if (run->model.entry[d].found == BEYOND)
		return nothing(E(2) | flags | (id_of(run, d)), iova);
	run->model.entry[d].reported = true;
	if (dw1 >> 34 & 1 || (dw1 >> 33 & 1 && !first))
		return nothing(0, 0);
	return nothing(E(2) | E_DOMAIN(dw1 & 0xffff) | flags | (id_of(run, d)), iova);
}

/* Memory where an address leads, with no more than these rights. */
static struct outcome memory(struct run *run, unsigned int d, uint64_t iova, uint64_t gpa, uint32_t prot, uint32_t access, uint64_t rw)
{
	bool ram = gpa < RAM_BYTES, rom = !run->no_rom && gpa >= ROM_GPA && gpa < ROM_GPA + ROM_BYTES;

	if (access & ~prot)
		return page_fault(run, d, iova, E_PR | E_PE | rw);
	if (!(ram || rom) || (rom && access & VIOMMU_WRITE))
		return nothing(0, 0);
	return (struct outcome){ .reached = true, .gpa = gpa, .prot = rom ? prot & VIOMMU_READ : prot };
}

static struct outcome model_access(struct run *run, unsigned int d, uint64_t iova, uint32_t access)
{
	const struct naive_slot slots[] = {
		{ .gpa = 0, .bytes = RAM_BYTES, .memory = run->rig.ram, .writable = true },
		{ .gpa = ROM_GPA, .bytes = ROM_BYTES, .memory = run->rig.rom },
	};
	const struct naive_memory all = { slots, run->no_rom ? 1 : 2 };
	const uint64_t *word = run->model.entry[d].word;
	uint64_t rw = access & VIOMMU_WRITE ? E_RW : 0, id = id_of(run, d), domain = E_DOMAIN(word[1] & 0xffff);
	unsigned int mode = word[0] >> 9 & 7;
	uint32_t prot = (word[0] >> 61 & 1 ? VIOMMU_READ : 0) | (word[0] >> 62 & 1 ? VIOMMU_WRITE : 0);
	struct amdv1_answer answer;

	if (!run->model.enabled)
		return memory(run, d, iova, iova, VIOMMU_RW, access, rw);
	if (iova >> 20 == 0xfee)
		return access & VIOMMU_WRITE ? nothing(0, 0) : nothing(E(8) | id, iova);
	if (run->model.entry[d].found == UNREADABLE)
		return nothing(E(3) | E_ABORT | rw | id, run->model.entry[d].at);
	if (run->model.entry[d].found == BEYOND)
		return page_fault(run, d, iova, rw);
	if (!(word[0] & 1))
		return memory(run, d, iova, iova, VIOMMU_RW, access, rw);
	/* Bits 2 to 8, 52 to 55, 63; and 106. */
	if (word[0] & (UINT64_C(0x7f) << 2 | UINT64_C(0xf) << 52 | UINT64_C(1) << 63) || word[1] >> 42 & 1)
		return nothing(E(1) | E_RZ | rw | id, iova & ~UINT64_C(3));
	if (!(word[0] & 2))
		return page_fault(run, d, iova, rw);
	if (mode == 7)
		return nothing(E(1) | rw | id, iova & ~UINT64_C(3));
	if (mode == 0)
		return memory(run, d, iova, iova, prot, access, rw);
	/* Excluded: not translated. */
	if (run->model.excl_base & 1 && (run->model.excl_base & 2 || word[1] >> 39 & 1) && iova >= (run->model.excl_base & ~UINT64_C(0xfff)) &&
	    iova <= run->model.excl_limit)
		return nothing(0, 0);
	answer = naive_amdv1_walk(&all, word[0] & UINT64_C(0xffffffffff000), mode, prot & VIOMMU_READ, prot & VIOMMU_WRITE, iova);
	prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0);
	switch (answer.outcome) {
	case AMDV1_IS_PAGE:
		return memory(run, d, iova, answer.address, prot, access, rw);
	case AMDV1_BAD_LEVEL:
		return page_fault(run, d, iova, E_PR | rw);
	case AMDV1_IS_RESERVED:
		/*
		 * Reserved bits, or else a page size: leaves have bits 52 to 58, tables 52 to 60.
		 */
		if (answer.entry >> 52 & ((answer.entry >> 9 & 7) % 7 ? 0x1ff : 0x7f))
			return page_fault(run, d, iova, E_PR | E_RZ | rw);
		return page_fault(run, d, iova, E_PR | rw);
	case AMDV1_NO_TABLE:
		return nothing(E(4) | E_ABORT | domain | rw | id, answer.entry_at);
	default:
		return page_fault(run, d, iova, rw);
	}
}

/* --- Accesses --- */

static void check_soft(struct run *run, unsigned int d, uint64_t iova, uint32_t access)
{
	const struct outcome expected = model_access(run, d, iova, access);
	const uint8_t *hva = NULL;
	uint64_t record[2] = { 0 };

	guest_seen.reached += expected.reached;
	guest_seen.refused += !expected.reached;
	/* Everything is announced: there are no misses. */
	assert_int_equal(rig_reaches(run->device[d], iova, access, &hva), expected.reached);
	if (expected.reached) {
		assert_ptr_equal(hva, expected.gpa < RAM_BYTES ? run->rig.ram + expected.gpa : run->rig.rom + (expected.gpa - ROM_GPA));
		return;
	}
	assert_int_equal(rig_access(&run->rig, run->device[d], iova, access, NULL), -EFAULT);
	(void)rig_event(&run->rig, record);
	assert_int_equal(record[0], expected.event[0]);
	assert_int_equal(record[1], expected.event[1]);
	assert_no_event(&run->rig);
}

static void check_mock(struct run *run, unsigned int d, uint64_t iova)
{
	const struct mock_device *device = (const struct mock_device *)(void *)viommu_amdvi_device_device(run->device[d])->host_device;
	/* Events are none of this; what rights there are, is. */
	bool reported = run->model.entry[d].reported;
	struct outcome expected = model_access(run, d, iova, VIOMMU_READ);
	unsigned char *hva = NULL;
	uint32_t prot = 0;
	bool reached;

	iova &= ~(PAGE - 1);
	if (!expected.reached)
		expected = model_access(run, d, iova, VIOMMU_WRITE);
	run->model.entry[d].reported = reported;
	reached = device->space && mock_reach(run->base.host[d % GUEST_HOSTS], device->space, iova, &hva, &prot);
	guest_seen.reached += reached;
	guest_seen.refused += !reached;
	if (reached || !run->base.failing)
		assert_int_equal(reached, expected.reached);
	if (!reached)
		return;
	expected.gpa &= ~(PAGE - 1);
	assert_ptr_equal(hva, expected.gpa < RAM_BYTES ? run->rig.ram + expected.gpa : run->rig.rom + (expected.gpa - ROM_GPA));
	assert_int_equal(prot, expected.prot);
}

static uint64_t pick_iova(struct run *run)
{
	unsigned int top = 1 + (unsigned int)below(run, LEVELS);
	uint64_t iova = below(run, PAGE);

	for (unsigned int level = 1; level <= top; level++)
		iova |= (uint64_t)indexes[level][below(run, 6)] << (3 + 9 * level);
	return below(run, 8) ? iova : below(run, RAM_BYTES + PAGE);
}

/* The ends of each mapping that a host has for a device. */
static void check_mappings(struct run *run)
{
	for (unsigned int d = 0; d < DEVICES; d++) {
		const struct mock_device *device = (const struct mock_device *)(void *)viommu_amdvi_device_device(run->device[d])->host_device;

		for (size_t i = 0; device->space && i < device->space->mapped.number; i++) {
			check_mock(run, d, device->space->mapped.mapping[i].first);
			check_mock(run, d, device->space->mapped.mapping[i].last);
		}
	}
}

static void check_range(struct run *run, uint64_t first, uint64_t last, unsigned int domain)
{
	run->base.sampling = true;
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int d = (unsigned int)below(run, DEVICES);
		uint64_t iova = pick_iova(run);

		if (iova < first || iova > last || (domain && (run->model.entry[d].found != READ || (run->model.entry[d].word[1] & 0xffff) != domain)))
			continue;
		if (run->base.host[0])
			check_mock(run, d, iova);
		else
			check_soft(run, d, iova, 1 + (uint32_t)below(run, 3));
	}
	run->base.sampling = false;
}

/* --- What the guest does --- */

/* All entries that say a leaf which is larger than one of them. */
static void clear(struct run *run, uint64_t table, unsigned int level, unsigned int index)
{
	uint64_t entry = rig_get(&run->rig, table + 8 * index);
	unsigned int bits = 13, number;

	if ((entry & (P_PR | P_NEXT(7))) == (P_PR | P_NEXT(7))) {
		while (bits < 52 && entry >> (bits - 1) & 1)
			bits++;
		number = bits > 3 + 9 * level && bits <= 12 + 9 * level ? 1u << (bits - 3 - 9 * level) : 1;
		for (unsigned int i = index & ~(number - 1); i < (index | (number - 1)) + 1 && i < 512; i++)
			rig_put(&run->rig, table + 8 * i, 0);
	}
	rig_put(&run->rig, table + 8 * index, 0);
}

static uint64_t some_rights(struct run *run)
{
	return below(run, 4) ? D_RW : below(run, 4) << 61;
}

static void change_tables(struct run *run)
{
	unsigned int level = 1 + (unsigned int)below(run, LEVELS), index = indexes[level][below(run, 6)], number = 1, bits, next;
	uint64_t table = run->table[level][below(run, PER_LEVEL)], entry = some_rights(run) | P_PR;

	if (below(run, 2)) {
		level = 1;
		table = run->table[1][below(run, PER_LEVEL)];
		index = indexes[1][below(run, 6)];
	}
	switch (below(run, 12)) {
	case 0:
		entry = below(run, 2) ? 0 : DATA | D_RW;
		break;
	case 1:
		bits = 3 + 9 * level + (unsigned int)below(run, 11);
		if (bits < 13)
			bits = 13;
		if (bits > 64)
			bits = 64;
		entry |= (((UINT64_C(1) << (bits - 1)) - 1) & UINT64_C(0xffffffffff000)) | P_NEXT(7);
		if (bits >= 3 + 9 * level && bits <= 12 + 9 * level && level < 6)
			number = 1u << (bits - 3 - 9 * level);
		entry |= bits < 24 ? DATA : 0;
		break;
	case 2:
		entry |= (below(run, 2) ? HOLE_GPA : ROM_GPA) | P_NEXT(below(run, level));
		break;
	case 3:
		entry |= DATA | P_NEXT(below(run, 8)) | UINT64_C(1) << (52 + below(run, 9));
		break;
	case 4:
		/* Skipped levels, or a bad one. */
		next = (unsigned int)below(run, LEVELS + 1);
		entry |= run->table[next ? next : 1][0] | P_NEXT(next);
		break;
	default:
		if (level == 1 || below(run, 6) == 0)
			entry |= DATA + below(run, 64) * PAGE;
		else
			entry |= run->table[level - 1][below(run, PER_LEVEL)] | P_NEXT(level - 1);
	}
	/* The repetitions of one leaf are always complete, or none is there. */
	index &= ~(number - 1);
	for (unsigned int i = 0; i < number; i++)
		clear(run, table, level, index + i);
	for (unsigned int i = 0; i < number; i++)
		rig_put(&run->rig, table + 8 * (index + i), entry);
}

static void change_entry(struct run *run)
{
	unsigned int d = (unsigned int)below(run, DEVICES), mode = (unsigned int)below(run, 20);
	uint64_t dw0 = D_V | D_TV | some_rights(run), dw1 = 1 + below(run, 3);

	if (mode > 7)
		mode = 3 + mode % 4;
	dw0 |= D_MODE(mode) | run->table[mode && mode < 7 ? mode : 1][below(run, PER_LEVEL)];
	switch (below(run, 12)) {
	case 0:
		dw0 &= ~D_V;
		break;
	case 1:
		dw0 &= ~D_TV;
		break;
	case 2:
		dw0 ^= UINT64_C(1) << below(run, 64);
		break;
	case 3:
		dw1 ^= UINT64_C(1) << below(run, 64);
		break;
	case 4:
		dw1 |= below(run, 8) << 33;
		break;
	case 5:
		dw1 |= D1_EX;
		break;
	default:
		break;
	}
	rig_put_entry(&run->rig, id_of(run, d), dw0, dw1, 0, 0);
}

/* Sends a command, and a COMPLETION_WAIT behind it. */
static void command(struct run *run, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail = rig_read(&run->rig, R_CMD_TAIL);

	if (!run->model.enabled)
		return;
	rig_queue(&run->rig, &tail, dw0, dw1);
	rig_queue(&run->rig, &tail, WAIT | SEMAPHORE | 1, tail);
	rig_kick(&run->rig, tail);
	assert_int_equal(rig_read(&run->rig, R_CMD_HEAD), tail);
}

static void invalidate_range(struct run *run)
{
	uint64_t address = pick_iova(run) & ~(PAGE - 1), first = address, last = address | (PAGE - 1);
	unsigned int domain = 1 + (unsigned int)below(run, 3), bit = 12, bits = 12 + (unsigned int)below(run, 52);

	if (below(run, 4)) {
		/* The bits below it are ones, and it is 0. */
		address |= ((UINT64_C(1) << bits) - 1) & ~(PAGE - 1);
		while (bit < 64 && address >> bit & 1)
			bit++;
		first = bit >= 63 ? 0 : address >> (bit + 1) << (bit + 1);
		last = bit >= 63 ? UINT64_MAX : first + ((UINT64_C(2) << bit) - 1);
		command(run, INV_PAGES(domain), address | 1 | (below(run, 2) ? PDE : 0));
	} else {
		command(run, INV_PAGES(domain), address);
	}
	if (run->model.enabled)
		check_range(run, first, last, domain);
}

static void invalidate_all(struct run *run)
{
	command(run, INV_ALL, 0);
	if (run->model.enabled)
		model_read_all(run);
	check_range(run, 0, UINT64_MAX, 0);
	if (run->base.host[0] && run->model.enabled)
		check_mappings(run);
}

static void set_enabled(struct run *run, bool enabled)
{
	rig_write64(&run->rig, R_CONTROL, enabled ? ALL_EN : ALL_EN & ~IOMMU_EN);
	if (enabled == run->model.enabled)
		return;
	run->model.enabled = enabled;
	model_read_all(run);
}

static void exclude(struct run *run)
{
	rig_write64(&run->rig, R_EXCL_LIMIT, pick_iova(run));
	if (run->model.enabled)
		model_read_all(run);
	rig_write64(&run->rig, R_EXCL_BASE, below(run, 3) ? (pick_iova(run) & ~UINT64_C(3)) | below(run, 4) : 0);
	if (run->model.enabled)
		model_read_all(run);
}

/* Commands that are illegal stop the buffer, with an event. */
static void send_illegal(struct run *run)
{
	static const uint64_t illegal[][2] = {
		{ 0, 0 }, { OPCODE(4), 0 }, { OPCODE(7), 0 }, { OPCODE(9), 0 }, { OPCODE(15), UINT64_MAX }, { INV_ALL | 1, 0 }, { INV_PAGES(1), 4 },
	};
	unsigned int i = (unsigned int)below(run, sizeof(illegal) / sizeof(illegal[0]));

	if (run->model.enabled && !run->base.failing)
		rig_refused(&run->rig, illegal[i][0], illegal[i][1]);
}

/* All works again; accesses find what was missing, and an invalidation the rest. */
static void recover(struct run *run)
{
	const struct viommu_fault access = { .reason = VIOMMU_FAULT_BLOCKED, .access = VIOMMU_READ, .iova = UINT64_C(0xfffffffff000) };
	for (unsigned int d = 0; d < DEVICES; d++)
		(void)viommu_amdvi_device_fault(run->device[d], &access);
	while (rig_event(&run->rig, (uint64_t[2]){ 0 }))
		;
	for (unsigned int d = 0; d < DEVICES; d++)
		run->model.entry[d].reported = false;
	invalidate_all(run);
}

static void plug(struct run *run, unsigned int d)
{
	struct viommu_host *soft = run->rig.host;

	if (run->base.host[0])
		run->rig.host = &run->base.host[d % GUEST_HOSTS]->host;
	run->device[d] = rig_device(&run->rig, id_of(run, d));
	run->rig.host = soft;
}

/*
 * Unplugged and plugged again, or with its other ID, after an invalidation, so that a domain that
 * it shares is known. Its entry is read then.
 */
static void move(struct run *run)
{
	unsigned int d = (unsigned int)below(run, DEVICES);

	if (run->base.failing)
		return;
	guest_seen.moved++;
	invalidate_all(run);
	if (below(run, 2)) {
		run->moved ^= 1u << d;
		assert_int_equal(viommu_amdvi_device_set_id(run->device[d], id_of(run, d)), 0);
	} else {
		viommu_amdvi_device_remove(run->device[d]);
		plug(run, d);
	}
	model_read(run, d);
	check_range(run, 0, UINT64_MAX, 0);
}

static void change_slots(struct run *run)
{
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_READ, .gpa = ROM_GPA, .bytes = ROM_BYTES, .hva = run->rig.rom, .fd = -1 };

	if (run->base.failing)
		return;
	if (run->no_rom)
		assert_int_equal(viommu_slot_add(run->rig.vm, &slot), 0);
	else
		assert_int_equal(viommu_slot_remove(run->rig.vm, ROM_GPA), 0);
	run->no_rom = !run->no_rom;
	invalidate_all(run);
}

static void reset(struct run *run)
{
	if (run->base.failing)
		return;
	guest_seen.resets++;
	viommu_amdvi_reset(run->rig.amdvi);
	run->model.enabled = false;
	check_range(run, 0, UINT64_MAX, 0);
	rig_enable(&run->rig);
	run->model.enabled = true;
	model_read_all(run);
	invalidate_all(run);
}

static void step(struct run *run)
{
	switch (below(run, 17)) {
	case 0:
		invalidate_all(run);
		break;
	case 1: {
		unsigned int d = (unsigned int)below(run, DEVICES);

		command(run, INV_DEVICE(id_of(run, d)), 0);
		if (run->model.enabled && (rig_read64(&run->rig, R_EXCL_LIMIT) | 0xfff) == run->model.excl_limit)
			model_read(run, d);
		else if (run->model.enabled)
			invalidate_all(run);
		break;
	}
	case 2:
		exclude(run);
		break;
	case 3:
		if (below(run, 4) == 0)
			set_enabled(run, below(run, 3));
		break;
	case 4:
		send_illegal(run);
		break;
	case 5:
		if (below(run, 8) == 0)
			rig_write64(&run->rig, R_DEV_TAB, below(run, 2) ? HOLE_GPA | 3 : below(run, 2) ? DEVICE_TABLE | 4 : DEVICE_TABLE | 3);
		break;
	case 6:
	case 7:
	case 8:
		change_entry(run);
		break;
	case 9:
	case 10:
		invalidate_range(run);
		break;
	case 11:
		if (below(run, 8) == 0)
			reset(run);
		else if (below(run, 2))
			move(run);
		else
			change_slots(run);
		break;
	default:
		change_tables(run);
	}
}

static void up(struct run *run)
{
	struct rig_config config = rig_config();

	rig_up_as(&run->rig, &config);
	for (unsigned int level = 1; level <= LEVELS; level++)
		for (unsigned int i = 0; i < PER_LEVEL; i++)
			run->table[level][i] = rig_table(&run->rig);
	for (unsigned int i = 0; i < 150; i++)
		change_tables(run);
	rig_enable(&run->rig);
	run->model.enabled = true;
	for (unsigned int d = 0; d < DEVICES; d++)
		plug(run, d);
	model_read_all(run);
}

/* Each step compares what it has invalidated. */
static void check(struct run *run)
{
	(void)run;
}

static void down(struct run *run)
{
	set_enabled(run, true);
	invalidate_all(run);
	rig_down(&run->rig);
}

const struct guest_machine guest_machine = {
	.bytes = sizeof(struct run),
	.soft = true,
	.steps = 120,
	.up = up,
	.step = step,
	.check = check,
	.failed = invalidate_all,
	.recover = recover,
	.down = down,
};
