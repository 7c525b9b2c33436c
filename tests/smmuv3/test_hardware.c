/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices whose tables hardware walks, behind the guest's SMMUv3: the features that the guest is
 * offered, the effects of its commands, its events, and hosts that fail. The hardware keeps
 * everything until it is invalidated (tests/core/mock_smmu.h). A device on a soft host has the same
 * configuration, and must reach the same.
 *
 * usage: test-smmuv3-hardware [--seed N] [--steps N]
 */
#include "../core/mock_smmu.h"
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HARD 5u /* StreamIDs */
#define SOFT 6u
#define ALL  (RAM_BYTES + ROM_BYTES)

static uint64_t seed = 1, steps = 20000;

struct world {
	struct rig rig;
	struct mock_smmu *smmu;
	struct viommu_host *soft;
	struct viommu_smmuv3_device *device;
	struct smmu_device *theirs;
	struct user shadow;
	struct tables tables;
};

static int add(struct world *world, uint32_t sid, uint32_t nesting, struct viommu_smmuv3_device **out)
{
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = sid, .host = &world->smmu->mock.host, .nesting = nesting };

	return viommu_smmuv3_device_add(world->rig.smmu, &config, out);
}

static void up_with(struct world *world, const uint32_t idr[6])
{
	struct rig_config config = rig_config();

	memset(world, 0, sizeof(*world));
	world->smmu = mock_smmu_create(idr);
	config.host = &world->smmu->mock.host;
	config.smmu.hardware = &world->smmu->mock.host;
	rig_up_as(&world->rig, &config);
	assert_int_equal(viommu_host_soft_create(&world->soft), 0);
}

static void up_on(struct world *world, const uint32_t idr[6])
{
	up_with(world, idr);
	assert_int_equal(add(world, HARD, VIOMMU_NESTING_AUTO, &world->device), 0);
	world->theirs = mock_smmu_find(world->smmu, HARD);
	assert_non_null(world->theirs);
	/* The rig makes devices on its host. */
	world->rig.host = world->soft;
	user_init(&world->shadow, &world->rig, SOFT);
	world->rig.host = &world->smmu->mock.host;
	world->rig.pinned = ALL;
	rig_enable(&world->rig);
	tables_init(&world->tables, &world->rig, TABLES);
}

static void up(struct world *world)
{
	up_on(world, mock_smmu_idr);
}

static void down(struct world *world)
{
	if (world->shadow.reader)
		user_end(&world->shadow);
	viommu_smmuv3_destroy(world->rig.smmu);
	world->rig.smmu = NULL;
	assert_int_equal(mock_smmu_spaces(world->smmu), 0);
	rig_down(&world->rig);
	assert_null(world->smmu->guest);
	assert_int_equal(world->smmu->mock.breaches, 0);
	viommu_host_destroy(world->soft);
	viommu_host_destroy(&world->smmu->mock.host);
}

static void command(struct world *world, uint64_t dw0, uint64_t dw1)
{
	rig_command(&world->rig, dw0, dw1);
}

static void stage1(struct world *world, unsigned int n, uint64_t cd0, uint64_t ttb0)
{
	rig_put_ste(&world->rig, SOFT, STE_S1(cd_gpa(n)), 0);
	rig_stage1(&world->rig, HARD, n, cd0, ttb0);
	command(world, CFGI_STE(SOFT), LEAF);
}

static void both(struct world *world, uint64_t ste0)
{
	rig_put_ste(&world->rig, HARD, ste0, 0);
	rig_put_ste(&world->rig, SOFT, ste0, 0);
	command(world, CFGI_STE(HARD), LEAF);
	command(world, CFGI_STE(SOFT), LEAF);
}

/* The memory that hardware reaches, NULL if none; the event that it records. */
static const uint8_t *hard(struct world *world, uint64_t iova, uint32_t access, unsigned int event)
{
	unsigned int code;
	const uint8_t *hva = mock_smmu_access(world->smmu, world->theirs, iova, access, &code);

	assert_int_equal(code, event);
	return hva;
}

#define assert_both(world, iova, access, gpa)                                                                                          \
	do {                                                                                                                           \
		unsigned int code_;                                                                                                    \
		const uint8_t *soft_ = NULL;                                                                                           \
		assert_ptr_equal(mock_smmu_access((world)->smmu, (world)->theirs, iova, access, &code_), rig_hva(&(world)->rig, gpa)); \
		assert_int_equal(user_access(&(world)->shadow, iova, access, &soft_), rig_hva(&(world)->rig, gpa) ? 0 : -EFAULT);      \
		assert_ptr_equal(soft_, rig_hva(&(world)->rig, gpa));                                                                  \
	} while (0)

/* A GPA without memory. */
#define NOWHERE HOLE_GPA

static void test_streams(void **state)
{
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(rig_device_info(world.device).hardware, 1);
	assert_int_equal(rig_device_info(world.shadow.device).hardware, 0);
	/* A stream table of zeros. */
	assert_int_equal(rig_device_info(world.device).stream, VIOMMU_SMMUV3_STREAM_FAULTY);
	assert_null(hard(&world, DATA, VIOMMU_READ, 0));
	tables_map(&world.tables, 0x1000, DATA, 0);
	tables_map(&world.tables, 0x2000, DATA + PAGE, E_RO);
	stage1(&world, 0, CD0(3), TABLES);
	assert_int_equal(rig_device_info(world.device).stream, VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_int_equal(rig_device_info(world.device).cd_gpa, cd_gpa(0));
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	assert_both(&world, 0x2004, VIOMMU_READ, DATA + PAGE + 4);
	assert_null(hard(&world, 0x2000, VIOMMU_WRITE, 0x13));
	/* Nothing is applied before the command for it. */
	rig_put_ste(&world.rig, HARD, STE_BYPASS, 0);
	command(&world, TLBI_ALL, 0);
	assert_ptr_equal(hard(&world, 0x1000, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA));
	both(&world, STE_BYPASS);
	assert_both(&world, DATA + 8, VIOMMU_WRITE, DATA + 8);
	assert_both(&world, ROM_GPA, VIOMMU_READ, ROM_GPA);
	assert_null(hard(&world, ROM_GPA, VIOMMU_WRITE, 0));
	both(&world, STE_ABORT);
	assert_both(&world, DATA, VIOMMU_READ, NOWHERE);
	/* A guest has no stage 2. */
	both(&world, 0xd);
	assert_int_equal(rig_device_info(world.device).stream, VIOMMU_SMMUV3_STREAM_FAULTY);
	assert_int_equal(rig_device_info(world.device).event, 0x04);
	assert_null(hard(&world, DATA, VIOMMU_READ, 0));
	both(&world, STE_S1(cd_gpa(0)));
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	/* GBPA selects bypass, as after a reset. */
	rig_write(&world.rig, R_CR0, 0);
	assert_both(&world, DATA, VIOMMU_READ, DATA);
	rig_enable(&world.rig);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	viommu_smmuv3_reset(world.rig.smmu);
	assert_both(&world, DATA, VIOMMU_READ, DATA);
	down(&world);
}

static void test_entry_is_handed_on(void **state)
{
	const uint64_t contiguous = UINT64_C(1) << 40, privileged = UINT64_C(3) << 48, caching = 0x74, mev = UINT64_C(1) << 19;
	struct world world;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(3), TABLES);
	tables_map(&world.tables, 0x1000, DATA, 0);
	/* The fields for hardware, and no others: it would refuse the entry. */
	rig_put_ste(&world.rig, HARD, STE_S1(cd_gpa(0)) | UINT64_C(3) << 4, contiguous | privileged | caching | mev | UINT64_C(2) << 28 | 1);
	command(&world, CFGI_STE(HARD), LEAF);
	assert_non_null(world.theirs->mock.space);
	assert_true(smmu_space_of(world.theirs)->ste[0] == STE_S1(cd_gpa(0)));
	assert_true(smmu_space_of(world.theirs)->ste[1] == caching);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	down(&world);
}

static void test_invalidations(void **state)
{
	static const uint64_t commands[][2] = {
		{ TLBI_VA(3), 0x5000 },
		{ TLBI_VAA, 0x5000 },
		{ TLBI_ASID(3), 0 },
		{ TLBI_ALL, 0 },
		{ UINT64_C(0x10), 0 },
		{ TLBI_VA(3) | RANGE(7, 0), TG(1) | TTL(3) },
		{ TLBI_VA(3) | RANGE(31, 6), TG(1) | TTL(3) },
	};
	struct world world;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(3), TABLES);
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		uint64_t was = world.smmu->mock.calls[MOCK_INVALIDATE];

		tables_map(&world.tables, 0x5000, DATA + i * PAGE, 0);
		assert_both(&world, 0x5000, VIOMMU_WRITE, DATA + i * PAGE);
		tables_unmap(&world.tables, 0x5000);
		assert_ptr_equal(hard(&world, 0x5000, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA + i * PAGE));
		command(&world, commands[i][0], commands[i][1]);
		command(&world, SYNC, 0);
		assert_int_equal(world.smmu->mock.calls[MOCK_INVALIDATE], was + 1);
		assert_null(hard(&world, 0x5000, VIOMMU_WRITE, 0x10));
		assert_both(&world, 0x5000, VIOMMU_WRITE, NOWHERE);
	}
	down(&world);
}

/*
 * A context that two streams share, and another one: one command to the hardware, whatever the
 * ASID.
 */
static void test_registered_once(void **state)
{
	struct viommu_smmuv3_device *other;
	struct world world;
	uint64_t was;

	(void)state;
	up(&world);
	assert_int_equal(add(&world, 9, VIOMMU_NESTING_HARDWARE, &other), 0);
	stage1(&world, 0, CD0(3), TABLES);
	rig_stage1(&world.rig, 9, 1, CD0(4), TABLES);
	assert_int_equal(rig_info(&world.rig).domains, 3);
	was = world.smmu->mock.calls[MOCK_INVALIDATE];
	command(&world, TLBI_VA(4), 0x1000);
	assert_int_equal(world.smmu->mock.calls[MOCK_INVALIDATE], was + 1);
	rig_put_ste(&world.rig, 9, STE_S1(cd_gpa(0)), 0);
	command(&world, CFGI_STE(9), LEAF);
	assert_int_equal(rig_info(&world.rig).domains, 2);
	assert_int_equal(rig_device_info(other).sharing, 2);
	down(&world);
}

/* The same entry with another descriptor. */
static void test_descriptors(void **state)
{
	struct tables second;
	struct world world;
	uint64_t was;

	(void)state;
	up(&world);
	tables_map(&world.tables, 0x1000, DATA, 0);
	tables_init(&second, &world.rig, TABLES + UINT64_C(0x100000));
	tables_map(&second, 0x1000, DATA + PAGE, 0);
	stage1(&world, 0, CD0(3), TABLES);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t commands[] = { CFGI_CD(HARD), CFGI_STE(HARD), CFGI_ALL };

		was = world.smmu->mock.calls[MOCK_CONTEXT];
		rig_put_cd(&world.rig, 0, CD0(4 + i), i & 1 ? TABLES : second.root);
		assert_ptr_equal(hard(&world, 0x1000, VIOMMU_WRITE, 0), rig_hva(&world.rig, i & 1 ? DATA + PAGE : DATA));
		command(&world, commands[i], i == 2 ? 31 : LEAF);
		command(&world, CFGI_CD(SOFT), LEAF);
		command(&world, SYNC, 0);
		assert_both(&world, 0x1000, VIOMMU_WRITE, i & 1 ? DATA : DATA + PAGE);
		assert_true(world.smmu->mock.calls[MOCK_CONTEXT] > was);
	}
	was = world.smmu->mock.calls[MOCK_CONTEXT];
	command(&world, TLBI_ALL, 0);
	command(&world, SYNC, 0);
	assert_int_equal(world.smmu->mock.calls[MOCK_CONTEXT], was);
	down(&world);
}

/*
 * Where configurations are read without a command, the hardware is sent the invalidations at once.
 * With the next command a device that they name may be gone.
 */
static void test_without_commands(void **state)
{
	struct viommu_smmuv3_device *other;
	struct world world;
	uint64_t was;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(3), TABLES);
	rig_put_ste(&world.rig, 9, STE_BYPASS, 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(add(&world, 9, VIOMMU_NESTING_HARDWARE, &other), 0);
		/* SMMUEN is 1, and 0; GBPA is written; the SMMU is reset. */
		if (i)
			rig_write(&world.rig, R_CR0, 0xc);
		if (i == 2)
			rig_write(&world.rig, R_GBPA, UINT32_C(1) << 31);
		if (i == 3)
			viommu_smmuv3_reset(world.rig.smmu);
		was = world.smmu->mock.calls[MOCK_CONTEXT];
		assert_non_null(mock_smmu_find(world.smmu, 9)->mock.space);
		viommu_smmuv3_device_remove(other);
		if (i == 3)
			rig_enable(&world.rig);
		else
			command(&world, SYNC, 0);
		assert_true(i == 3 || world.smmu->mock.calls[MOCK_CONTEXT] == was);
		assert_int_equal(world.smmu->mock.breaches, 0);
		rig_write(&world.rig, R_CR0, 0xd);
	}
	down(&world);
}

/* CD.TBI0 and TBI1, and ENDI without tables: as hardware has them. */
static void test_top_byte(void **state)
{
	const uint64_t tagged = UINT64_C(0xab) << 56;
	struct world world;

	(void)state;
	up(&world);
	tables_map(&world.tables, 0x1000, DATA, 0);
	for (unsigned int halves = 0; halves < 4; halves++) {
		stage1(&world, 0, CD0(3 + halves) | (uint64_t)halves << 38, TABLES);
		command(&world, CFGI_CD(HARD), LEAF);
		assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
		assert_both(&world, tagged + 0x1000, VIOMMU_WRITE, halves & 1 ? DATA : NOWHERE);
	}
	stage1(&world, 0, CD0(7) | UINT64_C(1) << 15, TABLES);
	command(&world, CFGI_CD(HARD), LEAF);
	assert_null(hard(&world, 0x1000, VIOMMU_READ, 0x0a));
	stage1(&world, 0, CD0(7) | UINT64_C(1) << 14 | UINT64_C(1) << 15 | UINT64_C(1) << 30, TABLES);
	command(&world, CFGI_CD(HARD), LEAF);
	assert_null(hard(&world, 0x1000, VIOMMU_READ, 0x10));
	down(&world);
}

/* Translations that are invalidated while the stream is detached are not there when it returns. */
static void test_back_again(void **state)
{
	static const uint64_t elsewhere[] = { STE_ABORT, STE_BYPASS, 0 };
	struct world world;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(3), TABLES);
	for (unsigned int i = 0; i < 3; i++) {
		tables_map(&world.tables, 0x1000, DATA + i * PAGE, 0);
		command(&world, TLBI_ALL, 0);
		assert_both(&world, 0x1000, VIOMMU_WRITE, DATA + i * PAGE);
		both(&world, elsewhere[i]);
		tables_map(&world.tables, 0x1000, DATA + 10 * PAGE, 0);
		command(&world, TLBI_VA(3), 0x1000);
		both(&world, STE_S1(cd_gpa(0)));
		assert_both(&world, 0x1000, VIOMMU_WRITE, DATA + 10 * PAGE);
	}
	down(&world);
}

static void test_identity(void **state)
{
	static const struct {
		unsigned int reg;
		uint32_t set, clear; /* of the hardware's */
		unsigned int ours;
		uint32_t mask, value; /* UINT32_MAX: no such SMMU can be made */
	} trials[] = {
		{ 0, 0, 0, 1, 1u << 26, 0 },		     /* ATTR_PERMS_OVR */
		{ 0, 0, 0, 0, 1u << 26, 1u << 26 },	     /* TERM_MODEL */
		{ 0, 0, 1u << 26, 0, 1u << 26, 0 },	     /* the same */
		{ 0, 0, 1u << 4, 0, 1u << 4, 0 },	     /* COHACC */
		{ 0, 0, 1u << 12, 0, 1u << 12, 0 },	     /* ASID16 */
		{ 3, 0, 1u << 2, 3, 1u << 2, 0 },	     /* HAD */
		{ 3, 0, 1u << 10, 3, 1u << 10, 0 },	     /* RIL */
		{ 3, 0, 3u << 11, 3, 0x1f00, 0 },	     /* BBML: without it no FWB and RIL, */
		{ 3, 0, 3u << 11, 7, 0xff, 1 },		     /* and SMMUv3.1 */
		{ 3, 2u << 11, 3u << 11, 3, 0x1f00, 0xd00 }, /* BBML 2 */
		{ 3, 0, 0, 7, 0xff, 2 },
		{ 5, 0, 1u << 5, 5, 7u << 4, 5u << 4 }, /* 16K */
		{ 5, 0, 7u << 4, 5, 7u << 4, 0 },
		{ 5, 2, 7, 5, 7, 2 },			   /* OAS 40 bits */
		{ 5, 5, 7, 5, 7, 4 },			   /* OAS 48 bits: the default is less */
		{ 0, 1u << 2, 0, 0, 3u << 2, 2u << 2 },	   /* AArch32, too */
		{ 0, 0, 3u << 21, 0, 3u << 21, 2u << 21 }, /* TTENDIAN mixed */
		{ 0, 0, 3u << 24, 0, 3u << 24, 1u << 24 }, /* stalls */
		/* two-level stream tables are the library's */
		{ 0, 0, 1u << 27, 0, 3u << 27, 1u << 27 },
		{ 0, 3u << 21, 0, 0, 0, UINT32_MAX },	     /* big-endian */
		{ 0, 0, 2u << 2, 0, 0, UINT32_MAX },	     /* no AArch64 */
		{ 0, 0, 1u << 1, 0, 0, UINT32_MAX },	     /* no stage 1 */
		{ 0, 2u << 24, 1u << 24, 0, 0, UINT32_MAX }, /* forced stalls */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		struct viommu_smmuv3_config config = { .size = sizeof(config) };
		struct viommu_smmuv3_device *device;
		struct viommu_smmuv3 *smmu;
		struct world world;
		uint32_t idr[6];

		up_with(&world, mock_smmu_idr);
		memcpy(idr, mock_smmu_idr, sizeof(idr));
		idr[trials[i].reg] = (idr[trials[i].reg] & ~trials[i].clear) | trials[i].set;
		memcpy(world.smmu->info.idr, idr, sizeof(idr));
		config.hardware = &world.smmu->mock.host;
		if (trials[i].value == UINT32_MAX) {
			assert_int_equal(viommu_smmuv3_create(world.rig.vm, &config, &smmu), -EOPNOTSUPP);
			assert_int_equal(add(&world, 1, VIOMMU_NESTING_HARDWARE, &device), -EOPNOTSUPP);
		} else {
			uint64_t value;

			assert_int_equal(viommu_smmuv3_create(world.rig.vm, &config, &smmu), 0);
			assert_int_equal(viommu_smmuv3_read(smmu, 4 * trials[i].ours, 4, &value), 0);
			assert_int_equal(value & trials[i].mask, trials[i].value);
			viommu_smmuv3_destroy(smmu);
		}
		down(&world);
	}
}

/* A device is on hardware only if the hardware has all features that the guest was offered. */
static void test_choice_of_the_walker(void **state)
{
	static const uint32_t changes[][3] = { { 0, 1u << 4, 0 },  { 0, 1u << 12, 0 }, { 3, 1u << 2, 0 }, { 3, 1u << 10, 0 },
					       { 3, 3u << 11, 0 }, { 5, 1u << 4, 0 },  { 5, 7, 3 },	  { 0, 1u << 1, 0 } };
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = 1 };
	struct viommu_smmuv3_config limited = { .size = sizeof(limited) };
	struct viommu_smmuv3_device *device;
	struct viommu_smmuv3 *smmu;
	struct world world;
	uint32_t idr[6];

	(void)state;
	up_with(&world, mock_smmu_idr);
	memcpy(idr, mock_smmu_idr, sizeof(idr));
	for (unsigned int i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		world.smmu->info.idr[changes[i][0]] = (idr[changes[i][0]] & ~changes[i][1]) | changes[i][2];
		assert_int_equal(add(&world, 1, VIOMMU_NESTING_HARDWARE, &device), -EOPNOTSUPP);
		assert_int_equal(add(&world, 1, VIOMMU_NESTING_AUTO, &device), -EOPNOTSUPP);
		memcpy(world.smmu->info.idr, idr, sizeof(idr));
	}
	world.smmu->info.idr[0] &= ~(1u << 26);
	assert_int_equal(add(&world, 1, VIOMMU_NESTING_HARDWARE, &device), 0);
	viommu_smmuv3_device_remove(device);
	world.rig.pinned = ALL;
	/* Misses of its shadow would not be reported. */
	assert_int_equal(add(&world, 1, VIOMMU_NESTING_SHADOW, &device), -EOPNOTSUPP);
	config.host = world.soft;
	config.nesting = VIOMMU_NESTING_HARDWARE;
	assert_int_equal(viommu_smmuv3_device_add(world.rig.smmu, &config, &device), -EOPNOTSUPP);
	config.nesting = VIOMMU_NESTING_AUTO;
	assert_int_equal(viommu_smmuv3_device_add(world.rig.smmu, &config, &device), 0);
	assert_int_equal(rig_device_info(device).hardware, 0);
	/* An SMMU that was not made for hardware offers features that this hardware lacks. */
	limited.output_bits = 48;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &limited, &smmu), 0);
	config.host = &world.smmu->mock.host;
	config.nesting = VIOMMU_NESTING_HARDWARE;
	assert_int_equal(viommu_smmuv3_device_add(smmu, &config, &device), -EOPNOTSUPP);
	viommu_smmuv3_destroy(smmu);
	/* TERM_MODEL: one fixes the result of a fault, the other lets the guest choose. */
	limited.output_bits = 0;
	limited.hardware = &world.smmu->mock.host;
	world.smmu->info.idr[0] &= ~(1u << 26);
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &limited, &smmu), 0);
	world.smmu->info.idr[0] |= 1u << 26;
	assert_int_equal(viommu_smmuv3_device_add(smmu, &config, &device), -EOPNOTSUPP);
	viommu_smmuv3_destroy(smmu);
	limited.hardware = world.soft;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &limited, &smmu), -EOPNOTSUPP);
	limited.hardware = &world.smmu->mock.host;
	limited.output_bits = 48;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &limited, &smmu), -EOPNOTSUPP);
	limited.output_bits = 40;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &limited, &smmu), 0);
	viommu_smmuv3_destroy(smmu);
	down(&world);
}

/*
 * Features that the guest was not offered do not work in the library either: all its devices behave
 * alike.
 */
static void test_limits_of_shadows(void **state)
{
	struct world world;
	uint32_t idr[6];

	(void)state;
	up(&world);
	tables_map(&world.tables, 0x1000, DATA, 1 << 6);
	/* TERM_MODEL: without CD.A a descriptor is illegal. */
	stage1(&world, 0, CD0(3) & ~CD_A, TABLES);
	assert_int_equal(rig_device_info(world.shadow.device).event, 0x0a);
	assert_null(hard(&world, 0x1000, VIOMMU_READ, 0x0a));
	/* No ATTR_PERMS_OVR: PRIVCFG and INSTCFG are ignored. */
	rig_put_cd(&world.rig, 0, CD0(3), TABLES);
	tables_map(&world.tables, 0x1000, DATA, 0);
	rig_put_ste(&world.rig, SOFT, STE_S1(cd_gpa(0)), UINT64_C(3) << 48 | UINT64_C(3) << 50);
	command(&world, CFGI_STE(SOFT), LEAF);
	command(&world, CFGI_STE(HARD), LEAF);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	rig_put(&world.rig, tables_entry(&world.tables, 0x2000, 0), (DATA | E_PAGE) & ~(UINT64_C(1) << 6));
	assert_null(hard(&world, 0x2000, VIOMMU_READ, 0x13));
	assert_refused(&world.shadow, 0x2000, VIOMMU_READ, 0x13);
	down(&world);
	/* Without ASID16, ASIDs have 8 bits. */
	memcpy(idr, mock_smmu_idr, sizeof(idr));
	idr[0] &= ~(1u << 12);
	up_on(&world, idr);
	tables_map(&world.tables, 0x1000, DATA, 1 << 6);
	stage1(&world, 0, CD0(0xff), TABLES);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	rig_put_cd(&world.rig, 0, CD0(0x100), TABLES);
	command(&world, CFGI_CD(SOFT), LEAF);
	assert_int_equal(rig_device_info(world.shadow.device).event, 0x0a);
	down(&world);
}

static void test_events(void **state)
{
	uint64_t record[4];
	struct world world;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(3), TABLES);
	assert_int_equal(viommu_nest_events(world.rig.vm, world.soft), -EOPNOTSUPP);
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_no_event(&world.rig);
	assert_int_equal(viommu_nest_fd(world.rig.vm, &world.smmu->mock.host), world.smmu->event_fd);
	assert_null(hard(&world, 0x7008, VIOMMU_READ, 0x10));
	assert_no_event(&world.rig);
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(rig_irqs(&world.rig, VIOMMU_SMMUV3_IRQ_EVENTQ), 1);
	assert_true(rig_event(&world.rig, record));
	assert_true(record[0] == (UINT64_C(0x10) | (uint64_t)HARD << 32) && record[1] == UINT64_C(1) << 35 && record[2] == 0x7008);
	assert_int_equal(rig_device_info(world.device).events, 1);
	assert_int_equal(rig_fault(world.device, VIOMMU_FAULT_BLOCKED, 0x1000, VIOMMU_READ), -EOPNOTSUPP);
	/* The guest's queue has four: then it is full. */
	for (unsigned int i = 0; i < 5; i++)
		assert_null(hard(&world, 0x7000, VIOMMU_READ, 0x10));
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(rig_info(&world.rig).events, 5);
	assert_int_equal(rig_info(&world.rig).events_lost, 1);
	assert_true(rig_read(&world.rig, R_EVENTQ_PROD) & 0x80000000u);
	while (rig_event(&world.rig, record))
		;
	rig_write(&world.rig, R_EVENTQ_CONS, rig_read(&world.rig, R_EVENTQ_PROD));
	/* Lost on the way: the guest is notified with the next event. */
	world.smmu->lost = true;
	assert_null(hard(&world, 0x7000, VIOMMU_READ, 0x10));
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(rig_info(&world.rig).events_lost, 2);
	assert_false(rig_read(&world.rig, R_EVENTQ_PROD) & 0x80000000u);
	assert_event(&world.rig, 0x10, HARD);
	/* The notification alone. */
	rig_write(&world.rig, R_EVENTQ_CONS, rig_read(&world.rig, R_EVENTQ_PROD));
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .lost = true };
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(rig_info(&world.rig).events_lost, 3);
	assert_no_event(&world.rig);
	/* The device was removed meanwhile, or never existed. */
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .record = { UINT64_C(77) << 32 | 0x10 } };
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_no_event(&world.rig);
	/* The queue is off. */
	rig_write(&world.rig, R_CR0, SMMUEN | CMDQEN);
	assert_null(hard(&world, 0x7000, VIOMMU_READ, 0x10));
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(rig_info(&world.rig).events_lost, 4);
	mock_fail(&world.smmu->mock, MOCK_EVENT, 1, false, ENODEV);
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), -EIO);
	down(&world);
}

/*
 * Events go to the SMMU that has the device. An event of no device is counted, and does not stop
 * those after it.
 */
static void test_two_smmus(void **state)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	struct viommu_smmuv3_config config = { .size = sizeof(config) };
	struct viommu_smmuv3_info info = { .size = sizeof(info) };
	struct viommu_smmuv3_device_config device_config = { .size = sizeof(device_config), .sid = 9, .nesting = VIOMMU_NESTING_HARDWARE };
	struct viommu_smmuv3_device *device;
	struct viommu_smmuv3 *second;
	struct world world;

	(void)state;
	up(&world);
	config.hardware = device_config.host = &world.smmu->mock.host;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &config, &second), 0);
	assert_int_equal(viommu_smmuv3_device_add(second, &device_config, &device), 0);
	stage1(&world, 0, CD0(3), TABLES);
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .record = { UINT64_C(77) << 32 | 0x10 } };
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .record = { UINT64_C(9) << 32 | 0x10 } };
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .record = { (uint64_t)HARD << 32 | 0x10 } };
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	assert_int_equal(world.smmu->events, 0);
	viommu_smmuv3_info(second, &info);
	/* Its queue is disabled. */
	assert_int_equal(info.events_lost, 1);
	assert_int_equal(rig_info(&world.rig).events, 1);
	assert_int_equal(rig_info(&world.rig).events_lost, 0);
	assert_event(&world.rig, 0x10, HARD);
	viommu_vm_stats(world.rig.vm, &stats);
	assert_int_equal(stats.events_unclaimed, 1);
	/* Lost before they arrived: their devices are unknown. */
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .lost = true };
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	viommu_smmuv3_info(second, &info);
	assert_int_equal(info.events_lost, 2);
	assert_int_equal(rig_info(&world.rig).events_lost, 1);
	viommu_smmuv3_destroy(second);
	world.smmu->event[world.smmu->events++] = (struct smmu_event){ .record = { UINT64_C(9) << 32 | 0x10 } };
	assert_int_equal(viommu_nest_events(world.rig.vm, &world.smmu->mock.host), 0);
	viommu_vm_stats(world.rig.vm, &stats);
	assert_int_equal(stats.events_unclaimed, 2);
	down(&world);
}

/*
 * A device cannot be plugged, whatever fails: nothing is left, and the next attempt is not
 * affected.
 */
static void test_plugging_fails(void **state)
{
	static const enum mock_call calls[] = { MOCK_GUEST_CREATE, MOCK_CREATE, MOCK_INVALIDATE, MOCK_SET_ID, MOCK_ATTACH };
	struct viommu_smmuv3_device *device, *twin;
	struct world world;

	(void)state;
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		up_with(&world, mock_smmu_idr);
		mock_fail(&world.smmu->mock, calls[i], 1, false, ENODEV);
		assert_true(add(&world, HARD, VIOMMU_NESTING_HARDWARE, &device) < 0);
		assert_int_equal(mock_smmu_spaces(world.smmu), 0);
		assert_int_equal(rig_info(&world.rig).devices, 0);
		viommu_vm_set_pin_budget(world.rig.vm, ALL - 1);
		/*
		 * Memory that the host may have pinned is charged: nothing before the first attach.
		 */
		assert_int_equal(rig_pinned(&world.rig), calls[i] == MOCK_ATTACH ? ALL / PAGE : 0);
		if (calls[i] != MOCK_ATTACH)
			assert_int_equal(add(&world, HARD, VIOMMU_NESTING_HARDWARE, &device), -EDQUOT);
		viommu_vm_set_pin_budget(world.rig.vm, ALL);
		assert_int_equal(add(&world, HARD, VIOMMU_NESTING_HARDWARE, &device), 0);
		assert_int_equal(add(&world, HARD, VIOMMU_NESTING_HARDWARE, &twin), -EEXIST);
		assert_int_equal(rig_pinned(&world.rig) * PAGE, ALL);
		world.rig.pinned = ALL;
		down(&world);
	}
}

/*
 * Another StreamID: the hardware knows the device by it, and has the entry of it. Where the host
 * fails, the device has the old one.
 */
static void test_another_stream_id(void **state)
{
	static const enum mock_call calls[] = { MOCK_SET_ID, MOCK_ATTACH };
	struct world world;

	(void)state;
	up(&world);
	stage1(&world, 0, CD0(1), TABLES);
	tables_map(&world.tables, 0x5000, DATA, 0);
	assert_ptr_equal(hard(&world, 0x5000, VIOMMU_READ, 0), world.rig.ram + DATA);
	rig_put_ste(&world.rig, 9, STE_BYPASS, 0);
	assert_int_equal(viommu_smmuv3_device_set_id(world.device, 9), 0);
	assert_ptr_equal(mock_smmu_find(world.smmu, 9), world.theirs);
	assert_ptr_equal(hard(&world, 0x5000, VIOMMU_READ, 0), world.rig.ram + 0x5000);
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		mock_fail(&world.smmu->mock, calls[i], 1, false, ENODEV);
		assert_true(viommu_smmuv3_device_set_id(world.device, HARD) < 0);
		assert_ptr_equal(viommu_smmuv3_find(world.rig.smmu, 9), world.device);
		assert_ptr_equal(mock_smmu_find(world.smmu, 9), world.theirs);
		assert_ptr_equal(hard(&world, 0x5000, VIOMMU_READ, 0), world.rig.ram + 0x5000);
	}
	/*
	 * The old one is refused as well: the device reaches nothing until its entry is read again.
	 */
	mock_fail(&world.smmu->mock, MOCK_ATTACH, 1, true, ENODEV);
	assert_true(viommu_smmuv3_device_set_id(world.device, HARD) < 0);
	assert_int_equal(rig_device_info(world.device).sharing, 0);
	assert_null(hard(&world, 0x5000, VIOMMU_READ, 0));
	mock_fail(&world.smmu->mock, MOCK_ATTACH, 0, false, 0);
	assert_int_equal(viommu_smmuv3_device_set_id(world.device, HARD), 0);
	assert_ptr_equal(hard(&world, 0x5000, VIOMMU_READ, 0), world.rig.ram + DATA);
	down(&world);
}

/* Invalidating fails: no stream continues with invalidated translations, in any context. */
static void test_invalidating_fails(void **state)
{
	struct viommu_smmuv3_device *other;
	struct world world;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		bool context = i & 1, for_good = i & 2;
		enum mock_call call = context ? MOCK_CONTEXT : MOCK_INVALIDATE;

		up(&world);
		assert_int_equal(add(&world, 9, VIOMMU_NESTING_HARDWARE, &other), 0);
		tables_map(&world.tables, 0x1000, DATA, 0);
		stage1(&world, 0, CD0(3), TABLES);
		rig_stage1(&world.rig, 9, 1, CD0(4), TABLES);
		assert_ptr_equal(hard(&world, 0x1000, VIOMMU_READ, 0), rig_hva(&world.rig, DATA));
		tables_unmap(&world.tables, 0x1000);
		if (context)
			rig_put_cd(&world.rig, 0, 0, 0);
		mock_fail(&world.smmu->mock, call, 1, for_good, EIO);
		command(&world, context ? CFGI_CD(HARD) : TLBI_VA(3), 0x1000);
		command(&world, SYNC, 0);
		assert_true(rig_info(&world.rig).rebuilt > 0);
		if (for_good && !context) {
			assert_int_equal(mock_smmu_attached(world.smmu), 0);
			world.smmu->mock.fail[call].at = 0;
			command(&world, SYNC, 0);
		}
		assert_int_equal(mock_smmu_attached(world.smmu), 2);
		assert_null(hard(&world, 0x1000, VIOMMU_READ, context ? 0x0a : 0x10));
		down(&world);
	}
}

/* Attaching fails: the device reaches nothing, and is attached as soon as the host permits it. */
static void test_attaching_fails(void **state)
{
	struct world world;

	(void)state;
	up(&world);
	tables_map(&world.tables, 0x1000, DATA, 0);
	mock_fail(&world.smmu->mock, MOCK_ATTACH, 1, true, ENODEV);
	rig_stage1(&world.rig, HARD, 0, CD0(3), TABLES);
	assert_null(world.theirs->mock.space);
	assert_int_equal(rig_device_info(world.device).sharing, 0);
	command(&world, SYNC, 0);
	assert_null(world.theirs->mock.space);
	world.smmu->mock.fail[MOCK_ATTACH].at = 0;
	command(&world, SYNC, 0);
	assert_ptr_equal(hard(&world, 0x1000, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA));
	/* Replacing fails: the device is detached, then attached. */
	mock_fail(&world.smmu->mock, MOCK_REPLACE, 1, false, EINVAL);
	both(&world, STE_BYPASS);
	assert_ptr_equal(hard(&world, DATA, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA));
	rig_stage1(&world.rig, HARD, 0, CD0(3), TABLES);
	assert_ptr_equal(hard(&world, 0x1000, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA));
	/*
	 * Detaching fails as well: the domain is destroyed, and the device follows the guest's
	 * tables of that time.
	 */
	world.smmu->mock.fail[MOCK_REPLACE].at = 1;
	mock_fail(&world.smmu->mock, MOCK_DETACH, 1, false, EBUSY);
	both(&world, STE_BYPASS);
	assert_ptr_equal(hard(&world, DATA, VIOMMU_WRITE, 0), rig_hva(&world.rig, DATA));
	assert_int_equal(rig_device_info(world.device).sharing, 1);
	assert_int_equal(mock_smmu_spaces(world.smmu), 1);
	assert_int_equal(world.smmu->mock.fail[MOCK_DETACH].at, 0);
	/*
	 * Attaching to the next domain fails as well, after a domain that did not detach: nothing
	 * is reached.
	 */
	world.smmu->mock.fail[MOCK_REPLACE].at = world.smmu->mock.fail[MOCK_DETACH].at = world.smmu->mock.fail[MOCK_ATTACH].at = 1;
	world.smmu->mock.fail[MOCK_ATTACH].for_good = true;
	rig_stage1(&world.rig, HARD, 0, CD0(3), TABLES);
	assert_null(world.theirs->mock.space);
	assert_int_equal(rig_device_info(world.device).sharing, 0);
	assert_int_equal(mock_smmu_spaces(world.smmu), 0);
	down(&world);
}

/* A stream whose entry changes is replaced: it is never detached in between. */
static void test_moves_in_one_step(void **state)
{
	uint64_t detached, replaced;
	struct world world;

	(void)state;
	up(&world);
	tables_map(&world.tables, 0x1000, DATA, 0);
	stage1(&world, 0, CD0(3), TABLES);
	detached = world.smmu->mock.calls[MOCK_DETACH];
	replaced = world.smmu->mock.calls[MOCK_REPLACE];
	both(&world, STE_BYPASS);
	assert_both(&world, DATA, VIOMMU_WRITE, DATA);
	stage1(&world, 1, CD0(3), TABLES);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	stage1(&world, 2, CD0(3), TABLES);
	assert_both(&world, 0x1000, VIOMMU_WRITE, DATA);
	assert_int_equal(world.smmu->mock.calls[MOCK_DETACH], detached);
	assert_int_equal(world.smmu->mock.calls[MOCK_REPLACE], replaced + 3);
	assert_int_equal(mock_smmu_spaces(world.smmu), 1);
	/* If the new entry aborts, it is detached. */
	both(&world, STE_ABORT);
	assert_both(&world, 0x1000, VIOMMU_WRITE, NOWHERE);
	assert_int_equal(world.smmu->mock.calls[MOCK_DETACH], detached + 1);
	down(&world);
}

/* Random operations of a guest that follows the rules. */

#define STREAMS 3u /* of hardware and of the library's, of each: StreamIDs 16 + i and 32 + i */
#define SETS	3u
#define PAGES	24u

struct crowd {
	struct world world;
	struct smmu_device *hard[STREAMS];
	struct user soft[STREAMS];
	struct tables set[SETS];
	uint64_t compared, reached;
};

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)((any() >> 32) % n);
}

static uint64_t any_iova(void)
{
	static const uint64_t places[] = { 0, 0x40000000, 0x7fffffe000, 0x200000 };

	return places[below(4)] + PAGE * below(2) + (below(3) ? 0 : PAGE * 2 * below(2));
}

static void change(struct crowd *crowd, uint32_t *prod)
{
	struct rig *rig = &crowd->world.rig;

	for (unsigned int i = below(4); i < 4; i++) {
		unsigned int set = below(SETS);
		uint64_t iova = any_iova() & UINT64_C(0x7fffffffff), gpa = tables_entry(&crowd->set[set], iova, 0), was = rig_get(rig, gpa);

		rig_put(rig, gpa, below(3) ? (DATA + PAGE * below(PAGES)) | E_PAGE | (below(3) ? 0 : E_RO) : 0);
		/* Translations that did not exist cannot be stale. */
		if (!(was & 1))
			continue;
		switch (below(8)) {
		case 0:
			rig_queue(rig, prod, TLBI_ALL, 0);
			break;
		case 1:
			rig_queue(rig, prod, TLBI_ASID(set), 0);
			break;
		case 2:
			rig_queue(rig, prod, TLBI_VAA, iova);
			break;
		default:
			rig_queue(rig, prod, TLBI_VA(set) | RANGE(0, 0), iova | TG(1) | TTL(3));
			break;
		}
	}
}

static void switch_stream(struct crowd *crowd, uint32_t *prod)
{
	static const uint64_t others[] = { STE_ABORT, STE_BYPASS, 0 };
	unsigned int i = below(STREAMS), set = below(SETS);
	uint64_t ste0 = below(4) ? STE_S1(cd_gpa(i)) : others[below(3)];
	bool descriptor = !below(2);

	if (descriptor)
		rig_put_cd(&crowd->world.rig, i, CD0(set), crowd->set[set].root);
	else
		rig_put_ste(&crowd->world.rig, 16 + i, ste0, 0), rig_put_ste(&crowd->world.rig, 32 + i, ste0, 0);
	for (unsigned int sid = 16 + i; sid <= 32 + i; sid += 16)
		rig_queue(&crowd->world.rig, prod, descriptor ? CFGI_CD(sid) : CFGI_STE(sid), LEAF);
}

static void compare(struct crowd *crowd)
{
	struct rig *rig = &crowd->world.rig;

	for (unsigned int n = 0; n < 8; n++) {
		unsigned int i = below(STREAMS), code;
		uint32_t access = below(2) ? VIOMMU_READ : VIOMMU_WRITE;
		uint64_t iova = any_iova(), cd[8], gpa = 0;
		const uint8_t *soft = NULL, *expected = NULL;

		switch (rig_device_info(crowd->soft[i].device).stream) {
		case VIOMMU_SMMUV3_STREAM_STAGE1:
			for (unsigned int w = 0; w < 8; w++)
				cd[w] = rig_get(rig, cd_gpa(i) + 8 * w);
			if (tables_naive(rig, cd, iova, access, &gpa))
				expected = rig_hva(rig, gpa);
			break;
		case VIOMMU_SMMUV3_STREAM_BYPASS:
			expected = rig_hva(rig, iova);
			break;
		default:
			break;
		}
		assert_ptr_equal(mock_smmu_access(crowd->world.smmu, crowd->hard[i], iova, access, &code), expected);
		assert_int_equal(user_access(&crowd->soft[i], iova, access, &soft), expected ? 0 : -EFAULT);
		assert_ptr_equal(soft, expected);
		crowd->compared++;
		crowd->reached += expected != NULL;
	}
	assert_int_equal(viommu_nest_events(rig->vm, &crowd->world.smmu->mock.host), 0);
	rig_write(rig, R_EVENTQ_CONS, rig_read(rig, R_EVENTQ_PROD));
}

static void test_random(void **state)
{
	static struct crowd crowd;
	struct rig *rig = &crowd.world.rig;
	struct viommu_smmuv3_device *device;
	uint64_t seeded = seed;

	(void)state;
	seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	up(&crowd.world);
	for (unsigned int i = 0; i < SETS; i++) {
		tables_init(&crowd.set[i], rig, TABLES + UINT64_C(0x100000) * i);
		rig_put_cd(rig, i, CD0(i), crowd.set[i].root);
	}
	for (unsigned int i = 0; i < STREAMS; i++) {
		assert_int_equal(add(&crowd.world, 16 + i, VIOMMU_NESTING_HARDWARE, &device), 0);
		crowd.hard[i] = mock_smmu_find(crowd.world.smmu, 16 + i);
		rig->host = crowd.world.soft;
		user_init(&crowd.soft[i], rig, 32 + i);
		rig->host = &crowd.world.smmu->mock.host;
	}
	for (uint64_t step = 0; step < steps; step++) {
		uint32_t prod = rig_read(rig, R_CMDQ_PROD);

		change(&crowd, &prod);
		if (!below(6))
			switch_stream(&crowd, &prod);
		if (!below(3))
			change(&crowd, &prod);
		rig_queue(rig, &prod, SYNC, 0);
		rig_kick(rig, prod);
		assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
		compare(&crowd);
	}
	print_message("seed %llu: %llu accesses compared, %llu of them reached something\n", (unsigned long long)seeded, (unsigned long long)crowd.compared,
		      (unsigned long long)crowd.reached);
	assert_true(crowd.reached > crowd.compared / 8);
	for (unsigned int i = 0; i < STREAMS; i++)
		user_end(&crowd.soft[i]);
	down(&crowd.world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_entry_is_handed_on),
		cmocka_unit_test(test_invalidations),
		cmocka_unit_test(test_registered_once),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_back_again),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_choice_of_the_walker),
		cmocka_unit_test(test_limits_of_shadows),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_plugging_fails),
		cmocka_unit_test(test_another_stream_id),
		cmocka_unit_test(test_invalidating_fails),
		cmocka_unit_test(test_attaching_fails),
		cmocka_unit_test(test_moves_in_one_step),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_two_smmus),
		cmocka_unit_test(test_without_commands),
		cmocka_unit_test(test_top_byte),
	};

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--steps"))
			steps = strtoull(argv[i + 1], NULL, 0);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
