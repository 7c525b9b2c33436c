/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nested domains whose tables hardware walks: when they are chosen, which invalidations are sent
 * and when, what is pinned, and failures of the host. The hardware invalidates nothing by itself
 * (mock_smmu.h).
 */
#define _DEFAULT_SOURCE
#include "mock_smmu.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <viommu/viommu.h>
#include <viommu/smmuv3.h>

#define PAGE	 UINT64_C(4096)
#define RAM	 (UINT64_C(1) << 24)
#define MORE_GPA (UINT64_C(1) << 26)
#define MORE	 (16 * PAGE)
#define CD_GPA	 UINT64_C(0x10000)
#define ROOT	 UINT64_C(0x20000) /* of 1 GiB entries; below it one table each */
#define DATA	 UINT64_C(0x800000)

/* T0SZ 25, 4K, EPD1, V, IPS 44 bits, AA64, R, A. */
#define CD0    (UINT64_C(25) | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | UINT64_C(7) << 48)
#define E_PAGE UINT64_C(0xc43)
#define E_RO   UINT64_C(0x80)

#define ENTRY_ABORT  UINT64_C(0x1)
#define ENTRY_BYPASS UINT64_C(0x9)
#define ENTRY_S1     (UINT64_C(0xb) | CD_GPA)
#define S1STALLD     (UINT64_C(1) << 27)

struct world {
	struct mock_smmu *smmu;
	struct viommu_vm *vm;
	unsigned char *ram;
	unsigned char *more;
	struct viommu_device *device;
	struct smmu_device *theirs;
	const char *logged;
	unsigned int logs;
};

static void put(struct world *world, uint64_t gpa, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		world->ram[gpa + i] = (unsigned char)(value >> (8 * i));
}

/* IOVAs below 2 MiB. */
static void set(struct world *world, uint64_t iova, uint64_t entry)
{
	put(world, ROOT + 2 * PAGE + iova / PAGE * 8, entry);
}

static void on_log(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	struct world *world = ctx;

	(void)a, (void)b;
	if (level != VIOMMU_LOG_INFO && !strstr(what, "hardware nesting"))
		return;
	world->logged = what;
	world->logs++;
}

static struct viommu_slot slot_of(uint64_t gpa, uint64_t bytes, unsigned char *hva)
{
	return (struct viommu_slot){ .size = sizeof(struct viommu_slot), .prot = VIOMMU_RW, .gpa = gpa, .bytes = bytes, .hva = hva, .fd = -1 };
}

static void up_with(struct world *world, const uint32_t idr[6])
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot;

	memset(world, 0, sizeof(*world));
	world->smmu = mock_smmu_create(idr);
	world->ram = aligned_alloc(PAGE, RAM);
	world->more = aligned_alloc(PAGE, MORE);
	memset(world->ram, 0, RAM);
	memset(world->more, 0, MORE);
	config.log = on_log;
	config.log_ctx = world;
	assert_int_equal(viommu_vm_create(&config, &world->vm), 0);
	slot = slot_of(0, RAM, world->ram);
	assert_int_equal(viommu_slot_add(world->vm, &slot), 0);
	put(world, CD_GPA, CD0);
	put(world, CD_GPA + 8, ROOT);
	put(world, ROOT, (ROOT + PAGE) | 3);
	put(world, ROOT + PAGE, (ROOT + 2 * PAGE) | 3);
	assert_int_equal(viommu_device_create(world->vm, &world->smmu->mock.host, NULL, &world->device), 0);
	assert_int_equal(viommu_device_set_id(world->device, 5), 0);
	world->theirs = mock_smmu_find(world->smmu, 5);
}

static void up(struct world *world)
{
	up_with(world, mock_smmu_idr);
}

static void down(struct world *world)
{
	viommu_vm_destroy(world->vm);
	assert_int_equal(mock_smmu_spaces(world->smmu), 0);
	assert_int_equal(world->smmu->mock.breaches, 0);
	assert_null(world->smmu->guest);
	viommu_host_destroy(&world->smmu->mock.host);
	free(world->ram);
	free(world->more);
}

static struct viommu_smmuv3_stage1 stage1_of(uint64_t ste0)
{
	return (struct viommu_smmuv3_stage1){
		.size = sizeof(struct viommu_smmuv3_stage1), .output_bits = 44, .nesting = VIOMMU_NESTING_HARDWARE, .cd = { CD0, ROOT }, .ste = { ste0 }
	};
}

static const uint64_t *newest_entry(const struct world *world)
{
	return ((const struct smmu_space *)(const void *)world->smmu->mock.spaces)->ste;
}

static int create(struct world *world, const struct viommu_smmuv3_stage1 *stage1, struct viommu_domain **domain)
{
	return viommu_domain_create(world->vm, &world->smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, stage1, NULL, domain);
}

static struct viommu_domain *domain_of(struct world *world, uint64_t ste0)
{
	const struct viommu_smmuv3_stage1 stage1 = stage1_of(ste0);
	struct viommu_domain *domain;

	assert_int_equal(create(world, &stage1, &domain), 0);
	assert_true(viommu_domain_kind(domain) == VIOMMU_KIND_HARDWARE);
	return domain;
}

static uint64_t pinned(struct world *world)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(world->vm, &stats);
	return stats.pinned_bytes;
}

/* The GPA of an access, 0 if it reaches nothing; event: the event that is reported. */
static uint64_t reached(struct world *world, uint64_t iova, uint32_t access, unsigned int event)
{
	unsigned int code;
	const unsigned char *hva = mock_smmu_access(world->smmu, world->theirs, iova, access, &code);

	assert_int_equal(code, event);
	if (!hva)
		return 0;
	return hva >= world->more && hva < world->more + MORE ? MORE_GPA + (uint64_t)(hva - world->more) : (uint64_t)(hva - world->ram);
}

/* Commands (IHI 0070, 4.3 and 4.4). */
#define TLBI_ALL	 UINT64_C(0x10)
#define TLBI_VA(asid)	 (UINT64_C(0x12) | UINT64_C(asid) << 48)
#define CFGI_CD_ALL(sid) (UINT64_C(0x06) | UINT64_C(sid) << 32)

static int invalidate(struct world *world, uint64_t dw0, uint64_t dw1)
{
	const uint64_t command[2] = { htole64(dw0), htole64(dw1) };

	return viommu_nest_invalidate(world->vm, &world->smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, command, sizeof(command), 1, NULL);
}

/* Attaches the device to a new domain, which maps a page at 0x1000. */
static struct viommu_domain *attach_mapped(struct world *world, uint64_t gpa)
{
	struct viommu_domain *domain;

	set(world, 0x1000, gpa | E_PAGE);
	domain = domain_of(world, ENTRY_S1);
	assert_int_equal(viommu_domain_attach(domain, world->device, VIOMMU_NO_PASID), 0);
	assert_int_equal(reached(world, 0x1000, VIOMMU_READ, 0), gpa);
	return domain;
}

static void test_tables_are_the_guests(void **state)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_fault fault = { 0 };
	struct viommu_domain *domain;
	struct viommu_run run;
	struct world world;

	(void)state;
	up(&world);
	set(&world, 0x1000, DATA | E_PAGE);
	set(&world, 0x2000, (DATA + PAGE) | E_PAGE | E_RO);
	domain = domain_of(&world, ENTRY_S1);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_WRITE, 0), 0);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(reached(&world, 0x1008, VIOMMU_WRITE, 0), DATA + 8);
	assert_int_equal(reached(&world, 0x2000, VIOMMU_READ, 0), DATA + PAGE);
	assert_int_equal(reached(&world, 0x2000, VIOMMU_WRITE, 0x13), 0);
	assert_int_equal(reached(&world, 0x3000, VIOMMU_READ, 0x10), 0);
	/* A new translation needs no refresh; a changed one needs the invalidation of its IOVA. */
	set(&world, 0x3000, (DATA + 2 * PAGE) | E_PAGE);
	assert_int_equal(reached(&world, 0x3000, VIOMMU_READ, 0), DATA + 2 * PAGE);
	set(&world, 0x1000, 0);
	assert_int_equal(invalidate(&world, TLBI_VA(7), 0x2000), 0);
	assert_int_equal(invalidate(&world, TLBI_VA(8), 0x1000), 0);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_WRITE, 0), DATA);
	assert_int_equal(invalidate(&world, TLBI_VA(7), 0x1001), 0);
	/* As written by the guest. */
	assert_true(world.smmu->command[0] == TLBI_VA(7) && world.smmu->command[1] == 0x1001);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_WRITE, 0x10), 0);
	assert_int_equal(viommu_domain_refresh(domain, 0, UINT64_MAX, NULL), -EOPNOTSUPP);
	viommu_domain_stats(domain, &stats);
	assert_int_equal(stats.refreshes, 0);
	assert_int_equal(stats.devices, 1);
	assert_int_equal(stats.mapped_pages, 0);
	assert_int_equal(viommu_domain_walk(domain, 0x1000, &run, &fault), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_each_run(domain, 0, UINT64_MAX, NULL, NULL), 0);
	viommu_domain_destroy(domain);
	assert_int_equal(reached(&world, 0x2000, VIOMMU_READ, 0), 0);
	down(&world);
}

/*
 * Several at once, in order; the first one that is refused ends the batch, and those before it were
 * carried out.
 */
static void test_batches(void **state)
{
	const uint64_t commands[3][2] = { { htole64(TLBI_VA(7)), htole64(0x1000) },
					  { htole64(TLBI_VA(7)), htole64(0x2000) },
					  { htole64(TLBI_VA(7)), htole64(0x3000) } };
	struct viommu_domain *domain;
	struct world world;
	uint32_t done = 77;

	(void)state;
	up(&world);
	assert_int_equal(viommu_nest_invalidate(world.vm, &world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, commands, 16, 3, &done), 0);
	assert_int_equal(done, 3);
	for (uint64_t iova = 0x1000; iova <= 0x3000; iova += PAGE)
		set(&world, iova, (DATA + iova) | E_PAGE);
	domain = domain_of(&world, ENTRY_S1);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
	for (uint64_t iova = 0x1000; iova <= 0x3000; iova += PAGE) {
		assert_int_equal(reached(&world, iova, VIOMMU_READ, 0), DATA + iova);
		set(&world, iova, 0);
	}
	mock_fail(&world.smmu->mock, MOCK_INVALIDATE, 3, false, EIO);
	assert_int_equal(viommu_nest_invalidate(world.vm, &world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, commands, 16, 3, &done), -EIO);
	assert_int_equal(done, 2);
	reached(&world, 0x1000, VIOMMU_READ, 0x10);
	reached(&world, 0x2000, VIOMMU_READ, 0x10);
	assert_int_equal(reached(&world, 0x3000, VIOMMU_READ, 0), DATA + 0x3000);
	assert_int_equal(viommu_nest_invalidate(world.vm, &world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, commands, 8, 3, &done), -EINVAL);
	assert_int_equal(viommu_nest_invalidate(world.vm, &world.smmu->mock.host, VIOMMU_DOMAIN_ZPCI, commands, 16, 3, &done), -EOPNOTSUPP);
	assert_int_equal(viommu_nest_invalidate(world.vm, &world.smmu->mock.host, 99, commands, 16, 3, &done), -EOPNOTSUPP);
	down(&world);
}

static void test_info(void **state)
{
	struct viommu_smmuv3_hw_info info = { .size = sizeof(info) };
	struct viommu_host *soft;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	assert_int_equal(viommu_host_nest_info(&world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, &info), 0);
	assert_memory_equal(info.idr, mock_smmu_idr, sizeof(info.idr));
	info = (struct viommu_smmuv3_hw_info){ .size = VIOMMU_SMMUV3_HW_INFO_SIZE_V0 - 1 };
	assert_int_equal(viommu_host_nest_info(&world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, &info), -EINVAL);
	assert_int_equal(info.idr[0], 0);
	info.size = 0;
	assert_int_equal(viommu_host_nest_info(&world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, &info), -EINVAL);
	info.size = sizeof(info);
	assert_int_equal(viommu_host_nest_info(&world.smmu->mock.host, VIOMMU_DOMAIN_ZPCI, &info), -EOPNOTSUPP);
	assert_int_equal(viommu_host_nest_info(soft, VIOMMU_DOMAIN_SMMUV3, &info), -EOPNOTSUPP);
	down(&world);
	viommu_host_destroy(soft);
}

static void test_contexts(void **state)
{
	struct world world;

	(void)state;
	up(&world);
	attach_mapped(&world, DATA);
	put(&world, CD_GPA, 0);
	assert_int_equal(invalidate(&world, TLBI_ALL, 0), 0);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_READ, 0), DATA);
	assert_int_equal(invalidate(&world, CFGI_CD_ALL(5), 0), 0);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_READ, 0x0a), 0);
	mock_fail(&world.smmu->mock, MOCK_CONTEXT, 1, false, ENODEV);
	assert_int_equal(invalidate(&world, CFGI_CD_ALL(5), 0), -EIO);
	down(&world);
}

static void test_entries_without_tables(void **state)
{
	struct viommu_domain *abort, *bypass;
	struct viommu_smmuv3_stage1 invalid = stage1_of(ENTRY_S1 & ~UINT64_C(1));
	struct world world;

	(void)state;
	up(&world);
	abort = domain_of(&world, ENTRY_ABORT);
	bypass = domain_of(&world, ENTRY_BYPASS);
	assert_int_equal(viommu_domain_attach(abort, world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(reached(&world, DATA, VIOMMU_READ, 0), 0);
	assert_int_equal(viommu_domain_attach(bypass, world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(reached(&world, DATA, VIOMMU_WRITE, 0), DATA);
	assert_int_equal(reached(&world, RAM, VIOMMU_READ, 0), 0);
	assert_int_equal(create(&world, &invalid, &abort), -EINVAL);
	down(&world);
}

/* Invalidations are not sent while there is no such domain. */
static void test_begins_with_nothing(void **state)
{
	struct viommu_domain *domain;
	struct world world;

	(void)state;
	up(&world);
	domain = attach_mapped(&world, DATA);
	viommu_domain_destroy(domain);
	attach_mapped(&world, DATA + PAGE);
	down(&world);
}

/* AUTO logs the reason; the others need not. */
static void test_choice(void **state)
{
	static const struct {
		bool soft, forced_stall;
		uint32_t nesting, flags;
		uint64_t ste0;
		int error;
		bool hardware;
		const char *word;
	} trials[] = {
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = ENTRY_S1, .hardware = true, .word = "nesting on" },
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = 0, .error = -EOPNOTSUPP, .word = "Entry" },
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = ENTRY_S1, .flags = VIOMMU_SMMUV3_PRIVILEGED, .error = -EOPNOTSUPP, .word = "privileged" },
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = ENTRY_S1, .forced_stall = true, .error = -EOPNOTSUPP, .word = "no hardware" },
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = ENTRY_S1, .soft = true, .word = "no hardware" },
		{ .nesting = VIOMMU_NESTING_AUTO, .ste0 = 0, .soft = true },
		{ .nesting = VIOMMU_NESTING_SHADOW, .ste0 = ENTRY_S1, .error = -EOPNOTSUPP },
		{ .nesting = VIOMMU_NESTING_SHADOW, .ste0 = ENTRY_S1, .soft = true },
		{ .nesting = VIOMMU_NESTING_HARDWARE, .ste0 = ENTRY_S1, .hardware = true },
		{ .nesting = VIOMMU_NESTING_HARDWARE, .ste0 = 0, .error = -EINVAL },
		{ .nesting = VIOMMU_NESTING_HARDWARE, .ste0 = ENTRY_S1, .soft = true, .error = -EOPNOTSUPP, .word = "no hardware" },
		{ .nesting = VIOMMU_NESTING_HARDWARE, .ste0 = ENTRY_S1, .flags = VIOMMU_SMMUV3_PRIVILEGED, .error = -EOPNOTSUPP, .word = "privileged" },
		{ .nesting = VIOMMU_NESTING_HARDWARE, .ste0 = ENTRY_S1, .forced_stall = true, .error = -EOPNOTSUPP, .word = "no hardware" },
		{ .nesting = 3, .ste0 = ENTRY_S1, .error = -EINVAL },
		{ .nesting = 3, .soft = true, .error = -EINVAL },
	};
	uint32_t idr[6];

	(void)state;
	for (unsigned int i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		struct viommu_smmuv3_stage1 stage1 = stage1_of(trials[i].ste0);
		struct viommu_host *soft;
		struct viommu_domain *domain = NULL;
		struct world world;
		int error;

		memcpy(idr, mock_smmu_idr, sizeof(idr));
		idr[0] = (idr[0] & ~(3u << 24)) | (trials[i].forced_stall ? 2u << 24 : 1u << 24);
		up_with(&world, idr);
		assert_int_equal(viommu_host_soft_create(&soft), 0);
		stage1.nesting = trials[i].nesting;
		stage1.flags = trials[i].flags;
		error = viommu_domain_create(world.vm, trials[i].soft ? soft : &world.smmu->mock.host, VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &domain);
		/* AUTO fell back to a shadow there, and this host cannot keep one. */
		if (trials[i].error == -EOPNOTSUPP && trials[i].nesting != VIOMMU_NESTING_HARDWARE)
			assert_int_equal(error, -EIO);
		else
			assert_int_equal(error, trials[i].error);
		assert_int_equal(world.logs, trials[i].word != NULL);
		if (trials[i].word)
			assert_non_null(strstr(world.logged, trials[i].word));
		if (!error)
			assert_int_equal(viommu_domain_kind(domain) == VIOMMU_KIND_HARDWARE, trials[i].hardware);
		viommu_domain_destroy(domain);
		down(&world);
		viommu_host_destroy(soft);
	}
}

/* Without a stream table entry the library walks the tables. */
static void test_no_entry(void **state)
{
	struct viommu_smmuv3_stage1 stage1 = stage1_of(ENTRY_S1);
	struct viommu_domain *domain;
	struct viommu_host *soft;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	stage1.nesting = VIOMMU_NESTING_AUTO;
	stage1.ste[0] = 0;
	assert_int_equal(viommu_domain_create(world.vm, soft, VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &domain), 0);
	assert_false(viommu_domain_kind(domain) == VIOMMU_KIND_HARDWARE);
	stage1.size = VIOMMU_SMMUV3_STAGE1_SIZE_V0 - 1;
	assert_int_equal(viommu_domain_create(world.vm, soft, VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &domain), -EINVAL);
	down(&world);
	viommu_host_destroy(soft);
}

/* A fault that stalls would wait forever. */
static void test_no_stalls(void **state)
{
	uint32_t idr[6];

	(void)state;
	for (unsigned int model = 0; model < 2; model++) {
		struct viommu_smmuv3_stage1 stage1 = stage1_of(ENTRY_S1);
		struct viommu_domain *domain;
		struct world world;

		memcpy(idr, mock_smmu_idr, sizeof(idr));
		idr[0] = (idr[0] & ~(3u << 24)) | model << 24;
		up_with(&world, idr);
		/* Other fields are the guest's; this one is overwritten. */
		stage1.ste[1] = 0x75 | (model ? S1STALLD : 0);
		assert_int_equal(create(&world, &stage1, &domain), 0);
		assert_int_equal(newest_entry(&world)[1], 0x75 | (model ? 0 : S1STALLD));
		stage1.ste[0] = ENTRY_BYPASS;
		assert_int_equal(create(&world, &stage1, &domain), 0);
		assert_int_equal(newest_entry(&world)[1], 0x75);
		down(&world);
	}
}

static void test_ids(void **state)
{
	struct viommu_device *nameless, *elsewhere;
	struct viommu_domain *domain;
	struct viommu_host *soft;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	assert_int_equal(viommu_device_create(world.vm, &world.smmu->mock.host, NULL, &nameless), 0);
	assert_int_equal(viommu_device_create(world.vm, soft, NULL, &elsewhere), 0);
	domain = domain_of(&world, ENTRY_BYPASS);
	assert_int_equal(viommu_domain_attach(domain, nameless, VIOMMU_NO_PASID), -EINVAL);
	assert_int_equal(viommu_device_set_id(elsewhere, 6), -EOPNOTSUPP);
	assert_int_equal(viommu_domain_attach(domain, elsewhere, VIOMMU_NO_PASID), -EXDEV);
	mock_fail(&world.smmu->mock, MOCK_SET_ID, 1, false, EEXIST);
	assert_int_equal(viommu_device_set_id(nameless, 6), -EIO);
	assert_int_equal(viommu_domain_attach(domain, nameless, VIOMMU_NO_PASID), -EINVAL);
	assert_int_equal(viommu_device_set_id(nameless, 6), 0);
	assert_int_equal(viommu_domain_attach(domain, nameless, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_device_set_id(nameless, 7), -EBUSY);
	assert_int_equal(viommu_device_detach(nameless, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_device_set_id(nameless, 7), 0);
	down(&world);
	viommu_host_destroy(soft);
}

static void test_memory_is_pinned(void **state)
{
	struct viommu_slot more;
	struct viommu_smmuv3_stage1 stage1 = stage1_of(ENTRY_BYPASS);
	struct viommu_domain *domain, *second;
	struct world world;

	(void)state;
	up(&world);
	more = slot_of(MORE_GPA, MORE, world.more);
	assert_int_equal(viommu_slot_add(world.vm, &more), 0);
	viommu_vm_set_pin_budget(world.vm, RAM + MORE - 1);
	assert_int_equal(create(&world, &stage1, &domain), -EDQUOT);
	assert_int_equal(pinned(&world), 0);
	assert_int_equal(viommu_slot_remove(world.vm, MORE_GPA), 0);
	domain = domain_of(&world, ENTRY_BYPASS);
	assert_int_equal(pinned(&world), RAM);
	second = domain_of(&world, ENTRY_S1);
	assert_int_equal(pinned(&world), RAM);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_slot_add(world.vm, &more), -EDQUOT);
	assert_int_equal(reached(&world, MORE_GPA, VIOMMU_READ, 0), 0);
	viommu_vm_set_pin_budget(world.vm, RAM + MORE);
	assert_int_equal(viommu_slot_add(world.vm, &more), 0);
	assert_int_equal(pinned(&world), RAM + MORE);
	assert_int_equal(reached(&world, MORE_GPA + 8, VIOMMU_READ, 0), MORE_GPA + 8);
	mock_fail(&world.smmu->mock, MOCK_GUEST_REMOVE, 1, false, EBUSY);
	assert_int_equal(viommu_slot_remove(world.vm, MORE_GPA), -EIO);
	assert_int_equal(pinned(&world), RAM + MORE);
	assert_int_equal(viommu_slot_remove(world.vm, MORE_GPA), 0);
	assert_int_equal(pinned(&world), RAM);
	assert_int_equal(reached(&world, MORE_GPA, VIOMMU_READ, 0), 0);
	/* The host keeps it mapped for the next one. */
	viommu_domain_destroy(domain);
	viommu_domain_destroy(second);
	assert_int_equal(pinned(&world), RAM);
	assert_int_equal(viommu_slot_remove(world.vm, 0), 0);
	assert_int_equal(pinned(&world), 0);
	down(&world);
}

static void test_failures(void **state)
{
	static const struct {
		enum mock_call call;
		int error, becomes;
	} trials[] = {
		{ MOCK_CREATE, ENOSPC, -ENOSPC }, { MOCK_CREATE, ENOMEM, -ENOMEM },  { MOCK_CREATE, EBUSY, -EIO },
		{ MOCK_CREATE, EINVAL, -EINVAL }, { MOCK_INVALIDATE, ENODEV, -EIO }, { MOCK_INVALIDATE, EINVAL, -EIO },
	};
	struct viommu_smmuv3_stage1 stage1 = stage1_of(ENTRY_S1);
	struct viommu_domain *domain;
	struct world world;

	(void)state;
	up(&world);
	for (unsigned int i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		mock_fail(&world.smmu->mock, trials[i].call, 1, false, trials[i].error);
		assert_int_equal(create(&world, &stage1, &domain), trials[i].becomes);
		assert_int_equal(mock_smmu_spaces(world.smmu), 0);
	}
	domain = domain_of(&world, ENTRY_S1);
	mock_fail(&world.smmu->mock, MOCK_ATTACH, 1, false, EINVAL);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), -EIO);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
	world.smmu->mock.fail[MOCK_INVALIDATE].at = 1;
	assert_int_equal(invalidate(&world, TLBI_ALL, 0), -EIO);
	assert_int_equal(invalidate(&world, TLBI_ALL, 0), 0);
	mock_fail(&world.smmu->mock, MOCK_DETACH, 1, false, EBUSY);
	assert_int_equal(viommu_device_detach(world.device, VIOMMU_NO_PASID), -EIO);
	set(&world, 0x1000, DATA | E_PAGE);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_READ, 0), DATA);
	world.smmu->mock.fail[MOCK_DETACH].at = 1;
	viommu_domain_destroy(domain);
	assert_int_equal(reached(&world, 0x1000, VIOMMU_READ, 0), 0);
	down(&world);
}

static void test_events(void **state)
{
	uint64_t record[4];
	struct viommu_nest_event event = { .size = sizeof(event), .bytes = sizeof(record), .record = record };
	struct viommu_domain *domain;
	struct viommu_host *soft;
	struct world world;

	(void)state;
	up(&world);
	assert_int_equal(viommu_host_soft_create(&soft), 0);
	assert_int_equal(viommu_nest_fd(world.vm, soft), -EOPNOTSUPP);
	assert_int_equal(viommu_nest_event(world.vm, soft, &event), -EOPNOTSUPP);
	assert_int_equal(viommu_nest_fd(world.vm, &world.smmu->mock.host), -ENODEV);
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), -ENOENT);
	domain = domain_of(&world, ENTRY_S1);
	assert_int_equal(viommu_domain_attach(domain, world.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_nest_fd(world.vm, &world.smmu->mock.host), world.smmu->event_fd);
	assert_int_equal(reached(&world, 0x5008, VIOMMU_WRITE, 0x10), 0);
	event.bytes = sizeof(record) - 1;
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), -EINVAL);
	event.bytes = sizeof(record);
	mock_fail(&world.smmu->mock, MOCK_EVENT, 1, false, EFAULT);
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), -EIO);
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), 0);
	assert_int_equal(le64toh(record[0]), UINT64_C(5) << 32 | 0x10);
	assert_int_equal(le64toh(record[2]), 0x5008);
	assert_true(event.lost == 0 && event.bytes == sizeof(record) && event.type == VIOMMU_DOMAIN_SMMUV3);
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), -ENOENT);
	for (unsigned int i = 0; i < SMMU_EVENTS + 1; i++)
		reached(&world, 0x6000, VIOMMU_READ, 0x10);
	for (unsigned int i = 0; i < SMMU_EVENTS; i++)
		assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), 0);
	assert_int_equal(event.lost, 0);
	reached(&world, 0x7000, VIOMMU_READ, 0x10);
	assert_int_equal(viommu_nest_event(world.vm, &world.smmu->mock.host, &event), 0);
	assert_int_equal(event.lost, 1);
	down(&world);
	viommu_host_destroy(soft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_the_guests),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_entries_without_tables),
		cmocka_unit_test(test_begins_with_nothing),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_no_entry),
		cmocka_unit_test(test_no_stalls),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_memory_is_pinned),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
