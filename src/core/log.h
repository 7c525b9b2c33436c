/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a VM's messages go: viommu_vm_config.log. */
#ifndef VIOMMU_CORE_LOG_H
#define VIOMMU_CORE_LOG_H

#include <viommu/vm.h>

#include "port/port.h"

struct log {
	/* May be NULL */
	void (*fn)(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b);
	void *ctx;
};

static inline void log_write(const struct log *log, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	if (log->fn)
		log->fn(log->ctx, level, what, a, b);
}

#endif
