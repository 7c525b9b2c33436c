/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * virtio 1.3 in numbers, as far as the watcher uses them: the common configuration of a PCI device
 * (4.1.4.3), split virtqueues (2.7), requests of virtio-iommu (5.13.6). They are written from this
 * document, not from the library's headers.
 */
#ifndef VIOMMU_WATCH_VIRTIO_SPEC_H
#define VIOMMU_WATCH_VIRTIO_SPEC_H

#include <stdint.h>

/* Offsets in the common configuration. */
#define COMMON_DRIVER_FEATURE_SELECT 0x08u
#define COMMON_DRIVER_FEATURE	     0x0cu
#define COMMON_DEVICE_STATUS	     0x14u
#define STATUS_FEATURES_OK	     0x08u
#define FEATURE_RING_PACKED	     (UINT64_C(1) << 34)

#define REQUEST_QUEUE 0

/* A descriptor, of 16 bytes: address, length, flags, next. */
#define DESC_BYTES    16u
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
/* Rings: flags, index, then entries; those of the used ring are not read. */
#define RING_INDEX 2u
#define RING_FIRST 4u

/* Requests: the type, the domain, and then: */
#define REQUEST_BYTES_MOST 64u
#define REQUEST_TYPE	   0u
#define REQUEST_DOMAIN	   4u
#define ATTACH_ENDPOINT	   8u
#define ATTACH_FLAGS	   12u
#define MAP_FIRST	   8u
#define MAP_LAST	   16u
#define MAP_GPA		   24u
#define MAP_FLAGS	   32u
enum { TYPE_ATTACH = 1, TYPE_DETACH, TYPE_MAP, TYPE_UNMAP };
#define ATTACH_BYPASS 1u
#define MAP_READ      1u
#define MAP_WRITE     2u
#define TAIL_BYTES    4u

#endif
