/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with memory and an SMMUv3, for tests. Its structures are written byte by byte,
 * little-endian, with constants defined here: of the library only the public headers are used.
 *
 *   GPA 0 .. 32 MiB - 1    RAM
 *   GPA 64 MiB, 64 KiB     ROM: devices may read it
 *   all else               nothing
 */
#ifndef TESTS_SMMUV3_RIG_H
#define TESTS_SMMUV3_RIG_H

#include <viommu/viommu.h>
#include <viommu/smmuv3.h>

#define RAM_BYTES UINT64_C(0x2000000)
#define ROM_GPA	  UINT64_C(0x4000000)
#define ROM_BYTES UINT64_C(0x10000)
#define HOLE_GPA  UINT64_C(0x3000000)

#define CMDQ	    UINT64_C(0x10000)
#define CMDQ_BITS   6u
#define EVENTQ	    UINT64_C(0x20000)
#define EVENTQ_BITS 2u
#define STRTAB	    UINT64_C(0x40000)
#define STRTAB_BITS 8u
#define L2TABLES    UINT64_C(0x80000)
#define CDS	    UINT64_C(0x100000)
#define TABLES	    UINT64_C(0x200000)
#define DATA	    UINT64_C(0x1000000)
#define PAGE	    UINT64_C(4096)

/* Register offsets, independent of the library's. */
#define R_IDR0		  0x0u
#define R_CR0		  0x20u
#define R_CR0ACK	  0x24u
#define R_CR1		  0x28u
#define R_CR2		  0x2cu
#define R_STATUSR	  0x40u
#define R_GBPA		  0x44u
#define R_IRQ_CTRL	  0x50u
#define R_IRQ_CTRLACK	  0x54u
#define R_GERROR	  0x60u
#define R_GERRORN	  0x64u
#define R_STRTAB_BASE	  0x80u
#define R_STRTAB_BASE_CFG 0x88u
#define R_CMDQ_BASE	  0x90u
#define R_CMDQ_PROD	  0x98u
#define R_CMDQ_CONS	  0x9cu
#define R_EVENTQ_BASE	  0xa0u
#define R_EVENTQ_PROD	  0x100a8u
#define R_EVENTQ_CONS	  0x100acu

#define SMMUEN	 1u
#define EVENTQEN 4u
#define CMDQEN	 8u

struct rig {
	struct viommu_vm *vm;
	struct viommu_host *host;
	bool own_host; /* made with it */
	struct viommu_smmuv3 *smmu;
	uint8_t *ram;
	uint8_t *rom;
	unsigned int irqs[3]; /* atomic */
	uint64_t pinned;      /* bytes that remain after the SMMU is destroyed */
};

struct rig_config {
	struct viommu_vm_config vm;
	struct viommu_smmuv3_config smmu;
	struct viommu_host *host; /* the caller's; NULL: a soft host is made */
};

struct rig_config rig_config(void);
void rig_up_as(struct rig *rig, const struct rig_config *config);
void rig_up(struct rig *rig);
/* Checks that nothing is left or pinned. */
void rig_down(struct rig *rig);

/*
 * Sets up the queues and a linear stream table of zeros, and enables everything, interrupts
 * included.
 */
void rig_enable(struct rig *rig);
void rig_set_up(struct rig *rig); /* the same without CR0 */

uint32_t rig_read(struct rig *rig, uint32_t offset);
void rig_write(struct rig *rig, uint32_t offset, uint32_t value);
uint64_t rig_read64(struct rig *rig, uint32_t offset);
void rig_write64(struct rig *rig, uint32_t offset, uint64_t value);
unsigned int rig_irqs(struct rig *rig, enum viommu_smmuv3_irq irq); /* since the last call */

/* Guest memory, in RAM: one store or load of 8 bytes. */
void rig_put(struct rig *rig, uint64_t gpa, uint64_t value);
uint64_t rig_get(const struct rig *rig, uint64_t gpa);

struct viommu_smmuv3_device *rig_device(struct rig *rig, uint32_t sid);
struct viommu_smmuv3_info rig_info(struct rig *rig);
struct viommu_smmuv3_device_info rig_device_info(struct viommu_smmuv3_device *device);
uint64_t rig_pinned(struct rig *rig); /* pages */

/*
 * Writes a command at the producer index, and increments *prod; rig_kick() has the commands
 * consumed. rig_command() does both, and checks that the command was consumed.
 */
void rig_queue(struct rig *rig, uint32_t *prod, uint64_t dw0, uint64_t dw1);
void rig_kick(struct rig *rig, uint32_t prod);
void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1);

/* The commands that guests use most. */
#define SYNC		  UINT64_C(0x46)
#define CFGI_STE(sid)	  (UINT64_C(0x03) | (uint64_t)(sid) << 32)
#define CFGI_ALL	  UINT64_C(0x04)
#define CFGI_CD(sid)	  (UINT64_C(0x05) | (uint64_t)(sid) << 32)
#define TLBI_ALL	  UINT64_C(0x30)
#define TLBI_ASID(a)	  (UINT64_C(0x11) | (uint64_t)(a) << 48)
#define TLBI_VA(a)	  (UINT64_C(0x12) | (uint64_t)(a) << 48)
#define TLBI_VAA	  UINT64_C(0x13)
#define RANGE(num, scale) ((uint64_t)(num) << 12 | (uint64_t)(scale) << 20)
#define LEAF		  UINT64_C(1)
#define TTL(n)		  ((uint64_t)(n) << 8)
#define TG(n)		  ((uint64_t)(n) << 10)

/*
 * Stream table entries (in the linear table), and context descriptors: number n is at CDS + 64 * n.
 */
#define STE_ABORT  UINT64_C(0x1)
#define STE_BYPASS UINT64_C(0x9)
#define STE_S1(cd) (UINT64_C(0xb) | (cd))
void rig_put_ste(struct rig *rig, uint32_t sid, uint64_t dw0, uint64_t dw1);
static inline uint64_t cd_gpa(unsigned int n)
{
	return CDS + 64 * n;
}

/* A descriptor as Linux writes it: T0SZ 25 (39 bits), 4K, EPD1, V, IPS 44 bits, AA64, R, A. */
#define CD0(asid) (UINT64_C(25) | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | CD_R | CD_A | (uint64_t)(asid) << 48)
#define CD_R	  (UINT64_C(1) << 45)
#define CD_A	  (UINT64_C(1) << 46)
void rig_put_cd(struct rig *rig, unsigned int n, uint64_t dw0, uint64_t ttb0);

/*
 * A stream at stage 1 with descriptor n, as the guest makes one: entry, descriptor, CFGI_STE, SYNC.
 */
void rig_stage1(struct rig *rig, uint32_t sid, unsigned int n, uint64_t cd0, uint64_t ttb0);

/* Takes the oldest record from the event queue; false if there is none. */
bool rig_event(struct rig *rig, uint64_t record[4]);
#define assert_event(rig, type, sid) rig_assert_event(rig, type, sid, __FILE__, __LINE__)
#define assert_no_event(rig)	     rig_assert_event(rig, 0, 0, __FILE__, __LINE__)
void rig_assert_event(struct rig *rig, unsigned int type, uint32_t sid, const char *file, int line);

/* An access of a device to iova failed like this. */
int rig_fault(struct viommu_smmuv3_device *device, uint32_t reason, uint64_t iova, uint32_t access);

#endif
