/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts type1 and iommufd on a test host's kernel: the conformance suite, with a device's own
 * DMA as the probe, and facts of the kernel: pins, charges, usable IOVAs. The first argument
 * selects the part: "suite", "kernel", or "nested", the suite on hardware that walks a guest's
 * tables.
 */
#define _GNU_SOURCE
#include "dma_probe.h"
#include "host_fixture.h"
#include "tables_host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <viommu/domain.h>
#include <viommu/vfio.h>

static char addresses[128];
static struct viommu_vfio_device devices[2];

typedef int create_host(const struct viommu_vfio_config *config, struct viommu_host **out);

/* Whether the kernel has this version or a later one. */
static bool kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int running[2] = { 0 };
	struct utsname name;

	if (!uname(&name))
		sscanf(name.release, "%u.%u", &running[0], &running[1]);
	return running[0] > major || (running[0] == major && running[1] >= minor);
}

static int create(create_host *with, struct viommu_host **out)
{
	char why[256] = "";
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &devices[0], .why = why, .why_bytes = sizeof(why) };
	int error = with(&config, out);

	if (error)
		print_error("%s\n", why);
	return error;
}

static int create_type1(struct viommu_host **out)
{
	dma_probe_begin();
	return create(viommu_host_type1_create, out);
}

static int create_iommufd(struct viommu_host **out)
{
	dma_probe_begin();
	return create(viommu_host_iommufd_create, out);
}

/* Of two NVMes. */
static void find_devices(void)
{
	const char *found = getenv("VIOMMU_TEST_NVME");
	char *rest;

	snprintf(addresses, sizeof(addresses), "%s", found ? found : "");
	for (unsigned int i = 0; i < 2; i++) {
		devices[i] = (struct viommu_vfio_device)VIOMMU_VFIO_DEVICE_INIT;
		devices[i].address = strtok_r(i ? NULL : addresses, " ", &rest);
	}
}

static int suite(void)
{
	struct conformance_subject subject = {
		.device = &devices[0], .second_device = &devices[1], .arena_bytes = 16 * MIB, .probe = dma_probe, .forget = dma_probe_forget, .costly = true
	};
	int failed = 0;

	subject.name = "host type1, as every host";
	subject.create = create_type1;
	failed += host_conformance(&subject);
	subject.name = "host iommufd, as every host";
	subject.create = create_iommufd;
	failed += host_conformance(&subject);
	subject.name = "host iommufd with a pinned guest, as every host";
	subject.pinned = true;
	return failed + host_conformance(&subject);
}

static int create_nested(struct viommu_host **out)
{
	struct viommu_host *beneath;
	int error = create_iommufd(&beneath);

	return error ? error : tables_host_create(beneath, out);
}

static bool nests(void)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct viommu_host *host;

	if (create(viommu_host_iommufd_create, &host))
		return false;
	viommu_host_caps(host, &caps);
	viommu_host_destroy(host);
	return caps.nests & VIOMMU_NESTS(VIOMMU_DOMAIN_SMMUV3);
}

static int nested(void)
{
	const struct conformance_subject subject = {
		.name = "host iommufd with a guest's own tables, as every host",
		.create = create_nested,
		.device = &devices[0],
		.second_device = &devices[1],
		.arena_bytes = 16 * MIB,
		.probe = dma_probe,
		.forget = dma_probe_forget,
		.costly = true,
	};

	if (nests())
		return host_conformance(&subject);
	fprintf(stderr, "skipped: this kernel does not nest the machine's SMMUv3\n");
	return 77;
}

/*
 * Pages that are pinned for DMA in the whole machine: Linux,
 * Documentation/core-api/pin_user_pages.rst.
 */
static int64_t pinned(void)
{
	long long acquired = 0, released = 0, value;
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "we");
	char name[64];

	/* CPUs count on their own; reading this file adds the counts up. */
	assert_non_null(file);
	fputs("1", file);
	fclose(file);
	file = fopen("/proc/vmstat", "re");
	assert_non_null(file);
	while (fscanf(file, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			acquired = value;
		if (!strcmp(name, "nr_foll_pin_released"))
			released = value;
	}
	fclose(file);
	return acquired - released;
}

/* A host, a device that is attached to a space, and 1 MiB of guest memory. */
struct rig {
	struct fixture f;
	struct counted_memory memory;
	unsigned char *hva;
	int file;
	int64_t before; /* pinned pages */
	bool once;	/* a page is pinned once */
};

static void up(struct rig *rig, create_host *with, bool pin, bool file_alone)
{
	struct host_slot slot = { .first = ARENA_GPA, .last = ARENA_GPA + MIB - 1, .prot = VIOMMU_RW };
	struct fixture *f = &rig->f;

	memset(rig, 0, sizeof(*rig));
	rig->before = pinned();
	rig->once = with == viommu_host_iommufd_create;
	rig->file = memfd_create("guest", MFD_CLOEXEC);
	assert_true(rig->file >= 0 && !ftruncate(rig->file, (off_t)MIB));
	rig->hva = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, rig->file, 0);
	assert_true(rig->hva != MAP_FAILED);
	memset(rig->hva, 1, MIB);
	assert_int_equal(create(with, &f->host), 0);
	f->ops = f->host->ops;
	slot.hva = file_alone ? mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : rig->hva;
	slot.fd = file_alone ? rig->file : -1;
	if (f->ops->vm_create) {
		assert_int_equal(f->ops->vm_create(f->host, pin, &f->guest), 0);
		assert_int_equal(f->ops->slot_add(f->guest, &slot), 0);
	}
	assert_int_equal(f->ops->device_create(f->host, f->guest, &devices[0], &f->device), 0);
	counted_memory_init(&rig->memory);
	assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, &rig->memory, &f->space), 0);
	assert_int_equal(f->ops->attach(f->space, f->device, VIOMMU_NO_PASID), 0);
	f->place = f->host->caps.first + 16 * MIB;
}

static void down(struct rig *rig)
{
	struct fixture *f = &rig->f;

	assert_int_equal(f->ops->detach(f->space, f->device, VIOMMU_NO_PASID), 0);
	f->ops->space_destroy(f->space);
	f->ops->device_destroy(f->device);
	if (f->guest)
		f->ops->vm_destroy(f->guest);
	viommu_host_destroy(f->host);
	assert_int_equal(rig->memory.pieces, 0);
	munmap(rig->hva, MIB);
	close(rig->file);
	assert_int_equal(pinned(), rig->before);
}

static int map_pages(struct rig *rig, uint64_t iova, uint64_t pages, uint64_t from)
{
	struct host_mapping mapping = {
		.first = iova, .last = iova + pages * PAGE - 1, .gpa = ARENA_GPA + from * PAGE, .hva = rig->hva + from * PAGE, .prot = VIOMMU_RW, .fd = -1
	};

	return rig->f.ops->map(rig->f.space, &mapping);
}

static int64_t now_pinned(const struct rig *rig)
{
	return pinned() - rig->before;
}

/*
 * iommufd pins a page once for all its IOVAs, and unpins it with the last one. type1 pins it for
 * each.
 */
static void pins(create_host *with)
{
	struct rig rig;

	up(&rig, with, false, false);
	assert_int_equal(now_pinned(&rig), 0);
	assert_int_equal(map_pages(&rig, rig.f.place, 8, 0), 0);
	assert_int_equal(now_pinned(&rig), 8);
	assert_int_equal(map_pages(&rig, rig.f.place + MIB, 8, 4), 0);
	assert_int_equal(now_pinned(&rig), rig.once ? 12 : 16);
	assert_int_equal(rig.f.ops->unmap(rig.f.space, rig.f.place, rig.f.place + 8 * PAGE - 1), 0);
	assert_int_equal(now_pinned(&rig), 8);
	assert_int_equal(rig.f.ops->unmap(rig.f.space, rig.f.place + MIB, rig.f.place + MIB + 8 * PAGE - 1), 0);
	assert_int_equal(now_pinned(&rig), 0);
	down(&rig);
}

static void pinned_guest(create_host *with)
{
	struct rig rig;

	up(&rig, with, true, false);
	assert_int_equal(now_pinned(&rig), rig.once ? MIB / PAGE : 0);
	assert_int_equal(map_pages(&rig, rig.f.place, 8, 0), 0);
	assert_int_equal(now_pinned(&rig), rig.once ? MIB / PAGE : 8);
	down(&rig);
}

/* Memory of a file is mapped as a file: its address is ignored. */
static void file_alone(create_host *with)
{
	struct rig rig;

	if (with != viommu_host_iommufd_create)
		return;
	/* IOMMU_IOAS_MAP_FILE. */
	if (!kernel_is(6, 13)) {
		print_message("this kernel maps no files\n");
		skip();
	}
	up(&rig, with, false, true);
	assert_int_equal(map_pages(&rig, rig.f.place, 8, 0), 0);
	assert_int_equal(now_pinned(&rig), 8);
	down(&rig);
}

/*
 * Mappings end with the device's last attachment and return with the next one. The space of a
 * detached device can still be changed.
 */
static void attach_late(create_host *with)
{
	struct rig rig;

	up(&rig, with, false, false);
	assert_int_equal(map_pages(&rig, rig.f.place, 8, 0), 0);
	assert_int_equal(rig.f.ops->detach(rig.f.space, rig.f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(now_pinned(&rig), rig.once ? 8 : 0);
	assert_int_equal(map_pages(&rig, rig.f.place + MIB, 8, 8), 0);
	assert_int_equal(rig.f.ops->attach(rig.f.space, rig.f.device, VIOMMU_NO_PASID), 0);
	assert_int_equal(now_pinned(&rig), 16);
	down(&rig);
}

/* The end of the aperture can be mapped. Anything beyond is refused before the kernel is called. */
static void aperture(create_host *with)
{
	struct rig rig;
	uint64_t last;

	up(&rig, with, false, false);
	last = rig.f.host->caps.last;
	print_message("IOVAs %#llx to %#llx\n", (unsigned long long)rig.f.host->caps.first, (unsigned long long)last);
	assert_int_equal(map_pages(&rig, last - (PAGE - 1), 1, 0), 0);
	if (last < UINT64_MAX) {
		assert_int_equal(map_pages(&rig, last + 1, 1, 1), -ENOSPC);
		assert_int_equal(map_pages(&rig, last - (2 * PAGE - 1), 3, 1), -ENOSPC);
	}
	assert_int_equal(now_pinned(&rig), 1);
	down(&rig);
}

static bool without_capability(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= ~CAP_TO_MASK(CAP_IPC_LOCK);
	return !syscall(SYS_capset, &header, data);
}

/*
 * Runs in a process that may lock 16 pages. (No test runs in that process, so an assertion ends
 * it.) A shortage is reported and maps nothing. Removing another mapping makes room again.
 */
static int use_up(create_host *with)
{
	const struct rlimit limit = { .rlim_cur = 16 * PAGE, .rlim_max = 16 * PAGE };
	struct rig rig;

	/* Before memory is added: iommufd checks the capability then, type1 when it pins. */
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || !without_capability())
		return 1;
	up(&rig, with, false, false);
	if (map_pages(&rig, rig.f.place, 16, 0))
		return 2;
	if (map_pages(&rig, rig.f.place + MIB, 1, 16) != -ENOMEM || now_pinned(&rig) != 16)
		return 3;
	/* The same pages again. */
	if (map_pages(&rig, rig.f.place + MIB, 16, 0) != (rig.once ? 0 : -ENOMEM) || now_pinned(&rig) != 16)
		return 4;
	if (rig.f.ops->unmap(rig.f.space, rig.f.place, rig.f.place + 16 * PAGE - 1) ||
	    rig.f.ops->unmap(rig.f.space, rig.f.place + MIB, rig.f.place + 2 * MIB - 1))
		return 5;
	if (now_pinned(&rig) || map_pages(&rig, rig.f.place + MIB, 16, 32))
		return 6;
	/* Ends with the mappings still in place. */
	return 0;
}

static void memlock(create_host *with)
{
	int64_t before = pinned();
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		execl("/proc/self/exe", "use-up", "use-up", with == viommu_host_type1_create ? "type1" : "iommufd", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(pinned(), before);
}

#define BOTH(name)                                \
	static void name##_type1(void **state)    \
	{                                         \
		(void)state;                      \
		name(viommu_host_type1_create);   \
	}                                         \
	static void name##_iommufd(void **state)  \
	{                                         \
		(void)state;                      \
		name(viommu_host_iommufd_create); \
	}
BOTH(pins)
BOTH(pinned_guest)
BOTH(file_alone)
BOTH(attach_late)
BOTH(aperture)
BOTH(memlock)

#define TESTS(name) cmocka_unit_test(name##_type1), cmocka_unit_test(name##_iommufd)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TESTS(pins), TESTS(pinned_guest), TESTS(file_alone), TESTS(attach_late), TESTS(aperture), TESTS(memlock),
	};

	find_devices();
	if (!devices[0].address || !devices[1].address) {
		fprintf(stderr, "two NVMe are needed: see tests/vm/run-in-host\n");
		return 77;
	}
	if (argc > 2 && !strcmp(argv[1], "use-up"))
		return use_up(strcmp(argv[2], "type1") ? viommu_host_iommufd_create : viommu_host_type1_create);
	if (argc > 1 && !strcmp(argv[1], "nested"))
		return nested();
	return argc > 1 && !strcmp(argv[1], "suite") ? suite() : cmocka_run_group_tests_name("hosts and their kernel", tests, NULL, NULL);
}
