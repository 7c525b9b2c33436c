/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translating for a device model: IOVA + access -> HVA, without a lock.
 *
 * A reader belongs to one device, or to one of its PASIDs, and is used by one thread at a time;
 * there may be many. It follows what it belongs to: attached, detached, attached elsewhere.
 *
 * How long a pointer is good for: a piece that viommu_translate() returned is what the device could
 * reach at some moment during the call. A translation that begins after a refresh, a detach or a
 * slot's removal has returned never yields what that took away. To hold such a removal off while
 * pointers are in use, bracket translation and use with viommu_reader_enter() and
 * viommu_reader_leave(): then a refresh that releases something, a detach, or viommu_slot_remove()
 * does not return before every reader that was inside has left. Inside, call nothing of the library
 * but viommu_translate(), viommu_lookup() and what a guest IOMMU's header allows there (getters
 * that wait for nothing; no statistics, no runs), and stay for as long as a device's DMA would be
 * in flight, not longer. A call that may wait for readers would wait for its own thread: a library
 * of meson's build type debug calls abort() there.
 */
#ifndef VIOMMU_READER_H
#define VIOMMU_READER_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are contiguous in this process. Frozen. */
struct viommu_piece {
	void *hva;
	uint64_t bytes;
};

/*
 * Makes a reader for a device, or one of its PASIDs, on a host whose translations can be read back.
 * 0; -ENOMEM; -EOPNOTSUPP (the host's capability lookup is false, or it has no PASIDs); -EINVAL
 * (the PASID is wider than the host's).
 */
VIOMMU_API int viommu_reader_create(struct viommu_device *device, uint32_t pasid, struct viommu_reader **out);

/* NULL is allowed. */
VIOMMU_API void viommu_reader_destroy(struct viommu_reader *reader);

VIOMMU_API void viommu_reader_enter(struct viommu_reader *reader);
VIOMMU_API void viommu_reader_leave(struct viommu_reader *reader);

/*
 * Translates the bytes iova .. iova + bytes - 1 for one kind of access (VIOMMU_READ, VIOMMU_WRITE
 * or both) into at most max pieces; neighbours that are contiguous in host memory are one piece.
 * *translated (translated may be NULL) is the number of bytes that the pieces cover: less than
 * bytes where max was too small, or before the byte that has no translation.
 *
 * Returns the number of pieces, 0 if bytes is 0; -EFAULT if any byte that it came to has no
 * translation (*fault says which and why; fault may be NULL); -EINVAL if the range wraps or max is
 * 0. Does not sleep, allocate or lock.
 */
VIOMMU_API int viommu_translate(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces, unsigned int max,
				uint64_t *translated, struct viommu_fault *fault);

/*
 * A part of a device's translations: contiguous in IOVA, in GPA and in this process, with the same
 * rights throughout.
 */
struct viommu_extent {
	uint32_t size;	/* sizeof(struct viommu_extent) */
	uint32_t prot;	/* VIOMMU_READ, VIOMMU_WRITE or both */
	uint64_t first; /* IOVA */
	uint64_t last;	/* IOVA, inclusive */
	uint64_t gpa;	/* of first */
	void *hva;	/* of first */
};
#define VIOMMU_EXTENT_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_extent, hva)

/*
 * Looks up what the device reaches at iova, without an access: no event results, and the guest
 * IOMMU is not asked. Fills in extent, whose size member the caller has set: the extent that
 * contains iova. It may begin before iova, and what continues it is added until it contains last
 * (inclusive; iova itself for the least work). How far it is contiguous is a lower bound. Where the
 * guest has the same memory in several slots, the GPA is that of the lowest one that permits the
 * rights.
 *
 * 0; -EFAULT (nothing is reached at iova; *fault, which may be NULL, says why, its access is 0);
 * -EINVAL (extent is of no known size, or last < iova). It may wait for viommu_slot_add() and
 * viommu_slot_remove(), for a few instructions; it does not sleep otherwise, and does not allocate.
 * It may be called between viommu_reader_enter() and viommu_reader_leave(). How long the answer is
 * good is said at the head of this file, for the GPA as for the pointer.
 */
VIOMMU_API int viommu_lookup(struct viommu_reader *reader, uint64_t iova, uint64_t last, struct viommu_extent *extent, struct viommu_fault *fault);

/*
 * Copy bytes from, and to, the IOVAs iova .. iova + bytes - 1, as the device's DMA does. What has
 * no translation goes to the guest IOMMU that the device belongs to, as
 * viommu_smmuv3_device_fault() and viommu_zpci_dma_fault() take it: it may find a translation, or
 * report the fault to the guest. A device or PASID that no guest IOMMU knows has only what it is
 * attached to. At one byte the guest IOMMU is asked VIOMMU_COPY_MISSES times at most.
 *
 * 0; -EFAULT (*fault says where and why; fault may be NULL); -EINVAL (the range wraps). *done,
 * which may be NULL, is the number of bytes that were copied, from iova on. Where the guest IOMMU
 * ends an access without an error (RAZ/WI), the rest of its page of 4096 bytes reads as zeros,
 * ignores the store, and counts as copied.
 *
 * Not inside viommu_reader_enter() and viommu_reader_leave(). Bytes are copied in no fixed order:
 * where the guest watches for one store of a word, use viommu_translate().
 */
#define VIOMMU_COPY_MISSES 8
VIOMMU_API int viommu_read(struct viommu_reader *reader, uint64_t iova, void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault);
VIOMMU_API int viommu_write(struct viommu_reader *reader, uint64_t iova, const void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
