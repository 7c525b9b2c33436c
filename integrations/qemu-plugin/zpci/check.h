/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker of s390x guests. check.c follows the guest. refresh.c repeats its RPCITs and MPCIFCs
 * and compares translations.
 */
#ifndef VIOMMU_WATCH_ZPCI_CHECK_H
#define VIOMMU_WATCH_ZPCI_CHECK_H

#include <viommu/zpci.h>

#include "zpci/observe.h"

/* The library's result of an operation. */
struct check {
	const struct operation *operation;
	struct checked *checked; /* NULL: none known to the library */
	int error;		 /* errno of the library's call, which refused the operation */
	struct viommu_zpci_answer answer;
	bool refreshed; /* its range, by tables */
	enum live_kind kind;
	uint64_t library_ns;
	bool walker_timed;
	uint64_t walker_ns;
	uint64_t overhead_ns;
	bool agrees; /* equal to QEMU's walk, or the difference was reported */
};

struct zpci_checker {
	struct checker *checker;
	struct viommu_zpci *zpci;
	const struct check *current; /* the current operation of the library */
	/* Lists that are reused. */
	struct stretch walk; /* QEMU's walk after the library's refresh */
	struct runs runs;    /* the library's translations at that time */
};

extern const struct check_ops zpci_check_ops;

/* Without a checker, the functions below do nothing. */
void zpci_check_start(struct observer *observer);

/* A function is new, or has another handle. In the latter case the old one, *unplugged, is gone. */
void zpci_check_function(const struct capture_function *found, const uint32_t *unplugged);

/* An operation has ended. alone: no other one is in progress. */
void zpci_check(struct operation *operation, const struct observation *observation, bool alone);

/* An RPCIT or MPCIFC has ended with an unknown result. */
void zpci_check_skip(void);

/*
 * refresh.c: repeats an RPCIT or MPCIFC, and compares the translations after it with QEMU's walk.
 */
void zpci_refresh(struct zpci_checker *zpci, struct check *check, struct operation *operation);

/* The guest's current entries on the path to an IOVA, for a message. */
struct report_line zpci_path(const struct zpci_checker *zpci, const struct check *check, uint64_t iova);

/* After the comparison: queries QEMU's device about the translated pages of the range. */
void zpci_compare_shadow(struct zpci_checker *zpci, const struct check *check, bool alone);

#endif
