/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lookups in a host's table that changes in the middle of the lookup, without threads. The table is
 * instantiated once more, in a copy of the format vtdss with a hook that runs the writer between
 * two loads of a lookup. So the test covers every interleaving of whole writer calls with the loads
 * of one lookup.
 */
#include "host_conformance.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/vtdss.h"

/* Runs after this many more loads. */
static void (*hook)(void);
static unsigned int after_loads;

static uint64_t hooked_from_memory(uint64_t raw)
{
	if (after_loads && !--after_loads)
		hook();
	return vtdss_from_memory(raw);
}

enum { hooked_max_level = vtdss_max_level };
#define hooked_to_memory      vtdss_to_memory
#define hooked_kind	      vtdss_kind
#define hooked_table_address  vtdss_table_address
#define hooked_can_address    vtdss_can_address
#define hooked_software	      vtdss_software
#define hooked_with_software  vtdss_with_software
#define hooked_parked_entry   vtdss_parked_entry
#define hooked_parked_address vtdss_parked_address

#define FORMAT_NAME hooked
#define FORMAT_BASE vtdss
#define FORMAT_OWN_BYTE_ORDER
#include "format/format_defaults.h"

int hooked_space_create(struct viommu_host *host, struct host_vm *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			struct host_space **out);
void hooked_space_destroy(struct host_space *space);
int hooked_space_map(struct host_space *space, const struct host_mapping *mapping);
int hooked_space_unmap(struct host_space *space, uint64_t first, uint64_t last);
int hooked_space_flush(struct host_space *space);
void hooked_space_trim(struct host_space *space);
int hooked_space_lookup(struct host_space *space, uint64_t iova, struct host_mapping *mapping, uint64_t *generation);
unsigned int hooked_space_lookup_pages(struct host_space *space, uint64_t iova, struct host_page *pages, unsigned int max);

#define VIOMMU_FORMAT hooked
#include "host/table.h"

#define PAGE  VIOMMU_PAGE_SIZE
#define LARGE (UINT64_C(1) << 21)

/*
 * Three places. Lookups are at HERE. The second one has the same indexes in all tables but the top
 * one, so a table that is reused for it has its entries where the lookup continues. The third one
 * shares all tables but the lowest with HERE.
 */
#define HERE	  UINT64_C(0x0000123456789000)
#define ELSEWHERE (HERE + (UINT64_C(1) << 39))
#define NEARBY	  (ELSEWHERE + LARGE)

/* The memory behind HERE before and after the change, and behind the other places. */
#define OLD   (UINT64_C(0x40000000) + HERE % LARGE)
#define NEW   (UINT64_C(0x50000000) + HERE % LARGE)
#define OTHER (UINT64_C(0x60000000) + HERE % LARGE)

static struct host_space *space;

static void map(uint64_t iova, uint64_t bytes, uint64_t output)
{
	struct host_mapping mapping = { .first = iova, .last = iova + (bytes - 1), .hva = (unsigned char *)(uintptr_t)output, .prot = VIOMMU_RW, .fd = -1 };

	assert_int_equal(hooked_space_map(space, &mapping), 0);
}

static void unmap(uint64_t iova, uint64_t bytes)
{
	assert_int_equal(hooked_space_unmap(space, iova, iova + (bytes - 1)), 0);
}

static void flush(void)
{
	assert_int_equal(hooked_space_flush(space), 0);
}

static void removed(void)
{
	unmap(HERE, PAGE);
}

static void removed_and_flushed(void)
{
	unmap(HERE, PAGE);
	flush();
}

static void elsewhere_before_the_flush(void)
{
	unmap(HERE, PAGE);
	map(ELSEWHERE, PAGE, OTHER);
}

static void elsewhere_after_the_flush(void)
{
	unmap(HERE, PAGE);
	flush();
	map(ELSEWHERE, PAGE, OTHER);
}

/* Frees the pages in another order, so that they become tables of other levels. */
static void elsewhere_at_other_levels(void)
{
	unmap(HERE, PAGE);
	flush();
	map(ELSEWHERE + (UINT64_C(1) << 40), PAGE, OTHER);
	map(NEARBY + (UINT64_C(1) << 40), PAGE, OTHER);
	map(NEARBY, PAGE, OTHER);
	map(ELSEWHERE, PAGE, OTHER);
}

static void elsewhere_twice(void)
{
	elsewhere_after_the_flush();
	map(NEARBY, PAGE, OTHER);
	unmap(ELSEWHERE, PAGE);
	flush();
	map(ELSEWHERE + (UINT64_C(1) << 30), PAGE, OTHER);
}

static void replaced(void)
{
	unmap(HERE, PAGE);
	flush();
	map(HERE, PAGE, NEW);
}

static void surroundings_removed(void)
{
	unmap(HERE & ~(LARGE - 1), HERE % LARGE);
	unmap(HERE + PAGE, LARGE - HERE % LARGE - PAGE);
	flush();
	map(ELSEWHERE, PAGE, OTHER);
}

struct action {
	void (*run)(void);
	bool large;    /* HERE lies in a large page */
	bool stays;    /* HERE translates as before */
	bool replaced; /* HERE translates to NEW afterwards */
};

static const struct action actions[] = {
	{ removed, false, false, false },
	{ removed_and_flushed, false, false, false },
	{ elsewhere_before_the_flush, false, false, false },
	{ elsewhere_after_the_flush, false, false, false },
	{ elsewhere_at_other_levels, false, false, false },
	{ elsewhere_twice, false, false, false },
	{ replaced, false, false, true },
	{ removed_and_flushed, true, false, false },
	{ elsewhere_before_the_flush, true, false, false },
	{ elsewhere_after_the_flush, true, false, false },
	{ replaced, true, false, true },
	{ surroundings_removed, true, true, false },
};

static void begin(const struct action *action, struct counted_memory *memory)
{
	counted_memory_init(memory);
	assert_int_equal(hooked_space_create(NULL, NULL, 0, (UINT64_C(1) << 48) - 1, &memory->memory, &space), 0);
	if (action->large)
		map(HERE & ~(LARGE - 1), LARGE, OLD & ~(LARGE - 1));
	else
		map(HERE, PAGE, OLD);
}

/* Each of several pages was present at a moment of the call. */
static void interleave_pages(const struct action *action, unsigned int loads)
{
	struct counted_memory memory;
	struct host_page page[4];
	unsigned int number;

	begin(action, &memory);
	hook = action->run;
	after_loads = loads;
	number = hooked_space_lookup_pages(space, HERE, page, 4);
	after_loads = 0;
	assert_true(number <= (action->large ? 4u : 1u));
	for (unsigned int i = 0; i < number; i++) {
		uint64_t output = (uint64_t)(uintptr_t)page[i].hva;

		assert_true(output == OLD + i * PAGE || (!i && action->replaced && output == NEW));
	}
	hooked_space_destroy(space);
	assert_int_equal(memory.pieces, 0);
}

static void interleave(const struct action *action, unsigned int loads)
{
	struct counted_memory memory;
	struct host_mapping found;
	uint64_t generation = 0, before;
	int error;

	begin(action, &memory);
	before = space->generation;
	hook = action->run;
	after_loads = loads;
	error = hooked_space_lookup(space, HERE, &found, &generation);
	if (after_loads) {
		/* The lookup had fewer loads. */
		after_loads = 0;
		assert_true(!error && loads > 3);
		hooked_space_destroy(space);
		return;
	}
	if (!error) {
		uint64_t output = (uint64_t)(uintptr_t)found.hva + (HERE - found.first);

		/* The old translation if it was valid in this generation, or the current one. */
		if (output == OLD)
			assert_true(action->stays || generation == before);
		else
			assert_true(action->replaced && output == NEW);
		assert_true(generation <= space->generation);
	} else {
		assert_int_equal(error, -ENOENT);
		assert_false(action->stays);
	}
	hooked_space_destroy(space);
	assert_int_equal(memory.pieces, 0);
}

static void changes_between_loads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		for (unsigned int loads = 1; loads <= 5; loads++)
			interleave(&actions[i], loads);
}

static void changes_between_loads_of_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		for (unsigned int loads = 1; loads <= 9; loads++)
			interleave_pages(&actions[i], loads);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(changes_between_loads), cmocka_unit_test(changes_between_loads_of_pages) };

	return cmocka_run_group_tests_name("host lookup", tests, NULL, NULL);
}
