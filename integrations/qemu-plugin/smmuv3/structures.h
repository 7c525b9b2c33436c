/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream's structures: stream table, context descriptor, translation tables. This decides which
 * pages QEMU and the library are asked about, so it must not overlook what the library overlooks:
 * it shares no code and no masks with it. It does not judge, since QEMU does: a page is one if
 * there is a valid leaf, whatever the rights above it are.
 */
#ifndef VIOMMU_WATCH_SMMUV3_STRUCTURES_H
#define VIOMMU_WATCH_SMMUV3_STRUCTURES_H

#include "streams.h"
#include "tables.h"

/* The registers that stream tables are found by. */
struct stream_table {
	uint64_t base;
	uint32_t config;
};

/* Fills in what the structures of the stream with that requester ID say. false if it is not all. */
bool structures_look(struct tables *tables, const struct stream_table *root, struct stream *stream);

#endif
