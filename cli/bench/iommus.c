// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits of a guest with an IOMMU, and of its devices, on the soft host: the VMM's call by which the
 * guest maps or unmaps a buffer, and a device model's first access to a page, which misses. The
 * call is compared with the change of the domain alone, in a domain of the same contents: the
 * difference is the cost of the queue, the commands and the locks.
 */
#include "iommus.h"

#include "bench.h"

#include <endian.h>
#include <errno.h>

#define PAGES	(IOMMU_FRAMES / BENCH_PAGE)
#define BUFFERS 16u /* buffers that a sample maps and unmaps */

void bench_iommu_put(const struct bench_iommu *iommu, uint64_t gpa, uint64_t value)
{
	bench_set((uint64_t *)(void *)(iommu->guest.memory + gpa), htole64(value));
}

void bench_iommu_queue(struct bench_iommu *iommu, uint64_t command0, uint64_t command1)
{
	uint64_t at = IOMMU_QUEUE + bench_iommu_tail(iommu);

	bench_iommu_put(iommu, at, command0);
	bench_iommu_put(iommu, at + 8, command1);
	iommu->queued++;
}

static void write_tables(const struct bench_iommu *iommu)
{
	bench_iommu_put(iommu, IOMMU_ROOT + 8 * (BENCH_PBA >> 30), IOMMU_MIDDLE | iommu->kind->top);
	for (uint64_t i = 0; i < PAGES / 512; i++)
		bench_iommu_put(iommu, IOMMU_MIDDLE + 8 * i, (IOMMU_LEAVES + i * BENCH_PAGE) | iommu->kind->middle);
}

static void end(struct bench_iommu *iommu)
{
	viommu_domain_destroy(iommu->alone);
	viommu_reader_destroy(iommu->reader);
	iommu->kind->end(iommu);
	bench_guest_end(&iommu->guest);
	viommu_host_destroy(iommu->soft);
}

static int begin(struct bench_iommu *iommu, const struct bench_iommu_kind *kind, uint64_t pages, bool map)
{
	struct viommu_device *device;
	int error;

	*iommu = (struct bench_iommu){ .kind = kind, .pages = pages, .map = map };
	error = viommu_host_soft_create(&iommu->soft);
	if (error)
		return error;
	if (!bench_guest_begin(&iommu->guest, IOMMU_FRAMES, 16, 1)) {
		viommu_host_destroy(iommu->soft);
		return -ENOMEM;
	}
	if (kind->page)
		write_tables(iommu);
	error = kind->begin(iommu);
	if (!error)
		error = kind->add(iommu, &device);
	if (!error)
		error = viommu_reader_create(device, VIOMMU_NO_PASID, &iommu->reader);
	if (error)
		end(iommu);
	return error;
}

static uint64_t iova_of(const struct bench_iommu *iommu, unsigned int buffer)
{
	/* Buffers are apart, so that none shortens the next one's walk. */
	return BENCH_PBA + buffer * (PAGES / BUFFERS) * BENCH_PAGE + (iommu->pages == 1 ? 7 * BENCH_PAGE : 0);
}

/* Whether the device model translates a page without a miss. */
static bool has(const struct bench_iommu *iommu, uint64_t iova, struct viommu_fault *fault)
{
	struct viommu_piece piece;
	uint64_t translated;

	return viommu_translate(iommu->reader, iova, BENCH_PAGE, VIOMMU_RW, &piece, 1, &translated, fault) == 1;
}

static bool reach(struct bench_iommu *iommu, uint64_t iova)
{
	struct viommu_fault fault;

	return has(iommu, iova, &fault) || (iommu->kind->fault && !iommu->kind->fault(iommu, &fault) && has(iommu, iova, &fault));
}

static void set_buffers(const struct bench_iommu *iommu, bool valid)
{
	for (unsigned int b = 0; b < BUFFERS && iommu->kind->page; b++) {
		uint64_t first = (iova_of(iommu, b) - BENCH_PBA) / BENCH_PAGE;
		for (uint64_t page = first; page < first + iommu->pages; page++)
			bench_iommu_put(iommu, IOMMU_LEAVES + 8 * page, valid ? page * BENCH_PAGE | iommu->kind->page : 0);
	}
}

/* Nanoseconds in which the guest's announcements are carried out, one buffer after the other. */
static double announce_all(struct bench_iommu *iommu, bool valid)
{
	const uint64_t *done = (const uint64_t *)(const void *)(iommu->guest.memory + IOMMU_DONE);
	struct viommu_fault fault;
	double ns = 0;

	for (unsigned int b = 0; b < BUFFERS; b++) {
		uint64_t iova = iova_of(iommu, b);
		bench_iommu_put(iommu, IOMMU_DONE, 0);
		iommu->kind->announce(iommu, iova, valid);
		struct bench_watch watch = bench_watch();
		int error = iommu->kind->carry_out(iommu);
		ns += bench_elapsed(&watch);
		if (error || *done != htole64(iommu->kind->waits ? IOMMU_WAIT : 0))
			return -EILSEQ;
		/* The last page, too: not all of a buffer would be easy to miss. */
		if (has(iommu, iova, &fault) != valid || has(iommu, iova + (iommu->pages - 1) * BENCH_PAGE, &fault) != valid)
			return -EILSEQ;
	}
	return ns;
}

/* Accesses to each page of all buffers, timed. Each is a miss if nothing was announced. */
static double access_all(struct bench_iommu *iommu)
{
	struct bench_watch watch = bench_watch();

	for (unsigned int b = 0; b < BUFFERS; b++)
		for (uint64_t i = 0; i < iommu->pages; i++)
			if (!reach(iommu, iova_of(iommu, b) + i * BENCH_PAGE))
				return -EILSEQ;
	return bench_elapsed(&watch);
}

/* All buffers become valid, are accessed, and become invalid. */
static double cycle(struct bench_iommu *iommu, double ns[3])
{
	set_buffers(iommu, true);
	ns[0] = iommu->kind->fault ? 0 : announce_all(iommu, true);
	ns[1] = ns[0] < 0 ? ns[0] : access_all(iommu);
	set_buffers(iommu, false);
	ns[2] = ns[1] < 0 ? ns[1] : announce_all(iommu, false);
	return ns[2];
}

static double sample_call(void *ctx)
{
	struct bench_iommu *iommu = ctx;
	double ns[3], error = cycle(iommu, ns);

	return error < 0 ? error : ns[iommu->map ? 0 : 2] / BUFFERS;
}

/*
 * Nothing of a buffer is established when its first page is accessed. Accesses to other pages of
 * the same leaf do not miss.
 */
static double sample_miss(void *ctx)
{
	struct bench_iommu *iommu = ctx;
	double ns[3], error = cycle(iommu, ns);

	return error < 0 ? error : ns[1] / (double)(BUFFERS * iommu->pages);
}

static int change_alone(const struct bench_iommu *iommu, uint64_t first, uint64_t last, bool valid)
{
	if (!iommu->mapped)
		return viommu_domain_refresh(iommu->alone, first, last, NULL);
	return valid ? viommu_mapped_map(iommu->mapped, first, last, first - BENCH_PBA, VIOMMU_RW) : viommu_mapped_unmap(iommu->mapped, first, last);
}

static double sample_alone(void *ctx)
{
	const struct bench_iommu *iommu = ctx;
	double ns[2] = { 0 };

	for (unsigned int turn = 0; turn < 2; turn++) {
		bool valid = !turn;
		set_buffers(iommu, valid);
		for (unsigned int b = 0; b < BUFFERS; b++) {
			uint64_t first = iova_of(iommu, b);
			struct bench_watch watch = bench_watch();
			int error = change_alone(iommu, first, first + iommu->pages * BENCH_PAGE - 1, valid);
			ns[turn] += bench_elapsed(&watch);
			if (error)
				return error;
		}
		if (bench_mapped(iommu->alone) != (valid ? BUFFERS * iommu->pages : 0))
			return -EILSEQ;
	}
	return ns[iommu->map ? 0 : 1] / BUFFERS;
}

static void call(struct bench *bench, const struct bench_iommu_kind *kind, bool map, uint64_t pages)
{
	const char *verb = map ? "map" : "unmap";
	struct bench_iommu iommu;
	char what[128];

	snprintf(what, sizeof(what), "a guest %ss a buffer: %s", verb, kind->does);
	struct bench_case *one = bench_case(bench, BENCH_TIME, what, "%s/%s/%u", kind->name, verb, (unsigned int)pages);
	if (!one || !bench_is_set_up(bench, one, begin(&iommu, kind, pages, map)))
		return;
	const struct bench_lane lanes[] = {
		{ .name = "soft host", .sample = sample_call, .ctx = &iommu },
		{ .name = kind->baseline, .sample = sample_alone, .ctx = &iommu, .baseline = true },
	};
	bench_measure(bench, one, lanes, 2);
	end(&iommu);
}

static void miss(struct bench *bench)
{
	struct bench_case *one =
		bench_case(bench, BENCH_TIME_EACH, "a device's first access to a page behind an SMMUv3: it misses, asks, and translates; each", "smmuv3/miss");
	struct bench_iommu iommu;

	if (!one || !bench_is_set_up(bench, one, begin(&iommu, &bench_iommu_smmuv3, 16, false)))
		return;
	bench_measure(bench, one, &(const struct bench_lane){ .name = "soft host", .sample = sample_miss, .ctx = &iommu }, 1);
	end(&iommu);
}

static void calls(struct bench *bench, const struct bench_iommu_kind *kind, bool map)
{
	static const uint64_t sizes[] = { 1, 16, 256 };

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		call(bench, kind, map, sizes[i]);
}

void bench_iommus(struct bench *bench)
{
	calls(bench, &bench_iommu_smmuv3, false);
	miss(bench);
	calls(bench, &bench_iommu_vtd, false);
	calls(bench, &bench_iommu_amdvi, false);
	calls(bench, &bench_iommu_virtio, true);
	calls(bench, &bench_iommu_virtio, false);
}
