/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest IOMMU of the module, as a guest drives it: registers by stores and loads of its vCPU, or
 * by ioctls where it has none; tables, and commands, by stores to memory. Numbers are of the
 * architectures' documents.
 */
#ifndef TESTS_MODULE_GUESTS_H
#define TESTS_MODULE_GUESTS_H

#include "rig.h"
#include "vcpu.h"

/* IOVAs of a window of 2 MiB, and the rig's own page, can be mapped. */
#define GUEST_WINDOW  (32 * MIB)
#define GUEST_STATUS  UINT64_C(0x87000) /* where waits store */
#define GUEST_SOURCE  0x10u
#define GUEST_EVENTS  3u
#define GUEST_NOTHING UINT64_MAX

/* GPAs: VT-d's context table, or SMMUv3's context descriptor; the uppermost of three tables. */
#define GUEST_CONTEXTS UINT64_C(0x82000)
#define GUEST_TOP      UINT64_C(0x83000)

struct guest {
	struct rig rig;
	struct vcpu vcpu;
	const struct guest_kind *kind;
	uint32_t iommu;
	int event[GUEST_EVENTS];
	uint32_t tail;
	uint32_t mask;	       /* of the tail */
	unsigned int commands; /* that the queue has room for */
	uint32_t waits;
};

struct guest_kind {
	uint32_t type;
	uint32_t address_bits;
	uint64_t registers; /* GPA */
	uint32_t tail;
	uint32_t step;	/* of the tail, for one command */
	bool wraps;	/* the tail has one more bit */
	uint64_t table; /* bits of an entry that names a lower table */
	uint64_t leaf;
	uint64_t written; /* of one that may be written, and of one that may not */
	uint64_t protected;
	/* The events of an access, of an illegal command, and of a wait. */
	unsigned int fault;
	unsigned int stopped;
	unsigned int wait;
	uint64_t status; /* GPA that says how far the queue is done */
	/* Configures and enables all, with a queue of so many pages. */
	void (*enable)(struct guest *guest, unsigned int pages);
	void (*forget)(struct guest *guest, uint64_t iova, bool everything);
	/* Stores the number to GUEST_STATUS, where commands can do that. */
	void (*await)(struct guest *guest, uint32_t number, bool interrupt);
	void (*illegal)(struct guest *guest);
	/* Whether there is a fault of an illegal command, or of an access: it is acknowledged. */
	bool (*has_stopped)(struct guest *guest);
	bool (*has_faulted)(struct guest *guest, uint64_t iova);
};

extern const struct guest_kind guest_vtd, guest_amdvi, guest_smmuv3;

/* The container with the group behind the guest IOMMU, all memory, and the vCPU. */
void guest_open(struct guest *guest, const struct guest_kind *kind, uint32_t type);
void guest_close(struct guest *guest);

/* The ioctls: 0 or a negative errno. */
int guest_create(struct guest *guest);
int guest_destroy(struct guest *guest);
int guest_device(struct guest *guest, uint32_t flags);
int guest_doorbell(struct guest *guest, int vm);
int guest_access(struct guest *guest, uint64_t offset, bool store, unsigned int bytes, uint64_t *value);
int guest_fault(struct guest *guest, uint64_t iova, uint32_t access, uint32_t *recorded);

/* Initialises all tables, which map the rig's own page alone; maps a page of the window. */
void guest_tables(struct guest *guest);
void guest_map(struct guest *guest, uint64_t iova, uint64_t gpa, bool written);
/* Stores an entry of the table above those of leaves. Returns its GPA. */
uint64_t guest_put_above(struct guest *guest, uint64_t iova, uint64_t entry);
/* Tables that name each other, for all IOVAs: a refresh of all takes seconds. Nothing is mapped. */
void guest_entangle(struct guest *guest);

/* The size of the queue, before it is enabled: one page, or more. */
void guest_set_queue(struct guest *guest, unsigned int pages);
void guest_queue(struct guest *guest, uint64_t word0, uint64_t word1);
/*
 * Queues a wait, and has the vCPU store the tail. Returns the number of exits of that store. Checks
 * that the wait has completed when the vCPU's next instruction loads the status.
 */
unsigned int guest_ring(struct guest *guest, bool interrupt);
/* The page of an IOVA may be another one. */
void guest_follow(struct guest *guest, uint64_t iova);

/* Exits of a store of the tail: none with a doorbell, which this kernel's KVM may not take. */
extern unsigned int guest_exits;
/* guest_doorbell(), which is as it should be on this kernel. */
void guest_ring_in_kernel(struct guest *guest);

#endif
