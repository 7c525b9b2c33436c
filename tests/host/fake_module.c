/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fake kernel's module viommu, as include/uapi/linux/vfio_viommu.h documents it: containers
 * whose groups are attached to domains, and domains that are filled by the reference's walk, page
 * by page, or are direct.
 */
#include "fake_objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vfio.h>
#include <linux/vfio_viommu.h>
#include <viommu/types.h>

#include "../reference/naive.h"

enum { PAGES = 4096, DOMAINS = 8 };

#define PAGE UINT64_C(4096)

struct page {
	uint64_t iova;
	unsigned char *hva;
	bool writable;
};

static struct domain {
	uint32_t id; /* 0: free */
	int container;
	bool narrow;			  /* made for a device of another IOMMU */
	struct vfio_viommu_direct direct; /* size 0: it has tables */
	struct naive_tables tables;
	struct page pages[PAGES];
	size_t number;
} domains[DOMAINS];

static uint32_t last_id;

void fake_module_begin(void)
{
	for (unsigned int i = 0; i < DOMAINS; i++)
		domains[i].id = 0;
}

static struct domain *find(int container, uint32_t id)
{
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (id && domains[i].id == id && domains[i].container == container)
			return &domains[i];
	return NULL;
}

static struct fake_file *find_group(int container, uint32_t number)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind == FAKE_GROUP && fake.files[i].container == container && fake.files[i].number == number)
			return &fake.files[i];
	return NULL;
}

static bool is_narrow(uint32_t group)
{
	return group == fake_group_of(1) && group != fake_group_of(0);
}

size_t fake_module_domains(void)
{
	size_t number = 0;

	for (unsigned int i = 0; i < DOMAINS; i++)
		number += domains[i].id != 0;
	return number;
}

/* Whether a page of memory is among those of a container's domains, up to this one of them. */
static bool is_pinned(int container, const unsigned char *hva, const struct page *until)
{
	for (unsigned int i = 0; i < DOMAINS; i++) {
		for (size_t n = 0; domains[i].id && domains[i].container == container && n < domains[i].number; n++) {
			if (&domains[i].pages[n] == until)
				return false;
			if (domains[i].pages[n].hva == hva)
				return true;
		}
	}
	return false;
}

static bool has_direct(int container)
{
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (domains[i].id && domains[i].container == container && domains[i].direct.size)
			return true;
	return false;
}

uint64_t fake_module_pinned(const struct fake_file *container)
{
	uint64_t bytes = 0;

	if (container->module == VFIO_VIOMMU_PINNED_IOMMU || has_direct(container->fd)) {
		for (size_t i = 0; i < fake.mapping_number; i++)
			if (fake.mappings[i].container == container->fd)
				bytes += fake.mappings[i].last - fake.mappings[i].first + 1;
		return bytes;
	}
	for (unsigned int i = 0; i < DOMAINS; i++)
		for (size_t n = 0; domains[i].id && domains[i].container == container->fd && n < domains[i].number; n++)
			bytes += is_pinned(container->fd, domains[i].pages[n].hva, &domains[i].pages[n]) ? 0 : PAGE;
	return bytes;
}

static bool has_room(const struct fake_file *container, uint64_t bytes)
{
	return !fake.options.lock_limit || fake_module_pinned(container) + bytes <= fake.options.lock_limit;
}

static uint32_t reason_of(enum naive_outcome outcome)
{
	static const uint32_t reasons[] = {
		[NAIVE_TABLE_UNBACKED] = VIOMMU_FAULT_TABLE_UNBACKED, [NAIVE_TYPE] = VIOMMU_FAULT_ENTRY_TYPE, [NAIVE_LENGTH] = VIOMMU_FAULT_ENTRY_LENGTH,
		[NAIVE_FORMAT] = VIOMMU_FAULT_ENTRY_FORMAT,	      [NAIVE_ZERO] = VIOMMU_FAULT_ENTRY_ZERO,
	};

	return reasons[outcome];
}

static struct page *page_at(struct domain *domain, uint64_t iova)
{
	for (size_t i = 0; i < domain->number; i++)
		if (domain->pages[i].iova == iova)
			return &domain->pages[i];
	return NULL;
}

/* A page as the tables have it now; hva NULL: none. */
static struct page look(struct domain *domain, const struct naive_memory *memory, uint64_t iova, struct vfio_viommu_outcome *outcome)
{
	struct naive_answer answer = naive_walk(memory, &domain->tables, iova);
	struct page page = { .iova = iova };
	bool writable = false;

	outcome->entries++;
	if (answer.outcome == NAIVE_PAGE) {
		page.hva = (unsigned char *)(uintptr_t)naive_byte(memory, answer.gpa, &writable);
		page.writable = answer.writable && writable;
	}
	outcome->unbacked += answer.outcome == NAIVE_LEAF_UNBACKED;
	if (answer.outcome >= NAIVE_TABLE_UNBACKED && !outcome->fault_reason) {
		outcome->fault_reason = reason_of(answer.outcome);
		outcome->fault_level = answer.level;
		outcome->fault_iova = iova;
		outcome->fault_entry_gpa = answer.entry_gpa;
		outcome->fault_entry = answer.entry;
	}
	return page;
}

static void establish(struct fake_file *container, struct domain *domain, const struct page *page, struct vfio_viommu_outcome *outcome)
{
	bool fresh = container->module == VFIO_VIOMMU_PAGED_IOMMU && !is_pinned(container->fd, page->hva, NULL);

	if (domain->number == PAGES)
		abort();
	if ((fresh && !has_room(container, PAGE)) || fake_is_reserved(0, page->iova, page->iova + PAGE - 1)) {
		outcome->unestablished++;
		return;
	}
	domain->pages[domain->number++] = *page;
	outcome->established++;
}

static uint32_t refresh(struct fake_file *container, struct domain *domain, uint64_t first, uint64_t last, struct vfio_viommu_outcome *outcome)
{
	struct naive_slot slots[16];
	struct naive_memory memory = { .slots = slots };
	struct vfio_viommu_outcome ignored;

	memset(outcome, 0, sizeof(*outcome));
	if (first > last || first > domain->tables.pal || last < domain->tables.pba)
		return VFIO_VIOMMU_REFRESH_OUTSIDE;
	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container == container->fd)
			slots[memory.count++] = (struct naive_slot){ at->first, at->last - at->first + 1, at->hva, at->prot & VFIO_DMA_MAP_FLAG_WRITE };
	}
	first = first < domain->tables.pba ? domain->tables.pba : first & ~(PAGE - 1);
	last = last > domain->tables.pal ? domain->tables.pal : last;
	for (uint64_t iova = first; iova <= last; iova += PAGE) {
		struct page *old = page_at(domain, iova), page = look(domain, &memory, iova, outcome);

		if (old && (old->hva != page.hva || old->writable != page.writable)) {
			*old = domain->pages[--domain->number];
			outcome->released++;
		}
	}
	for (uint64_t iova = first; iova <= last; iova += PAGE) {
		const struct page page = look(domain, &memory, iova, &ignored);

		if (page.hva && !page_at(domain, iova))
			establish(container, domain, &page, outcome);
	}
	if (outcome->fault_reason)
		return VFIO_VIOMMU_REFRESH_MALFORMED;
	return outcome->unestablished ? VFIO_VIOMMU_REFRESH_INSUFFICIENT : VFIO_VIOMMU_REFRESH_DONE;
}

static struct domain *new_domain(const struct fake_file *container, uint32_t group)
{
	struct domain *domain = domains;

	while (domain->id)
		if (++domain == domains + DOMAINS)
			abort();
	domain->id = ++last_id;
	domain->container = container->fd;
	domain->narrow = is_narrow(group);
	domain->number = 0;
	domain->direct.size = 0;
	return domain;
}

static int create_direct(struct fake_file *container, struct vfio_viommu_domain_create *create)
{
	const struct vfio_viommu_direct *direct = (const void *)(uintptr_t)create->data_uptr;
	struct domain *domain;

	if (direct->size != sizeof(*direct) || create->data_len != sizeof(*direct) || direct->flags > VIOMMU_RW || direct->first > direct->last ||
	    (direct->first | (direct->last + 1) | direct->offset) % PAGE || !find_group(container->fd, create->group))
		return -EINVAL;
	if (direct->first < FAKE_FIRST || direct->last > fake_last(is_narrow(create->group)))
		return -ERANGE;
	domain = new_domain(container, create->group);
	domain->direct = *direct;
	if (!has_room(container, 0)) {
		domain->id = 0;
		return -ENOSPC;
	}
	memset(&create->out_outcome, 0, sizeof(create->out_outcome));
	create->out_domain = domain->id;
	return 0;
}

static int create(struct fake_file *container, struct vfio_viommu_domain_create *create)
{
	const struct vfio_viommu_zpci *zpci = (const void *)(uintptr_t)create->data_uptr;
	struct domain *domain;
	uint32_t status;

	if (create->argsz < sizeof(*create) || create->flags || create->data_type != VFIO_VIOMMU_DATA_ZPCI || create->data_len < sizeof(*zpci) ||
	    zpci->size > create->data_len || zpci->size < sizeof(*zpci) || zpci->flags & ~VFIO_VIOMMU_ZPCI_QEMU || !find_group(container->fd, create->group) ||
	    zpci->pba > zpci->pal || naive_top_level(zpci->iota, zpci->flags) < 0)
		return -EINVAL;
	if (zpci->pba < FAKE_FIRST || zpci->pal > fake_last(is_narrow(create->group)))
		return -ERANGE;
	domain = new_domain(container, create->group);
	domain->tables = (struct naive_tables){ zpci->iota, zpci->pba & ~(PAGE - 1), zpci->pal | (PAGE - 1), zpci->flags & VFIO_VIOMMU_ZPCI_QEMU };
	status = refresh(container, domain, zpci->pba, zpci->pal, &create->out_outcome);
	if (status == VFIO_VIOMMU_REFRESH_INSUFFICIENT || create->out_outcome.unestablished) {
		domain->id = 0;
		return -ENOSPC;
	}
	create->out_domain = domain->id;
	return 0;
}

static void destroy(struct domain *domain)
{
	for (unsigned int i = 0; i < FAKE_FILES; i++)
		if (fake.files[i].kind == FAKE_GROUP && fake.files[i].container == domain->container && fake.files[i].attached == domain->id)
			fake.files[i].attached = 0;
	domain->id = 0;
}

static int attach(const struct fake_file *container, const struct vfio_viommu_attach *attach)
{
	struct fake_file *group = find_group(container->fd, attach->group);
	const struct domain *domain = find(container->fd, attach->domain);

	if (attach->argsz < sizeof(*attach) || attach->flags || !group)
		return -EINVAL;
	if (attach->domain && !domain)
		return -ENOENT;
	group->attached = 0;
	if (domain && fake.options.other_iommu && domain->narrow != is_narrow(attach->group))
		return -EIO;
	group->attached = attach->domain;
	return 0;
}

static int info(const struct fake_file *container, struct vfio_viommu_info *info)
{
	const struct vfio_viommu_range small = { FAKE_FIRST + 1, FAKE_FIRST + PAGE - 1 };
	const struct vfio_viommu_range ranges[2] = { { FAKE_FIRST, FAKE_WINDOW_FIRST - 1 }, { FAKE_WINDOW_LAST + 1, fake_last(is_narrow(info->group)) } };
	const uint32_t number = fake.options.no_page ? 1 : 2;

	if (info->argsz < sizeof(*info) || info->flags || !find_group(container->fd, info->group))
		return -EINVAL;
	if (info->ranges)
		memcpy((void *)(uintptr_t)info->ranges_uptr, fake.options.no_page ? &small : ranges,
		       (info->ranges < number ? info->ranges : number) * sizeof(small));
	info->out_ranges = number;
	info->out_domains = (uint32_t)fake_module_domains();
	info->out_data_types = UINT64_C(1) << VFIO_VIOMMU_DATA_ZPCI | UINT64_C(1) << VFIO_VIOMMU_DATA_DIRECT;
	info->out_pinned = fake_module_pinned(container);
	return 0;
}

static int map(const struct fake_file *container, const struct vfio_iommu_type1_dma_map *map)
{
	const struct fake_mapping mapping = {
		.container = container->fd,
		.first = map->iova,
		.last = map->iova + (map->size - 1),
		.hva = (unsigned char *)(uintptr_t)map->vaddr,
		.prot = map->flags,
	};

	if (map->argsz < sizeof(*map) || !(map->flags & VFIO_DMA_MAP_FLAG_READ) || map->flags & ~3u || !map->size ||
	    (map->iova | map->vaddr | map->size) % PAGE)
		return -EINVAL;
	if ((container->module == VFIO_VIOMMU_PINNED_IOMMU || has_direct(container->fd)) && !has_room(container, map->size))
		return -ENOSPC;
	return fake_insert(&mapping);
}

static int unmap(const struct fake_file *container, struct vfio_iommu_type1_dma_unmap *unmap)
{
	uint64_t bytes;
	int error;

	if (unmap->argsz < sizeof(*unmap) || unmap->flags || !unmap->size || (unmap->iova | unmap->size) % PAGE)
		return -EINVAL;
	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container != container->fd || at->first < unmap->iova || at->last > unmap->iova + (unmap->size - 1))
			continue;
		for (unsigned int d = 0; d < DOMAINS; d++)
			for (size_t n = domains[d].container == container->fd ? domains[d].number : 0; n--;)
				if (domains[d].pages[n].hva >= at->hva && domains[d].pages[n].hva < at->hva + (at->last - at->first))
					domains[d].pages[n] = domains[d].pages[--domains[d].number];
	}
	error = fake_remove(container->fd, 0, unmap->iova, unmap->iova + (unmap->size - 1), &bytes);
	unmap->size = bytes;
	return error;
}

int fake_module_ioctl(struct fake_file *container, unsigned long request, void *argument)
{
	struct vfio_viommu_domain_create *created = argument;
	struct vfio_viommu_refresh *refreshed = argument;
	struct vfio_viommu_domain_destroy *destroyed = argument;
	struct domain *domain;

	switch (request) {
	case VFIO_IOMMU_MAP_DMA:
		return map(container, argument);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap(container, argument);
	case VFIO_VIOMMU_INFO:
		return info(container, argument);
	case VFIO_VIOMMU_DOMAIN_CREATE:
		return created->data_type == VFIO_VIOMMU_DATA_DIRECT ? create_direct(container, argument) : create(container, argument);
	case VFIO_VIOMMU_ATTACH:
		return attach(container, argument);
	case VFIO_VIOMMU_DOMAIN_DESTROY:
		domain = find(container->fd, destroyed->domain);
		if (!domain)
			return -ENOENT;
		destroy(domain);
		return 0;
	case VFIO_VIOMMU_REFRESH:
		domain = find(container->fd, refreshed->domain);
		if (!domain)
			return -ENOENT;
		if (domain->direct.size)
			return -EOPNOTSUPP;
		refreshed->out_status = refresh(container, domain, refreshed->first, refreshed->last, &refreshed->out_outcome);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* The container's last group has left. */
void fake_module_end(int fd)
{
	struct fake_file *container = fake_file(fd);

	for (unsigned int i = 0; i < DOMAINS; i++)
		if (domains[i].id && domains[i].container == fd)
			destroy(&domains[i]);
	/* Its file may be closed already. */
	if (container)
		container->module = 0;
}

static int direct_dma(const struct domain *domain, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	uint64_t gpa = iova - domain->direct.offset;

	for (size_t i = 0; i < fake.mapping_number; i++) {
		const struct fake_mapping *at = &fake.mappings[i];

		if (at->container != domain->container || iova < domain->direct.offset || gpa < at->first || gpa > at->last)
			continue;
		if (iova < domain->direct.first || iova > domain->direct.last || !(at->prot & domain->direct.flags))
			break;
		*hva = at->hva + (gpa - at->first);
		*prot = at->prot & domain->direct.flags;
		return 0;
	}
	return -ENOENT;
}

int fake_module_dma(const struct fake_file *group, uint64_t iova, unsigned char **hva, uint32_t *prot)
{
	struct domain *domain = find(group->container, group->attached);
	const struct page *page = domain && !domain->direct.size ? page_at(domain, iova & ~(PAGE - 1)) : NULL;

	if (domain && domain->direct.size)
		return direct_dma(domain, iova, hva, prot);
	if (!page)
		return -ENOENT;
	*hva = page->hva + iova % PAGE;
	*prot = VIOMMU_READ | (page->writable ? VIOMMU_WRITE : 0);
	return 0;
}
