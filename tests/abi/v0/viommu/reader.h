/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VIOMMU_READER_H
#define VIOMMU_READER_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viommu_piece {
	void *hva;
	uint64_t bytes;
};

VIOMMU_API int viommu_reader_create(struct viommu_device *device, uint32_t pasid, struct viommu_reader **out);

VIOMMU_API void viommu_reader_destroy(struct viommu_reader *reader);

VIOMMU_API void viommu_reader_enter(struct viommu_reader *reader);
VIOMMU_API void viommu_reader_leave(struct viommu_reader *reader);

VIOMMU_API int viommu_translate(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces, unsigned int max,
				uint64_t *translated, struct viommu_fault *fault);

#define VIOMMU_COPY_MISSES 8
VIOMMU_API int viommu_read(struct viommu_reader *reader, uint64_t iova, void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault);
VIOMMU_API int viommu_write(struct viommu_reader *reader, uint64_t iova, const void *buffer, size_t bytes, size_t *done, struct viommu_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
