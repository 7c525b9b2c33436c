/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface between the library and its environment. Freestanding code (core, formats, guest
 * IOMMUs, the soft host) uses nothing else: no C library but memcpy, memmove, memset and memcmp,
 * which a freestanding compiler may call anyway.
 *
 * A port is a folder beside this file that is in the include path. It answers with functions and
 * with five headers, whose contents are inline where speed matters. posix/ is the port for user
 * space.
 *
 *   <port_types.h>    fixed-width types, bool, size_t, offsetof, and the compiler's attributes by
 *                     macros
 *   <port_atomic.h>   atomic accesses and fences, by macros
 *   <port_lock.h>     struct port_lock and its functions. The type is the port's: a kernel's holds
 *                     a struct mutex
 *   <port_grace.h>    port_grace_light()
 *   <port_guest.h>    struct port_guest, and access to a page of guest memory
 */
#ifndef VIOMMU_PORT_H
#define VIOMMU_PORT_H

#include <port_types.h>

#include <port_atomic.h>
#include <port_grace.h>
#include <port_guest.h>
#include <port_lock.h>

/*
 * The errno values of the public interface. They are the kernel's numbers, which <errno.h> of a
 * freestanding compiler does not offer. Each port checks them against the system's.
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

/*
 * Zeroed memory. align is a power of two, or 0 for what any object needs. NULL if there is none.
 * port_free() takes the same bytes and align.
 */
void *port_alloc(size_t bytes, size_t align);
void port_free(void *memory, size_t bytes, size_t align);

/*
 * <port_lock.h>: a lock that sleeps, and is not recursive.
 *
 *   void port_lock_init(lock), port_lock_destroy(lock), port_lock(lock), port_unlock(lock)
 *   void port_lock_nested(lock)     takes a lock while another of the same kind is held. The caller
 *                                   keeps an order among them
 *   void port_lock_by_turns(lock)   releases a lock that is held and takes it again; if another
 *                                   thread sleeps for it, after that thread has had it
 */

/*
 * <port_grace.h>: an asymmetric pair of full fences, for a flag that one side sets and tests often
 * and the other side seldom waits for. The heavy side costs a system call, so that the light side
 * costs nothing where the system offers that. Each viommu_vm_create() calls port_grace_init()
 * before either.
 *
 *   void port_grace_light(void)
 */
void port_grace_init(void);
void port_grace_heavy(void);

/*
 * <port_guest.h>: the memory of one slot. Nothing reads or writes guest memory but through this.
 *
 *   int port_guest_init(guest, slot)          of a struct viommu_slot, whose range is whole pages.
 *                                             0 or a negative errno
 *   void port_guest_destroy(guest)
 *   void *port_guest_map(guest, offset)       the memory at an offset, up to the end of its page.
 *                                             It stays where it is until it is unmapped. NULL if it
 *                                             cannot be mapped now
 *   void port_guest_unmap(guest, memory)      by the same thread. What was mapped last is unmapped
 *                                             first
 *   bool port_guest_load(guest, offset, word) a macro, where there is a faster way than
 *                                             port_guest_load_mapped(), which it is else
 *   bool port_guest_store(guest, offset, value, bytes)
 *                                             likewise
 */

/*
 * In a build for debugging (VIOMMU_DEBUG): a thread says that it is inside viommu_reader_enter()
 * and viommu_reader_leave(), and what may wait for all that are ends the program where its own
 * thread is. Otherwise such a call waits for itself, seldom, and for ever.
 */
#ifdef VIOMMU_DEBUG
void port_debug_held(bool begins);
void port_debug_may_wait(void);
#else
static inline void port_debug_held(bool begins)
{
	(void)begins;
}
static inline void port_debug_may_wait(void)
{
}
#endif

/* Called repeatedly while a thread waits for another thread's few instructions. */
void port_relax(void);

/*
 * Whether the calling thread is to end as soon as it can: asked between steps of long work, which
 * then goes on no further than it must.
 */
bool port_interrupted(void);

/* The size of a cache line, for what is only a matter of speed. */
#define PORT_LINE_BYTES 64u

/*
 * Eight bytes that several threads access. The alignment makes that one access on 32-bit machines
 * too.
 */
typedef uint64_t port_word port_aligned(8);

/*
 * One load, or one store, of an entry that a guest may be changing. Entries are naturally aligned,
 * in every slot.
 */
static inline uint64_t port_load_entry(const uint64_t *entry)
{
	return port_load_relaxed((const port_word *)entry);
}

/* Loads the entry at an offset. False if it cannot be mapped now. */
static inline bool port_guest_load_mapped(const struct port_guest *guest, uint64_t offset, uint64_t *word)
{
	uint64_t *entry = (uint64_t *)port_guest_map(guest, offset);

	if (!entry)
		return false;
	*word = port_load_entry(entry);
	port_guest_unmap(guest, entry);
	return true;
}
#ifndef port_guest_load
#define port_guest_load port_guest_load_mapped
#endif

static inline void port_store_entry(uint64_t *entry, uint64_t value)
{
	port_store_relaxed((port_word *)entry, value);
}

/* Stores a naturally aligned word of 4 or 8 bytes. False if its page cannot be mapped now. */
static inline bool port_guest_store_mapped(const struct port_guest *guest, uint64_t offset, uint64_t value, unsigned int bytes)
{
	void *place = port_guest_map(guest, offset);

	if (!place)
		return false;
	if (bytes == sizeof(uint64_t))
		port_store_entry((uint64_t *)place, value);
	else
		port_store_relaxed((uint32_t *)place, (uint32_t)value);
	port_guest_unmap(guest, place);
	return true;
}
#ifndef port_guest_store
#define port_guest_store port_guest_store_mapped
#endif

/*
 * Replaces an entry that is *old. On failure *old is what was found; it may fail without a reason.
 */
static inline bool port_cmpxchg_entry(const uint64_t *entry, uint64_t *old, uint64_t value)
{
	return port_cmpxchg_relaxed((port_word *)(uintptr_t)entry, old, value);
}

/*
 * Whether n entries equal a copy: each, by itself, did at a moment of the call. port_widest_equal()
 * is the fastest function that the machine has. It is worth a call from PORT_WIDE_ENTRIES entries
 * on. port_equal_plain() is for machines that have none that is faster.
 */
#define PORT_WIDE_ENTRIES 8u
typedef bool (*port_equal)(const uint64_t *entries, const uint64_t *copy, unsigned int n);
port_equal port_widest_equal(void);
static inline bool port_equal_plain(const uint64_t *entries, const uint64_t *copy, unsigned int n)
{
	uint64_t differs = 0;

	for (unsigned int i = 0; i < n; i++)
		differs |= port_load_entry(&entries[i]) ^ copy[i];
	return !differs;
}

/*
 * The position of the lowest and of the highest bit that is set. There is one. By halves on 32-bit
 * machines, where the compiler would call a library function.
 */
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

/*
 * The number of bits that are set. The compiler's built-in function is a library call where the
 * machine has no instruction for it.
 */
static inline unsigned int port_count_bits(uint64_t bits)
{
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned int)(bits * UINT64_C(0x0101010101010101) >> 56);
}

#endif
