/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One random machine: a VM with nested domains, and a guest that attacks it. Its operations are
 * taken from an input: a fuzzer's bytes, or a PRNG's. It writes tables, refreshes ranges, makes and
 * destroys domains, moves devices, changes slots and budgets, and lets calls to the host and
 * allocations fail.
 *
 * It knows no guest IOMMU. A format of tables is a struct machine_format: it registers and writes
 * tables as the input says, and has a reference that reads tables and shares no code with the
 * library.
 *
 * For each domain there is a model: the pages that it must translate. After each operation
 *
 * - a domain reports the pages of the model, in maximal runs; a range that was refreshed is as the
 *   reference reads it in the tables;
 * - the host reaches those pages and no other, with the right rights; nothing that was removed is
 *   left unflushed;
 * - 4096 bytes are charged for each page that any domain names, counted once, or all slots;
 * - a refresh reports its work, and its fault is the malformed entry with the lowest IOVA;
 * - "insufficient resources" is answered only where something does not fit, never on an exact fit.
 *
 * Where something has failed, or the host holds few mappings, or limits may have been met, a page
 * may be absent instead; but none is stale or elsewhere.
 *
 * Hosts: soft, and the mock host, which removes whole mappings only, or splits, or holds few. A
 * machine may have a tracker (viommu/tracking.h), which is exact, or reports too much, or fails.
 */
#ifndef TESTS_MACHINE_MACHINE_H
#define TESTS_MACHINE_MACHINE_H

#include "fake_tracker.h"
#include "mock_host.h"
#include "model.h"
#include "world.h"

#define SUBJECTS 3
#define DEVICES	 3

/* The data of a domain. format belongs to the format. */
struct machine_tables {
	uint64_t first, last; /* whole pages of IOVAs */
	_Alignas(8) unsigned char format[112];
};

struct machine;

struct machine_format {
	/* With the default limits of a VM: the maximum number of compared pages. */
	struct model_limits ample;
	uint64_t refresh_entries; /* otherwise: the VM's limit, or approximately that */
	bool little;
	bool loose;	/* the numbers of refreshes are not checked */
	uint64_t valid; /* the bit of a lowest-level entry that toggles its validity */

	/*
	 * A registration. False: it is illegal, and the library must return -EINVAL. honest: it
	 * names legal tables.
	 */
	bool (*take)(struct machine *machine, struct input *input, bool honest, struct machine_tables *tables);
	int (*create)(struct machine *machine, const struct machine_tables *tables, struct viommu_refresh_result *result, struct viommu_domain **domain);
	/* An IOVA that is likely to be translated. tables: of a domain, or zeros. */
	uint64_t (*take_iova)(const struct machine *machine, const struct machine_tables *tables, struct input *input);

	/*
	 * Writes one entry or a few. Or creates tables for some pages, like a guest that maps them.
	 */
	void (*write)(struct world *world, struct input *input);
	void (*map)(struct machine *machine, const struct machine_tables *tables, struct input *input);

	struct naive_answer (*walk)(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t iova);
	void (*find)(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		     struct model_found *found);
};
extern const struct machine_format machine_zpci, machine_arm64;

/* A domain, with a device of its own that shows its translations. */
struct subject {
	struct viommu_domain *domain;
	struct machine_tables tables;
	struct mock_space *space; /* NULL: soft */
	struct viommu_device *device;
	struct viommu_reader *reader;
	struct model_list model;  /* the expected translations */
	struct model_list before; /* the translations at the last check */
	/* the host failed to remove something, and may have lost reported pages */
	bool lossy;
};

struct machine {
	const struct machine_format *format;
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock; /* NULL: the host is soft */
	struct viommu_vm_config config;
	struct fake_tracker tracker; /* the VM's, if the tracker is world->tracker */
	bool qemu;
	bool few;      /* the mock host has room for few mappings */
	bool ample;    /* the VM's limits are the defaults */
	bool calm;     /* nothing fails, and there is no direct domain */
	bool short_of; /* the budget changes */
	bool repairs;  /* after a fault, the guest invalidates the malformed entry */
	struct subject subject[SUBJECTS];
	struct viommu_domain *direct;
	struct viommu_device *device[DEVICES];
	struct viommu_reader *reader[DEVICES];
	int at[DEVICES]; /* number of a subject, -1: none, -2: the direct domain */
	/* a failure is set for this operation, or was set since the last recovery */
	bool failing;
	unsigned int operation;
};

/* Sums over many inputs, to check that they test something. */
struct machine_seen {
	uint64_t operations, refreshes, ok, faults, insufficient, failed, exact, exact_fits, too_large, pages, unbacked, translated, refused, walks, domains,
		slots, tracked;
};
extern struct machine_seen machine_seen;
void machine_summary(void);

/*
 * Runs one input. Its first bytes select the kind of machine. At the end the failures stop,
 * refreshes make everything match the tables, and nothing is left charged or allocated.
 */
void machine_run(const struct machine_format *format, struct input *input);

/* judge.c: predicts, executes and judges a refresh of first..last, or the creation of a domain. */
void judge_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, bool again);
/* The same on a failing host. If toggle, a page is toggled before and after. */
void judge_failing_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, unsigned int kind, uint64_t toggle);
/* False: the domain does not exist. */
bool judge_create(struct machine *machine, struct subject *subject, bool valid);

/* The charge if a subject has the pages of `list`, and the others have theirs. */
uint64_t judge_charge(struct machine *machine, const struct subject *subject, const struct model_list *list);
/* The exact budget for a refresh of everything; false if the tables are too large. */
bool judge_need(struct machine *machine, struct subject *subject, uint64_t *bytes);

/* check.c: compares everything, or a part. */
void machine_check(struct machine *machine);
void machine_check_range(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last);
void machine_check_walk(struct machine *machine, const struct subject *subject, uint64_t iova);
void machine_check_translate(struct machine *machine, unsigned int device, uint64_t iova, uint64_t bytes, uint32_t access, unsigned int most);
/* Whether domains match the model exactly. */
bool machine_is_exact(const struct machine *machine);
/* Adds the pages that a domain reports in a range to an empty list. */
void machine_look(const struct subject *subject, uint64_t first, uint64_t last, struct model_list *list);
struct viommu_vm_stats machine_stats(const struct machine *machine);
uint64_t machine_guest_bytes(const struct machine *machine);
enum viommu_fault_reason machine_reason(enum naive_outcome outcome);
void machine_drop(struct machine *machine, struct subject *subject);

#endif
