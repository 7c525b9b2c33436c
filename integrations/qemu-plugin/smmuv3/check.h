/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checker of guests with an SMMUv3: the library's SMMU with the same input as QEMU's. */
#ifndef VIOMMU_WATCH_SMMUV3_CHECK_H
#define VIOMMU_WATCH_SMMUV3_CHECK_H

#include "observer.h"
#include "smmuv3/commands.h"
#include "streams.h"

extern const struct check_ops smmuv3_check_ops;

/* Without a checker, the functions below do nothing. */
void smmuv3_check_stream(struct checker *checker, const struct stream *stream);

/* An operation, with data of this architecture. */
struct smmuv3_observation {
	const struct observation *observation;
	struct streams *streams;
	/* the commands that a write submitted; NULL: it submitted none */
	const struct invalids *invalids;
	bool qemu_refuses; /* QEMU has found an illegal command */
	bool asked;	   /* QEMU was queried */
	bool gave_up;	   /* its answers were given up */
};
void smmuv3_check(struct checker *checker, const struct smmuv3_observation *operation);

#endif
