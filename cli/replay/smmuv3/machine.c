// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The SMMUv3 of a replayed machine: creates it, adds and removes its streams, and answers the
 * replay's questions about them.
 *
 * Streams with equal context descriptors share a domain. Pages count once for each domain.
 */
#include "smmuv3.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *refuses(const struct replay_options *options)
{
	if (options->host != REPLAY_SOFT)
		return "--host is for captures of zpci: the guest of an SMMU does not announce entries that become valid, and a host of the kernel's would not "
		       "see them";
	if (options->qemu)
		return "--qemu is for captures of zpci";
	return NULL;
}

/* The SMMU is created by its record. */
static int create(struct replay *replay)
{
	replay->own = calloc(1, sizeof(struct smmuv3));
	return replay->own ? 0 : -ENOMEM;
}

static void destroy(struct replay *replay)
{
	if (smmuv3_of(replay))
		viommu_smmuv3_destroy(smmuv3_of(replay)->smmu);
	free(replay->own);
}

static int add_smmu(struct replay *replay, uint64_t line, const struct capture_smmu *record)
{
	struct viommu_smmuv3_config config = {
		.size = sizeof(config),
		.flags = record->abort ? VIOMMU_SMMUV3_RESET_ABORT : 0,
		.sid_bits = record->sid_bits,
		.output_bits = record->output_bits,
	};

	int err = viommu_smmuv3_create(replay->vm, &config, &smmuv3_of(replay)->smmu);
	smmuv3_of(replay)->output_bits = record->output_bits ? record->output_bits : CAPTURE_SMMU_OUTPUT_BITS;
	if (!err)
		return 0;
	replay_problem(replay, line, "the SMMU cannot be made: %s", strerror(-err));
	return -1;
}

static struct viommu_smmuv3_device_info info_of(const struct replay_function *function)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(smmuv3_stream_of(function)->device, &info);
	return info;
}

static uint32_t name(const struct replay_function *function)
{
	return info_of(function).sid;
}

static struct replay_function *find(struct replay *replay, uint32_t sid)
{
	for (unsigned int i = 0; i < replay->function_count; i++) {
		if (name(&replay->functions[i]) == sid)
			return &replay->functions[i];
	}
	return NULL;
}

static void remove_it(struct replay_function *function)
{
	struct smmuv3_stream *stream = smmuv3_stream_of(function);

	viommu_reader_destroy(stream->reader);
	viommu_smmuv3_device_remove(stream->device);
	free(stream);
}

static int create_stream(struct replay *replay, uint32_t sid, struct smmuv3_stream **out)
{
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = sid, .host = replay->host };
	struct smmuv3_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	int err = viommu_smmuv3_device_add(smmuv3_of(replay)->smmu, &config, &stream->device);
	if (!err) {
		err = viommu_reader_create(viommu_smmuv3_device_device(stream->device), VIOMMU_NO_PASID, &stream->reader);
		if (err)
			viommu_smmuv3_device_remove(stream->device);
	}
	if (err)
		free(stream);
	else
		*out = stream;
	return err;
}

static int add_stream(struct replay *replay, uint64_t line, uint32_t sid)
{
	struct smmuv3_stream *stream = NULL;

	if (replay_make_place(replay, line))
		return -1;
	int err = create_stream(replay, sid, &stream);
	if (err) {
		replay_problem(replay, line, "the stream 0x%" PRIx32 " cannot be added: %s", sid,
			       err == -EEXIST ? "another device has its StreamID" : strerror(-err));
		return -1;
	}
	replay->functions[replay->function_count++] = (struct replay_function){ .own = stream, .device = -1 };
	smmuv3_count_pages(replay);
	replay_check(replay, true);
	return 0;
}

static int remove_stream(struct replay *replay, uint64_t line, uint32_t sid)
{
	struct replay_function *function = find(replay, sid);

	if (!function) {
		replay_problem(replay, line, "unplug: no device has the StreamID 0x%" PRIx32, sid);
		return -1;
	}
	replay_remove_function(replay, function);
	smmuv3_count_pages(replay);
	replay_check(replay, true);
	return 0;
}

static int apply(struct replay *replay, const struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_SMMU:
		return add_smmu(replay, record->line, &record->smmu);
	case CAPTURE_STREAM:
		return add_stream(replay, record->line, record->stream.sid);
	case CAPTURE_UNPLUG:
		return remove_stream(replay, record->line, record->unplug.sid);
	default:
		return 0;
	}
}

static void aperture(const struct replay_function *function, struct replay_aperture *out)
{
	struct viommu_smmuv3_device_info info = info_of(function);

	*out = (struct replay_aperture){ .usable = info.sharing, .direct = info.stream == VIOMMU_SMMUV3_STREAM_BYPASS && info.sharing, .last = UINT64_MAX };
}

static struct viommu_device *device(const struct replay_function *function)
{
	return viommu_smmuv3_device_device(smmuv3_stream_of(function)->device);
}

static struct viommu_reader *reader(const struct replay_function *function)
{
	return smmuv3_stream_of(function)->reader;
}

static void stats(const struct replay_function *function, struct viommu_domain_stats *stats)
{
	viommu_smmuv3_device_stats(smmuv3_stream_of(function)->device, stats);
}

static int each_run(const struct replay_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_smmuv3_device_each_run(smmuv3_stream_of(function)->device, first, last, fn, ctx);
}

/*
 * Two streams share a domain if the SMMU says so, and if all that is known about their domains is
 * equal.
 */
static bool same_domain(const struct viommu_smmuv3_device_info *a, const struct replay_function *one, const struct replay_function *other)
{
	struct viommu_domain_stats mine = { .size = sizeof(mine) }, its = { .size = sizeof(its) };
	struct viommu_smmuv3_device_info b = info_of(other);

	if (b.stream != a->stream || b.sharing != a->sharing || b.asid != a->asid || b.ttb[0] != a->ttb[0] || b.ttb[1] != a->ttb[1])
		return false;
	stats(one, &mine);
	stats(other, &its);
	return !memcmp(&mine, &its, sizeof(mine));
}

bool smmuv3_shares(const struct replay *replay, unsigned int number)
{
	const struct replay_function *function = &replay->functions[number];
	struct viommu_smmuv3_device_info info = info_of(function);

	if (info.stream != VIOMMU_SMMUV3_STREAM_STAGE1 || info.sharing < 2)
		return false;
	for (unsigned int i = 0; i < number; i++) {
		if (same_domain(&info, function, &replay->functions[i]))
			return true;
	}
	return false;
}

/* The earlier counts of a domain. If the counts have shrunk, it is another domain. */
static struct smmuv3_domain domain_before(const struct smmuv3 *smmu, const struct smmuv3_domain *now)
{
	for (unsigned int i = 0; i < smmu->domain_count; i++) {
		const struct smmuv3_domain *before = &smmu->domains[i];
		if (before->asid == now->asid && before->ttb[0] == now->ttb[0] && before->ttb[1] == now->ttb[1] && before->established <= now->established &&
		    before->released <= now->released)
			return *before;
	}
	return (struct smmuv3_domain){ 0 };
}

/*
 * Pages of a destroyed domain are released, too: pages released = pages ever established - pages
 * mapped.
 */
void smmuv3_count_pages(struct replay *replay)
{
	struct smmuv3 *smmu = smmuv3_of(replay);
	struct smmuv3_domain domains[REPLAY_MAX_FUNCTIONS];
	unsigned int count = 0;
	uint64_t mapped = 0, established = 0;

	for (unsigned int i = 0; i < replay->function_count; i++) {
		struct viommu_smmuv3_device_info info = info_of(&replay->functions[i]);
		struct viommu_domain_stats now = { .size = sizeof(now) };
		if (info.stream != VIOMMU_SMMUV3_STREAM_STAGE1 || !info.sharing || smmuv3_shares(replay, i))
			continue;
		stats(&replay->functions[i], &now);
		domains[count] = (struct smmuv3_domain){ info.asid, { info.ttb[0], info.ttb[1] }, now.established, now.released };
		established += now.established - domain_before(smmu, &domains[count++]).established;
		mapped += now.mapped_pages;
	}
	for (unsigned int i = 0; i < count; i++)
		smmu->domains[i] = domains[i];
	smmu->domain_count = count;
	replay->operation.established += established;
	replay->operation.released += smmu->counted_pages + established - mapped;
	replay->counts.pages_established += established;
	smmu->counted_pages = mapped;
}

/* An oracle names its stream. */
static struct replay_function *asked(struct replay *replay, const struct capture_oracle *oracle)
{
	return find(replay, oracle->sid);
}

const struct replay_iommu replay_smmuv3 = {
	.guest = CAPTURE_SMMUV3,
	.little_endian = true,
	.accesses = true,
	.function = "stream",
	.name_digits = 1,
	.refuses = refuses,
	.instructions = smmuv3_instructions,
	.instruction_count = SMMUV3_INSTRUCTIONS,
	.instruction_of = smmuv3_instruction_of,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.remove = remove_it,
	.operation = smmuv3_operation,
	.name = name,
	.aperture = aperture,
	.device = device,
	.stats = stats,
	.each_run = each_run,
	.shares = smmuv3_shares,
	.asked = asked,
	.compare = smmuv3_compare,
	.reader = reader,
	.miss = smmuv3_miss,
	.shortages = smmuv3_shortages,
	.excuses = smmuv3_excuses,
	.ops = smmuv3_print_ops,
	.json = smmuv3_print_json,
	.print_operation = smmuv3_print_operation,
	.summary = smmuv3_print_summary,
	.view = smmuv3_view,
	.tables = { "of levels 0 and 1", "of level 2", "of level 3" },
	.legends = { "table of level 0 or 1", "of level 2", "of level 3" },
};
