/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces core/shadow/shadow_zpci.c in the plugin that is broken on purpose: the same
 * shadow_zpci_ops, over a format that can be wrong.
 */
#include "zpci_broken.h"

#include <stdlib.h>
#include <string.h>

#define VIOMMU_FORMAT zpci
#include "format/walk.h"
#include "core/shadow/refresh.h"

/* How often a changed entry is missed: for a few refreshes. */
#define MISSES	    16u
#define ENTRIES_MAX 64u

enum broken_walk broken_walk;

static struct {
	uint64_t entry;
	unsigned int looks;
} seen[ENTRIES_MAX];

bool broken_missed(uint64_t entry)
{
	size_t i;

	for (i = 0; i < ENTRIES_MAX; i++) {
		if (seen[i].looks && seen[i].entry != entry)
			continue;
		seen[i].entry = entry;
		return ++seen[i].looks <= MISSES;
	}
	return false;
}

static void __attribute__((constructor)) choose(void)
{
	static const char *const names[] = {
		[BROKEN_OFF_BY_ONE] = "off-by-one",
		[BROKEN_NO_PROTECTION] = "no-protection",
		[BROKEN_LEVEL_MISSED] = "level-missed",
	};
	const char *wanted = getenv("VIOMMU_BROKEN_WALK");
	unsigned int i;

	if (!wanted)
		return;
	for (i = BROKEN_OFF_BY_ONE; i <= BROKEN_LEVEL_MISSED; i++) {
		if (!strcmp(wanted, names[i]))
			broken_walk = (enum broken_walk)i;
	}
	if (broken_walk == BROKEN_NOTHING)
		abort();
}
