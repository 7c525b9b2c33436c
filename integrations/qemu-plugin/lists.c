/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lists.h"

#include <errno.h>
#include <stdlib.h>

int changes_add(struct changes *changes, uint64_t gpa, uint64_t value)
{
	struct capture_mem *last = changes->count ? &changes->list[changes->count - 1] : NULL;

	if (last && last->value == value && gpa == last->gpa + last->count * 8 && last->count < CAPTURE_MAX_COUNT) {
		last->count++;
		return 0;
	}
	if (changes->count == changes->room) {
		size_t room = changes->room ? changes->room * 2 : 16;
		struct capture_mem *list = reallocarray(changes->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		changes->list = list;
		changes->room = room;
	}
	changes->list[changes->count++] = (struct capture_mem){ .gpa = gpa, .value = value, .count = 1 };
	return 0;
}

int answers_add(struct answers *answers, uint64_t iova, uint64_t gpa, uint32_t prot, uint64_t count)
{
	struct capture_page *last = answers->count ? &answers->list[answers->count - 1] : NULL;
	uint64_t length = last ? last->count * CAPTURE_PAGE_SIZE : 0;

	if (last && last->iova + length == iova && last->gpa + length == gpa && last->prot == prot) {
		last->count += count;
		return 0;
	}
	if (answers->count == answers->room) {
		size_t room = answers->room ? answers->room * 2 : 16;
		struct capture_page *list = reallocarray(answers->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		answers->list = list;
		answers->room = room;
	}
	answers->list[answers->count++] = (struct capture_page){ .iova = iova, .gpa = gpa, .prot = prot, .count = count };
	return 0;
}
