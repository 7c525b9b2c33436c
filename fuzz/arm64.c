/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the shadows of SMMUv3 streams, over Arm's tables: an input is the operations of a machine
 * (tests/machine/machine.h).
 */
#include "machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	machine_run(&machine_arm64, &input);
	return 0;
}

void input_summary(void)
{
	machine_summary();
}
