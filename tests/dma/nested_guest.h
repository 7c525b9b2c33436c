/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's part: its memory, and stores to the register pages of its SMMUv3. STRUCTURES holds a
 * command queue, an event queue, and a stream table of two levels (IHI 0070, 3.3 and 3.5).
 */
#ifndef TESTS_DMA_NESTED_GUEST_H
#define TESTS_DMA_NESTED_GUEST_H

#include "nested_rig.h"

/*
 * The walker of each unit's tables, enum viommu_nesting; set it before nested_up(). Guests with
 * shadows also invalidate on map.
 */
extern uint32_t guest_nesting[UNITS];

/* A stream table entry's first two doublewords, without a command. */
#define GUEST_ABORT  UINT64_C(0x1)
#define GUEST_BYPASS UINT64_C(0x9)
void guest_entry(struct nested *rig, uint32_t stream, uint64_t ste0, uint64_t ste1);
void guest_entry_context(struct nested *rig, uint32_t stream, const struct context *context);

/*
 * Commands (IHI 0070, 4.1): appends one to the queue; consumes the queue, with a CMD_SYNC at its
 * end.
 */
void guest_queue(struct nested *rig, uint64_t command0, uint64_t command1);
void guest_sync(struct nested *rig);
#define CFGI_STE(sid) (UINT64_C(0x03) | (uint64_t)(sid) << 32)
#define CFGI_CD(sid)  (UINT64_C(0x05) | (uint64_t)(sid) << 32)
#define TLBI_ASID(a)  (UINT64_C(0x11) | (uint64_t)(a) << 48)
#define TLBI_VA(a)    (UINT64_C(0x12) | (uint64_t)(a) << 48)
#define TLBI_VAA      UINT64_C(0x13)
#define TLBI_ALL      UINT64_C(0x30)
#define TG_4K_TTL_3   UINT64_C(0x700)
#define TLBI_PAGES(n) ((uint64_t)((n)-1) << 12)

#endif
