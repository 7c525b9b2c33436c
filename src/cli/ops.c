// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --ops: one line an operation, six columns with one blank between them. docs/replay.md describes them.
 */
#include "replay.h"

#include <inttypes.h>

static void print_events(const struct replay_operation *operation)
{
	if (!operation->event_count)
		printf(" -");
	for (unsigned int i = 0; i < operation->event_count && i < REPLAY_MAX_EVENTS; i++)
		printf("%c0x%02" PRIx32 "@0x%" PRIx64, i ? ',' : ' ', operation->events[i].pec, operation->events[i].faddr);
	if (operation->event_count > REPLAY_MAX_EVENTS)
		printf(",+%u", operation->event_count - REPLAY_MAX_EVENTS);
}

void replay_ops_line(const struct replay_operation *operation)
{
	const struct viommu_zpci_answer *answer = &operation->answer;
	bool answered = operation->outcome == REPLAY_ANSWERED;

	printf("%" PRIu64 " %s", operation->number, replay_instruction_name(operation->instruction));
	if (operation->outcome == REPLAY_DONE)
		printf(" 0 - -");
	else if (answered && answer->exception)
		printf(" - - 0x%04" PRIx32, answer->exception);
	else if (answered && answer->cc == 1)
		printf(" 1 %u -", answer->status);
	else if (answered)
		printf(" %u - -", answer->cc);
	else
		printf(" - - -");
	print_events(operation);
	putchar('\n');
}
