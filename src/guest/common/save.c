/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The registers of a guest IOMMU as a stream of bytes, which any machine reads: little-endian
 * doublewords.
 *
 *   0      the magic number and, in bits 63:56, the version
 *   1      bits 31:0 the type of the guest IOMMU, bits 63:32 the number of registers
 *   2...   for each register, its offset and its value
 *   last   a checksum of all before: it detects damage, and is no protection against intent
 *
 * Between two calls of the library nothing else is left to be saved: commands have been consumed,
 * interrupts delivered, and what devices reach is in the guest's memory, from which a restore makes
 * it anew. A stream is restored into a guest IOMMU that was created with the same configuration.
 * One that is damaged, newer, or of another guest IOMMU is refused, with a message, and nothing has
 * changed. Values are judged like those that a
 * guest stores, so that a forged stream does no more than a guest could.
 */
#include "format/format.h"
#include "guest/common/devices.h"

#define MAGIC	     UINT64_C(0x005347455255494d)
#define VERSION	     UINT64_C(1)
#define HEADER_WORDS 2u

static uint64_t stream_bytes(uint64_t registers)
{
	return (HEADER_WORDS + 2 * registers + 1) * sizeof(uint64_t);
}

static uint64_t get(const void *from, size_t word)
{
	uint64_t value;

	__builtin_memcpy(&value, (const unsigned char *)from + word * sizeof(value), sizeof(value));
	return format_swap_if_big(value);
}

/* FNV-1a, by doublewords. */
static uint64_t checksum(const void *from, size_t words)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < words; i++)
		sum = (sum ^ get(from, i)) * UINT64_C(0x100000001b3);
	return sum;
}

/* NULL, or the reason why a stream is refused. */
static const char *judge(const struct guest_iommu *iommu, const void *from, size_t bytes)
{
	if (bytes < stream_bytes(0) || (get(from, 0) ^ MAGIC) << 8)
		return "saved registers: this is no such stream";
	if (get(from, 0) >> 56 != VERSION)
		return "saved registers: the stream is of another version of the library";
	if (stream_bytes(get(from, 1) >> 32) != bytes || checksum(from, bytes / 8 - 1) != get(from, bytes / 8 - 1))
		return "saved registers: the stream is damaged";
	if ((uint32_t)get(from, 1) != iommu->ops->type)
		return "saved registers: the stream is of another type of guest IOMMU";
	return NULL;
}

size_t guest_iommu_save(struct guest_iommu *iommu, void *to, size_t bytes)
{
	size_t room = (size_t)stream_bytes(iommu->registers.number), words, needed;
	uint64_t *word = port_alloc(room, 0);

	if (!word)
		return 0;
	port_lock(&iommu->change);
	port_lock(&iommu->lock);
	words = HEADER_WORDS + 2 * (size_t)guest_registers_save(&iommu->registers, (struct guest_saved_register *)(void *)&word[HEADER_WORDS]);
	port_unlock(&iommu->lock);
	port_unlock(&iommu->change);
	word[0] = MAGIC | VERSION << 56;
	word[1] = iommu->ops->type | (uint64_t)((words - HEADER_WORDS) / 2) << 32;
	for (size_t i = 0; i < words; i++)
		word[i] = format_swap_if_big(word[i]);
	word[words] = format_swap_if_big(checksum(word, words));
	needed = (words + 1) * sizeof(*word);
	if (needed <= bytes)
		__builtin_memcpy(to, word, needed);
	port_free(word, room, 0);
	return needed;
}

/* With change held, from a stream that has this number of registers. */
static bool restore(struct guest_iommu *iommu, const void *from, unsigned int number)
{
	size_t room = number * sizeof(struct guest_saved_register) + 1;
	struct guest_saved_register *saved = port_alloc(room, 0);
	bool restored;

	if (!saved)
		return false;
	for (unsigned int i = 0; i < number; i++)
		saved[i] = (struct guest_saved_register){ get(from, HEADER_WORDS + 2 * i), get(from, HEADER_WORDS + 2 * i + 1) };
	port_lock(&iommu->lock);
	restored = guest_registers_restore(&iommu->registers, saved, number);
	port_unlock(&iommu->lock);
	port_free(saved, room, 0);
	return restored;
}

int guest_iommu_restore(struct guest_iommu *iommu, const void *from, size_t bytes)
{
	const char *refused = judge(iommu, from, bytes);

	if (refused) {
		vm_log(iommu->vm, VIOMMU_LOG_ERROR, refused, bytes, 0);
		return -PORT_EINVAL;
	}
	port_lock(&iommu->change);
	if (restore(iommu, from, (unsigned int)(get(from, 1) >> 32))) {
		guest_iommu_configure(iommu, 0, GUEST_ALL_IDS);
		guest_iommu_sync(iommu);
	} else {
		refused = "saved registers: the guest IOMMU has another configuration";
	}
	port_unlock(&iommu->change);
	if (!refused)
		return 0;
	vm_log(iommu->vm, VIOMMU_LOG_ERROR, refused, bytes, 0);
	return -PORT_EINVAL;
}
