// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The guest IOMMU of a replayed machine: creates it, adds and removes its streams, and answers the
 * replay's questions about them.
 *
 * Streams with equal configurations share a domain. Pages count once for each domain.
 */
#include "streams.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *streams_refuses_announced(const struct replay_options *options)
{
	if (options->host != REPLAY_SOFT)
		return "--host is for captures of zpci";
	return options->qemu ? "--qemu is for captures of zpci" : NULL;
}

const char *streams_refuses(const struct replay_options *options)
{
	if (options->host != REPLAY_SOFT)
		return "--host is for captures of zpci: the guest of an SMMU does not announce entries that become valid, and a host of the kernel's would not "
		       "see them";
	return streams_refuses_announced(options);
}

/* The guest IOMMU is created by its record. */
int streams_create(struct replay *replay)
{
	struct streams *streams = calloc(1, sizeof(*streams));

	if (!streams)
		return -ENOMEM;
	streams->type = unit_type_of(replay->iommu->guest);
	replay->own = streams;
	return 0;
}

void streams_destroy(struct replay *replay)
{
	struct streams *streams = streams_of(replay);

	if (streams && streams->unit)
		streams->type->destroy(streams->unit);
	free(streams);
}

static int add_unit(struct replay *replay, const struct capture_record *record)
{
	struct streams *streams = streams_of(replay);
	int err = streams->type->create(replay->vm, record, &streams->unit);

	if (record->kind == CAPTURE_SMMU)
		streams->address_bits = record->smmu.output_bits ? record->smmu.output_bits : CAPTURE_SMMU_OUTPUT_BITS;
	if (!err)
		return 0;
	replay_problem(replay, record->line, "the %s cannot be made: %s", streams->type->iommu, strerror(-err));
	return -1;
}

uint32_t streams_name(const struct replay_function *function)
{
	return stream_of(function)->sid;
}

static struct replay_function *find(struct replay *replay, uint32_t sid)
{
	for (unsigned int i = 0; i < replay->function_count; i++) {
		if (streams_name(&replay->functions[i]) == sid)
			return &replay->functions[i];
	}
	return NULL;
}

void streams_remove(struct replay_function *function)
{
	struct stream *stream = stream_of(function);

	viommu_reader_destroy(stream->reader);
	stream->type->remove(stream->device);
	free(stream);
}

static int create_stream(struct replay *replay, uint32_t sid, struct stream **out)
{
	const struct unit_type *type = streams_of(replay)->type;
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->type = type;
	stream->sid = sid;
	int err = type->add(streams_of(replay)->unit, sid, replay->host, &stream->device);
	if (!err) {
		err = viommu_reader_create(type->device(stream->device), VIOMMU_NO_PASID, &stream->reader);
		if (err)
			type->remove(stream->device);
	}
	if (err)
		free(stream);
	else
		*out = stream;
	return err;
}

static int add_stream(struct replay *replay, uint64_t line, uint32_t sid)
{
	struct stream *stream = NULL;

	if (replay_make_place(replay, line))
		return -1;
	int err = create_stream(replay, sid, &stream);
	if (err) {
		replay_problem(replay, line, "the stream 0x%" PRIx32 " cannot be added: %s%s%s", sid, err == -EEXIST ? "another device has its " : "",
			       err == -EEXIST ? streams_of(replay)->type->sid_name : strerror(-err), "");
		return -1;
	}
	replay->functions[replay->function_count++] = (struct replay_function){ .own = stream, .device = -1 };
	streams_count_pages(replay);
	replay_check(replay, true);
	return 0;
}

static int remove_stream(struct replay *replay, uint64_t line, uint32_t sid)
{
	struct replay_function *function = find(replay, sid);

	if (!function) {
		replay_problem(replay, line, "unplug: no device has the %s 0x%" PRIx32, streams_of(replay)->type->sid_name, sid);
		return -1;
	}
	replay_remove_function(replay, function);
	streams_count_pages(replay);
	replay_check(replay, true);
	return 0;
}

int streams_apply(struct replay *replay, const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_SMMU:
	case CAPTURE_IOMMU:
		return add_unit(replay, record);
	case CAPTURE_STREAM:
		return add_stream(replay, record->line, record->stream.sid);
	case CAPTURE_UNPLUG:
		return remove_stream(replay, record->line, record->unplug.sid);
	default:
		return 0;
	}
}

void streams_aperture(const struct replay_function *function, struct replay_aperture *out)
{
	struct unit_state state = stream_state(function);

	*out = (struct replay_aperture){ .usable = state.sharing, .direct = state.reach == UNIT_DIRECT && state.sharing, .last = UINT64_MAX };
}

struct viommu_device *streams_device(const struct replay_function *function)
{
	return stream_of(function)->type->device(stream_of(function)->device);
}

struct viommu_reader *streams_reader(const struct replay_function *function)
{
	return stream_of(function)->reader;
}

void streams_stats(const struct replay_function *function, struct viommu_domain_stats *stats)
{
	stream_of(function)->type->stats(stream_of(function)->device, stats);
}

int streams_each_run(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return stream_of(function)->type->each_run(stream_of(function)->device, first, last, fn, ctx);
}

/*
 * Two streams share a domain if the guest IOMMU says so, and if all that is known about their
 * domains is equal.
 */
static bool same_domain(const struct unit_state *a, const struct replay_function *one, const struct replay_function *other)
{
	struct viommu_domain_stats mine = { .size = sizeof(mine) }, its = { .size = sizeof(its) };
	struct unit_state b = stream_state(other);

	if (b.reach != a->reach || b.sharing != a->sharing || b.domain != a->domain || b.root[0] != a->root[0] || b.root[1] != a->root[1])
		return false;
	streams_stats(one, &mine);
	streams_stats(other, &its);
	return !memcmp(&mine, &its, sizeof(mine));
}

bool streams_shares(const struct replay *replay, unsigned int number)
{
	const struct replay_function *function = &replay->functions[number];
	struct unit_state state = stream_state(function);

	if (state.reach != UNIT_TRANSLATED || state.sharing < 2)
		return false;
	for (unsigned int i = 0; i < number; i++) {
		if (same_domain(&state, function, &replay->functions[i]))
			return true;
	}
	return false;
}

/* The earlier counts of a domain. If the counts have shrunk, it is another domain. */
static struct streams_domain domain_before(const struct streams *streams, const struct streams_domain *now)
{
	for (unsigned int i = 0; i < streams->domain_count; i++) {
		const struct streams_domain *before = &streams->domains[i];
		if (before->domain == now->domain && before->root[0] == now->root[0] && before->root[1] == now->root[1] &&
		    before->established <= now->established && before->released <= now->released)
			return *before;
	}
	return (struct streams_domain){ 0 };
}

/*
 * Pages of a destroyed domain are released, too: pages released = pages ever established - pages
 * mapped.
 */
void streams_count_pages(struct replay *replay)
{
	struct streams *streams = streams_of(replay);
	struct streams_domain domains[REPLAY_MAX_FUNCTIONS];
	unsigned int count = 0;
	uint64_t mapped = 0, established = 0;

	for (unsigned int i = 0; i < replay->function_count; i++) {
		struct unit_state state = stream_state(&replay->functions[i]);
		struct viommu_domain_stats now = { .size = sizeof(now) };
		if (state.reach != UNIT_TRANSLATED || !state.sharing || streams_shares(replay, i))
			continue;
		streams_stats(&replay->functions[i], &now);
		domains[count] = (struct streams_domain){ state.domain, { state.root[0], state.root[1] }, now.established, now.released };
		established += now.established - domain_before(streams, &domains[count++]).established;
		mapped += now.mapped_pages;
	}
	for (unsigned int i = 0; i < count; i++)
		streams->domains[i] = domains[i];
	streams->domain_count = count;
	replay->operation.established += established;
	replay->operation.released += streams->counted_pages + established - mapped;
	replay->counts.pages_established += established;
	streams->counted_pages = mapped;
}

/* An oracle names its stream. */
struct replay_function *streams_asked(struct replay *replay, const struct capture_oracle *oracle)
{
	return find(replay, oracle->sid);
}
