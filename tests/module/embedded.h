/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library's guest IOMMU in a process that has the module's, too, with the same registers and
 * the same guest memory, and another device on the host type1.
 */
#ifndef TESTS_MODULE_EMBEDDED_H
#define TESTS_MODULE_EMBEDDED_H

#include <viommu/viommu.h>

#include "guests.h"

struct embedded {
	uint64_t registers; /* GPA */
	struct viommu_host *host;
	struct viommu_vm *vm;
	const struct embedded_ops *ops;
	void *iommu;
	void *device;
};

/* False, having said why: this machine cannot do it. */
bool embedded_open(struct embedded *embedded, const struct guest *guest, const char *address);
void embedded_close(struct embedded *embedded);

/* For struct vcpu. ctx: a struct embedded. Loads are not executed. */
void embedded_access(void *ctx, uint64_t gpa, bool store, unsigned int bytes, uint64_t *value);

#endif
