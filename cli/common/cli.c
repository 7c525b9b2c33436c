// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Common to the subcommands: error messages, parsing and formatting of numbers, colours.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The length of a printable character; 0 if it is not printable. Strict UTF-8, without the controls
 * from U+0080 to U+009F.
 */
static size_t printable(const unsigned char *text)
{
	static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	size_t bytes = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;

	if (bytes < 2)
		return bytes && text[0] >= ' ' && text[0] != 0x7f;
	uint32_t code = text[0] & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	return code >= least[bytes] && code <= 0x10ffff && code >> 11 != 0x1b ? bytes : 0;
}

void cli_put_text(FILE *to, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t bytes = printable(at);
		if (bytes)
			fwrite(at, 1, bytes, to);
		else
			fprintf(to, "\\x%02x", *at);
		at += bytes ? bytes : 1;
	}
}

static void put_formatted(FILE *to, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	cli_put_text(to, text);
	free(text);
}

void cli_complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("viommu: ", stderr);
	va_start(args, format);
	put_formatted(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* An unsigned number. *end is the first character after it. */
static bool parse_number(const char *text, uint64_t *out, char **end)
{
	if (text[0] < '0' || text[0] > '9')
		return false;
	int base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
	errno = 0;
	unsigned long long value = strtoull(text, end, base);
	*out = value;
	return !errno && *end != text && value <= UINT64_MAX;
}

bool cli_parse_count(const char *text, uint64_t *out)
{
	char *end;

	return parse_number(text, out, &end) && !*end;
}

bool cli_parse_size(const char *text, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	uint64_t value;
	char *end;

	if (!parse_number(text, &value, &end))
		return false;
	if (*end) {
		const char *suffix = strchr(suffixes, *end >= 'a' && *end <= 'z' ? *end - 'a' + 'A' : *end);
		if (!suffix)
			return false;
		unsigned int shift = 10 * (unsigned int)(suffix - suffixes + 1);
		if (end[1] && strcmp(end + 1, "iB"))
			return false;
		if (value > UINT64_MAX >> shift)
			return false;
		value <<= shift;
	}
	*out = value;
	return true;
}

#define TEXTS	   16
#define TEXT_BYTES 64

static char *next_text(void)
{
	static char texts[TEXTS][TEXT_BYTES];
	static unsigned int next;

	return texts[next++ % TEXTS];
}

const char *cli_count(uint64_t count)
{
	char digits[24];
	char *text = next_text();
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = text;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

const char *cli_count_of(uint64_t count, const char *one, const char *more)
{
	char *text = next_text(), number[32];

	snprintf(number, sizeof(number), "%.31s", cli_count(count));
	snprintf(text, TEXT_BYTES, "%s %s", number, count == 1 ? one : more);
	return text;
}

const char *cli_bytes(uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	char *text = next_text();

	while (unit < 6 && bytes >> (10 * unit) >= 1024)
		unit++;
	double value = (double)bytes / (double)(UINT64_C(1) << (10 * unit));
	bool whole = !(bytes & ((UINT64_C(1) << (10 * unit)) - 1));
	snprintf(text, TEXT_BYTES, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

const char *cli_seconds(double seconds)
{
	char *text = next_text();

	if (seconds < 1e-3)
		snprintf(text, TEXT_BYTES, "%.0f us", seconds * 1e6);
	else if (seconds < 1)
		snprintf(text, TEXT_BYTES, "%.1f ms", seconds * 1e3);
	else
		snprintf(text, TEXT_BYTES, "%.2f s", seconds);
	return text;
}

const char *cli_colour(FILE *stream, enum cli_colour colour)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[1;32m", "\033[1;31m", "\033[1;33m" };
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if ((no_color && *no_color) || !term || !strcmp(term, "dumb") || !isatty(fileno(stream)))
		return "";
	return codes[colour];
}

void cli_line(const char *label, enum cli_colour colour, const char *format, ...)
{
	va_list args;

	printf("  %s%-11s%s ", cli_colour(stdout, CLI_DIM), label, cli_colour(stdout, CLI_PLAIN));
	fputs(cli_colour(stdout, colour), stdout);
	va_start(args, format);
	put_formatted(stdout, format, args);
	va_end(args);
	puts(cli_colour(stdout, CLI_PLAIN));
}

bool cli_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	cli_complain("standard output: %s", strerror(errno));
	return false;
}

void *cli_room(void *array, size_t count, size_t *capacity, size_t bytes)
{
	size_t more = *capacity ? *capacity * 2 : 64;

	if (count < *capacity)
		return array;
	array = reallocarray(array, more, bytes);
	if (array)
		*capacity = more;
	return array;
}
