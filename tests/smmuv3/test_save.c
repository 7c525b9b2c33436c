/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saves and restores the registers of an SMMUv3: into another SMMU, whose devices then reach the
 * same memory; and refuses illegal streams without any change.
 */
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/common/iommu.h"

#define SID	    0x8u
#define IOVA	    UINT64_C(0x7fff0000)
#define F_TRANSL    0x10u
#define MOST_BYTES  1024u
#define PAGES_BYTES UINT64_C(0x20000)

static const char *logged;

static void on_log(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	(void)ctx, (void)a, (void)b;
	if (level == VIOMMU_LOG_ERROR)
		logged = what;
}

/* The library's common part is the first member. */
static struct guest_iommu *common(struct rig *rig)
{
	return (struct guest_iommu *)(void *)rig->smmu;
}

struct world {
	struct rig rig;
	struct rig_config config;
	struct tables tables;
	struct user user;
	uint8_t stream[MOST_BYTES];
	size_t bytes;
};

/* A guest with a translation, an event in its queue, and an error that it has not acknowledged. */
static void up(struct world *world)
{
	uint32_t prod;

	memset(world, 0, sizeof(*world));
	world->config = rig_config();
	world->config.vm.log = on_log;
	rig_up_as(&world->rig, &world->config);
	user_init(&world->user, &world->rig, SID);
	rig_enable(&world->rig);
	tables_init(&world->tables, &world->rig, TABLES);
	rig_stage1(&world->rig, SID, 0, CD0(1), TABLES);
	tables_map(&world->tables, IOVA, DATA, 0);
	assert_reaches(&world->user, IOVA, DATA, VIOMMU_RW);
	assert_int_equal(rig_fault(world->user.device, VIOMMU_FAULT_NOT_PRESENT, IOVA + PAGE, VIOMMU_READ), -EFAULT);
	prod = rig_read(&world->rig, R_CMDQ_PROD);
	rig_queue(&world->rig, &prod, 0xff, 0);
	rig_kick(&world->rig, prod);
	assert_int_equal(rig_info(&world->rig).gerror, 1);
	world->bytes = guest_iommu_save(common(&world->rig), world->stream, sizeof(world->stream));
	assert_in_range(world->bytes, 1, sizeof(world->stream));
	logged = NULL;
}

static void down(struct world *world)
{
	user_end(&world->user);
	rig_down(&world->rig);
}

static void read_all(struct rig *rig, uint32_t *value)
{
	for (uint32_t offset = 0; offset < PAGES_BYTES; offset += 4)
		value[offset / 4] = rig_read(rig, offset);
}

static void test_restore(void **state)
{
	static uint32_t before[PAGES_BYTES / 4], after[PAGES_BYTES / 4];
	struct world world;
	uint8_t again[MOST_BYTES];

	(void)state;
	up(&world);
	read_all(&world.rig, before);
	/* Another SMMU, with the devices that the first one had. */
	user_end(&world.user);
	viommu_smmuv3_destroy(world.rig.smmu);
	world.config.smmu.ctx = &world.rig;
	assert_int_equal(viommu_smmuv3_create(world.rig.vm, &world.config.smmu, &world.rig.smmu), 0);
	user_init(&world.user, &world.rig, SID);
	assert_int_equal(rig_device_info(world.user.device).stream, VIOMMU_SMMUV3_STREAM_BYPASS);
	assert_int_equal(guest_iommu_restore(common(&world.rig), world.stream, world.bytes), 0);
	assert_null(logged);
	read_all(&world.rig, after);
	assert_memory_equal(after, before, sizeof(before));
	assert_int_equal(rig_device_info(world.user.device).stream, VIOMMU_SMMUV3_STREAM_STAGE1);
	assert_event(&world.rig, F_TRANSL, SID);
	assert_reaches(&world.user, IOVA, DATA, VIOMMU_RW);
	/* The guest acknowledges the error, and goes on. */
	rig_put(&world.rig, CMDQ + 16 * (uint64_t)(rig_read(&world.rig, R_CMDQ_CONS) & 0x3f), SYNC);
	rig_write(&world.rig, R_GERRORN, 1);
	assert_int_equal(rig_info(&world.rig).gerror, 0);
	assert_int_equal(rig_read(&world.rig, R_CMDQ_CONS), rig_read(&world.rig, R_CMDQ_PROD));
	rig_command(&world.rig, TLBI_ALL, 0);
	rig_command(&world.rig, SYNC, 0);
	/* The streams have a length, and depend on nothing but the registers. */
	assert_int_equal(guest_iommu_restore(common(&world.rig), world.stream, world.bytes), 0);
	memset(again, 0, sizeof(again));
	assert_int_equal(guest_iommu_save(common(&world.rig), again, world.bytes - 1), world.bytes);
	assert_int_equal(again[0], 0);
	assert_int_equal(guest_iommu_save(common(&world.rig), again, sizeof(again)), world.bytes);
	assert_memory_equal(again, world.stream, world.bytes);
	down(&world);
}

/* Refused, with a message that contains this word, and without any change. */
static void refuse(struct world *world, const uint8_t *stream, size_t bytes, const char *word)
{
	uint8_t now[MOST_BYTES];

	logged = NULL;
	assert_int_equal(guest_iommu_restore(common(&world->rig), stream, bytes), -EINVAL);
	assert_non_null(logged);
	if (word)
		assert_non_null(strstr(logged, word));
	assert_int_equal(guest_iommu_save(common(&world->rig), now, sizeof(now)), world->bytes);
	assert_memory_equal(now, world->stream, world->bytes);
}

static void test_damaged(void **state)
{
	struct world world;
	uint8_t *copy;

	(void)state;
	up(&world);
	for (size_t bit = 0; bit < 8 * world.bytes; bit++) {
		world.stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
		copy = malloc(world.bytes);
		memcpy(copy, world.stream, world.bytes);
		world.stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refuse(&world, copy, world.bytes, bit < 56 ? "no such stream" : bit < 64 ? "version" : "damaged");
		free(copy);
	}
	/* Truncated, at the end of accessible memory; and with trailing bytes. */
	for (size_t bytes = 0; bytes < world.bytes; bytes++) {
		copy = malloc(bytes);
		if (bytes)
			memcpy(copy, world.stream, bytes);
		refuse(&world, copy, bytes, NULL);
		free(copy);
	}
	refuse(&world, world.stream, world.bytes + 8, "damaged");
	assert_event(&world.rig, F_TRANSL, SID);
	assert_reaches(&world.user, IOVA, DATA, VIOMMU_RW);
	down(&world);
}

/* Of another machine: an SMMU that identifies itself differently. */
static void test_another(void **state)
{
	struct world world;
	struct rig_config config = rig_config();
	struct rig other;
	uint8_t before[MOST_BYTES], after[MOST_BYTES];

	(void)state;
	up(&world);
	config.vm.log = on_log;
	config.smmu.output_bits = 40;
	rig_up_as(&other, &config);
	assert_int_equal(guest_iommu_save(common(&other), before, sizeof(before)), world.bytes);
	assert_int_equal(guest_iommu_restore(common(&other), world.stream, world.bytes), -EINVAL);
	assert_non_null(strstr(logged, "another configuration"));
	assert_int_equal(guest_iommu_save(common(&other), after, sizeof(after)), world.bytes);
	assert_memory_equal(after, before, world.bytes);
	rig_down(&other);
	down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_restore), cmocka_unit_test(test_damaged), cmocka_unit_test(test_another) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
