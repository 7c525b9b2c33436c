/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the checker's parts share. checker.c follows the guest and compares, check_report.c says what disagrees, check_data.c looks at what a released page holds,
 * check_board.c keeps the numbers.
 */
#ifndef VIOMMU_WATCH_SMMUV3_CHECKER_STATE_H
#define VIOMMU_WATCH_SMMUV3_CHECKER_STATE_H

#include "arguments.h"
#include "check_board.h"
#include "check_data.h"

struct checker {
	struct watcher watcher; /* first: a checker is one */
	const struct arguments *arguments;
	struct check_board board;
	struct guest_ram ram;
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct viommu_smmuv3 *smmu;
	struct checked_stream streams[CHECKED_STREAMS_MAX];
	size_t stream_count;
	struct check_data data;
	const struct observation *current; /* the operation that the library is in */
	uint64_t fault_ns;		   /* that misses took in it */
	bool off;
};

/* check_report.c */
void check_tell(struct checker *checker, enum live_message_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A page of a stream is not as QEMU has it. */
void check_disagree_page(struct checker *checker, struct checked_stream *stream, const struct page *qemu, const struct page *library);
/* The library refuses a command, and QEMU does not, or the other way round. */
void check_disagree_refusal(struct checker *checker, bool refuses);
/* A page that was taken from a device carries a block of the disk that it has read. For check_data_after(). */
void check_released(void *checker, struct checked_stream *stream, const struct page *page, uint64_t block, uint64_t expected);
/* At the end: a numbered disk must have been read to its end. */
void check_finish_numbered(struct checker *checker);

#endif
