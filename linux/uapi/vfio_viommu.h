/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A VFIO container whose devices translate through a guest's own I/O tables.
 *
 * The module viommu adds two types of VFIO_SET_IOMMU. In such a container VFIO_IOMMU_MAP_DMA and
 * VFIO_IOMMU_UNMAP_DMA say where the guest's memory is: iova is a guest physical address. That lets
 * no device reach anything. A device reaches what a domain translates that its group is attached
 * to, and a domain translates what the guest's tables say that it was created with. A group that is
 * attached to no domain reaches nothing.
 *
 * All structs begin with argsz, which user space sets to the size of the struct as it knows it, and
 * flags, of which unknown ones are an error. A struct may grow: the kernel reads and writes no more
 * than argsz says, and takes what is missing as zero. Addresses are in bytes, ranges are first to
 * last, and inclusive.
 *
 * Errors that every ioctl here may return: -EINVAL (argsz is less than the struct's first version,
 * an unknown flag, a reserved member that is not zero), -EFAULT (a pointer of the caller's),
 * -ENOMEM, -ENOTTY (the module is older, and has no such ioctl), -EINTR (the process is being
 * killed), -ENODEV (the container's last group has left it).
 */
#ifndef _UAPI_LINUX_VFIO_VIOMMU_H
#define _UAPI_LINUX_VFIO_VIOMMU_H

#include <linux/types.h>
#include <linux/vfio.h>

/*
 * VFIO_SET_IOMMU, VFIO_CHECK_EXTENSION.
 *
 * PINNED: all memory is pinned when it is mapped, and unpinned when it is unmapped. PAGED: a page
 * is pinned when a table names it, and unpinned when none does.
 *
 * Either way a pinned page is charged once to locked_vm of the process that called VFIO_SET_IOMMU,
 * however many translations name it, and RLIMIT_MEMLOCK of that process bounds it, unless it had
 * CAP_IPC_LOCK then. Only that process may map memory: for others VFIO_IOMMU_MAP_DMA is -EPERM.
 *
 * VFIO_SET_IOMMU and VFIO_GROUP_SET_CONTAINER check each group: -EPERM where its interrupts are not
 * isolated (the module's parameter allow_unsafe_interrupts turns that off), -EOPNOTSUPP for groups
 * that are not behind an IOMMU.
 *
 * VFIO_IOMMU_MAP_DMA takes VFIO_DMA_MAP_FLAG_READ, with or without VFIO_DMA_MAP_FLAG_WRITE: what
 * tables allow in that memory at the most. -EEXIST where memory is mapped already; PINNED: -ENOSPC
 * beyond RLIMIT_MEMLOCK.
 *
 * VFIO_IOMMU_UNMAP_DMA removes all mappings that lie in the range, or all with
 * VFIO_DMA_UNMAP_FLAG_ALL. -EINVAL where a mapping is only partly inside. When it returns, no
 * device reaches that memory. Tables in it are gone for the next refresh.
 */
#define VFIO_VIOMMU_PINNED_IOMMU 0x5649
#define VFIO_VIOMMU_PAGED_IOMMU	 0x564a

/*
 * The effects of a refresh, or of the first one that DOMAIN_CREATE makes. Numbers of pages are of
 * 4096 bytes.
 */
struct vfio_viommu_outcome {
	__u64 established;   /* pages that are reached from now on */
	__u64 released;	     /* pages that are not any more */
	__u64 unestablished; /* at least so many are named, and not pinned or mapped */
	__u64 unbacked;	     /* pages that tables name where no memory is mapped */
	__u64 entries;	     /* of tables that were examined */
	/* The malformed entry with the lowest IOVA. */
	__u32 fault_reason; /* 0: there is none; else libviommu's enum viommu_fault_reason */
	__u32 fault_level;  /* of the entry's table; 0 is a table of leaves */
	__u64 fault_iova;
	__u64 fault_entry_gpa; /* ~0: there is no such place */
	__u64 fault_entry;
};

/*
 * VFIO_VIOMMU_DOMAIN_CREATE
 *
 * Creates a domain from a guest's registration of its tables, and establishes what they hold
 * already. data is what the guest's architecture has for that, and is copied. The domain keeps its
 * tables for as long as it exists.
 *
 * -EINVAL: an unknown data_type, data that the architecture does not allow, or no such group.
 * -ERANGE: IOVAs that the group's IOMMU does not translate. -ENOSPC: what the tables hold could not
 * be pinned or mapped. -EIO: the IOMMU failed. A malformed table is no error here: out_outcome says
 * where it is.
 */
struct vfio_viommu_domain_create {
	__u32 argsz;
	__u32 flags;
	/*
	 * In this container, by its number: N of /dev/vfio/N. The domain is for groups behind an
	 * IOMMU like this one's.
	 */
	__u32 group;
	__u32 data_type;
	__aligned_u64 data_uptr;
	__u32 data_len;
	__u32 out_domain; /* its id, not 0 */
	struct vfio_viommu_outcome out_outcome;
};
#define VFIO_VIOMMU_DOMAIN_CREATE _IO(VFIO_TYPE, VFIO_BASE + 64)

/* data_type, and the data of each. size is that of the struct, as data_len. */
enum vfio_viommu_data_type {
	VFIO_VIOMMU_DATA_ZPCI = 1,
	VFIO_VIOMMU_DATA_SMMUV3 = 2,
};

/*
 * s390: the operands of Modify PCI Function Controls, register I/O address translation parameters.
 */
struct vfio_viommu_zpci {
	__u32 size;
	__u32 flags; /* VFIO_VIOMMU_ZPCI_QEMU: entries are judged as QEMU does */
	__u64 iota;
	__u64 pba; /* first IOVA */
	__u64 pal; /* last IOVA */
};
#define VFIO_VIOMMU_ZPCI_QEMU (1u << 0)

/*
 * Arm: a context descriptor, for tables that software walks. A guest has to announce what becomes
 * valid, which SMMUv3 does not ask of it.
 */
struct vfio_viommu_smmuv3 {
	__u32 size;
	__u32 flags;
	__u32 output_bits;
	__u32 reserved;
	__u64 cd[8];
	__u64 ste[2];
};

/*
 * VFIO_VIOMMU_DOMAIN_DESTROY
 *
 * Detaches the domain's groups, removes every translation and destroys it, after refreshes of it
 * that are under way. -ENOENT: no such domain.
 */
struct vfio_viommu_domain_destroy {
	__u32 argsz;
	__u32 flags;
	__u32 domain;
	__u32 reserved;
};
#define VFIO_VIOMMU_DOMAIN_DESTROY _IO(VFIO_TYPE, VFIO_BASE + 65)

/*
 * VFIO_VIOMMU_ATTACH
 *
 * Attaches a group to a domain, or with domain 0 to none. A group that is attached elsewhere is
 * detached first: in between it reaches nothing.
 *
 * -ENOENT: no such domain. -EINVAL: no such group. -ENOSPC: the domain translates IOVAs that the
 * group reserves (for interrupts, say). -EIO: the group is behind an IOMMU that cannot use this
 * domain, and is attached to nothing now.
 */
struct vfio_viommu_attach {
	__u32 argsz;
	__u32 flags;
	__u32 domain;
	__u32 group;
};
#define VFIO_VIOMMU_ATTACH _IO(VFIO_TYPE, VFIO_BASE + 66)

/*
 * VFIO_VIOMMU_REFRESH
 *
 * Makes the translations of first..last true to the guest's tables. Returns 0 when that was tried,
 * with out_status and out_outcome filled in. When it returns, each IOVA in the range either
 * translates as the tables said at some moment of the call, or does not translate; what is no
 * longer named is neither reached nor pinned. -ENOENT: no such domain.
 */
struct vfio_viommu_refresh {
	__u32 argsz;
	__u32 flags;
	__u32 domain;
	__u32 out_status; /* VFIO_VIOMMU_REFRESH_* */
	__u64 first;
	__u64 last;
	struct vfio_viommu_outcome out_outcome;
};
#define VFIO_VIOMMU_REFRESH _IO(VFIO_TYPE, VFIO_BASE + 67)

enum vfio_viommu_refresh_status {
	VFIO_VIOMMU_REFRESH_DONE = 0,	 /* the range is true */
	VFIO_VIOMMU_REFRESH_OUTSIDE = 1, /* no IOVA of it is the domain's: nothing was done */
	/* Memory, RLIMIT_MEMLOCK or the IOMMU was short: out_outcome.unestablished. */
	VFIO_VIOMMU_REFRESH_INSUFFICIENT = 2,
	/* An entry is: out_outcome.fault_*. Everything else in the range is true. */
	VFIO_VIOMMU_REFRESH_MALFORMED = 3,
	/* The IOMMU has not removed a translation. The next refresh tries again. */
	VFIO_VIOMMU_REFRESH_FAILED = 4,
};

/*
 * VFIO_VIOMMU_INFO
 *
 * Properties of a container. ranges_uptr has room for ranges structs vfio_viommu_range: which IOVAs
 * the group's domains can translate, ascending. As many as fit are written; out_ranges says how
 * many there are. -EINVAL: no such group.
 */
struct vfio_viommu_range {
	__u64 first;
	__u64 last;
};

struct vfio_viommu_info {
	__u32 argsz;
	__u32 flags;
	__u32 group;
	__u32 ranges;
	__aligned_u64 ranges_uptr;
	__u32 out_ranges;
	__u32 out_domains;    /* that exist in the container */
	__u64 out_data_types; /* bit n: enum vfio_viommu_data_type n */
	__u64 out_mapped;     /* bytes of guest memory */
	__u64 out_pinned;     /* bytes of it that are pinned, and charged */
};
#define VFIO_VIOMMU_INFO _IO(VFIO_TYPE, VFIO_BASE + 68)

#endif
