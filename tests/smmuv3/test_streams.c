/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stream tables, context descriptors, GBPA: the configuration of streams, when it is read, and
 * sharing.
 */
#include <viommu/smmuv3.h>

#include "double.h"
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "host/host.h"

#define C_BAD_STREAMID 0x02
#define F_STE_FETCH    0x03
#define C_BAD_STE      0x04
#define F_CD_FETCH     0x09
#define C_BAD_CD       0x0a

static uint32_t kind(struct viommu_smmuv3_device *device)
{
	return rig_device_info(device).stream;
}

static void expect_faulty(struct viommu_smmuv3_device *device, uint32_t event)
{
	struct viommu_smmuv3_device_info info = rig_device_info(device);

	assert_int_equal(info.stream, VIOMMU_SMMUV3_STREAM_FAULTY);
	assert_int_equal(info.event, event);
	assert_int_equal(info.sharing, 0);
}

/*
 * While the SMMU is disabled, GBPA decides what devices reach; while it is enabled, the stream
 * table does.
 */
static void test_enabling(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(rig_device_info(device).sharing, 1);
	assert_int_equal(rig_pinned(rig), (RAM_BYTES + ROM_BYTES) / PAGE);
	rig_write(rig, R_GBPA, 1u << 31 | 1u << 20);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_ABORT);
	assert_int_equal(rig_device_info(device).sharing, 0);
	assert_int_equal(rig_pinned(rig), 0);
	rig_put_cd(rig, 0, CD0(7), TABLES);
	rig_put_ste(rig, 5, STE_S1(cd_gpa(0)), 0);
	rig_enable(rig);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_int_equal(doubles.attached, 1);
	/* GBPA applies again when the SMMU is disabled, and not before. */
	rig_write(rig, R_GBPA, 1u << 31);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	rig_write(rig, R_CR0, EVENTQEN | CMDQEN);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(doubles.domains, 0);
	viommu_smmuv3_reset(rig->smmu);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	viommu_smmuv3_device_remove(device);
	assert_int_equal(rig_pinned(rig), 0);
}

static void test_configs(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	rig_put_cd(rig, 0, CD0(7), TABLES);
	rig_enable(rig);
	expect_faulty(device, C_BAD_STE);
	for (unsigned int config = 0; config < 8; config++) {
		rig_put_ste(rig, 5, STE_ABORT | config << 1 | cd_gpa(0), 0);
		rig_command(rig, CFGI_STE(5), LEAF);
		if (config < 4)
			assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_ABORT);
		else if (config == 4)
			assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
		else if (config == 5)
			assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
		else
			expect_faulty(device, C_BAD_STE);
		/* An entry without V is illegal. */
		rig_put_ste(rig, 5, config << 1 | cd_gpa(0), 0);
		rig_command(rig, CFGI_STE(5), LEAF);
		expect_faulty(device, C_BAD_STE);
	}
}

/* Fields of a stream table entry at stage 1. */
static void test_ste(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		bool bad;
		uint32_t flags;
	} cases[] = {
		{ 0, 0, false, 0 },
		{ UINT64_C(1) << 59, 0, false, 0 }, /* S1CDMax: IGNORED without substreams */
		{ UINT64_C(31) << 59, 0, false, 0 },
		{ UINT64_C(3) << 4, 0, false, 0 },  /* S1Fmt: of substreams */
		{ 0, UINT64_C(1) << 27, true, 0 },  /* S1STALLD */
		{ 0, UINT64_C(1) << 30, false, 0 }, /* STRW: RES0 without EL2 */
		{ 0, UINT64_C(2) << 30, false, 0 },
		{ 0, UINT64_C(3) << 30, false, 0 },
		{ 0, UINT64_C(0xf) << 48, false, 0 }, /* PRIVCFG and INSTCFG: IGNORED */
		/* S1DSS, cacheability, hints, EATS, MemAttr, SHCFG, NSCFG */
		{ 0, UINT64_C(0xffff300fffff), false, 0 },
		{ UINT64_C(1) << 44, 0, true, 0 }, /* S1ContextPtr beyond the output size */
		{ UINT64_C(1) << 51, 0, true, 0 },
	};
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	rig_put_cd(rig, 0, CD0(7), TABLES);
	rig_enable(rig);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_put_ste(rig, 5, STE_S1(cd_gpa(0)) | cases[i].dw0, cases[i].dw1);
		rig_command(rig, CFGI_STE(5), LEAF);
		if (cases[i].bad) {
			expect_faulty(device, C_BAD_STE);
		} else {
			assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
			assert_int_equal(doubles.data.flags, cases[i].flags);
		}
		/* Reserved values between them abort. */
		rig_put_ste(rig, 5, STE_ABORT, 0);
		rig_command(rig, CFGI_STE(5), LEAF);
	}
}

static void test_cd(void **state)
{
	static const struct {
		uint64_t flip; /* of dw0 */
		bool bad;
	} cases[] = {
		{ 0, false },
		{ UINT64_C(1) << 31, true },  /* V */
		{ UINT64_C(1) << 41, true },  /* AA64 */
		{ UINT64_C(1) << 15, true },  /* ENDI */
		{ UINT64_C(0xc000), false },  /* ignored without tables */
		{ UINT64_C(1) << 38, false }, /* TBI0 */
		{ UINT64_C(1) << 39, false }, /* TBI1 */
		{ UINT64_C(1) << 42, true },  /* HD */
		{ UINT64_C(1) << 43, true },  /* HA */
		{ UINT64_C(1) << 44, true },  /* S */
		{ CD_R, false },
		{ CD_A, false },
		{ UINT64_C(0x16), true }, /* T0SZ */
		{ UINT64_C(0x9), false },
		{ UINT64_C(0x3e), false },
		{ UINT64_C(0x31), true },
		/* EPD0: the other fields are ignored */
		{ UINT64_C(0x4031) | UINT64_C(1) << 30 | UINT64_C(2) << 22 | UINT64_C(16) << 16, false },
		/* TG0: 64K, 16K, reserved */
		{ UINT64_C(1) << 6, false },
		{ UINT64_C(2) << 6, false },
		{ UINT64_C(3) << 6, true },
		{ UINT64_C(1) << 30, true }, /* EPD1 off: TG1 and T1SZ matter */
		{ UINT64_C(1) << 30 | UINT64_C(2) << 22 | UINT64_C(16) << 16, false },
		{ UINT64_C(1) << 30 | UINT64_C(1) << 22 | UINT64_C(39) << 16, false },
		{ UINT64_C(1) << 30 | UINT64_C(3) << 22 | UINT64_C(15) << 16, true },
		{ UINT64_C(1) << 30 | UINT64_C(3) << 22 | UINT64_C(40) << 16, true },
		{ UINT64_C(1) << 30 | UINT64_C(20) << 16, true },
		{ UINT64_C(7) << 35, false }, /* AFFD, WXN, UWXN */
		{ UINT64_C(1) << 40, false }, /* PAN */
		{ UINT64_C(1) << 47, false }, /* ASET */
	};
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5);

	rig_put_ste(rig, 5, STE_S1(cd_gpa(0)), 0);
	rig_enable(rig);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_put_cd(rig, 0, CD0(7) ^ cases[i].flip, TABLES);
		rig_command(rig, CFGI_CD(5), LEAF);
		if (cases[i].bad) {
			expect_faulty(device, C_BAD_CD);
			continue;
		}
		assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
		assert_int_equal(doubles.data.cd[0], CD0(7) ^ cases[i].flip);
		assert_int_equal(doubles.data.cd[1], TABLES);
		assert_int_equal(doubles.data.output_bits, 44);
		assert_int_equal(rig_device_info(device).asid, 7);
		assert_int_equal(rig_device_info(device).cd_gpa, cd_gpa(0));
		assert_int_equal(rig_device_info(device).ttb[0], TABLES);
	}
	/* Illegal values that only the tables' format can detect. */
	doubles.create = -EINVAL;
	rig_put_cd(rig, 0, CD0(8), TABLES);
	rig_command(rig, CFGI_CD(5), LEAF);
	expect_faulty(device, C_BAD_CD);
	doubles.create = 0;
	/* Both halves off: a domain that translates nothing. */
	rig_put_cd(rig, 0, CD0(8) | UINT64_C(1) << 14, TABLES);
	rig_command(rig, CFGI_CD(5), LEAF);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_int_equal(rig_device_info(device).sharing, 1);
}

/* Structures that are not in memory. */
static void test_fetches(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5), *far = rig_device(rig, 1u << STRTAB_BITS);

	rig_enable(rig);
	rig_put_ste(rig, 5, STE_S1(HOLE_GPA), 0);
	rig_command(rig, CFGI_STE(5), LEAF);
	expect_faulty(device, F_CD_FETCH);
	expect_faulty(far, C_BAD_STREAMID);
	/* ROM is memory, too. */
	rig_put_ste(rig, 5, STE_S1(ROM_GPA), 0);
	rig_command(rig, CFGI_STE(5), LEAF);
	expect_faulty(device, C_BAD_CD);
	rig_write(rig, R_CR0, 0);
	rig_write64(rig, R_STRTAB_BASE, HOLE_GPA);
	rig_write(rig, R_CR0, SMMUEN);
	expect_faulty(device, F_STE_FETCH);
}

/* A linear table: its alignment, and a size above the number of StreamIDs. */
static void test_linear(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5), *last = rig_device(rig, 0xffff);

	rig_set_up(rig);
	rig_put_ste(rig, 5, STE_BYPASS, 0);
	rig_write64(rig, R_STRTAB_BASE, STRTAB | 0x3fc0);
	rig_write(rig, R_CR0, SMMUEN);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	rig_write(rig, R_CR0, 0);
	/*
	 * 2^16 entries of 64 bytes: the base is aligned to 4 MiB. A reserved FMT counts as a linear
	 * table.
	 */
	rig_write64(rig, R_STRTAB_BASE, 0x40ffc0);
	rig_write(rig, R_STRTAB_BASE_CFG, 0x20010);
	rig_put(rig, 0x400000 + 64 * 0xffff, STE_BYPASS);
	rig_put(rig, 0x400000 + 64 * 5, STE_ABORT);
	rig_write(rig, R_CR0, SMMUEN);
	assert_int_equal(kind(last), VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_ABORT);
	/*
	 * More entries than StreamIDs: the base is aligned by the full LOG2SIZE, here to 16 MiB,
	 * and to more than all addresses.
	 */
	rig_put(rig, DATA + 64 * 0xffff, STE_ABORT);
	rig_put(rig, DATA + 64 * 5, STE_BYPASS);
	rig_write(rig, R_CR0, 0);
	rig_write64(rig, R_STRTAB_BASE, DATA + 0x400000);
	rig_write(rig, R_STRTAB_BASE_CFG, 18);
	rig_write(rig, R_CR0, SMMUEN);
	assert_int_equal(kind(last), VIOMMU_SMMUV3_STREAM_ABORT);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	rig_write(rig, R_CR0, 0);
	rig_put(rig, 64 * 5, STE_ABORT);
	rig_write(rig, R_STRTAB_BASE_CFG, 63);
	rig_write(rig, R_CR0, SMMUEN);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_ABORT);
}

static void test_two_levels(void **state)
{
	static const unsigned int splits[] = { 6, 8, 10, 0, 7, 31 };
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 0x1234);

	for (unsigned int i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		unsigned int split = i < 3 ? splits[i] : 6;
		uint64_t l1 = STRTAB + 8 * (0x1234u >> split);
		unsigned int index = 0x1234 & ((1u << split) - 1);

		viommu_smmuv3_reset(rig->smmu);
		rig_set_up(rig);
		rig_write64(rig, R_STRTAB_BASE, STRTAB | 0x1c0);
		rig_write(rig, R_STRTAB_BASE_CFG, 1u << 16 | splits[i] << 6 | 16);
		rig_put(rig, L2TABLES + 64 * index, STE_BYPASS);
		for (unsigned int span = 0; span < 32; span++) {
			bool there = span && span <= split + 1 && index < 1u << (span - 1);

			/* The address of a table is aligned to its size. */
			rig_put(rig, l1, L2TABLES | (span ? (UINT64_C(64) << (span - 1)) / 2 & 0xffc0 : 0x40) | span);
			rig_write(rig, R_CR0, SMMUEN | CMDQEN);
			if (there)
				assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
			else
				expect_faulty(device, C_BAD_STREAMID);
			rig_write(rig, R_CR0, CMDQEN);
		}
		/* Level 1, then level 2 in no memory; a StreamID beyond level 1. */
		rig_put(rig, l1, HOLE_GPA | (split + 1));
		rig_write(rig, R_CR0, SMMUEN | CMDQEN);
		expect_faulty(device, F_STE_FETCH);
		rig_write(rig, R_CR0, CMDQEN);
		rig_write(rig, R_STRTAB_BASE_CFG, 1u << 16 | splits[i] << 6 | 12);
		rig_write(rig, R_CR0, SMMUEN | CMDQEN);
		expect_faulty(device, C_BAD_STREAMID);
		rig_write(rig, R_CR0, CMDQEN);
		rig_write64(rig, R_STRTAB_BASE, HOLE_GPA);
		rig_write(rig, R_STRTAB_BASE_CFG, 1u << 16 | splits[i] << 6 | 16);
		rig_write(rig, R_CR0, SMMUEN | CMDQEN);
		expect_faulty(device, F_STE_FETCH);
		rig_put(rig, L2TABLES + 64 * index, 0);
		rig_put(rig, l1, 0);
	}
	/* More entries than StreamIDs: level 1 is aligned by the full LOG2SIZE, here to 128 KiB. */
	viommu_smmuv3_reset(rig->smmu);
	rig_put(rig, STRTAB + 8 * (0x1234u >> 6), L2TABLES | 7);
	rig_put(rig, L2TABLES + 64 * (0x1234 & 63), STE_BYPASS);
	rig_write64(rig, R_STRTAB_BASE, STRTAB | 0x1ffc0);
	rig_write(rig, R_STRTAB_BASE_CFG, 1u << 16 | 6u << 6 | 20);
	rig_write(rig, R_CR0, SMMUEN);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
}

/* Nothing is applied before the command for it. */
static void test_cached(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 5), *other = rig_device(rig, 6);

	rig_enable(rig);
	rig_stage1(rig, 5, 0, CD0(7), TABLES);
	rig_put_cd(rig, 0, CD0(9), TABLES);
	rig_put_ste(rig, 6, STE_BYPASS, 0);
	rig_command(rig, SYNC, 0);
	rig_command(rig, TLBI_ALL, 0);
	rig_command(rig, CFGI_STE(4), LEAF);
	rig_command(rig, CFGI_CD(4), LEAF);
	rig_write(rig, R_GBPA, 1u << 31);
	assert_int_equal(rig_device_info(device).asid, 7);
	expect_faulty(other, C_BAD_STE);
	rig_command(rig, CFGI_CD(5), LEAF);
	assert_int_equal(rig_device_info(device).asid, 9);
	expect_faulty(other, C_BAD_STE);
	rig_command(rig, CFGI_STE(6), LEAF);
	assert_int_equal(kind(other), VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(doubles.creates, 2);
	/* A command without a change makes no new domain. */
	rig_command(rig, CFGI_ALL, 31);
	assert_int_equal(doubles.creates, 2);
	/* A device that is added uses the present configuration. */
	rig_put_ste(rig, 8, STE_S1(cd_gpa(0)), 0);
	assert_int_equal(rig_device_info(rig_device(rig, 8)).sharing, 2);
}

/* Streams with equal descriptors share a domain; so do streams in bypass. */
static void test_sharing(void **state)
{
	struct viommu_host *second;
	struct viommu_smmuv3_device *device[4], *foreign;
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = 20 };
	struct rig *rig = *state;

	for (unsigned int i = 0; i < 4; i++)
		device[i] = rig_device(rig, i);
	assert_int_equal(rig_info(rig).domains, 1);
	assert_int_equal(rig_device_info(device[0]).sharing, 4);
	rig_enable(rig);
	rig_stage1(rig, 0, 0, CD0(7), TABLES);
	rig_stage1(rig, 1, 0, CD0(7), TABLES);
	rig_stage1(rig, 2, 2, CD0(7), TABLES); /* another, equal descriptor */
	rig_stage1(rig, 3, 3, CD0(7), TABLES + PAGE);
	assert_int_equal(doubles.creates, 2);
	assert_int_equal(rig_info(rig).domains, 2);
	assert_int_equal(rig_device_info(device[0]).sharing, 3);
	assert_int_equal(rig_device_info(device[3]).sharing, 1);
	/* Ignored attributes make no difference. */
	rig_put_ste(rig, 1, STE_S1(cd_gpa(0)), UINT64_C(3) << 48);
	rig_command(rig, CFGI_STE(1), LEAF);
	assert_int_equal(doubles.creates, 2);
	/* Another host does. */
	assert_int_equal(viommu_host_soft_create(&second), 0);
	config.host = second;
	rig_put_ste(rig, 20, STE_S1(cd_gpa(0)), 0);
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &foreign), 0);
	assert_int_equal(doubles.creates, 3);
	assert_int_equal(doubles.domains, 3);
	viommu_smmuv3_device_remove(foreign);
	assert_int_equal(doubles.domains, 2);
	viommu_smmuv3_device_remove(device[0]);
	viommu_smmuv3_device_remove(device[2]);
	assert_int_equal(doubles.domains, 2);
	assert_int_equal(doubles.attached, 2);
	viommu_host_destroy(second);
}

/* On a host that does not report misses, the guest has to announce what becomes valid. */
static void test_host_without_misses(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = 7, .host = rig->host };
	struct viommu_smmuv3_device *device;

	rig->host->caps.lookup = false;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &device), -EOPNOTSUPP);
	assert_int_equal(rig_info(rig).devices, 0);
	config.flags = VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &device), 0);
	viommu_smmuv3_device_remove(device);
}

struct extent {
	uint64_t first;
	uint64_t last;
};

static int widen(void *ctx, const struct viommu_run *run)
{
	struct extent *extent = ctx;

	extent->first = run->first < extent->first ? run->first : extent->first;
	extent->last = run->last > extent->last ? run->last : extent->last;
	return 0;
}

/*
 * A host whose IOVAs begin after the guest's memory and end before it, in the middle of pages:
 * bypass has the whole pages of both.
 */
static void test_bypass_on_small_host(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device;
	struct extent extent = { .first = UINT64_MAX };

	rig->host->caps.first = 0x1800;
	rig->host->caps.last = UINT64_C(0x1000123);
	device = rig_device(rig, 7);
	assert_int_equal(rig_device_info(device).sharing, 1);
	viommu_smmuv3_device_each_run(device, 0, UINT64_MAX, widen, &extent);
	assert_int_equal(extent.first, 0x2000);
	assert_int_equal(extent.last, 0xffffff);
	viommu_smmuv3_device_remove(device);
	/* Without a whole page, there is no bypass. */
	rig->host->caps.last = 0x27ff;
	device = rig_device(rig, 7);
	assert_int_equal(rig_device_info(device).sharing, 0);
	viommu_smmuv3_device_remove(device);
}

static void test_devices(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device = rig_device(rig, 0x105), *same, *twin = rig_device(rig, 0x205);
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = 0x105, .host = rig->host };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EEXIST);
	config.sid = 0x10000;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EINVAL);
	config.sid = 1;
	config.host = NULL;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EINVAL);
	config.host = rig->host;
	config.flags = 2;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EINVAL);
	config.flags = 0;
	config.nesting = VIOMMU_NESTING_HARDWARE + 1;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EINVAL);
	config.nesting = VIOMMU_NESTING_AUTO;
	config.size = 4;
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &same), -EINVAL);
	assert_int_equal(rig_info(rig).devices, 2);
	assert_ptr_equal(viommu_smmuv3_find(rig->smmu, 0x105), device);
	assert_ptr_equal(viommu_smmuv3_find(rig->smmu, 0x205), twin);
	assert_null(viommu_smmuv3_find(rig->smmu, 0x305));
	assert_non_null(viommu_smmuv3_device_device(device));
	stats.refreshes = 5;
	viommu_smmuv3_device_stats(device, &stats);
	assert_int_equal(stats.refreshes, 0);
	rig_write(rig, R_STRTAB_BASE_CFG, 0);
	rig_enable(rig);
	rig_write(rig, R_CR0, 0);
	rig_write(rig, R_STRTAB_BASE_CFG, 16);
	rig_write64(rig, R_STRTAB_BASE, 0);
	rig_put(rig, 64 * 0x105, STE_S1(cd_gpa(0)));
	rig_put_cd(rig, 0, CD0(3), TABLES);
	rig_write(rig, R_CR0, SMMUEN);
	viommu_smmuv3_device_stats(device, &stats);
	assert_int_equal(stats.refreshes, 1234);
	viommu_smmuv3_device_stats(twin, &stats);
	assert_int_equal(stats.refreshes, 0);
	viommu_smmuv3_device_remove(device);
	assert_null(viommu_smmuv3_find(rig->smmu, 0x105));
	assert_int_equal(rig_info(rig).devices, 1);
}

/* Buses are renumbered: a device has another StreamID, and what is configured for that. */
static void test_another_stream_id(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device, *other;

	rig_enable(rig);
	device = rig_device(rig, 5);
	other = rig_device(rig, 7);
	rig_stage1(rig, 5, 0, CD0(3), TABLES);
	rig_put_ste(rig, 9, STE_BYPASS, 0);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_int_equal(viommu_smmuv3_device_set_id(device, 0x10000), -EINVAL);
	assert_int_equal(viommu_smmuv3_device_set_id(device, 7), -EEXIST);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_ptr_equal(viommu_smmuv3_find(rig->smmu, 5), device);
	assert_ptr_equal(viommu_smmuv3_find(rig->smmu, 7), other);
	/* The same one: nothing changes, and nothing is read again. */
	rig_put_ste(rig, 5, STE_ABORT, 0);
	assert_int_equal(viommu_smmuv3_device_set_id(device, 5), 0);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);

	assert_int_equal(viommu_smmuv3_device_set_id(device, 9), 0);
	assert_null(viommu_smmuv3_find(rig->smmu, 5));
	assert_ptr_equal(viommu_smmuv3_find(rig->smmu, 9), device);
	assert_int_equal(rig_device_info(device).sid, 9);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(rig_info(rig).devices, 2);
	/* Invalidations and events are those of the new one. */
	rig_put_ste(rig, 9, STE_S1(cd_gpa(0)), 0);
	rig_command(rig, CFGI_STE(5), LEAF);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_BYPASS);
	rig_command(rig, CFGI_STE(9), LEAF);
	assert_int_equal(kind(device), VIOMMU_SMMUV3_STREAM_STAGE1);
	rig_put_ste(rig, 9, 0, 0);
	rig_command(rig, CFGI_STE(9), LEAF);
	assert_int_equal(rig_fault(device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EFAULT);
	assert_event(rig, C_BAD_STE, 9);
	assert_no_event(rig);
	/* The old one is free. */
	viommu_smmuv3_device_remove(other);
	other = rig_device(rig, 5);
	assert_int_equal(kind(other), VIOMMU_SMMUV3_STREAM_ABORT);
	viommu_smmuv3_device_remove(other);
	viommu_smmuv3_device_remove(device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, double_setup, double_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_enabling),
		TEST(test_configs),
		TEST(test_ste),
		TEST(test_cd),
		TEST(test_fetches),
		TEST(test_linear),
		TEST(test_two_levels),
		TEST(test_cached),
		TEST(test_sharing),
		TEST(test_devices),
		TEST(test_another_stream_id),
		TEST(test_host_without_misses),
		TEST(test_bypass_on_small_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
