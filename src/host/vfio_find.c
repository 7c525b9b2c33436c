/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/vfio.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int vfio_say(const struct vfio_why *why, int error, const char *format, ...)
{
	va_list arguments;

	if (!why || !why->text || !why->bytes)
		return error;
	va_start(arguments, format);
	vsnprintf(why->text, why->bytes, format, arguments);
	va_end(arguments);
	return error;
}

/*
 * Up to `most` hexadecimal digits, at least one, and then `end`: the value, or -1. *text moves
 * behind it.
 */
static long number(const char **text, int most, char end)
{
	char digits[9] = { 0 };
	int length = 0;

	while (length < most && isxdigit((unsigned char)**text))
		digits[length++] = *(*text)++;
	if (!length || *(*text)++ != end)
		return -1;
	return strtol(digits, NULL, 16);
}

int vfio_address(const char *text, char address[VFIO_ADDRESS_BYTES])
{
	const char *colon = text ? strchr(text, ':') : NULL;
	long domain = 0, bus, slot, function;

	if (!colon)
		return -EINVAL;
	if (strchr(colon + 1, ':'))
		domain = number(&text, 4, ':');
	if (domain < 0 || (bus = number(&text, 2, ':')) < 0 || (slot = number(&text, 2, '.')) < 0 || slot > 31 || (function = number(&text, 1, 0)) < 0 ||
	    function > 7)
		return -EINVAL;
	snprintf(address, VFIO_ADDRESS_BYTES, "%04x:%02x:%02x.%x", (unsigned int)domain & 0xffff, (unsigned int)bus & 0xff, (unsigned int)slot & 0x1f,
		 (unsigned int)function & 7);
	return 0;
}

/* The last part of where a link leads; "" if there is none. */
static void follow(const char *path, char name[VFIO_NAME_BYTES])
{
	char target[PATH_MAX];
	const char *slash;
	ssize_t length;

	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = 0;
	slash = strrchr(target, '/');
	snprintf(name, VFIO_NAME_BYTES, "%.*s", VFIO_NAME_BYTES - 1, slash ? slash + 1 : target);
}

static int32_t group_in(const char *folder)
{
	char path[PATH_MAX], name[VFIO_NAME_BYTES], *end;
	unsigned long value;

	snprintf(path, sizeof(path), "%s/iommu_group", folder);
	follow(path, name);
	value = strtoul(name, &end, 10);
	return isdigit((unsigned char)name[0]) && !*end && value <= INT32_MAX ? (int32_t)value : -1;
}

int32_t vfio_group_of(int fd)
{
	char folder[PATH_MAX];
	struct stat status;

	if (fstat(fd, &status) || !S_ISCHR(status.st_mode))
		return -1;
	snprintf(folder, sizeof(folder), "/sys/dev/char/%u:%u/device", major(status.st_rdev), minor(status.st_rdev));
	return group_in(folder);
}

/*
 * VFIO gives each of its devices a folder vfio-dev/vfioN, since Linux 6.1; with a file "dev" in it
 * where there is a character device of it.
 */
static void find_cdev(struct vfio_found *found)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", found->address);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, "vfio", 4) || strlen(entry->d_name) > 32)
			continue;
		found->vfio = true;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev/%.32s/dev", found->address, entry->d_name);
		if (!access(path, F_OK))
			snprintf(found->cdev, sizeof(found->cdev), "/dev/vfio/devices/%.32s", entry->d_name);
	}
	closedir(folder);
}

int vfio_find(const char *address, struct vfio_found *found, const struct vfio_why *why)
{
	char path[PATH_MAX], link[PATH_MAX];

	memset(found, 0, sizeof(*found));
	found->group = -1;
	if (vfio_address(address, found->address))
		return vfio_say(why, -EINVAL, "\"%s\" is no PCI address; one is like 0000:00:05.0", address ? address : "");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", found->address);
	if (access(path, F_OK))
		return vfio_say(why, -ENODEV, "%s: there is no such PCI function here (no %s)", found->address, path);
	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/driver", found->address);
	follow(link, found->driver);
	found->group = group_in(path);
	if (found->group >= 0)
		snprintf(found->group_file, sizeof(found->group_file), "/dev/vfio/%d", found->group);
	/* Older kernels have no such folder: there, a name has to do. */
	found->vfio = strstr(found->driver, "vfio");
	find_cdev(found);
	return 0;
}

int vfio_find_device(const char *address, struct vfio_found *found, const struct vfio_why *why)
{
	int error = vfio_find(address, found, why);

	if (error)
		return error;
	if (found->group < 0)
		return vfio_say(why, -ENODEV,
				"%s is behind no IOMMU (no iommu_group in /sys/bus/pci/devices/%s): is there one, and does the kernel use it (intel_iommu=on)?",
				found->address, found->address);
	if (!found->driver[0])
		return vfio_say(why, -ENODEV,
				"%s is bound to no driver: echo vfio-pci > /sys/bus/pci/devices/%s/driver_override; echo %s > /sys/bus/pci/drivers_probe",
				found->address, found->address, found->address);
	if (!found->vfio)
		return vfio_say(why, -ENODEV,
				"%s is bound to %s, which is no VFIO driver: echo vfio-pci > /sys/bus/pci/devices/%s/driver_override; "
				"echo %s > /sys/bus/pci/devices/%s/driver/unbind; echo %s > /sys/bus/pci/drivers_probe",
				found->address, found->driver, found->address, found->address, found->address, found->address);
	return 0;
}
