/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <linux/vfio.h>
#include <viommu/zpci.h>

#include "../dma/kernel.h"
#include "dma/driver.h"

#define MODULE "/viommu.ko"

/*
 * GPAs of tables: a region-third table, segment tables for 0 to 6 GiB, and leaf tables for 16 MiB
 * at each multiple of 2 GiB.
 */
#define REGION	    UINT64_C(0x10000)
#define SEGMENTS    UINT64_C(0x20000)
#define LEAVES	    UINT64_C(0x40000)
#define TABLE_BYTES UINT64_C(0x4000)
#define LEAF_BYTES  UINT64_C(0x800)
#define LEAF_TABLES 16u

#define EXCHANGE_IOVA (RIG_PBA + 15 * MIB)

#define NUMBERED UINT64_C(0x6e756d6265720000)
#define NOTHING	 UINT64_C(0x6e6f7468696e6721)
#define MARKED	 UINT64_C(0x6d61726b65642121)

#define CLEAN_MS 10000

static int error_of(int result)
{
	return result < 0 ? -errno : 0;
}

bool rig_is_on(const char *host)
{
	const char *name = getenv("VIOMMU_TEST_HOST");

	return name && !strcmp(name, host);
}

bool rig_has_isolated_interrupts(void)
{
	return !rig_is_on("amd");
}

/* Of Arm, where Linux maps the doorbell of the ITS (MSI_IOVA_BASE of its driver), and of x86. */
uint64_t rig_reserved(void)
{
	return rig_is_on("smmuv3") ? UINT64_C(0x8000000) : UINT64_C(0xfee00000);
}

bool rig_load(bool isolated)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), kcsan, result;

	if (fd < 0)
		return false;
	/* Where the kernel looks for data races, it does so from here on. */
	kcsan = open("/sys/kernel/debug/kcsan", O_WRONLY | O_CLOEXEC);
	if (kcsan >= 0 && write(kcsan, "on", 2) != 2)
		return false;
	close(kcsan);
	result = (int)syscall(SYS_finit_module, fd, isolated || rig_has_isolated_interrupts() ? "" : "allow_unsafe_interrupts=1", 0);
	close(fd);
	return !result;
}

bool rig_unload(void)
{
	return !syscall(SYS_delete_module, "viommu", O_NONBLOCK);
}

/* Objects younger than so many seconds are no leaks to kmemleak. */
#define LEAK_AGE 6

static bool scan(int fd)
{
	return write(fd, "scan", 4) == 4;
}

int rig_finish(int failed)
{
	int fd = open("/sys/kernel/debug/kmemleak", O_RDWR | O_CLOEXEC), kcsan = open("/sys/kernel/debug/kcsan", O_RDONLY | O_CLOEXEC);
	char text[8192];
	ssize_t n;

	if (!rig_unload()) {
		printf("the module is still in use: %s\n", strerror(errno));
		return 1;
	}
	if (kcsan >= 0 && (n = read(kcsan, text, sizeof(text) - 1)) > 0)
		printf("KCSAN:\n%.*s", (int)n, text);
	if (fd < 0)
		return failed;
	nanosleep(&(struct timespec){ .tv_sec = LEAK_AGE }, NULL);
	/* The second scan is for what the first one found in registers and on stacks. */
	if (!scan(fd) || !scan(fd))
		return 1;
	n = read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	printf("kmemleak: %s\n", n ? text : "nothing");
	close(fd);
	return failed || n;
}

static uint64_t *word_at(const struct rig *rig, uint64_t gpa)
{
	return (uint64_t *)(void *)(rig->memory + gpa);
}

void rig_store(struct rig *rig, uint64_t gpa, uint64_t entry)
{
	__atomic_store_n(word_at(rig, gpa), __builtin_bswap64(entry), __ATOMIC_RELEASE);
}

static uint64_t leaf_table(uint64_t iova)
{
	return LEAVES + (iova / (2 * GIB) * LEAF_TABLES + iova % (2 * GIB) / MIB) * LEAF_BYTES;
}

uint64_t rig_segment(uint64_t iova)
{
	return SEGMENTS + iova / (2 * GIB) * TABLE_BYTES + iova % (2 * GIB) / MIB * 8;
}

uint64_t rig_leaf(uint64_t iova)
{
	return leaf_table(iova) + iova % MIB / PAGE * sizeof(uint64_t);
}

void rig_repair(struct rig *rig)
{
	for (uint64_t i = 0; i < TABLE_BYTES / 8; i++) {
		rig_store(rig, REGION + i * 8, VIOMMU_ZPCI_ENTRY_INVALID);
		for (uint64_t region = 0; region < 3; region++)
			rig_store(rig, SEGMENTS + region * TABLE_BYTES + i * 8, VIOMMU_ZPCI_ENTRY_INVALID);
	}
	for (uint64_t region = 0; region < 3; region++) {
		rig_store(rig, REGION + region * 8,
			  (SEGMENTS + region * TABLE_BYTES) | VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD) | VIOMMU_ZPCI_ENTRY_TL(3));
		for (uint64_t mib = 0; mib < LEAF_TABLES; mib++)
			rig_store(rig, rig_segment(region * 2 * GIB + mib * MIB), leaf_table(region * 2 * GIB + mib * MIB));
		rig_hide(rig, region * 2 * GIB, LEAF_TABLES * MIB / PAGE);
	}
	rig_name(rig, EXCHANGE_IOVA, 1, RIG_EXCHANGE, true);
}

void rig_entangle(struct rig *rig, uint64_t end)
{
	for (uint64_t i = 0; i < TABLE_BYTES / 8; i++) {
		rig_store(rig, SEGMENTS + i * 8, LEAVES);
		if (i * 2 * GIB < end)
			rig_store(rig, REGION + i * 8, SEGMENTS | VIOMMU_ZPCI_ENTRY_TT(VIOMMU_ZPCI_TYPE_REGION_THIRD) | VIOMMU_ZPCI_ENTRY_TL(3));
	}
	for (uint64_t i = 0; i < LEAF_BYTES / 8; i++)
		rig_store(rig, LEAVES + i * 8, i % 2 ? VIOMMU_ZPCI_PAGE_INVALID : UINT64_C(1) << 50);
}

void rig_name(struct rig *rig, uint64_t iova, uint64_t pages, uint64_t gpa, bool written)
{
	for (uint64_t i = 0; i < pages; i++)
		rig_store(rig, rig_leaf(iova + i * PAGE), (gpa + i * PAGE) | (written ? 0 : VIOMMU_ZPCI_ENTRY_PROTECTED));
}

void rig_hide(struct rig *rig, uint64_t iova, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		rig_store(rig, rig_leaf(iova + i * PAGE), VIOMMU_ZPCI_PAGE_INVALID);
}

/* The device's group, from sysfs. */
static uint32_t group_of(const char *address)
{
	char path[128], group[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	length = readlink(path, group, sizeof(group) - 1);
	assert_true(length > 0);
	group[length] = 0;
	return (uint32_t)strtoul(strrchr(group, '/') + 1, NULL, 10);
}

/* The open device. */
static struct dma_device *driven;

int rig_setup(void **state)
{
	(void)state;
	dma_close(driven);
	driven = NULL;
	return close_range(3, ~0u, 0);
}

void rig_begin_memory(struct rig *rig, const char *address)
{
	*rig = (struct rig){ .address = address,
			     .device_fd = -1,
			     .container = -1,
			     .group_fd = -1,
			     .pinned_before = kernel_pinned_pages(),
			     .locked_before = rig_locked(),
			     .exchange = EXCHANGE_IOVA };
	rig->memory = mmap(NULL, RIG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(rig->memory != MAP_FAILED);
	for (uint64_t gpa = RIG_NUMBERED; gpa < RIG_BYTES; gpa += PAGE)
		*word_at(rig, gpa) = NUMBERED + gpa / PAGE;
	rig_repair(rig);
}

const char *rig_address(unsigned int number)
{
	static char addresses[RIG_DEVICES][16];
	const char *list = getenv("VIOMMU_TEST_EDU");
	int length = 0;

	for (unsigned int i = 0; list && i < RIG_DEVICES && sscanf(list, "%15s%n", addresses[i], &length) == 1; i++, list += length)
		if (i == number)
			return addresses[i];
	return NULL;
}

int rig_begin_with(struct rig *rig, uint32_t type, const char *address)
{
	char path[64];
	int result;

	assert_non_null(address);
	rig_begin_memory(rig, address);
	rig->type = type;
	rig->group = group_of(address);
	rig->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	assert_true(rig->container >= 0);
	snprintf(path, sizeof(path), "/dev/vfio/%u", rig->group);
	rig->group_fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(rig->group_fd >= 0);
	assert_int_equal(ioctl(rig->group_fd, VFIO_GROUP_SET_CONTAINER, &rig->container), 0);
	result = error_of(ioctl(rig->container, VFIO_SET_IOMMU, type));
	return result;
}

int rig_begin(struct rig *rig, uint32_t type)
{
	return rig_begin_with(rig, type, rig_address(0));
}

void rig_drive(struct rig *rig, int device_fd)
{
	struct dma_page pages[DMA_PAGES];
	char why[256] = "";

	/* edu uses none of them. */
	for (unsigned int i = 0; i < DMA_PAGES; i++)
		pages[i] = (struct dma_page){ .iova = rig->exchange, .memory = rig->memory + RIG_EXCHANGE };
	if (dma_open(device_fd, pages, &rig->device, why, sizeof(why)))
		fail_msg("the device's driver: %s", why);
	driven = rig->device;
}

void rig_open_device(struct rig *rig)
{
	rig->device_fd = ioctl(rig->group_fd, VFIO_GROUP_GET_DEVICE_FD, rig->address);
	assert_true(rig->device_fd >= 0);
	rig_drive(rig, rig->device_fd);
}

void rig_open(struct rig *rig, uint32_t type)
{
	assert_int_equal(rig_begin(rig, type), 0);
	assert_int_equal(rig_map(rig, 0, RIG_BYTES, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE), 0);
	rig_open_device(rig);
}

void rig_check_nothing_pinned(int64_t before)
{
	int64_t pinned = kernel_pinned_pages();

	/* The kernel may clean up after it has reported the end of the process. */
	for (unsigned int waited = 0; pinned != before && waited < CLEAN_MS; waited += 10) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		pinned = kernel_pinned_pages();
	}
	assert_int_equal(pinned, before);
}

void rig_fork(struct rig_child *child, void (*live)(void *ctx, int begun), void *ctx)
{
	int begun[2];

	child->pinned_before = kernel_pinned_pages();
	assert_int_equal(pipe(begun), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (!child->pid) {
		close(begun[0]);
		live(ctx, begun[1]);
		_exit(1);
	}
	close(begun[1]);
	child->begun = begun[0];
}

void rig_await(const struct rig_child *child)
{
	char byte;

	assert_int_equal(read(child->begun, &byte, 1), 1);
}

bool rig_kill(struct rig_child *child)
{
	bool pinned = kernel_pinned_pages() > child->pinned_before;
	int status;

	assert_int_equal(kill(child->pid, SIGKILL), 0);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFSIGNALED(status));
	close(child->begun);
	rig_check_nothing_pinned(child->pinned_before);
	return pinned;
}

void rig_rest(struct rig *rig)
{
	dma_close(rig->device);
	rig->device = NULL;
	driven = NULL;
}

void rig_close(struct rig *rig)
{
	rig_rest(rig);
	if (rig->device_fd >= 0)
		close(rig->device_fd);
	close(rig->group_fd);
	close(rig->container);
	rig_end_memory(rig);
}

void rig_end_memory(struct rig *rig)
{
	rig_check_nothing_pinned(rig->pinned_before);
	assert_int_equal(rig_locked(), rig->locked_before);
	munmap(rig->memory, RIG_BYTES);
}

void rig_limit(uint64_t bytes)
{
	const struct rlimit limit = { bytes, bytes };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

int rig_map(struct rig *rig, uint64_t gpa, uint64_t bytes, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .vaddr = (uint64_t)(uintptr_t)(rig->memory + gpa), .iova = gpa, .size = bytes
	};

	return error_of(ioctl(rig->container, VFIO_IOMMU_MAP_DMA, &map));
}

int rig_unmap(struct rig *rig, uint64_t gpa, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = gpa, .size = bytes };
	int error = error_of(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &unmap));

	if (!error)
		assert_int_equal(unmap.size, bytes);
	return error;
}

struct vfio_viommu_zpci rig_tables(uint64_t pba, uint64_t pal)
{
	return (struct vfio_viommu_zpci){
		.size = sizeof(struct vfio_viommu_zpci),
		.iota = REGION | VIOMMU_ZPCI_IOTA_T | VIOMMU_ZPCI_IOTA_DT(VIOMMU_ZPCI_TYPE_REGION_THIRD),
		.pba = pba,
		.pal = pal,
	};
}

int rig_create_from(struct rig *rig, uint32_t type, const void *data, uint32_t bytes, uint32_t *domain, struct vfio_viommu_outcome *outcome)
{
	struct vfio_viommu_domain_create create = {
		.argsz = sizeof(create),
		.group = rig->group,
		.data_type = type,
		.data_uptr = (uint64_t)(uintptr_t)data,
		.data_len = bytes,
	};
	int error = error_of(ioctl(rig->container, VFIO_VIOMMU_DOMAIN_CREATE, &create));

	*domain = create.out_domain;
	if (outcome)
		*outcome = create.out_outcome;
	return error;
}

int rig_create(struct rig *rig, uint64_t pba, uint64_t pal, uint32_t *domain, struct vfio_viommu_outcome *outcome)
{
	struct vfio_viommu_zpci zpci = rig_tables(pba, pal);

	return rig_create_from(rig, VFIO_VIOMMU_DATA_ZPCI, &zpci, sizeof(zpci), domain, outcome);
}

int rig_create_direct(struct rig *rig, uint64_t first, uint64_t last, uint64_t offset, uint32_t flags, uint32_t *domain)
{
	struct vfio_viommu_direct direct = { .size = sizeof(direct), .flags = flags, .first = first, .last = last, .offset = offset };

	return rig_create_from(rig, VFIO_VIOMMU_DATA_DIRECT, &direct, sizeof(direct), domain, NULL);
}

int rig_destroy(struct rig *rig, uint32_t domain)
{
	struct vfio_viommu_domain_destroy destroy = { .argsz = sizeof(destroy), .domain = domain };

	return error_of(ioctl(rig->container, VFIO_VIOMMU_DOMAIN_DESTROY, &destroy));
}

int rig_attach(struct rig *rig, uint32_t domain)
{
	struct vfio_viommu_attach attach = { .argsz = sizeof(attach), .domain = domain, .group = rig->group };

	return error_of(ioctl(rig->container, VFIO_VIOMMU_ATTACH, &attach));
}

int rig_refresh(struct rig *rig, uint32_t domain, uint64_t iova, uint64_t pages, struct vfio_viommu_refresh *refresh)
{
	struct vfio_viommu_refresh own;

	refresh = refresh ? refresh : &own;
	*refresh = (struct vfio_viommu_refresh){ .argsz = sizeof(*refresh), .domain = domain, .first = iova, .last = iova + (pages * PAGE - 1) };
	return error_of(ioctl(rig->container, VFIO_VIOMMU_REFRESH, refresh));
}

struct vfio_viommu_info rig_info(struct rig *rig)
{
	struct vfio_viommu_info info = { .argsz = sizeof(info), .group = rig->group };

	assert_int_equal(ioctl(rig->container, VFIO_VIOMMU_INFO, &info), 0);
	return info;
}

uint32_t rig_domain(struct rig *rig)
{
	uint32_t domain;

	assert_int_equal(rig_create(rig, RIG_PBA, RIG_PAL, &domain, NULL), 0);
	assert_int_equal(rig_attach(rig, domain), 0);
	return domain;
}

void rig_refreshed(struct rig *rig, uint32_t domain, uint64_t iova, uint64_t pages)
{
	struct vfio_viommu_refresh refresh;

	assert_int_equal(rig_refresh(rig, domain, iova, pages, &refresh), 0);
	assert_int_equal(refresh.out_status, VFIO_VIOMMU_REFRESH_DONE);
}

/* Through the rig's own page. edu has one block. */
static void put(struct rig *rig, uint64_t word)
{
	*word_at(rig, RIG_EXCHANGE) = word;
	assert_int_equal(dma_read_from(rig->device, rig->exchange, 0), 0);
}

static uint64_t get(struct rig *rig)
{
	*word_at(rig, RIG_EXCHANGE) = 0;
	assert_int_equal(dma_write_to(rig->device, rig->exchange, 0), 0);
	return *word_at(rig, RIG_EXCHANGE);
}

void rig_reads(struct rig *rig, uint64_t iova, uint64_t gpa)
{
	uint64_t word;

	put(rig, NOTHING);
	dma_read_from(rig->device, iova, 0);
	word = get(rig);
	if (gpa == RIG_NOWHERE)
		assert_true(word < NUMBERED || word >= NUMBERED + RIG_BYTES / PAGE);
	else
		assert_int_equal(word, NUMBERED + gpa / PAGE);
}

void rig_writes(struct rig *rig, uint64_t iova, uint64_t gpa)
{
	put(rig, MARKED);
	dma_write_to(rig->device, iova, 0);
	for (uint64_t at = RIG_NUMBERED; at < RIG_EXCHANGE; at += PAGE) {
		assert_int_equal(*word_at(rig, at), at == gpa ? MARKED : NUMBERED + at / PAGE);
		*word_at(rig, at) = NUMBERED + at / PAGE;
	}
}

void rig_reaches(struct rig *rig, uint64_t iova, uint64_t gpa, bool written)
{
	rig_reads(rig, iova, gpa);
	rig_writes(rig, iova, written ? gpa : RIG_NOWHERE);
}

/* Registers of edu: what has sent an interrupt, to send one, and to acknowledge it. */
#define EDU_STATUS	0x24u
#define EDU_RAISE	0x60u
#define EDU_ACKNOWLEDGE 0x64u
#define INTERRUPT_MS	10000

int rig_interrupt(struct rig *rig)
{
	/* A struct vfio_irq_set, with one file after it. */
	union {
		struct vfio_irq_set set;
		unsigned char bytes[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} irqs;
	int32_t event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	irqs.set = (struct vfio_irq_set){
		.argsz = sizeof(irqs.bytes), .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .index = VFIO_PCI_MSI_IRQ_INDEX, .count = 1
	};
	memcpy(irqs.bytes + sizeof(irqs.set), &event, sizeof(event));
	assert_true(event >= 0);
	assert_int_equal(ioctl(rig->device_fd, VFIO_DEVICE_SET_IRQS, &irqs), 0);
	return event;
}

bool rig_interrupts(struct rig *rig, int event)
{
	struct pollfd one = { .fd = event, .events = POLLIN };
	uint64_t count = 0;
	uint32_t status;

	assert_int_equal(dma_store32(rig->device, EDU_RAISE, 1), 0);
	/* The device has sent it when a load of its registers ends. */
	assert_int_equal(dma_load32(rig->device, EDU_STATUS, &status), 0);
	assert_int_equal(status, 1);
	if (poll(&one, 1, INTERRUPT_MS) == 1)
		assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(dma_store32(rig->device, EDU_ACKNOWLEDGE, 1), 0);
	return count == 1;
}

uint32_t rig_types[2] = { VFIO_VIOMMU_PINNED_IOMMU, VFIO_VIOMMU_PAGED_IOMMU };

uint32_t rig_type(void **state)
{
	return *(const uint32_t *)*state;
}

bool rig_is_paged(const struct rig *rig)
{
	return rig->type == VFIO_VIOMMU_PAGED_IOMMU;
}

void rig_check_pinned(struct rig *rig, uint64_t named)
{
	uint64_t pages = rig_is_paged(rig) ? named : RIG_BYTES / PAGE;

	assert_int_equal(kernel_pinned_pages() - rig->pinned_before, pages);
	assert_int_equal(rig_locked(), pages);
	assert_int_equal(rig_info(rig).out_pinned, pages * PAGE);
}

uint64_t rig_locked(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "VmLck: %llu", &kib) != 1)
		;
	fclose(file);
	return kib * 1024 / PAGE;
}
