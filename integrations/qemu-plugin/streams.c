/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "streams.h"

#include "timing.h"

/* How often structures are read again before QEMU's answers are given up. */
#define LOOKS_MAX 16u

/* Number of pages that are queried for a stream without translation. */
#define SAMPLES 4u

static void found_device(void *ctx, const struct qemu_pci *pci)
{
	struct streams *streams = ctx;
	struct stream *stream;
	size_t i;

	for (i = 0; i < streams->count; i++) {
		/* Another device in its place is the same to the IOMMU. */
		if (streams->list[i].pci.requester == pci->requester) {
			streams->list[i].pci = *pci;
			return;
		}
	}
	if (streams->count == STREAMS_MAX || pci->object == streams->self)
		return;
	stream = &streams->list[streams->count++];
	stream->pci = *pci;
	streams_look(streams, stream);
	streams->found(streams, stream);
}

void streams_find(struct streams *streams)
{
	/*
	 * Where requests name devices, a guest may attach the host bridge, which has no accesses.
	 */
	qemu_pci_each(streams->ops->only_valid, found_device, streams);
}

void streams_find_named(struct streams *streams, uint32_t requester)
{
	struct qemu_pci pci;

	if (qemu_pci_find(requester, &pci))
		found_device(streams, &pci);
}

static struct stream *find(struct streams *streams, const struct qemu_object *device)
{
	size_t i;

	for (i = 0; i < streams->count; i++) {
		if (streams->list[i].pci.object == device)
			return &streams->list[i];
	}
	return NULL;
}

struct stream *streams_of(struct streams *streams, struct qemu_object *device)
{
	struct stream *stream = find(streams, device);
	struct qemu_pci pci;

	/* It may be behind a bridge, or plugged since. */
	if (!stream && qemu_pci_describe(device, &pci)) {
		found_device(streams, &pci);
		stream = find(streams, device);
	}
	return stream;
}

void streams_forget(struct streams *streams)
{
	size_t i;

	for (i = 0; i < streams->count; i++) {
		runs_clear(&streams->list[i].asked);
		streams->list[i].sampled = false;
	}
}

void stream_set_domain(struct stream *stream, bool translates, uint32_t domain)
{
	/* Answers of another domain are void: no invalidation will name them. */
	if (stream->translates != translates || stream->domain != domain)
		runs_clear(&stream->asked);
	stream->translates = translates;
	stream->domain = domain;
	runs_clear(&stream->valid);
}

bool streams_look(struct streams *streams, struct stream *only)
{
	bool complete = true;
	size_t i;

	streams->observer->tables.changed = false;
	for (i = 0; i < streams->count; i++) {
		if (!only || &streams->list[i] == only)
			complete &= streams->ops->look(streams, &streams->list[i]);
	}
	return complete;
}

bool streams_moved(struct streams *streams, uint32_t requester)
{
	size_t i;

	for (i = 0; i < streams->count; i++) {
		if (streams->list[i].pci.requester == requester)
			return !streams_look(streams, &streams->list[i]) || streams->observer->tables.changed;
	}
	return true;
}

/* The stretch that an IOVA continues, or a new one. NULL if memory is short. */
static struct stretch *stretch_at(struct streams *streams, uint32_t device, uint64_t iova)
{
	struct stretch *stretch = streams->stretches.count ? &streams->stretches.list[streams->stretches.count - 1] : NULL;

	if (!stretch || stretch->device != device || stretch->last + 1 != iova) {
		if (!LIST_FITS(&streams->stretches)) {
			streams->lost = true;
			return NULL;
		}
		stretch = &streams->stretches.list[streams->stretches.count++];
		stretch->device = device;
		stretch->first = iova;
		runs_clear(&stretch->runs);
	}
	stretch->last = iova | (CAPTURE_PAGE_SIZE - 1);
	return stretch;
}

/*
 * valid: the target of its entry, or UINT64_MAX; NULL: the stream is not translated. prot: the
 * rights of its entry.
 */
static void ask_page(struct streams *streams, struct stream *stream, uint64_t iova, const uint64_t *valid, uint32_t prot)
{
	struct stretch *stretch;
	uint64_t gpa = 0;

	streams->ops->quiet(streams, true);
	prot = qemu_ask(stream->pci.space, iova, streams->ops->only_valid && valid ? prot : VIOMMU_RW, &gpa);
	/* Registers of other devices do not concern the library. */
	if (!guest_ram_has(&streams->observer->ram, gpa))
		prot = 0;
	if (prot && valid)
		runs_add(&stream->next, iova, gpa, prot, 1);
	if (prot && valid && *valid != gpa) {
		streams->stale++;
		return;
	}
	stretch = stretch_at(streams, stream->pci.requester, iova);
	if (stretch && prot)
		runs_add(&stretch->runs, iova, gpa, prot, 1);
	streams->lost |= (stretch && stretch->runs.lost) || stream->next.lost;
}

struct asking {
	struct streams *streams;
	struct stream *stream;
	bool kicked;
};

/* Pages with a valid entry (side 0), or with a known answer of QEMU (side 1). */
static void consider(void *ctx, const struct piece *piece)
{
	const struct asking *asking = ctx;
	struct streams *streams = asking->streams;
	bool is_new = asking->kicked && !streams->announced && piece->prot[0] && (!piece->prot[1] || piece->gpa[0] != piece->gpa[1]);
	uint64_t at, valid;

	for (at = 0; at < piece_pages(piece) * CAPTURE_PAGE_SIZE; at += CAPTURE_PAGE_SIZE) {
		valid = piece->prot[0] ? piece->gpa[0] + at : UINT64_MAX;
		if (is_new ||
		    invalids_have(streams->invalids, asking->stream->pci.requester, asking->stream->domain, asking->stream->granule, piece->first + at))
			ask_page(streams, asking->stream, piece->first + at, &valid, piece->prot[0]);
		else if (piece->prot[1])
			runs_add(&asking->stream->next, piece->first + at, piece->gpa[1] + at, piece->prot[1], 1);
	}
	streams->lost |= asking->stream->next.lost;
}

void stream_ask(struct streams *streams, struct stream *stream, bool kicked)
{
	struct asking asking = { .streams = streams, .stream = stream, .kicked = kicked };
	const struct guest_ram *ram = &streams->observer->ram;
	unsigned int i;

	runs_clear(&stream->next);
	runs_each(&stream->valid, &stream->asked, 0, UINT64_MAX, consider, &asking);
	if (!kicked || stream->translates || stream->sampled)
		return;
	for (i = 0; i < SAMPLES; i++)
		ask_page(streams, stream, (ram->gpa + ram->bytes / SAMPLES * i) & ~(CAPTURE_PAGE_SIZE - 1), NULL, 0);
}

void stream_asked(struct stream *stream)
{
	struct runs swap = stream->asked;

	stream->asked = stream->next;
	stream->next = swap;
}

uint64_t streams_ask(struct streams *streams, struct stream *kicked, bool *complete)
{
	bool seen = streams_look(streams, kicked);
	unsigned int looks = 0;
	uint64_t began, took;
	size_t i;

	do {
		began = timing_ticks();
		streams->stretches.count = 0;
		streams->stale = 0;
		streams->lost = false;
		for (i = 0; i < streams->count; i++) {
			struct stream *stream = &streams->list[i];

			if (!kicked || stream == kicked)
				stream_ask(streams, stream, stream == kicked);
		}
		took = timing_ticks() - began;
		seen &= !streams->lost;
		if (!streams->stretches.count)
			break;
		seen &= streams_look(streams, kicked) && ++looks < LOOKS_MAX;
	} while (seen && streams->observer->tables.changed);
	streams->ops->quiet(streams, false);
	*complete = seen;
	if (!seen) {
		streams->stretches.count = 0;
		return 0;
	}
	for (i = 0; i < streams->count; i++) {
		if (!kicked || &streams->list[i] == kicked)
			stream_asked(&streams->list[i]);
	}
	return timing_ns(took);
}
