/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * On the board a stream takes the place of an s390x function. Its StreamID is the handle. A refresh
 * is an invalidation by commands, or the misses of a device that was started.
 */
#include "smmuv3/check.h"

#include <inttypes.h>
#include <string.h>

#include <viommu/smmuv3.h>

#include "accesses.h"
#include "smmuv3/spec.h"
#include "timing.h"

/* IOVAs up to this one use TTB0. */
#define FIRST_HALF ((UINT64_C(1) << 48) - 1)

static struct viommu_smmuv3 *smmu;

/* Like QEMU's SMMU: devices reach all of memory until the guest configures it. */
static int create(struct checker *checker)
{
	struct viommu_smmuv3_config config = { .size = sizeof(config) };

	live_set(&checker->board->numbers.available[LIVE_SHADOW], 1);
	return viommu_smmuv3_create(checker->vm, &config, &smmu);
}

static int each_run(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_smmuv3_device_each_run(device, first, last, fn, ctx);
}

static void get_stats(void *device, struct viommu_domain_stats *stats)
{
	viommu_smmuv3_device_stats(device, stats);
}

static int miss(void *device, struct viommu_fault *fault)
{
	return viommu_smmuv3_device_fault(device, fault);
}

static void put_operation(struct report_line *line, const struct capture_record *operation)
{
	if (operation->kind == CAPTURE_KICK)
		report_put(line, "kick");
	else
		report_put(line, "write 0x%" PRIx64 " to 0x%" PRIx64, operation->write.value, operation->write.offset);
}

static void put_device(struct report_line *line, const struct capture_record *operation, const struct checked *checked)
{
	(void)operation;
	if (checked)
		report_put(line, " of stream 0x%" PRIx32, checked->id);
}

const struct check_ops smmuv3_check_ops = {
	.iommu = LIVE_SMMUV3,
	.device = "stream",
	.create = create,
	.each_run = each_run,
	.stats = get_stats,
	.miss = miss,
	.put_operation = put_operation,
	.put_device = put_device,
};

static struct viommu_smmuv3_device_info info_of(const struct checked *checked)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(checked->device, &info);
	return info;
}

static void count_stream(struct checked *checked)
{
	struct viommu_smmuv3_device_info info = info_of(checked);
	bool translates = info.stream == VIOMMU_SMMUV3_STREAM_STAGE1, direct = info.stream == VIOMMU_SMMUV3_STREAM_BYPASS;
	struct checked_state state = {
		.state = translates || direct ? LIVE_FUNCTION_ENABLED : LIVE_FUNCTION_DISABLED,
		.registered = translates || direct,
		.direct = direct,
		.fh = checked->id,
		.pal = FIRST_HALF,
		.iota = translates ? info.ttb[0] : 0,
	};

	checker_put_state(checked, &state);
}

void smmuv3_check_stream(struct checker *checker, const struct stream *stream)
{
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = stream->pci.requester, .host = checker->host };
	struct viommu_smmuv3_device *device;
	struct checked *checked;
	int error;

	if (!checker->ready)
		return;
	error = viommu_smmuv3_device_add(smmu, &config, &device);
	checked = error ? NULL : checker_device(checker, config.sid);
	if (!checked) {
		checker_say(checker, LIVE_NOTE, "stream 0x%" PRIx32 " is not checked: %s", config.sid, strerror(-error));
		return;
	}
	checked->device = device;
	error = viommu_reader_create(viommu_smmuv3_device_device(device), VIOMMU_NO_PASID, &checked->reader);
	if (error) {
		checker_say(checker, LIVE_NOTE, "stream 0x%" PRIx32 " is not checked: %s", config.sid, strerror(-error));
		return;
	}
	checker_name_device(checked, stream->pci.name);
	live_add(&checked->numbers->pluggings, 1);
	checked->said_state = VIOMMU_SMMUV3_STREAM_BYPASS;
	checker_look(checker, checked, &(uint64_t){ 0 }, &(uint64_t){ 0 });
	count_stream(checked);
	checker_say(checker, LIVE_EVENT, "stream 0x%" PRIx32 " is there, QEMU's device %s", checked->id, checked->name);
}

static uint64_t errors_of_library(void)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(smmu, &info);
	return info.errors;
}

/* A command that one SMMU refuses and the other accepts. */
static void compare_refusal(struct checker *checker, bool qemu_refuses, bool refuses)
{
	checker_count_checks(checker, NULL, LIVE_ANSWER, 1);
	if (refuses != qemu_refuses)
		checker_disagree(checker, NULL, LIVE_ANSWER, 1, "QEMU %s a command, the library %s", refuses ? "takes" : "refuses",
				 refuses ? "refuses it" : "takes it");
}

static void write_register(const struct capture_write *write)
{
	uint64_t value = write->value;

	/* Events would be written into the guest's own queue. */
	if (write->offset == REG_CR0)
		value &= ~(uint64_t)REG_CR0_EVENTQEN;
	viommu_smmuv3_write(smmu, write->offset, write->bytes, value);
}

static void count_refresh(struct checker *checker, const struct smmuv3_observation *operation, const struct difference *done, uint64_t library_ns)
{
	struct live_numbers *numbers = &checker->board->numbers;
	const struct observation *observation = operation->observation;
	bool kicked = observation->operation.kind == CAPTURE_KICK;
	enum live_kind kind = checker_kind(done->established, done->released);
	size_t i;

	if (operation->invalids && operation->invalids->whole)
		kind = LIVE_WHOLE;
	live_add(&numbers->refreshes[kind], 1);
	for (i = 0; i < checker->count; i++) {
		if (!kicked || checker->list[i].id == observation->operation.kick.sid)
			live_add(&checker->list[i].numbers->refreshes[kind], 1);
	}
	live_histogram_add(&numbers->times[kind][LIVE_LIBRARY], library_ns);
	/* QEMU's time to consume a command is not visible. */
	if (kicked)
		live_histogram_add(&numbers->times[kind][LIVE_QEMU_WALKER], observation->qemu_ns);
}

/*
 * wrote: the effect of the library's write. library_ns: the time of the write, or of the misses
 * after a kick.
 */
static void count_operation(struct checker *checker, const struct smmuv3_observation *operation, const struct difference *wrote, uint64_t library_ns)
{
	struct live_numbers *numbers = &checker->board->numbers;
	const struct invalids *invalids = operation->invalids;
	bool kicked = operation->observation->operation.kind == CAPTURE_KICK;
	struct difference accesses = accesses_look(checker);
	size_t i;

	live_add(&numbers->established, wrote->established + accesses.established);
	live_add(&numbers->released, wrote->released + accesses.released);
	live_add(kicked ? &numbers->kicks : &numbers->writes, 1);
	if (invalids) {
		live_add(&numbers->invalidations, invalids->invalidations);
		live_add(&numbers->configs, invalids->configs);
	}
	/* Misses of accesses after a command are not part of the command. */
	if (kicked)
		count_refresh(checker, operation, &accesses, library_ns);
	else if (invalids && invalids->invalidations)
		count_refresh(checker, operation, wrote, library_ns);
	for (i = 0; i < checker->count; i++)
		count_stream(&checker->list[i]);
	checker_count_memory(checker);
	live_add(&numbers->watch_ns, operation->observation->watch_ns);
	live_set(&numbers->updated, timing_now());
}

/* Reports a stream's configuration if it is new. */
static void say_state(struct checker *checker, struct checked *checked)
{
	static const char *const texts[] = {
		[VIOMMU_SMMUV3_STREAM_BYPASS] = "reaches all of memory",
		[VIOMMU_SMMUV3_STREAM_STAGE1] = "is translated by tables of its own",
		[VIOMMU_SMMUV3_STREAM_FAULTY] = "is not configured: what it accesses is an error",
	};
	struct viommu_smmuv3_device_info info = info_of(checked);
	const char *text = info.stream < sizeof(texts) / sizeof(texts[0]) ? texts[info.stream] : NULL;

	if (checked->said_state == info.stream && checked->said_root == info.ttb[0])
		return;
	checked->said_state = info.stream;
	checked->said_root = info.ttb[0];
	checker_say(checker, LIVE_EVENT, "stream 0x%" PRIx32 " (%s) %s", checked->id, checked->name, text ? text : "reaches nothing");
}

void smmuv3_check(struct checker *checker, const struct smmuv3_observation *operation)
{
	const struct observation *observation = operation->observation;
	bool writes = observation->operation.kind == CAPTURE_WRITE;
	uint64_t began, library_ns, fault_ns, errors;
	struct difference wrote;
	struct checked *checked;
	size_t i;

	if (!checker->ready)
		return;
	checker_begin_operation(checker, &observation->operation);
	for (i = 0; writes && i < observation->stretch_count; i++) {
		checked = accesses_device(checker, observation->stretches[i].device);
		if (checked)
			checker_data_before(checker, checked, observation->stretches[i].first, observation->stretches[i].last);
	}
	errors = errors_of_library();
	began = timing_ticks();
	if (writes)
		write_register(&observation->operation.write);
	library_ns = timing_ns(timing_ticks() - began);
	checker_data_after(checker);
	wrote = accesses_look(checker);
	if (operation->gave_up)
		checker_skip(checker, LIVE_SHADOW, 1);
	if (operation->asked)
		checker_skip(checker, LIVE_SHADOW, operation->streams->stale);
	if (operation->invalids && operation->invalids->commands)
		compare_refusal(checker, operation->qemu_refuses, errors_of_library() != errors);
	fault_ns = accesses_compare(checker, operation->streams, observation);
	count_operation(checker, operation, &wrote, writes ? library_ns : fault_ns);
	for (i = 0; i < checker->count; i++)
		say_state(checker, &checker->list[i]);
}
