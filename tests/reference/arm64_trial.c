/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/smmuv3.h>

#include "arm64_trial.h"

#include <errno.h>
#include <string.h>

#include "fuzz_must.h"

#define PAGE	UINT64_C(4096)
#define TABLES	10u		    /* at GPA 0, 64 KiB each */
#define ENTRIES (UINT64_C(1) << 19) /* of a refresh; two sets of tables have as many each */

static uint64_t draw(struct arm64_trial *trial, uint64_t bound)
{
	return trial->draw(trial->ctx, bound);
}

static unsigned int granule_shift(const struct arm64_trial *trial)
{
	return trial->tables.granule == 4 ? 12 : trial->tables.granule == 16 ? 14 : 16;
}

struct viommu_smmuv3_stage1 arm64_stage1(const struct arm64_tables *tables)
{
	static const unsigned int tg0[3] = { 0, 2, 1 }, tg1[3] = { 2, 1, 3 };
	unsigned int granule = tables->granule == 4 ? 0 : tables->granule == 16 ? 1 : 2;
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 48, .flags = tables->privileged ? VIOMMU_SMMUV3_PRIVILEGED : 0 };

	stage1.cd[0] = tables->t0sz | tg0[granule] << 6 | (uint64_t)tables->epd0 << 14 | (uint64_t)tables->t1sz << 16 | (uint64_t)tg1[granule] << 22 |
		       (uint64_t)tables->epd1 << 30 | UINT64_C(1) << 31 | (uint64_t)tables->ips << 32 | (uint64_t)tables->affd << 35 | UINT64_C(1) << 41;
	stage1.cd[1] = tables->ttb0 | (uint64_t)tables->had0 << 1;
	stage1.cd[2] = tables->ttb1 | (uint64_t)tables->had1 << 1;
	return stage1;
}

void arm64_trial_store(struct arm64_trial *trial, uint64_t gpa, uint64_t entry)
{
	for (unsigned int i = 0; i < 8; i++)
		trial->memory[gpa + i] = (unsigned char)(entry >> 8 * i);
}

/* A few indexes, so that paths meet. */
static uint64_t draw_index(struct arm64_trial *trial, uint64_t entries)
{
	static const uint64_t few[] = { 0, 1, 2, 63, 64, 255, 256 };

	if (draw(trial, 2))
		return few[draw(trial, 7)] % entries;
	return entries - 1 - few[draw(trial, 4)] % entries;
}

static uint64_t draw_entry(struct arm64_trial *trial)
{
	unsigned int shift = granule_shift(trial);
	uint64_t low = draw(trial, 8) ? 0x443 : draw(trial, 0x1000);
	uint64_t high = draw(trial, 4) ? 0 : draw(trial, 8) << 60;
	uint64_t read_only = draw(trial, 4) ? 0 : 0x80;

	switch (draw(trial, 8)) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3: /* a table */
		return high | draw(trial, TABLES) << 16 | 3;
	case 4: /* a block; mostly at 0, and of the slot that may not be written, too */
		return high | (draw(trial, 4) ? draw(trial, 2) * TRIAL_SLOT_BYTES : draw(trial, 1 << 20) << 21) | (low & ~UINT64_C(2)) | read_only;
	case 5: /* far away */
		return high | (draw(trial, UINT64_C(1) << 36) << 12 & ~((UINT64_C(1) << shift) - 1)) | low;
	default: /* a page, or what another level makes of it */
		return high | draw(trial, 2 * TRIAL_SLOT_BYTES >> shift) << shift | low | read_only;
	}
}

static void write_entries(struct arm64_trial *trial)
{
	uint64_t entries = UINT64_C(8192) >> (16 - granule_shift(trial));

	for (uint64_t n = 1 + draw(trial, 12); n; n--) {
		uint64_t table = draw(trial, TABLES) << 16, index = draw_index(trial, entries);
		uint64_t run = draw(trial, 3) ? 1 : 1 + draw(trial, 20), entry = draw_entry(trial);

		for (; run && index < entries; run--, index++) {
			arm64_trial_store(trial, table + index * 8, entry);
			entry += UINT64_C(1) << granule_shift(trial);
		}
	}
}

/* IOVAs whose indexes are those that entries are written at. */
static uint64_t draw_iova(struct arm64_trial *trial)
{
	const struct arm64_tables *tables = &trial->tables;
	bool upper = tables->epd0 || (!tables->epd1 && draw(trial, 2));
	unsigned int shift = granule_shift(trial), bits = 64 - (upper ? tables->t1sz : tables->t0sz);
	uint64_t iova = draw(trial, UINT64_C(1) << shift);

	for (unsigned int at = shift; at < bits; at += shift - 3)
		iova |= draw_index(trial, UINT64_C(1) << (shift - 3)) << at;
	iova &= (UINT64_C(1) << bits) - 1;
	return upper ? iova | ~((UINT64_C(1) << bits) - 1) : iova;
}

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct trial_list *list = ctx;

	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE) {
		if (list->pages == list->room) {
			list->room = list->room ? 2 * list->room : 4096;
			list->page = realloc(list->page, list->room * sizeof(struct trial_page));
			fuzz_must(list->page);
		}
		list->page[list->pages++] = (struct trial_page){ run->first + at, run->gpa + at, run->prot };
	}
	return 0;
}

static void take_list(const struct arm64_trial *trial, struct trial_list *list)
{
	list->pages = 0;
	viommu_domain_each_run(trial->domain, 0, UINT64_MAX, take_run, list);
}

/* Lists are ascending. */
static const struct trial_page *find(const struct trial_list *list, uint64_t iova)
{
	size_t lo = 0, hi = list->pages;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (list->page[mid].iova < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < list->pages && list->page[lo].iova == iova ? &list->page[lo] : NULL;
}

/* What the tables say of a page: no rights if it is not to be established. */
static uint32_t expected(const struct arm64_trial *trial, uint64_t iova, uint64_t *gpa)
{
	struct arm64_answer answer = naive_arm64_walk(&trial->naive, &trial->tables, iova);
	uint32_t prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0);
	bool writable = false;

	if (answer.outcome != ARM64_IS_PAGE || !naive_byte(&trial->naive, answer.address, &writable))
		return 0;
	*gpa = answer.address & ~(PAGE - 1);
	return prot & (writable ? VIOMMU_RW : VIOMMU_READ);
}

static void check_reached(const struct arm64_trial *trial, const struct trial_page *page)
{
	unsigned char *hva = NULL;
	uint32_t prot = 0;

	if (!mock_reach(trial->mock, trial->space, page->iova, &hva, &prot) || hva != trial->memory + page->gpa || prot != page->prot)
		fuzz_wrong("IOVA %#" PRIx64 " is not reached as it is reported", page->iova);
}

static void check_page(const struct arm64_trial *trial, const struct trial_page *page, uint64_t first, uint64_t last)
{
	const struct trial_page *old;
	uint64_t gpa = 0;

	if (page->iova >= first && page->iova <= last) {
		if (page->prot != expected(trial, page->iova, &gpa) || page->gpa != gpa)
			fuzz_wrong("IOVA %#" PRIx64 " leads to %#" PRIx64 ", and the tables say %#" PRIx64, page->iova, page->gpa, gpa);
		return;
	}
	old = find(&trial->before, page->iova);
	if (!old || old->gpa != page->gpa || old->prot != page->prot)
		fuzz_wrong("IOVA %#" PRIx64 " lies beside the range, and has changed", page->iova);
}

/* Of pages that the tables name. */
static void check_there(struct arm64_trial *trial, uint64_t iova)
{
	const struct trial_page *page = find(&trial->now, iova);
	uint64_t gpa = 0;
	uint32_t prot = expected(trial, iova, &gpa);

	if ((page ? page->prot : 0) != prot || (page && page->gpa != gpa))
		fuzz_wrong("IOVA %#" PRIx64 ": the tables say %#" PRIx64 ", rights %u", iova, gpa, prot);
}

/* all: nothing that the tables name may be missing. The host lost nothing. */
static void check(struct arm64_trial *trial, uint64_t first, uint64_t last, bool all)
{
	size_t beside = 0;

	take_list(trial, &trial->now);
	for (size_t i = 0; i < trial->now.pages; i++) {
		const struct trial_page *page = &trial->now.page[i];

		check_reached(trial, page);
		check_page(trial, page, first, last);
		beside += page->iova < first || page->iova > last;
	}
	fuzz_must(mock_pages(trial->mock, trial->space) == trial->now.pages);
	for (size_t i = 0; i < trial->before.pages; i++)
		beside -= trial->before.page[i].iova < first || trial->before.page[i].iova > last;
	fuzz_must(!beside);
	if (trial->mock->breaches)
		fuzz_wrong("the mock host: %s", trial->mock->breach);
	for (unsigned int i = 0; all && i < 100; i++) {
		uint64_t iova = (i % 2 ? draw_iova(trial) : first + draw(trial, last - first ? last - first : 1)) & ~(PAGE - 1);

		if (iova >= first && iova <= last)
			check_there(trial, iova);
	}
}

static void draw_tables(struct arm64_trial *trial)
{
	static const unsigned int granules[] = { 4, 16, 64 };
	unsigned int ends = (unsigned int)draw(trial, 4);

	trial->tables = (struct arm64_tables){
		.granule = granules[draw(trial, 3)],
		.ips = (unsigned int)draw(trial, 6),
		.ttb0 = draw(trial, TABLES) << 16,
		.ttb1 = draw(trial, TABLES) << 16,
		.t0sz = 16 + (unsigned int)draw(trial, 24),
		.t1sz = 16 + (unsigned int)draw(trial, 24),
		.epd0 = ends == 1,
		.epd1 = ends >= 2,
		.affd = !draw(trial, 3),
		.had0 = !draw(trial, 3),
		.had1 = !draw(trial, 3),
		.privileged = !draw(trial, 3),
	};
}

void arm64_trial_context(struct arm64_trial *trial)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_smmuv3_stage1 stage1;
	int error;

	draw_tables(trial);
	for (unsigned int i = 0; i < 30; i++)
		write_entries(trial);
	stage1 = arm64_stage1(&trial->tables);
	trial->domain = NULL;
	error = viommu_domain_create(trial->vm, &trial->mock->host, VIOMMU_DOMAIN_SMMUV3, &stage1, &result, &trial->domain);
	if (error == -ENOSPC)
		return;
	fuzz_must(!error);
	trial->space = mock_newest(trial->mock);
	fuzz_must(!viommu_device_create(trial->vm, &trial->mock->host, NULL, &trial->device));
	fuzz_must(!viommu_domain_attach(trial->domain, trial->device, VIOMMU_NO_PASID));
	trial->before.pages = 0;
	check(trial, 0, UINT64_MAX, result.entries < ENTRIES / 2);
}

void arm64_trial_context_end(struct arm64_trial *trial)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	if (!trial->domain)
		return;
	viommu_device_destroy(trial->device);
	viommu_domain_destroy(trial->domain);
	trial->domain = NULL;
	viommu_vm_stats(trial->vm, &stats);
	fuzz_must(!stats.pinned_bytes && !stats.shadow_bytes);
}

/* After a host has failed, the next refresh of everything restores what it can. */
static void fail(struct arm64_trial *trial)
{
	static const enum mock_call calls[] = { MOCK_MAP, MOCK_UNMAP, MOCK_FLUSH };
	unsigned int which = (unsigned int)draw(trial, 3);

	mock_fail(trial->mock, calls[which], 1 + draw(trial, 4), draw(trial, 2), which || draw(trial, 2) ? EIO : ENOSPC);
	viommu_domain_refresh(trial->domain, 0, UINT64_MAX, NULL);
	mock_fail(trial->mock, calls[which], 0, false, 0);
	trial->failures++;
}

void arm64_trial_step(struct arm64_trial *trial)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	uint64_t first = 0, last = UINT64_MAX;
	int error;

	if (!trial->domain)
		return;
	write_entries(trial);
	take_list(trial, &trial->before);
	if (!draw(trial, 8)) {
		fail(trial);
	} else if (draw(trial, 4)) {
		first = draw_iova(trial) & ~(PAGE - 1);
		last = first + (draw(trial, UINT64_C(1) << draw(trial, 30)) | (PAGE - 1));
		if (last < first)
			last = UINT64_MAX;
	}
	error = viommu_domain_refresh(trial->domain, first, last, &result);
	if (error && error != -EFAULT && error != -ENOSPC && error != -ERANGE)
		fuzz_wrong("a refresh ended with %d", error);
	/* A malformed entry hides that a refresh has given up. */
	check(trial, first, last, error != -ENOSPC && result.entries < ENTRIES / 2);
	trial->refreshes++;
	trial->established += result.established;
}

void arm64_trial_begin(struct arm64_trial *trial)
{
	const struct mock_options options = { .split = !trial->whole };
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	config.refresh_entries = ENTRIES;
	fuzz_must(!viommu_vm_create(&config, &trial->vm));
	trial->memory = aligned_alloc(PAGE, 2 * TRIAL_SLOT_BYTES);
	fuzz_must(trial->memory);
	memset(trial->memory, 0, 2 * TRIAL_SLOT_BYTES);
	for (unsigned int i = 0; i < 2; i++) {
		struct viommu_slot slot = {
			.size = sizeof(slot),
			.prot = i ? VIOMMU_READ : VIOMMU_RW,
			.gpa = i * TRIAL_SLOT_BYTES,
			.bytes = TRIAL_SLOT_BYTES,
			.hva = trial->memory + i * TRIAL_SLOT_BYTES,
			.fd = -1,
		};

		fuzz_must(!viommu_slot_add(trial->vm, &slot));
		trial->slot[i] = (struct naive_slot){ slot.gpa, slot.bytes, trial->memory + slot.gpa, !i };
	}
	trial->naive = (struct naive_memory){ trial->slot, 2 };
	trial->mock = mock_create(&options);
}

void arm64_trial_end(struct arm64_trial *trial)
{
	viommu_vm_destroy(trial->vm);
	mock_destroy(trial->mock);
	free(trial->memory);
	free(trial->before.page);
	free(trial->now.page);
}
