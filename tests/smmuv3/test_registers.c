/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The register pages: each register, the times at which it may change, and illegal values. IHI
 * 0070, chapter 6.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void test_identification(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	/* S1P, TTF AArch64, COHACC, ASID16, little-endian tables, no stalls, two levels. */
	assert_int_equal(rig_read(&rig, 0x00), 0x0940101a);
	/* 16 bits of StreamIDs, 4096 commands, 2048 events; PRIVCFG and INSTCFG are ignored. */
	assert_int_equal(rig_read(&rig, 0x04), 0x018b0010);
	assert_int_equal(rig_read(&rig, 0x08), 0);
	/* HAD, FWB, RIL, BBML 1: AIDR is 3.2. */
	assert_int_equal(rig_read(&rig, 0x0c), 0xd04);
	assert_int_equal(rig_read(&rig, 0x10), 0);
	/* 4K, 16K, 64K; 44 bits. */
	assert_int_equal(rig_read(&rig, 0x14), 0x74);
	assert_int_equal(rig_read(&rig, 0x18), 0);
	assert_int_equal(rig_read(&rig, 0x1c), 2);
	assert_int_equal(rig_read(&rig, R_STATUSR), 0);
	for (uint32_t offset = 0; offset < 0x20; offset += 4) {
		uint32_t before = rig_read(&rig, offset);

		rig_write(&rig, offset, ~before);
		assert_int_equal(rig_read(&rig, offset), before);
	}
	rig_down(&rig);
}

static void test_sizes(void **state)
{
	static const struct {
		uint32_t bits;
		uint32_t oas;
	} sizes[] = { { 32, 0 }, { 36, 1 }, { 40, 2 }, { 42, 3 }, { 44, 4 }, { 48, 5 }, { 52, 6 } };
	struct rig_config config = rig_config();
	struct viommu_smmuv3 *smmu;
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < 7; i++) {
		config.smmu.output_bits = sizes[i].bits;
		config.smmu.sid_bits = 1 + i;
		rig_up_as(&rig, &config);
		assert_int_equal(rig_read(&rig, 0x14) & 7, sizes[i].oas);
		assert_int_equal(rig_read(&rig, 0x04) & 0x3f, 1 + i);
		rig_down(&rig);
	}
	/* The largest sizes. */
	config.smmu.sid_bits = 32;
	rig_up_as(&rig, &config);
	assert_int_equal(rig_read(&rig, 0x04) & 0x3f, 32);
	viommu_smmuv3_device_remove(rig_device(&rig, UINT32_MAX));
	rig_down(&rig);
	rig_up(&rig);
	config.smmu.output_bits = 41;
	assert_int_equal(viommu_smmuv3_create(rig.vm, &config.smmu, &smmu), -EINVAL);
	config.smmu.output_bits = 0;
	config.smmu.sid_bits = 33;
	assert_int_equal(viommu_smmuv3_create(rig.vm, &config.smmu, &smmu), -EINVAL);
	config.smmu.sid_bits = 0;
	config.smmu.flags = 2;
	assert_int_equal(viommu_smmuv3_create(rig.vm, &config.smmu, &smmu), -EINVAL);
	config.smmu.flags = 0;
	config.smmu.size = 8;
	assert_int_equal(viommu_smmuv3_create(rig.vm, &config.smmu, &smmu), -EINVAL);
	viommu_smmuv3_destroy(NULL);
	rig_down(&rig);
}

/* Reserved offsets read as zero, and stores to them change nothing. */
static void test_reserved(void **state)
{
	static const uint32_t known[] = { 0x00,
					  0x04,
					  0x0c,
					  0x14,
					  0x1c,
					  R_CR0,
					  R_CR0ACK,
					  R_CR1,
					  R_CR2,
					  R_GBPA,
					  R_IRQ_CTRL,
					  R_IRQ_CTRLACK,
					  R_GERROR,
					  R_GERRORN,
					  R_STRTAB_BASE,
					  R_STRTAB_BASE + 4,
					  R_STRTAB_BASE_CFG,
					  R_CMDQ_BASE,
					  R_CMDQ_BASE + 4,
					  R_CMDQ_PROD,
					  R_CMDQ_CONS,
					  R_EVENTQ_BASE,
					  R_EVENTQ_BASE + 4,
					  R_EVENTQ_PROD,
					  R_EVENTQ_CONS };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	for (uint32_t offset = 0; offset < VIOMMU_SMMUV3_BYTES; offset += 4) {
		bool is_known = false;

		for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= known[i] == offset;
		if (is_known)
			continue;
		rig_write(&rig, offset, 0xffffffff);
		assert_int_equal(rig_read(&rig, offset), 0);
	}
	for (unsigned int i = 5; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(rig_read(&rig, known[i]), 0);
	rig_down(&rig);
}

static void test_access(void **state)
{
	struct rig rig;
	uint64_t value = 0;

	(void)state;
	rig_up(&rig);
	for (unsigned int bytes = 0; bytes < 20; bytes++) {
		bool fits = bytes == 4 || bytes == 8;

		assert_int_equal(viommu_smmuv3_read(rig.smmu, 0, bytes, &value), fits ? 0 : -EINVAL);
		assert_int_equal(viommu_smmuv3_write(rig.smmu, 0, bytes, 0), fits ? 0 : -EINVAL);
	}
	assert_int_equal(viommu_smmuv3_read(rig.smmu, 2, 4, &value), -EINVAL);
	assert_int_equal(viommu_smmuv3_read(rig.smmu, 4, 8, &value), -EINVAL);
	assert_int_equal(viommu_smmuv3_write(rig.smmu, 0x84, 8, 1), -EINVAL);
	assert_int_equal(viommu_smmuv3_read(rig.smmu, 0x1fff8, 8, &value), 0);
	assert_int_equal(viommu_smmuv3_read(rig.smmu, 0x20000, 4, &value), -EINVAL);
	assert_int_equal(viommu_smmuv3_read(rig.smmu, UINT64_MAX - 3, 4, &value), -EINVAL);

	/* As two halves and as a whole. */
	rig_write(&rig, R_STRTAB_BASE, 0x12345678);
	rig_write(&rig, R_STRTAB_BASE + 4, 0xffffffff);
	assert_int_equal(rig_read64(&rig, R_STRTAB_BASE), UINT64_C(0x400fffff12345640));
	rig_write64(&rig, R_CMDQ_BASE, UINT64_MAX);
	assert_int_equal(rig_read64(&rig, R_CMDQ_BASE), UINT64_C(0x400fffffffffffff));
	rig_write(&rig, R_CMDQ_BASE, 0);
	assert_int_equal(rig_read64(&rig, R_CMDQ_BASE), UINT64_C(0x400fffff00000000));
	rig_write64(&rig, R_EVENTQ_BASE, UINT64_C(0xfff0000000001005));
	assert_int_equal(rig_read64(&rig, R_EVENTQ_BASE), UINT64_C(0x4000000000001005));
	/* Two registers of 32 bits at once. */
	rig_write(&rig, R_CMDQ_BASE, 8);
	rig_write64(&rig, R_CMDQ_PROD, UINT64_C(0x0000000700000005));
	assert_int_equal(rig_read(&rig, R_CMDQ_PROD), 5);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), 7);
	rig_down(&rig);
}

static void test_fields(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_write(&rig, R_CR1, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CR1), 0xfff);
	rig_write(&rig, R_CR2, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CR2), 2);
	rig_write(&rig, R_STRTAB_BASE_CFG, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_STRTAB_BASE_CFG), 0x307ff);
	rig_write(&rig, R_STRTAB_BASE_CFG, 0);
	rig_write(&rig, R_IRQ_CTRL, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_IRQ_CTRL), 5);
	assert_int_equal(rig_read(&rig, R_IRQ_CTRLACK), 5);
	rig_write(&rig, R_IRQ_CTRLACK, 0);
	assert_int_equal(rig_read(&rig, R_IRQ_CTRLACK), 5);
	/*
	 * Bits above the wrap bit: RAZ where the SMMU writes the index, and kept where the guest
	 * does.
	 */
	rig_write64(&rig, R_CMDQ_BASE, CMDQ | 8);
	rig_write64(&rig, R_EVENTQ_BASE, EVENTQ | 8);
	rig_write(&rig, R_EVENTQ_PROD, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 0x800001ff);
	rig_write(&rig, R_EVENTQ_CONS, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_EVENTQ_CONS), 0x800fffff);
	rig_write(&rig, R_CMDQ_CONS, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), 0x7f0001ff);
	/* With a smaller queue, or one larger than the limit. */
	rig_write64(&rig, R_EVENTQ_BASE, EVENTQ | 2);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 0x80000007);
	rig_write64(&rig, R_CMDQ_BASE, 31);
	rig_write64(&rig, R_EVENTQ_BASE, 31);
	rig_write(&rig, R_CMDQ_CONS, 0xffffffff);
	rig_write(&rig, R_EVENTQ_PROD, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), 0x7f001fff);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 0x80000fff);
	rig_write(&rig, R_CMDQ_PROD, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CMDQ_PROD), 0xfffff);
	rig_write(&rig, R_CR0, 0xfffffff0);
	assert_int_equal(rig_read(&rig, R_CR0), 0);
	/* The guest cannot write GERROR, and can acknowledge only active errors. */
	rig_write(&rig, R_GERROR, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_GERROR), 0);
	rig_write(&rig, R_GERRORN, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_GERRORN), 0);
	rig_down(&rig);
}

static void test_gbpa(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_write(&rig, R_GBPA, 1u << 20);
	assert_int_equal(rig_read(&rig, R_GBPA), 0);
	rig_write(&rig, R_GBPA, 0xffffffff);
	/* ABORT, INSTCFG and PRIVCFG; Update is back to 0. */
	assert_int_equal(rig_read(&rig, R_GBPA), 0x1f0000);
	rig_write(&rig, R_GBPA, 0);
	assert_int_equal(rig_read(&rig, R_GBPA), 0x1f0000);
	rig_write(&rig, R_GBPA, 1u << 31);
	assert_int_equal(rig_read(&rig, R_GBPA), 0);
	rig_down(&rig);
}

/* Registers that may not change while something is enabled. */
static void test_guarded(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	rig_write64(&rig, R_STRTAB_BASE, 0x1000000);
	rig_write(&rig, R_STRTAB_BASE_CFG, 1);
	rig_write64(&rig, R_CMDQ_BASE, 0x1000001);
	rig_write(&rig, R_CMDQ_CONS, 1);
	rig_write64(&rig, R_EVENTQ_BASE, 0x1000001);
	rig_write(&rig, R_EVENTQ_PROD, 1);
	rig_write(&rig, R_CR1, 0xffffffff);
	rig_write(&rig, R_CR2, 0xffffffff);
	assert_int_equal(rig_read64(&rig, R_STRTAB_BASE), STRTAB);
	assert_int_equal(rig_read(&rig, R_STRTAB_BASE_CFG), STRTAB_BITS);
	assert_int_equal(rig_read64(&rig, R_CMDQ_BASE), CMDQ | CMDQ_BITS);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), 0);
	assert_int_equal(rig_read64(&rig, R_EVENTQ_BASE), EVENTQ | EVENTQ_BITS);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 0);
	assert_int_equal(rig_read(&rig, R_CR1), 0);
	assert_int_equal(rig_read(&rig, R_CR2), 0);

	/* Each with its own guard alone. */
	rig_write(&rig, R_CR0, SMMUEN | EVENTQEN);
	rig_write(&rig, R_CMDQ_CONS, 3);
	rig_write(&rig, R_CR1, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_CMDQ_CONS), 3);
	assert_int_equal(rig_read(&rig, R_CR1), 0);
	rig_write(&rig, R_CR0, SMMUEN);
	rig_write(&rig, R_EVENTQ_PROD, 3);
	rig_write(&rig, R_CR1, 0xffffffff);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 3);
	assert_int_equal(rig_read(&rig, R_CR1), 0x3f);
	rig_write(&rig, R_CR0, 0);
	rig_write64(&rig, R_STRTAB_BASE, 0x1000000);
	rig_write(&rig, R_CR1, 0xfff);
	assert_int_equal(rig_read64(&rig, R_STRTAB_BASE), 0x1000000);
	assert_int_equal(rig_read(&rig, R_CR1), 0xfff);
	rig_down(&rig);
}

static void test_reset(void **state)
{
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	config.smmu.flags = VIOMMU_SMMUV3_RESET_ABORT;
	rig_up_as(&rig, &config);
	assert_int_equal(rig_read(&rig, R_GBPA), 1u << 20);
	rig_write(&rig, R_GBPA, 1u << 31);
	rig_enable(&rig);
	rig_command(&rig, SYNC, 0);
	viommu_smmuv3_reset(rig.smmu);
	for (uint32_t offset = 0x20; offset < 0x200; offset += 4)
		assert_int_equal(rig_read(&rig, offset), offset == R_GBPA ? 1u << 20 : 0);
	assert_int_equal(rig_read(&rig, R_EVENTQ_PROD), 0);
	assert_int_equal(rig_read(&rig, R_EVENTQ_CONS), 0);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identification), cmocka_unit_test(test_sizes), cmocka_unit_test(test_reserved), cmocka_unit_test(test_access),
		cmocka_unit_test(test_fields),	       cmocka_unit_test(test_gbpa),  cmocka_unit_test(test_guarded),  cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
