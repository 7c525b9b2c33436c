/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker: a VM of the library's beside QEMU's, in the same process and over the same guest memory, that does what the guest does.
 *
 *  - An RPCIT or MPCIFC is done when the guest is about to execute it; the answer is compared when the guest has gone on.
 *  - What CLP has made of a function (enabled, disabled, a new handle) is known only when it has ended, and is done then.
 *  - A function that appears, or comes back under a handle that nobody gave it, is plugged; what was there before is unplugged.
 * All with the observer's lock held, so that nothing here needs a lock of its own.
 *
 * What the library cannot know is that QEMU has put a function into its error state because of a device's access. The guest's answer to that, a reset of the
 * error and a registration, works from any state.
 */
#include "checker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker_state.h"
#include "report.h"

static struct checker *checker_of(struct watcher *watcher)
{
	return (struct checker *)(void *)watcher;
}

static void give_up(struct checker *checker, const char *what, int error)
{
	check_say(checker, LIVE_NOTE, "nothing is checked any more: %s: %s", what, strerror(-error));
	live_set(&checker->board->numbers.checking, 0);
	checker->off = true;
}

static void library_event(void *ctx, const struct viommu_zpci_event *event)
{
	struct checker *checker = ctx;
	const struct check *check = checker->current;

	live_add(&checker->board->numbers.errors, 1);
	if (check && check->function)
		live_add(&check->function->numbers->errors, 1);
	check_say(checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 ": error event 0x%02" PRIx32 " at IOVA 0x%" PRIx64, event->fh, event->fid,
		  event->pec, event->faddr);
}

static int make_machine(struct checker *checker)
{
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	struct viommu_zpci_config zpci = { .size = sizeof(zpci), .event = library_event, .ctx = checker };
	int error = viommu_host_soft_create(&checker->host);

	if (!error)
		error = viommu_vm_create(&vm, &checker->vm);
	if (!error)
		error = viommu_zpci_create(checker->vm, &zpci, &checker->zpci);
	return error;
}

/* Guest memory as QEMU has it mapped: what the library reads is what the guest has. */
static void found_memory(struct watcher *watcher, const struct guest_ram *ram)
{
	struct checker *checker = checker_of(watcher);
	struct live_numbers *numbers = &checker->board->numbers;
	struct viommu_slot slot = {
		.size = sizeof(slot),
		.prot = VIOMMU_RW,
		.bytes = ram->bytes,
		/* The library only reads the tables in it. */
		.hva = (void *)(uintptr_t)ram->host,
		.fd = -1,
	};
	int error = make_machine(checker);

	checker->ram = *ram;
	live_set(&numbers->guest_bytes, ram->bytes);
	live_set(&numbers->guest, LIVE_GUEST_RUNNING);
	if (!error)
		error = viommu_slot_add(checker->vm, &slot);
	if (error) {
		give_up(checker, "the library's VM cannot be made", error);
		return;
	}
	live_set(&numbers->available[LIVE_WALKER], walker_find(&checker->walker));
	live_set(&numbers->available[LIVE_ANSWER], 1);
	live_set(&numbers->available[LIVE_SHADOW], checker->shadow.usable);
	live_set(&numbers->available[LIVE_DATA], checker->arguments->numbered_count != 0);
	live_set(&numbers->checking, 1);
}

static struct checked_function *find(struct checker *checker, uint32_t fh)
{
	struct viommu_zpci_function *function = viommu_zpci_find(checker->zpci, fh);
	size_t i;

	for (i = 0; function && i < checker->function_count; i++) {
		if (checker->functions[i].function == function)
			return &checker->functions[i];
	}
	return NULL;
}

/* The entry of a FID, a new one if there is none; NULL if there are too many. */
static struct checked_function *entry_of(struct checker *checker, uint32_t fid)
{
	struct checked_function *entry;
	size_t i;

	for (i = 0; i < checker->function_count; i++) {
		if (checker->functions[i].fid == fid)
			return &checker->functions[i];
	}
	if (checker->function_count == FUNCTION_MAX)
		return NULL;
	entry = &checker->functions[checker->function_count];
	*entry = (struct checked_function){
		.fid = fid,
		.numbers = checker->function_count < LIVE_FUNCTIONS ? &checker->board->numbers.functions[checker->function_count] : &checker->beyond,
		.numbered = { .first = checker->arguments->numbered_first, .count = checker->arguments->numbered_count },
	};
	checker->function_count++;
	return entry;
}

static void unplug(struct checker *checker, struct checked_function *entry)
{
	viommu_zpci_function_remove(entry->function);
	entry->function = NULL;
	check_say(checker, LIVE_EVENT, "function with fid 0x%" PRIx32 " is unplugged", entry->fid);
	check_count_function(checker, entry);
}

static void put_name(struct live_function *numbers, const char *name)
{
	uint64_t words[LIVE_FUNCTION_NAME / 8] = { 0 };
	size_t i;

	memcpy(words, name, strnlen(name, sizeof(words) - 1));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		live_set((uint64_t *)(void *)numbers->name + i, words[i]);
}

static void found_function(struct watcher *watcher, const struct capture_function *found, const uint32_t *unplugged)
{
	struct checker *checker = checker_of(watcher);
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
	struct checked_function *entry;
	int error;

	if (checker->off)
		return;
	entry = unplugged ? find(checker, *unplugged) : NULL;
	if (entry)
		unplug(checker, entry);
	entry = entry_of(checker, found->fid);
	if (!entry)
		return;
	if (entry->function)
		unplug(checker, entry);
	error = viommu_zpci_function_add(checker->zpci, &config, &entry->function);
	if (error) {
		entry->function = NULL;
		check_say(checker, LIVE_NOTE, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is not checked: %s", found->fh, found->fid, strerror(-error));
		return;
	}
	entry->device = shadow_oracle_device(&checker->shadow, found->fh, found->fid);
	if (entry->device)
		put_name(entry->numbers, entry->device);
	live_add(&entry->numbers->pluggings, 1);
	check_say(checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is plugged, QEMU's device %s", found->fh, found->fid,
		  entry->device ? entry->device : "is not known");
	check_count_function(checker, entry);
}

static void *begin(struct watcher *watcher, const struct capture_record *operation)
{
	struct checker *checker = checker_of(watcher);
	struct check *check;

	if (checker->off)
		return NULL;
	check = calloc(1, sizeof(*check));
	if (!check)
		return NULL;
	check->operation = *operation;
	check->function = find(checker, capture_handle(operation));
	checker->current = check;
	check_carry_out(checker, check);
	checker->current = NULL;
	return check;
}

static void discard(struct check *check)
{
	if (check)
		free(check->walked.list);
	free(check);
}

static void forget(struct watcher *watcher, void *begun)
{
	live_add(&checker_of(watcher)->board->numbers.skipped[LIVE_ANSWER], 1);
	discard(begun);
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

static void compare_answer(struct checker *checker, const struct check *check, const struct capture_answer *machine)
{
	const struct viommu_zpci_answer *answer = &check->answer;
	char qemu[32], library[32];

	if (check->error || machine->kind == CAPTURE_ANSWER_NONE) {
		live_add(&checker->board->numbers.skipped[LIVE_ANSWER], 1);
		return;
	}
	check_count_checks(checker, check, LIVE_ANSWER, 1);
	put_answer(qemu, sizeof(qemu), machine->kind == CAPTURE_ANSWER_EXCEPTION, machine->exception, machine->cc, machine->status);
	put_answer(library, sizeof(library), answer->exception, answer->exception, answer->cc, answer->status);
	if (strcmp(qemu, library))
		check_disagree_at(checker, check, LIVE_ANSWER, 1, answer->refresh.fault.reason ? answer->refresh.fault.iova : check->first,
				  "QEMU answers %s, the library %s", qemu, library);
}

/* CLP Set PCI Function has succeeded. */
static void follow_clp(struct checker *checker, struct check *check)
{
	const struct capture_clp *clp = &check->operation.clp;
	bool enables = clp->op == CAPTURE_CLP_ENABLE;
	int error;

	check->function = find(checker, clp->fh);
	if (!check->function)
		return;
	error = enables ? viommu_zpci_enable_as(check->function->function, clp->to) : viommu_zpci_disable_as(check->function->function, clp->to);
	check_count_checks(checker, check, LIVE_ANSWER, 1);
	if (error)
		check_disagree(checker, check, LIVE_ANSWER, 1, "QEMU has done it, the library says: %s", strerror(-error));
	if (enables)
		live_add(&check->function->numbers->enablings, 1);
	check_say(checker, LIVE_EVENT, "function 0x%08" PRIx32 " fid 0x%" PRIx32 " is %s, now 0x%08" PRIx32, clp->fh, check->function->fid,
		  enables ? "enabled" : "disabled", clp->to);
}

static void operation(struct watcher *watcher, const struct observation *observation, void *begun)
{
	struct checker *checker = checker_of(watcher);
	struct check clp = { .operation = observation->operation };
	struct check *check = begun ? begun : &clp;
	const struct capture_answer *answer = &observation->operation.answer;

	if (checker->off || (!begun && observation->operation.kind != CAPTURE_CLP)) {
		discard(begun);
		return;
	}
	check->operation = observation->operation;
	if (check->function && !check->function->function)
		check->function = NULL;
	if (!begun)
		follow_clp(checker, check);
	else
		compare_answer(checker, check, answer);
	if (check->function && check->translated && answer->kind == CAPTURE_ANSWER_CC && !answer->cc)
		check_shadow(checker, check, observation);
	check_count_operation(checker, check, observation);
	discard(begun);
}

static bool lock_machine(struct watcher *watcher)
{
	return shadow_oracle_lock(&checker_of(watcher)->shadow);
}

static void unlock_machine(struct watcher *watcher)
{
	shadow_oracle_unlock(&checker_of(watcher)->shadow);
}

static void take_note(struct watcher *watcher, const char *text)
{
	check_say(checker_of(watcher), LIVE_NOTE, "%s", text);
}

/* A numbered disk must have been read to its end by at least one function, and by each that has begun. */
static void finish_numbered(struct checker *checker)
{
	struct live_numbers *numbers = &checker->board->numbers;
	struct checked_function *begun = NULL;
	size_t i;

	if (!checker->arguments->numbered_count)
		return;
	for (i = 0; i < checker->function_count; i++) {
		struct checked_function *function = &checker->functions[i];
		uint64_t missing = numbered_missing(&function->numbered);

		if (!function->numbered.seen && !function->numbered.next)
			continue;
		begun = function;
		if (!missing)
			continue;
		live_add(&numbers->disagreements[LIVE_DATA], missing);
		live_add(&function->numbers->disagreements, missing);
		check_say(checker, LIVE_DISAGREEMENT,
			  "data: function with fid 0x%" PRIx32 ": the last %" PRIu64 " blocks of the disk were never found in a released page", function->fid,
			  missing);
	}
	if (begun)
		return;
	live_add(&numbers->disagreements[LIVE_DATA], checker->arguments->numbered_count);
	check_say(checker, LIVE_DISAGREEMENT, "data: none of the %" PRIu64 " blocks of the disk was found in a released page",
		  checker->arguments->numbered_count);
}

static void end(struct watcher *watcher)
{
	struct checker *checker = checker_of(watcher);

	finish_numbered(checker);
	report_end(checker->board, checker->arguments);
	checker->off = true;
}

struct watcher *checker_create(const struct arguments *arguments)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	if (!checker) {
		arguments_complain("out of memory", "");
		return NULL;
	}
	checker->arguments = arguments;
	checker->board = report_open(arguments);
	if (!checker->board) {
		free(checker);
		return NULL;
	}
	checker->watcher = (struct watcher){
		.memory = found_memory,
		.function = found_function,
		.begin = begin,
		.forget = forget,
		.operation = operation,
		.lock_machine = lock_machine,
		.unlock_machine = unlock_machine,
		.note = take_note,
		.end = end,
	};
	shadow_oracle_find(&checker->shadow, arguments);
	live_set(&checker->board->numbers.blocks_expected, arguments->numbered_count);
	return &checker->watcher;
}
