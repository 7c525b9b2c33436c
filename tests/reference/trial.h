/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One trial: a VM of the library's and the guest that attacks it, with the model of what should come of that. See test_random.c.
 *
 * Each function here does one thing to the library, and to the model, or compares the two; on disagreement it says what it was and leaves the test.
 */
#ifndef TESTS_REFERENCE_TRIAL_H
#define TESTS_REFERENCE_TRIAL_H

#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/hosts.h>
#include <viommu/reader.h>
#include <viommu/vm.h>

#include "mock_host.h"
#include "model.h"
#include "world.h"

#define PAGE	 UINT64_C(4096)
#define SUBJECTS 3
#define UNITS	 3

/* The most that a VM with limits is ever allowed; the model gives up at more (refreshes.c). */
#define MOST_REFRESH_ENTRIES 100000

/* What a trial is about. */
struct mode {
	const char *name;
	unsigned int hostility;
	enum viommu_pin_policy pin;
	bool budgets; /* the pin budget is short now and then */
	bool limits;  /* so are memory and entries */
	bool qemu;
	bool whole;   /* a host that removes only whole mappings; else the soft one */
	bool entries; /* of which it holds few */
	bool failing; /* and which fails to remove some now and then */
};

/* A nested domain, and what it should be. */
struct subject {
	struct viommu_domain *domain;
	struct model_domain model;
};

/* A device, its reader, and the subject that it is attached to, -1 for none. */
struct unit {
	struct viommu_device *device;
	struct viommu_reader *reader;
	int at;
};

struct trial {
	const struct mode *mode;
	struct world world;
	struct fake_tracker tracker; /* that the VM has, if world.tracker is it */
	struct viommu_vm *vm;
	struct viommu_host *host;
	struct mock_host *mock;	  /* the same, if it is one */
	uint64_t lowest, highest; /* IOVAs of the host */
	uint64_t budget;
	struct subject subject[SUBJECTS];
	struct unit unit[UNITS];
	uint64_t pinned; /* what the model says now */
	bool stale;	 /* and has to say anew */
	uint64_t seed;
	unsigned int operation;
	char doing[256];
};

/* What the whole run saw, so that one can see that it saw something. */
struct trial_seen {
	uint64_t operations, refreshes, ok, faults, insufficient, exact_fits, too_large, pages, unbacked, translated, refused, walks, domains, slots, tracked;
};
extern struct trial_seen trial_seen;

/* Print each operation. */
extern bool trial_trace;

/* trial.c: saying what is done, what is wrong, and looking at the library. */
__attribute__((noreturn, format(printf, 2, 3))) void trial_disagree(struct trial *trial, const char *format, ...);
__attribute__((format(printf, 2, 3))) void trial_doing(struct trial *trial, const char *format, ...);
struct viommu_vm_stats trial_vm_stats(const struct trial *trial);
uint64_t trial_guest_bytes(const struct trial *trial);
uint32_t trial_reason_of(enum naive_outcome outcome);

/* What is charged if a subject's list is list and the others' are as they are. */
uint64_t trial_charge(struct trial *trial, unsigned int subject, const struct model_list *list);

/* The pages that a subject's domain reports. */
void trial_look(struct trial *trial, unsigned int s, struct model_list *list);

/* The pages of a subject in first..last are those of the model; and everything is. */
void trial_check_pages(struct trial *trial, unsigned int s, uint64_t first, uint64_t last);
void trial_check(struct trial *trial);

/*
 * Resources were short: what is there now must be what was there, outside first..last, and what the tables say or nothing, inside. The model takes over what
 * the library chose. Returns how many pages outside are gone: that can only be where a mapping had to be taken apart, and the host had no entry for the rest.
 */
uint64_t trial_adopt(struct trial *trial, unsigned int s, uint64_t first, uint64_t last);

/* refreshes.c: domains and what they follow. */
void trial_create(struct trial *trial, unsigned int s);
void trial_create_refused(struct trial *trial);
void trial_refresh(struct trial *trial, unsigned int s, uint64_t first, uint64_t last);
void trial_make_room(struct trial *trial, unsigned int s);
void trial_refresh_failing(struct trial *trial, unsigned int s);
void trial_forget(struct trial *trial, unsigned int s);

/* readers.c: what devices reach. */
void trial_change_attachment(struct trial *trial);
void trial_translate(struct trial *trial);
void trial_walk(struct trial *trial, unsigned int s);

/* After a refresh of a subject: what was there before, and what is there now. */
void trial_probe_lists(struct trial *trial, unsigned int s, const struct model_list *before);

/* All that is there now, if there is a device for it. */
void trial_probe_all(struct trial *trial, unsigned int s);

#endif
