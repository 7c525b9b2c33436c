/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random tables, contexts, invalidations and accesses on two hosts that remove whole mappings only
 * and report no misses, against a model written from the specification. The model shares nothing
 * with the library: it reads contexts itself, and tables by reference/naive_vtdss.h.
 *
 * The model keeps for each pair of tables and domain ID what hardware may have cached. In what was
 * invalidated, a device reaches what the tables say now. Elsewhere it reaches that or what was
 * cached. Hosts and allocations fail in some runs: then a page may be missing, but what was
 * invalidated is never stale.
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
#include "naive_vtdss.h"

#define DEVICES 4u
#define DIDS	3u
#define RANGES	5u
#define IOVAS	(RANGES * 8u) /* pages that are looked at */

/* Tables by level: two tops, and tables below them. */
#define TOPS	 2u
#define MIDDLES	 3u
#define LEAVES	 4u
#define TABLE(n) (TABLES + (n)*PAGE)

/* The target of a page; no rights: it has none. */
struct reach {
	uint64_t gpa;
	uint32_t prot;
};

/* A device's configuration, as the model reads it. */
struct config {
	bool tables, direct;
	uint64_t root;
	unsigned int levels;
	uint32_t domain_id;
	uint32_t reason; /* neither: the fault */
	bool silent;
};

struct domain {
	bool used;
	struct config config;
	unsigned int host;
	struct reach cached[IOVAS];
};

struct run {
	struct guest_run base;
	struct rig rig;
	struct viommu_vtd_device *device[DEVICES];
	struct config config[DEVICES];
	struct domain domain[2 * DEVICES];
	struct naive_slot slot[2];
	struct naive_memory memory;
	bool enabled;
	uint32_t moved; /* devices with the second of their source IDs */
};

/* Around the interrupt address range, within 2 MiB, across 1 GiB, at the ends of 39 bits. */
static uint64_t iova_of(unsigned int n)
{
	static const uint64_t first[RANGES] = { 0xfedfc000, 0xfeefc000, 0x200000, 0x3fffc000, UINT64_C(0x7fffff8000) };

	return first[n / 8] + n % 8 * PAGE;
}

/* A device has one of two source IDs. */
static uint32_t source_of(const struct run *run, unsigned int device)
{
	return 9 * device + (run->moved >> device & 1);
}

static uint64_t load(const struct run *run, uint64_t gpa, bool *there)
{
	uint64_t value = 0;

	*there &= naive_load_little(&run->memory, gpa, &value);
	return value;
}

static bool same(const struct config *a, const struct config *b)
{
	return a->tables == b->tables && a->root == b->root && a->levels == b->levels && a->domain_id == b->domain_id;
}

/* The root table and the context table of legacy mode. */
static struct config read_config(const struct run *run, unsigned int device)
{
	struct config config = { .tables = false };
	bool there = true;
	uint64_t low = load(run, ROOT, &there), high = load(run, ROOT + 8, &there);
	uint64_t aw;

	if (!run->enabled) {
		config.direct = true;
		return config;
	}
	if (!(low & 1)) {
		config.reason = 0x01;
		return config;
	}
	if (low >> 46 || low & 0xffe || high) {
		config.reason = 0x0a;
		return config;
	}
	low &= ~UINT64_C(0xfff);
	high = load(run, low + 16 * source_of(run, device) + 8, &there);
	low = load(run, low + 16 * source_of(run, device), &there);
	if (!there) {
		config.reason = 0x09;
		return config;
	}
	config.silent = low >> 1 & 1;
	aw = high & 7;
	if (!(low & 1))
		config.reason = 0x02;
	else if (low >> 46 || low & 0xff0 || high & 0x80 || high >> 24)
		config.reason = 0x0b;
	else if ((low >> 2 & 3) % 2 || (aw != 1 && aw != 2))
		config.reason = 0x03;
	else if (low >> 2 & 3)
		config.direct = true;
	else
		config.tables = true;
	if (config.tables) {
		config.root = low & ~UINT64_C(0xfff);
		config.levels = 2 + (unsigned int)aw;
		config.domain_id = high >> 8 & 0xffff;
	}
	return config;
}

/* A page by the tables as they are now, and the reason why they do not translate an access. */
static struct reach read_tables(const struct run *run, const struct config *config, uint64_t iova, uint32_t access, uint32_t *reason)
{
	struct reach reach = { 0, 0 };
	struct vtdss_answer answer;
	bool writable = false;

	*reason = 0;
	if (iova >> 20 == 0xfee)
		return reach;
	answer = naive_vtdss_walk(&run->memory, config->root, config->levels, iova);
	switch (answer.outcome) {
	case VTDSS_TOO_HIGH:
		*reason = 0x04;
		return reach;
	case VTDSS_RESERVED:
		*reason = 0x0c;
		return reach;
	case VTDSS_NO_TABLE:
		*reason = answer.entry_at >> 46 ? 0x0c : 0x07;
		return reach;
	case VTDSS_NOTHING:
		*reason = access & VIOMMU_WRITE ? 0x05 : 0x06;
		return reach;
	default:
		break;
	}
	if ((access & VIOMMU_WRITE && !answer.writable) || (access & VIOMMU_READ && !answer.readable))
		*reason = access & VIOMMU_WRITE ? 0x05 : 0x06;
	if (!naive_byte(&run->memory, answer.address, &writable)) {
		if (!*reason)
			*reason = answer.address >> 20 == 0xfee ? 0x0e : answer.address >> 46 ? 0x0c : 0;
		return reach;
	}
	reach.gpa = answer.address;
	reach.prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable && writable ? VIOMMU_WRITE : 0);
	return reach;
}

static struct reach direct(const struct run *run, uint64_t iova)
{
	bool writable = false;

	if (!naive_byte(&run->memory, iova, &writable))
		return (struct reach){ 0, 0 };
	return (struct reach){ iova, writable ? VIOMMU_RW : VIOMMU_READ };
}

static struct domain *domain_of(struct run *run, unsigned int device)
{
	for (unsigned int i = 0; i < 2 * DEVICES; i++)
		if (run->domain[i].used && run->domain[i].host == device % GUEST_HOSTS && same(&run->domain[i].config, &run->config[device]))
			return &run->domain[i];
	return NULL;
}

/* Domains without a device are gone; a new one is synchronised with its tables. */
static void model_contexts(struct run *run, uint32_t devices)
{
	for (unsigned int d = 0; d < DEVICES; d++)
		if (devices >> d & 1)
			run->config[d] = read_config(run, d);
	for (unsigned int i = 0; i < 2 * DEVICES; i++) {
		bool used = false;

		for (unsigned int d = 0; d < DEVICES; d++)
			used |= run->config[d].tables && domain_of(run, d) == &run->domain[i];
		run->domain[i].used &= used;
	}
	for (unsigned int d = 0; d < DEVICES; d++) {
		struct domain *domain = run->domain;
		uint32_t reason;

		if (!run->config[d].tables || domain_of(run, d))
			continue;
		while (domain->used)
			domain++;
		*domain = (struct domain){ .used = true, .config = run->config[d], .host = d % GUEST_HOSTS };
		for (unsigned int i = 0; i < IOVAS; i++)
			domain->cached[i] = read_tables(run, &domain->config, iova_of(i), 0, &reason);
	}
}

static void model_invalidate(struct run *run, bool all, uint32_t domain_id, uint64_t first, uint64_t last)
{
	uint32_t reason;

	for (unsigned int n = 0; n < 2 * DEVICES; n++)
		for (unsigned int i = 0; run->domain[n].used && (all || run->domain[n].config.domain_id == domain_id) && i < IOVAS; i++)
			if (iova_of(i) >= first && iova_of(i) <= last)
				run->domain[n].cached[i] = read_tables(run, &run->domain[n].config, iova_of(i), 0, &reason);
}

static bool equal(const struct reach *a, const struct reach *b)
{
	return a->prot == b->prot && (!a->prot || a->gpa == b->gpa);
}

static struct reach reached(const struct run *run, unsigned int device, uint64_t iova)
{
	const struct mock_device *at = (const struct mock_device *)(void *)viommu_vtd_device_device(run->device[device])->host_device;
	struct reach reach = { 0, 0 };
	unsigned char *hva = NULL;

	if (!at->space || !mock_reach(run->base.host[device % GUEST_HOSTS], at->space, iova, &hva, &reach.prot))
		return (struct reach){ 0, 0 };
	reach.gpa = hva >= run->rig.ram && hva < run->rig.ram + RAM_BYTES ? (uint64_t)(hva - run->rig.ram) : ROM_GPA + (uint64_t)(hva - run->rig.rom);
	return reach;
}

static void check_page(struct run *run, unsigned int d, unsigned int i)
{
	const struct reach now = reached(run, d, iova_of(i));
	struct reach cached = { 0, 0 }, tables = { 0, 0 };
	struct domain *domain = run->config[d].tables ? domain_of(run, d) : NULL;
	uint32_t reason;

	if (run->config[d].direct)
		cached = tables = direct(run, iova_of(i));
	if (domain) {
		cached = domain->cached[i];
		tables = read_tables(run, &domain->config, iova_of(i), 0, &reason);
	}
	guest_seen.reached += now.prot != 0;
	guest_seen.refused += !now.prot;
	if (!equal(&now, &cached) && !equal(&now, &tables) && !(run->base.failing && !now.prot))
		fail_msg("device %u, IOVA %#llx: reaches %#llx with rights %u, and not %#llx with %u or %#llx with %u", d, (unsigned long long)iova_of(i),
			 (unsigned long long)now.gpa, now.prot, (unsigned long long)cached.gpa, cached.prot, (unsigned long long)tables.gpa, tables.prot);
	/* It may have been looked up anew. */
	if (domain && equal(&now, &tables))
		domain->cached[i] = tables;
}

static void check(struct run *run)
{
	for (unsigned int d = 0; d < DEVICES; d++)
		for (unsigned int i = 0; i < IOVAS; i++)
			check_page(run, d, i);
}

/* All works again; the guest invalidates everything. */
static void recover(struct run *run)
{
	rig_command(&run->rig, CC_GLOBAL, 0);
	model_contexts(run, UINT32_MAX);
	rig_command(&run->rig, IOTLB_GLOBAL, 0);
	model_invalidate(run, true, 0, 0, UINT64_MAX);
}

static uint64_t draw_entry(struct run *run, unsigned int level)
{
	uint64_t flip = below(run, 12) ? 0 : UINT64_C(1) << below(run, 64), prot = below(run, 4) ? 3 : below(run, 4);

	switch (below(run, 8)) {
	case 0:
		return 0;
	case 1: /* a large page, where there is one */
		if (level)
			return flip ^ (below(run, RAM_BYTES >> 21) << 21 | prot | E_PS);
		return flip ^ (ROM_GPA | prot);
	case 2:
		if (!level)
			return flip ^ ((below(run, 2) ? HOLE_GPA : 0xfee00000) | prot);
		return flip ^ (HOLE_GPA | prot);
	default:
		if (level == 2)
			return flip ^ (TABLE(TOPS + below(run, MIDDLES)) | prot);
		if (level == 1)
			return flip ^ (TABLE(TOPS + MIDDLES + below(run, LEAVES)) | prot);
		return flip ^ ((DATA + below(run, 64) * PAGE) | prot);
	}
}

/* Entries on the way to the IOVAs that are looked at. */
static void write_tables(struct run *run)
{
	for (uint64_t n = 1 + below(run, 8); n; n--) {
		uint64_t iova = iova_of((unsigned int)below(run, IOVAS));
		unsigned int level = (unsigned int)below(run, 3);
		uint64_t table = level == 2   ? TABLE(below(run, TOPS))
				 : level == 1 ? TABLE(TOPS + below(run, MIDDLES))
					      : TABLE(TOPS + MIDDLES + below(run, LEAVES));

		rig_put(&run->rig, table + 8 * (iova >> (12 + 9 * level) & 511), draw_entry(run, level));
	}
}

static void write_context(struct run *run)
{
	uint64_t flip0 = below(run, 6) ? 0 : UINT64_C(1) << below(run, 64), flip1 = below(run, 10) ? 0 : UINT64_C(1) << below(run, 64);
	uint64_t kind = below(run, 6) ? CONTEXT_SECOND : CONTEXT_PASS_THROUGH;

	if (below(run, 30) == 0) {
		rig_put(&run->rig, ROOT, below(run, 2) ? CONTEXTS | 1 : (CONTEXTS | 1) ^ flip0);
		return;
	}
	rig_put_context(&run->rig, source_of(run, (unsigned int)below(run, DEVICES)), flip0 ^ (TABLE(below(run, TOPS)) | kind),
			flip1 ^ CONTEXT1(1, 1 + below(run, DIDS)));
}

static void invalidate_contexts(struct run *run)
{
	unsigned int device = (unsigned int)below(run, DEVICES);

	switch (below(run, 4)) {
	case 0:
		rig_command(&run->rig, CC_GLOBAL, 0);
		model_contexts(run, UINT32_MAX);
		return;
	case 1:
		rig_write64(&run->rig, R_CCMD, UINT64_C(1) << 63 | (1 + below(run, 3)) << 61 | below(run, UINT32_MAX));
		model_contexts(run, UINT32_MAX);
		return;
	default:
		rig_command(&run->rig, CC_DEVICE(source_of(run, device)), 0);
		model_contexts(run, 1u << device);
	}
}

static void invalidate_iotlb(struct run *run)
{
	uint32_t domain_id = 1 + (uint32_t)below(run, DIDS);
	uint64_t iova = iova_of((unsigned int)below(run, IOVAS)), am = below(run, 4) ? below(run, 4) : below(run, 19), bytes = PAGE << am;

	switch (below(run, 6)) {
	case 0:
		rig_command(&run->rig, IOTLB_GLOBAL, 0);
		model_invalidate(run, true, 0, 0, UINT64_MAX);
		return;
	case 1:
		rig_command(&run->rig, IOTLB_DOMAIN(domain_id), 0);
		model_invalidate(run, false, domain_id, 0, UINT64_MAX);
		return;
	case 2:
		rig_write64(&run->rig, R_IVA, iova | am);
		rig_write64(&run->rig, R_IOTLB, UINT64_C(1) << 63 | UINT64_C(3) << 60 | (uint64_t)domain_id << 32);
		break;
	default:
		rig_command(&run->rig, IOTLB_PAGES(domain_id), iova | am | below(run, 2) << 6);
	}
	model_invalidate(run, false, domain_id, iova & ~(bytes - 1), iova | (bytes - 1));
}

/* A device model's miss: the tables as they are, and the fault that the model expects. */
static void miss(struct run *run)
{
	unsigned int d = (unsigned int)below(run, DEVICES), i = (unsigned int)below(run, IOVAS);
	uint32_t access = below(run, 2) ? VIOMMU_WRITE : VIOMMU_READ, reason = run->config[d].reason;
	uint64_t iova = iova_of(i);
	struct reach reach = direct(run, iova);
	struct record record = { 0 };
	int ret;

	if (run->base.failing)
		return;
	if (run->config[d].tables)
		reach = read_tables(run, &run->config[d], iova, access, &reason);
	ret = rig_fault(run->device[d], iova, access);
	if (iova >> 20 == 0xfee) {
		assert_int_equal(ret, access == VIOMMU_WRITE ? VIOMMU_VTD_IS_INTERRUPT : -EFAULT);
		return;
	}
	if ((run->config[d].tables || run->config[d].direct) && !(access & ~reach.prot) && !reason) {
		assert_int_equal(ret, 0);
		check_page(run, d, i);
		return;
	}
	assert_int_equal(ret, -EFAULT);
	assert_int_equal(rig_record(&run->rig, &record), reason && !run->config[d].silent);
	if (reason && !run->config[d].silent) {
		assert_int_equal(record.reason, reason);
		assert_int_equal(record.source_id, source_of(run, d));
		assert_int_equal(record.read, access == VIOMMU_READ);
		assert_true(record.info == iova);
	}
}

/* Unplugged and plugged again, or with its other source ID. */
static void move(struct run *run)
{
	unsigned int d = (unsigned int)below(run, DEVICES);

	if (run->base.failing)
		return;
	guest_seen.moved++;
	if (below(run, 2)) {
		run->moved ^= 1u << d;
		assert_int_equal(viommu_vtd_device_set_id(run->device[d], source_of(run, d)), 0);
	} else {
		viommu_vtd_device_remove(run->device[d]);
		run->config[d] = (struct config){ .tables = false };
		model_contexts(run, 0);
		run->rig.host = &run->base.host[d % GUEST_HOSTS]->host;
		run->device[d] = rig_device(&run->rig, source_of(run, d));
	}
	model_contexts(run, 1u << d);
}

/* The ROM comes or goes. Where it was, no page is left. */
static void change_slots(struct run *run)
{
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_READ, .gpa = ROM_GPA, .bytes = ROM_BYTES, .hva = run->rig.rom, .fd = -1 };

	if (run->base.failing)
		return;
	if (run->memory.count == 1) {
		assert_int_equal(viommu_slot_add(run->rig.vm, &slot), 0);
		run->memory.count = 2;
		return;
	}
	assert_int_equal(viommu_slot_remove(run->rig.vm, ROM_GPA), 0);
	run->memory.count = 1;
	for (unsigned int n = 0; n < 2 * DEVICES; n++)
		for (unsigned int i = 0; i < IOVAS; i++)
			if (run->domain[n].cached[i].gpa >= ROM_GPA)
				run->domain[n].cached[i] = (struct reach){ 0, 0 };
}

static void check(struct run *run);

static void reset(struct run *run)
{
	if (run->base.failing)
		return;
	guest_seen.resets++;
	viommu_vtd_reset(run->rig.vtd);
	run->enabled = false;
	model_contexts(run, UINT32_MAX);
	check(run);
	rig_enable(&run->rig);
	run->enabled = true;
	model_contexts(run, UINT32_MAX);
}

static void step(struct run *run)
{
	switch (below(run, 13)) {
	case 0:
		write_context(run);
		return;
	case 1:
	case 2:
		invalidate_contexts(run);
		return;
	case 3:
	case 4:
	case 5:
	case 6:
		invalidate_iotlb(run);
		return;
	case 7:
		miss(run);
		return;
	case 8:
		if (below(run, 12))
			return;
		run->enabled = !run->enabled;
		rig_write(&run->rig, R_GCMD, QIE | (run->enabled ? TE : 0));
		model_contexts(run, UINT32_MAX);
		return;
	case 9:
		if (below(run, 8) == 0)
			reset(run);
		else if (below(run, 2))
			move(run);
		else
			change_slots(run);
		return;
	default:
		write_tables(run);
	}
}

static void up(struct run *run)
{
	struct rig_config config = rig_config();

	config.host = &run->base.host[0]->host;
	rig_up_as(&run->rig, &config);
	run->slot[0] = (struct naive_slot){ 0, RAM_BYTES, run->rig.ram, true };
	run->slot[1] = (struct naive_slot){ ROM_GPA, ROM_BYTES, run->rig.rom, false };
	run->memory = (struct naive_memory){ run->slot, 2 };
	rig_enable(&run->rig);
	run->enabled = true;
	for (unsigned int i = 0; i < DEVICES; i++) {
		run->rig.host = &run->base.host[i % GUEST_HOSTS]->host;
		run->device[i] = rig_device(&run->rig, source_of(run, i));
		rig_put_context(&run->rig, source_of(run, i), TABLE(i % TOPS) | CONTEXT_SECOND, CONTEXT1(1, 1 + i % DIDS));
	}
	for (unsigned int i = 0; i < 20; i++)
		write_tables(run);
}

static void down(struct run *run)
{
	rig_down(&run->rig);
}

const struct guest_machine guest_machine = {
	.bytes = sizeof(struct run), .steps = 200, .up = up, .step = step, .check = check, .recover = recover, .down = down
};
