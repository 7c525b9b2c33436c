/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A device that is attached to a domain of a guest's tables, with a reader. */
#ifndef TESTS_CORE_BENCH_H
#define TESTS_CORE_BENCH_H

#include "rig.h"

struct bench {
	struct rig rig;
	struct viommu_host *host;
	struct viommu_domain *domain;
	struct viommu_device *device;
	struct viommu_reader *reader;
};

/*
 * On the soft host, or on the mock host, which looks up in another way; split: the mock host
 * removes parts of mappings. end: the device may be gone, and with it its reader.
 */
void bench_begin(struct bench *bench, bool soft, bool split);
void bench_end(struct bench *bench);

/* A refresh of everything. */
void bench_refresh(struct bench *bench);

#endif
