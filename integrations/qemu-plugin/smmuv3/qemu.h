/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is asked of QEMU itself about a machine with an SMMUv3: whose registers are at an address, which devices are behind the SMMU, and where an access of
 * such a device would go. All of it wants QEMU's own lock.
 */
#ifndef VIOMMU_WATCH_SMMUV3_QEMU_H
#define VIOMMU_WATCH_SMMUV3_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

struct qemu_object;
struct qemu_bus;
struct qemu_space;
struct qemu_region;
struct qemu_cpu;

/* QEMU's IOMMUTLBEntry and MemoryRegionSection; of the latter there is more than what stands here. */
struct qemu_iotlb_entry {
	struct qemu_space *target;
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t addr_mask;
	int perm;
};
struct qemu_section {
	unsigned __int128 bytes;
	struct qemu_region *region;
	void *view;
	uint64_t offset; /* in the region */
	uint64_t address;
	uint64_t rest[8];
};

/* QEMU's functions. An argument `attributes` is QEMU's MemTxAttrs, of up to eight bytes; 0 is a plain access. */
struct qemu {
	void (*lock)(const char *file, int line);
	void (*unlock)(void);
	bool (*locked)(void);
	struct qemu_region *(*memory)(void);
	struct qemu_section (*find)(struct qemu_region *region, uint64_t address, uint64_t bytes);
	struct qemu_object *(*owner)(struct qemu_region *region);
	struct qemu_region *(*region_of)(void *host, uint64_t *offset);
	void (*put)(struct qemu_region *region);
	struct qemu_object *(*root)(void);
	int (*each_child)(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx);
	struct qemu_object *(*cast)(struct qemu_object *object, const char *type);
	int64_t (*get_int)(struct qemu_object *object, const char *property, void **error);
	char *(*path)(struct qemu_object *object);
	struct qemu_bus *(*bus_of)(struct qemu_object *device);
	int (*bus_number)(struct qemu_bus *bus);
	struct qemu_space *(*space_of)(struct qemu_object *device);
	struct qemu_iotlb_entry (*translate)(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t attributes);
	void (*store)(struct qemu_space *space, uint64_t address, uint32_t value, uint64_t attributes, uint32_t *result);
	uint32_t (*load)(struct qemu_space *space, uint64_t address, uint64_t attributes, uint32_t *result);
	struct qemu_cpu *(*cpu)(int index);
	uint64_t (*walk)(struct qemu_cpu *cpu, uint64_t address, uint64_t *attributes);
	struct qemu_space *machine; /* as vCPUs see it */
};

/* Finds them in this process. false if one is missing. */
bool qemu_find(struct qemu *qemu);

/* true if it was taken: a thread may have it already. */
bool qemu_lock(const struct qemu *qemu);

/* Where in the machine's memory main memory begins: fills in ram->gpa. false if it is not there. */
bool qemu_place_ram(const struct qemu *qemu, struct guest_ram *ram);

/* Where a vCPU's virtual address leads, in its thread. false if it leads nowhere. Without QEMU's lock. */
bool qemu_walk(const struct qemu *qemu, unsigned int vcpu, uint64_t address, uint64_t *physical);

/* Whose registers are at an address. */
enum qemu_owner { QEMU_OTHER, QEMU_SMMU, QEMU_PCI };
struct qemu_target {
	enum qemu_owner owner;
	struct qemu_object *object;
	uint64_t offset; /* in the region of its registers */
};
struct qemu_target qemu_target_of(const struct qemu *qemu, uint64_t address);

/* A PCI function behind an IOMMU. */
struct qemu_pci {
	struct qemu_object *object;
	struct qemu_space *space;
	uint32_t requester; /* bus, device and function: the StreamID in QEMU's virt machine */
	char name[64];	    /* QEMU's id of it, or what it has instead */
};

/* false if it is behind none. */
bool qemu_pci_describe(const struct qemu *qemu, struct qemu_object *object, struct qemu_pci *pci);

/*
 * Calls fn for each that is there now, and has its number for good: those on the host bridge's own bus. The others have theirs when the guest has numbered the
 * buses.
 */
void qemu_pci_each(const struct qemu *qemu, void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx);

/* A load from the machine's registers, and a store to them. */
uint32_t qemu_load(const struct qemu *qemu, uint64_t address);
void qemu_store(const struct qemu *qemu, uint64_t address, uint32_t value);

/* Where accesses of a function to a page would go now, and the rights that it has there; 0: none. These are accesses: one that fails is an event. */
uint32_t qemu_ask(const struct qemu *qemu, const struct qemu_pci *pci, uint64_t iova, uint64_t *gpa);

#endif
