/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "formats.h"

#include "naive_amdv1.h"
#include "naive_arm64.h"
#include "naive_riscv.h"
#include "naive_vtdss.h"
#include "naive_x86.h"

#define VIOMMU_FORMAT zpci
#include "format/zpci.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT zpci_qemu
#include "format/zpci_qemu.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT vtdss
#include "format/vtdss.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_4k
#include "format/arm64_4k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_16k
#include "format/arm64_16k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT arm64_64k
#include "format/arm64_64k.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT riscv_sv
#include "format/riscv_sv.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT amdv1
#include "format/amdv1.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT x86_64
#include "format/x86_64.h"
#include "format/walk.h"
#undef VIOMMU_FORMAT

static uint32_t rights(bool readable, bool writable)
{
	return (readable ? VIOMMU_READ : 0) | (writable ? VIOMMU_WRITE : 0);
}

static struct naive_tables zpci_tables(const struct format_designation *designation, bool qemu)
{
	return (struct naive_tables){ .iota = designation->table, .pal = UINT64_MAX, .qemu = qemu };
}

static bool zpci_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	(void)memory;
	return (designation->table & 0x7e3) == 0 && naive_top_level(designation->table, false) > 0;
}

static bool zpci_qemu_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	(void)memory;
	return (designation->table & 0x7e3) == 0 && naive_top_level(designation->table, true) > 0;
}

static struct format_walk zpci_expected_of(const struct naive_memory *memory, const struct naive_tables *tables, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		/* the walk ignores whether there is memory */
		[NAIVE_PAGE] = VIOMMU_FAULT_NONE,
		[NAIVE_LEAF_UNBACKED] = VIOMMU_FAULT_NONE,
		[NAIVE_NOTHING] = VIOMMU_FAULT_NOT_PRESENT,
		[NAIVE_OUTSIDE] = VIOMMU_FAULT_APERTURE,
		[NAIVE_TABLE_UNBACKED] = VIOMMU_FAULT_TABLE_UNBACKED,
		[NAIVE_TYPE] = VIOMMU_FAULT_ENTRY_TYPE,
		[NAIVE_LENGTH] = VIOMMU_FAULT_ENTRY_LENGTH,
		[NAIVE_FORMAT] = VIOMMU_FAULT_ENTRY_FORMAT,
		[NAIVE_ZERO] = VIOMMU_FAULT_ENTRY_ZERO,
	};
	struct naive_answer answer = naive_walk(memory, tables, iova);
	enum viommu_fault_reason reason = reasons[answer.outcome];

	return (struct format_walk){
		.reason = reason,
		.level = answer.level,
		.entry_address = answer.entry_gpa,
		.entry = answer.entry,
		.output = reason == VIOMMU_FAULT_NONE ? answer.gpa + iova % 4096 : 0,
		.prot = answer.outcome == NAIVE_PAGE ? rights(true, answer.writable) : PROT_UNKNOWN,
	};
}

static struct format_walk zpci_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	const struct naive_tables tables = zpci_tables(designation, false);

	return zpci_expected_of(memory, &tables, iova);
}

static struct format_walk zpci_qemu_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	const struct naive_tables tables = zpci_tables(designation, true);

	return zpci_expected_of(memory, &tables, iova);
}

static bool vtdss_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	uint64_t table = designation->table;

	(void)memory;
	return !(table >> 52) && !(table & 0xff8) && (table & 7) >= 1 && (table & 7) <= 4;
}

static struct format_walk vtdss_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[VTDSS_PAGE] = VIOMMU_FAULT_NONE,
		[VTDSS_NOTHING] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_TOO_HIGH] = VIOMMU_FAULT_NOT_PRESENT,
		[VTDSS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[VTDSS_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	struct vtdss_answer answer = naive_vtdss_walk(memory, designation->table & ~UINT64_C(0xfff), (unsigned int)(designation->table & 7) + 2, iova);

	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.outcome == VTDSS_PAGE ? answer.address : 0,
		.prot = rights(answer.readable, answer.writable),
	};
}

/* Decodes the control word. The addresses need not lead to tables. */
static struct arm64_tables arm64_tables_of(unsigned int granule, const struct format_designation *designation)
{
	uint64_t control = designation->control;

	return (struct arm64_tables){
		.granule = granule,
		.ips = control >> 6 & 7,
		.ttb0 = designation->table,
		.ttb1 = designation->table,
		.t0sz = control & 0x3f,
		.t1sz = control & 0x3f,
		.epd0 = control >> 9 & 1,
		.epd1 = !(control >> 9 & 1),
		.affd = control >> 10 & 1,
		.had0 = control >> 11 & 1,
		.had1 = control >> 11 & 1,
		.privileged = control >> 12 & 1,
	};
}

/* For an IOVA of the half that the tables translate. */
static bool arm64_is_designation(const struct naive_memory *memory, unsigned int granule, const struct format_designation *designation)
{
	const struct arm64_tables tables = arm64_tables_of(granule, designation);

	return !(designation->control >> 13) && naive_arm64_walk(memory, &tables, tables.epd0 ? UINT64_MAX : 0).outcome != ARM64_BAD_CONTEXT;
}

static struct format_walk arm64_expected(const struct naive_memory *memory, unsigned int granule, const struct format_designation *designation, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[ARM64_IS_PAGE] = VIOMMU_FAULT_NONE,	  [ARM64_TRANSLATION] = VIOMMU_FAULT_NOT_PRESENT, [ARM64_ACCESS_FLAG] = VIOMMU_FAULT_ACCESS_FLAG,
		[ARM64_SIZE] = VIOMMU_FAULT_ADDRESS_SIZE, [ARM64_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED, [ARM64_BAD_CONTEXT] = VIOMMU_FAULT_BLOCKED,
	};
	const struct arm64_tables tables = arm64_tables_of(granule, designation);
	struct arm64_answer answer = naive_arm64_walk(memory, &tables, iova);

	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.address,
		.prot = rights(answer.readable, answer.writable),
	};
}

#define ARM64_EXPECTED(name, granule)                                                                                                             \
	static bool name##_is_designation(const struct naive_memory *memory, const struct format_designation *designation)                        \
	{                                                                                                                                         \
		return arm64_is_designation(memory, granule, designation);                                                                        \
	}                                                                                                                                         \
	static struct format_walk name##_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova) \
	{                                                                                                                                         \
		return arm64_expected(memory, granule, designation, iova);                                                                        \
	}

ARM64_EXPECTED(arm64_4k, 4)
ARM64_EXPECTED(arm64_16k, 16)
ARM64_EXPECTED(arm64_64k, 64)

static bool riscv_sv_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	uint64_t mode = designation->table >> 60, control = designation->control;

	(void)memory;
	if (mode < 8 || mode > 10 || control >= 0x20)
		return false;
	return control & 1 ? !(control & 6) && !(designation->table & 3) : !(designation->table >> 44 & 0xffff);
}

/* The designation covers one half of what the first stage's tables translate. */
static struct format_walk riscv_sv_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[RISCV_IS_PAGE] = VIOMMU_FAULT_NONE,
		[RISCV_NOT_VALID] = VIOMMU_FAULT_NOT_PRESENT,
		[RISCV_NOT_CANONICAL] = VIOMMU_FAULT_NOT_PRESENT,
		[RISCV_NO_LEAF] = VIOMMU_FAULT_ENTRY_TYPE,
		[RISCV_IS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[RISCV_NOT_ACCESSED] = VIOMMU_FAULT_ACCESS_FLAG,
		[RISCV_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	const struct riscv_tables tables = {
		.levels = (unsigned int)(designation->table >> 60) - 5,
		.second_stage = designation->control & 1,
		.ppn = designation->table & UINT64_C(0xfffffffffff),
		.supervisor = designation->control >> 2 & 1,
		.pbmt = designation->control >> 3 & 1,
		.adue = designation->control >> 4 & 1,
	};
	struct riscv_answer answer = naive_riscv_walk(memory, &tables, iova);

	if (!tables.second_stage && iova >> 63 != (designation->control >> 1 & 1))
		answer = (struct riscv_answer){ .outcome = RISCV_NOT_CANONICAL, .level = tables.levels - 1, .entry_at = UINT64_MAX };
	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.address,
		.prot = rights(answer.readable, answer.writable),
	};
}

static bool amdv1_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	uint64_t table = designation->table, mode = table >> 9 & 7;

	(void)memory;
	return mode >= 1 && mode <= 6 && !(table & UINT64_C(0x9ff000000000007f)) && (table >> 7 & 3) != 2 && !designation->control;
}

static struct format_walk amdv1_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[AMDV1_IS_PAGE] = VIOMMU_FAULT_NONE,
		[AMDV1_NOT_PRESENT] = VIOMMU_FAULT_NOT_PRESENT,
		[AMDV1_TOO_HIGH] = VIOMMU_FAULT_NOT_PRESENT,
		[AMDV1_SKIPPED] = VIOMMU_FAULT_NOT_PRESENT,
		[AMDV1_BAD_LEVEL] = VIOMMU_FAULT_ENTRY_TYPE,
		[AMDV1_IS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[AMDV1_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	uint64_t table = designation->table;
	struct amdv1_answer answer = naive_amdv1_walk(memory, table & UINT64_C(0xffffffffff000), table >> 9 & 7, table >> 61 & 1, table >> 62 & 1, iova);

	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.amd_level - 1,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.address,
		.prot = rights(answer.readable, answer.writable),
	};
}

static bool x86_64_is_designation(const struct naive_memory *memory, const struct format_designation *designation)
{
	(void)memory;
	return !(designation->table >> 52) && !(designation->table & 0xfff) && designation->control < 8;
}

/* The designation is for one half of what the tables translate. */
static struct format_walk x86_64_expected(const struct naive_memory *memory, const struct format_designation *designation, uint64_t iova)
{
	static const enum viommu_fault_reason reasons[] = {
		[X86_IS_PAGE] = VIOMMU_FAULT_NONE,
		[X86_NOT_PRESENT] = VIOMMU_FAULT_NOT_PRESENT,
		[X86_NOT_CANONICAL] = VIOMMU_FAULT_NOT_PRESENT,
		[X86_IS_RESERVED] = VIOMMU_FAULT_ENTRY_FORMAT,
		[X86_NO_TABLE] = VIOMMU_FAULT_TABLE_UNBACKED,
	};
	const struct x86_tables tables = { designation->control & 2 ? 5 : 4, designation->table, designation->control & 4 };
	struct x86_answer answer = naive_x86_walk(memory, &tables, iova);

	if (iova >> 63 != (designation->control & 1))
		answer = (struct x86_answer){ .outcome = X86_NOT_CANONICAL, .level = tables.levels - 1, .entry_at = UINT64_MAX };
	return (struct format_walk){
		.reason = reasons[answer.outcome],
		.level = answer.level,
		.entry_address = answer.entry_at,
		.entry = answer.entry,
		.output = answer.address,
		.prot = rights(answer.readable, answer.writable),
	};
}

#define WALK(name)                                                                                                                         \
	static void name##_walk_with(const struct format_root *root, uint64_t iova, format_load load, void *ctx, struct format_walk *walk) \
	{                                                                                                                                  \
		name##_walk(root, iova, load, ctx, walk);                                                                                  \
	}

WALK(zpci)
WALK(zpci_qemu)
WALK(vtdss)
WALK(arm64_4k)
WALK(arm64_16k)
WALK(arm64_64k)
WALK(riscv_sv)
WALK(amdv1)
WALK(x86_64)

#define FORMAT(format, big, number, low, address)                                                                                                        \
	{                                                                                                                                                \
		.name = #format, .big_endian = big, .levels = number, .lowest = low, .bits = address, .root = format##_root, .walk = format##_walk_with, \
		.is_designation = format##_is_designation, .expected = format##_expected,                                                                \
	}

const struct compared_format compared_formats[FORMATS] = {
	[FORMAT_ZPCI] = FORMAT(zpci, true, 5, 0, 64),
	[FORMAT_ZPCI_QEMU] = FORMAT(zpci_qemu, true, 3, 0, 64),
	[FORMAT_VTDSS] = FORMAT(vtdss, false, 6, 0, 52),
	[FORMAT_ARM64_4K] = FORMAT(arm64_4k, false, 4, 0, 48),
	[FORMAT_ARM64_16K] = FORMAT(arm64_16k, false, 5, 1, 48),
	[FORMAT_ARM64_64K] = FORMAT(arm64_64k, false, 4, 1, 52),
	[FORMAT_RISCV_SV] = FORMAT(riscv_sv, false, 5, 0, 56),
	[FORMAT_AMDV1] = FORMAT(amdv1, false, 6, 0, 52),
	[FORMAT_X86_64] = FORMAT(x86_64, false, 5, 0, 52),
};

bool is_expected(const struct format_walk *walk, const struct format_walk *expected)
{
	return walk->reason == expected->reason && walk->level == expected->level && walk->entry_address == expected->entry_address &&
	       walk->entry == expected->entry && walk->output == expected->output &&
	       (walk->reason != VIOMMU_FAULT_NONE || expected->prot == PROT_UNKNOWN || walk->prot == expected->prot);
}
