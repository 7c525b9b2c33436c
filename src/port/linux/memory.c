/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory, errno values, and what else the core asks of a kernel. */
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "port/port.h"

static_assert(PORT_ENOENT == ENOENT && PORT_EIO == EIO && PORT_EAGAIN == EAGAIN && PORT_ENOMEM == ENOMEM && PORT_EFAULT == EFAULT && PORT_EBUSY == EBUSY &&
	      PORT_EEXIST == EEXIST && PORT_EXDEV == EXDEV && PORT_ENODEV == ENODEV && PORT_EINVAL == EINVAL && PORT_ENOSPC == ENOSPC &&
	      PORT_ERANGE == ERANGE && PORT_EOPNOTSUPP == EOPNOTSUPP && PORT_EDQUOT == EDQUOT);

/*
 * Charged to the memory cgroup of the thread that asks, which is the guest's owner. Requests are
 * bounded by the VM's limits: a failure is no reason for a message.
 */
void *port_alloc(size_t bytes, size_t align)
{
	/* Sizes that are powers of two are aligned to themselves. */
	if (align > ARCH_KMALLOC_MINALIGN)
		bytes = roundup_pow_of_two(max(bytes, align));
	return kvzalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

void port_free(void *memory, size_t bytes, size_t align)
{
	kvfree(memory);
}

void port_grace_init(void)
{
}

void port_grace_heavy(void)
{
	port_fence();
}

void port_relax(void)
{
	cond_resched();
	cpu_relax();
}

/* kill -9 does not wait for tables that name each other. */
bool port_interrupted(void)
{
	return fatal_signal_pending(current);
}

/*
 * Vector registers of a kernel have to be saved and restored around each use, which costs more than
 * they spare.
 */
port_equal port_widest_equal(void)
{
	return port_equal_plain;
}
