/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * AMD-Vi (48882) in numbers, as far as the watcher uses them: registers (3.4), device table entries
 * (2.2.2), page tables (2.2.3), commands (2.4). They are written from this document, not from the
 * library's headers. So the comparison finds a wrong mask in either.
 */
#ifndef VIOMMU_WATCH_AMDVI_SPEC_H
#define VIOMMU_WATCH_AMDVI_SPEC_H

#include "bits.h"

#define REG_DEVICES  0x00u
#define REG_COMMANDS 0x08u
#define REG_CONTROL  0x18u
#define REG_HEAD     0x2000u
#define REG_TAIL     0x2008u
#define REG_STATUS   0x2020u

#define CONTROL_ENABLED(r) BITS(r, 0, 0)
#define CONTROL_EVENTS	   0x4u
#define CONTROL_RUNS(r)	   BITS(r, 12, 12)
#define BASE_ADDRESS(r)	   FIELD(r, 51, 12)
#define DEVICES_PAGES(r)   (BITS(r, 8, 0) + 1)
#define COMMANDS_BITS(r)   ((unsigned int)BITS(r, 59, 56)) /* 2^n commands */
#define INDEX(r)	   FIELD(r, 18, 4)

/* Device table entries, of 32 bytes. */
#define DTE_VALID(w0)  BITS(w0, 0, 0)
#define DTE_TABLES(w0) BITS(w0, 1, 1) /* TV */
#define DTE_MODE(w0)   ((unsigned int)BITS(w0, 11, 9))
#define DTE_ROOT(w0)   FIELD(w0, 51, 12)
#define DTE_DOMAIN(w1) ((uint32_t)BITS(w1, 15, 0))

/* Entries of page tables. */
#define PTE_PRESENT(e) BITS(e, 0, 0)
#define PTE_NEXT(e)    ((unsigned int)BITS(e, 11, 9))
#define PTE_SIZED      7u
#define PTE_ADDRESS(e) FIELD(e, 51, 12)
#define PTE_READ(e)    BITS(e, 61, 61)
#define PTE_WRITE(e)   BITS(e, 62, 62)

/* Commands, of 16 bytes. */
#define COMMAND_CODE(w0)   ((unsigned int)BITS(w0, 63, 60))
#define COMMAND_DOMAIN(w0) ((uint32_t)BITS(w0, 47, 32))
#define COMMAND_SIZE(w1)   BITS(w1, 0, 0)
#define COMMAND_PAGES(w1)  FIELD(w1, 63, 12)
enum { COMMAND_DEVICE = 2, COMMAND_INVALIDATE = 3, COMMAND_ALL = 8 };

#endif
