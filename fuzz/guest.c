/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes a guest IOMMU: an input is the steps of its machine (tests/machine/guest_machine.h), which
 * this is linked with.
 */
#include "guest_machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	/* The rigs of the tests assert with cmocka, which then aborts. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	guest_machine_run(&input);
	return 0;
}

void input_summary(void)
{
	printf("%" PRIu64 " steps, %" PRIu64 " failures, %" PRIu64 " pages reached, %" PRIu64 " not, %" PRIu64 " devices moved, %" PRIu64 " resets\n",
	       guest_seen.steps, guest_seen.failures, guest_seen.reached, guest_seen.refused, guest_seen.moved, guest_seen.resets);
	fuzz_must(guest_seen.steps > 500 && guest_seen.failures > 20 && guest_seen.reached > 500 && guest_seen.refused > 500);
	fuzz_must(guest_seen.moved > 10 && guest_seen.resets > 2);
}
