/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Public structs begin with their size, as the caller was compiled with it. These two carry them across: a caller that knows fewer members than we do gets
 * zeros for the rest, one that knows more may only use them as zeros.
 */
#ifndef VIOMMU_PORT_SIZED_H
#define VIOMMU_PORT_SIZED_H

#include <port_types.h>

/* Takes a caller's struct into ours of `bytes`, of which `least` were there from the first version on. False if it cannot be understood. */
static inline bool sized_in(void *ours, size_t bytes, size_t least, const void *theirs)
{
	uint32_t size;

	if (!theirs)
		return false;
	__builtin_memcpy(&size, theirs, sizeof(size));
	if (size < least)
		return false;
	for (size_t i = bytes; i < size; i++)
		if (((const unsigned char *)theirs)[i])
			return false;
	__builtin_memset(ours, 0, bytes);
	__builtin_memcpy(ours, theirs, size < bytes ? size : bytes);
	return true;
}

/* Gives our struct of `bytes` to a caller, as much of it as the caller has room for. NULL is allowed. */
static port_always_inline void sized_out(void *theirs, const void *ours, size_t bytes)
{
	uint32_t size;

	if (!theirs)
		return;
	__builtin_memcpy(&size, theirs, sizeof(size));
	if (size <= sizeof(size))
		return;
	/* The common case has a size that the compiler knows. */
	if (size >= bytes)
		__builtin_memcpy((unsigned char *)theirs + sizeof(size), (const unsigned char *)ours + sizeof(size), bytes - sizeof(size));
	else
		__builtin_memcpy((unsigned char *)theirs + sizeof(size), (const unsigned char *)ours + sizeof(size), size - sizeof(size));
}

#endif
