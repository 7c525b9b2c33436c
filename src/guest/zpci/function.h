/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the zPCI guest IOMMU. Everything in src/guest/zpci includes this, and nothing
 * outside does.
 *
 * A function has a state, a handle, and at most one registration (ioat.h). Writing a handle takes
 * all three locks below, writing a state or a registration takes `change` and the function's
 * `lock`; so any one of those is enough to read.
 *
 * A refresh holds none of them while it works: it enters the gate of the registration and leaves
 * it. A registration is first unpublished, then its gate is drained, then it is destroyed. RPCITs
 * on different functions therefore meet only in the lookup, and RPCITs on one function only where
 * the domain itself serialises them.
 *
 * An instruction finds its function by the handle. Between the lookup and the function's lock the
 * handle may change, so it is compared again under the lock. A refcount keeps the function
 * meanwhile.
 *
 * An RPCIT looks among the functions that were found last, without a lock and without the refcount.
 * So the memory of a function, and its locks, stay until the zpci is destroyed: a function that is
 * removed leaves them to the next one that is added. What an RPCIT finds is a function, if perhaps
 * another one, or none any more: its handle and its state say so under its lock.
 */
#ifndef VIOMMU_GUEST_ZPCI_FUNCTION_H
#define VIOMMU_GUEST_ZPCI_FUNCTION_H

#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/types.h>
#include <viommu/zpci.h>

#include "core/list.h"
#include "guest/common/registry.h"
#include "port/port.h"
#include "port/sized.h"

struct zpci_ioat;

#define ZPCI_FOUND 16u

struct viommu_zpci {
	struct viommu_vm *vm;
	struct viommu_zpci_config config;
	/*
	 * Taken after a function's `change`, before a function's `lock`; no lock of core is taken
	 * with it. It guards both registries. Held for a few instructions.
	 */
	struct port_lock lock;
	struct guest_registry by_index; /* the index in a handle */
	struct guest_registry by_fid;
	struct viommu_zpci_function *unused; /* memory of those that were removed */
	/* By the lowest bits of their handles. Atomic; written by any thread. */
	struct viommu_zpci_function *found[ZPCI_FOUND];
};

struct viommu_zpci_function {
	/*
	 * Taken after `change` and the zpci's `lock`; no lock is taken with it. It guards the next
	 * three members. Held for a few instructions.
	 */
	struct port_lock lock port_aligned(PORT_LINE_BYTES);
	uint32_t fh;
	enum viommu_zpci_state state;
	struct zpci_ioat *ioat; /* NULL: none is registered */

	struct viommu_zpci *zpci;
	struct viommu_zpci_function *unused; /* the next one in zpci->unused */
	/* defaults filled in; fh and state are only the initial ones */
	struct viommu_zpci_function_config config;
	struct viommu_device *device;
	struct guest_id index; /* the zpci's lock */
	struct guest_id fid;   /* the zpci's lock */
	/* refcount of instructions. Atomic: up under the zpci's lock, down without. */
	unsigned int users;

	/*
	 * Taken before the zpci's `lock`, the gate's lanes and all locks of core. Held by a thread
	 * that changes state, handle or registration, from the first check to the last effect,
	 * however long that takes: domains are made and destroyed under it.
	 */
	struct port_lock change;
};

/* States in which a function accepts instructions. */
static inline bool zpci_state_is_operational(enum viommu_zpci_state state)
{
	return state == VIOMMU_ZPCI_ENABLED || state == VIOMMU_ZPCI_BLOCKED || state == VIOMMU_ZPCI_ERROR;
}

static inline bool zpci_is_qemu(const struct viommu_zpci *zpci)
{
	return zpci->config.flags & VIOMMU_ZPCI_QEMU_WAYS;
}

/*
 * With change held: gives a function another handle. 0, or -EEXIST if another function has its
 * index.
 */
int zpci_function_move(struct viommu_zpci_function *function, uint32_t fh);

/*
 * The function with exactly this handle, or with the handle's index, with one more user. NULL if
 * there is none.
 */
struct viommu_zpci_function *zpci_function_get(struct viommu_zpci *zpci, uint32_t fh);
struct viommu_zpci_function *zpci_function_get_by_index(struct viommu_zpci *zpci, uint32_t fh);
/*
 * The function with exactly this handle, with its lock held, and as long as it is. NULL if there is
 * none.
 */
struct viommu_zpci_function *zpci_function_find_and_lock(struct viommu_zpci *zpci, uint32_t fh);
static inline struct viommu_zpci_function *zpci_function_lock(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function *function = port_load_acquire(&zpci->found[fh % ZPCI_FOUND]);

	if (function) {
		port_lock(&function->lock);
		if (function->fh == fh && zpci_state_is_operational(function->state))
			return function;
		port_unlock(&function->lock);
	}
	return zpci_function_find_and_lock(zpci, fh);
}

/*
 * The first function, or the one after another that stays meanwhile, with one more user. NULL if
 * there is none.
 */
struct viommu_zpci_function *zpci_function_get_next(struct viommu_zpci *zpci, const struct viommu_zpci_function *after);
void zpci_function_put(struct viommu_zpci_function *function);

/*
 * With change held: publishes a state, or a registration, in the place of the one that is returned.
 */
void zpci_function_set_state(struct viommu_zpci_function *function, enum viommu_zpci_state state);
struct zpci_ioat *zpci_function_set_ioat(struct viommu_zpci_function *function, struct zpci_ioat *ioat);

/*
 * With change held: drops the registration, if there is one. When it returns, the device reaches
 * nothing and nothing is pinned for it.
 */
void zpci_function_drop_ioat(struct viommu_zpci_function *function);

#endif
