/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The domain that a stream's configuration asks for. */
#include "core/nested.h"
#include "format/arm64.h"
#include "smmuv3.h"

static const struct smmuv3_stream *stream_of(const struct guest_device *device)
{
	return &((const struct viommu_smmuv3_device *)device)->stream;
}

static bool is_hardware(const struct guest_device *device)
{
	return ((const struct viommu_smmuv3_device *)device)->hardware;
}

static bool reaches(const struct guest_device *device)
{
	enum viommu_smmuv3_stream kind = stream_of(device)->kind;

	return kind == VIOMMU_SMMUV3_STREAM_BYPASS || kind == VIOMMU_SMMUV3_STREAM_STAGE1;
}

static bool matches(const struct guest_domain *domain, const struct guest_device *device)
{
	const struct smmuv3_domain *ours = (const struct smmuv3_domain *)domain;
	const struct smmuv3_stream *stream = stream_of(device);

	switch (guest_domain_kind(domain)) {
	case VIOMMU_KIND_HARDWARE:
		return is_hardware(device) && !__builtin_memcmp(ours->ste, stream->ste, sizeof(ours->ste));
	case VIOMMU_KIND_DIRECT:
		return !is_hardware(device) && stream->kind == VIOMMU_SMMUV3_STREAM_BYPASS;
	default:
		return !is_hardware(device) && stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1 && !__builtin_memcmp(ours->cd, stream->cd, sizeof(ours->cd));
	}
}

/*
 * In bypass a device reaches guest memory at IOVA = GPA, as far as the guest's addresses and the
 * host's IOVAs go.
 */
static int create_direct(struct viommu_smmuv3 *smmu, struct viommu_host *host, struct viommu_domain **domain)
{
	struct viommu_host_caps caps = { .size = sizeof(caps) };
	uint64_t last = (UINT64_C(1) << smmu->config.output_bits) - 1, first;

	viommu_host_caps(host, &caps);
	first = (caps.first + (VIOMMU_PAGE_SIZE - 1)) & ~(VIOMMU_PAGE_SIZE - 1);
	if (last > caps.last)
		last = ((caps.last + 1) & ~(VIOMMU_PAGE_SIZE - 1)) - 1;
	if (first < caps.first || first > last)
		return -PORT_ERANGE;
	return viommu_domain_create_direct(smmu->iommu.vm, host, 0, first, last, domain);
}

static int create_nested(const struct guest_device *device, const struct smmuv3_stream *stream, struct viommu_refresh_result *result,
			 struct viommu_domain **domain)
{
	const struct viommu_smmuv3 *smmu = smmuv3_of(device->iommu);
	struct viommu_smmuv3_stage1 data = { .size = sizeof(data), .output_bits = smmu->config.output_bits };

	data.nesting = is_hardware(device) ? VIOMMU_NESTING_HARDWARE : VIOMMU_NESTING_SHADOW;
	__builtin_memcpy(data.cd, stream->cd, sizeof(data.cd));
	__builtin_memcpy(data.ste, stream->ste, sizeof(data.ste));
	return viommu_domain_create(smmu->iommu.vm, device->host, VIOMMU_DOMAIN_SMMUV3, &data, result, domain);
}

static int create(const struct guest_device *device, struct guest_domain **out, uint64_t *entries)
{
	struct viommu_refresh_result result = { 0 };
	const struct smmuv3_stream *stream = stream_of(device);
	struct smmuv3_domain *domain = port_alloc(sizeof(*domain), 0);
	int error;

	if (!domain)
		return -PORT_ENOMEM;
	if (stream->kind == VIOMMU_SMMUV3_STREAM_BYPASS && !is_hardware(device))
		error = create_direct(smmuv3_of(device->iommu), device->host, &domain->guest.domain);
	else
		error = create_nested(device, stream, &result, &domain->guest.domain);
	*entries = result.entries;
	if (error) {
		port_free(domain, sizeof(*domain), 0);
		return error;
	}
	__builtin_memcpy(domain->ste, stream->ste, sizeof(domain->ste));
	__builtin_memcpy(domain->cd, stream->cd, sizeof(domain->cd));
	*out = &domain->guest;
	return 0;
}

static void free_domain(struct guest_domain *domain)
{
	port_free(domain, sizeof(struct smmuv3_domain), 0);
}

static void refused(struct guest_device *device, int error)
{
	struct smmuv3_stream *stream = &smmuv3_device_of(device)->stream;

	/* No access of it will ask again. */
	device->iommu->unsettled |= is_hardware(device);
	/* The descriptor names tables that are illegal (section 5.4.1). */
	if (error == -PORT_EINVAL && stream->kind == VIOMMU_SMMUV3_STREAM_STAGE1 && !is_hardware(device)) {
		port_lock(&device->iommu->lock);
		stream->kind = VIOMMU_SMMUV3_STREAM_FAULTY;
		stream->event = VIOMMU_SMMUV3_C_BAD_CD;
		port_unlock(&device->iommu->lock);
	}
}

static uint32_t context(const struct guest_domain *domain)
{
	return CD0_ASID(((const struct smmuv3_domain *)domain)->cd[0]);
}

static bool has_global(const struct guest_domain *domain, uint64_t first, uint64_t last)
{
	return nested_has_leaf_without(domain->domain, first, last, format_swap_if_big(ARM64_NG));
}

const struct guest_iommu_ops smmuv3_ops = {
	.type = VIOMMU_DOMAIN_SMMUV3,
	.reaches = reaches,
	.matches = matches,
	.create = create,
	.free = free_domain,
	.refused = refused,
	.context = context,
	.has_global = has_global,
	.interrupt = smmuv3_interrupt,
};

int smmuv3_try_hardware(struct viommu_smmuv3_device *device)
{
	const struct smmuv3_stream abort = { .kind = VIOMMU_SMMUV3_STREAM_ABORT, .ste = { STE0_V | STE_CONFIG_ABORT << STE0_CONFIG_SHIFT } };
	struct viommu_domain *domain;
	int error = viommu_device_set_id(device->guest.device, device->guest.id.id);

	if (error)
		return error;
	error = create_nested(&device->guest, &abort, NULL, &domain);
	if (error)
		return error;
	error = viommu_domain_attach(domain, device->guest.device, VIOMMU_NO_PASID);
	viommu_domain_destroy(domain);
	return error;
}

void smmuv3_configure(struct viommu_smmuv3_device *device)
{
	struct guest_device *guest = &device->guest;
	const uint64_t descriptors[VIOMMU_SMMUV3_CMD_WORDS] = { VIOMMU_SMMUV3_CMD_CFGI_CD_ALL | (uint64_t)guest->id.id << 32 };
	struct smmuv3_stream stream;

	smmuv3_stream_read(device, &stream);
	port_lock(&guest->iommu->lock);
	device->stream = stream;
	port_unlock(&guest->iommu->lock);
	guest_device_settle(guest);
	/*
	 * The same entry may name another descriptor by now. CMD_CFGI_STE is the kernel's own:
	 * attaching writes the entry.
	 */
	if (guest->domain && device->hardware)
		guest_iommu_forward(guest->iommu, guest->host, descriptors);
}

void smmuv3_configure_all(struct viommu_smmuv3 *smmu)
{
	guest_each_device(&smmu->iommu, device) smmuv3_configure(smmuv3_device_of(device));
}
