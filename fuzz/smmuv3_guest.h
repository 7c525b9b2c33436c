/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest of the SMMUv3's fuzzer: its stores to memory and registers, taken from an input: few
 * bytes for sensible values, more for others.
 */
#ifndef FUZZ_SMMUV3_GUEST_H
#define FUZZ_SMMUV3_GUEST_H

#include "smmuv3_model.h"
#include "world.h"

uint64_t guest_take_iova(struct input *input);

/* Entries of tables; a stream's entry or its descriptor of level 1; a context descriptor. */
void guest_write_table(struct world *world, struct input *input);
void guest_write_stream(struct world *world, const struct model_smmu *smmu, struct input *input);
void guest_write_context(struct world *world, struct input *input);

/* Writes some commands at the producer index, and returns its next value. */
uint32_t guest_write_commands(struct world *world, const struct model_smmu *smmu, struct input *input);

struct guest_store {
	uint32_t offset;
	unsigned int bytes;
	uint64_t value;
};
struct guest_store guest_take_store(const struct model_smmu *smmu, struct input *input);

/* An honest guest: one stream table, a descriptor for each two streams, tables with a few pages. */
#define HONEST_CMDQ   (UINT64_C(0x0) | 6)
#define HONEST_EVENTQ (UINT64_C(0x1000) | 2)
#define HONEST_STRTAB UINT64_C(0x110000)
void guest_begin_honestly(struct world *world, bool two_levels);

#endif
