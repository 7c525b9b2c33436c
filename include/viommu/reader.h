/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translating for a device model: IOVA + access -> HVA, without a lock.
 *
 * A reader belongs to one device, or to one of its PASIDs, and is used by one thread at a time; there may be many. It follows what it belongs to: attached,
 * detached, attached elsewhere.
 *
 * How long a pointer is good for: a piece that viommu_translate() returned is what the device could reach at some moment during the call. A translation
 * that begins after a refresh, a detach or a slot's removal has returned never yields what that took away. To hold such a removal off while pointers are
 * in use, bracket translation and use with viommu_reader_enter() and viommu_reader_leave(): then a refresh that releases something, a detach, or
 * viommu_slot_remove() does not return before every reader that was inside has left. Inside, call nothing of the library but viommu_translate() and
 * what its header allows there (getters of guest IOMMUs that wait for nothing), and stay for as long as a device's DMA would be in flight, not longer.
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
 * 0; -ENOMEM; -EOPNOTSUPP (the host's capability lookup is false, or it has no PASIDs); -EINVAL (the
 * PASID is wider than the host's).
 */
VIOMMU_API int viommu_reader_create(struct viommu_device *device, uint32_t pasid, struct viommu_reader **out);

/* NULL is allowed. */
VIOMMU_API void viommu_reader_destroy(struct viommu_reader *reader);

VIOMMU_API void viommu_reader_enter(struct viommu_reader *reader);
VIOMMU_API void viommu_reader_leave(struct viommu_reader *reader);

/*
 * Translates the bytes iova .. iova + bytes - 1 for one kind of access (VIOMMU_READ, VIOMMU_WRITE or both) into at most max pieces; neighbours that are
 * contiguous in host memory are one piece. *translated (translated may be NULL) is the
 * number of bytes that the pieces cover: less than bytes where max was too small, or before the byte that has no translation.
 *
 * Returns the number of pieces, 0 if bytes is 0; -EFAULT if any byte that it came to has no translation (*fault says which and why; fault may be NULL);
 * -EINVAL if the range wraps or max is 0. Does not sleep, allocate or lock.
 */
VIOMMU_API int viommu_translate(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces, unsigned int max,
				uint64_t *translated, struct viommu_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
