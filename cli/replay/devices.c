// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * --host: the hosts of a replayed machine, and the devices of this machine for its functions.
 *
 * The first function of a capture gets the first device, the second one the second, in order of
 * appearance. A function that is unplugged and comes back under its FID gets the same device again.
 * Functions without a device are on the soft host, and are compared as always.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "dma/dma.h"
#include "host/vfio.h"

const char *replay_host_name(enum replay_host host)
{
	static const char *const names[] = { [REPLAY_SOFT] = "soft", [REPLAY_TYPE1] = "type1", [REPLAY_IOMMUFD] = "iommufd", [REPLAY_KERNEL] = "kernel" };

	return names[host];
}

bool replay_has_runs(const struct replay *replay, const struct replay_function *function)
{
	return function->device < 0 || replay->options->host != REPLAY_KERNEL;
}

bool replay_parse_host(const char *text, struct replay_options *to, char *why, size_t why_bytes)
{
	size_t length = strcspn(text, ":");
	unsigned int kind;

	for (kind = REPLAY_SOFT; kind <= REPLAY_KERNEL; kind++) {
		const char *name = replay_host_name((enum replay_host)kind);
		if (length == strlen(name) && !strncmp(text, name, length))
			break;
	}
	to->device_count = 0;
	to->host = (enum replay_host)kind;
	if (kind == REPLAY_SOFT && !text[length])
		return true;
	if (kind == REPLAY_SOFT || kind > REPLAY_KERNEL || !text[length]) {
		snprintf(why, why_bytes, "'%s' is none of soft, kernel:BDF[,BDF...], type1:BDF[,BDF...] and iommufd:BDF[,BDF...]", text);
		return false;
	}
	for (text += length + 1;; text += length + 1) {
		char one[VFIO_ADDRESS_BYTES + 1];
		length = strcspn(text, ",");
		snprintf(one, sizeof(one), "%.*s", (int)(length < VFIO_ADDRESS_BYTES ? length : VFIO_ADDRESS_BYTES), text);
		if (to->device_count == REPLAY_MAX_DEVICES) {
			snprintf(why, why_bytes, "no more than %u devices", REPLAY_MAX_DEVICES);
			return false;
		}
		char *address = to->devices[to->device_count];
		if (length >= VFIO_ADDRESS_BYTES || vfio_address(one, address)) {
			snprintf(why, why_bytes, "'%.*s' is not a PCI address; 0000:00:05.0 is one", (int)length, text);
			return false;
		}
		for (unsigned int i = 0; i < to->device_count; i++) {
			if (!strcmp(to->devices[i], address)) {
				snprintf(why, why_bytes, "%s is named twice", address);
				return false;
			}
		}
		to->device_count++;
		if (!text[length])
			return true;
	}
}

int replay_hosts_create(struct replay *replay)
{
	static int (*const creates[])(const struct viommu_vfio_config *config, struct viommu_host **out) = {
		[REPLAY_TYPE1] = viommu_host_type1_create,
		[REPLAY_IOMMUFD] = viommu_host_iommufd_create,
		[REPLAY_KERNEL] = viommu_host_kernel_create,
	};
	const struct replay_options *to = replay->options;
	struct viommu_vfio_device device = VIOMMU_VFIO_DEVICE_INIT;
	char why[400] = "";
	struct viommu_vfio_config config = { .size = sizeof(config), .iommu_fd = -1, .device = &device, .why = why, .why_bytes = sizeof(why) };

	int err = viommu_host_soft_create(&replay->host);
	if (err || to->host == REPLAY_SOFT)
		return err;
	if (to->host == REPLAY_KERNEL && to->pin == VIOMMU_PIN_ON_REFRESH && to->budget != VIOMMU_NO_LIMIT) {
		snprintf(replay->problem, sizeof(replay->problem),
			 "kernel: this host keeps no --budget but where all memory is pinned (--pin guest); RLIMIT_MEMLOCK bounds it (ulimit -l)");
		return -EOPNOTSUPP;
	}
	replay_pinned_by_kernel(&replay->locked_before, &replay->pinned_before);
	device.address = to->devices[0];
	err = creates[to->host](&config, &replay->kernel_host);
	if (err)
		snprintf(replay->problem, sizeof(replay->problem), "%s: %s; `viommu probe %s' says more", replay_host_name(to->host),
			 *why ? why : strerror(-err), to->devices[0]);
	return err;
}

int replay_device_for(struct replay *replay, uint32_t number)
{
	const struct replay_options *to = replay->options;

	for (unsigned int i = 0; i < replay->devices_used; i++) {
		if (replay->device_numbers[i] == number)
			return (int)i;
	}
	if (to->host == REPLAY_SOFT || replay->devices_used == to->device_count)
		return -1;
	replay->device_numbers[replay->devices_used] = number;
	return (int)replay->devices_used++;
}

/* Whether the device can check anything, tested before the capture is executed. */
int replay_device_check(struct replay *replay, uint64_t line, const struct replay_function *function)
{
	if (function->device < 0 || !replay->options->dma_pages)
		return 0;
	const char *address = replay->options->devices[function->device];
	int kind = dma_kind(viommu_device_vfio_fd(replay->iommu->device(function)));
	if (kind == DMA_EDU || (kind == DMA_NVME && replay->options->overwrite))
		return 0;
	if (kind < 0)
		replay_problem(replay, line, "%s: its configuration space cannot be read: %s", address, strerror(-kind));
	else if (kind == DMA_NVME)
		replay_problem(replay, line,
			       "%s is an NVMe, and checking by DMA writes over the first 4 KiB of its first namespace: say --overwrite if they may be lost, or "
			       "--dma-pages 0 to leave the check out",
			       address);
	else
		replay_problem(replay, line, "%s is neither QEMU's edu nor an NVMe, and cannot do DMA for the check: --dma-pages 0 leaves it out", address);
	return -1;
}

int replay_aperture_check(struct replay *replay, const struct capture_record *record)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	struct utsname system = { 0 };
	uint64_t first, last;

	if (replay->options->host == REPLAY_SOFT || !replay->iommu->registers)
		return 0;
	const struct replay_function *function = replay->iommu->registers(replay, record, &first, &last);
	if (!function || function->device < 0)
		return 0;
	viommu_host_caps(replay->kernel_host, &caps);
	if (first > last || (first >= caps.first && last <= caps.last))
		return 0;
	uname(&system);
	bool s390 = !strcmp(system.machine, "s390x");
	replay_problem(replay, record->line,
		       "the guest registers IOVAs 0x%" PRIx64 " to 0x%" PRIx64 ", and %s reaches 0x%" PRIx64 " to 0x%" PRIx64
		       " on this machine. A guest with less memory registers less, or %s",
		       first, last, replay->options->devices[function->device], caps.first, caps.last,
		       s390 ? "boot this machine with s390_iommu_aperture=0"
			    : "take a machine whose IOMMU has more address bits (QEMU: -device intel-iommu,aw-bits=48)");
	return -1;
}

/* The number of KiB after a name. */
static uint64_t status_bytes(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? (uint64_t)strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

bool replay_pinned_by_kernel(uint64_t *locked, uint64_t *pinned)
{
	char status[8192];
	FILE *file = fopen("/proc/self/status", "re");

	*locked = *pinned = 0;
	if (!file)
		return false;
	size_t length = fread(status, 1, sizeof(status) - 1, file);
	fclose(file);
	status[length] = '\0';
	*locked = status_bytes(status, "\nVmLck:");
	*pinned = status_bytes(status, "\nVmPin:");
	return true;
}
