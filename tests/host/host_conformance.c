/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The conformance suite without its random operations: one test for each promise of host.h. The
 * mappings touch each boundary that a host's table can have, and each allocation fails in turn.
 */
#include "host_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct conformance_subject *subject;

/*
 * Mappings: IOVA relative to the place, offset in the arena, length. Some are aligned, some have
 * IOVA and memory aligned alike, some cross boundaries of each page size.
 */
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
	return shape->offset + shape->bytes <= arena_bytes();
}

#define EACH_SHAPE(s) for (const struct shape *s = shapes; s < shapes + sizeof(shapes) / sizeof(shapes[0]); s++)

static void capabilities(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct viommu_host_caps caps;

	memset(&caps, 0x55, sizeof(caps));
	caps.size = sizeof(caps);
	assert_int_equal(viommu_host_caps(f->host, &caps), 0);
	assert_int_equal(caps.size, sizeof(caps));
	assert_string_equal(caps.name, f->host->caps.name);
	assert_true(caps.name[0] && memchr(caps.name, 0, sizeof(caps.name)));
	assert_true(caps.page_sizes & PAGE);
	assert_true(caps.first < caps.last && caps.first % PAGE == 0 && caps.last % PAGE == PAGE - 1);
	assert_true(caps.entry_limit > 0);
	assert_true(caps.lookup == (f->ops->lookup != NULL));
	assert_true(caps.lookup || subject->probe);

	/* A struct smaller than in the first release is not written. */
	memset(&caps, 0x55, sizeof(caps));
	caps.size = VIOMMU_HOST_CAPS_SIZE_V0 - 1;
	assert_int_equal(viommu_host_caps(f->host, &caps), -EINVAL);
	assert_true(caps.first == UINT64_C(0x5555555555555555));
	assert_int_equal(caps.size, VIOMMU_HOST_CAPS_SIZE_V0 - 1);
}

static void empty_space(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t first = f->host->caps.first, last = f->host->caps.last, before;

	assert_int_equal(f->space->generation, 0);
	assert_nothing(f, first);
	assert_nothing(f, f->place);
	assert_nothing(f, last - (PAGE - 1));
	/* Removing an empty range is no error, and changes no generation. */
	before = f->space->generation;
	assert_int_equal(f->ops->unmap(f->space, first, last), 0);
	assert_int_equal(f->ops->unmap(f->space, f->place, f->place + PAGE - 1), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	assert_int_equal(f->space->generation, before);
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
	assert_nothing(f, last - (PAGE - 1));
}

/* IOVAs in gaps of the aperture, and beyond its end, yield -ENOSPC. IOVAs next to them succeed. */
static void reserved(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const struct viommu_iova_range *usable = f->host->usable;

	if (!usable)
		skip();
	for (size_t i = 0; i < f->host->usable_number; i++) {
		uint64_t last_page = usable[i].last - (PAGE - 1);

		assert_true(i == 0 || usable[i].first > usable[i - 1].last + 1);
		if (usable[i].first) {
			assert_int_equal(map(f, usable[i].first - PAGE, PAGE, 0, VIOMMU_RW), -ENOSPC);
			assert_int_equal(map(f, usable[i].first - PAGE, 2 * PAGE, 0, VIOMMU_RW), -ENOSPC);
		}
		if (usable[i].last < UINT64_MAX) {
			assert_int_equal(map(f, usable[i].last + 1, PAGE, 0, VIOMMU_RW), -ENOSPC);
			assert_int_equal(map(f, last_page, 2 * PAGE, 0, VIOMMU_RW), -ENOSPC);
		}
		assert_int_equal(map(f, usable[i].first, PAGE, 0, VIOMMU_RW), 0);
		assert_int_equal(map(f, last_page, PAGE, PAGE, VIOMMU_READ), 0);
		assert_at(f, usable[i].first, 0, VIOMMU_RW);
		assert_at(f, last_page, PAGE, VIOMMU_READ);
	}
	assert_int_equal(f->host->caps.first, usable[0].first);
	assert_int_equal(f->host->caps.last, usable[f->host->usable_number - 1].last);
}

/*
 * A mapping from each slot into the next, with rights that alternate from page to page around it,
 * and one across all three slots.
 */
static void across_slots(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	const uint64_t edges[] = { 5 * MIB - 3 * PAGE, 11 * MIB + PAGE };

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t iova = f->place + i * 64 * PAGE;

		assert_int_equal(map(f, iova, 4 * PAGE, edges[i] - 2 * PAGE, i ? VIOMMU_READ : VIOMMU_RW), 0);
		assert_int_equal(map(f, iova + 4 * PAGE, PAGE, edges[i], VIOMMU_RW), 0);
		for (unsigned int page = 0; page < 4; page++)
			assert_at(f, iova + page * PAGE, edges[i] + page * PAGE - 2 * PAGE, i ? VIOMMU_READ : VIOMMU_RW);
		/* A map that fails behind a slot's end maps nothing before it. */
		assert_true(map(f, iova - 2 * PAGE, 4 * PAGE, edges[i] - 2 * PAGE, VIOMMU_RW) < 0);
		assert_nothing(f, iova - 2 * PAGE);
		assert_true(map(f, iova - PAGE, 2 * PAGE, edges[i] - PAGE, VIOMMU_RW) < 0);
		assert_nothing(f, iova - PAGE);
		remove_and_flush(f, iova, 4 * PAGE);
		assert_range_nothing(f, iova, 4 * PAGE);
		assert_at(f, iova + 4 * PAGE, edges[i], VIOMMU_RW);
	}
	assert_int_equal(map(f, f->place + 16 * MIB, 12 * MIB, 0, VIOMMU_RW), 0);
	assert_range(f, f->place + 16 * MIB, 12 * MIB, 0, VIOMMU_RW);
	remove_and_flush(f, f->place + 16 * MIB, 12 * MIB);
	assert_range_nothing(f, f->place + 16 * MIB, 12 * MIB);
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

/* Mappings with adjacent IOVAs stay apart, and so do two of the same memory. */
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

/*
 * Removes any part of any mapping: a page at, before and after each end and each boundary; the part
 * before that page; the part after it; everything but the ends.
 */
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
				/* Splitting large leaves for this allocates nothing. */
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

/* Removes a large mapping page by page, in an order that splits it early, without allocating. */
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
	for (uint64_t i = 0; i < 300; i += costly() ? 37 : 1)
		assert_range(f, first + i * step, PAGE, i * PAGE, VIOMMU_RW);
	/* Everything but the first and the last page. */
	assert_int_equal(f->ops->unmap(f->space, first + PAGE, first + 299 * step - 1), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
	for (uint64_t i = 0; i < 300; i += costly() && i != 296 ? 37 : 1) {
		if (i == 0 || i == 299)
			assert_range(f, first + i * step, PAGE, i * PAGE, VIOMMU_RW);
		else
			assert_nothing(f, first + i * step);
	}
}

/* map() never replaces a mapping. */
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
	/* Beneath a page of every size. */
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

/*
 * The first, second, ... allocation fails: nothing is mapped, nothing leaks, and existing mappings
 * stay.
 */
static void all_or_nothing(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	uint64_t last = f->host->caps.last - (PAGE - 1);

	EACH_SHAPE(s)
	{
		struct counted_memory memory;
		struct host_space *space;
		uint64_t fail_after, bytes, generation;
		int error = -1;

		if (!usable(s))
			continue;
		for (fail_after = 0; error; fail_after += fail_after < 40 ? 1 : 97) {
			struct fixture g = *f;

			counted_memory_init(&memory);
			assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, &memory, &space), 0);
			g.space = space;
			assert_int_equal(map(&g, last, PAGE, PAGE, VIOMMU_READ), 0);
			bytes = memory.bytes;
			generation = space->generation;
			memory.fail_after = fail_after;
			error = map(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW);
			memory.fail_after = UINT64_MAX;
			if (error) {
				assert_int_equal(error, -ENOMEM);
				assert_int_equal(memory.bytes, bytes);
				assert_int_equal(g.space->generation, generation);
			}
			assert_range(&g, last, PAGE, PAGE, VIOMMU_READ);
			if (error) {
				assert_range_nothing(&g, f->place + s->iova, s->bytes);
				/* With memory, the same operation succeeds. */
				assert_int_equal(map(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW), 0);
			}
			assert_range(&g, f->place + s->iova, s->bytes, s->offset, VIOMMU_RW);
			close_space(f, space);
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
		error = open_space(f, f->host->caps.first, f->host->caps.last, &memory, &space);
		assert_true(!error || error == -ENOMEM);
		if (!error)
			close_space(f, space);
		assert_int_equal(memory.pieces, 0);
	}
}

/* The generation changes only at a flush after a removal. */
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

/* Repeated operations allocate nothing. */
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

/*
 * Devices come and go. Mappings from before an attach are effective after it. A detached device
 * reaches nothing.
 */
static void devices(void **state)
{
	struct fixture *f = (struct fixture *)*state;
	struct host_device *two = NULL;

	assert_ptr_equal(f->device->host, f->host);
	if (subject->device)
		assert_int_equal(f->ops->device_create(f->host, f->guest, subject->device, &two), -EEXIST);
	detach_from_all(f);
	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	attach_here(f);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	if (subject->any_device || subject->second_device) {
		assert_int_equal(f->ops->device_create(f->host, f->guest, subject->second_device, &two), 0);
		assert_int_equal(f->ops->attach(f->space, two, VIOMMU_NO_PASID), 0);
		assert_int_equal(map(f, f->place + PAGE, PAGE, PAGE, VIOMMU_RW), 0);
		assert_range(f, f->place, 2 * PAGE, 0, VIOMMU_RW);
	}
	detach_from_all(f);
	attach_here(f);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	if (two) {
		assert_int_equal(f->ops->detach(f->space, two, VIOMMU_NO_PASID), 0);
		assert_range(f, f->place, 2 * PAGE, 0, VIOMMU_RW);
		f->ops->device_destroy(two);
	}
	destroy_device(f);
	/* The same device again. */
	assert_int_equal(f->ops->device_create(f->host, f->guest, subject->device, &f->device), 0);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
}

/* The spaces of one host are independent. */
static void two_spaces(void **state)
{
	struct fixture *f = (struct fixture *)*state, g = *f;

	counted_memory_init(&g.memory);
	assert_int_equal(open_space(f, f->place, f->place + GIB - 1, &g.memory, &g.space), 0);
	assert_int_equal(map(f, f->place, PAGE, 0, VIOMMU_RW), 0);
	assert_int_equal(map(&g, f->place, PAGE, PAGE, VIOMMU_READ), 0);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_range(&g, f->place, PAGE, PAGE, VIOMMU_READ);
	remove_and_flush(&g, f->place, PAGE);
	assert_range(f, f->place, PAGE, 0, VIOMMU_RW);
	assert_nothing(&g, f->place);
	/* The end of the host's aperture, and beyond. */
	assert_int_equal(map(&g, f->place + GIB - PAGE, PAGE, PAGE, VIOMMU_READ), 0);
	assert_true(map(&g, f->place + GIB, PAGE, PAGE, VIOMMU_READ) < 0);
	assert_true(map(&g, f->place + GIB - PAGE, 2 * PAGE, PAGE, VIOMMU_READ) < 0);
	assert_nothing(&g, f->place + GIB);
	assert_nothing(&g, f->host->caps.last);
	close_space(f, g.space);
	assert_int_equal(g.memory.pieces, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int host_conformance(const struct conformance_subject *on)
{
	const struct CMUnitTest tests[] = {
		TEST(capabilities),
		TEST(empty_space),
		TEST(ends_of_the_aperture),
		TEST(reserved),
		TEST(across_slots),
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
	arena_use(on);
	return cmocka_run_group_tests_name(on->name, tests, arena_setup, NULL);
}
