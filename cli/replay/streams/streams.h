/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of a replay of guest IOMMUs whose devices are streams: all but zPCI. A recorded answer
 * is compared by accesses like those of a VMM's device model. Where a guest does not announce
 * entries that become valid, a miss is looked up in the guest's tables.
 *
 * smmuv3.c, vtd.c, amdvi.c and virtio.c have what differs: the operations that are counted, and the
 * tables of a picture.
 */
#ifndef VIOMMU_CLI_STREAMS_H
#define VIOMMU_CLI_STREAMS_H

#include "replay/replay.h"
#include "unit/unit.h"

/* replay_function->own. */
struct stream {
	const struct unit_type *type;
	uint32_t sid;
	void *device;
	struct viommu_reader *reader;
};

/* The last known counts of a domain. */
struct streams_domain {
	uint32_t domain;
	uint64_t root[2];
	uint64_t established, released;
};

/* replay->own: the guest IOMMU, and the effects of the last operation. */
struct streams {
	const struct unit_type *type;
	void *unit;
	uint32_t address_bits; /* of guest memory; 0: unknown */
	struct streams_domain domains[REPLAY_MAX_FUNCTIONS];
	unsigned int domain_count;
	uint64_t counted_pages; /* mapped in these */
	uint64_t commands;
	uint64_t refreshes;
	uint32_t error; /* of a command, if this operation caused it */
};

static inline struct streams *streams_of(const struct replay *replay)
{
	return replay->own;
}

static inline struct stream *stream_of(const struct replay_function *function)
{
	return function->own;
}

static inline struct unit_state stream_state(const struct replay_function *function)
{
	struct unit_state state = { .sharing = 0 };

	stream_of(function)->type->state(stream_of(function)->device, &state);
	return state;
}

extern const struct replay_iommu replay_smmuv3, replay_vtd, replay_amdvi, replay_virtio;

/* machine.c: also adds the pages that came and went since the last call to the counts. */
const char *streams_refuses_announced(const struct replay_options *options);
const char *streams_refuses(const struct replay_options *options);
int streams_create(struct replay *replay);
void streams_destroy(struct replay *replay);
int streams_apply(struct replay *replay, const struct capture_record *record);
void streams_remove(struct replay_function *function);
uint32_t streams_name(const struct replay_function *function);
void streams_aperture(const struct replay_function *function, struct replay_aperture *out);
struct viommu_device *streams_device(const struct replay_function *function);
struct viommu_reader *streams_reader(const struct replay_function *function);
void streams_stats(const struct replay_function *function, struct viommu_domain_stats *stats);
int streams_each_run(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
/* Whether an earlier stream has the same domain. */
bool streams_shares(const struct replay *replay, unsigned int number);
struct replay_function *streams_asked(struct replay *replay, const struct capture_oracle *oracle);
void streams_count_pages(struct replay *replay);

/* operation.c */
void streams_operation(struct replay *replay);
/* compare.c */
void streams_compare(struct replay *replay, const struct replay_expected *expected);
int streams_miss(struct replay *replay, struct replay_function *function, const struct viommu_fault *fault);
uint64_t streams_shortages(const struct replay *replay);
bool streams_excuses(struct replay *replay, uint64_t iova, uint64_t shortages);
/* view.c: what does not depend on the tables. False if there are no tables to be added. */
bool streams_view(struct replay *replay, const struct replay_function *function, struct view *view);
/* print.c */
void streams_print_ops(const struct replay *replay);
void streams_print_json(const struct replay *replay, void *object);
void streams_print_operation(const struct replay *replay);
void streams_print_summary(const struct replay_counts *counts);

/* The members of a replay_iommu that are alike. */
#define STREAMS_COMMON                                                                                                                              \
	.little_endian = true, .accesses = true, .function = "stream", .name_digits = 1, .create = streams_create, .destroy = streams_destroy,      \
	.apply = streams_apply, .remove = streams_remove, .operation = streams_operation, .name = streams_name, .aperture = streams_aperture,       \
	.device = streams_device, .stats = streams_stats, .each_run = streams_each_run, .shares = streams_shares, .asked = streams_asked,           \
	.compare = streams_compare, .reader = streams_reader, .shortages = streams_shortages, .excuses = streams_excuses, .ops = streams_print_ops, \
	.json = streams_print_json, .print_operation = streams_print_operation, .summary = streams_print_summary

#endif
