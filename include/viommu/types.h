/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Words that every other header uses.
 *
 * Addresses: an IOVA is what a device emits, a GPA is a guest physical (on s390: absolute) address,
 * an HVA is a pointer in this process. Ranges are first/last and inclusive, so that a range may end
 * at 2^64 - 1. All addresses and lengths are in bytes.
 *
 * Errors: every function that can fail returns 0 or a negative errno value (the constants of
 * <errno.h>). Nothing is printed, nothing exits.
 *
 * Growth: a public struct is one of two kinds.
 *  - A sized struct begins with its size. The caller sets it to sizeof of the struct as it was
 *    compiled. Members past that size are taken as zero when read, and not written when filled in.
 *    Zero is always a valid value for a member that was added later. Bytes past the members that
 *    the library knows must be zero when read. A struct that is smaller than in the first release
 *    (VIOMMU_..._SIZE_V0), one of size 0 included, is -EINVAL. No sized struct contains another
 *    one.
 *  - A frozen struct has no size, and its comment says so. Its size and its members stay. Reserved
 *    members are 0; a later release may use one in such a way that 0 keeps today's meaning.
 */
#ifndef VIOMMU_TYPES_H
#define VIOMMU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version that a program is compiled with. viommu_version() is the one that it runs with.
 * Before 1.0 a minor version may change the interface.
 */
#define VIOMMU_VERSION_MAJOR 0
#define VIOMMU_VERSION_MINOR 2
#define VIOMMU_VERSION_PATCH 0
/* For comparisons: VIOMMU_VERSION_NUMBER >= VIOMMU_VERSION_OF(0, 2, 0). */
#define VIOMMU_VERSION_OF(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define VIOMMU_VERSION_NUMBER		       VIOMMU_VERSION_OF(VIOMMU_VERSION_MAJOR, VIOMMU_VERSION_MINOR, VIOMMU_VERSION_PATCH)

#if defined(__GNUC__)
#define VIOMMU_API __attribute__((visibility("default")))
#else
#define VIOMMU_API
#endif

struct viommu_vm;     /* a virtual machine: its memory, its budget, its limits */
struct viommu_host;   /* where composed translations land */
struct viommu_device; /* one device that the guest has been given */
struct viommu_domain; /* one I/O address space that devices are attached to */
struct viommu_reader; /* one thread's way to translate for one device */

/* Where a PASID is asked for: none, the device itself. */
#define VIOMMU_NO_PASID UINT32_MAX

/* The bytes of a struct up to one of its members, that member included. */
#define VIOMMU_SIZE_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Rights, of a slot, of a mapping, or of an access. */
#define VIOMMU_READ  0x1u
#define VIOMMU_WRITE 0x2u
#define VIOMMU_RW    (VIOMMU_READ | VIOMMU_WRITE)

/* "As much as there is" for every limit of this interface. */
#define VIOMMU_NO_LIMIT UINT64_MAX

/* The granule of the library's own bookkeeping: slots, pins and mappings are multiples of it. */
#define VIOMMU_PAGE_SIZE UINT64_C(4096)

/* Why an IOVA has no translation. The guest IOMMU turns it into its architecture's event. */
enum viommu_fault_reason {
	VIOMMU_FAULT_NONE = 0,
	/* The device is attached to nothing, or its guest IOMMU has stopped it */
	VIOMMU_FAULT_BLOCKED,
	VIOMMU_FAULT_APERTURE,	  /* the IOVA is outside what the guest registered */
	VIOMMU_FAULT_NOT_PRESENT, /* an invalid entry */
	VIOMMU_FAULT_PROTECTION,  /* a store where only loads are allowed */
	/* An entry says that it is of another level than where it stands */
	VIOMMU_FAULT_ENTRY_TYPE,
	VIOMMU_FAULT_ENTRY_LENGTH, /* an index lies outside the table's offset and length */
	VIOMMU_FAULT_ENTRY_FORMAT, /* an entry that the format does not allow in another way */
	/* An entry of all zeros, where the guest IOMMU takes that for an error */
	VIOMMU_FAULT_ENTRY_ZERO,
	/* A table, or a part of it, lies where the guest has no memory */
	VIOMMU_FAULT_TABLE_UNBACKED,
	VIOMMU_FAULT_LEAF_UNBACKED, /* a leaf names an address where the guest has no memory */
	VIOMMU_FAULT_ACCESS_FLAG,   /* a leaf whose access flag is not set, where it has to be */
	/* An entry names an address beyond the output size that the guest has set */
	VIOMMU_FAULT_ADDRESS_SIZE,
};

/* The reason in words, for people: a constant string. Numbers that are no reason have one, too. */
VIOMMU_API const char *viommu_fault_name(uint32_t reason);

/* A fault, with everything that is known about it. Frozen. */
struct viommu_fault {
	uint32_t reason; /* enum viommu_fault_reason */
	/*
	 * As asked for: VIOMMU_READ, VIOMMU_WRITE or both; 0 in a refresh, which is not an access
	 */
	uint32_t access;
	uint64_t iova;	    /* the first IOVA that is affected */
	uint64_t entry_gpa; /* where the entry is, or UINT64_MAX */
	uint64_t entry;	    /* the entry as loaded, in the CPU's byte order */
	uint32_t level;	    /* level of the entry, 0 = only leaves; meaningful if entry_gpa is */
	/*
	 * Of the access; VIOMMU_NO_PASID: the device's own. In a refresh, which is not an access,
	 * too.
	 */
	uint32_t pasid;
	uint64_t reserved; /* 0 */
};

/*
 * One part of a composed translation: contiguous in IOVA and in GPA, the same rights throughout.
 * Frozen.
 */
struct viommu_run {
	uint64_t first; /* IOVA */
	uint64_t last;	/* IOVA, inclusive */
	uint64_t gpa;	/* of first */
	uint32_t prot;	/* VIOMMU_READ, VIOMMU_WRITE or both */
	/* Of viommu_domain_walk(): what the guest's tables allow, wherever they lead; else 0 */
	uint32_t tables;
};

#ifdef __cplusplus
}
#endif
#endif
