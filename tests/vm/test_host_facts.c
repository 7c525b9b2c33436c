/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks the facts that other tests on test hosts rely on, with system calls only. Each device is
 * bound and alone in its group, its registers are readable, and type1 and iommufd both work for it.
 * The IOMMU is that of the host's name, and nests where it should. Prints its findings.
 *
 * iommufd's structs are declared here, since the headers of many systems are older (Linux:
 * include/uapi/linux/iommufd.h and vfio.h).
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#define BIND_IOMMUFD  _IO(';', 118)
#define ATTACH_PT     _IO(';', 119)
#define IOAS_ALLOC    _IO(';', 0x81)
#define IOVA_RANGES   _IO(';', 0x84)
#define HWPT_ALLOC    _IO(';', 0x89)
#define GET_HW_INFO   _IO(';', 0x8a)
#define VIOMMU_ALLOC  _IO(';', 0x90)
#define NEST_PARENT   1 /* a flag of HWPT_ALLOC */
#define SMMUV3	      1 /* a type for VIOMMU_ALLOC */
#define HW_INFO_VTD   1
#define HW_INFO_SMMU  2
#define ECAP_SCALABLE (1ULL << 43) /* SMTS, Intel VT-d, 11.4.3 */
#define ECAP_FIRST    (1ULL << 47) /* FSTS */
#define IDR0_STAGES   0x3	   /* S1P and S2P: both stages. Arm IHI 0070, 6.3.1 */
#define IDR0_TTF_64   0x8	   /* TTF, high bit: tables of AArch64 */
#define IDR5_GRANULES 0x70	   /* GRAN4K, GRAN16K, GRAN64K: 6.3.6 */
#define EDU_IDENTITY  0x010000edu  /* QEMU: docs/specs/edu.rst */
#define NVME_VERSION  8		   /* offset of VS, NVM Express Base Specification 3.1 */
#define PAGE	      4096

struct bind_iommufd {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
};
struct attach_pt {
	uint32_t argsz, flags, pt_id;
};
struct ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};
struct iova_range {
	uint64_t start, last;
};
struct iova_ranges {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed_iovas, out_iova_alignment;
};
struct hw_info {
	uint32_t size, flags, dev_id, data_len;
	uint64_t data_uptr;
	uint32_t out_data_type, reserved;
	uint64_t out_capabilities;
};
struct hw_info_vtd {
	uint32_t flags, reserved;
	uint64_t cap_reg, ecap_reg;
};
struct hw_info_smmu {
	uint32_t flags, reserved, idr[6], iidr, aidr;
};
struct hwpt_alloc {
	uint32_t size, flags, dev_id, pt_id, out_hwpt_id, reserved;
};
struct viommu_alloc {
	uint32_t size, flags, type, dev_id, hwpt_id, out_viommu_id;
};

static const char *host;

static bool host_is(const char *name)
{
	return !strcmp(host, name);
}

static int open_or_fail(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail_msg("cannot open %s: %s", path, strerror(errno));
	return fd;
}

/* The kernel's answer, or failure with its error. */
static int ask(int fd, unsigned long request, void *argument, const char *what)
{
	int answer = ioctl(fd, request, argument);

	if (answer < 0)
		fail_msg("%s: %s", what, strerror(errno));
	return answer;
}

/* The last component of a link in a device's folder. */
static const char *link_of(const char *address, const char *name)
{
	static char target[PATH_MAX];
	char path[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		fail_msg("%s: %s", path, strerror(errno));
	target[n] = 0;
	return strrchr(target, '/') + 1;
}

/* The names in a folder, except those with a leading dot. Stores the last one in name. */
static int names_in(const char *path, char name[256])
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!folder)
		fail_msg("%s: %s", path, strerror(errno));
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.') {
			snprintf(name, 256, "%s", entry->d_name);
			count++;
		}
	closedir(folder);
	return count;
}

/* Calls a test for each device that the machine was started with. */
static int for_each_device(void (*test)(const char *address))
{
	static const char *const kinds[] = { "VIOMMU_TEST_EDU", "VIOMMU_TEST_NVME" };
	int count = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		char words[1024], *rest = words, *address;

		snprintf(words, sizeof(words), "%s", getenv(kinds[i]) ? getenv(kinds[i]) : "");
		while ((address = strsep(&rest, " ")))
			if (*address) {
				test(address);
				count++;
			}
	}
	return count;
}

static bool is_edu(const char *address)
{
	return getenv("VIOMMU_TEST_EDU") && strstr(getenv("VIOMMU_TEST_EDU"), address);
}

static void bound_and_alone(const char *address)
{
	char path[320], other[256];
	char group[256];

	assert_string_equal(link_of(address, "driver"), "vfio-pci");
	snprintf(group, sizeof(group), "%.255s", link_of(address, "iommu_group"));
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", group);
	assert_int_equal(names_in(path, other), 1);
	print_message("%s: group %s, alone; IOMMU %s\n", address, group, host_is("s390x") ? "of zPCI" : link_of(address, "iommu"));
}

static void test_devices(void **state)
{
	(void)state;
	assert_true(for_each_device(bound_and_alone) > 0);
}

static void read_registers(int device, const char *address)
{
	struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_BAR0_REGION_INDEX };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t offset = is_edu(address) ? 0 : NVME_VERSION, value = 0;

	ask(device, VFIO_DEVICE_GET_INFO, &info, "VFIO_DEVICE_GET_INFO");
	assert_true(info.flags & VFIO_DEVICE_FLAGS_PCI);
	assert_true(info.flags & VFIO_DEVICE_FLAGS_RESET || is_edu(address));
	ask(device, VFIO_DEVICE_GET_REGION_INFO, &region, "VFIO_DEVICE_GET_REGION_INFO");
	assert_true(region.size >= PAGE);
	assert_int_equal(pread(device, &value, 4, (off_t)(region.offset + offset)), 4);
	/* On s390 a register is not memory: a mapped register must not be read with a load. */
	if (!host_is("s390x")) {
		const volatile uint32_t *bar;

		assert_true(region.flags & VFIO_REGION_INFO_FLAG_MMAP);
		bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)region.offset);
		assert_ptr_not_equal(bar, MAP_FAILED);
		assert_int_equal(bar[offset / 4], value);
		munmap((void *)(uintptr_t)bar, PAGE);
	}
	/* read() returns the device's bytes. Both devices are little-endian. */
	value = le32toh(value);
	if (is_edu(address))
		assert_int_equal(value, EDU_IDENTITY);
	else
		assert_in_range(value, 0x10000, 0x2ffff); /* NVMe 1.0 to 2.x */
	print_message("%s: registers read: %s 0x%" PRIx32 "\n", address, is_edu(address) ? "edu" : "NVMe", value);
}

/* Maps and unmaps a page. */
static void use_container(int container, const char *address)
{
	struct {
		struct vfio_iommu_type1_info info;
		uint8_t capabilities[PAGE];
	} all = { .info = { .argsz = sizeof(all) } };
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, .size = PAGE };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .size = PAGE };
	uint32_t at, entries = 0;
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	ask(container, VFIO_IOMMU_GET_INFO, &all, "VFIO_IOMMU_GET_INFO");
	assert_true(all.info.flags & VFIO_IOMMU_INFO_PGSIZES);
	assert_true(all.info.flags & VFIO_IOMMU_INFO_CAPS);
	for (at = all.info.cap_offset; at;) {
		const struct vfio_info_cap_header *header = (const void *)((const char *)&all + at);

		if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			const struct vfio_iommu_type1_info_cap_iova_range *ranges = (const void *)header;

			assert_true(ranges->nr_iovas > 0);
			map.iova = ranges->iova_ranges[0].start;
			for (uint32_t i = 0; i < ranges->nr_iovas; i++)
				print_message("%s: type1: IOVAs 0x%llx to 0x%llx\n", address, ranges->iova_ranges[i].start, ranges->iova_ranges[i].end);
		} else if (header->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			entries = ((const struct vfio_iommu_type1_info_dma_avail *)(const void *)header)->avail;
		}
		at = header->next;
	}
	assert_true(entries > 0);
	print_message("%s: type1: page sizes 0x%llx, %" PRIu32 " mappings\n", address, all.info.iova_pgsizes, entries);
	map.vaddr = (uintptr_t)page;
	unmap.iova = map.iova;
	ask(container, VFIO_IOMMU_MAP_DMA, &map, "VFIO_IOMMU_MAP_DMA");
	ask(container, VFIO_IOMMU_UNMAP_DMA, &unmap, "VFIO_IOMMU_UNMAP_DMA");
	assert_int_equal(unmap.size, PAGE);
	munmap(page, PAGE);
}

static void through_type1(const char *address)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int container = open_or_fail("/dev/vfio/vfio"), group, device;
	char path[64], name[64];

	assert_int_equal(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
	snprintf(path, sizeof(path), "/dev/vfio/%s", link_of(address, "iommu_group"));
	group = open_or_fail(path);
	ask(group, VFIO_GROUP_GET_STATUS, &status, "VFIO_GROUP_GET_STATUS");
	assert_true(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	ask(group, VFIO_GROUP_SET_CONTAINER, &container, "VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		fail_msg("VFIO_SET_IOMMU: %s", strerror(errno));
	snprintf(name, sizeof(name), "%s", address);
	device = ask(group, VFIO_GROUP_GET_DEVICE_FD, name, "VFIO_GROUP_GET_DEVICE_FD");
	read_registers(device, address);
	use_container(container, address);
	close(device);
	close(group);
	close(container);
}

static void test_type1(void **state)
{
	(void)state;
	for_each_device(through_type1);
}

/* Whether the kernel has this version or a later one. */
static bool kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int running[2] = { 0 };
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%u.%u", &running[0], &running[1]), 2);
	return running[0] > major || (running[0] == major && running[1] >= minor);
}

/* VT-d reports its modes itself. */
static void check_vtd(const struct hw_info_vtd *vtd, const char *address)
{
	print_message("%s: VT-d: cap 0x%" PRIx64 ", ecap 0x%" PRIx64 "\n", address, vtd->cap_reg, vtd->ecap_reg);
	assert_int_equal(!!(vtd->ecap_reg & ECAP_SCALABLE), host_is("vtd-scalable"));
	assert_int_equal(vtd->ecap_reg & ECAP_FIRST, 0);
}

static void check_smmu(const struct hw_info_smmu *smmu, const char *address)
{
	print_message("%s: SMMUv3: IDR0 0x%" PRIx32 ", IDR1 0x%" PRIx32 ", IDR3 0x%" PRIx32 ", IDR5 0x%" PRIx32 "\n", address, smmu->idr[0], smmu->idr[1],
		      smmu->idr[3], smmu->idr[5]);
	assert_int_equal(smmu->idr[0] & IDR0_STAGES, IDR0_STAGES);
	assert_true(smmu->idr[0] & IDR0_TTF_64);
	assert_int_equal(smmu->idr[5] & IDR5_GRANULES, IDR5_GRANULES);
}

static void check_iommu(int iommufd, uint32_t device_id, const char *address)
{
	union {
		struct hw_info_vtd vtd;
		struct hw_info_smmu smmu;
	} data = { 0 };
	struct hw_info info = { .size = sizeof(info), .dev_id = device_id, .data_len = sizeof(data), .data_uptr = (uintptr_t)&data };
	uint32_t expected = 0;

	/* The drivers of AMD-Vi and, in older kernels, SMMUv3 report nothing about this. */
	if (!strncmp(host, "vtd-", 4))
		expected = HW_INFO_VTD;
	else if (host_is("smmuv3") && kernel_is(6, 13))
		expected = HW_INFO_SMMU;
	ask(iommufd, GET_HW_INFO, &info, "IOMMU_GET_HW_INFO");
	print_message("%s: iommufd: type of the hardware's information %" PRIu32 "\n", address, info.out_data_type);
	if (expected)
		assert_int_equal(info.out_data_type, expected);
	else
		assert_true(info.out_data_type != HW_INFO_VTD && info.out_data_type != HW_INFO_SMMU);
	if (expected == HW_INFO_VTD)
		check_vtd(&data.vtd, address);
	if (expected == HW_INFO_SMMU)
		check_smmu(&data.smmu, address);
}

static int bind_device(const char *address, int iommufd, uint32_t *id)
{
	struct bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	char path[300], name[256];
	int device;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", address);
	assert_int_equal(names_in(path, name), 1);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	device = open_or_fail(path);
	ask(device, BIND_IOMMUFD, &bind, "VFIO_DEVICE_BIND_IOMMUFD");
	*id = bind.out_devid;
	return device;
}

static void through_iommufd(const char *address)
{
	struct ioas_alloc ioas = { .size = sizeof(ioas) };
	struct attach_pt attach = { .argsz = sizeof(attach) };
	struct iova_range ranges[16];
	struct iova_ranges query = { .size = sizeof(query), .num_iovas = 16, .allowed_iovas = (uintptr_t)ranges };
	int iommufd = open_or_fail("/dev/iommu"), device;
	uint32_t id;

	device = bind_device(address, iommufd, &id);
	check_iommu(iommufd, id, address);
	ask(iommufd, IOAS_ALLOC, &ioas, "IOMMU_IOAS_ALLOC");
	attach.pt_id = ioas.out_ioas_id;
	ask(device, ATTACH_PT, &attach, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	query.ioas_id = ioas.out_ioas_id;
	ask(iommufd, IOVA_RANGES, &query, "IOMMU_IOAS_IOVA_RANGES");
	assert_in_range(query.num_iovas, 1, 16);
	for (uint32_t i = 0; i < query.num_iovas; i++)
		print_message("%s: iommufd: IOVAs 0x%" PRIx64 " to 0x%" PRIx64 "\n", address, ranges[i].start, ranges[i].last);
	read_registers(device, address);
	close(device);
	close(iommufd);
}

static void test_iommufd(void **state)
{
	(void)state;
	for_each_device(through_iommufd);
}

/*
 * A table in which a guest's own can be nested, and the kernel's object for a guest's SMMUv3. The
 * kernel creates it only if it knows that the machine is coherent (iort.py).
 */
static void nests(const char *address)
{
	struct ioas_alloc ioas = { .size = sizeof(ioas) };
	struct hwpt_alloc parent = { .size = sizeof(parent), .flags = NEST_PARENT };
	struct viommu_alloc viommu = { .size = sizeof(viommu), .type = SMMUV3 };
	int iommufd = open_or_fail("/dev/iommu"), device;

	device = bind_device(address, iommufd, &parent.dev_id);
	ask(iommufd, IOAS_ALLOC, &ioas, "IOMMU_IOAS_ALLOC");
	parent.pt_id = ioas.out_ioas_id;
	if (!host_is("smmuv3")) {
		assert_int_equal(ioctl(iommufd, HWPT_ALLOC, &parent), -1);
	} else {
		ask(iommufd, HWPT_ALLOC, &parent, "IOMMU_HWPT_ALLOC for nesting");
		viommu.dev_id = parent.dev_id;
		viommu.hwpt_id = parent.out_hwpt_id;
		ask(iommufd, VIOMMU_ALLOC, &viommu, "IOMMU_VIOMMU_ALLOC");
	}
	close(device);
	close(iommufd);
}

static void test_nesting(void **state)
{
	(void)state;
	if (host_is("smmuv3") && !kernel_is(6, 15)) {
		print_message("skipped: this kernel's iommufd does not nest with an SMMUv3, Linux 6.15 does\n");
		skip();
	}
	for_each_device(nests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_type1),
		cmocka_unit_test(test_iommufd),
		cmocka_unit_test(test_nesting),
	};

	host = getenv("VIOMMU_TEST_HOST");
	if (!host) {
		print_error("this is not a test host: tests/vm/run-in-host starts one\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
