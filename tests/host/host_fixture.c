/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fixture of the conformance suite. What is in a space is asked page by page, so that nothing depends on how a host keeps it. */
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

int fixture_setup(void **state)
{
	struct fixture *f = (struct fixture *)calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(subject->create(&f->host), 0);
	f->ops = f->host->ops;
	counted_memory_init(&f->memory);
	assert_int_equal(f->ops->space_create(f->host, NULL, f->host->caps.first, f->host->caps.last, &f->memory.memory, &f->space), 0);
	f->place = (f->host->caps.first + 8 * GIB) & ~(GIB - 1);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = (struct fixture *)*state;

	f->ops->space_destroy(f->space);
	assert_int_equal(f->memory.pieces, 0);
	assert_int_equal(f->memory.bytes, 0);
	viommu_host_destroy(f->host);
	free(f);
	return 0;
}

int map(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	struct host_mapping mapping = { .first = first, .last = first + (bytes - 1), .hva = arena + offset, .offset = offset, .prot = prot, .fd = arena_fd };

	assert_true(offset + bytes <= subject->arena_bytes);
	return f->ops->map(f->space, &mapping);
}

void remove_and_flush(struct fixture *f, uint64_t first, uint64_t bytes)
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

void assert_range(struct fixture *f, uint64_t first, uint64_t bytes, uint64_t offset, uint32_t prot)
{
	for (uint64_t done = 0; done < bytes; done += PAGE) {
		uint64_t in = (first + done) % (2 * MIB);

		if (bytes > 8 * MIB && done && done != bytes - PAGE && in && in != 2 * MIB - PAGE)
			continue;
		assert_at(f, first + done, offset + done, prot);
		assert_at(f, first + done + PAGE - 1, offset + done + PAGE - 1, prot);
	}
}

void assert_range_nothing(struct fixture *f, uint64_t first, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes; done += PAGE) {
		uint64_t in = (first + done) % (2 * MIB);

		if (bytes > 8 * MIB && done && done != bytes - PAGE && in && in != 2 * MIB - PAGE)
			continue;
		assert_nothing(f, first + done);
	}
}

bool giant(void)
{
	return subject->arena_bytes >= 3 * GIB;
}
