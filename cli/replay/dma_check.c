// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The final map against the devices. The recorded machine's answers are the witness for the
 * expected translations (recorded.h). Memory is compared as a whole afterwards, since a stray write
 * may have landed anywhere.
 *
 * An NVMe has queues, for which it borrows pages of the map that it may read and write. They are
 * checked in a second pass, with other pages borrowed. If the map does not have enough of them,
 * less is checked, and the summary states how much.
 */
#include "dma_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest_image.h"

/* The default number of checked pages. A transfer of an edu takes a tenth of a second. */
#define EDU_PAGES  256u
#define NVME_PAGES 16384u
/* number of IOVAs of each kind that must fail; on s390 each costs a reset */
#define HOLES_LIMIT 16u

static int copy_run(void *ctx, const struct viommu_run *run)
{
	recorded_add(ctx, run);
	return 0;
}

/* The map that must be translated. */
static void find_map(struct dma_check *check)
{
	const struct recorded *recorded = check->function->recorded;
	struct replay_aperture aperture;

	check->replay->iommu->aperture(check->function, &aperture);
	if (!aperture.usable)
		return;
	if (aperture.direct || !recorded_is_known(recorded)) {
		check->replay->counts.dma_unwitnessed++;
		check->replay->iommu->each_run(check->function, 0, UINT64_MAX, copy_run, &check->map);
		return;
	}
	for (size_t i = 0; i < recorded->count; i++)
		recorded_add(&check->map, &recorded->runs[i]);
}

static uint64_t count_pages(const struct recorded *map)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < map->count; i++)
		pages += (map->runs[i].last - map->runs[i].first) / VIOMMU_PAGE_SIZE + 1;
	return pages;
}

static int note_run(void *ctx, const struct viommu_run *run)
{
	(void)run;
	*(bool *)ctx = true;
	return 0;
}

/* If the user has limited pinned memory, a page may be missing. It was reported before. */
static bool is_excused(const struct dma_check *check, uint64_t iova)
{
	bool there = false;

	if (!check->replay->options->limited || !replay_has_runs(check->replay, check->function))
		return false;
	check->replay->iommu->each_run(check->function, iova, iova + VIOMMU_PAGE_SIZE - 1, note_run, &there);
	return !there;
}

static void add_target(struct dma_check *check, const struct viommu_run *run, uint64_t offset)
{
	struct dma_target target = { .iova = run->first + offset, .gpa = run->gpa + offset, .prot = run->prot };
	const struct guest_slot *slot = guest_find(&check->replay->guest, target.gpa);

	if (!slot || is_excused(check, target.iova))
		return;
	target.memory = slot->memory + (target.gpa - slot->gpa);
	check->targets[check->target_count++] = target;
}

/* All pages of the map, or a sample of the requested size. */
static bool find_targets(struct dma_check *check)
{
	uint64_t pages = count_pages(&check->map), number = check->replay->options->dma_pages;
	uint64_t before = 0, next = 0;

	if (number == REPLAY_DMA_PAGES_DEFAULT)
		number = check->kind == DMA_EDU ? EDU_PAGES : NVME_PAGES;
	if (number > pages)
		number = pages;
	if (number > SIZE_MAX / sizeof(*check->targets))
		return false;
	check->targets = malloc((size_t)(number ? number : 1) * sizeof(*check->targets));
	if (!check->targets)
		return false;
	for (size_t i = 0; i < check->map.count && next < number; i++) {
		const struct viommu_run *run = &check->map.runs[i];
		uint64_t count = (run->last - run->first) / VIOMMU_PAGE_SIZE + 1;
		for (; next < number; next++) {
			uint64_t at = next * (pages / number) + next * (pages % number) / number;
			if (at >= before + count)
				break;
			add_target(check, run, (at - before) * VIOMMU_PAGE_SIZE);
		}
		before += count;
	}
	check->replay->counts.dma_unchecked += pages - check->target_count;
	return true;
}

bool dma_check_is_lent(const struct dma_check *check, uint64_t gpa)
{
	for (unsigned int i = 0; i < DMA_PAGES; i++) {
		if (check->pages[i].memory && check->gpas[i] == gpa)
			return true;
	}
	return false;
}

/*
 * Lends pages to the driver: from the start of the map or from its end, none that it had before.
 * Returns their number.
 */
static unsigned int lend(struct dma_check *check, bool from_end, const uint64_t avoid[DMA_PAGES], unsigned int avoid_count)
{
	unsigned int lent = 0;

	memset(check->pages, 0, sizeof(check->pages));
	for (size_t n = 0; n < check->target_count && lent < DMA_PAGES; n++) {
		const struct dma_target *target = &check->targets[from_end ? check->target_count - 1 - n : n];
		bool taken = target->prot != VIOMMU_RW || dma_check_is_lent(check, target->gpa);
		for (unsigned int i = 0; i < avoid_count; i++)
			taken = taken || avoid[i] == target->gpa;
		if (taken)
			continue;
		check->pages[lent] = (struct dma_page){ .iova = target->iova, .memory = target->memory };
		check->gpas[lent++] = target->gpa;
	}
	return lent;
}

/* A page that was found to be right, used to pass contents on. */
static const struct dma_target *find_through(const struct dma_check *check, uint64_t not_gpa)
{
	for (size_t i = 0; i < check->target_count; i++) {
		const struct dma_target *target = &check->targets[i];
		if (target->prot == VIOMMU_RW && target->gpa != not_gpa && !dma_check_is_lent(check, target->gpa))
			return target;
	}
	return NULL;
}

static void check_target(struct dma_check *check, struct dma_target *target)
{
	struct replay_counts *counts = &check->replay->counts;
	const struct dma_target *through;

	if (target->done || check->dead || dma_check_is_lent(check, target->gpa))
		return;
	if (target->prot == VIOMMU_RW) {
		dma_target_writable(check, target);
	} else {
		through = find_through(check, target->gpa);
		if (!through)
			return;
		dma_target_readable(check, target, through);
		counts->dma_read_only++;
	}
	target->done = true;
	counts->dma_pages++;
}

/* An IOVA in no run of the map. */
static bool leads_nowhere(const struct dma_check *check, uint64_t iova)
{
	for (size_t i = 0; i < check->map.count; i++) {
		if (iova >= check->map.runs[i].first && iova <= check->map.runs[i].last)
			return false;
	}
	return true;
}

static void try_hole(struct dma_check *check, uint64_t iova, const struct dma_target *source, unsigned int *tried)
{
	if (*tried == HOLES_LIMIT || !leads_nowhere(check, iova))
		return;
	dma_target_nothing(check, iova, source);
	++*tried;
}

/* Stores the reason why nothing, or not everything, is checked. */
static void leave_out(struct dma_check *check, const char *why)
{
	snprintf(check->replay->dma_note, sizeof(check->replay->dma_note), "%s: %s", check->address, why);
}

/* Former translations, the latest first: the device must neither write nor read there. */
static void check_gone(struct dma_check *check, const struct dma_target *source)
{
	const struct recorded *recorded = check->function->recorded;
	unsigned int tried = 0;

	for (uint64_t i = recorded->gone_count; i && recorded->gone_count - i < RECORDED_GONE && tried < HOLES_LIMIT && !check->dead; i--) {
		struct dma_target gone = { .iova = recorded->gone[(i - 1) % RECORDED_GONE].iova, .gpa = recorded->gone[(i - 1) % RECORDED_GONE].gpa };
		const struct guest_slot *slot = guest_find(&check->replay->guest, gone.gpa);
		const struct dma_target *through = find_through(check, gone.gpa);
		bool again = false;
		for (uint64_t j = i; j < recorded->gone_count && !again; j++)
			again = recorded->gone[j % RECORDED_GONE].iova == gone.iova;
		if (again || !leads_nowhere(check, gone.iova))
			continue;
		tried++;
		dma_target_nothing(check, gone.iova, source);
		if (!slot || !through || dma_check_is_lent(check, gone.gpa))
			continue;
		gone.memory = slot->memory + (gone.gpa - slot->gpa);
		dma_target_unreadable(check, &gone, through);
	}
}

/*
 * Accesses that must fail: writes to read-only pages, and accesses to IOVAs that were unmapped or
 * are next to mapped ones.
 */
static void check_forbidden(struct dma_check *check)
{
	struct replay_aperture aperture;
	const struct dma_target *source = NULL;
	unsigned int tried = 0, stores = 0;

	for (size_t i = 0; i < check->target_count && !check->dead; i++) {
		const struct dma_target *target = &check->targets[i];
		if (dma_check_is_lent(check, target->gpa))
			continue;
		source = source ? source : target;
		if (target->prot == VIOMMU_RW || stores++ >= HOLES_LIMIT)
			continue;
		dma_target_protected(check, target);
		check->replay->counts.dma_protected++;
	}
	check->replay->iommu->aperture(check->function, &aperture);
	if (!source || aperture.direct)
		return;
	check_gone(check, source);
	try_hole(check, aperture.last & ~(VIOMMU_PAGE_SIZE - 1), source, &tried);
	try_hole(check, aperture.first, source, &tried);
	for (size_t i = 0; i < check->map.count && !check->dead; i++) {
		const struct viommu_run *run = &check->map.runs[i];
		if (run->last != UINT64_MAX)
			try_hole(check, run->last + 1, source, &tried);
		if (run->first)
			try_hole(check, run->first - VIOMMU_PAGE_SIZE, source, &tried);
	}
	if (check->dead)
		leave_out(check, "it does not go on after an access that was stopped, so that no more of what must not work was tried");
}

static bool open_device(struct dma_check *check)
{
	char why[200] = "";
	int err = dma_open(check->vfio_fd, check->pages, &check->device, why, sizeof(why));

	if (!err)
		return true;
	check->replay->counts.dma_wrong++;
	replay_disagree(check->replay, "function 0x%08" PRIx32 ": %s cannot be started with the guest's pages: %s", check->function->handle, check->address,
			*why ? why : strerror(-err));
	return false;
}

/* One pass with the pages that are lent now. */
static void go(struct dma_check *check, bool last)
{
	unsigned char saved[DMA_PAGES][DMA_BYTES];

	for (unsigned int i = 0; i < DMA_PAGES; i++) {
		if (check->pages[i].memory)
			memcpy(saved[i], check->pages[i].memory, DMA_BYTES);
	}
	if (open_device(check)) {
		for (size_t i = 0; i < check->target_count; i++)
			check_target(check, &check->targets[i]);
		if (last)
			check_forbidden(check);
		dma_close(check->device);
		check->device = NULL;
	}
	for (unsigned int i = 0; i < DMA_PAGES; i++) {
		if (check->pages[i].memory)
			memcpy(check->pages[i].memory, saved[i], DMA_BYTES);
	}
}

static void check_with_nvme(struct dma_check *check)
{
	uint64_t first[DMA_PAGES];

	if (lend(check, false, NULL, 0) < DMA_PAGES) {
		leave_out(check, "an NVMe needs five pages of memory that it may read and write, and the guest has mapped fewer");
		return;
	}
	memcpy(first, check->gpas, sizeof(first));
	bool twice = lend(check, true, first, DMA_PAGES) == DMA_PAGES;
	lend(check, false, NULL, 0);
	go(check, !twice);
	if (!twice) {
		leave_out(check, "the pages of its queues could only be used as such, as the guest has mapped too few others to lend in their place");
	} else if (!check->dead) {
		lend(check, true, first, DMA_PAGES);
		go(check, true);
	}
}

static void check_function(struct replay *replay, const struct replay_function *function)
{
	struct dma_check check = { .replay = replay, .function = function, .address = replay->options->devices[function->device] };
	size_t unchecked = 0;

	check.vfio_fd = viommu_device_vfio_fd(replay->iommu->device(function));
	check.kind = dma_kind(check.vfio_fd);
	find_map(&check);
	if (!find_targets(&check) || check.map.lost) {
		leave_out(&check, "out of memory");
	} else if (!check.target_count) {
		leave_out(&check, recorded_is_known(function->recorded) || replay_has_runs(replay, function)
					  ? "the guest has mapped nothing in the end"
					  : "the capture has no answer to all that changed the map, and the host kernel does not show its own");
	} else if (check.kind == DMA_NVME) {
		check_with_nvme(&check);
	} else {
		go(&check, true);
	}
	for (size_t i = 0; i < check.target_count; i++)
		unchecked += !check.targets[i].done;
	replay->counts.dma_unchecked += unchecked;
	free(check.targets);
	recorded_free(&check.map);
}

static void changed(void *ctx, uint64_t gpa)
{
	struct replay *replay = ctx;

	replay->counts.dma_wrong++;
	replay_disagree(replay, "guest address 0x%" PRIx64 " was changed by a device, where no write of it should have led", gpa);
}

void replay_dma_check(struct replay *replay)
{
	struct guest_image image;
	uint64_t number = replay->operation.number;

	if (replay->options->host == REPLAY_SOFT || !replay->options->dma_pages)
		return;
	if (guest_image_take(&image, &replay->guest)) {
		snprintf(replay->dma_note, sizeof(replay->dma_note), "out of memory");
		guest_image_free(&image);
		return;
	}
	/* Later disagreements do not concern the last operation. */
	replay->operation.number = 0;
	for (unsigned int i = 0; i < replay->function_count; i++) {
		if (replay->functions[i].device < 0)
			continue;
		replay->functions[i].handle = replay->iommu->name(&replay->functions[i]);
		check_function(replay, &replay->functions[i]);
		replay->counts.dma_functions++;
	}
	guest_image_compare(&image, &replay->guest, changed, replay);
	guest_image_free(&image);
	replay->operation.number = number;
}
