/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fixture of the conformance suite. It reads a space page by page, so that it depends on no
 * host's representation.
 */
#define _GNU_SOURCE
#include "host_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "port/port.h"

static const struct conformance_subject *subject;
static unsigned char *arena;
static int arena_fd = -1;
static struct host_space *attached; /* the space of the fixture's device */

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
	struct counted_memory *counted = (struct counted_memory *)ctx;
	void *memory = counted->fail_after ? port_alloc(bytes, align) : NULL;

	if (!memory)
		return NULL;
	if (counted->fail_after != UINT64_MAX)
		counted->fail_after--;
	counted->allocations++;
	counted->pieces++;
	counted->bytes += bytes;
	return memory;
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

void arena_use(const struct conformance_subject *on)
{
	subject = on;
}

uint64_t arena_bytes(void)
{
	return subject->arena_bytes;
}

int arena_setup(void **state)
{
	uint64_t bytes = subject->arena_bytes + SPARE_BYTES, align = giant() ? GIB : 2 * MIB;
	unsigned char *reserved;

	(void)state;
	arena_fd = memfd_create("arena", MFD_CLOEXEC);
	if (arena_fd < 0 || ftruncate(arena_fd, (off_t)bytes))
		return -1;
	/* Aligned like the place in the space, so that large pages are possible. */
	reserved = (unsigned char *)mmap(NULL, (size_t)(bytes + align), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return -1;
	arena = reserved + (align - (uintptr_t)reserved % align) % align;
	if (mmap(arena, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, arena_fd, 0) == MAP_FAILED)
		return -1;
	return 0;
}

unsigned char *arena_memory(void)
{
	return arena;
}

int arena_file(void)
{
	return arena_fd;
}

bool costly(void)
{
	return subject->costly;
}

static void add_arena(struct fixture *f)
{
	const uint64_t ends[] = { 0, 5 * MIB - 3 * PAGE, 11 * MIB + PAGE, subject->arena_bytes + SPARE_BYTES };

	for (unsigned int i = 0; i < 3; i++) {
		struct host_slot slot = {
			.first = ARENA_GPA + ends[i],
			.last = ARENA_GPA + ends[i + 1] - 1,
			.hva = arena + ends[i],
			.offset = ends[i],
			.prot = VIOMMU_RW,
			/* Some memory is not backed by a file. */
			.fd = i == 1 ? -1 : arena_fd,
		};

		assert_int_equal(f->ops->slot_add(f->guest, &slot), 0);
	}
}

int fixture_setup(void **state)
{
	struct fixture *f = (struct fixture *)calloc(1, sizeof(*f));

	assert_non_null(f);
	attached = NULL;
	assert_int_equal(subject->create(&f->host), 0);
	f->ops = f->host->ops;
	if (f->ops->vm_create) {
		assert_int_equal(f->ops->vm_create(f->host, subject->pinned, &f->guest), 0);
		add_arena(f);
	}
	assert_int_equal(f->ops->device_create(f->host, f->guest, subject->device, &f->device), 0);
	counted_memory_init(&f->memory);
	assert_int_equal(open_space(f, f->host->caps.first, f->host->caps.last, &f->memory, &f->space), 0);
	f->place = (f->host->caps.first + 8 * GIB) & ~(GIB - 1);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	close_space(f, f->space);
	assert_int_equal(f->memory.pieces, 0);
	assert_int_equal(f->memory.bytes, 0);
	destroy_device(f);
	if (f->guest)
		f->ops->vm_destroy(f->guest);
	viommu_host_destroy(f->host);
	free(f);
	return 0;
}

int open_space(struct fixture *f, uint64_t first, uint64_t last, struct counted_memory *memory, struct host_space **out)
{
	return f->ops->space_create(f->host, f->guest, first, last, &memory->memory, out);
}

void detach_from_all(struct fixture *f)
{
	if (attached)
		assert_int_equal(f->ops->detach(attached, f->device, VIOMMU_NO_PASID), 0);
	attached = NULL;
}

void attach_here(struct fixture *f)
{
	int error = -EOPNOTSUPP;

	if (attached == f->space)
		return;
	if (attached && f->ops->replace)
		error = f->ops->replace(attached, f->space, f->device, VIOMMU_NO_PASID);
	if (error) {
		assert_int_equal(error, -EOPNOTSUPP);
		detach_from_all(f);
		assert_int_equal(f->ops->attach(f->space, f->device, VIOMMU_NO_PASID), 0);
	}
	attached = f->space;
}

void destroy_device(struct fixture *f)
{
	detach_from_all(f);
	if (subject->forget)
		subject->forget(f->device);
	f->ops->device_destroy(f->device);
}

void close_space(struct fixture *f, struct host_space *space)
{
	if (attached == space)
		detach_from_all(f);
	f->ops->space_destroy(space);
}

int map(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	struct host_mapping mapping = {
		.first = first,
		.last = first + (bytes - 1),
		.gpa = ARENA_GPA + offset,
		.hva = arena + offset,
		.offset = offset,
		.prot = prot,
		.fd = arena_fd,
	};

	assert_true(offset + bytes <= subject->arena_bytes);
	return f->ops->map(f->space, &mapping);
}

void remove_and_flush(struct fixture *f, uint64_t first, uint64_t bytes)
{
	assert_int_equal(f->ops->unmap(f->space, first, first + (bytes - 1)), 0);
	assert_int_equal(f->ops->flush(f->space), 0);
}

/*
 * The translation of an IOVA: the offset of its byte in the arena, and the rights; -1 if there is
 * none.
 */
static int64_t at(struct fixture *f, uint64_t iova, uint32_t *prot)
{
	unsigned char *hva;

	if (subject->probe) {
		int error;

		attach_here(f);
		error = subject->probe(f->space, f->device, iova, &hva, prot);
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

void assert_nothing(struct fixture *f, uint64_t iova)
{
	uint32_t prot;

	if (at(f, iova, &prot) != -1)
		fail_msg("IOVA %#llx is mapped", (unsigned long long)iova);
}

void assert_at(struct fixture *f, uint64_t iova, uint64_t offset, uint32_t prot)
{
	uint32_t found_prot = 0;
	int64_t found = at(f, iova, &found_prot);

	if (found != (int64_t)offset || found_prot != prot)
		fail_msg("IOVA %#llx: at %lld, rights %u; not at %lld, rights %u", (unsigned long long)iova, (long long)found, found_prot, (long long)offset,
			 prot);
}

/* Whether the page at this offset of a range is compared. */
static bool is_asked(uint64_t first, uint64_t bytes, uint64_t done)
{
	uint64_t in = (first + done) % (2 * MIB);

	if (!done || done == bytes - PAGE)
		return true;
	return !subject->costly && (bytes <= 8 * MIB || !in || in == 2 * MIB - PAGE);
}

void assert_range(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	for (uint64_t done = 0; done < bytes; done += PAGE) {
		if (!is_asked(first, bytes, done))
			continue;
		assert_at(f, first + done, offset + done, prot);
		if (!subject->costly)
			assert_at(f, first + done + PAGE - 1, offset + done + PAGE - 1, prot);
	}
}

void assert_range_nothing(struct fixture *f, uint64_t first, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes; done += PAGE)
		if (is_asked(first, bytes, done))
			assert_nothing(f, first + done);
}

bool giant(void)
{
	return subject->arena_bytes >= 3 * GIB;
}
