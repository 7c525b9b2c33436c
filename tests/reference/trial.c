/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Comparing the library with the model. */
#include "trial.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct trial_seen trial_seen;
bool trial_trace;

void trial_disagree(struct trial *trial, const char *format, ...)
{
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	print_error("mode %s, seed %" PRIu64 ", operation %u (%s): %s\n", trial->mode->name, trial->seed, trial->operation, trial->doing, what);
	print_error("again: test-random --mode %s --seed %" PRIu64 "\n", trial->mode->name, trial->seed);
	fail();
	abort(); /* not reached: fail() leaves the test */
}

void trial_doing(struct trial *trial, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(trial->doing, sizeof(trial->doing), format, arguments);
	va_end(arguments);
	if (trial_trace)
		fprintf(stderr, "%u: %s\n", trial->operation, trial->doing);
}

static const char *describe(const struct model_page *page, char text[64])
{
	if (!page)
		return "nothing";
	snprintf(text, 64, "%#" PRIx64 " %s", page->gpa, page->writable ? "rw" : "r");
	return text;
}

/* Looking at a domain: the runs that it reports, page by page. */
struct look {
	struct model_list list;
	struct viommu_run before;
	uint64_t first, last;
	const char *wrong;
	uint64_t wrong_at;
};

static int look_at_run(void *ctx, const struct viommu_run *run)
{
	struct look *look = ctx;
	bool again = look->before.prot != 0;

	look->wrong_at = run->first;
	if (run->first % PAGE || run->last % PAGE != PAGE - 1 || run->gpa % PAGE || run->last < run->first || run->first < look->first ||
	    run->last > look->last)
		look->wrong = "a run that is not whole pages, or outside what was asked for";
	else if (run->prot != VIOMMU_READ && run->prot != VIOMMU_RW)
		look->wrong = "a run with rights that do not exist";
	else if (again && run->first <= look->before.last)
		look->wrong = "runs out of order";
	else if (again && run->first == look->before.last + 1 && run->gpa == look->before.gpa + (run->first - look->before.first) &&
		 run->prot == look->before.prot)
		look->wrong = "a run that is not maximal";
	if (look->wrong)
		return 1;
	look->before = *run;
	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE)
		model_list_add(&look->list, (struct model_page){ run->first + at, run->gpa + at, run->prot == VIOMMU_RW });
	return 0;
}

static void look(struct trial *trial, unsigned int s, uint64_t first, uint64_t last, struct model_list *list)
{
	struct look look = { .list = *list, .first = first, .last = last };

	look.list.count = 0;
	if (viommu_domain_each_run(trial->subject[s].domain, first, last, look_at_run, &look))
		trial_disagree(trial, "domain %u reports %s, at IOVA %#" PRIx64, s, look.wrong, look.wrong_at);
	*list = look.list;
}

void trial_look(struct trial *trial, unsigned int s, struct model_list *list)
{
	look(trial, s, 0, UINT64_MAX, list);
}

void trial_check_pages(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
{
	const struct model_list *should = &trial->subject[s].model.list;
	static struct model_list list; /* kept, for its memory */
	uint64_t i = 0;

	look(trial, s, first, last, &list);
	for (uint64_t n = 0; n < should->count; n++) {
		const struct model_page *page = &should->pages[n];
		char a[64], b[64];

		if (page->iova < first || page->iova > last)
			continue;
		if (i < list.count && list.pages[i].iova < page->iova)
			trial_disagree(trial, "domain %u: IOVA %#" PRIx64 " should have nothing, has %s", s, list.pages[i].iova, describe(&list.pages[i], a));
		if (i == list.count || !model_same(&list.pages[i], page))
			trial_disagree(trial, "domain %u: IOVA %#" PRIx64 " should have %s, has %s", s, page->iova, describe(page, a),
				       describe(i < list.count && list.pages[i].iova == page->iova ? &list.pages[i] : NULL, b));
		i++;
	}
	if (i < list.count) {
		char a[64];

		trial_disagree(trial, "domain %u: IOVA %#" PRIx64 " should have nothing, has %s", s, list.pages[i].iova, describe(&list.pages[i], a));
	}
}

uint64_t trial_guest_bytes(const struct trial *trial)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < trial->world.memory.count; i++)
		bytes += trial->world.memory.slots[i].bytes;
	return bytes;
}

uint64_t trial_charge(struct trial *trial, unsigned int subject, const struct model_list *list)
{
	const struct model_list *lists[SUBJECTS];

	if (trial->mode->pin == VIOMMU_PIN_GUEST)
		return trial_guest_bytes(trial);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		lists[s] = s == subject ? list : &trial->subject[s].model.list;
	return PAGE * model_distinct(&trial->world.memory, lists, SUBJECTS);
}

struct viommu_vm_stats trial_vm_stats(const struct trial *trial)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(trial->vm, &stats);
	return stats;
}

void trial_check(struct trial *trial)
{
	struct viommu_vm_stats vm = trial_vm_stats(trial);
	uint32_t domains = 0;

	for (unsigned int s = 0; s < SUBJECTS; s++) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };
		uint32_t devices = 0;

		if (!trial->subject[s].domain)
			continue;
		domains++;
		for (unsigned int u = 0; u < UNITS; u++)
			devices += trial->unit[u].at == (int)s;
		trial_check_pages(trial, s, 0, UINT64_MAX);
		viommu_domain_stats(trial->subject[s].domain, &stats);
		if (stats.mapped_pages != trial->subject[s].model.list.count)
			trial_disagree(trial, "domain %u: mapped_pages is %" PRIu64 ", should be %" PRIu64, s, stats.mapped_pages,
				       trial->subject[s].model.list.count);
		if (stats.established - stats.released != stats.mapped_pages)
			trial_disagree(trial, "domain %u: %" PRIu64 " established, %" PRIu64 " released, %" PRIu64 " mapped", s, stats.established,
				       stats.released, stats.mapped_pages);
		if (stats.mapped_pages_peak < stats.mapped_pages)
			trial_disagree(trial, "domain %u: mapped_pages_peak is %" PRIu64, s, stats.mapped_pages_peak);
		if (stats.devices != devices)
			trial_disagree(trial, "domain %u: %" PRIu32 " devices, should be %" PRIu32, s, stats.devices, devices);
	}
	if (trial->mock && trial->mock->breaches)
		trial_disagree(trial, "the mock host: %s", trial->mock->breach);
	if (trial->stale)
		trial->pinned = trial_charge(trial, SUBJECTS, NULL);
	trial->stale = false;
	if (vm.pinned_bytes != trial->pinned)
		trial_disagree(trial, "pinned_bytes is %" PRIu64 ", should be %" PRIu64, vm.pinned_bytes, trial->pinned);
	if (vm.pinned_bytes_peak < vm.pinned_bytes || vm.shadow_bytes_peak < vm.shadow_bytes)
		trial_disagree(trial, "a peak is less than what is there now");
	if (vm.domains != domains || vm.devices != UNITS || vm.slots != trial->world.memory.count || vm.guest_bytes != trial_guest_bytes(trial))
		trial_disagree(trial, "the VM has %" PRIu32 " domains, %" PRIu32 " devices, %" PRIu32 " slots, %" PRIu64 " bytes", vm.domains, vm.devices,
			       vm.slots, vm.guest_bytes);
}

uint32_t trial_reason_of(enum naive_outcome outcome)
{
	switch (outcome) {
	case NAIVE_PAGE:
		return VIOMMU_FAULT_NONE;
	case NAIVE_NOTHING:
		return VIOMMU_FAULT_NOT_PRESENT;
	case NAIVE_OUTSIDE:
		return VIOMMU_FAULT_APERTURE;
	case NAIVE_LEAF_UNBACKED:
		return VIOMMU_FAULT_LEAF_UNBACKED;
	case NAIVE_TABLE_UNBACKED:
		return VIOMMU_FAULT_TABLE_UNBACKED;
	case NAIVE_TYPE:
		return VIOMMU_FAULT_ENTRY_TYPE;
	case NAIVE_LENGTH:
		return VIOMMU_FAULT_ENTRY_LENGTH;
	case NAIVE_FORMAT:
		return VIOMMU_FAULT_ENTRY_FORMAT;
	case NAIVE_ZERO:
		return VIOMMU_FAULT_ENTRY_ZERO;
	}
	return UINT32_MAX;
}

uint64_t trial_adopt(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
{
	struct model_domain *model = &trial->subject[s].model;
	struct model_list list = { 0 };
	uint64_t before = 0, outside = 0;

	look(trial, s, 0, UINT64_MAX, &list);
	for (uint64_t i = 0; i < list.count; i++) {
		const struct model_page *page = &list.pages[i];
		char a[64], b[64];

		if (page->iova < first || page->iova > last) {
			const struct model_page *old = model_at(model, page->iova);

			if (!old || !model_same(page, old))
				trial_disagree(trial, "domain %u: IOVA %#" PRIx64 ", outside the range, had %s, has %s", s, page->iova, describe(old, a),
					       describe(page, b));
			before++;
		} else {
			struct naive_answer answer = naive_walk(&trial->world.memory, &model->tables, page->iova);

			if (answer.outcome != NAIVE_PAGE || answer.gpa != page->gpa || answer.writable != page->writable)
				trial_disagree(trial, "domain %u: IOVA %#" PRIx64 " is stale: has %s, tables say %s %#" PRIx64, s, page->iova,
					       describe(page, a), naive_outcome_name(answer.outcome), answer.gpa);
		}
	}
	for (uint64_t i = 0; i < model->list.count; i++)
		outside += model->list.pages[i].iova < first || model->list.pages[i].iova > last;
	if (outside != before && !trial->mode->entries)
		trial_disagree(trial, "domain %u: %" PRIu64 " pages outside the range are gone", s, outside - before);
	model_list_free(&model->list);
	model->list = list;
	return outside - before;
}
