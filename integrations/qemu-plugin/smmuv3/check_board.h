/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the checker keeps of each stream, and the numbers on the board.
 */
#ifndef VIOMMU_WATCH_SMMUV3_CHECK_BOARD_H
#define VIOMMU_WATCH_SMMUV3_CHECK_BOARD_H

#include <viommu/viommu.h>
#include <viommu/reader.h>
#include <viommu/smmuv3.h>

#include "live/board.h"
#include "observation.h"
#include "oracle_data.h"
#include "pages.h"

#define CHECKED_STREAMS_MAX 64u

struct checked_stream {
	uint32_t sid;
	char name[64]; /* QEMU's, of the device */
	struct viommu_smmuv3_device *device;
	struct viommu_reader *reader;
	struct live_function *numbers;
	struct numbered numbered;
	struct viommu_smmuv3_device_info info;
	struct viommu_domain_stats stats;
	uint32_t told; /* enum viommu_smmuv3_stream that was told of last, plus one */
	uint64_t told_ttb;
};

struct check_board {
	struct live_board *board;
	struct viommu_vm *vm;
	struct viommu_smmuv3 *smmu;
	size_t stream_count;
	struct live_function beyond; /* numbers of streams that have no place on the board */
	unsigned int described;	     /* differences of this operation */
};

struct checked_operation {
	const struct observation *observation;
	uint64_t library_ns;
	uint64_t established; /* pages */
	uint64_t released;
};

/* The library's SMMU is there. */
void check_board_begin(struct check_board *board, struct viommu_vm *vm, struct viommu_smmuv3 *smmu, uint64_t guest_bytes);

/* One more stream. */
void check_board_add(struct check_board *board, struct checked_stream *stream);

/* The library has taken a write: what that has established and released. Then the accesses that were compared are there, too: what they have, and all else. */
void check_board_wrote(struct check_board *board, struct checked_stream *streams, size_t count, struct checked_operation *done);
void check_board_count(struct check_board *board, struct checked_stream *streams, size_t count, struct checked_operation *done);

/* Whether the guest has configured the stream anew, and how, in words. */
bool check_board_state_is_new(struct checked_stream *stream);
const char *check_board_state(const struct checked_stream *stream);

#endif
