/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with memory and an AMD IOMMU, for tests. Its structures are written by doublewords,
 * little-endian, with constants defined here: of the library only the public headers are used.
 *
 *   GPA 0 .. 32 MiB - 1    RAM
 *   GPA 64 MiB, 64 KiB     ROM: devices may read it
 *   all else               nothing
 */
#ifndef TESTS_AMDVI_RIG_H
#define TESTS_AMDVI_RIG_H

#include <viommu/viommu.h>
#include <viommu/amdvi.h>

#define RAM_BYTES UINT64_C(0x2000000)
#define ROM_GPA	  UINT64_C(0x4000000)
#define ROM_BYTES UINT64_C(0x10000)
#define HOLE_GPA  UINT64_C(0x3000000)
#define PAGE	  UINT64_C(4096)

#define COMMANDS     UINT64_C(0x10000) /* 256 of them */
#define EVENTS	     UINT64_C(0x20000) /* 256 of them */
#define DEVICE_TABLE UINT64_C(0x40000) /* 4 pages: 512 devices */
#define INTERRUPTS   UINT64_C(0x60000)
#define SEMAPHORE    UINT64_C(0x70000)
#define TABLES	     UINT64_C(0x200000)
#define DATA	     UINT64_C(0x1000000)

/* Register offsets, independent of the library's. */
#define R_DEV_TAB    0x0000u
#define R_CMD_BASE   0x0008u
#define R_EVENT_BASE 0x0010u
#define R_CONTROL    0x0018u
#define R_EXCL_BASE  0x0020u
#define R_EXCL_LIMIT 0x0028u
#define R_EFR	     0x0030u
#define R_XT	     0x0170u
#define R_CMD_HEAD   0x2000u
#define R_CMD_TAIL   0x2008u
#define R_EVENT_HEAD 0x2010u
#define R_EVENT_TAIL 0x2018u
#define R_STATUS     0x2020u

#define IOMMU_EN     UINT64_C(0x1)
#define EVENT_LOG_EN UINT64_C(0x4)
#define EVENT_INT_EN UINT64_C(0x8)
#define COM_WAIT_EN  UINT64_C(0x10)
#define CMD_BUF_EN   UINT64_C(0x1000)
#define GA_EN	     UINT64_C(0x20000)
#define XT_EN	     (UINT64_C(1) << 50)
#define INT_CAP_XT   (UINT64_C(1) << 51)
#define ALL_EN	     (IOMMU_EN | EVENT_LOG_EN | EVENT_INT_EN | COM_WAIT_EN | CMD_BUF_EN)

#define S_OVERFLOW  0x01u
#define S_EVENT_INT 0x02u
#define S_WAIT_INT  0x04u
#define S_EVENT_RUN 0x08u
#define S_CMD_RUN   0x10u

struct rig {
	struct viommu_vm *vm;
	struct viommu_host *host;
	bool own_host;
	struct viommu_amdvi *amdvi;
	uint8_t *ram;
	uint8_t *rom;
	uint64_t next_table;		     /* where the next one is made */
	unsigned int irqs;		     /* atomic */
	struct viommu_amdvi_message message; /* of the last interrupt; zeros: the PCI function's */
};

struct rig_config {
	struct viommu_vm_config vm;
	uint32_t flags;
	struct viommu_host *host; /* NULL: a soft one is made */
};

struct rig_config rig_config(void);
void rig_up_as(struct rig *rig, const struct rig_config *config);
void rig_up(struct rig *rig);
/* Checks that nothing is left or pinned. */
void rig_down(struct rig *rig);

/* Sets up the buffers, and a device table of zeros; rig_enable() enables all of it, too. */
void rig_set_up(struct rig *rig);
void rig_enable(struct rig *rig);

uint32_t rig_read(struct rig *rig, uint32_t offset);
void rig_write(struct rig *rig, uint32_t offset, uint32_t value);
uint64_t rig_read64(struct rig *rig, uint32_t offset);
void rig_write64(struct rig *rig, uint32_t offset, uint64_t value);
unsigned int rig_irqs(struct rig *rig); /* since the last call */

/* Guest memory, in RAM: one store or load of 8 bytes. */
void rig_put(struct rig *rig, uint64_t gpa, uint64_t value);
uint64_t rig_get(const struct rig *rig, uint64_t gpa);

/* Commands: rig_queue() writes one at the tail, rig_kick() has them consumed. */
void rig_queue(struct rig *rig, uint32_t *tail, uint64_t dw0, uint64_t dw1);
void rig_kick(struct rig *rig, uint32_t tail);
/* Both; checks that the command was consumed, or that the buffer stopped at it. */
void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1);
void rig_refused(struct rig *rig, uint64_t dw0, uint64_t dw1);

#define OPCODE(n)      ((uint64_t)(n) << 60)
#define WAIT	       OPCODE(1)
#define INV_DEVICE(id) (OPCODE(2) | (uint64_t)(id))
#define INV_PAGES(d)   (OPCODE(3) | (uint64_t)(d) << 32)
#define INV_ALL	       OPCODE(8)
#define PDE	       UINT64_C(2)
#define SIZED	       UINT64_C(1)
#define ALL_PAGES      (UINT64_C(0x7ffffffffffff000) | PDE | SIZED)

/* Device table entries. */
#define D_V	  UINT64_C(0x1)
#define D_TV	  UINT64_C(0x2)
#define D_MODE(n) ((uint64_t)(n) << 9)
#define D_IR	  (UINT64_C(1) << 61)
#define D_IW	  (UINT64_C(1) << 62)
#define D_RW	  (D_IR | D_IW)
#define D1_SE	  (UINT64_C(1) << 33)
#define D1_SA	  (UINT64_C(1) << 34)
#define D1_EX	  (UINT64_C(1) << 39)
void rig_put_entry(struct rig *rig, uint32_t id, uint64_t dw0, uint64_t dw1, uint64_t dw2, uint64_t dw3);
/* An entry with tables, as Linux writes it, and its invalidation. */
void rig_tables(struct rig *rig, uint32_t id, uint32_t domain, unsigned int mode, uint64_t root);
/* Any entry, and its invalidation. */
void rig_entry(struct rig *rig, uint32_t id, uint64_t dw0, uint64_t dw1);

/* Entries of page tables. */
#define P_PR	  UINT64_C(0x1)
#define P_NEXT(n) ((uint64_t)(n) << 9)
#define P_RW	  (D_RW | P_PR)

/* A new table of zeros. */
uint64_t rig_table(struct rig *rig);
/*
 * Where the entry of iova is in AMD's level `level`, in tables with the root and mode; missing
 * tables are made, one for each level.
 */
uint64_t rig_slot(struct rig *rig, uint64_t root, unsigned int mode, uint64_t iova, unsigned int level);
/* A page of 4 KiB. */
void rig_map(struct rig *rig, uint64_t root, unsigned int mode, uint64_t iova, uint64_t gpa, uint64_t bits);

struct viommu_amdvi_device *rig_device(struct rig *rig, uint32_t id);
struct viommu_amdvi_info rig_info(struct rig *rig);
struct viommu_amdvi_device_info rig_device_info(struct viommu_amdvi_device *device);
uint64_t rig_pinned(struct rig *rig); /* pages */

/* Takes the oldest event from the log; false if there is none. */
bool rig_event(struct rig *rig, uint64_t record[2]);
#define E(code)			    ((uint64_t)(code) << 60)
#define E_DOMAIN(id)		    ((uint64_t)(id) << 32)
#define E_I			    (UINT64_C(1) << 51)
#define E_PR			    (UINT64_C(1) << 52)
#define E_RW			    (UINT64_C(1) << 53)
#define E_PE			    (UINT64_C(1) << 54)
#define E_RZ			    (UINT64_C(1) << 55)
#define E_ABORT			    (UINT64_C(1) << 57)
#define assert_event(rig, dw0, dw1) rig_assert_event(rig, dw0, dw1, __FILE__, __LINE__)
#define assert_no_event(rig)	    rig_assert_no_event(rig, __FILE__, __LINE__)
void rig_assert_event(struct rig *rig, uint64_t dw0, uint64_t dw1, const char *file, int line);
void rig_assert_no_event(struct rig *rig, const char *file, int line);

/*
 * A device model's access: translates, and asks about misses. 0 with the host address of the byte,
 * or -EFAULT. rig_reaches(): without asking.
 */
int rig_access(struct rig *rig, struct viommu_amdvi_device *device, uint64_t iova, uint32_t access, const uint8_t **hva);
bool rig_reaches(struct viommu_amdvi_device *device, uint64_t iova, uint32_t access, const uint8_t **hva);
#define assert_reaches(rig, device, iova, gpa, access) rig_assert_reaches(rig, device, iova, gpa, access, __FILE__, __LINE__)
#define assert_refused(rig, device, iova, access)      assert_int_equal(rig_access(rig, device, iova, access, NULL), -EFAULT)
void rig_assert_reaches(struct rig *rig, struct viommu_amdvi_device *device, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line);

#endif
