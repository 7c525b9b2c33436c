/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The source of all random numbers: a string of bytes. Zeros follow its end, so every string is a
 * complete program. A fuzzer writes the bytes, or a PRNG does (fuzz/replay.c, --random).
 */
#ifndef TESTS_MACHINE_INPUT_H
#define TESTS_MACHINE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints sums over many inputs, and aborts if they are nearly zero. Optional. */
__attribute__((weak)) void input_summary(void);

struct input {
	const uint8_t *data;
	size_t left;
};

/* A number of up to 8 bytes, most significant byte first. */
static inline uint64_t input_take(struct input *input, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		value <<= 8;
		if (input->left) {
			value |= *input->data++;
			input->left--;
		}
	}
	return value;
}

static inline unsigned int input_byte(struct input *input)
{
	return (unsigned int)input_take(input, 1);
}

/* A number below a bound above 0, from as many bytes as the bound needs. */
static inline uint64_t input_below(struct input *input, uint64_t bound)
{
	unsigned int bytes = 1;

	while (bytes < 8 && (bound - 1) >> 8 * bytes)
		bytes++;
	return input_take(input, bytes) % bound;
}

#endif
