/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel: pinned pages, parameters, devices and their drivers. */
#ifndef TESTS_DMA_KERNEL_H
#define TESTS_DMA_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Pages that are pinned for DMA in the whole machine (Linux,
 * Documentation/core-api/pin_user_pages.rst: nr_foll_pin_acquired, nr_foll_pin_released).
 */
int64_t kernel_pinned_pages(void);

/* Whether the kernel has the host named "type1", "iommufd" or "kernel". */
bool kernel_has_host(const char *name);

/* Writes a word to a file of sysfs or procfs. False on failure. */
bool kernel_read(const char *path, char *text, unsigned int bytes);
bool kernel_write(const char *path, const char *text);

/* Removes a device from the bus like a hot unplug; finds it again and binds it to vfio-pci. */
bool kernel_device_remove(const char *address);
bool kernel_device_return(const char *address);

/*
 * The entry limit of type1 containers that are opened from now on (dma_entry_limit). False without
 * such a parameter.
 */
#define KERNEL_ENTRY_LIMIT 65535u /* the kernel's default */
bool kernel_entry_limit(unsigned int limit);

#endif
