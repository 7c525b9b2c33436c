/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guest IOMMU with one device on the soft host, and what the guest does with it: it maps and
 * unmaps buffers. iommus.c has the cases, and what all kinds of guest IOMMU have in common.
 *
 * Kinds that have tables use three levels of 4 KiB, for IOVAs of 39 bits, and a queue of commands
 * of two doublewords in memory. All of it is little-endian.
 */
#ifndef VIOMMU_CLI_BENCH_IOMMUS_H
#define VIOMMU_CLI_BENCH_IOMMUS_H

#include <viommu/reader.h>
#include <viommu/viommu.h>

#include "guest.h"

#define IOMMU_FRAMES (UINT64_C(16) << 20)

/* GPAs, above the frames. */
#define IOMMU_DEVICES IOMMU_FRAMES /* the table of streams, buses or devices */
#define IOMMU_CONTEXT (IOMMU_FRAMES + 0x1000)
#define IOMMU_QUEUE   (IOMMU_FRAMES + 0x2000)
#define IOMMU_ROOT    (IOMMU_FRAMES + 0x3000)
#define IOMMU_MIDDLE  (IOMMU_FRAMES + 0x4000)
#define IOMMU_LEAVES  (IOMMU_FRAMES + 0x5000) /* eight tables, side by side */
#define IOMMU_DONE    (IOMMU_FRAMES + 0xd000) /* a wait stores IOMMU_WAIT here */

#define IOMMU_QUEUE_BITS 8u
#define IOMMU_COMMANDS	 (1u << IOMMU_QUEUE_BITS)
#define IOMMU_WAIT	 77u

struct bench_iommu {
	const struct bench_iommu_kind *kind;
	struct bench_guest guest;
	struct viommu_host *soft;
	void *made;   /* the guest IOMMU */
	void *device; /* its device there */
	struct viommu_reader *reader;
	struct viommu_mapped *mapped; /* the domain for the baseline, of a kind without tables */
	struct viommu_domain *alone;  /* the domain for the baseline, over the same tables */
	unsigned int queued;	      /* commands so far */
	uint8_t request[36];	      /* of virtio-iommu */
	size_t request_bytes;
	uint64_t pages; /* of a buffer */
	bool map;	/* times buffers that become valid, otherwise those that become invalid */
};

/* Functions return 0 or a negative errno, unless noted otherwise. */
struct bench_iommu_kind {
	const char *name;
	const char *does;     /* what is timed */
	const char *baseline; /* what it is compared with */
	/* Bits of entries: of the top table's, of the next one's, of a page's. All 0: no tables. */
	uint64_t top, middle, page;
	bool waits; /* commands end with a wait that stores */
	/* Creates the IOMMU, enables it, and creates the domain for the baseline. */
	int (*begin)(struct bench_iommu *iommu);
	void (*end)(struct bench_iommu *iommu);
	/* Adds the device. */
	int (*add)(struct bench_iommu *iommu, struct viommu_device **out);
	/* Queues what announces a change of that buffer, which has become valid or invalid. */
	void (*announce)(struct bench_iommu *iommu, uint64_t iova, bool valid);
	/* The call of the VMM that carries it out. */
	int (*carry_out)(struct bench_iommu *iommu);
	/* Answers a miss of the device. NULL: what becomes valid is announced, and none misses. */
	int (*fault)(struct bench_iommu *iommu, const struct viommu_fault *fault);
};

extern const struct bench_iommu_kind bench_iommu_smmuv3, bench_iommu_vtd, bench_iommu_amdvi, bench_iommu_virtio;

void bench_iommu_put(const struct bench_iommu *iommu, uint64_t gpa, uint64_t value);
void bench_iommu_queue(struct bench_iommu *iommu, uint64_t command0, uint64_t command1);
/* The offset in the queue of the next command. */
static inline uint32_t bench_iommu_tail(const struct bench_iommu *iommu)
{
	return iommu->queued % IOMMU_COMMANDS * 16;
}

#endif
