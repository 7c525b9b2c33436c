/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void bench_begin(struct bench *bench, bool soft, bool split)
{
	memset(bench, 0, sizeof(*bench));
	rig_begin(&bench->rig, &(struct rig_options){ .mock.lookup = true, .mock.split = split, .level = 4 });
	bench->host = &bench->rig.mock->host;
	if (soft)
		assert_int_equal(viommu_host_soft_create(&bench->host), 0);
	bench->domain = tables_domain(&bench->rig.tables, bench->host, NULL);
	assert_int_equal(viommu_device_create(bench->rig.guest.vm, bench->host, NULL, &bench->device), 0);
	assert_int_equal(viommu_reader_create(bench->device, VIOMMU_NO_PASID, &bench->reader), 0);
	assert_int_equal(viommu_domain_attach(bench->domain, bench->device, VIOMMU_NO_PASID), 0);
}

void bench_end(struct bench *bench)
{
	if (bench->device)
		viommu_reader_destroy(bench->reader);
	viommu_device_destroy(bench->device);
	viommu_domain_destroy(bench->domain);
	if (bench->host != &bench->rig.mock->host)
		viommu_host_destroy(bench->host);
	rig_end(&bench->rig);
}

void bench_refresh(struct bench *bench)
{
	assert_int_equal(viommu_domain_refresh(bench->domain, 0, UINT64_MAX, NULL), 0);
}
