/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stand-ins for nested domains. They translate nothing, return what the test sets, and record the
 * calls. The VM, the host, devices and direct domains are the library's. Linked with --wrap for
 * each function here.
 */
#ifndef TESTS_SMMUV3_DOUBLE_H
#define TESTS_SMMUV3_DOUBLE_H

#include <viommu/viommu.h>
#include <viommu/smmuv3.h>

struct double_refresh {
	unsigned int asid; /* of the domain */
	uint64_t first;
	uint64_t last;
};
#define DOUBLE_REFRESHES 256u

struct double_domains {
	/*
	 * Results of calls. A count limits how often a result is returned, and calls return 0
	 * afterwards; 0 = no limit.
	 */
	int create;
	unsigned int create_count;
	uint64_t entries; /* by a creation */
	int attach;
	unsigned int attach_count;
	int refresh;
	unsigned int refresh_count;
	int detach; /* of any device */
	unsigned int detach_count;

	/* The result of a refresh: a run, or a fault. */
	int walk;
	struct viommu_run run;
	struct viommu_fault fault;

	/*
	 * The properties of the shadow: a global entry everywhere; the largest leaf, 0: the largest
	 * of the format.
	 */
	bool global;
	unsigned int leaf_bits;

	/*
	 * Called within each refresh, and before a device is attached to a direct domain, without
	 * locks.
	 */
	void (*in_refresh)(void *ctx);
	void (*in_direct)(void *ctx);
	void *ctx;

	unsigned int detached; /* devices, from these; atomic */
	unsigned int domains;  /* that exist */
	unsigned int attached; /* devices, to these */
	unsigned int creates;
	struct viommu_smmuv3_stage1 data; /* of the last one */
	unsigned int refreshes;
	struct double_refresh refreshed[DOUBLE_REFRESHES];
	unsigned int breaches; /* of the headers' contract. 0 in every test */
};

extern struct double_domains doubles;

/* Resets it: all domains succeed. Nothing of the test before may be left. */
void double_reset(void);
/* Clears the record of refreshes. */
void double_forget(void);

/* For cmocka: *state is a rig over these, with its SMMU enabled or not. */
int double_setup(void **state);
int double_setup_enabled(void **state);
int double_teardown(void **state);

#endif
