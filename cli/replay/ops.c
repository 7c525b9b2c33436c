// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --ops: one line for each operation, columns separated by one blank. docs/replay.md describes
 * them.
 */
#include "replay.h"

#include <inttypes.h>

void replay_ops_line(const struct replay *replay)
{
	const struct replay_operation *operation = &replay->operation;

	printf("%" PRIu64 " %s", operation->number, replay->iommu->instructions[operation->instruction].name);
	replay->iommu->ops(replay);
	putchar('\n');
}
