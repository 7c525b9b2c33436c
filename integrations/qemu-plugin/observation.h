/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One operation of the guest on its IOMMU, with the structures that it concerns and QEMU's answers.
 */
#ifndef VIOMMU_WATCH_OBSERVATION_H
#define VIOMMU_WATCH_OBSERVATION_H

#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "lists.h"

struct observation {
	/* With the machine's answer, and the time. */
	struct capture_record operation;
	/* Apply before the operation. */
	const struct changes *changes;
	/* Hold after it. */
	const struct stretch *stretches;
	size_t stretch_count;
	/* Nanoseconds: QEMU's for the instruction or for its answers, and those that watching cost. */
	uint64_t qemu_ns;
	uint64_t watch_ns;
};

#endif
