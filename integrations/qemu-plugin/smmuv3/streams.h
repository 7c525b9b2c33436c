/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The streams of a guest, and what QEMU and the library are to be asked about each.
 */
#ifndef VIOMMU_WATCH_SMMUV3_STREAMS_H
#define VIOMMU_WATCH_SMMUV3_STREAMS_H

#include "commands.h"
#include "observation.h"
#include "pages.h"
#include "qemu.h"
#include "tables.h"

#define STREAMS_MAX 64u

struct stream {
	struct qemu_pci pci;
	struct stream_look look; /* at its structures, last */
	struct pages asked;	 /* that QEMU translated when it was asked, and that the guest has not made invalid since */
	struct pages next;	 /* the same as it will be after the operation */
	bool sampled;		 /* what it reaches without translation was asked */
};

/* Lists of stretches that are used again and again. */
struct stretches {
	struct stretch *list;
	size_t count;
	size_t room;
	bool lost; /* memory is short: there are some missing */
};

struct question {
	const struct qemu *qemu;
	const struct guest_ram *ram;
	struct stretches *stretches;
	void (*quiet)(void *ctx); /* called before QEMU is asked */
	void *ctx;
};

/*
 * Asks QEMU about a stream that has been looked at: about the pages that commands have made invalid, and, if the device was told to work, about those that have
 * become valid. stream_asked() makes that what is known.
 */
void stream_ask(struct stream *stream, const struct question *question, const struct invalids *invalids, bool kicked);
void stream_asked(struct stream *stream);

#endif
