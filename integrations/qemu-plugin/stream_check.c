/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * On the board a stream takes the place of an s390x function. Its sid is the handle. A refresh is
 * an invalidation by commands or requests, or the accesses of a device that was started.
 */
#include "stream_check.h"

#include <inttypes.h>
#include <string.h>

#include "accesses.h"
#include "timing.h"
#include "unit/unit.h"

/* The reach of one set of tables, as the board shows it. */
#define FIRST_HALF ((UINT64_C(1) << 48) - 1)

static struct {
	const struct unit_type *type;
	void *unit; /* NULL: it has not appeared */
	struct check_ops ops;
} state;

/* The unit is created by its record. */
static int create(struct checker *checker)
{
	live_set(&checker->board->numbers.available[LIVE_SHADOW], 1);
	return 0;
}

static void put_operation(struct report_line *line, const struct capture_record *operation)
{
	const struct capture_request *request = &operation->request;

	switch (operation->kind) {
	case CAPTURE_KICK:
		report_put(line, "kick");
		break;
	case CAPTURE_DRIVER:
		report_put(line, "driver 0x%" PRIx64, operation->driver.features);
		break;
	case CAPTURE_REQUEST:
		report_put(line, "%s of domain 0x%" PRIx32 ", 0x%" PRIx64 "..0x%" PRIx64, capture_request_name(request->type), request->domain, request->first,
			   request->last);
		break;
	default:
		report_put(line, "write 0x%" PRIx64 " to 0x%" PRIx64, operation->write.value, operation->write.offset);
	}
}

static void put_device(struct report_line *line, const struct capture_record *operation, const struct checked *checked)
{
	(void)operation;
	if (checked)
		report_put(line, " of stream 0x%" PRIx32, checked->id);
}

const struct check_ops *stream_check_ops(enum capture_guest guest)
{
	static const enum live_iommu numbers[] = {
		[CAPTURE_SMMUV3] = LIVE_SMMUV3,
		[CAPTURE_VTD] = LIVE_VTD,
		[CAPTURE_AMDVI] = LIVE_AMDVI,
		[CAPTURE_VIRTIO] = LIVE_VIRTIO,
	};

	state.type = unit_type_of(guest);
	state.ops = (struct check_ops){
		.iommu = numbers[guest],
		.device = "stream",
		.create = create,
		.each_run = state.type->each_run,
		.stats = state.type->stats,
		.widens = state.type->widens,
		.miss = state.type->announces ? NULL : state.type->miss,
		.put_operation = put_operation,
		.put_device = put_device,
	};
	return &state.ops;
}

void stream_check_begin(struct checker *checker, const struct capture_record *iommu)
{
	int error;

	if (!checker->ready)
		return;
	error = state.type->create(checker->vm, iommu, &state.unit);
	if (!error)
		return;
	checker_say(checker, LIVE_NOTE, "nothing is checked: the library's %s cannot be made: %s", state.type->iommu, strerror(-error));
	checker->ready = false;
}

static struct unit_state state_of(const struct checked *checked)
{
	struct unit_state of = { .sharing = 0 };

	state.type->state(checked->device, &of);
	return of;
}

static void count_stream(struct checked *checked)
{
	struct unit_state of = state_of(checked);
	bool translates = of.reach == UNIT_TRANSLATED, direct = of.reach == UNIT_DIRECT;
	struct checked_state now = {
		.state = translates || direct ? LIVE_FUNCTION_ENABLED : LIVE_FUNCTION_DISABLED,
		.registered = translates || direct,
		.direct = direct,
		.fh = checked->id,
		.pal = FIRST_HALF,
		.iota = of.root[0],
		.levels = of.levels,
	};

	checker_put_state(checked, &now);
}

void stream_check_found(struct checker *checker, const struct stream *stream)
{
	uint32_t sid = stream->pci.requester;
	struct checked *checked;
	void *device;
	int error;

	if (!checker->ready)
		return;
	error = state.type->add(state.unit, sid, checker->host, &device);
	checked = error ? NULL : checker_device(checker, sid);
	if (!checked) {
		checker_say(checker, LIVE_NOTE, "stream 0x%" PRIx32 " is not checked: %s", sid, strerror(-error));
		return;
	}
	checked->device = device;
	error = viommu_reader_create(state.type->device(device), VIOMMU_NO_PASID, &checked->reader);
	if (error) {
		checker_say(checker, LIVE_NOTE, "stream 0x%" PRIx32 " is not checked: %s", sid, strerror(-error));
		return;
	}
	checker_name_device(checked, stream->pci.name);
	live_add(&checked->numbers->pluggings, 1);
	checked->said_state = UNIT_DIRECT;
	checker_look(checker, checked, &(uint64_t){ 0 }, &(uint64_t){ 0 });
	count_stream(checked);
	checker_say(checker, LIVE_EVENT, "stream 0x%" PRIx32 " is there, QEMU's device %s", checked->id, checked->name);
}

static uint64_t errors_of_library(void)
{
	struct unit_counts counts;

	state.type->counts(state.unit, &counts);
	return counts.errors;
}

/* A command that one IOMMU refuses and the other accepts. */
static void compare_refusal(struct checker *checker, bool qemu_refuses, bool refuses)
{
	checker_count_checks(checker, NULL, LIVE_ANSWER, 1);
	if (refuses != qemu_refuses)
		checker_disagree(checker, NULL, LIVE_ANSWER, 1, "QEMU %s a command, the library %s", refuses ? "takes" : "refuses",
				 refuses ? "refuses it" : "takes it");
}

/* The status of a request, which QEMU has answered, too. */
static void compare_status(struct checker *checker, const struct capture_request *request, int status)
{
	checker_count_checks(checker, NULL, LIVE_ANSWER, 1);
	if (status != request->status)
		checker_disagree(checker, NULL, LIVE_ANSWER, 1, "QEMU's status is %u, the library's %d", request->status, status);
}

static void operate(struct checker *checker, const struct stream_observation *operation)
{
	struct capture_record record = operation->observation->operation;
	int status;

	if (operation->library)
		record.write = *operation->library;
	status = state.type->operate(state.unit, &record);
	if (record.kind == CAPTURE_REQUEST && record.request.has_status)
		compare_status(checker, &record.request, status);
}

static void count_refresh(struct checker *checker, const struct stream_observation *operation, const struct difference *done, uint64_t library_ns)
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
static void count_operation(struct checker *checker, const struct stream_observation *operation, const struct difference *wrote, uint64_t library_ns)
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
	struct unit_state of = state_of(checked);

	if (checked->said_state == of.reach && checked->said_root == of.root[0])
		return;
	checked->said_state = of.reach;
	checked->said_root = of.root[0];
	checker_say(checker, LIVE_EVENT, "stream 0x%" PRIx32 " (%s) %s", checked->id, checked->name, unit_reach_name(of.reach));
}

void stream_check(struct checker *checker, const struct stream_observation *operation)
{
	const struct observation *observation = operation->observation;
	bool writes = observation->operation.kind != CAPTURE_KICK;
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
		operate(checker, operation);
	library_ns = timing_ns(timing_ticks() - began);
	checker_data_after(checker);
	wrote = accesses_look(checker);
	if (operation->gave_up)
		checker_skip(checker, LIVE_SHADOW, 1);
	if (operation->asked)
		checker_skip(checker, LIVE_SHADOW, operation->streams->stale);
	if (operation->invalids && operation->invalids->commands && observation->operation.kind == CAPTURE_WRITE)
		compare_refusal(checker, operation->qemu_refuses, errors_of_library() != errors);
	fault_ns = accesses_compare(checker, operation->streams, observation);
	count_operation(checker, operation, &wrote, writes ? library_ns : fault_ns);
	for (i = 0; i < checker->count; i++)
		say_state(checker, &checker->list[i]);
}
