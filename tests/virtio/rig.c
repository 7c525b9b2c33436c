/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See rig.h. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

static void on_fault(void *ctx, const void *report)
{
	struct rig *rig = ctx;

	memcpy(rig->report, report, sizeof(rig->report));
	rig->reports++;
}

static uint8_t *add_memory(struct rig *rig, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	uint8_t *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	for (uint64_t page = 0; page < bytes / PAGE; page++)
		memory[page * PAGE] = (uint8_t)((gpa / PAGE + page) % 251);
	slot.prot = prot;
	slot.gpa = gpa;
	slot.bytes = bytes;
	slot.hva = memory;
	assert_int_equal(viommu_slot_add(rig->vm, &slot), 0);
	return memory;
}

void rig_up_as(struct rig *rig, const struct viommu_vm_config *vm, const struct viommu_virtio_config *virtio)
{
	struct viommu_virtio_config config = *virtio;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(viommu_vm_create(vm, &rig->vm), 0);
	rig->ram = add_memory(rig, 0, RAM_BYTES, VIOMMU_RW);
	rig->rom = add_memory(rig, ROM_GPA, ROM_BYTES, VIOMMU_READ);
	config.fault = on_fault;
	config.ctx = rig;
	assert_int_equal(viommu_virtio_create(rig->vm, &config, &rig->virtio), 0);
	assert_int_equal(viommu_virtio_features(rig->virtio), ALL_OF_THEM);
	assert_int_equal(viommu_virtio_set_features(rig->virtio, ALL_OF_THEM), 0);
}

void rig_up(struct rig *rig)
{
	const struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	const struct viommu_virtio_config virtio = VIOMMU_VIRTIO_CONFIG_INIT;

	rig_up_as(rig, &vm, &virtio);
}

void rig_down(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_virtio_destroy(rig->virtio);
	viommu_vm_stats(rig->vm, &stats);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.devices, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	viommu_vm_destroy(rig->vm);
	munmap(rig->ram, (size_t)RAM_BYTES);
	munmap(rig->rom, (size_t)ROM_BYTES);
}

struct viommu_virtio_endpoint *rig_endpoint(struct rig *rig, uint32_t id, struct viommu_host *host)
{
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct viommu_virtio_endpoint *endpoint;

	config.endpoint = id;
	config.host = host;
	assert_int_equal(viommu_virtio_endpoint_add(rig->virtio, &config, &endpoint), 0);
	return endpoint;
}

void rig_set(uint8_t *bytes, unsigned int number, uint64_t value)
{
	for (unsigned int i = 0; i < number; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

uint64_t rig_get(const uint8_t *bytes, unsigned int number)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < number; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

unsigned int rig_send(struct rig *rig, const uint8_t *bytes, size_t number)
{
	uint8_t tail[4] = { 0xee, 0xee, 0xee, 0xee };
	size_t written = viommu_virtio_request(rig->virtio, bytes, number, tail, sizeof(tail));

	if (!written) {
		assert_int_equal(rig_get(tail, 4), 0xeeeeeeee);
		return NOT_WRITTEN;
	}
	assert_int_equal(written, 4);
	assert_int_equal(rig_get(tail + 1, 3), 0);
	return tail[0];
}

unsigned int rig_attach(struct rig *rig, uint32_t domain, uint32_t endpoint, uint32_t flags)
{
	uint8_t bytes[20] = { 1 };

	rig_set(bytes + 4, 4, domain);
	rig_set(bytes + 8, 4, endpoint);
	rig_set(bytes + 12, 4, flags);
	return rig_send(rig, bytes, sizeof(bytes));
}

unsigned int rig_detach(struct rig *rig, uint32_t domain, uint32_t endpoint)
{
	uint8_t bytes[20] = { 2 };

	rig_set(bytes + 4, 4, domain);
	rig_set(bytes + 8, 4, endpoint);
	return rig_send(rig, bytes, sizeof(bytes));
}

unsigned int rig_map(struct rig *rig, uint32_t domain, uint64_t first, uint64_t last, uint64_t gpa, uint32_t flags)
{
	uint8_t bytes[36] = { 3 };

	rig_set(bytes + 4, 4, domain);
	rig_set(bytes + 8, 8, first);
	rig_set(bytes + 16, 8, last);
	rig_set(bytes + 24, 8, gpa);
	rig_set(bytes + 32, 4, flags);
	return rig_send(rig, bytes, sizeof(bytes));
}

unsigned int rig_unmap(struct rig *rig, uint32_t domain, uint64_t first, uint64_t last)
{
	uint8_t bytes[28] = { 4 };

	rig_set(bytes + 4, 4, domain);
	rig_set(bytes + 8, 8, first);
	rig_set(bytes + 16, 8, last);
	return rig_send(rig, bytes, sizeof(bytes));
}

struct viommu_virtio_info rig_info(struct rig *rig)
{
	struct viommu_virtio_info info = { .size = sizeof(info) };

	assert_int_equal(viommu_virtio_info(rig->virtio, &info), 0);
	return info;
}

uint64_t rig_pinned(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.pinned_bytes / PAGE;
}
