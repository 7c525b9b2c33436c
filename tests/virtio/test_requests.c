/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests, the configuration space and fault reports by virtio 1.3, section 5.13, on soft hosts.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct world {
	struct rig rig;
	struct viommu_host *host[2];
	/* IDs 8, 9 on the first host, 10 on the second */
	struct viommu_virtio_endpoint *endpoint[3];
	struct viommu_reader *reader[3];
};

static void up(struct world *world, const struct viommu_vm_config *vm, const struct viommu_virtio_config *virtio)
{
	memset(world, 0, sizeof(*world));
	rig_up_as(&world->rig, vm, virtio);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(viommu_host_soft_create(&world->host[i]), 0);
	for (unsigned int i = 0; i < 3; i++) {
		world->endpoint[i] = rig_endpoint(&world->rig, 8 + i, world->host[i / 2]);
		assert_ptr_equal(viommu_virtio_find(world->rig.virtio, 8 + i), world->endpoint[i]);
		assert_int_equal(viommu_reader_create(viommu_virtio_endpoint_device(world->endpoint[i]), VIOMMU_NO_PASID, &world->reader[i]), 0);
	}
}

static void down(struct world *world)
{
	for (unsigned int i = 0; i < 3; i++)
		viommu_reader_destroy(world->reader[i]);
	rig_down(&world->rig);
	viommu_host_destroy(world->host[0]);
	viommu_host_destroy(world->host[1]);
}

static int set_up(void **state)
{
	static struct world world;
	const struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	const struct viommu_virtio_config virtio = VIOMMU_VIRTIO_CONFIG_INIT;

	up(&world, &vm, &virtio);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	down(*state);
	return 0;
}

/* Which page an endpoint reads at an IOVA, by its first byte; -1: it faults. */
static int reads(struct world *world, unsigned int endpoint, uint64_t iova)
{
	uint8_t byte;

	return viommu_read(world->reader[endpoint], iova, &byte, 1, NULL, NULL) ? -1 : byte;
}

static bool writes(struct world *world, unsigned int endpoint, uint64_t iova)
{
	uint8_t byte = 0;

	return !viommu_write(world->reader[endpoint], iova + 1, &byte, 1, NULL, NULL);
}

static void test_config_space(void **state)
{
	struct world *world = *state;
	uint8_t space[44];

	viommu_virtio_config_read(world->rig.virtio, 0, space, sizeof(space));
	assert_int_equal(rig_get(space, 8), ~UINT64_C(0xfff));
	assert_int_equal(rig_get(space + 8, 8), 0);
	assert_int_equal(rig_get(space + 16, 8), UINT64_C(0xffffffffffff));
	assert_int_equal(rig_get(space + 24, 4), 0);
	assert_int_equal(rig_get(space + 28, 4), UINT32_MAX);
	assert_int_equal(rig_get(space + 32, 4), 512);
	assert_int_equal(rig_get(space + 36, 8), 0);
	viommu_virtio_config_read(world->rig.virtio, 19, space, 2);
	assert_int_equal(rig_get(space, 2), 0xffff);
	viommu_virtio_config_read(world->rig.virtio, UINT64_MAX - 1, space, 4);
	assert_int_equal(rig_get(space, 4), 0);
	assert_int_equal(viommu_virtio_set_features(world->rig.virtio, ALL_OF_THEM | 1u << 3), -EINVAL);
	assert_int_equal(viommu_virtio_set_features(world->rig.virtio, ALL_OF_THEM | 1u << 5), -EINVAL);
	assert_int_equal(rig_info(&world->rig).accepted, ALL_OF_THEM);
}

/* The example of 5.13. */
static void test_map_and_unmap(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;

	assert_int_equal(reads(world, 0, 0x1000), -1);
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x1000, 0x1fff, 0xa000, MAP_READ), OK);
	assert_int_equal(rig_pinned(rig), 1);
	assert_int_equal(reads(world, 0, 0x1000), 0xa);
	assert_int_equal(reads(world, 0, 0x2000), -1);
	assert_int_equal(reads(world, 0, 0xfff), -1);
	assert_int_equal(reads(world, 1, 0x1000), -1);
	assert_false(writes(world, 0, 0x1000));
	assert_int_equal(rig_info(rig).mappings, 1);
	assert_int_equal(rig_unmap(rig, 1, 0x1000, 0x1fff), OK);
	assert_int_equal(rig_pinned(rig), 0);
	assert_int_equal(reads(world, 0, 0x1000), -1);
	assert_int_equal(rig_detach(rig, 1, 8), OK);
	assert_int_equal(rig_info(rig).domains, 0);
	/* WRITE alone may imply READ, READ alone does not imply WRITE. */
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x1000, 0x2fff, 0xb000, MAP_WRITE), OK);
	assert_true(writes(world, 0, 0x2000));
	assert_int_equal(rig_map(rig, 1, 0x3000, 0x3fff, ROM_GPA, MAP_READ | MAP_WRITE), OK);
	assert_false(writes(world, 0, 0x3000));
	assert_int_equal(reads(world, 0, 0x3000), ROM_GPA / PAGE % 251);
	/* GPAs without memory translate to nothing, and the mapping stays. */
	assert_int_equal(rig_map(rig, 1, 0x4000, 0x4fff, HOLE_GPA, MAP_READ), OK);
	assert_int_equal(reads(world, 0, 0x4000), -1);
	assert_int_equal(rig_map(rig, 1, 0x4000, 0x4fff, 0, MAP_READ), INVAL);
}

/* The seven examples of 5.13.6.5. */
static void test_unmap_examples(void **state)
{
	static const struct {
		unsigned int maps;
		uint64_t map[2][2], unmap[2];
		unsigned int status, left;
	} examples[] = {
		{ 0, { { 0 } }, { 0, 4 }, OK, 0 },
		{ 1, { { 0, 9 } }, { 0, 9 }, OK, 0 },
		{ 2, { { 0, 4 }, { 5, 9 } }, { 0, 9 }, OK, 0 },
		{ 1, { { 0, 9 } }, { 0, 4 }, RANGE, 1 },
		{ 2, { { 0, 4 }, { 5, 9 } }, { 0, 4 }, OK, 1 },
		{ 1, { { 0, 4 } }, { 0, 9 }, OK, 0 },
		{ 2, { { 0, 4 }, { 10, 14 } }, { 0, 14 }, OK, 0 },
		/* The end of the range may split, too. */
		{ 2, { { 0, 4 }, { 5, 9 } }, { 0, 6 }, RANGE, 2 },
		{ 1, { { 0, 9 } }, { 5, 9 }, RANGE, 1 },
		{ 1, { { 0, 9 } }, { 3, 4 }, RANGE, 1 },
	};
	struct world *world = *state;
	struct rig *rig = &world->rig;

	for (unsigned int i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		assert_int_equal(rig_attach(rig, i, 8, 0), OK);
		for (unsigned int m = 0; m < examples[i].maps; m++) {
			const uint64_t *map = examples[i].map[m];

			assert_int_equal(rig_map(rig, i, map[0] * PAGE, map[1] * PAGE + 0xfff, (map[0] + 0x100) * PAGE, MAP_READ), OK);
		}
		assert_int_equal(rig_unmap(rig, i, examples[i].unmap[0] * PAGE, examples[i].unmap[1] * PAGE + 0xfff), examples[i].status);
		assert_int_equal(rig_info(rig).mappings, examples[i].left);
		for (unsigned int m = 0; m < examples[i].maps && examples[i].status; m++)
			assert_int_equal(reads(world, 0, examples[i].map[m][0] * PAGE), (examples[i].map[m][0] + 0x100) % 251);
	}
	assert_int_equal(rig_info(rig).domains, 1);
}

/* The host unmaps and flushes once, however many mappings are removed. */
static void test_unmap_of_many(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	struct viommu_domain_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };

	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(rig_map(rig, 1, 2 * i * PAGE, 2 * i * PAGE + 0xfff, i % 2 ? HOLE_GPA : i * PAGE, MAP_READ), OK);
	assert_int_equal(viommu_virtio_endpoint_stats(world->endpoint[0], &before), 0);
	assert_int_equal(before.mapped_pages, 50);
	assert_int_equal(rig_pinned(rig), 50);
	assert_int_equal(rig_unmap(rig, 1, 0, UINT64_MAX), OK);
	assert_int_equal(viommu_virtio_endpoint_stats(world->endpoint[0], &after), 0);
	assert_int_equal(after.mapped_pages, 0);
	assert_int_equal(after.host_unmaps - before.host_unmaps, 1);
	assert_int_equal(after.host_flushes - before.host_flushes, 1);
	assert_int_equal(rig_pinned(rig), 0);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(reads(world, 0, 2 * i * PAGE), -1);
}

static void test_rejections(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	uint8_t attach[20] = { 1, 0xff, 0xff, 0xff }, unknown[72] = { 6 };
	struct viommu_virtio_info before;

	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x10000, 0x1ffff, 0x100000, MAP_READ), OK);
	before = rig_info(rig);

	assert_int_equal(rig_attach(rig, 1, 7, 0), NOENT);
	assert_int_equal(rig_attach(rig, 1, 8, 1), INVAL);
	assert_int_equal(rig_attach(rig, 2, 8, 2), INVAL);
	assert_int_equal(rig_detach(rig, 1, 7), NOENT);
	assert_int_equal(rig_detach(rig, 2, 8), INVAL);
	assert_int_equal(rig_detach(rig, 1, 9), INVAL);
	assert_int_equal(rig_map(rig, 2, 0, 0xfff, 0, MAP_READ), NOENT);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0, 0), INVAL);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0, MAP_READ | MAP_MMIO), INVAL);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0, MAP_READ | 8), INVAL);
	assert_int_equal(rig_map(rig, 1, 1, 0xfff, 0, MAP_READ), RANGE);
	assert_int_equal(rig_map(rig, 1, 0, 0xffe, 0, MAP_READ), RANGE);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0x800, MAP_READ), RANGE);
	assert_int_equal(rig_map(rig, 1, 0x2000, 0x1fff, 0, MAP_READ), INVAL);
	assert_int_equal(rig_map(rig, 1, 0, UINT64_C(0x1000000000fff), 0, MAP_READ), RANGE);
	assert_int_equal(rig_map(rig, 1, 0, 0x1fff, UINT64_MAX - 0xfff, MAP_READ), RANGE);
	assert_int_equal(rig_map(rig, 1, 0x1f000, 0x20fff, 0, MAP_READ), INVAL);
	assert_int_equal(rig_map(rig, 1, 0x0, UINT64_C(0xffffffffffff), 0, MAP_READ), INVAL);
	assert_int_equal(rig_unmap(rig, 2, 0, 0xfff), NOENT);
	assert_int_equal(rig_unmap(rig, 1, 0x1000, 0xfff), INVAL);

	/* The head's reserved bytes are ignored, the others of an ATTACH are not. */
	rig_set(attach + 4, 4, 1);
	rig_set(attach + 8, 4, 8);
	assert_int_equal(rig_send(rig, attach, sizeof(attach)), OK);
	attach[19] = 1;
	assert_int_equal(rig_send(rig, attach, sizeof(attach)), INVAL);
	/* Too short, unknown, and without room for a status. */
	assert_int_equal(rig_send(rig, attach, sizeof(attach) - 1), NOT_WRITTEN);
	assert_int_equal(rig_send(rig, attach, 3), NOT_WRITTEN);
	assert_int_equal(rig_send(rig, NULL, 0), NOT_WRITTEN);
	assert_int_equal(rig_send(rig, unknown, sizeof(unknown)), NOT_WRITTEN);
	unknown[0] = 0;
	assert_int_equal(rig_send(rig, unknown, sizeof(unknown)), NOT_WRITTEN);
	assert_int_equal(viommu_virtio_request(rig->virtio, attach, sizeof(attach), unknown, 3), 0);

	assert_int_equal(rig_info(rig).domains, before.domains);
	assert_int_equal(rig_info(rig).mappings, before.mappings);
	assert_int_equal(rig_info(rig).refused, before.refused + 21);
	assert_int_equal(rig_info(rig).discarded, before.discarded + 6);
	assert_int_equal(reads(world, 0, 0x10000), 0x100 % 251);
	assert_int_equal(reads(world, 0, 0), -1);
	assert_int_equal(rig_pinned(rig), 16);
}

static void test_not_negotiated(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	const uint8_t one = 1;

	assert_int_equal(viommu_virtio_set_features(rig->virtio, 0), 0);
	assert_int_equal(rig_attach(rig, 1, 8, 1), INVAL);
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0, MAP_READ), NOT_WRITTEN);
	assert_int_equal(rig_unmap(rig, 1, 0, 0xfff), NOT_WRITTEN);
	viommu_virtio_config_write(rig->virtio, 36, &one, 1);
	assert_int_equal(rig_info(rig).bypass, 0);
	assert_int_equal(reads(world, 1, 0x5000), -1);
}

static void test_bypass(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	const uint8_t values[] = { 2, 1, 0, 0 };

	/* By the configuration space: endpoints without a domain. */
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	viommu_virtio_config_write(rig->virtio, 36, &values[0], 1);
	assert_int_equal(rig_info(rig).bypass, 0);
	viommu_virtio_config_write(rig->virtio, 32, values, 4);
	assert_int_equal(rig_info(rig).bypass, 0);
	viommu_virtio_config_write(rig->virtio, 36, &values[1], 3);
	assert_int_equal(rig_info(rig).bypass, 1);
	assert_int_equal(reads(world, 0, 0x5000), -1);
	assert_int_equal(reads(world, 1, 0x5000), 5);
	assert_int_equal(reads(world, 2, 0x5000), 5);
	assert_int_equal(rig_detach(rig, 1, 8), OK);
	assert_int_equal(reads(world, 0, 0x5000), 5);
	assert_false(writes(world, 0, ROM_GPA));
	viommu_virtio_config_write(rig->virtio, 36, &values[2], 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(reads(world, i, 0x5000), -1);
	assert_int_equal(rig_pinned(rig), 0);

	/* By a bypass domain. */
	assert_int_equal(rig_attach(rig, 2, 9, 1), OK);
	assert_int_equal(rig_attach(rig, 2, 10, 0), INVAL);
	assert_int_equal(rig_attach(rig, 2, 10, 1), OK);
	assert_int_equal(reads(world, 1, 0x7000), 7);
	assert_int_equal(reads(world, 2, 0x7000), 7);
	assert_int_equal(reads(world, 0, 0x7000), -1);
	assert_int_equal(rig_map(rig, 2, 0, 0xfff, 0, MAP_READ), INVAL);
	assert_int_equal(rig_unmap(rig, 2, 0, 0xfff), INVAL);
	assert_int_equal(rig_detach(rig, 2, 9), OK);
	assert_int_equal(reads(world, 1, 0x7000), -1);
}

static void test_reset(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	const uint8_t one = 1;

	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_attach(rig, 1, 10, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0, 0xfff, 0x3000, MAP_READ), OK);
	viommu_virtio_config_write(rig->virtio, 36, &one, 1);
	viommu_virtio_reset(rig->virtio, false);
	assert_int_equal(rig_info(rig).domains, 0);
	assert_int_equal(rig_info(rig).mappings, 0);
	assert_int_equal(rig_info(rig).accepted, 0);
	assert_int_equal(rig_info(rig).bypass, 1);
	assert_int_equal(reads(world, 0, 0x4000), 4);
	viommu_virtio_reset(rig->virtio, true);
	assert_int_equal(rig_info(rig).bypass, 0);
	assert_int_equal(reads(world, 0, 0x4000), -1);
	assert_int_equal(rig_pinned(rig), 0);
}

static void test_boot_bypass(void **state)
{
	const struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	static struct world world;
	const uint8_t zero = 0;

	(void)state;
	config.flags = VIOMMU_VIRTIO_BOOT_BYPASS;
	up(&world, &vm, &config);
	assert_int_equal(reads(&world, 0, 0x4000), 4);
	viommu_virtio_config_write(world.rig.virtio, 36, &zero, 1);
	assert_int_equal(reads(&world, 0, 0x4000), -1);
	viommu_virtio_reset(world.rig.virtio, false);
	assert_int_equal(reads(&world, 0, 0x4000), -1);
	viommu_virtio_reset(world.rig.virtio, true);
	assert_int_equal(reads(&world, 0, 0x4000), 4);
	down(&world);
}

/* Endpoints share a domain, on two hosts, and leave it. */
static void test_sharing(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;

	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x1000, 0x1fff, 0x3000, MAP_READ), OK);
	/* Endpoints that are attached later reach the existing mappings, on another host, too. */
	assert_int_equal(rig_attach(rig, 1, 9, 0), OK);
	assert_int_equal(rig_attach(rig, 1, 10, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x2000, 0x2fff, 0x4000, MAP_READ), OK);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(reads(world, i, 0x1000), 3);
		assert_int_equal(reads(world, i, 0x2000), 4);
	}
	assert_int_equal(rig_pinned(rig), 2);
	assert_int_equal(rig_unmap(rig, 1, 0x1000, 0x1fff), OK);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(reads(world, i, 0x1000), -1);
	/* To another domain. */
	assert_int_equal(rig_attach(rig, 2, 9, 0), OK);
	assert_int_equal(reads(world, 1, 0x2000), -1);
	assert_int_equal(reads(world, 0, 0x2000), 4);
	assert_int_equal(rig_info(rig).domains, 2);
	/* Detaching the last endpoint removes the mappings. */
	assert_int_equal(rig_detach(rig, 1, 8), OK);
	assert_int_equal(reads(world, 2, 0x2000), 4);
	viommu_reader_destroy(world->reader[2]);
	world->reader[2] = NULL;
	viommu_virtio_endpoint_remove(world->endpoint[2]);
	assert_int_equal(rig_info(rig).domains, 1);
	assert_int_equal(rig_info(rig).mappings, 0);
	assert_int_equal(rig_pinned(rig), 0);
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(reads(world, 0, 0x2000), -1);
	assert_null(viommu_virtio_find(rig->virtio, 10));
}

static void expect_report(struct world *world, unsigned int reason, unsigned int access, uint32_t endpoint, uint64_t iova)
{
	const uint8_t *report = world->rig.report;

	assert_int_equal(world->rig.reports, 1);
	assert_int_equal(rig_get(report, 4), reason);
	assert_int_equal(rig_get(report + 4, 4), access | 0x100);
	assert_int_equal(rig_get(report + 8, 4), endpoint);
	assert_int_equal(rig_get(report + 12, 4), 0);
	assert_int_equal(rig_get(report + 16, 8), iova);
	world->rig.reports = 0;
}

static void test_reports(void **state)
{
	struct world *world = *state;
	struct rig *rig = &world->rig;
	struct viommu_fault none = { .reason = VIOMMU_FAULT_NONE };

	assert_int_equal(reads(world, 0, 0x1234), -1);
	expect_report(world, 1, 1, 8, 0x1234);
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(reads(world, 0, 0x1234), -1);
	expect_report(world, 2, 1, 8, 0x1234);
	assert_int_equal(rig_map(rig, 1, 0x1000, 0x1fff, 0x3000, MAP_READ), OK);
	assert_false(writes(world, 0, 0x1000));
	expect_report(world, 2, 2, 8, 0x1001);
	assert_int_equal(reads(world, 0, 0x1000), 3);
	assert_int_equal(rig->reports, 0);
	/* Permitted by the guest, but there is no such memory. */
	assert_int_equal(rig_map(rig, 1, 0x2000, 0x2fff, HOLE_GPA, MAP_READ), OK);
	assert_int_equal(reads(world, 0, 0x2000), -1);
	expect_report(world, 0, 1, 8, 0x2000);
	assert_int_equal(rig_attach(rig, 2, 9, 1), OK);
	assert_int_equal(reads(world, 1, HOLE_GPA), -1);
	expect_report(world, 0, 1, 9, HOLE_GPA);
	assert_int_equal(viommu_virtio_endpoint_fault(world->endpoint[0], NULL), -EINVAL);
	assert_int_equal(viommu_virtio_endpoint_fault(world->endpoint[0], &none), -EINVAL);
	assert_int_equal(rig_info(rig).faults, 5);
	assert_int_equal(rig_info(rig).reports, 5);
	/* An access is tried again if its page was mapped meanwhile. */
	none.reason = VIOMMU_FAULT_NOT_PRESENT;
	none.access = VIOMMU_READ;
	none.iova = 0x1000;
	assert_int_equal(viommu_virtio_endpoint_fault(world->endpoint[0], &none), 0);
	assert_int_equal(rig->reports, 0);
}

static void test_probe(void **state)
{
	static const struct viommu_virtio_reserved reserved[] = { { 0x8000000, 0x80fffff, 1, 0 }, { UINT64_C(0xf00000000), UINT64_C(0xf00000fff), 0, 0 } };
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct world *world = *state;
	struct rig *rig = &world->rig;
	struct viommu_virtio_endpoint *endpoint, *other;
	uint8_t probe[72] = { 5 }, out[600];

	config.endpoint = 20;
	config.host = world->host[0];
	config.reserved = reserved;
	config.reserved_number = 2;
	assert_int_equal(viommu_virtio_endpoint_add(rig->virtio, &config, &endpoint), 0);
	assert_int_equal(viommu_virtio_endpoint_add(rig->virtio, &config, &other), -EEXIST);
	rig_set(probe + 4, 4, 20);
	memset(out, 0xee, sizeof(out));
	assert_int_equal(viommu_virtio_request(rig->virtio, probe, sizeof(probe), out, sizeof(out)), 516);
	assert_int_equal(rig_get(out, 4), 20 << 16 | 1);
	assert_int_equal(rig_get(out + 4, 4), 1);
	assert_int_equal(rig_get(out + 8, 8), 0x8000000);
	assert_int_equal(rig_get(out + 16, 8), 0x80fffff);
	assert_int_equal(rig_get(out + 24, 4), 20 << 16 | 1);
	assert_int_equal(rig_get(out + 28, 4), 0);
	assert_int_equal(rig_get(out + 32, 8), UINT64_C(0xf00000000));
	assert_int_equal(rig_get(out + 40, 8), UINT64_C(0xf00000fff));
	for (unsigned int i = 48; i < 516; i++)
		assert_int_equal(out[i], 0);
	assert_int_equal(out[516], 0xee);
	/* Fewer bytes than probe_size. */
	assert_int_equal(viommu_virtio_request(rig->virtio, probe, sizeof(probe), out, 515), 515);
	for (unsigned int i = 0; i < 515; i++)
		assert_int_equal(out[i], i == 511 ? INVAL : 0);
	rig_set(probe + 4, 4, 21);
	assert_int_equal(viommu_virtio_request(rig->virtio, probe, sizeof(probe), out, 516), 516);
	assert_int_equal(out[512], NOENT);
	rig_set(probe + 4, 4, 8);
	assert_int_equal(viommu_virtio_request(rig->virtio, probe, sizeof(probe), out, 516), 516);
	for (unsigned int i = 0; i < 516; i++)
		assert_int_equal(out[i], 0);

	/* No mappings there, and no endpoint where there are such mappings. */
	assert_int_equal(rig_attach(rig, 1, 20, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0x80ff000, 0x8100fff, 0, MAP_READ), INVAL);
	assert_int_equal(rig_map(rig, 1, 0x7000000, 0x9000fff, 0, MAP_READ), INVAL);
	assert_int_equal(rig_map(rig, 1, 0x8100000, 0x8100fff, 0, MAP_READ), OK);
	assert_int_equal(rig_attach(rig, 2, 8, 0), OK);
	assert_int_equal(rig_map(rig, 2, 0x80ff000, 0x8100fff, 0, MAP_READ), OK);
	assert_int_equal(rig_attach(rig, 2, 20, 0), UNSUPP);
	assert_int_equal(rig_unmap(rig, 1, 0x8100000, 0x8100fff), OK);
	assert_int_equal(rig_info(rig).domains, 2);
	viommu_virtio_endpoint_remove(endpoint);
}

static void test_endpoint_config(void **state)
{
	const struct viommu_virtio_reserved msis[] = { { 0x1000, 0x1fff, 1, 0 }, { 0x2000, 0x2fff, 1, 0 } };
	const struct viommu_virtio_reserved backwards[] = { { 0x2000, 0x2fff, 0, 0 }, { 0x1000, 0x1fff, 0, 0 } };
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct viommu_virtio_reserved many[22];
	struct world *world = *state;
	struct viommu_virtio_endpoint *endpoint;

	config.endpoint = 20;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), -EINVAL);
	config.host = world->host[0];
	config.reserved_number = 1;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), -EINVAL);
	config.reserved_number = 2;
	config.reserved = msis;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), -EINVAL);
	config.reserved = backwards;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), -EINVAL);
	for (unsigned int i = 0; i < 22; i++)
		many[i] = (struct viommu_virtio_reserved){ i * 2 * PAGE, i * 2 * PAGE + 0xfff, 0, 0 };
	config.reserved = many;
	config.reserved_number = 22;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), -ENOSPC);
	config.reserved_number = 21;
	assert_int_equal(viommu_virtio_endpoint_add(world->rig.virtio, &config, &endpoint), 0);
	viommu_virtio_endpoint_remove(endpoint);
}

static void test_creation(void **state)
{
	struct world *world = *state;
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	struct viommu_virtio *virtio;

	config.last = 0xffe;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), -EINVAL);
	config.last = 0xfff;
	config.page_bits = 16;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), -EINVAL);
	config.page_bits = 11;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), -EINVAL);
	config.page_bits = 31;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), -EINVAL);
	config.page_bits = 0;
	config.flags = 2;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), -EINVAL);
	config.flags = 0;
	config.last = UINT64_MAX;
	assert_int_equal(viommu_virtio_create(world->rig.vm, &config, &virtio), 0);
	viommu_virtio_destroy(virtio);
	viommu_virtio_destroy(NULL);
}

/* Pages of 64 KiB, a short range of IOVAs and few domains. */
static void test_limits_of_the_config(void **state)
{
	const struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	static struct world world;
	uint8_t mask[8];

	(void)state;
	config.page_bits = 16;
	config.last = 0xffffffff;
	config.domain_max = 3;
	up(&world, &vm, &config);
	viommu_virtio_config_read(world.rig.virtio, 0, mask, 8);
	assert_int_equal(rig_get(mask, 8), ~UINT64_C(0xffff));
	assert_int_equal(rig_attach(&world.rig, 4, 8, 0), RANGE);
	assert_int_equal(rig_attach(&world.rig, 3, 8, 0), OK);
	assert_int_equal(rig_map(&world.rig, 3, 0, 0xfff, 0, MAP_READ), RANGE);
	assert_int_equal(rig_map(&world.rig, 3, 0xffff0000, UINT64_C(0x10000ffff), 0, MAP_READ), RANGE);
	assert_int_equal(rig_map(&world.rig, 3, 0xffff0000, 0xffffffff, 0x20000, MAP_READ), OK);
	assert_int_equal(reads(&world, 0, 0xffff1000), 0x21);
	down(&world);
}

/* A request that does not fit has no effect, and the guest goes on. */
static void test_budget(void **state)
{
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	const struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	static struct world world;
	struct rig *rig = &world.rig;

	(void)state;
	vm.pin_budget = 4 * PAGE;
	up(&world, &vm, &config);
	assert_int_equal(rig_attach(rig, 1, 8, 0), OK);
	assert_int_equal(rig_attach(rig, 1, 10, 0), OK);
	assert_int_equal(rig_map(rig, 1, 0, 0x4fff, 0, MAP_READ), NOMEM);
	assert_int_equal(rig_info(rig).mappings, 0);
	assert_int_equal(rig_pinned(rig), 0);
	assert_int_equal(rig_map(rig, 1, 0, 0x2fff, 0, MAP_READ), OK);
	assert_int_equal(rig_map(rig, 1, 0x3000, 0x4fff, 0x3000, MAP_READ), NOMEM);
	/* A page counts once. */
	assert_int_equal(rig_map(rig, 1, 0x3000, 0x4fff, 0x2000, MAP_READ), OK);
	assert_int_equal(rig_unmap(rig, 1, 0, 0x2fff), OK);
	assert_int_equal(rig_map(rig, 1, 0, 0x1fff, 0x4000, MAP_READ), OK);
	assert_int_equal(reads(&world, 2, 0x1000), 5);
	/* No room for bypass mode: detached all the same, and it reaches nothing. */
	assert_int_equal(rig_attach(rig, 2, 9, 1), NOMEM);
	assert_int_equal(reads(&world, 1, 0), -1);
	assert_int_equal(rig_info(rig).domains, 1);
	down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_config_space, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_map_and_unmap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unmap_examples, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unmap_of_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rejections, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_negotiated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bypass, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
		cmocka_unit_test(test_boot_bypass),
		cmocka_unit_test_setup_teardown(test_sharing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_endpoint_config, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_creation, set_up, tear_down),
		cmocka_unit_test(test_limits_of_the_config),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
