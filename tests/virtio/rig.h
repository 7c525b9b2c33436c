/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest with memory and a virtio-iommu, for tests. Requests are written byte by byte with numbers
 * of their own: nothing of the library's own headers but the public ones is used.
 *
 *   GPA 0 .. 16 MiB - 1    RAM; byte 0 of page n has the value n % 251
 *   GPA 64 MiB, 64 KiB     ROM: devices may read it
 *   all else               nothing
 */
#ifndef TESTS_VIRTIO_RIG_H
#define TESTS_VIRTIO_RIG_H

#include <viommu/viommu.h>
#include <viommu/virtio.h>

#define RAM_BYTES UINT64_C(0x1000000)
#define ROM_GPA	  UINT64_C(0x4000000)
#define ROM_BYTES UINT64_C(0x10000)
#define HOLE_GPA  UINT64_C(0x3000000)
#define PAGE	  UINT64_C(4096)

/* Status (5.13.6); NOT_WRITTEN: the buffer came back as it was. */
enum { OK = 0, UNSUPP = 2, DEVERR = 3, INVAL = 4, RANGE = 5, NOENT = 6, NOMEM = 8, NOT_WRITTEN = 0x100 };

#define MAP_READ  1u
#define MAP_WRITE 2u
#define MAP_MMIO  4u
#define ALL_OF_THEM \
	(VIOMMU_VIRTIO_F_INPUT_RANGE | VIOMMU_VIRTIO_F_DOMAIN_RANGE | VIOMMU_VIRTIO_F_MAP_UNMAP | VIOMMU_VIRTIO_F_PROBE | VIOMMU_VIRTIO_F_BYPASS_CONFIG)

struct rig {
	struct viommu_vm *vm;
	struct viommu_virtio *virtio;
	uint8_t *ram;
	uint8_t *rom;
	unsigned int reports;
	uint8_t report[24]; /* the last one */
};

void rig_up_as(struct rig *rig, const struct viommu_vm_config *vm, const struct viommu_virtio_config *virtio);
/* All features negotiated, no bypass. */
void rig_up(struct rig *rig);
/* Checks that nothing is left, and nothing pinned. */
void rig_down(struct rig *rig);

struct viommu_virtio_endpoint *rig_endpoint(struct rig *rig, uint32_t id, struct viommu_host *host);

/* Requests: their status, or NOT_WRITTEN. */
unsigned int rig_attach(struct rig *rig, uint32_t domain, uint32_t endpoint, uint32_t flags);
unsigned int rig_detach(struct rig *rig, uint32_t domain, uint32_t endpoint);
unsigned int rig_map(struct rig *rig, uint32_t domain, uint64_t first, uint64_t last, uint64_t gpa, uint32_t flags);
unsigned int rig_unmap(struct rig *rig, uint32_t domain, uint64_t first, uint64_t last);
/* Any bytes, for a request whose device-writable part is only a tail. */
unsigned int rig_send(struct rig *rig, const uint8_t *bytes, size_t number);

void rig_set(uint8_t *bytes, unsigned int number, uint64_t value);
uint64_t rig_get(const uint8_t *bytes, unsigned int number);

struct viommu_virtio_info rig_info(struct rig *rig);
uint64_t rig_pinned(struct rig *rig); /* pages */

#endif
