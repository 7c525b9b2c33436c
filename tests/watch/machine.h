/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A machine that replaces QEMU in tests of the plugin: the plugin interface, the functions that the
 * plugin looks up by name, one block of guest memory and one vCPU or two. A guest is a C function
 * that stores to memory and registers, and executes instructions, through the calls below.
 */
#ifndef VIOMMU_TESTS_WATCH_MACHINE_H
#define VIOMMU_TESTS_WATCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_BYTES  (UINT64_C(16) << 20)
#define PAGE	   4096u
#define GUEST_VCPU 2u
#define PSW_MASK   16u /* the register after the sixteen general ones */

/* QEMU's IOMMUTLBEntry. */
struct iotlb_entry {
	void *target;
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t addr_mask;
	int perm;
};

struct machine {
	const char *target;
	const char *iommu; /* its type in QEMU; NULL: each machine of the target has it */
	bool big_endian;
	unsigned char *ram;
	uint64_t ram_gpa;
	uint64_t registers[GUEST_VCPU][17];
	/* Translates an access of the device `fid`, or of the one with that requester ID. */
	struct iotlb_entry (*translate)(unsigned int device, uint64_t iova, bool is_write);
	/* Handles a store to the IOMMU's registers; NULL: the machine has none. */
	void (*store)(uint64_t offset, uint64_t value);
	uint32_t (*load)(uint64_t offset); /* NULL: all of them are 0 */
	/* A virtqueue: descriptors, available and used ring, size. Handles what is in it. */
	uint64_t rings[4];
	void (*settle)(void);
	void (*run)(void);
};

extern struct machine machine;
extern struct machine machine_s390x, machine_arm64, machine_vtd, machine_vtd_scalable, machine_amdvi, machine_virtio;

/* A doubleword of guest memory in the guest's byte order. Both check the address. */
uint64_t machine_get(uint64_t gpa);
void machine_put(uint64_t gpa, uint64_t value);

/* A random number below a bound. Each run has the same sequence. */
unsigned int machine_draw(unsigned int bound);

/* Fills a page with the number of a block, like a device that reads a numbered disk. */
void machine_dma_block(uint64_t gpa, uint64_t block);

/* Guests read these blocks in pieces of this size. */
#define FIRST_BLOCK UINT64_C(256)
#define BLOCKS	    600u
unsigned int machine_blocks(uint64_t next);

/* Plugs a PCI device: its name, and FID or devfn. */
void machine_plug(const char *name, unsigned int number);

/*
 * Executes a block of one instruction up to the instruction. The caller does its effect and the
 * next block.
 */
void machine_execute(unsigned int vcpu, uint64_t address, const uint8_t *code, size_t bytes);

/* A vCPU stores to a device's register. Called after the device has acted. */
void machine_stored(uint64_t address, unsigned int bytes, uint64_t value);

/* Addresses of registers, in machines that have them. */
#define IOMMU_REGISTERS	 UINT64_C(0xfed90000)
#define DEVICE_REGISTERS UINT64_C(0x10000000) /* 64 KiB for each device */

#endif
