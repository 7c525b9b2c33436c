/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words of a line, for parse.c. A word is taken at most once; the words that were not taken are
 * left over. The first error sticks, and later reads return zeros, so that a record's fields can be
 * read without a check after each.
 */
#ifndef VIOMMU_CAPTURE_WORDS_H
#define VIOMMU_CAPTURE_WORDS_H

#include <errno.h>

#include "internal.h"

#define WORDS_MAX   24
#define WORDS_SHOWN 40 /* characters of a word in a message */

struct words {
	unsigned int count;
	char *word[WORDS_MAX]; /* without the keyword; NULL once it was taken */
	struct capture_what *what;
	int err; /* the first error sticks */
};

#define WORDS_REFUSE(words, ...)                                  \
	do {                                                      \
		if (!(words)->err) {                              \
			capture_what((words)->what, __VA_ARGS__); \
			(words)->err = -EINVAL;                   \
		}                                                 \
	} while (0)

char *words_skip_blanks(char *text);

/* Cuts off a word: returns it, and moves *rest after it. NULL if there is none. */
char *words_cut(char **rest);

/* A number no greater than max. 0 on error. */
uint64_t words_number(struct words *words, const char *name, const char *text, uint64_t max);

/* One of the names in a list that ends in NULL: its index. */
unsigned int words_choice(struct words *words, const char *name, const char *text, const char *const *names);

/*
 * Takes the value of a key: NULL if it is missing, which is an error only for words_need() and its
 * users.
 */
const char *words_take(struct words *words, const char *key);
const char *words_need(struct words *words, const char *key);
uint64_t words_need_number(struct words *words, const char *key, uint64_t max);
uint64_t words_take_number(struct words *words, const char *key, uint64_t max, uint64_t otherwise);
unsigned int words_need_choice(struct words *words, const char *key, const char *const *names);

/* Positional words: takes the next one. */
const char *words_next(struct words *words, unsigned int *at, const char *name);
uint64_t words_next_number(struct words *words, unsigned int *at, const char *name);

#endif
