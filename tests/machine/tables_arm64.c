/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables_arm64.h"

#include "machine.h"

#define MIB    UINT64_C(0x100000)
#define TABLES 8u /* 64 KiB each, for all granules and levels */
#define PLAIN  UINT64_C(0x443)

static const struct arm64_tables *of(const struct machine_tables *tables)
{
	return (const struct arm64_tables *)(const void *)tables->format;
}

static unsigned int shift_of(unsigned int granule)
{
	return granule == 4 ? 12 : granule == 16 ? 14 : 16;
}

static uint64_t take_home(const struct world *world, struct input *input)
{
	unsigned int n = input_byte(input);

	return world->places == WORLD_PLACES ? 3 * MIB + (n % TABLES << 16) : MIB + (n % 4 << 16);
}

/* A few indexes, so that paths share tables. */
static uint64_t take_index(struct input *input, uint64_t entries)
{
	static const uint64_t few[] = { 0, 1, 2, 63, 64, 255, 256 };
	unsigned int byte = input_byte(input);

	return byte & 0x80 ? entries - 1 - few[byte & 3] % entries : few[byte % 7] % entries;
}

static uint64_t take_page(const struct world *world, struct input *input, unsigned int shift)
{
	uint64_t page = world_take_page(input) + (world->places == WORLD_PLACES && input_byte(input) & 1 ? 2 * MIB : 0);

	return page >> shift << shift;
}

static uint64_t take_entry(const struct world *world, struct input *input, unsigned int shift)
{
	unsigned int byte = input_byte(input);
	uint64_t low = byte & 0x70 ? PLAIN : input_below(input, 0x1000),
		 high = (byte & 0x18) == 0x18 ? (uint64_t)input_byte(input) << 56 & UINT64_C(7) << 60 : 0;
	uint64_t read_only = (byte & 0x88) == 0x80 ? 0x80 : 0;

	switch (byte & 7) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3:
		return high | take_home(world, input) | 3;
	case 4: /* a block, usually with memory */
		return high | (byte & 0x30 ? input_below(input, 2) * 2 * MIB : input_below(input, 1 << 20) << 21) | (low & ~UINT64_C(2)) | read_only;
	case 5: /* far away */
		return high | (input_below(input, UINT64_C(1) << 36) << 12 >> shift << shift) | low;
	default: /* a page, or the same value at another level */
		return high | take_page(world, input, shift) | low | read_only;
	}
}

static void write_entries(struct world *world, struct input *input, unsigned int granule, uint64_t table)
{
	unsigned int shift = shift_of(granule), byte = input_byte(input);
	uint64_t entries = UINT64_C(1) << (shift - 3), index = take_index(input, entries), entry = take_entry(world, input, shift);

	for (unsigned int run = byte & 3 ? 1 : 1 + byte / 4 % 20; run && index < entries; run--, index++) {
		world_store(world, table + index * 8, entry);
		entry += UINT64_C(1) << shift;
	}
}

static void arm64_write(struct world *world, struct input *input)
{
	static const unsigned int granules[] = { 4, 16, 64, 4 };

	write_entries(world, input, granules[input_byte(input) & 3], take_home(world, input));
}

/* In a domain's tables, at one of the walk's levels. */
static void arm64_map(struct machine *machine, const struct machine_tables *tables, struct input *input)
{
	const struct arm64_tables *naive = of(tables);
	struct world *world = machine->world;
	uint64_t iova = machine_arm64.take_iova(machine, tables, input), entry;
	unsigned int shift = shift_of(naive->granule);

	for (unsigned int level = 0; level < 4; level++) {
		struct arm64_answer answer = naive_arm64_walk(&world->memory, naive, iova);

		/* The entry that ended the walk becomes a table, a page or a block. */
		if (answer.entry_at == UINT64_MAX || answer.outcome == ARM64_IS_PAGE || !world_at(world, answer.entry_at))
			break;
		entry = take_entry(world, input, shift);
		if (answer.arm_level == 3)
			world_store(world, answer.entry_at, (entry & 3) == 3 ? entry : take_page(world, input, shift) | PLAIN);
		else
			world_store(world, answer.entry_at, (entry & 3) == 1 ? entry : take_home(world, input) | 3);
	}
	write_entries(world, input, naive->granule, take_home(world, input));
}

static bool arm64_take(struct machine *machine, struct input *input, bool honest, struct machine_tables *tables)
{
	static const unsigned int granules[] = { 4, 16, 64, 4 };
	struct arm64_tables *naive = (struct arm64_tables *)(void *)tables->format;
	unsigned int kind = input_byte(input), more = input_byte(input);

	(void)honest;
	*naive = (struct arm64_tables){
		.granule = granules[kind & 3],
		.epd0 = (kind >> 2 & 3) == 1,
		.epd1 = (kind >> 2 & 3) == 2 || kind >> 2 == 3,
		.affd = kind & 0x10,
		.had0 = kind & 0x20,
		.had1 = kind & 0x40,
		.privileged = kind & 0x80,
		.ips = more % 6,
		.t0sz = 16 + (unsigned int)input_below(input, 24),
		.t1sz = 16 + (unsigned int)input_below(input, 24),
	};
	naive->ttb0 = take_home(machine->world, input);
	naive->ttb1 = take_home(machine->world, input);
	tables->first = naive->epd0 ? naive->epd1 ? 0 : 0 - (UINT64_C(1) << (64 - naive->t1sz)) : 0;
	tables->last = naive->epd1 ? (UINT64_C(1) << (64 - naive->t0sz)) - 1 : UINT64_MAX;
	return true;
}

static int arm64_create(struct machine *machine, const struct machine_tables *tables, struct viommu_refresh_result *result, struct viommu_domain **domain)
{
	struct viommu_smmuv3_stage1 stage1 = arm64_stage1(of(tables));

	return viommu_domain_create(machine->vm, machine->host, VIOMMU_DOMAIN_SMMUV3, &stage1, result, domain);
}

static uint64_t arm64_take_iova(const struct machine *machine, const struct machine_tables *tables, struct input *input)
{
	const struct arm64_tables *naive = of(tables);
	unsigned int byte = input_byte(input), shift = shift_of(naive->granule), bits;
	bool upper = naive->epd0 || (!naive->epd1 && byte & 1);
	uint64_t iova;

	(void)machine;
	if (byte >= 0xf8 || !naive->granule)
		return input_take(input, 8);
	bits = 64 - (upper ? naive->t1sz : naive->t0sz);
	iova = input_below(input, UINT64_C(1) << shift);
	for (unsigned int at = shift; at < bits; at += shift - 3)
		iova |= take_index(input, UINT64_C(1) << (shift - 3)) << at;
	iova &= (UINT64_C(1) << bits) - 1;
	return upper ? iova | ~((UINT64_C(1) << bits) - 1) : iova;
}

static struct naive_answer translate(const struct naive_memory *memory, const struct arm64_answer *arm)
{
	struct naive_answer answer = { .level = arm->level, .top = arm->level, .entry_gpa = arm->entry_at, .entry = arm->entry };
	bool writable = false;

	switch (arm->outcome) {
	case ARM64_IS_PAGE:
		answer.gpa = arm->address & ~(PAGE - 1);
		answer.outcome = arm->readable ? NAIVE_PAGE : NAIVE_NOTHING;
		if (arm->readable && !naive_byte(memory, answer.gpa, &writable))
			answer.outcome = NAIVE_LEAF_UNBACKED;
		answer.writable = arm->writable && writable;
		break;
	case ARM64_ACCESS_FLAG:
		answer.outcome = NAIVE_TYPE;
		break;
	case ARM64_SIZE:
		answer.outcome = NAIVE_FORMAT;
		break;
	case ARM64_NO_TABLE:
		answer.outcome = NAIVE_TABLE_UNBACKED;
		break;
	default:
		answer.outcome = arm->entry_at == UINT64_MAX ? NAIVE_OUTSIDE : NAIVE_NOTHING;
		break;
	}
	return answer;
}

static struct naive_answer arm64_walk(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t iova)
{
	struct arm64_answer answer = naive_arm64_walk(memory, of(tables), iova);

	return translate(memory, &answer);
}

/* The first GPA with memory from here on, UINT64_MAX if there is none. */
static uint64_t next_backed(const struct naive_memory *memory, uint64_t gpa)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int i = 0; i < memory->count; i++) {
		const struct naive_slot *slot = &memory->slots[i];

		if (gpa >= slot->gpa && gpa - slot->gpa < slot->bytes)
			return gpa;
		if (slot->gpa > gpa && slot->gpa < next)
			next = slot->gpa;
	}
	return next;
}

/* The pages of one leaf. */
static void find_pages(const struct naive_memory *memory, const struct arm64_answer *arm, uint64_t first, uint64_t last, const struct model_limits *limits,
		       struct model_found *found)
{
	for (uint64_t at = 0;; at += PAGE) {
		uint64_t gpa = (arm->address & ~(PAGE - 1)) + at, backed = next_backed(memory, gpa);
		bool writable = false;

		if (backed - gpa > last - first - at) {
			found->unbacked += (last - first - at) / PAGE + 1;
			return;
		}
		found->unbacked += (backed - gpa) / PAGE;
		at += backed - gpa;
		naive_byte(memory, backed, &writable);
		if (found->list.count == limits->pages) {
			found->too_large = true;
			return;
		}
		model_list_add(&found->list, (struct model_page){ .iova = first + at, .gpa = backed, .writable = arm->writable && writable });
		if (last - first - at < PAGE)
			return;
	}
}

/* Follows the walk from entry to entry. */
static void arm64_find(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		       struct model_found *found)
{
	const struct arm64_tables *naive = of(tables);
	uint64_t upper = 0 - (UINT64_C(1) << (64 - naive->t1sz));

	*found = (struct model_found){ .unbacked = 0 };
	for (uint64_t iova = first;;) {
		struct arm64_answer arm = naive_arm64_walk(memory, naive, iova);
		struct naive_answer answer = translate(memory, &arm);
		uint64_t end;

		if (arm.entry_at == UINT64_MAX) {
			end = !naive->epd1 && iova < upper ? upper - 1 : UINT64_MAX;
		} else {
			end = iova | ((UINT64_C(1) << naive_arm64_index_bit(naive->granule, arm.arm_level)) - 1);
			found->entries++;
		}
		if (end > last)
			end = last;
		/* Blocks without memory count as well. */
		found->too_large |= found->entries > limits->entries || found->unbacked > 16 * limits->entries;
		if (arm.outcome == ARM64_IS_PAGE && arm.readable) {
			find_pages(memory, &arm, iova, end, limits, found);
		} else if (answer.outcome >= NAIVE_TABLE_UNBACKED && !found->faulty) {
			found->faulty = true;
			found->fault_iova = iova;
			found->fault = answer;
		}
		if (end == last || found->too_large)
			return;
		iova = end + 1;
	}
}

const struct machine_format machine_arm64 = {
	.ample = { .entries = 20000, .pages = 6000 },
	.refresh_entries = VIOMMU_LEAST_STEP_ENTRIES,
	.little = true,
	.loose = true,
	.valid = 1,
	.take = arm64_take,
	.create = arm64_create,
	.take_iova = arm64_take_iova,
	.write = arm64_write,
	.map = arm64_map,
	.walk = arm64_walk,
	.find = arm64_find,
};
