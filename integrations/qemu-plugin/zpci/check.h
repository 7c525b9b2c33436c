/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker of s390x guests. check.c follows the guest; refresh.c does its RPCITs and MPCIFCs and
 * compares translations.
 */
#ifndef VIOMMU_WATCH_ZPCI_CHECK_H
#define VIOMMU_WATCH_ZPCI_CHECK_H

#include <viommu/zpci.h>

#include "observer.h"

/* What the library did of an operation. Begins as all zeros. */
struct check {
	const struct capture_record *operation;
	bool begun;		 /* it is an RPCIT or MPCIFC, and its answer is to be compared */
	struct checked *checked; /* NULL: none that the library knows */
	int error;		 /* of the library's call: it did not take the operation */
	struct viommu_zpci_answer answer;
	bool translated; /* first..last was refreshed, by tables */
	uint64_t first;
	uint64_t last;
	uint64_t iota;
	enum live_kind kind;
	uint64_t library_ns;
	bool walker_timed;
	uint64_t walker_ns;
	uint64_t overhead_ns;
	struct runs walked; /* QEMU's walk behind the library's refresh */
};

struct zpci_checker {
	struct checker *checker;
	struct viommu_zpci *zpci;
	const struct check *current; /* the operation that the library is in */
	/* Lists that are used again. */
	struct stretch before;
	struct stretch after;
	struct runs runs;
};

extern const struct check_ops zpci_check_ops;

/* The functions below do nothing where nothing is checked. */
void zpci_check_start(struct observer *observer);

/*
 * A function is seen for the first time, or again under another handle: then the old one,
 * *unplugged, is gone.
 */
void zpci_check_function(const struct capture_function *found, const uint32_t *unplugged);

/* An operation is about to be carried out: does it if it is an RPCIT or MPCIFC. */
void zpci_check_begin(struct check *check, const struct capture_record *operation);

/* It was carried out. alone: no other operation is under way. */
void zpci_check_end(struct check *check, const struct observation *observation, bool alone);

/* Frees what there is of it. If it has not ended, the operation was none, or its end was not seen. */
void zpci_check_finish(struct check *check);

/* refresh.c: does an RPCIT or MPCIFC, and compares what is translated then with QEMU's walk. */
void zpci_refresh(struct zpci_checker *zpci, struct check *check);

/* The guest's entries on the way to an IOVA, as they are now, for a message. */
struct report_line zpci_path(const struct zpci_checker *zpci, const struct check *check, uint64_t iova);

/* Behind it: asks QEMU's device about the translated pages of its range. */
void zpci_compare_shadow(struct zpci_checker *zpci, const struct check *check, bool alone);

#endif
