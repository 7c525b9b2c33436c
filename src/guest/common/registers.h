/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registers of a guest IOMMU, from a table. A row says where a register is and which of its
 * bits a guest may change; what else a store does is the architecture's, by the row's effect.
 */
#ifndef VIOMMU_GUEST_COMMON_REGISTERS_H
#define VIOMMU_GUEST_COMMON_REGISTERS_H

#include <port_types.h>

/*
 * Rows are sorted by offset. Several rows may have one offset: bits of a register that are locked
 * by different conditions. The value is then the first row's.
 */
struct guest_register {
	uint32_t offset;
	uint8_t bytes; /* 4 or 8 */
	/* conditions, bits of the architecture's, in any of which `writable` is not */
	uint8_t locked_by;
	uint8_t effect; /* of a store, a number of the architecture's; 0: none */
	/* A store takes the guest IOMMU's `lock` alone, and requests nothing (iommu.h) */
	bool light;
	uint64_t reset;
	uint64_t writable;
	uint64_t internal; /* bits that change without a store, and are part of a saved state */
};

struct guest_registers {
	const struct guest_register *table;
	unsigned int number;
	uint64_t *value; /* of each row */
};

struct guest_store {
	unsigned int effect;
	unsigned int row;
	uint64_t old;	  /* value of the register */
	uint64_t written; /* as the guest stored it, in the place that it has in the register */
};

/* All registers, at creation; those that may change, at a reset. */
void guest_registers_init(const struct guest_registers *registers);
void guest_registers_reset(const struct guest_registers *registers);

/* The first row of the register that an offset lies in; registers->number if it is reserved. */
unsigned int guest_registers_find(const struct guest_registers *registers, uint32_t offset);

/* 4 or 8 bytes, naturally aligned. Reserved offsets read as 0. */
uint64_t guest_registers_load(const struct guest_registers *registers, uint32_t offset, unsigned int bytes);

/*
 * A store of 4 bytes to an offset in the register whose first row is `row`: one of 8 is one to the
 * lower and then one to the upper half. The value has changed when this returns. `conditions` are
 * those that hold now.
 */
void guest_registers_store(const struct guest_registers *registers, unsigned int row, uint32_t offset, uint32_t value, unsigned int conditions,
			   struct guest_store *store);

/*
 * Saved registers are pairs of offset and value: one for each register, at most registers->number.
 * The return value says how many. Those that never change are saved, too, so that a state is not
 * restored where they differ. Restoring: false if there is another number of pairs, an unknown
 * offset, or bits that differ and that a register cannot change. Then nothing was restored.
 */
struct guest_saved_register {
	uint64_t offset;
	uint64_t value;
};
unsigned int guest_registers_save(const struct guest_registers *registers, struct guest_saved_register *saved);
bool guest_registers_restore(const struct guest_registers *registers, const struct guest_saved_register *saved, unsigned int number);

#endif
