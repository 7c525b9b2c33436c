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
#include "port/sized.h"

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
		slots_user_add(device->vm, &reader->slots);
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

void reader_free(struct viommu_reader *reader)
{
	struct attachment *attachment = reader->attachment;

	lock_readers(attachment);
	list_remove(&reader->in_attachment);
	unlock_readers(attachment);
	slots_user_remove(&reader->slots);
	port_free(reader, sizeof(*reader), READER_ALIGN);
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
	reader_free(reader);
	attachment_put(attachment);
	port_unlock(&vm->lock);
}

void viommu_reader_enter(struct viommu_reader *reader)
{
	port_debug_held(true);
	port_store_relaxed(&reader->held, reader->held + 1);
	port_fence();
}

void viommu_reader_leave(struct viommu_reader *reader)
{
	port_store_release(&reader->held, reader->held + 1);
	port_debug_held(false);
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

static port_always_inline struct reader_extent *place(struct viommu_reader *reader, uint64_t iova)
{
	return &reader->cache[(iova / VIOMMU_PAGE_SIZE) % READER_CACHE];
}

static port_always_inline bool is_good(const struct reader_extent *extent, const struct viommu_domain *domain)
{
	return extent->generation == port_load_acquire(&domain->host_space->generation);
}

/* The extent that iova is in, NULL if nothing is there. The pointer is good until the next call. */
static port_always_inline const struct reader_extent *find_extent(struct viommu_reader *reader, struct viommu_domain *domain, uint64_t iova)
{
	struct reader_extent *extent = place(reader, iova);
	struct host_mapping mapping;
	uint64_t alias = 0;

	if (extent->prot && iova >= extent->first && iova <= extent->last && is_good(extent, domain))
		return extent;
	/* Extents are kept where the access sees them. */
	if (__builtin_expect(domain->top_ignored, 0))
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

static port_always_inline int fail_unmapped(const struct attachment *attachment, const struct viommu_domain *domain, struct viommu_fault *fault, uint64_t iova,
					    uint32_t access)
{
	bool outside;

	if (!fault)
		return -PORT_EFAULT;
	outside = iova < domain->first || iova > domain->last;
	return fail(attachment, fault, outside ? VIOMMU_FAULT_APERTURE : VIOMMU_FAULT_NOT_PRESENT, iova, access);
}

/* The result of a translation so far. */
struct result {
	struct viommu_piece *pieces;
	unsigned int number;
	unsigned int max;
	uint64_t translated;
};

/* False if there is no room for another piece. */
static port_always_inline bool add(struct result *result, unsigned char *hva, uint64_t bytes)
{
	struct viommu_piece *piece = result->pieces + result->number;

	if (result->number && hva == (unsigned char *)piece[-1].hva + piece[-1].bytes) {
		piece[-1].bytes += bytes;
	} else {
		if (result->number == result->max)
			return false;
		*piece = (struct viommu_piece){ .hva = hva, .bytes = bytes };
		result->number++;
	}
	result->translated += bytes;
	return true;
}

/* From so many pages on they are looked up together. Fewer are often known to the reader. */
#define MANY_PAGES    4u
#define PAGES_AT_ONCE 32u

/*
 * Whole pages from iova on, as far as the host finds them in small mappings that allow the access,
 * but not the page that the range ends in.
 */
static port_noinline void add_pages(const struct viommu_domain *domain, uint64_t iova, uint64_t last, uint32_t access, struct result *result)
{
	struct host_page page[PAGES_AT_ONCE];
	uint64_t left = (last - iova) / VIOMMU_PAGE_SIZE;
	unsigned int found;

	do {
		unsigned int max = left < PAGES_AT_ONCE ? (unsigned int)left : PAGES_AT_ONCE;

		found = domain->host->ops->lookup_pages(domain->host_space, domain_iova(domain, iova), page, max);
		for (unsigned int i = 0; i < found; i++)
			if (access & ~page[i].prot || !add(result, page[i].hva, VIOMMU_PAGE_SIZE))
				return;
		left -= found;
		iova += found * VIOMMU_PAGE_SIZE;
	} while (left && found == PAGES_AT_ONCE);
}

/* The domain that the reader's device reaches now, for which its cache is made ready; or NULL. */
static port_always_inline struct viommu_domain *follow(struct viommu_reader *reader)
{
	const struct attachment *attachment = reader->attachment;
	struct viommu_domain *domain = port_load_acquire(&attachment->reached);
	uint64_t binding = port_load_relaxed(&attachment->binding);

	if (domain && (reader->binding != binding || reader->domain != domain)) {
		for (unsigned int i = 0; i < READER_CACHE; i++)
			reader->cache[i].prot = 0;
		reader->binding = binding;
		reader->domain = domain;
	}
	return domain;
}

static port_always_inline int translate(struct viommu_reader *reader, uint64_t first, uint64_t last, uint32_t access, struct result *result,
					struct viommu_fault *fault)
{
	const struct attachment *attachment = reader->attachment;
	struct viommu_domain *domain = follow(reader);
	uint64_t iova = first;

	if (!domain)
		return fail(attachment, fault, VIOMMU_FAULT_BLOCKED, iova, access);
	for (;;) {
		const struct reader_extent *extent = find_extent(reader, domain, iova);

		if (!extent)
			return fail_unmapped(attachment, domain, fault, iova, access);
		if (access & ~extent->prot)
			return fail(attachment, fault, VIOMMU_FAULT_PROTECTION, iova, access);
		if (!add(result, extent->hva + (iova - extent->first), (last < extent->last ? last : extent->last) - iova + 1) || last <= extent->last)
			return (int)result->number;
		iova = first + result->translated;
		if (last - iova < MANY_PAGES * VIOMMU_PAGE_SIZE || extent->last - extent->first >= VIOMMU_PAGE_SIZE || !domain->host->ops->lookup_pages)
			continue;
		add_pages(domain, iova, last, access, result);
		iova = first + result->translated;
	}
}

/* Begun by the caller, whose arguments these are. */
static port_noinline int translate_and_end(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces,
					   unsigned int max, uint64_t *translated, struct viommu_fault *fault)
{
	struct result result = { .pieces = pieces, .max = max };
	int ret = translate(reader, iova, iova + (bytes - 1), access, &result, fault);

	end(reader);
	if (translated)
		*translated = result.translated;
	return ret;
}

/* The common case: all of it lies in one extent that the reader remembers. */
static port_always_inline bool is_remembered(struct viommu_reader *reader, uint64_t iova, uint64_t last, uint32_t access, unsigned char **hva)
{
	const struct reader_extent *extent = place(reader, iova);
	const struct attachment *attachment = reader->attachment;
	const struct viommu_domain *domain;

	if (!extent->prot || access & ~extent->prot || iova < extent->first || last > extent->last)
		return false;
	domain = port_load_acquire(&attachment->reached);
	if (!domain || reader->domain != domain || reader->binding != port_load_relaxed(&attachment->binding) || !is_good(extent, domain))
		return false;
	*hva = extent->hva + (iova - extent->first);
	return true;
}

int viommu_translate(struct viommu_reader *reader, uint64_t iova, uint64_t bytes, uint32_t access, struct viommu_piece *pieces, unsigned int max,
		     uint64_t *translated, struct viommu_fault *fault)
{
	uint64_t last = iova + (bytes - 1);
	unsigned char *hva;

	if (!bytes || !max || last < iova) {
		if (translated)
			*translated = 0;
		return bytes ? -PORT_EINVAL : 0;
	}
	begin(reader);
	if (!is_remembered(reader, iova, last, access, &hva))
		return translate_and_end(reader, iova, bytes, access, pieces, max, translated, fault);
	*pieces = (struct viommu_piece){ .hva = hva, .bytes = bytes };
	end(reader);
	if (translated)
		*translated = bytes;
	return 1;
}

/*
 * The extent around iova, with what follows it in host memory, but not looked for beyond last. NULL
 * if nothing is there.
 */
static bool find_run(struct viommu_reader *reader, struct viommu_domain *domain, uint64_t iova, uint64_t last, struct reader_extent *run)
{
	const struct reader_extent *extent;

	*run = (struct reader_extent){ .prot = 0 };
	while ((extent = find_extent(reader, domain, run->prot ? run->last + 1 : iova))) {
		if (!run->prot)
			*run = *extent;
		else if (extent->prot == run->prot && extent->generation == run->generation && extent->first == run->last + 1 &&
			 extent->hva == run->hva + (extent->first - run->first))
			run->last = extent->last;
		else
			break;
		if (run->last >= last)
			break;
	}
	return run->prot;
}

/*
 * Clips a run to the slot that has the memory at iova, and fills in the extent. False: no slot has
 * it, as the slots have changed since.
 */
static bool find_gpa(struct viommu_reader *reader, const struct reader_extent *run, uint64_t iova, struct viommu_extent *extent)
{
	const unsigned char *hva = run->hva + (iova - run->first);
	uint64_t before = iova - run->first, after = run->last - iova, at;
	const struct slot *slot;

	port_lock(&reader->slots.lock);
	slot = slots_find_memory(vm_slots(reader->attachment->device->vm), hva, run->prot);
	if (slot) {
		at = (uintptr_t)hva - slot->hva;
		if (before > at)
			before = at;
		if (after > slot->last - slot->first - at)
			after = slot->last - slot->first - at;
		*extent = (struct viommu_extent){
			.prot = run->prot,
			.first = iova - before,
			.last = iova + after,
			.gpa = slot->first + (at - before),
			.hva = run->hva + (iova - before - run->first),
		};
	}
	port_unlock(&reader->slots.lock);
	return slot;
}

int viommu_lookup(struct viommu_reader *reader, uint64_t iova, uint64_t last, struct viommu_extent *extent, struct viommu_fault *fault)
{
	struct viommu_extent known;
	struct viommu_domain *domain;
	struct reader_extent run;
	int ret = 0;
	bool found;

	if (!sized_fits(extent, VIOMMU_EXTENT_SIZE_V0) || last < iova)
		return -PORT_EINVAL;
	begin(reader);
	domain = follow(reader);
	if (!domain)
		ret = fail(reader->attachment, fault, VIOMMU_FAULT_BLOCKED, iova, 0);
	/*
	 * A slot is removed after the flush of all translations to it. As long as the generation
	 * is the one of the look-up, the slot with this memory is the one that was translated to.
	 */
	do {
		found = domain && find_run(reader, domain, iova, last, &run) && find_gpa(reader, &run, iova, &known);
	} while (found && !is_good(&run, domain));
	if (domain && !found)
		ret = fail_unmapped(reader->attachment, domain, fault, iova, 0);
	end(reader);
	if (!ret)
		sized_out(extent, &known, sizeof(known));
	return ret;
}
