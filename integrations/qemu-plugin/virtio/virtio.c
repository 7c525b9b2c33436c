/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing a virtio-iommu-pci.
 *
 *  - QEMU may put off the requests of a notification to its main loop. The callback holds the lock
 *    that this needs, and has QEMU handle them at once, by the function that the main loop calls.
 *    Meanwhile the vCPU that waits for the answers is stopped.
 *  - A failing access would be an event for the guest. So QEMU is asked about pages that requests
 *    have mapped, with the rights that they have given. That pages are gone is what QEMU's answer
 *    to an UNMAP says.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/mappings.h"
#include "virtio/spec.h"
#include "watched.h"

#define ENDPOINTS_MOST 64u
#define CHAIN_MOST     16u /* descriptors of a request */
#define BATCH_MOST     1024u

/* A request in the queue, and where its answer will be. */
struct pending {
	uint8_t bytes[REQUEST_BYTES_MOST];
	size_t count;
	uint64_t status; /* GPA; 0: none */
};

static struct {
	struct qemu_object *device;
	struct mappings mappings;
	struct {
		uint32_t sid;
		uint32_t domain;
		bool bypass;
	} attached[ENDPOINTS_MOST];
	size_t attached_count;
	uint32_t select;
	uint64_t features;
	bool bypass;   /* of endpoints without a domain */
	uint16_t seen; /* the request queue up to this available index */
	struct pending batch[BATCH_MOST];
} state;

static const unsigned char *memory(const struct guest_ram *ram, uint64_t gpa, uint64_t bytes)
{
	return gpa >= ram->gpa && bytes <= ram->bytes && gpa - ram->gpa <= ram->bytes - bytes ? ram->host + (gpa - ram->gpa) : NULL;
}

static uint64_t field(const unsigned char *bytes, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, bytes, size);
	return le64toh(value);
}

static uint16_t ring_word(const struct guest_ram *ram, uint64_t gpa)
{
	const unsigned char *at = memory(ram, gpa, 2);

	return at ? (uint16_t)field(at, 2) : 0;
}

static void take_part(struct pending *pending, const struct guest_ram *ram, uint64_t gpa, uint32_t bytes, bool writable)
{
	const unsigned char *at = memory(ram, gpa, bytes);

	if (writable && bytes >= TAIL_BYTES) {
		/* The tail is at the end of what the device writes. */
		pending->status = gpa + bytes - TAIL_BYTES;
	} else if (!writable && at && bytes <= REQUEST_BYTES_MOST - pending->count) {
		memcpy(pending->bytes + pending->count, at, bytes);
		pending->count += bytes;
	}
}

static void take_chain(struct pending *pending, const struct guest_ram *ram, uint64_t table, uint64_t number)
{
	unsigned int i;

	for (i = 0; i < CHAIN_MOST; i++) {
		const unsigned char *at = memory(ram, table + number * DESC_BYTES, DESC_BYTES);
		uint64_t flags = at ? field(at + 12, 2) : 0;

		if (!at)
			return;
		if (flags & DESC_INDIRECT) {
			table = field(at, 8);
			number = 0;
			continue;
		}
		take_part(pending, ram, field(at, 8), (uint32_t)field(at + 8, 4), flags & DESC_WRITE);
		if (!(flags & DESC_NEXT))
			return;
		number = field(at + 14, 2);
	}
}

/* Requests that were not seen yet. Their number. */
static size_t take_requests(const struct guest_ram *ram)
{
	uint64_t table = virtio_queue_get_desc_addr(state.device, REQUEST_QUEUE), ring = virtio_queue_get_avail_addr(state.device, REQUEST_QUEUE);
	int size = virtio_queue_get_num(state.device, REQUEST_QUEUE);
	uint16_t available = ring_word(ram, ring + RING_INDEX);
	size_t count = 0;

	while (size > 0 && state.seen != available && count < BATCH_MOST) {
		struct pending *pending = &state.batch[count++];

		*pending = (struct pending){ .count = 0 };
		take_chain(pending, ram, table, ring_word(ram, ring + RING_FIRST + state.seen % (unsigned int)size * UINT64_C(2)));
		state.seen++;
	}
	return count;
}

/* Has QEMU handle what it has not handled. */
static void settle(const struct guest_ram *ram)
{
	uint64_t ring = virtio_queue_get_used_addr(state.device, REQUEST_QUEUE);
	struct qemu_queue *queue = virtio_get_queue(state.device, REQUEST_QUEUE);

	if (ring_word(ram, ring + RING_INDEX) != state.seen)
		virtio_queue_host_notifier_read(virtio_queue_get_host_notifier(queue));
}

/* PROBE and what is unknown is not recorded. */
static bool decode(const struct pending *pending, struct capture_request *request)
{
	const uint8_t *bytes = pending->bytes;

	*request = (struct capture_request){ .type = (enum capture_request_type)field(bytes + REQUEST_TYPE, 1) };
	request->domain = (uint32_t)field(bytes + REQUEST_DOMAIN, 4);
	switch (request->type) {
	case CAPTURE_ATTACH:
		request->flags = (uint32_t)field(bytes + ATTACH_FLAGS, 4);
		request->endpoint = (uint32_t)field(bytes + ATTACH_ENDPOINT, 4);
		return pending->count >= ATTACH_FLAGS + 4;
	case CAPTURE_DETACH:
		request->endpoint = (uint32_t)field(bytes + ATTACH_ENDPOINT, 4);
		return pending->count >= ATTACH_ENDPOINT + 4;
	case CAPTURE_MAP:
		request->gpa = field(bytes + MAP_GPA, 8);
		request->flags = (uint32_t)field(bytes + MAP_FLAGS, 4);
		request->first = field(bytes + MAP_FIRST, 8);
		request->last = field(bytes + MAP_LAST, 8);
		return pending->count >= MAP_FLAGS + 4;
	case CAPTURE_UNMAP:
		request->first = field(bytes + MAP_FIRST, 8);
		request->last = field(bytes + MAP_LAST, 8);
		return pending->count >= MAP_LAST + 8;
	}
	return false;
}

static size_t find_endpoint(uint32_t sid)
{
	size_t i;

	for (i = 0; i < state.attached_count && state.attached[i].sid != sid; i++)
		;
	return i;
}

/* A domain exists as long as an endpoint has it. */
static void leave(uint32_t sid)
{
	size_t at = find_endpoint(sid), i;
	uint32_t domain;

	if (at == state.attached_count)
		return;
	domain = state.attached[at].domain;
	state.attached[at] = state.attached[--state.attached_count];
	for (i = 0; i < state.attached_count; i++) {
		if (state.attached[i].domain == domain)
			return;
	}
	mappings_clear(&state.mappings, &domain);
}

/* A request that QEMU has carried out. */
static bool apply(struct watched *watched, const struct capture_request *request)
{
	struct invalid invalid = { .any_stream = true, .domain = request->domain, .first = request->first, .last = request->last };

	watched->invalids.commands++;
	if (request->status)
		return true;
	if (request->type == CAPTURE_MAP || request->type == CAPTURE_UNMAP) {
		watched->invalids.invalidations++;
		return mappings_apply(&state.mappings, request) && invalids_put(&watched->invalids, &invalid);
	}
	watched->invalids.configs++;
	leave(request->endpoint);
	if (request->type != CAPTURE_ATTACH)
		return true;
	if (state.attached_count == ENDPOINTS_MOST)
		return false;
	state.attached[state.attached_count].sid = request->endpoint;
	state.attached[state.attached_count].domain = request->domain;
	state.attached[state.attached_count++].bypass = request->flags & ATTACH_BYPASS;
	invalid.last = UINT64_MAX;
	return invalids_put(&watched->invalids, &invalid);
}

static void notified(struct watched *watched)
{
	const struct guest_ram *ram = &watched->observer->ram;
	struct capture_record operation = { .kind = CAPTURE_REQUEST }, next = operation;
	size_t count = take_requests(ram), i;
	bool any = false;

	settle(ram);
	invalids_clear(&watched->invalids);
	for (i = 0; i < count; i++) {
		const unsigned char *status = memory(ram, state.batch[i].status, 1);

		if (!status || !decode(&state.batch[i], &next.request))
			continue;
		next.request.has_status = true;
		next.request.status = *status;
		if (next.request.type == CAPTURE_ATTACH)
			streams_find_named(&watched->streams, next.request.endpoint);
		if (!apply(watched, &next.request))
			watched->observer->tables.lost = true;
		/* QEMU's answers are those after the last request. */
		if (any)
			watched_tell(watched, &operation);
		operation = next;
		any = true;
	}
	if (any)
		watched_submit(watched, &operation);
}

static void driver(struct watched *watched, uint64_t features)
{
	watched_tell(watched, &(struct capture_record){ .kind = CAPTURE_DRIVER, .driver = { .features = features } });
}

static void store_common(struct watched *watched, uint64_t offset, uint64_t value)
{
	switch (offset) {
	case COMMON_DRIVER_FEATURE_SELECT:
		state.select = (uint32_t)value;
		break;
	case COMMON_DRIVER_FEATURE:
		if (state.select == 0)
			watched_set_low(&state.features, 4, value);
		else if (state.select == 1)
			watched_set_high(&state.features, value);
		break;
	case COMMON_DEVICE_STATUS:
		if (!value) {
			state.seen = 0;
			state.features = 0;
			state.attached_count = 0;
			mappings_clear(&state.mappings, NULL);
			streams_forget(&watched->streams);
			driver(watched, 0);
		} else if (value == (value & 0xfu) && value & STATUS_FEATURES_OK && !(value & 4)) {
			if (state.features & FEATURE_RING_PACKED)
				observer_give_up(watched->observer, "nothing more is watched: the request queue is a packed one");
			else
				driver(watched, state.features);
		}
		break;
	}
}

static void store(struct watched *watched, const struct qemu_target *target, unsigned int bytes, uint64_t value)
{
	(void)bytes;
	if (strstr(target->region, "virtio-pci-common"))
		store_common(watched, target->offset, value);
	else if (strstr(target->region, "virtio-pci-notify") && value == REQUEST_QUEUE)
		notified(watched);
}

static bool look(struct streams *streams, struct stream *stream)
{
	size_t at = find_endpoint(stream->pci.requester);
	bool attached = at < state.attached_count;

	stream_set_domain(stream, attached && !state.attached[at].bypass, attached ? state.attached[at].domain : 0);
	if (stream->translates)
		mappings_collect(&state.mappings, stream->domain, &streams->observer->ram, &stream->valid);
	/* It reaches nothing, and trying that would be an event. */
	if (!attached && !state.bypass)
		stream->sampled = true;
	return !stream->valid.lost;
}

static void set_quiet(struct streams *streams, bool quiet)
{
	(void)streams;
	(void)quiet;
}

static bool begin(struct watched *watched, struct capture_record *iommu)
{
	int64_t bits = object_property_get_int(watched->iommu, "aw-bits", NULL);

	state.device = qemu_has(QEMU_VIRTIO) ? qemu_find_type("virtio-iommu-device") : NULL;
	if (!state.device) {
		observer_give_up(watched->observer, "nothing is watched: this QEMU does not offer its virtqueues");
		return false;
	}
	if (bits >= 32 && bits <= 64 && bits != CAPTURE_IOMMU_ADDRESS_BITS)
		iommu->iommu.address_bits = (uint32_t)bits;
	state.bypass = iommu->iommu.bypass = object_property_get_bool(watched->iommu, "boot-bypass", NULL);
	return true;
}

const struct watched_ops virtio_watched_ops = {
	.streams = { .look = look, .quiet = set_quiet, .only_valid = true },
	.begin = begin,
	.store = store,
};
