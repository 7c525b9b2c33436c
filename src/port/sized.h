/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Public structs begin with their size, as the caller was compiled with it. These two carry them
 * across: a caller that knows fewer members than we do gets zeros for the rest, one that knows more
 * may only use them as zeros.
 */
#ifndef VIOMMU_PORT_SIZED_H
#define VIOMMU_PORT_SIZED_H

#include <port_types.h>

/*
 * Whether a caller's struct that is to be filled in can be: it has at least the members of the
 * first version.
 */
static inline bool sized_fits(const void *theirs, size_t least)
{
	uint32_t size;

	if (!theirs)
		return false;
	__builtin_memcpy(&size, theirs, sizeof(size));
	return size >= least;
}

/*
 * Takes a caller's struct into ours of `bytes`, of which `least` were there from the first version
 * on. False if it cannot be understood.
 */
static inline bool sized_in(void *ours, size_t bytes, size_t least, const void *theirs)
{
	uint32_t size;

	if (!sized_fits(theirs, least))
		return false;
	__builtin_memcpy(&size, theirs, sizeof(size));
	for (size_t i = bytes; i < size; i++)
		if (((const unsigned char *)theirs)[i])
			return false;
	__builtin_memset(ours, 0, bytes);
	__builtin_memcpy(ours, theirs, size < bytes ? size : bytes);
	return true;
}

/*
 * Gives our struct of `bytes` to a caller, as much of it as the caller has room for. sized_fits()
 * has said yes.
 */
static port_always_inline void sized_out(void *theirs, const void *ours, size_t bytes)
{
	uint32_t size;

	__builtin_memcpy(&size, theirs, sizeof(size));
	/* The common case has a size that the compiler knows. */
	if (size >= bytes)
		__builtin_memcpy((unsigned char *)theirs + sizeof(size), (const unsigned char *)ours + sizeof(size), bytes - sizeof(size));
	else
		__builtin_memcpy((unsigned char *)theirs + sizeof(size), (const unsigned char *)ours + sizeof(size), size - sizeof(size));
}

#endif
