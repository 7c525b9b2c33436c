// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two vCPUs that refresh at the same time: different ranges of one domain, or different domains of
 * one VM. Each maps and unmaps its own pages, with a refresh each time, like a strict guest with a
 * queue for each CPU.
 */
#include "bench.h"

#include <errno.h>
#include <string.h>

#include "guest.h"
#include "noop.h"

enum { MOST_PAGES = 256, TURNS = 200 };

struct vcpu {
	struct viommu_domain *domain;
	uint64_t first, last;
	uint64_t pages;
	uint64_t *entries[MOST_PAGES];
	uint64_t raw[MOST_PAGES];
};

struct lane {
	struct bench *bench;
	struct bench_work works[2];
	unsigned int threads;
};

static int work(void *ctx)
{
	const struct vcpu *vcpu = ctx;

	for (unsigned int turn = 0; turn < 2 * TURNS; turn++) {
		for (uint64_t i = 0; i < vcpu->pages; i++)
			bench_set(vcpu->entries[i], turn % 2 ? vcpu->raw[i] | BENCH_NOTHING : vcpu->raw[i]);
		int error = viommu_domain_refresh(vcpu->domain, vcpu->first, vcpu->last, NULL);
		if (error)
			return error;
	}
	return 0;
}

/* Nanoseconds per refresh. */
static double sample(void *ctx)
{
	const struct lane *lane = ctx;
	double ns = bench_together(lane->bench, lane->works, lane->threads);

	return ns < 0 ? ns : ns / lane->threads / (2 * TURNS);
}

static void measure(struct bench *bench, struct bench_case *one, struct viommu_host *host, uint64_t pages, bool domains)
{
	/* The ranges are in separate regions, and no two vCPUs share a cache line of entries. */
	uint64_t aperture = 2 * BENCH_REGION;
	struct viommu_domain *domain[2] = { NULL, NULL };
	struct bench_tables tables[2];
	struct bench_guest guest;
	struct vcpu vcpu[2];
	int error = 0;

	if (!bench_guest_begin(&guest, BENCH_REGION / 4, 2, 4)) {
		bench_skip(one, "no memory");
		return;
	}
	for (unsigned int i = 0; i < 2 && !error; i++) {
		bool own = domains || !i;
		if (own) {
			bench_tables(&tables[i], &guest, BENCH_PBA, BENCH_PBA + aperture - 1);
			error = bench_domain(&tables[i], host, &domain[i]);
		}
		vcpu[i] = (struct vcpu){ .domain = own ? domain[i] : domain[0], .first = BENCH_PBA + i * BENCH_REGION, .pages = pages };
		vcpu[i].last = vcpu[i].first + pages * BENCH_PAGE - 1;
		for (uint64_t page = 0; page < pages; page++) {
			vcpu[i].entries[page] = bench_entry(&tables[own ? i : 0], vcpu[i].first + page * BENCH_PAGE);
			vcpu[i].raw[page] = bench_leaf((i * MOST_PAGES + page) * BENCH_PAGE);
		}
	}
	struct lane both = { .bench = bench, .works = { { work, &vcpu[0] }, { work, &vcpu[1] } }, .threads = 2 };
	struct lane alone = { .bench = bench, .works = { { work, &vcpu[0] } }, .threads = 1 };
	const struct bench_lane lanes[] = {
		{ .name = "two vCPUs", .sample = sample, .together = true, .ctx = &both },
		{ .name = "one vCPU", .sample = sample, .ctx = &alone, .baseline = true },
	};
	if (bench_is_set_up(bench, one, error))
		bench_measure(bench, one, lanes, 2);
	viommu_domain_destroy(domain[0]);
	viommu_domain_destroy(domain[1]);
	bench_guest_end(&guest);
}

void bench_vcpus(struct bench *bench)
{
	static const char *const hosts[] = { "no-op", "soft" };

	for (unsigned int shape = 0; shape < 8; shape++) {
		bool soft = shape & 1, domains = shape & 2;
		uint64_t pages = shape & 4 ? MOST_PAGES : 1;
		char what[128];

		snprintf(what, sizeof(what), "two vCPUs refresh %s, %s a time, %s host; nanoseconds for one of all refreshes",
			 domains ? "two domains" : "two ranges of one domain", cli_count_of(pages, "page", "pages"), hosts[soft]);
		struct bench_case *one =
			bench_case(bench, BENCH_TIME_EACH, what, "vcpus/%s/%u/%s", domains ? "domains" : "ranges", (unsigned int)pages, hosts[soft]);
		if (!one)
			continue;
		if (bench->machine.cpu_number[1] < 0) {
			bench_skip(one, "this process may use one CPU only");
			continue;
		}
		struct viommu_host *host = bench_noop_host();
		int error = soft ? viommu_host_soft_create(&host) : 0;
		if (error) {
			bench_skip(one, "no memory");
			continue;
		}
		measure(bench, one, host, pages, domains);
		viommu_host_destroy(host);
	}
}
