/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the library asks of its surroundings. The floors above (format, host/soft, core, guest) use nothing else: no libc but memcpy, memmove, memset and
 * memcmp, which a freestanding compiler may call anyway. port_posix.c answers for user space; a kernel module or a fuzzer brings its own answers.
 */
#ifndef VIOMMU_PORT_H
#define VIOMMU_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The errno values of the public interface. They are the kernel's numbers, which <errno.h> of a freestanding compiler does not offer; port_posix.c checks
 * them against the system's.
 */
enum {
	PORT_ENOENT = 2,
	PORT_EIO = 5,
	PORT_EAGAIN = 11,
	PORT_ENOMEM = 12,
	PORT_EFAULT = 14,
	PORT_EBUSY = 16,
	PORT_EEXIST = 17,
	PORT_EXDEV = 18,
	PORT_ENODEV = 19,
	PORT_EINVAL = 22,
	PORT_ENOSPC = 28,
	PORT_ERANGE = 34,
	PORT_EOPNOTSUPP = 95,
	PORT_EDQUOT = 122,
};

/* Zeroed memory; align is a power of two, or 0 for what any object needs. NULL if there is none. bytes and align go back to port_free() as they were. */
void *port_alloc(size_t bytes, size_t align);
void port_free(void *memory, size_t bytes, size_t align);

/* A lock that sleeps. Not recursive. Small, so that it can stand in the line of what it guards. */
struct port_lock {
	uint32_t state;
};
void port_lock_init(struct port_lock *lock);
void port_lock_destroy(struct port_lock *lock);
void port_lock(struct port_lock *lock);
void port_unlock(struct port_lock *lock);
/* Lets go of a lock that is held and takes it again; if somebody sleeps for it, then after him. For who has more to do, and may not keep others from theirs. */
void port_lock_by_turns(struct port_lock *lock);

/*
 * An asymmetric pair of full fences, for a flag that one side sets and tests often and the other side seldom waits for. The heavy side costs a system
 * call, so that the light side costs nothing where the system offers that. port_grace_init() is called once, by each viommu_vm_create(), before either.
 */
void port_grace_init(void);
void port_grace_heavy(void);
bool port_grace_is_asymmetric(void);

/* Called again and again while waiting for another thread's few instructions. */
void port_relax(void);

/* What caches hold together, near enough: for what is only a matter of speed. */
#define PORT_LINE_BYTES 64u

/* Eight bytes that several threads access: aligned, so that this is one access on 32-bit machines, too. */
typedef uint64_t port_word __attribute__((aligned(8)));

/* One load of an entry that a guest may be changing. Entries are naturally aligned, in every slot. */
static inline uint64_t port_load_entry(const uint64_t *entry)
{
	return __atomic_load_n((const port_word *)entry, __ATOMIC_RELAXED);
}

/* Replaces an entry that is `*old`, in one atomic step, by `entry`. False if it is something else, which then is in *old. */
static inline bool port_cmpxchg_entry(const uint64_t *location, uint64_t *old, uint64_t entry)
{
	return __atomic_compare_exchange_n((port_word *)(uintptr_t)location, old, entry, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/*
 * Whether n entries are what a copy says: each, by itself, was so at a moment of the call. port_widest_equal() is the fastest way that the machine has; it is
 * worth its call from so many entries on.
 */
#define PORT_WIDE_ENTRIES 8u
typedef bool (*port_equal)(const uint64_t *entries, const uint64_t *copy, unsigned int n);
port_equal port_widest_equal(void);

/* Where the lowest and the highest of the bits that are set are; there is one. By halves, since of a pair of registers the compiler asks its library. */
static inline unsigned int port_lowest_bit(uint64_t bits)
{
	if (sizeof(void *) == 8)
		return (unsigned int)__builtin_ctzll(bits);
	return (uint32_t)bits ? (unsigned int)__builtin_ctz((uint32_t)bits) : 32 + (unsigned int)__builtin_ctz((uint32_t)(bits >> 32));
}
static inline unsigned int port_highest_bit(uint64_t bits)
{
	if (sizeof(void *) == 8)
		return 63 - (unsigned int)__builtin_clzll(bits);
	return bits >> 32 ? 63 - (unsigned int)__builtin_clz((uint32_t)(bits >> 32)) : 31 - (unsigned int)__builtin_clz((uint32_t)bits);
}

/* How many bits are set. (The compiler's own way is a function of its library, where the machine has no instruction for it.) */
static inline unsigned int port_count_bits(uint64_t bits)
{
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned int)(bits * UINT64_C(0x0101010101010101) >> 56);
}

#endif
