/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory and errno values of user space. */
#define _POSIX_C_SOURCE 200809L
#include "port/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PORT_ENOENT == ENOENT && PORT_EIO == EIO && PORT_EAGAIN == EAGAIN && PORT_ENOMEM == ENOMEM && PORT_EFAULT == EFAULT && PORT_EBUSY == EBUSY &&
		       PORT_EEXIST == EEXIST && PORT_EXDEV == EXDEV && PORT_ENODEV == ENODEV && PORT_EINVAL == EINVAL && PORT_ENOSPC == ENOSPC &&
		       PORT_ERANGE == ERANGE && PORT_EOPNOTSUPP == EOPNOTSUPP && PORT_EDQUOT == EDQUOT,
	       "the public interface has the kernel's errno values");

/*
 * posix_memalign() takes several times as long as calloc(), which clears nothing that is new. So
 * what is aligned to little more than that stands within a larger piece, whose address is before
 * it.
 */
enum { LITTLE = 128 };

static void *alloc_within(size_t bytes, size_t align)
{
	unsigned char *piece = bytes <= SIZE_MAX - align ? calloc(1, bytes + align) : NULL, *memory;

	if (!piece)
		return NULL;
	/* One of them is at least as far from the beginning as calloc() aligns. */
	memory = piece + (align - (uintptr_t)piece % align);
	memcpy(memory - sizeof(piece), &piece, sizeof(piece));
	return memory;
}

static bool is_within(size_t align)
{
	return align > _Alignof(max_align_t) && align <= LITTLE;
}

void *port_alloc(size_t bytes, size_t align)
{
	void *memory;

	if (align <= _Alignof(max_align_t))
		return calloc(1, bytes);
	if (is_within(align))
		return alloc_within(bytes, align);
	if (posix_memalign(&memory, align, bytes))
		return NULL;
	return memset(memory, 0, bytes);
}

void port_free(void *memory, size_t bytes, size_t align)
{
	(void)bytes;
	if (memory && is_within(align))
		memcpy(&memory, (unsigned char *)memory - sizeof(memory), sizeof(memory));
	free(memory);
}
