/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream's structures: stream table, context descriptor, translation tables. They determine the
 * pages that QEMU and the library are queried about. An error of the library must not hide pages,
 * so no code and no masks are shared with it. Rights are left to QEMU: a page with a valid leaf
 * counts, whatever the rights above it.
 */
#ifndef VIOMMU_WATCH_SMMUV3_STRUCTURES_H
#define VIOMMU_WATCH_SMMUV3_STRUCTURES_H

#include "streams.h"
#include "tables.h"

/* The registers that locate stream tables. */
struct stream_table {
	uint64_t base;
	uint32_t config;
};

/*
 * Reads the structures of the stream with that requester ID, and fills in its members. false if
 * something is missing.
 */
bool structures_look(struct tables *tables, const struct stream_table *root, struct stream *stream);

#endif
