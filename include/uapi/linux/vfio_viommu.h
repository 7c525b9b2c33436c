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
 * tables allow in that memory at the most. -EEXIST where memory is mapped already; -ENOSPC beyond
 * RLIMIT_MEMLOCK (PINNED, or a direct domain exists). -EBUSY: a direct domain has a part of it
 * that its IOMMU does not remove, so that it stays mapped until it is unmapped.
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
	VFIO_VIOMMU_DATA_VTD = 4,
	VFIO_VIOMMU_DATA_AMDVI = 5,
	VFIO_VIOMMU_DATA_DIRECT = 32,
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
 * Intel: the fields of a context entry or a PASID table entry for the tables. The domain covers the
 * IOVAs that they translate, without the interrupt address range. Without flags these are
 * second-stage tables. First-stage tables also translate IOVAs at the upper end of 64 bits, where
 * the group's IOMMU does, and a guest need not announce what becomes valid in them.
 */
struct vfio_viommu_vtd {
	__u32 size;
	__u32 flags;  /* VFIO_VIOMMU_VTD_* */
	__u32 levels; /* 3, 4 or 5; of the first stage: 4 or 5 */
	__u32 reserved;
	__u64 root; /* GPA of the top table */
};
#define VFIO_VIOMMU_VTD_FIRST_STAGE (1u << 0)
#define VFIO_VIOMMU_VTD_NXE	    (1u << 1) /* first stage: XD is no reserved bit */

/*
 * AMD: the fields of a device table entry for host page tables (v1). The domain covers the IOVAs
 * that the top table reaches, and the group's IOMMU translates, without the interrupt address range
 * and the excluded range.
 */
struct vfio_viommu_amdvi {
	__u32 size;
	__u32 mode; /* 1 to 6: the level of the top table */
	__u64 root; /* GPA of the top table */
	__u32 prot; /* rights at the most: 1 (IR), 2 (IW) */
	__u32 flags;
	__u64 excluded;	      /* first address of the excluded range */
	__u64 excluded_bytes; /* 0: there is none */
};

/*
 * No tables, for a guest IOMMU that does not translate: all guest memory at IOVA = GPA + offset,
 * as far as that lies in first..last, with the rights that the memory and the flags both have.
 * The domain pins that memory. VFIO_IOMMU_MAP_DMA adds later memory to it before it returns, or
 * fails (-ENOSPC: it could not be pinned or mapped here, or the IOVAs are reserved).
 * VFIO_VIOMMU_REFRESH of it is -EOPNOTSUPP.
 * out_outcome is zero.
 */
struct vfio_viommu_direct {
	__u32 size;
	__u32 flags; /* VFIO_VIOMMU_DIRECT_* */
	__u64 first; /* IOVAs, of whole pages */
	__u64 last;
	__u64 offset; /* a multiple of 4096; where the sum would wrap, no memory is reached */
};
#define VFIO_VIOMMU_DIRECT_READ	 (1u << 0)
#define VFIO_VIOMMU_DIRECT_WRITE (1u << 1)

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

/*
 * VFIO_VIOMMU_EVENTS
 *
 * Returns a file descriptor, from which events of the container are read, beginning with the first
 * such call: whole structs vfio_viommu_event. Files of one container share its queue, so that each
 * event is read once. read() waits for an event, unless the file is O_NONBLOCK (-EAGAIN). It
 * returns 0 when the container has ended and the queue is empty, and -EINVAL for a buffer that is
 * too small. When the queue has VFIO_VIOMMU_EVENTS_KEPT events, new ones are dropped and counted.
 */
struct vfio_viommu_events {
	__u32 argsz;
	__u32 flags;
};
#define VFIO_VIOMMU_EVENTS	_IO(VFIO_TYPE, VFIO_BASE + 69)
#define VFIO_VIOMMU_EVENTS_KEPT 256

enum vfio_viommu_event_type {
	/*
	 * VFIO_IOMMU_UNMAP_DMA has removed translations of the group in first..last, which may be
	 * more than those. The guest's tables may still have them.
	 */
	VFIO_VIOMMU_EVENT_REVOKED = 1,
	/*
	 * A guest IOMMU has refreshed first..last for the group, and not all of it is as the tables
	 * say: status and outcome are as those of VFIO_VIOMMU_REFRESH, whose own are no events.
	 */
	VFIO_VIOMMU_EVENT_REFRESH = 2,
	/* A guest IOMMU could not attach the group: it reaches nothing. INSUFFICIENT or FAILED. */
	VFIO_VIOMMU_EVENT_UNATTACHED = 3,
};

struct vfio_viommu_event {
	__u32 size; /* of this record: how far apart records are */
	__u32 type;
	__u32 group;  /* its number */
	__u32 status; /* enum vfio_viommu_refresh_status */
	__u32 lost;   /* events, since the one that was read before */
	__u32 reserved;
	__u64 first; /* IOVAs */
	__u64 last;
	struct vfio_viommu_outcome outcome;
};

/*
 * VFIO_VIOMMU_IOMMU_CREATE
 *
 * Creates a guest IOMMU in its reset state: registers, command and event queues in guest memory,
 * and domains for the groups behind it, which follow what the guest configures. Accesses to its
 * register pages that user space traps are for VFIO_VIOMMU_IOMMU_ACCESS.
 *
 * eventfds are signalled for interrupts that the guest has enabled; -1 for one that is not wanted.
 * Interrupts by message whose address is guest memory are stored there.
 *   VTD     0: fault event, 1: invalidation event. The messages are those of FEDATA, FEADDR and
 *           FEUADDR, or of IEDATA, IEADDR and IEUADDR, which are read by VFIO_VIOMMU_IOMMU_ACCESS:
 *           with IRQFD and a route of that message KVM injects the interrupt. Where both are the
 *           same message, 0 is signalled
 *   AMDVI   0: of the IOMMU's PCI function; with IntCapXTEn the message of its register
 *   SMMUV3  0: event queue, 1: CMD_SYNC, 2: global error; all wired, as IDR0.MSI is 0
 *
 * A container has at most VFIO_VIOMMU_IOMMUS. For a reset it is destroyed and created.
 *
 * -EINVAL: an unknown type or feature, a number of bits that the type does not have, or a file
 * that is no eventfd. -EBADF: no open file. -ENOSPC: there are as many as there may be.
 */
struct vfio_viommu_iommu_create {
	__u32 argsz;
	__u32 flags;
	__u32 type;	    /* enum vfio_viommu_iommu_type */
	__u32 features;	    /* VFIO_VIOMMU_VTD_*, VFIO_VIOMMU_AMDVI_*, VFIO_VIOMMU_SMMUV3_* */
	__u32 address_bits; /* VTD: of IOVAs, 39, 48 or 57 (0: 48); others: 0 */
	__u32 output_bits;  /* of GPAs; VTD: 0 is 46, SMMUV3: 0 is 44, AMDVI: 0 */
	__u32 id_bits;	    /* SMMUV3: of StreamIDs (0: 16); others: 0 */
	__u32 out_iommu;    /* its id, not 0 */
	__s32 eventfds[4];
};
#define VFIO_VIOMMU_IOMMU_CREATE _IO(VFIO_TYPE, VFIO_BASE + 80)
#define VFIO_VIOMMU_IOMMUS	 16

enum vfio_viommu_iommu_type {
	VFIO_VIOMMU_IOMMU_SMMUV3 = 2, /* Arm: stage 1, 0x20000 bytes of registers */
	VFIO_VIOMMU_IOMMU_VTD = 4,    /* Intel: caching mode, 0x1000 bytes */
	VFIO_VIOMMU_IOMMU_AMDVI = 5,  /* AMD: NpCache, 0x4000 bytes */
};

#define VFIO_VIOMMU_VTD_INTERRUPT_REMAPPING (1u << 0) /* ECAP.IR and ECAP.EIM */
#define VFIO_VIOMMU_VTD_SCALABLE	    (1u << 1) /* ECAP.SMTS and ECAP.SSTS */
#define VFIO_VIOMMU_AMDVI_X2APIC	    (1u << 0) /* EFR.XTSup */
#define VFIO_VIOMMU_SMMUV3_RESET_ABORT	    (1u << 0) /* GBPA.ABORT is 1 after a reset */

/*
 * VFIO_VIOMMU_IOMMU_DESTROY
 *
 * Ends its doorbell and detaches its groups, after accesses that are under way. -ENOENT: no such
 * guest IOMMU.
 */
struct vfio_viommu_iommu_destroy {
	__u32 argsz;
	__u32 flags;
	__u32 iommu;
	__u32 reserved;
};
#define VFIO_VIOMMU_IOMMU_DESTROY _IO(VFIO_TYPE, VFIO_BASE + 81)

/*
 * VFIO_VIOMMU_IOMMU_DEVICE
 *
 * Puts a group behind a guest IOMMU, as the device of source_id (DeviceID, StreamID), and attaches
 * it as the guest has configured that; or with REMOVE takes it away, so that it is attached to
 * nothing. While it is behind one, VFIO_VIOMMU_ATTACH of it is -EBUSY. A group that is attached to
 * a domain leaves it.
 *
 * Where translation is off, or passes through, a device reaches all guest memory at IOVA = GPA, and
 * that is pinned whole. A group that cannot be attached to what the guest configures (memory,
 * RLIMIT_MEMLOCK, IOVAs that it reserves) reaches nothing until the guest configures it anew.
 *
 * ANNOUNCES: the guest invalidates after it makes an entry valid. SMMUV3 needs it (-EOPNOTSUPP),
 * since the architecture does not require that; others have it.
 *
 * -ENOENT: no such guest IOMMU. -EINVAL: no such group, no such source_id, or with REMOVE the group
 * is not behind this guest IOMMU. -EBUSY: it is behind one already. -EEXIST: source_id is another
 * group's. -ERANGE: the group's IOMMU does not translate all IOVAs of address_bits.
 */
struct vfio_viommu_iommu_device {
	__u32 argsz;
	__u32 flags; /* VFIO_VIOMMU_IOMMU_DEVICE_* */
	__u32 iommu;
	__u32 group;
	__u32 source_id; /* REMOVE: 0 */
	__u32 reserved;
};
#define VFIO_VIOMMU_IOMMU_DEVICE	   _IO(VFIO_TYPE, VFIO_BASE + 82)
#define VFIO_VIOMMU_IOMMU_DEVICE_REMOVE	   (1u << 0)
#define VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES (1u << 1)

/*
 * VFIO_VIOMMU_IOMMU_ACCESS
 *
 * A vCPU's load or store of 4 or 8 bytes, naturally aligned, at an offset in the register pages. A
 * store has all its effects before it returns. Reserved registers read as 0 and ignore stores.
 * -ENOENT: no such guest IOMMU. -EINVAL: not such an access.
 */
struct vfio_viommu_iommu_access {
	__u32 argsz;
	__u32 flags; /* VFIO_VIOMMU_IOMMU_ACCESS_STORE: else it is a load */
	__u32 iommu;
	__u32 bytes;
	__u64 offset;
	__u64 value;
};
#define VFIO_VIOMMU_IOMMU_ACCESS       _IO(VFIO_TYPE, VFIO_BASE + 83)
#define VFIO_VIOMMU_IOMMU_ACCESS_STORE (1u << 0)

/*
 * VFIO_VIOMMU_IOMMU_FAULT
 *
 * Reports that an access of a group behind a guest IOMMU was stopped. If the guest's configuration
 * and tables permit the access, its translation is established; else the guest IOMMU records the
 * fault. Linux does not report faults to the drivers of containers, so that the monitor must learn
 * of them by other means. -EINVAL: no such group, it is behind no guest IOMMU, or an unknown
 * access.
 */
struct vfio_viommu_iommu_fault {
	__u32 argsz;
	__u32 flags;
	__u32 group;
	__u32 access;	    /* 1: load, 2: store */
	__u32 out_recorded; /* 0: the access may be tried again; 1: it ends in an error */
	__u32 reserved;
	__u64 iova;
};
#define VFIO_VIOMMU_IOMMU_FAULT _IO(VFIO_TYPE, VFIO_BASE + 84)

/*
 * VFIO_VIOMMU_IOMMU_KVM
 *
 * The guest IOMMU's register pages begin at gpa in a VM of KVM: stores of its vCPUs to the register
 * that says that there are commands (VTD: IQT, AMDVI: command buffer tail, SMMUV3: CMDQ_PROD) are
 * handled in the kernel, and are done before the vCPU's next instruction. Everything else exits to
 * user space as before, and so does such a store where more than VFIO_VIOMMU_IOMMU_KVM_COMMANDS
 * commands wait: user space hands it to VFIO_VIOMMU_IOMMU_ACCESS, as any other.
 *
 * vm is the file of KVM_CREATE_VM, -1 to end that. The VM stays until that has ended.
 *
 * -ENOENT: no such guest IOMMU. -EBADF, -EINVAL: vm is no VM, or gpa is not aligned to 4096.
 * -EBUSY: it has a VM already. -EOPNOTSUPP: this kernel's KVM takes no doorbells (linux/patches).
 * -ENOSPC: the VM has as many devices as it can have.
 */
struct vfio_viommu_iommu_kvm {
	__u32 argsz;
	__u32 flags;
	__u32 iommu;
	__s32 vm;
	__u64 gpa;
};
#define VFIO_VIOMMU_IOMMU_KVM	       _IO(VFIO_TYPE, VFIO_BASE + 85)
#define VFIO_VIOMMU_IOMMU_KVM_COMMANDS 1024

#endif
