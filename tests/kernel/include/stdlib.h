/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory of a test that fails is lost. */
#ifndef TESTS_KERNEL_STDLIB_H
#define TESTS_KERNEL_STDLIB_H

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <cmocka.h>

#define malloc(bytes)		  kvmalloc(bytes, GFP_KERNEL)
#define calloc(number, bytes)	  kvcalloc(number, bytes, GFP_KERNEL)
#define realloc(memory, bytes)	  kvrealloc(memory, bytes, GFP_KERNEL)
#define free(memory)		  kvfree(memory)
#define abort()			  cmocka_fail(__FILE__, __LINE__, "abort()")
#define exit(status)		  cmocka_fail(__FILE__, __LINE__, "exit(%d)", status)
#define strtoull(text, end, base) simple_strtoull(text, end, base)
/* Whole pages, as all that is asked for. */
#define aligned_alloc(align, bytes) vzalloc(bytes)

#endif
