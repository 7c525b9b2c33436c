/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QEMU's live shadow as an oracle: where would an access of QEMU's device go now?
 */
#ifndef VIOMMU_WATCH_ORACLE_SHADOW_H
#define VIOMMU_WATCH_ORACLE_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"

struct qemu_object;
struct qemu_device;
struct qemu_bus;
struct qemu_space;

/* QEMU's IOMMUTLBEntry. */
struct qemu_iotlb_entry {
	struct qemu_space *target;
	uint64_t iova;
	uint64_t translated_addr;
	uint64_t addr_mask;
	int perm;
};

struct shadow_oracle {
	bool usable;
	const struct arguments *arguments;
	void (*lock)(const char *file, int line);
	void (*unlock)(void);
	bool (*locked)(void);
	struct qemu_object *(*root)(void);
	int (*each_child)(struct qemu_object *object, int (*fn)(struct qemu_object *child, void *ctx), void *ctx);
	struct qemu_object *(*cast)(struct qemu_object *object, const char *type);
	uint64_t (*get_uint)(struct qemu_object *object, const char *property, void **error);
	char *(*get_str)(struct qemu_object *object, const char *property, void **error);
	struct qemu_bus *(*main_bus)(void);
	struct qemu_device *(*find_device)(struct qemu_bus *bus, const char *id);
	struct qemu_space *(*space_of)(struct qemu_device *device);
	/* The last argument is QEMU's MemTxAttrs, a structure of up to eight bytes, which goes in a register as this does. All zeros is a plain access. */
	struct qemu_iotlb_entry (*ask)(struct qemu_space *space, uint64_t iova, bool is_write, uint64_t attributes);
};

/* Finds QEMU's functions. false if there are not all. */
bool shadow_oracle_find(struct shadow_oracle *oracle, const struct arguments *arguments);

/* QEMU's big lock, which all of the following want. false if the thread has it already. */
bool shadow_oracle_lock(const struct shadow_oracle *oracle);
void shadow_oracle_unlock(const struct shadow_oracle *oracle);

/* The id of the device that a function is, to be kept for good; NULL if it cannot be found out. */
const char *shadow_oracle_device(const struct shadow_oracle *oracle, uint32_t fh, uint32_t fid);

/* The address space of a device. NULL if there is no such device (any more). Not to be kept. */
struct qemu_space *shadow_oracle_space(const struct shadow_oracle *oracle, const char *id);

/*
 * Where an IOVA leads. Not to be asked for one that QEMU does not translate: it would take that for an access of the device, and put the function into its
 * error state. What the device may do there is not to be learned: QEMU always says read and write. false if it leads nowhere.
 */
bool shadow_oracle_ask(const struct shadow_oracle *oracle, struct qemu_space *space, uint64_t iova, uint64_t *gpa);

#endif
