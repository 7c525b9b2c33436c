/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The functions of QEMU that the plugin calls. They are not an interface: the executable exports
 * them for its modules (QEMU 10.0: system/memory.c, system/physmem.c, hw/pci/pci.c, qom/object.c,
 * hw/s390x/s390-pci-inst.c). They are weak: a function that a QEMU lacks is NULL.
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

#define WEAK __attribute__((weak))

/* The location of guest memory. */
#define QEMU_RAM 1u
WEAK int qemu_ram_foreach_block(int (*fn)(struct qemu_block *block, void *ctx), void *ctx);
WEAK void *qemu_ram_get_host_addr(struct qemu_block *block);
WEAK uint64_t qemu_ram_get_used_length(struct qemu_block *block);

/* PCI devices, and the targets of their accesses. attributes: MemTxAttrs, of up to eight bytes. */
#define QEMU_DEVICES 2u
WEAK void bql_lock_impl(const char *file, int line);
WEAK void bql_unlock(void);
WEAK bool bql_locked(void);
WEAK struct qemu_object *object_get_root(void);
WEAK int object_child_foreach_recursive(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx);
WEAK struct qemu_object *object_dynamic_cast(struct qemu_object *object, const char *type);
WEAK struct qemu_space *pci_device_iommu_address_space(struct qemu_object *device);
WEAK struct qemu_iotlb_entry address_space_get_iotlb_entry(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t attributes);

/* The devices of s390x. */
#define QEMU_ZPCI 4u
WEAK uint64_t object_property_get_uint(struct qemu_object *object, const char *property, void **error);
WEAK char *object_property_get_str(struct qemu_object *object, const char *property, void **error);
WEAK struct qemu_bus *sysbus_get_default(void);
WEAK struct qemu_object *qdev_find_recursive(struct qemu_bus *bus, const char *id);

/* The regions of the machine's address space, and their registers. */
#define QEMU_MEMORY 8u
WEAK struct qemu_region *get_system_memory(void);
WEAK struct qemu_section memory_region_find(struct qemu_region *region, uint64_t address, uint64_t bytes);
WEAK struct qemu_object *memory_region_owner(struct qemu_region *region);
WEAK const char *memory_region_name(const struct qemu_region *region);
WEAK struct qemu_region *memory_region_from_host(void *host, uint64_t *offset);
WEAK void memory_region_unref(struct qemu_region *region);
WEAK int64_t object_property_get_int(struct qemu_object *object, const char *property, void **error);
WEAK char *object_get_canonical_path(struct qemu_object *object);
WEAK struct qemu_bus *qdev_get_parent_bus(struct qemu_object *device);
WEAK int pci_bus_num(struct qemu_bus *bus);
WEAK void address_space_stl_le(struct qemu_space *space, uint64_t address, uint32_t value, uint64_t attributes, uint32_t *result);
WEAK uint32_t address_space_ldl_le(struct qemu_space *space, uint64_t address, uint64_t attributes, uint32_t *result);
WEAK struct qemu_cpu *qemu_get_cpu(int index);
WEAK uint64_t cpu_get_phys_page_attrs_debug(struct qemu_cpu *cpu, uint64_t address, uint64_t *attributes);
extern WEAK struct qemu_space address_space_memory; /* as vCPUs see it */

/* The virtqueues of a virtio-iommu. */
#define QEMU_VIRTIO 16u
struct qemu_queue;
struct qemu_notifier;
WEAK bool object_property_get_bool(struct qemu_object *object, const char *property, void **error);
WEAK struct qemu_queue *virtio_get_queue(struct qemu_object *device, int number);
WEAK int virtio_queue_get_num(struct qemu_object *device, int number);
WEAK uint64_t virtio_queue_get_desc_addr(struct qemu_object *device, int number);
WEAK uint64_t virtio_queue_get_avail_addr(struct qemu_object *device, int number);
WEAK uint64_t virtio_queue_get_used_addr(struct qemu_object *device, int number);
WEAK struct qemu_notifier *virtio_queue_get_host_notifier(struct qemu_queue *queue);
WEAK void virtio_queue_host_notifier_read(struct qemu_notifier *notifier);

/* The walk of s390x's tables. */
WEAK uint16_t s390_guest_io_table_walk(uint64_t iota, uint64_t iova, struct qemu_zpci_entry *entry);

/* Whether this QEMU has all functions of these groups. */
bool qemu_has(unsigned int groups);

/*
 * Takes QEMU's lock. false if the thread holds it already, or this QEMU's lock is not accessible.
 */
bool qemu_lock(void);

/*
 * Finds main memory: the largest block, which must be in one piece. In the supported machines,
 * firmware and device memory have 128 MiB at most. Memory that is plugged later is ignored. place:
 * look up its address too, with QEMU's lock held; otherwise it is 0. false if it is not found.
 */
bool qemu_find_ram(bool place, struct guest_ram *ram);

/*
 * Translates a vCPU's virtual address, in its thread. false if there is no translation. Needs no
 * lock of QEMU's.
 */
bool qemu_walk(unsigned int vcpu, uint64_t address, uint64_t *physical);

/* The functions below need QEMU's lock. */

/* The owner of the registers at an address: an object of a type, or a PCI device. */
struct qemu_target {
	enum { QEMU_OTHER = 0, QEMU_IOMMU, QEMU_PCI } owner;
	struct qemu_object *object;
	uint64_t offset; /* in the region of its registers */
	char region[64]; /* the region's name; empty where QEMU does not tell */
};
struct qemu_target qemu_target_of(uint64_t address, const char *iommu_type);

/* An object of that type, NULL if the machine has none. */
struct qemu_object *qemu_find_type(const char *type);

/* A PCI device behind an IOMMU. */
struct qemu_pci {
	struct qemu_object *object;
	struct qemu_space *space;
	uint32_t requester; /* bus, device and function */
	char name[64];	    /* QEMU's id, or the last component of its path */
};

/* false if it is behind no IOMMU. */
bool qemu_pci_describe(struct qemu_object *object, struct qemu_pci *pci);

/*
 * Calls fn for each device on the host bridge's own bus, itself included if `bridge`. Requester IDs
 * of other buses are not final before the guest has numbered the buses.
 */
void qemu_pci_each(bool bridge, void (*fn)(void *ctx, const struct qemu_pci *pci), void *ctx);

/* The device with that requester ID, on any bus, after the guest has numbered the buses. */
bool qemu_pci_find(uint32_t requester, struct qemu_pci *pci);

/* Translates a device's access. A failing one may become an event, or an error of the device. */
bool qemu_access(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t *gpa);

/* Translates a load and a store, if `kinds` has them: the rights, 0 for none, and the GPA. */
uint32_t qemu_ask(struct qemu_space *space, uint64_t iova, uint32_t kinds, uint64_t *gpa);

#endif
