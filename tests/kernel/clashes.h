/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Before all else of a test program: names of the kernel's that test programs have, too. Headers
 * that declare them are here, so that they are not read again.
 */
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/range.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/slab.h>

#undef READ

#define add_memory test_add_memory
#define down	   test_down
#define range	   test_range
#define up	   test_up
