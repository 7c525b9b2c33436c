/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What devices reach: attachments, readers, and the walk that explains. */
#include "trial.h"

#include <errno.h>
#include <inttypes.h>

/* Does a device reach what the model says, and nothing else? One byte at one IOVA. */
static void probe(struct trial *trial, unsigned int u, uint64_t iova)
{
	const struct model_page *page = trial->unit[u].at < 0 ? NULL : model_at(&trial->subject[trial->unit[u].at].model, iova);

	for (uint32_t access = VIOMMU_READ; access <= VIOMMU_RW; access++) {
		bool should = page && (page->writable || access == VIOMMU_READ);
		struct viommu_piece piece = { 0 };
		struct viommu_fault fault = { .size = sizeof(fault) };
		uint64_t translated;
		int rc = viommu_translate(trial->unit[u].reader, iova, 1, access, &piece, 1, &translated, &fault);

		if (rc != (should ? 1 : -EFAULT) || (should && piece.hva != world_memory(&trial->world, page->gpa) + iova % PAGE))
			trial_disagree(trial, "device %u at IOVA %#" PRIx64 ", access %" PRIu32 ": returned %d, %p, should be %s", u, iova, access, rc,
				       piece.hva, should ? "translated" : "refused");
		trial_seen.translated += should;
		trial_seen.refused += !should;
	}
}

/* After a refresh: what was there before, and what is there now. All of it now and then, else a few. */
void trial_probe_lists(struct trial *trial, unsigned int s, const struct model_list *before)
{
	const struct model_list *lists[] = { before, &trial->subject[s].model.list };
	bool all = world_chance(&trial->world, 5);
	unsigned int u = 0;

	while (u < UNITS && trial->unit[u].at != (int)s)
		u++;
	if (u == UNITS)
		return;
	for (unsigned int l = 0; l < 2; l++)
		for (uint64_t i = 0; i < lists[l]->count && (all || i < 12); i++)
			probe(trial, u, lists[l]->pages[all ? i : world_draw(&trial->world) % lists[l]->count].iova);
}

static void detach(struct trial *trial, unsigned int u)
{
	int rc;

	trial_doing(trial, "detach device %u from domain %d", u, trial->unit[u].at);
	rc = viommu_device_detach(trial->unit[u].device, VIOMMU_NO_PASID);
	if (rc)
		trial_disagree(trial, "returned %d", rc);
	trial->unit[u].at = -1;
}

static void attach(struct trial *trial, unsigned int u, unsigned int s)
{
	struct unit *unit = &trial->unit[u];
	int rc;

	trial_doing(trial, "attach device %u, of domain %d, to domain %u", u, unit->at, s);
	rc = viommu_domain_attach(trial->subject[s].domain, unit->device, VIOMMU_NO_PASID);
	if (rc)
		trial_disagree(trial, "returned %d", rc);
	unit->at = (int)s;
}

void trial_probe_all(struct trial *trial, unsigned int s)
{
	const struct model_list *list = &trial->subject[s].model.list;
	unsigned int u = 0;

	while (u < UNITS && trial->unit[u].at != (int)s)
		u++;
	for (u %= UNITS; u < UNITS && trial->unit[u].at >= 0 && trial->unit[u].at != (int)s; u++)
		;
	if (u == UNITS)
		return;
	if (trial->unit[u].at < 0)
		attach(trial, u, s);
	for (uint64_t i = 0; i < list->count; i++)
		probe(trial, u, list->pages[i].iova);
}

/* A reader follows its device: what it knew of one domain is nothing to it in the next. */
void trial_change_attachment(struct trial *trial)
{
	unsigned int u = world_below(&trial->world, UNITS);
	unsigned int s = world_below(&trial->world, SUBJECTS);
	uint64_t iova[8] = { 0 };

	if (trial->unit[u].at >= 0) {
		const struct model_list *list = &trial->subject[trial->unit[u].at].model.list;

		for (unsigned int i = 0; i < 8 && list->count; i++) {
			iova[i] = list->pages[world_draw(&trial->world) % list->count].iova;
			probe(trial, u, iova[i]);
		}
		if (world_chance(&trial->world, 60))
			detach(trial, u);
	}
	if (trial->subject[s].domain && world_chance(&trial->world, 80))
		attach(trial, u, s);
	for (unsigned int i = 0; i < 8; i++)
		probe(trial, u, iova[i]);
}

/* What a translation should be, page by page: the number of pieces, or -EFAULT. */
static int expect_pieces(struct trial *trial, const struct unit *unit, uint64_t iova, uint64_t last, uint32_t access, struct viommu_piece *pieces,
			 unsigned int max, uint64_t *translated, uint64_t *fault, uint32_t *reason, bool *full)
{
	const struct model_domain *model = unit->at < 0 ? NULL : &trial->subject[unit->at].model;
	unsigned int number = 0;

	*translated = 0;
	*full = false;
	for (;;) {
		const struct model_page *page = model ? model_at(model, iova) : NULL;
		uint64_t end = (iova | (PAGE - 1)) < last ? iova | (PAGE - 1) : last;
		unsigned char *hva;

		*fault = iova;
		*full = number == max;
		if (!page) {
			*reason = !model ? VIOMMU_FAULT_BLOCKED : trial_reason_of(naive_walk(&trial->world.memory, &model->tables, iova).outcome);
			return -EFAULT;
		}
		if (access & VIOMMU_WRITE && !page->writable) {
			*reason = VIOMMU_FAULT_PROTECTION;
			return -EFAULT;
		}
		hva = world_memory(&trial->world, page->gpa) + iova % PAGE;
		if (number && (unsigned char *)pieces[number - 1].hva + pieces[number - 1].bytes == hva) {
			pieces[number - 1].bytes += end - iova + 1;
		} else {
			if (number == max)
				return (int)number;
			pieces[number++] = (struct viommu_piece){ hva, end - iova + 1 };
		}
		*translated += end - iova + 1;
		if (end == last)
			return (int)number;
		iova = end + 1;
	}
}

/* Mostly one that reaches something. */
static unsigned int draw_unit(struct trial *trial)
{
	unsigned int u = world_below(&trial->world, UNITS);

	for (unsigned int attempt = 0; attempt < 6 && (trial->unit[u].at < 0 || !trial->subject[trial->unit[u].at].model.list.count); attempt++)
		u = world_below(&trial->world, UNITS);
	return u;
}

void trial_translate(struct trial *trial)
{
	static const uint32_t accesses[] = { VIOMMU_READ, VIOMMU_WRITE, VIOMMU_RW };
	unsigned int u = draw_unit(trial);
	const struct unit *unit = &trial->unit[u];
	const struct model_domain *model = unit->at < 0 ? NULL : &trial->subject[unit->at].model;
	uint64_t iova = model ? world_draw_iova(&trial->world, &model->tables, &model->list) : world_draw(&trial->world);
	uint64_t bytes = 1 + (world_draw(&trial->world) >> (50 + world_below(&trial->world, 14)));
	uint32_t access = accesses[world_below(&trial->world, 3)];
	unsigned int max = 1 + world_below(&trial->world, 4);
	struct viommu_piece pieces[4], should_pieces[4];
	struct viommu_fault fault = { .size = sizeof(fault) };
	uint64_t translated = 0, should_translated, should_fault;
	uint32_t should_reason = 0;
	bool full;
	int should, rc;

	if (model && model->list.count && world_chance(&trial->world, 60))
		iova = model->list.pages[world_draw(&trial->world) % model->list.count].iova + world_draw(&trial->world) % PAGE;
	trial_doing(trial, "translate device %u, domain %d, %" PRIu64 " bytes at %#" PRIx64 ", access %" PRIu32 ", %u pieces", u, unit->at, bytes, iova, access,
		    max);
	rc = viommu_translate(unit->reader, iova, bytes, access, pieces, max, &translated, &fault);
	if (iova + (bytes - 1) < iova) {
		if (rc != -EINVAL)
			trial_disagree(trial, "returned %d, should be -EINVAL", rc);
		return;
	}
	should = expect_pieces(trial, unit, iova, iova + (bytes - 1), access, should_pieces, max, &should_translated, &should_fault, &should_reason, &full);
	if (rc != should && !(full && should == -EFAULT && rc == (int)max))
		trial_disagree(trial, "returned %d, should be %d", rc, should);
	trial_seen.translated += rc > 0;
	trial_seen.refused += rc < 0;
	if (rc == -EFAULT) {
		/* A reader need not know why the tables translate nothing, but it knows the rest. */
		bool right = fault.reason == should_reason;

		if (should_reason != VIOMMU_FAULT_BLOCKED && should_reason != VIOMMU_FAULT_APERTURE && should_reason != VIOMMU_FAULT_PROTECTION)
			right = right || fault.reason == VIOMMU_FAULT_NOT_PRESENT;
		if (!right || (fault.iova ^ should_fault) >= PAGE || fault.access != access)
			trial_disagree(trial, "fault: reason %" PRIu32 " IOVA %#" PRIx64 " access %" PRIu32 ", should be %" PRIu32 ", %#" PRIx64 ", %" PRIu32,
				       fault.reason, fault.iova, fault.access, should_reason, should_fault, access);
		return;
	}
	if (translated != should_translated)
		trial_disagree(trial, "translated %" PRIu64 " bytes, should be %" PRIu64, translated, should_translated);
	for (int i = 0; i < rc; i++)
		if (pieces[i].hva != should_pieces[i].hva || pieces[i].bytes != should_pieces[i].bytes)
			trial_disagree(trial, "piece %d: %p, %" PRIu64 " bytes, should be %p, %" PRIu64, i, pieces[i].hva, pieces[i].bytes,
				       should_pieces[i].hva, should_pieces[i].bytes);
}

void trial_walk(struct trial *trial, unsigned int s)
{
	const struct model_domain *model = &trial->subject[s].model;
	uint64_t iova = world_draw_iova(&trial->world, &model->tables, &model->list);
	struct naive_answer should = naive_walk(&trial->world.memory, &model->tables, iova);
	struct viommu_run run = { 0 };
	struct viommu_fault fault = { .size = sizeof(fault) };
	int rc;

	trial_doing(trial, "walk domain %u at %#" PRIx64, s, iova);
	rc = viommu_domain_walk(trial->subject[s].domain, iova, &run, &fault);
	trial_seen.walks++;
	if (rc != (should.outcome == NAIVE_PAGE ? 0 : -EFAULT))
		trial_disagree(trial, "returned %d, should be %s", rc, naive_outcome_name(should.outcome));
	if (rc == 0) {
		uint64_t bytes = should.level ? UINT64_C(0x100000) : PAGE;
		uint64_t first = iova & ~(bytes - 1);

		if (run.first != first || run.last != first + (bytes - 1) || run.gpa != should.gpa - (iova / PAGE * PAGE - first) ||
		    run.prot != (should.writable ? VIOMMU_RW : VIOMMU_READ))
			trial_disagree(trial, "found %#" PRIx64 " to %#" PRIx64 " at %#" PRIx64 " %" PRIu32 ", should be %#" PRIx64 " at %#" PRIx64 " %s",
				       run.first, run.last, run.gpa, run.prot, iova, should.gpa, should.writable ? "rw" : "r");
		return;
	}
	if (fault.reason != trial_reason_of(should.outcome) || fault.entry_gpa != should.entry_gpa ||
	    (should.outcome != NAIVE_OUTSIDE && (fault.entry != should.entry || fault.level != should.level)) || fault.iova > iova)
		trial_disagree(trial,
			       "fault: reason %" PRIu32 " IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %" PRIu32 ", should be %s, %#" PRIx64
			       " at %#" PRIx64 " level %u",
			       fault.reason, fault.iova, fault.entry, fault.entry_gpa, fault.level, naive_outcome_name(should.outcome), should.entry,
			       should.entry_gpa, should.level);
}
