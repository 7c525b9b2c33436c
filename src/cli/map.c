// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --map: what devices reach in the end, one line a maximal run, in ascending order of handle and IOVA.
 */
#include "replay.h"

#include <inttypes.h>

struct mapper {
	void (*fn)(void *ctx, const struct replay_map_line *line);
	void *ctx;
	uint32_t fh;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	const struct mapper *mapper = ctx;
	struct replay_map_line line = { .fh = mapper->fh, .run = *run };

	mapper->fn(mapper->ctx, &line);
	return 0;
}

static uint32_t handle_of(const struct replay_function *function)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(function->function, &info);
	return info.fh;
}

void replay_map_each(struct replay *replay, void (*fn)(void *ctx, const struct replay_map_line *line), void *ctx)
{
	/* Handles are distinct. The next one is the lowest above the one before. */
	uint64_t from = 0;
	for (unsigned int n = 0; n < replay->function_count; n++) {
		struct replay_function *next = NULL;
		uint32_t next_fh = 0;
		for (unsigned int i = 0; i < replay->function_count; i++) {
			uint32_t fh = handle_of(&replay->functions[i]);
			if (fh >= from && (!next || fh < next_fh)) {
				next = &replay->functions[i];
				next_fh = fh;
			}
		}
		if (!next)
			return;
		struct mapper mapper = { .fn = fn, .ctx = ctx, .fh = next_fh };
		viommu_zpci_function_each_run(next->function, 0, UINT64_MAX, take_run, &mapper);
		from = (uint64_t)next_fh + 1;
	}
}

static void print_line(void *ctx, const struct replay_map_line *line)
{
	(void)ctx;
	printf("0x%08" PRIx32 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " %s\n", line->fh, line->run.first, line->run.last, line->run.gpa,
	       capture_rights_name(line->run.prot));
}

void replay_map_lines(struct replay *replay)
{
	replay_map_each(replay, print_line, NULL);
}
