/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guest of the SMMUv3's fuzzer: what it writes into memory and registers, said by an input in few bytes where it makes sense, in more where not. */
#ifndef FUZZ_SMMUV3_GUEST_H
#define FUZZ_SMMUV3_GUEST_H

#include "smmuv3_model.h"
#include "world.h"

uint64_t guest_take_iova(struct input *input);

/* Entries of tables; a stream's entry or the descriptor of level 1 on the way to it; a context descriptor. */
void guest_write_table(struct world *world, struct input *input);
void guest_write_stream(struct world *world, const struct model_smmu *smmu, struct input *input);
void guest_write_context(struct world *world, struct input *input);

/* Puts some commands where the producer is, and returns the producer's next index. */
uint32_t guest_write_commands(struct world *world, const struct model_smmu *smmu, struct input *input);

struct guest_store {
	uint32_t offset;
	unsigned int bytes;
	uint64_t value;
};
struct guest_store guest_take_store(const struct model_smmu *smmu, struct input *input);

/* A guest that knows what it is doing: one table, its streams in it with a descriptor for each two, tables with a few pages. */
#define HONEST_CMDQ   (UINT64_C(0x0) | 6)
#define HONEST_EVENTQ (UINT64_C(0x1000) | 2)
#define HONEST_STRTAB UINT64_C(0x110000)
void guest_begin_honestly(struct world *world, bool two_levels);

#endif
