/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests (virtio 1.3, section 5.13.6). What a request says is judged before anything changes, in
 * a copy; each function returns 0 or a negative errno, which stands for the status.
 */
#include "spec.h"
#include "virtio.h"

static enum virtio_status status_of(int error)
{
	if (!error)
		return STATUS_OK;
	if (guest_is_shortage(error))
		return STATUS_NOMEM;
	switch (error) {
	case -PORT_EINVAL:
	case -PORT_EEXIST:
		return STATUS_INVAL;
	case -PORT_ERANGE:
		return STATUS_RANGE;
	case -PORT_ENOENT:
		return STATUS_NOENT;
	case -PORT_EOPNOTSUPP:
		return STATUS_UNSUPP;
	default:
		return STATUS_DEVERR;
	}
}

static struct viommu_virtio_endpoint *find_endpoint(struct viommu_virtio *virtio, uint32_t id)
{
	struct guest_device *device = guest_device_find(&virtio->iommu, id);

	return device ? virtio_endpoint_of(device) : NULL;
}

/* Whether a mapping of the domain lies where the endpoint has none. */
static bool is_incompatible(const struct virtio_domain *domain, const struct viommu_virtio_endpoint *endpoint)
{
	for (unsigned int i = 0; i < endpoint->reserved.number; i++) {
		const struct mapping *at = mappings_from(&domain->mappings, endpoint->reserved.range[i].first);

		if (at && at->first <= endpoint->reserved.range[i].last)
			return true;
	}
	return false;
}

static int attach(struct viommu_virtio *virtio, const unsigned char *request)
{
	uint32_t id = (uint32_t)virtio_get(request + ATTACH_DOMAIN, 4), flags = (uint32_t)virtio_get(request + ATTACH_FLAGS, 4);
	struct viommu_virtio_endpoint *endpoint = find_endpoint(virtio, (uint32_t)virtio_get(request + ATTACH_ENDPOINT, 4));
	struct virtio_domain *domain = virtio_domain_find(virtio, id);
	bool bypass = flags & ATTACH_F_BYPASS;

	if (virtio_get(request + ATTACH_RESERVED, 4) || flags & ~(virtio->accepted & VIOMMU_VIRTIO_F_BYPASS_CONFIG ? ATTACH_F_BYPASS : 0))
		return -PORT_EINVAL;
	if (!endpoint)
		return -PORT_ENOENT;
	if (id > virtio->config.domain_max)
		return -PORT_ERANGE;
	if (domain && domain->bypass != bypass)
		return -PORT_EINVAL;
	if (domain && is_incompatible(domain, endpoint))
		return -PORT_EOPNOTSUPP;
	if (!domain)
		domain = virtio_domain_create(virtio, id, bypass);
	return domain ? virtio_endpoint_move(endpoint, domain) : -PORT_ENOMEM;
}

static int detach(struct viommu_virtio *virtio, const unsigned char *request)
{
	struct viommu_virtio_endpoint *endpoint = find_endpoint(virtio, (uint32_t)virtio_get(request + ATTACH_ENDPOINT, 4));

	if (!endpoint)
		return -PORT_ENOENT;
	if (!endpoint->domain || endpoint->domain->id.id != (uint32_t)virtio_get(request + ATTACH_DOMAIN, 4))
		return -PORT_EINVAL;
	/*
	 * Where there is no room for bypass mode, the endpoint reaches nothing, and is detached all
	 * the same.
	 */
	(void)virtio_endpoint_move(endpoint, NULL);
	return 0;
}

/* The domain of a MAP or UNMAP. 0, -ENOENT, or -EINVAL: it is a bypass domain. */
static int find_mapped(struct viommu_virtio *virtio, const unsigned char *request, struct virtio_domain **domain)
{
	*domain = virtio_domain_find(virtio, (uint32_t)virtio_get(request + MAP_DOMAIN, 4));
	if (!*domain)
		return -PORT_ENOENT;
	return (*domain)->bypass ? -PORT_EINVAL : 0;
}

static bool is_reserved(const struct virtio_domain *domain, uint64_t first, uint64_t last)
{
	list_each (&domain->endpoints, struct viommu_virtio_endpoint, in_domain, endpoint)
		for (unsigned int i = 0; i < endpoint->reserved.number; i++)
			if (endpoint->reserved.range[i].first <= last && endpoint->reserved.range[i].last >= first)
				return true;
	return false;
}

static int map(struct viommu_virtio *virtio, const unsigned char *request)
{
	uint64_t pages = (UINT64_C(1) << virtio->config.page_bits) - 1;
	uint32_t flags = (uint32_t)virtio_get(request + MAP_FLAGS, 4);
	struct host_mapping mapping = {
		.first = virtio_get(request + MAP_VIRT_START, 8),
		.last = virtio_get(request + MAP_VIRT_END, 8),
		.gpa = virtio_get(request + MAP_PHYS_START, 8),
		/*
		 * No host of the library has mappings that may be written and not read; MAP_F_WRITE
		 * permits that.
		 */
		.prot = flags & MAP_F_WRITE ? VIOMMU_RW : VIOMMU_READ,
	};
	struct virtio_domain *domain;
	int error = find_mapped(virtio, request, &domain);

	if (flags & ~(MAP_F_READ | MAP_F_WRITE) || !flags)
		return -PORT_EINVAL;
	if (error)
		return error;
	if (mapping.last <= mapping.first)
		return -PORT_EINVAL;
	if ((mapping.first | mapping.gpa | (mapping.last + 1)) & pages || mapping.last > virtio->config.last ||
	    mapping.gpa + (mapping.last - mapping.first) < mapping.gpa)
		return -PORT_ERANGE;
	if (is_reserved(domain, mapping.first, mapping.last))
		return -PORT_EINVAL;
	return virtio_domain_map(virtio, domain, &mapping);
}

static int unmap(struct viommu_virtio *virtio, const unsigned char *request)
{
	uint64_t first = virtio_get(request + MAP_VIRT_START, 8), last = virtio_get(request + MAP_VIRT_END, 8);
	struct virtio_domain *domain;
	int error = find_mapped(virtio, request, &domain);

	if (error)
		return error;
	return last < first ? -PORT_EINVAL : virtio_domain_unmap(virtio, domain, first, last);
}

static int probe(struct viommu_virtio *virtio, const unsigned char *request, unsigned char *out)
{
	const struct viommu_virtio_endpoint *endpoint = find_endpoint(virtio, (uint32_t)virtio_get(request + PROBE_ENDPOINT, 4));

	if (!endpoint)
		return -PORT_ENOENT;
	for (unsigned int i = 0; i < endpoint->reserved.number; i++, out += RESV_MEM_BYTES) {
		virtio_put(out + PROPERTY_TYPE, 2, PROPERTY_RESV_MEM);
		virtio_put(out + PROPERTY_LENGTH, 2, RESV_MEM_BYTES - PROPERTY_HEAD_BYTES);
		virtio_put(out + RESV_MEM_SUBTYPE, 1, endpoint->reserved.range[i].msi);
		virtio_put(out + RESV_MEM_START, 8, endpoint->reserved.range[i].first);
		virtio_put(out + RESV_MEM_END, 8, endpoint->reserved.range[i].last);
	}
	return 0;
}

/*
 * The size of the device-readable part of a request; 0: there is no such request, or it was not
 * negotiated.
 */
static size_t readable_bytes(const struct viommu_virtio *virtio, unsigned int type)
{
	switch (type) {
	case REQUEST_ATTACH:
		return ATTACH_BYTES;
	case REQUEST_DETACH:
		return DETACH_BYTES;
	case REQUEST_MAP:
		return virtio->accepted & VIOMMU_VIRTIO_F_MAP_UNMAP ? MAP_BYTES : 0;
	case REQUEST_UNMAP:
		return virtio->accepted & VIOMMU_VIRTIO_F_MAP_UNMAP ? UNMAP_BYTES : 0;
	case REQUEST_PROBE:
		return PROBE_BYTES;
	default:
		return 0;
	}
}

/* With change held. *out: the properties of a PROBE, which begin as zeros. */
static int serve(struct viommu_virtio *virtio, const unsigned char *request, unsigned char *out)
{
	switch (request[REQUEST_TYPE]) {
	case REQUEST_ATTACH:
		return attach(virtio, request);
	case REQUEST_DETACH:
		return detach(virtio, request);
	case REQUEST_MAP:
		return map(virtio, request);
	case REQUEST_UNMAP:
		return unmap(virtio, request);
	default:
		return probe(virtio, request, out);
	}
}

size_t viommu_virtio_request(struct viommu_virtio *virtio, const void *in, size_t in_bytes, void *out, size_t out_bytes)
{
	unsigned char request[REQUEST_MAX_BYTES], *written = out;
	size_t bytes, properties = 0;
	int error = 0;

	port_lock(&virtio->iommu.change);
	bytes = in_bytes >= REQUEST_HEAD_BYTES ? readable_bytes(virtio, *(const unsigned char *)in) : 0;
	if (!bytes || in_bytes < bytes || out_bytes < TAIL_BYTES) {
		port_unlock(&virtio->iommu.change);
		guest_count(&virtio->counts[COUNT_DISCARDED]);
		return 0;
	}
	__builtin_memcpy(request, in, bytes);
	if (request[REQUEST_TYPE] == REQUEST_PROBE) {
		/*
		 * The status is behind the properties, whose size the driver knows. Fewer bytes: at
		 * the end of what there is.
		 */
		properties = out_bytes - TAIL_BYTES;
		if (properties < VIOMMU_VIRTIO_PROBE_BYTES)
			error = -PORT_EINVAL;
		else
			properties = VIOMMU_VIRTIO_PROBE_BYTES;
	}
	__builtin_memset(written, 0, properties + TAIL_BYTES);
	if (!error)
		error = serve(virtio, request, written);
	port_unlock(&virtio->iommu.change);
	written[properties] = (unsigned char)status_of(error);
	guest_count(&virtio->counts[COUNT_REQUESTS]);
	if (error)
		guest_count(&virtio->counts[COUNT_REFUSED]);
	return properties + TAIL_BYTES;
}
