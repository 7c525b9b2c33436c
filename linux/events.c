/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events of a container. New ones are dropped and counted when the queue is full. The queue
 * outlives its container for as long as a file refers to it.
 */
#include <linux/anon_inodes.h>
#include <linux/kfifo.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "guest/common/shortage.h"
#include "machine.h"

struct events {
	refcount_t users;
	wait_queue_head_t readers;
	spinlock_t lock; /* of all below; taken under the core's locks */
	bool ended;
	u32 lost;
	DECLARE_KFIFO(queue, struct vfio_viommu_event, VFIO_VIOMMU_EVENTS_KEPT);
};

static void put(struct events *events)
{
	if (refcount_dec_and_test(&events->users))
		kvfree(events);
}

static void add(struct group *group, struct vfio_viommu_event *event)
{
	struct events *events = smp_load_acquire(&group->container->events);

	if (!events)
		return;
	event->size = sizeof(*event);
	event->group = iommu_group_id(group->iommu_group);
	spin_lock(&events->lock);
	if (!kfifo_put(&events->queue, *event) && events->lost < U32_MAX)
		events->lost++;
	spin_unlock(&events->lock);
	wake_up_interruptible_poll(&events->readers, EPOLLIN | EPOLLRDNORM);
}

/* 1 with the next event, 0 at the end, or -EAGAIN. */
static int take(struct events *events, struct vfio_viommu_event *event)
{
	int taken;

	spin_lock(&events->lock);
	taken = kfifo_get(&events->queue, event) ? 1 : events->ended ? 0 : -EAGAIN;
	if (taken > 0) {
		event->lost = events->lost;
		events->lost = 0;
	}
	spin_unlock(&events->lock);
	return taken;
}

static ssize_t events_read(struct file *file, char __user *to, size_t bytes, loff_t *position)
{
	struct events *events = file->private_data;
	struct vfio_viommu_event event;
	ssize_t done = 0;
	int taken = 1;

	if (bytes < sizeof(event))
		return -EINVAL;
	while (bytes - done >= sizeof(event)) {
		taken = take(events, &event);
		if (taken == -EAGAIN && !done && !(file->f_flags & O_NONBLOCK) &&
		    wait_event_interruptible(events->readers, (taken = take(events, &event)) != -EAGAIN))
			return -ERESTARTSYS;
		if (taken <= 0)
			break;
		if (copy_to_user(to + done, &event, sizeof(event)))
			return done ? done : -EFAULT;
		done += sizeof(event);
	}
	return done ? done : taken;
}

static __poll_t events_poll(struct file *file, struct poll_table_struct *table)
{
	struct events *events = file->private_data;
	__poll_t ready;

	poll_wait(file, &events->readers, table);
	spin_lock(&events->lock);
	ready = (kfifo_is_empty(&events->queue) ? 0 : EPOLLIN | EPOLLRDNORM) | (events->ended ? EPOLLHUP : 0);
	spin_unlock(&events->lock);
	return ready;
}

static int events_release(struct inode *inode, struct file *file)
{
	put(file->private_data);
	return 0;
}

static const struct file_operations file_ops = {
	.owner = THIS_MODULE,
	.read = events_read,
	.poll = events_poll,
	.release = events_release,
};

/* Translations that removed memory takes away. Others are removed on request. */
static void removed(void *ctx, uint64_t first, uint64_t last)
{
	struct group *group = ctx;
	struct vfio_viommu_event event = { .type = VFIO_VIOMMU_EVENT_REVOKED, .first = first, .last = last };

	if (READ_ONCE(group->container->unmapping) == current)
		add(group, &event);
}

void events_watch(struct group *group)
{
	if (!group->container->events)
		return;
	viommu_device_set_notifier(group->device, VIOMMU_NO_PASID, removed, group);
	if (group->machine)
		viommu_device_set_notifier(group->machine->type->device(group->machine_device), VIOMMU_NO_PASID, removed, group);
}

void events_unseen(struct viommu_host *host, u64 first, u64 last, int error, const struct viommu_refresh_result *result)
{
	struct vfio_viommu_event event = { .type = VFIO_VIOMMU_EVENT_UNATTACHED, .first = first, .last = last };

	event.status = guest_is_shortage(error) ? VFIO_VIOMMU_REFRESH_INSUFFICIENT
		       : error == -EFAULT	? VFIO_VIOMMU_REFRESH_MALFORMED
						: VFIO_VIOMMU_REFRESH_FAILED;
	if (result) {
		event.type = VFIO_VIOMMU_EVENT_REFRESH;
		domain_outcome(&event.outcome, result);
	}
	add(group_of_host(host), &event);
}

long events_open(struct container *container)
{
	struct events *events = container->events;
	struct group *group;
	int fd;

	if (!events) {
		events = kvzalloc(sizeof(*events), GFP_KERNEL_ACCOUNT);
		if (!events)
			return -ENOMEM;
		refcount_set(&events->users, 1);
		init_waitqueue_head(&events->readers);
		spin_lock_init(&events->lock);
		INIT_KFIFO(events->queue);
		smp_store_release(&container->events, events);
		list_for_each_entry (group, &container->groups, in_container)
			events_watch(group);
	}
	refcount_inc(&events->users);
	fd = anon_inode_getfd("[viommu-events]", &file_ops, events, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		put(events);
	return fd;
}

void events_end(struct container *container)
{
	struct events *events = container->events;

	if (!events)
		return;
	spin_lock(&events->lock);
	events->ended = true;
	spin_unlock(&events->lock);
	wake_up_interruptible_poll(&events->readers, EPOLLHUP);
	put(events);
}
