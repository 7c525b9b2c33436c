/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A nested domain: the composition of one set of guest tables with the VM's memory, for one or more devices. The library makes it, or hardware that walks the
 * guest's tables itself (nesting.h); nothing else about a domain differs, but where it is said below.
 *
 * It is created for one VM by one call that carries the guest IOMMU's own data, and stays what it is. It has no map and no unmap: its only source of
 * translations is the guest's tables, and its only operation is refresh.
 *
 * What holds: after viommu_domain_refresh() has returned 0 for a range, the host translates each IOVA in it exactly as the guest's tables did at some
 * moment during the call, to the same page and with no more rights. After any return, an IOVA in the range either translates as the tables say or does not
 * translate. IOVAs outside the range are untouched.
 *
 * Threads: any function here may be called from any thread at any time; only viommu_domain_destroy() must be the last call for its domain.
 */
#ifndef VIOMMU_DOMAIN_H
#define VIOMMU_DOMAIN_H

#include <viommu/nesting.h>
#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which guest IOMMU the data of viommu_domain_create() belongs to. */
enum viommu_domain_type {
	VIOMMU_DOMAIN_ZPCI = 1,	  /* data: struct viommu_zpci_ioat */
	VIOMMU_DOMAIN_SMMUV3 = 2, /* data: struct viommu_smmuv3_stage1 */
};

/*
 * An I/O address translation registration of an s390 function, as MPCIFC carries it in the FIB: IOTA (translation anchor), PBA and PAL (first and last
 * IOVA; the low 12 bits of PBA are taken as zeros, those of PAL as ones). The IOTA's T bit must be one: a function without translation uses a direct domain.
 */
struct viommu_zpci_ioat {
	uint32_t size;	/* sizeof(struct viommu_zpci_ioat) */
	uint32_t flags; /* VIOMMU_ZPCI_IOAT_* */
	uint64_t iota;
	uint64_t pba;
	uint64_t pal;
};

/* Judge entries as QEMU's walker does: docs/formats.md lists the differences. */
#define VIOMMU_ZPCI_IOAT_QEMU 0x1u

/*
 * Stage 1 of a stream of Arm's SMMUv3: what its context descriptor (IHI 0070, section 5.4) says of TTB0 and TTB1, their sizes, granules and attributes. The
 * domain covers the IOVAs of both, those of TTB1 at the end of all addresses. Substreams are not for a domain: each would be one of its own.
 *
 * A guest need not invalidate anything when it makes an entry valid, as caches keep no invalid ones. So what a device model cannot translate, it asks the guest
 * IOMMU about, which looks into the tables and refreshes what it finds there (smmuv3.h). On hosts where a device's accesses do not come to a device model, only
 * what the guest invalidates is seen.
 */
struct viommu_smmuv3_stage1 {
	uint32_t size;	      /* sizeof(struct viommu_smmuv3_stage1) */
	uint32_t flags;	      /* VIOMMU_SMMUV3_* */
	uint32_t output_bits; /* of addresses, as the guest's SMMU says in IDR5.OAS: 32, 36, 40, 42, 44, 48 or 52. A larger CD.IPS counts as that */
	uint32_t nesting;     /* enum viommu_nesting: AUTO needs ste for hardware, and shadows where its V is 0 */
	uint64_t cd[8];	      /* shadow: the context descriptor, in the CPU's byte order */
	/*
	 * Hardware: the first two doublewords of the Stream Table Entry (section 5.2), in the CPU's byte order, valid: Config 0b000 reaches nothing, 0b100 all of the
	 * guest's memory where it is, 0b101 what the descriptor at S1ContextPtr and its tables say, which hardware reads from the guest's memory. S1Fmt, S1CDMax, S1DSS,
	 * S1CIR, S1COR and S1CSH are heeded, other fields are none of a guest's.
	 */
	uint64_t ste[2];
};

/* The stream's transactions are privileged (STE.PRIVCFG): what AP[1] says of unprivileged ones is not for them. */
#define VIOMMU_SMMUV3_PRIVILEGED 0x1u

/* What a refresh did, filled in whether it succeeded or not. */
struct viommu_refresh_result {
	uint32_t size;		   /* sizeof(struct viommu_refresh_result) */
	uint32_t steps;		   /* how many steps it was cut into */
	uint64_t established;	   /* pages of 4096 bytes */
	uint64_t released;	   /* pages of 4096 bytes */
	uint64_t unestablished;	   /* pages at least, that the tables name and that could not be had: memory, budget or the host was short */
	uint64_t unbacked;	   /* pages that the tables name where the guest has no memory: not an error, and not translated */
	uint64_t entries;	   /* guest entries examined */
	struct viommu_fault fault; /* the malformed entry with the lowest IOVA, for -EFAULT */
};

struct viommu_domain_stats {
	uint32_t size; /* sizeof(struct viommu_domain_stats) */
	uint32_t devices;
	uint64_t refreshes; /* one of both sets of tables, where there are two, counts as two */
	uint64_t steps;
	uint64_t established;  /* pages, in total */
	uint64_t released;     /* pages, in total */
	uint64_t mapped_pages; /* now */
	uint64_t mapped_pages_peak;
	uint64_t insufficient; /* refreshes that ended in -ENOSPC */
	uint64_t faults;       /* refreshes that ended in -EFAULT */
	uint64_t unbacked;     /* pages, in total */
	uint64_t host_maps;    /* calls to the host */
	uint64_t host_unmaps;
	uint64_t host_flushes;
	uint64_t host_splits;	 /* mappings that had to be taken apart because the host removes only whole ones */
	uint64_t entries;	 /* guest entries examined */
	uint64_t shadow_bytes;	 /* now; the host's own tables not included */
	uint64_t tracked;	 /* refreshes of the whole aperture that looked only at tables that were written (tracking.h) */
	uint64_t tracked_tables; /* now: those of which it is known whether they are written */
};

/*
 * Creates a nested domain and synchronises it with everything that the tables hold already, since a guest may register a full table and never refresh it.
 * data is copied. result may be NULL.
 *
 * 0; -EINVAL (unknown type, data of no known size, an anchor that the architecture does not allow); -ERANGE (the registration is outside the host's
 * aperture); -ENOMEM; -ENOSPC ("insufficient resources": what the tables hold does not fit into budget or limits); -EIO (the host failed); for hardware,
 * -EOPNOTSUPP (the host does not nest) and -EDQUOT (the budget is too small for the guest's memory). There is a domain only if 0 was returned. A malformed table is
 * no error here: what is beneath it is not mapped, result->fault tells of it, and a refresh of it answers -EFAULT.
 */
VIOMMU_API int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data,
				    struct viommu_refresh_result *result, struct viommu_domain **out);

/*
 * Detaches its devices, removes every translation, flushes, unpins, and destroys. Needs nothing from the guest and never fails. No table of the guest is
 * looked at again. NULL is allowed.
 */
VIOMMU_API void viommu_domain_destroy(struct viommu_domain *domain);

/*
 * Lets a device reach what the domain translates, and nothing else. One that is attached elsewhere is moved: in one step where its host can (soft; iommufd, but
 * for s390's devices), so that each access finds what it reached before or what it reaches from now on; else it reaches nothing for a moment. When this returns no
 * reader of the device is inside a translation of what it was attached to. Attaching where it is attached already is 0.
 *
 * 0. The device stays where it was: -EXDEV (it belongs to another VM or host); -EINVAL (hardware walks the tables, and it has no ID: nesting.h); -EBUSY (the host
 * refused to take it from where it is). It is attached to nothing: -ENOSPC (the device's host has no room, or may pin no more, for what the domain holds: vfio.h);
 * -EIO (the host refused).
 */
VIOMMU_API int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device);

/*
 * Makes the IOVAs first..last true to the guest's tables. The range is widened to whole pages of 4096 bytes and clipped to the domain's aperture;
 * releases come before establishes, with the host's flush between them. result may be NULL.
 *
 * 0; -ERANGE (no IOVA of the range is inside the aperture, or first > last: nothing was done); -ENOSPC ("insufficient resources": budget, limits, memory
 * or the host's entries; what is not established is not mapped, and releases were done); -EFAULT (a malformed table: result->fault; what is beneath it is
 * not mapped, everything else in the range is true); -EIO (the host failed to remove a translation: it stays mapped, pinned and charged, and the next
 * refresh tries again). If several apply, the last of these in this order is returned. Where hardware walks the tables, 0, -ERANGE or -EIO (it may go on with
 * what it knew), and the result has no figures.
 */
VIOMMU_API int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);

/*
 * The guest has invalidated what says where the tables are (for an SMMUv3 CMD_CFGI_CD: its context descriptors), and may have changed it. Hardware reads it anew; what
 * it keeps of the tables themselves is for viommu_domain_refresh() to remove. Otherwise nothing is done: a domain of the library's keeps to what it was created
 * with, so that the guest's change is another domain. 0 or -EIO (the host failed).
 */
VIOMMU_API int viommu_domain_refresh_context(struct viommu_domain *domain);

/* Whether hardware walks the guest's tables. */
VIOMMU_API bool viommu_domain_is_hardware(const struct viommu_domain *domain);

/*
 * Calls fn for each maximal run of established translations that overlaps first..last, in ascending order and clipped to that range, with the domain
 * locked: fn must not call the library. Stops where fn returns anything but 0, and returns that; else 0. What hardware has established nobody knows: there are no
 * runs then.
 */
VIOMMU_API int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				      void *ctx);

/*
 * Walks the guest's tables, not the shadow, for one IOVA: what would a refresh find there? 0 with *run filled in (one whole leaf, unclipped), or -EFAULT
 * with *fault; and with *run, too, whose prot is 0, for VIOMMU_FAULT_LEAF_UNBACKED. For diagnosis and for events; a device's accesses go through viommu_translate(). -EOPNOTSUPP where hardware walks the tables.
 */
VIOMMU_API int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);

/* Fills in stats, whose size member the caller has set. */
VIOMMU_API void viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
