/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The set-up of most tests of the core: a guest, a mock host, one set of tables and a domain over
 * them.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include "check.h"

/* An aperture like that of Linux guests: from 4 GiB on. */
#define PBA (4 * GIB)

struct rig {
	struct guest guest;
	struct mock_host *mock;
	struct tables tables;
	struct subject subject;
};

struct rig_options {
	struct viommu_vm_config config; /* size 0: the default */
	struct mock_options mock;
	uint64_t guest_bytes;	   /* 0: 64 MiB */
	uint64_t aperture;	   /* bytes; 0: 64 MiB */
	unsigned int level;	   /* of the top table; 0: region third */
	struct fake_tracker *fake; /* NULL: none. Any other tracker: */
	const struct viommu_tracker *tracker;
};

/* Everything but the domain, so that a test may fill the tables first. */
void rig_begin(struct rig *rig, const struct rig_options *options);
void rig_domain(struct rig *rig);

/*
 * Destroys everything. Nothing may be left charged, mapped or attached, and the mock host must have
 * recorded no breach.
 */
void rig_end(struct rig *rig);

int rig_refresh(struct rig *rig, uint64_t iova, uint64_t pages, struct viommu_refresh_result *result);
int rig_refresh_all(struct rig *rig, struct viommu_refresh_result *result);

/* Checks that the whole aperture matches the tables, and that the accounts are consistent. */
void rig_check(struct rig *rig);

struct viommu_domain_stats rig_stats(const struct rig *rig);

#endif
