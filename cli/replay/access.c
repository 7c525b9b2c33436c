// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorded machine's translations, compared with the accesses of a device model: it translates,
 * and where that fails it reports the miss to its guest IOMMU, if that takes misses, and translates
 * once more. So it is the host's translation that is compared, and not what the library has on
 * record.
 *
 *  - Where a page was reached, a load and a store must reach the same one if they may, and must not
 *    if they may not.
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
	struct viommu_piece read = { 0 }, written = { 0 }, *piece;
	uint64_t shortages = shortages_of(access->replay), gpa;
	bool elsewhere;
	uint32_t prot = reach(access, iova, VIOMMU_READ, &read) ? VIOMMU_READ : 0;

	/* A page that cannot be read is tried no more where there is no right to store alone. */
	if ((prot || access->replay->iommu->write_only) && reach(access, iova, VIOMMU_WRITE, &written))
		prot |= VIOMMU_WRITE;
	if (!prot)
		return missing(access, iova, NULL, shortages);
	piece = prot & VIOMMU_READ ? &read : &written;
	elsewhere = !gpa_of(&access->replay->guest, piece->hva, &gpa) || gpa != expected->gpa + (iova - expected->first) ||
		    (prot == VIOMMU_RW && written.hva != read.hva);
	if (!elsewhere && expected->prot & ~prot)
		return missing(access, iova, piece, shortages);
	if (elsewhere || prot != expected->prot)
		differs(access, iova, piece, prot);
	return false;
}

static bool try_unmapped(const struct access *access, uint64_t iova)
{
	uint64_t shortages = shortages_of(access->replay);
	struct viommu_piece piece = { 0 };

	if (reach(access, iova, VIOMMU_READ, &piece))
		differs(access, iova, &piece, VIOMMU_READ);
	else if (access->replay->iommu->write_only && reach(access, iova, VIOMMU_WRITE, &piece))
		differs(access, iova, &piece, VIOMMU_WRITE);
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
	uint32_t found = 0;
	uint64_t at;

	if (!access.reader)
		return true;
	for (uint32_t kind = VIOMMU_READ; kind <= VIOMMU_WRITE; kind <<= 1) {
		if (!translate(&access, iova, kind, &piece, &fault))
			continue;
		if (!gpa_of(&replay->guest, piece.hva, &at) || at != gpa)
			return false;
		found |= kind;
	}
	return found == prot;
}
