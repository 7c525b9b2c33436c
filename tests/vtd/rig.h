/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with memory, a VT-d unit, tables and devices, for tests. Its structures are written byte
 * by byte, little-endian, with constants defined here: of the library only the public headers are
 * used, and vtd_spec.h is not among them.
 *
 *   GPA 0 .. 32 MiB - 1    RAM
 *   GPA 64 MiB, 64 KiB     ROM: devices may read it
 *   all else               nothing
 */
#ifndef TESTS_VTD_RIG_H
#define TESTS_VTD_RIG_H

#include <viommu/viommu.h>
#include <viommu/vtd.h>

#define RAM_BYTES UINT64_C(0x2000000)
#define ROM_GPA	  UINT64_C(0x4000000)
#define ROM_BYTES UINT64_C(0x10000)
#define HOLE_GPA  UINT64_C(0x3000000)
#define PAGE	  UINT64_C(4096)

#define QUEUE	  UINT64_C(0x10000)
#define ROOT	  UINT64_C(0x20000)
#define CONTEXTS  UINT64_C(0x21000) /* of bus 0; in scalable mode of its devices 0 to 15 */
#define UPPER	  UINT64_C(0x22000) /* in scalable mode of its devices 16 to 31 */
#define STATUS	  UINT64_C(0x30000)
#define DIRECTORY UINT64_C(0x40000)
#define PASIDS	  UINT64_C(0x41000)
#define IRT	  UINT64_C(0x50000)
#define TABLES	  UINT64_C(0x200000)
#define DATA	  UINT64_C(0x1000000)

/* Register offsets, independent of the library's. */
#define R_VER	  0x00u
#define R_CAP	  0x08u
#define R_ECAP	  0x10u
#define R_GCMD	  0x18u
#define R_GSTS	  0x1cu
#define R_RTADDR  0x20u
#define R_CCMD	  0x28u
#define R_FSTS	  0x34u
#define R_FECTL	  0x38u
#define R_FEDATA  0x3cu
#define R_FEADDR  0x40u
#define R_FEUADDR 0x44u
#define R_IQH	  0x80u
#define R_IQT	  0x88u
#define R_IQA	  0x90u
#define R_ICS	  0x9cu
#define R_IECTL	  0xa0u
#define R_IEDATA  0xa4u
#define R_IEADDR  0xa8u
#define R_IEUADDR 0xacu
#define R_IQERCD  0xb0u
#define R_IRTA	  0xb8u
#define R_IVA	  0xf0u
#define R_IOTLB	  0xf8u
#define R_FRCD	  0x220u
#define FRCDS	  4u

#define TE    (1u << 31)
#define SRTP  (1u << 30)
#define QIE   (1u << 26)
#define IRE   (1u << 25)
#define SIRTP (1u << 24)
#define CFI   (1u << 23)

#define PFO 0x01u
#define PPF 0x02u
#define IQE 0x10u

struct rig {
	struct viommu_vm *vm;
	struct viommu_host *host;
	bool own_host; /* made with it */
	bool scalable;
	struct viommu_vtd *vtd;
	uint8_t *ram;
	uint8_t *rom;
	/* Interrupts that were delivered since the last rig_msis(), and the last one. */
	unsigned int msis; /* atomic */
	uint64_t msi_address;
	uint32_t msi_data;
	uint64_t next_table;
};

struct rig_config {
	struct viommu_vm_config vm;
	struct viommu_vtd_config vtd;
	struct viommu_host *host; /* the caller's; NULL: a soft host is made */
};

struct rig_config rig_config(void);
void rig_up_as(struct rig *rig, const struct rig_config *config);
void rig_up(struct rig *rig);
/* Checks that nothing is left or pinned. */
void rig_down(struct rig *rig);

/*
 * Sets the root table, whose bus 0 has an empty context table, the queue and the interrupts, and
 * enables translation.
 */
void rig_enable(struct rig *rig);
void rig_set_up(struct rig *rig); /* the same without TE */

uint32_t rig_read(struct rig *rig, uint32_t offset);
void rig_write(struct rig *rig, uint32_t offset, uint32_t value);
uint64_t rig_read64(struct rig *rig, uint32_t offset);
void rig_write64(struct rig *rig, uint32_t offset, uint64_t value);
/* A global command: the states as they are, and changed bits. */
void rig_global(struct rig *rig, uint32_t set, uint32_t clear);
unsigned int rig_msis(struct rig *rig);

/* Guest memory, in RAM: one store or load of 8 bytes. */
void rig_put(struct rig *rig, uint64_t gpa, uint64_t value);
uint64_t rig_get(const struct rig *rig, uint64_t gpa);
/* The host address of guest memory; NULL where there is none. */
const uint8_t *rig_hva(const struct rig *rig, uint64_t gpa);

struct viommu_vtd_device *rig_device(struct rig *rig, uint32_t source_id);
struct viommu_vtd_info rig_info(struct rig *rig);
struct viommu_vtd_device_info rig_device_info(struct viommu_vtd_device *device);
uint64_t rig_pinned(struct rig *rig); /* pages */

/*
 * Writes a descriptor at *tail, and advances that; rig_kick() has the descriptors consumed.
 * rig_command() does both, and checks that the descriptor was consumed.
 */
void rig_queue(struct rig *rig, uint32_t *tail, uint64_t dw0, uint64_t dw1);
void rig_kick(struct rig *rig, uint32_t tail);
void rig_command(struct rig *rig, uint64_t dw0, uint64_t dw1);

/* The descriptors that guests use most. */
#define CC_GLOBAL	UINT64_C(0x11)
#define CC_DOMAIN(did)	(UINT64_C(0x21) | (uint64_t)(did) << 16)
#define CC_DEVICE(sid)	(UINT64_C(0x31) | (uint64_t)(sid) << 32)
#define FM(n)		((uint64_t)(n) << 48)
#define IOTLB_GLOBAL	UINT64_C(0xd2)
#define IOTLB_DOMAIN(d) (UINT64_C(0xe2) | (uint64_t)(d) << 16)
#define IOTLB_PAGES(d)	(UINT64_C(0xf2) | (uint64_t)(d) << 16)
#define IEC_GLOBAL	UINT64_C(0x04)
#define WAIT(data)	(UINT64_C(0x25) | (uint64_t)(data) << 32)
#define WAIT_INTERRUPT	UINT64_C(0x15)
#define PASID_GLOBAL	UINT64_C(0x37)
#define PIOTLB_PASID(d) (UINT64_C(0x26) | (uint64_t)(d) << 16)
#define PIOTLB_PAGES(d) (UINT64_C(0x36) | (uint64_t)(d) << 16)

/* Context entries of bus 0, in legacy mode. AW: 1 (39 bits), 2 or 3. */
#define CONTEXT_SECOND	     UINT64_C(0x1)
#define CONTEXT_PASS_THROUGH UINT64_C(0x9)
#define CONTEXT1(aw, did)    ((uint64_t)(aw) | (uint64_t)(did) << 8)
void rig_put_context(struct rig *rig, uint32_t source_id, uint64_t dw0, uint64_t dw1);
/* Of scalable mode: a context entry, and the PASID table entry that it leads to. */
void rig_put_sm_context(struct rig *rig, uint32_t source_id, uint64_t dw0, uint64_t dw1);
void rig_put_pasid(struct rig *rig, uint32_t pasid, uint64_t dw0, uint64_t dw1, uint64_t dw2);

/*
 * Second-stage tables: an empty top table; the address of the entry for iova at a level (0: a page)
 * of tables with this many levels, where missing ones are made.
 */
uint64_t rig_table(struct rig *rig);
uint64_t rig_entry(struct rig *rig, uint64_t root, unsigned int levels, uint64_t iova, unsigned int level);
#define E_R  UINT64_C(1)
#define E_W  UINT64_C(2)
#define E_PS UINT64_C(0x80)
void rig_map(struct rig *rig, uint64_t root, unsigned int levels, uint64_t iova, uint64_t gpa);

/*
 * A device of bus 0 with tables of 3 levels under a domain ID, as a guest configures it: entry,
 * context cache, IOTLB, wait.
 */
void rig_second_stage(struct rig *rig, uint32_t source_id, uint64_t root, uint16_t domain_id);

/* Takes the oldest fault record; false if there is none. */
struct record {
	uint64_t info;
	uint32_t source_id;
	uint32_t reason;
	bool read;
};
bool rig_record(struct rig *rig, struct record *record);
#define assert_fault(rig, reason, sid) rig_assert_fault(rig, reason, sid, __FILE__, __LINE__)
#define assert_no_fault(rig)	       rig_assert_fault(rig, 0, 0, __FILE__, __LINE__)
void rig_assert_fault(struct rig *rig, uint32_t reason, uint32_t source_id, const char *file, int line);

/* A device with a reader. */
struct user {
	struct rig *rig;
	struct viommu_vtd_device *device;
	struct viommu_reader *reader;
};
void user_init(struct user *user, struct rig *rig, uint32_t source_id);
void user_end(struct user *user);

/*
 * The result of viommu_translate() alone, and that of a device model, which reports misses: 0, or
 * the answer.
 */
bool user_has(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);
int user_access(struct user *user, uint64_t iova, uint32_t access, const uint8_t **hva);
#define assert_has(user, iova, gpa, access)	   user_assert_has(user, iova, gpa, access, __FILE__, __LINE__)
#define assert_has_not(user, iova)		   user_assert_has_not(user, iova, __FILE__, __LINE__)
#define assert_refused(user, iova, access, reason) user_assert_refused(user, iova, access, reason, __FILE__, __LINE__)
/* The IOVA is reached without a miss; it is not; an access fails with this fault, 0 for none. */
void user_assert_has(struct user *user, uint64_t iova, uint64_t gpa, uint32_t access, const char *file, int line);
void user_assert_has_not(struct user *user, uint64_t iova, const char *file, int line);
void user_assert_refused(struct user *user, uint64_t iova, uint32_t access, uint32_t reason, const char *file, int line);

/* An access of a device to iova failed. */
int rig_fault(struct viommu_vtd_device *device, uint64_t iova, uint32_t access);

#endif
