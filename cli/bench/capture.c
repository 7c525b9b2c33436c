// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Recordings of real guests, carried out from beginning to end as `viommu replay` does: the total
 * time in calls of the library, which are a VMM's calls, and the baseline's time for the same
 * refreshes of the same tables. The order of the two alternates from operation to operation.
 * Reading the clock before and after each call is part of both, and so is the effect of reading the
 * capture on the CPU's caches.
 *
 * A capture is carried out several times in a run. An operation's time is the median of these, and
 * the figure is the sum over all operations: so interruptions by other processes are left out.
 *
 * The baseline supports tables as Linux makes them: of three levels, in one slot. For captures with
 * others there is none, nor for an SMMUv3's guest. Such a guest's devices have their misses at the
 * accesses by which the recorded answers are compared. A filled miss is one that a VMM would have
 * had, too, and is added to the operation before it.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"
#include "replay/replay.h"
#include "replay/zpci/zpci.h"

enum { MOST_WALKS = 16, MOST_REPLAYS = 5 };

/* Seconds of each operation in each replay: the library's and the baseline's. */
struct times {
	double (*seconds)[2][MOST_REPLAYS];
	size_t count, capacity;
	size_t most; /* operations that memory suffices for */
};

/* One function's baseline. */
struct walker {
	const struct viommu_zpci_function *function;
	struct viommu_zpci_function_info info;
	struct bench_walk walk;
};

struct recording {
	struct replay *replay;
	struct walker walkers[MOST_WALKS];
	unsigned int count;
	bool unfit; /* for the baseline */
	double walk_seconds;
	struct times *times;
	unsigned int number; /* of this replay */
	size_t operations;
};

static void forget(struct walker *walker)
{
	bench_walk_end(&walker->walk);
	walker->info.registered = false;
}

/* The slot with the root table is assumed to hold all tables. */
static bool memory_of(struct replay *replay, uint64_t gpa, struct bench_walk_memory *memory)
{
	const struct guest_slot *slot = guest_find(&replay->guest, gpa);

	if (slot)
		*memory = (struct bench_walk_memory){ .memory = slot->memory, .gpa = slot->gpa, .bytes = slot->bytes };
	return slot;
}

static struct walker *walker_of(struct recording *recording, const struct viommu_zpci_function *function)
{
	for (unsigned int i = 0; i < recording->count; i++)
		if (recording->walkers[i].function == function)
			return &recording->walkers[i];
	if (recording->count == MOST_WALKS)
		return NULL;
	recording->walkers[recording->count] = (struct walker){ .function = function };
	return &recording->walkers[recording->count++];
}

static bool refresh(struct recording *recording, struct walker *walker, uint64_t first, uint64_t last)
{
	uint64_t begin = bench_now();
	bool done = bench_walk_refresh(&walker->walk, first, last);

	recording->walk_seconds += (double)(bench_now() - begin) * 1e-9;
	return done;
}

/*
 * A function's registration may have changed: its table is rebuilt. False if the baseline does not
 * support it.
 */
static bool follow(struct recording *recording, struct viommu_zpci_function *function)
{
	/* T, and a region third table. */
	const uint64_t designation = 0x804, mask = 0xfff;
	struct viommu_zpci_function_info info = { .size = sizeof(info) };
	struct bench_walk_memory memory;
	struct walker *walker = walker_of(recording, function);

	if (!walker)
		return false;
	viommu_zpci_function_info(function, &info);
	if (info.registered == walker->info.registered &&
	    (!info.registered || (info.iota == walker->info.iota && info.pba == walker->info.pba && info.pal == walker->info.pal)))
		return true;
	forget(walker);
	walker->info = info;
	if (!info.registered)
		return true;
	uint64_t root = info.iota & ~mask;
	if (info.direct || (info.iota & mask) != designation || !memory_of(recording->replay, root, &memory))
		return false;
	return bench_walk_begin(&walker->walk, &memory, root, 1) && refresh(recording, walker, info.pba, info.pal | 0xfff);
}

static bool walk(struct recording *recording, const struct capture_record *record)
{
	struct replay_function *function = zpci_find(recording->replay, record->rpcit.fh);
	struct walker *walker = function ? walker_of(recording, zpci_function_of(function)->function) : NULL;
	uint64_t first = record->rpcit.start & ~UINT64_C(0xfff), last;

	if (!walker || !walker->info.registered || !record->rpcit.bytes || __builtin_add_overflow(record->rpcit.start, record->rpcit.bytes - 1, &last))
		return true;
	if (first < walker->info.pba)
		first = walker->info.pba;
	if (last > walker->info.pal)
		last = walker->info.pal;
	return first > last || refresh(recording, walker, first, last | 0xfff);
}

/* The library's operation and the baseline's. */
static void carry_out(struct recording *recording, const struct capture_record *record)
{
	struct replay *replay = recording->replay;
	bool refreshes = record->kind == CAPTURE_RPCIT, walk_first = refreshes && recording->operations % 2;

	if (walk_first && !recording->unfit)
		recording->unfit = !walk(recording, record);
	replay_operation(replay, record);
	if (recording->unfit)
		return;
	if (refreshes)
		recording->unfit = !walk_first && !walk(recording, record);
	else if (replay->operation.function)
		recording->unfit = !follow(recording, zpci_function_of(replay->operation.function)->function);
}

/* Adds room for one more. False if memory is short. */
static bool grow(struct times *times)
{
	size_t capacity = times->capacity ? times->capacity * 2 : 4096;

	if (times->count < times->capacity)
		return true;
	if (capacity > times->most)
		return false;
	void *seconds = realloc(times->seconds, capacity * sizeof(*times->seconds));
	if (!seconds)
		return false;
	times->seconds = seconds;
	times->capacity = capacity;
	return true;
}

/* The same, with both times on record. False if memory is short. */
static bool time_operation(struct recording *recording, const struct capture_record *record)
{
	struct times *times = recording->times;
	double library = recording->replay->counts.library_seconds, baseline = recording->walk_seconds;

	carry_out(recording, record);
	if (recording->operations == times->count) {
		if (!grow(times))
			return false;
		times->count++;
	}
	times->seconds[recording->operations][0][recording->number] = recording->replay->counts.library_seconds - library;
	times->seconds[recording->operations][1][recording->number] = recording->walk_seconds - baseline;
	recording->operations++;
	return true;
}

/* Whether the baseline has the same result. */
static bool agrees(const struct recording *recording)
{
	uint64_t pages = 0, walked = 0;

	for (unsigned int i = 0; i < recording->replay->function_count; i++) {
		struct viommu_domain_stats stats = { .size = sizeof(stats) };
		recording->replay->iommu->stats(&recording->replay->functions[i], &stats);
		pages += stats.mapped_pages;
	}
	for (unsigned int i = 0; i < recording->count; i++)
		walked += recording->walkers[i].info.registered ? recording->walkers[i].walk.used : 0;
	return pages == walked;
}

/* If translations need accesses, these are made. Otherwise an oracle's answer is ignored. */
static void compare(struct recording *recording, const struct capture_record *record)
{
	struct replay *replay = recording->replay;
	double before = replay->counts.miss_seconds;

	if (!replay->iommu->accesses)
		return;
	if (record->kind == CAPTURE_PAGE)
		replay_oracle_page(replay, &record->page);
	else if (record->kind == CAPTURE_ORACLE)
		replay_oracle_begin(replay, &record->oracle);
	else if (record->kind != CAPTURE_NOTE)
		replay_oracle_end(replay);
	if (recording->operations)
		recording->times->seconds[recording->operations - 1][0][recording->number] += replay->counts.miss_seconds - before;
}

/* All records. False, with the replay's problem filled in, if the capture is bad. */
static bool go_through(struct recording *recording, const char *path)
{
	struct replay *replay = recording->replay;
	struct capture_record record;
	struct capture_error error;
	int got;

	struct capture_reader *reader = capture_reader_open(path, &error);
	if (!reader) {
		snprintf(replay->problem, sizeof(replay->problem), "%s", error.message);
		return false;
	}
	recording->unfit = capture_reader_guest(reader) != CAPTURE_ZPCI;
	if (replay_machine_create(replay, capture_reader_guest(reader))) {
		capture_reader_close(reader);
		return false;
	}
	while ((got = capture_read(reader, &record, &error)) > 0) {
		compare(recording, &record);
		if (!capture_is_operation(record.kind)) {
			if (replay_apply(replay, &record))
				break;
		} else if (!time_operation(recording, &record)) {
			snprintf(replay->problem, sizeof(replay->problem), "%.240s: more operations than there is memory for (--memory)", path);
			break;
		}
		/*
		 * Slots come and go: the baseline's walk starts again with the next registration.
		 */
		if (record.kind == CAPTURE_UNSLOT || record.kind == CAPTURE_UNPLUG)
			recording->unfit = true;
	}
	if (got < 0)
		snprintf(replay->problem, sizeof(replay->problem), "%s", error.message);
	capture_reader_close(reader);
	return !*replay->problem;
}

/* One replay. *unfit: there is no baseline. False if the capture is bad. */
static bool replay_once(struct bench *bench, struct bench_case *one, const char *path, struct times *times, unsigned int number, bool *unfit)
{
	struct replay_options options = replay_defaults;
	struct recording recording = { .replay = calloc(1, sizeof(*recording.replay)), .times = times, .number = number };
	struct replay *replay = recording.replay;

	if (!replay) {
		bench_fail(bench, one, "out of memory");
		return false;
	}
	options.quiet = true;
	replay->options = &options;
	replay->path = path;
	bool good = go_through(&recording, path);
	if (!good) {
		bench_fail(bench, one, "%s", replay->problem);
		bench->bad_input = true;
	} else if (!replay_agrees(&replay->counts)) {
		bench_fail(bench, one, "%s: what the library does is not what is recorded; `viommu replay' says more", path);
		good = false;
	}
	*unfit = *unfit || recording.unfit || (good && !agrees(&recording));
	for (unsigned int i = 0; i < recording.count; i++)
		bench_walk_end(&recording.walkers[i].walk);
	replay_machine_destroy(replay);
	free(replay);
	return good;
}

/* Nanoseconds of all operations. */
static double total(const struct times *times, unsigned int which, unsigned int replays)
{
	double seconds = 0;

	for (size_t i = 0; i < times->count; i++)
		seconds += bench_median(times->seconds[i][which], replays);
	return seconds * 1e9;
}

static void measure(struct bench *bench, struct bench_case *one, const char *path)
{
	static const struct bench_lane soft = { .name = "soft host" };
	static const struct bench_lane walks = { .name = "page by page", .baseline = true };
	unsigned int replays = bench->options.quick ? 1 : MOST_REPLAYS;
	struct times times = { .most = (size_t)(bench->options.memory / sizeof(*times.seconds)) };
	bool good = true, unfit = false;

	for (unsigned int i = 0; i < replays && good; i++)
		good = replay_once(bench, one, path, &times, i, &unfit);
	if (good) {
		bench->samples += replays * times.count;
		bench_note(one, &soft, total(&times, 0, replays));
		if (!unfit)
			bench_note(one, &walks, total(&times, 1, replays));
	}
	free(times.seconds);
}

void bench_capture_name(const char *path, char name[BENCH_NAME_BYTES])
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;

	const char *suffix = strstr(file, ".vcap");

	snprintf(name, BENCH_NAME_BYTES, "capture/%.*s", (int)(suffix ? suffix - file : (ptrdiff_t)strlen(file)), file);
}

void bench_captures(struct bench *bench)
{
	char name[BENCH_NAME_BYTES];

	for (int i = 0; i < bench->options.capture_count; i++) {
		bench_capture_name(bench->options.captures[i], name);
		struct bench_case *one = bench_case(bench, BENCH_TIME, "a recording from beginning to end, in all calls of the library", "%s", name);
		if (one)
			measure(bench, one, bench->options.captures[i]);
	}
}
