/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See tables.h. */
#include "tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../reference/naive_arm64.h"

#define ENTRY_ADDRESS UINT64_C(0xfffffffff000)

/* A translation that comes and goes may take several rounds. */
#define ROUNDS 64

static uint64_t make_table(struct tables *tables)
{
	uint64_t table = tables->next;

	for (unsigned int i = 0; i < 512; i++)
		rig_put(tables->rig, table + 8 * i, 0);
	tables->next += PAGE;
	return table;
}

void tables_init(struct tables *tables, struct rig *rig, uint64_t root)
{
	*tables = (struct tables){ .rig = rig, .root = root, .next = root };
	make_table(tables);
}

uint64_t tables_entry(struct tables *tables, uint64_t iova, unsigned int level)
{
	uint64_t table = tables->root;

	for (unsigned int at = 2; at > level; at--) {
		uint64_t gpa = table + 8 * (iova >> (12 + 9 * at) & 511);

		if ((rig_get(tables->rig, gpa) & 3) != 3)
			rig_put(tables->rig, gpa, make_table(tables) | E_TABLE);
		table = rig_get(tables->rig, gpa) & ENTRY_ADDRESS;
	}
	return table + 8 * (iova >> (12 + 9 * level) & 511);
}

void tables_map(struct tables *tables, uint64_t iova, uint64_t gpa, uint64_t bits)
{
	rig_put(tables->rig, tables_entry(tables, iova, 0), gpa | E_PAGE | bits);
}

void tables_unmap(struct tables *tables, uint64_t iova)
{
	rig_put(tables->rig, tables_entry(tables, iova, 0), 0);
}

void user_init(struct user *user, struct rig *rig, uint32_t sid)
{
	user->rig = rig;
	user->device = rig_device(rig, sid);
	assert_int_equal(viommu_reader_create(viommu_smmuv3_device_device(user->device), VIOMMU_NO_PASID, &user->reader), 0);
}

void user_end(struct user *user)
{
	viommu_reader_destroy(user->reader);
	viommu_smmuv3_device_remove(user->device);
}

static int translate(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva, struct viommu_fault *fault)
{
	struct viommu_piece piece = { .hva = NULL };
	uint64_t translated;
	int ret;

	ret = viommu_translate(user->reader, iova, 4, access, &piece, 1, &translated, fault);
	*hva = piece.hva;
	return ret == 1 ? 0 : -EFAULT;
}

bool user_has(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	struct viommu_fault fault;

	return !translate(user, iova, access, hva, &fault);
}

int user_access(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva)
{
	struct viommu_fault fault;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		int ret = translate(user, iova, access, hva, &fault);

		if (!ret)
			return 0;
		ret = viommu_smmuv3_device_fault(user->device, &fault);
		if (ret)
			return ret;
	}
	return -EAGAIN;
}

void user_assert_reaches(struct user *user, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line)
{
	const uint8_t *hva = NULL;

	_assert_int_equal(cast_to_largest_integral_type(user_access(user, iova, access, &hva)), 0, file, line);
	_assert_int_equal(cast_ptr_to_largest_integral_type(hva), cast_ptr_to_largest_integral_type(rig_hva(user->rig, gpa)), file, line);
	rig_assert_event(user->rig, 0, 0, file, line);
}

void user_assert_refused(struct user *user, uint64_t iova, uint32_t access, unsigned int type, const char *file, int line)
{
	const uint8_t *hva;

	_assert_int_equal(cast_to_largest_integral_type(user_access(user, iova, access, &hva)), cast_to_largest_integral_type(-EFAULT), file, line);
	rig_assert_event(user->rig, type, type ? rig_device_info(user->device).sid : 0, file, line);
}

const uint8_t *rig_hva(const struct rig *rig, uint64_t gpa)
{
	if (gpa < RAM_BYTES)
		return rig->ram + gpa;
	if (gpa >= ROM_GPA && gpa < ROM_GPA + ROM_BYTES)
		return rig->rom + (gpa - ROM_GPA);
	return NULL;
}

bool tables_naive(const struct rig *rig, const uint64_t cd[8], uint64_t iova, uint32_t access, uint64_t *gpa)
{
	const struct naive_slot slots[2] = {
		{ .gpa = 0, .bytes = RAM_BYTES, .memory = rig->ram, .writable = true },
		{ .gpa = ROM_GPA, .bytes = ROM_BYTES, .memory = rig->rom, .writable = false },
	};
	const struct naive_memory memory = { .slots = slots, .count = 2 };
	/* The SMMU's addresses have 44 bits. */
	struct arm64_tables tables = naive_arm64_context(cd, 4, iova >> 55 & 1);
	struct arm64_answer answer = naive_arm64_walk(&memory, &tables, iova);
	bool writable;

	if (answer.outcome != ARM64_IS_PAGE || !naive_byte(&memory, answer.address, &writable))
		return false;
	*gpa = answer.address;
	return (!(access & VIOMMU_READ) || answer.readable) && (!(access & VIOMMU_WRITE) || (answer.writable && writable));
}
