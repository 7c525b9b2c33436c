/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "host_conformance.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "port/port.h"

#define PAGE VIOMMU_PAGE_SIZE
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

/* What the suite is run on, and the memory that it maps: one for all tests. */
static const struct conformance_subject *subject;
static unsigned char *arena;
static int arena_fd = -1;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
	struct counted_memory *counted = (struct counted_memory *)ctx;

	if (!counted->fail_after)
		return NULL;
	if (counted->fail_after != UINT64_MAX)
		counted->fail_after--;
	counted->allocations++;
	counted->pieces++;
	counted->bytes += bytes;
	return port_alloc(bytes, align);
}

static void counted_free(void *ctx, void *memory, size_t bytes, size_t align)
{
	struct counted_memory *counted = (struct counted_memory *)ctx;

	assert_true(counted->pieces > 0 && counted->bytes >= bytes);
	counted->pieces--;
	counted->bytes -= bytes;
	port_free(memory, bytes, align);
}

void counted_memory_init(struct counted_memory *counted)
{
	memset(counted, 0, sizeof(*counted));
	counted->memory.ctx = counted;
	counted->memory.alloc = counted_alloc;
	counted->memory.free = counted_free;
	counted->fail_after = UINT64_MAX;
}

/* A host, a space over all of its aperture, and a place in it, aligned to 1 GiB, with nothing near. */
struct fixture {
	struct viommu_host *host;
	const struct host_ops *ops;
	struct host_space *space;
	struct counted_memory memory;
	uint64_t place;
};

static int fixture_setup(void **state)
{
	struct fixture *f = (struct fixture *)calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(subject->create(&f->host), 0);
	f->ops = f->host->ops;
	counted_memory_init(&f->memory);
	assert_int_equal(f->ops->space_create(f->host, f->host->caps.first, f->host->caps.last, &f->memory.memory, &f->space), 0);
	f->place = (f->host->caps.first + 8 * GIB) & ~(GIB - 1);
	*state = f;
	return 0;
}

/* Whatever a test left mapped goes with the space, and so does all of its memory. */
static int fixture_teardown(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	f->ops->space_destroy(f->space);
	assert_int_equal(f->memory.pieces, 0);
	assert_int_equal(f->memory.bytes, 0);
	viommu_host_destroy(f->host);
	free(f);
	return 0;
}

static int map(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	struct host_mapping mapping = { .first = first, .last = first + (bytes - 1), .hva = arena + offset, .offset = offset, .prot = prot, .fd = arena_fd };

	assert_true(offset + bytes <= subject->arena_bytes);
	return f->ops->map(f->space, &mapping);
}

static void remove_and_flush(struct fixture *f, uint64_t first, uint64_t bytes)
{
	assert_int_equal(f->ops->unmap(f->space, first, first + (bytes - 1)), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
}

/* What is at an IOVA: the offset in the arena of the byte that it translates to, and the rights; -1 if nothing is. */
static int64_t at(struct fixture *f, uint64_t iova, uint32_t *prot)
{
	unsigned char *hva;

	if (subject->probe) {
		int error = subject->probe(f->space, iova, &hva, prot);

		assert_true(!error || error == -ENOENT);
		if (error)
			return -1;
	} else {
		struct host_mapping mapping;
		uint64_t generation = UINT64_MAX;
		int error;

		memset(&mapping, 0x55, sizeof(mapping));
		error = f->ops->lookup(f->space, iova, &mapping, &generation);
		assert_true(!error || error == -ENOENT);
		assert_true(generation == f->space->generation);
		if (error)
			return -1;
		assert_true(mapping.first <= iova && iova <= mapping.last);
		assert_true(mapping.first % PAGE == 0 && mapping.last % PAGE == PAGE - 1);
		assert_true(mapping.fd == -1 || mapping.fd == arena_fd);
		hva = mapping.hva + (iova - mapping.first);
		*prot = mapping.prot;
	}
	assert_true(hva >= arena && hva < arena + subject->arena_bytes);
	return hva - arena;
}

static void assert_nothing(struct fixture *f, uint64_t iova)
{
	uint32_t prot;

	if (at(f, iova, &prot) != -1)
		fail_msg("IOVA %#llx is mapped", (unsigned long long)iova);
}

static void assert_at(struct fixture *f, uint64_t iova, uint64_t offset, uint32_t prot)
{
	uint32_t found_prot = 0;
	int64_t found = at(f, iova, &found_prot);

	if (found != (int64_t)offset || found_prot != prot)
		fail_msg("IOVA %#llx: at %lld, rights %u; not at %lld, rights %u", (unsigned long long)iova, (long long)found, found_prot, (long long)offset,
			 prot);
}

/* A range as map was given it: each page of a small one, of a large one those beside every 2 MiB boundary. */
static void assert_range(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	for (uint64_t done = 0; done < bytes; done += PAGE) {
		uint64_t in = (first + done) % (2 * MIB);

		if (bytes > 8 * MIB && done && done != bytes - PAGE && in && in != 2 * MIB - PAGE)
			continue;
		assert_at(f, first + done, offset + done, prot);
		assert_at(f, first + done + PAGE - 1, offset + done + PAGE - 1, prot);
	}
}

static void assert_range_nothing(struct fixture *f, uint64_t first, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes; done += PAGE) {
		uint64_t in = (first + done) % (2 * MIB);

		if (bytes > 8 * MIB && done && done != bytes - PAGE && in && in != 2 * MIB - PAGE)
			continue;
		assert_nothing(f, first + done);
	}
}

static bool giant(void)
{
	return subject->arena_bytes >= 3 * GIB;
}

/* Shapes of mappings: IOVA relative to the place, offset in the arena, length. Aligned and not, alike and not, across boundaries of each page size. */
struct shape {
	uint64_t iova, offset, bytes;
};
static const struct shape shapes[] = {
	{ 0, 0, PAGE },
	{ 5 * PAGE, 3 * PAGE, 16 * PAGE },
	{ 0, 0, 2 * MIB },
	{ 0, PAGE, 2 * MIB },
	{ 3 * PAGE, 0, 4 * MIB },
	{ 0, 2 * MIB, 2 * MIB - PAGE },
	{ 0, 0, 2 * MIB + PAGE },
	{ 2 * MIB - PAGE, 4 * MIB - PAGE, 4 * MIB + 2 * PAGE },
	{ GIB - 2 * MIB - 3 * PAGE, 2 * MIB - 3 * PAGE, 5 * MIB },
	{ GIB - 3 * PAGE, 7 * PAGE, 9 * MIB },
	{ 0, 0, GIB },
	{ GIB - 2 * MIB, GIB - 2 * MIB, GIB + 4 * MIB },
	{ GIB - PAGE, GIB - PAGE, GIB + 2 * PAGE },
	{ 0, 2 * MIB, GIB + 2 * MIB },
	{ 0, GIB, 2 * GIB },
};

static bool usable(const struct shape *shape)
{
	return shape->offset + shape->bytes <= subject->arena_bytes;
}

#define EACH_SHAPE(s) for (const struct shape *s = shapes; s < shapes + sizeof(shapes) / sizeof(shapes[0]); s++)

static void capabilities(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct viommu_host_caps caps;

	memset(&caps, 0x55, sizeof(caps));
	caps.size = sizeof(caps);
	viommu_host_caps(f->host, &caps);
	assert_int_equal(caps.size, sizeof(caps));
	assert_string_equal(caps.name, f->host->caps.name);
	assert_true(caps.name[0] && memchr(caps.name, 0, sizeof(caps.name)));
	assert_true(caps.page_sizes & PAGE);
	assert_true(caps.first < caps.last && caps.first % PAGE == 0 && caps.last % PAGE == PAGE - 1);
	assert_true(caps.entry_limit > 0);
	assert_true(caps.lookup == (f->ops->lookup != NULL));
	assert_true(caps.lookup || subject->probe);

	/* A caller that knows less gets less. */
	memset(&caps, 0x55, sizeof(caps));
	caps.size = offsetof(struct viommu_host_caps, page_sizes);
	viommu_host_caps(f->host, &caps);
	assert_true(caps.page_sizes == UINT64_C(0x5555555555555555));
	assert_int_equal(caps.size, offsetof(struct viommu_host_caps, page_sizes));
	assert_string_equal(caps.name, f->host->caps.name);
}

static void empty_space(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t first = f->host->caps.first, last = f->host->caps.last;

	assert_nothing(f, first);
	assert_nothing(f, f->place);
	assert_nothing(f, last);
	/* To remove what is not there is no error, and changes no generation. */
	assert_int_equal(f->ops->unmap(f->space, first, last), 0);
	assert_int_equal(f->ops->unmap(f->space, f->place, f->place + PAGE - 1), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_int_equal(f->space->generation, 0);
}

static void ends_of_the_aperture(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t first = f->host->caps.first, last = f->host->caps.last;

	assert_int_equal(map(f, first, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(map(f, last - (PAGE - 1), PAGE, PAGE, VIOMMU_READ), 0);
	assert_range(f, first, PAGE, 0, VIOMMU_RW);
	assert_range(f, last - (PAGE - 1), PAGE, PAGE, VIOMMU_READ);
	assert_nothing(f, first + PAGE);
	assert_nothing(f, last - PAGE);
	assert_int_equal(f->ops->unmap(f->space, first, last), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_nothing(f, first);
	assert_nothing(f, last);
}

static void map_and_unmap_whole(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	EACH_SHAPE(s)
	{
		uint64_t first = f->place + s->iova;
		uint32_t prot = s->iova ? VIOMMU_READ : VIOMMU_RW;

		if (!usable(s))
			continue;
		assert_int_equal(map(f, first, s->bytes, s->offset, prot), 0);
		assert_range(f, first, s->bytes, s->offset, prot);
		assert_nothing(f, first - 1);
		assert_nothing(f, first + s->bytes);
		remove_and_flush(f, first, s->bytes);
		assert_range_nothing(f, first, s->bytes);
	}
}

/* Neighbours in IOVA, and the same memory twice, are each their own. */
static void neighbours(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(map(f, f->place + PAGE, 3 * PAGE, PAGE, VIOMMU_READ), 0);
	assert_int_equal(map(f, f->place + 4 * PAGE, PAGE, 0, VIOMMU_READ), 0);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_range(f, f->place + PAGE, 3 * PAGE, PAGE, VIOMMU_READ);
	assert_range(f, f->place + 4 * PAGE, PAGE, 0, VIOMMU_READ);
	remove_and_flush(f, f->place + PAGE, 3 * PAGE);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_range_nothing(f, f->place + PAGE, 3 * PAGE);
	assert_range(f, f->place + 4 * PAGE, PAGE, 0, VIOMMU_READ);
}

/* Any part of any shape: a page at, before and after each end and each boundary, what is before it, what is after it, and all but the ends. */
static void unmap_part(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	if (!f->host->caps.split)
		skip();
	EACH_SHAPE(s)
	{
		const uint64_t cuts[] = { 0, PAGE, 2 * MIB - PAGE, 2 * MIB, s->bytes / 2 / PAGE * PAGE, s->bytes - PAGE };
		uint64_t place = f->place + s->iova;

		for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) && usable(s); i++)
			for (unsigned int kind = 0; kind < 4; kind++) {
				uint64_t first, bytes;

				if (cuts[i] >= s->bytes)
					continue;
				first = kind == 0 || kind == 2 ? cuts[i] : kind == 1 ? 0 : PAGE;
				bytes = kind == 0 ? PAGE : kind == 1 ? cuts[i] : s->bytes - first;
				if (kind == 3)
					bytes = s->bytes < 3 * PAGE ? 0 : s->bytes - 2 * PAGE;
				if (!bytes)
					continue;
				assert_int_equal(map(f, place, s->bytes, s->offset, VIOMMU_RW), 0);
				/* Large leaves are taken apart for this without any memory. */
				f->memory.fail_after = 0;
				remove_and_flush(f, place + first, bytes);
				assert_range_nothing(f, place + first, bytes);
				assert_range(f, place, first, s->offset, VIOMMU_RW);
				assert_range(f, place + first + bytes, s->bytes - first - bytes, s->offset + first + bytes, VIOMMU_RW);
				f->memory.fail_after = UINT64_MAX;
				remove_and_flush(f, place, s->bytes);
				assert_range_nothing(f, place, s->bytes);
			}
	}
}

/* A large mapping is removed page by page in an order that never leaves it whole, without memory. */
static void unmap_every_page(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const uint64_t bytes = 8 * MIB, pages = bytes / PAGE;

	if (!f->host->caps.split)
		skip();
	assert_int_equal(map(f, f->place, bytes, 0, VIOMMU_RW), 0);
	f->memory.fail_after = 0;
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t page = i * 769 % pages;

		assert_at(f, f->place + page * PAGE, page * PAGE, VIOMMU_RW);
		remove_and_flush(f, f->place + page * PAGE, PAGE);
		assert_nothing(f, f->place + page * PAGE);
	}
}

/* Far apart, and removed by one call. */
static void sparse(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t first = f->host->caps.first, last = f->host->caps.last, step = (last - first) / 300 / PAGE * PAGE;

	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(map(f, first + i * step, PAGE, i * PAGE, VIOMMU_RW), 0);
	for (uint64_t i = 0; i < 300; i++)
		assert_range(f, first + i * step, PAGE, i * PAGE, VIOMMU_RW);
	/* All but the first and the last. */
	assert_int_equal(f->ops->unmap(f->space, first + PAGE, first + 299 * step - 1), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	for (uint64_t i = 0; i < 300; i++) {
		if (i == 0 || i == 299)
			assert_range(f, first + i * step, PAGE, i * PAGE, VIOMMU_RW);
		else
			assert_nothing(f, first + i * step);
	}
}

/* map never replaces. */
static void map_over(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const uint64_t where = 4 * MIB + 5 * PAGE;

	assert_int_equal(map(f, f->place + where, PAGE, where, VIOMMU_READ), 0);
	EACH_SHAPE(s)
	{
		if (!usable(s) || s->iova > where || s->iova + s->bytes <= where)
			continue;
		assert_true(map(f, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW) < 0);
		assert_range(f, f->place + where, PAGE, where, VIOMMU_READ);
		assert_range_nothing(f, f->place + s->iova, where - s->iova);
		assert_range_nothing(f, f->place + where + PAGE, s->iova + s->bytes - where - PAGE);
	}
	remove_and_flush(f, f->place + where, PAGE);
	/* Under a page of every size. */
	EACH_SHAPE(s)
	{
		if (!usable(s))
			continue;
		assert_int_equal(map(f, f->place + s->iova, s->bytes, s->offset, VIOMMU_READ), 0);
		assert_true(map(f, f->place + s->iova, PAGE, 0, VIOMMU_RW) < 0);
		assert_true(map(f, f->place + s->iova + s->bytes - PAGE, 2 * PAGE, 0, VIOMMU_RW) < 0);
		assert_range(f, f->place + s->iova, s->bytes, s->offset, VIOMMU_READ);
		assert_nothing(f, f->place + s->iova + s->bytes);
		remove_and_flush(f, f->place + s->iova, s->bytes);
	}
}

/* Without memory at the first, the second, ... allocation: nothing is mapped, nothing is lost, and what is there stays. */
static void all_or_nothing(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t last = f->host->caps.last - (PAGE - 1);

	EACH_SHAPE(s)
	{
		struct counted_memory memory;
		struct host_space *space;
		uint64_t fail_after, bytes;
		int error = -1;

		if (!usable(s))
			continue;
		for (fail_after = 0; error; fail_after += fail_after < 40 ? 1 : 97) {
			struct fixture g = *f;

			counted_memory_init(&memory);
			assert_int_equal(f->ops->space_create(f->host, f->host->caps.first, f->host->caps.last, &memory.memory, &space), 0);
			g.space = space;
			assert_int_equal(map(&g, last, PAGE, PAGE, VIOMMU_READ), 0);
			bytes = memory.bytes;
			memory.fail_after = fail_after;
			error = map(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW);
			assert_range(&g, last, PAGE, PAGE, VIOMMU_READ);
			if (error) {
				assert_int_equal(error, -ENOMEM);
				assert_range_nothing(&g, f->place + s->iova, s->bytes);
				assert_int_equal(memory.bytes, bytes);
				assert_int_equal(g.space->generation, 0);
				/* With memory, the same succeeds. */
				memory.fail_after = UINT64_MAX;
				assert_int_equal(map(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW), 0);
			}
			assert_range(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW);
			f->ops->space_destroy(space);
			assert_int_equal(memory.pieces, 0);
		}
	}
}

static void create_without_memory(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	int error = -1;

	for (uint64_t fail_after = 0; error; fail_after++) {
		struct counted_memory memory;
		struct host_space *space;

		counted_memory_init(&memory);
		memory.fail_after = fail_after;
		error = f->ops->space_create(f->host, f->host->caps.first, f->host->caps.last, &memory.memory, &space);
		assert_true(!error || error == -ENOMEM);
		if (!error)
			f->ops->space_destroy(space);
		assert_int_equal(memory.pieces, 0);
	}
}

/* The generation changes at a flush that has something removed before it, and nowhere else. */
static void generations(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t before = f->space->generation;

	assert_int_equal(map(f, f->place, 4 * PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_int_equal(f->space->generation, before);
	assert_int_equal(f->ops->unmap(f->space, f->place + 4 * PAGE, f->place + 8 * PAGE - 1), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_int_equal(f->space->generation, before);

	assert_int_equal(f->ops->unmap(f->space, f->place, f->place + 4 * PAGE - 1), 0);
	assert_int_equal(f->space->generation, before);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_true(f->space->generation > before);
	before = f->space->generation;
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_int_equal(f->space->generation, before);
}

/* What was done before is done again without an allocation. */
static void steady_state(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t allocations = 0;

	for (unsigned int round = 0; round < 20; round++) {
		EACH_SHAPE(s)
		{
			uint64_t first = f->place + s->iova;

			if (!usable(s))
				continue;
			assert_int_equal(map(f, first, s->bytes, s->offset, VIOMMU_RW), 0);
			if (f->host->caps.split)
				remove_and_flush(f, first + s->bytes / 2 / PAGE * PAGE, PAGE);
			remove_and_flush(f, first, s->bytes);
		}
		if (round == 0)
			allocations = f->memory.allocations;
		assert_int_equal(f->memory.allocations, allocations);
	}
}

static void devices(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct host_device *one, *two;

	assert_int_equal(f->ops->device_create(f->host, &one), 0);
	assert_int_equal(f->ops->device_create(f->host, &two), 0);
	assert_ptr_equal(one->host, f->host);
	assert_int_equal(f->ops->attach(f->space, one), 0);
	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(f->ops->attach(f->space, two), 0);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_int_equal(f->ops->detach(f->space, one), 0);
	assert_int_equal(f->ops->attach(f->space, one), 0);
	assert_int_equal(f->ops->detach(f->space, two), 0);
	assert_int_equal(f->ops->detach(f->space, one), 0);
	f->ops->device_destroy(two);
	f->ops->device_destroy(one);
}

/* Spaces of one host know nothing of each other. */
static void two_spaces(void **state)
{
	struct fixture *f = (struct fixture *)*state, g = *f;

	counted_memory_init(&g.memory);
	assert_int_equal(f->ops->space_create(f->host, f->place, f->place + GIB - 1, &g.memory.memory, &g.space), 0);
	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(map(&g, f->place, PAGE, PAGE, VIOMMU_READ), 0);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_range(&g, f->place, PAGE, PAGE, VIOMMU_READ);
	remove_and_flush(&g, f->place, PAGE);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_nothing(&g, f->place);
	/* The end of its own aperture, and what lies beyond. */
	assert_int_equal(map(&g, f->place + GIB - PAGE, PAGE, PAGE, VIOMMU_READ), 0);
	assert_true(map(&g, f->place + GIB, PAGE, PAGE, VIOMMU_READ) < 0);
	assert_true(map(&g, f->place + GIB - PAGE, 2 * PAGE, PAGE, VIOMMU_READ) < 0);
	assert_nothing(&g, f->place + GIB);
	assert_nothing(&g, f->host->caps.last);
	f->ops->space_destroy(g.space);
	assert_int_equal(g.memory.pieces, 0);
}

/* The model: what each unit of a window translates to, and which call of map made it so. A unit is one page, or more. */
enum { MODEL_UNITS = 1536 };

struct model {
	uint64_t unit;
	uint64_t first;
	int64_t offset[MODEL_UNITS]; /* -1: nothing */
	uint32_t prot[MODEL_UNITS];
	unsigned int made_by[MODEL_UNITS];
	bool removed; /* something was, since the last flush */
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

static void model_map(struct fixture *f, struct model *model, unsigned int first, unsigned int last, unsigned int call, uint64_t *seed)
{
	uint64_t bytes = (last - first + 1) * model->unit, units = (subject->arena_bytes - bytes) / model->unit + 1;
	uint32_t prot = random_below(seed, 3) ? VIOMMU_RW : VIOMMU_READ;
	uint64_t offset = random_below(seed, units);
	int expected = 0, error;

	/* Mostly such that IOVA and memory are aligned alike, so that large pages can be used. */
	if (random_below(seed, 4) && first < units)
		offset = first;
	offset *= model->unit;
	for (unsigned int i = first; i <= last; i++)
		if (model->offset[i] >= 0)
			expected = -1;
	/* Where memory was removed and not flushed the core does not map yet. */
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
	/* A host that cannot split is given whole mappings. */
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
		/* Lengths of all magnitudes; often whole large pages. */
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
		if (!model.removed && call % 64 == 0)
			model_check(f, &model, 0, MODEL_UNITS - 1);
		else if (!model.removed)
			model_check(f, &model, first, last);
	}
}

static void random_pages(void **state)
{
	random_operations((struct fixture *)*state, PAGE, 20260715, 6000);
}

static void random_large_pages(void **state)
{
	if (!giant())
		skip();
	random_operations((struct fixture *)*state, 2 * MIB, 8715, 1500);
}

static int arena_setup(void **state)
{
	uint64_t bytes = subject->arena_bytes, align = giant() ? GIB : 2 * MIB;
	unsigned char *reserved;

	(void)state;
	arena_fd = memfd_create("arena", MFD_CLOEXEC);
	if (arena_fd < 0 || ftruncate(arena_fd, (off_t)bytes))
		return -1;
	/* Aligned like the place in the space, so that large pages can be used. */
	reserved = (unsigned char *)mmap(NULL, (size_t)(bytes + align), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return -1;
	arena = reserved + (align - (uintptr_t)reserved % align) % align;
	if (mmap(arena, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, arena_fd, 0) == MAP_FAILED)
		return -1;
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int host_conformance(const struct conformance_subject *on)
{
	const struct CMUnitTest tests[] = {
		TEST(capabilities),
		TEST(empty_space),
		TEST(ends_of_the_aperture),
		TEST(map_and_unmap_whole),
		TEST(neighbours),
		TEST(unmap_part),
		TEST(unmap_every_page),
		TEST(sparse),
		TEST(map_over),
		TEST(all_or_nothing),
		TEST(create_without_memory),
		TEST(generations),
		TEST(steady_state),
		TEST(devices),
		TEST(two_spaces),
		TEST(random_pages),
		TEST(random_large_pages),
	};

	subject = on;
	return cmocka_run_group_tests_name(on->name, tests, arena_setup, NULL);
}
