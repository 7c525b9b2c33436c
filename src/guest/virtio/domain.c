/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Domains of the guest, and their spaces. */
#include "virtio.h"

struct virtio_domain *virtio_domain_find(struct viommu_virtio *virtio, uint32_t id)
{
	struct guest_id *found = guest_registry_find(&virtio->domains, id);

	return found ? list_member(found, struct virtio_domain, id) : NULL;
}

struct virtio_domain *virtio_domain_create(struct viommu_virtio *virtio, uint32_t id, bool bypass)
{
	struct virtio_domain *domain = port_alloc(sizeof(*domain), 0);

	if (!domain)
		return NULL;
	domain->bypass = bypass;
	list_init(&domain->endpoints);
	list_init(&domain->spaces);
	mappings_init(&domain->mappings, &virtio->memory);
	port_lock(&virtio->iommu.lock);
	(void)guest_registry_add(&virtio->domains, &domain->id, id);
	port_unlock(&virtio->iommu.lock);
	return domain;
}

static void count_mappings(struct viommu_virtio *virtio, uint64_t change)
{
	port_lock(&virtio->iommu.lock);
	virtio->mappings += change;
	port_unlock(&virtio->iommu.lock);
}

static uint64_t mappings_within(const struct mappings *mappings, uint64_t first, uint64_t last)
{
	uint64_t number = 0;

	for (const struct mapping *at = mappings_from(mappings, first); at && at->first <= last; at = mappings_next(mappings, at))
		number++;
	return number;
}

static void destroy(struct viommu_virtio *virtio, struct virtio_domain *domain)
{
	count_mappings(virtio, -mappings_within(&domain->mappings, 0, UINT64_MAX));
	port_lock(&virtio->iommu.lock);
	guest_registry_remove(&virtio->domains, &domain->id);
	port_unlock(&virtio->iommu.lock);
	mappings_free(&domain->mappings);
	port_free(domain, sizeof(*domain), 0);
}

void virtio_endpoint_leave(struct viommu_virtio_endpoint *endpoint, struct virtio_domain *domain)
{
	/* Without endpoints there is no space. */
	if (domain && list_is_empty(&domain->endpoints))
		destroy(virtio_of(endpoint->guest.iommu), domain);
}

int virtio_endpoint_move(struct viommu_virtio_endpoint *endpoint, struct virtio_domain *domain)
{
	struct guest_iommu *iommu = endpoint->guest.iommu;
	struct virtio_domain *old = endpoint->domain;
	int error;

	port_lock(&iommu->lock);
	endpoint->domain = domain;
	port_unlock(&iommu->lock);
	list_remove(&endpoint->in_domain);
	if (domain)
		list_append(&domain->endpoints, &endpoint->in_domain);
	endpoint->error = 0;
	guest_device_configure(&endpoint->guest);
	guest_iommu_settle(iommu);
	error = endpoint->error;
	virtio_endpoint_leave(endpoint, old);
	if (error && domain)
		(void)virtio_endpoint_move(endpoint, NULL);
	return error;
}

static int map(const struct virtio_space *space, const struct host_mapping *mapping)
{
	return viommu_mapped_map(space->mapped, mapping->first, mapping->last, mapping->gpa, mapping->prot);
}

/*
 * Takes a mapping out of the spaces before `end`, NULL: of all. One whose host fails is destroyed,
 * and made anew by guest_iommu_settle(), which the caller calls.
 */
static void unmap_spaces(struct guest_iommu *iommu, struct virtio_domain *domain, uint64_t first, uint64_t last, const struct virtio_space *end)
{
	list_each (&domain->spaces, struct virtio_space, in_domain, space) {
		if (space == end)
			break;
		if (viommu_mapped_unmap(space->mapped, first, last))
			guest_domain_break(iommu, &space->guest);
	}
}

int virtio_domain_map(struct viommu_virtio *virtio, struct virtio_domain *domain, const struct host_mapping *mapping)
{
	int error = mappings_add(&domain->mappings, mapping);

	if (error)
		return error;
	list_each (&domain->spaces, struct virtio_space, in_domain, space) {
		error = map(space, mapping);
		if (!error)
			continue;
		mappings_remove(&domain->mappings, mapping->first, mapping->last);
		unmap_spaces(&virtio->iommu, domain, mapping->first, mapping->last, space);
		/* Of this error a part may be left. */
		if (error == -PORT_EIO)
			guest_domain_break(&virtio->iommu, &space->guest);
		guest_iommu_settle(&virtio->iommu);
		return error;
	}
	count_mappings(virtio, 1);
	return 0;
}

int virtio_domain_unmap(struct viommu_virtio *virtio, struct virtio_domain *domain, uint64_t first, uint64_t last)
{
	const struct mapping *at = mappings_at(&domain->mappings, first), *end = mappings_at(&domain->mappings, last);

	if ((at && at->first < first) || (end && end->last > last))
		return -PORT_ERANGE;
	count_mappings(virtio, -mappings_within(&domain->mappings, first, last));
	mappings_remove(&domain->mappings, first, last);
	mappings_trim(&domain->mappings);
	unmap_spaces(&virtio->iommu, domain, first, last, NULL);
	guest_iommu_settle(&virtio->iommu);
	return 0;
}

static void configure(struct guest_device *device)
{
	const struct virtio_domain *domain = virtio_endpoint_of(device)->domain;
	struct guest_config config = { .target = GUEST_TARGET_NONE };

	if (domain && !domain->bypass) {
		config.target = GUEST_TARGET_TABLES;
		config.key[0] = (uintptr_t)domain;
	} else if (domain || virtio_of(device->iommu)->bypass) {
		config.target = GUEST_TARGET_DIRECT;
	}
	port_lock(&device->iommu->lock);
	device->config = config;
	port_unlock(&device->iommu->lock);
}

static int fill(const struct virtio_space *space, const struct mappings *mappings, uint64_t *entries)
{
	int error = 0;

	for (const struct mapping *at = mappings_from(mappings, 0); at && !error; at = mappings_next(mappings, at)) {
		const struct host_mapping mapping = { .first = at->first, .last = at->last, .gpa = at->gpa, .prot = at->prot };

		error = map(space, &mapping);
		++*entries;
	}
	return error;
}

static int create(const struct guest_device *device, struct guest_domain *guest, uint64_t *entries)
{
	struct virtio_space *space = list_member(guest, struct virtio_space, guest);
	struct virtio_domain *domain = list_member(device, struct viommu_virtio_endpoint, guest)->domain;
	int error = viommu_mapped_create(device->iommu->vm, device->host, 0, device->iommu->last_address, &space->mapped);

	if (error)
		return error;
	guest->domain = viommu_mapped_domain(space->mapped);
	error = fill(space, &domain->mappings, entries);
	if (error)
		viommu_domain_destroy(guest->domain);
	else
		list_append(&domain->spaces, &space->in_domain);
	return error;
}

static void freed(struct guest_domain *guest)
{
	struct virtio_space *space = list_member(guest, struct virtio_space, guest);

	if (space->mapped)
		list_remove(&space->in_domain);
}

static void refused(struct guest_device *device, int error)
{
	virtio_endpoint_of(device)->error = error;
	vm_log(device->iommu->vm, VIOMMU_LOG_ERROR, "a virtio-iommu endpoint could not be attached (endpoint, errno)", device->id.id, (uint64_t)-error);
}

const struct guest_iommu_ops virtio_ops = {
	.type = VIOMMU_DOMAIN_VIRTIO,
	.domain_bytes = sizeof(struct virtio_space),
	.configure = configure,
	.create = create,
	.freed = freed,
	.refused = refused,
};
