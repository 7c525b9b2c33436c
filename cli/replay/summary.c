// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The summary for people: the verdict first, then the operations, the comparisons, and unusual
 * events, if there were any.
 */
#include "replay.h"

#include <string.h>

bool replay_agrees(const struct replay_counts *counts)
{
	return !counts->oracle_mismatches && !counts->answer_mismatches && !counts->refused && !counts->invariant_violations && !counts->dma_wrong;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_answers(struct replay_answers *total, const struct replay_answers *answers)
{
	total->count += answers->count;
	for (unsigned int i = 0; i < 4; i++)
		total->cc[i] += answers->cc[i];
	for (unsigned int i = 0; i < 256; i++)
		total->status[i] += answers->status[i];
	for (unsigned int i = 0; i < REPLAY_MAX_CODES && answers->exceptions[i].count; i++) {
		for (unsigned int j = 0; j < REPLAY_MAX_CODES; j++) {
			if (total->exceptions[j].count && total->exceptions[j].code != answers->exceptions[i].code)
				continue;
			total->exceptions[j].code = answers->exceptions[i].code;
			total->exceptions[j].count += answers->exceptions[i].count;
			break;
		}
	}
}

/* Sums; of peaks, the highest. */
void replay_counts_add(struct replay_counts *total, const struct replay_counts *counts)
{
	for (unsigned int i = 0; i < REPLAY_IOMMUS; i++) {
		total->of[i] = total->of[i] || counts->of[i];
		for (unsigned int n = 0; n < REPLAY_MAX_INSTRUCTIONS; n++)
			add_answers(&total->answers[i][n], &counts->answers[i][n]);
	}
	total->operations += counts->operations;
	total->refreshes += counts->refreshes;
	total->global_refreshes += counts->global_refreshes;
	total->make_room_refreshes += counts->make_room_refreshes;
	total->pages_established += counts->pages_established;
	total->pages_released += counts->pages_released;
	total->mapped_pages += counts->mapped_pages;
	if (counts->mapped_pages_peak > total->mapped_pages_peak)
		total->mapped_pages_peak_operation = counts->mapped_pages_peak_operation;
	total->mapped_pages_peak = larger(total->mapped_pages_peak, counts->mapped_pages_peak);
	total->pinned_bytes += counts->pinned_bytes;
	total->pinned_bytes_peak = larger(total->pinned_bytes_peak, counts->pinned_bytes_peak);
	total->shadow_bytes_peak = larger(total->shadow_bytes_peak, counts->shadow_bytes_peak);
	total->guest_bytes = larger(total->guest_bytes, counts->guest_bytes);
	total->insufficient_resources += counts->insufficient_resources;
	total->exceptions += counts->exceptions;
	total->events += counts->events;
	total->skipped += counts->skipped;
	total->refused += counts->refused;
	total->left += counts->left;
	total->commands += counts->commands;
	total->invalidations += counts->invalidations;
	total->configurations += counts->configurations;
	total->command_errors += counts->command_errors;
	total->accesses += counts->accesses;
	total->misses += counts->misses;
	total->filled += counts->filled;
	total->answers_checked += counts->answers_checked;
	total->answers_short += counts->answers_short;
	total->answer_mismatches += counts->answer_mismatches;
	total->oracle_checks += counts->oracle_checks;
	total->oracle_pages += counts->oracle_pages;
	total->oracle_mismatches += counts->oracle_mismatches;
	total->oracle_missing += counts->oracle_missing;
	total->oracle_unbacked += counts->oracle_unbacked;
	total->invariant_checks += counts->invariant_checks;
	total->invariant_violations += counts->invariant_violations;
	total->soft_functions += counts->soft_functions;
	total->dma_functions += counts->dma_functions;
	total->dma_unwitnessed += counts->dma_unwitnessed;
	total->dma_pages += counts->dma_pages;
	total->dma_read_only += counts->dma_read_only;
	total->dma_protected += counts->dma_protected;
	total->dma_unmapped += counts->dma_unmapped;
	total->dma_unchecked += counts->dma_unchecked;
	total->dma_wrong += counts->dma_wrong;
	total->seconds += counts->seconds;
	total->library_seconds += counts->library_seconds;
	total->miss_seconds += counts->miss_seconds;
}

/* Pages that the oracle has within guest memory. */
static uint64_t expected_pages(const struct replay_counts *counts)
{
	return counts->oracle_pages - counts->oracle_unbacked;
}

/* The pages or operations that are missing for lack of room; empty if there are none. */
static void describe_missing(const struct replay_counts *counts, char *text, size_t bytes)
{
	*text = '\0';
	if (counts->oracle_missing)
		snprintf(text, bytes, "%s of %s missing, as there was no room", cli_count(counts->oracle_missing),
			 cli_count_of(expected_pages(counts), "page is", "pages are"));
	else if (counts->skipped)
		snprintf(text, bytes, "%s skipped, as a registration found no room", cli_count_of(counts->skipped, "operation was", "operations were"));
	else if (counts->answers_short)
		snprintf(text, bytes, "%s of %s found no room", cli_count(counts->answers_short),
			 cli_count_of(counts->answers_checked, "operation", "operations"));
}

/* The verdict in a few words. unread: a capture could not be read to its end. */
static void print_verdict(const struct replay_counts *counts, const char *name, bool unread, const char *behind)
{
	char missing[120], text[200] = "everything agrees";
	enum cli_colour colour = CLI_GREEN;

	describe_missing(counts, missing, sizeof(missing));
	if (!replay_agrees(counts)) {
		snprintf(text, sizeof(text), "DISAGREES");
		colour = CLI_RED;
	} else if (unread) {
		snprintf(text, sizeof(text), "INCOMPLETE; what could be read agrees%s%s", *missing ? ", but " : "", missing);
		colour = CLI_YELLOW;
	} else if (*missing) {
		snprintf(text, sizeof(text), "INCOMPLETE: %s%s", missing,
			 counts->oracle_missing && counts->oracle_missing == expected_pages(counts) ? "" : "; the rest agrees");
		colour = CLI_YELLOW;
	} else if (!counts->answers_checked && !counts->oracle_checks) {
		snprintf(text, sizeof(text), "carried out; it holds nothing to compare with");
		colour = CLI_BOLD;
	}
	printf("%s", cli_colour(stdout, CLI_BOLD));
	cli_put_text(stdout, name);
	printf("%s: %s%s%s%s\n", cli_colour(stdout, CLI_PLAIN), cli_colour(stdout, colour), text, cli_colour(stdout, CLI_PLAIN), behind);
}

void replay_summary_total(const struct replay_counts *total, unsigned int captures, bool unread)
{
	char name[40], behind[120];

	snprintf(name, sizeof(name), "all %u captures", captures);
	snprintf(behind, sizeof(behind), " (%s and %s compared)", cli_count_of(total->answers_checked, "answer", "answers"),
		 cli_count_of(total->oracle_pages, "page", "pages"));
	putchar('\n');
	print_verdict(total, name, unread, behind);
}

static void print_operations(const struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;
	const struct replay_iommu *iommu = replay->iommu;
	char text[200] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < iommu->instruction_count;) {
		const char *group = iommu->instructions[i].group;
		uint64_t count = 0;
		for (; i < iommu->instruction_count && !strcmp(iommu->instructions[i].group, group); i++)
			count += counts->answers[iommu->guest - 1][i].count;
		if (count && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used ? ", " : ": ", cli_count(count), group);
	}
	cli_line("operations", CLI_PLAIN, "%s in %s%s", cli_count(counts->operations), cli_seconds(counts->seconds), text);
}

static void print_shortage(const struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;

	if (!counts->insufficient_resources && !counts->oracle_missing && !counts->skipped)
		return;
	if (replay->iommu->accesses)
		cli_line("room", CLI_YELLOW, "insufficient %s; %s missing", cli_count_of(counts->insufficient_resources, "time", "times"),
			 cli_count_of(counts->oracle_missing, "page", "pages"));
	else
		cli_line("room", CLI_YELLOW, "insufficient %s; the guest made room %s; %s missing",
			 cli_count_of(counts->insufficient_resources, "time", "times"), cli_count_of(counts->make_room_refreshes, "time", "times"),
			 cli_count_of(counts->oracle_missing, "page", "pages"));
	if (counts->skipped)
		cli_line("", CLI_YELLOW, "%s skipped after a registration that found no room", cli_count_of(counts->skipped, "operation", "operations"));
}

static void print_findings(const struct replay_counts *counts)
{
	if (counts->answer_mismatches || counts->refused)
		cli_line("answers", CLI_RED, "%s of %s not as recorded, %s could not be carried out", cli_count(counts->answer_mismatches),
			 cli_count_of(counts->answers_checked, "answer is", "answers are"), cli_count_of(counts->refused, "operation", "operations"));
	else if (counts->answers_short)
		cli_line("answers", CLI_PLAIN, "%s compared, as recorded but for %s that found no room", cli_count(counts->answers_checked),
			 cli_count(counts->answers_short));
	else if (counts->answers_checked)
		cli_line("answers", CLI_PLAIN, "%s compared, all as recorded", cli_count(counts->answers_checked));
	if (counts->oracle_mismatches)
		cli_line("oracle", CLI_RED, "%s; %s with %s compared", cli_count_of(counts->oracle_mismatches, "page differs", "pages differ"),
			 cli_count_of(counts->oracle_checks, "answer", "answers"), cli_count_of(counts->oracle_pages, "page", "pages"));
	else if (counts->oracle_missing)
		cli_line("oracle", CLI_PLAIN, "%s with %s compared: %s missing, nothing else differs", cli_count_of(counts->oracle_checks, "answer", "answers"),
			 cli_count_of(counts->oracle_pages, "page", "pages"), cli_count_of(counts->oracle_missing, "page is", "pages are"));
	else if (counts->oracle_checks)
		cli_line("oracle", CLI_PLAIN, "%s with %s compared, nothing differs", cli_count_of(counts->oracle_checks, "answer", "answers"),
			 cli_count_of(counts->oracle_pages, "page", "pages"));
	if (counts->invariant_violations)
		cli_line("invariants", CLI_RED, "%s violated in %s checks", cli_count(counts->invariant_violations), cli_count(counts->invariant_checks));
	else
		cli_line("invariants", CLI_PLAIN, "hold in %s", cli_count_of(counts->invariant_checks, "check", "checks"));
}

/* Findings of the devices, and the functions that had one. */
static void print_devices(const struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;

	if (replay->options->host == REPLAY_SOFT)
		return;
	for (unsigned int i = 0; i < replay->devices_used; i++)
		cli_line(i ? "" : "host", CLI_PLAIN, "%s, %s", replay_host_name(replay->options->host), replay->options->devices[i]);
	if (replay->options->host == REPLAY_KERNEL)
		cli_line("", CLI_PLAIN, "compared by answers and by DMA, not with the oracle's translations");
	if (counts->soft_functions)
		cli_line("", CLI_YELLOW, "%s on the soft host alone: no device was left for them",
			 cli_count_of(counts->soft_functions, "function", "functions"));
	if (counts->dma_wrong)
		cli_line("by DMA", CLI_RED, "%s wrong; %s checked", cli_count_of(counts->dma_wrong, "thing is", "things are"),
			 cli_count_of(counts->dma_pages, "page", "pages"));
	else if (counts->dma_functions)
		cli_line("by DMA", CLI_PLAIN, "%s where they should, %s of them read-only; %s in vain",
			 cli_count_of(counts->dma_pages, "page leads", "pages lead"), cli_count(counts->dma_read_only),
			 cli_count_of(counts->dma_unmapped + counts->dma_protected, "write was tried", "writes were tried"));
	if (counts->dma_unwitnessed)
		cli_line("", CLI_YELLOW, "the map is the library's own, as the capture has no answer to all that changed it");
	if (counts->dma_unchecked)
		cli_line("", CLI_YELLOW, "%s not checked%s%s", cli_count_of(counts->dma_unchecked, "page", "pages"), *replay->dma_note ? ": " : "",
			 replay->dma_note);
	else if (*replay->dma_note)
		cli_line("", CLI_YELLOW, "%s", replay->dma_note);
}

void replay_summary(const struct replay *replay)
{
	const struct replay_counts *counts = &replay->counts;

	print_verdict(counts, replay->path, *replay->problem, replay->stopped ? " (stopped as asked)" : "");
	print_operations(replay);
	replay->iommu->summary(counts);
	if (replay->options->host == REPLAY_KERNEL)
		cli_line("mapped", CLI_PLAIN, "%s established; how many are mapped only the kernel knows",
			 cli_count_of(counts->pages_established, "page", "pages"));
	else
		cli_line("mapped", CLI_PLAIN, "%s at the end, %s at most; %s established, %s released", cli_bytes(counts->mapped_pages * VIOMMU_PAGE_SIZE),
			 cli_bytes(counts->mapped_pages_peak * VIOMMU_PAGE_SIZE), cli_count_of(counts->pages_established, "page", "pages"),
			 cli_count(counts->pages_released));
	if (replay->options->budget != VIOMMU_NO_LIMIT)
		cli_line("pinned", CLI_PLAIN, "%s at the end, %s at most; the budget is %s", cli_bytes(counts->pinned_bytes),
			 cli_bytes(counts->pinned_bytes_peak), cli_bytes(replay->options->budget));
	else
		cli_line("pinned", CLI_PLAIN, "%s at the end, %s at most; the guest has %s", cli_bytes(counts->pinned_bytes),
			 cli_bytes(counts->pinned_bytes_peak), cli_bytes(counts->guest_bytes));
	if (counts->events || counts->exceptions)
		cli_line("errors", CLI_PLAIN, "%s, %s", cli_count_of(counts->events, "event", "events"),
			 cli_count_of(counts->exceptions, "program exception", "program exceptions"));
	print_shortage(replay);
	print_findings(counts);
	print_devices(replay);
}
