// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words of a line of any record: cut at blanks, found by key or by position, and read as
 * numbers or as one of a few names.
 */
#include "words.h"

#include <inttypes.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

char *words_skip_blanks(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

char *words_cut(char **rest)
{
	char *word = words_skip_blanks(*rest);
	char *end = word;
	while (*end && !is_blank(*end))
		end++;
	*rest = end;
	if (end == word)
		return NULL;
	if (*end) {
		*end = '\0';
		*rest = end + 1;
	}
	return word;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool parse_number(const char *text, uint64_t *out)
{
	unsigned int base = 10;
	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	if (!*text)
		return false;
	uint64_t value = 0;
	for (; *text; text++) {
		unsigned int d = (unsigned int)digit(*text);
		if (d >= base || __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, d, &value))
			return false;
	}
	*out = value;
	return true;
}

uint64_t words_number(struct words *words, const char *name, const char *text, uint64_t max)
{
	uint64_t value = 0;

	if (!parse_number(text, &value))
		WORDS_REFUSE(words, "%s: '%.*s' is not a number of at most 64 bits", name, WORDS_SHOWN, text);
	else if (value > max)
		WORDS_REFUSE(words, "%s: %.*s is greater than 0x%" PRIx64, name, WORDS_SHOWN, text, max);
	return words->err ? 0 : value;
}

unsigned int words_choice(struct words *words, const char *name, const char *text, const char *const *names)
{
	for (unsigned int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	WORDS_REFUSE(words, "%s: '%.*s' is not among the names that it may have", name, WORDS_SHOWN, text);
	return 0;
}

const char *words_take(struct words *words, const char *key)
{
	size_t length = strlen(key);
	for (unsigned int i = 0; i < words->count; i++) {
		char *word = words->word[i];
		if (word && !strncmp(word, key, length) && word[length] == '=') {
			words->word[i] = NULL;
			return word + length + 1;
		}
	}
	return NULL;
}

const char *words_need(struct words *words, const char *key)
{
	const char *text = words_take(words, key);
	if (!text)
		WORDS_REFUSE(words, "%s= is missing", key);
	return text;
}

uint64_t words_need_number(struct words *words, const char *key, uint64_t max)
{
	const char *text = words_need(words, key);
	return text ? words_number(words, key, text, max) : 0;
}

uint64_t words_take_number(struct words *words, const char *key, uint64_t max, uint64_t otherwise)
{
	const char *text = words_take(words, key);
	return text ? words_number(words, key, text, max) : otherwise;
}

unsigned int words_need_choice(struct words *words, const char *key, const char *const *names)
{
	const char *text = words_need(words, key);
	return text ? words_choice(words, key, text, names) : 0;
}

const char *words_next(struct words *words, unsigned int *at, const char *name)
{
	if (*at < words->count) {
		const char *text = words->word[*at];
		words->word[(*at)++] = NULL;
		return text;
	}
	WORDS_REFUSE(words, "%s is missing", name);
	return NULL;
}

uint64_t words_next_number(struct words *words, unsigned int *at, const char *name)
{
	const char *text = words_next(words, at, name);
	return text ? words_number(words, name, text, UINT64_MAX) : 0;
}
