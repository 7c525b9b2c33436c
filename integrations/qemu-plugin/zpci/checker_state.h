/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the checker's parts share. checker.c follows the guest, check_refresh.c does its refreshes and compares translations, check_shadow.c asks QEMU's
 * devices, check_report.c says what disagrees, check_board.c keeps the numbers.
 */
#ifndef VIOMMU_WATCH_CHECKER_STATE_H
#define VIOMMU_WATCH_CHECKER_STATE_H

#include <viommu/viommu.h>
#include <viommu/hosts.h>
#include <viommu/zpci.h>

#include "functions.h"
#include "live/board.h"
#include "observation.h"
#include "oracle_data.h"
#include "oracle_shadow.h"
#include "oracle_walker.h"
#include "runs.h"

/* A function that was ever seen, by its FID. */
struct checked_function {
	struct viommu_zpci_function *function; /* NULL: unplugged */
	uint32_t fid;
	struct live_function *numbers;
	struct numbered numbered;
	const char *device;   /* QEMU's id of it, NULL if not known */
	uint64_t shadow_next; /* where in a large aperture pages are asked for next */
};

struct checker {
	struct watcher watcher; /* first: a checker is one */
	const struct arguments *arguments;
	struct live_board *board;
	struct guest_ram ram;
	struct walker walker;
	struct shadow_oracle shadow;
	struct viommu_host *host;
	struct viommu_vm *vm;
	struct viommu_zpci *zpci;
	struct checked_function functions[FUNCTION_MAX];
	size_t function_count;
	struct live_function beyond; /* numbers of functions that have no place on the board */
	/* Lists that are used again and again. */
	struct answers before;
	struct answers after;
	struct runs runs;
	struct runs old;
	const struct check *current; /* the operation that the library is in */
	bool off;
};

/* An operation that has begun: what the library did of it. */
struct check {
	struct capture_record operation;
	struct checked_function *function; /* NULL: none that the library knows */
	int error;			   /* of the library's call: 0, or it did not take the operation */
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
	struct answers walked; /* QEMU's walk behind the library's refresh */
};

/* check_refresh.c: hands an RPCIT or MPCIFC to the library, and compares what is translated then with QEMU's walk, and what is not any more with the disk. */
void check_carry_out(struct checker *checker, struct check *check);

/* QEMU's walk of the operation's range, now. false if it has none. */
bool check_walk(const struct checker *checker, const struct check *check, struct answers *answers);

/* check_shadow.c: after an operation, asks QEMU's live shadow for the pages of its range that are translated. */
void check_shadow(struct checker *checker, const struct check *check, const struct observation *observation);

/* check_report.c. A disagreement of an oracle over `count` of what it counts; the text tells what stands against what. */
void check_disagree(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t count, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same, with the guest's entries on the way to an IOVA at the end. */
void check_disagree_at(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t count, uint64_t iova, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
void check_say(struct checker *checker, enum live_message_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* check_board.c */
void check_count_checks(struct checker *checker, const struct check *check, enum live_oracle oracle, uint64_t count);
void check_count_function(struct checker *checker, struct checked_function *function);
void check_count_operation(struct checker *checker, const struct check *check, const struct observation *observation);

#endif
