/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hosts type1 and iommufd on a fake kernel. Each kernel call fails in turn, in several ways,
 * and so does each allocation.
 */
#include "kernel_hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * One life of a host in which kernel calls fail. The device always reaches exactly the mappings
 * that the return values report.
 */
struct life {
	const struct kind *kind;
	uint64_t from, until;
	int error;
	uint64_t allocation; /* that fails */
	bool single;	     /* only one call fails, so that a retry works */
};

static void check_reach(const struct fixture *f, struct host_device *device, uint64_t iova, int error)
{
	assert_true(reaches(f, device, iova) == !error);
}

static int twice(int (*op)(struct host_space *, struct host_device *, uint32_t), const struct fixture *f)
{
	int error = op(f->space, f->device, VIOMMU_NO_PASID);

	return error ? op(f->space, f->device, VIOMMU_NO_PASID) : 0;
}

static void use_space(struct fixture *f, const struct life *life, struct host_device *second)
{
	int early = map(f, f->place, 2 * PAGE, 0, VIOMMU_RW), late, error;

	error = f->ops->attach(f->space, f->device, VIOMMU_NO_PASID);
	if (error)
		assert_false(reaches(f, f->device, f->place));
	if (error && life->single)
		error = f->ops->attach(f->space, f->device, VIOMMU_NO_PASID);
	if (error)
		return;
	if (second && f->ops->attach(f->space, second, VIOMMU_NO_PASID))
		second = NULL;
	check_reach(f, f->device, f->place, early);
	late = map(f, f->place + 4 * PAGE, 2 * PAGE, 5 * MIB - PAGE, VIOMMU_RW);
	if (life->single) {
		check_reach(f, f->device, f->place + 4 * PAGE, late);
		check_reach(f, f->device, f->place + 5 * PAGE, late);
		if (second)
			check_reach(f, second, f->place + 4 * PAGE, late);
	}
	error = f->ops->unmap(f->space, f->place, f->place + 6 * PAGE - 1);
	if (error)
		error = f->ops->unmap(f->space, f->place, f->place + 6 * PAGE - 1);
	assert_int_equal(f->ops->flush(f->space), 0);
	if (!error)
		assert_false(reaches(f, f->device, f->place) || reaches(f, f->device, f->place + 4 * PAGE));
	if (life->single)
		assert_int_equal(error, 0);
	map(f, f->place + 8 * PAGE, PAGE, 0, VIOMMU_RW);
	if (second && f->ops->detach(f->space, second, VIOMMU_NO_PASID))
		f->ops->detach(f->space, second, VIOMMU_NO_PASID);
	error = twice(f->ops->detach, f);
	if (!error)
		assert_false(reaches(f, f->device, f->place + 8 * PAGE));
	assert_true(!error || !life->single);
}

static void live(const struct life *life)
{
	const struct host_slot slots[] = {
		{ .first = ARENA_GPA, .last = ARENA_GPA + 5 * MIB - 1, .hva = arena_memory(), .prot = VIOMMU_RW, .fd = arena_file() },
		{ .first = ARENA_GPA + 5 * MIB, .last = ARENA_GPA + 6 * MIB - 1, .hva = arena_memory() + 5 * MIB, .prot = VIOMMU_RW, .fd = -1 },
	};
	struct host_device *second = NULL;
	struct counted_memory memory;
	struct fixture f = { .place = GIB };
	bool added[2] = { false, false };

	fake_begin(&(struct fake_options){ 0 });
	fake_file_is(arena_file(), 0, arena_memory());
	fake_fail(life->from, life->until, life->error);
	fake_fail_allocation(life->allocation);
	counted_memory_init(&memory);
	if (create_with(life->kind->create, &one, &f.host))
		goto end;
	f.ops = f.host->ops;
	if (f.ops->vm_create) {
		if (f.ops->vm_create(f.host, true, &f.guest))
			goto host;
		for (unsigned int i = 0; i < 2; i++)
			added[i] = !f.ops->slot_add(f.guest, &slots[i]);
	}
	if (f.ops->device_create(f.host, f.guest, &one, &f.device))
		f.device = NULL;
	if (f.ops->device_create(f.host, f.guest, &two, &second))
		second = NULL;
	if (!open_space(&f, f.host->caps.first, f.host->caps.last, &memory, &f.space)) {
		if (f.device)
			use_space(&f, life, second);
		f.ops->space_destroy(f.space);
		if (f.device && life->single)
			assert_false(reaches(&f, f.device, f.place) || reaches(&f, f.device, f.place + 8 * PAGE));
	}
	assert_int_equal(memory.pieces, 0);
	for (unsigned int i = 0; i < 2; i++)
		if (added[i] && f.ops->slot_remove(f.guest, &slots[i]) && life->single)
			assert_int_equal(f.ops->slot_remove(f.guest, &slots[i]), 0);
	if (second)
		f.ops->device_destroy(second);
	if (f.device)
		f.ops->device_destroy(f.device);
	if (f.guest)
		f.ops->vm_destroy(f.guest);
host:
	viommu_host_destroy(f.host);
end:
	assert_true(fake_end());
}

/* Returns the number of kernel calls of a life without failures. */
static uint64_t calls_of_a_life(const struct kind *kind)
{
	live(&(struct life){ .kind = kind, .single = true });
	return fake_calls();
}

static void each_call_fails(void **state)
{
	const int errors[] = { ENOMEM, EINVAL, ENODEV, EIO };
	uint64_t calls = calls_of_a_life(kind_of(state));

	assert_true(calls > 20);
	for (uint64_t call = 1; call <= calls; call++)
		for (unsigned int i = 0; i < 4; i++)
			live(&(struct life){ .kind = kind_of(state), .from = call, .until = call, .error = errors[i], .single = true });
}

static void each_allocation_fails(void **state)
{
	uint64_t allocations;

	live(&(struct life){ .kind = kind_of(state), .single = true });
	allocations = fake_allocations();
	assert_true(allocations > 3);
	for (uint64_t i = 1; i <= allocations; i++)
		live(&(struct life){ .kind = kind_of(state), .allocation = i, .single = true });
}

/* A signal does not count as a failure. */
static void each_call_is_interrupted(void **state)
{
	uint64_t calls = calls_of_a_life(kind_of(state));

	for (uint64_t call = 1; call <= calls; call++) {
		live(&(struct life){ .kind = kind_of(state), .from = call, .until = call, .error = EINTR, .single = true });
		/* The call was repeated, and nothing else happened. */
		assert_true(fake_calls() == calls + 1);
	}
}

/* All calls of a period fail. Undoing then fails as well, but nothing leaks. */
static void many_calls_fail(void **state)
{
	const uint64_t lengths[] = { 2, 3, 7, UINT64_MAX / 2 };
	uint64_t calls = calls_of_a_life(kind_of(state));

	for (uint64_t call = 1; call <= calls; call++)
		for (unsigned int i = 0; i < 4; i++)
			live(&(struct life){ .kind = kind_of(state), .from = call, .until = call + lengths[i] - 1, .error = EIO });
}

#define TEST(function, setup) cmocka_unit_test_setup(function, setup)
#define TESTS(setup)                                                                                                                                  \
	{                                                                                                                                             \
		TEST(each_call_fails, setup), TEST(each_allocation_fails, setup), TEST(each_call_is_interrupted, setup), TEST(many_calls_fail, setup) \
	}

int main(void)
{
	const struct CMUnitTest type1_tests[] = TESTS(with_type1), iommufd_tests[] = TESTS(with_iommufd), apart_tests[] = TESTS(with_apart);

	return cmocka_run_group_tests_name("host type1, failing", type1_tests, use_arena, NULL) +
	       cmocka_run_group_tests_name("host iommufd, failing", iommufd_tests, use_arena, NULL) +
	       cmocka_run_group_tests_name("host iommufd with devices apart, failing", apart_tests, use_arena, NULL);
}
