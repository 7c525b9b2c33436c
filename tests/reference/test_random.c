/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library against the reference, on random operations of a hostile guest. One trial is one VM: its tables are written at random, ranges are refreshed, slots,
 * domains and attachments come and go, and after every operation
 *
 *  - each domain translates exactly what the model says, or, where resources were short, each page of the refreshed range is as the tables say or absent;
 *  - what is charged is 4096 bytes for each page that any domain names, counted once (or all slots, if the guest is pinned);
 *  - what a refresh says that it did is what was done, and its fault is the malformed entry with the lowest IOVA;
 *  - "insufficient resources" is said only if something does not fit: never on an exact fit;
 *
 * and at the end nothing is left charged or allocated. Readers and viommu_domain_walk() are asked at random IOVAs, and must agree as well.
 *
 * Seeds are fixed: a run is the same each time. On disagreement, the seed, the operation and what it was are printed; --seed does that trial alone.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/hosts.h>
#include <viommu/reader.h>
#include <viommu/vm.h>

#include "host_whole.h"
#include "model.h"
#include "world.h"

#define PAGE		 UINT64_C(4096)
#define SUBJECTS	 3
#define UNITS		 3
#define TRIAL_OPERATIONS 1000

/* What a trial is about. */
struct mode {
	const char *name;
	unsigned int hostility;
	enum viommu_pin_policy pin;
	bool budgets; /* the pin budget is short now and then */
	bool limits;  /* so are memory and entries */
	bool qemu;
	bool whole;   /* a host that removes only whole mappings; else the soft one */
	bool entries; /* of which it holds few */
};

static const struct mode modes[] = {
	{ "ample", 8, VIOMMU_PIN_ON_REFRESH, false, false, false, false, false },    { "pinned_guest", 8, VIOMMU_PIN_GUEST, true, false, false, false, false },
	{ "budgets", 4, VIOMMU_PIN_ON_REFRESH, true, false, false, false, false },   { "limits", 10, VIOMMU_PIN_ON_REFRESH, true, true, false, false, false },
	{ "qemu", 6, VIOMMU_PIN_ON_REFRESH, false, false, true, false, false },	     { "whole", 4, VIOMMU_PIN_ON_REFRESH, true, false, false, true, false },
	{ "whole_pinned", 4, VIOMMU_PIN_GUEST, false, false, false, true, false },   { "entries", 4, VIOMMU_PIN_ON_REFRESH, false, false, false, true, true },
	{ "hostile", 25, VIOMMU_PIN_ON_REFRESH, false, false, false, false, false },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

/* More than this the model does not look for. With limits, the library must have given up before that. */
static const struct model_limits ample_limits = { 400000, 12000 };
static const struct model_limits short_limits = { 400000, 150000 };
#define MOST_REFRESH_ENTRIES 100000

/* A nested domain, and what it should be. */
struct subject {
	struct viommu_domain *domain;
	struct model_domain model;
};

/* A device, its reader, and the subject that it is attached to, -1 for none. */
struct unit {
	struct viommu_device *device;
	struct viommu_reader *reader;
	int at;
};

struct trial {
	const struct mode *mode;
	struct world world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	uint64_t lowest, highest; /* IOVAs of the host */
	uint64_t budget;
	struct subject subject[SUBJECTS];
	struct unit unit[UNITS];
	uint64_t pinned; /* what the model says now */
	bool stale;	 /* and has to say anew */
	uint64_t seed;
	unsigned int operation;
	char doing[256];
};

/* What the whole run saw, so that one can see that it saw something. */
static struct {
	uint64_t operations, refreshes, ok, faults, insufficient, exact_fits, too_large, pages, unbacked, translated, refused, walks, domains, slots;
} seen;

static uint64_t one_seed;
static bool trace;

__attribute__((noreturn, format(printf, 2, 3))) static void disagree(struct trial *trial, const char *format, ...)
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

__attribute__((format(printf, 2, 3))) static void doing(struct trial *trial, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(trial->doing, sizeof(trial->doing), format, arguments);
	va_end(arguments);
	if (trace)
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
		disagree(trial, "domain %u reports %s, at IOVA %#" PRIx64, s, look.wrong, look.wrong_at);
	*list = look.list;
}

static bool same(const struct model_page *a, const struct model_page *b)
{
	return a->iova == b->iova && a->gpa == b->gpa && a->writable == b->writable;
}

/* The pages of a subject in first..last are those of the model. */
static void check_pages(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
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
			disagree(trial, "domain %u: IOVA %#" PRIx64 " should have nothing, has %s", s, list.pages[i].iova, describe(&list.pages[i], a));
		if (i == list.count || !same(&list.pages[i], page))
			disagree(trial, "domain %u: IOVA %#" PRIx64 " should have %s, has %s", s, page->iova, describe(page, a),
				 describe(i < list.count && list.pages[i].iova == page->iova ? &list.pages[i] : NULL, b));
		i++;
	}
	if (i < list.count) {
		char a[64];

		disagree(trial, "domain %u: IOVA %#" PRIx64 " should have nothing, has %s", s, list.pages[i].iova, describe(&list.pages[i], a));
	}
}

static uint64_t guest_bytes(const struct trial *trial)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < trial->world.memory.count; i++)
		bytes += trial->world.memory.slots[i].bytes;
	return bytes;
}

/* What is charged if a subject's list is list and the others' are as they are. */
static uint64_t charge(struct trial *trial, unsigned int subject, const struct model_list *list)
{
	const struct model_list *lists[SUBJECTS];

	if (trial->mode->pin == VIOMMU_PIN_GUEST)
		return guest_bytes(trial);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		lists[s] = s == subject ? list : &trial->subject[s].model.list;
	return PAGE * model_distinct(&trial->world.memory, lists, SUBJECTS);
}

static struct viommu_vm_stats vm_stats(const struct trial *trial)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	viommu_vm_stats(trial->vm, &stats);
	return stats;
}

static void check_everything(struct trial *trial)
{
	struct viommu_vm_stats vm = vm_stats(trial);
	uint32_t domains = 0;

	for (unsigned int s = 0; s < SUBJECTS; s++) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };
		uint32_t devices = 0;

		if (!trial->subject[s].domain)
			continue;
		domains++;
		for (unsigned int u = 0; u < UNITS; u++)
			devices += trial->unit[u].at == (int)s;
		check_pages(trial, s, 0, UINT64_MAX);
		viommu_domain_stats(trial->subject[s].domain, &stats);
		if (stats.mapped_pages != trial->subject[s].model.list.count)
			disagree(trial, "domain %u: mapped_pages is %" PRIu64 ", should be %" PRIu64, s, stats.mapped_pages,
				 trial->subject[s].model.list.count);
		if (stats.established - stats.released != stats.mapped_pages)
			disagree(trial, "domain %u: %" PRIu64 " established, %" PRIu64 " released, %" PRIu64 " mapped", s, stats.established, stats.released,
				 stats.mapped_pages);
		if (stats.mapped_pages_peak < stats.mapped_pages)
			disagree(trial, "domain %u: mapped_pages_peak is %" PRIu64, s, stats.mapped_pages_peak);
		if (stats.devices != devices)
			disagree(trial, "domain %u: %" PRIu32 " devices, should be %" PRIu32, s, stats.devices, devices);
	}
	if (trial->mode->whole && host_whole_broken(trial->host))
		disagree(trial, "the host was given %s", host_whole_broken(trial->host));
	if (trial->stale)
		trial->pinned = charge(trial, SUBJECTS, NULL);
	trial->stale = false;
	if (vm.pinned_bytes != trial->pinned)
		disagree(trial, "pinned_bytes is %" PRIu64 ", should be %" PRIu64, vm.pinned_bytes, trial->pinned);
	if (vm.pinned_bytes_peak < vm.pinned_bytes || vm.shadow_bytes_peak < vm.shadow_bytes)
		disagree(trial, "a peak is less than what is there now");
	if (vm.domains != domains || vm.devices != UNITS || vm.slots != trial->world.memory.count || vm.guest_bytes != guest_bytes(trial))
		disagree(trial, "the VM has %" PRIu32 " domains, %" PRIu32 " devices, %" PRIu32 " slots, %" PRIu64 " bytes", vm.domains, vm.devices, vm.slots,
			 vm.guest_bytes);
}

static uint32_t reason_of(enum naive_outcome outcome)
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

static void check_fault(struct trial *trial, const struct viommu_fault *fault, const struct model_found *found)
{
	const struct naive_answer *should = &found->fault;

	if (fault->reason != reason_of(should->outcome) || fault->iova != found->fault_iova || fault->entry_gpa != should->entry_gpa ||
	    fault->entry != should->entry || fault->level != should->level || fault->access)
		disagree(trial,
			 "fault: reason %" PRIu32 " IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %" PRIu32 ", should be %s (%" PRIu32
			 ") IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %u",
			 fault->reason, fault->iova, fault->entry, fault->entry_gpa, fault->level, naive_outcome_name(should->outcome),
			 reason_of(should->outcome), found->fault_iova, should->entry, should->entry_gpa, should->level);
}

/*
 * Resources were short: what is there now must be what was there, outside first..last, and what the tables say or nothing, inside. The model takes over what
 * the library chose. Returns how many pages outside are gone: that can only be where a mapping had to be taken apart, and the host had no entry for the rest.
 */
static uint64_t adopt(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
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

			if (!old || !same(page, old))
				disagree(trial, "domain %u: IOVA %#" PRIx64 ", outside the range, had %s, has %s", s, page->iova, describe(old, a),
					 describe(page, b));
			before++;
		} else {
			struct naive_answer answer = naive_walk(&trial->world.memory, &model->tables, page->iova);

			if (answer.outcome != NAIVE_PAGE || answer.gpa != page->gpa || answer.writable != page->writable)
				disagree(trial, "domain %u: IOVA %#" PRIx64 " is stale: has %s, tables say %s %#" PRIx64, s, page->iova, describe(page, a),
					 naive_outcome_name(answer.outcome), answer.gpa);
		}
	}
	for (uint64_t i = 0; i < model->list.count; i++)
		outside += model->list.pages[i].iova < first || model->list.pages[i].iova > last;
	if (outside != before && !trial->mode->entries)
		disagree(trial, "domain %u: %" PRIu64 " pages outside the range are gone", s, outside - before);
	model_list_free(&model->list);
	model->list = list;
	return outside - before;
}

static uint64_t pages_in(const struct model_list *list, uint64_t first, uint64_t last)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < list->count; i++)
		count += list->pages[i].iova >= first && list->pages[i].iova <= last;
	return count;
}

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
	outlook->fits = trial->mode->pin == VIOMMU_PIN_GUEST || charge(trial, s, &outlook->next.list) <= trial->budget;
	return true;
}

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
			disagree(trial, "device %u at IOVA %#" PRIx64 ", access %" PRIu32 ": returned %d, %p, should be %s", u, iova, access, rc, piece.hva,
				 should ? "translated" : "refused");
		seen.translated += should;
		seen.refused += !should;
	}
}

/* After a refresh: what was there before, and what is there now. All of it now and then, else a few. */
static void probe_lists(struct trial *trial, unsigned int s, const struct model_list *before)
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

/* Everything fits, so that there is no choice. */
static void judge_full(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	struct model_domain *model = &trial->subject[s].model;
	const struct model_found *found = &outlook->found;

	if (rc != (found->faulty ? -EFAULT : 0))
		disagree(trial, "returned %d, should be %d (%" PRIu64 " pages in range, needs %" PRIu64 " of %" PRIu64 " bytes)", rc,
			 found->faulty ? -EFAULT : 0, found->list.count, charge(trial, s, &outlook->next.list), trial->budget);
	if (result->unestablished)
		disagree(trial, "%" PRIu64 " pages unestablished, although all fit", result->unestablished);
	if (result->established < outlook->established || result->released < outlook->released)
		disagree(trial, "says %" PRIu64 " established and %" PRIu64 " released, where %" PRIu64 " and %" PRIu64 " were due", result->established,
			 result->released, outlook->established, outlook->released);
	if (result->unbacked != found->unbacked)
		disagree(trial, "says %" PRIu64 " unbacked, should be %" PRIu64, result->unbacked, found->unbacked);
	model_list_free(&model->list);
	model->list = outlook->next.list;
	outlook->next.list = (struct model_list){ 0 };
	seen.exact_fits += trial->budget == charge(trial, s, &model->list) && found->list.count;
}

/* It need not fit, or does not: what is there is looked at, and the answer must be one that goes with it. */
static void judge_short(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	const struct model_found *found = &outlook->found;
	uint64_t gone = adopt(trial, s, outlook->first, outlook->last);
	uint64_t missing = gone + found->list.count - pages_in(&trial->subject[s].model.list, outlook->first, outlook->last);

	seen.too_large += found->too_large;
	if (trial->mode->limits) {
		/* How much of the limits is used is the library's matter; an answer is wrong only if it says too much. */
		if (rc == 0 ? missing || found->faulty || found->too_large : rc != -ENOSPC && !(rc == -EFAULT && found->faulty))
			disagree(trial, "returned %d with %" PRIu64 " pages missing", rc, missing);
		return;
	}
	/* What a full host could not take back when a mapping was taken apart may have found room later in the refresh. */
	if (trial->mode->entries && result->unestablished > missing)
		missing = result->unestablished;
	/* A budget may be less than what is pinned already, and then what needs no new pin still fits. */
	if (rc != (found->faulty ? -EFAULT : missing ? -ENOSPC : 0) || result->unestablished != missing)
		disagree(trial, "returned %d and says %" PRIu64 " unestablished, with %" PRIu64 " pages missing (needs %" PRIu64 " of %" PRIu64 " bytes)", rc,
			 result->unestablished, missing, charge(trial, s, &outlook->next.list), trial->budget);
	if (result->unbacked != found->unbacked)
		disagree(trial, "says %" PRIu64 " unbacked, should be %" PRIu64, result->unbacked, found->unbacked);
}

/* Was the answer to a refresh, or to a creation that made a domain, the right one? Then the model follows. */
static void judge(struct trial *trial, unsigned int s, struct outlook *outlook, int rc, const struct viommu_refresh_result *result)
{
	struct model_list before = { 0 };
	uint64_t after;

	for (uint64_t i = 0; i < trial->subject[s].model.list.count; i++)
		model_list_add(&before, trial->subject[s].model.list.pages[i]);
	seen.refreshes++;
	seen.ok += rc == 0;
	seen.faults += rc == -EFAULT;
	seen.insufficient += rc == -ENOSPC;
	seen.unbacked += outlook->found.unbacked;
	seen.pages += outlook->found.list.count;
	if (result->steps == 0)
		disagree(trial, "a refresh without a step");
	if (rc == -EFAULT)
		check_fault(trial, &result->fault, &outlook->found);
	else if (result->fault.reason != VIOMMU_FAULT_NONE)
		disagree(trial, "returned %d with a fault of reason %" PRIu32, rc, result->fault.reason);
	if (outlook->fits && !trial->mode->limits && !trial->mode->entries)
		judge_full(trial, s, outlook, rc, result);
	else
		judge_short(trial, s, outlook, rc, result);
	after = trial->subject[s].model.list.count;
	if (result->established - result->released != after - before.count)
		disagree(trial, "says %" PRIu64 " established and %" PRIu64 " released, from %" PRIu64 " pages to %" PRIu64, result->established,
			 result->released, before.count, after);
	probe_lists(trial, s, &before);
	model_list_free(&before);
	trial->stale = true;
}

/* Was there a reason to refuse a domain? */
static void judge_refusal(struct trial *trial, const struct outlook *outlook, int rc)
{
	seen.insufficient += rc == -ENOSPC;
	if (trial->mode->limits && (rc == -ENOSPC || rc == -ENOMEM))
		return;
	if (rc != -ENOSPC || (outlook->fits && !trial->mode->entries))
		disagree(trial, "returned %d, needs %" PRIu64 " of %" PRIu64 " bytes", rc, charge(trial, SUBJECTS, NULL), trial->budget);
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

static void forget(struct trial *trial, unsigned int s)
{
	struct subject *subject = &trial->subject[s];

	viommu_domain_destroy(subject->domain);
	subject->domain = NULL;
	model_list_free(&subject->model.list);
	for (unsigned int u = 0; u < UNITS; u++)
		if (trial->unit[u].at == (int)s)
			trial->unit[u].at = -1;
	trial->stale = true;
}

static void refresh(struct trial *trial, unsigned int s, uint64_t first, uint64_t last)
{
	struct subject *subject = &trial->subject[s];
	struct viommu_refresh_result result = { .size = sizeof(result) };
	uint64_t from = first, to = last;
	struct viommu_vm_stats before = vm_stats(trial), after;
	struct outlook outlook;
	int rc;

	doing(trial, "refresh domain %u, %#" PRIx64 " to %#" PRIx64, s, first, last);
	if (!model_clip(&subject->model.tables, &from, &to)) {
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		if (rc != -ERANGE || result.established || result.released)
			disagree(trial, "returned %d, should be -ERANGE", rc);
		return;
	}
	if (!look_ahead(trial, s, from, to, &outlook)) {
		forget(trial, s);
		return;
	}
	rc = viommu_domain_refresh(subject->domain, first, last, &result);
	judge(trial, s, &outlook, rc, &result);
	after = vm_stats(trial);
	if (trial->mode->pin == VIOMMU_PIN_ON_REFRESH &&
	    (after.pinned_bytes > (before.pinned_bytes > trial->budget ? before.pinned_bytes : trial->budget) ||
	     after.pinned_bytes_peak > (before.pinned_bytes_peak > trial->budget ? before.pinned_bytes_peak : trial->budget)))
		disagree(trial, "%" PRIu64 " bytes are pinned, %" PRIu64 " were at a time, with a budget of %" PRIu64, after.pinned_bytes,
			 after.pinned_bytes_peak, trial->budget);

	if (rc == 0 && world_chance(&trial->world, 20)) {
		/* Again: nothing is to be done. */
		rc = viommu_domain_refresh(subject->domain, first, last, &result);
		if (rc || result.established || result.released || result.unestablished)
			disagree(trial, "again: returned %d, %" PRIu64 " established, %" PRIu64 " released", rc, result.established, result.released);
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

static void create(struct trial *trial, unsigned int s)
{
	struct subject *subject = &trial->subject[s];
	struct naive_tables tables;

	world_draw_tables(&trial->world, trial->mode->qemu && world_chance(&trial->world, 90), trial->highest, &tables);
	subject->model = (struct model_domain){ .tables = tables };
	for (unsigned int attempt = 0; attempt < 6 && !subject->domain; attempt++) {
		struct viommu_refresh_result result = { .size = sizeof(result) };
		struct viommu_vm_stats before = vm_stats(trial), after;
		struct outlook outlook;
		int rc;

		doing(trial, "create domain %u, IOTA %#" PRIx64 ", %#" PRIx64 " to %#" PRIx64 "%s", s, tables.iota, tables.pba, tables.pal,
		      tables.qemu ? ", as QEMU" : "");
		if (!look_ahead(trial, s, tables.pba, tables.pal, &outlook))
			return;
		rc = zpci_create(trial, &tables, &result, &subject->domain);
		if (!rc != !!subject->domain)
			disagree(trial, "returned %d, and %s domain", rc, subject->domain ? "a" : "no");
		/* A malformed table is no obstacle to a registration. */
		if (rc)
			judge_refusal(trial, &outlook, rc);
		else
			judge(trial, s, &outlook, result.fault.reason == VIOMMU_FAULT_NONE ? 0 : -EFAULT, &result);
		after = vm_stats(trial);
		if (rc && (after.pinned_bytes != before.pinned_bytes || after.shadow_bytes != before.shadow_bytes || after.domains != before.domains))
			disagree(trial, "returned %d and left %" PRId64 " bytes pinned, %" PRId64 " of shadow", rc, after.pinned_bytes - before.pinned_bytes,
				 after.shadow_bytes - before.shadow_bytes);
		mend(trial, &outlook.found);
		if (outlook.found.too_large)
			world_wipe(&trial->world);
		outlook_free(&outlook);
	}
	seen.domains += subject->domain != NULL;
}

static void create_refused(struct trial *trial)
{
	static const uint64_t bad[] = { 0, 0x4, 0x810, 0x812, 0x814, 0x818, 0x81c, 0x1804, 0xc04 };
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_domain *domain = NULL;
	struct naive_tables tables = { .iota = bad[world_below(&trial->world, 7)], .pba = trial->lowest, .pal = trial->highest };
	int rc;

	doing(trial, "create with IOTA %#" PRIx64, tables.iota);
	rc = zpci_create(trial, &tables, &result, &domain);
	if (rc != -EINVAL || domain)
		disagree(trial, "returned %d, should be -EINVAL", rc);
}

/* Slots */

static void add_slot(struct trial *trial, struct world_place *place)
{
	struct viommu_slot slot = { .size = sizeof(slot), .fd = -1 };
	int should = 0;
	int rc;

	world_choose_slot(&trial->world, place);
	slot.gpa = place->slot_gpa;
	slot.bytes = place->slot_bytes;
	slot.hva = place->memory + (place->slot_gpa - place->gpa);
	slot.prot = place->writable ? VIOMMU_RW : VIOMMU_READ;
	doing(trial, "add slot %#" PRIx64 ", %" PRIu64 " bytes, %s", slot.gpa, slot.bytes, place->writable ? "rw" : "r");
	if (trial->mode->pin == VIOMMU_PIN_GUEST && guest_bytes(trial) + slot.bytes > trial->budget)
		should = -EDQUOT;
	rc = viommu_slot_add(trial->vm, &slot);
	if (rc != should)
		disagree(trial, "returned %d, should be %d", rc, should);
	if (rc)
		return;
	world_show(&trial->world, place, true);
	rc = viommu_slot_add(trial->vm, &slot);
	if (rc != -EEXIST)
		disagree(trial, "a second time: returned %d, should be -EEXIST", rc);
	trial->stale = true;
	seen.slots++;
}

static void remove_slot(struct trial *trial, struct world_place *place)
{
	int rc;

	doing(trial, "remove slot %#" PRIx64 ", %" PRIu64 " bytes", place->slot_gpa, place->slot_bytes);
	rc = viommu_slot_remove(trial->vm, place->slot_gpa);
	if (rc)
		disagree(trial, "returned %d", rc);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		model_drop(&trial->subject[s].model, place->slot_gpa, place->slot_bytes);
	/* A mapping that went on into another slot was taken apart, and the host may have had no entry for the rest. */
	for (unsigned int s = 0; trial->mode->entries && s < SUBJECTS; s++)
		if (trial->subject[s].domain)
			adopt(trial, s, 1, 0);
	world_show(&trial->world, place, false);
	rc = viommu_slot_remove(trial->vm, place->slot_gpa);
	if (rc != -ENOENT)
		disagree(trial, "a second time: returned %d, should be -ENOENT", rc);
	trial->stale = true;
}

static void change_slots(struct trial *trial)
{
	struct world_place *place = &trial->world.place[world_below(&trial->world, WORLD_PLACES)];

	/* The two large ones hold most tables, and do not go as often. */
	if (place->bytes > 300000 && world_chance(&trial->world, 70))
		place = &trial->world.place[world_below(&trial->world, WORLD_PLACES)];
	if (place->present)
		remove_slot(trial, place);
	if (!place->present && world_chance(&trial->world, 70))
		add_slot(trial, place);
}

/* Devices and readers */

static void detach(struct trial *trial, unsigned int u)
{
	int rc;

	doing(trial, "detach device %u from domain %d", u, trial->unit[u].at);
	rc = viommu_device_detach(trial->unit[u].device);
	if (rc)
		disagree(trial, "returned %d", rc);
	trial->unit[u].at = -1;
}

static void attach(struct trial *trial, unsigned int u, unsigned int s)
{
	struct unit *unit = &trial->unit[u];
	int should = unit->at == -1 || unit->at == (int)s ? 0 : -EBUSY;
	int rc;

	doing(trial, "attach device %u, of domain %d, to domain %u", u, unit->at, s);
	rc = viommu_domain_attach(trial->subject[s].domain, unit->device);
	if (rc != should)
		disagree(trial, "returned %d, should be %d", rc, should);
	if (!rc)
		unit->at = (int)s;
}

/* A reader follows its device: what it knew of one domain is nothing to it in the next. */
static void change_attachment(struct trial *trial)
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
			*reason = !model ? VIOMMU_FAULT_BLOCKED : reason_of(naive_walk(&trial->world.memory, &model->tables, iova).outcome);
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

static void translate(struct trial *trial)
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
	doing(trial, "translate device %u, domain %d, %" PRIu64 " bytes at %#" PRIx64 ", access %" PRIu32 ", %u pieces", u, unit->at, bytes, iova, access, max);
	rc = viommu_translate(unit->reader, iova, bytes, access, pieces, max, &translated, &fault);
	if (iova + (bytes - 1) < iova) {
		if (rc != -EINVAL)
			disagree(trial, "returned %d, should be -EINVAL", rc);
		return;
	}
	should = expect_pieces(trial, unit, iova, iova + (bytes - 1), access, should_pieces, max, &should_translated, &should_fault, &should_reason, &full);
	if (rc != should && !(full && should == -EFAULT && rc == (int)max))
		disagree(trial, "returned %d, should be %d", rc, should);
	seen.translated += rc > 0;
	seen.refused += rc < 0;
	if (rc == -EFAULT) {
		/* A reader need not know why the tables translate nothing, but it knows the rest. */
		bool right = fault.reason == should_reason;

		if (should_reason != VIOMMU_FAULT_BLOCKED && should_reason != VIOMMU_FAULT_APERTURE && should_reason != VIOMMU_FAULT_PROTECTION)
			right = right || fault.reason == VIOMMU_FAULT_NOT_PRESENT ||
				(should_reason == VIOMMU_FAULT_NONE && fault.reason == VIOMMU_FAULT_NOT_REFRESHED);
		if (!right || (fault.iova ^ should_fault) >= PAGE || fault.access != access)
			disagree(trial, "fault: reason %" PRIu32 " IOVA %#" PRIx64 " access %" PRIu32 ", should be %" PRIu32 ", %#" PRIx64 ", %" PRIu32,
				 fault.reason, fault.iova, fault.access, should_reason, should_fault, access);
		return;
	}
	if (translated != should_translated)
		disagree(trial, "translated %" PRIu64 " bytes, should be %" PRIu64, translated, should_translated);
	for (int i = 0; i < rc; i++)
		if (pieces[i].hva != should_pieces[i].hva || pieces[i].bytes != should_pieces[i].bytes)
			disagree(trial, "piece %d: %p, %" PRIu64 " bytes, should be %p, %" PRIu64, i, pieces[i].hva, pieces[i].bytes, should_pieces[i].hva,
				 should_pieces[i].bytes);
}

static void walk(struct trial *trial, unsigned int s)
{
	const struct model_domain *model = &trial->subject[s].model;
	uint64_t iova = world_draw_iova(&trial->world, &model->tables, &model->list);
	struct naive_answer should = naive_walk(&trial->world.memory, &model->tables, iova);
	struct viommu_run run = { 0 };
	struct viommu_fault fault = { .size = sizeof(fault) };
	int rc;

	doing(trial, "walk domain %u at %#" PRIx64, s, iova);
	rc = viommu_domain_walk(trial->subject[s].domain, iova, &run, &fault);
	seen.walks++;
	if (rc != (should.outcome == NAIVE_PAGE ? 0 : -EFAULT))
		disagree(trial, "returned %d, should be %s", rc, naive_outcome_name(should.outcome));
	if (rc == 0) {
		uint64_t bytes = should.level ? UINT64_C(0x100000) : PAGE;
		uint64_t first = iova & ~(bytes - 1);

		if (run.first != first || run.last != first + (bytes - 1) || run.gpa != should.gpa - (iova / PAGE * PAGE - first) ||
		    run.prot != (should.writable ? VIOMMU_RW : VIOMMU_READ))
			disagree(trial, "found %#" PRIx64 " to %#" PRIx64 " at %#" PRIx64 " %" PRIu32 ", should be %#" PRIx64 " at %#" PRIx64 " %s", run.first,
				 run.last, run.gpa, run.prot, iova, should.gpa, should.writable ? "rw" : "r");
		return;
	}
	if (fault.reason != reason_of(should.outcome) || fault.entry_gpa != should.entry_gpa ||
	    (should.outcome != NAIVE_OUTSIDE && (fault.entry != should.entry || fault.level != should.level)) || fault.iova > iova)
		disagree(trial,
			 "fault: reason %" PRIu32 " IOVA %#" PRIx64 " entry %#" PRIx64 " at %#" PRIx64 " level %" PRIu32 ", should be %s, %#" PRIx64
			 " at %#" PRIx64 " level %u",
			 fault.reason, fault.iova, fault.entry, fault.entry_gpa, fault.level, naive_outcome_name(should.outcome), should.entry,
			 should.entry_gpa, should.level);
}

/* The budget: none, a little more than is pinned, exactly what is pinned, or anything. */
static void change_budget(struct trial *trial)
{
	uint64_t now = vm_stats(trial).pinned_bytes;

	switch (world_below(&trial->world, 5)) {
	case 0:
		trial->budget = VIOMMU_NO_LIMIT;
		break;
	case 1:
		trial->budget = now;
		break;
	case 2:
		trial->budget = now + world_below(&trial->world, 30) * PAGE;
		break;
	case 3: /* Not whole pages: the rest is of no use. */
		trial->budget = now + world_below(&trial->world, 100000);
		break;
	default:
		trial->budget = world_below(&trial->world, 200) * PAGE;
		break;
	}
	doing(trial, "pin budget %#" PRIx64 ", %#" PRIx64 " are pinned", trial->budget, now);
	viommu_vm_set_pin_budget(trial->vm, trial->budget);
}

/* What a guest does that is told of insufficient resources, with exactly enough of them: everything must be there then. */
static void make_room(struct trial *trial, unsigned int s)
{
	const struct naive_tables tables = trial->subject[s].model.tables;
	struct outlook outlook;

	if (!look_ahead(trial, s, tables.pba, tables.pal, &outlook))
		return;
	if (!outlook.found.too_large) {
		trial->budget = charge(trial, s, &outlook.next.list);
		doing(trial, "pin budget %#" PRIx64 ", exactly enough", trial->budget);
		viommu_vm_set_pin_budget(trial->vm, trial->budget);
		refresh(trial, s, tables.pba, tables.pal);
	}
	outlook_free(&outlook);
}

static void operate(struct trial *trial)
{
	unsigned int s = world_below(&trial->world, SUBJECTS);
	unsigned int kind = world_below(&trial->world, 1000);
	struct subject *subject = &trial->subject[s];

	if (!subject->domain && kind >= 500) {
		create(trial, s);
	} else if (kind < 500 || !subject->domain) {
		unsigned int writes = 1 + world_below(&trial->world, 4);

		doing(trial, "write %u entries", writes);
		while (writes--) {
			if (subject->domain && world_chance(&trial->world, 50))
				world_map(&trial->world, &subject->model.tables);
			else
				world_write(&trial->world);
		}
	} else if (kind < 830) {
		uint64_t first, last;

		world_draw_range(&trial->world, &subject->model.tables, &subject->model.list, &first, &last);
		refresh(trial, s, first, last);
	} else if (kind < 900) {
		translate(trial);
	} else if (kind < 940) {
		walk(trial, s);
	} else if (kind < 955) {
		change_slots(trial);
	} else if (kind < 975) {
		change_attachment(trial);
	} else if (kind < 978) {
		doing(trial, "destroy domain %u", s);
		forget(trial, s);
	} else if (kind < 980) {
		create_refused(trial);
	} else if (kind < 985) {
		uint64_t first, last;

		world_draw_range(&trial->world, &subject->model.tables, &subject->model.list, &first, &last);
		doing(trial, "look at domain %u, %#" PRIx64 " to %#" PRIx64, s, first, last);
		first &= ~(PAGE - 1);
		last |= PAGE - 1;
		if (first <= last)
			check_pages(trial, s, first, last);
	} else if (trial->mode->budgets && (kind < 995 || trial->mode->pin == VIOMMU_PIN_GUEST)) {
		change_budget(trial);
	} else if (trial->mode->budgets) {
		make_room(trial, s);
	}
	check_everything(trial);
}

static void begin_trial(struct trial *trial, const struct mode *mode, uint64_t seed)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_host_caps caps = { .size = sizeof(caps) };

	memset(trial, 0, sizeof(*trial));
	trial->mode = mode;
	trial->seed = seed;
	trial->budget = VIOMMU_NO_LIMIT;
	world_init(&trial->world, seed * MODES + (uint64_t)(mode - modes), mode->hostility, mode->qemu);
	config.pin = mode->pin;
	/* Steps of any size must come to the same. */
	config.step_entries = world_chance(&trial->world, 50) ? 0 : 1 + world_below(&trial->world, 5000);
	if (mode->limits) {
		config.refresh_entries = 1000 + world_below(&trial->world, MOST_REFRESH_ENTRIES - 1000);
		config.shadow_bytes = (UINT64_C(64) << world_below(&trial->world, 9)) << 10;
	}
	doing(trial, "begin");
	if (mode->whole)
		trial->host = host_whole_create(mode->entries ? world_below(&trial->world, 1000) : VIOMMU_NO_LIMIT);
	else if (viommu_host_soft_create(&trial->host))
		trial->host = NULL;
	if (!trial->host || viommu_vm_create(&config, &trial->vm))
		disagree(trial, "no host, or no VM");
	viommu_host_caps(trial->host, &caps);
	trial->lowest = caps.first;
	trial->highest = caps.last;
	for (unsigned int u = 0; u < UNITS; u++) {
		trial->unit[u].at = -1;
		if (viommu_device_create(trial->vm, trial->host, &trial->unit[u].device) || viommu_reader_create(trial->unit[u].device, &trial->unit[u].reader))
			disagree(trial, "no device, or no reader");
	}
	for (unsigned int i = 0; i < WORLD_PLACES; i++)
		add_slot(trial, &trial->world.place[i]);
}

static void end_trial(struct trial *trial)
{
	struct viommu_vm_stats stats;

	/* The VM takes everything with it, or one thing goes after the other. */
	doing(trial, "end");
	if (world_chance(&trial->world, 70)) {
		for (unsigned int s = 0; s < SUBJECTS; s++) {
			forget(trial, s);
			check_everything(trial);
		}
		stats = vm_stats(trial);
		if (stats.shadow_bytes || (trial->mode->pin == VIOMMU_PIN_ON_REFRESH && stats.pinned_bytes))
			disagree(trial, "%" PRIu64 " bytes of shadow and %" PRIu64 " pinned are left", stats.shadow_bytes, stats.pinned_bytes);
		for (unsigned int i = 0; i < WORLD_PLACES; i++)
			if (trial->world.place[i].present)
				remove_slot(trial, &trial->world.place[i]);
		if (vm_stats(trial).pinned_bytes)
			disagree(trial, "%" PRIu64 " bytes are left pinned", vm_stats(trial).pinned_bytes);
		for (unsigned int u = 0; u < UNITS; u++)
			viommu_device_destroy(trial->unit[u].device);
	}
	viommu_vm_destroy(trial->vm);
	viommu_host_destroy(trial->host);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		model_list_free(&trial->subject[s].model.list);
	world_free(&trial->world);
}

static void run_trial(const struct mode *mode, uint64_t seed, unsigned int operations)
{
	struct trial trial;

	begin_trial(&trial, mode, seed);
	for (trial.operation = 1; trial.operation <= operations; trial.operation++) {
		operate(&trial);
		seen.operations++;
	}
	end_trial(&trial);
}

/* The command line */

static uint64_t operations = 120000;
static const char *only_mode;
static uint64_t first_seed = 1;

static void test_mode(void **state)
{
	const struct mode *mode = *state;
	uint64_t left = operations / (only_mode ? 1 : MODES);

	memset(&seen, 0, sizeof(seen));
	if (one_seed) {
		run_trial(mode, one_seed, TRIAL_OPERATIONS);
		return;
	}
	for (uint64_t seed = first_seed; left; seed++) {
		unsigned int now = left < TRIAL_OPERATIONS ? (unsigned int)left : TRIAL_OPERATIONS;

		run_trial(mode, seed, now);
		left -= now;
	}
	print_message("%s: %" PRIu64 " operations, %" PRIu64 " domains, %" PRIu64 " slots, %" PRIu64 " refreshes (%" PRIu64 " ok, %" PRIu64 " faults, %" PRIu64
		      " insufficient, %" PRIu64 " exact fits, %" PRIu64 " too large), %" PRIu64 " pages, %" PRIu64 " unbacked, %" PRIu64 " translated, %" PRIu64
		      " refused, %" PRIu64 " walks\n",
		      mode->name, seen.operations, seen.domains, seen.slots, seen.refreshes, seen.ok, seen.faults, seen.insufficient, seen.exact_fits,
		      seen.too_large, seen.pages, seen.unbacked, seen.translated, seen.refused, seen.walks);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	char *end = NULL;

	switch (key) {
	case 's':
		one_seed = strtoull(argument, &end, 0);
		break;
	case 'f':
		first_seed = strtoull(argument, &end, 0);
		break;
	case 'n':
		operations = strtoull(argument, &end, 0);
		break;
	case 'm':
		only_mode = argument;
		return 0;
	case 't':
		trace = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!*argument || *end)
		argp_error(state, "not a number: %s", argument);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "mode", 'm', "NAME", 0, "Only this mode", 0 },
		{ "seed", 's', "N", 0, "Only the trial of this seed", 0 },
		{ "first-seed", 'f', "N", 0, "Count seeds from here", 0 },
		{ "operations", 'n', "N", 0, "How many operations in all (VIOMMU_TEST_OPERATIONS)", 0 },
		{ "trace", 't', NULL, 0, "Print each operation", 0 },
		{ 0 },
	};
	static const struct argp argp = { options, parse, NULL, "Random operations of a hostile guest, library against reference.", NULL, NULL, NULL };
	const char *count = getenv("VIOMMU_TEST_OPERATIONS");
	struct CMUnitTest tests[MODES];
	unsigned int number = 0;

	if (count)
		operations = strtoull(count, NULL, 0);
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 1;
	for (size_t i = 0; i < MODES; i++)
		if (!only_mode || !strcmp(only_mode, modes[i].name))
			tests[number++] = (struct CMUnitTest){ .name = modes[i].name, .test_func = test_mode, .initial_state = (void *)(uintptr_t)&modes[i] };
	if (!number) {
		fprintf(stderr, "no such mode: %s\n", only_mode);
		return 1;
	}
	return _cmocka_run_group_tests("random", tests, number, NULL, NULL);
}
