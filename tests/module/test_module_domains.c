/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The module's domains for guests of x86: second-stage tables of VT-d, host page tables of AMD's
 * IOMMU, and direct domains. The test writes the tables with constants of its own, and compares the
 * device's accesses with them.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <cmocka.h>
#include <viommu/types.h>

#include "../dma/kernel.h"
#include "rig.h"

#define A (RIG_NUMBERED + 8 * PAGE) /* GPAs */
#define B (RIG_NUMBERED + 77 * PAGE)
#define C (RIG_NUMBERED + 300 * PAGE)

#define READ	   VFIO_VIOMMU_DIRECT_READ
#define WRITE	   VFIO_VIOMMU_DIRECT_WRITE
#define READ_WRITE (VFIO_VIOMMU_DIRECT_READ | VFIO_VIOMMU_DIRECT_WRITE)

/* GPAs of a top table, and of tables below it for the first 16 MiB of the rig's IOVAs. */
#define TOP	  UINT64_C(0xa0000)
#define MIDDLE	  UINT64_C(0xa1000)
#define LOWEST(n) (UINT64_C(0xa2000) + (n)*PAGE)

/* Tables of three levels, of 512 entries of 8 bytes. */
struct format {
	uint32_t type;
	uint64_t (*upper)(unsigned int level);
	uint64_t (*leaf)(uint32_t rights);
	uint64_t malformed; /* an entry of the middle table that no table may have */
};

static void store(struct rig *rig, uint64_t gpa, uint64_t entry)
{
	__atomic_store_n((uint64_t *)(void *)(rig->memory + gpa), htole64(entry), __ATOMIC_RELEASE);
}

static void set(struct rig *rig, const struct format *format, uint64_t iova, uint64_t gpa, uint32_t rights)
{
	uint64_t in = iova - RIG_PBA;

	store(rig, LOWEST(in / (2 * MIB)) + in % (2 * MIB) / PAGE * 8, rights ? gpa | format->leaf(rights) : 0);
}

static void begin_tables(struct rig *rig, const struct format *format)
{
	store(rig, TOP + RIG_PBA / GIB * 8, MIDDLE | format->upper(2));
	for (uint64_t i = 0; i < 8; i++)
		store(rig, MIDDLE + i * 8, LOWEST(i) | format->upper(1));
	set(rig, format, RIG_PBA + 15 * MIB, RIG_BYTES - PAGE, READ_WRITE);
}

static int create(struct rig *rig, const struct format *format, uint64_t top, uint32_t levels, uint32_t *domain, struct vfio_viommu_outcome *outcome)
{
	struct vfio_viommu_vtd vtd = { .size = sizeof(vtd), .levels = levels, .root = top };
	struct vfio_viommu_amdvi amdvi = { .size = sizeof(amdvi), .mode = levels, .root = top, .prot = READ_WRITE };

	if (format->type == VFIO_VIOMMU_DATA_VTD)
		return rig_create_from(rig, format->type, &vtd, sizeof(vtd), domain, outcome);
	return rig_create_from(rig, format->type, &amdvi, sizeof(amdvi), domain, outcome);
}

/*
 * Linux 6.12 makes each mapping of VT-d readable (drivers/iommu/intel/iommu.c,
 * __domain_mapping()), and 7.3 does not. First-stage tables of Arm have no such mappings.
 */
static bool has_write_only(void)
{
	struct utsname name;

	return rig_is_on("amd") || (!rig_is_on("smmuv3") && !uname(&name) && strtoul(name.release, NULL, 10) >= 7);
}

static void follows(uint32_t type, const struct format *format)
{
	uint64_t at = RIG_PBA + 3 * PAGE;
	struct vfio_viommu_refresh refresh;
	struct vfio_viommu_outcome outcome;
	struct rig rig;
	uint32_t domain;

	rig_open(&rig, type);
	begin_tables(&rig, format);
	set(&rig, format, at, A, READ_WRITE);
	assert_int_equal(create(&rig, format, TOP, 3, &domain, &outcome), 0);
	assert_int_equal(outcome.established, 2);
	assert_int_equal(rig_attach(&rig, domain), 0);
	rig_check_pinned(&rig, 2);
	rig_reaches(&rig, at, A, true);
	rig_reaches(&rig, at + PAGE, RIG_NOWHERE, false);
	set(&rig, format, at + PAGE, B, READ);
	set(&rig, format, at + 2 * MIB, C, WRITE);
	rig_refreshed(&rig, domain, at, 1024);
	rig_check_pinned(&rig, 4);
	rig_reaches(&rig, at + PAGE, B, false);
	rig_writes(&rig, at + 2 * MIB, C);
	rig_reads(&rig, at + 2 * MIB, has_write_only() ? RIG_NOWHERE : C);
	set(&rig, format, at, 0, 0);
	set(&rig, format, at + PAGE, C, READ_WRITE);
	rig_refreshed(&rig, domain, at, 2);
	rig_reaches(&rig, at, RIG_NOWHERE, false);
	rig_reaches(&rig, at + PAGE, C, true);
	rig_check_pinned(&rig, 2);
	/* All of a table at once, and an entry that is malformed beside it. */
	store(&rig, MIDDLE + 8, 0);
	store(&rig, MIDDLE + 16, format->malformed);
	assert_int_equal(rig_refresh(&rig, domain, RIG_PBA, 3 * 512, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_MALFORMED);
	assert_int_equal(refresh.out_outcome.fault_iova, RIG_PBA + 4 * MIB);
	assert_int_equal(refresh.out_outcome.fault_entry_gpa, MIDDLE + 16);
	assert_int_equal(refresh.out_outcome.fault_entry, format->malformed);
	assert_int_equal(refresh.out_outcome.released, 1);
	rig_writes(&rig, at + 2 * MIB, RIG_NOWHERE);
	/* Refused registrations. */
	assert_int_equal(create(&rig, format, TOP + 8, 3, &domain, NULL), -EINVAL);
	assert_int_equal(create(&rig, format, TOP, 0, &domain, NULL), -EINVAL);
	assert_int_equal(create(&rig, format, TOP, 7, &domain, NULL), -EINVAL);
	rig_close(&rig);
}

static uint64_t vtd_upper(unsigned int level)
{
	(void)level;
	return 3;
}

static uint64_t vtd_leaf(uint32_t rights)
{
	return (rights & READ ? 1 : 0) | (rights & WRITE ? 2 : 0);
}

static void test_vtd(void **state)
{
	/* A leaf of 2 MiB that is not aligned to them. */
	const struct format format = { VFIO_VIOMMU_DATA_VTD, vtd_upper, vtd_leaf, 0x83 | UINT64_C(0x1000) };

	follows(rig_type(state), &format);
}

static uint64_t amdvi_upper(unsigned int level)
{
	return UINT64_C(3) << 61 | (uint64_t)level << 9 | 1;
}

static uint64_t amdvi_leaf(uint32_t rights)
{
	return (rights & READ ? UINT64_C(1) << 61 : 0) | (rights & WRITE ? UINT64_C(1) << 62 : 0) | 1;
}

static void test_amdvi(void **state)
{
	/* A table of a level that is not lower. */
	const struct format format = { VFIO_VIOMMU_DATA_AMDVI, amdvi_upper, amdvi_leaf, UINT64_C(3) << 61 | 5 << 9 | 1 };

	follows(rig_type(state), &format);
}

static void test_direct(void **state)
{
	const uint64_t all = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct vfio_viommu_refresh refresh;
	struct rig rig;
	uint32_t domain, other, tables;

	assert_int_equal(rig_begin(&rig, rig_type(state)), 0);
	assert_int_equal(rig_map(&rig, 0, 8 * MIB, all), 0);
	assert_int_equal(rig_map(&rig, 9 * MIB, RIG_BYTES - 9 * MIB, all), 0);
	rig_open_device(&rig);
	assert_int_equal(rig_create_direct(&rig, RIG_OFFSET, RIG_OFFSET + RIG_BYTES - 1, RIG_OFFSET, READ_WRITE, &domain), 0);
	assert_int_equal(rig_attach(&rig, domain), 0);
	rig_reaches(&rig, RIG_OFFSET + A, A, true);
	rig_reaches(&rig, RIG_OFFSET + 8 * MIB + PAGE, RIG_NOWHERE, false);
	assert_int_equal(rig_locked(), (RIG_BYTES - MIB) / PAGE);
	/* Memory that comes, goes, and comes back with fewer rights. */
	assert_int_equal(rig_map(&rig, 8 * MIB, MIB, all), 0);
	rig_reaches(&rig, RIG_OFFSET + 8 * MIB + PAGE, 8 * MIB + PAGE, true);
	rig_check_pinned(&rig, RIG_BYTES / PAGE);
	assert_int_equal(rig_unmap(&rig, 8 * MIB, MIB), 0);
	rig_reaches(&rig, RIG_OFFSET + 8 * MIB + PAGE, RIG_NOWHERE, false);
	assert_int_equal(rig_map(&rig, 8 * MIB, MIB, VFIO_DMA_MAP_FLAG_READ), 0);
	rig_reaches(&rig, RIG_OFFSET + 8 * MIB + PAGE, 8 * MIB + PAGE, false);
	/* Charged once, with other domains beside it. */
	rig_name(&rig, RIG_PBA, 1, B, true);
	assert_int_equal(rig_create(&rig, RIG_PBA, RIG_PAL, &tables, NULL), 0);
	assert_int_equal(rig_create_direct(&rig, RIG_PBA, RIG_PAL, RIG_OFFSET, READ, &other), 0);
	rig_check_pinned(&rig, RIG_BYTES / PAGE);
	assert_int_equal(rig_attach(&rig, tables), 0);
	rig_reaches(&rig, RIG_PBA, B, true);
	rig_reaches(&rig, RIG_OFFSET + A, RIG_NOWHERE, false);
	/* A domain without the right to write. */
	assert_int_equal(rig_attach(&rig, other), 0);
	memset(rig.memory + A, 0x33, PAGE);
	dma_write_to(rig.device, RIG_OFFSET + A, 0);
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(rig.memory[A + i], 0x33);
	assert_int_equal(rig_refresh(&rig, other, RIG_PBA, 1, &refresh), -EOPNOTSUPP);
	assert_int_equal(rig_destroy(&rig, other), 0);
	assert_int_equal(rig_destroy(&rig, domain), 0);
	rig_check_pinned(&rig, 2);
	rig_close(&rig);
}

static void test_direct_is_refused(void **state)
{
	struct vfio_viommu_direct direct = { .size = sizeof(direct), .flags = READ, .first = 0, .last = 4 * GIB - 1 };
	const uint64_t window = rig_reserved();
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ, .iova = window, .size = PAGE };
	struct rig rig;
	uint32_t domain;

	rig_open(&rig, rig_type(state));
	assert_int_equal(rig_create_direct(&rig, RIG_PBA, RIG_PBA - 1, 0, READ, &domain), -EINVAL);
	assert_int_equal(rig_create_direct(&rig, RIG_PBA + 1, RIG_PAL, 0, READ, &domain), -EINVAL);
	assert_int_equal(rig_create_direct(&rig, RIG_PBA, RIG_PAL, 8, READ, &domain), -EINVAL);
	assert_int_equal(rig_create_direct(&rig, RIG_PBA, RIG_PAL, 0, 4, &domain), -EINVAL);
	direct.size = sizeof(direct) - 8;
	assert_int_equal(rig_create_from(&rig, VFIO_VIOMMU_DATA_DIRECT, &direct, sizeof(direct), &domain, NULL), -EINVAL);
	/* Memory at the IOVAs of interrupts, before the domain and after it. Nothing changes. */
	map.vaddr = (uint64_t)(uintptr_t)rig.memory;
	assert_int_equal(rig_create_direct(&rig, 0, 4 * GIB - 1, 0, READ, &domain), 0);
	assert_int_equal(ioctl(rig.container, VFIO_IOMMU_MAP_DMA, &map), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(rig_info(&rig).out_mapped, RIG_BYTES);
	assert_int_equal(rig_destroy(&rig, domain), 0);
	assert_int_equal(ioctl(rig.container, VFIO_IOMMU_MAP_DMA, &map), 0);
	assert_int_equal(rig_create_direct(&rig, 0, 4 * GIB - 1, 0, READ, &domain), -ENOSPC);
	assert_int_equal(rig_create_direct(&rig, 0, window - 1, 0, READ, &domain), 0);
	assert_int_equal(rig_info(&rig).out_domains, 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RIG_BOTH(test_vtd), RIG_BOTH(test_amdvi), RIG_BOTH(test_direct), RIG_BOTH(test_direct_is_refused) };

	if (!rig_load(false))
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
