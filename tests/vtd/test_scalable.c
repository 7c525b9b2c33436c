/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scalable mode: from a source ID to the tables of requests without PASID. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define DID   5u
#define SID   8u
#define PASID 0x85u /* of requests without PASID: entry 5 behind the directory's entry 2 */
#define HIGH  (UINT64_C(1) << 46)
#define PDTS0 DIRECTORY

/* PASID table entries: PGTT, and AW of 39 bits. */
#define SECOND	     UINT64_C(0x85)
#define PASS_THROUGH UINT64_C(0x101)

struct world {
	struct rig rig;
	struct user user;
	uint64_t root;
};

static void begin(struct world *world)
{
	struct rig_config config = rig_config();

	config.vtd.flags = VIOMMU_VTD_SCALABLE;
	rig_up_as(&world->rig, &config);
	rig_enable(&world->rig);
	user_init(&world->user, &world->rig, SID);
	assert_refused(&world->user, 0x1000, VIOMMU_READ, 0x41);
	world->root = rig_table(&world->rig);
	rig_map(&world->rig, world->root, 3, 0x1000, DATA);
	rig_put_sm_context(&world->rig, SID, PDTS0 | 1, PASID);
	rig_put_pasid(&world->rig, PASID, world->root | SECOND, DID | 3 << 23, 0);
	rig_command(&world->rig, PASID_GLOBAL, 0);
	rig_command(&world->rig, IOTLB_GLOBAL, 0);
}

static void end(struct world *world)
{
	user_end(&world->user);
	rig_down(&world->rig);
}

static void test_illegal(void **state)
{
	static const uint64_t context = CONTEXTS + 32 * SID, directory = DIRECTORY + 16, entry = PASIDS + 64 * 5;
	const struct {
		uint64_t gpa, flip;
		uint32_t reason;
	} illegal[] = {
		{ ROOT, 1, 0x39 },
		{ ROOT, 1 << 1, 0x3a },
		{ ROOT, 1 << 11, 0x3a },
		{ ROOT, HIGH, 0x3a },
		{ ROOT, CONTEXTS ^ HOLE_GPA, 0x40 },
		{ context, 1, 0x41 },
		{ context, 1 << 2, 0x42 },
		{ context, 1 << 3, 0x42 },
		{ context, 1 << 4, 0x42 },
		{ context, 1 << 8, 0x42 },
		{ context, HIGH, 0x42 },
		{ context + 8, 1 << 20, 0x42 },
		{ context + 8, UINT64_C(1) << 63, 0x42 },
		{ context + 16, 1, 0x42 },
		{ context + 24, UINT64_C(1) << 63, 0x42 },
		/* A PASID beyond the directory: 128 entries. */
		{ context + 8, 1 << 13, 0x48 },
		{ context, DIRECTORY ^ HOLE_GPA, 0x50 },
		{ directory, 1, 0x51 },
		{ directory, 1 << 2, 0x52 },
		{ directory, 1 << 11, 0x52 },
		{ directory, HIGH, 0x52 },
		{ directory, PASIDS ^ HOLE_GPA, 0x58 },
		{ entry, 1, 0x59 },
		{ entry, 1 << 5, 0x5a },
		{ entry, 1 << 9, 0x5a },
		{ entry, 1 << 11, 0x5a },
		{ entry, HIGH, 0x5a },
		{ entry + 8, 1 << 16, 0x5a },
		{ entry + 8, 1 << 22, 0x5a },
		{ entry + 8, 1 << 25, 0x5a },
		{ entry + 8, UINT64_C(1) << 63, 0x5a },
		{ entry + 24, 1, 0x5a },
		{ entry + 56, UINT64_C(1) << 63, 0x5a },
		/* PGTT 0, 1 (no first stage), 3 (nested) and 6; AW 0 and 3. */
		{ entry, 2 << 6, 0x5b },
		{ entry, 3 << 6, 0x5b },
		{ entry, 1 << 6, 0x5b },
		{ entry, 4 << 6, 0x5b },
		{ entry, 1 << 2, 0x5b },
		{ entry, 2 << 2, 0x5b },
	};
	struct world world;
	struct rig *rig = &world.rig;

	(void)state;
	begin(&world);
	for (unsigned int i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++) {
		uint64_t good = rig_get(rig, illegal[i].gpa);

		rig_put(rig, illegal[i].gpa, good ^ illegal[i].flip);
		rig_command(rig, i & 1 ? CC_GLOBAL : PASID_GLOBAL, 0);
		assert_int_equal(rig_device_info(world.user.device).reason, illegal[i].reason);
		assert_refused(&world.user, 0x1000, VIOMMU_WRITE, illegal[i].reason);
		rig_put(rig, illegal[i].gpa, good);
		rig_command(rig, i & 1 ? PASID_GLOBAL : CC_DEVICE(SID), 0);
		assert_has(&world.user, 0x1000, DATA, VIOMMU_RW);
	}
	rig_write64(rig, R_RTADDR, HOLE_GPA | 0x400);
	rig_global(rig, SRTP, 0);
	assert_refused(&world.user, 0x1000, VIOMMU_WRITE, 0x38);
	/* FPD of each of the structures, but for those that could not be read. */
	rig_write64(rig, R_RTADDR, ROOT | 0x400);
	rig_global(rig, SRTP, 0);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t gpa = i == 0 ? context : i == 1 ? directory : entry;

		rig_put(rig, gpa, rig_get(rig, gpa) ^ 2);
		rig_command(rig, PASID_GLOBAL, 0);
		assert_refused(&world.user, 0x5000, VIOMMU_READ, 0);
		rig_put(rig, gpa, rig_get(rig, gpa) ^ 2);
	}
	rig_put(rig, context, HOLE_GPA | 3);
	rig_command(rig, PASID_GLOBAL, 0);
	assert_refused(&world.user, 0x1000, VIOMMU_READ, 0x50);
	end(&world);
}

static void test_devices(void **state)
{
	struct world world;
	struct rig *rig = &world.rig;
	struct user upper;

	(void)state;
	begin(&world);
	assert_int_equal(rig_device_info(world.user.device).scalable, 1);
	assert_int_equal(rig_device_info(world.user.device).domain_id, DID);
	/* Devices 16 to 31 have a table of their own; a larger directory. */
	user_init(&upper, rig, 0x88);
	assert_refused(&upper, 0x1000, VIOMMU_READ, 0x41);
	rig_put_sm_context(rig, 0x88, DIRECTORY | 7 << 9 | 1, 0xfffff);
	rig_put(rig, DIRECTORY + 8 * UINT64_C(0x3fff), PASIDS | 1);
	rig_put(rig, PASIDS + 64 * 63 + 8, DID + 1);
	rig_put(rig, PASIDS + 64 * 63, PASS_THROUGH);
	rig_command(rig, CC_DEVICE(0x88), 0);
	assert_has(&upper, DATA, DATA, VIOMMU_RW);
	assert_refused(&upper, HIGH, VIOMMU_READ, 0x83);
	/* A device with PASIDs. */
	assert_int_equal(viommu_vtd_device_fault(upper.device, &(struct viommu_fault){ .reason = VIOMMU_FAULT_BLOCKED, .access = VIOMMU_READ, .pasid = 7 }),
			 -EFAULT);
	assert_fault(rig, 0x45, 0x88);
	rig_put(rig, ROOT + 8, 0);
	rig_command(rig, CC_GLOBAL, 0);
	assert_refused(&upper, 0x1000, VIOMMU_READ, 0x39);
	assert_has(&world.user, 0x1000, DATA, VIOMMU_RW);
	user_end(&upper);
	end(&world);
}

/* Second-stage tables: reasons of their own, and invalidations by domain ID and by PASID. */
static void test_second_stage(void **state)
{
	struct world world;
	struct rig *rig = &world.rig;
	struct user *user = &world.user;
	uint64_t leaf, middle;

	(void)state;
	begin(&world);
	leaf = rig_entry(rig, world.root, 3, 0x1000, 0);
	middle = rig_entry(rig, world.root, 3, 0x1000, 1);
	assert_refused(user, 0x2000, VIOMMU_READ, 0x86);
	assert_refused(user, 0x2000, VIOMMU_WRITE, 0x85);
	assert_refused(user, UINT64_C(1) << 39, VIOMMU_READ, 0x84);
	rig_map(rig, world.root, 3, 0x2000, DATA + PAGE);
	rig_map(rig, world.root, 3, 0x3000, DATA + 2 * PAGE);
	rig_command(rig, PIOTLB_PAGES(DID), 0x2000);
	assert_has(user, 0x2000, DATA + PAGE, VIOMMU_RW);
	assert_has_not(user, 0x3000);
	rig_command(rig, PIOTLB_PASID(DID + 1), 0);
	assert_has_not(user, 0x3000);
	rig_command(rig, PIOTLB_PASID(DID), 0);
	assert_has(user, 0x3000, DATA + 2 * PAGE, VIOMMU_RW);
	rig_put(rig, leaf, 0xfee00000 | E_R);
	rig_command(rig, IOTLB_PAGES(DID), 0x1000);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x87);
	rig_put(rig, middle, HOLE_GPA | E_R | E_W);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x78);
	rig_put(rig, middle, HIGH | E_R);
	rig_command(rig, IOTLB_DOMAIN(DID), 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x7a);
	rig_put_pasid(rig, PASID, HOLE_GPA | SECOND, DID, 0);
	rig_command(rig, PASID_GLOBAL, 0);
	assert_refused(user, 0x1000, VIOMMU_READ, 0x7b);
	assert_int_equal(user_access(user, 0xfee00000, VIOMMU_WRITE, &(const uint8_t *){ NULL }), VIOMMU_VTD_IS_INTERRUPT);
	/* Legacy mode, by the same unit, with wide descriptors still. */
	rig_put(rig, ROOT + 8, 0);
	rig_write64(rig, R_RTADDR, ROOT);
	rig_global(rig, SRTP, 0);
	assert_int_equal(rig_device_info(user->device).scalable, 0);
	end(&world);
}

/* First-stage tables of 4 or 5 levels; entries of tables are a user's, writable. */
static uint64_t first_entry(struct rig *rig, uint64_t root, unsigned int levels, uint64_t iova, unsigned int level)
{
	uint64_t table = root;

	for (unsigned int at = levels - 1; at > level; at--) {
		uint64_t gpa = table + 8 * (iova >> (12 + 9 * at) & 511);

		if (!(rig_get(rig, gpa) & 1))
			rig_put(rig, gpa, rig_table(rig) | 0x7);
		table = rig_get(rig, gpa) & UINT64_C(0xffffffffff000);
	}
	return table + 8 * (iova >> (12 + 9 * level) & 511);
}

#define FIRST UINT64_C(0x41) /* PGTT 1 */
#define NXE   UINT64_C(0x20)
#define FIVE  UINT64_C(0x04)
#define USER  UINT64_C(0x7)

static void test_first_stage(void **state)
{
	struct rig_config config = rig_config();
	struct world world;
	struct rig *rig = &world.rig;
	struct user *user = &world.user;
	uint64_t leaf, middle, high = UINT64_C(0xffff800000001000);

	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		config.vtd.flags = VIOMMU_VTD_SCALABLE | VIOMMU_VTD_FIRST_STAGE;
		config.vtd.address_bits = levels == 5 ? 57 : 48;
		rig_up_as(rig, &config);
		rig_enable(rig);
		user_init(user, rig, SID);
		world.root = rig_table(rig);
		rig_put_sm_context(rig, SID, PDTS0 | 1, PASID);
		rig_put_pasid(rig, PASID, FIRST, DID, world.root | (levels == 5 ? FIVE : 0));
		rig_command(rig, PASID_GLOBAL, 0);
		assert_int_equal(rig_device_info(user->device).context, VIOMMU_VTD_CONTEXT_FIRST_STAGE);
		assert_int_equal(rig_device_info(user->device).levels, levels);
		/* A guest need not announce what becomes valid: an access finds it. */
		leaf = first_entry(rig, world.root, levels, 0x1000, 0);
		rig_put(rig, leaf, DATA | USER);
		assert_has_not(user, 0x1000);
		assert_int_equal(user_access(user, 0x1000, VIOMMU_READ, &(const uint8_t *){ NULL }), 0);
		assert_has(user, 0x1000, DATA, VIOMMU_RW);
		assert_int_equal(rig_get(rig, leaf) & 0x60, 0x60);
		/* Both ends of the addresses, and between them. */
		if (levels == 5)
			high = UINT64_C(0xff00000000001000);
		rig_put(rig, first_entry(rig, world.root, levels, high, 0), (DATA + PAGE) | 5);
		assert_int_equal(user_access(user, high, VIOMMU_READ, &(const uint8_t *){ NULL }), 0);
		assert_has(user, high, DATA + PAGE, VIOMMU_READ);
		assert_refused(user, high, VIOMMU_WRITE, 0x85);
		assert_refused(user, high ^ UINT64_C(1) << 60, VIOMMU_READ, 0x80);
		assert_refused(user, high - 0x2000, VIOMMU_READ, 0x80);
		/* Invalidations are by domain ID and PASID. */
		rig_put(rig, leaf, 0);
		rig_command(rig, PIOTLB_PAGES(DID), 0x1000);
		assert_has_not(user, 0x1000);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x71);
		assert_refused(user, 0x1000, VIOMMU_WRITE, 0x71);
		rig_put(rig, leaf, DATA | 3);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x81);
		assert_refused(user, 0x1000, VIOMMU_WRITE, 0x81);
		rig_put(rig, leaf, UINT64_C(1) << 63 | DATA | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x72);
		rig_put(rig, leaf, 0xfee00000 | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x87);
		rig_put(rig, leaf, HIGH | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x72);
		rig_put(rig, leaf, HOLE_GPA | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0);
		middle = first_entry(rig, world.root, levels, 0x1000, 1);
		rig_put(rig, middle, HOLE_GPA | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x70);
		rig_put(rig, middle, HIGH | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x72);
		/* Flags that cannot be set: a table in memory that is read-only. */
		memset(rig->rom, 0, PAGE);
		rig->rom[9] = (uint8_t)(DATA >> 8);
		rig->rom[8] = USER;
		rig->rom[11] = (uint8_t)(DATA >> 24);
		rig_put(rig, middle, ROM_GPA | USER);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x91);
		/* Interrupts are none of the tables' matter. */
		rig_put(rig, first_entry(rig, world.root, levels, 0xfee01000, 0), DATA | USER);
		rig_command(rig, IOTLB_DOMAIN(DID), 0);
		assert_int_equal(user_access(user, 0xfee01000, VIOMMU_WRITE, &(const uint8_t *){ NULL }), VIOMMU_VTD_IS_INTERRUPT);
		/*
		 * NXE; a root without memory; reserved fields, and paging modes that there are not.
		 */
		rig_put(rig, leaf, UINT64_C(1) << 63 | DATA | USER);
		rig_put(rig, middle, (leaf & ~(PAGE - 1)) | USER);
		rig_put_pasid(rig, PASID, FIRST, DID, world.root | (levels == 5 ? FIVE : 0) | NXE);
		rig_command(rig, PASID_GLOBAL, 0);
		assert_has(user, 0x1000, DATA, VIOMMU_RW);
		rig_put_pasid(rig, PASID, FIRST, DID, HOLE_GPA);
		rig_command(rig, PASID_GLOBAL, 0);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x73);
		for (unsigned int bit = 0; bit < 12; bit++) {
			bool legal = bit >= 4 && bit <= 6, mode = bit == 3 || (bit == 2 && levels == 4);

			if (legal || (bit == 2 && levels == 5))
				continue;
			rig_put_pasid(rig, PASID, FIRST, DID, world.root | 1u << bit);
			rig_command(rig, PASID_GLOBAL, 0);
			assert_refused(user, 0x1000, VIOMMU_READ, mode ? 0x5b : 0x5a);
		}
		rig_put_pasid(rig, PASID, FIRST, DID, HIGH);
		rig_command(rig, PASID_GLOBAL, 0);
		assert_refused(user, 0x1000, VIOMMU_READ, 0x5a);
		end(&world);
	}
}

/* Tables as data of a domain. */
static void test_domain_data(void **state)
{
	static const struct viommu_vtd_tables refused[] = {
		{ .levels = 2 },
		{ .levels = 6 },
		{ .levels = 3, .flags = VIOMMU_VTD_TABLES_FIRST_STAGE },
		{ .levels = 4, .flags = VIOMMU_VTD_TABLES_NXE },
		{ .levels = 4, .flags = 4 },
		{ .levels = 4, .reserved = 1 },
		{ .levels = 4, .root = 0x800 },
		{ .levels = 4, .root = UINT64_C(1) << 52 },
	};
	struct viommu_vtd_tables data;
	struct viommu_domain *domain;
	struct viommu_run run;
	struct viommu_fault fault;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		data = refused[i];
		data.size = sizeof(data);
		assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_VTD, &data, NULL, &domain), -EINVAL);
	}
	data = (struct viommu_vtd_tables){ .size = sizeof(data), .levels = 4, .root = rig_table(&rig) };
	rig_map(&rig, data.root, 4, 0x1000, DATA);
	assert_int_equal(viommu_domain_create(rig.vm, rig.host, VIOMMU_DOMAIN_VTD, &data, NULL, &domain), 0);
	assert_int_equal(viommu_domain_walk(domain, 0x1000, &run, &fault), 0);
	assert_true(run.gpa == DATA);
	assert_int_equal(viommu_domain_walk(domain, 0xfee00000, &run, &fault), -EFAULT);
	assert_int_equal(viommu_domain_refresh(domain, 0xfee00000, 0xfeefffff, NULL), -ERANGE);
	assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), 0);
	viommu_domain_destroy(domain);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_illegal), cmocka_unit_test(test_devices), cmocka_unit_test(test_second_stage),
					    cmocka_unit_test(test_first_stage), cmocka_unit_test(test_domain_data) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
