/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compares guest entries with a copy of them, as wide as the machine can.
 *
 * The guest may be changing what is compared. "Equal" means that each entry, by itself, was what
 * the copy says at a moment of the call. The plain function loads each entry with one atomic load.
 * On x86-64 a vector load is as good: a store of eight aligned bytes becomes visible as a whole,
 * and a line is read as a whole. So no aligned eight bytes of a vector are half written. Other
 * machines have the plain function only. So has ThreadSanitizer, which cannot follow the others.
 */
#include "port/port.h"

#if defined(__SANITIZE_THREAD__)
#define PLAIN_ONLY
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLAIN_ONLY
#endif
#endif

#if defined(__x86_64__) && !defined(PLAIN_ONLY)
#include <immintrin.h>

static inline __m128i differs_2(const uint64_t *entries, const uint64_t *copy)
{
	return _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)entries), _mm_loadu_si128((const __m128i *)(const void *)copy));
}

/* Every x86-64 machine. */
static bool equal_sse2(const uint64_t *entries, const uint64_t *copy, unsigned int n)
{
	__m128i differs = _mm_setzero_si128();
	unsigned int i = 0;

	for (; n - i >= 8; i += 8)
		differs = _mm_or_si128(differs, _mm_or_si128(_mm_or_si128(differs_2(&entries[i], &copy[i]), differs_2(&entries[i + 2], &copy[i + 2])),
							     _mm_or_si128(differs_2(&entries[i + 4], &copy[i + 4]), differs_2(&entries[i + 6], &copy[i + 6]))));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(differs, _mm_setzero_si128())) == 0xffff && port_equal_plain(&entries[i], &copy[i], n - i);
}

__attribute__((target("avx2"))) static inline __m256i differs_4(const uint64_t *entries, const uint64_t *copy)
{
	return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)entries), _mm256_loadu_si256((const __m256i *)(const void *)copy));
}

__attribute__((target("avx2"))) static bool equal_avx2(const uint64_t *entries, const uint64_t *copy, unsigned int n)
{
	__m256i differs = _mm256_setzero_si256();
	unsigned int i = 0;

	for (; n - i >= 16; i += 16)
		differs = _mm256_or_si256(
			differs, _mm256_or_si256(_mm256_or_si256(differs_4(&entries[i], &copy[i]), differs_4(&entries[i + 4], &copy[i + 4])),
						 _mm256_or_si256(differs_4(&entries[i + 8], &copy[i + 8]), differs_4(&entries[i + 12], &copy[i + 12]))));
	return _mm256_testz_si256(differs, differs) && port_equal_plain(&entries[i], &copy[i], n - i);
}

port_equal port_widest_equal(void)
{
	return __builtin_cpu_supports("avx2") ? equal_avx2 : equal_sse2;
}
#else
port_equal port_widest_equal(void)
{
	return port_equal_plain;
}
#endif
