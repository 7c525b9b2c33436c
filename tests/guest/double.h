/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stand-in for the core: domains, direct domains and devices that translate nothing, do what the test tells them to, and watch that the guest IOMMU keeps to
 * the public headers. With it a test makes the core fail in ways that a real one does seldom, and sees what the guest IOMMU asks of it.
 *
 * A test that links this file gets these instead of the library's.
 */
#ifndef TESTS_GUEST_DOUBLE_H
#define TESTS_GUEST_DOUBLE_H

#include <viommu/viommu.h>
#include <viommu/zpci.h>

struct double_core {
	/* What calls return. A count says how often they do that, and 0 afterwards; 0 = always. */
	int domain_create;
	unsigned int domain_create_count;
	int direct_create;
	int refresh;
	int attach;
	int detach;
	uint32_t fault_reason; /* in the result of what returns -EFAULT */
	uint64_t fault_iova;
	uint32_t walk_reason; /* that a walk finds; 0: a translation */

	/* Called within each refresh, without locks; what it returns, the refresh returns. */
	int (*in_refresh)(void *ctx, uint64_t first, uint64_t last);
	void *ctx;

	/* The data that a device is to be created with. */
	const void *device_data;

	/* What there is now. */
	unsigned int domains;
	unsigned int directs;
	unsigned int devices;
	unsigned int attached; /* devices that are attached to something */

	/* What was asked for last, and how often. */
	struct viommu_zpci_ioat ioat;
	uint64_t offset, first, last; /* of a direct domain */
	uint64_t refresh_first, refresh_last;
	unsigned int creates;
	unsigned int refreshes;

	/* Breaches of the headers' contract: a domain destroyed with a refresh inside, a device attached twice, one destroyed twice. 0 in every test. */
	unsigned int breaches;
};

extern struct double_core double_core;

/* Back to a core that succeeds in everything. Nothing may be left of the test before. */
void double_reset(void);

/* Stand-ins for what has no function that the guest IOMMU calls. */
struct viommu_vm *double_vm(void);
struct viommu_host *double_host(void);

#endif
