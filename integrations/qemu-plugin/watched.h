/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Watching a guest IOMMU whose devices are streams: its stores become operations, with QEMU's
 * answers after those that submit something, and after the start of a device. What differs between
 * the IOMMUs is in struct watched_ops, one for each.
 *
 * The callback of a store comes after the device has acted: QEMU consumes commands in the thread of
 * the vCPU that stores, before the store ends. Meanwhile that vCPU is stopped. Invariants:
 *  - Guest memory is recorded as it was when QEMU answered: it is read before and after the query
 *    to QEMU. If a guest keeps changing it, the operation has no answers.
 *  - Changes are never lost: those of a store that is not an operation go to the next operation.
 *  - The guest notices nothing: while QEMU is queried it records no events (watched_ops.quiet). No
 *    vCPU's store can come in between, since registers need QEMU's lock.
 */
#ifndef VIOMMU_WATCH_WATCHED_H
#define VIOMMU_WATCH_WATCHED_H

#include <stddef.h>

#include "invalids.h"
#include "observer.h"
#include "qemu.h"
#include "streams.h"

struct watched;

struct watched_ops {
	struct stream_ops streams;
	/*
	 * The guest IOMMU is found in QEMU's machine: fills in its record, and records what there
	 * is besides. false after giving up.
	 */
	bool (*begin)(struct watched *watched, struct capture_record *iommu);
	/* A store to its registers, with both locks held. */
	void (*store)(struct watched *watched, const struct qemu_target *target, unsigned int bytes, uint64_t value);
	/* Whether QEMU has refused the last command. May be NULL. */
	bool (*refuses)(struct watched *watched);
	/*
	 * Removes from a store what would make the library write events for the guest. May be NULL.
	 */
	void (*silence)(struct capture_write *write);
};

/* Each QEMU has one. */
struct watched {
	struct observer *observer;
	const struct watched_ops *ops;
	struct streams streams;
	struct invalids invalids; /* of the commands since invalids_clear() */
	struct qemu_object *iommu;
	uint64_t address; /* of its registers */
};

static inline struct watched *watched_of(struct streams *streams)
{
	return (struct watched *)(void *)((char *)streams - offsetof(struct watched, streams));
}

/* For observer_ops: the functions of all these IOMMUs. */
int watched_watch(struct observer *observer, qemu_plugin_id_t id, const struct qemu_plugin_info *info);
void watched_ready(struct observer *observer);

/* An operation that submits nothing. */
void watched_tell(struct watched *watched, const struct capture_record *operation);
void watched_write(struct watched *watched, uint64_t offset, unsigned int bytes, uint64_t value);

/* An operation that submits watched->invalids: QEMU is queried. */
void watched_submit(struct watched *watched, const struct capture_record *operation);

/* A queue of commands in guest memory. Offsets are multiples of `bytes`. */
struct watched_ring {
	uint64_t gpa;
	uint64_t size;
	unsigned int bytes; /* of a command, at most 32 */
	uint64_t head;	    /* offset of what was not taken yet */
	bool (*add)(struct invalids *invalids, const uint64_t *words);
};

/*
 * Takes commands up to the tail into watched->invalids: their doublewords become changes. The
 * structures are read before.
 */
void watched_take(struct watched *watched, struct watched_ring *ring, uint64_t tail);

/* QEMU's registers. */
uint32_t watched_get32(const struct watched *watched, uint64_t offset);
void watched_set32(const struct watched *watched, uint64_t offset, uint32_t value);

/* The halves of a register of 64 bits, by stores of 4 or 8 bytes. */
static inline void watched_set_low(uint64_t *word, unsigned int bytes, uint64_t value)
{
	*word = bytes == 8 ? value : (*word & ~UINT64_C(0xffffffff)) | value;
}

static inline void watched_set_high(uint64_t *word, uint64_t value)
{
	*word = (*word & UINT64_C(0xffffffff)) | value << 32;
}

extern const struct watched_ops smmuv3_watched_ops, vtd_watched_ops, amdvi_watched_ops, virtio_watched_ops;

#endif
