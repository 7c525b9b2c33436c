/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "machine.h"

#include <errno.h>
#include <string.h>

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct model_list *list = ctx;

	fuzz_must(run->first <= run->last && run->first % PAGE == 0 && run->last % PAGE == PAGE - 1);
	fuzz_must(run->prot == VIOMMU_READ || run->prot == VIOMMU_RW);
	fuzz_must(!list->count || list->pages[list->count - 1].iova < run->first);
	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE)
		model_list_add(list, (struct model_page){ .iova = run->first + at, .gpa = run->gpa + at, .writable = run->prot == VIOMMU_RW });
	return 0;
}

void machine_look(struct machine *machine, struct subject *subject, struct model_list *pages)
{
	(void)machine;
	*pages = (struct model_list){ .count = 0 };
	viommu_domain_each_run(subject->domain, 0, UINT64_MAX, take_run, pages);
}

static const struct model_page *find(const struct model_list *list, uint64_t iova)
{
	const struct model_domain domain = { .list = *list };

	return model_at(&domain, iova);
}

/* What the mock host reaches is what the domain reports. */
static void check_mock(struct machine *machine, const struct subject *subject, const struct model_list *pages)
{
	uint64_t reached = 0, there = mock_pages(machine->mock, subject->space);

	for (size_t i = 0; i < subject->space->unflushed.number; i++)
		there += (subject->space->unflushed.mapping[i].last - subject->space->unflushed.mapping[i].first + 1) / PAGE;
	for (uint64_t i = 0; i < pages->count; i++) {
		const struct model_page *page = &pages->pages[i];
		unsigned char *hva = NULL;
		uint32_t prot = 0;

		if (!mock_reach(machine->mock, subject->space, page->iova, &hva, &prot)) {
			if (!subject->lossy)
				fuzz_wrong("IOVA %#" PRIx64 " is reported, and the host does not have it", page->iova);
			continue;
		}
		reached++;
		if (hva != world_at(machine->world, page->gpa) || prot != (page->writable ? VIOMMU_RW : VIOMMU_READ))
			fuzz_wrong("IOVA %#" PRIx64 ": the host has it elsewhere, or with rights %u", page->iova, prot);
	}
	if (reached != there)
		fuzz_wrong("the host reaches %" PRIu64 " pages, of which the domain reports %" PRIu64, there, reached);
	if (!subject->lossy)
		fuzz_must(!subject->space->unflushed.number);
}

/* One page through a reader: NULL for one that must not be reached. */
static void check_reached(struct machine *machine, struct viommu_reader *reader, uint64_t iova, const struct model_page *page)
{
	struct viommu_fault fault = { .size = sizeof(fault) };
	struct viommu_piece piece;
	uint64_t bytes;
	int pieces = viommu_translate(reader, iova, PAGE, VIOMMU_READ, &piece, 1, &bytes, &fault);

	if (pieces != (page ? 1 : -EFAULT))
		fuzz_wrong("IOVA %#" PRIx64 ": %d, although the domain reports %s", iova, pieces, page ? "it" : "nothing");
	if (!page)
		return;
	fuzz_must(piece.hva == world_at(machine->world, page->gpa) && piece.bytes == PAGE && bytes == PAGE);
	pieces = viommu_translate(reader, iova, 1, VIOMMU_WRITE, &piece, 1, &bytes, &fault);
	fuzz_must(pieces == (page->writable ? 1 : -EFAULT));
	if (!page->writable)
		fuzz_must(fault.reason == VIOMMU_FAULT_PROTECTION && fault.iova == iova);
}

/* What was there before this operation and is gone, is reached no more. */
static void check_readers(struct machine *machine, struct subject *subject, const struct model_list *pages)
{
	if (!subject->reader || subject->lossy)
		return;
	for (uint64_t i = 0; i < pages->count; i++)
		check_reached(machine, subject->reader, pages->pages[i].iova, &pages->pages[i]);
	for (uint64_t i = 0; i < subject->pages.count; i++)
		if (!find(pages, subject->pages.pages[i].iova))
			check_reached(machine, subject->reader, subject->pages.pages[i].iova, NULL);
}

void machine_check(struct machine *machine)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };
	bool named[WORLD_PAGES] = { false };
	uint64_t distinct = 0;

	for (unsigned int s = 0; s < SUBJECTS; s++) {
		struct subject *subject = &machine->subject[s];
		struct viommu_domain_stats domain = { .size = sizeof(domain) };
		struct model_list pages;

		if (!subject->domain)
			continue;
		machine_look(machine, subject, &pages);
		for (uint64_t i = 0; i < pages.count; i++) {
			const struct model_page *page = &pages.pages[i];
			unsigned int number = world_page(machine->world, page->gpa);

			fuzz_must(number < WORLD_PAGES && naive_byte(&machine->world->memory, page->gpa, NULL));
			fuzz_must(page->iova >= subject->tables.pba && page->iova <= subject->tables.pal);
			distinct += !named[number];
			named[number] = true;
		}
		viommu_domain_stats(subject->domain, &domain);
		fuzz_must(domain.mapped_pages == pages.count);
		if (machine->mock)
			check_mock(machine, subject, &pages);
		check_readers(machine, subject, &pages);
		model_list_free(&subject->pages);
		subject->pages = pages;
	}
	viommu_vm_stats(machine->vm, &stats);
	if (machine->config.pin == VIOMMU_PIN_GUEST || machine->direct) {
		distinct = 0;
		for (unsigned int i = 0; i < machine->world->memory.count; i++)
			distinct += machine->world->slot[i].bytes / PAGE;
	}
	if (stats.pinned_bytes != distinct * PAGE)
		fuzz_wrong("%" PRIu64 " pages are charged, %" PRIu64 " should be", stats.pinned_bytes / PAGE, distinct);
	fuzz_must(stats.shadow_bytes <= machine->config.shadow_bytes);
	if (machine->mock && machine->mock->breaches)
		fuzz_wrong("the mock host: %s", machine->mock->breach);
}

/* Whether there is a reason for "insufficient resources". */
static bool may_be_short(const struct machine *machine, const struct model_found *found)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(machine->vm, &stats);
	return machine->failing || machine->few || machine->config.pin_budget != VIOMMU_NO_LIMIT || found->too_large ||
	       found->entries > machine->config.refresh_entries / 4 || stats.shadow_bytes_peak > machine->config.shadow_bytes / 2;
}

/* Pages of the list beside first..last were there before; and all that were there before are in the list, if nothing may be lost. */
static void check_beside(const struct model_list *before, const struct model_list *now, uint64_t first, uint64_t last, bool may_lose)
{
	for (uint64_t i = 0; i < now->count; i++) {
		const struct model_page *page = &now->pages[i];
		const struct model_page *old = page->iova < first || page->iova > last ? find(before, page->iova) : page;

		if (!old || !model_same(old, page))
			fuzz_wrong("IOVA %#" PRIx64 " lies beside the range, and has changed", page->iova);
	}
	for (uint64_t i = 0; i < before->count && !may_lose; i++) {
		uint64_t iova = before->pages[i].iova;

		if ((iova < first || iova > last) && !find(now, iova))
			fuzz_wrong("IOVA %#" PRIx64 " lies beside the range, and is gone", iova);
	}
}

/* Each page of the list in first..last is what the tables say. */
static void check_not_stale(struct machine *machine, const struct subject *subject, const struct model_list *now, uint64_t first, uint64_t last)
{
	for (uint64_t i = 0; i < now->count; i++) {
		const struct model_page *page = &now->pages[i];
		struct naive_answer answer;

		if (page->iova < first || page->iova > last)
			continue;
		answer = naive_walk(&machine->world->memory, &subject->tables, page->iova);
		if (answer.outcome != NAIVE_PAGE || answer.gpa != page->gpa || answer.writable != page->writable)
			fuzz_wrong("IOVA %#" PRIx64 " is stale: to %#" PRIx64 ", and the tables say %s, %#" PRIx64, page->iova, page->gpa,
				   naive_outcome_name(answer.outcome), answer.gpa);
	}
}

static void check_all_there(const struct model_found *found, const struct model_list *now, uint64_t first, uint64_t last)
{
	uint64_t within = 0;

	for (uint64_t i = 0; i < now->count; i++)
		within += now->pages[i].iova >= first && now->pages[i].iova <= last;
	for (uint64_t i = 0; i < found->list.count; i++)
		if (!find(now, found->list.pages[i].iova))
			fuzz_wrong("IOVA %#" PRIx64 " is in the tables, and not established", found->list.pages[i].iova);
	fuzz_must(within == found->list.count);
}

void machine_check_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, int error,
			   const struct viommu_refresh_result *result)
{
	const struct model_limits limits = { .entries = 4 * machine->config.refresh_entries, .pages = 2 * machine->config.refresh_entries };
	struct model_found found;
	struct model_list now;

	model_find(&machine->world->memory, &subject->tables, first, last, &limits, &found);
	machine_look(machine, subject, &now);
	fuzz_must(result->entries <= machine->config.refresh_entries);
	switch (error) {
	case 0:
		fuzz_must(!found.too_large && (!found.faulty || world_leaving(machine->world)));
		break;
	case -EFAULT:
		/*
		 * Where tables are too large, either may have given up before it came to what is malformed. Whether tables are there that lie in a slot which
		 * a host will not let go of is nobody's promise.
		 */
		if (!found.too_large && !world_leaving(machine->world) && (!found.faulty || result->fault.iova != found.fault_iova))
			fuzz_wrong("malformed from IOVA %#" PRIx64 ": the tables say %d, from %#" PRIx64, result->fault.iova, found.faulty, found.fault_iova);
		break;
	case -ENOSPC:
		fuzz_must(may_be_short(machine, &found));
		break;
	default:
		fuzz_must(error == -EIO && machine->failing);
		subject->lossy = true;
		break;
	}
	if (error != -EIO)
		check_not_stale(machine, subject, &now, first, last);
	/* A malformed table may hide that something did not fit. */
	if ((!error || (error == -EFAULT && !may_be_short(machine, &found))) && !world_leaving(machine->world))
		check_all_there(&found, &now, first, last);
	check_beside(&subject->pages, &now, first, last, machine->failing || machine->few);
	if (!error && first == subject->tables.pba && last == subject->tables.pal)
		subject->lossy = false;
	model_found_free(&found);
	model_list_free(&now);
}

void machine_check_walk(struct machine *machine, const struct subject *subject, uint64_t iova)
{
	struct naive_answer answer = naive_walk(&machine->world->memory, &subject->tables, iova);
	struct viommu_fault fault = { .size = sizeof(fault) };
	struct viommu_run run;
	int error = viommu_domain_walk(subject->domain, iova, &run, &fault);

	if (world_leaving(machine->world))
		return;
	fuzz_must(error == (answer.outcome == NAIVE_PAGE ? 0 : -EFAULT));
	if (!error) {
		fuzz_must(run.first <= iova && iova <= run.last && run.prot == (answer.writable ? VIOMMU_RW : VIOMMU_READ));
		fuzz_must(run.gpa + (iova - run.first) == answer.gpa + iova % PAGE);
	} else if (answer.outcome != NAIVE_OUTSIDE) {
		fuzz_must(fault.level == answer.level && fault.entry_gpa == answer.entry_gpa && fault.entry == answer.entry);
	}
}

void machine_check_translate(struct machine *machine, unsigned int device, uint64_t iova, uint64_t bytes, uint32_t access)
{
	struct viommu_fault fault = { .size = sizeof(fault) };
	struct viommu_piece piece[20];
	uint64_t translated = 0, at = 0, expected = 0;
	int at_subject = machine->at[device];
	int pieces = viommu_translate(machine->reader[device], iova, bytes, access, piece, 20, &translated, &fault);

	if (at_subject == -2 || (at_subject >= 0 && machine->subject[at_subject].lossy) || machine->failing)
		return;
	if (bytes && iova + (bytes - 1) < iova) {
		fuzz_must(pieces == -EINVAL);
		return;
	}
	while (expected < bytes) {
		const struct model_page *page = at_subject < 0 ? NULL : find(&machine->subject[at_subject].pages, iova + expected);

		if (!page || (access & VIOMMU_WRITE && !page->writable))
			break;
		expected += PAGE - (iova + expected) % PAGE;
	}
	if (expected < bytes) {
		fuzz_must(pieces == -EFAULT && fault.iova >= iova && fault.iova <= iova + expected);
		return;
	}
	fuzz_must(pieces >= 0 && translated == bytes);
	for (int i = 0; i < pieces; i++) {
		for (uint64_t in = 0; in < piece[i].bytes; in++, at++) {
			const struct model_page *page = find(&machine->subject[at_subject].pages, iova + at);

			fuzz_must((unsigned char *)piece[i].hva + in == world_at(machine->world, page->gpa) + (iova + at) % PAGE);
		}
	}
	fuzz_must(at == bytes);
}
