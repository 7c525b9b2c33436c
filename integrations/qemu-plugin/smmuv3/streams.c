/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is asked, and when.
 *
 *  - When the device is told to work, it may reach what the guest's tables say, and the guest has told nobody of what has become valid in them: so about pages
 *    that are valid and were not asked about since they are.
 *  - When commands make a range invalid, nothing may be left there of what was: so about the pages in it that were translated before, and those that are valid now.
 *  - What is neither: a page that is not valid any more, with no command to say so yet. Both QEMU and the library may still have it, or not; a lazy guest has
 *    many such pages.
 * A stream that is not translated has every page, or none: a few are asked about, once for each configuration.
 */
#include "streams.h"

#include <stdlib.h>

#include <viommu/types.h>

#define SAMPLES 4u

/* A stretch that an IOVA continues, or a new one. NULL if memory is short. */
static struct stretch *stretch_at(struct stretches *stretches, uint32_t sid, uint64_t iova)
{
	struct stretch *stretch = stretches->count ? &stretches->list[stretches->count - 1] : NULL;

	if (stretch && stretch->sid == sid && stretch->answers.last + 1 == iova) {
		stretch->answers.last = iova | (CAPTURE_PAGE_SIZE - 1);
		return stretch;
	}
	if (stretches->count == stretches->room) {
		size_t room = stretches->room ? stretches->room * 2 : 16, i;
		struct stretch *list = reallocarray(stretches->list, room, sizeof(*list));

		if (!list) {
			stretches->lost = true;
			return NULL;
		}
		for (i = stretches->room; i < room; i++)
			list[i] = (struct stretch){ 0 };
		stretches->list = list;
		stretches->room = room;
	}
	stretch = &stretches->list[stretches->count++];
	stretch->sid = sid;
	stretch->answers.known = true;
	stretch->answers.count = 0;
	stretch->answers.first = iova;
	stretch->answers.last = iova | (CAPTURE_PAGE_SIZE - 1);
	return stretch;
}

struct asking {
	struct stream *stream;
	const struct question *question;
	const struct invalids *invalids;
	bool kicked;
};

static void ask_page(const struct asking *asking, uint64_t iova)
{
	const struct question *question = asking->question;
	struct stretch *stretch = stretch_at(question->stretches, asking->stream->pci.requester, iova);
	uint64_t gpa = 0;
	uint32_t prot;

	if (!stretch)
		return;
	question->quiet(question->ctx);
	prot = qemu_ask(question->qemu, &asking->stream->pci, iova, &gpa);
	/* Registers of other devices are not the library's matter. */
	if (!prot || gpa < question->ram->gpa || gpa - question->ram->gpa >= question->ram->bytes)
		return;
	if (answers_add(&stretch->answers, iova, gpa, prot, 1) || !pages_add(&asking->stream->next, iova, gpa, prot))
		question->stretches->lost = true;
}

static void consider(void *ctx, uint64_t iova, const struct page *valid, const struct page *asked)
{
	const struct asking *asking = ctx;
	const struct stream_look *look = &asking->stream->look;
	bool invalidated = invalids_have(asking->invalids, asking->stream->pci.requester, look->asid, look->granule, iova);

	if (invalidated || (asking->kicked && valid && (!asked || asked->gpa != valid->gpa)))
		ask_page(asking, iova);
	else if (asked && !pages_add(&asking->stream->next, iova, asked->gpa, asked->prot))
		asking->question->stretches->lost = true;
}

void stream_ask(struct stream *stream, const struct question *question, const struct invalids *invalids, bool kicked)
{
	struct asking asking = { .stream = stream, .question = question, .invalids = invalids, .kicked = kicked };
	unsigned int i;

	stream->next.count = 0;
	pages_each(&stream->look.pages, &stream->asked, consider, &asking);
	if (!kicked || stream->look.translates || stream->sampled)
		return;
	for (i = 0; i < SAMPLES; i++)
		ask_page(&asking, (question->ram->gpa + question->ram->bytes / SAMPLES * i) & ~(CAPTURE_PAGE_SIZE - 1));
	/* They are no pages that the stream's tables have, and are not to be asked about as such. */
	stream->next.count = 0;
}

void stream_asked(struct stream *stream)
{
	struct pages swap = stream->asked;

	stream->asked = stream->next;
	stream->next = swap;
}
