// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --map: the translations at the end, one line for each maximal run, sorted by handle (or name of a
 * function) and IOVA.
 */
#include "replay.h"

#include <inttypes.h>

struct mapper {
	void (*fn)(void *ctx, const struct replay_map_line *line);
	void *ctx;
	const struct replay_iommu *iommu;
	uint32_t name;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	const struct mapper *mapper = ctx;
	struct replay_map_line line = { .iommu = mapper->iommu, .name = mapper->name, .run = *run };

	mapper->fn(mapper->ctx, &line);
	return 0;
}

const struct replay_function *replay_next_function(const struct replay *replay, uint64_t *from)
{
	const struct replay_function *next = NULL;
	uint32_t next_name = 0;

	for (unsigned int i = 0; i < replay->function_count; i++) {
		uint32_t name = replay->iommu->name(&replay->functions[i]);
		if (name >= *from && (!next || name < next_name)) {
			next = &replay->functions[i];
			next_name = name;
		}
	}
	*from = (uint64_t)next_name + 1;
	return next;
}

void replay_map_each(struct replay *replay, void (*fn)(void *ctx, const struct replay_map_line *line), void *ctx)
{
	const struct replay_function *function;
	uint64_t from = 0;

	while ((function = replay_next_function(replay, &from))) {
		struct mapper mapper = { .fn = fn, .ctx = ctx, .iommu = replay->iommu, .name = replay->iommu->name(function) };
		replay->iommu->each_run(function, 0, UINT64_MAX, take_run, &mapper);
	}
}

static void print_line(void *ctx, const struct replay_map_line *line)
{
	(void)ctx;
	printf("0x%0*" PRIx32 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " %s\n", line->iommu->name_digits, line->name, line->run.first, line->run.last,
	       line->run.gpa, capture_rights_name(line->run.prot));
}

void replay_map_lines(struct replay *replay)
{
	replay_map_each(replay, print_line, NULL);
}
