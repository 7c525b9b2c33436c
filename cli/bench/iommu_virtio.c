// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * virtio-iommu (virtio 1.3, 5.13). There are no tables: the guest maps and unmaps each buffer by
 * one request.
 */
#include <viommu/mapped.h>
#include <viommu/virtio.h>

#include <errno.h>

#include "iommus.h"

enum { ATTACH = 1, MAP = 3, UNMAP = 4 };

#define ENDPOINT UINT64_C(8)
#define DOMAIN	 UINT64_C(1)
#define LAST	 ((UINT64_C(1) << 39) - 1)

/* Appends a little-endian field to the request. */
static void append(struct bench_iommu *iommu, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		iommu->request[iommu->request_bytes++] = (uint8_t)(value >> (8 * i));
}

static void start(struct bench_iommu *iommu, uint32_t type)
{
	iommu->request_bytes = 0;
	append(iommu, 4, type);
	append(iommu, 4, DOMAIN);
}

static int carry_out(struct bench_iommu *iommu)
{
	uint8_t tail[4] = { 0xee };
	size_t used = viommu_virtio_request(iommu->made, iommu->request, iommu->request_bytes, tail, sizeof(tail));

	return used == sizeof(tail) && !tail[0] ? 0 : -EILSEQ;
}

static int begin(struct bench_iommu *iommu)
{
	struct viommu_virtio_config config = VIOMMU_VIRTIO_CONFIG_INIT;
	struct viommu_virtio *made;
	int error;

	config.last = LAST;
	error = viommu_virtio_create(iommu->guest.vm, &config, &made);
	if (error)
		return error;
	iommu->made = made;
	error = viommu_virtio_set_features(made, viommu_virtio_features(made));
	if (!error)
		error = viommu_mapped_create(iommu->guest.vm, iommu->soft, 0, LAST, &iommu->mapped);
	if (!error)
		iommu->alone = viommu_mapped_domain(iommu->mapped);
	return error;
}

static void end(struct bench_iommu *iommu)
{
	viommu_virtio_destroy(iommu->made);
}

static int add(struct bench_iommu *iommu, struct viommu_device **out)
{
	struct viommu_virtio_endpoint_config config = VIOMMU_VIRTIO_ENDPOINT_CONFIG_INIT;
	struct viommu_virtio_endpoint *endpoint;
	int error;

	config.endpoint = ENDPOINT;
	config.host = iommu->soft;
	error = viommu_virtio_endpoint_add(iommu->made, &config, &endpoint);
	if (error)
		return error;
	*out = viommu_virtio_endpoint_device(endpoint);
	start(iommu, ATTACH);
	append(iommu, 4, ENDPOINT);
	append(iommu, 8, 0);
	return carry_out(iommu);
}

static void announce(struct bench_iommu *iommu, uint64_t iova, bool valid)
{
	start(iommu, valid ? MAP : UNMAP);
	append(iommu, 8, iova);
	append(iommu, 8, iova + iommu->pages * BENCH_PAGE - 1);
	if (valid)
		append(iommu, 8, iova - BENCH_PBA);
	append(iommu, 4, valid ? VIOMMU_RW : 0);
}

const struct bench_iommu_kind bench_iommu_virtio = {
	.name = "virtio",
	.does = "a request to virtio-iommu",
	.baseline = "mapped domain alone",
	.begin = begin,
	.end = end,
	.add = add,
	.announce = announce,
	.carry_out = carry_out,
};
