/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The register page: each register, its writable bits, and the effects of stores. */
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
	assert_int_equal(rig_read(&rig, R_VER), 0x10);
	/*
	 * ESRTPS, drains, MAMV 18, 4 fault registers, PSI, 2 MiB and 1 GiB, at 0x220, ZLR, 48 bits,
	 * 39 and 48, CM, 2^16 domains. No protected memory registers, no advanced logging, no RWBF.
	 */
	assert_true(rig_read64(&rig, R_CAP) == UINT64_C(0x80d2038c226f0686));
	/* IOTLB at 0xf0, SC, PT, QI, C. */
	assert_true(rig_read64(&rig, R_ECAP) == 0xfc3);
	for (uint32_t offset = 0; offset < 0x18; offset += 4) {
		uint32_t before = rig_read(&rig, offset);

		rig_write(&rig, offset, ~before);
		assert_int_equal(rig_read(&rig, offset), before);
	}
	rig_down(&rig);
}

static void test_configurations(void **state)
{
	static const struct {
		uint32_t bits, flags;
		uint64_t cap, ecap;
	} made[] = {
		{ 39, 0, UINT64_C(0x80d2038c22660286), 0xfc3 },
		{ 57, 0, UINT64_C(0x80d2038c22780e86), 0xfc3 },
		{ 48, VIOMMU_VTD_INTERRUPT_REMAPPING, UINT64_C(0xc0d2038c226f0686), 0xf00fdb },
		{ 48, VIOMMU_VTD_SCALABLE, UINT64_C(0x80d2038c226f0686), UINT64_C(0x0003480000000fc3) },
		{ 48, VIOMMU_VTD_SCALABLE | VIOMMU_VTD_FIRST_STAGE, UINT64_C(0x81d2038c226f0686), UINT64_C(0x0003c80000000fc3) },
		{ 57, VIOMMU_VTD_SCALABLE | VIOMMU_VTD_FIRST_STAGE, UINT64_C(0x91d2038c22780e86), UINT64_C(0x0003c80000000fc3) },
	};
	static const struct {
		uint32_t flags, bits, output;
	} refused[] = { { 0x8, 0, 0 },
			{ VIOMMU_VTD_FIRST_STAGE, 0, 0 },
			{ VIOMMU_VTD_FIRST_STAGE | VIOMMU_VTD_SCALABLE, 39, 0 },
			{ 0, 40, 0 },
			{ 0, 64, 0 },
			{ 0, 0, 31 },
			{ 0, 0, 53 } };
	struct rig_config config = rig_config();
	struct viommu_vtd *vtd;
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		config.vtd.address_bits = made[i].bits;
		config.vtd.flags = made[i].flags;
		rig_up_as(&rig, &config);
		assert_true(rig_read64(&rig, R_CAP) == made[i].cap);
		assert_true(rig_read64(&rig, R_ECAP) == made[i].ecap);
		viommu_vtd_reset(rig.vtd);
		assert_true(rig_read64(&rig, R_CAP) == made[i].cap);
		rig_down(&rig);
	}
	rig_up(&rig);
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		config = rig_config();
		config.vtd.flags = refused[i].flags;
		config.vtd.address_bits = refused[i].bits;
		config.vtd.output_bits = refused[i].output;
		assert_int_equal(viommu_vtd_create(rig.vm, &config.vtd, &vtd), -EINVAL);
	}
	viommu_vtd_destroy(NULL);
	rig_down(&rig);
}

/* Bits that a guest can change, without and with all features; others read as 0, but for resets. */
static void test_writable(void **state)
{
	static const struct {
		uint32_t offset;
		uint64_t plain, full; /* writable bits */
		uint64_t other;	      /* that read as 1 */
	} known[] = {
		{ R_VER, 0, 0, 0x10 },
		{ R_GCMD, 0, 0, 0 },
		{ R_RTADDR, 0xfffffc00, 0xfffffc00, 0 },
		{ R_RTADDR + 4, 0xffffffff, 0xffffffff, 0 },
		{ R_CCMD, 0xffffffff, 0xffffffff, 0 },
		{ R_FECTL, 0x80000000, 0x80000000, 0 },
		{ R_FEDATA, 0xffffffff, 0xffffffff, 0 },
		{ R_FEADDR, 0xfffffffc, 0xfffffffc, 0 },
		{ R_FEUADDR, 0xffffffff, 0xffffffff, 0 },
		{ R_IQT, 0x7fff0, 0x7fff0, 0 },
		{ R_IQA, 0xfffff007, 0xfffff807, 0 },
		{ R_IQA + 4, 0xffffffff, 0xffffffff, 0 },
		{ R_IECTL, 0x80000000, 0x80000000, 0 },
		{ R_IEDATA, 0xffffffff, 0xffffffff, 0 },
		{ R_IEADDR, 0xfffffffc, 0xfffffffc, 0 },
		{ R_IEUADDR, 0xffffffff, 0xffffffff, 0 },
		{ R_IRTA, 0, 0xfffff80f, 0 },
		{ R_IRTA + 4, 0, 0xffffffff, 0 },
		{ R_IVA, 0xfffff07f, 0xfffff07f, 0 },
		{ R_IVA + 4, 0xffffffff, 0xffffffff, 0 },
	};
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	for (unsigned int full = 0; full < 2; full++) {
		config.vtd.flags = full ? VIOMMU_VTD_SCALABLE | VIOMMU_VTD_INTERRUPT_REMAPPING : 0;
		rig_up_as(&rig, &config);
		for (uint32_t offset = 0; offset < VIOMMU_VTD_BYTES; offset += 4) {
			uint64_t writable = 0, other = 0;

			/*
			 * CAP and ECAP are constant; commands of registers have a test of their
			 * own.
			 */
			if ((offset >= R_CAP && offset < R_GCMD) || offset == R_CCMD + 4 || offset >= R_IOTLB + 8 || offset == R_IOTLB + 4)
				if (offset < R_IOTLB + 8)
					continue;
			for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
				if (known[i].offset == offset) {
					writable = full ? known[i].full : known[i].plain;
					other = known[i].other;
				}
			rig_write(&rig, offset, offset == R_GCMD ? 0 : 0xffffffff);
			assert_int_equal(rig_read(&rig, offset), writable | other);
			rig_write(&rig, offset, 0);
			assert_int_equal(rig_read(&rig, offset), other);
		}
		viommu_vtd_reset(rig.vtd);
		assert_int_equal(rig_read(&rig, R_FECTL), 0x80000000);
		assert_int_equal(rig_read(&rig, R_IECTL), 0x80000000);
		rig_down(&rig);
	}
}

static void test_access(void **state)
{
	struct rig rig;
	uint64_t value = 0;

	(void)state;
	rig_up(&rig);
	for (unsigned int bytes = 0; bytes < 20; bytes++)
		for (uint64_t offset = 0; offset < 16; offset++) {
			int expected = (bytes == 4 || bytes == 8) && !(offset % bytes) ? 0 : -EINVAL;

			assert_int_equal(viommu_vtd_read(rig.vtd, offset, bytes, &value), expected);
			assert_int_equal(viommu_vtd_write(rig.vtd, offset, bytes, 0), expected);
		}
	assert_int_equal(viommu_vtd_read(rig.vtd, VIOMMU_VTD_BYTES - 8, 8, &value), 0);
	assert_int_equal(viommu_vtd_read(rig.vtd, VIOMMU_VTD_BYTES, 8, &value), -EINVAL);
	assert_int_equal(viommu_vtd_write(rig.vtd, VIOMMU_VTD_BYTES, 4, 0), -EINVAL);
	assert_int_equal(viommu_vtd_write(rig.vtd, VIOMMU_VTD_BYTES + 8, 8, UINT64_MAX), -EINVAL);
	/* 64 bits at once are those of both halves. */
	rig_write64(&rig, R_RTADDR, UINT64_C(0x123456789abcd000));
	assert_int_equal(rig_read(&rig, R_RTADDR), 0x9abcd000);
	assert_int_equal(rig_read(&rig, R_RTADDR + 4), 0x12345678);
	assert_true(rig_read64(&rig, R_GCMD) == 0);
	rig_down(&rig);
}

/* Commands that take effect once, and states; what is not there is ignored. */
static void test_global_commands(void **state)
{
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_write(&rig, R_GCMD, SRTP);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP);
	rig_write(&rig, R_GCMD, 0);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP);
	/* Interrupt remapping, the advanced log and write buffers. */
	rig_write(&rig, R_GCMD, IRE | SIRTP | CFI | 1u << 29 | 1u << 28 | 1u << 27 | 0x7fffff);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP);
	rig_write(&rig, R_GCMD, TE);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP | TE);
	rig_write(&rig, R_GCMD, TE | QIE);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP | TE | QIE);
	rig_write(&rig, R_GCMD, QIE);
	assert_int_equal(rig_read(&rig, R_GSTS), SRTP | QIE);
	viommu_vtd_reset(rig.vtd);
	assert_int_equal(rig_read(&rig, R_GSTS), 0);
	rig_down(&rig);
	config.vtd.flags = VIOMMU_VTD_INTERRUPT_REMAPPING;
	rig_up_as(&rig, &config);
	rig_write(&rig, R_GCMD, IRE | SIRTP | CFI);
	assert_int_equal(rig_read(&rig, R_GSTS), IRE | SIRTP | CFI);
	rig_write(&rig, R_GCMD, IRE);
	assert_int_equal(rig_read(&rig, R_GSTS), IRE | SIRTP);
	rig_down(&rig);
}

/* RTADDR counts when the root table pointer is set, not before. */
static void test_root_pointer(void **state)
{
	struct rig rig;
	struct user user;
	uint64_t root;

	(void)state;
	rig_up(&rig);
	rig_enable(&rig);
	user_init(&user, &rig, 8);
	root = rig_table(&rig);
	rig_map(&rig, root, 3, 0x1000, DATA);
	rig_second_stage(&rig, 8, root, 1);
	assert_has(&user, 0x1000, DATA, VIOMMU_RW);
	rig_write64(&rig, R_RTADDR, 0x90000);
	rig_command(&rig, CC_GLOBAL, 0);
	assert_has(&user, 0x1000, DATA, VIOMMU_RW);
	assert_true(rig_info(&rig).root == ROOT);
	/* Setting the pointer invalidates what was cached of the tables, too (ESRTPS). */
	rig_write64(&rig, R_RTADDR, ROOT);
	rig_map(&rig, root, 3, 0x1000, DATA + PAGE);
	assert_has(&user, 0x1000, DATA, VIOMMU_RW);
	rig_global(&rig, SRTP, 0);
	assert_has(&user, 0x1000, DATA + PAGE, VIOMMU_RW);
	rig_write64(&rig, R_RTADDR, 0x90000);
	rig_global(&rig, SRTP, 0);
	assert_has_not(&user, 0x1000);
	assert_true(rig_info(&rig).root == 0x90000);
	/* The queue's address is locked while it runs. */
	rig_write64(&rig, R_IQA, 0x70000 | 7);
	assert_true(rig_read64(&rig, R_IQA) == QUEUE);
	rig_global(&rig, 0, QIE);
	rig_write64(&rig, R_IQA, 0x70000 | 7);
	assert_true(rig_read64(&rig, R_IQA) == (0x70000 | 7));
	user_end(&user);
	rig_down(&rig);
}

static void test_devices(void **state)
{
	struct viommu_vtd_device_config config = VIOMMU_VTD_DEVICE_CONFIG_INIT;
	struct viommu_vtd_device *device, *other;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	config.source_id = 0xffff;
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &device), -EINVAL);
	config.host = rig.host;
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &device), 0);
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &other), -EEXIST);
	config.source_id = 0x10000;
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &other), -EINVAL);
	config.source_id = 1;
	config.flags = 1;
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &other), -EINVAL);
	assert_ptr_equal(viommu_vtd_find(rig.vtd, 0xffff), device);
	assert_null(viommu_vtd_find(rig.vtd, 1));
	assert_int_equal(rig_device_info(device).context, VIOMMU_VTD_CONTEXT_DISABLED);
	assert_int_equal(rig_device_info(device).sharing, 1);
	assert_string_equal(viommu_vtd_context_name(VIOMMU_VTD_CONTEXT_DISABLED), "translation disabled");
	assert_string_equal(viommu_vtd_context_name(99), "unknown");
	assert_int_equal(rig_info(&rig).devices, 1);
	/* Another source ID, and the context entry of that. */
	rig_enable(&rig);
	assert_int_equal(viommu_vtd_device_set_id(device, 0x10000), -EINVAL);
	rig_put_context(&rig, 9, CONTEXT_PASS_THROUGH, CONTEXT1(1, 5));
	assert_int_equal(viommu_vtd_device_set_id(device, 9), 0);
	assert_ptr_equal(viommu_vtd_find(rig.vtd, 9), device);
	assert_int_equal(rig_device_info(device).source_id, 9);
	assert_int_equal(rig_device_info(device).context, VIOMMU_VTD_CONTEXT_PASS_THROUGH);
	config.source_id = 0xffff;
	config.flags = 0;
	assert_int_equal(viommu_vtd_device_add(rig.vtd, &config, &other), 0);
	assert_int_equal(viommu_vtd_device_set_id(device, 0xffff), -EEXIST);
	assert_int_equal(viommu_vtd_device_set_id(device, 10), 0);
	assert_int_equal(rig_device_info(device).context, VIOMMU_VTD_CONTEXT_FAULTY);
	viommu_vtd_device_remove(device);
	assert_null(viommu_vtd_find(rig.vtd, 10));
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identification),	cmocka_unit_test(test_configurations), cmocka_unit_test(test_writable), cmocka_unit_test(test_access),
		cmocka_unit_test(test_global_commands), cmocka_unit_test(test_root_pointer),   cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
