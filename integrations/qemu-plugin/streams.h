/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PCI devices behind an IOMMU with registers, and queries to QEMU about their translations. A query
 * is made only if the answer is certain:
 *  - When the guest starts a device's work, the device may reach the pages in the guest's tables,
 *    announced or not. The query covers pages that are valid and were not queried since they became
 *    valid.
 *  - When the guest invalidates a range, none of its former contents may be left. The query covers
 *    the pages in it that were translated before, and those that are valid now.
 *  - A page that is no longer valid and that no invalidation has named yet is not queried. Both
 *    QEMU and the library may still have it. A lazy guest has many of these.
 *
 * A stream without translation has every page or none: a few are queried, once for each
 * configuration.
 *
 * A page that QEMU translates differently from the current tables is not judged. An access of
 * QEMU's device may have brought it into QEMU's IOTLB after the invalidation, and another vCPU may
 * have removed its entry since, without an invalidation yet.
 *
 * The caller holds QEMU's lock and the observer's.
 */
#ifndef VIOMMU_WATCH_STREAMS_H
#define VIOMMU_WATCH_STREAMS_H

#include "invalids.h"
#include "lists.h"
#include "observer.h"
#include "qemu.h"

#define STREAMS_MAX 64u

struct stream {
	struct qemu_pci pci;
	/* The contents of its structures, as last read. */
	bool translates;
	uint32_t domain;      /* ASID, domain ID */
	unsigned int granule; /* bits */
	struct runs valid;    /* pages that have valid entries, in main memory */
	/* Pages that QEMU has translated in a query, and that were not invalidated since. */
	struct runs asked;
	struct runs next; /* the same after this operation */
	bool sampled;	  /* the query without translation was made */
};

struct streams;

struct stream_ops {
	/*
	 * Reads the stream's structures, and fills in its members. false if something is missing.
	 */
	bool (*look)(struct streams *streams, struct stream *stream);
	/*
	 * QEMU is about to be queried, or was. A failing access must not be an event to the guest.
	 */
	void (*quiet)(struct streams *streams, bool quiet);
	/*
	 * A failing access cannot be kept from the guest: only valid pages are queried, with their
	 * rights. All others are known to be gone.
	 */
	bool only_valid;
};

struct streams {
	struct observer *observer;
	const struct stream_ops *ops;
	/* The guest's pending invalidations. */
	const struct invalids *invalids;
	const struct qemu_object *self; /* the IOMMU, if it is a PCI device */
	/*
	 * The guest announces what becomes valid. What it has not announced yet, the library does
	 * not have, and QEMU, which walks the tables, does: the start of a device says nothing.
	 */
	bool announced;
	/* A stream was found, and its configuration has been read. */
	void (*found)(struct streams *streams, const struct stream *stream);
	struct stream list[STREAMS_MAX];
	size_t count;
	struct {
		struct stretch *list;
		size_t count;
		size_t room;
	} stretches;	/* QEMU's answers; the lists in them are reused */
	uint64_t stale; /* pages that are not judged */
	bool lost;	/* memory was short: answers are missing */
};

/* Finds the devices that exist now. */
void streams_find(struct streams *streams);

/* Finds a device that the guest has named, wherever it is. */
void streams_find_named(struct streams *streams, uint32_t requester);

/* The stream of a device that starts to work. A new one if it was plugged since. NULL: none. */
struct stream *streams_of(struct streams *streams, struct qemu_object *device);

/* The configuration of streams may have changed: earlier answers are void. */
void streams_forget(struct streams *streams);

/* For stream_ops.look: the stream's domain, from its structures. */
void stream_set_domain(struct stream *stream, bool translates, uint32_t domain);

/* Reads all streams, or one. false if something is missing. */
bool streams_look(struct streams *streams, struct stream *only);

/* Whether a stream's structures have changed since the query. The query is void then. */
bool streams_moved(struct streams *streams, uint32_t requester);

/* Queries QEMU about one stream whose structures were read; kicked: its device was started. */
void stream_ask(struct streams *streams, struct stream *stream, bool kicked);

/* Commits the answers. */
void stream_asked(struct stream *stream);

/*
 * Reads structures, and queries QEMU, until the reads before and after the queries agree. kicked:
 * the stream that was started; NULL: none. Returns the nanoseconds that QEMU took. *complete: false
 * if the structures kept changing or are too many; then there are no answers.
 */
uint64_t streams_ask(struct streams *streams, struct stream *kicked, bool *complete);

#endif
