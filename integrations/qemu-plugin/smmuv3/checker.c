/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checker: an SMMU of the library's beside QEMU's, in the same process and over the same guest memory, that is told what QEMU's was told.
 *
 * After an operation, each page that QEMU was asked about is accessed by the library's device as a device model does it: translate; on a miss ask the SMMU, and
 * translate again. What it finds without a miss is what it has kept: so a translation that should have gone, and one that is missing, are differences alike. A
 * page that may only be read must refuse the store.
 *
 * The guest's memory is not written: the library's SMMU writes nothing but event records, and is never told that there is an event queue.
 */
#include "checker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/viommu.h>
#include <viommu/hosts.h>
#include <viommu/reader.h>
#include <viommu/smmuv3.h>

#include "checker_state.h"
#include "guest/smmuv3/spec.h"
#include "report.h"
#include "timing.h"

/* How often an access asks again: once is enough, where nobody changes the tables meanwhile. */
#define ROUNDS_MAX 8u

static struct checker *checker_of(struct watcher *watcher)
{
	return (struct checker *)(void *)watcher;
}

static int add_slot(struct checker *checker, uint64_t gpa, const void *host, uint64_t bytes, uint32_t prot)
{
	struct viommu_slot slot = {
		.size = sizeof(slot),
		.prot = prot,
		.gpa = gpa,
		.bytes = bytes,
		.hva = (void *)(uintptr_t)host,
		.fd = -1,
	};

	return viommu_slot_add(checker->vm, &slot);
}

static void found_memory(struct watcher *watcher, const struct watched_memory *memory)
{
	struct checker *checker = checker_of(watcher);
	struct viommu_vm_config vm = VIOMMU_VM_CONFIG_INIT;
	/* As QEMU's, whose devices reach all of memory until the guest says otherwise. */
	struct viommu_smmuv3_config smmu = { .size = sizeof(smmu) };
	int error = viommu_host_soft_create(&checker->host);

	checker->ram = *memory->ram;
	if (!error)
		error = viommu_vm_create(&vm, &checker->vm);
	if (!error)
		error = add_slot(checker, memory->ram->gpa, memory->ram->host, memory->ram->bytes, VIOMMU_RW);
	if (!error)
		error = add_slot(checker, memory->queue_gpa, memory->queue, memory->queue_bytes, VIOMMU_READ);
	if (!error)
		error = viommu_smmuv3_create(checker->vm, &smmu, &checker->smmu);
	if (error) {
		check_tell(checker, LIVE_NOTE, "nothing is checked: the library's VM cannot be made: %s", strerror(-error));
		checker->off = true;
		return;
	}
	live_set(&checker->board.board->numbers.available[LIVE_DATA], checker->arguments->numbered_count != 0);
	live_set(&checker->board.board->numbers.blocks_expected, checker->arguments->numbered_count);
	check_board_begin(&checker->board, checker->vm, checker->smmu, memory->ram->bytes);
}

static void found_stream(struct watcher *watcher, uint32_t sid, const char *name, const struct changes *changes)
{
	struct checker *checker = checker_of(watcher);
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = sid, .host = checker->host };
	struct checked_stream *stream = &checker->streams[checker->stream_count];
	int error;

	/* The library reads what the guest has. */
	(void)changes;
	if (checker->off || checker->stream_count == CHECKED_STREAMS_MAX)
		return;
	*stream = (struct checked_stream){
		.sid = sid,
		.numbered = { .first = checker->arguments->numbered_first, .count = checker->arguments->numbered_count },
	};
	error = viommu_smmuv3_device_add(checker->smmu, &config, &stream->device);
	if (!error)
		error = viommu_reader_create(viommu_smmuv3_device_device(stream->device), VIOMMU_NO_PASID, &stream->reader);
	if (error) {
		check_tell(checker, LIVE_NOTE, "stream 0x%" PRIx32 " is not checked: %s", sid, strerror(-error));
		return;
	}
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	checker->stream_count++;
	check_board_add(&checker->board, stream);
	check_tell(checker, LIVE_EVENT, "stream 0x%" PRIx32 " is there, QEMU's device %s", sid, name);
}

/* An access of a device. true if it is allowed; then *gpa is where it goes. */
static bool may(struct checker *checker, struct checked_stream *stream, uint64_t iova, uint32_t access, uint64_t *gpa)
{
	unsigned int rounds;

	for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		struct viommu_fault fault = { .size = sizeof(fault) };
		struct viommu_piece piece;
		uint64_t translated, began;
		int ret = viommu_translate(stream->reader, iova, VIOMMU_PAGE_SIZE, access, &piece, 1, &translated, &fault);

		if (ret == 1) {
			*gpa = (uint64_t)((const unsigned char *)piece.hva - checker->ram.host) + checker->ram.gpa;
			return translated == VIOMMU_PAGE_SIZE;
		}
		began = timing_ticks();
		ret = viommu_smmuv3_device_fault(stream->device, &fault);
		checker->fault_ns += timing_ns(timing_ticks() - began);
		if (ret)
			return false;
	}
	return false;
}

static uint32_t reaches(struct checker *checker, struct checked_stream *stream, uint64_t iova, uint64_t *gpa)
{
	uint64_t again;

	if (!may(checker, stream, iova, VIOMMU_READ, gpa))
		return 0;
	return may(checker, stream, iova, VIOMMU_WRITE, &again) && again == *gpa ? VIOMMU_RW : VIOMMU_READ;
}

/* One stretch, as QEMU has answered. */
static void compare(struct checker *checker, const struct observation *observation, struct checked_stream *stream, const struct answers *answers)
{
	struct live_numbers *numbers = &checker->board.board->numbers;
	uint64_t count = (answers->last - answers->first) / VIOMMU_PAGE_SIZE + 1, page;
	size_t at = 0;

	for (page = 0; page < count; page++) {
		struct page qemu = { .iova = answers->first + page * VIOMMU_PAGE_SIZE }, library = { .iova = qemu.iova };
		const struct capture_page *answer;

		while (at < answers->count && answers->list[at].iova + answers->list[at].count * VIOMMU_PAGE_SIZE <= qemu.iova)
			at++;
		answer = at < answers->count ? &answers->list[at] : NULL;
		if (answer && answer->iova <= qemu.iova) {
			qemu.gpa = answer->gpa + (qemu.iova - answer->iova);
			qemu.prot = answer->prot;
		}
		library.prot = reaches(checker, stream, library.iova, &library.gpa);
		if (!library.prot)
			library.gpa = 0;
		if (!page_same(&qemu, &library)) {
			if (observation->moved(observation->ctx, stream->sid)) {
				live_add(&numbers->skipped[LIVE_SHADOW], count - page);
				return;
			}
			check_disagree_page(checker, stream, &qemu, &library);
		}
		live_add(&numbers->checks[LIVE_SHADOW], 1);
		live_add(&stream->numbers->checks, 1);
	}
}

/* A command that one SMMU refuses and the other does not. */
static void compare_refusal(struct checker *checker, const struct observation *observation, uint64_t errors_before)
{
	struct viommu_smmuv3_info info = { .size = sizeof(info) };
	bool refuses;

	viommu_smmuv3_info(checker->smmu, &info);
	refuses = info.errors != errors_before;
	live_add(&checker->board.board->numbers.checks[LIVE_ANSWER], 1);
	if (refuses == observation->qemu_refuses)
		return;
	check_disagree_refusal(checker, refuses);
}

static void write_register(struct checker *checker, const struct capture_write *write)
{
	uint64_t value = write->value;

	/* Events would be written into the guest's own queue. */
	if (write->offset == VIOMMU_SMMUV3_CR0)
		value &= ~(uint64_t)CR0_EVENTQEN;
	viommu_smmuv3_write(checker->smmu, write->offset, write->bytes, value);
}

static struct checked_stream *find(struct checker *checker, uint32_t sid)
{
	size_t i;

	for (i = 0; i < checker->stream_count; i++) {
		if (checker->streams[i].sid == sid)
			return &checker->streams[i];
	}
	return NULL;
}

static void operation(struct watcher *watcher, const struct observation *observation)
{
	struct checker *checker = checker_of(watcher);
	struct viommu_smmuv3_info info = { .size = sizeof(info) };
	struct checked_operation done = { .observation = observation };
	uint64_t began;
	size_t i;

	if (checker->off)
		return;
	viommu_smmuv3_info(checker->smmu, &info);
	checker->board.described = 0;
	checker->fault_ns = 0;
	checker->current = observation;
	for (i = 0; observation->operation.kind == CAPTURE_WRITE && i < observation->stretch_count; i++) {
		struct checked_stream *stream = find(checker, observation->stretches[i].sid);

		if (stream)
			check_data_before(&checker->data, stream, &observation->stretches[i].answers);
	}
	began = timing_ticks();
	if (observation->operation.kind == CAPTURE_WRITE)
		write_register(checker, &observation->operation.write);
	done.library_ns = timing_ns(timing_ticks() - began);
	check_data_after(&checker->data, &checker->ram, check_released, checker);
	check_board_wrote(&checker->board, checker->streams, checker->stream_count, &done);
	if (observation->gave_up)
		live_add(&checker->board.board->numbers.skipped[LIVE_SHADOW], 1);
	if (observation->invalids && observation->invalids->commands)
		compare_refusal(checker, observation, info.errors);
	for (i = 0; i < observation->stretch_count; i++) {
		struct checked_stream *stream = find(checker, observation->stretches[i].sid);

		if (stream)
			compare(checker, observation, stream, &observation->stretches[i].answers);
	}
	if (observation->operation.kind == CAPTURE_KICK)
		done.library_ns = checker->fault_ns;
	check_board_count(&checker->board, checker->streams, checker->stream_count, &done);
	for (i = 0; i < checker->stream_count; i++) {
		if (check_board_state_is_new(&checker->streams[i]))
			check_tell(checker, LIVE_EVENT, "stream 0x%" PRIx32 " (%s) %s", checker->streams[i].sid, checker->streams[i].name,
				   check_board_state(&checker->streams[i]));
	}
}

static void take_note(struct watcher *watcher, const char *text)
{
	check_tell(checker_of(watcher), LIVE_NOTE, "%s", text);
}

static void end(struct watcher *watcher)
{
	struct checker *checker = checker_of(watcher);

	check_finish_numbered(checker);
	report_end(checker->board.board, checker->arguments);
	checker->off = true;
}

struct watcher *smmu_checker_create(const struct arguments *arguments)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	if (!checker) {
		arguments_complain("out of memory", "");
		return NULL;
	}
	checker->arguments = arguments;
	checker->board.board = report_open(arguments);
	if (!checker->board.board) {
		free(checker);
		return NULL;
	}
	live_set(&checker->board.board->numbers.iommu, LIVE_SMMUV3);
	checker->watcher = (struct watcher){
		.memory = found_memory,
		.stream = found_stream,
		.operation = operation,
		.note = take_note,
		.end = end,
	};
	return &checker->watcher;
}
