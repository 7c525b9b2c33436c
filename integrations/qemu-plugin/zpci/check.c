/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * - Operations are done when QEMU has carried them out, and before the vCPU continues.
 * - A function that appears, or comes back under a handle that CLP did not give it, is plugged; the
 *   former one is unplugged.
 *
 * The library does not learn that QEMU has put a function into its error state because of a
 * device's access. The guest's answer to that, a reset of the error and a registration, works in
 * any state.
 */
#include "zpci/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest/zpci/decode.h"
#include "timing.h"

static struct zpci_checker state;

static void library_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct checker *checker = ctx;

	live_add(&checker->board->numbers.errors, 1);
	if (state.current && state.current->checked)
		live_add(&state.current->checked->numbers->errors, 1);
	checker_say(checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 ": error event 0x%02" PRIx32 " at IOVA 0x%" PRIx64, event->fh, event->fid,
		    event->pec, event->faddr);
}

static int create(struct checker *checker)
{
	struct viommu_zpci_config config = { .size = sizeof(config), .event = library_event, .ctx = checker };
	struct live_numbers *numbers = &checker->board->numbers;

	live_set(&numbers->available[LIVE_WALKER], s390_guest_io_table_walk != NULL);
	live_set(&numbers->available[LIVE_SHADOW], qemu_has(QEMU_DEVICES | QEMU_ZPCI));
	return viommu_zpci_create(checker->vm, &config, &state.zpci);
}

static int each_run(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return viommu_zpci_function_each_run(device, first, last, fn, ctx);
}

static void get_stats(void *device, struct viommu_domain_stats *stats)
{
	viommu_zpci_function_stats(device, stats);
}

static void put_operation(struct report_line *line, const struct capture_record *operation)
{
	if (operation->kind == CAPTURE_RPCIT)
		report_put(line, "rpcit 0x%" PRIx64 "+0x%" PRIx64, operation->rpcit.start, operation->rpcit.bytes);
	else if (operation->kind == CAPTURE_MPCIFC)
		report_put(line, "mpcifc oc %u dmaas %u pba 0x%" PRIx64 " pal 0x%" PRIx64 " iota 0x%" PRIx64, operation->mpcifc.oc, operation->mpcifc.dmaas,
			   operation->mpcifc.pba, operation->mpcifc.pal, operation->mpcifc.iota);
	else
		report_put(line, "clp %s to 0x%08" PRIx32, operation->clp.op == CAPTURE_CLP_ENABLE ? "enable" : "disable", operation->clp.to);
}

static void put_device(struct report_line *line, const struct capture_record *operation, const struct checked *checked)
{
	report_put(line, " of function 0x%08" PRIx32, capture_handle(operation));
	if (checked)
		report_put(line, " fid 0x%" PRIx32, checked->id);
}

const struct check_ops zpci_check_ops = {
	.iommu = LIVE_ZPCI,
	.device = "function with fid",
	.create = create,
	.each_run = each_run,
	.stats = get_stats,
	.put_operation = put_operation,
	.put_device = put_device,
};

void zpci_check_start(struct observer *observer)
{
	state.checker = &observer->checker;
}

static struct checked *find(uint32_t fh)
{
	struct viommu_zpci_function *function = viommu_zpci_find(state.zpci, fh);
	size_t i;

	for (i = 0; function && i < state.checker->count; i++) {
		if (state.checker->list[i].device == function)
			return &state.checker->list[i];
	}
	return NULL;
}

static enum live_function_state state_of(uint32_t zpci_state)
{
	switch (zpci_state) {
	case VIOMMU_ZPCI_ENABLED:
		return LIVE_FUNCTION_ENABLED;
	case VIOMMU_ZPCI_BLOCKED:
	case VIOMMU_ZPCI_ERROR:
	case VIOMMU_ZPCI_PERMANENT_ERROR:
		return LIVE_FUNCTION_ERROR;
	default:
		return LIVE_FUNCTION_DISABLED;
	}
}

static void count_function(struct checked *checked)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct checked_state now = { .state = LIVE_FUNCTION_UNPLUGGED, .fh = live_get(&checked->numbers->fh) };

	checked->stats = (struct viommu_domain_stats){ .size = sizeof(checked->stats) };
	if (checked->device) {
		viommu_zpci_function_info(checked->device, &info);
		get_stats(checked->device, &checked->stats);
		now = (struct checked_state){
			.state = state_of(info.state),
			.registered = info.registered,
			.direct = info.direct,
			.fh = info.fh,
			.pba = info.pba,
			.pal = info.pal,
			.iota = info.iota,
			/* A segment table stands above page tables: two levels. */
			.levels = info.registered && !info.direct ? zpci_iota_designation(info.iota) + 2u : 0,
		};
	}
	checker_put_state(checked, &now);
	checker_count_memory(state.checker);
}

static void unplug(struct checked *checked)
{
	viommu_zpci_function_remove(checked->device);
	checked->device = NULL;
	checker_say(state.checker, LIVE_EVENT, "function with fid 0x%" PRIx32 " is unplugged", checked->id);
	count_function(checked);
}

static int is_zpci(struct qemu_object *child, void *ctx)
{
	struct checked *checked = ctx;
	char *target;

	if (!object_dynamic_cast(child, "zpci") || object_property_get_uint(child, "fid", NULL) != checked->id)
		return 0;
	target = object_property_get_str(child, "target", NULL);
	if (target)
		checker_name_device(checked, target);
	g_free(target);
	return 1;
}

/* In QEMU a function is a pair: the device, and a "zpci" device that has its FID and its name. */
static void name_function(struct checked *checked, uint32_t fh)
{
	const struct arguments *arguments = state.checker->arguments;
	size_t i;

	for (i = 0; i < arguments->device_count; i++) {
		if (arguments->devices[i].number == fh || arguments->devices[i].number == checked->id) {
			checker_name_device(checked, arguments->devices[i].id);
			return;
		}
	}
	if (live_get(&state.checker->board->numbers.available[LIVE_SHADOW]))
		object_child_foreach_recursive(object_get_root(), is_zpci, checked);
}

void zpci_check_function(const struct capture_function *found, const uint32_t *unplugged)
{
	struct checker *checker = state.checker;
	struct viommu_zpci_function_config config = {
		.size = sizeof(config),
		.fid = found->fid,
		.fh = found->fh,
		.state = (uint32_t)found->state,
		.sdma = found->sdma,
		.edma = found->edma,
		.msia = found->msia,
		.dtsm = found->dtsm,
		.pft = found->pft,
		.no_refresh = found->no_refresh,
		.relaxed = found->relaxed,
		.host = checker->host,
	};
	struct viommu_zpci_function *function;
	struct checked *checked;
	int error;

	if (!checker->ready)
		return;
	checked = unplugged ? find(*unplugged) : NULL;
	if (checked)
		unplug(checked);
	checked = checker_device(checker, found->fid);
	if (!checked)
		return;
	if (checked->device)
		unplug(checked);
	error = viommu_zpci_function_add(state.zpci, &config, &function);
	if (error) {
		checker_say(checker, LIVE_NOTE, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is not checked: %s", found->fh, found->fid, strerror(-error));
		return;
	}
	checked->device = function;
	name_function(checked, found->fh);
	live_add(&checked->numbers->pluggings, 1);
	checker_say(checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is plugged, QEMU's device %s", found->fh, found->fid,
		    checked->name[0] ? checked->name : "is not known");
	count_function(checked);
}

void zpci_check_skip(void)
{
	if (state.checker->ready)
		checker_skip(state.checker, LIVE_ANSWER, 1);
}

static void put_answer(char *text, size_t bytes, bool exception, unsigned int code, unsigned int cc, unsigned int status)
{
	if (exception)
		snprintf(text, bytes, "exception 0x%04x", code);
	else if (cc == 1)
		snprintf(text, bytes, "cc 1 status %u", status);
	else
		snprintf(text, bytes, "cc %u", cc);
}

static void compare_answer(struct check *check, const struct capture_answer *machine)
{
	const struct viommu_zpci_answer *answer = &check->answer;
	char qemu[32], library[32];

	if (check->error) {
		checker_skip(state.checker, LIVE_ANSWER, 1);
		return;
	}
	checker_count_checks(state.checker, check->checked, LIVE_ANSWER, 1);
	put_answer(qemu, sizeof(qemu), machine->kind == CAPTURE_ANSWER_EXCEPTION, machine->exception, machine->cc, machine->status);
	put_answer(library, sizeof(library), answer->exception, answer->exception, answer->cc, answer->status);
	if (strcmp(qemu, library))
		checker_disagree(state.checker, check->checked, LIVE_ANSWER, 1, "QEMU answers %s, the library %s%s", qemu, library,
				 zpci_path(&state, check, answer->refresh.fault.reason ? answer->refresh.fault.iova : check->operation->range.first).text);
}

/* CLP Set PCI Function has succeeded. */
static void follow_clp(struct check *check)
{
	const struct capture_clp *clp = &check->operation->record.clp;
	bool enables = clp->op == CAPTURE_CLP_ENABLE;
	int error;

	check->checked = find(clp->fh);
	if (!check->checked)
		return;
	error = enables ? viommu_zpci_enable_as(check->checked->device, clp->to) : viommu_zpci_disable_as(check->checked->device, clp->to);
	checker_count_checks(state.checker, check->checked, LIVE_ANSWER, 1);
	if (error)
		checker_disagree(state.checker, check->checked, LIVE_ANSWER, 1, "QEMU has done it, the library says: %s", strerror(-error));
	if (enables)
		live_add(&check->checked->numbers->enablings, 1);
	checker_say(state.checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is %s, now 0x%08" PRIx32, clp->fh, check->checked->id,
		    enables ? "enabled" : "disabled", clp->to);
}

static void count_refresh(const struct check *check, const struct observation *observation)
{
	struct live_numbers *numbers = &state.checker->board->numbers;
	struct live_function *function = check->checked->numbers;
	const struct viommu_refresh_result *result = &check->answer.refresh;

	live_add(&numbers->established, result->established);
	live_add(&numbers->released, result->released);
	live_add(&function->established, result->established);
	live_add(&function->released, result->released);
	if (check->operation->record.kind != CAPTURE_RPCIT) {
		live_add(&function->registrations, 1);
		return;
	}
	live_add(&numbers->refreshes[check->kind], 1);
	live_add(&function->refreshes[check->kind], 1);
	if (!check->walker_timed)
		return;
	live_histogram_add(&numbers->times[check->kind][LIVE_LIBRARY], check->library_ns);
	live_histogram_add(&numbers->times[check->kind][LIVE_QEMU_WALKER], check->walker_ns);
	live_histogram_add(&numbers->times[check->kind][LIVE_QEMU_WHOLE], observation->qemu_ns);
	live_histogram_add(&numbers->overhead, check->overhead_ns);
}

static void count_operation(const struct check *check, const struct observation *observation)
{
	struct live_numbers *numbers = &state.checker->board->numbers;
	const struct capture_answer *machine = &observation->operation.answer;
	bool succeeded = machine->kind == CAPTURE_ANSWER_CC && machine->cc == 0;

	live_set(&numbers->updated, timing_now());
	live_add(&numbers->watch_ns, observation->watch_ns);
	if (check->operation->record.kind == CAPTURE_RPCIT) {
		live_add(&numbers->rpcits, 1);
		live_add(&numbers->rpcits_done, succeeded);
	} else if (check->operation->record.kind == CAPTURE_MPCIFC) {
		live_add(&numbers->mpcifcs, 1);
	} else {
		live_add(&numbers->clps, 1);
	}
	if (machine->kind == CAPTURE_ANSWER_CC && machine->cc == 1 && machine->has_status && machine->status == VIOMMU_ZPCI_ST_INSUF_RES) {
		live_add(&numbers->insufficient, 1);
		if (check->checked)
			live_add(&check->checked->numbers->insufficient, 1);
	}
	if (check->refreshed && succeeded)
		count_refresh(check, observation);
	if (check->checked)
		count_function(check->checked);
}

void zpci_check(struct operation *operation, const struct observation *observation, bool alone)
{
	const struct capture_answer *answer = &observation->operation.answer;
	struct check check = { .operation = operation };

	if (!state.checker->ready)
		return;
	checker_begin_operation(state.checker, &observation->operation);
	state.current = &check;
	if (observation->operation.kind == CAPTURE_CLP) {
		follow_clp(&check);
	} else {
		check.checked = find(capture_handle(&observation->operation));
		zpci_refresh(&state, &check, operation);
		compare_answer(&check, answer);
		if (check.refreshed && answer->kind == CAPTURE_ANSWER_CC && !answer->cc)
			zpci_compare_shadow(&state, &check, alone);
	}
	state.current = NULL;
	count_operation(&check, observation);
}
