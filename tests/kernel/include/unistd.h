/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/types.h>

/* A test that does not end is ended with the machine. */
#define alarm(seconds) ((void)(seconds))
