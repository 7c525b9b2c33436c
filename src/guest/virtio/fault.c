/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Accesses that have no translation. The guest announces each mapping, so that there is nothing to
 * look for: the access is tried again if the endpoint has changed its place since, and reported
 * (virtio 1.3, section 5.13.6.8) if not.
 */
#include "spec.h"
#include "virtio.h"

static int report(struct viommu_virtio_endpoint *endpoint, unsigned int reason, const struct viommu_fault *access)
{
	struct viommu_virtio *virtio = virtio_of(endpoint->guest.iommu);
	unsigned char bytes[VIOMMU_VIRTIO_FAULT_BYTES] = { 0 };
	uint32_t flags = FAULT_F_ADDRESS;

	if (access->access & VIOMMU_READ)
		flags |= FAULT_F_READ;
	if (access->access & VIOMMU_WRITE)
		flags |= FAULT_F_WRITE;
	virtio_put(bytes + FAULT_REASON, 1, reason);
	virtio_put(bytes + FAULT_FLAGS, 4, flags);
	virtio_put(bytes + FAULT_ENDPOINT, 4, endpoint->guest.id.id);
	virtio_put(bytes + FAULT_ADDRESS, 8, access->iova);
	guest_count(&virtio->counts[COUNT_REPORTS]);
	if (virtio->config.fault)
		virtio->config.fault(virtio->config.ctx, bytes);
	return -PORT_EFAULT;
}

/*
 * Where the access fails though the guest permits it, the guest has no memory there: no reason of
 * the specification says that.
 */
static unsigned int reason_in(struct viommu_domain *domain, const struct viommu_fault *access)
{
	struct viommu_fault walked = { 0 };
	struct viommu_run run = { 0 };

	if (viommu_domain_kind(domain) == VIOMMU_KIND_DIRECT)
		return FAULT_R_UNKNOWN;
	(void)viommu_domain_walk(domain, access->iova, &run, &walked);
	return access->access & ~run.tables ? FAULT_R_MAPPING : FAULT_R_UNKNOWN;
}

int viommu_virtio_endpoint_fault(struct viommu_virtio_endpoint *endpoint, const struct viommu_fault *fault)
{
	struct guest_iommu *iommu = endpoint->guest.iommu;
	struct viommu_fault access;
	struct guest_domain *space;
	struct guest_lane *lane;
	unsigned int reason;
	bool wanted, attached, reached;

	if (!fault || fault->reason == VIOMMU_FAULT_NONE)
		return -PORT_EINVAL;
	access = *fault;
	guest_count(&iommu->counts.faults);
	guest_count(&endpoint->guest.faults);
	port_lock(&iommu->lock);
	wanted = endpoint->domain || virtio_of(iommu)->bypass;
	attached = endpoint->guest.domain;
	port_unlock(&iommu->lock);
	if (!wanted)
		return report(endpoint, FAULT_R_DOMAIN, &access);
	if (!attached)
		return guest_device_resettle(&endpoint->guest, NULL) ? report(endpoint, FAULT_R_UNKNOWN, &access) : 0;
	space = guest_device_enter(&endpoint->guest, &lane);
	if (!space)
		return 0;
	port_lock(&lane->lock);
	reached = guest_domain_permits(space, &access);
	reason = reached ? 0 : reason_in(space->domain, &access);
	port_unlock(&lane->lock);
	guest_gate_leave(lane);
	return reached ? 0 : report(endpoint, reason, &access);
}
