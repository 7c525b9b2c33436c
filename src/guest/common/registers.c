/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "guest/common/registers.h"

unsigned int guest_registers_find(const struct guest_registers *registers, uint32_t offset)
{
	unsigned int low = 0, high = registers->number;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		const struct guest_register *row = &registers->table[middle];

		if (offset >= row->offset + row->bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return low < registers->number && offset >= registers->table[low].offset ? low : registers->number;
}

static bool continues(const struct guest_registers *registers, unsigned int row)
{
	return row && row < registers->number && registers->table[row].offset == registers->table[row - 1].offset;
}

void guest_registers_init(const struct guest_registers *registers)
{
	for (unsigned int i = 0; i < registers->number; i++)
		registers->value[i] = registers->table[i].reset;
}

/* All bits of a register that may change. */
static uint64_t changeable(const struct guest_registers *registers, unsigned int row)
{
	uint64_t bits = 0;

	for (unsigned int i = row; i == row || continues(registers, i); i++)
		bits |= registers->table[i].writable | registers->table[i].internal;
	return bits;
}

void guest_registers_reset(const struct guest_registers *registers)
{
	for (unsigned int i = 0; i < registers->number; i++)
		if (changeable(registers, i))
			registers->value[i] = registers->table[i].reset;
}

static uint64_t load32(const struct guest_registers *registers, uint32_t offset)
{
	unsigned int row = guest_registers_find(registers, offset);

	return row == registers->number ? 0 : (uint32_t)(registers->value[row] >> (offset - registers->table[row].offset) * 8);
}

uint64_t guest_registers_load(const struct guest_registers *registers, uint32_t offset, unsigned int bytes)
{
	return load32(registers, offset) | (bytes == 8 ? load32(registers, offset + 4) << 32 : 0);
}

void guest_registers_store(const struct guest_registers *registers, unsigned int row, uint32_t offset, uint32_t value, unsigned int conditions,
			   struct guest_store *store)
{
	unsigned int shift = (offset - registers->table[row].offset) * 8;
	uint64_t open = 0;

	*store = (struct guest_store){ .effect = registers->table[row].effect, .row = row, .old = registers->value[row] };
	for (unsigned int i = row; i == row || continues(registers, i); i++)
		open |= registers->table[i].locked_by & conditions ? 0 : registers->table[i].writable;
	store->written = (uint64_t)value << shift | (store->old & ~((uint64_t)UINT32_MAX << shift));
	registers->value[row] = (store->old & ~open) | (store->written & open);
}

unsigned int guest_registers_save(const struct guest_registers *registers, struct guest_saved_register *saved)
{
	unsigned int number = 0;

	for (unsigned int i = 0; i < registers->number; i++)
		if (!continues(registers, i))
			saved[number++] = (struct guest_saved_register){ registers->table[i].offset, registers->value[i] };
	return number;
}

bool guest_registers_restore(const struct guest_registers *registers, const struct guest_saved_register *saved, unsigned int number)
{
	unsigned int pair = 0;

	for (unsigned int i = 0; i < registers->number; i++) {
		if (continues(registers, i))
			continue;
		if (pair == number || saved[pair].offset != registers->table[i].offset || (saved[pair].value ^ registers->value[i]) & ~changeable(registers, i))
			return false;
		pair++;
	}
	if (pair != number)
		return false;
	pair = 0;
	for (unsigned int i = 0; i < registers->number; i++)
		if (!continues(registers, i))
			registers->value[i] = saved[pair++].value;
	return true;
}
