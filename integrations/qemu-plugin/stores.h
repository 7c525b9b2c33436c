/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stores to devices' registers, for IOMMUs that are told by them what to do. Any instruction may
 * make such a store, so each one gets a call behind its stores, and nearly all of these find at once
 * that it was a store to memory. The call comes when the device has acted.
 */
#ifndef VIOMMU_WATCH_STORES_H
#define VIOMMU_WATCH_STORES_H

#include "observer.h"

/* Called with both locks for each store to registers of the IOMMU or of a PCI device. */
struct store_ops {
	const char *iommu; /* its type in QEMU */
	void (*iommu_store)(struct observer *observer, const struct qemu_target *target, uint64_t address, unsigned int bytes, uint64_t value);
	void (*device_store)(struct observer *observer, struct qemu_object *device);
};

void stores_watch(struct observer *observer, const struct store_ops *ops, qemu_plugin_id_t id);

/* Nanoseconds for which stores were held up since this was last called. */
uint64_t stores_watch_ns(void);

#endif
