/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define pr_fmt(format) "viommu_test: " format

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include <viommu/vm.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "port/port.h"

static atomic_long_t mapped;

int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot)
{
	*guest = (struct port_guest){ .base = slot->hva, .bytes = slot->bytes };
	return 0;
}

void port_guest_destroy(struct port_guest *guest)
{
}

void *port_guest_map(const struct port_guest *guest, uint64_t offset)
{
	void *address = guest->base + offset;
	struct page *page;

	if (WARN_ON(offset >= guest->bytes))
		return NULL;
	page = is_vmalloc_addr(address) ? vmalloc_to_page(address) : virt_to_page(address);
	get_page(page);
	atomic_long_inc(&mapped);
	return page_address(page) + offset_in_page(address);
}

void port_guest_unmap(const struct port_guest *guest, void *memory)
{
	atomic_long_dec(&mapped);
	put_page(virt_to_page(memory));
}

long port_guest_mapped(void)
{
	return atomic_long_read(&mapped);
}

static DEFINE_XARRAY(areas); /* by their first pages */

void *mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset)
{
	void *memory;

	if (address || fd >= 0)
		return MAP_FAILED;
	if (bytes >> PAGE_SHIFT > totalram_pages() / 2) {
		print_message("%zu MiB of guest memory are more than there are\n", bytes >> 20);
		cmocka_skip();
	}
	memory = vzalloc(bytes);
	if (memory && xa_err(xa_store(&areas, (unsigned long)memory >> PAGE_SHIFT, memory, GFP_KERNEL))) {
		vfree(memory);
		memory = NULL;
	}
	return memory ? memory : MAP_FAILED;
}

int munmap(void *memory, size_t bytes)
{
	vfree(xa_erase(&areas, (unsigned long)memory >> PAGE_SHIFT));
	return 0;
}

void port_grace_light(void)
{
	static unsigned int entered;

	port_fence();
	if (READ_ONCE(entered) % 64 == 63)
		yield();
	WRITE_ONCE(entered, READ_ONCE(entered) + 1);
}

/* On one CPU a thread that waits for another has it run at once, and not after its own slice. */
void __wrap_port_relax(void);
void __wrap_port_relax(void)
{
	yield();
}
