/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * As that of the module. Readers of tests translate in loops: a kernel that does not preempt its
 * own threads gives the CPU to others now and then.
 */
#ifndef TESTS_KERNEL_PORT_GRACE_H
#define TESTS_KERNEL_PORT_GRACE_H

#include <port_atomic.h>

void port_grace_light(void);

#endif
