/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the zPCI guest IOMMU, and who may touch what when. Everything in src/guest/zpci includes this, and nothing outside does.
 *
 * A function has a state, a handle, and at most one registration (ioat.h). Three locks protect them, taken in this order:
 *
 *   change  (of a function)  held by whoever changes state, handle or registration, from the first look to the last effect, however long that takes:
 *                            domains are made and destroyed under it. So changes to one function come one after the other, and one that has returned is
 *                            complete.
 *   lock    (of the zpci)    the lookup by handle and by function ID. Held for a few instructions.
 *   lock    (of a function)  the fields themselves. Held for a few instructions.
 *
 * Writing a handle takes all three, writing a state or a registration takes change and the function's lock; so any one of those is enough to read.
 *
 * A refresh takes none of them while it works: it enters the registration's gate (ioat.h) and leaves it. Whoever takes a registration away first unpublishes
 * it, then waits at the gate, then destroys. RPCITs on different functions therefore meet only in the lookup, and RPCITs on one function meet only where
 * the domain itself makes them.
 *
 * An instruction finds its function by the handle, and between the lookup and the function's lock the handle may be taken away: the handle is compared again
 * under the lock. The count of users keeps the function's memory meanwhile.
 */
#ifndef VIOMMU_GUEST_ZPCI_FUNCTION_H
#define VIOMMU_GUEST_ZPCI_FUNCTION_H

#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/types.h>
#include <viommu/zpci.h>

#include "port/port.h"
#include "port/sized.h"

struct zpci_ioat;

/* The lookup by the handle's 16-bit index is a table in two parts, of which the second ones come as they are needed. */
#define ZPCI_INDEX_HALF 256u

struct viommu_zpci {
	struct viommu_vm *vm;
	struct viommu_zpci_config config;
	struct port_lock lock;
	struct viommu_zpci_function **by_index[ZPCI_INDEX_HALF];
	struct viommu_zpci_function *by_fid[ZPCI_INDEX_HALF]; /* chains, by the ID's low bits */
};

struct viommu_zpci_function {
	struct viommu_zpci *zpci;
	struct viommu_zpci_function_config config; /* defaults filled in; fh and state are only those that it began with */
	struct viommu_device *device;
	struct viommu_zpci_function *next; /* in by_fid; the zpci's lock */
	unsigned int users;		   /* instructions that found it by its handle. Atomic: up under the zpci's lock, down without */

	struct port_lock change;
	struct port_lock lock;
	uint32_t fh;
	enum viommu_zpci_state state;
	struct zpci_ioat *ioat; /* NULL: nothing is registered */
};

/* States in which a function listens to instructions at all. */
static inline bool zpci_state_is_operational(enum viommu_zpci_state state)
{
	return state == VIOMMU_ZPCI_ENABLED || state == VIOMMU_ZPCI_BLOCKED || state == VIOMMU_ZPCI_ERROR;
}

static inline bool zpci_is_qemu(const struct viommu_zpci *zpci)
{
	return zpci->config.flags & VIOMMU_ZPCI_QEMU_WAYS;
}

/*
 * The lookup (lookup.c). Adding enters a function under its ID and its handle's index: -EEXIST if either is taken, or -ENOMEM. Moving, with change held,
 * gives it another handle, with the same errors. After removing it nobody finds it any more.
 */
int zpci_lookup_add(struct viommu_zpci_function *function);
int zpci_lookup_move(struct viommu_zpci_function *function, uint32_t fh);
void zpci_lookup_remove(struct viommu_zpci_function *function);
void zpci_lookup_free(struct viommu_zpci *zpci);

/* The function with exactly this handle, or with the handle's index, and one more user of it. NULL if there is none. Pairs with zpci_function_put(). */
struct viommu_zpci_function *zpci_function_get(struct viommu_zpci *zpci, uint32_t fh);
struct viommu_zpci_function *zpci_function_get_by_index(struct viommu_zpci *zpci, uint32_t fh);
void zpci_function_put(struct viommu_zpci_function *function);

/* Waits for the users of a function that nobody finds any more, and that has nothing left that they could be waiting for. */
void zpci_function_wait(struct viommu_zpci_function *function);

/* With change held: publishes a state, or a registration, in the place of the one that is returned. */
void zpci_function_set_state(struct viommu_zpci_function *function, enum viommu_zpci_state state);
struct zpci_ioat *zpci_function_set_ioat(struct viommu_zpci_function *function, struct zpci_ioat *ioat);

/* With change held: takes the registration away, if there is one. When it returns, the device reaches nothing and nothing is pinned for it. */
void zpci_function_drop_ioat(struct viommu_zpci_function *function);

#endif
