/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The module's containers: reachable, pinned and charged memory, and the refused arguments of each
 * ioctl. Each test runs with both types.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/zpci.h>

#include "../dma/kernel.h"
#include "rig.h"

#define A (RIG_NUMBERED + 8 * PAGE) /* GPAs */
#define B (RIG_NUMBERED + 77 * PAGE)

/* A rig with one domain, in which an IOVA maps page A. */
static uint32_t open_mapped(struct rig *rig, void **state, uint64_t at)
{
	rig_open(rig, rig_type(state));
	rig_name(rig, at, 1, A, true);
	return rig_domain(rig);
}

static void test_tables_are_followed(void **state)
{
	uint64_t at = RIG_PBA + 3 * PAGE;
	struct rig rig;
	uint32_t domain;

	rig_open(&rig, rig_type(state));
	rig_check_pinned(&rig, 0);
	rig_name(&rig, at, 1, A, true);
	/* Entries from before the domain was created, new ones, and removed ones. */
	domain = rig_domain(&rig);
	rig_check_pinned(&rig, 2);
	rig_reaches(&rig, at, A, true);
	rig_reaches(&rig, at + PAGE, RIG_NOWHERE, false);
	rig_name(&rig, at + PAGE, 2, B, true);
	rig_refreshed(&rig, domain, at + PAGE, 2);
	rig_check_pinned(&rig, 4);
	rig_reaches(&rig, at + 2 * PAGE, B + PAGE, true);
	rig_hide(&rig, at + PAGE, 1);
	rig_refreshed(&rig, domain, at + PAGE, 1);
	rig_check_pinned(&rig, 3);
	rig_reaches(&rig, at + PAGE, RIG_NOWHERE, false);
	rig_reaches(&rig, at + 2 * PAGE, B + PAGE, true);
	/* Read-only; moved, and writable again. */
	rig_name(&rig, at, 1, A, false);
	rig_refreshed(&rig, domain, at, 1);
	rig_reaches(&rig, at, A, false);
	rig_name(&rig, at, 1, B, true);
	rig_refreshed(&rig, domain, at, 1);
	rig_reaches(&rig, at, B, true);
	rig_check_pinned(&rig, 3);
	rig_close(&rig);
}

/* Pages count once, however many IOVAs of however many domains name them. */
static void test_charged_once(void **state)
{
	struct rig rig;
	uint32_t domain, other;

	rig_open(&rig, rig_type(state));
	rig_name(&rig, RIG_PBA, 1, A, true);
	rig_name(&rig, RIG_PBA + MIB, 300, B, true);
	rig_name(&rig, RIG_PBA + 4 * MIB, 300, B, false);
	domain = rig_domain(&rig);
	rig_check_pinned(&rig, 302);
	assert_int_equal(rig_create(&rig, RIG_PBA, RIG_PAL, &other, NULL), 0);
	rig_check_pinned(&rig, 302);
	assert_int_equal(rig_info(&rig).out_domains, 2);
	rig_hide(&rig, RIG_PBA + MIB, 300);
	rig_refreshed(&rig, domain, RIG_PBA, 2 * GIB / PAGE);
	rig_check_pinned(&rig, 302);
	rig_hide(&rig, RIG_PBA + 4 * MIB, 300);
	rig_refreshed(&rig, domain, RIG_PBA, 2 * GIB / PAGE);
	rig_check_pinned(&rig, 302);
	assert_int_equal(rig_destroy(&rig, other), 0);
	rig_check_pinned(&rig, 2);
	assert_int_equal(rig_destroy(&rig, domain), 0);
	rig_check_pinned(&rig, 0);
	rig_close(&rig);
}

/* Removed memory becomes unreachable, and a refresh does not find it. */
static void test_memory_goes(void **state)
{
	uint64_t at = RIG_PBA + 5 * PAGE;
	struct vfio_viommu_refresh refresh;
	struct rig rig;
	uint32_t domain;

	assert_int_equal(rig_begin(&rig, rig_type(state)), 0);
	/* Tables and the rig's own page stay. */
	assert_int_equal(rig_map(&rig, 0, 2 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	assert_int_equal(rig_map(&rig, 2 * MIB, MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	assert_int_equal(rig_map(&rig, 3 * MIB, RIG_BYTES - 3 * MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	rig_open_device(&rig);
	rig_name(&rig, at, 1, 2 * MIB + 7 * PAGE, true);
	domain = rig_domain(&rig);
	rig_reaches(&rig, at, 2 * MIB + 7 * PAGE, true);
	/* Neither a part of a mapping nor a range that cuts two is accepted. */
	assert_int_equal(rig_unmap(&rig, 2 * MIB, MIB / 2), -EINVAL);
	assert_int_equal(rig_unmap(&rig, 2 * MIB - PAGE, MIB + PAGE), -EINVAL);
	assert_int_equal(rig_map(&rig, 3 * MIB - PAGE, 2 * PAGE, VFIO_DMA_MAP_FLAG_READ), -EEXIST);
	assert_int_equal(rig_unmap(&rig, 2 * MIB, MIB), 0);
	rig_reaches(&rig, at, RIG_NOWHERE, false);
	assert_int_equal(rig_refresh(&rig, domain, at, 1, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_DONE);
	assert_int_equal(refresh.out_outcome.unbacked, 1);
	rig_reaches(&rig, at, RIG_NOWHERE, false);
	/* It is added again as read-only memory. */
	assert_int_equal(rig_map(&rig, 2 * MIB, MIB, VFIO_DMA_MAP_FLAG_READ), 0);
	rig_refreshed(&rig, domain, at, 1);
	rig_reaches(&rig, at, 2 * MIB + 7 * PAGE, false);
	rig_close(&rig);
}

/* A group reaches the translations of its own domain, and nothing without one. */
static void test_domains(void **state)
{
	uint64_t at = RIG_PBA + 9 * PAGE;
	struct rig rig;
	uint32_t domain, other;

	domain = open_mapped(&rig, state, at);
	rig_name(&rig, at, 1, B, true);
	assert_int_equal(rig_create(&rig, RIG_PBA, RIG_PAL, &other, NULL), 0);
	rig_reaches(&rig, at, A, true);
	assert_int_equal(rig_attach(&rig, other), 0);
	rig_reaches(&rig, at, B, true);
	assert_int_equal(rig_attach(&rig, domain), 0);
	rig_reaches(&rig, at, A, true);
	assert_int_equal(rig_destroy(&rig, domain), 0);
	/* Without a domain, the rig's own page is unreachable, too. */
	dma_write_to(rig.device, at, 0);
	assert_int_equal(rig_attach(&rig, other), 0);
	rig_reaches(&rig, at, B, true);
	assert_int_equal(rig_attach(&rig, 0), 0);
	memset(rig.memory + B, 0x11, PAGE);
	dma_write_to(rig.device, at, 0);
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(rig.memory[B + i], 0x11);
	assert_int_equal(rig_destroy(&rig, domain), -ENOENT);
	assert_int_equal(rig_attach(&rig, domain), -ENOENT);
	assert_int_equal(rig_refresh(&rig, domain, at, 1, NULL), -ENOENT);
	rig_close(&rig);
}

static void test_malformed(void **state)
{
	struct vfio_viommu_refresh refresh;
	uint64_t at = RIG_PBA + 2 * MIB;
	struct rig rig;
	uint32_t domain;

	domain = open_mapped(&rig, state, at);
	/* A segment table entry with the type of a region table entry. */
	rig_store(&rig, rig_segment(at + MIB), VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD));
	rig_name(&rig, at + PAGE, 1, B, true);
	assert_int_equal(rig_refresh(&rig, domain, at, 257, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_MALFORMED);
	assert_int_equal(refresh.out_outcome.fault_reason, VIOMMU_FAULT_ENTRY_TYPE);
	assert_int_equal(refresh.out_outcome.fault_iova, at + MIB);
	assert_int_equal(refresh.out_outcome.fault_level, 1);
	assert_int_equal(refresh.out_outcome.fault_entry_gpa, rig_segment(at + MIB));
	assert_int_equal(refresh.out_outcome.fault_entry, VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD));
	assert_int_equal(refresh.out_outcome.established, 1);
	rig_reaches(&rig, at + MIB, RIG_NOWHERE, false);
	rig_reaches(&rig, at + PAGE, B, true);
	assert_int_equal(rig_refresh(&rig, domain, RIG_PAL + 1, 1, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_OUTSIDE);
	rig_close(&rig);
}

/* IOVAs of interrupts are never translated by tables. */
static void test_reserved(void **state)
{
	const uint64_t window = rig_reserved(), table = 0x80000;
	struct vfio_viommu_range ranges[8];
	struct vfio_viommu_info info;
	struct vfio_viommu_outcome outcome;
	struct rig rig;
	uint32_t domain;

	rig_open(&rig, rig_type(state));
	info = (struct vfio_viommu_info){ .argsz = sizeof(info), .group = rig.group, .ranges = 8, .ranges_uptr = (uint64_t)(uintptr_t)ranges };
	assert_int_equal(ioctl(rig.container, VFIO_VIOMMU_INFO, &info), 0);
	assert_true(info.out_ranges >= 2 && info.out_ranges <= 8);
	assert_int_equal(info.out_mapped, RIG_BYTES);
	assert_int_equal(info.out_data_types, UINT64_C(1) << VFIO_VIOMMU_DATA_ZPCI | UINT64_C(1) << VFIO_VIOMMU_DATA_SMMUV3 |
						      UINT64_C(1) << VFIO_VIOMMU_DATA_VTD | UINT64_C(1) << VFIO_VIOMMU_DATA_AMDVI |
						      UINT64_C(1) << VFIO_VIOMMU_DATA_DIRECT);
	for (uint32_t i = 0; i < info.out_ranges; i++) {
		assert_true(ranges[i].first <= ranges[i].last && (!i || ranges[i].first > ranges[i - 1].last));
		assert_true(ranges[i].last < window || ranges[i].first >= window + MIB);
	}
	/* A leaf table for the window's MiB. */
	for (uint64_t i = 0; i < 256; i++)
		rig_store(&rig, table + i * 8, A + i * PAGE);
	rig_store(&rig, rig_segment(window), table);
	assert_int_equal(rig_create(&rig, 0, 4 * GIB - 1, &domain, NULL), -ENOSPC);
	for (uint64_t i = 0; i < 256; i++)
		rig_store(&rig, table + i * 8, 0x400);
	assert_int_equal(rig_create(&rig, 0, 4 * GIB - 1, &domain, &outcome), 0);
	rig_store(&rig, table + 8, A);
	{
		struct vfio_viommu_refresh refresh;

		assert_int_equal(rig_refresh(&rig, domain, window, 256, &refresh), 0);
		assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_INSUFFICIENT);
		assert_int_equal(refresh.out_outcome.unestablished, 1);
	}
	rig_close(&rig);
}

/* The tables, and what they no longer map, do not stop interrupts. */
static void test_interrupts(void **state)
{
	uint64_t at = RIG_PBA + 3 * PAGE;
	struct rig rig;
	uint32_t domain;
	int event;

	domain = open_mapped(&rig, state, at);
	event = rig_interrupt(&rig);
	assert_true(rig_interrupts(&rig, event));
	rig_hide(&rig, at, 1);
	rig_refreshed(&rig, domain, RIG_PBA, 2 * GIB / PAGE);
	rig_reaches(&rig, at, RIG_NOWHERE, false);
	assert_true(rig_interrupts(&rig, event));
	close(event);
	rig_close(&rig);
}

static void limited(void **state)
{
	struct vfio_viommu_refresh refresh;
	struct rig rig;
	uint32_t domain;

	rig_limit(64 * PAGE);
	assert_int_equal(rig_begin(&rig, rig_type(state)), 0);
	if (rig.type == VFIO_VIOMMU_PINNED_IOMMU) {
		assert_int_equal(rig_map(&rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ), -ENOSPC);
		rig_check_nothing_pinned(rig.pinned_before);
		assert_int_equal(rig_map(&rig, 0, 64 * PAGE, VFIO_DMA_MAP_FLAG_READ), 0);
		assert_int_equal(rig_locked(), 64);
		rig_close(&rig);
		return;
	}
	assert_int_equal(rig_map(&rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	rig_open_device(&rig);
	assert_int_equal(rig_create_direct(&rig, RIG_PBA, RIG_PAL, RIG_OFFSET, VFIO_VIOMMU_DIRECT_READ, &domain), -ENOSPC);
	rig_check_pinned(&rig, 0);
	domain = rig_domain(&rig);
	/* The rig's page counts as one. An exact fit succeeds, one page more does not. */
	rig_name(&rig, RIG_PBA, 63, A, true);
	rig_refreshed(&rig, domain, RIG_PBA, 63);
	rig_check_pinned(&rig, 64);
	rig_name(&rig, RIG_PBA + MIB, 1, A + 100 * PAGE, true);
	assert_int_equal(rig_refresh(&rig, domain, RIG_PBA + MIB, 1, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_INSUFFICIENT);
	assert_int_equal(refresh.out_outcome.unestablished, 1);
	rig_check_pinned(&rig, 64);
	rig_hide(&rig, RIG_PBA, 1);
	rig_refreshed(&rig, domain, RIG_PBA, 256 + 1);
	rig_check_pinned(&rig, 64);
	rig_reaches(&rig, RIG_PBA + MIB, A + 100 * PAGE, true);
	rig_close(&rig);
}

/*
 * Runs in a process of its own, another instance of this program. Its first argument is the type.
 */
static void test_limit(void **state)
{
	const char *type = rig_type(state) == VFIO_VIOMMU_PAGED_IOMMU ? "paged" : "pinned";
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		execl("/proc/self/exe", "test-module", type, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int call(const struct rig *rig, unsigned long command, void *arguments)
{
	return ioctl(rig->container, command, arguments) < 0 ? -errno : 0;
}

static void test_refused_arguments(void **state)
{
	static const unsigned long commands[] = { VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_VIOMMU_DOMAIN_CREATE, VFIO_VIOMMU_DOMAIN_DESTROY,
						  VFIO_VIOMMU_ATTACH, VFIO_VIOMMU_REFRESH,  VFIO_VIOMMU_INFO,	       VFIO_VIOMMU_EVENTS };
	const uint32_t both = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct vfio_viommu_domain_create create = { .argsz = sizeof(create) };
	struct vfio_viommu_domain_destroy destroy = { .argsz = sizeof(destroy), .reserved = 1 };
	struct vfio_viommu_attach attach = { .argsz = sizeof(attach), .group = 12345 };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_ALL, .size = PAGE };
	struct vfio_viommu_info info = { .argsz = sizeof(info), .group = 12345 };
	struct vfio_viommu_info ranges;
	struct vfio_viommu_range *range;
	uint32_t words[64];
	struct rig rig;
	uint32_t domain;
	pid_t child;
	int status;

	rig_open(&rig, rig_type(state));
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(call(&rig, commands[i], NULL), -EFAULT);
		memset(words, 0, sizeof(words));
		assert_int_equal(call(&rig, commands[i], words), -EINVAL); /* no size */
		words[0] = sizeof(words);
		words[1] = 1u << 31; /* an unknown flag */
		assert_int_equal(call(&rig, commands[i], words), -EINVAL);
	}
	assert_int_equal(call(&rig, VFIO_IOMMU_GET_INFO, words), -ENOTTY);
	assert_int_equal(rig_map(&rig, 64 * MIB, 0, both), -EINVAL);
	assert_int_equal(rig_map(&rig, 64 * MIB, PAGE + 1, both), -EINVAL);
	assert_int_equal(rig_map(&rig, 64 * MIB, PAGE, VFIO_DMA_MAP_FLAG_WRITE), -EINVAL);
	assert_int_equal(rig_map(&rig, 0, RIG_BYTES, both), -EEXIST);
	assert_int_equal(rig_map(&rig, UINT64_MAX - PAGE + 1, 2 * PAGE, both), -EINVAL);
	assert_int_equal(call(&rig, VFIO_IOMMU_UNMAP_DMA, &unmap), -EINVAL);
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_DESTROY, &destroy), -EINVAL);
	assert_int_equal(call(&rig, VFIO_VIOMMU_ATTACH, &attach), -EINVAL);
	assert_int_equal(call(&rig, VFIO_VIOMMU_INFO, &info), -EINVAL);
	/* The architecture's data: its size, its pointer, its type, and its contents. */
	create.group = rig.group;
	create.data_type = VFIO_VIOMMU_DATA_ZPCI;
	create.data_len = sizeof(struct vfio_viommu_zpci);
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_CREATE, &create), -EFAULT);
	create.data_uptr = (uint64_t)(uintptr_t)words;
	words[0] = create.data_len + 4;
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_CREATE, &create), -EINVAL);
	words[0] = create.data_len - 4;
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_CREATE, &create), -EINVAL);
	create.data_len = 3;
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_CREATE, &create), -EINVAL);
	create.data_len = UINT32_MAX;
	assert_int_equal(call(&rig, VFIO_VIOMMU_DOMAIN_CREATE, &create), -EINVAL);
	assert_int_equal(rig_create(&rig, RIG_PAL, RIG_PBA, &domain, NULL), -EINVAL);
	ranges = (struct vfio_viommu_info){ .argsz = sizeof(ranges), .group = rig.group, .ranges = 1, .ranges_uptr = (uint64_t)(uintptr_t)words };
	assert_int_equal(call(&rig, VFIO_VIOMMU_INFO, &ranges), 0);
	range = calloc(ranges.out_ranges, sizeof(*range));
	assert_non_null(range);
	ranges.ranges = ranges.out_ranges;
	ranges.ranges_uptr = (uint64_t)(uintptr_t)range;
	assert_int_equal(call(&rig, VFIO_VIOMMU_INFO, &ranges), 0);
	/* AMD's IOMMU translates all IOVAs. */
	if (range[ranges.out_ranges - 1].last != UINT64_MAX)
		assert_int_equal(rig_create(&rig, 0, range[ranges.out_ranges - 1].last + 1, &domain, NULL), -ERANGE);
	free(range);
	assert_int_equal(rig_info(&rig).out_domains, 0);
	/* Another process has other memory at these addresses. */
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(rig_map(&rig, 64 * MIB, PAGE, both) == -EPERM ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* All memory at once. */
	unmap.size = 0;
	assert_int_equal(call(&rig, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	assert_int_equal(unmap.size, RIG_BYTES);
	assert_int_equal(rig_info(&rig).out_mapped, 0);
	assert_int_equal(ioctl(rig.container, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL), 1);
	assert_int_equal(ioctl(rig.container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU), 0);
	rig_close(&rig);
}

/* The process may change its mappings, but not what a device reaches. */
static void test_process_unmaps(void **state)
{
	struct vfio_viommu_refresh refresh;
	uint64_t at = RIG_PBA + 9 * PAGE;
	struct rig rig;
	uint32_t domain;

	domain = open_mapped(&rig, state, at);
	/*
	 * A pinned page stays reachable, for the device only. A page that is not mapped cannot be
	 * pinned.
	 */
	assert_int_equal(munmap(rig.memory + B, PAGE), 0);
	rig_name(&rig, at + PAGE, 1, B, true);
	assert_int_equal(rig_refresh(&rig, domain, at, 2, &refresh), 0);
	assert_int_equal(refresh.out_status, rig_is_paged(&rig) ? VFIO_VIOMMU_REFRESH_INSUFFICIENT : VFIO_VIOMMU_REFRESH_DONE);
	dma_write_to(rig.device, at + PAGE, 0);
	assert_int_equal((intptr_t)mmap(rig.memory + B, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 (intptr_t)(rig.memory + B));
	for (uint64_t i = 0; i < PAGE; i++)
		assert_int_equal(rig.memory[B + i], 0);
	rig_refreshed(&rig, domain, at, 2);
	/* An unmapped table counts as missing. */
	assert_int_equal(munmap(rig.memory + 0x10000, PAGE), 0);
	assert_int_equal(rig_refresh(&rig, domain, RIG_PBA, 2 * GIB / PAGE, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_MALFORMED);
	assert_int_equal(refresh.out_outcome.fault_reason, VIOMMU_FAULT_TABLE_UNBACKED);
	assert_int_equal(rig_info(&rig).out_pinned, rig_is_paged(&rig) ? 0 : RIG_BYTES);
	rig_close(&rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RIG_BOTH(test_tables_are_followed), RIG_BOTH(test_charged_once),   RIG_BOTH(test_memory_goes), RIG_BOTH(test_domains),
		RIG_BOTH(test_malformed),	    RIG_BOTH(test_reserved),	   RIG_BOTH(test_interrupts),  RIG_BOTH(test_limit),
		RIG_BOTH(test_refused_arguments),   RIG_BOTH(test_process_unmaps),
	};

	const struct CMUnitTest limit[] = { { "limited", limited, NULL, NULL, &rig_types[argc > 1 && !strcmp(argv[1], "paged")] } };

	/*
	 * The parent's test has the result. The child's report would be counted with the parent's.
	 */
	if (argc > 1)
		return freopen("/dev/null", "w", stdout) ? cmocka_run_group_tests(limit, NULL, NULL) : 1;
	if (!rig_load(false))
		return 1;
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
