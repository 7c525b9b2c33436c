/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refreshes and creations. Before each one the model is asked what it must come to: from that, either there is but one right answer, or, where resources are
 * or may be short, what the library did is looked at, and must go together with what it says.
 */
#include "trial.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* More than this the model does not look for. With limits, the library must have given up before that. */
static const struct model_limits ample_limits = { 400000, 12000 };
static const struct model_limits short_limits = { 400000, 150000 };

/* What a refresh of first..last must come to. */
struct outlook {
	uint64_t first, last;
	struct model_found found;
	struct model_domain next;	/* the model afterwards, if everything fits */
	uint64_t established, released; /* at the least, then */
	bool fits;			/* into the pin budget */
};

static void outlook_free(struct outlook *outlook)
{
	model_found_free(&outlook->found);
	model_list_free(&outlook->next.list);
}

/* Tables that name more than the test is to look at are wiped, but where the library has limits of its own. False if that does not help. */
static bool look_ahead(struct trial *trial, unsigned int s, uint64_t first, uint64_t last, struct outlook *outlook)
{
	const struct model_domain *model = &trial->subject[s].model;
	const struct model_limits *limits = trial->mode->limits ? &short_limits : &ample_limits;

	memset(outlook, 0, sizeof(*outlook));
	outlook->first = first;
	outlook->last = last;
	for (unsigned int attempt = 0;; attempt++) {
		model_find(&trial->world.memory, &model->tables, first, last, limits, &outlook->found);
		if (!outlook->found.too_large || (trial->mode->limits && outlook->found.entries > limits->entries))
			break;
		model_found_free(&outlook->found);
		if (attempt == 30)
			return false;
		world_wipe(&trial->world);
	}
	outlook->next.tables = model->tables;
	for (uint64_t i = 0; i < model->list.count; i++)
		model_list_add(&outlook->next.list, model->list.pages[i]);
	model_apply(&outlook->next, first, last, &outlook->found.list, &outlook->established, &outlook->released);
	outlook->fits = trial->mode->pin == VIOMMU_PIN_GUEST || trial_charge(trial, s, &outlook->next.list) <= trial->budget;
	return true;
}

static void check_fault(struct trial *trial, const struct viommu_fault *fault, const struct model_found *found)
{
	const struct naive_answer *should = &found->fault;

	if (fault->reason != trial_reason_of(should->outcome) || fault->iova != found->fault_iova || fault->entry_gpa != should->entry_gpa ||
	    fault->entry != should->entry || fault->level != should->level || fault->access)
		trial_disagree(trial,
			       "fault: reason %" PRIu32 " IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %" PRIu32 ", should be %s (%" PRIu32
			       ") IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %u",
			       fault->reason, fault->iova, fault->entry, fault->entry_gpa, fault->level, naive_outcome_name(should->outcome),
			       trial_reason_of(should->outcome), found->fault_iova, should->entry, should->entry_gpa, should->level);
}

static uint64_t pages_in(const struct model_list *list, uint64_t first, uint64_t last)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < list->count; i++)
		count += list->pages[i].iova >= first && list->pages[i].iova <= last;
	return count;
}

/* Everything fits, so that there is no choice. */
static void judge_full(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	struct model_domain *model = &trial->subject[s].model;
	const struct model_found *found = &outlook->found;

	if (rc != (found->faulty ? -EFAULT : 0))
		trial_disagree(trial, "returned %d, should be %d (%" PRIu64 " pages in range, needs %" PRIu64 " of %" PRIu64 " bytes)", rc,
			       found->faulty ? -EFAULT : 0, found->list.count, trial_charge(trial, s, &outlook->next.list), trial->budget);
	if (result->unestablished)
		trial_disagree(trial, "%" PRIu64 " pages unestablished, although all fit", result->unestablished);
	if (result->established < outlook->established || result->released < outlook->released)
		trial_disagree(trial, "says %" PRIu64 " established and %" PRIu64 " released, where %" PRIu64 " and %" PRIu64 " were due", result->established,
			       result->released, outlook->established, outlook->released);
	if (result->unbacked != found->unbacked)
		trial_disagree(trial, "says %" PRIu64 " unbacked, should be %" PRIu64, result->unbacked, found->unbacked);
	model_list_free(&model->list);
	model->list = outlook->next.list;
	outlook->next.list = (struct model_list){ 0 };
	trial_seen.exact_fits += trial->budget == trial_charge(trial, s, &model->list) && found->list.count;
}

/* It need not fit, or does not: what is there is looked at, and the answer must be one that goes with it. */
static void judge_short(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	const struct model_found *found = &outlook->found;
	uint64_t gone = trial_adopt(trial, s, outlook->first, outlook->last);
	uint64_t missing = gone + found->list.count - pages_in(&trial->subject[s].model.list, outlook->first, outlook->last);

	trial_seen.too_large += found->too_large;
	if (trial->mode->limits) {
		/* How much of the limits is used is the library's matter; an answer is wrong only if it says too much. */
		if (rc == 0 ? missing || found->faulty || found->too_large : rc != -ENOSPC && !(rc == -EFAULT && found->faulty))
			trial_disagree(trial, "returned %d with %" PRIu64 " pages missing", rc, missing);
		return;
	}
	/* A budget may be less than what is pinned already, and then what needs no new pin still fits. */
	if (rc != (found->faulty ? -EFAULT : missing ? -ENOSPC : 0) || result->unestablished != missing)
		trial_disagree(trial, "returned %d and says %" PRIu64 " unestablished, with %" PRIu64 " pages missing (needs %" PRIu64 " of %" PRIu64 " bytes)",
			       rc, result->unestablished, missing, trial_charge(trial, s, &outlook->next.list), trial->budget);
	if (result->unbacked != found->unbacked)
		trial_disagree(trial, "says %" PRIu64 " unbacked, should be %" PRIu64, result->unbacked, found->unbacked);
}

/* Was the answer to a refresh, or to a creation that made a domain, the right one? Then the model follows. */
static void judge(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	struct model_list before = { 0 };
	uint64_t after;

	for (uint64_t i = 0; i < trial->subject[s].model.list.count; i++)
		model_list_add(&before, trial->subject[s].model.list.pages[i]);
	trial_seen.refreshes++;
	trial_seen.ok += rc == 0;
	trial_seen.faults += rc == -EFAULT;
	trial_seen.insufficient += rc == -ENOSPC;
	trial_seen.unbacked += outlook->found.unbacked;
	trial_seen.pages += outlook->found.list.count;
	if (result->steps == 0)
		trial_disagree(trial, "a refresh without a step");
	if (rc == -EFAULT)
		check_fault(trial, &result->fault, &outlook->found);
	else if (result->fault.reason != VIOMMU_FAULT_NONE)
		trial_disagree(trial, "returned %d with a fault of reason %" PRIu32, rc, result->fault.reason);
	if (outlook->fits && !trial->mode->limits && !trial->mode->entries)
		judge_full(trial, s, outlook, rc, result);
	else
		judge_short(trial, s, outlook, rc, result);
	after = trial->subject[s].model.list.count;
	if (result->established - result->released != after - before.count)
		trial_disagree(trial, "says %" PRIu64 " established and %" PRIu64 " released, from %" PRIu64 " pages to %" PRIu64, result->established,
			       result->released, before.count, after);
	trial_probe_lists(trial, s, &before);
	model_list_free(&before);
	trial->stale = true;
}

/* Was there a reason to refuse a domain? */
static void judge_refusal(struct trial *trial, const struct outlook *outlook, int rc)
{
	trial_seen.insufficient += rc == -ENOSPC;
	if (trial->mode->limits && (rc == -ENOSPC || rc == -ENOMEM))
		return;
	if (rc != -ENOSPC || (outlook->fits && !trial->mode->entries))
		trial_disagree(trial, "returned %d, needs %" PRIu64 " of %" PRIu64 " bytes", rc, trial_charge(trial, SUBJECTS, NULL), trial->budget);
}

/* After a fault, the guest mostly mends what was malformed, or there would be little else. */
static void mend(struct trial *trial, const struct model_found *found)
{
	const struct naive_answer *fault = &found->fault;

	if (!found->faulty || world_chance(&trial->world, 20))
		return;
	if (fault->outcome != NAIVE_TABLE_UNBACKED)
		world_invalidate(&trial->world, fault->entry_gpa);
	else if (fault->level < fault->top)
		world_invalidate(&trial->world, fault->path[fault->level + 1]);
}

void trial_forget(struct trial *trial, unsigned int s)
{
	struct subject *subject = &trial->subject[s];

	if (subject->domain) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };

		viommu_domain_stats(subject->domain, &stats);
		trial_seen.tracked += stats.tracked;
	}
	viommu_domain_destroy(subject->domain);
	subject->domain = NULL;
	model_list_free(&subject->model.list);
	for (unsigned int u = 0; u < UNITS; u++)
		if (trial->unit[u].at == (int)s)
			trial->unit[u].at = -1;
	trial->stale = true;
}

void trial_refresh(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
{
	struct subject *subject = &trial->subject[s];
	struct viommu_refresh_result result = { .size = sizeof(result) };
	uint64_t from = first, to = last;
	struct viommu_vm_stats before = trial_vm_stats(trial), after;
	struct outlook outlook;
	int rc;

	trial_doing(trial, "refresh domain %u, %#" PRIx64 " to %#" PRIx64, s, first, last);
	if (!model_clip(&subject->model.tables, &from, &to)) {
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		if (rc != -ERANGE || result.established || result.released)
			trial_disagree(trial, "returned %d, should be -ERANGE", rc);
		return;
	}
	if (!look_ahead(trial, s, from, to, &outlook)) {
		trial_forget(trial, s);
		return;
	}
	rc = viommu_domain_refresh(subject->domain, first, last, &result);
	judge(trial, s, &outlook, rc, &result);
	after = trial_vm_stats(trial);
	if (trial->mode->pin == VIOMMU_PIN_ON_REFRESH &&
	    (after.pinned_bytes > (before.pinned_bytes > trial->budget ? before.pinned_bytes : trial->budget) ||
	     after.pinned_bytes_peak > (before.pinned_bytes_peak > trial->budget ? before.pinned_bytes_peak : trial->budget)))
		trial_disagree(trial, "%" PRIu64 " bytes are pinned, %" PRIu64 " were at a time, with a budget of %" PRIu64, after.pinned_bytes,
			       after.pinned_bytes_peak, trial->budget);

	if (rc == 0 && world_chance(&trial->world, 20)) {
		/* Again: nothing is to be done. */
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		if (rc || result.established || result.released || result.unestablished)
			trial_disagree(trial, "again: returned %d, %" PRIu64 " established, %" PRIu64 " released", rc, result.established, result.released);
	}
	mend(trial, &outlook.found);
	if (outlook.found.too_large)
		world_wipe(&trial->world);
	outlook_free(&outlook);
}

static int zpci_create(struct trial *trial, const struct naive_tables *tables, struct viommu_refresh_result *result, struct viommu_domain **domain)
{
	struct viommu_zpci_ioat ioat = {
		.size = sizeof(ioat),
		.flags = tables->qemu ? VIOMMU_ZPCI_IOAT_QEMU : 0,
		.iota = tables->iota,
		/* Which bits these are does not matter. */
		.pba = tables->pba + world_below(&trial->world, (unsigned int)PAGE),
		.pal = tables->pal - world_below(&trial->world, (unsigned int)PAGE),
	};

	return viommu_domain_create(trial->vm, trial->host, VIOMMU_DOMAIN_ZPCI, &ioat, result, domain);
}

void trial_create(struct trial *trial, unsigned int s)
{
	struct subject *subject = &trial->subject[s];
	struct naive_tables tables;

	world_draw_tables(&trial->world, trial->mode->qemu && world_chance(&trial->world, 90), trial->highest, &tables);
	subject->model = (struct model_domain){ .tables = tables };
	for (unsigned int attempt = 0; attempt < 6 && !subject->domain; attempt++) {
		struct viommu_refresh_result result = { .size = sizeof(result) };
		struct viommu_vm_stats before = trial_vm_stats(trial), after;
		struct outlook outlook;
		int rc;

		trial_doing(trial, "create domain %u, IOTA %#" PRIx64 ", %#" PRIx64 " to %#" PRIx64 "%s", s, tables.iota, tables.pba, tables.pal,
			    tables.qemu ? ", as QEMU" : "");
		if (!look_ahead(trial, s, tables.pba, tables.pal, &outlook))
			return;
		rc = zpci_create(trial, &tables, &result, &subject->domain);
		if (!rc != !!subject->domain)
			trial_disagree(trial, "returned %d, and %s domain", rc, subject->domain ? "a" : "no");
		/* A malformed table is no obstacle to a registration. */
		if (rc)
			judge_refusal(trial, &outlook, rc);
		else
			judge(trial, s, &outlook, result.fault.reason == VIOMMU_FAULT_NONE ? 0 : -EFAULT, &result);
		after = trial_vm_stats(trial);
		if (rc && (after.pinned_bytes != before.pinned_bytes || after.shadow_bytes != before.shadow_bytes || after.domains != before.domains))
			trial_disagree(trial, "returned %d and left %" PRId64 " bytes pinned, %" PRId64 " of shadow", rc,
				       after.pinned_bytes - before.pinned_bytes, after.shadow_bytes - before.shadow_bytes);
		mend(trial, &outlook.found);
		if (outlook.found.too_large)
			world_wipe(&trial->world);
		outlook_free(&outlook);
	}
	trial_seen.domains += subject->domain != NULL;
}

void trial_create_refused(struct trial *trial)
{
	static const uint64_t bad[] = { 0, 0x4, 0x810, 0x812, 0x814, 0x818, 0x81c, 0x1804, 0xc04 };
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_domain *domain = NULL;
	struct naive_tables tables = { .iota = bad[world_below(&trial->world, 7)], .pba = trial->lowest, .pal = trial->highest };
	int rc;

	trial_doing(trial, "create with IOTA %#" PRIx64, tables.iota);
	rc = zpci_create(trial, &tables, &result, &domain);
	if (rc != -EINVAL || domain)
		trial_disagree(trial, "returned %d, should be -EINVAL", rc);
}

/* What a guest does that is told of insufficient resources, with exactly enough of them: everything must be there then. */
void trial_make_room(struct trial *trial, unsigned int s)
{
	const struct naive_tables tables = trial->subject[s].model.tables;
	struct outlook outlook;

	if (!look_ahead(trial, s, tables.pba, tables.pal, &outlook))
		return;
	if (!outlook.found.too_large) {
		trial->budget = trial_charge(trial, s, &outlook.next.list);
		trial_doing(trial, "pin budget %#" PRIx64 ", exactly enough", trial->budget);
		viommu_vm_set_pin_budget(trial->vm, trial->budget);
		trial_refresh(trial, s, tables.pba, tables.pal);
	}
	outlook_free(&outlook);
}

/*
 * The host fails to remove: each page of the range is as it was, as the tables say, or absent, and what is left is pinned and charged. Once the host works
 * again, a refresh makes everything true.
 */
void trial_refresh_failing(struct trial *trial, unsigned int s)
{
	struct subject *subject = &trial->subject[s];
	const struct naive_tables tables = subject->model.tables;
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct model_list list = { 0 };
	struct outlook outlook;
	uint64_t first, last, toggled = UINT64_MAX;
	unsigned int kind;
	int rc;

	world_draw_range(&trial->world, &tables, &subject->model.list, &first, &last);
	if (subject->model.list.count && world_chance(&trial->world, 50)) {
		/* A page that the guest takes away, and gives back after the failure: by then the library must not believe that nothing happened. */
		struct naive_answer answer;

		first = last = subject->model.list.pages[world_draw(&trial->world) % subject->model.list.count].iova;
		answer = naive_walk(&trial->world.memory, &tables, first);
		if (answer.outcome == NAIVE_PAGE && answer.level == 0) {
			toggled = answer.entry_gpa;
			world_toggle(&trial->world, toggled);
		}
	}
	if (!model_clip(&tables, &first, &last) || !look_ahead(trial, s, first, last, &outlook))
		return;
	kind = world_below(&trial->world, 3);
	mock_fail(trial->mock, kind == 2 ? MOCK_FLUSH : MOCK_UNMAP, 1, true, EIO);
	trial->mock->fail[MOCK_UNMAP].late = kind == 1;
	trial_doing(trial, "refresh domain %u, %#" PRIx64 " to %#" PRIx64 ", on a host that fails", s, first, last);
	rc = viommu_domain_refresh(subject->domain, first, last, &result);
	mock_fail(trial->mock, MOCK_UNMAP, 0, false, 0);
	mock_fail(trial->mock, MOCK_FLUSH, 0, false, 0);
	if (toggled != UINT64_MAX)
		world_toggle(&trial->world, toggled);
	if (rc != -EIO) {
		if (outlook.released)
			trial_disagree(trial, "returned %d, but something was to be removed", rc);
		judge(trial, s, &outlook, rc, &result);
		outlook_free(&outlook);
		return;
	}
	trial_look(trial, s, &list);
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i];
		const struct model_page *before = model_at(&subject->model, page->iova);
		const struct model_page *after = model_at(&outlook.next, page->iova);

		if (!(before && model_same(before, page)) && !(after && model_same(after, page)))
			trial_disagree(trial, "returned -EIO, and IOVA %#" PRIx64 " has %#" PRIx64 ", which it had not and should not", page->iova, page->gpa);
	}
	model_list_free(&subject->model.list);
	subject->model.list = list;
	trial->stale = true;
	outlook_free(&outlook);
	trial_check(trial);
	trial_refresh(trial, s, tables.pba, tables.pal);
	if (subject->domain)
		trial_probe_all(trial, s);
}
