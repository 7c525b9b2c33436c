/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command queue: each command, well-formed and not; indexes, wrap bits and errors; the
 * refreshes that invalidations cause. IHI 0070, chapter 4.
 */
#include "double.h"
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ILL 1u
#define ABT 2u
#define ALL UINT64_MAX

/* A command that is refused: the state of the queue, the error code, and the guest's recovery. */
static void expect_refused(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t cons = rig_read(rig, R_CMDQ_CONS), prod = rig_read(rig, R_CMDQ_PROD), at = prod;
	uint64_t gpa = CMDQ + 16 * (prod & ((1u << CMDQ_BITS) - 1));

	rig_queue(rig, &prod, dw0, dw1);
	rig_queue(rig, &prod, SYNC | UINT64_C(1) << 12, 0);
	rig_kick(rig, prod);
	assert_int_equal(cons, at);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), at | ILL << 24);
	assert_int_equal(rig_read(rig, R_GERROR) ^ rig_read(rig, R_GERRORN), 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 1);
	/*
	 * The queue stays stopped until the error is acknowledged, whatever is stored there
	 * meanwhile.
	 */
	rig_put(rig, gpa, SYNC);
	rig_put(rig, gpa + 8, 0);
	rig_kick(rig, prod);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), at | ILL << 24);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 0);
	rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 0);
}

static void test_illegal(void **state)
{
	static const uint8_t legal[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x30, 0x46 };
	struct rig *rig = *state;

	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		if (memchr(legal, (int)opcode, sizeof(legal))) {
			rig_command(rig, opcode, 0);
			/* Secure streams do not belong to this queue. */
			if (opcode < 0x10)
				expect_refused(rig, opcode | 1u << 10, 0);
		} else {
			expect_refused(rig, opcode, 0);
		}
	}
	/* A reserved completion signal, and a range of unknown size. */
	rig_command(rig, SYNC | UINT64_C(2) << 12, 0);
	expect_refused(rig, SYNC | UINT64_C(3) << 12, 0);
	expect_refused(rig, TLBI_VA(1), TG(1));
	expect_refused(rig, TLBI_VAA, TG(3));
	rig_command(rig, TLBI_VA(1) | RANGE(1, 0), TG(1));
	rig_command(rig, TLBI_VA(1) | RANGE(0, 1), TG(1));
	rig_command(rig, TLBI_VA(1), TG(1) | TTL(3));
	rig_command(rig, TLBI_VA(1) | RANGE(31, 31), 0);
	/* There are no leaves at level 1 with 16K: this TTL counts as none. */
	expect_refused(rig, TLBI_VA(1), TG(2) | TTL(1));
	expect_refused(rig, TLBI_VAA, TG(2) | TTL(1));
	rig_command(rig, TLBI_VA(1), TG(2) | TTL(2));
	rig_command(rig, TLBI_VA(1) | RANGE(1, 0), TG(2) | TTL(1));
}

static void test_sync(void **state)
{
	struct rig *rig = *state;

	rig_command(rig, SYNC, 0);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 0);
	rig_command(rig, SYNC | UINT64_C(1) << 12, 0);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	/* IRQ_CTRL does not control it. */
	rig_write(rig, R_IRQ_CTRL, 0);
	rig_command(rig, SYNC | UINT64_C(1) << 12, UINT64_MAX);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	rig_command(rig, SYNC | UINT64_C(2) << 12, 0);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 0);
	assert_int_equal(rig_info(rig).syncs, 4);
	assert_int_equal(rig_info(rig).commands, 4);
}

/* The guest enables GERROR's interrupt. */
static void test_gerror_irq(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, R_IRQ_CTRL, 4);
	rig_put(rig, CMDQ, 0xff);
	rig_kick(rig, 1);
	assert_int_equal(rig_info(rig).gerror, 1);
	assert_int_equal(rig_info(rig).errors, 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 0);
}

static void test_indexes(void **state)
{
	struct rig *rig = *state;
	uint32_t prod = 0;

	/* Three rounds, one command at a time; then whole queues at once. */
	for (unsigned int i = 0; i < 3u << CMDQ_BITS; i++) {
		rig_command(rig, SYNC, 0);
		assert_int_equal(rig_read(rig, R_CMDQ_CONS), (i + 1) & ((2u << CMDQ_BITS) - 1));
	}
	prod = rig_read(rig, R_CMDQ_PROD);
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t before = rig_info(rig).syncs;

		for (unsigned int i = 0; i < 1u << CMDQ_BITS; i++)
			rig_queue(rig, &prod, SYNC, 0);
		rig_kick(rig, prod);
		assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
		assert_int_equal(rig_info(rig).syncs - before, 1u << CMDQ_BITS);
	}
	/* An illegal index has no more effect than two rounds. */
	rig_kick(rig, (prod + (1u << CMDQ_BITS) + 7) & ((2u << CMDQ_BITS) - 1));
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), (prod + (1u << CMDQ_BITS) + 7) & ((2u << CMDQ_BITS) - 1));
	/* Bits above the wrap bit are ignored. */
	rig_write(rig, R_CMDQ_PROD, 0xfff80u | rig_read(rig, R_CMDQ_CONS));
	assert_int_equal(rig_info(rig).gerror, 0);
}

/* A queue of one command; one larger than the limit; one that is not aligned. */
static void test_sizes(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, R_CR0, 0);
	rig_write64(rig, R_CMDQ_BASE, CMDQ + 0x20);
	rig_put(rig, CMDQ + 0x20, SYNC);
	rig_write(rig, R_CR0, CMDQEN);
	rig_kick(rig, 1);
	rig_kick(rig, 0);
	assert_int_equal(rig_info(rig).syncs, 2);
	rig_write(rig, R_CR0, 0);
	/* 2^12 at most: 64 KiB, and so at 0x400000. */
	rig_write64(rig, R_CMDQ_BASE, 0x40ffe0 | 31);
	for (unsigned int i = 0; i < 4096; i++)
		rig_put(rig, 0x400000 + 16 * i, SYNC);
	rig_write(rig, R_CR0, CMDQEN);
	rig_kick(rig, 0x1000);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), 0x1000);
	assert_int_equal(rig_info(rig).syncs, 2 + 4096);
}

/* Commands wait only for CMDQEN. */
static void test_enabling(void **state)
{
	struct rig *rig = *state;
	uint32_t prod = 0;

	rig_write(rig, R_CR0, 0);
	rig_queue(rig, &prod, SYNC, 0);
	rig_kick(rig, prod);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), 0);
	rig_write(rig, R_CR0, EVENTQEN);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), 0);
	rig_write(rig, R_CR0, CMDQEN);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), 1);
	/* Together with everything else. */
	rig_write(rig, R_CR0, 0);
	rig_queue(rig, &prod, SYNC, 0);
	rig_kick(rig, prod);
	rig_write(rig, R_CR0, CMDQEN | EVENTQEN | SMMUEN);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), 2);
}

static void test_abort(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, R_CR0, 0);
	rig_write64(rig, R_CMDQ_BASE, HOLE_GPA | CMDQ_BITS);
	rig_write(rig, R_CR0, CMDQEN);
	rig_kick(rig, 5);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), ABT << 24);
	assert_int_equal(rig_info(rig).gerror, 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 1);
	/* Once more, since the queue is as bad as before. */
	rig_write(rig, R_GERRORN, 1);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), ABT << 24);
	assert_int_equal(rig_read(rig, R_GERROR), 0);
	assert_int_equal(rig_info(rig).gerror, 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_GERROR), 1);
	/* It may be read from ROM. */
	rig_write(rig, R_CR0, 0);
	rig_write64(rig, R_CMDQ_BASE, ROM_GPA | CMDQ_BITS);
	rig_write(rig, R_CR0, CMDQEN);
	rig_write(rig, R_GERRORN, rig_read(rig, R_GERROR));
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), ILL << 24);
}

/* Ranges of StreamIDs. */
static void test_ranges(void **state)
{
	struct rig *rig = *state;
	struct viommu_smmuv3_device *device[8];

	for (unsigned int i = 0; i < 8; i++)
		device[i] = rig_device(rig, 0x20 + i);
	for (unsigned int range = 0; range < 4; range++) {
		for (unsigned int i = 0; i < 8; i++)
			rig_put_ste(rig, 0x20 + i, STE_ABORT, 0);
		rig_command(rig, CFGI_ALL | UINT64_C(0x777) << 32, 31);
		for (unsigned int i = 0; i < 8; i++) {
			assert_int_equal(rig_device_info(device[i]).stream, VIOMMU_SMMUV3_STREAM_ABORT);
			rig_put_ste(rig, 0x20 + i, STE_BYPASS, 0);
		}
		rig_command(rig, CFGI_ALL | UINT64_C(0x25) << 32, range);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(rig_device_info(device[i]).stream,
					 i >> (range + 1) == 5u >> (range + 1) ? VIOMMU_SMMUV3_STREAM_BYPASS : VIOMMU_SMMUV3_STREAM_ABORT);
	}
	/* CMD_CFGI_CD_ALL is for one stream. */
	rig_put_ste(rig, 0x20, STE_ABORT, 0);
	rig_put_ste(rig, 0x21, STE_ABORT, 0);
	rig_command(rig, 0x06 | UINT64_C(0x20) << 32, 0);
	assert_int_equal(rig_device_info(device[0]).stream, VIOMMU_SMMUV3_STREAM_ABORT);
	assert_int_equal(rig_device_info(device[1]).stream, VIOMMU_SMMUV3_STREAM_BYPASS);
	/* Prefetching changes nothing, and a missing translation is no error. */
	rig_command(rig, 0x01 | UINT64_C(0x21) << 32, 0);
	rig_command(rig, 0x02 | UINT64_C(0x21) << 32, 0);
	rig_command(rig, CFGI_STE(0xffffffff), LEAF);
	assert_int_equal(rig_device_info(device[1]).stream, VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(rig_info(rig).configs, 8 + 1 + 1);
}

static void expect_refreshes(const struct double_refresh *expected, unsigned int number)
{
	assert_int_equal(doubles.refreshes, number);
	for (unsigned int i = 0; i < number; i++) {
		bool found = false;

		for (unsigned int n = 0; n < number; n++)
			found |= doubles.refreshed[n].asid == expected[i].asid && doubles.refreshed[n].first == expected[i].first &&
				 doubles.refreshed[n].last == expected[i].last;
		assert_true(found);
	}
	double_forget();
}
#define EXPECT(...)                                                                 \
	do {                                                                        \
		const struct double_refresh expected[] = { __VA_ARGS__ };           \
		expect_refreshes(expected, sizeof(expected) / sizeof(expected[0])); \
	} while (0)

/* A domain with an ASID. */
static void make_stream(struct rig *rig, unsigned int i, unsigned int asid)
{
	rig_device(rig, i);
	rig_stage1(rig, i, i, CD0(asid), TABLES + i * PAGE);
	double_forget();
}

/* Three domains: two of one ASID, one of another. */
static void make_streams(struct rig *rig)
{
	for (unsigned int i = 0; i < 3; i++)
		make_stream(rig, i, i < 2 ? 7 : 9);
	rig_device(rig, 3);
	rig_put_ste(rig, 3, STE_BYPASS, 0);
	rig_command(rig, CFGI_STE(3), LEAF);
	double_forget();
}

static void test_tlbi(void **state)
{
	struct rig *rig = *state;

	make_streams(rig);
	rig_command(rig, 0x10, 0);
	EXPECT({ 7, 0, ALL }, { 7, 0, ALL }, { 9, 0, ALL });
	rig_command(rig, TLBI_ALL, 0);
	EXPECT({ 7, 0, ALL }, { 7, 0, ALL }, { 9, 0, ALL });
	rig_command(rig, TLBI_ASID(9), 0);
	EXPECT({ 9, 0, ALL });
	rig_command(rig, TLBI_ASID(8), 0);
	assert_int_equal(doubles.refreshes, 0);
	rig_command(rig, TLBI_VA(9), UINT64_C(0x12345000) | TG(1) | TTL(3));
	EXPECT({ 9, 0x12345000, 0x12345fff });
	/* A global entry may be in the tables of another ASID. */
	doubles.global = true;
	rig_command(rig, TLBI_VA(9), UINT64_C(0x12345000) | TG(1) | TTL(3));
	EXPECT({ 7, 0x12345000, 0x12345fff }, { 7, 0x12345000, 0x12345fff }, { 9, 0x12345000, 0x12345fff });
	rig_command(rig, TLBI_ASID(8), 0);
	assert_int_equal(doubles.refreshes, 0);
	doubles.global = false;
	rig_command(rig, TLBI_VAA, UINT64_C(0x12345000) | TG(1) | TTL(3));
	EXPECT({ 7, 0x12345000, 0x12345fff }, { 7, 0x12345000, 0x12345fff }, { 9, 0x12345000, 0x12345fff });
	assert_int_equal(rig_info(rig).invalidations, 8);
}

/*
 * The range of an invalidation: NUM, SCALE, TG and TTL. A part of a range that one entry translates
 * invalidates all of it.
 */
static void test_tlbi_ranges(void **state)
{
	static const struct {
		uint64_t dw0, dw1, first, last;
	} cases[] = {
		{ RANGE(0, 0), 0x12345000 | TG(1) | TTL(3), 0x12345000, 0x12345fff },
		{ RANGE(4, 0), 0x12345000 | TG(1) | TTL(3), 0x12345000, 0x12349fff },
		{ RANGE(31, 3), 0x12340000 | TG(1) | TTL(3), 0x12340000, 0x1243ffff },
		{ RANGE(0, 9), 0x12345000 | TG(1) | TTL(2), 0x12200000, 0x125fffff },
		{ RANGE(0, 0), 0x12345000 | TG(1) | TTL(2), 0x12200000, 0x123fffff },
		{ RANGE(0, 0), 0x12345000 | TG(1) | TTL(1), 0x00000000, 0x3fffffff },
		{ RANGE(1, 0), 0x12345000 | TG(1), 0x00000000, 0x3fffffff },
		{ RANGE(31, 31), 0x00000000 | TG(1) | TTL(3), 0, (UINT64_C(32) << 43) - 1 },
		{ RANGE(31, 31), UINT64_C(0xffffffff00000000) | TG(3) | TTL(3), UINT64_C(0xffffffff00000000), ALL },
		{ RANGE(1, 0), 0x12344000 | TG(2) | TTL(3), 0x12344000, 0x1234bfff },
		{ RANGE(0, 0), 0x12344000 | TG(2) | TTL(2), 0x12000000, 0x13ffffff },
		{ RANGE(1, 0), 0x12344000 | TG(2), 0x12000000, 0x13ffffff },
		{ RANGE(2, 0), 0x12340000 | TG(3) | TTL(3), 0x12340000, 0x1236ffff },
		{ RANGE(0, 0), 0x12340000 | TG(3) | TTL(2), 0x00000000, 0x1fffffff },
		{ RANGE(1, 0), 0x32340000 | TG(3), 0x20000000, 0x3fffffff },
		{ RANGE(0, 0), 0x52340000 | TG(3) | TTL(1), 0, (UINT64_C(1) << 42) - 1 },
		/* Without TG only the address is known. */
		{ RANGE(31, 31), 0x52345000 | TTL(3), 0x40000000, 0x7fffffff },
	};
	struct rig *rig = *state;

	make_stream(rig, 2, 9);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_command(rig, TLBI_VA(9) | cases[i].dw0, cases[i].dw1 | LEAF * (i & 1));
		EXPECT({ 9, cases[i].first, cases[i].last });
	}
}

/* With an unknown level: no more than the largest leaf that a domain has had. */
static void test_tlbi_leaves(void **state)
{
	struct rig *rig = *state;

	make_stream(rig, 2, 9);
	doubles.leaf_bits = 12;
	rig_command(rig, TLBI_VA(9), 0x52345000);
	EXPECT({ 9, 0x52345000, 0x52345fff });
	rig_command(rig, TLBI_VA(9) | RANGE(1, 0), 0x12345000 | TG(1));
	EXPECT({ 9, 0x12345000, 0x12346fff });
	doubles.leaf_bits = 21;
	rig_command(rig, TLBI_VA(9), 0x52345000);
	EXPECT({ 9, 0x52200000, 0x523fffff });
	rig_command(rig, TLBI_VA(9), 0x12345000 | TG(1) | TTL(1));
	EXPECT({ 9, 0x00000000, 0x3fffffff });
	doubles.leaf_bits = 0;
}

static void test_tlbi_52(void **state)
{
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	double_reset();
	config.smmu.output_bits = 52;
	rig_up_as(&rig, &config);
	rig_enable(&rig);
	make_stream(&rig, 2, 9);
	rig_command(&rig, TLBI_VA(9), 0x52345000);
	EXPECT({ 9, 0, (UINT64_C(1) << 42) - 1 });
	rig_command(&rig, TLBI_VA(9) | RANGE(1, 0), 0x52340000 | TG(3));
	EXPECT({ 9, 0, (UINT64_C(1) << 42) - 1 });
	rig_command(&rig, TLBI_VA(9) | RANGE(1, 0), 0x52340000 | TG(1));
	EXPECT({ 9, 0x40000000, 0x7fffffff });
	rig_down(&rig);
	double_reset();
}

static uint64_t page(uint64_t n)
{
	return (0x12345000 + n * PAGE) | TG(1) | TTL(3);
}

/* Adjacent ranges are one refresh, which comes before the CMD_SYNC, or after the last command. */
static void test_merging(void **state)
{
	struct rig *rig = *state;
	uint32_t prod;

	make_stream(rig, 2, 9);
	prod = rig_read(rig, R_CMDQ_PROD);
	for (unsigned int i = 0; i < 16; i++)
		rig_queue(rig, &prod, TLBI_VA(9), page(i));
	for (unsigned int i = 0; i < 8; i++)
		rig_queue(rig, &prod, TLBI_VA(9), page(31 - i));
	rig_queue(rig, &prod, TLBI_VA(9), page(5));
	rig_queue(rig, &prod, SYNC, 0);
	rig_kick(rig, prod);
	EXPECT({ 9, 0x12345000, 0x12354fff }, { 9, 0x1235d000, 0x12364fff });
	/* A range between two merges them. */
	rig_queue(rig, &prod, TLBI_VA(9), page(0));
	rig_queue(rig, &prod, TLBI_VA(9), page(2));
	rig_queue(rig, &prod, TLBI_VA(7), page(7));
	rig_queue(rig, &prod, TLBI_VA(9), page(1));
	rig_kick(rig, prod);
	EXPECT({ 9, 0x12345000, 0x12347fff });
	/* Not across a CMD_SYNC, which is done before the next command. */
	rig_queue(rig, &prod, TLBI_VA(9), page(0));
	rig_queue(rig, &prod, SYNC, 0);
	rig_queue(rig, &prod, TLBI_VA(9), page(1));
	rig_kick(rig, prod);
	EXPECT({ 9, 0x12345000, 0x12345fff }, { 9, 0x12346000, 0x12346fff });
	/* Nor with a range for all ASIDs. */
	rig_queue(rig, &prod, TLBI_VAA, page(0));
	rig_queue(rig, &prod, TLBI_VA(0), page(1));
	rig_queue(rig, &prod, TLBI_VA(9), page(1));
	rig_kick(rig, prod);
	EXPECT({ 9, 0x12345000, 0x12345fff }, { 9, 0x12346000, 0x12346fff });
	/* An invalidation of everything includes the others. */
	rig_queue(rig, &prod, TLBI_VA(9), page(0));
	rig_queue(rig, &prod, TLBI_ASID(7), 0);
	rig_queue(rig, &prod, TLBI_ALL, 0);
	rig_queue(rig, &prod, TLBI_VA(9), page(8));
	rig_kick(rig, prod);
	EXPECT({ 9, 0, ALL });
	rig_queue(rig, &prod, TLBI_ASID(9), 0);
	rig_queue(rig, &prod, TLBI_ASID(7), 0);
	rig_queue(rig, &prod, TLBI_VA(9), page(8));
	rig_kick(rig, prod);
	EXPECT({ 9, 0, ALL }, { 9, 0x1234d000, 0x1234dfff });
	/* More ranges than are kept: none is lost. */
	for (unsigned int i = 0; i < 40; i++)
		rig_queue(rig, &prod, TLBI_VA(9), page(2 * i));
	rig_kick(rig, prod);
	assert_int_equal(doubles.refreshes, 40);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(doubles.refreshed[i].first, page(2 * i) & ~UINT64_C(0xfff));
	double_forget();
	/* Commands before one that is refused are done. */
	rig_queue(rig, &prod, TLBI_VA(9), page(0));
	rig_queue(rig, &prod, 0xff, 0);
	rig_kick(rig, prod);
	EXPECT({ 9, 0x12345000, 0x12345fff });
}

/* The CMD_SYNC is passed when the refreshes before it are done, and not earlier. */
static void in_refresh(void *ctx)
{
	struct rig *rig = ctx;

	assert_int_equal(rig_read(rig, R_CMDQ_CONS), rig_read(rig, R_CMDQ_PROD) - 1);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 0);
}

static void test_sync_waits(void **state)
{
	struct rig *rig = *state;
	uint32_t prod;

	make_stream(rig, 2, 9);
	doubles.in_refresh = in_refresh;
	doubles.ctx = rig;
	prod = rig_read(rig, R_CMDQ_PROD);
	rig_queue(rig, &prod, TLBI_VA(9), page(0));
	rig_queue(rig, &prod, SYNC | UINT64_C(1) << 12, 0);
	rig_kick(rig, prod);
	assert_int_equal(rig_irqs(rig, VIOMMU_SMMUV3_IRQ_CMD_SYNC), 1);
	EXPECT({ 9, 0x12345000, 0x12345fff });
	doubles.in_refresh = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, double_setup_enabled, double_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_illegal),	TEST(test_sync),
		TEST(test_gerror_irq),	TEST(test_indexes),
		TEST(test_sizes),	TEST(test_enabling),
		TEST(test_abort),	TEST(test_ranges),
		TEST(test_tlbi),	TEST(test_tlbi_ranges),
		TEST(test_tlbi_leaves), TEST(test_merging),
		TEST(test_sync_waits),	cmocka_unit_test(test_tlbi_52),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
