// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Waits of an SMMUv3's guest and its devices: the store to CMDQ_PROD by which the guest unmaps a
 * buffer (one invalidation of its pages and a CMD_SYNC), and a device model's first access to a
 * page, which misses. On the soft host. The store is compared with its refresh alone, of a domain
 * over the same tables: the difference is the cost of the queue, the invalidation and the locks.
 *
 * Structures are as a guest writes them (IHI 0070, chapters 3 to 5): one stream in a linear stream
 * table, pages of 4 KiB, IOVAs of 39 bits; the invalidation is a range (RIL) with TTL, as Linux
 * sends it to an SMMU with these features.
 */
#include "bench.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <viommu/reader.h>
#include <viommu/smmuv3.h>

#include "guest.h"

#define FRAMES	(UINT64_C(16) << 20)
#define PAGES	(FRAMES / BENCH_PAGE)
#define BUFFERS 16u /* buffers that a sample unmaps */

/* GPAs, above the frames. */
#define STREAMS	   FRAMES
#define CONTEXT	   (FRAMES + 0x1000)
#define QUEUE	   (FRAMES + 0x2000)
#define ROOT	   (FRAMES + 0x3000)
#define MIDDLE	   (FRAMES + 0x4000)
#define LEAVES	   (FRAMES + 0x5000) /* eight tables, side by side */
#define QUEUE_BITS 8u

/*
 * Descriptors (Arm ARM, D8): a table; a page, with the access flag, for unprivileged accesses.
 * EPD1, V, IPS of 44 bits, AA64, R, A; T0SZ 25.
 */
#define TABLE UINT64_C(0x3)
#define PAGE  UINT64_C(0x443)
#define ASID  UINT64_C(1)
#define CD0   (25 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 | UINT64_C(1) << 41 | UINT64_C(3) << 45 | ASID << 48)

/* Registers and commands (IHI 0070, chapters 6 and 4). */
#define STRTAB_BASE 0x80u
#define CMDQ_BASE   0x90u
#define CMDQ_PROD   0x98u
#define CR0	    0x20u
#define CFGI_STE    UINT64_C(0x03)
#define TLBI_NH_VA  (UINT64_C(0x12) | ASID << 48)
#define TTL_TG_4K   UINT64_C(0x700)
#define SYNC	    UINT64_C(0x46)

struct rig {
	struct bench_guest guest;
	struct viommu_host *soft;
	struct viommu_smmuv3 *smmu;
	struct viommu_smmuv3_device *device;
	struct viommu_reader *reader;
	struct viommu_domain *alone; /* over the same tables */
	uint32_t prod;
	uint64_t run; /* pages of a buffer */
};

static void put(const struct rig *rig, uint64_t gpa, uint64_t value)
{
	bench_set((uint64_t *)(void *)(rig->guest.memory + gpa), htole64(value));
}

static void set(const struct rig *rig, uint64_t page, bool valid)
{
	put(rig, LEAVES + 8 * page, valid ? page * BENCH_PAGE | PAGE : 0);
}

static void queue(struct rig *rig, uint64_t command0, uint64_t command1)
{
	uint64_t at = QUEUE + 16 * (rig->prod & ((1u << QUEUE_BITS) - 1));

	put(rig, at, command0);
	put(rig, at + 8, command1);
	rig->prod = (rig->prod + 1) & ((2u << QUEUE_BITS) - 1);
}

static int store(const struct rig *rig)
{
	return viommu_smmuv3_write(rig->smmu, CMDQ_PROD, 4, rig->prod);
}

static int write_structures(struct rig *rig)
{
	put(rig, ROOT + 8 * (BENCH_PBA >> 30), MIDDLE | TABLE);
	for (uint64_t i = 0; i < PAGES / 512; i++)
		put(rig, MIDDLE + 8 * i, (LEAVES + i * BENCH_PAGE) | TABLE);
	put(rig, CONTEXT, CD0);
	put(rig, CONTEXT + 8, ROOT);
	put(rig, STREAMS, CONTEXT | 0xb);
	if (viommu_smmuv3_write(rig->smmu, STRTAB_BASE, 8, STREAMS) || viommu_smmuv3_write(rig->smmu, CMDQ_BASE, 8, QUEUE | QUEUE_BITS) ||
	    viommu_smmuv3_write(rig->smmu, CR0, 4, 0x9))
		return -EILSEQ;
	queue(rig, CFGI_STE, 1);
	queue(rig, SYNC, 0);
	return store(rig);
}

static void end(struct rig *rig)
{
	viommu_domain_destroy(rig->alone);
	viommu_reader_destroy(rig->reader);
	viommu_smmuv3_destroy(rig->smmu);
	bench_guest_end(&rig->guest);
	viommu_host_destroy(rig->soft);
}

static bool begin(struct rig *rig)
{
	const struct viommu_smmuv3_config config = { .size = sizeof(config), .flags = VIOMMU_SMMUV3_RESET_ABORT };
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = 44, .cd = { CD0, ROOT } };
	struct viommu_smmuv3_device_config device = { .size = sizeof(device) };

	memset(rig, 0, sizeof(*rig));
	if (viommu_host_soft_create(&rig->soft))
		return false;
	if (!bench_guest_begin(&rig->guest, FRAMES, 16, 1)) {
		viommu_host_destroy(rig->soft);
		return false;
	}
	device.host = rig->soft;
	if (!viommu_smmuv3_create(rig->guest.vm, &config, &rig->smmu) && !viommu_smmuv3_device_add(rig->smmu, &device, &rig->device) &&
	    !viommu_reader_create(viommu_smmuv3_device_device(rig->device), VIOMMU_NO_PASID, &rig->reader) && !write_structures(rig) &&
	    !viommu_domain_create(rig->guest.vm, rig->soft, VIOMMU_DOMAIN_SMMUV3, &stage1, NULL, &rig->alone))
		return true;
	end(rig);
	return false;
}

static uint64_t iova_of(const struct rig *rig, unsigned int buffer)
{
	/* Buffers are apart, so that none shortens the next one's walk. */
	return BENCH_PBA + buffer * (PAGES / BUFFERS) * BENCH_PAGE + (rig->run == 1 ? 7 * BENCH_PAGE : 0);
}

/* Whether the device model translates a page without a miss. */
static bool has(const struct rig *rig, uint64_t iova, struct viommu_fault *fault)
{
	struct viommu_piece piece;
	uint64_t translated;

	return viommu_translate(rig->reader, iova, BENCH_PAGE, VIOMMU_RW, &piece, 1, &translated, fault) == 1;
}

static bool reach(const struct rig *rig, uint64_t iova)
{
	struct viommu_fault fault;

	return has(rig, iova, &fault) || (!viommu_smmuv3_device_fault(rig->device, &fault) && has(rig, iova, &fault));
}

static void set_buffers(const struct rig *rig, bool valid)
{
	for (unsigned int b = 0; b < BUFFERS; b++)
		for (uint64_t i = 0; i < rig->run; i++)
			set(rig, (iova_of(rig, b) - BENCH_PBA) / BENCH_PAGE + i, valid);
}

/* All buffers are valid, and each page was accessed. Those accesses are timed. Each is a miss. */
static double map_and_access(const struct rig *rig)
{
	set_buffers(rig, true);
	struct bench_watch watch = bench_watch();
	for (unsigned int b = 0; b < BUFFERS; b++)
		for (uint64_t i = 0; i < rig->run; i++)
			if (!reach(rig, iova_of(rig, b) + i * BENCH_PAGE))
				return -EILSEQ;
	return bench_elapsed(&watch);
}

/*
 * One buffer after the other: its pages become invalid, commands are in the queue, and the store
 * follows.
 */
static double sample_store(void *ctx)
{
	struct rig *rig = ctx;
	struct viommu_fault fault;
	double ns = map_and_access(rig);

	if (ns < 0)
		return ns;
	set_buffers(rig, false);
	ns = 0;
	for (unsigned int b = 0; b < BUFFERS; b++) {
		queue(rig, TLBI_NH_VA | (rig->run - 1) % 32 << 12 | (rig->run > 32 ? UINT64_C(3) << 20 : 0), iova_of(rig, b) | TTL_TG_4K);
		queue(rig, SYNC, 0);
		struct bench_watch watch = bench_watch();
		int error = store(rig);
		ns += bench_elapsed(&watch);
		if (error || has(rig, iova_of(rig, b), &fault))
			return -EILSEQ;
	}
	return ns / BUFFERS;
}

static double sample_refresh(void *ctx)
{
	struct rig *rig = ctx;
	double ns = 0;

	set_buffers(rig, true);
	for (unsigned int b = 0; b < BUFFERS; b++)
		if (viommu_domain_refresh(rig->alone, iova_of(rig, b), iova_of(rig, b) + rig->run * BENCH_PAGE - 1, NULL))
			return -EILSEQ;
	set_buffers(rig, false);
	for (unsigned int b = 0; b < BUFFERS; b++) {
		struct bench_watch watch = bench_watch();
		int error = viommu_domain_refresh(rig->alone, iova_of(rig, b), iova_of(rig, b) + rig->run * BENCH_PAGE - 1, NULL);
		ns += bench_elapsed(&watch);
		if (error)
			return -EILSEQ;
	}
	return bench_mapped(rig->alone) ? -EILSEQ : ns / BUFFERS;
}

/*
 * Nothing of a buffer is established when its first page is accessed. Accesses to other pages of
 * the same leaf do not miss.
 */
static double sample_miss(void *ctx)
{
	struct rig *rig = ctx;
	double ns = map_and_access(rig);

	set_buffers(rig, false);
	queue(rig, UINT64_C(0x30), 0); /* CMD_TLBI_NSNH_ALL */
	queue(rig, SYNC, 0);
	return store(rig) ? -EILSEQ : ns < 0 ? ns : ns / (double)(BUFFERS * rig->run);
}

static void unmap(struct bench *bench, uint64_t run)
{
	struct bench_case *one = bench_case(bench, BENCH_TIME, "an SMMUv3's guest unmaps a buffer: the store to CMDQ_PROD, of an invalidation and a CMD_SYNC",
					    "smmuv3/unmap/%u", (unsigned int)run);
	struct rig rig;

	if (!one)
		return;
	if (!begin(&rig)) {
		bench_skip(one, "no memory");
		return;
	}
	rig.run = run;
	const struct bench_lane lanes[] = {
		{ .name = "soft host", .sample = sample_store, .ctx = &rig },
		{ .name = "the refresh alone", .sample = sample_refresh, .ctx = &rig, .baseline = true },
	};
	bench_measure(bench, one, lanes, 2);
	end(&rig);
}

static void miss(struct bench *bench)
{
	struct bench_case *one =
		bench_case(bench, BENCH_TIME_EACH, "a device's first access to a page behind an SMMUv3: it misses, asks, and translates; each", "smmuv3/miss");
	struct rig rig;

	if (!one)
		return;
	if (!begin(&rig)) {
		bench_skip(one, "no memory");
		return;
	}
	rig.run = 16;
	bench_measure(bench, one, &(const struct bench_lane){ .name = "soft host", .sample = sample_miss, .ctx = &rig }, 1);
	end(&rig);
}

void bench_smmuv3(struct bench *bench)
{
	unmap(bench, 1);
	unmap(bench, 16);
	unmap(bench, 256);
	miss(bench);
}
