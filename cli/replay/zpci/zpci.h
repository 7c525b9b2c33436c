/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * zPCI's part of a replay. An instruction refreshes its range before it returns. So a recorded
 * answer is compared with the established runs, and with accesses without misses.
 */
#ifndef VIOMMU_CLI_ZPCI_H
#define VIOMMU_CLI_ZPCI_H

#include <viommu/zpci.h>

#include "replay/replay.h"

#define ZPCI_MAX_EVENTS 4u /* kept for one operation; more are counted */

enum zpci_instruction {
	ZPCI_RPCIT,
	ZPCI_REG_IOAT,
	ZPCI_DEREG_IOAT,
	ZPCI_REREG_IOAT,
	ZPCI_RESET_ERROR,
	ZPCI_RESET_BLOCK,
	ZPCI_MPCIFC_OTHER,
	ZPCI_STPCIFC,
	ZPCI_CLP_ENABLE,
	ZPCI_CLP_DISABLE,
	ZPCI_SCLP_CONFIGURE,
	ZPCI_SCLP_DECONFIGURE,
	ZPCI_INSTRUCTIONS,
};

/* replay_function->own. */
struct zpci_function {
	struct viommu_zpci_function *function;
	struct viommu_reader *reader; /* NULL: the host's translations cannot be read back */
	/* a refresh was incomplete, and no complete one of the whole came since */
	bool short_of_room;
	/* a registration found no room: its guest would not use the function */
	bool unregistered;
};

struct zpci_change;

/* change.c: the runs in the range of the last refresh, before it. */
struct zpci_change {
	/* NULL: no refresh, or translations have changed since */
	const struct replay_function *function;
	bool registration;
	uint64_t first, last;
	FILE *to; /* text, restarted for each refresh; NULL: no picture is requested */
	char *text;
	size_t bytes;
};

/* replay->own: the zPCI, and the answer of the last operation. */
struct zpci {
	struct viommu_zpci *zpci;
	struct zpci_change change;
	bool making_room; /* an instruction that is not in the capture is in progress */
	struct viommu_zpci_answer answer;
	unsigned int event_count;
	struct viommu_zpci_event events[ZPCI_MAX_EVENTS];
	bool short_of_room; /* incomplete, even after making room */
	bool refreshed;	    /* it has synchronized first..last */
	uint64_t first, last;
};

static inline struct zpci *zpci_of(const struct replay *replay)
{
	return replay->own;
}

static inline struct zpci_function *zpci_function_of(const struct replay_function *function)
{
	return function->own;
}

extern const struct replay_iommu replay_zpci;

/* machine.c: the function that has this handle now, NULL if there is none. */
struct replay_function *zpci_find(struct replay *replay, uint32_t fh);

/* operation.c */
extern const struct replay_instruction zpci_instructions[ZPCI_INSTRUCTIONS];
unsigned int zpci_instruction_of(const struct capture_record *record);
void zpci_operation(struct replay *replay);
void zpci_event(void *ctx, const struct viommu_zpci_event *event);
/* compare.c */
void zpci_compare(struct replay *replay, const struct replay_expected *expected);
bool zpci_excuses(struct replay *replay, uint64_t iova, uint64_t shortages);
/* view.c */
void zpci_view(struct replay *replay, const struct replay_function *function, struct view *view);
/* change.c */
void zpci_change_before(struct replay *replay, const struct capture_record *record);
void zpci_change_after(struct replay *replay);
void zpci_change_put(const struct replay *replay, const struct replay_function *function, FILE *to);
void zpci_change_free(struct zpci_change *change);
/* print.c */
void zpci_print_ops(const struct replay *replay);
void zpci_print_json(const struct replay *replay, void *object);
void zpci_print_operation(const struct replay *replay);
void zpci_print_summary(const struct replay_counts *counts);

#endif
