/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to all drivers: finding a device's registers through VFIO (Linux,
 * include/uapi/linux/vfio.h), enabling it, resetting it.
 *
 * Registers are mapped if loads and stores can reach them. s390 has special instructions for that,
 * which the kernel executes for reads and writes of the file descriptor.
 */
#include "dma/driver.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __s390x__
#define LOADS_REACH_REGISTERS false
#else
#define LOADS_REACH_REGISTERS true
#endif

#define EDU_ID	   0x11e81234u /* device and vendor */
#define NVME_CLASS 0x010802u   /* base class, subclass, programming interface */

/* Time limit of the kernel's recovery of a function. Some hundred milliseconds were observed. */
#define RECOVERY_MS 10000u

uint64_t dma_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void dma_pause(void)
{
	sched_yield();
}

int dma_failed(struct dma_device *device, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(device->why, sizeof(device->why), format, arguments);
	va_end(arguments);
	return error;
}

static int region(int vfio_fd, uint32_t index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(vfio_fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

static int config_read(int vfio_fd, uint32_t offset, void *value, size_t bytes)
{
	struct vfio_region_info config;
	int error = region(vfio_fd, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	ssize_t got;

	if (error)
		return error;
	got = pread(vfio_fd, value, bytes, (off_t)(config.offset + offset));
	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EIO;
}

static int config_write(int vfio_fd, uint32_t offset, const void *value, size_t bytes)
{
	struct vfio_region_info config;
	int error = region(vfio_fd, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	ssize_t put;

	if (error)
		return error;
	put = pwrite(vfio_fd, value, bytes, (off_t)(config.offset + offset));
	if (put < 0)
		return -errno;
	return (size_t)put == bytes ? 0 : -EIO;
}

/* Turns memory space and bus mastering on or off. */
static int enable(struct dma_device *device, bool on)
{
	uint16_t command;
	int error = config_read(device->vfio_fd, PCI_COMMAND, &command, sizeof(command));

	if (error)
		return dma_failed(device, error, "cannot read the PCI command register: %s", strerror(-error));
	command = le16toh(command);
	if (on)
		command = (uint16_t)(command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	else
		command = (uint16_t)(command & ~PCI_COMMAND_MASTER);
	command = htole16(command);
	error = config_write(device->vfio_fd, PCI_COMMAND, &command, sizeof(command));
	if (error)
		return dma_failed(device, error, "cannot write the PCI command register: %s", strerror(-error));
	return 0;
}

int dma_load32(struct dma_device *device, uint64_t offset, uint32_t *value)
{
	uint32_t raw;

	if (device->bar) {
		raw = *(volatile uint32_t *)(device->bar + offset);
	} else {
		ssize_t got = pread(device->vfio_fd, &raw, sizeof(raw), (off_t)(device->bar_offset + offset));

		if (got != (ssize_t)sizeof(raw))
			return dma_failed(device, -ENXIO, "cannot read register 0x%llx", (unsigned long long)offset);
	}
	*value = le32toh(raw);
	return 0;
}

static int put(struct dma_device *device, uint64_t offset, const void *raw, size_t bytes)
{
	if (pwrite(device->vfio_fd, raw, bytes, (off_t)(device->bar_offset + offset)) != (ssize_t)bytes)
		return dma_failed(device, -ENXIO, "cannot write register 0x%llx", (unsigned long long)offset);
	return 0;
}

int dma_store32(struct dma_device *device, uint64_t offset, uint32_t value)
{
	uint32_t raw = htole32(value);

	if (!device->bar)
		return put(device, offset, &raw, sizeof(raw));
	*(volatile uint32_t *)(device->bar + offset) = raw;
	return 0;
}

int dma_store64(struct dma_device *device, uint64_t offset, uint64_t value)
{
	uint64_t raw = htole64(value);

	if (!device->bar)
		return put(device, offset, &raw, sizeof(raw));
	*(volatile uint64_t *)(device->bar + offset) = raw;
	return 0;
}

int dma_kind(int vfio_fd)
{
	uint32_t id, class;
	int error = config_read(vfio_fd, PCI_VENDOR_ID, &id, sizeof(id));

	if (!error)
		error = config_read(vfio_fd, PCI_CLASS_REVISION, &class, sizeof(class));
	if (error)
		return error;
	if (le32toh(id) == EDU_ID)
		return DMA_EDU;
	return le32toh(class) >> 8 == NVME_CLASS ? DMA_NVME : DMA_NONE;
}

static int find_registers(struct dma_device *device)
{
	struct vfio_region_info bar;
	int error = region(device->vfio_fd, VFIO_PCI_BAR0_REGION_INDEX, &bar);
	void *mapped;

	if (error)
		return dma_failed(device, error, "cannot ask for its BAR 0: %s", strerror(-error));
	if (!bar.size)
		return dma_failed(device, -ENODEV, "it has no BAR 0");
	device->bar_offset = bar.offset;
	device->bar_bytes = bar.size;
	if (!LOADS_REACH_REGISTERS || !(bar.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return 0;
	/* A BAR with capabilities may only be mapped in parts. It is read and written instead. */
	mapped = mmap(NULL, (size_t)bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, device->vfio_fd, (off_t)bar.offset);
	if (mapped != MAP_FAILED)
		device->bar = mapped;
	return 0;
}

int dma_restart(struct dma_device *device)
{
	int error = enable(device, true);

	return error ? error : device->driver->start(device);
}

int dma_event(int vfio_fd, uint32_t index)
{
	union {
		struct vfio_irq_set set;
		unsigned char room[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} request = { .set = { .argsz = sizeof(request), .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .index = index, .count = 1 } };
	const int32_t event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int error;

	if (event < 0)
		return -errno;
	memcpy(request.set.data, &event, sizeof(event));
	if (!ioctl(vfio_fd, VFIO_DEVICE_SET_IRQS, &request))
		return event;
	error = -errno;
	close(event);
	return error;
}

static void forget_errors(struct dma_device *device)
{
	eventfd_t number;

	if (device->error_event >= 0)
		eventfd_read(device->error_event, &number);
}

/*
 * The kernel recovers a function in an error state, whose registers read as ones, after an event
 * (Linux, arch/s390/pci/pci_event.c). A reset before that disturbs the recovery; a later one waits
 * for its end.
 */
static void await_recovery(struct dma_device *device)
{
	struct pollfd error = { .fd = device->error_event, .events = POLLIN };
	uint32_t first;

	if (device->error_event >= 0 && (dma_load32(device, 0, &first) || first == UINT32_MAX))
		poll(&error, 1, RECOVERY_MS);
}

int dma_reset(struct dma_device *device)
{
	uint64_t until = dma_now_ms() + RECOVERY_MS;
	int error;

	await_recovery(device);
	while (ioctl(device->vfio_fd, VFIO_DEVICE_RESET)) {
		/* There is no reset: only restarting is left. */
		if (errno == EINVAL || errno == ENOTTY)
			break;
		if (errno != EAGAIN || dma_now_ms() > until)
			return dma_failed(device, -errno, "cannot reset it: %s", strerror(errno));
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	error = dma_restart(device);
	forget_errors(device);
	return error;
}

static int start(struct dma_device *device)
{
	int error = find_registers(device);

	/* Optional: some kernels and functions do not report errors. */
	device->error_event = dma_event(device->vfio_fd, VFIO_PCI_ERR_IRQ_INDEX);
	return error ? error : dma_restart(device);
}

int dma_open(int vfio_fd, const struct dma_page pages[DMA_PAGES], struct dma_device **out, char *why, size_t why_bytes)
{
	struct dma_device *device = calloc(1, sizeof(*device));
	int kind = dma_kind(vfio_fd);
	int error;

	if (!device)
		return -ENOMEM;
	device->vfio_fd = vfio_fd;
	device->error_event = -1;
	device->driver = kind == DMA_EDU ? &dma_edu : &dma_nvme;
	memcpy(device->pages, pages, sizeof(device->pages));
	if (kind < 0)
		error = dma_failed(device, kind, "cannot read its configuration space: %s", strerror(-kind));
	else if (kind == DMA_NONE)
		error = dma_failed(device, -ENODEV, "it is neither an NVMe nor QEMU's edu, which are all whose DMA can be commanded");
	else
		error = start(device);
	if (!error) {
		*out = device;
		return 0;
	}
	if (why)
		snprintf(why, why_bytes, "%s", device->why);
	dma_close(device);
	return error;
}

void dma_close(struct dma_device *device)
{
	if (!device)
		return;
	if (device->bar_bytes) {
		device->driver->stop(device);
		enable(device, false);
	}
	if (device->bar)
		munmap((void *)device->bar, (size_t)device->bar_bytes);
	if (device->error_event >= 0)
		close(device->error_event);
	free(device);
}

static int transfer(struct dma_device *device, uint64_t iova, uint64_t block, bool write)
{
	if (iova % DMA_BYTES)
		return dma_failed(device, -EINVAL, "IOVA 0x%llx is no multiple of %u", (unsigned long long)iova, DMA_BYTES);
	if (block >= device->blocks)
		return dma_failed(device, -EINVAL, "there is no block %llu", (unsigned long long)block);
	forget_errors(device);
	return device->driver->transfer(device, iova, block, write);
}

int dma_read_from(struct dma_device *device, uint64_t iova, uint64_t block)
{
	return transfer(device, iova, block, false);
}

int dma_write_to(struct dma_device *device, uint64_t iova, uint64_t block)
{
	return transfer(device, iova, block, true);
}

uint64_t dma_blocks(const struct dma_device *device)
{
	return device->blocks;
}

const char *dma_name(const struct dma_device *device)
{
	return device->driver->name;
}

const char *dma_why(const struct dma_device *device)
{
	return device->why;
}
