// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SVG. Colours are chosen so that what matters can be told apart without them as well: what may only be read is striped, what was released is an outline.
 */
#include "svg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The advance of a character in thousandths of its size: 602 in DejaVu Sans Mono and Menlo; no usual font of fixed width has more. */
#define ADVANCE 602

static const char style[] =
	"text{font-family:'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace;fill:#1f2933}"
	".title{font-weight:bold}.head{font-weight:bold}.soft{fill:#5b6776}.bad{fill:#b3261e;font-weight:bold}"
	".paper{fill:#fff;stroke:#c9d1da}.panel{fill:#fbfcfd;stroke:#d9dfe6}"
	".none{fill:#fff;stroke:#8794a3}.ground{fill:#e9edf2}.frame{fill:none;stroke:#8794a3}"
	".zoom{fill:#dfe6ee;fill-opacity:.55}.grid{stroke:#fff;stroke-opacity:.75;stroke-width:.6;fill:none}"
	".rule{stroke:#e1e6ec;fill:none}"
	".rw{fill:#2f6db3}.ro{fill:url(#ro);stroke:#b86e0b;stroke-width:.5}"
	".link-rw{fill:#2f6db3;fill-opacity:.2;stroke:#2f6db3;stroke-opacity:.45;stroke-width:.5}"
	".link-ro{fill:#d98a1f;fill-opacity:.16;stroke:#b86e0b;stroke-opacity:.8;stroke-width:.7;stroke-dasharray:3 2}"
	".link-mixed{fill:#6a7685;fill-opacity:.3;stroke:#4d5968;stroke-opacity:.5;stroke-width:.5}"
	".link-new{fill:#1f9d57;fill-opacity:.45;stroke:#12703b;stroke-width:.9}"
	".new{fill:#1f9d57;stroke:#12703b;stroke-width:.6}.gone{fill:#fff;stroke:#c62f24;stroke-width:1.2}"
	".span{fill:none;stroke:#1f2933;stroke-width:1.6}"
	".region{fill:#3f2673}.segment{fill:#7a4fc4}.page{fill:#b08fe6}"
	".low{fill:#2f6db3}.high{fill:#a9c6e6}.low2{fill:#3d7f79}.high2{fill:#b0d5d1}"
	".map{fill:#1f9d57}.unmap{fill:url(#unmap)}.both{fill:#8a6d3b}.same{fill:#c3ccd6}.whole{fill:#3f2673}"
	".curve-a{fill:none;stroke:#2f6db3;stroke-width:2}.curve-b{fill:none;stroke:#b86e0b;stroke-width:2}.curve-c{fill:none;stroke:#12703b;stroke-width:2}"
	".mark-a{fill:#2f6db3;stroke:#2f6db3}.mark-b{fill:#b86e0b;stroke:#b86e0b}.mark-c{fill:#12703b;stroke:#12703b}"
	".dashed{stroke-dasharray:7 4}.dotted{stroke-dasharray:2 4}"
	".fold{fill:url(#fold)}.full{fill:#d98a1f;stroke:#8a5200;stroke-width:.8}.error{stroke:#c62f24;stroke-width:2;fill:none}.state{fill:#5b6776}";

static const char patterns[] = "<pattern id=\"ro\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
			       "<rect width=\"6\" height=\"6\" fill=\"#fbe6c8\"/><rect width=\"3\" height=\"6\" fill=\"#c4740c\"/></pattern>"
			       "<pattern id=\"unmap\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
			       "<rect width=\"5\" height=\"5\" fill=\"#fff\"/><rect width=\"2.5\" height=\"5\" fill=\"#c62f24\"/></pattern>"
			       "<pattern id=\"fold\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
			       "<rect width=\"8\" height=\"8\" fill=\"#fff\" fill-opacity=\".6\"/><rect width=\"3\" height=\"8\" fill=\"#dfe4ea\"/></pattern>";

static void put_number(FILE *to, svg_tenths number)
{
	if (number < 0) {
		putc('-', to);
		number = -number;
	}
	fprintf(to, "%d", (int)(number / 10));
	if (number % 10)
		fprintf(to, ".%d", (int)(number % 10));
}

static void put_numbers(FILE *to, const char *before, svg_tenths x, svg_tenths y)
{
	fputs(before, to);
	put_number(to, x);
	putc(' ', to);
	put_number(to, y);
}

static void put_attribute(FILE *to, const char *name, svg_tenths number)
{
	fprintf(to, " %s=\"", name);
	put_number(to, number);
	putc('"', to);
}

static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		default:
			putc(*text >= ' ' && *text <= '~' ? *text : '?', to);
		}
	}
}

int svg_begin(struct svg *svg)
{
	*svg = (struct svg){ 0 };
	svg->body = open_memstream(&svg->text, &svg->bytes);
	return svg->body ? 0 : -ENOMEM;
}

static void put_picture(FILE *to, const struct svg *svg, svg_tenths height, const char *title, const char *description)
{
	fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", to);
	put_numbers(to, "", SVG_WIDTH, height);
	fputs("\" role=\"img\">\n<title>", to);
	put_escaped(to, title);
	fputs("</title>\n<desc>", to);
	put_escaped(to, description);
	fprintf(to, "</desc>\n<defs>%s<style>%s</style></defs>\n<rect class=\"paper\"", patterns, style);
	put_attribute(to, "x", SVG_PX(0) + 5);
	put_attribute(to, "y", SVG_PX(0) + 5);
	put_attribute(to, "width", SVG_WIDTH - 10);
	put_attribute(to, "height", height - 10);
	put_attribute(to, "rx", SVG_PX(8));
	fputs("/>\n", to);
	fwrite(svg->text, 1, svg->bytes, to);
	fputs("</svg>\n", to);
}

static int write_picture(const struct svg *svg, const char *path, svg_tenths height, const char *title, const char *description)
{
	bool standard = !strcmp(path, "-");
	FILE *to = standard ? stdout : fopen(path, "w");

	if (!to)
		return -errno;
	errno = 0;
	put_picture(to, svg, height, title, description);
	bool failed = ferror(to) || fflush(to);
	if (!standard && fclose(to))
		failed = true;
	return !failed ? 0 : errno ? -errno : -EIO;
}

int svg_finish(struct svg *svg, const char *path, svg_tenths height, const char *title, const char *description)
{
	bool failed = ferror(svg->body);

	failed = fclose(svg->body) || failed;
	int err = failed ? -ENOMEM : 0;
	if (path && !err)
		err = write_picture(svg, path, height, title, description);
	free(svg->text);
	return err;
}

svg_tenths svg_text_width(size_t characters, unsigned int pixels)
{
	return (svg_tenths)((characters * pixels * ADVANCE + 99) / 100);
}

void svg_text(struct svg *svg, const char *class, svg_tenths x, svg_tenths y, unsigned int pixels, enum svg_anchor anchor, const char *format, ...)
{
	static const char *const anchors[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!*text)
		return;
	fputs("<text", svg->body);
	if (*class)
		fprintf(svg->body, " class=\"%s\"", class);
	put_attribute(svg->body, "x", x);
	put_attribute(svg->body, "y", y);
	fprintf(svg->body, " font-size=\"%u\"%s>", pixels, anchors[anchor]);
	put_escaped(svg->body, text);
	fputs("</text>\n", svg->body);
}

void svg_rect(struct svg *svg, const char *class, svg_tenths x, svg_tenths y, svg_tenths width, svg_tenths height)
{
	fprintf(svg->body, "<rect class=\"%s\"", class);
	put_attribute(svg->body, "x", x);
	put_attribute(svg->body, "y", y);
	put_attribute(svg->body, "width", width);
	put_attribute(svg->body, "height", height);
	fputs("/>\n", svg->body);
}

void svg_path_begin(struct svg *svg, const char *class)
{
	fprintf(svg->body, "<path class=\"%s\" d=\"", class);
}

void svg_move(struct svg *svg, svg_tenths x, svg_tenths y)
{
	put_numbers(svg->body, "M", x, y);
}

void svg_line(struct svg *svg, svg_tenths x, svg_tenths y)
{
	put_numbers(svg->body, "L", x, y);
}

void svg_across(struct svg *svg, svg_tenths width)
{
	putc('h', svg->body);
	put_number(svg->body, width);
}

void svg_down(struct svg *svg, svg_tenths height)
{
	putc('v', svg->body);
	put_number(svg->body, height);
}

void svg_box(struct svg *svg, svg_tenths x, svg_tenths y, svg_tenths width, svg_tenths height)
{
	svg_move(svg, x, y);
	svg_across(svg, width);
	svg_down(svg, height);
	svg_across(svg, -width);
	svg_close(svg);
}

void svg_swing(struct svg *svg, svg_tenths x0, svg_tenths y0, svg_tenths x1, svg_tenths y1)
{
	svg_tenths middle = (y0 + y1) / 2;

	put_numbers(svg->body, "C", x0, middle);
	put_numbers(svg->body, " ", x1, middle);
	put_numbers(svg->body, " ", x1, y1);
}

void svg_close(struct svg *svg)
{
	putc('z', svg->body);
}

void svg_path_end(struct svg *svg, const char *title)
{
	if (!title) {
		fputs("\"/>\n", svg->body);
		return;
	}
	fputs("\"><title>", svg->body);
	put_escaped(svg->body, title);
	fputs("</title></path>\n", svg->body);
}

void svg_group_begin(struct svg *svg, const char *class)
{
	fprintf(svg->body, "<g class=\"%s\">\n", class);
}

void svg_group_end(struct svg *svg)
{
	fputs("</g>\n", svg->body);
}

svg_tenths svg_scale(uint64_t part, uint64_t whole, svg_tenths width)
{
	/* Widths have 14 bits. What is shifted out is less than a 2^40th of the whole. */
	while (whole >> 48) {
		whole >>= 1;
		part >>= 1;
	}
	return whole ? (svg_tenths)(part * (uint64_t)width / whole) : 0;
}
