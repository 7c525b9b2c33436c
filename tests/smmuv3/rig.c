/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See rig.h. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

static void on_interrupt(void *ctx, enum viommu_smmuv3_irq irq)
{
	struct rig *rig = ctx;

	__atomic_add_fetch(&rig->irqs[irq], 1, __ATOMIC_RELAXED);
}

struct rig_config rig_config(void)
{
	struct rig_config config = { .vm = VIOMMU_VM_CONFIG_INIT, .smmu = { .size = sizeof(config.smmu) } };

	return config;
}

static void *add_memory(struct rig *rig, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
	struct viommu_slot slot = { .size = sizeof(slot), .prot = prot, .gpa = gpa, .bytes = bytes, .fd = -1 };

	/* Zeros, which use no memory until they are written. */
	slot.hva = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(slot.hva, MAP_FAILED);
	assert_int_equal(viommu_slot_add(rig->vm, &slot), 0);
	return slot.hva;
}

void rig_up_as(struct rig *rig, const struct rig_config *config)
{
	struct viommu_smmuv3_config smmu = config->smmu;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(viommu_vm_create(&config->vm, &rig->vm), 0);
	rig->host = config->host;
	rig->own_host = !rig->host;
	if (rig->own_host)
		assert_int_equal(viommu_host_soft_create(&rig->host), 0);
	rig->ram = add_memory(rig, 0, RAM_BYTES, VIOMMU_RW);
	rig->rom = add_memory(rig, ROM_GPA, ROM_BYTES, VIOMMU_READ);
	smmu.interrupt = on_interrupt;
	smmu.ctx = rig;
	assert_int_equal(viommu_smmuv3_create(rig->vm, &smmu, &rig->smmu), 0);
}

void rig_up(struct rig *rig)
{
	struct rig_config config = rig_config();

	rig_up_as(rig, &config);
}

void rig_down(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_smmuv3_destroy(rig->smmu);
	viommu_vm_stats(rig->vm, &stats);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.devices, 0);
	assert_int_equal(stats.pinned_bytes, rig->pinned);
	assert_int_equal(stats.shadow_bytes, 0);
	viommu_vm_destroy(rig->vm);
	munmap(rig->ram, (size_t)RAM_BYTES);
	munmap(rig->rom, (size_t)ROM_BYTES);
	if (rig->own_host)
		viommu_host_destroy(rig->host);
}

void rig_set_up(struct rig *rig)
{
	rig_write64(rig, R_STRTAB_BASE, STRTAB);
	rig_write(rig, R_STRTAB_BASE_CFG, STRTAB_BITS);
	rig_write64(rig, R_CMDQ_BASE, CMDQ | CMDQ_BITS);
	rig_write64(rig, R_EVENTQ_BASE, EVENTQ | EVENTQ_BITS);
	rig_write(rig, R_IRQ_CTRL, 5);
}

void rig_enable(struct rig *rig)
{
	rig_set_up(rig);
	rig_write(rig, R_CR0, SMMUEN | EVENTQEN | CMDQEN);
	assert_int_equal(rig_read(rig, R_CR0ACK), SMMUEN | EVENTQEN | CMDQEN);
}

uint32_t rig_read(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_smmuv3_read(rig->smmu, offset, 4, &value), 0);
	assert_int_equal(value >> 32, 0);
	return (uint32_t)value;
}

void rig_write(struct rig *rig, uint32_t offset, uint32_t value)
{
	assert_int_equal(viommu_smmuv3_write(rig->smmu, offset, 4, value), 0);
}

uint64_t rig_read64(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_smmuv3_read(rig->smmu, offset, 8, &value), 0);
	return value;
}

void rig_write64(struct rig *rig, uint32_t offset, uint64_t value)
{
	assert_int_equal(viommu_smmuv3_write(rig->smmu, offset, 8, value), 0);
}

unsigned int rig_irqs(struct rig *rig, enum viommu_smmuv3_irq irq)
{
	return __atomic_exchange_n(&rig->irqs[irq], 0, __ATOMIC_RELAXED);
}

void rig_put(struct rig *rig, uint64_t gpa, uint64_t value)
{
	uint8_t bytes[8];
	uint64_t stored;

	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	memcpy(&stored, bytes, sizeof(stored));
	__atomic_store_n((uint64_t *)(void *)&rig->ram[gpa], stored, __ATOMIC_RELAXED);
}

uint64_t rig_get(const struct rig *rig, uint64_t gpa)
{
	uint64_t loaded = __atomic_load_n((const uint64_t *)(const void *)&rig->ram[gpa], __ATOMIC_RELAXED), value = 0;
	uint8_t bytes[8];

	memcpy(bytes, &loaded, sizeof(bytes));
	for (unsigned int i = 0; i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

struct viommu_smmuv3_device *rig_device(struct rig *rig, uint32_t sid)
{
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = sid, .host = rig->host };
	struct viommu_smmuv3_device *device;

	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &device), 0);
	return device;
}

struct viommu_smmuv3_info rig_info(struct rig *rig)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(rig->smmu, &info);
	return info;
}

struct viommu_smmuv3_device_info rig_device_info(struct viommu_smmuv3_device *device)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(device, &info);
	return info;
}

uint64_t rig_pinned(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.pinned_bytes / PAGE;
}

void rig_queue(struct rig *rig, uint32_t *prod, uint64_t dw0, uint64_t dw1)
{
	uint64_t gpa = CMDQ + 16 * (*prod & ((1u << CMDQ_BITS) - 1));

	rig_put(rig, gpa, dw0);
	rig_put(rig, gpa + 8, dw1);
	*prod = (*prod + 1) & ((2u << CMDQ_BITS) - 1);
}

void rig_kick(struct rig *rig, uint32_t prod)
{
	rig_write(rig, R_CMDQ_PROD, prod);
}

void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t prod = rig_read(rig, R_CMDQ_PROD);

	rig_queue(rig, &prod, dw0, dw1);
	rig_kick(rig, prod);
	assert_int_equal(rig_read(rig, R_CMDQ_CONS), prod);
}

void rig_put_ste(struct rig *rig, uint32_t sid, uint64_t dw0, uint64_t dw1)
{
	for (unsigned int i = 2; i < 8; i++)
		rig_put(rig, STRTAB + 64 * (uint64_t)sid + 8 * i, 0);
	rig_put(rig, STRTAB + 64 * (uint64_t)sid + 8, dw1);
	rig_put(rig, STRTAB + 64 * (uint64_t)sid, dw0);
}

void rig_put_cd(struct rig *rig, unsigned int n, uint64_t dw0, uint64_t ttb0)
{
	for (unsigned int i = 2; i < 8; i++)
		rig_put(rig, cd_gpa(n) + 8 * i, 0);
	rig_put(rig, cd_gpa(n) + 8, ttb0);
	rig_put(rig, cd_gpa(n), dw0);
}

void rig_stage1(struct rig *rig, uint32_t sid, unsigned int n, uint64_t cd0, uint64_t ttb0)
{
	rig_put_cd(rig, n, cd0, ttb0);
	rig_put_ste(rig, sid, STE_S1(cd_gpa(n)), 0);
	rig_command(rig, CFGI_STE(sid), LEAF);
	rig_command(rig, SYNC, 0);
}

bool rig_event(struct rig *rig, uint64_t record[4])
{
	uint32_t prod = rig_read(rig, R_EVENTQ_PROD), cons = rig_read(rig, R_EVENTQ_CONS), wrap = (2u << EVENTQ_BITS) - 1;
	uint64_t gpa = EVENTQ + 32 * (cons & wrap >> 1);

	if (!((prod ^ cons) & wrap))
		return false;
	for (unsigned int i = 0; i < 4; i++)
		record[i] = rig_get(rig, gpa + 8 * i);
	rig_write(rig, R_EVENTQ_CONS, (cons & 0x80000000u) | ((cons + 1) & wrap));
	return true;
}

void rig_assert_event(struct rig *rig, unsigned int type, uint32_t sid, const char *file, int line)
{
	uint64_t record[4] = { 0 };
	bool found = rig_event(rig, record);

	_assert_int_equal(found, type != 0, file, line);
	_assert_int_equal(record[0] & 0xff, type, file, line);
	_assert_int_equal(record[0] >> 32, sid, file, line);
}

int rig_fault(struct viommu_smmuv3_device *device, uint32_t reason, uint64_t iova, uint32_t access)
{
	struct viommu_fault fault = { .reason = reason, .iova = iova, .access = access, .entry_gpa = UINT64_MAX };

	return viommu_smmuv3_device_fault(device, &fault);
}
