/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See rig.h: the guest's operations. It writes tables, and executes instructions, or has the core
 * do the same for a shared domain. The model follows the operations that succeed.
 */
#include <viommu/zpci.h>

#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LEVEL 2u /* region third tables, as Linux has: 2^42 bytes of IOVAs */

static const struct model_limits ample = { .entries = 4000000, .pages = 1000000 };

/* Builds the guest's tables where the unit's space has them. */
static void enter_zone(struct rig *rig, struct rig_space *space)
{
	const uint64_t zone = space->zone[space->generation % 2];

	guest_tables_in(&rig->guest, space->table_next, zone + RIG_ZONE_BYTES - 1);
}

static void leave_zone(struct rig *rig, struct rig_space *space)
{
	space->table_next = rig->guest.table_next;
}

static struct rig *rig_of(struct rig_space *space)
{
	return (struct rig *)(void *)((char *)space->tables.guest - offsetof(struct rig, guest));
}

void rig_map(struct rig_unit *unit, uint64_t iova, uint64_t pages, uint64_t gpa, uint32_t prot)
{
	struct rig *rig = rig_of(unit->space);

	enter_zone(rig, unit->space);
	tables_map(&unit->space->tables, iova, pages, gpa, prot);
	leave_zone(rig, unit->space);
}

void rig_unmap(struct rig_unit *unit, uint64_t iova, uint64_t pages)
{
	struct rig *rig = rig_of(unit->space);

	enter_zone(rig, unit->space);
	tables_unmap(&unit->space->tables, iova, pages);
	leave_zone(rig, unit->space);
}

void rig_set(struct rig_unit *unit, uint64_t iova, unsigned int level, uint64_t entry)
{
	struct rig *rig = rig_of(unit->space);

	enter_zone(rig, unit->space);
	tables_set(&unit->space->tables, iova, level, entry);
	leave_zone(rig, unit->space);
}

void rig_new_tables(struct rig *rig, struct rig_space *space)
{
	space->generation++;
	space->table_next = space->zone[space->generation % 2];
	enter_zone(rig, space);
	tables_init(&space->tables, &rig->guest, LEVEL, rig->lowest, rig->highest);
	leave_zone(rig, space);
	for (unsigned int u = 0; u < rig->units; u++) {
		struct rig_unit *unit = &rig->unit[u];

		if (unit->space != space)
			continue;
		for (unsigned int i = 0; i < DMA_PAGES; i++)
			rig_map(unit, unit->pages[i].iova, 1, rig_driver_gpa(u, i), VIOMMU_RW);
		rig_map(unit, unit->staging_iova, 1, rig_driver_gpa(u, RIG_STAGING), VIOMMU_RW);
	}
}

static void model_now(struct rig *rig, struct rig_space *space, uint64_t first, uint64_t last)
{
	struct model_found found;
	uint64_t established, released;

	model_find(&rig->guest.memory, &space->naive, first, last, &ample, &found);
	if (found.too_large || found.faulty)
		rig_fail(rig, "the test's own tables are wrong");
	model_apply(&space->model, first, last, &found.list, &established, &released);
	model_found_free(&found);
}

static enum rig_answer judge(struct rig *rig, const struct viommu_zpci_answer *answer)
{
	if (rig->events)
		rig_fail(rig, "there was an error event");
	if (!answer->exception && answer->cc == 0)
		return RIG_DONE;
	if (!answer->exception && answer->cc == 1 && answer->status == VIOMMU_ZPCI_ST_INSUF_RES)
		return RIG_SHORT;
	rig_fail(rig, "exception %#" PRIx32 ", condition code %u, status %u", answer->exception, answer->cc, answer->status);
}

static enum rig_answer judge_error(struct rig *rig, int error)
{
	if (error && error != -ENOSPC)
		rig_fail(rig, "%s", strerror(-error));
	return error ? RIG_SHORT : RIG_DONE;
}

enum rig_answer rig_refresh_any(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last)
{
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	enum rig_answer result;

	if (unit->space->domain) {
		result = judge_error(rig, viommu_domain_refresh(unit->space->domain, first, last, NULL));
	} else {
		int error = viommu_zpci_rpcit(rig->zpci, (uint64_t)unit->fh << 32, first, last - first + 1, &answer);

		if (error)
			rig_fail(rig, "RPCIT: %s", strerror(-error));
		result = judge(rig, &answer);
	}
	if (result == RIG_DONE && model_clip(unit->space->naive.pba, unit->space->naive.pal, &first, &last))
		model_now(rig, unit->space, first, last);
	return result;
}

void rig_refresh(struct rig *rig, struct rig_unit *unit, uint64_t first, uint64_t last)
{
	if (rig_refresh_any(rig, unit, first, last) != RIG_DONE)
		rig_fail(rig, "refresh of %#" PRIx64 " to %#" PRIx64 ": insufficient resources", first, last);
}

static struct viommu_zpci_answer mpcifc(struct rig *rig, struct rig_unit *unit, uint8_t operation)
{
	const struct viommu_zpci_ioat ioat = tables_ioat(&unit->space->tables);
	const struct viommu_zpci_fib fib = { .pba = ioat.pba, .pal = ioat.pal, .iota = ioat.iota };
	struct viommu_zpci_answer answer = { .size = sizeof(answer) };
	int error = viommu_zpci_mpcifc(rig->zpci, (uint64_t)unit->fh << 32 | operation, &fib, &answer);

	if (error)
		rig_fail(rig, "MPCIFC: %s", strerror(-error));
	return answer;
}

static void attach(struct rig *rig, struct rig_unit *unit)
{
	int error = viommu_domain_attach(unit->space->domain, unit->device, VIOMMU_NO_PASID);

	if (error)
		rig_fail(rig, "attaching %s: %s", unit->address, strerror(-error));
	unit->attached = true;
}

static enum rig_answer domain_up(struct rig *rig, struct rig_space *space)
{
	const struct viommu_zpci_ioat ioat = tables_ioat(&space->tables);
	enum rig_answer result = judge_error(rig, viommu_domain_create(rig->guest.vm, rig->host, VIOMMU_DOMAIN_ZPCI, &ioat, NULL, &space->domain));

	for (unsigned int u = 0; result == RIG_DONE && u < rig->units; u++)
		attach(rig, &rig->unit[u]);
	return result;
}

void rig_space_known(struct rig *rig, struct rig_space *space, bool registered)
{
	model_list_free(&space->model);
	space->registered = registered;
	space->naive = tables_naive(&space->tables);
	if (registered)
		model_now(rig, space, rig->lowest, rig->highest);
	if (!rig->config->shared)
		rig->unit[space - rig->space].attached = registered;
}

enum rig_answer rig_register_any(struct rig *rig, struct rig_unit *unit)
{
	struct rig_space *space = unit->space;
	enum rig_answer result;

	if (rig->config->shared) {
		result = domain_up(rig, space);
	} else {
		const struct viommu_zpci_answer answer = mpcifc(rig, unit, VIOMMU_ZPCI_OC_REG_IOAT);

		result = judge(rig, &answer);
	}
	rig_space_known(rig, space, result == RIG_DONE);
	return result;
}

void rig_register(struct rig *rig, struct rig_unit *unit)
{
	if (rig_register_any(rig, unit) != RIG_DONE)
		rig_fail(rig, "registration: insufficient resources");
}

void rig_deregister(struct rig *rig, struct rig_unit *unit)
{
	struct rig_space *space = unit->space;

	if (rig->config->shared) {
		viommu_domain_destroy(space->domain);
		space->domain = NULL;
		for (unsigned int u = 0; u < rig->units; u++)
			rig->unit[u].attached = false;
	} else {
		const struct viommu_zpci_answer answer = mpcifc(rig, unit, VIOMMU_ZPCI_OC_DEREG_IOAT);

		if (judge(rig, &answer) != RIG_DONE)
			rig_fail(rig, "deregistration: insufficient resources");
	}
	rig_space_known(rig, space, false);
}

void rig_reregister(struct rig *rig, struct rig_unit *unit)
{
	if (rig->config->shared) {
		rig_deregister(rig, unit);
		rig_register(rig, unit);
	} else {
		const struct viommu_zpci_answer answer = mpcifc(rig, unit, VIOMMU_ZPCI_OC_REREG_IOAT);

		if (judge(rig, &answer) != RIG_DONE)
			rig_fail(rig, "registering anew: insufficient resources");
		rig_space_known(rig, unit->space, true);
	}
}
