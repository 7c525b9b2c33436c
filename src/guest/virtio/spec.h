/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and layouts of virtio 1.3, section 5.13. All fields are little-endian. */
#ifndef VIOMMU_GUEST_VIRTIO_SPEC_H
#define VIOMMU_GUEST_VIRTIO_SPEC_H

#include <port_types.h>

/* Requests (section 5.13.6): offsets in their device-readable part, and its size. */
enum {
	REQUEST_TYPE = 0,
	REQUEST_HEAD_BYTES = 4,

	ATTACH_DOMAIN = 4, /* of DETACH, too */
	ATTACH_ENDPOINT = 8,
	ATTACH_FLAGS = 12,
	ATTACH_RESERVED = 16,
	ATTACH_BYTES = 20,
	DETACH_BYTES = 20,

	MAP_DOMAIN = 4, /* of UNMAP, too, as the next two */
	MAP_VIRT_START = 8,
	MAP_VIRT_END = 16,
	MAP_PHYS_START = 24,
	MAP_FLAGS = 32,
	MAP_BYTES = 36,
	UNMAP_BYTES = 28,

	PROBE_ENDPOINT = 4,
	PROBE_BYTES = 72,

	REQUEST_MAX_BYTES = PROBE_BYTES,
	TAIL_BYTES = 4, /* the status, and three bytes of zeros */
};

enum virtio_request {
	REQUEST_ATTACH = 1,
	REQUEST_DETACH = 2,
	REQUEST_MAP = 3,
	REQUEST_UNMAP = 4,
	REQUEST_PROBE = 5,
};

enum virtio_status {
	STATUS_OK = 0,
	STATUS_UNSUPP = 2,
	STATUS_DEVERR = 3,
	STATUS_INVAL = 4,
	STATUS_RANGE = 5,
	STATUS_NOENT = 6,
	STATUS_NOMEM = 8,
};

#define ATTACH_F_BYPASS 0x1u

#define MAP_F_READ  0x1u
#define MAP_F_WRITE 0x2u

/* The property RESV_MEM (section 5.13.6.7.1). */
enum {
	PROPERTY_TYPE = 0,
	PROPERTY_LENGTH = 2,
	PROPERTY_HEAD_BYTES = 4,
	RESV_MEM_SUBTYPE = 4,
	RESV_MEM_START = 8,
	RESV_MEM_END = 16,
	RESV_MEM_BYTES = 24,
};
#define PROPERTY_RESV_MEM 1u

/* Fault reports (section 5.13.6.8). */
enum {
	FAULT_REASON = 0,
	FAULT_FLAGS = 4,
	FAULT_ENDPOINT = 8,
	FAULT_ADDRESS = 16,
};
#define FAULT_R_UNKNOWN 0u
#define FAULT_R_DOMAIN	1u
#define FAULT_R_MAPPING 2u
#define FAULT_F_READ	0x1u
#define FAULT_F_WRITE	0x2u
#define FAULT_F_ADDRESS 0x100u

/* The configuration space (section 5.13.4). */
enum {
	CONFIG_PAGE_SIZE_MASK = 0,
	CONFIG_INPUT_START = 8,
	CONFIG_INPUT_END = 16,
	CONFIG_DOMAIN_START = 24,
	CONFIG_DOMAIN_END = 28,
	CONFIG_PROBE_SIZE = 32,
	CONFIG_BYPASS = 36,
};

static inline uint64_t virtio_get(const unsigned char *from, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | from[bytes];
	return value;
}

static inline void virtio_put(unsigned char *to, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++, value >>= 8)
		to[i] = (unsigned char)value;
}

#endif
