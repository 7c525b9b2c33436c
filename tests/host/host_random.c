/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The conformance suite's random operations: maps, unmaps and flushes of all sizes, alignments and
 * overlaps. The model is an array with one element for each page.
 */
#include "host_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * The model: the translation of each unit of a window, and the map call that made it. A unit is one
 * page, or more.
 */
enum { MODEL_UNITS = 1536 };

struct model {
	uint64_t unit;
	uint64_t first;
	int64_t offset[MODEL_UNITS]; /* -1: nothing */
	uint32_t prot[MODEL_UNITS];
	unsigned int made_by[MODEL_UNITS];
	bool removed; /* mapped at some time since the last flush */
};

static uint64_t random_below(uint64_t *seed, uint64_t below)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static void model_check(struct fixture *f, const struct model *model, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last; i++) {
		uint64_t iova = model->first + i * model->unit;
		const uint64_t in[] = { 0, model->unit / 2 / PAGE * PAGE, model->unit - PAGE };

		for (unsigned int j = 0; j < 3; j++) {
			if (model->offset[i] < 0)
				assert_nothing(f, iova + in[j]);
			else
				assert_at(f, iova + in[j], (uint64_t)model->offset[i] + in[j], model->prot[i]);
		}
	}
}

/* The ends of a range, and one place within. */
static void model_check_some(struct fixture *f, const struct model *model, unsigned int first, unsigned int last, uint64_t *seed)
{
	unsigned int any = (unsigned int)random_below(seed, MODEL_UNITS);
	const unsigned int asked[] = { first, last, any };

	for (unsigned int i = 0; !model->removed && i < 3; i++) {
		uint64_t iova = model->first + asked[i] * model->unit;

		if (model->offset[asked[i]] < 0)
			assert_nothing(f, iova);
		else
			assert_at(f, iova, (uint64_t)model->offset[asked[i]], model->prot[asked[i]]);
	}
}

static void model_map(struct fixture *f, struct model *model, unsigned int first, unsigned int last, unsigned int call, uint64_t *seed)
{
	uint64_t bytes = (last - first + 1) * model->unit, units = (arena_bytes() - bytes) / model->unit + 1;
	uint32_t prot = random_below(seed, 3) ? VIOMMU_RW : VIOMMU_READ;
	uint64_t offset = random_below(seed, units);
	int expected = 0, error;

	/* IOVA and memory are mostly aligned alike, so that large pages can be used. */
	if (random_below(seed, 4) && first < units)
		offset = first;
	offset *= model->unit;
	for (unsigned int i = first; i <= last; i++)
		if (model->offset[i] >= 0)
			expected = -1;
	/* The core does not map removed memory again before a flush. */
	if (model->removed) {
		assert_int_equal(f->ops->flush(f->space), 0);
		model->removed = false;
	}
	error = map(f, model->first + first * model->unit, bytes, offset, prot);
	assert_true(expected ? error < 0 : !error);
	for (unsigned int i = first; i <= last && !error; i++) {
		model->offset[i] = (int64_t)(offset + (i - first) * model->unit);
		model->prot[i] = prot;
		model->made_by[i] = call;
	}
}

static void model_unmap(struct fixture *f, struct model *model, unsigned int first, unsigned int last)
{
	/* A host that cannot split gets whole mappings. */
	if (!f->host->caps.split) {
		while (first && model->offset[first] >= 0 && model->made_by[first - 1] == model->made_by[first])
			first--;
		while (last < MODEL_UNITS - 1 && model->offset[last] >= 0 && model->made_by[last + 1] == model->made_by[last])
			last++;
	}
	f->memory.fail_after = 0;
	assert_int_equal(f->ops->unmap(f->space, model->first + first * model->unit, model->first + (last + 1) * model->unit - 1), 0);
	f->memory.fail_after = UINT64_MAX;
	for (unsigned int i = first; i <= last; i++) {
		model->removed |= model->offset[i] >= 0;
		model->offset[i] = -1;
	}
}

static void random_operations(struct fixture *f, uint64_t unit, uint64_t seed, unsigned int operations)
{
	static struct model model;

	memset(&model, 0, sizeof(model));
	model.unit = unit;
	model.first = f->place;
	for (unsigned int i = 0; i < MODEL_UNITS; i++)
		model.offset[i] = -1;
	for (unsigned int call = 1; call <= operations; call++) {
		/* Lengths of all magnitudes, often of whole large pages. */
		unsigned int length = 1 + (unsigned int)random_below(&seed, UINT64_C(1) << random_below(&seed, 10));
		unsigned int first = (unsigned int)random_below(&seed, MODEL_UNITS), last;

		if (random_below(&seed, 4) == 0) {
			first &= ~511u;
			length = random_below(&seed, 2) ? 512 : 513;
		}
		last = first + length - 1 < MODEL_UNITS ? first + length - 1 : MODEL_UNITS - 1;
		switch (random_below(&seed, 8)) {
		case 0:
			assert_int_equal(f->ops->flush(f->space), 0);
			model.removed = false;
			break;
		case 1:
		case 2:
		case 3:
			model_unmap(f, &model, first, last);
			break;
		default:
			model_map(f, &model, first, last, call, &seed);
		}
		if (costly())
			model_check_some(f, &model, first, last, &seed);
		else if (!model.removed && call % 64 == 0)
			model_check(f, &model, 0, MODEL_UNITS - 1);
		else if (!model.removed)
			model_check(f, &model, first, last);
	}
}

void random_pages(void **state)
{
	random_operations((struct fixture *)*state, PAGE, 20260715, costly() ? 80 : 6000);
}

void random_large_pages(void **state)
{
	if (!giant())
		skip();
	random_operations((struct fixture *)*state, 2 * MIB, 8715, 1500);
}
