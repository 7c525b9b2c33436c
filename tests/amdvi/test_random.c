/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random device table entries, page tables, registers and commands, and random accesses, against a
 * model written from 48882 that keeps nothing but what an IOMMU may cache: the entries of the
 * device table as they were at the last command that named them. Tables are read by the naive
 * reference (tests/reference/naive_amdv1.h), from memory as it is, for IOVAs that have been
 * invalidated since they changed.
 *
 * On the soft host, each access has exactly the outcome and the event of the model. On hosts that
 * remove whole mappings only, in half of the runs with calls and allocations that fail, a device
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
#include "core/mock_host.h"
#include "core/port_wrap.h"
#include "naive_amdv1.h"

#define DEVICES	  4u
#define HOSTS	  2u
#define LEVELS	  6u
#define PER_LEVEL 2u
#define FIRST_ID  0x1feu /* the last two are beyond the table */
#define STEPS	  120u

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
	struct rig rig;
	struct mock_host *host[HOSTS]; /* NULL: the soft host */
	struct viommu_amdvi_device *device[DEVICES];
	uint64_t table[LEVELS + 1][PER_LEVEL];
	struct model model;
	uint64_t random;
	bool failing;
};

static uint64_t below(struct run *run, uint64_t limit)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return (run->random >> 16) % limit;
}

/* --- The model --- */

static void model_read(struct run *run, unsigned int d)
{
	uint64_t base = rig_read64(&run->rig, R_DEV_TAB), id = FIRST_ID + d;

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
		return nothing(E(2) | flags | (FIRST_ID + d), iova);
	run->model.entry[d].reported = true;
	if (dw1 >> 34 & 1 || (dw1 >> 33 & 1 && !first))
		return nothing(0, 0);
	return nothing(E(2) | E_DOMAIN(dw1 & 0xffff) | flags | (FIRST_ID + d), iova);
}

/* Memory where an address leads, with no more than these rights. */
static struct outcome memory(struct run *run, unsigned int d, uint64_t iova, uint64_t gpa, uint32_t prot, uint32_t access, uint64_t rw)
{
	bool ram = gpa < RAM_BYTES, rom = gpa >= ROM_GPA && gpa < ROM_GPA + ROM_BYTES;

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
	const struct naive_memory all = { slots, 2 };
	const uint64_t *word = run->model.entry[d].word;
	uint64_t rw = access & VIOMMU_WRITE ? E_RW : 0, id = FIRST_ID + d, domain = E_DOMAIN(word[1] & 0xffff);
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
	reached = device->space && mock_reach(run->host[d % HOSTS], device->space, iova, &hva, &prot);
	if (reached || !run->failing)
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

static void check(struct run *run, uint64_t first, uint64_t last, unsigned int domain)
{
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int d = (unsigned int)below(run, DEVICES);
		uint64_t iova = pick_iova(run);

		if (iova < first || iova > last || (domain && (run->model.entry[d].found != READ || (run->model.entry[d].word[1] & 0xffff) != domain)))
			continue;
		if (run->host[0])
			check_mock(run, d, iova);
		else
			check_soft(run, d, iova, 1 + (uint32_t)below(run, 3));
	}
	for (unsigned int i = 0; i < HOSTS; i++)
		if (run->host[i] && run->host[i]->breaches)
			fail_msg("%s", run->host[i]->breach);
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
	rig_put_entry(&run->rig, FIRST_ID + d, dw0, dw1, 0, 0);
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
		check(run, first, last, domain);
}

static void invalidate_all(struct run *run)
{
	command(run, INV_ALL, 0);
	if (run->model.enabled)
		model_read_all(run);
	check(run, 0, UINT64_MAX, 0);
	if (run->host[0] && run->model.enabled)
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

	if (run->model.enabled && !run->failing)
		rig_refused(&run->rig, illegal[i][0], illegal[i][1]);
}

static void inject(struct run *run)
{
	static const enum mock_call calls[] = { MOCK_MAP, MOCK_UNMAP, MOCK_FLUSH, MOCK_ATTACH, MOCK_DETACH, MOCK_CREATE, MOCK_REPLACE };
	static const int errors[] = { EIO, ENOMEM, ENOSPC, EINVAL };

	run->failing = true;
	if (below(run, 4) == 0)
		port_wrap.fail_at = 1 + below(run, 6);
	else
		mock_fail(run->host[below(run, HOSTS)], calls[below(run, 7)], 1 + below(run, 3), below(run, 2), errors[below(run, 4)]);
}

/* All works again; accesses find what was missing, and an invalidation the rest. */
static void recover(struct run *run)
{
	const struct viommu_fault access = { .reason = VIOMMU_FAULT_BLOCKED, .access = VIOMMU_READ, .iova = UINT64_C(0xfffffffff000) };

	port_wrap.fail_at = 0;
	for (unsigned int i = 0; i < HOSTS; i++)
		for (unsigned int call = 0; call < MOCK_CALLS; call++)
			mock_fail(run->host[i], (enum mock_call)call, 0, false, 0);
	for (unsigned int d = 0; d < DEVICES; d++)
		(void)viommu_amdvi_device_fault(run->device[d], &access);
	while (rig_event(&run->rig, (uint64_t[2]){ 0 }))
		;
	run->failing = false;
	for (unsigned int d = 0; d < DEVICES; d++)
		run->model.entry[d].reported = false;
	invalidate_all(run);
}

static void step(struct run *run)
{
	switch (below(run, 16)) {
	case 0:
		invalidate_all(run);
		break;
	case 1: {
		unsigned int d = (unsigned int)below(run, DEVICES);

		command(run, INV_DEVICE(FIRST_ID + d), 0);
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
	default:
		change_tables(run);
	}
}

static void one_run(uint64_t seed, bool mock, bool failing)
{
	const struct mock_options options = { .last = 0 };
	struct rig_config config = rig_config();
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (unsigned int i = 0; mock && i < HOSTS; i++)
		run->host[i] = mock_create(&options);
	rig_up_as(&run->rig, &config);
	for (unsigned int level = 1; level <= LEVELS; level++)
		for (unsigned int i = 0; i < PER_LEVEL; i++)
			run->table[level][i] = rig_table(&run->rig);
	for (unsigned int i = 0; i < 150; i++)
		change_tables(run);
	rig_enable(&run->rig);
	run->model.enabled = true;
	for (unsigned int d = 0; d < DEVICES; d++) {
		struct viommu_host *soft = run->rig.host;

		if (mock)
			run->rig.host = &run->host[d % HOSTS]->host;
		run->device[d] = rig_device(&run->rig, FIRST_ID + d);
		run->rig.host = soft;
	}
	model_read_all(run);
	for (unsigned int i = 0; i < STEPS; i++) {
		step(run);
		if (failing && below(run, 8) == 0) {
			inject(run);
			invalidate_all(run);
		}
		if (run->failing && below(run, 4) == 0)
			recover(run);
	}
	if (mock)
		recover(run);
	set_enabled(run, true);
	invalidate_all(run);
	rig_down(&run->rig);
	if (mock)
		assert_int_equal(port_wrap.outstanding, 0);
	for (unsigned int i = 0; mock && i < HOSTS; i++)
		mock_destroy(run->host[i]);
	free(run);
}

/* The semaphore is stored when the host has removed and flushed, and not before. */
static void watch(void *ctx, struct mock_space *space, const struct mock_event *event)
{
	struct run *run = ctx;

	(void)space;
	(void)event;
	if (rig_get(&run->rig, SEMAPHORE))
		run->failing = true;
}

static void test_order(void **state)
{
	const struct mock_options options = { .last = 0 };
	struct rig_config config = rig_config();
	static struct run run;
	uint32_t tail = 0;
	uint64_t root;

	(void)state;
	memset(&run, 0, sizeof(run));
	run.host[0] = mock_create(&options);
	config.host = &run.host[0]->host;
	rig_up_as(&run.rig, &config);
	rig_enable(&run.rig);
	root = rig_table(&run.rig);
	rig_map(&run.rig, root, 3, 0, DATA, P_RW);
	rig_put_entry(&run.rig, 1, D_V | D_TV | D_RW | D_MODE(3) | root, 5, 0, 0);
	run.device[0] = rig_device(&run.rig, 1);
	mock_forget(run.host[0]);
	run.host[0]->watch = watch;
	run.host[0]->watch_ctx = &run;
	rig_map(&run.rig, root, 3, 0, 0, 0);
	rig_queue(&run.rig, &tail, INV_PAGES(5), 0);
	rig_queue(&run.rig, &tail, WAIT | SEMAPHORE | 1, 1);
	rig_kick(&run.rig, tail);
	assert_int_equal(rig_get(&run.rig, SEMAPHORE), 1);
	assert_int_equal(run.host[0]->calls[MOCK_UNMAP], 1);
	assert_int_equal(run.host[0]->calls[MOCK_FLUSH], 1);
	assert_false(run.failing);
	run.host[0]->watch = NULL;
	rig_down(&run.rig);
	mock_destroy(run.host[0]);
}

/* A host has fewer IOVAs than the mode, and its last ones are no whole page. */
static void test_aperture(void **state)
{
	const struct mock_options options = { .last = (UINT64_C(1) << 40) + 0x7ff };
	const struct mock_device *device;
	struct rig_config config = rig_config();
	struct mock_host *host = mock_create(&options);
	unsigned char *hva;
	uint32_t prot;
	uint64_t root;
	struct rig rig;

	(void)state;
	config.host = &host->host;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	for (unsigned int mode = 4; mode <= 6; mode++) {
		root = rig_table(&rig);
		rig_map(&rig, root, mode, 0, DATA, P_RW);
		rig_map(&rig, root, mode, (UINT64_C(1) << 40) - PAGE, DATA, P_RW);
		rig_map(&rig, root, mode, UINT64_C(1) << 40, DATA, P_RW);
		rig_put_entry(&rig, mode, D_V | D_TV | D_RW | D_MODE(mode) | root, 5, 0, 0);
		device = (const struct mock_device *)(void *)viommu_amdvi_device_device(rig_device(&rig, mode))->host_device;
		assert_non_null(device->space);
		assert_true(mock_reach(host, device->space, 0, &hva, &prot));
		assert_true(mock_reach(host, device->space, (UINT64_C(1) << 40) - PAGE, &hva, &prot));
		assert_false(mock_reach(host, device->space, UINT64_C(1) << 40, &hva, &prot));
		assert_int_equal(mock_pages(host, device->space), 2);
	}
	assert_int_equal(host->breaches, 0);
	rig_down(&rig);
	mock_destroy(host);
}

static void test_soft(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++)
		one_run(seed, false, false);
}

static void test_hosts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++)
		one_run(seed, true, false);
}

static void test_failing_hosts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++)
		one_run(seed, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_aperture), cmocka_unit_test(test_soft),
					    cmocka_unit_test(test_hosts), cmocka_unit_test(test_failing_hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
