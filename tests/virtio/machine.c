/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random requests on two hosts that remove whole mappings only, compared with a model of virtio
 * 1.3, section 5.13, that keeps lists. After each request, each endpoint reaches in its host the
 * pages of the model, and the pinned pages are those that the model names.
 *
 * Hosts and allocations fail in some runs. A request may then be refused, or an endpoint may have
 * no translation until its next access. It never reaches more than in the model, and an UNMAP or a
 * DETACH always succeeds.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/device.h"
#include "guest_machine.h"

#define DOMAINS	  4u
#define ENDPOINTS 4u
#define IOVAS	  48u /* pages */
#define GPA_PAGES (RAM_BYTES / PAGE)
#define LISTED	  IOVAS

struct mapping {
	uint64_t first, last, gpa; /* pages */
	uint32_t prot;
};

struct model {
	struct {
		bool exists, bypass;
		unsigned int mappings;
		struct mapping mapping[LISTED];
	} domain[DOMAINS];
	unsigned int of[ENDPOINTS]; /* DOMAINS: none */
	bool bypass;
};

struct run {
	struct guest_run base;
	struct rig rig;
	struct viommu_virtio_endpoint *endpoint[ENDPOINTS];
	struct model model;
	bool no_rom;
};

static void model_leave(struct model *model, unsigned int endpoint)
{
	unsigned int domain = model->of[endpoint];

	model->of[endpoint] = DOMAINS;
	for (unsigned int i = 0; i < ENDPOINTS; i++)
		if (model->of[i] == domain)
			return;
	if (domain < DOMAINS)
		memset(&model->domain[domain], 0, sizeof(model->domain[domain]));
}

static unsigned int model_attach(struct model *model, unsigned int domain, unsigned int endpoint, bool bypass)
{
	if (model->domain[domain].exists && model->domain[domain].bypass != bypass)
		return INVAL;
	if (model->of[endpoint] == domain)
		return OK;
	model_leave(model, endpoint);
	model->of[endpoint] = domain;
	model->domain[domain].exists = true;
	model->domain[domain].bypass = bypass;
	return OK;
}

static unsigned int model_detach(struct model *model, unsigned int domain, unsigned int endpoint)
{
	if (model->of[endpoint] != domain)
		return INVAL;
	model_leave(model, endpoint);
	return OK;
}

static unsigned int model_map(struct model *model, unsigned int domain, const struct mapping *mapping)
{
	struct mapping *list = model->domain[domain].mapping;

	if (!model->domain[domain].exists)
		return NOENT;
	if (model->domain[domain].bypass)
		return INVAL;
	for (unsigned int i = 0; i < model->domain[domain].mappings; i++)
		if (list[i].first <= mapping->last && list[i].last >= mapping->first)
			return INVAL;
	list[model->domain[domain].mappings++] = *mapping;
	return OK;
}

static unsigned int model_unmap(struct model *model, unsigned int domain, uint64_t first, uint64_t last)
{
	struct mapping *list = model->domain[domain].mapping;
	unsigned int left = 0;

	if (!model->domain[domain].exists)
		return NOENT;
	if (model->domain[domain].bypass)
		return INVAL;
	for (unsigned int i = 0; i < model->domain[domain].mappings; i++)
		if (list[i].first <= last && list[i].last >= first && (list[i].first < first || list[i].last > last))
			return RANGE;
	for (unsigned int i = 0; i < model->domain[domain].mappings; i++)
		if (list[i].first > last || list[i].last < first)
			list[left++] = list[i];
	model->domain[domain].mappings = left;
	return OK;
}

/* Whether an endpoint reaches a page, and where. */
static bool model_reach(const struct model *model, unsigned int endpoint, uint64_t iova, uint64_t *gpa, uint32_t *prot)
{
	unsigned int domain = model->of[endpoint];
	bool bypass = domain < DOMAINS ? model->domain[domain].bypass : model->bypass;

	*gpa = iova;
	*prot = VIOMMU_RW;
	if (bypass)
		return iova < GPA_PAGES;
	for (unsigned int i = 0; domain < DOMAINS && i < model->domain[domain].mappings; i++) {
		const struct mapping *at = &model->domain[domain].mapping[i];

		if (at->first <= iova && at->last >= iova) {
			*gpa = at->gpa + (iova - at->first);
			*prot = at->prot;
			return *gpa < GPA_PAGES;
		}
	}
	return false;
}

static uint64_t model_pinned(const struct model *model, bool rom)
{
	static bool pinned[GPA_PAGES];
	uint64_t number = 0;

	memset(pinned, 0, sizeof(pinned));
	for (unsigned int i = 0; i < ENDPOINTS; i++)
		if (model->of[i] < DOMAINS ? model->domain[model->of[i]].bypass : model->bypass)
			return GPA_PAGES + (rom ? ROM_BYTES / PAGE : 0);
	for (unsigned int d = 0; d < DOMAINS; d++)
		for (unsigned int i = 0; i < model->domain[d].mappings; i++)
			for (uint64_t page = 0; page <= model->domain[d].mapping[i].last - model->domain[d].mapping[i].first; page++)
				if (model->domain[d].mapping[i].gpa + page < GPA_PAGES)
					pinned[model->domain[d].mapping[i].gpa + page] = true;
	for (uint64_t page = 0; page < GPA_PAGES; page++)
		number += pinned[page];
	return number;
}

static void check(struct run *run)
{
	for (unsigned int e = 0; e < ENDPOINTS; e++) {
		struct mock_host *host = run->base.host[e % GUEST_HOSTS];
		const struct mock_device *device = (const struct mock_device *)(void *)viommu_virtio_endpoint_device(run->endpoint[e])->host_device;

		for (uint64_t iova = 0; iova < IOVAS; iova++) {
			uint64_t gpa;
			uint32_t prot, actual = 0;
			unsigned char *hva = NULL;
			bool expected = model_reach(&run->model, e, iova, &gpa, &prot);
			bool reached = device->space && mock_reach(host, device->space, iova * PAGE, &hva, &actual);

			guest_seen.reached += reached;
			guest_seen.refused += !reached;
			if (reached || !run->base.failing)
				assert_int_equal(reached, expected);
			if (reached) {
				assert_ptr_equal(hva, run->rig.ram + gpa * PAGE);
				assert_int_equal(actual, prot);
			}
		}
	}
	if (!run->base.failing)
		assert_int_equal(rig_pinned(&run->rig), model_pinned(&run->model, !run->no_rom));
}

/* All works again; the next accesses find what was missing. */
static void recover(struct run *run)
{
	const struct viommu_fault access = { .reason = VIOMMU_FAULT_BLOCKED, .access = VIOMMU_READ, .iova = UINT64_C(0xfffffffff000) };
	for (unsigned int e = 0; e < ENDPOINTS; e++)
		(void)viommu_virtio_endpoint_fault(run->endpoint[e], &access);
}

/*
 * Sends a request and models it. A request that is refused after a failure has no effect, except
 * that an endpoint may have lost its domain.
 */
static void request(struct run *run)
{
	unsigned int domain = (unsigned int)below(run, DOMAINS), endpoint = (unsigned int)below(run, ENDPOINTS), status, expected;
	struct model before = run->model;
	bool may_fail = true, attach = false;
	uint64_t first = below(run, IOVAS), last = first + below(run, 6);
	struct mapping mapping = { .first = first, .last = last };
	uint8_t value;

	if (last >= IOVAS)
		last = mapping.last = IOVAS - 1;
	switch (below(run, 12)) {
	case 0:
	case 1:
		attach = true;
		expected = below(run, 8) == 0;
		status = rig_attach(&run->rig, domain, endpoint, expected);
		expected = model_attach(&run->model, domain, endpoint, expected);
		break;
	case 2:
		may_fail = false;
		status = rig_detach(&run->rig, domain, endpoint);
		expected = model_detach(&run->model, domain, endpoint);
		break;
	case 3:
	case 4:
	case 5:
		may_fail = false;
		if (below(run, 4) == 0)
			last = IOVAS - 1;
		status = rig_unmap(&run->rig, domain, first * PAGE, last * PAGE + PAGE - 1);
		expected = model_unmap(&run->model, domain, first, last);
		break;
	case 6:
		if (below(run, 4))
			return;
		value = (uint8_t)below(run, 2);
		viommu_virtio_config_write(run->rig.virtio, 36, &value, 1);
		run->model.bypass = value;
		return;
	default:
		/* Around the end of the memory, too. */
		mapping.gpa = below(run, 8) ? below(run, 64) : GPA_PAGES - 3;
		mapping.prot = below(run, 2) ? VIOMMU_RW : VIOMMU_READ;
		status = rig_map(&run->rig, domain, first * PAGE, mapping.last * PAGE + PAGE - 1, mapping.gpa * PAGE,
				 mapping.prot == VIOMMU_RW ? MAP_READ | MAP_WRITE : MAP_READ);
		expected = model_map(&run->model, domain, &mapping);
	}
	if (run->base.failing && may_fail && expected == OK && (status == NOMEM || status == DEVERR || status == INVAL || status == UNSUPP)) {
		run->model = before;
		/* Whether it still has its old domain is unspecified. */
		if (attach && before.of[endpoint] < DOMAINS) {
			(void)rig_detach(&run->rig, before.of[endpoint], endpoint);
			model_leave(&run->model, endpoint);
		}
		return;
	}
	assert_int_equal(status, expected);
}

/* Unplugged, and plugged again. */
static void move(struct run *run)
{
	unsigned int e = (unsigned int)below(run, ENDPOINTS);

	guest_seen.moved++;
	viommu_virtio_endpoint_remove(run->endpoint[e]);
	model_leave(&run->model, e);
	run->endpoint[e] = rig_endpoint(&run->rig, e, &run->base.host[e % GUEST_HOSTS]->host);
}

static void change_slots(struct run *run)
{
	struct viommu_slot slot = VIOMMU_SLOT_INIT;

	slot.prot = VIOMMU_READ;
	slot.gpa = ROM_GPA;
	slot.bytes = ROM_BYTES;
	slot.hva = run->rig.rom;
	if (run->no_rom)
		assert_int_equal(viommu_slot_add(run->rig.vm, &slot), 0);
	else
		assert_int_equal(viommu_slot_remove(run->rig.vm, ROM_GPA), 0);
	run->no_rom = !run->no_rom;
}

static void reset(struct run *run)
{
	bool system = below(run, 2);
	uint8_t value = 0;

	guest_seen.resets++;
	viommu_virtio_reset(run->rig.virtio, system);
	for (unsigned int e = 0; e < ENDPOINTS; e++)
		model_leave(&run->model, e);
	assert_int_equal(viommu_virtio_set_features(run->rig.virtio, ALL_OF_THEM), 0);
	viommu_virtio_config_write(run->rig.virtio, 36, &value, 1);
	run->model.bypass = false;
}

static void step(struct run *run)
{
	switch (below(run, 16)) {
	case 1:
		if (run->base.failing)
			return;
		if (below(run, 8) == 0)
			reset(run);
		else if (below(run, 2))
			move(run);
		else
			change_slots(run);
		return;
	default:
		request(run);
	}
}

static void up(struct run *run)
{
	rig_up(&run->rig);
	for (unsigned int i = 0; i < ENDPOINTS; i++) {
		run->endpoint[i] = rig_endpoint(&run->rig, i, &run->base.host[i % GUEST_HOSTS]->host);
		run->model.of[i] = DOMAINS;
	}
}

static void down(struct run *run)
{
	rig_down(&run->rig);
}

const struct guest_machine guest_machine = {
	.bytes = sizeof(struct run), .steps = 150, .up = up, .step = step, .check = check, .recover = recover, .down = down
};
