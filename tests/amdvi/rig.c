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

static void on_interrupt(void *ctx, const struct viommu_amdvi_message *message)
{
	const struct viommu_amdvi_message none = { 0 };
	struct rig *rig = ctx;

	/* Interrupts of several threads have no message in the tests. */
	if (message || rig->message.address)
		rig->message = message ? *message : none;
	__atomic_add_fetch(&rig->irqs, 1, __ATOMIC_RELAXED);
}

struct rig_config rig_config(void)
{
	const struct rig_config config = { .vm = VIOMMU_VM_CONFIG_INIT };

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
	struct viommu_amdvi_config amdvi = VIOMMU_AMDVI_CONFIG_INIT;

	memset(rig, 0, sizeof(*rig));
	rig->next_table = TABLES;
	assert_int_equal(viommu_vm_create(&config->vm, &rig->vm), 0);
	rig->host = config->host;
	rig->own_host = !rig->host;
	if (rig->own_host)
		assert_int_equal(viommu_host_soft_create(&rig->host), 0);
	rig->ram = add_memory(rig, 0, RAM_BYTES, VIOMMU_RW);
	rig->rom = add_memory(rig, ROM_GPA, ROM_BYTES, VIOMMU_READ);
	amdvi.flags = config->flags;
	amdvi.interrupt = on_interrupt;
	amdvi.ctx = rig;
	assert_int_equal(viommu_amdvi_create(rig->vm, &amdvi, &rig->amdvi), 0);
}

void rig_up(struct rig *rig)
{
	const struct rig_config config = rig_config();

	rig_up_as(rig, &config);
}

void rig_down(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_amdvi_destroy(rig->amdvi);
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

void rig_set_up(struct rig *rig)
{
	rig_write64(rig, R_DEV_TAB, DEVICE_TABLE | 3);
	rig_write64(rig, R_CMD_BASE, COMMANDS | UINT64_C(8) << 56);
	rig_write64(rig, R_EVENT_BASE, EVENTS | UINT64_C(8) << 56);
}

void rig_enable(struct rig *rig)
{
	rig_set_up(rig);
	rig_write64(rig, R_CONTROL, ALL_EN);
	assert_int_equal(rig_read(rig, R_STATUS), S_EVENT_RUN | S_CMD_RUN);
}

uint32_t rig_read(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_amdvi_read(rig->amdvi, offset, 4, &value), 0);
	assert_int_equal(value >> 32, 0);
	return (uint32_t)value;
}

void rig_write(struct rig *rig, uint32_t offset, uint32_t value)
{
	assert_int_equal(viommu_amdvi_write(rig->amdvi, offset, 4, value), 0);
}

uint64_t rig_read64(struct rig *rig, uint32_t offset)
{
	uint64_t value = UINT64_MAX;

	assert_int_equal(viommu_amdvi_read(rig->amdvi, offset, 8, &value), 0);
	return value;
}

void rig_write64(struct rig *rig, uint32_t offset, uint64_t value)
{
	assert_int_equal(viommu_amdvi_write(rig->amdvi, offset, 8, value), 0);
}

unsigned int rig_irqs(struct rig *rig)
{
	return __atomic_exchange_n(&rig->irqs, 0, __ATOMIC_RELAXED);
}

static uint64_t little(uint64_t value)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	memcpy(&value, bytes, sizeof(value));
	return value;
}

void rig_put(struct rig *rig, uint64_t gpa, uint64_t value)
{
	__atomic_store_n((uint64_t *)(void *)&rig->ram[gpa], little(value), __ATOMIC_RELAXED);
}

uint64_t rig_get(const struct rig *rig, uint64_t gpa)
{
	return little(__atomic_load_n((const uint64_t *)(const void *)&rig->ram[gpa], __ATOMIC_RELAXED));
}

void rig_queue(struct rig *rig, uint32_t *tail, uint64_t dw0, uint64_t dw1)
{
	rig_put(rig, COMMANDS + *tail, dw0);
	rig_put(rig, COMMANDS + *tail + 8, dw1);
	*tail = (*tail + 16) & 0xfff;
}

void rig_kick(struct rig *rig, uint32_t tail)
{
	rig_write(rig, R_CMD_TAIL, tail);
}

void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail = rig_read(rig, R_CMD_TAIL);

	rig_queue(rig, &tail, dw0, dw1);
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_CMD_HEAD), tail);
	assert_true(rig_read(rig, R_STATUS) & S_CMD_RUN);
}

void rig_refused(struct rig *rig, uint64_t dw0, uint64_t dw1)
{
	uint32_t tail = rig_read(rig, R_CMD_TAIL), head = tail;

	rig_queue(rig, &tail, dw0, dw1);
	rig_kick(rig, tail);
	assert_int_equal(rig_read(rig, R_CMD_HEAD), head);
	assert_false(rig_read(rig, R_STATUS) & S_CMD_RUN);
	assert_event(rig, E(5), COMMANDS + head);
	/* Restarted, behind the command. */
	rig_write64(rig, R_CONTROL, ALL_EN & ~CMD_BUF_EN);
	rig_write(rig, R_CMD_HEAD, tail);
	rig_write64(rig, R_CONTROL, ALL_EN);
	assert_true(rig_read(rig, R_STATUS) & S_CMD_RUN);
}

void rig_put_entry(struct rig *rig, uint32_t id, uint64_t dw0, uint64_t dw1, uint64_t dw2, uint64_t dw3)
{
	uint64_t gpa = DEVICE_TABLE + 32 * (uint64_t)id;

	rig_put(rig, gpa + 24, dw3);
	rig_put(rig, gpa + 16, dw2);
	rig_put(rig, gpa + 8, dw1);
	rig_put(rig, gpa, dw0);
}

void rig_entry(struct rig *rig, uint32_t id, uint64_t dw0, uint64_t dw1)
{
	rig_put_entry(rig, id, dw0, dw1, 0, 0);
	rig_command(rig, INV_DEVICE(id), 0);
	rig_command(rig, WAIT, 0);
}

void rig_tables(struct rig *rig, uint32_t id, uint32_t domain, unsigned int mode, uint64_t root)
{
	rig_entry(rig, id, D_V | D_TV | D_RW | D_MODE(mode) | root, domain);
}

uint64_t rig_table(struct rig *rig)
{
	uint64_t table = rig->next_table;

	rig->next_table += PAGE;
	memset(rig->ram + table, 0, PAGE);
	return table;
}

uint64_t rig_slot(struct rig *rig, uint64_t root, unsigned int mode, uint64_t iova, unsigned int level)
{
	for (unsigned int at = mode;; at--) {
		uint64_t slot = root + 8 * (iova >> (3 + 9 * at) & (at == 6 ? 0x7f : 0x1ff));

		if (at == level)
			return slot;
		if (!(rig_get(rig, slot) & P_PR))
			rig_put(rig, slot, rig_table(rig) | P_RW | P_NEXT(at - 1));
		root = rig_get(rig, slot) & UINT64_C(0xffffffffff000);
	}
}

void rig_map(struct rig *rig, uint64_t root, unsigned int mode, uint64_t iova, uint64_t gpa, uint64_t bits)
{
	rig_put(rig, rig_slot(rig, root, mode, iova, 1), gpa | bits);
}

struct viommu_amdvi_device *rig_device(struct rig *rig, uint32_t id)
{
	struct viommu_amdvi_device_config config = VIOMMU_AMDVI_DEVICE_CONFIG_INIT;
	struct viommu_amdvi_device *device;

	config.device_id = id;
	config.host = rig->host;
	assert_int_equal(viommu_amdvi_device_add(rig->amdvi, &config, &device), 0);
	return device;
}

struct viommu_amdvi_info rig_info(struct rig *rig)
{
	struct viommu_amdvi_info info = { .size = sizeof(info) };

	assert_int_equal(viommu_amdvi_info(rig->amdvi, &info), 0);
	return info;
}

struct viommu_amdvi_device_info rig_device_info(struct viommu_amdvi_device *device)
{
	struct viommu_amdvi_device_info info = { .size = sizeof(info) };

	assert_int_equal(viommu_amdvi_device_info(device, &info), 0);
	return info;
}

uint64_t rig_pinned(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(rig->vm, &stats);
	return stats.pinned_bytes / PAGE;
}

bool rig_event(struct rig *rig, uint64_t record[2])
{
	uint32_t head = rig_read(rig, R_EVENT_HEAD);

	if (head == rig_read(rig, R_EVENT_TAIL))
		return false;
	record[0] = rig_get(rig, EVENTS + head);
	record[1] = rig_get(rig, EVENTS + head + 8);
	rig_write(rig, R_EVENT_HEAD, (head + 16) & 0xfff);
	return true;
}

void rig_assert_event(struct rig *rig, uint64_t dw0, uint64_t dw1, const char *file, int line)
{
	uint64_t record[2] = { 0 };

	_assert_true(rig_event(rig, record), "an event", file, line);
	_assert_int_equal(record[0], dw0, file, line);
	_assert_int_equal(record[1], dw1, file, line);
}

void rig_assert_no_event(struct rig *rig, const char *file, int line)
{
	uint64_t record[2] = { 0 };

	_assert_int_equal(rig_event(rig, record) ? record[0] : 0, 0, file, line);
}

bool rig_reaches(struct viommu_amdvi_device *device, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	struct viommu_reader *reader;
	struct viommu_piece piece = { .hva = NULL };
	int pieces;

	assert_int_equal(viommu_reader_create(viommu_amdvi_device_device(device), VIOMMU_NO_PASID, &reader), 0);
	pieces = viommu_translate(reader, iova, 1, access, &piece, 1, NULL, NULL);
	viommu_reader_destroy(reader);
	if (pieces == 1 && hva)
		*hva = piece.hva;
	return pieces == 1;
}

int rig_access(struct rig *rig, struct viommu_amdvi_device *device, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	const struct viommu_fault fault = { .reason = VIOMMU_FAULT_NOT_PRESENT, .access = access, .iova = iova };
	int error;

	(void)rig;
	for (unsigned int rounds = 0; rounds < 10; rounds++) {
		if (rig_reaches(device, iova, access, hva))
			return 0;
		error = viommu_amdvi_device_fault(device, &fault);
		if (error)
			return error;
	}
	fail_msg("the IOMMU says that there is a translation, and there is none");
	return -EIO;
}

void rig_assert_reaches(struct rig *rig, struct viommu_amdvi_device *device, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line)
{
	const uint8_t *hva = NULL, *expected = gpa >= ROM_GPA ? rig->rom + (gpa - ROM_GPA) : rig->ram + gpa;

	_assert_true(!rig_access(rig, device, iova, access, &hva), "reached", file, line);
	if (hva != expected)
		print_error("%s:%d: another byte is reached\n", file, line);
	_assert_true(hva == expected, "the byte", file, line);
}
