/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "watched.h"

#include <stdlib.h>

#include "stores.h"
#include "stream_check.h"
#include "unit/unit.h"

static struct watched the_watched;

/* Records the pending changes. */
static void record_changes(struct observer *observer)
{
	struct changes changes = tables_take_changes(&observer->tables);

	recorder_put_changes(&observer->recorder, &changes);
	free(changes.list);
}

static void found_stream(struct streams *streams, const struct stream *stream)
{
	struct capture_record record = { .kind = CAPTURE_STREAM, .stream = { .sid = stream->pci.requester } };

	record_changes(streams->observer);
	recorder_put(&streams->observer->recorder, &record);
	stream_check_found(&streams->observer->checker, stream);
}

/* asked: QEMU has answered, or the query was given up. */
static void tell(struct watched *watched, struct observation *observation, struct stream_observation *operation, bool asked)
{
	struct observer *observer = watched->observer;
	/* More may be found during the comparison with the library. */
	struct changes changes = tables_take_changes(&observer->tables);
	struct capture_write silent = observation->operation.write;

	observation->operation.time = observer_time(observer);
	observation->watch_ns = stores_watch_ns();
	observation->changes = &changes;
	operation->observation = observation;
	operation->streams = &watched->streams;
	operation->asked = asked;
	if (asked) {
		observation->stretches = watched->streams.stretches.list;
		observation->stretch_count = watched->streams.stretches.count;
		operation->invalids = &watched->invalids;
	}
	if (observation->operation.kind == CAPTURE_WRITE && watched->ops->silence) {
		watched->ops->silence(&silent);
		operation->library = &silent;
	}
	stream_check(&observer->checker, operation);
	recorder_put_observation(&observer->recorder, observation);
	free(changes.list);
}

void watched_tell(struct watched *watched, const struct capture_record *operation)
{
	struct observation observation = { .operation = *operation };

	tell(watched, &observation, &(struct stream_observation){ 0 }, false);
}

void watched_write(struct watched *watched, uint64_t offset, unsigned int bytes, uint64_t value)
{
	watched_tell(watched, &(struct capture_record){ .kind = CAPTURE_WRITE, .write = { .offset = offset, .bytes = bytes, .value = value } });
}

void watched_submit(struct watched *watched, const struct capture_record *record)
{
	struct observation observation = { .operation = *record };
	struct stream_observation operation = { 0 };
	bool complete;
	size_t i;

	observation.qemu_ns = streams_ask(&watched->streams, NULL, &complete);
	operation.gave_up = !complete;
	operation.qemu_refuses = watched->ops->refuses && watched->ops->refuses(watched);
	for (i = 0; watched->invalids.configs && i < watched->streams.count; i++)
		watched->streams.list[i].sampled = false;
	tell(watched, &observation, &operation, true);
}

void watched_take(struct watched *watched, struct watched_ring *ring, uint64_t tail)
{
	struct tables *tables = &watched->observer->tables;
	uint64_t words[4], left = ring->size / ring->bytes;

	invalids_clear(&watched->invalids);
	streams_look(&watched->streams, NULL);
	/* A tail between two commands is never met. */
	while (ring->head != tail && left--) {
		if (!tables_load(tables, ring->gpa + ring->head, words, ring->bytes / 8) || !ring->add(&watched->invalids, words))
			tables->lost = true;
		ring->head = (ring->head + ring->bytes) % ring->size;
	}
}

uint32_t watched_get32(const struct watched *watched, uint64_t offset)
{
	uint32_t result;

	return address_space_ldl_le(&address_space_memory, watched->address + offset, 0, &result);
}

void watched_set32(const struct watched *watched, uint64_t offset, uint32_t value)
{
	uint32_t result;

	address_space_stl_le(&address_space_memory, watched->address + offset, value, 0, &result);
}

static void iommu_store(struct observer *observer, const struct qemu_target *target, uint64_t address, unsigned int bytes, uint64_t value)
{
	struct watched *watched = &the_watched;

	if (watched->iommu != target->object) {
		observer_give_up(observer, "nothing more is watched: there is a second IOMMU");
		return;
	}
	watched->address = address - target->offset;
	watched->ops->store(watched, target, bytes, value);
}

static void device_store(struct observer *observer, struct qemu_object *device)
{
	struct watched *watched = &the_watched;
	struct observation observation = { .operation = { .kind = CAPTURE_KICK } };
	struct stream *stream = streams_of(&watched->streams, device);
	struct stream_observation operation = { 0 };
	bool complete;

	(void)observer;
	if (!stream)
		return;
	invalids_clear(&watched->invalids);
	observation.qemu_ns = streams_ask(&watched->streams, stream, &complete);
	/* Without changes, there is no query for the library either. */
	if (!watched->streams.stretches.count && complete)
		return;
	stream->sampled = true;
	observation.operation.kick.sid = stream->pci.requester;
	operation.gave_up = !complete;
	tell(watched, &observation, &operation, true);
}

static const struct store_ops store_ops = { .iommu_store = iommu_store, .device_store = device_store };

int watched_watch(struct observer *observer, qemu_plugin_id_t id, const struct qemu_plugin_info *info)
{
	(void)info;
	the_watched.observer = observer;
	the_watched.streams.observer = observer;
	stores_watch(observer, &store_ops, id);
	return 0;
}

void watched_ready(struct observer *observer)
{
	struct capture_record iommu = { .kind = CAPTURE_IOMMU };
	struct watched *watched = &the_watched;

	watched->ops = observer->ops->watched;
	watched->streams.ops = &watched->ops->streams;
	watched->streams.found = found_stream;
	watched->streams.invalids = &watched->invalids;
	watched->streams.announced = unit_type_of(observer->ops->guest)->announces;
	watched->iommu = qemu_find_type(observer->ops->type);
	watched->streams.self = watched->iommu;
	if (!watched->ops->begin(watched, &iommu))
		return;
	recorder_put(&observer->recorder, &iommu);
	stream_check_begin(&observer->checker, &iommu);
	streams_find(&watched->streams);
}
