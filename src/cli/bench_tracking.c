// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Refreshes of the whole aperture with a tracker (the library's own, viommu_tracker_pagemap_create()), beside the same refreshes without one: where nothing
 * was written since, where one table page in a hundred was, where tables lie scattered in the guest's memory. And what it costs the guest: its first write to a watched page.
 *
 * Three VMs have the same memory and the same tables: one without a tracker, one with the library's, and one whose tracker answers at once that nothing was written
 * (which is so where it is measured): what that one's refreshes cost is what the library itself costs, whoever tells it.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_guest.h"
#include "bench_noop.h"

/* Of the first entries of so many pages, one is written before a sample. */
#define WRITTEN_STRIDE 100u

/* Where tables are scattered, each lies so far from the next one; no table is near enough to it to be asked about in the same breath. */
#define SCATTER (UINT64_C(4) << 20)

struct tracked {
	struct bench_guest guest;
	struct bench_tables tables;
	struct viommu_tracker tracker;
	struct viommu_vm *vm, *told_vm;
	struct viommu_domain *domain, *told, *plain;
	uint64_t page_tables;
	bool write;
	uint64_t turn;
	uint64_t pages_first, pages_last; /* GPAs of the page tables' pages */
};

/* Before a refresh: the guest changes a page in one table page of a hundred. */
static void write_tables(struct tracked *tracked)
{
	if (!tracked->write)
		return;
	tracked->turn++;
	for (uint64_t i = 0; i < tracked->page_tables; i += 2 * WRITTEN_STRIDE) {
		uint64_t iova = tracked->tables.pba + i * BENCH_SEGMENT;
		uint64_t frame = bench_frame(&tracked->tables, iova) ^ (tracked->turn % 2 ? BENCH_PAGE : 0);

		bench_set(bench_entry(&tracked->tables, iova), bench_leaf(frame));
	}
}

static double refresh(struct tracked *tracked, struct viommu_domain *domain)
{
	write_tables(tracked);
	struct bench_watch watch = bench_watch();
	int error = viommu_domain_refresh(domain, tracked->tables.pba, tracked->tables.pal, NULL);
	double ns = bench_elapsed(&watch);

	return error ? error : ns;
}

static double sample_tracked(void *ctx)
{
	struct tracked *tracked = ctx;

	return refresh(tracked, tracked->domain);
}

static double sample_plain(void *ctx)
{
	struct tracked *tracked = ctx;

	return refresh(tracked, tracked->plain);
}

static double sample_told(void *ctx)
{
	struct tracked *tracked = ctx;

	return refresh(tracked, tracked->told);
}

static int watch_nothing(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	(void)ctx;
	(void)first;
	(void)last;
	(void)hva;
	return 0;
}

static void unwatch_nothing(void *ctx, uint64_t first, uint64_t last, void *hva)
{
	(void)watch_nothing(ctx, first, last, hva);
}

static int collect_nothing(void *ctx, void (*written)(void *arg, uint64_t first, uint64_t last), void *arg)
{
	(void)ctx;
	(void)written;
	(void)arg;
	return 0;
}

/* A VM of the same memory, with a tracker, and a domain of the same tables. */
static int begin_vm(const struct tracked *tracked, const struct viommu_tracker *tracker, struct viommu_vm **vm, struct viommu_domain **domain)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	const struct viommu_slot slot = { .size = sizeof(slot), .prot = VIOMMU_RW, .bytes = tracked->guest.bytes, .hva = tracked->guest.memory, .fd = -1 };
	struct bench_guest guest = tracked->guest;
	struct bench_tables tables = tracked->tables;
	int error;

	config.shadow_bytes = VIOMMU_NO_LIMIT;
	config.refresh_entries = VIOMMU_NO_LIMIT;
	error = viommu_vm_create(&config, vm);
	if (!error)
		error = viommu_vm_set_tracker(*vm, tracker);
	if (!error)
		error = viommu_slot_add(*vm, &slot);
	guest.vm = *vm;
	tables.guest = &guest;
	return error ? error : bench_domain(&tables, bench_noop_host(), domain);
}

/* 0 or a negative errno value; end() is due in either case. */
static int begin(struct tracked *tracked, uint64_t bytes, uint64_t apart)
{
	const struct viommu_tracker told = { .size = sizeof(told), .watch = watch_nothing, .unwatch = unwatch_nothing, .collect = collect_nothing };
	int error;

	tracked->page_tables = bytes / BENCH_SEGMENT;
	bench_tables(&tracked->tables, &tracked->guest, BENCH_PBA, BENCH_PBA + bytes - 1);
	for (uint64_t i = 0; i < tracked->page_tables; i++) {
		uint64_t iova = BENCH_PBA + i * BENCH_SEGMENT;

		bench_fill(&tracked->tables, iova, iova + BENCH_SEGMENT - 1, 1);
		tracked->guest.next += apart;
	}
	error = bench_domain(&tracked->tables, bench_noop_host(), &tracked->plain);
	if (!error)
		error = begin_vm(tracked, &tracked->tracker, &tracked->vm, &tracked->domain);
	return error ? error : begin_vm(tracked, &told, &tracked->told_vm, &tracked->told);
}

static void end(struct tracked *tracked)
{
	viommu_domain_destroy(tracked->plain);
	viommu_vm_destroy(tracked->vm);
	viommu_vm_destroy(tracked->told_vm);
	bench_guest_end(&tracked->guest);
	viommu_tracker_pagemap_destroy(&tracked->tracker);
}

/* False where this machine can't; then there is nothing to end. */
static bool open_tracker(struct bench *bench, struct bench_case *one, struct tracked *tracked)
{
	int error;

	memset(tracked, 0, sizeof(*tracked));
	tracked->tracker.size = sizeof(tracked->tracker);
	error = viommu_tracker_pagemap_create(&tracked->tracker);
	if (error == -EOPNOTSUPP || error == -EPERM)
		bench_skip(one, "%s",
			   error == -EPERM ? "userfaultfd is forbidden here" : "the kernel has no PAGEMAP_SCAN with asynchronous protection (Linux 6.7)");
	else if (error)
		bench_fail(bench, one, "the tracker: %s", strerror(-error));
	return !error;
}

static void measure(struct bench *bench, unsigned int shift, bool write, uint64_t apart, double at_most)
{
	uint64_t bytes = UINT64_C(1) << shift;
	struct tracked tracked;
	char what[128];
	int error;

	snprintf(what, sizeof(what), "%s; refresh of all of %s%s", write ? "1 table page in 100 was written" : "nothing has changed", cli_bytes(bytes),
		 apart ? ", tables scattered" : "");
	struct bench_case *one = bench_case(bench, BENCH_TIME, what, "track/%s/%u%c",
					    apart   ? "scattered"
					    : write ? "written"
						    : "same",
					    1u << shift % 10, "MGT"[shift / 10 - 2]);
	if (!one || !open_tracker(bench, one, &tracked))
		return;
	if (!bench_guest_begin(&tracked.guest, bytes, bytes / BENCH_SEGMENT * (1 + apart / 2048), bytes / BENCH_REGION + 2)) {
		bench_skip(one, "this machine has no address space for it");
		viommu_tracker_pagemap_destroy(&tracked.tracker);
		return;
	}
	/* Else each table would take a large page. */
	if (apart)
		(void)madvise(tracked.guest.map, tracked.guest.map_bytes, MADV_NOHUGEPAGE);
	tracked.write = write;
	error = begin(&tracked, bytes, apart);
	if (!error) {
		const struct bench_lane lanes[] = {
			{ .name = "tracked", .sample = sample_tracked, .ctx = &tracked, .at_most = at_most },
			{ .name = "compared", .sample = sample_plain, .ctx = &tracked, .baseline = true },
			{ .name = "told", .sample = sample_told, .ctx = &tracked, .at_most = 5e3 },
		};
		bench_measure(bench, one, lanes, write ? 2 : 3);
	} else {
		bench_fail(bench, one, "it could not be set up: %s", strerror(-error));
	}
	end(&tracked);
}

/* What the guest pays: writes to one page after the other, of page tables that a refresh has just watched again, or that no domain has. */

static double write_pages(const struct tracked *tracked, uint64_t first, uint64_t pages)
{
	unsigned char *memory = tracked->guest.memory + first;
	struct bench_watch watch = bench_watch();

	for (uint64_t i = 0; i < pages; i++)
		__atomic_store_n(memory + i * BENCH_PAGE + 4095, 0, __ATOMIC_RELAXED);
	return bench_elapsed(&watch) / (double)pages;
}

static double sample_watched(void *ctx)
{
	struct tracked *tracked = ctx;
	int error = viommu_domain_refresh(tracked->domain, tracked->tables.pba, tracked->tables.pal, NULL);

	/* The last byte of a page is the low byte of an entry of the last table on it, and is 0 already. */
	return error ? error : write_pages(tracked, tracked->pages_first, (tracked->pages_last + 1 - tracked->pages_first) / BENCH_PAGE);
}

static double sample_again(void *ctx)
{
	struct tracked *tracked = ctx;

	return write_pages(tracked, tracked->pages_first, (tracked->pages_last + 1 - tracked->pages_first) / BENCH_PAGE);
}

/* A registration: its tables' pages are watched one group after the other. */
static double create(const struct tracked *tracked, struct viommu_vm *vm)
{
	struct bench_guest guest = tracked->guest;
	struct bench_tables tables = tracked->tables;
	struct viommu_domain *domain = NULL;

	guest.vm = vm;
	tables.guest = &guest;
	struct bench_watch watch = bench_watch();
	int error = bench_domain(&tables, bench_noop_host(), &domain);
	double ns = bench_elapsed(&watch);
	viommu_domain_destroy(domain);
	return error ? error : ns;
}

static double sample_create_tracked(void *ctx)
{
	const struct tracked *tracked = ctx;

	return create(tracked, tracked->vm);
}

static double sample_create_plain(void *ctx)
{
	const struct tracked *tracked = ctx;

	return create(tracked, tracked->guest.vm);
}

static void measure_create(struct bench *bench)
{
	const uint64_t bytes = UINT64_C(1) << 30;
	struct tracked tracked;
	struct bench_case *one = bench_case(bench, BENCH_TIME, "registration of a full table of 1 GiB", "track/create/1G");
	int error;

	if (!one || !open_tracker(bench, one, &tracked))
		return;
	if (!bench_guest_begin(&tracked.guest, bytes, bytes / BENCH_SEGMENT, bytes / BENCH_REGION + 2)) {
		bench_skip(one, "this machine has no address space for it");
		viommu_tracker_pagemap_destroy(&tracked.tracker);
		return;
	}
	error = begin(&tracked, bytes, 0);
	/* Else the tables would be watched already. */
	viommu_domain_destroy(tracked.domain);
	if (!error) {
		const struct bench_lane lanes[] = {
			{ .name = "tracked", .sample = sample_create_tracked, .ctx = &tracked },
			{ .name = "compared", .sample = sample_create_plain, .ctx = &tracked, .baseline = true },
		};

		bench_measure(bench, one, lanes, 2);
	} else {
		bench_fail(bench, one, "it could not be set up: %s", strerror(-error));
	}
	end(&tracked);
}

static void measure_writes(struct bench *bench)
{
	const uint64_t bytes = UINT64_C(1) << 28;
	struct tracked tracked;
	struct bench_case *one = bench_case(bench, BENCH_TIME_EACH, "the guest writes to a page of tables, once", "track/guest");
	int error;

	if (!one || !open_tracker(bench, one, &tracked))
		return;
	if (!bench_guest_begin(&tracked.guest, bytes, bytes / BENCH_SEGMENT, 2)) {
		bench_skip(one, "this machine has no address space for it");
		viommu_tracker_pagemap_destroy(&tracked.tracker);
		return;
	}
	error = begin(&tracked, bytes, 0);
	if (!error) {
		const unsigned char *table = (const unsigned char *)bench_entry(&tracked.tables, tracked.tables.pba + BENCH_SEGMENT);
		const struct bench_lane lanes[] = {
			{ .name = "watched", .sample = sample_watched, .ctx = &tracked },
			{ .name = "not watched", .sample = sample_again, .ctx = &tracked, .baseline = true },
		};

		tracked.pages_first = ((uint64_t)(table - tracked.guest.memory) + BENCH_PAGE - 1) & ~(BENCH_PAGE - 1);
		tracked.pages_last = tracked.pages_first + (tracked.page_tables / 2 - 1) * BENCH_PAGE - 1;
		bench_measure(bench, one, lanes, 2);
	} else {
		bench_fail(bench, one, "it could not be set up: %s", strerror(-error));
	}
	end(&tracked);
}

void bench_tracking(struct bench *bench)
{
	static const unsigned int shifts[] = { 20, 24, 28, 30, 32, 34 };
	unsigned int number = bench->options.quick ? 3 : 6;

	for (unsigned int i = 0; i < number; i++)
		measure(bench, shifts[i], false, 0, shifts[i] == 30 ? 5e3 : 0);
	for (unsigned int i = 2; i < number; i++)
		measure(bench, shifts[i], true, 0, 0);
	for (unsigned int i = 2; i < number && i < 4; i++)
		measure(bench, shifts[i], false, SCATTER, 0);
	measure_create(bench);
	measure_writes(bench);
}
