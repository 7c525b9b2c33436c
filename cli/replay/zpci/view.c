// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The view of a PCI function for a picture.
 */
#include "replay/view.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/zpci_qemu.h"

#define VIOMMU_FORMAT zpci
#include "format/walk.h"
#include "replay/tables_walk.h"

#undef VIOMMU_FORMAT
#define VIOMMU_FORMAT zpci_qemu
#include "format/walk.h"
#include "replay/tables_walk.h"

#include "show/show.h"
#include "zpci.h"

void zpci_view(struct replay *replay, const struct replay_function *function, struct view *view)
{
	struct viommu_zpci_function_info info = { .size = sizeof(info) };

	viommu_zpci_function_info(zpci_function_of(function)->function, &info);
	*view = (struct view){ .idle = info.registered ? NULL : "nothing is registered", .direct = info.direct };
	snprintf(view->name, sizeof(view->name), "function 0x%08" PRIx32, info.fh);
	snprintf(view->state, sizeof(view->state), info.state < VIOMMU_ZPCI_ERROR ? "fid 0x%" PRIx32 ", %s" : "fid 0x%" PRIx32 ", in the %s state", info.fid,
		 viommu_zpci_state_name(info.state));
	if (!info.registered)
		return;
	view->count = 1;
	view->apertures[0] = (struct view_aperture){
		.name = "IOVAs of the whole aperture",
		.first = info.pba & ~(VIOMMU_PAGE_SIZE - 1),
		.last = info.pal | (VIOMMU_PAGE_SIZE - 1),
		.table = info.iota,
	};
	if (info.direct) {
		snprintf(view->root, sizeof(view->root), "works untranslated: an IOVA is an address of guest memory and a constant");
		return;
	}
	snprintf(view->root, sizeof(view->root), "IOTA 0x%" PRIx64 " (%s)", info.iota, show_designation(info.iota));
	view->apertures[0].walk = replay->options->qemu ? zpci_qemu_find_tables : zpci_find_tables;
}
