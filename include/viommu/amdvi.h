/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU of AMD: one IOMMU as a guest sees it, with host page tables (v1). "AMD I/O
 * Virtualization Technology (IOMMU) Specification" (48882) is what it follows; docs/amdvi.md says
 * which parts there are, what is applied when, and what is left out.
 *
 * The VMM hands in each access of a vCPU to the registers, and has the PCI function whose
 * capabilities viommu_amdvi_capabilities() describes. A store that moves the command buffer's tail,
 * or that enables something, does all that it asks for before the call returns: commands are
 * consumed, entries read, translations refreshed, and a COMPLETION_WAIT is passed when what came
 * before it is done, the host's flush included.
 *
 * NpCache is 1: a guest invalidates an entry after it makes it valid, too. So devices may be on any
 * host.
 *
 * Structures, tables and buffers of the guest are found through the VM's slots alone, and each
 * doubleword of them is loaded once.
 *
 * Threads: any function may be called from any thread, except that the last call for an object must
 * be the last. Callbacks are called without locks. Stores may take as long as the refreshes and the
 * detaching that they ask for, and wait for accesses of devices in flight; loads, events and
 * interrupts do not wait for them. Between viommu_reader_enter() and viommu_reader_leave() these
 * may be called, and no others: viommu_amdvi_read(), viommu_amdvi_info(), viommu_amdvi_find(),
 * viommu_amdvi_device_info() and viommu_amdvi_device_device().
 */
#ifndef VIOMMU_AMDVI_H
#define VIOMMU_AMDVI_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Host page tables (v1), as a device table entry designates them. The domain covers what the top
 * table reaches, and the host has IOVAs for, but for the interrupt address range
 * 0xfee00000..0xfeefffff and the excluded range, where nothing is translated.
 */
struct viommu_amdvi_tables {
	uint32_t size;		 /* sizeof(struct viommu_amdvi_tables) */
	uint32_t mode;		 /* 1 to 6: the level of the top table */
	uint64_t root;		 /* the address of the top table, a page */
	uint32_t prot;		 /* IR and IW as VIOMMU_READ and VIOMMU_WRITE: rights at the most */
	uint32_t flags;		 /* 0 */
	uint64_t excluded;	 /* first address of the excluded range, a page */
	uint64_t excluded_bytes; /* whole pages; 0: there is none */
};
#define VIOMMU_AMDVI_TABLES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_tables, excluded_bytes)

struct viommu_amdvi;	    /* one IOMMU of a VM */
struct viommu_amdvi_device; /* one of the devices behind it */

/* The registers. */
#define VIOMMU_AMDVI_BYTES UINT64_C(0x4000)

/*
 * A message-signalled interrupt: a store of data to an address. Bits 31:8 of a destination that has
 * more than 8 bits are bits 63:40 of the address, as KVM takes them. Frozen.
 */
struct viommu_amdvi_message {
	uint64_t address;
	uint32_t data;
	uint32_t reserved; /* 0 */
};

/* The guest is offered destinations of 32 bits for interrupts: EFR.XTSup. */
#define VIOMMU_AMDVI_X2APIC 0x1u

struct viommu_amdvi_config {
	uint32_t size;	/* sizeof(struct viommu_amdvi_config) */
	uint32_t flags; /* VIOMMU_AMDVI_X2APIC */
	/*
	 * Called when the IOMMU raises its interrupt. message is NULL for the MSI of the PCI
	 * function, as the guest has configured that. With IntCapXTEn it is the interrupt of the
	 * register XT_INTERRUPT, to be sent as it is. May be NULL.
	 */
	void (*interrupt)(void *ctx, const struct viommu_amdvi_message *message);
	void *ctx;
};
#define VIOMMU_AMDVI_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_config, ctx)
#define VIOMMU_AMDVI_CONFIG_INIT                                  \
	{                                                         \
		sizeof(struct viommu_amdvi_config), 0, NULL, NULL \
	}

/*
 * 0; -EINVAL or -ENOMEM. The caller owns it and destroys it before its VM. It begins in its reset
 * state, in which devices reach all of the guest's memory.
 */
VIOMMU_API int viommu_amdvi_create(struct viommu_vm *vm, const struct viommu_amdvi_config *config, struct viommu_amdvi **out);

/* Destroys it with its devices and their domains, in any state. Never fails. NULL is allowed. */
VIOMMU_API void viommu_amdvi_destroy(struct viommu_amdvi *amdvi);

/* The IOMMU's reset, as the VM's: registers get the values that they have after one. */
VIOMMU_API void viommu_amdvi_reset(struct viommu_amdvi *amdvi);

/*
 * The capabilities of the PCI function, as words of its configuration space. Pointers to a next
 * capability, the address of the registers and the bus range are 0, for the VMM to fill in.
 */
struct viommu_amdvi_capabilities {
	uint32_t size;	 /* sizeof(struct viommu_amdvi_capabilities) */
	uint32_t header; /* NpCache, EFRSup, CapExt; no IotlbSup and no HtTunnel */
	uint32_t base_low;
	uint32_t base_high;
	uint32_t range;
	uint32_t misc[2];
	uint32_t msi;	      /* of the MSI capability: 64-bit addresses, one message */
	uint32_t msi_mapping; /* the MSI mapping capability: enabled, fixed */
	uint32_t reserved;    /* 0 */
};
#define VIOMMU_AMDVI_CAPABILITIES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_capabilities, reserved)
/* Fills in capabilities, whose size member the caller has set. 0 or -EINVAL (of no known size). */
VIOMMU_API int viommu_amdvi_capabilities(const struct viommu_amdvi *amdvi, struct viommu_amdvi_capabilities *capabilities);

/* The extended features (EFR), which the IVRS repeats. */
VIOMMU_API uint64_t viommu_amdvi_features(const struct viommu_amdvi *amdvi);

/*
 * A vCPU's load and store: offset in bytes from the first register, 4 or 8 bytes, naturally
 * aligned; the value in the CPU's byte order. 0 for any offset: reserved ones read as 0 and ignore
 * stores. -EINVAL (another size, not aligned, beyond the registers): nothing was done.
 */
VIOMMU_API int viommu_amdvi_read(struct viommu_amdvi *amdvi, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_amdvi_write(struct viommu_amdvi *amdvi, uint64_t offset, unsigned int bytes, uint64_t value);

struct viommu_amdvi_device_config {
	uint32_t size;		  /* sizeof(struct viommu_amdvi_device_config) */
	uint32_t device_id;	  /* bus, device and function: 16 bits */
	struct viommu_host *host; /* where its translations land */
	const void *device;	  /* which device it is there: viommu_device_create()'s data */
	uint32_t flags;		  /* 0 */
	uint32_t reserved;	  /* 0 */
};
#define VIOMMU_AMDVI_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_device_config, reserved)
/* device_id and host are for the caller to set. */
#define VIOMMU_AMDVI_DEVICE_CONFIG_INIT                                        \
	{                                                                      \
		sizeof(struct viommu_amdvi_device_config), 0, NULL, NULL, 0, 0 \
	}

/*
 * Adds a device (plugs it): what the guest has configured for its DeviceID is applied. 0; -EINVAL;
 * -EEXIST (a device has that DeviceID, or the host has made a device of it already); -ENOMEM; and
 * what else viommu_device_create() answers. It belongs to amdvi.
 */
VIOMMU_API int viommu_amdvi_device_add(struct viommu_amdvi *amdvi, const struct viommu_amdvi_device_config *config, struct viommu_amdvi_device **out);

/*
 * Removes it (unplugs it): never fails. The caller sees to it that no other call for it is under
 * way.
 */
VIOMMU_API void viommu_amdvi_device_remove(struct viommu_amdvi_device *device);

/*
 * Gives it another device ID, as when the guest has renumbered buses. What the guest has configured
 * for that one is applied when this returns. 0; -EINVAL (above 0xffff) and -EEXIST (another device
 * has it): nothing has changed.
 */
VIOMMU_API int viommu_amdvi_device_set_id(struct viommu_amdvi_device *device, uint32_t device_id);

/* Its device, for viommu_reader_create(). It stays the IOMMU's. */
VIOMMU_API struct viommu_device *viommu_amdvi_device_device(struct viommu_amdvi_device *device);

/*
 * The domain that it is attached to, for viommu_domain_walk() and the other functions that only
 * look; NULL where there is none. It stays the IOMMU's, which may share it between devices: no
 * device is attached to it, and it is not destroyed. It is good until the next store to a register,
 * the next fault of a device, reset or removal. The caller keeps these away meanwhile.
 */
VIOMMU_API struct viommu_domain *viommu_amdvi_device_domain(struct viommu_amdvi_device *device);

/* The device with this DeviceID, NULL if there is none. */
VIOMMU_API struct viommu_amdvi_device *viommu_amdvi_find(struct viommu_amdvi *amdvi, uint32_t device_id);

/*
 * An access of a device failed with this fault of viommu_translate(). Walks the guest's tables, as
 * an IOMMU with empty caches does. 0: there is a translation now, so translate again; -EFAULT: the
 * access ends in an error, and an event was recorded unless the guest suppresses it; -EINVAL: fault
 * is NULL, or its reason is VIOMMU_FAULT_NONE.
 *
 * -EFAULT without an event is the answer where the guest has no memory, and where budget, limits or
 * the host have no room for what the tables name: the next access asks again. So a loop of
 * translating and asking ends, unless the guest takes away each time what it has just put there; a
 * device model may give up after some rounds.
 */
VIOMMU_API int viommu_amdvi_device_fault(struct viommu_amdvi_device *device, const struct viommu_fault *fault);

/*
 * Where a message-signalled interrupt goes that the device with this DeviceID sends; it need not be
 * one that was added (an I/O APIC). `from` is what the device sends, `to` what is to be delivered.
 * The guest's entries are read when this is called. 0; -EFAULT: it is not delivered, and an event
 * was recorded unless the guest suppresses it; -EINVAL: the address is not in
 * 0xfee00000..0xfeefffff, or the DeviceID has more than 16 bits.
 */
VIOMMU_API int viommu_amdvi_interrupt(struct viommu_amdvi *amdvi, uint32_t device_id, const struct viommu_amdvi_message *from, struct viommu_amdvi_message *to);

struct viommu_amdvi_info {
	uint32_t size; /* sizeof(struct viommu_amdvi_info) */
	uint32_t status;
	uint64_t control;
	uint32_t cmd_head;
	uint32_t cmd_tail;
	uint32_t event_head;
	uint32_t event_tail;
	uint32_t devices;
	uint32_t domains;	/* that they share: nested ones and direct ones */
	uint64_t commands;	/* consumed */
	uint64_t waits;		/* COMPLETION_WAIT among them */
	uint64_t configs;	/* INVALIDATE_DEVTAB_ENTRY and _IOMMU_ALL among them */
	uint64_t invalidations; /* INVALIDATE_IOMMU_PAGES and _IOMMU_ALL among them */
	uint64_t refreshes;	/* of domains, that invalidations became */
	/*
	 * Refreshes, and domains, that met the budget or a limit: what is missing is looked for at
	 * the next access
	 */
	uint64_t insufficient;
	/* Domains that were destroyed and made anew, since the host failed to remove something */
	uint64_t rebuilt;
	uint64_t errors;      /* commands that were refused */
	uint64_t faults;      /* calls of viommu_amdvi_device_fault() */
	uint64_t filled;      /* of them: found a translation */
	uint64_t events;      /* recorded */
	uint64_t events_lost; /* since the log was full, off, or not in memory */
};
#define VIOMMU_AMDVI_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_info, events_lost)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_amdvi_info(struct viommu_amdvi *amdvi, struct viommu_amdvi_info *info);

/* The guest's configuration of a device, as last applied. */
enum viommu_amdvi_entry {
	VIOMMU_AMDVI_ENTRY_DIRECT = 0,	   /* IOVA = GPA, with the rights of prot */
	VIOMMU_AMDVI_ENTRY_TABLES = 1,	   /* host page tables */
	VIOMMU_AMDVI_ENTRY_BLOCKED = 2,	   /* accesses end in an IO_PAGE_FAULT */
	VIOMMU_AMDVI_ENTRY_ILLEGAL = 3,	   /* ... in an ILLEGAL_DEV_TABLE_ENTRY */
	VIOMMU_AMDVI_ENTRY_UNREADABLE = 4, /* ... in a DEV_TAB_HARDWARE_ERROR */
};

/* In words, for people: a constant string. Numbers that are none of the enum have one, too. */
VIOMMU_API const char *viommu_amdvi_entry_name(uint32_t entry);

struct viommu_amdvi_device_info {
	uint32_t size; /* sizeof(struct viommu_amdvi_device_info) */
	uint32_t device_id;
	uint32_t entry; /* enum viommu_amdvi_entry */
	uint32_t domain_id;
	uint32_t mode; /* TABLES */
	uint32_t prot; /* DIRECT, TABLES: rights at the most */
	/* Devices that have its domain, itself included; 0: it is attached to nothing */
	uint32_t sharing;
	uint32_t reserved; /* 0 */
	uint64_t root;	   /* TABLES */
	uint64_t faults;   /* calls of viommu_amdvi_device_fault() */
	uint64_t events;   /* of them: recorded */
};
#define VIOMMU_AMDVI_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_amdvi_device_info, events)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_amdvi_device_info(struct viommu_amdvi_device *device, struct viommu_amdvi_device_info *info);

/*
 * The statistics and the established runs of the device's domain, as viommu_domain_stats() and
 * viommu_domain_each_run() give them; nothing where it is attached to nothing. In pass-through,
 * statistics are zero, and runs are the direct ones.
 */
VIOMMU_API int viommu_amdvi_device_stats(struct viommu_amdvi_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_amdvi_device_each_run(struct viommu_amdvi_device *device, uint64_t first, uint64_t last,
					    int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
