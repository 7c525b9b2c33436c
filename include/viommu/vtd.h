/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU of Intel: one VT-d remapping unit as a guest sees it, in caching mode (CAP.CM is
 * 1). "Intel Virtualization Technology for Directed I/O, Architecture Specification" (D51397) is
 * what it follows; docs/vtd.md says which parts there are, what is applied when, and what is left
 * out.
 *
 * The VMM hands in each access of a vCPU to the register page. A store that moves the tail of the
 * invalidation queue, or that enables something, does all that it asks for before the call returns:
 * descriptors are consumed, structures read, translations refreshed, and an invalidation wait is
 * passed when what came before it is done, the host's flush included. Interrupts come out through a
 * callback.
 *
 * In caching mode a guest invalidates after it makes an entry valid, so that translations are
 * established when the guest announces them, on any host. That does not hold for first-stage tables
 * of scalable mode: they need a host that reports misses.
 *
 * Requests without PASID to 0xfee00000-0xfeefffff are interrupts, never memory accesses, whatever
 * tables say. The VMM's slots keep clear of these addresses.
 *
 * Threads: every function may be called from any thread at any time, except for destruction and
 * removal of what is in use. Callbacks are called without locks. Stores may take as long as the
 * refreshes and the detaching that they ask for, and wait for accesses of devices in flight; loads,
 * faults' records and viommu_vtd_interrupt() do not wait for them. Between viommu_reader_enter()
 * and viommu_reader_leave() these may be called, and no others: viommu_vtd_read(),
 * viommu_vtd_info(), viommu_vtd_find(), viommu_vtd_device_info(), viommu_vtd_device_device() and
 * viommu_vtd_interrupt().
 */
#ifndef VIOMMU_VTD_H
#define VIOMMU_VTD_H

#include <viommu/types.h>
#include <viommu/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Tables of VT-d, as a context entry or a PASID table entry designates them: data for
 * VIOMMU_DOMAIN_VTD. The domain covers the IOVAs that the tables translate, without the interrupt
 * address range; of the first stage, as far as the host translates them.
 */
struct viommu_vtd_tables {
	uint32_t size;	 /* sizeof(struct viommu_vtd_tables) */
	uint32_t flags;	 /* VIOMMU_VTD_TABLES_* */
	uint32_t levels; /* 3, 4 or 5; of the first stage: 4 or 5 */
	uint32_t reserved;
	uint64_t root; /* GPA of the top table, aligned to 4096 */
};
#define VIOMMU_VTD_TABLES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_tables, root)

/*
 * First-stage tables, in the format of x86-64, for requests with user privilege. Without this:
 * second-stage tables.
 */
#define VIOMMU_VTD_TABLES_FIRST_STAGE 0x1u
/* First stage: XD is no reserved bit (NXE of the PASID table entry). */
#define VIOMMU_VTD_TABLES_NXE 0x2u

struct viommu_vtd;	  /* one remapping unit of a VM */
struct viommu_vtd_device; /* one of the devices behind it */

/* The register page. */
#define VIOMMU_VTD_BYTES UINT64_C(0x1000)

/* Interrupt remapping, with extended interrupt mode (x2APIC): ECAP.IR and ECAP.EIM. */
#define VIOMMU_VTD_INTERRUPT_REMAPPING 0x1u
/* Scalable mode, with second-stage translation and pass-through: ECAP.SMTS and ECAP.SSTS. */
#define VIOMMU_VTD_SCALABLE 0x2u
/*
 * First-stage translation in scalable mode: ECAP.FSTS. Guests then use it where they can, and do
 * not announce what becomes valid: devices are for hosts that report misses.
 */
#define VIOMMU_VTD_FIRST_STAGE 0x4u

/* 0 takes the default in parentheses. */
struct viommu_vtd_config {
	uint32_t size;	/* sizeof(struct viommu_vtd_config) */
	uint32_t flags; /* VIOMMU_VTD_* */
	/*
	 * Of IOVAs: 39, 48 or 57 (48). Tables of smaller widths are supported, too: CAP.SAGAW and
	 * CAP.MGAW.
	 */
	uint32_t address_bits;
	/* Of the guest's physical addresses: 32 to 52 (46), as the firmware's DMAR table says */
	uint32_t output_bits;
	/*
	 * Called for each interrupt of the unit itself, whose address is not in a slot: a store of
	 * data, as to the interrupt controller. Such interrupts are not remapped. May be NULL.
	 */
	void (*msi)(void *ctx, uint64_t address, uint32_t data);
	void *ctx;
};
#define VIOMMU_VTD_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_config, ctx)
#define VIOMMU_VTD_CONFIG_INIT                                        \
	{                                                             \
		sizeof(struct viommu_vtd_config), 0, 0, 0, NULL, NULL \
	}

/*
 * 0; -EINVAL (a member is out of range; VIOMMU_VTD_FIRST_STAGE without VIOMMU_VTD_SCALABLE, or with
 * address_bits 39) or -ENOMEM. The caller owns the unit and destroys it before its VM. It begins in
 * its reset state: devices reach all of the VM's slots at IOVA = GPA until the guest enables
 * translation.
 */
VIOMMU_API int viommu_vtd_create(struct viommu_vm *vm, const struct viommu_vtd_config *config, struct viommu_vtd **out);

/* Destroys it with its devices and their domains, in any state. Never fails. NULL is allowed. */
VIOMMU_API void viommu_vtd_destroy(struct viommu_vtd *vtd);

/* The unit's reset, as the VM's: registers get the values that they have after one. */
VIOMMU_API void viommu_vtd_reset(struct viommu_vtd *vtd);

/*
 * A vCPU's load and store: offset in bytes from the register page, 4 or 8 bytes, naturally aligned;
 * the value in the CPU's byte order. 0 for any offset: reserved ones read as 0 and ignore stores.
 * -EINVAL (another size, not aligned, beyond the page): nothing was done.
 */
VIOMMU_API int viommu_vtd_read(struct viommu_vtd *vtd, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_vtd_write(struct viommu_vtd *vtd, uint64_t offset, unsigned int bytes, uint64_t value);

struct viommu_vtd_device_config {
	uint32_t size;		  /* sizeof(struct viommu_vtd_device_config) */
	uint32_t source_id;	  /* bus in bits 15:8, device in 7:3, function in 2:0 */
	struct viommu_host *host; /* where its translations land */
	const void *device;	  /* which device it is there: viommu_device_create()'s data */
	uint32_t flags;		  /* 0 */
	uint32_t reserved;	  /* 0 */
};
#define VIOMMU_VTD_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_device_config, reserved)
/* source_id and host are for the caller to set. */
#define VIOMMU_VTD_DEVICE_CONFIG_INIT                                        \
	{                                                                    \
		sizeof(struct viommu_vtd_device_config), 0, NULL, NULL, 0, 0 \
	}

/*
 * Adds a device (plugs it): what the guest has configured for its source ID is applied. 0; -EINVAL;
 * -EEXIST (a device has that source ID, or the host has made a device of it already); -ERANGE (the
 * host cannot translate all IOVAs of address_bits); -EOPNOTSUPP (the host does not report misses
 * (lookup in hosts.h), and the guest is offered first-stage translation); -ENOMEM; and what else
 * viommu_device_create() answers. It belongs to vtd.
 */
VIOMMU_API int viommu_vtd_device_add(struct viommu_vtd *vtd, const struct viommu_vtd_device_config *config, struct viommu_vtd_device **out);

/*
 * Removes it (unplugs it): never fails. The caller sees to it that no other call for it is under
 * way.
 */
VIOMMU_API void viommu_vtd_device_remove(struct viommu_vtd_device *device);

/*
 * Gives it another source ID, as when the guest has renumbered buses. What the guest has configured
 * for that one is applied when this returns. 0; -EINVAL (above 0xffff) and -EEXIST (another device
 * has it): nothing has changed.
 */
VIOMMU_API int viommu_vtd_device_set_id(struct viommu_vtd_device *device, uint32_t source_id);

/* The device with this source ID, NULL if there is none. */
VIOMMU_API struct viommu_vtd_device *viommu_vtd_find(struct viommu_vtd *vtd, uint32_t source_id);

/* Its device, for viommu_reader_create(). It stays the unit's. */
VIOMMU_API struct viommu_device *viommu_vtd_device_device(struct viommu_vtd_device *device);

/*
 * The domain that it is attached to, for viommu_domain_walk() and the other functions that only
 * look; NULL where there is none. It stays the unit's, which may share it between devices. It is
 * good until the next store to a register, the next fault of a device, reset or removal. The caller
 * keeps these away meanwhile.
 */
VIOMMU_API struct viommu_domain *viommu_vtd_device_domain(struct viommu_vtd_device *device);

/*
 * An access of a device failed with this fault of viommu_translate(). Walks the guest's tables. If
 * they translate the access, the range around the IOVA is refreshed; if not, the fault is recorded
 * unless the guest disables that (FPD).
 *
 * 0: there is a translation now, so translate again. VIOMMU_VTD_IS_INTERRUPT: a store without PASID
 * to the interrupt address range: its address and data are for viommu_vtd_interrupt(). -EFAULT: the
 * access ends in an error; -EINVAL: fault is NULL, or its reason is VIOMMU_FAULT_NONE.
 *
 * -EFAULT without a record is the answer for loads from the interrupt address range, where the
 * guest has no memory, and where budget, limits or the host have no room for what the tables name:
 * the next access asks again. So a loop of translating and asking ends, unless the guest takes away
 * each time what it has just put there; a device model may give up after some rounds.
 */
#define VIOMMU_VTD_IS_INTERRUPT 1
VIOMMU_API int viommu_vtd_device_fault(struct viommu_vtd_device *device, const struct viommu_fault *fault);

/* The outcome of an interrupt request. */
enum viommu_vtd_route {
	VIOMMU_VTD_ROUTE_BLOCKED = 0,  /* it is discarded, with the fault `reason` */
	VIOMMU_VTD_ROUTE_AS_IS = 1,    /* address and data are those of the request */
	VIOMMU_VTD_ROUTE_REMAPPED = 2, /* by an entry of the interrupt remapping table */
};

/* In words, for people: a constant string. Numbers that are none of the enum have one, too. */
VIOMMU_API const char *viommu_vtd_route_name(uint32_t route);

struct viommu_vtd_message {
	uint32_t size;	 /* sizeof(struct viommu_vtd_message) */
	uint32_t route;	 /* enum viommu_vtd_route */
	uint32_t reason; /* BLOCKED: VIOMMU_VTD_FR_IR_* */
	uint32_t index;	 /* REMAPPED: of the entry */
	/*
	 * The interrupt as a message in compatibility format. Bits 31:8 of a destination of 32 bits
	 * are in address bits 63:40, as KVM takes them.
	 */
	uint64_t address;
	uint32_t data;
	/* REMAPPED: an APIC ID; a logical destination if bit 2 of address is 1 */
	uint32_t destination;
};
#define VIOMMU_VTD_MESSAGE_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_message, destination)

/*
 * The route of an interrupt request: a store of data to an address in 0xfee00000-0xfeefffff by a
 * device, an I/O APIC or an HPET with that source ID. Fills in message, whose size member the
 * caller has set. A blocked one is recorded as a fault, unless the guest disables that; -EFAULT is
 * returned for it, 0 for the others, and -EINVAL if message is of no known size, the address is
 * another one, or source_id has more than 16 bits. An answer is good until the guest invalidates
 * its interrupt entry cache, or stores to a register: a VMM that keeps answers asks again then (the
 * counter `interrupts` in struct viommu_vtd_info).
 */
VIOMMU_API int viommu_vtd_interrupt(struct viommu_vtd *vtd, uint32_t source_id, uint64_t address, uint32_t data, struct viommu_vtd_message *message);

struct viommu_vtd_info {
	uint32_t size; /* sizeof(struct viommu_vtd_info) */
	uint32_t gsts;
	uint32_t fsts;
	uint32_t iqh;
	uint32_t iqt;
	uint32_t devices;
	uint32_t domains;	/* that their devices share: nested ones and direct ones */
	uint32_t reserved;	/* 0 */
	uint64_t root;		/* RTADDR as it was at the last SRTP */
	uint64_t descriptors;	/* consumed */
	uint64_t waits;		/* invalidation waits among them */
	uint64_t contexts;	/* invalidations of contexts and PASIDs, by registers, too */
	uint64_t invalidations; /* of IOTLBs, by registers, too */
	/* of the interrupt entry cache, and changes of the interrupt remapping registers */
	uint64_t interrupts;
	uint64_t refreshes; /* of domains, that invalidations became */
	/*
	 * Refreshes, and domains, that met the budget or a limit: what is missing is looked for at
	 * the next access
	 */
	uint64_t insufficient;
	/* Domains that were destroyed and made anew, since the host failed to remove something */
	uint64_t rebuilt;
	uint64_t errors;       /* descriptors that were refused */
	uint64_t faults;       /* calls of viommu_vtd_device_fault() */
	uint64_t filled;       /* of them: found a translation */
	uint64_t records;      /* faults recorded, those of interrupts included */
	uint64_t records_lost; /* since all registers were in use */
};
#define VIOMMU_VTD_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_info, records_lost)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_vtd_info(struct viommu_vtd *vtd, struct viommu_vtd_info *info);

/* The guest's configuration of a device, as last applied. */
enum viommu_vtd_context {
	VIOMMU_VTD_CONTEXT_FAULTY = 0,	 /* its accesses are blocked with the fault `reason` */
	VIOMMU_VTD_CONTEXT_DISABLED = 1, /* translation is not enabled: IOVA = GPA */
	VIOMMU_VTD_CONTEXT_PASS_THROUGH = 2,
	VIOMMU_VTD_CONTEXT_SECOND_STAGE = 3,
	VIOMMU_VTD_CONTEXT_FIRST_STAGE = 4,
};

/* In words, for people: a constant string. Numbers that are none of the enum have one, too. */
VIOMMU_API const char *viommu_vtd_context_name(uint32_t context);

struct viommu_vtd_device_info {
	uint32_t size; /* sizeof(struct viommu_vtd_device_info) */
	uint32_t source_id;
	uint32_t context;   /* enum viommu_vtd_context */
	uint32_t reason;    /* FAULTY: VIOMMU_VTD_FR_* */
	uint32_t domain_id; /* of a present entry */
	uint32_t levels;    /* SECOND_STAGE and FIRST_STAGE */
	uint64_t root;	    /* SECOND_STAGE and FIRST_STAGE: GPA of the top table */
	/* Devices that have its domain, itself included; 0: it is attached to nothing */
	uint32_t sharing;
	uint32_t scalable; /* 1: in scalable mode */
	uint64_t faults;   /* calls of viommu_vtd_device_fault() */
	uint64_t records;  /* of them: recorded */
};
#define VIOMMU_VTD_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vtd_device_info, records)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_vtd_device_info(struct viommu_vtd_device *device, struct viommu_vtd_device_info *info);

/*
 * The statistics and the established runs of the device's domain, as viommu_domain_stats() and
 * viommu_domain_each_run() give them; nothing where it is attached to nothing. In pass-through,
 * statistics are zero, and runs are the direct ones.
 */
VIOMMU_API int viommu_vtd_device_stats(struct viommu_vtd_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_vtd_device_each_run(struct viommu_vtd_device *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
					  void *ctx);

#ifdef __cplusplus
}
#endif
#endif
