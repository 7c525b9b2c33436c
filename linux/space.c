/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See space.h.
 *
 * Invariants:
 *  - `pages` has exactly what is mapped: the name of the page of each IOVA, by entry_of(). Each
 *    entry holds what get() took. It is empty where nothing is recorded: see records().
 *  - A page is put after the IOTLB was flushed. Pages that wait for that are `retired`.
 *  - Any page can be unmapped without another: no call maps as much as the IOMMU's driver has a
 *    larger page for.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "space.h"
#include "words.h"

#define SPACE_BATCH   128ul /* pages that are pinned at a time */
#define SPACE_RETIRED 256u
#define SPACE_AT_ONCE 1024ul /* pages that are unmapped at a time where none is put */

struct space {
	struct host_space space;
	const struct space_ops *ops;
	struct iommu_domain *domain;
	struct iommu_iotlb_gather gather;
	struct words pages; /* by IOVA */
	bool coherent;	    /* are all accesses of devices, those of later ones included */
	bool torn;	    /* the IOMMU has failed to unmap something */
	unsigned long most; /* pages of one mapping for which the IOMMU has no larger page */
	unsigned int retired_number;
	unsigned long retired[SPACE_RETIRED];
	struct page *batch[SPACE_BATCH];
};

static void log_line(void *ctx, enum viommu_log_level level, const char *what, u64 a, u64 b)
{
	if (level == VIOMMU_LOG_INFO)
		pr_debug("viommu: %s (%#llx, %#llx)\n", what, a, b);
	else
		pr_warn_ratelimited("viommu: %s (%#llx, %#llx)\n", what, a, b);
}

int space_vm_create(enum viommu_pin_policy pin, struct viommu_vm **out)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;

	config.pin = pin;
	config.step_entries = VIOMMU_LEAST_STEP_ENTRIES;
	config.log = log_line;
	return viommu_vm_create(&config, out);
}

void space_host_init(struct viommu_host *host, const struct space_ops *ops)
{
	host->ops = &ops->host;
	host->caps = (struct viommu_host_caps){
		.size = sizeof(host->caps),
		.name = "iommu",
		.split = true,
		.page_sizes = PAGE_SIZE,
		.entry_limit = VIOMMU_NO_LIMIT,
	};
}

static struct space *space_of(struct host_space *space)
{
	return container_of(space, struct space, space);
}

struct iommu_domain *space_domain(struct host_space *space)
{
	return space_of(space)->domain;
}

bool space_is_coherent(struct host_space *space)
{
	return space_of(space)->coherent;
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

static void free_domain(struct space *space)
{
	if (space->ops->free_domain)
		space->ops->free_domain(space->domain);
}

int domain_space_create(struct viommu_host *host, struct host_vm *guest, u64 first, u64 last, const struct host_memory *memory, struct host_space **out)
{
	struct space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	int error;

	if (!space)
		return -ENOMEM;
	space->ops = container_of(host->ops, struct space_ops, host);
	space->domain = space->ops->alloc_domain(host, &space->coherent);
	if (IS_ERR(space->domain)) {
		error = (int)PTR_ERR(space->domain);
		goto free;
	}
	error = -ERANGE;
	if (first < space->domain->geometry.aperture_start || last > space->domain->geometry.aperture_end)
		goto free_domain;
	space->space.host = host;
	space->most = most_pages(space->domain);
	words_init(&space->pages);
	iommu_iotlb_gather_init(&space->gather);
	*out = &space->space;
	return 0;
free_domain:
	free_domain(space);
free:
	kfree(space);
	return error;
}

static void put_retired(struct space *space)
{
	if (space->retired_number && space->ops->put)
		space->ops->put(space->space.host, space->retired, space->retired_number);
	space->retired_number = 0;
}

static void sync(struct space *space)
{
	iommu_iotlb_sync(space->domain, &space->gather);
	put_retired(space);
}

/* Mapped pages are recorded where they have to be put, or the domain has to be emptied. */
static bool records(const struct space *space)
{
	return space->ops->put || !space->ops->free_domain;
}

static unsigned long name_of_page(const struct space *space, u64 gpa, struct page *page)
{
	return space->ops->name ? space->ops->name(gpa, page) : 0;
}

/* A name may be 0. */
static unsigned long entry_of(unsigned long name)
{
	return name << 1 | 1;
}

static unsigned long name_of(unsigned long entry)
{
	return entry >> 1;
}

static int record(struct space *space, unsigned long index, u64 gpa, struct page **pages, unsigned long number)
{
	int error = 0;

	for (unsigned long i = 0; i < number && records(space) && !error; i++)
		error = words_set(&space->pages, index + i, entry_of(name_of_page(space, gpa + ((u64)i << PAGE_SHIFT), pages[i])));
	return error;
}

/* Takes pages off the record, and appends them to `retired` where they are to be put. */
static void strike(struct space *space, unsigned long index, unsigned long number, bool retire)
{
	unsigned long last = index + number - 1, entry;

	if (!number || !records(space))
		return;
	for (; index <= last && (entry = words_next(&space->pages, &index, last)); index++) {
		if (retire)
			space->retired[space->retired_number++] = name_of(entry);
		words_set(&space->pages, index, 0);
	}
}

/*
 * The next mapped pages from *index on that are contiguous, at most as many as may be retired at
 * once. 0 if there are none up to the last. Without a record it is the range itself, which may have
 * pages that are not mapped.
 */
static unsigned long next_run(struct space *space, unsigned long *index, unsigned long last)
{
	unsigned long pages = 1;

	if (!records(space))
		return min(last - *index + 1, SPACE_AT_ONCE);
	if (!words_next(&space->pages, index, last))
		return 0;
	while (pages < SPACE_BATCH && pages <= last - *index && words_get(&space->pages, *index + pages))
		pages++;
	return pages;
}

static bool is_mapped(const struct space *space, unsigned long index)
{
	return iommu_iova_to_phys(space->domain, index << PAGE_SHIFT);
}

/*
 * Unmaps pages of next_run(). 0, or -EIO with some still mapped. Drivers may complain of pages that
 * are not mapped: where there may be such, each page is looked at first.
 */
static int remove_run(struct space *space, unsigned long index, unsigned long pages)
{
	bool probe = space->torn || (!records(space) && !is_mapped(space, index));
	unsigned long end = index + pages;
	int error = 0;

	while (index < end) {
		unsigned long number = probe ? 1 : end - index, gone;

		if (!probe || is_mapped(space, index)) {
			gone = iommu_unmap_fast(space->domain, index << PAGE_SHIFT, number << PAGE_SHIFT, &space->gather) >> PAGE_SHIFT;
			gone = min(gone, number);
			strike(space, index, gone, true);
			/* Some drivers end at a page that is not mapped. */
			if (gone < number && is_mapped(space, index + gone)) {
				space->torn = true;
				error = -EIO;
			}
			probe |= gone < number;
			number = max(gone, 1ul);
		}
		index += number;
	}
	if (space->retired_number > SPACE_RETIRED - SPACE_BATCH)
		sync(space);
	return error;
}

static int remove(struct space *space, u64 first, u64 last)
{
	unsigned long index = first >> PAGE_SHIFT, end = last >> PAGE_SHIFT, pages;
	int error = 0;

	while (index <= end && (pages = next_run(space, &index, end))) {
		int failed = remove_run(space, index, pages);

		error = failed ? failed : error;
		index += pages;
		cond_resched();
	}
	return error;
}

/* The number of pages from the first on that are contiguous in memory. */
static unsigned long contiguous(struct page **pages, unsigned long number, unsigned long most)
{
	unsigned long pfn = page_to_pfn(pages[0]), n = 1;

	while (n < number && n < most && page_to_pfn(pages[n]) == pfn + n)
		n++;
	return n;
}

static int map_run(struct space *space, unsigned long index, u64 gpa, struct page **pages, unsigned long number, int prot)
{
	int error;

	error = iommu_map(space->domain, index << PAGE_SHIFT, page_to_phys(pages[0]), number << PAGE_SHIFT, prot, GFP_KERNEL_ACCOUNT);
	if (error)
		return error;
	error = record(space, index, gpa, pages, number);
	if (!error)
		return 0;
	strike(space, index, number, false);
	iommu_unmap(space->domain, index << PAGE_SHIFT, number << PAGE_SHIFT);
	return error;
}

/*
 * Maps the pages of the batch. Returns the number of mapped pages: after a failure these stay, and
 * the others are unpinned.
 */
static unsigned long map_batch(struct space *space, unsigned long index, u64 gpa, unsigned long number, int prot, int *error)
{
	unsigned long done = 0, mapped;

	while (done < number) {
		unsigned long n = contiguous(space->batch + done, number - done, space->most);

		*error = map_run(space, index + done, gpa + ((u64)done << PAGE_SHIFT), space->batch + done, n, prot);
		if (*error)
			break;
		done += n;
	}
	mapped = done;
	for (; done < number && space->ops->put; done++) {
		unsigned long name = space->ops->name(gpa + ((u64)done << PAGE_SHIFT), space->batch[done]);

		space->ops->put(space->space.host, &name, 1);
	}
	return mapped;
}

int domain_space_map(struct host_space *host_space, const struct host_mapping *mapping)
{
	struct space *space = space_of(host_space);
	int prot = IOMMU_CACHE | (mapping->prot & VIOMMU_READ ? IOMMU_READ : 0) | (mapping->prot & VIOMMU_WRITE ? IOMMU_WRITE : 0), error = 0;
	unsigned long index = mapping->first >> PAGE_SHIFT, pages = ((mapping->last - mapping->first) >> PAGE_SHIFT) + 1, done = 0;

	if (space->ops->reserves(host_space->host, mapping->first, mapping->last))
		return -ENOSPC;
	while (done < pages && !error) {
		u64 offset = (u64)done << PAGE_SHIFT;
		/* A mapping may be all of a large guest: a killed process does not wait for it. */
		long got = fatal_signal_pending(current) ? -ENOMEM
							 : space->ops->get(host_space->host, mapping, offset, min(pages - done, SPACE_BATCH), space->batch);

		if (got < 0)
			error = (int)got;
		else
			done += map_batch(space, index + done, mapping->gpa + offset, got, prot, &error);
		cond_resched();
	}
	if (!error)
		return 0;
	/*
	 * Nothing of it was there before. What cannot be removed again is reached, though, and
	 * stays pinned until the space goes.
	 */
	if (done && remove(space, mapping->first, mapping->first + (((u64)done << PAGE_SHIFT) - 1)))
		error = -EIO;
	sync(space);
	return error;
}

int domain_space_unmap(struct host_space *space, u64 first, u64 last)
{
	return remove(space_of(space), first, last);
}

int domain_space_flush(struct host_space *host_space)
{
	sync(space_of(host_space));
	WRITE_ONCE(host_space->generation, host_space->generation + 1);
	return 0;
}

/*
 * No device is attached any more, so that no IOTLB has anything of the domain. A domain that is not
 * the space's is emptied before its pages are put.
 */
void domain_space_destroy(struct host_space *host_space)
{
	struct space *space = space_of(host_space);
	unsigned long entry;

	if (!space->ops->free_domain)
		remove(space, 0, U64_MAX);
	sync(space);
	free_domain(space);
	for (unsigned long index = 0; (entry = words_next(&space->pages, &index, ULONG_MAX)); index++) {
		space->retired[space->retired_number++] = name_of(entry);
		if (space->retired_number == SPACE_RETIRED) {
			put_retired(space);
			cond_resched();
		}
	}
	put_retired(space);
	words_destroy(&space->pages);
	kfree(space);
}
