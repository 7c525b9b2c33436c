/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library's guest IOMMUs whose devices captures name by a sid, behind one table: for a replay
 * and for the plugin. A unit is one guest IOMMU of a VM.
 */
#ifndef VIOMMU_UNIT_H
#define VIOMMU_UNIT_H

#include <viommu/viommu.h>

#include "capture/capture.h"

/* The configuration of a device by the guest. */
struct unit_state {
	enum unit_reach {
		UNIT_NOTHING = 0, /* it reaches nothing, without an event */
		UNIT_FAULTY,	  /* it reaches nothing, and that is an event */
		UNIT_DIRECT,	  /* IOVA = GPA */
		UNIT_TRANSLATED,
	} reach;
	uint32_t code;	  /* FAULTY: of the event */
	uint32_t sharing; /* devices that have its domain, itself included */
	uint32_t domain;  /* TRANSLATED: ASID, domain ID */
	uint32_t levels;  /* TRANSLATED; 0: unknown, or there are no tables */
	uint64_t root[2]; /* TRANSLATED */
};

/* Sums since the unit was created. */
struct unit_counts {
	uint64_t commands;
	uint64_t invalidations;
	uint64_t configs;
	uint64_t refreshes;
	uint64_t insufficient;
	uint64_t errors; /* commands that were refused */
	uint32_t error;	 /* the reason of the last one, while the queue stands still */
};

/* A register that a guest stores to. */
struct unit_register {
	uint64_t offset;
	const char *name;
};

struct unit_type {
	enum capture_guest guest;
	const char *iommu;    /* "SMMU" */
	const char *sid_name; /* "StreamID" */
	/* Entries that become valid are announced: no access of a device may miss. */
	bool announces;
	/* A page that is mapped for stores alone may be loaded from. */
	bool widens;
	const struct unit_register *registers; /* ends with a NULL name */

	/* The record is CAPTURE_SMMU or CAPTURE_IOMMU. 0 or a negative errno. */
	int (*create)(struct viommu_vm *vm, const struct capture_record *record, void **unit);
	void (*destroy)(void *unit);
	/*
	 * Executes CAPTURE_WRITE, CAPTURE_DRIVER or CAPTURE_REQUEST. The status of a request, 0, or
	 * a negative errno.
	 */
	int (*operate)(void *unit, const struct capture_record *operation);
	void (*counts)(void *unit, struct unit_counts *counts);

	int (*add)(void *unit, uint32_t sid, struct viommu_host *host, void **device);
	void (*remove)(void *device);
	struct viommu_device *(*device)(void *device);
	/* An access has missed. 0: it may be tried again. */
	int (*miss)(void *device, const struct viommu_fault *fault);
	void (*state)(void *device, struct unit_state *state);
	void (*stats)(void *device, struct viommu_domain_stats *stats);
	int (*each_run)(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
};

extern const struct unit_type unit_smmuv3, unit_vtd, unit_amdvi, unit_virtio;

/* NULL for zPCI, which has no table here. */
const struct unit_type *unit_type_of(enum capture_guest guest);

/* "CMDQ_PROD"; NULL if the register has no name here. */
const char *unit_register_name(const struct unit_type *type, uint64_t offset);

/* Names of what is in a unit_state, for people. */
const char *unit_reach_name(enum unit_reach reach);

#endif
