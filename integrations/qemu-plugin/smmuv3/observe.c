/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer.
 *
 * A callback behind a store comes when the device has acted: QEMU consumes commands in the thread of the vCPU that stores CMDQ_PROD, and does so before the store
 * has ended. Meanwhile the vCPU stands still, and no other one hands in commands: a guest has one vCPU at a time do that. What holds:
 *  - Everything here is done with QEMU's own lock, and with the observer's, which is for what comes without QEMU's.
 *  - Whatever is recorded of guest memory is what QEMU's answers were given by: it is looked at before and after QEMU is asked, until nothing has changed in between.
 *    A guest that keeps changing it gets an operation without answers.
 *  - Changes are never lost: those of a store that turns out to be no operation go to the next one.
 *  - The guest notices nothing. An access that fails is an event, which QEMU's SMMU would write into the guest's queue and tell it of; so while QEMU is asked,
 *    CR0.EVENTQEN is 0. Nothing that a vCPU does can come in between, since registers want QEMU's lock.
 */
#include "observe.h"

#include <stdlib.h>

#include "guest/smmuv3/spec.h"
#include "observer_state.h"
#include "timing.h"

/* How often structures are looked at again before QEMU's answers are given up. */
#define LOOKS_MAX 16u

static void note(struct smmu_observer *observer, const char *text)
{
	size_t i;

	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->note(observer->watchers[i], text);
}

struct smmu_observer *smmu_observer_create(struct watcher *const *watchers, size_t count)
{
	struct smmu_observer *observer = calloc(1, sizeof(*observer));
	size_t i;

	if (!observer || !queue_init(&observer->queue)) {
		free(observer);
		return NULL;
	}
	pthread_mutex_init(&observer->lock, NULL);
	for (i = 0; i < count && i < WATCHERS_MAX; i++)
		observer->watchers[observer->watcher_count++] = watchers[i];
	observer->tables.ram = &observer->ram;
	observer->began = timing_now();
	if (!qemu_find(&observer->qemu)) {
		note(observer, "nothing is watched: this QEMU does not offer what is asked of it");
		observer->off = true;
	}
	return observer;
}

static struct stream *find_stream(struct smmu_observer *observer, const struct qemu_object *object)
{
	size_t i;

	for (i = 0; i < observer->stream_count; i++) {
		if (observer->streams[i].pci.object == object)
			return &observer->streams[i];
	}
	return NULL;
}

/* Tells the watchers of a stream, and hands on the changes so far. */
static void tell_stream(struct smmu_observer *observer, const struct stream *stream)
{
	struct changes changes = observer->tables.changes;
	size_t i;

	observer->tables.changes = (struct changes){ 0 };
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->stream(observer->watchers[i], stream->pci.requester, stream->pci.name, &changes);
	free(changes.list);
}

static void found_stream(void *ctx, const struct qemu_pci *pci)
{
	struct smmu_observer *observer = ctx;
	struct stream *stream;
	size_t i;

	for (i = 0; i < observer->stream_count; i++) {
		stream = &observer->streams[i];
		/* Another device in its place: to the SMMU it is the same. */
		if (stream->pci.requester == pci->requester) {
			stream->pci = *pci;
			return;
		}
	}
	if (observer->stream_count == STREAMS_MAX)
		return;
	stream = &observer->streams[observer->stream_count++];
	stream->pci = *pci;
	/* What the guest has configured for it before is what it begins with. */
	observe_look(observer, stream);
	tell_stream(observer, stream);
}

/* Guest memory does not exist yet when the plugin is loaded, so it is looked for at the first store to the SMMU. */
static void get_ready(struct smmu_observer *observer)
{
	struct watched_memory memory = { .ram = &observer->ram, .queue_gpa = QUEUE_GPA, .queue = observer->queue.commands, .queue_bytes = QUEUE_BYTES };
	size_t i;

	if (guest_ram_find(&observer->ram) || !qemu_place_ram(&observer->qemu, &observer->ram)) {
		note(observer, "nothing is watched: this QEMU does not tell where the guest's memory is");
		observer->off = true;
		return;
	}
	__atomic_store_n(&observer->ready, true, __ATOMIC_RELEASE);
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->memory(observer->watchers[i], &memory);
	qemu_pci_each(&observer->qemu, found_stream, observer);
}

static void be_quiet(void *ctx)
{
	struct smmu_observer *observer = ctx;

	if (observer->quiet || !(observer->cr0 & CR0_EVENTQEN))
		return;
	qemu_store(&observer->qemu, observer->address + VIOMMU_SMMUV3_CR0, observer->cr0 & ~CR0_EVENTQEN);
	observer->quiet = true;
}

static void be_loud(struct smmu_observer *observer)
{
	if (observer->quiet)
		qemu_store(&observer->qemu, observer->address + VIOMMU_SMMUV3_CR0, observer->cr0);
	observer->quiet = false;
}

bool observe_look(struct smmu_observer *observer, struct stream *only)
{
	bool complete = true;
	size_t i;

	observer->tables.changed = false;
	for (i = 0; i < observer->stream_count; i++) {
		struct stream *stream = &observer->streams[i];

		if (only && stream != only)
			continue;
		if (observer->cr0 & CR0_SMMUEN) {
			complete &= tables_look(&observer->tables, &observer->table, stream->pci.requester, &stream->look);
		} else {
			stream->look.translates = false;
			stream->look.pages.count = 0;
		}
	}
	return complete;
}

uint64_t observe_look_and_ask(struct smmu_observer *observer, struct stream *kicked)
{
	struct question question = { .qemu = &observer->qemu, .ram = &observer->ram, .stretches = &observer->stretches, .quiet = be_quiet, .ctx = observer };
	bool complete = observe_look(observer, kicked);
	unsigned int looks = 0;
	uint64_t began, took;
	size_t i;

	do {
		began = timing_ticks();
		observer->stretches.count = 0;
		observer->stretches.lost = false;
		for (i = 0; i < observer->stream_count; i++) {
			struct stream *stream = &observer->streams[i];

			if (!kicked || stream == kicked)
				stream_ask(stream, &question, &observer->invalids, stream == kicked);
		}
		took = timing_ticks() - began;
		complete &= !observer->stretches.lost;
		if (!observer->stretches.count)
			break;
		complete &= observe_look(observer, kicked) && ++looks < LOOKS_MAX;
	} while (complete && observer->tables.changed);
	be_loud(observer);
	observer->gave_up = !complete;
	if (!complete) {
		observer->stretches.count = 0;
		return 0;
	}
	for (i = 0; i < observer->stream_count; i++) {
		if (!kicked || &observer->streams[i] == kicked)
			stream_asked(&observer->streams[i]);
	}
	return timing_ns(took);
}

static bool moved(void *ctx, uint32_t sid)
{
	struct smmu_observer *observer = ctx;
	size_t i;

	for (i = 0; i < observer->stream_count; i++) {
		if (observer->streams[i].pci.requester == sid)
			return !observe_look(observer, &observer->streams[i]) || observer->tables.changed;
	}
	return true;
}

void observe_tell(struct smmu_observer *observer, struct observation *observation, bool with_answers)
{
	struct changes changes = observer->tables.changes;
	size_t i;

	/* More may be found while the watchers look. */
	observer->tables.changes = (struct changes){ 0 };
	observation->operation.time.known = true;
	observation->operation.time.ns = timing_now() - observer->began;
	observation->watch_ns = timing_ns(observer->watch_ticks);
	observer->watch_ticks = 0;
	observation->changes = &changes;
	observation->moved = moved;
	observation->ctx = observer;
	if (with_answers) {
		observation->stretches = observer->stretches.list;
		observation->stretch_count = observer->stretches.count;
		observation->invalids = &observer->invalids;
		observation->gave_up = observer->gave_up;
	}
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->operation(observer->watchers[i], observation);
	free(changes.list);
}

static void observe_smmu(struct smmu_observer *observer, const struct qemu_target *target, uint64_t address, unsigned int bytes, uint64_t value)
{
	if (!observer->ready)
		get_ready(observer);
	if (observer->smmu && observer->smmu != target->object) {
		note(observer, "nothing more is watched: there is a second SMMU");
		observer->off = true;
	}
	if (observer->off || (bytes != 4 && bytes != 8))
		return;
	observer->smmu = target->object;
	observer->address = address - target->offset;
	observe_registers(observer, target->offset, bytes, value);
}

static void observe_kick(struct smmu_observer *observer, struct qemu_object *object)
{
	struct observation observation = { .operation = { .kind = CAPTURE_KICK } };
	struct stream *stream = find_stream(observer, object);
	struct qemu_pci pci;

	/* One that is behind a bridge, or was plugged since. */
	if (!stream && qemu_pci_describe(&observer->qemu, object, &pci)) {
		found_stream(observer, &pci);
		stream = find_stream(observer, object);
	}
	if (!stream)
		return;
	invalids_clear(&observer->invalids);
	observation.qemu_ns = observe_look_and_ask(observer, stream);
	/* Where nothing is new there is nothing to ask the library either. */
	if (!observer->stretches.count && !observer->gave_up)
		return;
	stream->sampled = true;
	observation.operation.kick.sid = stream->pci.requester;
	observe_tell(observer, &observation, true);
}

void smmu_observe_store(struct smmu_observer *observer, uint64_t address, unsigned int bytes, uint64_t value)
{
	uint64_t entered = timing_ticks();
	struct qemu_target target;
	bool held;

	if (__atomic_load_n(&observer->off, __ATOMIC_RELAXED))
		return;
	held = qemu_lock(&observer->qemu);
	pthread_mutex_lock(&observer->lock);
	target = qemu_target_of(&observer->qemu, address);
	if (observer->off)
		target.owner = QEMU_OTHER;
	if (target.owner == QEMU_SMMU)
		observe_smmu(observer, &target, address, bytes, value);
	/* Before the SMMU was used for the first time, there is nothing to compare with. */
	else if (target.owner == QEMU_PCI && observer->ready)
		observe_kick(observer, target.object);
	observer->watch_ticks += timing_ticks() - entered;
	pthread_mutex_unlock(&observer->lock);
	if (held)
		observer->qemu.unlock();
}

bool smmu_observe_walk(struct smmu_observer *observer, unsigned int vcpu, uint64_t address, uint64_t *physical)
{
	const struct guest_ram *ram = &observer->ram;

	if (__atomic_load_n(&observer->off, __ATOMIC_RELAXED) || !qemu_walk(&observer->qemu, vcpu, address, physical))
		return false;
	return !__atomic_load_n(&observer->ready, __ATOMIC_ACQUIRE) || *physical < ram->gpa || *physical - ram->gpa >= ram->bytes;
}

void smmu_observe_idle(struct smmu_observer *observer)
{
	size_t i;

	pthread_mutex_lock(&observer->lock);
	for (i = 0; i < observer->watcher_count && !observer->off; i++) {
		if (observer->watchers[i]->idle)
			observer->watchers[i]->idle(observer->watchers[i]);
	}
	pthread_mutex_unlock(&observer->lock);
}

void smmu_observer_finish(struct smmu_observer *observer)
{
	size_t i;

	pthread_mutex_lock(&observer->lock);
	observer->off = true;
	for (i = 0; i < observer->watcher_count; i++)
		observer->watchers[i]->end(observer->watchers[i]);
	pthread_mutex_unlock(&observer->lock);
}
