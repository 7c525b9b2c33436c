/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "accesses.h"

#include <inttypes.h>

#include "timing.h"

/* How often an access retries. Once is enough if the tables do not change meanwhile. */
#define ROUNDS_MAX 8u

struct checked *accesses_device(struct checker *checker, uint32_t requester)
{
	size_t i;

	for (i = 0; i < checker->count; i++) {
		if (checker->list[i].id == requester)
			return checker->list[i].reader ? &checker->list[i] : NULL;
	}
	return NULL;
}

/* Adds the nanoseconds spent in misses to *fault_ns. true if the access is allowed. */
static bool access_page(struct checker *checker, struct checked *checked, uint64_t iova, uint32_t access, uint64_t *gpa, uint64_t *fault_ns)
{
	unsigned int rounds;

	for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		struct viommu_fault fault = { 0 };
		struct viommu_piece piece;
		uint64_t translated, began;
		int ret = viommu_translate(checked->reader, iova, VIOMMU_PAGE_SIZE, access, &piece, 1, &translated, &fault);

		if (ret == 1) {
			*gpa = (uint64_t)((const unsigned char *)piece.hva - checker->ram->host) + checker->ram->gpa;
			return translated == VIOMMU_PAGE_SIZE;
		}
		if (!checker->ops->miss)
			return false;
		began = timing_ticks();
		ret = checker->ops->miss(checked->device, &fault);
		*fault_ns += timing_ns(timing_ticks() - began);
		if (ret)
			return false;
	}
	return false;
}

/* The page that the library's device reaches; prot 0: none. */
static struct capture_page reach(struct checker *checker, struct checked *checked, uint64_t iova, uint64_t *fault_ns)
{
	struct capture_page page = { .iova = iova };
	uint64_t stored;

	page.prot = access_page(checker, checked, iova, VIOMMU_READ, &page.gpa, fault_ns) ? CAPTURE_R : 0;
	if (!access_page(checker, checked, iova, VIOMMU_WRITE, &stored, fault_ns) || (page.prot && stored != page.gpa))
		return page;
	page.gpa = stored;
	page.prot |= CAPTURE_W;
	return page;
}

static void disagree(struct checker *checker, struct checked *checked, const struct capture_page *qemu, const struct capture_page *library)
{
	struct report_line of_qemu = { .used = 0 }, of_library = { .used = 0 };

	checker_put_page(&of_qemu, qemu->gpa, qemu->prot);
	checker_put_page(&of_library, library->gpa, library->prot);
	checker_disagree(checker, checked, LIVE_SHADOW, 1, "IOVA 0x%" PRIx64 ": QEMU's device reaches %s, the library's reaches %s", qemu->iova, of_qemu.text,
			 of_library.text);
}

/* Compares one stretch with QEMU's answer. */
static void compare(struct checker *checker, struct streams *streams, struct checked *checked, const struct stretch *stretch, uint64_t *fault_ns)
{
	uint64_t count = (stretch->last - stretch->first) / VIOMMU_PAGE_SIZE + 1, page;
	const struct runs *runs = &stretch->runs;
	size_t at = 0;

	for (page = 0; page < count; page++) {
		struct capture_page qemu = { .iova = stretch->first + page * VIOMMU_PAGE_SIZE };
		struct capture_page library = reach(checker, checked, qemu.iova, fault_ns);

		while (at < runs->count && runs->list[at].iova + runs->list[at].count * VIOMMU_PAGE_SIZE <= qemu.iova)
			at++;
		if (at < runs->count && runs->list[at].iova <= qemu.iova) {
			qemu.gpa = runs->list[at].gpa + (qemu.iova - runs->list[at].iova);
			qemu.prot = runs->list[at].prot;
		}
		if (checker->ops->widens && qemu.prot == CAPTURE_W)
			qemu.prot = CAPTURE_RW;
		if (qemu.gpa != library.gpa || qemu.prot != library.prot) {
			if (streams_moved(streams, checked->id)) {
				checker_skip(checker, LIVE_SHADOW, count - page);
				return;
			}
			disagree(checker, checked, &qemu, &library);
		}
		checker_count_checks(checker, checked, LIVE_SHADOW, 1);
	}
}

uint64_t accesses_compare(struct checker *checker, struct streams *streams, const struct observation *observation)
{
	uint64_t fault_ns = 0;
	size_t i;

	for (i = 0; i < observation->stretch_count; i++) {
		struct checked *checked = accesses_device(checker, observation->stretches[i].device);

		if (checked)
			compare(checker, streams, checked, &observation->stretches[i], &fault_ns);
	}
	return fault_ns;
}

struct difference accesses_look(struct checker *checker)
{
	struct difference sum = { 0 };
	size_t i;

	for (i = 0; i < checker->count; i++) {
		struct checked *checked = &checker->list[i];
		struct difference one = { 0 };

		checker_look(checker, checked, &one.established, &one.released);
		live_add(&checked->numbers->established, one.established);
		live_add(&checked->numbers->released, one.released);
		sum.established += one.established;
		sum.released += one.released;
	}
	return sum;
}
