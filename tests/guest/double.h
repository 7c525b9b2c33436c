/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stand-in for the core: domains, direct domains and devices that translate nothing, return what
 * the test sets, and check that the guest IOMMU follows the public headers. With it a test makes
 * the core fail in rare ways, and sees the guest IOMMU's calls.
 *
 * A test that links this file gets these functions instead of the library's.
 */
#ifndef TESTS_GUEST_DOUBLE_H
#define TESTS_GUEST_DOUBLE_H

#include <viommu/viommu.h>
#include <viommu/zpci.h>

struct double_core {
	/*
	 * Results of calls. A count limits how often a result is returned, and calls return 0
	 * afterwards; 0 = no limit.
	 */
	int domain_create;
	unsigned int domain_create_count;
	int direct_create;
	int refresh;
	int attach;
	int detach;
	uint32_t fault_reason; /* in results of refreshes that return -EFAULT */
	uint64_t fault_iova;
	uint32_t walk_reason; /* that a walk finds; 0: a translation */

	/* Called within each refresh, without locks; the refresh returns its result. */
	int (*in_refresh)(void *ctx, uint64_t first, uint64_t last);
	void *ctx;

	/* The expected data of a device's creation. */
	const void *device_data;

	/* The objects that exist. */
	unsigned int domains;
	unsigned int directs;
	unsigned int devices;
	unsigned int attached; /* attached devices */

	/* The last arguments, and the numbers of calls. */
	struct viommu_zpci_ioat ioat;
	uint64_t offset, first, last; /* of a direct domain */
	uint64_t refresh_first, refresh_last;
	unsigned int creates;
	unsigned int refreshes;

	/*
	 * Violations of the headers' contract: a domain destroyed with a refresh inside, a device
	 * attached twice, a domain destroyed twice. 0 in every test.
	 */
	unsigned int breaches;
};

extern struct double_core double_core;

/* Resets it: all calls succeed. Nothing of the test before may be left. */
void double_reset(void);

/* Stand-ins for state that the guest IOMMU reads without a function. */
struct viommu_vm *double_vm(void);
struct viommu_host *double_host(void);

#endif
