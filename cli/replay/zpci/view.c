// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a picture shows of a PCI function.
 */
#include "pictures/view.h"

#include <inttypes.h>
#include <stdio.h>

#include "show/show.h"
#include "zpci.h"

static const char *state_name(uint32_t state)
{
	static const char *const names[] = { "reserved", "standby", "disabled", "enabled", "blocked", "in the error state", "in the permanent error state" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "in an unknown state";
}

void zpci_view(struct replay *replay, const struct replay_function *function, struct svg_view *view, struct svg_tables *tables)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(zpci_function_of(function)->function, &info);
	*view = (struct svg_view){ .idle = info.registered ? NULL : "nothing is registered", .direct = info.direct };
	svg_tables_begin(tables);
	snprintf(view->name, sizeof(view->name), "function 0x%08" PRIx32, info.fh);
	snprintf(view->state, sizeof(view->state), "fid 0x%" PRIx32 ", %s", info.fid, state_name(info.state));
	if (!info.registered)
		return;
	view->count = 1;
	view->apertures[0] = (struct svg_range){ info.pba & ~(VIOMMU_PAGE_SIZE - 1), info.pal | (VIOMMU_PAGE_SIZE - 1) };
	view->aperture_names[0] = "IOVAs of the whole aperture";
	if (info.direct) {
		snprintf(view->anchor, sizeof(view->anchor), "works untranslated: an IOVA is an address of guest memory and a constant");
		return;
	}
	snprintf(view->anchor, sizeof(view->anchor), "IOTA 0x%" PRIx64 " (%s)", info.iota, show_designation(info.iota));
	struct svg_root root = { replay->options->qemu ? SVG_ZPCI_QEMU : SVG_ZPCI, info.iota, 0, info.pba, info.pal };
	svg_tables_find(tables, &replay->guest, &root);
}
