/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See rig.h. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

/* A translation that comes and goes may take several rounds. */
#define ROUNDS 64

static void on_msi(void *ctx, uint64_t address, uint32_t data)
{
	struct rig *rig = ctx;

	__atomic_store_n(&rig->msi_address, address, __ATOMIC_RELAXED);
	__atomic_store_n(&rig->msi_data, data, __ATOMIC_RELAXED);
	__atomic_add_fetch(&rig->msis, 1, __ATOMIC_RELAXED);
}

struct rig_config rig_config(void)
{
	struct rig_config config = { .vm = VIOMMU_VM_CONFIG_INIT, .vtd = { .size = sizeof(config.vtd) } };

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
	struct viommu_vtd_config vtd = config->vtd;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(viommu_vm_create(&config->vm, &rig->vm), 0);
	rig->host = config->host;
	rig->own_host = !rig->host;
	if (rig->own_host)
		assert_int_equal(viommu_host_soft_create(&rig->host), 0);
	rig->ram = add_memory(rig, 0, RAM_BYTES, VIOMMU_RW);
	rig->rom = add_memory(rig, ROM_GPA, ROM_BYTES, VIOMMU_READ);
	rig->scalable = vtd.flags & VIOMMU_VTD_SCALABLE;
	rig->next_table = TABLES;
	vtd.msi = on_msi;
	vtd.ctx = rig;
	assert_int_equal(viommu_vtd_create(rig->vm, &vtd, &rig->vtd), 0);
}

void rig_up(struct rig *rig)
{
	struct rig_config config = rig_config();

	rig_up_as(rig, &config);
}

void rig_down(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vtd_destroy(rig->vtd);
	viommu_vm_stats(rig->vm, &stats);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.devices, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	viommu_vm_destroy(rig->vm);
	munmap(rig->ram, (size_t)RAM_BYTES);
	munmap(rig->rom, (size_t)ROM_BYTES);
	if (rig->own_host)
		viommu_host_destroy(rig->host);
}

void rig_global(struct rig *rig, uint32_t set, uint32_t clear)
{
	uint32_t states = rig_read(rig, R_GSTS) & (TE | QIE | IRE | CFI);

	rig_write(rig, R_GCMD, (states & ~clear) | set);
	assert_int_equal(rig_read(rig, R_GSTS) & set, set);
	assert_int_equal(rig_read(rig, R_GSTS) & clear, 0);
}

void rig_set_up(struct rig *rig)
{
	rig_put(rig, ROOT, CONTEXTS | 1);
	rig_put(rig, ROOT + 8, rig->scalable ? UPPER | 1 : 0);
	rig_write64(rig, R_RTADDR, ROOT | (rig->scalable ? 0x400 : 0));
	rig_write(rig, R_FEDATA, 0x21);
	rig_write(rig, R_FEADDR, 0xfee01000);
	rig_write(rig, R_FEUADDR, 0x100);
	rig_write(rig, R_FECTL, 0);
	rig_global(rig, SRTP, 0);
	/* 256 descriptors. */
	rig_write64(rig, R_IQA, QUEUE | (rig->scalable ? 0x801 : 0));
	rig_global(rig, QIE, 0);
}

void rig_enable(struct rig *rig)
{
	rig_set_up(rig);
	rig_global(rig, TE, 0);
}

uint32_t rig_read(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_vtd_read(rig->vtd, offset, 4, &value), 0);
	assert_int_equal(value >> 32, 0);
	return (uint32_t)value;
}

void rig_write(struct rig *rig, uint32_t offset, uint32_t value)
{
	assert_int_equal(viommu_vtd_write(rig->vtd, offset, 4, value), 0);
}

uint64_t rig_read64(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_vtd_read(rig->vtd, offset, 8, &value), 0);
	return value;
}

void rig_write64(struct rig *rig, uint32_t offset, uint64_t value)
{
	assert_int_equal(viommu_vtd_write(rig->vtd, offset, 8, value), 0);
}

unsigned int rig_msis(struct rig *rig)
{
	return __atomic_exchange_n(&rig->msis, 0, __ATOMIC_RELAXED);
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

const uint8_t *rig_hva(const struct rig *rig, uint64_t gpa)
{
	if (gpa < RAM_BYTES)
		return rig->ram + gpa;
	if (gpa >= ROM_GPA && gpa < ROM_GPA + ROM_BYTES)
		return rig->rom + (gpa - ROM_GPA);
	return NULL;
}

struct viommu_vtd_device *rig_device(struct rig *rig, uint32_t source_id)
{
	struct viommu_vtd_device_config config = { .size = sizeof(config), .source_id = source_id, .host = rig->host };
	struct viommu_vtd_device *device;

	assert_int_equal(viommu_vtd_device_add(rig->vtd, &config, &device), 0);
	return device;
}

struct viommu_vtd_info rig_info(struct rig *rig)
{
	struct viommu_vtd_info info = { .size = sizeof(info) };

	viommu_vtd_info(rig->vtd, &info);
	return info;
}

struct viommu_vtd_device_info rig_device_info(struct viommu_vtd_device *device)
{
	struct viommu_vtd_device_info info = { .size = sizeof(info) };

	viommu_vtd_device_info(device, &info);
	return info;
}

uint64_t rig_pinned(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.pinned_bytes / PAGE;
}

void rig_queue(struct rig *rig, uint32_t *tail, uint64_t dw0, uint64_t dw1)
{
	uint32_t step = rig->scalable ? 32 : 16;

	for (unsigned int i = 2; i < step / 8; i++)
		rig_put(rig, QUEUE + *tail + 8 * i, 0);
	rig_put(rig, QUEUE + *tail, dw0);
	rig_put(rig, QUEUE + *tail + 8, dw1);
	*tail = (*tail + step) % (256 * step);
}

void rig_kick(struct rig *rig, uint32_t tail)
{
	rig_write(rig, R_IQT, tail);
}

void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail = rig_read(rig, R_IQT);

	rig_queue(rig, &tail, dw0, dw1);
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_IQH), tail);
}

void rig_put_context(struct rig *rig, uint32_t source_id, uint64_t dw0, uint64_t dw1)
{
	rig_put(rig, CONTEXTS + 16 * (uint64_t)source_id + 8, dw1);
	rig_put(rig, CONTEXTS + 16 * (uint64_t)source_id, dw0);
}

void rig_put_sm_context(struct rig *rig, uint32_t source_id, uint64_t dw0, uint64_t dw1)
{
	uint64_t gpa = (source_id & 0x80 ? UPPER : CONTEXTS) + 32 * (uint64_t)(source_id & 0x7f);

	rig_put(rig, gpa + 8, dw1);
	rig_put(rig, gpa, dw0);
}

void rig_put_pasid(struct rig *rig, uint32_t pasid, uint64_t dw0, uint64_t dw1, uint64_t dw2)
{
	rig_put(rig, DIRECTORY + 8 * (uint64_t)(pasid >> 6), PASIDS | 1);
	rig_put(rig, PASIDS + 64 * (uint64_t)(pasid & 63) + 16, dw2);
	rig_put(rig, PASIDS + 64 * (uint64_t)(pasid & 63) + 8, dw1);
	rig_put(rig, PASIDS + 64 * (uint64_t)(pasid & 63), dw0);
}

uint64_t rig_table(struct rig *rig)
{
	uint64_t table = rig->next_table;

	for (unsigned int i = 0; i < 512; i++)
		rig_put(rig, table + 8 * i, 0);
	rig->next_table += PAGE;
	return table;
}

uint64_t rig_entry(struct rig *rig, uint64_t root, unsigned int levels, uint64_t iova, unsigned int level)
{
	uint64_t table = root;

	for (unsigned int at = levels - 1; at > level; at--) {
		uint64_t gpa = table + 8 * (iova >> (12 + 9 * at) & 511);

		if (!(rig_get(rig, gpa) & (E_R | E_W)) || rig_get(rig, gpa) & E_PS)
			rig_put(rig, gpa, rig_table(rig) | E_R | E_W);
		table = rig_get(rig, gpa) & UINT64_C(0xffffffffff000);
	}
	return table + 8 * (iova >> (12 + 9 * level) & 511);
}

void rig_map(struct rig *rig, uint64_t root, unsigned int levels, uint64_t iova, uint64_t gpa)
{
	rig_put(rig, rig_entry(rig, root, levels, iova, 0), gpa | E_R | E_W);
}

void rig_second_stage(struct rig *rig, uint32_t source_id, uint64_t root, uint16_t domain_id)
{
	rig_put_context(rig, source_id, root | CONTEXT_SECOND, CONTEXT1(1, domain_id));
	rig_command(rig, CC_DEVICE(source_id), 0);
	rig_command(rig, IOTLB_DOMAIN(domain_id), 0);
	rig_command(rig, WAIT(1), STATUS);
}

bool rig_record(struct rig *rig, struct record *record)
{
	uint32_t status = rig_read(rig, R_FSTS), offset = R_FRCD + 16 * (status >> 8 & 0xff), high;

	if (!(status & PPF))
		return false;
	/* FRI is the oldest until all are cleared. */
	for (unsigned int i = 0; i < FRCDS && !(rig_read(rig, offset + 12) >> 31); i++)
		offset = offset == R_FRCD + 16 * (FRCDS - 1) ? R_FRCD : offset + 16;
	high = rig_read(rig, offset + 12);
	*record = (struct record){ rig_read64(rig, offset), rig_read(rig, offset + 8) & 0xffff, high & 0xff, high >> 30 & 1 };
	rig_write(rig, offset + 12, 1u << 31);
	assert_int_equal(rig_read(rig, offset + 12) >> 31, 0);
	return true;
}

void rig_assert_fault(struct rig *rig, uint32_t reason, uint32_t source_id, const char *file, int line)
{
	struct record record = { 0 };
	bool found = rig_record(rig, &record);

	_assert_int_equal(found, reason != 0, file, line);
	_assert_int_equal(record.reason, reason, file, line);
	_assert_int_equal(record.source_id, source_id, file, line);
}

void user_init(struct user *user, struct rig *rig, uint32_t source_id)
{
	user->rig = rig;
	user->device = rig_device(rig, source_id);
	assert_int_equal(viommu_reader_create(viommu_vtd_device_device(user->device), VIOMMU_NO_PASID, &user->reader), 0);
}

void user_end(struct user *user)
{
	viommu_reader_destroy(user->reader);
	viommu_vtd_device_remove(user->device);
}

static bool translate(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva, struct viommu_fault *fault)
{
	struct viommu_piece piece = { .hva = NULL };
	uint64_t translated;
	int ret;

	ret = viommu_translate(user->reader, iova, 4, access, &piece, 1, &translated, fault);
	*hva = piece.hva;
	return ret == 1;
}

bool user_has(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	struct viommu_fault fault;

	return translate(user, iova, access, hva, &fault);
}

int user_access(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	struct viommu_fault fault;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		int ret;

		if (translate(user, iova, access, hva, &fault))
			return 0;
		ret = viommu_vtd_device_fault(user->device, &fault);
		if (ret)
			return ret;
	}
	return -EAGAIN;
}

void user_assert_has(struct user *user, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line)
{
	const uint8_t *hva = NULL;

	_assert_int_equal(user_has(user, iova, access, &hva), true, file, line);
	_assert_int_equal(cast_ptr_to_largest_integral_type(hva), cast_ptr_to_largest_integral_type(rig_hva(user->rig, gpa)), file, line);
}

void user_assert_has_not(struct user *user, uint64_t iova, const char *file, int line)
{
	const uint8_t *hva = NULL;

	_assert_int_equal(user_has(user, iova, VIOMMU_READ, &hva), false, file, line);
}

void user_assert_refused(struct user *user, uint64_t iova, uint32_t access, uint32_t reason, const char *file, int line)
{
	const uint8_t *hva;

	_assert_int_equal(cast_to_largest_integral_type(user_access(user, iova, access, &hva)), cast_to_largest_integral_type(-EFAULT), file, line);
	rig_assert_fault(user->rig, reason, reason ? rig_device_info(user->device).source_id : 0, file, line);
}

int rig_fault(struct viommu_vtd_device *device, uint64_t iova, uint32_t access)
{
	struct viommu_fault fault = { .reason = VIOMMU_FAULT_NOT_PRESENT, .iova = iova, .access = access, .entry_gpa = UINT64_MAX, .pasid = VIOMMU_NO_PASID };

	return viommu_vtd_device_fault(device, &fault);
}
