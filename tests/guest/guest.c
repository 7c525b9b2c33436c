/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See guest.h. */
#include "guest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct guest_config guest_config(uint32_t flags)
{
	struct guest_config config = { .vm = VIOMMU_VM_CONFIG_INIT, .function = rig_function_config(NULL), .flags = flags };

	return config;
}

static void *add_memory(struct guest *guest, uint64_t gpa, uint64_t bytes, uint32_t prot)
{
	struct viommu_slot slot = { .size = sizeof(slot), .prot = prot, .gpa = gpa, .bytes = bytes, .fd = -1 };

	slot.hva = aligned_alloc((size_t)PAGE, (size_t)bytes);
	assert_non_null(slot.hva);
	memset(slot.hva, 0, (size_t)bytes);
	assert_int_equal(viommu_slot_add(guest->vm, &slot), 0);
	return slot.hva;
}

void guest_up_as(struct guest *guest, struct guest_config *config)
{
	memset(guest, 0, sizeof(*guest));
	assert_int_equal(viommu_vm_create(&config->vm, &guest->vm), 0);
	assert_int_equal(viommu_host_soft_create(&guest->host), 0);
	guest->ram = add_memory(guest, 0, RAM_BYTES, VIOMMU_RW);
	guest->rom = add_memory(guest, ROM_GPA, ROM_BYTES, VIOMMU_READ);
	config->function.host = guest->host;
	rig_up(&guest->rig, guest->vm, config->function, config->flags);
	assert_int_equal(viommu_reader_create(viommu_zpci_function_device(guest->rig.function), VIOMMU_NO_PASID, &guest->reader), 0);

	guest_fill(guest, RF, INVALID, 2048);
	guest_fill(guest, RS, INVALID, 2048);
	guest_fill(guest, RT, INVALID, 2048);
	guest_fill(guest, ST, INVALID, 2048);
	guest_fill(guest, PT, INVALIDP, 512);
	guest_put(guest, RF, RS | RFTE);
	guest_put(guest, RS, RT | RSTE);
	guest_put(guest, RT + 8 * 2, ST | RTTE);
	guest_put_segment(guest, 0, PT);
	guest_put_segment(guest, 1, PT1);
}

void guest_up(struct guest *guest, uint32_t flags)
{
	struct guest_config config = guest_config(flags);

	guest_up_as(guest, &config);
}

void guest_down(struct guest *guest)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_reader_destroy(guest->reader);
	rig_down(&guest->rig);
	viommu_vm_stats(guest->vm, &stats);
	assert_int_equal(stats.domains, 0);
	assert_int_equal(stats.devices, 0);
	assert_int_equal(stats.shadow_bytes, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	viommu_vm_destroy(guest->vm);
	viommu_host_destroy(guest->host);
	free(guest->ram);
	free(guest->rom);
}

uint64_t guest_get(const struct guest *guest, uint64_t gpa)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | guest->ram[gpa + i];
	return value;
}

/* One store of 8 bytes, as a guest makes it. */
void guest_put(struct guest *guest, uint64_t gpa, uint64_t value)
{
	uint8_t bytes[8];
	uint64_t stored;
	unsigned int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	memcpy(&stored, bytes, sizeof(stored));
	__atomic_store_n((uint64_t *)(void *)&guest->ram[gpa], stored, __ATOMIC_RELAXED);
}

void guest_fill(struct guest *guest, uint64_t gpa, uint64_t value, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		guest_put(guest, gpa + 8 * i, value);
}

struct viommu_zpci_answer guest_register(struct guest *guest, uint64_t pba, uint64_t pal, uint64_t iota)
{
	return rig_mpcifc(&guest->rig, rig_info(&guest->rig).fh, VIOMMU_ZPCI_OC_REG_IOAT, pba, pal, iota);
}

struct viommu_zpci_answer guest_refresh(struct guest *guest, uint64_t start, uint64_t bytes)
{
	return rig_rpcit(&guest->rig, rig_info(&guest->rig).fh, start, bytes);
}

struct viommu_zpci_answer guest_refresh_pages(struct guest *guest, uint64_t n, uint64_t pages)
{
	return guest_refresh(guest, iova(n), pages * PAGE);
}

struct viommu_zpci_answer guest_refresh_all(struct guest *guest)
{
	struct viommu_zpci_function_info info = rig_info(&guest->rig);

	return guest_refresh(guest, info.pba, info.pal - info.pba + 1);
}

struct viommu_zpci_answer guest_operation(struct guest *guest, uint8_t operation)
{
	return rig_operation(&guest->rig, rig_info(&guest->rig).fh, operation);
}

void guest_register_rt(struct guest *guest)
{
	assert_cc(guest_register(guest, PBA, PAL, IOTA_RT), 0);
}

static const uint8_t *hva_of(const struct guest *guest, uint64_t gpa)
{
	return gpa >= ROM_GPA ? guest->rom + (gpa - ROM_GPA) : guest->ram + gpa;
}

static int translate(struct guest *guest, uint64_t iova, uint32_t access, struct viommu_piece *piece, struct viommu_fault *fault)
{
	uint64_t translated;

	return viommu_translate(guest->reader, iova, 8, access, piece, 1, &translated, fault);
}

void guest_assert_reaches(struct guest *guest, uint64_t iova, uint64_t gpa, uint32_t prot, const char *file, int line)
{
	struct viommu_piece piece;
	struct viommu_fault fault;
	int ret = translate(guest, iova, VIOMMU_READ, &piece, &fault);

	_assert_int_equal(cast_to_largest_integral_type(ret), 1, file, line);
	_assert_int_equal(cast_ptr_to_largest_integral_type(piece.hva), cast_ptr_to_largest_integral_type(hva_of(guest, gpa)), file, line);
	ret = translate(guest, iova, VIOMMU_WRITE, &piece, &fault);
	_assert_int_equal(cast_to_largest_integral_type(ret), cast_to_largest_integral_type(prot & VIOMMU_WRITE ? 1 : -EFAULT), file, line);
	if (!(prot & VIOMMU_WRITE))
		_assert_int_equal(fault.reason, VIOMMU_FAULT_PROTECTION, file, line);
}

void guest_assert_reaches_nothing(struct guest *guest, uint64_t iova, const char *file, int line)
{
	struct viommu_piece piece;
	struct viommu_fault fault;
	int ret = translate(guest, iova, VIOMMU_READ, &piece, &fault);

	_assert_int_equal(cast_to_largest_integral_type(ret), cast_to_largest_integral_type(-EFAULT), file, line);
}

int guest_dma(struct guest *guest, uint64_t iova, uint32_t access)
{
	struct viommu_piece piece;
	struct viommu_fault fault;
	int ret = translate(guest, iova, access, &piece, &fault);

	if (ret == -EFAULT)
		viommu_zpci_dma_fault(guest->rig.function, &fault);
	return ret < 0 ? ret : 0;
}

uint64_t guest_pinned_pages(struct guest *guest)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(guest->vm, &stats);
	return stats.pinned_bytes / PAGE;
}

uint64_t guest_mapped_pages(struct guest *guest)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	viommu_zpci_function_stats(guest->rig.function, &stats);
	return stats.mapped_pages;
}
