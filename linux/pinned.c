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

/* Moves on to a frame, which is most often the next one. Its number of users, shifted. */
static unsigned long count_of(struct xa_state *xas, unsigned long pfn)
{
	void *entry;

	if (pfn == xas->xa_index + 1) {
		entry = xas_next(xas);
	} else if (pfn != xas->xa_index) {
		xas_set(xas, pfn);
		entry = xas_load(xas);
	} else {
		entry = xas_load(xas);
	}
	return entry ? xa_to_value(entry) : 0;
}

/*
 * Takes over one pin of each page, and counts in *fresh those that had none. Returns of how many:
 * of the rest the pins stay the caller's, since there is no memory.
 */
static unsigned long enter(struct pinned *pinned, struct page **pages, unsigned long number, unsigned long written, unsigned long *fresh)
{
	XA_STATE(xas, &pinned->counts, page_to_pfn(pages[0]));
	unsigned long entered = 0;

	do {
		xas_lock(&xas);
		for (; entered < number; entered++) {
			unsigned long count = count_of(&xas, page_to_pfn(pages[entered]));

			xas_store(&xas, xa_mk_value((count + ONE) | written));
			if (xas_error(&xas))
				break;
			if (count)
				unpin_user_page(pages[entered]);
			else
				(*fresh)++;
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL_ACCOUNT));
	return entered;
}

/* One user less of each frame. Returns how many have none any more. */
static unsigned long leave(struct pinned *pinned, const unsigned long *pfns, unsigned long number)
{
	XA_STATE(xas, &pinned->counts, number ? pfns[0] : 0);
	unsigned long left = 0;

	for (unsigned long i = 0; i < number; i++) {
		struct page *page = pfn_to_page(pfns[i]);
		unsigned long count;
		bool last;

		/* Nothing changes in between, and unpinning may sleep. */
		xas_lock(&xas);
		count = count_of(&xas, pfns[i]);
		last = count < 2 * ONE;
		xas_store(&xas, last ? NULL : xa_mk_value(count - ONE));
		xas_unlock(&xas);
		if (WARN_ON_ONCE(count < ONE) || !last)
			continue;
		unpin_user_pages_dirty_lock(&page, 1, count & WRITTEN);
		left++;
	}
	return left;
}

long pinned_get(struct pinned *pinned, unsigned long address, unsigned long number, bool written, struct page **pages)
{
	unsigned long entered, fresh = 0;
	int error;
	long got;

	got = port_guest_pin(pinned->mm, address, number, FOLL_LONGTERM | (written ? FOLL_WRITE : 0), pages);
	if (got < 0)
		return got;
	mutex_lock(&pinned->lock);
	entered = enter(pinned, pages, got, written ? WRITTEN : 0, &fresh);
	error = entered < got ? -ENOMEM : charge(pinned, fresh, true);
	if (error) {
		unpin_user_pages(pages + entered, got - entered);
		for (unsigned long i = 0; i < entered; i++) {
			unsigned long pfn = page_to_pfn(pages[i]);

			leave(pinned, &pfn, 1);
		}
	}
	mutex_unlock(&pinned->lock);
	return error ? error : got;
}

void pinned_put(struct pinned *pinned, const unsigned long *pfns, unsigned long number)
{
	mutex_lock(&pinned->lock);
	charge(pinned, leave(pinned, pfns, number), false);
	mutex_unlock(&pinned->lock);
}
