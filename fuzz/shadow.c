/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the shadow: an input is a program of table writes, refreshes, domains, devices, slots and direct domains that come and go, changes of the budget, and
 * failures of the host and of the allocator. machine.h says what is compared after each operation.
 */
#include "machine.h"

#define MOST_OPERATIONS 400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct machine machine;

	machine_begin(&machine, &input);
	for (unsigned int i = 0; input.left && i < MOST_OPERATIONS; i++)
		machine_operate(&machine, &input);
	machine_end(&machine);
	return 0;
}
