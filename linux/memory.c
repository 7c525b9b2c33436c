/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Guest memory: each VFIO_IOMMU_MAP_DMA is one slot of the core's. The slot's address is the
 * process's. A pinned guest's pages are pinned here, and are found by GPA when a table names them.
 * Of a paged guest each translation pins its own.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "container.h"

struct guest_range {
	u64 first; /* GPA */
	u64 last;
	unsigned long pages;
	unsigned long pinned; /* of pfns, filled in from the first on */
	unsigned long pfns[]; /* of a pinned guest */
};

#define BATCH 512ul

static void free_range(struct container *container, struct guest_range *range)
{
	for (unsigned long at = 0; at < range->pinned; at += BATCH) {
		pinned_put(&container->pinned, range->pfns + at, min(range->pinned - at, BATCH));
		cond_resched();
	}
	kvfree(range);
}

/*
 * Removing an entry may take memory, since what is next to it is merged. It must not fail: the
 * range is freed.
 */
static void forget_range(struct container *container, const struct guest_range *range)
{
	mtree_store_range(&container->memory, range->first, range->last, NULL, GFP_KERNEL | __GFP_NOFAIL);
}

static int pin_range(struct container *container, struct guest_range *range, unsigned long address, bool written)
{
	struct page **pages = kmalloc_array(BATCH, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	int error = pages ? 0 : -ENOMEM;

	while (!error && range->pinned < range->pages) {
		long got = pinned_get(&container->pinned, address + (range->pinned << PAGE_SHIFT), min(range->pages - range->pinned, BATCH), written, pages);

		if (got < 0)
			error = (int)got;
		for (long i = 0; i < got; i++)
			range->pfns[range->pinned++] = page_to_pfn(pages[i]);
		if (fatal_signal_pending(current))
			error = -EINTR;
		cond_resched();
	}
	kfree(pages);
	return error;
}

static int insert_range(struct container *container, struct guest_range *range, unsigned long address, u32 prot)
{
	struct viommu_slot slot = VIOMMU_SLOT_INIT;
	int error;

	if (!container->paged) {
		error = pin_range(container, range, address, prot & VIOMMU_WRITE);
		if (error)
			return error;
	}
	error = mtree_insert_range(&container->memory, range->first, range->last, range, GFP_KERNEL_ACCOUNT);
	if (error)
		return error;
	slot.prot = prot;
	slot.gpa = range->first;
	slot.bytes = range->last - range->first + 1;
	slot.hva = (void *)address;
	error = viommu_slot_add(container->vm, &slot);
	if (error && error != -EBUSY)
		forget_range(container, range);
	else
		container->mapped += slot.bytes;
	return error;
}

long memory_map(struct container *container, const struct vfio_iommu_type1_dma_map *map)
{
	u32 prot = map->flags & VFIO_DMA_MAP_FLAG_WRITE ? VIOMMU_RW : VIOMMU_READ;
	u64 pages = map->size >> PAGE_SHIFT;
	struct guest_range *range;
	int error;

	if (map->flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE) || !(map->flags & VFIO_DMA_MAP_FLAG_READ))
		return -EINVAL;
	if (!map->size || (map->iova | map->vaddr | map->size) & ~PAGE_MASK)
		return -EINVAL;
	if (map->iova + (map->size - 1) < map->iova || map->vaddr + (map->size - 1) < map->vaddr)
		return -EINVAL;
	if (current->mm != container->pinned.mm)
		return -EPERM;
	if (!access_ok((void __user *)map->vaddr, map->size))
		return -EFAULT;
	range = kvzalloc(struct_size(range, pfns, container->paged ? 0 : pages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!range)
		return -ENOMEM;
	range->first = map->iova;
	range->last = map->iova + (map->size - 1);
	range->pages = pages;
	error = insert_range(container, range, map->vaddr, prot);
	/* -EBUSY: devices reach a part of it until it is unmapped. */
	if (error && error != -EBUSY)
		free_range(container, range);
	return error;
}

static int remove_range(struct container *container, struct guest_range *range)
{
	int error = viommu_slot_remove(container->vm, range->first);

	if (error)
		return error;
	forget_range(container, range);
	container->mapped -= range->last - range->first + 1;
	free_range(container, range);
	return 0;
}

static bool cuts(struct container *container, u64 first, u64 last)
{
	const struct guest_range *one = mtree_load(&container->memory, first);
	const struct guest_range *other = mtree_load(&container->memory, last);

	return (one && one->first < first) || (other && other->last > last);
}

long memory_unmap(struct container *container, struct vfio_iommu_type1_dma_unmap *unmap)
{
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	unsigned long at = all ? 0 : unmap->iova, last;
	struct guest_range *range;
	int error = 0;

	if (unmap->flags & ~VFIO_DMA_UNMAP_FLAG_ALL || (unmap->iova | unmap->size) & ~PAGE_MASK)
		return -EINVAL;
	if (all ? unmap->iova || unmap->size : !unmap->size || unmap->iova + (unmap->size - 1) < unmap->iova)
		return -EINVAL;
	last = all ? ULONG_MAX : unmap->iova + (unmap->size - 1);
	if (cuts(container, at, last))
		return -EINVAL;
	unmap->size = 0;
	WRITE_ONCE(container->unmapping, current);
	while (!error && (range = mt_find(&container->memory, &at, last))) {
		u64 bytes = range->last - range->first + 1;

		error = remove_range(container, range);
		if (!error)
			unmap->size += bytes;
		if (!at)
			break;
	}
	WRITE_ONCE(container->unmapping, NULL);
	return error;
}

/* When the VM, and with it all slots, is gone. */
void memory_unmap_all(struct container *container)
{
	struct guest_range *range;
	unsigned long at = 0;

	mt_for_each (&container->memory, range, at, ULONG_MAX)
		free_range(container, range);
	mtree_destroy(&container->memory);
}

long memory_find(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages)
{
	const struct guest_range *range = mtree_load(&container_of_host(host)->memory, mapping->gpa + offset);
	unsigned long index;

	if (WARN_ON_ONCE(!range))
		return -EFAULT;
	index = (mapping->gpa + offset - range->first) >> PAGE_SHIFT;
	number = min(number, range->pages - index);
	for (unsigned long i = 0; i < number; i++)
		pages[i] = pfn_to_page(range->pfns[index + i]);
	return number;
}

long memory_get(struct viommu_host *host, const struct host_mapping *mapping, u64 offset, unsigned long number, struct page **pages)
{
	unsigned long address = (unsigned long)mapping->hva + offset;
	long got = pinned_get(&container_of_host(host)->pinned, address, number, mapping->prot & VIOMMU_WRITE, pages);

	/* Memory that the process has not mapped is a shortage, and no failure of the IOMMU's. */
	return got == -EFAULT ? -ENOSPC : got;
}

unsigned long memory_name(u64 gpa, struct page *page)
{
	return page_to_pfn(page);
}

void memory_put(struct viommu_host *host, const unsigned long *pfns, unsigned long number)
{
	pinned_put(&container_of_host(host)->pinned, pfns, number);
}
