/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The core's host in a kernel. A space is a struct iommu_domain of the group that it was created
 * for, and a device is a group.
 *
 * Invariants:
 *  - `pages` has exactly what is mapped: for each page of IOVAs the page frame. For a paged guest
 *    each entry holds a pin of its frame.
 *  - A frame is unpinned after the IOTLB was flushed. Frames that wait for that are `retired`.
 *  - Any page can be unmapped without another: no call maps as much as the IOMMU's driver has a
 *    larger page for.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "container.h"

#define SPACE_BATCH   128ul /* pages that are pinned at a time */
#define SPACE_RETIRED 256u

struct space {
	struct host_space space;
	struct container *container;
	struct iommu_domain *domain;
	struct iommu_iotlb_gather gather;
	struct xarray pages; /* PFN by IOVA */
	bool coherent;	     /* are all accesses of devices, those of later ones included */
	unsigned long most;  /* pages of one mapping for which the IOMMU has no larger page */
	unsigned int retired_number;
	unsigned long retired[SPACE_RETIRED];
	struct page *batch[SPACE_BATCH];
};

static struct space *space_of(struct host_space *space)
{
	return container_of(space, struct space, space);
}

static struct group *group_of(struct host_device *device)
{
	return container_of(device, struct group_device, host_device)->group;
}

/*
 * One page less than the smallest page that is larger than the kernel's; as many as there may be
 * where there is none.
 */
static unsigned long most_pages(const struct iommu_domain *domain)
{
	unsigned long larger = domain->pgsize_bitmap & ~(2 * PAGE_SIZE - 1);

	return larger ? (1ul << (__ffs(larger) - PAGE_SHIFT)) - 1 : ULONG_MAX;
}

static int space_create(struct viommu_host *host, struct host_vm *guest, u64 first, u64 last, const struct host_memory *memory, struct host_space **out)
{
	struct group *group = group_of_host(host);
	struct space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	int error;

	if (!space)
		return -ENOMEM;
	space->domain = group_alloc_domain(group);
	if (IS_ERR(space->domain)) {
		error = (int)PTR_ERR(space->domain);
		goto free;
	}
	error = -ERANGE;
	if (first < space->domain->geometry.aperture_start || last > space->domain->geometry.aperture_end)
		goto free_domain;
	space->space.host = host;
	space->container = group->container;
	space->coherent = group->coherent;
	space->most = most_pages(space->domain);
	xa_init_flags(&space->pages, XA_FLAGS_ACCOUNT);
	iommu_iotlb_gather_init(&space->gather);
	*out = &space->space;
	return 0;
free_domain:
	iommu_domain_free(space->domain);
free:
	kfree(space);
	return error;
}

static void sync(struct space *space)
{
	iommu_iotlb_sync(space->domain, &space->gather);
	memory_put(space->container, space->retired, space->retired_number);
	space->retired_number = 0;
}

/* Unmaps pages that are mapped. 0, or -EIO with the rest still mapped. */
static int remove_run(struct space *space, unsigned long index, unsigned long pages)
{
	size_t bytes = iommu_unmap_fast(space->domain, index << PAGE_SHIFT, pages << PAGE_SHIFT, &space->gather);
	unsigned long gone = min(bytes >> PAGE_SHIFT, pages);

	for (unsigned long i = 0; i < gone; i++)
		space->retired[space->retired_number++] = xa_to_value(xa_erase(&space->pages, index + i));
	if (space->retired_number > SPACE_RETIRED - SPACE_BATCH)
		sync(space);
	return gone == pages ? 0 : -EIO;
}

static int remove(struct space *space, u64 first, u64 last)
{
	unsigned long index, from = 0, pages = 0;
	int error = 0, failed;
	void *entry;

	xa_for_each_range(&space->pages, index, entry, first >> PAGE_SHIFT, last >> PAGE_SHIFT)
	{
		if (pages && (index != from + pages || pages == SPACE_BATCH)) {
			failed = remove_run(space, from, pages);
			error = failed ? failed : error;
			pages = 0;
			cond_resched();
		}
		if (!pages)
			from = index;
		pages++;
	}
	failed = pages ? remove_run(space, from, pages) : 0;
	return failed ? failed : error;
}

/* The number of pages from the first on that are contiguous in memory. */
static unsigned long contiguous(struct page **pages, unsigned long number, unsigned long most)
{
	unsigned long pfn = page_to_pfn(pages[0]), n = 1;

	while (n < number && n < most && page_to_pfn(pages[n]) == pfn + n)
		n++;
	return n;
}

static int map_run(struct space *space, unsigned long index, struct page **pages, unsigned long number, int prot)
{
	unsigned long done = 0;
	int error;

	error = iommu_map(space->domain, index << PAGE_SHIFT, page_to_phys(pages[0]), number << PAGE_SHIFT, prot, GFP_KERNEL_ACCOUNT);
	if (error)
		return error;
	while (done < number && !error) {
		error = xa_err(xa_store(&space->pages, index + done, xa_mk_value(page_to_pfn(pages[done])), GFP_KERNEL_ACCOUNT));
		done += !error;
	}
	if (!error)
		return 0;
	while (done--)
		xa_erase(&space->pages, index + done);
	iommu_unmap(space->domain, index << PAGE_SHIFT, number << PAGE_SHIFT);
	return error;
}

/* Maps what is in the batch. On failure what was mapped of it stays, and the rest is unpinned. */
static int map_batch(struct space *space, unsigned long index, unsigned long number, int prot)
{
	unsigned long done = 0;
	int error = 0;

	while (done < number) {
		unsigned long n = contiguous(space->batch + done, number - done, space->most);

		error = map_run(space, index + done, space->batch + done, n, prot);
		if (error)
			break;
		done += n;
	}
	for (; done < number; done++) {
		unsigned long pfn = page_to_pfn(space->batch[done]);

		memory_put(space->container, &pfn, 1);
	}
	return error;
}

static int space_map(struct host_space *host_space, const struct host_mapping *mapping)
{
	struct space *space = space_of(host_space);
	int prot = IOMMU_READ | IOMMU_CACHE | (mapping->prot & VIOMMU_WRITE ? IOMMU_WRITE : 0), error = 0;
	unsigned long index = mapping->first >> PAGE_SHIFT, pages = ((mapping->last - mapping->first) >> PAGE_SHIFT) + 1, done = 0;

	if (group_any_reserves(space->container, mapping->first, mapping->last))
		return -ENOSPC;
	while (done < pages && !error) {
		long got = memory_get(space->container, mapping, (u64)done << PAGE_SHIFT, min(pages - done, SPACE_BATCH), space->batch);

		error = got < 0 ? (int)got : map_batch(space, index + done, got, prot);
		done += got < 0 ? 0 : got;
		cond_resched();
	}
	if (!error)
		return 0;
	/*
	 * Nothing of it was there before. What cannot be removed again is reached, though, and
	 * stays pinned until the space goes.
	 */
	if (remove(space, mapping->first, mapping->last))
		error = -EIO;
	sync(space);
	return error;
}

static int space_unmap(struct host_space *space, u64 first, u64 last)
{
	return remove(space_of(space), first, last);
}

static int space_flush(struct host_space *host_space)
{
	sync(space_of(host_space));
	WRITE_ONCE(host_space->generation, host_space->generation + 1);
	return 0;
}

/* No group is attached any more, so that no IOTLB has anything of the domain. */
static void space_destroy(struct host_space *host_space)
{
	struct space *space = space_of(host_space);
	unsigned long index;
	void *entry;

	sync(space);
	iommu_domain_free(space->domain);
	xa_for_each(&space->pages, index, entry)
	{
		space->retired[space->retired_number++] = xa_to_value(entry);
		if (space->retired_number == SPACE_RETIRED) {
			memory_put(space->container, space->retired, space->retired_number);
			space->retired_number = 0;
			cond_resched();
		}
	}
	memory_put(space->container, space->retired, space->retired_number);
	xa_destroy(&space->pages);
	kfree(space);
}

static int space_device_create(struct viommu_host *host, struct host_vm *guest, const void *data, struct host_device **out)
{
	struct group *group = (struct group *)data;
	struct group_device *device = host == &group->host.viommu ? &group->behind : &group->own;

	device->group = group;
	device->host_device.host = host;
	*out = &device->host_device;
	return 0;
}

static void space_device_destroy(struct host_device *device)
{
}

static int space_attach(struct host_space *space, struct host_device *device, u32 pasid)
{
	if (group_of(device)->coherent != space_of(space)->coherent)
		return -EINVAL;
	return iommu_attach_group(space_of(space)->domain, group_of(device)->iommu_group);
}

/* VFIO has claimed the group: detached, it is in a domain that blocks all. */
static int space_detach(struct host_space *space, struct host_device *device, u32 pasid)
{
	iommu_detach_group(space_of(space)->domain, group_of(device)->iommu_group);
	return 0;
}

/* A host is a part of its container. */
static void host_destroy(struct viommu_host *host)
{
}

const struct host_ops space_ops = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = space_map,
	.unmap = space_unmap,
	.flush = space_flush,
	.device_create = space_device_create,
	.device_destroy = space_device_destroy,
	.attach = space_attach,
	.detach = space_detach,
	.destroy = host_destroy,
};
