/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers share: their input is a string of bytes from which numbers are taken, and past whose end there are zeros, so that every string is a whole
 * program.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz_must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

/* A number of up to 8 bytes, the most significant one first. */
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

#endif
