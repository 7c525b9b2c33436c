/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random calls: three threads call the module's ioctls, or iommufd's of nested HWPTs, with
 * arguments that are right, nearly right, or random, and drive guest IOMMUs, while tables are
 * rewritten beneath them. Each call may fail. The kernel must not complain, and nothing may be
 * pinned when the container is closed. Where the kernel can inject failures, an allocation of every
 * other call fails; and each allocation of some calls, one after the other.
 *
 * usage: test-module-calls [--seed=N] [--calls=N] [--minutes=N] [--nested=1]
 *
 * minutes: of CPU, in all, with one seed after the other. nested: on a kernel that has
 * linux/patches.
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
#include <linux/kvm.h>
#include <viommu/zpci.h>

#include "guests.h"
#include "iommufd_rig.h"

#define CALLERS 3u
/* The largest struct of arguments has fewer bytes. */
#define WORDS 32u

/* An injected failure is at one of so many allocations of a call. */
#define ALLOCATIONS 24u

static uint64_t seed = 1, calls = 4000, minutes, nested;
static bool injecting;

/* Results by ioctl: a container's, and those of iommufd. */
enum {
	MAP,
	UNMAP,
	CREATE,
	DESTROY,
	ATTACH,
	REFRESH,
	INFO,
	EVENTS,
	IOMMU_CREATE,
	IOMMU_DESTROY,
	IOMMU_DEVICE,
	IOMMU_ACCESS,
	IOMMU_FAULT,
	IOMMU_KVM,
	COMMANDS,
	NEST_MAP = COMMANDS,
	NEST_UNMAP,
	NEST_ALLOC,
	NEST_INVALIDATE,
	NEST_ATTACH,
	NEST_DESTROY,
	NEST_VIOMMU,
	NEST_VDEVICE,
	NEST_EVENTS,
	ALL_COMMANDS
};
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
	struct nest_rig *nest; /* NULL: a container */
	struct guest guest;    /* as a driver sees one of the guest IOMMUs */
	uint64_t state;
	uint64_t done[ALL_COMMANDS], failed[ALL_COMMANDS];
	uint64_t injected;
	int fail_nth; /* this thread's /proc/thread-self/fail-nth, or -1 */
	pthread_t thread;
};

#define IOMMUS 3u
/* The guest IOMMUs' types by id; a VM of KVM, or -1. */
static const struct guest_kind *kinds[1 + IOMMUS];
static int vm = -1;

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
	/* The first ones more often: few calls have many. */
	set_fail_nth(caller, 1 + (unsigned int)below(caller, 1 + below(caller, ALLOCATIONS)));
	return true;
}

/*
 * Disarms the injection, so that no other call of the thread fails. The file reads 0 if an
 * allocation has failed.
 */
static bool end_injection(struct caller *caller)
{
	char text[16] = "";
	bool failed;

	if (pread(caller->fail_nth, text, sizeof(text) - 1, 0) <= 0)
		abort();
	failed = !strtol(text, NULL, 10);
	caller->injected += failed;
	set_fail_nth(caller, 0);
	return failed;
}

static void count(struct caller *caller, unsigned int which, bool done)
{
	if (done)
		caller->done[which]++;
	else
		caller->failed[which]++;
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
	count(caller, which, result >= 0);
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

/* What a driver does with its IOMMU, which may be of another kind, or gone. */
static void drive(struct caller *caller)
{
	struct guest *guest = &caller->guest;
	uint64_t iova = GUEST_WINDOW + below(caller, 600) * PAGE, tail;
	const struct guest_kind *kind;
	bool injects;

	guest->iommu = 1 + (uint32_t)below(caller, IOMMUS);
	kind = __atomic_load_n(&kinds[guest->iommu], __ATOMIC_RELAXED);
	if (!kind)
		return;
	guest->kind = kind;
	guest_set_queue(guest, 1);
	switch (below(caller, 8)) {
	case 0:
		guest_tables(guest);
		injects = inject(caller);
		kind->enable(guest, 1);
		if (injects)
			end_injection(caller);
		guest->tail = 0;
		return;
	case 1:
		guest_put_above(guest, iova, draw_word(caller));
		break;
	case 2:
		guest_queue(guest, draw_word(caller), draw_word(caller));
		break;
	case 3:
		kind->illegal(guest);
		break;
	case 4:
		kind->has_stopped(guest);
		break;
	default:
		for (unsigned int i = 0; i < 8; i++)
			guest_map(guest, iova + i * PAGE, below(caller, 4) ? below(caller, 4000) * PAGE : GUEST_NOTHING, below(caller, 2));
	}
	kind->forget(guest, iova, !below(caller, 4));
	kind->await(guest, 1, below(caller, 2));
	tail = guest->tail;
	injects = inject(caller);
	count(caller, IOMMU_ACCESS, !guest_access(guest, kind->tail, true, 4, &tail));
	if (injects)
		end_injection(caller);
}

static const struct guest_kind *kind_of(uint32_t type)
{
	static const struct guest_kind *const all[] = { &guest_vtd, &guest_amdvi, &guest_smmuv3 };

	for (unsigned int i = 0; i < 3; i++)
		if (all[i]->type == type)
			return all[i];
	return NULL;
}

/* Guest IOMMUs with any registers, where the group comes and goes. */
static void call_iommu(struct caller *caller)
{
	static const uint64_t pages[] = { 0, 0, 0x2000, 0x10000 };
	uint32_t iommu = 1 + (uint32_t)below(caller, IOMMUS), group = caller->rig->group;
	struct vfio_viommu_iommu_create create = { .argsz = sizeof(create), .type = 2 + (uint32_t)below(caller, 4), .eventfds = { -1, -1, -1, -1 } };
	struct vfio_viommu_iommu_destroy destroy = { .argsz = sizeof(destroy), .iommu = iommu };
	struct vfio_viommu_iommu_device device = { .argsz = sizeof(device), .iommu = iommu, .group = group };
	struct vfio_viommu_iommu_access access = { .argsz = sizeof(access), .iommu = iommu, .bytes = below(caller, 2) ? 4 : 8, .value = draw_word(caller) };
	struct vfio_viommu_iommu_fault fault = { .argsz = sizeof(fault), .group = group, .access = 1 + (uint32_t)below(caller, 3), .iova = draw_word(caller) };
	struct vfio_viommu_iommu_kvm kvm = { .argsz = sizeof(kvm), .iommu = iommu, .vm = below(caller, 2) ? vm : (int)below(caller, 4) - 2 };

	switch (below(caller, 8)) {
	case 0:
		create.features = below(caller, 2) ? (uint32_t)below(caller, 4) : 0;
		create.address_bits = create.type == VFIO_VIOMMU_IOMMU_VTD ? 39 : 0;
		call(caller, IOMMU_CREATE, &create);
		if (create.out_iommu && create.out_iommu <= IOMMUS)
			__atomic_store_n(&kinds[create.out_iommu], kind_of(create.type), __ATOMIC_RELAXED);
		if (create.out_iommu > IOMMUS)
			destroy.iommu = create.out_iommu;
		if (create.out_iommu > IOMMUS || !below(caller, 4))
			call(caller, IOMMU_DESTROY, &destroy);
		break;
	case 1:
	case 2:
		device.flags = (uint32_t)below(caller, 3);
		device.source_id = below(caller, 4) ? GUEST_SOURCE : (uint32_t)below(caller, 4);
		if (device.flags & VFIO_VIOMMU_IOMMU_DEVICE_REMOVE)
			device.source_id = 0;
		call(caller, IOMMU_DEVICE, &device);
		break;
	case 3:
		if (below(caller, 2))
			fault.iova = GUEST_WINDOW + below(caller, 600) * PAGE;
		call(caller, IOMMU_FAULT, &fault);
		break;
	case 4:
		kvm.gpa = kvm.vm < 0 ? 0 : 64 * MIB + below(caller, 3) * PAGE + (below(caller, 8) ? 0 : PAGE / 2);
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
	struct vfio_viommu_events events = { .argsz = sizeof(events), .flags = !below(caller, 8) };
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
		ioctl(caller->rig->container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
	}
}

/* Objects of iommufd, of any kind, and few at a time. */
#define OBJECTS 24u
/* VT-d's tables of the first stage have four levels. Their IOVAs are those of the third. */
#define PML4 UINT64_C(0xa0000)

/* By id: the call that allocated the object, and the type that it was given. */
static struct {
	uint32_t which, type;
} objects[1 + OBJECTS];

static uint32_t draw_object(struct caller *caller, uint32_t which)
{
	uint32_t id = 0;

	for (unsigned int i = 0; i < 8; i++) {
		id = 1 + (uint32_t)below(caller, OBJECTS);
		if (__atomic_load_n(&objects[id].which, __ATOMIC_RELAXED) == which)
			break;
	}
	return id;
}

static void remember(uint32_t id, uint32_t which, uint32_t type)
{
	__atomic_store_n(&objects[id].which, which, __ATOMIC_RELAXED);
	__atomic_store_n(&objects[id].type, type, __ATOMIC_RELAXED);
}

/* Data of a HWPT that is right but for one word, sometimes. */
static int alloc_nested(struct caller *caller, uint32_t *hwpt, uint32_t *type)
{
	const struct vfio_viommu_zpci tables = rig_tables(RIG_PBA + below(caller, 4) * GIB / 4, RIG_PAL);
	static const struct {
		uint32_t type, words;
	} types[] = { { NEST_DATA_ZPCI, 4 }, { NEST_DATA_VTD, 3 }, { IOMMUFD_ABI_HWPT_DATA_SMMUV3, 2 } };
	uint64_t which = below(caller, 3), words[4] = { 0 };
	uint32_t of = below(caller, 2) ? caller->nest->parent : draw_object(caller, NEST_VIOMMU);

	if (types[which].type == NEST_DATA_ZPCI)
		memcpy(words, (const uint64_t[]){ 0, tables.iota, tables.pba, tables.pal }, sizeof(words));
	else if (types[which].type == NEST_DATA_VTD)
		memcpy(words, (const uint64_t[]){ 0, PML4, 48, 0 }, sizeof(words));
	else
		words[0] = GUEST_CONTEXTS | (below(caller, 4) ? 5 : below(caller, 8)) << 1 | 1;
	if (!below(caller, 8))
		words[below(caller, 4)] = draw_word(caller);
	*type = types[which].type;
	return nest_alloc(caller->nest, of, *type, words, types[which].words * 8, hwpt);
}

static int invalidate_nested(struct caller *caller)
{
	/* SMMUv3: CFGI, TLBI, SYNC. */
	static const uint64_t commands[] = { 0x03, 0x05, 0x06, 0x10, 0x11, 0x12, 0x20, 0x30, 0x46 };
	static const uint32_t bytes[] = { [NEST_INVALIDATE_VTD] = 24, [IOMMUFD_ABI_INVALIDATE_SMMUV3] = 16, [NEST_INVALIDATE_ZPCI] = 24 };
	uint64_t iova = RIG_PBA + below(caller, 4000) * PAGE, pages = 1 + below(caller, 600), words[3 * 4] = { 0 };
	uint32_t id = draw_object(caller, below(caller, 2) ? NEST_ALLOC : NEST_VIOMMU), type = (uint32_t)below(caller, 3);
	uint32_t number = 1 + (uint32_t)below(caller, 4);

	if (below(caller, 4)) {
		uint32_t made = __atomic_load_n(&objects[id].type, __ATOMIC_RELAXED);

		type = made == NEST_DATA_ZPCI ? NEST_INVALIDATE_ZPCI : made == NEST_DATA_VTD ? NEST_INVALIDATE_VTD : IOMMUFD_ABI_INVALIDATE_SMMUV3;
	}
	if (type != NEST_INVALIDATE_ZPCI)
		iova = GUEST_WINDOW + below(caller, 600) * PAGE;

	for (unsigned int i = 0; i < number; i++) {
		uint64_t *entry = words + i * bytes[type] / 8;

		entry[0] = type == IOMMUFD_ABI_INVALIDATE_SMMUV3 ? commands[below(caller, sizeof(commands) / sizeof(commands[0]))] : iova;
		entry[1] = type == NEST_INVALIDATE_VTD ? pages : type == NEST_INVALIDATE_ZPCI ? pages * PAGE : iova;
		if (!below(caller, 8))
			entry[below(caller, bytes[type] / 8)] = draw_word(caller);
	}
	return nest_invalidate(caller->nest, id, type, words, bytes[type], &number);
}

/* A call of iommufd's. More than one only where it leaves what must not stay. */
static void call_nested(struct caller *caller)
{
	struct nest_rig *nest = caller->nest;
	unsigned int which = NEST_MAP + (unsigned int)below(caller, ALL_COMMANDS - NEST_MAP);
	uint32_t id = 1 + (uint32_t)below(caller, OBJECTS), viommu = draw_object(caller, NEST_VIOMMU), made = 0, type = 0;
	uint64_t mib = below(caller, RIG_BYTES / MIB), data[16];
	bool injects;
	int error, fd = -1;

	/* More of these than of the others. */
	if (!below(caller, 3))
		which = below(caller, 2) ? NEST_ALLOC : NEST_INVALIDATE;
	injects = inject(caller);
	switch (which) {
	case NEST_MAP:
		error = nest_map(nest, mib * MIB, (1 + below(caller, 2)) * MIB, below(caller, 4));
		break;
	case NEST_UNMAP:
		error = nest_unmap(nest, mib * MIB, (1 + below(caller, 3)) * MIB);
		break;
	case NEST_ALLOC:
		error = alloc_nested(caller, &made, &type);
		break;
	case NEST_INVALIDATE:
		error = invalidate_nested(caller);
		break;
	case NEST_ATTACH:
		error = nest_attach(nest, below(caller, 4) ? id : 0);
		break;
	case NEST_DESTROY:
		error = nest_destroy(nest, id);
		break;
	case NEST_VIOMMU:
		error = nest_viommu(nest, (uint32_t[]){ NEST_VIOMMU_ZPCI, IOMMUFD_ABI_VIOMMU_SMMUV3, 2 }[below(caller, 3)], &made);
		break;
	case NEST_VDEVICE:
		error = nest_vdevice(nest, viommu, below(caller, 0x40), &made);
		break;
	default:
		error = nest_events(nest, viommu, below(caller, 2) ? NEST_VEVENTQ_ZPCI : IOMMUFD_ABI_VEVENTQ_SMMUV3, &fd);
	}
	if (injects)
		end_injection(caller);
	count(caller, which, !error);
	if (!error && made > OBJECTS)
		nest_destroy(nest, made);
	else if (!error && made)
		remember(made, which, type);
	if (!error && which == NEST_EVENTS) {
		if (fcntl(fd, F_SETFL, O_NONBLOCK))
			abort();
		while (read(fd, data, sizeof(data)) > 0)
			;
		close(fd);
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

/* The tables of other HWPTs than zPCI's. */
static void change_nested(struct caller *caller)
{
	static const struct guest_kind first_stage = { .table = 7, .leaf = 5, .written = 2 };
	struct guest *guest = &caller->guest;
	uint64_t iova = GUEST_WINDOW + below(caller, 600) * PAGE;

	guest->kind = below(caller, 2) ? &first_stage : &guest_smmuv3;
	switch (below(caller, 8)) {
	case 0:
		guest_tables(guest);
		if (guest->kind == &guest_smmuv3)
			guest->kind->enable(guest, 1);
		else
			memcpy(guest->rig.memory + PML4, &(const uint64_t){ GUEST_TOP | 7 }, sizeof(uint64_t));
		break;
	case 1:
		guest_put_above(guest, iova, draw_word(caller));
		break;
	default:
		for (unsigned int i = 0; i < 8; i++)
			guest_map(guest, iova + i * PAGE, below(caller, 4) ? below(caller, 4000) * PAGE : GUEST_NOTHING, below(caller, 2));
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
		if (caller->nest) {
			change_nested(caller);
			call_nested(caller);
		} else if (!below(caller, 4)) {
			drive(caller);
		} else if (!below(caller, 3)) {
			call_iommu(caller);
		} else if (below(caller, 3)) {
			call_one(caller);
		} else {
			call_at_random(caller);
		}
	}
	if (injecting)
		close(caller->fail_nth);
	return NULL;
}

/* Of a container, or of a nesting parent. */
static void random_calls_of_seed(struct rig *rig, struct nest_rig *nest)
{
	unsigned int first = nest ? NEST_MAP : 0, end = nest ? ALL_COMMANDS : COMMANDS;
	struct caller callers[CALLERS];
	uint64_t injected = 0;

	for (unsigned int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .rig = rig, .nest = nest, .guest = { .rig = *rig }, .state = seed * CALLERS + i };
		assert_int_equal(pthread_create(&callers[i].thread, NULL, run, &callers[i]), 0);
	}
	for (unsigned int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
	for (unsigned int which = first; which < end; which++) {
		uint64_t done = 0, failed = 0;

		for (unsigned int i = 0; i < CALLERS; i++) {
			done += callers[i].done[which];
			failed += callers[i].failed[which];
		}
		if (which < COMMANDS)
			print_message("ioctl %lu: ", command_of[which] & 0xff);
		else
			print_message("iommufd %u: ", which - NEST_MAP);
		print_message("%llu done, %llu failed\n", (unsigned long long)done, (unsigned long long)failed);
		/* Else they were no test of it. */
		assert_true(done >= calls / 400 && failed >= calls / 400);
	}
	for (unsigned int i = 0; i < CALLERS; i++)
		injected += callers[i].injected;
	print_message("seed %llu: %llu allocations failed\n", (unsigned long long)seed, (unsigned long long)injected);
	assert_true(!injecting || injected >= calls / 20);
}

static uint64_t cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec;
}

static void random_calls(void (*of_seed)(uint32_t type), uint32_t type)
{
	uint64_t end = cpu_seconds() + minutes * 60 / (nested ? 3 : 2);

	do
		of_seed(type);
	while (++seed, cpu_seconds() < end);
}

/* A VM of KVM, or -1. */
static int open_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), fd = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (kvm >= 0)
		close(kvm);
	return fd;
}

static void container_of_seed(uint32_t type)
{
	struct rig rig;

	memset(kinds, 0, sizeof(kinds));
	vm = open_vm();
	assert_int_equal(rig_begin(&rig, type), 0);
	assert_int_equal(rig_map(&rig, 0, RIG_NUMBERED, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	random_calls_of_seed(&rig, NULL);
	rig_close(&rig);
	if (vm >= 0)
		close(vm);
}

static void nested_of_seed(uint32_t type)
{
	struct nest_rig nest;

	(void)type;
	memset(objects, 0, sizeof(objects));
	nest_open(&nest, true);
	assert_int_equal(nest_map(&nest, 0, RIG_NUMBERED, true), 0);
	random_calls_of_seed(&nest.rig, &nest);
	nest_close(&nest);
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
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },	      { "/sys/kernel/debug/fail_iommufd/verbose", "0" },
	};

	if (access(settings[0][0], F_OK))
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!access(settings[i][0], F_OK) && !write_file(settings[i][0], settings[i][1]))
			abort();
	return true;
}

/*
 * Calls of which each allocation fails, one after the other: what a call does, and what takes it
 * back, whether it was done or not. Zero: it is done.
 */
#define NAMED  140u
#define MAPPED (3 * MIB)

static struct each {
	struct guest guest;
	uint32_t domain;
} each;

static int each_map(void)
{
	return rig_map(&each.guest.rig, MAPPED, MIB, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

static void each_unmap(void)
{
	if (rig_info(&each.guest.rig).out_mapped > MAPPED)
		rig_unmap(&each.guest.rig, MAPPED, MIB);
}

/* Pages that are not contiguous, so that there are many calls to the IOMMU. */
static void each_name(void)
{
	for (uint64_t i = 0; i < NAMED; i++)
		rig_name(&each.guest.rig, RIG_PBA + i * 11 * PAGE, 1, RIG_NUMBERED + i * 3 * PAGE, i % 2);
}

static int each_create(void)
{
	struct vfio_viommu_outcome outcome;
	int error;

	each_name();
	error = rig_create(&each.guest.rig, RIG_PBA, RIG_PAL, &each.domain, &outcome);
	return error ? error : outcome.unestablished ? -ENOSPC : 0;
}

static void each_destroy(void)
{
	rig_repair(&each.guest.rig);
	if (each.domain)
		rig_destroy(&each.guest.rig, each.domain);
	each.domain = 0;
}

static int each_refresh(void)
{
	struct vfio_viommu_refresh refresh;
	int error = each.domain ? 0 : rig_create(&each.guest.rig, RIG_PBA, RIG_PAL, &each.domain, NULL);

	if (error)
		return error;
	each_name();
	error = rig_refresh(&each.guest.rig, each.domain, RIG_PBA, 2 * GIB / PAGE, &refresh);
	return error ? error : refresh.out_status == VFIO_VIOMMU_REFRESH_DONE ? 0 : -ENOSPC;
}

static int each_direct(void)
{
	return rig_create_direct(&each.guest.rig, RIG_PBA, RIG_PAL, RIG_OFFSET, VFIO_VIOMMU_DIRECT_READ, &each.domain);
}

static int each_attach(void)
{
	int error = each.domain ? 0 : rig_create(&each.guest.rig, RIG_PBA, RIG_PAL, &each.domain, NULL);

	return error ? error : rig_attach(&each.guest.rig, each.domain);
}

static void each_detach(void)
{
	rig_attach(&each.guest.rig, 0);
	each_destroy();
}

static int each_iommu(void)
{
	return guest_create(&each.guest);
}

static void each_no_iommu(void)
{
	guest_destroy(&each.guest);
	each.guest.iommu = 0;
}

static int each_device(void)
{
	int error = each.guest.iommu ? 0 : guest_create(&each.guest);

	return error ? error : guest_device(&each.guest, VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES);
}

/* The store always succeeds. A refresh that fails is reported as an event. */
static int each_driven(void)
{
	int error = each_device();
	uint64_t tail;

	if (error)
		return error;
	guest_set_queue(&each.guest, 1);
	guest_tables(&each.guest);
	each.guest.tail = 0;
	each.guest.kind->enable(&each.guest, 1);
	for (uint64_t i = 0; i < NAMED; i++)
		guest_map(&each.guest, GUEST_WINDOW + i * PAGE, RIG_NUMBERED + i * 3 * PAGE, i % 2);
	each.guest.kind->forget(&each.guest, GUEST_WINDOW, true);
	tail = each.guest.tail;
	return guest_access(&each.guest, each.guest.kind->tail, true, 4, &tail);
}

static void each_undriven(void)
{
	guest_device(&each.guest, VFIO_VIOMMU_IOMMU_DEVICE_REMOVE);
	each_no_iommu();
}

/* Pages that are pinned, and charged: the kernel's own numbers, and the module's. */
static void check_pins(struct rig *rig, uint64_t pinned)
{
	assert_int_equal(rig_info(rig).out_pinned, pinned);
	assert_int_equal(rig_locked() * PAGE, pinned);
	rig_check_nothing_pinned(rig->pinned_before + (int64_t)(pinned / PAGE));
}

static void test_each_allocation(void **state)
{
	static const struct {
		const char *name;
		int (*call)(void);
		void (*back)(void);
		unsigned int least; /* allocations that there are to fail */
	} steps[] = {
		{ "map", each_map, each_unmap, 1 },
		{ "create", each_create, each_destroy, 10 },
		{ "refresh", each_refresh, each_destroy, 10 },
		{ "direct", each_direct, each_destroy, 10 },
		{ "attach", each_attach, each_detach, 1 },
		{ "guest IOMMU", each_iommu, each_no_iommu, 1 },
		{ "its device", each_device, each_undriven, 3 },
		{ "its commands", each_driven, each_undriven, 10 },
	};
	struct caller caller = { 0 };
	struct rig *rig = &each.guest.rig;

	if (!injecting)
		skip();
	each = (struct each){ 0 };
	assert_int_equal(rig_begin(rig, rig_type(state)), 0);
	each.guest.kind = &guest_vtd;
	for (unsigned int i = 0; i < GUEST_EVENTS; i++)
		each.guest.event[i] = -1;
	assert_int_equal(rig_map(rig, 0, MAPPED, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	caller.fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	assert_true(caller.fail_nth >= 0);
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t pinned = rig_info(rig).out_pinned;
		unsigned int nth = 0, failed = 0;
		bool injected;
		int error;

		do {
			set_fail_nth(&caller, ++nth);
			error = steps[i].call();
			injected = end_injection(&caller);
			failed += error != 0;
			steps[i].back();
			check_pins(rig, pinned);
		} while (injected);
		print_message("%s: %u allocations, without %u of which it failed\n", steps[i].name, nth - 1, failed);
		assert_int_equal(error, 0);
		assert_true(nth > steps[i].least && failed);
	}
	close(caller.fail_nth);
	rig_close(rig);
}

static void test_paged(void **state)
{
	(void)state;
	random_calls(container_of_seed, VFIO_VIOMMU_PAGED_IOMMU);
}

static void test_pinned(void **state)
{
	(void)state;
	random_calls(container_of_seed, VFIO_VIOMMU_PINNED_IOMMU);
}

static void test_nested(void **state)
{
	(void)state;
	if (!nested)
		skip();
	random_calls(nested_of_seed, 0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t *value;
	} options[] = { { "--seed=", &seed }, { "--calls=", &calls }, { "--minutes=", &minutes }, { "--nested=", &nested } };
	const struct CMUnitTest tests[] = {
		RIG_BOTH(test_each_allocation),
		cmocka_unit_test_setup(test_paged, rig_setup),
		cmocka_unit_test_setup(test_pinned, rig_setup),
		cmocka_unit_test_setup(test_nested, rig_setup),
	};

	for (int i = 1; i < argc; i++)
		for (size_t n = 0; n < sizeof(options) / sizeof(options[0]); n++)
			if (!strncmp(argv[i], options[n].name, strlen(options[n].name)))
				*options[n].value = strtoull(argv[i] + strlen(options[n].name), NULL, 0);
	if (!rig_load(false))
		return 1;
	injecting = begin_injecting();
	return rig_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
