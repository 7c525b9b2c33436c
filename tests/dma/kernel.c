/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARAMETER "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

/* Time limit for a device that was found again. */
#define RETURN_MS 20000

int64_t kernel_pinned_pages(void)
{
	char name[64];
	long long value;
	int64_t pinned = 0;
	FILE *file;

	/*
	 * Each CPU has its own count, and adds it up at intervals. Reading this file does it now.
	 */
	kernel_write("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/vmstat", "re");
	if (!file)
		return -1;
	while (fscanf(file, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			pinned += value;
		else if (!strcmp(name, "nr_foll_pin_released"))
			pinned -= value;
	}
	fclose(file);
	return pinned;
}

bool kernel_has_host(const char *name)
{
	if (!strcmp(name, "type1"))
		return !access("/sys/module/vfio_iommu_type1", F_OK);
	return !access(strcmp(name, "kernel") ? "/dev/iommu" : "/sys/module/viommu", F_OK);
}

bool kernel_read(const char *path, char *text, unsigned int bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, text, bytes - 1);
	close(fd);
	if (got < 0)
		return false;
	text[got] = 0;
	text[strcspn(text, "\n")] = 0;
	return true;
}

bool kernel_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

bool kernel_device_remove(const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	return kernel_write(path, "1");
}

static bool is_bound(const char *address)
{
	char path[128], driver[128];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length < 0)
		return false;
	driver[length] = 0;
	return strstr(driver, "/vfio-pci") != NULL;
}

bool kernel_device_return(const char *address)
{
	char override[128], unbind[128];

	snprintf(override, sizeof(override), "/sys/bus/pci/devices/%s/driver_override", address);
	snprintf(unbind, sizeof(unbind), "/sys/bus/pci/devices/%s/driver/unbind", address);
	kernel_write("/sys/bus/pci/rescan", "1");
	/* Its usual driver may bind it first, and with a delay. */
	for (int waited = 0; !is_bound(address); waited += 5) {
		if (waited >= RETURN_MS)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		if (kernel_write(override, "vfio-pci")) {
			kernel_write(unbind, address);
			kernel_write("/sys/bus/pci/drivers_probe", address);
		}
	}
	return true;
}

bool kernel_entry_limit(unsigned int limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%u", limit);
	return kernel_write(PARAMETER, text);
}
