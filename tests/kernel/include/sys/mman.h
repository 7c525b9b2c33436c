/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Anonymous memory, which is there from the beginning: a test that takes more than half of the
 * machine's is skipped. Nothing else is mapped.
 */
#ifndef TESTS_KERNEL_MMAN_H
#define TESTS_KERNEL_MMAN_H

#include <linux/vmalloc.h>

#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_NORESERVE 0x4000
#define MAP_FAILED    ((void *)-1)

void *mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset);

/* Of the beginning of an area: the whole area. Of another part: nothing. */
int munmap(void *memory, size_t bytes);

#endif
