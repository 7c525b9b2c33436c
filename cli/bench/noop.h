/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host that does nothing: it takes every translation, keeps none, and removes any part of a
 * mapping that it never had. The cost of a refresh on it is the cost of what the library itself
 * costs.
 */
#ifndef VIOMMU_CLI_BENCH_NOOP_H
#define VIOMMU_CLI_BENCH_NOOP_H

#include <viommu/hosts.h>

/* One for all; there is nothing to destroy. */
struct viommu_host *bench_noop_host(void);

#endif
