/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hosts that differ in IOVAs and in what they can do. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/mock_host.h"

/* Hosts with fewer IOVAs than the guest is offered, and units whose guests do not announce. */
static void test_hosts(void **state)
{
	const struct mock_options narrow = { .last = UINT64_C(0x7fffffffff) }, wide = { .last = 0 };
	struct mock_host *host[2] = { mock_create(&narrow), mock_create(&wide) };
	struct viommu_vtd_device_config device = VIOMMU_VTD_DEVICE_CONFIG_INIT;
	struct viommu_vtd_device *added;
	struct rig rig;

	(void)state;
	for (unsigned int bits = 39; bits <= 57; bits += 9)
		for (unsigned int first = 0; first < 2; first++) {
			struct rig_config config = rig_config();

			if (first && bits == 39)
				continue;
			config.host = &host[0]->host;
			config.vtd.address_bits = bits;
			config.vtd.flags = first ? VIOMMU_VTD_SCALABLE | VIOMMU_VTD_FIRST_STAGE : 0;
			rig_up_as(&rig, &config);
			device.host = &host[0]->host;
			assert_int_equal(viommu_vtd_device_add(rig.vtd, &device, &added), bits == 39 ? 0 : -ERANGE);
			device.host = &host[1]->host;
			device.source_id = 1;
			assert_int_equal(viommu_vtd_device_add(rig.vtd, &device, &added), first ? -EOPNOTSUPP : 0);
			device.source_id = 0;
			rig_down(&rig);
		}
	mock_destroy(host[0]);
	mock_destroy(host[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hosts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
