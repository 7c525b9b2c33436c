/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translating, from any thread, without a lock.
 *
 * A reader keeps the last few extents that it looked up. Each carries the generation of the space
 * at which the host found it, and is good while the space still has that generation: a flush, which
 * is what ends a release, makes every older one stale before the release is answered. Extents that
 * appear make nothing stale, since what is not mapped is not kept.
 */
#include "core/device.h"
#include "core/domain.h"

/* With the VM's lock held: the lock under which the list of readers is read, if there is one. */
static void lock_readers(struct attachment *attachment)
{
	if (attachment->domain)
		port_lock(&attachment->domain->lock);
}

static void unlock_readers(struct attachment *attachment)
{
	if (attachment->domain)
		port_unlock(&attachment->domain->lock);
}

int viommu_reader_create(struct viommu_device *device, uint32_t pasid, struct viommu_reader **out)
{
	struct viommu_reader *reader;
	int error;

	if (!device->host->caps.lookup)
		return -PORT_EOPNOTSUPP;
	reader = port_alloc(sizeof(*reader), READER_ALIGN);
	if (!reader)
		return -PORT_ENOMEM;
	port_lock(&device->vm->lock);
	error = device_get_attachment(device, pasid, &reader->attachment);
	if (!error) {
		lock_readers(reader->attachment);
		list_append(&reader->attachment->readers, &reader->in_attachment);
		unlock_readers(reader->attachment);
	}
	port_unlock(&device->vm->lock);
	if (error) {
		port_free(reader, sizeof(*reader), READER_ALIGN);
		return error;
	}
	*out = reader;
	return 0;
}

void viommu_reader_destroy(struct viommu_reader *reader)
{
	struct attachment *attachment;
	struct viommu_vm *vm;

	if (!reader)
		return;
	attachment = reader->attachment;
	vm = attachment->device->vm;
	port_lock(&vm->lock);
	lock_readers(attachment);
	list_remove(&reader->in_attachment);
	unlock_readers(attachment);
	attachment_put(attachment);
	port_unlock(&vm->lock);
	port_free(reader, sizeof(*reader), READER_ALIGN);
}

void viommu_reader_enter(struct viommu_reader *reader)
{
	port_store_relaxed(&reader->held, reader->held + 1);
	port_fence();
}

void viommu_reader_leave(struct viommu_reader *reader)
{
	port_store_release(&reader->held, reader->held + 1);
}

static void begin(struct viommu_reader *reader)
{
	port_store_relaxed(&reader->inside, reader->inside + 1);
	port_grace_light();
}

static void end(struct viommu_reader *reader)
{
	port_store_release(&reader->inside, reader->inside + 1);
}

/* The extent that iova is in, NULL if nothing is there. The pointer is good until the next call. */
static const struct reader_extent *find_extent(struct viommu_reader *reader, struct viommu_domain *domain, uint64_t iova)
{
	struct reader_extent *extent = &reader->cache[(iova / VIOMMU_PAGE_SIZE) % READER_CACHE];
	struct host_mapping mapping;
	uint64_t alias;

	if (extent->prot && iova >= extent->first && iova <= extent->last && extent->generation == port_load_acquire(&domain->host_space->generation))
		return extent;
	/* Extents are kept where the access sees them. */
	alias = iova - domain_iova(domain, iova);
	if (domain->host->ops->lookup(domain->host_space, iova - alias, &mapping, &extent->generation)) {
		extent->prot = 0;
		return NULL;
	}
	extent->first = mapping.first + alias;
	extent->last = mapping.last + alias;
	extent->hva = mapping.hva;
	extent->prot = mapping.prot;
	return extent;
}

static int fail(const struct attachment *attachment, struct viommu_fault *fault, enum viommu_fault_reason reason, uint64_t iova, uint32_t access)
{
	const struct viommu_fault ours = { .reason = reason, .iova = iova, .access = access, .entry_gpa = UINT64_MAX, .pasid = attachment->pasid };

	if (fault)
		*fault = ours;
	return -PORT_EFAULT;
}

static int translate(struct viommu_reader *reader, uint64_t iova, uint64_t last, uint32_t access, struct viommu_piece *pieces, unsigned int max,
		     uint64_t *translated, struct viommu_fault *fault)
{
	struct attachment *attachment = reader->attachment;
	struct viommu_domain *domain = port_load_acquire(&attachment->reached);
	uint64_t binding = port_load_relaxed(&attachment->binding);
	unsigned int number = 0;

	if (!domain)
		return fail(attachment, fault, VIOMMU_FAULT_BLOCKED, iova, access);
	if (reader->binding != binding || reader->domain != domain) {
		for (unsigned int i = 0; i < READER_CACHE; i++)
			reader->cache[i].prot = 0;
		reader->binding = binding;
		reader->domain = domain;
	}
	for (;;) {
		const struct reader_extent *extent = find_extent(reader, domain, iova);
		unsigned char *hva;
		uint64_t bytes;

		if (!extent)
			return fail(attachment, fault, iova < domain->first || iova > domain->last ? VIOMMU_FAULT_APERTURE : VIOMMU_FAULT_NOT_PRESENT, iova,
				    access);
		if (access & ~extent->prot)
			return fail(attachment, fault, VIOMMU_FAULT_PROTECTION, iova, access);
		hva = extent->hva + (iova - extent->first);
		bytes = (last < extent->last ? last : extent->last) - iova + 1;
		if (number && hva == (unsigned char *)pieces[number - 1].hva + pieces[number - 1].bytes) {
			pieces[number - 1].bytes += bytes;
		} else {
			if (number == max)
				return (int)number;
			pieces[number++] = (struct viommu_piece){ .hva = hva, .bytes = bytes };
		}
		*translated += bytes;
		if (last <= extent->last)
			return (int)number;
		iova += bytes;
	}
}

int viommu_translate(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces, unsigned int max,
		     uint64_t *translated, struct viommu_fault *fault)
{
	uint64_t unused;
	int result;

	if (!translated)
		translated = &unused;
	*translated = 0;
	if (!bytes)
		return 0;
	if (!max || iova + (bytes - 1) < iova)
		return -PORT_EINVAL;
	begin(reader);
	result = translate(reader, iova, iova + (bytes - 1), access, pieces, max, translated, fault);
	end(reader);
	return result;
}
