/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest IOMMU of Arm: one SMMUv3 as a guest sees it, with stage 1 alone. "Arm System Memory
 * Management Unit Architecture Specification, SMMU architecture version 3" (IHI 0070) is what it
 * follows; docs/smmuv3.md says which parts there are, what is applied when, and what is left out.
 *
 * The VMM hands in each access of a vCPU to the register pages. A store that moves the command
 * queue's producer index, or that enables something, does all that it asks for before the call
 * returns: commands are consumed, structures read, translations refreshed, and a CMD_SYNC is passed
 * when what came before it is done, the host's flush included. Interrupts come out through a
 * callback.
 *
 * Structures and queues of the guest are found through the VM's slots alone, and each doubleword of
 * them is loaded once.
 *
 * Threads: any function may be called from any thread, except that the last call for an object must
 * be the last. Callbacks are called without locks. Stores may take as long as the refreshes and the
 * detaching that they ask for, and wait for accesses of devices in flight; loads and events do not
 * wait for them. Between viommu_reader_enter() and viommu_reader_leave() these may be called, and
 * no others: viommu_smmuv3_read(), viommu_smmuv3_info(), viommu_smmuv3_find(),
 * viommu_smmuv3_device_info() and viommu_smmuv3_device_device().
 */
#ifndef VIOMMU_SMMUV3_H
#define VIOMMU_SMMUV3_H

#include <viommu/types.h>
#include <viommu/domain.h>
#include <viommu/nesting.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Stage 1 of a stream of Arm's SMMUv3: what its context descriptor (IHI 0070, section 5.4) says of
 * TTB0 and TTB1, their sizes, granules and attributes. The domain covers the IOVAs of both, those
 * of TTB1 at the end of all addresses. Substreams are not for a domain: each would be one of its
 * own.
 *
 * A guest need not invalidate anything when it makes an entry valid, as caches keep no invalid
 * ones. So what a device model cannot translate, it asks the guest IOMMU about, which looks into
 * the tables and refreshes what it finds there (smmuv3.h). On hosts where a device's accesses do
 * not come to a device model, only what the guest invalidates is seen.
 */
struct viommu_smmuv3_stage1 {
	uint32_t size;	/* sizeof(struct viommu_smmuv3_stage1) */
	uint32_t flags; /* VIOMMU_SMMUV3_* */
	/*
	 * Of addresses, as the guest's SMMU says in IDR5.OAS: 32, 36, 40, 42, 44, 48 or 52. A
	 * larger CD.IPS counts as that.
	 */
	uint32_t output_bits;
	/* enum viommu_nesting: AUTO needs ste for hardware, and shadows where its V is 0 */
	uint32_t nesting;
	uint64_t cd[8]; /* shadow: the context descriptor, in the CPU's byte order */
	/*
	 * Hardware: the first two doublewords of the Stream Table Entry (section 5.2), in the CPU's
	 * byte order, valid: Config 0b000 reaches nothing, 0b100 all of the guest's memory where it
	 * is, 0b101 what the descriptor at S1ContextPtr and its tables say, which hardware reads
	 * from the guest's memory. S1Fmt, S1CDMax, S1DSS, S1CIR, S1COR and S1CSH are heeded, other
	 * fields are none of a guest's.
	 */
	uint64_t ste[2];
};
#define VIOMMU_SMMUV3_STAGE1_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_stage1, ste)

/*
 * The stream's transactions are privileged (STE.PRIVCFG): what AP[1] says of unprivileged ones is
 * not for them. A descriptor with CD.PAN is -EINVAL then.
 */
#define VIOMMU_SMMUV3_PRIVILEGED 0x1u

/*
 * The features of hardware that walks an SMMUv3's tables, as viommu_host_nest_info() fills them in:
 * registers of the machine's SMMU (sections 6.3.1 to 6.3.8).
 */
struct viommu_smmuv3_hw_info {
	uint32_t size;	/* sizeof(struct viommu_smmuv3_hw_info) */
	uint32_t flags; /* 0 */
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};
#define VIOMMU_SMMUV3_HW_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_hw_info, aidr)

struct viommu_smmuv3;	     /* one SMMU of a VM */
struct viommu_smmuv3_device; /* one of the devices behind it: a stream */

/* The register pages 0 and 1 (IHI 0070, section 6.1). */
#define VIOMMU_SMMUV3_BYTES UINT64_C(0x20000)

/*
 * Wired interrupts (section 3.18), where the guest has not configured an MSI. Each call of the
 * callback is one edge.
 */
enum viommu_smmuv3_irq {
	/* A record is in the event queue; one for each, or for several at once */
	VIOMMU_SMMUV3_IRQ_EVENTQ = 0,
	VIOMMU_SMMUV3_IRQ_CMD_SYNC = 1, /* a CMD_SYNC that asked for it is done */
	VIOMMU_SMMUV3_IRQ_GERROR = 2,	/* a global error has become active */
};

/*
 * After a reset, devices reach nothing until the guest says so, instead of all of its memory:
 * GBPA.ABORT is 1 then.
 */
#define VIOMMU_SMMUV3_RESET_ABORT 0x1u

/* 0 takes the default in parentheses. */
struct viommu_smmuv3_config {
	uint32_t size;	   /* sizeof(struct viommu_smmuv3_config) */
	uint32_t flags;	   /* VIOMMU_SMMUV3_RESET_ABORT */
	uint32_t sid_bits; /* of a StreamID, 1 to 32 (16): IDR1.SIDSIZE */
	/* Of the guest's physical addresses: 32, 36, 40, 42, 44, 48 or 52 (44): IDR5.OAS */
	uint32_t output_bits;
	/* Called for each interrupt. May be NULL. */
	void (*interrupt)(void *ctx, enum viommu_smmuv3_irq irq);
	void *ctx;
	/*
	 * A host whose hardware is to walk the guest's tables (caps.nests in hosts.h): the guest is
	 * offered no more than that has, in output_bits, too, whose default may be smaller then.
	 * NULL: it is offered what the library has, which may be too much for any hardware.
	 */
	struct viommu_host *hardware;
	/*
	 * Called for each message-signalled interrupt whose address is not in a slot: a store of
	 * data, as to the doorbell of an interrupt controller. One whose address is in a slot is
	 * stored there. NULL: the guest is not offered MSIs (IDR0.MSI), and all interrupts are
	 * wired.
	 */
	void (*msi)(void *ctx, uint64_t address, uint32_t data);
};
#define VIOMMU_SMMUV3_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_config, msi)
#define VIOMMU_SMMUV3_CONFIG_INIT                                                    \
	{                                                                            \
		sizeof(struct viommu_smmuv3_config), 0, 0, 0, NULL, NULL, NULL, NULL \
	}

/*
 * 0; -EINVAL, -ENOMEM, or -EOPNOTSUPP (the hardware lacks a mandatory feature, or has fewer
 * output_bits). The caller owns the SMMU and destroys it before its VM. It begins in its reset
 * state.
 */
VIOMMU_API int viommu_smmuv3_create(struct viommu_vm *vm, const struct viommu_smmuv3_config *config, struct viommu_smmuv3 **out);

/* Destroys it with its devices and their domains, in any state. Never fails. NULL is allowed. */
VIOMMU_API void viommu_smmuv3_destroy(struct viommu_smmuv3 *smmu);

/*
 * The SMMU's reset, as the VM's: registers get the values that they have after one, and devices
 * reach what GBPA then says.
 */
VIOMMU_API void viommu_smmuv3_reset(struct viommu_smmuv3 *smmu);

/*
 * A vCPU's load and store: offset in bytes from the first register page, 4 or 8 bytes, naturally
 * aligned; the value in the CPU's byte order. 0 for any offset: reserved ones read as 0 and ignore
 * stores. -EINVAL (another size, not aligned, beyond the pages): nothing was done.
 */
VIOMMU_API int viommu_smmuv3_read(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t *value);
VIOMMU_API int viommu_smmuv3_write(struct viommu_smmuv3 *smmu, uint64_t offset, unsigned int bytes, uint64_t value);

/*
 * Devices whose tables hardware walks. The library hands the guest's stream table entries to the
 * hardware, and the guest's invalidations at each sync. It sees no access of such a device:
 *  - viommu_smmuv3_device_fault() answers -EOPNOTSUPP, and there are no runs.
 *  - The hardware records events in a file (viommu_nest_fd() in nesting.h), which exists from
 *    viommu_smmuv3_device_add() on. When it is readable, the VMM calls viommu_nest_events(), which
 *    puts each event into the event queue of the SMMU that has the device.
 *  - An illegal stream table entry aborts without an event.
 * All of the guest's memory is pinned from the first such device on, as long as the VM exists.
 */

/*
 * The guest also invalidates after it makes an entry valid. The architecture does not require that,
 * and Linux does not do it. Without this flag, a device is refused on a host that does not report
 * its misses: a new entry would never be seen.
 */
#define VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP 0x1u

struct viommu_smmuv3_device_config {
	uint32_t size;		  /* sizeof(struct viommu_smmuv3_device_config) */
	uint32_t sid;		  /* its StreamID, below 2^sid_bits */
	struct viommu_host *host; /* where its translations land */
	const void *device;	  /* which device it is there: viommu_device_create()'s data */
	uint32_t flags;		  /* VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP */
	/* enum viommu_nesting: AUTO is hardware if the guest is offered no more than that has */
	uint32_t nesting;
};
#define VIOMMU_SMMUV3_DEVICE_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_device_config, nesting)
/* sid and host are for the caller to set. */
#define VIOMMU_SMMUV3_DEVICE_CONFIG_INIT                                                          \
	{                                                                                         \
		sizeof(struct viommu_smmuv3_device_config), 0, NULL, NULL, 0, VIOMMU_NESTING_AUTO \
	}

/*
 * Adds a device (plugs it): what the guest has configured for its StreamID is applied. 0; -EINVAL;
 * -EEXIST (a device has that StreamID, or the host has made a device of it already); -EOPNOTSUPP
 * (the library is to walk its tables, the host's capability lookup is false, and the guest is not
 * said to tell; or hardware is to, and cannot); -ENOMEM; for hardware also -EDQUOT (the budget is
 * too small for all of the guest's memory), -ENOSPC (the guest has memory where the host has no
 * IOVAs) and -EIO (the host refused: the device is behind another IOMMU than others, say); and what
 * else viommu_device_create() answers. It belongs to smmu.
 */
VIOMMU_API int viommu_smmuv3_device_add(struct viommu_smmuv3 *smmu, const struct viommu_smmuv3_device_config *config, struct viommu_smmuv3_device **out);

/*
 * Removes it (unplugs it): never fails. The caller sees to it that no other call for it is under
 * way.
 */
VIOMMU_API void viommu_smmuv3_device_remove(struct viommu_smmuv3_device *device);

/*
 * Gives it another StreamID, as when the guest has renumbered buses. What the guest has configured
 * for that one is applied when this returns: an access meanwhile finds what it reached before or
 * what it reaches from now on, and nothing for a moment where the device's host cannot move it in
 * one step (viommu_domain_attach()).
 *
 * 0; -EINVAL (not below 2^sid_bits) and -EEXIST (another device has it): nothing has changed. Where
 * hardware walks its tables also -EIO, -ENOMEM and what else an attach to hardware says: it has its
 * old StreamID then, and reaches nothing if the host does not take that again, either.
 */
VIOMMU_API int viommu_smmuv3_device_set_id(struct viommu_smmuv3_device *device, uint32_t sid);

/* Its device, for viommu_reader_create(). It stays the SMMU's. */
VIOMMU_API struct viommu_device *viommu_smmuv3_device_device(struct viommu_smmuv3_device *device);

/*
 * The domain that it is attached to, for viommu_domain_walk() and the other functions that only
 * look; NULL where there is none. It stays the SMMU's, which may share it between streams: no
 * device is attached to it, and it is not destroyed. It is good until the next store to a register,
 * the next fault of a device, reset or removal. The caller keeps these away meanwhile.
 */
VIOMMU_API struct viommu_domain *viommu_smmuv3_device_domain(struct viommu_smmuv3_device *device);

/* The device with this StreamID, NULL if there is none. */
VIOMMU_API struct viommu_smmuv3_device *viommu_smmuv3_find(struct viommu_smmuv3 *smmu, uint32_t sid);

/*
 * An access of a device failed with this fault of viommu_translate(). Walks the guest's tables, as
 * an SMMU with empty caches does. If they translate the access, the range around the IOVA is
 * refreshed, since a guest need not announce new entries. If they do not, an event is recorded in
 * the event queue unless the guest suppresses it (IHI 0070, section 7.3).
 *
 * 0: there is a translation now, so translate again; VIOMMU_SMMUV3_RAZ_WI: the access ends without
 * an error, a load yields zeros and a store is ignored (CD.A = 0); -EFAULT: the access ends in an
 * error; -EINVAL: fault is NULL, or its reason is VIOMMU_FAULT_NONE. -EOPNOTSUPP where hardware
 * walks its tables.
 *
 * -EFAULT without an event is the answer where the guest has no memory, and where budget, limits or
 * the host have no room for what the tables name: the next access asks again. So a loop of
 * translating and asking ends, unless the guest takes away each time what it has just put there; a
 * device model may give up after some rounds.
 */
#define VIOMMU_SMMUV3_RAZ_WI 1
VIOMMU_API int viommu_smmuv3_device_fault(struct viommu_smmuv3_device *device, const struct viommu_fault *fault);

struct viommu_smmuv3_info {
	uint32_t size; /* sizeof(struct viommu_smmuv3_info) */
	uint32_t cr0;
	uint32_t gerror; /* the active ones: GERROR ^ GERRORN */
	uint32_t cmdq_prod;
	uint32_t cmdq_cons;
	uint32_t eventq_prod;
	uint32_t eventq_cons;
	uint32_t devices;
	uint32_t domains;	/* that their streams share: nested ones and direct ones */
	uint32_t reserved;	/* 0 */
	uint64_t commands;	/* consumed */
	uint64_t syncs;		/* CMD_SYNCs among them */
	uint64_t configs;	/* CMD_CFGI_* among them */
	uint64_t invalidations; /* CMD_TLBI_* among them */
	uint64_t refreshes;	/* of domains, that invalidations became */
	/*
	 * Refreshes, and domains, that met the budget or a limit: what is missing is looked for at
	 * the next access
	 */
	uint64_t insufficient;
	/* Domains that were destroyed and made anew, since the host failed to remove something */
	uint64_t rebuilt;
	uint64_t errors;      /* commands that were refused: CERROR_* */
	uint64_t faults;      /* calls of viommu_smmuv3_device_fault() */
	uint64_t filled;      /* of them: found a translation */
	uint64_t events;      /* recorded */
	uint64_t events_lost; /* since the queue was full, off, or not in memory */
};
#define VIOMMU_SMMUV3_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_info, events_lost)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_smmuv3_info(struct viommu_smmuv3 *smmu, struct viommu_smmuv3_info *info);

/* The guest's configuration of a stream, as last applied. */
enum viommu_smmuv3_stream {
	VIOMMU_SMMUV3_STREAM_ABORT = 0,	 /* accesses are aborted without an event */
	VIOMMU_SMMUV3_STREAM_BYPASS = 1, /* IOVA = GPA */
	VIOMMU_SMMUV3_STREAM_STAGE1 = 2,
	/* Its configuration cannot be: an access is aborted with the event `event` */
	VIOMMU_SMMUV3_STREAM_FAULTY = 3,
};

/* In words, for people: a constant string. Numbers that are none of the enum have one, too. */
VIOMMU_API const char *viommu_smmuv3_stream_name(uint32_t stream);

struct viommu_smmuv3_device_info {
	uint32_t size; /* sizeof(struct viommu_smmuv3_device_info) */
	uint32_t sid;
	uint32_t stream; /* enum viommu_smmuv3_stream */
	uint32_t event;	 /* FAULTY: its code (section 7.3) */
	uint32_t asid;	 /* STAGE1 */
	/* Streams that have its domain, itself included; 0: it is attached to nothing */
	uint32_t sharing;
	uint64_t cd_gpa; /* STAGE1: where its context descriptor is */
	uint64_t ttb[2]; /* STAGE1: CD.TTB0 and CD.TTB1 */
	uint64_t faults; /* calls of viommu_smmuv3_device_fault() */
	uint64_t events; /* of them: recorded */
	/* 1: it walks the tables, and reads the descriptor: asid and ttb are 0 here */
	uint32_t hardware;
	uint32_t reserved; /* 0 */
};
#define VIOMMU_SMMUV3_DEVICE_INFO_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_smmuv3_device_info, reserved)
/* Fills in info, whose size member the caller has set. 0 or -EINVAL (info is of no known size). */
VIOMMU_API int viommu_smmuv3_device_info(struct viommu_smmuv3_device *device, struct viommu_smmuv3_device_info *info);

/*
 * The statistics and the established runs of the device's domain, as viommu_domain_stats() and
 * viommu_domain_each_run() give them; nothing where it is attached to nothing. In bypass,
 * statistics are zero, and runs are the direct ones.
 */
VIOMMU_API int viommu_smmuv3_device_stats(struct viommu_smmuv3_device *device, struct viommu_domain_stats *stats);
VIOMMU_API int viommu_smmuv3_device_each_run(struct viommu_smmuv3_device *device, uint64_t first, uint64_t last,
					     int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
