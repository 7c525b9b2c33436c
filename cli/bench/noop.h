/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A host that does nothing: it accepts every translation, stores none, and removes parts of
 * mappings without having them. A refresh on it costs only the library's own work.
 */
#ifndef VIOMMU_CLI_BENCH_NOOP_H
#define VIOMMU_CLI_BENCH_NOOP_H

#include <viommu/hosts.h>

/* One for all. It needs no destruction. */
struct viommu_host *bench_noop_host(void);

#endif
