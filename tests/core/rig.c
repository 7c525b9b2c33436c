/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void rig_begin(struct rig *rig, const struct rig_options *options)
{
	memset(rig, 0, sizeof(*rig));
	rig->mock = mock_create(&options->mock);
	guest_tracked(&rig->guest, options->config.size ? &options->config : NULL, options->guest_bytes ? options->guest_bytes : 64 * MIB,
		      options->fake ? &options->fake->tracker : options->tracker);
	rig->guest.tracker = options->fake;
	tables_init(&rig->tables, &rig->guest, options->level ? options->level : 2, PBA, PBA + (options->aperture ? options->aperture : 64 * MIB) - 1);
	rig->subject.tables = &rig->tables;
}

void rig_domain(struct rig *rig)
{
	rig->subject.domain = tables_domain(&rig->tables, &rig->mock->host, NULL);
	rig->subject.space = mock_newest(rig->mock);
}

void rig_end(struct rig *rig)
{
	viommu_domain_destroy(rig->subject.domain);
	assert_int_equal(guest_pinned(&rig->guest), 0);
	guest_end(&rig->guest);
	assert_null(rig->mock->spaces);
	assert_int_equal(rig->mock->devices, 0);
	assert_int_equal(rig->mock->guests, 0);
	if (rig->mock->breaches)
		fail_msg("%s", rig->mock->breach);
	mock_destroy(rig->mock);
}

int rig_refresh(struct rig *rig, uint64_t iova, uint64_t pages, struct viommu_refresh_result *result)
{
	return viommu_domain_refresh(rig->subject.domain, iova, iova + pages * PAGE - 1, result);
}

int rig_refresh_all(struct rig *rig, struct viommu_refresh_result *result)
{
	return viommu_domain_refresh(rig->subject.domain, rig->tables.pba, rig->tables.pal, result);
}

void rig_check(struct rig *rig)
{
	check_true(rig->mock, &rig->subject, rig->tables.pba, rig->tables.pal);
	check_books(rig->mock, &rig->guest, &rig->subject, 1);
}

struct viommu_domain_stats rig_stats(const struct rig *rig)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	viommu_domain_stats(rig->subject.domain, &stats);
	return stats;
}
