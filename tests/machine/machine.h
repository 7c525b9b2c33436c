/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One random machine: a VM with nested domains, and a guest that attacks it. Its operations are
 * taken from an input: a fuzzer's bytes, or a PRNG's. It writes tables, refreshes ranges, makes and
 * destroys domains, moves devices, changes slots and budgets, and lets calls to the host and
 * allocations fail.
 *
 * It knows no guest IOMMU. A format of tables is a struct machine_format: how an input registers
 * and writes tables, and what a reference that shares no code with the library reads in them.
 *
 * For each domain there is a model: the pages that it must translate. After each operation
 *
 *  - a domain reports the pages of the model, in maximal runs; a range that was refreshed is what
 *    the reference reads in the tables;
 *  - the host reaches those pages and no other, with the right rights; nothing that was removed is
 *    left unflushed;
 *  - what is charged is 4096 bytes for each page that any domain names, counted once, or all slots;
 *  - a refresh says what it has done, and its fault is the malformed entry with the lowest IOVA;
 *  - "insufficient resources" is said only where something does not fit, never on an exact fit.
 *
 * Where something has failed, or the host holds few mappings, or limits may have been met, a page
 * may be absent instead; but none is stale or elsewhere.
 *
 * Hosts: soft, and the mock host, which removes whole mappings alone, or splits, or holds few. A
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

/* What a domain is made of. format: the format's own. */
struct machine_tables {
	uint64_t first, last; /* IOVAs, whole pages */
	_Alignas(8) unsigned char format[112];
};

struct machine;

struct machine_format {
	/* Where the VM's limits are those by default: no more than this is looked at in a refresh. */
	struct model_limits ample;
	uint64_t refresh_entries; /* else: the VM's limit, or about that */
	bool little;
	bool loose;	/* how refreshes count is not judged */
	uint64_t valid; /* the bit of a lowest entry that makes it valid, or invalid */

	/*
	 * A registration. False: there is no such one, and the library must answer -EINVAL. honest:
	 * it names tables that it may name.
	 */
	bool (*take)(struct machine *machine, struct input *input, bool honest, struct machine_tables *tables);
	int (*create)(struct machine *machine, const struct machine_tables *tables, struct viommu_refresh_result *result, struct viommu_domain **domain);
	/*
	 * An IOVA that is more likely than others to be translated. tables: of a domain, or zeros.
	 */
	uint64_t (*take_iova)(const struct machine *machine, const struct machine_tables *tables, struct input *input);

	/*
	 * Writes an entry, or a few; makes a way through tables to some pages, as a guest does that
	 * maps them.
	 */
	void (*write)(struct world *world, struct input *input);
	void (*map)(struct machine *machine, const struct machine_tables *tables, struct input *input);

	struct naive_answer (*walk)(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t iova);
	void (*find)(const struct naive_memory *memory, const struct machine_tables *tables, uint64_t first, uint64_t last, const struct model_limits *limits,
		     struct model_found *found);
};
extern const struct machine_format machine_zpci, machine_arm64;

/* A domain, with a device of its own through which its translations are seen. */
struct subject {
	struct viommu_domain *domain;
	struct machine_tables tables;
	struct mock_space *space; /* NULL: soft */
	struct viommu_device *device;
	struct viommu_reader *reader;
	struct model_list model;  /* what it must translate */
	struct model_list before; /* what it translated at the last check */
	bool lossy;		  /* the host failed to remove something: it may have lost what is reported */
};

struct machine {
	const struct machine_format *format;
	struct world *world;
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock; /* NULL: the host is soft */
	struct viommu_vm_config config;
	struct fake_tracker tracker; /* that the VM has, if world->tracker is it */
	bool qemu;
	bool few;      /* the mock host holds few mappings */
	bool ample;    /* the VM's limits are those by default */
	bool calm;     /* nothing is to fail, and there is no direct domain */
	bool short_of; /* the budget changes */
	bool repairs;  /* after a fault, the guest makes the malformed entry invalid */
	struct subject subject[SUBJECTS];
	struct viommu_domain *direct;
	struct viommu_device *device[DEVICES];
	struct viommu_reader *reader[DEVICES];
	int at[DEVICES]; /* a subject, -1: nothing, -2: the direct domain */
	bool failing;	 /* something is to fail in this operation, or did since all was well */
	unsigned int operation;
};

/* What a run of many inputs has seen, so that it can be checked that it has seen something. */
struct machine_seen {
	uint64_t operations, refreshes, ok, faults, insufficient, failed, exact, exact_fits, too_large, pages, unbacked, translated, refused, walks, domains,
		slots, tracked;
};
extern struct machine_seen machine_seen;
void machine_summary(void);

/*
 * One input: its first bytes say what kind of machine it is. At the end nothing fails, refreshes
 * make everything true, and nothing is left charged or allocated.
 */
void machine_run(const struct machine_format *format, struct input *input);

/*
 * judge.c: a refresh of first..last is looked ahead at, carried out, and judged; so is the making
 * of a domain.
 */
void judge_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, bool again);
/*
 * The same on a host that fails meanwhile, and a page that is written before and after, if toggle.
 */
void judge_failing_refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last, unsigned int kind, uint64_t toggle);
/* False: there is no domain. */
bool judge_create(struct machine *machine, struct subject *subject, bool valid);

/* What is charged if a subject's list is `list` and the others' are as they are. */
uint64_t judge_charge(struct machine *machine, const struct subject *subject, const struct model_list *list);
/* The budget that a refresh of everything needs, exactly; false if the tables are too large. */
bool judge_need(struct machine *machine, struct subject *subject, uint64_t *bytes);

/* check.c: everything is compared; or one thing. */
void machine_check(struct machine *machine);
void machine_check_range(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last);
void machine_check_walk(struct machine *machine, const struct subject *subject, uint64_t iova);
void machine_check_translate(struct machine *machine, unsigned int device, uint64_t iova, uint64_t bytes, uint32_t access, unsigned int most);
/* Whether domains are exactly what the model says. */
bool machine_is_exact(const struct machine *machine);
/* What a domain reports in a range, added to an empty list. */
void machine_look(const struct subject *subject, uint64_t first, uint64_t last, struct model_list *list);
struct viommu_vm_stats machine_stats(const struct machine *machine);
uint64_t machine_guest_bytes(const struct machine *machine);
enum viommu_fault_reason machine_reason(enum naive_outcome outcome);
void machine_drop(struct machine *machine, struct subject *subject);

#endif
