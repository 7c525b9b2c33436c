/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers share: their input is a string of bytes from which numbers are taken, and past whose end there are zeros, so that every string is a whole
 * program. What a fuzzer finds wrong it says, and aborts, which is what libFuzzer and AFL++ take for a finding.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

#define fuzz_wrong(...)                                         \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		abort();                                        \
	} while (0)

/* What must be so. */
#define fuzz_must(condition)                                         \
	do {                                                         \
		if (!(condition))                                    \
			fuzz_wrong("does not hold: %s", #condition); \
	} while (0)

#endif
