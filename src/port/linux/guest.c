/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include <viommu/vm.h>

#include "port/port.h"

#ifdef CONFIG_HIGHMEM
#error "guest memory is accessed through the kernel's map of all memory"
#endif

long port_guest_pin(struct mm_struct *mm, unsigned long address, unsigned long number, unsigned int flags, struct page **pages)
{
	long pinned;

	if (current->mm == mm) {
		pinned = pin_user_pages_fast(address, (int)min(number, (unsigned long)INT_MAX), flags, pages);
	} else {
		if (!mmget_not_zero(mm))
			return -ESRCH;
		mmap_read_lock(mm);
		pinned = pin_user_pages_remote(mm, address, number, flags, pages, NULL);
		mmap_read_unlock(mm);
		/*
		 * The last reference tears down an address space, which is not to happen under a
		 * lock of the core's.
		 */
		mmput_async(mm);
	}
	return pinned ? pinned : -EFAULT;
}

int port_guest_init(struct port_guest *guest, const struct viommu_slot *slot)
{
	*guest = (struct port_guest){ .base = (unsigned long)slot->hva, .written = slot->prot & VIOMMU_WRITE };
	if (slot->fd == PORT_GUEST_PAGES) {
		guest->pages = (const struct port_guest_pages *)(unsigned long)slot->offset;
		return 0;
	}
	if (!current->mm)
		return -EINVAL;
	if (!access_ok((void __user *)slot->hva, slot->bytes))
		return -EFAULT;
	mmgrab(current->mm);
	guest->mm = current->mm;
	return 0;
}

void port_guest_destroy(struct port_guest *guest)
{
	if (guest->mm)
		mmdrop(guest->mm);
}

void *port_guest_map(const struct port_guest *guest, uint64_t offset)
{
	struct page *page;

	if (guest->pages)
		page = guest->pages->get(guest->pages, offset & PAGE_MASK);
	else if (port_guest_pin(guest->mm, guest->base + (offset & PAGE_MASK), 1, guest->written ? FOLL_WRITE : 0, &page) != 1)
		page = NULL;
	return page ? page_address(page) + offset_in_page(offset) : NULL;
}

void port_guest_unmap(const struct port_guest *guest, void *memory)
{
	struct page *page = virt_to_page(memory);

	/*
	 * Pages that may be written are made dirty by the pin's fault. Where they are cleaned
	 * meanwhile, they have to be made so again.
	 */
	if (guest->pages)
		put_page(page);
	else
		unpin_user_pages_dirty_lock(&page, 1, guest->written);
}

/*
 * The process's own threads, which make most refreshes, need no pin for one word. s390 copies to
 * and from user space byte by byte, as other CPUs see it.
 */
static bool is_own(const struct port_guest *guest)
{
	return guest->mm && current->mm == guest->mm && !IS_ENABLED(CONFIG_S390);
}

bool port_guest_load(const struct port_guest *guest, uint64_t offset, uint64_t *word)
{
	if (is_own(guest))
		return !get_user(*word, (u64 __user *)(guest->base + offset));
	return port_guest_load_mapped(guest, offset, word);
}

bool port_guest_store(const struct port_guest *guest, uint64_t offset, uint64_t value, unsigned int bytes)
{
	if (!is_own(guest))
		return port_guest_store_mapped(guest, offset, value, bytes);
	if (bytes == sizeof(u64))
		return !put_user(value, (u64 __user *)(guest->base + offset));
	return !put_user((u32)value, (u32 __user *)(guest->base + offset));
}
