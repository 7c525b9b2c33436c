/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains: the I/O address spaces that devices are attached to. There are five kinds; a domain gets
 * its kind when it is created, and keeps it. Each is for one VM and one host.
 *
 *   nested    the composition of a guest's tables with the VM's memory, made by the library, or
 *             by the host kernel. Created with the guest IOMMU's own data. Tables are its only
 *             source of translations, refresh its only operation: it has no map and no unmap.
 *   hardware  the same, made by hardware that walks the guest's tables itself (nesting.h).
 *   direct    IOVA = GPA + offset, for a guest IOMMU that was told not to translate.
 *   mapped    filled by requests of a paravirtual guest (mapped.h).
 *   blocked   nothing is reached.
 *
 * Guarantees of nested domains: after viommu_domain_refresh() has returned 0 for a range, the host
 * translates each IOVA in it exactly as the guest's tables did at some moment during the call, to
 * the same page and with no more rights. After any return, an IOVA in the range either translates
 * as the tables say or does not translate. IOVAs outside the range keep their translations, but for
 * one case. The Linux kernel removes only whole mappings (VFIO type1 v2 answers -EINVAL to a part
 * of one, iommufd -ENOENT) and maps nothing over another (-EEXIST), so that what is to stay cannot
 * be mapped first. What lies outside the range, in one mapping with a page that changes, is removed
 * with it, and mapped again by the next call to the kernel (host_splits counts the mappings). A
 * device that accesses it between the two meets a fault. If the host is short of memory or of
 * mappings at that moment, it stays away: the refresh returns -ENOSPC, and result.unestablished
 * counts it. Each later refresh, whatever its range, maps a part of it again, as the tables say by
 * then, before it establishes anything new.
 *
 * An operation that a kind does not have returns -EOPNOTSUPP; each says which kinds have it.
 *
 * Threads: any function here may be called from any thread at any time; only
 * viommu_domain_destroy() must be the last call for its domain.
 */
#ifndef VIOMMU_DOMAIN_H
#define VIOMMU_DOMAIN_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum viommu_domain_kind {
	VIOMMU_KIND_NESTED = 1,
	VIOMMU_KIND_HARDWARE = 2,
	VIOMMU_KIND_DIRECT = 3,
	VIOMMU_KIND_MAPPED = 4,
	VIOMMU_KIND_BLOCKED = 5,
};

/* Which guest IOMMU the data of viommu_domain_create() belongs to. */
enum viommu_domain_type {
	VIOMMU_DOMAIN_ZPCI = 1,	  /* data: struct viommu_zpci_ioat (zpci.h) */
	VIOMMU_DOMAIN_SMMUV3 = 2, /* data: struct viommu_smmuv3_stage1 (smmuv3.h) */
	VIOMMU_DOMAIN_VIRTIO = 3, /* none: it has no tables (virtio.h) */
	VIOMMU_DOMAIN_VTD = 4,	  /* data: struct viommu_vtd_tables (vtd.h) */
	VIOMMU_DOMAIN_AMDVI = 5,  /* data: struct viommu_amdvi_tables (amdvi.h) */
};

/* Formats of guests' tables. */
enum viommu_format {
	VIOMMU_FORMAT_ZPCI = 0,	     /* I/O translation tables of s390 (docs/formats.md) */
	VIOMMU_FORMAT_ZPCI_QEMU = 1, /* the same, judged as QEMU does */
	VIOMMU_FORMAT_ARM64_4K = 2,  /* VMSAv8-64 stage 1, by granule */
	VIOMMU_FORMAT_ARM64_16K = 3,
	VIOMMU_FORMAT_ARM64_64K = 4,
	VIOMMU_FORMAT_VTDSS = 5,  /* second stage of VT-d */
	VIOMMU_FORMAT_X86_64 = 6, /* tables of x86-64: first stage of VT-d */
	VIOMMU_FORMAT_AMDV1 = 7,  /* host page tables of AMD's IOMMU */
};

/* The features of this library. Those of a host are in viommu_host_caps(). */
struct viommu_features {
	uint32_t size;	  /* sizeof(struct viommu_features) */
	uint32_t guests;  /* bit n: the guest IOMMU n of enum viommu_domain_type */
	uint64_t formats; /* bit n: the format n of enum viommu_format */
};
#define VIOMMU_FEATURES_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_features, formats)

/*
 * Fills in features, whose size member the caller has set. 0 or -EINVAL (features is of no known
 * size).
 */
VIOMMU_API int viommu_features(struct viommu_features *features);

/* In words, for people: constant strings. Numbers that are none of the enum have one, too. */
VIOMMU_API const char *viommu_format_name(uint32_t format);
VIOMMU_API const char *viommu_domain_type_name(uint32_t type);
VIOMMU_API const char *viommu_domain_kind_name(uint32_t kind);

/* The effects of a refresh, filled in whether it succeeded or not. Frozen. */
struct viommu_refresh_result {
	uint32_t steps;	      /* how many steps it was cut into */
	uint32_t reserved;    /* 0 */
	uint64_t established; /* pages of 4096 bytes */
	uint64_t released;    /* pages of 4096 bytes */
	/*
	 * Pages at least, that the tables name and that could not be had: memory, budget or the
	 * host was short
	 */
	uint64_t unestablished;
	/*
	 * Pages that the tables name where the guest has no memory: not an error, and not
	 * translated
	 */
	uint64_t unbacked;
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
	/* mappings that had to be taken apart because the host removes only whole ones */
	uint64_t host_splits;
	uint64_t entries;      /* guest entries examined */
	uint64_t shadow_bytes; /* now; the host's own tables not included */
	/*
	 * Refreshes of the whole aperture that looked only at tables that were written (tracking.h)
	 */
	uint64_t tracked;
	uint64_t tracked_tables; /* now: those of which it is known whether they are written */
};
#define VIOMMU_DOMAIN_STATS_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_domain_stats, tracked_tables)

/*
 * Creates a nested domain, or one of the kind hardware where the data asks for it, and synchronises
 * it with everything that the tables hold already, since a guest may register a full table and
 * never refresh it. data is copied. result may be NULL.
 *
 * 0; -EINVAL (unknown type, data of no known size, a root that the architecture does not allow);
 * -ERANGE (the registration is outside the host's aperture); -ENOMEM; -ENOSPC ("insufficient
 * resources": what the tables hold does not fit into budget or limits); -EIO (the host failed); for
 * hardware, -EOPNOTSUPP (the host does not nest) and -EDQUOT (the budget is too small for the
 * guest's memory). There is a domain only if 0 was returned. A malformed table is no error here:
 * what is beneath it is not mapped, result->fault says where it is, and a refresh of it answers
 * -EFAULT. On the host kernel: -ENODEV and -EOPNOTSUPP (vfio.h).
 */
VIOMMU_API int viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data,
				    struct viommu_refresh_result *result, struct viommu_domain **out);

/*
 * Creates a direct domain over the IOVAs first..last; GPAs that fall outside are not reached. All
 * of the VM's slots are pinned while it exists, and are charged to the budget once. Slots that are
 * added or removed later follow.
 *
 * 0; -EINVAL (not aligned to 4096); -ERANGE (outside the host's aperture); -EDQUOT (the budget is
 * too small for the guest's memory); -ENOMEM; -ENOSPC; -EIO. On the host kernel: -ENODEV and
 * -EOPNOTSUPP (vfio.h).
 */
VIOMMU_API int viommu_domain_create_direct(struct viommu_vm *vm, struct viommu_host *host, uint64_t offset, uint64_t first, uint64_t last,
					   struct viommu_domain **out);

/* Creates a blocked domain. 0, -ENOMEM, -ENOSPC or -EIO. */
VIOMMU_API int viommu_domain_create_blocked(struct viommu_vm *vm, struct viommu_host *host, struct viommu_domain **out);

/*
 * Detaches its devices, removes every translation, flushes, unpins, and destroys. Needs nothing
 * from the guest and never fails. No table of the guest is looked at again. NULL is allowed.
 */
VIOMMU_API void viommu_domain_destroy(struct viommu_domain *domain);

VIOMMU_API enum viommu_domain_kind viommu_domain_kind(const struct viommu_domain *domain);

/*
 * Attaches a device, or with another pasid than VIOMMU_NO_PASID one of its PASIDs: it reaches what
 * the domain translates, and nothing else. A device and each of its PASIDs are attached on their
 * own. One that is attached elsewhere is moved: in one step where its host can (soft; iommufd, but
 * for s390's devices), so that each access finds what it reached before or what it reaches from now
 * on; else it reaches nothing for a moment. When this returns, none of its readers is inside a
 * translation of the domain that it left. Attaching where it is attached already is 0.
 *
 * 0. It stays where it was: -EXDEV (it belongs to another VM or host); -EINVAL (hardware walks the
 * tables, and the device has no ID: nesting.h; or the PASID is wider than the host's);
 * -EOPNOTSUPP (the host has no PASIDs: pasid_bits in hosts.h); -ENOMEM; -EBUSY (the host refused to
 * take it from where it is). It is attached to nothing: -ENOSPC (the device's host has no room, or
 * may pin no more, for what the domain holds: vfio.h); -EOPNOTSUPP (the kernel, or the hardware,
 * does not attach a PASID of this device to such a domain: logged); -EIO (the host refused).
 */
VIOMMU_API int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid);

/*
 * Nested: makes the IOVAs first..last true to the guest's tables. The range is widened to whole
 * pages of 4096 bytes and clipped to the domain's aperture; releases come before establishes, with
 * the host's flush between them. result may be NULL.
 *
 * 0; -ERANGE (no IOVA of the range is inside the aperture, or first > last: nothing was done);
 * -ENOSPC ("insufficient resources": budget, limits, memory or the host's entries; what is not
 * established is not mapped, releases were done, and what was true stays); -EFAULT (a malformed
 * table: result->fault; what is beneath it is not mapped, everything else in the range is true);
 * -EIO (the host failed to remove a translation: it stays mapped, pinned and charged, and the next
 * refresh tries again). If several apply, the last of these in this order is returned. -EOPNOTSUPP
 * for other kinds.
 */
VIOMMU_API int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);

/*
 * Calls fn for each maximal run of established translations that overlaps first..last, in ascending
 * order and clipped to that range, with the domain locked: fn must not call the library. Stops
 * where fn returns anything but 0, and returns that; else 0. For the kinds hardware and blocked
 * there are no runs.
 */
VIOMMU_API int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				      void *ctx);

/*
 * Nested: walks the guest's tables, not the shadow, for one IOVA, as a refresh would. 0 with *run
 * filled in (one whole leaf, unclipped), or -EFAULT with *fault; for VIOMMU_FAULT_LEAF_UNBACKED
 * with *run, too, whose prot is 0. For diagnosis and for events; a device's accesses go through
 * viommu_translate(). -EOPNOTSUPP for other kinds.
 */
VIOMMU_API int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);

/*
 * Fills in stats, whose size member the caller has set. Figures that a kind does not have are 0. 0
 * or -EINVAL (stats is of no known size).
 */
VIOMMU_API int viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
