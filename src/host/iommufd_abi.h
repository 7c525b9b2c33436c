/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Those parts of the kernel's interface that may be newer than the system's headers: iommufd (Linux
 * 6.2, include/uapi/linux/iommufd.h) and VFIO's character devices (Linux 6.6,
 * include/uapi/linux/vfio.h). Numbers and layouts are the kernel's stable ABI. The running kernel
 * is probed for them. A test compares this with the system's headers where they have it.
 *
 * Each of iommufd's structs begins with its size; the kernel takes what is missing at the end for
 * zeros.
 */
#ifndef VIOMMU_HOST_IOMMUFD_ABI_H
#define VIOMMU_HOST_IOMMUFD_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

typedef uint64_t iommufd_abi_u64 __attribute__((aligned(8)));

#define IOMMUFD_ABI_DESTROY	    _IO(';', 0x80)
#define IOMMUFD_ABI_IOAS_ALLOC	    _IO(';', 0x81)
#define IOMMUFD_ABI_COPY	    _IO(';', 0x83)
#define IOMMUFD_ABI_IOVA_RANGES	    _IO(';', 0x84)
#define IOMMUFD_ABI_MAP		    _IO(';', 0x85)
#define IOMMUFD_ABI_UNMAP	    _IO(';', 0x86)
#define IOMMUFD_ABI_HWPT_ALLOC	    _IO(';', 0x89) /* Linux 6.6 */
#define IOMMUFD_ABI_GET_HW_INFO	    _IO(';', 0x8a) /* Linux 6.6 */
#define IOMMUFD_ABI_HWPT_INVALIDATE _IO(';', 0x8d) /* Linux 6.8; of a viommu 6.13 */
#define IOMMUFD_ABI_MAP_FILE	    _IO(';', 0x8f) /* Linux 6.13 */
#define IOMMUFD_ABI_VIOMMU_ALLOC    _IO(';', 0x90) /* Linux 6.13 */
#define IOMMUFD_ABI_VDEVICE_ALLOC   _IO(';', 0x91) /* Linux 6.13 */
#define IOMMUFD_ABI_VEVENTQ_ALLOC   _IO(';', 0x93) /* Linux 6.15 */

#define VFIO_ABI_BIND_IOMMUFD _IO(';', 118)
#define VFIO_ABI_ATTACH_PT    _IO(';', 119)
#define VFIO_ABI_DETACH_PT    _IO(';', 120)

/*
 * Any object: an IOAS (an address space of mappings) or an HWPT (an I/O page table that the
 * hardware walks, filled from an IOAS).
 */
struct iommufd_abi_destroy {
	uint32_t size;
	uint32_t id;
};

struct iommufd_abi_ioas_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t out_id;
};

struct iommufd_abi_range {
	iommufd_abi_u64 first, last;
};

/*
 * Which IOVAs an IOAS can have, by the devices that are attached to it. -EMSGSIZE, with the right
 * number, if there are more than `number`.
 */
struct iommufd_abi_iova_ranges {
	uint32_t size;
	uint32_t ioas;
	uint32_t number;
	uint32_t zero;
	iommufd_abi_u64 ranges; /* the address of an array of struct iommufd_abi_range */
	iommufd_abi_u64 out_alignment;
};

enum {
	IOMMUFD_ABI_MAP_FIXED = 1 << 0, /* at `iova`; else the kernel chooses, and tells */
	IOMMUFD_ABI_MAP_WRITE = 1 << 1,
	IOMMUFD_ABI_MAP_READ = 1 << 2,
};

struct iommufd_abi_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas;
	uint32_t zero;
	iommufd_abi_u64 hva;
	iommufd_abi_u64 bytes;
	iommufd_abi_u64 iova;
};

struct iommufd_abi_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas;
	int32_t fd;
	iommufd_abi_u64 offset;
	iommufd_abi_u64 bytes;
	iommufd_abi_u64 iova;
};

/* Maps what another IOAS has mapped: the same pages, pinned and charged once. */
struct iommufd_abi_copy {
	uint32_t size;
	uint32_t flags;
	uint32_t to;
	uint32_t from;
	iommufd_abi_u64 bytes;
	iommufd_abi_u64 to_iova;
	iommufd_abi_u64 from_iova;
};

/*
 * Mappings that lie in the range; iova 0 and bytes 2^64 - 1: all. bytes becomes how many were
 * removed.
 */
struct iommufd_abi_unmap {
	uint32_t size;
	uint32_t ioas;
	iommufd_abi_u64 iova;
	iommufd_abi_u64 bytes;
};

/* PASID (Linux 6.15): PASIDs may have it, and a device may that has some. */
enum { IOMMUFD_ABI_HWPT_NEST_PARENT = 1 << 0, IOMMUFD_ABI_HWPT_DIRTY_TRACKING = 1 << 1, IOMMUFD_ABI_HWPT_PASID = 1 << 3 };

/* The kernel's goes on, for page tables that are not filled from an IOAS. */
struct iommufd_abi_hwpt_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t device;
	uint32_t ioas;
	uint32_t out_id;
	uint32_t zero;
};

/*
 * One whose tables are the guest's, beneath which those of a viommu's HWPT are. The first members
 * are those of the struct before.
 */
struct iommufd_abi_hwpt_alloc_nested {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t device;
	uint32_t viommu;
	uint32_t out_id;
	uint32_t zero;
	uint32_t data_type;
	uint32_t data_bytes;
	iommufd_abi_u64 data; /* an address */
};

/*
 * Commands to forget what was read from a guest's tables, in order, done when the call returns.
 * number becomes how many were carried out.
 */
struct iommufd_abi_hwpt_invalidate {
	uint32_t size;
	uint32_t id;	      /* of a viommu, or of an HWPT */
	iommufd_abi_u64 data; /* the address of an array */
	uint32_t data_type;
	uint32_t entry_bytes;
	uint32_t number;
	uint32_t zero;
};

/*
 * The properties of a device's IOMMU, in the form that its type has. The kernel fills at most
 * data_bytes.
 */
struct iommufd_abi_hw_info {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t device;
	uint32_t data_bytes;
	iommufd_abi_u64 data; /* an address */
	uint32_t out_type;
	uint8_t out_pasid_bits; /* of the device's PASIDs; 0: none, or a kernel older than 6.15 */
	uint8_t zero[3];
	iommufd_abi_u64 out_capabilities;
};

/*
 * The kernel's side of an IOMMU that a guest has, for devices behind one of the machine's: hwpt
 * holds the guest's memory. The kernel's goes on, for other types.
 */
struct iommufd_abi_viommu_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t type;
	uint32_t device;
	uint32_t hwpt;
	uint32_t out_id;
};

/*
 * A device as a guest knows it, behind a viommu. A device has one at a time; it has to go before
 * the device's file is closed.
 */
struct iommufd_abi_vdevice_alloc {
	uint32_t size;
	uint32_t viommu;
	uint32_t device;
	uint32_t out_id;
	iommufd_abi_u64 virtual_id; /* the ID by which the guest knows it */
};

/*
 * Events of a viommu's devices, to be read from a file: for each event a header, and behind
 * it what the type has. One queue of a type for each viommu.
 */
struct iommufd_abi_veventq_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t viommu;
	uint32_t type;
	uint32_t depth;
	uint32_t out_id;
	int32_t out_fd;
	uint32_t zero;
};

/* nothing follows the header: from this event on some were lost */
enum { IOMMUFD_ABI_VEVENT_LOST = 1 << 0 };

struct iommufd_abi_vevent_header {
	uint32_t flags;
	uint32_t sequence; /* of 31 bits; a gap says that events were lost */
};

struct vfio_abi_bind_iommufd {
	uint32_t size;
	uint32_t flags; /* 0 */
	int32_t iommufd;
	uint32_t out_id;
};

struct vfio_abi_attach_pt {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t id;	/* of an IOAS or HWPT */
};

struct vfio_abi_detach_pt {
	uint32_t size;
	uint32_t flags; /* 0 */
};

/* The same for one PASID of the device (Linux 6.15). */
enum { VFIO_ABI_PASID = 1 << 0 };

struct vfio_abi_attach_pasid {
	uint32_t size;
	uint32_t flags; /* VFIO_ABI_PASID */
	uint32_t id;
	uint32_t pasid;
};

struct vfio_abi_detach_pasid {
	uint32_t size;
	uint32_t flags; /* VFIO_ABI_PASID */
	uint32_t pasid;
};

#endif
