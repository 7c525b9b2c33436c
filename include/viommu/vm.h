/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A virtual machine as libviommu sees it: which guest memory there is (slots), how much of it may
 * be pinned, and how much memory and time may be spent on the guest's behalf.
 *
 * Threads: every function here may be called from any thread at any time, except that
 * viommu_vm_destroy() must be the last call.
 */
#ifndef VIOMMU_VM_H
#define VIOMMU_VM_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum viommu_pin_policy {
	/*
	 * A page is pinned when a table names it, and unpinned when none does. The guest stays
	 * pageable; the budget bounds it.
	 */
	VIOMMU_PIN_ON_REFRESH = 0,
	/* Every slot is pinned and charged once, when it is added. Refreshing never pins. */
	VIOMMU_PIN_GUEST = 1,
};

enum viommu_log_level { VIOMMU_LOG_ERROR = 0, VIOMMU_LOG_WARNING = 1, VIOMMU_LOG_INFO = 2 };

struct viommu_vm_config {
	uint32_t size; /* sizeof(struct viommu_vm_config) */
	uint32_t pin;  /* enum viommu_pin_policy */

	/*
	 * Bytes that may be pinned at one time; VIOMMU_NO_LIMIT for no limit. A page counts once
	 * however many IOVAs name it.
	 */
	uint64_t pin_budget;

	/*
	 * Bytes that the shadows of all of the VM's domains, and the soft host's tables for them,
	 * may occupy. A refresh that would need more ends in "insufficient resources". 0:
	 * VIOMMU_DEFAULT_SHADOW_BYTES.
	 */
	uint64_t shadow_bytes;

	/*
	 * Guest entries that one step of a refresh examines before it releases the domain's lock;
	 * or eight times the pages that it releases. 0: the default.
	 */
	uint64_t step_entries;

	/*
	 * Guest entries that one refresh examines in all its steps, a table as often as entries
	 * name it. A table that is larger than any honest one (its entries all name one table, say)
	 * ends in "insufficient resources" here. In the rest of the range nothing is established
	 * then, and what was stays where the tables still say the same: to see that, what is
	 * established is examined beyond the limit. 0: twice the entries that the memory in all
	 * slots has room for, and at least half of shadow_bytes, which is four times what a full
	 * shadow has entries for.
	 */
	uint64_t refresh_entries;

	/*
	 * Called with what an operator would want to know; what is a constant string, a and b are
	 * numbers that it speaks of. May be NULL. Called from within any function of the library,
	 * with locks held: it must not call the library.
	 */
	void (*log)(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b);
	void *log_ctx;
};
#define VIOMMU_VM_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vm_config, log_ctx)

#define VIOMMU_DEFAULT_SHADOW_BYTES (UINT64_C(256) << 20)
#define VIOMMU_DEFAULT_STEP_ENTRIES (UINT64_C(1) << 20)
/* lower limits, of a step or of a refresh, are raised to this */
#define VIOMMU_LEAST_STEP_ENTRIES (UINT64_C(1) << 12)

/* pin on refresh, no budget, default limits, no log */
#define VIOMMU_VM_CONFIG_INIT                                                                                \
	{                                                                                                    \
		sizeof(struct viommu_vm_config), VIOMMU_PIN_ON_REFRESH, VIOMMU_NO_LIMIT, 0, 0, 0, NULL, NULL \
	}

/*
 * A range of GPA that is backed by memory of this process. gpa, bytes and hva are multiples of
 * 4096; prot says what a device may do there at the most. fd and offset name the same memory as a
 * file (a memfd, say) for hosts that map from files; fd -1 where there is none.
 */
struct viommu_slot {
	uint32_t size; /* sizeof(struct viommu_slot) */
	uint32_t prot; /* VIOMMU_READ or VIOMMU_RW */
	uint64_t gpa;
	uint64_t bytes;
	void *hva;
	int32_t fd;
	uint32_t reserved; /* 0 */
	uint64_t offset;
};
#define VIOMMU_SLOT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_slot, offset)
/* No file. gpa, bytes and hva are for the caller to set. */
#define VIOMMU_SLOT_INIT                                                    \
	{                                                                   \
		sizeof(struct viommu_slot), VIOMMU_RW, 0, 0, NULL, -1, 0, 0 \
	}

struct viommu_vm_stats {
	uint32_t size; /* sizeof(struct viommu_vm_stats) */
	uint32_t slots;
	uint32_t domains; /* of all kinds */
	uint32_t devices;
	uint64_t guest_bytes;	    /* in all slots */
	uint64_t pin_budget;	    /* bytes, as configured */
	uint64_t pinned_bytes;	    /* charged now */
	uint64_t pinned_bytes_peak; /* the most that was ever charged */
	uint64_t shadow_bytes;	    /* of shadows and soft tables now */
	uint64_t shadow_bytes_peak;
	/* Of nesting hardware, that belong to no device of a guest IOMMU (viommu_nest_events()) */
	uint64_t events_unclaimed;
};
#define VIOMMU_VM_STATS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vm_stats, events_unclaimed)

/*
 * Creates a VM. config is copied. 0, -EINVAL (config is of no known size, or a member is out of
 * range) or -ENOMEM.
 */
VIOMMU_API int viommu_vm_create(const struct viommu_vm_config *config, struct viommu_vm **out);

/*
 * Destroys a VM with all that still belongs to it: domains, direct domains, devices and their
 * readers, slots. Never fails. NULL is allowed.
 */
VIOMMU_API void viommu_vm_destroy(struct viommu_vm *vm);

/*
 * Adds guest memory. Tables and leaves in it are found from the next refresh on; direct domains
 * reach it when this returns. The memory stays the caller's, and must stay mapped until
 * viommu_slot_remove() or viommu_vm_destroy() has returned.
 *
 * 0; -EINVAL (not aligned, empty, wraps, unknown prot); -EEXIST (overlaps a slot); -ENOMEM; with
 * VIOMMU_PIN_GUEST, or where a direct domain exists, -EDQUOT (the budget is too small for it), -EIO
 * (a host failed), or -ERANGE (a direct domain on a soft host, whose memory must lie within 2 PiB
 * of its first). On failure nothing has changed, but for -EBUSY: a host took the slot for one
 * direct domain and not for another, and would not give it back. The memory may then be reached,
 * and must stay until viommu_slot_remove() succeeds.
 */
VIOMMU_API int viommu_slot_add(struct viommu_vm *vm, const struct viommu_slot *slot);

/*
 * Removes the slot that begins at gpa. When this returns, no device reaches its memory: every
 * translation to it was removed, flushed and unpinned, and no reader is inside it (see reader.h).
 * Tables that lie in it are gone for the next refresh. 0; -ENOENT (no slot begins there); -ENOMEM
 * (nothing has changed); -EIO (a host failed to remove a translation: the memory may still be
 * reached and must stay; nothing new is established in it, and tables in it count as gone; call
 * again).
 */
VIOMMU_API int viommu_slot_remove(struct viommu_vm *vm, uint64_t gpa);

/*
 * Changes the pin budget. A smaller one than is pinned now takes nothing away: it stops further
 * pins until enough was released. The host kernel does not keep it (vfio.h).
 */
VIOMMU_API void viommu_vm_set_pin_budget(struct viommu_vm *vm, uint64_t bytes);

/*
 * Fills in stats, whose size member the caller has set. 0 or -EINVAL (stats is of no known size).
 */
VIOMMU_API int viommu_vm_stats(struct viommu_vm *vm, struct viommu_vm_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
