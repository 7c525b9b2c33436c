// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines to records. A line is cut into words; of the words key=value each kind of record takes those that it knows, and what is left over is an error.
 * Everything that is not given is at its default.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MAX_WORDS  24
#define WORD_SHOWN 40

struct words {
	unsigned int count;
	char *word[MAX_WORDS]; /* without the keyword; NULL once it was taken */
	struct capture_what *what;
	int err; /* the first error sticks */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

/* Cuts a word off: returns it, and moves *rest behind it. NULL if there is none. */
static char *cut_word(char **rest)
{
	char *word = skip_blanks(*rest);
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

#define REFUSE(words, ...)                                        \
	do {                                                      \
		if (!(words)->err) {                              \
			capture_what((words)->what, __VA_ARGS__); \
			(words)->err = -EINVAL;                   \
		}                                                 \
	} while (0)

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

/* A number no greater than max. 0 where there is an error. */
static uint64_t number(struct words *words, const char *name, const char *text, uint64_t max)
{
	uint64_t value = 0;

	if (!parse_number(text, &value))
		REFUSE(words, "%s: '%.*s' is not a number of at most 64 bits", name, WORD_SHOWN, text);
	else if (value > max)
		REFUSE(words, "%s: %.*s is greater than 0x%" PRIx64, name, WORD_SHOWN, text, max);
	return words->err ? 0 : value;
}

/* One of the names in a list that ends in NULL: its index. */
static unsigned int choice(struct words *words, const char *name, const char *text, const char *const *names)
{
	for (unsigned int i = 0; names[i]; i++) {
		if (!strcmp(text, names[i]))
			return i;
	}
	REFUSE(words, "%s: '%.*s' is not among the names that it may have", name, WORD_SHOWN, text);
	return 0;
}

/* Takes the value of a key; NULL if the key is not there. */
static const char *take(struct words *words, const char *key)
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

static const char *need(struct words *words, const char *key)
{
	const char *text = take(words, key);
	if (!text)
		REFUSE(words, "%s= is missing", key);
	return text;
}

static uint64_t need_number(struct words *words, const char *key, uint64_t max)
{
	const char *text = need(words, key);
	return text ? number(words, key, text, max) : 0;
}

static uint64_t take_number(struct words *words, const char *key, uint64_t max, uint64_t otherwise)
{
	const char *text = take(words, key);
	return text ? number(words, key, text, max) : otherwise;
}

static unsigned int need_choice(struct words *words, const char *key, const char *const *names)
{
	const char *text = need(words, key);
	return text ? choice(words, key, text, names) : 0;
}

static uint32_t need_fh(struct words *words)
{
	return (uint32_t)need_number(words, "fh", UINT32_MAX);
}

static const char *const prot_names[] = { "r", "rw", NULL };
static const uint32_t prots[] = { CAPTURE_R, CAPTURE_RW };

static void parse_slot(struct words *words, struct capture_slot *slot)
{
	slot->gpa = need_number(words, "gpa", UINT64_MAX);
	slot->bytes = need_number(words, "bytes", UINT64_MAX);
	slot->prot = prots[need_choice(words, "prot", prot_names)];
}

static void parse_function(struct words *words, struct capture_function *function)
{
	static const char *const states[] = { "reserved", "standby", "disabled", "enabled", NULL };

	function->fh = need_fh(words);
	function->fid = (uint32_t)need_number(words, "fid", UINT32_MAX);
	function->state = (enum capture_state)need_choice(words, "state", states);
	function->sdma = take_number(words, "sdma", UINT64_MAX, 0);
	function->edma = take_number(words, "edma", UINT64_MAX, 0);
	function->msia = take_number(words, "msia", UINT64_MAX, 0);
	function->dtsm = (uint8_t)take_number(words, "dtsm", UINT8_MAX, 0);
	function->pft = (uint8_t)take_number(words, "pft", UINT8_MAX, 0);
	function->no_refresh = !take_number(words, "refresh", 1, 1);
	function->relaxed = take_number(words, "relaxed", 1, 0);
}

/* Words that stand at their place: takes the next one. */
static const char *next(struct words *words, unsigned int *at, const char *name)
{
	if (*at < words->count) {
		const char *text = words->word[*at];
		words->word[(*at)++] = NULL;
		return text;
	}
	REFUSE(words, "%s is missing", name);
	return NULL;
}

static uint64_t next_number(struct words *words, unsigned int *at, const char *name)
{
	const char *text = next(words, at, name);
	return text ? number(words, name, text, UINT64_MAX) : 0;
}

static void parse_mem(struct words *words, struct capture_mem *mem)
{
	unsigned int at = 0;

	mem->gpa = next_number(words, &at, "address");
	mem->value = next_number(words, &at, "value");
	mem->count = at < words->count ? next_number(words, &at, "count") : 1;
}

static void parse_page(struct words *words, struct capture_page *page)
{
	unsigned int at = 0;

	page->iova = next_number(words, &at, "IOVA");
	page->gpa = next_number(words, &at, "guest address");
	const char *prot = next(words, &at, "r or rw");
	page->prot = prots[prot ? choice(words, "rights", prot, prot_names) : 0];
	page->count = at < words->count ? next_number(words, &at, "count") : 1;
}

static void parse_mpcifc(struct words *words, struct capture_mpcifc *mpcifc)
{
	mpcifc->fh = need_fh(words);
	mpcifc->oc = (uint8_t)need_number(words, "oc", UINT8_MAX);
	mpcifc->dmaas = (uint8_t)need_number(words, "dmaas", UINT8_MAX);
	mpcifc->pba = need_number(words, "pba", UINT64_MAX);
	mpcifc->pal = need_number(words, "pal", UINT64_MAX);
	mpcifc->iota = need_number(words, "iota", UINT64_MAX);
	mpcifc->fmt = (uint8_t)take_number(words, "fmt", UINT8_MAX, 0);
}

static void parse_rpcit(struct words *words, struct capture_rpcit *rpcit)
{
	rpcit->fh = need_fh(words);
	rpcit->start = need_number(words, "start", UINT64_MAX);
	rpcit->bytes = need_number(words, "bytes", UINT64_MAX);
}

static void parse_clp(struct words *words, struct capture_clp *clp)
{
	static const char *const ops[] = { "enable", "disable", NULL };

	clp->fh = need_fh(words);
	clp->op = need_choice(words, "op", ops) ? CAPTURE_CLP_DISABLE : CAPTURE_CLP_ENABLE;
	clp->to = (uint32_t)need_number(words, "to", UINT32_MAX);
}

static void parse_sclp(struct words *words, struct capture_sclp *sclp)
{
	static const char *const ops[] = { "configure", "deconfigure", NULL };

	sclp->fh = need_fh(words);
	sclp->op = need_choice(words, "op", ops) ? CAPTURE_SCLP_DECONFIGURE : CAPTURE_SCLP_CONFIGURE;
}

static void parse_answer(struct words *words, struct capture_answer *answer)
{
	const char *cc = take(words, "cc");
	const char *status = take(words, "status");
	const char *exception = take(words, "exception");

	if (cc && exception)
		REFUSE(words, "cc= and exception= exclude each other");
	if (status && !cc)
		REFUSE(words, "status= needs cc=1");
	if (cc) {
		answer->kind = CAPTURE_ANSWER_CC;
		answer->cc = (uint8_t)number(words, "cc", cc, 3);
		answer->has_status = status;
		answer->status = status ? (uint8_t)number(words, "status", status, UINT8_MAX) : 0;
	} else if (exception) {
		answer->kind = CAPTURE_ANSWER_EXCEPTION;
		answer->exception = (uint16_t)number(words, "exception", exception, UINT16_MAX);
	}
}

static void parse_time(struct words *words, struct capture_time *time)
{
	const char *text = take(words, "t");

	time->known = text;
	time->ns = text ? number(words, "t", text, UINT64_MAX) : 0;
}

static void parse_fields(struct words *words, struct capture_record *record)
{
	switch (record->kind) {
	case CAPTURE_SLOT:
		parse_slot(words, &record->slot);
		break;
	case CAPTURE_UNSLOT:
		record->unslot.gpa = need_number(words, "gpa", UINT64_MAX);
		break;
	case CAPTURE_FUNCTION:
		parse_function(words, &record->function);
		break;
	case CAPTURE_UNPLUG:
		record->unplug.fh = need_fh(words);
		break;
	case CAPTURE_MEM:
		parse_mem(words, &record->mem);
		break;
	case CAPTURE_MPCIFC:
		parse_mpcifc(words, &record->mpcifc);
		break;
	case CAPTURE_RPCIT:
		parse_rpcit(words, &record->rpcit);
		break;
	case CAPTURE_STPCIFC:
		record->stpcifc.fh = need_fh(words);
		record->stpcifc.dmaas = (uint8_t)take_number(words, "dmaas", UINT8_MAX, 0);
		break;
	case CAPTURE_CLP:
		parse_clp(words, &record->clp);
		break;
	case CAPTURE_SCLP:
		parse_sclp(words, &record->sclp);
		break;
	case CAPTURE_ORACLE:
		record->oracle.first = need_number(words, "first", UINT64_MAX);
		record->oracle.last = need_number(words, "last", UINT64_MAX);
		break;
	case CAPTURE_PAGE:
		parse_page(words, &record->page);
		break;
	case CAPTURE_END:
		record->end.operations = need_number(words, "operations", UINT64_MAX);
		break;
	case CAPTURE_NOTE:
		break;
	}
	if (record->kind == CAPTURE_MPCIFC || record->kind == CAPTURE_RPCIT || record->kind == CAPTURE_STPCIFC)
		parse_answer(words, &record->answer);
	if (capture_is_operation(record->kind))
		parse_time(words, &record->time);
}

static enum capture_kind find_kind(const char *keyword)
{
	for (unsigned int kind = CAPTURE_NOTE; kind < CAPTURE_KINDS; kind++) {
		if (!strcmp(keyword, capture_keyword((enum capture_kind)kind)))
			return (enum capture_kind)kind;
	}
	return 0;
}

static void refuse_left_over(struct words *words, const char *keyword)
{
	for (unsigned int i = 0; i < words->count; i++) {
		if (words->word[i])
			REFUSE(words, "%s: '%.*s' is unknown, or given twice, or one too many", keyword, WORD_SHOWN, words->word[i]);
	}
}

int capture_parse(char *line, struct capture_record *record, struct capture_what *what)
{
	struct words words = { .what = what };

	*record = (struct capture_record){ 0 };
	char *rest = skip_blanks(line);
	if (!*rest || *rest == '#')
		return 0;
	if (line[strlen(line) - 1] == '\r') {
		capture_what(what, "the line ends in a carriage return: a line ends in a line feed alone");
		return -EINVAL;
	}
	const char *keyword = cut_word(&rest);
	record->kind = find_kind(keyword);
	if (!record->kind) {
		capture_what(what, "unknown record '%.*s'", WORD_SHOWN, keyword);
		return -EINVAL;
	}
	if (record->kind == CAPTURE_NOTE) {
		record->note.text = rest;
		return 1;
	}
	for (char *word; (word = cut_word(&rest));) {
		if (words.count == MAX_WORDS) {
			capture_what(what, "%s: too many words", keyword);
			return -EINVAL;
		}
		words.word[words.count++] = word;
	}
	parse_fields(&words, record);
	refuse_left_over(&words, keyword);
	return words.err ? words.err : 1;
}
