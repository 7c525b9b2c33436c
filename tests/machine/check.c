/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares a machine with its model. */
#include "machine.h"

#include <errno.h>
#include <string.h>

#define MOST_PROBES 512u

struct viommu_vm_stats machine_stats(const struct machine *machine)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(machine->vm, &stats);
	return stats;
}

uint64_t machine_guest_bytes(const struct machine *machine)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < machine->world->memory.count; i++)
		bytes += machine->world->slot[i].bytes;
	return bytes;
}

enum viommu_fault_reason machine_reason(enum naive_outcome outcome)
{
	static const enum viommu_fault_reason reasons[] = {
		[NAIVE_PAGE] = VIOMMU_FAULT_NONE,
		[NAIVE_NOTHING] = VIOMMU_FAULT_NOT_PRESENT,
		[NAIVE_OUTSIDE] = VIOMMU_FAULT_APERTURE,
		[NAIVE_LEAF_UNBACKED] = VIOMMU_FAULT_LEAF_UNBACKED,
		[NAIVE_TABLE_UNBACKED] = VIOMMU_FAULT_TABLE_UNBACKED,
		[NAIVE_TYPE] = VIOMMU_FAULT_ENTRY_TYPE,
		[NAIVE_LENGTH] = VIOMMU_FAULT_ENTRY_LENGTH,
		[NAIVE_FORMAT] = VIOMMU_FAULT_ENTRY_FORMAT,
		[NAIVE_ZERO] = VIOMMU_FAULT_ENTRY_ZERO,
	};

	return reasons[outcome];
}

bool machine_is_exact(const struct machine *machine)
{
	return !machine->failing && !machine->few && !world_leaving(machine->world);
}

struct look {
	struct model_list *list;
	struct viommu_run before;
	uint64_t first, last;
};

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct look *look = ctx;
	const struct viommu_run *before = &look->before;

	fuzz_must(run->first % PAGE == 0 && run->last % PAGE == PAGE - 1 && run->gpa % PAGE == 0 && run->first < run->last);
	fuzz_must(run->first >= look->first && run->last <= look->last && (run->prot == VIOMMU_READ || run->prot == VIOMMU_RW));
	if (before->prot) {
		fuzz_must(run->first > before->last);
		/* Runs are maximal. */
		fuzz_must(run->first != before->last + 1 || run->prot != before->prot || run->gpa != before->gpa + (run->first - before->first));
	}
	look->before = *run;
	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE)
		model_list_add(look->list, (struct model_page){ .iova = run->first + at, .gpa = run->gpa + at, .writable = run->prot == VIOMMU_RW });
	return 0;
}

void machine_look(const struct subject *subject, uint64_t first, uint64_t last, struct model_list *list)
{
	struct look look = { .list = list, .first = first, .last = last };

	fuzz_must(!viommu_domain_each_run(subject->domain, first, last, take_run, &look));
}

/* The runs in a range equal the model, or a part of it after a shortage or a failure. */
static void compare(const struct machine *machine, const struct subject *subject, const struct model_list *list, uint64_t first, uint64_t last)
{
	uint64_t i = 0;

	for (uint64_t n = 0; n < subject->model.count; n++) {
		const struct model_page *should = &subject->model.pages[n], *is = i < list->count ? &list->pages[i] : NULL;

		if (should->iova < first || should->iova > last)
			continue;
		if (is && is->iova < should->iova)
			fuzz_wrong("IOVA %#" PRIx64 " should have nothing, has %#" PRIx64, is->iova, is->gpa);
		if (is && is->iova == should->iova) {
			if (!model_same(is, should))
				fuzz_wrong("IOVA %#" PRIx64 " should have %#" PRIx64 " %d, has %#" PRIx64 " %d", is->iova, should->gpa, should->writable,
					   is->gpa, is->writable);
			i++;
		} else if (machine_is_exact(machine)) {
			fuzz_wrong("IOVA %#" PRIx64 " should have %#" PRIx64 ", has nothing", should->iova, should->gpa);
		}
	}
	if (i < list->count)
		fuzz_wrong("IOVA %#" PRIx64 " should have nothing, has %#" PRIx64, list->pages[i].iova, list->pages[i].gpa);
}

void machine_check_range(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last)
{
	struct model_list list = { .count = 0 };

	if (first > last)
		return;
	machine_look(subject, first, last, &list);
	compare(machine, subject, &list, first, last);
	model_list_free(&list);
}

/* The mock host reaches exactly the pages that the domain reports. */
static void check_mock(struct machine *machine, const struct subject *subject)
{
	uint64_t reached = 0, there = mock_pages(machine->mock, subject->space);

	for (size_t i = 0; i < subject->space->unflushed.number; i++)
		there += (subject->space->unflushed.mapping[i].last - subject->space->unflushed.mapping[i].first + 1) / PAGE;
	for (uint64_t i = 0; i < subject->model.count; i++) {
		const struct model_page *page = &subject->model.pages[i];
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

/* One page through a reader: NULL if the page must not be reached. */
static void check_reached(struct machine *machine, struct viommu_reader *reader, uint64_t iova, const struct model_page *page)
{
	struct viommu_fault fault = { 0 };
	struct viommu_piece piece;
	uint64_t bytes;
	int pieces = viommu_translate(reader, iova, PAGE, VIOMMU_READ, &piece, 1, &bytes, &fault);

	machine_seen.translated += page != NULL;
	machine_seen.refused += !page;
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

/*
 * Pages that are present are reached. Pages that were released since the last check are not. A
 * sample is checked if there are very many.
 */
static void check_readers(struct machine *machine, struct subject *subject)
{
	const struct model_list *lists[2] = { &subject->model, &subject->before };

	if (!subject->reader || subject->lossy)
		return;
	for (unsigned int l = 0; l < 2; l++) {
		uint64_t stride = 1 + lists[l]->count / MOST_PROBES;

		for (uint64_t i = machine->operation % stride; i < lists[l]->count; i += stride) {
			uint64_t iova = lists[l]->pages[i].iova;

			check_reached(machine, subject->reader, iova, l ? model_at(&subject->model, iova) : &lists[l]->pages[i]);
		}
	}
}

static void check_subject(struct machine *machine, struct subject *subject, bool named[WORLD_PAGES])
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct model_list list = { .count = 0 };
	uint32_t devices = subject->device != NULL;

	machine_look(subject, 0, UINT64_MAX, &list);
	compare(machine, subject, &list, 0, UINT64_MAX);
	model_list_free(&subject->model);
	subject->model = list;
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i];
		unsigned int number = world_page(machine->world, page->gpa);

		fuzz_must(number < WORLD_PAGES && naive_byte(&machine->world->memory, page->gpa, NULL));
		fuzz_must(page->iova >= subject->tables.first && page->iova <= subject->tables.last);
		named[number] = true;
	}
	for (unsigned int i = 0; i < DEVICES; i++)
		devices += machine->at[i] == (int)(subject - machine->subject);
	viommu_domain_stats(subject->domain, &stats);
	fuzz_must(stats.mapped_pages == list.count && stats.established - stats.released == list.count && stats.mapped_pages_peak >= list.count);
	fuzz_must(stats.devices == devices || machine->failing);
	if (machine->mock)
		check_mock(machine, subject);
	check_readers(machine, subject);
	subject->before.count = 0;
	model_list_copy(&subject->before, &subject->model);
}

void machine_check(struct machine *machine)
{
	struct viommu_vm_stats stats = machine_stats(machine);
	bool named[WORLD_PAGES] = { false };
	uint32_t domains = machine->direct != NULL, devices = DEVICES;
	uint64_t charged = 0;

	for (unsigned int s = 0; s < SUBJECTS; s++) {
		devices += machine->subject[s].device != NULL;
		domains += machine->subject[s].domain != NULL;
		if (machine->subject[s].domain)
			check_subject(machine, &machine->subject[s], named);
	}
	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		charged += named[i] * PAGE;
	if (machine->config.pin == VIOMMU_PIN_GUEST || machine->direct)
		charged = machine_guest_bytes(machine);
	if (stats.pinned_bytes != charged)
		fuzz_wrong("%" PRIu64 " pages are charged, %" PRIu64 " should be", stats.pinned_bytes / PAGE, charged / PAGE);
	fuzz_must(stats.pinned_bytes_peak >= stats.pinned_bytes && stats.shadow_bytes_peak >= stats.shadow_bytes);
	fuzz_must(machine->ample || stats.shadow_bytes_peak <= machine->config.shadow_bytes);
	fuzz_must(stats.domains == domains && stats.devices == devices);
	fuzz_must(stats.slots == machine->world->memory.count && stats.guest_bytes == machine_guest_bytes(machine));
	if (machine->mock && machine->mock->breaches)
		fuzz_wrong("the mock host: %s", machine->mock->breach);
}

void machine_check_walk(struct machine *machine, const struct subject *subject, uint64_t iova)
{
	struct naive_answer answer = machine->format->walk(&machine->world->memory, &subject->tables, iova);
	struct viommu_fault fault = { 0 };
	struct viommu_run run;
	int error = viommu_domain_walk(subject->domain, iova, &run, &fault);

	machine_seen.walks++;
	if (world_leaving(machine->world))
		return;
	fuzz_must(error == (answer.outcome == NAIVE_PAGE ? 0 : -EFAULT));
	if (!error) {
		fuzz_must(run.first <= iova && iova <= run.last && run.prot == (answer.writable ? VIOMMU_RW : VIOMMU_READ));
		fuzz_must(run.gpa + (iova - run.first) == answer.gpa + iova % PAGE);
	} else if (!machine->format->loose) {
		fuzz_must(fault.reason == machine_reason(answer.outcome) && fault.entry_gpa == answer.entry_gpa && fault.iova <= iova);
		if (answer.outcome != NAIVE_OUTSIDE)
			fuzz_must(fault.level == answer.level && fault.entry == answer.entry);
	}
}

/*
 * The expected translation, page by page: the number of pieces, or -EFAULT and the reason. full: it
 * may end before the fault for lack of room for pieces.
 */
static int expect_pieces(struct machine *machine, const struct subject *subject, uint64_t iova, uint64_t last, uint32_t access, struct viommu_piece *pieces,
			 unsigned int most, uint64_t *translated, struct viommu_fault *fault, bool *full)
{
	unsigned int number = 0;

	for (*translated = 0;;) {
		const struct model_page *page = subject ? model_at(&subject->model, iova) : NULL;
		uint64_t end = (iova | (PAGE - 1)) < last ? iova | (PAGE - 1) : last;
		unsigned char *hva;

		*full = number == most;
		fault->iova = iova;
		fault->reason = VIOMMU_FAULT_PROTECTION;
		if (!page)
			fault->reason =
				subject ? machine_reason(machine->format->walk(&machine->world->memory, &subject->tables, iova).outcome) : VIOMMU_FAULT_BLOCKED;
		if (!page || (access & VIOMMU_WRITE && !page->writable))
			return -EFAULT;
		hva = world_at(machine->world, page->gpa) + iova % PAGE;
		if (number && (unsigned char *)pieces[number - 1].hva + pieces[number - 1].bytes == hva)
			pieces[number - 1].bytes += end - iova + 1;
		else if (number == most)
			return (int)number;
		else
			pieces[number++] = (struct viommu_piece){ hva, end - iova + 1 };
		*translated += end - iova + 1;
		if (end == last)
			return (int)number;
		iova = end + 1;
	}
}

void machine_check_translate(struct machine *machine, unsigned int device, uint64_t iova, uint64_t bytes, uint32_t access, unsigned int most)
{
	const struct subject *subject = machine->at[device] >= 0 ? &machine->subject[machine->at[device]] : NULL;
	struct viommu_fault fault = { 0 }, why = { .reason = 0 };
	struct viommu_piece piece[20], expected[20];
	uint64_t translated = 0, should_be = 0;
	int pieces = viommu_translate(machine->reader[device], iova, bytes, access, piece, most, &translated, &fault), number;
	bool full, known;

	if (machine->at[device] == -2 || (subject && subject->lossy) || machine->failing || !bytes)
		return;
	if (iova + (bytes - 1) < iova) {
		fuzz_must(pieces == -EINVAL);
		return;
	}
	number = expect_pieces(machine, subject, iova, iova + (bytes - 1), access, expected, most, &should_be, &why, &full);
	if (pieces != number && !(full && number == -EFAULT && pieces == (int)most))
		fuzz_wrong("IOVA %#" PRIx64 ", %" PRIu64 " bytes: returned %d, should be %d", iova, bytes, pieces, number);
	if (pieces == -EFAULT) {
		/* A reader need not know the reason of a fault. */
		known = why.reason == VIOMMU_FAULT_BLOCKED || why.reason == VIOMMU_FAULT_APERTURE || why.reason == VIOMMU_FAULT_PROTECTION;
		fuzz_must(fault.reason == why.reason || (!known && fault.reason == VIOMMU_FAULT_NOT_PRESENT) || machine->format->loose);
		fuzz_must((fault.iova ^ why.iova) < PAGE && fault.access == access);
		return;
	}
	fuzz_must(translated == should_be);
	for (int i = 0; i < pieces; i++)
		fuzz_must(piece[i].hva == expected[i].hva && piece[i].bytes == expected[i].bytes);
}
