/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the shadows of SMMUv3 streams: an input is the choices of a trial (tests/reference/arm64_trial.h): a context over tables of any granule at either end of
 * addresses, entries that are written, ranges that are refreshed, failures of the host. What is compared after each refresh is said there.
 */
#include "arm64_trial.h"
#include "input.h"

#define MOST_STEPS 200u

/* As many bytes as the bound has. */
static uint64_t draw(void *ctx, uint64_t bound)
{
	unsigned int bytes = 1;

	while (bytes < 8 && (bound - 1) >> 8 * bytes)
		bytes++;
	return input_take(ctx, bytes) % bound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct arm64_trial trial = { .draw = draw, .ctx = &input };

	trial.whole = input_byte(&input) & 1;
	arm64_trial_begin(&trial);
	arm64_trial_context(&trial);
	for (unsigned int i = 0; input.left && i < MOST_STEPS; i++)
		arm64_trial_step(&trial);
	arm64_trial_context_end(&trial);
	arm64_trial_end(&trial);
	return 0;
}
