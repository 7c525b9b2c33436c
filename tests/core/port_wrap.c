/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "port_wrap.h"

struct port_wrap port_wrap;

void *__wrap_port_alloc(size_t bytes, size_t align)
{
	void *memory;

	if (port_wrap.fail_at && !--port_wrap.fail_at)
		return NULL;
	memory = __real_port_alloc(bytes, align);
	if (memory) {
		port_wrap.allocs++;
		port_wrap.outstanding++;
		port_wrap.bytes += bytes;
	}
	return memory;
}

void __wrap_port_free(void *memory, size_t bytes, size_t align)
{
	if (memory) {
		port_wrap.outstanding--;
		port_wrap.bytes -= bytes;
	}
	__real_port_free(memory, bytes, align);
}
