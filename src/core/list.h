/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A doubly linked list whose links live in its members. */
#ifndef VIOMMU_CORE_LIST_H
#define VIOMMU_CORE_LIST_H

#include <port_types.h>

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Appends all of `from`, which is empty then. */
static inline void list_append_all(struct list *head, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = head->prev;
	from->prev->next = head;
	head->prev->next = from->next;
	head->prev = from->prev;
	list_init(from);
}

#define list_member(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* The body may remove the member that it is at. */
#define list_each(head, type, member, it)                                                                                                        \
	for (type *it = list_member((head)->next, type, member), *next_##it = list_member(it->member.next, type, member); &it->member != (head); \
	     it = next_##it, next_##it = list_member(it->member.next, type, member))

#endif
