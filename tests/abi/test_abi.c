/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth of public structs (types.h). Each function that takes a sized struct is called with one of
 * the first release, one of the current headers, larger ones, and ones that are too small. Structs
 * are at the end of their allocation, so that sanitizers detect an access beyond their size.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <viommu/viommu.h>
#include <viommu/amdvi.h>
#include <viommu/smmuv3.h>
#include <viommu/vfio.h>
#include <viommu/virtio.h>
#include <viommu/vtd.h>
#include <viommu/vtd_spec.h>
#include <viommu/zpci.h>

/* The first release of these guest IOMMUs has their header, and another domain.h than the first. */
#ifdef FIRST_RELEASE
#define VIOMMU_DOMAIN_AMDVI ((enum viommu_domain_type)5)
#endif

#define RAM_BYTES UINT64_C(0x100000)
#define MORE	  64u
#define FILL	  0xa5

/* Frozen structs keep their sizes, on machines with pointers of 32 bits too. */
_Static_assert(sizeof(struct viommu_fault) == 48, "frozen");
_Static_assert(sizeof(struct viommu_refresh_result) == 96, "frozen");
_Static_assert(sizeof(struct viommu_run) == 32, "frozen");
_Static_assert(sizeof(struct viommu_iova_range) == 16, "frozen");
_Static_assert(sizeof(struct viommu_zpci_fib) == 32, "frozen");
_Static_assert(sizeof(struct viommu_amdvi_message) == 16, "frozen");
_Static_assert(sizeof(struct viommu_virtio_reserved) == 24, "frozen");
_Static_assert(offsetof(struct viommu_piece, bytes) + sizeof(uint64_t) == sizeof(struct viommu_piece), "frozen");

/*
 * A member that is added later must not begin within the first release's struct: the struct has no
 * padding at its end.
 */
#ifdef FIRST_RELEASE
#define WHOLE(type, constant) _Static_assert(sizeof(struct type) == (constant), "no padding at the end")
#else
#define WHOLE(type, constant) _Static_assert(sizeof(struct type) >= (constant), "grown only")
#endif
WHOLE(viommu_vm_config, VIOMMU_VM_CONFIG_SIZE_V0);
WHOLE(viommu_slot, VIOMMU_SLOT_SIZE_V0);
WHOLE(viommu_vm_stats, VIOMMU_VM_STATS_SIZE_V0);
WHOLE(viommu_host_caps, VIOMMU_HOST_CAPS_SIZE_V0);
WHOLE(viommu_nest_event, VIOMMU_NEST_EVENT_SIZE_V0);
WHOLE(viommu_features, VIOMMU_FEATURES_SIZE_V0);
WHOLE(viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
WHOLE(viommu_smmuv3_stage1, VIOMMU_SMMUV3_STAGE1_SIZE_V0);
WHOLE(viommu_smmuv3_hw_info, VIOMMU_SMMUV3_HW_INFO_SIZE_V0);
WHOLE(viommu_smmuv3_config, VIOMMU_SMMUV3_CONFIG_SIZE_V0);
WHOLE(viommu_smmuv3_device_config, VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0);
WHOLE(viommu_smmuv3_info, VIOMMU_SMMUV3_INFO_SIZE_V0);
WHOLE(viommu_smmuv3_device_info, VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0);
WHOLE(viommu_amdvi_tables, VIOMMU_AMDVI_TABLES_SIZE_V0);
WHOLE(viommu_amdvi_config, VIOMMU_AMDVI_CONFIG_SIZE_V0);
WHOLE(viommu_amdvi_capabilities, VIOMMU_AMDVI_CAPABILITIES_SIZE_V0);
WHOLE(viommu_amdvi_device_config, VIOMMU_AMDVI_DEVICE_CONFIG_SIZE_V0);
WHOLE(viommu_amdvi_info, VIOMMU_AMDVI_INFO_SIZE_V0);
WHOLE(viommu_amdvi_device_info, VIOMMU_AMDVI_DEVICE_INFO_SIZE_V0);
WHOLE(viommu_tracker, VIOMMU_TRACKER_SIZE_V0);
WHOLE(viommu_vfio_device, VIOMMU_VFIO_DEVICE_SIZE_V0);
WHOLE(viommu_vfio_config, VIOMMU_VFIO_CONFIG_SIZE_V0);
WHOLE(viommu_virtio_config, VIOMMU_VIRTIO_CONFIG_SIZE_V0);
WHOLE(viommu_virtio_endpoint_config, VIOMMU_VIRTIO_ENDPOINT_CONFIG_SIZE_V0);
WHOLE(viommu_virtio_info, VIOMMU_VIRTIO_INFO_SIZE_V0);
WHOLE(viommu_vtd_tables, VIOMMU_VTD_TABLES_SIZE_V0);
WHOLE(viommu_vtd_config, VIOMMU_VTD_CONFIG_SIZE_V0);
WHOLE(viommu_vtd_device_config, VIOMMU_VTD_DEVICE_CONFIG_SIZE_V0);
WHOLE(viommu_vtd_message, VIOMMU_VTD_MESSAGE_SIZE_V0);
WHOLE(viommu_vtd_info, VIOMMU_VTD_INFO_SIZE_V0);
WHOLE(viommu_vtd_device_info, VIOMMU_VTD_DEVICE_INFO_SIZE_V0);
WHOLE(viommu_zpci_ioat, VIOMMU_ZPCI_IOAT_SIZE_V0);
WHOLE(viommu_zpci_event, VIOMMU_ZPCI_EVENT_SIZE_V0);
WHOLE(viommu_zpci_config, VIOMMU_ZPCI_CONFIG_SIZE_V0);
WHOLE(viommu_zpci_function_config, VIOMMU_ZPCI_FUNCTION_CONFIG_SIZE_V0);
WHOLE(viommu_zpci_function_info, VIOMMU_ZPCI_FUNCTION_INFO_SIZE_V0);
WHOLE(viommu_zpci_answer, VIOMMU_ZPCI_ANSWER_SIZE_V0);
WHOLE(viommu_zpci_vcpu, VIOMMU_ZPCI_VCPU_SIZE_V0);

static struct {
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct viommu_domain *domain;
	struct viommu_zpci *zpci;
	struct viommu_zpci_function *function;
	struct viommu_smmuv3 *smmu;
	struct viommu_smmuv3_device *device;
	struct viommu_amdvi *amdvi;
	struct viommu_amdvi_device *amdvi_device;
	struct viommu_virtio *virtio;
	struct viommu_virtio_endpoint *endpoint;
	struct viommu_vtd *vtd;
	struct viommu_vtd_device *vtd_device;
	unsigned char *ram;
} world;

/* Calls a function with a struct. Undoes what it did, and returns what it returned. */
typedef int (*call)(void *data);

/*
 * A struct of `size` bytes, at the end of an allocation. It begins with the bytes of good, and
 * `fill` follows.
 */
static unsigned char *make(uint32_t size, const void *good, size_t bytes, int fill)
{
	size_t room = size > sizeof(size) ? size : sizeof(size);
	unsigned char *data = malloc(room);

	assert_non_null(data);
	memset(data, fill, room);
	if (good)
		memcpy(data, good, bytes < room ? bytes : room);
	memcpy(data, &size, sizeof(size));
	return data;
}

static int takes(call fn, uint32_t size, const void *good, size_t bytes, int fill)
{
	unsigned char *data = make(size, good, bytes, fill);
	int ret = fn(data);

	free(data);
	return ret;
}

static void check_in(call fn, const void *good, size_t bytes, size_t v0, int expected)
{
	const uint32_t small[] = { 0, 1, 4, (uint32_t)v0 - 1 };

	assert_int_equal(fn(NULL), -EINVAL);
	for (unsigned int i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		assert_int_equal(takes(fn, small[i], good, bytes, 0), -EINVAL);
	assert_int_equal(takes(fn, (uint32_t)v0, good, bytes, 0), expected);
	assert_int_equal(takes(fn, (uint32_t)bytes, good, bytes, 0), expected);
	assert_int_equal(takes(fn, (uint32_t)bytes + MORE, good, bytes, 0), expected);
	/* A later release's struct is larger than this one's. Its new members must be zeros. */
	assert_int_equal(takes(fn, 4096, good, bytes, 0), expected);
	assert_int_equal(takes(fn, 4096, good, bytes, FILL), -EINVAL);
}

static void check_out(call fn, size_t bytes, size_t v0)
{
	const uint32_t sizes[] = { (uint32_t)v0, (uint32_t)bytes, (uint32_t)bytes + MORE, 4096 };
	const uint32_t small[] = { 0, 1, 4, (uint32_t)v0 - 1 };
	unsigned char *first = NULL;

	assert_int_equal(fn(NULL), -EINVAL);
	for (unsigned int i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		unsigned char *data = make(small[i], NULL, 0, FILL), *same = make(small[i], NULL, 0, FILL);

		assert_int_equal(fn(data), -EINVAL);
		assert_memory_equal(data, same, small[i] > 4 ? small[i] : 4);
		free(data);
		free(same);
	}
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *data = make(sizes[i], NULL, 0, FILL);
		uint32_t size;

		assert_int_equal(fn(data), 0);
		memcpy(&size, data, sizeof(size));
		assert_int_equal(size, sizes[i]);
		/* Nothing grows by 3 KiB. */
		if (size == 4096)
			for (unsigned int at = 1024; at < size; at++)
				assert_int_equal(data[at], FILL);
		/* All callers get the same. */
		if (first)
			assert_memory_equal(data + 4, first + 4, v0 - 4);
		else
			first = data;
		if (data != first)
			free(data);
	}
	free(first);
}

#define CHECK_IN(fn, good, V0)	check_in(fn, &(good), sizeof(good), V0, 0)
#define CHECK_OUT(fn, type, V0) check_out(fn, sizeof(struct type), V0)

static int vm_create(void *config)
{
	struct viommu_vm *vm = NULL;
	int ret = viommu_vm_create(config, &vm);

	viommu_vm_destroy(vm);
	return ret;
}

static int slot_add(void *slot)
{
	int ret = viommu_slot_add(world.vm, slot);

	if (!ret)
		assert_int_equal(viommu_slot_remove(world.vm, RAM_BYTES), 0);
	return ret;
}

static int set_tracker(void *tracker)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_vm *vm;
	int ret;

	assert_int_equal(viommu_vm_create(&config, &vm), 0);
	ret = viommu_vm_set_tracker(vm, tracker);
	viommu_vm_destroy(vm);
	return ret;
}

static int vm_stats(void *stats)
{
	return viommu_vm_stats(world.vm, stats);
}

static int host_caps(void *caps)
{
	return viommu_host_caps(world.host, caps);
}

static int features(void *features)
{
	return viommu_features(features);
}

static int domain_stats(void *stats)
{
	return viommu_domain_stats(world.domain, stats);
}

static int create_domain(enum viommu_domain_type type, const void *data)
{
	struct viommu_domain *domain = NULL;
	struct viommu_refresh_result result;
	int ret = viommu_domain_create(world.vm, world.host, type, data, &result, &domain);

	assert_int_equal(result.reserved, 0);
	viommu_domain_destroy(domain);
	return ret;
}

static int zpci_domain(void *ioat)
{
	return create_domain(VIOMMU_DOMAIN_ZPCI, ioat);
}

static int smmuv3_domain(void *stage1)
{
	return create_domain(VIOMMU_DOMAIN_SMMUV3, stage1);
}

/* There is no such device. */
static int type1_create(void *config)
{
	struct viommu_host *host;
	int ret = viommu_host_type1_create(config, &host);

	assert_int_not_equal(ret, 0);
	return ret == -EINVAL ? ret : 0;
}

static int iommufd_create(void *config)
{
	struct viommu_host *host;
	int ret = viommu_host_iommufd_create(config, &host);

	assert_int_not_equal(ret, 0);
	return ret == -EINVAL ? ret : 0;
}

static int vfio_device(void *device)
{
	struct viommu_vfio_config config = VIOMMU_VFIO_CONFIG_INIT;

	config.device = device;
	return type1_create(&config);
}

static void smmuv3_irq(void *ctx, enum viommu_smmuv3_irq irq)
{
	(void)ctx;
	(void)irq;
}

static int smmuv3_create(void *config)
{
	struct viommu_smmuv3 *smmu = NULL;
	int ret = viommu_smmuv3_create(world.vm, config, &smmu);

	viommu_smmuv3_destroy(smmu);
	return ret;
}

static int smmuv3_device_add(void *config)
{
	struct viommu_smmuv3_device *device;
	int ret = viommu_smmuv3_device_add(world.smmu, config, &device);

	if (!ret)
		viommu_smmuv3_device_remove(device);
	return ret;
}

static int smmuv3_info(void *info)
{
	return viommu_smmuv3_info(world.smmu, info);
}

static int smmuv3_device_info(void *info)
{
	return viommu_smmuv3_device_info(world.device, info);
}

static int smmuv3_device_stats(void *stats)
{
	return viommu_smmuv3_device_stats(world.device, stats);
}

static int amdvi_domain(void *tables)
{
	return create_domain(VIOMMU_DOMAIN_AMDVI, tables);
}

static int amdvi_create(void *config)
{
	struct viommu_amdvi *amdvi = NULL;
	int ret = viommu_amdvi_create(world.vm, config, &amdvi);

	viommu_amdvi_destroy(amdvi);
	return ret;
}

static int amdvi_capabilities(void *capabilities)
{
	return viommu_amdvi_capabilities(world.amdvi, capabilities);
}

static int amdvi_device_add(void *config)
{
	struct viommu_amdvi_device *device;
	int ret = viommu_amdvi_device_add(world.amdvi, config, &device);

	if (!ret)
		viommu_amdvi_device_remove(device);
	return ret;
}

static int amdvi_info(void *info)
{
	return viommu_amdvi_info(world.amdvi, info);
}

static int amdvi_device_info(void *info)
{
	return viommu_amdvi_device_info(world.amdvi_device, info);
}

static int amdvi_device_stats(void *stats)
{
	return viommu_amdvi_device_stats(world.amdvi_device, stats);
}

static int virtio_create(void *config)
{
	struct viommu_virtio *virtio = NULL;
	int ret = viommu_virtio_create(world.vm, config, &virtio);

	viommu_virtio_destroy(virtio);
	return ret;
}

static int virtio_endpoint_add(void *config)
{
	struct viommu_virtio_endpoint *endpoint;
	int ret = viommu_virtio_endpoint_add(world.virtio, config, &endpoint);

	if (!ret)
		viommu_virtio_endpoint_remove(endpoint);
	return ret;
}

static int virtio_info(void *info)
{
	return viommu_virtio_info(world.virtio, info);
}

static int virtio_endpoint_stats(void *stats)
{
	return viommu_virtio_endpoint_stats(world.endpoint, stats);
}

static int vtd_create(void *config)
{
	struct viommu_vtd *vtd = NULL;
	int ret = viommu_vtd_create(world.vm, config, &vtd);

	viommu_vtd_destroy(vtd);
	return ret;
}

static int vtd_domain(void *tables)
{
	/* VIOMMU_DOMAIN_VTD, which the first release's domain.h does not have. */
	return create_domain((enum viommu_domain_type)4, tables);
}

static int vtd_device_add(void *config)
{
	struct viommu_vtd_device *device;
	int ret = viommu_vtd_device_add(world.vtd, config, &device);

	if (!ret)
		viommu_vtd_device_remove(device);
	return ret;
}

static int vtd_interrupt(void *message)
{
	return viommu_vtd_interrupt(world.vtd, 1, 0xfee00000, 0x20, message);
}

static int vtd_info(void *info)
{
	return viommu_vtd_info(world.vtd, info);
}

static int vtd_device_info(void *info)
{
	return viommu_vtd_device_info(world.vtd_device, info);
}

static int vtd_device_stats(void *stats)
{
	return viommu_vtd_device_stats(world.vtd_device, stats);
}

static int zpci_create(void *config)
{
	struct viommu_zpci *zpci = NULL;
	int ret = viommu_zpci_create(world.vm, config, &zpci);

	viommu_zpci_destroy(zpci);
	return ret;
}

static int zpci_function_add(void *config)
{
	struct viommu_zpci_function *function;
	int ret = viommu_zpci_function_add(world.zpci, config, &function);

	if (!ret)
		viommu_zpci_function_remove(function);
	return ret;
}

static int zpci_function_info(void *info)
{
	return viommu_zpci_function_info(world.function, info);
}

static int zpci_function_stats(void *stats)
{
	return viommu_zpci_function_stats(world.function, stats);
}

/* There is no such handle: condition code 3. */
static int zpci_rpcit(void *answer)
{
	return viommu_zpci_rpcit(world.zpci, VIOMMU_ZPCI_R1(0x99, 0, 0), 0, 1, answer);
}

static int zpci_mpcifc(void *answer)
{
	const struct viommu_zpci_fib fib = { .fmt = 0 };

	return viommu_zpci_mpcifc(world.zpci, VIOMMU_ZPCI_R1(0x99, 0, VIOMMU_ZPCI_OC_REG_IOAT), &fib, answer);
}

static int zpci_stpcifc(void *answer)
{
	struct viommu_zpci_fib fib;
	uint64_t r1 = VIOMMU_ZPCI_R1(0x99, 0, 0);

	return viommu_zpci_stpcifc(world.zpci, &r1, &fib, answer);
}

/* Another instruction. */
static int zpci_intercept(void *vcpu)
{
	int ret = viommu_zpci_intercept(world.zpci, vcpu, 0xb202, 0);

	return ret == -EOPNOTSUPP ? 0 : ret;
}

static int pagemap_create(void *tracker)
{
	int ret = viommu_tracker_pagemap_create(tracker);

	if (!ret)
		viommu_tracker_pagemap_destroy(tracker);
	return ret;
}

static void test_vm(void **state)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot = VIOMMU_SLOT_INIT;

	(void)state;
	CHECK_IN(vm_create, config, VIOMMU_VM_CONFIG_SIZE_V0);
	slot.gpa = RAM_BYTES;
	slot.bytes = VIOMMU_PAGE_SIZE;
	slot.hva = world.ram;
	CHECK_IN(slot_add, slot, VIOMMU_SLOT_SIZE_V0);
	CHECK_OUT(vm_stats, viommu_vm_stats, VIOMMU_VM_STATS_SIZE_V0);
}

static int watch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	(void)ctx, (void)first, (void)last, (void)hva;
	return 0;
}

static void unwatch(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	(void)ctx, (void)first, (void)last, (void)hva;
}

static int collect(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg)
{
	(void)ctx, (void)written, (void)arg;
	return 0;
}

static void test_tracker(void **state)
{
	const struct viommu_tracker tracker = { .size = sizeof(tracker), .watch = watch, .unwatch = unwatch, .collect = collect };
	const uint32_t small[] = { 0, 4, (uint32_t)VIOMMU_TRACKER_SIZE_V0 - 1 };

	(void)state;
	CHECK_IN(set_tracker, tracker, VIOMMU_TRACKER_SIZE_V0);
	/* The kernel may not have it, or forbid it. */
	for (unsigned int i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		assert_int_equal(takes(pagemap_create, small[i], NULL, 0, 0), -EINVAL);
	assert_int_not_equal(takes(pagemap_create, VIOMMU_TRACKER_SIZE_V0, NULL, 0, 0), -EINVAL);
}

static void test_hosts(void **state)
{
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	struct viommu_vfio_config config = VIOMMU_VFIO_CONFIG_INIT;

	(void)state;
	CHECK_OUT(host_caps, viommu_host_caps, VIOMMU_HOST_CAPS_SIZE_V0);
	device.address = "fffe:ff:1f.7";
	config.device = &device;
	CHECK_IN(type1_create, config, VIOMMU_VFIO_CONFIG_SIZE_V0);
	CHECK_IN(iommufd_create, config, VIOMMU_VFIO_CONFIG_SIZE_V0);
	CHECK_IN(vfio_device, device, VIOMMU_VFIO_DEVICE_SIZE_V0);
}

static void test_domains(void **state)
{
	const struct viommu_zpci_ioat ioat = {
		.size = sizeof(ioat), .iota = VIOMMU_ZPCI_IOTA_T | VIOMMU_ZPCI_IOTA_DT(VIOMMU_ZPCI_TYPE_REGION_THIRD), .pba = 0, .pal = 0xfffff
	};
	/* Both tables are switched off. */
	const struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1),
						     .output_bits = 44,
						     .cd = { UINT64_C(1) << 14 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(1) << 41 | 25 } };

	(void)state;
	CHECK_IN(zpci_domain, ioat, VIOMMU_ZPCI_IOAT_SIZE_V0);
	CHECK_IN(smmuv3_domain, stage1, VIOMMU_SMMUV3_STAGE1_SIZE_V0);
	CHECK_OUT(domain_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
	CHECK_OUT(features, viommu_features, VIOMMU_FEATURES_SIZE_V0);
}

static void test_smmuv3(void **state)
{
	struct viommu_smmuv3_config config = VIOMMU_SMMUV3_CONFIG_INIT;
	struct viommu_smmuv3_device_config device = VIOMMU_SMMUV3_DEVICE_CONFIG_INIT;

	(void)state;
	config.interrupt = smmuv3_irq;
	CHECK_IN(smmuv3_create, config, VIOMMU_SMMUV3_CONFIG_SIZE_V0);
	device.sid = 7;
	device.host = world.host;
	CHECK_IN(smmuv3_device_add, device, VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0);
	CHECK_OUT(smmuv3_info, viommu_smmuv3_info, VIOMMU_SMMUV3_INFO_SIZE_V0);
	CHECK_OUT(smmuv3_device_info, viommu_smmuv3_device_info, VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0);
	CHECK_OUT(smmuv3_device_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
}

static void test_amdvi(void **state)
{
	const struct viommu_amdvi_tables tables = { .size = sizeof(tables), .mode = 3 };
	const struct viommu_amdvi_config config = VIOMMU_AMDVI_CONFIG_INIT;
	struct viommu_amdvi_device_config device = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;

	(void)state;
	CHECK_IN(amdvi_domain, tables, VIOMMU_AMDVI_TABLES_SIZE_V0);
	CHECK_IN(amdvi_create, config, VIOMMU_AMDVI_CONFIG_SIZE_V0);
	CHECK_OUT(amdvi_capabilities, viommu_amdvi_capabilities, VIOMMU_AMDVI_CAPABILITIES_SIZE_V0);
	device.device_id = 7;
	device.host = world.host;
	CHECK_IN(amdvi_device_add, device, VIOMMU_AMDVI_DEVICE_CONFIG_SIZE_V0);
	CHECK_OUT(amdvi_info, viommu_amdvi_info, VIOMMU_AMDVI_INFO_SIZE_V0);
	CHECK_OUT(amdvi_device_info, viommu_amdvi_device_info, VIOMMU_AMDVI_DEVICE_INFO_SIZE_V0);
	CHECK_OUT(amdvi_device_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
}

static void test_virtio(void **state)
{
	const struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	struct viommu_virtio_endpoint_config endpoint = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;

	(void)state;
	CHECK_IN(virtio_create, config, VIOMMU_VIRTIO_CONFIG_SIZE_V0);
	endpoint.endpoint = 7;
	endpoint.host = world.host;
	CHECK_IN(virtio_endpoint_add, endpoint, VIOMMU_VIRTIO_ENDPOINT_CONFIG_SIZE_V0);
	CHECK_OUT(virtio_info, viommu_virtio_info, VIOMMU_VIRTIO_INFO_SIZE_V0);
	CHECK_OUT(virtio_endpoint_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
}

static void test_vtd(void **state)
{
	const struct viommu_vtd_config config = VIOMMU_VTD_CONFIG_INIT;
	const struct viommu_vtd_tables tables = { .size = sizeof(tables), .levels = 4, .root = 0x1000 };
	struct viommu_vtd_device_config device = VIOMMU_VTD_DEVICE_CONFIG_INIT;

	(void)state;
	CHECK_IN(vtd_create, config, VIOMMU_VTD_CONFIG_SIZE_V0);
	CHECK_IN(vtd_domain, tables, VIOMMU_VTD_TABLES_SIZE_V0);
	device.source_id = 7;
	device.host = world.host;
	CHECK_IN(vtd_device_add, device, VIOMMU_VTD_DEVICE_CONFIG_SIZE_V0);
	CHECK_OUT(vtd_interrupt, viommu_vtd_message, VIOMMU_VTD_MESSAGE_SIZE_V0);
	CHECK_OUT(vtd_info, viommu_vtd_info, VIOMMU_VTD_INFO_SIZE_V0);
	CHECK_OUT(vtd_device_info, viommu_vtd_device_info, VIOMMU_VTD_DEVICE_INFO_SIZE_V0);
	CHECK_OUT(vtd_device_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
}

static void test_zpci(void **state)
{
	struct viommu_zpci_config config = VIOMMU_ZPCI_CONFIG_INIT;
	struct viommu_zpci_function_config function = VIOMMU_ZPCI_FUNCTION_CONFIG_INIT;
	const struct viommu_zpci_vcpu vcpu = { .size = sizeof(vcpu) };

	(void)state;
	CHECK_IN(zpci_create, config, VIOMMU_ZPCI_CONFIG_SIZE_V0);
	function.fid = 7;
	function.fh = 7;
	function.host = world.host;
	CHECK_IN(zpci_function_add, function, VIOMMU_ZPCI_FUNCTION_CONFIG_SIZE_V0);
	CHECK_OUT(zpci_function_info, viommu_zpci_function_info, VIOMMU_ZPCI_FUNCTION_INFO_SIZE_V0);
	CHECK_OUT(zpci_function_stats, viommu_domain_stats, VIOMMU_DOMAIN_STATS_SIZE_V0);
	CHECK_OUT(zpci_rpcit, viommu_zpci_answer, VIOMMU_ZPCI_ANSWER_SIZE_V0);
	CHECK_OUT(zpci_mpcifc, viommu_zpci_answer, VIOMMU_ZPCI_ANSWER_SIZE_V0);
	CHECK_OUT(zpci_stpcifc, viommu_zpci_answer, VIOMMU_ZPCI_ANSWER_SIZE_V0);
	CHECK_IN(zpci_intercept, vcpu, VIOMMU_ZPCI_VCPU_SIZE_V0);
}

static unsigned int events;

static void event(void *ctx, const struct viommu_zpci_event *event)
{
	(void)ctx;
	assert_true(event->size >= VIOMMU_ZPCI_EVENT_SIZE_V0);
	assert_int_equal(event->fault.reason, VIOMMU_FAULT_BLOCKED);
	assert_int_equal(event->faddr, 0x1000);
	events++;
}

/* A fault without a reason is an error, and is not ignored. */
static void test_fault(void **state)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_NONE, .iova = 0x1234, .access = VIOMMU_READ };
	struct viommu_reader *reader;
	size_t done = 1;

	(void)state;
	assert_int_equal(viommu_zpci_dma_fault(world.function, &fault), -EINVAL);
	assert_int_equal(viommu_smmuv3_device_fault(world.device, &fault), -EINVAL);
	/*
	 * An access of the device goes to its guest IOMMU, which reports the fault and stops the
	 * function.
	 */
	assert_null(viommu_zpci_function_domain(world.function));
	assert_int_equal(viommu_reader_create(viommu_zpci_function_device(world.function), VIOMMU_NO_PASID, &reader), 0);
	assert_int_equal(viommu_write(reader, 0x1234, &fault, sizeof(fault), &done, NULL), -EFAULT);
	assert_int_equal(done, 0);
	viommu_reader_destroy(reader);
	assert_int_equal(events, 1);
	/* It is stopped already. */
	fault.reason = VIOMMU_FAULT_BLOCKED;
	assert_int_equal(viommu_zpci_dma_fault(world.function, &fault), 0);
	assert_int_equal(events, 1);
	assert_int_equal(viommu_zpci_function_info(world.function, &info), 0);
	assert_int_equal(info.state, VIOMMU_ZPCI_ERROR);
}

static void test_version(void **state)
{
	struct viommu_features features = { .size = sizeof(features) };

	(void)state;
#ifndef FIRST_RELEASE
	char version[32];

	snprintf(version, sizeof(version), "%d.%d.%d", VIOMMU_VERSION_MAJOR, VIOMMU_VERSION_MINOR, VIOMMU_VERSION_PATCH);
	assert_string_equal(viommu_version(), version);
#endif
	assert_true(VIOMMU_VERSION_NUMBER >= VIOMMU_VERSION_OF(0, 2, 0));
	assert_int_equal(viommu_features(&features), 0);
	assert_true(features.guests & VIOMMU_NESTS(VIOMMU_DOMAIN_ZPCI));
	assert_true(features.guests & VIOMMU_NESTS(VIOMMU_DOMAIN_SMMUV3));
	for (uint32_t i = VIOMMU_FORMAT_ZPCI; i <= VIOMMU_FORMAT_ARM64_64K; i++)
		assert_true(features.formats >> i & 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(viommu_fault_name(VIOMMU_FAULT_PROTECTION), "protection");
	assert_string_equal(viommu_fault_name(VIOMMU_FAULT_ADDRESS_SIZE), "address beyond the output size");
	assert_string_equal(viommu_fault_name(UINT32_MAX), "unknown reason");
	assert_string_equal(viommu_domain_kind_name(VIOMMU_KIND_BLOCKED), "blocked");
	assert_string_equal(viommu_domain_kind_name(99), "unknown kind");
	assert_string_equal(viommu_domain_type_name(VIOMMU_DOMAIN_SMMUV3), "SMMUv3");
	assert_string_equal(viommu_domain_type_name(0), "unknown guest IOMMU");
	assert_string_equal(viommu_format_name(VIOMMU_FORMAT_ARM64_64K), "arm64-64k");
	assert_string_equal(viommu_format_name(64), "unknown format");
	assert_string_equal(viommu_zpci_state_name(VIOMMU_ZPCI_PERMANENT_ERROR), "permanent error");
	assert_string_equal(viommu_zpci_state_name(99), "unknown");
	assert_string_equal(viommu_smmuv3_stream_name(VIOMMU_SMMUV3_STREAM_FAULTY), "faulty");
	assert_string_equal(viommu_smmuv3_stream_name(99), "unknown");
}

static int setup(void **state)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	struct viommu_zpci_config bus = VIOMMU_ZPCI_CONFIG_INIT;
	struct viommu_zpci_function_config function = VIOMMU_ZPCI_FUNCTION_CONFIG_INIT;
	struct viommu_smmuv3_config smmu = VIOMMU_SMMUV3_CONFIG_INIT;
	struct viommu_smmuv3_device_config device = VIOMMU_SMMUV3_DEVICE_CONFIG_INIT;
	const struct viommu_amdvi_config amdvi = VIOMMU_AMDVI_CONFIG_INIT;
	struct viommu_amdvi_device_config amdvi_device = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	const struct viommu_virtio_config virtio = VIOMMU_VIRTIO_CONFIG_INIT;
	struct viommu_virtio_endpoint_config endpoint = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	const struct viommu_vtd_config vtd = VIOMMU_VTD_CONFIG_INIT;
	struct viommu_vtd_device_config vtd_device = VIOMMU_VTD_DEVICE_CONFIG_INIT;

	(void)state;
	world.ram = aligned_alloc(VIOMMU_PAGE_SIZE, RAM_BYTES);
	assert_non_null(world.ram);
	memset(world.ram, 0, RAM_BYTES);
	slot.bytes = RAM_BYTES;
	slot.hva = world.ram;
	bus.event = event;
	assert_int_equal(viommu_vm_create(&config, &world.vm), 0);
	assert_int_equal(viommu_slot_add(world.vm, &slot), 0);
	assert_int_equal(viommu_host_soft_create(&world.host), 0);
	assert_int_equal(viommu_domain_create_direct(world.vm, world.host, 0, 0, RAM_BYTES - 1, &world.domain), 0);
	assert_int_equal(viommu_zpci_create(world.vm, &bus, &world.zpci), 0);
	function.fid = 1;
	function.fh = VIOMMU_ZPCI_FH_ENABLED | 1;
	function.state = VIOMMU_ZPCI_ENABLED;
	function.host = world.host;
	assert_int_equal(viommu_zpci_function_add(world.zpci, &function, &world.function), 0);
	assert_int_equal(viommu_smmuv3_create(world.vm, &smmu, &world.smmu), 0);
	device.sid = 1;
	device.host = world.host;
	assert_int_equal(viommu_smmuv3_device_add(world.smmu, &device, &world.device), 0);
	assert_int_equal(viommu_amdvi_create(world.vm, &amdvi, &world.amdvi), 0);
	amdvi_device.device_id = 1;
	amdvi_device.host = world.host;
	assert_int_equal(viommu_amdvi_device_add(world.amdvi, &amdvi_device, &world.amdvi_device), 0);
	assert_int_equal(viommu_virtio_create(world.vm, &virtio, &world.virtio), 0);
	endpoint.endpoint = 1;
	endpoint.host = world.host;
	assert_int_equal(viommu_virtio_endpoint_add(world.virtio, &endpoint, &world.endpoint), 0);
	assert_int_equal(viommu_vtd_create(world.vm, &vtd, &world.vtd), 0);
	vtd_device.source_id = 1;
	vtd_device.host = world.host;
	assert_int_equal(viommu_vtd_device_add(world.vtd, &vtd_device, &world.vtd_device), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	viommu_vtd_destroy(world.vtd);
	viommu_virtio_destroy(world.virtio);
	viommu_amdvi_destroy(world.amdvi);
	viommu_smmuv3_destroy(world.smmu);
	viommu_zpci_destroy(world.zpci);
	viommu_vm_destroy(world.vm);
	viommu_host_destroy(world.host);
	free(world.ram);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vm),     cmocka_unit_test(test_tracker), cmocka_unit_test(test_hosts),   cmocka_unit_test(test_domains),
		cmocka_unit_test(test_smmuv3), cmocka_unit_test(test_virtio),  cmocka_unit_test(test_vtd),     cmocka_unit_test(test_amdvi),
		cmocka_unit_test(test_zpci),   cmocka_unit_test(test_fault),   cmocka_unit_test(test_version), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
