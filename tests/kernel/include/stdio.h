/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <cmocka.h>

#define stderr		     0
#define fprintf(stream, ...) print_message(__VA_ARGS__)
