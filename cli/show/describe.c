// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The description of a capture: accumulated record by record, printed at the end. Each guest
 * IOMMU's file does this for its own part.
 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void add_note(struct description *description, const char *text)
{
	if (description->note_count < SHOW_NOTES) {
		char *copy = strdup(text);
		if (copy)
			description->notes[description->note_count++] = copy;
	}
}

static void add_slot(struct description *description, const struct capture_slot *slot)
{
	if (description->slot_count < SHOW_SLOTS)
		description->slots[description->slot_count++] = *slot;
}

static void add_time(struct description *description, const struct capture_time *time)
{
	if (!time->known)
		return;
	if (!description->timed || time->ns < description->first_ns)
		description->first_ns = time->ns;
	if (!description->timed || time->ns > description->last_ns)
		description->last_ns = time->ns;
	description->timed = true;
}

void describe(struct description *description, const struct capture_record *record)
{
	description->kinds[record->kind]++;
	switch (record->kind) {
	case CAPTURE_NOTE:
		add_note(description, record->note.text);
		break;
	case CAPTURE_SLOT:
		add_slot(description, &record->slot);
		break;
	case CAPTURE_MEM:
		description->doublewords += record->mem.count;
		break;
	case CAPTURE_PAGE:
		description->oracle_pages += record->page.count;
		break;
	default:
		break;
	}
	if (capture_is_operation(record->kind))
		add_time(description, &record->time);
	description->iommu->add(description->own, description->guest, record);
}

static void print_records(const struct description *description)
{
	printf("  %s%-11s%s", cli_colour(stdout, CLI_DIM), "records", cli_colour(stdout, CLI_PLAIN));
	for (unsigned int kind = CAPTURE_NOTE; kind < CAPTURE_KINDS; kind++) {
		if (description->kinds[kind])
			printf(" %s %s", cli_count(description->kinds[kind]), capture_keyword((enum capture_kind)kind));
	}
	putchar('\n');
}

void print_description(struct description *description, const char *path, const struct capture_reader *reader, bool incomplete)
{
	const char *name = capture_guest_name(description->guest);
	uint64_t done, total;

	capture_reader_position(reader, &done, &total);
	fputs(cli_colour(stdout, CLI_BOLD), stdout);
	cli_put_text(stdout, path);
	printf("%s: capture version %u of %s %s guest, %s%s%s\n", cli_colour(stdout, CLI_PLAIN), capture_version(description->guest),
	       strchr("aeiou", *name) || !strncmp(name, "s", 1) ? "an" : "a", name, cli_bytes(total ? total : done),
	       capture_reader_is_compressed(reader) ? " compressed" : "", incomplete ? ", INCOMPLETE" : "");
	for (unsigned int i = 0; i < description->note_count; i++) {
		cli_line("note", CLI_PLAIN, "%s", description->notes[i]);
		free(description->notes[i]);
	}
	if (description->kinds[CAPTURE_NOTE] > description->note_count)
		cli_line("", CLI_PLAIN, "and %s", cli_count_of(description->kinds[CAPTURE_NOTE] - description->note_count, "more note", "more notes"));
	for (unsigned int i = 0; i < description->slot_count; i++)
		cli_line("memory", CLI_PLAIN, "0x%" PRIx64 "..0x%" PRIx64 " %s, %s", description->slots[i].gpa,
			 description->slots[i].gpa + (description->slots[i].bytes - 1), capture_rights_name(description->slots[i].prot),
			 cli_bytes(description->slots[i].bytes));
	if (description->kinds[CAPTURE_SLOT] > description->slot_count)
		cli_line("", CLI_PLAIN, "and %s", cli_count_of(description->kinds[CAPTURE_SLOT] - description->slot_count, "more slot", "more slots"));
	description->iommu->print(description->own);
	print_records(description);
	cli_line("stores", CLI_PLAIN, "%s", cli_count_of(description->doublewords, "doubleword", "doublewords"));
	if (description->iommu->print_answers)
		description->iommu->print_answers(description->own);
	if (description->kinds[CAPTURE_ORACLE])
		cli_line("oracle", CLI_PLAIN, "%s with %s", cli_count_of(description->kinds[CAPTURE_ORACLE], "answer", "answers"),
			 cli_count_of(description->oracle_pages, "page", "pages"));
	if (description->timed)
		cli_line("time", CLI_PLAIN, "%s from the first operation to the last",
			 cli_seconds((double)(description->last_ns - description->first_ns) * 1e-9));
}
