/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/type1.h"
#include "host/vfio_group.h"
#include "host/vfio_ioctl.h"

int type1_group_clear(const struct type1_group *group)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_ALL };

	return vfio_ioctl(group->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static void take_ranges(struct type1_info *info, const unsigned char *capability, size_t bytes, int *error)
{
	struct vfio_iommu_type1_info_cap_iova_range head;
	struct vfio_iova_range range;

	if (bytes < sizeof(head))
		return;
	memcpy(&head, capability, sizeof(head));
	for (uint32_t i = 0; !*error && i < head.nr_iovas && (i + 1) * sizeof(range) <= bytes - sizeof(head); i++) {
		memcpy(&range, capability + sizeof(head) + i * sizeof(range), sizeof(range));
		/*
		 * Up to Linux 6.18 vfio_iommu_type1.c reckons with the IOVA behind a mapping's end,
		 * which for the last page of all is 0.
		 */
		if (range.end == UINT64_MAX)
			range.end -= VIOMMU_PAGE_SIZE;
		*error = ranges_add(&info->usable, range.start, range.end);
	}
}

/*
 * The chain of capabilities behind the fixed part. Offsets are looked at before they are followed,
 * and lead forwards only, so that this ends.
 */
static int take_capabilities(struct type1_info *info, const unsigned char *answer, size_t bytes, uint32_t at)
{
	struct vfio_info_cap_header header;
	struct vfio_iommu_type1_info_dma_avail available;
	int error = 0;

	while (!error && at && at <= bytes - sizeof(header)) {
		memcpy(&header, answer + at, sizeof(header));
		if (header.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			take_ranges(info, answer + at, bytes - at, &error);
		if (header.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL && bytes - at >= sizeof(available)) {
			memcpy(&available, answer + at, sizeof(available));
			info->entry_limit = available.avail;
		}
		at = header.next > at ? header.next : 0;
	}
	return error;
}

static int ask(int container, struct type1_info *info, const struct vfio_why *why)
{
	struct vfio_iommu_type1_info fixed = { .argsz = sizeof(fixed) };
	unsigned char *answer;
	uint32_t bytes;
	int error;

	error = vfio_ioctl(container, VFIO_IOMMU_GET_INFO, &fixed);
	if (error < 0)
		return vfio_say(why, error, "the container does not say what it can do (VFIO_IOMMU_GET_INFO): %s", strerror(-error));
	bytes = fixed.argsz > sizeof(fixed) ? fixed.argsz : (uint32_t)sizeof(fixed);
	answer = calloc(1, bytes);
	if (!answer)
		return -ENOMEM;
	fixed.argsz = bytes;
	memcpy(answer, &fixed, sizeof(fixed));
	error = vfio_ioctl(container, VFIO_IOMMU_GET_INFO, answer);
	memcpy(&fixed, answer, sizeof(fixed));
	info->page_sizes = fixed.iova_pgsizes;
	info->entry_limit = VIOMMU_NO_LIMIT;
	if (error >= 0)
		error = fixed.flags & VFIO_IOMMU_INFO_CAPS ? take_capabilities(info, answer, bytes, fixed.cap_offset) : 0;
	free(answer);
	if (error)
		return vfio_say(why, error, "what the container says of itself cannot be understood (VFIO_IOMMU_GET_INFO): %s", strerror(-error));
	/* Kernels before 5.7 do not say: there, what is not usable shows when it is mapped. */
	return info->usable.number ? 0 : ranges_add(&info->usable, 0, UINT64_MAX);
}

/* Sees to it that the container has the group and type1v2 for its driver. */
static int join(struct type1_group *group, const char *text, const struct vfio_why *why)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	int error = vfio_group_enter(group->fd, group->container, !group->own_container, text, &group->set, why);

	if (error)
		return error;
	if (vfio_ioctl(group->container, VFIO_IOMMU_GET_INFO, &info) < 0) {
		error = vfio_ioctl_number(group->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
		if (error < 0)
			return vfio_say(why, error, "the container of %s does not take type1v2 for its driver (VFIO_SET_IOMMU): %s%s", text, strerror(-error),
					error == -EPERM ? "; without interrupt remapping that needs vfio_iommu_type1.allow_unsafe_interrupts=1" : "");
	}
	if (vfio_ioctl_number(group->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0 ||
	    vfio_ioctl_number(group->container, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL) <= 0)
		return vfio_say(why, -EOPNOTSUPP, "the container of %s is not of type1v2 with VFIO_UNMAP_ALL, which Linux has since 5.12", text);
	error = type1_group_clear(group);
	return error < 0 ? vfio_say(why, error, "the container of %s cannot be emptied (VFIO_IOMMU_UNMAP_DMA): %s", text, strerror(-error)) : 0;
}

static void close_group(struct type1_group *group)
{
	/* Refused while the caller has a device of it open; it is empty then. */
	if (group->set)
		vfio_ioctl_number(group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
	if (group->own_container && group->container >= 0)
		close(group->container);
	if (group->own_fd && group->fd >= 0)
		close(group->fd);
	free(group);
}

/* The number of a group's file: the same for each file descriptor of it. */
static int identify(const struct vfio_named *named, const struct vfio_found *found, uint64_t *number, const struct vfio_why *why)
{
	struct stat status;
	int error = named->address[0] ? stat(found->group_file, &status) : fstat(named->group_fd, &status);

	if (error)
		return vfio_say(why, -errno, "%s: %s", named->address[0] ? found->group_file : "the group's file descriptor", strerror(errno));
	*number = (uint64_t)status.st_rdev;
	return 0;
}

static int open_group(struct type1_group *group, const struct vfio_named *named, const struct vfio_found *found, struct type1_info *info,
		      const struct vfio_why *why)
{
	int error;

	group->own_fd = named->address[0];
	group->own_container = named->container_fd < 0;
	group->fd = named->group_fd;
	group->container = named->container_fd;
	if (group->own_fd) {
		group->fd = vfio_group_open(found, why);
		if (group->fd < 0)
			return group->fd;
	}
	if (group->own_container) {
		group->container = vfio_container_open("vfio_iommu_type1", why);
		if (group->container < 0)
			return group->container;
	}
	error = join(group, vfio_named_text(named), why);
	return error ? error : ask(group->container, info, why);
}

int type1_group_get(struct type1_host *host, const struct vfio_named *named, const struct vfio_found *found, struct type1_group **out, struct type1_info *info,
		    const struct vfio_why *why)
{
	struct type1_group *group;
	uint64_t file = 0;
	int error = identify(named, found, &file, why);

	if (error)
		return error;
	for (group = host->groups; group; group = group->next) {
		if (group->file == file) {
			group->devices++;
			*out = group;
			return 0;
		}
		if (named->container_fd >= 0 && group->container == named->container_fd)
			return vfio_say(why, -EBUSY, "the container that was given holds another group of this host");
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	error = open_group(group, named, found, info, why);
	if (error) {
		close_group(group);
		return error;
	}
	group->file = file;
	group->devices = 1;
	group->next = host->groups;
	host->groups = group;
	*out = group;
	return 0;
}

void type1_group_put(struct type1_host *host, struct type1_group *group)
{
	struct type1_group **at = &host->groups;

	if (--group->devices)
		return;
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	close_group(group);
}
