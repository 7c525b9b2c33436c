/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registers of AMD's guest IOMMU: fields, locks, reset; and the capabilities of its PCI
 * function.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define BASE_RESET (UINT64_C(8) << 56)

static void test_identification(void **state)
{
	struct rig_config config = rig_config();
	struct viommu_amdvi_capabilities words = { .size = sizeof(words) };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	/* PreFSup, IASup, GASup; HATS: 6 levels. Neither PPR, GT, XT, HE nor PC. */
	assert_int_equal(rig_read64(&rig, R_EFR), 0x8c1);
	assert_int_equal(viommu_amdvi_features(rig.amdvi), 0x8c1);
	rig_write64(&rig, R_EFR, UINT64_MAX);
	assert_int_equal(rig_read64(&rig, R_EFR), 0x8c1);
	assert_int_equal(viommu_amdvi_capabilities(rig.amdvi, &words), 0);
	/* CapID 0xf, CapType 3, CapRev 1; NpCache, EFRSup, CapExt, not IotlbSup or HtTunnel. */
	assert_int_equal(words.header, 0xf | 3 << 16 | 1 << 19 | 1 << 26 | 1 << 27 | 1 << 28);
	assert_int_equal(words.misc[0], 52 << 8 | 64 << 15);
	assert_int_equal(words.base_low | words.base_high | words.range | words.misc[1], 0);
	/* MSI: ID 5, 64 bits. The mapping: ID 8, enabled, fixed. */
	assert_int_equal(words.msi, 0x00800005);
	assert_int_equal(words.msi_mapping, 0xa8030008);
	words.size = 8;
	assert_int_equal(viommu_amdvi_capabilities(rig.amdvi, &words), -EINVAL);
	rig_down(&rig);

	config.flags = VIOMMU_AMDVI_X2APIC;
	rig_up_as(&rig, &config);
	assert_int_equal(rig_read64(&rig, R_EFR), 0x8c5);
	viommu_amdvi_reset(rig.amdvi);
	assert_int_equal(rig_read64(&rig, R_EFR), 0x8c5);
	rig_down(&rig);
}

static void test_create(void **state)
{
	struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;
	struct viommu_amdvi *amdvi;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	config.flags = 2;
	assert_int_equal(viommu_amdvi_create(rig.vm, &config, &amdvi), -EINVAL);
	config.flags = 0;
	config.size = 4;
	assert_int_equal(viommu_amdvi_create(rig.vm, &config, &amdvi), -EINVAL);
	viommu_amdvi_destroy(NULL);
	assert_string_equal(viommu_amdvi_entry_name(VIOMMU_AMDVI_ENTRY_UNREADABLE), "unreadable");
	assert_string_equal(viommu_amdvi_entry_name(5), "unknown");
	rig_down(&rig);
}

/*
 * Reserved offsets read as 0, and stores to them change nothing: those of PPR and of the guest
 * APIC's log are among them.
 */
static void test_reserved(void **state)
{
	static const uint32_t known[] = { R_DEV_TAB, R_CMD_BASE, R_EVENT_BASE, R_CONTROL,    R_EXCL_BASE,  R_EXCL_LIMIT,
					  R_EFR,     R_CMD_HEAD, R_CMD_TAIL,   R_EVENT_HEAD, R_EVENT_TAIL, R_STATUS };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	for (uint32_t offset = 0; offset < VIOMMU_AMDVI_BYTES; offset += 4) {
		bool is_known = false;

		for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= known[i] == (offset & ~7u);
		if (is_known)
			continue;
		rig_write(&rig, offset, 0xffffffff);
		assert_int_equal(rig_read(&rig, offset), 0);
	}
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(rig_read64(&rig, known[i]), known[i] == R_CMD_BASE || known[i] == R_EVENT_BASE ? BASE_RESET : known[i] == R_EFR ? 0x8c1 : 0);
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

		assert_int_equal(viommu_amdvi_read(rig.amdvi, 0, bytes, &value), fits ? 0 : -EINVAL);
		assert_int_equal(viommu_amdvi_write(rig.amdvi, 0, bytes, 0), fits ? 0 : -EINVAL);
	}
	assert_int_equal(viommu_amdvi_read(rig.amdvi, 2, 4, &value), -EINVAL);
	assert_int_equal(viommu_amdvi_write(rig.amdvi, 4, 8, 1), -EINVAL);
	assert_int_equal(viommu_amdvi_read(rig.amdvi, 0x3ff8, 8, &value), 0);
	assert_int_equal(viommu_amdvi_read(rig.amdvi, 0x4000, 4, &value), -EINVAL);
	assert_int_equal(viommu_amdvi_read(rig.amdvi, UINT64_MAX - 3, 4, &value), -EINVAL);
	/* As two halves, and as a whole. */
	rig_write(&rig, R_DEV_TAB, 0x12345678);
	rig_write(&rig, R_DEV_TAB + 4, 0xffffffff);
	assert_int_equal(rig_read64(&rig, R_DEV_TAB), UINT64_C(0x000fffff12345078));
	assert_int_equal(rig_read(&rig, R_DEV_TAB + 4), 0x000fffff);
	rig_down(&rig);
}

static void test_fields(void **state)
{
	static const struct {
		uint32_t offset;
		uint64_t kept;
	} fields[] = {
		{ R_DEV_TAB, UINT64_C(0x000ffffffffff1ff) },
		{ R_CMD_BASE, UINT64_C(0x0f0ffffffffff000) },
		{ R_EVENT_BASE, UINT64_C(0x0f0ffffffffff000) },
		{ R_EXCL_BASE, UINT64_C(0x000ffffffffff003) },
		{ R_EXCL_LIMIT, UINT64_C(0x000ffffffffff000) },
		{ R_CMD_HEAD, 0x7fff0 },
		{ R_CMD_TAIL, 0x7fff0 },
		{ R_EVENT_HEAD, 0x7fff0 },
		{ R_EVENT_TAIL, 0x7fff0 },
		/* Run bits and interrupts: only the IOMMU sets them. */
		{ R_STATUS, 0 },
		/* Neither PPR, GT nor the guest APIC's log; the x2APIC is not offered. */
		{ R_CONTROL, 0x21fff & ~IOMMU_EN },
	};
	struct rig_config config = rig_config();
	struct rig rig;

	(void)state;
	rig_up(&rig);
	for (unsigned int i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		rig_write64(&rig, fields[i].offset, fields[i].offset == R_CONTROL ? ~IOMMU_EN : UINT64_MAX);
		assert_int_equal(rig_read64(&rig, fields[i].offset), fields[i].kept);
	}
	rig_down(&rig);

	config.flags = VIOMMU_AMDVI_X2APIC;
	rig_up_as(&rig, &config);
	rig_write64(&rig, R_CONTROL, ~IOMMU_EN);
	assert_int_equal(rig_read64(&rig, R_CONTROL), (0x21fff & ~IOMMU_EN) | XT_EN | INT_CAP_XT);
	rig_write64(&rig, R_XT, UINT64_MAX);
	assert_int_equal(rig_read64(&rig, R_XT), UINT64_C(0xff0001ffffffff04));
	rig_down(&rig);
}

/*
 * A store to a base sets both indices to 0. While a buffer runs, its base, and the index that the
 * IOMMU writes, ignore stores.
 */
static void test_buffers(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_write(&rig, R_CMD_HEAD, 0x120);
	rig_write(&rig, R_CMD_TAIL, 0x120);
	rig_write(&rig, R_EVENT_HEAD, 0x130);
	rig_write(&rig, R_EVENT_TAIL, 0x140);
	rig_write(&rig, R_CMD_BASE, COMMANDS);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0);
	assert_int_equal(rig_read(&rig, R_CMD_TAIL), 0);
	assert_int_equal(rig_read(&rig, R_EVENT_HEAD), 0x130);
	rig_write(&rig, R_EVENT_BASE + 4, 0x09000000);
	assert_int_equal(rig_read(&rig, R_EVENT_HEAD), 0);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0);

	rig_enable(&rig);
	rig_command(&rig, WAIT, 0);
	rig_write64(&rig, R_CMD_BASE, UINT64_MAX);
	rig_write64(&rig, R_EVENT_BASE, UINT64_MAX);
	rig_write(&rig, R_CMD_HEAD, 0x200);
	rig_write(&rig, R_EVENT_TAIL, 0x200);
	assert_int_equal(rig_read64(&rig, R_CMD_BASE), COMMANDS | BASE_RESET);
	assert_int_equal(rig_read64(&rig, R_EVENT_BASE), EVENTS | BASE_RESET);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0x10);
	assert_int_equal(rig_read(&rig, R_CMD_TAIL), 0x10);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0);
	/* Each with its own lock. */
	rig_write64(&rig, R_CONTROL, ALL_EN & ~CMD_BUF_EN);
	rig_write(&rig, R_CMD_HEAD, 0x200);
	rig_write(&rig, R_EVENT_TAIL, 0x200);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0x200);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0);
	rig_write64(&rig, R_CONTROL, ALL_EN & ~EVENT_LOG_EN & ~CMD_BUF_EN);
	rig_write(&rig, R_EVENT_TAIL, 0x200);
	assert_int_equal(rig_read(&rig, R_EVENT_TAIL), 0x200);
	rig_down(&rig);
}

/* A disabled IOMMU reads no commands and logs no events. */
static void test_run(void **state)
{
	static const struct {
		uint64_t control;
		uint32_t status;
	} cases[] = {
		{ CMD_BUF_EN, 0 },
		{ CMD_BUF_EN | EVENT_LOG_EN, 0 },
		{ CMD_BUF_EN | EVENT_LOG_EN | IOMMU_EN, S_CMD_RUN | S_EVENT_RUN },
		{ EVENT_LOG_EN | IOMMU_EN, S_EVENT_RUN },
		{ CMD_BUF_EN | IOMMU_EN, S_CMD_RUN },
		{ IOMMU_EN, 0 },
		{ CMD_BUF_EN | EVENT_LOG_EN | IOMMU_EN, S_CMD_RUN | S_EVENT_RUN },
		{ CMD_BUF_EN | EVENT_LOG_EN, 0 },
	};
	uint32_t tail = 0;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig_set_up(&rig);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_write64(&rig, R_CONTROL, cases[i].control);
		assert_int_equal(rig_read(&rig, R_STATUS), cases[i].status);
	}
	rig_queue(&rig, &tail, WAIT, 0);
	rig_kick(&rig, tail);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), 0);
	rig_write64(&rig, R_CONTROL, CMD_BUF_EN | IOMMU_EN);
	assert_int_equal(rig_read(&rig, R_CMD_HEAD), tail);
	rig_down(&rig);
}

static void test_reset(void **state)
{
	struct viommu_amdvi_device *device;
	struct rig rig;

	(void)state;
	rig_up(&rig);
	device = rig_device(&rig, 0x10);
	rig_enable(&rig);
	rig_command(&rig, WAIT | 2, 0);
	assert_refused(&rig, device, 0x1000 | UINT64_C(0xfee00000), VIOMMU_READ);
	rig_write64(&rig, R_EXCL_BASE, 0x1001);
	rig_put_entry(&rig, 0x10, D_V, 0, 0, 0);
	rig_command(&rig, INV_DEVICE(0x10), 0);
	assert_refused(&rig, device, 0x1000, VIOMMU_READ);
	viommu_amdvi_reset(rig.amdvi);
	for (uint32_t offset = 0; offset < VIOMMU_AMDVI_BYTES; offset += 8)
		assert_int_equal(rig_read64(&rig, offset), offset == R_CMD_BASE || offset == R_EVENT_BASE ? BASE_RESET : offset == R_EFR ? 0x8c1 : 0);
	assert_reaches(&rig, device, 0x1000, 0x1000, VIOMMU_RW);
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identification), cmocka_unit_test(test_create),  cmocka_unit_test(test_reserved), cmocka_unit_test(test_access),
		cmocka_unit_test(test_fields),	       cmocka_unit_test(test_buffers), cmocka_unit_test(test_run),	cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
