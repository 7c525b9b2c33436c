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

#define UNPINNED 32u /* pages that are unpinned at a time */

int pinned_init(struct pinned *pinned)
{
	if (!current->mm)
		return -EINVAL;
	mutex_init(&pinned->lock);
	words_init(&pinned->counts);
	mmgrab(current->mm);
	pinned->mm = current->mm;
	pinned->task = get_task_struct(current->group_leader);
	pinned->unlimited = capable(CAP_IPC_LOCK);
	return 0;
}

void pinned_destroy(struct pinned *pinned)
{
	WARN_ON_ONCE(pinned->charged);
	words_destroy(&pinned->counts);
	put_task_struct(pinned->task);
	mmdrop(pinned->mm);
	mutex_destroy(&pinned->lock);
}

/* A process that has ended has no limit any more. */
static int charge(struct pinned *pinned, unsigned long pages, bool more)
{
	bool own = current->mm == pinned->mm;
	int error = 0;

	if (!pages)
		return 0;
	if (own || mmget_not_zero(pinned->mm)) {
		mmap_write_lock(pinned->mm);
		error = __account_locked_vm(pinned->mm, pages, more, pinned->task, pinned->unlimited);
		mmap_write_unlock(pinned->mm);
		if (!own)
			mmput_async(pinned->mm);
	}
	if (error)
		return -ENOSPC;
	WRITE_ONCE(pinned->charged, pinned->charged + (more ? pages : -pages));
	return 0;
}

/*
 * Takes over one pin of each page, and counts in *fresh those that had none. Returns of how many:
 * of the rest the pins stay the caller's, since there is no memory.
 */
static unsigned long enter(struct pinned *pinned, struct page **pages, unsigned long number, unsigned long written, unsigned long *fresh)
{
	unsigned long entered = 0;

	for (; entered < number; entered++) {
		unsigned long pfn = page_to_pfn(pages[entered]), count = words_get(&pinned->counts, pfn);

		if (words_set(&pinned->counts, pfn, (count + ONE) | written))
			break;
		if (count)
			unpin_user_page(pages[entered]);
		else
			(*fresh)++;
	}
	return entered;
}

/* One user less of each frame. Returns how many have none any more. */
static unsigned long leave(struct pinned *pinned, const unsigned long *pfns, unsigned long number)
{
	struct page *pages[UNPINNED];
	unsigned long n = 0, left = 0;
	bool dirty = false;

	for (unsigned long i = 0; i < number; i++) {
		unsigned long count = words_get(&pinned->counts, pfns[i]);

		if (WARN_ON_ONCE(count < ONE))
			continue;
		if (count >= 2 * ONE) {
			words_set(&pinned->counts, pfns[i], count - ONE);
			continue;
		}
		words_set(&pinned->counts, pfns[i], 0);
		if (n == UNPINNED || (n && dirty != (count & WRITTEN))) {
			unpin_user_pages_dirty_lock(pages, n, dirty);
			n = 0;
		}
		dirty = count & WRITTEN;
		pages[n++] = pfn_to_page(pfns[i]);
		left++;
	}
	unpin_user_pages_dirty_lock(pages, n, dirty);
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
