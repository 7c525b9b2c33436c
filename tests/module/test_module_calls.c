/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random calls: three threads call the module's ioctls with arguments that are right, nearly right,
 * or random, while tables are rewritten beneath them. Each call may fail. The kernel must not
 * complain, and nothing may be pinned when the container is closed. Where the kernel can inject
 * failures, an allocation of every other call fails.
 *
 * usage: test-module-calls [--seed N] [--calls N] [--seconds N]     seconds: again with other seeds
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <viommu/zpci.h>

#include "rig.h"

#define CALLERS 3u
/* The largest struct of arguments has fewer bytes. */
#define WORDS 32u

/* An injected failure is at one of so many allocations of a call. */
#define ALLOCATIONS 24u

static uint64_t seed = 1, calls = 4000, seconds;
static bool injecting;

/* Results by ioctl. */
enum { MAP, UNMAP, CREATE, DESTROY, ATTACH, REFRESH, INFO, EVENTS, IOMMU_CREATE, IOMMU_DESTROY, IOMMU_DEVICE, IOMMU_ACCESS, IOMMU_FAULT, IOMMU_KVM, COMMANDS };
static const unsigned long command_of[COMMANDS] = {
	[MAP] = VFIO_IOMMU_MAP_DMA,
	[UNMAP] = VFIO_IOMMU_UNMAP_DMA,
	[CREATE] = VFIO_VIOMMU_DOMAIN_CREATE,
	[DESTROY] = VFIO_VIOMMU_DOMAIN_DESTROY,
	[ATTACH] = VFIO_VIOMMU_ATTACH,
	[REFRESH] = VFIO_VIOMMU_REFRESH,
	[INFO] = VFIO_VIOMMU_INFO,
	[EVENTS] = VFIO_VIOMMU_EVENTS,
	[IOMMU_CREATE] = VFIO_VIOMMU_IOMMU_CREATE,
	[IOMMU_DESTROY] = VFIO_VIOMMU_IOMMU_DESTROY,
	[IOMMU_DEVICE] = VFIO_VIOMMU_IOMMU_DEVICE,
	[IOMMU_ACCESS] = VFIO_VIOMMU_IOMMU_ACCESS,
	[IOMMU_FAULT] = VFIO_VIOMMU_IOMMU_FAULT,
	[IOMMU_KVM] = VFIO_VIOMMU_IOMMU_KVM,
};

struct caller {
	struct rig *rig;
	uint64_t state;
	uint64_t done[COMMANDS], failed[COMMANDS];
	uint64_t injected;
	int fail_nth; /* this thread's /proc/thread-self/fail-nth, or -1 */
	pthread_t thread;
};

static uint64_t draw(struct caller *caller)
{
	caller->state = caller->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return caller->state >> 16;
}

static uint64_t below(struct caller *caller, uint64_t limit)
{
	return draw(caller) % limit;
}

/* Numbers that mean something to one of the ioctls, and others. */
static uint64_t draw_word(struct caller *caller)
{
	const struct rig *rig = caller->rig;
	const uint64_t window = rig_reserved();
	const uint64_t words[] = {
		0,	    1,	     PAGE,	 RIG_NUMBERED, RIG_BYTES,  RIG_BYTES - PAGE,	   RIG_PBA,
		RIG_PAL,    2 * GIB, UINT64_MAX, INT64_MAX,    1ull << 52, (uintptr_t)rig->memory, (uintptr_t)rig->memory + RIG_NUMBERED,
		rig->group, window,
	};
	uint64_t number = below(caller, sizeof(words) / sizeof(words[0]) + 3);

	return number < sizeof(words) / sizeof(words[0]) ? words[number] : draw(caller);
}

/* The ids that domains have had, those of groups, sizes and types of data. */
static uint32_t draw_small(struct caller *caller)
{
	return below(caller, 4) ? (uint32_t)below(caller, 6) : caller->rig->group;
}

static void set_fail_nth(struct caller *caller, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(caller->fail_nth, text, (size_t)length, 0) != length)
		abort();
}

/* One allocation of the next call fails, if it makes that many. */
static bool inject(struct caller *caller)
{
	if (caller->fail_nth < 0 || below(caller, 2))
		return false;
	set_fail_nth(caller, 1 + (unsigned int)below(caller, ALLOCATIONS));
	return true;
}

/*
 * Disarms the injection, so that no other call of the thread fails. The file reads 0 if an
 * allocation has failed.
 */
static void end_injection(struct caller *caller)
{
	char text[16] = "";

	if (pread(caller->fail_nth, text, sizeof(text) - 1, 0) <= 0)
		abort();
	caller->injected += !strtol(text, NULL, 10);
	set_fail_nth(caller, 0);
}

/* As many as there are. Others read, too. */
static void read_events(int fd)
{
	struct vfio_viommu_event events[3];

	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		abort();
	while (read(fd, events, sizeof(events)) > 0)
		;
	close(fd);
}

static void call(struct caller *caller, unsigned int which, void *arguments)
{
	bool injects = inject(caller);
	int result = ioctl(caller->rig->container, command_of[which], arguments);

	if (injects)
		end_injection(caller);
	if (result < 0)
		caller->failed[which]++;
	else
		caller->done[which]++;
	if (which == EVENTS && result >= 0)
		read_events(result);
}

/* Arguments without sense, whose size and flags are mostly right. */
static void call_at_random(struct caller *caller)
{
	unsigned int which = (unsigned int)below(caller, COMMANDS);
	uint64_t arguments[WORDS];
	uint32_t flags = which == MAP ? VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE : 0;

	for (unsigned int i = 0; i < WORDS; i++)
		arguments[i] = below(caller, 2) ? draw_word(caller) : (uint64_t)draw_small(caller) << 32 | draw_small(caller);
	if (below(caller, 16))
		arguments[0] = sizeof(arguments) | (uint64_t)(below(caller, 8) ? flags : (uint32_t)draw(caller)) << 32;
	/* Claims of much memory permit long refreshes: test_module_ends.c. */
	if (which == MAP)
		arguments[3] %= 4 * MIB;
	call(caller, which, arguments);
}

/* A registration that is right but for one word, sometimes. */
static void create(struct caller *caller)
{
	struct vfio_viommu_zpci zpci = rig_tables(RIG_PBA + below(caller, 4) * GIB / 4, RIG_PAL);
	struct vfio_viommu_domain_create create = {
		.argsz = sizeof(create),
		.group = caller->rig->group,
		.data_type = VFIO_VIOMMU_DATA_ZPCI,
		.data_uptr = (uint64_t)(uintptr_t)&zpci,
		.data_len = sizeof(zpci),
	};
	static const struct {
		uint32_t type, bytes, word; /* word: behind the size */
	} others[] = {
		{ VFIO_VIOMMU_DATA_SMMUV3, sizeof(struct vfio_viommu_smmuv3), 0 },
		{ VFIO_VIOMMU_DATA_VTD, sizeof(struct vfio_viommu_vtd), 0 },
		{ VFIO_VIOMMU_DATA_AMDVI, sizeof(struct vfio_viommu_amdvi), 3 },
		{ VFIO_VIOMMU_DATA_DIRECT, sizeof(struct vfio_viommu_direct), 3 },
	};
	uint64_t data[16];

	if (!below(caller, 4))
		((uint64_t *)&zpci)[1 + below(caller, 3)] = draw_word(caller);
	if (!below(caller, 8))
		((uint64_t *)&create)[below(caller, 4)] = draw_word(caller);
	if (!below(caller, 4)) {
		uint64_t which = below(caller, sizeof(others) / sizeof(others[0]));

		for (unsigned int i = 0; i < 16; i++)
			data[i] = draw_word(caller);
		data[0] = others[which].bytes | (uint64_t)others[which].word << 32;
		/*
		 * SMMUv3: bits of an address; VT-d: levels; the others: addresses, and as they
		 * are.
		 */
		if (others[which].type == VFIO_VIOMMU_DATA_SMMUV3)
			data[1] = 48;
		else if (others[which].type == VFIO_VIOMMU_DATA_VTD)
			data[1] = 3 + below(caller, 2);
		else if (others[which].type == VFIO_VIOMMU_DATA_AMDVI)
			data[2] = VFIO_VIOMMU_DIRECT_READ | VFIO_VIOMMU_DIRECT_WRITE;
		create.data_type = others[which].type;
		create.data_uptr = (uint64_t)(uintptr_t)data;
		create.data_len = others[which].bytes;
	}
	call(caller, CREATE, &create);
	/* Few at a time: an id that is drawn names one. */
	if (create.out_domain > 4) {
		struct vfio_viommu_domain_destroy destroy = { .argsz = sizeof(destroy), .domain = create.out_domain };

		call(caller, DESTROY, &destroy);
	}
}

/* Guest IOMMUs with any registers, where the group comes and goes. */
static void call_iommu(struct caller *caller)
{
	static const uint64_t pages[] = { 0, 0, 0x2000, 0x10000 };
	uint32_t iommu = 1 + (uint32_t)below(caller, 3), group = caller->rig->group;
	struct vfio_viommu_iommu_create create = { .argsz = sizeof(create), .type = 2 + (uint32_t)below(caller, 4), .eventfds = { -1, -1, -1, -1 } };
	struct vfio_viommu_iommu_destroy destroy = { .argsz = sizeof(destroy), .iommu = iommu };
	struct vfio_viommu_iommu_device device = { .argsz = sizeof(device), .iommu = iommu, .group = group };
	struct vfio_viommu_iommu_access access = { .argsz = sizeof(access), .iommu = iommu, .bytes = below(caller, 2) ? 4 : 8, .value = draw_word(caller) };
	struct vfio_viommu_iommu_fault fault = { .argsz = sizeof(fault), .group = group, .access = 1 + (uint32_t)below(caller, 3), .iova = draw_word(caller) };
	struct vfio_viommu_iommu_kvm kvm = { .argsz = sizeof(kvm), .iommu = iommu, .vm = (int)below(caller, 3) - 1 };

	switch (below(caller, 8)) {
	case 0:
		create.features = below(caller, 2) ? (uint32_t)below(caller, 4) : 0;
		create.address_bits = create.type == VFIO_VIOMMU_IOMMU_VTD ? 39 : 0;
		call(caller, IOMMU_CREATE, &create);
		if (create.out_iommu > 3)
			destroy.iommu = create.out_iommu;
		if (create.out_iommu > 3 || !below(caller, 4))
			call(caller, IOMMU_DESTROY, &destroy);
		break;
	case 1:
	case 2:
		device.flags = (uint32_t)below(caller, 3);
		device.source_id = device.flags & VFIO_VIOMMU_IOMMU_DEVICE_REMOVE ? 0 : (uint32_t)below(caller, 4);
		call(caller, IOMMU_DEVICE, &device);
		break;
	case 3:
		call(caller, IOMMU_FAULT, &fault);
		break;
	case 4:
		call(caller, IOMMU_KVM, &kvm);
		break;
	default:
		access.flags = below(caller, 4) ? VFIO_VIOMMU_IOMMU_ACCESS_STORE : 0;
		access.offset = pages[below(caller, 4)] + below(caller, 0x40) * 4;
		call(caller, IOMMU_ACCESS, &access);
	}
}

static void call_one(struct caller *caller)
{
	struct vfio_viommu_domain_destroy destroy = { .argsz = sizeof(destroy), .domain = draw_small(caller) };
	struct vfio_viommu_attach attach = { .argsz = sizeof(attach), .domain = draw_small(caller), .group = caller->rig->group };
	struct vfio_viommu_refresh refresh = { .argsz = sizeof(refresh), .domain = draw_small(caller) };
	struct vfio_viommu_range ranges[4];
	struct vfio_viommu_info info = {
		.argsz = sizeof(info), .group = caller->rig->group, .ranges = (uint32_t)below(caller, 5), .ranges_uptr = (uint64_t)(uintptr_t)ranges
	};
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | (below(caller, 4) ? VFIO_DMA_MAP_FLAG_WRITE : 0) };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap) };
	struct vfio_viommu_events events = { .argsz = sizeof(events) };
	/* The first MiB has the tables. */
	uint64_t mib = below(caller, RIG_BYTES / MIB);

	switch (below(caller, 9)) {
	case 0:
		create(caller);
		break;
	case 1:
		call(caller, DESTROY, &destroy);
		break;
	case 2:
		call(caller, ATTACH, &attach);
		break;
	case 3:
	case 4:
		refresh.first = RIG_PBA + below(caller, 4000) * PAGE;
		refresh.last = below(caller, 4) ? refresh.first + below(caller, 600) * PAGE : draw_word(caller);
		call(caller, REFRESH, &refresh);
		break;
	case 5:
		map.iova = mib * MIB;
		map.vaddr = (uint64_t)(uintptr_t)caller->rig->memory + mib * MIB;
		map.size = (1 + below(caller, 2)) * MIB;
		call(caller, MAP, &map);
		break;
	case 6:
		unmap.iova = mib * MIB;
		unmap.size = (1 + below(caller, 3)) * MIB;
		if (!below(caller, 8))
			unmap = (struct vfio_iommu_type1_dma_unmap){ .argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_ALL };
		call(caller, UNMAP, &unmap);
		break;
	case 7:
		call(caller, EVENTS, &events);
		break;
	default:
		call(caller, INFO, &info);
	}
}

static void change_tables(struct caller *caller)
{
	uint64_t iova = RIG_PBA + below(caller, 1000) * PAGE;

	switch (below(caller, 4)) {
	case 0:
		rig_hide(caller->rig, iova, 20);
		break;
	case 1:
		/*
		 * Any entry at all: a table that names itself, what lies nowhere, what is
		 * malformed.
		 */
		rig_store(caller->rig, below(caller, 2) ? rig_segment(iova) : rig_leaf(iova), draw_word(caller));
		break;
	default:
		rig_name(caller->rig, iova, 20, below(caller, 4000) * PAGE, below(caller, 2));
	}
}

static void *run(void *of)
{
	struct caller *caller = of;

	caller->fail_nth = injecting ? open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC) : -1;
	if (injecting && caller->fail_nth < 0)
		abort();
	for (uint64_t i = 0; i < calls; i++) {
		/* Tables that name each other make each refresh long. */
		if (i % 64)
			change_tables(caller);
		else
			rig_repair(caller->rig);
		if (!below(caller, 4))
			call_iommu(caller);
		else if (below(caller, 3))
			call_one(caller);
		else
			call_at_random(caller);
	}
	if (injecting)
		close(caller->fail_nth);
	return NULL;
}

static void random_calls_of_seed(uint32_t type)
{
	struct caller callers[CALLERS];
	uint64_t injected = 0;
	struct rig rig;

	assert_int_equal(rig_begin(&rig, type), 0);
	assert_int_equal(rig_map(&rig, 0, RIG_NUMBERED, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	for (unsigned int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .rig = &rig, .state = seed * CALLERS + i };
		assert_int_equal(pthread_create(&callers[i].thread, NULL, run, &callers[i]), 0);
	}
	for (unsigned int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
	for (unsigned int which = 0; which < COMMANDS; which++) {
		uint64_t done = 0, failed = 0;

		for (unsigned int i = 0; i < CALLERS; i++) {
			done += callers[i].done[which];
			failed += callers[i].failed[which];
		}
		print_message("ioctl %lu: %llu done, %llu failed\n", command_of[which] & 0xff, (unsigned long long)done, (unsigned long long)failed);
		/* Else they were no test of it. */
		assert_true(done >= calls / 200 && failed >= calls / 200);
	}
	for (unsigned int i = 0; i < CALLERS; i++)
		injected += callers[i].injected;
	print_message("seed %llu: %llu allocations failed\n", (unsigned long long)seed, (unsigned long long)injected);
	assert_true(!injecting || injected >= calls / 20);
	rig_close(&rig);
}

static void random_calls(uint32_t type)
{
	time_t end = time(NULL) + (time_t)seconds;

	do
		random_calls_of_seed(type);
	while (++seed, time(NULL) < end);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return written;
}

/*
 * Whether the kernel can. Allocations that may sleep fail then as well, and no failure is reported.
 */
static bool begin_injecting(void)
{
	static const char *const settings[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },	      { "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" }, { "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
	};

	if (access(settings[0][0], F_OK))
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!access(settings[i][0], F_OK) && !write_file(settings[i][0], settings[i][1]))
			abort();
	return true;
}

static void test_paged(void **state)
{
	(void)state;
	random_calls(VFIO_VIOMMU_PAGED_IOMMU);
}

static void test_pinned(void **state)
{
	(void)state;
	random_calls(VFIO_VIOMMU_PINNED_IOMMU);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_paged, rig_setup),
		cmocka_unit_test_setup(test_pinned, rig_setup),
	};

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--calls"))
			calls = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = strtoull(argv[i + 1], NULL, 0);
	}
	if (!rig_load(false))
		return 1;
	injecting = begin_injecting();
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
