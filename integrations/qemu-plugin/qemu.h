/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's own functions, as far as they are called here. They are not an interface: the executable
 * exports them for its modules, and so they can be looked up by name (QEMU 10.0: system/memory.c,
 * system/physmem.c, hw/pci/pci.c, qom/object.c, hw/s390x/s390-pci-inst.c).
 */
#ifndef VIOMMU_WATCH_QEMU_H
#define VIOMMU_WATCH_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_ram.h"

struct qemu_block;
struct qemu_bus;
struct qemu_cpu;
struct qemu_object;
struct qemu_region;
struct qemu_space;

/* QEMU's IOMMUTLBEntry, MemoryRegionSection (with room for its rest) and S390IOTLBEntry. */
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
struct qemu_zpci_entry {
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t len;
	uint64_t perm; /* 0 none, 1 read, 3 read and write */
};

/* Groups of functions. A QEMU may lack one. */
#define QEMU_RAM     1u	 /* where guest memory is */
#define QEMU_DEVICES 2u	 /* PCI devices, and where their accesses go */
#define QEMU_ZPCI    4u	 /* the devices of s390x */
#define QEMU_MEMORY  8u	 /* what is at which address of the machine, and its registers */
#define QEMU_WALK    16u /* the walk of s390x's tables */

/* An argument `attributes` is QEMU's MemTxAttrs, of up to eight bytes; 0 is a plain access. */
struct qemu {
	unsigned int has; /* groups that are complete */
	int (*each_block)(int (*fn)(struct qemu_block *block, void *ctx), void *ctx);
	void *(*block_host)(struct qemu_block *block);
	uint64_t (*block_bytes)(struct qemu_block *block);
	void (*lock)(const char *file, int line);
	void (*unlock)(void);
	bool (*locked)(void);
	struct qemu_object *(*root)(void);
	int (*each_child)(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx);
	struct qemu_object *(*cast)(struct qemu_object *object, const char *type);
	struct qemu_space *(*space_of)(struct qemu_object *device);
	struct qemu_iotlb_entry (*translate)(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t attributes);
	uint64_t (*get_uint)(struct qemu_object *object, const char *property, void **error);
	char *(*get_str)(struct qemu_object *object, const char *property, void **error);
	struct qemu_bus *(*main_bus)(void);
	struct qemu_object *(*find_device)(struct qemu_bus *bus, const char *id);
	struct qemu_region *(*memory)(void);
	struct qemu_section (*find)(struct qemu_region *region, uint64_t address, uint64_t bytes);
	struct qemu_object *(*owner)(struct qemu_region *region);
	struct qemu_region *(*region_of)(void *host, uint64_t *offset);
	void (*put)(struct qemu_region *region);
	int64_t (*get_int)(struct qemu_object *object, const char *property, void **error);
	char *(*path)(struct qemu_object *object);
	struct qemu_bus *(*bus_of)(struct qemu_object *device);
	int (*bus_number)(struct qemu_bus *bus);
	void (*store)(struct qemu_space *space, uint64_t address, uint32_t value, uint64_t attributes, uint32_t *result);
	uint32_t (*load)(struct qemu_space *space, uint64_t address, uint64_t attributes, uint32_t *result);
	struct qemu_cpu *(*cpu)(int index);
	uint64_t (*debug_walk)(struct qemu_cpu *cpu, uint64_t address, uint64_t *attributes);
	struct qemu_space *machine; /* as vCPUs see it */
	uint16_t (*zpci_walk)(uint64_t iota, uint64_t iova, struct qemu_zpci_entry *entry);
};

/* Looks them up in this process. */
void qemu_find(struct qemu *qemu);

/* Takes QEMU's lock. false if the thread has it already, or this QEMU's cannot be taken. */
bool qemu_lock(const struct qemu *qemu);

/*
 * Finds main memory: the largest block, since firmware and devices' memory in the machines that are
 * watched are 128 MiB at most, in two halves. Memory that is plugged later is not looked at. place:
 * look for its address too, with QEMU's lock; otherwise it is 0. false if it is not found.
 */
bool qemu_find_ram(const struct qemu *qemu, bool place, struct guest_ram *ram);

/* Where a vCPU's virtual address leads, in its thread. false if nowhere. Needs no lock of QEMU's. */
bool qemu_walk(const struct qemu *qemu, unsigned int vcpu, uint64_t address, uint64_t *physical);

/*
 * What follows needs QEMU's lock.
 */

/* Whose registers are at an address: of an object of a type, or a PCI device's. */
struct qemu_target {
	enum { QEMU_OTHER = 0, QEMU_IOMMU, QEMU_PCI } owner;
	struct qemu_object *object;
	uint64_t offset; /* in the region of its registers */
};
struct qemu_target qemu_target_of(const struct qemu *qemu, uint64_t address, const char *iommu_type);

/* A PCI device behind an IOMMU. */
struct qemu_pci {
	struct qemu_object *object;
	struct qemu_space *space;
	uint32_t requester; /* bus, device and function */
	char name[64];	    /* QEMU's id, or the last part of its path */
};

/* false if it is behind none. */
bool qemu_pci_describe(const struct qemu *qemu, struct qemu_object *object, struct qemu_pci *pci);

/*
 * Calls fn for each device on the host bridge's own bus. Requester IDs of others are not final
 * before the guest has numbered the buses.
 */
void qemu_pci_each(const struct qemu *qemu, void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx);

/* A register of the machine. */
uint32_t qemu_load(const struct qemu *qemu, uint64_t address);
void qemu_store(const struct qemu *qemu, uint64_t address, uint32_t value);

/* Where a device's access would go. A failing one may be an event, or an error of the device. */
bool qemu_access(const struct qemu *qemu, struct qemu_space *space, uint64_t iova, bool is_write, uint64_t *gpa);

/* By a load and a store: the rights, 0 for none, and the GPA. */
uint32_t qemu_ask(const struct qemu *qemu, struct qemu_space *space, uint64_t iova, uint64_t *gpa);

#endif
