/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding the guest's main memory. The plugin interface has no way to read absolute addresses, and a vCPU's logical addresses do not reach all table
 * pages. QEMU keeps a list of memory blocks (QEMU, system/physmem.c); main memory is the largest of those in an s390-ccw-virtio or a virt machine: what
 * else there is, firmware and the devices' own memory, is at the most 128 MiB, in two halves. Memory behind it that was plugged later (virtio-mem) is not looked at.
 */
#include "guest_ram.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

struct ram_block; /* QEMU's RAMBlock */

struct block_functions {
	int (*each)(int (*fn)(struct ram_block *block, void *ctx), void *ctx);
	void *(*host)(struct ram_block *block);
	uint64_t (*bytes)(struct ram_block *block);
};

struct largest {
	const struct block_functions *functions;
	struct guest_ram ram;
};

static int keep_largest(struct ram_block *block, void *ctx)
{
	struct largest *largest = ctx;
	uint64_t bytes = largest->functions->bytes(block);

	if (bytes > largest->ram.bytes) {
		largest->ram.bytes = bytes;
		largest->ram.host = largest->functions->host(block);
	}
	return 0;
}

int guest_ram_find(struct guest_ram *ram)
{
	struct block_functions functions;
	struct largest largest = { .functions = &functions };

	*(void **)&functions.each = dlsym(RTLD_DEFAULT, "qemu_ram_foreach_block");
	*(void **)&functions.host = dlsym(RTLD_DEFAULT, "qemu_ram_get_host_addr");
	*(void **)&functions.bytes = dlsym(RTLD_DEFAULT, "qemu_ram_get_used_length");
	if (!functions.each || !functions.host || !functions.bytes)
		return -ENOSYS;
	functions.each(keep_largest, &largest);
	if (!largest.ram.host)
		return -ENOENT;
	*ram = largest.ram;
	return 0;
}
