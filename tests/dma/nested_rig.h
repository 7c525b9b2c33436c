/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest's memory with its stage-1 tables and context descriptors, and devices that the host
 * iommufd attaches to them, for machines whose SMMUv3 walks both stages. There are two ways to
 * attach: the host alone (nested_host.c), or all of the library, through the guest's own SMMU
 * (nested_guest.c). Tables are written here by the architecture's rules (Arm DDI 0487, D8; IHI
 * 0070, 5.4), with pages of 4 KiB and IOVAs of 48 bits. The reference gives their meaning, and
 * transfers of devices show the reached pages.
 */
#ifndef TESTS_DMA_NESTED_RIG_H
#define TESTS_DMA_NESTED_RIG_H

#include <viommu/smmuv3.h>
#include <viommu/vfio.h>

#include "dma/dma.h"
#include "host/host.h"
#include "naive_arm64.h"

#define PAGE UINT64_C(4096)
#define MIB  UINT64_C(0x100000)

/* Slots: tables, drivers' memory and pages; read-only pages; a slot that comes and goes. */
enum { SLOT_MAIN, SLOT_READ_ONLY, SLOT_VISITING, SLOTS };

/*
 * Pages that tests map, numbered through all slots. Those of SLOT_MAIN are 2 MiB, aligned, so that
 * a block may name them.
 */
#define MAIN_PAGES  512u
#define OTHER_PAGES 16u
#define PAGES	    (MAIN_PAGES + 2 * OTHER_PAGES)
#define NO_PAGE	    UINT32_MAX

/*
 * Rights of leaves (DDI 0487, D8.4.1): AP[2] forbids writes. AP[1] allows unprivileged accesses,
 * which devices make. It is always set here: QEMU's SMMU (10.0, its PTE_AP_TO_PERM()) ignores it.
 */
#define LEAF_READ  (UINT64_C(1) << 6 | UINT64_C(1) << 7)
#define LEAF_WRITE (UINT64_C(1) << 6)

/* Events (IHI 0070, 7.3). */
#define C_BAD_CD      0x0a
#define F_TRANSLATION 0x10
#define F_PERMISSION  0x13

/* Devices of two drivers. */
enum { EDU, NVME, SECOND_NVME, UNITS };

struct nested;

struct nested_side {
	/* SLOT_MAIN and the first context exist at that time. */
	void (*begin)(struct nested *rig);
	void (*end)(struct nested *rig);
	int (*show)(struct nested *rig, const struct host_slot *slot);
	int (*hide)(struct nested *rig, const struct host_slot *slot);
	/* Attached to the first context. Returns the device's VFIO file. */
	int (*plug)(struct nested *rig, unsigned int unit, const struct viommu_vfio_device *named);
	void (*unplug)(struct nested *rig, unsigned int unit);
	/* The next event: 0 or -ENOENT. wait: waits for one, up to a second. */
	int (*event)(struct nested *rig, uint64_t record[4], bool wait);
};
extern const struct nested_side nested_host_side, nested_guest_side;

/*
 * nested_host.c: invalidates the hardware's caches of IOVAs, in all contexts, and of the units'
 * descriptors.
 */
void nested_invalidate(struct nested *rig, uint64_t first, uint64_t last);
void nested_invalidate_contexts(struct nested *rig);

struct unit {
	struct host_device *device;
	struct viommu_smmuv3_device *behind;
	struct dma_device *dma;
	uint32_t stream;
};

/* A tree of tables, and the context descriptor that names it. */
struct context {
	uint64_t ttb, cd;
	uint16_t asid;
};

struct nested {
	const struct nested_side *side;
	struct viommu_host *host;
	/* nested_guest.c */
	struct viommu_vm *vm;
	struct viommu_smmuv3 *smmu;
	uint32_t cmdq_prod, eventq_cons;
	/* nested_host.c */
	const struct host_ops *ops;
	struct host_vm *guest;
	struct host_memory memory;
	struct host_slot slot[SLOTS];
	bool shown[SLOTS];
	unsigned char *main;
	uint64_t next; /* GPA of the next table */
	struct context context;
	struct host_space *space;
	struct unit unit[UNITS];
};

/* Whether this machine has the devices, and the host nests. Prints the reason if not. */
bool nested_is_possible(void);

/*
 * A host with a guest whose devices are attached to a context. The context maps drivers' memory and
 * two pages to exchange data.
 */
void nested_up(struct nested *rig, const struct nested_side *side);
void nested_down(struct nested *rig);
void nested_show(struct nested *rig, unsigned int slot);
void nested_hide(struct nested *rig, unsigned int slot);

/* Returns the GPA of that many free bytes of guest memory, without tables. */
#define STRUCTURES	 UINT64_C(0x40100000)
#define STRUCTURES_BYTES (1 * MIB)
/* Stores a doubleword that devices or the SMMU read from now on. */
void guest_store(struct nested *rig, uint64_t gpa, uint64_t value);

void context_new(struct nested *rig, struct context *context, uint16_t asid);
/* Stage-1 data of a Stream Table Entry that names the descriptor, little-endian. */
void context_ste(const struct context *context, uint64_t ste[2]);
/*
 * Sets the leaf of an IOVA at level 3 and adds the tables on the path. leaf 0: invalid. Invalidates
 * nothing.
 */
void context_set(struct nested *rig, const struct context *context, uint64_t iova, uint64_t leaf);
/* A block of 2 MiB that maps all pages of SLOT_MAIN. */
void context_set_block(struct nested *rig, const struct context *context, uint64_t iova, uint64_t rights);
uint64_t leaf_of(uint32_t page, uint64_t rights);
uint64_t leaf_to(uint64_t gpa, uint64_t rights);
uint64_t *gpa_word(struct nested *rig, uint64_t gpa);

/*
 * The reference's stage-1 translation of an IOVA: NO_PAGE, or the page, even if its slot does not
 * exist.
 */
struct reached {
	uint32_t page;
	bool writable;
};
struct reached context_says(struct nested *rig, const struct context *context, uint64_t iova);
/* The same, limited by the slot: its rights, or none if it does not exist. */
struct reached beneath(const struct nested *rig, struct reached by_stage1);

/*
 * A device's view of an IOVA: the page that it reads, and the page that it writes. Checks that it
 * writes no other page.
 */
void probe(struct nested *rig, unsigned int unit, uint64_t iova, uint32_t *reads, uint32_t *writes);
/* Checks that the view equals the reference's. */
void expect(struct nested *rig, const struct context *context, unsigned int unit, uint64_t iova);
void expect_nothing(struct nested *rig, unsigned int unit, uint64_t iova);

/*
 * Makes a unit write to a stopped IOVA until there is an event of a type (IHI 0070, 7.3), with the
 * page's IOVA if the type has one. The write is repeated, since the kernel's queue is limited and
 * an edu transfer records an event for each four bytes, so that this one may be lost.
 */
void expect_event(struct nested *rig, unsigned int unit, uint8_t type, uint64_t iova);
/* Waits for such an event, up to a time limit. */
bool event_arrives(struct nested *rig, unsigned int unit, uint8_t type, uint64_t iova);
void forget_events(struct nested *rig);

#endif
