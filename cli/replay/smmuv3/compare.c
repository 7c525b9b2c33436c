// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorded machine's answers to a device's accesses, compared with the accesses of a device
 * model: it translates, and where that fails it reports the miss to the SMMU, and translates once
 * more.
 *
 *  - Where a page was reached, a load must reach the same one, and a store must if it may, and must
 *    not if it may not.
 *  - Where none was, nothing may be found: neither without asking (that would be stale), nor after
 *    it.
 *
 * Of what is established all is looked at; of pages that are to be tried there may be 2^52, and
 * then those at both ends are.
 */
#include "smmuv3.h"

/*
 * Once for a translation that is not there yet, once for a device that is on its way to its target.
 * More means that a translation that was found is taken away again.
 */
#define ROUNDS 4u

/* Pages that are tried at each end, where there are more than twice as many. */
#define TRIED_MAPPED   32768u
#define TRIED_UNMAPPED 512u

struct access {
	struct replay *replay;
	const struct replay_expected *expected;
	struct replay_function *function;
};

static bool translate(const struct access *access, uint64_t iova, uint32_t kind, struct viommu_piece *piece, struct viommu_fault *fault)
{
	uint64_t translated = 0;

	*fault = (struct viommu_fault){ 0 };
	return viommu_translate(smmuv3_stream_of(access->function)->reader, iova, VIOMMU_PAGE_SIZE, kind, piece, 1, &translated, fault) == 1 &&
	       translated == VIOMMU_PAGE_SIZE;
}

/* An access to a page, to its end. Whether it came through. */
static bool reach(const struct access *access, uint64_t iova, uint32_t kind, struct viommu_piece *piece)
{
	struct replay_counts *counts = &access->replay->counts;
	struct viommu_fault fault;

	counts->accesses++;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (translate(access, iova, kind, piece, &fault))
			return true;
		counts->misses++;
		double begin = replay_now();
		if (fault.reason == VIOMMU_FAULT_NONE || viommu_smmuv3_device_fault(smmuv3_stream_of(access->function)->device, &fault))
			return false;
		counts->miss_seconds += replay_now() - begin;
		counts->filled++;
		smmuv3_count_pages(access->replay);
	}
	return false;
}

/* Where in guest memory a piece is; false if it is in none. */
static bool gpa_of(const struct guest *guest, const void *hva, uint64_t *gpa)
{
	for (unsigned int i = 0; i < guest->count; i++) {
		const struct guest_slot *slot = &guest->slots[i];
		uintptr_t offset = (uintptr_t)hva - (uintptr_t)slot->memory;
		if (offset < slot->bytes) {
			*gpa = slot->gpa + offset;
			return true;
		}
	}
	return false;
}

static void differs(const struct access *access, uint64_t iova, const struct viommu_piece *piece, uint32_t prot)
{
	struct viommu_run run = { .first = iova, .last = iova | (VIOMMU_PAGE_SIZE - 1), .gpa = UINT64_MAX & ~(VIOMMU_PAGE_SIZE - 1), .prot = prot };

	if (piece)
		gpa_of(&access->replay->guest, piece->hva, &run.gpa);
	replay_oracle_differs(access->replay, access->expected, iova, run.last, piece ? &run : NULL);
}

static uint64_t insufficient(const struct replay *replay)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };

	viommu_smmuv3_info(smmuv3_of(replay)->smmu, &info);
	return info.insufficient;
}

/*
 * An access that was to come through, and did not. True: there was no room, as the user has limited
 * it.
 */
static bool missing(const struct access *access, uint64_t iova, const struct viommu_piece *piece, uint64_t shortages)
{
	struct replay_counts *counts = &access->replay->counts;
	uint64_t more = insufficient(access->replay) - shortages;

	counts->insufficient_resources += more;
	if (!more || !access->replay->options->limited) {
		differs(access, iova, piece, VIOMMU_READ);
		return false;
	}
	counts->oracle_missing++;
	return true;
}

/* This and the next one: true if there was no room, where the user has limited it. */
static bool try_mapped(const struct access *access, uint64_t iova)
{
	const struct replay_expected *expected = access->expected;
	bool writable = expected->prot & VIOMMU_WRITE;
	struct viommu_piece piece = { 0 }, written = { 0 };
	uint64_t shortages = insufficient(access->replay), gpa;

	if (!reach(access, iova, VIOMMU_READ, &piece))
		return missing(access, iova, NULL, shortages);
	bool stored = reach(access, iova, VIOMMU_WRITE, &written);
	if (!gpa_of(&access->replay->guest, piece.hva, &gpa) || gpa != expected->gpa + (iova - expected->first) || (stored && written.hva != piece.hva))
		differs(access, iova, &piece, stored ? VIOMMU_RW : VIOMMU_READ);
	else if (writable && !stored)
		return missing(access, iova, &piece, shortages);
	else if (!writable && stored)
		differs(access, iova, &piece, VIOMMU_RW);
	return false;
}

static bool try_unmapped(const struct access *access, uint64_t iova)
{
	uint64_t shortages = insufficient(access->replay);
	struct viommu_piece piece = { 0 };
	struct viommu_fault fault;

	/* A translation that is there without a miss was reported already. */
	if (!translate(access, iova, VIOMMU_READ, &piece, &fault) && reach(access, iova, VIOMMU_READ, &piece))
		differs(access, iova, &piece, VIOMMU_READ);
	return access->replay->options->limited && insufficient(access->replay) != shortages;
}

static bool is_attached(const struct access *access)
{
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	viommu_smmuv3_device_info(smmuv3_stream_of(access->function)->device, &info);
	return info.sharing;
}

static int stale(void *ctx, const struct viommu_run *run)
{
	const struct access *access = ctx;

	replay_oracle_differs(access->replay, access->expected, run->first, run->last, run);
	return 0;
}

/*
 * Where a whole domain has no room, each access tries to make one; between two of them nothing
 * changes, so that one is enough.
 */
static void each(const struct access *access, bool (*fn)(const struct access *access, uint64_t iova), uint64_t most)
{
	const struct replay_expected *expected = access->expected;
	uint64_t count = replay_pages(expected->first, expected->last);

	for (uint64_t i = 0; i < count; i++) {
		if (i == most && count > 2 * most)
			i = count - most;
		if (fn(access, expected->first + i * VIOMMU_PAGE_SIZE) && !is_attached(access)) {
			access->replay->counts.oracle_missing += expected->mapped ? count - 1 - i : 0;
			return;
		}
	}
}

void smmuv3_compare(struct replay *replay, const struct replay_expected *expected)
{
	struct access access = { .replay = replay, .expected = expected, .function = replay->oracle.function };

	if (!access.function) {
		if (expected->mapped)
			replay_oracle_differs(replay, expected, expected->first, expected->last, NULL);
		return;
	}
	if (expected->mapped) {
		each(&access, try_mapped, TRIED_MAPPED);
		return;
	}
	viommu_smmuv3_device_each_run(smmuv3_stream_of(access.function)->device, expected->first, expected->last, stale, &access);
	each(&access, try_unmapped, TRIED_UNMAPPED);
}
