/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Domains of SMMUv3 streams: tables of all granules, for either end of addresses and for both, with all kinds of contexts, written wildly. After each refresh the
 * domain's report, the mock host and a reference that shares no code with the library say the same of what was refreshed, and the rest is as before.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "naive_arm64.h"

#define MEMORY	 (4 * MIB)	     /* one slot that may be written, and one that may not, of the same size above it */
#define ENTRIES	 (UINT64_C(1) << 19) /* of a refresh; two sets of tables have as many each */
#define TABLES	 10u		     /* at GPA 0, 64 KiB each */
#define CONTEXTS 120u
#define ROUNDS	 60u

struct page {
	uint64_t iova;
	uint64_t gpa;
	uint32_t prot;
};

struct list {
	struct page *page;
	size_t pages;
	size_t room;
};

struct fixture {
	struct guest guest;
	struct mock_host *mock;
	struct arm64_tables tables;
	struct subject subject;
	uint64_t seed;
	struct list before, now;
};

static uint64_t draw(struct fixture *f, uint64_t bound)
{
	f->seed = f->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (f->seed >> 30) % bound;
}

static unsigned int granule_shift(const struct fixture *f)
{
	return f->tables.granule == 4 ? 12 : f->tables.granule == 16 ? 14 : 16;
}

/* The context descriptor of f->tables (IHI 0070, section 5.4). */
static struct viommu_smmuv3_stage1 stage1_of(const struct fixture *f)
{
	static const unsigned int tg0[3] = { 0, 2, 1 }, tg1[3] = { 2, 1, 3 };
	const struct arm64_tables *tables = &f->tables;
	unsigned int granule = tables->granule == 4 ? 0 : tables->granule == 16 ? 1 : 2;
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 48, .flags = tables->privileged ? VIOMMU_SMMUV3_PRIVILEGED : 0 };

	stage1.cd[0] = tables->t0sz | tg0[granule] << 6 | (uint64_t)tables->epd0 << 14 | (uint64_t)tables->t1sz << 16 | (uint64_t)tg1[granule] << 22 |
		       (uint64_t)tables->epd1 << 30 | UINT64_C(1) << 31 | (uint64_t)tables->ips << 32 | (uint64_t)tables->affd << 35 | UINT64_C(1) << 41;
	stage1.cd[1] = tables->ttb0 | (uint64_t)tables->had0 << 1;
	stage1.cd[2] = tables->ttb1 | (uint64_t)tables->had1 << 1;
	return stage1;
}

static void store(struct fixture *f, uint64_t gpa, uint64_t value)
{
	unsigned char *at = guest_hva(&f->guest, gpa);

	for (unsigned int i = 0; i < 8; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

/* A few indexes, so that paths meet. */
static uint64_t draw_index(struct fixture *f, uint64_t entries)
{
	static const uint64_t few[] = { 0, 1, 2, 63, 64, 255, 256 };

	if (draw(f, 2))
		return few[draw(f, 7)] % entries;
	return entries - 1 - few[draw(f, 4)] % entries;
}

static uint64_t draw_entry(struct fixture *f)
{
	unsigned int shift = granule_shift(f);
	uint64_t low = draw(f, 8) ? 0x443 : draw(f, 0x1000);
	uint64_t high = draw(f, 4) ? 0 : draw(f, 8) << 60;

	switch (draw(f, 8)) {
	case 0:
		return 0;
	case 1:
	case 2:
	case 3: /* a table */
		return high | draw(f, TABLES) << 16 | 3;
	case 4: /* a block; mostly at 0, and of the slot that may not be written, too */
		return high | (draw(f, 4) ? draw(f, 2) * MEMORY : draw(f, 1 << 20) << 21) | (low & ~UINT64_C(2)) | (draw(f, 4) ? 0 : 0x80);
	case 5: /* far away */
		return high | (draw(f, UINT64_C(1) << 36) << 12 & ~((UINT64_C(1) << shift) - 1)) | low;
	default: /* a page, or what another level makes of it */
		return high | draw(f, 2 * MEMORY >> shift) << shift | low | (draw(f, 4) ? 0 : 0x80);
	}
}

static void write_entries(struct fixture *f)
{
	uint64_t entries = UINT64_C(8192) >> (16 - granule_shift(f));

	for (uint64_t n = 1 + draw(f, 12); n; n--) {
		uint64_t table = draw(f, TABLES) << 16, index = draw_index(f, entries);

		for (uint64_t run = draw(f, 3) ? 1 : 1 + draw(f, 20), entry = draw_entry(f); run && index < entries; run--, index++) {
			store(f, table + index * 8, entry);
			entry += UINT64_C(1) << granule_shift(f);
		}
	}
}

/* IOVAs whose indexes are those that entries are written at. */
static uint64_t draw_iova(struct fixture *f)
{
	bool upper = f->tables.epd0 || (!f->tables.epd1 && draw(f, 2));
	unsigned int shift = granule_shift(f), bits = 64 - (upper ? f->tables.t1sz : f->tables.t0sz), at = shift;
	uint64_t iova = draw(f, UINT64_C(1) << shift);

	for (; at < bits; at += shift - 3)
		iova |= draw_index(f, UINT64_C(1) << (shift - 3)) << at;
	iova &= (UINT64_C(1) << bits) - 1;
	return upper ? iova | ~((UINT64_C(1) << bits) - 1) : iova;
}

static int take_run(void *ctx, const struct viommu_run *run)
{
	struct list *list = ctx;

	for (uint64_t at = 0; at <= run->last - run->first; at += PAGE) {
		if (list->pages == list->room) {
			list->room = list->room ? 2 * list->room : 4096;
			list->page = realloc(list->page, list->room * sizeof(struct page));
			assert_non_null(list->page);
		}
		list->page[list->pages++] = (struct page){ run->first + at, run->gpa + at, run->prot };
	}
	return 0;
}

static void take_list(const struct fixture *f, struct list *list)
{
	list->pages = 0;
	viommu_domain_each_run(f->subject.domain, 0, UINT64_MAX, take_run, list);
}

static const struct page *find(const struct list *list, uint64_t iova)
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

/* What the tables say of a page: 0 if it is not to be established. */
static uint32_t expected(const struct fixture *f, uint64_t iova, uint64_t *gpa)
{
	struct arm64_answer answer = naive_arm64_walk(&f->guest.memory, &f->tables, iova);
	uint32_t prot = (answer.readable ? VIOMMU_READ : 0) | (answer.writable ? VIOMMU_WRITE : 0);
	bool writable = false;

	if (answer.outcome != ARM64_IS_PAGE || !naive_byte(&f->guest.memory, answer.address, &writable))
		return 0;
	*gpa = answer.address & ~(PAGE - 1);
	return prot & (writable ? VIOMMU_RW : VIOMMU_READ);
}

static void check_reached(const struct fixture *f, const struct page *page)
{
	unsigned char *hva;
	uint32_t prot;

	assert_true(mock_reach(f->mock, f->subject.space, page->iova, &hva, &prot));
	assert_ptr_equal(hva, guest_hva(&f->guest, page->gpa));
	assert_int_equal(prot, page->prot);
}

static void check_refresh(struct fixture *f, uint64_t first, uint64_t last, bool all)
{
	const struct list *before = &f->before, *now = &f->now;
	size_t beside = 0;

	take_list(f, &f->now);
	for (size_t i = 0; i < now->pages; i++) {
		const struct page *page = &now->page[i];
		uint64_t gpa = 0;

		check_reached(f, page);
		if (page->iova >= first && page->iova <= last) {
			assert_int_equal(page->prot, expected(f, page->iova, &gpa));
			assert_int_equal(page->gpa, gpa);
		} else {
			const struct page *old = find(before, page->iova);

			assert_non_null(old);
			assert_true(old->gpa == page->gpa && old->prot == page->prot);
			beside++;
		}
	}
	assert_int_equal(mock_pages(f->mock, f->subject.space), now->pages);
	for (size_t i = 0; i < before->pages; i++)
		beside -= before->page[i].iova < first || before->page[i].iova > last;
	assert_int_equal(beside, 0);
	assert_int_equal(f->mock->breaches, 0);
	/* Where it was not too much, what the tables name is there. */
	for (unsigned int i = 0; i < 300 && all; i++) {
		uint64_t iova = i % 2 ? draw_iova(f) : first + draw(f, last - first ? last - first : 1), gpa;
		const struct page *page;
		uint32_t prot;

		iova &= ~(PAGE - 1);
		if (iova < first || iova > last)
			continue;
		prot = expected(f, iova, &gpa);
		page = find(now, iova);
		assert_int_equal(page ? page->prot : 0, prot);
		if (page)
			assert_int_equal(page->gpa, gpa);
	}
}

static void draw_tables(struct fixture *f)
{
	static const unsigned int granules[] = { 4, 16, 64 };
	struct arm64_tables *tables = &f->tables;
	unsigned int ends = (unsigned int)draw(f, 4);

	*tables = (struct arm64_tables){
		.granule = granules[draw(f, 3)],
		.ips = (unsigned int)draw(f, 6),
		.ttb0 = draw(f, TABLES) << 16,
		.ttb1 = draw(f, TABLES) << 16,
		.t0sz = 16 + (unsigned int)draw(f, 24),
		.t1sz = 16 + (unsigned int)draw(f, 24),
		.epd0 = ends == 1,
		.epd1 = ends >= 2,
		.affd = !draw(f, 3),
		.had0 = !draw(f, 3),
		.had1 = !draw(f, 3),
		.privileged = !draw(f, 3),
	};
}

static uint64_t refreshes, established;

static void refresh(struct fixture *f)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	uint64_t first = 0, last = UINT64_MAX;
	int error;

	take_list(f, &f->before);
	if (draw(f, 4)) {
		first = draw_iova(f) & ~(PAGE - 1);
		last = first + (draw(f, UINT64_C(1) << draw(f, 30)) | (PAGE - 1));
		if (last < first)
			last = UINT64_MAX;
	}
	error = viommu_domain_refresh(f->subject.domain, first, last, &result);
	assert_true(error == 0 || error == -EFAULT || error == -ENOSPC || error == -ERANGE);
	/* A malformed entry hides that a refresh has given up. */
	check_refresh(f, first, last, error != -ENOSPC && result.entries < ENTRIES / 2);
	refreshes++;
	established += result.established;
}

static void one_context(struct fixture *f)
{
	struct viommu_smmuv3_stage1 stage1;
	struct viommu_device *device;
	struct viommu_refresh_result result = { .size = sizeof(result) };
	int error;

	draw_tables(f);
	for (unsigned int i = 0; i < 30; i++)
		write_entries(f);
	stage1 = stage1_of(f);
	error = viommu_domain_create(f->guest.vm, &f->mock->host, VIOMMU_DOMAIN_SMMUV3, &stage1, &result, &f->subject.domain);
	if (error == -ENOSPC)
		return;
	assert_int_equal(error, 0);
	f->subject.space = mock_newest(f->mock);
	assert_int_equal(viommu_device_create(f->guest.vm, &f->mock->host, NULL, &device), 0);
	assert_int_equal(viommu_domain_attach(f->subject.domain, device), 0);
	f->before.pages = 0;
	check_refresh(f, 0, UINT64_MAX, result.entries < ENTRIES / 2);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		write_entries(f);
		refresh(f);
	}
	viommu_device_destroy(device);
	viommu_domain_destroy(f->subject.domain);
	assert_int_equal(guest_pinned(&f->guest), 0);
}

static void begin(struct fixture *f)
{
	static const struct mock_options splits = { .split = true };
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	memset(f, 0, sizeof(*f));
	f->seed = 11;
	config.refresh_entries = ENTRIES;
	assert_int_equal(viommu_vm_create(&config, &f->guest.vm), 0);
	assert_int_equal(guest_show(&f->guest, guest_area(&f->guest, 0, MEMORY, VIOMMU_RW)), 0);
	assert_int_equal(guest_show(&f->guest, guest_area(&f->guest, MEMORY, MEMORY, VIOMMU_READ)), 0);
	f->mock = mock_create(&splits);
}

static void end(struct fixture *f)
{
	guest_end(&f->guest);
	mock_destroy(f->mock);
	free(f->before.page);
	free(f->now.page);
}

static void test_random(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned int i = 0; i < CONTEXTS; i++)
		one_context(&f);
	end(&f);
	print_message("%llu refreshes, %llu pages established\n", (unsigned long long)refreshes, (unsigned long long)established);
	assert_true(established > 100000);
}

/* One page at IOVA 0x5000, in 4K tables of three levels. */
static void one_page(struct fixture *f, uint64_t address)
{
	f->tables = (struct arm64_tables){ .granule = 4, .ips = 5, .t0sz = 25, .epd1 = true };
	store(f, 0, 0x10003);
	store(f, 0x10000, 0x20003);
	store(f, 0x20000 + 5 * 8, address | 0x443);
}

static int create(struct fixture *f, const struct viommu_smmuv3_stage1 *stage1)
{
	return viommu_domain_create(f->guest.vm, &f->mock->host, VIOMMU_DOMAIN_SMMUV3, stage1, NULL, &f->subject.domain);
}

static enum viommu_fault_reason walk(struct fixture *f, const struct viommu_smmuv3_stage1 *stage1, uint64_t iova)
{
	struct viommu_fault fault = { .size = sizeof(fault) };
	struct viommu_run run;

	assert_int_equal(create(f, stage1), 0);
	if (!viommu_domain_walk(f->subject.domain, iova, &run, &fault))
		fault.reason = VIOMMU_FAULT_NONE;
	viommu_domain_destroy(f->subject.domain);
	return fault.reason;
}

/* An address is as large as the descriptor allows, and no larger than the SMMU has. */
static void test_output_size(void **state)
{
	static const uint32_t bits[] = { 32, 36, 40, 42, 44, 48 };
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned int size = 0; size < 6; size++) {
		one_page(&f, UINT64_C(1) << (bits[size] - 1));
		for (unsigned int ips = 0; ips < 8; ips++) {
			for (unsigned int most = 0; most < 6; most++) {
				struct viommu_smmuv3_stage1 stage1;
				enum viommu_fault_reason reason = ips >= size && most >= size ? VIOMMU_FAULT_LEAF_UNBACKED : VIOMMU_FAULT_ADDRESS_SIZE;

				f.tables.ips = ips;
				stage1 = stage1_of(&f);
				stage1.output_bits = bits[most];
				assert_int_equal(walk(&f, &stage1, 0x5000), reason);
			}
		}
	}
	end(&f);
}

/* What is beside both sets of tables, and what has none. */
static void test_ends(void **state)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_domain_stats stats = { .size = sizeof(stats) };
	struct viommu_smmuv3_stage1 stage1;
	struct viommu_device *device;
	struct fixture f;

	(void)state;
	begin(&f);
	one_page(&f, 0x40000);
	stage1 = stage1_of(&f);
	assert_int_equal(walk(&f, &stage1, 0x5fff), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&f, &stage1, 0x6000), VIOMMU_FAULT_NOT_PRESENT);
	assert_int_equal(walk(&f, &stage1, UINT64_C(1) << 39), VIOMMU_FAULT_APERTURE);
	assert_int_equal(walk(&f, &stage1, UINT64_MAX), VIOMMU_FAULT_APERTURE);
	/* The same tables at both ends. */
	f.tables.epd1 = false;
	f.tables.t1sz = 25;
	stage1 = stage1_of(&f);
	assert_int_equal(walk(&f, &stage1, 0x5000), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&f, &stage1, UINT64_C(0xffffff8000005000)), VIOMMU_FAULT_NONE);
	assert_int_equal(walk(&f, &stage1, UINT64_C(1) << 39), VIOMMU_FAULT_APERTURE);
	assert_int_equal(create(&f, &stage1), 0);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, UINT64_C(1) << 39, UINT64_C(1) << 40, &result), -ERANGE);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, 0, UINT64_C(1) << 40, &result), 0);
	store(&f, 0x20000 + 6 * 8, 0x50443);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, 0, UINT64_MAX, &result), 0);
	assert_int_equal(result.established, 2);
	viommu_domain_stats(f.subject.domain, &stats);
	assert_int_equal(stats.mapped_pages, 4);
	assert_int_equal(stats.mapped_pages_peak, 4);
	viommu_domain_destroy(f.subject.domain);
	/* None at either: nothing is reached, and nothing is wrong. */
	f.tables.epd0 = f.tables.epd1 = true;
	stage1 = stage1_of(&f);
	assert_int_equal(walk(&f, &stage1, 0x5000), VIOMMU_FAULT_APERTURE);
	assert_int_equal(create(&f, &stage1), 0);
	assert_int_equal(viommu_device_create(f.guest.vm, &f.mock->host, NULL, &device), 0);
	assert_int_equal(viommu_domain_attach(f.subject.domain, device), 0);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, 0, UINT64_MAX, &result), -ERANGE);
	viommu_domain_destroy(f.subject.domain);
	viommu_device_destroy(device);
	end(&f);
}

/* What the upper tables let go of is room for the lower ones, in one refresh. */
static void test_budget_of_both(void **state)
{
	static const struct mock_options splits = { .split = true };
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_smmuv3_stage1 stage1;
	struct fixture f;

	(void)state;
	memset(&f, 0, sizeof(f));
	config.pin_budget = 8 * PAGE;
	assert_int_equal(viommu_vm_create(&config, &f.guest.vm), 0);
	assert_int_equal(guest_show(&f.guest, guest_area(&f.guest, 0, MEMORY, VIOMMU_RW)), 0);
	f.mock = mock_create(&splits);
	f.tables = (struct arm64_tables){ .granule = 16, .ips = 5, .t0sz = 39, .t1sz = 39, .ttb0 = 0x10000, .ttb1 = 0x20000 };
	store(&f, 0x20000, 0x40443);
	store(&f, 0x20008, 0x44443);
	stage1 = stage1_of(&f);
	assert_int_equal(create(&f, &stage1), 0);
	store(&f, 0x20000, 0);
	store(&f, 0x20008, 0);
	store(&f, 0x10000, 0x80443);
	store(&f, 0x10008, 0x84443);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, 0, UINT64_MAX, &result), 0);
	assert_true(result.established == 8 && result.released == 8 && !result.unestablished);
	/* One more does not fit, wherever it is. */
	store(&f, 0x20008, 0x88443);
	assert_int_equal(viommu_domain_refresh(f.subject.domain, 0, UINT64_MAX, &result), -ENOSPC);
	assert_int_equal(result.unestablished, 4);
	viommu_domain_destroy(f.subject.domain);
	end(&f);
}

/* Descriptors that no domain can be made of. */
static void test_bad_contexts(void **state)
{
	struct viommu_smmuv3_stage1 good, bad;
	struct fixture f;

	(void)state;
	begin(&f);
	one_page(&f, 0x40000);
	good = stage1_of(&f);
	assert_int_equal(walk(&f, &good, 0x5000), VIOMMU_FAULT_NONE);
	/* V, ENDI, AA64, TBI0, TBI1; TG0 reserved; TTB beyond the output size */
	for (unsigned int i = 0; i < 5; i++) {
		static const unsigned int bits[] = { 31, 15, 41, 38, 39 };

		bad = good;
		bad.cd[0] ^= UINT64_C(1) << bits[i];
		assert_int_equal(create(&f, &bad), -EINVAL);
	}
	bad = good;
	bad.cd[0] |= 3 << 6;
	assert_int_equal(create(&f, &bad), -EINVAL);
	bad = good;
	bad.cd[1] |= UINT64_C(1) << 48;
	assert_int_equal(create(&f, &bad), -EINVAL);
	/* Sizes of IOVAs; those of the other tables do not count, as these are off. */
	for (unsigned int tsz = 0; tsz < 64; tsz++) {
		bad = good;
		bad.cd[0] = (good.cd[0] & ~UINT64_C(0x3f003f)) | tsz | (uint64_t)(63 - tsz) << 16;
		if (tsz >= 16 && tsz <= 39)
			walk(&f, &bad, 0);
		else
			assert_int_equal(create(&f, &bad), -EINVAL);
	}
	/* The caller's mistakes. */
	bad = good;
	bad.output_bits = 33;
	assert_int_equal(create(&f, &bad), -EINVAL);
	bad = good;
	bad.flags = 2;
	assert_int_equal(create(&f, &bad), -EINVAL);
	bad = good;
	bad.reserved = 1;
	assert_int_equal(create(&f, &bad), -EINVAL);
	bad = good;
	bad.size--;
	assert_int_equal(create(&f, &bad), -EINVAL);
	assert_int_equal(create(&f, NULL), -EINVAL);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	       cmocka_unit_test(test_output_size),  cmocka_unit_test(test_ends),
		cmocka_unit_test(test_budget_of_both), cmocka_unit_test(test_bad_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
