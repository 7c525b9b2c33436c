/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pages of the container's process that devices may reach.
 *
 * For each page frame there is the number of translations, or of mappings of a pinned guest, that
 * name it. While that is not 0 the page has one pin, and is charged once. The number is shifted by
 * one; the lowest bit says that a device may have written the page, so that it is made dirty in the
 * end.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "container.h"
#include "port/port.h"

#define WRITTEN 1ul
#define ONE	2ul

int pinned_init(struct pinned *pinned)
{
	if (!current->mm)
		return -EINVAL;
	mutex_init(&pinned->lock);
	xa_init_flags(&pinned->counts, XA_FLAGS_ACCOUNT);
	mmgrab(current->mm);
	pinned->mm = current->mm;
	pinned->task = get_task_struct(current->group_leader);
	pinned->unlimited = capable(CAP_IPC_LOCK);
	return 0;
}

void pinned_destroy(struct pinned *pinned)
{
	WARN_ON_ONCE(pinned->charged);
	xa_destroy(&pinned->counts);
	put_task_struct(pinned->task);
	mmdrop(pinned->mm);
	mutex_destroy(&pinned->lock);
}

/* A process that has ended has no limit any more. */
static int charge(struct pinned *pinned, unsigned long pages, bool more)
{
	int error = 0;

	if (!pages)
		return 0;
	if (mmget_not_zero(pinned->mm)) {
		mmap_write_lock(pinned->mm);
		error = __account_locked_vm(pinned->mm, pages, more, pinned->task, pinned->unlimited);
		mmap_write_unlock(pinned->mm);
		mmput_async(pinned->mm);
	}
	if (error)
		return -ENOSPC;
	pinned->charged += more ? pages : -pages;
	return 0;
}

/*
 * Takes over one pin of a page. 0, with the page's first user counted in *fresh; or -ENOMEM, and
 * the pin stays the caller's.
 */
static int enter(struct pinned *pinned, struct page *page, unsigned long written, unsigned long *fresh)
{
	unsigned long pfn = page_to_pfn(page);
	void *entry = xa_load(&pinned->counts, pfn);
	unsigned long count = entry ? xa_to_value(entry) : 0;
	int error = xa_err(xa_store(&pinned->counts, pfn, xa_mk_value((count + ONE) | written), GFP_KERNEL_ACCOUNT));

	if (error)
		return error;
	if (count)
		unpin_user_page(page);
	else
		(*fresh)++;
	return 0;
}

/* One user less. True if it was the last one. */
static bool leave(struct pinned *pinned, unsigned long pfn)
{
	void *entry = xa_load(&pinned->counts, pfn);
	unsigned long count = entry ? xa_to_value(entry) : 0;
	struct page *page = pfn_to_page(pfn);

	if (WARN_ON_ONCE(count < ONE))
		return false;
	if (count >= 2 * ONE) {
		/* Where there is an entry, storing another value needs no memory. */
		xa_store(&pinned->counts, pfn, xa_mk_value(count - ONE), GFP_KERNEL_ACCOUNT);
		return false;
	}
	xa_erase(&pinned->counts, pfn);
	unpin_user_pages_dirty_lock(&page, 1, count & WRITTEN);
	return true;
}

long pinned_get(struct pinned *pinned, unsigned long address, unsigned long number, bool written, struct page **pages)
{
	unsigned long entered = 0, fresh = 0;
	int error = 0;
	long got;

	got = port_guest_pin(pinned->mm, address, number, FOLL_LONGTERM | (written ? FOLL_WRITE : 0), pages);
	if (got < 0)
		return got;
	mutex_lock(&pinned->lock);
	while (entered < got && !error) {
		error = enter(pinned, pages[entered], written ? WRITTEN : 0, &fresh);
		entered += !error;
	}
	if (!error)
		error = charge(pinned, fresh, true);
	if (error) {
		unpin_user_pages(pages + entered, got - entered);
		while (entered--)
			leave(pinned, page_to_pfn(pages[entered]));
	}
	mutex_unlock(&pinned->lock);
	return error ? error : got;
}

void pinned_put(struct pinned *pinned, const unsigned long *pfns, unsigned long number)
{
	unsigned long left = 0;

	mutex_lock(&pinned->lock);
	for (unsigned long i = 0; i < number; i++)
		left += leave(pinned, pfns[i]);
	charge(pinned, left, false);
	mutex_unlock(&pinned->lock);
}
