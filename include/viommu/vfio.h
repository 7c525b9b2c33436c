/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hosts that drive the kernel: kernel (the module viommu in a VFIO container), type1 (a VFIO
 * container for each device) and iommufd (/dev/iommu), and the devices that they have, which are
 * VFIO's.
 *
 * Rules are Linux's: include/uapi/linux/vfio.h, include/uapi/linux/iommufd.h,
 * Documentation/driver-api/vfio.rst, Documentation/userspace-api/iommufd.rst.
 *
 * With none of them translations can be read back (no viommu_reader). type1 and iommufd cannot
 * split a mapping. A page stays pinned by the kernel while a device can reach it, and counts
 * against RLIMIT_MEMLOCK unless the process has CAP_IPC_LOCK. When the process ends, however it
 * ends, the kernel undoes all of it.
 *
 * How they differ:
 *  - kernel composes guests' tables in the kernel: viommu_domain_refresh() is one system call. It
 *    pins a page once, however many IOVAs and domains name it, charged to this process.
 *     - Its domains are those of viommu_domain_create(), where software walks the tables, direct
 *       ones and blocked ones. Others are -EOPNOTSUPP.
 *     - A domain takes a device of the VM on that host to exist, any one (-ENODEV), and is for
 *       devices behind IOMMUs of the same kind as that one's: attaching another is -EIO.
 *     - With VIOMMU_PIN_ON_REFRESH only RLIMIT_MEMLOCK bounds what is pinned: a VM with a
 *       pin_budget has no device there (viommu_device_create() is -EOPNOTSUPP), and
 *       viommu_vm_set_pin_budget() has no effect later. pinned_bytes of viommu_vm_stats() is what
 *       the kernel says; the peak is what such a call has seen.
 *     - viommu_domain_each_run() has no runs, and mapped_pages and shadow_bytes are 0: only the
 *       kernel knows. viommu_domain_walk() works.
 *  - iommufd pins a page of guest memory once, however many IOVAs and domains name it. With
 *    VIOMMU_PIN_GUEST all of it is pinned once, when a slot is added.
 *  - type1 pins, and counts, a page once for each mapping and device. It cannot pin memory that is
 *    not mapped: with VIOMMU_PIN_GUEST slots are charged to the VM's budget as a whole all the
 *    same, but the kernel pins what is mapped, when it is. A device's group stays in its container
 *    from the device's creation to its destruction; it is detached by taking all translations away.
 *    Attaching maps what the domain holds, and is -ENOSPC where that does not fit.
 *
 * A fault of a device's DMA is seen by the kernel alone, which logs it.
 */
#ifndef VIOMMU_VFIO_H
#define VIOMMU_VFIO_H

#include <viommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A device, by file descriptors or by address. The caller owns the file descriptors that it gives,
 * and keeps them open while the device exists. The library opens and closes the others.
 *
 *   type1    device_fd, group_fd and container_fd; a group given without a container is set into
 *            one of the library's own. A container must not be used for anything else.
 *   kernel   none: a device is given by its address. Its group is in the container of its VM; one
 *            whose group is another VM's is -EBUSY
 *   iommufd  device_fd of the cdev (/dev/vfio/devices/vfioN), not bound yet; or bound by the caller
 *            to the iommu_fd of the host's config, and bound_id
 *
 * An address is that of PCI ("0000:00:05.0"; the domain may be left out); the device is bound to
 * vfio-pci, or another VFIO driver, by then.
 */
struct viommu_vfio_device {
	uint32_t size;	      /* sizeof(struct viommu_vfio_device) */
	int32_t device_fd;    /* -1: not given */
	int32_t group_fd;     /* -1: not given */
	int32_t container_fd; /* -1: not given */
	const char *address;  /* NULL where file descriptors are given */
	/*
	 * iommufd: out_devid of the caller's VFIO_DEVICE_BIND_IOMMUFD. The device stays bound when
	 * the library's is destroyed, and is attached to nothing then. 0: the library binds it.
	 */
	uint32_t bound_id;
	uint32_t reserved; /* 0 */
};
#define VIOMMU_VFIO_DEVICE_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vfio_device, address)

#define VIOMMU_VFIO_DEVICE_INIT                                           \
	{                                                                 \
		sizeof(struct viommu_vfio_device), -1, -1, -1, NULL, 0, 0 \
	}

struct viommu_vfio_config {
	uint32_t size; /* sizeof(struct viommu_vfio_config) */
	/*
	 * iommufd: an open /dev/iommu, which stays the caller's; -1: the library opens it. Others:
	 * -1. Of an IOMMU group whose devices the host is given, the caller attaches none himself:
	 * to move one of a group moves all that are attached (docs/hosts.md).
	 */
	int32_t iommu_fd;
	/*
	 * The device that is asked what the host can do, and the first that viommu_device_create()
	 * may name. From here on it is held, and reaches nothing. Later devices may have wider
	 * apertures; one that has less is refused.
	 */
	const struct viommu_vfio_device *device;
	/*
	 * Where what went wrong is written, in words: what failed, on which file or device, and
	 * what may be done about it. May be NULL.
	 */
	char *why;
	size_t why_bytes;
};
#define VIOMMU_VFIO_CONFIG_SIZE_V0 VIOMMU_SIZE_TO(struct viommu_vfio_config, why_bytes)
#define VIOMMU_VFIO_CONFIG_INIT                                      \
	{                                                            \
		sizeof(struct viommu_vfio_config), -1, NULL, NULL, 0 \
	}

/*
 * Makes a host. 0; -EINVAL (config of no known size, an address that is none, no device named);
 * -ENODEV (no such device, or it is bound to no VFIO driver); -EACCES, -EPERM; -EBUSY (another
 * process has the device); -ENOSYS or -ENOENT (the kernel has no such interface); -ENOMEM; another
 * negative errno that the kernel gave. *why speaks of it. kernel: -EOPNOTSUPP where the module is
 * not loaded.
 */
VIOMMU_API int viommu_host_kernel_create(const struct viommu_vfio_config *config, struct viommu_host **out);
VIOMMU_API int viommu_host_type1_create(const struct viommu_vfio_config *config, struct viommu_host **out);
VIOMMU_API int viommu_host_iommufd_create(const struct viommu_vfio_config *config, struct viommu_host **out);

/*
 * Makes the first of kernel, iommufd and type1 that works here with the device as it is given. If
 * one does, *why begins with its name, and says why those before it do not: something to log. Else
 * it says that of all, and the errno is type1's.
 */
VIOMMU_API int viommu_host_vfio_create(const struct viommu_vfio_config *config, struct viommu_host **out);

/*
 * The VFIO device's file descriptor, for its regions and interrupts; it stays the library's (or the
 * caller's, if it was given). -1 where the device is none of VFIO's.
 */
VIOMMU_API int viommu_device_vfio_fd(const struct viommu_device *device);

#ifdef __cplusplus
}
#endif
#endif
