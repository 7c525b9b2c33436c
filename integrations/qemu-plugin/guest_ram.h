/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's main memory, as QEMU has it mapped in this process: one block.
 */
#ifndef VIOMMU_WATCH_GUEST_RAM_H
#define VIOMMU_WATCH_GUEST_RAM_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

struct guest_ram {
	const unsigned char *host;
	uint64_t gpa; /* its first GPA: 0 on s390x */
	uint64_t bytes;
};

static inline bool guest_ram_has(const struct guest_ram *ram, uint64_t gpa)
{
	return gpa >= ram->gpa && gpa - ram->gpa < ram->bytes;
}

/* Loads the doubleword at an aligned GPA once. false outside memory. */
static inline bool guest_ram_load(const struct guest_ram *ram, uint64_t gpa, uint64_t *raw)
{
	if (ram->bytes < 8 || gpa < ram->gpa || gpa - ram->gpa > ram->bytes - 8)
		return false;
	*raw = port_load_entry((const uint64_t *)(const void *)(ram->host + (gpa - ram->gpa)));
	return true;
}

#endif
