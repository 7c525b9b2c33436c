/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checker of guests with an SMMUv3: an SMMU of the library's with the same input as QEMU's. */
#ifndef VIOMMU_WATCH_SMMUV3_CHECK_H
#define VIOMMU_WATCH_SMMUV3_CHECK_H

#include "observer.h"
#include "smmuv3/commands.h"
#include "streams.h"

extern const struct check_ops smmuv3_check_ops;

/* The functions below do nothing where nothing is checked. */
void smmuv3_check_stream(struct checker *checker, const struct stream *stream);

/* An operation, with data of this architecture. */
struct smmuv3_observation {
	const struct observation *observation;
	struct streams *streams;
	const struct invalids *invalids; /* of the commands that a write handed in; NULL: it did not */
	bool qemu_refuses;		 /* QEMU has met a command that is an error */
	bool asked;			 /* QEMU was */
	bool gave_up;			 /* its answers were given up */
};
void smmuv3_check(struct checker *checker, const struct smmuv3_observation *operation);

#endif
