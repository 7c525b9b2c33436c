/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream's structures in guest memory, from the stream table down to the last page table: what they say now, and what has changed in them since the last look.
 */
#ifndef VIOMMU_WATCH_SMMUV3_TABLES_H
#define VIOMMU_WATCH_SMMUV3_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "copies.h"
#include "guest_ram.h"
#include "lists.h"
#include "pages.h"

/* What is kept from one look to the next. */
struct tables {
	const struct guest_ram *ram;
	struct copies copies;	/* what was reported */
	struct changes changes; /* what was not handed on yet */
	unsigned int tables;	/* that this look has come to */
	bool changed;		/* this look has found a change */
	bool lost;		/* something was not looked at, or not kept: memory is short, or there is too much */
};

/* What the guest has configured, as its structures say it now. */
struct stream_look {
	bool translates; /* by stage 1 */
	uint16_t asid;
	unsigned int granule; /* bits, of TTB0 */
	uint64_t ttb;	      /* of TTB0 */
	struct pages pages;   /* that have valid entries, and lie in main memory */
};

/* The registers that stream tables hang on. */
struct stream_table {
	uint64_t base;
	uint32_t config;
};

/* Looks at one stream. The list of pages is used again. false if something is missing from it. */
bool tables_look(struct tables *tables, const struct stream_table *root, uint32_t sid, struct stream_look *look);

/* Reports that a doubleword of what is not guest memory now holds value. */
void tables_report(struct tables *tables, uint64_t gpa, uint64_t value);

#endif
