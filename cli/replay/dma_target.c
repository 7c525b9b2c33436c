// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One page, checked by a device. It is recognised by its content, which is made for this page and
 * this purpose and is nowhere else in memory: the device has read that content, wherever it writes
 * it to.
 *
 * The status of a transfer counts only where it must be a success: a device may report success for
 * an access that the IOMMU has stopped. On s390 such an access may put the function into its error
 * state, which the next transfer finds; then it is reset, and the transfer is repeated.
 */
#include "dma_check.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "guest_image.h"

#define BLOCK	       0 /* of the device's own memory */
#define REVIVE_SECONDS 20

enum purpose { PURPOSE_CARRIED = 1, PURPOSE_BEFORE, PURPOSE_UNTOUCHED };

/* Fills a page with unique contents for an IOVA and a purpose (splitmix64). */
static void fill(unsigned char *page, uint64_t iova, enum purpose purpose)
{
	for (size_t i = 0; i < DMA_BYTES; i += sizeof(uint64_t)) {
		uint64_t word = (iova + i) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)purpose * UINT64_C(0xbf58476d1ce4e5b9);
		word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
		word ^= word >> 31;
		memcpy(page + i, &word, sizeof(word));
	}
}

static bool holds(const unsigned char *page, uint64_t iova, enum purpose purpose)
{
	unsigned char wanted[DMA_BYTES];

	fill(wanted, iova, purpose);
	return !memcmp(page, wanted, sizeof(wanted));
}

static int transfer(struct dma_check *check, uint64_t iova, bool write)
{
	return write ? dma_write_to(check->device, iova, BLOCK) : dma_read_from(check->device, iova, BLOCK);
}

/*
 * Brings the device back. On s390 the kernel recovers a function from its error state by itself,
 * when it comes to it (arch/s390/pci/pci_event.c); a reset that comes before would make it reset
 * the function once more, and QEMU forget its translations. That it has recovered is seen by its
 * configuration space.
 */
static bool revive(struct dma_check *check)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	double until = replay_now() + REVIVE_SECONDS;
	int err;

	if (check->dead)
		return false;
	while (dma_kind(check->vfio_fd) != check->kind && replay_now() < until)
		nanosleep(&pause, NULL);
	do
		err = dma_reset(check->device);
	while (err && replay_now() < until);
	if (!err)
		return true;
	check->dead = true;
	if (!check->forbidden) {
		check->replay->counts.dma_wrong++;
		replay_disagree(check->replay, "%s does not come back from a reset: %s", check->address, dma_why(check->device));
	}
	return false;
}

/* A transfer that the tables allow. */
static bool must(struct dma_check *check, uint64_t iova, bool write)
{
	for (unsigned int i = 0; i < (check->forbidden ? 4u : 2u) && !check->dead; i++) {
		if (!transfer(check, iova, write))
			return true;
		revive(check);
	}
	if (!check->dead && !check->forbidden) {
		check->replay->counts.dma_wrong++;
		replay_disagree(check->replay, "function 0x%08" PRIx32 ", IOVA 0x%" PRIx64 ": %s cannot %s it: %s", check->function->handle, iova,
				check->address, write ? "write to" : "read from", dma_why(check->device));
	}
	check->dead = check->dead || check->forbidden;
	return false;
}

/* A transfer that they do not allow. */
static void may_not(struct dma_check *check, uint64_t iova, bool write)
{
	if (check->dead)
		return;
	check->forbidden = true;
	if (transfer(check, iova, write))
		revive(check);
}

/* A device's write has not arrived. */
static void misplaced(struct dma_check *check, const struct dma_target *target, const char *what)
{
	unsigned char wanted[DMA_BYTES];
	char found[64] = "nowhere in the guest's memory";
	uint64_t gpa;

	fill(wanted, target->iova, PURPOSE_CARRIED);
	if (guest_search(&check->replay->guest, wanted, sizeof(wanted), &gpa))
		snprintf(found, sizeof(found), "at guest address 0x%" PRIx64, gpa);
	check->replay->counts.dma_wrong++;
	replay_disagree(check->replay,
			"function 0x%08" PRIx32 ", IOVA 0x%" PRIx64 ": %s is not at guest address 0x%" PRIx64 ", where the tables lead; it is %s",
			check->function->handle, target->iova, what, target->gpa, found);
}

/* Read by the device, changed here, and written back: it must be the page's contents. */
void dma_target_writable(struct dma_check *check, const struct dma_target *target)
{
	unsigned char saved[DMA_BYTES];

	memcpy(saved, target->memory, DMA_BYTES);
	fill(target->memory, target->iova, PURPOSE_CARRIED);
	if (must(check, target->iova, false)) {
		fill(target->memory, target->iova, PURPOSE_BEFORE);
		if (must(check, target->iova, true) && !holds(target->memory, target->iova, PURPOSE_CARRIED))
			misplaced(check, target, "what the device wrote there");
	}
	memcpy(target->memory, saved, DMA_BYTES);
}

/* A read-only page: the device writes its contents to another page, which was found to be right. */
void dma_target_readable(struct dma_check *check, const struct dma_target *target, const struct dma_target *through)
{
	unsigned char saved[DMA_BYTES], saved_through[DMA_BYTES];

	memcpy(saved, target->memory, DMA_BYTES);
	memcpy(saved_through, through->memory, DMA_BYTES);
	fill(target->memory, target->iova, PURPOSE_CARRIED);
	fill(through->memory, through->iova, PURPOSE_BEFORE);
	if (must(check, target->iova, false) && must(check, through->iova, true) && !holds(through->memory, target->iova, PURPOSE_CARRIED)) {
		check->replay->counts.dma_wrong++;
		replay_disagree(check->replay,
				"function 0x%08" PRIx32 ", IOVA 0x%" PRIx64 ": what the device read there is not what is at guest address 0x%" PRIx64
				", where the tables lead",
				check->function->handle, target->iova, target->gpa);
	}
	memcpy(through->memory, saved_through, DMA_BYTES);
	memcpy(target->memory, saved, DMA_BYTES);
}

/* A write to a read-only page must not change it. The device's data comes from another page. */
void dma_target_protected(struct dma_check *check, const struct dma_target *target)
{
	unsigned char saved[DMA_BYTES];

	memcpy(saved, target->memory, DMA_BYTES);
	fill(target->memory, target->iova, PURPOSE_CARRIED);
	if (must(check, target->iova, false)) {
		fill(target->memory, target->iova, PURPOSE_UNTOUCHED);
		may_not(check, target->iova, true);
		if (!holds(target->memory, target->iova, PURPOSE_UNTOUCHED)) {
			check->replay->counts.dma_wrong++;
			replay_disagree(check->replay,
					"function 0x%08" PRIx32 ", IOVA 0x%" PRIx64 ": the device could write, and the tables allow only reading",
					check->function->handle, target->iova);
		}
	}
	memcpy(target->memory, saved, DMA_BYTES);
}

/*
 * An IOVA without a translation. If a write arrives nevertheless, the comparison of all memory
 * finds it.
 */
void dma_target_nothing(struct dma_check *check, uint64_t iova, const struct dma_target *source)
{
	unsigned char saved[DMA_BYTES];

	memcpy(saved, source->memory, DMA_BYTES);
	fill(source->memory, iova, PURPOSE_CARRIED);
	bool loaded = must(check, source->iova, false);
	memcpy(source->memory, saved, DMA_BYTES);
	if (!loaded)
		return;
	may_not(check, iova, true);
	check->replay->counts.dma_unmapped++;
}

/* The former page of an IOVA: the device must not read its current contents. */
void dma_target_unreadable(struct dma_check *check, const struct dma_target *gone, const struct dma_target *through)
{
	unsigned char saved[DMA_BYTES], saved_through[DMA_BYTES];

	memcpy(saved, gone->memory, DMA_BYTES);
	memcpy(saved_through, through->memory, DMA_BYTES);
	fill(gone->memory, gone->iova, PURPOSE_CARRIED);
	fill(through->memory, through->iova, PURPOSE_BEFORE);
	if (must(check, through->iova, false)) {
		may_not(check, gone->iova, false);
		if (must(check, through->iova, true) && holds(through->memory, gone->iova, PURPOSE_CARRIED)) {
			check->replay->counts.dma_wrong++;
			replay_disagree(check->replay,
					"function 0x%08" PRIx32 ", IOVA 0x%" PRIx64 ": the device could read guest address 0x%" PRIx64
					", to which the tables lead no longer",
					check->function->handle, gone->iova, gone->gpa);
		}
	}
	memcpy(through->memory, saved_through, DMA_BYTES);
	memcpy(gone->memory, saved, DMA_BYTES);
}
