// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorded machine's translations, compared with the accesses of a device model: it translates,
 * and where that fails it reports the miss to its guest IOMMU, if that takes misses, and translates
 * once more. So it is the host's translation that is compared, and not what the library has on
 * record.
 *
 *  - Where a page was reached, a load must reach the same one, and a store must if it may, and must
 *    not if it may not.
 *  - Where none was, nothing may be found: neither without asking (that would be stale), nor after
 *    it.
 *
 * Of pages that are to be tried there may be 2^52, and then those at both ends are.
 */
#include "replay.h"

/*
 * Once for a missing translation, once for a device that is moving to its target. More retries
 * would hide a translation that is removed again.
 */
#define ROUNDS 4u

/* Pages that are tried at each end of a range with more than twice as many. */
#define TRIED_MAPPED   32768u
#define TRIED_UNMAPPED 512u

struct access {
	struct replay *replay;
	const struct replay_expected *expected;
	struct replay_function *function;
	struct viommu_reader *reader;
};

static bool translate(const struct access *access, uint64_t iova, uint32_t kind, struct viommu_piece *piece, struct viommu_fault *fault)
{
	uint64_t translated = 0;

	*fault = (struct viommu_fault){ 0 };
	return viommu_translate(access->reader, iova, VIOMMU_PAGE_SIZE, kind, piece, 1, &translated, fault) == 1 && translated == VIOMMU_PAGE_SIZE;
}

/* Accesses a page up to its end. Returns whether the access succeeded. */
static bool reach(const struct access *access, uint64_t iova, uint32_t kind, struct viommu_piece *piece)
{
	const struct replay_iommu *iommu = access->replay->iommu;
	struct replay_counts *counts = &access->replay->counts;
	struct viommu_fault fault;

	counts->accesses++;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (translate(access, iova, kind, piece, &fault))
			return true;
		if (!iommu->miss)
			return false;
		counts->misses++;
		if (fault.reason == VIOMMU_FAULT_NONE || iommu->miss(access->replay, access->function, &fault))
			return false;
		counts->filled++;
	}
	return false;
}

/* The guest memory of a piece; false if it has none. */
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
	replay_oracle_differs(access->replay, access->expected, iova, run.last, piece ? &run : NULL, "an access finds");
}

/* An access that should have succeeded. True: there was no room within the user's limits. */
static bool missing(const struct access *access, uint64_t iova, const struct viommu_piece *piece, uint64_t shortages)
{
	struct replay *replay = access->replay;
	bool excused = replay->iommu->excuses(replay, iova, shortages);

	if (!excused || !replay->options->limited) {
		differs(access, iova, piece, VIOMMU_READ);
		return false;
	}
	replay->counts.oracle_missing++;
	return true;
}

static uint64_t shortages_of(const struct replay *replay)
{
	return replay->iommu->shortages ? replay->iommu->shortages(replay) : 0;
}

/* This and the next one: true if there was no room within the user's limits. */
static bool try_mapped(const struct access *access, uint64_t iova)
{
	const struct replay_expected *expected = access->expected;
	bool writable = expected->prot & VIOMMU_WRITE;
	struct viommu_piece piece = { 0 }, written = { 0 };
	uint64_t shortages = shortages_of(access->replay), gpa;

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
	uint64_t shortages = shortages_of(access->replay);
	struct viommu_piece piece = { 0 };

	if (reach(access, iova, VIOMMU_READ, &piece))
		differs(access, iova, &piece, VIOMMU_READ);
	return access->replay->options->limited && shortages_of(access->replay) != shortages;
}

static bool is_usable(const struct access *access)
{
	struct replay_aperture aperture;

	access->replay->iommu->aperture(access->function, &aperture);
	return aperture.usable;
}

/*
 * If a whole domain has no room, each access tries to create one. Nothing changes between two of
 * them, so one is enough.
 */
static void each(const struct access *access, bool (*fn)(const struct access *access, uint64_t iova), uint64_t most)
{
	const struct replay_expected *expected = access->expected;
	uint64_t count = replay_pages(expected->first, expected->last);

	for (uint64_t i = 0; i < count; i++) {
		if (i == most && count > 2 * most)
			i = count - most;
		if (fn(access, expected->first + i * VIOMMU_PAGE_SIZE) && !is_usable(access)) {
			access->replay->counts.oracle_missing += expected->mapped ? count - 1 - i : 0;
			return;
		}
	}
}

void replay_access_compare(struct replay *replay, const struct replay_expected *expected)
{
	struct replay_function *function = replay->oracle.function;
	struct access access = { .replay = replay, .expected = expected, .function = function, .reader = replay->iommu->reader(function) };

	if (!access.reader)
		return;
	if (expected->mapped)
		each(&access, try_mapped, TRIED_MAPPED);
	else
		each(&access, try_unmapped, TRIED_UNMAPPED);
}

bool replay_access_is(const struct replay *replay, const struct replay_function *function, uint64_t iova, uint64_t gpa, uint32_t prot)
{
	struct access access = { .reader = replay->iommu->reader(function) };
	struct viommu_piece piece;
	struct viommu_fault fault;
	uint64_t found;

	if (!access.reader)
		return true;
	if (!translate(&access, iova, VIOMMU_READ, &piece, &fault))
		return !prot;
	return gpa_of(&replay->guest, piece.hva, &found) && found == gpa &&
	       prot == (translate(&access, iova, VIOMMU_WRITE, &piece, &fault) ? VIOMMU_RW : VIOMMU_READ);
}
