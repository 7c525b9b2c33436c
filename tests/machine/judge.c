/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refreshes and creations. The model predicts the result of each. Usually there is one right
 * answer. Where resources are or may be short, the library's state must match its answer.
 */
#include "machine.h"

#include <errno.h>
#include <string.h>

/* The expected result of a refresh of first..last. */
struct outlook {
	uint64_t first, last;
	struct model_found found;
	struct model_list next;		/* the model afterwards, if everything fits */
	uint64_t established, released; /* minimum number of them */
	bool fits;			/* into the pin budget */
};

static void outlook_free(struct outlook *outlook)
{
	model_found_free(&outlook->found);
	model_list_free(&outlook->next);
}

uint64_t judge_charge(struct machine *machine, const struct subject *subject, const struct model_list *list)
{
	const struct model_list *lists[SUBJECTS];

	if (machine->config.pin == VIOMMU_PIN_GUEST || machine->direct)
		return machine_guest_bytes(machine);
	for (unsigned int i = 0; i < SUBJECTS; i++)
		lists[i] = &machine->subject[i] == subject ? list : &machine->subject[i].model;
	return PAGE * model_distinct(&machine->world->memory, lists, SUBJECTS);
}

/*
 * Clears tables with more entries than are to be compared, unless the library's limits apply. False
 * if they still have more.
 */
static bool look_ahead(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, struct outlook *outlook)
{
	const struct model_limits tight = { .entries = 4 * machine->config.refresh_entries, .pages = 2 * machine->config.refresh_entries };

	*outlook = (struct outlook){ .first = first, .last = last };
	for (unsigned int attempt = 0;; attempt++) {
		machine->format->find(&machine->world->memory, &subject->tables, first, last, machine->ample ? &machine->format->ample : &tight,
				      &outlook->found);
		if (!outlook->found.too_large || !machine->ample)
			break;
		model_found_free(&outlook->found);
		if (attempt == 5)
			return false;
		world_wipe(machine->world, attempt % 4);
	}
	model_list_copy(&outlook->next, &subject->model);
	model_apply(&outlook->next, first, last, &outlook->found.list, &outlook->established, &outlook->released);
	outlook->fits =
		machine->config.pin == VIOMMU_PIN_GUEST || machine->direct || judge_charge(machine, subject, &outlook->next) <= machine->config.pin_budget;
	return true;
}

bool judge_need(struct machine *machine, struct subject *subject, uint64_t *bytes)
{
	struct outlook outlook;
	bool small = look_ahead(machine, subject, subject->tables.first, subject->tables.last, &outlook);

	if (small) {
		*bytes = judge_charge(machine, subject, &outlook.next);
		small = !outlook.found.too_large;
		outlook_free(&outlook);
	}
	return small;
}

/* Whether the VM's limits may have been reached. */
static bool is_limited(const struct machine *machine, const struct model_found *found)
{
	/* A frame counts as its pages. */
	uint64_t entries = found->entries + found->unbacked + found->list.count;

	if (machine->ample)
		return found->too_large;
	return found->too_large || entries > machine->config.refresh_entries / 4 || machine_stats(machine).shadow_bytes_peak > machine->config.shadow_bytes / 2;
}

static void check_fault(const struct machine *machine, const struct viommu_fault *fault, const struct model_found *found, bool unknown)
{
	const struct naive_answer *should = &found->fault;

	/* Tables in a slot that a host failed to remove may be read or not. */
	if (found->too_large || unknown || world_leaving(machine->world))
		return;
	if (!found->faulty || fault->iova != found->fault_iova)
		fuzz_wrong("malformed from IOVA %#" PRIx64 ": the tables say %d, from %#" PRIx64, fault->iova, found->faulty, found->fault_iova);
	if (machine->format->loose)
		return;
	if (fault->reason != machine_reason(should->outcome) || fault->entry_gpa != should->entry_gpa || fault->entry != should->entry ||
	    fault->level != should->level || fault->access)
		fuzz_wrong("fault: reason %" PRIu32 " entry %#" PRIx64 " at %#" PRIx64 " level %" PRIu32 ", should be %s, %#" PRIx64 " at %#" PRIx64
			   " level %u",
			   fault->reason, fault->entry, fault->entry_gpa, fault->level, naive_outcome_name(should->outcome), should->entry, should->entry_gpa,
			   should->level);
}

/* Everything fits, so only one answer is right. */
static void judge_full(struct machine *machine, struct subject *subject, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	const struct model_found *found = &outlook->found;

	if (rc != (found->faulty ? -EFAULT : 0))
		fuzz_wrong("returned %d, should be %d, of %" PRIu64 " pages, of which %" PRIu64 " bytes are charged", rc, found->faulty ? -EFAULT : 0,
			   found->list.count, judge_charge(machine, subject, &outlook->next));
	if (!machine->format->loose && (result->established < outlook->established || result->released < outlook->released))
		fuzz_wrong("says %" PRIu64 " established and %" PRIu64 " released, %" PRIu64 " and %" PRIu64 " were due", result->established, result->released,
			   outlook->established, outlook->released);
	fuzz_must(!result->unestablished && (machine->format->loose || result->unbacked == found->unbacked));
	model_list_free(&subject->model);
	subject->model = outlook->next;
	outlook->next = (struct model_list){ .count = 0 };
	machine_seen.exact++;
	machine_seen.exact_fits += machine->config.pin_budget == judge_charge(machine, subject, &subject->model) && found->list.count;
}

/*
 * A page that is in the tables as before is not released, whatever was short. A host with few
 * mappings that does not split may fail to restore what it had to remove together with others.
 */
static void check_kept(const struct machine *machine, const struct subject *subject, const struct outlook *outlook, const struct model_list *list)
{
	if (machine->failing || machine->few || subject->lossy)
		return;
	for (uint64_t i = 0; i < subject->model.count; i++) {
		const struct model_page *old = &subject->model.pages[i];
		struct naive_answer answer;

		if (old->iova < outlook->first || old->iova > outlook->last || model_at(list, old->iova))
			continue;
		answer = machine->format->walk(&machine->world->memory, &subject->tables, old->iova);
		if (answer.outcome == NAIVE_PAGE && answer.gpa == old->gpa && answer.writable == old->writable)
			fuzz_wrong("IOVA %#" PRIx64 " has lost %#" PRIx64 ", which the tables still say", old->iova, old->gpa);
	}
}

/*
 * Each page in the range matches the tables, all other pages are unchanged. Returns the number of
 * missing pages among those that were present and those that the tables name.
 */
static uint64_t adopt(struct machine *machine, struct subject *subject, const struct outlook *outlook)
{
	struct model_list list = { .count = 0 };
	uint64_t missing = outlook->found.list.count;

	for (uint64_t i = 0; i < subject->model.count; i++)
		missing += subject->model.pages[i].iova < outlook->first || subject->model.pages[i].iova > outlook->last;
	machine_look(subject, 0, UINT64_MAX, &list);
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i], *old = model_at(&subject->model, page->iova);
		struct naive_answer answer;

		missing--;
		if (page->iova < outlook->first || page->iova > outlook->last) {
			if (!old || !model_same(old, page))
				fuzz_wrong("IOVA %#" PRIx64 " lies outside the range, and has changed", page->iova);
			continue;
		}
		answer = machine->format->walk(&machine->world->memory, &subject->tables, page->iova);
		if (answer.outcome != NAIVE_PAGE || answer.gpa != page->gpa || answer.writable != page->writable)
			fuzz_wrong("IOVA %#" PRIx64 " is stale: to %#" PRIx64 ", and the tables say %s, %#" PRIx64, page->iova, page->gpa,
				   naive_outcome_name(answer.outcome), answer.gpa);
	}
	check_kept(machine, subject, outlook, &list);
	model_list_free(&subject->model);
	subject->model = list;
	return missing;
}

/* Some of it may not fit, or does not. */
static void judge_short(struct machine *machine, struct subject *subject, struct outlook *outlook, int rc, const struct viommu_refresh_result *result,
			bool limited)
{
	const struct model_found *found = &outlook->found;
	uint64_t missing = adopt(machine, subject, outlook);

	machine_seen.too_large += found->too_large;
	if (world_leaving(machine->world))
		return;
	/*
	 * The order in which limits are used up is not specified. An answer is wrong only if it
	 * claims too much.
	 */
	if (limited || machine->failing) {
		if (rc == 0 ? missing || found->faulty || found->too_large : rc != -ENOSPC && !(rc == -EFAULT && (found->faulty || found->too_large)))
			fuzz_wrong("returned %d, with %" PRIu64 " pages missing", rc, missing);
		return;
	}
	/* The budget may be below the pinned amount. Pages that need no new pin still fit. */
	if (rc != (found->faulty ? -EFAULT : missing ? -ENOSPC : 0) || (!machine->format->loose && result->unestablished != missing))
		fuzz_wrong("returned %d and says %" PRIu64 " unestablished, with %" PRIu64 " pages missing", rc, result->unestablished, missing);
	fuzz_must(machine->format->loose || result->unbacked == found->unbacked);
}

/* The host failed to remove something. Each page is as before, as in the tables, or absent. */
static void judge_failed(struct subject *subject, const struct outlook *outlook)
{
	struct model_list list = { .count = 0 };

	machine_look(subject, 0, UINT64_MAX, &list);
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i];
		const struct model_page *before = model_at(&subject->model, page->iova), *after = model_at(&outlook->next, page->iova);

		if (!(before && model_same(before, page)) && !(after && model_same(after, page)))
			fuzz_wrong("the host failed, and IOVA %#" PRIx64 " has %#" PRIx64 ", which it had not and should not have", page->iova, page->gpa);
	}
	model_list_free(&subject->model);
	subject->model = list;
	subject->lossy = true;
	machine_seen.failed++;
}

/* Judges the answer to a refresh, or to a successful creation, and updates the model. */
static void judge(struct machine *machine, struct subject *subject, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	uint64_t before = subject->model.count;
	bool limited = is_limited(machine, &outlook->found);

	/* Between two sets of tables. */
	if (rc == -ERANGE && machine->format->loose && !outlook->found.entries)
		return;
	machine_seen.refreshes++;
	machine_seen.ok += rc == 0;
	machine_seen.faults += rc == -EFAULT;
	machine_seen.insufficient += rc == -ENOSPC;
	machine_seen.unbacked += outlook->found.unbacked;
	machine_seen.pages += outlook->found.list.count;
	/*
	 * At its limit a refresh examines established pages, whose entries take 8 bytes of the
	 * shadow each.
	 */
	fuzz_must(machine->ample || machine->format->loose || result->entries <= machine->config.refresh_entries + machine->config.shadow_bytes / 8);
	if (rc == -EFAULT)
		check_fault(machine, &result->fault, &outlook->found, limited && machine->format->loose);
	else
		fuzz_must(result->fault.reason == VIOMMU_FAULT_NONE || rc == -EIO);
	if (rc == -EIO) {
		fuzz_must(machine->failing);
		judge_failed(subject, outlook);
		return;
	}
	if (outlook->fits && !limited && machine_is_exact(machine))
		judge_full(machine, subject, outlook, rc, result);
	else
		judge_short(machine, subject, outlook, rc, result, limited);
	if (!machine->failing) {
		fuzz_must(result->steps);
		if (!machine->format->loose && result->established - result->released != subject->model.count - before)
			fuzz_wrong("says %" PRIu64 " established and %" PRIu64 " released, from %" PRIu64 " pages to %" PRIu64, result->established,
				   result->released, before, subject->model.count);
	}
	if (rc == 0 && outlook->first == subject->tables.first && outlook->last == subject->tables.last)
		subject->lossy = false;
}

/*
 * After a fault the guest usually invalidates the malformed entry. Otherwise most refreshes would
 * fail.
 */
static void repair(struct machine *machine, const struct model_found *found)
{
	const struct naive_answer *fault = &found->fault;

	if (!found->faulty || !machine->repairs)
		return;
	if (fault->outcome != NAIVE_TABLE_UNBACKED)
		world_invalidate(machine->world, fault->entry_gpa);
	else if (fault->level < fault->top)
		world_invalidate(machine->world, fault->path[fault->level + 1]);
}

/* The pinned amount exceeds neither the budget nor the amount before. */
static void check_budget(const struct machine *machine, const struct viommu_vm_stats *before)
{
	struct viommu_vm_stats after = machine_stats(machine);
	uint64_t budget = machine->config.pin_budget;

	if (machine->config.pin == VIOMMU_PIN_GUEST || machine->direct)
		return;
	fuzz_must(after.pinned_bytes <= (before->pinned_bytes > budget ? before->pinned_bytes : budget));
	fuzz_must(after.pinned_bytes_peak <= (before->pinned_bytes_peak > budget ? before->pinned_bytes_peak : budget));
}

void judge_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, bool again)
{
	struct viommu_refresh_result result = { 0 };
	struct viommu_vm_stats before = machine_stats(machine);
	uint64_t from = first, to = last;
	struct outlook outlook;
	int rc;

	if (!subject->domain)
		return;
	if (!model_clip(subject->tables.first, subject->tables.last, &from, &to)) {
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		fuzz_must(rc == -ERANGE && !result.established && !result.released);
		return;
	}
	if (!look_ahead(machine, subject, from, to, &outlook)) {
		machine_drop(machine, subject);
		return;
	}
	rc = viommu_domain_refresh(subject->domain, first, last, &result);
	judge(machine, subject, &outlook, rc, &result);
	check_budget(machine, &before);
	if (rc == 0 && again && machine_is_exact(machine)) {
		/* No-op. */
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		fuzz_must(!rc && !result.established && !result.released && !result.unestablished);
	}
	repair(machine, &outlook.found);
	if (outlook.found.too_large && machine->repairs)
		world_wipe(machine->world, (unsigned int)machine->operation % 4);
	outlook_free(&outlook);
}

static void toggle_entry(struct machine *machine, uint64_t gpa)
{
	if (gpa)
		world_store(machine->world, gpa, world_load(machine->world, gpa) ^ machine->format->valid);
}

void judge_failing_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, unsigned int kind, uint64_t toggle)
{
	struct viommu_refresh_result result = { 0 };
	struct outlook outlook;
	int rc;

	toggle_entry(machine, toggle);
	if (!model_clip(subject->tables.first, subject->tables.last, &first, &last) || !look_ahead(machine, subject, first, last, &outlook))
		return;
	mock_fail(machine->mock, kind == 2 ? MOCK_FLUSH : MOCK_UNMAP, 1, true, EIO);
	machine->mock->fail[MOCK_UNMAP].late = kind == 1;
	machine->failing = true;
	rc = viommu_domain_refresh(subject->domain, first, last, &result);
	mock_fail(machine->mock, MOCK_UNMAP, 0, false, 0);
	mock_fail(machine->mock, MOCK_FLUSH, 0, false, 0);
	fuzz_must(rc == -EIO || machine->few || outlook.found.too_large || is_limited(machine, &outlook.found) || !outlook.released);
	judge(machine, subject, &outlook, rc, &result);
	toggle_entry(machine, toggle);
	outlook_free(&outlook);
}

bool judge_create(struct machine *machine, struct subject *subject, bool valid)
{
	struct viommu_refresh_result result = { 0 };
	struct viommu_vm_stats before = machine_stats(machine), after;
	struct outlook outlook = { .first = 0 };
	int rc;

	if (valid && !look_ahead(machine, subject, subject->tables.first, subject->tables.last, &outlook))
		return false;
	rc = machine->format->create(machine, &subject->tables, &result, &subject->domain);
	after = machine_stats(machine);
	if (rc) {
		subject->domain = NULL;
		/* A failed creation leaks nothing. */
		fuzz_must(after.pinned_bytes == before.pinned_bytes && after.shadow_bytes == before.shadow_bytes && after.domains == before.domains);
		if (machine->failing)
			fuzz_must(rc == -EIO || rc == -ENOMEM || rc == -ENOSPC || (rc == -EINVAL && !valid));
		else if (!valid)
			fuzz_must(rc == -EINVAL);
		else if (is_limited(machine, &outlook.found))
			fuzz_must(rc == -ENOSPC || rc == -ENOMEM);
		else
			fuzz_must(rc == -ENOSPC && (!outlook.fits || machine->few || machine->format->loose));
		machine_seen.insufficient += rc == -ENOSPC;
	} else {
		fuzz_must(valid && subject->domain);
		subject->space = machine->mock ? mock_newest(machine->mock) : NULL;
		subject->lossy = false;
		/* Malformed tables do not prevent a registration. */
		judge(machine, subject, &outlook, result.fault.reason == VIOMMU_FAULT_NONE ? 0 : -EFAULT, &result);
		check_budget(machine, &before);
	}
	if (valid)
		repair(machine, &outlook.found);
	outlook_free(&outlook);
	return !rc;
}
