/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains of SMMUv3 streams: the output size, two ranges of IOVAs, and a budget. Random ones are in
 * tests/machine.
 */
#include <viommu/smmuv3.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/viommu.h>

#include "mock_host.h"
#include "tables_arm64.h"

#define PAGE  UINT64_C(4096)
#define BYTES UINT64_C(0x400000)

/* A VM with memory at GPA 0, and a domain over tables in it. */
struct trial {
	struct viommu_vm *vm;
	struct mock_host *mock;
	unsigned char *memory;
	struct arm64_tables tables;
	struct viommu_domain *domain;
};

static void begin(struct trial *trial)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .bytes = BYTES, .fd = -1 };

	memset(trial, 0, sizeof(*trial));
	assert_int_equal(viommu_vm_create(&config, &trial->vm), 0);
	slot.hva = trial->memory = aligned_alloc(PAGE, BYTES);
	assert_non_null(trial->memory);
	memset(trial->memory, 0, BYTES);
	assert_int_equal(viommu_slot_add(trial->vm, &slot), 0);
	trial->mock = mock_create(&(struct mock_options){ .split = true });
}

static void end(struct trial *trial)
{
	viommu_vm_destroy(trial->vm);
	assert_int_equal(trial->mock->breaches, 0);
	mock_destroy(trial->mock);
	free(trial->memory);
}

static void store(struct trial *trial, uint64_t gpa, uint64_t entry)
{
	for (unsigned int i = 0; i < 8; i++)
		trial->memory[gpa + i] = (unsigned char)(entry >> 8 * i);
}

/* One page at IOVA 0x5000, in 4K tables of three levels. */
static void one_page(struct trial *trial, uint64_t address)
{
	trial->tables = (struct arm64_tables){ .granule = 4, .ips = 5, .t0sz = 25, .epd1 = true };
	store(trial, 0, 0x10003);
	store(trial, 0x10000, 0x20003);
	store(trial, 0x20000 + 5 * 8, address | 0x443);
}

static int create(struct trial *trial, const struct viommu_smmuv3_stage1 *stage1)
{
	return viommu_domain_create(trial->vm, &trial->mock->host, VIOMMU_DOMAIN_SMMUV3, stage1, NULL, &trial->domain);
}

static enum viommu_fault_reason walk(struct trial *trial, const struct viommu_smmuv3_stage1 *stage1, uint64_t iova)
{
	struct viommu_fault fault = { 0 };
	struct viommu_run run;

	assert_int_equal(create(trial, stage1), 0);
	if (!viommu_domain_walk(trial->domain, iova, &run, &fault))
		fault.reason = VIOMMU_FAULT_NONE;
	viommu_domain_destroy(trial->domain);
	return fault.reason;
}

/* An address is as large as the descriptor allows, and no larger than the SMMU supports. */
static void test_output_size(void **state)
{
	static const uint32_t bits[] = { 32, 36, 40, 42, 44, 48 };
	struct trial trial;

	(void)state;
	begin(&trial);
	for (unsigned int size = 0; size < 6; size++) {
		one_page(&trial, UINT64_C(1) << (bits[size] - 1));
		for (unsigned int ips = 0; ips < 8; ips++) {
			for (unsigned int most = 0; most < 6; most++) {
				struct viommu_smmuv3_stage1 stage1;
				enum viommu_fault_reason reason = ips >= size && most >= size ? VIOMMU_FAULT_LEAF_UNBACKED : VIOMMU_FAULT_ADDRESS_SIZE;

				trial.tables.ips = ips;
				stage1 = arm64_stage1(&trial.tables);
				stage1.output_bits = bits[most];
				assert_int_equal(walk(&trial, &stage1, 0x5000), reason);
			}
		}
	}
	end(&trial);
}

/*
 * Blocks name 512 GiB, but only 4 MiB are memory. The cost depends on the memory, and memory that a
 * block names is reached. Then the first block is changed.
 */
static void test_blocks_beyond_memory(void **state)
{
	struct viommu_refresh_result result = { 0 };
	const uint64_t gib = UINT64_C(1) << 30, memory = BYTES / PAGE;
	struct viommu_smmuv3_stage1 stage1;
	struct trial trial;

	(void)state;
	begin(&trial);
	trial.tables = (struct arm64_tables){ .granule = 4, .ips = 5, .t0sz = 25, .epd1 = true };
	stage1 = arm64_stage1(&trial.tables);
	for (uint64_t i = 0; i < 512; i++)
		store(&trial, 8 * i, i * gib | 0x441);
	assert_int_equal(viommu_domain_create(trial.vm, &trial.mock->host, VIOMMU_DOMAIN_SMMUV3, &stage1, &result, &trial.domain), 0);
	assert_int_equal(result.established, memory);
	assert_int_equal(result.unbacked, 512 * gib / PAGE - memory);
	assert_true(result.entries < 4 * (512 + memory));
	store(&trial, 0, gib | 0x441);
	store(&trial, 8 * 3, 0x441);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, 512 * gib - 1, &result), 0);
	assert_int_equal(result.released, memory);
	assert_int_equal(result.established, memory);
	assert_int_equal(result.unbacked, 512 * gib / PAGE - memory);
	assert_true(result.entries < 4 * (512 + memory));
	/* A part of a block without memory. */
	assert_int_equal(viommu_domain_refresh(trial.domain, 5 * PAGE, 9 * PAGE - 1, &result), 0);
	assert_int_equal(result.unbacked, 4);
	assert_int_equal(result.released, 0);
	viommu_domain_destroy(trial.domain);
	end(&trial);
}

/*
 * A buffer in memory that continues beyond the largest address: pages beyond it are malformed,
 * though their entries look like those of one run.
 */
static void test_run_ends_with_addresses(void **state)
{
	static unsigned char memory[8 * 4096] __attribute__((aligned(4096)));
	const uint64_t top = UINT64_C(1) << 32;
	struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .gpa = top - 4 * PAGE, .bytes = sizeof(memory), .hva = memory, .fd = -1 };
	struct viommu_refresh_result result = { 0 };
	struct viommu_smmuv3_stage1 stage1;
	struct trial trial;

	(void)state;
	begin(&trial);
	assert_int_equal(viommu_slot_add(trial.vm, &slot), 0);
	one_page(&trial, 0);
	trial.tables.ips = 0;
	stage1 = arm64_stage1(&trial.tables);
	assert_int_equal(create(&trial, &stage1), 0);
	for (unsigned int i = 0; i < 8; i++)
		store(&trial, 0x20000 + (16 + i) * 8, (slot.gpa + i * PAGE) | 0x443);
	store(&trial, 0x20000 + 25 * 8, 0x40443);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0x10000, 0x19fff, &result), -EFAULT);
	assert_int_equal(result.established, 5);
	assert_int_equal(result.fault.reason, VIOMMU_FAULT_ADDRESS_SIZE);
	assert_int_equal(result.fault.iova, 0x14000);
	viommu_domain_destroy(trial.domain);
	assert_int_equal(viommu_slot_remove(trial.vm, slot.gpa), 0);
	end(&trial);
}

/* IOVAs between both sets of tables, and IOVAs without tables. */
static void test_ends(void **state)
{
	struct viommu_refresh_result result = { 0 };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_smmuv3_stage1 stage1;
	struct viommu_device *device;
	struct trial trial;

	(void)state;
	begin(&trial);
	one_page(&trial, 0x40000);
	stage1 = arm64_stage1(&trial.tables);
	assert_int_equal(walk(&trial, &stage1, 0x5fff), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&trial, &stage1, 0x6000), VIOMMU_FAULT_NOT_PRESENT);
	/*
	 * No rights for unprivileged accesses, with memory or without; and rights, but no memory.
	 */
	store(&trial, 0x20000 + 7 * 8, 0x40403);
	store(&trial, 0x20000 + 8 * 8, 0x40000403);
	store(&trial, 0x20000 + 9 * 8, 0x40000443);
	assert_int_equal(walk(&trial, &stage1, 0x7000), VIOMMU_FAULT_PROTECTION);
	assert_int_equal(walk(&trial, &stage1, 0x8000), VIOMMU_FAULT_PROTECTION);
	assert_int_equal(walk(&trial, &stage1, 0x9000), VIOMMU_FAULT_LEAF_UNBACKED);
	store(&trial, 0x20000 + 7 * 8, 0);
	store(&trial, 0x20000 + 8 * 8, 0);
	store(&trial, 0x20000 + 9 * 8, 0);
	assert_int_equal(walk(&trial, &stage1, UINT64_C(1) << 39), VIOMMU_FAULT_APERTURE);
	assert_int_equal(walk(&trial, &stage1, UINT64_MAX), VIOMMU_FAULT_APERTURE);
	/* The same tables at both ends. */
	trial.tables.epd1 = false;
	trial.tables.t1sz = 25;
	stage1 = arm64_stage1(&trial.tables);
	assert_int_equal(walk(&trial, &stage1, 0x5000), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&trial, &stage1, UINT64_C(0xffffff8000005000)), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&trial, &stage1, UINT64_C(1) << 39), VIOMMU_FAULT_APERTURE);
	assert_int_equal(create(&trial, &stage1), 0);
	assert_int_equal(viommu_domain_refresh(trial.domain, UINT64_C(1) << 39, UINT64_C(1) << 40, &result), -ERANGE);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, UINT64_C(1) << 40, &result), 0);
	store(&trial, 0x20000 + 6 * 8, 0x50443);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, UINT64_MAX, &result), 0);
	assert_int_equal(result.established, 2);
	viommu_domain_stats(trial.domain, &stats);
	assert_int_equal(stats.mapped_pages, 4);
	assert_int_equal(stats.mapped_pages_peak, 4);
	viommu_domain_destroy(trial.domain);
	/* No tables at either end: nothing is reached, and that is no error. */
	trial.tables.epd0 = trial.tables.epd1 = true;
	stage1 = arm64_stage1(&trial.tables);
	assert_int_equal(walk(&trial, &stage1, 0x5000), VIOMMU_FAULT_APERTURE);
	assert_int_equal(create(&trial, &stage1), 0);
	assert_int_equal(viommu_device_create(trial.vm, &trial.mock->host, NULL, &device), 0);
	assert_int_equal(viommu_domain_attach(trial.domain, device, VIOMMU_NO_PASID), 0);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, UINT64_MAX, &result), -ERANGE);
	viommu_domain_destroy(trial.domain);
	viommu_device_destroy(device);
	end(&trial);
}

/* Pages that the upper tables release make room for the lower ones, in one refresh. */
static void test_budget_of_both(void **state)
{
	struct viommu_refresh_result result = { 0 };
	struct viommu_smmuv3_stage1 stage1;
	struct trial trial;

	(void)state;
	begin(&trial);
	viommu_vm_set_pin_budget(trial.vm, 8 * PAGE);
	trial.tables = (struct arm64_tables){ .granule = 16, .ips = 5, .t0sz = 39, .t1sz = 39, .ttb0 = 0x10000, .ttb1 = 0x20000 };
	store(&trial, 0x20000, 0x40443);
	store(&trial, 0x20008, 0x44443);
	stage1 = arm64_stage1(&trial.tables);
	assert_int_equal(create(&trial, &stage1), 0);
	store(&trial, 0x20000, 0);
	store(&trial, 0x20008, 0);
	store(&trial, 0x10000, 0x80443);
	store(&trial, 0x10008, 0x84443);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, UINT64_MAX, &result), 0);
	assert_true(result.established == 8 && result.released == 8 && !result.unestablished);
	/* One more page does not fit, in either. */
	store(&trial, 0x20008, 0x88443);
	assert_int_equal(viommu_domain_refresh(trial.domain, 0, UINT64_MAX, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 4);
	viommu_domain_destroy(trial.domain);
	end(&trial);
}

/* Illegal descriptors. */
static void test_bad_contexts(void **state)
{
	struct viommu_smmuv3_stage1 good, bad;
	struct trial trial;

	(void)state;
	begin(&trial);
	one_page(&trial, 0x40000);
	good = arm64_stage1(&trial.tables);
	assert_int_equal(walk(&trial, &good, 0x5000), VIOMMU_FAULT_NONE);
	/* V, ENDI, AA64; TG0 reserved; TTB beyond the output size */
	for (unsigned int i = 0; i < 3; i++) {
		static const unsigned int bits[] = { 31, 15, 41 };

		bad = good;
		bad.cd[0] ^= UINT64_C(1) << bits[i];
		assert_int_equal(create(&trial, &bad), -EINVAL);
	}
	bad = good;
	bad.cd[0] |= 3 << 6;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	bad = good;
	bad.cd[1] |= UINT64_C(1) << 48;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	/* Sizes of IOVAs; those of the other tables are ignored, as these are off. */
	for (unsigned int tsz = 0; tsz < 64; tsz++) {
		bad = good;
		bad.cd[0] = (good.cd[0] & ~UINT64_C(0x3f003f)) | tsz | (uint64_t)(63 - tsz) << 16;
		if (tsz >= 16 && tsz <= 39)
			walk(&trial, &bad, 0);
		else
			assert_int_equal(create(&trial, &bad), -EINVAL);
	}
	/* PAN has no effect on unprivileged accesses. It would remove rights of privileged ones. */
	bad = good;
	bad.cd[0] |= UINT64_C(1) << 40;
	assert_int_equal(walk(&trial, &bad, 0x5000), VIOMMU_FAULT_NONE);
	bad.flags = VIOMMU_SMMUV3_PRIVILEGED;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	bad.cd[0] = good.cd[0];
	assert_int_equal(walk(&trial, &bad, 0x5000), VIOMMU_FAULT_NONE);
	/* The caller's mistakes. */
	bad = good;
	bad.output_bits = 33;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	bad = good;
	bad.flags = 2;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	bad = good;
	bad.nesting = VIOMMU_NESTING_HARDWARE + 1;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	bad = good;
	bad.size = offsetof(struct viommu_smmuv3_stage1, ste) - 1;
	assert_int_equal(create(&trial, &bad), -EINVAL);
	assert_int_equal(create(&trial, NULL), -EINVAL);
	end(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_size),  cmocka_unit_test(test_run_ends_with_addresses),
		cmocka_unit_test(test_ends),	     cmocka_unit_test(test_budget_of_both),
		cmocka_unit_test(test_bad_contexts), cmocka_unit_test(test_blocks_beyond_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
